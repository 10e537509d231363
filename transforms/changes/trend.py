"""The monthly trend: is there a consistent direction over the last twelve months (4.2 and 4.3)?

Here: the exact test, the size of the change, the decision. One implementation: of many series at once;
one series is a batch of one.
Not here: which cells are in a series (build), or what is said of it (sentences).
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from transforms.changes.distributions import LONGEST, slope_place, tie_table, tie_weights
from transforms.changes.effects import FIRED, TOLERANCE, Effect, Flags, Outcome, Real, Whole, outcome_name
from transforms.changes.months import (
    Grid,
    SeriesMonth,
    grid_of,
    middle,
    month_at,
    newest_final,
    to_the_left,
    usable_months,
)

WINDOW = LONGEST
FEWEST_MONTHS = 6
RECENCY_MONTHS = 1
ALPHA = 0.05
LEAVE_ONE_OUT_ALPHA = 0.10
_ENDS_DIVISOR, _FEWEST_ENDS = 3, 2
_NO_MONTH = "0001-12"
"""Where the window of a series without any month ends: it has no usable month to name."""
_AT_ONCE = 8192
"""Series computed together: their arrays of 66 pairs stay in the processor's cache."""

REASONS = (
    *("fewer_than_6_months", "stale", "no_consistent_direction", "flat", "change_too_small"),
    *("one_month_decides", "consistent_change"),
)
_FEWER, _STALE, _NO_DIRECTION, _FLAT, _TOO_SMALL, _ONE_MONTH, _CONSISTENT = range(len(REASONS))

_FIRST, _SECOND = np.triu_indices(WINDOW, 1)
_IN_PAIR = np.zeros((len(_FIRST), WINDOW), np.float32)
_IN_PAIR[np.arange(len(_FIRST)), _FIRST] = _IN_PAIR[np.arange(len(_FIRST)), _SECOND] = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Trends:
    """The trends of many series, an array per figure; nan where a series was not tested.

    ``reason`` is a place in :data:`REASONS`; ``window`` holds the twelve months, the newest final one last.
    """

    window: Real
    n_months: Whole
    reason: npt.NDArray[np.int8]
    s: Real
    p: Real
    slope: Real
    slope_low: Real
    slope_high: Real
    change: Real
    threshold: Real
    fit_first: Real
    fit_last: Real
    shift: Real
    first_level: Real
    last_level: Real
    k_ends: Real
    lowest: Real
    highest: Real


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthTrend:
    """The trend of one series; figures are None where it was not tested."""

    outcome: Outcome
    reason: str
    months_used: tuple[str, ...]
    s: int | None = None
    p: float | None = None
    slope: float | None = None
    slope_low: float | None = None
    slope_high: float | None = None
    change: float | None = None
    threshold: float | None = None
    fit_first: float | None = None
    fit_last: float | None = None
    shift: float | None = None
    first_level: float | None = None
    last_level: float | None = None
    k_ends: int | None = None
    lowest: float | None = None
    highest: float | None = None

    @property
    def n_months(self) -> int:
        """Usable months."""
        return len(self.months_used)

    @property
    def is_tested(self) -> bool:
        """There was enough to test."""
        return self.outcome != "not_enough_data"

    @property
    def fires(self) -> bool:
        """A direction was found."""
        return self.outcome in FIRED


def month_trend(months: Sequence[SeriesMonth], *, direction: str, effect: Effect) -> MonthTrend:
    """The trend of one series, in the 12 months that end with its newest final month."""
    grid, first = grid_of(months)
    last = int(newest_final(grid)[0])
    newest = month_at(first + last) if months else _NO_MONTH
    return trend_at(trends(grid, effect), 0, newest=newest, direction=direction)


def trend_at(found: Trends, row: int, *, newest: str, direction: str) -> MonthTrend:
    """One of many trends; ``newest`` is the month of the last column of its window."""
    end = int(newest[:4]) * 12 + int(newest[5:7]) - WINDOW
    used = tuple(month_at(end + int(place)) for place in np.flatnonzero(~np.isnan(found.window[row])))
    reason = int(found.reason[row])
    figures = {
        entry.name: _figure(getattr(found, entry.name)[row], is_whole=entry.name in ("s", "k_ends"))
        for entry in fields(MonthTrend)
        if entry.name not in ("outcome", "reason", "months_used")
    }
    return MonthTrend(
        outcome=outcome_of(reason, 0 if figures["s"] is None else int(figures["s"]), direction),
        reason=REASONS[reason],
        months_used=used,
        **figures,  # type: ignore[arg-type]
    )


def outcome_of(reason: int, s: int, direction: str) -> Outcome:
    """The outcome that goes with a reason."""
    if reason in (_FEWER, _STALE):
        return "not_enough_data"
    return outcome_name(direction, s) if reason == _CONSISTENT else "steady"


def trends(grid: Grid, effect: Effect) -> Trends:
    """The trends of all rows of a grid."""
    window = usable_months(grid, newest_final(grid), width=WINDOW)
    parts = [
        _trends(window[start : start + _AT_ONCE], effect) for start in range(0, len(window), _AT_ONCE)
    ] or [_trends(window, effect)]
    return Trends(
        **{
            entry.name: np.concatenate([getattr(part, entry.name) for part in parts])
            for entry in fields(Trends)
        }
    )


def _trends(window: Real, effect: Effect) -> Trends:
    n_months = (~np.isnan(window)).sum(axis=1)
    is_recent = ~np.isnan(window[:, -1 - RECENCY_MONTHS :]).all(axis=1)
    tested = (n_months >= FEWEST_MONTHS) & is_recent
    figures = _figures(window[tested], effect)
    reason = np.full(len(window), _FEWER, np.int8)
    reason[(n_months >= FEWEST_MONTHS) & ~is_recent] = _STALE
    reason[tested] = figures.pop("reason")
    spread = {name: np.full(len(window), np.nan) for name in figures}
    for name, of_tested in figures.items():
        spread[name][tested] = of_tested
    return Trends(window=window, n_months=n_months, reason=reason, **spread)


def _figures(window: Real, effect: Effect) -> dict[str, Real]:
    """Every figure of series that have enough months, and the reason."""
    y, x, n = to_the_left(window)
    ordered, places, weights = _tie_groups(y)
    signs = np.sign(places[:, _SECOND] - places[:, _FIRST])
    signs[~(n[:, None] > _SECOND)] = 0
    s = signs.sum(axis=1, dtype=np.int64)
    p = _p(weights.sum(axis=1), s)
    slopes = (y[:, _SECOND] - y[:, _FIRST]) / (x[:, _SECOND] - x[:, _FIRST])
    slopes.sort(axis=1)
    slope, slope_low, slope_high = _slopes(slopes, n)
    residues = y - slope[:, None] * x
    residues.sort(axis=1)
    intercept = middle(residues, n)
    last_x = np.take_along_axis(x, n[:, None] - 1, axis=1)[:, 0]
    change = slope * (last_x - x[:, 0])
    k_ends = np.maximum(_FEWEST_ENDS, n // _ENDS_DIVISOR)
    first_level, last_level = _levels(y, n, k_ends)
    figures = {
        "s": s.astype(np.float64),
        "p": p,
        "slope": slope,
        "slope_low": slope_low,
        "slope_high": slope_high,
        "change": change,
        "threshold": effect.threshold(middle(ordered, n)),
        "fit_first": intercept + slope * x[:, 0],
        "fit_last": intercept + slope * last_x,
        "shift": last_level - first_level,
        "first_level": first_level,
        "last_level": last_level,
        "k_ends": k_ends.astype(np.float64),
        "lowest": ordered[:, 0],
        "highest": np.take_along_axis(ordered, n[:, None] - 1, axis=1)[:, 0],
    }
    return figures | {"reason": _reasons(figures, signs=signs, weights=weights)}


def _tie_groups(y: Real) -> tuple[Real, npt.NDArray[np.int8], Whole]:
    """The sorted values, the group of equal values each belongs to, and what each adds to the key of ties."""
    order = np.argsort(y, axis=1)
    ordered = np.take_along_axis(y, order, axis=1)
    is_new = np.ones(y.shape, np.int8)
    is_new[:, 1:] = ~(
        np.diff(ordered, axis=1) <= TOLERANCE
    )  # a nan, past the last value, is a group of its own
    places = np.empty(y.shape, np.int8)
    np.put_along_axis(places, order, np.cumsum(is_new, axis=1, dtype=np.int8), axis=1)
    sizes = (places[:, :, None] == places[:, None, :]).sum(axis=2, dtype=np.int8)
    sizes[np.isnan(y)] = 0
    return ordered, places, tie_weights()[sizes]


def _p(keys: Whole, s: Whole) -> Real:
    """The exact two-sided p of each S, from the table of tie patterns."""
    known, tails = tie_table()
    return np.asarray(tails[np.searchsorted(known, keys), np.abs(s)])


def _slopes(slopes: Real, n: Whole) -> tuple[Real, Real, Real]:
    """The median of the sorted slopes, and its interval by place."""
    pairs = n * (n - 1) // 2
    at = np.array([0, 0, *(slope_place(months) for months in range(2, WINDOW + 1))])[n]
    low = np.take_along_axis(slopes, at[:, None] - 1, axis=1)[:, 0]
    high = np.take_along_axis(slopes, (pairs - at)[:, None], axis=1)[:, 0]
    return middle(slopes, pairs), low, high


def _levels(y: Real, n: Whole, k_ends: Whole) -> tuple[Real, Real]:
    """The medians of the first and of the last k values."""
    steps = np.arange(WINDOW // _ENDS_DIVISOR)
    kept = steps < k_ends[:, None]
    first = np.where(kept, y[:, : len(steps)], np.nan)
    last = np.where(kept, np.take_along_axis(y, n[:, None] - 1 - steps, axis=1), np.nan)
    first.sort(axis=1)
    last.sort(axis=1)
    return middle(first, k_ends), middle(last, k_ends)


def _reasons(
    figures: dict[str, Real], *, signs: npt.NDArray[np.int8], weights: Whole
) -> npt.NDArray[np.int8]:
    """The table of 4.3."""
    sign, threshold = np.sign(figures["s"]), figures["threshold"]
    change, shift = (sign * figures[name] for name in ("change", "shift"))
    size = np.maximum(0, np.maximum(change, shift))
    is_unlikely, is_large = figures["p"] <= ALPHA, size >= threshold - TOLERANCE
    is_flat = figures["highest"] - figures["lowest"] < threshold - TOLERANCE
    reason = np.where(is_flat, _FLAT, _NO_DIRECTION).astype(np.int8)
    reason[is_unlikely & ~is_large] = _TOO_SMALL
    candidates = is_unlikely & is_large & (shift > TOLERANCE)
    holds = _without_any_month(signs[candidates], weights[candidates])
    reason[candidates] = np.where(holds, _CONSISTENT, _ONE_MONTH)
    return reason


def _without_any_month(signs: npt.NDArray[np.int8], weights: Whole) -> Flags:
    """Whether every series with one month left out still has p <= 0.10 and S of the same sign."""
    s = signs.sum(axis=1, dtype=np.int64)
    without = s[:, None] - np.rint(signs.astype(np.float32) @ _IN_PAIR).astype(np.int64)
    of_size = tie_weights()
    size = np.searchsorted(of_size, weights)
    fewer = weights.sum(axis=1)[:, None] - size * weights + (size - 1) * of_size[np.maximum(size - 1, 0)]
    is_month = size > 0
    fewer = np.where(is_month, fewer, weights.sum(axis=1)[:, None])
    holds = (_p(fewer, without) <= LEAVE_ONE_OUT_ALPHA) & (np.sign(without) == np.sign(s)[:, None])
    return np.asarray((holds | ~is_month).all(axis=1))


def _figure(number: np.float64, *, is_whole: bool) -> float | None:
    if np.isnan(number):
        return None
    return int(number) if is_whole else float(number)
