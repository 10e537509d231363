"""From cases to cells.

Here: one function per statistic, and what every cell gets besides: state, status, segment, hole,
completeness, the difference to the month before, disclosure.
Not here: what a case is (facts), or what a person reads (packets).

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
from transforms.intervals import median_places_frame, poisson_rates, wilson_limits
from transforms.local_time import local_date, periods_between
from transforms.queries import create, insert, sql

MINIMUM_GROUP = 5
DOMINANCE_LIMIT = 0.5

_KEY = ["subject_kind", "subject_id", "grain", "period"]

_CASES = """
CREATE OR REPLACE TEMP VIEW cases AS
SELECT facts.*, periods.grain, periods.period
FROM facts.{metric_id} AS facts
JOIN periods_of_months AS periods ON periods.month_start = facts.month_start
WHERE periods.grain IN ({grain})
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
SELECT
    $metric_id AS metric_id,
    $definition_version AS definition_version,
    statistics.*,
    states.period_start,
    states.state,
    coalesce(person_periods.segment, 0) AS segment,
    coalesce(person_periods.hole, CASE WHEN ledger.status = 'incomplete' THEN 'source_gap' END) AS hole,
    coalesce(ledger.status, 'unknown') AS completeness,
    statistics.status <> 'suppressed' AS disclosed,
    CASE WHEN statistics.status = 'suppressed' THEN 'few_raters' END AS withheld_reason
FROM statistics
JOIN trends.period_states AS states
    ON states.metric_id = $metric_id AND states.grain = statistics.grain AND states.period = statistics.period
LEFT JOIN person_periods
    ON person_periods.subject_kind = statistics.subject_kind
    AND person_periods.subject_id = statistics.subject_id
    AND person_periods.grain = statistics.grain
    AND person_periods.period = statistics.period
LEFT JOIN metric_completeness AS ledger
    ON ledger.grain = statistics.grain AND ledger.period = statistics.period
ORDER BY statistics.subject_kind, statistics.subject_id, statistics.grain, states.period_start
"""
_CONTRIBUTIONS = """
CREATE OR REPLACE TEMP TABLE contributions AS
SELECT
    grain || ' ' || period AS table_id,
    subject_id AS group_id,
    contributor_id,
    {weight} AS n_cases
FROM cases
WHERE subject_kind = 'team'
GROUP BY grain, period, subject_id, contributor_id
"""
_WITHHOLD = """
UPDATE trends.periods AS cells
SET disclosed = false, withheld_reason = decisions.withheld_reason
FROM decisions
WHERE cells.metric_id = $metric_id
    AND cells.subject_kind = 'team'
    AND cells.grain || ' ' || cells.period = decisions.table_id
    AND cells.subject_id = decisions.group_id
    AND decisions.withheld_reason IN ('small_group', 'dominance', 'complement')
"""
_DELTAS = """
UPDATE trends.periods AS cells
SET
    delta = differences.delta,
    relative = differences.relative,
    delta_reason = differences.reason,
    is_delta_provisional = differences.is_provisional
FROM differences
WHERE cells.metric_id = differences.metric_id
    AND cells.subject_kind = differences.subject_kind
    AND cells.subject_id = differences.subject_id
    AND cells.grain = 'month'
    AND cells.period_start = differences.period_start
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
    _reporting_periods(connection, metrics, as_of_utc, reporting_timezone)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE person_periods AS {sql('periods/person_periods.sql')}")
    connection.execute(f"CREATE OR REPLACE TEMP TABLE period_completeness AS {_PERIOD_COMPLETENESS}")
    for metric in metrics:
        grain = list(metric.grain)
        insert(connection, "trends.period_states", _STATES, _instants(metric, as_of_utc) | {"grain": grain})
        quoted = ", ".join(f"'{word}'" for word in metric.grain)
        connection.execute(_CASES.format(metric_id=metric.id, grain=quoted))
        statistics = _with_details(connection, metric, _STATISTICS[metric.statistic](connection, metric))
        connection.execute(_METRIC_COMPLETENESS, {"sources": list(ledgers_of(metric))})
        _add_cells(connection, metric, _with_status(statistics, metric, limits or Limits()))
        if metric.is_from_people:
            _withhold_small_groups(connection, metric)
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE cells AS SELECT metric_id, subject_kind, subject_id, grain, "
        "period_start, value, status, state, segment, hole FROM trends.periods"
    )
    connection.execute(f"CREATE OR REPLACE TEMP TABLE differences AS {sql('periods/month_over_month.sql')}")
    connection.execute(_DELTAS)
    connection.execute(f"CREATE VIEW trends.all_periods AS {sql('periods/all_periods.sql')}")


_PERIODS_OF_MONTHS = """
SELECT months.period_start AS month_start, periods.grain, periods.period
FROM reporting_periods AS months
JOIN reporting_periods AS periods
    ON months.period_start >= periods.period_start AND months.period_start < periods.next_start
WHERE months.grain = 'month'
"""
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


def _share(connection: duckdb.DuckDBPyConnection, metric: Metric) -> pl.DataFrame:
    """Shares with Wilson intervals, whatever the minimum sample."""
    words = {key: list(metric.outcomes[key]) for key in ("numerator", "denominator", "pending", "excluded")}
    cells: pl.DataFrame = connection.sql(sql("periods/share.sql"), params=words).pl()
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
    words = {key: list(known) for key, known in metric.outcomes.items() if key != "unlisted"}
    cells: pl.DataFrame = connection.sql(sql("periods/median_counts.sql"), params=words).pl()
    connection.register("places", median_places_frame(cells["n"].to_list()))
    figures = connection.sql(
        sql("periods/median.sql"),
        params={"counted": words["counted"], "closed_whys": words["closed_whys"]},
    ).pl()
    connection.unregister("places")
    joined = cells.join(figures, on=_KEY, how="left").with_columns(
        pl.when(pl.col("value").is_null()).then(pl.col("middle_so_far")).alias("value_at_least")
    )
    return joined.drop("middle_so_far")


def _rate(connection: duckdb.DuckDBPyConnection, metric: Metric) -> pl.DataFrame:
    """Rates with exact Poisson intervals: nothing in much exposure is a rate of 0, in none it is no rate."""
    cells = _complete_record(connection, metric)
    value, low, high = poisson_rates(cells["numerator"].to_numpy(), cells["exposure"].to_numpy())
    return cells.with_columns(
        pl.Series("value", value, nan_to_null=True),
        pl.Series("ci_low", low, nan_to_null=True),
        pl.Series("ci_high", high, nan_to_null=True),
    )


def _complete_record(connection: duckdb.DuckDBPyConnection, metric: Metric) -> pl.DataFrame:
    """What the statistic's own query gives: a complete record, without a sampling interval."""
    words = {key: list(known) for key, known in metric.outcomes.items() if key != "unlisted"}
    cells: pl.DataFrame = connection.sql(sql(f"periods/{metric.statistic}.sql"), params=words).pl()
    return cells


_STATISTICS = {
    "share": _share,
    "median": _median,
    "rate": _rate,
    "minutes": _complete_record,
    "sum": _complete_record,
    "distinct": _complete_record,
    "effective_number": _complete_record,
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
_WEIGHT: Mapping[str, str] = {
    "rate": "coalesce(sum(exposure), 0)",
    "sum": "coalesce(sum(exposure) FILTER (WHERE list_contains($counted, outcome)), 0)",
}
"""What a contributor holds of a team's denominator; cases counted, where nothing else is said."""


def _with_details(connection: duckdb.DuckDBPyConnection, metric: Metric, cells: pl.DataFrame) -> pl.DataFrame:
    """The figures that the metric's page names, a column each: what is counted, then what is derived."""
    if not metric.details:
        return cells
    classes = [
        (name, column, word)
        for name, detail in metric.details.items()
        for column, words in (("outcome", detail.outcomes), ("why", detail.whys))
        for word in words
    ]
    schema = {"detail": pl.String, "of_column": pl.String, "word": pl.String}
    connection.register("detail_classes", pl.DataFrame(classes, schema=schema, orient="row"))
    counts = connection.sql(sql("periods/detail_counts.sql")).pl()
    connection.unregister("detail_classes")
    distinct = connection.sql(
        sql("periods/distinct_counts.sql"), params={"counted": list(metric.counted)}
    ).pl()
    for name, detail in metric.details.items():
        if detail.outcomes or detail.whys:
            found = counts.filter(pl.col("detail") == name).select(*_KEY, pl.col("n").alias(name))
        elif detail.distinct:
            found = distinct.select(*_KEY, pl.col(f"n_{detail.distinct}").alias(name))
        else:
            continue
        cells = cells.join(found, on=_KEY, how="left").with_columns(pl.col(name).fill_null(0))
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


def _add_cells(connection: duckdb.DuckDBPyConnection, metric: Metric, cells: pl.DataFrame) -> None:
    connection.register("statistics", cells)
    insert(
        connection,
        "trends.periods",
        _CELLS,
        {"metric_id": metric.id, "definition_version": metric.definition_version},
    )
    connection.unregister("statistics")


def _instants(metric: Metric, as_of_utc: datetime) -> dict[str, object]:
    return {
        "metric_id": metric.id,
        "maturity_days": metric.maturity_days,
        "as_of_utc": as_of_utc.replace(tzinfo=None),
    }


def _withhold_small_groups(connection: duckdb.DuckDBPyConnection, metric: Metric) -> None:
    """Set ``disclosed`` and ``withheld_reason`` of team cells that people were pooled into.

    A table here is all teams of one period. Its total counts as visible: leadership knows it from elsewhere.
    """
    weight = _WEIGHT.get(metric.statistic, "count(*) FILTER (WHERE list_contains($counted, outcome))")
    words = {"counted": list(metric.counted)} if "$counted" in weight else {}
    connection.execute(_CONTRIBUTIONS.format(weight=weight), words)
    decide_disclosure(connection)
    connection.execute(_WITHHOLD, {"metric_id": metric.id})


def decide_disclosure(
    connection: duckdb.DuckDBPyConnection,
    *,
    minimum_group: int = MINIMUM_GROUP,
    dominance_limit: float = DOMINANCE_LIMIT,
) -> None:
    """From the temporary table ``contributions`` to the temporary table ``decisions``."""
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE decisions AS {sql('periods/disclosure.sql')}",
        {"minimum_group": minimum_group, "dominance_limit": dominance_limit},
    )


def _reporting_periods(
    connection: duckdb.DuckDBPyConnection,
    metrics: Sequence[Metric],
    as_of_utc: datetime,
    reporting_timezone: str,
) -> None:
    """The temporary table ``reporting_periods``: every month and quarter with a case, up to the as-of's."""
    last = local_date(as_of_utc, reporting_timezone)
    starts = [
        connection.execute(f"SELECT min(month_start) FROM facts.{metric.id}").fetchall()[0][0]
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
