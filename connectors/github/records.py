"""What is kept of a GitHub page: an allow-list of fields, as frozen records.

Here: one record type per landing table ``github__<objects>``.
Not here: how a page becomes records (``parse``), or what the fields mean to a metric (``transforms/core``).

Ids are text from GitHub's numeric keys, stable through every rename: ``github:1181927/pull/881``. A
deleted account is ``None``. Texts are kept where a rule reads them (labels, references), nothing else is.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar, Literal

from connectors.github.reactions import Rating

AccountKind = Literal["user", "bot", "mannequin", "organization"]
IdentityKind = Literal["verified_email", "saml"]
EventType = Literal[
    "review_requested",
    "review_request_removed",
    "ready_for_review",
    "converted_to_draft",
    "closed",
    "reopened",
    "review_dismissed",
]
DeploymentKind = Literal["normal", "hotfix", "rollback"]
ReviewState = Literal["APPROVED", "CHANGES_REQUESTED", "COMMENTED", "DISMISSED"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """A repository, as its page showed it."""

    stream: ClassVar[str] = "repositories"
    repository_id: str
    name_with_owner: str
    source_url: str
    default_branch: str | None

    @property
    def key(self) -> str:
        return self.repository_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account that appears on a page, with the login it had then."""

    stream: ClassVar[str] = "accounts"
    account_id: str
    login: str
    kind: AccountKind

    @property
    def key(self) -> str:
        return self.account_id


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequest:
    """A pull request without what hangs below it. ``reverts_ref`` is what its Revert-button text names.

    ``fixes_refs`` are the pull requests that its text says are at fault, ``incident_urls`` the incidents it
    names; the text itself is not kept. ``first_commit_at_utc`` is the author's own clock's time of the first
    commit, for lead time; None where there is none that can be. ``merge_commit_oid`` is the commit it was
    merged as, by which a note on an incident may call it.
    """

    stream: ClassVar[str] = "pull_requests"
    pull_request_id: str
    node_id: str
    repository_id: str
    number: int
    source_url: str
    title: str
    author_account_id: str | None
    created_at_utc: datetime
    updated_at_utc: datetime
    closed_at_utc: datetime | None
    merged_at_utc: datetime | None
    is_draft: bool
    base_branch: str
    labels: tuple[str, ...]
    reverts_ref: str | None
    fixes_refs: tuple[str, ...] = ()
    incident_urls: tuple[str, ...] = ()
    first_commit_at_utc: datetime | None = None
    merge_commit_oid: str | None = None

    @property
    def key(self) -> str:
        return self.pull_request_id


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequestEvent:
    """Something on the timeline. A request names an account or a team, or neither where GitHub hides it."""

    stream: ClassVar[str] = "pull_request_events"
    event_id: str
    pull_request_id: str
    type: EventType
    occurred_at_utc: datetime
    requested_account_id: str | None = None
    requested_team_id: str | None = None
    requested_team_slug: str | None = None
    dismissed_review_id: str | None = None
    previous_review_state: str | None = None

    @property
    def key(self) -> str:
        return self.event_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """A submitted review. ``node_id`` is what a sweep of reactions asks by."""

    stream: ClassVar[str] = "reviews"
    review_id: str
    node_id: str
    pull_request_id: str
    author_account_id: str | None
    state: ReviewState
    submitted_at_utc: datetime
    body: str
    source_url: str

    @property
    def key(self) -> str:
        return self.review_id


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewThread:
    """A review thread. GitHub gives it no times: its first comment opens it."""

    stream: ClassVar[str] = "review_threads"
    thread_id: str
    pull_request_id: str
    is_resolved: bool
    is_outdated: bool

    @property
    def key(self) -> str:
        return self.thread_id


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewComment:
    """A submitted comment of a review thread."""

    stream: ClassVar[str] = "review_comments"
    comment_id: str
    node_id: str
    thread_id: str
    pull_request_id: str
    author_account_id: str | None
    created_at_utc: datetime
    body: str
    source_url: str

    @property
    def key(self) -> str:
        return self.comment_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaction:
    """A reaction that rates a review or a review comment, by somebody else than who wrote it."""

    stream: ClassVar[str] = "reactions"
    reaction_id: str
    target_id: str
    pull_request_id: str
    author_account_id: str | None
    content: Rating
    created_at_utc: datetime

    @property
    def key(self) -> str:
        return self.reaction_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """A deployment, or the release or tag in its place, and how it ended.

    Of its texts only what marks a repair and what it repairs is kept.

    ``state`` is success where it ever was (later statuses such as inactive say what came after), else the
    newest status. ``finished_at_utc`` is that status's time, None while the deployment goes on.
    ``change_number``: the pull request that brought the deployed commit; ``change_at_utc``: its merge, else
    the commit's time. ``kind`` is what the deployment calls itself; ``repairs_id`` the numeric id it names.
    ``name`` is the tag of a release or tag; those have no environment. ``version`` is what was asked to be
    deployed where that looks like one (v1.2.3), and is no branch.
    """

    stream: ClassVar[str] = "deployments"
    deployment_id: str
    repository_id: str
    environment: str
    commit_oid: str
    change_number: int | None
    change_at_utc: datetime | None
    created_at_utc: datetime
    finished_at_utc: datetime | None
    state: str
    kind: DeploymentKind
    repairs_id: str | None
    source_url: str | None
    name: str | None = None
    version: str | None = None

    @property
    def key(self) -> str:
        return self.deployment_id


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedCount:
    """How many pull requests GitHub itself says were created in ``[first_utc, after_utc)``.

    ``month_start`` is the month of the reporting zone it stands for; None for all of the time that is read.
    Only the completeness ledger compares it with what is stored.
    """

    stream: ClassVar[str] = "expected_counts"
    count_id: str
    repository_id: str
    month_start: date | None
    first_utc: datetime | None
    after_utc: datetime
    expected: int

    @property
    def key(self) -> str:
        return self.count_id


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedDeployments:
    """How many deployments, releases or tags GitHub itself says a repository has, by ``counted_at_utc``.

    Only the completeness ledger compares it with what is stored.
    """

    stream: ClassVar[str] = "expected_deployments"
    count_id: str
    repository_id: str
    told_by: str
    counted_at_utc: datetime
    expected: int

    @property
    def key(self) -> str:
        return self.count_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """A pull request that was stored and is no longer there: deleted, or in another repository by now.

    Only what GitHub says of it alone counts; whatever could not be asked is a gap.
    """

    stream: ClassVar[str] = "removals"
    pull_request_id: str
    repository_id: str
    why: Literal["deleted", "moved_away"]

    @property
    def key(self) -> str:
        return self.pull_request_id


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountIdentity:
    """What GitHub says about whose an account is, to one organisation; asked where nobody claims it."""

    stream: ClassVar[str] = "account_identities"
    answer_id: str
    account_id: str
    organization: str
    verified_emails: tuple[str, ...]
    sign_on_names: tuple[str, ...]

    @property
    def key(self) -> str:
        return self.answer_id


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityAccess:
    """Whether an organisation's evidence of one kind may be read; ``message`` says what is missing."""

    stream: ClassVar[str] = "identity_access"
    access_id: str
    organization: str
    kind: IdentityKind
    message: str | None

    @property
    def key(self) -> str:
        return self.access_id


Record = (
    Repository
    | Account
    | PullRequest
    | PullRequestEvent
    | Review
    | ReviewThread
    | ReviewComment
    | Reaction
    | Deployment
    | ExpectedCount
    | ExpectedDeployments
    | Removal
    | AccountIdentity
    | IdentityAccess
)
RECORD_TYPES: tuple[type[Record], ...] = (
    Repository,
    Account,
    PullRequest,
    PullRequestEvent,
    Review,
    ReviewThread,
    ReviewComment,
    Reaction,
    Deployment,
    ExpectedCount,
    ExpectedDeployments,
    Removal,
    AccountIdentity,
    IdentityAccess,
)
