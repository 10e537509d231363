"""What a run will take is foreseen to a tenth where it is no ordinary night, over the emulator.

Here: runs that go on with a killed one, that begin at a day, that come after a long absence, that meet a
limit, that read one source of several.
Not here: ordinary full reads and nights, single rules (``test_outlook``).
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipelines import nightly
from pipelines.nightly import Night
from tests.pipelines.emulated import land, night_of, sections, turn_to_loopback
from tests.pipelines.far_away import Clock, count_limits_by, put_far_away
from tests.pipelines.test_killed_others import land_killed
from tests.shared_material import emulated_world
from warehouse.landing import Manifest, Reading

DAY = 86_400
STREAMS = {"github": "pull_requests", "pagerduty": "incidents", "jira": "tickets"}
SOURCES = ["github", "pagerduty", "jira"]


@pytest.fixture(scope="module")
def world() -> Iterator[Any]:
    running = emulated_world(seed=8, gen={"months": 4, "people": 12, "prs_per_month": 120})
    yield running
    running.stop()


@pytest.fixture(autouse=True)
def fresh(world: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    world.clock.set(now=world.default_now - 50 * DAY)
    turn_to_loopback(world, monkeypatch)
    yield
    for app in ("github", "pagerduty", "jira"):
        windows(world, app).reset()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return put_far_away(monkeypatch)


def windows(world: Any, source: str) -> Any:
    app = world.apps[source]
    return app.gql if source == "github" else app.win


def told(manifest: Manifest) -> Reading:
    assert manifest.reading is not None
    assert manifest.reading.foreseen_requests is not None
    return manifest.reading


def assert_foreseen(manifest: Manifest, *, requests: int = 1) -> None:
    """To a tenth; or to so many requests, and their time."""
    reading = told(manifest)
    assert abs((reading.foreseen_requests or 0) - manifest.requests) <= max(requests, 0.1 * manifest.requests)
    if reading.seconds is not None:
        off = abs((reading.foreseen_seconds or 0.0) - reading.seconds)
        assert off <= max(0.1 * reading.seconds, 3.0 * requests), reading


@pytest.mark.parametrize("source", SOURCES)
def test_of_a_run_that_goes_on_with_a_killed_one_the_rest_is_foreseen(
    world: Any, tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    whole = land(night_of(tmp_path / "whole", world, source), source)
    night = night_of(tmp_path / "night", world, source)
    after = whole.requests * 2 // 3
    land_killed(night, source, monkeypatch, after=after)
    said: list[str] = []
    night.say = said.append
    asked, begun = 0, clock.now
    before = int(world.stats.total[source])
    manifest = land(night, source)
    asked, seconds = int(world.stats.total[source]) - before, clock.now - begun
    assert asked == whole.requests - after + 1
    ahead, behind = (next(line for line in said if word in line) for word in ("takes about", " rows in "))
    assert f"{after - 1} answers are there from before; reading it takes about " in ahead
    foreseen = int(ahead.partition("takes about ")[2].partition(" ")[0])
    assert abs(foreseen - asked) <= max(1, 0.1 * asked)
    assert f"{asked} requests in " in behind
    took, foreseen_seconds = (int(n) for n in re.findall(r"([0-9]+) s\b", behind))
    assert abs(foreseen_seconds - took) <= max(3, 0.1 * took)
    assert manifest.requests == whole.requests  # the load's, of both runs
    assert told(manifest).seconds is None
    assert sum(n for n, _, _, _ in told(manifest).kinds.values()) == asked
    assert seconds < 0.7 * (told(whole).seconds or 0.0)


@pytest.mark.parametrize("source", SOURCES)
def test_a_first_run_that_begins_at_a_day(world: Any, tmp_path: Path, clock: Clock, source: str) -> None:
    everything = land(night_of(tmp_path / "all", world, source), source)
    manifest = land(night_of(tmp_path / "since", world, source, since="2026-09-01"), source)
    assert manifest.is_complete
    assert 0 < manifest.rows[STREAMS[source]] < 0.8 * everything.rows[STREAMS[source]]
    assert_foreseen(manifest)


@pytest.mark.parametrize("source", SOURCES)
def test_a_run_after_forty_days_without_one(world: Any, tmp_path: Path, clock: Clock, source: str) -> None:
    """Behind a full read and a night: more has changed than in any, and the sweep makes up for what it
    missed."""
    night = night_of(tmp_path, world, source)
    for days in (1, 40):
        land(night, source)
        world.clock.set(advance=days * DAY)
    manifest = land(night, source)
    assert manifest.is_complete
    removed = manifest.rows.get("removals", 0)  # each was looked for, and nobody tells beforehand
    assert_foreseen(manifest, requests=1 + removed + (removed > 0))


LIMITS = {"github": (60, 3_600.0), "pagerduty": (14, 60.0), "jira": (5, 60.0)}
"""So many points, or requests, in so many seconds."""


@pytest.mark.parametrize("source", SOURCES)
def test_waiting_for_a_limit_is_foreseen(
    world: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    clock = put_far_away(monkeypatch, seconds=0.2)
    patience = count_limits_by(clock, monkeypatch)
    limit, window = LIMITS[source]
    name = "jira data center" if source == "jira" else source  # on Cloud nothing tells until when it lasts
    app = windows(world, "jira_dc" if source == "jira" else source)
    before, app.limit = app.limit, limit
    app.reset()
    night = night_of(tmp_path, world, name)
    night.patience = patience(9 * window)
    said: list[str] = []
    night.say = said.append
    try:
        manifest = land(night, name)
    finally:
        app.limit = before
        app.reset()
    assert manifest.is_complete
    assert night.patience.waited_seconds > 0.5 * window
    assert "of it waiting for its limit" in next(line for line in said if "takes about" in line)
    reading = told(manifest)
    off = abs((reading.foreseen_seconds or 0.0) - (reading.seconds or 0.0))
    assert off <= 0.1 * (reading.seconds or 0.0), reading


def test_of_several_sources_only_what_is_read_is_foreseen(world: Any, tmp_path: Path, clock: Clock) -> None:
    night = night_of(tmp_path, world, "github")
    said: list[str] = []
    all_three = {name: sections(world)[name] for name in SOURCES}
    settings = night.settings.model_validate(
        {
            "organization": {"name": "Acme", "reporting_timezone": "Europe/Berlin"},
            "storage": {"path": "."},
            "sources": all_three,
            "folder": tmp_path,
        }
    )
    one = Night(settings=settings, environment=night.environment, say=said.append, only=frozenset({"jira"}))
    for source in SOURCES:
        nightly.land(one, source)
    assert [line.partition(":")[0] for line in said if "takes about" in line] == ["jira"]
