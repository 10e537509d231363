"""Each metric of a person as a figure: its rung, what is said, from which counts and months.

Not here: reading cells (cells), wording (sentences), other people, or any verdict on a single month.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from packets.catalogue import HEADINGS, Metric
from packets.cells import MetricCells, inside, ladder_months, standing_of
from packets.changes import Change, change_of, with_verdict
from packets.evidence import Case
from packets.published import Publication
from packets.quarters import Quarter, State
from packets.sentences import Comparison, comparison, sentences, status_words
from packets.words import listed, worded
from transforms.ladder import Rung


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """One month of a metric. Value and interval are null below the rung ``quarter``, where n is too small,
    and where a cell has none."""

    month: str
    state: str
    status: str
    n: float
    n_pending: int
    n_excluded: int
    numerator: int | None
    denominator: int | None
    value: float | None
    ci_low: float | None
    ci_high: float | None
    delta: float | None
    delta_reason: str | None
    is_delta_provisional: bool
    completeness: str
    hole: str | None
    is_current_segment: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One metric of the person."""

    metric_id: str
    definition_version: str
    family: str
    heading: str
    title: str
    question: str
    formula: str
    direction: str
    unit: str
    statistic: str
    rung: Rung
    state: State
    state_words: str
    status_words: str
    sentences: tuple[str, ...]
    n_quarter: float
    n_twelve: float
    n_pending: int
    n_excluded: int
    numerator: int | None
    denominator: int | None
    value: float | None
    at_least: float | None
    ci_low: float | None
    ci_high: float | None
    counted_months: tuple[str, ...]
    months: tuple[Month, ...]
    comparison: Comparison | None
    change: Change
    evidence: str
    caveat: str
    coverage: str


def figure(found: MetricCells, quarter: Quarter, published: Publication, *, coverage: str = "") -> Figure:
    """The metric on its rung. ``coverage``: what is to be said of accounts that nobody claims."""
    metric = found.metric
    stand, months = standing_of(found, quarter), ladder_months(found)
    state = quarter.state(published, maturity_days=metric.maturity_days)
    shown = stand.quarter if stand.rung == "quarter" else stand.twelve
    is_share = metric.statistic == "share"
    current = months[-1].segment if months else 0
    in_current = {row.month for row in months if row.segment == current}
    span = quarter.months if stand.rung == "quarter" else quarter.year
    counted = tuple(month for month in span if month in in_current)
    return Figure(
        metric_id=metric.metric_id,
        definition_version=metric.definition_version,
        family=metric.family,
        heading=HEADINGS[metric.heading],
        title=metric.title,
        question=metric.question,
        formula=metric.formula,
        direction=worded("directions", metric.direction),
        unit=metric.unit,
        statistic=metric.statistic,
        rung=stand.rung,
        state=state,
        state_words="final" if state == "final" else "so far",
        status_words=status_words(stand, metric),
        sentences=tuple(sentences(found, stand, state, quarter)),
        n_quarter=stand.n_quarter or 0,
        n_twelve=stand.n_twelve or 0,
        n_pending=sum(reading.counts_as == "pending" for _, reading in inside(found, counted)),
        n_excluded=sum(reading.counts_as == "excluded" for _, reading in inside(found, counted)),
        numerator=shown.numerator if shown and metric.statistic in ("share", "rate") else None,
        denominator=shown.denominator if shown and is_share else None,
        value=stand.estimate.value,
        at_least=stand.estimate.at_least,
        ci_low=stand.estimate.ci_low,
        ci_high=stand.estimate.ci_high,
        counted_months=counted,
        months=tuple(
            _month(cell, metric, with_values=stand.rung == "quarter", is_current=cell["period"] in in_current)
            for cell in found.months
            if cell["period"] in quarter.year
        ),
        comparison=with_verdict(
            comparison(found, months, quarter, state=state), found, quarter, rung=stand.rung, state=state
        ),
        change=change_of(found, quarter, published, rung=stand.rung),
        evidence=span_of([case for case, _ in inside(found, quarter.months)]),
        caveat=metric.misreadings[0] if metric.misreadings else "",
        coverage=coverage,
    )


def _month(cell: Mapping[str, Any], metric: Metric, *, with_values: bool, is_current: bool) -> Month:
    has_value = with_values and cell["status"] == "ok"
    is_share = metric.statistic == "share"
    return Month(
        month=cell["period"],
        state=cell["state"] or "",
        status=cell["status"],
        n=cell["n"] or 0,
        n_pending=cell["n_pending"] or 0,
        n_excluded=cell["n_excluded"] or 0,
        numerator=cell["numerator"] if metric.statistic in ("share", "rate") else None,
        denominator=cell["denominator"] if is_share else None,
        value=cell["value"] if has_value else None,
        ci_low=cell["ci_low"] if has_value else None,
        ci_high=cell["ci_high"] if has_value else None,
        delta=cell["delta"] if has_value else None,
        delta_reason=cell["delta_reason"],
        is_delta_provisional=bool(cell["is_delta_provisional"]),
        completeness=cell["completeness"] or "unknown",
        hole=cell["hole"],
        is_current_segment=is_current,
    )


def span_of(cases: Sequence[Case]) -> str:
    """Evidence ids as ranges: E1 to E14, E20."""
    numbers = sorted({int(case.evidence_id[1:]) for case in cases})
    ranges: list[list[int]] = []
    for number in numbers:
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    parts = [f"E{first}" if first == last else f"E{first} to E{last}" for first, last in ranges]
    return listed(parts, at_most=6)
