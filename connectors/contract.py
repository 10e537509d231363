"""What every source gives, whatever it reads.

Here: the page of records, the quarantined record, the gap, the protocol of a source, and what reading costs.
Not here: how a source reads (its own folder), or where pages go (warehouse).
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Protocol, runtime_checkable


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


@dataclass(slots=True)
class Cost:
    """Requests of one kind, the points they cost, and the seconds until the next one was asked.

    ``rows``: what they brought or asked about, where that is known of what is ahead too; else nothing.
    """

    requests: int = 0
    points: int = 0
    seconds: float = 0.0
    rows: int = 0


FIRST = 20
"""So many requests of a kind are timed one by one."""


@dataclass(slots=True, kw_only=True)
class Usage:
    """What reading has cost so far, in all and by the kind of what was asked for.

    The time of a request ends when the next is asked: what is made of its answer belongs to it. ``clock``
    gives seconds that only go forward, without those of waiting for a limit. ``first`` has the first requests
    of each kind one by one.
    """

    requests: int = 0
    points: int = 0
    kinds: dict[str, Cost] = field(default_factory=dict)
    first: dict[str, list[Cost]] = field(default_factory=dict)
    clock: Callable[[], float] = field(default_factory=lambda: time.perf_counter)
    _asked: tuple[str, float] | None = None

    def asks(self, kind: str) -> None:
        """A request begins."""
        self.ends()
        self.requests += 1
        self.kinds.setdefault(kind, Cost()).requests += 1
        first = self.first.setdefault(kind, [])
        if len(first) < FIRST:
            first.append(Cost(requests=1))
        self._asked = (kind, self.clock())

    def costs(self, points: int) -> None:
        """Points of the request that was asked last."""
        self.points += points
        for cost in self._of_the_last():
            cost.points += points

    def brings(self, rows: int) -> None:
        """Rows of the request that was asked last."""
        for cost in self._of_the_last():
            cost.rows += rows

    def outlook(
        self,
        more: Mapping[str, float],
        *,
        is_full: bool,
        rows: Mapping[str, float] | None = None,
        unknown: Sequence[str] = (),
        limit: "Limit | None" = None,
    ) -> "Outlook":
        """What a run will take that has so many requests of each kind before it. ``rows``: of those ahead."""
        requests: dict[str, float] = {kind: cost.requests for kind, cost in self.kinds.items()}
        for kind, n in more.items():
            requests[kind] = requests.get(kind, 0) + n
        expected = {kind: n for kind, n in requests.items() if n}
        return Outlook(
            is_full=is_full, requests=expected, rows=rows or {}, unknown=tuple(unknown), limit=limit
        )

    def ends(self) -> None:
        """What was made of the last answer is done."""
        for cost in self._of_the_last():
            cost.seconds += self.clock() - (self._asked or ("", 0.0))[1]
        self._asked = None

    def _of_the_last(self) -> list[Cost]:
        """What is told of the request that was asked last is told of."""
        if self._asked is None:
            return []
        kind = self._asked[0]
        is_first = self.kinds[kind].requests == len(self.first[kind])
        return [self.kinds[kind], *self.first[kind][-1:]] if is_first else [self.kinds[kind]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRun:
    """What an earlier run of the same source took, by kind. ``is_full``: it read everything."""

    is_full: bool
    kinds: Mapping[str, Cost]


NIGHTS = 3
"""So many of the newest runs tell what the next will find that nothing counts."""


def usual(past: Sequence[PastRun], kind: str, *, is_full: bool, otherwise: float) -> float:
    """Requests of that kind in the newest runs of the same sort, on average.

    ``otherwise`` is what is expected without them, and counts as one of them: a single night tells little.
    """
    found = [run.kinds[kind].requests if kind in run.kinds else 0 for run in past if run.is_full == is_full]
    newest = [otherwise, *found[-NIGHTS:]]
    return sum(newest) / len(newest)


def last(past: Sequence[PastRun], kind: str, *, is_full: bool) -> int | None:
    """Requests of that kind in the newest run of the same sort; None where there was none."""
    found = [run.kinds[kind].requests if kind in run.kinds else 0 for run in past if run.is_full == is_full]
    return found[-1] if found else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """Points that are left, in how many seconds there will be new ones, and how many then, for an hour."""

    left: int
    renewed_in_seconds: float
    an_hour: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """How many requests of each kind a run will take, what it has asked so far included.

    Parts of a request are those that may be made or not. ``rows``: what the requests that are ahead will
    bring or ask about, of kinds whose time depends on it.
    ``unknown`` says in words what the source does not count beforehand, so that it may take more. ``limit``
    is that of the source, where it says one.
    """

    is_full: bool
    requests: Mapping[str, float]
    rows: Mapping[str, float] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()
    limit: Limit | None = None


@runtime_checkable
class Foreseeing(Protocol):
    """A source that can tell what a run will take, before its pages.

    ``rehearse`` does with a page what will be done with each, and keeps nothing of it: so that the time of a
    page is known before the first. Raises StopSourceError.
    """

    def outlook(self, past: Sequence[PastRun], rehearse: Callable[[Page], None], /) -> Outlook: ...


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
