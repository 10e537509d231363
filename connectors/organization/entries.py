"""Entries of a TOML file that somebody wrote by hand: their keys and texts.

Here: what one entry may hold, and the error that leaves it out. Not here: which file it is of, what it means.
"""

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from connectors.errors import SkippableRecordError


def bad(field_name: str, problem: str, message: str) -> SkippableRecordError:
    """The error of an entry that is left out: no message holds what was written there."""
    return SkippableRecordError(field=field_name, problem=problem, message=message)


def refuse_unknown_keys(table: Mapping[str, Any], known: Sequence[str]) -> None:
    """Raise for a key that is none of these, with the nearest one."""
    for key in table:
        if key not in known:
            nearest = difflib.get_close_matches(key, known, n=1)
            hint = f"; did you mean {nearest[0]}?" if nearest else f"; known: {', '.join(known)}"
            raise bad(str(key), "unknown_key", f"unknown key {key}{hint}")


def text(table: Mapping[str, Any], name: str) -> str:
    """A text that has to be there, without the spaces around it."""
    value = table.get(name)
    if not isinstance(value, str) or not value.strip():
        raise bad(name, "missing_field" if value is None else "wrong_type", f"{name} should be a text")
    return value.strip()


def optional_text(table: Mapping[str, Any], name: str) -> str | None:
    """A text, or None where the key is left out."""
    return text(table, name) if name in table else None
