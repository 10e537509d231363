"""Tickets of the made-up organisation, answered as Jira Cloud answers.

Here: an epic for each feature and a ticket for each pull request that was built for it, production bugs and
the changes that brought them, follow-ups of major incidents, sprints; and the lists that a client asks for,
as of a moment.
Not here: reading them (``connectors.jira``), which is the real client's work.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any

from connectors.demo.features import features_in, story_of
from connectors.demo.history import make_pull_requests
from connectors.demo.on_call import happened, person_of, shifts_of
from connectors.demo.organization import Organization
from connectors.demo.people import Person
from connectors.demo.pull_requests import PullRequest
from connectors.demo.services import Repository
from connectors.demo.snapshot import text_of
from connectors.jira.transport import Answer

Json = dict[str, Any]
WEB_ADDRESS = "https://acme.atlassian.example"
MAJOR = ("P1", "P2")
SPRINT_FIELD, SPRINT_DAYS = "customfield_10020", 14
BROUGHT_A_BUG_SHARE, FOLLOWED_UP_SHARE = 0.03, 0.85
_STATUSES = {"To Do": ("1", "new"), "In Progress": ("3", "indeterminate"), "Done": ("10001", "done")}
_ASKED = re.compile(r"project in \((?P<projects>[\d, ]+)\)(?: AND updated >= (?P<since>\d+))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change of one field; ``before`` and ``after`` are what Jira shows in words."""

    at: datetime
    field: str
    before: str | None
    after: str | None


@dataclass(slots=True, kw_only=True)
class Ticket:
    """A ticket from beginning to end; its fields as of a moment follow from ``changes``."""

    number: int
    repository: Repository
    key: str
    type: str
    created_at: datetime
    assignee: Person | None
    parent: "Ticket | None" = None
    labels: tuple[str, ...] = ()
    description: str = ""
    due: date | None = None
    changes: list[Change] = field(default_factory=list)

    def moves(self, at: datetime, after: str) -> None:
        """To another status; to Done with the resolution that goes with it."""
        before = next((one.after for one in reversed(self.changes) if one.field == "status"), "To Do")
        self.changes.append(Change(at=at, field="status", before=before, after=after))

    def ends(self, at: datetime, resolution: str = "Done") -> None:
        self.moves(at, "Done")
        self.changes.append(Change(at=at, field="resolution", before=None, after=resolution))

    def at(self, name: str, now: datetime, first: str | None) -> str | None:
        """The words of a field as of a moment."""
        return next(
            (one.after for one in reversed(self.changes) if one.field == name and one.at <= now), first
        )

    def updated_at(self, now: datetime) -> datetime:
        return max([self.created_at, *(one.at for one in self.changes if one.at <= now)])


@dataclass(slots=True, kw_only=True)
class DemoJira:
    """Answers for the made-up site at ``now_utc``: nothing later has happened."""

    organization: Organization
    now_utc: datetime
    _tickets: dict[int, Ticket] = field(init=False, repr=False)
    _project_ids: dict[str, int] = field(init=False, repr=False)
    _authors: dict[int, Person] = field(init=False, repr=False)
    _major: list[tuple[Json, Person | None]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        people = self.organization.people
        self._authors = {account.database_id: one for one in people for _, account in one.accounts}
        self._major = list(_major_incidents(self.organization, self.now_utc))
        repositories = self.organization.repositories
        self._project_ids = {one.name: 10_001 + place for place, one in enumerate(repositories)}
        made = [ticket for place in range(len(repositories)) for ticket in self._made(place)]
        kept = [ticket for ticket in made if ticket.created_at <= self.now_utc]
        kept.sort(key=lambda ticket: (ticket.created_at, ticket.number))
        self._tickets = {ticket.number: ticket for ticket in kept}

    def ask(
        self,
        path: str,
        query: Mapping[str, Any] | None = None,  # noqa: ARG002 - no list here needs a second page
        body: Any = None,
    ) -> Answer:
        answers: Mapping[str, Callable[[], Any]] = {
            "/rest/api/2/field": lambda: [
                {
                    "id": SPRINT_FIELD,
                    "name": "Sprint",
                    "schema": {"custom": "com.pyxis.greenhopper.jira:gh-sprint"},
                }
            ],
            "/rest/api/2/project/search": self._projects,
            "/rest/api/2/status": lambda: [_status(name) for name in _STATUSES],
            "/rest/api/3/search/jql": lambda: self._search(body),
            "/rest/api/3/search/approximate-count": lambda: {"count": len(list(self._asked(body["jql"])))},
            "/rest/api/3/changelog/bulkfetch": lambda: self._histories(body),
        }
        if path.startswith("/rest/agile/1.0/sprint/"):
            shown: Any = self._sprint(int(path.rpartition("/")[2]))
        else:
            shown = answers[path]()
        return Answer(body=shown, served_at_utc=self.now_utc)

    # ---------------------------------------------------------------------------------- answers

    def _projects(self) -> Json:
        values = [
            {"id": str(self._project_ids[one.name]), "key": one.ticket_key, "name": one.name}
            for one in self.organization.repositories
        ]
        return {"values": values, "isLast": True}

    def _asked(self, jql: str) -> Iterator[Ticket]:
        """Understands the one kind of search that the client asks."""
        asked = _ASKED.match(jql)
        if asked is None:
            raise ValueError(f"No made-up answer for the search {jql!r}")
        projects = {int(number) for number in asked["projects"].split(",")}
        since = datetime.fromtimestamp(int(asked["since"] or 0) / 1000, UTC)
        for ticket in self._tickets.values():
            if (
                self._project_ids[ticket.repository.name] in projects
                and ticket.updated_at(self.now_utc) >= since
            ):
                yield ticket

    def _search(self, body: Json) -> Json:
        found, start = list(self._asked(body["jql"])), int(body.get("nextPageToken", 0))
        end = start + int(body["maxResults"])
        shown: Json = {
            "issues": [self._show(ticket) for ticket in found[start:end]],
            "isLast": end >= len(found),
        }
        return shown if shown["isLast"] else {**shown, "nextPageToken": str(end)}

    def _histories(self, body: Json) -> Json:
        wanted = [self._tickets[int(number)] for number in body["issueIdsOrKeys"]]
        return {
            "issueChangeLogs": [
                {
                    "issueId": str(ticket.number),
                    "changeHistories": [
                        _history(ticket, place, change)
                        for place, change in enumerate(ticket.changes)
                        if change.at <= self.now_utc
                    ],
                }
                for ticket in wanted
            ]
        }

    def _show(self, ticket: Ticket) -> Json:
        now, resolution = self.now_utc, ticket.at("resolution", self.now_utc, None)
        ended = [one.at for one in ticket.changes if one.field == "resolution" and one.at <= now]
        due = ticket.at("duedate", now, ticket.due.isoformat() if ticket.due else None)
        parent = ticket.parent
        return {
            "id": str(ticket.number),
            "key": ticket.key,
            "fields": {
                "project": {
                    "id": str(self._project_ids[ticket.repository.name]),
                    "key": ticket.repository.ticket_key,
                    "name": ticket.repository.name,
                },
                "issuetype": {"id": ticket.type, "name": ticket.type},
                "status": _status(str(ticket.at("status", now, "To Do"))),
                "resolution": None if resolution is None else {"name": resolution},
                "resolutiondate": None if resolution is None else text_of(ended[-1]),
                "created": text_of(ticket.created_at),
                "updated": text_of(ticket.updated_at(now)),
                "duedate": due,
                "assignee": None
                if ticket.assignee is None
                else {"accountId": account_id(ticket.assignee), "accountType": "atlassian"},
                "labels": list(ticket.labels),
                "description": ticket.description or None,
                "parent": None
                if parent is None
                else {"id": str(parent.number), "key": parent.key, "fields": {"issuetype": {"name": "Epic"}}},
                SPRINT_FIELD: self._sprints_of(ticket),
            },
        }

    def _sprints_of(self, ticket: Ticket) -> list[Json]:
        """Stories and bugs are in the sprint in which somebody began them."""
        begun = next((one.at for one in ticket.changes if one.after == "In Progress"), None)
        if ticket.type not in ("Story", "Bug") or begun is None or begun > self.now_utc:
            return []
        return [self._sprint((begun - self._first_sprint()) // timedelta(days=SPRINT_DAYS) + 1)]

    def _first_sprint(self) -> datetime:
        first = self.organization.history.first_day - timedelta(days=154)
        return datetime.combine(first - timedelta(days=first.weekday()), time(8), UTC)

    def _sprint(self, number: int) -> Json:
        start = self._first_sprint() + (number - 1) * timedelta(days=SPRINT_DAYS)
        end = start + timedelta(days=SPRINT_DAYS)
        is_over = end <= self.now_utc
        return {
            "id": number,
            "name": f"Sprint {number}",
            "state": "closed" if is_over else "active" if start <= self.now_utc else "future",
            "startDate": text_of(start),
            "endDate": text_of(end),
            "completeDate": text_of(end) if is_over else None,
        }

    # ------------------------------------------------------------------------------ making up

    def _made(self, place: int) -> Iterator[Ticket]:
        """Every ticket of a repository's project, those of later nights too."""
        repository, first = self.organization.repositories[place], 1_000_000 * (place + 1)
        pulls = make_pull_requests(self.organization, repository)
        yield from self._built(repository, first, pulls)
        yield from self._bugs(repository, first + 100_000, pulls)
        yield from self._followups(repository, first + 200_000)

    def _built(self, repository: Repository, first: int, pulls: tuple[PullRequest, ...]) -> Iterator[Ticket]:
        """The epics of the repository's features, and a story for each pull request built for one."""
        epics: dict[str, Ticket] = {}
        features = features_in(self.organization.features, repository)
        for feature in features:
            begun = datetime.combine(feature.begun, time(9), UTC)
            epic = Ticket(
                number=first + len(epics),
                repository=repository,
                key=feature.epic,
                type="Epic",
                created_at=begun - timedelta(days=10),
                assignee=None,
            )
            epic.moves(begun, "In Progress")
            epic.ends(datetime.combine(feature.released, time(9), UTC))
            epics[feature.feature_id] = epic
            yield epic
        for pull in pulls:
            found = story_of(features, repository, pull.number, int(pull.created_at_utc.timestamp()))
            if found is None or not pull.title.startswith(f"{found[1]}: "):
                continue
            story = Ticket(
                number=first + 1000 + pull.number,
                repository=repository,
                key=found[1],
                type="Story",
                created_at=pull.created_at_utc - timedelta(days=2 + pull.number % 9),
                assignee=self._author(pull),
                parent=epics[found[0].feature_id],
            )
            story.moves(pull.created_at_utc - timedelta(hours=20), "In Progress")
            if pull.merged_at_utc is not None:
                story.ends(pull.merged_at_utc + timedelta(minutes=20))
            yield story

    def _bugs(self, repository: Repository, first: int, pulls: tuple[PullRequest, ...]) -> Iterator[Ticket]:
        """Now and then a merged change brings a bug that somebody finds in production."""
        rnd = Random(f"bugs {self.organization.seed} {repository.name}")
        for pull in pulls:
            brings, days, share = rnd.random() < BROUGHT_A_BUG_SHARE, rnd.uniform(0.5, 26), rnd.random()
            if not brings or pull.merged_at_utc is None or pull.author.type == "Bot":
                continue
            reported = (pull.merged_at_utc + timedelta(days=days)).replace(microsecond=0)
            is_named = share < 0.85
            bug = Ticket(
                number=first + pull.number,
                repository=repository,
                key=f"{repository.ticket_key}-{20_000 + pull.number}",
                type="Bug",
                created_at=reported,
                assignee=self._author(pull),
                labels=("production",),
                description=f"Customers see an error. Caused by {repository.name_with_owner}#{pull.number}."
                if is_named
                else "Customers see an error now and then.",
            )
            bug.moves(reported + timedelta(hours=3 + 20 * share), "In Progress")
            bug.ends(reported + timedelta(days=1 + 6 * share), "Duplicate" if share > 0.95 else "Fixed")
            yield bug

    def _followups(self, repository: Repository, first: int) -> Iterator[Ticket]:
        """What was agreed after major incidents of the repository's services, with a date."""
        rows = [row for row in self.organization.services if row.repository == repository.name_with_owner]
        places = {
            f"Q{row.service}{row.team}".upper().replace("-", ""): place for place, row in enumerate(rows)
        }
        for incident, by in self._major:
            place, count = places.get(incident["id"][:-4]), int(incident["id"][-4:])
            if place is None:
                continue
            rnd = Random(f"follow-ups {self.organization.seed} {incident['id']}")
            resolved = datetime.fromisoformat(incident["resolved_at"])
            for turn in range(rnd.choice((1, 1, 2)) if rnd.random() < FOLLOWED_UP_SHARE else 0):
                number = 10_000 * place + 2 * count + turn
                created = (resolved + timedelta(hours=rnd.uniform(4, 60))).replace(microsecond=0)
                ticket = Ticket(
                    number=first + number,
                    repository=repository,
                    key=f"{repository.ticket_key}-{40_000 + number}",
                    type="Task",
                    created_at=created,
                    assignee=by,
                    labels=("incident-followup",),
                    description=f"Agreed after {incident['html_url']}.",
                    due=(created + timedelta(days=14)).date(),
                )
                self._followed(rnd, ticket)
                yield ticket

    def _followed(self, rnd: Random, ticket: Ticket) -> None:
        """Most are closed in time, some late; one in ten is moved beforehand, few stay open."""
        assert ticket.due is not None
        due = datetime.combine(ticket.due, time(12), UTC)
        share = rnd.random()
        if share < 0.1:
            moved = (ticket.due + timedelta(days=10)).isoformat()
            at = due - timedelta(days=2)
            ticket.changes.append(Change(at=at, field="duedate", before=ticket.due.isoformat(), after=moved))
            ticket.ends(due + timedelta(days=6))
        elif share < 0.78:
            ticket.ends(ticket.created_at + (due - ticket.created_at) * rnd.uniform(0.15, 0.95))
        elif share < 0.9:
            ticket.ends(due + timedelta(days=rnd.uniform(1, 20)))
        elif share < 0.95:
            ticket.ends(due - timedelta(days=3), "Won't Do")

    def _author(self, pull: PullRequest) -> Person | None:
        return self._authors.get(pull.author.database_id)


def _major_incidents(organization: Organization, now_utc: datetime) -> Iterator[tuple[Json, Person | None]]:
    """Those that are resolved, with whoever resolved each."""
    incidents, log = happened(organization, list(shifts_of(organization)), now_utc)
    by = {
        entry["incident"]["id"]: entry["agent"]["id"] for entry in log if entry["type"] == "resolve_log_entry"
    }
    for incident in incidents:
        priority = incident["priority"]
        if priority is not None and priority["name"] in MAJOR and incident["resolved_at"] is not None:
            yield incident, person_of(organization, by.get(incident["id"]))


def account_id(person: Person) -> str:
    """The id of a person's Jira account, which the roster names."""
    return f"557058:{person.person}"


def _status(name: str) -> Json:
    number, category = _STATUSES[name]
    return {"id": number, "name": name, "statusCategory": {"key": category}}


def _history(ticket: Ticket, place: int, change: Change) -> Json:
    before, after = change.before, change.after
    if change.field == "status":
        before, after = (_STATUSES[str(name)][0] for name in (before, after))
    return {
        "id": str(ticket.number * 100 + place),
        "created": text_of(change.at),
        "items": [
            {
                "field": change.field,
                "fieldId": change.field,
                "from": before,
                "fromString": change.before,
                "to": after,
                "toString": change.after,
            }
        ],
    }
