"""The values of a source's answers, one field at a time, each of the kind that the source promises.

Here: reading one field of an object, and the words where it is not what it should be.
Not here: which fields a record has (each source's ``parse``).

All raise SkippableRecordError, which names the field, what was wanted and what kind of thing was found, and
never the value itself unless it is an enumeration's word.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from connectors.contract import RejectedRecord
from connectors.errors import SkippableRecordError

CLOCK_TOLERANCE = timedelta(minutes=5)
"""How far ahead of the server's own clock a time may lie; a source's machines do not agree to the second."""

Word = TypeVar("Word", bound=str)


def mapping(value: Any, name: str) -> Mapping[str, Any]:
    """An object."""
    if isinstance(value, Mapping):
        return value
    if value is None:
        raise SkippableRecordError(field=name, problem="missing_field", message=f"{name} is missing or null")
    raise wrong(name, "an object", value)


def text(fields: Mapping[str, Any], name: str) -> str:
    """Text, which may be empty."""
    value = present(fields, name)
    if not isinstance(value, str):
        raise wrong(name, "text", value)
    return in_utf8(value)


def filled_text(fields: Mapping[str, Any], name: str) -> str:
    """Text that is not empty: an id, a key, a name."""
    value = text(fields, name)
    if not value:
        raise missing(name)
    return value


def in_utf8(value: str) -> str:
    """Half a surrogate pair is JSON but not UTF-8; one such text would stop the load."""
    return value if value.isascii() else value.encode("utf-8", "replace").decode("utf-8")


def integer(fields: Mapping[str, Any], name: str) -> int:
    """A whole number of at most 64 bits."""
    value = present(fields, name)
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) >= 2**63:
        raise wrong(name, "a whole number", value)
    return value


def big_integer(fields: Mapping[str, Any], name: str) -> int:
    """A whole number, or one as text, which is how GraphQL sends those above 32 bits."""
    value = present(fields, name)
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,20}", value):
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise wrong(name, "a whole number, or one as text", value)


def boolean(fields: Mapping[str, Any], name: str) -> bool:
    """True or false."""
    value = present(fields, name)
    if not isinstance(value, bool):
        raise wrong(name, "true or false", value)
    return value


def one_of(fields: Mapping[str, Any], name: str, known: tuple[Word, ...]) -> Word:
    """One of these words."""
    value = text(fields, name)
    for word in known:
        if word == value:
            return word
    shown = value if re.fullmatch(r"[A-Za-z_]{1,60}", value) else "another word"
    raise SkippableRecordError(
        field=name, problem="unknown_value", message=f"{name} is {shown}; known: {', '.join(known)}"
    )


def instant(fields: Mapping[str, Any], name: str, served_at_utc: datetime | None) -> datetime:
    """A time with its zone, in UTC; not later than the server's own, where that is given."""
    shown = text(fields, name)
    try:
        found = datetime.fromisoformat(shown)
    except ValueError:
        raise wrong(name, "a time such as 2026-03-02T09:00:00Z", shown) from None
    if found.tzinfo is None:
        raise wrong(name, "a time with its zone", shown)
    try:
        found = found.astimezone(UTC)
    except OverflowError:  # the first or last day of the calendar, moved over its edge
        raise wrong(name, "a time such as 2026-03-02T09:00:00Z", shown) from None
    return found if served_at_utc is None else not_later(found, name, served_at_utc)


def not_later(found: datetime, name: str, served_at_utc: datetime) -> datetime:
    """The time, if the server's own clock has reached it."""
    if found > served_at_utc + CLOCK_TOLERANCE:
        raise SkippableRecordError(
            field=name,
            problem="future_date",
            message=f"{name} is {found:%Y-%m-%dT%H:%M:%SZ}, later than the server's own time "
            f"{served_at_utc:%Y-%m-%dT%H:%M:%SZ}",
        )
    return found


def optional_instant(fields: Mapping[str, Any], name: str, served_at_utc: datetime) -> datetime | None:
    """The same, or None where the field holds null."""
    return None if is_null(fields, name) else instant(fields, name, served_at_utc)


def is_null(fields: Mapping[str, Any], name: str) -> bool:
    """Whether a field that must be there holds null: what was deleted, is hidden or has not happened."""
    if name not in fields:
        raise missing(name)
    return fields[name] is None


def present(fields: Mapping[str, Any], name: str) -> Any:
    """A value that is there."""
    if fields.get(name) is None:
        raise missing(name)
    return fields[name]


def missing(name: str) -> SkippableRecordError:
    """The error where nothing is there."""
    return SkippableRecordError(field=name, problem="missing_field", message=f"{name} is missing or null")


def wrong(name: str, wanted: str, found: Any) -> SkippableRecordError:
    """The error where something else is there."""
    return SkippableRecordError(
        field=name, problem="wrong_type", message=f"{name} should be {wanted}, found {kind(found)}"
    )


def kind(value: Any) -> str:
    """What kind of thing a value is, in words."""
    if value is None:
        return "nothing"
    return {"str": "text", "int": "a number", "float": "a number", "bool": "true or false"}.get(
        type(value).__name__, "a list" if isinstance(value, list) else "an object"
    )


def rejected(stream: str, scope: str, ref: str, problem: SkippableRecordError, kept: str) -> RejectedRecord:
    """The quarantined record; ``kept`` says what was left out and what was not."""
    return RejectedRecord(
        stream=stream,
        scope=scope,
        ref=ref,
        field=problem.field,
        problem=problem.problem,
        message=f"{problem}. {kept}",
    )
