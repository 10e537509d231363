"""Below which rows of an answer something is null only because GitHub could not tell it, or would not.

Here: the places that GitHub's errors name, and the words for what it refused.
Not here: asking again (``answers.PageSize``), what becomes of a row that is not whole (``rests``,
``client``).

GitHub puts null where it failed, and null is also its word for "none": a deleted author, no merge commit.
Only the error beside it tells which, so a row that an error points into is never taken as it looks.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connectors.errors import StopScopeError
from connectors.github.transport import FINAL_ERRORS, REFUSED, Answer, error_kinds

NAME_NOBODY = {"requestedReviewer"}
"""A team that the credential may not see is asked for a review: the request is there and names nobody, as
where the team is gone. The doctor says which permission that lacks."""
_NAME = re.compile(r"[A-Za-z]{1,60}")
_SOMETHING = "a field"


@dataclass(slots=True, kw_only=True)
class Holes:
    """By place in a list: ``failed`` has the field that GitHub could not tell, which it may the next time.

    ``refused`` has the fields that the credential may not read, wherever they are below the list's parent.
    """

    failed: dict[int, str] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)


def holes_in(answer: Answer, operation: int, *path: str, rows: int, what: str) -> Holes:
    """The holes below a list of ``rows`` rows at ``path`` in the answer to one operation.

    An error that names no place is every row's. Raises StopScopeError where what failed is not below a row.
    """
    found = Holes(refused=refused_fields(answer, operation))
    for error in answer.errors:
        if error.get("operation") not in (operation, None) or error_kinds([error]) <= FINAL_ERRORS:
            continue
        said = _path(error)
        below = said[len(path) :] if said[1 : len(path)] == list(path[1:]) else []
        if not said:
            found.failed |= dict.fromkeys(range(rows), _SOMETHING)
        elif below and isinstance(below[0], int) and not isinstance(below[0], bool):
            found.failed[below[0]] = _field(below)
        else:
            raise StopScopeError(
                f"{what}: GitHub answered with errors each time it was asked. The pages before it are kept; "
                "the rest is missing."
            )
    return found


def refused_fields(answer: Answer, operation: int) -> set[str]:
    """The fields that the credential may not read, but for those that are known to name nobody then."""
    errors = [each for each in answer.errors if each.get("operation") in (operation, None)]
    return {_field(_path(each)) for each in errors if error_kinds([each]) <= REFUSED} - NAME_NOBODY


def refused_in_words(name: str, fields: Iterable[str]) -> str:
    return (
        f"{name}: GitHub refused {', '.join(sorted(fields))}: the token may not read it. Everything else was "
        "kept, but what is empty there is not known to be nothing. Give the token the permission (`evenhand "
        "doctor` tries each); the next run reads back as far as this one did."
    )


def _path(error: Mapping[str, Any]) -> Sequence[Any]:
    path = error.get("path")
    return path if isinstance(path, list) else []


def _field(path: Sequence[Any]) -> str:
    """The last name of a path; never what else may stand in its place."""
    names = [part for part in path if isinstance(part, str) and _NAME.fullmatch(part)]
    return names[-1] if names else _SOMETHING
