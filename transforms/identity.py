"""Who an account belongs to, from the identity journal.

Here: binding the roster's logins to numeric account ids at first sight, and the bindings of an as-of.
Not here: suggestions, merges (the journal's other entries), or what an account did.

A login can be renamed and taken by somebody else; a numeric id cannot. So a login of the roster is looked up
once, and what it was bound to is journalled and stays.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import duckdb
import polars as pl

JOURNAL = "identity"

_FIRST_SIGHT = """
WITH claims AS (
    SELECT DISTINCT person_id, unnest(github) AS login
    FROM landing.organization__people
),

accounts AS (
    SELECT account_id, login, _fetched_at_utc AS seen_at_utc
    FROM landing.github__accounts
)

SELECT
    claims.person_id,
    arg_max(accounts.account_id, (accounts.seen_at_utc, accounts.account_id)) AS account_id,
    claims.login
FROM claims
JOIN accounts ON lower(accounts.login) = lower(claims.login)
GROUP BY claims.person_id, claims.login
ORDER BY claims.person_id, claims.login
"""


def bindings_at_first_sight(
    connection: duckdb.DuckDBPyConnection,
    entries: Sequence[Mapping[str, Any]],
    known_at_utc: datetime,
) -> list[dict[str, Any]]:
    """New journal entries for logins of the roster whose account appears for the first time.

    Needs ``landing.organization__people`` and ``landing.github__accounts``. A login that the journal has
    bound before is never bound again, whoever uses it now.
    """
    bound = {(entry["person_id"], entry["login"].lower()) for entry in entries if entry["action"] == "bind"}
    found = connection.execute(_FIRST_SIGHT).fetchall()
    return [
        {
            "action": "bind",
            "source": "github",
            "account_id": account_id,
            "person_id": person_id,
            "login": login,
            "evidence": "login in the roster",
            "known_at_utc": known_at_utc.astimezone(UTC).isoformat(),
        }
        for person_id, account_id, login in found
        if (person_id, login.lower()) not in bound
    ]


def load_identities(
    connection: duckdb.DuckDBPyConnection, entries: Sequence[Mapping[str, Any]], horizon_utc: datetime
) -> list[str]:
    """The table ``identities(account_id, person_id)`` of the entries known by ``horizon_utc``.

    An account that two people claim belongs to nobody; those accounts are given back.
    """
    claims: dict[str, set[str]] = {}
    for entry in entries:
        if entry["action"] == "bind" and datetime.fromisoformat(entry["known_at_utc"]) <= horizon_utc:
            claims.setdefault(entry["account_id"], set()).add(entry["person_id"])
    rows = [(account, *people) for account, people in sorted(claims.items()) if len(people) == 1]
    frame = pl.DataFrame(rows, schema={"account_id": pl.String, "person_id": pl.String}, orient="row")
    connection.register("incoming", frame)
    connection.execute("CREATE OR REPLACE TABLE identities AS SELECT * FROM incoming")
    connection.unregister("incoming")
    return sorted(account for account, people in claims.items() if len(people) > 1)
