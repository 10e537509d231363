"""What earlier loads know of each repository and project, and of the PagerDuty account.

Here: the newest complete load of each scope, from manifests; what a sweep compares, from landing files.
Not here: deciding what to read (connectors). State cannot disagree with data, because it is read from it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb

from connectors.github.client import SWEEP
from connectors.github.known import KnownRepository, KnownThread
from connectors.github.records import Account
from connectors.jira.client import KnownTickets
from connectors.pagerduty.client import LOG
from connectors.pagerduty.known import KnownAccount
from connectors.records import RECORD_TYPES
from transforms.core.streams import Only, load_landing
from transforms.identity import replay
from warehouse.connection import connect
from warehouse.landing import ChosenLoad, Manifest

SWEPT_DAYS = 30
"""How long after its end a pull request is still looked at for changes that do not move its update; where no
run looked for a while, those of that while are made up for."""
UNFINISHED_DAYS = 90
"""A deployment that has not ended after so long never will."""


_OF_GITHUB: Only = {
    "repositories": ("repository_id", "name_with_owner"),
    "accounts": ("account_id", "login", "kind"),
    "account_identities": ("answer_id", "account_id"),
    "removals": ("pull_request_id",),
    "pull_requests": (
        *("pull_request_id", "repository_id", "node_id", "number"),
        *("author_account_id", "created_at_utc", "closed_at_utc"),
    ),
    "expected_counts": (*("count_id", "repository_id", "month_start", "first_utc", "after_utc", "expected"),),
    "expected_deployments": ("count_id", "repository_id", "told_by", "counted_at_utc", "expected"),
    "reviews": ("review_id", "pull_request_id", "node_id", "author_account_id"),
    "review_threads": ("thread_id", "pull_request_id", "is_resolved", "is_outdated"),
    "review_comments": ("comment_id", "pull_request_id", "thread_id", "node_id", "author_account_id"),
    "reactions": ("reaction_id", "pull_request_id", "target_id", "content"),
    "deployments": ("deployment_id", "repository_id", "created_at_utc", "finished_at_utc"),
}
_OF_PAGERDUTY: Only = {
    "schedule_months": ("schedule_month_id", "month_start", "shown_at_utc"),
    "incidents": ("incident_id", "created_at_utc"),
}
_OF_JIRA: Only = {
    "removals": ("ticket_id",),
    "tickets": ("ticket_id", "project_id"),
    "sprints": ("sprint_id", "state"),
    "statuses": ("status_id",),
}
"""What is looked at of the loads of each source: the texts, which are most of them, stay on the disk."""

_ASKED_AGAIN_DAYS = 7
"""After how long GitHub is asked again whose an account is that nobody claims."""
_UNCLAIMED = """
SELECT
    accounts.account_id,
    accounts.login,
    accounts.kind,
    coalesce(max(asked._fetched_at_utc) > $since_utc, false) AS is_asked
FROM landing.github__accounts AS accounts
LEFT JOIN landing.github__account_identities AS asked ON asked.account_id = accounts.account_id
WHERE NOT list_contains($decided, accounts.account_id)
GROUP BY accounts.account_id, accounts.login, accounts.kind
ORDER BY max(asked._fetched_at_utc) NULLS FIRST, accounts.account_id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownToGitHub:
    """What the GitHub loads and the identity journal know.

    ``not_asked``: accounts that GitHub is not to be asked about, because the journal decides about them or
    they were asked about a short while ago. ``unclaimed``: the others that loads have seen, in the order in
    which they are to be asked about, those never asked first. ``names_of``: the names a repository was read
    under, by its id, the newest last.
    """

    repositories: dict[str, KnownRepository] = field(default_factory=dict)
    not_asked: frozenset[str] = frozenset()
    unclaimed: list[Account] = field(default_factory=list)
    names_of: dict[str, tuple[str, ...]] = field(default_factory=dict)


def known_to_github(
    manifests: Sequence[Manifest], entries: Sequence[Mapping[str, Any]], now_utc: datetime, *, reads: str
) -> KnownToGitHub:
    """What a GitHub night stands on, from one look at its loads. ``now_utc`` is the server's time, aware.

    Of a repository, loads that went less or further back than ``reads`` are no ground for leaving anything
    out.
    """
    loads = [ChosenLoad(manifest=each, is_backfilled=False) for each in manifests if each.source == "github"]
    decided = _decided(entries)
    if not loads:
        return KnownToGitHub(not_asked=decided)
    with connect() as connection:
        load_landing(connection, loads, RECORD_TYPES, only=_OF_GITHUB)
        asked, unclaimed = _accounts(connection, decided, now_utc - timedelta(days=_ASKED_AGAIN_DAYS))
        return KnownToGitHub(
            repositories=_repositories(connection, loads, now_utc, reads=reads),
            not_asked=decided | asked,
            unclaimed=unclaimed,
            names_of=_names(connection),
        )


_NAMES = """
SELECT repository_id, list(name_with_owner ORDER BY last) AS names
FROM (
    SELECT repository_id, name_with_owner, max((_load, _page, _place)) AS last
    FROM landing.github__repositories__versions
    GROUP BY repository_id, name_with_owner
)
GROUP BY repository_id
ORDER BY repository_id
"""


def _names(connection: duckdb.DuckDBPyConnection) -> dict[str, tuple[str, ...]]:
    return {key: tuple(names) for key, names in connection.execute(_NAMES).fetchall()}


def _repositories(
    connection: duckdb.DuckDBPyConnection, loads: Sequence[ChosenLoad], now_utc: datetime, *, reads: str
) -> dict[str, KnownRepository]:
    complete = {
        scope.scope: load.manifest.known_at_utc
        for load in loads
        for scope in load.manifest.scopes
        if scope.gap is None and load.manifest.reads == reads
    }
    if not complete:
        return {}
    # What was to be looked at while nobody looked is looked at now.
    looked_at_utc = min(now_utc, complete.get(SWEEP, loads[0].manifest.known_at_utc))
    since_utc = looked_at_utc - timedelta(days=SWEPT_DAYS)
    recent, rated = _recent(connection, since_utc), _rated(connection, since_utc)
    deployed, unfinished = _deployed(connection, now_utc)
    missing = _missing(connection)
    return {
        scope: KnownRepository(
            complete_at_utc=known_at_utc,
            missing_since_utc=missing.get(scope),
            unfinished_since_utc=unfinished.get(scope),
            deployed_utc=deployed.get(scope, ()),
            recent=recent.get(scope, {}),
            rated=rated.get(scope, {}),
        )
        for scope, known_at_utc in complete.items()
        if missing.get(scope) != FROM_THE_BEGINNING
    }


_MISSING = """
WITH newest AS (
    SELECT repository_id, _load, row_number() OVER (PARTITION BY repository_id ORDER BY _load DESC) AS nth
    FROM (SELECT DISTINCT repository_id, _load FROM landing.github__expected_counts__versions)
),

counts AS (
    SELECT versions.*, newest.nth
    FROM landing.github__expected_counts__versions AS versions
    JOIN newest ON newest.repository_id = versions.repository_id AND newest._load = versions._load
),

missed AS (
    SELECT
        counts.repository_id,
        counts.month_start,
        counts.first_utc,
        counts.nth,
        counts.expected - (
            SELECT count(DISTINCT versions.pull_request_id)
            FROM landing.github__pull_requests__versions AS versions
            WHERE versions.repository_id = counts.repository_id
                AND versions._load <= counts._load
                AND (versions.created_at_utc >= counts.first_utc OR counts.first_utc IS NULL)
                AND versions.created_at_utc < counts.after_utc
                AND NOT EXISTS (
                    FROM landing.github__removals AS removals
                    WHERE removals.pull_request_id = versions.pull_request_id
                )
        ) AS n
    FROM counts
    WHERE counts.nth <= 2
)

SELECT
    now.repository_id,
    coalesce(min(now.first_utc) FILTER (WHERE now.month_start IS NOT NULL), min(now.first_utc))
FROM missed AS now
WHERE now.nth = 1
    AND now.n > 0
    AND NOT EXISTS (
        FROM missed AS before
        WHERE before.nth = 2
            AND before.repository_id = now.repository_id
            AND before.month_start IS NOT DISTINCT FROM now.month_start
            AND before.n = now.n
    )
GROUP BY now.repository_id
"""


FROM_THE_BEGINNING = datetime.min.replace(tzinfo=UTC)


def _missing(connection: duckdb.DuckDBPyConnection) -> dict[str, datetime]:
    """By repository, since when fewer are stored than GitHub counted, where the newest load is the first to
    say so. A second one that says the same has looked for them, and only ``--full`` looks again."""
    return {
        key: FROM_THE_BEGINNING if first_utc is None else first_utc.astimezone(UTC)
        for key, first_utc in connection.execute(_MISSING).fetchall()
    }


def _decided(entries: Sequence[Mapping[str, Any]]) -> frozenset[str]:
    """The accounts that the identity journal decides about."""
    return frozenset(
        account.account_id
        for account in replay(entries).accounts.values()
        if account.claims or account.excluded is not None
    )


def _accounts(
    connection: duckdb.DuckDBPyConnection, decided: frozenset[str], since_utc: datetime
) -> tuple[frozenset[str], list[Account]]:
    """Of the accounts that nobody has decided about, those asked about since then, and the others."""
    rows = connection.execute(
        _UNCLAIMED, {"decided": sorted(decided) or [""], "since_utc": since_utc}
    ).fetchall()
    asked = frozenset(account_id for account_id, _, _, is_asked in rows if is_asked)
    others = [
        Account(account_id=account_id, login=login, kind=kind)
        for account_id, login, kind, is_asked in rows
        if not is_asked
    ]
    return asked, others


def known_account(manifests: Sequence[Manifest], *, reads: str) -> KnownAccount | None:
    """What the PagerDuty loads know; None where no load has read the log to its end."""
    loads = [
        ChosenLoad(manifest=each, is_backfilled=False)
        for each in manifests
        if each.source == "pagerduty" and each.reads == reads
    ]
    complete = [
        load.manifest.known_at_utc
        for load in loads
        for scope in load.manifest.scopes
        if scope.scope == LOG and scope.gap is None
    ]
    if not complete:
        return None
    with connect() as connection:
        load_landing(connection, loads, RECORD_TYPES, only=_OF_PAGERDUTY)
        months = connection.execute(
            "SELECT month_start FROM landing.pagerduty__schedule_months__versions "
            "GROUP BY month_start, _load HAVING min(shown_at_utc) >= month_start + INTERVAL 1 MONTH"
        ).fetchall()
        ((first_utc,),) = connection.execute(
            "SELECT min(created_at_utc) FROM landing.pagerduty__incidents"
        ).fetchall()
    return KnownAccount(
        log_complete_at_utc=max(complete),
        first_utc=None if first_utc is None else first_utc.astimezone(UTC),
        settled_months=frozenset(month for (month,) in months),
    )


_RECENT = """
WITH counted AS (
    SELECT thread_id, count(*) AS n FROM landing.github__review_comments GROUP BY thread_id
)

SELECT
    pulls.repository_id,
    pulls.node_id,
    threads.thread_id,
    threads.is_resolved,
    threads.is_outdated,
    coalesce(counted.n, 0) AS n
FROM landing.github__pull_requests AS pulls
LEFT JOIN landing.github__review_threads AS threads ON threads.pull_request_id = pulls.pull_request_id
LEFT JOIN counted ON counted.thread_id = threads.thread_id
WHERE pulls.closed_at_utc IS NULL OR pulls.closed_at_utc >= $since_utc
ORDER BY pulls.repository_id, pulls.number DESC, threads.thread_id
"""


def _recent(
    connection: duckdb.DuckDBPyConnection, since_utc: datetime
) -> dict[str, dict[str, dict[str, KnownThread]]]:
    found: dict[str, dict[str, dict[str, KnownThread]]] = {}
    rows = connection.execute(_RECENT, {"since_utc": since_utc}).fetchall()
    for repository_id, node_id, thread_id, is_resolved, is_outdated, size in rows:
        threads = found.setdefault(repository_id, {}).setdefault(node_id, {})
        if thread_id is not None:
            threads[thread_id] = KnownThread(is_resolved=is_resolved, is_outdated=is_outdated, size=size)
    return found


def _deployed(
    connection: duckdb.DuckDBPyConnection, now_utc: datetime
) -> tuple[dict[str, tuple[datetime, ...]], dict[str, datetime]]:
    """By the scope of a repository's deployments, when those of the last months were created, and when the
    oldest that has not ended yet."""
    rows = connection.execute(
        "SELECT repository_id || CASE WHEN starts_with(deployment_id, 'github:release/') THEN '/releases' "
        "WHEN starts_with(deployment_id, 'github:tag/') THEN '/tags' ELSE '' END || '/deployments' "
        "AS scope, list(created_at_utc ORDER BY created_at_utc), min(created_at_utc) "
        "FILTER (finished_at_utc IS NULL AND created_at_utc >= $unfinished_since) "
        "FROM landing.github__deployments "
        "WHERE created_at_utc >= $since_utc GROUP BY scope",
        {
            "since_utc": (now_utc - timedelta(days=2 * UNFINISHED_DAYS)).replace(tzinfo=None),
            "unfinished_since": (now_utc - timedelta(days=UNFINISHED_DAYS)).replace(tzinfo=None),
        },
    ).fetchall()
    deployed = {scope: tuple(at.replace(tzinfo=UTC) for at in created) for scope, created, _ in rows}
    return deployed, {scope: first.replace(tzinfo=UTC) for scope, _, first in rows if first is not None}


_RATED = """
WITH targets AS (
    SELECT review_id AS target_id, node_id, pull_request_id, author_account_id FROM landing.github__reviews
    UNION ALL
    SELECT comment_id, node_id, pull_request_id, author_account_id FROM landing.github__review_comments
),

counted AS (
    SELECT target_id, content, count(*) AS n FROM landing.github__reactions GROUP BY target_id, content
)

SELECT pulls.repository_id, pulls.node_id, targets.node_id, counted.content, counted.n
FROM landing.github__pull_requests AS pulls
JOIN targets
    ON targets.pull_request_id = pulls.pull_request_id
    AND (targets.author_account_id <> pulls.author_account_id OR targets.author_account_id IS NULL
        OR pulls.author_account_id IS NULL)
LEFT JOIN counted ON counted.target_id = targets.target_id
WHERE pulls.closed_at_utc IS NULL OR pulls.closed_at_utc >= $since_utc
ORDER BY pulls.repository_id, pulls.number DESC, targets.target_id, counted.content
"""


def _rated(
    connection: duckdb.DuckDBPyConnection, since_utc: datetime
) -> dict[str, dict[str, dict[str, dict[str, int]]]]:
    """What others than the author said on recent pull requests, and how it is rated so far."""
    found: dict[str, dict[str, dict[str, dict[str, int]]]] = {}
    rows = connection.execute(_RATED, {"since_utc": since_utc}).fetchall()
    for repository_id, node_id, target, content, n in rows:
        ratings = found.setdefault(repository_id, {}).setdefault(node_id, {}).setdefault(target, {})
        if content is not None:
            ratings[content] = n
    return found


_HELD = "SELECT ticket_id, project_id FROM landing.jira__tickets ORDER BY ticket_id"
_OPEN_SPRINTS = """
SELECT sprint_id FROM landing.jira__sprints WHERE state IS DISTINCT FROM 'closed' ORDER BY sprint_id DESC
"""


def known_tickets(manifests: Sequence[Manifest], *, reads: str) -> KnownTickets:
    """What the Jira loads know: progress by project, the tickets held, sprints still open.

    Loads that went less or further back than ``reads``, or by other conventions, are no ground for leaving
    anything out.
    """
    loads = [ChosenLoad(manifest=each, is_backfilled=False) for each in manifests if each.source == "jira"]
    complete = {
        scope.scope: load.manifest.known_at_utc
        for load in loads
        for scope in load.manifest.scopes
        if scope.gap is None and load.manifest.reads == reads and scope.scope.startswith("jira:project/")
    }
    if not complete:
        return KnownTickets()
    with connect() as connection:
        load_landing(connection, loads, RECORD_TYPES, only=_OF_JIRA)
        held = dict(connection.execute(_HELD).fetchall())
        sprints = connection.execute(_OPEN_SPRINTS).fetchall()
        statuses = connection.execute("SELECT status_id FROM landing.jira__statuses").fetchall()
    return KnownTickets(
        complete_at_utc=complete,
        projects_by_ticket=held,
        open_sprints=tuple(sprint for (sprint,) in sprints),
        statuses=frozenset(status for (status,) in statuses),
    )
