"""Every question against its own condition, checked here a second time and independently."""

import random
from dataclasses import replace
from datetime import date, timedelta

import pytest

from packets.evidence import Case, Reading
from packets.packet import Packet
from packets.questions import AT_MOST, QUESTIONS, Material, questions
from packets.talking_points import TalkingPoint
from packets.unrequested import CONTEXT_ID
from tests.packets.organisation import utc

CLASSES = ("numerator", "denominator", "pending", "excluded")


def case(number: int, counted_as: str, day: date, why: str) -> Case:
    in_quarter = "2026-04" <= f"{day:%Y-%m}" <= "2026-06"
    outcome = "unrequested" if counted_as == "context" else "x"
    return Case(
        evidence_id=f"E{number}",
        case_id=f"case-{number}",
        ref=f"acme/api#{number}",
        title="",
        link=None,
        anchor_at_utc=utc(f"{day} 10:00"),
        anchor_date=day.isoformat(),
        month=f"{day:%Y-%m}",
        in_quarter=in_quarter,
        readings=(
            Reading(
                metric_id=CONTEXT_ID if counted_as == "context" else "rq_response_24h",
                outcome=outcome,
                outcome_words=outcome,
                why=why,
                why_words=why,
                counts_as=counted_as,  # type: ignore[arg-type]
                amount=3.0,
                unit="hours",
            ),
        ),
    )


def generated(seed: int) -> Material:
    chance = random.Random(seed)
    size = chance.choice((0, 1, 3, 8, 20))
    cases = []
    for number in range(1, size + 1):
        day = date(2026, 3, 15) + timedelta(days=chance.randint(0, 106 if chance.random() < 0.5 else 60))
        counted_as = chance.choice((*CLASSES, "context", "denominator"))
        cases.append(case(number, counted_as, day, chance.choice(("answered", "pr_merged", "unanswered"))))
    misses = [entry for entry in cases if entry.readings[0].counts_as == "denominator" and entry.in_quarter]
    good = [entry for entry in cases if entry.readings[0].counts_as == "numerator" and entry.in_quarter]
    points = tuple(
        TalkingPoint(
            kind=kind,  # type: ignore[arg-type]
            heading="",
            evidence_id=entry.evidence_id,
            ref=entry.ref,
            title="",
            link=None,
            sentence="",
        )
        for kind, chosen in (("unflattering", misses[:2]), ("thanks", good[:2]))
        for entry in chosen
    )
    away = tuple(date(2026, 5, 1) + timedelta(days=day) for day in range(chance.choice((0, 0, 14))))
    return Material(cases=tuple(cases), points=points, away_dates=away)


def condition(rule: str, material: Material) -> set[str]:
    """The ids a question may quote, worked out from the cases by another road than the predicates."""
    inside = [entry for entry in material.cases if "2026-04-01" <= entry.anchor_date <= "2026-06-30"]
    by_class = {
        name: [entry for entry in inside if entry.readings[0].counts_as == name]
        for name in (*CLASSES, "context")
    }
    misses = by_class["denominator"]
    months = sorted({entry.month for entry in misses}, key=lambda m: (-sum(e.month == m for e in misses), m))
    most = [entry for entry in misses if entry.month == months[0]]
    days = {str(day) for day in material.away_dates}
    ended = [entry for entry in by_class["excluded"] if entry.readings[0].why == "pr_merged"]
    quotable = {
        "longest_miss": misses[:1],
        "ended_a_wait": by_class["numerator"][:1],
        "misses_in_one_month": most if len(most) >= 3 and len(most) / len(misses) >= 2 / 3 else [],
        "asked_while_away": [
            entry
            for entry in inside
            if entry.anchor_date in days and entry.readings[0].counts_as != "context"
        ],
        "still_open": by_class["pending"],
        "reviewed_unasked": [e for e in material.cases if e.readings[0].counts_as == "context"],
        "ended_without_answer": ended if len(ended) >= 3 else [],
    }
    return {entry.evidence_id for entry in quotable[rule]}


@pytest.mark.parametrize("seed", range(200))
def test_a_question_is_printed_only_if_its_condition_holds(seed: int) -> None:
    material = generated(seed)
    asked = questions(material)
    assert len(asked) <= AT_MOST
    holding = [predicate.__name__ for predicate, _ in QUESTIONS if condition(predicate.__name__, material)]
    assert [question.rule for question in asked] == holding[:AT_MOST]
    for question in asked:
        assert set(question.evidence_ids) == condition(question.rule, material)
        assert question.evidence_ids[0] in question.sentence
        assert question.sentence.endswith("?")


def test_the_generated_material_reaches_every_question() -> None:
    reached = {
        predicate.__name__ for seed in range(200) for predicate, _ in QUESTIONS if predicate(generated(seed))
    }
    assert reached == {predicate.__name__ for predicate, _ in QUESTIONS}


def test_the_packet_asks_about_its_own_cases(small_packet: Packet) -> None:
    assert [question.rule for question in small_packet.questions] == [
        *("longest_miss", "ended_a_wait", "asked_while_away", "still_open")
    ]
    known = {entry.evidence_id for entry in small_packet.cases}
    for question in small_packet.questions:
        assert set(question.evidence_ids) <= known


def test_without_cases_there_is_no_question() -> None:
    assert questions(Material(cases=(), points=(), away_dates=(date(2026, 5, 1),))) == ()


def test_cases_outside_the_quarter_ask_nothing() -> None:
    early = replace(case(1, "pending", date(2026, 3, 3), ""), in_quarter=False)
    assert questions(Material(cases=(early,), points=(), away_dates=())) == ()
