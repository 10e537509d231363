"""Rows of features.toml and of the counters it names.

Here: one record type per landing table ``organization__<objects>``. Accounts are customers' accounts, as the
organisation's own counters name them; no person is meant.
Not here: reading and checking them (``features``).
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureRow:
    """One feature as it is declared."""

    stream: ClassVar[str] = "features"
    feature_id: str
    title: str
    team_id: str | None
    released: date | None
    epic: str | None
    flag: str | None
    documentation_url: str | None
    needs_documentation: bool

    @property
    def key(self) -> str:
        return self.feature_id


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentEditRow:
    """A day on which a feature's documentation page was edited."""

    stream: ClassVar[str] = "feature_documents"
    feature_id: str
    edited_on: date

    @property
    def key(self) -> str:
        return f"{self.feature_id} {self.edited_on}"


@dataclass(frozen=True, slots=True, kw_only=True)
class EligibilityRow:
    """An account that may use a feature from an instant on."""

    stream: ClassVar[str] = "feature_eligibility"
    feature_id: str
    account: str
    eligible_from_utc: datetime
    is_internal: bool

    @property
    def key(self) -> str:
        return f"{self.feature_id} {self.account} {self.eligible_from_utc}"


@dataclass(frozen=True, slots=True, kw_only=True)
class UseRow:
    """An account that used a feature."""

    stream: ClassVar[str] = "feature_use"
    feature_id: str
    account: str
    used_at_utc: datetime

    @property
    def key(self) -> str:
        return f"{self.feature_id} {self.account} {self.used_at_utc}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityRow:
    """An account that was active in the product at all."""

    stream: ClassVar[str] = "account_activity"
    account: str
    active_at_utc: datetime

    @property
    def key(self) -> str:
        return f"{self.account} {self.active_at_utc}"


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasurementRow:
    """A number of a document: latency, satisfaction. Shown as it is, compared with nothing."""

    stream: ClassVar[str] = "measurements"
    about_kind: Literal["service", "feature"]
    about_id: str
    name: str
    measured_on: date
    value: float
    unit: str
    document_url: str | None

    @property
    def key(self) -> str:
        return f"{self.about_kind} {self.about_id} {self.name} {self.measured_on}"


FEATURE_RECORD_TYPES = (
    FeatureRow,
    DocumentEditRow,
    EligibilityRow,
    UseRow,
    ActivityRow,
    MeasurementRow,
)
