"""What the owners of services have said of suspected causes, and what they have not yet.

Here: the journal's entries as the table ``settled_causes``, and the queue of suspects that wait for one.
Not here: how a suspicion arises (``core/all_sources``), writing the journal (pipelines).

An answer holds from the next night on, which dates it. The newest entry of an incident counts. Opening it
again is an entry too: nothing in the journal is changed.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import duckdb
import polars as pl

from warehouse.journal import JournalError

JOURNAL = "causes"
ANSWERS = ("yes", "other_change", "not_a_change", "unknown")
REOPEN = "reopen"


def take_in(entries: Sequence[Mapping[str, Any]], as_of_utc: datetime) -> list[dict[str, Any]]:
    """The entries that date answers nobody has dated yet: they hold from this night (aware) on."""
    taken = {entry["takes_in"] for entry in entries if "takes_in" in entry}
    return [
        {"takes_in": number, "answered_at_utc": as_of_utc.astimezone(UTC).isoformat()}
        for number, entry in enumerate(entries)
        if "takes_in" not in entry and number not in taken
    ]


def answers(entries: Sequence[Mapping[str, Any]], as_of_utc: datetime | None = None) -> list[dict[str, Any]]:
    """The newest answer of each incident known at the as-of (aware); without an as-of, all there are.

    An answer that no night has taken in yet has ``answered_at_utc`` None, and only the list knows it.
    """
    dates = {entry["takes_in"]: entry["answered_at_utc"] for entry in entries if "takes_in" in entry}
    newest: dict[str, dict[str, Any]] = {}
    for number, entry in enumerate(entries):
        if "takes_in" in entry:
            continue
        if entry.get("answer") not in (*ANSWERS, REOPEN) or not entry.get("incident_id"):
            raise JournalError(
                f"{JOURNAL}.jsonl, line {number + 1}: an answer ({', '.join((*ANSWERS, REOPEN))}) to an "
                "incident was wanted, found something else. Nothing was derived. Repair that line; the rest "
                "is untouched."
            )
        at = datetime.fromisoformat(dates[number]) if number in dates else None
        if as_of_utc is None or (at is not None and at <= as_of_utc):
            newest[entry["incident_id"]] = {**entry, "answered_at_utc": at}
    return [entry for entry in newest.values() if entry["answer"] != REOPEN]


def load_settled(
    connection: duckdb.DuckDBPyConnection, entries: Sequence[Mapping[str, Any]], as_of_utc: datetime
) -> None:
    """The table ``settled_causes``, of what was known at the as-of (aware)."""
    rows = [
        {
            "incident_id": entry["incident_id"],
            "deployment_id": entry.get("deployment_id"),
            "answer": entry["answer"],
            "other": entry.get("other"),
            "answered_at_utc": entry["answered_at_utc"].astimezone(UTC).replace(tzinfo=None),
        }
        for entry in answers(entries, as_of_utc)
    ]
    schema = pl.Schema(
        {
            "incident_id": pl.String(),
            "deployment_id": pl.String(),
            "answer": pl.String(),
            "other": pl.String(),
            "answered_at_utc": pl.Datetime("us"),
        }
    )
    connection.register("incoming", pl.DataFrame(rows, schema=schema))
    connection.execute("CREATE OR REPLACE TABLE settled_causes AS SELECT * FROM incoming")
    connection.unregister("incoming")


_QUEUE = """
SELECT
    causes.source,
    incidents.service_id,
    (
        SELECT any_value(services.team_id ORDER BY services.team_id) FROM core.services AS services
        WHERE services.service_id = incidents.service_id
            AND incidents.created_at_utc >= coalesce(services.valid_from_utc, TIMESTAMP '0001-01-01')
            AND incidents.created_at_utc < coalesce(services.valid_to_utc, TIMESTAMP '9999-12-31')
    ) AS team_id,
    incidents.incident_id,
    incidents.ref AS incident,
    incidents.title,
    incidents.created_at_utc,
    causes.deployment_id,
    deployments.ref AS deployment,
    round((epoch_us(incidents.created_at_utc) - epoch_us(deployments.finished_at_utc)) / 60000000)::INTEGER
        AS minutes_before,
    list_sort(coalesce((
        SELECT list(pulls.ref) FROM core.pull_requests AS pulls
        WHERE list_contains(deployments.pr_ids, pulls.pr_id)
    ), [])) AS changes,
    causes.answer
FROM core.incident_causes AS causes
JOIN core.incidents AS incidents ON incidents.incident_id = causes.incident_id
JOIN core.deployments AS deployments ON deployments.deployment_id = causes.deployment_id
WHERE causes.source IN ('heuristic', 'explicit')
ORDER BY incidents.service_id, incidents.created_at_utc DESC, incidents.incident_id
"""

_UNEXPLAINED = """
SELECT
    incidents.service_id,
    (
        SELECT any_value(services.team_id ORDER BY services.team_id) FROM core.services AS services
        WHERE services.service_id = incidents.service_id
            AND incidents.created_at_utc >= coalesce(services.valid_from_utc, TIMESTAMP '0001-01-01')
            AND incidents.created_at_utc < coalesce(services.valid_to_utc, TIMESTAMP '9999-12-31')
    ) AS team_id,
    incidents.incident_id,
    incidents.ref AS incident,
    incidents.title,
    incidents.created_at_utc,
    count(DISTINCT deployments.deployment_id)::INTEGER AS deployments_of_the_week
FROM core.incidents AS incidents
JOIN core.deployments AS deployments
    ON list_contains(deployments.service_ids, incidents.service_id)
    AND deployments.environment = 'production'
    AND deployments.status = 'success'
    AND deployments.kind IS DISTINCT FROM 'rollback'
    AND deployments.finished_at_utc <= incidents.created_at_utc
    AND deployments.finished_at_utc >= incidents.created_at_utc - INTERVAL 7 DAYS
WHERE incidents.urgency = 'high'
    AND incidents.merged_into IS NULL
    AND incidents.incident_id NOT IN (SELECT incident_id FROM core.incident_causes)
GROUP BY ALL
ORDER BY incidents.service_id, incidents.created_at_utc DESC, incidents.incident_id
"""


def suspects(connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """Every suspicion by service, the newest first; ``answer`` is None where nobody has said anything."""
    return [row for row in judged(connection) if row["source"] == "heuristic"]


def judged(connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """Every suspicion (``source`` heuristic) and every cause that a note or ticket names (explicit)."""
    rows: list[dict[str, Any]] = connection.sql(_QUEUE).pl().to_dicts()
    return rows


def unexplained(connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """High-urgency incidents without any link, of services that were deployed in the seven days before.

    Nothing is suspected of them; whoever knows what did it can name it.
    """
    rows: list[dict[str, Any]] = connection.sql(_UNEXPLAINED).pl().to_dicts()
    return rows
