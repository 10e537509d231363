"""Conservation: what people hold is what the schedule says, to the microsecond.

Here: rotas handed over by the local clock through clock changes, with overrides and swaps, cut by months and
teams on their way; each from the answer as PagerDuty gives it to the exposure of the metric.
Not here: which layer wins at PagerDuty (its own final entries say so).
"""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.pagerduty.client import months_between
from connectors.pagerduty.parse import Parsed
from connectors.pagerduty.records import ScheduleEntry
from metrics_catalog.catalogue import load_catalogue
from tests.transforms.world import World, utc
from transforms.facts import build_facts

PEOPLE = ("ann", "bob", "cid")
METRIC = load_catalogue()["oc_incidents_per_shift"]
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata")
Entry = tuple[datetime, datetime, str]


def rota(random: Random, zone: str) -> list[Entry]:
    """Final entries from the end of January to the end of April: in turn, with overrides over them.

    Handed over at a local hour, so that a turn over a clock change is shorter or longer.
    """
    day, turn = datetime(2026, 1, 25, random.randrange(24), tzinfo=ZoneInfo(zone)), random.choice((1, 7))
    cuts = [(day + timedelta(days=turn * number)).astimezone(UTC) for number in range(95 // turn)]
    entries = [(begins, ends, PEOPLE[number % 3]) for number, (begins, ends) in enumerate(pairwise(cuts))]
    for _ in range(random.randrange(8)):
        begins = cuts[0] + timedelta(minutes=random.randrange(90 * 24 * 60))
        over = (begins, begins + timedelta(minutes=random.randrange(1, 4000)), random.choice(PEOPLE))
        entries = [piece for entry in entries for piece in _without(entry, over)]
        entries.append((over[0], min(over[1], cuts[-1]), over[2]))
    return sorted(entry for entry in entries if entry[0] < entry[1])


def _without(entry: Entry, over: Entry) -> list[Entry]:
    begins, ends, who = entry
    if over[1] <= begins or over[0] >= ends:
        return [entry]
    return [(begins, min(ends, over[0]), who), (max(begins, over[1]), ends, who)]


def world_of(entries: list[Entry], zone: str) -> World:
    """The entries as PagerDuty shows them, parsed, put into core as its SELECT does."""
    shown = [
        {"start": begins.isoformat(), "end": ends.isoformat(), "user": {"id": who, "type": "user_reference"}}
        for begins, ends, who in entries
    ]
    schedule = {
        "id": "S",
        "name": "rota",
        "time_zone": zone,
        "final_schedule": {"rendered_schedule_entries": shown},
    }
    parsed = Parsed(scope="schedules", served_at_utc=datetime(2026, 5, 1, tzinfo=UTC))
    months = list(months_between(entries[0][0], entries[-1][1]))
    parsed.schedule(schedule, months)
    starts = {month: start for month, start, _ in months}
    world = World(zone="Europe/Berlin")
    for who in PEOPLE:
        world.person(who, team="red", tz=zone, after="2026-03-11" if who == "ann" else None)
    world.stretch("ann", team="blue", tz="Asia/Kolkata", first="2026-03-11")
    for record in parsed.records.values():
        if isinstance(record, ScheduleEntry):
            month = record.schedule_month_id.rsplit("/", 1)[1]
            start = starts[datetime.fromisoformat(f"{month}-01").date()].replace(tzinfo=None)
            begins = start + timedelta(microseconds=record.starts_after_us)
            world.add(
                "oncall_shifts",
                person_id=record.holder_account_id.rsplit("/", 1)[1],
                schedule_id=record.schedule_id,
                start_at_utc=begins,
                end_at_utc=begins + timedelta(microseconds=record.lasts_us),
            )
    return world


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**32), zone=st.sampled_from(ZONES))
def test_people_hold_what_the_schedule_says(seed: int, zone: str) -> None:
    random = Random(seed)
    entries = rota(random, zone)
    as_of = utc(random.choice(("2026-05-01", "2026-03-29 00:30")))
    with world_of(entries, zone).core(as_of.isoformat()) as connection:
        build_facts(connection, [METRIC], as_of_utc=as_of)
        held = connection.execute(
            "SELECT person_id, sum(epoch_us(end_at_utc) - epoch_us(start_at_utc))::BIGINT "
            "FROM core.oncall_time GROUP BY person_id"
        ).fetchall()
        exposures = connection.execute(
            "SELECT subject_kind, round(sum(exposure) * 12 * 60, 6) FROM facts.oc_incidents_per_shift "
            "WHERE outcome = 'on_call' GROUP BY subject_kind ORDER BY subject_kind"
        ).fetchall()
    wanted: dict[str, int] = {}
    for begins, ends, who in entries:
        lasts = min(ends.replace(tzinfo=None), as_of) - begins.replace(tzinfo=None)
        if lasts > timedelta():
            wanted[who] = wanted.get(who, 0) + lasts // timedelta(microseconds=1)
    assert dict(held) == wanted
    minutes = sum(wanted.values()) / 60_000_000
    assert exposures == [("person", pytest.approx(minutes)), ("team", pytest.approx(minutes))]


def test_time_held_twice_counts_once_and_a_gap_is_nobodys() -> None:
    """The night the clock goes forward: Saturday 20:00 to Sunday 8:00 in Berlin are 11 hours."""
    world = World(zone="Europe/Berlin")
    world.person("ann", team="red", tz="Europe/Berlin")
    for schedule, begins, ends in (
        ("first", "2026-03-28 19:00", "2026-03-29 06:00"),
        ("second", "2026-03-28 19:00", "2026-03-29 01:00"),
        ("second", "2026-03-29 07:00", "2026-03-29 08:00"),
    ):
        world.add(
            "oncall_shifts",
            person_id="ann",
            schedule_id=schedule,
            start_at_utc=utc(begins),
            end_at_utc=utc(ends),
        )
    with world.core() as connection:
        assert connection.execute(
            "SELECT start_at_utc, (epoch(end_at_utc) - epoch(start_at_utc)) / 3600 "
            "FROM core.oncall_time ORDER BY start_at_utc"
        ).fetchall() == [(utc("2026-03-28 19:00"), 11.0), (utc("2026-03-29 07:00"), 1.0)]
