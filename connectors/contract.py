"""What every source gives, whatever it reads.

Here: the page of records, the quarantined record, the gap, and the protocol of a source.
Not here: how a source reads (its own folder), or where pages go (warehouse).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Protocol


class Record(Protocol):
    """A frozen dataclass with the name of its stream and a key that is unique in it."""

    stream: ClassVar[str]

    @property
    def key(self) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedRecord:
    """A record, or one field of it, that was not what the source promises.

    ``ref`` says where it is, ``problem`` what is wrong in one word, ``message`` what was wanted, found and
    kept. Values are not repeated. ``is_lost``: the record is not among the page's records.
    """

    stream: str
    scope: str
    ref: str
    field: str
    problem: str
    message: str
    is_lost: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Records of one scope that belong together, in the order they were read.

    ``served_at_utc`` is the server's own time. ``pull_requests`` and other snapshots come whole: a parent
    with everything below it on the same page.
    """

    scope: str
    served_at_utc: datetime
    records: tuple[Record, ...]
    rejected: tuple[RejectedRecord, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Something that could not be read, in words for the operator; what was read before it stays."""

    scope: str
    message: str


@dataclass(slots=True, kw_only=True)
class Usage:
    """What reading has cost so far."""

    requests: int = 0
    points: int = 0
    scopes: dict[str, int] = field(default_factory=dict)


class Source(Protocol):
    """One configured source.

    ``reads`` says in words how far back it goes. ``server_time`` asks the server for its time, once, before
    the first page. ``pages`` yields pages and gaps; a scope that ends without a gap was read to its end.
    """

    name: str
    usage: Usage

    @property
    def reads(self) -> str: ...

    def server_time(self) -> datetime: ...

    def pages(self) -> Iterator[Page | Gap]: ...
