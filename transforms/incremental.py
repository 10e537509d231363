"""Only the pull requests that may have changed, in place of all: the same tables in less time.

Here: what a kept database was built from, which of its pull requests are looked at again, and putting their
rows in the place of the old ones.
Not here: any SELECT of core or of facts. The same ones run, in a database beside the kept one that holds the
rows of those pull requests alone and everything else as a view: what decides a number is written once.

Looked at again is every pull request that a new load brought, that is open, that has a row later than the
as-of of last time, or a case whose outcome is open. Whatever else can change one (a roster row, a calendar
day, whose account is whose, a repository's name, a definition, a setting, the code) means that everything is
built anew, and so does a night that goes back. Tables that are not of pull requests are built anew always.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import duckdb

from metrics_catalog.catalogue import Metric
from transforms.core.build import (
    DERIVED,
    ENTITIES,
    Conform,
    CoreSettings,
    build_clock_tables,
    build_derived,
    build_entity,
)
from transforms.core.streams import (
    PREPARED,
    STREAMS,
    Stream,
    append_landing,
    make_newest,
    prepare,
    register_loads,
)
from transforms.local_time import set_reporting_zone
from warehouse.landing import ChosenLoad

KEYS: Mapping[str, str] = {
    "pull_requests": "pr_id",
    "pr_events": "pr_id",
    "reviews": "pr_id",
    "reactions": "target_id",
    "thread_comments": "comment_id",
    "review_threads": "pr_id",
    "pull_request_states": "pr_id",
    "review_requests": "pr_id",
    "approvals": "pr_id",
    "comment_labels": "target_id",
    "thread_fates": "pr_id",
    "review_pairs": "pr_id",
}
"""The ``core`` tables whose rows each come of one pull request, and the column that tells of which: it holds
the id of the pull request, or that of one of its children."""

SHARED = ("repositories", "accounts", "people", "roster", "memberships", "calendar", "services")
"""The other ``core`` tables that a row of KEYS, or a case of a pull request, may be made with."""

CLOCKS = ("working_clock", "working_stretches", "months")
"""These only grow, at the end that no settled pull request reaches."""

MOST = 0.5
"""A larger share of pull requests than this is not worth picking out."""

_MUST_BE_EQUAL: Mapping[str, str] = {
    "core.roster": "roster or its teams",
    "core.memberships": "roster or its teams",
    "core.calendar": "calendar",
    "core.services": "services",
}
_MUST_HOLD: Mapping[str, tuple[str, str]] = {
    "core.repositories": ("repository_id, name_with_owner", "name of a repository"),
    "core.accounts": ("account_id, person_id, is_bot", "person an account belongs to"),
    "core.people": ("person_id, is_bot, is_rostered", "person an account belongs to"),
    "main.identities": ("account_id, person_id, from_utc, to_utc", "person an account belongs to"),
}
_LANDED_MUST_HOLD: Mapping[str, tuple[str, str]] = {
    "github__default_branches": (
        "repository_id, default_branch, before_utc",
        "default branch of a repository",
    ),
    "github__known_names": ("name, repository_id, repositories", "name of a repository"),
    "github__name_holders": ("name, repository_id, until_utc", "name of a repository"),
}


_OTHER_TEAMS = """
SELECT 1 FROM (
    (FROM was_teams EXCEPT SELECT team_id FROM core.followups)
    UNION ALL (SELECT team_id FROM core.followups EXCEPT FROM was_teams)
)
LIMIT 1
"""
"""A team is one if the roster, a service or a follow-up names it: a case of a team needs that (``facts``)."""


class BuildAnewError(Exception):
    """The kept database cannot be brought up to date by pull requests alone; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltFrom:
    """What a kept database was built from. ``decides``: a hash of everything besides loads and journals."""

    decides: str
    as_of_utc: datetime
    load_ids: tuple[str, ...]


def remember(connection: duckdb.DuckDBPyConnection, built: BuiltFrom) -> None:
    """Say what the database was built from, as the last thing: so no half is taken for a whole."""
    connection.execute("DROP TABLE IF EXISTS touched")
    connection.execute(
        "CREATE OR REPLACE TABLE built_from AS "
        "SELECT $decides AS decides, $as_of AS as_of_utc, $ids AS load_ids",
        {"decides": built.decides, "as_of": built.as_of_utc.isoformat(), "ids": list(built.load_ids)},
    )


def loads_known(connection: duckdb.DuckDBPyConnection, wanted: BuiltFrom) -> int:
    """Of how many of the wanted loads, the first ones, a kept database was built. From here on it is in work.

    What it was built from is taken out of it first: a build that ends early leaves a database that the next
    one does not trust. Raises BuildAnewError where it is no ground to build on.
    """
    if not _exists(connection, "main", "built_from"):
        raise BuildAnewError("the last build did not come to its end")
    ((decides, as_of, load_ids),) = connection.execute("FROM built_from").fetchall()
    connection.execute("DROP TABLE built_from")
    if decides != wanted.decides:
        raise BuildAnewError("settings, definitions or the program have changed")
    if datetime.fromisoformat(as_of) > wanted.as_of_utc:
        raise BuildAnewError("it goes back in time")
    if list(wanted.load_ids[: len(load_ids)]) != load_ids:
        raise BuildAnewError("the loads before are others")
    return len(load_ids)


# ------------------------------------------------------------------------------------- core


def renew_landing(
    connection: duckdb.DuckDBPyConnection, loads: Sequence[ChosenLoad], n_known: int
) -> list[str]:
    """Add the loads after the first ``n_known`` to ``landing``, and fill ``touched``. Gives the sources.

    ``touched(id)`` holds the pull requests to look at again and all their children, old and new.
    Raises BuildAnewError where a source is new or most pull requests are touched.
    """
    known_sources = {load.manifest.source for load in loads[:n_known]}
    sources = sorted({load.manifest.source for load in loads})
    if known_sources != set(sources):
        raise BuildAnewError("a source is new")
    _keep_what_was(connection)
    register_loads(connection, loads)
    append_landing(connection, loads, n_known)
    brought = " UNION ALL ".join(
        f"SELECT {parent} AS id FROM landing.{name}__versions WHERE _load > {n_known}"
        for name, parent in (
            *((name, parent) for name, _, parent in _streams(sources)),
            *_removals(sources),
        )
    )
    connection.execute(
        f"CREATE TABLE touched AS SELECT DISTINCT id FROM ({brought} UNION ALL SELECT id FROM unsettled)"
    )
    _give_up_if_most(connection, sources)
    kept = _kept(connection)
    _open_beside(connection)
    _show(connection, *(f"landing.{name}__versions" for name, _ in _removals(sources)))
    for name, kind, parent in _streams(sources):
        connection.execute(
            f"CREATE TABLE beside.landing.{name}__versions AS "
            f"SELECT * FROM landing.{name}__versions WHERE {parent} IN (FROM touched)"
        )
        with _beside(connection):
            make_newest(connection, name, kind)
        for catalog in (kept, "beside"):
            connection.execute(
                f"INSERT INTO touched SELECT {kind.key} FROM {catalog}.landing.{name} "
                f"WHERE {parent} IN (FROM touched)"
            )
        _swap(connection, f"landing.{name}", parent)
    of_pull_requests = {name for name, _, _ in _streams(sources)}
    for source in sources:
        for stream, kind in STREAMS[source].items():
            name = f"{source}__{stream}"
            if name not in of_pull_requests:
                connection.execute(f"DROP TABLE landing.{name}")
                make_newest(connection, name, kind, loads)
                _show(connection, f"landing.{name}")
                if (name, kind.key) not in _removals(sources):
                    _show(connection, f"landing.{name}__versions")
        prepare(connection, source)
        _show(connection, *(f"landing.{source}__{name}" for name in PREPARED.get(source, ())))
    return sources


def renew_core(
    connection: duckdb.DuckDBPyConnection, conform: Conform, settings: CoreSettings, sources: Sequence[str]
) -> None:
    """Bring every ``core`` table up to date, after ``renew_landing``. Raises BuildAnewError."""
    with _beside(connection):
        set_reporting_zone(connection, settings.reporting_timezone)
    _show(connection, "main.identities")
    is_compared = False
    for entity in ENTITIES:
        if entity not in KEYS:
            connection.execute(f"DROP TABLE core.{entity}")
            build_entity(connection, entity, conform, settings)
            _show(connection, f"core.{entity}")
            continue
        if not is_compared:
            _compare(connection, sources)
            is_compared = True
        with _beside(connection):
            build_entity(connection, entity, conform, settings)
        _swap(connection, f"core.{entity}", KEYS[entity])
    connection.execute("DROP TABLE core.months")
    build_clock_tables(connection, settings)
    _show(connection, "core.months")
    for name in DERIVED:
        if name in KEYS:
            with _beside(connection):
                build_derived(connection, name, settings)
            _swap(connection, f"core.{name}", KEYS[name])
        else:
            connection.execute(f"DROP TABLE core.{name}")
            build_derived(connection, name, settings)
            _show(connection, f"core.{name}")
    connection.execute("DROP SCHEMA IF EXISTS conformed CASCADE")
    if connection.execute(_OTHER_TEAMS).fetchall():
        raise BuildAnewError("changed: teams that follow-ups name")
    with _beside(connection):
        found = connection.execute(_unsettled(connection, sources), _later(settings)).fetchall()
    connection.execute("CREATE OR REPLACE TABLE unsettled (id VARCHAR)")
    connection.execute("INSERT INTO unsettled SELECT unnest($ids)", {"ids": [row[0] for row in found]})


def note_unsettled(
    connection: duckdb.DuckDBPyConnection, settings: CoreSettings, sources: Sequence[str]
) -> None:
    """The table ``unsettled(id)`` of a database built anew: what the next night looks at again anyway."""
    select = _unsettled(connection, sources)
    connection.execute(f"CREATE OR REPLACE TABLE unsettled AS {select}", _later(settings))


def note_open_cases(connection: duckdb.DuckDBPyConnection, metrics: Iterable[Metric]) -> None:
    """Add to ``unsettled`` the pull requests with a case whose outcome is open."""
    for metric in metrics:
        if metric.by_pull_request:
            connection.execute(
                f"INSERT INTO unsettled SELECT DISTINCT pr_id FROM cases.{metric.id} "
                "WHERE list_contains($pending, outcome)",
                {"pending": list(metric.outcomes.get("pending", ()))},
            )


def touched_pull_requests(connection: duckdb.DuckDBPyConnection) -> int | None:
    """How many pull requests were looked at again; None in a database that was built in full."""
    if not _exists(connection, "main", "touched"):
        return None
    ((n,),) = connection.execute(
        "SELECT count(*) FROM core.pull_requests WHERE pr_id IN (FROM touched)"
    ).fetchall()
    return int(n)


# ------------------------------------------------------------------------------------- facts


@contextmanager
def touched_core(connection: duckdb.DuckDBPyConnection, zone: str) -> Iterator[None]:
    """Within it, ``core`` holds the touched pull requests alone, and all that is not of pull requests."""
    _open_beside(connection)
    for name in KEYS:
        connection.execute(
            f"CREATE TABLE beside.core.{name} AS "
            f"SELECT * FROM core.{name} WHERE {KEYS[name]} IN (FROM touched)"
        )
    _show(connection, *(f"core.{name}" for name in (*ENTITIES, *CLOCKS) if name not in KEYS))
    with _beside(connection):
        set_reporting_zone(connection, zone)
        yield


def swap_facts(connection: duckdb.DuckDBPyConnection, metric_id: str) -> None:
    """Put the cases of touched pull requests in the place of their old ones."""
    _swap(connection, f"cases.{metric_id}", "pr_id")


# ------------------------------------------------------------------------------------- the rows beside


def _streams(sources: Sequence[str]) -> list[tuple[str, Stream, str]]:
    """The landing streams of pull requests: name, kind, and the column of the pull request's id."""
    return [
        (f"{source}__{stream}", kind, str(kind.parent or kind.key))
        for source in sources
        for stream, kind in STREAMS[source].items()
        if stream == "pull_requests" or kind.snapshot_of == "pull_requests"
    ]


def _removals(sources: Sequence[str]) -> list[tuple[str, str]]:
    """The streams that say which pull requests are no longer there, and the column of the id."""
    return [
        (f"{source}__{kind.removed_by}", str(kind.key))
        for source in sources
        for stream, kind in STREAMS[source].items()
        if stream == "pull_requests" and kind.removed_by is not None
    ]


def _kept(connection: duckdb.DuckDBPyConnection) -> str:
    ((name,),) = connection.execute("SELECT current_database()").fetchall()
    return f'"{name}"'


def _open_beside(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("DETACH DATABASE IF EXISTS beside")
    connection.execute("ATTACH ':memory:' AS beside")
    for schema in ("landing", "conformed", "core"):
        connection.execute(f"CREATE SCHEMA beside.{schema}")


@contextmanager
def _beside(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Within it, names mean the tables of the database beside the kept one."""
    kept = _kept(connection)
    connection.execute("USE beside")
    try:
        yield
    finally:
        connection.execute(f"USE {kept}")


def _show(connection: duckdb.DuckDBPyConnection, *tables: str) -> None:
    """Make whole tables of the kept database visible beside it."""
    for table in tables:
        connection.execute(f"CREATE VIEW beside.{table} AS FROM {_kept(connection)}.{table}")


def _swap(connection: duckdb.DuckDBPyConnection, table: str, key: str) -> None:
    connection.execute(f"DELETE FROM {table} WHERE {key} IN (FROM touched)")
    connection.execute(f"INSERT INTO {table} BY NAME FROM beside.{table}")


def _exists(connection: duckdb.DuckDBPyConnection, schema: str, name: str) -> bool:
    found = connection.execute(
        "SELECT 1 FROM duckdb_tables() WHERE database_name = current_database() "
        "AND schema_name = $schema AND table_name = $name",
        {"schema": schema, "name": name},
    ).fetchall()
    return bool(found)


def _give_up_if_most(connection: duckdb.DuckDBPyConnection, sources: Sequence[str]) -> None:
    known = " UNION ALL ".join(
        f"SELECT count(*) AS n FROM landing.{name}"
        for name, kind, parent in _streams(sources)
        if parent == kind.key
    )
    ((touched, everything),) = connection.execute(
        "SELECT (SELECT count(*) FROM touched), "
        f"(SELECT coalesce(sum(n), 0) FROM ({known or 'SELECT 0 AS n'}))"
    ).fetchall()
    if touched > MOST * everything:
        raise BuildAnewError("most pull requests have changed")


# ------------------------------------------------------------------------------------- what must not change


def _keep_what_was(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE was_teams AS SELECT DISTINCT team_id FROM core.followups"
    )
    for table in _MUST_BE_EQUAL:
        connection.execute(f"CREATE OR REPLACE TEMP TABLE was_{_plain(table)} AS FROM {table}")
    for table, (columns, _) in _must_hold(connection):
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE was_{_plain(table)} AS SELECT {columns} FROM {table}"
        )


def _must_hold(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, tuple[str, str]]]:
    landed = [
        (f"landing.{name}", told)
        for name, told in _LANDED_MUST_HOLD.items()
        if _exists(connection, "landing", name)
    ]
    return [*_MUST_HOLD.items(), *landed]


def _compare(connection: duckdb.DuckDBPyConnection, sources: Sequence[str]) -> None:
    """Raises BuildAnewError where something has changed that pull requests nobody touched depend on."""
    for table, words in _MUST_BE_EQUAL.items():
        was = f"was_{_plain(table)}"
        differ = f"(FROM {was} EXCEPT ALL FROM {table}) UNION ALL (FROM {table} EXCEPT ALL FROM {was})"
        if connection.execute(f"{differ} LIMIT 1").fetchall():
            raise BuildAnewError(f"changed: {words}")
    for table, (columns, words) in _must_hold(connection):
        lost = f"FROM was_{_plain(table)} EXCEPT SELECT {columns} FROM {table} LIMIT 1"
        if connection.execute(lost).fetchall():
            raise BuildAnewError(f"changed: {words}")
    if _names_of_old_pull_requests(connection, sources):
        raise BuildAnewError("became known: what earlier pull requests name")


def _names_of_old_pull_requests(connection: duckdb.DuckDBPyConnection, sources: Sequence[str]) -> bool:
    """Whether a pull request nobody touched names an account or repository that is new in this night."""
    asked = [
        f"SELECT 1 FROM landing.{name} "
        f"WHERE {column} IN (FROM new_accounts) AND {parent} NOT IN (FROM touched)"
        for name, _, parent in _streams(sources)
        for column in _columns(connection, name, "%account_id")
    ]
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE new_accounts AS "
        "(SELECT account_id FROM core.accounts EXCEPT SELECT account_id FROM was_core_accounts) "
        "UNION (SELECT account_id FROM main.identities EXCEPT SELECT account_id FROM was_main_identities)"
    )
    if _exists(connection, "landing", "github__known_names"):
        connection.execute(
            "CREATE OR REPLACE TEMP TABLE new_names AS SELECT name, repository_id "
            "FROM landing.github__known_names "
            "WHERE name NOT IN (SELECT name FROM was_landing_github__known_names)"
        )
        asked.append(
            "SELECT 1 FROM landing.github__pull_requests WHERE pull_request_id NOT IN (FROM touched) AND ("
            "repository_id IN (SELECT repository_id FROM new_names) "
            "OR lower(split_part(reverts_ref, '#', 1)) IN (SELECT name FROM new_names) "
            "OR list_has_any(list_transform(fixes_refs, lambda ref: lower(split_part(ref, '#', 1))), "
            "(SELECT coalesce(list(name), []) FROM new_names)))"
        )
        asked.append(
            "SELECT 1 FROM landing.github__default_branches AS now "
            "JOIN was_core_repositories AS was ON was.repository_id = now.repository_id "
            "WHERE NOT EXISTS (FROM was_landing_github__default_branches AS before "
            "WHERE before.repository_id = now.repository_id AND before.default_branch = now.default_branch "
            "AND before.before_utc IS NOT DISTINCT FROM now.before_utc)"
        )
    return bool(asked) and bool(connection.execute(f"{' UNION ALL '.join(asked)} LIMIT 1").fetchall())


def _plain(table: str) -> str:
    return table.replace(".", "_")


def _columns(connection: duckdb.DuckDBPyConnection, name: str, like: str, type_: str = "%") -> list[str]:
    """The columns of a landing table whose name and type are like that; none of the bookkeeping."""
    found = connection.execute(
        "SELECT column_name FROM duckdb_columns() WHERE database_name = current_database() "
        "AND schema_name = 'landing' AND table_name = $name AND column_name LIKE $like "
        "AND data_type LIKE $type AND NOT starts_with(column_name, '_') ORDER BY column_index",
        {"name": name, "like": like, "type": type_},
    ).fetchall()
    return [column for (column,) in found]


def _later(settings: CoreSettings) -> dict[str, object]:
    return {"as_of_utc": settings.as_of_utc}


def _unsettled(connection: duckdb.DuckDBPyConnection, sources: Sequence[str]) -> str:
    """The SELECT of pull requests that are open at the as-of, or have something later than it."""
    later = [
        f"SELECT {parent} FROM landing.{name} WHERE "
        + " OR ".join(f"{column} > $as_of_utc" for column in columns)
        for name, _, parent in _streams(sources)
        if (columns := _columns(connection, name, "%", "TIMESTAMP%"))
    ]
    open_ = "SELECT pr_id AS id FROM core.pull_requests WHERE least(merged_at_utc, closed_at_utc) IS NULL"
    everything = " UNION ALL ".join([open_, *later])
    return f"SELECT DISTINCT id FROM ({everything}) WHERE $as_of_utc IS NOT NULL"
