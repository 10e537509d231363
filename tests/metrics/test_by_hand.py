"""The cells of made-up reviews against a hand-written query per metric and grain, that of the benchmark."""

from collections.abc import Iterator

import duckdb
import pytest

from benchmarks.made_up_reviews import AS_OF_UTC, ZONE, MadeUpReviews, review_events
from benchmarks.review_metrics import compared, metrics_of_reviews
from metrics_catalog.catalogue import Metric
from transforms.core.build import CoreSettings, build_core
from transforms.facts import build_facts
from transforms.periods.build import build_periods
from transforms.queries import create
from warehouse.connection import connect

METRICS = metrics_of_reviews()


@pytest.fixture(scope="module")
def built() -> Iterator[duckdb.DuckDBPyConnection]:
    with connect() as connection:
        build_core(
            connection,
            MadeUpReviews(engineers=16),
            CoreSettings(as_of_utc=AS_OF_UTC, reporting_timezone=ZONE),
        )
        connection.execute("CREATE SCHEMA ops")
        create(connection, "ops.completeness")
        build_facts(connection, METRICS, as_of_utc=AS_OF_UTC.replace(tzinfo=None))
        build_periods(connection, METRICS, as_of_utc=AS_OF_UTC, reporting_timezone=ZONE)
        yield connection


def test_the_made_up_reviews_are_as_many_as_the_benchmark_says(built: duckdb.DuckDBPyConnection) -> None:
    """36 a person and month: 12.8 million for 10,000 engineers over 36 months."""
    assert review_events(built) / (16 * 36) == pytest.approx(35.6, rel=0.05)


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.id)
def test_counts_and_values_are_those_of_a_query_by_hand(
    built: duckdb.DuckDBPyConnection, metric: Metric
) -> None:
    for grain in metric.grain:
        cells, different = compared(built, metric, grain)
        assert cells > 0
        assert different == 0, grain


def test_a_cell_that_differs_from_the_query_by_hand_is_seen(built: duckdb.DuckDBPyConnection) -> None:
    metric = next(metric for metric in METRICS if metric.id == "rq_response_24h")
    cells, _ = compared(built, metric, "month")
    built.execute("BEGIN")
    for change in ("value = value + 0.001", "n = n + 1", "value = NULL"):
        built.execute(
            f"UPDATE trends.periods SET {change} WHERE metric_id = 'rq_response_24h' AND grain = 'month' "
            "AND subject_id = 'p00003' AND period_start = DATE '2025-03-01' AND status = 'ok'"
        )
        assert compared(built, metric, "month") == (cells, 1), change
    built.execute("ROLLBACK")
    assert compared(built, metric, "month") == (cells, 0)
