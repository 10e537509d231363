"""A night's sweep of pull requests with more threads than come at once: compared to the last of them.

Here: how many requests that takes, what of it counts as changed, and that no end is loop or loss.
Not here: threads that come at once (``test_client``, ``test_incremental``), real reviews.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.contract import Page
from connectors.errors import StopScopeError
from connectors.github.client import GitHubSource
from connectors.github.known import KnownRepository, KnownThread
from connectors.github.outlook import rounds_of_long
from connectors.github.records import Repository
from connectors.github.transport import Answer, Operation

NOW_UTC = datetime(2026, 3, 10, tzinfo=UTC)


@dataclass(slots=True)
class Threads:
    """Pull requests with threads; it is asked for their states and refuses to tell anything else."""

    of: Mapping[str, list[bool]]
    says: str = ""
    asked: list[tuple[str, int]] = field(default_factory=list)

    def send(self, operations: Sequence[Operation]) -> Answer:
        self.asked.append((operations[0].name, len(operations)))
        if operations[0].name == "MoreThreadStates" and self.says == "refuses":
            raise StopScopeError("GitHub answered 502.")
        data = tuple(self._answer(one) for one in operations)
        return Answer(data=data, errors=(), served_at_utc=NOW_UTC, points=1)

    def _answer(self, asked: Operation) -> dict[str, Any]:
        if asked.name == "ServerTime":
            return {}
        if asked.name == "ThreadStates":
            return {"nodes": [self._page(node_id, 0, 50) for node_id in asked.variables["ids"]]}
        assert asked.name == "MoreThreadStates"
        if self.says == "nothing":
            return {"node": None}
        start = 0 if self.says == "the same again" else int(asked.variables["after"])
        return {"node": self._page(asked.variables["id"], start, 100)}

    def _page(self, node_id: str, start: int, size: int) -> dict[str, Any]:
        threads = self.of[node_id]
        listed = [
            {
                "id": f"{node_id}-{n}",
                "isResolved": threads[n],
                "isOutdated": False,
                "comments": {"totalCount": 1},
            }
            for n in range(start, min(start + size, len(threads)))
        ]
        page = {"hasNextPage": start + size < len(threads), "endCursor": str(start + size)}
        return {"id": node_id, "reviewThreads": {"pageInfo": page, "nodes": listed}}


def source_of(transport: Threads, known: Mapping[str, list[bool]]) -> GitHubSource:
    recent = {
        node_id: {
            f"github:thread/{node_id}-{n}": KnownThread(is_resolved=is_resolved, is_outdated=False, size=1)
            for n, is_resolved in enumerate(threads)
        }
        for node_id, threads in known.items()
    }
    source = GitHubSource(transport=transport, organizations=("acme",))
    source.known = {"github:1": KnownRepository(complete_at_utc=NOW_UTC, recent=recent)}
    source.read["github:1"] = Repository(
        repository_id="github:1", name_with_owner="acme/one", default_branch="main", source_url="https://x"
    )
    return source


def changed_in(source: GitHubSource) -> list[str]:
    """What a sweep would read anew."""
    found: list[str] = []

    def read_whole(_: GitHubSource, ids: Sequence[str]) -> Iterator[Page]:
        found.extend(ids)
        return iter(())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(GitHubSource, "_by_id", read_whole)
        assert [type(item) for item in source._sweep()] == [Page]
    return found


def long_ones(n: int, threads: int) -> dict[str, list[bool]]:
    return {f"PR_{k:02d}": [False] * threads for k in range(n)}


@pytest.mark.parametrize(
    ("n", "threads", "requests"),
    [(3, 50, 0), (3, 51, 1), (3, 150, 1), (3, 151, 2), (51, 60, 2), (51, 351, 5), (2, 351, 4)],
)
def test_long_lists_share_requests_and_are_not_read_whole(n: int, threads: int, requests: int) -> None:
    transport = Threads(long_ones(n, threads))
    assert changed_in(source_of(transport, long_ones(n, threads))) == []
    more = [size for name, size in transport.asked if name == "MoreThreadStates"]
    assert len(more) == requests == rounds_of_long([threads] * n)
    assert max(more, default=0) <= 50


@pytest.mark.parametrize("place", [0, 49, 50, 149, 150, 179])
def test_a_thread_that_was_resolved_anywhere_is_found(place: int) -> None:
    now = long_ones(3, 180)
    now["PR_01"][place] = True
    assert changed_in(source_of(Threads(now), long_ones(3, 180))) == ["PR_01"]


@pytest.mark.parametrize("says", ["refuses", "nothing", "the same again"])
def test_what_cannot_be_told_is_read_whole(says: str) -> None:
    transport = Threads(long_ones(2, 400), says=says)
    assert sorted(changed_in(source_of(transport, long_ones(2, 400)))) == ["PR_00", "PR_01"]
    assert len(transport.asked) <= 10


def test_one_with_threads_that_nobody_knows_is_read_whole_at_once() -> None:
    """What was short and is long now has changed, whatever the rest of it says."""
    transport = Threads(long_ones(1, 400))
    assert changed_in(source_of(transport, long_ones(1, 20))) == ["PR_00"]
    assert [name for name, _ in transport.asked] == ["ThreadStates", "ServerTime"]
