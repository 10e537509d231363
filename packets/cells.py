"""A person's cells and cases, metric by metric, as the ladder needs them.

Here: reading monthly and quarterly cells of one person, and pairing them with their cases.
Not here: what is said of them (sentences) or shown (figures).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import duckdb

from packets.catalogue import Metric
from packets.evidence import Case, Reading
from packets.published import Row, read
from packets.quarters import Quarter
from transforms.ladder import (
    Estimate,
    LadderMonth,
    Standing,
    Statistic,
    current_segment,
    months_of,
    standing,
)

LADDER_STATISTICS = frozenset({"share", "median", "rate"})
KEPT_OUT = frozenset({"absent", "not_in_role", "source_gap"})


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricCells:
    """A metric with the person's monthly cells (oldest first), its quarter cell and its cases."""

    metric: Metric
    months: tuple[Mapping[str, Any], ...]
    quarter: Mapping[str, Any] | None
    cases: tuple[tuple[Case, Reading], ...]

    @property
    def is_withheld(self) -> bool:
        """Some cell may not be shown: then nothing of the metric is, rows included."""
        cells = [*self.months, *([self.quarter] if self.quarter else [])]
        return any(
            cell["withheld_reason"]
            or cell["status"] == "suppressed"
            or (cell["status"] != "no_activity" and cell["disclosed"] is not True)
            for cell in cells
        )


def cells_of(
    connection: duckdb.DuckDBPyConnection, *, person_id: str, quarter: Quarter
) -> dict[str, list[Row]]:
    """The person's cells up to the end of the quarter, by metric, oldest first."""
    rows = read(
        connection,
        """SELECT metric_id, definition_version, grain, period, state, status, n, n_pending, n_excluded,
                  numerator, denominator, exposure, value, ci_low, ci_high, completeness, hole, segment,
                  delta, delta_reason, is_delta_provisional, disclosed, withheld_reason, details
           FROM trends.all_periods
           WHERE subject_kind = 'person' AND subject_id = $person_id
             AND ((grain = 'month' AND period <= $last_month) OR (grain = 'quarter' AND period = $quarter))
           ORDER BY metric_id, grain, period_start, period""",
        {"person_id": person_id, "last_month": quarter.months[-1], "quarter": quarter.name},
    )
    by_metric: dict[str, list[Row]] = {}
    for row in rows:
        by_metric.setdefault(row["metric_id"], []).append(row)
    return by_metric


def metric_cells(metric: Metric, cells: Sequence[Mapping[str, Any]], cases: Sequence[Case]) -> MetricCells:
    """The cells and cases of one metric side by side."""
    return MetricCells(
        metric=metric,
        months=tuple(cell for cell in cells if cell["grain"] == "month"),
        quarter=next((cell for cell in cells if cell["grain"] == "quarter"), None),
        cases=tuple(
            (case, reading) for case in cases if (reading := case.reading(metric.metric_id)) is not None
        ),
    )


def ladder_months(found: MetricCells) -> list[LadderMonth]:
    """Counts from the cells; amounts and kinds of misses from the cases.

    A metric without monthly cells stands in the last month of its quarter as a whole: nothing is added up
    over quarters.
    """
    if not found.months and found.quarter:
        first, second, last = months_of(found.quarter["period"])
        return [LadderMonth(month=first), LadderMonth(month=second), _whole_quarter(last, found.quarter)]
    amounts: dict[str, list[Reading]] = {}
    for case, reading in found.cases:
        amounts.setdefault(case.month, []).append(reading)
    months = []
    for cell in found.months:
        readings = amounts.get(cell["period"], [])
        misses = [reading.why for reading in readings if reading.counts_as == "denominator"]
        months.append(
            LadderMonth(
                month=cell["period"],
                segment=cell["segment"],
                numerator=cell["numerator"] or 0,
                denominator=cell["denominator"] or 0,
                exposure=cell["exposure"] or 0.0,
                closed=tuple(_amounts(readings, "finished")),
                open_so_far=tuple(_amounts(readings, "unfinished")),
                n_pending=cell["n_pending"] or 0,
                misses={kind: misses.count(kind) for kind in sorted(set(misses))},
            )
        )
    return months


def _whole_quarter(month: str, cell: Mapping[str, Any]) -> LadderMonth:
    return LadderMonth(
        month=month,
        numerator=cell["numerator"] or 0,
        denominator=cell["denominator"] or 0,
        n_pending=cell["n_pending"] or 0,
    )


def _amounts(readings: Sequence[Reading], counted_as: str) -> list[float]:
    return [reading.amount or 0.0 for reading in readings if reading.counts_as == counted_as]


def standing_of(found: MetricCells, quarter: Quarter) -> Standing:
    """The rung. A statistic that the ladder does not pool takes the value of its quarter cell as it is."""
    metric, cell = found.metric, found.quarter
    if metric.statistic in LADDER_STATISTICS:
        return standing(
            ladder_months(found),
            statistic=cast(Statistic, metric.statistic),
            quarter=quarter.name,
            n_min=metric.n_min_quarter,
            words=metric.words,
            withheld=found.is_withheld,
            quarter_meets_conditions=_meets_own_conditions(cell, metric),
        )
    if found.is_withheld:
        return Standing(rung="withheld")
    history = [
        LadderMonth(month=row["period"], segment=row["segment"], denominator=row["n"] or 0)
        for row in found.months
    ]
    current, lead = current_segment(history, quarter=quarter.name, statistic="share")
    n_twelve = sum(row.denominator for row in current)
    if cell and cell["status"] == "ok":
        estimate = Estimate(value=cell["value"], ci_low=cell["ci_low"], ci_high=cell["ci_high"])
        return Standing(
            rung="quarter",
            n_quarter=cell["n"],
            n_twelve=n_twelve,
            n_pending=cell["n_pending"],
            estimate=estimate,
        )
    sentence = f"{lead}: {n_twelve} {metric.words.case}."
    n_quarter = cell["n"] if cell else 0
    return Standing(
        rung="cases" if n_twelve else "none",
        n_quarter=n_quarter,
        n_twelve=n_twelve,
        sentence=sentence if n_twelve else None,
    )


def _meets_own_conditions(cell: Mapping[str, Any] | None, metric: Metric) -> bool:
    """False where a cell has its cases and still no value: the metric asks for more than a number."""
    return not (cell and cell["status"] == "insufficient" and (cell["n"] or 0) >= metric.n_min_quarter)


def inside(found: MetricCells, months: Sequence[str]) -> list[tuple[Case, Reading]]:
    """The cases of these months."""
    return [(case, reading) for case, reading in found.cases if case.month in months]
