"""One sentence on what a person carried on call in the quarter, from the cases.

Here: nights, pages, how many were answered within the target, and what kind of night it was when one was not.
Not here: the figures of the same cases (figures), which stand under their own headings.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from packets.catalogue import HEADINGS
from packets.evidence import Case
from packets.words import counted, day_text, listed

ZoneAt = Callable[[datetime], ZoneInfo]

NIGHTS, PAGES = "oc_sleep_nights", "oc_ack_within_target"
_NUMBERS = "no one two three four five six seven eight nine ten eleven twelve".split()
_NIGHT_BEGINS, _NIGHT_ENDS = 22, 8


def on_call_sentence(cases: Sequence[Case], zone_at: ZoneAt) -> str | None:
    """Predicate: a night on call or a page in the quarter. ``zone_at`` is where the person was at an instant.

    "Load carried, not merit: 15 nights on call, 5 pages, 4 answered within target, one escalated at 03:12 on
    14 May 2026 after three pages that night." What is left out of the figures is left out here.
    """
    here = [case for case in cases if case.in_quarter]
    nights = [case for case in here if (reading := case.reading(NIGHTS)) and reading.counts_as != "excluded"]
    pages = [
        case
        for case in here
        if (reading := case.reading(PAGES)) and reading.counts_as not in ("excluded", "pending")
    ]
    if not nights and not pages:
        return None
    told = [f"{counted(len(nights), 'night')} on call", counted(len(pages), "page")]
    if pages:
        outcomes = [reading.outcome for case in pages if (reading := case.reading(PAGES))]
        in_time = outcomes.count("in_time")
        told.append(f"{in_time} answered within target")
    told += _escalations(here, pages, zone_at)
    return f"{HEADINGS['load']}: {', '.join(told)}."


def _escalations(here: Sequence[Case], pages: Sequence[Case], zone_at: ZoneAt) -> list[str]:
    """Each escalated page with its time; of many only how many."""
    escalated = [case for case in pages if (reading := case.reading(PAGES)) and reading.why == "timed_out"]
    if len(escalated) > 3:
        return [f"{len(escalated)} escalated"]
    told = []
    for case in escalated:
        reading = case.reading(PAGES)
        at = case.anchor_at_utc + timedelta(minutes=reading.amount or 0.0 if reading else 0.0)
        local = _local(at, zone_at)
        words = f"one escalated at {local:%H:%M} on {day_text(local.date())}"
        before = _pages_before(here, case, zone_at)
        if before:
            words += f" after {_number(before)} page{'' if before == 1 else 's'} that night"
        told.append(words)
    return [listed(told, at_most=3)] if told else []


def _pages_before(here: Sequence[Case], case: Case, zone_at: ZoneAt) -> int:
    """Pages of high urgency in the same night before this one; 0 by day."""
    night = _night_of(case.anchor_at_utc, zone_at)
    return sum(
        other is not case
        and (reading := other.reading(PAGES)) is not None
        and reading.why not in ("low_urgency", "not_on_call")
        and other.anchor_at_utc <= case.anchor_at_utc
        and night is not None
        and _night_of(other.anchor_at_utc, zone_at) == night
        for other in here
    )


def _night_of(at_utc: datetime, zone_at: ZoneAt) -> str | None:
    local = _local(at_utc, zone_at)
    if local.hour >= _NIGHT_BEGINS:
        return local.date().isoformat()
    return (local.date() - timedelta(days=1)).isoformat() if local.hour < _NIGHT_ENDS else None


def _local(at_utc: datetime, zone_at: ZoneAt) -> datetime:
    return at_utc.replace(tzinfo=ZoneInfo("UTC")).astimezone(zone_at(at_utc))


def _number(count: int) -> str:
    return _NUMBERS[count] if count < len(_NUMBERS) else str(count)
