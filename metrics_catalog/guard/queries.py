"""What the GraphQL operations ask for.

Here: fields, connections, counts and sort keys of a GraphQL document, under whatever alias.
Not here: the words (vocabulary), what is kept of an answer (python, for records).
"""

from collections.abc import Iterator

from graphql import (
    EnumValueNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSyntaxError,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValueNode,
    VariableDefinitionNode,
    parse,
)

from metrics_catalog.guard.vocabulary import Kind, Leak, leaks_in_names, snake_case

REFUSED_FIELDS: dict[str, tuple[Kind, str]] = {
    "files": ("lines of code", "the files of a change are not read"),
    "patch": ("lines of code", "diffs are not read"),
    "diff": ("lines of code", "diffs are not read"),
    "diffHunk": ("lines of code", "diffs are not read"),
    "blame": ("lines of code", "blame is lines by person"),
    "languages": ("lines of code", "languages come with the size of their code"),
    "history": ("commits", "a branch's history is its commits"),
    "compare": ("commits", "a comparison lists and counts commits"),
    "subIssuesSummary": ("activity", "a summary counts tickets"),
}
"""GitHub's fields that lead to lines, files, commits or counts without saying so in their name."""

REFUSED_TYPES = {
    "PullRequestCommit": "lists commits",
    "PullRequestChangedFile": "lists changed files",
    "CreatedCommitContribution": "counts commits",
}
"""Types that must not be reached by ``... on``."""

REFUSED_VALUES = {
    "COMMENTS": "sorts by how many comments there are",
    "STARGAZERS": "sorts by stars",
    "PULL_REQUEST_COMMIT": "lists commits",
}
"""Enumeration values of arguments."""

COUNTS_ALLOWED = {
    # The number of results of a search is the independent count that the completeness ledger compares with
    # what is stored (promise 3). It belongs to a repository and a month, and never to a person.
    ("search", "issueCount"),
    ("SearchResultItemConnection", "issueCount"),
    # How many deployments, releases or tags a repository has: the same independent count for those (promise
    # 3), of a repository alone. Deployments are what services are measured by, and never people.
    ("deployments", "totalCount"),
    ("releases", "totalCount"),
    ("refs", "totalCount"),
    # How many people gave one reaction, and how many labels there are: no activity of anybody.
    ("reactors", "totalCount"),
    ("ReactorConnection", "totalCount"),
    ("labels", "totalCount"),
    ("LabelConnection", "totalCount"),
    # How many comments a review thread has. A nightly sweep compares it with what is stored, to notice a
    # deleted comment, which moves nothing else; it is never kept (promise 3).
    ("PullRequestReviewCommentConnection", "totalCount"),
}
"""(field, or type of the fragment, around it; count). Every other field that ends in "count" is refused."""

FIRST_COMMIT_FIELDS = {"nodes", "commit", "authoredDate"}
"""All that ``commits(first: 1)`` may ask for: when the work began (si_change_lead_time)."""


def leaks_in_graphql(text: str, place: str) -> tuple[Leak, ...]:
    """What a GraphQL document asks for and must not, whatever it is called in the answer."""
    try:
        document = parse(text, no_location=True)
    except GraphQLSyntaxError as error:
        return (Leak(kind="unreadable", place=place, name="graphql", reason=error.message),)
    found: list[Leak] = []
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode | FragmentDefinitionNode):
            around = definition.name.value if definition.name else "query"
            if isinstance(definition, FragmentDefinitionNode):
                around = definition.type_condition.name.value
                found += _type(around, place)
            for variable in definition.variable_definitions or ():
                found += _variable(variable, place)
            found += _selections(definition.selection_set, around, place)
    return tuple(dict.fromkeys(found))


def _selections(selections: SelectionSetNode | None, around: str, place: str) -> Iterator[Leak]:
    for node in selections.selections if selections else ():
        if isinstance(node, FieldNode):
            yield from _field(node, around, place)
        elif isinstance(node, InlineFragmentNode):
            if node.type_condition:
                yield from _type(node.type_condition.name.value, place)
            yield from _selections(node.selection_set, around, place)


def _field(node: FieldNode, around: str, place: str) -> Iterator[Leak]:
    name = node.name.value
    if name == "commits":
        yield from _commits(node, place)
        return
    if (around, name) not in COUNTS_ALLOWED:
        names = [name, *([node.alias.value] if node.alias else ())]
        known = leaks_in_names(names, place)
        yield from known
        if not known and snake_case(name).endswith("count"):
            yield Leak(
                kind="activity", place=place, name=f"{around}.{name}", reason="counts are not requested"
            )
    if name in REFUSED_FIELDS:
        kind, reason = REFUSED_FIELDS[name]
        yield Leak(kind=kind, place=place, name=name, reason=reason)
    for argument in node.arguments:
        yield from _values(argument.value, place)
    yield from _selections(node.selection_set, name, place)


def _commits(node: FieldNode, place: str) -> Iterator[Leak]:
    first = {argument.name.value: argument.value for argument in node.arguments}
    only_first = (
        list(first) == ["first"] and isinstance(first["first"], IntValueNode) and first["first"].value == "1"
    )
    if not only_first or set(_asked(node.selection_set)) - FIRST_COMMIT_FIELDS:
        reason = "only commits(first: 1) { nodes { commit { authoredDate } } } may be asked"
        yield Leak(kind="commits", place=place, name="commits", reason=reason)


def _asked(selections: SelectionSetNode | None) -> Iterator[str]:
    """All field names below; fragments by their name, so that none passes for a field."""
    for node in selections.selections if selections else ():
        if isinstance(node, FieldNode):
            yield node.name.value
            yield from _asked(node.selection_set)
        else:
            yield f"...{node.name.value}" if isinstance(node, FragmentSpreadNode) else "..."


def _type(name: str, place: str) -> Iterator[Leak]:
    if name in REFUSED_TYPES:
        yield Leak(kind="commits", place=place, name=name, reason=REFUSED_TYPES[name])


def _variable(node: VariableDefinitionNode, place: str) -> Iterator[Leak]:
    yield from leaks_in_names([node.variable.name.value], place)
    if node.default_value:
        yield from _values(node.default_value, place)


def _values(value: ValueNode, place: str) -> Iterator[Leak]:
    """Enumeration values, also inside lists and objects."""
    if isinstance(value, EnumValueNode) and value.value in REFUSED_VALUES:
        yield Leak(kind="activity", place=place, name=value.value, reason=REFUSED_VALUES[value.value])
    elif isinstance(value, ListValueNode):
        for item in value.values:
            yield from _values(item, place)
    elif isinstance(value, ObjectValueNode):
        for field in value.fields:
            yield from _values(field.value, place)
