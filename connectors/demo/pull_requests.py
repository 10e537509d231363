"""A made-up pull request with everything that ever happens to it.

Here: the records of the world, each with its instants.
Not here: how they come about (``lifecycle``), or what of them can be seen at an instant (``snapshot``).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from connectors.demo.people import Account, Team
from connectors.demo.services import Repository

ReviewState = Literal["APPROVED", "CHANGES_REQUESTED", "COMMENTED"]
EventType = Literal[
    "ReadyForReviewEvent",
    "ConvertToDraftEvent",
    "ReviewRequestedEvent",
    "ReviewRequestRemovedEvent",
    "ReviewDismissedEvent",
    "ClosedEvent",
    "ReopenedEvent",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """A submitted review; from ``dismissed_at_utc`` on its state reads DISMISSED."""

    database_id: int
    author: Account
    state: ReviewState
    submitted_at_utc: datetime
    body: str
    dismissed_at_utc: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """A comment in a thread: written, and seen by others once the review that holds it is submitted."""

    database_id: int
    author: Account
    body: str
    created_at_utc: datetime
    seen_from_utc: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """A review thread with its comments in order. Resolving moves no ``updatedAt``, as on GitHub."""

    database_id: int
    comments: tuple[Comment, ...]
    outdated_at_utc: datetime | None
    resolved_at_utc: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineEvent:
    """Something on the timeline; ``asked`` for requests, ``dismissed`` for a dismissed review."""

    database_id: int
    type: EventType
    created_at_utc: datetime
    asked: Account | Team | None = None
    dismissed: Review | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A label from ``added_at_utc`` until before ``removed_at_utc``."""

    name: str
    added_at_utc: datetime
    removed_at_utc: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequest:
    """A pull request from beginning to end. Lists are in the order of their instants."""

    repository: Repository
    number: int
    title: str
    body: str
    author: Account
    base_branch: str
    head_branch: str
    created_at_utc: datetime
    is_opened_as_draft: bool
    merged_at_utc: datetime | None
    labels: tuple[Label, ...]
    reviews: tuple[Review, ...]
    threads: tuple[Thread, ...]
    timeline: tuple[TimelineEvent, ...]
