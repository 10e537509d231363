"""What is withheld follows from nothing that is shown.

Here: months, their quarter and the teams beside them, as tables of made-up contributions.
Not here: one table by itself (tests/golden, test_plain_methods.py), cells (test_facts_and_periods).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from random import Random

import numpy as np
import polars as pl

from tests.transforms.world import CATALOGUE, World, rows, utc
from transforms.disclosure.decide import decide_disclosure, withhold_differences
from warehouse.connection import connect

MONTHS = ("month 2026-01", "month 2026-02", "month 2026-03")
QUARTER = "quarter 2026-Q1"
Contributions = Mapping[str, Mapping[str, Iterable[int]]]
"""By team and month: how many cases each of its people has."""
Decided = dict[tuple[str, str], str | None]
"""By table and team: why it is withheld, or None."""


def withheld(contributions: Contributions) -> Decided:
    return withheld_each([contributions])[0]


def withheld_each(worlds: Sequence[Contributions]) -> list[Decided]:
    """The same of many worlds, each a quarter of its own."""
    rows = [
        {
            "table_id": f"{number} {table}",
            "group_id": team,
            "contributor_id": f"{team}-{who}" if cases else None,
            "n_cases": cases,
        }
        for number, contributions in enumerate(worlds)
        for team, months in contributions.items()
        for month, people in months.items()
        for who, cases in enumerate(people)
        for table in (month, QUARTER)
    ]
    lines = [
        {"table_id": f"{number} {month}", "quarter_id": f"{number} {QUARTER}"}
        for number in range(len(worlds))
        for month in MONTHS
    ]
    with connect() as connection:
        connection.register("contributions", pl.DataFrame(rows))
        connection.register("quarters_of_months", pl.DataFrame(lines))
        decide_disclosure(connection)
        withhold_differences(connection)
        decided = connection.execute("SELECT table_id, group_id, withheld_reason FROM decisions").fetchall()
        connection.unregister("contributions")
        connection.unregister("quarters_of_months")
    found: list[Decided] = [{} for _ in worlds]
    for table_id, team, reason in decided:
        number, _, table = table_id.partition(" ")
        found[int(number)][table, team] = reason
    return found


def derived(found: Decided) -> list[tuple[str, str]]:
    """Withheld cells that the equations fix: no solution of theirs without the shown cells moves them."""
    done = [cell for cell, reason in found.items() if reason != "no_activity"]
    hidden = [cell for cell in done if found[cell]]
    lines = [line for table in (*MONTHS, QUARTER) if (line := [cell for cell in done if cell[0] == table])]
    # Who alone did anything in a month is its total; that is hidden then, and the quarter's with it.
    whole = min(map(len, lines), default=0) > 1
    totals = [line for line in lines if len(line) > 1 and (whole or line[0][0] != QUARTER)]
    equations = [[float(cell in line) for cell in hidden] for line in totals]
    equations += [
        [(-1.0 if table == QUARTER else 1.0) * (team == who) for table, who in hidden]
        for team in sorted({team for _, team in hidden})
    ]
    if not hidden:
        return []
    _, sizes, directions = np.linalg.svd(np.array(equations))
    free = directions[np.count_nonzero(sizes > 1e-9) :]
    return [cell for place, cell in enumerate(hidden) if not np.any(np.abs(free[:, place]) > 1e-9)]


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


def test_several_equations_at_once_give_nothing_back() -> None:
    """Red and blue are withheld in January and February, green and grey in March and so in their quarters,
    brown in February and March. No line lacks exactly one, and yet brown's February is the totals of January
    and February less all that is shown of them, less what red and blue did in both, which is their quarters
    less March. Red's quarter goes too: fewest contributors, first by name of those that are alike."""
    found = withheld(
        {
            "red": months(FOUR, FOUR, FIVE),
            "blue": months(FOUR, FOUR, (*FIVE, 1)),
            "green": months(FIVE, FIVE, FOUR),
            "grey": months(FIVE, FIVE, FOUR),
            "brown": months((*FIVE, 1), FOUR, FOUR),
        }
    )
    assert {key for key, reason in found.items() if reason == "complement"} == {
        (QUARTER, team) for team in ("green", "grey", "red")
    }
    assert not derived(found)
    assert derived(found | {(QUARTER, "red"): None}) == [
        (MONTHS[1], "brown"),
        (MONTHS[2], "brown"),
    ]


def made_up(random: Random) -> Contributions:
    """Some teams of which few people are large in some months, or none did anything in one."""
    few, none = random.choice((0.1, 0.2, 0.3, 0.6)), random.choice((0, 0.05, 0.2))

    def month() -> Iterable[int]:
        if random.random() < none:
            return (0,)
        return FOUR if random.random() < few else [1] * random.choice((5, 6, 7))

    return {
        f"team{at}": months(*(month() for _ in MONTHS)) for at in range(random.choice((1, 2, 3, 5, 8, 12)))
    }


def test_nothing_withheld_follows_from_what_is_shown() -> None:
    random = Random(5)
    worlds = [made_up(random) for _ in range(600)]
    decided = withheld_each(worlds)
    assert sum(any(found.values()) for found in decided) > 400
    assert [number for number, found in enumerate(decided) if derived(found)] == []


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
