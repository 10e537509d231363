"""From cases to cells.

Here: one function per statistic, and what every cell gets besides: state, status, segment, hole,
completeness, the difference to the month before, disclosure.
Not here: what a case is (facts), or what a person reads (packets).

One metric after the other: its cases are counted once, by subject, contributor and month (``tallies``), and
what can be added up is added up from there. Medians and unions are of the cases themselves.

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
from transforms.local_time import local_date, periods_between
from transforms.queries import create, insert, sql

_CASES = """
CREATE OR REPLACE TEMP VIEW cases AS
SELECT cases.*, periods.grain, periods.period
FROM ({by_subject}) AS cases
JOIN periods_of_months AS periods ON periods.month_start = cases.month_start
WHERE periods.grain IN ({grain})
"""
_TALLIES = """
CREATE OR REPLACE TEMP TABLE tallies AS
WITH of_months AS (
    SELECT subject_kind, subject_id, is_listed, pooled_into, contributor_id, month_start, {tallies}
    FROM cases.{metric_id}
    GROUP BY subject_kind, subject_id, is_listed, pooled_into, contributor_id, month_start
)

SELECT subject_kind, subject_id, contributor_id, grain, period, {sums}
FROM ({months_by_subject}) AS months
JOIN periods_of_months AS periods ON periods.month_start = months.month_start
WHERE periods.grain IN ({grain})
GROUP BY subject_kind, subject_id, contributor_id, grain, period
"""
"""One row per subject, period and contributor."""
_COUNTS = """
CREATE OR REPLACE TEMP TABLE counts AS
SELECT row_number() OVER () AS cell, *
FROM (
    SELECT subject_kind, subject_id, grain, period, {counts}
    FROM tallies
    GROUP BY subject_kind, subject_id, grain, period
)
"""
"""One row per subject and period: what adds up. Frames know it by its number: the names stay here."""
_OF_CELLS = """
SELECT counts.cell, figures.* EXCLUDE (subject_kind, subject_id, grain, period)
FROM ({figures}) AS figures
JOIN counts
    ON counts.subject_kind = figures.subject_kind
    AND counts.subject_id = figures.subject_id
    AND counts.grain = figures.grain
    AND counts.period = figures.period
"""
_STATES = """
SELECT
    $metric_id AS metric_id,
    grain,
    period,
    period_start,
    start_utc,
    end_utc,
    end_utc + to_days($maturity_days) AS final_at_utc,
    CASE
        WHEN $as_of_utc < end_utc THEN 'partial'
        WHEN $as_of_utc < end_utc + to_days($maturity_days) THEN 'provisional'
        ELSE 'final'
    END AS state
FROM reporting_periods
WHERE list_contains($grain, grain)
ORDER BY grain, period_start
"""
_CELLS = """
CREATE OR REPLACE TEMP TABLE cells AS
SELECT
    $metric_id AS metric_id,
    $definition_version AS definition_version,
    counts.subject_kind,
    counts.subject_id,
    counts.period,
    statistics.* EXCLUDE (cell),
    states.period_start,
    states.state,
    coalesce(person_periods.segment, 0) AS segment,
    coalesce(person_periods.hole, CASE WHEN ledger.status = 'incomplete' THEN 'source_gap' END) AS hole,
    coalesce(ledger.status, 'unknown') AS completeness
FROM statistics
JOIN counts ON counts.cell = statistics.cell
JOIN trends.period_states AS states
    ON states.metric_id = $metric_id AND states.grain = counts.grain AND states.period = counts.period
LEFT JOIN trends.person_periods AS person_periods
    ON counts.subject_kind = 'person'
    AND person_periods.person_id = counts.subject_id
    AND person_periods.grain = counts.grain
    AND person_periods.period = counts.period
LEFT JOIN metric_completeness AS ledger
    ON ledger.grain = counts.grain AND ledger.period = counts.period
"""
_CONTRIBUTIONS = """
CREATE OR REPLACE TEMP VIEW contributions AS
SELECT grain || ' ' || period AS table_id, subject_id AS group_id, contributor_id, weight AS n_cases
FROM tallies
WHERE subject_kind = 'team' AND {is_from_people}
"""
"""A table here is all teams of a period. Its total counts as visible: leadership knows it from elsewhere."""
_PERIODS = """
SELECT
    cells.*,
    differences.delta,
    differences.relative,
    differences.reason AS delta_reason,
    differences.is_provisional AS is_delta_provisional,
    CASE
        WHEN decisions.withheld_reason <> 'no_activity' THEN decisions.withheld_reason
        WHEN cells.status = 'suppressed' THEN 'few_raters'
    END AS withheld_reason,
    withheld_reason IS NULL AS disclosed
FROM cells
LEFT JOIN differences
    ON cells.grain = 'month'
    AND differences.subject_kind = cells.subject_kind
    AND differences.subject_id = cells.subject_id
    AND differences.period_start = cells.period_start
LEFT JOIN decisions
    ON cells.subject_kind = 'team'
    AND decisions.group_id = cells.subject_id
    AND decisions.table_id = cells.grain || ' ' || cells.period
ORDER BY cells.subject_kind, cells.subject_id, cells.grain, cells.period_start
"""


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
    create(connection, "trends.period_states")
    create(connection, "trends.person_periods")
    _reporting_periods(connection, metrics, as_of_utc, reporting_timezone)
    insert(connection, "trends.person_periods", sql("periods/person_periods.sql"))
    connection.execute(f"CREATE OR REPLACE TEMP TABLE period_completeness AS {_PERIOD_COMPLETENESS}")
    for metric in metrics:
        grain = list(metric.grain)
        insert(connection, "trends.period_states", _STATES, _instants(metric, as_of_utc) | {"grain": grain})
        _tally(connection, metric)
        statistics = _with_details(connection, metric, _STATISTICS[metric.statistic](connection, metric))
        connection.execute(_METRIC_COMPLETENESS, {"sources": list(ledgers_of(metric))})
        _add_cells(connection, metric, _with_status(statistics, metric, limits or Limits()))
    connection.execute(f"CREATE VIEW trends.all_periods AS {sql('periods/all_periods.sql')}")


_PERIODS_OF_MONTHS = """
SELECT months.period_start AS month_start, periods.grain, periods.period
FROM reporting_periods AS months
JOIN reporting_periods AS periods
    ON months.period_start >= periods.period_start AND months.period_start < periods.next_start
WHERE months.grain = 'month'
"""
_QUARTERS_OF_MONTHS = """
SELECT 'month ' || months.period AS table_id, 'quarter ' || quarters.period AS quarter_id
FROM reporting_periods AS months
JOIN reporting_periods AS quarters
    ON months.period_start >= quarters.period_start AND months.period_start < quarters.next_start
WHERE months.grain = 'month' AND quarters.grain = 'quarter'
"""
"""Named as the tables of ``_CONTRIBUTIONS``."""
_PERIOD_COMPLETENESS = """
SELECT DISTINCT periods.grain, periods.period, ledger.source, ledger.status
FROM ops.completeness AS ledger
JOIN reporting_periods AS periods
    ON ledger.month_start >= periods.period_start AND ledger.month_start < periods.next_start
"""
_METRIC_COMPLETENESS = """
CREATE OR REPLACE TEMP TABLE metric_completeness AS
SELECT
    grain,
    period,
    CASE
        WHEN bool_or(status = 'incomplete') THEN 'incomplete'
        WHEN bool_or(status = 'unknown') THEN 'unknown'
        ELSE 'complete'
    END AS status
FROM period_completeness
WHERE list_contains($sources, source)
GROUP BY grain, period
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


def _tally(connection: duckdb.DuckDBPyConnection, metric: Metric) -> None:
    """The view ``cases`` and the table ``tallies`` of this metric."""
    known = _tallies(metric)
    texts = {
        "metric_id": metric.id,
        "by_subject": cases_by_subject(metric.id),
        "months_by_subject": by_subject("of_months", ["contributor_id", "month_start", *known]),
        "grain": _quoted(metric.grain),
        "tallies": ", ".join(f"{expression} AS {name}" for name, expression in known.items()),
        "sums": ", ".join(f"sum({name}) AS {name}" for name in known),
    }
    connection.execute(_CASES.format(**texts))
    connection.execute(_TALLIES.format(**texts))


def _tallies(metric: Metric) -> Mapping[str, str]:
    """What is added up: cases by what became of them, and exposure in whole billionths, so that the order of
    adding changes no digit. ``weight`` is what a contributor holds of a team's denominator."""
    words = metric.outcomes
    counted = f"outcome IN ({_quoted(metric.counted)})"
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
        closed = f"why IN ({_quoted(words['closed_whys'])})"
        found["n_open"] = f"count(*) FILTER (WHERE {counted} AND NOT {closed})"
    for name, detail in metric.details.items():
        if detail.outcomes or detail.whys:
            found[name] = f"{_count_of('outcome', detail.outcomes)} + {_count_of('why', detail.whys)}"
    return found


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
_NOT_OF_CELLS = ("billionths", "weight")


def _counts(connection: duckdb.DuckDBPyConnection, metric: Metric) -> pl.DataFrame:
    """The table ``counts``, and of it the figures. For some statistics a complete record already."""
    found = {name: f"sum({name})::BIGINT" for name in _tallies(metric) if name not in _NOT_OF_CELLS}
    found["n_contributors"] = _CONTRIBUTORS
    found |= {
        name: _CONTRIBUTORS for name, detail in metric.details.items() if detail.distinct == "contributor_id"
    }
    found |= _OF_TALLIES.get(metric.statistic, {})
    counts = ", ".join(f"{expression} AS {name}" for name, expression in found.items())
    connection.execute(_COUNTS.format(counts=counts))
    figures: pl.DataFrame = connection.sql(
        "SELECT * EXCLUDE (subject_kind, subject_id, period) FROM counts ORDER BY cell"
    ).pl()
    return figures


def _with_figures(
    connection: duckdb.DuckDBPyConnection,
    cells: pl.DataFrame,
    select: str,
    words: Mapping[str, Sequence[str]],
) -> pl.DataFrame:
    """The cells with what a SELECT of cases tells of some of them, in the place of what they said."""
    figures = connection.sql(_OF_CELLS.format(figures=select), params=words).pl()
    names = [name for name in figures.columns if name != "cell"]
    return cells.drop(names, strict=False).join(figures, on="cell", how="left")


def _share(connection: duckdb.DuckDBPyConnection, metric: Metric) -> pl.DataFrame:
    """Shares with Wilson intervals, whatever the minimum sample."""
    cells = _counts(connection, metric)
    k, n = cells["numerator"].to_numpy(), cells["denominator"].to_numpy()
    low, high = wilson_limits(k, n)
    share = np.divide(k, n, out=np.full(len(n), np.nan), where=n > 0)
    return cells.with_columns(
        pl.Series("value", share, nan_to_null=True),
        pl.Series("ci_low", low, nan_to_null=True),
        pl.Series("ci_high", high, nan_to_null=True),
    )


def _median(connection: duckdb.DuckDBPyConnection, metric: Metric) -> pl.DataFrame:
    """Medians with order-statistic intervals, and n_open, value_at_least, coverage."""
    cells = _counts(connection, metric)
    connection.register("places", median_places_frame(cells["n"].unique().to_list()))
    words = {"counted": list(metric.counted), "closed_whys": list(metric.outcomes["closed_whys"])}
    cells = _with_figures(connection, cells, sql("periods/median.sql"), words)
    connection.unregister("places")
    return cells


def _rate(connection: duckdb.DuckDBPyConnection, metric: Metric) -> pl.DataFrame:
    """Rates with exact Poisson intervals: nothing in much exposure is a rate of 0, in none it is no rate."""
    cells = _counts(connection, metric)
    value, low, high = poisson_rates(cells["numerator"].to_numpy(), cells["exposure"].to_numpy())
    return cells.with_columns(
        pl.Series("value", value, nan_to_null=True),
        pl.Series("ci_low", low, nan_to_null=True),
        pl.Series("ci_high", high, nan_to_null=True),
    )


def _of_the_cases(connection: duckdb.DuckDBPyConnection, metric: Metric) -> pl.DataFrame:
    """What the statistic's own query gives: a complete record, without a sampling interval."""
    words = {key: list(known) for key, known in metric.outcomes.items() if key in ("counted", "total")}
    return _with_figures(
        connection, _counts(connection, metric), sql(f"periods/{metric.statistic}.sql"), words
    )


_STATISTICS = {
    "share": _share,
    "median": _median,
    "rate": _rate,
    "minutes": _of_the_cases,
    "sum": _of_the_cases,
    "distinct": _counts,
    "effective_number": _counts,
}
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


def _with_details(connection: duckdb.DuckDBPyConnection, metric: Metric, cells: pl.DataFrame) -> pl.DataFrame:
    """The figures that the metric's page names, a column each: what is counted, then what is derived."""
    for name, detail in metric.details.items():
        if detail.distinct == "cluster_id":
            select = sql("periods/different_clusters.sql")
            cells = _with_figures(connection, cells, select, {"counted": list(metric.counted)})
            cells = cells.with_columns(pl.col("n_different").fill_null(0)).rename({"n_different": name})
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


def _add_cells(connection: duckdb.DuckDBPyConnection, metric: Metric, statistics: pl.DataFrame) -> None:
    """Store them, each with what it has besides, and whether the group rule withholds it."""
    connection.register("statistics", statistics)
    named = {"metric_id": metric.id, "definition_version": metric.definition_version}
    connection.execute(_CELLS, named)
    connection.unregister("statistics")
    connection.execute(f"CREATE OR REPLACE TEMP TABLE differences AS {sql('periods/month_over_month.sql')}")
    connection.execute(_CONTRIBUTIONS.format(is_from_people=str(metric.is_from_people).lower()))
    decide_disclosure(connection)
    withhold_differences(connection)
    insert(connection, "trends.periods", _PERIODS)


def _instants(metric: Metric, as_of_utc: datetime) -> dict[str, object]:
    return {
        "metric_id": metric.id,
        "maturity_days": metric.maturity_days,
        "as_of_utc": as_of_utc.replace(tzinfo=None),
    }


def _reporting_periods(
    connection: duckdb.DuckDBPyConnection,
    metrics: Sequence[Metric],
    as_of_utc: datetime,
    reporting_timezone: str,
) -> None:
    """The temporary table ``reporting_periods``: every month and quarter with a case, up to the as-of's."""
    last = local_date(as_of_utc, reporting_timezone)
    starts = [
        connection.execute(f"SELECT min(month_start) FROM cases.{metric.id}").fetchall()[0][0]
        for metric in metrics
    ]
    first = min((start for start in starts if start is not None), default=last)
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
