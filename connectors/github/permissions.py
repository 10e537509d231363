"""What a token lacks, found by asking for one of each thing that a night reads.

Here: the questions, and the permission that each refusal means.
Not here: which repositories the token can see at all (``client``).

Fine-grained tokens and Apps tell their permissions nowhere, so each is tried. Nothing of the answers is kept.
"""

from collections.abc import Iterator, Sequence

from connectors.contract import Gap
from connectors.errors import StopScopeError
from connectors.github.deployments import Reading
from connectors.github.transport import REFUSED, Operation, Send, error_kinds

_PULL_REQUESTS = "Pull requests (read) of the repositories; for a classic token: repo"
_OF_REPOSITORIES = "(read) of the repositories; for a classic token: repo"
_MEMBERS = "Members (read) of the organisation; for a classic token: read:org"


def lacking(
    send: Send,
    *,
    repository: str,
    organizations: Sequence[str],
    reading: Reading | None,
) -> Iterator[Gap]:
    """A gap for each permission refused on ``repository``, which is visible, or on an organisation."""
    owner, _, name = repository.partition("/")
    one = {"owner": owner, "name": name, "after": None, "pageSize": 1}
    asked = [
        (
            f"github:{repository}",
            Operation(name="PullRequests", variables=one),
            "pull requests",
            _PULL_REQUESTS,
        )
    ]
    if reading is not None:
        asked += [
            (
                f"github:{repository}",
                Operation(name=reading.operation, variables=one),
                reading.by,
                f"{reading.permission} {_OF_REPOSITORIES}",
            )
        ]
    asked += [
        (
            f"github:organization/{login}",
            Operation(name="OrganizationTeams", variables={"login": login}),
            "members of teams, so requests to whole teams show nobody",
            _MEMBERS,
        )
        for login in organizations
    ]
    for scope, operation, what, permission in asked:
        of = scope.removeprefix("github:")
        try:
            answer = send([operation])  # each alone: one refusal must not hide the others
        except StopScopeError as reason:
            yield Gap(scope=scope, message=f"{of}: {reason} It was asked for {what}.")
            continue
        if error_kinds(answer.errors) & REFUSED:
            yield Gap(
                scope=scope,
                message=f"{of}: the token may not read {what}. Give it {permission}.",
            )
