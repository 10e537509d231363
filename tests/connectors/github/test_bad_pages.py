"""Pages and answers that are not what GitHub promises: a gap in words, and everything else goes on.

Here: a malformed page, a cursor that does not move, what is not there or may not be seen.
Not here: answers that never arrive (``test_http``).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from connectors.contract import Gap, Page
from connectors.errors import StopScopeError, StopSourceError
from connectors.github.answers import path_of
from connectors.github.client import GitHubSource
from connectors.github.records import PullRequest
from connectors.github.transport import Answer, Json, Operation
from tests.connectors.came import WhatCame, came
from tests.connectors.github.builders import (
    KETTLE,
    SERVED_AT,
    TOASTER,
    ServedPages,
    connection,
    page_of,
    read,
    review,
    serving,
)
from tests.connectors.github.neighbours import (
    ONE,
    SECRET,
    TWO,
    whole,
)


def _edited(change: Callable[[Json], None]) -> WhatCame:
    """Two pages of a repository, the second of them changed, and a good repository after it."""
    second = page_of(whole(2))
    change(second["repository"])
    pages = {
        ("acme/kettle", None): page_of(whole(1), more="c1"),
        ("acme/kettle", "c1"): second,
        ("acme/toaster", None): page_of(whole(3), repository=TOASTER),
    }
    return read(ServedPages(pages=pages), "acme/kettle", "acme/toaster")


def _set(**changed: Any) -> Callable[[Json], None]:
    def change(repository: Json) -> None:
        repository.update(changed)
        for name in [name for name, value in changed.items() if value is ...]:
            del repository[name]

    return change


def _set_list(**changed: Any) -> Callable[[Json], None]:
    def change(repository: Json) -> None:
        _set(**changed)(repository["pullRequests"])

    return change


REST_MISSING = "The pages before it are kept; the rest is missing."
READ_KEPT = "What was read is kept; the rest is missing."


@pytest.mark.parametrize(
    ("change", "message", "is_kept"),
    [
        (
            _set(pullRequests=...),
            f"repository acme/kettle: no pullRequests in the answer. {REST_MISSING}",
            False,
        ),
        (
            _set_list(nodes=None),
            f"acme/kettle, page 2: a list of pull requests was wanted, found none. {REST_MISSING}",
            False,
        ),
        (
            _set_list(nodes={"0": "x"}),
            f"acme/kettle, page 2: a list of pull requests was wanted, found none. {REST_MISSING}",
            False,
        ),
        (
            _set(databaseId=None),
            "repository acme/kettle: databaseId is missing or null. Nothing of this page was written.",
            False,
        ),
        (
            _set_list(pageInfo=...),
            "acme/kettle, page 2: the answer does not say whether there is another page (pageInfo). "
            + READ_KEPT,
            True,
        ),
        (
            _set_list(pageInfo={"hasNextPage": "yes", "endCursor": "c2"}),
            "acme/kettle, page 2: the answer does not say whether there is another page (pageInfo). "
            + READ_KEPT,
            True,
        ),
        (
            _set_list(pageInfo={"hasNextPage": True, "endCursor": "c1"}),
            f"acme/kettle, page 2: the next page's cursor is missing or the same as before. {READ_KEPT}",
            True,
        ),
        (
            _set_list(pageInfo={"hasNextPage": True, "endCursor": None}),
            f"acme/kettle, page 2: the next page's cursor is missing or the same as before. {READ_KEPT}",
            True,
        ),
    ],
)
def test_a_malformed_page_is_a_gap_of_its_repository(
    change: Callable[[Json], None], message: str, is_kept: bool
) -> None:
    found = _edited(change)
    assert [(gap.scope, gap.message) for gap in found.gaps] == [("github:501", message)]
    assert found.keys("pull_requests") == [ONE, *([TWO] if is_kept else []), "github:502/pull/3"]
    assert found.rejected == []


def test_cursors_that_go_in_a_circle_end() -> None:
    pages: dict[tuple[str, str | None], Json | None] = {
        ("acme/kettle", None): page_of(whole(1), more="a"),
        ("acme/kettle", "a"): page_of(whole(2), more="b"),
        ("acme/kettle", "b"): page_of(whole(3), more="a"),
    }
    transport = ServedPages(pages=pages)
    found = read(transport)
    assert [gap.message for gap in found.gaps] == [
        f"acme/kettle, page 3: the next page's cursor is missing or the same as before. {READ_KEPT}"
    ]
    assert len(found.all(PullRequest)) == 3
    assert len(transport.requests) == 4  # the server's time, then each page once


def test_a_repository_that_is_not_there_is_a_gap_and_others_go_on() -> None:
    pages: dict[tuple[str, str | None], Json | None] = {("acme/kettle", None): page_of(whole(1))}
    found = read(ServedPages(pages=pages), "acme/cattle", "acme/kettle")
    assert [(gap.scope, gap.message) for gap in found.gaps] == [
        (
            "github:acme/cattle",
            "repository acme/cattle: no repository in the answer. GitHub said NOT_FOUND. "
            "Nothing of it was written in this run. Is the name right, and may the token see it?",
        )
    ]
    assert found.keys("pull_requests") == [ONE]


def test_an_organisation_that_cannot_be_seen_is_a_gap_and_the_named_repositories_go_on() -> None:
    transport = serving(whole(1))
    source = GitHubSource(transport=transport, organizations=["ghosts"], repositories=["acme/kettle"])
    found = came(source.pages())
    assert [(gap.scope, gap.message) for gap in found.gaps] == [
        (
            "github:organization/ghosts",
            "organisation ghosts: no repositories in the answer. GitHub said NOT_FOUND. "
            "Nothing of it was written in this run. Is the name right, and may the token see it?",
        )
    ]
    assert found.keys("pull_requests") == [ONE]


def test_a_repository_of_an_organisation_that_tells_no_name_is_a_gap_and_the_others_are_read() -> None:
    transport = serving(whole(1))
    nameless = {**TOASTER, "nameWithOwner": None}
    transport.organizations["acme", None] = connection(None, nameless, KETTLE)
    found = came(GitHubSource(transport=transport, organizations=["acme"]).pages())
    assert [gap.message for gap in found.gaps] == [
        "organisation acme, repository 1 of its page: repository is missing or null.",
        "organisation acme, repository 2 of its page: nameWithOwner is missing or null.",
    ]
    assert {gap.scope for gap in found.gaps} == {"github:organization/acme"}
    assert found.keys("pull_requests") == [ONE]


def test_an_organisation_whose_list_is_no_list_is_a_gap() -> None:
    transport = ServedPages(organizations={("acme", None): {**connection(), "nodes": None}})
    found = came(GitHubSource(transport=transport, organizations=["acme"]).pages())
    assert [gap.message for gap in found.gaps] == [
        f"organisation acme: a list of repositories was wanted, found none. {REST_MISSING}"
    ]


def test_a_kind_of_error_is_repeated_only_where_it_is_a_word() -> None:
    transport = ServedPages(errors=[{"type": SECRET}])
    (gap,) = read(transport).gaps
    assert "GitHub said NOT_FOUND, NO_TYPE_GIVEN." in gap.message
    assert SECRET not in gap.message


def test_a_server_that_does_not_tell_its_time_stops_the_source() -> None:
    """The night asks for it before any page, and there only StopSourceError is expected."""
    source = GitHubSource(transport=ServedPages(fails_on="ServerTime"))
    with pytest.raises(StopSourceError, match=r"^GitHub answered 502\. Tried 5 times\.$"):
        source.server_time()


def test_a_stop_in_the_middle_of_a_repository_is_a_gap_of_it_too() -> None:
    """It has pages, and without a gap of its own the next run would take it for read to its end."""

    @dataclass(slots=True)
    class Refusing:
        behind: ServedPages

        def send(self, operations: Sequence[Operation]) -> Answer:
            if operations[0].variables.get("after") == "p1":
                raise StopSourceError("GitHub refused the token (401).")
            return self.behind.send(operations)

    pages = {
        ("acme/kettle", None): page_of(
            whole(1, reviews=connection(review(1), more="n1")), whole(2), more="p1"
        )
    }
    given: list[Page | Gap] = []
    source = GitHubSource(
        transport=Refusing(ServedPages(pages=pages)), repositories=["acme/kettle", "acme/toaster"]
    )
    with pytest.raises(StopSourceError, match=r"^GitHub refused the token \(401\)\.$"):
        given.extend(source.pages())
    found = came(given)
    assert found.keys("pull_requests") == [TWO]
    assert [(gap.scope, gap.message) for gap in found.gaps] == [
        (
            "github:501",
            "GitHub refused the token (401). Not written because only half read: 1 pull requests (#1...).",
        )
    ]


def test_an_organisation_behind_a_sign_on_that_the_token_lacks_is_told_as_such() -> None:
    refused = {"type": "FORBIDDEN", "extensions": {"saml_failure": True}, "operation": 0}
    answer = Answer(data=({"organization": None},), errors=(refused,), served_at_utc=SERVED_AT, points=1)
    with pytest.raises(StopScopeError, match=r"said FORBIDDEN\..*Authorise it where it was made"):
        path_of(answer, "organization", "repositories", what="organisation acme")
