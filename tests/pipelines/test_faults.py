"""Every fault that the emulator has for GitHub: the run ends as one without faults, or says what is missing.

Here: nights with a fault, by what core holds at their end.
Not here: which answer leads to which message (``tests/connectors/github``), kills (``test_killed``).
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from connectors.github.client import GitHubSource
from connectors.github.http import GitHubOverHttp
from connectors.github.records import RECORD_TYPES
from connectors.github.transport import Answer, Operation
from connectors.waiting import Patience
from pipelines import nightly
from pipelines.known import known_to_github
from pipelines.nightly import Night
from pipelines.settings import Settings
from pipelines.sources import Registered
from tests.kinds_of_faults import PASSING, STAYING
from tests.pipelines.contents import content_hash
from tests.shared_material import emulated_world
from warehouse.connection import connect
from warehouse.landing import Manifest

TOKEN = "github_pat_sigemu"  # the emulator's own, which expires when it is told to
SEEDS = (1, 2, 3)
HOLED = {"graphql_partial", "graphql_resource_limits"}
"""Kinds of PASSING that leave a gap where the same single row is missing twice running."""


@pytest.fixture(scope="module")
def world() -> Iterator[Any]:
    running = emulated_world(seed=8, gen={"months": 2, "people": 5, "prs_per_month": 25})
    yield running
    running.stop()


@pytest.fixture(autouse=True)
def without_limits(world: Any) -> None:
    world.faults.set([])
    world.apps["github"].reset_limits()
    world.apps["github"].engine.cursor_epoch = 0
    world.apps["github"].token_epoch = 0.0


def night_of(folder: Path) -> Night:
    document = {
        "organization": {"name": "Acme", "reporting_timezone": "Europe/Berlin"},
        "storage": {"path": "."},
        "folder": folder,
    }
    return Night(settings=Settings.model_validate(document), environment={})


class LeavesOut(GitHubOverHttp):
    """Says nothing of some pull requests: their pages look whole. ``left_out``: their numbers."""

    left_out: frozenset[int] = frozenset()

    def send(self, operations: Sequence[Operation]) -> Answer:
        answer = super().send(operations)
        for data in answer.data:
            listed = ((data or {}).get("repository") or {}).get("pullRequests") or {}
            if "nodes" in listed:
                listed["nodes"] = [
                    each for each in listed["nodes"] if (each or {}).get("number") not in self.left_out
                ]
        return answer


def land(night: Night, world: Any, left_out: frozenset[int] = frozenset()) -> Manifest:
    transport = LeavesOut(
        base_url=world.url("github"), credential=TOKEN, patience=Patience(sleep=lambda _: None)
    )
    transport.left_out = left_out
    source = GitHubSource(transport=transport, organizations=("acme",), page_size=4)
    known = known_to_github(night.landing.manifests(), [], source.server_time(), reads=source.reads)
    source.known, source.names_of = known.repositories, known.names_of
    return nightly._land(night, Registered(source=source, record_types=RECORD_TYPES))


def contents(night: Night) -> str:
    nightly.land(night, "organization")
    nightly.build_core(night)
    return content_hash(night.working_path)


@pytest.fixture(scope="module")
def wanted(world: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """The hash of the only load and of core, without faults."""
    world.faults.set([])
    night = night_of(tmp_path_factory.mktemp("whole"))
    manifest = land(night, world)
    assert manifest.is_complete
    return manifest.content_hash, contents(night)


def test_every_fault_of_the_emulator_is_tried(world: Any) -> None:
    from sigemu.core import FAULT_KINDS

    assert set(FAULT_KINDS) == PASSING | STAYING


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kind", sorted(PASSING | STAYING))
def test_a_night_with_faults_ends_as_one_without_or_is_red_until_the_next(
    tmp_path: Path, world: Any, wanted: tuple[str, str], kind: str, seed: int
) -> None:
    night = night_of(tmp_path)
    rule: dict[str, Any] = {"kind": kind, "rate": 0.2, "delay": 0.01, "retry_after": 1, "match": "graphql"}
    if kind in STAYING | {"expire_cursors"}:
        rule |= {"nth": [3 + 4 * seed], "rate": 0}
    world.faults.set([rule], seed=seed)
    first = land(night, world)
    assert world.faults.fired
    assert first.is_complete or kind in STAYING | HOLED, first.gaps
    last = first
    if not first.is_complete:
        assert all(gap.strip() for gap in first.gaps)
        world.faults.set([])
        world.apps["github"].token_epoch = 0.0
        last = land(night, world)
        assert last.is_complete
    if last is not first or last.content_hash != wanted[0]:  # accounts are asked about as often as it went
        assert contents(night) == wanted[1]


def test_pull_requests_that_pages_said_nothing_of_are_looked_for_again_and_once(
    tmp_path: Path, world: Any, wanted: tuple[str, str]
) -> None:
    """Nothing but the count tells. The next night reads back to the month that is short; where they are left
    out again, the night after does not read on for ever: the month stays incomplete."""
    left_out = frozenset({103, 118})
    night, never = night_of(tmp_path / "night"), night_of(tmp_path / "never")
    total = land(night_of(tmp_path / "whole"), world).rows["pull_requests"]
    for each in (night, never):
        missing = total - land(each, world, left_out).rows["pull_requests"]
        assert missing > 1
    land(night, world)
    assert contents(night) == wanted[1]
    assert land(never, world, left_out).rows["pull_requests"] > 0
    assert land(never, world, left_out).rows.get("pull_requests", 0) == 0
    nightly.land(never, "organization")
    nightly.build_core(never)
    with connect(never.working_path) as connection:
        short = connection.execute(
            "SELECT sum(expected - stored) FROM ops.completeness WHERE status = 'incomplete'"
        ).fetchall()
    assert short == [(missing,)]
