"""The catalogue: every metric's ``metric.toml``, read once and checked.

Here: what a metric must say of itself, and the errors when it does not.
Not here: its query (``facts.sql`` beside it) or how cells come about (transforms).
"""

import difflib
import hashlib
import json
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, Field, asdict, dataclass, field, fields, is_dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, Literal, TypeVar, cast, get_args

Direction = Literal["higher_is_better", "lower_is_better", "neutral", "load"]
Statistic = Literal["share", "median", "rate", "minutes", "sum", "distinct", "effective_number", "goal"]
TeamValue = Literal["pooled", "own_cases"]
Otherwise = Literal["insufficient", "suppressed"]
Distinct = Literal["cluster_id", "contributor_id"]
T = TypeVar("T")


class CatalogueError(Exception):
    """A metric's file does not say what it must."""


class UnknownMetricError(KeyError):
    """No metric of that name; the message names the nearest."""

    def __str__(self) -> str:
        return str(self.args[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """A figure that a cell tells besides; exactly one key says which.

    ``outcomes`` or ``whys``: cases of these classes. ``distinct``: different ones among the counted cases.
    ``counted_over``: n over another detail. ``exposure_times``: the exposure of a rate in another unit.
    ``value_with``: the share, were the cases of another detail in its numerator too; ``value_without``: the
    share, were they not in it, and those of ``sample_without`` no cases at all; like the value both need the
    minimum sample. ``words`` stand after the figure where it is shown (``words_of_one`` after a 1); without
    them it is not.
    """

    words: str = ""
    words_of_one: str = ""
    outcomes: tuple[str, ...] = ()
    whys: tuple[str, ...] = ()
    distinct: Distinct | None = None
    counted_over: str | None = None
    exposure_times: float | None = None
    value_with: str | None = None
    value_without: str | None = None
    sample_without: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """What a cell needs besides its minimum sample: a detail of at least a parameter, else that status."""

    at_least: str
    otherwise: Otherwise


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """What some source must give: any of these ``core`` entities or columns; the words where none does.

    With ``seen`` a source that could give them, and never gave one, does not: they are kept elsewhere.
    """

    any_of: tuple[str, ...]
    missing: str
    seen: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric, as its ``metric.toml`` says. Every key is needed but those with a default here.

    ``outcomes`` sorts the outcomes of its cases, where ``unlisted`` ones only enter details and are no rows
    of evidence; ``hides_refs`` publishes its cases without their references, by week; ``params`` are the
    parameters of its query and requirements; ``min_effect`` is the smallest
    change called meaningful; of a ``goal`` both it and the days of maturity are those of the goal's metric,
    so they are "none", and there are no cells; ``amount_unit`` the unit of a case's amount, where it has one;
    no minimum sample is "none"; cases with one of ``confidential_whys`` are shown to nobody one by one;
    with ``is_why_a_person`` the reason of a case is whose it is, and is not published;
    ``by_pull_request`` says that each case is of one pull request, which the query gives as ``pr_id``, and is
    decided by it, its children and the organisation's files alone: a night asks only for those that changed;
    ``is_read_from_core`` that reading its cases from ``core`` takes less than storing them a second time, so
    that they are a view; ``facts_sql`` is the query beside the file.
    """

    id: str
    title: str
    question: str
    formula: str
    family: str
    owner: str
    definition_version: str
    subjects: tuple[str, ...]
    shown_to: str
    sources: tuple[str, ...]
    grain: tuple[str, ...]
    statistic: Statistic
    team: TeamValue
    unit: str
    amount_unit: str | None = None
    direction: Direction
    interval: str
    anchor: str
    clock: str
    n_min_month: int | None
    n_min_quarter: int | None
    maturity_days: int | None
    min_effect: Mapping[str, Any] | None
    misreadings: tuple[str, ...]
    gaming: str
    source: str
    outcomes: Mapping[str, tuple[str, ...]]
    case_words: Mapping[str, Any]
    params: Mapping[str, Any]
    details: Mapping[str, Detail] = field(default_factory=dict)
    requires: Mapping[str, Requirement] = field(default_factory=dict)
    inputs: tuple[Input, ...] = ()
    confidential_whys: tuple[str, ...] = ()
    is_why_a_person: bool = False
    hides_refs: bool = False
    by_pull_request: bool = False
    is_read_from_core: bool = False
    facts_sql: str

    @property
    def is_goal_only(self) -> bool:
        """A person is a subject only where somebody agreed on it as a goal."""
        return any(
            subject.startswith("person:") and subject.endswith(":goal_only") for subject in self.subjects
        )

    @property
    def is_from_people(self) -> bool:
        """A team's value comes from what its people did, so that the group rule decides what may leave."""
        return self.team == "pooled" or ("person" in self.subject_kinds and not self.is_goal_only)

    @property
    def subject_kinds(self) -> tuple[str, ...]:
        """person, team, service or feature, without the role."""
        return tuple(dict.fromkeys(subject.partition(":")[0] for subject in self.subjects))

    @property
    def counted(self) -> tuple[str, ...]:
        """The outcomes that count: the denominator of a share, the cases of a median."""
        return self.outcomes["denominator" if self.statistic == "share" else "counted"]

    @property
    def minimum_in_words(self) -> str:
        """What a cell needs for a value."""
        smallest = {"month": self.n_min_month, "quarter": self.n_min_quarter}
        if self.statistic == "goal":
            return f"{self.n_min_quarter} cases, unless the goal says another minimum"
        told = [" or ".join(f"{smallest[grain] or 1} cases a {grain}" for grain in self.grain)]
        if self.statistic in ("rate", "minutes") and not any(smallest.values()):
            told = [] if self.requires else ["none: a time without cases is a value too"]
        told += [
            f"at least {self.params[requirement.at_least]} {self._words_of(name)}"
            + (", else nothing is shown" if requirement.otherwise == "suppressed" else "")
            for name, requirement in self.requires.items()
        ]
        return "; ".join(told)

    def _words_of(self, figure: str) -> str:
        if figure == _EXPOSURE:
            return str(self.case_words.get(_EXPOSURE, _EXPOSURE))
        return self.details[figure].words or figure


_EXPOSURE = "exposure"
"""A rate may ask for exposure, which is no detail: every rate has it."""
_OUTCOMES: Mapping[str, tuple[str, ...]] = {
    "share": ("numerator", "denominator", "pending", "excluded"),
    "median": ("counted", "closed_whys", "pending", "excluded"),
    "rate": ("counted", "numerator", "pending", "excluded"),
    "minutes": ("counted", "total", "pending", "excluded"),
    "sum": ("counted", "pending", "excluded"),
    "distinct": ("counted", "pending", "excluded"),
    "effective_number": ("counted", "pending", "excluded"),
    "goal": ("counted", "pending", "excluded"),
}
_UNLISTED = "unlisted"
_MAY_BE_NONE = ("n_min_month", "n_min_quarter", "maturity_days", "min_effect")
_FROM_ELSEWHERE = ("id", "facts_sql")


def load_catalogue(folder: Traversable | None = None) -> dict[str, Metric]:
    """All metrics by id, in alphabetical order. Raises CatalogueError, naming the file and the key.

    Our own are read once in a process.
    """
    return dict(_own() if folder is None else _metrics_in(folder))


@cache
def _own() -> dict[str, Metric]:
    return _metrics_in(files("metrics_catalog") / "metrics")


def _metrics_in(root: Traversable) -> dict[str, Metric]:
    folders = {entry.name: entry for entry in root.iterdir() if (entry / "metric.toml").is_file()}
    return {name: _metric(folders[name]) for name in sorted(folders)}


def definitions_hash(catalogue: Mapping[str, Metric]) -> str:
    """SHA-256 over everything that defines the metrics: files and queries."""
    text = json.dumps(
        {
            metric.id: {entry.name: getattr(metric, entry.name) for entry in fields(metric)}
            for metric in catalogue.values()
        },
        sort_keys=True,
        default=_plain,
    )
    return hashlib.sha256(text.encode()).hexdigest()


def metric_named(catalogue: Mapping[str, Metric], metric_id: str) -> Metric:
    """The metric of that id. Raises UnknownMetricError with the nearest ids."""
    if metric_id in catalogue:
        return catalogue[metric_id]
    nearest = difflib.get_close_matches(metric_id, catalogue, n=1, cutoff=0.3)
    nearest = [name for name in catalogue if metric_id and metric_id in name][:1] or nearest
    hint = f' Did you mean "{nearest[0]}"?' if nearest else " `evenhand metrics` lists them."
    raise UnknownMetricError(f'No metric "{metric_id}".{hint}')


def _metric(folder: Traversable) -> Metric:
    name = f"{folder.name}/metric.toml"
    try:
        document = tomllib.loads((folder / "metric.toml").read_text("utf-8"))
        query = (folder / "facts.sql").read_text("utf-8")
    except (tomllib.TOMLDecodeError, OSError) as problem:
        raise CatalogueError(f"{name}: cannot be read: {problem}") from problem
    wanted = {entry.name: entry for entry in fields(Metric) if entry.name not in _FROM_ELSEWHERE}
    missing = [key for key, entry in wanted.items() if key not in document and _is_needed(entry)]
    if missing:
        raise CatalogueError(f"{name}: missing: {', '.join(missing)}. Every metric must say these of itself.")
    _refuse_unknown(name, document, wanted)
    read = {key: _frozen(value) for key, value in document.items()}
    read |= {key: None for key in _MAY_BE_NONE if document[key] == "none"}
    read["details"] = {
        key: _part(name, f"details.{key}", Detail, value)
        for key, value in document.get("details", {}).items()
    }
    read["requires"] = {
        key: _part(name, f"requires.{key}", Requirement, value)
        for key, value in document.get("requires", {}).items()
    }
    read["inputs"] = tuple(_part(name, "inputs", Input, value) for value in document.get("inputs", []))
    metric = Metric(id=folder.name, facts_sql=query, **read)
    _check(name, metric)
    return metric


def _is_needed(entry: "Field[Any]") -> bool:
    return entry.default is MISSING and entry.default_factory is MISSING


def _refuse_unknown(name: str, document: Mapping[str, Any], wanted: Iterable[str]) -> None:
    known = list(wanted)
    for key in document:
        if key not in known:
            nearest = difflib.get_close_matches(key, known, n=1)
            hint = f' Did you mean "{nearest[0]}"?' if nearest else ""
            raise CatalogueError(f'{name}: unknown key "{key}".{hint}')


def _part(name: str, key: str, part: Callable[..., T], document: Mapping[str, Any]) -> T:
    """A table inside the file. Raises CatalogueError for a key that is unknown or missing."""
    entries = fields(cast(Any, part))
    _refuse_unknown(f"{name}, {key}", document, [entry.name for entry in entries])
    missing = [entry.name for entry in entries if entry.name not in document and _is_needed(entry)]
    if missing:
        raise CatalogueError(f"{name}, {key}: missing: {', '.join(missing)}.")
    return part(**{inner: _frozen(value) for inner, value in document.items()})


def _check(name: str, metric: Metric) -> None:
    for key, known in (
        ("direction", get_args(Direction)),
        ("statistic", get_args(Statistic)),
        ("team", get_args(TeamValue)),
    ):
        if getattr(metric, key) not in known:
            raise CatalogueError(
                f"{name}: {key} should be one of {', '.join(known)}, found {getattr(metric, key)!r}"
            )
    for key in ("title", "question", "owner", "formula", "unit"):
        if not str(getattr(metric, key)).strip():
            raise CatalogueError(f"{name}: {key} is empty")
    if not metric.misreadings:
        raise CatalogueError(f"{name}: misreadings is empty. Every number can be misread; say how.")
    if set(metric.outcomes) - {_UNLISTED} != set(_OUTCOMES[metric.statistic]):
        raise CatalogueError(
            f"{name}: outcomes of a {metric.statistic} are {', '.join(_OUTCOMES[metric.statistic])}, "
            f"found {', '.join(metric.outcomes)}"
        )
    for grain, smallest in (("month", metric.n_min_month), ("quarter", metric.n_min_quarter)):
        if metric.statistic != "goal" and grain not in metric.grain and smallest is not None:
            raise CatalogueError(f'{name}: n_min_{grain} should be "none": there are no cells of a {grain}')
    if metric.statistic != "goal" and (metric.maturity_days is None or metric.min_effect is None):
        raise CatalogueError(f'{name}: maturity_days and min_effect are "none" for goals alone')
    _check_details(name, metric)


def _check_details(name: str, metric: Metric) -> None:
    for key, detail in metric.details.items():
        told = [
            entry.name
            for entry in fields(detail)
            if entry.name not in ("words", "words_of_one", "sample_without") and getattr(detail, entry.name)
        ]
        if len(told) != 1:
            raise CatalogueError(
                f"{name}, details.{key}: one key says what it counts, found {', '.join(told) or 'none'}"
            )
        if detail.distinct is not None and detail.distinct not in get_args(Distinct):
            raise CatalogueError(
                f"{name}, details.{key}: distinct should be one of {', '.join(get_args(Distinct))}"
            )
        for other in (detail.counted_over, detail.value_with, detail.value_without, detail.sample_without):
            if other is not None and other not in metric.details:
                raise CatalogueError(f"{name}, details.{key}: no detail {other!r}")
    for key, requirement in metric.requires.items():
        known = {*metric.details, *([_EXPOSURE] if metric.statistic == "rate" else [])}
        if key not in known or requirement.at_least not in metric.params:
            raise CatalogueError(f"{name}, requires.{key}: needs a detail of that name and a parameter")
        if requirement.otherwise not in get_args(Otherwise):
            raise CatalogueError(
                f"{name}, requires.{key}: otherwise should be one of {', '.join(get_args(Otherwise))}"
            )


def _frozen(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(value)
    if isinstance(value, dict):
        return {key: _frozen(inner) for key, inner in value.items()}
    return value


def _plain(value: Any) -> Any:
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else dict(value)
