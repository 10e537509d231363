"""Reading features.toml and the counters it names: a bad row is left out, named and counted.

Here: the keys of a feature and of a document, the columns of counters, what a cell may hold.
Not here: adoption (transforms), or where rows come from (``tables``).
"""

import math
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from connectors.contract import Gap, Page, Record, RejectedRecord
from connectors.errors import SkippableRecordError, StopScopeError
from connectors.organization.entries import bad, optional_text, refuse_unknown_keys, text
from connectors.organization.feature_records import (
    ActivityRow,
    DocumentEditRow,
    EligibilityRow,
    FeatureRow,
    MeasurementRow,
    UseRow,
)
from connectors.tables import Table, rows_of

FEATURE_KEYS = (
    "id title team epic flag released documentation documentation_edits needs_documentation eligible used"
).split()
DOCUMENT_KEYS = "service feature name unit url file sql attach".split()
TABLE_KEYS = "file sql attach".split()
TOP_KEYS = "feature active document".split()


@dataclass(slots=True, kw_only=True)
class FeaturesFile:
    """features.toml. Times of counters without an offset are UTC; a date is its first instant in the zone."""

    path: Path
    reporting_timezone: str
    known_at_utc: datetime
    rejected: dict[str, list[RejectedRecord]] = field(default_factory=dict)

    def pages(self) -> Iterator[Page | Gap]:
        """One page a stream; a counter that cannot be read is a gap of its stream."""
        try:
            document = self._document()
        except StopScopeError as reason:
            yield Gap(scope="features", message=str(reason))
            return
        features: list[FeatureRow] = []
        edits: list[DocumentEditRow] = []
        tables: dict[str, Mapping[str, Any]] = {}
        for place, entry in enumerate(_list(document, "feature"), start=1):
            name = entry.get("id") if isinstance(entry, Mapping) else None
            ref = f"{self.path.name}, feature {name if isinstance(name, str) else place}"
            try:
                feature, own_edits = _feature(entry)
                if feature.feature_id in tables:
                    raise bad("id", "repeated_row", "another feature of this file has the same id")
            except SkippableRecordError as problem:
                self._reject("features", ref, problem, "This feature was left out, the others kept.")
                continue
            features.append(feature)
            edits += own_edits
            tables[feature.feature_id] = entry
        yield self._page("features", features)
        yield self._page("feature_documents", edits)
        yield from self._counters("feature_eligibility", tables, "eligible", self._eligible)
        yield from self._counters("feature_use", tables, "used", self._used)
        active = {"": {"active": document["active"]}} if "active" in document else {}
        yield from self._counters("account_activity", active, "active", self._active)
        yield from self._measurements(_list(document, "document"))

    def _document(self) -> Mapping[str, Any]:
        try:
            document = tomllib.loads(self.path.read_text("utf-8"))
        except OSError as problem:
            raise StopScopeError(
                f"{self.path} cannot be read ({problem.strerror}). evenhand.toml names it. "
                f"Nothing of it was written; the last good one stays in use."
            ) from None
        except (UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
            raise StopScopeError(
                f"{self.path.name} is not TOML ({problem}). "
                f"Nothing of it was written; the last good one stays in use."
            ) from None
        try:
            refuse_unknown_keys(document, TOP_KEYS)
        except SkippableRecordError as problem:
            raise StopScopeError(
                f"{self.path.name}: {problem}. Nothing of it was written; the last good one stays in use."
            ) from None
        return document

    # ---------------------------------------------------------------------------- counters

    def _counters(
        self, stream: str, tables: Mapping[str, Mapping[str, Any]], key: str, read: Any
    ) -> Iterator[Page | Gap]:
        """The rows of every feature's counter; each once."""
        found: dict[str, Record] = {}
        try:
            for feature_id, entry in tables.items():
                if key not in entry:
                    continue
                for record in read(feature_id, self._table(entry[key], f"{key} of {feature_id or 'all'}")):
                    found.setdefault(record.key, record)
        except (StopScopeError, SkippableRecordError) as reason:
            yield Gap(scope=stream, message=f"{self.path.name}, {stream}: {reason}")
            return
        yield self._page(stream, list(found.values()))

    def _table(self, described: Any, what: str) -> Table:
        if isinstance(described, str):
            described = {"file": described}
        if not isinstance(described, Mapping):
            raise bad("file", "wrong_type", f"{what} should be a file name, or a table with file or sql")
        refuse_unknown_keys(described, TABLE_KEYS)
        file, sql = described.get("file"), described.get("sql")
        attach = described.get("attach", {})
        if isinstance(file, str) == isinstance(sql, str) or not isinstance(attach, Mapping):
            raise bad("file", "missing_field", f"{what} should name either a file or a sql query")
        return Table(
            folder=self.path.parent,
            file=Path(file) if isinstance(file, str) else None,
            sql=sql if isinstance(sql, str) else None,
            attach={str(name): str(place) for name, place in attach.items()},
        )

    def _eligible(self, feature_id: str, table: Table) -> Iterator[EligibilityRow]:
        for row, ref in self._rows(table, ("account", "eligible_from"), ("internal",)):
            try:
                record = EligibilityRow(
                    feature_id=feature_id,
                    account=_account(row),
                    eligible_from_utc=self._instant(row, "eligible_from"),
                    is_internal=_truth(row.get("internal"), "internal"),
                )
            except SkippableRecordError as problem:
                self._reject("feature_eligibility", ref, problem, "This row was left out, the others kept.")
                continue
            if record.eligible_from_utc <= self.known_at_utc:  # what is planned comes again when it is so
                yield record

    def _used(self, feature_id: str, table: Table) -> Iterator[UseRow]:
        for row, ref in self._rows(table, ("account", "used_at"), ()):
            try:
                at = self._past(row, "used_at")
                yield UseRow(feature_id=feature_id, account=_account(row), used_at_utc=at)
            except SkippableRecordError as problem:
                self._reject("feature_use", ref, problem, "This row was left out, the others kept.")

    def _active(self, _: str, table: Table) -> Iterator[ActivityRow]:
        for row, ref in self._rows(table, ("account", "active_at"), ()):
            try:
                yield ActivityRow(account=_account(row), active_at_utc=self._past(row, "active_at"))
            except SkippableRecordError as problem:
                self._reject("account_activity", ref, problem, "This row was left out, the others kept.")

    def _measurements(self, entries: Sequence[Any]) -> Iterator[Page | Gap]:
        found: dict[str, Record] = {}
        try:
            for entry in entries:
                for record in self._measured(entry):
                    found[record.key] = record
        except (StopScopeError, SkippableRecordError) as reason:
            yield Gap(scope="measurements", message=f"{self.path.name}, document: {reason}")
            return
        yield self._page("measurements", list(found.values()))

    def _measured(self, entry: Any) -> Iterator[MeasurementRow]:
        if not isinstance(entry, Mapping):
            raise bad("document", "wrong_type", "a document should be a table")
        refuse_unknown_keys(entry, DOCUMENT_KEYS)
        about = [kind for kind in ("service", "feature") if kind in entry]
        if len(about) != 1:
            raise bad("service", "missing_field", "a document belongs to one service or one feature")
        kind: Literal["service", "feature"] = "service" if about[0] == "service" else "feature"
        name, unit = text(entry, "name"), text(entry, "unit")
        described = {key: entry[key] for key in TABLE_KEYS if key in entry}
        for row, ref in self._rows(self._table(described, f"document {name}"), ("day", "value"), ()):
            try:
                yield MeasurementRow(
                    about_kind=kind,
                    about_id=text(entry, kind),
                    name=name,
                    measured_on=_day(row.get("day"), "day"),
                    value=_number(row.get("value"), "value"),
                    unit=unit,
                    document_url=optional_text(entry, "url"),
                )
            except SkippableRecordError as problem:
                self._reject("measurements", ref, problem, "This row was left out, the others kept.")

    def _rows(
        self, table: Table, needed: Sequence[str], optional: Sequence[str]
    ) -> Iterator[tuple[dict[str, Any], str]]:
        for number, row in enumerate(rows_of(table, needed, optional), start=1):
            yield row, f"{table.words}, row {number}"

    # ------------------------------------------------------------------------------- cells

    def _instant(self, row: Mapping[str, Any], name: str) -> datetime:
        value = row.get(name)
        if isinstance(value, str):
            text = value.strip()
            try:
                value = datetime.fromisoformat(text) if len(text) > 10 else date.fromisoformat(text)
            except ValueError:
                value = text
        if isinstance(value, datetime):
            return (value.replace(tzinfo=UTC) if value.tzinfo is None else value).astimezone(UTC)
        if isinstance(value, date):
            zone = ZoneInfo(self.reporting_timezone)
            return datetime(value.year, value.month, value.day, tzinfo=zone).astimezone(UTC)
        problem = "missing_field" if value is None else "wrong_type"
        raise bad(name, problem, f"{name} should be a time such as 2026-03-02T10:00:00Z")

    def _past(self, row: Mapping[str, Any], name: str) -> datetime:
        found = self._instant(row, name)
        if found > self.known_at_utc:
            raise bad(name, "future_date", f"{name} lies later than this run")
        return found

    def _reject(self, stream: str, ref: str, problem: SkippableRecordError, kept: str) -> None:
        self.rejected.setdefault(stream, []).append(
            RejectedRecord(
                stream=stream,
                scope=stream,
                ref=ref,
                field=problem.field,
                problem=problem.problem,
                message=f"{problem}. {kept}",
            )
        )

    def _page(self, stream: str, records: Sequence[Record]) -> Page:
        return Page(
            scope=stream,
            served_at_utc=self.known_at_utc,
            records=tuple(records),
            rejected=tuple(self.rejected.pop(stream, ())),
        )


def _feature(entry: Any) -> tuple[FeatureRow, list[DocumentEditRow]]:
    if not isinstance(entry, Mapping):
        raise bad("feature", "wrong_type", "a feature should be a table")
    refuse_unknown_keys(entry, FEATURE_KEYS)
    if "epic" not in entry and "flag" not in entry:
        raise bad("epic", "missing_field", "a feature names its epic or its flag")
    edits = entry.get("documentation_edits", [])
    if not isinstance(edits, list):
        raise bad("documentation_edits", "wrong_type", "documentation_edits should be a list of dates")
    needs = entry.get("needs_documentation", True)
    if not isinstance(needs, bool):
        raise bad("needs_documentation", "wrong_type", "needs_documentation should be true or false")
    feature = FeatureRow(
        feature_id=text(entry, "id"),
        title=optional_text(entry, "title") or text(entry, "id"),
        team_id=optional_text(entry, "team"),
        released=_day(entry["released"], "released") if "released" in entry else None,
        epic=optional_text(entry, "epic"),
        flag=optional_text(entry, "flag"),
        documentation_url=optional_text(entry, "documentation"),
        needs_documentation=needs,
    )
    days = sorted({_day(each, "documentation_edits") for each in edits})
    return feature, [DocumentEditRow(feature_id=feature.feature_id, edited_on=day) for day in days]


def _list(document: Mapping[str, Any], name: str) -> list[Any]:
    value = document.get(name, [])
    return value if isinstance(value, list) else [value]


def _account(row: Mapping[str, Any]) -> str:
    value = row.get("account")
    text = str(value).strip() if value is not None else ""
    if not text:
        raise bad("account", "missing_field", "account is empty")
    return text


def _truth(value: Any, name: str) -> bool:
    if value is None or value == "":
        return False
    if isinstance(value, bool):
        return value
    words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    if str(value).strip().lower() not in words:
        raise bad(name, "unknown_value", f"{name} should be true or false")
    return words[str(value).strip().lower()]


def _day(value: Any, name: str) -> date:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value).strip()[:10])
    except ValueError:
        problem = "missing_field" if value is None else "wrong_type"
        raise bad(name, problem, f"{name} should be a date such as 2026-03-02") from None


def _number(value: Any, name: str) -> float:
    try:
        found = float(value)
    except (TypeError, ValueError):
        problem = "missing_field" if value is None else "wrong_type"
        raise bad(name, problem, f"{name} should be a number") from None
    if not math.isfinite(found):
        raise bad(name, "wrong_type", f"{name} should be a number")
    return found
