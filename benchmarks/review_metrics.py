"""Facts and periods of the review metrics against one hand-written query per metric and grain.

    python benchmarks/review_metrics.py                    100 and 1,000 engineers
    python benchmarks/review_metrics.py --engineers 10000  36 months, 12.8 million review events
    python benchmarks/review_metrics.py --engineers 10000 --memory-limit 600MB

Each step runs in a process of its own on two threads, so that its processor seconds and its peak memory are
its own. Quote the ratios of one run; seconds depend on the machine and on who else uses it. "By hand" is what
an analyst would write for the same numbers: the metric's query once a grain, counted by subject and period,
without stored cases, intervals, statuses, details, holes, disclosure or differences. ``--memory-limit`` is
DuckDB's, of the step that is measured and not of the queries by hand; the frames of cells come on top of it.
The organisation of 10,000 is made up first, which takes minutes and 12 GB.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from math import log
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import duckdb

from benchmarks.made_up_reviews import AS_OF_UTC, ZONE, MadeUpReviews, review_events
from metrics_catalog.catalogue import Metric, load_catalogue
from transforms.core.build import CoreSettings, build_core, source_gaps
from transforms.facts import build_facts
from transforms.local_time import set_reporting_zone
from transforms.periods.build import build_periods
from transforms.queries import create
from warehouse.connection import connect

THREADS = 2
COLUMNS = ("facts CPU", "CPU", "by hand", "ratio", "seconds", "peak MB")
STEPS = ("core", "facts_and_periods", "by_hand")
BY_HAND = """
WITH cases AS ({query}),

people AS (
    SELECT cases.* FROM cases
    JOIN core.people AS people
        ON people.person_id = cases.subject_id AND people.is_rostered AND NOT people.is_bot
    WHERE cases.subject_kind = 'person'
),

teams AS (
    SELECT cases.* REPLACE ('team' AS subject_kind, memberships.team_id AS subject_id)
    FROM cases
    JOIN core.memberships AS memberships
        ON memberships.person_id = cases.subject_id
        AND cases.anchor_at_utc >= coalesce(memberships.from_at_utc, TIMESTAMP '0001-01-01')
        AND cases.anchor_at_utc < coalesce(memberships.to_at_utc, TIMESTAMP '9999-12-31')
    WHERE cases.subject_kind = 'person'
)

SELECT
    subject_kind, subject_id, date_trunc('{grain}', reporting_month(anchor_at_utc)) AS period_start, {figures}
FROM ({subjects})
WHERE anchor_at_utc <= $as_of_utc
GROUP BY ALL
"""


def metrics_of_reviews() -> list[Metric]:
    """The metrics of this benchmark: of code reviews, with an input that GitHub gives."""
    catalogue = load_catalogue()
    gaps = source_gaps(catalogue, ["github", "organization"])
    return [
        metric
        for metric in catalogue.values()
        if (metric.id.startswith("rq_") or metric.id == "fc_cross_team_reviews") and metric.id not in gaps
    ]


def make_core(path: Path, engineers: int) -> dict[str, Any]:
    with connect(path) as connection:
        connection.execute(f"SET threads = {THREADS}")
        settings = CoreSettings(as_of_utc=AS_OF_UTC, reporting_timezone=ZONE)
        build_core(connection, MadeUpReviews(engineers=engineers), settings)
        connection.execute("CREATE SCHEMA ops")
        create(connection, "ops.completeness")
        return {"events": review_events(connection)}


def make_facts_and_periods(path: Path, memory_limit: str | None) -> dict[str, Any]:
    with connect(path) as connection:
        _limit(connection, path)
        if memory_limit is not None:
            connection.execute(f"SET memory_limit = '{memory_limit}'")
        set_reporting_zone(connection, ZONE)
        metrics = metrics_of_reviews()
        start, used = time.perf_counter(), _processor_seconds()
        build_facts(connection, metrics, as_of_utc=AS_OF_UTC.replace(tzinfo=None))
        facts = {"facts_seconds": time.perf_counter() - start, "facts_cpu": _processor_seconds() - used}
        build_periods(connection, metrics, as_of_utc=AS_OF_UTC, reporting_timezone=ZONE)
        cases = sum(_count(connection, f"facts.{metric.id}") for metric in metrics)
        return {"cases": cases, "cells": _count(connection, "trends.periods"), **facts}


def make_by_hand(path: Path) -> dict[str, Any]:
    with connect(path) as connection:
        _limit(connection, path)
        set_reporting_zone(connection, ZONE)
        cells = 0
        for metric in metrics_of_reviews():
            for grain in metric.grain:
                cells += len(connection.execute(*by_hand(metric, grain)).fetchnumpy()["subject_id"])
        return {"cells": cells}


def by_hand(metric: Metric, grain: str) -> tuple[str, dict[str, Any]]:
    """One query for one metric and grain."""
    counted = ", ".join(f"'{word}'" for word in metric.counted)
    figures = f"count(*) FILTER (WHERE outcome IN ({counted})) AS n"
    if metric.statistic == "share":
        numerator = ", ".join(f"'{word}'" for word in metric.outcomes["numerator"])
        figures += f", count(*) FILTER (WHERE outcome IN ({numerator})) / n AS value"
    elif metric.statistic == "median":
        figures += f", median(amount) FILTER (WHERE outcome IN ({counted})) AS value"
    else:
        figures += ", approx_count_distinct(contributor_id) AS value"
    subjects = ["SELECT * FROM cases WHERE subject_kind <> 'person'"]
    subjects += ["SELECT * FROM people"] if "person" in metric.subject_kinds else []
    subjects += ["SELECT * FROM teams"] if metric.team == "pooled" else []
    query = BY_HAND.format(
        query=metric.facts_sql, grain=grain, figures=figures, subjects=" UNION ALL BY NAME ".join(subjects)
    )
    parameters = {**metric.params, "as_of_utc": AS_OF_UTC.replace(tzinfo=None)}
    return query, {name: value for name, value in parameters.items() if f"${name}" in query}


def _limit(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    connection.execute(f"SET threads = {THREADS}")
    connection.execute(f"SET temp_directory = '{path.parent}/spill'")


def _count(connection: duckdb.DuckDBPyConnection, name: str) -> int:
    ((count,),) = connection.execute(f"SELECT count(*) FROM {name}").fetchall()
    return int(count)


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def run_step(step: str, path: Path, engineers: int, memory_limit: str | None) -> None:
    """One step in this process; prints what it made, its seconds and its peak memory."""
    start, used = time.perf_counter(), _processor_seconds()
    made = {"core": lambda: make_core(path, engineers), "by_hand": lambda: make_by_hand(path)}.get(
        step, lambda: make_facts_and_periods(path, memory_limit)
    )()
    seconds, cpu = time.perf_counter() - start, _processor_seconds() - used
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({**made, "seconds": seconds, "cpu": cpu, "peak_mb": peak}))


def measure(engineers: int, memory_limit: str | None) -> dict[str, dict[str, Any]]:
    """Every step of one size, each in its own process."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "benchmark.duckdb"
        for step in ("core", "by_hand", "facts_and_periods"):
            command = [sys.executable, __file__, "--step", step, "--path", str(path)]
            if memory_limit is not None:
                command += ["--memory-limit", memory_limit]
            answer = subprocess.run(
                [*command, "--engineers", str(engineers)], check=True, capture_output=True, text=True
            )
            found[step] = json.loads(answer.stdout.splitlines()[-1])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--engineers", type=int, nargs="+", default=[100, 1000], help="sizes, smallest first")
    parser.add_argument("--memory-limit", help="DuckDB's, e.g. 600MB; without it, DuckDB takes what it needs")
    parser.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    parser.add_argument("--path", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.step is not None:
        run_step(asked.step, asked.path, asked.engineers[0], asked.memory_limit)
        return
    print(f"{len(metrics_of_reviews())} metrics, {THREADS} threads; CPU in processor seconds")
    print(f"{'engineers':>9}{'events':>12}{'cases':>12}" + "".join(f"{name:>10}" for name in COLUMNS))
    found = []
    for engineers in asked.engineers:
        steps = measure(engineers, asked.memory_limit)
        ours, hand, events = steps["facts_and_periods"], steps["by_hand"], steps["core"]["events"]
        found.append((events, ours["cpu"]))
        print(
            f"{engineers:>9,}{events:>12,}{ours['cases']:>12,}{ours['facts_cpu']:>10.1f}"
            f"{ours['cpu']:>10.1f}{hand['cpu']:>10.1f}{ours['cpu'] / hand['cpu']:>10.2f}"
            f"{ours['seconds']:>10.1f}{ours['peak_mb']:>10.0f}",
            flush=True,
        )
    for (fewer, before), (more, after) in pairwise(found):
        exponent = log(after / before) / log(more / fewer)
        print(f"growth of CPU from {fewer:,} to {more:,} events: exponent {exponent:.2f}")


if __name__ == "__main__":
    main()
