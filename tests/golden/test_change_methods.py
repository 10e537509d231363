"""Every worked example of the methods of change: monthly trend, quarter comparison, usual range.

The other shared methods are in test_methods.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.golden.test_metrics import assert_same
from transforms.changes.effects import effect_of
from transforms.changes.months import SeriesMonth
from transforms.changes.quarter_comparison import QuarterMonth, compare_quarter
from transforms.changes.trend import month_trend
from transforms.changes.usual_range import usual_range

Case = Mapping[str, Any]


def check_trend(case: Case, tolerance: float) -> None:
    found = month_trend(series_of(case), direction=case["direction"], effect=effect_of(case["min_effect"]))
    for key, wanted in case["expected"].items():
        figure = getattr(found, "s" if key == "S" else key)
        assert_same(wanted, list(figure) if key == "months_used" else figure, tolerance, key)


def check_quarter_comparison(case: Case, tolerance: float) -> None:
    found = compare_quarter(
        quarter_months_of(case),
        statistic=case["unit"],
        direction=case["direction"],
        effect=effect_of(case["min_effect"]),
        n_min=case["n_min"],
        quarter=case["quarter"],
        quarter_state=case["quarter_state"],
    )
    for key, wanted in case["expected"].items():
        if key == "state":
            assert wanted == ("so_far" if found.outcome == "so_far" else "final")
        else:
            figure = getattr(found, key)
            assert_same(wanted, list(figure) if key.startswith("months_") else figure, tolerance, key)


def check_usual_range(case: Case, tolerance: float) -> None:
    found = usual_range(
        series_of(case),
        month=case["month"],
        lower_bound=case["lower_bound"],
        upper_bound=case["upper_bound"],
    )
    for key, wanted in case["expected"].items():
        assert_same(wanted, getattr(found, key), tolerance, key)


def series_of(case: Case) -> list[SeriesMonth]:
    return [SeriesMonth(**row) for row in case["series"]]


def quarter_months_of(case: Case) -> list[QuarterMonth]:
    return [
        QuarterMonth(
            **{key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}
        )
        for row in case["months"]
    ]


CHECKS: Mapping[str, Callable[[Case, float], None]] = {
    "trend": check_trend,
    "quarter_comparison": check_quarter_comparison,
    "usual_range": check_usual_range,
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    folder = Path(metafunc.config.getoption("--golden-dir"))
    metafunc.parametrize(("method", "case", "tolerance"), list(_cases(folder)))


def _cases(folder: Path) -> Iterator[Any]:
    for method in CHECKS:
        path = folder / f"method_{method}.json"
        if not path.exists():
            skip = pytest.mark.skip(reason=f"{path.name} is not in this folder")
            yield pytest.param(method, {}, 0.0, id=method, marks=[skip])
            continue
        document = json.loads(path.read_text("utf-8"))
        for case in document["cases"]:
            name = case.get("id", case.get("title", ""))
            yield pytest.param(method, case, document["tolerance"], id=f"{method}-{name}")


def test_worked_example(method: str, case: Case, tolerance: float) -> None:
    CHECKS[method](case, tolerance)
