"""What a SELECT names, by DuckDB's own parser.

Here: its columns, and its tables. Not here: running it (``tables``).
"""

import json
from collections.abc import Iterator
from typing import Any

import duckdb


def columns_named(connection: duckdb.DuckDBPyConnection, sql: str) -> set[str]:
    """The columns a SELECT takes from anywhere, whatever it calls them then; what it EXCLUDEs is not among
    them. None of one that cannot be parsed."""
    found = set()
    for node in _nodes(_parsed(connection, sql)):
        if node.get("class") == "COLUMN_REF":
            found.add(str(node["column_names"][-1]))
        for part in ("rename_list", "column_name_alias"):
            found |= set(_texts(node.get(part)))
    return found


def tables_named(connection: duckdb.DuckDBPyConnection, sql: str) -> set[tuple[str, ...]]:
    """The tables a SELECT reads, as the parts of their names in small letters. None of one that cannot be
    parsed."""
    return {
        tuple(str(part).lower() for part in node["qualified_name"]["path"])
        for node in _nodes(_parsed(connection, sql))
        if node.get("type") == "BASE_TABLE"
    }


def _parsed(connection: duckdb.DuckDBPyConnection, sql: str) -> Any:
    ((told,),) = connection.execute("SELECT json_serialize_sql(?)", [sql]).fetchall()
    return json.loads(told)


def _nodes(part: Any) -> Iterator[dict[str, Any]]:
    if isinstance(part, dict):
        yield part
    for below in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from _nodes(below)


def _texts(part: Any) -> Iterator[str]:
    if isinstance(part, str) and part:
        yield part
    for below in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from _texts(below)
