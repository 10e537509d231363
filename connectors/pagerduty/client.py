"""Reading a PagerDuty account: who there is, who was on call, and everything that happened to incidents.

Here: which paths are asked in which order, windows and pages.
Not here: HTTP (``http``), fields (``parse``), files (warehouse).

The log is the change feed: its entries come with the incident as it is now, so a late entry on an incident
resolved long ago brings it too. What the log does not show (a priority set, a merge) is found by reading
again the incidents of the last 30 days and those still open.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from connectors.contract import Gap, Outlook, Page, PastRun, Usage, last
from connectors.errors import StopScopeError, StopSourceError, TriedOftenError
from connectors.pagerduty.known import KnownAccount
from connectors.pagerduty.parse import Parsed, is_of_shifts
from connectors.pagerduty.permissions import lacking
from connectors.pagerduty.records import Account, ExpectedCount
from connectors.pagerduty.transport import Answer, NotThereError, Parameters, Transport

PAGE_SIZE = 100
CAP = 10_000
"""PagerDuty answers no page that ends behind this row: a window with more is split."""
LONGEST_WINDOW = timedelta(days=180)
"""At most six months are answered; the shortest six months have 181 days."""
SHORTEST_WINDOW = timedelta(seconds=1)
"""Times are asked in whole seconds."""
SETTLING = timedelta(minutes=5)
"""The newest minutes are left to the next run: entries still come, and pages would shift."""
OVERLAP = timedelta(hours=1)
LOOKED_AT_AGAIN = timedelta(days=30)
TIMED_BY_ROW = ("log_entries", "incidents")
"""Lists of which a row takes longer than the way to the server and back, shared by a page."""
SCHEDULE_MONTHS = 2
"""Months of schedules a request: about three are answered at most."""

LOG, SCHEDULES, PEOPLE, ON_CALLS, AGAIN = (
    f"pagerduty:{name}" for name in ("log", "schedules", "people", "on_calls", "incidents")
)


COUNTED: Parameters = {"total": "true"}
"""Lists tell how many rows they have, where they are asked to."""
LISTS: Mapping[str, Parameters] = {
    "/users": COUNTED,
    "/services": {"include[]": ["escalation_policies", "teams"], **COUNTED},
    "/priorities": COUNTED,
}
"""Who and what there is, and what each is asked with."""
LOG_ENTRIES: Parameters = {"include[]": ["channels", "incidents"]}
INCIDENTS: Parameters = {"sort_by": "created_at:asc"}


class AboveCapError(StopScopeError):
    """A list goes on behind the last row that PagerDuty answers. Nothing of the rest was read."""


@dataclass(slots=True, kw_only=True)
class PagerDutySource:
    """One PagerDuty account.

    ``since_utc``: nothing before it is read; None: from the first incident on. ``known`` is what earlier runs
    know; without it everything is read.
    """

    transport: Transport
    since_utc: datetime | None = None
    known: KnownAccount | None = None
    name: str = "pagerduty"
    usage: Usage = field(default_factory=Usage)
    counted: list[ExpectedCount] = field(default_factory=list)
    _server_time: datetime | None = None
    _listed: dict[str, Account] = field(default_factory=dict)
    _first_utc: datetime | None = None
    _total: int | None = None
    _crowded: list[str] = field(default_factory=list)
    _ahead: dict[str, Answer] = field(default_factory=dict)

    @property
    def reads(self) -> str:
        """How far back it goes, in words."""
        return "all" if self.since_utc is None else f"created since {self.since_utc:%Y-%m-%d}"

    def server_time(self) -> datetime:
        """The server's own time at the start, from its first answer. Raises StopSourceError."""
        if self._server_time is None:
            self._look_at_the_whole()
        assert self._server_time is not None
        return self._server_time

    def pages(self) -> Iterator[Page | Gap]:
        """Every page; a part that cannot be read to its end ends with a gap."""
        self.server_time()
        self._listed = {}
        yield from self._guarded(PEOPLE, self._people)
        yield from self._guarded(ON_CALLS, self._on_calls)
        yield from self._guarded(SCHEDULES, self._schedules)
        if self.known is not None:
            yield from self._guarded(AGAIN, self._incidents_again)
        yield from self._guarded(LOG, self._log)

    def lacking(self) -> Iterator[Gap]:
        """A gap for each list that the key may not read. Raises StopSourceError."""
        yield from lacking(self._get)

    def _guarded(self, scope: str, read: Callable[[], Iterator[Page]]) -> Iterator[Page | Gap]:
        try:
            yield from read()
        except StopScopeError as reason:
            yield Gap(scope=scope, message=str(reason))
        except StopSourceError as reason:
            yield Gap(scope=scope, message=str(reason))
            raise

    def outlook(self, past: Sequence[PastRun], rehearse: Callable[[Page], None], /) -> Outlook:
        """How many requests a run will take, from PagerDuty's totals: those stand on the first page of each
        list, which is kept and not asked again. Raises StopSourceError."""
        now = self.server_time()
        is_full = self.known is None
        unknown: list[str] = []
        rows: dict[str, float] = {}

        def behind_the_first(path: str, more: Parameters) -> int:
            try:
                asked = _first_page(more)
                self._ahead[_key(path, asked)] = answer = self._get(path, asked)
            except StopScopeError:  # the list is asked again, and says what is wrong
                unknown.append(f"how many rows {path} has")
                return 1
            total = answer.body.get("total")
            if not isinstance(total, int) or isinstance(total, bool):
                unknown.append(f"how many rows {path} has")
                return 0
            stream = path.removeprefix("/")
            listed = answer.body.get(stream)
            if stream in TIMED_BY_ROW and isinstance(listed, list):
                rows[path] = rows.get(path, 0) + max(0, total - len(listed))
                rehearse(self._read_page(stream, answer, listed))
            return max(1, -(-total // PAGE_SIZE)) - 1

        more: dict[str, float] = {}
        for path in (*LISTS, "/oncalls"):
            found = last(past, path, is_full=is_full)  # what does not grow from night to night
            more[path] = behind_the_first(path, LISTS.get(path, COUNTED)) if found is None else found
        more["/log_entries"] = sum(
            behind_the_first("/log_entries", _asked_of_window(LOG_ENTRIES, start, end))
            for start, end in self._stretches()
        )
        runs = list(self._months())
        shown = last(past, "/schedules", is_full=is_full)
        if shown is None and runs:
            of_one_run = behind_the_first("/schedules", _asked_of_months(runs[0]))
            shown = of_one_run + (len(runs) - 1) * (1 + of_one_run)
        more["/schedules"] = shown or 0
        more["/v3/schedules"] = last(past, "/v3/schedules", is_full=is_full) or (1 if runs else 0)
        if not is_full:
            window = _asked_of_window(INCIDENTS, now - LOOKED_AT_AGAIN, now - SETTLING)
            more["/incidents"] = 1 + behind_the_first("/incidents", window)
        if self.since_utc is not None:  # then it is counted month by month
            months = len(list(months_between(self.since_utc, now)))
            more["/incidents"] = more.get("/incidents", 0) + months
        return self.usage.outlook(more, is_full=is_full, rows=rows, unknown=unknown)

    def _look_at_the_whole(self) -> None:
        """One request tells the server's time, how many incidents there are, and when the first began."""
        asked: Parameters = {"date_range": "all", "limit": 1, "total": "true", "sort_by": "created_at:asc"}
        try:
            answer = self._get("/incidents", asked)
        except StopScopeError as reason:
            raise StopSourceError(str(reason)) from None
        self._server_time = answer.served_at_utc
        total, listed = answer.body.get("total"), answer.body.get("incidents")
        self._total = total if isinstance(total, int) and not isinstance(total, bool) else None
        first = (
            listed[0].get("created_at")
            if isinstance(listed, list) and listed and isinstance(listed[0], dict)
            else None
        )
        try:
            self._first_utc = datetime.fromisoformat(str(first)).astimezone(UTC)
        except ValueError:
            self._first_utc = None

    # ---------------------------------------------------------------------- who and what there is

    def _people(self) -> Iterator[Page]:
        for path, asked in LISTS.items():
            stream = path.removeprefix("/")
            try:
                for answer, listed in self._list(path, stream, asked):
                    parsed = self._parsed(PEOPLE, answer)
                    reads = {"users": parsed.user, "services": parsed.service, "priorities": parsed.priority}
                    parsed.each(listed, stream, reads[stream])
                    self._listed |= parsed.accounts if path == "/users" else {}
                    yield parsed.page()
            except TriedOftenError:
                raise
            except StopScopeError:
                if path != "/priorities":  # not in every plan: then no incident has one
                    raise

    def _on_calls(self) -> Iterator[Page]:
        for answer, listed in self._list("/oncalls", "oncalls", COUNTED):
            parsed = self._parsed(ON_CALLS, answer)
            parsed.each(listed, "standing_on_calls", parsed.standing)
            yield parsed.page()

    # ---------------------------------------------------------------------------------- schedules

    def _schedules(self) -> Iterator[Page]:
        """Final entries of every schedule, some months a request; months shown after their end never."""
        runs, of_shifts = list(self._months()), set[str]()
        for months in runs:
            for answer, listed in self._list("/schedules", "schedules", _asked_of_months(months)):
                parsed = self._parsed(SCHEDULES, answer)

                def read(node: Any, parsed: Parsed = parsed, months: list[Month] = months) -> None:
                    if is_of_shifts(node):
                        of_shifts.add(str(node["id"]))
                    else:
                        parsed.schedule(node, months)

                parsed.each(listed, "schedule_months", read)
                yield parsed.page()

        if runs:
            yield from self._schedules_of_shifts(runs, of_shifts)

    def _schedules_of_shifts(self, runs: list[list["Month"]], named: set[str]) -> Iterator[Page]:
        """Schedules made of shifts have an address of their own, and are answered one by one."""
        found = set(named)
        try:
            for _, listed in self._list("/v3/schedules", "schedules", {}):
                found |= {str(node["id"]) for node in listed if is_of_shifts(node)}
        except NotThereError:
            pass  # an account without any; those that the other list named are asked all the same
        for schedule in sorted(found):
            for months in runs:
                asked: dict[str, Any] = {
                    "include[]": ["final_schedule"],
                    "since": _written(months[0][1]),
                    "until": _written(months[-1][2]),
                    "time_zone": "UTC",
                }
                answer = self._get(f"/v3/schedules/{schedule}", asked)
                parsed = self._parsed(SCHEDULES, answer)

                def read(node: Any, parsed: Parsed = parsed, months: list[Month] = months) -> None:
                    parsed.schedule_of_shifts(node, months)

                parsed.each([answer.body.get("schedule")], "schedule_months", read)
                yield parsed.page()

    def _months(self) -> Iterator[list["Month"]]:
        now = self.server_time()
        settled = self.known.settled_months if self.known is not None else frozenset()
        run: list[Month] = []
        for month in months_between(self._begin(), now):
            is_next = not run or month[0] == run[-1][2].date()
            if run and (month[0] in settled or not is_next or len(run) == SCHEDULE_MONTHS):
                yield run
                run = []
            if month[0] not in settled:
                run.append(month)
        if run:
            yield run

    def _begin(self) -> datetime:
        """Where reading begins: the configured day, else the first incident ever."""
        known = self.known.first_utc if self.known is not None else None
        return self.since_utc or min(
            (each for each in (known, self._first_utc) if each), default=self.server_time()
        )

    # -------------------------------------------------------------------------------------- the log

    def _log(self) -> Iterator[Page]:
        for start, end in self._stretches():
            yield from self._window("/log_entries", "log_entries", LOG_ENTRIES, start, end)

    def _stretches(self) -> Iterator[tuple[datetime, datetime]]:
        """The time of which the log is to be read, in windows that are answered."""
        until = self.server_time() - SETTLING
        start = self._begin()
        if self.known is not None:
            start = max(start, self.known.log_complete_at_utc - SETTLING - OVERLAP)
        while start < until:
            end = min(start + LONGEST_WINDOW, until)
            yield start, end
            start = end
        self._tell_crowded("log_entries")

    def _incidents_again(self) -> Iterator[Page]:
        now = self.server_time()
        yield from self._window("/incidents", "incidents", INCIDENTS, now - LOOKED_AT_AGAIN, now - SETTLING)
        self._tell_crowded("incidents")
        still_open = {
            "date_range": "all",
            "statuses[]": ["triggered", "acknowledged"],
            "sort_by": "created_at:asc",
        }
        for answer, listed in self._list("/incidents", "incidents", still_open):
            yield self._read_page("incidents", answer, listed)

    def _window(
        self, path: str, stream: str, more: Parameters, start: datetime, end: datetime
    ) -> Iterator[Page]:
        """All pages of a closed window, both ends sent; one with more rows than are answered is split.

        Whether a row at an end belongs to it is not documented: each window begins a second before its time.
        Nor is it sure that a total is told: without one the cap itself tells, and the halves are read again.
        """
        is_one_second = end - start <= SHORTEST_WINDOW
        try:
            for answer, listed in self._list(path, stream, _asked_of_window(more, start, end)):
                total = answer.body.get("total")
                if isinstance(total, int) and total > CAP and not is_one_second:
                    raise AboveCapError
                yield self._read_page(stream, answer, listed)
        except AboveCapError:
            if is_one_second:
                self._crowded.append(_written(start))
                return
            middle = (start + (end - start) / 2).replace(microsecond=0)
            middle = middle if start < middle < end else start + SHORTEST_WINDOW
            yield from self._window(path, stream, more, start, middle)
            yield from self._window(path, stream, more, middle, end)

    def _read_page(self, stream: str, answer: Answer, listed: list[Any]) -> Page:
        parsed = self._parsed(LOG if stream == "log_entries" else AGAIN, answer)
        parsed.each(listed, stream, parsed.log_entry if stream == "log_entries" else parsed.incident)
        return parsed.page()

    def _tell_crowded(self, stream: str) -> None:
        """Raises StopScopeError, after everything else of the stream, where seconds had too many rows."""
        crowded, self._crowded = self._crowded, []
        if crowded:
            raise StopScopeError(
                f"PagerDuty has more than {CAP:,} rows of {stream} in one second, {crowded[0]}"
                + (f" (and in {len(crowded) - 1} more)" if crowded[1:] else "")
                + f", and answers no more than {CAP:,} of them. All others were read and kept."
            )

    # -------------------------------------------------------------------- the independent count

    def expected_counts(
        self, stored_in: Callable[[datetime, datetime], int], reporting_months: list["Month"]
    ) -> list[ExpectedCount]:
        """How many incidents PagerDuty says there are; month by month where that is not what is stored.

        ``stored_in`` tells how many are stored that were created in a stretch of time.
        """
        after = self.server_time()
        beginning = datetime(1, 1, 1, tzinfo=UTC)
        if self.since_utc is None and self._total is not None:
            whole = ExpectedCount(
                count_id="all", month_start=None, first_utc=None, after_utc=after, expected=self._total
            )
            if stored_in(beginning, after) == self._total:
                return [whole]
        counts = []
        for month, start, end in reporting_months:
            first, last = max(start, self._begin()), min(end, after)
            if last <= first:
                continue
            asked: Parameters = {
                "since": _written(start),
                "until": _written(last),
                "limit": 1,
                "total": "true",
            }
            try:
                total = self._get("/incidents", asked).body.get("total")
            except StopScopeError:
                continue
            if isinstance(total, int) and not isinstance(total, bool):
                counts.append(
                    ExpectedCount(
                        count_id=f"{month:%Y-%m}",
                        month_start=month,
                        first_utc=start,
                        after_utc=last,
                        expected=total,
                    )
                )
        return counts

    # ------------------------------------------------------------------------------------- asking

    def _list(self, path: str, stream: str, more: Parameters) -> Iterator[tuple[Answer, list[Any]]]:
        """Every page of a list. A page that says there is more and has nothing ends it, as missing."""
        offset = 0
        while True:
            asked = _first_page(more) | {"offset": offset}
            answer = self._ahead.pop(_key(path, asked), None) or self._get(path, asked)
            listed = answer.body.get(stream)
            if not isinstance(listed, list):
                raise StopScopeError(
                    f"PagerDuty's answer for {path} has no list of {stream}. What was read before is kept; "
                    "the rest is missing."
                )
            yield answer, listed
            if not answer.body.get("more"):
                return
            if not listed:
                raise StopScopeError(
                    f"PagerDuty says there is more of {path} behind row {offset:,}, and gives nothing. What "
                    "was read before is kept; the rest is missing."
                )
            offset += len(listed)
            if offset + PAGE_SIZE > CAP:
                raise AboveCapError(
                    f"PagerDuty answers no more than {CAP:,} rows of {path}. What was read before is kept; "
                    "the rest is missing."
                )

    def _get(self, path: str, parameters: Parameters) -> Answer:
        self.usage.asks(re.sub(r"(/schedules)/[^/]+$", r"\1", path))
        answer = self.transport.get(path, parameters)
        stream = path.removeprefix("/")
        listed = answer.body.get(stream)
        if stream in TIMED_BY_ROW and isinstance(listed, list):
            self.usage.brings(len(listed))
        return answer

    def _parsed(self, scope: str, answer: Answer) -> Parsed:
        return Parsed(scope=scope, served_at_utc=answer.served_at_utc, listed=self._listed)


Month = tuple[date, datetime, datetime]
"""The first day of a month of UTC, its first instant and the first after it."""


def months_between(first: datetime, last: datetime) -> Iterator[Month]:
    """Every month of UTC that touches the stretch."""
    start = datetime(first.year, first.month, 1, tzinfo=UTC)
    while start <= last:
        after = datetime(start.year + start.month // 12, start.month % 12 + 1, 1, tzinfo=UTC)
        yield start.date(), start, after
        start = after


def _first_page(more: Parameters) -> dict[str, Any]:
    return {**more, "limit": PAGE_SIZE, "offset": 0}


def _key(path: str, parameters: Parameters) -> str:
    return json.dumps([path, sorted(parameters.items())])


def _asked_of_window(more: Parameters, start: datetime, end: datetime) -> dict[str, Any]:
    """What is asked of a window of time. One of a second begins at its time, others a second before it."""
    since = start if end - start <= SHORTEST_WINDOW else start - SHORTEST_WINDOW
    return {**more, "since": _written(since), "until": _written(end), **COUNTED}


def _asked_of_months(months: Sequence[Month]) -> dict[str, Any]:
    """What is asked of all schedules in some months that follow each other."""
    return {
        "include[]": ["final_schedule", "overrides_subschedule"],
        "since": _written(months[0][1]),
        "until": _written(months[-1][2]),
        "time_zone": "UTC",
        **COUNTED,
    }


def _written(instant: datetime) -> str:
    """With its Z: without one PagerDuty reads a time in the account's zone. Whole seconds, rounded down."""
    return f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def is_settled(month_start: date, shown_at_utc: datetime) -> bool:
    """Whether a month of a schedule was shown after its end."""
    *_, (_, _, end) = months_between(
        datetime(month_start.year, month_start.month, 1, tzinfo=UTC),
        datetime(month_start.year, month_start.month, 1, tzinfo=UTC),
    )
    return shown_at_utc >= end
