"""Properties of trend, quarter comparison and usual range, and slow second implementations of them.

Here: the methods on plain data.
Not here: worked examples (tests/golden), the table (test_changes_table), sentences (test_sentences).
"""

import itertools
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from functools import cache
from statistics import median

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tests.drawn import examples
from transforms.changes.distributions import difference_place, exact_p, slope_place, tie_table, two_sided
from transforms.changes.effects import Effect
from transforms.changes.months import Grid, SeriesMonth, month_at
from transforms.changes.quarter_comparison import QuarterMonth, compare_quarter
from transforms.changes.trend import REASONS, MonthTrend, month_trend, trend_at, trends
from transforms.changes.usual_range import usual_range

FIRST = 2025 * 12 + 6
EFFECT = Effect(size=0.1)
OPPOSITE = {"improving": "worsening", "worsening": "improving"}
EIGHTHS = st.integers(0, 8).map(lambda number: number / 8)
"""Values that add and subtract without a rounding, so that ties are ties."""


def series(values: Sequence[float | None]) -> list[SeriesMonth]:
    return [
        SeriesMonth(
            month=month_at(FIRST + place), value=value, status="ok" if value is not None else "absent"
        )
        for place, value in enumerate(values)
    ]


def trend_of(values: Sequence[float | None], effect: Effect = EFFECT) -> MonthTrend:
    return month_trend(series(values), direction="higher_is_better", effect=effect)


def s_of(values: Sequence[float]) -> int:
    return sum((later > earlier) - (later < earlier) for earlier, later in itertools.combinations(values, 2))


def p_by_listing(values: Sequence[float]) -> Fraction:
    """Every order of the values, one after the other."""
    orders = list(itertools.permutations(values))
    return Fraction(sum(abs(s_of(order)) >= abs(s_of(values)) for order in orders), len(orders))


def p_by_counting(values: Sequence[float]) -> Fraction:
    """The same for more values: arrangements by S, built up value by value."""
    found = counts_of_s(tuple(sorted(Counter(values).values())))
    extreme = sum(count for s, count in found.items() if abs(s) >= abs(s_of(values)))
    return Fraction(extreme, found.total())


@cache
def counts_of_s(groups: tuple[int, ...]) -> Counter[int]:
    """How many arrangements of values in groups of these sizes have which S."""
    found: Counter[tuple[tuple[int, ...], int]] = Counter({(groups, 0): 1})
    for _ in range(sum(groups)):
        following: Counter[tuple[tuple[int, ...], int]] = Counter()
        for (left, s), count in found.items():
            for place, size in enumerate(left):
                if size:
                    rest = (*left[:place], size - 1, *left[place + 1 :])
                    following[rest, s + sum(left[place + 1 :]) - sum(left[:place])] += count
        found = following
    counts: Counter[int] = Counter()
    for (_, s), count in found.items():
        counts[s] += count
    return counts


@given(st.lists(st.integers(0, 4), min_size=2, max_size=6))
@examples(150)
def test_p_equals_the_listing_of_all_orders(values: list[int]) -> None:
    assert exact_p(s_of(values), list(Counter(values).values())) == float(p_by_listing(values))


@given(st.lists(EIGHTHS, min_size=6, max_size=12))
@examples(150)
def test_p_of_a_series_with_ties_equals_the_counting(values: list[float]) -> None:
    found = trend_of(values)
    assert (found.s, found.p) == (s_of(values), float(p_by_counting(values)))


@given(st.permutations(range(12)), st.integers(6, 12))
@examples(150)
def test_without_ties_p_is_that_of_scipy(order: list[int], n: int) -> None:
    values = [float(value) for value in order[:n]]
    found = trend_of(values)
    wanted = stats.kendalltau(range(n), values, method="exact")
    assert found.p == pytest.approx(wanted.pvalue, abs=1e-12)
    assert found.s == round(wanted.statistic * math.comb(n, 2))


def test_the_table_holds_every_pattern_of_ties_with_its_own_key() -> None:
    keys, tails = tie_table()
    assert len(keys) == len(set(keys.tolist())) == sum((1, 2, 3, 5, 7, 11, 15, 22, 30, 42, 56, 77))
    assert (np.diff(tails, axis=1) <= 0).all()
    assert (tails[:, 0] == 1).all()


@pytest.mark.parametrize(
    ("n", "s", "p"), [(6, 13, 0.0167), (7, 15, 0.0302), (8, 18, 0.0312), (9, 20, 0.0446), (12, 30, 0.0447)]
)
def test_the_table_of_the_specification(n: int, s: int, p: float) -> None:
    known = two_sided((1,) * n)
    assert round(known[s], 4) == p
    assert known[s - 2] > 0.05


@pytest.mark.parametrize("n", range(4, 9))
def test_places_of_the_slope_interval_by_listing(n: int) -> None:
    counts = Counter(s_of(order) for order in itertools.permutations(range(n)))
    pairs = math.comb(n, 2)
    smallest = [
        k
        for k in range(pairs, -1, -2)
        if sum(count for s, count in counts.items() if s >= k) <= 0.025 * math.factorial(n)
    ]
    assert slope_place(n) == ((pairs - min(smallest) + 2) // 2 if smallest else 1)


@pytest.mark.parametrize(("m", "n"), [(2, 3), (3, 9), (5, 10), (6, 7), (10, 6), (8, 8)])
def test_places_of_the_difference_interval_by_counting(m: int, n: int) -> None:
    counts = Counter(
        sum(place - order for order, place in enumerate(chosen))
        for chosen in itertools.combinations(range(m + n), m)
    )
    total, tail, c = math.comb(m + n, m), 0, 0
    while (tail := tail + counts[c]) * 50 <= total:
        c += 1
    assert difference_place(m, n) == c


def test_exact_places_meet_the_formula_for_large_samples() -> None:
    for m, n in ((100, 100), (40, 250), (25, 400)):
        z = stats.norm.isf(0.02)
        formula = math.floor(m * n / 2 + 0.5 - z * math.sqrt(m * n * (m + n + 1) / 12))
        assert abs(difference_place(m, n) - formula) <= 3


@given(st.lists(st.one_of(st.none(), EIGHTHS), min_size=6, max_size=12))
@examples(200)
def test_a_series_backwards(values: list[float | None]) -> None:
    found, back = trend_of(values), trend_of(values[::-1])
    if not (found.is_tested and back.is_tested):
        return
    assert (back.s, back.p) == (-(found.s or 0), found.p)
    assert back.reason == found.reason
    assert back.outcome == OPPOSITE.get(found.outcome, found.outcome)


@given(st.lists(EIGHTHS, min_size=6, max_size=12), st.integers(-40, 40))
@examples(150)
def test_a_constant_added_changes_no_difference(values: list[float], constant: int) -> None:
    found, moved = trend_of(values), trend_of([value + constant for value in values])
    for name in ("outcome", "reason", "s", "p", "slope", "slope_low", "slope_high", "change", "shift"):
        assert getattr(moved, name) == getattr(found, name)


@given(st.lists(EIGHTHS, min_size=6, max_size=12), st.randoms(use_true_random=False))
@examples(100)
def test_noise_far_below_the_tolerance_changes_nothing(values: list[float], chance: object) -> None:
    """Equal values in any order: that they differ by a rounding does not tell them apart."""
    noise = [value + chance.uniform(-1, 1) * 1e-13 for value in values]  # type: ignore[attr-defined]
    found, noisy = trend_of(values), trend_of(noise)
    assert (noisy.outcome, noisy.reason, noisy.s, noisy.p) == (found.outcome, found.reason, found.s, found.p)


def slow_trend(values: Sequence[float | None], effect: Effect) -> tuple[str, int]:
    """Reason and sign by the words of 4.3, step by step, with fractions where they decide."""
    months = [(place, value) for place, value in enumerate(values) if value is not None]
    if len(months) < 6:
        return "fewer_than_6_months", 0
    if len(values) - 1 - months[-1][0] > 1:
        return "stale", 0
    x, y = [place for place, _ in months], [value for _, value in months]
    s = s_of(y)
    sign = (s > 0) - (s < 0)
    slopes = [(y[j] - y[i]) / (x[j] - x[i]) for i, j in itertools.combinations(range(len(y)), 2)]
    change = median(slopes) * (x[-1] - x[0])
    k = max(2, len(y) // 3)
    shift = median(y[-k:]) - median(y[:k])
    size = max([0.0, *(abs(part) for part in (change, shift) if part * sign > 0)])
    threshold = max(effect.size * abs(median(y)), effect.floor) if effect.is_relative else effect.size
    if p_by_counting(y) <= Fraction(1, 20):
        if size < threshold - 1e-9:
            return "change_too_small", sign
        if shift * sign > 0:
            for place in range(len(y)):
                rest = y[:place] + y[place + 1 :]
                if p_by_counting(rest) > Fraction(1, 10) or s_of(rest) * sign <= 0:
                    return "one_month_decides", sign
            return "consistent_change", sign
    return ("flat" if max(y) - min(y) < threshold - 1e-9 else "no_consistent_direction"), sign


EFFECTS = st.sampled_from(
    [EFFECT, Effect(size=0.5), Effect(size=0.05), Effect(size=0.25, is_relative=True, floor=0.2)]
)


@st.composite
def drifting(draw: st.DrawFn) -> list[float | None]:
    """Series with and without holes; about half of them lean one way."""
    n, lean = draw(st.integers(1, 12)), draw(st.sampled_from([-0.25, -0.125, 0.0, 0.0, 0.125, 0.25, 0.5]))
    steps = draw(st.lists(st.one_of(EIGHTHS, EIGHTHS, EIGHTHS, st.none()), min_size=n, max_size=n))
    return [None if step is None else step + lean * place for place, step in enumerate(steps)]


@given(drifting(), EFFECTS)
@examples(400)
def test_the_decision_is_that_of_a_slow_reading_of_the_rules(
    values: list[float | None], effect: Effect
) -> None:
    found = trend_of(values, effect)
    reason, sign = slow_trend(values, effect)
    assert found.reason == reason
    if reason == "consistent_change":
        assert found.outcome == ("improving" if sign > 0 else "worsening")


def test_many_series_together_are_each_alone() -> None:
    chance = np.random.default_rng(4)
    values = np.round(chance.random((2000, 24)) * chance.choice([0.3, 2, 8, 1000], (2000, 1))) / 8
    values += np.arange(24) * chance.choice([-0.5, 0, 0, 0.5], (2000, 1))
    values[chance.random(values.shape) < 0.2] = np.nan
    is_final = np.cumsum(chance.random(values.shape)[:, ::-1] < 0.8, axis=1)[:, ::-1] > 0
    segment = (np.arange(24) > chance.integers(0, 40, (2000, 1))).astype(np.int64)
    together = trends(Grid(value=values, is_final=is_final, segment=segment), EFFECT)
    for row in range(0, 2000, 7):
        months = [
            SeriesMonth(
                month=month_at(FIRST + place),
                value=None if np.isnan(values[row, place]) else float(values[row, place]),
                state="final" if is_final[row, place] else "partial",
                segment=int(segment[row, place]),
            )
            for place in range(24)
        ]
        newest = max((month.month for month in months if month.state == "final"), default="")
        alone = month_trend(months, direction="load", effect=EFFECT)
        assert trend_at(together, row, newest=newest, direction="load") == alone
    assert len(set(together.reason.tolist())) == len(REASONS)


COUNTS = st.tuples(st.integers(0, 12), st.integers(0, 12)).map(lambda pair: (min(pair), max(pair)))


@given(st.lists(COUNTS, min_size=12, max_size=12))
@examples(200)
def test_a_share_turned_into_its_complement_turns_the_difference(counts: list[tuple[int, int]]) -> None:
    one, other = (
        compare_quarter(
            [
                QuarterMonth(month=month_at(FIRST + at), numerator=numerator, denominator=n)
                for at, numerator, n in rows
            ],
            statistic="share",
            direction="higher_is_better",
            effect=EFFECT,
            n_min=10,
            quarter="2026-Q2",
            quarter_state="final",
        )
        for rows in (
            [(at, k, n) for at, (k, n) in enumerate(counts)],
            [(at, n - k, n) for at, (k, n) in enumerate(counts)],
        )
    )
    assert other.reason == one.reason
    assert other.outcome == OPPOSITE.get(one.outcome, one.outcome)
    assert other.deciding_months == one.deciding_months
    if one.difference is not None and other.difference is not None and one.low is not None:
        assert other.difference == pytest.approx(-one.difference, abs=1e-12)
        assert other.high == pytest.approx(-one.low, abs=1e-12)


AMOUNTS = st.lists(st.integers(1, 30).map(float), max_size=4).map(tuple)


@st.composite
def median_months(draw: st.DrawFn) -> list[QuarterMonth]:
    lift = draw(st.sampled_from([0, 0, 10, 40]))
    return [
        QuarterMonth(
            month=month_at(FIRST + at),
            closed=tuple(amount + lift * (at > 8) for amount in draw(AMOUNTS)),
            open_so_far=draw(st.one_of(st.just(()), AMOUNTS)),
        )
        for at in range(12)
    ]


def all_differences(months: Sequence[QuarterMonth], without: str = "") -> list[float]:
    now, before = (
        [
            amount
            for row in side
            if row.month != without
            for amount in (*row.closed, *((math.inf,) * len(row.open_so_far)))
        ]
        for side in (months[9:], months[:9])
    )
    return sorted(0.0 if a == b else a - b for a in now for b in before)


@given(median_months(), st.sampled_from([6, 10]))
@examples(300)
def test_medians_are_compared_as_the_words_say(months: list[QuarterMonth], n_min: int) -> None:
    found = compare_quarter(
        months,
        statistic="median",
        direction="lower_is_better",
        effect=Effect(size=0.25, is_relative=True, floor=1.0),
        n_min=n_min,
        quarter="2026-Q2",
        quarter_state="final",
    )
    sizes = [len(row.closed) + len(row.open_so_far) for row in months]
    n_now, n_before = sum(sizes[9:]), sum(sizes[:9])
    assert (found.n_current, found.n_baseline) == (n_now, n_before)
    enough = n_now >= n_min and n_before >= 2 * n_min
    enough = enough and sum(map(bool, sizes[9:])) >= 2 and sum(map(bool, sizes[:9])) >= 3
    assert found.is_tested is enough
    if not enough:
        return
    differences = all_differences(months)
    typical, c = median(differences), difference_place(n_now, n_before)
    low, high = differences[c - 1], differences[-c]
    for figure, wanted in ((found.difference, typical), (found.low, low), (found.high, high)):
        assert figure == (wanted if math.isfinite(wanted) else None)
    if low <= 0 <= high:
        assert found.reason in ("no_meaningful_difference", "no_clear_difference")
        return
    kept = {}
    for row, size in zip(months, sizes, strict=True):
        if size:
            rest = median(all_differences(months, without=row.month))
            kept[row.month] = 1.0 if rest == typical else rest / typical if math.isfinite(typical) else 0.0
            if math.isinf(typical) and rest == -typical:
                kept[row.month] = -math.inf
    if found.reason in ("clear_difference", "one_month_decides"):
        assert found.deciding_months == tuple(month for month, part in kept.items() if part < 0.5 - 1e-9)
        assert (found.reason == "clear_difference") is (not found.deciding_months)
        assert abs(typical) >= (found.threshold or 0) - 1e-9


def rate_months(now: int, before: int) -> list[QuarterMonth]:
    return [
        QuarterMonth(month=month_at(FIRST + at), numerator=now if at > 8 else before, exposure=3.0)
        for at in range(12)
    ]


@pytest.mark.parametrize(("now", "before"), [(6, 2), (2, 6), (3, 3), (0, 5), (1, 4)])
def test_rates_by_the_binomial_distribution_itself(now: int, before: int) -> None:
    found = compare_quarter(
        rate_months(now, before),
        statistic="rate",
        direction="load",
        effect=Effect(size=0.25, is_relative=True, floor=0.25),
        n_min=6,
        quarter="2026-Q2",
        quarter_state="final",
    )
    limits = stats.binomtest(3 * now, 3 * now + 9 * before).proportion_ci(0.96, method="exact")
    ratios = [part / (1 - part) * 27 / 9 for part in (limits.low, limits.high)]
    assert (found.ratio_low, found.ratio_high) == pytest.approx(tuple(ratios), abs=1e-9)
    assert found.low == pytest.approx((ratios[0] - 1) * before / 3, abs=1e-9)


def test_a_first_event_ever_is_read_from_the_ratio() -> None:
    """Nothing in 27 shifts and 18 in 9: no rate before to take a share of, and yet no chance."""
    found = compare_quarter(
        rate_months(6, 0),
        statistic="rate",
        direction="load",
        effect=Effect(size=0.25, is_relative=True, floor=0.25),
        n_min=6,
        quarter="2026-Q2",
        quarter_state="final",
    )
    assert (found.outcome, found.difference, found.low, found.high) == ("rising", 2.0, None, None)
    assert found.ratio_low is not None
    assert found.ratio_low > 1


def test_holes_and_other_segments_stay_out_of_both_sides() -> None:
    months = [
        QuarterMonth(month=month_at(FIRST + at), numerator=8 if at > 8 else 5, denominator=10)
        for at in range(12)
    ]

    def told(changed: dict[int, dict[str, object]]) -> tuple[tuple[str, ...], str]:
        rows = [replace(row, **changed.get(at, {})) for at, row in enumerate(months)]  # type: ignore[arg-type]
        found = compare_quarter(
            rows,
            statistic="share",
            direction="neutral",
            effect=EFFECT,
            n_min=10,
            quarter="2026-Q2",
            quarter_state="final",
        )
        return (*found.months_baseline, *found.months_current), found.reason

    every = tuple(row.month for row in months)
    assert told({}) == (every, "clear_difference")
    away: dict[int, dict[str, object]] = {4: {"status": "absent"}, 10: {"status": "source_gap"}}
    assert told(away) == (
        tuple(month for month in every if month not in (months[4].month, months[10].month)),
        "clear_difference",
    )
    earlier: dict[int, dict[str, object]] = {at: {"segment": -1} for at in range(8)}
    assert told(earlier) == (every[8:], "segment_change")


@given(st.lists(st.one_of(st.none(), EIGHTHS), min_size=13, max_size=13))
@examples(150)
def test_the_usual_range_by_hand(values: list[float | None]) -> None:
    rows = series(values)
    found = usual_range(rows, month=rows[-1].month, lower_bound=0.0, upper_bound=1.0)
    before = [value for value in values[:-1] if value is not None]
    steps = [abs(later - earlier) for earlier, later in itertools.pairwise(before)]
    if len(before) < 6:
        assert (found.verdict, found.centre, found.low) == ("not_enough_data", None, None)
        return
    assert found.centre == pytest.approx(sum(before) / len(before))
    if len(set(before)) == 1:
        assert (found.verdict, found.low) == ("no_variation", None)
        return
    half = 2.66 * sum(steps) / len(steps)
    centre = sum(before) / len(before)
    assert found.low == pytest.approx(max(0.0, centre - half))
    assert found.high == pytest.approx(min(1.0, centre + half))
    newest = values[-1]
    if newest is None:
        assert found.verdict == "not_enough_data"
    else:
        outside = newest < max(0.0, centre - half) - 1e-6 or newest > min(1.0, centre + half) + 1e-6
        assert found.verdict == ("outside_usual_range" if outside else "within_usual_range")
