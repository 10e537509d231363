"""Reading repositories page by page, with every nested list paged to its end.

Here: which operations are asked in which order, and how the rests of nested lists share requests.
Not here: HTTP (``http``), fields (``parse``), files (warehouse).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from connectors.contract import Gap, Page, RejectedRecord, Usage
from connectors.errors import SkippableRecordError, StopScopeError
from connectors.github.parse import Parsed, nodes, parse_pull_request, parse_repository
from connectors.github.records import Repository
from connectors.github.transport import Answer, Json, Operation, Transport

PAGE_SIZE = 50
"""Pull requests a page. 100 failed on large repositories in public reports; 50 passed."""

NODES_A_REQUEST = 6_000
"""How many nodes the rests of nested lists may ask for in one shared request: what a page of 50 asks for."""


@dataclass(slots=True, kw_only=True)
class GitHubSource:
    """All configured repositories of one GitHub, read in full.

    ``organizations`` are listed first, then ``repositories`` named one by one (``owner/name``). ``since_utc``
    leaves out pull requests last updated before it: the walk goes from the newest update backwards.
    """

    transport: Transport
    organizations: Sequence[str] = ()
    repositories: Sequence[str] = ()
    since_utc: datetime | None = None
    page_size: int = PAGE_SIZE
    name: str = "github"
    usage: Usage = field(default_factory=Usage)
    _server_time: datetime | None = None

    def server_time(self) -> datetime:
        """The server's own time at the start, from its first answer. Raises StopSourceError."""
        if self._server_time is None:
            self._server_time = self._send([Operation(name="ServerTime", variables={})]).served_at_utc
        return self._server_time

    def pages(self) -> Iterator[Page | Gap]:
        """Every page of every repository; a repository that cannot be read to its end ends with a gap."""
        self.server_time()
        seen: set[str] = set()
        for name in self._names():
            if isinstance(name, Gap):
                yield name
            elif name.lower() not in seen:
                seen.add(name.lower())
                yield from self._repository(name)

    def _names(self) -> Iterator[str | Gap]:
        for login in self.organizations:
            try:
                yield from self._organization(login)
            except StopScopeError as reason:
                yield Gap(scope=f"github:organization/{login}", message=str(reason))
        yield from self.repositories

    def _organization(self, login: str) -> Iterator[str]:
        after: str | None = None
        while True:
            answer = self._send(
                [Operation(name="OrganizationRepositories", variables={"login": login, "after": after})]
            )
            connection = _path(answer, "organization", "repositories", what=f"organisation {login}")
            for node in connection.get("nodes") or ():
                yield str(node["nameWithOwner"])
            after = _next_cursor(connection, after, what=f"organisation {login}")
            if after is None:
                return

    def _repository(self, name: str) -> Iterator[Page | Gap]:
        owner, _, short = name.partition("/")
        scope = f"github:{name}"  # until the first page tells the id
        after: str | None = None
        number = 0
        waiting = _Waiting()
        try:
            while True:
                number += 1
                variables = {"owner": owner, "name": short, "after": after, "pageSize": self.page_size}
                answer = self._send([Operation(name="PullRequests", variables=variables)])
                fields = _path(answer, "repository", what=f"repository {name}")
                repository = _repository_of(fields, name)
                scope = repository.repository_id
                connection = _path(answer, "repository", "pullRequests", what=f"repository {name}")
                listed = connection.get("nodes")
                if not isinstance(listed, list):
                    raise StopScopeError(
                        f"{name}, page {number}: a list of pull requests was wanted, found none. "
                        f"The pages before it are kept; the rest of the repository is missing."
                    )
                whole = waiting.hold_back(listed)
                yield self._page(whole, repository, answer.served_at_utc, number)
                after = _next_cursor(connection, after, what=f"{name}, page {number}")
                is_last = after is None or self._is_before_since(listed)
                while waiting.is_worth_a_request() or (is_last and waiting.rests):
                    served_at_utc = self._read_rests(waiting)
                    yield self._page(waiting.completed(), repository, served_at_utc, number)
                if is_last:
                    return
        except StopScopeError as reason:
            yield Gap(scope=scope, message=f"{reason}{waiting.left_behind()}")

    def _is_before_since(self, listed: Sequence[Any]) -> bool:
        if self.since_utc is None or not listed:
            return False
        updates = [node.get("updatedAt") for node in listed if isinstance(node, dict)]
        return all(
            isinstance(text, str) and datetime.fromisoformat(text) < self.since_utc for text in updates
        )

    def _page(
        self, listed: Sequence[Any], repository: Repository, served_at_utc: datetime, number: int
    ) -> Page:
        parsed = Parsed(scope=repository.repository_id, served_at_utc=served_at_utc)
        parsed.records.append(repository)
        for position, node in enumerate(listed, start=1):
            if not isinstance(node, dict):
                place = f"{repository.name_with_owner}, page {number}, place {position}"
                parsed.rejected.append(_unreadable(repository, place))
                continue
            ref = f"{repository.name_with_owner}#{node.get('number', '?')}"
            if node.get("_unread") is not None:
                parsed.rejected.append(_half_read(repository, ref, node["_unread"]))
                continue
            parse_pull_request(node, repository, parsed, ref=ref)
        return Page(
            scope=repository.repository_id,
            served_at_utc=served_at_utc,
            records=parsed.all_records(),
            rejected=tuple(parsed.rejected),
        )

    def _read_rests(self, waiting: "_Waiting") -> datetime:
        now = waiting.next_request()
        answer = self._send(
            [
                Operation(name=rest.operation, variables={"id": rest.parent["id"], "after": rest.after})
                for rest in now
            ]
        )
        for rest, data in zip(now, answer.data, strict=True):
            waiting.rests += rest.take(data)
        return answer.served_at_utc

    def _send(self, operations: Sequence[Operation]) -> Answer:
        answer = self.transport.send(operations)
        self.usage.requests += 1
        self.usage.points += answer.points
        return answer


@dataclass(slots=True)
class _Waiting:
    """Pull requests held back until their nested lists are read to the end.

    A page's other pull requests go on at once. The rests of many pages share requests, because a request for
    each would double their number.
    """

    rests: list["_Rest"] = field(default_factory=list)
    pull_requests: list[Json] = field(default_factory=list)

    def hold_back(self, listed: Sequence[Any]) -> list[Any]:
        """Those of a page that are whole; the others wait here."""
        whole = []
        for node in listed:
            rests = list(_rests(node)) if isinstance(node, dict) else []
            if rests:
                self.pull_requests.append(node)
                self.rests += rests
            else:
                whole.append(node)
        return whole

    def is_worth_a_request(self) -> bool:
        return sum(_NODES[rest.connection] for rest in self.rests) >= NODES_A_REQUEST

    def next_request(self) -> list["_Rest"]:
        """The oldest rests that fit one request, taken off the list."""
        taken, asked = 0, 0
        while taken < len(self.rests) and asked + _NODES[self.rests[taken].connection] <= NODES_A_REQUEST:
            asked += _NODES[self.rests[taken].connection]
            taken += 1
        now, self.rests = self.rests[:taken], self.rests[taken:]
        return now

    def completed(self) -> list[Json]:
        """Those that no longer wait for anything, in the order they came; they leave."""
        open_ids = {rest.pull_request["id"] for rest in self.rests}
        done = [node for node in self.pull_requests if node["id"] not in open_ids]
        self.pull_requests = [node for node in self.pull_requests if node["id"] in open_ids]
        return done

    def left_behind(self) -> str:
        """The words for those that are not whole when the scope stops."""
        if not self.pull_requests:
            return ""
        numbers = ", ".join(f"#{node.get('number', '?')}" for node in self.pull_requests[:5])
        return f" Not written because only half read: {len(self.pull_requests)} pull requests ({numbers}...)."


@dataclass(slots=True, kw_only=True)
class _Rest:
    """What is still to be read of one nested list."""

    operation: str
    connection: str
    parent: Json
    pull_request: Json
    after: str

    def take(self, data: Json | None) -> list["_Rest"]:
        """Append what came to the parent's list; give what is still to be read below or behind it.

        A pull request whose rest cannot be read is marked ``_unread`` and quarantined: half of its reviews
        would be a wrong number.
        """
        node = (data or {}).get("node")
        more = node.get(self.connection) if isinstance(node, dict) else None
        if not isinstance(more, dict) or not isinstance(more.get("nodes"), list):
            self.pull_request["_unread"] = self.connection
            return []
        self.parent[self.connection]["nodes"] += more["nodes"]
        rests: list[_Rest] = []
        if self.connection == "reviewThreads":
            for thread in more["nodes"]:
                rests += _rests_of(thread, "comments", "MoreReviewComments", self.pull_request)
        try:
            after = _next_cursor(more, self.after, what=self.connection)
        except StopScopeError:
            self.pull_request["_unread"] = self.connection
            return []
        if after is not None:
            self.after = after
            rests.append(self)
        return rests


_NODES = {"labels": 100, "reviews": 100, "timelineItems": 100, "comments": 100, "reviewThreads": 300}
"""Nodes that the operation for the rest of each list asks for."""

_NESTED = {
    "labels": "MoreLabels",
    "reviews": "MoreReviews",
    "reviewThreads": "MoreReviewThreads",
    "timelineItems": "MoreTimelineEvents",
}


def _rests(pull_request: Json) -> Iterator[_Rest]:
    for connection, operation in _NESTED.items():
        yield from _rests_of(pull_request, connection, operation, pull_request)
    try:
        threads = nodes(pull_request, "reviewThreads")
    except SkippableRecordError:
        return  # the parser quarantines the pull request for it
    for thread in threads:
        yield from _rests_of(thread, "comments", "MoreReviewComments", pull_request)


def _rests_of(parent: Any, connection: str, operation: str, pull_request: Json) -> Iterator[_Rest]:
    listed = parent.get(connection) if isinstance(parent, dict) else None
    info = listed.get("pageInfo") if isinstance(listed, dict) else None
    if isinstance(info, dict) and info.get("hasNextPage"):
        yield _Rest(
            operation=operation,
            connection=connection,
            parent=parent,
            pull_request=pull_request,
            after=str(info.get("endCursor")),
        )


def _next_cursor(connection: Json, before: str | None, *, what: str) -> str | None:
    """The cursor of the next page, None at the end. A cursor that does not move would loop for ever."""
    info = connection.get("pageInfo")
    if not isinstance(info, dict) or not isinstance(info.get("hasNextPage"), bool):
        raise StopScopeError(
            f"{what}: the answer does not say whether there is another page (pageInfo). "
            f"What was read is kept; the rest is missing."
        )
    if not info["hasNextPage"]:
        return None
    after = info.get("endCursor")
    if not isinstance(after, str) or after == before:
        raise StopScopeError(
            f"{what}: the next page's cursor is missing or the same as before. "
            f"What was read is kept; the rest is missing."
        )
    return after


def _path(answer: Answer, *names: str, what: str) -> Json:
    """The object below ``names`` in a one-operation answer; without it the scope cannot be read."""
    value: Any = answer.data[0]
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    if isinstance(value, dict):
        return value
    kinds = sorted({str(error.get("type", "no type given")) for error in answer.errors})
    said = f" GitHub said {', '.join(kinds)}." if kinds else ""
    raise StopScopeError(
        f"{what}: no {names[-1]} in the answer.{said} Nothing of it was written in this run. "
        f"Is the name right, and may the token see it?"
    )


def _repository_of(fields: Json, name: str) -> Repository:
    try:
        return parse_repository(fields)
    except SkippableRecordError as problem:
        raise StopScopeError(f"repository {name}: {problem}. Nothing of this page was written.") from problem


def _unreadable(repository: Repository, place: str) -> RejectedRecord:
    return RejectedRecord(
        stream="pull_requests",
        scope=repository.repository_id,
        ref=place,
        field="node",
        problem="missing_field",
        message="a pull request was wanted, found nothing in its place. The rest of the page was kept.",
    )


def _half_read(repository: Repository, ref: str, connection: str) -> RejectedRecord:
    return RejectedRecord(
        stream="pull_requests",
        scope=repository.repository_id,
        ref=ref,
        field=connection,
        problem="half_read",
        message=f"the rest of {connection} could not be read. Left out with its children, because half of "
        f"them would be a wrong number; an older state of it stays in use.",
    )
