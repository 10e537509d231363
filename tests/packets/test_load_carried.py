"""On-call from what happened to the page: the quarter's sentence, and load that falls or rises without merit.

Here: made shifts and incidents through core, cases, cells and changes, to a packet and the trend page.
Not here: the sentence's own corners (``test_on_call``), every wording of a change (``test_load``).
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import duckdb
import pytest

from packets.packet import Packet, build_packet
from packets.trend_page import trend_html
from packets.write import packet_html
from tests.packets.organisation import TABLES
from tests.packets.test_load import MERIT
from tests.packets.test_packet import text_of
from tests.transforms.world import CATALOGUE, World, aware, utc
from transforms.changes.build import build_changes
from transforms.ledger import build_catalog
from transforms.queries import create

AS_OF = "2026-07-20 04:00"
PEOPLE = ("ana", "ben", "cid", "dee", "eva", "fay")
METRICS = [metric for name, metric in CATALOGUE.items() if name.startswith("oc_")]


def page(world: World, who: str, at: datetime, *, answered_after: float | None) -> None:
    """Somebody is paged by phone and answers after so many minutes, or it times out after ten."""
    name = f"{who}-{at:%Y%m%d%H%M}"
    world.add(
        "incidents",
        incident_id=name,
        ref=name,
        service_id="pay",
        urgency="high",
        is_major=False,
        created_at_utc=at,
        resolved_at_utc=at + timedelta(minutes=45),
    )
    later = at + timedelta(minutes=10 if answered_after is None else answered_after)
    entries = [
        (at, {"type": "assign", "to_user_id": who, "via": "integration"}),
        (at + timedelta(seconds=5), {"type": "notify", "user_id": who, "channel": "phone"}),
        (later, {"type": "acknowledge", "user_id": who})
        if answered_after is not None
        else (later, {"type": "escalate", "to_user_id": "lead", "via": "timeout"}),
        (at + timedelta(minutes=45), {"type": "resolve", "user_id": "lead", "via": "manual"}),
    ]
    for number, (when, entry) in enumerate(entries):
        world.add(
            "incident_log", entry_id=f"{name}/{number}", incident_id=name, occurred_at_utc=when, **entry
        )


def team(*, zone: str = "Europe/Berlin") -> World:
    world = World(zone="Europe/Berlin")
    world.service("pay", "red")
    for who in (*PEOPLE, "lead"):
        world.person(who, team="red", tz=zone)
    return world


def on_call(world: World, who: str, begins: str | datetime, *, days: int) -> None:
    start = utc(begins) if isinstance(begins, str) else begins
    world.add(
        "oncall_shifts",
        person_id=who,
        schedule_id="rota",
        start_at_utc=start,
        end_at_utc=start + timedelta(days=days),
    )


@contextmanager
def published(world: World) -> Iterator[duckdb.DuckDBPyConnection]:
    with world.periods(AS_OF, metrics=METRICS) as connection:
        build_catalog(connection, {metric.id: metric for metric in METRICS})
        for name in TABLES:
            schema, table = name.split(".")
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
            there = connection.execute(
                "SELECT count(*) FROM information_schema.tables WHERE table_schema = ? AND table_name = ?",
                [schema, table],
            ).fetchall()
            if there == [(0,)]:
                create(connection, name)
        connection.execute(
            "INSERT INTO ops.publication (as_of_utc, reporting_timezone, organization, code_version, "
            "configuration_hash, definitions_hash, persons, persons_from) "
            "VALUES (?, 'Europe/Berlin', 'Acme', 't', 'c', 'd', true, DATE '0001-01-01')",
            [utc(AS_OF)],
        )
        build_changes(connection, METRICS, as_of_utc=aware(AS_OF), reporting_timezone="Europe/Berlin")
        yield connection


def packet_of(world: World) -> Packet:
    with published(world) as connection:
        return build_packet(connection, person_id="ana", quarter="2026-Q2")


def test_the_quarter_of_the_example_is_told_as_in_the_example() -> None:
    """Fifteen nights, five pages; in the night of 13 May three are answered, and the fourth is not."""
    world = team()
    on_call(world, "ana", "2026-05-04 06:00", days=15)
    on_call(world, "ben", "2026-05-19 06:00", days=15)
    for at, after in (
        ("2026-05-13 20:30", 2.0),
        ("2026-05-13 23:00", 4.0),
        ("2026-05-14 00:10", 5.0),
        ("2026-05-14 01:02", None),
        ("2026-05-18 10:00", 1.0),
    ):
        page(world, "ana", utc(at), answered_after=after)
    page(world, "ben", utc("2026-05-20 01:00"), answered_after=None)
    packet = packet_of(world)
    (told,) = (text for text in packet.outside if text.startswith("Load carried"))
    assert told == (
        "Load carried, not merit: 15 nights on call, 5 pages, 4 answered within target, "
        "one escalated at 03:12 on 14 May 2026 after three pages that night."
    )
    assert told in " ".join(text_of(packet_html(packet)).split())


def rota(world: World, busy: tuple[int, int]) -> None:
    """A week each in turn over 15 months; pages a week before and from April on, one of three at night."""
    start = utc("2025-04-07 07:00")
    for week in range(66):
        who, begins = PEOPLE[week % len(PEOPLE)], start + timedelta(days=7 * week)
        on_call(world, who, begins, days=7)
        for number in range(busy[begins >= utc("2026-03-30")]):
            at = begins + timedelta(hours=3 + 11 * number if number % 3 else 18 + 11 * number)
            page(world, who, at, answered_after=2.0)


@pytest.mark.parametrize("busy", [(9, 1), (1, 9)], ids=["less", "more"])
def test_load_that_fell_or_rose_is_said_without_a_word_of_merit(busy: tuple[int, int]) -> None:
    world = team()
    rota(world, busy)
    with published(world) as connection:
        packet = build_packet(connection, person_id="ana", quarter="2026-Q2")
        page_text = " ".join(text_of(trend_html(connection)).split())
        outcomes = connection.execute(
            "SELECT DISTINCT changes.outcome FROM trends.changes AS changes JOIN catalog.metrics AS metrics "
            "USING (metric_id) WHERE metrics.direction = 'load'"
        ).fetchall()
    carried = [figure for figure in packet.figures if figure.metric_id in LOADS]
    assert {figure.metric_id for figure in carried} == LOADS
    assert {figure.heading for figure in carried} == {"Load carried, not merit"}
    said = [sentence for figure in carried for sentence in figure.sentences]
    said += [text for text in packet.outside if "oad carried" in text]
    assert not {outcome for (outcome,) in outcomes} & {"improving", "worsening"}
    assert ("falling" if busy[0] > busy[1] else "rising",) in outcomes
    assert not [sentence for sentence in said if MERIT.search(sentence)]
    load = re.compile(
        r"interrupting incidents|nights disturbed|on-call nights|hours engaged|off hours", re.IGNORECASE
    )
    whole = f"{' '.join(text_of(packet_html(packet)).split())} {page_text}"
    sentences = re.split(r"(?<=[.!?]) ", whole)
    about = [sentence for sentence in sentences if load.search(sentence) and len(sentence) < 400]
    assert len(about) > 6
    assert not [sentence for sentence in about if MERIT.search(sentence.replace("not merit", ""))]
    chosen = {point.evidence_id for point in packet.points if point.kind == "thanks"}
    thanked = [case for case in packet.cases if case.evidence_id in chosen]
    assert not [case for case in thanked if {reading.metric_id for reading in case.readings} <= LOADS]


LOADS = {"oc_incidents_per_shift", "oc_sleep_nights", "oc_response_effort"}
