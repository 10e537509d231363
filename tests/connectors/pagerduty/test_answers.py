"""What single answers mean, and which are asked for: hand-made answers through a transport in memory."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from connectors.contract import Gap, Page, Record
from connectors.errors import StopScopeError
from connectors.pagerduty import client
from connectors.pagerduty.client import PagerDutySource
from connectors.pagerduty.http import PagerDutyOverHttp
from connectors.pagerduty.known import KnownAccount
from connectors.pagerduty.parse import note_tag, references_in
from connectors.pagerduty.transport import Answer, NotThereError, Parameters
from connectors.waiting import Patience
from pipelines import nightly
from pipelines.settings import PagerDuty
from tests.connectors.pagerduty.loopback import land, night_of
from tests.connectors.pagerduty.replayed import NOW, Replayed, account, entry, incident, user
from tests.shared_material import rows as shared_rows
from warehouse.connection import connect


def records(source: PagerDutySource) -> dict[tuple[str, str], Record]:
    given = list(source.pages())
    assert not [one for one in given if isinstance(one, Gap)]
    return {
        (record.stream, record.key): record
        for one in given
        if isinstance(one, Page)
        for record in one.records
    }


def query(folder: Path, transport: Replayed, text: str) -> list[tuple[Any, ...]]:
    """Core of one load."""
    night = night_of(folder)
    land(night, PagerDutySource(transport=transport))
    nightly.build_core(night)
    with connect(night.working_path) as connection:
        return connection.execute(text).fetchall()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (
            "Suspect #12 of acme/kettle (a1b2c3d).",
            [("pull_request", "acme/kettle#12"), ("commit", "a1b2c3d")],
        ),
        ("acme/kettle#7 or #8?", [("pull_request", "acme/kettle#7"), ("pull_request", "#8")]),
        (
            "see https://github.com/acme/kettle/pull/9, PAY-12",
            [("pull_request", "acme/kettle#9"), ("ticket", "PAY-12")],
        ),
        ("deployment 4711 was it", [("deployment", "4711")]),
        (
            "https://docs.acme.example/post-mortem/5.",
            [("postmortem", "https://docs.acme.example/post-mortem/5")],
        ),
        ("Started with a1b2c3d, as v1.2.3", [("commit", "a1b2c3d"), ("version", "v1.2.3")]),
        ("https://github.com/acme/api/commit/a1b2c3d4e5 did it", [("commit", "a1b2c3d4e5")]),
        (
            "see https://cd.acme.example/deploys/99?key=s3cret",
            [("deployment", "https://cd.acme.example/deploys/99")],
        ),
        ("Rolled back to v1.2.2.", []),
        ("rolled v1.2.3 back to the last good version v1.2.2", [("version", "v1.2.3")]),
        ("reverted to deployment 4710, pinned to a1b2c3d", []),
        ("fixed in v1.2.4", []),
        ("request a1b2c3d4-0000-4000-8000-123456789abc from 10.0.0.1", []),
        ("Restarted the workers, a decade passed", []),
        ("error 1234567 and facade", []),
    ],
)
def test_what_a_note_names(text: str, wanted: list[tuple[str, str]]) -> None:
    assert list(references_in(text)) == wanted


def test_only_a_note_that_says_so_is_a_tag() -> None:
    assert note_tag("False alarm, threshold too tight.") == "false_alarm"
    assert note_tag("closing #no-action") == "no_action_needed"
    assert note_tag("No action needed") == "no_action_needed"
    assert note_tag("This is not a false alarm!") is None


def test_a_window_above_the_cap_is_split_until_each_is_below_it() -> None:
    """Every page of every window that is kept ends below the cap, and everything comes once."""
    first = datetime(2026, 3, 1, tzinfo=UTC)
    shown = incident(1, first.isoformat())
    log = [
        entry("trigger", shown, (first + timedelta(seconds=number)).isoformat()) | {"id": f"R{number:06d}"}
        for number in range(12_500)
    ]
    transport = account(incidents=[shown], log_entries=log)
    found = records(PagerDutySource(transport=transport))
    assert sum(stream == "log_entries" for stream, _ in found) == len(log)
    for path, asked in transport.asked:
        if path == "/log_entries":
            assert {"since", "until"} <= set(asked)
            assert str(asked["since"]).endswith("Z")
            assert str(asked["until"]).endswith("Z")


FIRST = datetime(2026, 3, 1, tzinfo=UTC)


def many(number: int, *, apart: timedelta) -> tuple[Any, list[Any]]:
    """An incident, and so many entries of its log."""
    shown = incident(1, FIRST.isoformat())
    return shown, [
        entry("trigger", shown, (FIRST + place * apart).isoformat()) | {"id": f"R{place:06d}"}
        for place in range(number)
    ]


def log_requests(transport: Replayed) -> list[Parameters]:
    return [asked for path, asked in transport.asked if path == "/log_entries"]


@pytest.mark.parametrize(("number", "requests"), [(10_000, 100), (10_001, 102)])
def test_a_window_of_exactly_the_cap_is_read_as_it_is_and_one_more_splits_it(
    number: int, requests: int
) -> None:
    """Halves of 10,001 with a second over both: 1 to look, 51 and 50 pages, or one more."""
    shown, log = many(number, apart=timedelta(minutes=4))
    transport = account(incidents=[shown], log_entries=log)
    found = records(PagerDutySource(transport=transport))
    assert {key for stream, key in found if stream == "log_entries"} == {
        f"pagerduty:log_entry/{one['id']}" for one in log
    }
    asked = log_requests(transport)
    assert requests <= len(asked) <= requests + 1
    assert max(int(str(one["offset"])) for one in asked) + 100 <= 10_000


@pytest.mark.parametrize("ends", ["[)", "(]", "()", "[]"])
def test_whichever_end_belongs_to_a_window_every_entry_comes(
    ends: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PagerDuty does not say. Entries stand in every second where windows are split, with a smaller cap."""
    monkeypatch.setattr(client, "CAP", 300)
    shown, log = many(1_500, apart=timedelta(seconds=1))
    transport = account(incidents=[shown], log_entries=log)
    transport.ends, transport.cap = ends, 300
    found = records(PagerDutySource(transport=transport))
    assert sum(stream == "log_entries" for stream, _ in found) == len(log)


def test_without_totals_the_cap_itself_splits_a_window(monkeypatch: pytest.MonkeyPatch) -> None:
    """And a second with too many is named all the same."""
    monkeypatch.setattr(client, "CAP", 300)
    shown, log = many(1_500, apart=timedelta(minutes=7))
    transport = account(incidents=[shown], log_entries=log)
    transport.cap, transport.tells_totals = 300, False
    found = records(PagerDutySource(transport=transport))
    assert sum(stream == "log_entries" for stream, _ in found) == len(log)
    crowded = FIRST + timedelta(hours=3, minutes=1)
    log += [entry("trigger", shown, crowded.isoformat()) | {"id": f"X{place}"} for place in range(301)]
    gaps = [one for one in PagerDutySource(transport=transport).pages() if isinstance(one, Gap)]
    assert [f"one second, {crowded:%Y-%m-%dT%H:%M:%SZ}, and" in gap.message for gap in gaps] == [True]


def test_a_second_with_more_than_the_cap_is_named_and_everything_else_is_read() -> None:
    """Nothing smaller than a second can be asked for: 10,000 of it come, and all before and after it."""
    shown, log = many(400, apart=timedelta(hours=1))
    crowded = FIRST + timedelta(hours=5, minutes=30)
    log += [
        entry("notify", shown, crowded.isoformat(), user=user("PANA")) | {"id": f"X{place:06d}"}
        for place in range(10_007)
    ]
    transport = account(incidents=[shown], log_entries=log)
    given = list(PagerDutySource(transport=transport).pages())
    (gap,) = (one for one in given if isinstance(one, Gap))
    assert gap.scope == "pagerduty:log"
    assert f"in one second, {crowded:%Y-%m-%dT%H:%M:%SZ}, and answers no more than 10,000" in gap.message
    kept = {
        record.key.partition("/")[2]
        for one in given
        if isinstance(one, Page)
        for record in one.records
        if record.stream == "log_entries"
    }
    assert {name for name in kept if name.startswith("R")} == {f"R{place:06d}" for place in range(400)}
    assert sum(name.startswith("X") for name in kept) == 10_000


def test_a_late_entry_on_an_incident_resolved_long_ago_is_found_and_brings_it() -> None:
    old = incident(1, "2025-06-01T10:00:00Z", status="resolved", resolved_at="2025-06-01T11:00:00Z")
    log = [entry("annotate", old, "2026-03-31T10:00:00Z", channel={"type": "note", "summary": "see PAY-1"})]
    transport = account(incidents=[old], log_entries=log)
    known = KnownAccount(log_complete_at_utc=NOW - timedelta(days=1), first_utc=NOW - timedelta(days=400))
    found = records(PagerDutySource(transport=transport, known=known))
    assert ("incidents", "pagerduty:incident/Q1") in found
    assert [key for stream, key in found if stream == "note_references"]


def test_a_priority_set_without_an_entry_is_seen_on_the_next_night() -> None:
    young = incident(1, "2026-03-10T10:00:00Z", priority={"id": "P1", "name": "P1"})
    known = KnownAccount(log_complete_at_utc=NOW - timedelta(days=1), first_utc=NOW - timedelta(days=40))
    found = records(PagerDutySource(transport=account(incidents=[young], log_entries=[]), known=known))
    assert getattr(found["incidents", "pagerduty:incident/Q1"], "priority_id") == "pagerduty:priority/P1"  # noqa: B009


def test_a_merged_incident_names_its_target_and_ends_by_the_merge(tmp_path: Path) -> None:
    target = incident(2, "2026-03-10T10:00:00Z")
    reason = {"type": "merge_resolve_reason", "incident": {"id": "Q2", "type": "incident_reference"}}
    merged = incident(
        1,
        "2026-03-10T10:00:00Z",
        status="resolved",
        resolved_at="2026-03-10T10:03:00Z",
        resolve_reason=reason,
    )
    log = [
        entry("assign", merged, "2026-03-10T10:00:00Z", assignees=[user("PANA")]),
        entry("resolve", merged, "2026-03-10T10:03:00Z", agent=user("PBEN"), channel={"type": "website"}),
        entry("trigger", target, "2026-03-10T10:00:00Z"),
    ]
    transport = account(incidents=[merged, target], log_entries=log)
    assert query(
        tmp_path,
        transport,
        "SELECT incidents.incident_id, incidents.merged_into, log.via, pages.why "
        "FROM core.incidents AS incidents JOIN core.incident_log AS log USING (incident_id) "
        "JOIN core.pages AS pages USING (incident_id) "
        "WHERE log.type = 'resolve'",
    ) == [("pagerduty:incident/Q1", "pagerduty:incident/Q2", "merge", "not_on_call")]


def test_a_user_that_is_gone_keeps_what_they_did_and_the_name_they_had(tmp_path: Path) -> None:
    shown = incident(1, "2026-03-10T10:00:00Z")
    log = [entry("acknowledge", shown, "2026-03-10T10:01:00Z", agent=user("PCID"))]
    night = night_of(tmp_path)
    before = account(incidents=[shown], log_entries=log)
    land(night, PagerDutySource(transport=before))
    after = account(incidents=[shown], log_entries=log)
    after.lists["/users"] = [row for row in after.lists["/users"] if row["id"] != "PCID"]
    after.now_utc = NOW + timedelta(days=1)
    land(night, PagerDutySource(transport=after), full=True)
    nightly.build_core(night)
    with connect(night.working_path) as connection:
        assert connection.execute(
            "SELECT log.user_id, accounts.login FROM core.incident_log AS log "
            "JOIN core.accounts AS accounts ON accounts.account_id = log.user_id "
            "WHERE log.type = 'acknowledge'"
        ).fetchall() == [("pagerduty:user/PCID", "pcid@acme.example")]


def schedule(*entries: tuple[str, str, str], overrides: list[tuple[str, str, str]] | None = None) -> Any:
    def shown(rows: list[tuple[str, str, str]]) -> Any:
        return {
            "rendered_schedule_entries": [{"start": a, "end": b, "user": user(who)} for a, b, who in rows]
        }

    return {
        "id": "PSCH",
        "type": "schedule",
        "name": "kettle primary",
        "time_zone": "Europe/Berlin",
        "final_schedule": shown(list(entries)),
        "overrides_subschedule": shown(overrides or []),
    }


def test_a_month_of_a_schedule_counts_as_it_was_shown_after_its_end(tmp_path: Path) -> None:
    """PagerDuty computes the past from today's layers: a layer changed in April must not change March."""
    shown = incident(1, "2026-03-02T10:00:00Z")
    night = night_of(tmp_path)
    for day, holder in ((-14, "PANA"), (1, "PBEN"), (20, "PCID")):
        transport = account(
            incidents=[shown],
            log_entries=[],
            schedules=[schedule(("2026-03-01T00:00:00Z", "2026-05-01T00:00:00Z", holder))],
        )
        transport.now_utc = NOW + timedelta(days=day)
        land(night, PagerDutySource(transport=transport))
    nightly.build_core(night)
    with connect(night.working_path) as connection:
        found = connection.execute(
            "SELECT strftime(start_at_utc, '%Y-%m'), person_id FROM core.oncall_shifts "
            "WHERE start_at_utc < TIMESTAMP '2026-05-01' ORDER BY 1"
        ).fetchall()
    assert found == [("2026-03", "pagerduty:user/PBEN"), ("2026-04", "pagerduty:user/PCID")]
    asked = [str(parameters["since"]) for path, parameters in transport.asked if path == "/schedules"]
    assert asked == ["2026-04-01T00:00:00Z"]


def test_a_schedule_of_shifts_is_held_as_its_own_address_tells(tmp_path: Path) -> None:
    """The other list may name it, or not; overrides are told as such, and an empty slot is nobody's."""

    def shift(first: str, last: str, holder: str | None, source: str = "schedule_rotation") -> Any:
        member = {"type": "empty_member"} if holder is None else {"type": "user_member", "user_id": holder}
        times = {"start_time": f"2026-03-{first}:00Z", "end_time": f"2026-03-{last}:00Z"}
        return {**times, "type": "computed_shift_assignment", "member": member, "source": {"type": source}}

    transport = account(
        incidents=[incident(1, "2026-03-02T10:00:00Z")],
        log_entries=[],
        schedules=[schedule(), {"id": "PV3B", "type": "schedule_v3", "name": "named by both"}],
    )
    transport.lists["/v3/schedules"] = [
        {"id": name, "type": "schedule_v3_reference", "summary": name} for name in ("PV3A", "PV3B")
    ]
    transport.lists["/v3/schedules/ID"] = [
        {
            "id": name,
            "type": "schedule_v3",
            "name": name,
            "time_zone": "Europe/Berlin",
            "final_schedule": {"type": "final_schedule", "computed_shift_assignments": shifts},
        }
        for name, shifts in (
            (
                "PV3A",
                [
                    shift("02T09:00", "03T09:00", "PANA"),
                    shift("03T09:00", "03T12:00", "PBEN", "schedule_rotation_override"),
                    shift("03T12:00", "04T09:00", None),
                ],
            ),
            ("PV3B", [shift("05T09:00", "05T21:00", "PCID", "custom_shift")]),
        )
    ]
    found = query(
        tmp_path,
        transport,
        "SELECT schedule_id, person_id, strftime(start_at_utc, '%d %H:%M'), strftime(end_at_utc, '%d %H:%M') "
        "FROM core.oncall_shifts ORDER BY ALL",
    )
    assert found == [
        ("pagerduty:schedule/PV3A", "pagerduty:user/PANA", "02 09:00", "03 09:00"),
        ("pagerduty:schedule/PV3A", "pagerduty:user/PBEN", "03 09:00", "03 12:00"),
        ("pagerduty:schedule/PV3B", "pagerduty:user/PCID", "05 09:00", "05 21:00"),
    ]
    entries = [
        one
        for (stream, _), one in records(PagerDutySource(transport=transport)).items()
        if stream == "schedule_entries"
    ]
    assert {(one.holder_account_id[-4:], one.is_override) for one in entries} == {
        ("PANA", False),
        ("PBEN", True),
        ("PCID", False),
    }
    asked = [parameters for path, parameters in transport.asked if path == "/v3/schedules/PV3A"]
    assert asked[0]["since"] == "2026-03-01T00:00:00Z"
    assert asked[0]["until"] == "2026-04-01T00:00:00Z"


def test_an_account_without_schedules_of_shifts_loses_nothing() -> None:
    """Where the address is not there, that is no gap; where it refuses the key, it is one."""

    @dataclass
    class Refusing(Replayed):
        refusal: StopScopeError = field(default_factory=lambda: NotThereError("not there"))

        def get(self, path: str, parameters: Parameters) -> Answer:
            if path.startswith("/v3/"):
                raise self.refusal
            return Replayed.get(self, path, parameters)

    lists = account(
        incidents=[incident(1, "2026-03-02T10:00:00Z")], log_entries=[], schedules=[schedule()]
    ).lists
    for refusal, gaps in ((NotThereError("not there"), []), (StopScopeError("refused"), ["refused"])):
        given = PagerDutySource(transport=Refusing(lists=lists, refusal=refusal)).pages()
        assert [one.message for one in given if isinstance(one, Gap)] == gaps


def test_somebody_named_by_a_policy_is_on_call_without_an_end_until_they_are_not(tmp_path: Path) -> None:
    def standing(name: str) -> Any:
        policy = {"id": "PPOL", "type": "escalation_policy_reference"}
        return {"user": user(name), "escalation_policy": policy, "escalation_level": 2, "schedule": None}

    shown = incident(1, "2026-03-02T10:00:00Z")
    night = night_of(tmp_path)
    for day, name in ((0, "PBEN"), (1, "PCID")):
        transport = account(incidents=[shown], log_entries=[entry("trigger", shown, shown["created_at"])])
        transport.lists["/oncalls"] = [standing(name)]
        transport.now_utc = NOW + timedelta(days=day)
        land(night, PagerDutySource(transport=transport))
    nightly.build_core(night)
    with connect(night.working_path) as connection:
        found = connection.execute(
            "SELECT person_id, start_at_utc, end_at_utc FROM core.oncall_shifts ORDER BY person_id"
        ).fetchall()
    first, change = datetime(2026, 3, 2, 10), (NOW + timedelta(days=1)).replace(tzinfo=None)  # noqa: DTZ001
    assert found == [("pagerduty:user/PBEN", first, change), ("pagerduty:user/PCID", change, None)]


def test_recorded_incidents_of_a_live_account_arrive_with_every_entry() -> None:
    """Three incidents with all their entries, as recorded from the real API."""
    recorded = [
        row["data"] for row in shared_rows("devlake-raw", "pagerduty", "_raw_pagerduty_incidents.jsonl.gz")
    ]
    incidents, log = [], []
    for row in recorded:
        entries = row.pop("log_entries")
        incidents.append(row)
        log += [{**one, "incident": row} for one in entries]
    log.sort(key=lambda one: str(one["created_at"]), reverse=True)
    transport = account(incidents=incidents, log_entries=log)
    found = records(PagerDutySource(transport=transport))
    kept = {key.split("/")[1] for stream, key in found if stream == "log_entries"}
    assert kept == {one["id"] for one in log}
    assert sum(stream == "incidents" for stream, _ in found) == 3


class Heard(httpx2.BaseTransport):
    """Remembers which address was asked, and answers with nothing."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(str(request.url.copy_with(query=None)))
        body = httpx2.ByteStream(b'{"incidents": [], "total": 0}')
        return httpx2.Response(200, stream=body, headers={"date": "Tue, 31 Mar 2026 12:00:00 GMT"})


def test_an_account_in_the_eu_is_asked_at_its_own_address() -> None:
    """As settings give it, with or without a slash behind."""
    for written in ("https://api.eu.pagerduty.com", "https://api.eu.pagerduty.com/"):
        section = PagerDuty.model_validate({"base_url": written, "token": {"env": "PAGERDUTY_TOKEN"}})
        heard = Heard()
        transport = PagerDutyOverHttp(
            base_url=section.base_url, token="made-up", patience=Patience(), network=heard
        )
        assert PagerDutySource(transport=transport).server_time() == NOW
        assert heard.asked == ["https://api.eu.pagerduty.com/incidents"]
