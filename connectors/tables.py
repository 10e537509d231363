"""Rows of a table that the organisation keeps elsewhere: CSV, Parquet, JSON, or the answer to a SQL query.

Here: reading them through DuckDB, with attached databases, from a folder; nothing is ever written there.
Not here: what a column means (``organization``, ``incident_tables``), which columns are refused (``pay``).

DuckDB reads them because it is there anyway, and reads every one of these without guessing: everything of a
CSV file comes as text, so that ``12345`` stays what it is. Nothing is installed or downloaded for it: SQLite
files are read by Python's own module, as DuckDB would want an extension for them, and databases with a server
by whichever extension somebody installed.
"""

import difflib
import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import duckdb
import polars as pl

from connectors.errors import StopScopeError
from connectors.pay import refuse_pay
from connectors.query_tree import columns_named, tables_named

_AS_TEXT = "timestampformat = '%Y never %j', dateformat = '%Y never %j'"
"""No text is written so: times of JSON stay text, and one without its offset is not taken for UTC."""
READERS = {
    ".csv": "read_csv({path}, all_varchar = true, header = true)",
    ".parquet": "read_parquet({path})",
    ".json": f"read_json({{path}}, {_AS_TEXT})",
    ".jsonl": f"read_json({{path}}, format = 'newline_delimited', {_AS_TEXT})",
    ".ndjson": f"read_json({{path}}, format = 'newline_delimited', {_AS_TEXT})",
}
_ROWS_AT_ONCE = 10_000
_IS_SELECT = re.compile(r"\s*(select|with|from)\b", re.IGNORECASE)
_SERVER = re.compile(r"(postgres|postgresql|mysql|odbc|ducklake):", re.IGNORECASE)
_SQLITE = b"SQLite format 3\x00"
_NOT_INSTALLED = re.compile(r'Install it first using "INSTALL (\w+)"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Where rows come from: a ``file``, or a query ``sql`` with databases attached by name.

    Paths count from ``folder``. What is attached is a file of DuckDB or SQLite, or ``postgres:`` or
    ``mysql:`` with what their clients want, as in DuckDB's ATTACH.
    """

    folder: Path
    file: Path | None = None
    sql: str | None = None
    attach: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def words(self) -> str:
        """How it is called in a message: no query, no path of a machine."""
        return self.file.name if self.file is not None else "the SQL query"


def table_of(written: str, folder: Path) -> Table:
    """A text of the configuration: a SELECT, or else the name of a file."""
    if _IS_SELECT.match(written):
        return Table(folder=folder, sql=written)
    return Table(folder=folder, file=Path(written).expanduser())


def rows_of(
    table: Table,
    needed: Sequence[str],
    optional: Sequence[str] = (),
    *,
    leaves_others: bool = False,
    is_of_people: bool = False,
) -> Iterator[dict[str, Any]]:
    """The rows as dictionaries by column. Raises StopScopeError where there are none to be had.

    Unknown columns are refused; where ``leaves_others``, only those that look like a known one misspelt. A
    column of pay stops everything: it is named, and nothing of the table is read; ``is_of_people``: so does
    one that a query names and calls something else.
    """
    with duckdb.connect(config={"autoinstall_known_extensions": "false"}) as connection:
        try:
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute("SET file_search_path = $folder", {"folder": str(table.folder.resolve())})
            if table.sql is not None and is_of_people:
                refuse_pay(columns_named(connection, table.sql), table.words)
            for name, place in table.attach.items():
                _attach(connection, table, name, place)
            result = connection.execute(_select(table))
            columns = [column[0].strip() for column in result.description or ()]
            refuse_pay(columns, table.words, are_of_people=not leaves_others)
            names = [column.lower() for column in columns]
            _check_columns(table, names, needed, optional, leaves_others=leaves_others)
            while rows := result.fetchmany(_ROWS_AT_ONCE):
                for row in rows:
                    yield dict(zip(names, row, strict=True))
        except (duckdb.Error, sqlite3.Error, OSError) as problem:
            raise StopScopeError(
                f"{table.words} cannot be read ({_hidden(_reason(problem), table)}). evenhand.toml names it. "
                f"Nothing of it was written; the last good one stays in use."
            ) from None


def _select(table: Table) -> str:
    if table.sql is not None:
        return table.sql
    assert table.file is not None
    packed = table.file.suffix.lower() == ".gz"
    reader = READERS.get((table.file.with_suffix("") if packed else table.file).suffix.lower())
    if reader is None:
        raise StopScopeError(
            f"{table.file.name}: a file of {', '.join(READERS)} was wanted, or a SQL query. "
            f"Nothing of it was written; the last good one stays in use."
        )
    path = (table.folder / table.file).resolve()
    if not path.is_file():
        raise FileNotFoundError("there is no such file")
    return f"FROM {reader.format(path=_quoted(str(path)))}"


# ------------------------------------------------------------------------------- attached databases


def _attach(connection: duckdb.DuckDBPyConnection, table: Table, name: str, place: str) -> None:
    quoted_name = '"' + name.replace('"', '""') + '"'
    if _SERVER.match(place):
        connection.execute(f"ATTACH {_quoted(place)} AS {quoted_name} (READ_ONLY)")
        return
    path = (table.folder / Path(place).expanduser()).resolve()
    if not path.is_file():
        raise FileNotFoundError(f"there is no database {Path(place).name}, attached as {name}")
    with path.open("rb") as file:
        is_sqlite = file.read(len(_SQLITE)) == _SQLITE
    if not is_sqlite:
        connection.execute(f"ATTACH {_quoted(str(path))} AS {quoted_name} (READ_ONLY)")
        return
    connection.execute(f"ATTACH ':memory:' AS {quoted_name}")
    wanted = {parts[-1] for parts in tables_named(connection, table.sql or "") if parts[0] == name.lower()}
    _copy_sqlite(connection, quoted_name, path, wanted)


def _copy_sqlite(connection: duckdb.DuckDBPyConnection, name: str, path: Path, wanted: set[str]) -> None:
    """The tables and views a query names, each as its own rows: numbers stay numbers, the rest is text."""
    with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)) as database:
        listed = database.execute(
            "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') ORDER BY name"
        )
        for (stored,) in listed.fetchall():
            if str(stored).lower() not in wanted:
                continue
            quoted = '"' + str(stored).replace('"', '""') + '"'
            found = database.execute(f"SELECT * FROM {quoted}")
            columns = [column[0] for column in found.description]
            rows = found.fetchall()
            copied = pl.DataFrame(
                {column: _values([row[place] for row in rows]) for place, column in enumerate(columns)}
            )
            connection.register("copied", copied)
            connection.execute(f"CREATE TABLE {name}.{quoted} AS SELECT * FROM copied")
            connection.unregister("copied")


def _values(found: Sequence[Any]) -> pl.Series:
    kinds = {type(value) for value in found} - {type(None)}
    if kinds <= {int} and kinds:
        return pl.Series(found, dtype=pl.Int64)
    if kinds <= {int, float} and kinds:
        return pl.Series([None if value is None else float(value) for value in found], dtype=pl.Float64)
    return pl.Series([None if value is None else _text(value) for value in found], dtype=pl.String)


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


# ------------------------------------------------------------------------------------- what is wrong


def _check_columns(
    table: Table, names: Sequence[str], needed: Sequence[str], optional: Sequence[str], *, leaves_others: bool
) -> None:
    missing = [name for name in needed if name not in names]
    unknown = [name for name in names if name not in (*needed, *optional)]
    if leaves_others:
        absent = [name for name in (*needed, *optional) if name not in names]
        unknown = [name for name in unknown if difflib.get_close_matches(name, absent, n=1, cutoff=0.85)]
    if missing or unknown:
        said = [f"missing: {', '.join(missing)}"] if missing else []
        said += [f"unknown: {', '.join(unknown)}"] if unknown else []
        raise StopScopeError(
            f"{table.words}: the columns {', '.join(needed)} were wanted"
            + (f" ({', '.join(optional)} may be there)" if optional else "")
            + f"; {'; '.join(said)}. Nothing of it was written; the last good one stays in use."
        )


def _reason(problem: Exception) -> str:
    """What went wrong, without a path of the machine and without the values that DuckDB may repeat."""
    lacking = _NOT_INSTALLED.search(str(problem))
    if lacking is not None:
        return (
            f"DuckDB's extension {lacking[1]} is not installed, and nothing is downloaded by itself. Once, "
            f"as the user who runs this: python -c \"import duckdb; duckdb.execute('INSTALL {lacking[1]}')\""
        )
    if isinstance(problem, FileNotFoundError):
        return str(problem)
    return f"{type(problem).__name__}: {_first_line(problem)}"


def _hidden(reason: str, table: Table) -> str:
    """Without what a server is reached by: its client may say it back, and a password may stand in it."""
    for place in table.attach.values():
        if _SERVER.match(place):
            for part in sorted(re.split(r"[\s=:/@?&;'\"]+", place)[1:], key=len, reverse=True):
                reason = reason.replace(part, "...") if len(part) > 3 else reason
    return reason


def _first_line(problem: Exception) -> str:
    """The first line of DuckDB's message, without the values that it may repeat after a colon."""
    return str(problem).splitlines()[0].partition(": ")[2].partition('"')[0].strip()[:120] or "see the query"
