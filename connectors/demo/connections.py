"""GitHub's lists: how long a page is, cursors, and what a request costs.

Here: what holds for every connection.
Not here: what is in a list (``snapshot``).
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from typing import TypeVar

from connectors.github.transport import Json, Operation

LABELS, REVIEWS, THREADS, COMMENTS, TIMELINE = 10, 15, 12, 5, 15
"""How many of each nested list come with a pull request; the numbers of ``queries/*.graphql``."""

MORE, MORE_THREADS, MORE_REACTIONS = 100, 50, 20
"""How many come with one operation for the rest of a list."""

Row = TypeVar("Row")


class UnknownCursorError(Exception):
    """A cursor that no page gave out."""


def page(rows: Sequence[Row], *, first: int, after: str | None, show: Callable[[Row], Json]) -> Json:
    """A connection: at most ``first`` rows behind the cursor ``after``."""
    start = _place_of(after)
    shown = rows[start : start + first]
    return {
        "pageInfo": {
            "hasNextPage": start + first < len(rows),
            "endCursor": _cursor(start + len(shown)) if shown else None,
        },
        "nodes": [show(row) for row in shown],
    }


def points_of(operations: Sequence[Operation]) -> int:
    """GitHub's price: the connections that a request may open, by its ``first`` arguments, over 100."""
    return max(1, round(sum(_connections(operation) for operation in operations) / 100))


def _connections(operation: Operation) -> int:
    match operation.name:
        case "PullRequests" | "Deployments":
            below = 5 + THREADS if operation.name == "PullRequests" else 2
            return 1 + int(operation.variables["pageSize"]) * below
        case "MoreReviewThreads":
            return 1 + MORE_THREADS
        case "ServerTime" | "CreatedPullRequests" | "ReactionCounts" | "PullRequestPlaces":
            return 0
        case "PullRequestsById":
            return len(operation.variables["ids"]) * (5 + THREADS)
        case "ThreadStates":
            return len(operation.variables["ids"])
        case _:
            return 1


def _cursor(place: int) -> str:
    return urlsafe_b64encode(f"place:{place}".encode()).decode()


def _place_of(cursor: str | None) -> int:
    if cursor is None:
        return 0
    try:
        word, _, place = urlsafe_b64decode(cursor).decode().partition(":")
        if word == "place":
            return int(place)
    except ValueError:
        pass
    raise UnknownCursorError(cursor)
