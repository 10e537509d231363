"""Deployments of any tool from a table: read, checked, conformed. Not here: incidents (their own tests)."""

from datetime import UTC, datetime
from pathlib import Path

import duckdb

from connectors.contract import Page
from connectors.incident_tables.records import DeploymentRow
from connectors.incident_tables.tables import IncidentTables
from connectors.tables import table_of
from transforms.queries import sql

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
    assert by_id["incidents:d2"][7:] == ("rollback", [], "incidents:d1")
