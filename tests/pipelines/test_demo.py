"""The demo: two commands on a fresh machine, from made-up pages to packets."""

import hashlib
import json
import os
from pathlib import Path

import duckdb

from metrics_catalog.guard import leaks_in_json, leaks_in_schema
from tests.the_command import DEMO_SIZE, copy_of, evenhand


def published(demo: Path) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(str((demo / "published" / "evenhand.duckdb").resolve()), read_only=True)


def test_it_writes_packets_a_trend_page_and_both_published_files(demo: Path) -> None:
    packets = sorted((demo / "packets" / "2026-Q2").glob("*/packet.html"))
    assert len(packets) >= 20
    assert (demo / "trends" / "index.html").exists()
    assert os.stat(demo / "published" / "evenhand.duckdb").st_mode & 0o777 == 0o600
    assert (demo / "published" / "evenhand-analyst.duckdb").exists()


def test_nothing_was_rejected_and_no_blocking_check_failed(demo: Path) -> None:
    with published(demo) as connection:
        assert connection.execute("SELECT count(*) FROM ops.rejected_records").fetchall() == [(0,)]
        failed = connection.execute("FROM ops.checks WHERE NOT passed AND severity = 'error'").fetchall()
        assert failed == []
        assert connection.execute("SELECT count(*) >= 40 FROM ops.checks").fetchall() == [(True,)]


def test_the_analysts_file_holds_no_person(demo: Path) -> None:
    path = (demo / "published" / "evenhand-analyst.duckdb").resolve()
    with published(demo) as full, duckdb.connect(str(path), read_only=True) as analyst:
        names = {
            name
            for row in full.execute("SELECT person_id, name, email FROM core.people").fetchall()
            for name in row
            if name
        }
        names |= {login for (login,) in full.execute("SELECT login FROM core.accounts").fetchall()}
        tables = analyst.execute("SELECT schema_name, table_name FROM duckdb_tables()").fetchall()
        assert {schema for schema, _ in tables} == {"catalog", "facts", "ops", "trends"}
        values = {
            value
            for schema, table in tables
            for row in analyst.execute(f"FROM {schema}.{table}").fetchall()
            for value in row
            if isinstance(value, str)
        }
    assert len(names) > 40
    assert not names & values
    assert not [value for value in values if value.startswith("github:user/")]


def test_no_shallow_signal_is_stored_or_printed(demo: Path) -> None:
    with published(demo) as connection:
        columns = connection.execute(
            "SELECT schema_name || '.' || table_name, column_name FROM duckdb_columns() WHERE NOT internal"
        ).fetchall()
    assert len(columns) > 150
    assert leaks_in_schema(columns) == ()
    packets = sorted(demo.glob("packets/*/*/packet.json"))
    assert packets
    for path in packets:
        assert leaks_in_json(json.loads(path.read_text()), path.name) == ()


def test_every_table_and_column_says_what_it_means(demo: Path) -> None:
    with published(demo) as connection:
        silent = connection.execute(
            "SELECT schema_name, table_name, column_name FROM duckdb_columns() "
            "WHERE comment IS NULL AND NOT internal AND table_name <> 'all_periods'"
        ).fetchall()
    assert silent == []


def test_a_second_run_plays_the_next_night_and_changes_no_final_month_before(
    finished_demo: Path, tmp_path: Path
) -> None:
    folder = copy_of(finished_demo, tmp_path)
    final = (
        "SELECT * FROM trends.periods "
        "WHERE period_start <= DATE '2026-04-01' AND grain = 'month' ORDER BY ALL"
    )
    with published(folder) as connection:
        first = connection.execute(final).fetchall()
        assert first
        as_of = connection.execute("SELECT as_of_utc FROM ops.publication").fetchall()
    assert evenhand("demo", *DEMO_SIZE, "--out", str(folder)).returncode == 0
    with published(folder) as connection:
        assert connection.execute(final).fetchall() == first
        assert (
            connection.execute("SELECT as_of_utc - INTERVAL 1 DAY FROM ops.publication").fetchall() == as_of
        )
        assert connection.execute("SELECT count(*) FROM ops.loads WHERE source = 'github'").fetchall() == [
            (2,)
        ]
    again = evenhand("demo", "--engineers", "9", "--out", str(folder))
    assert again.returncode == 2
    assert "another size needs another folder" in again.stderr


def test_the_same_organisation_gives_the_same_bytes(demo: Path, tmp_path: Path) -> None:
    other = tmp_path / "acme"
    assert evenhand("demo", *DEMO_SIZE, "--out", str(other)).returncode == 0

    def hashes(folder: Path) -> dict[str, str]:
        files = [*sorted(folder.glob("packets/*/*/packet.*")), folder / "trends" / "index.html"]
        return {
            str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files
        }

    assert hashes(other) == hashes(demo)


def test_a_packet_of_a_past_day_is_rebuilt_beside_the_published_one(demo: Path) -> None:
    before = (demo / "published" / "current").readlink()
    config = ("--config", str(demo / "evenhand.toml"))
    person = sorted((demo / "packets" / "2026-Q2").iterdir())[0].name
    out = demo / "past"
    result = evenhand(
        "packet", person, "--quarter", "2026-Q1", "--as-of", "2026-05-31", "--out", str(out), *config
    )
    assert result.returncode == 0, result.stderr
    document = json.loads((out / "2026-Q1" / person / "packet.json").read_text())
    assert document["period"]["as_of_utc"] == "2026-05-31T00:00:00Z"
    assert (demo / "published" / "current").readlink() == before


def test_tickets_features_and_goals_reach_packets_and_the_trend_page(demo: Path) -> None:
    """Through the real clients and files: adoption, follow-ups, defects, and who worked on what."""
    with published(demo) as connection:
        with_cases = {
            metric
            for (metric,) in connection.execute(
                "SELECT DISTINCT metric_id FROM trends.periods WHERE n > 0 AND subject_kind <> 'person'"
            ).fetchall()
        }
        agreed = {
            person
            for (person,) in connection.execute(
                "SELECT DISTINCT owner_id FROM core.goals WHERE metric_id = 'si_prod_bugs_per_sprint'"
            ).fetchall()
        }
        described = {
            person
            for (person,) in connection.execute(
                "SELECT DISTINCT subject_id FROM facts.si_prod_bugs_per_sprint WHERE subject_kind = 'person'"
            ).fetchall()
        }
    assert with_cases >= {
        *("fc_adoption_rate", "fc_docs_with_feature", "si_followup_closed", "rq_escaped_defects"),
        *("si_prod_bugs_per_sprint", "oc_postmortem_on_time"),
    }
    assert described <= agreed
    with published(demo) as connection:
        documented = connection.execute(
            "SELECT grain, count(*) FILTER (WHERE status = 'ok') FROM trends.periods "
            "WHERE metric_id = 'fc_docs_with_feature' AND disclosed GROUP BY grain ORDER BY grain"
        ).fetchall()
    assert [(grain, cells > 1) for grain, cells in documented] == [("month", True), ("quarter", True)]
    packets = [json.loads(path.read_text()) for path in sorted(demo.glob("packets/2026-Q2/*/packet.json"))]
    shown = [packet for packet in packets if packet["features"]]
    assert shown
    assert any(feature["attached"] for packet in shown for feature in packet["features"])
    assert any(goal["team"] for packet in packets for goal in packet["goals"])
    assert {packet["agreed_last_time"] == "None recorded." for packet in packets} == {True, False}
    page = (demo / "trends" / "index.html").read_text()
    assert "Attached, latency p95" in page
    assert "Goal: Everything merged is approved by a second person" in page
