"""Goals agreed beforehand, as a packet shows them.

Here: the goals of one person that overlap a quarter, with where they stand, baseline and later edits.
Not here: the check itself (transforms.goals).
"""

from dataclasses import dataclass
from datetime import date

import duckdb

from packets.published import Publication, read
from packets.quarters import Quarter
from packets.words import day_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """One goal: what was agreed, where it stands, and what should be known of its wording."""

    goal_id: str
    title: str
    parent_goal: str | None
    metric_id: str | None
    first_day: str
    last_day: str
    denominator: str | None
    state: str
    status: str
    sentence: str
    baseline: str | None
    remarks: tuple[str, ...]
    content_hash: str


_GOALS = """
SELECT goals.*, checks.state, checks.status, checks.sentence, checks.feasibility, checks.baseline_value,
    checks.difference, checks.difference_low, checks.difference_high, metrics.unit
FROM core.goals AS goals
LEFT JOIN trends.goals AS checks ON checks.goal_id = goals.goal_id
LEFT JOIN catalog.metrics AS metrics ON metrics.metric_id = goals.metric_id
WHERE goals.owner_kind = 'person' AND goals.owner_id = $person
    AND goals.start_date <= $last_day AND goals.end_date >= $first_day
ORDER BY goals.parent_goal NULLS FIRST, goals.start_date, goals.goal_id
"""


_BY_HAND = "Kept by hand; nothing is written about it yet."


def goals_of(
    connection: duckdb.DuckDBPyConnection, *, person_id: str, quarter: Quarter, published: Publication
) -> tuple[Goal, ...]:
    """The goals that some day of the quarter belongs to, under their parents, by first day."""
    parameters = {"person": person_id, "first_day": quarter.first_day, "last_day": quarter.last_day}
    return tuple(
        Goal(
            goal_id=row["goal_id"],
            title=row["title"],
            parent_goal=row["parent_goal"],
            metric_id=row["metric_id"],
            first_day=row["start_date"].isoformat(),
            last_day=row["end_date"].isoformat(),
            denominator=row["denominator"],
            state=row["state"] or "kept by hand",
            status=row["status"] or "kept by hand",
            sentence=row["sentence"] or row["outcome_text"] or _BY_HAND,
            baseline=_baseline(row),
            remarks=_remarks(row, published),
            content_hash=row["content_hash"],
        )
        for row in read(connection, _GOALS, parameters)
    )


def _baseline(row: dict[str, object]) -> str | None:
    """Predicate: a baseline of enough cases."""
    if row["baseline_value"] is None:
        return None
    counts = f"{row['baseline_numerator']:g} of {row['baseline_denominator']:g}"
    if row["difference"] is None:
        return f"Before: {counts}."
    low, high = row["difference_low"], row["difference_high"]
    interval = f"95% interval {low:+.0%} to {high:+.0%}"
    return f"Before: {counts}; the difference is {row['difference']:+.0%} ({interval})."


def _remarks(row: dict[str, object], published: Publication) -> tuple[str, ...]:
    """What should be known of the wording: each sentence where its own column says so."""
    found = []
    if row["is_stored_late"]:
        found.append("It was stored after its first day, so it was not agreed beforehand.")
    if row["edit"]:
        found.append(
            f"It was edited on {_day(published, row['edited_at_utc'])}, after it began: {row['edit']}. "
            "It is checked as it was agreed."
        )
    if row["is_withdrawn"]:
        found.append("It was taken out of goals.toml.")
    if row["feasibility"]:
        found.append(str(row["feasibility"]))
    return tuple(found)


def _day(published: Publication, instant: object) -> str:
    local: date = published.local(instant).date()  # type: ignore[arg-type]
    return day_text(local)
