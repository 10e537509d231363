"""From a GitHub answer to records: what is wanted is named, what is found is checked, the rest is left.

Here: one function per object. A child that is not what GitHub promises is quarantined alone; a pull
request that is not takes its children with it, because half a pull request is a wrong number.
Not here: asking (``client``), keeping (warehouse).
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, get_args

from connectors.contract import Record, RejectedRecord
from connectors.errors import SkippableRecordError
from connectors.fields import (
    CLOCK_TOLERANCE,
    big_integer,
    boolean,
    instant,
    integer,
    is_null,
    kind,
    mapping,
    one_of,
    optional_instant,
    rejected,
    text,
)
from connectors.github.reactions import RATINGS
from connectors.github.records import (
    Account,
    AccountKind,
    EventType,
    PullRequest,
    PullRequestEvent,
    Reaction,
    Repository,
    Review,
    ReviewComment,
    ReviewState,
    ReviewThread,
)
from connectors.references import causes_in, incidents_in

_LEFT_OUT = "Left out {how}; everything else on the page was kept."
_ACCOUNT_KINDS: dict[str, AccountKind] = {
    "User": "user",
    "Bot": "bot",
    "Mannequin": "mannequin",
    "Organization": "organization",
    "EnterpriseUserAccount": "user",
}
_EVENT_TYPES: dict[str, EventType] = {
    "ReviewRequestedEvent": "review_requested",
    "ReviewRequestRemovedEvent": "review_request_removed",
    "ReadyForReviewEvent": "ready_for_review",
    "ConvertToDraftEvent": "converted_to_draft",
    "ClosedEvent": "closed",
    "ReopenedEvent": "reopened",
    "ReviewDismissedEvent": "review_dismissed",
}
_REVIEW_STATES: tuple[ReviewState | Literal["PENDING"], ...] = (*get_args(ReviewState), "PENDING")
_GIT_BEGAN = datetime(2005, 4, 7, tzinfo=UTC)
"""The first commit of all; earlier times, 1970 mostly, are of clocks that were never set."""
_REVERT_BODY = re.compile(r"^\s*Reverts\s+([\w.-]+/[\w.-]+)?#(\d+)\b")


@dataclass(slots=True, kw_only=True)
class Parsed:
    """Records and rejects of one page, with the accounts that appear on it collected once."""

    scope: str
    served_at_utc: datetime
    records: list[Record] = field(default_factory=list)
    rejected: list[RejectedRecord] = field(default_factory=list)
    accounts: dict[str, Account] = field(default_factory=dict)

    def all_records(self) -> tuple[Record, ...]:
        return (*self.accounts.values(), *self.records)


def parse_repository(node: Any) -> Repository:
    """A repository node. Raises SkippableRecordError."""
    fields = mapping(node, "repository")
    branch = fields.get("defaultBranchRef")
    return Repository(
        repository_id=f"github:{integer(fields, 'databaseId')}",
        name_with_owner=text(fields, "nameWithOwner"),
        source_url=text(fields, "url"),
        default_branch=None if branch is None else text(mapping(branch, "defaultBranchRef"), "name"),
    )


def parse_pull_request(node: Any, repository: Repository, parsed: Parsed, *, ref: str) -> None:
    """A complete pull request node, its nested lists read to their ends, into ``parsed``."""
    try:
        accounts: dict[str, Account] = {}
        pull_request = _pull_request(node, repository, accounts, parsed.served_at_utc)
    except SkippableRecordError as problem:
        parsed.rejected.append(
            rejected("pull_requests", parsed.scope, ref, problem, _LEFT_OUT.format(how="with its children"))
        )
        return
    parsed.accounts |= accounts
    parsed.records.append(pull_request)
    for position, child in enumerate(nodes(node, "timelineItems"), start=1):
        _parse_child(
            child, "pull_request_events", _event, pull_request, parsed, ref=f"{ref} event {position}"
        )
    for position, child in enumerate(nodes(node, "reviews"), start=1):
        place = f"{ref} review {position}"
        if _parse_child(child, "reviews", _review, pull_request, parsed, ref=place):
            _parse_reactions(child, "review", pull_request, parsed, ref=place)
    for position, thread in enumerate(nodes(node, "reviewThreads"), start=1):
        place = f"{ref} thread {position}"
        if not _parse_child(thread, "review_threads", _thread, pull_request, parsed, ref=place):
            continue  # its comments have nowhere to hang; the reject says so
        for number, comment in enumerate(nodes(thread, "comments"), start=1):
            child = {**comment, "_thread": thread["id"]} if isinstance(comment, Mapping) else comment
            spot = f"{place} comment {number}"
            if _parse_child(child, "review_comments", _comment, pull_request, parsed, ref=spot):
                _parse_reactions(child, "review_comment", pull_request, parsed, ref=spot)


def nodes(parent: Any, connection: str) -> list[Any]:
    """The nodes of a connection of a node; an absent or malformed connection raises."""
    listed = mapping(mapping(parent, "node").get(connection), connection).get("nodes")
    if not isinstance(listed, list):
        raise SkippableRecordError(
            field=f"{connection}.nodes",
            problem="wrong_type" if listed is not None else "missing_field",
            message=f"{connection}.nodes should be a list, found {kind(listed)}",
        )
    return listed


def _parse_child(
    child: Any,
    stream: str,
    parse: Callable[..., Iterable[Record]],
    pull_request: PullRequest,
    parsed: Parsed,
    *,
    ref: str,
) -> bool:
    accounts: dict[str, Account] = {}
    try:
        records = list(parse(child, pull_request, accounts, parsed.served_at_utc))
    except SkippableRecordError as problem:
        how = "with its comments" if stream == "review_threads" else "alone"
        parsed.rejected.append(rejected(stream, parsed.scope, ref, problem, _LEFT_OUT.format(how=how)))
        return False
    parsed.accounts |= accounts
    parsed.records += records
    return True


def _parse_reactions(node: Any, kind: str, pull_request: PullRequest, parsed: Parsed, *, ref: str) -> None:
    """The reactions to a review or comment, where they were asked for."""
    if "reactions" not in node:
        return
    target_id = f"github:{kind}/{big_integer(node, 'fullDatabaseId')}"
    for number, reaction in enumerate(nodes(node, "reactions"), start=1):
        child = {**reaction, "_target": target_id} if isinstance(reaction, Mapping) else reaction
        _parse_child(child, "reactions", _reaction, pull_request, parsed, ref=f"{ref} reaction {number}")


def _pull_request(
    node: Any, repository: Repository, accounts: dict[str, Account], served_at_utc: datetime
) -> PullRequest:
    fields = mapping(node, "pull request")
    number = integer(fields, "number")
    one_of(fields, "state", ("OPEN", "CLOSED", "MERGED"))
    for connection in ("labels", "reviews", "reviewThreads", "timelineItems"):
        nodes(fields, connection)
    title = text(fields, "title")
    return PullRequest(
        pull_request_id=f"{repository.repository_id}/pull/{number}",
        node_id=text(fields, "id"),
        repository_id=repository.repository_id,
        number=number,
        source_url=text(fields, "url"),
        title=title,
        author_account_id=_account(fields, "author", accounts),
        created_at_utc=instant(fields, "createdAt", served_at_utc),
        updated_at_utc=instant(fields, "updatedAt", served_at_utc),
        closed_at_utc=optional_instant(fields, "closedAt", served_at_utc),
        merged_at_utc=optional_instant(fields, "mergedAt", served_at_utc),
        is_draft=boolean(fields, "isDraft"),
        base_branch=text(fields, "baseRefName"),
        labels=tuple(sorted(text(mapping(label, "label"), "name") for label in nodes(fields, "labels"))),
        reverts_ref=_reverted(title, fields, repository),
        fixes_refs=causes_in(text(fields, "body"), repository.name_with_owner),
        incident_urls=incidents_in(text(fields, "body")),
        first_commit_at_utc=_first_commit(fields, served_at_utc),
        merge_commit_oid=_oid(fields.get("mergeCommit")),
    )


def _oid(commit: Any) -> str | None:
    oid = commit.get("oid") if isinstance(commit, Mapping) else None
    return oid if isinstance(oid, str) else None


def _first_commit(fields: Mapping[str, Any], served_at_utc: datetime) -> datetime | None:
    """The author's time of the first commit; None where no commit is left, or its time cannot be.

    Whoever commits sets that time, by any clock. A wrong clock is no reason to lose the pull request, and
    lead time begins at its creation then.
    """
    for node in nodes(fields, "commits"):
        commit = mapping(mapping(node, "commits.nodes").get("commit"), "commit")
        found = instant(commit, "authoredDate", None)
        return found if _GIT_BEGAN <= found <= served_at_utc + CLOCK_TOLERANCE else None
    return None


def _reverted(title: str, fields: Mapping[str, Any], repository: Repository) -> str | None:
    """The pull request that the Revert button's text names, as ``owner/name#number``.

    The button writes the title, the first words of the body and the branch name; a title alone is anybody's.
    """
    branch = fields.get("headRefName")
    looks_made = title.startswith('Revert "') or (isinstance(branch, str) and branch.startswith("revert-"))
    found = _REVERT_BODY.match(text(fields, "body")) if looks_made else None
    if found is None:
        return None
    return f"{found[1] or repository.name_with_owner}#{found[2]}"


def _event(
    node: Any, pull_request: PullRequest, accounts: dict[str, Account], served_at_utc: datetime
) -> Iterable[Record]:
    fields = mapping(node, "timeline item")
    kind = _EVENT_TYPES[one_of(fields, "__typename", tuple(_EVENT_TYPES))]
    account_id = team_id = team_slug = review_id = previous = None
    if kind in ("review_requested", "review_request_removed") and not is_null(fields, "requestedReviewer"):
        asked = mapping(fields["requestedReviewer"], "requestedReviewer")
        if asked.get("__typename") == "Team":
            team_id = f"github:team/{integer(asked, 'databaseId')}"
            team_slug = text(asked, "slug")
        else:
            account_id = _account(fields, "requestedReviewer", accounts)
    if kind == "review_dismissed":
        previous = one_of(
            fields, "previousReviewState", ("APPROVED", "CHANGES_REQUESTED", "COMMENTED", "DISMISSED")
        )
        if not is_null(fields, "review"):  # null where the review itself was deleted
            review_id = f"github:review/{big_integer(mapping(fields['review'], 'review'), 'fullDatabaseId')}"
    yield PullRequestEvent(
        event_id=f"github:event/{text(fields, 'id')}",
        pull_request_id=pull_request.pull_request_id,
        type=kind,
        occurred_at_utc=instant(fields, "createdAt", served_at_utc),
        requested_account_id=account_id,
        requested_team_id=team_id,
        requested_team_slug=team_slug,
        dismissed_review_id=review_id,
        previous_review_state=previous,
    )


def _review(
    node: Any, pull_request: PullRequest, accounts: dict[str, Account], served_at_utc: datetime
) -> Iterable[Record]:
    fields = mapping(node, "review")
    state = one_of(fields, "state", _REVIEW_STATES)
    if state == "PENDING":
        return  # only its author sees it, and it was never submitted
    number = big_integer(fields, "fullDatabaseId")
    yield Review(
        review_id=f"github:review/{number}",
        node_id=text(fields, "id"),
        pull_request_id=pull_request.pull_request_id,
        author_account_id=_account(fields, "author", accounts),
        state=state,
        submitted_at_utc=instant(fields, "submittedAt", served_at_utc),
        body=text(fields, "body"),
        source_url=f"{pull_request.source_url}#pullrequestreview-{number}",
    )


def _thread(
    node: Any, pull_request: PullRequest, _accounts: dict[str, Account], _served_at_utc: datetime
) -> Iterable[Record]:
    fields = mapping(node, "review thread")
    nodes(fields, "comments")
    yield ReviewThread(
        thread_id=f"github:thread/{text(fields, 'id')}",
        pull_request_id=pull_request.pull_request_id,
        is_resolved=boolean(fields, "isResolved"),
        is_outdated=boolean(fields, "isOutdated"),
    )


def _comment(
    node: Any, pull_request: PullRequest, accounts: dict[str, Account], served_at_utc: datetime
) -> Iterable[Record]:
    fields = mapping(node, "review comment")
    if one_of(fields, "state", ("SUBMITTED", "PENDING")) == "PENDING":
        return
    number = big_integer(fields, "fullDatabaseId")
    yield ReviewComment(
        comment_id=f"github:review_comment/{number}",
        node_id=text(fields, "id"),
        thread_id=f"github:thread/{fields['_thread']}",
        pull_request_id=pull_request.pull_request_id,
        author_account_id=_account(fields, "author", accounts),
        created_at_utc=instant(fields, "createdAt", served_at_utc),
        body=text(fields, "body"),
        source_url=f"{pull_request.source_url}#discussion_r{number}",
    )


def _reaction(
    node: Any, pull_request: PullRequest, accounts: dict[str, Account], served_at_utc: datetime
) -> Iterable[Record]:
    fields = mapping(node, "reaction")
    content = one_of(fields, "content", (*RATINGS, "LAUGH", "EYES"))
    if content not in RATINGS:
        return
    yield Reaction(
        reaction_id=f"{fields['_target']}/reaction/{text(fields, 'id')}",
        target_id=fields["_target"],
        pull_request_id=pull_request.pull_request_id,
        author_account_id=_account(fields, "user", accounts),
        content=content,
        created_at_utc=instant(fields, "createdAt", served_at_utc),
    )


def _account(fields: Mapping[str, Any], name: str, accounts: dict[str, Account]) -> str | None:
    """The account id in a field that holds an actor; None for a deleted account."""
    if is_null(fields, name):
        return None
    actor = mapping(fields[name], name)
    kind = _ACCOUNT_KINDS[one_of(actor, "__typename", tuple(_ACCOUNT_KINDS))]
    numbered = actor
    if actor["__typename"] == "EnterpriseUserAccount":  # has no number of its own, only that of its user
        if is_null(actor, "user"):
            return None
        numbered = mapping(actor["user"], "user")
    account = Account(
        account_id=f"github:user/{integer(numbered, 'databaseId')}", login=text(actor, "login"), kind=kind
    )
    accounts[account.account_id] = account
    return account.account_id


# ------------------------------------------------------------------------------ single fields
