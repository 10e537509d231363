"""The usual range of a monthly series (4.4): most months lie within it, and that is what it is for.

Here: centre, limits and where the month looked at lies. One implementation, for many series at once.
Not here: who is told in words (sentences).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from transforms.changes.effects import TOLERANCE, Real, Whole
from transforms.changes.months import Grid, SeriesMonth, grid_of, ordinal, to_the_left, usable_months

BEFORE = 12
FEWEST_MONTHS = 6
FACTOR = 2.66

Verdict = Literal["within_usual_range", "outside_usual_range", "no_variation", "not_enough_data"]
VERDICTS: tuple[Verdict, ...] = (
    *("not_enough_data", "no_variation", "within_usual_range", "outside_usual_range"),
)
_NOT_ENOUGH, _NO_VARIATION, _WITHIN, _OUTSIDE = range(len(VERDICTS))


@dataclass(frozen=True, slots=True, kw_only=True)
class UsualRanges:
    """The usual ranges of many series; nan where there is none. ``verdict`` is a place in VERDICTS.

    ``window`` holds the twelve months before and, last, the month looked at.
    """

    window: Real
    n_baseline: Whole
    value: Real
    centre: Real
    mean_moving_range: Real
    low: Real
    high: Real
    verdict: npt.NDArray[np.int8]


@dataclass(frozen=True, slots=True, kw_only=True)
class UsualRange:
    """The usual range of one series for one month."""

    month: str
    n_baseline: int
    value: float | None
    centre: float | None
    mean_moving_range: float | None
    low: float | None
    high: float | None
    verdict: Verdict


def usual_range(
    months: Sequence[SeriesMonth], *, month: str, lower_bound: float | None, upper_bound: float | None
) -> UsualRange:
    """The usual range of one series for that month, cut to the possible values."""
    if not any(row.month == month for row in months):
        segment = max(months, key=lambda row: row.month).segment if months else 0
        months = [*months, SeriesMonth(month=month, value=None, state="partial", segment=segment)]
    grid, first = grid_of(months)
    at = np.array([ordinal(month) - first])
    found = usual_ranges(grid, at, lower_bound=lower_bound, upper_bound=upper_bound)
    return range_at(found, 0, month=month)


def range_at(found: UsualRanges, row: int, *, month: str) -> UsualRange:
    """One of many usual ranges."""
    return UsualRange(
        month=month,
        n_baseline=int(found.n_baseline[row]),
        value=_figure(found.value[row]),
        centre=_figure(found.centre[row]),
        mean_moving_range=_figure(found.mean_moving_range[row]),
        low=_figure(found.low[row]),
        high=_figure(found.high[row]),
        verdict=VERDICTS[int(found.verdict[row])],
    )


def usual_ranges(
    grid: Grid, month: Whole, *, lower_bound: float | None, upper_bound: float | None
) -> UsualRanges:
    """The usual ranges of all rows of a grid, each for its column ``month``."""
    window = usable_months(grid, month, width=BEFORE + 1)
    y, _, n = to_the_left(window[:, :-1])
    inside = np.arange(BEFORE) < n[:, None]
    enough = n >= FEWEST_MONTHS
    divisor = np.where(enough, n, 1)
    centre = np.where(enough, np.where(inside, y, 0).sum(axis=1) / divisor, np.nan)
    steps = np.where(inside[:, 1:], np.abs(np.diff(y, axis=1)), 0)
    moving = np.where(enough, steps.sum(axis=1) / np.where(enough, n - 1, 1), np.nan)
    varies = enough & (steps.max(axis=1, initial=0) > TOLERANCE)
    half = np.where(varies, FACTOR * moving, np.nan)
    low = np.maximum(centre - half, -np.inf if lower_bound is None else lower_bound)
    high = np.minimum(centre + half, np.inf if upper_bound is None else upper_bound)
    value = window[:, -1]
    verdict = np.full(len(window), _NOT_ENOUGH, np.int8)
    verdict[enough & ~varies] = _NO_VARIATION
    is_outside = (value < low - TOLERANCE) | (value > high + TOLERANCE)
    with_value = varies & ~np.isnan(value)
    verdict[with_value] = np.where(is_outside, _OUTSIDE, _WITHIN)[with_value]
    return UsualRanges(
        window=window,
        n_baseline=n,
        value=value,
        centre=centre,
        mean_moving_range=moving,
        low=low,
        high=high,
        verdict=verdict,
    )


def bounds_of(unit: str) -> tuple[float, float | None]:
    """The possible values of a metric: shares end at 1, and nothing is below 0."""
    return 0.0, 1.0 if unit.startswith("share") else None


def _figure(number: np.float64) -> float | None:
    return None if np.isnan(number) else float(number)
