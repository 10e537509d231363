"""No sentence about change is printed that is false of what it describes.

Each printed sentence is read back, number by number, and held against the series or the quarters by plain
arithmetic that shares nothing with the templates and their predicates.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tests.drawn import examples
from tests.trends.test_changes import FIRST, all_differences, series, slow_trend
from transforms.changes.distributions import difference_place
from transforms.changes.effects import Effect
from transforms.changes.months import month_at
from transforms.changes.quarter_comparison import QuarterComparison, QuarterMonth, compare_quarter
from transforms.changes.quarter_sentences import COMPARISON_TEMPLATES, comparison_body, comparison_sentence
from transforms.changes.sentences import (
    CONTEXT,
    LOAD,
    NO_SINGLE_MONTH,
    ROWS_FIRST,
    STEADY,
    TREND_TEMPLATES,
    USUAL_RANGE_TEMPLATES,
    Naming,
    chance_sentence,
    trend_sentence,
    usual_range_sentence,
)
from transforms.changes.trend import MonthTrend, month_trend
from transforms.changes.usual_range import usual_range
from transforms.changes.wording import mid_sentence, number_text, range_text, value_form
from transforms.ladder import CaseWords, month_name

FORBIDDEN = re.compile(
    r"\b(underperform\w*|outperform\w*|weak|strong|(?:low|high) performer|should|must|recommend\w*"
    r"|went up and down|significant\w*)\b",
    re.IGNORECASE,
)
NUMBER = r"(−?[\d.]+|open)"
DIRECTIONS = ("higher_is_better", "lower_is_better", "neutral", "load")
WORDS = CaseWords(
    case="requests answered", unit="", exposure="shifts of 12 h", pending="pending", open="not answered"
)


def number(text: str) -> float:
    return float(text.replace("−", "-"))


def reads(text: str, true: float, *, unit: str) -> bool:
    """The text is the number, rounded to what it shows: whole percent or two digits at least."""
    shown, meant = number(text), true * (100 if unit == "share" else 1)
    if shown == meant:
        return True
    decimals = len(text.partition(".")[2])
    coarse = 0.5 if unit == "share" or meant == 0 else 0.5 * 10 ** (math.floor(math.log10(abs(meant))) - 1)
    return abs(shown - meant) <= max(0.5 * 10.0**-decimals if decimals else 0.0, coarse) + 1e-7


# ---- the monthly trend


@dataclass(frozen=True, kw_only=True)
class Series:
    values: tuple[float | None, ...]
    direction: str
    effect: Effect
    unit: str

    @property
    def used(self) -> list[float]:
        return [value for value in self.values if value is not None]

    @property
    def naming(self) -> Naming:
        return Naming(title="Requests answered", unit=self.unit, direction=self.direction)

    def trend(self) -> MonthTrend:
        return month_trend(series(self.values), direction=self.direction, effect=self.effect)


def random_series(seed: int) -> Series:
    """Shares and hours; noise, lean, steps, ceilings, small changes, holes, stale ends."""
    chance = Random(seed)
    unit = chance.choice(["share", "hours"])
    n = chance.choice([*range(1, 13), 12, 12, 12, 12])
    noise, lean = (
        chance.choice([0, 0, 0.01, 0.05, 0.2]),
        chance.choice([0, 0, 0.004, 0.01, 0.03, -0.01, -0.04]),
    )
    step, at = chance.choice([0, 0, 0.05, -0.05, -0.3]), chance.randint(0, 12)
    start = chance.choice([1.0, 0.9, 0.5])
    values: list[float | None] = []
    for place in range(n):
        value = start + lean * place + step * (place >= at) + noise * chance.uniform(-1, 1)
        value = min(1.0, max(0.0, value)) if unit == "share" else abs(value) * chance.choice([12.0])
        is_hole = chance.random() < chance.choice([0, 0, 0.3])
        values.append(None if is_hole else round(value, chance.choice([1, 2, 2, 4])))
    if chance.random() < 0.15:
        values += [None, None]
    if chance.random() < 0.1:
        kept = [value for value in values if value is not None]
        values = [kept[0] if kept else 0.5] * len(values)
    return Series(
        values=tuple(values[-12:]),
        direction=chance.choice(DIRECTIONS),
        effect=Effect(size=chance.choice([0.1, 0.05]))
        if unit == "share"
        else Effect(size=0.25, is_relative=True, floor=1.0),
        unit=unit,
    )


def check_trend_sentence(found: Series, sentence: str) -> str:  # noqa: PLR0911, PLR0915
    """Fails where the sentence is not true of the series; gives the name of what was said."""
    y = found.used
    n, (reason, sign) = len(y), slow_trend(found.values, found.effect)
    middle = median(y) if y else 0.0
    relative = max(found.effect.size * abs(middle), found.effect.floor)
    e = relative if found.effect.is_relative else found.effect.size
    unit = "%" if found.unit == "share" else ""
    sizes = f"{NUMBER} (?:points?|hours?)"
    k = max(2, n // 3)

    def ends(first: str, last: str) -> None:
        assert reads(first, median(y[:k]), unit=found.unit)
        assert reads(last, median(y[-k:]), unit=found.unit)
        assert (number(last) - number(first)) * sign > 0

    def holds_all(low: str, high: str) -> None:
        scale = 100 if unit else 1
        assert number(low) - 1e-6 <= min(y) * scale
        assert max(y) * scale <= number(high) + 1e-6
        coarse = 1.0 if unit else 10 ** (math.floor(math.log10(max(y) or 1)) - 1)
        assert number(high) - number(low) <= (max(y) - min(y)) * scale + 2 * coarse

    if told := re.fullmatch(
        rf"Requests answered moved in the (better|less favourable) direction over (\d+) months with data,"
        rf" from about {NUMBER}(?:%| hours?) in the first (\d+) to about {NUMBER}(?:%| hours?) in the"
        rf" last (\d+)\. {NO_SINGLE_MONTH}( {re.escape(ROWS_FIRST)})?",
        sentence,
    ):
        better, months, first, first_k, last, last_k, rows = told.groups()
        assert reason == "consistent_change"
        assert (int(months), int(first_k), int(last_k)) == (n, k, k)
        ends(first, last)
        good = 1 if found.direction == "higher_is_better" else -1
        assert found.direction in ("higher_is_better", "lower_is_better")
        assert (better == "better") is (sign == good)
        assert bool(rows) is (better != "better")
        return "better" if better == "better" else "worse"
    if told := re.fullmatch(
        rf"Requests answered (rose|fell) over (\d+) months with data, from about {NUMBER}(?:%| hours?) to"
        rf" about {NUMBER}(?:%| hours?)\. ({re.escape(CONTEXT)}|{re.escape(LOAD)})",
        sentence,
    ):
        verb, months, first, last, after = told.groups()
        assert reason == "consistent_change"
        assert int(months) == n
        ends(first, last)
        assert (verb == "rose") is (sign > 0)
        assert after == {"neutral": CONTEXT, "load": LOAD}[found.direction]
        return "rose or fell"
    if told := re.fullmatch(rf"Requests answered was {NUMBER}(?:%| hours?) in all (\d+) months\.", sentence):
        assert max(y) - min(y) <= 1e-9
        assert int(told[2]) == n
        assert reads(told[1], y[0], unit=found.unit)
        return "all equal"
    if told := re.fullmatch(
        rf"Requests answered held steady: all (\d+) months lie within {NUMBER}%? to {NUMBER}(?:%| hours?)\.",
        sentence,
    ):
        assert int(told[1]) == n
        assert 0 < max(y) - min(y) < e
        assert reason == "flat"
        holds_all(told[2], told[3])
        return "flat"
    if told := re.fullmatch(
        rf"No consistent direction was found in requests answered over (\d+) months \({NUMBER}%? to"
        rf" {NUMBER}(?:%| hours?)\)\.",
        sentence,
    ):
        assert int(told[1]) == n
        assert reason == "no_consistent_direction"
        holds_all(told[2], told[3])
        return "no direction"
    if told := re.fullmatch(
        rf"Requests answered has a direction over (\d+) months, but neither the fitted change \({sizes}\) nor"
        rf" the difference between its first and last months \({sizes}\) reaches the {sizes} we treat as"
        r" meaningful\.",
        sentence,
    ):
        months, change, shift, effect = told.groups()
        assert reason == "change_too_small"
        assert int(months) == n
        assert abs(number(change)) < number(effect)
        assert abs(number(shift)) < number(effect)
        assert reads(shift, median(y[-k:]) - median(y[:k]), unit=found.unit)
        assert reads(effect, e, unit=found.unit)
        return "too small"
    if told := re.fullmatch(
        rf"Requests answered has a direction over (\d+) months, but the fitted change \({sizes}\) does not"
        rf" reach the {sizes} we treat as meaningful, and its first and last months differ the other way"
        rf" \({sizes}\)\.",
        sentence,
    ):
        assert reason == "change_too_small"
        assert abs(number(told[2])) < number(told[3])
        assert number(told[4]) * sign < 0
        return "too small, ends turn"
    if sentence == (
        "Whether requests answered has a direction depends on single months, so we do not call it one."
    ):
        assert reason == "one_month_decides"
        return "single months"
    if told := re.fullmatch(
        r"Not enough data to speak of a trend: (\d+) usable months?, 6 are needed\.", sentence
    ):
        assert int(told[1]) == n < 6
        return "few months"
    told = re.fullmatch(
        r"Not enough data to speak of a trend: no usable final month since (\w+ \d+)\.", sentence
    )
    assert told, f"a sentence nobody knows: {sentence}"
    newest = max(place for place, value in enumerate(found.values) if value is not None)
    assert told[1] == month_name(month_at(FIRST + newest))
    assert len(found.values) - 1 - newest >= 2
    assert n >= 6
    return "stale"


@given(st.integers(0, 2**40))
@examples(400)
def test_what_is_said_of_a_series_is_true_of_it(seed: int) -> None:
    found = random_series(seed)
    trend = found.trend()
    assert sum(template.predicate(trend) for template in TREND_TEMPLATES) == 1
    sentence = trend_sentence(trend, found.naming)
    assert sentence is not None
    assert not FORBIDDEN.search(sentence)
    check_trend_sentence(found, sentence)


TURNING = (0, 0.1, 100, 100.1, 0.2, 0.3, 0.4, 0.5, 1, 1.1, 1.2, 101)
"""Found by hand: S = 38 of 66, while the median of the last four months lies below that of the first four."""

SERIES: Mapping[str, Series] = {
    name: Series(values=tuple(values), direction=direction, effect=effect, unit=unit)
    for name, (values, direction, effect, unit) in {
        "better": ([0.6] * 3 + [1.0] * 9, "higher_is_better", Effect(size=0.1), "share"),
        "worse": ([1.0] * 9 + [0.6] * 3, "higher_is_better", Effect(size=0.1), "share"),
        "rose or fell": ([1.0] * 9 + [0.6] * 3, "load", Effect(size=0.1), "share"),
        "all equal": ([0.857142] * 7, "neutral", Effect(size=0.1), "share"),
        "flat": ([0.904, 0.901, 0.904, 0.902, 0.901, 0.904], "neutral", Effect(size=0.1), "share"),
        "no direction": ([0.9, 0.6, 0.85, 0.55, 0.95, 0.7], "neutral", Effect(size=0.1), "share"),
        "too small": (
            [0.8, 0.8192, 0.8384, 0.8576, 0.8768, 0.896],
            "higher_is_better",
            Effect(size=0.1),
            "share",
        ),
        "too small, ends turn": (list(TURNING), "neutral", Effect(size=40), "hours"),
        "single months": ([10, 30, 20, 50, 40, 70, 60], "neutral", Effect(size=1), "hours"),
        "few months": ([0.8], "neutral", Effect(size=0.1), "share"),
        "stale": ([0.8] * 6 + [None, None], "neutral", Effect(size=0.1), "share"),
    }.items()
}


@pytest.mark.parametrize("name", SERIES)
def test_every_sentence_of_a_series_is_printed_for_some(name: str) -> None:
    found = SERIES[name]
    sentence = trend_sentence(found.trend(), found.naming)
    assert sentence is not None
    assert check_trend_sentence(found, sentence) == name


def test_there_is_no_other_sentence_of_a_series() -> None:
    printed = {
        template.name
        for found in SERIES.values()
        for template in TREND_TEMPLATES
        if template.predicate(found.trend())
    }
    assert printed == {template.name for template in TREND_TEMPLATES}


def test_a_predicate_that_does_not_hold_prints_nothing() -> None:
    """A trend whose levels say something else than its outcome: better no sentence than a false one."""
    trend = SERIES["better"].trend()
    turned = replace(trend, first_level=trend.last_level, last_level=trend.first_level)
    assert trend_sentence(turned, SERIES["better"].naming) is None


# ---- the quarter


@dataclass(frozen=True, kw_only=True)
class Quarter:
    months: tuple[QuarterMonth, ...]
    statistic: str
    direction: str
    effect: Effect
    n_min: float
    state: str = "final"

    @property
    def naming(self) -> Naming:
        unit = {"share": "share", "median": "hours", "rate": "per 12 h"}[self.statistic]
        words = replace(WORDS, unit="per shift of 12 h") if self.statistic == "rate" else WORDS
        return Naming(title="Requests answered", unit=unit, direction=self.direction, words=words)

    @property
    def unit(self) -> str:
        return "share" if self.statistic == "share" else "other"

    def compared(self) -> QuarterComparison:
        return compare_quarter(
            self.months,
            statistic=self.statistic,  # type: ignore[arg-type]
            direction=self.direction,
            effect=self.effect,
            n_min=self.n_min,
            quarter="2026-Q2",
            quarter_state=self.state,
        )


def random_quarter(seed: int) -> Quarter:
    """Few and many cases, ceilings, one bad month, roles that change, holes, zero events, open cases."""
    chance = Random(seed)
    statistic = chance.choice(["share", "median", "rate"])
    size = chance.choice([1, 2, 5, 8, 12, 12, 40])
    before, now = chance.choice([0, 0.2, 0.6, 0.9, 1]), chance.choice([0, 0.2, 0.6, 0.9, 1])
    now = chance.choice([now, before, before, before + 0.05])
    odd, moved = chance.choice([-1, -1, *range(12)]), chance.choice([0, 0, 0, 0, *range(12)])
    never_closed = chance.choice([(), (), (), range(9, 12), range(9), range(0, 12, 2)])
    months = []
    for at in range(12):
        if chance.random() < 0.1:
            continue
        share = 0.1 if at == odd else before if at < 9 else now
        n = chance.randint(0, size)
        months.append(
            QuarterMonth(
                month=month_at(FIRST + at),
                segment=int(at >= moved),
                status=chance.choice(["ok"] * 12 + ["absent"]),
                numerator=sum(chance.random() < share for _ in range(n)),
                denominator=n,
                exposure=n / 2,
                closed=tuple(
                    round(chance.lognormvariate(0.5 + 2 * share, 0.6), chance.choice([0, 2]))
                    for _ in range(0 if at in never_closed else n)
                ),
                open_so_far=tuple(
                    chance.choice([30.0, 70.0])
                    for _ in range(
                        n if at in never_closed or chance.random() < 0.1 else chance.randint(0, 1) * (n > 0)
                    )
                ),
            )
        )
    effect = (
        Effect(size=chance.choice([0.1, 0.05]))
        if statistic == "share"
        else Effect(size=0.25, is_relative=True, floor=1.0 if statistic == "median" else 0.25)
    )
    return Quarter(
        months=tuple(months),
        statistic=statistic,
        direction=chance.choice(DIRECTIONS),
        effect=effect,
        n_min=6 if statistic == "rate" else chance.choice([5, 10]),
        state=chance.choice(["final"] * 9 + ["provisional"]),
    )


def size_of(found: Quarter, row: QuarterMonth) -> float:
    return {
        "share": row.denominator,
        "rate": row.exposure,
        "median": len(row.closed) + len(row.open_so_far),
    }[found.statistic]


class Sides:
    """Both sides by plain sums: months that are there, in the newest role, with something in them."""

    def __init__(self, found: Quarter, without: str = "") -> None:
        newest = found.months[-1].segment if found.months else 0
        usable = [
            row for row in found.months if row.status == "ok" and size_of(found, row) and row.month != without
        ]
        self.quarter = found
        self.is_changed = any(row.segment != newest for row in usable)
        self.now, self.before = (
            [row for row in usable if row.segment == newest and (row.month >= "2026-04") is is_now]
            for is_now in (True, False)
        )
        self.n1, self.n0 = (sum(size_of(found, row) for row in side) for side in (self.now, self.before))
        self.k1, self.k0 = (sum(row.numerator for row in side) for side in (self.now, self.before))

    def amounts(self, side: Sequence[QuarterMonth]) -> list[float]:
        return sorted(
            amount for row in side for amount in (*row.closed, *([math.inf] * len(row.open_so_far)))
        )

    def values(self) -> tuple[float, float]:
        if self.quarter.statistic == "median":
            return median(self.amounts(self.now)), median(self.amounts(self.before))
        return self.k1 / self.n1, self.k0 / self.n0

    def differences(self) -> list[float]:
        rows = [QuarterMonth(month=month_at(FIRST + at)) for at in range(12)]
        there = {row.month: row for row in (*self.now, *self.before)}
        return all_differences([there.get(row.month, row) for row in rows])

    def difference(self) -> float:
        if self.quarter.statistic == "median":
            return median(self.differences())
        v1, v0 = self.values()
        return v1 - v0

    def interval(self) -> tuple[float, float, bool]:
        """Both ends, and whether no difference is excluded."""
        if self.quarter.statistic == "median":
            found = self.differences()
            c = difference_place(int(self.n1), int(self.n0))
            low, high = (found[c - 1], found[-c]) if c else (-math.inf, math.inf)
            return low, high, low > 0 or high < 0
        if self.quarter.statistic == "rate":
            if not self.k1 + self.k0:
                return -math.inf, math.inf, False
            part = stats.binomtest(self.k1, self.k1 + self.k0).proportion_ci(0.96, method="exact")
            ratios = [math.inf if p == 1 else p / (1 - p) * self.n0 / self.n1 for p in (part.low, part.high)]
            excludes = ratios[0] > 1 or ratios[1] < 1
            if not self.k0:
                return -math.inf, math.inf, excludes
            low, high = ((ratio - 1) * self.k0 / self.n0 for ratio in ratios)
            return low, high, excludes
        z = stats.norm.isf(0.02)
        limits = [wilson_by_hand(k, n, z) for k, n in ((self.k1, self.n1), (self.k0, self.n0))]
        (p1, l1, u1), (p0, l0, u0) = limits
        low = p1 - p0 - math.hypot(p1 - l1, u0 - p0)
        high = p1 - p0 + math.hypot(u1 - p1, p0 - l0)
        return low, high, low > 0 or high < 0

    def effect(self) -> float:
        effect = self.quarter.effect
        if not effect.is_relative:
            return effect.size
        _, before = self.values()
        if math.isinf(before):
            before = median(a for row in self.before for a in (*row.closed, *row.open_so_far))
        return max(effect.size * before, effect.floor)


def wilson_by_hand(k: float, n: float, z: float) -> tuple[float, float, float]:
    """Both roots of (p - share)^2 = z^2 share (1 - share) / n."""
    p, a = k / n, 1 + z * z / n
    b, c = -(2 * p + z * z / n), p * p
    root = math.sqrt(max(0.0, b * b - 4 * a * c))
    return p, (-b - root) / (2 * a), (-b + root) / (2 * a)


COUNTS = {
    "share": rf"(\d+) of (\d+) \({NUMBER}%\) this quarter, (\d+) of (\d+) \({NUMBER}%\) (in [\w ]+before)",
    "median": rf"median ((?:at least )?{NUMBER}) hours? over (\d+) this quarter,"
    rf" median ((?:at least )?{NUMBER}) hours? over (\d+) (in [\w ]+before)",
    "rate": rf"{NUMBER} per shift of 12 h \((\d+) requests answered in {NUMBER} shifts of 12 h\) this"
    rf" quarter, {NUMBER} per shift of 12 h \((\d+) in {NUMBER}\) (in [\w ]+before)",
}


def check_counts(found: Quarter, sides: Sides, sentence: str) -> str:
    """The counts at the beginning are those of the cells. Gives the rest of the sentence."""
    told = re.match(COUNTS[found.statistic], sentence)
    assert told, sentence
    v1, v0 = sides.values()
    months = len(sides.before)
    one = "the one month with data" if months == 1 else f"the {months} months with data"
    span = "in the three quarters before" if months == 9 else f"in {one} in the three quarters before"
    assert told.groups()[-1] == span
    if found.statistic == "share":
        k1, n1, p1, k0, n0, p0, _ = told.groups()
        assert (int(k1), int(n1), int(k0), int(n0)) == (sides.k1, sides.n1, sides.k0, sides.n0)
        assert reads(p1, v1, unit="share")
        assert reads(p0, v0, unit="share")
        assert (p1 == p0) is (v1 == v0)
    elif found.statistic == "median":
        m1, _, n1, m0, _, n0, _ = told.groups()
        assert (int(n1), int(n0)) == (sides.n1, sides.n0)
        for text, value, side in ((m1, v1, sides.now), (m0, v0, sides.before)):
            assert text.startswith("at least ") is math.isinf(value)
            so_far = median(a for row in side for a in (*row.closed, *row.open_so_far))
            assert reads(text.removeprefix("at least "), so_far if math.isinf(value) else value, unit="other")
    else:
        r1, k1, e1, r0, k0, e0, _ = told.groups()
        assert (int(k1), int(k0)) == (sides.k1, sides.k0)
        for text, value in ((r1, v1), (r0, v0), (e1, sides.n1), (e0, sides.n0)):
            assert reads(text, value, unit="other")
        assert (r1 == r0) is (v1 == v0)
    return sentence[told.end() :]


def check_interval(found: Quarter, texts: Sequence[str], low: float, high: float) -> None:
    for text, end in zip(texts, (low, high), strict=True):
        assert (text == "open") is math.isinf(end)
        if text != "open":
            assert reads(text, end, unit=found.unit)


def check_comparison_sentence(found: Quarter, sentence: str) -> str:  # noqa: PLR0911
    """Fails where the sentence is not true of the quarters; gives the name of what was said."""
    sides = Sides(found)
    n_min = found.n_min
    if sentence.startswith("So far"):
        return check_so_far(found, sides, sentence)
    assert found.state == "final"
    if not sentence.startswith("Not enough cases to compare: "):
        return check_verdict(found, sides, check_counts(found, sides, sentence))
    told = sentence.removeprefix("Not enough cases to compare: ")
    if match := re.fullmatch(rf"{NUMBER}(?: shifts of 12 h)? this quarter \({NUMBER} are needed\)\.", told):
        assert sides.n1 < n_min
        assert number(match[1]) == pytest.approx(sides.n1, rel=0.05)
        assert number(match[1]) < number(match[2]) == n_min
        return "few now"
    if told == "only one month with cases this quarter.":
        assert len(sides.now) == 1
        return "one month now"
    if match := re.fullmatch(
        r"the role, level, team or definition changed, or a long absence ended, (in|between) (.*), and only"
        r" what"
        r" came after counts\.",
        told,
    ):
        assert sides.is_changed
        newest = found.months[-1].segment
        first = next(row.month for row in found.months if row.segment == newest)
        last = [row.month for row in found.months if row.segment != newest and row.month < first][-1]
        assert sides.n0 < 2 * n_min or len(sides.before) < 3
        adjacent = int(first[:4]) * 12 + int(first[5:]) - int(last[:4]) * 12 - int(last[5:]) == 1
        assert match[1] == ("in" if adjacent else "between")
        names = month_name(first) if adjacent else f"{month_name(last)} and {month_name(first)}"
        assert match[2] == names
        return "segment"
    if match := re.fullmatch(rf"{NUMBER}(?: shifts of 12 h)? before \({NUMBER} are needed\)\.", told):
        assert sides.n0 < 2 * n_min
        assert number(match[1]) < number(match[2]) == 2 * n_min
        return "few before"
    match = re.fullmatch(r"only (\d) months? with cases before \(3 are needed\)\.", told)
    assert match, f"a sentence nobody knows: {sentence}"
    assert int(match[1]) == len(sides.before) < 3
    assert sides.n0 >= 2 * n_min
    return "few months before"


def check_so_far(found: Quarter, sides: Sides, sentence: str) -> str:
    assert found.state != "final"
    now, _, before = sentence.removeprefix("So far this quarter ").removesuffix(".").partition("; in the ")
    if not sides.n1:
        assert now == "none"
    elif found.statistic == "share":
        assert now == f"{sides.k1} of {sides.n1}"
    elif found.statistic == "rate":
        assert now.startswith(f"{sides.k1} in ")
    else:
        assert now == f"{sides.n1} cases"
    if not sides.n0:
        assert before.endswith(" none")
    elif found.statistic == "share":
        told = re.search(rf" (\d+) of (\d+)(?: \({NUMBER}%\))?$", before)
        assert told
        assert (int(told[1]), int(told[2])) == (sides.k0, sides.n0)
        assert bool(told[3]) is (sides.n0 >= found.n_min)
    return "so far"


def check_verdict(found: Quarter, sides: Sides, rest: str) -> str:  # noqa: PLR0911, PLR0915
    d, e = sides.difference(), sides.effect()
    low, high, excludes = sides.interval()
    assert sides.n1 >= found.n_min
    assert sides.n0 >= 2 * found.n_min
    assert len(sides.now) >= 2
    assert len(sides.before) >= 3
    size, name = rf"{NUMBER} (?:points?|hours?|per shift of 12 h)", "(?:typical )?difference"
    assert ("typical difference" in rest) is (found.statistic == "median")
    kept = {row.month: Sides(found, without=row.month).difference() for row in (*sides.now, *sides.before)}
    failing = [
        month
        for month, without in sorted(kept.items())
        if not (without == d or (d and math.isfinite(d) and without / d >= 0.5 - 1e-9))
    ]
    if told := re.match(
        rf"; the {name} (?:is {size}|has no (upper|lower) end) \((?:96% interval {NUMBER}(?: points| hours?|"
        rf" per shift of 12 h)? to {NUMBER}(?: points?| hours?| per shift of 12 h)?|(no end) of its 96%"
        r" interval is a number|no event before, so"
        rf" it has no interval; that of the ratio of both begins at {NUMBER})\), (in the better direction|in"
        rf" the less favourable direction|higher than before|lower than before)\."
        rf" {re.escape(NO_SINGLE_MONTH)}",
        rest,
    ):
        shown, endless, left, right, nowhere, ratio, direction = told.groups()
        assert excludes
        assert abs(d) >= e - 1e-9
        assert not failing
        if shown:
            assert reads(shown, d, unit=found.unit)
            assert number(shown) * d > 0
        else:
            assert d == (math.inf if endless == "upper" else -math.inf)
        if nowhere:
            assert low == high == d
            assert math.isinf(d)
        elif ratio:
            assert sides.k0 == 0
            assert number(ratio) > 1
        else:
            check_interval(found, (left, right), low, high)
            assert all(text == "open" or number(text) * d > 0 for text in (left, right))
        after = rest[told.end() :].strip()
        good = {"higher_is_better": 1, "lower_is_better": -1}.get(found.direction)
        if good is None:
            assert direction.startswith("higher" if d > 0 else "lower")
            assert after == {"neutral": CONTEXT, "load": LOAD}[found.direction]
            return "higher or lower"
        is_better = d * good > 0
        assert direction == f"in the {'better' if is_better else 'less favourable'} direction"
        assert after == ("" if is_better else ROWS_FIRST)
        return "better" if is_better else "worse"
    medians_apart = " The medians themselves lie further apart."
    if rest.endswith(medians_apart):
        v1, v0 = sides.values()
        assert abs(v1 - v0) >= e
        rest = rest.removesuffix(medians_apart)
    if told := re.fullmatch(
        rf"\. The {name}, with its interval, is smaller than the {size} we treat as meaningful\.", rest
    ):
        assert reads(told[1], e, unit=found.unit)
        assert -e < low <= high < e
        return "no meaningful difference"
    if told := re.fullmatch(
        rf"\. The {name} of {size} is smaller than the {size} we treat as meaningful\.", rest
    ):
        assert excludes
        assert abs(d) < e
        assert reads(told[1], d, unit=found.unit)
        assert 0 < abs(number(told[1])) < number(told[2])
        return "too small"
    if told := re.fullmatch(rf"\. The {name} depends on ([\w ,]+)\.", rest):
        assert excludes
        assert failing
        assert re.split(", | and ", told[1]) == [month_name(month) for month in failing]
        return "single months"
    if told := re.fullmatch(
        rf"\. The {name} \({NUMBER}(?: hours?| per shift of 12 h)? to {NUMBER}(?: points?| hours?| per shift"
        r" of 12 h)?\) could be chance in either direction\.",
        rest,
    ):
        assert not excludes
        check_interval(found, told.groups(), low, high)
        assert all(
            text == "open" or number(text) * sign >= 0
            for text, sign in zip(told.groups(), (-1, 1), strict=True)
        )
        return "chance"
    if rest == ". The typical difference (open at both ends) could be chance in either direction.":
        assert (low, high) == (-math.inf, math.inf)
        return "open at both ends"
    if re.fullmatch(
        rf"\. The {name} \(too few events to form an interval\) could be chance in either direction\.", rest
    ):
        assert not excludes
        assert found.statistic == "rate"
        assert math.isinf(low)
        assert math.isinf(high)
        return "no interval"
    assert re.fullmatch(
        r"\. The medians and the typical difference point in different directions, so none is named\.", rest
    ), f"a sentence nobody knows: {rest}"
    v1, v0 = sides.values()
    assert (v1 - v0) * d < 0
    return "measures disagree"


@given(st.integers(0, 2**40))
@examples(600)
def test_what_is_said_of_a_quarter_is_true_of_it(seed: int) -> None:
    found = random_quarter(seed)
    compared = found.compared()
    assert sum(template.predicate(compared) for template in COMPARISON_TEMPLATES) == 1
    body = comparison_body(compared, found.naming)
    assert body is not None
    assert not FORBIDDEN.search(body)
    check_comparison_sentence(found, body)


def quarter(
    now: Sequence[int], before: Sequence[int], n: int, *, statistic: str = "share", **more: object
) -> Quarter:
    """Numerators of both sides; n cases a month, or n shifts."""
    months = [
        QuarterMonth(month=month_at(FIRST + at), numerator=numerator, denominator=n, exposure=float(n))
        for at, numerator in enumerate([*before, *now])
    ]
    settled = {"direction": "higher_is_better", "effect": Effect(size=0.1), "n_min": 10} | more
    return Quarter(months=tuple(months), statistic=statistic, **settled)  # type: ignore[arg-type]


def medians(now: Sequence[float], before: Sequence[float], **more: object) -> Quarter:
    """The same amounts in each month of a side; infinite ones are open."""
    found = quarter([0] * 3, [0] * 9, 0, statistic="median", **more)
    months = tuple(
        replace(
            row,
            closed=tuple(amount for amount in amounts if math.isfinite(amount)),
            open_so_far=(50.0,) * sum(map(math.isinf, amounts)),
        )
        for at, row in enumerate(found.months)
        for amounts in (now if at > 8 else before,)
    )
    return replace(found, months=months)


QUARTERS: Mapping[str, Quarter] = {
    "better": quarter([9] * 3, [6] * 9, 10),
    "worse": quarter([6] * 3, [9] * 9, 10),
    "higher or lower": quarter([9] * 3, [5] * 9, 10, direction="neutral"),
    "no meaningful difference": quarter([90] * 3, [91] * 9, 100),
    "too small": quarter([49] * 3, [45] * 9, 50),
    "single months": quarter([10, 10, 2], [9] * 9, 10),
    "chance": quarter([9] * 3, [9] * 9, 10),
    "no interval": quarter([0] * 3, [0] * 9, 5, statistic="rate", n_min=6),
    "open at both ends": medians([5.0, math.inf], [5.0, math.inf], n_min=4),
    "measures disagree": medians([5.0] * 8 + [20.0] * 7, [0.0] * 7 + [6.0] * 8),
    "so far": quarter([9] * 3, [6] * 9, 10, state="provisional"),
    "few now": quarter([2] * 3, [6] * 9, 3),
    "one month now": replace(quarter([9] * 3, [6] * 9, 10), months=quarter([9] * 3, [6] * 9, 10).months[:10]),
    "segment": replace(
        quarter([9] * 3, [6] * 9, 10),
        months=tuple(
            replace(row, segment=int(row.month > "2026-02")) for row in quarter([9] * 3, [6] * 9, 10).months
        ),
    ),
    "few before": replace(quarter([9] * 3, [6] * 9, 10), months=quarter([9] * 3, [6] * 9, 10).months[8:]),
    "few months before": replace(
        quarter([9] * 3, [6] * 9, 10), months=quarter([9] * 3, [6] * 9, 10).months[7:]
    ),
}


@pytest.mark.parametrize("name", QUARTERS)
def test_every_sentence_of_a_quarter_is_printed_for_some(name: str) -> None:
    found = QUARTERS[name]
    body = comparison_body(found.compared(), found.naming)
    assert body is not None
    assert check_comparison_sentence(found, body) == name


def test_there_is_no_other_sentence_of_a_quarter() -> None:
    printed = {
        template.name
        for found in QUARTERS.values()
        for template in COMPARISON_TEMPLATES
        if template.predicate(found.compared())
    }
    assert printed == {template.name for template in COMPARISON_TEMPLATES}


HOURS = {"direction": "lower_is_better", "effect": Effect(size=0.25, is_relative=True, floor=1.0)}


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        (
            QUARTERS["worse"],
            "Requests answered: 18 of 30 (60%) this quarter, 81 of 90 (90%) in the three quarters before; the"
            " difference is −30 points (96% interval −49 to −12 points), in the less favourable direction. No"
            " single month decides this. The rows and the context below come before any reading of it.",
        ),
        (
            QUARTERS["too small"],
            "Requests answered: 147 of 150 (98%) this quarter, 405 of 450 (90%) in the three quarters before."
            " The difference of 8 points is smaller than the 10 points we treat as meaningful.",
        ),
        (
            QUARTERS["single months"],
            "Requests answered: 22 of 30 (73%) this quarter, 81 of 90 (90%) in the three quarters before. The"
            " difference depends on June 2026.",
        ),
        (
            QUARTERS["segment"],
            "Not enough cases to compare: the role, level, team or definition changed, or a long absence"
            " ended, in March 2026, and only what came after counts.",
        ),
        (
            medians([9.0, 30.0, math.inf, math.inf], [2.0, 3.0, 4.0, 5.0], **HOURS),
            "Requests answered: median at least 40 hours over 12 this quarter, median 3.5 hours over 36 in"
            " the three quarters before; the typical difference has no upper end (96% interval 25 hours to"
            " open), in the less favourable direction. No single month decides this. The rows and the context"
            " below come before any reading of it.",
        ),
        (
            medians([math.inf] * 4, [2.0, 3.0, 4.0, 5.0], **HOURS),
            "Requests answered: median at least 50 hours over 12 this quarter, median 3.5 hours over 36 in"
            " the three quarters before; the typical difference has no upper end (no end of its 96% interval"
            " is a number), in the less favourable direction. No single month decides this. The rows and the"
            " context below come before any reading of it.",
        ),
        (
            QUARTERS["open at both ends"],
            "Requests answered: median at least 28 hours over 6 this quarter, median at least 28 hours over"
            " 18 in the three quarters before. The typical difference (open at both ends) could be chance in"
            " either direction.",
        ),
        (
            quarter(
                [6] * 3,
                [0] * 9,
                3,
                statistic="rate",
                n_min=6,
                direction="load",
                effect=Effect(size=0.25, is_relative=True, floor=0.25),
            ),
            "Requests answered: 2 per shift of 12 h (18 requests answered in 9 shifts of 12 h) this quarter,"
            " 0 per shift of 12 h (0 in 27) in the three quarters before; the difference is 2 per shift of"
            " 12 h (no event before, so it has no interval; that of the ratio of both begins at 12), higher"
            " than before. No single month decides this. This is load carried, not merit.",
        ),
        (
            QUARTERS["so far"],
            "So far this quarter 27 of 30; in the three quarters before 54 of 90 (60%).",
        ),
    ],
)
def test_sentences_as_a_reader_sees_them(found: Quarter, wanted: str) -> None:
    assert comparison_sentence(found.compared(), found.naming) == wanted


def test_a_typical_difference_within_the_effect_does_not_hide_that_the_medians_lie_apart() -> None:
    """Half of the cases take an hour, half thirty: the median jumps, the typical difference does not."""
    found = medians([1.0] * 9 + [30.0] * 11, [1.0] * 11 + [30.0] * 9, **HOURS)
    body = comparison_body(found.compared(), found.naming)
    assert body is not None
    name = check_comparison_sentence(found, body)
    assert name in ("no meaningful difference", "chance", "too small")
    if name != "chance":
        assert body.endswith("The medians themselves lie further apart.")


# ---- the usual range, and the rest


@given(st.integers(0, 2**40))
@examples(200)
def test_outside_is_said_only_of_what_lies_outside(seed: int) -> None:
    made = random_series(seed)
    rows = series(made.values)
    found = usual_range(rows, month=rows[-1].month, lower_bound=0.0, upper_bound=None)
    for kind in ("team", "service", "person"):
        sentence = usual_range_sentence(found, made.naming, subject_kind=kind)
        if sentence is None:
            assert found.verdict != "outside_usual_range" or (kind == "person" and made.direction != "load")
            continue
        assert kind != "person" or made.direction == "load"
        told = re.fullmatch(
            rf"Requests answered: {NUMBER}(?:%| hours?) in (\w+ \d+) lies outside the usual range of"
            rf" {NUMBER}(?:%| hours?) to {NUMBER}(?:%| hours?); look at what happened that month\.",
            sentence,
        )
        assert told, sentence
        assert not FORBIDDEN.search(sentence)
        value, low, high = (number(told[place]) for place in (1, 3, 4))
        assert value < low or value > high
        assert told[2] == month_name(rows[-1].month)
        assert made.values[-1] is not None
        assert reads(told[1], made.values[-1], unit=made.unit)


def test_the_usual_range_has_one_sentence() -> None:
    assert [template.name for template in USUAL_RANGE_TEMPLATES] == ["outside_usual_range"]


def test_what_chance_alone_would_show() -> None:
    assert chance_sentence(comparisons=5, series=12) == (
        "5 comparisons of quarters and 12 monthly series were tested; about 0.4 of them would show a"
        " direction by chance alone."
    )
    assert chance_sentence(comparisons=1, series=0).startswith(
        "1 comparison of quarters and 0 monthly series were tested; about 0.0 of them"
    )
    assert "had enough to be tested" in chance_sentence(comparisons=0, series=0)
    assert not FORBIDDEN.search(STEADY)


@pytest.mark.parametrize(
    ("number_", "unit", "more", "wanted"),
    [
        (0.125, "share", 0, "13"),
        (-0.125, "share", 0, "−13"),
        (-0.004, "share", 0, "0"),
        (0.004, "share", 1, "0.4"),
        (0.99987, "share of minutes", 0, "99.987"),
        (123.4, "hours", 0, "120"),
        (2.04, "hours", 0, "2"),
        (2.04, "hours", 1, "2.04"),
        (0.0312, "hours", 0, "0.031"),
        (0, "hours", 0, "0"),
    ],
)
def test_numbers(number_: float, unit: str, more: int, wanted: str) -> None:
    assert number_text(number_, unit, more) == wanted


def test_units_and_titles() -> None:
    assert value_form("hours")(1.0, 0) == "1 hour"
    assert range_text(0.904, 0.906, "share") == "90% to 91%"
    assert range_text(0.29, 0.57, "share") == "29% to 57%"
    assert range_text(1.04, 11.2, "hours") == "1 to 12 hours"
    assert mid_sentence("DORA figures") == "DORA figures"
    assert mid_sentence("Merged changes") == "merged changes"
