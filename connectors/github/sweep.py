"""Changes below a pull request that do not move its time of update: threads resolved, reactions given.

Here: what is asked about them, how the answers are held against what is known, and how much that will be.
Not here: reading anew what has changed (``client``).
"""

from collections.abc import Container, Iterator, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from connectors.errors import StopScopeError, TriedOftenError
from connectors.github.answers import goes_on_after, threads_of, with_more_threads
from connectors.github.known import KnownRepository, KnownThread
from connectors.github.outlook import (
    LONG_A_REQUEST,
    NODES,
    THREADS_SHOWN,
    requests_for,
    rounds_of_long,
    swept,
)
from connectors.github.reactions import ratings_of
from connectors.github.transport import Json, Operation, Send

SWEPT_A_REQUEST = 100
RATED_A_REQUEST = 25 * SWEPT_A_REQUEST


@dataclass(slots=True, kw_only=True)
class Sweep:
    """Looks at what is ``known`` of pull requests for changes that move no time of update.

    ``send_with_rests`` sends as ``send`` does, and lets lists that go on ride along. What was asked before
    the pages, so that its time is known, is not asked again.
    """

    known: Mapping[str, KnownRepository]
    send: Send
    send_with_rests: Send
    _threads: dict[str, bool] = field(default_factory=dict)
    _ratings: dict[str, bool] = field(default_factory=dict)
    _long: dict[str, tuple[Any, Mapping[str, KnownThread]]] = field(default_factory=dict)

    def begin(self, repository_ids: Container[str], *, timed: Container[str]) -> None:
        """Ask the first of each kind of request that no run has made (``timed``), so that its time is known:
        about those that are least likely to be read anyway."""
        wanted, of_target = self._with_threads(repository_ids), self._with_ratings(repository_ids)
        if "ThreadStates" not in timed and wanted:
            some = dict(wanted[-SWEPT_A_REQUEST:])
            with suppress(StopScopeError):  # asked again in its place, where it is a gap
                changed = set(self._changed(some))
                self._threads = {node_id: node_id in changed for node_id in some if node_id not in self._long}
                self._long.clear()
        if "ReactionCounts" not in timed and of_target:
            targets = list(of_target)[-RATED_A_REQUEST:]
            with suppress(StopScopeError):
                changed = set(self._rated_anew(targets, of_target))
                self._ratings = {target_id: target_id in changed for target_id in targets}

    def ahead(self, read_anyway: Mapping[str, int]) -> tuple[dict[str, float], dict[str, float]]:
        """Requests by kind, and the nodes they ask about, for repositories by id.

        ``read_anyway``: how many pull requests of each the pages have, which are not asked about.
        """
        known = {key: one for key, one in self.known.items() if key in read_anyway}
        looked_at, rated = swept(
            {key: len(one.recent) for key, one in known.items()},
            {key: sum(map(len, one.rated.values())) for key, one in known.items()},
            read_anyway,
        )
        looked_at, rated = max(0, looked_at - len(self._threads)), max(0, rated - len(self._ratings))
        requests: dict[str, float] = {
            "ThreadStates": requests_for(looked_at, SWEPT_A_REQUEST),
            "MoreThreadStates": rounds_of_long(
                len(threads) for one in known.values() for threads in one.recent.values()
            ),
            "ReactionCounts": requests_for(rated, RATED_A_REQUEST),
        }
        nodes: dict[str, float] = {
            "ThreadStates": looked_at * NODES["ThreadStates"],
            "ReactionCounts": rated * NODES["ReactionCounts"],
        }
        return requests, nodes

    def changed(self, repository_ids: Container[str], *, read_anyway: Set[str]) -> Iterator[list[str]]:
        """Node ids of pull requests to be read anew, those of a request at a time.

        ``read_anyway``: those that a page has had. Raises StopScopeError where GitHub does not tell.
        """
        wanted = [
            one
            for one in self._with_threads(repository_ids)
            if one[0] not in read_anyway and one[0] not in self._threads
        ]
        found: list[str] = []
        for start in range(0, len(wanted), SWEPT_A_REQUEST):
            some = self._changed(dict(wanted[start : start + SWEPT_A_REQUEST]))
            found += some
            yield some
        others = [node_id for node_id, is_changed in self._threads.items() if is_changed]
        others = [node_id for node_id in others if node_id not in read_anyway] + self._changed_behind()
        yield others
        yield self._newly_rated(repository_ids, {*read_anyway, *found, *others})

    def _with_threads(self, repository_ids: Container[str]) -> list[tuple[str, Mapping[str, KnownThread]]]:
        """Pull requests of these repositories that the sweep asks about, with what is known of each."""
        return [
            one
            for repository_id, known in self.known.items()
            if repository_id in repository_ids
            for one in known.recent.items()
        ]

    def _changed(self, known: Mapping[str, Mapping[str, KnownThread]]) -> list[str]:
        """Those of which the threads are not as they were; of which there are more threads than come at once
        wait for :meth:`_changed_behind`."""
        try:
            answer = self.send_with_rests([Operation(name="ThreadStates", variables={"ids": list(known)})])
        except TriedOftenError:
            if len(known) == 1:
                raise
            half = dict(list(known.items())[: len(known) // 2])
            rest = {node_id: threads for node_id, threads in known.items() if node_id not in half}
            return self._changed(half) + self._changed(rest)
        nodes = (answer.data[0] or {}).get("nodes")
        shown = {
            node["id"]: node
            for node in nodes or ()
            if isinstance(node, dict) and isinstance(node.get("id"), str)
        }
        self._long |= {
            node_id: (shown[node_id], threads)
            for node_id, threads in known.items()
            if goes_on_after(shown.get(node_id)) is not None and len(threads) > THREADS_SHOWN
        }
        return [
            node_id
            for node_id, threads in known.items()
            if node_id not in self._long and threads_of(shown.get(node_id)) != threads
        ]

    def _changed_behind(self) -> list[str]:
        """Those with more threads than come at once, read to the last of them, some in one request. What
        cannot be told counts as changed: then the pull request is read whole."""
        changed: list[str] = []
        while self._long:
            some = list(islice(self._long.items(), LONG_A_REQUEST))
            for node_id, _ in some:
                del self._long[node_id]
            asked = [
                Operation(name="MoreThreadStates", variables={"id": node_id, "after": goes_on_after(node)})
                for node_id, (node, _) in some
            ]
            try:
                data: Sequence[Json | None] = self.send(asked).data
            except StopScopeError:
                data = [None] * len(some)
            for (node_id, (node, threads)), more in zip(some, data, strict=True):
                whole = with_more_threads(node, (more or {}).get("node"))
                before, after = goes_on_after(node), goes_on_after(whole)
                if after is not None and after != before and len(_listed_threads(whole)) < 2 * len(threads):
                    self._long[node_id] = (whole, threads)
                elif threads_of(whole) != threads:
                    changed.append(node_id)
        return changed

    def _newly_rated(self, repository_ids: Container[str], read_anyway: Set[str]) -> list[str]:
        """Pull requests below which reactions have come or gone, by what each review and comment has now."""
        of_target = self._with_ratings(repository_ids)
        asked = [
            target_id
            for target_id, (node_id, _) in of_target.items()
            if node_id not in read_anyway and target_id not in self._ratings
        ]
        changed = [target_id for target_id, is_changed in self._ratings.items() if is_changed]
        for start in range(0, len(asked), RATED_A_REQUEST):
            changed += self._rated_anew(asked[start : start + RATED_A_REQUEST], of_target)
        found = dict.fromkeys(of_target[target_id][0] for target_id in changed if target_id in of_target)
        return [node_id for node_id in found if node_id not in read_anyway]

    def _with_ratings(self, repository_ids: Container[str]) -> dict[str, tuple[str, Mapping[str, int]]]:
        """By their node ids what can be rated in these repositories: below which pull request, and how it is
        rated so far."""
        return {
            target_id: (node_id, ratings)
            for repository_id, known in self.known.items()
            if repository_id in repository_ids
            for node_id, targets in known.rated.items()
            for target_id, ratings in targets.items()
        }

    def _rated_anew(
        self, asked: Sequence[str], of_target: Mapping[str, tuple[str, Mapping[str, int]]]
    ) -> list[str]:
        """Those of them that are not rated as they were."""
        answer = self.send(
            [
                Operation(name="ReactionCounts", variables={"ids": asked[place : place + SWEPT_A_REQUEST]})
                for place in range(0, len(asked), SWEPT_A_REQUEST)
            ]
        )
        shown = {
            node["id"]: ratings_of(node)
            for data in answer.data
            for node in (data or {}).get("nodes") or ()
            if isinstance(node, dict) and isinstance(node.get("id"), str)
        }
        return [target_id for target_id in asked if shown.get(target_id) != of_target[target_id][1]]


def _listed_threads(node: Any) -> Sequence[Any]:
    listed = node["reviewThreads"]["nodes"]
    return listed if isinstance(listed, list) else ()
