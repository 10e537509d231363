"""How often the methods call a direction where nothing changed, and how often where something did.

    python benchmarks/false_alarms.py                  2,000 series of each kind and size

Series of thirteen months are made up with a fixed seed and go through the real methods with the effect, the
minimum and the direction of a real metric: quarter comparison, monthly trend, usual range. Shares are of
``rq_response_24h``, hours of ``rq_first_response_time``, counts of ``oc_incidents_per_shift``. Nothing
changes in them but what the kind says:

    independent    every case by itself
    correlated     the months of one series vary by more than chance: each has a story of its own
    lingering      and what a month has it hands on to the next: 0.5 of it
    seasonal       the level swings over the year, by 10 points, a fifth, or a third of the rate
    whole hours    durations rounded up to whole hours: ties

``fired`` is the share in which a direction is called (improving, worsening, rising, falling), in percent; of
usual ranges that in which the newest month is called outside. ``tested`` had enough to be looked at. A month
below the metric's monthly minimum is a hole of the series, as on every night; the quarter counts its cases.
The specification's nominal level is 4% for comparisons and 2% for trends of independent cases.
"""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import numpy.typing as npt

from metrics_catalog.catalogue import Metric, load_catalogue
from transforms.changes.build import quarter_minimum
from transforms.changes.effects import FIRED, effect_of
from transforms.changes.months import Grid
from transforms.changes.quarter_comparison import REASONS as QUARTER_REASONS
from transforms.changes.quarter_comparison import Amounts, QuarterGrid, Statistic, compare_quarters
from transforms.changes.quarter_comparison import outcome_of as quarter_outcome
from transforms.changes.trend import outcome_of as trend_outcome
from transforms.changes.trend import trends
from transforms.changes.usual_range import VERDICTS, bounds_of, usual_ranges

Real = npt.NDArray[np.float64]

MONTHS = 13
"""Twelve that trend and quarters look at, and one before them for the usual range."""
KINDS = ("independent", "correlated", "lingering", "seasonal")
SIZES = (4, 8, 11, 25, 100)
STORY, HANDED_ON = 0.05, 0.5
SHIFTS = 6.0
"""On-call shifts of 12 h a month: the exposure of the counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """Cases of many series by month: how many, how many in the numerator, their amounts, and the exposure."""

    cases: npt.NDArray[np.int64]
    numerator: npt.NDArray[np.int64]
    amounts: Real | None = None
    """One row per series and month, as many columns as cases; nan past their number."""

    @property
    def medians(self) -> Real:
        assert self.amounts is not None
        with np.errstate(all="ignore"):
            found: Real = np.nanmedian(self.amounts, axis=2)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Of many series, in percent: how many were tested, and how many fired."""

    tested: float
    fired: float


def levels(kind: str, count: int, random: np.random.Generator) -> Real:
    """Standard normal swings of the months' levels, the same story for all cases of a month."""
    steps = random.normal(size=(count, MONTHS))
    if kind == "independent":
        return np.zeros((count, MONTHS))
    if kind == "seasonal":
        begin = random.uniform(0, 2 * np.pi, (count, 1))
        return np.sin(begin + 2 * np.pi * np.arange(MONTHS) / 12)
    if kind == "lingering":
        for month in range(1, MONTHS):
            steps[:, month] = HANDED_ON * steps[:, month - 1] + np.sqrt(1 - HANDED_ON**2) * steps[:, month]
    return steps


def made_shares(kind: str, size: int, level: Real, random: np.random.Generator, count: int) -> Made:
    """Shares around ``level`` (a number a month), of a number of cases a month that varies like counts do."""
    cases = random.poisson(size, (count, MONTHS))
    swing = levels(kind, count, random)
    spread = 0.1 if kind == "seasonal" else np.sqrt(STORY * level * (1 - level))
    return Made(
        cases=cases, numerator=random.binomial(cases, np.clip(level + swing * spread, 0, 1)).astype(np.int64)
    )


def made_hours(
    kind: str, size: int, level: Real, random: np.random.Generator, count: int, *, whole: bool = False
) -> Made:
    """Log-normal hours around ``level``, rounded up to whole hours where so asked."""
    cases = random.poisson(size, (count, MONTHS))
    swing = levels(kind, count, random) * (np.log(1.2) if kind == "seasonal" else np.sqrt(STORY))
    hours = np.exp(
        np.log(level)[:, None] + swing[:, :, None] + random.normal(size=(count, MONTHS, cases.max()))
    )
    hours = np.ceil(hours) if whole else hours
    hours[np.arange(cases.max()) >= cases[:, :, None]] = np.nan
    return Made(cases=cases, numerator=np.zeros_like(cases), amounts=hours)


def made_counts(kind: str, level: Real, random: np.random.Generator, count: int) -> Made:
    """Events in six shifts a month, ``level`` of them a shift."""
    swing = levels(kind, count, random)
    factor = 1 + swing / 3 if kind == "seasonal" else np.exp(swing * np.sqrt(STORY) - STORY / 2)
    events = random.poisson(np.broadcast_to(level * SHIFTS, swing.shape) * factor)
    return Made(cases=events, numerator=events)


def by_quarter(made: Made, metric: Metric) -> Found:
    """The newest quarter against the nine months before it."""
    last = slice(MONTHS - 12, MONTHS)
    is_rate = metric.statistic == "rate"
    n = np.full(made.cases[:, last].shape, SHIFTS) if is_rate else made.cases[:, last].astype(np.float64)
    amounts = None
    if made.amounts is not None:
        row, column, place = np.nonzero(~np.isnan(made.amounts[:, last]))
        amounts = Amounts(
            row=row,
            column=column,
            amount=made.amounts[:, last][row, column, place],
            is_open=np.zeros(len(row), np.bool_),
        )
    grid = QuarterGrid(
        n=n,
        numerator=made.numerator[:, last].astype(np.float64),
        segment=np.zeros(n.shape, np.int64),
        is_there=n > 0,
        is_hole=np.zeros(n.shape, np.bool_),
        amounts=amounts,
    )
    found = compare_quarters(
        grid,
        statistic=cast(Statistic, metric.statistic),
        effect=effect_of(metric.min_effect),
        n_min=quarter_minimum(metric.id, metric.n_min_quarter),
        is_final=True,
    )
    signs = np.sign(np.nan_to_num(found.difference)).astype(int)
    outcomes = [
        quarter_outcome(int(reason), int(sign), metric.direction)
        for reason, sign in zip(found.reason, signs, strict=True)
    ]
    assert all(QUARTER_REASONS[reason] != "quarter_not_final" for reason in found.reason)
    return _percent([outcome != "not_enough_data" for outcome in outcomes], [o in FIRED for o in outcomes])


def values(made: Made, metric: Metric) -> Real:
    """The monthly values; nan below the monthly minimum."""
    if metric.statistic == "rate":
        return made.numerator / SHIFTS
    enough = made.cases >= (metric.n_min_month or 0)
    value = made.medians if made.amounts is not None else made.numerator / np.maximum(made.cases, 1)
    return np.where(enough & (made.cases > 0), value, np.nan)


def by_month(made: Made, metric: Metric) -> tuple[Found, Found]:
    """The monthly trend, and the usual range of the newest month."""
    value = values(made, metric)
    grid = Grid(value=value, is_final=np.ones(value.shape, np.bool_), segment=np.zeros(value.shape, np.int64))
    found = trends(grid, effect_of(metric.min_effect))
    outcomes = [
        trend_outcome(int(reason), int(s), metric.direction)
        for reason, s in zip(found.reason, np.nan_to_num(found.s), strict=True)
    ]
    low, high = bounds_of(metric.unit)
    usual = usual_ranges(grid, np.full(len(value), MONTHS - 1), lower_bound=low, upper_bound=high)
    verdicts = [VERDICTS[verdict] for verdict in usual.verdict]
    return (
        _percent([o != "not_enough_data" for o in outcomes], [o in FIRED for o in outcomes]),
        _percent([v != "not_enough_data" for v in verdicts], [v == "outside_usual_range" for v in verdicts]),
    )


def _percent(tested: list[bool], fired: list[bool]) -> Found:
    return Found(tested=100 * sum(tested) / len(tested), fired=100 * sum(fired) / len(fired))


def steady_at(level: float) -> Real:
    return np.full(MONTHS, level)


def step(before: float, now: float) -> Real:
    """A change with the newest quarter."""
    return np.where(np.arange(MONTHS) >= MONTHS - 3, now, before)


def ramp(first: float, last: float) -> Real:
    """A change month by month over the newest twelve."""
    return np.concatenate([[first], np.linspace(first, last, MONTHS - 1)])


def rows(count: int, seed: int) -> Iterator[tuple[str, str, str, Made, str]]:
    """What is made up: whether something changes, its family, its kind and size, the cases, the metric."""
    random: Any = np.random.default_rng(seed)
    for kind in KINDS:
        for level in (0.5, 0.7, 0.9):
            for size in SIZES:
                made = made_shares(kind, size, steady_at(level), random, count)
                yield "no change", f"share of {level:.0%}", f"{kind}, {size} a month", made, "rq_response_24h"
        for size in SIZES[:-1]:
            made = made_hours(kind, size, steady_at(6), random, count // 4)
            yield "no change", "hours", f"{kind}, {size} a month", made, "rq_first_response_time"
        for level in (0.3, 1.0, 3.0):
            made = made_counts(kind, steady_at(level), random, count)
            yield "no change", f"{level:g} per shift", f"{kind}, 6 shifts", made, "oc_incidents_per_shift"
    for size in SIZES[:-1]:
        made = made_hours("independent", size, steady_at(3), random, count // 4, whole=True)
        yield "no change", "hours", f"whole hours, {size} a month", made, "rq_first_response_time"
    for size in SIZES:
        for name, level in (
            ("60% to 90%, at once", step(0.6, 0.9)),
            ("90% to 60%, at once", step(0.9, 0.6)),
            ("70% to 95%, over 12 months", ramp(0.7, 0.95)),
        ):
            made = made_shares("independent", size, level, random, count)
            yield "change", name, f"independent, {size} a month", made, "rq_response_24h"
    for size in SIZES[:-1]:
        for name, level in (("6 to 12 hours, at once", step(6, 12)), ("12 to 6 hours, at once", step(12, 6))):
            made = made_hours("independent", size, level, random, count // 4)
            yield "change", name, f"independent, {size} a month", made, "rq_first_response_time"
    made = made_counts("independent", step(1, 2), random, count)
    yield "change", "1 to 2 per shift, at once", "independent, 6 shifts", made, "oc_incidents_per_shift"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--series", type=int, default=2_000, help="of each kind; a quarter of it for hours")
    parser.add_argument("--seed", type=int, default=7)
    asked = parser.parse_args()
    catalogue = load_catalogue()
    head = ("quarter tested", "fired", "trend tested", "fired", "range tested", "outside")
    print(f"| | what | kind and size | {' | '.join(head)} |")
    print(f"| --- | --- | --- |{' ---: |' * len(head)}")
    for about, family, kind, made, metric_id in rows(asked.series, asked.seed):
        metric = catalogue[metric_id]
        trend, usual = by_month(made, metric)
        told = [by_quarter(made, metric), trend, usual]
        figures = " | ".join(f"{one.tested:.0f} | {one.fired:.1f}" for one in told)
        print(f"| {about} | {family} | {kind} | {figures} |", flush=True)


if __name__ == "__main__":
    main()
