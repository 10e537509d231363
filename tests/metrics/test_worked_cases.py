"""Our own worked examples, of the same format as the specification's and run the same way.

Here: examples of metrics that the specification has none of. Not here: the specification's (tests/golden).
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from metrics_catalog.catalogue import load_catalogue
from tests.golden.test_metrics import assert_evidence, assert_same
from tests.golden.worked_example import run_case

CATALOGUE = load_catalogue()
FILES = {
    path.stem: json.loads(path.read_text())
    for path in sorted((Path(__file__).parent / "cases").glob("*.json"))
}
CASES = [
    pytest.param(name, case, document["tolerance"], id=f"{name}-{case['id']}")
    for name, document in FILES.items()
    for case in document["cases"]
]


def test_every_metric_has_worked_examples() -> None:
    specified = {path.stem for path in (Path(__file__).parents[1] / "golden").glob("*.json")}
    assert set(CATALOGUE) <= specified | set(FILES)
    assert all(document["metric_id"] == name for name, document in FILES.items())


@pytest.mark.parametrize(("metric_id", "case", "tolerance"), CASES)
def test_worked_case(metric_id: str, case: Mapping[str, Any], tolerance: float) -> None:
    cells = run_case(case, CATALOGUE[metric_id])
    for wanted, found in zip(case["expected"], cells, strict=True):
        for key, value in wanted.items():
            if key == "evidence":
                assert_evidence(value, found["evidence"], tolerance)
            else:
                assert key in found, f"{wanted['period']}: the cell has no {key}"
                assert_same(value, found[key], tolerance, f"{wanted['period']} {key}")
