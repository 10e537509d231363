"""Every worked example of the methods of change and the ladder, with one input moved by one step.

Here: the specification's and our own examples, a figure one unit or a hundredth to either side, a case
dropped or told twice, another status, state or direction; wanted is what a plain reading of the text says.
Not here: random inputs (test_plain_methods), the examples as they are (tests/golden, test_worked_methods).
"""

import copy
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.golden.test_change_methods import quarter_months_of, series_of
from tests.transforms.test_ladder import ladder_months
from tests.trends import plain_methods
from tests.trends.test_plain_methods import assert_equal
from transforms.changes.effects import effect_of
from transforms.changes.quarter_comparison import compare_quarter
from transforms.changes.trend import month_trend
from transforms.changes.usual_range import usual_range
from transforms.ladder import CaseWords, standing

Case = dict[str, Any]
Place = tuple[str | int, ...]
FOLDERS = (Path(__file__).parents[1] / "golden", Path(__file__).parent / "cases")
WORDS: Mapping[str, tuple[str, ...]] = {
    "status": ("ok", "absent", "insufficient", "no_activity", "source_gap", "not_in_role"),
    "state": ("final", "provisional", "partial"),
    "quarter_state": ("final", "provisional", "partial"),
    "direction": ("higher_is_better", "lower_is_better", "neutral", "load"),
}


def examples(method: str) -> Iterator[Case]:
    for folder in FOLDERS:
        path = folder / f"method_{method}.json"
        cases = json.loads(path.read_text("utf-8"))["cases"] if path.exists() else []
        yield from cases[method] if isinstance(cases, dict) else cases


def places(node: Any, at: Place = ()) -> Iterator[Place]:
    """Every figure, word and row of an example."""
    for key, inner in node.items() if isinstance(node, dict) else enumerate(node):
        if key not in ("expected", "why", "title", "id", "words"):
            yield (*at, key)
            if isinstance(inner, dict | list):
                yield from places(inner, (*at, key))


def varied(case: Case) -> Iterator[Case]:
    """The example with one thing changed."""
    for *outer, last in places(case):
        changed = copy.deepcopy(case)
        inside: Any = changed
        for key in outer:
            inside = inside[key]
        was = inside[last]
        steps: tuple[Any, ...] = WORDS.get(str(last), ())
        if isinstance(was, int | float) and not isinstance(was, bool):
            steps = (
                (was - 1, was + 1) if isinstance(was, int) else (round(was - 0.01, 9), round(was + 0.01, 9))
            )
        for step in steps:
            inside[last] = step
            yield copy.deepcopy(changed)
        if isinstance(inside, list) and isinstance(last, int):
            inside[last : last + 1] = [was, was]
            if not isinstance(was, dict):  # a month is there once
                yield copy.deepcopy(changed)
            del inside[last : last + 2]
            yield copy.deepcopy(changed)


def is_possible(case: Case) -> bool:
    """No count is negative or above what it is counted among, and some month lies in the year."""
    for row in case.get("months", ()):
        counts = [row.get(name, 0) for name in ("numerator", "denominator", "exposure", "n_pending")]
        amounts = [*row.get("closed", ()), *row.get("open_so_far", ()), *row.get("misses", {}).values()]
        if min([*counts, *amounts]) < 0 or row.get("numerator", 0) > row.get("denominator", 10**9):
            return False
        if row.get("numerator") and row.get("exposure") == 0:
            return False
    if "quarter_state" not in case:
        return True
    first = int(case["quarter"][:4]) * 12 + 3 * int(case["quarter"][6]) - 2
    return any(-9 <= plain_methods.ordinal(row["month"]) - first < 3 for row in case["months"])


def check_trend(case: Case) -> None:
    effect = case["min_effect"]
    wanted = plain_methods.trend(case["series"], case["direction"], effect)
    wanted["s"] = wanted.pop("S")
    found = month_trend(series_of(case), direction=case["direction"], effect=effect_of(effect))
    assert_equal(wanted, found, case)


def check_quarter_comparison(case: Case) -> None:
    wanted = plain_methods.quarter_comparison(case)
    del wanted["state"]
    found = compare_quarter(
        quarter_months_of(case),
        statistic=case["unit"],
        direction=case["direction"],
        effect=effect_of(case["min_effect"]),
        n_min=case["n_min"],
        quarter=case["quarter"],
        quarter_state=case["quarter_state"],
    )
    assert_equal(wanted, found, case)


def check_usual_range(case: Case) -> None:
    month, low, high = case["month"], case["lower_bound"], case["upper_bound"]
    rows = [row for row in case["series"] if row["value"] is not None or row["status"] != "ok"]
    found = usual_range(series_of({"series": rows}), month=month, lower_bound=low, upper_bound=high)
    assert_equal(plain_methods.usual_range(rows, month, low, high), found, case)


def check_ladder(case: Case) -> None:
    found = standing(
        ladder_months(case["months"]),
        statistic=case["unit"],
        quarter=case["quarter"],
        n_min=case["n_min"],
        words=CaseWords(**case["words"]),
        withheld=case.get("withheld", False),
    )
    assert_equal(plain_methods.ladder(case), asdict(found) | asdict(found.estimate), case)


CHECKS = {
    "trend": check_trend,
    "quarter_comparison": check_quarter_comparison,
    "usual_range": check_usual_range,
    "ladder": check_ladder,
}


@pytest.mark.parametrize("method", CHECKS)
def test_one_step_beside_every_example(method: str) -> None:
    every = [changed for case in examples(method) for changed in varied(case) if is_possible(changed)]
    assert len(every) > 200
    for case in Random(12).sample(every, min(len(every), 200)):
        CHECKS[method](case)
