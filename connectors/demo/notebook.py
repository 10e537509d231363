"""A pull request while it is being made up: lists that grow, in whole seconds since 1970.

Here: writing down what happens, and making the finished record of it.
Not here: deciding what happens (``lifecycle``).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from connectors.demo.calendar import NEVER
from connectors.demo.people import Account, Team
from connectors.demo.pull_requests import (
    Comment,
    EventType,
    Label,
    PullRequest,
    Review,
    ReviewState,
    Thread,
    TimelineEvent,
)
from connectors.demo.services import DEFAULT_BRANCH, Repository


@dataclass(slots=True, kw_only=True)
class NotedReview:
    database_id: int
    author: Account
    state: ReviewState
    at: int
    body: str
    dismissed_at: int = NEVER


@dataclass(slots=True, kw_only=True)
class NotedThread:
    database_id: int
    comments: list[Comment] = field(default_factory=list)
    opened_by: str = ""
    last_by: str = ""
    opened_at: int = 0
    outdated_at: int = NEVER
    resolved_at: int = NEVER
    is_settled: bool = False


@dataclass(slots=True, kw_only=True)
class NotedEvent:
    database_id: int
    type: EventType
    at: int
    asked: Account | Team | None = None
    dismissed: NotedReview | None = None


@dataclass(slots=True, kw_only=True)
class Notebook:
    """What has happened to one pull request so far. ``horizon`` is the last second of the made-up world."""

    ids: Iterator[int]
    horizon: int
    repository: Repository
    number: int
    author: Account
    created_at: int
    title: str = ""
    body: str = ""
    base_branch: str = DEFAULT_BRANCH
    head_branch: str = ""
    is_opened_as_draft: bool = False
    merged_at: int = NEVER
    labels: list[tuple[str, int, int]] = field(default_factory=list)
    reviews: list[NotedReview] = field(default_factory=list)
    threads: list[NotedThread] = field(default_factory=list)
    events: list[NotedEvent] = field(default_factory=list)

    def event(self, kind: EventType, at: int, asked: Account | Team | None = None) -> None:
        self.events.append(NotedEvent(database_id=next(self.ids), type=kind, at=at, asked=asked))

    def review(self, author: Account, state: ReviewState, at: int, body: str) -> NotedReview:
        review = NotedReview(database_id=next(self.ids), author=author, state=state, at=at, body=body)
        self.reviews.append(review)
        return review

    def dismiss(self, review: NotedReview, at: int) -> None:
        review.dismissed_at = at
        event = NotedEvent(database_id=next(self.ids), type="ReviewDismissedEvent", at=at, dismissed=review)
        self.events.append(event)

    def thread(self, account: Account, body: str, *, written_at: int, seen_from: int) -> NotedThread:
        thread = NotedThread(database_id=next(self.ids), opened_by=account.login, opened_at=seen_from)
        self.threads.append(thread)
        self._comment(thread, account, body, written_at, seen_from)
        return thread

    def reply(self, thread: NotedThread, account: Account, body: str, at: int) -> None:
        """A reply outside a review; GitHub makes an empty COMMENTED review of its author around it."""
        self._comment(thread, account, body, at, at)
        self.review(account, "COMMENTED", at, "")

    def _comment(
        self, thread: NotedThread, account: Account, body: str, written_at: int, seen_from: int
    ) -> None:
        thread.last_by = account.login
        if seen_from <= self.horizon:
            thread.comments.append(
                Comment(
                    database_id=next(self.ids),
                    author=account,
                    body=body,
                    created_at_utc=instant(written_at),
                    seen_from_utc=instant(seen_from),
                )
            )

    def finished(self) -> PullRequest:
        """The record, without anything later than the horizon."""
        reviews = {
            noted.database_id: Review(
                database_id=noted.database_id,
                author=noted.author,
                state=noted.state,
                submitted_at_utc=instant(noted.at),
                body=noted.body,
                dismissed_at_utc=self._instant_or_none(noted.dismissed_at),
            )
            for noted in sorted(self.reviews, key=lambda review: (review.at, review.database_id))
            if noted.at <= self.horizon
        }
        threads = tuple(
            Thread(
                database_id=noted.database_id,
                comments=tuple(sorted(noted.comments, key=lambda one: (one.created_at_utc, one.database_id))),
                outdated_at_utc=self._instant_or_none(noted.outdated_at),
                resolved_at_utc=self._instant_or_none(noted.resolved_at),
            )
            for noted in sorted(self.threads, key=lambda thread: (thread.opened_at, thread.database_id))
            if noted.comments
        )
        timeline = tuple(
            TimelineEvent(
                database_id=noted.database_id,
                type=noted.type,
                created_at_utc=instant(noted.at),
                asked=noted.asked,
                dismissed=None if noted.dismissed is None else reviews[noted.dismissed.database_id],
            )
            for noted in sorted(self.events, key=lambda event: (event.at, event.database_id))
            if noted.at <= self.horizon
        )
        labels = tuple(
            Label(name=name, added_at_utc=instant(added), removed_at_utc=self._instant_or_none(removed))
            for name, added, removed in self.labels
            if added <= self.horizon
        )
        return PullRequest(
            repository=self.repository,
            number=self.number,
            title=self.title,
            body=self.body,
            author=self.author,
            base_branch=self.base_branch,
            head_branch=self.head_branch,
            created_at_utc=instant(self.created_at),
            is_opened_as_draft=self.is_opened_as_draft,
            merged_at_utc=self._instant_or_none(self.merged_at),
            labels=labels,
            reviews=tuple(reviews.values()),
            threads=threads,
            timeline=timeline,
        )

    def _instant_or_none(self, at: int) -> datetime | None:
        return instant(at) if at <= self.horizon else None


def instant(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
