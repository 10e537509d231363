"""Trend, quarter comparison and usual range, on every worked example of their method files."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.golden.test_metrics import assert_same
from transforms.changes.effects import effect_of
from transforms.changes.months import SeriesMonth
from transforms.changes.quarter_comparison import QuarterMonth, compare_quarter
from transforms.changes.trend import month_trend
from transforms.changes.usual_range import usual_range

METHODS = ("trend", "quarter_comparison", "usual_range")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    folder = Path(metafunc.config.getoption("--golden-dir"))
    found = []
    for method in METHODS:
        path = folder / f"method_{method}.json"
        if path.exists():
            document = json.loads(path.read_text())
            found += [
                pytest.param(method, case, document["tolerance"], id=f"{method}-{case['id']}")
                for case in document["cases"]
            ]
    metafunc.parametrize(("method", "case", "tolerance"), found)


def test_worked_example_of_a_method(method: str, case: dict[str, Any], tolerance: float) -> None:
    found = {"trend": _trend, "quarter_comparison": _quarter, "usual_range": _usual}[method](case)
    for key, wanted in case["expected"].items():
        assert key in found, key
        assert_same(wanted, found[key], tolerance, key)


def _series(case: dict[str, Any]) -> list[SeriesMonth]:
    return [SeriesMonth(**row) for row in case["series"]]


def _trend(case: dict[str, Any]) -> dict[str, Any]:
    found = month_trend(_series(case), direction=case["direction"], effect=effect_of(case["min_effect"]))
    return _figures(found) | {
        "S": found.s,
        "months_used": list(found.months_used),
        "n_months": found.n_months,
    }


def _quarter(case: dict[str, Any]) -> dict[str, Any]:
    months = [
        QuarterMonth(
            **{name: tuple(value) if isinstance(value, list) else value for name, value in row.items()}
        )
        for row in case["months"]
    ]
    found = compare_quarter(
        months,
        statistic=case["unit"],
        direction=case["direction"],
        effect=effect_of(case["min_effect"]),
        n_min=case["n_min"],
        quarter=case["quarter"],
        quarter_state=case["quarter_state"],
    )
    return _figures(found) | {
        "state": "so_far" if found.outcome == "so_far" else "final",
        "months_current": list(found.months_current),
        "months_baseline": list(found.months_baseline),
    }


def _usual(case: dict[str, Any]) -> dict[str, Any]:
    found = usual_range(
        _series(case),
        month=case["month"],
        lower_bound=case["lower_bound"],
        upper_bound=case["upper_bound"],
    )
    return _figures(found)


def _figures(found: Any) -> dict[str, Any]:
    return {name: getattr(found, name) for name in found.__dataclass_fields__}
