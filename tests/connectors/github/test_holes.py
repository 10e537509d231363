"""What GitHub could not or would not tell below a row is never taken for "none".

Here: errors with a path below a row, that stay however often it is asked: of pull requests, their rests,
deployments, and the states of repositories. Not here: pages that are halved because of them (``test_client``,
``test_page_size``).
"""

from collections.abc import Sequence
from typing import Any

import pytest

from connectors.github.client import GitHubSource
from connectors.github.deployments import deployment_pages
from connectors.github.known import KnownRepository
from connectors.github.parse import parse_repository
from connectors.github.records import Deployment, PullRequest, Review
from connectors.github.transport import Answer, Json, Operation
from tests.connectors.came import WhatCame, came
from tests.connectors.github.builders import (
    KETTLE,
    SERVED_AT,
    ServedPages,
    connection,
    page_of,
    pull_request,
    read,
    review,
    serving,
)

REFUSED = (
    "GitHub refused {field}: the token may not read it. Everything else was kept, but what is empty there is "
    "not known to be nothing. Give the token the permission (`evenhand doctor` tries each); the next run "
    "reads back as far as this one did."
)
UNREAD = (
    "acme/kettle: 1 of its pull requests could not be read whole (ops.rejected_records says which). "
    "Everything else was kept; the next run reads back as far as this one did."
)


def below(*path: Any, **said: str) -> Json:
    return {"operation": 0, "path": ["repository", "pullRequests", "nodes", *path], **said}


@pytest.mark.parametrize(
    ("path", "field"),
    [((0, "author"), "author"), ((0, "reviews", "nodes", 0, "author"), "author"), ((0, "x" * 99), "a field")],
    ids=str,
)
def test_one_that_github_fails_to_tell_whole_is_left_out_and_read_again(
    path: Sequence[Any], field: str
) -> None:
    """Null is GitHub's word for a deleted author too: with an error beside it it is no word at all."""
    transport = serving(pull_request(1, author=None, reviews=connection(review(1))), pull_request(2))
    transport.errors = [below(*path, message="Something went wrong")]
    found = read(transport)
    assert [one.number for one in found.all(PullRequest)] == [2]
    assert found.all(Review) == []
    assert (found.only_reject.ref, found.only_reject.field, found.only_reject.problem) == (
        "acme/kettle#1",
        field,
        "half_read",
    )
    assert [(gap.scope, gap.message) for gap in found.gaps] == [("github:501", UNREAD)]


def test_an_error_that_names_no_place_is_everybodys() -> None:
    transport = serving(pull_request(1), pull_request(2))
    transport.errors = [{"operation": None, "message": "Something went wrong"}]
    found = read(transport)
    assert found.all(PullRequest) == []
    assert found.gaps[0].message == UNREAD.replace("1 of", "2 of")


def test_a_failure_above_the_rows_ends_the_repository() -> None:
    transport = serving(pull_request(1))
    transport.errors = [{"operation": 0, "path": ["repository", "defaultBranchRef"], "message": "x"}]
    found = read(transport)
    assert found.all(PullRequest) == []
    assert found.gaps[0].message == (
        "repository acme/kettle: GitHub answered with errors each time it was asked. The pages before it are "
        "kept; the rest is missing."
    )


@pytest.mark.parametrize(
    ("path", "field"),
    [
        (["repository", "pullRequests", "nodes", 0, "mergeCommit"], "mergeCommit"),
        (["repository", "defaultBranchRef"], "defaultBranchRef"),
        (None, "a field"),
    ],
    ids=["below a row", "above the rows", "nowhere"],
)
def test_what_the_token_may_not_read_is_named_and_everything_else_kept(path: Any, field: str) -> None:
    transport = serving(pull_request(1, mergeCommit=None), pull_request(2))
    transport.errors = [{"operation": 0, "type": "FORBIDDEN", "path": path}]
    found = read(transport)
    assert [one.number for one in found.all(PullRequest)] == [1, 2]
    assert [(gap.scope, gap.message) for gap in found.gaps] == [
        ("github:501", f"acme/kettle: {REFUSED.format(field=field)}")
    ]
    assert transport.asked == [["ServerTime"], ["PullRequests"]]


def test_a_repository_with_both_says_both() -> None:
    transport = serving(pull_request(1), pull_request(2))
    transport.errors = [below(0, "author", message="x"), below(1, "mergeCommit", type="FORBIDDEN")]
    (gap,) = read(transport).gaps
    assert gap.message == f"{UNREAD} acme/kettle: {REFUSED.format(field='mergeCommit')}"


class RestsWithErrors(ServedPages):
    """Errors beside the answers to rests alone."""

    said: Json

    def send(self, operations: Sequence[Operation]) -> Answer:
        self.errors = [self.said] if operations[0].name == "MoreReviews" else []
        return super().send(operations)


@pytest.mark.parametrize("said", [{"message": "x"}, {"type": "FORBIDDEN"}], ids=["failed", "refused"])
def test_so_is_what_comes_of_a_nested_list_later(said: Json) -> None:
    transport = RestsWithErrors(
        pages={("acme/kettle", None): page_of(pull_request(1, reviews=connection(review(1), more="r1")))},
        rests={("MoreReviews", "PR_1", "r1"): {"reviews": connection(review(2, author=None))}},
    )
    transport.said = {"operation": 0, "path": ["node", "reviews", "nodes", 0, "author"], **said}
    found = read(transport)
    if "type" in said:
        assert len(found.all(Review)) == 2
        assert found.gaps[0].message == f"acme/kettle: {REFUSED.format(field='author')}"
    else:
        assert found.all(Review) == []
        assert found.gaps[0].message == UNREAD


# ------------------------------------------------------------------------------ deployments


def deployment(number: int) -> Json:
    return {
        "databaseId": number,
        "environment": "production",
        "commitOid": "c" * 40,
        "createdAt": "2026-03-02T09:00:00Z",
        "commit": None,
        "statuses": connection({"createdAt": "2026-03-02T09:01:00Z", "state": "SUCCESS", "logUrl": None}),
    }


@pytest.mark.parametrize("said", [{"message": "x"}, {"type": "FORBIDDEN"}], ids=["failed", "refused"])
def test_a_deployment_whose_commit_is_not_told_is_none_without_a_commit(said: Json) -> None:
    error = {"operation": 0, "path": ["repository", "deployments", "nodes", 0, "commit"], **said}
    listed = {"databaseId": 501, "deployments": {**connection(deployment(1), deployment(2)), "totalCount": 2}}

    def send(operations: Sequence[Operation]) -> Answer:
        data = tuple({"repository": listed} for _ in operations)
        return Answer(data=data, errors=(error,), served_at_utc=SERVED_AT, points=1)

    found = came(deployment_pages(send, [parse_repository(KETTLE)], {}))
    (gap,) = found.gaps
    if "type" in said:
        assert len(found.all(Deployment)) == 2
        assert gap.message == f"deployments of acme/kettle: {REFUSED.format(field='commit')}"
    else:
        assert [one.deployment_id for one in found.all(Deployment)] == ["github:deployment/2"]
        assert (found.only_reject.field, found.only_reject.problem) == ("commit", "half_read")
        assert gap.message == "1 deployments of acme/kettle could not be read (ops.rejected_records)."


@pytest.mark.parametrize("times", [1, 2], ids=["once", "each time"])
def test_statuses_of_a_deployment_that_fail_are_asked_for_once_more(times: int) -> None:
    """Its end may lie beyond the first few: without the others it would look as if it had none."""
    first = deployment(1)
    first = {**first, "id": "DE_1", "statuses": {**first["statuses"], **connection(more="s1")}}
    left = [times]

    def send(operations: Sequence[Operation]) -> Answer:
        errors: tuple[Json, ...] = ()
        data: Json = {"repository": {"databaseId": 501, "deployments": connection(first)}}
        if operations[0].name == "MoreDeploymentStatuses":
            data = {"node": {"statuses": deployment(1)["statuses"]}}
            if left[0]:
                left[0] -= 1
                data = {"node": {"statuses": connection()}}
                errors = ({"operation": 0, "path": ["node", "statuses", "nodes"], "message": "x"},)
        return Answer(data=(data,), errors=errors, served_at_utc=SERVED_AT, points=1)

    found = came(deployment_pages(send, [parse_repository(KETTLE)], {}))
    if times == 1:
        assert found.one(Deployment).state == "success"
    else:
        assert found.all(Deployment) == []
        assert (found.only_reject.field, found.only_reject.problem) == ("statuses", "half_read")


# ------------------------------------------------------------------------------ states of repositories


@pytest.mark.parametrize("is_named", [True, False], ids=["named", "listed"])
@pytest.mark.parametrize("said", [None, {"message": "x"}, {"type": "FORBIDDEN"}], ids=str)
def test_a_repository_whose_state_is_not_told_whole_is_walked(said: Json | None, is_named: bool) -> None:
    """It looks as if nothing had moved in it: without the error beside it that would be taken as said."""
    state = {**KETTLE, "defaultBranchRef": None, "pullRequests": connection()}

    class States(ServedPages):
        def _answer(self, operation: Operation) -> Json | None:
            return (
                {"repository": state} if operation.name == "RepositoryState" else super()._answer(operation)
            )

        def send(self, operations: Sequence[Operation]) -> Answer:
            path = ["repository", "pullRequests"]
            is_state = operations[0].name in ("RepositoryState", "OrganizationRepositories")
            self.errors = [{"operation": 0, "path": path, **said}] if said and is_state else []
            return super().send(operations)

    transport = States(
        pages={("acme/kettle", None): page_of(pull_request(1))},
        organizations={("acme", None): connection(state)},
    )
    where: Json = {"repositories": ["acme/kettle"]} if is_named else {"organizations": ["acme"]}
    source = GitHubSource(
        transport=transport, known={"github:501": KnownRepository(complete_at_utc=SERVED_AT)}, **where
    )
    found: WhatCame = came(source.pages())
    assert len(found.all(PullRequest)) == (0 if said is None else 1)
    assert found.gaps == ()
