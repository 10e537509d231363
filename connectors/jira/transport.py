"""What the client asks of whoever reaches Jira: one request, one answer.

Here: the answer, the protocol, and the refusal that is final.
Not here: HTTP (``http``), recorded pages (tests).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from connectors.errors import StopScopeError


class RefusedError(StopScopeError):
    """Jira refused this request for good; asking again gives the same. ``status`` is the HTTP status."""

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A decoded JSON body, and the server's own time."""

    body: Any
    served_at_utc: datetime


class Transport(Protocol):
    """Raises StopSourceError, RefusedError or TriedOftenError."""

    def ask(self, path: str, query: Mapping[str, Any] | None = None, body: Any = None) -> Answer:
        """GET ``path`` with the query, or POST the body, where there is one."""
        ...
