"""What Python code names.

Here: fields of records, names and text constants of a source file, SQL and GraphQL written inside text.
Not here: what a function computes; only names and queries can be read without running it.
"""

import ast
import dataclasses
import re
from collections.abc import Iterable, Iterator
from typing import TypeGuard

from metrics_catalog.guard.queries import leaks_in_graphql
from metrics_catalog.guard.sql import leaks_in_sql
from metrics_catalog.guard.vocabulary import Leak, leaks_in_names, snake_case

ORDINARY_LOCALS = re.compile(r"(\w+_)?lines|ranks?|ranked")
"""Variables and parameters: text that is joined has ``lines``, the order statistic of a median a ``rank``.
Fields, attributes and keys never do."""

ORDINARY_FUNCTIONS = re.compile(r"(\w+_)?lines")

LIBRARY_NAMES = {"iter_lines", "max_lines", "percentile_cont", "percentile_disc"}
"""Other people's names that we have to write."""

CONNECTOR_WORDS = {
    # Keys of GitHub's answers. leaks_in_graphql sees to it that they hold the count of a search for the
    # completeness ledger, and the time of one first commit.
    "issueCount",
    "commits",
}

LIBRARY_KEYS = {
    ("error", "loc"),  # where in the settings pydantic found the error: error["loc"]
}
"""(variable, key) of other people's dicts, where the key has a meaning of its own."""

_SQL = re.compile(r"\bSELECT\b.*\bFROM\b|\bCREATE\b.*\b(TABLE|VIEW|MACRO)\b", re.DOTALL)
_GRAPHQL = re.compile(r"\s*(query|fragment)\b[^{]*\{|\s*\{\s*\w+[\s({]")


def leaks_in_records(types: Iterable[type]) -> tuple[Leak, ...]:
    """Field names of record dataclasses."""
    found: list[Leak] = []
    for record in types:
        names = [field.name for field in dataclasses.fields(record)]
        found += leaks_in_names(names, f"{record.__module__}.{record.__qualname__}")
    return tuple(found)


def leaks_in_source(text: str, place: str) -> tuple[Leak, ...]:
    """Names and text constants of a Python file; docstrings and sentences are prose and not looked at."""
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        return (Leak(kind="unreadable", place=place, name="python", reason=str(error)),)
    found: list[Leak] = []
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    fields = {id(name) for node in ast.walk(tree) if isinstance(node, ast.ClassDef) for name in _fields(node)}
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    theirs = {id(node.slice) for node in ast.walk(tree) if _is_library_key(node)}
    for node in ast.walk(tree):
        where = f"{place}:{getattr(node, 'lineno', 0)}"
        found += leaks_in_names(
            _names(node, is_called=id(node) in called, is_field=id(node) in fields), where
        )
        if id(node) not in parts | prose | theirs:
            found += _leaks_in_text(_text(node), where, is_connector=place.startswith("connectors/"))
    return tuple(dict.fromkeys(found))


def _fields(node: ast.ClassDef) -> Iterator[ast.expr]:
    for statement in node.body:
        if isinstance(statement, ast.AnnAssign):
            yield statement.target
        elif isinstance(statement, ast.Assign):
            yield from statement.targets


def _names(node: ast.AST, *, is_called: bool, is_field: bool) -> Iterator[str]:
    """The names that this node itself introduces or uses."""
    name, ordinary = "", None
    match node:
        case ast.Name(id=name):
            ordinary = None if is_field else ORDINARY_LOCALS
        case ast.arg(arg=name):
            ordinary = ORDINARY_LOCALS
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            ordinary = ORDINARY_FUNCTIONS
        case ast.Attribute(attr=name):
            ordinary = ORDINARY_FUNCTIONS if is_called else None
        case ast.ClassDef(name=name):
            pass
        case ast.keyword(arg=str(name)):
            ordinary = ORDINARY_FUNCTIONS
        case ast.alias(name=imported, asname=renamed):
            yield from (part for part in imported.split(".") if not ORDINARY_FUNCTIONS.fullmatch(part))
            name = renamed or ""
    if name not in LIBRARY_NAMES and not (ordinary and ordinary.fullmatch(snake_case(name))):
        yield name


def _is_library_key(node: ast.AST) -> TypeGuard[ast.Subscript]:
    match node:
        case ast.Subscript(value=ast.Name(id=variable), slice=ast.Constant(value=key)):
            return (variable, key) in LIBRARY_KEYS
    return False


def _text(node: ast.AST) -> str:
    """A text constant; what an f-string puts in stands as a word of its own."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=values):
            return "".join(str(part.value) if isinstance(part, ast.Constant) else "x" for part in values)
    return ""


def _leaks_in_text(text: str, place: str, *, is_connector: bool) -> tuple[Leak, ...]:
    if _SQL.search(text):
        return tuple(leak for leak in leaks_in_sql(text, place) if leak.kind != "unreadable")
    if _GRAPHQL.match(text):
        return tuple(leak for leak in leaks_in_graphql(text, place) if leak.kind != "unreadable")
    if re.search(r"\s|://", text):
        return ()
    allowed = LIBRARY_NAMES | (CONNECTOR_WORDS if is_connector else set())
    return leaks_in_names((word for word in re.findall(r"\w+", text) if word not in allowed), place)
