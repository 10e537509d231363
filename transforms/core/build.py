"""From landing files to core: conform, cut at the as-of, then the shared work.

Here: the order of the tables, what each is cut by, and what is derived from them.
Not here: the SELECTs (a folder per entity, a file per source), or metrics.

Every entity goes two steps. Its sources' SELECTs fill ``conformed.<entity>``; the cut makes ``core.<entity>``
of it: rows whose own instant is after the as-of do not exist, later ends are not known yet. A worked example
comes in at the first step and meets the same cut.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from importlib.resources import files

import duckdb
import polars as pl

from metrics_catalog.catalogue import Metric
from transforms.local_time import (
    first_instant,
    local_date,
    local_days,
    periods_between,
    quarter_start,
    set_reporting_zone,
    set_zones,
)
from transforms.queries import column_names, create, fill, insert, sql

ACK_WORDS = (
    "lgtm sgtm ack utack tack reack re concept looks look good great nice thanks thank you ship shipit it "
    "approved approve approving ok okay to me work job all cool 1 done perfect awesome code review reviewed"
).split()
"""Words that make a comment an acknowledgement when there is no other."""

NOT_A_DEFECT_LABELS = ("not-a-defect", "planned", "experiment-ended", "wrong-branch")
"""Labels of a revert that takes back nothing broken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CoreSettings:
    """What core depends on besides loads and journals. ``as_of_utc`` is aware; bots are logins.

    ``ack_targets_minutes``: of services that have a target of their own.
    """

    as_of_utc: datetime
    reporting_timezone: str
    bots: Sequence[str] = ()
    not_a_defect_labels: Sequence[str] = NOT_A_DEFECT_LABELS
    ack_words: Sequence[str] = tuple(ACK_WORDS)
    review_limit_hours: float = 24.0
    failure_window_days: float = 7.0
    suspect_minutes: int = 60
    deployment_environments: Sequence[str] = ("production",)
    release_rules: Sequence[tuple[str, str, str, str]] = ()
    """Repository, releases or tags, pattern of the tag's name, and the service or an empty word."""
    ack_target_minutes: float = 5.0
    ack_targets_minutes: Mapping[str, float] = field(default_factory=dict)

    def parameters(self) -> dict[str, object]:
        return {
            "as_of_utc": self.as_of_utc.replace(tzinfo=None),
            "reporting_timezone": self.reporting_timezone,
            "bots": [login.lower() for login in self.bots] or [""],
            "not_a_defect_labels": list(self.not_a_defect_labels),
            "ack_words": list(self.ack_words),
            "deployment_environments": list(self.deployment_environments) or ["production"],
            "release_rules": ["\t".join(rule) for rule in self.release_rules] or [""],
            "suspect_minutes": self.suspect_minutes,
            "failure_window_us": round(self.failure_window_days * 86_400_000_000),
            "limit_us": round(self.review_limit_hours * 3_600_000_000),
            "ack_target_us": round(self.ack_target_minutes * 60_000_000),
            "ack_services": list(self.ack_targets_minutes) or [""],
            "ack_targets_us": [round(each * 60_000_000) for each in self.ack_targets_minutes.values()] or [0],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """How the as-of cuts an entity: by its own instant, and which later ends it does not know yet.

    ``with_end``: columns that are only known together with an end (a resolution with ``resolved_at_utc``).
    """

    own_instant: str | None = None
    ends: tuple[str, ...] = ()
    with_end: Mapping[str, str] = field(default_factory=dict)
    where: str | None = None


ENTITIES: Mapping[str, Cut] = {
    "repositories": Cut(),
    "roster": Cut(),
    "accounts": Cut(),
    "people": Cut(),
    "memberships": Cut(),
    "calendar": Cut(),
    "services": Cut(),
    "source_services": Cut(),
    "pull_requests": Cut(own_instant="created_at_utc", ends=("merged_at_utc", "closed_at_utc")),
    "pr_events": Cut(own_instant="occurred_at_utc"),
    "reviews": Cut(own_instant="submitted_at_utc"),
    "reactions": Cut(own_instant="occurred_at_utc"),
    "survey_ratings": Cut(own_instant="occurred_at_utc"),
    "deployments": Cut(own_instant="finished_at_utc"),
    "features": Cut(),
    "feature_documents": Cut(own_instant="edited_at_utc"),
    "feature_eligibility": Cut(own_instant="eligible_from_utc"),
    "account_activity": Cut(own_instant="occurred_at_utc"),
    "feature_use": Cut(own_instant="occurred_at_utc"),
    "measurements": Cut(),
    "annotations": Cut(),
    "goals": Cut(),
    "sprints": Cut(),
    "tickets": Cut(
        own_instant="created_at_utc", ends=("resolved_at_utc",), with_end={"resolution": "resolved_at_utc"}
    ),
    "ticket_changes": Cut(own_instant="occurred_at_utc"),
    "ticket_links": Cut(),
    "feature_changes": Cut(
        where="EXISTS (FROM core.pull_requests AS known WHERE known.pr_id = entity.pr_id)"
    ),
    "ticket_references": Cut(),
    "incidents": Cut(own_instant="created_at_utc", ends=("resolved_at_utc", "impact_end_at_utc")),
    "incident_log": Cut(own_instant="occurred_at_utc"),
    # A shift's end is planned and known beforehand; what lies after the as-of is cut off in on-call time.
    "oncall_shifts": Cut(own_instant="start_at_utc"),
    "incident_references": Cut(own_instant="noted_at_utc"),
    "postmortems": Cut(own_instant="published_at_utc"),
    "maintenance_windows": Cut(own_instant="start_at_utc"),
    "followups": Cut(
        own_instant="created_at_utc", ends=("resolved_at_utc",), with_end={"resolution": "resolved_at_utc"}
    ),
    "defects": Cut(own_instant="reported_at_utc"),
    "watched_services": Cut(),
    "incident_causes": Cut(
        own_instant="named_at_utc", ends=("answered_at_utc",), with_end={"answer": "answered_at_utc"}
    ),
    "thread_comments": Cut(own_instant="occurred_at_utc"),
    # A thread has no time of its own: it begins with its first comment.
    "review_threads": Cut(
        where="NOT EXISTS (FROM conformed.thread_comments AS any_ WHERE any_.thread_id = entity.thread_id)"
        " OR EXISTS (FROM core.thread_comments AS known WHERE known.thread_id = entity.thread_id)"
    ),
}
"""In the order in which they are built: a SELECT may use those before it."""

_MEASURED = (
    ("pull_requests", "created_at_utc"),
    ("deployments", "finished_at_utc"),
    ("incidents", "created_at_utc"),
    ("incident_log", "occurred_at_utc"),
    ("oncall_shifts", "start_at_utc"),
    ("watched_services", "since_utc"),
)

DERIVED = (
    "working_clock",
    "working_stretches",
    "pull_request_states",
    "review_requests",
    "approvals",
    "comment_labels",
    "thread_fates",
    "review_pairs",
    "service_scopes",
    "incident_subjects",
    "production_deployments",
    "first_deployments",
    "counted_reverts",
    "deployment_outcomes",
    "oncall_time",
    "pages",
    "interruptions",
    "engagements",
)
"""Shared work done once, each from those before it and the entities."""

NOT_TOLD: frozenset[tuple[str, str]] = frozenset(
    {("github", "thread_comments.suggestion_applied"), ("pagerduty", "incidents.cause_key")}
)
"""Columns that a source's SELECT leaves null, because the source does not tell."""

Conform = Callable[[duckdb.DuckDBPyConnection, str], None]
"""Fills ``conformed.<entity>``, which exists and is empty."""


def conform_sources(sources: Sequence[str], settings: CoreSettings) -> Conform:
    """Fill each entity with the SELECTs of these sources; their rows are put together.

    Some rows come from all sources at once (``core/all_sources``): people behind accounts, whatever accounts
    there are, and what is known of causes, which is also in the table ``settled_causes``. What two sources
    may tell of the same thing counts once (``core/told_twice``).
    """

    def conform(connection: duckdb.DuckDBPyConnection, entity: str) -> None:
        core = files("transforms") / "core"
        for source in sources:
            if (core / entity / f"{source}.sql").is_file():
                select = sql(f"core/{entity}/{source}.sql")
                insert(connection, f"conformed.{entity}", select, settings.parameters())
        if (core / "all_sources" / f"{entity}.sql").is_file():
            select = sql(f"core/all_sources/{entity}.sql")
            insert(connection, f"conformed.{entity}", select, settings.parameters())
        if (core / "told_twice" / f"{entity}.sql").is_file():
            connection.execute(sql(f"core/told_twice/{entity}.sql"))

    return conform


def is_told(name: str, sources: Sequence[str]) -> bool:
    """Whether one of these sources gives an entity (``deployments``), or a column (``reviews.body``)."""
    folder = files("transforms") / "core" / name.partition(".")[0]
    return any((folder / f"{source}.sql").is_file() and (source, name) not in NOT_TOLD for source in sources)


def known_sources() -> list[str]:
    """Every source with a SELECT for some entity."""
    folder = files("transforms") / "core"
    found = [
        entry.name.removesuffix(".sql")
        for name in ENTITIES
        if (folder / name).is_dir()
        for entry in (folder / name).iterdir()
        if entry.name.endswith(".sql")
    ]
    return sorted(set(found))


def source_gaps(
    catalogue: Mapping[str, Metric], sources: Sequence[str], *, empty: Collection[str] = ()
) -> dict[str, str]:
    """What no source of these tells, in words, for each metric that needs it and so has no case at all.

    ``empty`` are the entities of which no source has ever given a row.
    """
    missing = {
        metric.id: [
            needed.missing
            for needed in metric.inputs
            if not any(
                is_told(name, sources) and not (needed.seen and name in empty) for name in needed.any_of
            )
        ]
        for metric in catalogue.values()
    }
    return {metric_id: "; ".join(words) for metric_id, words in missing.items() if words}


def build_core(connection: duckdb.DuckDBPyConnection, conform: Conform, settings: CoreSettings) -> None:
    """Create and fill every ``core`` table. Needs the table ``identities`` where accounts come in."""
    set_reporting_zone(connection, settings.reporting_timezone)
    connection.execute("CREATE SCHEMA IF NOT EXISTS conformed; CREATE SCHEMA IF NOT EXISTS core")
    for entity in ENTITIES:
        build_entity(connection, entity, conform, settings)
    build_clock_tables(connection, settings)
    for name in DERIVED:
        build_derived(connection, name, settings)
    connection.execute("DROP SCHEMA conformed CASCADE")


def build_entity(
    connection: duckdb.DuckDBPyConnection, entity: str, conform: Conform, settings: CoreSettings
) -> None:
    """One entity: conformed, then cut at the as-of. Those before it in ENTITIES are there."""
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS conformed; DROP TABLE IF EXISTS conformed.{entity}")
    create(connection, f"core.{entity}", schema="conformed")
    conform(connection, entity)
    fill(connection, f"core.{entity}", _cut(entity, ENTITIES[entity]), settings.parameters())


def build_clock_tables(connection: duckdb.DuckDBPyConnection, settings: CoreSettings) -> None:
    """``local_days`` and ``core.months``: from the first instant of anything to the as-of."""
    _local_days(connection, settings)
    _months(connection, settings)


def build_derived(connection: duckdb.DuckDBPyConnection, name: str, settings: CoreSettings) -> None:
    """One derived table. Those before it in DERIVED are there."""
    fill(connection, f"core.{name}", sql(f"core/derived/{name}.sql"), settings.parameters())


def _cut(entity: str, cut: Cut) -> str:
    decides = {name: name for name in cut.ends} | dict(cut.with_end)
    columns = [
        f"CASE WHEN {decides[name]} <= $as_of_utc THEN {name} END AS {name}"
        if name in decides
        else f'"{name}"'
        for name in column_names(f"core.{entity}")
    ]
    own = cut.own_instant
    conditions = [f"({own} IS NULL OR {own} <= $as_of_utc)"] if own is not None else []
    conditions += [f"({cut.where})"] if cut.where is not None else []
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    return f"SELECT {', '.join(columns)} FROM conformed.{entity} AS entity{where} ORDER BY ALL"


def reporting_days(connection: duckdb.DuckDBPyConnection, days: Sequence[date], zone: str) -> None:
    """The table ``reporting_days``: these dates with their first instants in the reporting zone."""
    known = sorted(set(days))
    frame = pl.DataFrame(
        {"local_date": known, "start_utc": [first_instant(day, zone).replace(tzinfo=None) for day in known]},
        schema={"local_date": pl.Date, "start_utc": pl.Datetime("us")},
    )
    _replace(connection, "reporting_days", frame)


def _first_instant(connection: duckdb.DuckDBPyConnection) -> datetime | None:
    """The first instant of anything that is measured; None where there is nothing."""
    measured = " UNION ALL ".join(
        f"SELECT min({column}) AS instant FROM core.{name}" for name, column in _MEASURED
    )
    ((first,),) = connection.execute(f"SELECT min(instant) FROM ({measured})").fetchall()
    return first  # type: ignore[no-any-return]


def _local_days(connection: duckdb.DuckDBPyConnection, settings: CoreSettings) -> None:
    """The table ``local_days``: all dates of the periods since something happened, in every zone used.

    A request can have waited on any of them, and absence is told by the days of a whole month or quarter.
    """
    first = _first_instant(connection)
    zones = [zone for (zone,) in connection.execute("SELECT DISTINCT tz FROM core.roster").fetchall()]
    of_people = connection.execute("SELECT DISTINCT tz FROM core.people WHERE tz IS NOT NULL").fetchall()
    set_zones(connection, [*zones, *(zone for (zone,) in of_people), settings.reporting_timezone])
    last = local_date(settings.as_of_utc, settings.reporting_timezone) + timedelta(days=2)
    begin = last if first is None else local_date(first, settings.reporting_timezone)
    start = quarter_start(begin) - timedelta(days=2)
    _replace(connection, "local_days", local_days([*zones, settings.reporting_timezone], start, last))


def _months(connection: duckdb.DuckDBPyConnection, settings: CoreSettings) -> None:
    """``core.months``, from the first instant's to the as-of's."""
    first = _first_instant(connection)
    zone = settings.reporting_timezone
    last = local_date(settings.as_of_utc, zone)
    months = [
        (period.first_day, period.start_utc.replace(tzinfo=None), period.end_utc.replace(tzinfo=None))
        for period in periods_between(last if first is None else local_date(first, zone), last, zone)
        if period.grain == "month"
    ]
    instant = pl.Datetime("us")
    schema = pl.Schema({"month_start": pl.Date(), "start_utc": instant, "end_utc": instant})
    connection.register("incoming", pl.DataFrame(months, schema=schema, orient="row"))
    fill(connection, "core.months", "SELECT * FROM incoming")
    connection.unregister("incoming")


def _replace(connection: duckdb.DuckDBPyConnection, name: str, frame: pl.DataFrame) -> None:
    connection.register("incoming", frame)
    connection.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT * FROM incoming")
    connection.unregister("incoming")
