"""Made-up nights of GitHub and the organisation's files, with everything that can change between two of them.

Here: a small organisation whose pull requests live on at random, and the loads of its nights.
Not here: what a build makes of them.
"""

import random
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from connectors.github import records as github
from connectors.organization import records as organization
from tests.transforms import landed
from warehouse.landing import Landing

FIRST_NIGHT = datetime(2026, 2, 26, 2, tzinfo=UTC)  # so that a month ends among the nights
DAY = timedelta(days=1)
PEOPLE = ("ana", "ben", "cem", "dia")
HAPPENS = "ask ask review review thread reply draft merge close reopen".split()


@dataclass
class Snapshot:
    """One pull request as GitHub shows it now."""

    pull: github.PullRequest
    children: list[Any] = field(default_factory=list)


@dataclass
class World:
    """The organisation; ``night`` lands its next night. Everything random comes of one seed."""

    folder: Path
    seed: int
    nights: int = 0
    teams: dict[str, str] = field(default_factory=lambda: dict(zip(PEOPLE, "ccpp", strict=True)))
    holidays: list[str] = field(default_factory=lambda: ["2026-03-02"])
    names: dict[int, str] = field(default_factory=lambda: {1: "acme/api", 2: "acme/web"})
    accounts: int = 6
    pulls: dict[str, Snapshot] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.ids = 0

    @property
    def now(self) -> datetime:
        return FIRST_NIGHT + self.nights * DAY

    def night(self, change: str | None = None, *, organization_too: bool = True) -> None:
        """Play a day and land it. ``change`` names what else happens; see the methods of that name."""
        if change is not None:
            getattr(self, change)()
        known_at = self.now
        brought = []
        for _ in range(4 if self.nights else 120):
            created = known_at - self.hours(20 if self.nights else 24 * 50)
            key = self.opened(created)
            self.live_on(key, created)
            if not self.nights and self.random.random() < 0.9:
                self._merge(self.pulls[key], created + self.hours(48))
            brought.append(key)
        for key in self.random.sample(sorted(self.pulls), min(5, len(self.pulls))):
            self.live_on(key, known_at - DAY)
            brought.append(key)
        # Some are deleted at the source, one of them in the night that brought it; none of the first merges,
        # which tell what branch was the default: everything would be built anew.
        late = [
            key
            for key, one in sorted(self.pulls.items())
            if one.pull.merged_at_utc is None or one.pull.merged_at_utc > FIRST_NIGHT - 30 * DAY
        ]
        gone = self.random.sample(late, 2) + brought[-1:] if self.nights else []
        self.land(known_at, sorted(set(brought)), removed=sorted(set(gone)))
        if organization_too:
            self.land_organization(known_at)
        self.nights += 1

    # ------------------------------------------------------------------ what a pull request goes through

    def opened(self, created: datetime) -> str:
        number = len(self.pulls) + 1
        repository = self.random.choice(sorted(self.names))
        reverts = None
        if self.random.random() < 0.15:
            reverts = (
                f"{self.random.choice([*self.names.values(), 'acme/new'])}#{self.random.randint(1, number)}"
            )
        pull = replace(
            landed.pull(number, author=self.account(), repository_id=f"github:{repository}"),
            created_at_utc=created,
            updated_at_utc=created,
            is_draft=self.random.random() < 0.2,
            base_branch=self.random.choice(["main", "main", "main", "trunk"]),
            labels=tuple(self.random.sample(["payments", "not-a-defect"], self.random.randint(0, 1))),
            reverts_ref=reverts,
        )
        self.pulls[pull.pull_request_id] = Snapshot(pull)
        return pull.pull_request_id

    def live_on(self, key: str, after: datetime) -> None:
        """Some of: asked, answered, commented, a comment deleted, drafted, merged, closed, opened again."""
        snapshot = self.pulls[key]
        for _ in range(self.random.randint(1, 4)):
            # Now and then something happens while the night is read: it is in the load and after it.
            at = after + self.hours(30)
            if snapshot.children and self.random.random() < 0.4:
                snapshot.children.remove(self.random.choice(snapshot.children))
            getattr(self, f"_{self.random.choice(HAPPENS)}")(snapshot, at)
            snapshot.pull = replace(snapshot.pull, updated_at_utc=at)

    def _event(self, snapshot: Snapshot, kind: Any, at: datetime, **more: Any) -> None:
        made = landed.event(kind, "2026-03-01", key=f"event-{self.next_id()}", **more)
        moved = replace(made, pull_request_id=snapshot.pull.pull_request_id, occurred_at_utc=at)
        snapshot.children.append(moved)

    def _ask(self, snapshot: Snapshot, at: datetime) -> None:
        kind = self.random.choice(["review_requested", "review_requested", "review_request_removed"])
        self._event(snapshot, kind, at, requested_account_id=landed.user(self.account()))

    def _review(self, snapshot: Snapshot, at: datetime) -> None:
        states: Any = ["APPROVED", "COMMENTED", "CHANGES_REQUESTED", "DISMISSED"]
        made = landed.review(self.next_id(), self.account(), "2026-03-01", state=self.random.choice(states))
        moved = replace(made, pull_request_id=snapshot.pull.pull_request_id, submitted_at_utc=at)
        snapshot.children.append(moved)

    def _thread(self, snapshot: Snapshot, at: datetime) -> None:
        made = replace(landed.thread(self.next_id()), pull_request_id=snapshot.pull.pull_request_id)
        snapshot.children.append(made)
        self._comment(snapshot, made.thread_id, at)

    def _reply(self, snapshot: Snapshot, at: datetime) -> None:
        threads = [child.thread_id for child in snapshot.children if isinstance(child, github.ReviewThread)]
        if threads:
            self._comment(snapshot, self.random.choice(threads), at)

    def _comment(self, snapshot: Snapshot, thread_id: str, at: datetime) -> None:
        made = replace(
            landed.comment(self.next_id(), self.account(), "2026-03-01"),
            thread_id=thread_id,
            pull_request_id=snapshot.pull.pull_request_id,
            created_at_utc=at,
            body=self.random.choice(["why?", "nit: space", "LGTM", "```suggestion\nx\n```", "see ABC-12"]),
        )
        snapshot.children.append(made)

    def _draft(self, snapshot: Snapshot, at: datetime) -> None:
        is_draft = not snapshot.pull.is_draft
        self._event(snapshot, "converted_to_draft" if is_draft else "ready_for_review", at)
        snapshot.pull = replace(snapshot.pull, is_draft=is_draft)

    def _merge(self, snapshot: Snapshot, at: datetime) -> None:
        if snapshot.pull.closed_at_utc is None:
            snapshot.pull = replace(snapshot.pull, merged_at_utc=at, closed_at_utc=at)

    def _close(self, snapshot: Snapshot, at: datetime) -> None:
        if snapshot.pull.closed_at_utc is None:
            snapshot.pull = replace(snapshot.pull, closed_at_utc=at)
            self._event(snapshot, "closed", at)

    def _reopen(self, snapshot: Snapshot, at: datetime) -> None:
        if snapshot.pull.closed_at_utc is not None and snapshot.pull.merged_at_utc is None:
            snapshot.pull = replace(snapshot.pull, closed_at_utc=None)
            self._event(snapshot, "reopened", at)

    # ------------------------------------------------------------------ what else can change

    def somebody_changes_team(self) -> None:
        person = self.random.choice(PEOPLE)
        self.teams[person] = "p" if self.teams[person] == "c" else "c"

    def a_holiday_is_added(self) -> None:
        self.holidays.append("2026-02-20")

    def an_account_is_new(self) -> None:
        self.accounts += 1

    def a_repository_is_renamed(self) -> None:
        self.names[1] = "acme/core"

    def a_repository_is_new(self) -> None:
        self.names[3] = "acme/new"

    # ------------------------------------------------------------------ loads

    def land(self, known_at: datetime, keys: list[str], removed: list[str]) -> None:
        load = Landing(self.folder).open_load(
            source="github",
            known_at_utc=known_at,
            code_version="1",
            configuration_hash="0",
            record_types=github.RECORD_TYPES,
        )
        accounts = [landed.account(number, f"login-{number}") for number in range(1, self.accounts + 1)]
        accounts.append(landed.account(99, "robot", kind="bot"))
        repositories = [landed.repository(name, number) for number, name in sorted(self.names.items())]
        load.write([*accounts, *repositories], scope=landed.API, fetched_at_utc=known_at)
        for key in keys:
            snapshot = self.pulls[key]
            scope = snapshot.pull.repository_id
            load.write([snapshot.pull, *snapshot.children], scope=scope, fetched_at_utc=known_at)
        for key in removed:
            of = self.pulls[key].pull.repository_id
            removal = github.Removal(pull_request_id=key, repository_id=of, why="deleted")
            load.write([removal], scope=f"{of}/census", fetched_at_utc=known_at)
        load.finish()

    def land_organization(self, known_at: datetime) -> None:
        load = Landing(self.folder).open_load(
            source="organization",
            known_at_utc=known_at,
            code_version="1",
            configuration_hash="0",
            record_types=organization.RECORD_TYPES,
        )
        rows: list[Any] = [
            landed.person(person, f"login-{number}", team_id=self.teams[person])
            for number, person in enumerate(PEOPLE, start=1)
        ]
        rows += [landed.off("*", day) for day in self.holidays]
        rows += [
            landed.service("api", team_id="c"),
            landed.service("pay", team_id="p", repository="acme/web", label="payments"),
        ]
        load.write(rows, scope="files", fetched_at_utc=known_at)
        load.finish()

    # ------------------------------------------------------------------ chance

    def account(self) -> int | None:
        """Mostly one of the accounts, sometimes a bot, sometimes one that is deleted."""
        return self.random.choice([*range(1, self.accounts + 1), self.accounts, 99, None])

    def hours(self, most: float) -> timedelta:
        return timedelta(seconds=self.random.randint(0, round(most * 3600)))

    def next_id(self) -> int:
        self.ids += 1
        return self.ids
