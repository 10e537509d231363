"""The commands ``evenhand causes``: what time alone suspects, and what the owners of a service say of it.

Here: the queue in words, and writing answers after checking what they name.
Not here: how a suspicion arises (``transforms/core/all_sources``), what an answer means
(``transforms.causes``).
"""

import getpass
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from packets.words import counted
from pipelines.commands import published, settings_from
from pipelines.console import Clock, UsageProblemError, say
from transforms.causes import ANSWERS, JOURNAL, REOPEN, answers, judged, unexplained
from warehouse import journal

UNEXPLAINED_FOR = timedelta(days=28)
"""How long an incident that nothing explains stands in the list; ``--all`` and ``settle`` know older ones."""
_IN_WORDS = {
    "yes": "it was this deployment",
    "other_change": "another change",
    "not_a_change": "no change did it",
    "unknown": "nobody knows: stays suspected",
}


def list_suspects(*, config: Path | None, service: str | None = None, everything: bool = False) -> None:
    """What waits for an answer, by service, the newest first: suspicions, and incidents nothing explains."""
    settings = settings_from(config)
    with published(settings) as connection:
        found = [{**row, "said": None} for row in judged(connection)]
        silent = [{**row, "said": None} for row in unexplained(connection)]
        ((attributed, total),) = connection.execute(_ATTRIBUTED).fetchall()
        ((as_of_utc,),) = connection.execute("SELECT max(as_of_utc) FROM ops.publication").fetchall()
    known = {row["service_id"] for row in [*found, *silent]}
    if service is not None and service not in known:
        shown = ", ".join(sorted(known)) or "none"
        raise UsageProblemError(f"Nothing to settle for a service {service!r}. Services with any: {shown}.")
    entries = {entry["incident_id"]: entry for entry in answers(_entries(settings.storage_path))}
    for row in [*found, *silent]:
        row["said"] = _said(row, entries.get(row["incident_id"]))
    suspected = [row for row in found if row["source"] == "heuristic"]
    waiting = [row for row in suspected if row["said"] is None]
    recent = [
        row for row in silent if row["said"] is None and row["created_at_utc"] >= as_of_utc - UNEXPLAINED_FOR
    ]
    rows = [row for row in (found if everything else waiting) if service in (None, row["service_id"])]
    unnamed = [row for row in (silent if everything else recent) if service in (None, row["service_id"])]
    _print_by_service(rows, _suspected)
    _print_by_service(unnamed, _unexplained)
    say(
        f"{len(waiting)} of {len(suspected)} suspicions wait for an answer. Of {total} high-urgency "
        f"incidents {attributed} have a named or confirmed cause; the others stay unattributed."
    )
    if rows:
        name = _typed(rows[0])
        say(
            f"If it was that deployment: evenhand causes settle {name} yes. If it was not: not_a_change, or "
            "other_change (--change acme/api#12 if you know it); if nobody can say: unknown. "
            "reopen takes an answer back."
        )
    if unnamed:
        say(
            "Nothing is suspected where no deployment ended in the hour before, and nothing need be said. "
            f"If you know what did it: evenhand causes settle {_typed(unnamed[0])} other_change "
            "--change acme/api#12; else not_a_change."
        )
    orphans = sorted({row["service_id"] for row in [*rows, *unnamed] if row["team_id"] is None})
    if orphans:
        say(f"No team owns {', '.join(orphans)} in the services file: whoever knows may answer.")
    if not rows and not unnamed:
        say("Nothing waits for an answer.")


def _said(row: dict[str, Any], entry: dict[str, Any] | None) -> str | None:
    """The answer that holds for this row: one about another deployment settles it only if it is final."""
    if entry is None:
        return None
    is_final = entry["answer"] in ("yes", "not_a_change") or entry.get("other") is not None
    is_about_it = entry.get("deployment_id") == row.get("deployment_id") or "deployment_id" not in row
    return str(entry["answer"]) if is_final or is_about_it else None


def _print_by_service(rows: list[dict[str, Any]], words: Callable[[dict[str, Any]], str]) -> None:
    """Two lines an incident below the name of its service: a terminal of any width can show them."""
    service = None
    for row in rows:
        if row["service_id"] != service:
            service = row["service_id"]
            say(f"{service} ({'team ' + row['team_id'] if row['team_id'] else 'no team'})")
        say(f"  {_typed(row):<8}  {row['created_at_utc']:%Y-%m-%d %H:%M} UTC  {row['title'] or ''}".rstrip())
        said = f"; said: {_IN_WORDS[row['said']]}" if row["said"] else ""
        say(f"            {words(row)}{said}")
    if rows:
        say("")


def _suspected(row: dict[str, Any]) -> str:
    standing = "suspected" if row["source"] == "heuristic" else "named"
    after = f"{_elapsed(row['minutes_before'])} after {row['deployment'] or row['deployment_id']}"
    return f"{standing}: {after}, which carried {_changes(row['changes'])}"


def _elapsed(minutes: int) -> str:
    if minutes < 120:
        return counted(minutes, "minute")
    return counted(minutes // 60, "hour") if minutes < 48 * 60 else counted(minutes // (24 * 60), "day")


def _unexplained(row: dict[str, Any]) -> str:
    deployments = counted(row["deployments_of_the_week"], "deployment")
    return f"nothing suspected; {deployments} in the 7 days before"


def _typed(row: dict[str, Any]) -> str:
    """The name as it can be typed: a shell takes what follows a # for a remark."""
    return str(row["incident"] or row["incident_id"]).lstrip("#")


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
    """Append an answer to the journal, after checking what it names."""
    if answer not in (*ANSWERS, REOPEN):
        raise UsageProblemError(
            f"{answer!r} is no answer. Known: {', '.join((*ANSWERS, REOPEN))}. Nothing was written."
        )
    if (change is not None) and answer != "other_change":
        raise UsageProblemError("--change belongs to other_change alone. Nothing was written.")
    settings = settings_from(config)
    earlier = {entry["incident_id"]: entry for entry in answers(_entries(settings.storage_path))}
    with published(settings) as connection:
        row = _incident(connection, incident, earlier, answer)
        other = _other(connection, change) if change is not None else None
        counts = other is None or _can_have_failed(connection, other, row)
    entry: dict[str, Any] = {
        "incident_id": row["incident_id"],
        "deployment_id": row.get("deployment_id"),
        "answer": answer,
        "other": other,
        "by": (by or getpass.getuser()).strip(),
        "written_at_utc": Clock.now_utc().isoformat(timespec="seconds"),
    }
    journal.append(settings.storage_path / "journal", JOURNAL, [entry])
    told = "is open again" if answer == REOPEN else f"is settled: {_IN_WORDS[answer]}"
    say(f"{row['incident'] or row['incident_id']} {told}. It holds from the next `evenhand run` on.")
    before = earlier.get(row["incident_id"])
    if before is not None and answer != REOPEN:
        who = before.get("by") or "somebody"
        say(f"It takes the place of what {who} said: {_IN_WORDS[before['answer']]}.")
    if not counts:
        say(
            f"No production deployment of the seven days before it is known that carried {change}: "
            "the answer is kept, and no deployment counts as failed by it."
        )


def _incident(
    connection: Any, incident: str, earlier: dict[str, dict[str, Any]], answer: str
) -> dict[str, Any]:
    """What the answer is about: the suspicion, the named cause, or an incident that nothing explains."""
    open_ = [*judged(connection), *unexplained(connection)]
    again = [
        {"incident_id": key, "incident": None, "source": "settled", "deployment_id": entry["deployment_id"]}
        for key, entry in earlier.items()
        if key not in {row["incident_id"] for row in open_}
    ]
    known = connection.execute("SELECT incident_id, ref, source_url FROM core.incidents").fetchall()
    names = {key: (ref, url) for key, ref, url in known}
    for row in again:
        row["incident"] = names.get(row["incident_id"], (None, None))[0]
    asked = incident.strip().lstrip("#").rstrip("/").lower()
    wanted = [
        row
        for row in [*open_, *again]
        for ref, url in [names.get(row["incident_id"], (None, None))]
        if asked
        in [str(name).lstrip("#").rstrip("/").lower() for name in (row["incident_id"], ref, url) if name]
    ]
    if len(wanted) != 1:
        found = "several have that name; use the id" if wanted else "none has that name"
        raise UsageProblemError(
            f"One incident {incident!r} of the queue was wanted, {found}. "
            f"`evenhand causes list --all` names them. Nothing was written."
        )
    (row,) = wanted
    if answer == REOPEN and row["incident_id"] not in earlier:
        raise UsageProblemError(f"{incident} is open: nobody has settled it. Nothing was written.")
    if row.get("deployment_id") is None and answer == "yes":
        raise UsageProblemError(
            f"No deployment is suspected of {incident}, so there is nothing to say yes to. "
            f"Name what did it: other_change --change acme/api#12. Nothing was written."
        )
    return row


def _can_have_failed(connection: Any, other: str, row: dict[str, Any]) -> bool:
    """Whether a production deployment that carried it ended in the seven days before the incident."""
    ((found,),) = connection.execute(
        """SELECT count(*) FROM core.deployments AS deployments, core.incidents AS incidents
           WHERE incidents.incident_id = $incident
               AND (deployments.deployment_id = $other OR list_contains(deployments.pr_ids, $other))
               AND deployments.environment = 'production'
               AND deployments.status = 'success'
               AND deployments.kind IS DISTINCT FROM 'rollback'
               AND deployments.finished_at_utc <= incidents.created_at_utc
               AND deployments.finished_at_utc >= incidents.created_at_utc - INTERVAL 7 DAYS""",
        {"incident": row["incident_id"], "other": other},
    ).fetchall()
    return bool(found)


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
    return f"{shown} and {len(refs) - 3} more" if len(refs) > 3 else shown or "no known change"
