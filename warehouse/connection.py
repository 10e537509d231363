"""Connections to DuckDB, all made alike.

Here: the settings every connection needs, for writing and for reading.
Not here: SQL (transforms).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

_OFFLINE = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
_READER = {"enable_external_access": "false", "lock_configuration": "true"}


class DatabaseBusyError(Exception):
    """Another process holds the file, it is not there, or it is no database that this version reads."""


@contextmanager
def connect(path: Path | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """A writing connection to a file, or to memory; closed at the end. Its zone is UTC.

    One process holds a DuckDB file. Raises DatabaseBusyError when another one does.
    """
    connection = _open(":memory:" if path is None else str(path), read_only=False)
    try:
        connection.execute("SET TimeZone = 'UTC'")
        # DuckDB compares every pair of an ASOF join whose left side it takes for small, and behind several
        # CTEs it takes 56,000 rows for small: 12.8 million pairs, 8.5 s in place of 0.4 s.
        connection.execute("SET asof_loop_join_threshold = 0")
        yield connection
    finally:
        connection.close()


@contextmanager
def connect_reading(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A reading connection to a published file: no files, no extensions, no settings, only SQL."""
    if not path.exists():
        raise DatabaseBusyError(f"There is no {path}.")
    # The published names are links that a publication flips. DuckDB hands a path that is already open in
    # this process the old file, so the real file is opened.
    connection = _open(str(path.resolve()), read_only=True)
    try:
        connection.execute("SET TimeZone = 'UTC'")
        for setting, value in _READER.items():
            connection.execute(f"SET {setting} = {value}")
        yield connection
    finally:
        connection.close()


def duckdb_version() -> str:
    """The version of DuckDB that runs."""
    return duckdb.__version__


def _open(path: str, *, read_only: bool) -> duckdb.DuckDBPyConnection:
    try:
        return duckdb.connect(path, read_only=read_only, config=dict(_OFFLINE))
    except duckdb.Error as problem:
        first_line = str(problem).splitlines()[0]
        is_held = "could not set lock" in first_line.casefold()
        why = "is held by another process" if is_held else "cannot be opened as a database"
        raise DatabaseBusyError(f"{path} {why}: {first_line}") from None
