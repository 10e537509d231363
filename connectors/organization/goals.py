"""Reading goals.toml: every goal is checked, a bad one is left out, named and counted.

Here: the keys of a goal and what they may hold.
Not here: which wording was agreed, and where a goal stands (transforms).
"""

import difflib
import hashlib
import json
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from connectors.contract import RejectedRecord
from connectors.errors import SkippableRecordError, StopScopeError
from connectors.organization.entries import bad, optional_text, refuse_unknown_keys, text
from connectors.organization.records import GoalRow

KEYS = (
    "id person team title metric comparator target start end n_min denominator expected_n baseline parent "
    "outcome"
).split()
COMPARATORS = ("at_least", "at_most", "less_than")


def read_goals(
    path: Path, metrics: Mapping[str, frozenset[str]], shares: Collection[str] = ()
) -> tuple[list[GoalRow], list[RejectedRecord]]:
    """The good goals and what was rejected. ``metrics``: those a goal may name, with whom each describes;
    ``shares``: those of them whose target lies between 0 and 1.

    Raises StopScopeError where the file cannot be read at all.
    """
    kept: dict[str, GoalRow] = {}
    rejected: list[RejectedRecord] = []
    for place, table in enumerate(_tables(path, "goal"), start=1):
        name = table.get("id") if isinstance(table, Mapping) else None
        ref = f"{path.name}, goal {name if isinstance(name, str) else place}"
        try:
            goal = _goal(table, metrics)
            _check_share(goal, shares)
            if goal.goal_id in kept:
                raise bad("id", "repeated_row", "another goal of this file has the same id")
            kept[goal.goal_id] = goal
        except SkippableRecordError as problem:
            rejected.append(
                RejectedRecord(
                    stream="goals",
                    scope="goals",
                    ref=ref,
                    field=problem.field,
                    problem=problem.problem,
                    message=f"{problem}. This goal was left out, the others kept.",
                )
            )
    return list(kept.values()), rejected


def _tables(path: Path, name: str) -> list[Any]:
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except OSError as problem:
        raise StopScopeError(
            f"{path} cannot be read ({problem.strerror}). evenhand.toml names it. "
            f"Nothing of it was written; the last good one stays in use."
        ) from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise StopScopeError(
            f"{path} is not TOML ({problem}). Nothing of it was written; the last good one stays in use."
        ) from None
    unknown = sorted(set(document) - {name})
    tables = document.get(name, [])
    if unknown or not isinstance(tables, list):
        raise StopScopeError(
            f"{path}: tables [[{name}]] were wanted, found other keys. "
            f"Nothing of it was written; the last good one stays in use."
        )
    return tables


def _goal(table: Any, metrics: Mapping[str, frozenset[str]]) -> GoalRow:
    if not isinstance(table, Mapping):
        raise bad("goal", "wrong_type", "a goal should be a table")
    refuse_unknown_keys(table, KEYS)
    owners = [kind for kind in ("person", "team") if kind in table]
    if len(owners) != 1:
        raise bad("person", "missing_field", "a goal belongs to one person or one team")
    owner = owners[0]
    start, end = _day(table, "start"), _day(table, "end")
    if end < start:
        raise bad("end", "wrong_type", "end lies before start (it is the last day, included)")
    metric = optional_text(table, "metric")
    if metric is not None:
        _check_metric(metric, owner, metrics)
        if table.get("comparator") not in COMPARATORS:
            raise bad("comparator", "unknown_value", f"comparator should be one of {', '.join(COMPARATORS)}")
    elif "comparator" in table or "target" in table:
        raise bad("metric", "missing_field", "a goal with a target names its metric")
    baseline = table.get("baseline", {})
    if not isinstance(baseline, Mapping) or (baseline and set(baseline) != {"numerator", "denominator"}):
        raise bad("baseline", "wrong_type", "baseline should hold numerator and denominator")
    goal = GoalRow(
        goal_id=text(table, "id"),
        owner_kind="person" if owner == "person" else "team",
        owner_id=text(table, owner),
        title=text(table, "title"),
        metric_id=metric,
        comparator=optional_text(table, "comparator"),
        target=_amount(table, "target", is_needed=metric is not None),
        start_date=start,
        end_date=end,
        n_min=_whole(table, "n_min"),
        denominator=optional_text(table, "denominator"),
        expected_n=_amount(table, "expected_n"),
        baseline_numerator=_amount(baseline, "numerator"),
        baseline_denominator=_amount(baseline, "denominator"),
        parent_goal=optional_text(table, "parent"),
        outcome_text=optional_text(table, "outcome"),
        content_hash="",
    )
    return replace(goal, content_hash=_hash(goal))


def _check_share(goal: GoalRow, shares: Collection[str]) -> None:
    """A share is written as 0.9 and never as 90, and has no more hits than cases."""
    if goal.metric_id not in shares:
        return
    if goal.target is not None and goal.target > 1:
        raise bad("target", "wrong_type", f"target of {goal.metric_id} is a share: 0.9 for 90%")
    hits, cases = goal.baseline_numerator, goal.baseline_denominator
    if hits is not None and cases is not None and hits > cases:
        raise bad("baseline", "wrong_type", "the numerator of baseline is larger than its denominator")


def _hash(goal: GoalRow) -> str:
    """SHA-256 of what was agreed. What both sides write at the end is no part of it."""
    agreed = {
        name: getattr(goal, name)
        for name in GoalRow.__dataclass_fields__
        if name not in ("outcome_text", "content_hash", "stream")
    }
    return hashlib.sha256(json.dumps(agreed, sort_keys=True, default=str).encode()).hexdigest()


def _check_metric(metric: str, owner: str, metrics: Mapping[str, frozenset[str]]) -> None:
    if metric not in metrics:
        nearest = difflib.get_close_matches(metric, metrics, n=1, cutoff=0.4)
        hint = f"; did you mean {nearest[0]}?" if nearest else ""
        raise bad("metric", "unknown_value", f"metric should be a share or a rate of the catalogue{hint}")
    if owner not in metrics[metric]:
        raise bad("metric", "unknown_value", f"{metric} does not describe a {owner}")


def _day(table: Mapping[str, Any], name: str) -> date:
    value = table.get(name)
    if not isinstance(value, date) or isinstance(value, datetime):
        problem = "missing_field" if value is None else "wrong_type"
        raise bad(name, problem, f"{name} should be a date such as 2026-07-01, without quotes")
    return value


def _amount(table: Mapping[str, Any], name: str, *, is_needed: bool = False) -> float | None:
    value = table.get(name)
    if value is None and not is_needed:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
        raise bad(
            name, "missing_field" if value is None else "wrong_type", f"{name} should be a number, 0 or more"
        )
    return float(value)


def _whole(table: Mapping[str, Any], name: str) -> int | None:
    value = _amount(table, name)
    if value is None:
        return None
    if value != int(value) or value < 1:
        raise bad(name, "wrong_type", f"{name} should be a whole number, 1 or more")
    return int(value)
