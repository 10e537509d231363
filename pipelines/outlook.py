"""What reading a source will take, said before it is read, and how right that was.

Here: seconds and waiting from requests by kind; the words before and after.
Not here: how many requests of each kind (the source's ``outlook``), where it is kept (``warehouse.landing``).

How long a request of a kind takes is what it took in the newest loads, and in a first run what the first
answers took; the way to the server and back is that of this run. Waiting is reckoned from the points that
are left and those of the hours to come. What is built of what was read is no part of it.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from connectors.contract import Cost, Limit, Outlook, PastRun, Usage
from connectors.waiting import duration
from warehouse.landing import Manifest, Reading

LOADS = 5
"""So many of the newest loads tell how long a request takes."""
SHARE, REQUESTS, SECONDS = 0.1, 1, 1.0
"""A forecast held where it was off by this share at most, or by so little. One request, because nothing
counts beforehand whether a night's sweep finds anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What reading will take: asking, parsing and landing, not what is built from it.

    ``seconds`` hold ``waiting_seconds``; ``unknown`` is not among them. ``kept``: answers that a killed run
    had, which are no requests of this one. ``rests_on``: what tells how long a request takes.
    """

    is_full: bool
    requests: int
    seconds: float
    waiting_seconds: float
    unknown: tuple[str, ...]
    limit: Limit | None
    kept: int = 0
    rests_on: str = ""


def past_runs(manifests: Sequence[Manifest], source: str, reads: str) -> list[PastRun]:
    """What the complete loads of a source took that went as far back, oldest first."""
    return [
        PastRun(
            is_full=one.reading.is_full,
            kinds={kind: Cost(*cost) for kind, cost in one.reading.kinds.items()},
            is_whole=one.reading.seconds is not None,
        )
        for one in manifests
        if one.source == source and one.reads == reads and one.is_complete and one.reading is not None
    ]


def forecast(
    outlook: Outlook,
    usage: Usage,
    past: Sequence[PastRun],
    *,
    waited_seconds: float = 0.0,
    limit: Limit | None = None,
) -> Forecast:
    """The forecast of a run that has taken ``usage`` so far, and waited so long for limits.

    ``limit``: what the source said of its own with its last answer.
    """
    usage.ends()
    alike = [run for run in past if run.is_full == outlook.is_full] or list(past)
    others = [run.kinds for run in past if run not in alike]
    paces, other = _paces([run.kinds for run in alike[-LOADS:]], usage, others=others, rows=outlook.rows)
    seconds, points, requests = 0.0, 0.0, 0.0
    left_to_give = 0
    for kind, n in outlook.requests.items():
        given = usage.given[kind].requests if kind in usage.given else 0
        kept = max(0, usage.kept.get(kind, 0) - given)
        left_to_give += kept
        ahead = max(0.0, n - usage.so_far(kind)[0])
        asked = max(0.0, ahead - kept)
        rows = outlook.rows.get(kind)
        pace = paces.get(kind, other)
        seconds += pace.seconds(asked, rows and rows * asked / ahead if ahead else rows)
        points += asked * pace.points
        requests += asked
    n_given = sum(cost.requests for cost in usage.given.values())
    seconds += left_to_give * usage.given_seconds / max(1, n_given)
    so_far = sum(cost.seconds for cost in usage.kinds.values()) + usage.given_seconds
    needed = requests if limit is not None and limit.of == "requests" else points
    waiting = waited_seconds + waiting_seconds(limit, needed, seconds)
    return Forecast(
        is_full=outlook.is_full,
        requests=usage.requests + round(requests),
        seconds=so_far + seconds + waiting,
        waiting_seconds=waiting,
        unknown=outlook.unknown,
        limit=limit,
        kept=sum(usage.kept.values()),
        rests_on=_rests_on(len(alike[-LOADS:]), usage),
    )


def _rests_on(n_runs: int, usage: Usage) -> str:
    """What tells how long a request takes: earlier runs, or this one's first requests of its dearest kind."""
    if n_runs:
        return "the last run" if n_runs == 1 else f"the last {n_runs} runs"
    dearest = max(usage.first.values(), key=lambda costs: sum(one.seconds for one in costs), default=[])
    if not dearest:
        return ""
    least, most = (f"{pick(one.seconds for one in dearest):.1f}" for pick in (min, max))
    if len(dearest) == 1 or least == most:
        least = ""
    n = "its first request" if len(dearest) == 1 else f"its first {len(dearest)} requests of a kind"
    return f"{n} ({least and f'{least} to '}{most} s)"


def waiting_seconds(limit: Limit | None, needed: float, seconds: float) -> float:
    """How long a run waits that needs so many points, or requests, in so many seconds of work."""
    if limit is None or needed <= 0:
        return 0.0
    left, renewed_in = max(0.0, float(limit.left)), limit.renewed_in_seconds
    pace = seconds / needed
    waits = 0.0
    while needed > left:
        needed -= left
        waits += max(0.0, renewed_in - left * pace)
        left, renewed_in = float(max(1, limit.amount)), limit.window_seconds
    return waits


def ahead_in_words(source: str, told: Forecast, may_wait_seconds: float) -> list[str]:
    """The lines before a source is read."""
    kept = f"{told.kept:,} answers are there from before; " if told.kept else ""
    line = f"{source}: {kept}reading it takes about {told.requests:,} requests and {_time(told.seconds)}"
    if told.waiting_seconds >= SECONDS and told.limit is not None:
        line += f", {duration(told.waiting_seconds)} of it waiting for its limit ({_in_words(told.limit)})"
    if told.rests_on:
        line += f", by {told.rests_on}"
    lines = [line]
    if told.unknown:
        lines.append(f"{source}: not counted beforehand: {', '.join(told.unknown)}; it may take more")
    if told.waiting_seconds > may_wait_seconds:
        lines.append(
            f"{source}: this run may wait {duration(may_wait_seconds)} ([run] may_wait_minutes), which will "
            "not do: what is then missing will be a gap, and the next run goes on"
        )
    return lines


def taken_in_words(reading: Reading, requests: int, *, tried_again: int = 0) -> str:
    """What it took beside what was foreseen, for the line after a source was read."""
    if reading.foreseen_requests is None:
        return ""
    took = "" if reading.seconds is None else f" in {_time(reading.seconds)}"
    seconds = reading.foreseen_seconds
    foreseen = "" if seconds is None else f" in {_time(seconds)}"
    verdict = "" if holds(reading, requests) else ", more than 10% off"
    if verdict and tried_again:
        times = "once" if tried_again == 1 else f"{tried_again} times"
        verdict += f": it was refused or not answered {times}"
    return f"{took} (foreseen: {reading.foreseen_requests:,}{foreseen}{verdict})"


def _in_words(limit: Limit) -> str:
    window = {3_600.0: "an hour", 60.0: "a minute"}.get(limit.window_seconds)
    return f"{limit.amount:,} {limit.of} {window or f'in {duration(limit.window_seconds)}'}"


def _time(seconds: float) -> str:
    return duration(max(1.0, seconds))


def holds(reading: Reading, requests: int) -> bool:
    """Whether the forecast was right to a tenth, or to one request and one second."""
    told, seconds = reading.foreseen_requests, reading.foreseen_seconds
    return (told is None or abs(requests - told) <= max(REQUESTS, SHARE * requests)) and (
        seconds is None
        or reading.seconds is None
        or abs(reading.seconds - seconds) <= max(SECONDS, SHARE * reading.seconds)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pace:
    """How long a request of a kind takes: as long as the quickest, ``each`` more, and so much for a row.

    ``rows``: so many a request has, where nobody knows how many are ahead.
    """

    least: float
    each: float = 0.0
    row: float = 0.0
    rows: float = 0.0
    points: float = 0.0

    def seconds(self, requests: float, rows: float | None) -> float:
        rows = requests * self.rows if rows is None else rows
        return requests * (self.least + self.each) + self.row * rows


def _paces(
    past: Sequence[Mapping[str, Cost]],
    usage: Usage,
    *,
    others: Sequence[Mapping[str, Cost]],
    rows: Mapping[str, float],
) -> tuple[dict[str, _Pace], _Pace]:
    """The pace of each kind that was ever asked for, and that of all others.

    The way to the server and back is measured in this run, as far as it has come, because it differs from
    hour to hour; what a kind takes beyond that is what it took in earlier runs, or else in this one. Runs of
    another sort tell of a kind of which those of this sort had fewer rows than are ahead.
    """
    before: dict[str, list[Cost]] = {}
    for kinds in past:
        for kind, cost in kinds.items():
            before.setdefault(kind, []).append(cost)
    for kind, costs in before.items():
        if 0 < sum(cost.rows for cost in costs) < rows.get(kind, 0.0):
            costs += [kinds[kind] for kinds in others if kind in kinds]
    now = {kind: [cost for cost in first if cost.requests] for kind, first in usage.first.items()}
    both = now.keys() & before.keys()
    least_now, least_before = _least(now, both or set(now)), _least(before, both or set(before))
    least = least_now if now else least_before
    paces = {kind: _pace(costs, least_now, least) for kind, costs in now.items()}
    paces |= {kind: _pace(costs, least_before, least) for kind, costs in before.items()}
    n_rows = sum(cost.rows for costs in (*now.values(), *before.values()) for cost in costs)
    more = sum(
        pace.row * cost.rows
        for kind, pace in paces.items()
        for cost in (*now.get(kind, ()), *before.get(kind, ()))
    )
    n = max(1, len(paces))
    return paces, _Pace(
        least=least,
        each=sum(pace.each for pace in paces.values()) / n,
        row=more / n_rows if n_rows else 0.0,
        points=sum(pace.points for pace in paces.values()) / n,
    )


def _pace(costs: Sequence[Cost], least: float, least_now: float) -> _Pace:
    """Of requests, or of runs with several: whether what each takes beyond the least goes with its rows, or
    is the same whatever it brings, is told by which of both comes nearer to all of them."""
    requests, rows = sum(cost.requests for cost in costs), sum(cost.rows for cost in costs)
    more = [max(0.0, cost.seconds - cost.requests * least) for cost in costs]
    each, row = sum(more) / max(1, requests), sum(more) / rows if rows else 0.0
    off_each = sum(abs(seconds - each * cost.requests) for seconds, cost in zip(more, costs, strict=True))
    off_row = sum(abs(seconds - row * cost.rows) for seconds, cost in zip(more, costs, strict=True))
    goes_with_rows = rows > 0 and off_row <= off_each
    return _Pace(
        least=least_now,
        each=0.0 if goes_with_rows else each,
        row=row if goes_with_rows else 0.0,
        rows=rows / max(1, requests),
        points=sum(cost.points for cost in costs) / max(1, requests),
    )


def _least(kinds: Mapping[str, Sequence[Cost]], among: Set[str]) -> float:
    """How long the quickest of these kinds of requests takes."""
    own = [costs for kind, costs in kinds.items() if kind in among]
    sums = [(sum(one.seconds for one in costs), sum(one.requests for one in costs)) for costs in own]
    return min((seconds / requests for seconds, requests in sums if requests), default=0.0)
