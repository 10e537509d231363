"""Reading the review survey's export: CSV, JSON or JSON lines, as a form tool writes it.

Here: which of its columns are read, and what they may hold. A bad answer is left out, named by its place and
counted; what was answered, and by whom, is in no message.
Not here: who the people are and whether the pull request is theirs (transforms).

Only the five columns that a rating needs are read. A form's own columns, free text among them, are not.
"""

import csv
import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from connectors.contract import RejectedRecord
from connectors.errors import SkippableRecordError, StopScopeError
from connectors.organization.records import SurveyAnswer

COLUMNS = ("pull_request", "reviewer", "rater", "rating", "answered_at")
KEPT = "Nothing of it was written; the last good one stays in use."

_REF = re.compile(r"([\w.-]+/[\w.-]+)#(\d+)")
_ADDRESS = re.compile(r"https?://\S*?/([\w.-]+/[\w.-]+)/pull/(\d+)(?:[/?#].*)?")


def read_survey(
    path: Path, columns: Mapping[str, str], reporting_timezone: str
) -> tuple[list[SurveyAnswer], list[RejectedRecord]]:
    """The good answers, and what was rejected. ``columns``: what the export calls each of ``COLUMNS``.

    Raises StopScopeError where the file cannot be read at all.
    """
    names = {name: columns.get(name, name) for name in COLUMNS}
    zone = ZoneInfo(reporting_timezone)
    answers: list[SurveyAnswer] = []
    rejected: list[RejectedRecord] = []
    for place, row in _rows(path, names):
        try:
            answers.append(_answer(row, names, zone, place))
        except SkippableRecordError as problem:
            rejected.append(
                RejectedRecord(
                    stream="survey",
                    scope="survey",
                    ref=f"{path.name}, {place}",
                    field=problem.field,
                    problem=problem.problem,
                    message=f"{problem}. This answer was left out, the others kept.",
                )
            )
    return answers, rejected


def _rows(path: Path, names: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    """Every row with its place in the file."""
    try:
        text = path.read_text("utf-8-sig")
    except OSError as problem:
        raise StopScopeError(
            f"{path} cannot be read ({problem.strerror}). evenhand.toml names it. {KEPT}"
        ) from None
    except UnicodeDecodeError:
        raise StopScopeError(f"{path} is not in UTF-8. {KEPT}") from None
    if path.suffix.lower() in (".json", ".jsonl", ".ndjson"):
        return _json_rows(path, text)
    return _csv_rows(path, text, names)


def _csv_rows(path: Path, text: str, names: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    reader = csv.DictReader(text.splitlines(keepends=True), strict=True)
    try:
        header = [name.strip() for name in reader.fieldnames or ()]
        missing = [name for name in names.values() if header.count(name) != 1]
        if missing:
            raise StopScopeError(
                f"{path}: the columns {', '.join(names.values())} were wanted, each once; "
                f"not so: {', '.join(missing)}. [survey] columns says what the export calls them. {KEPT}"
            )
        reader.fieldnames = header
        numbered = [(f"line {reader.line_num}", row) for row in reader]
    except csv.Error as problem:
        raise StopScopeError(f"{path} is not a CSV file ({problem}). {KEPT}") from None
    return iter(numbered)


def _json_rows(path: Path, text: str) -> Iterator[tuple[str, Any]]:
    try:
        if path.suffix.lower() == ".json":
            listed = json.loads(text)
        else:
            listed = [json.loads(line) for line in text.splitlines() if line.strip()]
    except ValueError:
        raise StopScopeError(f"{path} is not JSON. {KEPT}") from None
    if not isinstance(listed, list):
        raise StopScopeError(f"{path}: a list of answers was wanted, found something else. {KEPT}")
    return ((f"answer {place}", row) for place, row in enumerate(listed, start=1))


def _answer(row: Any, names: Mapping[str, str], zone: ZoneInfo, place: str) -> SurveyAnswer:
    if not isinstance(row, Mapping):
        raise _bad("answer", "wrong_type", "an answer with named fields was wanted, found something else")
    return SurveyAnswer(
        place=place,
        pull_request_ref=_reference(_text(row, names, "pull_request")),
        reviewer=_text(row, names, "reviewer"),
        rater=_text(row, names, "rater"),
        rating=_rating(_text(row, names, "rating")),
        answered_at_utc=_instant(_text(row, names, "answered_at"), zone),
    )


def _text(row: Mapping[Any, Any], names: Mapping[str, str], name: str) -> str:
    value = row.get(names[name])
    text = str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""
    if not text:
        raise _bad(name, "missing_field", f"{name} is empty")
    return text


def _reference(text: str) -> str:
    """``owner/name#881`` of that, or of a pull request's address; in small letters, as GitHub compares."""
    found = _REF.fullmatch(text) or _ADDRESS.fullmatch(text)
    if found is None:
        raise _bad(
            "pull_request",
            "wrong_type",
            "pull_request should be owner/name#881, or its address at the source",
        )
    return f"{found[1]}#{int(found[2])}".lower()


def _rating(text: str) -> int:
    if text not in ("1", "2", "3", "4", "5"):
        raise _bad("rating", "unknown_value", "rating should be a whole number from 1 to 5")
    return int(text)


def _instant(text: str, zone: ZoneInfo) -> datetime:
    """A time with its zone, or one of the reporting zone."""
    try:
        told = datetime.fromisoformat(text)
        return (told if told.tzinfo is not None else told.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise _bad(
            "answered_at", "wrong_type", "answered_at should be a time such as 2026-03-02T09:00:00Z"
        ) from None


def _bad(field_name: str, problem: str, message: str) -> SkippableRecordError:
    return SkippableRecordError(field=field_name, problem=problem, message=message)
