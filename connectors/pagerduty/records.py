"""What is kept of PagerDuty: an allow-list of fields, as frozen records.

Here: one record type per landing table ``pagerduty__<objects>``.
Not here: how an answer becomes records (``parse``), or what the fields mean (``transforms/core``).

Ids are text from PagerDuty's own, stable through every rename: ``pagerduty:incident/Q1ABC``. Of a note only
what it refers to is kept, and whether it says that there was nothing to do; its text is not.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar, Literal

AgentKind = Literal["user", "service", "other", "nobody"]
EntryType = Literal[
    "trigger",
    "acknowledge",
    "unacknowledge",
    "escalate",
    "assign",
    "delegate",
    "notify",
    "resolve",
    "snooze",
    "annotate",
]
ReferenceKind = Literal["pull_request", "commit", "version", "ticket", "deployment", "postmortem"]
NoteTag = Literal["false_alarm", "no_action_needed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A user. ``login`` is the e-mail address, as PagerDuty has no logins; the id for a user that is gone.

    ``is_listed``: from the list of users, and not only named by something that happened.
    """

    stream: ClassVar[str] = "accounts"
    account_id: str
    login: str
    is_listed: bool

    @property
    def key(self) -> str:
        return self.account_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service, and the policy that says who is called."""

    stream: ClassVar[str] = "services"
    service_id: str
    name: str
    source_url: str | None
    escalation_policy_id: str | None
    team_ids: tuple[str, ...]

    @property
    def key(self) -> str:
        return self.service_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """A team, by name."""

    stream: ClassVar[str] = "teams"
    team_id: str
    name: str

    @property
    def key(self) -> str:
        return self.team_id


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationTarget:
    """Whom a policy calls on a level: a schedule or a person."""

    stream: ClassVar[str] = "escalation_targets"
    target_id: str
    escalation_policy_id: str
    level: int
    delay_minutes: int | None
    schedule_id: str | None
    target_account_id: str | None

    @property
    def key(self) -> str:
        return self.target_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Priority:
    """A priority; the higher its weight (PagerDuty's order), the worse."""

    stream: ClassVar[str] = "priorities"
    priority_id: str
    name: str
    weight: int | None

    @property
    def key(self) -> str:
        return self.priority_id


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleMonth:
    """One schedule in one month of UTC, as it was shown then. Its entries come with it.

    PagerDuty computes past entries from today's layers, so a month is kept as it was shown after its end.
    """

    stream: ClassVar[str] = "schedule_months"
    schedule_month_id: str
    schedule_id: str
    name: str
    time_zone: str
    month_start: date
    shown_at_utc: datetime

    @property
    def key(self) -> str:
        return self.schedule_month_id


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleEntry:
    """Who holds a schedule when: a piece of its final entries, overrides in place, cut by month."""

    stream: ClassVar[str] = "schedule_entries"
    entry_id: str
    schedule_month_id: str
    schedule_id: str
    holder_account_id: str
    starts_after_us: int
    lasts_us: int
    is_override: bool

    @property
    def key(self) -> str:
        return self.entry_id


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingOnCall:
    """Somebody on call without end, because a policy names them and no schedule."""

    stream: ClassVar[str] = "standing_on_calls"
    standing_id: str
    escalation_policy_id: str
    level: int
    holder_account_id: str

    @property
    def key(self) -> str:
        return self.standing_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """An incident as last shown. What happened to it is in its log entries."""

    stream: ClassVar[str] = "incidents"
    incident_id: str
    number: int
    title: str
    source_url: str | None
    service_id: str | None
    urgency: Literal["high", "low"]
    status: Literal["triggered", "acknowledged", "resolved"]
    priority_id: str | None
    created_at_utc: datetime
    resolved_at_utc: datetime | None
    merged_into_id: str | None
    title_tag: NoteTag | None

    @property
    def key(self) -> str:
        return self.incident_id


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry:
    """Something that happened to an incident; one row per person it was given to.

    ``channel`` is PagerDuty's word for how; of a notification ``notification`` is what kind it was.
    """

    stream: ClassVar[str] = "log_entries"
    entry_id: str
    log_entry_id: str
    incident_id: str
    type: EntryType
    occurred_at_utc: datetime
    agent_kind: AgentKind
    agent_account_id: str | None
    given_to_account_id: str | None
    notified_account_id: str | None
    channel: str | None
    notification: str | None
    snoozed_seconds: int | None

    @property
    def key(self) -> str:
        return self.entry_id


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteReference:
    """What a note on an incident refers to, or says of it in a word; never its text."""

    stream: ClassVar[str] = "note_references"
    reference_id: str
    incident_id: str
    noted_at_utc: datetime
    author_account_id: str | None
    kind: ReferenceKind | None
    ref: str | None
    tag: NoteTag | None

    @property
    def key(self) -> str:
        return self.reference_id


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedCount:
    """How many incidents PagerDuty says were created, of a month or (``month_start`` null) ever."""

    stream: ClassVar[str] = "expected_counts"
    count_id: str
    month_start: date | None
    first_utc: datetime | None
    after_utc: datetime
    expected: int

    @property
    def key(self) -> str:
        return self.count_id


RECORD_TYPES = (
    Account,
    Service,
    Team,
    EscalationTarget,
    Priority,
    ScheduleMonth,
    ScheduleEntry,
    StandingOnCall,
    Incident,
    LogEntry,
    NoteReference,
    ExpectedCount,
)
