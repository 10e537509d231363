"""A year played run after run holds at its end what one full read holds then.

Here: a small organisation on the emulator, runs some days apart, loads put together on the way.
Not here: every one of 365 nights (``benchmarks/year_of_nights.py``), a month night by night
(``test_incremental``).
"""

from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest

from pipelines import nightly
from pipelines.nightly import Night
from tests.pipelines.emulated import land, night_of, turn_to_loopback
from tests.shared_material import emulated_world
from warehouse import packs
from warehouse.connection import connect

DAY = 86_400
APART = (1, 7, 2, 11, 1, 5, 14)
"""Days between two runs, over and over."""

COMPARED = {
    "github": (
        *("repositories", "accounts", "pull_requests", "pr_events", "reviews", "thread_comments"),
        *("review_threads", "reactions", "deployments"),
    ),
    "pagerduty": ("incidents", "incident_log", "oncall_shifts", "incident_references", "pages"),
}
Tables = dict[str, list[tuple[Any, ...]]]


@pytest.fixture(scope="module")
def world() -> Iterator[Any]:
    running = emulated_world(seed=8, gen={"months": 12, "people": 4, "prs_per_month": 6})
    yield running
    running.stop()


def tables(night: Night, source: str) -> Tables:
    nightly.land(night, "organization")
    nightly.build_core(night)
    with connect(night.working_path) as connection:
        return {
            name: connection.execute(f"FROM core.{name} ORDER BY ALL").fetchall() for name in COMPARED[source]
        }


def first_day(world: Any, source: str) -> float:
    """A year before the end; for PagerDuty the day after its first incident, from which on rotas are read."""
    if source == "github":
        return float(world.default_now - 365 * DAY)
    return float(min(incident.created for incident in world.apps["pagerduty"].incs.values()) + DAY)


def without_forgotten(found: Tables, whole: Tables) -> tuple[Tables, set[str]]:
    """What was found without the accounts that are no longer there, and which these are.

    Nobody can ask for an account that was deleted since; what it did before is kept (decision 13).
    """
    forgotten = {row[0] for row in found.get("accounts", ())} - {row[0] for row in whole.get("accounts", ())}
    left = {
        name: [
            tuple(None if isinstance(value, str) and value in forgotten else value for value in row)
            for row in rows
            if name != "accounts" or row[0] not in forgotten
        ]
        for name, rows in found.items()
    }
    return left, forgotten


@pytest.mark.parametrize("source", sorted(COMPARED))
def test_a_year_run_after_run_equals_one_full_read_at_its_end(
    tmp_path: Path, world: Any, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    monkeypatch.setattr(packs, "AT_LEAST", 16)
    turn_to_loopback(world, monkeypatch)
    played, at_once = night_of(tmp_path / "played", world, source), night_of(tmp_path / "once", world, source)
    last = world.default_now
    now, apart, runs = first_day(world, source), cycle(APART), 0
    while now <= last:
        world.clock.set(now=now)
        assert land(played, source).is_complete
        runs += 1
        nightly.compact(played)
        now += next(apart) * DAY
    world.clock.set(now=last)
    land(played, source)
    land(at_once, source)
    assert runs > 55
    assert len(played.landing.packs()) > 2
    whole = tables(at_once, source)
    assert all(whole.values())
    found, forgotten = without_forgotten(tables(played, source), whole)
    assert len(forgotten) == (source == "github")
    for name in COMPARED[source]:
        assert found[name] == whole[name], name
