"""What the emulator says a perfect client would hold (``/__truth__``), against what is held, kind by kind.

Here: acknowledgement, escalation, snooze, reassignment, flapping and overrides at two moments, the second
read knowing the first; merges are in ``test_emulator``, whose transport writes them: the emulator has none.
Not here: what is made of each entry (``test_emulator``, golden cases).
"""

import json
import urllib.request
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import duckdb
import pytest

from metrics_catalog.catalogue import load_catalogue
from pipelines import nightly
from tests.connectors.pagerduty.loopback import KEY, land, night_of, source_of
from tests.shared_material import emulated_world
from transforms.facts import build_facts

MOMENTS = ("half", "end")
INCIDENT, ENTRY = "pagerduty:incident/", "pagerduty:log_entry/"


@dataclass(slots=True, kw_only=True)
class Moment:
    """Core as of a moment, and what the emulator answered then."""

    core: duckdb.DuckDBPyConnection
    incidents: dict[str, dict[str, Any]]
    entries: list[dict[str, Any]]
    overrides: dict[str, list[dict[str, Any]]]

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return self.core.execute(query).fetchall()

    def told(self, kind: str) -> Counter[str]:
        """How many entries of a kind each incident has, by the truth."""
        named = [entry for entry in self.entries if entry["type"] == f"{kind}_log_entry"]
        return Counter(INCIDENT + entry["incident"] for entry in named)

    def held(self, kind: str) -> Counter[str]:
        """The same of core; an entry to several people is one."""
        query = (
            "SELECT incident_id, count(DISTINCT split_part(entry_id, '/', 2)) FROM core.incident_log "
            f"WHERE type = '{kind}' GROUP BY incident_id"
        )
        return Counter(dict(self.rows(query)))


def answer(world: Any, path: str) -> Any:
    asked = urllib.request.Request(
        world.url("pagerduty") + path, headers={"Authorization": f"Token token={KEY}"}
    )
    with urllib.request.urlopen(asked, timeout=20) as found:
        return json.load(found)


@pytest.fixture(scope="module")
def moments(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Moment]]:
    world = emulated_world(seed=8, gen={"months": 4, "people": 9, "prs_per_month": 10})
    try:
        app, last, found = world.apps["pagerduty"], world.clock.now(), {}
        first = min(incident.created for incident in app.incs.values())
        night = night_of(tmp_path_factory.mktemp("nights"))
        for name, now in zip(MOMENTS, ((first + last) // 2, last), strict=True):
            world.clock.set(now=now)
            assert land(night, source_of(world)).is_complete
            nightly.build_core(night)
            kept = tmp_path_factory.mktemp(name) / "kept.duckdb"
            kept.write_bytes(night.working_path.read_bytes())
            since, until = (datetime.fromtimestamp(at, UTC) for at in (first, now))
            asked = f"?since={since:%Y-%m-%dT%H:%M:%SZ}&until={until:%Y-%m-%dT%H:%M:%SZ}"
            found[name] = Moment(
                core=duckdb.connect(str(kept)),
                incidents={row["id"]: row for row in answer(world, "/__truth__/pagerduty/incidents")},
                entries=answer(world, "/__truth__/pagerduty/log_entries"),
                overrides={
                    schedule: answer(world, f"/schedules/{schedule}/overrides{asked}")["overrides"]
                    for schedule in app.schedules
                },
            )
        yield found
        for moment in found.values():
            moment.core.close()
    finally:
        world.stop()


@pytest.fixture(params=MOMENTS)
def moment(request: pytest.FixtureRequest, moments: dict[str, Moment]) -> Moment:
    return moments[request.param]


def test_every_entry_of_the_truth_is_held_once_under_its_kind_and_incident(moment: Moment) -> None:
    held = moment.rows("SELECT DISTINCT log_entry_id, type, incident_id FROM landing.pagerduty__log_entries")
    told = {
        (ENTRY + entry["id"], entry["type"].removesuffix("_log_entry"), INCIDENT + entry["incident"])
        for entry in moment.entries
    }
    settled = {row for row in told if row[0] in {one[0] for one in held}}
    assert set(held) == settled
    assert len(told) - len(settled) <= 3  # of the last five minutes, which the next run reads
    assert {kind for _, kind, _ in told} >= {"acknowledge", "escalate", "snooze", "assign", "notify"}


def test_every_incident_has_the_state_and_urgency_of_the_truth(moment: Moment) -> None:
    held = moment.rows("SELECT incident_id, number, status, urgency FROM landing.pagerduty__incidents")
    assert sorted(held) == sorted(
        (INCIDENT + row["id"], row["number"], row["status"], row["urgency"])
        for row in moment.incidents.values()
    )
    resolved = {INCIDENT + name for name, row in moment.incidents.items() if row["status"] == "resolved"}
    query = "SELECT incident_id FROM core.incidents WHERE resolved_at_utc IS NOT NULL"
    assert {name for (name,) in moment.rows(query)} == resolved


@pytest.mark.parametrize("kind", ["acknowledge", "escalate", "snooze", "unacknowledge", "resolve", "notify"])
def test_each_incident_has_so_many_of_a_kind_as_the_truth_says(moment: Moment, kind: str) -> None:
    assert moment.held(kind) == moment.told(kind)
    assert moment.told(kind)


def test_whatever_is_assigned_after_the_first_is_a_reassignment(moment: Moment) -> None:
    told = moment.told("assign")
    assert moment.held("reassign") == +Counter({name: count - 1 for name, count in told.items()})
    assert moment.held("assign") == Counter(dict.fromkeys(told, 1))
    assert moment.held("reassign")


def test_an_alert_that_flaps_is_an_incident_each_time_and_noise_where_nobody_touched_it(
    moment: Moment,
) -> None:
    metric = load_catalogue()["oc_actionable_share"]
    ((as_of,),) = moment.rows("SELECT max(end_utc) FROM core.months")
    moment.core.execute("DROP SCHEMA IF EXISTS facts CASCADE")
    build_facts(moment.core, [metric], as_of_utc=as_of)
    found = dict(
        moment.rows(
            "SELECT DISTINCT case_id, outcome FROM facts.oc_actionable_share WHERE subject_kind = 'service'"
        )
    )
    flapping = {
        INCIDENT + name: row
        for name, row in moment.incidents.items()
        if row["kind"] in ("flap", "noise") and row["urgency"] == "high" and row["status"] == "resolved"
    }
    touched = moment.told("acknowledge")
    outcomes = Counter(
        (bool(touched[name]), outcome)
        for case, outcome in found.items()
        for name in flapping
        if case.startswith(name)
    )
    assert outcomes.total() == len(flapping)
    assert outcomes[False, "noise"] > 5
    assert outcomes[True, "excluded"] == outcomes[False, "excluded"] == 0
    tagged = dict(moment.rows("SELECT incident_id, resolution_tag FROM core.incidents"))
    assert {
        tagged[name]
        for case, outcome in found.items()
        for name in flapping
        if case.startswith(name) and touched[name] and outcome == "noise"
    } <= {"false_alarm", "no_action_needed"}


def test_whoever_takes_an_override_holds_its_time(moment: Moment) -> None:
    """By the answer that nothing else is read from; where two overlap one of the two holds it."""
    held = minutes = 0
    for schedule, overrides in moment.overrides.items():
        shifts = moment.rows(
            "SELECT person_id, start_at_utc, end_at_utc FROM core.oncall_shifts "
            f"WHERE schedule_id = 'pagerduty:schedule/{schedule}'"
        )
        for override in overrides:
            begins, ends = (
                datetime.fromisoformat(override[name]).astimezone(UTC).replace(tzinfo=None)
                for name in ("start", "end")
            )
            others = [
                other["user"]["id"]
                for other in overrides
                if datetime.fromisoformat(other["start"]).replace(tzinfo=None) < ends
                and datetime.fromisoformat(other["end"]).replace(tzinfo=None) > begins
            ]
            pieces = [
                (max(start, begins), min(end, ends), who)
                for who, start, end in shifts
                if start < ends and end > begins
            ]
            names = {f"pagerduty:user/{other}" for other in others}
            assert {who for _, _, who in pieces} <= names, override
            minutes += sum((end - start).total_seconds() / 60 for start, end, _ in pieces)
            held += 1
    assert held >= 3
    assert minutes > 60 * held
