"""Times of Jira: what is asked since when, and that the calling account's time zone changes nothing.

Here: pages made by hand. Not here: whole runs in other zones (test_emulator).
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.contract import Page
from connectors.jira.client import OVERLAP, JiraSource, KnownTickets
from connectors.jira.records import Project, Ticket, TicketChange
from tests.connectors.jira.builders import ServedTickets, history, ticket
from tests.drawn import examples

COMPLETE = datetime(2026, 3, 9, 2, 0, 0, 250_000, tzinfo=UTC)
PROJECT = Project(project_id="jira:project/10000", project_key="API", name="The API")


def read(*tickets: dict[str, Any], known: KnownTickets | None = None) -> tuple[ServedTickets, list[Any]]:
    served = ServedTickets(tickets=tickets, histories={11: [history(1)]})
    source = JiraSource(
        transport=served, kind="cloud", base_url="https://jira.example", known=known or KnownTickets()
    )
    return served, list(_records(source))


def _records(source: JiraSource) -> Iterator[Any]:
    for page in source.pages():
        assert isinstance(page, Page), page
        assert page.rejected == ()
        yield from page.records


def written(instant: datetime, minutes: int) -> str:
    """As Jira writes it in an account's zone: milliseconds, and an offset without a colon."""
    local = instant.astimezone(timezone(timedelta(minutes=minutes)))
    return f"{local:%Y-%m-%dT%H:%M:%S}.{local.microsecond // 1000:03d}{local:%z}"


@examples(60)
@given(
    offset=st.integers(-11 * 4, 14 * 4).map(lambda quarters: 15 * quarters),
    seconds=st.integers(0, 90 * 86_400),
    milliseconds=st.integers(0, 999),
)
def test_no_offset_of_the_account_changes_a_record(offset: int, seconds: int, milliseconds: int) -> None:
    """From -11:00 to +14:00, days and months that begin elsewhere, clock changes: the same instants."""
    created = datetime(2025, 12, 1, tzinfo=UTC) + timedelta(seconds=seconds, milliseconds=milliseconds)
    found = []
    for minutes in (offset, 0):
        moved = {
            name: written(created + later, minutes)
            for name, later in (("created", timedelta(0)), ("updated", timedelta(hours=2)))
        }
        said = history(1, created=written(created + timedelta(hours=1), minutes))
        source = JiraSource(
            transport=ServedTickets(tickets=[ticket(11, **moved)], histories={11: [said]}),
            kind="cloud",
            base_url="https://jira.example",
        )
        found.append([one for one in _records(source) if isinstance(one, Ticket | TicketChange)])
    assert found[0] == found[1]
    assert found[0][0].created_at_utc == created
    assert found[0][1].occurred_at_utc == created + timedelta(hours=1)


def test_what_changed_is_asked_by_milliseconds_with_an_overlap_and_without_an_end() -> None:
    known = KnownTickets(complete_at_utc={PROJECT.key: COMPLETE}, projects_by_ticket={})
    served, _ = read(ticket(11), known=known)
    (asked,) = [body["jql"] for path, body in served.asked if path.endswith("search/jql")]
    since = int((COMPLETE - OVERLAP).timestamp() * 1000)
    assert asked == f"project in (10000) AND updated >= {since} ORDER BY created ASC, key ASC"
    assert datetime.fromtimestamp(since / 1000, UTC) == COMPLETE - OVERLAP
    assert timedelta(minutes=10) <= OVERLAP
    for words in ("<", "updated <=", '"', "now()"):
        assert words not in asked


def test_without_a_run_before_everything_is_asked_or_what_the_settings_begin_with() -> None:
    source = JiraSource(transport=ServedTickets(), kind="cloud", base_url="https://jira.example")
    assert source.jql([PROJECT]) == "project in (10000)"
    source.since_utc = datetime(2024, 1, 1, tzinfo=UTC)
    assert source.jql([PROJECT]) == "project in (10000) AND updated >= 1704067200000"
    assert source.jql([PROJECT], COMPLETE).endswith(f">= {int(COMPLETE.timestamp() * 1000)}")


@pytest.mark.parametrize(("key", "project"), [("API-11", "10000"), ("NEW-4", "10007")])
def test_a_moved_ticket_is_the_same_one_under_its_new_key(key: str, project: str) -> None:
    where = {"id": project, "key": key.partition("-")[0], "name": "Somewhere"}
    _, records = read({**ticket(11, project=where), "key": key})
    assert {(one.ticket_id, one.ref) for one in records if isinstance(one, Ticket)} == {
        ("jira:issue/11", key)
    }
    changes = {(one.ticket_id, one.change_id) for one in records if isinstance(one, TicketChange)}
    assert changes == {("jira:issue/11", "jira:issue/11/change/1/status")}
