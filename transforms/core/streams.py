"""Which rows of the landing files are the newest, stream by stream.

Here: how each stream's newest version is told, and the ``landing`` tables made of it.
Not here: what the rows mean (the SELECTs beside this file).

A pull request and its children are one snapshot: of a child, only the rows that came with the newest
snapshot of its parent count, so a deleted comment disappears by itself and stays in the past it belonged to.
A parent that was removed is not there, and nothing below it, as of every load from the removal on.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import polars as pl

from transforms.queries import sql
from warehouse.landing import (
    BOOKKEEPING,
    REJECTED,
    REJECTED_TYPES,
    ChosenLoad,
    LandingError,
    Manifest,
    parquet_types,
)
from warehouse.packs import naming_damage, rows_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """How to find the newest rows of a stream.

    ``key``: one row per key is kept, the newest. ``snapshot_of``: rows count only where they came with the
    newest row of that stream that has the same value in ``parent``. ``removed_by``: rows of that stream with
    the same key say that what came before them is no longer there. ``whole``: all rows of the newest load in
    which the scope of that name was read.
    """

    key: str | None = None
    snapshot_of: str | None = None
    parent: str | None = None
    removed_by: str | None = None
    whole: bool = False


STREAMS: Mapping[str, Mapping[str, Stream]] = {
    "github": {
        "repositories": Stream(key="repository_id"),
        "accounts": Stream(key="account_id"),
        "removals": Stream(key="pull_request_id"),
        "pull_requests": Stream(key="pull_request_id", removed_by="removals"),
        "pull_request_events": Stream(key="event_id", snapshot_of="pull_requests", parent="pull_request_id"),
        "reviews": Stream(key="review_id", snapshot_of="pull_requests", parent="pull_request_id"),
        "review_threads": Stream(key="thread_id", snapshot_of="pull_requests", parent="pull_request_id"),
        "deployments": Stream(key="deployment_id"),
        "expected_deployments": Stream(key="count_id"),
        "expected_counts": Stream(key="count_id"),
        "account_identities": Stream(key="answer_id"),
        "identity_access": Stream(key="access_id"),
        "review_comments": Stream(key="comment_id", snapshot_of="pull_requests", parent="pull_request_id"),
        "reactions": Stream(key="reaction_id", snapshot_of="pull_requests", parent="pull_request_id"),
    },
    "jira": {
        "projects": Stream(key="project_id"),
        "statuses": Stream(key="status_id"),
        "accounts": Stream(key="account_id"),
        "removals": Stream(key="ticket_id"),
        "tickets": Stream(key="ticket_id", removed_by="removals"),
        "ticket_changes": Stream(key="change_id", snapshot_of="tickets", parent="ticket_id"),
        "ticket_links": Stream(key="link_id, ticket_id", snapshot_of="tickets", parent="ticket_id"),
        "ticket_references": Stream(key="ticket_id, names", snapshot_of="tickets", parent="ticket_id"),
        "sprints": Stream(key="sprint_id"),
        "expected_counts": Stream(key="count_id"),
    },
    "pagerduty": {
        "accounts": Stream(key="account_id"),
        "services": Stream(key="service_id"),
        "teams": Stream(key="team_id"),
        "escalation_targets": Stream(key="target_id"),
        "priorities": Stream(key="priority_id"),
        "schedule_months": Stream(key="schedule_month_id"),
        "schedule_entries": Stream(key="entry_id", snapshot_of="schedule_months", parent="schedule_month_id"),
        "standing_on_calls": Stream(key="standing_id"),
        "incidents": Stream(key="incident_id"),
        "log_entries": Stream(key="entry_id"),
        "note_references": Stream(key="reference_id"),
        "expected_counts": Stream(key="count_id"),
    },
    "incidents": {
        "deployments": Stream(whole=True),
        "incidents": Stream(whole=True),
        "log": Stream(whole=True),
        "shifts": Stream(whole=True),
    },
    "organization": {
        "people": Stream(whole=True),
        "calendar": Stream(whole=True),
        "services": Stream(whole=True),
        "annotations": Stream(whole=True),
        "goals": Stream(whole=True),
        "survey": Stream(whole=True),
        **{
            name: Stream(whole=True)
            for name in (
                *("features", "feature_documents", "feature_eligibility", "feature_use"),
                *("account_activity", "measurements"),
            )
        },
    },
}

PREPARED: Mapping[str, Sequence[str]] = {"github": ("known_names", "name_holders", "default_branches")}
"""What many rows of a source have in common, told from all of them once (``landed/<source>__<name>.sql``)."""

Only = Mapping[str, Sequence[str]]
"""Streams by name, with the columns that are wanted of each, its key among them; the others stay null."""

_WITHOUT_ROWS = """
CREATE TABLE landing.{name}__versions AS
SELECT *, NULL::VARCHAR AS _load_id, NULL::BIGINT AS _load, NULL::BIGINT AS _place FROM without_rows
"""
_VERSIONS = """
INSERT INTO landing.{name}__versions BY NAME
SELECT {columns}, loads.ordinal AS _load
FROM ({rows}) AS found JOIN loads ON loads.load_id = found._load_id
WHERE loads.ordinal > $n_known
"""
_NEWEST = """
CREATE TABLE landing.{name} AS
SELECT * EXCLUDE (newest) FROM (
    SELECT *, row_number() OVER (PARTITION BY {key} ORDER BY _load DESC, _page DESC, _place DESC) AS newest
    FROM landing.{name}__versions AS versions
    {where}
) WHERE newest = 1
"""
_OF_SNAPSHOT = """
WHERE EXISTS (
    FROM landing.{parents} AS parents
    WHERE parents.{parent} = versions.{parent} AND parents._load = versions._load
        AND parents._page = versions._page
)
"""
_NOT_REMOVED = """
WHERE NOT EXISTS (
    FROM landing.{removals}__versions AS removals
    WHERE removals.{key} = versions.{key}
        AND (removals._load, removals._page) > (versions._load, versions._page)
)
"""
_WHOLE = """
CREATE TABLE landing.{name} AS
SELECT * FROM landing.{name}__versions WHERE _load = $newest
"""
_CHANGED = """
SELECT _load_id AS load_id, '{source}' AS source, '{stream}' AS stream, any_value(_scope) AS scope,
    {key} AS ref, NULL AS field, 'changed_within_load' AS problem,
    'came more than once in one load, with different content; the last one was kept' AS message,
    false AS is_lost
FROM (
    SELECT _load_id, _scope, {key}, hash({content}) AS content FROM landing.{name}__versions AS versions
)
GROUP BY _load_id, {key}
HAVING count(DISTINCT content) > 1
"""


def changed_within_load(connection: duckdb.DuckDBPyConnection, source: str, stream: str) -> str | None:
    """The SELECT of records that came more than once in one load with different content.

    None for streams that are taken whole, and for children: those come again with each snapshot of their
    parent, and the parent's own change is told.
    """
    kind = STREAMS[source][stream]
    if kind.key is None or kind.snapshot_of is not None:
        return None
    name = f"{source}__{stream}"
    columns = [
        row[0]
        for row in connection.execute(
            "SELECT column_name FROM duckdb_columns() WHERE database_name = current_database() "
            "AND schema_name = 'landing' AND table_name = $name AND NOT starts_with(column_name, '_') "
            "ORDER BY column_index",
            {"name": f"{name}__versions"},
        ).fetchall()
    ]
    return _CHANGED.format(source=source, stream=stream, name=name, key=kind.key, content=", ".join(columns))


def load_landing(
    connection: duckdb.DuckDBPyConnection,
    loads: Sequence[ChosenLoad],
    record_types: Mapping[str, Sequence[type[Any]]],
    *,
    only: Only | None = None,
) -> list[str]:
    """Make the ``landing`` tables of these loads, oldest first. Gives the sources that have any.

    ``record_types`` are those of every source today. Loads of earlier versions lack what was not read then:
    it has no row, or is null. ``only``: these streams alone, and what is PREPARED is not.
    """
    connection.execute("CREATE SCHEMA landing")
    register_loads(connection, loads)
    sources = sorted({load.manifest.source for load in loads})
    for source in sources:
        for name, columns in _columns(source, record_types[source]).items():
            connection.register("without_rows", pl.DataFrame(schema=columns))
            connection.execute(_WITHOUT_ROWS.format(name=name))
            connection.unregister("without_rows")
        append_landing(connection, [load for load in loads if load.manifest.source == source], 0, only=only)
        for stream, kind in STREAMS[source].items():
            if only is None or stream in only:
                make_newest(connection, f"{source}__{stream}", kind, loads)
        if only is None:
            prepare(connection, source)
    return sources


def append_landing(
    connection: duckdb.DuckDBPyConnection,
    loads: Sequence[ChosenLoad],
    n_known: int,
    *,
    only: Only | None = None,
) -> None:
    """Add the versions of the loads after the first ``n_known``, oldest first, to ``landing`` tables.

    Raises LandingError where a file is damaged or gone, or does not hold what its manifest says.
    """
    new = loads[n_known:]
    for source in sorted({load.manifest.source for load in new}):
        manifests = [load.manifest for load in new if load.manifest.source == source]
        for stream in (*STREAMS[source], REJECTED) if only is None else only:
            name = f"{source}__{stream}"
            columns = "found.*" if only is None else _some(only[stream])
            for rows, files in rows_of(manifests, stream):
                with naming_damage(files):
                    connection.execute(
                        _VERSIONS.format(name=name, columns=columns, rows=rows),
                        {"files": files, "n_known": n_known},
                    )
            _check_rows(connection, name, stream, manifests)


def _some(columns: Iterable[str]) -> str:
    """These columns, where the files have them, and what tells versions apart."""
    names = ", ".join(f"'{name}'" for name in (*columns, *BOOKKEEPING, "_load_id", "_place"))
    return f"COLUMNS(lambda name: name IN ({names}))"


def _check_rows(
    connection: duckdb.DuckDBPyConnection, name: str, stream: str, manifests: Sequence[Manifest]
) -> None:
    """Raises LandingError where there are not as many rows of a load as its manifest says."""
    found = dict(
        connection.execute(
            f"SELECT _load_id, count(*) FROM landing.{name}__versions GROUP BY _load_id"
        ).fetchall()
    )
    for manifest in manifests:
        wanted, there = manifest.rows.get(stream, 0), found.get(manifest.load_id, 0)
        if wanted != there:
            where = manifest.folder if manifest.pack is None else manifest.pack.folder
            raise LandingError(
                f"{where}: {wanted} rows of {stream} of {manifest.load_id} were wanted as its manifest says, "
                f"found {there}. Nothing was built, and what is published stays. Restore the folder from a "
                "backup; without one, move it away and run `evenhand run --full`: what the source still "
                "tells is read again."
            )


def _columns(source: str, record_types: Sequence[type[Any]]) -> dict[str, dict[str, Any]]:
    """The columns of a source's versions, by table."""
    types = {record.stream: parquet_types(record) for record in record_types}
    return {
        f"{source}__{stream}": columns | BOOKKEEPING
        for stream, columns in (types | {REJECTED: REJECTED_TYPES}).items()
    }


def register_loads(connection: duckdb.DuckDBPyConnection, loads: Sequence[ChosenLoad]) -> None:
    """The table ``loads``: each with its ordinal, which says what is newer, and what was read to its end."""
    frame = pl.DataFrame(
        {
            "load_id": [load.manifest.load_id for load in loads],
            "source": [load.manifest.source for load in loads],
            "folder": [str(load.manifest.folder) for load in loads],
            "ordinal": list(range(1, len(loads) + 1)),
            "whole_scopes": [
                [scope.scope for scope in load.manifest.scopes if scope.pages and scope.gap is None]
                for load in loads
            ],
        },
        schema={
            "load_id": pl.String,
            "source": pl.String,
            "folder": pl.String,
            "ordinal": pl.Int64,
            "whole_scopes": pl.List(pl.String),
        },
    )
    connection.register("loads_frame", frame)
    connection.execute("CREATE OR REPLACE TABLE loads AS SELECT * FROM loads_frame")
    connection.unregister("loads_frame")


def make_newest(
    connection: duckdb.DuckDBPyConnection, name: str, kind: Stream, loads: Sequence[ChosenLoad] = ()
) -> None:
    """The ``landing`` table of a stream, from its versions. ``loads`` are needed where it is taken whole."""
    if kind.whole:
        source, _, stream = name.partition("__")
        connection.execute(_WHOLE.format(name=name), {"newest": _newest_good(source, stream, loads)})
        return
    where = ""
    if kind.snapshot_of is not None:
        parents = f"{name.partition('__')[0]}__{kind.snapshot_of}"
        where = _OF_SNAPSHOT.format(parents=parents, parent=kind.parent)
    if kind.removed_by is not None:
        removals = f"{name.partition('__')[0]}__{kind.removed_by}"
        where = _NOT_REMOVED.format(removals=removals, key=kind.key)
    connection.execute(_NEWEST.format(name=name, key=kind.key, where=where))


def prepare(connection: duckdb.DuckDBPyConnection, source: str) -> None:
    """The tables of PREPARED, from the others of the source."""
    for name in PREPARED.get(source, ()):
        select = sql(f"core/landed/{source}__{name}.sql")
        connection.execute(f"CREATE OR REPLACE TABLE landing.{source}__{name} AS {select}")


def _newest_good(source: str, stream: str, loads: Sequence[ChosenLoad]) -> int:
    """The newest load in which this stream could be read: a bad file leaves the last good one in use."""
    good = [
        place
        for place, load in enumerate(loads, start=1)
        if load.manifest.source == source
        and not any(scope.scope == stream and scope.gap for scope in load.manifest.scopes)
    ]
    return max(good, default=0)
