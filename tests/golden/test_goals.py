"""Every worked example of agreed goals, through the tables and the code that check them every night.

A unit of an example is a case of a metric: of a share, or of a rate with its exposure. An example that gives
whole cells has them as so many cases.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from metrics_catalog.catalogue import Metric, load_catalogue
from tests.golden.test_metrics import assert_same
from tests.golden.worked_example import instant
from transforms.goals import build_goals
from transforms.local_time import first_instant
from transforms.queries import create
from warehouse.connection import connect

CATALOGUE = load_catalogue()
METRICS = {"share": CATALOGUE["rq_response_24h"], "rate": CATALOGUE["si_prod_bugs_per_sprint"]}
OUTCOMES = {"yes": "met", "no": "missed", "pending": "pending", "excluded": "excluded"}
Case = Mapping[str, Any]
OVER = "2030-01-01T00:00:00Z"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    path = Path(metafunc.config.getoption("--golden-dir")) / "fc_goal_check.json"
    document = json.loads(path.read_text("utf-8")) if path.exists() else {"cases": []}
    cases = [(case, document["tolerance"]) for case in document["cases"]]
    metafunc.parametrize(("case", "tolerance"), cases, ids=[case["id"] for case, _ in cases])


def test_worked_example(case: Case, tolerance: float) -> None:
    found = checked(case)
    for key, wanted in case["expected"].items():
        assert_same(wanted, found[key], tolerance, key)


def checked(case: Case) -> dict[str, Any]:
    """The row of ``trends.goals``, with the goal's own heading."""
    agreed = case["goal"]
    is_plan = "start_date" in agreed
    as_of = instant(case["as_of"] if is_plan else OVER)
    assert as_of is not None
    metric = METRICS[agreed["kind"]]
    metric = replace(metric, maturity_days=agreed.get("maturity_days", 0))
    with connect() as connection:
        connection.execute("CREATE SCHEMA core; CREATE SCHEMA facts; CREATE SCHEMA trends")
        for name in ("core.goals", f"facts.{metric.id}"):
            create(connection, name)
        _insert(connection, "core.goals", _goal(case, metric, is_plan=is_plan))
        units = list(_units(case) if is_plan else _cells(case))
        for number, unit in enumerate(units):
            for row in _facts(unit, agreed["kind"]):
                if row["anchor_at_utc"] <= as_of:  # as the query of any metric's cases is cut
                    _insert(connection, f"facts.{metric.id}", row | {"case_id": f"{number} {row['ref']}"})
        build_goals(connection, {metric.id: metric}, as_of)
        (row,) = connection.sql("FROM trends.goals").pl().to_dicts()
    return row | {"parent_goal": agreed.get("parent_goal")}


def _goal(case: Case, metric: Metric, *, is_plan: bool) -> dict[str, Any]:
    agreed, zone = case["goal"], case.get("reporting_tz", "UTC")
    first = date.fromisoformat(agreed["start_date"]) if is_plan else date(2026, 1, 1)
    last = date.fromisoformat(agreed["end_date"]) if is_plan else date(2026, 3, 31)
    baseline = agreed.get("baseline") or {}
    return {
        "goal_id": case["id"],
        "owner_kind": "person",
        "owner_id": "ann",
        "metric_id": metric.id,
        "start_utc": first_instant(first, zone).astimezone(UTC).replace(tzinfo=None),
        "end_utc": first_instant(last + timedelta(days=1), zone).astimezone(UTC).replace(tzinfo=None),
        "baseline_numerator": baseline.get("numerator"),
        "baseline_denominator": baseline.get("denominator"),
        **{name: agreed.get(name) for name in ("comparator", "target", "n_min", "expected_n", "parent_goal")},
    }


def _units(case: Case) -> Iterator[dict[str, Any]]:
    for unit in case["units"]:
        yield {**unit, "anchor": instant(unit["anchor"])}


def _cells(case: Case) -> Iterator[dict[str, Any]]:
    """The cells of whole months as the cases they were counted from."""
    for month, cell in enumerate(case["cells"], start=1):
        anchor = instant(f"2026-{month:02d}-15T00:00:00Z")
        if "exposure" in cell:
            yield {"anchor": anchor, "events": cell["numerator"], "exposure": cell["exposure"]}
            continue
        for number in range(cell["denominator"]):
            yield {"anchor": anchor, "outcome": "yes" if number < cell["numerator"] else "no"}


def _facts(unit: Mapping[str, Any], kind: str) -> Iterator[dict[str, Any]]:
    same = {"subject_kind": "person", "subject_id": "ann", "anchor_at_utc": unit["anchor"]}
    if kind == "share":
        yield same | {"ref": "unit", "outcome": OUTCOMES[unit["outcome"]]}
        return
    yield same | {"ref": "sprint", "outcome": "sprint", "exposure": unit["exposure"]}
    for number in range(unit["events"]):
        yield same | {"ref": f"event {number}", "outcome": "counted"}


def _insert(connection: duckdb.DuckDBPyConnection, name: str, row: Mapping[str, Any]) -> None:
    columns, values = ", ".join(row), ", ".join(f"${column}" for column in row)
    connection.execute(f"INSERT INTO {name} ({columns}) VALUES ({values})", dict(row))
