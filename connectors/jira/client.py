"""Reading projects page by page, every ticket with its whole history.

Here: which requests are asked in which order, what is compared with what Jira counts, what is asked again.
Not here: HTTP (``http``), fields (``parse``), files (warehouse).

Every search is ordered by creation: an order that nothing moves while it is read. Whatever a moving set lost
all the same is found by the count at its end and read by its id.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain
from typing import Any, Literal

from connectors.contract import Gap, Outlook, Page, PastRun, Record, RejectedRecord, Usage, usual
from connectors.errors import SkippableRecordError, StopScopeError, StopSourceError
from connectors.jira.conventions import Conventions
from connectors.jira.fields import Fields, find_fields
from connectors.jira.parse import (
    Parsed,
    Reading,
    id_of,
    parse_project,
    parse_sprint,
    parse_status,
    parse_ticket,
    project_of,
)
from connectors.jira.permissions import lacking
from connectors.jira.records import ExpectedCount, Project, Removal, Status, TicketChange
from connectors.jira.transport import Answer, RefusedError, Transport

PAGE_SIZE = 100
LISTED_A_PAGE = 5000
HISTORIES_A_REQUEST = 1000
BY_ID_A_REQUEST = 100
MAY_BE = 0.5
"""Of a request that is made or not, and no earlier run tells."""
OPEN_SPRINTS = 50
OVERLAP = timedelta(hours=1)
"""How much of the time before the last complete run is read again: the index lags, and clocks differ."""

RESTARTS = 3
"""How often a list begins again because Jira refused its page mark; each time costs its pages once more."""

LOST_SHARE, LOST_AT_LEAST = 0.05, 10
"""More than this share of a project gone at once is a permission taken away, and no deletion."""

SITE = "jira:site"
IN_ORDER = " ORDER BY created ASC, key ASC"


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownTickets:
    """What earlier loads know: of each project when it was read to its end and its tickets; open sprints,
    and statuses whose kind is known."""

    complete_at_utc: Mapping[str, datetime] = field(default_factory=dict)
    projects_by_ticket: Mapping[str, str] = field(default_factory=dict)
    open_sprints: tuple[str, ...] = ()
    statuses: frozenset[str] = frozenset()


@dataclass(slots=True, kw_only=True)
class JiraSource:
    """The configured projects of one Jira; all that the account can see, where none is named.

    ``projects`` are keys or names. ``since_utc`` leaves out what was not updated since. ``known`` is what
    earlier runs know; without it everything is read.
    """

    transport: Transport
    kind: Literal["cloud", "datacenter"]
    base_url: str
    projects: Sequence[str] = ()
    since_utc: datetime | None = None
    conventions: Conventions = field(default_factory=Conventions)
    known: KnownTickets = field(default_factory=KnownTickets)
    page_size: int = PAGE_SIZE
    name: str = "jira"
    usage: Usage = field(default_factory=Usage)
    _server_time: datetime | None = None
    _field_list: Any = None
    _last_served: datetime | None = None
    _seen_statuses: set[str] = field(default_factory=set)
    _named_statuses: set[str] = field(default_factory=set)
    _looked_at: tuple[Reading, list[Project]] | None = None
    _counted: dict[str, int | None] = field(default_factory=dict)
    _begun: dict[str, Iterator[tuple[list[Any], datetime]]] = field(default_factory=dict)

    @property
    def reads(self) -> str:
        """How far back it goes and by which conventions, in words."""
        since = "all" if self.since_utc is None else f"updated since {self.since_utc:%Y-%m-%d}"
        return f"{since}, conventions {self.conventions.digest()}"

    def server_time(self) -> datetime:
        """The server's own time at the start, from its first answer. Raises StopSourceError."""
        if self._server_time is None:
            try:
                answer = self._ask("/rest/api/2/field")
                self._server_time, self._field_list = answer.served_at_utc, answer.body
            except StopScopeError as reason:
                raise StopSourceError(str(reason)) from None
        return self._server_time

    def pages(self) -> Iterator[Page | Gap]:
        """Every ticket of every project; a project that cannot be read to its end has a gap."""
        self.server_time()
        reading, visible = self._looked_at or self._look()
        chosen, gaps = self._chosen(visible)
        yield self._page_of(SITE, chosen)
        yield from gaps
        for name in reading.fields.unknown:
            yield Gap(
                scope="jira:conventions",
                message=f'This Jira has no field "{name}" of [sources.jira]. Tickets were read without it.',
            )
        for name, ids in reading.fields.ambiguous.items():
            yield Gap(
                scope="jira:conventions",
                message=f'This Jira has {len(ids)} fields "{name}" of [sources.jira]: {", ".join(ids)}. '
                "Which is meant? Name it by its id. Tickets were read without it.",
            )
        if not chosen:
            return
        held = dict(self.known.projects_by_ticket)
        whole = True
        for until, projects in self._by_progress(chosen).items():
            walk = _Walk(self, reading, projects, until, held)
            yield from walk.pages()
            whole = whole and walk.is_whole
        if whole:
            yield from self._past_statuses()
            yield from self._compared(reading, chosen, held)
            yield from self._open_sprints()

    def _look(self) -> tuple[Reading, list[Project]]:
        try:
            return self._site()
        except StopScopeError as reason:
            raise StopSourceError(str(reason)) from None

    def outlook(self, past: Sequence[PastRun], rehearse: Callable[[Page], None], /) -> Outlook:
        """How many requests a run will take, from Jira's own count of what it will read. On Cloud that is an
        estimate. A full read asks for the first tickets, which are kept. Raises StopSourceError."""
        self.server_time()
        self._looked_at = self._look()
        chosen = self._chosen(self._looked_at[1])[0]
        is_full = not self.known.complete_at_utc
        is_cloud = self.kind == "cloud"
        search = "/rest/api/3/search/jql" if is_cloud else "/rest/api/2/search"
        unknown: list[str] = []
        histories = "/rest/api/3/changelog/bulkfetch"
        more: dict[str, float] = dict.fromkeys((search, histories), 0)
        rows: dict[str, float] = dict.fromkeys((search, histories), 0)
        for until, projects in self._by_progress(chosen).items():
            jql = self.jql(projects, until)
            try:
                n = self._counted[jql] = self._count(jql)
            except StopScopeError:
                n = None
            if n is None:
                unknown.append(f"how many tickets {len(projects)} projects have")
            begun = self._begin(jql, rehearse) if is_full and n else None
            more[search] += max(1, -(-(n or 0) // self.page_size)) - (0 if begun is None else 1)
            rows[search] += max(0, (n or 0) - (begun or 0))
            if is_cloud:
                more[histories] += -(-(n or 0) // HISTORIES_A_REQUEST)
                rows[histories] += n or 0
        counting = "/rest/api/3/search/approximate-count" if is_cloud else search
        is_counted = self.jql(chosen) in self._counted
        more[counting] = more.get(counting, 0) + (1 if chosen and not is_counted else 0)
        more["/rest/agile/1.0/sprint"] = len(self.known.open_sprints[:OPEN_SPRINTS])
        statuses = usual(past, "/rest/api/2/status", is_full=is_full, otherwise=MAY_BE if is_full else 0)
        more["/rest/api/2/status"] = statuses
        return self.usage.outlook(more, is_full=is_full, rows=rows, unknown=unknown)

    def _begin(self, jql: str, rehearse: Callable[[Page], None]) -> int | None:
        """The first tickets of a search, which tell how long such a page takes; how many. They come again
        where it goes on. None where it could not be read: it is asked again, and says what is wrong."""
        assert self._looked_at is not None
        reading = self._looked_at[0]
        search = self.searched(f"{jql}{IN_ORDER}", reading.fields.wanted, self.page_size)
        try:
            issues, served_at_utc = next(search)
        except (StopScopeError, StopIteration):
            return None
        self._begun[jql] = chain([(issues, served_at_utc)], search)
        parsed = Parsed(scope=SITE, served_at_utc=served_at_utc)
        for issue in issues:
            with suppress(SkippableRecordError):
                parse_ticket(issue, [], reading, parsed)
        rehearse(Page(scope=SITE, served_at_utc=served_at_utc, records=parsed.all_records()))
        return len(issues)

    # -------------------------------------------------------------------------- what there is

    def _past_statuses(self) -> Iterator[Page | Gap]:
        """The statuses that only histories name: their kind stands nowhere else. Deleted ones are gone."""
        if not self._named_statuses - self._seen_statuses - self.known.statuses:
            return
        found: list[Record] = []
        try:
            listed = self._ask("/rest/api/2/status").body
        except StopScopeError as reason:
            yield Gap(scope="jira:statuses", message=f"The kinds of past statuses: {reason}")
            return
        for shown in listed if isinstance(listed, list) else []:
            try:
                found.append(parse_status(shown))
            except SkippableRecordError:
                continue  # a status without an id is no key of anything
        yield self._page_of(SITE, found)

    def _site(self) -> tuple[Reading, list[Project]]:
        self.server_time()
        fields = find_fields(self._field_list, self.conventions.named_fields())
        projects = []
        for shown in self._project_list():
            try:
                projects.append(parse_project(shown))
            except SkippableRecordError:
                continue
        reading = Reading(base_url=self.base_url.rstrip("/"), fields=fields, conventions=self.conventions)
        return reading, projects

    def _project_list(self) -> Iterator[Any]:
        if self.kind == "datacenter":
            yield from self._ask("/rest/api/2/project").body
            return
        start = 0
        while True:
            page = self._ask("/rest/api/2/project/search", {"startAt": start, "maxResults": 100}).body
            values = page.get("values") or []
            yield from values
            start += len(values)
            if page.get("isLast") or not values:
                return

    def _chosen(self, visible: Sequence[Project]) -> tuple[list[Project], list[Gap]]:
        if not self.projects:
            return list(visible), [] if visible else [
                Gap(scope=SITE, message="The account can see no project of this Jira.")
            ]
        by_word = {project.name.casefold(): project for project in visible}
        by_word |= {project.project_key.casefold(): project for project in visible}
        chosen = {
            by_word[word.casefold()].key: by_word[word.casefold()]
            for word in self.projects
            if word.casefold() in by_word
        }
        gaps = [
            Gap(
                scope=f"jira:{word}",
                message=f"project {word} cannot be seen. Is the name right, and may the account see it?",
            )
            for word in self.projects
            if word.casefold() not in by_word
        ]
        return list(chosen.values()), gaps

    def visible(self) -> Iterator[str | Gap]:
        """The keys of the configured projects that the account can see, and a gap for each it cannot."""
        try:
            _, visible = self._site()
        except StopScopeError as reason:
            yield Gap(scope=SITE, message=str(reason))
            return
        chosen, gaps = self._chosen(visible)
        yield from (project.project_key for project in chosen)
        yield from gaps

    def lacking(self) -> Iterator[Gap]:
        """A gap for each thing of the configured projects that the account may not see. Raises
        StopSourceError."""
        chosen, _ = self._chosen(self._look()[1])
        if chosen:
            yield from lacking(self._ask, kind=self.kind, projects=chosen, jql=self.jql(chosen))

    def _by_progress(self, projects: Sequence[Project]) -> dict[datetime | None, list[Project]]:
        """Projects by how far back they must be read: None is to the beginning."""
        found: dict[datetime | None, list[Project]] = {}
        for project in projects:
            complete = self.known.complete_at_utc.get(project.key)
            found.setdefault(complete - OVERLAP if complete is not None else None, []).append(project)
        return found

    def jql(self, projects: Sequence[Project], until: datetime | None = None) -> str:
        """Tickets of these projects updated since. Times are epoch milliseconds: a quoted date would be read
        in the account's own time zone. There is no upper bound: what is updated while it is read stays in."""
        ids = ", ".join(project.key.rpartition("/")[2] for project in projects)
        since = max((bound for bound in (until, self.since_utc) if bound is not None), default=None)
        text = f"project in ({ids})"
        return text if since is None else f"{text} AND updated >= {int(since.timestamp() * 1000)}"

    # ---------------------------------------------------------------------- counted and removed

    def _compared(
        self, reading: Reading, projects: Sequence[Project], held: dict[str, str]
    ) -> Iterator[Page | Gap]:
        """Jira's own count against what is held; where they differ every id is listed, and what is missing
        read, what is gone removed."""
        known = {project.key for project in projects}
        try:
            jql = self.jql(projects)
            stored = sum(project in known for project in held.values())
            expected = self._counted.get(jql)  # that of before the pages will do where it is what came
            if expected != stored:
                expected = self._count(jql)
            if expected is None or expected == stored:
                if expected is not None:
                    yield self._page_of(SITE, [_counted(None, expected, is_exact=False)])
                return
            for project in projects:
                yield from self._census(reading, project, known, held)
        except StopScopeError as reason:
            yield Gap(scope="jira:counts", message=f"Comparing with what Jira counts: {reason}")

    def _census(
        self, reading: Reading, project: Project, read: set[str], held: dict[str, str]
    ) -> Iterator[Page | Gap]:
        listed = set(self._ids(self.jql([project])))
        stored = {ticket for ticket, of in held.items() if of == project.key}
        gone, new = sorted(stored - listed), sorted(listed - stored)
        if len(gone) > max(LOST_AT_LEAST, LOST_SHARE * len(stored)):
            yield Gap(
                scope=project.key,
                message=f"{len(gone)} of {len(stored)} tickets of {project.project_key} are out of sight. "
                "None was removed. May the account still see all of the project?",
            )
            return
        removed: list[Record] = []
        for ticket in gone:
            try:
                shown = self._one(ticket, reading)
            except RefusedError as reason:
                if reason.status != 404:
                    raise
                removed.append(Removal(ticket_id=ticket, why="deleted"))
                continue
            of, _ = project_of(shown)
            if of == project.key:
                new.append(ticket)  # it is there, the index does not know it yet
            elif of not in read:
                removed.append(Removal(ticket_id=ticket, why="moved_away"))
        yield from self.by_id(reading, new, held)
        yield self._page_of(project.key, [*removed, _counted(project.key, len(listed), is_exact=True)])

    def _one(self, ticket: str, reading: Reading) -> Any:
        query = {"fields": ",".join(reading.fields.wanted)}
        if self.kind == "datacenter":
            query["expand"] = "changelog"
        return self._ask(f"/rest/api/2/issue/{ticket.rpartition('/')[2]}", query).body

    def by_id(self, reading: Reading, tickets: Sequence[str], held: dict[str, str]) -> Iterator[Page]:
        """These tickets, whole."""
        for start in range(0, len(tickets), BY_ID_A_REQUEST):
            some = tickets[start : start + BY_ID_A_REQUEST]
            if self.kind == "cloud":
                body = {
                    "issueIdsOrKeys": [ticket.rpartition("/")[2] for ticket in some],
                    "fields": reading.fields.wanted,
                }
                shown = self._ask("/rest/api/3/issue/bulkfetch", body=body).body.get("issues") or []
            else:
                shown = [self._one(ticket, reading) for ticket in some]
            yield from self.whole(reading, shown, held)

    def _ids(self, jql: str) -> Iterator[str]:
        for shown in self._listed(f"{jql}{IN_ORDER}", ["id"], LISTED_A_PAGE):
            yield id_of(shown)

    def _listed(self, jql: str, fields: list[str], size: int) -> Iterator[Any]:
        for issues, _ in self.searched(jql, fields, size):
            yield from issues

    def _count(self, jql: str) -> int | None:
        """Jira's own count, on Cloud an estimate; None where it does not say."""
        if self.kind == "cloud":
            count = self._ask("/rest/api/3/search/approximate-count", body={"jql": jql}).body.get("count")
        else:
            body = {"jql": jql, "startAt": 0, "maxResults": 0, "fields": ["id"]}
            count = self._ask("/rest/api/2/search", body=body).body.get("total")
        return count if isinstance(count, int) and not isinstance(count, bool) else None

    def _open_sprints(self) -> Iterator[Page]:
        """Sprints that were open when last seen: their dates move without any ticket of theirs."""
        found: list[Record] = []
        for sprint in self.known.open_sprints[:OPEN_SPRINTS]:
            try:
                shown = self._ask(f"/rest/agile/1.0/sprint/{sprint.rpartition('/')[2]}").body
            except StopScopeError:
                continue  # deleted, or no board of this account's: it stays as it was last seen
            if isinstance(shown, Mapping) and shown.get("id") is not None:
                found.append(parse_sprint(shown))
        if found:
            yield self._page_of(SITE, found)

    # ---------------------------------------------------------------------------------- asking

    def begun(self, jql: str) -> Iterator[tuple[list[Any], datetime]] | None:
        """The search that the outlook began, where it did."""
        return self._begun.pop(jql, None)

    def searched(self, jql: str, fields: list[str], size: int) -> Iterator[tuple[list[Any], datetime]]:
        """The pages of a search, to the last, with the server's time of each."""
        if self.kind == "cloud":
            yield from self._searched_by_token(jql, fields, size)
            return
        start = 0
        while True:
            body = {"jql": jql, "startAt": start, "maxResults": size, "fields": fields}
            if fields != ["id"]:
                body["expand"] = ["changelog"]
            answer = self._ask("/rest/api/2/search", body=body)
            issues = _issues(answer)
            self.usage.brings(len(issues))
            yield issues, answer.served_at_utc
            start += len(issues)
            if not issues or start >= int(answer.body.get("total") or 0):
                return

    def _searched_by_token(
        self, jql: str, fields: list[str], size: int
    ) -> Iterator[tuple[list[Any], datetime]]:
        token: str | None = None
        seen: set[str] = set()
        given: set[tuple[Any, Any]] = set()
        left = RESTARTS
        while True:
            body: dict[str, Any] = {"jql": jql, "maxResults": size, "fields": fields}
            if token is not None:
                body["nextPageToken"] = token
            try:
                answer = self._ask("/rest/api/3/search/jql", body=body)
            except RefusedError as reason:
                if not _is_spent(token, reason) or left == 0:
                    raise
                token, left = None, left - 1
                seen.clear()
                continue
            issues = [
                issue for issue in _issues(answer) if left == RESTARTS or _version_of(issue) not in given
            ]
            given |= {_version_of(issue) for issue in issues}
            self.usage.brings(len(issues))
            yield issues, answer.served_at_utc
            token = answer.body.get("nextPageToken")
            if answer.body.get("isLast") or token is None:
                return
            if token in seen:
                raise StopScopeError("Jira gave the same page mark twice. What was read before is kept.")
            seen.add(token)

    def whole(self, reading: Reading, shown: Sequence[Any], held: dict[str, str]) -> Iterator[Page]:
        """These tickets with their histories, a page for each project they are in."""
        histories = self._histories(reading.fields, shown) if self.kind == "cloud" else {}
        parsed: dict[str, Parsed] = {}
        served_at_utc = self._last_served or self.server_time()
        for issue in shown:
            try:
                scope, ticket = project_of(issue)[0], id_of(issue)
            except SkippableRecordError as problem:
                page = parsed.setdefault(SITE, Parsed(scope=SITE, served_at_utc=served_at_utc))
                page.rejected.append(_unreadable(issue, problem))
                continue
            page = parsed.setdefault(scope, Parsed(scope=scope, served_at_utc=served_at_utc))
            own = histories.get(ticket)
            if own is None:
                changelog = issue.get("changelog")
                own = changelog.get("histories") or [] if isinstance(changelog, Mapping) else []
            before = len(page.rejected)
            parse_ticket(issue, own, reading, page)
            if not any(reject.stream == "tickets" for reject in page.rejected[before:]):
                held[ticket] = scope
        for page in parsed.values():
            self._remember_statuses(page.all_records())
        for page in parsed.values():
            yield Page(
                scope=page.scope,
                served_at_utc=page.served_at_utc,
                records=page.all_records(),
                rejected=tuple(page.rejected),
            )

    def _remember_statuses(self, records: Sequence[Record]) -> None:
        for record in records:
            if isinstance(record, Status):
                self._seen_statuses.add(record.key)
            elif isinstance(record, TicketChange) and record.field == "status":
                self._named_statuses |= {value for value in (record.from_value, record.to_value) if value}

    def _histories(self, fields: Fields, shown: Sequence[Any]) -> dict[str, list[Any]]:
        """The whole history of these tickets, oldest first. What a search embeds ends at forty changes."""
        ids = [str(issue["id"]) for issue in shown if isinstance(issue, Mapping) and "id" in issue]
        found: dict[str, list[Any]] = {f"jira:issue/{number}": [] for number in ids}
        for start in range(0, len(ids), HISTORIES_A_REQUEST):
            token: str | None = None
            seen: set[str] = set()
            left = RESTARTS
            while True:
                body: dict[str, Any] = {
                    "issueIdsOrKeys": ids[start : start + HISTORIES_A_REQUEST],
                    "fieldIds": fields.changed,
                    "maxResults": 10_000,
                }
                if token is not None:
                    body["nextPageToken"] = token
                try:
                    answer = self._ask("/rest/api/3/changelog/bulkfetch", body=body).body
                except RefusedError as reason:
                    if not _is_spent(token, reason) or left == 0:
                        raise
                    token, left = None, left - 1
                    seen.clear()
                    for number in body["issueIdsOrKeys"]:
                        found[f"jira:issue/{number}"] = []
                    continue
                if token is None:
                    self.usage.brings(len(body["issueIdsOrKeys"]))
                for entry in answer.get("issueChangeLogs") or []:
                    found.setdefault(f"jira:issue/{entry.get('issueId')}", []).extend(
                        entry.get("changeHistories") or []
                    )
                token = answer.get("nextPageToken")
                if token is None:
                    break
                if token in seen:
                    raise StopScopeError("Jira gave the same page mark twice. What was read before is kept.")
                seen.add(token)
        return found

    def _ask(self, path: str, query: Mapping[str, Any] | None = None, *, body: Any = None) -> Answer:
        self.usage.asks(re.sub(r"/[0-9]+$", "", path))
        answer = self.transport.ask(path, query, body)
        self._last_served = answer.served_at_utc
        return answer

    def _page_of(self, scope: str, records: Sequence[Record]) -> Page:
        served_at_utc = self._last_served or self.server_time()
        return Page(scope=scope, served_at_utc=served_at_utc, records=tuple(records))


class _Walk:
    """One search over some projects to its end, read in portions whose histories fit one request."""

    def __init__(
        self,
        source: JiraSource,
        reading: Reading,
        projects: Sequence[Project],
        until: datetime | None,
        held: dict[str, str],
    ) -> None:
        self.source, self.reading, self.projects, self.held = source, reading, projects, held
        self.jql = source.jql(projects, until)
        self.is_whole = False

    def pages(self) -> Iterator[Page | Gap]:
        portion: list[Any] = []
        search = self.source.begun(self.jql) or self.source.searched(
            f"{self.jql}{IN_ORDER}", self.reading.fields.wanted, self.source.page_size
        )
        empty = {project.key for project in self.projects}
        try:
            for issues, _ in search:
                portion += issues
                if len(portion) > HISTORIES_A_REQUEST - self.source.page_size:
                    for page in self._read(portion):
                        empty.discard(page.scope)
                        yield page
                    portion = []
            for page in self._read(portion):
                empty.discard(page.scope)
                yield page
        except StopScopeError as reason:
            yield from self._gaps(str(reason))
            return
        except (
            StopSourceError
        ) as reason:  # these projects were begun, and must not count as read to their end
            yield from self._gaps(str(reason))
            raise
        for scope in sorted(empty):  # a project in which nothing moved was read to its end too
            yield self.source._page_of(scope, [project for project in self.projects if project.key == scope])
        self.is_whole = True

    def _read(self, portion: Sequence[Any]) -> Iterator[Page]:
        if portion:
            yield from self.source.whole(self.reading, portion, self.held)

    def _gaps(self, reason: str) -> Iterator[Gap]:
        for project in self.projects:
            yield Gap(scope=project.key, message=f"project {project.project_key}: {reason}")


def _issues(answer: Answer) -> list[Any]:
    issues = answer.body.get("issues") if isinstance(answer.body, Mapping) else None
    if not isinstance(issues, list):
        raise StopScopeError(
            "Jira's answer to a search has no list of tickets. What was read before is kept."
        )
    return issues


def _is_spent(token: str | None, reason: RefusedError) -> bool:
    """Whether it was the page mark that was refused: marks end after some days, and lists begin again."""
    return token is not None and reason.status == 400


def _version_of(issue: Any) -> tuple[Any, Any]:
    """What tells whether a ticket came before as it is now; one that does not tell is always new."""
    fields = issue.get("fields") if isinstance(issue, Mapping) else None
    updated = fields.get("updated") if isinstance(fields, Mapping) else None
    return (issue["id"], str(updated)) if isinstance(issue, Mapping) and "id" in issue else (object(), None)


def _counted(project_id: str | None, expected: int, *, is_exact: bool) -> ExpectedCount:
    return ExpectedCount(
        count_id=project_id or "all", project_id=project_id, expected=expected, is_exact=is_exact
    )


def _unreadable(issue: Any, problem: SkippableRecordError) -> RejectedRecord:
    ref = str(issue.get("key", "?")) if isinstance(issue, Mapping) else "?"
    return RejectedRecord(
        stream="tickets",
        scope=SITE,
        ref=ref,
        field=problem.field,
        problem=problem.problem,
        message=f"{problem}. It was left out with its history; others kept.",
    )
