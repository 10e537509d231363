"""The cells of made-up reviews against a hand-written query per metric and grain, that of the benchmark."""

from collections.abc import Iterator
from datetime import date

import duckdb
import pytest

from benchmarks.made_up_reviews import AS_OF_UTC, ZONE, MadeUpReviews, review_events
from benchmarks.review_metrics import by_hand, metrics_of_reviews
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
        rows = built.execute(*by_hand(metric, grain)).fetchall()
        wanted = {(kind, who, start): (n, value) for kind, who, start, n, value in rows}
        cells = built.execute(
            "SELECT subject_kind, subject_id, period_start, n, value, status, "
            "json_extract(details, '$.n_open')::INTEGER > 0 FROM trends.periods "
            "WHERE metric_id = $metric_id AND grain = $grain",
            {"metric_id": metric.id, "grain": grain},
        ).fetchall()
        assert {(kind, who, _day(start)): n for (kind, who, start), (n, _) in wanted.items()} == {
            (kind, who, start): n for kind, who, start, n, *_ in cells
        }
        assert cells
        days = {(kind, who, _day(start)): value for (kind, who, start), (_, value) in wanted.items()}
        for kind, who, start, _, value, status, has_open in cells:
            is_comparable = metric.statistic == "share" or (metric.statistic == "median" and not has_open)
            if status == "ok" and is_comparable:
                assert value == pytest.approx(days[kind, who, start])


def _day(start: object) -> date:
    assert isinstance(start, date)
    return date(start.year, start.month, start.day)
