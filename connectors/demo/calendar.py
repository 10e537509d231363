"""Days of the made-up organisation: how long its history is, days off, and people's working hours.

Here: public holidays, absences, and a clock that only runs while a person is at work.
Not here: the working-day clock of the metrics (``transforms``), which counts whole days.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Literal
from zoneinfo import ZoneInfo

HISTORY_END = datetime(2026, 7, 1, tzinfo=UTC)
FIRST_NIGHT_UTC = datetime(2026, 7, 10, 2, tzinfo=UTC)
DAYS_AFTER_THE_END = 120
LAST_QUARTER_FIRST_DAY = date(2026, 4, 1)
NEVER = 2**32
"""Seconds since 1970 of an instant that no history reaches."""

_FIXED_HOLIDAYS: dict[str, tuple[tuple[int, int], ...]] = {
    "DE-BE": ((1, 1), (3, 8), (5, 1), (10, 3), (12, 25), (12, 26)),
    "PT-11": (
        (1, 1),
        (4, 25),
        (5, 1),
        (6, 10),
        (6, 13),
        (8, 15),
        (10, 5),
        (11, 1),
        (12, 1),
        (12, 8),
        (12, 25),
    ),
    "US-NY": ((1, 1), (6, 19), (7, 4), (11, 11), (12, 25)),
    "IN-KA": ((1, 26), (5, 1), (8, 15), (10, 2), (11, 1), (12, 25)),
}
_DAYS_AFTER_EASTER: dict[str, tuple[int, ...]] = {"DE-BE": (-2, 1, 39, 50), "PT-11": (-2, 60)}
COMPANY_CLOSING_DAY = (12, 31)


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """From ``first_day`` to ``last_day``: all that will ever happen. ``end_day`` is where the past ends."""

    first_day: date
    end_day: date
    last_day: date


@dataclass(frozen=True, slots=True, kw_only=True)
class DaysOff:
    """A row of the calendar file; both days belong to it."""

    applies_to: str
    first_day: date
    last_day: date
    kind: Literal["holiday", "absence"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkingHours:
    """When one person is at work: the start of each working day, in seconds since 1970, and its length."""

    starts: tuple[int, ...]
    seconds: int

    def after(self, instant: int, work_seconds: float) -> int:
        """The instant at which the person has worked ``work_seconds`` since ``instant``, or NEVER."""
        index = bisect_right(self.starts, instant) - 1
        spent = instant - self.starts[index] if index >= 0 else self.seconds
        if spent >= self.seconds:
            index, spent = index + 1, 0
        days, seconds = divmod(spent + int(work_seconds), self.seconds)
        index += days
        return self.starts[index] + seconds if index < len(self.starts) else NEVER

    def works_within(self, instant: int, *, days: int) -> bool:
        """Whether a working day starts in the ``days`` after this instant, or is running."""
        index = bisect_right(self.starts, instant - self.seconds)
        return index < len(self.starts) and self.starts[index] < instant + days * 86400


def make_history(*, months: int) -> History:
    """History of ``months`` whole months before HISTORY_END, and the nights after it."""
    end = HISTORY_END.date()
    month = end.year * 12 + end.month - 1 - months
    return History(
        first_day=date(month // 12, month % 12 + 1, 1),
        end_day=end,
        last_day=end + timedelta(days=DAYS_AFTER_THE_END),
    )


def instant_of(day: date) -> int:
    """Midnight UTC of a day, in seconds since 1970."""
    return (day - date(1970, 1, 1)).days * 86400


def day_of(instant: int) -> date:
    return date.fromordinal(719163 + instant // 86400)


def holidays(places: Iterable[str], history: History) -> tuple[DaysOff, ...]:
    """Public holidays of each place and the company's closing day, within the history."""
    rows: list[DaysOff] = []
    years = range(history.first_day.year, history.last_day.year + 1)
    rows += [_day_off("*", date(year, *COMPANY_CLOSING_DAY)) for year in years]
    for place in places:
        for year in years:
            easter = _easter_sunday(year)
            days = [date(year, month, day) for month, day in _FIXED_HOLIDAYS[place]]
            days += [easter + timedelta(days=days) for days in _DAYS_AFTER_EASTER.get(place, ())]
            if place == "US-NY":
                days += [_weekday_of_month(year, 5, weekday=0, last=True), _thanksgiving(year)]
            rows += [_day_off(f"place:{place}", day) for day in sorted(days)]
    return tuple(row for row in rows if history.first_day <= row.first_day <= history.last_day)


def absences(rnd: Random, person: str, history: History) -> tuple[DaysOff, ...]:
    """Two or three absences a year of one to three weeks, Monday to Sunday."""
    rows: list[DaysOff] = []
    day = history.first_day + timedelta(days=rnd.randrange(0, 150))
    while day < history.last_day:
        monday = day - timedelta(days=day.weekday())
        last = monday + timedelta(days=7 * rnd.choice((1, 1, 2, 2, 3)) - 1)
        rows.append(
            DaysOff(applies_to=f"person:{person}", first_day=monday, last_day=last, kind="absence"),
        )
        day = last + timedelta(days=rnd.randrange(80, 210))
    return tuple(rows)


def midnights(time_zone: str, history: History) -> tuple[int, ...]:
    """Local midnight of each day of the history, in seconds since 1970."""
    zone = ZoneInfo(time_zone)
    days = (history.last_day - history.first_day).days + 1
    first = datetime(history.first_day.year, history.first_day.month, history.first_day.day, tzinfo=zone)
    return tuple(int((first + timedelta(days=day)).timestamp()) for day in range(days))


def make_working_hours(
    *,
    days: Sequence[tuple[date, int]],
    working_days: str,
    days_off: Iterable[DaysOff],
    first_hour: int,
    restlessness: int,
) -> WorkingHours:
    """Nine hours on each working day, beginning at ``first_hour`` local time or up to 50 minutes later.

    ``days`` are the person's days in the organisation with their local midnights.
    """
    off = {
        row.first_day.toordinal() + offset
        for row in days_off
        for offset in range((row.last_day - row.first_day).days + 1)
    }
    starts = tuple(
        midnight + first_hour * 3600 + (day.toordinal() * 977 + restlessness * 331) % 3000
        for day, midnight in days
        if str(day.isoweekday()) in working_days and day.toordinal() not in off
    )
    return WorkingHours(starts=starts, seconds=9 * 3600)


def _day_off(applies_to: str, day: date) -> DaysOff:
    return DaysOff(applies_to=applies_to, first_day=day, last_day=day, kind="holiday")


def _weekday_of_month(year: int, month: int, *, weekday: int, last: bool = False) -> date:
    """The first, or the last, of a weekday in a month that is not December."""
    first = date(year, month, 1)
    if not last:
        return first + timedelta(days=(weekday - first.weekday()) % 7)
    end = date(year, month + 1, 1) - timedelta(days=1)
    return end - timedelta(days=(end.weekday() - weekday) % 7)


def _thanksgiving(year: int) -> date:
    return _weekday_of_month(year, 11, weekday=3) + timedelta(days=21)


def _easter_sunday(year: int) -> date:
    """Easter by the anonymous Gregorian computus (Meeus, Astronomical Algorithms, chapter 8)."""
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    m = (32 + 2 * e + 2 * i - h - k) % 7
    n = (a + 11 * h + 22 * m) // 451
    month, day = divmod(h + m - 7 * n + 114, 31)
    return date(year, month, day + 1)
