"""Rows of ``people.csv``, ``calendar.csv``, ``services.csv``, ``annotations.csv``; goals of ``goals.toml``.

Here: one record type per landing table ``organization__<objects>``. Dates are half-open and mean midnight
in the reporting zone.
Not here: reading and checking the files (``files``).
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar, Literal

from connectors.organization.feature_records import FEATURE_RECORD_TYPES


@dataclass(frozen=True, slots=True, kw_only=True)
class RosterRow:
    """One person and one stretch in which nothing about them changed."""

    stream: ClassVar[str] = "people"
    person_id: str
    name: str
    email: str | None
    team_id: str | None
    manager_id: str | None
    role: str | None
    level: str | None
    time_zone: str
    working_days: tuple[int, ...]
    place: str | None
    valid_from: date | None
    valid_to: date | None
    github: tuple[str, ...]
    pagerduty: tuple[str, ...]
    jira: tuple[str, ...]
    hiring_source: str | None = None
    hiring_role: str | None = None

    @property
    def key(self) -> str:
        return f"{self.person_id} {self.valid_from}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarRow:
    """Days that do not count, for a person, a place or everybody; never a reason."""

    stream: ClassVar[str] = "calendar"
    applies_to: str
    first_day: date
    last_day: date
    kind: Literal["holiday", "absence"]

    @property
    def key(self) -> str:
        return f"{self.applies_to} {self.first_day} {self.last_day} {self.kind}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnotationRow:
    """What the organisation says happened: a freeze, a migration, a reorganisation. Both days belong to it.

    ``last_day`` None: it has not ended. ``applies_to``: ``*``, ``team:NAME``, ``service:NAME``; no person.
    """

    stream: ClassVar[str] = "annotations"
    applies_to: str
    first_day: date
    last_day: date | None
    kind: Literal["freeze", "migration", "reorganisation", "other"]
    title: str
    link: str | None

    @property
    def key(self) -> str:
        return f"{self.applies_to} {self.first_day} {self.kind} {self.title}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceRow:
    """One service and one stretch in which nothing about it changed."""

    stream: ClassVar[str] = "services"
    service_id: str
    tier: int
    team_id: str | None
    repository: str | None
    label: str | None
    valid_from: date | None
    valid_to: date | None
    pagerduty_service_id: str | None = None
    jira_project: str | None = None

    @property
    def key(self) -> str:
        return f"{self.service_id} {self.valid_from} {self.repository} {self.label}"


@dataclass(frozen=True, slots=True, kw_only=True)
class GoalRow:
    """One goal as goals.toml words it; ``content_hash`` is over what was agreed."""

    stream: ClassVar[str] = "goals"
    goal_id: str
    owner_kind: Literal["person", "team"]
    owner_id: str
    title: str
    metric_id: str | None
    comparator: str | None
    target: float | None
    start_date: date
    end_date: date
    n_min: int | None
    denominator: str | None
    expected_n: float | None
    baseline_numerator: float | None
    baseline_denominator: float | None
    parent_goal: str | None
    outcome_text: str | None
    content_hash: str

    @property
    def key(self) -> str:
        return self.goal_id


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyAnswer:
    """How useful an author found one review, 1 to 5. People are told by roster id, e-mail or login.

    ``pull_request_ref`` is ``owner/name#881`` in small letters; ``place`` is where in the file it stands.
    """

    stream: ClassVar[str] = "survey"
    place: str
    pull_request_ref: str
    reviewer: str
    rater: str
    rating: int
    answered_at_utc: datetime

    @property
    def key(self) -> str:
        return self.place


RECORD_TYPES = (
    *(RosterRow, CalendarRow, ServiceRow, AnnotationRow, GoalRow, SurveyAnswer),
    *FEATURE_RECORD_TYPES,
)
