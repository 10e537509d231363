"""Where to look first: series whose newest final month lies outside their usual range, with its cases.

Here: which are listed, in which order, and the cases of that month. Only series that may be shown and are on
the page are looked at.
Not here: the usual range and its sentence (transforms), persons.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from packets.catalogue import Metric
from packets.published import facts_table, read
from packets.quarters import first_of
from packets.trends import SUBJECT_KINDS, unlisted_services
from packets.words import plain, value_text, web_link, why_text, worded

AT_MOST = 7
CASES = 5
AFTERWARDS = "Unusual periods are often followed by ordinary ones without any cause."

SeriesKey = tuple[str, str, str]
"""Kind of subject, subject and metric."""

_LOOKED_AT = """
SELECT subject_kind, subject_id, metric_id, through_period, outcome, sentence,
    (details ->> 'value')::DOUBLE AS value,
    (details ->> 'low')::DOUBLE AS low,
    (details ->> 'high')::DOUBLE AS high,
    (details ->> 'mean_moving_range')::DOUBLE AS step
FROM trends.changes
WHERE method = 'usual_range' AND outcome <> 'not_enough_data' AND disclosed
    AND subject_kind IN ('team', 'service', 'feature')
ORDER BY subject_kind, subject_id, metric_id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthCase:
    """A case of the month looked at: what it is, where a browser finds it, what became of it."""

    ref: str
    link: str | None
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One series to look at. ``further`` are the cases that moved it as well and are not listed."""

    subject: str
    key: SeriesKey
    sentence: str
    cases: tuple[MonthCase, ...]
    further: int
    why_no_cases: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LookFirst:
    """The places, out of how many that lie outside, out of how many series that have a usual range."""

    places: tuple[Place, ...]
    n_outside: int
    n_series: int


def look_first(
    connection: duckdb.DuckDBPyConnection, known: Mapping[str, Metric], shown: Collection[SeriesKey]
) -> LookFirst:
    """At most seven, those first that lie furthest beyond a limit.

    How far is counted in usual steps from one month to the next, so that metrics of different units can
    stand in one list.
    """
    looked_at = [row for row in read(connection, _LOOKED_AT) if _key(row) in shown]
    outside = [row for row in looked_at if row["outcome"] == "outside_usual_range" and row["sentence"]]
    furthest = sorted(outside, key=lambda row: (-_beyond(row), _key(row)))[:AT_MOST]
    names = unlisted_services(connection)
    return LookFirst(
        places=tuple(_place(connection, known[row["metric_id"]], row, names) for row in furthest),
        n_outside=len(outside),
        n_series=len(looked_at),
    )


def _key(row: Mapping[str, Any]) -> SeriesKey:
    return row["subject_kind"], row["subject_id"], row["metric_id"]


def _is_above(row: Mapping[str, Any]) -> bool:
    return bool(row["value"] > row["high"])


def _beyond(row: Mapping[str, Any]) -> float:
    limit = row["high"] if _is_above(row) else row["low"]
    return float(abs(row["value"] - limit) / row["step"])


def _place(
    connection: duckdb.DuckDBPyConnection, metric: Metric, row: Mapping[str, Any], names: Mapping[str, str]
) -> Place:
    found = _counted_cases(connection, metric, row)
    are_of_people = any(case["contributor_id"] for case in found)
    listed = [] if are_of_people else _those_that_moved_it(metric, found, is_above=_is_above(row))
    return Place(
        subject=f"{SUBJECT_KINDS[row['subject_kind']][:-1]} "
        f"{names.get(row['subject_id'], plain(row['subject_id']))}",
        key=_key(row),
        sentence=row["sentence"],
        cases=tuple(_case(metric, case) for case in listed[:CASES]),
        further=len(listed[CASES:]),
        why_no_cases=_why_none(len(found), are_of_people=are_of_people),
    )


def _why_none(n_cases: int, *, are_of_people: bool) -> str:
    if are_of_people:
        if n_cases == 1:
            return "Its one case is what somebody did and stands in their own packet."
        return f"Its {n_cases} cases are what people did and stand in their own packets."
    return "" if n_cases else "It has no case: the month is told by what did not happen."


def _counted_cases(
    connection: duckdb.DuckDBPyConnection, metric: Metric, row: Mapping[str, Any]
) -> list[Mapping[str, Any]]:
    table = facts_table(connection, metric.metric_id)
    if table is None:
        return []
    cases = read(
        connection,
        f"""SELECT ref, source_url, contributor_id, outcome, why, amount
            FROM {table}
            WHERE subject_kind = $kind AND subject_id = $subject AND month_start = $month
            ORDER BY anchor_at_utc, case_id""",
        {"kind": row["subject_kind"], "subject": row["subject_id"], "month": first_of(row["through_period"])},
    )
    return [
        case
        for case in cases
        if metric.counts_as(case["outcome"], case["why"]) not in ("pending", "excluded")
    ]


def _those_that_moved_it(
    metric: Metric, cases: Sequence[Mapping[str, Any]], *, is_above: bool
) -> list[Mapping[str, Any]]:
    """Of a share those on the side it moved to, of amounts the largest or smallest, else all in time."""
    if metric.statistic == "share":
        side = "numerator" if is_above else "denominator"
        return [case for case in cases if metric.counts_as(case["outcome"], case["why"]) == side]
    if any(case["amount"] is not None for case in cases):
        with_amount = [case for case in cases if case["amount"] is not None]
        return sorted(with_amount, key=lambda case: -case["amount"] if is_above else case["amount"])
    return list(cases)


def _case(metric: Metric, case: Mapping[str, Any]) -> MonthCase:
    counts_as = metric.counts_as(case["outcome"], case["why"])
    what = why_text(metric, counts_as, case["why"]) or worded("outcomes", case["outcome"])
    if case["amount"] is not None:
        what = f"{value_text(case['amount'], metric.amount_unit)}, {what}"
    return MonthCase(ref=plain(case["ref"]), link=web_link(case["source_url"]), what=what)
