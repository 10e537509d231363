"""Small answers of GitHub, made by hand, and transports that give them.

Here: nodes with everything ordinary about them, of which a test changes what it is about; pages read from
``pages/``; a transport that serves pages, and what a source makes of them.
Not here: assertions.
"""

import json
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from connectors.errors import StopScopeError, StopSourceError
from connectors.github.client import GitHubSource
from connectors.github.transport import Answer, Json, Operation
from tests.connectors.came import WhatCame, came

SERVED_AT = datetime(2026, 3, 10, 12, tzinfo=UTC)
"""What the server's clock says while the pages are read."""

PAGES = Path(__file__).parent / "pages"
KETTLE = {
    "databaseId": 501,
    "nameWithOwner": "acme/kettle",
    "url": "https://github.test/acme/kettle",
    "defaultBranchRef": {"name": "main"},
}
TOASTER = {
    "databaseId": 502,
    "nameWithOwner": "acme/toaster",
    "url": "https://github.test/acme/toaster",
    "defaultBranchRef": {"name": "main"},
}
TILDE = {"__typename": "User", "login": "tilde-moss", "databaseId": 11}
ORLA = {"__typename": "User", "login": "orla-finch", "databaseId": 12}


def page_file(name: str) -> Json:
    """The ``data`` of a recorded answer to ``PullRequests``."""
    data: Json = json.loads((PAGES / f"{name}.json").read_text("utf-8"))
    return data


def connection(*rows: Any, more: str | None = None) -> Json:
    """A list; ``more`` is the cursor of its next page, where there is one."""
    return {"pageInfo": {"hasNextPage": more is not None, "endCursor": more}, "nodes": list(rows)}


def pull_request(number: int = 1, /, **changed: Any) -> Json:
    """An open pull request with nothing below it; a field changed to ``...`` is not there at all."""
    fields = {
        "id": f"PR_{number}",
        "number": number,
        "url": f"https://github.test/acme/kettle/pull/{number}",
        "title": f"Pull request {number}",
        "body": "",
        "state": "OPEN",
        "isDraft": False,
        "createdAt": "2026-03-02T09:00:00Z",
        "updatedAt": "2026-03-02T09:00:00Z",
        "closedAt": None,
        "mergedAt": None,
        "baseRefName": "main",
        "headRefName": "topic",
        "commits": first_commit("2026-03-01T18:00:00Z"),
        "mergeCommit": None,
        "author": TILDE,
        "labels": connection(),
        "reviews": connection(),
        "reviewThreads": connection(),
        "timelineItems": connection(),
    }
    return _changed(fields, changed)


def first_commit(authored_at: str | None) -> Json:
    """The list of commits cut to its first, with the time at which its author says it was written."""
    return {"nodes": [{"commit": {"authoredDate": authored_at}}]}


def review(number: int = 1, /, **changed: Any) -> Json:
    fields = {
        "id": f"PRR_{number}",
        "fullDatabaseId": str(number),
        "state": "APPROVED",
        "submittedAt": "2026-03-02T10:00:00Z",
        "body": "",
        "author": ORLA,
        "reactionGroups": [],
    }
    return _changed(fields, changed)


def comment(number: int = 1, /, **changed: Any) -> Json:
    fields = {
        "id": f"PRRC_{number}",
        "fullDatabaseId": str(number),
        "state": "SUBMITTED",
        "body": "A word.",
        "createdAt": "2026-03-02T10:00:00Z",
        "author": ORLA,
        "reactionGroups": [],
    }
    return _changed(fields, changed)


def reaction_group(content: str, count: int = 1) -> Json:
    """How often a review or comment has that reaction; whose they are is another question."""
    return {"content": content, "reactors": {"totalCount": count}}


def reaction(number: int = 1, /, **changed: Any) -> Json:
    fields = {
        "id": f"REA_{number}",
        "content": "THUMBS_UP",
        "createdAt": "2026-03-02T11:00:00Z",
        "user": TILDE,
    }
    return _changed(fields, changed)


def thread(number: int = 1, /, *comments: Json, **changed: Any) -> Json:
    fields = {
        "id": f"PRRT_{number}",
        "isResolved": False,
        "isOutdated": False,
        "comments": connection(*comments),
    }
    return _changed(fields, changed)


def request(number: int = 1, /, **changed: Any) -> Json:
    fields = {
        "__typename": "ReviewRequestedEvent",
        "id": f"RRE_{number}",
        "createdAt": "2026-03-02T09:30:00Z",
        "requestedReviewer": ORLA,
    }
    return _changed(fields, changed)


def _changed(fields: Json, changed: Mapping[str, Any]) -> Json:
    return {name: value for name, value in (fields | dict(changed)).items() if value is not ...}


@dataclass(slots=True, kw_only=True)
class ServedPages:
    """A transport that gives pages by repository and cursor, and rests by operation, parent and cursor.

    What it does not know does not exist. ``requests`` records what was asked, in order.
    """

    pages: dict[Any, Any] = field(default_factory=dict)
    rests: dict[Any, Any] = field(default_factory=dict)
    organizations: dict[Any, Any] = field(default_factory=dict)
    errors: Sequence[Json] = ()
    fails_on: str | None = None
    stops_on: str | None = None
    requests: list[tuple[Operation, ...]] = field(default_factory=list)

    def send(self, operations: Sequence[Operation]) -> Answer:
        self.requests.append(tuple(operations))
        if any(operation.name == self.fails_on for operation in operations):
            raise StopScopeError("GitHub answered 502. Tried 5 times.")
        if any(operation.name == self.stops_on for operation in operations):
            raise StopSourceError("GitHub refused the token (401).")
        found = [self._answer(operation) for operation in operations]
        errors = [
            {"type": "NOT_FOUND", "operation": place} for place, data in enumerate(found) if data is None
        ]
        return Answer(
            data=tuple({} if data is None else data for data in found),
            errors=(*errors, *self.errors),
            served_at_utc=SERVED_AT,
            points=len(operations),
        )

    def _answer(self, operation: Operation) -> Json | None:
        asked = operation.variables
        if operation.name == "ServerTime":
            return {}
        if operation.name == "OrganizationRepositories":
            listed = self.organizations.get((asked["login"], asked["after"]))
            return None if listed is None else {"organization": {"repositories": deepcopy(listed)}}
        if operation.name == "PullRequests":
            return deepcopy(self.pages.get((f"{asked['owner']}/{asked['name']}", asked["after"])))
        rest = self.rests.get((operation.name, asked["id"], asked["after"]))
        return None if rest is None else {"node": {"id": asked["id"], **deepcopy(rest)}}

    @property
    def asked(self) -> list[list[str]]:
        """The names of the operations of each request."""
        return [[operation.name for operation in request] for request in self.requests]


def page_of(*pull_requests: Any, repository: Json = KETTLE, more: str | None = None) -> Json:
    """The ``data`` of a page of pull requests."""
    return {"repository": {**repository, "pullRequests": connection(*pull_requests, more=more)}}


def serving(*pull_requests: Any) -> ServedPages:
    """One page of ``acme/kettle`` with these pull requests."""
    return ServedPages(pages={("acme/kettle", None): page_of(*pull_requests)})


def read(transport: Any, *repositories: str, **settings: Any) -> WhatCame:
    """All that a source gives of these repositories; of ``acme/kettle`` where none is named."""
    named = repositories or ("acme/kettle",)
    return came(GitHubSource(transport=transport, repositories=named, **settings).pages())
