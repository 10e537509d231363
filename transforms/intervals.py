"""95% intervals of shares, rates and medians (metrics specification 2.7).

Here: the three intervals, for one cell and for frames of cells.
Not here: minimum samples (``periods``).

Binomial and gamma quantiles come from scipy.special: exact, vectorised, and it is there anyway.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy import special

Whole = npt.NDArray[np.int64]
Real = npt.NDArray[np.float64]

Z = 1.959963984540054
_TAIL = 0.025
SMALLEST_N_FOR_MEDIAN_INTERVAL = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class MedianInterval:
    """A median, its exact order-statistic interval and the coverage reached.

    ``value`` is None where the middle falls on an open case; ``value_at_least`` then is a true lower bound.
    ``ci_high`` is None where its place falls on an open case, and both ends below six cases.
    """

    value: float | None
    value_at_least: float | None
    ci_low: float | None
    ci_high: float | None
    coverage: float | None


def wilson_limits(k: Whole, n: Whole, z: float = Z) -> tuple[Real, Real]:
    """Wilson score intervals of k out of n, without continuity correction; nan where n is 0.

    At k = 0 the lower end is exactly 0, at k = n the upper end exactly 1.
    """
    n_real = np.where(n == 0, np.nan, n.astype(np.float64))
    share = k / n_real
    denominator = 1 + z * z / n_real
    centre = (share + z * z / (2 * n_real)) / denominator
    half = z / denominator * np.sqrt(share * (1 - share) / n_real + z * z / (4 * n_real * n_real))
    low = np.where((k == 0) & (n > 0), 0.0, centre - half)
    return low, np.where((k == n) & (n > 0), 1.0, centre + half)


def wilson(k: int, n: int, z: float = Z) -> tuple[float | None, float | None]:
    """:func:`wilson_limits` of one share; None for n = 0."""
    if n == 0:
        return None, None
    low, high = wilson_limits(np.array([k]), np.array([n]), z)
    return float(low[0]), float(high[0])


def poisson_rates(count: Whole, exposure: Real) -> tuple[Real, Real, Real]:
    """Rates and exact Poisson intervals of counts over exposures; nan where there is no exposure."""
    known = np.where(exposure > 0, exposure, np.nan)
    low = np.where(count == 0, 0.0, special.gammaincinv(np.maximum(count, 1), _TAIL))
    return count / known, low / known, special.gammaincinv(count + 1, 1 - _TAIL) / known


def poisson_rate(count: int, exposure: float) -> tuple[float | None, float | None, float | None]:
    """:func:`poisson_rates` of one count; None without an exposure."""
    if exposure <= 0:
        return None, None, None
    value, low, high = poisson_rates(np.array([count]), np.array([exposure]))
    return float(value[0]), float(low[0]), float(high[0])


def median_places(n: Whole) -> tuple[Whole, Real]:
    """Places l (from 1) of the lower ends among n sorted cases, and the coverages. Every n must be >= 6.

    l is the largest whole number with P(Bin(n, 1/2) <= l - 1) <= 0.025; the upper end is at n - l + 1.
    """
    below = np.floor(special.bdtrik(_TAIL, n, 0.5)).astype(np.int64)
    # The inverse is only as exact as its series: one step either way settles it.
    below = np.where(special.bdtr(below, n, 0.5) > _TAIL, below - 1, below)
    below = np.where(special.bdtr(below + 1, n, 0.5) <= _TAIL, below + 1, below)
    coverage: Real = 1.0 - 2.0 * np.asarray(special.bdtr(below, n, 0.5), dtype=np.float64)
    return below + 1, coverage


def median_interval(closed: Sequence[float], open_so_far: Sequence[float]) -> MedianInterval:
    """Median of finished cases and cases still open, which rank longest. Same unit in and out."""
    finished = sorted(closed)
    n = len(finished) + len(open_so_far)
    if n == 0:
        return MedianInterval(value=None, value_at_least=None, ci_low=None, ci_high=None, coverage=None)
    value = _middle([*finished, *([math.inf] * len(open_so_far))])
    at_least = None if math.isfinite(value) else _middle(sorted([*finished, *open_so_far]))
    low = high = coverage = None
    if n >= SMALLEST_N_FOR_MEDIAN_INTERVAL:
        places, coverages = median_places(np.array([n]))
        low = _at(finished, int(places[0]))
        high = _at(finished, n - int(places[0]) + 1)
        coverage = float(coverages[0])
    return MedianInterval(
        value=value if math.isfinite(value) else None,
        value_at_least=at_least,
        ci_low=low,
        ci_high=high,
        coverage=coverage,
    )


def median_places_frame(counts: Iterable[int]) -> pl.DataFrame:
    """:func:`median_places` of these n, those below six left out. Columns: n, place, coverage."""
    n = np.array(sorted({count for count in counts if count >= SMALLEST_N_FOR_MEDIAN_INTERVAL}), np.int64)
    place, coverage = median_places(n)
    return pl.DataFrame({"n": n, "place": place, "coverage": coverage})


def _middle(ordered: Sequence[float]) -> float:
    n = len(ordered)
    return (ordered[(n - 1) // 2] + ordered[n // 2]) / 2


def _at(finished: Sequence[float], place: int) -> float | None:
    return finished[place - 1] if place <= len(finished) else None
