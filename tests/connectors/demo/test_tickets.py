"""Tickets and features of the made-up organisation, read by the real client and the real file reader."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from connectors.contract import Gap, Page
from connectors.demo import FIRST_NIGHT_UTC
from connectors.demo.files import counted_files
from connectors.demo.on_call import DemoPagerDuty
from connectors.demo.tickets import WEB_ADDRESS, DemoJira, account_id
from connectors.jira.client import JiraSource, KnownTickets
from connectors.jira.records import Sprint, Ticket, TicketChange, TicketReference
from connectors.organization.features import FeaturesFile
from tests.connectors.demo.reading import World


def records_of(world: World, now_utc: datetime, known: KnownTickets | None = None) -> list[object]:
    """Everything the client lands, once it has complained of nothing."""
    source = JiraSource(
        transport=DemoJira(organization=world.organization, now_utc=now_utc),
        kind="cloud",
        base_url=WEB_ADDRESS,
        known=known or KnownTickets(),
    )
    pages = list(source.pages())
    assert not [page for page in pages if isinstance(page, Gap)]
    assert all(isinstance(page, Page) and page.rejected == () for page in pages)
    return [record for page in pages if isinstance(page, Page) for record in page.records]


@pytest.fixture(scope="module")
def records(world: World) -> list[object]:
    return records_of(world, FIRST_NIGHT_UTC)


def tickets_of(records: Sequence[object]) -> dict[str, Ticket]:
    return {record.key: record for record in records if isinstance(record, Ticket)}


def test_every_ticket_has_a_key_of_its_own_and_an_account_of_the_roster(
    world: World, records: list[object]
) -> None:
    tickets = [record for record in records if isinstance(record, Ticket)]
    assert len(tickets) > 200
    assert len({ticket.key for ticket in tickets}) == len({ticket.ref for ticket in tickets}) == len(tickets)
    known = {f"jira:user/{account_id(person)}" for person in world.organization.people if person.accounts}
    assert {ticket.assignee_account_id for ticket in tickets} - known == {None}
    kinds = {mark for ticket in tickets for mark in ticket.marks} | {ticket.type for ticket in tickets}
    assert {"Epic", "Story", "production_defect", "followup"} <= kinds
    sprints = [record for record in records if isinstance(record, Sprint)]
    assert len(sprints) > 10
    assert all((one.completed_at_utc is not None) == (one.state == "closed") for one in sprints)


def test_what_a_ticket_names_exists(world: World, records: list[object]) -> None:
    named = {record.names for record in records if isinstance(record, TicketReference)}
    pulls = {
        f"{pull.repository.name_with_owner}#{pull.number}"
        for pull in world.pull_requests
        if pull.merged_at_utc is not None
    }
    incidents = {
        row["html_url"].lower()
        for row in DemoPagerDuty(organization=world.organization, now_utc=FIRST_NIGHT_UTC)
        .get("/incidents", {"limit": 100_000})
        .body["incidents"]
    }
    assert named <= pulls | incidents
    assert named & pulls
    assert named & incidents


def test_titles_of_pull_requests_name_the_stories_of_each_feature(
    world: World, records: list[object]
) -> None:
    by_ref = {ticket.ref: ticket for ticket in tickets_of(records).values()}
    epics = {by_ref[feature.epic].ticket_id: feature for feature in world.organization.features}
    named = {
        (epics[str(by_ref[found[0]].parent_ticket_id)].feature_id, pull.author.login)
        for pull in world.pull_requests
        if pull.created_at_utc <= FIRST_NIGHT_UTC and (found := re.match(r"[A-Z0-9]+-\d+(?=: )", pull.title))
    }
    assert {feature for feature, _ in named} == {one.feature_id for one in world.organization.features}
    assert len({author for _, author in named}) > 10


def test_nothing_is_later_than_now_and_a_later_night_only_adds_or_changes(
    world: World, records: list[object]
) -> None:
    later = FIRST_NIGHT_UTC + timedelta(days=20)
    known = KnownTickets(
        complete_at_utc={f"jira:project/{10_001 + place}": FIRST_NIGHT_UTC for place in range(20)},
        projects_by_ticket={key: ticket.project_id for key, ticket in tickets_of(records).items()},
    )
    brought = records_of(world, later, known)
    whole = records_of(world, later)
    for now_utc, found in ((FIRST_NIGHT_UTC, records), (later, whole)):
        assert all(record.occurred_at_utc <= now_utc for record in found if isinstance(record, TicketChange))
        assert all(record.updated_at_utc <= now_utc for record in found if isinstance(record, Ticket))
    assert tickets_of(records) | tickets_of(brought) == tickets_of(whole)
    assert 0 < len(tickets_of(brought)) < len(tickets_of(whole)) / 3


def test_features_and_their_counters_are_read_without_a_complaint(world: World, tmp_path: Path) -> None:
    for name, text in counted_files(world.organization, FIRST_NIGHT_UTC).items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    pages = list(
        FeaturesFile(
            path=tmp_path / "features.toml",
            reporting_timezone="Europe/Berlin",
            known_at_utc=FIRST_NIGHT_UTC,
        ).pages()
    )
    assert not [page for page in pages if isinstance(page, Gap)]
    assert all(isinstance(page, Page) and page.rejected == () for page in pages)
    landed = {page.scope: len(page.records) for page in pages if isinstance(page, Page)}
    assert landed["features"] > len(world.organization.features) + 30  # small ones behind flags
    assert min(landed.values()) > 0
