"""Facts and periods of the review metrics against one hand-written query per metric and grain.

    python benchmarks/review_metrics.py                    100 and 1,000 engineers
    python benchmarks/review_metrics.py --engineers 10000  36 months, 12.8 million review events
    python benchmarks/review_metrics.py --each             the ratio of each metric, measured alone, besides

Each step runs in a process of its own on two threads, so that its processor seconds and its peak memory are
its own. Quote the ratios of one run; seconds depend on the machine and on who else uses it. "By hand"
(``by_hand/``) is what an analyst would write: a query of ``core`` that counts by subject and period, without
stored cases, intervals, statuses, details, holes, disclosure or differences. In the end both answers are
compared, every n and every value; one that differs ends the benchmark with exit code 1.

``--memory-limit`` is DuckDB's, of the steps that are measured; Python and the frames of cells come on top.
What does not fit is spilled to disk, and said. The organisation of 10,000 is made up first, in minutes.

Cases that are a view of core are made where they are read, as they are for their cells; what it takes to read
every case of every metric once is told besides.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise
from math import log
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import duckdb

from benchmarks.made_up_reviews import AS_OF_UTC, ZONE, MadeUpReviews, review_events
from metrics_catalog.catalogue import Metric, load_catalogue
from transforms.core.build import CoreSettings, build_core, source_gaps
from transforms.facts import build_facts, drop_cases
from transforms.local_time import set_reporting_zone
from transforms.periods.build import build_periods
from transforms.queries import create
from warehouse.connection import connect

THREADS = 2
MEMORY_LIMIT = "600MB"
CORE_MEMORY_LIMIT = "6GB"
COLUMNS = ("facts CPU", "CPU", "by hand", "ratio", "seconds", "peak MB", "spilled MB", "cells equal")
QUERIES = Path(__file__).parent / "by_hand"
NAIVE_AS_OF_UTC = AS_OF_UTC.replace(tzinfo=None)
_DIFFERENT = """
WITH by_hand AS (
    SELECT
        subject_kind, subject_id, period_start::DATE AS period_start, n,
        CASE WHEN isfinite(value::DOUBLE) THEN value::DOUBLE END AS value
    FROM ({query})
    WHERE subject_id IS NOT NULL
),

ours AS (
    SELECT subject_kind, subject_id, period_start, n, status = 'ok' AS is_told, value
    FROM trends.periods
    WHERE metric_id = $metric_id AND grain = $grain
)

SELECT
    count(*),
    count(*) FILTER (
        WHERE ours.n IS DISTINCT FROM by_hand.n
            OR (ours.is_told AND (ours.value IS NULL) <> (by_hand.value IS NULL))
            OR (ours.is_told AND abs(ours.value - by_hand.value) > 1e-9 * greatest(abs(by_hand.value), 1))
    )
FROM ours
FULL JOIN by_hand
    ON by_hand.subject_kind = ours.subject_kind
    AND by_hand.subject_id = ours.subject_id
    AND by_hand.period_start = ours.period_start
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


def by_hand(metric: Metric, grain: str) -> tuple[str, dict[str, Any]]:
    """The hand-written query of one metric, and its parameters for one grain."""
    query = (QUERIES / f"{metric.id}.sql").read_text("utf-8")
    known = {"grain": grain, "as_of_utc": NAIVE_AS_OF_UTC}
    return query, {name: value for name, value in known.items() if f"${name}" in query}


def compared(connection: duckdb.DuckDBPyConnection, metric: Metric, grain: str) -> tuple[int, int]:
    """How many cells of a metric and grain there are, and how many have another n or value by hand."""
    query, parameters = by_hand(metric, grain)
    found = connection.execute(
        _DIFFERENT.format(query=query), {**parameters, "metric_id": metric.id, "grain": grain}
    ).fetchall()
    return int(found[0][0]), int(found[0][1])


# ------------------------------------------------------------------------------------- steps


def make_core(connection: duckdb.DuckDBPyConnection, engineers: int) -> dict[str, Any]:
    connection.execute(f"SET memory_limit = '{CORE_MEMORY_LIMIT}'")
    settings = CoreSettings(as_of_utc=AS_OF_UTC, reporting_timezone=ZONE)
    build_core(connection, MadeUpReviews(engineers=engineers), settings)
    connection.execute("CREATE SCHEMA ops")
    create(connection, "ops.completeness")
    return {"events": review_events(connection)}


def make_by_hand(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    for metric in metrics_of_reviews():
        _ask_by_hand(connection, metric)
    return {}


def make_facts_and_periods(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    metrics = metrics_of_reviews()
    used = _processor_seconds()
    build_facts(connection, metrics, as_of_utc=NAIVE_AS_OF_UTC)
    facts_cpu = _processor_seconds() - used
    build_periods(connection, metrics, as_of_utc=AS_OF_UTC, reporting_timezone=ZONE)
    return {"facts_cpu": facts_cpu}


def make_reading(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """Every case with all its columns, once."""
    found = [
        connection.execute(
            f"SELECT count(*), bit_xor(hash(cases)) FROM cases.{metric.id} AS cases"
        ).fetchall()
        for metric in metrics_of_reviews()
    ]
    return {"cases": sum(n for ((n, _),) in found)}


def make_comparison(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    found = {
        f"{metric.id} by {grain}": compared(connection, metric, grain)
        for metric in metrics_of_reviews()
        for grain in metric.grain
    }
    return {
        "cells": sum(cells for cells, _ in found.values()),
        "different": {name: f"{n} of {cells}" for name, (cells, n) in found.items() if n or not cells},
    }


def make_each(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """Processor seconds of each metric alone, and by hand."""
    found = {}
    for metric in metrics_of_reviews():
        connection.execute("DROP SCHEMA IF EXISTS trends CASCADE")
        drop_cases(connection, metric.id)
        start = _processor_seconds()
        build_facts(connection, [metric], as_of_utc=NAIVE_AS_OF_UTC)
        build_periods(connection, [metric], as_of_utc=AS_OF_UTC, reporting_timezone=ZONE)
        between = _processor_seconds()
        _ask_by_hand(connection, metric)
        found[metric.id] = (between - start, _processor_seconds() - between)
    return {"each": found}


def _ask_by_hand(connection: duckdb.DuckDBPyConnection, metric: Metric) -> None:
    for grain in metric.grain:
        connection.execute(*by_hand(metric, grain)).fetchnumpy()


STEPS: Mapping[str, Callable[[duckdb.DuckDBPyConnection], dict[str, Any]]] = {
    "by_hand": make_by_hand,
    "facts_and_periods": make_facts_and_periods,
    "reading": make_reading,
    "comparison": make_comparison,
    "each": make_each,
}


def run_step(step: str, path: Path, engineers: int, memory_limit: str) -> None:
    """One step in this process; prints what it made, its seconds, its peak memory and what it spilled."""
    with connect(path) as connection, _spilled_bytes(path.parent / "spill") as spilled:
        connection.execute(f"SET threads = {THREADS}")
        connection.execute(f"SET temp_directory = '{path.parent}/spill'")
        set_reporting_zone(connection, ZONE)
        start, used = time.perf_counter(), _processor_seconds()
        if step == "core":
            made = make_core(connection, engineers)
        else:
            connection.execute(f"SET memory_limit = '{memory_limit}'")
            made = STEPS[step](connection)
        connection.execute("CHECKPOINT")
        seconds, cpu = time.perf_counter() - start, _processor_seconds() - used
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    told = {"seconds": seconds, "cpu": cpu, "peak_mb": peak, "spilled_mb": max(spilled) / 1e6}
    print(json.dumps(made | told))


@contextmanager
def _spilled_bytes(folder: Path) -> Iterator[list[int]]:
    """The sizes that DuckDB's folder of temporary files had while this lasted."""
    sizes, is_over = [0], threading.Event()

    def look() -> None:
        while not is_over.wait(0.1):
            try:
                sizes.append(sum(file.stat().st_blocks * 512 for file in folder.glob("*")))
            except FileNotFoundError:  # taken away in between
                continue

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield sizes
    finally:
        is_over.set()
        watcher.join()


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def measure(engineers: int, memory_limit: str, *, is_each_asked: bool) -> dict[str, dict[str, Any]]:
    """Every step of one size, each in its own process."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "benchmark.duckdb"
        for step in ("core", *STEPS):
            if step == "each" and not is_each_asked:
                continue
            command = [sys.executable, __file__, "--step", step, "--path", str(path)]
            command += ["--memory-limit", memory_limit, "--engineers", str(engineers)]
            answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            found[step] = json.loads(answer.stdout.splitlines()[-1])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--engineers", type=int, nargs="+", default=[100, 1000], help="sizes, smallest first")
    parser.add_argument("--memory-limit", default=MEMORY_LIMIT, help=f"DuckDB's, by default {MEMORY_LIMIT}")
    parser.add_argument("--each", action="store_true", help="also each metric alone")
    parser.add_argument("--step", choices=("core", *STEPS), help=argparse.SUPPRESS)
    parser.add_argument("--path", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.step is not None:
        run_step(asked.step, asked.path, asked.engineers[0], asked.memory_limit)
        return
    print(f"{len(metrics_of_reviews())} metrics, {THREADS} threads; CPU in processor seconds")
    print(f"{'engineers':>9}{'events':>12}{'cases':>12}" + "".join(f"{name:>12}" for name in COLUMNS))
    found = []
    for engineers in asked.engineers:
        steps = measure(engineers, asked.memory_limit, is_each_asked=asked.each)
        found.append((steps["core"]["events"], steps["facts_and_periods"]["cpu"]))
        _tell(engineers, steps)
    for (fewer, before), (more, after) in pairwise(found):
        exponent = log(after / before) / log(more / fewer)
        print(f"growth of CPU from {fewer:,} to {more:,} events: exponent {exponent:.2f}")


def _tell(engineers: int, steps: Mapping[str, Mapping[str, Any]]) -> None:
    ours, hand, comparison = steps["facts_and_periods"], steps["by_hand"], steps["comparison"]
    if comparison["different"]:
        raise SystemExit(f"{engineers:,} engineers: by hand it is something else: {comparison['different']}")
    print(
        f"{engineers:>9,}{steps['core']['events']:>12,}{steps['reading']['cases']:>12,}{ours['facts_cpu']:>12.1f}"
        f"{ours['cpu']:>12.1f}{hand['cpu']:>12.1f}{ours['cpu'] / hand['cpu']:>12.2f}"
        f"{ours['seconds']:>12.1f}{ours['peak_mb']:>12.0f}{ours['spilled_mb']:>12.0f}"
        f"{comparison['cells']:>12,}",
        flush=True,
    )
    print(
        f"          by hand: {hand['seconds']:.1f} seconds, peak MB {hand['peak_mb']:.0f}, "
        f"spilled MB {hand['spilled_mb']:.0f}; all cases read once: CPU {steps['reading']['cpu']:.1f}"
    )
    for metric_id, (cpu, cpu_by_hand) in steps.get("each", {}).get("each", {}).items():
        print(f"          {metric_id}: {cpu:.2f} against {cpu_by_hand:.2f}, ratio {cpu / cpu_by_hand:.2f}")


if __name__ == "__main__":
    main()
