"""Conservation: what people hold is what the schedule says, to the microsecond.

Here: rotas handed over by the local clock through clock changes, with overrides and swaps, cut by months and
teams on their way; each from the answer as PagerDuty gives it to the exposure of the metric.
Not here: which layer wins at PagerDuty (its own final entries say so).
"""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connectors.pagerduty.client import months_between
from connectors.pagerduty.parse import Parsed
from connectors.pagerduty.records import ScheduleEntry
from metrics_catalog.catalogue import load_catalogue
from tests.drawn import examples
from tests.transforms.world import World, utc
from transforms.facts import build_facts

PEOPLE = ("ann", "bob", "cid")
METRIC = load_catalogue()["oc_incidents_per_shift"]
ZONES = (
    *("Europe/Berlin", "America/New_York", "America/St_Johns", "Australia/Lord_Howe", "Australia/Adelaide"),
    *("Asia/Kolkata", "Asia/Kathmandu", "Pacific/Chatham", "Pacific/Apia", "Africa/Casablanca"),
)
"""Among them zones of 30 and 45 minutes, and those whose clocks change by half an hour or the other way."""
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


def swapped(random: Random, entries: list[Entry]) -> list[Entry]:
    """Two people change two turns of theirs, a week or more apart."""
    changed = list(entries)
    for _ in range(random.randrange(3)):
        one, other = random.randrange(len(changed)), random.randrange(len(changed))
        (a, b, first), (c, d, second) = changed[one], changed[other]
        changed[one], changed[other] = (a, b, second), (c, d, first)
    return changed


def in_place(zone: str, instant: datetime) -> str:
    """As an answer writes it in the schedule's zone, with its offset."""
    return instant.astimezone(ZoneInfo(zone)).isoformat()


def layered(name: str, zone: str, entries: list[Entry]) -> dict[str, Any]:
    """A schedule of layers as PagerDuty shows it."""
    shown = [
        {
            "start": in_place(zone, begins),
            "end": in_place(zone, ends),
            "user": {"id": who, "type": "user_reference"},
        }
        for begins, ends, who in entries
    ]
    final = {"rendered_schedule_entries": shown}
    return {"id": name, "name": name, "time_zone": zone, "final_schedule": final}


def of_shifts(name: str, zone: str, entries: list[Entry], random: Random) -> dict[str, Any]:
    """The same as a schedule of shifts, with slots that nobody fills."""
    shown: list[dict[str, Any]] = [
        {
            "start_time": in_place(zone, begins),
            "end_time": in_place(zone, ends),
            "member": {"type": "user_member", "user_id": who},
            "source": {"type": random.choice(("rotation", "shift_override"))},
        }
        for begins, ends, who in entries
    ]
    last = entries[-1][1]
    empty = {"start_time": in_place(zone, last), "end_time": in_place(zone, last + timedelta(days=1))}
    shown.append({**empty, "member": {"type": "empty_member"}})
    random.shuffle(shown)
    final = {"computed_shift_assignments": shown}
    return {"id": name, "name": name, "type": "schedule_v3", "time_zone": zone, "final_schedule": final}


def world_of(rotas: dict[str, list[Entry]], zone: str, random: Random) -> World:
    """The rotas as PagerDuty shows them, of both kinds, parsed, put into core as its SELECT does."""
    parsed = Parsed(scope="schedules", served_at_utc=datetime(2026, 5, 1, tzinfo=UTC))
    every = [entry for entries in rotas.values() for entry in entries]
    months = list(months_between(min(entry[0] for entry in every), max(entry[1] for entry in every)))
    for number, (name, entries) in enumerate(rotas.items()):
        if number % 2:
            parsed.schedule_of_shifts(of_shifts(name, zone, entries, random), months)
        else:
            parsed.schedule(layered(name, zone, entries), months)
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


def microseconds_held(entries: list[Entry], until: datetime) -> dict[str, int]:
    """How long each person holds any of these, each instant once."""
    held: dict[str, int] = {}
    for who in PEOPLE:
        free_from = datetime(2000, 1, 1)  # noqa: DTZ001  # naive UTC, as stored
        for begins, ends in sorted(
            (a.replace(tzinfo=None), min(b.replace(tzinfo=None), until))
            for a, b, one in entries
            if one == who
        ):
            lasts = ends - max(begins, free_from)
            if lasts > timedelta():
                held[who] = held.get(who, 0) + lasts // timedelta(microseconds=1)
                free_from = ends
    return held


@examples(24)
@given(seed=st.integers(0, 2**32), zone=st.sampled_from(ZONES))
@example(seed=11053, zone="Europe/Berlin")
def test_people_hold_what_the_schedule_says(seed: int, zone: str) -> None:
    """One schedule: what people hold is as long as it is. Several at once: each instant counts once."""
    random = Random(seed)
    rotas = {
        f"S{number}": swapped(random, rota(random, zone)) for number in range(random.choice((1, 1, 2, 3)))
    }
    as_of = utc(random.choice(("2026-05-01", "2026-03-29 00:30")))
    with world_of(rotas, zone, random).core(as_of.isoformat()) as connection:
        build_facts(connection, [METRIC], as_of_utc=as_of)
        held = connection.execute(
            "SELECT person_id, sum(epoch_us(end_at_utc) - epoch_us(start_at_utc))::BIGINT "
            "FROM core.oncall_time GROUP BY person_id"
        ).fetchall()
        shifts = connection.execute(
            "SELECT schedule_id, sum(epoch_us(least(end_at_utc, $as_of)) - epoch_us(start_at_utc))::BIGINT "
            "FROM core.oncall_shifts WHERE start_at_utc < $as_of GROUP BY schedule_id",
            {"as_of": as_of},
        ).fetchall()
        exposures = connection.execute(
            "SELECT subject_kind, round(sum(exposure) * 12 * 60, 6) FROM facts.oc_incidents_per_shift "
            "WHERE outcome = 'on_call' GROUP BY subject_kind ORDER BY subject_kind"
        ).fetchall()
    every = [entry for entries in rotas.values() for entry in entries]
    wanted = microseconds_held(every, as_of)
    assert dict(held) == wanted
    lengths = {
        f"pagerduty:schedule/{name}": sum(
            max(min(ends.replace(tzinfo=None), as_of) - begins.replace(tzinfo=None), timedelta())
            // timedelta(microseconds=1)
            for begins, ends, _ in entries
        )
        for name, entries in rotas.items()
    }
    assert dict(shifts) == lengths
    if len(rotas) == 1:
        assert sum(wanted.values()) == sum(lengths.values())
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


def test_two_rotas_alike_are_held_once_and_join_nothing() -> None:
    """A hundred nights in two rotas of the same hours, in whatever order: a hundred nights of 12 hours."""
    world = World(zone="UTC")
    world.person("ann", team="red")
    nights = [utc("2026-01-01 20:00") + timedelta(days=number) for number in range(100)]
    turns = [(night, schedule) for night in nights for schedule in ("first", "second")]
    Random(7).shuffle(turns)
    for night, schedule in turns:
        world.add(
            "oncall_shifts",
            person_id="ann",
            schedule_id=schedule,
            start_at_utc=night,
            end_at_utc=night + timedelta(hours=12),
        )
    with world.core() as connection:
        held = connection.execute(
            "SELECT start_at_utc, (epoch(end_at_utc) - epoch(start_at_utc)) / 3600 FROM core.oncall_time "
            "WHERE hour(start_at_utc) = 20 ORDER BY start_at_utc"
        ).fetchall()
        total = connection.execute(
            "SELECT sum(epoch(end_at_utc) - epoch(start_at_utc)) / 3600 FROM core.oncall_time"
        ).fetchall()
    # The last night of a month is cut at its midnight.
    months = {utc("2026-01-31 20:00"), utc("2026-02-28 20:00"), utc("2026-03-31 20:00")}
    assert held == [(night, 4.0 if night in months else 12.0) for night in nights]
    assert total == [(1200.0,)]


def test_one_incident_told_by_three_channels_at_once_interrupts_once() -> None:
    """And is no part of the interruption before it."""
    world = World(zone="UTC")
    world.person("ann", team="red")
    world.add(
        "oncall_shifts",
        person_id="ann",
        schedule_id="S",
        start_at_utc=utc("2026-03-02"),
        end_at_utc=utc("2026-03-09"),
    )
    told = [(number, channel) for number in range(200) for channel in ("push", "phone", "sms")]
    Random(7).shuffle(told)
    for number, channel in told:
        world.add(
            "incident_log",
            entry_id=f"{number}-{channel}",
            incident_id=f"i{number:03}",
            type="notify",
            occurred_at_utc=utc("2026-03-02 10:00") + timedelta(minutes=5 * number),
            user_id="ann",
            channel=channel,
        )
    with world.core() as connection:
        assert connection.execute(
            "SELECT incident_id, incident_ids FROM core.interruptions ORDER BY started_at_utc"
        ).fetchall() == [(f"i{number:03}", [f"i{number:03}"]) for number in range(200)]


def test_nights_and_hours_are_those_of_the_place_at_the_time() -> None:
    """Ann is in Berlin until 11 March and in Kolkata from then on."""
    world = World(zone="Europe/Berlin")
    world.person("ann", team="red", tz="Europe/Berlin", after="2026-03-11")
    world.stretch("ann", team="red", tz="Asia/Kolkata", first="2026-03-11")
    for begins, ends in (("2026-03-04 00:00", "2026-03-05 00:00"), ("2026-03-16 00:00", "2026-03-17 00:00")):
        world.add(
            "oncall_shifts", person_id="ann", schedule_id="S", start_at_utc=utc(begins), end_at_utc=utc(ends)
        )
    for number, at in enumerate(
        ("2026-03-04 03:00", "2026-03-04 17:30", "2026-03-16 03:00", "2026-03-16 17:30")
    ):
        world.add(
            "incident_log",
            entry_id=str(number),
            incident_id=f"i{number}",
            type="notify",
            occurred_at_utc=utc(at),
            user_id="ann",
            channel="phone",
        )
    metric = load_catalogue()["oc_sleep_nights"]
    with world.core("2026-04-01") as connection:
        bands = connection.execute("SELECT band FROM core.interruptions ORDER BY started_at_utc").fetchall()
        build_facts(connection, [metric], as_of_utc=utc("2026-04-01"))
        nights = connection.execute(
            "SELECT anchor_at_utc, outcome FROM facts.oc_sleep_nights "
            "WHERE subject_kind = 'person' ORDER BY anchor_at_utc"
        ).fetchall()
    # 04:00 and 18:30 of a Wednesday in Berlin; 08:30 and 23:00 of a Monday in Kolkata.
    assert [band for (band,) in bands] == ["sleep", "off", "business", "sleep"]
    assert nights == [
        (utc("2026-03-03 21:00"), "disturbed"),
        (utc("2026-03-04 21:00"), "quiet"),
        (utc("2026-03-15 16:30"), "quiet"),
        (utc("2026-03-16 16:30"), "disturbed"),
    ]
