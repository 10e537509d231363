"""Every fault that the emulator has for PagerDuty and Jira: a run ends as without, or says what is missing.

Here: nights with a fault, by what their load, and core, hold at the end.
Not here: GitHub (``test_faults``), which answer leads to which message (the connectors' tests), kills.
"""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pipelines.nightly import Night
from tests.kinds_of_faults import OF_GRAPHQL, OF_HTTP, STAYING
from tests.pipelines.emulated import SERVERS, contents, land, night_of, small_world, turn_to_loopback
from warehouse.connection import connect

OTHERS = ["pagerduty", "jira", "jira data center"]
SEEDS = (1, 2)
PASSING = OF_HTTP | {"expire_cursors"}

WITHOUT = {
    ("pagerduty", "expire_cursors"),  # it has offsets and no cursors
    ("jira data center", "expire_cursors"),
    ("pagerduty", "expire_tokens"),  # the key of an account does not end by itself
    ("jira", "expire_tokens"),  # nor does an API token that goes with an e-mail
}
"""What a source does not have: the emulator answers as ever."""


@pytest.fixture(scope="module")
def world() -> Iterator[Any]:
    yield from small_world()


def without_faults(world: Any) -> None:
    world.faults.set([])
    for app in ("jira", "jira_dc"):
        world.apps[app].epoch = world.apps[app].auth_epoch = 0.0


@pytest.fixture(autouse=True)
def fresh(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    without_faults(world)
    world.clock.set(now=world.default_now)
    turn_to_loopback(world, monkeypatch)

    def sleeps(seconds: float) -> None:
        raise AssertionError(f"the client slept {seconds} s by itself: waiting is one budget, and is told")

    monkeypatch.setattr("pagerduty.api_client.time", SimpleNamespace(sleep=sleeps))


@pytest.fixture(scope="module")
def wanted(world: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, str]]:
    """By source, the hash of the only load and of core, without faults."""
    without_faults(world)
    found = {}
    with pytest.MonkeyPatch.context() as patch:
        turn_to_loopback(world, patch)
        for source in OTHERS:
            night = night_of(tmp_path_factory.mktemp("whole"), world, source)
            manifest = land(night, source)
            assert manifest.is_complete
            found[source] = (manifest.content_hash, contents(night))
    return found


def test_every_fault_of_the_emulator_is_tried(world: Any) -> None:
    from sigemu.core import FAULT_KINDS

    assert set(FAULT_KINDS) == PASSING | STAYING | OF_GRAPHQL


CASES = [(source, kind, seed) for source in OTHERS for kind in sorted(PASSING | STAYING) for seed in SEEDS]


@pytest.mark.parametrize("case", CASES, ids=lambda case: " ".join(map(str, case)))
def test_a_night_with_faults_ends_as_one_without_or_is_red_until_the_next(
    tmp_path: Path, world: Any, wanted: dict[str, tuple[str, str]], case: tuple[str, str, int]
) -> None:
    source, kind, seed = case
    night = night_of(tmp_path, world, source)
    rule: dict[str, Any] = {"kind": kind, "service": SERVERS[source], "delay": 0.01, "retry_after": 1}
    # What asking again mends comes now and then; what ends a run, once, later with each seed.
    once = kind in STAYING | {"expire_cursors"}
    rule |= {"nth": [2 + seed] if once else [seed, seed + 2, seed + 3, seed + 4, seed + 8]}
    world.faults.set([rule], seed=seed)
    first = land(night, source)
    assert world.faults.fired
    assert first.is_complete == (kind in PASSING or (source, kind) in WITHOUT), first.gaps
    last = first
    if not first.is_complete:
        assert all(gap.strip() for gap in first.gaps)
        without_faults(world)
        last = land(night, source)
        assert last.is_complete
    if last is not first or last.content_hash != wanted[source][0]:
        assert contents(night) == wanted[source][1]


@pytest.mark.parametrize("request_number", [3, 6])
def test_whoever_is_on_call_without_a_schedule_stays_so_over_a_night_that_broke_off(
    tmp_path: Path, world: Any, request_number: int
) -> None:
    night = night_of(tmp_path, world, "pagerduty")
    assert land(night, "pagerduty").is_complete
    contents(night)
    before = standing(night)
    world.clock.set(advance=86_400)
    world.faults.set([{"kind": "401", "service": "pagerduty", "nth": [request_number]}], seed=1)
    assert not land(night, "pagerduty").is_complete
    contents(night)
    assert standing(night) == before
    assert before


def standing(night: Night) -> list[tuple[Any, ...]]:
    with connect(night.working_path) as connection:
        return connection.execute(
            "FROM core.oncall_shifts WHERE schedule_id LIKE '%escalation_policy%' ORDER BY ALL"
        ).fetchall()
