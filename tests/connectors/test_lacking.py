"""What a key or account may not read, found beforehand, of PagerDuty and Jira. GitHub's is in test_doctor."""

from typing import Any

import pytest

from connectors.errors import StopScopeError
from connectors.jira.client import JiraSource
from connectors.jira.transport import Answer, RefusedError
from connectors.pagerduty.client import PagerDutySource
from connectors.pagerduty.transport import Answer as PagerDutyAnswer
from tests.connectors.jira.builders import SERVED_AT, ServedTickets, ticket


class RefusingPagerDuty:
    """Answers every list with nothing, but for those it refuses."""

    def __init__(self, *refused: str) -> None:
        self.refused = refused
        self.asked: list[str] = []

    def get(self, path: str, parameters: Any) -> PagerDutyAnswer:
        assert parameters == {"limit": 1}
        self.asked.append(path)
        if path in self.refused:
            raise StopScopeError(f"PagerDuty does not let this key read {path} (403).")
        return PagerDutyAnswer(body={path.removeprefix("/"): []}, served_at_utc=SERVED_AT)


def test_every_list_that_a_pagerduty_key_may_not_read_is_named_with_its_scope() -> None:
    transport = RefusingPagerDuty("/schedules", "/oncalls")
    said = [gap.message for gap in PagerDutySource(transport=transport).lacking()]
    assert said == [
        "PagerDuty does not let this key read /oncalls (403). It tells who is on call without a schedule; a "
        "key with scopes needs oncalls.read.",
        "PagerDuty does not let this key read /schedules (403). It tells who was on call when; a key with "
        "scopes needs schedules.read.",
    ]
    assert {"/users", "/services", "/log_entries"} < set(transport.asked)


def test_a_pagerduty_key_that_may_read_everything_lacks_nothing() -> None:
    assert list(PagerDutySource(transport=RefusingPagerDuty("/priorities")).lacking()) == []


class Jira(ServedTickets):
    """A Jira in which the account may browse, or may not; ``refused`` is the end of an address."""

    may_browse: Any = True
    refused = "nothing"

    def ask(self, path: str, query: Any = None, body: Any = None) -> Answer:
        if path.endswith(self.refused):
            raise RefusedError("Jira refused the request (403). May the token see this?", status=403)
        if path.endswith("/mypermissions"):
            self.asked.append((path, query))
            told = {"permissions": {"BROWSE_PROJECTS": {"havePermission": self.may_browse}}}
            return Answer(body=told, served_at_utc=SERVED_AT)
        return super().ask(path, query, body)


def lacking(transport: Jira) -> list[str]:
    source = JiraSource(transport=transport, kind="cloud", base_url="https://acme.example")
    return [gap.message for gap in source.lacking()]


def test_a_project_that_may_not_be_browsed_is_named_because_jira_says_nothing_of_it() -> None:
    transport = Jira([ticket(1)])
    assert lacking(transport) == []
    asked = dict(transport.asked)["/rest/api/2/mypermissions"]
    assert asked == {"projectKey": "API", "permissions": "BROWSE_PROJECTS"}
    transport.may_browse = False
    (said,) = lacking(transport)
    assert said.startswith("project API: the account may not browse it, so Jira leaves its tickets out")


@pytest.mark.parametrize(
    ("refused", "what"),
    [("search/jql", "search for tickets"), ("changelog/bulkfetch", "read the histories of tickets")],
)
def test_what_is_refused_of_tickets_is_named_with_the_scope(refused: str, what: str) -> None:
    transport = Jira([ticket(1)])
    transport.refused = refused
    (said,) = lacking(transport)
    assert said == (
        f"the account may not {what}; a token with scopes needs read:jira-work. Jira refused the request "
        "(403). May the token see this?"
    )


def test_where_jira_does_not_tell_of_permissions_nothing_is_said_of_them() -> None:
    transport = Jira([ticket(1)])
    transport.refused = "mypermissions"
    assert lacking(transport) == []
