"""A run that is killed costs the next one at most the page that was in flight.

Here: full reads and incremental nights over the emulator, killed after every request and by a real SIGKILL.
Not here: faults that GitHub answers with (``test_faults``).
"""

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors import resuming
from connectors.github.http import GitHubOverHttp
from connectors.github.transport import Answer, Operation
from pipelines import nightly
from pipelines.nightly import Night
from pipelines.settings import Settings
from tests.pipelines.contents import content_hash
from tests.shared_material import emulated_world

TOKEN = "ghp_sigemu"
DAY = 86_400


class Killed(BaseException):
    """Stands for SIGKILL: nothing catches it."""


@pytest.fixture(scope="module")
def world() -> Iterator[Any]:
    running = emulated_world(seed=8, gen={"months": 2, "people": 6, "prs_per_month": 60})
    yield running
    running.stop()


@pytest.fixture(autouse=True)
def fresh(world: Any) -> None:
    world.clock.set(now=world.default_now - 3 * DAY)
    world.faults.set([])


def settings_of(world: Any, *, zone: str = "Europe/Berlin") -> dict[str, Any]:
    return {
        "organization": {"name": "Acme", "reporting_timezone": zone},
        "storage": {"path": "."},
        "sources": {
            "github": {
                "base_url": world.url("github"),
                "token": {"env": "GITHUB_TOKEN"},
                "organizations": ["acme"],
            }
        },
    }


def night_of(folder: Path, world: Any, **changed: str) -> Night:
    document = settings_of(world, **changed) | {"folder": folder}
    return Night(settings=Settings.model_validate(document), environment={"GITHUB_TOKEN": TOKEN})


def requests_of(world: Any) -> int:
    return int(world.stats.total["github"])


def land(night: Night, world: Any) -> int:
    """Land GitHub; gives the requests it cost."""
    before = requests_of(world)
    manifest = nightly.land(night, "github")
    assert manifest is not None
    assert manifest.is_complete
    return requests_of(world) - before


def land_killed(night: Night, monkeypatch: pytest.MonkeyPatch, *, after: int) -> None:
    """Land GitHub, and be killed with request ``after`` + 1 in flight."""
    send = GitHubOverHttp.send
    left = [after]

    def dying(self: GitHubOverHttp, operations: Sequence[Operation]) -> Answer:
        if left[0] == 0:
            raise Killed
        left[0] -= 1
        return send(self, operations)

    with monkeypatch.context() as patch:
        patch.setattr(GitHubOverHttp, "send", dying)
        with pytest.raises(Killed):
            nightly.land(night, "github")


def assert_nothing_is_left(night: Night) -> None:
    assert not (night.settings.storage_path / "work" / "github.draft").exists()
    folders = [path for path in (night.landing.folder / "github").iterdir() if path.is_dir()]
    assert len(folders) == len([one for one in night.landing.manifests() if one.source == "github"])


def loads(night: Night) -> list[tuple[str, str]]:
    return [(one.load_id, one.content_hash) for one in night.landing.manifests()]


def contents(night: Night) -> str:
    nightly.land(night, "organization")
    nightly.build_core(night)
    return content_hash(night.working_path)


@pytest.mark.parametrize("nights", [0, 1], ids=["full read", "incremental night"])
def test_killed_after_any_request_the_next_run_asks_only_for_the_rest(
    tmp_path: Path, world: Any, monkeypatch: pytest.MonkeyPatch, nights: int
) -> None:
    before, whole = night_of(tmp_path / "before", world), night_of(tmp_path / "whole", world)
    (tmp_path / "before").mkdir()
    if nights:
        land(before, world)
        world.clock.set(advance=2 * DAY)
    shutil.copytree(tmp_path / "before", tmp_path / "whole")
    cost = land(whole, world)
    assert cost > 5
    wanted = loads(whole)
    for after in range(1, cost):
        night = night_of(tmp_path / str(after), world)
        shutil.copytree(tmp_path / "before", tmp_path / str(after))
        land_killed(night, monkeypatch, after=after)
        assert len(loads(night)) == nights
        # One request asks how old the draft is, and with it the rest.
        assert land(night, world) == cost - after + 1
        assert loads(night) == wanted
        assert_nothing_is_left(night)


def test_killed_again_and_again_it_ends_with_the_same_load(
    tmp_path: Path, world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, night = night_of(tmp_path / "whole", world), night_of(tmp_path / "night", world)
    cost = land(whole, world)
    for _ in range((cost - 2) // 2):
        land_killed(night, monkeypatch, after=3)  # the age of the draft, and two new answers
    land(night, world)
    assert_nothing_is_left(night)
    assert loads(night) == loads(whole)


def test_what_moved_between_the_kill_and_the_next_run_is_read_by_the_night_after(
    tmp_path: Path, world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The load is known as of its own beginning: it claims nothing of the hours before it went on."""
    night, whole = night_of(tmp_path / "night", world), night_of(tmp_path / "whole", world)
    land_killed(night, monkeypatch, after=4)
    world.clock.set(advance=20 * 3600)
    land(night, world)
    (manifest,) = night.landing.manifests()
    assert manifest.known_at_utc.timestamp() == world.default_now - 3 * DAY
    world.clock.set(advance=DAY)
    land(night, world)
    land(whole, world)
    assert contents(night) == contents(whole)


@pytest.mark.parametrize(
    "change", ["older than its lifetime", "another configuration", "cut", "the clock went back"]
)
def test_a_draft_that_cannot_be_used_is_forgotten(
    tmp_path: Path, world: Any, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    night, whole = night_of(tmp_path / "night", world), night_of(tmp_path / "whole", world)
    cost = land(whole, world)
    land_killed(night, monkeypatch, after=6)
    draft = night.settings.storage_path / "work" / "github.draft"
    assert draft.stat().st_mode & 0o077 == 0
    if change == "older than its lifetime":
        world.clock.set(advance=resuming.LIFETIME / timedelta(seconds=1) + 1)
        manifest = nightly.land(night, "github")
        assert manifest is not None
        assert manifest.known_at_utc.timestamp() == world.clock.now()
    elif change == "the clock went back":
        world.clock.set(advance=-60)
        manifest = nightly.land(night, "github")
        assert manifest is not None
        assert manifest.known_at_utc.timestamp() == world.clock.now()
    elif change == "another configuration":
        assert land(night_of(tmp_path / "night", world, zone="Asia/Tokyo"), world) == cost
    else:
        draft.write_bytes(draft.read_bytes()[:-40])
        assert land(night, world) == cost - 6 + 1 + 1
        assert loads(night) == loads(whole)
    assert_nothing_is_left(night)


_RUN = """
import json, sys
from pathlib import Path
from pipelines import nightly
from pipelines.settings import Settings
settings = Settings.model_validate(json.loads(sys.argv[1]) | {"folder": Path(sys.argv[2])})
night = nightly.Night(settings=settings, environment={"GITHUB_TOKEN": "ghp_sigemu"})
with night.alone():
    nightly.land(night, "github")
"""


def test_a_process_that_is_killed_for_real(tmp_path: Path, world: Any) -> None:
    whole, night = night_of(tmp_path / "whole", world), night_of(tmp_path / "night", world)
    cost = land(whole, world)
    document = settings_of(world)
    command = [sys.executable, "-c", _RUN, json.dumps(document), str(tmp_path / "night")]
    asked = 0
    world.cfg["latency"] = 0.1
    try:
        for _ in range(2):
            before = requests_of(world)
            process = subprocess.Popen(command, cwd=Path(__file__).parents[2])
            while requests_of(world) < before + 4 and process.poll() is None:
                time.sleep(0.01)
            process.send_signal(signal.SIGKILL)
            assert process.wait() == -signal.SIGKILL
            time.sleep(0.2)  # the request in flight ends at the server
            asked += requests_of(world) - before
        assert night.landing.manifests() == []
        asked += land(night, world)
    finally:
        world.cfg["latency"] = 0.0
    assert asked <= cost + 2 * 2  # for each kill: one page in flight, and one question for the time
    assert_nothing_is_left(night)
    assert contents(night) == contents(whole)
