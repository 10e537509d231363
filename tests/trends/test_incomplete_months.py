"""A month of which something is missing is in no trend: not its own figure, and nothing that rests on it.

Here: a made-up organisation of fifteen months, in whose ledger one month is incomplete, for every source and
several months; held against the same organisation without that month, and with it.
Not here: what makes a month incomplete (``tests/transforms/test_ledger.py``), and that nights really do
(``tests/pipelines/test_ledger_kinds.py``).
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from connectors.demo import FIRST_NIGHT_UTC, make_organization
from connectors.demo.files import configuration_files, counted_files
from metrics_catalog.catalogue import load_catalogue
from pipelines import nightly
from pipelines.nightly import Night
from pipelines.settings import load_settings
from pipelines.sources import REGISTRY
from transforms.changes.build import build_changes
from transforms.periods.build import build_periods, ledgers_of
from warehouse.connection import connect

LEDGERS = {
    "github": date(2026, 1, 1),
    "jira": date(2026, 3, 1),
    "pagerduty": date(2026, 1, 1),
    "deployments": date(2026, 3, 1),
    "incidents": date(2026, 2, 1),
}
"""Each source, and a month in the middle of the year that its trends are of."""
METRICS = load_catalogue()
FACTS = "facts.duckdb"
"""The working database before its trends."""
MONTHLY = """
SELECT * EXCLUDE (definition_version) FROM trends.changes
WHERE method IN ('month_trend', 'usual_range') AND list_contains($metrics, metric_id)
ORDER BY metric_id, method, subject_kind, subject_id
"""


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Night:
    """A year and a quarter, built and nothing missing; the newest final month is June 2026."""
    folder = tmp_path_factory.mktemp("fifteen")
    organization = make_organization(engineers=20, months=15)
    written = configuration_files(organization) | counted_files(organization, FIRST_NIGHT_UTC)
    for name, text in written.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    made = Night(settings=load_settings(folder / "evenhand.toml"), environment={})
    for name in REGISTRY:
        nightly.land(made, name)
    nightly.build_core(made)
    nightly.build_facts(made)
    shutil.copy(made.working_path, made.working_path.with_name(FACTS))
    nightly.build_trends(made)
    return made


@contextmanager
def a_copy(night: Night, folder: Path, name: str | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    copy = folder / "copy.duckdb"
    shutil.copy(night.working_path.with_name(name) if name else night.working_path, copy)
    with connect(copy) as connection:
        yield connection
    copy.unlink()


def rows(connection: duckdb.DuckDBPyConnection, query: str, **asked: Any) -> list[tuple[Any, ...]]:
    return connection.execute(query, asked).fetchall()


def built_again(night: Night, connection: duckdb.DuckDBPyConnection, metrics: list[str]) -> None:
    """Changes of these metrics, from the periods that are there."""
    connection.execute("DROP TABLE IF EXISTS trends.changes")
    as_of_utc, _ = nightly.chosen_loads(night)
    zone = night.settings.organization.reporting_timezone
    build_changes(
        connection, [METRICS[metric] for metric in metrics], as_of_utc=as_of_utc, reporting_timezone=zone
    )


@pytest.mark.parametrize("source", LEDGERS)
def test_an_incomplete_month_is_in_no_method(night: Night, tmp_path: Path, source: str) -> None:
    """Trends and usual ranges are those of series that never had the month; nothing is compared with it."""
    month = LEDGERS[source]
    metrics = [metric.id for metric in METRICS.values() if source in ledgers_of(metric)]
    asked = {"metrics": metrics, "month": month}
    of_the_month = (
        "FROM trends.periods WHERE grain = $grain AND list_contains($metrics, metric_id) "
        "AND period_start = date_trunc($grain, $month::DATE)"
    )
    with a_copy(night, tmp_path) as connection:
        as_it_is = rows(connection, MONTHLY, metrics=metrics)
        connection.execute(f"DELETE {of_the_month}", {**asked, "grain": "month"})
        built_again(night, connection, metrics)
        without_it = rows(connection, MONTHLY, metrics=metrics)
    with a_copy(night, tmp_path, FACTS) as connection:
        connection.execute(
            "INSERT INTO ops.completeness BY NAME SELECT * REPLACE ($source AS source, 'somewhere' AS scope, "
            "$month AS month_start, 'incomplete' AS status, 'something is missing' AS reason) "
            "FROM ops.completeness LIMIT 1",
            {"source": source, "month": month},
        )
        as_of_utc, _ = nightly.chosen_loads(night)
        build_periods(
            connection,
            [METRICS[metric] for metric in metrics],
            as_of_utc=as_of_utc,
            reporting_timezone=night.settings.organization.reporting_timezone,
        )
        built_again(night, connection, metrics)
        found = rows(connection, MONTHLY, metrics=metrics)
        months = rows(
            connection,
            f"SELECT completeness, hole, delta_reason, delta, relative {of_the_month}",
            **asked,
            grain="month",
        )
        after = rows(
            connection,
            "SELECT count(*) FROM trends.periods WHERE grain = 'month' "
            "AND list_contains($metrics, metric_id) AND coalesce(delta, relative) IS NOT NULL "
            "AND period_start = $month + INTERVAL 1 MONTH",
            **asked,
        )
        quarters = rows(connection, f"SELECT completeness, hole {of_the_month}", **asked, grain="quarter")
        compared = rows(
            connection,
            "SELECT DISTINCT outcome FROM trends.changes WHERE method = 'quarter_comparison' "
            "AND list_contains(months_used, strftime($month::DATE, '%Y-%m'))",
            month=month,
        )
    known = {row[:4] for row in without_it}
    assert [row for row in found if row[:4] in known] == without_it
    only_that_month = [row for row in found if row[:4] not in known]
    assert all(months_used == [] for *_, months_used, _, _ in only_that_month)
    assert found != as_it_is
    assert months
    assert {cell[0] for cell in months} == {"incomplete"}
    assert None not in {hole for _, hole, *_ in months}
    assert {cell[2:] for cell in months} == {("current_missing", None, None)}
    assert after == [(0,)]
    assert {completeness for completeness, _ in quarters} <= {"incomplete"}
    assert None not in {hole for _, hole in quarters}
    assert compared == []


def test_the_trends_that_lose_a_month_have_eight_and_more(night: Night, tmp_path: Path) -> None:
    """So that the month would have been used: of each source some series has a trend of eight months."""
    with a_copy(night, tmp_path) as connection:
        for source, month in LEDGERS.items():
            used = rows(
                connection,
                "SELECT max(len(months_used)) FROM trends.changes WHERE method = 'month_trend' "
                "AND list_contains($metrics, metric_id) "
                "AND list_contains(months_used, strftime($month::DATE, '%Y-%m'))",
                metrics=[metric.id for metric in METRICS.values() if source in ledgers_of(metric)],
                month=month,
            )
            assert used[0][0] >= 8, source
