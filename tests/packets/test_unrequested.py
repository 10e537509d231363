"""The line on reviews nobody asked for, against its worked examples: the same cut and core as any night."""

import json
from pathlib import Path
from typing import Any

import pytest

from packets.unrequested import reviews_given
from tests.golden.worked_example import conformed_rows, first_day, instant
from tests.packets.published import published_as_of
from tests.transforms.world import aware, build_core_of
from transforms.local_time import first_instant
from warehouse.connection import connect


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """The worked examples of the folder that the option names, and our own."""
    own = Path(__file__).parents[1] / "trends" / "cases"
    paths = [
        folder / "method_unrequested_reviews.json"
        for folder in (Path(metafunc.config.getoption("--golden-dir")), own)
    ]
    cases = [case for path in paths if path.exists() for case in json.loads(path.read_text("utf-8"))["cases"]]
    metafunc.parametrize("case", cases, ids=[str(case["id"]) for case in cases])


def test_worked_example(case: dict[str, Any]) -> None:
    zone, as_of = case["config"].get("reporting_tz", "UTC"), instant(case["as_of"])
    assert as_of is not None
    published = published_as_of(as_of, zone)
    with connect() as connection:
        rows = conformed_rows(case["inputs"], zone)
        build_core_of(connection, rows, as_of=aware(as_of), zone=zone)
        for expected in case["expected"]:
            begins, ends = (
                first_instant(first_day(expected["period"], after=after), zone).replace(tzinfo=None)
                for after in (False, True)
            )
            found = reviews_given(
                connection,
                person_id=case["subject"]["id"],
                begins_utc=begins,
                ends_utc=ends,
                published=published,
            )
            for name in ("n_reviewed", "n_by_name", "n_to_their_team", "n_unrequested", "sentence"):
                assert getattr(found, name) == expected[name], (expected["period"], name)
            if expected["sentence"]:
                told = sorted((entry.ref, entry.reading.outcome) for entry in found.cases)
                assert told == sorted((row["ref"], row["outcome"]) for row in expected["evidence"])
