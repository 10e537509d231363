"""How many requests a run of GitHub will take, told before its pages.

Here: what each kind of request depends on, and what of it can be known beforehand.
Not here: asking (``client``), how long a request takes (``pipelines.outlook``).

GitHub counts pull requests, created or updated since an instant, many of them for a point; it does not count
deployments. How many there are follows from the time that the newest hundred took, in pull requests. What a
night finds changed without an update is what the nights before it found.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from connectors.github.rests import OPERATIONS as RESTS_OF
from connectors.github.transport import Answer, Json, Operation

RESTS = "rests of lists"
THREADS_SHOWN, THREADS_A_PAGE = 50, 100
"""Threads of a pull request that ThreadStates and MoreThreadStates ask for."""
LONG_A_REQUEST = 50
"""So many pull requests with more threads share a request: 5,000 nodes, as ThreadStates asks for."""


def kind_of(operations: Sequence[Operation]) -> str:
    """What a request is asked for: that of its first operation; what rides along is beside it."""
    name = operations[0].name
    return RESTS if name in RESTS_OF.values() else name


NODES: Mapping[str, int] = {
    "PullRequests": 130,
    "PullRequestsById": 130,
    "ThreadStates": 50,
    "ReactionCounts": 8,
    RESTS: 100,
}
"""Nodes that are asked for with one row of a request of each kind: what GitHub's time goes with."""


def nodes_of(operations: Sequence[Operation], answer: Answer) -> int:
    """About how many nodes a request has asked for of what is there; rests that ride along are among it."""
    kind = kind_of(operations)
    rests = NODES[RESTS] * sum(each.name in RESTS_OF.values() for each in operations)
    if kind == "PullRequests":
        return NODES[kind] * sum(map(_listed_in, answer.data)) + rests
    return rests + NODES.get(kind, 0) * sum(len(each.variables.get("ids", ())) for each in operations)


def _listed_in(data: Json | None) -> int:
    repository = (data or {}).get("repository")
    connection = repository.get("pullRequests") if isinstance(repository, dict) else None
    listed = connection.get("nodes") if isinstance(connection, dict) else None
    return len(listed) if isinstance(listed, list) else 0


def requests_for(rows: int, size: int) -> int:
    return -(-rows // size)


def pages_of(changed: int, *, is_whole: bool, size: int) -> int:
    """Pages of a repository of which so many are read; unless all are, the last reaches behind them."""
    return max(1, requests_for(changed, size)) if is_whole else changed // size + 1


def span_of(data: Json | None) -> tuple[datetime, datetime] | None:
    """When the first deployment and the oldest of the newest hundred were made; None where that is all."""
    try:
        repository = (data or {})["repository"]
        if not repository["newest"]["pageInfo"]["hasNextPage"]:
            return None
        first, oldest = repository["oldest"]["nodes"][0], repository["newest"]["nodes"][-1]
        return datetime.fromisoformat(first["createdAt"]), datetime.fromisoformat(oldest["createdAt"])
    except (KeyError, TypeError, IndexError, ValueError):
        return None


def deployments_before(
    span: tuple[datetime, datetime], counts: tuple[int | None, int | None], now_utc: datetime
) -> int:
    """How many deployments there are behind the newest hundred.

    ``counts``: the pull requests created since the first deployment, and since the oldest of the hundred. As
    many deployments came with each before; where there are none to go by, as many a day.
    """
    since_first, since_oldest = counts
    if since_first is not None and since_oldest:
        return round(100 * (since_first - since_oldest) / since_oldest)
    first, oldest = span
    return round(100 * ((oldest - first) / max((now_utc - oldest), now_utc.resolution)))


def swept(
    recent: Mapping[str, int], targets: Mapping[str, int], read_anyway: Mapping[str, int]
) -> tuple[int, int]:
    """Pull requests and ratable texts that a sweep asks about, by repository.

    ``read_anyway``: how many the pages have, which are the newest: those are not asked about.
    """
    left = {key: max(0, n - read_anyway.get(key, 0)) for key, n in recent.items()}
    asked = sum(n * left[key] / recent[key] for key, n in targets.items() if recent.get(key))
    return sum(left.values()), round(asked)


def rounds_of_long(sizes: Iterable[int]) -> int:
    """Requests for threads beyond those that came with their pull request: so many threads each has."""
    pages = [requests_for(size - THREADS_SHOWN, THREADS_A_PAGE) for size in sizes if size > THREADS_SHOWN]
    return max(*pages, requests_for(sum(pages), LONG_A_REQUEST)) if pages else 0
