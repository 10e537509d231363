"""Reading the incident tables: every row is checked, a bad one is left out, named and counted.

Here: the columns of each table and what a cell may hold.
Not here: reading a table (``tables``), who a person is (the roster), what rows mean to a number (transforms).
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, cast, get_args

from connectors.contract import Gap, Page, Record, RejectedRecord, Usage
from connectors.errors import SkippableRecordError, StopScopeError
from connectors.incident_tables.records import (
    Channel,
    DeploymentRow,
    IncidentRow,
    LogRow,
    LogType,
    ShiftRow,
    Tag,
    Via,
)
from connectors.tables import Table, rows_of

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "incidents": (
        *("incident_id", "created_at", "title", "url", "service", "urgency", "is_major", "resolved_at"),
        *("merged_into", "resolution_tag", "impact_start_at", "impact_end_at", "cause_key"),
    ),
    "log": ("incident_id", "type", "occurred_at", "person", "to_person", "via", "channel", "until"),
    "shifts": ("person", "start_at", "end_at", "schedule"),
    "deployments": (
        *("deployment_id", "services", "finished_at", "environment", "status", "kind", "changes"),
        *("repairs", "url"),
    ),
}
"""Columns of each table; those of NEEDED must be there, others may be missing."""
NEEDED: Mapping[str, tuple[str, ...]] = {
    "incidents": ("incident_id", "created_at"),
    "log": ("incident_id", "type", "occurred_at"),
    "shifts": ("person", "start_at", "end_at"),
    "deployments": ("deployment_id", "services", "finished_at"),
}
Row = Mapping[str, Any]


@dataclass(slots=True, kw_only=True)
class IncidentTables:
    """The configured tables; those not configured are empty. A table has no server: it is told the time."""

    incidents: Table | None
    log: Table | None
    shifts: Table | None
    deployments: Table | None = None
    known_at_utc: datetime
    name: str = "incidents"
    usage: Usage = field(default_factory=Usage)
    reads: str = "all"

    def server_time(self) -> datetime:
        """The time of the run: a table says nothing about when it was true."""
        return self.known_at_utc

    def pages(self) -> Iterator[Page | Gap]:
        """One page a table. One that cannot be read at all is a gap; the others are read all the same."""
        reads: tuple[tuple[str, Table | None, Callable[[Row], Record]], ...] = (
            ("incidents", self.incidents, self._incident),
            ("log", self.log, self._log_row),
            ("shifts", self.shifts, self._shift),
            ("deployments", self.deployments, self._deployment),
        )
        for stream, table, read in reads:
            if table is None:
                continue
            try:
                yield self._page(stream, table, read)
            except StopScopeError as reason:
                yield Gap(scope=stream, message=str(reason))

    def _page(self, stream: str, table: Table, read: Callable[[Row], Record]) -> Page:
        records: dict[str, Record] = {}
        rejected: list[RejectedRecord] = []
        for number, row in enumerate(self._rows(stream, table), start=1):
            try:
                record = read(row)
                if record.key in records and records[record.key] != record:
                    raise SkippableRecordError(
                        field=NEEDED[stream][0],
                        problem="repeated_row",
                        message="a row with the same key and other content came before it.",
                    )
            except SkippableRecordError as problem:
                rejected.append(
                    RejectedRecord(
                        stream=stream,
                        scope=stream,
                        ref=f"row {number}",
                        field=problem.field,
                        problem=problem.problem,
                        message=f"Row {number} of the {stream} table: {problem} The others are kept.",
                    )
                )
            else:
                records[record.key] = record
        return Page(
            scope=stream,
            served_at_utc=self.known_at_utc,
            records=tuple(records.values()),
            rejected=tuple(rejected),
        )

    def _rows(self, stream: str, table: Table) -> Iterator[Row]:
        optional = [name for name in COLUMNS[stream] if name not in NEEDED[stream]]
        try:
            yield from rows_of(table, NEEDED[stream], optional, leaves_others=True)
        except StopScopeError as reason:
            raise StopScopeError(f"[sources.incidents] {stream}: {reason}") from None

    # ----------------------------------------------------------------------------------- rows

    def _incident(self, row: Row) -> IncidentRow:
        incident_id = _text(row, "incident_id")
        return IncidentRow(
            incident_id=incident_id,
            title=_optional(row, "title"),
            source_url=_url(row),
            service=_optional(row, "service"),
            urgency=cast(Any, _word(row, "urgency", ("high", "low")) or "high"),
            is_major=_flag(row, "is_major"),
            created_at_utc=self._past(row, "created_at"),
            resolved_at_utc=self._past_or_none(row, "resolved_at"),
            merged_into=_optional(row, "merged_into"),
            resolution_tag=cast(Tag | None, _word(row, "resolution_tag", get_args(Tag))),
            impact_start_at_utc=self._past_or_none(row, "impact_start_at"),
            impact_end_at_utc=self._past_or_none(row, "impact_end_at"),
            cause_key=_optional(row, "cause_key"),
        )

    def _log_row(self, row: Row) -> LogRow:
        kind = _word(row, "type", get_args(LogType))
        if kind is None:
            raise SkippableRecordError(field="type", problem="missing_field", message="type is empty.")
        return LogRow(
            incident_id=_text(row, "incident_id"),
            type=cast(LogType, kind),
            occurred_at_utc=self._past(row, "occurred_at"),
            person=_optional(row, "person"),
            to_person=_optional(row, "to_person"),
            via=cast(Via | None, _word(row, "via", get_args(Via))),
            channel=cast(Channel | None, _word(row, "channel", get_args(Channel))),
            until=None if _optional(row, "until") is None else _instant(row, "until").isoformat(),
        )

    def _shift(self, row: Row) -> ShiftRow:
        start, end = _instant(row, "start_at"), _instant(row, "end_at")
        if end <= start:
            raise SkippableRecordError(
                field="end_at", problem="wrong_type", message="end_at is not later than start_at."
            )
        return ShiftRow(
            person=_text(row, "person"),
            schedule=_optional(row, "schedule"),
            start_at=start.isoformat(),
            end_at=end.isoformat(),
        )

    def _deployment(self, row: Row) -> DeploymentRow:
        return DeploymentRow(
            deployment_id=_text(row, "deployment_id"),
            source_url=_url(row),
            services=_several(row, "services"),
            environment=_optional(row, "environment") or "production",
            status=(_optional(row, "status") or "success").lower(),
            finished_at_utc=self._past(row, "finished_at"),
            kind=cast(Any, _word(row, "kind", ("normal", "hotfix", "rollback")) or "normal"),
            changes=_several(row, "changes"),
            repairs=_optional(row, "repairs"),
        )

    def _past(self, row: Row, name: str) -> datetime:
        found = _instant(row, name)
        if found > self.known_at_utc:
            raise SkippableRecordError(
                field=name, problem="future_date", message=f"{name} is later than the run's own time."
            )
        return found

    def _past_or_none(self, row: Row, name: str) -> datetime | None:
        return None if _optional(row, name) is None else self._past(row, name)


def _optional(row: Row, name: str) -> str | None:
    value = row.get(name)
    if value is None:
        return None
    text = str(value).strip()
    return text or None


def _several(row: Row, name: str) -> tuple[str, ...]:
    """A list of a table, or text with ; between its parts."""
    value = row.get(name)
    parts = value if isinstance(value, list | tuple) else (_optional(row, name) or "").split(";")
    return tuple(dict.fromkeys(str(part).strip() for part in parts if str(part).strip()))


def _text(row: Row, name: str) -> str:
    found = _optional(row, name)
    if found is None:
        raise SkippableRecordError(field=name, problem="missing_field", message=f"{name} is empty.")
    return found


def _word(row: Row, name: str, known: tuple[str, ...]) -> str | None:
    found = _optional(row, name)
    if found is None or found.lower() in known:
        return None if found is None else found.lower()
    raise SkippableRecordError(
        field=name,
        problem="unknown_value",
        message=f"{name} should be one of {', '.join(known)}, found another word.",
    )


def _flag(row: Row, name: str) -> bool:
    found = (_optional(row, name) or "false").lower()
    if found not in ("true", "false", "1", "0", "yes", "no", "t", "f"):
        raise SkippableRecordError(
            field=name, problem="wrong_type", message=f"{name} should be true or false."
        )
    return found in ("true", "1", "yes", "t")


def _url(row: Row) -> str | None:
    found = _optional(row, "url")
    return found if found is not None and re.match(r"https?://", found) else None


def _instant(row: Row, name: str) -> datetime:
    """A time in UTC: an aware one, text with its offset, or a timestamp of a table, which is UTC."""
    value = row.get(name)
    if isinstance(value, datetime):
        return (value.replace(tzinfo=UTC) if value.tzinfo is None else value).astimezone(UTC)
    text = _text(row, name)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None or isinstance(value, date):
        raise SkippableRecordError(
            field=name,
            problem="wrong_type",
            message=f"{name} should be a time with its offset, such as 2026-03-02T09:00:00Z.",
        )
    return found.astimezone(UTC)
