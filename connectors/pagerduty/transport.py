"""How questions reach PagerDuty, or whatever answers in its place.

Here: a path with its parameters in, an answer out. Not here: which are asked (``client``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from connectors.errors import StopScopeError

Json = dict[str, Any]
Parameters = Mapping[str, str | int | Sequence[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The body of an answer, and the server's ``Date`` on it."""

    body: Json
    served_at_utc: datetime


class NotThereError(StopScopeError):
    """PagerDuty has no such thing, or not for this address: asking again gives the same."""


class Transport(Protocol):
    """Asks for a path (``/incidents``) with parameters; the name of a list ends in ``[]``."""

    def get(self, path: str, parameters: Parameters) -> Answer: ...
