"""The SQL files of this package and of the catalogue, and the tables they fill.

Here: reading a file, and creating a published table from its SELECT.
Not here: the SQL itself.
"""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import duckdb

from metrics_catalog.tables import create_statement, table


@cache
def sql(path: str, *, package: str = "transforms") -> str:
    """The text of an SQL file of a package, by its path in it."""
    entry = files(package)
    for part in path.split("/"):
        entry = entry / part
    return entry.read_text("utf-8")


def create(connection: duckdb.DuckDBPyConnection, name: str, *, schema: str | None = None) -> None:
    """Create the empty table of that name as columns.toml describes it, here or in another schema."""
    statement = create_statement(name)
    if schema is not None:
        there = f"{schema}.{name.split('.')[1]}"
        statement = statement.replace(f"CREATE TABLE {name} ", f"CREATE TABLE {there} ", 1)
    connection.execute(statement)


def insert(
    connection: duckdb.DuckDBPyConnection,
    target: str,
    select: str,
    parameters: Mapping[str, Any] | None = None,
) -> None:
    """Add the rows of a SELECT to a table, by name."""
    used = {name: value for name, value in (parameters or {}).items() if f"${name}" in select}
    connection.execute(f"INSERT INTO {target} BY NAME {select}", used)


def fill(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    select: str,
    parameters: Mapping[str, Any] | None = None,
) -> None:
    """Create the table that columns.toml describes and fill it with a SELECT."""
    create(connection, name)
    insert(connection, name, select, parameters)


def count(connection: duckdb.DuckDBPyConnection, name: str) -> int:
    """Rows of a table."""
    ((rows,),) = connection.execute(f"SELECT count(*) FROM {name}").fetchall()
    return int(rows)


def column_names(name: str) -> list[str]:
    """The columns of a published table, in order."""
    return [column.name for column in table(name).columns]
