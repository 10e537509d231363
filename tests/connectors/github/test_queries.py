"""The documents that are sent, against GitHub's own schema, and that they ask for nothing that is not read.

Here: each operation alone, many in one request, and taking an answer apart again.
Not here: how often they are asked (``test_client``).
"""

import gzip
import json
from collections.abc import Iterator, Sequence
from copy import deepcopy
from itertools import combinations_with_replacement
from typing import Any

import pytest
from graphql import (
    ExecutionResult,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLResolveInfo,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    build_schema,
    execute,
    parse,
    validate,
)

from connectors.github.queries import batch, document, operation_names, operation_of, unbatch
from connectors.github.transport import Json, Operation
from tests.connectors.came import WhatCame
from tests.connectors.github.builders import (
    PAGES,
    TILDE,
    ServedPages,
    connection,
    page_file,
    reaction_group,
    read,
)
from tests.shared_material import needed

VARIABLES: dict[str, Json] = {
    "OrganizationRepositories": {"login": "acme", "after": None},
    "PullRequests": {"owner": "acme", "name": "kettle", "after": None, "pageSize": 50},
    "Deployments": {"owner": "acme", "name": "kettle", "after": None, "pageSize": 100},
    "Releases": {"owner": "acme", "name": "kettle", "after": None, "pageSize": 100},
    "Tags": {"owner": "acme", "name": "kettle", "after": None, "pageSize": 100},
    "DeploymentSpan": {"owner": "acme", "name": "kettle"},
    "ServerTime": {},
    "OrganizationTeams": {"login": "acme"},
    "AccountAddresses": {"login": "ana", "organization": "acme"},
    "AccountSignOn": {"login": "ana", "organization": "acme"},
    "RepositoryState": {"owner": "acme", "name": "kettle"},
    "PullRequestsById": {"ids": ["PR_1", "PR_2"]},
    "PullRequestPlaces": {"ids": ["PR_1", "PR_2"]},
    "ThreadStates": {"ids": ["PR_1", "PR_2"]},
    "MoreThreadStates": {"id": "PR_1", "after": "c1"},
    "ReactionCounts": {"ids": ["PRR_1", "PRRC_2"]},
    "CreatedPullRequests": {"query": "repo:acme/kettle is:pr"},
}
RESTS = {
    "MoreLabels": "labels",
    "MoreReviews": "reviews",
    "MoreReviewThreads": "reviewThreads",
    "MoreReviewComments": "comments",
    "MoreTimelineEvents": "timelineItems",
    "MoreReactions": "reactions",
}


def _operation(name: str, number: int = 1) -> Operation:
    return Operation(
        name=name, variables=VARIABLES.get(name, {"id": f"NODE_{number}", "after": f"c{number}"})
    )


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    text = gzip.decompress(needed("contracts", "github.schema.graphql.gz").read_bytes()).decode()
    return build_schema(text, assume_valid=True)


# ------------------------------------------------------------------------------ GitHub's schema


@pytest.mark.parametrize("name", operation_names())
def test_each_operation_is_valid(schema: GraphQLSchema, name: str) -> None:
    assert validate(schema, parse(document(name))) == []


@pytest.mark.parametrize("names", list(combinations_with_replacement(operation_names(), 2)), ids="+".join)
def test_any_two_operations_in_one_request_are_valid(schema: GraphQLSchema, names: Sequence[str]) -> None:
    query, variables = batch([_operation(name, number) for number, name in enumerate(names)])
    assert validate(schema, parse(query)) == []
    assert set(variables) == _declared(query)


def test_sixty_operations_of_all_kinds_in_one_request_are_valid(schema: GraphQLSchema) -> None:
    """As many as the rests of nested lists share a request at the most."""
    names = [list(RESTS)[number % len(RESTS)] for number in range(60)]
    query, variables = batch([_operation(name, number) for number, name in enumerate(names)])
    assert validate(schema, parse(query)) == []
    assert set(variables) == _declared(query)
    assert query.count(": rateLimit") == 1  # the budget is told once


@pytest.mark.parametrize("name", sorted(path.stem for path in PAGES.glob("*.json")))
def test_the_pages_of_these_tests_are_what_github_would_answer(schema: GraphQLSchema, name: str) -> None:
    """graphql-core executes the real operation on the page: nothing missing, too much or mistyped."""
    data = page_file(name)
    result = execute(
        schema,
        parse(document("PullRequests")),
        root_value=data,
        variable_values=VARIABLES["PullRequests"],
        field_resolver=lambda source, info, **_: source[info.field_name],
    )
    assert isinstance(result, ExecutionResult)
    assert result.errors is None
    assert result.data == data


def _declared(query: str) -> set[str]:
    return {
        variable.variable.name.value
        for definition in parse(query).definitions
        if isinstance(definition, OperationDefinitionNode)
        for variable in definition.variable_definitions
    }


# ------------------------------------------------------------------------------ many in one request


def _resolve(source: Any, info: GraphQLResolveInfo, **arguments: Any) -> Any:
    """Answers that tell what was asked: the parent's id, the cursor, and which list."""
    if info.field_name == "node":
        kind = "PullRequestReviewThread" if arguments["id"].startswith("PRRT") else "PullRequest"
        return {"__typename": kind, "id": arguments["id"]}
    if info.field_name == "rateLimit":
        return {"cost": 3, "remaining": 4997, "resetAt": "2026-03-10T13:00:00Z"}
    if "after" in arguments:
        told = f"{source['id']} {info.field_name} {arguments['after']}"
        return {"pageInfo": {"hasNextPage": False, "endCursor": told}, "nodes": []}
    return source[info.field_name]


def _executed(schema: GraphQLSchema, operations: Sequence[Operation]) -> Json:
    query, variables = batch(operations)
    result = execute(schema, parse(query), variable_values=variables, field_resolver=_resolve)
    assert isinstance(result, ExecutionResult)
    assert result.errors is None
    assert result.data is not None
    return result.data


@pytest.mark.parametrize(
    "names",
    [
        ["MoreReviews"],
        ["MoreReviews", "MoreReviews"],
        ["MoreReviews", "MoreLabels", "MoreReviews", "MoreTimelineEvents", "MoreReviewThreads"],
        ["MoreReviewComments", "MoreReviews", "MoreReviewComments"],
        ["MoreLabels"] * 12,  # o1 is not the beginning of o10
    ],
    ids=lambda names: f"{len(names)} operations",
)
def test_an_answer_taken_apart_is_what_each_operation_alone_would_get(
    schema: GraphQLSchema, names: list[str]
) -> None:
    operations = [
        Operation(
            name=name,
            variables={"id": f"{'PRRT' if 'Comments' in name else 'PR'}_{place}", "after": f"c{place}"},
        )
        for place, name in enumerate(names)
    ]
    apart = unbatch(len(operations), _executed(schema, operations))
    alone = [_executed(schema, [operation]) for operation in operations]
    assert [{**data, "rateLimit": 0} for data in apart if data] == [
        {**data, "rateLimit": 0} for data in alone
    ]
    assert len(apart) == len(operations)


def test_one_operation_is_sent_as_it_is_in_its_file() -> None:
    assert batch([_operation("ServerTime")]) == (document("ServerTime"), {})


def test_no_data_is_nothing_for_every_operation() -> None:
    assert unbatch(3, None) == (None, None, None)


@pytest.mark.parametrize(
    ("error", "count", "operation"),
    [
        ({"path": ["o2_node", "reviews"]}, 12, 2),
        ({"path": ["o11_node"]}, 12, 11),
        ({"path": ["repository"]}, 1, 0),
        ({"path": []}, 12, None),
        ({"path": ["rateLimit"]}, 12, None),
        ({}, 1, None),
    ],
)
def test_an_error_tells_its_operation_by_its_path(error: Json, count: int, operation: int | None) -> None:
    assert operation_of(error, count) == operation


# ------------------------------------------------------------------------------ nothing too much

Path = tuple[str, ...]

NOT_READ = {
    ("rateLimit", "remaining"),  # free, and in the log of whoever looks at an answer
    ("rateLimit", "resetAt"),
    ("rateLimit", "cost"),  # read by the transport
    (
        "repository",
        "pullRequests",
        "nodes",
        "timelineItems",
        "nodes",
        "review",
        "id",
    ),  # comes with its number
}


def _leaves(name: str) -> set[Path]:
    """The paths of all fields without fields of their own that an operation asks for."""
    definitions = parse(document(name)).definitions
    fragments = {one.name.value: one for one in definitions if isinstance(one, FragmentDefinitionNode)}
    (operation,) = (one for one in definitions if isinstance(one, OperationDefinitionNode))

    def walk(selections: SelectionSetNode, above: Path) -> Iterator[Path]:
        for one in selections.selections:
            if isinstance(one, FragmentSpreadNode):
                yield from walk(fragments[one.name.value].selection_set, above)
            elif isinstance(one, InlineFragmentNode):
                yield from walk(one.selection_set, above)
            elif isinstance(one, FieldNode) and one.selection_set is not None:
                yield from walk(one.selection_set, (*above, one.name.value))
            elif isinstance(one, FieldNode):
                yield (*above, one.name.value)

    return set(walk(operation.selection_set, ()))


def _everything() -> Json:
    """One page with all pull requests of ``pages/``."""
    data = page_file("ordinary")
    for name in ("quirks", "reverts"):
        data["repository"]["pullRequests"]["nodes"] += page_file(name)["repository"]["pullRequests"]["nodes"]
    first = data["repository"]["pullRequests"]["nodes"][0]
    for said in (first["reviews"]["nodes"][0], first["reviewThreads"]["nodes"][0]["comments"]["nodes"][0]):
        said["reactionGroups"] = [reaction_group("HEART")]
    return data


def _read(data: Json) -> WhatCame:
    """What is read of a page; whoever is asked for reactions has one."""
    reaction = {"id": "REA_1", "content": "HEART", "createdAt": "2026-03-04T09:00:00Z", "user": TILDE}
    rests = {
        ("MoreReactions", node_id, None): {"reactions": connection({**reaction, "id": f"REA_{node_id}"})}
        for node_id in ("PRR_71", "PRRC_74")
    }
    return read(ServedPages(pages={("acme/kettle", None): data}, rests=rests))


def _without(value: Any, path: Path) -> None:
    if isinstance(value, list):
        for entry in value:
            _without(entry, path)
    elif isinstance(value, dict) and len(path) == 1:
        value.pop(path[0], None)
    elif isinstance(value, dict):
        _without(value.get(path[0]), path[1:])


@pytest.mark.parametrize("path", sorted(_leaves("PullRequests")), ids=".".join)
def test_a_page_asks_for_nothing_that_is_not_read(path: Path) -> None:
    """Taken away, every field makes a difference to what is read."""
    whole = _everything()
    less = deepcopy(whole)
    _without(less, path)
    assert less != whole, "no page of these tests has it"
    is_cursor = path[-1] == "endCursor"  # read where there is another page; test_client
    assert (_read(less) != _read(whole)) != (path in NOT_READ or is_cursor)


@pytest.mark.parametrize(
    ("name", "connection"), [rest for rest in RESTS.items() if rest[0] != "MoreReactions"]
)
def test_a_rest_asks_for_the_same_as_the_first_part(name: str, connection: str) -> None:
    rest = {path[1:] for path in _leaves(name) if path[:2] == ("node", connection)}
    (below,) = {
        path[: path.index(connection)]
        for path in _leaves("PullRequests")
        if connection in path and "pullRequests" in path[: path.index(connection)]
    }
    first = {
        path[len(below) :]
        for path in _leaves("PullRequests")
        if path[: len(below) + 1] == (*below, connection)
    }
    assert rest == first
    budget = {("rateLimit", field) for field in ("cost", "remaining", "resetAt")}
    assert _leaves(name) == {("node", *path) for path in rest} | {("node", "id")} | budget


def test_a_list_of_repositories_asks_what_a_page_asks_of_its_own_and_the_newest_updates() -> None:
    listed = {path[3:] for path in _leaves("OrganizationRepositories") if path[2:3] == ("nodes",)}
    named = {path[1:] for path in _leaves("RepositoryState") if path[0] == "repository"}
    of_a_page = {
        path[1:] for path in _leaves("PullRequests") if path[1] != "pullRequests" and path[0] != "rateLimit"
    }
    newest = {("pullRequests", "nodes", "updatedAt"), ("pullRequests", "pageInfo", "hasNextPage")}
    assert listed == named == of_a_page | newest


def test_a_pull_request_read_by_its_id_is_asked_for_the_same_as_on_a_page() -> None:
    swept = {path[1:] for path in _leaves("PullRequestsById") if path[0] == "nodes"}
    of_a_page = {
        path[3:] for path in _leaves("PullRequests") if path[:3] == ("repository", "pullRequests", "nodes")
    }
    repository = {
        ("repository", *path[1:])
        for path in _leaves("PullRequests")
        if path[0] == "repository" and path[1] != "pullRequests"
    }
    assert swept == of_a_page | repository


def test_the_operations_are_those_that_are_used() -> None:
    assert set(operation_names()) == {*VARIABLES, *RESTS, "MoreDeploymentStatuses"}


def test_the_pages_hold_no_more_than_is_asked_for() -> None:
    """Recorded pages are the place where more than the allow-list could slip in."""
    names = {path[-1] for path in _leaves("PullRequests")} | {
        part for path in _leaves("PullRequests") for part in path
    }

    def keys(value: Any) -> Iterator[str]:
        if isinstance(value, list):
            for entry in value:
                yield from keys(entry)
        elif isinstance(value, dict):
            yield from value
            for entry in value.values():
                yield from keys(entry)

    for path in PAGES.glob("*.json"):
        assert set(keys(json.loads(path.read_text("utf-8")))) <= names
