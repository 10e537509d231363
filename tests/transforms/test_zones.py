"""One authority on the clocks of a zone: what Python and SQL say of an instant is the same.

The zone data of DuckDB are those of its release, and differ from ``tzdata`` in a few zones. So that nothing
here depends on who has changed the clocks this year, Berlin is also given the clocks of other places.
"""

import zoneinfo
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from importlib.resources import files
from random import Random
from zoneinfo import ZoneInfo

import duckdb
import polars as pl
import pytest

from pipelines.doctor import zones_of
from tests.transforms.world import CATALOGUE, World, aware, rows, utc
from transforms import local_time
from transforms.local_time import corrections, first_instant, local_date, set_reporting_zone, set_zones

ZONES = ("Europe/Berlin", "America/Havana", "Africa/Casablanca", "America/Vancouver")
AS_IF = ("America/Havana", "Africa/Casablanca", "Australia/Lord_Howe")
BERLIN = "Europe/Berlin"
Clocks = Callable[[str], ZoneInfo]


@pytest.fixture
def berlin_as(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], ZoneInfo]]:
    """Give Berlin the clocks of another zone in Python, and not in DuckDB."""

    def put(other: str) -> ZoneInfo:
        with files("tzdata.zoneinfo").joinpath(*other.split("/")).open("rb") as told:
            berlin = ZoneInfo.from_file(told, key=BERLIN)
        monkeypatch.setattr(local_time, "ZoneInfo", lambda zone: berlin if zone == BERLIN else ZoneInfo(zone))
        monkeypatch.setattr(local_time, "_CORRECTED", (aware("2025-12-01"), aware("2028-01-01")))
        corrections.cache_clear()
        first_instant.cache_clear()
        return berlin

    yield put
    corrections.cache_clear()
    first_instant.cache_clear()


def instants(seed: str) -> list[datetime]:
    """Any from 2026 and 2027, and every half hour around the ends of months."""
    random = Random(seed)
    found = [utc("2026-01-01") + timedelta(seconds=random.randrange(86_400 * 365 * 2)) for _ in range(1000)]
    for year in range(2026, 2028):
        for month in range(1, 13):
            first = utc(f"{year}-{month:02d}-01")
            found += [first + timedelta(minutes=30 * half) for half in range(-20, 20)]
    return found


def assert_one_clock(zone: str, clock: ZoneInfo) -> None:
    """Months, dates, midnights and wall clocks of SQL are those of Python."""
    asked = instants(zone)
    days = [date(2026, 1, 1) + timedelta(days=day) for day in range(365 * 2)]
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        set_reporting_zone(connection, zone)
        set_zones(connection, [zone, "UTC"])
        connection.register("asked", pl.DataFrame({"at_utc": asked}))
        connection.register("days", pl.DataFrame({"day": days}))
        found = connection.sql(
            "SELECT at_utc, reporting_date(at_utc), reporting_month(at_utc), local_time(at_utc, zone),"
            f" instant_utc(local_time(at_utc, zone), zone) FROM asked, (SELECT '{zone}' AS zone)"
        ).fetchall()
        midnights = connection.sql("SELECT day, reporting_midnight(day) FROM days").fetchall()
    for at_utc, day, month, wall, again in found:
        known = at_utc.replace(tzinfo=UTC).astimezone(clock).replace(tzinfo=None)
        assert wall == known, at_utc
        assert again.replace(tzinfo=UTC).astimezone(clock).replace(tzinfo=None) == known, at_utc
        assert day == local_date(at_utc, zone), at_utc
        assert month == day.replace(day=1)
    for day, at_utc in midnights:
        assert at_utc == first_instant(day, zone).replace(tzinfo=None), day


def test_zone_data_are_those_of_the_locked_package() -> None:
    assert zoneinfo.TZPATH == ()


@pytest.mark.parametrize("zone", ZONES)
def test_sql_tells_the_time_that_python_tells(zone: str) -> None:
    assert_one_clock(zone, ZoneInfo(zone))


@pytest.mark.parametrize("other", AS_IF)
def test_sql_is_told_where_its_zone_data_differ(other: str, berlin_as: Clocks) -> None:
    assert corrections(BERLIN) == ()
    clock = berlin_as(other)
    assert corrections(BERLIN)
    assert_one_clock(BERLIN, clock)


@pytest.mark.parametrize(
    ("other", "wanted"),
    [
        (BERLIN, "2 zones in use, of which tzdata "),
        ("Africa/Casablanca", "for Europe/Berlin from about 2026-02-15 on; tzdata's are taken everywhere."),
    ],
)
def test_the_doctor_names_the_zones_whose_data_differ(other: str, wanted: str, berlin_as: Clocks) -> None:
    berlin_as(other)
    made = World(zone=BERLIN)
    made.person("ann", tz="UTC")
    made.pull("pr", created="2026-03-31 12:00", merged="2026-04-02 12:00")
    with made.periods("2026-06-01", metrics=[CATALOGUE["rq_waited_for_review"]]) as connection:
        connection.execute(f"CREATE TABLE ops.publication AS SELECT '{BERLIN}' AS reporting_timezone")
        found = zones_of(connection)
    assert found.text.startswith("Time zones: ")
    assert wanted in found.text
    assert found.is_fine


def test_a_case_at_a_months_end_is_in_the_month_of_its_cells_state(berlin_as: Clocks) -> None:
    """Berlin has Havana's clocks: 31 March 23:30 there is 1 April 03:30 UTC, in a zone of DuckDB's April."""
    berlin_as("America/Havana")
    made = World(zone=BERLIN)
    made.person("ann")
    made.person("bob", team="core", tz=BERLIN)
    made.pull("pr", created="2026-03-31 12:00")
    made.request("2026-04-01 03:30", "bob", pr_id="pr")
    made.review("2026-04-01 04:30", "bob", pr_id="pr")
    with made.periods("2026-06-01", metrics=[CATALOGUE["rq_response_24h"]]) as connection:
        found = rows(
            connection,
            "SELECT period, end_utc FROM trends.periods JOIN trends.period_states"
            " USING (metric_id, grain, period) WHERE subject_id = 'bob' AND grain = 'month'",
        )
    assert [row["period"] for row in found] == ["2026-03"]
    assert found[0]["end_utc"] == utc("2026-04-01 04:00")
