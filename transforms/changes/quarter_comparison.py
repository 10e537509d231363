"""A quarter against the three before it, cases pooled (4.8).

Here: the months of both sides, difference and interval, the rule that no month decides alone, the decision.
One implementation: of many subjects at once; one subject is a batch of one.
Not here: which metrics are compared and from which cells (build), or what is said of it (sentences).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy import special

from transforms.changes.distributions import Z_96, difference_place
from transforms.changes.effects import FIRED, TOLERANCE, Effect, Flags, Outcome, Real, Whole, outcome_name
from transforms.changes.months import ordinal
from transforms.intervals import wilson_limits
from transforms.ladder import year_to

Statistic = Literal["share", "median", "rate"]
HOLES = frozenset({"absent", "not_in_role", "source_gap"})
ALPHA = 0.04
FEWEST_MONTHS_NOW = 2
FEWEST_MONTHS_BEFORE = 3
BEFORE_FACTOR = 2
KEPT_SHARE = 0.5
MONTHS, NOW = 12, 9
"""Columns of a grid: nine months before, then the three of the quarter."""

REASONS = (
    *("quarter_not_final", "current_too_small", "current_one_month", "segment_change", "baseline_too_small"),
    *("measures_disagree", "clear_difference", "one_month_decides", "no_meaningful_difference"),
    *("change_too_small", "no_clear_difference"),
)
_SO_FAR, _NOW_SMALL, _NOW_ONE, _SEGMENT, _BEFORE_SMALL = range(5)
_DISAGREE, _CLEAR, _ONE_MONTH, _NO_MEANINGFUL, _TOO_SMALL, _NO_CLEAR = range(5, len(REASONS))
_IS_NOW = np.arange(MONTHS) >= NOW


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarterMonth:
    """One month's cases. A share has numerator and denominator, a rate numerator and exposure, a median the
    finished amounts and the time so far of the unfinished ones."""

    month: str
    segment: int = 0
    status: str = "ok"
    numerator: int = 0
    denominator: int = 0
    exposure: float = 0.0
    closed: tuple[float, ...] = ()
    open_so_far: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Amounts:
    """The cases of medians: the row and column of the grid, the amount (so far, if open), sorted by row."""

    row: Whole
    column: Whole
    amount: Real
    is_open: Flags


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarterGrid:
    """Twelve months of many subjects. ``n``: cases, for rates the exposure; ``is_hole`` months stay out.

    ``is_there`` is false where a month has no cell at all; its segment then says nothing.
    """

    n: Real
    numerator: Real
    segment: Whole
    is_there: Flags
    is_hole: Flags
    amounts: Amounts | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparisons:
    """Many comparisons, an array per figure: nan where not formed, infinite where open.

    ``used`` and ``fails`` have a column per month: those pooled, and those whose omission fails rule 6.
    ``reason`` is a place in :data:`REASONS`. ``so_far``: the medians with open cases at their time so far.
    """

    used: Flags
    reason: npt.NDArray[np.int8]
    n_current: Real
    n_baseline: Real
    numerator_current: Real
    numerator_baseline: Real
    value_current: Real
    value_baseline: Real
    at_least_current: Real
    at_least_baseline: Real
    difference: Real
    low: Real
    high: Real
    ratio: Real
    ratio_low: Real
    ratio_high: Real
    threshold: Real
    kept_share: Real
    fails: Flags


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarterComparison:
    """One comparison. Figures are None where not formed or infinite; ``is_open`` names the infinite ones.

    ``segment_began`` bounds the change that left months out: the last month before it that has cases (None
    if there is none) and the first month of the segment.
    """

    quarter: str
    statistic: Statistic
    outcome: Outcome
    reason: str
    n_min: float
    months_current: tuple[str, ...]
    months_baseline: tuple[str, ...]
    n_current: float
    n_baseline: float
    numerator_current: int = 0
    numerator_baseline: int = 0
    value_current: float | None = None
    value_baseline: float | None = None
    at_least_current: float | None = None
    at_least_baseline: float | None = None
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    ratio: float | None = None
    ratio_low: float | None = None
    ratio_high: float | None = None
    threshold: float | None = None
    kept_share: float | None = None
    deciding_months: tuple[str, ...] = ()
    segment_began: tuple[str | None, str] | None = None
    sign: int = 0
    """The sign of the difference, which an infinite one has too."""
    open_figures: Mapping[str, float] = field(default_factory=dict)

    @property
    def is_tested(self) -> bool:
        """There was enough to compare."""
        return self.outcome not in ("so_far", "not_enough_data")

    @property
    def fires(self) -> bool:
        """A direction was found."""
        return self.outcome in FIRED


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sides:
    """What the statistics are computed from: the months pooled on each side, and their sums."""

    used: Flags
    n: Real
    numerator: Real
    n_current: Real
    n_baseline: Real
    numerator_current: Real
    numerator_baseline: Real
    cases: tuple["_Cases", ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cases:
    """The amounts of one subject's median; open ones are infinite in ``amount``, finite in ``so_far``."""

    column: Whole
    amount: Real
    so_far: Real


def compare_quarter(
    months: Sequence[QuarterMonth],
    *,
    statistic: Statistic,
    direction: str,
    effect: Effect,
    n_min: float,
    quarter: str,
    quarter_state: str,
) -> QuarterComparison:
    """The quarter (``2026-Q2``) of one subject against the nine months before it."""
    grid = _grid_of(months, statistic, quarter)
    found = compare_quarters(
        grid, statistic=statistic, effect=effect, n_min=n_min, is_final=quarter_state == "final"
    )
    return comparison_at(
        found, grid, 0, statistic=statistic, direction=direction, n_min=n_min, quarter=quarter
    )


def _grid_of(months: Sequence[QuarterMonth], statistic: Statistic, quarter: str) -> QuarterGrid:
    first = ordinal(year_to(quarter)[0])
    inside = [row for row in months if 0 <= ordinal(row.month) - first < MONTHS]
    n, numerator = np.zeros((1, MONTHS)), np.zeros((1, MONTHS))
    segment = np.zeros((1, MONTHS), np.int64)
    is_there, is_hole = np.zeros((1, MONTHS), np.bool_), np.zeros((1, MONTHS), np.bool_)
    cases: list[tuple[int, float, bool]] = []
    for row in inside:
        at = ordinal(row.month) - first
        n[0, at] = {
            "share": row.denominator,
            "rate": row.exposure,
            "median": len(row.closed) + len(row.open_so_far),
        }[statistic]
        numerator[0, at], segment[0, at] = row.numerator, row.segment
        is_there[0, at], is_hole[0, at] = True, row.status in HOLES
        cases += [(at, amount, False) for amount in row.closed]
        cases += [(at, amount, True) for amount in row.open_so_far]
    return QuarterGrid(
        n=n,
        numerator=numerator,
        segment=segment,
        is_there=is_there,
        is_hole=is_hole,
        amounts=Amounts(
            row=np.zeros(len(cases), np.int64),
            column=np.array([at for at, _, _ in cases], np.int64),
            amount=np.array([amount for _, amount, _ in cases], np.float64),
            is_open=np.array([is_open for _, _, is_open in cases], np.bool_),
        ),
    )


def comparison_at(
    found: Comparisons,
    grid: QuarterGrid,
    row: int,
    *,
    statistic: Statistic,
    direction: str,
    n_min: float,
    quarter: str,
) -> QuarterComparison:
    """One of many comparisons."""
    year = year_to(quarter)
    used = [month for month, is_used in zip(year, found.used[row], strict=True) if is_used]
    reason = int(found.reason[row])
    figures = {
        entry.name: float(getattr(found, entry.name)[row])
        for entry in fields(Comparisons)
        if entry.name not in ("used", "reason", "fails")
    }
    counts = {name: int(figures.pop(name)) for name in ("numerator_current", "numerator_baseline")}
    sizes = {name: figures.pop(name) for name in ("n_current", "n_baseline")}
    sign = 0 if np.isnan(figures["difference"]) else int(np.sign(figures["difference"]))
    return QuarterComparison(
        quarter=quarter,
        statistic=statistic,
        outcome=outcome_of(reason, sign, direction),
        reason=REASONS[reason],
        n_min=n_min,
        months_current=tuple(month for month in used if month in year[NOW:]),
        months_baseline=tuple(month for month in used if month in year[:NOW]),
        deciding_months=tuple(
            month for month, decides in zip(year, found.fails[row], strict=True) if decides
        ),
        segment_began=_segment_began(grid, row, year) if reason == _SEGMENT else None,
        sign=sign,
        open_figures={name: figure for name, figure in figures.items() if np.isinf(figure)},
        n_current=sizes["n_current"],
        n_baseline=sizes["n_baseline"],
        numerator_current=counts["numerator_current"],
        numerator_baseline=counts["numerator_baseline"],
        **{name: figure if np.isfinite(figure) else None for name, figure in figures.items()},
    )


def outcome_of(reason: int, sign: int, direction: str) -> Outcome:
    """The outcome that goes with a reason."""
    if reason == _SO_FAR:
        return "so_far"
    if reason <= _BEFORE_SMALL:
        return "not_enough_data"
    return outcome_name(direction, sign) if reason == _CLEAR else "steady"


def _segment_began(grid: QuarterGrid, row: int, year: Sequence[str]) -> tuple[str | None, str]:
    """The last month of an earlier segment and the first of the current one: the change is in between."""
    there = np.flatnonzero(grid.is_there[row])
    current = grid.segment[row, _newest(grid)[row]]
    first = next(at for at in there if grid.segment[row, at] == current)
    earlier = [int(at) for at in there if at < first]
    return year[earlier[-1]] if earlier else None, year[int(first)]


def _newest(grid: QuarterGrid) -> Whole:
    """The column of the newest month of each row, of the quarter where it has one."""
    newest: Whole = MONTHS - 1 - np.argmax(grid.is_there[:, ::-1], axis=1)
    return newest


def compare_quarters(
    grid: QuarterGrid, *, statistic: Statistic, effect: Effect, n_min: float, is_final: bool
) -> Comparisons:
    """The comparisons of all rows of a grid."""
    is_current = grid.segment == np.take_along_axis(grid.segment, _newest(grid)[:, None], axis=1)
    with_cases = grid.is_there & ~grid.is_hole & (grid.n > 0)
    used = with_cases & is_current
    is_left_out = (with_cases & ~is_current).any(axis=1)
    sides = _sides(grid, used, statistic)
    reason = np.full(len(grid.n), _SO_FAR, np.int8)
    if is_final:
        now_months, before_months = used[:, _IS_NOW].sum(axis=1), used[:, ~_IS_NOW].sum(axis=1)
        is_short = (sides.n_baseline < BEFORE_FACTOR * n_min) | (before_months < FEWEST_MONTHS_BEFORE)
        reason = np.select(
            [
                sides.n_current < n_min,
                now_months < FEWEST_MONTHS_NOW,
                is_short & is_left_out,
                is_short,
            ],
            [_NOW_SMALL, _NOW_ONE, _SEGMENT, _BEFORE_SMALL],
            default=_NO_CLEAR,
        ).astype(np.int8)
    figures = _values(sides, statistic, n_min) | {
        name: np.full(len(used), np.nan)
        for name in (
            *("difference", "low", "high", "ratio", "ratio_low", "ratio_high", "threshold", "kept_share"),
        )
    }
    fails = np.zeros(used.shape, np.bool_)
    tested = np.flatnonzero(reason == _NO_CLEAR)
    if len(tested):
        told = _decided(_rows(sides, tested), {k: v[tested] for k, v in figures.items()}, statistic, effect)
        reason[tested], fails[tested] = told.pop("reason"), told.pop("fails")
        for name, of_tested in told.items():
            figures[name][tested] = of_tested
    return Comparisons(
        used=used,
        reason=reason,
        fails=fails,
        n_current=sides.n_current,
        n_baseline=sides.n_baseline,
        numerator_current=sides.numerator_current,
        numerator_baseline=sides.numerator_baseline,
        **figures,
    )


def _sides(grid: QuarterGrid, used: Flags, statistic: Statistic) -> _Sides:
    n, numerator = np.where(used, grid.n, 0.0), np.where(used, grid.numerator, 0.0)
    return _Sides(
        used=used,
        n=n,
        numerator=numerator,
        n_current=n[:, _IS_NOW].sum(axis=1),
        n_baseline=n[:, ~_IS_NOW].sum(axis=1),
        numerator_current=numerator[:, _IS_NOW].sum(axis=1),
        numerator_baseline=numerator[:, ~_IS_NOW].sum(axis=1),
        cases=_cases(grid, used) if statistic == "median" else (),
    )


def _cases(grid: QuarterGrid, used: Flags) -> tuple[_Cases, ...]:
    """The amounts of each row in the months that are used."""
    assert grid.amounts is not None, "medians need amounts"
    row, column = grid.amounts.row, grid.amounts.column
    kept = used[row, column]
    order = np.argsort(row[kept], kind="stable")
    row, column = row[kept][order], column[kept][order]
    so_far, is_open = grid.amounts.amount[kept][order], grid.amounts.is_open[kept][order]
    amount = np.where(is_open, np.inf, so_far)
    ends = np.searchsorted(row, np.arange(len(used) + 1))
    return tuple(
        _Cases(column=column[start:end], amount=amount[start:end], so_far=so_far[start:end])
        for start, end in pairwise(ends)
    )


def _rows(sides: _Sides, rows: Whole) -> _Sides:
    arrays: dict[str, Any] = {
        entry.name: getattr(sides, entry.name)[rows] for entry in fields(_Sides) if entry.name != "cases"
    }
    return _Sides(**arrays, cases=tuple(sides.cases[row] for row in rows) if sides.cases else ())


def _values(sides: _Sides, statistic: Statistic, n_min: float) -> dict[str, Real]:
    """The value of each side, where it has the minimum of a quarter."""
    found: dict[str, Real] = {}
    for side, n, numerator in (
        ("current", sides.n_current, sides.numerator_current),
        ("baseline", sides.n_baseline, sides.numerator_baseline),
    ):
        if statistic == "median":
            of_side = [_IS_NOW[cases.column] == (side == "current") for cases in sides.cases]
            value = _medians([cases.amount[some] for cases, some in zip(sides.cases, of_side, strict=True)])
            at_least = _medians(
                [cases.so_far[some] for cases, some in zip(sides.cases, of_side, strict=True)]
            )
        else:
            value = np.divide(numerator, n, out=np.full(len(n), np.nan), where=n > 0)
            at_least = np.full(len(n), np.nan)
        found[f"value_{side}"] = np.where(n >= n_min, value, np.nan)
        found[f"at_least_{side}"] = np.where((n >= n_min) & np.isinf(value), at_least, np.nan)
    return found


def _medians(groups: Sequence[Real]) -> Real:
    return np.array([_median(np.sort(group)) for group in groups], np.float64)


def _median(ordered: Real) -> float:
    n = len(ordered)
    return float((ordered[(n - 1) // 2] + ordered[n // 2]) / 2) if n else np.nan


def _decided(
    sides: _Sides, values: dict[str, Real], statistic: Statistic, effect: Effect
) -> dict[str, npt.NDArray[Any]]:
    """Difference, interval, threshold, rule 6 and the table of 4.8, for subjects with enough cases."""
    figures = _DIFFERENCES[statistic](sides)
    difference, low, high = figures["difference"], figures["low"], figures["high"]
    excludes = figures.pop("excludes").astype(np.bool_)
    before = np.where(
        np.isinf(values["value_baseline"]), values["at_least_baseline"], values["value_baseline"]
    )
    threshold = effect.threshold(before)
    is_large = np.abs(difference) >= threshold - TOLERANCE
    disagrees = excludes & _medians_disagree(values, difference, statistic)
    asked = excludes & is_large & ~disagrees
    kept = np.full(sides.used.shape, np.nan)
    rows = np.flatnonzero(asked)
    if len(rows):
        kept[rows] = _kept(_rows(sides, rows), difference[rows], statistic)
    fails = kept < KEPT_SHARE - TOLERANCE
    is_within = (low > -threshold + TOLERANCE) & (high < threshold - TOLERANCE)
    reason = np.select(
        [disagrees, asked & ~fails.any(axis=1), asked, is_within, excludes],
        [_DISAGREE, _CLEAR, _ONE_MONTH, _NO_MEANINGFUL, _TOO_SMALL],
        default=_NO_CLEAR,
    )
    worst = np.where(np.isnan(kept), np.inf, kept).min(axis=1)
    return figures | {
        "reason": reason.astype(np.int8),
        "threshold": threshold,
        "kept_share": np.where(asked, worst, np.nan),
        "fails": fails,
    }


def _medians_disagree(values: dict[str, Real], difference: Real, statistic: Statistic) -> Flags:
    """The two medians point one way and the typical difference the other; equal ones point nowhere."""
    if statistic != "median":
        return np.zeros(len(difference), np.bool_)
    now, before = values["value_current"], values["value_baseline"]
    direction = np.sign(np.where(now > before, 1, np.where(now < before, -1, 0)))
    return np.asarray(direction * np.sign(difference) < 0)


def _kept(sides: _Sides, difference: Real, statistic: Statistic) -> Real:
    """What is left of each difference without each month, as a share of it; nan for months not used."""
    if statistic == "median":
        without = np.array(
            [
                [
                    _typical_difference(*_amounts(cases, without=at)) if is_used else np.nan
                    for at, is_used in enumerate(used)
                ]
                for cases, used in zip(sides.cases, sides.used, strict=True)
            ]
        )
    else:
        n_now, n_before = (
            sides.n_current[:, None] - np.where(_IS_NOW, sides.n, 0),
            sides.n_baseline[:, None] - np.where(_IS_NOW, 0, sides.n),
        )
        k_now, k_before = (
            sides.numerator_current[:, None] - np.where(_IS_NOW, sides.numerator, 0),
            sides.numerator_baseline[:, None] - np.where(_IS_NOW, 0, sides.numerator),
        )
        without = np.where(sides.used, k_now / n_now - k_before / n_before, np.nan)
    whole = difference[:, None]
    is_same = np.isinf(whole) & (without == whole)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(is_same, 1.0, without / whole))


def _share(sides: _Sides) -> dict[str, npt.NDArray[Any]]:
    """Newcombe's hybrid score interval, method 10."""
    n1, n0 = (np.rint(n).astype(np.int64) for n in (sides.n_current, sides.n_baseline))
    k1, k0 = (np.rint(k).astype(np.int64) for k in (sides.numerator_current, sides.numerator_baseline))
    p1, p0 = k1 / n1, k0 / n0
    (l1, u1), (l0, u0) = wilson_limits(k1, n1, Z_96), wilson_limits(k0, n0, Z_96)
    difference = p1 - p0
    low = difference - np.sqrt((p1 - l1) ** 2 + (u0 - p0) ** 2)
    high = difference + np.sqrt((u1 - p1) ** 2 + (p0 - l0) ** 2)
    return {"difference": difference, "low": low, "high": high, "excludes": (low > 0) | (high < 0)}


def _rate(sides: _Sides) -> dict[str, npt.NDArray[Any]]:
    """Clopper-Pearson of this quarter's part of all events, as a ratio and as a difference of rates.

    Without an event before there is no rate to take a share of: the difference has no limits then, and
    whether it is none is read from the ratio.
    """
    k1, k0, e1, e0 = (
        *(sides.numerator_current, sides.numerator_baseline),
        *(sides.n_current, sides.n_baseline),
    )
    rate_before = k0 / e0
    part_low = np.where(k1 > 0, special.betaincinv(np.maximum(k1, 1), k0 + 1, ALPHA / 2), 0.0)
    part_high = np.where(k0 > 0, special.betaincinv(k1 + 1, np.maximum(k0, 1), 1 - ALPHA / 2), 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(k1 + k0 > 0, (k1 / e1) / rate_before, np.nan)
        ratio_low = np.where(k1 + k0 > 0, part_low / (1 - part_low) * e0 / e1, np.nan)
        ratio_high = np.where(k1 + k0 > 0, part_high / (1 - part_high) * e0 / e1, np.nan)
        low = np.where(k0 > 0, (ratio_low - 1) * rate_before, np.nan)
        high = np.where(k0 > 0, (ratio_high - 1) * rate_before, np.nan)
    return {
        "difference": k1 / e1 - rate_before,
        "low": low,
        "high": high,
        "ratio": ratio,
        "ratio_low": ratio_low,
        "ratio_high": ratio_high,
        "excludes": (ratio_low > 1) | (ratio_high < 1),
    }


def _median_difference(sides: _Sides) -> dict[str, npt.NDArray[Any]]:
    """Hodges-Lehmann: the median of all differences of a case now and a case before, with its interval."""
    difference, low, high = (np.empty(len(sides.cases)) for _ in range(3))
    for row, cases in enumerate(sides.cases):
        now, before = _amounts(cases)
        ordered = np.sort(_differences(now, before))
        place = difference_place(len(now), len(before))
        difference[row] = _median(ordered)
        low[row] = ordered[place - 1] if place else -np.inf
        high[row] = ordered[-place] if place else np.inf
    return {"difference": difference, "low": low, "high": high, "excludes": (low > 0) | (high < 0)}


def _amounts(cases: _Cases, *, without: int | None = None) -> tuple[Real, Real]:
    """The amounts now and before, without one month."""
    kept = np.ones(len(cases.column), np.bool_) if without is None else cases.column != without
    is_now = _IS_NOW[cases.column]
    return cases.amount[kept & is_now], cases.amount[kept & ~is_now]


def _differences(now: Real, before: Real) -> Real:
    """Every case now less every case before; an open one less an open one is 0."""
    with np.errstate(invalid="ignore"):
        found: Real = np.subtract.outer(now, before).ravel()
    found[np.isnan(found)] = 0.0
    return found


def _typical_difference(now: Real, before: Real) -> float:
    found = _differences(now, before)
    n = len(found)
    found.partition([(n - 1) // 2, n // 2])
    return float((found[(n - 1) // 2] + found[n // 2]) / 2)


_DIFFERENCES: dict[Statistic, Callable[[_Sides], dict[str, npt.NDArray[Any]]]] = {
    "share": _share,
    "rate": _rate,
    "median": _median_difference,
}
