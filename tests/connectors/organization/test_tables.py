"""The roster from elsewhere, and features with their counters: files, queries, bad rows.

Here: what is read of a folder. Not here: adoption (tests/golden, tests/transforms).
"""

import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from connectors import tables
from connectors.contract import Gap, Page
from connectors.incident_tables.tables import COLUMNS
from connectors.organization.feature_records import (
    ActivityRow,
    EligibilityRow,
    FeatureRow,
    MeasurementRow,
    UseRow,
)
from connectors.organization.features import FEATURE_KEYS, FeaturesFile
from connectors.organization.files import (
    CALENDAR_COLUMNS,
    HIRING_COLUMNS,
    PEOPLE_COLUMNS,
    SERVICES_COLUMNS,
    OrganizationSource,
)
from connectors.organization.records import RosterRow
from connectors.pay import is_pay
from connectors.tables import Table, _reason
from tests.connectors.organization.writing import KNOWN_AT

FEATURE = """
[[feature]]
id = "exports"
team = "pay"
epic = "API-7"
released = 2026-03-01
eligible = { file = "eligible.csv" }

[feature.used]
sql = "SELECT who AS account, happened AS used_at FROM product.uses"
attach = { product = "p.duckdb" }

[active]
file = "active.parquet"

[[document]]
service = "api"
name = "latency p95"
unit = "ms"
file = "latency.csv"
"""


def roster(people: Any) -> tuple[list[RosterRow], list[Any], list[Gap]]:
    source = OrganizationSource(
        people=people, calendar=None, services=None, reporting_timezone="Europe/Berlin", known_at_utc=KNOWN_AT
    )
    entries = list(source.pages())
    pages = [entry for entry in entries if isinstance(entry, Page)]
    rows = [record for page in pages for record in page.records if isinstance(record, RosterRow)]
    rejected = [reject for page in pages for reject in page.rejected]
    return rows, rejected, [entry for entry in entries if isinstance(entry, Gap)]


@pytest.fixture
def hr(tmp_path: Path) -> Path:
    with duckdb.connect(str(tmp_path / "hr.duckdb")) as connection:
        connection.execute(
            "CREATE TABLE people (id VARCHAR, team VARCHAR, hired DATE, logins VARCHAR[], pay INTEGER)"
        )
        connection.execute("INSERT INTO people VALUES ('ana', 'pay', '2024-02-01', ['ana-m', 'ana2'], 1)")
        connection.execute("INSERT INTO people VALUES (NULL, 'pay', '2024-02-01', [], 1)")
    return tmp_path


def query(folder: Path, sql: str) -> Table:
    return Table(folder=folder, sql=sql, attach={"hr": "hr.duckdb"})


def test_the_roster_comes_from_a_query_on_an_attached_database(hr: Path) -> None:
    columns = "id AS person, team, hired AS valid_from, logins AS github"
    sql = f"SELECT {columns} FROM hr.people ORDER BY id NULLS LAST"
    rows, rejected, gaps = roster(query(hr, sql))
    assert gaps == []
    (ana,) = rows
    assert (ana.person_id, ana.team_id, ana.valid_from) == ("ana", "pay", date(2024, 2, 1))
    assert ana.github == ("ana-m", "ana2")
    assert ana.time_zone == "Europe/Berlin"
    assert [reject.ref for reject in rejected] == ["the SQL query, line 2"]


PAY = (
    "salary Salaries base_salary_eur basePay base-pay payBand pay_grade PayLevel payroll_no annual_bonus "
    "hourly_wage compensation total_comp annual_rate hourlyRate day_rate OTE ctc rsu_grant equity income "
    "Gehalt Jahresgehalt Bruttogehalt Stundenlohn Vergütung Verguetung Entgelt Prämie salaire rémunération "
    "sueldo salario salário stipendio wynagrodzenie palkka зарплата 給与 年収 工资 연봉"
).split()


@pytest.mark.parametrize("column", PAY)
def test_a_column_of_pay_is_refused_before_anything_is_read(hr: Path, column: str) -> None:
    rows, _, (gap,) = roster(query(hr, f'SELECT id AS person, team AS "{column}" FROM hr.people'))
    assert rows == []
    assert "Pay is refused" in gap.message
    assert column in gap.message


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT id AS person, pay AS level FROM hr.people",
        "SELECT id AS person FROM hr.people WHERE pay > 1",
        "SELECT person, level FROM (SELECT id AS person, h.pay::VARCHAR AS level FROM hr.people AS h)",
        "SELECT person, level FROM (FROM hr.people) AS t(person, team, hired, logins, level) ORDER BY pay",
        "WITH p AS (SELECT * RENAME (pay AS level) FROM hr.people) SELECT id AS person, level FROM p",
    ],
)
def test_pay_under_another_name_is_refused_as_well(hr: Path, sql: str) -> None:
    rows, _, (gap,) = roster(query(hr, sql))
    assert rows == []
    assert "Pay is refused" in gap.message


def test_pay_that_a_query_leaves_out_is_in_nobodys_way(hr: Path) -> None:
    sql = "SELECT id AS person, team FROM (SELECT * EXCLUDE (pay) FROM hr.people) WHERE id IS NOT NULL"
    rows, rejected, gaps = roster(query(hr, sql))
    assert ([row.person_id for row in rows], rejected, gaps) == (["ana"], [], [])


def test_no_column_that_is_read_anywhere_looks_like_pay() -> None:
    """And some words that only look like it."""
    known = {*PEOPLE_COLUMNS, *HIRING_COLUMNS, *CALENDAR_COLUMNS, *SERVICES_COLUMNS, *FEATURE_KEYS}
    known |= {column for columns in COLUMNS.values() for column in columns}
    innocent = (
        "payment_id payments_team payload wagen rating rate_limit cost_center company placement platform"
    )
    assert not [name for name in (*sorted(known), *innocent.split()) if is_pay(name)]


def test_a_roster_in_a_sqlite_file_is_read_without_an_extension(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "hr.db")) as database:
        database.execute("CREATE TABLE staff (id INTEGER, team TEXT, hired DATE, days INTEGER, github TEXT)")
        database.execute('CREATE TABLE "pay slips" (id INTEGER, salary REAL)')
        database.execute("CREATE VIEW engineers AS SELECT * FROM staff WHERE team <> 'sales'")
        database.executemany(
            "INSERT INTO staff VALUES (?, ?, ?, ?, ?)",
            [
                (7, "pay", "2024-02-01", 1234, "ana-m;ana2"),
                (8, "sales", None, 12345, None),
                (9, "web", None, None, "ü"),
            ],
        )
        database.commit()
    sql = (
        "SELECT 'p' || e.id AS person, e.team, e.hired AS valid_from, e.days AS working_days, s.github "
        "FROM hr.engineers AS e JOIN hr.main.staff AS s ON s.id = e.id ORDER BY e.id"
    )
    rows, rejected, gaps = roster(Table(folder=tmp_path, sql=sql, attach={"hr": "hr.db"}))
    assert (rejected, gaps) == ([], [])
    ana, other = sorted(rows, key=lambda row: row.person_id)
    assert (ana.person_id, ana.team_id, ana.valid_from) == ("p7", "pay", date(2024, 2, 1))
    assert (ana.working_days, ana.github) == ((1, 2, 3, 4), ("ana-m", "ana2"))
    assert (other.person_id, other.github) == ("p9", ("ü",))
    everything = Table(folder=tmp_path, sql='FROM hr."pay slips"', attach={"hr": "hr.db"})
    assert "Pay is refused" in roster(everything)[2][0].message


@pytest.mark.parametrize(
    "said",
    [
        'IO Error: Unable to connect to Postgres at "password=plantedForHr99"',
        "IO Error: could not parse: host=hr.acme.example password=plantedForHr99",
        "IO Error: Access denied: plantedForHr99@hr.acme.example",
    ],
)
def test_what_a_server_is_reached_by_is_in_no_message_and_no_repr(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    """The settings refuse a password there; a client may say back whatever it was given."""

    def fails(*_: Any) -> None:
        raise duckdb.IOException(said)

    monkeypatch.setattr(tables, "_attach", fails)
    place = "postgres:host=hr.acme.example password=plantedForHr99"
    table = Table(folder=tmp_path, sql="FROM hr.people", attach={"hr": place})
    (gap,) = roster(table)[2]
    assert "cannot be read (IOException" in gap.message
    said_anywhere = gap.message + repr(table)
    assert not [part for part in ("plantedForHr99", "acme.example") if part in said_anywhere]


@pytest.mark.parametrize(
    ("attached", "said"),
    [
        ("nowhere.db", "there is no database nowhere.db, attached as hr"),
        ("broken.db", "the SQL query cannot be read (DatabaseError"),
        ("notes.txt", "the SQL query cannot be read (IOException"),
        ("postgres:host=127.0.0.1 port=1 dbname=hr password=hunter2", "the SQL query cannot be read ("),
    ],
)
def test_a_database_that_cannot_be_attached_is_a_gap_without_path_or_password(
    tmp_path: Path, attached: str, said: str
) -> None:
    (tmp_path / "broken.db").write_bytes(b"SQLite format 3\x00 and then nothing of it")
    (tmp_path / "notes.txt").write_text("no database")
    _, _, (gap,) = roster(Table(folder=tmp_path, sql="SELECT id FROM hr.people", attach={"hr": attached}))
    assert said in gap.message
    assert "hunter2" not in gap.message
    assert str(tmp_path) not in gap.message


def test_an_extension_that_is_not_there_is_named_with_what_to_do() -> None:
    told = duckdb.IOException(
        'IO Error: Extension "/home/me/.duckdb/postgres_scanner.duckdb_extension" not found.\n'
        'Extension "postgres_scanner" is an existing extension.\n\n'
        'Install it first using "INSTALL postgres_scanner".'
    )
    assert _reason(told).startswith("DuckDB's extension postgres_scanner is not installed")
    assert "INSTALL postgres_scanner" in _reason(told)
    assert "/home" not in _reason(told)


def test_a_column_of_pay_in_the_csv_file_is_refused_too(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text("person,name,Salary\nana,Ana,1\n")
    _, _, (gap,) = roster(path)
    assert "Pay is refused" in gap.message


def test_a_roster_of_parquet_is_read(tmp_path: Path) -> None:
    with duckdb.connect() as connection:
        connection.execute(f"COPY (SELECT 'ana' AS person, 'pay' AS team) TO '{tmp_path}/people.parquet'")
    rows, rejected, gaps = roster(tmp_path / "people.parquet")
    assert ([row.person_id for row in rows], rejected, gaps) == (["ana"], [], [])


@pytest.mark.parametrize(
    "sql", ["SELECT nonsense", "SELECT id FROM hr.people", "SELECT id AS person, 1 AS shoe FROM hr.people"]
)
def test_a_query_that_cannot_be_used_is_a_gap(hr: Path, sql: str) -> None:
    rows, _, (gap,) = roster(query(hr, sql))
    assert rows == []
    assert gap.scope == "people"
    assert "the last good one stays in use" in gap.message


@pytest.fixture
def counters(tmp_path: Path) -> Path:
    (tmp_path / "features.toml").write_text(FEATURE)
    (tmp_path / "eligible.csv").write_text(
        "account,eligible_from,internal\nc1,2026-03-01,\nc2,2026-03-02T10:00:00+01:00,yes\n"
        ",2026-03-02,\nc4,soon,\nc5,2026-04-01,\nc6,2026-03-02,perhaps\n"
    )
    (tmp_path / "latency.csv").write_text("day,value\n2026-03-01,120.5\n2026-03-02,fast\n")
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (SELECT 'c1' AS account, TIMESTAMPTZ '2026-03-02 10:00:00+00' AS active_at) "
            f"TO '{tmp_path}/active.parquet'"
        )
    with duckdb.connect(str(tmp_path / "p.duckdb")) as connection:
        connection.execute("CREATE TABLE uses (who VARCHAR, happened TIMESTAMP)")
        connection.execute("INSERT INTO uses VALUES ('c1', '2026-03-03 08:00'), ('c1', '2026-03-03 08:00')")
        connection.execute("INSERT INTO uses VALUES ('c1', '2031-01-01')")
    return tmp_path


def read(folder: Path) -> tuple[dict[type[Any], list[Any]], list[Any], list[Gap]]:
    file = FeaturesFile(
        path=folder / "features.toml", reporting_timezone="Europe/Berlin", known_at_utc=KNOWN_AT
    )
    found: dict[type[Any], list[Any]] = {}
    rejected: list[Any] = []
    gaps = []
    for entry in file.pages():
        if isinstance(entry, Gap):
            gaps.append(entry)
            continue
        rejected += entry.rejected
        for record in entry.records:
            found.setdefault(type(record), []).append(record)
    return found, rejected, gaps


def test_counters_come_from_csv_parquet_and_a_query(counters: Path) -> None:
    found, _, gaps = read(counters)
    assert gaps == []
    assert [feature.feature_id for feature in found[FeatureRow]] == ["exports"]
    first, second = found[EligibilityRow]
    assert first.eligible_from_utc == datetime(2026, 2, 28, 23, tzinfo=UTC)  # midnight of 1 March in Berlin
    assert (second.eligible_from_utc, second.is_internal) == (datetime(2026, 3, 2, 9, tzinfo=UTC), True)
    assert [use.used_at_utc for use in found[UseRow]] == [datetime(2026, 3, 3, 8, tzinfo=UTC)]
    assert [active.account for active in found[ActivityRow]] == ["c1"]
    assert [(row.about_id, row.value) for row in found[MeasurementRow]] == [("api", 120.5)]


def test_bad_rows_of_counters_are_left_out_and_counted_without_their_values(counters: Path) -> None:
    _, rejected, _ = read(counters)
    assert [(reject.stream, reject.field, reject.ref) for reject in rejected] == [
        ("feature_eligibility", "account", "eligible.csv, row 3"),
        ("feature_eligibility", "eligible_from", "eligible.csv, row 4"),
        ("feature_eligibility", "internal", "eligible.csv, row 6"),
        ("feature_use", "used_at", "the SQL query, row 3"),
        ("measurements", "value", "latency.csv, row 2"),
    ]
    assert not any(word in str(rejected) for word in ("soon", "perhaps", "fast"))


def test_a_counter_that_is_not_there_is_a_gap_of_its_own_and_the_others_are_read(counters: Path) -> None:
    (counters / "eligible.csv").unlink()
    found, _, gaps = read(counters)
    assert [gap.scope for gap in gaps] == ["feature_eligibility"]
    assert UseRow in found


@pytest.mark.parametrize(
    ("line", "other", "said"),
    [
        ('epic = "API-7"', "", "its epic or its flag"),
        ('team = "pay"', 'teem = "pay"', "did you mean team?"),
        ("released = 2026-03-01", 'released = "spring"', "should be a date"),
    ],
)
def test_a_bad_feature_is_left_out_and_says_why(counters: Path, line: str, other: str, said: str) -> None:
    path = counters / "features.toml"
    path.write_text(path.read_text().replace(line, other))
    found, rejected, _ = read(counters)
    assert FeatureRow not in found
    assert said in rejected[0].message
