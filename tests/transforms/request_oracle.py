"""Review requests the slow and plain way: one pull request, moment by moment, as the specification words it.

Here: section 2.9 read aloud. Written from its text alone, to be compared with ``core.review_requests``.
Not here: SQL, ticks, spells by window functions.

Where the text is silent this follows what the SQL says of itself, and says so.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

LIMIT_HOURS = 24
PLACE = {"ready": 0, "request": 1, "review": 2, "removal": 3, "draft": 4, "close": 5}
"""The order of moments of the same instant. Opening again is not in the text: it goes with ready, before all,
unless it must come last (``in_order``)."""


@dataclass(frozen=True, kw_only=True)
class Clock:
    """Somebody's working days. Instants lie on whole hours, and zones are whole hours off UTC."""

    tz: str
    working_days: tuple[int, ...]
    away: frozenset[date] = frozenset()

    def hours(self, start: datetime, end: datetime) -> int:
        zone = ZoneInfo(self.tz)
        passed = 0
        while start < end:
            local = start.replace(tzinfo=UTC).astimezone(zone).date()
            passed += local.isoweekday() in self.working_days and local not in self.away
            start += timedelta(hours=1)
        return passed


@dataclass(frozen=True, kw_only=True)
class Moment:
    """Something that happened. ``kind`` is a key of PLACE, or ``reopen``; ``asked`` a person or team:x."""

    kind: str
    at: datetime
    asked: str | None = None


@dataclass(frozen=True, kw_only=True)
class PullRequest:
    """One pull request as known at the as-of. ``ended_by`` is merged or closed, for its last end."""

    author: str | None
    created: datetime
    draft: bool
    moments: tuple[Moment, ...]
    merged: datetime | None
    closed: datetime | None

    def as_known(self, as_of: datetime) -> "PullRequest":
        """What happened after the as-of does not exist; later ends are not known yet."""
        return PullRequest(
            author=self.author,
            created=self.created,
            draft=self.draft,
            moments=tuple(moment for moment in self.moments if moment.at <= as_of),
            merged=self.merged if self.merged is not None and self.merged <= as_of else None,
            closed=self.closed if self.closed is not None and self.closed <= as_of else None,
        )


@dataclass(frozen=True, kw_only=True)
class Spell:
    asked: str
    outcome: str
    why: str
    hours: int
    anchor: datetime


@dataclass(kw_only=True)
class Open:
    """A request that is open; its clock runs since ``since``, or stands still."""

    requested: datetime
    since: datetime | None


@dataclass(kw_only=True)
class Reading:
    """Goes through one pull request and writes down its spells."""

    pull: PullRequest
    clocks: Mapping[str, Clock]
    teams: Mapping[str, Sequence[tuple[str, datetime | None, datetime | None]]]
    bots: frozenset[str]
    open: dict[str, Open] = field(default_factory=dict)
    spells: list[Spell] = field(default_factory=list)

    def read(self, as_of: datetime) -> list[Spell]:
        is_draft, is_closed = self.pull.draft, False
        for moment in self._in_order():
            match moment.kind:
                case "ready":
                    is_draft = False
                    if not is_closed:
                        self._start_clocks(moment.at)
                case "draft":
                    if not is_draft and not is_closed:
                        for asked in self.open:
                            self._end(asked, moment.at, "back_to_draft")
                            self.open[asked].since = None
                    is_draft = True
                case "close":
                    if not is_closed:
                        for asked in self.open:
                            self._end(asked, moment.at, self._end_of_pull(moment.at))
                            self.open[asked].since = None
                    is_closed = True
                case "reopen":
                    # The text knows no reopening. The SQL: whoever was asked is asked still, from zero.
                    is_closed = False
                    if not is_draft:
                        self._start_clocks(moment.at)
                case "request":
                    self._request(moment, is_draft, is_closed)
                case "review":
                    for asked in self._answers(moment):
                        # After the close it answers nothing any more, but it does clear the request.
                        if not is_closed:
                            self._answer(asked, moment.at)
                        del self.open[asked]
                case "removal":
                    if moment.asked in self.open:
                        if not is_closed:
                            self._end(moment.asked, moment.at, "request_removed")
                        del self.open[moment.asked]
        if not is_closed:
            for asked in self.open:
                self._end(asked, as_of, "still_draft" if is_draft else "unanswered")
        return self.spells

    def _in_order(self) -> list[Moment]:
        ends = [at for at in (self.pull.merged, self.pull.closed) if at is not None]
        return in_order(
            [*self.pull.moments, *(Moment(kind="close", at=at) for at in ends)], min(ends, default=None)
        )

    def _start_clocks(self, at: datetime) -> None:
        for request in self.open.values():
            if request.since is None:
                request.since = at

    def _request(self, moment: Moment, is_draft: bool, is_closed: bool) -> None:
        asked = moment.asked
        if asked is None or asked == self.pull.author or asked in self.bots or asked in self.open:
            return
        self.open[asked] = Open(requested=moment.at, since=None if is_draft or is_closed else moment.at)
        if is_closed:
            # The text ends requests at the close. The SQL: one that comes later is listed, and never waited.
            self._end(asked, moment.at, self._end_of_pull(moment.at))

    def _answers(self, moment: Moment) -> list[str]:
        """The open requests that this review ends: the person's own, and those to their teams then."""
        who = moment.asked
        if who is None or who in self.bots or who == self.pull.author:
            return []
        teams = [
            f"team:{team}"
            for team, members in self.teams.items()
            for person, start, end in members
            if person == who and (start is None or start <= moment.at) and (end is None or moment.at < end)
        ]
        return [asked for asked in (who, *teams) if asked in self.open]

    def _answer(self, asked: str, at: datetime) -> None:
        request = self.open[asked]
        if request.since is None:
            self._write(asked, "met", "answered_in_draft", 0, at)
            return
        hours = self._hours(asked, request.since, at)
        self._write(asked, "met" if hours <= LIMIT_HOURS else "missed", "answered", hours, request.since)

    def _end(self, asked: str, at: datetime, why: str) -> None:
        """A spell ends without an answer, or is still open at the as-of."""
        request = self.open[asked]
        hours = 0 if request.since is None else self._hours(asked, request.since, at)
        over = hours > LIMIT_HOURS
        if why == "unanswered":
            outcome = "missed" if over else "pending"
        else:
            outcome, why = ("missed", f"{why}_late") if over else ("excluded", why)
        # A spell that never started is placed at its request.
        self._write(asked, outcome, why, hours, request.requested if request.since is None else request.since)

    def _end_of_pull(self, at: datetime) -> str:
        ends = [end for end in (self.pull.merged, self.pull.closed) if end is not None]
        return "pr_merged" if self.pull.merged is not None and at >= min(ends) else "pr_closed"

    def _hours(self, asked: str, start: datetime, end: datetime) -> int:
        return self.clocks.get(asked, self.clocks["*"]).hours(start, end)

    def _write(self, asked: str, outcome: str, why: str, hours: int, anchor: datetime) -> None:
        self.spells.append(Spell(asked=asked, outcome=outcome, why=why, hours=hours, anchor=anchor))


def in_order(moments: Sequence[Moment], ended: datetime | None) -> list[Moment]:
    """Moments in time, those of one instant as the text says; what the source says is ``ended`` stays closed.

    Closed and opened again in one instant: more closes leave it closed, more openings open, and as many of
    each as it was before.
    """
    ordered: list[Moment] = []
    is_closed = False
    for instant in sorted({moment.at for moment in moments}):
        here = [moment for moment in moments if moment.at == instant]
        kinds = [moment.kind for moment in here]
        closes, openings = kinds.count("close"), kinds.count("reopen")
        if instant == ended:
            is_closed = True
        elif closes != openings:
            is_closed = closes > openings
        last = {"reopen": 6} if closes and not is_closed else {}
        ordered += sorted(here, key=lambda moment: (PLACE | last).get(moment.kind, -1))
    return ordered


def states(pull: PullRequest) -> Iterator[tuple[datetime, bool]]:
    """When a pull request was closed and opened again, by its moments alone."""
    is_closed = False
    for moment in in_order(pull.moments, None):
        if moment.kind in ("close", "reopen") and (moment.kind == "close") != is_closed:
            is_closed = not is_closed
            yield moment.at, is_closed
