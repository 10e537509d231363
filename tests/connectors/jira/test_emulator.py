"""Whole runs over HTTP against the emulator: nights, what is gone or moved, faults; all comes or is named.

Here: a small generated organisation. Not here: real tickets (tests/pipelines/test_real_tickets).
"""

import json
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from connectors.contract import Gap, Page
from connectors.errors import StopSourceError
from connectors.jira.client import OVERLAP, JiraSource, KnownTickets
from connectors.jira.http import JiraOverHttp
from connectors.jira.records import ExpectedCount, Project, Removal, Sprint, Ticket, TicketChange
from connectors.waiting import Patience
from tests.shared_material import emulated_world

KINDS = ["cloud", "datacenter"]
FAULTS = "500 502 503 429 slow truncate short_body reset drop html_200".split()


@dataclass(slots=True)
class Run:
    """What a run gave."""

    pages: list[Page] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    stop: str | None = None
    requests: int = 0
    known_at_utc: datetime | None = None

    def all(self, kind: type[Any]) -> dict[str, Any]:
        """By key, the last wins."""
        return {
            record.key: record for page in self.pages for record in page.records if isinstance(record, kind)
        }

    @property
    def scopes(self) -> set[str]:
        named = {gap.scope for gap in self.gaps}
        return {page.scope for page in self.pages if page.scope.startswith("jira:project/")} - named


@dataclass(slots=True)
class Emulator:
    """The emulator over its control plane, and what a night after another knows."""

    world: Any

    def tell(self, control: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        asked = urllib.request.Request(f"{self.world.url('jira')}/__{control}__", data=data)
        with urllib.request.urlopen(asked, timeout=20) as answer:
            return json.load(answer)

    def truth(self, kind: str) -> dict[str, dict[str, Any]]:
        address = f"{self.world.url('jira')}/__truth__/jira/{kind}"
        with urllib.request.urlopen(address, timeout=20) as answer:
            listed = json.load(answer)
        listed = listed if isinstance(listed, list) else listed["rows"]
        return {f"jira:issue/{row['id']}": row for row in listed}

    def source(self, kind: str, *, known: KnownTickets | None = None, **settings: Any) -> JiraSource:
        own = (
            {"email": "reader@example.com", "token": "jira-sigemu"}
            if kind == "cloud"
            else {"token": "jira-pat-sigemu"}
        )
        url = self.world.url("jira" if kind == "cloud" else "jira_dc")
        return JiraSource(
            transport=JiraOverHttp(base_url=url, patience=Patience(sleep=lambda _: None), **own),  # type: ignore[arg-type]
            kind=kind,  # type: ignore[arg-type]
            base_url=url,
            known=known or KnownTickets(),
            **settings,
        )

    def run(self, kind: str, *, known: KnownTickets | None = None, **settings: Any) -> Run:
        run, source = Run(), self.source(kind, known=known, **settings)
        try:
            run.known_at_utc = source.server_time()
            for entry in source.pages():
                if isinstance(entry, Page):
                    run.pages.append(entry)
                else:
                    run.gaps.append(entry)
        except StopSourceError as reason:
            run.stop = str(reason)
        run.requests = source.usage.requests
        return run


def known_after(*runs: Run) -> KnownTickets:
    """What the landing files would tell the next night."""
    held: dict[str, str] = {}
    complete: dict[str, datetime] = {}
    sprints: dict[str, Sprint] = {}
    for run in runs:
        for page in run.pages:
            for record in page.records:
                if isinstance(record, Ticket):
                    held[record.key] = record.project_id
                elif isinstance(record, Removal):
                    held.pop(record.ticket_id, None)
                elif isinstance(record, Sprint):
                    sprints[record.key] = record
        if run.stop is None and run.known_at_utc is not None:
            complete |= dict.fromkeys(run.scopes, run.known_at_utc)
    still_open = tuple(key for key, sprint in sorted(sprints.items()) if sprint.state != "closed")
    return KnownTickets(complete_at_utc=complete, projects_by_ticket=held, open_sprints=still_open)


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    world = emulated_world(seed=11, gen={"months": 4, "people": 8, "prs_per_month": 30})
    yield Emulator(world)
    world.stop()


@pytest.fixture(autouse=True)
def _fresh(emulator: Emulator) -> None:
    emulator.tell("reset", {"what": ["stats", "limits", "faults", "clock"]})
    emulator.tell("config", {"jira_tz": "America/Los_Angeles", "jira_index_lag": 0})


@pytest.mark.parametrize("kind", KINDS)
def test_a_full_read_is_what_there_is(emulator: Emulator, kind: str) -> None:
    run = emulator.run(kind)
    truth = emulator.truth("issues")
    assert {key: ticket.ref for key, ticket in run.all(Ticket).items()} == {
        key: row["key"] for key, row in truth.items()
    }
    assert run.gaps == []
    assert [count.expected for count in run.all(ExpectedCount).values()] == [len(truth)]
    assert emulator.tell("stats")["violations"] == {}


def test_histories_longer_than_the_embedded_forty_are_whole(emulator: Emulator) -> None:
    """Both products give the same changes, though one of them embeds only forty."""
    cloud, center = emulator.run("cloud"), emulator.run("datacenter")
    moments = [
        sorted(
            (change.change_id, change.occurred_at_utc, change.to_words)
            for change in run.all(TicketChange).values()
            if change.field == "status"
        )
        for run in (cloud, center)
    ]
    assert moments[0] == moments[1]
    assert len(moments[0]) > 1000


@pytest.mark.parametrize("zone", ["Pacific/Pago_Pago", "UTC", "Asia/Kolkata", "Pacific/Kiritimati"])
def test_the_accounts_zone_changes_nothing(emulator: Emulator, zone: str) -> None:
    """From -11 to +14: what a night adds to the night before is all there is, in every zone."""
    emulator.tell("config", {"jira_tz": zone})
    emulator.tell("clock", {"advance": "-40d"})
    first = emulator.run("cloud")
    emulator.tell("clock", {"advance": "20d"})
    second = emulator.run("cloud", known=known_after(first))
    assert second.requests < first.requests
    tickets = first.all(Ticket) | second.all(Ticket)
    for removal in second.all(Removal).values():
        del tickets[removal.ticket_id]
    fresh = emulator.run("cloud")
    assert set(tickets) == set(fresh.all(Ticket))
    changes = first.all(TicketChange) | second.all(TicketChange)
    gone = {removal.ticket_id for removal in second.all(Removal).values()}
    assert {key for key, change in changes.items() if change.ticket_id not in gone} == set(
        fresh.all(TicketChange)
    )


ZONES = [
    *(f"Etc/GMT{-hours:+d}" for hours in range(-11, 15)),
    *("Pacific/Marquesas", "America/St_Johns", "Asia/Tehran", "Asia/Kolkata", "Asia/Kathmandu"),
    *("Australia/Eucla", "Australia/Adelaide", "Australia/Lord_Howe", "Pacific/Chatham"),
]
"""Every whole hour from -11 to +14, and the halves and quarters."""


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_asked_since_a_night_is_the_same_in_every_zone_there_is(
    emulator: Emulator, kind: str
) -> None:
    """The search of a later night, against the times of the truth: neither hours too many nor too few."""
    complete = datetime.fromisoformat(emulator.tell("clock")["now"]) - timedelta(days=20, minutes=17)
    wanted = {
        key.rpartition("/")[2]
        for key, row in emulator.truth("issues").items()
        if datetime.fromisoformat(row["updated"]) >= complete - OVERLAP
    }
    assert 0 < len(wanted) < len(emulator.truth("issues"))
    source = emulator.source(kind)
    projects = [
        Project(project_id=f"jira:project/{number}", project_key="", name="")
        for number in emulator.world.jira.projects
    ]
    asked = f"{source.jql(projects, complete - OVERLAP)} ORDER BY created ASC, key ASC"
    for zone in ZONES:
        emulator.tell("config", {"jira_tz": zone})
        found = [issue["id"] for issues, _ in source.searched(asked, ["id"], 5000) for issue in issues]
        assert sorted(found) == sorted(wanted), zone


@pytest.mark.parametrize("kind", KINDS)
def test_a_full_read_is_within_its_budget(emulator: Emulator, kind: str) -> None:
    """12 requests per 1,000 tickets with their history, and three of the site: fields, projects, count."""
    run = emulator.run(kind)
    assert run.requests <= 12 * len(emulator.truth("issues")) / 1000 + 3


@pytest.mark.parametrize("kind", KINDS)
def test_nights_find_what_was_deleted_and_what_moved(emulator: Emulator, kind: str) -> None:
    end = emulator.tell("clock")["now"]
    emulator.tell("clock", {"advance": "-200d"})
    runs = [emulator.run(kind)]
    for _ in range(4):
        emulator.tell("clock", {"advance": "50d"})
        runs.append(emulator.run(kind, known=known_after(*runs)))
    assert emulator.tell("clock")["now"] == end
    assert [run.gaps for run in runs] == [[]] * 5
    held = known_after(*runs).projects_by_ticket
    assert set(held) == set(emulator.truth("issues"))
    assert set(held) & set(emulator.truth("deleted")) == set()
    latest: dict[str, Ticket] = {}
    for run in runs:
        latest |= run.all(Ticket)
    truth = emulator.truth("issues")
    assert {key: latest[key].ref for key in held} == {key: row["key"] for key, row in truth.items()}


def test_a_night_in_which_nothing_moved_costs_a_handful_of_requests(emulator: Emulator) -> None:
    first = emulator.run("cloud")
    second = emulator.run("cloud", known=known_after(first))
    assert second.requests - len(known_after(first).open_sprints) <= 6


def test_half_a_project_gone_at_once_is_a_permission_and_no_deletion(emulator: Emulator) -> None:
    first = emulator.run("cloud")
    known = known_after(first)
    made_up = {f"jira:issue/9{number}": next(iter(known.complete_at_utc)) for number in range(90_000, 91_000)}
    known = KnownTickets(
        complete_at_utc=known.complete_at_utc, projects_by_ticket={**known.projects_by_ticket, **made_up}
    )
    second = emulator.run("cloud", known=known)
    assert second.all(Removal) == {}
    assert ["out of sight" in gap.message for gap in second.gaps] == [True]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_mended(emulator: Emulator, fault: str, kind: str) -> None:
    rule = {"kind": fault, "every": 4, "delay": 0.01, "retry_after": 0}
    emulator.tell("faults", {"rules": [rule], "seed": 3})
    run = emulator.run(kind)
    assert run.gaps == []
    assert run.stop is None
    assert set(run.all(Ticket)) == set(emulator.truth("issues"))


@pytest.mark.parametrize("kind", KINDS)
def test_a_token_refused_midway_is_named_and_the_next_run_closes_the_gap(
    emulator: Emulator, kind: str
) -> None:
    emulator.tell("faults", {"rules": [{"kind": "401", "nth": 7}], "seed": 1})
    broken = emulator.run(kind)
    assert broken.stop is not None
    assert "refused the token" in broken.stop
    assert broken.scopes == set()
    emulator.tell("reset", {"what": ["faults"]})
    second = emulator.run(kind, known=known_after(broken))
    assert set(broken.all(Ticket) | second.all(Ticket)) == set(emulator.truth("issues"))


def test_a_server_that_keeps_failing_is_a_gap_of_every_project(emulator: Emulator) -> None:
    emulator.tell("faults", {"rules": [{"kind": "502", "match": ".*/search/jql", "rate": 1.0}], "seed": 1})
    run = emulator.run("cloud")
    assert {gap.scope for gap in run.gaps} >= {"jira:project/10000"}
    assert run.scopes == set()


def test_projects_are_chosen_by_key_or_name_and_one_that_is_not_there_is_named(emulator: Emulator) -> None:
    listed = [row["key"].rpartition("-")[0] for row in emulator.truth("issues").values()]
    key = sorted(set(listed))[0]
    run = emulator.run("cloud", projects=[key, "NOWHERE"])
    assert {ticket.project_key for ticket in run.all(Ticket).values()} == {key}
    assert [gap.scope for gap in run.gaps] == ["jira:NOWHERE"]
