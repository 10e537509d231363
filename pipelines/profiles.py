"""What the checks look at: one profile row per table, counted by DuckDB.

Here: the checks, as SELECTs that count what should not be there.
Not here: judging (``gate``). Tables themselves never leave the database: a million rows in a data frame
would take 700 MB to find what one count finds.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import duckdb

from metrics_catalog.catalogue import Metric
from transforms.coverage import ENOUGH


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that must not occur: ``select`` counts its occurrences; ``wanted`` says it in words."""

    name: str
    table: str
    select: str
    wanted: str
    severity: Literal["error", "warning"] = "error"
    at_most: int = 0

    @property
    def column(self) -> str:
        return f"{self.table} {self.name}"


_KEYS: Mapping[str, str] = {
    "core.repositories": "repository_id",
    "core.accounts": "account_id",
    "core.people": "person_id",
    "core.pull_requests": "pr_id",
    "core.pr_events": "event_id",
    "core.reviews": "review_id",
    "core.review_threads": "thread_id",
    "core.thread_comments": "comment_id",
    "core.review_requests": "case_id",
}
_PARENTS: tuple[tuple[str, str, str, str], ...] = (
    ("core.pr_events", "pr_id", "core.pull_requests", "pr_id"),
    ("core.reviews", "pr_id", "core.pull_requests", "pr_id"),
    ("core.review_threads", "pr_id", "core.pull_requests", "pr_id"),
    ("core.thread_comments", "thread_id", "core.review_threads", "thread_id"),
    ("core.pull_requests", "repository_id", "core.repositories", "repository_id"),
    ("core.pull_requests", "author_id", "core.people", "person_id"),
    ("core.reviews", "reviewer_id", "core.people", "person_id"),
    ("core.roster", "manager_id", "core.people", "person_id"),
)
_WORDS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("core.reviews", "state", ("APPROVED", "CHANGES_REQUESTED", "COMMENTED", "DISMISSED")),
    (
        "core.pr_events",
        "type",
        (
            "review_requested",
            "review_request_removed",
            "ready_for_review",
            "converted_to_draft",
            "closed",
            "reopened",
            "review_dismissed",
        ),
    ),
    ("core.calendar", "kind", ("holiday", "absence")),
    ("core.annotations", "kind", ("freeze", "migration", "reorganisation", "other")),
    ("core.review_requests", "outcome", ("met", "missed", "pending", "excluded")),
    ("trends.periods", "status", ("ok", "insufficient", "no_activity", "suppressed")),
    ("trends.periods", "state", ("partial", "provisional", "final")),
)
_INSTANTS: tuple[tuple[str, str], ...] = (
    ("core.pull_requests", "created_at_utc"),
    ("core.pull_requests", "merged_at_utc"),
    ("core.pr_events", "occurred_at_utc"),
    ("core.reviews", "submitted_at_utc"),
    ("core.thread_comments", "occurred_at_utc"),
)


def checks(catalogue: Mapping[str, Metric], *, ack_targets: Collection[str] = ()) -> list[Check]:
    """All checks, in a fixed order. ``ack_targets``: the services whose pages have a target of their own."""
    found = [
        Check(
            name="one_row_per_key",
            table=table,
            select=f"SELECT count(*) - count(DISTINCT {key}) FROM {table}",
            wanted=f"every {key} once, and never null",
        )
        for table, key in _KEYS.items()
    ]
    found += [
        Check(
            name=f"{key}_is_known",
            table=table,
            select=f"SELECT count(*) FROM {table} AS child WHERE child.{key} IS NOT NULL AND NOT EXISTS "
            f"(FROM {parent} AS parent WHERE parent.{parent_key} = child.{key})",
            wanted=f"every {key} is in {parent}",
        )
        for table, key, parent, parent_key in _PARENTS
    ]
    found += [_words(table, column, words) for table, column, words in _WORDS]
    found += [
        Check(
            name=f"{column}_not_after_as_of",
            table=table,
            select=f"SELECT count(*) FROM {table} WHERE {column} > (SELECT as_of_utc FROM ops.publication)",
            wanted="nothing later than the as-of",
        )
        for table, column in _INSTANTS
    ]
    for metric in catalogue.values():
        found += _facts(metric)
    return [*found, *_whole(), *_targets(sorted(ack_targets)), _told_once()]


def _targets(services: Sequence[str]) -> list[Check]:
    """A misspelt service would have its target count for no page, and nobody would notice."""
    quoted = ", ".join("'" + name.replace("'", "''") + "'" for name in services)
    check = Check(
        name="ack_targets_are_of_services",
        table="core.services",
        select=f"SELECT count(*) FROM (SELECT unnest([{quoted}]) AS name) WHERE name NOT IN "
        "(SELECT service_id FROM core.services WHERE service_id IS NOT NULL)",
        wanted=f"{', '.join(services)} of [services] ack_target_minutes to be services",
        severity="warning",
    )
    return [check] if services else []


def _told_once() -> Check:
    """Somebody may have meant both, and should know that one of them is left."""
    return Check(
        name="deployments_are_told_once",
        table="core.deployments",
        select="SELECT count(*) FROM core.deployments WHERE environment = 'told by the table of deployments'",
        wanted="no deployment of GitHub whose services the table of deployments tells: those of GitHub are "
        "left out (deployment_environments = [] under [sources.github] reads none)",
        severity="warning",
    )


def _facts(metric: Metric) -> list[Check]:
    table = f"facts.{metric.id}"
    words = tuple(
        sorted({word for key, kind in metric.outcomes.items() if key != "closed_whys" for word in kind})
    )
    return [
        Check(
            name="one_row_per_case_and_subject",
            table=table,
            select=f"SELECT count(*) - count(DISTINCT (subject_kind, subject_id, case_id)) FROM {table}",
            wanted="every case once for each of its subjects",
        ),
        _words(table, "outcome", words),
        Check(
            name="placed_and_named",
            table=table,
            select=f"SELECT count(*) FROM {table} WHERE anchor_at_utc IS NULL OR month_start IS NULL "
            "OR subject_id IS NULL OR case_id IS NULL OR ref IS NULL OR why IS NULL",
            wanted="an anchor, a month, a subject, an id and a reason in every row",
        ),
        Check(
            name="only_rostered_persons",
            table=table,
            select=f"SELECT count(*) FROM {table} AS facts WHERE subject_kind = 'person' AND NOT EXISTS "
            "(FROM core.people AS people WHERE people.person_id = facts.subject_id AND people.is_rostered "
            "AND NOT people.is_bot)",
            wanted="no unclaimed account and no bot as a subject",
        ),
    ]


_TEAMS = (
    "SELECT team_id FROM core.memberships WHERE team_id IS NOT NULL "
    "UNION SELECT team_id FROM core.services WHERE team_id IS NOT NULL"
)


def _whole() -> list[Check]:
    return [
        Check(
            name="loads_have_no_gap",
            table="ops.loads",
            select="SELECT (SELECT count(*) FROM ops.completeness WHERE status = 'incomplete') + "
            "(SELECT count(*) FROM ops.loads WHERE NOT is_complete AND load_id IN "
            "(SELECT max_by(load_id, (known_at_utc, load_id)) FROM ops.loads GROUP BY source))",
            wanted="every repository and file read to its end, no record rejected",
            severity="warning",
        ),
        Check(
            name="no_record_rejected",
            table="ops.rejected_records",
            select="SELECT count(*) FROM ops.rejected_records AS rejected WHERE load_id IN "
            "(SELECT max_by(load_id, known_at_utc) FROM ops.loads GROUP BY source) "
            "AND problem <> 'changed_within_load'",
            wanted="no record of the newest loads rejected",
            severity="warning",
        ),
        Check(
            name="merged_pull_requests_touch_a_service",
            table="core.pull_requests",
            select="SELECT count(*) FROM core.pull_requests WHERE merged_at_utc IS NOT NULL "
            "AND merged_to_default_branch AND len(service_ids) = 0 AND EXISTS (FROM core.services)",
            wanted="every merged pull request belongs to a service of services.csv",
            severity="warning",
        ),
        Check(
            name="log_entries_are_of_known_incidents",
            table="core.incident_log",
            select="SELECT count(*) FROM core.incident_log AS log WHERE NOT EXISTS "
            "(FROM core.incidents AS incidents WHERE incidents.incident_id = log.incident_id)",
            wanted="every entry of a log is of an incident that is there",
            severity="warning",
        ),
        Check(
            name="people_on_call_are_known",
            table="core.oncall_shifts",
            select="SELECT count(DISTINCT named.person_id) FROM (SELECT person_id FROM core.oncall_shifts "
            "UNION SELECT to_user_id FROM core.incident_log "
            "UNION SELECT user_id FROM core.incident_log) AS named WHERE named.person_id IS NOT NULL "
            "AND NOT EXISTS (FROM core.people AS people WHERE people.person_id = named.person_id)",
            wanted="everybody whom shifts and logs name is in people.csv, by id or e-mail address",
            severity="warning",
        ),
        Check(
            name="goals_are_of_known_people_and_teams",
            table="core.goals",
            select="SELECT count(*) FROM core.goals AS goals WHERE NOT coalesce(is_withdrawn, false) "
            "AND NOT EXISTS (FROM core.people AS people WHERE goals.owner_kind = 'person' "
            "AND people.person_id = goals.owner_id AND people.is_rostered) "
            f"AND NOT (goals.owner_kind = 'team' AND goals.owner_id IN ({_TEAMS}))",
            wanted="every goal is of a person of people.csv or of a team that has people or services",
            severity="warning",
        ),
        Check(
            name="features_are_of_known_teams",
            table="core.features",
            select="SELECT count(*) FROM core.features WHERE team_id IS NOT NULL "
            f"AND team_id NOT IN ({_TEAMS})",
            wanted="the team of every feature has people or services",
            severity="warning",
        ),
        Check(
            name="documents_are_of_known_services_and_features",
            table="core.measurements",
            select="SELECT count(DISTINCT (about_kind, about_id)) FROM core.measurements "
            "WHERE about_id NOT IN (SELECT service_id FROM core.services WHERE about_kind = 'service' "
            "UNION ALL SELECT feature_id FROM core.features WHERE about_kind = 'feature')",
            wanted="every document of features.toml is of a service or a feature that there is",
            severity="warning",
        ),
        Check(
            name="annotations_are_of_known_teams_and_services",
            table="core.annotations",
            select="SELECT count(*) FROM core.annotations WHERE "
            f"(about_kind = 'team' AND about_id NOT IN ({_TEAMS})) OR "
            "(about_kind = 'service' AND about_id NOT IN (SELECT service_id FROM core.services))",
            wanted="every annotation is of a team or a service that there is, or of everybody",
            severity="warning",
        ),
        Check(
            name="survey_answers_are_of_known_reviews",
            table="core.survey_ratings",
            select="SELECT count(*) FROM core.survey_ratings AS answers WHERE NOT EXISTS ("
            "FROM core.review_pairs AS pairs JOIN core.pull_requests AS pulls ON pulls.pr_id = pairs.pr_id "
            "WHERE pairs.pr_id = answers.pr_id AND pairs.reviewer_id = answers.reviewer_id "
            "AND pulls.author_id = answers.rater_id)",
            wanted="every answer of the survey is an author's, of a review of their pull request",
            severity="warning",
        ),
        Check(
            name="accounts_are_claimed",
            table="core.accounts",
            select="SELECT count(DISTINCT accounts.account_id) FROM core.accounts AS accounts "
            "JOIN core.review_requests AS requests ON requests.reviewer_id = accounts.person_id "
            "WHERE NOT accounts.is_claimed AND NOT accounts.is_bot AND NOT EXISTS "
            "(FROM core.identities AS decided WHERE decided.account_id = accounts.account_id "
            "AND decided.standing = 'excluded')",
            wanted="every person asked for a review is in people.csv",
            severity="warning",
        ),
        Check(
            name="no_account_is_contested",
            table="core.identities",
            select="SELECT count(DISTINCT account_id) FROM core.identities WHERE standing = 'contested'",
            wanted="no account claimed by two people for the same days",
            severity="warning",
        ),
        Check(
            name="cases_are_claimed",
            table="ops.identity_coverage",
            select="SELECT count(*) FROM (SELECT source FROM ops.identity_coverage WHERE month_start > "
            "(SELECT as_of_utc FROM ops.publication) - INTERVAL 12 MONTH GROUP BY source "
            f"HAVING sum(claimed) < {ENOUGH} * sum(cases))",
            wanted=f"of every source, {ENOUGH:.0%} of the last twelve months' cases with a person behind",
            severity="warning",
        ),
    ]


def _words(table: str, column: str, words: tuple[str, ...]) -> Check:
    listed = ", ".join(f"'{word}'" for word in words)
    return Check(
        name=f"{column}_is_a_known_word",
        table=table,
        select=f"SELECT count(*) FROM {table} WHERE {column} IS NULL OR {column} NOT IN ({listed})",
        wanted=f"{column} is one of {', '.join(words)}",
    )


def profile(connection: duckdb.DuckDBPyConnection, wanted: list[Check]) -> dict[str, int]:
    """How often each check's unwanted thing occurs, by the check's column."""
    observed = {}
    for check in wanted:
        ((number,),) = connection.execute(check.select).fetchall()
        observed[check.column] = int(number)
    return observed
