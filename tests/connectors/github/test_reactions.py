"""Reactions: their names are asked for where somebody else's words are rated, and nowhere else."""

from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.github.client import GitHubSource
from connectors.github.known import KnownRepository
from connectors.github.records import PullRequest, Reaction, Review
from connectors.github.transport import Json
from tests.connectors.github.builders import (
    KETTLE,
    ORLA,
    SERVED_AT,
    TILDE,
    ServedPages,
    comment,
    connection,
    pull_request,
    reaction,
    reaction_group,
    read,
    review,
    serving,
    thread,
)

PULL = "github:501/pull/1"


def rated(pull: Json, rests: dict[Any, Any]) -> ServedPages:
    transport = serving(pull)
    transport.rests = {
        ("MoreReactions", node_id, after): {"reactions": listed} for (node_id, after), listed in rests.items()
    }
    return transport


def test_whose_reaction_and_which_and_when() -> None:
    hearts = review(1, reactionGroups=[reaction_group("HEART"), reaction_group("EYES", 0)])
    thumb = comment(2, reactionGroups=[reaction_group("THUMBS_UP")])
    pull = pull_request(1, reviews=connection(hearts), reviewThreads=connection(thread(1, thumb)))
    transport = rated(
        pull,
        {
            ("PRR_1", None): connection(reaction(8, content="HEART")),
            ("PRRC_2", None): connection(reaction(9, user=None)),
        },
    )
    came = read(transport)
    at = datetime(2026, 3, 2, 11, tzinfo=UTC)
    assert sorted(came.all(Reaction), key=lambda one: one.key) == [
        Reaction(
            reaction_id="github:review/1/reaction/REA_8",
            target_id="github:review/1",
            pull_request_id=PULL,
            author_account_id="github:user/11",
            content="HEART",
            created_at_utc=at,
        ),
        Reaction(
            reaction_id="github:review_comment/2/reaction/REA_9",
            target_id="github:review_comment/2",
            pull_request_id=PULL,
            author_account_id=None,
            content="THUMBS_UP",
            created_at_utc=at,
        ),
    ]
    assert transport.asked[2:] == [["MoreReactions", "MoreReactions"]], "both in one request"


@pytest.mark.parametrize(
    "said",
    [
        review(1, reactionGroups=[reaction_group("LAUGH"), reaction_group("EYES", 3)]),
        review(1, reactionGroups=[reaction_group("HEART", 0)]),
        review(1, reactionGroups=None),
        review(1, reactionGroups=..., body="a page without the field"),
        review(1, author=TILDE, reactionGroups=[reaction_group("HEART")]),
    ],
    ids=["no rating", "none at all", "null", "not there", "the author's own words"],
)
def test_names_are_not_asked_for_without_a_rating_by_somebody_else(said: Json) -> None:
    transport = serving(pull_request(1, reviews=connection(said)))
    came = read(transport)
    assert came.one(Review)
    assert came.all(Reaction) == []
    assert transport.asked[2:] == []


def test_a_deleted_author_may_have_been_rated_by_another() -> None:
    ghost = review(1, author=None, reactionGroups=[reaction_group("HEART")])
    transport = rated(
        pull_request(1, author=None, reviews=connection(ghost)),
        {("PRR_1", None): connection(reaction(1, user=ORLA))},
    )
    assert read(transport).one(Reaction).author_account_id == "github:user/12"


def test_a_laugh_that_comes_with_the_others_is_not_kept() -> None:
    said = review(1, reactionGroups=[reaction_group("HEART"), reaction_group("LAUGH")])
    listed = connection(reaction(1, content="LAUGH"), reaction(2, content="HEART"))
    came = read(rated(pull_request(1, reviews=connection(said)), {("PRR_1", None): listed}))
    assert came.one(Reaction).content == "HEART"


def test_many_reactions_are_read_to_the_end() -> None:
    said = review(1, reactionGroups=[reaction_group("HEART", 3)])
    rests = {
        ("PRR_1", None): connection(reaction(1), reaction(2), more="r2"),
        ("PRR_1", "r2"): connection(reaction(3)),
    }
    came = read(rated(pull_request(1, reviews=connection(said)), rests))
    assert [one.reaction_id for one in came.all(Reaction)] == [
        f"github:review/1/reaction/REA_{number}" for number in (1, 2, 3)
    ]


def test_reviews_and_comments_behind_the_first_part_of_their_list_are_asked_about_too() -> None:
    transport = rated(pull_request(1, reviews=connection(review(1), more="r1")), {})
    late = review(2, reactionGroups=[reaction_group("HEART")])
    transport.rests |= {
        ("MoreReviews", "PR_1", "r1"): {"reviews": connection(late)},
        ("MoreReactions", "PRR_2", None): {"reactions": connection(reaction(5))},
    }
    assert read(transport).one(Reaction).target_id == "github:review/2"


def test_a_pull_request_whose_reactions_cannot_be_read_is_left_out_whole() -> None:
    said = review(1, reactionGroups=[reaction_group("HEART")])
    came = read(rated(pull_request(1, reviews=connection(said)), {}))
    assert came.all(PullRequest) == []
    assert (came.only_reject.field, came.only_reject.problem) == ("reactions", "half_read")


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        (reaction(1, content="SHRUG"), "content"),
        (reaction(1, createdAt="yesterday"), "createdAt"),
        (reaction(1, user={"__typename": "User"}), "databaseId"),
        (None, "reaction"),
    ],
)
def test_a_bad_reaction_is_quarantined_alone(bad: Any, field: str) -> None:
    said = review(1, reactionGroups=[reaction_group("HEART", 2)])
    listed = connection(bad, reaction(2))
    came = read(rated(pull_request(1, reviews=connection(said)), {("PRR_1", None): listed}))
    assert came.one(Reaction).reaction_id == "github:review/1/reaction/REA_2"
    assert (came.only_reject.stream, came.only_reject.field) == ("reactions", field)
    assert "alone" in came.only_reject.message


class Swept(ServedPages):
    """Nothing was updated; what reviews have now is told by their ids."""

    def _answer(self, operation: Any) -> Json | None:
        asked = operation.variables
        if operation.name == "RepositoryState":
            return {
                "repository": {**KETTLE, "pullRequests": {"nodes": [{"updatedAt": "2026-01-01T00:00:00Z"}]}}
            }
        if operation.name == "ThreadStates":
            none = {"pageInfo": {"hasNextPage": False}, "nodes": []}
            return {"nodes": [{"id": node_id, "reviewThreads": none} for node_id in asked["ids"]]}
        if operation.name == "ReactionCounts":
            now = {"PRR_1": [reaction_group("HEART")], "PRR_2": [reaction_group("LAUGH")]}
            return {
                "nodes": [
                    {"id": node_id, "reactionGroups": now[node_id]} if node_id in now else None
                    for node_id in asked["ids"]
                ]
            }
        if operation.name == "PullRequestsById":
            return {"nodes": [pull_request(number_of(one), repository=KETTLE) for one in asked["ids"]]}
        return super()._answer(operation)


def number_of(node_id: str) -> int:
    return int(node_id.removeprefix("PR_"))


@pytest.mark.parametrize(
    ("target", "stored", "is_read_again"),
    [
        ("PRR_1", {"HEART": 1}, False),
        ("PRR_1", {}, True),
        ("PRR_1", {"THUMBS_UP": 1}, True),
        ("PRR_2", {}, False),
        ("PRR_3", {}, True),
    ],
    ids=["the same", "a new one", "another one", "no rating", "the review is gone"],
)
def test_a_sweep_reads_again_what_is_rated_otherwise_than_stored(
    target: str, stored: dict[str, int], is_read_again: bool
) -> None:
    known = KnownRepository(complete_at_utc=SERVED_AT, recent={"PR_7": {}}, rated={"PR_7": {target: stored}})
    source = GitHubSource(transport=Swept(), repositories=("acme/kettle",), known={"github:501": known})
    numbers = [
        record.number
        for page in source.pages()
        for record in getattr(page, "records", ())
        if isinstance(record, PullRequest)
    ]
    assert numbers == ([7] if is_read_again else [])
