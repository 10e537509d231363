"""How operations reach GitHub, or whatever answers in its place.

Here: the page protocol (``Operation`` in, ``Answer`` out), which the made-up organisation speaks too.
Not here: what the operations are (``queries``), what the answers mean (``parse``).
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

Json = dict[str, Any]

FINAL_ERRORS = {
    "NOT_FOUND",
    "FORBIDDEN",
    "INSUFFICIENT_SCOPES",
    "INVALID_QUERY",
    "INVALID_CURSOR_ARGUMENTS",
    "MISSING_PAGINATION_BOUNDARIES",
    "EXCESSIVE_PAGINATION",
    "MAX_NODE_LIMIT_EXCEEDED",
}
"""Kinds of errors that asking again does not mend. With any other, what is null may be there next time."""

REFUSED = {"FORBIDDEN", "INSUFFICIENT_SCOPES"}
"""Kinds that say the credential may not read it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One named query of ``queries/`` with its variables."""

    name: str
    variables: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back for the operations of one request, in their order.

    ``data`` has one object per operation (the operation's ``data``), or None where nothing came.
    ``errors`` are GitHub's own, each with ``operation`` (the index it belongs to, or None) added.
    ``served_at_utc`` is the server's ``Date``; ``points`` what the request cost.
    """

    data: tuple[Json | None, ...]
    errors: tuple[Json, ...]
    served_at_utc: datetime
    points: int


def error_kinds(errors: Iterable[Mapping[str, Any]]) -> set[str]:
    """What GitHub calls its errors, in its own capital words.

    A refused query has no type but a code (``undefinedField``). An error without either is a hiccup.
    """
    kinds: set[str] = set()
    for error in errors:
        kind, extensions = error.get("type"), error.get("extensions")
        if isinstance(kind, str) and re.fullmatch(r"[A-Z_]{1,60}", kind):
            kinds.add(kind)
        elif isinstance(extensions, Mapping) and isinstance(extensions.get("code"), str):
            kinds.add("INVALID_QUERY")
        else:
            kinds.add("NO_TYPE_GIVEN")
    return kinds


def lacks_sign_on(errors: Iterable[Mapping[str, Any]]) -> bool:
    """Whether GitHub refused because the token is not authorised for the organisation's single sign-on."""
    marks = (error.get("extensions") for error in errors)
    return any(isinstance(mark, Mapping) and mark.get("saml_failure") is True for mark in marks)


SIGN_ON = (
    "The token is not authorised for the organisation's single sign-on (SAML). Authorise it where it was "
    "made, by Configure SSO."
)


class Transport(Protocol):
    """Sends operations in one request and gives their answers."""

    def send(self, operations: Sequence[Operation]) -> Answer: ...


Send = Callable[[Sequence[Operation]], Answer]
"""What a transport does, for those who ask one thing of it."""
