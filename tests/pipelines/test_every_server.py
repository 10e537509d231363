"""What every source with a server promises: it asks again, stops with what to do, goes on, keeps its secret.

Here: one contract for all of them, over the emulator, through the registry as a real night asks them.
Not here: pages and records (``tests/connectors/test_every_source``), every kind of fault (``test_faults``,
``test_faults_others``), a kill after each request (``test_killed``, ``test_killed_others``).
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipelines.sources import REGISTRY
from tests.pipelines.emulated import SERVERS, TOKENS, contents, land, night_of, small_world, turn_to_loopback
from tests.pipelines.test_killed_others import land_counted, land_killed, requests_of

of_every_server = pytest.mark.parametrize("source", sorted(SERVERS))
WITHOUT_A_SERVER = {"organization", "incidents"}


@pytest.fixture(scope="module")
def world() -> Iterator[Any]:
    yield from small_world()


@pytest.fixture(autouse=True)
def fresh(world: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    turn_to_loopback(world, monkeypatch)
    yield
    world.faults.set([])


@pytest.fixture(scope="module")
def whole(world: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, str]]:
    """By source the requests of a full read without faults, and the hash of its core."""
    found = {}
    for source in SERVERS:
        with pytest.MonkeyPatch.context() as patch:
            turn_to_loopback(world, patch)
            night = night_of(tmp_path_factory.mktemp("whole"), world, source)
            found[source] = (land_counted(night, world, source), contents(night))
    return found


@of_every_server
def test_it_asks_again(world: Any, whole: dict[str, tuple[int, str]], tmp_path: Path, source: str) -> None:
    requests, wanted = whole[source]
    world.faults.set([{"kind": "502", "nth": [2, 4, requests], "rate": 0}])
    night = night_of(tmp_path, world, source)
    asked = land_counted(night, world, source)  # to its end, or this says so
    assert sum(world.faults.fired.values()) == 3
    assert asked == requests + 3
    assert contents(night) == wanted


@of_every_server
def test_it_stops_with_what_to_do_and_the_next_run_closes_the_gap(
    world: Any, whole: dict[str, tuple[int, str]], tmp_path: Path, source: str
) -> None:
    requests, wanted = whole[source]
    world.faults.set([{"kind": "401", "nth": list(range(requests // 2, 100)), "rate": 0}])
    night = night_of(tmp_path, world, source)
    said: list[str] = []
    night.say = said.append
    before = requests_of(world, source)
    red = land(night, source)
    assert not red.is_complete
    # Whoever was refused does not ask again; the forecast and the ledger's count find out once each.
    assert requests_of(world, source) - before <= requests // 2 + 2
    assert all("refused" in gap.casefold() or "401" in gap for gap in red.gaps)
    assert any(gap in line for line in said for gap in red.gaps)
    world.faults.set([])
    assert land(night, source).is_complete
    assert contents(night) == wanted


@of_every_server
def test_it_goes_on_after_a_kill(
    world: Any,
    whole: dict[str, tuple[int, str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    source: str,
) -> None:
    requests, wanted = whole[source]
    night = night_of(tmp_path, world, source)
    land_killed(night, source, monkeypatch, after=requests // 2)
    assert land_counted(night, world, source) <= requests - requests // 2 + 1
    assert contents(night) == wanted


@of_every_server
def test_its_credential_is_nowhere(
    world: Any, tmp_path: Path, source: str, capfd: pytest.CaptureFixture[str]
) -> None:
    world.faults.set([{"kind": "401", "nth": [3], "rate": 0}])
    night = night_of(tmp_path, world, source)
    said: list[str] = []
    night.say = said.append
    manifest = land(night, source)
    assert manifest.gaps
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert len(written) > 1000
    texts = [repr(night), repr(manifest), *said, *capfd.readouterr(), written.decode("latin-1")]
    secrets = [value for value in TOKENS.values() if len(value) > 8]
    assert secrets
    assert not [secret for secret in secrets for text in texts if secret in text]


def test_no_server_is_left_out() -> None:
    assert {name.partition(" ")[0] for name in SERVERS} | WITHOUT_A_SERVER == set(REGISTRY)
