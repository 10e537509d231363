"""Where the value of a column comes from, within one statement.

Here: following columns through stars, subqueries, CTEs, unions and new names to counts, sizes, positions and
base tables.
Not here: which of these a column of that name may carry (sql).
"""

import re
from collections.abc import Iterable, Iterator

from sqlglot import exp
from sqlglot.optimizer.scope import Scope

from metrics_catalog.guard.vocabulary import UNITS, Kind, snake_case

_UNIT_TABLE = re.compile(f"(^|_)({UNITS})(_|$)")
# Columns whose length is the length of what somebody wrote, or of a list of pull requests and their like.
_WRITTEN_COLUMN = re.compile(f"(^|_)(body|text|title|description|message|diff|patch|{UNITS})(_|$)")

_COUNTS = (exp.Count, exp.CountIf, exp.ApproxDistinct)
_SIZES = (exp.Length, exp.ArraySize, exp.MapSize, exp.RegexpCount)
# What sqlglot knows by name only.
_SIZE_FUNCTIONS = {
    "strlen", "octet_length", "bit_length", "length_grapheme", "list_count", "list_length", "list_unique",
    "array_unique", "cardinality", "array_count", "json_array_length", "count",
}  # fmt: skip

# Whether there are any, or where a text is cut, does not carry how many there are.
_CARRIES_NOTHING = (exp.Predicate, exp.Substring, exp.Left, exp.Right, exp.DataType)


def outputs(scope: Scope | None) -> Iterator[tuple[Scope, str, exp.Expr]]:
    """Scope, name and expression of each column that comes out, with stars written out.

    A column without a name has the name "". ``WITH a(k) AS ..`` and ``INSERT INTO t(k) ..`` give the names.
    """
    if scope is None:
        return
    inside = scope.set_operation_scopes or (scope.subquery_scopes if scope.is_udtf else [])  # LATERAL, UNNEST
    branches = [list(outputs(branch)) for branch in inside] or [list(_selected(scope))]
    names = [name.lower() for name in scope.outer_columns] or [name for _, name, _ in branches[0]]
    for branch in branches:
        for name, (inner, _, column) in zip(names, branch, strict=False):
            yield inner, name, column


def measures(node: exp.Expr, scope: Scope) -> set[Kind]:
    """Whether a count of units (activity), a size or a position reaches the value of this expression."""
    found: set[Kind] = set()
    if isinstance(node, exp.Column):
        for definition in _definitions(node, scope):
            if isinstance(definition, exp.Table):
                found |= {"activity"} if _is_stored_sample_size(node, definition) else set()
            else:
                found |= measures(definition[1], definition[0])
        return found
    if isinstance(node, exp.Query):
        inner = [sub for sub in scope.subquery_scopes if sub.expression is node.unnest()]
        return {kind for sub in inner for s, _, column in outputs(sub) for kind in measures(column, s)}
    if _counts_rows(node, scope):
        found |= {"activity"} if unit_tables(tables_of(node, scope)) else set()
    elif isinstance(node, exp.RowNumber):
        found.add("position")
    elif isinstance(node, _SIZES) or (
        isinstance(node, exp.Anonymous) and node.name.lower() in _SIZE_FUNCTIONS
    ):
        found.add("text size")
    for part in _value_parts(node):
        found |= measures(part, scope)
    return found


def is_constant_per_unit(node: exp.Expr, scope: Scope) -> bool:
    """``1 AS amount`` for each row of a unit table, also through CASE and renamed."""
    leaves = list(_leaves(node, scope))
    numbers = [leaf for leaf, _ in leaves if isinstance(leaf, exp.Literal) and not leaf.is_string]
    only_constants = len(leaves) == len(numbers) and not measures(node, scope)
    tables = {table for _, inner in leaves for table in _tables_in_from(inner)}
    return only_constants and any(float(number.this) for number in numbers) and bool(unit_tables(tables))


def is_written(node: exp.Expr, scope: Scope) -> bool:
    """Whether what is measured is what somebody wrote, or a list of units."""
    columns = list(node.find_all(exp.Column))
    return any(_WRITTEN_COLUMN.search(snake_case(column.name)) for column in columns) or bool(
        unit_tables(tables_of(node, scope))
    )


def tables_of(node: exp.Expr, scope: Scope) -> set[str]:
    """Base tables of the columns below; with none to follow (``count(*)``), all those in FROM."""
    found: set[str] = set()
    for column in node.find_all(exp.Column):
        for definition in _definitions(column, scope):
            if isinstance(definition, exp.Table):
                found.add(definition.name)
            else:
                found |= tables_of(definition[1], definition[0])
    return found or _tables_in_from(scope)


def unit_tables(tables: Iterable[str]) -> list[str]:
    """Those whose rows are pull requests, reviews, comments, commits, tickets, or hang below one of these."""
    return sorted(table for table in tables if _UNIT_TABLE.search(snake_case(table)))


def _selected(scope: Scope) -> Iterator[tuple[Scope, str, exp.Expr]]:
    """The select list; of a star, what is known of its sources and what it replaces."""
    for projection in scope.expression.selects if isinstance(scope.expression, exp.Query) else ():
        if not projection.is_star:
            yield scope, projection.output_name.lower(), projection.unalias()
            continue
        for _, source in scope.selected_sources.values():
            yield from outputs(source) if isinstance(source, Scope) else ()
        for replaced in (
            new for star in projection.find_all(exp.Star) for new in star.args.get("replace") or ()
        ):
            yield scope, replaced.output_name.lower(), replaced.unalias()


def _definitions(column: exp.Column, scope: Scope) -> Iterator[tuple[Scope, exp.Expr] | exp.Table]:
    """What a column stands for: expressions of a CTE or subquery, or the base tables it may come from.

    Ends for a recursive CTE too: inside it, sqlglot gives its first branch as the source of its own name.
    """
    named = scope.sources.get(column.table)
    for source in [named] if named else [source for _, source in scope.selected_sources.values()]:
        if isinstance(source, exp.Table):
            yield source
        elif isinstance(source, Scope):
            for inner, name, expression in outputs(source):
                if name == column.name.lower():
                    yield inner, expression


def _value_parts(node: exp.Expr) -> Iterator[exp.Expr]:
    """The parts that carry the value: not conditions, nor what a window partitions and orders by."""
    match node:
        case _ if isinstance(node, _CARRIES_NOTHING):
            return
        case exp.Case():
            parts = [*node.args["ifs"], node.args.get("default")]
        case exp.If():
            parts = [node.args.get("true"), node.args.get("false")]
        case exp.Window() | exp.Filter():
            parts = [node.this]
        case _:
            parts = list(node.iter_expressions())
    yield from (part for part in parts if part)


def _leaves(node: exp.Expr, scope: Scope) -> Iterator[tuple[exp.Expr, Scope]]:
    """Columns of base tables and constants that become part of the value."""
    if isinstance(node, exp.Column):
        for definition in _definitions(node, scope):
            if isinstance(definition, exp.Table):
                yield node, scope
            else:
                yield from _leaves(definition[1], definition[0])
        return
    if isinstance(node, exp.Literal):
        yield node, scope
    for part in _value_parts(node):
        yield from _leaves(part, scope)


def _counts_rows(node: exp.Expr, scope: Scope) -> bool:
    """``count`` in any form, and sums of ones: ``sum(1)``, ``sum(CASE .. 1 ..)``, ``sum(is_x::INT)``."""
    if isinstance(node, exp.Sum):
        columns = [leaf for leaf, _ in _leaves(node.this, scope) if isinstance(leaf, exp.Column)]
        return all(re.match(r"(is|has|was)_", column.name.lower()) for column in columns)
    return isinstance(node, _COUNTS)


def _is_stored_sample_size(column: exp.Column, table: exp.Table) -> bool:
    """The size of a sample, taken up again from the table of another statement."""
    return table.db in {"core", "landing"} and bool(re.fullmatch(r"n|n_\w+", column.name.lower()))


def _tables_in_from(scope: Scope) -> set[str]:
    """Base tables of everything in FROM and JOIN, down through CTEs and subqueries."""
    found: set[str] = set()
    for part in (scope, *scope.set_operation_scopes, *(scope.subquery_scopes if scope.is_udtf else ())):
        for _, source in part.selected_sources.values():
            found |= _tables_in_from(source) if isinstance(source, Scope) else {source.name}
    return found
