"""How much of what happened has a person behind it: the share of cases whose account somebody claims.

Here: ``ops.identity_coverage``, by source and month; a SELECT a source says what its cases are.
Not here: who an account belongs to (``transforms.identity``), or what is said of it (packets, pipelines).

Cases and not accounts: one busy account that nobody claims takes more from the figures than a hundred that
did one thing once.
"""

from collections.abc import Iterable
from importlib.resources import files

import duckdb

from transforms.queries import create, insert, sql

ENOUGH = 0.95
"""Below this share of claimed cases, the figures about persons of that source say so."""


def build_coverage(connection: duckdb.DuckDBPyConnection, sources: Iterable[str]) -> None:
    """Create and fill ``ops.identity_coverage``. Needs core."""
    create(connection, "ops.identity_coverage")
    connection.execute(f"CREATE OR REPLACE TEMP TABLE standings AS {sql('coverage/standings.sql')}")
    for source in sources:
        if (files("transforms") / "coverage" / f"{source}.sql").is_file():
            connection.execute(f"CREATE OR REPLACE TEMP VIEW cases AS {sql(f'coverage/{source}.sql')}")
            asked = {"source": source, "enough": ENOUGH}
            insert(connection, "ops.identity_coverage", sql("coverage/months.sql"), asked)
    connection.execute("DROP TABLE standings; DROP VIEW IF EXISTS cases")
