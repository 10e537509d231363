"""Reading repositories page by page, with every nested list paged to its end.

Here: which operations are asked in which order, and what is asked again.
Not here: HTTP (``http``), fields (``parse``), what is still to be read of a page (``rests``), files
(warehouse).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import chain, cycle, islice
from typing import Any

from connectors.contract import Gap, Outlook, Page, PastRun, Usage, usual
from connectors.errors import SkippableRecordError, StopScopeError, StopSourceError, TriedOftenError
from connectors.github.answers import (
    Again,
    Found,
    PageSize,
    changed_text,
    found_of,
    half_read,
    has_holes,
    listed_of,
    parted,
    path_of,
    refused_cursors,
    repository_of,
    search_text,
    unread_in,
    unread_in_words,
    unreadable,
    updated_at,
)
from connectors.github.census import Places, places_of, said_of
from connectors.github.deployments import PAGE_SIZE as DEPLOYMENTS_A_PAGE
from connectors.github.deployments import deployment_pages, rows_ahead, shared
from connectors.github.deployments import scope_of as scope_of_deployments
from connectors.github.holes import holes_in, refused_fields, refused_in_words
from connectors.github.identities import ACCOUNTS_A_REQUEST, read_identities
from connectors.github.known import KnownRepository
from connectors.github.outlook import (
    NODES,
    RESTS,
    deployments_before,
    kind_of,
    nodes_of,
    pages_of,
    requests_for,
    span_of,
)
from connectors.github.parse import Parsed, parse_pull_request, parse_repository
from connectors.github.permissions import lacking
from connectors.github.records import Account, Repository
from connectors.github.releases import READINGS
from connectors.github.rests import NODES_BESIDE_A_PAGE, Rest, Waiting, next_cursor, number_of
from connectors.github.sweep import Sweep
from connectors.github.together import REPOSITORIES_A_REQUEST, Together
from connectors.github.transport import Answer, Json, Operation, Transport, error_kinds

PAGE_SIZE = 50
"""Pull requests a page. 100 failed on large repositories in public reports; 50 passed."""

OVERLAP = timedelta(hours=1)
"""How much of the time before the last complete run is read again: clocks differ, and reading takes time."""

COUNTS_A_REQUEST = 25
SWEEP = "github:sweep"
SMALLEST_PAGE = 10
"""What a search counts may be a little behind: a page for few pull requests has room for some more."""
MAY_BE = 0.5
"""Of a request that is made or not, and no earlier night tells."""
SAMPLE = 6
"""So many first pages tell, where no run before does, how long a page takes."""
QUIET_REQUESTS = 20
"""After fewer requests than this, a night also asks whose accounts are that nobody claims."""


@dataclass(slots=True, kw_only=True)
class GitHubSource:
    """All configured repositories of one GitHub.

    ``organizations`` are listed first, then ``repositories`` named one by one (``owner/name``). ``since_utc``
    ends a walk, which goes from the newest update backwards, behind the first page that reaches back to it.
    ``known`` is what earlier runs know, by repository id; without it everything is read. With it a walk ends
    at the last complete run less an overlap, unchanged repositories are not walked, and a sweep looks for
    changes that do not move a pull request's time of update. ``unclaimed`` are the accounts seen before
    that nobody claims, in the order in which GitHub is to be asked whose they are; ``not_asked`` are those it
    is not asked about. With ``deployments`` those are read too, of every
    repository that was seen but those of ``released_by``: by a repository's name in small letters, what is
    read in their place, releases or tags.
    """

    transport: Transport
    organizations: Sequence[str] = ()
    repositories: Sequence[str] = ()
    since_utc: datetime | None = None
    known: Mapping[str, KnownRepository] = field(default_factory=dict)
    page_size: int = PAGE_SIZE
    deployments: bool = False
    released_by: Mapping[str, str] = field(default_factory=dict)
    name: str = "github"
    usage: Usage = field(default_factory=Usage)
    read: dict[str, Repository] = field(default_factory=dict)
    not_asked: frozenset[str] = frozenset()
    unclaimed: Sequence[Account] = ()
    names_of: Mapping[str, Sequence[str]] = field(default_factory=dict)
    left_out: Sequence[str] = ()
    _told: set[str] = field(default_factory=set)
    _accounts: dict[str, Account] = field(default_factory=dict)
    _server_time: datetime | None = None
    _last_served: datetime | None = None
    _read_again: set[str] = field(default_factory=set)
    _waiting: Waiting = field(default_factory=Waiting)
    _unread: dict[str, tuple[str, int]] = field(default_factory=dict)
    _refused: dict[str, tuple[str, set[str]]] = field(default_factory=dict)
    _rides_along: bool = True
    _listed: list["Found | Page | Gap"] | None = None
    _changed_in: dict[str, int] = field(default_factory=dict)
    _together: Together = field(init=False)
    _begun: dict[str, Iterator[Page | Gap]] = field(default_factory=dict)
    _walking: set[str] = field(default_factory=set)
    _looks: Sweep | None = None
    _asks_whose: int | None = None

    def __post_init__(self) -> None:
        self._together = Together(self.page_size)

    @property
    def reads(self) -> str:
        """How far back it goes, in words."""
        return "all" if self.since_utc is None else f"updated since {self.since_utc:%Y-%m-%d}"

    def server_time(self) -> datetime:
        """The server's own time at the start, from its first answer. Raises StopSourceError."""
        if self._server_time is None:
            try:
                answer = self._send([Operation(name="ServerTime", variables={})])
            except StopScopeError as reason:
                raise StopSourceError(str(reason)) from None
            self._server_time = answer.served_at_utc
            self.usage.ends()  # what is looked up before the pages is no time of this request
        return self._server_time

    def pages(self) -> Iterator[Page | Gap]:
        """Every page of every repository; a repository that cannot be read to its end ends with a gap."""
        self.server_time()
        try:
            yield from self._all()
        except StopSourceError as reason:
            # Those begun, and those with something waiting, must not count as read to the end: what is theirs
            # may have come with the pages of another.
            for scope in sorted(self._walking | set(self._waiting.repositories())):
                yield Gap(scope=scope, message=f"{reason}{self._waiting.give_up(scope)}")
            raise

    def _all(self) -> Iterator[Page | Gap]:
        seen = {name.lower() for name in self.left_out}
        if self._listed is None:
            self._told.clear()
            self._unread.clear()
            self._refused.clear()
        for found in self._found() if self._listed is None else self._listed:
            if not isinstance(found, Found):
                yield found
            elif found.name.lower() not in seen and not self._is_left_out(found):
                seen.add(found.name.lower())
                begun = self._begun.pop(found.name, None)
                yield from begun or self._unchanged(found) or self._repository(found.name)
        self._listed = None
        yield from self._out_of_sight()
        if self.known:
            yield from self._sweep()
        for by, reading in READINGS.items():
            wanted = [
                each for each in self.read.values() if self._reaches_production(each.name_with_owner) == by
            ]
            yield from deployment_pages(
                self._send_with_rests, wanted, self.known, reading, now_utc=self.server_time()
            )
            yield from self._completed(self._last_served or self.server_time())
        yield from self._rests_left()
        yield from self._told_unread()

    def _told_unread(self) -> Iterator[Gap]:
        """Without a gap the next run would not reach back to them."""
        unread = {scope: unread_in_words(*told) for scope, told in self._unread.items()}
        refused = {scope: refused_in_words(*told) for scope, told in self._refused.items()}
        for scope in dict.fromkeys((*unread, *refused)):
            words = [told[scope] for told in (unread, refused) if scope in told]
            yield Gap(scope=scope, message=" ".join(words))

    def _reaches_production(self, name: str) -> str | None:
        """What tells that a change of it did: deployments, releases, tags, or nothing that is read here."""
        told = self.released_by.get(name.lower())
        return told or ("deployments" if self.deployments else None)

    def identities(self) -> Iterator[Page]:
        """After the pages: what may tell whose accounts are that nobody claims. Raises StopSourceError.

        A night with much to read leaves it to a quieter one.
        """
        if self._asks_whose is None:
            self._asks_whose = self._identities_ahead(self.usage.answers, pages=0)
        yield from read_identities(
            self._send,
            self._owners(),
            self._people_nobody_claims(),
            requests=self._asks_whose,
            served_at_utc=self.server_time(),
        )

    # -------------------------------------------------------------------------------- the outlook

    def outlook(self, past: Sequence[PastRun], rehearse: Callable[[Page], None], /) -> Outlook:
        """How many requests a run will take. What is asked for that is part of the run and not asked twice,
        but for the counts. Raises StopSourceError."""
        self.server_time()
        self._told.clear()
        self._unread.clear()
        self._refused.clear()
        self._listed = list(self._found())
        seen = {name.lower() for name in self.left_out}
        found: list[Found] = []
        for each in self._listed:
            if isinstance(each, Found) and each.name.lower() not in seen and not self._is_left_out(each):
                seen.add(each.name.lower())
                found.append(each)
        unknown: list[str] = []
        ahead = self._ahead_in([each for each in found if not self._is_unchanged(each)], unknown)
        pages = sum(pages for pages, _ in ahead.values()) + self._together.requests()
        listed = {name: n for name, (_, n) in ahead.items()}
        is_full = not self.known
        if is_full:
            self._begin(listed, rehearse)
        pages_read, nodes_read = self.usage.so_far("PullRequests")
        more: dict[str, float] = {"PullRequests": max(0, pages - pages_read)}
        nodes_of_each = NODES["PullRequests"] + NODES[RESTS] * self._rests_of_each()
        nodes: dict[str, float] = {
            "PullRequests": max(0.0, sum(listed.values()) * nodes_of_each - nodes_read)
        }
        more["Deployments"] = self._deployments_ahead(found, unknown)
        listed_in = {
            each.repository.repository_id: listed.get(each.name, 0)
            for each in found
            if each.repository is not None
        }
        gone = [
            key
            for key, names in self.names_of.items()
            if key not in listed_in and self._is_configured(names[-1])
        ]
        if not is_full:
            more["RepositoryState"] = requests_for(len(gone), REPOSITORIES_A_REQUEST)
            sweep = self._looking()
            sweep.begin(listed_in, timed={kind for run in past for kind in run.kinds})
            asked, nodes_asked_about = sweep.ahead(listed_in)
            more |= asked
            nodes |= nodes_asked_about
            more["PullRequestsById"] = usual(past, "PullRequestsById", is_full=False, otherwise=MAY_BE)
        # They ride along where anything is asked behind them.
        carried = more["Deployments"] + more.get("ThreadStates", 0)
        more[RESTS] = usual(past, RESTS, is_full=is_full, otherwise=1.0 if ahead and not carried else 0.0)
        more["CreatedPullRequests"] = requests_for(len(found), COUNTS_A_REQUEST)
        so_far = self.usage.answers + sum(more.values())
        self._asks_whose = self._identities_ahead(so_far, pages)
        more["AccountAddresses"] = self._asks_whose
        return self.usage.outlook(more, is_full=is_full, rows=nodes, unknown=unknown)

    def _ahead_in(self, walked: Sequence["Found"], unknown: list[str]) -> dict[str, tuple[int, int]]:
        """How many pages of its own and how many pull requests will come of each repository, by its name."""
        since: dict[str, datetime | None] = {}
        told: dict[str, int | None] = {}
        for each in walked:
            key = self._scope_of(each.name) if each.repository is None else each.repository.repository_id
            ends = [end for end in (self.since_utc, self._until(key)) if end is not None]
            since[each.name] = max(ends, default=None)
            told[each.name] = each.changed_since(max(ends, default=datetime.min.replace(tzinfo=UTC)))
        counted = [name for name, n in told.items() if n is None]
        texts = [
            search_text(name, None, self.server_time()) if first is None else changed_text(name, first)
            for name, first in ((name, since[name]) for name in counted)
        ]
        told |= zip(counted, self._counts(texts), strict=True)
        ahead = {}
        for name, n in told.items():
            is_whole = since[name] is None
            if n is None:
                unknown.append(f"how many pull requests {name} has")
            elif not is_whole:
                self._changed_in[name] = n
            # One behind them tells that there are no more; where the count was late, another page follows.
            if n is not None and self._together.takes(name, n + 1):
                ahead[name] = (0, n if is_whole else n + 1)
            else:
                size = self._page_size(name)
                pages = pages_of(n or 0, is_whole=is_whole, size=size)
                ahead[name] = (pages, (n or 0) if is_whole else pages * size)
        return ahead

    def _page_size(self, name: str) -> int:
        """So many pull requests a page as have changed, and one behind them, where that is told."""
        changed = self._changed_in.get(name)
        return self.page_size if changed is None else min(self.page_size, max(SMALLEST_PAGE, changed + 1))

    def _begin(self, listed: Mapping[str, int], rehearse: Callable[[Page], None]) -> None:
        """Begin the walks of the largest repositories: their first pages tell how long a page takes, with
        the rests that ride along. What they gave so far comes again where the walks go on."""
        given: dict[str, list[Page | Gap]] = {}
        walks: dict[str, Iterator[Page | Gap]] = {}
        largest = sorted(listed, key=lambda each: -listed[each])[:SAMPLE]
        for name in islice(cycle(largest), SAMPLE):
            walks.setdefault(name, self._repository(name))
            for item in islice(walks[name], 1):
                given.setdefault(name, []).append(item)
                if isinstance(item, Page):
                    rehearse(item)
        self._begun = {name: chain(given.get(name, ()), walk) for name, walk in walks.items()}

    def _rests_of_each(self) -> float:
        """How many nested lists go on in a pull request, by those read so far."""
        return self._waiting.found / len(self._read_again) if self._read_again else 0.0

    def _deployments_ahead(self, found: Sequence["Found"], unknown: list[str]) -> float:
        """Requests for what reached production: one for some repositories, and what goes on behind it."""
        of = {by: [one for one in found if self._reaches_production(one.name) == by] for by in READINGS}
        if self.known:
            return self._deployments_of_a_night(of)
        first = sum(len(list(shared({one.name: DEPLOYMENTS_A_PAGE for one in ones}))) for ones in of.values())
        unknown += [f"how many {by} there are" for by, ones in of.items() if ones and by != "deployments"]
        spans: dict[str, tuple[datetime, datetime]] = {}
        own = [each.name for each in of["deployments"]]
        for start in range(0, len(own), REPOSITORIES_A_REQUEST):
            some = own[start : start + REPOSITORIES_A_REQUEST]
            try:
                answer = self._send([_named("DeploymentSpan", name) for name in some])
            except StopScopeError:
                unknown.append("how many deployments there are")
                continue
            told = zip(some, map(span_of, answer.data), strict=True)
            spans |= {name: span for name, span in told if span is not None}
        now_utc = self.server_time()
        counts = self._counts([search_text(name, at, now_utc) for name in spans for at in spans[name]])
        pairs = zip(spans.values(), counts[::2], counts[1::2], strict=True)
        behind = [deployments_before(span, (n, of_newest), now_utc) for span, n, of_newest in pairs]
        return first + sum(requests_for(n, DEPLOYMENTS_A_PAGE) for n in behind)

    def _deployments_of_a_night(self, of: Mapping[str, Sequence["Found"]]) -> float:
        n = 0.0
        for by, ones in of.items():
            sizes: dict[str, int] = {}
            for one in ones:
                key = (
                    None if one.repository is None else scope_of_deployments(one.repository.repository_id, by)
                )
                told = rows_ahead(self.known.get(key or ""), READINGS[by], self.server_time())
                whole, sizes[one.name] = told or (DEPLOYMENTS_A_PAGE, DEPLOYMENTS_A_PAGE)
                # How many there are is reckoned: one a little over a page may as well end on it.
                pages = max(0, whole - sizes[one.name]) / DEPLOYMENTS_A_PAGE
                n += pages + min(pages, 0.5)
            n += len(list(shared(sizes)))
        return n

    def _identities_ahead(self, so_far: float, pages: int) -> int:
        """Requests about accounts that nobody claims: two of a full read at most, and one of a quiet night,
        about those that earlier runs have seen."""
        if self.known:
            return 1 if so_far < QUIET_REQUESTS and self._people_nobody_claims() else 0
        seen = len(self._people_nobody_claims())
        are_all_seen = self.usage.so_far("PullRequests")[0] >= pages
        size = max(1, ACCOUNTS_A_REQUEST // max(1, len(self._owners())))
        return 2 if seen > size or (seen > size // 2 and not are_all_seen) else 1

    def _people_nobody_claims(self) -> list[Account]:
        """Those that GitHub may be asked about: of a night, those that were seen before it."""
        seen = {account.account_id: account for account in self.unclaimed}
        if not self.known:
            seen |= self._accounts
        asked = [one for account_id, one in seen.items() if account_id not in self.not_asked]
        return [one for one in asked if one.kind == "user"]

    def _owners(self) -> Sequence[str]:
        return self.organizations or tuple({name.partition("/")[0]: None for name in self.repositories})

    # ------------------------------------------------------------------------- which repositories

    def _found(self) -> Iterator["Found | Page | Gap"]:
        for login in self.organizations:
            scope = f"github:organization/{login}"
            try:
                yield from self._organization(login)
            except StopScopeError as reason:
                yield Gap(scope=scope, message=str(reason))
            else:  # listed to its end, which is no page of anything
                yield Page(scope=scope, served_at_utc=self.server_time(), records=())
        if not self.known:
            yield from (Found(name=name) for name in self.repositories)
            return
        for start in range(0, len(self.repositories), REPOSITORIES_A_REQUEST):
            yield from self._named(self.repositories[start : start + REPOSITORIES_A_REQUEST])

    def _named(self, names: Sequence[str]) -> Iterator["Found"]:
        """The states of repositories that are named in the configuration, in one request."""
        try:
            answer = self._send([_state_of(name) for name in names])
        except StopScopeError:
            yield from (Found(name=name) for name in names)  # each is walked, and says itself what is wrong
            return
        doubtful = {error.get("operation") for error in answer.errors}
        for place, (name, data) in enumerate(zip(names, answer.data, strict=True)):
            found = found_of((data or {}).get("repository"), name)
            yield replace(found, updates=None) if {place, None} & doubtful else found

    def _organization(self, login: str) -> Iterator["Found | Gap"]:
        what, scope = f"organisation {login}", f"github:organization/{login}"
        after: str | None = None
        seen: set[str] = set()
        again = Again()
        while True:
            operation = Operation(name="OrganizationRepositories", variables={"login": login, "after": after})
            answer = self._send([operation])
            if has_holes(answer):
                answer = self._send([operation])
            if after is not None and again.is_allowed_by(answer):
                after = None  # what comes twice is walked once
                seen.clear()
                continue
            connection = path_of(answer, "organization", "repositories", what=what, is_first=after is None)
            is_doubtful = bool(answer.errors)  # then each is walked, and says itself what is wrong
            for position, node in enumerate(listed_of(connection, what, "repositories"), start=1):
                try:
                    found = found_of(node, parse_repository(node).name_with_owner)
                    yield replace(found, updates=None) if is_doubtful else found
                except SkippableRecordError as problem:
                    yield Gap(scope=scope, message=f"{what}, repository {position} of its page: {problem}.")
            after = next_cursor(connection, seen, what=what)
            if after is None:
                return

    def _is_left_out(self, found: "Found") -> bool:
        """Whether it is left out by a name that it had before."""
        names = self.names_of.get(found.repository.repository_id, ()) if found.repository else ()
        return _has_any(names, self.left_out)

    def _is_configured(self, name: str) -> bool:
        owner = name.partition("/")[0].lower()
        return owner in {login.lower() for login in self.organizations} or _has_any([name], self.repositories)

    def _out_of_sight(self) -> Iterator[Page | Gap]:
        """Repositories that were read before and are not among those found: each is asked for by its name.

        One that is found is read where it is still configured; where it has gone to another owner it is read
        no more, and what was read stays. One that is not found was deleted, or hidden from the token: GitHub
        says the same of both, so it is a gap until somebody says which.
        """
        missing = {
            repository_id: names[-1]
            for repository_id, names in self.names_of.items()
            if repository_id not in self._told
            and self._is_configured(names[-1])
            and not _has_any(names, self.left_out)
        }
        listed = list(missing.items())
        for start in range(0, len(listed), REPOSITORIES_A_REQUEST):
            yield from self._look_for(listed[start : start + REPOSITORIES_A_REQUEST])

    def _look_for(self, missing: Sequence[tuple[str, str]]) -> Iterator[Page | Gap]:
        try:
            answer = self._send([_state_of(name) for _, name in missing])
        except StopScopeError as reason:
            for repository_id, name in missing:
                yield Gap(scope=repository_id, message=f"{name} was not among those found. {reason}")
            return
        for place, (repository_id, name) in enumerate(missing):
            found = found_of((answer.data[place] or {}).get("repository"), name)
            kinds = error_kinds(error for error in answer.errors if error.get("operation") in (place, None))
            if kinds - {"NOT_FOUND"}:
                said = ", ".join(sorted(kinds))
                yield Gap(scope=repository_id, message=f"{name} could not be read: GitHub said {said}.")
            elif found.repository is None or found.repository.repository_id != repository_id:
                yield Gap(scope=repository_id, message=_gone_in_words(name))
            elif self._is_configured(found.repository.name_with_owner):
                yield from self._unchanged(found) or self._repository(found.repository.name_with_owner)
            else:
                yield self._only_named(found.repository)

    def visible(self) -> Iterator[str | Gap]:
        """The names of the configured repositories that the token can see, and a gap for each it cannot."""
        for login in self.organizations:
            try:
                for found in self._organization(login):
                    yield found if isinstance(found, Gap) else found.name
            except StopScopeError as reason:
                yield Gap(scope=f"github:organization/{login}", message=str(reason))
        for start in range(0, len(self.repositories), REPOSITORIES_A_REQUEST):
            for found in self._named(self.repositories[start : start + REPOSITORIES_A_REQUEST]):
                if found.repository is not None:
                    yield found.name
                else:
                    question = "Is the name right, and may the token see it?"
                    message = f"repository {found.name} cannot be seen. {question}"
                    yield Gap(scope=f"github:{found.name}", message=message)

    def lacking(self, repository: str) -> Iterator[Gap]:
        """A gap for each permission the token lacks, on this repository, which it sees, and organisations."""
        yield from lacking(
            self._send,
            repository=repository,
            organizations=self.organizations,
            reading=READINGS.get(
                self.released_by.get(repository.lower(), "deployments" if self.deployments else "")
            ),
        )

    def _unchanged(self, found: "Found") -> list[Page | Gap]:
        """The one page of a repository in which nothing moved since its last complete run; else nothing."""
        repository = found.repository
        if repository is None or not self._is_unchanged(found):
            return []
        if repository.repository_id in self._told:  # under another of its names
            return [self._only_named(repository)]
        self.read[repository.repository_id] = repository
        return [self._only_named(repository)]

    def _is_unchanged(self, found: "Found") -> bool:
        until = self._until(found.repository.repository_id) if found.repository is not None else None
        return until is not None and found.changed_since(until) == 0

    def _only_named(self, repository: Repository) -> Page:
        """The page of a repository of which there is nothing to read."""
        self._told.add(repository.repository_id)
        return Page(scope=repository.repository_id, served_at_utc=self.server_time(), records=(repository,))

    def _until(self, repository_id: str) -> datetime | None:
        """How far back a walk must go: everything older is known already. None: to the end."""
        known = self.known.get(repository_id)
        if known is None:
            return None
        until = known.complete_at_utc - OVERLAP
        return until if known.missing_since_utc is None else min(until, known.missing_since_utc)

    # ------------------------------------------------------------------------------ the walk

    def _repository(self, name: str) -> Iterator[Page | Gap]:
        scope = self._scope_of(name)
        after: str | None = None
        seen: set[str] = set()
        number = 0
        largest = self._page_size(name)
        size = PageSize(largest=largest, now=largest)
        again = Again()
        try:
            while True:
                number += 1
                what = f"{name}, page {number}"
                answer = self._ask_for_page(name, after, size)
                yield from self._completed(answer.served_at_utc)
                if after is not None and again.is_allowed_by(answer):
                    after = None
                    seen.clear()
                    continue
                fields = path_of(answer, "repository", what=f"repository {name}", is_first=number == 1)
                repository = repository_of(fields, name)
                scope = repository.repository_id
                if number == 1 and scope in self._told:
                    return  # read already, under another of its names
                self._told.add(scope)
                self._walking.add(scope)
                self.read[scope] = repository
                connection = path_of(
                    answer, "repository", "pullRequests", what=f"repository {name}", is_first=number == 1
                )
                listed = listed_of(connection, what, "pull requests")
                self._mark(listed, answer, repository, "repository", "pullRequests", "nodes")
                self._read_again |= {
                    str(node["id"]) for node in listed if isinstance(node, dict) and "id" in node
                }
                whole = self._waiting.hold_back(again.without_known(listed), repository)
                yield self._page(whole, repository, answer.served_at_utc, number)
                after = next_cursor(connection, seen, what=what)
                while self._waiting.is_worth_a_request():
                    yield from self._read_rests()
                if after is None or self._is_known(listed, scope):
                    self._walking.discard(scope)
                    return
        except StopScopeError as reason:
            self._told.add(scope)
            self._walking.discard(scope)
            self._unread.pop(scope, None)
            yield Gap(scope=scope, message=f"{reason}{self._waiting.give_up(scope)}")
        except StopSourceError as reason:  # this repository was begun, and must not count as read to its end
            self._walking.discard(scope)
            yield Gap(scope=scope, message=f"{reason}{self._waiting.give_up(scope)}")
            raise

    def _mark(self, listed: Sequence[Any], answer: Answer, repository: Repository, *path: str) -> None:
        """Mark those of a list that GitHub could not tell whole, and remember what it would not tell."""
        what = f"repository {repository.name_with_owner}"
        holes = holes_in(answer, 0, *path, rows=len(listed), what=what)
        for place, name in holes.failed.items():
            if place < len(listed) and isinstance(listed[place], dict):
                listed[place]["_unread"] = name
        self._remember_refused(repository, holes.refused)

    def _remember_refused(self, repository: Repository, fields: Set[str]) -> None:
        if fields:
            _, before = self._refused.get(repository.repository_id, ("", set()))
            self._refused[repository.repository_id] = (repository.name_with_owner, before | fields)

    def _scope_of(self, name: str) -> str:
        """The scope of a repository before its first page tells the id: its id, where the name is known."""
        of_id = [known for known, names in self.names_of.items() if names[-1].lower() == name.lower()]
        return of_id[-1] if of_id else f"github:{name}"

    def _ask_for_page(self, name: str, after: str | None, size: PageSize) -> Answer:
        """One page, and with it rests that wait."""
        if after is None and (came := self._ask_together(name)) is not None:
            return came
        return size.ask(
            lambda operations: self._with_rests(operations, size), lambda rows: _page_of(name, after, rows)
        )

    def _ask_together(self, name: str) -> Answer | None:
        """The first page of a small repository, asked for with those of others; None if it is to be alone."""
        while name in self._together.sizes:
            batch = self._together.batch(name)
            if len(batch) == 1:
                del self._together.sizes[name]
                break
            try:
                answer = self._send([_page_of(each, None, rows) for each, rows in batch])
            except StopScopeError:
                self._together.halve()
            else:
                self._together.take_in([each for each, _ in batch], answer)
        return self._together.answer(name)

    def _with_rests(self, page: Sequence[Operation], size: PageSize) -> Answer:
        """The answer to the page alone, with rests of pages before it unless it had to be made smaller."""
        return self._send_with_rests(page) if size.now == size.largest else self._send(page)

    def _send_with_rests(self, own: Sequence[Operation]) -> Answer:
        """The answer to these alone; rests of pages before them ride along, and are taken in.

        Where GitHub could not answer both together, they are asked apart for the rest of the run.
        """
        riding = self._waiting.take_off(NODES_BESIDE_A_PAGE) if self._rides_along else []
        if not riding:
            return self._send(own)
        try:
            answer = self._send([*own, *(rest.asked() for rest in riding)])
        except StopScopeError:
            self._waiting.put_back(riding)
            self._rides_along = False
            return self._send(own)
        asked, others = parted(answer, len(own))
        if has_holes(others):
            self._waiting.put_back(riding)
            self._rides_along = False
        else:
            self._take(riding, self._answers_of(riding, others))
        return asked

    def _is_known(self, listed: Sequence[Any], scope: str) -> bool:
        """Whether the page reaches back behind what must be read: what follows was updated earlier still.

        A page with one that does not tell its time does not.
        """
        ends = [end for end in (self.since_utc, self._until(scope)) if end is not None]
        if not ends or not listed:
            return False
        updates = [update for node in listed if (update := updated_at(node)) is not None]
        return len(updates) == len(listed) and updates[-1] < max(ends)

    def _page(
        self, listed: Sequence[Any], repository: Repository, served_at_utc: datetime, number: int
    ) -> Page:
        parsed = Parsed(scope=repository.repository_id, served_at_utc=served_at_utc)
        parsed.records.append(repository)
        for position, node in enumerate(listed, start=1):
            if not isinstance(node, dict):
                place = f"{repository.name_with_owner}, page {number}, place {position}"
                parsed.rejected.append(unreadable(repository, place))
                continue
            ref = f"{repository.name_with_owner}{number_of(node)}"
            if node.get("_unread") is not None:
                parsed.rejected.append(half_read(repository, ref, node["_unread"]))
                continue
            parse_pull_request(node, repository, parsed, ref=ref)
        self._accounts |= parsed.accounts
        page = Page(
            scope=repository.repository_id,
            served_at_utc=served_at_utc,
            records=parsed.all_records(),
            rejected=tuple(parsed.rejected),
        )
        unread = unread_in(page)
        if unread:
            _, before = self._unread.get(page.scope, ("", 0))
            self._unread[page.scope] = (repository.name_with_owner, before + unread)
        return page

    # ----------------------------------------------------------------------------- the sweep

    def _sweep(self) -> Iterator[Page | Gap]:
        """Pull requests below which something changed without moving their time of update, read anew."""
        changed: list[str] = []
        try:
            for found in self._looking().changed(self.read, read_anyway=self._read_again):
                changed += found
                yield from self._completed(self._last_served or self.server_time())
            for start in range(0, len(changed), self.page_size):
                yield from self._by_id(changed[start : start + self.page_size])
            yield Page(scope=SWEEP, served_at_utc=self.server_time(), records=())
        except StopScopeError as reason:
            yield Gap(scope=SWEEP, message=f"Looking for changes in threads: {reason}")

    def _looking(self) -> Sweep:
        """The sweep of this run, made when what is known is there."""
        if self._looks is None:
            self._looks = Sweep(known=self.known, send=self._send, send_with_rests=self._send_with_rests)
        return self._looks

    def _by_id(self, ids: Sequence[str]) -> Iterator[Page | Gap]:
        """These pull requests, whole, a page for each repository they are in; too many at once in halves."""
        answer: Answer | None = None
        try:
            answer = self._send([Operation(name="PullRequestsById", variables={"ids": list(ids)})])
        except TriedOftenError:
            if len(ids) == 1:
                raise
        if answer is None or (len(ids) > 1 and has_holes(answer)):
            yield from self._by_id(ids[: len(ids) // 2])
            yield from self._by_id(ids[len(ids) // 2 :])
            return
        nodes = (answer.data[0] or {}).get("nodes")
        said = said_of(answer, 0)
        if has_holes(answer) or not isinstance(nodes, list) or len(nodes) != len(ids):
            raise StopScopeError(f"GitHub left holes in an answer about {len(ids)} pull requests.")
        refused = [
            place for place, node in enumerate(nodes) if node is None and said.get(place) != "NOT_FOUND"
        ]
        if refused:  # what is not found is for the census, which asks again
            raise StopScopeError(f"GitHub refused {len(refused)} of {len(ids)} pull requests.")
        by_repository: dict[str, list[Any]] = {}
        for node in nodes:
            if isinstance(node, dict) and isinstance(node.get("repository"), dict):
                key = str(node["repository"].get("databaseId"))
                by_repository.setdefault(key, []).append(node)
        may_not = refused_fields(answer, 0)
        for listed in by_repository.values():
            repository = repository_of(listed[0]["repository"], "of a swept pull request")
            self._remember_refused(repository, may_not)
            whole = self._waiting.hold_back(listed, repository)
            yield self._page(whole, repository, answer.served_at_utc, 0)

    # ------------------------------------------------------------------ the independent count

    def created_counts(self, stretches: Sequence[tuple[str, datetime | None, datetime]]) -> list[int | None]:
        """How many pull requests GitHub says were created, for (repository name, first, last) each.

        Both ends count; None at the start means from the beginning. None in the answer: it did not say.
        """
        return self._counts([search_text(*stretch) for stretch in stretches])

    def _counts(self, searches: Sequence[str]) -> list[int | None]:
        counts: list[int | None] = []
        for start in range(0, len(searches), COUNTS_A_REQUEST):
            asked = searches[start : start + COUNTS_A_REQUEST]
            operations = [Operation(name="CreatedPullRequests", variables={"query": text}) for text in asked]
            try:
                data = self._send(operations).data
            except StopScopeError:
                halves = (asked[: len(asked) // 2], asked[len(asked) // 2 :])
                counts += [n for half in halves for n in self._counts(half)] if asked[1:] else [None]
                continue
            for shown in data:
                count = ((shown or {}).get("search") or {}).get("issueCount")
                counts.append(count if isinstance(count, int) and not isinstance(count, bool) else None)
        return counts

    def places(self, ids: Sequence[str]) -> Places:
        """Whether these pull requests, by node id, are still there. Raises StopSourceError."""
        return places_of(self._send, ids)

    # ---------------------------------------------------------------------------------- asking

    def _rests_left(self) -> Iterator[Page | Gap]:
        """Everything that still waits."""
        while self._waiting.rests:
            yield from self._read_rests()

    def _read_rests(self) -> Iterator[Page | Gap]:
        """One shared request for rests, and the pull requests that it made whole."""
        now = self._waiting.take_off()
        try:
            answers, served_at_utc = self._ask_for_rests(now)
        except StopScopeError as reason:
            for scope in self._waiting.repositories(now):
                self._unread.pop(scope, None)
                yield Gap(scope=scope, message=f"{reason}{self._waiting.give_up(scope)}")
            return
        self._take(now, answers)
        yield from self._completed(served_at_utc)

    def _take(self, rests: Sequence[Rest], answers: Sequence[tuple[Json | None, bool]]) -> None:
        """What came for each of them, and whether its cursor was refused."""
        for rest, (more, is_refused) in zip(rests, answers, strict=True):
            if is_refused and rest.may_begin_again():
                self._waiting.begin_again(rest)
            else:
                self._waiting.rests += rest.take(more)

    def _completed(self, served_at_utc: datetime) -> Iterator[Page]:
        for repository, listed in self._waiting.completed():
            yield self._page(listed, repository, served_at_utc, 0)

    def _ask_for_rests(
        self, rests: Sequence[Rest], *, is_last_try: bool = False
    ) -> tuple[list[tuple[Json | None, bool]], datetime]:
        """Their answers, in order, and whether the cursor was refused.

        An answer with holes is asked for again in halves, a single one once.
        """
        answer = self._send([rest.asked() for rest in rests])
        if not has_holes(answer):
            return self._answers_of(rests, answer), answer.served_at_utc
        if is_last_try:  # what is null in it may be there: half of a list is none
            return [(None, False) for _ in rests], answer.served_at_utc
        if len(rests) == 1:
            return self._ask_for_rests(rests, is_last_try=True)
        middle = len(rests) // 2
        first, _ = self._ask_for_rests(rests[:middle])
        second, served_at_utc = self._ask_for_rests(rests[middle:])
        return first + second, served_at_utc

    def _answers_of(self, rests: Sequence[Rest], answer: Answer) -> list[tuple[Json | None, bool]]:
        """What came for each of them, and whether its cursor was refused."""
        refused = refused_cursors(answer)
        for place, rest in enumerate(rests):
            waiting = self._waiting.pull_requests.get(rest.pull_request["id"])
            if waiting is not None:
                self._remember_refused(waiting[0], refused_fields(answer, place))
        return [(data, place in refused) for place, data in enumerate(answer.data)]

    def _send(self, operations: Sequence[Operation]) -> Answer:
        self.usage.asks(kind_of(operations))
        answer = self.transport.send(operations)
        self.usage.costs(answer.points)
        self.usage.brings(nodes_of(operations, answer))
        self._last_served = answer.served_at_utc
        return answer


def _page_of(name: str, after: str | None, rows: int) -> Operation:
    owner, _, short = name.partition("/")
    variables = {"owner": owner, "name": short, "after": after, "pageSize": rows}
    return Operation(name="PullRequests", variables=variables)


def _state_of(name: str) -> Operation:
    return _named("RepositoryState", name)


def _named(operation: str, name: str) -> Operation:
    owner, _, short = name.partition("/")
    return Operation(name=operation, variables={"owner": owner, "name": short})


def _has_any(names: Sequence[str], wanted: Sequence[str]) -> bool:
    return not {name.lower() for name in names}.isdisjoint(name.lower() for name in wanted)


def _gone_in_words(name: str) -> str:
    return (
        f"{name} can no longer be seen: it was deleted, or hidden from the token. What was read of it stays, "
        "and from here on it is missing. May the token see it again, the next run goes on; if it is gone for "
        "good, name it in [sources.github] left_out"
    )
