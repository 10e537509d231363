"""Questions for the conversation. Each quotes evidence and is printed only if its predicate is true.

A predicate stands beside its sentence and returns the cases it is true of; an empty result prints nothing.
No question says what to think of the answer.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from packets.catalogue import CountsAs
from packets.evidence import Case, Reading
from packets.talking_points import TalkingPoint
from packets.unrequested import CONTEXT_ID
from packets.words import amount_text, counted
from transforms.ladder import month_name

AT_MOST = 4
REQUESTS = frozenset({"rq_response_24h", "rq_first_response_time"})
"""The metrics whose cases are requests to the person, each in the month in which somebody began to wait."""
_CITED = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question with the evidence it quotes; ``rule`` names its predicate."""

    rule: str
    sentence: str
    evidence_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What the predicates look at: the cases of the quarter, what was chosen, the days away.

    ``with_good_side`` names the share metrics that count misses; None takes all shares for such.
    """

    cases: tuple[Case, ...]
    points: tuple[TalkingPoint, ...]
    away_dates: tuple[date, ...]
    with_good_side: frozenset[str] | None = None

    def of(self, *counted_as: CountsAs, among: frozenset[str] | None = None) -> list[tuple[Case, Reading]]:
        """Cases of the quarter with the first reading that counts them so, each case once.

        ``among``: only readings of these metrics.
        """
        found = []
        for case in self.cases:
            reading = next(
                (
                    entry
                    for entry in case.readings
                    if entry.counts_as in counted_as and (among is None or entry.metric_id in among)
                ),
                None,
            )
            if case.in_quarter and reading:
                found.append((case, reading))
        return found

    def chosen(self, kind: str) -> list[Case]:
        """The cases chosen under a heading, in the order shown."""
        ids = [point.evidence_id for point in self.points if point.kind == kind]
        return [case for wanted in ids for case in self.cases if case.evidence_id == wanted]


def longest_miss(material: Material) -> list[Case]:
    """The first of the unflattering cases."""
    return material.chosen("unflattering")[:1]


def misses_in_one_month(material: Material) -> list[Case]:
    """The misses of one month, if there are at least three and they are two thirds of the quarter's."""
    misses = [case for case, _ in material.of("denominator", among=material.with_good_side)]
    if not misses:
        return []
    month, count = min(Counter(case.month for case in misses).items(), key=lambda item: (-item[1], item[0]))
    enough = count >= 3 and 3 * count >= 2 * len(misses) and len(misses) > 1
    return [case for case in misses if case.month == month] if enough else []


def asked_while_away(material: Material) -> list[Case]:
    """Requests of the quarter whose clock started on a day the person was away."""
    away = {day.isoformat() for day in material.away_dates}
    return [
        case
        for case, _ in material.of(
            *("numerator", "denominator", "finished", "unfinished", "pending", "excluded"), among=REQUESTS
        )
        if case.anchor_date in away
    ]


def still_open(material: Material) -> list[Case]:
    """Cases of the quarter that are pending at the as-of."""
    return [case for case, _ in material.of("pending")]


def ended_without_answer(material: Material) -> list[Case]:
    """At least three requests left out because the pull request ended first."""
    left_out = material.of("excluded", among=REQUESTS)
    ended = [case for case, reading in left_out if reading.why in ("pr_merged", "pr_closed")]
    return ended if len(ended) >= 3 else []


def reviewed_unasked(material: Material) -> list[Case]:
    """Reviews of the quarter without a request to this person by name."""
    return [
        case
        for case in material.cases
        if (reading := case.reading(CONTEXT_ID)) is not None and reading.outcome != "by_name"
    ]


def ended_a_wait(material: Material) -> list[Case]:
    """The first of the cases to thank for."""
    return material.chosen("thanks")[:1]


def _about_longest_miss(cases: Sequence[Case]) -> str:
    (case,) = cases
    reading = next(entry for entry in case.readings if entry.counts_as == "denominator")
    amount = amount_text(reading.amount, reading.unit, reading.clock)
    told = ", ".join(part for part in (reading.why_words, amount) if part)
    return f"What was going on around {case.ref} [{case.evidence_id}]{f' ({told})' if told else ''}?"


def _about_one_month(cases: Sequence[Case]) -> str:
    return (
        f"Most of the misses of the quarter fall in {month_name(cases[0].month)} {_quoted(cases)}."
        " What was different then?"
    )


def _about_thanks(cases: Sequence[Case]) -> str:
    (case,) = cases
    return (
        f"What made {case.ref} [{case.evidence_id}] go as it did, and could it be made easier for everybody?"
    )


QUESTIONS: tuple[tuple[Callable[[Material], list[Case]], Callable[[Sequence[Case]], str]], ...] = (
    (longest_miss, _about_longest_miss),
    (misses_in_one_month, _about_one_month),
    (ended_a_wait, _about_thanks),
    (
        asked_while_away,
        lambda cases: (
            f"{counted(len(cases), 'case')} began on days away {_quoted(cases)}."
            " How do others learn whom to ask instead?"
        ),
    ),
    (
        still_open,
        lambda cases: (
            f"{counted(len(cases), 'case')} {'was' if len(cases) == 1 else 'were'} still open at the"
            f" as-of {_quoted(cases)}. What does it take to finish?"
        ),
    ),
    (
        reviewed_unasked,
        lambda cases: (
            f"{counted(len(cases), 'review')} had no request by name {_quoted(cases)}."
            " Who sees this work, and is it where the person wants to spend the time?"
        ),
    ),
    (
        ended_without_answer,
        lambda cases: (
            f"{counted(len(cases), 'pull request')} ended before the limit without waiting for an answer"
            f" {_quoted(cases)}. Was a review still wanted?"
        ),
    ),
)


def questions(material: Material) -> tuple[Question, ...]:
    """The first few questions whose predicates are true, in their fixed order."""
    asked = []
    for predicate, sentence in QUESTIONS:
        cases = predicate(material)
        if cases:
            asked.append(
                Question(
                    rule=predicate.__name__,
                    sentence=sentence(cases),
                    evidence_ids=tuple(case.evidence_id for case in cases),
                )
            )
    return tuple(asked[:AT_MOST])


def _quoted(cases: Sequence[Case]) -> str:
    shown = ", ".join(case.evidence_id for case in cases[:_CITED])
    return f"[{shown}{f' and {len(cases) - _CITED} more' if len(cases) > _CITED else ''}]"
