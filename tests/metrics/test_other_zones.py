"""Worked cases of UTC, moved to a place without clock changes: every instant as much earlier, the same cells.

A month ends, a due day passes and a night begins by the reporting zone and the person's: what is computed by
UTC somewhere is a wrong number at a month's end, and fails here. Zones far from UTC, one with odd minutes.
Not here: clock changes (test_months_end, the cases themselves).
"""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from metrics_catalog.catalogue import load_catalogue
from tests.golden.test_metrics import assert_evidence, assert_same
from tests.golden.worked_example import run_case

CATALOGUE = load_catalogue()
ROOT = Path(__file__).parents[1]
ZONES = ("Asia/Kathmandu", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Pacific/Marquesas")
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT.*")
ZONED = ("reporting_tz", "tz")
Case = Mapping[str, Any]


def cases() -> Iterator[Any]:
    """Of each file the first case of UTC, in one of the zones; the specification's files and our own."""
    number = 0
    for folder in ("golden", "metrics/cases"):
        for path in sorted((ROOT / folder).glob("*.json")):
            document = json.loads(path.read_text("utf-8"))
            if document.get("metric_id") not in CATALOGUE or "goal" in path.stem:
                continue
            for case in list(filter(is_of_utc, document["cases"]))[:1]:
                zone = ZONES[number % len(ZONES)]
                number += 1
                told = f"{document['metric_id']}-{case['id']}-{zone}"
                yield pytest.param(document["metric_id"], case, zone, document["tolerance"], id=told)


def is_of_utc(case: Case) -> bool:
    people = case["inputs"].get("people", [])
    return case["config"].get("reporting_tz", "UTC") == "UTC" and all(
        row.get("tz") in (None, "UTC") for row in people
    )


def moved(value: Any, zone: str, name: str = "") -> Any:
    """The same with instants moved and the zone named; local dates and all else stay."""
    if isinstance(value, dict):
        return {key: moved(entry, zone, key) for key, entry in value.items()}
    if isinstance(value, list):
        return [moved(entry, zone) for entry in value]
    if name in ZONED:
        return zone
    if isinstance(value, str) and INSTANT.fullmatch(value):
        away = ZoneInfo(zone).utcoffset(datetime(2026, 1, 1)) or timedelta()  # noqa: DTZ001
        return (datetime.fromisoformat(value) - away).isoformat()
    return value


@pytest.mark.parametrize(("metric_id", "case", "zone", "tolerance"), list(cases()))
def test_a_case_of_utc_is_the_same_elsewhere(metric_id: str, case: Case, zone: str, tolerance: float) -> None:
    there = moved(case, zone)
    there["config"]["reporting_tz"] = zone
    for wanted, found in zip(case["expected"], run_case(there, CATALOGUE[metric_id]), strict=True):
        for key, value in wanted.items():
            if key == "evidence":
                assert_evidence(value, found["evidence"], tolerance)
            else:
                assert_same(value, found[key], tolerance, f"{wanted['period']} {key}")
