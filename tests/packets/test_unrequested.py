"""The line on reviews nobody asked for, against its worked examples."""

import json
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from metrics_catalog.tables import create_statement, table
from packets.published import Publication
from packets.quarters import parse_quarter
from packets.unrequested import reviews_given
from tests.packets.organisation import utc

TABLES = ("people", "memberships", "pull_requests", "pr_events", "reviews")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """The worked examples of the folder that the option names."""
    path = Path(metafunc.config.getoption("--golden-dir")) / "method_unrequested_reviews.json"
    cases = json.loads(path.read_text("utf-8"))["cases"] if path.exists() else []
    metafunc.parametrize("case", cases, ids=[str(case["id"]) for case in cases])


def filled(case: dict[str, Any]) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(":memory:")
    connection.execute("SET TimeZone = 'UTC'; CREATE SCHEMA core")
    for name in TABLES:
        connection.execute(create_statement(f"core.{name}"))
        for row in case["inputs"].get(name, []):
            given = {_column(name, key): value for key, value in row.items()}
            if name == "pull_requests":
                given["ref"] = row["pr_id"]
            known = [column.name for column in table(f"core.{name}").columns if column.name in given]
            frame = pl.DataFrame([[given[column] for column in known]], schema=known, orient="row")
            connection.register("incoming", frame)
            connection.execute(f"INSERT INTO core.{name} BY NAME SELECT * FROM incoming")
            connection.unregister("incoming")
    return connection


def _column(name: str, key: str) -> str:
    known = {column.name for column in table(f"core.{name}").columns}
    return key if key in known else f"{key}_utc"


def test_worked_example(case: dict[str, Any]) -> None:
    published = Publication(
        as_of_utc=utc(case["as_of"].removesuffix("Z").replace("T", " ")),
        reporting_timezone=case["config"]["reporting_tz"],
        organization="",
        code_version="",
        configuration_hash="",
        definitions_hash="",
        persons=True,
    )
    connection = filled(case)
    (expected,) = case["expected"]
    quarter = parse_quarter(f"{expected['period'][:4]}-Q{(int(expected['period'][5:]) + 2) // 3}")
    found = reviews_given(connection, person_id=case["subject"]["id"], quarter=quarter, published=published)
    connection.close()
    for name in ("n_reviewed", "n_by_name", "n_to_their_team", "n_unrequested", "sentence"):
        assert getattr(found, name) == expected[name], name
    if expected["sentence"]:
        told = sorted((entry.ref, entry.reading.outcome) for entry in found.cases)
        assert told == sorted((row["ref"], row["outcome"]) for row in expected["evidence"])
