"""What is printed under a quarter that stands on its own is true of its cases: read back, and counted again.

Here: the value and its interval, the others by kind, what is pending, left out and told beside it.
Not here: the comparison with what was before (test_brief), the lower rungs (tests/transforms/test_ladder).
"""

import json
import re
from collections import Counter
from random import Random
from statistics import median
from types import SimpleNamespace
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from packets.catalogue import Metric
from packets.cells import MetricCells, standing_of
from packets.evidence import Case, Reading
from packets.quarters import Quarter
from packets.sentences import sentences
from tests.drawn import examples
from tests.trends import plain_methods
from transforms.ladder import CaseWords, percent, two_digits

QUARTER = Quarter(name="2026-Q2")
MINIMUM = 4
WORDS = {
    "share": CaseWords(case="answered in time", misses={"late": "answered late", "never": "not answered"}),
    "median": CaseWords(case="pages answered", unit="hours", open="not answered"),
    "rate": CaseWords(case="incidents", unit="per shift", exposure="shifts"),
}
DETAIL = {"words": "from different pull requests", "counted_over": "", "value_with": "", "value_without": ""}


def made(seed: int) -> tuple[MetricCells, list[Reading], str]:
    """Monthly cells and cases of one metric: months of the quarter, and one role or two."""
    chance = Random(seed)
    statistic, changed = chance.choice(("share", "median", "rate")), chance.choice((0, 0, 0, 2, 3))
    metric = SimpleNamespace(
        metric_id="m",
        statistic=statistic,
        unit="share" if statistic == "share" else "hours",
        n_min_quarter=MINIMUM,
        words=WORDS[statistic],
        details={"distinct_prs": DETAIL} if chance.random() < 0.5 else {},
    )
    cells: list[dict[str, Any]] = []
    told: list[tuple[Case, Reading]] = []
    for place, month in enumerate(QUARTER.months, start=1):
        if chance.random() < 0.2:
            continue
        kinds = [
            chance.choice(("numerator", "denominator", "pending", "excluded"))
            for _ in range(chance.randint(0, 9))
        ]
        exposure = round(chance.random() * 9, 2) if statistic == "rate" else 0.0
        readings = [_reading(statistic, kind, chance) for kind in kinds]
        counted = [reading for reading in readings if reading.counts_as not in ("pending", "excluded")]
        numerator = (
            sum(reading.counts_as == "numerator" for reading in readings)
            if exposure or statistic == "share"
            else 0
        )
        cells.append(
            {
                "period": month,
                "segment": int(bool(changed) and place >= changed),
                "numerator": numerator,
                "denominator": len(counted) if statistic == "share" else None,
                "exposure": exposure,
                "n": len(counted),
                "n_pending": sum(reading.counts_as == "pending" for reading in readings),
                "withheld_reason": None,
                "status": "ok",
                "disclosed": True,
                "hole": None,
            }
        )
        told += [(cast(Case, SimpleNamespace(month=month)), reading) for reading in readings]
    quarter = {
        **dict.fromkeys(("withheld_reason", "numerator", "denominator", "n_pending")),
        "status": "ok",
        "disclosed": True,
        "n": 99,
        "details": json.dumps({"distinct_prs": chance.randint(1, 9)}),
        "period": QUARTER.name,
    }
    state = chance.choice(("final", "final", "provisional", "partial"))
    found = MetricCells(metric=cast(Metric, metric), months=tuple(cells), quarter=quarter, cases=tuple(told))
    return found, [reading for _, reading in told], state


def _reading(statistic: str, kind: str, chance: Random) -> Reading:
    why = chance.choice(("late", "never", "odd")) if kind == "denominator" else ""
    if statistic == "median" and kind in ("numerator", "denominator"):
        kind = "finished" if kind == "numerator" else "unfinished"
    return Reading(
        metric_id="m",
        outcome=kind,
        outcome_words=kind,
        why=why,
        why_words=chance.choice(("taken back", "in draft")) if kind == "excluded" else why,
        counts_as=cast(Any, kind),
        amount=round(chance.random() * 50, 1) if statistic == "median" else None,
        unit="hours",
    )


def interval(low: float | None, high: float | None, statistic: str) -> str:
    if low is None:
        return "too few for an interval"
    if statistic == "share":
        return f"95% interval {percent(low)} to {percent(high)}"
    upper = "open" if high is None else f"{two_digits(high)} hours"
    return f"95% interval {two_digits(low)}{' hours' if high is None else ''} to {upper}"


def figures_of(statistic: str, current: list[Any], inside: list[Reading]) -> str:
    """Value and interval, counted from the cases."""
    kinds = Counter(reading.counts_as for reading in inside)
    if statistic == "share":
        k, n = kinds["numerator"], kinds["numerator"] + kinds["denominator"]
        ends = interval(*plain_methods.wilson(k, n), statistic)
        return f"{k} of {n} answered in time ({percent(k / n)}, {ends})"
    if statistic == "rate":
        k, exposure = sum(cell["numerator"] for cell in current), sum(cell["exposure"] for cell in current)
        ends = interval(*plain_methods.poisson(k, exposure), statistic)
        counts = f"{k} in {two_digits(exposure)} shifts"
        return f"{two_digits(k / exposure)} incidents per shift ({counts}, {ends})"
    closed = [reading.amount or 0.0 for reading in inside if reading.counts_as == "finished"]
    so_far = [reading.amount or 0.0 for reading in inside if reading.counts_as == "unfinished"]
    cell = plain_methods.median_cell(closed, so_far)
    middle = two_digits(cell["value"])
    if cell["value"] is None:
        middle = f"at least {two_digits(median([*closed, *so_far]))}"
    ends = interval(cell["ci_low"], cell["ci_high"], statistic)
    return f"median {middle} hours over {len(closed) + len(so_far)} pages answered ({ends})"


@given(st.integers(0, 2**40))
@examples(250)
def test_what_is_printed_under_a_quarter_is_true_of_its_cases(seed: int) -> None:
    found, _, state = made(seed)
    statistic, metric = found.metric.statistic, found.metric
    stand = standing_of(found, QUARTER)
    if stand.rung != "quarter":
        return
    lead, *rest = sentences(found, stand, cast(Any, state), QUARTER)
    segment = found.months[-1]["segment"]
    current = [cell for cell in found.months if cell["segment"] == segment]
    months = [cell["period"] for cell in current]
    inside = [reading for case, reading in found.cases if case.month in months]
    kinds = Counter(reading.counts_as for reading in inside)
    start = "This quarter" if state == "final" else "So far this quarter"
    if any(cell["n"] for cell in found.months if cell["segment"] != segment):
        began = plain_methods.MONTHS[int(months[0][5:]) - 1]
        start += f", since {began} 2026 when the role, level or team changed or a long absence ended"
    assert lead == f"{start}: {figures_of(statistic, current, inside)}."
    # What stands beside it, one by one.
    wanted = []
    if statistic == "share" and kinds["denominator"]:
        whys = Counter(reading.why for reading in inside if reading.counts_as == "denominator")
        named = [f"{whys[why]} {words}" for why, words in metric.words.misses.items() if whys[why]]
        if named:
            odd = [f"{whys['odd']} in another way"] if whys["odd"] else []
            wanted.append(("The others: ", [*named, *odd]))
    if statistic == "median" and kinds["unfinished"]:
        wanted.append((f"{kinds['unfinished']} not answered, counted as longer than every finished one", []))
    pending = sum(cell["n_pending"] for cell in current)
    if pending:
        wanted.append((f"{pending} still open, not counted yet", []))
    if metric.details:
        prs = json.loads((found.quarter or {})["details"])["distinct_prs"]
        wanted.append((f"Beside it: {prs} from different pull requests", []))
    left_out = Counter(reading.why_words for _, reading in found.cases if reading.counts_as == "excluded")
    if left_out:
        wanted.append(("Left out this quarter: ", [f"{many} {why}" for why, many in left_out.items()]))
    assert len(rest) == len(wanted)
    for sentence, (beginning, parts) in zip(rest, wanted, strict=True):
        assert sentence.startswith(beginning)
        listed = re.split(", | and ", sentence.removeprefix(beginning).removesuffix("."))
        assert sorted(part for part in listed if part) == sorted(parts)


def test_every_form_of_it_is_met() -> None:
    forms = set()
    for seed in range(300):
        found, _, state = made(seed)
        stand = standing_of(found, QUARTER)
        if stand.rung == "quarter":
            for sentence in sentences(found, stand, cast(Any, state), QUARTER):
                forms |= set(
                    re.findall(
                        r"This quarter|So far this quarter|since|The others|in another way|counted as longer|"
                        r"not counted yet|Beside it|Left out|at least|too few|to open",
                        sentence,
                    )
                )
    assert len(forms) == 12
