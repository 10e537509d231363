"""Rows of a table that the organisation keeps elsewhere: CSV, Parquet, JSON, or the answer to a SQL query.

Here: reading them through DuckDB, with attached database files, from a folder; nothing is ever written there.
Not here: what a column means (``files``, ``features``).

DuckDB reads them because it is there anyway, and reads every one of these without guessing: everything of a
CSV file comes as text, so that ``12345`` stays what it is. Nothing is installed or downloaded for it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from connectors.errors import StopScopeError

READERS = {
    ".csv": "read_csv({path}, all_varchar = true, header = true)",
    ".parquet": "read_parquet({path})",
    ".json": "read_json({path})",
    ".jsonl": "read_json({path}, format = 'newline_delimited')",
}
FORBIDDEN = ("salary", "bonus", "wage", "compensation", "payband", "equity", "stock")
"""Pay is never taken in, not even as a column that nobody reads (metrics specification 2.13)."""

_ROWS_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Where rows come from: a ``file``, or a query ``sql`` with database files attached by name.

    Paths count from ``folder``.
    """

    folder: Path
    file: Path | None = None
    sql: str | None = None
    attach: Mapping[str, Path] = field(default_factory=dict)

    @property
    def words(self) -> str:
        """How it is called in a message: no query, no path of a machine."""
        return self.file.name if self.file is not None else "the SQL query"


def rows_of(table: Table, needed: Sequence[str], optional: Sequence[str] = ()) -> Iterator[dict[str, Any]]:
    """The rows as dictionaries by column. Raises StopScopeError where there are none to be had.

    A column of pay stops everything: it is named, and nothing of the table is read.
    """
    with duckdb.connect(config={"autoinstall_known_extensions": "false"}) as connection:
        try:
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute("SET file_search_path = $folder", {"folder": str(table.folder)})
            for name, path in table.attach.items():
                there = str((table.folder / path).resolve()).replace("'", "''")
                connection.execute(f"ATTACH '{there}' AS \"{name}\" (READ_ONLY)")
            result = connection.execute(_select(table))
            names = [column[0].strip().lower() for column in result.description or ()]
            _check_columns(table, names, needed, optional)
            while rows := result.fetchmany(_ROWS_AT_ONCE):
                for row in rows:
                    yield dict(zip(names, row, strict=True))
        except (duckdb.Error, OSError) as problem:
            kind = type(problem).__name__
            raise StopScopeError(
                f"{table.words} cannot be read ({kind}: {_first_line(problem)}). evenhand.toml names it. "
                f"Nothing of it was written; the last good one stays in use."
            ) from None


def _select(table: Table) -> str:
    if table.sql is not None:
        return table.sql
    assert table.file is not None
    reader = READERS.get(table.file.suffix.lower())
    if reader is None:
        raise StopScopeError(
            f"{table.file.name}: a file of {', '.join(READERS)} was wanted, or a SQL query. Nothing was read."
        )
    path = str((table.folder / table.file).resolve()).replace("'", "''")
    return f"FROM {reader.format(path=chr(39) + path + chr(39))}"


def refuse_pay(names: Sequence[str], what: str) -> None:
    """Raises StopScopeError where a column is one of pay."""
    pay = [
        name
        for name in names
        if any(word in name.lower() for word in FORBIDDEN) or "pay" in re.split(r"[^a-z]+", name.lower())
    ]
    if pay:
        raise StopScopeError(
            f"{what} has a column of pay ({', '.join(pay)}). Pay is refused, always. "
            f"Nothing of it was read or written; take the column out. The last good one stays in use."
        )


def _check_columns(
    table: Table, names: Sequence[str], needed: Sequence[str], optional: Sequence[str]
) -> None:
    refuse_pay(names, table.words)
    missing = [name for name in needed if name not in names]
    unknown = [name for name in names if name not in (*needed, *optional)]
    if missing or unknown:
        said = [f"missing: {', '.join(missing)}"] if missing else []
        said += [f"unknown: {', '.join(unknown)}"] if unknown else []
        raise StopScopeError(
            f"{table.words}: the columns {', '.join(needed)} were wanted"
            + (f" ({', '.join(optional)} may be there)" if optional else "")
            + f"; {'; '.join(said)}. Nothing of it was written; the last good one stays in use."
        )


def _first_line(problem: Exception) -> str:
    """The first line of DuckDB's message, without the values that it may repeat after a colon."""
    return str(problem).splitlines()[0].partition(": ")[2].partition('"')[0].strip()[:120] or "see the query"
