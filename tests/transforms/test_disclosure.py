"""What is withheld follows from nothing that is shown.

Here: months, their quarter and the teams beside them, as tables of made-up contributions.
Not here: one table by itself (tests/golden, test_plain_methods.py), cells (test_facts_and_periods).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from random import Random

import polars as pl

from tests.transforms.world import CATALOGUE, World, rows, utc
from transforms.disclosure.decide import decide_disclosure, withhold_differences
from warehouse.connection import connect

MONTHS = ("month 2026-01", "month 2026-02", "month 2026-03")
QUARTER = "quarter 2026-Q1"
Contributions = Mapping[str, Mapping[str, Iterable[int]]]
"""By team and month: how many cases each of its people has."""


def withheld(contributions: Contributions) -> dict[tuple[str, str], str | None]:
    """By table and team: why it is withheld, or None."""
    rows = [
        {
            "table_id": table,
            "group_id": team,
            "contributor_id": f"{team}-{number}" if cases else None,
            "n_cases": cases,
        }
        for team, months in contributions.items()
        for month, people in months.items()
        for number, cases in enumerate(people)
        for table in (month, QUARTER)
    ]
    with connect() as connection:
        connection.register("contributions", pl.DataFrame(rows))
        connection.register("quarters_of_months", pl.DataFrame({"table_id": MONTHS, "quarter_id": QUARTER}))
        decide_disclosure(connection)
        withhold_differences(connection)
        decided = connection.execute("SELECT table_id, group_id, withheld_reason FROM decisions").fetchall()
        connection.unregister("contributions")
        connection.unregister("quarters_of_months")
    return {(table, team): reason for table, team, reason in decided}


FIVE, FOUR = (1, 1, 1, 1, 1), (1, 1, 1, 1, 0)


def months(*people: Iterable[int]) -> dict[str, Iterable[int]]:
    return dict(zip(MONTHS, people, strict=True))


def test_a_quarter_less_two_months_would_be_the_third() -> None:
    """Three teams; red has four people in February. Blue goes with it, and both quarters with the month."""
    found = withheld(
        {
            "red": months(FIVE, FOUR, FIVE),
            "blue": months(FIVE, FIVE, FIVE),
            "green": months((*FIVE, 1), (*FIVE, 1), (*FIVE, 1)),
        }
    )
    assert {key: reason for key, reason in found.items() if reason} == {
        (MONTHS[1], "red"): "small_group",
        (MONTHS[1], "blue"): "complement",
        (QUARTER, "red"): "complement",
        (QUARTER, "blue"): "complement",
    }


def test_two_withheld_months_hide_each_other() -> None:
    found = withheld({team: months(FOUR, FOUR, FIVE) for team in ("red", "blue")})
    assert {key for key, reason in found.items() if reason} == {
        (month, team) for month in MONTHS[:2] for team in ("red", "blue")
    }


def test_a_month_in_which_nothing_was_done_is_no_secret() -> None:
    """Red's January is alone in its line with that: it still takes the quarter with it."""
    found = withheld({"red": months(FOUR, (0, 0), FIVE), "blue": months(FOUR, FIVE, FIVE)})
    assert {key: reason for key, reason in found.items() if reason} == {
        (MONTHS[0], "red"): "small_group",
        (MONTHS[0], "blue"): "small_group",
        (MONTHS[1], "red"): "no_activity",
        (QUARTER, "red"): "complement",
        (QUARTER, "blue"): "complement",
    }


def test_where_every_month_may_be_shown_so_may_the_quarter() -> None:
    found = withheld({team: months(FIVE, FIVE, FIVE) for team in ("red", "blue")})
    assert set(found.values()) == {None}


def test_a_team_that_too_few_rated_is_withheld() -> None:
    """Six people were rated, enough of a group; by two authors, too few to be nobody's word."""
    world = World()
    for author in ("ann", "bea"):
        world.person(author)
    for number in range(6):
        who, pr_id = f"p{number}", f"pr{number}"
        world.person(who, team="red")
        world.pull(pr_id, author=("ann", "bea")[number % 2], merged="2026-03-04 09:00")
        world.review("2026-03-03 09:00", who, pr_id=pr_id)
        world.add(
            "survey_ratings",
            pr_id=pr_id,
            reviewer_id=who,
            rater_id=("ann", "bea")[number % 2],
            rating=5,
            occurred_at_utc=utc("2026-03-05"),
        )
    with world.periods(metrics=[CATALOGUE["rq_rating_favourable"]]) as connection:
        (cell,) = rows(connection, "FROM trends.periods WHERE subject_kind = 'team'")
    assert (cell["status"], cell["disclosed"], cell["withheld_reason"]) == ("suppressed", False, "few_raters")


def test_no_line_of_cells_lacks_exactly_one() -> None:
    """Groups of a period, months of a group: where one cell is withheld, so is another, if there is one."""
    random = Random(11)
    for number in range(40):
        sizes = {"team0": 3} | {
            f"team{other}": random.choice((3, 5, 6, 7, 9)) for other in range(1, random.choice((2, 3, 4, 8)))
        }
        found = withheld(
            {
                team: months(*([random.choice((0, 1, 1, 2, 3, 8)) for _ in range(size)] for _ in MONTHS))
                for team, size in sizes.items()
            }
        )
        lines = defaultdict(list)
        for (table, team), reason in found.items():
            if reason != "no_activity":
                lines[table].append(reason is not None)
                lines[team].append(reason is not None)
        assert any(any(line) for line in lines.values())
        for name, line in lines.items():
            assert sum(line) != 1 or len(line) == 1, (number, name)
