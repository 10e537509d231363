"""Our own worked examples of the shared methods, in the specification's format and run the same way.

Here: cases of rules that were once read wrongly. Not here: the specification's (tests/golden).
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.golden import test_change_methods, test_goals, test_methods
from tests.transforms import test_ladder

FILES = sorted(
    path for path in (Path(__file__).parent / "cases").glob("*.json") if "unrequested" not in path.stem
)
"""Those of unrequested reviews are tried in tests/packets/test_unrequested.py."""


def _cases() -> list[Any]:
    found = []
    for path in FILES:
        document = json.loads(path.read_text("utf-8"))
        name, cases = document.get("method") or document["metric_id"], document["cases"]
        for kind, some in (cases if isinstance(cases, dict) else {"": cases}).items():
            for number, case in enumerate(some):
                told = f"{name}-{case.get('id', number)}"
                found.append(pytest.param(name, kind, case, document["tolerance"], id=told))
    return found


@pytest.mark.parametrize(("name", "kind", "case", "tolerance"), _cases())
def test_worked_case(name: str, kind: str, case: Mapping[str, Any], tolerance: float) -> None:
    if name in test_change_methods.CHECKS:
        test_change_methods.CHECKS[name](case, tolerance)
    elif name == "ladder":
        test_ladder.test_worked_example(dict(case))
    elif name == "fc_goal_check":
        test_goals.test_worked_example(case, tolerance)
    else:
        test_methods.CHECKS[name][kind](case, tolerance)
