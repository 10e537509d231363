"""A made-up pull request as GitHub would show it at an instant.

Here: what has happened by then, in GitHub's shapes and with its nested lists cut to the asked length.
Not here: which operation wants which list (``pages``).
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from hashlib import sha1

from connectors.demo.connections import COMMENTS, LABELS, MORE_THREADS, REVIEWS, THREADS, TIMELINE, page
from connectors.demo.people import Account, Team
from connectors.demo.pull_requests import Comment, Label, PullRequest, Review, Thread, TimelineEvent
from connectors.demo.ratings import Reaction, reactions_to
from connectors.demo.services import DEFAULT_BRANCH, Repository
from connectors.github.transport import Json

_CONTENTS = ("THUMBS_UP", "THUMBS_DOWN", "LAUGH", "HOORAY", "CONFUSED", "HEART", "ROCKET", "EYES")


def show_repository(repository: Repository) -> Json:
    return {
        "databaseId": repository.database_id,
        "nameWithOwner": repository.name_with_owner,
        "url": repository.url,
        "defaultBranchRef": {"name": DEFAULT_BRANCH},
    }


def show_pull_request(pull_request: PullRequest, now: datetime) -> Json:
    closed_at = closed_at_utc(pull_request, now)
    merged_at = pull_request.merged_at_utc
    is_merged = merged_at is not None and merged_at <= now
    return {
        "id": pull_request_id(pull_request),
        "number": pull_request.number,
        "url": f"{pull_request.repository.url}/pull/{pull_request.number}",
        "title": pull_request.title,
        "body": pull_request.body,
        "state": "MERGED" if is_merged else "OPEN" if closed_at is None else "CLOSED",
        "isDraft": _is_draft(pull_request, now),
        "createdAt": text_of(pull_request.created_at_utc),
        "updatedAt": text_of(updated_at_utc(pull_request, now)),
        "closedAt": None if closed_at is None else text_of(closed_at),
        "mergedAt": text_of(merged_at) if merged_at is not None and is_merged else None,
        "baseRefName": pull_request.base_branch,
        "headRefName": pull_request.head_branch,
        "commits": {"nodes": [{"commit": {"authoredDate": text_of(_first_commit_at_utc(pull_request))}}]},
        "mergeCommit": {"oid": commit_of(pull_request)} if is_merged else None,
        "author": _show_account(pull_request.author),
        "labels": show_labels(pull_request, now, first=LABELS),
        "reviews": show_reviews(pull_request, now, first=REVIEWS),
        "reviewThreads": show_threads(pull_request, now, first=THREADS),
        "timelineItems": show_timeline(pull_request, now, first=TIMELINE),
    }


def show_labels(pull_request: PullRequest, now: datetime, *, first: int, after: str | None = None) -> Json:
    rows = [
        label
        for label in pull_request.labels
        if label.added_at_utc <= now and (label.removed_at_utc is None or now < label.removed_at_utc)
    ]
    return page(rows, first=first, after=after, show=_show_label)


def show_reviews(pull_request: PullRequest, now: datetime, *, first: int, after: str | None = None) -> Json:
    rows = [review for review in pull_request.reviews if review.submitted_at_utc <= now]
    return page(
        rows, first=first, after=after, show=lambda review: _show_review(review, pull_request.author, now)
    )


def show_threads(pull_request: PullRequest, now: datetime, *, first: int, after: str | None = None) -> Json:
    rows = [thread for thread in pull_request.threads if thread.comments[0].seen_from_utc <= now]
    return page(
        rows, first=first, after=after, show=lambda thread: _show_thread(thread, pull_request.author, now)
    )


def show_thread_states(
    pull_request: PullRequest, now: datetime, *, first: int = MORE_THREADS, after: str | None = None
) -> Json:
    """What a sweep looks at: no texts, and how many comments there are."""
    rows = [thread for thread in pull_request.threads if thread.comments[0].seen_from_utc <= now]
    return page(rows, first=first, after=after, show=lambda thread: _show_state(thread, now))


def show_comments(
    thread: Thread, of: Account, now: datetime, *, first: int, after: str | None = None
) -> Json:
    """The comments of a thread on a pull request of that account."""
    rows = [comment for comment in thread.comments if comment.seen_from_utc <= now]
    return page(rows, first=first, after=after, show=lambda comment: _show_comment(comment, of, now))


def show_reactions(
    said: Review | Comment, of: Account, now: datetime, *, first: int, after: str | None
) -> Json:
    return page(list(reactions_to(said, of, now)), first=first, after=after, show=_show_reaction)


def show_reaction_groups(said: Review | Comment, of: Account, now: datetime) -> list[Json]:
    """GitHub lists every content, most of them empty."""
    found = [reaction.content for reaction in reactions_to(said, of, now)]
    return [{"content": content, "reactors": {"totalCount": found.count(content)}} for content in _CONTENTS]


def show_timeline(pull_request: PullRequest, now: datetime, *, first: int, after: str | None = None) -> Json:
    rows = [event for event in pull_request.timeline if event.created_at_utc <= now]
    return page(rows, first=first, after=after, show=_show_event)


def pull_request_id(pull_request: PullRequest) -> str:
    return f"PR_{pull_request.repository.database_id}_{pull_request.number}"


def said_id(said: Review | Comment) -> str:
    return f"{'PRR' if isinstance(said, Review) else 'PRRC'}_{said.database_id}"


def said_on(pull_request: PullRequest, now: datetime) -> Iterator[Review | Comment]:
    """Every review and comment there is by now."""
    yield from (review for review in pull_request.reviews if review.submitted_at_utc <= now)
    for thread in pull_request.threads:
        yield from (comment for comment in thread.comments if comment.seen_from_utc <= now)


def thread_id(thread: Thread) -> str:
    return f"PRRT_{thread.database_id}"


def closed_at_utc(pull_request: PullRequest, now: datetime) -> datetime | None:
    """When it was closed or merged for good, as far as is known by now."""
    last = None
    for event in pull_request.timeline:
        if event.created_at_utc > now:
            break
        if event.type in ("ClosedEvent", "ReopenedEvent"):
            last = event
    return last.created_at_utc if last is not None and last.type == "ClosedEvent" else None


def updated_at_utc(pull_request: PullRequest, now: datetime) -> datetime:
    """The last thing that happened by now. Resolving a thread is silent, as on GitHub."""
    return max(instant for instant in _instants(pull_request) if instant is not None and instant <= now)


def commit_of(pull_request: PullRequest) -> str:
    """The commit it is merged as."""
    name = f"{pull_request.repository.name}#{pull_request.number}"
    return sha1(name.encode(), usedforsecurity=False).hexdigest()


def text_of(instant: datetime) -> str:
    return f"{instant.isoformat()[:19]}Z"


def _first_commit_at_utc(pull_request: PullRequest) -> datetime:
    """Some hours before it was opened: two on the same day for most, up to three days for a few."""
    hours = (
        2
        + pull_request.number * 7 % 5
        + (24 * (pull_request.number % 4) if pull_request.number % 6 == 0 else 0)
    )
    return pull_request.created_at_utc - timedelta(hours=hours)


def _instants(pull_request: PullRequest) -> Iterable[datetime | None]:
    yield pull_request.created_at_utc
    for event in pull_request.timeline:
        yield event.created_at_utc
    for review in pull_request.reviews:
        yield review.submitted_at_utc
    for thread in pull_request.threads:
        yield thread.outdated_at_utc
    for label in pull_request.labels:
        yield label.added_at_utc
        yield label.removed_at_utc


def _is_draft(pull_request: PullRequest, now: datetime) -> bool:
    is_draft = pull_request.is_opened_as_draft
    for event in pull_request.timeline:
        if event.created_at_utc > now:
            break
        if event.type in ("ReadyForReviewEvent", "ConvertToDraftEvent"):
            is_draft = event.type == "ConvertToDraftEvent"
    return is_draft


def _show_account(account: Account) -> Json | None:
    if account.is_deleted:
        return None
    return {"__typename": account.type, "login": account.login, "databaseId": account.database_id}


def _show_asked(asked: Account | Team) -> Json | None:
    if isinstance(asked, Team):
        return {"__typename": "Team", "databaseId": asked.database_id, "slug": asked.slug}
    return _show_account(asked)


def _show_label(label: Label) -> Json:
    return {"name": label.name}


def _show_review(review: Review, of: Account, now: datetime) -> Json:
    is_dismissed = review.dismissed_at_utc is not None and review.dismissed_at_utc <= now
    return {
        "id": said_id(review),
        "fullDatabaseId": str(review.database_id),
        "state": "DISMISSED" if is_dismissed else review.state,
        "submittedAt": text_of(review.submitted_at_utc),
        "body": review.body,
        "author": _show_account(review.author),
        "reactionGroups": show_reaction_groups(review, of, now),
    }


def _show_thread(thread: Thread, of: Account, now: datetime) -> Json:
    return {**_flags(thread, now), "comments": show_comments(thread, of, now, first=COMMENTS)}


def _show_state(thread: Thread, now: datetime) -> Json:
    seen = sum(comment.seen_from_utc <= now for comment in thread.comments)
    return {**_flags(thread, now), "comments": {"totalCount": seen}}


def _flags(thread: Thread, now: datetime) -> Json:
    return {
        "id": thread_id(thread),
        "isResolved": thread.resolved_at_utc is not None and thread.resolved_at_utc <= now,
        "isOutdated": thread.outdated_at_utc is not None and thread.outdated_at_utc <= now,
    }


def _show_comment(comment: Comment, of: Account, now: datetime) -> Json:
    return {
        "id": said_id(comment),
        "fullDatabaseId": str(comment.database_id),
        "state": "SUBMITTED",
        "body": comment.body,
        "createdAt": text_of(comment.created_at_utc),
        "author": _show_account(comment.author),
        "reactionGroups": show_reaction_groups(comment, of, now),
    }


def _show_reaction(reaction: Reaction) -> Json:
    return {
        "id": f"REA_{reaction.database_id}",
        "content": reaction.content,
        "createdAt": text_of(reaction.created_at_utc),
        "user": _show_account(reaction.author),
    }


def _show_event(event: TimelineEvent) -> Json:
    shown: Json = {
        "__typename": event.type,
        "id": f"EV_{event.database_id}",
        "createdAt": text_of(event.created_at_utc),
    }
    if event.asked is not None:
        shown["requestedReviewer"] = _show_asked(event.asked)
    if event.dismissed is not None:
        review = event.dismissed
        shown["previousReviewState"] = review.state
        shown["review"] = {"id": said_id(review), "fullDatabaseId": str(review.database_id)}
    return shown
