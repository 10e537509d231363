"""What is kept of a Jira page: an allow-list of fields, as frozen records.

Here: one record type per landing table ``jira__<objects>``.
Not here: how a page becomes records (``parse``), or what the fields mean to a metric (``transforms/core``).

Ids are text from Jira's numeric keys, which stay when a ticket moves to another project and gets another key:
``jira:issue/10021``. Texts are not kept: of a description only the pull requests and incidents that it names.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar, Literal

ChangedField = Literal[
    "status", "resolution", "assignee", "due_date", "type", "priority", "project", "key", "sprint"
]
Mark = Literal["defect", "production_defect", "followup", "postmortem"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A project that is read."""

    stream: ClassVar[str] = "projects"
    project_id: str
    project_key: str
    name: str

    @property
    def key(self) -> str:
        return self.project_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """A status by its id: names repeat, and change. ``category`` is new, indeterminate or done."""

    stream: ClassVar[str] = "statuses"
    status_id: str
    name: str
    category: str | None

    @property
    def key(self) -> str:
        return self.status_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Who a ticket is assigned to. ``login`` is the account id on Cloud, the user name on Data Center."""

    stream: ClassVar[str] = "accounts"
    account_id: str
    login: str
    kind: Literal["user", "bot"]
    email: str | None

    @property
    def key(self) -> str:
        return self.account_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """A ticket without what hangs below it. ``marks`` are what the configured conventions say it is."""

    stream: ClassVar[str] = "tickets"
    ticket_id: str
    ref: str
    source_url: str
    project_id: str
    project_key: str
    type: str
    status_id: str
    status: str
    priority: str | None
    resolution: str | None
    assignee_account_id: str | None
    created_at_utc: datetime
    updated_at_utc: datetime
    resolved_at_utc: datetime | None
    due_date: date | None
    parent_ticket_id: str | None
    parent_is_epic: bool
    epic_ref: str | None
    labels: tuple[str, ...]
    components: tuple[str, ...]
    fix_versions: tuple[str, ...]
    sprint_ids: tuple[str, ...]
    marks: tuple[Mark, ...]

    @property
    def key(self) -> str:
        return self.ticket_id


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketChange:
    """One change of one field. Values are ids where Jira has them (status, assignee), with the words then."""

    stream: ClassVar[str] = "ticket_changes"
    change_id: str
    ticket_id: str
    occurred_at_utc: datetime
    field: ChangedField
    from_value: str | None
    from_words: str | None
    to_value: str | None
    to_words: str | None

    @property
    def key(self) -> str:
        return self.change_id


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketLink:
    """A link, as this ticket shows it: ``relation`` is the word from this side."""

    stream: ClassVar[str] = "ticket_links"
    link_id: str
    ticket_id: str
    relation: str
    other_ticket_id: str

    @property
    def key(self) -> str:
        return f"{self.link_id} {self.ticket_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketReference:
    """A pull request or incident that a ticket's description names; the text itself is not kept."""

    stream: ClassVar[str] = "ticket_references"
    ticket_id: str
    names: str
    is_cause: bool

    @property
    def key(self) -> str:
        return f"{self.ticket_id} {self.names}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sprint:
    """A sprint as last seen. Its end is when it was completed; until then when it is planned to end."""

    stream: ClassVar[str] = "sprints"
    sprint_id: str
    name: str
    state: str
    start_at_utc: datetime | None
    planned_end_at_utc: datetime | None
    completed_at_utc: datetime | None

    @property
    def key(self) -> str:
        return self.sprint_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """A ticket that is no longer there: deleted, or moved to a project that is not read."""

    stream: ClassVar[str] = "removals"
    ticket_id: str
    why: Literal["deleted", "moved_away"]

    @property
    def key(self) -> str:
        return self.ticket_id


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedCount:
    """How many tickets Jira itself says a project has; without a project, all that are read together.

    Only the completeness ledger compares it with what is stored. ``is_exact``: every id was listed; else it
    is Jira's own estimate.
    """

    stream: ClassVar[str] = "expected_counts"
    count_id: str
    project_id: str | None
    expected: int
    is_exact: bool

    @property
    def key(self) -> str:
        return self.count_id


Record = (
    Project
    | Status
    | Account
    | Ticket
    | TicketChange
    | TicketLink
    | TicketReference
    | Sprint
    | Removal
    | ExpectedCount
)
RECORD_TYPES: tuple[type[Record], ...] = (
    Project,
    Status,
    Account,
    Ticket,
    TicketChange,
    TicketLink,
    TicketReference,
    Sprint,
    Removal,
    ExpectedCount,
)
