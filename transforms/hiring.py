"""Shares of people hired the same way, pooled: by hiring source and by the role they were hired for.

Here: ``trends.hiring_groups``, under the group rule. The attributes stand in no other published table, and
never beside a person.
Not here: any other attribute of people; pay is refused where it would come in (connectors).
"""

from collections.abc import Iterable

import duckdb
import numpy as np
import polars as pl

from metrics_catalog.catalogue import Metric
from transforms.disclosure.decide import decide_disclosure
from transforms.intervals import wilson_limits
from transforms.queries import create, insert

ATTRIBUTES = ("hiring_source", "hiring_role")

_CASES = """
CREATE OR REPLACE TEMP TABLE hired_cases AS
SELECT
    '{attribute}' AS attribute,
    hired.{attribute} AS group_value,
    date_trunc('quarter', facts.month_start)::DATE AS quarter_start,
    facts.subject_id AS contributor_id,
    count(*) FILTER (WHERE list_contains($numerator, facts.outcome)) AS numerator,
    count(*) FILTER (WHERE list_contains($denominator, facts.outcome)) AS n_cases
FROM facts.{metric_id} AS facts
JOIN (
    SELECT person_id, max({attribute}) AS {attribute}
    FROM landing.organization__people
    GROUP BY person_id
    HAVING max({attribute}) IS NOT NULL
) AS hired ON hired.person_id = facts.subject_id
WHERE facts.subject_kind = 'person'
GROUP BY ALL
"""
_CONTRIBUTIONS = """
CREATE OR REPLACE TEMP VIEW contributions AS
SELECT quarter_start::VARCHAR AS table_id, group_value AS group_id, contributor_id, n_cases FROM hired_cases
"""
_GROUPS = """
SELECT
    cases.attribute,
    cases.group_value,
    year(cases.quarter_start) || '-Q' || quarter(cases.quarter_start) AS period,
    sum(cases.numerator)::BIGINT AS numerator,
    sum(cases.n_cases)::BIGINT AS denominator
FROM hired_cases AS cases
JOIN decisions
    ON decisions.table_id = cases.quarter_start::VARCHAR
    AND decisions.group_id = cases.group_value
    AND decisions.withheld_reason IS NULL
GROUP BY ALL
HAVING sum(cases.n_cases) >= $n_min
ORDER BY ALL
"""


def build_hiring_groups(
    connection: duckdb.DuckDBPyConnection, metrics: Iterable[Metric], *, has_roster: bool
) -> None:
    """Create ``trends.hiring_groups`` and fill it with what may be shown; the rest is not in it at all."""
    create(connection, "trends.hiring_groups")
    shares = [
        metric for metric in metrics if metric.statistic == "share" and "person" in metric.subject_kinds
    ]
    for metric in shares if has_roster else []:
        words = {name: list(metric.outcomes[name]) for name in ("numerator", "denominator")}
        for attribute in ATTRIBUTES:
            connection.execute(_CASES.format(attribute=attribute, metric_id=metric.id), words)
            connection.execute(_CONTRIBUTIONS)
            decide_disclosure(connection)
            groups = connection.sql(_GROUPS, params={"n_min": metric.n_min_quarter or 1}).pl()
            k, n = groups["numerator"].to_numpy(), groups["denominator"].to_numpy()
            low, high = wilson_limits(k, n)
            connection.register(
                "incoming",
                groups.with_columns(
                    pl.lit(metric.id).alias("metric_id"),
                    pl.Series("value", np.divide(k, n, out=np.zeros(len(n)), where=n > 0)),
                    pl.Series("ci_low", low),
                    pl.Series("ci_high", high),
                ),
            )
            insert(connection, "trends.hiring_groups", "SELECT * FROM incoming")
            connection.unregister("incoming")
