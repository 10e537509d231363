"""Every worked example of every metric, through the real SQL.

Files of metrics that do not exist yet are skipped by name; a metric id that the specification's catalogue
does not know fails.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from metrics_catalog.catalogue import load_catalogue
from tests.golden.worked_example import run_case

CATALOGUE = load_catalogue()
SPECIFIED = {
    metric["id"] for metric in json.loads((Path(__file__).parent / "catalogue.json").read_text())["metrics"]
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    folder = Path(metafunc.config.getoption("--golden-dir"))
    if "case" in metafunc.fixturenames:
        metafunc.parametrize(("metric_id", "case", "tolerance"), list(_cases(folder)))
    if "file" in metafunc.fixturenames:
        files = sorted(path for path in folder.glob("*.json") if "metric_id" in json.loads(path.read_text()))
        metafunc.parametrize("file", files, ids=[path.stem for path in files])


def _cases(folder: Path) -> Iterator[Any]:
    for path in sorted(folder.glob("*.json")):
        document = json.loads(path.read_text())
        if "metric_id" not in document:
            continue
        metric_id = document["metric_id"]
        if metric_id in CATALOGUE and CATALOGUE[metric_id].statistic == "goal":
            continue  # goals have terms in the place of cells: test_goals
        missing = metric_id in SPECIFIED and metric_id not in CATALOGUE
        marks = [pytest.mark.skip(reason=f"{metric_id} does not exist yet")] if missing else []
        cases = document["cases"] if isinstance(document["cases"], list) else []
        for case in cases:
            yield pytest.param(
                metric_id, case, document["tolerance"], id=f"{metric_id}-{case['id']}", marks=marks
            )


def test_file_names_a_metric_of_the_catalogue(file: Path) -> None:
    metric_id = json.loads(file.read_text())["metric_id"]
    assert metric_id in SPECIFIED, f"{file.name}: no metric {metric_id!r} in the specification's catalogue"
    assert file.stem == metric_id


def test_worked_example(metric_id: str, case: Mapping[str, Any], tolerance: float) -> None:
    assert metric_id in CATALOGUE, f"no metric {metric_id!r} in the catalogue"
    cells = run_case(case, CATALOGUE[metric_id])
    for wanted, found in zip(case["expected"], cells, strict=True):
        for key, value in wanted.items():
            if key == "evidence":
                assert_evidence(value, found["evidence"], tolerance)
            else:
                assert key in found, f"{wanted['period']}: the cell has no {key}"
                assert_same(value, found[key], tolerance, f"{wanted['period']} {key}")


def assert_same(wanted: Any, found: Any, tolerance: float, what: str) -> None:
    """Numbers within the tolerance; null only equals null; text exactly."""
    if isinstance(wanted, int | float) and not isinstance(wanted, bool):
        assert found is not None, f"{what}: wanted {wanted}, found null"
        assert abs(found - wanted) <= tolerance, f"{what}: wanted {wanted}, found {found}"
    else:
        assert found == wanted, f"{what}: wanted {wanted!r}, found {found!r}"


def assert_evidence(wanted: list[dict[str, Any]], found: list[dict[str, Any]], tolerance: float) -> None:
    """The same multiset of ref, outcome and (where given) why, with the same amounts."""
    left = list(found)
    for row in wanted:
        match = next((candidate for candidate in left if _matches(row, candidate, tolerance)), None)
        assert match is not None, f"no evidence row {row}; left: {left}"
        left.remove(match)
    assert not left, f"evidence rows that nobody expected: {left}"


def _matches(wanted: Mapping[str, Any], found: Mapping[str, Any], tolerance: float) -> bool:
    for key, value in wanted.items():
        if isinstance(value, int | float):
            if found.get(key) is None or abs(found[key] - value) > tolerance:
                return False
        elif found.get(key) != value:
            return False
    return True
