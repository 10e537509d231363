"""Months, quarters and local days as instants.

Here: the first instant of a local date, the periods of the reporting zone, and the one macro that tells the
reporting month of an instant. Month arithmetic is nowhere else.
Not here: what is measured in a period (``periods``).

Local dates become instants with Python's zoneinfo, and not with DuckDB: at a date whose midnight comes twice
(the Azores and Havana in autumn) ICU takes the second, and that day would lose its first hour.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import duckdb
import polars as pl

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


def set_reporting_zone(connection: duckdb.DuckDBPyConnection, zone: str) -> None:
    """Give the database the reporting zone, as macros.

    ``reporting_month(instant)``: the month of a UTC instant, as its first day. ``reporting_date(instant)``:
    its day. ``reporting_midnight(day)``: the first instant of a day, in UTC; of two midnights the first.
    Raises ZoneInfoNotFoundError for a zone that does not exist.
    """
    known = ZoneInfo(zone).key  # a name that zoneinfo knows holds no quote
    # An instant is its microseconds: told from them, and not from its fields, it costs half.
    connection.execute(
        "CREATE OR REPLACE MACRO reporting_month(instant) AS "
        f"date_trunc('month', make_timestamptz(epoch_us(instant)) AT TIME ZONE '{known}')::DATE"
    )
    connection.execute(
        "CREATE OR REPLACE MACRO reporting_date(instant) AS "
        f"(make_timestamptz(epoch_us(instant)) AT TIME ZONE '{known}')::DATE"
    )
    midnight = f"((day::TIMESTAMP AT TIME ZONE '{known}') AT TIME ZONE 'UTC')"
    hour_before = f"({midnight} - INTERVAL 1 HOUR)"
    connection.execute(
        f"CREATE OR REPLACE MACRO reporting_midnight(day) AS CASE WHEN reporting_date({hour_before}) = day "
        f"THEN {hour_before} ELSE {midnight} END"
    )
