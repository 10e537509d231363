"""Features a person's changes were built for, and what is attached to what they worked on.

Here: which features those are, by the person's own merged changes, with the documents attached to each, by
name; and the attached numbers (latency) of key services, as they are.
Not here: any number of a feature: its adoption depends on many, and beside a person only the list of features
is shown (metrics specification 3.4). Its figures are on the trend page (``beside``).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import duckdb

from packets.evidence import Case, FoundCase, Reading
from packets.figures import span_of
from packets.published import Publication, Row, read
from packets.quarters import Quarter, first_of
from packets.words import day_text, listed, plain, web_link, worded

FEATURES_ID = "context_features_built"
_KEY_TIERS = (1, 2)
_NUMBERS_SHOWN = 3
_NOT_YET = "9999"

# The person's merged changes that were built for a feature, in the twelve months.
_BUILT = """
SELECT f.feature_id, f.title, f.team_id, f.released_at_utc, f.documentation_url, p.pr_id, p.ref, p.source_url,
    p.merged_at_utc
FROM core.feature_changes AS c
JOIN core.features AS f ON f.feature_id = c.feature_id
JOIN core.pull_requests AS p ON p.pr_id = c.pr_id
WHERE p.author_id = $person_id AND p.merged_at_utc >= $begins AND p.merged_at_utc < $ends
  AND p.merged_at_utc <= $as_of
ORDER BY p.merged_at_utc, p.pr_id, f.feature_id
"""
_MEASURED = """
SELECT about_kind, about_id, name, unit, measured_on, value, document_url
FROM core.measurements
WHERE measured_on <= $last_day AND (
    (about_kind = 'feature' AND list_contains(CAST($features AS VARCHAR[]), about_id))
    OR (about_kind = 'service' AND list_contains(CAST($services AS VARCHAR[]), about_id))
)
ORDER BY about_kind, about_id, name, measured_on DESC
"""
_SERVICES = """
WITH touched AS (
    SELECT unnest(service_ids) AS service_id, merged_at_utc
    FROM core.pull_requests
    WHERE author_id = $person_id AND merged_at_utc >= $begins AND merged_at_utc < $ends
      AND merged_at_utc <= $as_of
)
SELECT DISTINCT t.service_id
FROM touched AS t
JOIN core.services AS s ON s.service_id = t.service_id
WHERE list_contains(CAST($tiers AS INTEGER[]), s.tier)
  AND (s.valid_from_utc IS NULL OR s.valid_from_utc <= t.merged_at_utc)
  AND (s.valid_to_utc IS NULL OR t.merged_at_utc < s.valid_to_utc)
ORDER BY t.service_id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """The newest numbers of one document, in words."""

    about: str
    name: str
    told: str
    link: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """A document of a feature, without its numbers."""

    name: str
    link: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """A feature the person's changes were built for. ``attached``: documents by name, with their address."""

    feature_id: str
    title: str
    team: str | None
    released: str
    evidence: str
    documentation: str | None
    attached: tuple[Attached, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """What is known before cases have their ids: the changes as cases, and all that is said beside them."""

    cases: tuple[FoundCase, ...]
    features: tuple[Row, ...]
    measured: Mapping[tuple[str, str], tuple[Measured, ...]]


def built_by(
    connection: duckdb.DuckDBPyConnection, *, person_id: str, quarter: Quarter, published: Publication
) -> Built:
    """The features of the person's merged changes in the twelve months, with what is attached to them and to
    the key services that the changes of the quarter touched."""
    rows = read(
        connection,
        _BUILT,
        {
            "person_id": person_id,
            "begins": published.midnight_utc(first_of(quarter.year[0])),
            "ends": quarter.ends_utc(published),
            "as_of": published.as_of_utc,
        },
    )
    services = read(
        connection,
        _SERVICES,
        {
            "person_id": person_id,
            "begins": quarter.begins_utc(published),
            "ends": quarter.ends_utc(published),
            "as_of": published.as_of_utc,
            "tiers": list(_KEY_TIERS),
        },
    )
    features = {row["feature_id"]: row for row in rows}
    return Built(
        cases=tuple(_case(row, person_id, published) for row in rows),
        features=tuple(_newest_first(features.values())),
        measured=_measured(connection, quarter, sorted(features), [row["service_id"] for row in services]),
    )


def features_of(built: Built, cases: Sequence[Case], published: Publication) -> tuple[Feature, ...]:
    """The features, the newest first, each with the ids of its cases."""
    found = []
    for row in built.features:
        own = [case for case in cases if case.case_id.startswith(f"built/{row['feature_id']}/")]
        found.append(
            Feature(
                feature_id=row["feature_id"],
                title=plain(row["title"]),
                team=row["team_id"],
                released=_released(row, published),
                evidence=span_of(own),
                documentation=web_link(row["documentation_url"]),
                attached=tuple(
                    Attached(name=entry.name, link=entry.link)
                    for entry in built.measured.get(("feature", row["feature_id"]), ())
                ),
            )
        )
    return tuple(found)


def service_numbers(built: Built) -> tuple[Measured, ...]:
    """The documents of key services that the person's changes of the quarter touched."""
    return tuple(
        entry for (kind, _), entries in built.measured.items() if kind == "service" for entry in entries
    )


def _case(row: Row, person_id: str, published: Publication) -> FoundCase:
    return FoundCase(
        case_id=f"built/{row['feature_id']}/{row['pr_id']}/{person_id}",
        ref=plain(row["ref"]),
        link=web_link(row["source_url"]),
        anchor_at_utc=row["merged_at_utc"],
        month=f"{published.local(row['merged_at_utc']):%Y-%m}",
        reading=Reading(
            metric_id=FEATURES_ID,
            outcome="built_for_feature",
            outcome_words=worded("outcomes", "built_for_feature"),
            why=row["feature_id"],
            why_words=plain(row["title"]),
            counts_as="context",
            amount=None,
            unit="",
        ),
    )


def _newest_first(features: Iterable[Row]) -> list[Row]:
    """Those that are not released come first."""
    by_id = sorted(features, key=lambda row: str(row["feature_id"]))
    return sorted(by_id, key=lambda row: str(row["released_at_utc"] or _NOT_YET), reverse=True)


def _released(row: Row, published: Publication) -> str:
    """Predicate: the release lies before the as-of, after it, or is not declared."""
    released = row["released_at_utc"]
    if released is None:
        return "not released"
    day = day_text(published.local(released).date())
    return f"released on {day}" if released <= published.as_of_utc else f"to be released on {day}"


def _measured(
    connection: duckdb.DuckDBPyConnection, quarter: Quarter, features: list[str], services: list[str]
) -> dict[tuple[str, str], tuple[Measured, ...]]:
    rows = read(
        connection,
        _MEASURED,
        {"last_day": quarter.last_day, "features": features, "services": services},
    )
    series: dict[tuple[str, str, str], list[Row]] = {}
    for row in rows:
        series.setdefault((row["about_kind"], row["about_id"], row["name"]), []).append(row)
    found: dict[tuple[str, str], tuple[Measured, ...]] = {}
    for (kind, about, name), of_name in series.items():
        entry = Measured(
            about=about,
            name=plain(name),
            told=numbers_told(of_name),
            link=web_link(of_name[0]["document_url"]),
        )
        found[kind, about] = (*found.get((kind, about), ()), entry)
    return found


def numbers_told(newest_first: Sequence[Row]) -> str:
    """The newest with its day, and a few before it. Nothing compares them."""
    newest, *before = newest_first[:_NUMBERS_SHOWN]
    told = f"{newest['value']:g} {newest['unit']} ({day_text(newest['measured_on'])})"
    return f"{told}, before {listed([format(row['value'], 'g') for row in before])}" if before else told
