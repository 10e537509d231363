"""Which cells of groups may leave for a reader.

Here: too few people, one who holds too much, and what has to go with them against subtraction.
Not here: the cells themselves, which are computed whole (``periods``), and what readers are told
(``packets``).
"""

import duckdb

from transforms.disclosure.equations import quarters_to_withhold
from transforms.queries import sql

MINIMUM_GROUP = 5
DOMINANCE_LIMIT = 0.5


def decide_disclosure(
    connection: duckdb.DuckDBPyConnection,
    *,
    minimum_group: int = MINIMUM_GROUP,
    dominance_limit: float = DOMINANCE_LIMIT,
) -> None:
    """From ``contributions`` (table_id, group_id, contributor_id, n_cases) to the table ``decisions``.

    One row per table and group: n_contributors, withheld_reason (none, ``no_activity``, ``small_group``,
    ``dominance``, ``complement``), is_total_hidden.
    """
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE decisions AS {sql('disclosure/groups.sql')}",
        {"minimum_group": minimum_group, "dominance_limit": dominance_limit},
    )


def withhold_differences(connection: duckdb.DuckDBPyConnection) -> None:
    """Withhold in ``decisions`` what would give a withheld cell back: a quarter less its other months, a
    total less its other groups, and such equations together.

    Needs ``quarters_of_months`` (table_id of a month, quarter_id: the table_id of its quarter). Ends because
    every round withholds at least one cell more.
    """
    while True:
        while _withheld_besides(connection, sql("disclosure/subtraction.sql")):
            pass
        quarters = quarters_to_withhold(connection)
        if quarters.is_empty():
            return
        connection.register("quarters", quarters)
        _withheld_besides(connection, "FROM quarters")
        connection.unregister("quarters")


def _withheld_besides(connection: duckdb.DuckDBPyConnection, select: str) -> bool:
    """Withholds the cells of a query (table_id, group_id); whether there was one."""
    found = connection.execute(
        f"UPDATE decisions SET withheld_reason = 'complement' FROM ({select}) AS besides "
        "WHERE besides.table_id = decisions.table_id AND besides.group_id = decisions.group_id"
    ).fetchall()
    return found != [(0,)]
