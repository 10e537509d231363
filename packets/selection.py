"""Whose packets: by manager, by team, or everybody.

Here: the people of a quarter, as the roster had them at its last instant.
Not here: the packet of one of them (packet).
"""

import duckdb

from packets.errors import PacketError
from transforms.changes.build import COMPARED

_PEOPLE = """
SELECT roster.person_id, roster.manager_id, roster.team_id
FROM core.roster AS roster
JOIN core.people AS people ON people.person_id = roster.person_id AND NOT people.is_bot
JOIN (
    SELECT
        least(max(end_utc), (SELECT as_of_utc FROM ops.publication)) AS last_utc,
        min(start_utc) AS first_utc
    FROM trends.period_states WHERE period = $quarter
) AS quarter ON
    coalesce(roster.valid_from_utc, TIMESTAMP '0001-01-01') < quarter.last_utc
    AND coalesce(roster.valid_to_utc, TIMESTAMP '9999-12-31') > quarter.first_utc
QUALIFY row_number() OVER (
    PARTITION BY roster.person_id ORDER BY coalesce(roster.valid_from_utc, TIMESTAMP '0001-01-01') DESC
) = 1
ORDER BY roster.person_id
"""


def people_of(
    connection: duckdb.DuckDBPyConnection,
    *,
    quarter: str,
    manager: str | None = None,
    team: str | None = None,
) -> list[str]:
    """Roster ids of everybody in role in the quarter, or of a manager's reports, or of a team.

    Raises PacketError when there is nobody: it names the managers or teams there are.
    """
    everybody = connection.execute(_PEOPLE, {"quarter": quarter}).fetchall()
    chosen = [
        person
        for person, boss, group in everybody
        if (manager is None or boss == manager) and (team is None or group == team)
    ]
    if chosen:
        return chosen
    kind, name, place = ("manager", manager, 1) if manager is not None else ("team", team, 2)
    if name is None:
        raise PacketError(
            wanted=f"people in role in {quarter}",
            found="nobody",
            what_to_do="Is the quarter inside the data, and is people.csv configured?",
        )
    known = sorted({row[place] for row in everybody if row[place] is not None})
    raise PacketError(
        wanted=f"the people of {kind} {name!r} in {quarter}",
        found="nobody",
        what_to_do=f"{kind.capitalize()}s of that quarter: {', '.join(known) or 'none'}.",
    )


def newest_final_quarter(connection: duckdb.DuckDBPyConnection) -> str | None:
    """The newest quarter that is final for every metric with a verdict; else the newest; None without data.

    What takes longer and is never compared (authors' ratings) is shown in it as provisional.
    """
    rows = connection.execute(
        "SELECT period, bool_and(state = 'final') FROM trends.period_states "
        "JOIN catalog.metrics USING (metric_id) WHERE grain = 'quarter' AND source_gap IS NULL "
        "AND list_contains($compared, metric_id) GROUP BY period ORDER BY period DESC",
        {"compared": list(COMPARED)},
    ).fetchall()
    return next((period for period, is_final in rows if is_final), rows[0][0] if rows else None)
