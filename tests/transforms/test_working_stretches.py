"""Every instant has one stretch on every clock, and the working time by it is that of the days before."""

from datetime import datetime, timedelta

import duckdb

from tests.transforms.world import World, utc

MICROSECOND = timedelta(microseconds=1)
AS_OF = "2026-03-31 12:00"
_TOLD = """
SELECT
    clocks.person_id,
    asked.instant,
    count(stretches.person_id) AS n_stretches,
    any_value(worked_us(stretches, asked.instant)) AS worked_us,
    (
        SELECT coalesce(sum(epoch_us(least(days.end_utc, asked.instant)) - epoch_us(days.start_utc)), 0)
        FROM core.working_clock AS days
        WHERE days.person_id = clocks.person_id AND days.start_utc < asked.instant
    ) AS of_days_us,
    asked.instant < clocks.first_utc AS is_before
FROM (
    SELECT person_id, clock_week(min(start_utc)) AS first_utc FROM core.working_clock GROUP BY person_id
) AS clocks
CROSS JOIN asked
LEFT JOIN core.working_stretches AS stretches ON tells(stretches, clocks.person_id, asked.instant)
GROUP BY ALL
"""


def world_of_clocks() -> World:
    """Weeks from Monday and from Sunday, odd days, a move to another zone, weeks away, and who left."""
    world = World(zone="Europe/Berlin")
    world.person("ann", tz="Europe/Berlin")
    world.person("ben", tz="Australia/Lord_Howe", working_days=[7, 1, 2, 3, 4])
    world.person("cyd", tz="America/St_Johns", working_days=[1, 3, 5, 6])
    world.person("dee", tz="Asia/Kolkata", after="2026-02-11")
    world.stretch("dee", tz="America/Los_Angeles", first="2026-02-11")
    world.person("eve", tz="Pacific/Kiritimati", after="2026-01-20")
    world.away("ben", *(f"2026-02-{day:02d}" for day in range(1, 25)))
    world.away("ann", *(f"2026-03-{day:02d}" for day in range(9, 32)))
    world.away("*", "2026-01-06", "2026-03-04", kind="holiday")
    world.pull(created="2026-01-05 09:00")
    return world


def instants(connection: duckdb.DuckDBPyConnection) -> list[datetime]:
    """Every bound of a stretch or week, one microsecond either side, and every seventh hour in between."""
    columns = "week_utc, from_utc, until_utc, start_utc, end_utc"
    found = connection.execute(f"SELECT DISTINCT unnest([{columns}]) FROM core.working_stretches").fetchall()
    asked = {bound + step for (bound,) in found for step in (-MICROSECOND, timedelta(0), MICROSECOND)}
    first = utc("2025-12-20")
    asked |= {first + timedelta(hours=7 * number) for number in range(400)}
    return sorted(instant for instant in asked if instant <= utc(AS_OF))


def test_every_instant_has_one_stretch_and_the_working_time_of_the_days_before() -> None:
    with world_of_clocks().core(AS_OF) as connection:
        connection.execute("CREATE TABLE asked (instant TIMESTAMP)")
        connection.executemany("INSERT INTO asked VALUES ($1)", [[each] for each in instants(connection)])
        found = connection.execute(_TOLD).fetchall()
    assert {person_id for person_id, *_ in found} == {"*", "ann", "ben", "cyd", "dee", "eve"}
    assert len(found) > 6 * 400
    for person_id, instant, n_stretches, worked_us, of_days_us, is_before in found:
        what = f"{person_id} at {instant}"
        assert n_stretches == (0 if is_before else 1), what
        assert worked_us == of_days_us, what
