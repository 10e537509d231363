"""Goals agreed beforehand, as a packet shows them.

Here: the goals of one person that overlap a quarter, and those of the teams they were in then, with where
they stand, baseline and later edits; and in a few words what had been agreed.
Not here: the check itself (transforms.goals).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import duckdb

from packets.published import Publication, read
from packets.quarters import Quarter
from packets.words import day_text, listed, worded


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """One goal: what was agreed, where it stands, and what should be known of its wording.

    ``team``: it is that team's, and nobody's own.
    """

    goal_id: str
    team: str | None
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
    checks.difference, checks.difference_low, checks.difference_high, checks.withheld_reason, metrics.unit
FROM core.goals AS goals
LEFT JOIN trends.goals AS checks ON checks.goal_id = goals.goal_id
LEFT JOIN catalog.metrics AS metrics ON metrics.metric_id = goals.metric_id
WHERE goals.start_date <= $last_day AND goals.end_date >= $first_day
    AND (
        (goals.owner_kind = 'person' AND goals.owner_id = $person)
        OR (goals.owner_kind = 'team' AND EXISTS (
            FROM core.memberships AS memberships
            WHERE memberships.person_id = $person AND memberships.team_id = goals.owner_id
                AND coalesce(memberships.from_at_utc < least(goals.end_utc, $ends), true)
                AND coalesce(memberships.to_at_utc > greatest(goals.start_utc, $begins), true)
        ))
    )
ORDER BY goals.owner_kind, goals.parent_goal NULLS FIRST, goals.start_date, goals.goal_id
"""
AGREED_SHOWN = 3
_STATUS_WORDS = {
    "not_started": "not begun",
    "so_far": "still running",
    "met": "met",
    "not_met": "not met",
    "not_enough_data": "too few cases for a verdict",
    "kept by hand": "kept by hand",
}


_BY_HAND = "Kept by hand; nothing is written about it yet."


def goals_of(
    connection: duckdb.DuckDBPyConnection, *, person_id: str, quarter: Quarter, published: Publication
) -> tuple[Goal, ...]:
    """The goals that some day of the quarter belongs to, own ones first, under their parents, by first day.

    A team's goal is there if the person was in the team on a day of it and of the quarter. Its figure is
    withheld where the group rule says so.
    """
    parameters = {
        "person": person_id,
        "first_day": quarter.first_day,
        "last_day": quarter.last_day,
        "begins": quarter.begins_utc(published),
        "ends": quarter.ends_utc(published),
    }
    return tuple(
        Goal(
            goal_id=row["goal_id"],
            team=row["owner_id"] if row["owner_kind"] == "team" else None,
            title=row["title"],
            parent_goal=row["parent_goal"],
            metric_id=row["metric_id"],
            first_day=row["start_date"].isoformat(),
            last_day=row["end_date"].isoformat(),
            denominator=row["denominator"],
            state=row["state"] or "kept by hand",
            status="withheld" if row["withheld_reason"] else row["status"] or "kept by hand",
            sentence=_withheld(row) or row["sentence"] or row["outcome_text"] or _BY_HAND,
            baseline=None if row["withheld_reason"] else _baseline(row),
            remarks=_remarks(row, published),
            content_hash=row["content_hash"],
        )
        for row in read(connection, _GOALS, parameters)
    )


def agreed_last_time(goals: Sequence[Goal]) -> str:
    """The person's own goals of the quarter in a few words. Predicate: there is one, of that status."""
    own = [goal for goal in goals if goal.team is None]
    if not own:
        return "None recorded."
    return f"{listed([f'{goal.title} ({_in_short(goal)})' for goal in own], at_most=AGREED_SHOWN)}."


def _in_short(goal: Goal) -> str:
    if goal.state == "maturing":
        return "late cases may still come"
    return _STATUS_WORDS.get(goal.status, goal.status)


def _withheld(row: dict[str, object]) -> str | None:
    """Predicate: the group rule withholds the team's figure."""
    if not row["withheld_reason"]:
        return None
    return f"Its figure is {worded('withheld', str(row['withheld_reason']))}."


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
