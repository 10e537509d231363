"""Reading repositories page by page, with every nested list paged to its end.

Here: which operations are asked in which order, and what is asked again.
Not here: HTTP (``http``), fields (``parse``), what is still to be read of a page (``rests``), files
(warehouse).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from connectors.contract import Gap, Page, RejectedRecord, Usage
from connectors.errors import SkippableRecordError, StopScopeError, StopSourceError
from connectors.github.parse import Parsed, parse_pull_request, parse_repository
from connectors.github.records import Repository
from connectors.github.rests import Rest, Waiting, next_cursor, number_of
from connectors.github.transport import FINAL_ERRORS, Answer, Json, Operation, Transport, error_kinds

PAGE_SIZE = 50
"""Pull requests a page. 100 failed on large repositories in public reports; 50 passed."""

CLEAN_PAGES = 4
"""After so many pages without holes, a page that was made smaller is made larger again."""


@dataclass(slots=True, kw_only=True)
class GitHubSource:
    """All configured repositories of one GitHub, read in full.

    ``organizations`` are listed first, then ``repositories`` named one by one (``owner/name``). ``since_utc``
    ends the walk, which goes from the newest update backwards, behind the first page that is wholly older.
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
            try:
                self._server_time = self._send([Operation(name="ServerTime", variables={})]).served_at_utc
            except StopScopeError as reason:
                raise StopSourceError(str(reason)) from None
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

    def _organization(self, login: str) -> Iterator[str | Gap]:
        what, scope = f"organisation {login}", f"github:organization/{login}"
        after: str | None = None
        seen: set[str] = set()
        while True:
            operation = Operation(name="OrganizationRepositories", variables={"login": login, "after": after})
            answer = self._send([operation])
            if _has_holes(answer):
                answer = self._send([operation])
            connection = _path(answer, "organization", "repositories", what=what, is_first=after is None)
            for position, node in enumerate(_listed(connection, what, "repositories"), start=1):
                try:
                    yield parse_repository(node).name_with_owner
                except SkippableRecordError as problem:
                    yield Gap(scope=scope, message=f"{what}, repository {position} of its page: {problem}.")
            after = next_cursor(connection, seen, what=what)
            if after is None:
                return

    def _repository(self, name: str) -> Iterator[Page | Gap]:
        scope = f"github:{name}"  # until the first page tells the id
        after: str | None = None
        seen: set[str] = set()
        number = 0
        size = _PageSize(largest=self.page_size, now=self.page_size)
        waiting = Waiting()
        try:
            while True:
                number += 1
                what = f"{name}, page {number}"
                answer = self._ask_for_page(name, after, size)
                fields = _path(answer, "repository", what=f"repository {name}", is_first=number == 1)
                repository = _repository_of(fields, name)
                scope = repository.repository_id
                connection = _path(
                    answer, "repository", "pullRequests", what=f"repository {name}", is_first=number == 1
                )
                listed = _listed(connection, what, "pull requests")
                whole = waiting.hold_back(listed)
                yield self._page(whole, repository, answer.served_at_utc, number)
                after = next_cursor(connection, seen, what=what)
                is_last = after is None or self._is_before_since(listed)
                while waiting.is_worth_a_request() or (is_last and waiting.rests):
                    served_at_utc = self._read_rests(waiting)
                    yield self._page(waiting.completed(), repository, served_at_utc, number)
                if is_last:
                    return
        except StopScopeError as reason:
            yield Gap(scope=scope, message=f"{reason}{waiting.left_behind()}")

    def _ask_for_page(self, name: str, after: str | None, size: "_PageSize") -> Answer:
        """One page. With holes in it, again with half as many pull requests, and one alone once more."""
        owner, _, short = name.partition("/")
        is_last_try = False
        while True:
            variables = {"owner": owner, "name": short, "after": after, "pageSize": size.now}
            answer = self._send([Operation(name="PullRequests", variables=variables)])
            if not _has_holes(answer):
                size.grow()
                return answer
            if is_last_try:
                return answer  # what is still missing is rejected and counted
            is_last_try = size.now == 1
            size.halve()

    def _is_before_since(self, listed: Sequence[Any]) -> bool:
        """Whether every pull request of the page is older. One that does not tell its time is not."""
        if self.since_utc is None or not listed:
            return False
        updates = [_updated_at(node) for node in listed]
        return all(update is not None and update < self.since_utc for update in updates)

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
            ref = f"{repository.name_with_owner}{number_of(node)}"
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

    def _read_rests(self, waiting: Waiting) -> datetime:
        now = waiting.next_request()
        data, served_at_utc = self._ask_for_rests(now)
        for rest, more in zip(now, data, strict=True):
            waiting.rests += rest.take(more)
        return served_at_utc

    def _ask_for_rests(
        self, rests: Sequence[Rest], *, is_last_try: bool = False
    ) -> tuple[list[Json | None], datetime]:
        """Their answers, in order. An answer with holes is asked for again in halves, a single one once."""
        answer = self._send([rest.asked() for rest in rests])
        if is_last_try or not _has_holes(answer):
            return list(answer.data), answer.served_at_utc
        if len(rests) == 1:
            return self._ask_for_rests(rests, is_last_try=True)
        middle = len(rests) // 2
        first, _ = self._ask_for_rests(rests[:middle])
        second, served_at_utc = self._ask_for_rests(rests[middle:])
        return first + second, served_at_utc

    def _send(self, operations: Sequence[Operation]) -> Answer:
        answer = self.transport.send(operations)
        self.usage.requests += 1
        self.usage.points += answer.points
        return answer


@dataclass(slots=True, kw_only=True)
class _PageSize:
    """How many pull requests a page asks for: fewer where GitHub leaves holes, as it does in heavy pages."""

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


def _has_holes(answer: Answer) -> bool:
    """Whether something is null that may be there when asked again."""
    return bool(error_kinds(answer.errors) - FINAL_ERRORS)


def _path(answer: Answer, *names: str, what: str, is_first: bool = True) -> Json:
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
            f"Is the name right, and may the token see it?"
        )
    raise StopScopeError(
        f"{what}: no {names[-1]} in the answer.{said} The pages before it are kept; the rest is missing."
    )


def _listed(connection: Json, what: str, things: str) -> list[Any]:
    listed = connection.get("nodes")
    if not isinstance(listed, list):
        raise StopScopeError(
            f"{what}: a list of {things} was wanted, found none. "
            f"The pages before it are kept; the rest is missing."
        )
    return listed


def _updated_at(node: Any) -> datetime | None:
    try:
        instant = datetime.fromisoformat(node["updatedAt"])
    except (KeyError, TypeError, ValueError):
        return None
    return instant if instant.tzinfo is not None else None


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
