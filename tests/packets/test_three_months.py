"""Three months in place of one: told where the rota is small, and nowhere else."""

import duckdb
import pytest

from metrics_catalog.catalogue import load_catalogue
from packets.catalogue import metrics
from packets.three_months import three_month_texts
from tests.transforms.world import World, rows, utc
from transforms.ledger import build_catalog

METRIC = load_catalogue()["oc_sleep_nights"]
MONTHS = "SELECT * FROM trends.all_periods WHERE grain = 'month' ORDER BY ALL"


def rota(*, people: int, days_each: int) -> World:
    """So many people in turn from 1 January on, each for so many days, over the first quarter."""
    world = World(zone="UTC")
    for number in range(people):
        world.person(f"p{number}", team="red", tz="UTC")
    for number in range(90 // days_each):
        world.add(
            "oncall_shifts",
            person_id=f"p{number % people}",
            schedule_id="rota",
            start_at_utc=utc("2026-01-01 09:00")
            + number * (utc("2026-01-02") - utc("2026-01-01")) * days_each,
            end_at_utc=utc("2026-01-01 09:00")
            + (number + 1) * (utc("2026-01-02") - utc("2026-01-01")) * days_each,
        )
    return world


def told(world: World) -> dict[tuple[str, str, str], str]:
    with world.periods("2026-06-01", metrics=[METRIC]) as connection:
        return _texts(connection)


def _texts(connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, str, str], str]:
    build_catalog(connection, {METRIC.id: METRIC})
    known = {metric.metric_id: metric for metric in metrics(connection)}
    return three_month_texts(connection, rows(connection, MONTHS), known)


def test_a_small_rota_is_told_once_a_quarter() -> None:
    """Six people for a fortnight each: two or three a month, six in the quarter."""
    found = told(rota(people=6, days_each=14))
    assert list(found) == [("oc_sleep_nights", "red", "2026-03")]
    (text,) = found.values()
    assert text.startswith("three months to March 2026: 0% (95% interval 0% to ")
    assert text.endswith("; 6 people)")


@pytest.mark.parametrize(
    ("people", "days_each"), [(4, 14), (6, 3)], ids=["four people are too few", "each month has five"]
)
def test_nothing_is_told_where_it_may_not_or_need_not(people: int, days_each: int) -> None:
    assert told(rota(people=people, days_each=days_each)) == {}


def test_one_withheld_month_is_not_given_away_by_the_quarter() -> None:
    """January and February have six people each and are shown: the quarter less both would be March."""
    world = rota(people=6, days_each=3)
    world.tables["oncall_shifts"] = [
        row for row in world.tables["oncall_shifts"] if row["start_at_utc"] < utc("2026-03-05")
    ]
    assert told(world) == {}
