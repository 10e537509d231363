"""The sentence on what somebody carried on call, against cases put together by hand."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

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
