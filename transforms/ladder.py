"""The ladder: what can honestly be said of a person's metric when cases are few.

Here: on which rung a metric stands, its pooled value, and the sentence of that rung. Pure functions.
Not here: reading cells and cases (packets), or the comparison of quarters.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from transforms.intervals import median_interval, poisson_rate, wilson

Statistic = Literal["share", "median", "rate"]
Rung = Literal["withheld", "quarter", "twelve_months", "cases", "none"]

INFORMATIVE: frozenset[str] = frozenset({"quarter", "twelve_months"})
_MONTH_NAMES = (
    "January February March April May June July August September October November December"
).split()


@dataclass(frozen=True, slots=True, kw_only=True)
class LadderMonth:
    """The cases of one metric in one month. A share has numerator and denominator, a rate numerator and
    exposure, a median the finished amounts and the time so far of the unfinished ones."""

    month: str
    segment: int = 0
    numerator: int = 0
    denominator: int = 0
    exposure: float = 0.0
    closed: tuple[float, ...] = ()
    open_so_far: tuple[float, ...] = ()
    n_pending: int = 0
    misses: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseWords:
    """What a metric's cases are called, from its page in the catalogue."""

    case: str = "cases"
    pending: str = "still open"
    misses: Mapping[str, str] = field(default_factory=dict)
    unit: str = ""
    open: str = "still open"
    exposure: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Months added up: counts first, division last."""

    n: float
    numerator: int
    denominator: int
    exposure: float
    closed: tuple[float, ...]
    open_so_far: tuple[float, ...]
    n_pending: int
    misses: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A pooled value with its 95% interval; ``at_least`` where an unfinished case sits in the middle."""

    value: float | None = None
    at_least: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a metric stands; counts are null where it is withheld, the value below twelve months."""

    rung: Rung
    n_quarter: float | None = None
    n_twelve: float | None = None
    n_pending: int | None = None
    estimate: Estimate = Estimate()
    sentence: str | None = None
    quarter: Pool | None = None
    twelve: Pool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InformativeShare:
    """How many of the applicable metrics rest on enough cases. Describes a packet, never a person."""

    n_applicable: int
    n_informative: int
    n_cases: int
    n_none: int
    informative_share: float | None


def standing(
    months: Iterable[LadderMonth],
    *,
    statistic: Statistic,
    quarter: str,
    n_min: float,
    words: CaseWords,
    withheld: bool = False,
    quarter_meets_conditions: bool = True,
) -> Standing:
    """The rung, and what may be said on it, for the quarter (``2026-Q2``) and the year that ends with it.

    ``n_min`` is the quarter's minimum, exposure for rates. ``quarter_meets_conditions`` is false where the
    metric asks for more than a number of cases, such as several pull requests, and does not get it.
    """
    if withheld:
        return Standing(rung="withheld")
    current, lead = current_segment(months, quarter=quarter, statistic=statistic)
    twelve = pool(current, statistic)
    this_quarter = pool([row for row in current if row.month in months_of(quarter)], statistic)
    rung = _rung(this_quarter.n if quarter_meets_conditions else -1, twelve, n_min)
    estimate, sentence = Estimate(), None
    if rung == "quarter":
        estimate = estimated(this_quarter, statistic)
    elif rung == "twelve_months":
        estimate = estimated(twelve, statistic)
        sentence = year_sentence(lead, twelve, this_quarter, statistic=statistic, words=words)
    elif rung == "cases":
        sentence = cases_sentence(lead, twelve, statistic=statistic, words=words)
    return Standing(
        rung=rung,
        n_quarter=this_quarter.n,
        n_twelve=twelve.n,
        n_pending=twelve.n_pending,
        estimate=estimate,
        sentence=sentence,
        quarter=this_quarter,
        twelve=twelve,
    )


def current_segment(
    months: Iterable[LadderMonth], *, quarter: str, statistic: Statistic
) -> tuple[list[LadderMonth], str]:
    """The months of the year in the segment of its newest one, and how a sentence about them begins."""
    history = sorted(months, key=lambda row: row.month)
    window = [row for row in history if row.month in set(year_to(quarter))]
    current = [row for row in window if row.segment == window[-1].segment]
    return current, _lead(history, current, quarter=quarter, statistic=statistic)


def _rung(n_quarter: float, twelve: Pool, n_min: float) -> Rung:
    if n_quarter >= n_min:
        return "quarter"
    if twelve.n >= n_min:
        return "twelve_months"
    return "cases" if twelve.n > 0 or twelve.n_pending > 0 else "none"


def pool(months: Sequence[LadderMonth], statistic: Statistic) -> Pool:
    """Adds months up; ``n`` counts cases, for rates the exposure."""
    closed = tuple(sorted(amount for row in months for amount in row.closed))
    still_open = tuple(sorted(amount for row in months for amount in row.open_so_far))
    denominator = sum(row.denominator for row in months)
    exposure = math.fsum(row.exposure for row in months)
    misses: dict[str, int] = {}
    for row in months:
        for kind, count in row.misses.items():
            misses[kind] = misses.get(kind, 0) + count
    return Pool(
        n={"share": denominator, "median": len(closed) + len(still_open), "rate": exposure}[statistic],
        numerator=sum(row.numerator for row in months),
        denominator=denominator,
        exposure=exposure,
        closed=closed,
        open_so_far=still_open,
        n_pending=sum(row.n_pending for row in months),
        misses=misses,
    )


def estimated(pooled: Pool, statistic: Statistic) -> Estimate:
    """The value of a pool with its interval; nothing where there is no case."""
    if pooled.n == 0:
        return Estimate()
    if statistic == "share":
        low, high = wilson(pooled.numerator, pooled.denominator)
        return Estimate(value=pooled.numerator / pooled.denominator, ci_low=low, ci_high=high)
    if statistic == "rate":
        value, low, high = poisson_rate(pooled.numerator, pooled.exposure)
        return Estimate(value=value, ci_low=low, ci_high=high)
    median = median_interval(pooled.closed, pooled.open_so_far)
    return Estimate(
        value=median.value, at_least=median.value_at_least, ci_low=median.ci_low, ci_high=median.ci_high
    )


def year_sentence(lead: str, twelve: Pool, quarter: Pool, *, statistic: Statistic, words: CaseWords) -> str:
    """The sentence of the rung ``twelve_months``. Predicate: the twelve months reach the minimum."""
    found = estimated(twelve, statistic)
    if statistic == "share":
        told = (
            f"{twelve.numerator} of {twelve.denominator} {words.case}"
            f" ({percent(found.value)}, 95% interval {percent(found.ci_low)} to {percent(found.ci_high)})"
        )
        now = f"{quarter.numerator} of {quarter.denominator}"
    elif statistic == "rate":
        told = (
            f"{two_digits(found.value)} {words.case} {words.unit}"
            f" ({twelve.numerator} in {two_digits(twelve.exposure)})"
        )
        now = f"{quarter.numerator} in {two_digits(quarter.exposure)}"
    else:
        middle = f"at least {two_digits(found.at_least)}" if found.value is None else two_digits(found.value)
        told = f"median {middle} {words.unit} over {twelve.n:.0f} {words.case}"
        now = f"{quarter.n:.0f}"
    if lead == "This quarter":
        return f"{lead}: {told}."
    return f"{lead}: {told}; this quarter {now if quarter.n else 'none'}."


def cases_sentence(lead: str, pooled: Pool, *, statistic: Statistic, words: CaseWords) -> str:
    """The sentence of the rung ``cases``: counts in words, never a percentage nor an interval.

    Predicate: at least one case or one pending case. Kinds of misses come in the order of the words.
    """
    told: list[str] = []
    if pooled.n and statistic == "share":
        told.append(f"{pooled.numerator} of {pooled.denominator} {words.case}")
        told += [
            f"{pooled.misses[kind]} {word}" for kind, word in words.misses.items() if pooled.misses.get(kind)
        ]
    elif pooled.n and statistic == "rate":
        told.append(f"{pooled.numerator} {words.case} in {two_digits(pooled.exposure)} {words.exposure}")
    elif pooled.n:
        amounts = ", ".join(two_digits(amount) for amount in pooled.closed)
        told.append(f"{len(pooled.closed)} {words.case}" + (f": {amounts} {words.unit}" if amounts else ""))
        if pooled.open_so_far:
            told.append(f"{len(pooled.open_so_far)} {words.open}")
    if pooled.n_pending:
        told.append(f"{pooled.n_pending} {words.pending}")
    return f"{lead}: {'; '.join(told)}."


def _lead(
    history: Sequence[LadderMonth],
    current: Sequence[LadderMonth],
    *,
    quarter: str,
    statistic: Statistic,
) -> str:
    """The time a sentence speaks of. Each form is used only where it is true of the cases it covers."""
    with_cases = [row for row in current if pool([row], statistic).n or row.n_pending]
    if all(row.month in months_of(quarter) for row in with_cases):
        return "This quarter"
    first = current[0].month
    if any(row.segment != current[0].segment and row.month < first for row in history):
        began_before = any(row.segment == current[0].segment and row.month < first for row in history)
        if not began_before:
            return f"Since {month_name(first)}"
    return "In the last 12 months"


def informative_share(rungs: Mapping[str, str]) -> InformativeShare:
    """How many metrics stand on a rung with a value, out of those that apply; null if none applies."""
    applicable = [rung for rung in rungs.values() if rung != "not_applicable"]
    informative = sum(rung in INFORMATIVE for rung in applicable)
    return InformativeShare(
        n_applicable=len(applicable),
        n_informative=informative,
        n_cases=applicable.count("cases"),
        n_none=applicable.count("none") + applicable.count("withheld"),
        informative_share=informative / len(applicable) if applicable else None,
    )


def months_of(quarter: str) -> tuple[str, str, str]:
    """The three months of a quarter written ``2026-Q2``."""
    year, number = int(quarter[:4]), int(quarter[-1])
    first, second, third = (f"{year}-{3 * number - back:02d}" for back in (2, 1, 0))
    return first, second, third


def year_to(quarter: str) -> tuple[str, ...]:
    """The twelve months that end with the quarter, oldest first."""
    year, number = int(quarter[:4]), int(quarter[-1])
    last = 12 * year + 3 * number - 1
    return tuple(f"{index // 12}-{index % 12 + 1:02d}" for index in range(last - 11, last + 1))


def month_name(month: str) -> str:
    """``2026-03`` as a reader says it: March 2026."""
    return f"{_MONTH_NAMES[int(month[5:7]) - 1]} {month[:4]}"


def percent(share: float | None) -> str:
    """A share as a whole percentage, halves upwards."""
    return "open" if share is None else f"{math.floor(share * 100 + 0.5)}%"


def two_digits(amount: float | None) -> str:
    """An amount with two significant digits and without trailing zeros: 11.2 is 11, 2.04 is 2."""
    if amount is None:
        return "open"
    if amount == 0:
        return "0"
    rounded = round(amount, 1 - math.floor(math.log10(abs(amount))))
    return f"{rounded:.6f}".rstrip("0").rstrip(".")
