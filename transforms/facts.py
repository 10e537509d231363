"""Run each metric's query, pool people into teams, place every case in its month.

Here: ``facts.<metric_id>``, one row per case and subject.
Not here: what a case is (the metric's ``facts.sql``), or cells (``periods``).
"""

from collections.abc import Iterable, Mapping
from typing import Any

import duckdb

from metrics_catalog.catalogue import Metric
from transforms.queries import create, insert

_CASES = """
CREATE OR REPLACE TEMP TABLE cases AS
SELECT
    subject_kind::VARCHAR AS subject_kind,
    subject_id::VARCHAR AS subject_id,
    case_id::VARCHAR AS case_id,
    ref::VARCHAR AS ref,
    contributor_id::VARCHAR AS contributor_id,
    source_url::VARCHAR AS source_url,
    anchor_at_utc,
    reporting_month(anchor_at_utc) AS month_start,
    outcome::VARCHAR AS outcome,
    why::VARCHAR AS why,
    amount::DOUBLE AS amount,
    exposure::DOUBLE AS exposure
FROM ({query})
WHERE anchor_at_utc <= $as_of_utc
"""
_PERSONS = """
SELECT cases.*
FROM cases
JOIN core.people AS people ON people.person_id = cases.subject_id
WHERE cases.subject_kind = 'person' AND people.is_rostered AND NOT people.is_bot
ORDER BY cases.subject_id, cases.anchor_at_utc, cases.case_id
"""
_POOLED = """
SELECT cases.* REPLACE ('team' AS subject_kind, memberships.team_id AS subject_id)
FROM cases
JOIN core.people AS people ON people.person_id = cases.subject_id
JOIN core.memberships AS memberships
    ON memberships.person_id = cases.subject_id
    AND cases.anchor_at_utc >= coalesce(memberships.from_at_utc, TIMESTAMP '0001-01-01')
    AND cases.anchor_at_utc < coalesce(memberships.to_at_utc, TIMESTAMP '9999-12-31')
WHERE cases.subject_kind = 'person' AND NOT people.is_bot
ORDER BY memberships.team_id, cases.anchor_at_utc, cases.case_id
"""
_OTHERS = """
SELECT cases.*
FROM cases
WHERE cases.subject_kind <> 'person'
    AND (cases.subject_kind <> 'team' OR EXISTS (
        FROM core.memberships AS memberships WHERE memberships.team_id = cases.subject_id
    ) OR EXISTS (
        FROM core.services AS services WHERE services.team_id = cases.subject_id
    ))
ORDER BY cases.subject_kind, cases.subject_id, cases.anchor_at_utc, cases.case_id
"""


def build_facts(
    connection: duckdb.DuckDBPyConnection,
    metrics: Iterable[Metric],
    *,
    as_of_utc: Any,
    persons: bool = True,
    params: Mapping[str, Any] | None = None,
) -> None:
    """Create and fill ``facts.<id>`` for these metrics.

    ``as_of_utc`` is a naive UTC instant. ``params`` override the metrics' own, for worked examples only.
    With ``persons`` off no row of a person is stored: it exists only while it is pooled.
    """
    connection.execute("CREATE SCHEMA IF NOT EXISTS facts")
    for metric in metrics:
        parameters = {**metric.params, **(params or {}), "as_of_utc": as_of_utc}
        query = metric.facts_sql
        used = {name: value for name, value in parameters.items() if f"${name}" in query + _CASES}
        connection.execute(_CASES.format(query=query), used)
        create(connection, f"facts.{metric.id}")
        if persons and "person" in metric.subject_kinds:
            insert(connection, f"facts.{metric.id}", _PERSONS)
        if metric.team == "pooled":
            insert(connection, f"facts.{metric.id}", _POOLED)
        insert(connection, f"facts.{metric.id}", _OTHERS)
        connection.execute("DROP TABLE cases")
