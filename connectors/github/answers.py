"""What GitHub's answers say, before any record is made of them.

Here: finding the object an operation asked for, noticing holes, states of repositories and threads, and how
large a page may be for GitHub to answer it.
Not here: which pages are asked for (``client``, ``deployments``), the fields of records (``parse``), nested
lists that go on (``rests``).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from connectors.contract import Page, RejectedRecord
from connectors.errors import SkippableRecordError, StopScopeError, TriedOftenError
from connectors.github.known import KnownThread
from connectors.github.parse import parse_repository
from connectors.github.records import Repository
from connectors.github.transport import (
    FINAL_ERRORS,
    SIGN_ON,
    Answer,
    Json,
    Operation,
    Send,
    error_kinds,
    lacks_sign_on,
)

CLEAN_PAGES = 4
"""After so many pages without holes, a page that was made smaller is made larger again."""

RESTARTS = 3
"""How often a walk begins again because GitHub refused its cursor; each time costs its pages once more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A repository to be read, and what its state says where that was asked.

    ``updates``: when the newest of its pull requests were updated, newest first; None where that was not
    told. ``are_all``: it has no others.
    """

    name: str
    repository: Repository | None = None
    updates: tuple[datetime, ...] | None = None
    are_all: bool = False

    def changed_since(self, since_utc: datetime) -> int | None:
        """How many pull requests were updated since; None where there may be more than it tells."""
        if self.updates is None:
            return None
        changed = sum(update >= since_utc for update in self.updates)
        return changed if self.are_all or changed < len(self.updates) else None


def found_of(node: Any, name: str) -> Found:
    """A repository with its newest update; one that does not tell is walked, which says what is wrong."""
    try:
        repository = parse_repository(node)
        newest = node["pullRequests"]
        updates = [updated_at(each) for each in newest["nodes"]]
    except (SkippableRecordError, KeyError, TypeError):
        return Found(name=name)
    told = tuple(update for update in updates if update is not None)
    if len(told) < len(updates):
        return Found(name=name, repository=repository)
    are_all = not told or (newest.get("pageInfo") or {}).get("hasNextPage") is False
    return Found(name=name, repository=repository, updates=told, are_all=are_all)


def threads_of(node: Any) -> Mapping[str, KnownThread] | None:
    """The threads of a swept pull request; None where they cannot be told, or not all of them."""
    try:
        threads = node["reviewThreads"]
        if threads["pageInfo"]["hasNextPage"]:
            return None
        return {
            f"github:thread/{thread['id']}": KnownThread(
                is_resolved=thread["isResolved"],
                is_outdated=thread["isOutdated"],
                size=thread["comments"]["totalCount"],
            )
            for thread in threads["nodes"]
        }
    except (KeyError, TypeError):
        return None


def goes_on_after(node: Any) -> str | None:
    """The cursor behind the threads of a swept pull request, where there are more of them."""
    try:
        page = node["reviewThreads"]["pageInfo"]
        return str(page["endCursor"]) if page["hasNextPage"] else None
    except (KeyError, TypeError):
        return None


def with_more_threads(node: Any, more: Any) -> Any:
    """A swept pull request with the threads that came behind those it had; None where none can be told."""
    try:
        before, behind = node["reviewThreads"], more["reviewThreads"]
        threads = {"pageInfo": behind["pageInfo"], "nodes": [*before["nodes"], *behind["nodes"]]}
    except (KeyError, TypeError):
        return None
    return {**node, "reviewThreads": threads}


def search_text(name: str, first_utc: datetime | None, last_utc: datetime) -> str:
    first = "*" if first_utc is None else f"{first_utc:%Y-%m-%dT%H:%M:%SZ}"
    return f"repo:{name} is:pr created:{first}..{last_utc:%Y-%m-%dT%H:%M:%SZ}"


def changed_text(name: str, since_utc: datetime) -> str:
    return f"repo:{name} is:pr updated:>={since_utc:%Y-%m-%dT%H:%M:%SZ}"


@dataclass(slots=True, kw_only=True)
class PageSize:
    """How many rows a page asks for: fewer where GitHub leaves holes, or does not answer in time."""

    largest: int
    now: int
    clean: int = 0

    def halve(self) -> None:
        """Ask for half as many from now on, and for one at least."""
        self.now, self.clean = max(1, self.now // 2), 0

    def grow(self) -> None:
        """A clean page; after some of them, ask for twice as many again."""
        self.clean += 1
        if self.clean >= CLEAN_PAGES:
            self.now, self.clean = min(self.largest, self.now * 2), 0

    def ask(self, send: Send, asked: Callable[[int], Operation]) -> Answer:
        """One page of ``asked(size)``; with holes, or too heavy to be answered, again with half as many.

        A page of one with holes is asked for once more, and then is what it is: what is missing is rejected
        and counted. Raises TriedOftenError where not even one is answered.
        """
        is_last_try = False
        while True:
            try:
                answer = send([asked(self.now)])
            except TriedOftenError:
                if self.now == 1:
                    raise
                self.halve()
                continue
            if not has_holes(answer):
                self.grow()
                return answer
            if is_last_try:
                return answer
            is_last_try = self.now == 1
            self.halve()


def refused_cursors(answer: Answer) -> set[int]:
    """The operations of a request whose cursor GitHub no longer takes."""
    return {
        error["operation"]
        for error in answer.errors
        if error.get("type") == "INVALID_CURSOR_ARGUMENTS" and isinstance(error.get("operation"), int)
    }


@dataclass(slots=True)
class Again:
    """A walk whose cursor was refused begins at its start, and gives nothing twice that is as it was.

    ``left``: how often it may, so that a server that refuses every cursor is a gap and no loop.
    """

    left: int = RESTARTS
    given: set[tuple[Any, Any]] = field(default_factory=set)

    def is_allowed_by(self, answer: Answer) -> bool:
        """Whether the walk is to begin again because of this answer."""
        if not refused_cursors(answer) or self.left == 0:
            return False
        self.left -= 1
        return True

    def without_known(self, listed: Sequence[Any]) -> list[Any]:
        """Those of a page that did not come before; without id and time nobody can tell, and they count."""
        new = []
        for node in listed:
            key = (node.get("id"), node.get("updatedAt")) if isinstance(node, dict) else (None, None)
            if None not in key and key in self.given and self.left < RESTARTS:
                continue
            self.given.add(key)
            new.append(node)
        return new


def parted(answer: Answer, at: int) -> tuple[Answer, Answer]:
    """The answer to a request's first operations, and to the others. An error that names none is both's."""

    def errors(first: int, after: int) -> tuple[Json, ...]:
        places = {place: place - first for place in range(first, after)}
        return tuple(
            {**error, "operation": None if error.get("operation") is None else places[error["operation"]]}
            for error in answer.errors
            if error.get("operation") is None or error["operation"] in places
        )

    size = len(answer.data)
    return (
        replace(answer, data=answer.data[:at], errors=errors(0, at)),
        replace(answer, data=answer.data[at:], errors=errors(at, size), points=0),
    )


def has_holes(answer: Answer) -> bool:
    """Whether something is null that may be there when asked again."""
    return bool(error_kinds(answer.errors) - FINAL_ERRORS)


def path_of(answer: Answer, *names: str, what: str, is_first: bool = True) -> Json:
    """The object below ``names`` in a one-operation answer; without it the scope cannot be read."""
    value: Any = answer.data[0]
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    if isinstance(value, dict):
        return value
    kinds = sorted(error_kinds(answer.errors))
    said = f" GitHub said {', '.join(kinds)}." if kinds else ""
    if is_first:
        raise StopScopeError(
            f"{what}: no {names[-1]} in the answer.{said} Nothing of it was written in this run. "
            + (SIGN_ON if lacks_sign_on(answer.errors) else "Is the name right, and may the token see it?")
        )
    raise StopScopeError(
        f"{what}: no {names[-1]} in the answer.{said} The pages before it are kept; the rest is missing."
    )


def listed_of(connection: Json, what: str, things: str) -> list[Any]:
    listed = connection.get("nodes")
    if not isinstance(listed, list):
        raise StopScopeError(
            f"{what}: a list of {things} was wanted, found none. "
            f"The pages before it are kept; the rest is missing."
        )
    return listed


def updated_at(node: Any) -> datetime | None:
    try:
        instant = datetime.fromisoformat(node["updatedAt"])
    except (KeyError, TypeError, ValueError):
        return None
    return instant if instant.tzinfo is not None else None


def repository_of(fields: Json, name: str) -> Repository:
    try:
        return parse_repository(fields)
    except SkippableRecordError as problem:
        raise StopScopeError(f"repository {name}: {problem}. Nothing of this page was written.") from problem


def unreadable(repository: Repository, place: str) -> RejectedRecord:
    return RejectedRecord(
        stream="pull_requests",
        scope=repository.repository_id,
        ref=place,
        field="node",
        problem="missing_field",
        message="a pull request was wanted, found nothing in its place. The rest of the page was kept.",
    )


def half_read(repository: Repository, ref: str, connection: str) -> RejectedRecord:
    return RejectedRecord(
        stream="pull_requests",
        scope=repository.repository_id,
        ref=ref,
        field=connection,
        problem="half_read",
        message=f"the rest of {connection} could not be read. Left out with its children, because half of "
        f"them would be a wrong number; an older state of it stays in use.",
    )


def unread_in(page: Page) -> int:
    """How many pull requests of a page were not read, or only in part: another time they may be."""
    return sum(reject.problem == "half_read" or reject.field == "node" for reject in page.rejected)


def unread_in_words(name: str, count: int) -> str:
    return (
        f"{name}: {count} of its pull requests could not be read whole (ops.rejected_records says which). "
        f"Everything else was kept; the next run reads back as far as this one did."
    )
