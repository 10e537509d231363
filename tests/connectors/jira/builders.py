"""Jira pages made by hand, and a transport that serves them.

Here: one ordinary ticket, person, history, with anything changed. Not here: assertions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from connectors.jira.transport import Answer, RefusedError

SERVED_AT = datetime(2026, 3, 10, 12, tzinfo=UTC)
PROJECT = {"id": "10000", "key": "API", "name": "The API"}
STATUS = {"id": "1", "name": "Open", "statusCategory": {"key": "new"}}


def person(number: int, **more: Any) -> dict[str, Any]:
    return {"accountId": f"account-{number}", "accountType": "atlassian", "displayName": "Somebody", **more}


def ticket(number: int, **fields: Any) -> dict[str, Any]:
    """A ticket; ``fields`` replace what is ordinary about it."""
    ordinary = {
        "created": "2026-03-01T10:00:00.000+0100",
        "updated": "2026-03-02T10:00:00.000+0100",
        "status": STATUS,
        "issuetype": {"id": "3", "name": "Bug", "hierarchyLevel": 0},
        "project": PROJECT,
        "labels": [],
    }
    return {"id": str(number), "key": f"API-{number}", "fields": ordinary | fields}


def change(name: str, before: Any = None, after: Any = None) -> dict[str, Any]:
    return {"field": name, "fieldId": name, "from": before, "to": after}


def history(number: int, **more: Any) -> dict[str, Any]:
    ordinary = {"id": str(number), "created": 1772442000000, "items": [change("status", "1", "2")]}
    return ordinary | more


FIELDS = [
    {"id": "customfield_7", "name": "Sprint", "schema": {"custom": "com.pyxis.greenhopper.jira:gh-sprint"}},
    {"id": "customfield_8", "name": "Found in", "schema": {"custom": "select"}},
]


@dataclass(slots=True)
class ServedTickets:
    """A Jira of one project. ``count`` is what it says it has, as many as there are unless told."""

    tickets: Sequence[Any] = ()
    histories: Mapping[int, Sequence[Any]] = field(default_factory=dict)
    count: int | None = None
    pages: int = 1
    asked: list[tuple[str, Any]] = field(default_factory=list)

    def ask(self, path: str, query: Mapping[str, Any] | None = None, body: Any = None) -> Answer:
        self.asked.append((path, body if body is not None else query))
        return Answer(body=self._body(path, body), served_at_utc=SERVED_AT)

    def _body(self, path: str, body: Any) -> Any:
        given = {
            "field": lambda: FIELDS,
            "status": lambda: [STATUS, {"id": "2", "name": "Done", "statusCategory": {"key": "done"}}],
            "project/search": lambda: {"values": [PROJECT], "isLast": True},
            "search/jql": lambda: self._page(int(body.get("nextPageToken") or 0)),
            "changelog/bulkfetch": lambda: self._changes(body["issueIdsOrKeys"]),
            "search/approximate-count": lambda: {
                "count": len(self.tickets) if self.count is None else self.count
            },
            "issue/bulkfetch": lambda: {
                "issues": [each for each in self.tickets if each["id"] in body["issueIdsOrKeys"]]
            },
        }
        name = path.split("/", 4)[4]
        if name not in given:
            raise RefusedError("Jira says that this is not there (404).", status=404)
        return given[name]()

    def _changes(self, wanted: Sequence[str]) -> dict[str, Any]:
        of = {str(number): list(listed) for number, listed in self.histories.items()}
        return {
            "issueChangeLogs": [
                {"issueId": number, "changeHistories": listed}
                for number, listed in of.items()
                if number in wanted
            ]
        }

    def _page(self, number: int) -> dict[str, Any]:
        size = -(-len(self.tickets) // self.pages)
        page: dict[str, Any] = {"issues": list(self.tickets[number * size : (number + 1) * size])}
        is_last = number + 1 >= self.pages
        return page | ({"isLast": True} if is_last else {"nextPageToken": str(number + 1)})
