"""What ``evenhand doctor`` says of files and tables, before the first run: as a night would read them now.

Here: a made-up organisation in the place of the servers. Not here: servers (``test_doctor``).
"""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from pipelines.doctor import Finding, examine, services_of
from pipelines.nightly import Night
from pipelines.profiles import checks, profile
from pipelines.settings import load_settings
from tests.transforms.world import CATALOGUE, World, utc
from transforms.queries import sql

CONFIG = """
[organization]
name = "Acme"
reporting_timezone = "UTC"
[sources.demo]
engineers = 5
months = 3
[sources.incidents]
incidents = "incidents.csv"
log = "nowhere.csv"
[services]
file = "services.csv"
ack_target_minutes = { checkout = 3, Wiki = 30, chekout = 3, "it's" = 4 }
"""
NOW = datetime(2026, 11, 1, tzinfo=UTC)


def found(folder: Path) -> list[Finding]:
    (folder / "evenhand.toml").write_text(CONFIG)
    (folder / "services.csv").write_text(
        "service,tier,team,repository,label,valid_from,valid_to\n"
        "checkout,1,pay,acme/pay,,,\nwiki,3,pay,acme/wiki,,,\n"
    )
    (folder / "incidents.csv").write_text(
        "incident_id,created_at\n1,2026-03-02T10:00:00Z\n2,yesterday\n3,2026-12-01T00:00:00Z\n"
    )
    return examine(night_of(folder), NOW)


def night_of(folder: Path) -> Night:
    return Night(settings=load_settings(folder / "evenhand.toml"), environment={})


def test_files_and_tables_are_read_before_the_first_run(tmp_path: Path) -> None:
    told = {one.text: one.is_fine for one in found(tmp_path)}
    assert told["services: 2 rows."]
    (incidents,) = (text for text in told if text.startswith("incidents: "))
    assert incidents.startswith("incidents: 1 row; 2 rejected: Row 2 of the incidents table: created_at ")
    assert not told[incidents]
    (gap,) = (text for text in told if "nowhere.csv" in text)
    assert not told[gap]
    assert not any(text.startswith("Clock:") for text in told)  # it has a time of its own


def test_what_is_damaged_is_named_and_the_rest_is_looked_at_and_nothing_is_written(tmp_path: Path) -> None:
    for name in ("landing/github/load/manifest.json", "published/evenhand.duckdb"):
        path = tmp_path / "var" / name
        path.parent.mkdir(parents=True)
        path.write_text("{")
    found(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    told = [one.text for one in examine(night_of(tmp_path), NOW) if not one.is_fine]
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
    assert any(text.startswith("Files: ") and "is not a manifest" in text for text in told)
    (published,) = (text for text in told if text.startswith("Published: "))
    assert "cannot be opened as a database" in published
    assert published.endswith("`evenhand run` publishes another.")
    assert not any(text.startswith(("GitHub: ", "Demo: ")) for text in told)


def test_a_roster_and_incidents_of_a_database_are_read_as_evenhand_toml_names_them(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "hr.db")) as database:
        database.execute("CREATE TABLE staff (id TEXT, team TEXT)")
        database.execute("INSERT INTO staff VALUES ('ana', 'pay'), ('ben', 'pay')")
        database.execute("CREATE TABLE tickets (number INTEGER, opened TEXT)")
        database.execute("INSERT INTO tickets VALUES (1, '2026-03-02T10:00:00Z')")
        database.commit()
    (tmp_path / "evenhand.toml").write_text(
        '[organization]\nname = "Acme"\nreporting_timezone = "UTC"\n'
        "[sources.demo]\nengineers = 5\nmonths = 3\n"
        "[sources.incidents]\n"
        'incidents = { sql = "SELECT number AS incident_id, opened AS created_at FROM itsm.tickets", '
        'attach = { itsm = "hr.db" } }\n'
        "[people]\n"
        'roster = { sql = "SELECT id AS person, team FROM hr.staff", attach = { hr = "hr.db" } }\n'
    )
    night = Night(settings=load_settings(tmp_path / "evenhand.toml"), environment={})
    told = {one.text for one in examine(night, NOW) if one.is_fine}
    assert {"people: 2 rows.", "incidents: 1 row."} <= told


def test_a_target_of_a_service_that_is_none_is_named_with_what_may_be_meant(tmp_path: Path) -> None:
    begin = "[services] ack_target_minutes: "
    told = [one for one in found(tmp_path) if one.text.startswith(begin)]
    words = "is no service of services.csv or Backstage, so its target counts for no page."
    assert [one.text.removeprefix(begin) for one in told] == [
        f"Wiki {words} Did you mean wiki?",
        f"chekout {words} Did you mean checkout?",
        f"it's {words}",
    ]
    assert not any(one.is_fine for one in told)


def test_a_run_warns_of_it_too() -> None:
    (check,) = (
        one
        for one in checks(CATALOGUE, ack_targets=["checkout", "chekout", "it's"])
        if one.name == "ack_targets_are_of_services"
    )
    assert check.severity == "warning"
    assert check.wanted == "checkout, chekout, it's of [services] ack_target_minutes to be services"
    world = World()
    world.service("checkout", "pay", first="2026-01-01", after="2026-02-01")
    with world.core() as connection:
        assert profile(connection, [check]) == {check.column: 2}
    assert not [one for one in checks(CATALOGUE) if one.name == check.name]


def test_services_and_repositories_that_no_file_lists_are_named() -> None:
    """Of three services at PagerDuty one is listed by its name, one by its id; the third pages people."""
    made = World()
    made.service("checkout", "red")
    made.add("services", service_id="ledger", tier=2, pagerduty_service_id="PLEDGER")
    made.add("repositories", repository_id="r1", name_with_owner="acme/notes")
    made.add("repositories", repository_id="r2", name_with_owner="acme/checkout")
    made.pull("pr1", merged="2026-03-04 09:00", repository_id="r1")
    made.pull("pr2", merged="2026-03-04 09:00", repository_id="r2", services=["checkout"])
    made.add(
        "incidents",
        incident_id="i1",
        service_id="pagerduty:service/PDOOR",
        urgency="high",
        created_at_utc=utc("2026-03-02 09:00"),
    )
    with made.core() as connection:
        connection.execute("CREATE SCHEMA landing")
        connection.execute(
            """CREATE TABLE landing.pagerduty__services AS
               SELECT 'pagerduty:service/' || id AS service_id, name
               FROM (
                   VALUES ('PCHECK', 'Checkout'), ('PLEDGER', 'Books'), ('PDOOR', 'Door' || chr(10) || 'bell')
               ) AS _ (id, name)"""
        )
        connection.execute(f"INSERT INTO core.source_services {sql('core/source_services/pagerduty.sql')}")
        found = list(services_of(connection))
        connection.execute("DELETE FROM core.incidents")
        connection.execute("DELETE FROM core.pull_requests WHERE pr_id = 'pr1'")
        assert list(services_of(connection)) == []
    assert [(one.is_fine, one.text) for one in found] == [
        (
            False,
            "Services: 1 PagerDuty service has incidents and no row in the services file: Door bell; "
            "these are in no team's figures.",
        ),
        (
            True,
            "Services: 1 repository has no row in the services file: acme/notes; what is merged there is a "
            "change of no service.",
        ),
    ]
