"""Reading the organisation's files: every row is checked, a bad one is left out, named and counted.

Here: the columns of each file, what a cell may hold, and what rows of one person or service must agree on.
Not here: who an account belongs to (the identity journal), or what a row means to a number (transforms).

The csv module of the standard library reads them; a data frame reader would guess types, and ``12345`` is
not a number here.
"""

import csv
import re
import zoneinfo
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Literal, TypeVar

from connectors.contract import Gap, Page, Record, RejectedRecord, Usage
from connectors.errors import SkippableRecordError, StopScopeError
from connectors.organization.backstage import read_backstage
from connectors.organization.features import FeaturesFile
from connectors.organization.goals import read_goals
from connectors.organization.records import AnnotationRow, CalendarRow, RosterRow, ServiceRow
from connectors.organization.survey import read_survey
from connectors.pay import refuse_pay
from connectors.tables import Table, rows_of

PEOPLE_COLUMNS = (
    "person,name,email,team,manager,role,level,time_zone,working_days,place,valid_from,valid_to,"
    "github,pagerduty,jira"
).split(",")
HIRING_COLUMNS = ("hiring_source", "hiring_role")
"""May stand in the roster: attributes of aggregates under the group rule, never of a person."""
CALENDAR_COLUMNS = ["applies_to", "first_day", "last_day", "kind"]
ANNOTATIONS_COLUMNS = ["first_day", "last_day", "kind", "applies_to", "title", "link"]
SERVICES_COLUMNS = ["service", "tier", "team", "repository", "label", "valid_from", "valid_to"]

AnnotationKind = Literal["freeze", "migration", "reorganisation", "other"]
ANNOTATION_KINDS: Mapping[str, AnnotationKind] = {
    "freeze": "freeze",
    "migration": "migration",
    "reorganisation": "reorganisation",
    "reorganization": "reorganisation",
    "other": "other",
}
LONGEST_TITLE = 120

Cells = Mapping[str, str]
Row = TypeVar("Row")
Dated = TypeVar("Dated", RosterRow, ServiceRow)


@dataclass(slots=True, kw_only=True)
class OrganizationSource:
    """The configured files; those not configured are empty. A file has no server: it is told the time."""

    people: Path | Table | None
    calendar: Path | None
    services: Path | None
    annotations: Path | None = None
    backstage: Sequence[str] = ()
    folder: Path = Path()
    goals: Path | None = None
    goal_metrics: Mapping[str, frozenset[str]] = field(default_factory=dict)
    goal_shares: frozenset[str] = frozenset()
    survey: Path | None = None
    survey_columns: Mapping[str, str] = field(default_factory=dict)
    features: Path | None = None
    reporting_timezone: str
    known_at_utc: datetime
    name: str = "organization"
    usage: Usage = field(default_factory=Usage)
    reads: str = "all"

    def server_time(self) -> datetime:
        """The time of the run's other sources: a file says nothing about when it was true."""
        return self.known_at_utc

    def pages(self) -> Iterator[Page | Gap]:
        """One page a file. A file that cannot be read at all is a gap; the others are read all the same."""
        reads: list[tuple[str, Callable[[], tuple[list[Record], list[RejectedRecord]]]]] = []
        if self.people is not None:
            reads.append(("people", partial(self._people, self.people)))
        if self.calendar is not None:
            reads.append(("calendar", partial(self._calendar, self.calendar)))
        if self.services is not None or self.backstage:
            reads.append(("services", partial(self._services, self.services)))
        if self.annotations is not None:
            reads.append(("annotations", partial(self._annotations, self.annotations)))
        if self.goals is not None:
            reads.append(("goals", partial(self._goals, self.goals)))
        if self.survey is not None:
            reads.append(("survey", partial(self._survey, self.survey)))
        for stream, read in reads:
            try:
                records, rejected = read()
            except StopScopeError as reason:
                yield Gap(scope=stream, message=str(reason))
            else:
                yield Page(
                    scope=stream,
                    served_at_utc=self.known_at_utc,
                    records=tuple(records),
                    rejected=tuple(rejected),
                )
        if self.features is not None:
            yield from FeaturesFile(
                path=self.features,
                reporting_timezone=self.reporting_timezone,
                known_at_utc=self.known_at_utc,
            ).pages()

    def _goals(self, path: Path) -> tuple[list[Record], list[RejectedRecord]]:
        goals, rejected = read_goals(path, self.goal_metrics, self.goal_shares)
        return list(goals), rejected

    def _survey(self, path: Path) -> tuple[list[Record], list[RejectedRecord]]:
        answers, rejected = read_survey(path, self.survey_columns, self.reporting_timezone)
        return list(answers), rejected

    def _people(self, source: Path | Table) -> tuple[list[Record], list[RejectedRecord]]:
        table = source if isinstance(source, Table) else Table(folder=source.parent, file=Path(source.name))
        path = Path(table.words)
        if isinstance(source, Path) and source.suffix.lower() not in (".parquet", ".json", ".jsonl"):
            rows, rejected = _read(source, "people", PEOPLE_COLUMNS, self._person, HIRING_COLUMNS)
        else:
            rows, rejected = _read_table(table, "people", PEOPLE_COLUMNS, self._person, HIRING_COLUMNS)
        kept, overlapping = _without_overlaps(rows, path, "people", lambda row: row.person_id)
        known = {row.person_id for row in kept}
        lost = [row for row in kept if row.manager_id is not None and row.manager_id not in known]
        rejected += overlapping + [_unknown_manager(row, path) for row in lost]
        return [replace(row, manager_id=None) if row in lost else row for row in kept], rejected

    def _person(self, cells: Cells) -> RosterRow:
        valid_from, valid_to = _validity(cells)
        return RosterRow(
            person_id=_id(cells, "person"),
            name=_optional(cells, "name") or _id(cells, "person"),
            email=_optional(cells, "email"),
            team_id=_optional(cells, "team"),
            manager_id=_optional(cells, "manager"),
            role=_optional(cells, "role"),
            level=_optional(cells, "level"),
            time_zone=_zone(cells, self.reporting_timezone),
            working_days=_working_days(cells),
            place=_optional(cells, "place"),
            valid_from=valid_from,
            valid_to=valid_to,
            github=_several(cells, "github"),
            pagerduty=_several(cells, "pagerduty"),
            jira=_several(cells, "jira"),
            hiring_source=cells.get("hiring_source") or None,
            hiring_role=cells.get("hiring_role") or None,
        )

    def _calendar(self, path: Path) -> tuple[list[Record], list[RejectedRecord]]:
        rows, rejected = _read(path, "calendar", CALENDAR_COLUMNS, _calendar_row)
        kept, repeated = _without_repeats(rows, path, "calendar")
        return list(kept), rejected + repeated

    def _annotations(self, path: Path) -> tuple[list[Record], list[RejectedRecord]]:
        rows, rejected = _read(path, "annotations", ANNOTATIONS_COLUMNS, _annotation_row)
        kept, repeated = _without_repeats(rows, path, "annotations")
        return list(kept), rejected + repeated

    def _services(self, path: Path | None) -> tuple[list[Record], list[RejectedRecord]]:
        """The rows of services.csv, and after them those of Backstage's files."""
        rows: dict[int, ServiceRow] = {}
        rejected: list[RejectedRecord] = []
        places: dict[int, str] = {}
        if path is not None:
            rows, rejected = _read(path, "services", SERVICES_COLUMNS, _service_row)
        if self.backstage:
            told, problems = read_backstage(self.folder, self.backstage)
            for line, (place, row) in enumerate(told, start=max(rows, default=0) + 1):
                rows[line], places[line] = row, place
            rejected += problems
        kept, overlapping = _without_overlaps(
            rows,
            path or self.folder,
            "services",
            lambda row: f"{row.service_id} ({row.repository}, {row.label})",
            places,
        )
        return list(kept), rejected + overlapping


def _read(
    path: Path,
    stream: str,
    columns: Sequence[str],
    parse: Callable[[Cells], Row],
    optional: Sequence[str] = (),
) -> tuple[dict[int, Row], list[RejectedRecord]]:
    """The good rows by line number, and what was rejected."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, strict=True)
            reader.fieldnames = [name.strip() for name in reader.fieldnames or ()]
            _check_header(path, reader.fieldnames, columns, optional)
            numbered = [(reader.line_num, cells) for cells in reader]
    except OSError as problem:
        raise StopScopeError(
            f"{path} cannot be read ({problem.strerror}). evenhand.toml names it. "
            f"Nothing of it was written; the last good one stays in use."
        ) from None
    except (UnicodeDecodeError, csv.Error) as problem:
        raise StopScopeError(
            f"{path} is not a CSV file in UTF-8 ({problem}). "
            f"Nothing of it was written; the last good one stays in use."
        ) from None
    rows: dict[int, Row] = {}
    rejected: list[RejectedRecord] = []
    for line, cells in numbered:
        try:
            if None in cells or None in cells.values():
                raise _bad("row", "wrong_type", f"{len(columns)} cells were wanted, found more or fewer")
            rows[line] = parse({name: value.strip() for name, value in cells.items()})
        except SkippableRecordError as problem:
            rejected.append(_rejected(path, stream, line, problem, "This row was left out, the others kept."))
    return rows, rejected


def _read_table(
    table: Table,
    stream: str,
    columns: Sequence[str],
    parse: Callable[[Cells], Row],
    optional: Sequence[str],
) -> tuple[dict[int, Row], list[RejectedRecord]]:
    """The good rows of a table by number; a column that it does not have is empty in every row."""
    rows: dict[int, Row] = {}
    rejected: list[RejectedRecord] = []
    listed = rows_of(table, columns[:1], (*columns[1:], *optional), is_of_people=True)
    for number, found in enumerate(listed, start=1):
        cells = {name: _as_text(found.get(name)) for name in (*columns, *optional)}
        try:
            rows[number] = parse(cells)
        except SkippableRecordError as problem:
            kept = "This row was left out, the others kept."
            rejected.append(_rejected(Path(table.words), stream, number, problem, kept))
    return rows, rejected


def _as_text(value: object) -> str:
    """A cell of any type as the same cell of a CSV file reads: lists with ``;`` between, times as dates."""
    if value is None:
        return ""
    if isinstance(value, list | tuple):
        return ";".join(_as_text(each) for each in value)
    if isinstance(value, datetime):
        return value.date().isoformat()
    return str(value).strip()


def _check_header(
    path: Path, names: Sequence[str], wanted: Sequence[str], optional: Sequence[str] = ()
) -> None:
    if set(names) & set(wanted):  # else it is no header, and may name somebody
        refuse_pay(names, path.name)
    missing = [name for name in wanted if name not in names]
    unknown = [name for name in names if name not in (*wanted, *optional)]
    repeated = [name for name in wanted if names.count(name) > 1]
    if missing or unknown or repeated:
        said = [f"missing: {', '.join(missing)}"] if missing else []
        said += [f"unknown: {_in_words(unknown)}"] if unknown else []
        said += [f"more than once: {', '.join(repeated)}"] if repeated else []
        raise StopScopeError(
            f"{path}: the columns {','.join(wanted)} were wanted; {'; '.join(said)}. "
            f"Nothing of it was written; the last good one stays in use."
        )


def _in_words(unknown: Sequence[str]) -> str:
    """Column names, but no cells: in a file without a header the first person stands in its place."""
    names = [name for name in unknown if re.fullmatch(r"[a-z][a-z_]{0,40}", name)]
    others = len(unknown) - len(names)
    return ", ".join(names + ([f"{others} that are no column names"] if others else []))


def _without_repeats(
    rows: Mapping[int, Row], path: Path, stream: str
) -> tuple[list[Row], list[RejectedRecord]]:
    """The file with every line once."""
    lines: dict[Row, int] = {}
    rejected: list[RejectedRecord] = []
    for line, row in rows.items():
        if row in lines:
            problem = _bad("row", "repeated_row", f"this row says the same as line {lines[row]}")
            kind = "This row was left out, the earlier one kept."
            rejected.append(replace(_rejected(path, stream, line, problem, kind), is_lost=False))
        else:
            lines[row] = line
    return list(lines), rejected


def _without_overlaps(
    rows: Mapping[int, Dated],
    path: Path,
    stream: str,
    of: Callable[[Dated], str],
    places: Mapping[int, str] = MappingProxyType({}),
) -> tuple[list[Dated], list[RejectedRecord]]:
    """Rows of one person or service whose stretches do not overlap; of two that do, the later one goes.

    ``places``: where rows stand that are of no line of this file.
    """
    kept: list[Dated] = []
    rejected: list[RejectedRecord] = []
    until: dict[str, tuple[int, date | None]] = {}
    ordered = sorted(rows.items(), key=lambda item: (item[1].valid_from or date.min, item[0]))
    for line, row in ordered:
        before = until.get(of(row))
        if before is not None and (before[1] is None or (row.valid_from or date.min) < before[1]):
            earlier = places.get(before[0], f"line {before[0]}")
            problem = _bad(
                "valid_from",
                "overlapping_rows",
                f"rows of {of(row)} must not overlap, but this one begins before {earlier} ends",
            )
            kind = "This row was left out, the earlier one kept."
            place = places.get(line, f"{path.name}, line {line}")
            rejected.append(_rejected_at(place, stream, problem, kind))
            continue
        until[of(row)] = (line, row.valid_to)
        kept.append(row)
    return kept, rejected


def _unknown_manager(row: RosterRow, path: Path) -> RejectedRecord:
    return RejectedRecord(
        stream="people",
        scope="people",
        ref=f"{path.name}, person {row.person_id}",
        field="manager",
        problem="unknown_manager",
        message=f"the manager named for {row.person_id} is not a person of this file. "
        f"The row was kept without a manager: their packet has no manager to go to.",
        is_lost=False,
    )


def _calendar_row(cells: Cells) -> CalendarRow:
    applies_to = _id(cells, "applies_to")
    if applies_to != "*" and not applies_to.startswith(("person:", "place:")):
        raise _bad("applies_to", "unknown_value", "applies_to should be person:ID, place:CODE or *")
    kind = _id(cells, "kind")
    if kind not in ("holiday", "absence"):
        raise _bad("kind", "unknown_value", "kind should be holiday or absence, and never a reason")
    first, last = _date(cells, "first_day"), _date(cells, "last_day")
    if first is None or last is None:
        raise _bad("first_day", "missing_field", "first_day and last_day are both needed")
    if last < first:
        raise _bad("last_day", "wrong_type", "last_day lies before first_day")
    return CalendarRow(
        applies_to=applies_to,
        first_day=first,
        last_day=last,
        kind="holiday" if kind == "holiday" else "absence",
    )


def _annotation_row(cells: Cells) -> AnnotationRow:
    applies_to = _id(cells, "applies_to")
    scope, _, name = applies_to.partition(":")
    if applies_to != "*" and (scope not in ("team", "service") or not name.strip()):
        raise _bad(
            "applies_to", "unknown_value", "applies_to should be team:NAME, service:NAME or *; never a person"
        )
    kind = ANNOTATION_KINDS.get(_id(cells, "kind").lower())
    if kind is None:
        known = ", ".join(dict.fromkeys(ANNOTATION_KINDS.values()))
        raise _bad("kind", "unknown_value", f"kind should be one of {known}")
    first, last = _date(cells, "first_day"), _date(cells, "last_day")
    if first is None:
        raise _bad(
            "first_day", "missing_field", "first_day is needed; last_day is left empty where it goes on"
        )
    if last is not None and last < first:
        raise _bad("last_day", "wrong_type", "last_day lies before first_day; both days belong to it")
    title, link = _id(cells, "title"), _optional(cells, "link")
    if len(title) > LONGEST_TITLE:
        raise _bad("title", "wrong_type", f"title should be at most {LONGEST_TITLE} characters")
    if link is not None and not link.startswith(("https://", "http://")):
        raise _bad("link", "wrong_type", "link should begin with https://, or be left empty")
    return AnnotationRow(
        applies_to=applies_to if applies_to == "*" else f"{scope}:{name.strip()}",
        first_day=first,
        last_day=last,
        kind=kind,
        title=title,
        link=link,
    )


def _service_row(cells: Cells) -> ServiceRow:
    tier = _id(cells, "tier")
    if tier not in ("1", "2", "3", "4"):
        raise _bad("tier", "unknown_value", "tier should be 1, 2, 3 or 4")
    valid_from, valid_to = _validity(cells)
    return ServiceRow(
        service_id=_id(cells, "service"),
        tier=int(tier),
        team_id=_optional(cells, "team"),
        repository=_optional(cells, "repository"),
        label=_optional(cells, "label"),
        valid_from=valid_from,
        valid_to=valid_to,
    )


# ------------------------------------------------------------------------------ single cells


def _id(cells: Cells, name: str) -> str:
    if not cells[name]:
        raise _bad(name, "missing_field", f"{name} is empty")
    return cells[name]


def _optional(cells: Cells, name: str) -> str | None:
    return cells[name] or None


def _several(cells: Cells, name: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in cells[name].split(";") if part.strip())


def _date(cells: Cells, name: str) -> date | None:
    if not cells[name]:
        return None
    try:
        return date.fromisoformat(cells[name])
    except ValueError:
        raise _bad(name, "wrong_type", f"{name} should be a date such as 2026-03-02") from None


def _validity(cells: Cells) -> tuple[date | None, date | None]:
    first, after = _date(cells, "valid_from"), _date(cells, "valid_to")
    if first is not None and after is not None and after <= first:
        raise _bad(
            "valid_to", "wrong_type", "valid_to should be later than valid_from (it is the first day after)"
        )
    return first, after


def _zone(cells: Cells, default: str) -> str:
    name = cells["time_zone"] or default
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise _bad(
            "time_zone", "unknown_value", "time_zone should be an IANA name such as Europe/Berlin"
        ) from None
    return name


def _working_days(cells: Cells) -> tuple[int, ...]:
    text = cells["working_days"] or "12345"
    days = tuple(sorted(int(character) for character in text if character in "1234567"))
    if len(days) != len(text) or len(set(days)) != len(days):
        raise _bad(
            "working_days", "wrong_type", "working_days should be digits 1 (Monday) to 7, such as 12345"
        )
    return days


def _bad(field_name: str, problem: str, message: str) -> SkippableRecordError:
    return SkippableRecordError(field=field_name, problem=problem, message=message)


def _rejected(path: Path, stream: str, line: int, problem: SkippableRecordError, kept: str) -> RejectedRecord:
    return _rejected_at(f"{path.name}, line {line}", stream, problem, kept)


def _rejected_at(place: str, stream: str, problem: SkippableRecordError, kept: str) -> RejectedRecord:
    return RejectedRecord(
        stream=stream,
        scope=stream,
        ref=place,
        field=problem.field,
        problem=problem.problem,
        message=f"{problem}. {kept}",
    )
