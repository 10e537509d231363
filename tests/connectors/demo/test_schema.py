"""The pages against GitHub's own schema, by the operations as they are in ``queries/``.

graphql-core executes each real operation on the answer: a field that is selected and missing, given and not
selected, of the wrong type, or a list longer than its ``first`` makes a difference.
"""

import gzip
from pathlib import Path
from typing import Any

import pytest
from graphql import ExecutionResult, GraphQLResolveInfo, GraphQLSchema, build_schema, execute, parse

from connectors.demo import DemoTransport
from connectors.github.queries import document, operation_names
from connectors.github.transport import Json, Operation
from tests.connectors.demo.reading import NESTED, raw_pages, repository_names

SCHEMA = Path(__file__).parents[4] / "shared" / "contracts" / "github.schema.graphql.gz"
NODE_TYPES = dict.fromkeys(NESTED.values(), "PullRequest") | {
    "MoreReviewComments": "PullRequestReviewThread",
    "MoreReactions": "PullRequestReview",
    "MoreThreadStates": "PullRequest",
}


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    if not SCHEMA.exists():
        pytest.skip(f"GitHub's schema is not beside the checkout: {SCHEMA}")
    return build_schema(gzip.decompress(SCHEMA.read_bytes()).decode(), assume_valid=True)


def _resolve(source: Json, info: GraphQLResolveInfo, **arguments: Any) -> Any:
    """The field as the page has it, which must be there; a list must honour its arguments."""
    value = source[info.path.key]  # under its alias, where it has one
    if "first" in arguments:
        nodes, told = value["nodes"], value.get("pageInfo", {})
        more = told.get("hasNextPage", len(nodes) >= arguments["first"])
        assert len(nodes) == arguments["first"] if more else len(nodes) <= arguments["first"]
        assert ("endCursor" not in told) or (told["endCursor"] is None) == (not nodes)
    return value


def _assert_fits(schema: GraphQLSchema, operation: Operation, data: Json) -> None:
    root = dict(data)
    if "nodes" in root:
        root["nodes"] = [
            node | {"__typename": "PullRequest" if node["id"].startswith("PR_") else "PullRequestReview"}
            for node in root["nodes"]
        ]
    if operation.name in NODE_TYPES:  # the interface needs to know; the operation does not ask
        root["node"] = root["node"] | {"__typename": NODE_TYPES[operation.name]}
    result = execute(
        schema,
        parse(document(operation.name)),
        root_value=root,
        variable_values=dict(operation.variables),
        field_resolver=_resolve,
    )
    assert isinstance(result, ExecutionResult)
    assert result.errors is None
    assert result.data == data


def _sent(transport: DemoTransport, name: str, /, **variables: Any) -> tuple[Operation, Json]:
    operation = Operation(name=name, variables=variables)
    (data,) = transport.send([operation]).data
    assert data is not None
    return operation, data


def test_every_operation_has_an_answer(first_night: DemoTransport) -> None:
    for name in operation_names():
        if name in ("MoreDeploymentStatuses", "OrganizationTeams", "Releases", "Tags"):
            # No made-up deployment has more than come with it; doctor tries no made-up permission; and there
            # are neither releases nor tags.
            continue
        variables = {"owner": "x", "name": "y", "login": "z", "id": "PR_0_0", "after": None, "pageSize": 1}
        variables |= {"ids": ["PR_0_0"], "query": "repo:x/y is:pr created:*..2026-01-01T00:00:00Z"}
        assert len(first_night.send([Operation(name=name, variables=variables)]).data) == 1


def test_lists_of_pull_requests_fit(schema: GraphQLSchema, first_night: DemoTransport) -> None:
    for repository in repository_names(first_night):
        owner, name = repository.split("/")
        for page in list(raw_pages(first_night, repository, page_size=25))[:6]:
            asked = {"owner": owner, "name": name, "after": None, "pageSize": 25}
            _assert_fits(schema, Operation(name="PullRequests", variables=asked), page)


def test_repositories_and_server_time_fit(schema: GraphQLSchema, first_night: DemoTransport) -> None:
    _assert_fits(schema, *_sent(first_night, "OrganizationRepositories", login="acme", after=None))
    _assert_fits(schema, *_sent(first_night, "ServerTime"))
    for repository in repository_names(first_night):
        owner, name = repository.split("/")
        _assert_fits(schema, *_sent(first_night, "RepositoryState", owner=owner, name=name))
        asked = {"owner": owner, "name": name, "after": None, "pageSize": 50}
        _assert_fits(schema, *_sent(first_night, "DeploymentSpan", owner=owner, name=name))
        operation, data = _sent(first_night, "Deployments", **asked)
        _assert_fits(schema, operation, data)
        assert data["repository"]["deployments"]["nodes"]


def test_what_a_sweep_and_a_count_ask_fits(schema: GraphQLSchema, first_night: DemoTransport) -> None:
    (repository, *_) = repository_names(first_night)
    page = next(iter(raw_pages(first_night, repository, page_size=25)))
    ids = [node["id"] for node in page["repository"]["pullRequests"]["nodes"]]
    _assert_fits(schema, *_sent(first_night, "PullRequestsById", ids=ids))
    _assert_fits(schema, *_sent(first_night, "ThreadStates", ids=ids))
    _assert_fits(schema, *_sent(first_night, "MoreThreadStates", id=ids[0], after=None))
    said = [
        review["id"]
        for node in page["repository"]["pullRequests"]["nodes"]
        for review in node["reviews"]["nodes"]
    ]
    operation, data = _sent(first_night, "ReactionCounts", ids=said)
    _assert_fits(schema, operation, data)
    rated = [
        node["id"]
        for node in data["nodes"]
        if any(g["reactors"]["totalCount"] for g in node["reactionGroups"])
    ]
    assert rated
    for node_id in rated:
        _assert_fits(schema, *_sent(first_night, "MoreReactions", id=node_id, after=None))
    query = f"repo:{repository} is:pr created:*..2026-07-10T02:00:00Z"
    operation, data = _sent(first_night, "CreatedPullRequests", query=query)
    _assert_fits(schema, operation, data)
    assert data["search"]["issueCount"] > 50
    query = f"repo:{repository} is:pr updated:>=2026-07-09T02:00:00Z"
    operation, changed = _sent(first_night, "CreatedPullRequests", query=query)
    _assert_fits(schema, operation, changed)
    assert 0 < changed["search"]["issueCount"] < data["search"]["issueCount"]


@pytest.mark.parametrize("connection", ["labels", "reviews", "reviewThreads", "timelineItems", "comments"])
def test_rests_of_nested_lists_fit(
    schema: GraphQLSchema, first_night: DemoTransport, connection: str
) -> None:
    nodes = [
        node
        for repository in repository_names(first_night)
        for page in raw_pages(first_night, repository)
        for node in page["repository"]["pullRequests"]["nodes"]
    ]
    if connection == "comments":
        nodes = [thread for node in nodes for thread in node["reviewThreads"]["nodes"]]
    name = NESTED.get(connection, "MoreReviewComments")
    parents = [node for node in nodes if node[connection]["pageInfo"]["hasNextPage"]]
    assert parents
    for parent in parents:
        after = parent[connection]["pageInfo"]["endCursor"]
        _assert_fits(schema, *_sent(first_night, name, id=parent["id"], after=after))
