"""How many requests a run of GitHub will take, told before its pages.

Here: what each kind of request depends on, and what of it can be known beforehand.
Not here: asking (``client``), how long a request takes (``pipelines.outlook``).

GitHub counts pull requests, created or updated since an instant, many of them for a point; it does not count
deployments. How many there are follows from the time that the newest hundred took, in pull requests. What a
night finds changed without an update is what the nights before it found.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from connectors.contract import Limit
from connectors.github.transport import Answer, Json, Operation

RESTS = "rests of lists"
POINTS_AN_HOUR = 5_000
_WINDOW_SECONDS = 3_600.0
_CLOCKS_DIFFER_SECONDS = 60.0


def kind_of(operations: Sequence[Operation]) -> str:
    """What a request is asked for: that of its first operation; what rides along is beside it."""
    name = operations[0].name
    return RESTS if name.startswith("More") and name != "MoreDeploymentStatuses" else name


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
    if kind == "PullRequests":
        rests = sum(each.name != kind for each in operations)
        return NODES[kind] * sum(map(_listed_in, answer.data)) + NODES[RESTS] * rests
    if kind == RESTS:
        return NODES[RESTS] * len(operations)
    return NODES.get(kind, 0) * sum(len(each.variables.get("ids", ())) for each in operations)


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


def limit_of(data: Json | None, served_at_utc: datetime, now: float) -> Limit | None:
    """What GitHub says of its points. ``now``: seconds since 1970, where its own time cannot be right."""
    told: Any = (data or {}).get("rateLimit")
    try:
        reset = datetime.fromisoformat(told["resetAt"]).astimezone(UTC).timestamp()
        left, an_hour = int(told["remaining"]), int(told.get("limit") or POINTS_AN_HOUR)
    except (KeyError, TypeError, ValueError):
        return None
    seconds = [reset - clock for clock in (served_at_utc.timestamp(), now)]
    likely = [each for each in seconds if -_CLOCKS_DIFFER_SECONDS <= each <= _WINDOW_SECONDS + 60.0]
    return Limit(
        left=left, renewed_in_seconds=max(likely[0], 0.0) if likely else _WINDOW_SECONDS, an_hour=an_hour
    )


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
