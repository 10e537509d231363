"""What may be said of a quarter against the three before it, each sentence with its predicate (4.8).

Here: the templates; of every outcome exactly one is printed.
Not here: the method (quarter_comparison), or who is told.
"""

from collections.abc import Callable

from transforms.changes.months import ordinal
from transforms.changes.quarter_comparison import (
    BEFORE_FACTOR,
    FEWEST_MONTHS_BEFORE,
    FEWEST_MONTHS_NOW,
    NOW,
    QuarterComparison,
)
from transforms.changes.sentences import NO_SINGLE_MONTH, ROWS_FIRST, Naming, Template, neither, of, told
from transforms.changes.wording import (
    apart,
    difference_form,
    interval_text,
    is_share,
    months_text,
    nonzero,
    number_text,
    smaller_than,
    value_form,
)
from transforms.ladder import month_name, two_digits


def is_better(found: QuarterComparison) -> bool:
    """Called improving: the interval excludes no difference, and no month decides."""
    return found.outcome == "improving" and _is_clear(found)


def is_worse(found: QuarterComparison) -> bool:
    """Called worsening, and as above."""
    return found.outcome == "worsening" and _is_clear(found)


def is_higher_or_lower(found: QuarterComparison) -> bool:
    """Called rising or falling, and as above."""
    return found.outcome in ("rising", "falling") and _is_clear(found)


def has_no_meaningful_difference(found: QuarterComparison) -> bool:
    """The whole interval is smaller than the effect, either way."""
    return (
        found.reason == "no_meaningful_difference"
        and of(found.low) > -of(found.threshold)
        and of(found.high) < of(found.threshold)
    )


def is_small_difference(found: QuarterComparison) -> bool:
    """The interval excludes no difference, and the difference is smaller than the effect."""
    return (
        found.reason == "change_too_small"
        and _excludes_none(found)
        and abs(of(found.difference)) < of(found.threshold)
    )


def difference_depends_on_months(found: QuarterComparison) -> bool:
    """Without each of the months named, less than half of the difference is left, or it turns."""
    return found.reason == "one_month_decides" and bool(found.deciding_months)


def could_be_chance(found: QuarterComparison) -> bool:
    """The interval includes no difference; its ends are numbers or, of medians, open."""
    is_formed = _has_interval(found) or _is_endless(found)
    return found.reason == "no_clear_difference" and not _excludes_none(found) and is_formed


def has_too_few_events(found: QuarterComparison) -> bool:
    """No interval can be formed."""
    is_formed = _has_interval(found) or _is_endless(found)
    return found.reason == "no_clear_difference" and not _excludes_none(found) and not is_formed


def has_measures_that_disagree(found: QuarterComparison) -> bool:
    """The medians point one way and the typical difference the other."""
    return found.reason == "measures_disagree" and _medians_sign(found) * found.sign < 0


def is_so_far(found: QuarterComparison) -> bool:
    """The quarter is not final."""
    return found.reason == "quarter_not_final"


def has_few_cases_now(found: QuarterComparison) -> bool:
    """Fewer cases this quarter than its minimum."""
    return found.reason == "current_too_small" and found.n_current < found.n_min


def has_one_month_now(found: QuarterComparison) -> bool:
    """All cases of the quarter lie in one month."""
    return found.reason == "current_one_month" and len(found.months_current) < FEWEST_MONTHS_NOW


def began_within_the_year(found: QuarterComparison) -> bool:
    """Months with cases are left out for their segment, and those that stay are too few."""
    return found.reason == "segment_change" and found.segment_began is not None


def has_few_cases_before(found: QuarterComparison) -> bool:
    """Fewer cases before than twice the quarter's minimum."""
    return found.reason == "baseline_too_small" and found.n_baseline < BEFORE_FACTOR * found.n_min


def has_few_months_before(found: QuarterComparison) -> bool:
    """Enough cases before, in too few months."""
    return (
        found.reason == "baseline_too_small"
        and found.n_baseline >= BEFORE_FACTOR * found.n_min
        and len(found.months_baseline) < FEWEST_MONTHS_BEFORE
    )


def _is_clear(found: QuarterComparison) -> bool:
    return found.reason == "clear_difference" and _excludes_none(found) and not found.deciding_months


def _excludes_none(found: QuarterComparison) -> bool:
    """The interval lies wholly on one side of no difference; a ratio's does so around 1."""
    if found.statistic == "rate":
        is_above = found.ratio_low is not None and found.ratio_low > 1
        return is_above or (found.ratio_high is not None and found.ratio_high < 1)
    low, high = (
        found.open_figures.get(name, of(end)) for name, end in (("low", found.low), ("high", found.high))
    )
    return low > 0 or high < 0


def _has_interval(found: QuarterComparison) -> bool:
    """At least one end is a number."""
    return found.low is not None or found.high is not None


def _is_endless(found: QuarterComparison) -> bool:
    """Both ends fall on differences to a case that is still open."""
    return found.statistic == "median" and {"low", "high"} <= found.open_figures.keys()


def _medians_sign(found: QuarterComparison) -> int:
    now, before = (
        float("inf") if name in found.open_figures else of(value)
        for name, value in (
            ("value_current", found.value_current),
            ("value_baseline", found.value_baseline),
        )
    )
    return (now > before) - (now < before)


def _before_span(found: QuarterComparison) -> str:
    months = len(found.months_baseline)
    if months == NOW:
        return "in the three quarters before"
    with_data = "the one month with data" if months == 1 else f"the {months} months with data"
    return f"in {with_data} in the three quarters before"


def _counts(found: QuarterComparison, naming: Naming) -> str:
    """Both sides in cases, with their values."""
    now, before = _sides(found, naming)
    return f"{now} this quarter, {before} {_before_span(found)}"


def _sides(found: QuarterComparison, naming: Naming) -> tuple[str, str]:
    values = _values(found, naming)
    if found.statistic == "share":
        return (
            f"{found.numerator_current} of {found.n_current:.0f} ({values[0]})",
            f"{found.numerator_baseline} of {found.n_baseline:.0f} ({values[1]})",
        )
    if found.statistic == "rate":
        case, exposure = naming.words.case, naming.words.exposure
        return (
            f"{values[0]} ({found.numerator_current} {case} in {two_digits(found.n_current)} {exposure})",
            f"{values[1]} ({found.numerator_baseline} in {two_digits(found.n_baseline)})",
        )
    return f"median {values[0]} over {found.n_current:.0f}", f"median {values[1]} over {found.n_baseline:.0f}"


def _values(found: QuarterComparison, naming: Naming) -> list[str]:
    """Both values, told apart where they differ; an open median as what it is at least."""
    form = _value_form(naming)
    whole = [found.value_current, found.value_baseline]
    known = [value for value in whole if value is not None]
    texts = iter(apart(known, form))
    at_least = [found.at_least_current, found.at_least_baseline]
    return [
        f"at least {form(of(least), 0)}" if value is None else next(texts)
        for value, least in zip(whole, at_least, strict=True)
    ]


def _unit(naming: Naming) -> str:
    """The unit as cases word it, for rates and medians; a share is a share."""
    return naming.unit if is_share(naming.unit) else naming.words.unit or naming.unit


def _value_form(naming: Naming) -> Callable[[float, int], str]:
    return value_form(_unit(naming))


def _difference(found: QuarterComparison, naming: Naming) -> str:
    """The difference with its interval, neither reading as 0."""
    size = (
        "has no upper end"
        if "difference" in found.open_figures and found.sign > 0
        else "has no lower end"
        if "difference" in found.open_figures
        else f"is {nonzero(of(found.difference), difference_form(_unit(naming)))}"
    )
    return f"the {_name(found)} {size} ({_interval(found, naming, without_zero=True)})"


def _name(found: QuarterComparison) -> str:
    """Of medians the median of all differences, which is not the difference of the medians."""
    return "typical difference" if found.statistic == "median" else "difference"


def _medians_apart(found: QuarterComparison) -> str:
    """Said where the printed medians differ by the effect, although the typical difference does not."""
    if found.statistic != "median" or found.value_current is None or found.value_baseline is None:
        return ""
    apart_by = abs(found.value_current - found.value_baseline)
    return " The medians themselves lie further apart." if apart_by >= of(found.threshold) else ""


def _interval(found: QuarterComparison, naming: Naming, *, without_zero: bool) -> str:
    if _is_endless(found):
        return "no end of its 96% interval is a number"
    if not _has_interval(found):
        begins = two_digits(found.ratio_low)
        return f"no event before, so it has no interval; that of the ratio of both begins at {begins}"
    ends = interval_text(found.low, found.high, _unit(naming), without_zero=without_zero)
    return f"96% interval {ends}"


def _clear(found: QuarterComparison, naming: Naming) -> str:
    better = "better" if found.outcome == "improving" else "less favourable"
    return (
        f"{_counts(found, naming)}; {_difference(found, naming)}, in the {better} direction."
        f" {NO_SINGLE_MONTH}"
    )


def _clear_worse(found: QuarterComparison, naming: Naming) -> str:
    return f"{_clear(found, naming)} {ROWS_FIRST}"


def _higher_or_lower(found: QuarterComparison, naming: Naming) -> str:
    higher = "higher" if found.outcome == "rising" else "lower"
    return (
        f"{_counts(found, naming)}; {_difference(found, naming)}, {higher} than before. {NO_SINGLE_MONTH}"
        f" {neither(naming)}"
    )


def _no_meaningful(found: QuarterComparison, naming: Naming) -> str:
    effect = difference_form(_unit(naming))(of(found.threshold), 0)
    return (
        f"{_counts(found, naming)}. The {_name(found)}, with its interval, is smaller than the {effect} we"
        f" treat as meaningful.{_medians_apart(found)}"
    )


def _small(found: QuarterComparison, naming: Naming) -> str:
    form = difference_form(_unit(naming))
    difference, effect = smaller_than([of(found.difference)], of(found.threshold), form)
    if not difference.split()[0].strip("0."):
        difference = nonzero(of(found.difference), form)
    return (
        f"{_counts(found, naming)}. The {_name(found)} of {difference} is smaller than the {effect} we treat"
        f" as meaningful.{_medians_apart(found)}"
    )


def _depends(found: QuarterComparison, naming: Naming) -> str:
    return f"{_counts(found, naming)}. The {_name(found)} depends on {months_text(found.deciding_months)}."


def _chance(found: QuarterComparison, naming: Naming) -> str:
    ends = interval_text(found.low, found.high, _unit(naming), without_zero=False)
    ends = "open at both ends" if _is_endless(found) else ends
    return f"{_counts(found, naming)}. The {_name(found)} ({ends}) could be chance in either direction."


def _few_events(found: QuarterComparison, naming: Naming) -> str:
    return (
        f"{_counts(found, naming)}. The {_name(found)} (too few events to form an interval) could be chance"
        " in either direction."
    )


def _disagree(found: QuarterComparison, naming: Naming) -> str:
    return (
        f"{_counts(found, naming)}. The medians and the typical difference point in different directions, so"
        " none is named."
    )


def _so_far(found: QuarterComparison, naming: Naming) -> str:
    """Counts; a value only of the past, and only where it has the minimum of a quarter."""
    now, before = _plain_counts(found, naming)
    value = found.value_baseline
    if value is not None and found.statistic != "median":
        before += f" ({_value_form(naming)(value, 0)})"
    elif value is not None:
        before = f"median {_value_form(naming)(value, 0)} over {before}"
    past = f"{_before_span(found)} {before}" if found.n_baseline else "in the three quarters before none"
    return f"So far this quarter {now if found.n_current else 'none'}; {past}."


def _plain_counts(found: QuarterComparison, naming: Naming) -> tuple[str, str]:
    if found.statistic == "share":
        return (
            f"{found.numerator_current} of {found.n_current:.0f}",
            f"{found.numerator_baseline} of {found.n_baseline:.0f}",
        )
    if found.statistic == "rate":
        exposure = naming.words.exposure
        return (
            f"{found.numerator_current} in {two_digits(found.n_current)} {exposure}",
            f"{found.numerator_baseline} in {two_digits(found.n_baseline)} {exposure}",
        )
    return f"{found.n_current:.0f} cases", f"{found.n_baseline:.0f} cases"


def _few_now(found: QuarterComparison, naming: Naming) -> str:
    n, least = _enough(found.n_current, found.n_min, naming, found)
    return f"Not enough cases to compare: {n} this quarter ({least} are needed)."


def _one_month(_: QuarterComparison, __: Naming) -> str:
    return "Not enough cases to compare: only one month with cases this quarter."


def _segment(found: QuarterComparison, _: Naming) -> str:
    assert found.segment_began is not None, "the predicate has seen to it"
    last, first = found.segment_began
    is_next = last is None or ordinal(first) - ordinal(last) == 1
    when = (
        f"in {month_name(first)}" if is_next else f"between {month_name(last or '')} and {month_name(first)}"
    )
    return (
        "Not enough cases to compare: the role, level, team or definition changed, or a long absence"
        f" ended, {when}, and only what came after counts."
    )


def _few_before(found: QuarterComparison, naming: Naming) -> str:
    n, least = _enough(found.n_baseline, BEFORE_FACTOR * found.n_min, naming, found)
    return f"Not enough cases to compare: {n} before ({least} are needed)."


def _few_months_before(found: QuarterComparison, _: Naming) -> str:
    months = len(found.months_baseline)
    return (
        f"Not enough cases to compare: only {months} {'month' if months == 1 else 'months'} with cases before"
        f" ({FEWEST_MONTHS_BEFORE} are needed)."
    )


def _enough(n: float, least: float, naming: Naming, found: QuarterComparison) -> tuple[str, str]:
    """What there is and what is needed, told apart; a rate's exposure with its unit."""
    if found.statistic != "rate":
        return f"{n:.0f}", f"{least:.0f}"
    n_text, least_text = apart([n, least], lambda number, more: number_text(number, "", more))
    return f"{n_text} {naming.words.exposure}", least_text


COMPARISON_TEMPLATES: tuple[Template[QuarterComparison], ...] = (
    Template(name="improving", predicate=is_better, text=_clear),
    Template(name="worsening", predicate=is_worse, text=_clear_worse),
    Template(name="rising_falling", predicate=is_higher_or_lower, text=_higher_or_lower),
    Template(name="no_meaningful_difference", predicate=has_no_meaningful_difference, text=_no_meaningful),
    Template(name="change_too_small", predicate=is_small_difference, text=_small),
    Template(name="one_month_decides", predicate=difference_depends_on_months, text=_depends),
    Template(name="no_clear_difference", predicate=could_be_chance, text=_chance),
    Template(name="no_interval", predicate=has_too_few_events, text=_few_events),
    Template(name="measures_disagree", predicate=has_measures_that_disagree, text=_disagree),
    Template(name="so_far", predicate=is_so_far, text=_so_far),
    Template(name="current_too_small", predicate=has_few_cases_now, text=_few_now),
    Template(name="current_one_month", predicate=has_one_month_now, text=_one_month),
    Template(name="segment_change", predicate=began_within_the_year, text=_segment),
    Template(name="baseline_too_small", predicate=has_few_cases_before, text=_few_before),
    Template(name="baseline_few_months", predicate=has_few_months_before, text=_few_months_before),
)


def comparison_body(found: QuarterComparison, naming: Naming) -> str | None:
    """What is said of a quarter comparison, without the metric's name before it."""
    return told(COMPARISON_TEMPLATES, found, naming)


def comparison_sentence(found: QuarterComparison, naming: Naming) -> str | None:
    """What is said of a quarter comparison."""
    body = comparison_body(found, naming)
    return body if body is None or not found.is_tested else f"{naming.title}: {body}"
