"""What holds of facts and cells whatever the rows are."""

import hashlib
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics_catalog.catalogue import Metric
from tests.drawn import examples
from tests.metrics.full_world import full_world
from tests.transforms.world import CATALOGUE, World, rows, utc
from tests.trends.random_world import AS_OF, ZONE, random_pull, random_world
from transforms.changes.build import build_changes
from transforms.local_time import first_instant, month_name, next_month, quarter_name

METRICS = [replace(metric, n_min_month=1, n_min_quarter=2) for metric in CATALOGUE.values()]
SEEDS = st.integers(0, 2**32)
TABLES = (
    "trends.periods",
    "trends.all_periods",
    "trends.period_states",
    *(f"facts.{name}" for name in CATALOGUE),
)
DELTAS = ("delta", "relative", "delta_reason", "is_delta_provisional")


def everything(world: World) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of facts and trends: of facts in the order in which they are published, of cells as stored."""
    with built(world) as connection:
        return {name: connection.execute(f"FROM {name}{_order(name)}").fetchall() for name in TABLES}


def _order(name: str) -> str:
    if name.startswith("facts."):
        return " ORDER BY subject_kind, subject_id, anchor_at_utc, case_id"
    return " ORDER BY ALL" if "all_" in name else ""


@contextmanager
def built(
    world: World, *, metrics: Sequence[Metric] = METRICS, as_of: str | datetime = AS_OF
) -> Iterator[duckdb.DuckDBPyConnection]:
    with world.periods(as_of, metrics=metrics) as connection:
        yield connection


def named(*ids: str) -> list[Metric]:
    return [metric for metric in METRICS if metric.id in ids]


@examples(3)
@given(seed=SEEDS)
def test_a_second_run_with_rows_in_another_order_changes_nothing(seed: int) -> None:
    world = full_world(seed, everybody_in_a_team=False)
    first = everything(world)
    assert first["trends.periods"]
    for found in world.tables.values():
        Random(seed).shuffle(found)
    assert everything(world) == first


@examples(5)
@given(seed=SEEDS)
def test_new_pull_request_moves_only_the_months_it_has_cases_in(seed: int) -> None:
    """Its cases' months, their quarters, and of the months after them the difference alone."""
    world = random_world(seed, everybody_in_a_team=False)
    with built(world) as connection:
        before = cells(connection)
    random_pull(world, Random(seed + 1), "new", everybody_in_a_team=False)
    with built(world) as connection:
        after = cells(connection)
        touched = {
            row["month_start"]
            for metric in METRICS
            for row in rows(connection, f"SELECT month_start FROM facts.{metric.id} WHERE ref = 'new'")
        }
    whole = {month_name(month) for month in touched} | {
        quarter_name(date(month.year, 3 * ((month.month - 1) // 3) + 1, 1)) for month in touched
    }
    following = {month_name(next_month(month)) for month in touched}
    for key in before.keys() | after.keys():
        old, new = before.get(key), after.get(key)
        period = key[-1]
        if old == new or period in whole:
            continue
        assert period in following, key
        assert old is not None
        assert new is not None
        assert without_differences(old) == without_differences(new)


def cells(connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, ...], dict[str, Any]]:
    return {
        (row["metric_id"], row["subject_kind"], row["subject_id"], row["period"]): row
        for row in rows(connection, "FROM trends.periods")
    }


def without_differences(cell: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in cell.items() if name not in DELTAS}


@examples(5)
@given(seed=SEEDS)
def test_every_merged_pull_request_has_one_outcome_for_each_service_and_owner(seed: int) -> None:
    with built(random_world(seed), metrics=named("rq_review_coverage")) as connection:
        merged = rows(
            connection,
            "FROM core.pull_requests WHERE merged_at_utc IS NOT NULL",
        )
        wanted: Counter[tuple[str, str, str]] = Counter()
        moved = first_instant(date(2026, 3, 20), ZONE).replace(tzinfo=None)
        for pull in merged:
            wanted.update(("service", service, pull["pr_id"]) for service in pull["service_ids"])
            owners = {
                "blue" if service == "api" and pull["merged_at_utc"] >= moved else "red"
                for service in pull["service_ids"]
            }
            wanted.update(("team", owner, pull["pr_id"]) for owner in owners)
        found = rows(
            connection, "SELECT subject_kind, subject_id, ref, outcome FROM facts.rq_review_coverage"
        )
        assert Counter((row["subject_kind"], row["subject_id"], row["ref"]) for row in found) == wanted
        assert {row["outcome"] for row in found} <= {"covered", "not_covered", "excluded"}


@examples(5)
@given(seed=SEEDS)
def test_cells_are_recounted_from_their_cases(seed: int) -> None:
    """n, numerator, pending and excluded of every cell, of months and quarters, from the facts alone."""
    with built(random_world(seed, everybody_in_a_team=False)) as connection:
        for metric in METRICS:
            for cell in rows(connection, "FROM trends.periods WHERE metric_id = $metric", metric=metric.id):
                assert counts_of(cell) == recounted(connection, metric, cell)


def counts_of(cell: dict[str, Any]) -> dict[str, int]:
    names = ("n", "n_pending", "n_excluded", "numerator", "denominator")
    return {name: cell[name] for name in names if cell[name] is not None}


def recounted(connection: duckdb.DuckDBPyConnection, metric: Metric, cell: dict[str, Any]) -> dict[str, int]:
    months = 3 if cell["grain"] == "quarter" else 1
    wanted = {next_month(cell["period_start"], further) for further in range(months)}
    cases = [
        row["outcome"]
        for row in rows(
            connection,
            f"FROM facts.{metric.id} WHERE subject_kind = $kind AND subject_id = $subject",
            kind=cell["subject_kind"],
            subject=cell["subject_id"],
        )
        if row["month_start"] in wanted
    ]

    def count(outcomes: Sequence[str]) -> int:
        return sum(case in outcomes for case in cases)

    counts = {
        "n": count(metric.counted),
        "n_pending": count(metric.outcomes["pending"]),
        "n_excluded": count(metric.outcomes["excluded"]),
    }
    if metric.statistic == "share":
        counts |= {
            "numerator": count(metric.outcomes["numerator"]),
            "denominator": count(metric.outcomes["denominator"]),
        }
    return counts


@examples(5)
@given(seed=SEEDS)
def test_teams_add_up_to_their_people_where_everybody_is_in_a_team(seed: int) -> None:
    added_up = named("rq_response_24h", "rq_first_response_time")
    with built(random_world(seed), metrics=added_up) as connection:
        for metric in added_up:
            sums = connection.execute(
                "SELECT period, subject_kind, sum(n), sum(n_pending), sum(n_excluded), sum(numerator) "
                "FROM trends.periods WHERE metric_id = $metric GROUP BY ALL ORDER BY ALL",
                {"metric": metric.id},
            ).fetchall()
            persons = [(period, *rest) for period, kind, *rest in sums if kind == "person"]
            assert persons
            assert persons == [(period, *rest) for period, kind, *rest in sums if kind == "team"]


AWKWARD = [
    ("America/Havana", date(2026, 11, 1)),  # midnight comes twice
    ("America/Sao_Paulo", date(2026, 3, 1)),
    ("Atlantic/Azores", date(2026, 10, 1)),
    ("Asia/Kathmandu", date(2026, 4, 1)),
    ("America/St_Johns", date(2026, 11, 1)),  # whose clocks went back at 0:01 until 2011
    ("America/St_Johns", date(2009, 11, 1)),  # and on this very day: half an hour after midnight comes twice
    ("Pacific/Apia", date(2026, 1, 1)),
    ("Pacific/Apia", date(2012, 1, 1)),  # two days after one that never was
    ("Australia/Lord_Howe", date(2026, 4, 1)),
    ("Africa/Cairo", date(2026, 5, 1)),
    ("Pacific/Kiritimati", date(2026, 7, 1)),
    ("America/Asuncion", date(2017, 10, 1)),  # midnight is skipped
    ("Asia/Amman", date(2022, 4, 1)),  # hours after one that began at 1:00
]


@pytest.mark.parametrize(("zone", "first_day"), AWKWARD, ids=str)
def test_one_second_either_side_of_a_months_end(zone: str, first_day: date) -> None:
    start = first_instant(first_day, zone).replace(tzinfo=None)
    world = World(zone=zone)
    world.person("ann")
    world.person("bob", tz=zone)
    for seconds in (-1, 0, 1):
        at, pr_id = start + timedelta(seconds=seconds), f"pr {seconds}"
        world.pull(pr_id, created=start - timedelta(days=1))
        world.request(at, "bob", pr_id=pr_id)
        world.review(at, "bob", pr_id=pr_id)
    only = named("rq_response_24h")
    with built(world, metrics=only, as_of=start + timedelta(days=100)) as connection:
        found = rows(
            connection,
            "FROM trends.periods WHERE metric_id = 'rq_response_24h' AND grain = 'month' ORDER BY period",
        )
        quarters = connection.execute(
            "SELECT sum(n) FROM trends.periods WHERE metric_id = 'rq_response_24h' AND grain = 'quarter'"
        ).fetchall()
    before = month_name(next_month(first_day, -1))
    assert [(row["period"], row["n"]) for row in found] == [(before, 1), (month_name(first_day), 2)]
    assert quarters == [(3,)]


def digest() -> str:
    """SHA-256 of the cases, cells and changes of an organisation in which every metric has cases, as text."""
    found = hashlib.sha256()
    with built(full_world(7, everybody_in_a_team=False)) as connection:
        build_changes(connection, METRICS, as_of_utc=utc(AS_OF), reporting_timezone=ZONE)
        for name in ("trends.periods", "trends.changes", *(f"facts.{metric.id}" for metric in METRICS)):
            table = connection.sql(f"FROM {name}{_order(name)}").pl()
            lists = [column for column, kind in table.schema.items() if kind.is_nested()]
            found.update(table.with_columns(pl.col(lists).list.join(" ")).write_csv().encode())
    return found.hexdigest()


def test_zone_of_the_machine_changes_no_byte() -> None:
    program = "from tests.trends.test_properties import digest; print(digest())"
    here = digest()
    for zone in ("Pacific/Kiritimati", "America/St_Johns"):
        ran = subprocess.run(
            [sys.executable, "-c", program],
            cwd=Path(__file__).parents[2],
            env=os.environ | {"TZ": zone},
            capture_output=True,
            text=True,
            check=True,
        )
        assert ran.stdout.strip() == here
