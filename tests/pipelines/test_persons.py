"""Figures about persons switched off and on again: what begins when, and what is left of before.

Here: the journal of the switch, nights with it on a made-up organisation, the commands in between.
Not here: that team cells stay as they are (``test_job``).
"""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from packets.errors import PacketError
from packets.packet import build_packet
from pipelines import commands, nightly
from pipelines.commands import PacketRequest
from pipelines.job import run_nightly
from pipelines.nightly import Night
from pipelines.persons import ALWAYS, persons_from, switched
from tests.pipelines.test_job import staffed, staffed_again
from tests.transforms.world import CATALOGUE, World, rows, utc
from transforms.facts import build_facts, forget_persons
from transforms.periods.build import build_periods
from transforms.queries import create
from warehouse.connection import connect_reading

OFF: dict[str, Any] = {"persons": False, "known_at_utc": "2026-02-10T02:00:00+00:00"}


def on(known_at: str) -> dict[str, Any]:
    return {"persons": True, "known_at_utc": known_at}


@pytest.mark.parametrize(
    ("entries", "persons", "wanted"),
    [
        ([], True, ALWAYS),
        ([], False, None),
        ([OFF], False, None),
        ([OFF], True, None),  # switched on in the file; no night has seen it yet
        ([OFF, on("2026-02-11T02:00:00+00:00")], True, date(2026, 4, 1)),
        ([OFF, on("2026-03-31T21:59:59+00:00")], True, date(2026, 4, 1)),
        ([OFF, on("2026-03-31T22:00:00+00:00")], True, date(2026, 7, 1)),  # 1 April in Berlin
        ([OFF, on("2026-12-31T22:59:59+00:00")], True, date(2027, 1, 1)),
        ([OFF, on("2026-02-11T02:00:00+00:00"), OFF], False, None),
        ([OFF, on("2026-02-11T02:00:00+00:00")], False, None),
    ],
)
def test_figures_begin_with_the_quarter_after_the_switch(
    entries: list[dict[str, Any]], persons: bool, wanted: date | None
) -> None:
    assert persons_from(entries, "Europe/Berlin", persons=persons) == wanted


def test_a_night_writes_down_a_change_and_nothing_else() -> None:
    at = datetime(2026, 2, 10, 2, tzinfo=UTC)
    assert switched([], at, persons=True) == []
    assert switched([], at, persons=False) == [OFF]
    assert switched([OFF], at, persons=False) == []
    assert switched([OFF], at, persons=True) == [on("2026-02-10T02:00:00+00:00")]


def test_nobody_is_described_in_a_month_before_persons_were_switched_on_again() -> None:
    """Five people answer in March and in April; their figures begin with the second quarter."""
    made = World()
    made.person("ann")
    for number in range(5):
        made.person(f"p{number}", team="red")
        for month in ("03", "04"):
            pr_id = f"pr{month}{number}"
            made.pull(pr_id, created=f"2026-{month}-02 09:00", merged=f"2026-{month}-20 09:00")
            made.request(f"2026-{month}-02 10:00", f"p{number}", pr_id=pr_id)
            made.review(f"2026-{month}-02 11:00", f"p{number}", pr_id=pr_id)
    metric, since = CATALOGUE["rq_response_24h"], date(2026, 4, 1)
    as_of = datetime(2026, 6, 1, tzinfo=UTC)
    with made.core("2026-06-01") as connection:
        connection.execute("CREATE SCHEMA ops")
        create(connection, "ops.completeness")
        build_facts(connection, [metric], as_of_utc=utc("2026-06-01"), persons_from=since)
        build_periods(connection, [metric], as_of_utc=as_of, reporting_timezone="UTC")
        forget_persons(connection, [metric], since)
        cells = rows(connection, "FROM trends.periods WHERE grain = 'month' ORDER BY ALL")
        cases = rows(
            connection, "FROM facts.rq_response_24h WHERE subject_kind = 'team' ORDER BY month_start"
        )
        months = rows(connection, "SELECT DISTINCT period FROM trends.person_periods ORDER BY period")
    assert {row["period"] for row in cells if row["subject_kind"] == "person"} == {"2026-04"}
    assert [row["period"] for row in cells if row["subject_kind"] == "team"] == ["2026-03", "2026-04"]
    assert [row["value"] for row in cells if row["subject_kind"] == "team"] == [1.0, 1.0]
    assert [row["contributor_id"] for row in cases[:5]] == [None] * 5
    assert sorted(row["contributor_id"] for row in cases[5:]) == [f"p{number}" for number in range(5)]
    assert [row["period"] for row in months] == ["2026-04", "2026-05", "2026-06", "2026-Q2"]


def turn(folder: Path, *, persons: bool) -> Night:
    """The next night, with persons off or on."""
    config = folder / "evenhand.toml"
    written = config.read_text().partition("\n[packets]\n")[0]
    config.write_text(f"{written}\n[packets]\npersons = {str(persons).lower()}\n")
    return staffed_again(folder)


def all_packets(folder: Path) -> None:
    """``evenhand packet --all``."""
    asked = PacketRequest(
        person=None,
        quarter=None,
        manager=None,
        team=None,
        everybody=True,
        formats="html",
        as_of=None,
        out=None,
    )
    commands.packet(asked, config=folder / "evenhand.toml")


def test_off_leaves_nothing_of_before_and_on_begins_anew(tmp_path: Path) -> None:
    staffed(tmp_path)
    run_nightly(turn(tmp_path, persons=True))
    night = staffed_again(tmp_path)
    all_packets(tmp_path)
    assert list((night.settings.storage_path / "packets").rglob("packet.html"))

    said: list[str] = []
    night = turn(tmp_path, persons=False)
    with pytest.raises(PacketError, match="persons are switched off"):
        all_packets(tmp_path)
    night.say = said.append
    run_nightly(night)
    assert "persons are off: packets of before were removed" in said
    assert not (night.settings.storage_path / "packets").exists()
    assert len(list((night.published_folder / "snapshots").iterdir())) == 1

    night = turn(tmp_path, persons=True)
    run_nightly(night)
    with connect_reading(night.published_folder / "evenhand.duckdb") as connection:
        assert rows(connection, "FROM trends.periods WHERE subject_kind = 'person'") == []
        assert rows(connection, "FROM facts.rq_response_24h WHERE subject_kind = 'person'") == []
        ((person,),) = connection.execute(
            "SELECT min(person_id) FROM core.people WHERE is_rostered"
        ).fetchall()
        with pytest.raises(PacketError, match="switched on later: their figures begin on 2026-10-01"):
            build_packet(connection, person_id=person, quarter="2026-Q2")
    assert nightly.is_built(night)
