"""Reviews nobody asked this person for by name. A line of context: no metric, no trend, no merit."""

from dataclasses import dataclass
from datetime import datetime

import duckdb

from packets.evidence import FoundCase, Reading
from packets.published import Publication, read
from packets.words import plain, web_link, worded

CONTEXT_ID = "context_reviews_given"

# One row per pull request of somebody else that the person reviewed first inside the period.
_REVIEWED = """
WITH first_reviews AS (
    SELECT v.pr_id, min(v.submitted_at_utc) AS reviewed_at_utc
    FROM core.reviews AS v
    WHERE v.reviewer_id = $person_id AND v.submitted_at_utc IS NOT NULL AND v.state <> 'PENDING'
    GROUP BY v.pr_id
)
SELECT
    p.pr_id, p.ref, p.source_url, f.reviewed_at_utc,
    EXISTS (
        SELECT 1 FROM core.pr_events AS e
        WHERE e.pr_id = p.pr_id AND e.type = 'review_requested' AND e.reviewer_id = $person_id
          AND e.occurred_at_utc <= f.reviewed_at_utc
    ) AS by_name,
    EXISTS (
        SELECT 1
        FROM core.pr_events AS e
        JOIN core.memberships AS m ON m.team_id = e.requested_team_id
        WHERE e.pr_id = p.pr_id AND e.type = 'review_requested' AND m.person_id = $person_id
          AND e.occurred_at_utc <= f.reviewed_at_utc
          AND (m.from_at_utc IS NULL OR m.from_at_utc <= f.reviewed_at_utc)
          AND (m.to_at_utc IS NULL OR f.reviewed_at_utc < m.to_at_utc)
    ) AS to_their_team
FROM first_reviews AS f
JOIN core.pull_requests AS p ON p.pr_id = f.pr_id
LEFT JOIN core.people AS a ON a.person_id = p.author_id
WHERE p.author_id IS DISTINCT FROM $person_id AND NOT coalesce(a.is_bot, false)
  AND f.reviewed_at_utc >= $begins AND f.reviewed_at_utc < $ends AND f.reviewed_at_utc <= $as_of
ORDER BY f.reviewed_at_utc, p.pr_id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewsGiven:
    """How the pull requests somebody reviewed had come to them."""

    n_reviewed: int
    n_by_name: int
    n_to_their_team: int
    n_unrequested: int
    sentence: str | None
    cases: tuple[FoundCase, ...]


def reviews_given(
    connection: duckdb.DuckDBPyConnection,
    *,
    person_id: str,
    begins_utc: datetime,
    ends_utc: datetime,
    published: Publication,
) -> ReviewsGiven:
    """The reviews of ``[begins_utc, ends_utc)`` by how they were asked for; cases only where the sentence is
    printed. Naive UTC instants."""
    rows = read(
        connection,
        _REVIEWED,
        {
            "person_id": person_id,
            "begins": begins_utc,
            "ends": ends_utc,
            "as_of": published.as_of_utc,
        },
    )
    outcomes = [
        "by_name" if row["by_name"] else "to_their_team" if row["to_their_team"] else "unrequested"
        for row in rows
    ]
    by_name, to_team = outcomes.count("by_name"), outcomes.count("to_their_team")
    unnamed = len(rows) - by_name
    return ReviewsGiven(
        n_reviewed=len(rows),
        n_by_name=by_name,
        n_to_their_team=to_team,
        n_unrequested=unnamed - to_team,
        sentence=_sentence(len(rows), unnamed, to_team),
        cases=tuple(
            FoundCase(
                case_id=f"reviewed/{row['pr_id']}/{person_id}",
                ref=plain(row["ref"]),
                link=web_link(row["source_url"]),
                anchor_at_utc=row["reviewed_at_utc"],
                month=f"{published.local(row['reviewed_at_utc']):%Y-%m}",
                reading=Reading(
                    metric_id=CONTEXT_ID,
                    outcome=outcome,
                    outcome_words=worded("outcomes", outcome),
                    why="",
                    why_words="",
                    counts_as="context",
                    amount=None,
                    unit="",
                ),
            )
            for row, outcome in zip(rows, outcomes, strict=True)
            if unnamed
        ),
    )


def _sentence(reviewed: int, unnamed: int, to_team: int) -> str | None:
    """Predicate: at least one review without a request by name; the bracket: one after a team's request."""
    if not unnamed:
        return None
    bracket = f" ({to_team} after a request to their team)" if to_team else ""
    return f"Of {reviewed} pull requests reviewed, {unnamed} had no request to this person by name{bracket}."
