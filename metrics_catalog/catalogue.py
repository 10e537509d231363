"""The catalogue: every metric's ``metric.toml``, read once and checked.

Here: what a metric must say of itself, and the errors when it does not.
Not here: its query (``facts.sql`` beside it) or how cells come about (transforms).
"""

import difflib
import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, Literal, get_args

Direction = Literal["higher_is_better", "lower_is_better", "neutral", "load"]
Statistic = Literal["share", "median"]
TeamValue = Literal["pooled", "own_cases"]


class CatalogueError(Exception):
    """A metric's file does not say what it must."""


class UnknownMetricError(KeyError):
    """No metric of that name; the message names the nearest."""

    def __str__(self) -> str:
        return str(self.args[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric, as its ``metric.toml`` says. Every key is needed but those with a default here.

    ``outcomes`` sorts the outcomes of its cases; ``params`` are the parameters of its query; ``min_effect``
    is the smallest change called meaningful; ``amount_unit`` the unit of a case's amount, where it has one;
    ``facts_sql`` is the query beside the file.
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
    n_min_month: int
    n_min_quarter: int
    maturity_days: int
    min_effect: Mapping[str, Any]
    misreadings: tuple[str, ...]
    gaming: str
    source: str
    outcomes: Mapping[str, tuple[str, ...]]
    case_words: Mapping[str, Any]
    params: Mapping[str, Any]
    facts_sql: str

    @property
    def subject_kinds(self) -> tuple[str, ...]:
        """person, team, service or feature, without the role."""
        return tuple(dict.fromkeys(subject.partition(":")[0] for subject in self.subjects))

    @property
    def counted(self) -> tuple[str, ...]:
        """The outcomes that count: the denominator of a share, the cases of a median."""
        return self.outcomes["denominator" if self.statistic == "share" else "counted"]


_OUTCOMES: Mapping[str, tuple[str, ...]] = {
    "share": ("numerator", "denominator", "pending", "excluded"),
    "median": ("counted", "closed_whys", "pending", "excluded"),
}
_FROM_ELSEWHERE = ("id", "facts_sql")


def load_catalogue(folder: Traversable | None = None) -> dict[str, Metric]:
    """All metrics by id, in alphabetical order. Raises CatalogueError, naming the file and the key."""
    root = folder if folder is not None else files("metrics_catalog") / "metrics"
    folders = {entry.name: entry for entry in root.iterdir() if (entry / "metric.toml").is_file()}
    return {name: _metric(folders[name]) for name in sorted(folders)}


def definitions_hash(catalogue: Mapping[str, Metric]) -> str:
    """SHA-256 over everything that defines the metrics: files and queries."""
    text = json.dumps(
        {
            metric.id: {entry.name: _plain(getattr(metric, entry.name)) for entry in fields(metric)}
            for metric in catalogue.values()
        },
        sort_keys=True,
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
    missing = [key for key, entry in wanted.items() if key not in document and entry.default is MISSING]
    if missing:
        raise CatalogueError(f"{name}: missing: {', '.join(missing)}. Every metric must say these of itself.")
    for key in document:
        if key not in wanted:
            nearest = difflib.get_close_matches(key, wanted, n=1)
            hint = f' Did you mean "{nearest[0]}"?' if nearest else ""
            raise CatalogueError(f'{name}: unknown key "{key}".{hint}')
    metric = Metric(
        id=folder.name,
        facts_sql=query,
        **{key: _frozen(value) for key, value in document.items()},
    )
    _check(name, metric)
    return metric


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
    if set(metric.outcomes) != set(_OUTCOMES[metric.statistic]):
        raise CatalogueError(
            f"{name}: outcomes of a {metric.statistic} are {', '.join(_OUTCOMES[metric.statistic])}, "
            f"found {', '.join(metric.outcomes)}"
        )


def _frozen(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(value)
    if isinstance(value, dict):
        return {key: _frozen(inner) for key, inner in value.items()}
    return value


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else value
