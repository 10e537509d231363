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
    from transforms.goals import Chances, Pooled, Terms

PAST_DAYS = 365
SHORTEST_PAST = 30
"""Days: a pace of less is no pace."""
CLEAR_SHARE = 0.8
"""In four of five stretches a goal that can be told should end clearly."""


def goals(action: str, *, config: Path | None, goal_id: str | None) -> None:
    """``check`` prints where every stored goal stands, ``workbench`` what is known of those of goals.toml."""
    if action not in ("check", "workbench"):
        raise UsageProblemError(f"goals {action!r} is not known. Known: check, workbench.")
    settings = settings_from(config)
    if settings.goals.file is None:
        raise UsageProblemError("No goals are configured. Name their file in evenhand.toml: [goals] file.")
    with published(settings) as connection:
        if action == "check":
            _check(connection, goal_id, persons=settings.packets.persons)
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
WHERE ($goal IS NULL OR goals.goal_id = $goal) AND ($persons OR goals.owner_kind <> 'person')
ORDER BY goals.start_date, goals.goal_id
"""


def _check(connection: "duckdb.DuckDBPyConnection", goal_id: str | None, *, persons: bool) -> None:
    rows = connection.execute(_STANDING, {"goal": goal_id, "persons": persons}).fetchall()
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
    from pipelines.sources import goal_shares

    try:
        listed, rejected = read_goals(path, metrics, goal_shares())
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
        chances,
        feasibility,
        goal_words,
        n_for_clear,
        n_for_clear_miss,
        pooled_cases,
        terms_of,
        true_value_for,
    )
    from transforms.ladder import two_digits

    begins = datetime.combine(goal["start_date"], datetime.min.time(), ZoneInfo(zone))
    end = min(as_of_utc, begins.astimezone(ZoneInfo("UTC")).replace(tzinfo=None))
    owner = (goal["owner_kind"], goal["owner_id"])
    start = _first_case(connection, metric, owner, end)
    past = pooled_cases(connection, metric, owner=owner, start=start, end=end)
    days = (goal["end_date"] - goal["start_date"]).days + 1
    terms = terms_of(goal, metric)
    expected = terms.expected_n or past.n * days / max((end - start).days, SHORTEST_PAST)
    terms = replace(terms, expected_n=expected or None)
    what = "units of exposure" if terms.kind == "rate" else "cases"
    lines = [
        f"{goal['goal_id']}  {goal['title']}  ({owner[0]} {owner[1]})",
        f"  agreed       {goal_words(terms, metric.unit)} of {metric.title.lower()}, "
        f"{goal['start_date']} to {goal['end_date']} ({days} days)",
        f"  the past     {_past(terms, past, metric.unit)} in the {(end - start).days} days to {_shown(end)}",
    ]
    source = "as goals.toml says" if goal["expected_n"] is not None else "at the pace of that past"
    unknown = "unknown: there is no past to go by, and goals.toml gives no expected_n"
    told = f"about {two_digits(expected)} {what}, {source}" if expected else unknown
    lines.append(f"  to expect    {told}")
    clear, missed = n_for_clear(terms), n_for_clear_miss(terms)
    if clear is not None:
        possible = f"a perfect record takes {amount_words(terms, clear)}"
        said = feasibility(terms, metric.unit) or (f"possible: {possible}" if expected else possible)
        lines.append(f"  clearly met  {said}")
    if missed is not None:
        possible = "possible: " if expected >= missed else "not possible at that number: " if expected else ""
        lines.append(f"  clearly missed  {possible}the worst record takes {amount_words(terms, missed)}")
    if expected and past.n:
        lines.append(f"  as before    {_ends(chances(terms, past.numerator / past.n, expected))}")
    if expected and (terms.kind == "share" or terms.comparator != "at_least"):
        value = true_value_for(terms, expected, CLEAR_SHARE)
        worded = (
            f"no true {terms.kind}" if value is None else f"a true {terms.kind} of {_worded(terms, value)}"
        )
        lines.append(f"  to be clear  {worded} ends clearly met in 4 of 5 such stretches")
    if expected < terms.n_min:
        lines.append(f"  too few      a verdict takes {amount_words(terms, terms.n_min)} {what} (n_min)")
    return lines


_FIRST = """
SELECT min(anchor_at_utc) FROM facts.{metric_id}
WHERE subject_kind = $kind AND subject_id = $id AND anchor_at_utc >= $start AND anchor_at_utc < $end
"""


def _first_case(
    connection: "duckdb.DuckDBPyConnection", metric: "Metric", owner: tuple[str, str], end: datetime
) -> datetime:
    """Where the past begins: a year before, or with the first case since: who came later has less."""
    start = end - timedelta(days=PAST_DAYS)
    ((first,),) = connection.execute(
        _FIRST.format(metric_id=metric.id), {"kind": owner[0], "id": owner[1], "start": start, "end": end}
    ).fetchall()
    return start if first is None else first


def _past(terms: "Terms", past: "Pooled", unit: str) -> str:
    from transforms.goals import amount_words
    from transforms.ladder import two_digits

    if not past.n:
        return "no case"
    value = _worded(terms, past.numerator / past.n)
    if terms.kind == "share":
        return f"{past.numerator} of {amount_words(terms, past.n)} ({value})"
    return f"{past.numerator} in {two_digits(past.n)} ({value} {unit})"


def _worded(terms: "Terms", value: float) -> str:
    from transforms.ladder import percent, two_digits

    return percent(value) if terms.kind == "share" else two_digits(value)


def _ends(found: "Chances") -> str:
    """Of a hundred stretches in which everything is as in the past."""
    met, missed, few = (round(100 * share) for share in (found.met, found.missed, found.too_few))
    told = f"if nothing changes, about {met} of 100 such stretches end clearly met, {missed} clearly missed"
    told += f", {few} with too few cases" if few else ""
    rest = 100 - met - missed - few
    return f"{told}; {'the other' if rest else 'none'}{f' {rest}' if rest else ''} could be chance"


def _shown(instant: datetime) -> date:
    return instant.date()
