"""What the command ``goals`` shows: where goals stand, and what is known before one is agreed.

Here: the tables and the workbench. Not here: the check (transforms.goals), reading goals.toml (connectors).
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from pipelines.commands import print_table, published, settings_from
from pipelines.console import UsageProblemError, say

if TYPE_CHECKING:
    import duckdb

    from metrics_catalog.catalogue import Metric

PAST_DAYS = 365


def goals(action: str, *, config: Path | None, goal_id: str | None) -> None:
    """``check`` prints where every stored goal stands, ``workbench`` what is known of those of goals.toml."""
    if action not in ("check", "workbench"):
        raise UsageProblemError(f"goals {action!r} is not known. Known: check, workbench.")
    settings = settings_from(config)
    if settings.goals.file is None:
        raise UsageProblemError("No goals are configured. Name their file in evenhand.toml: [goals] file.")
    with published(settings) as connection:
        if action == "check":
            _check(connection, goal_id)
        else:
            from pipelines.sources import goal_metrics

            _workbench(connection, settings.path(settings.goals.file), goal_metrics(), goal_id)


_STANDING = """
SELECT
    goals.goal_id,
    goals.owner_kind || ' ' || goals.owner_id AS owner,
    goals.title,
    goals.start_date || ' to ' || goals.end_date AS days,
    coalesce(checks.status, 'kept by hand') AS status,
    coalesce(checks.sentence, goals.outcome_text, 'Nothing is written about it yet.') AS sentence,
    goals.is_stored_late,
    goals.edit,
    strftime(goals.edited_at_utc, '%Y-%m-%d') AS edited_on,
    goals.is_withdrawn
FROM core.goals AS goals
LEFT JOIN trends.goals AS checks ON checks.goal_id = goals.goal_id
WHERE $goal IS NULL OR goals.goal_id = $goal
ORDER BY goals.start_date, goals.goal_id
"""


def _check(connection: "duckdb.DuckDBPyConnection", goal_id: str | None) -> None:
    rows = connection.execute(_STANDING, {"goal": goal_id}).fetchall()
    if not rows:
        say(
            "No goal is stored yet. `evenhand run` stores those of goals.toml."
            if goal_id is None
            else f"No goal {goal_id} is stored. `evenhand goals` lists them."
        )
        return
    print_table(
        ["goal", "whose", "what", "days", "status", "where it stands"],
        [[*row[:6]] for row in rows],
    )
    for row in rows:
        for text in _remarks(row):
            say(f"{row[0]}: {text}")


def _remarks(row: Sequence[Any]) -> list[str]:
    found = ["stored after its first day, so not agreed beforehand."] if row[6] else []
    found += [f"edited on {row[8]}, after it began: {row[7]}. It is checked as agreed."] if row[7] else []
    return found + (["taken out of goals.toml."] if row[9] else [])


def _workbench(
    connection: "duckdb.DuckDBPyConnection",
    path: Path,
    metrics: "dict[str, frozenset[str]]",
    goal_id: str | None,
) -> None:
    """For every goal of the file with a metric: the past, and what its target can show."""
    from connectors.errors import StopScopeError
    from connectors.organization.goals import read_goals
    from metrics_catalog.catalogue import load_catalogue
    from packets.published import publication

    try:
        listed, rejected = read_goals(path, metrics)
    except StopScopeError as problem:
        raise UsageProblemError(str(problem)) from None
    for reject in rejected:
        say(f"{reject.ref}: {reject.message}")
    known = publication(connection)
    catalogue = load_catalogue()
    today = known.local(known.as_of_utc).date()
    chosen = [
        goal
        for goal in listed
        if goal.metric_id is not None
        and (goal.start_date > today if goal_id is None else goal.goal_id == goal_id)
    ]
    if not chosen:
        which = "with a metric that is still to begin" if goal_id is None else f"{goal_id} with a metric"
        say(f"{path.name} has no goal {which}.")
        return
    for goal in chosen:
        row = {name: getattr(goal, name) for name in goal.__dataclass_fields__}
        metric = catalogue[str(goal.metric_id)]
        for line in bench(connection, row, metric, known.as_of_utc, known.reporting_timezone):
            say(line)


def bench(
    connection: "duckdb.DuckDBPyConnection",
    goal: "dict[str, Any]",
    metric: "Metric",
    as_of_utc: datetime,
    zone: str,
) -> list[str]:
    """What is known of a goal before it begins, a line each: the past year, how many cases that makes to
    expect, and whether that many can show the target clearly met or missed. ``as_of_utc`` is naive."""
    from transforms.goals import (
        amount_words,
        feasibility,
        goal_words,
        n_for_clear,
        n_for_clear_miss,
        pooled_cases,
        terms_of,
    )
    from transforms.ladder import percent, two_digits

    begins = datetime.combine(goal["start_date"], datetime.min.time(), ZoneInfo(zone))
    end = min(as_of_utc, begins.astimezone(ZoneInfo("UTC")).replace(tzinfo=None))
    owner = (goal["owner_kind"], goal["owner_id"])
    past = pooled_cases(connection, metric, owner=owner, start=end - timedelta(days=PAST_DAYS), end=end)
    days = (goal["end_date"] - goal["start_date"]).days + 1
    terms = terms_of(goal, metric)
    of_past = past.n * days / PAST_DAYS
    expected = terms.expected_n if terms.expected_n is not None else of_past
    terms = replace(terms, expected_n=expected)
    lines = [
        f"{goal['goal_id']}  {goal['title']}  ({owner[0]} {owner[1]})",
        f"  agreed       {goal_words(terms, metric.unit)} of {metric.title.lower()}, "
        f"{goal['start_date']} to {goal['end_date']} ({days} days)",
    ]
    if past.n:
        value = past.numerator / past.n
        shown = percent(value) if terms.kind == "share" else f"{two_digits(value)} {metric.unit}"
        counts = (
            f"{past.numerator} of {amount_words(terms, past.n)}"
            if terms.kind == "share"
            else (f"{past.numerator} in {two_digits(past.n)}")
        )
        lines.append(f"  the past     {counts} ({shown}) in the {PAST_DAYS} days to {_shown(end)}")
    else:
        lines.append(f"  the past     no case in the {PAST_DAYS} days to {_shown(end)}")
    source = "as goals.toml says" if goal["expected_n"] is not None else "at the pace of that past"
    lines.append(f"  to expect    about {two_digits(expected)} cases, {source}")
    clear, missed = n_for_clear(terms), n_for_clear_miss(terms)
    said = feasibility(terms, metric.unit)
    lines.append(
        "  clearly met  "
        + (
            said
            if said is not None
            else f"possible: a perfect record takes {amount_words(terms, clear or 0)}"
        )
    )
    if terms.kind == "share":
        is_possible = missed is not None and expected >= missed
        lines.append(
            "  clearly missed  "
            + ("possible" if is_possible else "not possible at that number")
            + (f": the worst record takes {amount_words(terms, missed)}" if missed is not None else "")
        )
    if expected < terms.n_min:
        lines.append(f"  too few      a verdict takes {amount_words(terms, terms.n_min)} cases (n_min)")
    return lines


def _shown(instant: datetime) -> date:
    return instant.date()
