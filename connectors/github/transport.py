"""How operations reach GitHub, or whatever answers in its place.

Here: the page protocol (``Operation`` in, ``Answer`` out), which the made-up organisation speaks too.
Not here: what the operations are (``queries``), what the answers mean (``parse``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

Json = dict[str, Any]


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


class Transport(Protocol):
    """Sends operations in one request and gives their answers."""

    def send(self, operations: Sequence[Operation]) -> Answer: ...
