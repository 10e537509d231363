"""Incidents from a CSV, JSON or Parquet file or a SELECT: good rows arrive once, bad ones are named."""

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from connectors.contract import Gap, Page
from connectors.incident_tables.records import RECORD_TYPES, IncidentRow
from connectors.incident_tables.tables import IncidentTables
from connectors.tables import Table, table_of
from pipelines import nightly
from pipelines.sources import Registered
from tests.connectors.pagerduty.loopback import night_of
from tests.shared_material import needed, rows
from transforms.core.build import is_told
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


def source(folder: Path, incidents: str | Table, **more: Any) -> IncidentTables:
    tables = {"incidents": incidents, "log": None, "shifts": None} | more
    return IncidentTables(
        known_at_utc=NOW,
        **{
            name: table_of(written, folder) if isinstance(written, str) else written
            for name, written in tables.items()
        },
    )


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


def test_what_something_cost_is_nobodys_pay_and_is_not_read(tmp_path: Path) -> None:
    name = write(tmp_path, ".csv")
    query = f"SELECT *, 900 AS total_cost, 3 AS commission, 0.2 AS hourly_error_rate FROM '{name}'"
    page = only_page(list(source(tmp_path, query).pages()))
    assert sorted(record.key for record in page.records) == ["007", "8"]


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
        ("nowhere.csv", "nowhere.csv cannot be read (there is no such file)"),
        ("incidents.xlsx", "a file of .csv, .parquet"),
        ("SELECT 1 AS incident_id", "missing: created_at"),
        ("SELECT * FROM nothing", "the SQL query cannot be read (CatalogException"),
        ("SELECT 1 AS incident_id, 2 AS created_at, 3 AS resovled_at", "unknown: resovled_at"),
        ("SELECT 1 AS incident_id, 2 AS created_at, 3 AS on_call_compensation", "Pay is refused"),
    ],
)
def test_a_table_that_cannot_be_read_is_a_gap(table: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "incidents.xlsx").write_text("x", "utf-8")
    (gap,) = list(source(tmp_path, table).pages())
    assert isinstance(gap, Gap)
    assert gap.message.startswith("[sources.incidents] incidents: ")
    assert words in gap.message
    assert gap.message.endswith("he last good one stays in use.")
    assert str(tmp_path) not in gap.message


def test_columns_of_the_other_tool_that_mean_nothing_here_are_left(tmp_path: Path) -> None:
    (tmp_path / "incidents.csv").write_text(
        "incident_id,created_at,Colour,customer_notes\n1,2026-03-02T10:00:00Z,red,secret\n", "utf-8"
    )
    page = only_page(list(source(tmp_path, "incidents.csv").pages()))
    assert [record.key for record in page.records] == ["1"]
    assert "secret" not in repr(page)


@pytest.mark.parametrize("kind", ["duckdb", "sqlite"])
def test_incidents_come_from_a_database_as_they_come_from_a_file(kind: str, tmp_path: Path) -> None:
    rows = [("007", "2026-03-02T10:00:00+01:00", "kettle", 1), ("8", "2026-03-03T10:00:00Z", None, 0)]
    create = "CREATE TABLE tickets (number TEXT, opened TEXT, system TEXT, severe INTEGER, owner TEXT)"
    insert = "INSERT INTO tickets VALUES (?, ?, ?, ?, 'nobody')"
    with closing((sqlite3 if kind == "sqlite" else duckdb).connect(str(tmp_path / "itsm.db"))) as database:
        database.execute(create)
        database.executemany(insert, rows)
        database.commit()
    query = (
        "SELECT number AS incident_id, opened AS created_at, system AS service, severe = 1 AS is_major "
        "FROM itsm.tickets"
    )
    table = Table(folder=tmp_path, sql=query, attach={"itsm": "itsm.db"})
    page = only_page(list(source(tmp_path, table).pages()))
    assert not page.rejected
    first, second = sorted(page.records, key=lambda record: record.key)
    assert isinstance(first, IncidentRow)
    assert isinstance(second, IncidentRow)
    assert (first.incident_id, first.service, first.is_major) == ("007", "kettle", True)
    assert first.created_at_utc == datetime(2026, 3, 2, 9, tzinfo=UTC)
    assert (second.incident_id, second.service, second.is_major) == ("8", None, False)


@pytest.mark.parametrize("suffix", [".json", ".jsonl"])
def test_a_time_without_its_offset_is_no_time_where_every_row_is_so(suffix: str, tmp_path: Path) -> None:
    """Nothing is taken for UTC because it looks like a time; the same row with an offset is good."""
    rows = [{"incident_id": "1", "created_at": "2026-03-02T10:00:00"}]
    (tmp_path / f"incidents{suffix}").write_text("\n".join(json.dumps(row) for row in rows), "utf-8")
    page = only_page(list(source(tmp_path, f"incidents{suffix}").pages()))
    assert [reject.problem for reject in page.rejected] == ["wrong_type"]
    rows[0]["created_at"] += "+05:30"
    (tmp_path / f"incidents{suffix}").write_text("\n".join(json.dumps(row) for row in rows), "utf-8")
    (record,) = only_page(list(source(tmp_path, f"incidents{suffix}").pages())).records
    assert isinstance(record, IncidentRow)
    assert record.created_at_utc == datetime(2026, 3, 2, 4, 30, tzinfo=UTC)


@pytest.mark.parametrize("suffix", [".csv", ".json", ".jsonl", ".parquet"])
def test_hostile_rows_of_every_format_are_left_out_counted_and_named_by_number(
    suffix: str, tmp_path: Path
) -> None:
    """Nothing that a row holds stops the others, and none of it is repeated."""
    bad = [
        {"incident_id": "", "created_at": "2026-03-02T10:00:00Z"},
        {"incident_id": "2", "created_at": "2026-03-02T25:00:00Z"},
        {"incident_id": "3", "created_at": "0000-00-00T00:00:00Z"},
        {"incident_id": "4", "created_at": "2026-03-02T10:00:00"},
        {"incident_id": "5", "created_at": "9999-12-31T23:59:59+00:00"},
        {"incident_id": "6", "created_at": "'; DROP TABLE incidents; --"},
        {"incident_id": "7", "created_at": "2026-03-02T10:00:00Z", "is_major": "maybe"},
        {"incident_id": "8", "created_at": "2026-03-02T10:00:00Z", "resolution_tag": "<script>"},
        {"incident_id": "9", "created_at": "2026-03-02T10:00:00Z", "urgency": "hi\u202egh"},
    ]
    good = {"incident_id": "x'); --\u202e", "created_at": "2026-03-02T10:00:00Z", "title": 'a,"b"\nc'}
    every: list[dict[str, str]] = [*bad, good]
    names = sorted({name for row in every for name in row})
    path = tmp_path / f"incidents{suffix}"
    frame = pl.DataFrame({name: [row.get(name) for row in every] for name in names})
    {
        ".csv": frame.write_csv,
        ".json": frame.write_json,
        ".jsonl": frame.write_ndjson,
        ".parquet": frame.write_parquet,
    }[suffix](path)
    page = only_page(list(source(tmp_path, path.name).pages()))
    (kept,) = page.records
    assert isinstance(kept, IncidentRow)
    assert (kept.incident_id, kept.title) == (good["incident_id"], good["title"])
    assert [reject.ref for reject in page.rejected] == [f"row {number}" for number in range(1, 10)]
    told = " ".join(reject.message for reject in page.rejected)
    assert not [word for word in ("DROP", "script", "maybe", "\u202e", "9999") if word in told]


def core_of(folder: Path, tables: IncidentTables, query: str) -> list[tuple[Any, ...]]:
    night = night_of(folder)
    nightly._land(night, Registered(source=tables, record_types=RECORD_TYPES))
    nightly._land(night, Registered(source=tables, record_types=RECORD_TYPES))
    nightly.build_core(night)
    with connect(night.working_path) as connection:
        return connection.execute(query).fetchall()


def test_a_cause_that_is_named_reaches_core_which_no_other_source_gives(tmp_path: Path) -> None:
    (tmp_path / "incidents.csv").write_text(
        "incident_id,created_at,cause_key\n1,2026-03-02T10:00:00Z, disk full \n2,2026-03-20T10:00:00Z,\n",
        "utf-8",
    )
    query = "SELECT ref, cause_key FROM core.incidents ORDER BY ref"
    found = core_of(tmp_path / "storage", source(tmp_path, "incidents.csv"), query)
    assert found == [("1", "disk full"), ("2", None)]
    assert is_told("incidents.cause_key", ["incidents"])
    assert not is_told("incidents.cause_key", ["pagerduty"])


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
