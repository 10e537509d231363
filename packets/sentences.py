"""The sentences under a figure, each printed only where it is true of the cells it names.

Here: what a metric's rung says, what was pending or left out, and the quarters in cases.
Not here: the sentences of the lower rungs (transforms.ladder), or a verdict of any kind.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, cast

from packets.catalogue import Metric
from packets.cells import KEPT_OUT, LADDER_STATISTICS, MetricCells, inside, ladder_months
from packets.quarters import Quarter, State
from packets.words import detail_texts, interval_text, listed, value_text
from transforms.changes.effects import FIRED
from transforms.ladder import (
    Estimate,
    LadderMonth,
    Pool,
    Standing,
    Statistic,
    estimated,
    month_name,
    pool,
    two_digits,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The quarter and the three before it, in cases, and the verdict on them where there is one.

    ``brief`` is the sentence without its intervals and spans, for a list. ``verdict`` has the cases in it,
    but where they are too few; ``outcome`` and ``reason`` are its classes.
    """

    sentence: str
    brief: str
    before_months: int
    verdict: str | None = None
    outcome: str | None = None
    reason: str | None = None
    is_tested: bool = False

    @property
    def has_direction(self) -> bool:
        """Whether the quarter was found to differ from what was before it."""
        return self.outcome in FIRED

    @property
    def without_direction(self) -> Literal["steady", "so_far", "too_few"]:
        """Why there is no direction: none was found, the quarter is not settled, or too few cases."""
        return "steady" if self.outcome == "steady" else "so_far" if self.outcome == "so_far" else "too_few"

    @property
    def told(self) -> str:
        """What is printed: the verdict, with the cases before it where it does not tell them itself."""
        if self.verdict is None:
            return self.sentence
        return f"{self.sentence} {self.verdict}" if self.outcome == "not_enough_data" else self.verdict


def status_words(stand: Standing, metric: Metric) -> str:
    """Why there is no more to see than there is; nothing where the quarter stands on its own."""
    wanted = metric.n_min_quarter
    return {
        "quarter": "",
        "twelve_months": f"Too few cases this quarter for a value ({wanted} are needed);"
        " the last twelve months together have enough.",
        "cases": f"Too few cases for a percentage or an interval ({wanted} are needed);"
        " they are told one by one.",
        "withheld": "Withheld to protect raters.",
        "none": "Nothing to count.",
    }[stand.rung]


def sentences(found: MetricCells, stand: Standing, state: State, quarter: Quarter) -> list[str]:
    """What the rung says, then what is pending and what was left out. Each is true of the cells it names."""
    metric = found.metric
    if stand.rung in ("none", "withheld"):
        return []
    told = (
        [stand.sentence]
        if stand.sentence
        else [_quarter_sentence(metric, stand, state, _began_inside(found, quarter))]
    )
    if stand.rung == "twelve_months" and metric.statistic != "share":
        ends = interval_text(stand.estimate.ci_low, stand.estimate.ci_high, metric.unit)
        told.append(f"95% interval of the twelve months: {ends}.")
    cases = inside(found, quarter.months)
    if stand.rung == "quarter" and stand.quarter:
        told += _misses(metric, stand.quarter)
        if stand.quarter.n_pending:
            told.append(f"{stand.quarter.n_pending} {metric.words.pending}, not counted yet.")
        told += _beside(found)
    left_out = [
        reading.why_words or reading.outcome_words for _, reading in cases if reading.counts_as == "excluded"
    ]
    if left_out:
        kinds = sorted(set(left_out), key=lambda kind: (-left_out.count(kind), kind))
        counts = [f"{left_out.count(kind)} {kind}" for kind in kinds]
        told.append(f"Left out this quarter: {listed(counts, at_most=4)}.")
    return told


def _beside(found: MetricCells) -> list[str]:
    """Predicate: the quarter's cell tells more than its value."""
    texts = detail_texts(found.metric, found.quarter)
    return [f"Beside it: {listed(texts, at_most=9)}."] if texts else []


def _began_inside(found: MetricCells, quarter: Quarter) -> str | None:
    """The first month of the current segment, if the quarter has cases of the segment before it."""
    months = [row for row in ladder_months(found) if row.month in quarter.months]
    current = [row.month for row in months if row.segment == months[-1].segment]
    earlier = [cell["n"] for cell in found.months if cell["period"] in quarter.months]
    return current[0] if len(current) < len(months) and any(earlier[: -len(current)]) else None


def _quarter_sentence(metric: Metric, stand: Standing, state: State, began: str | None) -> str:
    """Predicate: the quarter has its minimum. Anything but final is said to be so far."""
    found, pooled = stand.estimate, stand.quarter
    lead = "This quarter" if state == "final" else "So far this quarter"
    if began:
        lead = (
            f"{lead}, since {month_name(began)} when the role, level or team changed or a long absence ended"
        )
    interval = _interval(found, metric)
    if pooled is None:
        value = value_text(found.value, metric.unit)
        whole = "complete record, no sampling interval" if found.ci_low is None else interval
        return f"{lead}: {value} over {stand.n_quarter:.0f} {metric.words.case} ({whole})."
    if metric.statistic == "share":
        return (
            f"{lead}: {pooled.numerator} of {pooled.denominator} {metric.words.case}"
            f" ({value_text(found.value, metric.unit)}, {interval})."
        )
    if metric.statistic == "rate":
        return (
            f"{lead}: {two_digits(found.value)} {metric.words.case} {metric.words.unit}"
            f" ({pooled.numerator} in {two_digits(pooled.exposure)} {metric.words.exposure}, {interval})."
        )
    over = f"{pooled.n:.0f} {metric.words.case}"
    return f"{lead}: median {_middle(found)} {metric.words.unit} over {over} ({interval})."


def _interval(found: Estimate, metric: Metric) -> str:
    ends = interval_text(found.ci_low, found.ci_high, metric.unit)
    return ends if found.ci_low is None else f"95% interval {ends}"


def _middle(found: Estimate) -> str:
    return two_digits(found.value) if found.value is not None else f"at least {two_digits(found.at_least)}"


def _misses(metric: Metric, pooled: Pool) -> list[str]:
    """Predicate: some cases are not in the numerator, or not finished; together these are all of them."""
    if metric.statistic == "median" and pooled.open_so_far:
        return [f"{len(pooled.open_so_far)} {metric.words.open}, counted as longer than every finished one."]
    known = {kind: text for kind, text in metric.words.misses.items() if pooled.misses.get(kind)}
    kinds = [f"{pooled.misses[kind]} {text}" for kind, text in known.items()]
    rest = pooled.denominator - pooled.numerator - sum(pooled.misses[kind] for kind in known)
    kinds += [f"{rest} in another way"] if rest else []
    return (
        [f"The others: {listed(kinds, at_most=len(kinds))}."] if known and metric.statistic == "share" else []
    )


def comparison(
    found: MetricCells, months: Sequence[LadderMonth], quarter: Quarter, *, state: State
) -> Comparison | None:
    """The quarter against the three before it, units pooled, in the segment of the quarter's newest month."""
    metric = found.metric
    if metric.statistic not in LADDER_STATISTICS or found.is_withheld or not found.months:
        return None  # where there are no monthly cells, quarters stand side by side
    statistic = cast(Statistic, metric.statistic)
    kept_out = {cell["period"] for cell in found.months if cell["hole"] in KEPT_OUT}
    usable = [row for row in months if row.month not in kept_out]
    newest = [row for row in months if row.month in quarter.months] or months
    segment = newest[-1].segment if newest else 0
    now = [row for row in usable if row.month in quarter.months and row.segment == segment]
    before = [row for row in usable if row.month in quarter.months_before and row.segment == segment]
    with_cases = [row for row in before if pool([row], statistic).n]
    current, earlier = pool(now, statistic), pool(before, statistic)
    if not current.n and not earlier.n:
        return None
    is_left_out = any(row.month in quarter.months_before and pool([row], statistic).n for row in months)
    span = (
        "in the three quarters before"
        if len(with_cases) == 9
        else f"in {_months_with_data(len(with_cases))} in the three quarters before"
    )
    lead = "this quarter" if state == "final" else "so far this quarter"
    told = f"{_in_cases(metric, statistic, current)} {lead}"
    past = (
        f"{_in_cases(metric, statistic, earlier)} {span}"
        if earlier.n
        else f"none {'that counts ' if is_left_out else ''}in the three quarters before"
    )
    if not current.n:
        told = f"none {lead}"
    brief = f"{_in_brief(metric, statistic, current)}; before {_in_brief(metric, statistic, earlier)}"
    return Comparison(sentence=f"{told}; {past}.", brief=brief, before_months=len(with_cases))


def _months_with_data(months: int) -> str:
    return "the one month with data" if months == 1 else f"the {months} months with data"


def _in_brief(metric: Metric, statistic: Statistic, pooled: Pool) -> str:
    """The counts of ``_in_cases``; a median without its interval, and no bracket within brackets."""
    if not pooled.n:
        return "none"
    if statistic != "median":
        return _in_cases(metric, statistic, pooled)
    if pooled.n < metric.n_min_quarter:
        return f"{_cases(pooled)}, too few for a median"
    return f"median {_middle(estimated(pooled, statistic))} {metric.unit} over {pooled.n:.0f}"


def _cases(pooled: Pool) -> str:
    return f"{pooled.n:.0f} {'case' if pooled.n == 1 else 'cases'}"


def _in_cases(metric: Metric, statistic: Statistic, pooled: Pool) -> str:
    """Counts, never a percentage; a median only from the quarter's minimum upwards, with its interval."""
    if statistic == "share":
        return f"{pooled.numerator} of {pooled.denominator}"
    if statistic == "rate":
        return f"{pooled.numerator} in {two_digits(pooled.exposure)} {metric.words.exposure}"
    if pooled.n < metric.n_min_quarter:
        return f"{_cases(pooled)} (too few for a median)"
    found = estimated(pooled, statistic)
    return f"median {_middle(found)} {metric.unit} over {pooled.n:.0f} ({_interval(found, metric)})"
