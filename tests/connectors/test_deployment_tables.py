"""Deployments of any tool from a table: read, checked, conformed. Not here: incidents (their own tests)."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from connectors.contract import Page
from connectors.incident_tables.records import RECORD_TYPES, DeploymentRow
from connectors.incident_tables.tables import IncidentTables
from connectors.tables import table_of
from pipelines import nightly
from pipelines.sources import Registered
from tests.connectors.pagerduty.loopback import night_of
from transforms.queries import sql
from warehouse.connection import connect

NOW = datetime(2026, 3, 10, tzinfo=UTC)
TABLE = """deployment_id,services,finished_at,environment,status,kind,changes,repairs
d1,API;web,2026-03-02T10:00:00+01:00,,,,acme/api#1;ACME/API#2,
d2,api,2026-03-02T12:00:00Z,production,SUCCESS,rollback,,d1
d3,api,2026-03-02T13:00:00Z,staging,failure,normal,acme/api#9,
d4,api,2026-03-11T13:00:00Z,,,,,
d5,api,2026-03-03T13:00:00Z,,,redeploy,,
"""


def read(folder: Path) -> Page:
    (folder / "deployments.csv").write_text(TABLE)
    tables = IncidentTables(
        incidents=None,
        log=None,
        shifts=None,
        deployments=table_of("deployments.csv", folder),
        known_at_utc=NOW,
    )
    (page,) = tables.pages()
    assert isinstance(page, Page)
    return page


def test_each_row_is_a_deployment_and_a_bad_one_is_named(tmp_path: Path) -> None:
    page = read(tmp_path)
    records = [record for record in page.records if isinstance(record, DeploymentRow)]
    assert [record.deployment_id for record in records] == ["d1", "d2", "d3"]
    assert (records[0].services, records[0].changes) == (("API", "web"), ("acme/api#1", "ACME/API#2"))
    assert (records[0].environment, records[0].status, records[0].kind) == ("production", "success", "normal")
    assert records[0].finished_at_utc == datetime(2026, 3, 2, 9, tzinfo=UTC)
    assert [(one.ref, one.field) for one in page.rejected] == [("row 4", "finished_at"), ("row 5", "kind")]


def test_services_and_pull_requests_are_those_of_core(tmp_path: Path) -> None:
    records = [record for record in read(tmp_path).records if isinstance(record, DeploymentRow)]
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE SCHEMA core; CREATE SCHEMA landing;"
            "CREATE TABLE core.services AS SELECT 'api' AS service_id;"
            "CREATE TABLE core.pull_requests AS SELECT 'p' || n AS pr_id, 'acme/api#' || n AS ref "
            "FROM range(1, 4) AS numbers(n);"
            "CREATE TABLE landing.incidents__deployments (deployment_id VARCHAR, source_url VARCHAR, "
            "services VARCHAR[], environment VARCHAR, status VARCHAR, finished_at_utc TIMESTAMP, "
            "kind VARCHAR, changes VARCHAR[], repairs VARCHAR)"
        )
        for one in records:
            connection.execute(
                "INSERT INTO landing.incidents__deployments VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    one.deployment_id,
                    one.source_url,
                    list(one.services),
                    one.environment,
                    one.status,
                    one.finished_at_utc.replace(tzinfo=None),
                    one.kind,
                    list(one.changes),
                    one.repairs,
                ],
            )
        found = connection.execute(sql("core/deployments/incidents.sql")).fetchall()
    by_id = {row[0]: row for row in found}
    assert by_id["incidents:d1"][3] == ["api", "web"]
    assert by_id["incidents:d1"][8] == ["p1", "p2"]
    assert by_id["incidents:d2"][7:] == ("rollback", [], "incidents:d1", "d2")


def ledger_after(folder: Path, *texts: str | None) -> list[tuple[date, str, int]]:
    """Months of deployments that the ledger calls incomplete after a night each with the table so written.

    None: the table is not there that night.
    """
    night = night_of(folder)
    for number, text in enumerate(texts):
        (folder / "deployments.csv").unlink(missing_ok=True)
        if text is not None:
            (folder / "deployments.csv").write_text(text)
        tables = IncidentTables(
            incidents=None,
            log=None,
            shifts=None,
            deployments=table_of("deployments.csv", folder),
            known_at_utc=NOW + timedelta(days=number),
        )
        nightly._land(night, Registered(source=tables, record_types=RECORD_TYPES))
    nightly.build_core(night)
    with connect(night.working_path) as connection:
        assert connection.execute("SELECT count(*) > 0 FROM core.deployments").fetchall() == [(True,)]
        return connection.execute(
            "SELECT month_start, reason, rejected FROM ops.completeness "
            "WHERE source = 'deployments' AND status = 'incomplete' ORDER BY month_start"
        ).fetchall()


HEADER = "deployment_id,services,finished_at,environment"
WHOLE = f"{HEADER}\nd1,api,2026-02-02T10:00:00Z,production\nd2,api,2026-03-02T10:00:00Z,production\n"


def test_a_table_that_is_not_there_keeps_the_last_good_one_and_makes_its_months_incomplete(
    tmp_path: Path,
) -> None:
    found = ledger_after(tmp_path, WHOLE, None)
    assert [month for month, _, _ in found] == [date(2026, 2, 1), date(2026, 3, 1)]
    assert all("there is no such file" in reason for _, reason, _ in found)


def test_a_row_that_tells_no_month_makes_every_month_incomplete(tmp_path: Path) -> None:
    found = ledger_after(tmp_path, WHOLE + "d3,api,yesterday,production\n")
    assert [(month, rejected) for month, _, rejected in found] == [
        (date(2026, 2, 1), 1),
        (date(2026, 3, 1), 1),
    ]
    assert all("ops.rejected_records" in reason for _, reason, _ in found)


def test_a_table_has_no_count_of_its_own_so_its_months_are_unknown_and_not_complete(tmp_path: Path) -> None:
    ledger_after(tmp_path, WHOLE)
    with connect(night_of(tmp_path).working_path) as connection:
        assert connection.execute(
            "SELECT strftime(month_start, '%Y-%m'), stored, expected, status, reason FROM ops.completeness "
            "WHERE source = 'deployments' ORDER BY month_start"
        ).fetchall() == [
            (month, 1, None, "unknown", "nobody counts a table independently")
            for month in ("2026-02", "2026-03")
        ]


@pytest.mark.parametrize("texts", [(WHOLE,), (WHOLE, None, WHOLE)])
def test_a_table_that_is_read_whole_has_no_gap(tmp_path: Path, texts: tuple[str | None, ...]) -> None:
    assert ledger_after(tmp_path, *texts) == []
