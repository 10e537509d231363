"""What may be said of change, each sentence with its predicate (metrics specification 4.4 and 4.7).

Here: the templates of trends and usual ranges. A sentence is printed only where its predicate is true of the
figures it is made of, and of every outcome exactly one is.
Not here: the sentences of quarters (quarter_sentences), the methods, or who is told.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from transforms.changes.effects import TOLERANCE
from transforms.changes.trend import ALPHA, FEWEST_MONTHS, MonthTrend
from transforms.changes.usual_range import UsualRange
from transforms.changes.wording import (
    apart,
    difference_form,
    mid_sentence,
    range_text,
    smaller_than,
    value_form,
)
from transforms.ladder import CaseWords, month_name

CONTEXT = "It has no good or bad direction by itself."
LOAD = "This is load carried, not merit."
NO_SINGLE_MONTH = "No single month decides this."
ROWS_FIRST = "The rows and the context below come before any reading of it."
STEADY = (
    "“Steady” and “no consistent direction” mean that no consistent change was found, not that none exists."
)
"""The glossary line under each packet and page."""

_TRENDS_CHANCE, _COMPARISONS_CHANCE = 0.02, 0.04


@dataclass(frozen=True, slots=True, kw_only=True)
class Naming:
    """What a metric is called in sentences: title, unit of its value, direction, words for its cases."""

    title: str
    unit: str
    direction: str
    words: CaseWords = field(default_factory=CaseWords)


Figures = TypeVar("Figures")


@dataclass(frozen=True, slots=True, kw_only=True)
class Template(Generic[Figures]):
    """A sentence and when it is true."""

    name: str
    predicate: Callable[[Figures], bool]
    text: Callable[[Figures, Naming], str]


def told(templates: Sequence[Template[Figures]], found: Figures, naming: Naming) -> str | None:
    """The text of the first template whose predicate holds; nothing where none does."""
    return next((template.text(found, naming) for template in templates if template.predicate(found)), None)


# ---- the monthly trend


def moved_better(found: MonthTrend) -> bool:
    """Called improving, without any month too, and the levels printed differ in the direction of S."""
    return found.outcome == "improving" and _levels_follow(found)


def moved_worse(found: MonthTrend) -> bool:
    """Called worsening, and as above."""
    return found.outcome == "worsening" and _levels_follow(found)


def rose_or_fell(found: MonthTrend) -> bool:
    """Called rising or falling, and as above."""
    return found.outcome in ("rising", "falling") and _levels_follow(found)


def is_all_equal(found: MonthTrend) -> bool:
    """Every month has the same value."""
    return found.reason == "flat" and _spread(found) <= TOLERANCE


def is_flat(found: MonthTrend) -> bool:
    """No two months differ by as much as the effect, and some differ."""
    return found.reason == "flat" and TOLERANCE < _spread(found) < of(found.threshold)


def has_no_consistent_direction(found: MonthTrend) -> bool:
    """Tested, and no direction called."""
    return found.reason == "no_consistent_direction"


def is_too_small(found: MonthTrend) -> bool:
    """A direction by the test; neither the fitted change nor the shift is as large as the effect."""
    return _has_small_direction(found) and abs(of(found.shift)) < of(found.threshold)


def is_too_small_and_ends_turn(found: MonthTrend) -> bool:
    """As above, but first and last months differ by the effect or more, against the direction."""
    return _has_small_direction(found) and abs(of(found.shift)) >= of(found.threshold)


def depends_on_single_months(found: MonthTrend) -> bool:
    """Without some month the direction is not found."""
    return found.reason == "one_month_decides"


def has_too_few_months(found: MonthTrend) -> bool:
    """Fewer than six usable months."""
    return found.reason == "fewer_than_6_months" and found.n_months < FEWEST_MONTHS


def is_stale(found: MonthTrend) -> bool:
    """Six or more usable months, and none among the newest two final ones."""
    return found.reason == "stale" and found.n_months >= FEWEST_MONTHS


def _levels_follow(found: MonthTrend) -> bool:
    is_called = found.reason == "consistent_change" and of(found.p) <= ALPHA
    return is_called and (of(found.last_level) - of(found.first_level)) * of(found.s) > 0


def _has_small_direction(found: MonthTrend) -> bool:
    is_small = max(of(found.change) * _sign(found), of(found.shift) * _sign(found)) < of(found.threshold)
    return found.reason == "change_too_small" and of(found.p) <= ALPHA and is_small


def _spread(found: MonthTrend) -> float:
    return of(found.highest) - of(found.lowest)


def _sign(found: MonthTrend) -> int:
    return 1 if of(found.s) > 0 else -1


def of(figure: float | None) -> float:
    """A figure that a tested series has; an untested one makes every comparison false."""
    return float("nan") if figure is None else figure


def _from_to(found: MonthTrend, naming: Naming) -> tuple[str, str]:
    first, last = apart([of(found.first_level), of(found.last_level)], value_form(naming.unit))
    return first, last


def _moved(found: MonthTrend, naming: Naming) -> str:
    first, last = _from_to(found, naming)
    better = "better" if found.outcome == "improving" else "less favourable"
    return (
        f"{naming.title} moved in the {better} direction over {found.n_months} months with data, from about"
        f" {first} in the first {found.k_ends} to about {last} in the last {found.k_ends}. {NO_SINGLE_MONTH}"
    )


def _moved_worse(found: MonthTrend, naming: Naming) -> str:
    return f"{_moved(found, naming)} {ROWS_FIRST}"


def _rose_or_fell(found: MonthTrend, naming: Naming) -> str:
    first, last = _from_to(found, naming)
    verb = "rose" if found.outcome == "rising" else "fell"
    return (
        f"{naming.title} {verb} over {found.n_months} months with data, from about {first} to about {last}."
        f" {neither(naming)}"
    )


def neither(naming: Naming) -> str:
    return LOAD if naming.direction == "load" else CONTEXT


def _all_equal(found: MonthTrend, naming: Naming) -> str:
    value = value_form(naming.unit)(of(found.lowest), 0)
    return f"{naming.title} was {value} in all {found.n_months} months."


def _flat(found: MonthTrend, naming: Naming) -> str:
    return f"{naming.title} held steady: all {found.n_months} months lie within {_range(found, naming)}."


def _no_direction(found: MonthTrend, naming: Naming) -> str:
    return (
        f"No consistent direction was found in {mid_sentence(naming.title)} over {found.n_months} months"
        f" ({_range(found, naming)})."
    )


def _range(found: MonthTrend, naming: Naming) -> str:
    return range_text(of(found.lowest), of(found.highest), naming.unit)


def _too_small(found: MonthTrend, naming: Naming) -> str:
    figures = [of(found.change), of(found.shift)]
    change, shift, effect = smaller_than(figures, of(found.threshold), difference_form(naming.unit))
    return (
        f"{naming.title} has a direction over {found.n_months} months, but neither the fitted change"
        f" ({change}) nor the difference between its first and last months ({shift}) reaches the {effect}"
        " we treat as meaningful."
    )


def _too_small_and_ends_turn(found: MonthTrend, naming: Naming) -> str:
    form = difference_form(naming.unit)
    change, effect = smaller_than([of(found.change)], of(found.threshold), form)
    return (
        f"{naming.title} has a direction over {found.n_months} months, but the fitted change ({change}) does"
        f" not reach the {effect} we treat as meaningful, and its first and last months differ the other way"
        f" ({form(of(found.shift), 0)})."
    )


def _single_months(_: MonthTrend, naming: Naming) -> str:
    return (
        f"Whether {mid_sentence(naming.title)} has a direction depends on single months, so we do not call it"
        " one."
    )


def _too_few_months(found: MonthTrend, _: Naming) -> str:
    months = "month" if found.n_months == 1 else "months"
    return (
        f"Not enough data to speak of a trend: {found.n_months} usable {months}, {FEWEST_MONTHS} are needed."
    )


def _stale(found: MonthTrend, _: Naming) -> str:
    since = month_name(found.months_used[-1])
    return f"Not enough data to speak of a trend: no usable final month since {since}."


TREND_TEMPLATES: tuple[Template[MonthTrend], ...] = (
    Template(name="improving", predicate=moved_better, text=_moved),
    Template(name="worsening", predicate=moved_worse, text=_moved_worse),
    Template(name="rising_falling", predicate=rose_or_fell, text=_rose_or_fell),
    Template(name="all_equal", predicate=is_all_equal, text=_all_equal),
    Template(name="flat", predicate=is_flat, text=_flat),
    Template(name="no_consistent_direction", predicate=has_no_consistent_direction, text=_no_direction),
    Template(name="change_too_small", predicate=is_too_small, text=_too_small),
    Template(
        name="change_too_small_ends_turn",
        predicate=is_too_small_and_ends_turn,
        text=_too_small_and_ends_turn,
    ),
    Template(name="one_month_decides", predicate=depends_on_single_months, text=_single_months),
    Template(name="fewer_than_6_months", predicate=has_too_few_months, text=_too_few_months),
    Template(name="stale", predicate=is_stale, text=_stale),
)


def trend_sentence(found: MonthTrend, naming: Naming) -> str | None:
    """What is said of a monthly trend."""
    return told(TREND_TEMPLATES, found, naming)


# ---- the usual range


def is_outside(found: UsualRange) -> bool:
    """The month looked at has a value below the lower or above the upper limit."""
    return found.verdict == "outside_usual_range" and (
        of(found.value) < of(found.low) or of(found.value) > of(found.high)
    )


def _outside(found: UsualRange, naming: Naming) -> str:
    unit = naming.unit
    side = found.low if of(found.value) < of(found.low) else found.high
    value, _ = apart([of(found.value), of(side)], value_form(unit))
    lower, upper = (apart([of(found.value), of(end)], value_form(unit))[1] for end in (found.low, found.high))
    return (
        f"{naming.title}: {value} in {month_name(found.month)} lies outside the usual range of {lower} to"
        f" {upper}; look at what happened that month."
    )


USUAL_RANGE_TEMPLATES: tuple[Template[UsualRange], ...] = (
    Template(name="outside_usual_range", predicate=is_outside, text=_outside),
)


def usual_range_sentence(found: UsualRange, naming: Naming, *, subject_kind: str) -> str | None:
    """Said of teams, services and features, and of load; for a person's other metrics nothing is said."""
    if subject_kind == "person" and naming.direction != "load":
        return None
    return told(USUAL_RANGE_TEMPLATES, found, naming)


# ---- how many were looked at


def chance_sentence(*, comparisons: int, series: int) -> str:
    """How many of what was tested would show a direction by chance alone (4.3)."""
    if not comparisons and not series:
        return "No comparison of quarters and no monthly series had enough to be tested."
    by_chance = _COMPARISONS_CHANCE * comparisons + _TRENDS_CHANCE * series
    quarters = "comparison of quarters" if comparisons == 1 else "comparisons of quarters"
    return (
        f"{comparisons} {quarters} and {series} monthly series were tested; about {by_chance:.1f} of them"
        " would show a direction by chance alone."
    )
