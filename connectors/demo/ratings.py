"""How the made-up authors react to reviews of their pull requests.

Here: the reactions to one review or comment, told by its id alone, so that nothing else depends on them.
Not here: GitHub's groups and lists of them (``snapshot``).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from connectors.demo.people import Account
from connectors.demo.pull_requests import Comment, Review

REACTS, LAUGHS = 0.22, 0.03
"""Of what colleagues said, how much gets a reaction that rates it, and one that does not."""

_CONTENTS = ("THUMBS_UP", "HEART", "HOORAY", "ROCKET", "CONFUSED", "THUMBS_DOWN")
_WEIGHTS = (60, 14, 8, 8, 6, 4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaction:
    """One reaction of the pull request's author."""

    database_id: int
    author: Account
    content: str
    created_at_utc: datetime


def reactions_to(said: Review | Comment, author: Account, now: datetime) -> Iterator[Reaction]:
    """The author's reaction to a colleague's words, if it came by now; bots and own words get none."""
    if said.author == author or author.type == "Bot" or said.author.type == "Bot":
        return
    rnd = Random(said.database_id)
    since = said.submitted_at_utc if isinstance(said, Review) else said.seen_from_utc
    drawn = rnd.random()
    content = rnd.choices(_CONTENTS, _WEIGHTS)[0] if drawn < REACTS else "LAUGH"
    created = since + timedelta(seconds=rnd.randrange(60, 3 * 86_400))
    if drawn < REACTS + LAUGHS and created <= now:
        yield Reaction(database_id=said.database_id, author=author, content=content, created_at_utc=created)
