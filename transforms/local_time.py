"""Months, quarters and local days as instants.

Here: the first instant of a local date, the periods of the reporting zone, and the one macro that tells the
reporting month of an instant. Month arithmetic is nowhere else.
Not here: what is measured in a period (``periods``).

Local dates become instants with Python's zoneinfo, and not with DuckDB: at a date whose midnight comes twice
(the Azores and Havana in autumn) ICU takes the second, and that day would lose its first hour.

There is one authority on what the clocks of a zone show: the package ``tzdata``, which is locked. Not the
machine's own data, which Python would prefer: two machines would end a month at two instants. Nor DuckDB's,
which are its release's: where they differ, SQL is told (``corrections``).
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, reset_tzpath

import duckdb
import polars as pl

reset_tzpath(to=())
ZoneInfo.clear_cache()

_DAY = timedelta(days=1)
_TIME = pl.Datetime("us")


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A month or quarter of the reporting zone, ``[start_utc, end_utc)``."""

    grain: str
    name: str
    first_day: date
    start_utc: datetime
    end_utc: datetime


@cache
def first_instant(day: date, zone: str) -> datetime:
    """The first instant of a local date, in UTC.

    Where the clock skips midnight it is the first instant that exists; where midnight comes twice, the first.
    """
    zone_info = ZoneInfo(zone)
    instant = datetime(day.year, day.month, day.day, tzinfo=zone_info, fold=0).astimezone(UTC)
    # A gap that began before midnight (Toronto 1919) puts this past the day's start: step back to it.
    while (instant - timedelta(seconds=1)).astimezone(zone_info).date() >= day:
        instant -= timedelta(minutes=1)
    return instant


def month_start(day: date) -> date:
    """The first day of the month of a date."""
    return day.replace(day=1)


def next_month(first_day: date, months: int = 1) -> date:
    """The first day of the month that many months later, or earlier."""
    ordinal = first_day.year * 12 + first_day.month - 1 + months
    return date(ordinal // 12, ordinal % 12 + 1, 1)


def quarter_start(day: date) -> date:
    """The first day of the quarter of a date."""
    return date(day.year, 3 * ((day.month - 1) // 3) + 1, 1)


def month_name(first_day: date) -> str:
    """2026-03."""
    return f"{first_day:%Y-%m}"


def quarter_name(first_day: date) -> str:
    """2026-Q1."""
    return f"{first_day.year}-Q{(first_day.month + 2) // 3}"


def periods_between(first: date, last: date, zone: str) -> Iterator[Period]:
    """Every month and quarter that touches ``[first, last]``, in the reporting zone."""
    for grain, first_start, length, name in (
        ("month", month_start(first), 1, month_name),
        ("quarter", quarter_start(first), 3, quarter_name),
    ):
        after = first_start
        while after <= last:
            start, after = after, next_month(after, length)
            yield Period(
                grain=grain,
                name=name(start),
                first_day=start,
                start_utc=first_instant(start, zone),
                end_utc=first_instant(after, zone),
            )


def local_date(instant_utc: datetime, zone: str) -> date:
    """The local date of an instant. A naive instant is UTC, as everywhere in the tables."""
    aware = instant_utc if instant_utc.tzinfo is not None else instant_utc.replace(tzinfo=UTC)
    return aware.astimezone(ZoneInfo(zone)).date()


def local_days(zones: Iterable[str], first: date, last: date) -> pl.DataFrame:
    """Every local date of these zones with its first instant and that of the next day.

    Columns: tz, local_date, start_utc, end_utc (UTC, without zone).
    """
    rows = []
    for zone in sorted(set(zones)):
        day = first
        start = first_instant(day, zone)
        while day <= last:
            end = first_instant(day + _DAY, zone)
            rows.append((zone, day, start.replace(tzinfo=None), end.replace(tzinfo=None)))
            day, start = day + _DAY, end
    schema = pl.Schema({"tz": pl.String(), "local_date": pl.Date(), "start_utc": _TIME, "end_utc": _TIME})
    return pl.DataFrame(rows, schema=schema, orient="row")


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """A stretch ``[start_us, end_us)`` of a zone, in microseconds of UTC, and the offset that holds in it."""

    start_us: int
    end_us: int
    offset_us: int

    @property
    def start_utc(self) -> datetime:
        """Its first instant, without zone as in the tables."""
        return _EPOCH + timedelta(microseconds=self.start_us)

    @property
    def end_utc(self) -> datetime:
        """The first instant after it."""
        return _EPOCH + timedelta(microseconds=self.end_us)


@cache
def corrections(zone: str) -> tuple[Correction, ...]:
    """What ``tzdata`` says of a zone where DuckDB says something else; empty where both agree.

    The two come with different releases of the tz database, and countries change their clocks (in 2026
    Morocco, western Canada, Cuba): a month would end at one instant and the next begin at another.
    """
    stretches = list(_stretches(zone))
    begin, end = stretches[0].start_us, stretches[-1].end_us
    at_changes = [at for one in stretches for at in (one.start_us, one.end_us - _SECOND_US)]
    asked = sorted({*range(begin, end, _DAY_US), *at_changes})
    with duckdb.connect() as connection:
        connection.register("asked", pl.DataFrame({"at_us": asked}))
        found = connection.sql(
            f"SELECT at_us, epoch_us(make_timestamptz(at_us) AT TIME ZONE '{ZoneInfo(zone).key}') - at_us"
            " FROM asked ORDER BY at_us"
        ).fetchall()
    starts = [one.start_us for one in stretches]
    wrong = [
        place
        for place, (at_us, offset_us) in enumerate(found)
        if stretches[bisect_right(starts, at_us) - 1].offset_us != offset_us
    ]
    if not wrong:
        return ()
    first, last = asked[max(wrong[0] - 1, 0)], asked[wrong[-1] + 1] if wrong[-1] + 1 < len(asked) else end
    return tuple(
        Correction(start_us=max(one.start_us, first), end_us=min(one.end_us, last), offset_us=one.offset_us)
        for one in stretches
        if one.start_us < last and one.end_us > first
    )


_CORRECTED = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2040, 1, 1, tzinfo=UTC))
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC).replace(tzinfo=None)
_SECOND_US = 1_000_000
_DAY_US = 86_400 * _SECOND_US


def _stretches(zone: str) -> Iterator[Correction]:
    """The offsets of a zone by ``tzdata``, from 2000 to 2040, each as long as it holds."""
    zone_info = ZoneInfo(zone)

    def offset(at_s: int) -> timedelta | None:
        return datetime.fromtimestamp(at_s, zone_info).utcoffset()

    start, end = (int(instant.timestamp()) for instant in _CORRECTED)
    began = start
    for day in range(start, end, 86_400):
        known, after = offset(day), min(day + 86_400, end)
        if offset(after) != known:
            low, high = day, after
            while high - low > 1:
                low, high = (middle, high) if offset(middle := (low + high) // 2) == known else (low, middle)
            yield _stretch(began, high, known)
            began = high
    yield _stretch(began, end, offset(began))


def _stretch(start_s: int, end_s: int, offset: timedelta | None) -> Correction:
    assert offset is not None  # an aware instant has one
    return Correction(
        start_us=start_s * _SECOND_US,
        end_us=end_s * _SECOND_US,
        offset_us=offset // timedelta(microseconds=1),
    )


_CLOCKS = (
    """
    clock_week(instant) AS time_bucket(INTERVAL 7 DAY, instant, TIMESTAMP '2000-01-01 12:00:00')
    """,
    """
    tells(stretch, clock, instant) AS
        stretch.person_id = clock
        AND stretch.week_utc = clock_week(instant)
        AND stretch.from_utc <= instant
        AND stretch.until_utc > instant
    """,
    """
    worked_us(stretch, instant) AS coalesce(
        stretch.worked_before_us
            + greatest(epoch_us(least(instant, stretch.end_utc)) - epoch_us(stretch.start_utc), 0),
        0
    )
    """,
)
"""Working time by ``core.working_stretches``: the week of an instant, the stretch that tells it on a clock,
and the working time up to it by that stretch, or none.

A week begins on a Saturday at noon, UTC: wherever people work from Monday to Friday, no stretch of working
days has a part in two. The join on a clock and a week takes a third of an ASOF join's time.
"""


def set_reporting_zone(connection: duckdb.DuckDBPyConnection, zone: str) -> None:
    """Give the database the reporting zone and the clocks' weeks, as macros.

    ``reporting_month(instant)``: the month of a UTC instant, as its first day. ``reporting_date(instant)``:
    its day. ``reporting_midnight(day)``: the first instant of a day, in UTC; of two midnights the first.
    ``clock_week``, ``tells`` and ``worked_us``: working time by ``core.working_stretches``.
    Raises ZoneInfoNotFoundError for a zone that does not exist.
    """
    for macro in _CLOCKS:
        connection.execute(f"CREATE OR REPLACE MACRO {macro}")
    known = f"'{ZoneInfo(zone).key}'"  # a name that zoneinfo knows holds no quote
    local = _local_sql([zone], instant="instant", zone=known)
    connection.execute(f"CREATE OR REPLACE MACRO reporting_month(instant) AS {_month_sql(local)}")
    connection.execute(f"CREATE OR REPLACE MACRO reporting_date(instant) AS ({local})::DATE")
    midnight = f"((day::TIMESTAMP AT TIME ZONE {known}) AT TIME ZONE 'UTC')"
    hour_before = f"({midnight} - INTERVAL 1 HOUR)"
    first_of_two = f"CASE WHEN reporting_date({hour_before}) = day THEN {hour_before} ELSE {midnight} END"
    utc = _utc_sql([zone], instant="day::TIMESTAMP", zone=known, otherwise=first_of_two)
    connection.execute(f"CREATE OR REPLACE MACRO reporting_midnight(day) AS {utc}")


def set_zones(connection: duckdb.DuckDBPyConnection, zones: Iterable[str]) -> None:
    """Give the database the clocks of people, as macros.

    ``local_time(instant, zone)``: the wall clock at a UTC instant. ``instant_utc(instant, zone)``: the UTC
    instant of a wall clock. ``zones`` are all that are asked for.
    """
    known = sorted(set(zones))
    local = _local_sql(known, instant="instant", zone="zone")
    connection.execute(f"CREATE OR REPLACE MACRO local_time(instant, zone) AS {local}")
    plain = "(instant AT TIME ZONE zone) AT TIME ZONE 'UTC'"
    utc = _utc_sql(known, instant="instant", zone="zone", otherwise=plain)
    connection.execute(f"CREATE OR REPLACE MACRO instant_utc(instant, zone) AS {utc}")


def _month_sql(local: str) -> str:
    """The month of ``instant``, whose wall clock is ``local``: no clock is a whole day off, so that in the
    middle of a month of UTC it is that month. To ask for the wall clock takes three times as long."""
    return (
        "CASE WHEN day(instant) BETWEEN 2 AND 27 THEN date_trunc('month', instant)::DATE "
        f"ELSE date_trunc('month', {local})::DATE END"
    )


def _local_sql(zones: Iterable[str], *, instant: str, zone: str) -> str:
    """The wall clock at an instant: by DuckDB's data, but by tzdata's where they say something else.

    An instant is its microseconds: told from them, and not from its fields, it costs half.
    """
    us = f"epoch_us({instant})"
    cases = [
        f"WHEN {zone} = '{name}' AND {us} >= {one.start_us} AND {us} < {one.end_us}"
        f" THEN make_timestamp({us} + {one.offset_us})"
        for name in zones
        for one in corrections(name)
    ]
    return _case(cases, otherwise=f"(make_timestamptz({us}) AT TIME ZONE {zone})")


def _utc_sql(zones: Iterable[str], *, instant: str, zone: str, otherwise: str) -> str:
    """The instant of a wall clock, likewise: where it comes twice the first, where it is skipped the next."""
    us = f"epoch_us({instant})"
    cases = [
        f"WHEN {zone} = '{name}' AND {us} >= {known[0].start_us + known[0].offset_us}"
        f" AND {us} < {one.end_us + one.offset_us}"
        f" THEN make_timestamp(greatest({one.start_us}, {us} - {one.offset_us}))"
        for name in zones
        for known in (corrections(name),)
        for one in known
    ]
    return _case(cases, otherwise=otherwise)


def _case(cases: Sequence[str], *, otherwise: str) -> str:
    return f"CASE {' '.join(cases)} ELSE {otherwise} END" if cases else otherwise
