"""Run each metric's query, pool people into teams, place every case in its month.

Here: ``facts.<metric_id>``, one row per case and subject.
Not here: what a case is (the metric's ``facts.sql``), or cells (``periods``).
"""

from collections.abc import Collection, Iterable, Mapping
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
    cluster_id::VARCHAR AS cluster_id,
    pr_id::VARCHAR AS pr_id,
    source_url::VARCHAR AS source_url,
    anchor_at_utc,
    reporting_month(anchor_at_utc) AS month_start,
    outcome::VARCHAR AS outcome,
    why::VARCHAR AS why,
    amount::DOUBLE AS amount,
    exposure::DOUBLE AS exposure
FROM (SELECT NULL::VARCHAR AS cluster_id, NULL::VARCHAR AS pr_id WHERE false UNION ALL BY NAME ({query}))
WHERE anchor_at_utc <= $as_of_utc
ORDER BY subject_kind, subject_id, anchor_at_utc, case_id
"""
"""Sorted once, and stored in that order: who asks for one person's cases then reads a small part of them."""
_PERSONS = """
SELECT cases.*
FROM cases
JOIN core.people AS people ON people.person_id = cases.subject_id
WHERE cases.subject_kind = 'person' AND people.is_rostered AND NOT people.is_bot
"""
_AGREED = """
    AND EXISTS (
        FROM core.goals AS goals
        WHERE goals.owner_kind = 'person'
            AND goals.owner_id = cases.subject_id
            AND goals.metric_id = '{metric_id}'
            AND cases.anchor_at_utc >= goals.start_utc
            AND cases.anchor_at_utc < goals.end_utc
    )
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
"""
_OTHERS = """
SELECT cases.*
FROM cases
WHERE cases.subject_kind <> 'person'
    AND (cases.subject_kind <> 'team' OR EXISTS (
        FROM core.memberships AS memberships WHERE memberships.team_id = cases.subject_id
    ) OR EXISTS (
        FROM core.services AS services WHERE services.team_id = cases.subject_id
    ) OR EXISTS (
        FROM core.followups AS followups WHERE followups.team_id = cases.subject_id
    ))
"""


def build_facts(
    connection: duckdb.DuckDBPyConnection,
    metrics: Iterable[Metric],
    *,
    as_of_utc: Any,
    persons: bool = True,
    gaps: Collection[str] = (),
    params: Mapping[str, Any] | None = None,
    goals_agreed: bool = True,
) -> None:
    """Create and fill ``facts.<id>`` for these metrics.

    A person is a subject of a goal-only metric only where they agreed on it, for the days of that goal;
    ``goals_agreed`` takes it that everybody did, for worked examples only.

    ``as_of_utc`` is a naive UTC instant. ``params`` override the metrics' own, for worked examples only.
    With ``persons`` off no row of a person is stored: it exists only while it is pooled. The metrics in
    ``gaps`` lack an input: their tables stay empty, so that no case is invented from half of what they need.
    """
    connection.execute("CREATE SCHEMA IF NOT EXISTS facts")
    for metric in metrics:
        create(connection, f"facts.{metric.id}")
        if metric.id in gaps:
            continue
        parameters = {**metric.params, **(params or {}), "as_of_utc": as_of_utc}
        query = metric.facts_sql
        used = {name: value for name, value in parameters.items() if f"${name}" in query + _CASES}
        connection.execute(_CASES.format(query=query), used)
        if persons and "person" in metric.subject_kinds:
            is_limited = metric.is_goal_only and metric.statistic != "goal" and not goals_agreed
            agreed = _AGREED.format(metric_id=metric.id) if is_limited else ""
            insert(connection, f"facts.{metric.id}", _PERSONS + agreed)
        if metric.team == "pooled":
            insert(connection, f"facts.{metric.id}", _POOLED)
        insert(connection, f"facts.{metric.id}", _OTHERS)
        connection.execute("DROP TABLE cases")


_FORGET = """
UPDATE facts.{metric_id} AS facts
SET contributor_id = NULL, case_id = numbered.case_id{why}
FROM (
    SELECT rowid AS place, subject_id || '/case/' || row_number() OVER (
        PARTITION BY subject_kind, subject_id ORDER BY anchor_at_utc, case_id
    ) AS case_id
    FROM facts.{metric_id}
) AS numbered
WHERE facts.rowid = numbered.place
"""


def forget_persons(connection: duckdb.DuckDBPyConnection, metrics: Iterable[Metric]) -> None:
    """With persons off, take the people out of pooled cases, once their cells are computed.

    A pooled case names its contributor, and so does its id; the group rule needed both, nothing else does.
    """
    for metric in metrics:
        if metric.team == "pooled":
            why = ", why = 'of_a_member'" if metric.is_why_a_person else ""
            connection.execute(_FORGET.format(metric_id=metric.id, why=why))


_NOT_SUPPRESSED = """NOT EXISTS (
    FROM trends.periods AS cells
    JOIN trends.period_states AS states
        ON states.metric_id = cells.metric_id AND states.grain = cells.grain AND states.period = cells.period
    WHERE cells.metric_id = '{id}'
        AND cells.status = 'suppressed'
        AND cells.subject_kind = facts.subject_kind
        AND cells.subject_id = facts.subject_id
        AND facts.anchor_at_utc >= states.start_utc
        AND facts.anchor_at_utc < states.end_utc
)"""


_BY_WEEK = """
    'week of ' || strftime(date_trunc('week', reporting_date(anchor_at_utc)), '%Y-%m-%d') AS ref,
    subject_id || '/case/' || row_number() OVER (
        PARTITION BY subject_kind, subject_id ORDER BY anchor_at_utc, case_id
    ) AS case_id,
    date_trunc('week', anchor_at_utc) AS anchor_at_utc
"""
"""What stands in the place of a reference that is nobody's to read: a customer's account, say."""


def listed_cases(metric: Metric) -> str:
    """The SELECT of a metric's rows of evidence: no rows of suppressed cells, none that are only counted.

    Where a metric describes no person, nobody's name is on a row. Needs ``trends``.
    """
    return _cases_where(metric, [])


def published_cases(metric: Metric) -> str:
    """Those of ``listed_cases`` that may be read one by one."""
    hidden = metric.confidential_whys
    found = _cases_where(metric, [f"facts.why NOT IN ({_quoted(hidden)})"] if hidden else [])
    if metric.hides_refs:
        return f"SELECT * REPLACE ({_BY_WEEK}) FROM ({found})"
    return f"SELECT * REPLACE ('of_a_member' AS why) FROM ({found})" if metric.is_why_a_person else found


def _cases_where(metric: Metric, conditions: list[str]) -> str:
    if metric.outcomes.get("unlisted"):
        conditions = [*conditions, f"facts.outcome NOT IN ({_quoted(metric.outcomes['unlisted'])})"]
    if any(requirement.otherwise == "suppressed" for requirement in metric.requires.values()):
        conditions = [*conditions, _NOT_SUPPRESSED.format(id=metric.id)]
    columns = "*" if "person" in metric.subject_kinds else "* REPLACE (NULL::VARCHAR AS contributor_id)"
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    return f"SELECT {columns} FROM facts.{metric.id} AS facts{where}"


def _quoted(words: Iterable[str]) -> str:
    return ", ".join(f"'{word}'" for word in words)
