"""What may be said of change in a packet: the quarter against its past, a fired trend, the usual range.

Here: the person's cells and cases as the methods of ``transforms.changes`` want them, for one quarter.
Not here: the methods and their sentences. What they give for the newest final quarter is ``trends.changes``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, cast

from packets.catalogue import Metric
from packets.cells import LADDER_STATISTICS, MetricCells, ladder_months
from packets.published import Publication
from packets.quarters import Quarter, State, first_of
from packets.sentences import Comparison
from transforms.changes.build import COMPARED, quarter_minimum
from transforms.changes.effects import effect_of
from transforms.changes.months import SeriesMonth
from transforms.changes.quarter_comparison import QuarterComparison, QuarterMonth, compare_quarter
from transforms.changes.quarter_sentences import comparison_body
from transforms.changes.sentences import Naming, trend_sentence, usual_range_sentence
from transforms.changes.trend import month_trend
from transforms.changes.usual_range import bounds_of, usual_range
from transforms.ladder import Rung, Statistic


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What the months of one metric say: sentences, and the band of the chart.

    ``trend_outcome`` is null where nothing was looked at: below the rung ``quarter`` there is no verdict.
    """

    trend_outcome: str | None = None
    is_tested: bool = False
    sentences: tuple[str, ...] = ()
    usual_low: float | None = None
    usual_high: float | None = None


def naming_of(metric: Metric) -> Naming:
    """What sentences call the metric."""
    return Naming(title=metric.title, unit=metric.unit, direction=metric.direction, words=metric.words)


def change_of(found: MetricCells, quarter: Quarter, published: Publication, *, rung: Rung) -> Change:
    """Trend and usual range of a person's metric; a trend is mentioned only where it has a direction."""
    metric = found.metric
    newest = newest_final_month(quarter, published, maturity_days=metric.maturity_days)
    series = _series(found.months, newest)
    if rung != "quarter" or not metric.min_effect or newest is None or not series:
        return Change()
    trend = month_trend(series, direction=metric.direction, effect=effect_of(metric.min_effect))
    low, high = bounds_of(metric.unit)
    usual = usual_range(series, month=newest, lower_bound=low, upper_bound=high)
    told = [
        trend_sentence(trend, naming_of(metric)) if trend.fires else None,
        usual_range_sentence(usual, naming_of(metric), subject_kind="person"),
    ]
    return Change(
        trend_outcome=trend.outcome,
        is_tested=trend.is_tested,
        sentences=tuple(sentence for sentence in told if sentence),
        usual_low=usual.low,
        usual_high=usual.high,
    )


def with_verdict(
    told: Comparison | None, found: MetricCells, quarter: Quarter, *, rung: Rung, state: State
) -> Comparison | None:
    """The comparison in cases with what may be said of it; below the rung ``quarter`` it has no verdict."""
    compared = compared_quarter(found, quarter, state=state) if told and rung == "quarter" else None
    if told is None or compared is None:
        return told
    return replace(
        told,
        verdict=comparison_body(compared, naming_of(found.metric)),
        outcome=compared.outcome,
        reason=compared.reason,
        is_tested=compared.is_tested,
    )


def compared_quarter(found: MetricCells, quarter: Quarter, *, state: State) -> QuarterComparison | None:
    """The quarter against the three before it, of the metrics whose quarters are compared."""
    metric = found.metric
    if metric.metric_id not in COMPARED or metric.statistic not in LADDER_STATISTICS:
        return None
    holes = {cell["period"]: cell["hole"] for cell in found.months}
    return compare_quarter(
        [
            QuarterMonth(
                month=row.month,
                segment=row.segment,
                status=holes[row.month] or "ok",
                numerator=row.numerator,
                denominator=row.denominator,
                exposure=row.exposure,
                closed=row.closed,
                open_so_far=row.open_so_far,
            )
            for row in ladder_months(found)
        ],
        statistic=cast(Statistic, metric.statistic),
        direction=metric.direction,
        effect=effect_of(metric.min_effect),
        n_min=quarter_minimum(metric.metric_id, metric.n_min_quarter),
        quarter=quarter.name,
        quarter_state=state,
    )


def newest_final_month(quarter: Quarter, published: Publication, *, maturity_days: int) -> str | None:
    """The newest month up to the quarter's end that is over and mature."""
    for month in reversed(quarter.year):
        after = (first_of(month) + timedelta(days=32)).replace(day=1)
        if published.as_of_utc >= published.midnight_utc(after) + timedelta(days=maturity_days):
            return month
    return None


def _series(cells: Sequence[Mapping[str, Any]], newest: str | None) -> list[SeriesMonth]:
    """The final months up to the newest one, those in which nothing happened too."""
    return [
        SeriesMonth(
            month=cell["period"],
            value=cell["value"],
            status=cell["hole"] or cell["status"],
            segment=cell["segment"],
        )
        for cell in cells
        if cell["state"] == "final" and newest is not None and cell["period"] <= newest
    ]
