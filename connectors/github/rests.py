"""The rests of nested lists, and the pull requests that wait for them.

Here: which lists of a page go on, how their rests share requests, when a pull request is whole.
Not here: asking (``client``), fields (``parse``).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from connectors.errors import SkippableRecordError, StopScopeError
from connectors.github.parse import nodes
from connectors.github.reactions import may_be_rated
from connectors.github.records import Repository
from connectors.github.transport import Json, Operation

NODES_A_REQUEST = 6_000
"""How many nodes the rests of nested lists may ask for in one shared request: what a page of 50 asks for."""

NODES_BESIDE_A_PAGE = 3_000
"""How many of them may ride along with a page: together they ask for less than pages that GitHub answers."""


@dataclass(slots=True)
class Waiting:
    """Pull requests of all repositories, held back until their nested lists are read to the end.

    A page's other pull requests go on at once. The rests ride along with the next page, of whatever
    repository, or share requests, because a request for each would double their number.
    """

    rests: list["Rest"] = field(default_factory=list)
    found: int = 0
    pull_requests: dict[str, tuple[Repository, Json]] = field(default_factory=dict)

    def hold_back(self, listed: Sequence[Any], repository: Repository) -> list[Any]:
        """Those of a page that are whole; the others wait here."""
        whole = []
        for node in listed:
            self._forget(node)
            rests = list(_rests(node)) if isinstance(node, dict) else []
            if rests and "_unread" not in node:
                self.pull_requests[node["id"]] = (repository, node)
                self.rests += rests
                self.found += len(rests)
            else:
                whole.append(node)
        return whole

    def begin_again(self, rest: "Rest") -> None:
        """Read a list from its start, and with it what hangs below its rows."""
        below = {id(node) for node in _rows_below(rest.parent, rest.connection)}
        self.rests = [other for other in self.rests if id(other.parent) not in below]
        rest.begin_again()
        self.rests.append(rest)

    def is_worth_a_request(self) -> bool:
        return sum(_NODES[rest.connection] for rest in self.rests) >= NODES_A_REQUEST

    def take_off(self, nodes: int = NODES_A_REQUEST) -> list["Rest"]:
        """The oldest rests that ask for so many nodes at most, taken off the list."""
        taken, asked = 0, 0
        while taken < len(self.rests) and asked + _NODES[self.rests[taken].connection] <= nodes:
            asked += _NODES[self.rests[taken].connection]
            taken += 1
        now, self.rests = self.rests[:taken], self.rests[taken:]
        return now

    def put_back(self, rests: Sequence["Rest"]) -> None:
        """Rests that were taken off and not answered."""
        self.rests = [*rests, *self.rests]

    def completed(self) -> list[tuple[Repository, list[Json]]]:
        """Those that no longer wait for anything, by repository, in the order they came; they leave."""
        open_ids = {rest.pull_request["id"] for rest in self.rests}
        done: dict[str, tuple[Repository, list[Json]]] = {}
        for node_id, (repository, node) in list(self.pull_requests.items()):
            if node_id not in open_ids:
                done.setdefault(repository.repository_id, (repository, []))[1].append(node)
                del self.pull_requests[node_id]
        return list(done.values())

    def repositories(self, rests: Sequence["Rest"] | None = None) -> list[str]:
        """The ids of those of which pull requests wait here, or wait for these rests."""
        asked = None if rests is None else {rest.pull_request["id"] for rest in rests}
        owners = [of for node_id, (of, _) in self.pull_requests.items() if asked is None or node_id in asked]
        return list(dict.fromkeys(repository.repository_id for repository in owners))

    def give_up(self, repository_id: str) -> str:
        """Forget those of a repository; the words for what is not whole when its scope stops."""
        left = [node for of, node in self.pull_requests.values() if of.repository_id == repository_id]
        for node in left:
            self._forget(node)
        if not left:
            return ""
        numbers = ", ".join(number_of(node) for node in left[:5])
        return f" Not written because only half read: {len(left)} pull requests ({numbers}...)."

    def _forget(self, node: Any) -> None:
        """One that moved to a later page while it waited here is read anew there, which counts."""
        again = node.get("id") if isinstance(node, dict) else None
        if isinstance(again, str) and self.pull_requests.pop(again, None) is not None:
            self.rests = [rest for rest in self.rests if rest.pull_request["id"] != again]


@dataclass(slots=True, kw_only=True)
class Rest:
    """What is still to be read of one nested list."""

    operation: str
    connection: str
    parent: Json
    pull_request: Json
    after: str | None
    seen: set[str] = field(default_factory=set)
    may_restart: bool = True

    def may_begin_again(self) -> bool:
        """Whether a refused cursor can be mended by asking for the list from its start; once."""
        return self.may_restart and self.after is not None

    def begin_again(self) -> None:
        """Forget what came of the list."""
        self.parent[self.connection]["nodes"] = []
        self.after, self.may_restart = None, False
        self.seen.clear()

    def asked(self) -> Operation:
        return Operation(name=self.operation, variables={"id": self.parent["id"], "after": self.after})

    def take(self, data: Json | None) -> list["Rest"]:
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
        rests = list(_below(self.connection, more["nodes"], self.pull_request))
        try:
            after = next_cursor(more, self.seen, what=self.connection)
        except StopScopeError:
            self.pull_request["_unread"] = self.connection
            return []
        if after is not None:
            self.after = after
            rests.append(self)
        return rests


_NODES = {
    "labels": 100,
    "reviews": 100,
    "timelineItems": 100,
    "comments": 100,
    "reviewThreads": 300,
    "reactions": 20,
}
"""Nodes that the operation for the rest of each list asks for."""

_NESTED = {
    "labels": "MoreLabels",
    "reviews": "MoreReviews",
    "reviewThreads": "MoreReviewThreads",
    "timelineItems": "MoreTimelineEvents",
}
OPERATIONS = _NESTED | {"comments": "MoreReviewComments", "reactions": "MoreReactions"}
"""The operation for the rest of each list."""


def _rests(pull_request: Json) -> Iterator[Rest]:
    for connection, operation in _NESTED.items():
        yield from _rests_of(pull_request, connection, operation, pull_request)
        yield from _below(connection, _listed(pull_request, connection), pull_request)


def _below(connection: str, listed: Sequence[Any], pull_request: Json) -> Iterator[Rest]:
    """What is still to be read below the rows of a nested list."""
    for node in listed:
        if connection == "reviewThreads":
            yield from _rests_of(node, "comments", "MoreReviewComments", pull_request)
            yield from _below("comments", _listed(node, "comments"), pull_request)
        elif connection in ("reviews", "comments") and may_be_rated(node, pull_request):
            yield from _reactions_of(node, pull_request)


def _listed(parent: Any, connection: str) -> list[Any]:
    """The rows of a nested list; none where it is not what it should be, which the parser says."""
    try:
        return nodes(parent, connection)
    except SkippableRecordError:
        return []


def _rows_below(parent: Any, connection: str) -> Iterator[Any]:
    """The rows of a nested list, and those of the lists below them."""
    for node in _listed(parent, connection):
        yield node
        if connection == "reviewThreads":
            yield from _listed(node, "comments")


def _reactions_of(node: Json, pull_request: Json) -> Iterator[Rest]:
    """Whose reactions a review or comment has: a list that does not come with it, and begins at its start."""
    if not isinstance(node.get("id"), str) or not isinstance(pull_request.get("id"), str):
        pull_request["_unread"] = "reactions"  # without an id nobody can ask for them
        return
    node["reactions"] = {"nodes": []}
    yield Rest(
        operation="MoreReactions", connection="reactions", parent=node, pull_request=pull_request, after=None
    )


def _rests_of(parent: Any, connection: str, operation: str, pull_request: Json) -> Iterator[Rest]:
    """What is still to be read of a nested list. Where nobody can tell, its pull request is ``_unread``."""
    listed = parent.get(connection) if isinstance(parent, dict) else None
    if not isinstance(listed, dict) or not isinstance(listed.get("nodes"), list):
        return  # the parser names it
    try:
        after = next_cursor(listed, set(), what=connection)
    except StopScopeError:
        pull_request["_unread"] = connection
        return
    if after is None:
        return
    if not isinstance(parent.get("id"), str) or not isinstance(pull_request.get("id"), str):
        pull_request["_unread"] = connection  # without an id nobody can ask for the rest
        return
    yield Rest(
        operation=operation,
        connection=connection,
        parent=parent,
        pull_request=pull_request,
        after=after,
        seen={after},
    )


def next_cursor(connection: Json, seen: set[str], *, what: str) -> str | None:
    """The cursor of the next page, None at the end. One that was ``seen`` before would loop for ever."""
    info = connection.get("pageInfo")
    if not isinstance(info, dict) or not isinstance(info.get("hasNextPage"), bool):
        raise StopScopeError(
            f"{what}: the answer does not say whether there is another page (pageInfo). "
            f"What was read is kept; the rest is missing."
        )
    if not info["hasNextPage"]:
        return None
    after = info.get("endCursor")
    if not isinstance(after, str) or after in seen:
        raise StopScopeError(
            f"{what}: the next page's cursor is missing or the same as before. "
            f"What was read is kept; the rest is missing."
        )
    seen.add(after)
    return after


def number_of(node: Json) -> str:
    """``#881``, never what else may stand in its place."""
    number = node.get("number")
    return f"#{number}" if isinstance(number, int) and not isinstance(number, bool) else "#?"
