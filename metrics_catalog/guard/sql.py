"""What statements name, and what their columns come to.

Here: refused names, sort keys and columns of a statement; the names in a database.
Not here: how a column is followed back (lineage). What happens to a column between one statement's table and
the next cannot be followed: there its name is all there is to go by.
"""

import re
from collections.abc import Collection, Iterable, Iterator

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.scope import Scope, build_scope

from metrics_catalog.guard.lineage import (
    is_constant_per_unit,
    is_written,
    measures,
    outputs,
    tables_of,
    unit_tables,
)
from metrics_catalog.guard.vocabulary import SAMPLE_SIZES, Kind, Leak, leaks_in_names

VALUE_COLUMNS = {"amount", "value", "numerator", "exposure"}
"""The columns in which a quantity goes on to a month, a trend or a packet."""

FUNCTION_NAMES_ALLOWED = {
    # How the median of the cases' amounts is written in SQL; nobody is placed in an order by it.
    "percentile_cont",
    "percentile_disc",
}

_REASONS: dict[Kind, str] = {
    "activity": "counts pull requests, reviews, comments, commits or tickets",
    "text size": "is the length of a text or a list",
    "position": "is a row's place in an order",
}


def leaks_in_sql(
    sql: str, place: str, *, counts_of_units_allowed: Collection[str] = frozenset()
) -> tuple[Leak, ...]:
    """Refused names (rank() and ntile() too) and sort keys, and columns that count or measure units.

    A column named in ``counts_of_units_allowed``, or like the size of a sample (``SAMPLE_SIZES``), may count
    units; one of ``VALUE_COLUMNS`` never may.
    """
    try:
        statements = [statement for statement in sqlglot.parse(sql, dialect="duckdb") if statement]
        roots = [(statement, scope) for statement in statements for scope in _outermost_scope(statement)]
    except SqlglotError as error:
        return (Leak(kind="unreadable", place=place, name="sql", reason=str(error).splitlines()[0]),)
    found = list(leaks_in_names(_names(sql), place))
    found += [
        Leak(kind="unreadable", place=place, name="sql", reason="a query inside this statement is not parsed")
        for statement in statements
        if isinstance(statement, exp.Command) and "SELECT" in statement.sql().upper()
    ]
    for statement, root in roots:
        # A column without a name is for whoever asks (rows in, rows out), unless the statement stores it.
        allowed = {*counts_of_units_allowed, *([""] if isinstance(statement, exp.Query) else [])}
        found += _leaks_in_columns(root, place, allowed)
        for scope in root.traverse():
            found += _leaks_in_orders(scope, place)
    return tuple(dict.fromkeys(found))


def leaks_in_cases(facts_sql: str, place: str) -> tuple[Leak, ...]:
    """Whether the cases of a facts query, by their ``case_id``, are pull requests and their like."""
    found: list[Leak] = []
    for root in _outermost_scope(sqlglot.parse_one(facts_sql, dialect="duckdb")):
        for scope, name, column in outputs(root):
            units = unit_tables(tables_of(column, scope))
            if name == "case_id" and units:
                reason = f"a rate over {', '.join(units)} is their number again"
                found.append(Leak(kind="activity", place=place, name="case_id", reason=reason))
    return tuple(found)


def leaks_in_schema(columns: Iterable[tuple[str, str]]) -> tuple[Leak, ...]:
    """Refused names among (table, column) pairs, as ``duckdb_columns()`` gives them."""
    return tuple(
        dict.fromkeys(leak for table, column in columns for leak in leaks_in_names((table, column), table))
    )


def _names(sql: str) -> Iterator[str]:
    """Every identifier, quoted or not, and the words inside text such as a JSON path."""
    for token in sqlglot.tokenize(sql, dialect="duckdb"):
        if token.token_type is sqlglot.TokenType.STRING:
            yield from re.findall(r"\w+", token.text) if not re.search(r"\s", token.text) else ()
        elif token.text.lower() not in FUNCTION_NAMES_ALLOWED:
            yield token.text  # operators and numbers too: no family has a word for them


def _outermost_scope(statement: exp.Expr) -> Iterator[Scope]:
    """The query that the statement is, or that CREATE, INSERT or COPY has inside, if there is one."""
    query = statement if isinstance(statement, exp.Query) else statement.find(exp.Select, exp.SetOperation)
    scope = build_scope(query) if query else None
    if scope:
        target = statement.this if isinstance(statement, exp.Create | exp.Insert) else None
        if isinstance(target, exp.Schema):
            scope.outer_columns = [column.name for column in target.expressions]
        yield scope


def _leaks_in_columns(root: Scope, place: str, allowed: Collection[str]) -> Iterator[Leak]:
    for scope, name, column in outputs(root):
        is_value = name in VALUE_COLUMNS
        if not is_value and (SAMPLE_SIZES.fullmatch(name) or name in allowed):
            continue
        for kind in sorted(measures(column, scope)):
            if kind == "activity" or is_value or (kind == "text size" and is_written(column, scope)):
                yield Leak(kind=kind, place=place, name=name, reason=_REASONS[kind])
        if name in VALUE_COLUMNS - {"exposure"} and is_constant_per_unit(column, scope):
            reason = "a constant per pull request, review, comment, commit or ticket adds up to their number"
            yield Leak(kind="activity", place=place, name=name, reason=reason)


def _leaks_in_orders(scope: Scope, place: str) -> Iterator[Leak]:
    """A sort key that counts units puts whoever has most of them first."""
    columns = [(name, column) for _, name, column in outputs(scope)]
    for key in (key for order in scope.find_all(exp.Order) for key in order.expressions):
        by = key.this
        if isinstance(by, exp.Literal) and by.is_int and 0 < int(by.this) <= len(columns):
            by = columns[int(by.this) - 1][1]
        elif isinstance(by, exp.Column) and not by.table:
            by = dict(columns).get(by.name.lower(), by)
        if "activity" in measures(by, scope):
            reason = f"sorts by what {_REASONS['activity']}"
            yield Leak(kind="ranking", place=place, name=key.sql(dialect="duckdb"), reason=reason)
