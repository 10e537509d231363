"""Exact null distributions, in whole numbers (metrics specification 4.3 and 4.8).

Here: the permutation distribution of S with ties, the places of a slope's interval, the places of the
Hodges-Lehmann interval. No normal approximation but the one the specification names.
Not here: what is tested (trend, quarter_comparison).
"""

import math
from collections.abc import Iterator, Sequence
from functools import cache

import numpy as np
import numpy.typing as npt

Z_96 = 2.053748910631823
LONGEST = 12
"""Most months a trend looks at; the table of tie patterns ends there."""

_WEIGHT_BASE = LONGEST + 1
_EXACT_UP_TO = 10_000


def arrangements(ties: Sequence[int]) -> list[int]:
    """How many arrangements of values with these tie group sizes have v inversions, for v = 0, 1, ...

    The coefficients of the Gaussian multinomial [n]_q! / ([t1]_q! [t2]_q! ...).
    """
    factors = dict.fromkeys(range(1, sum(ties) + 1), 0)
    for size in factors:
        factors[size] += 1
    for group in ties:
        for size in range(1, group + 1):
            factors[size] -= 1
    counts = [1]
    for size, power in factors.items():
        for _ in range(power):
            counts = _times(counts, size)
    for size, power in factors.items():
        for _ in range(-power):
            counts = _divided(counts, size)
    return counts


def _times(counts: list[int], size: int) -> list[int]:
    """Multiplied by 1 + q + ... + q^(size - 1)."""
    padded = [*counts, *([0] * (size - 1))]
    return [sum(padded[max(0, place - size + 1) : place + 1]) for place in range(len(padded))]


def _divided(counts: list[int], size: int) -> list[int]:
    """Divided by 1 + q + ... + q^(size - 1), which leaves no rest."""
    differences = [counts[place] - (counts[place - 1] if place else 0) for place in range(len(counts))]
    for place in range(size, len(differences)):
        differences[place] += differences[place - size]
    return differences[: len(counts) - size + 1]


@cache
def two_sided(ties: tuple[int, ...]) -> tuple[float, ...]:
    """P(abs. S' >= s) for s = 0, 1, ..., N, given the sizes of the groups of equal values (alone: 1)."""
    n = sum(ties)
    pairs, tied = math.comb(n, 2), sum(math.comb(group, 2) for group in ties)
    counts = arrangements(ties)
    at_least = [0] * (pairs + 1)
    for inversions, count in enumerate(counts):
        at_least[abs(pairs - tied - 2 * inversions)] += count
    for s in range(pairs - 1, -1, -1):
        at_least[s] += at_least[s + 1]
    total = sum(counts)
    return tuple(count / total for count in at_least)


def exact_p(s: int, ties: Sequence[int]) -> float:
    """The two-sided p of one S."""
    return two_sided(tuple(sorted(ties)))[abs(s)]


def tie_weights() -> npt.NDArray[np.int64]:
    """What a value in a group of t equal ones adds to the key of its series: 13^(t - 1); nothing for t = 0.

    At most twelve values are in groups of one size, so the sum tells every pattern of ties from every other.
    """
    return np.array([0, *(_WEIGHT_BASE**power for power in range(LONGEST))], np.int64)


@cache
def tie_table() -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Keys of all patterns of up to twelve values, ascending, and for each P(abs. S' >= s), s = 0 to 66."""
    weights = tie_weights()
    patterns = [pattern for n in range(1, LONGEST + 1) for pattern in _partitions(n)]
    keys = np.array([sum(size * int(weights[size]) for size in pattern) for pattern in patterns], np.int64)
    tails = np.zeros((len(patterns), math.comb(LONGEST, 2) + 1))
    for row, pattern in enumerate(patterns):
        known = two_sided(pattern)
        tails[row, : len(known)] = known
    order = np.argsort(keys)
    return keys[order], tails[order]


def _partitions(n: int, smallest: int = 1) -> Iterator[tuple[int, ...]]:
    yield (n,)
    for first in range(smallest, n // 2 + 1):
        for rest in _partitions(n - first, first):
            yield (first, *rest)


@cache
def slope_place(n: int) -> int:
    """From which smallest to which largest of the N slopes the 95% interval of the median slope reaches.

    (N - k + 2) / 2 with k the smallest value of S with P(S' >= k) <= 0.025 for n untied values; 1 where
    there is no such value.
    """
    pairs = math.comb(n, 2)
    total, tail, k = math.factorial(n), 0, pairs + 2
    for count in arrangements([1] * n):  # no inversion first: S falls from N in steps of two
        tail += count
        if tail * 40 > total:
            break
        k -= 2
    return max(1, (pairs - k + 2) // 2)


@cache
def difference_place(m: int, n: int) -> int:
    """c of the 96% Hodges-Lehmann interval: from the c-th smallest to the c-th largest of m x n differences.

    The largest c with P(U <= c - 1) <= 0.02 under the Mann-Whitney distribution without ties; else 0.
    Above 10,000 differences the formula for large samples.
    """
    products = m * n
    if products > _EXACT_UP_TO:
        spread = Z_96 * math.sqrt(products * (m + n + 1) / 12)
        return max(0, math.floor(products / 2 + 0.5 - spread))
    return _mann_whitney_place(min(m, n), max(m, n))


@cache
def _mann_whitney_place(m: int, n: int) -> int:
    """Counts of U as one long whole number, a slot for each u below the middle.

    [m + n choose m]_q is the product of (1 - q^(n + i)) / (1 - q^i); dividing by 1 - q once more gives the
    cumulative counts. With q as a shift by one slot each factor is a few shifts and sums, all exact.
    """
    total = math.comb(m + n, m)
    slot, slots = total.bit_length() + 1, m * n // 2 + 1
    whole = (1 << (slot * slots)) - 1
    counts = 1
    for factor in range(1, m + 1):
        counts = (counts - (counts << (slot * (n + factor)))) & whole
        counts = _over(counts, factor, slot=slot, slots=slots) & whole
    cumulative = _over(counts, 1, slot=slot, slots=slots) & whole
    low, high = 0, slots  # the number of u with P(U <= u) <= 0.02
    while low < high:
        middle = (low + high) // 2
        below = (cumulative >> (slot * middle)) & ((1 << slot) - 1)
        low, high = (middle + 1, high) if below * 50 <= total else (low, middle)
    return low


def _over(counts: int, power: int, *, slot: int, slots: int) -> int:
    """Divided by 1 - q^power, up to the last slot: times 1 + q^power, times 1 + q^(2 power), and so on."""
    whole = (1 << (slot * slots)) - 1
    while power < slots:
        counts = (counts + (counts << (slot * power))) & whole
        power *= 2
    return counts
