"""The whole way from loads to the tables that are published, in steps.

Here: the order of the steps and what each needs. Each can run in a connection of its own.
Not here: what a step does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb

from metrics_catalog.catalogue import Metric, definitions_hash
from metrics_catalog.tables import FACTS, comment_statements, tables
from transforms.causes import load_settled
from transforms.changes.build import build_changes
from transforms.core.build import CoreSettings, build_core, conform_sources, reporting_days, source_gaps
from transforms.core.streams import load_landing
from transforms.coverage import build_coverage
from transforms.facts import build_facts, drop_cases, forget_persons, published_cases
from transforms.goals import build_goals
from transforms.hiring import build_hiring_groups
from transforms.identity import (
    bindings_at_first_sight,
    build_handles,
    load_identities,
    merge_people,
    replay,
)
from transforms.incremental import (
    note_open_cases,
    note_unsettled,
    renew_core,
    renew_landing,
    swap_facts,
    touched_core,
    touched_pull_requests,
)
from transforms.ledger import (
    Publication,
    build_catalog,
    build_completeness,
    build_loads,
    build_publication,
    build_rejected_records,
)
from transforms.periods.build import build_periods
from transforms.queries import sql
from warehouse.landing import ChosenLoad

VIEWS = ("trends.all_periods",)
_BY_SUBJECT = " ORDER BY subject_kind, subject_id, anchor_at_utc, case_id"
"""How cases are published: who asks for one subject's then reads a small part of the file."""
NEVER_PUBLISHED = (
    "core.survey_ratings",
    "core.feature_eligibility",
    "core.account_activity",
    "core.feature_use",
)
"""Who gave which answer is nobody else's, the operator's neither; customers' accounts are nobody's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildSettings:
    """What the tables depend on besides loads, journals and definitions.

    ``record_types`` are those of every source today, which loads of earlier versions lack some of.
    ``persons_from`` begins the first quarter with figures about persons; None: there are none.
    """

    core: CoreSettings
    record_types: Mapping[str, Sequence[type[Any]]]
    organization: str
    code_version: str
    configuration_hash: str
    persons_from: date | None = date.min


def build_core_tables(
    connection: duckdb.DuckDBPyConnection,
    loads: Sequence[ChosenLoad],
    journal: Sequence[Mapping[str, Any]],
    settings: BuildSettings,
    causes: Sequence[Mapping[str, Any]] = (),
) -> list[dict[str, Any]]:
    """``landing``, ``core`` and the ledger, from loads. Gives the new entries for the identity journal.

    ``causes`` are the entries of the journal of settled causes.
    """
    sources = load_landing(connection, loads, settings.record_types)
    new = _identities(connection, loads, sources, journal, settings, causes=causes)
    build_core(connection, conform_sources(sources, settings.core), settings.core)
    note_unsettled(connection, settings.core, sources)
    _build_ledger(connection, loads, sources, settings)
    return new


def renew_core_tables(
    connection: duckdb.DuckDBPyConnection,
    loads: Sequence[ChosenLoad],
    journal: Sequence[Mapping[str, Any]],
    settings: BuildSettings,
    *,
    n_known: int,
    causes: Sequence[Mapping[str, Any]] = (),
) -> list[dict[str, Any]]:
    """The same, in a database that was built from the first ``n_known`` of these loads.

    Raises BuildAnewError where pull requests alone cannot tell it; the database is of no use then.
    """
    for schema in ("ops", "trends", "catalog"):
        connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
    sources = renew_landing(connection, loads, n_known)
    connection.execute("DROP TABLE core.identities")
    new = _identities(connection, loads, sources, journal, settings, causes=causes)
    renew_core(connection, conform_sources(sources, settings.core), settings.core, sources)
    _build_ledger(connection, loads, sources, settings)
    return new


def _identities(
    connection: duckdb.DuckDBPyConnection,
    loads: Sequence[ChosenLoad],
    sources: Sequence[str],
    journal: Sequence[Mapping[str, Any]],
    settings: BuildSettings,
    *,
    causes: Sequence[Mapping[str, Any]],
) -> list[dict[str, Any]]:
    """What core needs besides landing: the days of the organisation's files, and whose account is whose."""
    connection.execute("CREATE SCHEMA ops")
    reporting_days(connection, _roster_dates(connection, sources), settings.core.reporting_timezone)
    horizon = max([settings.core.as_of_utc, *(load.manifest.known_at_utc for load in loads)])
    build_handles(connection, sources)
    new: list[dict[str, Any]] = []
    if "organization" in sources:
        merge_people(connection, replay(journal, horizon))
        new = bindings_at_first_sight(connection, journal, horizon)
    load_identities(connection, [*journal, *new], horizon, settings.core.reporting_timezone)
    load_settled(connection, causes, settings.core.as_of_utc)
    return new


def _build_ledger(
    connection: duckdb.DuckDBPyConnection,
    loads: Sequence[ChosenLoad],
    sources: Sequence[str],
    settings: BuildSettings,
) -> None:
    connection.execute(
        "DELETE FROM core.goals WHERE owner_kind = 'person' AND start_date < $persons_from",
        {"persons_from": settings.persons_from or date.max},
    )
    build_loads(connection, loads)
    build_rejected_records(connection, sources)
    build_completeness(connection, sources, settings.core.as_of_utc)
    build_coverage(connection, sources)


def build_fact_tables(
    connection: duckdb.DuckDBPyConnection, catalogue: Mapping[str, Metric], settings: BuildSettings
) -> None:
    """``facts``, from core. Where core was renewed, of the touched pull requests only, as far as that goes.

    Where persons are or were off, cases are changed once their cells are computed, so they are made anew
    every night.
    """
    gaps = _gaps(connection, catalogue)
    as_of_utc = settings.core.as_of_utc.replace(tzinfo=None)
    renewed: list[Metric] = []
    if settings.persons_from == date.min and touched_pull_requests(connection) is not None:
        renewed = [
            metric
            for metric in catalogue.values()
            if metric.by_pull_request and not metric.is_read_from_core and metric.id not in gaps
        ]
        with touched_core(connection, settings.core.reporting_timezone):
            build_facts(connection, renewed, as_of_utc=as_of_utc, goals_agreed=False)
        for metric in renewed:
            swap_facts(connection, metric.id)
    anew = [metric for metric in catalogue.values() if metric not in renewed]
    for metric in anew:
        drop_cases(connection, metric.id)
    build_facts(
        connection,
        anew,
        as_of_utc=as_of_utc,
        persons_from=settings.persons_from,
        gaps=gaps,
        goals_agreed=False,
    )
    note_open_cases(connection, catalogue.values())


def build_trend_tables(
    connection: duckdb.DuckDBPyConnection, catalogue: Mapping[str, Metric], settings: BuildSettings
) -> None:
    """``trends`` and ``catalog``, from facts and the ledger."""
    build_periods(
        connection,
        list(catalogue.values()),
        as_of_utc=settings.core.as_of_utc,
        reporting_timezone=settings.core.reporting_timezone,
    )
    build_changes(
        connection,
        list(catalogue.values()),
        as_of_utc=settings.core.as_of_utc,
        reporting_timezone=settings.core.reporting_timezone,
    )
    roster = connection.execute("SELECT 1 FROM ops.loads WHERE source = 'organization'").fetchall()
    build_hiring_groups(connection, catalogue.values(), has_roster=bool(roster))
    build_goals(connection, catalogue, settings.core.as_of_utc.replace(tzinfo=None))
    if settings.persons_from != date.min:
        forget_persons(connection, catalogue.values(), settings.persons_from)
    described = (*published_tables(catalogue), *VIEWS)
    build_catalog(connection, catalogue, _gaps(connection, catalogue), described=described)
    build_publication(
        connection,
        Publication(
            as_of_utc=settings.core.as_of_utc,
            reporting_timezone=settings.core.reporting_timezone,
            organization=settings.organization,
            code_version=settings.code_version,
            configuration_hash=settings.configuration_hash,
            definitions_hash=definitions_hash(catalogue),
            persons_from=settings.persons_from,
        ),
    )


def published_tables(catalogue: Mapping[str, Metric]) -> list[str]:
    """Every table of the published database, by name; views are not among them."""
    plain = [name for name in tables() if name != FACTS and name not in (*VIEWS, *NEVER_PUBLISHED)]
    return plain + [f"facts.{metric_id}" for metric_id in catalogue]


def full_selects(catalogue: Mapping[str, Metric]) -> dict[str, str]:
    """The full file: every published table as it is, of the cases those that may be read one by one."""
    cases = {f"facts.{metric.id}": f"{published_cases(metric)}{_BY_SUBJECT}" for metric in catalogue.values()}
    return {name: f"FROM {name}" for name in published_tables(catalogue)} | cases


def analyst_selects(catalogue: Mapping[str, Metric]) -> dict[str, str]:
    """The analysts' file: disclosed team, service and feature cells and changes; service metrics' cases.

    No person and no pseudonym is in it: not as a subject, not as a contributor.
    """
    chosen = {
        "trends.periods": "SELECT * FROM trends.periods WHERE subject_kind <> 'person' AND disclosed",
        "trends.changes": "SELECT * FROM trends.changes WHERE subject_kind <> 'person' AND disclosed",
        "trends.person_periods": "SELECT * FROM trends.person_periods WHERE false",
        **{
            name: f"FROM {name}"
            for name in (
                "trends.period_states ops.publication ops.loads ops.completeness ops.checks catalog.metrics"
            ).split()
        },
    }
    for metric in catalogue.values():
        if metric.team == "own_cases":
            chosen[f"facts.{metric.id}"] = (
                "SELECT * REPLACE (NULL::VARCHAR AS contributor_id) "
                f"FROM ({published_cases(metric)}) WHERE subject_kind <> 'person'{_BY_SUBJECT}"
            )
    there = ", ".join(f"'{name}'" for name in (*chosen, "catalog.columns", *VIEWS))
    return chosen | {"catalog.columns": f"FROM catalog.columns WHERE table_name IN ({there})"}


def view_selects() -> dict[str, str]:
    """The views of both files."""
    return {"trends.all_periods": sql("periods/all_periods.sql")}


def comments(catalogue: Mapping[str, Metric]) -> list[str]:
    """The statements that put every table's and column's meaning into the database."""
    found = [text for name in published_tables(catalogue) for text in comment_statements(name)]
    return found + [text for name in VIEWS for text in comment_statements(name, kind="VIEW")]


def _gaps(connection: duckdb.DuckDBPyConnection, catalogue: Mapping[str, Metric]) -> dict[str, str]:
    """The metrics that lack an input, with what is missing in words, by the sources of the loads."""
    sources = connection.execute("SELECT DISTINCT source FROM ops.loads ORDER BY source").fetchall()
    asked = {
        name
        for metric in catalogue.values()
        for needed in metric.inputs
        if needed.seen
        for name in needed.any_of
    }
    empty = {
        name for name in asked if connection.execute(f"SELECT count(*) FROM core.{name}").fetchall() == [(0,)]
    }
    return source_gaps(catalogue, [source for (source,) in sources], empty=empty)


def _roster_dates(connection: duckdb.DuckDBPyConnection, sources: Sequence[str]) -> list[date]:
    if "organization" not in sources:
        return []
    rows = connection.execute(
        "SELECT unnest([valid_from, valid_to]) FROM landing.organization__people "
        "UNION SELECT unnest([valid_from, valid_to]) FROM landing.organization__services "
        "UNION SELECT unnest([start_date, end_date + 1]) FROM landing.organization__goals__versions "
        "UNION SELECT released FROM landing.organization__features "
        "UNION SELECT edited_on FROM landing.organization__feature_documents"
    ).fetchall()
    return [day for (day,) in rows if day is not None]
