"""From final cells and cases to ``trends.changes``.

Here: which cells each method sees, and the rows it gives. A pure function of final cells: months that are
partial, provisional, in another segment or holes enter nothing.
Not here: the methods (trend, quarter_comparison, usual_range) or their words (sentences).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, cast

import duckdb
import numpy as np
import polars as pl

from metrics_catalog.catalogue import Metric
from metrics_catalog.tables import table
from transforms.changes.effects import FIRED, Flags, Real, Whole, effect_of
from transforms.changes.months import Grid, month_at
from transforms.changes.quarter_comparison import (
    MONTHS,
    Amounts,
    Comparisons,
    QuarterGrid,
    Statistic,
    compare_quarters,
    comparison_at,
)
from transforms.changes.quarter_sentences import comparison_sentence
from transforms.changes.sentences import Naming, trend_sentence, usual_range_sentence
from transforms.changes.trend import REASONS, WINDOW, Trends, outcome_of, trend_at, trends
from transforms.changes.usual_range import BEFORE, VERDICTS, bounds_of, range_at, usual_ranges
from transforms.ladder import CaseWords
from transforms.local_time import next_month
from transforms.queries import create, sql

COMPARED = (
    *("rq_response_24h", "rq_first_response_time", "rq_threads_addressed", "rq_suggestions_accepted"),
    *("rq_substantive_share", "rq_author_turnaround", "rq_waited_for_review", "si_healthy_change_share"),
    *("si_followup_closed", "oc_ack_within_target", "oc_ack_time", "oc_incidents_per_shift"),
    *("oc_sleep_nights", "fc_cross_team_reviews"),
)
"""Metrics whose quarters are compared: a person's, with a minimum for the quarter (specification 4.8)."""
MIN_EXPOSURE: Mapping[str, float] = {"oc_incidents_per_shift": 6}
"""The quarter's minimum of rates, in their exposure."""

_SUBJECT = ["subject_kind", "subject_id"]
_TREND_DETAILS = (
    *("s", "p", "slope", "slope_low", "slope_high", "change", "threshold", "fit_first", "fit_last"),
    *("shift", "first_level", "last_level", "k_ends", "lowest", "highest"),
)
_COMPARISON_DETAILS = (
    *("n_current", "n_baseline", "numerator_current", "numerator_baseline", "value_current"),
    *("value_baseline", "difference", "low", "high", "ratio", "ratio_low", "ratio_high", "threshold"),
    *("kept_share",),
)
_RANGE_DETAILS = ("value", "n_baseline", "centre", "mean_moving_range", "low", "high")
_WHOLE_DETAILS = {"s", "k_ends"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cells:
    """The subjects of a metric in order, and where each of their cells is in a grid."""

    subjects: pl.DataFrame
    row: Whole
    column: Whole
    frame: pl.DataFrame

    def spread(self, name: str, empty: Any, width: int) -> np.ndarray[Any, Any]:
        """One column of the cells as a grid; ``empty`` where there is no cell."""
        values = self.frame[name].to_numpy()
        found = np.full((len(self.subjects), width), empty, dtype=values.dtype)
        found[self.row, self.column] = values
        return found


def build_changes(
    connection: duckdb.DuckDBPyConnection,
    metrics: Sequence[Metric],
    *,
    as_of_utc: datetime,
    reporting_timezone: str,
) -> None:
    """Create and fill ``trends.changes`` from ``trends.periods`` and, for medians, ``facts``.

    What is final was decided with the periods: as-of and zone are theirs and change nothing here.
    """
    del as_of_utc, reporting_timezone
    create(connection, "trends.changes")
    newest = {
        (metric_id, grain): (start, name)
        for metric_id, grain, start, name in connection.execute(sql("changes/newest_final.sql")).fetchall()
    }
    for metric in metrics:
        frames = []
        if (metric.id, "month") in newest and metric.min_effect:
            frames += _monthly(connection, metric, *newest[metric.id, "month"])
        if (metric.id, "quarter") in newest and metric.id in COMPARED:
            frames += [_quarterly(connection, metric, *newest[metric.id, "quarter"])]
        for frame in frames:
            connection.register("incoming", frame)
            connection.execute("INSERT INTO trends.changes BY NAME SELECT * FROM incoming")
            connection.unregister("incoming")


def naming_of(metric: Metric) -> Naming:
    """What sentences call a metric of the catalogue."""
    known = {
        name: metric.case_words[name] for name in CaseWords.__dataclass_fields__ if name in metric.case_words
    }
    return Naming(title=metric.title, unit=metric.unit, direction=metric.direction, words=CaseWords(**known))


def quarter_minimum(metric_id: str, n_min_quarter: int | None) -> float:
    """The fewest cases, or for rates the least exposure, of a quarter that is compared."""
    return MIN_EXPOSURE.get(metric_id, n_min_quarter or 0)


# ---- trend and usual range


def _monthly(
    connection: duckdb.DuckDBPyConnection, metric: Metric, newest: date, newest_name: str
) -> list[pl.DataFrame]:
    assert metric.min_effect is not None  # a metric with cells has one
    width = BEFORE + 1
    parameters = {"metric_id": metric.id, "first_month": next_month(newest, 1 - width), "last_month": newest}
    cells = _cells(connection, metric, sql("changes/trend_cells.sql"), parameters)
    grid = Grid(
        value=cells.spread("value", np.nan, width),
        is_final=_is_final(cells, width),
        segment=_segments(connection, cells, parameters, width),
    )
    disclosed = cells.spread("disclosed", True, width)
    found = trends(grid, effect_of(metric.min_effect))
    low, high = bounds_of(metric.unit)
    last = np.full(len(grid.value), width - 1)
    ranges = usual_ranges(grid, last, lower_bound=low, upper_bound=high)
    naming, kinds = naming_of(metric), cells.subjects["subject_kind"].to_list()
    s = np.nan_to_num(found.s).astype(np.int64)
    outcomes = [
        outcome_of(reason, sign, metric.direction)
        for reason, sign in zip(found.reason.tolist(), s.tolist(), strict=True)
    ]
    return [
        _frame(
            metric,
            cells.subjects,
            method="month_trend",
            through=newest_name,
            outcome=outcomes,
            reason=[REASONS[reason] for reason in found.reason.tolist()],
            sentence=_trend_sentences(found, outcomes, kinds, naming, newest_name),
            used=~np.isnan(found.window),
            disclosed=disclosed[:, 1:],
            first=next_month(newest, 1 - WINDOW),
            details={name: getattr(found, name) for name in _TREND_DETAILS},
        ),
        _frame(
            metric,
            cells.subjects,
            method="usual_range",
            through=newest_name,
            outcome=[VERDICTS[verdict] for verdict in ranges.verdict.tolist()],
            reason=[None] * len(kinds),
            sentence=[
                usual_range_sentence(range_at(ranges, row, month=newest_name), naming, subject_kind=kind)
                for row, kind in enumerate(kinds)
            ],
            used=~np.isnan(ranges.window),
            disclosed=disclosed,
            first=next_month(newest, 1 - width),
            details={name: getattr(ranges, name) for name in _RANGE_DETAILS},
        ),
    ]


def _trend_sentences(
    found: Trends, outcomes: Sequence[str], kinds: Sequence[str], naming: Naming, newest: str
) -> list[str | None]:
    """A person's trend is mentioned only where it has a direction."""
    return [
        trend_sentence(trend_at(found, row, newest=newest, direction=naming.direction), naming)
        if kind != "person" or outcome in FIRED
        else None
        for row, (kind, outcome) in enumerate(zip(kinds, outcomes, strict=True))
    ]


def _is_final(cells: _Cells, width: int) -> Flags:
    """Where there is a final cell; the newest month is final whether or not something happened in it."""
    is_final = np.zeros((len(cells.subjects), width), np.bool_)
    is_final[cells.row, cells.column] = True
    is_final[:, -1] = True
    return is_final


def _segments(
    connection: duckdb.DuckDBPyConnection, cells: _Cells, parameters: Mapping[str, Any], width: int
) -> Whole:
    """The segment of every month, with a cell or without; what is no person has one."""
    months = {name: parameters[name] for name in ("first_month", "last_month")}
    found = (
        connection.sql(sql("changes/segments.sql"), params=months)
        .pl()
        .join(cells.subjects.with_row_index("row"), on=_SUBJECT, how="inner")
    )
    segment = np.zeros((len(cells.subjects), width), np.int64)
    segment[found["row"].to_numpy(), found["month_index"].to_numpy()] = found["segment"].to_numpy()
    return segment


# ---- the quarter


def _quarterly(
    connection: duckdb.DuckDBPyConnection, metric: Metric, newest: date, newest_name: str
) -> pl.DataFrame:
    assert metric.min_effect is not None  # a metric with cells has one
    first = next_month(newest, 3 - MONTHS)
    parameters = {"metric_id": metric.id, "first_month": first, "last_month": next_month(newest, 2)}
    cells = _cells(connection, metric, sql("changes/quarter_cells.sql"), parameters)
    statistic = cast(Statistic, metric.statistic)
    grid = _quarter_grid(connection, metric, cells, parameters, statistic)
    n_min = quarter_minimum(metric.id, metric.n_min_quarter)
    found = compare_quarters(
        grid, statistic=statistic, effect=effect_of(metric.min_effect), n_min=n_min, is_final=True
    )
    naming = naming_of(metric)
    told = [
        comparison_at(
            found,
            grid,
            row,
            statistic=statistic,
            direction=metric.direction,
            n_min=n_min,
            quarter=newest_name,
        )
        for row in range(len(cells.subjects))
    ]
    withheld = connection.sql(sql("changes/withheld_quarters.sql"), params=parameters).pl()
    is_withheld = cells.subjects.join(
        withheld.with_columns(pl.lit(True).alias("is_withheld")),
        on=_SUBJECT,
        how="left",
        maintain_order="left",
    )["is_withheld"].fill_null(False)
    disclosed = cells.spread("disclosed", True, MONTHS) & ~is_withheld.to_numpy()[:, None]
    return _frame(
        metric,
        cells.subjects,
        method="quarter_comparison",
        through=newest_name,
        outcome=[one.outcome for one in told],
        reason=[one.reason for one in told],
        sentence=[comparison_sentence(one, naming) for one in told],
        used=found.used,
        disclosed=disclosed,
        first=first,
        details=_comparison_details(found, statistic),
        lists={"deciding_months": [list(one.deciding_months) for one in told]},
    )


def _comparison_details(found: Comparisons, statistic: Statistic) -> dict[str, np.ndarray[Any, Any]]:
    """Cases as whole numbers; exposure is none, and a median has no numerator."""
    details = {name: getattr(found, name) for name in _COMPARISON_DETAILS}
    for name in ("numerator_current", "numerator_baseline"):
        details[name] = details[name].astype(np.int64) if statistic != "median" else details[name] * np.nan
    if statistic != "rate":
        details |= {name: details[name].astype(np.int64) for name in ("n_current", "n_baseline")}
    return details


def _quarter_grid(
    connection: duckdb.DuckDBPyConnection,
    metric: Metric,
    cells: _Cells,
    parameters: Mapping[str, Any],
    statistic: Statistic,
) -> QuarterGrid:
    amounts = _amounts(connection, metric, cells, parameters) if statistic == "median" else None
    if amounts is None:
        name = {"share": "denominator", "rate": "exposure"}[statistic]
        n: Real = cells.spread(name, 0, MONTHS).astype(np.float64)
    else:
        n = np.zeros((len(cells.subjects), MONTHS))
        np.add.at(n, (amounts.row, amounts.column), 1)
    return QuarterGrid(
        n=n,
        numerator=cells.spread("numerator", 0, MONTHS).astype(np.float64),
        segment=_segments(connection, cells, parameters, MONTHS),
        is_there=np.ones(n.shape, np.bool_),
        is_hole=cells.spread("is_hole", False, MONTHS),
        amounts=amounts,
    )


def _amounts(
    connection: duckdb.DuckDBPyConnection, metric: Metric, cells: _Cells, parameters: Mapping[str, Any]
) -> Amounts:
    """The counted cases of the subjects, in months that have a final cell."""
    found = connection.sql(
        f"WITH cases_of_metric AS (FROM facts.{metric.id}) {sql('changes/amounts.sql')}",
        params={
            "first_month": parameters["first_month"],
            "last_month": parameters["last_month"],
            "counted": list(metric.outcomes["counted"]),
            "closed_whys": list(metric.outcomes["closed_whys"]),
        },
    ).pl()
    placed = found.join(
        cells.frame.select(*_SUBJECT, "month_index", "row"),
        on=[*_SUBJECT, "month_index"],
        how="inner",
        maintain_order="left",
    )
    return Amounts(
        row=placed["row"].to_numpy().astype(np.int64),
        column=placed["month_index"].to_numpy().astype(np.int64),
        amount=placed["amount"].to_numpy().astype(np.float64),
        is_open=placed["is_open"].to_numpy(),
    )


# ---- rows


def _is_told(metric: Metric) -> pl.Expr:
    """A person's cells of an agreed goal belong to the goal and its period, not to any series."""
    goal_only = any(subject.startswith("person:") and "goal_only" in subject for subject in metric.subjects)
    return pl.col("subject_kind") != "person" if goal_only else pl.lit(True)


def _cells(
    connection: duckdb.DuckDBPyConnection, metric: Metric, query: str, parameters: Mapping[str, Any]
) -> _Cells:
    frame = connection.sql(query, params=dict(parameters)).pl().filter(_is_told(metric))
    subjects = frame.select(_SUBJECT).unique(maintain_order=True).with_row_index("row")
    frame = frame.join(subjects, on=_SUBJECT, how="left", maintain_order="left")
    return _Cells(
        subjects=subjects.drop("row"),
        row=frame["row"].to_numpy().astype(np.int64),
        column=frame["month_index"].to_numpy().astype(np.int64),
        frame=frame,
    )


def _frame(
    metric: Metric,
    subjects: pl.DataFrame,
    *,
    method: str,
    through: str,
    outcome: Sequence[str],
    reason: Sequence[str | None],
    sentence: Sequence[str | None],
    used: Flags,
    disclosed: Flags,
    first: date,
    details: Mapping[str, np.ndarray[Any, Any]],
    lists: Mapping[str, Sequence[Sequence[str]]] | None = None,
) -> pl.DataFrame:
    """Rows of one method. ``used`` and ``disclosed`` have a column per month from ``first`` on."""
    figures = [_detail(name, values) for name, values in details.items()]
    figures += [pl.Series(name, values, dtype=pl.List(pl.String)) for name, values in (lists or {}).items()]
    return subjects.with_columns(
        pl.lit(metric.id).alias("metric_id"),
        pl.lit(metric.definition_version).alias("definition_version"),
        pl.lit(method).alias("method"),
        pl.lit(through).alias("through_period"),
        pl.Series("outcome", outcome, dtype=pl.String),
        pl.Series("reason", reason, dtype=pl.String),
        pl.Series("sentence", sentence, dtype=pl.String),
        _month_lists(used, first),
        pl.Series("disclosed", (disclosed | ~used).all(axis=1)),
        pl.DataFrame(figures).to_struct("details").struct.json_encode().alias("details"),
    ).select(column.name for column in table("trends.changes").columns)


def _detail(name: str, values: np.ndarray[Any, Any]) -> pl.Series:
    if values.dtype.kind == "i":
        return pl.Series(name, values)
    finite = np.where(np.isfinite(values), values, np.nan)
    found = pl.Series(name, finite, nan_to_null=True)
    return found.cast(pl.Int64) if name in _WHOLE_DETAILS else found


def _month_lists(used: Flags, first: date) -> pl.Series:
    """The months that are used, by name; the same few patterns come again and again."""
    start = first.year * 12 + first.month - 1
    patterns, which = np.unique(np.packbits(used, axis=1), axis=0, return_inverse=True)
    names = [
        [month_at(start + int(at)) for at in np.flatnonzero(np.unpackbits(row, count=used.shape[1]))]
        for row in patterns
    ]
    known = pl.Series("months_used", names, dtype=pl.List(pl.String))
    return known.gather(pl.Series(which.ravel(), dtype=pl.UInt32))
