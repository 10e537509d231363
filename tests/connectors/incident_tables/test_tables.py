"""Incidents from a CSV, JSON or Parquet file or a SELECT: good rows arrive once, bad ones are named."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from connectors.contract import Gap, Page
from connectors.incident_tables.records import RECORD_TYPES, IncidentRow
from connectors.incident_tables.tables import IncidentTables
from pipelines import nightly
from pipelines.sources import Registered
from tests.connectors.pagerduty.loopback import night_of
from tests.shared_material import needed, rows
from warehouse.connection import connect

NOW = datetime(2026, 4, 1, tzinfo=UTC)
ROWS = [
    {
        "incident_id": "007",
        "created_at": "2026-03-02T10:00:00+01:00",
        "service": "kettle",
        "is_major": "true",
    },
    {
        "incident_id": "8",
        "created_at": "2026-03-03T10:00:00Z",
        "urgency": "low",
        "resolved_at": "2026-03-03T11:00:00Z",
    },
]


def source(folder: Path, incidents: str, **more: Any) -> IncidentTables:
    tables = {"log": None, "shifts": None} | more
    return IncidentTables(incidents=incidents, folder=folder, known_at_utc=NOW, **tables)


def write(folder: Path, suffix: str) -> str:
    path = folder / f"incidents{suffix}"
    if suffix == ".csv":
        names = sorted({name for row in ROWS for name in row})
        lines = [",".join(names), *(",".join(row.get(name, "") for name in names) for row in ROWS)]
        path.write_text("\n".join(lines) + "\n", "utf-8")
    elif suffix == ".json":
        path.write_text(json.dumps(ROWS), "utf-8")
    elif suffix == ".jsonl":
        path.write_text("\n".join(json.dumps(row) for row in ROWS), "utf-8")
    else:
        pl.DataFrame(ROWS, infer_schema_length=None).write_parquet(path)
    return path.name


def only_page(given: list[Page | Gap]) -> Page:
    (page,) = given
    assert isinstance(page, Page)
    return page


@pytest.mark.parametrize("suffix", [".csv", ".json", ".jsonl", ".parquet"])
def test_every_format_gives_the_same_rows(suffix: str, tmp_path: Path) -> None:
    page = only_page(list(source(tmp_path, write(tmp_path, suffix)).pages()))
    assert not page.rejected
    first, second = page.records
    assert isinstance(first, IncidentRow)
    assert (first.incident_id, first.created_at_utc) == ("007", datetime(2026, 3, 2, 9, tzinfo=UTC))
    assert first.is_major
    assert isinstance(second, IncidentRow)
    assert (second.urgency, second.is_major) == ("low", False)


def test_a_select_gives_its_own_columns_our_names(tmp_path: Path) -> None:
    name = write(tmp_path, ".csv")
    query = f"SELECT 'n' || incident_id AS incident_id, created_at FROM '{name}'"
    page = only_page(list(source(tmp_path, query).pages()))
    assert sorted(record.key for record in page.records) == ["n007", "n8"]


def test_bad_rows_are_left_out_and_named_without_their_values(tmp_path: Path) -> None:
    (tmp_path / "incidents.csv").write_text(
        "incident_id,created_at,urgency\n"
        "1,2026-03-02T10:00:00Z,high\n"
        "1,2026-03-02T10:00:00Z,low\n"
        ",2026-03-02T10:00:00Z,high\n"
        "2,2026-03-02 10:00,high\n"
        "3,2027-03-02T10:00:00Z,high\n"
        "4,2026-03-02T10:00:00Z,hotline-secret\n",
        "utf-8",
    )
    page = only_page(list(source(tmp_path, "incidents.csv").pages()))
    assert [record.key for record in page.records] == ["1"]
    assert [(reject.ref, reject.problem) for reject in page.rejected] == [
        ("row 2", "repeated_row"),
        ("row 3", "missing_field"),
        ("row 4", "wrong_type"),
        ("row 5", "future_date"),
        ("row 6", "unknown_value"),
    ]
    assert not [reject for reject in page.rejected if "secret" in reject.message]


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("nowhere.csv", "there is no file"),
        ("incidents.xlsx", "should end in"),
        ("SELECT 1 AS incident_id", "no column created_at"),
        ("SELECT * FROM nothing", "DuckDB cannot read it"),
    ],
)
def test_a_table_that_cannot_be_read_is_a_gap(table: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "incidents.xlsx").write_text("x", "utf-8")
    (gap,) = list(source(tmp_path, table).pages())
    assert isinstance(gap, Gap)
    assert words in gap.message
    assert gap.message.endswith(("stays in use.", "in duckdb."))


def core_of(folder: Path, tables: IncidentTables, query: str) -> list[tuple[Any, ...]]:
    night = night_of(folder)
    nightly._land(night, Registered(source=tables, record_types=RECORD_TYPES))
    nightly._land(night, Registered(source=tables, record_types=RECORD_TYPES))
    nightly.build_core(night)
    with connect(night.working_path) as connection:
        return connection.execute(query).fetchall()


def test_log_and_shifts_make_pages(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(
        "incident_id,type,occurred_at,person,to_person,channel\n"
        "007,assign,2026-03-02T09:00:00Z,,ana,\n"
        "007,notify,2026-03-02T09:00:05Z,ana,,phone\n"
        "007,acknowledge,2026-03-02T09:03:00Z,ana,,\n",
        "utf-8",
    )
    (tmp_path / "shifts.csv").write_text(
        "person,start_at,end_at,schedule\nana,2026-03-01T00:00:00Z,2026-05-01T00:00:00Z,rota\n", "utf-8"
    )
    tables = source(tmp_path, write(tmp_path, ".csv"), log="log.csv", shifts="shifts.csv")
    found = core_of(
        tmp_path / "storage",
        tables,
        "SELECT pages.person_id, pages.outcome, interruptions.band FROM core.pages AS pages "
        "JOIN core.interruptions AS interruptions ON interruptions.incident_id = pages.incident_id",
    )
    assert found == [("ana", "in_time", "business")]


def test_a_status_page_of_three_years_arrives_exactly_once(tmp_path: Path) -> None:
    """Two independent collections of one page, put together by a SELECT as an operator would."""
    folder = needed("data", "incidents", "githubstatus")
    query = (
        "SELECT coalesce(page.id, split_part(feed.url, '/', -1)) AS incident_id, "
        "coalesce(page.created_at::VARCHAR, feed.started_at::VARCHAR) AS created_at, "
        "coalesce(page.name, feed.title) AS title, feed.resolved_at::VARCHAR AS resolved_at, "
        "coalesce(page.impact, feed.impact) IN ('major', 'critical') AS is_major "
        "FROM read_json('incidents.jsonl.gz', "
        "columns = {id: 'VARCHAR', name: 'VARCHAR', created_at: 'VARCHAR', impact: 'VARCHAR'}) AS page "
        "FULL JOIN read_json('incidents_from_feed.jsonl.gz', columns = {url: 'VARCHAR', title: 'VARCHAR', "
        "started_at: 'VARCHAR', resolved_at: 'VARCHAR', impact: 'VARCHAR'}) AS feed "
        "ON page.id = split_part(feed.url, '/', -1)"
    )
    ids = {row["id"] for row in rows("incidents", "githubstatus", "incidents.jsonl.gz")}
    ids |= {
        str(row["url"]).rsplit("/", 1)[-1]
        for row in rows("incidents", "githubstatus", "incidents_from_feed.jsonl.gz")
    }
    found = core_of(
        tmp_path,
        source(folder, query),
        "SELECT replace(incident_id, 'incidents:', '') FROM core.incidents ORDER BY 1",
    )
    assert [row[0] for row in found] == sorted(ids)
