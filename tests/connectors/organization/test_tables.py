"""The roster from elsewhere, and features with their counters: files, queries, bad rows.

Here: what is read of a folder. Not here: adoption (tests/golden, tests/transforms).
"""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from connectors.contract import Gap, Page
from connectors.organization.feature_records import (
    ActivityRow,
    EligibilityRow,
    FeatureRow,
    MeasurementRow,
    UseRow,
)
from connectors.organization.features import FeaturesFile
from connectors.organization.files import OrganizationSource
from connectors.organization.records import RosterRow
from connectors.organization.tables import Table
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
    return Table(folder=folder, sql=sql, attach={"hr": Path("hr.duckdb")})


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


@pytest.mark.parametrize("column", ["salary", "base_salary_eur", "annual_bonus", "hourly_wage", "pay_band"])
def test_a_column_of_pay_is_refused_before_anything_is_read(hr: Path, column: str) -> None:
    rows, _, (gap,) = roster(query(hr, f"SELECT id AS person, pay AS {column} FROM hr.people"))
    assert rows == []
    assert "Pay is refused" in gap.message
    assert column in gap.message


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
