"""Rows of the incident tables (docs/incident-tables.md).

Here: one record type per landing table ``incidents__<objects>``. Not here: reading and checking (``tables``).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal

LogType = Literal[
    "assign",
    "escalate",
    "reassign",
    "acknowledge",
    "unacknowledge",
    "snooze",
    "notify",
    "resolve",
    "reopen",
]
Via = Literal["manual", "timeout", "integration", "merge"]
Channel = Literal["push", "phone", "sms", "email"]
Tag = Literal["false_alarm", "no_action_needed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentRow:
    """One incident as the table has it now."""

    stream: ClassVar[str] = "incidents"
    incident_id: str
    title: str | None
    source_url: str | None
    service: str | None
    urgency: Literal["high", "low"]
    is_major: bool
    created_at_utc: datetime
    resolved_at_utc: datetime | None
    merged_into: str | None
    resolution_tag: Tag | None
    impact_start_at_utc: datetime | None
    impact_end_at_utc: datetime | None
    cause_key: str | None = None

    @property
    def key(self) -> str:
        return self.incident_id


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRow:
    """Something that happened to an incident."""

    stream: ClassVar[str] = "log"
    incident_id: str
    type: LogType
    occurred_at_utc: datetime
    person: str | None
    to_person: str | None
    via: Via | None
    channel: Channel | None
    until: str | None

    @property
    def key(self) -> str:
        parts = (self.type, self.occurred_at_utc.isoformat(), self.person, self.to_person, self.channel)
        return "/".join([self.incident_id, *(part or "" for part in parts)])


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftRow:
    """Somebody on call for a stretch; one that is planned may end later than now."""

    stream: ClassVar[str] = "shifts"
    person: str
    schedule: str | None
    start_at: str
    end_at: str

    @property
    def key(self) -> str:
        return f"{self.person}/{self.schedule or ''}/{self.start_at}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentRow:
    """One deployment that has ended. ``changes`` are pull requests, as owner/name#12."""

    stream: ClassVar[str] = "deployments"
    deployment_id: str
    source_url: str | None
    services: tuple[str, ...]
    environment: str
    status: str
    finished_at_utc: datetime
    kind: Literal["normal", "hotfix", "rollback"]
    changes: tuple[str, ...]
    repairs: str | None

    @property
    def key(self) -> str:
        return self.deployment_id


RECORD_TYPES = (IncidentRow, LogRow, ShiftRow, DeploymentRow)
