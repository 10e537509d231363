"""The commands ``evenhand causes``: what time alone suspects, and what the owners of a service say of it.

Here: the queue in words, and writing answers after checking what they name.
Not here: how a suspicion arises (``transforms/core/all_sources``), what an answer means
(``transforms.causes``).
"""

import getpass
from pathlib import Path
from typing import Any

from pipelines.commands import print_table, published, settings_from
from pipelines.console import Clock, UsageProblemError, say
from transforms.causes import ANSWERS, JOURNAL, REOPEN, answers, suspects
from warehouse import journal

_IN_WORDS = {
    "yes": "it was this deployment",
    "other_change": "another change",
    "not_a_change": "no change did it",
    "unknown": "nobody knows: stays suspected",
}


def list_suspects(*, config: Path | None, service: str | None = None, everything: bool = False) -> None:
    """The suspicions that wait for an answer, by service, the newest first."""
    settings = settings_from(config)
    with published(settings) as connection:
        found = suspects(connection)
        known = {row["service_id"] for row in found}
        ((counted, total),) = connection.execute(_ATTRIBUTED).fetchall()
    if service is not None and service not in known:
        shown = ", ".join(sorted(known)) or "none"
        raise UsageProblemError(f"No suspicion about a service {service!r}. Services with any: {shown}.")
    said = {entry["incident_id"]: entry for entry in answers(_entries(settings.storage_path))}
    rows = [
        row
        for row in found
        if (service is None or row["service_id"] == service)
        and (everything or said.get(row["incident_id"]) is None)
    ]
    print_table(
        ["service", "incident", "began (UTC)", "minutes after", "changes in it", "said"],
        [
            [
                row["service_id"],
                row["incident"] or row["incident_id"],
                f"{row['created_at_utc']:%Y-%m-%d %H:%M}",
                f"{row['minutes_before']} {row['deployment'] or row['deployment_id']}",
                _changes(row["changes"]),
                _IN_WORDS.get(said.get(row["incident_id"], {}).get("answer", ""), ""),
            ]
            for row in rows
        ],
    )
    waiting = sum(said.get(row["incident_id"]) is None for row in found)
    say(
        f"{waiting} of {len(found)} suspicions wait for an answer. Of {total} high-urgency incidents "
        f"{counted} have a named or confirmed cause; the others stay unattributed."
    )
    if rows:
        say("Settle one: evenhand causes settle INCIDENT yes, other_change, not_a_change or unknown")


_ATTRIBUTED = """
SELECT
    count(*) FILTER (WHERE EXISTS (
        FROM core.incident_causes AS causes
        WHERE causes.incident_id = incidents.incident_id
            AND (causes.source <> 'heuristic' OR causes.answer = 'yes')
    )),
    count(*)
FROM core.incidents AS incidents
WHERE incidents.urgency = 'high' AND incidents.merged_into IS NULL
"""


def settle(incident: str, answer: str, *, change: str | None, by: str | None, config: Path | None) -> None:
    """Append an answer to the journal."""
    if answer not in (*ANSWERS, REOPEN):
        raise UsageProblemError(
            f"{answer!r} is no answer. Known: {', '.join((*ANSWERS, REOPEN))}. Nothing was written."
        )
    if (change is not None) and answer != "other_change":
        raise UsageProblemError("--change belongs to other_change alone. Nothing was written.")
    settings = settings_from(config)
    with published(settings) as connection:
        wanted = [row for row in suspects(connection) if incident in (row["incident_id"], row["incident"])]
        other = _other(connection, change) if change is not None else None
    if len(wanted) != 1:
        found = "several have that name; use the id" if wanted else "none has that name"
        raise UsageProblemError(
            f"One suspected incident {incident!r} was wanted, {found}. "
            f"`evenhand causes list --all` names them. Nothing was written."
        )
    (row,) = wanted
    entry: dict[str, Any] = {
        "incident_id": row["incident_id"],
        "deployment_id": row["deployment_id"],
        "answer": answer,
        "other": other,
        "by": (by or getpass.getuser()).strip(),
        "written_at_utc": Clock.now_utc().isoformat(timespec="seconds"),
    }
    journal.append(settings.storage_path / "journal", JOURNAL, [entry])
    told = "is open again" if answer == REOPEN else f"is settled: {_IN_WORDS[answer]}"
    say(f"{row['incident'] or row['incident_id']} {told}. It holds from the next `evenhand run` on.")


def _other(connection: Any, change: str) -> str:
    """The id of a pull request by its reference, or of a deployment by its id or reference."""
    found = connection.execute(
        "SELECT pr_id FROM core.pull_requests WHERE lower(ref) = lower($change) OR pr_id = $change "
        "UNION SELECT deployment_id FROM core.deployments "
        "WHERE deployment_id = $change OR lower(ref) = lower($change)",
        {"change": change},
    ).fetchall()
    if len(found) != 1:
        raise UsageProblemError(
            f"--change {change!r}: one pull request (acme/api#12) or deployment was wanted, "
            f"found {len(found)}. Nothing was written."
        )
    return str(found[0][0])


def _entries(storage: Path) -> list[dict[str, Any]]:
    return journal.entries(storage / "journal", JOURNAL)


def _changes(refs: list[str]) -> str:
    shown = ", ".join(refs[:3])
    return f"{shown} and {len(refs) - 3} more" if len(refs) > 3 else shown or "none known"
