"""Since when there are figures about persons: switched on again, they begin with the next quarter.

Here: the journal of the switch, and what is removed where it is off.
Not here: the tables without persons (``transforms``).
"""

import shutil
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

from transforms.local_time import local_date, next_month, quarter_start

JOURNAL = "persons"
ALWAYS = date.min


def switched(
    entries: Sequence[Mapping[str, Any]], known_at_utc: datetime, *, persons: bool
) -> list[dict[str, Any]]:
    """The entry of a night on which ``[packets] persons`` is another than before; on at first is no entry."""
    before = entries[-1]["persons"] if entries else True
    return [] if before == persons else [{"persons": persons, "known_at_utc": known_at_utc.isoformat()}]


def persons_from(entries: Sequence[Mapping[str, Any]], zone: str, *, persons: bool) -> date | None:
    """The first day of the periods in which persons have figures; None where they have none.

    ``persons`` is what the configuration says now. A day of the reporting zone, which begins a quarter, or
    ``ALWAYS`` where persons were never off.
    """
    if not persons or (entries and not entries[-1]["persons"]):
        return None
    if not entries:
        return ALWAYS
    on = datetime.fromisoformat(entries[-1]["known_at_utc"])
    return next_month(quarter_start(local_date(on, zone)), 3)


def remove_what_holds_persons(packets: Path, past_days: Path) -> list[str]:
    """Remove these folders, where they are there. Gives what was removed, in words."""
    removed = []
    for folder, what in ((packets, "packets"), (past_days, "databases of past days")):
        if folder.exists():
            shutil.rmtree(folder)
            removed.append(what)
    return removed
