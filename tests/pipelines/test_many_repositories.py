"""Many small repositories: what a night and a full read of them ask, and that sharing requests loses nothing.

Here: a world of a hundred and twenty repositories with a few pull requests each, over the emulator.
Not here: a few large repositories (``test_incremental``, ``test_real_reviews``).
"""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.github.transport import Operation
from tests.pipelines.emulated import ASKS, contents, land, night_of
from tests.shared_material import emulated_world
from warehouse.landing import Manifest

DAY = timedelta(days=1)
FIRST_NIGHT = datetime(2026, 3, 10, 2, tzinfo=UTC)
REPOSITORIES = 120
PEOPLE = [{"login": f"person-{n}", "id": 900 + n, "type": "User"} for n in range(4)]


def written(instant: datetime) -> str:
    return f"{instant:%Y-%m-%dT%H:%M:%SZ}"


def pull_request(repository: int, number: int, *, closed: datetime | None) -> dict[str, Any]:
    created = FIRST_NIGHT - timedelta(days=40 - number, minutes=repository)
    return {
        "id": 100_000 + repository * 100 + number,
        "number": number,
        "title": f"Change {number}",
        "body": "",
        "state": "open" if closed is None else "closed",
        "user": PEOPLE[(repository + number) % 4],
        "created_at": written(created),
        "updated_at": written(closed or created),
        "closed_at": None if closed is None else written(closed),
        "merged_at": None if closed is None else written(closed),
        "base": {"ref": "main"},
        "head": {"ref": f"change-{number}"},
    }


def repository_row(repository: int) -> dict[str, Any]:
    name = f"tool-{repository:03d}"
    return {
        "id": 5_000 + repository,
        "name": name,
        "full_name": f"acme/{name}",
        "owner": {"login": "acme", "id": 77, "type": "Organization"},
        "default_branch": "main",
        "created_at": written(FIRST_NIGHT - timedelta(days=60)),
        "updated_at": written(FIRST_NIGHT - timedelta(days=60)),
    }


def write_world(folder: Path, changed_in: int) -> None:
    """Repositories of four pull requests each; in the first of them one is merged in the afternoon."""
    for repository in range(REPOSITORIES):
        own = folder / "github" / f"acme__tool-{repository:03d}"
        own.mkdir(parents=True)
        merged = FIRST_NIGHT + timedelta(hours=12, seconds=repository)
        pulls = [
            pull_request(repository, n, closed=merged if n == 2 and repository < changed_in else None)
            for n in range(1, 5)
        ]
        (own / "repos.jsonl").write_text(json.dumps(repository_row(repository)) + "\n")
        (own / "pulls.jsonl").write_text("".join(json.dumps(each) + "\n" for each in pulls))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    folder = tmp_path_factory.mktemp("many")
    write_world(folder, changed_in=100)
    running = emulated_world(data_dir=folder, fill=False, rate_limits=False, now=written(FIRST_NIGHT))
    yield running
    running.stop()


@pytest.fixture(autouse=True)
def first_night(world: Any) -> None:
    world.faults.set([], 1)
    world.clock.set(now=FIRST_NIGHT.timestamp())


def kinds(manifest: Manifest) -> dict[str, int]:
    assert manifest.reading is not None
    return {kind: cost[0] for kind, cost in manifest.reading.kinds.items()}


def test_many_small_repositories_share_their_requests(world: Any, tmp_path: Path) -> None:
    """A full read asks for as many rows as it would of one repository, and so does a night that changed a
    pull request in each of a hundred: at most two requests for fifty of them, the sweep and ten, their
    deployments among them."""
    night = night_of(tmp_path, world, "github")
    first = land(night, "github")
    assert first.is_complete
    assert first.rows["pull_requests"] == 4 * REPOSITORIES
    assert kinds(first)["PullRequests"] <= -(-4 * REPOSITORIES // 50) + 2
    world.clock.set(advance=DAY.total_seconds())
    second = land(night, "github")
    assert second.is_complete
    assert second.rows["pull_requests"] >= 100
    asked = kinds(second)
    sweep = asked["ThreadStates"] + asked.get("ReactionCounts", 0) + asked.get("PullRequestsById", 0)
    assert asked["PullRequests"] == 4
    assert second.requests <= 2 * 2 + sweep + 10
    assert asked["Deployments"] == 2
    for manifest in (first, second):
        assert manifest.reading is not None
        assert abs((manifest.reading.foreseen_requests or 0) - manifest.requests) <= 2


def test_a_night_that_changed_nothing_asks_once_for_twenty_five_repositories(
    world: Any, tmp_path: Path
) -> None:
    """Of two batches of a hundred and twenty that the organisation lists, and of five that are named."""
    listed = night_of(tmp_path / "listed", world, "github")
    names = [f"acme/tool-{n:03d}" for n in range(REPOSITORIES)]
    named = night_of(tmp_path / "named", world, "github", organizations=[], repositories=names)
    for night, kind, states in ((listed, "OrganizationRepositories", 2), (named, "RepositoryState", 5)):
        world.clock.set(now=FIRST_NIGHT.timestamp())
        land(night, "github")
        world.clock.set(advance=7_200.0)
        manifest = land(night, "github")
        asked = kinds(manifest)
        assert asked[kind] == states
        assert "PullRequests" not in asked
        assert asked["CreatedPullRequests"] == 5
        assert manifest.is_complete


class Killed(BaseException):
    """Stands for SIGKILL: nothing catches it."""


@pytest.mark.parametrize(("nights", "after"), [(0, 10), (1, 6)], ids=["full read", "night"])
def test_a_run_killed_among_shared_requests_asks_only_for_the_rest(
    world: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, nights: int, after: int
) -> None:
    """What one request told of twenty-five repositories is not asked again of any of them."""
    night, whole = (night_of(tmp_path / name, world, "github") for name in ("night", "whole"))
    for _ in range(nights):
        land(night, "github")
        land(whole, "github")
        world.clock.set(advance=DAY.total_seconds())
    wanted = land(whole, "github")
    kind, method = ASKS["github"]
    send, asked = getattr(kind, method), list[Sequence[Operation]]()

    def dying(self: Any, operations: Sequence[Operation]) -> Any:
        if len(asked) == after:
            raise Killed
        asked.append(operations)
        return send(self, operations)

    with monkeypatch.context() as patch:
        patch.setattr(kind, method, dying)
        with pytest.raises(Killed):
            land(night, "github")
    assert sum(len(each) > 1 and each[0].name == "PullRequests" for each in asked) >= 1
    before = world.stats.total["github"]
    found = land(night, "github")
    # One request asks how old the draft is, and with it the rest.
    assert world.stats.total["github"] - before == wanted.requests - after + 1
    assert (found.is_complete, found.content_hash) == (True, wanted.content_hash)


FAULTS: dict[str, dict[str, Any]] = {
    "too heavy": {"kind": "graphql_resource_limits", "every": 4, "count": 12},
    "no answer": {"kind": "502", "nth": [6, 7, 8, 9, 10, 11]},
    "holes": {"kind": "graphql_partial", "every": 3, "count": 10, "share": 0.3},
    "cursors": {"kind": "expire_cursors", "nth": [7, 9]},
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_cannot_be_answered_together_is_asked_apart_and_nothing_is_lost(
    world: Any, tmp_path: Path, fault: str
) -> None:
    world.clock.set(now=(FIRST_NIGHT + DAY).timestamp())
    quiet = night_of(tmp_path / "quiet", world, "github")
    assert land(quiet, "github").is_complete
    faulty = night_of(tmp_path / "faulty", world, "github")
    world.clock.set(now=FIRST_NIGHT.timestamp())
    world.faults.set([{**FAULTS[fault], "service": "github"}], 5)
    land(faulty, "github")
    world.clock.set(now=(FIRST_NIGHT + DAY).timestamp())
    world.faults.set([{**FAULTS[fault], "service": "github"}], 6)
    land(faulty, "github")
    world.faults.set([], 1)
    assert land(faulty, "github").is_complete
    assert contents(faulty) == contents(quiet)
