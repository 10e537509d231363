"""How much of what happened has a person behind it: the share of cases whose account somebody claims.

Here: ``ops.identity_coverage``, by source and month; a SELECT a source says what its cases are. The accounts
behind those of nobody.
Not here: who an account belongs to (``transforms.identity``), or what is said of it (packets, pipelines).

Cases and not accounts: one busy account that nobody claims takes more from the figures than a hundred that
did one thing once.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Nobodys:
    """An account with cases that nobody in the roster claims.

    ``person_id``: whose the journal says it is, who has no row in the roster; None where that is nobody.
    ``is_asked``: a review, a ticket or an incident was put to it by name, so it is somebody's here.
    """

    source: str
    account_id: str
    login: str
    person_id: str | None
    is_asked: bool


_NOBODYS = """
SELECT
    accounts.source,
    accounts.account_id,
    any_value(accounts.login),
    any_value(held.person_id),
    bool_or(cases.is_asked)
FROM ({cases}) AS cases
JOIN ({standings}) AS standings ON standings.person_id = cases.person_id AND standings.standing = 'unclaimed'
LEFT JOIN core.identities AS held ON held.person_id = cases.person_id
JOIN core.accounts AS accounts
    ON accounts.account_id = coalesce(held.account_id, cases.person_id) AND accounts.source = cases.source
WHERE cases.at_utc >= $since_utc
GROUP BY accounts.source, accounts.account_id
ORDER BY accounts.source, max(cases.at_utc) DESC, accounts.account_id
"""


def nobodys(connection: duckdb.DuckDBPyConnection, since_utc: datetime) -> list[Nobodys]:
    """The accounts of cases since then that nobody claims, those active last first. Needs core alone.

    ``since_utc`` as stored, without a zone.
    """
    of_sources = sorted(
        path.name.removesuffix(".sql")
        for path in (files("transforms") / "coverage").iterdir()
        if path.name.endswith(".sql") and path.name not in ("months.sql", "standings.sql")
    )
    cases = " UNION ALL ".join(
        f"SELECT '{source}' AS source, * FROM ({sql(f'coverage/{source}.sql')})" for source in of_sources
    )
    query = _NOBODYS.format(cases=cases, standings=sql("coverage/standings.sql"))
    return [
        Nobodys(source=source, account_id=account_id, login=login, person_id=person_id, is_asked=is_asked)
        for source, account_id, login, person_id, is_asked in connection.execute(
            query, {"since_utc": since_utc}
        ).fetchall()
    ]
