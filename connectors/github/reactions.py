"""Which reactions are ratings, and what GitHub's groups say of them.

Here: the contents that rate a review, and how many of each a review or review comment has.
Not here: whose they are (``rests`` asks, ``parse`` makes records), what they mean (``transforms``).

Only what rates is asked for by name: a laugh or a pair of eyes is no rating, and an author cannot rate
themselves.
"""

from collections.abc import Mapping
from typing import Any, Literal, get_args

Rating = Literal["THUMBS_UP", "THUMBS_DOWN", "CONFUSED", "HEART", "HOORAY", "ROCKET"]
RATINGS: tuple[Rating, ...] = get_args(Rating)


def ratings_of(node: Any) -> Mapping[str, int]:
    """How many of each reaction that rates a review or comment has, by content; nothing where it has none.

    GitHub lists a group for every content, most of them empty, and may give null for the whole list.
    """
    groups = node.get("reactionGroups") if isinstance(node, dict) else None
    found: dict[str, int] = {}
    for group in groups if isinstance(groups, list) else ():
        reactors = group.get("reactors") if isinstance(group, dict) else None
        total = reactors.get("totalCount") if isinstance(reactors, dict) else None
        if isinstance(total, int) and total > 0 and group.get("content") in RATINGS:
            found[group["content"]] = total
    return found


def may_be_rated(node: Any, pull_request: Mapping[str, Any]) -> bool:
    """Whether what somebody said on a pull request has a rating and is not the author's own."""
    return bool(ratings_of(node)) and _account(node) != _account(pull_request)


def _account(node: Mapping[str, Any]) -> Any:
    """Something that tells accounts apart; two deleted ones are two, so each is like nothing else."""
    author = node.get("author")
    return (author.get("__typename"), author.get("login")) if isinstance(author, dict) else object()
