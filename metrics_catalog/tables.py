"""The tables others rely on, from ``columns.toml``.

Here: reading that file, and the statements that create and comment its tables.
Not here: filling them (transforms), or writing the published file (warehouse).
"""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

FACTS = "facts.*"
"""Stands for the table of each metric, ``facts.<metric_id>``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column: its name, DuckDB type, and meaning with unit and source."""

    name: str
    type: str
    meaning: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table: its name with schema, its meaning, what one row is, and its columns in order."""

    name: str
    meaning: str
    row: str
    columns: tuple[Column, ...]


@cache
def tables() -> dict[str, Table]:
    """All tables by name, in the order of the file; ``facts.*`` is a pattern, not a table."""
    document = tomllib.loads((files("metrics_catalog") / "columns.toml").read_text("utf-8"))
    return {
        name: Table(
            name=name,
            meaning=entry["meaning"],
            row=entry["row"],
            columns=tuple(
                Column(name=column, type=type_, meaning=meaning)
                for column, (type_, meaning) in document[entry.get("columns_of", name)]["columns"].items()
            ),
        )
        for name, entry in document.items()
    }


def table(name: str) -> Table:
    """The table of that name; a metric's facts table has the columns of ``facts.*``."""
    known = tables()
    if name in known:
        return known[name]
    if name.startswith("facts."):
        pattern = known[FACTS]
        return Table(name=name, meaning=pattern.meaning, row=pattern.row, columns=pattern.columns)
    raise KeyError(f"columns.toml describes no table {name!r}")


def create_statement(name: str) -> str:
    """``CREATE TABLE`` of an empty table of that name."""
    columns = ", ".join(f'"{column.name}" {column.type}' for column in table(name).columns)
    return f"CREATE TABLE {name} ({columns})"


def comment_statements(name: str, *, kind: str = "TABLE") -> Iterator[str]:
    """The statements that put meanings into the database; ``kind`` is TABLE or VIEW."""
    described = table(name)
    text = f"{described.meaning} One row: {described.row}."
    yield f"COMMENT ON {kind} {name} IS {_quoted(text)}"
    for column in described.columns:
        yield f'COMMENT ON COLUMN {name}."{column.name}" IS {_quoted(column.meaning)}'


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
