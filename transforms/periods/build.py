"""From cases to cells.

Here: one function per statistic, and what every cell gets besides: state, status, segment, hole,
completeness, the difference to the month before, disclosure.
Not here: what a case is (facts), or what a person reads (packets).

One metric after the other: its cases are read once and put together by subject, contributor and month
(``of_months``): what adds up is added up from there, and medians are of the amounts kept there. Unions are of
the cases themselves. Cells are then made of a part of the subjects at a time.

Periods are computed from cases, whole and pooled: a median cannot be rebuilt from daily sums, and an average
of monthly shares is no share.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, get_args

import duckdb
import numpy as np
import polars as pl

from metrics_catalog.catalogue import Metric, Otherwise
from transforms.disclosure.decide import decide_disclosure, withhold_differences
from transforms.facts import by_subject, cases_by_subject
from transforms.intervals import median_places_frame, poisson_rates, wilson_limits
from transforms.local_time import first_instant, local_date, month_start, periods_between
from transforms.periods.month_over_month import with_differences
from transforms.queries import column_names, count, create, fill, insert, sql

_CASES = """
CREATE OR REPLACE TEMP VIEW cases AS
SELECT cases.*, periods.period
FROM ({by_subject}) AS cases
JOIN periods_of_months AS periods ON periods.month_start = cases.month_start
WHERE periods.grain IN ({grain}) AND {part}
"""
_OF_MONTHS = """
CREATE OR REPLACE TEMP TABLE of_months AS
SELECT subject_kind, subject_id, is_listed, pooled_into, contributor_id, month_start, {tallies}
FROM cases.{metric_id}
GROUP BY subject_kind, subject_id, is_listed, pooled_into, contributor_id, month_start
"""
"""What the cases of a month come to, once for everybody they are cases of. Read once: they are many."""
_BY_PERIOD = """
CREATE OR REPLACE TEMP VIEW by_period AS
SELECT months.*, periods.period
FROM ({months_by_subject}) AS months
JOIN periods_of_months AS periods ON periods.month_start = months.month_start
WHERE periods.grain IN ({grain}) AND {part}
"""
_TALLIES = """
CREATE OR REPLACE TEMP TABLE tallies AS
SELECT subject_kind, subject_id, contributor_id, period, {sums}
FROM by_period
GROUP BY subject_kind, subject_id, contributor_id, period
"""
"""One row per subject, period and contributor."""
_COUNTS = """
CREATE OR REPLACE TEMP TABLE counts AS
SELECT subject_kind, subject_id, period, {counts}
FROM tallies
GROUP BY subject_kind, subject_id, period
"""
"""One row per subject and period: what adds up."""
_STATES = """
SELECT
    metrics.metric_id,
    periods.grain,
    periods.period,
    periods.period_start,
    periods.start_utc,
    periods.end_utc,
    periods.end_utc + to_days(metrics.maturity_days) AS final_at_utc,
    CASE
        WHEN $as_of_utc < periods.end_utc THEN 'partial'
        WHEN $as_of_utc < periods.end_utc + to_days(metrics.maturity_days) THEN 'provisional'
        ELSE 'final'
    END AS state
FROM incoming AS metrics
JOIN reporting_periods AS periods ON list_contains(metrics.grain, periods.grain)
ORDER BY metrics.place, periods.grain, periods.period_start
"""
_CELLS = """
SELECT
    counts.subject_kind,
    counts.subject_id,
    states.grain,
    counts.period,
    states.period_start,
    {figures},
    states.state,
    coalesce(person_periods.segment, 0) AS segment,
    coalesce(person_periods.hole, CASE WHEN ledger.status = 'incomplete' THEN 'source_gap' END) AS hole,
    coalesce(ledger.status, 'unknown') AS completeness,
    nullif(decisions.withheld_reason, 'no_activity') AS withheld_reason,
    decisions.withheld_reason IS NULL AS disclosed
FROM (FROM counts WHERE {part}) AS counts
JOIN trends.period_states AS states ON states.metric_id = $metric_id AND states.period = counts.period
{joins}
LEFT JOIN trends.person_periods AS person_periods
    ON counts.subject_kind = 'person'
    AND person_periods.person_id = counts.subject_id
    AND person_periods.period = counts.period
LEFT JOIN metric_completeness AS ledger ON ledger.metric_id = $metric_id AND ledger.period = counts.period
LEFT JOIN decisions
    ON counts.subject_kind = 'team'
    AND decisions.group_id = counts.subject_id
    AND decisions.table_id = counts.period
ORDER BY counts.subject_kind, counts.subject_id, states.grain, states.period_start
"""
"""A period's name tells its grain too."""
_PART = "hash(subject_id) % {parts} = {part}"
_WHOLE = "true"
_OF_SUBJECTS = """
LEFT JOIN ({select}) AS {name}
    ON {name}.subject_kind = counts.subject_kind
    AND {name}.subject_id = counts.subject_id
    AND {name}.period = counts.period
"""
_CONTRIBUTIONS = """
CREATE OR REPLACE TEMP VIEW contributions AS
SELECT period AS table_id, subject_id AS group_id, contributor_id, weight AS n_cases
FROM tallies
WHERE subject_kind = 'team' AND {is_from_people}
"""
"""A table here is all teams of a period. Its total counts as visible: leadership knows it from elsewhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The minimum sample and parameters of a worked example; what it does not say is the metric's own."""

    n_min: int | None = None
    params: Mapping[str, Any] = field(default_factory=dict)


def build_periods(
    connection: duckdb.DuckDBPyConnection,
    metrics: Sequence[Metric],
    *,
    as_of_utc: datetime,
    reporting_timezone: str,
    limits: Limits | None = None,
) -> None:
    """Create and fill ``trends.periods`` from the facts of these metrics, and its view ``all_periods``.

    ``as_of_utc`` is aware. Needs core, facts and ``ops.completeness``.
    """
    connection.execute("CREATE SCHEMA IF NOT EXISTS trends")
    metrics = [metric for metric in metrics if metric.statistic != "goal"]  # has no cells: ``goals``
    create(connection, "trends.periods")
    _reporting_periods(connection, metrics, as_of_utc, reporting_timezone)
    _states(connection, metrics, as_of_utc)
    fill(connection, "trends.person_periods", sql("periods/person_periods.sql"))
    waiting: list[pl.DataFrame] = []
    for metric in metrics:
        _tally(connection, metric)
        decide_disclosure(connection)
        withhold_differences(connection)
        for part in _parts(connection):
            cells = _STATISTICS[metric.statistic](_cells(connection, metric, part))
            cells = _with_status(_with_details(metric, cells), metric, limits or Limits())
            waiting.append(_whole(metric, cells))
            _store(connection, waiting)
    _store(connection, waiting, is_end=True)
    connection.execute(f"CREATE VIEW trends.all_periods AS {sql('periods/all_periods.sql')}")


_PERIODS_OF_MONTHS = """
SELECT months.period_start AS month_start, periods.grain, periods.period
FROM reporting_periods AS months
JOIN reporting_periods AS periods
    ON months.period_start >= periods.period_start AND months.period_start < periods.next_start
WHERE months.grain = 'month'
"""
_QUARTERS_OF_MONTHS = """
SELECT months.period AS table_id, quarters.period AS quarter_id
FROM reporting_periods AS months
JOIN reporting_periods AS quarters
    ON months.period_start >= quarters.period_start AND months.period_start < quarters.next_start
WHERE months.grain = 'month' AND quarters.grain = 'quarter'
"""
"""Named as the tables of ``_CONTRIBUTIONS``."""
_METRIC_COMPLETENESS = """
CREATE OR REPLACE TEMP TABLE metric_completeness AS
SELECT
    metrics.metric_id,
    periods.period,
    CASE
        WHEN bool_or(ledger.status = 'incomplete') THEN 'incomplete'
        WHEN bool_or(ledger.status = 'unknown') THEN 'unknown'
        ELSE 'complete'
    END AS status
FROM ops.completeness AS ledger
JOIN reporting_periods AS periods
    ON ledger.month_start >= periods.period_start AND ledger.month_start < periods.next_start
JOIN incoming AS metrics ON list_contains(metrics.ledgers, ledger.source)
GROUP BY metrics.metric_id, periods.period
"""


def ledgers_of(metric: Metric) -> tuple[str, ...]:
    """The ledgers whose incomplete months the metric has no trend in.

    Deployments have one of their own, whoever tells them; incidents of a table stand in for PagerDuty's.
    """
    needed = {name for one in metric.inputs for name in one.any_of}
    return (
        *metric.sources,
        *(["deployments"] if "deployments" in needed else []),
        *(["incidents"] if "pagerduty" in metric.sources else []),
    )


def _states(connection: duckdb.DuckDBPyConnection, metrics: Sequence[Metric], as_of_utc: datetime) -> None:
    """``trends.period_states``, and the temporary table ``metric_completeness``, of all metrics."""
    schema = {
        "place": pl.Int64(),
        "metric_id": pl.String(),
        "grain": pl.List(pl.String()),
        "maturity_days": pl.Int64(),
        "ledgers": pl.List(pl.String()),
    }
    rows = [
        (place, metric.id, list(metric.grain), metric.maturity_days, list(ledgers_of(metric)))
        for place, metric in enumerate(metrics)
    ]
    connection.register("incoming", pl.DataFrame(rows, schema=schema, orient="row"))
    fill(connection, "trends.period_states", _STATES, {"as_of_utc": as_of_utc.replace(tzinfo=None)})
    connection.execute(_METRIC_COMPLETENESS)
    connection.unregister("incoming")


def _tally(connection: duckdb.DuckDBPyConnection, metric: Metric) -> None:
    """The tables ``of_months``, ``tallies`` and ``counts``, and the view ``contributions``."""
    tallies = _tallies(metric)
    texts = {
        "metric_id": metric.id,
        "tallies": _named(tallies | _lists(metric)),
        "sums": _named({name: f"sum({name})" for name in tallies}),
        "counts": _named(_counts(metric)),
        "is_from_people": str(metric.is_from_people).lower(),
    }
    connection.execute(_OF_MONTHS.format(**texts))
    _place(connection, metric, _WHOLE)
    for statement in (_TALLIES, _COUNTS, _CONTRIBUTIONS):
        connection.execute(statement.format(**texts))


def _place(connection: duckdb.DuckDBPyConnection, metric: Metric, part: str) -> None:
    """The view ``by_period``: what cases come to, of each subject and period; and ``cases`` themselves, where
    a statistic unites them."""
    of_months = ["contributor_id", "month_start", *_tallies(metric), *_lists(metric)]
    texts = {
        "by_subject": cases_by_subject(metric.id),
        "months_by_subject": by_subject("of_months", of_months),
        "grain": _quoted(metric.grain),
        "part": part,
    }
    connection.execute(_BY_PERIOD.format(**texts))
    if metric.statistic in _OF_CASES:
        connection.execute(_CASES.format(**texts))


def _parts(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Conditions that part the subjects, so that memory does not grow with the organisation."""
    parts = count(connection, "counts") // _AT_ONCE + 1
    return [_PART.format(part=part, parts=parts) for part in range(parts)] if parts > 1 else [_WHOLE]


def _named(expressions: Mapping[str, str]) -> str:
    return ", ".join(f"{expression} AS {name}" for name, expression in expressions.items())


def _tallies(metric: Metric) -> dict[str, str]:
    """What is added up: cases by what became of them, and exposure in whole billionths, so that the order of
    adding changes no digit. ``weight`` is what a contributor holds of a team's denominator."""
    words = metric.outcomes
    counted, closed = _counted_and_closed(metric)
    billionths = "sum(round(exposure * 1000000000)::HUGEINT)"
    found = {
        "n": _count_of("outcome", metric.counted),
        "n_pending": _count_of("outcome", words["pending"]),
        "n_excluded": _count_of("outcome", words["excluded"]),
        "billionths": f"coalesce({billionths}, 0)",
        "weight": {
            "rate": f"coalesce({billionths}, 0)",
            "sum": f"coalesce({billionths} FILTER (WHERE {counted}), 0)",
        }.get(metric.statistic, _count_of("outcome", metric.counted)),
    }
    if "numerator" in words:
        found["numerator"] = _count_of("outcome", words["numerator"])
    if metric.statistic == "median":
        found["n_open"] = f"count(*) FILTER (WHERE {counted} AND NOT {closed})"
    for name, detail in metric.details.items():
        if detail.outcomes or detail.whys:
            found[name] = f"{_count_of('outcome', detail.outcomes)} + {_count_of('why', detail.whys)}"
    return found


def _lists(metric: Metric) -> dict[str, str]:
    """What does not add up: a median's amounts, where open cases rank longest and so far come to less; and
    what cases that are not independent have in common."""
    counted, closed = _counted_and_closed(metric)
    found = {}
    if metric.statistic == "median":
        found["amounts"] = (
            f"list(CASE WHEN {closed} THEN amount ELSE 'infinity' END) FILTER (WHERE {counted})"
        )
        found["open_so_far"] = f"list(amount) FILTER (WHERE {counted} AND NOT {closed})"
    if any(detail.distinct == "cluster_id" for detail in metric.details.values()):
        found["clusters"] = f"list(cluster_id) FILTER (WHERE {counted})"
    return found


def _counted_and_closed(metric: Metric) -> tuple[str, str]:
    """The conditions of a case that counts, and of one of a median that came to its end."""
    closed = metric.outcomes.get("closed_whys", ())
    return f"outcome IN ({_quoted(metric.counted)})", f"why IN ({_quoted(closed)})"


def _count_of(column: str, words: Sequence[str]) -> str:
    return f"count(*) FILTER (WHERE {column} IN ({_quoted(words)}))" if words else "0"


def _quoted(words: Sequence[str]) -> str:
    return ", ".join(f"'{word}'" for word in words)


_CONTRIBUTORS = "count(contributor_id) FILTER (WHERE n > 0)"
"""Each has one row in a cell."""
_OF_TALLIES: Mapping[str, Mapping[str, str]] = {
    "share": {"denominator": "sum(n)::BIGINT"},
    "rate": {
        "exposure": "sum(billionths)::DOUBLE / 1000000000",
        "n_contributors": "count(contributor_id) FILTER (WHERE billionths > 0)",
    },
    "distinct": {"n": _CONTRIBUTORS, "value": f"{_CONTRIBUTORS}::DOUBLE"},
    # Over how many people the cases are spread, 1 / sum(p * p), in whole numbers up to the division. The p
    # themselves go nowhere.
    "effective_number": {
        "value": "CASE WHEN sum(n) > 0 THEN (sum(n) * sum(n))::DOUBLE / sum(n * n)::DOUBLE END"
    },
}
"""What a statistic takes from ``tallies`` in another way than by adding up."""
_AT_ONCE = 150_000
"""So many cells are in memory at once, about."""
_ROW_GROUP = 122_880
"""So many rows fill a row group. DuckDB writes a full one once; what is less it writes again, in twice the
time and twice the room."""
_NOT_OF_CELLS = ("billionths", "weight")


def _counts(metric: Metric) -> dict[str, str]:
    """The figures of ``counts``, each with how it comes of ``tallies``."""
    found = {name: f"sum({name})::BIGINT" for name in _tallies(metric) if name not in _NOT_OF_CELLS}
    found["n_contributors"] = _CONTRIBUTORS
    found |= {
        name: _CONTRIBUTORS for name, detail in metric.details.items() if detail.distinct == "contributor_id"
    }
    return {**found, **_OF_TALLIES.get(metric.statistic, {})}


def _cells(connection: duckdb.DuckDBPyConnection, metric: Metric, part: str) -> pl.DataFrame:
    """One row per cell, in order: whose, when, its figures as far as SQL tells them, and what it has besides.

    What a query of the statistic's own tells stands in the place of what adds up.
    """
    if part != _WHOLE:  # as which they are placed already
        _place(connection, metric, part)
    figures = {name: f"counts.{name}" for name in _counts(metric)}
    selects = {}
    if metric.statistic in _OWN_FIGURES:
        selects["own"] = sql(f"periods/{metric.statistic}.sql")
        figures |= {name: f"own.{name}" for name in _OWN_FIGURES[metric.statistic]}
    for name, detail in metric.details.items():
        if detail.distinct == "cluster_id":
            selects[name] = sql("periods/different_clusters.sql")
            figures[name] = f"coalesce({name}.n_different, 0)"
    if metric.statistic == "median":
        sizes = connection.execute("SELECT DISTINCT n FROM counts").fetchnumpy()["n"]
        connection.register("places", median_places_frame(int(size) for size in sizes))
    joins = "".join(_OF_SUBJECTS.format(name=name, select=select) for name, select in selects.items())
    words = {"counted": list(metric.counted), "total": list(metric.outcomes.get("total", ()))}
    cells: pl.DataFrame = connection.sql(
        _CELLS.format(figures=_named(figures), joins=joins, part=part),
        params={"metric_id": metric.id}
        | {name: known for name, known in words.items() if f"${name}" in joins},
    ).pl()
    return cells


def _share(cells: pl.DataFrame) -> pl.DataFrame:
    """Shares with Wilson intervals, whatever the minimum sample."""
    k, n = cells["numerator"].to_numpy(), cells["denominator"].to_numpy()
    low, high = wilson_limits(k, n)
    share = np.divide(k, n, out=np.full(len(n), np.nan), where=n > 0)
    return cells.with_columns(
        pl.Series("value", share, nan_to_null=True),
        pl.Series("ci_low", low, nan_to_null=True),
        pl.Series("ci_high", high, nan_to_null=True),
    )


def _rate(cells: pl.DataFrame) -> pl.DataFrame:
    """Rates with exact Poisson intervals: nothing in much exposure is a rate of 0, in none it is no rate."""
    value, low, high = poisson_rates(cells["numerator"].to_numpy(), cells["exposure"].to_numpy())
    return cells.with_columns(
        pl.Series("value", value, nan_to_null=True),
        pl.Series("ci_low", low, nan_to_null=True),
        pl.Series("ci_high", high, nan_to_null=True),
    )


def _as_told(cells: pl.DataFrame) -> pl.DataFrame:
    """SQL told them: medians with order-statistic intervals, and what has no sampling interval."""
    return cells


_STATISTICS = {
    "share": _share,
    "median": _as_told,
    "rate": _rate,
    "minutes": _as_told,
    "sum": _as_told,
    "distinct": _as_told,
    "effective_number": _as_told,
}
_OWN_FIGURES: Mapping[str, tuple[str, ...]] = {
    "median": ("value", "value_at_least", "ci_low", "ci_high", "coverage"),
    "minutes": ("n", "value", "down_minutes", "total_minutes"),
    "sum": ("n", "value", "sum_without_union"),
}
"""What a statistic's own query tells, in the place of what adds up."""
_OF_CASES = ("minutes", "sum")
"""Statistics whose own query reads the cases."""
_OWN_DETAILS: Mapping[str, tuple[str, ...]] = {
    "median": ("n_open", "value_at_least", "coverage"),
    "minutes": ("down_minutes", "total_minutes"),
    "sum": ("sum_without_union",),
}
"""Figures of a statistic that go into ``details``."""
_NEED_A_SAMPLE = ("value_at_least", "coverage", "sum_without_union")
"""Those that like the value need the minimum sample."""
_ACTIVITY: Mapping[str, str] = {"rate": "exposure", "minutes": "total_minutes"}
"""What there must be some of: a month without incidents is a quiet month, without exposure it is none."""


def _with_details(metric: Metric, cells: pl.DataFrame) -> pl.DataFrame:
    """The figures that the metric's page names, a column each: what is counted, then what is derived."""
    n = pl.col("n")
    over = {
        name: n / pl.col(detail.counted_over)
        for name, detail in metric.details.items()
        if detail.counted_over
    }
    over |= {
        name: pl.col("exposure") * detail.exposure_times
        for name, detail in metric.details.items()
        if detail.exposure_times
    }
    over |= {
        name: (pl.col("numerator") + pl.col(detail.value_with)) / n
        for name, detail in metric.details.items()
        if detail.value_with
    }
    for name, detail in metric.details.items():
        if detail.value_without:
            left_out = pl.col(detail.sample_without) if detail.sample_without else pl.lit(0)
            over[name] = (pl.col("numerator") - pl.col(detail.value_without)) / (n - left_out)
    return cells.with_columns([derived.fill_nan(None).alias(name) for name, derived in over.items()])


def _with_status(cells: pl.DataFrame, metric: Metric, limits: Limits) -> pl.DataFrame:
    """Status by the minimum sample and the metric's own requirements; where it is not ok, value and interval
    go and the counts stay. Suppressed also hides what the cases were."""
    status = pl.lit("ok")
    for otherwise in get_args(Otherwise):  # suppressed wins: an insufficient cell may show its rows
        for condition in _lacking(metric, limits, otherwise):
            status = pl.when(condition).then(pl.lit(otherwise)).otherwise(status)
    status = (
        pl.when(pl.col(_ACTIVITY.get(metric.statistic, "n")) == 0)
        .then(pl.lit("no_activity"))
        .otherwise(status)
    )
    derived = [name for name, detail in metric.details.items() if detail.value_with or detail.value_without]
    own = [name for name in _OWN_DETAILS.get(metric.statistic, ()) if name in _NEED_A_SAMPLE]
    hidden = [name for name in ("value", "ci_low", "ci_high", *derived, *own) if name in cells.columns]
    marked = cells.with_columns(status.alias("status"))
    shown = marked.with_columns(
        *[pl.when(pl.col("status") == "ok").then(pl.col(name)).alias(name) for name in hidden],
        *[
            pl.when(pl.col("status") != "suppressed").then(pl.col(name)).alias(name)
            for name in {"numerator"} & set(cells.columns)
        ],
    )
    told = [*_OWN_DETAILS.get(metric.statistic, ()), *metric.details]
    if not told:
        return shown
    return shown.with_columns(pl.struct(told).struct.json_encode().alias("details")).drop(told)


def _lacking(metric: Metric, limits: Limits, otherwise: str) -> list[pl.Expr]:
    """What a cell would have to lack for that status."""
    params = {**metric.params, **limits.params}
    found = [
        pl.col(name) < params[requirement.at_least]
        for name, requirement in metric.requires.items()
        if requirement.otherwise == otherwise
    ]
    if otherwise == "insufficient":
        month = metric.n_min_month if limits.n_min is None else limits.n_min
        quarter = metric.n_min_quarter if limits.n_min is None else limits.n_min
        n_min = pl.when(pl.col("grain") == "month").then(pl.lit(month or 0)).otherwise(pl.lit(quarter or 0))
        found.append(pl.col("n") < n_min)
    return found


def _whole(metric: Metric, cells: pl.DataFrame) -> pl.DataFrame:
    """The columns of ``trends.periods``: also the metric, the differences, and why a cell is withheld."""
    is_suppressed = pl.col("status") == "suppressed"
    few_raters = pl.when(is_suppressed).then(pl.lit("few_raters"))
    told = with_differences(cells).with_columns(
        pl.lit(metric.id).alias("metric_id"),
        pl.lit(metric.definition_version).alias("definition_version"),
        pl.coalesce("withheld_reason", few_raters).alias("withheld_reason"),
        (pl.col("disclosed") & ~is_suppressed).alias("disclosed"),
    )
    return told.select(name for name in column_names("trends.periods") if name in told.columns)


def _store(
    connection: duckdb.DuckDBPyConnection, waiting: list[pl.DataFrame], *, is_end: bool = False
) -> None:
    """Write the cells that fill row groups, of several metrics at once; in the end all that are left."""
    n_waiting = sum(map(len, waiting))
    n_written = n_waiting if is_end else n_waiting - n_waiting % _ROW_GROUP
    if n_written:
        cells = pl.concat(waiting, how="diagonal")
        connection.register("incoming", cells[:n_written])
        insert(connection, "trends.periods", "SELECT * FROM incoming")
        connection.unregister("incoming")
        waiting[:] = [cells[n_written:]]


def _reporting_periods(
    connection: duckdb.DuckDBPyConnection,
    metrics: Sequence[Metric],
    as_of_utc: datetime,
    reporting_timezone: str,
) -> None:
    """The temporary table ``reporting_periods``: every month and quarter with a case, up to the as-of's."""
    last = local_date(as_of_utc, reporting_timezone)
    first = last
    # Stored cases first. Earlier than the first month so far there mostly is nothing, which DuckDB knows of a
    # column of core without reading it.
    for metric in sorted(metrics, key=lambda metric: metric.is_read_from_core):
        so_far = first_instant(month_start(first), reporting_timezone).replace(tzinfo=None)
        ((earlier,),) = connection.execute(
            f"SELECT min(month_start) FROM cases.{metric.id} WHERE anchor_at_utc < $so_far",
            {"so_far": so_far},
        ).fetchall()
        first = first if earlier is None else min(first, earlier)
    rows: list[Mapping[str, object]] = [
        {
            "grain": period.grain,
            "period": period.name,
            "period_start": period.first_day,
            "next_start": local_date(period.end_utc, reporting_timezone),
            "start_utc": period.start_utc.replace(tzinfo=None),
            "end_utc": period.end_utc.replace(tzinfo=None),
        }
        for period in periods_between(first, last, reporting_timezone)
    ]
    text, day, instant = pl.String(), pl.Date(), pl.Datetime("us")
    schema = pl.Schema(
        {
            "grain": text,
            "period": text,
            "period_start": day,
            "next_start": day,
            "start_utc": instant,
            "end_utc": instant,
        }
    )
    connection.register("incoming", pl.DataFrame(rows, schema=schema))
    connection.execute("CREATE OR REPLACE TEMP TABLE reporting_periods AS SELECT * FROM incoming")
    connection.unregister("incoming")
    connection.execute(f"CREATE OR REPLACE TEMP TABLE periods_of_months AS {_PERIODS_OF_MONTHS}")
    connection.execute(f"CREATE OR REPLACE TEMP TABLE quarters_of_months AS {_QUARTERS_OF_MONTHS}")
