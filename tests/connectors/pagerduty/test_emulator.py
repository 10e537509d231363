"""Whole runs over HTTP against the emulator's organisation: everything comes, within its budget, as it was.

Here: a year in one read and night by night, what core makes of each thing that can happen, faults.
Not here: what single answers mean (``test_parse``), or metrics (golden cases).
"""

import json
import urllib.request
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from connectors.contract import Gap, Page
from connectors.errors import StopSourceError
from connectors.pagerduty.transport import Answer, Parameters, Transport
from metrics_catalog.catalogue import load_catalogue
from pipelines import nightly
from tests.connectors.pagerduty.loopback import land, night_of, source_of
from tests.shared_material import emulated_world
from transforms.facts import build_facts
from warehouse.connection import connect

YEAR = {"seed": 7}
SMALL: dict[str, Any] = {"seed": 8, "gen": {"months": 2, "people": 9, "prs_per_month": 10}}
CORE = ("incidents", "incident_log", "oncall_shifts", "incident_references", "pages")


@pytest.fixture(scope="module")
def world() -> Iterator[Any]:
    running = emulated_world(**YEAR)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def core(world: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """Core after one full read, and the load's manifest in ``manifests``."""
    night = night_of(tmp_path_factory.mktemp("full"))
    manifest = land(night, source_of(world))
    assert manifest.is_complete
    nightly.build_core(night)
    with connect(night.working_path) as connection:
        connection.execute("CREATE TEMP TABLE asked AS SELECT ? AS requests", [manifest.requests])
        yield connection


def raw(world: Any, kind: str) -> list[dict[str, Any]]:
    """What the emulated account's log really holds at this moment: entries of one kind."""
    now = world.clock.now()
    app = world.apps["pagerduty"]
    return [
        entry
        for entry in app.logs
        if entry["type"] == f"{kind}_log_entry" and _stamp(entry["created_at"]).timestamp() <= now
    ]


def _stamp(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _utc(text: str) -> datetime:
    return _stamp(text).replace(tzinfo=None)


def rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    return connection.execute(query).fetchall()


def test_a_year_arrives_whole_and_within_its_budget(world: Any, core: duckdb.DuckDBPyConnection) -> None:
    truth = world.truth_counts()["pagerduty"]
    assert rows(core, "SELECT count(*) FROM core.incidents") == [(truth["incidents"],)]
    listed = {f"pagerduty:incident/{row['id']}" for row in world.truth_rows("pagerduty/incidents")}
    assert {row[0] for row in rows(core, "SELECT incident_id FROM core.incidents")} == listed
    entries = {entry["id"] for kind in ("assign", "notify", "escalate") for entry in raw(world, kind)}
    stored = rows(
        core,
        "SELECT DISTINCT split_part(entry_id, '/', 2) FROM core.incident_log "
        "WHERE type IN ('assign', 'reassign', 'notify', 'escalate')",
    )
    assert {row[0] for row in stored} == entries
    ((requests,),) = rows(core, "SELECT requests FROM asked")
    assert requests <= 90 * truth["incidents"] / 1000
    assert not [text for text in world.stats.violations if "pagerduty" in text]
    assert rows(core, "SELECT DISTINCT status FROM ops.completeness") == [("complete",)]


def test_acknowledgements_resolutions_and_snoozes_are_as_they_were(
    world: Any, core: duckdb.DuckDBPyConnection
) -> None:
    for kind in ("acknowledge", "resolve", "unacknowledge"):
        wanted = Counter(
            (
                f"pagerduty:incident/{entry['incident_id']}",
                _utc(entry["created_at"]),
                f"pagerduty:user/{entry['agent']['id']}"
                if entry["agent"]["type"].startswith("user")
                else None,
            )
            for entry in raw(world, kind)
        )
        found = rows(
            core, f"SELECT incident_id, occurred_at_utc, user_id FROM core.incident_log WHERE type = '{kind}'"
        )
        assert Counter(found) == wanted
        assert wanted
    snoozed = {
        (f"pagerduty:incident/{entry['incident_id']}", _utc(entry["changed_actions"][0]["at"]))
        for entry in raw(world, "snooze")
    }
    assert (
        set(rows(core, "SELECT incident_id, until_utc FROM core.incident_log WHERE type = 'snooze'"))
        == snoozed
    )
    assert snoozed


def test_escalations_and_reassignments_go_to_whom_they_went(
    world: Any, core: duckdb.DuckDBPyConnection
) -> None:
    escalated = Counter(
        (_utc(entry["created_at"]), f"pagerduty:user/{entry['assignees'][0]['id']}", "timeout")
        for entry in raw(world, "escalate")
    )
    found = rows(
        core, "SELECT occurred_at_utc, to_user_id, via FROM core.incident_log WHERE type = 'escalate'"
    )
    assert Counter(found) == escalated
    by_hand = Counter(
        (_utc(entry["created_at"]), f"pagerduty:user/{entry['assignees'][0]['id']}", "manual")
        for entry in raw(world, "assign")
        if entry["agent"]["type"].startswith("user")
    )
    found = rows(
        core, "SELECT occurred_at_utc, to_user_id, via FROM core.incident_log WHERE type = 'reassign'"
    )
    assert Counter(found) == by_hand
    assert escalated
    assert by_hand


def test_every_page_ends_as_the_log_says(world: Any, core: duckdb.DuckDBPyConnection) -> None:
    """Recounted here entry by entry, from the emulator's own log and not from core."""
    app = world.apps["pagerduty"]
    outcomes: dict[tuple[str, str], str] = {}
    for incident in app.incs.values():
        given: dict[str, datetime] = {}
        for entry in incident.log:
            at = _utc(entry["created_at"])
            kind = entry["type"].removesuffix("_log_entry")
            agent = entry.get("agent") or {}
            who = agent.get("id") if str(agent.get("type")).startswith("user") else None
            to = [person["id"] for person in entry.get("assignees") or ()]
            for person, since in given.items():
                key = (f"pagerduty:incident/{incident.id}", f"pagerduty:user/{person}")
                if key in outcomes:
                    continue
                waited = (at - since).total_seconds()
                late = "_late" if waited > 300 else ""
                is_given_away = kind == "assign" and person not in to
                if who == person and (kind in ("acknowledge", "resolve") or is_given_away):
                    outcomes[key] = "responded"
                elif kind == "escalate" and person not in to:
                    outcomes[key] = "timed_out"
                elif kind == "acknowledge" and who:
                    outcomes[key] = "acked_by_other" + late
                elif kind == "resolve":
                    outcomes[key] = ("resolved_by_other" if who else "auto_resolved") + late
                elif kind == "assign" and person not in to:
                    outcomes[key] = "moved_by_other" + late
            if kind in ("assign", "escalate"):
                for person in to:
                    given.setdefault(person, at)
    found = {
        (incident, person): why
        for incident, person, why in rows(core, "SELECT incident_id, person_id, why FROM core.pages")
        if why not in ("low_urgency", "not_on_call", "unanswered", "open")
    }
    assert found
    assert {key: outcomes.get(key) for key in found} == found
    assert {"responded", "timed_out", "auto_resolved"} <= set(found.values())


def test_schedules_are_held_as_they_were_overrides_in_place(
    world: Any, core: duckdb.DuckDBPyConnection
) -> None:
    """Minute by minute over the year; what people hold is what the schedules say, no more and no less."""
    app = world.apps["pagerduty"]
    ((first,),) = rows(
        core, "SELECT min(start_at_utc) FROM core.oncall_shifts WHERE schedule_id LIKE '%schedule%'"
    )
    start, end = int(_stamp(f"{first}+00:00").timestamp()), int(world.clock.now())
    for schedule in app.schedules.values():
        wanted = [
            (begins, ends, f"pagerduty:user/{user}")
            for begins, ends, user in app.entries(schedule, start, end, world.clock.now())
        ]
        shifts = rows(
            core,
            "SELECT epoch(start_at_utc), epoch(end_at_utc), person_id FROM core.oncall_shifts "
            f"WHERE schedule_id = 'pagerduty:schedule/{schedule['id']}' ORDER BY start_at_utc",
        )
        assert _joined([(max(a, start), min(b, end), who) for a, b, who in shifts if a < end]) == _joined(
            wanted
        )
    assert rows(core, "SELECT count(*) > 0 FROM landing.pagerduty__schedule_entries WHERE is_override") == [
        (True,)
    ]


def _joined(pieces: list[tuple[Any, ...]]) -> list[tuple[int, int, str]]:
    found: list[tuple[int, int, str]] = []
    for begins, ends, who in sorted(pieces):
        if found and found[-1][1] == begins and found[-1][2] == who:
            found[-1] = (found[-1][0], int(ends), who)
        else:
            found.append((int(begins), int(ends), who))
    return found


def test_notes_are_read_for_what_they_name_and_their_text_is_not_kept(
    world: Any, core: duckdb.DuckDBPyConnection
) -> None:
    bad = {(f"{row['repo']}#{row['pr']}", row["sha"][:7]) for row in world.truth_rows("bad_deployments")}
    named = {
        row[0] for row in rows(core, "SELECT ref FROM core.incident_references WHERE kind = 'pull_request'")
    }
    assert named
    assert named <= {ref for ref, _ in bad}
    tagged = rows(core, "SELECT count(*) FROM core.incidents WHERE resolution_tag = 'false_alarm'")
    texts = [note["content"] for note in world.data["pagerduty"]["notes"] if "False alarm" in note["content"]]
    assert tagged == [(len(texts),)]
    columns = rows(
        core, "SELECT table_name FROM duckdb_columns() WHERE data_type = 'VARCHAR' AND schema_name = 'core'"
    )
    for (table,) in set(columns):
        assert rows(
            core, f"SELECT count(*) FROM core.{table} AS t WHERE t::VARCHAR LIKE '%threshold too tight%'"
        ) == [(0,)]


def test_flapping_alerts_are_incidents_each_and_noise_where_nobody_touched_them(
    world: Any, core: duckdb.DuckDBPyConnection
) -> None:
    untouched = {
        f"pagerduty:incident/{incident.id}"
        for incident in world.apps["pagerduty"].incs.values()
        if incident.raw["urgency"] == "high"
        and any(entry["type"] == "resolve_log_entry" for entry in incident.log)
        and not any(
            entry["type"] in ("acknowledge_log_entry", "resolve_log_entry")
            and entry["agent"]["type"].startswith("user")
            for entry in incident.log
        )
    }
    flapping = {
        row["id"] for row in world.data["pagerduty"]["incidents"] if row["_kind"] in ("flap", "noise")
    }
    found = {
        row[0]
        for row in rows(
            core,
            "SELECT incident_id FROM core.incidents AS incidents "
            "WHERE urgency = 'high' AND resolved_at_utc IS NOT NULL AND NOT EXISTS ("
            "FROM core.incident_log AS log WHERE log.incident_id = incidents.incident_id "
            "AND log.type IN ('acknowledge', 'resolve') AND log.user_id IS NOT NULL)",
        )
    }
    assert found == untouched
    assert {one.removeprefix("pagerduty:incident/") for one in found} & flapping


def contents(night: Any) -> dict[str, list[tuple[Any, ...]]]:
    nightly.build_core(night)
    with connect(night.working_path) as connection:
        return {name: rows(connection, f"FROM core.{name} ORDER BY ALL") for name in CORE}


@dataclass(slots=True)
class Merged:
    """The same account with some incidents merged into others: the emulator itself knows no merge."""

    transport: Transport
    into: dict[str, str]

    def get(self, path: str, parameters: Parameters) -> Answer:
        answer = self.transport.get(path, parameters)
        for row in answer.body.get(path.removeprefix("/"), []):
            shown = row.get("incident", row)
            target = self.into.get(shown.get("id", ""))
            if target is not None:
                reference = {"id": target, "type": "incident_reference"}
                shown["resolve_reason"] = {"type": "merge_resolve_reason", "incident": reference}
        return answer


def test_merged_incidents_leave_pages_and_noise_and_their_targets_are_as_they_were(tmp_path: Path) -> None:
    """Every fifth resolved incident, merged into the one before it of its service, against a year without."""
    world = emulated_world(**SMALL)
    try:
        with urllib.request.urlopen(f"{world.url('pagerduty')}/__truth__/pagerduty/incidents") as answer:
            truth = json.load(answer)
        listed = {row["id"]: row for row in (truth if isinstance(truth, list) else truth["rows"])}
        plain = night_of(tmp_path / "plain")
        land(plain, source_of(world))
        nightly.build_core(plain)
        with connect(plain.working_path) as connection:
            resolved = rows(
                connection,
                "SELECT split_part(incident_id, '/', -1), split_part(before, '/', -1) FROM ("
                "SELECT *, lag(incident_id) OVER (PARTITION BY service_id ORDER BY created_at_utc, ref) "
                "AS before FROM core.incidents) "
                "WHERE resolved_at_utc IS NOT NULL AND before IS NOT NULL ORDER BY 1",
            )
        into = dict(resolved[::5])
        into = {merged: target for merged, target in into.items() if target not in into}
        assert set(into) | set(into.values()) <= set(listed)
        assert len(into) > 5
        source = source_of(world)
        source.transport = Merged(source.transport, into)
        night = night_of(tmp_path / "merged")
        assert land(night, source).is_complete
        nightly.build_core(night)
        gone = {f"pagerduty:incident/{name}" for name in into}
        metrics = [load_catalogue()[name] for name in ("oc_actionable_share", "oc_ack_within_target")]
        found: dict[Path, dict[str, Any]] = {}
        for each in (plain, night):
            with connect(each.working_path) as connection:
                build_facts(connection, metrics, as_of_utc=_as_of(connection))
                found[each.working_path] = {
                    "merged": dict(rows(connection, "SELECT incident_id, merged_into FROM core.incidents")),
                    "kept": Counter(
                        row
                        for row in rows(connection, "SELECT incident_id, outcome, why FROM core.pages")
                        if row[0] not in gone
                    ),
                    "merged pages": Counter(
                        rows(
                            connection,
                            "SELECT pages.outcome, pages.why FROM core.pages AS pages "
                            "JOIN core.incidents AS incidents USING (incident_id) "
                            "WHERE incidents.merged_into IS NOT NULL",
                        )
                    ),
                    "counted": {
                        case
                        for (case,) in rows(
                            connection,
                            "SELECT case_id FROM facts.oc_actionable_share WHERE outcome <> 'excluded'",
                        )
                    },
                }
        before, after = found[plain.working_path], found[night.working_path]
        assert {name: target for name, target in after["merged"].items() if target is not None} == {
            f"pagerduty:incident/{name}": f"pagerduty:incident/{target}" for name, target in into.items()
        }
        assert set(after["merged"]) == {f"pagerduty:incident/{name}" for name in listed}
        assert after["kept"] == before["kept"]
        assert after["merged pages"]
        assert {why for _, why in after["merged pages"]} <= {
            *("merged", "merged_late", "low_urgency", "not_on_call", "responded", "timed_out"),
            *("acked_by_other", "acked_by_other_late", "moved_by_other", "moved_by_other_late"),
        }
        assert before["counted"] & gone
        assert after["counted"] == before["counted"] - gone
    finally:
        world.stop()


def _as_of(connection: duckdb.DuckDBPyConnection) -> datetime:
    ((as_of,),) = rows(connection, "SELECT max(end_utc) FROM core.months")
    return as_of  # type: ignore[no-any-return]


def test_night_by_night_equals_one_full_read_at_the_end(tmp_path: Path) -> None:
    """Two months in nights of uneven length; the users that leave in them keep what they did."""
    world = emulated_world(**SMALL)
    try:
        app = world.apps["pagerduty"]
        last = world.clock.now()
        first = min(incident.created for incident in app.incs.values())
        nights, now = night_of(tmp_path / "nights"), first + 86400.0
        number = 0
        while now < last:
            world.clock.set(now=now)
            manifest = land(nights, source_of(world))
            assert manifest.is_complete
            number += 1
            now += 86400 * (1 if number % 3 else 4)
        world.clock.set(now=last)
        land(nights, source_of(world))
        at_once = night_of(tmp_path / "at_once")
        land(at_once, source_of(world))
        piecemeal, whole = contents(nights), contents(at_once)
        assert piecemeal["incidents"] == whole["incidents"]
        assert piecemeal["incident_log"] == whole["incident_log"]
        assert piecemeal == whole
        assert number > 15
        with connect(nights.working_path) as early, connect(at_once.working_path) as late:
            kept, seen = (
                dict(rows(each, "SELECT account_id, login FROM core.accounts")) for each in (early, late)
            )
        assert set(seen) <= set(kept)
        assert all(kept[account] == login for account, login in seen.items() if "@" in login)
    finally:
        world.stop()


@pytest.mark.parametrize("kind", ["500", "503", "429", "truncate", "short_body", "reset", "drop", "html_200"])
def test_a_fault_now_and_then_changes_nothing(kind: str, tmp_path: Path) -> None:
    world = emulated_world(**SMALL)
    try:
        clean = [entry for entry in source_of(world).pages() if isinstance(entry, Page)]
        world.faults.set(
            [{"kind": kind, "service": "pagerduty", "every": 4, "retry_after": 0, "count": 4}], 3
        )
        given = list(source_of(world).pages())
        assert not [entry for entry in given if isinstance(entry, Gap)]
        assert [entry.records for entry in given if isinstance(entry, Page)] == [
            page.records for page in clean
        ]
    finally:
        world.stop()


def test_a_broken_run_names_its_gap_and_the_next_one_closes_it(tmp_path: Path) -> None:
    world = emulated_world(**SMALL)
    try:
        night = night_of(tmp_path / "broken")
        world.faults.set([{"kind": "500", "service": "pagerduty", "match": "GET /log_entries", "rate": 1.0}])
        manifest = land(night, source_of(world))
        assert [scope.scope for scope in manifest.scopes if scope.gap] == ["pagerduty:log"]
        nightly.build_core(night)
        with connect(night.working_path) as connection:
            assert rows(connection, "SELECT DISTINCT status FROM ops.completeness") == [("incomplete",)]
        world.faults.set([])
        assert land(night, source_of(world)).is_complete
        whole = night_of(tmp_path / "whole")
        land(whole, source_of(world))
        assert contents(night) == contents(whole)
        with connect(night.working_path) as connection:
            assert rows(connection, "SELECT DISTINCT status FROM ops.completeness") == [("complete",)]
    finally:
        world.stop()


def test_a_key_of_another_region_stops_the_source_without_showing_it(world: Any) -> None:
    with pytest.raises(StopSourceError, match=r"api\.eu\.pagerduty\.com") as raised:
        source_of(world, key="made-up-key").server_time()
    assert "made-up-key" not in str(raised.value)
