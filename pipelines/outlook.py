"""What reading a source will take, said before it is read, and how right that was.

Here: seconds and waiting from requests by kind; the words before and after.
Not here: how many requests of each kind (the source's ``outlook``), where it is kept (``warehouse.landing``).

How long a request of a kind takes is what it took in the newest loads, and in a first run what the first
answers took. Waiting is reckoned from the points that are left and those of the hours to come.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from connectors.contract import Cost, Limit, Outlook, PastRun, Usage
from connectors.waiting import duration
from warehouse.landing import Manifest, Reading

LOADS = 5
"""So many of the newest loads tell how long a request takes."""
SHARE, REQUESTS, SECONDS = 0.1, 2, 1.0
"""A forecast held where it was off by this share at most, or by so little. Two requests, because nothing
counts beforehand whether a night's sweep finds anything: one for it, and one for the rest of its lists."""
TIMED = 0.5
"""At least this share of the requests ahead must be of kinds that were timed, for a time to be told."""
_AN_HOUR = 3_600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What reading will take. ``seconds`` hold ``waiting_seconds``; ``unknown`` is not among it.

    ``seconds`` is None where most of the requests are of kinds of which none was ever timed.
    """

    is_full: bool
    requests: int
    seconds: float | None
    waiting_seconds: float
    unknown: tuple[str, ...]
    limit: Limit | None


def past_runs(manifests: Sequence[Manifest], source: str, reads: str) -> list[PastRun]:
    """What the complete loads of a source took that went as far back, oldest first."""
    return [
        PastRun(
            is_full=one.reading.is_full,
            kinds={kind: Cost(*cost) for kind, cost in one.reading.kinds.items()},
        )
        for one in manifests
        if one.source == source and one.reads == reads and one.is_complete and one.reading is not None
    ]


def forecast(outlook: Outlook, usage: Usage, past: Sequence[PastRun]) -> Forecast:
    """The forecast of a run that has taken ``usage`` so far."""
    usage.ends()
    rates = _rates([run.kinds for run in past[-LOADS:]] or [], usage.kinds)
    ahead = {
        kind: max(0.0, n - (usage.kinds[kind].requests if kind in usage.kinds else 0))
        for kind, n in outlook.requests.items()
    }
    average = _of_all(rates)
    seconds = sum(n * rates.get(kind, average)[0] for kind, n in ahead.items())
    points = sum(n * rates.get(kind, average)[1] for kind, n in ahead.items())
    waiting = waiting_seconds(outlook.limit, usage.points, points, seconds)
    so_far = sum(cost.seconds for cost in usage.kinds.values())
    timed = sum(n for kind, n in ahead.items() if kind in rates)
    is_timed = timed >= TIMED * sum(ahead.values())
    return Forecast(
        is_full=outlook.is_full,
        requests=round(sum(outlook.requests.values())),
        seconds=so_far + seconds + waiting if is_timed else None,
        waiting_seconds=waiting,
        unknown=outlook.unknown,
        limit=outlook.limit,
    )


def waiting_seconds(limit: Limit | None, used: int, points: float, seconds: float) -> float:
    """How long a run waits for new points that needs so many in so many seconds of work."""
    if limit is None or points <= 0:
        return 0.0
    left, renewed_in = max(0.0, float(limit.left - used)), limit.renewed_in_seconds
    pace = seconds / points
    waits = 0.0
    while points > left:
        points -= left
        waits += max(0.0, renewed_in - left * pace)
        left, renewed_in = float(max(1, limit.an_hour)), _AN_HOUR
    return waits


def ahead_in_words(source: str, told: Forecast, may_wait_seconds: float) -> list[str]:
    """The lines before a source is read."""
    line = f"{source}: about {told.requests:,} requests are ahead; how long they take, the next run knows"
    if told.seconds is not None:
        line = f"{source}: about {told.requests:,} requests in {duration(max(1.0, told.seconds))} are ahead"
    if told.waiting_seconds >= SECONDS and told.limit is not None:
        line += (
            f", {duration(told.waiting_seconds)} of it waiting for new points "
            f"({told.limit.an_hour:,} an hour)"
        )
    lines = [line]
    if told.unknown:
        lines.append(f"{source}: not counted beforehand: {', '.join(told.unknown)}; it may take more")
    if told.waiting_seconds > may_wait_seconds:
        lines.append(
            f"{source}: this run may wait {duration(may_wait_seconds)} ([run] may_wait_minutes), which will "
            "not do: what is then missing will be a gap, and the next run goes on"
        )
    return lines


def taken_in_words(reading: Reading, requests: int) -> str:
    """What it took beside what was foreseen, for the line after a source was read."""
    if reading.foreseen_requests is None:
        return ""
    took = "" if reading.seconds is None else f" in {duration(max(1.0, reading.seconds))}"
    seconds = reading.foreseen_seconds
    foreseen = "" if seconds is None else f" in {duration(max(1.0, seconds))}"
    verdict = "" if holds(reading, requests) else ", more than 10% off"
    return f"{took} (foreseen: {reading.foreseen_requests:,}{foreseen}{verdict})"


def holds(reading: Reading, requests: int) -> bool:
    """Whether the forecast was right to a tenth, or to two requests and one second."""
    told, seconds = reading.foreseen_requests, reading.foreseen_seconds
    return (told is None or abs(requests - told) <= max(REQUESTS, SHARE * requests)) and (
        seconds is None
        or reading.seconds is None
        or abs(reading.seconds - seconds) <= max(SECONDS, SHARE * reading.seconds)
    )


def _rates(past: Sequence[Mapping[str, Cost]], now: Mapping[str, Cost]) -> dict[str, tuple[float, float]]:
    """Seconds and points of one request of each kind: of earlier loads, else of this run."""
    sums: dict[str, Cost] = {}
    for kinds in past or [now]:
        for kind, cost in kinds.items():
            sums.setdefault(kind, Cost())
            sums[kind].requests += cost.requests
            sums[kind].points += cost.points
            sums[kind].seconds += cost.seconds
    here = {kind: cost for kind, cost in now.items() if kind not in sums}
    return {
        kind: (cost.seconds / cost.requests, cost.points / cost.requests)
        for kind, cost in {**sums, **here}.items()
        if cost.requests
    }


def _of_all(rates: Mapping[str, tuple[float, float]]) -> tuple[float, float]:
    """What a request of a kind takes of which nothing is known: the mean of the kinds."""
    if not rates:
        return 0.0, 0.0
    seconds = sum(seconds for seconds, _ in rates.values())
    points = sum(points for _, points in rates.values())
    return seconds / len(rates), points / len(rates)
