"""What holds of every metric of the catalogue, whatever the rows are, in a world in which each has cases."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from random import Random
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics_catalog.catalogue import Metric, load_catalogue
from tests.drawn import examples
from tests.metrics.full_world import full_world, ship, talk
from tests.transforms.world import World, rows, utc
from tests.trends.random_world import random_pull
from transforms.facts import build_facts, drop_cases
from transforms.periods import build as periods

CATALOGUE = load_catalogue()
SEEDS = st.integers(0, 2**32)
AS_OF = "2026-06-01"
# Differences to the month before, completeness and disclosure look at other cells than their own.
OWN = (
    "metric_id, subject_kind, subject_id, grain, period, state, status, n, n_pending, n_excluded, numerator, "
    "denominator, exposure, value, ci_low, ci_high, n_contributors, details"
)


def with_small_minimums(metric: Metric) -> Metric:
    """The metric with values from one case on, so that there is more to compare."""
    return replace(
        metric,
        n_min_month=1 if "month" in metric.grain else None,
        n_min_quarter=1 if "quarter" in metric.grain else None,
        params={**metric.params, **{key: 1 for key in metric.params if key.startswith("min_")}},
    )


METRICS = [with_small_minimums(metric) for metric in CATALOGUE.values() if metric.statistic != "goal"]
"""Those with cells of months and quarters; goals have periods of their own."""


@contextmanager
def built(world: World) -> Iterator[duckdb.DuckDBPyConnection]:
    with world.periods(AS_OF, metrics=METRICS) as connection:
        yield connection


def cells(connection: duckdb.DuckDBPyConnection) -> set[tuple[Any, ...]]:
    return set(connection.execute(f"SELECT {OWN} FROM trends.periods").fetchall())


def facts(connection: duckdb.DuckDBPyConnection) -> set[tuple[Any, ...]]:
    found: set[tuple[Any, ...]] = set()
    for metric in METRICS:
        query = (
            f"SELECT '{metric.id}', subject_kind, subject_id, strftime(month_start, '%Y-%m'), "
            "case_id, ref, contributor_id, cluster_id, anchor_at_utc, outcome, why, amount "
            f"FROM facts.{metric.id}"
        )
        found |= set(connection.execute(query).fetchall())
    return found


def test_every_metric_has_cells_of_every_grain_and_kind_of_subject_it_names() -> None:
    with built(full_world(7, pulls=60)) as connection:
        found = set(
            connection.execute(
                "SELECT DISTINCT metric_id, subject_kind, grain FROM trends.periods"
            ).fetchall()
        )
    assert found == {
        (metric.id, kind, grain)
        for metric in METRICS
        for kind in metric.subject_kinds
        for grain in metric.grain
    }


@examples(3)
@given(seed=SEEDS)
def test_another_pull_request_moves_only_the_periods_of_its_own_cases(seed: int) -> None:
    world, random = full_world(seed), Random(seed)
    with built(world) as connection:
        cells_before, facts_before = cells(connection), facts(connection)
    random_pull(world, random, "another-one", everybody_in_a_team=True)
    pull = world.tables["pull_requests"][-1]
    talk(world, random, "another-one", pull["author_id"], pull["created_at_utc"])
    if pull["merged_at_utc"]:
        ship(world, random, 999, "another-one", pull["merged_at_utc"])
    with built(world) as connection:
        cells_after, facts_after = cells(connection), facts(connection)
    assert facts_before <= facts_after, "a case that was there is there as it was"
    # Whoever ships for the first time has every sprint since, which is exposure and no case of its own.
    named = {row[5].split("-t")[0] for row in facts_after - facts_before if row[9] != "sprint"}
    assert named <= {"another-one", "deployment-999", "defect-999"}
    own = {row[:4] for row in facts_after - facts_before}
    own |= {(*key, f"{month[:4]}-Q{(int(month[5:]) + 2) // 3}") for *key, month in own}
    moved = {(metric, kind, who, period) for metric, kind, who, _, period, *_ in cells_before ^ cells_after}
    assert moved <= own


@examples(3)
@given(seed=SEEDS)
def test_what_a_team_has_is_what_its_people_have(seed: int) -> None:
    """Everybody whose cases count is in exactly one team at every instant."""
    pooled = [metric.id for metric in METRICS if metric.team == "pooled" and "person" in metric.subject_kinds]
    query = (
        "SELECT metric_id, period, sum(n) AS n, sum(n_pending) AS n_pending, sum(numerator) AS numerator, "
        "sum(denominator) AS denominator FROM trends.periods WHERE subject_kind = $kind "
        "GROUP BY ALL ORDER BY ALL"
    )
    with built(full_world(seed)) as connection:
        persons = [row for row in rows(connection, query, kind="person") if row["metric_id"] in pooled]
        teams = [row for row in rows(connection, query, kind="team") if row["metric_id"] in pooled]
    assert persons
    assert persons == teams


def test_an_empty_warehouse_has_no_case_and_no_cell() -> None:
    with built(World()) as connection:
        assert cells(connection) == set()
        assert facts(connection) == set()


@pytest.fixture(scope="module")
def core_of_all() -> Iterator[duckdb.DuckDBPyConnection]:
    with full_world(7, pulls=60).core(AS_OF) as connection:
        yield connection


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.id)
def test_a_metric_that_lacks_an_input_has_no_case_at_all(
    metric: Metric, core_of_all: duckdb.DuckDBPyConnection
) -> None:
    for gaps, has_cases in (((), True), ((metric.id,), False)):
        build_facts(core_of_all, [metric], as_of_utc=utc(AS_OF), gaps=gaps)
        found = core_of_all.execute(f"SELECT count(*) > 0 FROM facts.{metric.id}").fetchall()
        drop_cases(core_of_all, metric.id)
        assert found == [(has_cases,)]


@pytest.mark.parametrize(
    "metric", [metric for metric in METRICS if metric.is_read_from_core], ids=lambda metric: metric.id
)
def test_cases_that_are_a_view_are_those_that_would_be_stored(
    metric: Metric, core_of_all: duckdb.DuckDBPyConnection
) -> None:
    asked = (
        f"SELECT column_name, column_type FROM (DESCRIBE cases.{metric.id})",
        f"FROM cases.{metric.id} ORDER BY ALL",
        f"FROM facts.{metric.id} ORDER BY ALL",
    )
    found = []
    for one in (metric, replace(metric, is_read_from_core=False)):
        build_facts(core_of_all, [one], as_of_utc=utc(AS_OF))
        found.append([core_of_all.execute(query).fetchall() for query in asked])
        drop_cases(core_of_all, metric.id)
    assert all(found[0])
    assert found[0] == found[1]


def test_cells_of_many_subjects_are_those_of_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    everything = "FROM trends.periods ORDER BY ALL"
    world = full_world(7, pulls=60)
    with built(world) as connection:
        at_once = connection.execute(everything).fetchall()
    monkeypatch.setattr(periods, "_AT_ONCE", 5)
    monkeypatch.setattr(periods, "_ROW_GROUP", 7)
    with built(world) as connection:
        assert connection.execute(everything).fetchall() == at_once
