"""What there should be, what there is, and where it comes from: the ``ops`` and ``catalog`` tables.

Here: loads, rejected records, completeness by scope and month, the catalogue in words.
Not here: counting at the source (connectors), or checks (pipelines).
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from importlib.resources import files
from typing import Any

import duckdb
import polars as pl

from metrics_catalog.catalogue import Metric
from metrics_catalog.tables import table
from transforms.core.streams import STREAMS, changed_within_load
from transforms.queries import create, insert, sql
from warehouse.landing import ChosenLoad, Reading

LATE_DAYS = 31
"""How long after a case what belongs to it may still come, where it is not open: the longest time that a
metric's cases take to be final, and a day. A gap reaches so far back before the time when there was none, and
to every month in which something was left open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """What a database is: the as-of (aware), and what besides loads decides its numbers."""

    as_of_utc: datetime
    reporting_timezone: str
    organization: str
    code_version: str
    configuration_hash: str
    definitions_hash: str
    persons_from: date | None


def build_publication(connection: duckdb.DuckDBPyConnection, publication: Publication) -> None:
    """Create and fill ``ops.publication``."""
    row = {
        name: getattr(publication, name)
        for name in ("reporting_timezone", "organization", "code_version", "configuration_hash")
    }
    row |= {
        "as_of_utc": publication.as_of_utc.replace(tzinfo=None),
        "definitions_hash": publication.definitions_hash,
        "persons": publication.persons_from is not None,
        "persons_from": publication.persons_from,
    }
    _fill_rows(connection, "ops.publication", [row])


def build_loads(connection: duckdb.DuckDBPyConnection, loads: Sequence[ChosenLoad]) -> None:
    """Create and fill ``ops.loads`` and the table ``newest_scopes``: every scope with its newest load.

    ``whole_at_utc`` is when the scope was last read without a gap by a load that went as far back; null where
    it never was. A scope that is the name of its source is all of it.
    """
    rows = [
        {
            "load_id": load.manifest.load_id,
            "source": load.manifest.source,
            "known_at_utc": load.manifest.known_at_utc.replace(tzinfo=None),
            "is_backfilled": load.is_backfilled,
            "is_complete": load.manifest.is_complete,
            "gaps": list(load.manifest.gaps),
            "rows": sum(load.manifest.rows.values()),
            "requests": load.manifest.requests,
            "points": load.manifest.points,
            **_reading(load.manifest.reading),
            "content_hash": load.manifest.content_hash,
        }
        for load in loads
    ]
    _fill_rows(connection, "ops.loads", rows)
    newest = {(load.manifest.source, scope.scope): load for load in loads for scope in load.manifest.scopes}
    reads = {load.manifest.source: load.manifest.reads for load in loads}
    complete = {}
    for load in loads:
        source = load.manifest.source
        if load.manifest.reads != reads[source]:
            continue
        for scope in load.manifest.scopes:
            if scope.gap is None:
                complete[source, scope.scope] = load.manifest.known_at_utc
        if load.manifest.is_complete:
            complete[source, source] = load.manifest.known_at_utc
    gaps = [
        (
            load.manifest.load_id,
            load.manifest.source,
            scope.scope,
            scope.gap,
            None if known is None else known.replace(tzinfo=None),
        )
        for load in loads
        for scope in load.manifest.scopes
        if newest[load.manifest.source, scope.scope] is load
        for known in [complete.get((load.manifest.source, scope.scope))]
    ]
    words = {name: pl.String() for name in ("load_id", "source", "scope", "gap")}
    schema = pl.Schema({**words, "whole_at_utc": pl.Datetime("us")})
    connection.register("incoming", pl.DataFrame(gaps, schema=schema, orient="row"))
    connection.execute("CREATE OR REPLACE TABLE newest_scopes AS SELECT * FROM incoming")
    connection.unregister("incoming")


def _reading(reading: Reading | None) -> dict[str, float | None]:
    names = ("seconds", "foreseen_requests", "foreseen_seconds")
    return {name: None if reading is None else getattr(reading, name) for name in names}


def build_rejected_records(connection: duckdb.DuckDBPyConnection, sources: Sequence[str]) -> None:
    """Create and fill ``ops.rejected_records`` from the landing tables of these sources."""
    create(connection, "ops.rejected_records")
    for source in sources:
        select = (
            f"SELECT _load_id AS load_id, '{source}' AS source, stream, scope, ref, field, problem, message, "
            f"is_lost FROM landing.{source}__rejected_records__versions ORDER BY _load, _page, _place"
        )
        insert(connection, "ops.rejected_records", select)
        for stream in STREAMS[source]:
            changed = changed_within_load(connection, source, stream)
            if changed is not None:
                insert(connection, "ops.rejected_records", f"{changed} ORDER BY load_id, ref")


def build_completeness(
    connection: duckdb.DuckDBPyConnection, sources: Sequence[str], as_of_utc: datetime
) -> None:
    """Create and fill ``ops.completeness``. Needs core, rejected records and ``newest_scopes``."""
    create(connection, "ops.completeness")
    for name in (f"{source}{part}" for source in sources for part in ("", "_deployments")):
        if (files("transforms") / "completeness" / f"{name}.sql").is_file():
            select = sql(f"completeness/{name}.sql")
            asked: dict[str, object] = {"as_of_utc": as_of_utc.replace(tzinfo=None)}
            if "$late_days" in select:
                asked["late_days"] = LATE_DAYS
            insert(connection, "ops.completeness", select, asked)
    connection.execute(_NOT_READ_SINCE, {"as_of_utc": as_of_utc.replace(tzinfo=None)})


_NOT_READ_SINCE = """
UPDATE ops.completeness AS ledger
SET
    status = 'incomplete',
    reason = 'not read since ' || strftime(newest.known_at_utc, '%Y-%m-%d %H:%M') || ' UTC'
FROM (SELECT source, max(known_at_utc) AS known_at_utc FROM ops.loads GROUP BY source) AS newest
WHERE newest.source = ledger.source
    AND ledger.status <> 'incomplete'
    AND ledger.month_start >= reporting_month(newest.known_at_utc)
    AND reporting_month(newest.known_at_utc) < reporting_month($as_of_utc)
"""
"""What a source that was left out of the later runs cannot have told: whole months, and the rest of one."""


def build_catalog(
    connection: duckdb.DuckDBPyConnection,
    catalogue: Mapping[str, Metric],
    gaps: Mapping[str, str] | None = None,
    *,
    described: Iterable[str] = (),
) -> None:
    """Create and fill ``catalog.metrics`` and ``catalog.columns``.

    ``gaps``: what is missing, by metric. ``described``: the tables and views whose columns are listed.
    """
    connection.execute("CREATE SCHEMA IF NOT EXISTS catalog")
    plain = (
        "definition_version family title question formula owner unit amount_unit direction statistic team "
        "shown_to anchor clock n_min_month n_min_quarter maturity_days gaming source"
    ).split()
    _fill_rows(
        connection,
        "catalog.metrics",
        [
            {name: getattr(metric, name) for name in plain}
            | {
                "metric_id": metric.id,
                "subjects": list(metric.subjects),
                "sources": list(metric.sources),
                "misreadings": list(metric.misreadings),
                "confidential_whys": list(metric.confidential_whys),
                "min_effect": json.dumps(metric.min_effect),
                "outcomes": json.dumps(metric.outcomes),
                "case_words": json.dumps(metric.case_words),
                "details": json.dumps({name: asdict(detail) for name, detail in metric.details.items()}),
                "source_gap": (gaps or {}).get(metric.id),
            }
            for metric in catalogue.values()
        ],
    )
    _fill_rows(
        connection,
        "catalog.columns",
        [
            {
                "table_name": name,
                "column_name": column.name,
                "type": column.type,
                "meaning": column.meaning,
            }
            for name in described
            for column in table(name).columns
        ],
    )


def _fill_rows(connection: duckdb.DuckDBPyConnection, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
    create(connection, name)
    if rows:
        connection.execute(
            f"INSERT INTO {name} BY NAME SELECT unnest(rows, max_depth := 2) FROM (SELECT $rows AS rows)",
            {"rows": [dict(row) for row in rows]},
        )
