"""The published files, moved into place in one rename.

Here: writing the full file and the analysts' file from the working database, and the flip.
Not here: what is in the tables (transforms), or whether they may be published (pipelines).

    published/evenhand.duckdb          -> current/evenhand.duckdb
    published/evenhand-analyst.duckdb  -> current/evenhand-analyst.duckdb
    published/current                  -> snapshots/<name>

Both names are links into ``current``, and ``current`` is the one thing that is renamed: the two files always
belong together, and whoever has the old ones open keeps them. The storage version is one that DuckDB 1.5
reads, because analysts' tools lag.
"""

import os
import shutil
from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path

import duckdb

from warehouse.storage import FOR_ANALYSTS, make_folder

FULL = "evenhand.duckdb"
ANALYST = "evenhand-analyst.duckdb"
STORAGE_VERSION = "v1.5.0"
KEPT_SNAPSHOTS = 2
"""The current one, and the one before it for whoever has it open."""


def publish(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    *,
    name: str,
    full: Mapping[str, str],
    analyst: Mapping[str, str],
    views: Mapping[str, str],
    comments: Sequence[str],
    kept: int = KEPT_SNAPSHOTS,
) -> Path:
    """Write both files as a new snapshot and make it the current one. Gives the snapshot's folder.

    ``name`` begins the folder's name; a number follows, so that no snapshot is ever written over: killed at
    any moment, the current one is whole.

    ``full`` and ``analyst`` map a table to the SELECT that fills it; ``views`` (of both files) map a name to
    its SELECT; ``comments`` are applied where their table exists. Killed before the flip, the last
    publication stays. Of all snapshots the newest ``kept`` are left.
    """
    snapshots = folder / "snapshots"
    make_folder(folder, FOR_ANALYSTS)
    make_folder(snapshots, FOR_ANALYSTS)
    target = next(path for number in count(1) if not (path := snapshots / f"{name}-{number:03d}").exists())
    for killed in snapshots.glob(".*.part"):
        shutil.rmtree(killed)
    draft = snapshots / f".{name}.part"
    draft.mkdir()
    draft.chmod(draft.stat().st_mode | FOR_ANALYSTS)  # what it has besides, such as setgid, is inherited
    _write(connection, draft / FULL, full, views, comments, mode=0o600)
    _write(connection, draft / ANALYST, analyst, views, comments, mode=0o640)
    draft.rename(target)
    _link(folder / FULL, Path("current") / FULL)
    _link(folder / ANALYST, Path("current") / ANALYST)
    _link(folder / "current", Path("snapshots") / target.name)
    _remove_older(snapshots, current=target.name, kept=kept)
    return target


def _write(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    tables: Mapping[str, str],
    views: Mapping[str, str],
    comments: Sequence[str],
    *,
    mode: int,
) -> None:
    quoted = str(path).replace("'", "''")
    connection.execute(f"ATTACH '{quoted}' AS out (STORAGE_VERSION '{STORAGE_VERSION}')")
    try:
        for schema in sorted({table.split(".")[0] for table in (*tables, *views)}):
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS out.{schema}")
        for table, select in tables.items():
            connection.execute(f"CREATE TABLE out.{table} AS {select}")
    finally:
        connection.execute("DETACH out")
    # Views and comments name tables without their database, so they are made in the file itself.
    with duckdb.connect(str(path)) as own:
        own.execute("SET TimeZone = 'UTC'")
        known = {*tables, *views}
        own.execute("BEGIN")  # each would reach the disk by itself, and there are thousands
        for view, select in views.items():
            own.execute(f"CREATE VIEW {view} AS {select}")
        for comment in comments:
            if _commented(comment) in known:
                own.execute(comment)
        own.execute("COMMIT")
        own.execute("CHECKPOINT")
    os.chmod(path, mode)
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _commented(statement: str) -> str:
    """The table of a ``COMMENT ON`` statement."""
    words = statement.split(" ", 4)
    return words[3].split('."')[0]


def _link(path: Path, target: Path) -> None:
    """Point a link at a target, in one rename; leave it if it already does."""
    if path.is_symlink() and Path(os.readlink(path)) == target:
        return
    draft = path.with_name(f".{path.name}.part")
    draft.unlink(missing_ok=True)
    draft.symlink_to(target)
    os.replace(draft, path)


def _remove_older(snapshots: Path, *, current: str, kept: int) -> None:
    """Remove all but the newest snapshots; a reader that has one open keeps it until it closes."""
    others = sorted(
        (entry for entry in snapshots.iterdir() if entry.name != current and not entry.name.startswith(".")),
        key=lambda entry: entry.stat().st_mtime,
        reverse=True,
    )
    for entry in others[kept - 1 :]:
        shutil.rmtree(entry, ignore_errors=True)
