"""About five cases worth talking about, chosen by a rule that is printed with them.

Here: the rules. Each looks at the cases of the quarter only, and none of them prefers more cases to fewer.
Not here: what is asked about them (questions).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

import duckdb

from packets.evidence import Case, Reading, pull_request_of
from packets.published import Publication, read
from packets.words import amount_text, day_text

Kind = Literal["thanks", "consequential", "unflattering"]

RULES: tuple[tuple[Kind, str, str], ...] = (
    (
        "thanks",
        "To thank for",
        "up to two that went well: first those that ended the longest wait, a day or more, of a pull request"
        " nobody had looked at, then the quickest with a remark, then the quickest",
    ),
    ("consequential", "Consequential", "the newest on the most critical key service"),
    ("unflattering", "Unflattering", "up to two misses, those without an answer first, then the longest"),
)
RULE_TEXT = "Chosen by rule from the cases of this quarter that count, each once. " + " ".join(
    f"{title}: {rule}." for _, title, rule in RULES
)
_FIRST_LOOK_AFTER = timedelta(hours=24)
_KEY_TIERS = (1, 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class TalkingPoint:
    """One chosen case with what makes it worth a word."""

    kind: Kind
    heading: str
    evidence_id: str
    ref: str
    title: str
    link: str | None
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the rules know of cases besides their readings, by case id."""

    first_look_opened_utc: Mapping[str, datetime]
    with_remark: frozenset[str]
    key_services: Mapping[str, tuple[int, str]]


def surroundings(
    connection: duckdb.DuckDBPyConnection, cases: Sequence[Case], *, person_id: str
) -> Surroundings:
    """Which answers were anybody's first look at a pull request, and which cases touch key services."""
    first_looks = read(
        connection,
        """SELECT r.case_id, p.created_at_utc
           FROM core.review_requests AS r
           JOIN core.pull_requests AS p ON p.pr_id = r.pr_id
           WHERE r.reviewer_id = $person_id AND r.why = 'answered' AND p.author_id <> $person_id
             AND NOT EXISTS (
                 SELECT 1 FROM core.reviews AS v LEFT JOIN core.people AS o ON o.person_id = v.reviewer_id
                 WHERE v.pr_id = r.pr_id AND v.reviewer_id IS DISTINCT FROM p.author_id
                   AND NOT coalesce(o.is_bot, false) AND v.submitted_at_utc < r.ended_at_utc
             )
           ORDER BY r.case_id""",
        {"person_id": person_id},
    )
    remarks = read(
        connection,
        """SELECT r.case_id
           FROM core.review_requests AS r
           WHERE r.reviewer_id = $person_id AND r.why = 'answered'
             AND (
                 EXISTS (
                     SELECT 1 FROM core.reviews AS v
                     WHERE v.pr_id = r.pr_id AND v.reviewer_id = $person_id AND trim(v.body) <> ''
                       AND v.submitted_at_utc BETWEEN r.started_at_utc AND r.ended_at_utc
                 )
                 OR EXISTS (
                     SELECT 1 FROM core.review_threads AS t
                     JOIN core.thread_comments AS c ON c.thread_id = t.thread_id
                     WHERE t.pr_id = r.pr_id AND c.author_id = $person_id
                       AND c.occurred_at_utc BETWEEN r.started_at_utc AND r.ended_at_utc
                 )
             )
           ORDER BY r.case_id""",
        {"person_id": person_id},
    )
    services = read(
        connection,
        """WITH touched AS (
               SELECT ref, unnest(service_ids) AS service_id, coalesce(merged_at_utc, created_at_utc) AS seen
               FROM core.pull_requests
               WHERE list_contains(CAST($refs AS VARCHAR[]), ref)
           )
           SELECT t.ref, s.service_id, min(s.tier) AS tier
           FROM touched AS t JOIN core.services AS s ON s.service_id = t.service_id
           WHERE (s.valid_from_utc IS NULL OR s.valid_from_utc <= t.seen)
             AND (s.valid_to_utc IS NULL OR t.seen < s.valid_to_utc)
           GROUP BY t.ref, s.service_id
           ORDER BY t.ref, tier DESC, s.service_id DESC""",
        {"refs": sorted({pull_request_of(case.ref) for case in cases})},
    )
    by_ref = {row["ref"]: (row["tier"], row["service_id"]) for row in services if row["tier"] in _KEY_TIERS}
    return Surroundings(
        with_remark=frozenset(row["case_id"] for row in remarks),
        first_look_opened_utc={row["case_id"]: row["created_at_utc"] for row in first_looks},
        key_services={
            case.case_id: by_ref[ref] for case in cases if (ref := pull_request_of(case.ref)) in by_ref
        },
    )


def talking_points(
    cases: Sequence[Case],
    around: Surroundings,
    published: Publication,
    *,
    better_when_counted: frozenset[str],
) -> tuple[TalkingPoint, ...]:
    """The chosen cases. ``better_when_counted`` names the share metrics whose numerator is the good side."""
    looked_at = [
        (case, reading)
        for case in cases
        for reading in case.readings
        if case.in_quarter and reading.metric_id in better_when_counted
    ]
    good = [(case, reading) for case, reading in looked_at if reading.counts_as == "numerator"]
    missed = [(case, reading) for case, reading in looked_at if reading.counts_as == "denominator"]
    chosen: dict[str, TalkingPoint] = {}
    unflattering = sorted(missed, key=lambda found: _longest_first(*found))[:2]
    taken_by_misses = {case.case_id for case, _ in unflattering}
    for case, sentence in _thanks(good, around, published):
        _take(chosen, "thanks", case, sentence)
    for case, sentence in _consequential([*good, *missed], around, {*chosen, *taken_by_misses}):
        _take(chosen, "consequential", case, sentence)
    for case, reading in unflattering:
        _take(chosen, "unflattering", case, _missed_sentence(reading, case))
    return tuple(chosen.values())


def _take(chosen: dict[str, TalkingPoint], kind: Kind, case: Case, sentence: str) -> None:
    heading = next(title for known, title, _ in RULES if known == kind)
    chosen.setdefault(
        case.case_id,
        TalkingPoint(
            kind=kind,
            heading=heading,
            evidence_id=case.evidence_id,
            ref=case.ref,
            title=case.title,
            link=case.link,
            sentence=sentence,
        ),
    )


def _longest_first(case: Case, reading: Reading) -> tuple[bool, float, datetime, str]:
    answered = reading.why == "answered"
    return answered, -(reading.amount or 0.0), case.anchor_at_utc, case.case_id


def _thanks(
    good: Sequence[tuple[Case, Reading]], around: Surroundings, published: Publication
) -> list[tuple[Case, str]]:
    """Two cases on different pull requests."""
    waited = sorted(
        (
            (around.first_look_opened_utc[case.case_id], case, reading)
            for case, reading in good
            if case.case_id in around.first_look_opened_utc
            and case.anchor_at_utc - around.first_look_opened_utc[case.case_id] >= _FIRST_LOOK_AFTER
        ),
        key=lambda found: (found[0] - found[1].anchor_at_utc, found[1].case_id),
    )
    quickest = sorted(
        (found for found in good if found[1].amount is not None and found[1].why != "answered_in_draft"),
        key=lambda found: (
            found[0].case_id not in around.with_remark,
            found[1].amount,
            found[0].anchor_at_utc,
            found[0].case_id,
        ),
    )
    offered = [
        (
            case,
            f"First to look at it: opened on {day_text(published.local(opened).date())}, this person asked on"
            f" {_day(case)}, {_took(reading)}.",
        )
        for opened, case, reading in waited
    ] + [
        (case, f"{_day(case)}: {_took(reading)}{remark}.")
        for case, reading in quickest
        for remark in [", with a remark" if case.case_id in around.with_remark else ""]
    ]
    kept: dict[str, tuple[Case, str]] = {}
    for case, sentence in offered:
        if len(kept) < 2:
            kept.setdefault(case.ref, (case, sentence))
    return list(kept.values())


def _took(reading: Reading) -> str:
    amount = amount_text(reading.amount, reading.unit, reading.clock)
    return f"{reading.why_words} after {amount}" if amount else reading.why_words


def _consequential(
    counted: Sequence[tuple[Case, Reading]], around: Surroundings, taken: set[str]
) -> list[tuple[Case, str]]:
    offered = sorted(
        (
            (case, reading)
            for case, reading in counted
            if case.case_id in around.key_services and case.case_id not in taken
        ),
        key=lambda found: (found[0].anchor_at_utc, found[0].case_id),
        reverse=True,
    )
    if not offered:
        return []
    case, reading = min(offered, key=lambda found: around.key_services[found[0].case_id][0])
    tier, service = around.key_services[case.case_id]
    return [
        (case, f"{_day(case)}: touches {service} (tier {tier}); {reading.outcome_words}, {_took(reading)}.")
    ]


def _missed_sentence(reading: Reading, case: Case) -> str:
    amount = amount_text(reading.amount, reading.unit, reading.clock)
    return f"{_day(case)}: {reading.why_words}{f' ({amount})' if amount else ''}."


def _day(case: Case) -> str:
    return day_text(date.fromisoformat(case.anchor_date))
