"""Key services that a person's changes touched, with what held there and what did not, as cases.

Here: of each key service (tier 1 or 2 at the time) the person's changes that reached it, or were merged for
it, in the quarter, and what became of each. Lists with dates; nothing is counted or compared.
Not here: any delivery figure of a person (there is none), the services' own figures (five_keys), the share of
changes that held (a figure like others).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import duckdb

from packets.catalogue import Metric
from packets.evidence import Case, FoundCase, Reading
from packets.published import Publication, Row, read
from packets.quarters import Quarter
from packets.words import day_text, listed, plain, web_link, worded

KEY_SERVICES_ID = "context_key_services"
HEALTHY = "si_healthy_change_share"
KEY_TIERS = (1, 2)
_IN_FULL = ("not_held", "bundle", "suspected")
NO_SERVICES = "No service is listed in services.csv or Backstage, so none is known to be a key service."
NONE_TOUCHED = "No change of this quarter is known to belong to a key service (tier 1 or 2)."

LATER = "it reached another key service first, where the share of changes that held counts it once"
"""Said where two services differ: a change is one case, and later deployments of it do not matter."""

_TOUCHED = """
WITH own AS (
    SELECT pr_id, ref, title, source_url, merged_at_utc, service_ids
    FROM core.pull_requests
    WHERE author_id = $person_id AND reverts_pr_id IS NULL AND merged_at_utc <= $as_of
),

reached AS (
    SELECT firsts.pr_id, firsts.subject_id AS service_id, firsts.deployed_at_utc,
        outcomes.is_failed, outcomes.is_suspected, outcomes.reverted_pr_ids, outcomes.named_pr_ids,
        list_unique(outcomes.pr_ids) = 1 AS is_alone, outcomes.incident_ids, outcomes.suspect_incident_ids
    FROM core.first_deployments AS firsts
    JOIN core.deployment_outcomes AS outcomes
        ON outcomes.subject_kind = firsts.subject_kind
        AND outcomes.subject_id = firsts.subject_id
        AND outcomes.deployment_id = firsts.deployment_id
    WHERE firsts.subject_kind = 'service'
),

touched AS (
    SELECT pr_id, unnest(service_ids) AS service_id FROM own
    UNION
    SELECT own.pr_id, reached.service_id FROM own JOIN reached ON reached.pr_id = own.pr_id
)

SELECT
    touched.service_id, own.pr_id, own.ref, own.title, own.source_url, own.merged_at_utc,
    reached.deployed_at_utc, reached.reverted_pr_ids, reached.named_pr_ids,
    coalesce(reached.is_failed, false) AS is_failed,
    coalesce(reached.is_suspected, false) AS is_suspected,
    coalesce(reached.is_alone, false) AS is_alone,
    coalesce(reached.deployed_at_utc > earliest.deployed_at_utc, false) AS came_later,
    list_sort(list_concat(coalesce(reached.incident_ids, []), coalesce(reached.suspect_incident_ids, [])))
        AS incident_ids,
    coalesce(reached.deployed_at_utc, own.merged_at_utc) AS at_utc,
    min(services.tier) AS tier,
    min(services.team_id) AS team_id
FROM touched
JOIN own ON own.pr_id = touched.pr_id
LEFT JOIN reached ON reached.pr_id = touched.pr_id AND reached.service_id = touched.service_id
LEFT JOIN core.first_deployments AS earliest
    ON earliest.pr_id = touched.pr_id AND earliest.subject_kind = 'tiers' AND earliest.subject_id = 'key'
JOIN core.services AS services
    ON services.service_id = touched.service_id
    AND coalesce(reached.deployed_at_utc, own.merged_at_utc)
        >= coalesce(services.valid_from_utc, TIMESTAMP '0001-01-01')
    AND coalesce(reached.deployed_at_utc, own.merged_at_utc)
        < coalesce(services.valid_to_utc, TIMESTAMP '9999-12-31')
WHERE list_contains(CAST($tiers AS INTEGER[]), services.tier)
    AND (
        (reached.deployed_at_utc >= $begins AND reached.deployed_at_utc < $ends)
        OR (
            own.merged_at_utc >= $begins AND own.merged_at_utc < $ends
            AND (reached.deployed_at_utc IS NULL OR reached.deployed_at_utc >= $ends)
        )
    )
GROUP BY ALL
ORDER BY service_id, at_utc, pr_id
"""
_INCIDENTS = """
SELECT incident_id, ref, source_url
FROM core.incidents
WHERE list_contains(CAST($incidents AS VARCHAR[]), incident_id)
ORDER BY incident_id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """An incident that a change's deployment is tied to, or suspected of."""

    ref: str
    link: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change at one service: its row of the evidence, the day, and why it stands where it does."""

    evidence_id: str
    ref: str
    title: str
    link: str | None
    day: str
    why: str
    incidents: tuple[Incident, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Changes that stand alike at one service; ``in_full`` where each is told with its title and reason."""

    heading: str
    in_full: bool
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyService:
    """A key service with the person's changes of the quarter. Tier and owner are those of the time."""

    service: str
    tier: str
    team: str
    standings: tuple[Standing, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """One change at one service with how it stands there; its row of the evidence has one of two case ids."""

    service: str
    tier: int
    team: str | None
    standing: str
    change: Change
    case_ids: tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """What is known before cases have their ids. ``cases`` are the changes that no figure has a row for.

    ``headings``: how a change can stand, in the order in which that is told.
    """

    cases: tuple[FoundCase, ...]
    placed: tuple[Placed, ...]
    headings: Mapping[str, str]
    nothing: str | None


def touched_by(
    connection: duckdb.DuckDBPyConnection,
    *,
    person_id: str,
    quarter: Quarter,
    published: Publication,
    known_cases: Collection[str],
    healthy: Metric,
) -> Touched:
    """The person's changes to key services in the quarter. ``known_cases`` have a row of their own."""
    if healthy.source_gap:
        return _nothing(f"Whether changes to key services held cannot be said: {healthy.source_gap}.")
    rows = read(
        connection,
        _TOUCHED,
        {
            "person_id": person_id,
            "begins": quarter.begins_utc(published),
            "ends": quarter.ends_utc(published),
            "as_of": published.as_of_utc,
            "tiers": list(KEY_TIERS),
        },
    )
    if not rows:
        ((listed_services,),) = connection.execute("SELECT count(*) FROM core.services").fetchall()
        return _nothing(NONE_TOUCHED if listed_services else NO_SERVICES)
    named = sorted({incident for row in rows for incident in row["incident_ids"]})
    incidents = {
        row["incident_id"]: Incident(ref=plain(row["ref"]), link=web_link(row["source_url"]))
        for row in read(connection, _INCIDENTS, {"incidents": named})
    }
    placed = [_placed(row, quarter, published, healthy, incidents) for row in rows]
    unknown = {row["pr_id"]: row for row in rows if f"{row['pr_id']}/held" not in known_cases}
    return Touched(
        cases=tuple(_case(row, published) for row in unknown.values()),
        placed=tuple(placed),
        headings=_headings(quarter, published, healthy),
        nothing=None,
    )


def key_services_of(touched: Touched, cases: Sequence[Case]) -> tuple[KeyService, ...]:
    """The services by name, each with its changes by how they stand."""
    ids = {case.case_id: case.evidence_id for case in cases}
    by_service: dict[str, list[Placed]] = {}
    for entry in touched.placed:
        by_service.setdefault(entry.service, []).append(entry)
    return tuple(
        KeyService(
            service=plain(service),
            tier=listed([f"tier {tier}" for tier in sorted({entry.tier for entry in entries})]),
            team=listed(list(dict.fromkeys(entry.team for entry in entries if entry.team))),
            standings=tuple(
                Standing(
                    heading=heading,
                    in_full=standing in _IN_FULL,
                    changes=tuple(
                        replace(
                            entry.change, evidence_id=next(ids[one] for one in entry.case_ids if one in ids)
                        )
                        for entry in entries
                        if entry.standing == standing
                    ),
                )
                for standing, heading in touched.headings.items()
                if any(entry.standing == standing for entry in entries)
            ),
        )
        for service, entries in by_service.items()
    )


def _first_id(entry: Placed, ids: Mapping[str, str]) -> str:
    """The id of the row that a figure has of it, else of its own row."""
    return next(ids[one] for one in entry.case_ids if one in ids)


def _nothing(why: str) -> Touched:
    return Touched(cases=(), placed=(), headings={}, nothing=why)


def _headings(quarter: Quarter, published: Publication, healthy: Metric) -> dict[str, str]:
    days = f"{healthy.maturity_days} days"
    until = min(quarter.ends_utc(published) - timedelta(microseconds=1), published.as_of_utc)
    return {
        "held": f"Held past the {days} watched",
        "not_held": "Did not hold",
        "bundle": "Its deployment failed, and nobody has named which of its changes: unattributed",
        "suspected": "Suspected by time alone, which is no finding",
        "watched": f"Held so far, and still within the {days}",
        "waiting": f"Merged, not in production by {day_text(published.local(until).date())}",
    }


def _placed(
    row: Row,
    quarter: Quarter,
    published: Publication,
    healthy: Metric,
    incidents: Mapping[str, Incident],
) -> Placed:
    standing, why = _standing(row, quarter, published, healthy)
    at_utc = row["merged_at_utc"] if standing == "waiting" else row["deployed_at_utc"]
    return Placed(
        service=row["service_id"],
        tier=row["tier"],
        team=row["team_id"],
        standing=standing,
        change=Change(
            evidence_id="",
            ref=plain(row["ref"]),
            title=plain(row["title"]),
            link=web_link(row["source_url"]),
            day=day_text(published.local(at_utc).date()),
            why="; ".join(filter(None, (why, LATER if row["came_later"] and standing in _IN_FULL else ""))),
            incidents=tuple(incidents[one] for one in row["incident_ids"]) if standing in _IN_FULL else (),
        ),
        case_ids=(f"{row['pr_id']}/held", f"{row['pr_id']}/key-services"),
    )


def _standing(row: Row, quarter: Quarter, published: Publication, healthy: Metric) -> tuple[str, str]:
    """How a change stands at this service, and why, by the rules of the share of changes that held."""
    deployed = row["deployed_at_utc"]
    if deployed is None or deployed >= quarter.ends_utc(published):
        return "waiting", ""
    if row["is_failed"]:
        charged = {
            "named": row["pr_id"] in row["named_pr_ids"],
            "reverted": row["pr_id"] in row["reverted_pr_ids"],
            "only_change": row["is_alone"],
        }
        for why, is_so in charged.items():
            if is_so:
                return "not_held", healthy.words.misses[why]
        if row["named_pr_ids"] or row["reverted_pr_ids"]:
            return "held", "another change of its deployment was named"
        return "bundle", ""
    if row["is_suspected"]:
        return "suspected", ""
    watched_until = deployed + timedelta(days=healthy.maturity_days)
    return ("held" if watched_until < published.as_of_utc else "watched"), ""


def _case(row: Row, published: Publication) -> FoundCase:
    return FoundCase(
        case_id=f"{row['pr_id']}/key-services",
        ref=plain(row["ref"]),
        link=web_link(row["source_url"]),
        anchor_at_utc=row["merged_at_utc"],
        month=f"{published.local(row['merged_at_utc']):%Y-%m}",
        reading=Reading(
            metric_id=KEY_SERVICES_ID,
            outcome="merged_for_key_service",
            outcome_words=worded("outcomes", "merged_for_key_service"),
            why="",
            why_words="",
            counts_as="context",
            amount=None,
            unit="",
        ),
    )
