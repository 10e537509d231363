"""After a change of role or team the past counts no more, also while nothing has happened in the new one.

Bob answers ten requests a month in the old role. Each case is small enough for a pencil; what is expected was
written down from 4.2, 4.8 and 4.9 first. 2026-06 is the newest final month, 2026-Q2 the newest final quarter.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import duckdb
import pytest

from packets.catalogue import metrics
from packets.cells import cells_of, metric_cells
from packets.figures import Figure, figure
from packets.packet import without_cases
from packets.quarters import parse_quarter
from tests.packets.published import published_as_of
from tests.transforms.world import CATALOGUE, World, aware, rows, utc
from transforms.changes.build import build_changes
from transforms.ledger import build_catalog

SHARE = "rq_response_24h"
MONTHS = [f"2025-{month:02d}" for month in range(7, 13)] + [f"2026-{month:02d}" for month in range(1, 7)]
AS_OF = "2026-07-20"
METRICS = (SHARE, "rq_first_response_time")
PUBLISHED = published_as_of(utc(AS_OF))


def bob_moves(on: str | None, n: Sequence[int], **change: Any) -> World:
    """Bob's year: so many requests in each month, at noon of its first days, all answered within an hour."""
    made = World()
    made.person("ann")
    made.person("bob", team="core", after=on)
    if on is not None:
        made.stretch("bob", **({"team": "core", "first": on} | change))
    for month, requests in zip(MONTHS, n, strict=True):
        for day in range(1, requests + 1):
            pr_id = f"pr-{month}-{day}"
            made.pull(pr_id, created=f"{month}-{day:02d} 11:00")
            made.request(f"{month}-{day:02d} 12:00", "bob", pr_id=pr_id)
            made.review(f"{month}-{day:02d} 13:00", "bob", pr_id=pr_id)
    return made


@contextmanager
def changed(made: World) -> Iterator[duckdb.DuckDBPyConnection]:
    wanted = [CATALOGUE[name] for name in METRICS]
    with made.periods(AS_OF, metrics=wanted) as connection:
        build_changes(connection, wanted, as_of_utc=aware(AS_OF), reporting_timezone=made.zone)
        build_catalog(connection, CATALOGUE, {})
        yield connection


def told(connection: duckdb.DuckDBPyConnection, metric_id: str = SHARE) -> dict[str, tuple[Any, ...]]:
    """Outcome, reason and months of each method."""
    found = rows(
        connection,
        "FROM trends.changes WHERE subject_id = 'bob' AND metric_id = $metric",
        metric=metric_id,
    )
    return {row["method"]: (row["outcome"], row["reason"], row["months_used"]) for row in found}


def shown(connection: duckdb.DuckDBPyConnection) -> Figure:
    """The share as a packet has it."""
    quarter = parse_quarter("2026-Q2")
    cells = cells_of(connection, person_id="bob", quarter=quarter)
    metric = next(metric for metric in metrics(connection) if metric.metric_id == SHARE)
    return figure(metric_cells(metric, cells[SHARE], ()), quarter, PUBLISHED)


@pytest.mark.parametrize("change", [{"role": "lead"}, {"level": "4"}, {"team": "other"}])
def test_nothing_since_the_change_is_nothing_to_speak_of(change: Mapping[str, str]) -> None:
    """Moved on 10 May, silent in May and June: 100 old cases, none of them of the present segment."""
    with changed(bob_moves("2026-05-10", [10] * 10 + [0, 0], **change)) as connection:
        for metric_id in METRICS:
            assert told(connection, metric_id) == {
                "month_trend": ("not_enough_data", "fewer_than_6_months", []),
                "usual_range": ("not_enough_data", None, []),
                "quarter_comparison": ("not_enough_data", "current_too_small", []),
            }
        found = shown(connection)
    assert (found.rung, found.n_quarter, found.n_twelve) == ("none", 0, 0)
    assert without_cases([found]) == (
        "Nothing to count since May 2026, when the role, level or team changed or a long absence ended:"
        " Review requests answered within 24 hours."
    )
    assert found.change.trend_outcome is None


def test_the_quarter_is_its_newest_months_even_if_that_month_is_empty() -> None:
    """Moved on 15 June, silent in June: 20 cases of April and May are of the former role."""
    with changed(bob_moves("2026-06-15", [10] * 11 + [0], role="lead")) as connection:
        assert told(connection)["quarter_comparison"] == ("not_enough_data", "current_too_small", [])
        assert shown(connection).rung == "none"


def test_a_change_is_named_by_its_month_not_by_the_first_case_after_it() -> None:
    """Moved on 10 March, silent until May: 20 cases in two months now, none before in the new role."""
    with changed(bob_moves("2026-03-10", [10] * 8 + [0, 0, 10, 10], role="lead")) as connection:
        assert told(connection)["quarter_comparison"] == (
            *("not_enough_data", "segment_change"),
            ["2026-05", "2026-06"],
        )
        sentences = rows(
            connection,
            "SELECT sentence FROM trends.changes WHERE subject_id = 'bob' AND method = 'quarter_comparison'",
        )
        assert len(sentences) == 2
        for row in sentences:
            assert "or a long absence ended, in March 2026, and only what came after" in row["sentence"]
        found = shown(connection)
    assert (found.rung, found.n_quarter, found.n_twelve) == ("quarter", 20, 20)
    assert found.comparison is not None
    assert found.comparison.reason == "segment_change"
    assert "in March 2026" in str(found.comparison.verdict)


def test_few_cases_are_told_since_the_month_of_the_change() -> None:
    """Moved on 10 February, three requests in March and none before or after in the new role."""
    with changed(bob_moves("2026-02-10", [10] * 7 + [0, 3, 0, 0, 0], role="lead")) as connection:
        found = shown(connection)
    assert (found.rung, found.n_quarter, found.n_twelve) == ("cases", 0, 3)
    assert found.sentences[0] == "Since February 2026: 3 of 3 review requests answered within 24 hours."


def test_without_a_change_silent_months_are_holes_and_nothing_else() -> None:
    """Eleven months and an empty June: the newest usable month is one month old, which is not stale. 20 of 20
    against 90 of 90: at z = 2.054 the lower limit of 20 of 20 is 20 / 24.2, 17 points below, more than 10."""
    with changed(bob_moves(None, [10] * 11 + [0])) as connection:
        assert told(connection)["month_trend"] == ("steady", "flat", MONTHS[:-1])
        assert told(connection)["quarter_comparison"][:2] == ("steady", "no_clear_difference")
        assert shown(connection).rung == "quarter"


@pytest.mark.parametrize(("back", "segment"), [("2026-03-14", 0), ("2026-03-15", 1)])
def test_three_months_out_of_the_roster_are_an_absence(back: str, segment: int) -> None:
    """Last day 14 December. Back on 15 March is after three months, on 14 March after less."""
    made = bob_moves("2025-12-15", [10] * 12)
    made.tables["roster"].pop()
    made.stretch("bob", team="core", first=back)
    with changed(made) as connection:
        found = rows(connection, "FROM trends.person_periods WHERE person_id = 'bob' AND grain = 'month'")
    assert {row["segment"] for row in found if row["period"] < "2026-03"} == {0}
    assert {row["segment"] for row in found if row["period"] >= "2026-03"} == {segment}


def test_silent_months_say_who_was_away_and_who_was_not_there() -> None:
    made = bob_moves("2026-06-01", [10] * 9 + [0, 0, 0])
    made.tables["roster"].pop()
    made.away("bob", *(f"2026-05-{day:02d}" for day in range(1, 32)))
    with changed(made) as connection:
        found = rows(
            connection,
            "SELECT period, status, hole, segment FROM trends.all_periods WHERE subject_id = 'bob'"
            " AND metric_id = $metric AND grain = 'month' AND period >= '2026-04' ORDER BY period",
            metric=SHARE,
        )
    assert [tuple(row.values()) for row in found] == [
        ("2026-04", "no_activity", None, 0),
        ("2026-05", "no_activity", "absent", 0),
        ("2026-06", "no_activity", "not_in_role", 0),
        ("2026-07", "no_activity", "not_in_role", 0),
    ]
