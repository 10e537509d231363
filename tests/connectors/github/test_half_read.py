"""Nested lists of which only a part can be read: half of them would be a wrong number.

Here: the pull request is quarantined, whatever else there is goes on.
Not here: lists that are read to their end (``test_client``).
"""

import pytest

from connectors.contract import RejectedRecord
from connectors.github.transport import Json
from tests.connectors.github.builders import (
    TOASTER,
    ServedPages,
    comment,
    connection,
    page_of,
    read,
    request,
    review,
    serving,
    thread,
)
from tests.connectors.github.neighbours import (
    CHILDREN,
    ONE,
    TWO,
    assert_neighbours_came,
    unread_words,
    whole,
    with_neighbours,
)

HALF = (
    "the rest of {} could not be read. Left out with its children, because half of them would be a wrong "
    "number; an older state of it stays in use."
)


@pytest.mark.parametrize(
    ("name", "first", "operation"),
    [
        ("labels", {"name": "safety"}, "MoreLabels"),
        ("reviews", review(1), "MoreReviews"),
        ("reviewThreads", thread(1, comment(1)), "MoreReviewThreads"),
        ("timelineItems", request(1), "MoreTimelineEvents"),
    ],
)
@pytest.mark.parametrize(
    "rest", ["not there", "null list", "no nodes", "no pageInfo", "a cursor again"], ids=lambda name: name
)
def test_a_half_read_list_quarantines_its_pull_request(
    name: str, first: Json, operation: str, rest: str
) -> None:
    half = whole(1, **{name: connection(first, more="n1")})
    answers: dict[str, Json | None] = {
        "not there": None,
        "null list": {name: None},
        "no nodes": {name: {**connection(), "nodes": None}},
        "no pageInfo": {name: {"nodes": [first]}},
        "a cursor again": {name: connection(first, more="n1")},
    }
    transport = ServedPages(
        pages={
            ("acme/kettle", None): page_of(half, whole(2)),
            ("acme/toaster", None): page_of(whole(3), repository=TOASTER),
        },
        rests={(operation, "PR_1", "n1"): answers[rest]},
    )
    found = read(transport, "acme/kettle", "acme/toaster")
    assert_neighbours_came(found, unread=1)
    assert found.only_reject == RejectedRecord(
        stream="pull_requests",
        scope="github:501",
        ref="acme/kettle#1",
        field=name,
        problem="half_read",
        message=HALF.format(name),
        is_lost=True,
    )
    assert ONE not in found.keys("pull_requests")
    assert "github:review/1" not in found.keys("reviews")
    assert (
        sum(names.count(operation) for names in transport.asked) == 1
    )  # a cursor that was used is not used again


def test_the_half_read_comments_of_a_thread_quarantine_its_pull_request() -> None:
    talk = thread(1, comments=connection(comment(1), more="n1"))
    found = with_neighbours(whole(1, reviewThreads=connection(talk)))
    assert_neighbours_came(found, unread=1)
    assert (found.only_reject.problem, found.only_reject.message) == ("half_read", HALF.format("comments"))
    assert ONE not in found.keys("pull_requests")


@pytest.mark.parametrize(
    "listed",
    [
        {"nodes": [review(1)]},
        {"nodes": [review(1)], "pageInfo": None},
        {"nodes": [review(1)], "pageInfo": {"hasNextPage": True, "endCursor": None}},
    ],
    ids=["no pageInfo", "null pageInfo", "no cursor"],
)
def test_a_list_that_does_not_say_whether_it_goes_on_is_half_read(listed: Json) -> None:
    transport = serving(whole(1, reviews=listed), whole(2))
    found = read(transport)
    assert (found.only_reject.problem, found.only_reject.message) == ("half_read", HALF.format("reviews"))
    assert found.keys("pull_requests") == [TWO]
    assert transport.asked == [["ServerTime"], ["PullRequests"]]  # nothing to ask for


def test_a_long_list_of_a_pull_request_without_id_is_half_read() -> None:
    found = read(serving(whole(1, id=None, reviews=connection(review(1), more="n1")), whole(2)))
    assert (found.only_reject.problem, found.only_reject.message) == ("half_read", HALF.format("reviews"))
    assert found.keys("pull_requests") == [TWO]


def test_a_long_list_without_nodes_is_rejected_as_what_it_is() -> None:
    broken = {"nodes": None, "pageInfo": {"hasNextPage": True, "endCursor": "n1"}}
    found = read(serving(whole(1, reviews=broken), whole(2)))
    assert found.only_reject.message == f"reviews.nodes should be a list, found nothing. {CHILDREN}"
    assert found.keys("pull_requests") == [TWO]


def test_a_stop_while_rests_are_read_names_those_that_were_not_written() -> None:
    transport = serving(whole(1, reviews=connection(review(1), more="n1")), whole(2))
    transport.fails_on = "MoreReviews"
    found = read(transport)
    assert [gap.message for gap in found.gaps] == [
        "GitHub answered 502. Tried 5 times. Not written because only half read: 1 pull requests (#1...)."
    ]
    assert found.keys("pull_requests") == [TWO]


def test_half_read_pull_requests_of_many_pages_are_one_gap_behind_the_last_page() -> None:
    """A load keeps one gap of a scope; with it the repository does not count as read to its end."""
    half = [whole(number, reviews=connection(review(number), more="n1")) for number in (1, 2, 3)]
    pages = {
        ("acme/kettle", None): page_of(half[0], None, more="p1"),
        ("acme/kettle", "p1"): page_of(half[1], half[2], whole(4)),
    }
    found = read(ServedPages(pages=pages))
    assert [(gap.scope, gap.message) for gap in found.gaps] == [("github:501", unread_words(4))]
    assert len(found.rejected) == 4
    assert found.keys("pull_requests") == ["github:501/pull/4"]


def test_a_bad_record_is_no_gap() -> None:
    """It would be as bad the next time."""
    found = read(serving(whole(1, title=None), whole(2, reviews=connection(review(1, state="NEW")))))
    assert len(found.rejected) == 2
    assert found.gaps == ()
