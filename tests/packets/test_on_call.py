"""The sentence on what somebody carried on call, against cases put together by hand."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest

from packets.evidence import Case, Reading
from packets.on_call import NIGHTS, PAGES, on_call_sentence

BERLIN, KOLKATA = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kolkata")


def case(
    metric_id: str, at: str, outcome: str, why: str = "", amount: float | None = None, **more: bool
) -> Case:
    counts_as = "excluded" if outcome == "excluded" else "numerator"
    reading = Reading(
        metric_id=metric_id,
        outcome=outcome,
        outcome_words=outcome,
        why=why,
        why_words=why,
        counts_as=counts_as,  # type: ignore[arg-type]
        amount=amount,
        unit="minutes",
    )
    return Case(
        evidence_id="E1",
        case_id=at,
        ref=at,
        title="",
        link=None,
        anchor_at_utc=datetime.fromisoformat(at),
        anchor_date=at[:10],
        month=at[:7],
        in_quarter=more.get("in_quarter", True),
        readings=(reading,),
    )


def nights(count: int) -> list[Case]:
    first = datetime(2026, 4, 1, 20)  # noqa: DTZ001
    return [case(NIGHTS, (first + timedelta(days=n)).isoformat(), "quiet") for n in range(count)]


def test_the_night_of_an_escalation_is_told_with_it() -> None:
    """The last page came at 01:02 UTC, 03:02 in Berlin, and timed out after ten minutes."""
    pages = [
        case(PAGES, "2026-05-13T20:30:00", "in_time", "responded", 2.0),
        case(PAGES, "2026-05-13T23:00:00", "in_time", "responded", 2.0),
        case(PAGES, "2026-05-14T00:10:00", "in_time", "responded", 2.0),
        case(PAGES, "2026-05-14T01:02:00", "late", "timed_out", 10.0),
        case(PAGES, "2026-05-20T10:00:00", "in_time", "responded", 2.0),
        case(PAGES, "2026-05-20T11:00:00", "excluded", "low_urgency"),
        case(PAGES, "2026-02-20T11:00:00", "late", "timed_out", in_quarter=False),
    ]
    assert on_call_sentence([*nights(15), *pages], lambda _: BERLIN) == (
        "Load carried, not merit: 15 nights on call, 5 pages, 4 answered within target, "
        "one escalated at 03:12 on 14 May 2026 after three pages that night."
    )


def test_the_clock_is_that_of_the_place_at_the_time() -> None:
    """In Kolkata it was half past six in the morning, and the page of 20:30 UTC was of that night."""
    pages = [
        case(PAGES, "2026-05-13T15:00:00", "in_time", "responded", 2.0),
        case(PAGES, "2026-05-13T20:30:00", "in_time", "responded", 2.0),
        case(PAGES, "2026-05-14T01:00:00", "late", "timed_out", 5.0),
    ]
    moved = datetime.fromisoformat("2026-05-01")
    assert on_call_sentence(pages, lambda at: KOLKATA if at >= moved else BERLIN) == (
        "Load carried, not merit: 0 nights on call, 3 pages, 2 answered within target, "
        "one escalated at 06:35 on 14 May 2026 after one page that night."
    )


def test_by_day_and_without_anything_before_it_only_the_time_is_told() -> None:
    pages = [case(PAGES, "2026-05-14T10:00:00", "late", "timed_out", 5.0)]
    assert on_call_sentence(pages, lambda _: BERLIN) == (
        "Load carried, not merit: 0 nights on call, 1 page, 0 answered within target, "
        "one escalated at 12:05 on 14 May 2026."
    )


def test_quiet_nights_are_said_and_nothing_is_said_of_nothing() -> None:
    assert on_call_sentence(nights(1), lambda _: BERLIN) == (
        "Load carried, not merit: 1 night on call, 0 pages."
    )
    assert on_call_sentence([], lambda _: BERLIN) is None


@pytest.mark.parametrize("seed", range(40))
def test_what_is_said_of_load_is_counted_again(seed: int) -> None:
    """Nights, pages and answers, every escalation with its time and the pages of its night before it."""
    chance = Random(seed)
    zone = chance.choice((BERLIN, KOLKATA))
    night_cases = nights(chance.randint(0, 3))
    pages = []
    for number in range(chance.randint(0, 8)):
        at = datetime(2026, 5, 13, tzinfo=UTC) + timedelta(minutes=37 * chance.randrange(60) + number)
        outcome, why = chance.choice(
            (
                *[("in_time", "responded"), ("late", "timed_out"), ("late", "responded")],
                *[("excluded", "low_urgency"), ("excluded", "responded_by_another"), ("pending", "open")],
            )
        )
        page = case(PAGES, at.replace(tzinfo=None).isoformat(), outcome, why, float(chance.randint(1, 20)))
        if outcome == "pending":
            page = replace(page, readings=(replace(page.readings[0], counts_as="pending"),))
        pages.append(page)
    told = on_call_sentence([*night_cases, *pages], lambda _: zone)
    counted = [page for page in pages if page.readings[0].outcome in ("in_time", "late")]
    if not counted and not night_cases:
        assert told is None
        return
    assert told is not None
    said = re.match(r"Load carried, not merit: (\d+|no) nights? on call, (\d+|no) pages?", told)
    assert said
    assert [0 if number == "no" else int(number) for number in said.groups()] == [
        len(night_cases),
        len(counted),
    ]
    in_time = sum(page.readings[0].outcome == "in_time" for page in counted)
    assert (f"{in_time} answered within target" in told) is bool(counted)
    escalated = sorted(
        (page for page in counted if page.readings[0].why == "timed_out"), key=lambda page: page.anchor_at_utc
    )
    if len(escalated) > 3:
        assert told.endswith(f", {len(escalated)} escalated.")
        return
    assert told.count("one escalated at") == len(escalated)
    for page in escalated:
        at = page.anchor_at_utc.replace(tzinfo=UTC).astimezone(zone)
        ended = at + timedelta(minutes=page.readings[0].amount or 0)
        before = sum(
            other is not page
            and other.readings[0].why != "low_urgency"
            and other.anchor_at_utc <= page.anchor_at_utc
            and evening_of(other.anchor_at_utc.replace(tzinfo=UTC).astimezone(zone)) == evening_of(at)
            for other in pages
            if evening_of(at) is not None
        )
        words = f"one escalated at {ended:%H:%M} on {ended.day} {ended:%B %Y}"
        if before:
            number = "no one two three four five six seven eight".split()[before]
            words += f" after {number} page{'' if before == 1 else 's'} that night"
        assert re.search(rf"{re.escape(words)}(,|\.| and)", told), (words, told)


def evening_of(local: datetime) -> date | None:
    """The evening whose night, 22:00 to 08:00, an instant is in."""
    moved = local.replace(tzinfo=None) - timedelta(hours=8)
    return moved.date() if moved.hour >= 14 else None
