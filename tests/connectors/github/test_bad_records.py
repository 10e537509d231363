"""Records that are not what GitHub promises: what is said, what is kept, what is counted.

Here: one wrong field at a time, in a pull request or below it.
Not here: pages (``test_bad_pages``), lists that are read to the half (``test_half_read``).
"""

from typing import Any

import pytest

from connectors.contract import RejectedRecord
from connectors.github.records import PullRequest, PullRequestEvent, Review, ReviewComment, ReviewThread
from connectors.github.transport import Json
from tests.connectors.github.builders import (
    ORLA,
    TILDE,
    comment,
    connection,
    first_commit,
    pull_request,
    read,
    request,
    review,
    serving,
    thread,
)
from tests.connectors.github.neighbours import (
    ALONE,
    CHILDREN,
    COMMENTS,
    ONE,
    SECRET,
    TWO,
    assert_neighbours_came,
    whole,
    with_neighbours,
)

# ------------------------------------------------------------------------------ a pull request


@pytest.mark.parametrize(
    ("changed", "field", "problem", "message"),
    [
        ({"title": ...}, "title", "missing_field", "title is missing or null"),
        ({"title": 5}, "title", "wrong_type", "title should be text, found a number"),
        ({"url": None}, "url", "missing_field", "url is missing or null"),
        ({"isDraft": "no"}, "isDraft", "wrong_type", "isDraft should be true or false, found text"),
        (
            {"state": "LOCKED"},
            "state",
            "unknown_value",
            "state is LOCKED; known: OPEN, CLOSED, MERGED",
        ),
        (
            {"state": f"open {SECRET}"},
            "state",
            "unknown_value",
            "state is another word; known: OPEN, CLOSED, MERGED",
        ),
        ({"mergedAt": ...}, "mergedAt", "missing_field", "mergedAt is missing or null"),
        (
            {"createdAt": "yesterday"},
            "createdAt",
            "wrong_type",
            "createdAt should be a time such as 2026-03-02T09:00:00Z, found text",
        ),
        (
            {"createdAt": "0001-01-01T00:00:00+01:00"},
            "createdAt",
            "wrong_type",
            "createdAt should be a time such as 2026-03-02T09:00:00Z, found text",
        ),
        (
            {"createdAt": "2026-03-02T09:00:00"},
            "createdAt",
            "wrong_type",
            "createdAt should be a time with its zone, found text",
        ),
        ({"createdAt": 1772442000}, "createdAt", "wrong_type", "createdAt should be text, found a number"),
        (
            {"mergedAt": "2026-03-10T12:06:00Z"},
            "mergedAt",
            "future_date",
            "mergedAt is 2026-03-10T12:06:00Z, later than the server's own time 2026-03-10T12:00:00Z",
        ),
        ({"author": ...}, "author", "missing_field", "author is missing or null"),
        ({"author": "tilde-moss"}, "author", "wrong_type", "author should be an object, found text"),
        (
            {"author": {**TILDE, "__typename": "Robot"}},
            "__typename",
            "unknown_value",
            "__typename is Robot; known: User, Bot, Mannequin, Organization, EnterpriseUserAccount",
        ),
        (
            {"author": {"__typename": "User", "login": "tilde-moss"}},
            "databaseId",
            "missing_field",
            "databaseId is missing or null",
        ),
        ({"labels": ...}, "labels", "missing_field", "labels is missing or null"),
        ({"commits": None}, "commits", "missing_field", "commits is missing or null"),
        ({"commits": {"nodes": [{"commit": None}]}}, "commit", "missing_field", "commit is missing or null"),
        (
            {"commits": first_commit("yesterday")},
            "authoredDate",
            "wrong_type",
            "authoredDate should be a time such as 2026-03-02T09:00:00Z, found text",
        ),
        (
            {"labels": {"nodes": None}},
            "labels.nodes",
            "missing_field",
            "labels.nodes should be a list, found nothing",
        ),
        (
            {"reviews": {"nodes": {}}},
            "reviews.nodes",
            "wrong_type",
            "reviews.nodes should be a list, found an object",
        ),
        ({"labels": connection(None)}, "label", "missing_field", "label is missing or null"),
        (
            {"reviewThreads": []},
            "reviewThreads",
            "wrong_type",
            "reviewThreads should be an object, found a list",
        ),
    ],
)
def test_a_bad_pull_request_goes_with_its_children(
    changed: Json, field: str, problem: str, message: str
) -> None:
    found = with_neighbours(whole(1, **changed))
    assert_neighbours_came(found)
    assert found.only_reject == RejectedRecord(
        stream="pull_requests",
        scope="github:501",
        ref="acme/kettle#1",
        field=field,
        problem=problem,
        message=f"{message}. {CHILDREN}",
        is_lost=True,
    )
    assert found.keys("pull_requests") == [TWO, "github:502/pull/3"]
    assert "github:review/1" not in found.keys("reviews")


@pytest.mark.parametrize(
    ("number", "ref", "message"),
    [
        (None, "acme/kettle#?", "number is missing or null"),
        (
            SECRET,
            "acme/kettle#?",
            "number should be a whole number, found text",
        ),  # a reference is a message too
        (True, "acme/kettle#?", "number should be a whole number, found true or false"),
        (
            2**63,
            f"acme/kettle#{2**63}",
            "number should be a whole number, found a number",
        ),  # would stop a load
    ],
)
def test_a_number_that_is_none(number: Any, ref: str, message: str) -> None:
    """A reference is a message too; and a number above 64 bits would keep a load from being written."""
    found = with_neighbours(whole(1, number=number))
    assert_neighbours_came(found)
    assert (found.only_reject.ref, found.only_reject.message) == (ref, f"{message}. {CHILDREN}")


def test_four_minutes_ahead_of_the_server_is_accepted() -> None:
    """GitHub's machines do not agree to the second."""
    found = read(serving(pull_request(updatedAt="2026-03-10T12:04:00Z")))
    assert found.rejected == []
    assert found.one(PullRequest).updated_at_utc.minute == 4


def test_nothing_in_the_place_of_a_pull_request() -> None:
    found = with_neighbours(None)
    assert_neighbours_came(found, unread=1)
    assert found.only_reject == RejectedRecord(
        stream="pull_requests",
        scope="github:501",
        ref="acme/kettle, page 1, place 1",
        field="node",
        problem="missing_field",
        message="a pull request was wanted, found nothing in its place. The rest of the page was kept.",
        is_lost=True,
    )


# ------------------------------------------------------------------------------ a child


def _bad_review(**changed: Any) -> Json:
    return whole(1, reviews=connection(review(8), review(9, **changed)))


@pytest.mark.parametrize(
    ("changed", "field", "problem", "message"),
    [
        (
            {"state": "THUMBS_UP"},
            "state",
            "unknown_value",
            "state is THUMBS_UP; known: APPROVED, CHANGES_REQUESTED, COMMENTED, DISMISSED, PENDING",
        ),
        ({"submittedAt": None}, "submittedAt", "missing_field", "submittedAt is missing or null"),
        ({"body": ...}, "body", "missing_field", "body is missing or null"),
        (
            {"fullDatabaseId": "eighty"},
            "fullDatabaseId",
            "wrong_type",
            "fullDatabaseId should be a whole number, or one as text, found text",
        ),
        (
            {"fullDatabaseId": "9" * 5000},
            "fullDatabaseId",
            "wrong_type",
            "fullDatabaseId should be a whole number, or one as text, found text",
        ),
        (
            {"author": {**ORLA, "__typename": "Ghost"}},
            "__typename",
            "unknown_value",
            "__typename is Ghost; known: User, Bot, Mannequin, Organization, EnterpriseUserAccount",
        ),
        ({"author": ...}, "author", "missing_field", "author is missing or null"),
    ],
)
def test_a_bad_review_goes_alone(changed: Json, field: str, problem: str, message: str) -> None:
    found = with_neighbours(_bad_review(**changed))
    assert_neighbours_came(found)
    assert found.only_reject == RejectedRecord(
        stream="reviews",
        scope="github:501",
        ref="acme/kettle#1 review 2",
        field=field,
        problem=problem,
        message=f"{message}. {ALONE}",
        is_lost=True,
    )
    assert found.keys("pull_requests") == [ONE, TWO, "github:502/pull/3"]
    assert found.keys("reviews") == ["github:review/8", "github:review/2", "github:review/3"]


def test_the_account_of_a_bad_review_is_not_kept() -> None:
    stranger = {"__typename": "User", "login": "stranger", "databaseId": 99}
    found = with_neighbours(_bad_review(author=stranger, submittedAt=None))
    assert "github:user/99" not in found.keys("accounts")


EVENTS = (
    "ReviewRequestedEvent, ReviewRequestRemovedEvent, ReadyForReviewEvent, ConvertToDraftEvent, "
    "ClosedEvent, ReopenedEvent, ReviewDismissedEvent"
)
DISMISSED = {"__typename": "ReviewDismissedEvent", "previousReviewState": "APPROVED", "review": None}


@pytest.mark.parametrize(
    ("changed", "field", "problem", "message"),
    [
        (
            {"__typename": "MergedEvent"},
            "__typename",
            "unknown_value",
            f"__typename is MergedEvent; known: {EVENTS}",
        ),
        ({"id": ...}, "id", "missing_field", "id is missing or null"),
        ({"createdAt": None}, "createdAt", "missing_field", "createdAt is missing or null"),
        (
            {"createdAt": "2026-03-11T00:00:00Z"},
            "createdAt",
            "future_date",
            "createdAt is 2026-03-11T00:00:00Z, later than the server's own time 2026-03-10T12:00:00Z",
        ),
        (
            {"requestedReviewer": ...},  # null means hidden; absent means that the question was not answered
            "requestedReviewer",
            "missing_field",
            "requestedReviewer is missing or null",
        ),
        (
            {"requestedReviewer": {"__typename": "Team", "databaseId": 301}},
            "slug",
            "missing_field",
            "slug is missing or null",
        ),
        (
            {"requestedReviewer": {**ORLA, "__typename": "Robot"}},
            "__typename",
            "unknown_value",
            "__typename is Robot; known: User, Bot, Mannequin, Organization, EnterpriseUserAccount",
        ),
        (
            {**DISMISSED, "previousReviewState": "PENDING"},
            "previousReviewState",
            "unknown_value",
            "previousReviewState is PENDING; known: APPROVED, CHANGES_REQUESTED, COMMENTED, DISMISSED",
        ),
        ({**DISMISSED, "review": ...}, "review", "missing_field", "review is missing or null"),
    ],
)
def test_a_bad_event_goes_alone(changed: Json, field: str, problem: str, message: str) -> None:
    events = connection(request(1), request(2, **changed))
    found = with_neighbours(pull_request(1, timelineItems=events))
    assert_neighbours_came(found)
    assert found.only_reject == RejectedRecord(
        stream="pull_request_events",
        scope="github:501",
        ref="acme/kettle#1 event 2",
        field=field,
        problem=problem,
        message=f"{message}. {ALONE}",
        is_lost=True,
    )
    assert found.keys("pull_request_events")[0] == "github:event/RRE_1"
    assert len(found.all(PullRequestEvent)) == 3


@pytest.mark.parametrize(
    ("changed", "field", "problem", "message"),
    [
        (
            {"state": "HIDDEN"},
            "state",
            "unknown_value",
            "state is HIDDEN; known: SUBMITTED, PENDING",
        ),
        ({"state": ...}, "state", "missing_field", "state is missing or null"),
        ({"body": 7}, "body", "wrong_type", "body should be text, found a number"),
        (
            {"createdAt": "2026-03-02T10:00:00"},
            "createdAt",
            "wrong_type",
            "createdAt should be a time with its zone, found text",
        ),
    ],
)
def test_a_bad_comment_goes_alone(changed: Json, field: str, problem: str, message: str) -> None:
    talk = thread(1, comment(8), comment(9, **changed))
    found = with_neighbours(pull_request(1, reviewThreads=connection(talk)))
    assert_neighbours_came(found)
    assert found.only_reject == RejectedRecord(
        stream="review_comments",
        scope="github:501",
        ref="acme/kettle#1 thread 1 comment 2",
        field=field,
        problem=problem,
        message=f"{message}. {ALONE}",
        is_lost=True,
    )
    assert found.keys("review_comments")[0] == "github:review_comment/8"
    assert len(found.all(ReviewComment)) == 3


@pytest.mark.parametrize(
    ("changed", "field", "problem", "message"),
    [
        ({"comments": ...}, "comments", "missing_field", "comments is missing or null"),
        ({"comments": None}, "comments", "missing_field", "comments is missing or null"),
        (
            {"comments": {"nodes": "none"}},
            "comments.nodes",
            "wrong_type",
            "comments.nodes should be a list, found text",
        ),
        ({"isResolved": None}, "isResolved", "missing_field", "isResolved is missing or null"),
        ({"isOutdated": 0}, "isOutdated", "wrong_type", "isOutdated should be true or false, found a number"),
        ({"id": ...}, "id", "missing_field", "id is missing or null"),
    ],
)
def test_a_bad_thread_goes_with_its_comments(changed: Json, field: str, problem: str, message: str) -> None:
    talk = connection(thread(8, comment(8)), thread(9, comment(9), **changed))
    found = with_neighbours(pull_request(1, reviewThreads=talk))
    assert_neighbours_came(found)
    assert found.only_reject == RejectedRecord(
        stream="review_threads",
        scope="github:501",
        ref="acme/kettle#1 thread 2",
        field=field,
        problem=problem,
        message=f"{message}. {COMMENTS}",
        is_lost=True,
    )
    assert found.keys("review_threads")[0] == "github:thread/PRRT_8"
    assert len(found.all(ReviewThread)) == 3
    assert "github:review_comment/9" not in found.keys("review_comments")


@pytest.mark.parametrize(
    ("changed", "stream", "ref", "field", "how"),
    [
        ("reviews", "reviews", "review 2", "review", ALONE),
        ("timelineItems", "pull_request_events", "event 2", "timeline item", ALONE),
        ("reviewThreads", "review_threads", "thread 2", "review thread", COMMENTS),
    ],
)
def test_nothing_in_the_place_of_a_child(changed: str, stream: str, ref: str, field: str, how: str) -> None:
    good = {"reviews": review(1), "timelineItems": request(1), "reviewThreads": thread(1, comment(1))}
    found = with_neighbours(pull_request(1, **{changed: connection(good[changed], None)}))
    assert_neighbours_came(found)
    reject = found.only_reject
    assert (reject.stream, reject.ref, reject.field) == (stream, f"acme/kettle#1 {ref}", field)
    assert reject.message == f"{field} is missing or null. {how}"
    assert ONE in found.keys("pull_requests")


def test_nothing_in_the_place_of_a_comment() -> None:
    talk = connection(thread(1, comment(1), None))  # type: ignore[arg-type]
    reject = with_neighbours(pull_request(1, reviewThreads=talk)).only_reject
    assert reject.message == f"review comment is missing or null. {ALONE}"
    assert reject.ref == "acme/kettle#1 thread 1 comment 2"


def test_every_bad_thing_is_counted() -> None:
    """Three bad reviews and a bad event are four rejects."""
    bad = whole(
        1,
        reviews=connection(review(1, state="A"), review(2, state="B"), review(3, state="C"), review(4)),
        timelineItems=connection(request(1, id=None)),
    )
    found = read(serving(bad))
    assert [reject.ref for reject in found.rejected] == [
        "acme/kettle#1 event 1",
        "acme/kettle#1 review 1",
        "acme/kettle#1 review 2",
        "acme/kettle#1 review 3",
    ]
    assert len(found.all(Review)) == 1


# ------------------------------------------------------------------------------ what is never said


def test_no_message_repeats_a_value() -> None:
    """Addresses, bodies and tokens stay where they were; so do words in the place of enumerations."""
    wrong = {"title", "state", "isDraft", "createdAt", "number", "author", "mergedAt", "headRefName", "url"}
    pulls = [whole(5, **{name: [SECRET]}) for name in wrong] + [whole(5, **{name: SECRET}) for name in wrong]
    pulls.append(whole(6, reviews=connection(SECRET, review(1, state=SECRET, body=SECRET))))
    pulls.append(whole(6, timelineItems=connection(request(1, __typename=SECRET), request(2, id=[SECRET]))))
    pulls.append(
        whole(6, reviewThreads=connection(thread(1, comment(1, state=SECRET)), thread(id={SECRET: 1})))
    )
    pulls.append(whole(6, labels=connection({"name": {"name": SECRET}})))
    transport = serving(*pulls)
    transport.errors = [{"type": SECRET, "message": SECRET}]
    found = read(transport)
    said = [f"{reject.ref} {reject.field} {reject.message}" for reject in found.rejected]
    said += [gap.message for gap in found.gaps]
    assert len(said) >= len(wrong)
    assert not [text for text in said if SECRET in text or "acme.example" in text]
