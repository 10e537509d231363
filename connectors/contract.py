"""What every source gives, whatever it reads.

Here: the page of records, the quarantined record, the gap, the protocol of a source, and what reading costs.
Not here: how a source reads (its own folder), or where pages go (warehouse).
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Literal, Protocol, runtime_checkable


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

    A run that goes on where another was killed is given the answers that one had: ``kept`` of each kind in
    all, ``given`` with what they cost then, so far. They are no requests of this run; what is made of their
    answers takes ``given_seconds``.
    """

    requests: int = 0
    points: int = 0
    kinds: dict[str, Cost] = field(default_factory=dict)
    first: dict[str, list[Cost]] = field(default_factory=dict)
    clock: Callable[[], float] = field(default_factory=lambda: time.perf_counter)
    kept: Mapping[str, int] = field(default_factory=dict)
    given: dict[str, Cost] = field(default_factory=dict)
    given_seconds: float = 0.0
    _asked: tuple[str, float] | None = None
    _costs: list[Cost] = field(default_factory=list)
    _took_before: float | None = None

    @property
    def asking(self) -> str:
        """The kind of the request that was asked last."""
        return "" if self._asked is None else self._asked[0]

    @property
    def answers(self) -> int:
        """Requests of this run and those whose answers it was given."""
        return self.requests + sum(cost.requests for cost in self.given.values())

    def so_far(self, kind: str) -> tuple[int, int]:
        """Requests of a kind and their rows, those whose answers were given among them."""
        costs = [costs[kind] for costs in (self.kinds, self.given) if kind in costs]
        return sum(cost.requests for cost in costs), sum(cost.rows for cost in costs)

    def asks(self, kind: str) -> None:
        """A request begins."""
        self.ends()
        self.requests += 1
        self._costs = [self.kinds.setdefault(kind, Cost())]
        self._costs[0].requests += 1
        first = self.first.setdefault(kind, [])
        if len(first) < FIRST:
            first.append(Cost(requests=1))
            self._costs.append(first[-1])
        self._asked, self._took_before = (kind, self.clock()), None

    def is_given(self, seconds: float) -> None:
        """The answer to what was asked last was there already, and took so long when it was asked for."""
        kind = self.asking
        cost = self.given.setdefault(kind, Cost())
        cost.requests += 1
        self.requests -= 1
        self.kinds[kind].requests -= 1
        if not self.kinds[kind].requests:
            del self.kinds[kind]
        self._costs[0], self._took_before = cost, seconds

    def costs(self, points: int) -> None:
        """Points of the request that was asked last."""
        if self._took_before is None:
            self.points += points
        for cost in self._costs:
            cost.points += points

    def brings(self, rows: int) -> None:
        """Rows of the request that was asked last."""
        for cost in self._costs:
            cost.rows += rows

    def outlook(
        self,
        more: Mapping[str, float],
        *,
        is_full: bool,
        rows: Mapping[str, float] | None = None,
        unknown: Sequence[str] = (),
    ) -> "Outlook":
        """What a run will take that has so many requests of each kind before it. ``rows``: of those ahead."""
        requests: dict[str, float] = {kind: self.so_far(kind)[0] for kind in (*self.kinds, *self.given)}
        for kind, n in more.items():
            requests[kind] = requests.get(kind, 0) + n
        expected = {kind: n for kind, n in requests.items() if n}
        return Outlook(is_full=is_full, requests=expected, rows=rows or {}, unknown=tuple(unknown))

    def ends(self) -> None:
        """What was made of the last answer is done."""
        if self._asked is None:
            return
        seconds = self.clock() - self._asked[1]
        if self._took_before is not None:
            self.given_seconds += seconds
        for cost in self._costs:
            cost.seconds += seconds + (self._took_before or 0.0)
        self._asked, self._costs = None, []


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRun:
    """What an earlier run of the same source took, by kind. ``is_full``: it read everything. ``is_whole``: no
    other was killed before it that had asked for a part."""

    is_full: bool
    kinds: Mapping[str, Cost]
    is_whole: bool = True


NIGHTS = 3
"""So many of the newest runs tell what the next will find that nothing counts."""


def usual(past: Sequence[PastRun], kind: str, *, is_full: bool, otherwise: float) -> float:
    """Requests of that kind in the newest runs of the same sort, on average.

    ``otherwise`` is what is expected without them, and counts as one of them: a single night tells little.
    """
    found = _found(past, kind, is_full=is_full)
    newest = [otherwise, *found[-NIGHTS:]]
    return sum(newest) / len(newest)


def last(past: Sequence[PastRun], kind: str, *, is_full: bool) -> int | None:
    """Requests of that kind in the newest run of the same sort; None where there was none."""
    found = _found(past, kind, is_full=is_full)
    return found[-1] if found else None


def _found(past: Sequence[PastRun], kind: str, *, is_full: bool) -> list[int]:
    alike = [run for run in past if run.is_full == is_full and run.is_whole]
    return [run.kinds[kind].requests if kind in run.kinds else 0 for run in alike]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """How much a source still answers, in how many seconds it will answer more, and how much then.

    ``of``: what it counts. ``left`` now, and ``amount`` in each window after this one.
    """

    left: int
    renewed_in_seconds: float
    amount: int
    window_seconds: float = 3_600.0
    of: Literal["points", "requests"] = "points"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """How many requests of each kind a run will take, what it has asked so far included.

    Parts of a request are those that may be made or not. ``rows``: what the requests that are ahead will
    bring or ask about, of kinds whose time depends on it.
    ``unknown`` says in words what the source does not count beforehand, so that it may take more.
    """

    is_full: bool
    requests: Mapping[str, float]
    rows: Mapping[str, float] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()


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
