"""What stands beside the series of teams, services and features: agreed goals and attached numbers.

Here: words for the trend page, and its table of people who were hired the same way, pooled. All of it is for
leadership, and none of it names a person.
Not here: series and their charts (trend_page), goals of persons (goals), which groups may be shown
(transforms).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import duckdb

from packets.catalogue import Metric
from packets.features import numbers_told
from packets.published import Publication, Row, read
from packets.words import days_text, interval_text, plain, value_text, worded

QUARTERS_SHOWN = 4

_GOALS = """
SELECT goals.owner_id, goals.title, goals.start_date, goals.end_date, goals.outcome_text, checks.sentence,
    checks.withheld_reason
FROM core.goals AS goals
LEFT JOIN trends.goals AS checks ON checks.goal_id = goals.goal_id
WHERE goals.owner_kind = 'team' AND goals.end_date >= $since AND NOT coalesce(goals.is_withdrawn, false)
ORDER BY goals.owner_id, goals.start_date, goals.goal_id
"""
_MEASURED = """
SELECT about_kind, about_id, name, unit, measured_on, value
FROM core.measurements
ORDER BY about_kind, about_id, name, measured_on DESC
"""
_HIRED = """
SELECT attribute, group_value, period, metric_id, numerator, denominator, value, ci_low, ci_high
FROM trends.hiring_groups
WHERE list_contains(CAST($metrics AS VARCHAR[]), metric_id)
ORDER BY attribute, metric_id, group_value, period DESC
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class HiredRow:
    """One group of people who were hired the same way, in one quarter."""

    attribute: str
    metric: str
    group: str
    quarter: str
    counts: str
    value: str
    interval: str


def beside(
    connection: duckdb.DuckDBPyConnection, published: Publication
) -> dict[tuple[str, str], tuple[str, ...]]:
    """Sentences by kind and name of subject: a team's goals of the last year, attached numbers."""
    today = published.local(published.as_of_utc).date()
    told: dict[tuple[str, str], tuple[str, ...]] = {}
    for row in read(connection, _GOALS, {"since": date(today.year - 1, today.month, 1)}):
        key = ("team", row["owner_id"])
        told[key] = (*told.get(key, ()), _goal(row))
    series: dict[tuple[str, str, str], list[Row]] = {}
    for row in read(connection, _MEASURED):
        series.setdefault((row["about_kind"], row["about_id"], row["name"]), []).append(row)
    for (kind, about, name), rows in series.items():
        told[kind, about] = (*told.get((kind, about), ()), f"Attached, {plain(name)}: {numbers_told(rows)}.")
    return told


def _goal(row: Row) -> str:
    """Predicate: the figure is told only where the group rule does not withhold it."""
    days = days_text(row["start_date"], row["end_date"])
    withheld = row["withheld_reason"] and f"Its figure is {worded('withheld', row['withheld_reason'])}."
    stands = withheld or row["sentence"] or row["outcome_text"] or "Kept by hand; nothing is written yet."
    return f"Goal: {plain(row['title'])} ({days}). {stands}"


def hired_rows(connection: duckdb.DuckDBPyConnection, known: Sequence[Metric]) -> list[HiredRow]:
    """The groups that the rule shows, the newest quarters of each: by name and quarter, never by value."""
    titles = {metric.metric_id: metric.title for metric in known}
    rows = read(connection, _HIRED, {"metrics": list(titles)})
    kept: dict[tuple[str, str, str], list[Row]] = {}
    for row in rows:
        kept.setdefault((row["attribute"], row["metric_id"], row["group_value"]), []).append(row)
    return [
        HiredRow(
            attribute=attribute.replace("_", " "),
            metric=titles[metric_id],
            group=plain(group),
            quarter=row["period"],
            counts=f"{row['numerator']} of {row['denominator']}",
            value=value_text(row["value"], "share"),
            interval=interval_text(row["ci_low"], row["ci_high"], "share"),
        )
        for (attribute, metric_id, group), of_group in kept.items()
        for row in of_group[:QUARTERS_SHOWN]
    ]
