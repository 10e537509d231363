"""Run each metric's query, pool people into teams, place every case in its month.

Here: ``cases.<metric_id>``, each case once, and its view ``facts.<metric_id>``, one row per case and subject.
Not here: what a case is (the metric's ``facts.sql``), or cells (``periods``).

A case is stored once, but for metrics whose cases are soon read from core: these are a view of it. Storing
475,000 cases of rq_response_24h took five times as long as reading them.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime
from typing import Any

import duckdb

from metrics_catalog.catalogue import Metric
from metrics_catalog.tables import table
from transforms.queries import column_names, create, insert

_CASES = """
SELECT
    cases.* REPLACE ({subject_id} AS subject_id),
    reporting_month(cases.anchor_at_utc) AS month_start,
    CASE cases.subject_kind
        WHEN 'person' THEN {is_subject}
        WHEN 'team' THEN cases.subject_id IN (
            SELECT team_id FROM core.memberships
            UNION SELECT team_id FROM core.services WHERE team_id IS NOT NULL
            UNION SELECT team_id FROM core.followups WHERE team_id IS NOT NULL
        )
        ELSE true
    END AS is_listed,
    {team_id} AS pooled_into
FROM ({query}) AS cases
LEFT JOIN core.people AS people ON cases.subject_kind = 'person' AND people.person_id = cases.subject_id
LEFT JOIN core.memberships AS memberships
    ON memberships.person_id = people.person_id
    AND NOT people.is_bot
    AND cases.anchor_at_utc >= coalesce(memberships.from_at_utc, TIMESTAMP '0001-01-01')
    AND cases.anchor_at_utc < coalesce(memberships.to_at_utc, TIMESTAMP '9999-12-31')
WHERE cases.anchor_at_utc <= $as_of_utc AND (is_listed OR pooled_into IS NOT NULL)
"""
"""A person is in at most one team at any instant, so that no case comes twice."""
_SUBJECT = "CASE WHEN cases.subject_kind <> 'person' OR {is_told} THEN cases.subject_id END"
_AGREED = """
EXISTS (
    FROM core.goals AS goals
    WHERE goals.owner_kind = 'person'
        AND goals.owner_id = cases.subject_id
        AND goals.metric_id = '{metric_id}'
        AND cases.anchor_at_utc >= goals.start_utc
        AND cases.anchor_at_utc < goals.end_utc
)
"""
_BY_SUBJECT = """
SELECT subject_kind, subject_id, {columns} FROM {table} WHERE is_listed
UNION ALL
SELECT 'team' AS subject_kind, pooled_into AS subject_id, {columns} FROM {table} WHERE pooled_into IS NOT NULL
"""
_FACTS = """
CREATE VIEW facts.{metric_id} AS
SELECT {columns}
FROM ({by_subject}) AS cases
LEFT JOIN core.pull_requests AS pulls ON pulls.pr_id = cases.pr_id
"""
_OF_SUBJECTS: Mapping[str, str] = {"is_listed": "BOOLEAN", "pooled_into": "VARCHAR"}
"""What a case has besides the columns of ``facts``, with their types."""
_OF_THE_PULL_REQUEST = ("ref", "source_url")
"""What a case has of its pull request, where its query gives it none."""


def build_facts(
    connection: duckdb.DuckDBPyConnection,
    metrics: Iterable[Metric],
    *,
    as_of_utc: Any,
    persons_from: date | None = date.min,
    gaps: Collection[str] = (),
    params: Mapping[str, Any] | None = None,
    goals_agreed: bool = True,
) -> None:
    """Create the view ``facts.<id>`` for these metrics, and ``cases.<id>`` that it reads.

    Each case is there once, with the team it is pooled into, if any.

    A person is a subject of a goal-only metric only where they agreed on it, for the days of that goal;
    ``goals_agreed`` takes it that everybody did, for worked examples only.

    ``as_of_utc`` is a naive UTC instant. ``params`` override the metrics' own, for worked examples only.
    Persons have rows from the month of ``persons_from`` on, none where it is None: before, a row exists only
    while it is pooled. The metrics in ``gaps`` lack an input: their tables stay empty, so that no case is
    invented from half of what they need.
    """
    for metric in metrics:
        parameters = {**metric.params, **(params or {}), "as_of_utc": as_of_utc}
        select = _select_of_cases(metric, persons_from=persons_from, goals_agreed=goals_agreed)
        if metric.id in gaps:
            create_cases(connection, metric.id)
        elif metric.is_read_from_core and persons_from == date.min:
            _view_cases(connection, metric.id, _with_literals(select, parameters))
        else:
            create_cases(connection, metric.id)
            insert(connection, f"cases.{metric.id}", select, parameters)


def create_cases(connection: duckdb.DuckDBPyConnection, metric_id: str) -> None:
    """An empty table ``cases.<id>`` and its view: the columns of ``facts``, and which subjects a case has."""
    connection.execute("CREATE SCHEMA IF NOT EXISTS cases")
    create(connection, f"facts.{metric_id}", schema="cases")
    for name, type_ in _OF_SUBJECTS.items():
        connection.execute(f"ALTER TABLE cases.{metric_id} ADD COLUMN {name} {type_}")
    _view_facts(connection, metric_id)


def _view_cases(connection: duckdb.DuckDBPyConnection, metric_id: str, select: str) -> None:
    """``cases.<id>`` as a view of core, with the columns of the table, and its own view."""
    connection.execute("CREATE SCHEMA IF NOT EXISTS cases")
    given = connection.sql(select).columns
    types = {column.name: column.type for column in table(f"facts.{metric_id}").columns}
    types.update(_OF_SUBJECTS)
    columns = [f"{name if name in given else 'NULL'}::{type_} AS {name}" for name, type_ in types.items()]
    connection.execute(f"CREATE VIEW cases.{metric_id} AS SELECT {', '.join(columns)} FROM ({select})")
    _view_facts(connection, metric_id)


def _with_literals(select: str, parameters: Mapping[str, Any]) -> str:
    """A SELECT with its parameters written out: a view has none. Instants, numbers, yes and no only."""
    return re.sub(r"\$(\w+)", lambda found: _literal(parameters[found[1]]), select)


def _literal(value: Any) -> str:
    if isinstance(value, datetime):
        return f"TIMESTAMP '{value.isoformat(sep=' ')}'"
    if isinstance(value, bool | int | float):
        return repr(value)
    raise TypeError(f"a parameter of a query that is a view should be a number, found {value!r}")


def _view_facts(connection: duckdb.DuckDBPyConnection, metric_id: str) -> None:
    connection.execute("CREATE SCHEMA IF NOT EXISTS facts")
    columns = [
        f"coalesce(cases.{name}, pulls.{name}) AS {name}" if name in _OF_THE_PULL_REQUEST else f"cases.{name}"
        for name in column_names(f"facts.{metric_id}")
    ]
    select = cases_by_subject(metric_id)
    connection.execute(_FACTS.format(metric_id=metric_id, columns=", ".join(columns), by_subject=select))


def drop_cases(connection: duckdb.DuckDBPyConnection, metric_id: str) -> None:
    """Take both away, if they are there."""
    connection.execute(f"DROP VIEW IF EXISTS facts.{metric_id}")
    found = connection.execute(
        "SELECT table_type FROM information_schema.tables "
        "WHERE table_catalog = current_database() AND table_schema = 'cases' AND table_name = $name",
        {"name": metric_id},
    ).fetchall()
    for (kind,) in found:
        connection.execute(f"DROP {'VIEW' if kind == 'VIEW' else 'TABLE'} cases.{metric_id}")


def cases_by_subject(metric_id: str) -> str:
    """The SELECT of a metric's cases, one row per subject, without what is their pull request's."""
    return by_subject(f"cases.{metric_id}", column_names(f"facts.{metric_id}"))


def by_subject(table: str, columns: Iterable[str]) -> str:
    """The SELECT of these columns of a table of cases, or of one made of it, one row per subject."""
    others = ", ".join(name for name in columns if name not in ("subject_kind", "subject_id"))
    return _BY_SUBJECT.format(table=table, columns=others)


def _select_of_cases(metric: Metric, *, persons_from: date | None, goals_agreed: bool) -> str:
    is_subject, is_told = "false", "false" if persons_from is None else "true"
    if persons_from not in (None, date.min):
        is_told = f"reporting_month(cases.anchor_at_utc) >= DATE '{persons_from}'"
    if persons_from is not None and "person" in metric.subject_kinds:
        is_subject = f"coalesce(people.is_rostered AND NOT people.is_bot, false) AND {is_told}"
        if metric.is_goal_only and metric.statistic != "goal" and not goals_agreed:
            is_subject += f" AND {_AGREED.format(metric_id=metric.id)}"
    return _CASES.format(
        query=metric.facts_sql,
        subject_id=_SUBJECT.format(is_told=is_told),
        is_subject=is_subject,
        team_id="memberships.team_id" if metric.team == "pooled" else "NULL",
    )


_FORGET = """
UPDATE cases.{metric_id} AS cases
SET contributor_id = NULL, case_id = numbered.case_id{why}
FROM (
    SELECT rowid AS place, coalesce(pooled_into, subject_id) || '/case/' || row_number() OVER (
        PARTITION BY coalesce(pooled_into, subject_id), pooled_into IS NULL AND subject_kind <> 'team'
        ORDER BY anchor_at_utc, case_id
    ) AS case_id
    FROM cases.{metric_id}
    WHERE month_start < $persons_from
) AS numbered
WHERE cases.rowid = numbered.place
"""


def forget_persons(
    connection: duckdb.DuckDBPyConnection, metrics: Iterable[Metric], persons_from: date | None
) -> None:
    """Take the people out of pooled cases of the months before, once their cells are computed.

    A pooled case names its contributor, and so does its id; the group rule needed both, nothing else does.
    Nor are their months of use where no series is theirs.
    """
    before = {"persons_from": date.max if persons_from is None else persons_from}
    connection.execute("DELETE FROM trends.person_periods WHERE period_start < $persons_from", before)
    for metric in metrics:
        if metric.team == "pooled":
            why = ", why = 'of_a_member'" if metric.is_why_a_person else ""
            connection.execute(_FORGET.format(metric_id=metric.id, why=why), before)


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
