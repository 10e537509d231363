"""What earlier runs know of a repository, so that a night reads only what has changed.

Here: the shape of it. It is read from manifests and landing files by whoever runs the source.
Not here: deciding what to read with it (``client``).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownThread:
    """A review thread as the newest snapshot showed it. ``size``: comments in it, to notice a deleted one."""

    is_resolved: bool
    is_outdated: bool
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownRepository:
    """What is known of one repository.

    ``complete_at_utc``: server time at the start of the newest run that read it without a gap.
    ``missing_since_utc``: when the time begins in which the newest run stored fewer than GitHub counted, and
    was the first to; what was created since then was updated since then too.
    ``unfinished_since_utc``: of its deployments, when the oldest was created that has not ended yet, and
    ``deployed_utc``: when those of the last months were created.
    ``recent``: by node id, the threads of pull requests that are open or ended a short while ago. Resolving a
    thread or deleting a comment does not move a pull request's time of update, so these are looked at again.
    ``rated``: of the same pull requests, by node id, what is stored of the reactions to each review and
    comment, by its node id: how many of each content. A reaction moves no time of update either.
    """

    complete_at_utc: datetime
    missing_since_utc: datetime | None = None
    unfinished_since_utc: datetime | None = None
    deployed_utc: tuple[datetime, ...] = ()
    recent: Mapping[str, Mapping[str, KnownThread]] = field(default_factory=dict)
    rated: Mapping[str, Mapping[str, Mapping[str, int]]] = field(default_factory=dict)
