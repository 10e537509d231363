"""What earlier runs know of a PagerDuty account, so that a night reads only what is new.

Here: the shape of it. It is read from manifests and landing files by whoever runs the source.
"""

from collections.abc import Set
from dataclasses import dataclass, field
from datetime import date, datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownAccount:
    """What is known.

    ``log_complete_at_utc``: server time at the start of the newest run that read the log to its end.
    ``first_utc``: when the first incident was created. ``settled_months``: months of schedules that were
    shown after their end, by first day: they are never read again, because PagerDuty computes the past from
    today's layers.
    """

    log_complete_at_utc: datetime
    first_utc: datetime | None = None
    settled_months: Set[date] = field(default_factory=frozenset)
