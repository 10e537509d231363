"""What a killed run costs the next one, for PagerDuty and both Jiras: at most the page that was in flight.

Here: full reads and later nights over the emulator, killed after every request; page marks that are spent.
Not here: GitHub, real kills, drafts that cannot be used (``test_killed``), faults (``test_faults_others``).
"""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipelines import nightly
from pipelines.nightly import Night
from pipelines.settings import Settings
from tests.pipelines.emulated import ASKS, SERVERS, contents, land, night_of, small_world, turn_to_loopback

DAY = 86_400
OTHERS = ["pagerduty", "jira", "jira data center"]


class Killed(BaseException):
    """Stands for SIGKILL: nothing catches it."""


@pytest.fixture(scope="module")
def world() -> Iterator[Any]:
    yield from small_world()


@pytest.fixture(autouse=True)
def fresh(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    world.clock.set(now=world.default_now - 3 * DAY)
    world.apps["jira"].epoch = 0.0
    turn_to_loopback(world, monkeypatch)


def requests_of(world: Any, source: str) -> int:
    return int(world.stats.total[SERVERS[source]])


def land_counted(night: Night, world: Any, source: str) -> int:
    """Land a source whole; gives the requests it cost."""
    before = requests_of(world, source)
    assert land(night, source).is_complete
    return requests_of(world, source) - before


def land_killed(night: Night, source: str, monkeypatch: pytest.MonkeyPatch, *, after: int) -> None:
    """Land a source, and be killed with request ``after`` + 1 in flight."""
    kind, method = ASKS[source]
    ask, left = getattr(kind, method), [after]

    def dying(*given: Any, **named: Any) -> Any:
        if left[0] == 0:
            raise Killed
        left[0] -= 1
        return ask(*given, **named)

    with monkeypatch.context() as patch:
        patch.setattr(kind, method, dying)
        with pytest.raises(Killed):
            land(night, source)


def loads(night: Night) -> list[tuple[str, str]]:
    return [(one.load_id, one.content_hash) for one in night.landing.manifests()]


def assert_nothing_is_left(night: Night) -> None:
    assert not list((night.settings.storage_path / "work").glob("*.draft"))
    folders = [path for path in night.landing.folder.glob("*/*") if path.is_dir()]
    assert len(folders) == len(night.landing.manifests())


@pytest.mark.parametrize("nights", [0, 1], ids=["full read", "a later night"])
@pytest.mark.parametrize("source", OTHERS)
def test_killed_after_any_request_the_next_run_asks_only_for_the_rest(
    tmp_path: Path, world: Any, monkeypatch: pytest.MonkeyPatch, source: str, nights: int
) -> None:
    before, whole = night_of(tmp_path / "before", world, source), night_of(tmp_path / "whole", world, source)
    (tmp_path / "before").mkdir()
    if nights:
        land_counted(before, world, source)
        world.clock.set(advance=2 * DAY)
    shutil.copytree(tmp_path / "before", tmp_path / "whole")
    cost = land_counted(whole, world, source)
    assert cost >= 5
    wanted = loads(whole)
    for after in range(1, cost):
        night = night_of(tmp_path / str(after), world, source)
        shutil.copytree(tmp_path / "before", tmp_path / str(after))
        land_killed(night, source, monkeypatch, after=after)
        (draft,) = (tmp_path / str(after) / "work").glob("*.draft")
        assert draft.stat().st_mode & 0o777 == 0o600
        assert len(loads(night)) == nights
        # One request asks how old the draft is, and with it the rest.
        assert land_counted(night, world, source) == cost - after + 1
        assert loads(night) == wanted
        assert_nothing_is_left(night)


@pytest.mark.parametrize("source", OTHERS)
def test_what_moved_between_the_kill_and_the_next_run_is_read_by_the_night_after(
    tmp_path: Path, world: Any, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    """The load is known as of its own beginning: it claims nothing of the hours before it went on."""
    night, whole = night_of(tmp_path / "night", world, source), night_of(tmp_path / "whole", world, source)
    land_counted(whole, world, source)
    land_killed(night, source, monkeypatch, after=5)
    world.clock.set(advance=20 * 3600)
    land_counted(night, world, source)
    (manifest,) = night.landing.manifests()
    assert manifest.known_at_utc.timestamp() == world.default_now - 3 * DAY
    world.clock.set(advance=DAY)
    land_counted(night, world, source)
    land_counted(whole, world, source)
    assert contents(night) == contents(whole)


def test_page_marks_that_are_spent_begin_their_list_again(
    tmp_path: Path, world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Jira's marks end some days after they were given, and a killed run holds old ones."""
    whole, cost = night_of(tmp_path / "whole", world, "jira"), 0
    cost = land_counted(whole, world, "jira")
    again = 0
    for after in range(4, cost):
        night = night_of(tmp_path / str(after), world, "jira")
        land_killed(night, "jira", monkeypatch, after=after)
        world.apps["jira"].epoch = time.time()
        again += land_counted(night, world, "jira") > cost - after + 1
        assert [content for _, content in loads(night)] == [content for _, content in loads(whole)]
        assert_nothing_is_left(night)
    assert again


def test_marks_that_are_never_taken_are_a_gap_and_no_loop(tmp_path: Path, world: Any) -> None:
    world.faults.set(
        [{"kind": "expire_cursors", "service": "jira", "match": "search/jql", "rate": 1}], seed=1
    )
    night = night_of(tmp_path, world, "jira")
    try:
        manifest = land(night, "jira")
    finally:
        world.faults.set([])
    assert not manifest.is_complete
    assert all("page mark" in gap for gap in manifest.gaps)


@pytest.mark.parametrize("source", OTHERS)
def test_what_a_source_was_told_goes_when_it_is_no_longer_configured(
    tmp_path: Path, world: Any, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    night = night_of(tmp_path, world, source)
    land_killed(night, source, monkeypatch, after=4)
    assert len(list(tmp_path.glob("work/*.draft"))) == 1
    document = {"organization": {"name": "Acme", "reporting_timezone": "UTC"}, "folder": tmp_path}
    document |= {"storage": {"path": "."}}
    without = Night(settings=Settings.model_validate(document), environment={})
    assert nightly.land(without, source.partition(" ")[0]) is None
    assert not list(tmp_path.glob("work/*.draft"))
