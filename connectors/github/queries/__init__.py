"""The GraphQL operations, as files, and the documents made of them.

Here: reading the ``.graphql`` files, adding the fragments an operation names, and putting several
operations into one request.
Not here: sending (``transport``). Every document made here is checked against GitHub's own schema by
``tests/connectors/github/test_queries.py``.

The documents are taken apart and put together by graphql-core, which Dagster's web server brings anyway:
renaming variables by hand in text is how queries break.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    NameNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    VariableDefinitionNode,
    VariableNode,
    Visitor,
    parse,
    print_ast,
    visit,
)

from connectors.github.transport import Operation

FRAGMENTS_FILE = "fragments.graphql"


@cache
def _definitions() -> tuple[dict[str, OperationDefinitionNode], dict[str, FragmentDefinitionNode]]:
    operations: dict[str, OperationDefinitionNode] = {}
    fragments: dict[str, FragmentDefinitionNode] = {}
    for file in sorted(files(__name__).iterdir(), key=lambda entry: entry.name):
        if not file.name.endswith(".graphql"):
            continue
        for definition in parse(file.read_text("utf-8"), no_location=True).definitions:
            if isinstance(definition, FragmentDefinitionNode):
                fragments[definition.name.value] = definition
            elif isinstance(definition, OperationDefinitionNode) and definition.name is not None:
                operations[definition.name.value] = definition
    return operations, fragments


def operation_names() -> tuple[str, ...]:
    """The names of all operations, in alphabetical order."""
    return tuple(sorted(_definitions()[0]))


@cache
def document(name: str) -> str:
    """The text of one operation with the fragments it needs."""
    return print_ast(_with_fragments([_definitions()[0][name]]))


def batch(operations: Sequence[Operation]) -> tuple[str, dict[str, Any]]:
    """Several operations as one document and its variables.

    Operation ``i``'s variables are called ``o{i}_name`` and its top-level fields ``o{i}_field``;
    :func:`unbatch` takes the answer apart again. A single operation is sent as it is in its file.
    """
    if len(operations) == 1:
        return document(operations[0].name), dict(operations[0].variables)
    variables = {
        _prefix(index) + key: value
        for index, operation in enumerate(operations)
        for key, value in operation.variables.items()
    }
    return _together(tuple(operation.name for operation in operations)), variables


def _prefix(index: int) -> str:
    return f"o{index}_"


@cache
def _together(names: tuple[str, ...]) -> str:
    """The document of these operations. Few kinds are ever asked together, and each of them often."""
    known = _definitions()[0]
    definitions: list[VariableDefinitionNode] = []
    selections: list[Any] = []
    for index, name in enumerate(names):
        renamed = visit(known[name], _Prefixed(_prefix(index)))
        definitions += renamed.variable_definitions or ()
        for selection in renamed.selection_set.selections:
            if not isinstance(selection, FieldNode):
                raise TypeError(f"operation {name} must select plain fields at its top")
            key = (selection.alias or selection.name).value
            if key == "rateLimit" and index > 0:
                continue  # one answer about the budget is enough for the whole request
            selections.append(_aliased(selection, _prefix(index) + key))
    whole = OperationDefinitionNode(
        operation=OperationType.QUERY,
        name=NameNode(value="Batch"),
        variable_definitions=tuple(definitions),
        directives=(),
        selection_set=SelectionSetNode(selections=tuple(selections)),
    )
    return print_ast(_with_fragments([whole]))


def unbatch(count: int, data: dict[str, Any] | None) -> tuple[dict[str, Any] | None, ...]:
    """The answer of a :func:`batch` document, one object per operation."""
    if data is None:
        return (None,) * count
    if count == 1:
        return (data,)
    return tuple(
        {key.removeprefix(f"o{index}_"): value for key, value in data.items() if key.startswith(f"o{index}_")}
        for index in range(count)
    )


def operation_of(error: Mapping[str, Any], count: int) -> int | None:
    """Which operation of a :func:`batch` document an error belongs to, told by its path; None without one."""
    path = error.get("path")
    if not isinstance(path, list) or not path:
        return None
    if count == 1:
        return 0
    found = re.match(r"o(\d+)_", str(path[0]))
    return None if found is None else int(found[1])


class _Prefixed(Visitor):
    """Puts a prefix before the name of every variable, where it is declared and where it is used."""

    def __init__(self, prefix: str) -> None:
        super().__init__()
        self.prefix = prefix

    def enter_variable(self, node: VariableNode, *_: Any) -> VariableNode:
        return VariableNode(name=NameNode(value=self.prefix + node.name.value))


def _aliased(field: FieldNode, alias: str) -> FieldNode:
    return FieldNode(
        alias=NameNode(value=alias),
        name=field.name,
        arguments=field.arguments,
        directives=field.directives,
        selection_set=field.selection_set,
    )


class _CountsInPlace(Visitor):
    """Writes a fragment of one plain field out where it is named.

    GitHub lets a list that is only counted go without ``first``; a check of that need not see into fragments.
    """

    def enter_fragment_spread(self, node: FragmentSpreadNode, *_: Any) -> FieldNode | None:
        selections = _definitions()[1][node.name.value].selection_set.selections
        only = selections[0] if len(selections) == 1 else None
        return only if isinstance(only, FieldNode) and only.selection_set is None else None


def _with_fragments(operations: list[OperationDefinitionNode]) -> DocumentNode:
    known = _definitions()[1]
    operations = [visit(operation, _CountsInPlace()) for operation in operations]
    needed: dict[str, FragmentDefinitionNode] = {}

    class Collect(Visitor):
        def enter_fragment_spread(self, node: FragmentSpreadNode, *_: Any) -> None:
            name = node.name.value
            if name not in needed:
                needed[name] = known[name]
                visit(known[name], self)

    for operation in operations:
        visit(operation, Collect())
    return DocumentNode(definitions=(*operations, *(needed[name] for name in sorted(needed))))
