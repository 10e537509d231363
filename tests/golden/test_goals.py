"""Every worked example of agreed goals, through the code that checks them every night."""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.golden.test_metrics import assert_same
from tests.golden.worked_example import instant
from transforms.goals import Pooled, Terms, check_goal, state_of
from transforms.local_time import first_instant

DOCUMENT = json.loads((Path(__file__).parent / "fc_goal_check.json").read_text())


def terms(goal: Mapping[str, Any]) -> Terms:
    baseline = goal.get("baseline")
    return Terms(
        kind=goal["kind"],
        comparator=goal["comparator"],
        target=goal["target"],
        n_min=goal["n_min"],
        expected_n=goal.get("expected_n"),
        baseline=None if baseline is None else (baseline["numerator"], baseline["denominator"]),
    )


def found(case: Mapping[str, Any]) -> dict[str, Any]:
    goal = case["goal"]
    of = "exposure" if goal["kind"] == "rate" else "denominator"
    if "cells" in case:
        pooled = Pooled(
            numerator=sum(cell["numerator"] for cell in case["cells"]),
            n=sum(cell[of] for cell in case["cells"]),
        )
        return _as_row(check_goal(terms(goal), pooled, "final"))
    zone, as_of = case["reporting_tz"], datetime.fromisoformat(case["as_of"]).astimezone(UTC)
    start = first_instant(date.fromisoformat(goal["start_date"]), zone)
    end = first_instant(date.fromisoformat(goal["end_date"]) + timedelta(days=1), zone)
    inside = [
        unit
        for unit in case["units"]
        if start.replace(tzinfo=None) <= instant(unit["anchor"]) < end.replace(tzinfo=None)  # type: ignore[operator]
        and instant(unit["anchor"]) <= as_of.replace(tzinfo=None)  # type: ignore[operator]
    ]
    outcomes = [unit.get("outcome") for unit in inside]
    pooled = Pooled(
        numerator=outcomes.count("yes") if of == "denominator" else sum(unit["events"] for unit in inside),
        n=outcomes.count("yes") + outcomes.count("no")
        if of == "denominator"
        else sum(unit["exposure"] for unit in inside),
        n_pending=outcomes.count("pending"),
    )
    state = state_of(start, end, end + timedelta(days=goal["maturity_days"]), as_of)
    return _as_row(check_goal(terms(goal), pooled, state)) | {"parent_goal": goal.get("parent_goal")}


def _as_row(check: Any) -> dict[str, Any]:
    return {name: getattr(check, name) for name in check.__dataclass_fields__}


@pytest.mark.parametrize("case", DOCUMENT["cases"], ids=[case["id"] for case in DOCUMENT["cases"]])
def test_worked_example(case: Mapping[str, Any]) -> None:
    cell = found(case)
    for key, wanted in case["expected"].items():
        assert_same(wanted, cell[key], DOCUMENT["tolerance"], key)
