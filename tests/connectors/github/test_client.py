"""How repositories are walked: which pages, in which order, with how many requests.

Here: nested lists to their ends, held-back pull requests, what is asked again, where the walk stops.
Not here: fields (``test_parse``), pages that are malformed (``test_bad_pages``).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.contract import Gap, Page
from connectors.errors import StopSourceError, TriedOftenError
from connectors.github.answers import CLEAN_PAGES
from connectors.github.client import GitHubSource
from connectors.github.records import Account, PullRequest, Review, ReviewComment, ReviewThread
from connectors.github.transport import Answer, Json, Operation
from tests.connectors.came import came
from tests.connectors.github.builders import (
    KETTLE,
    SERVED_AT,
    TOASTER,
    ServedPages,
    comment,
    connection,
    page_of,
    pull_request,
    read,
    request,
    review,
    serving,
    thread,
)

# ------------------------------------------------------------------------------ nested lists


def test_every_nested_list_is_read_to_its_end() -> None:
    """Four lists of a pull request go on, one of them twice, and the comments of an old and a new thread."""
    one = pull_request(
        1,
        labels=connection({"name": "a"}, more="l1"),
        reviews=connection(review(1), more="r1"),
        reviewThreads=connection(thread(1, comments=connection(comment(1), more="c1")), more="t1"),
        timelineItems=connection(request(1), more="e1"),
    )
    transport = serving(one)
    transport.rests = {
        ("MoreLabels", "PR_1", "l1"): {"labels": connection({"name": "b"})},
        ("MoreReviews", "PR_1", "r1"): {"reviews": connection(review(2), more="r2")},
        ("MoreReviews", "PR_1", "r2"): {"reviews": connection(review(3))},
        ("MoreReviewThreads", "PR_1", "t1"): {
            "reviewThreads": connection(thread(2, comments=connection(comment(3), more="c2")))
        },
        ("MoreReviewComments", "PRRT_1", "c1"): {"comments": connection(comment(2))},
        ("MoreReviewComments", "PRRT_2", "c2"): {"comments": connection(comment(4))},
        ("MoreTimelineEvents", "PR_1", "e1"): {"timelineItems": connection(request(2))},
    }
    found = read(transport)
    assert (found.gaps, found.rejected) == ((), [])
    assert found.one(PullRequest).labels == ("a", "b")
    assert found.keys("reviews") == [f"github:review/{number}" for number in (1, 2, 3)]
    assert found.keys("review_threads") == ["github:thread/PRRT_1", "github:thread/PRRT_2"]
    assert [(one.comment_id, one.thread_id) for one in found.all(ReviewComment)] == [
        ("github:review_comment/1", "github:thread/PRRT_1"),
        ("github:review_comment/2", "github:thread/PRRT_1"),
        ("github:review_comment/3", "github:thread/PRRT_2"),
        ("github:review_comment/4", "github:thread/PRRT_2"),
    ]
    assert found.keys("pull_request_events") == ["github:event/RRE_1", "github:event/RRE_2"]


def _long(number: int) -> Json:
    return pull_request(number, reviews=connection(review(number * 10), more="r1"))


def _rests_of(*numbers: int) -> dict[Any, Any]:
    return {
        ("MoreReviews", f"PR_{number}", "r1"): {"reviews": connection(review(number * 10 + 1))}
        for number in numbers
    }


def test_rests_ride_along_with_the_next_page_of_whatever_repository() -> None:
    """Three pages of long pull requests: only the rests of the last have a request of their own."""
    transport = ServedPages(
        pages={
            ("acme/kettle", None): page_of(*map(_long, (1, 2, 3)), more="p1"),
            ("acme/kettle", "p1"): page_of(_long(4)),
            ("acme/toaster", None): page_of(*map(_long, (5, 6)), repository=TOASTER),
        },
        rests=_rests_of(1, 2, 3, 4, 5, 6),
    )
    found = read(transport, "acme/kettle", "acme/toaster")
    assert transport.asked == [
        ["ServerTime"],
        ["PullRequests"],
        ["PullRequests", "MoreReviews", "MoreReviews", "MoreReviews"],
        ["PullRequests", "MoreReviews"],
        ["MoreReviews", "MoreReviews"],
    ]
    assert {one.repository_id: one.number for one in found.all(PullRequest)} == {
        "github:501": 4,
        "github:502": 6,
    }
    assert len(found.all(PullRequest)) == 6
    assert len(found.all(Review)) == 12


class _Overwhelmed(ServedPages):
    """Answers a page, and rests, but not both together."""

    def send(self, operations: Sequence[Operation]) -> Answer:
        if len({operation.name for operation in operations}) > 1:
            self.requests.append(tuple(operations))
            raise TriedOftenError("GitHub answered 502. Tried 5 times.")
        return super().send(operations)


def test_what_github_cannot_answer_together_is_asked_apart_from_then_on() -> None:
    transport = _Overwhelmed(
        pages={
            ("acme/kettle", None): page_of(_long(1), more="p1"),
            ("acme/kettle", "p1"): page_of(_long(2), more="p2"),
            ("acme/kettle", "p2"): page_of(_long(3)),
        },
        rests=_rests_of(1, 2, 3),
    )
    found = read(transport)
    assert (found.gaps, found.rejected) == ((), [])
    assert transport.asked == [
        ["ServerTime"],
        ["PullRequests"],
        ["PullRequests", "MoreReviews"],
        ["PullRequests"],
        ["PullRequests"],
        ["MoreReviews"] * 3,
    ]
    assert len(found.all(Review)) == 6


def test_a_stop_names_what_waits_of_every_repository() -> None:
    """The first is read to its end but for a rest that rides along with the second: neither is complete."""
    transport = ServedPages(pages={("acme/kettle", None): page_of(_long(1))})
    transport.stops_on = "MoreReviews"
    given: list[Page | Gap] = []
    source = GitHubSource(transport=transport, repositories=("acme/kettle", "acme/toaster"))
    with pytest.raises(StopSourceError):
        given.extend(source.pages())
    gaps = {entry.scope: entry.message for entry in given if isinstance(entry, Gap)}
    assert gaps == {
        "github:acme/toaster": "GitHub refused the token (401).",
        "github:501": "GitHub refused the token (401). Not written because only half read: "
        "1 pull requests (#1...).",
    }


def test_rests_are_asked_as_soon_as_they_fill_a_request() -> None:
    """A request asks for 6,000 nodes: sixty rests of a hundred, while the walk goes on with the next page."""
    numbers = range(1, 71)
    transport = ServedPages(
        pages={
            ("acme/kettle", None): page_of(*map(_long, numbers), more="p1"),
            ("acme/kettle", "p1"): page_of(pull_request(99)),
        },
        rests=_rests_of(*numbers),
    )
    found = read(transport)
    assert transport.asked == [
        ["ServerTime"],
        ["PullRequests"],
        ["MoreReviews"] * 60,
        ["PullRequests", *["MoreReviews"] * 10],
    ]
    assert [len([one for one in page.records if isinstance(one, PullRequest)]) for page in found.pages] == [
        0,
        60,
        10,
        1,
    ]


def test_a_held_back_pull_request_comes_whole_on_one_page_of_its_own() -> None:
    """Its page-mates are not held up, and nothing of it comes before all of it."""
    transport = serving(_long(1), pull_request(2, reviews=connection(review(20))))
    transport.rests = _rests_of(1)
    first, second = read(transport).pages
    assert [one.number for one in first.records if isinstance(one, PullRequest)] == [2]
    assert [one.review_id for one in first.records if isinstance(one, Review)] == ["github:review/20"]
    assert [one.number for one in second.records if isinstance(one, PullRequest)] == [1]
    assert [one.review_id for one in second.records if isinstance(one, Review)] == [
        "github:review/10",
        "github:review/11",
    ]
    assert first.scope == second.scope == "github:501"


def test_one_that_moved_while_it_waited_counts_as_it_was_read_last() -> None:
    """Updated during the walk, it comes again on a later page, which counts."""
    older = _long(1)
    newer = pull_request(1, title="Renamed", reviews=connection(review(12)))
    transport = ServedPages(
        pages={
            ("acme/kettle", None): page_of(older, more="p1"),
            ("acme/kettle", "p1"): page_of(newer),
        },
        rests=_rests_of(1),
    )
    found = read(transport)
    last = [page for page in found.pages if any(isinstance(one, PullRequest) for one in page.records)][-1]
    assert [one.title for one in last.records if isinstance(one, PullRequest)] == ["Renamed"]
    assert [one.key for one in last.records if isinstance(one, Review)] == ["github:review/12"]
    assert transport.asked == [["ServerTime"], ["PullRequests"], ["PullRequests", "MoreReviews"]]


# ------------------------------------------------------------------------------ order and scope


def test_pages_come_in_the_order_of_the_walk() -> None:
    """Newest update first, then the next repository."""
    transport = ServedPages(
        pages={
            ("acme/kettle", None): page_of(pull_request(9), pull_request(4), more="p1"),
            ("acme/kettle", "p1"): page_of(pull_request(7)),
            ("acme/toaster", None): page_of(pull_request(1), repository=TOASTER),
        }
    )
    found = read(transport, "acme/kettle", "acme/toaster")
    assert found.keys("pull_requests") == [
        "github:501/pull/9",
        "github:501/pull/4",
        "github:501/pull/7",
        "github:502/pull/1",
    ]
    assert [page.scope for page in found.pages] == ["github:501", "github:501", "github:502"]
    assert {page.served_at_utc for page in found.pages} == {SERVED_AT}


def test_repositories_of_organisations_come_before_those_that_are_named() -> None:
    transport = ServedPages(
        pages={
            ("acme/kettle", None): page_of(pull_request(1)),
            ("acme/toaster", None): page_of(pull_request(2), repository=TOASTER),
        },
        organizations={
            ("acme", None): connection(TOASTER, more="o1"),
            ("acme", "o1"): connection(),
        },
    )
    source = GitHubSource(transport=transport, organizations=["acme"], repositories=["acme/kettle"])
    assert came(source.pages()).keys("pull_requests") == ["github:502/pull/2", "github:501/pull/1"]
    cursors = [operations[0].variables["after"] for operations in transport.requests[1:]]
    assert cursors == [None, None, "o1", None]


def test_a_repository_listed_twice_is_read_once() -> None:
    """Once by its organisation, twice by name, in two spellings."""
    transport = serving(pull_request(1))
    transport.organizations = {("acme", None): connection(KETTLE)}
    source = GitHubSource(
        transport=transport, organizations=["acme"], repositories=["acme/Kettle", "ACME/KETTLE"]
    )
    assert len(came(source.pages()).all(PullRequest)) == 1
    assert transport.asked == [["ServerTime"], ["OrganizationRepositories"], ["PullRequests"]]


def test_accounts_come_once_a_page() -> None:
    transport = ServedPages(
        pages={
            ("acme/kettle", None): page_of(
                pull_request(1, reviews=connection(review(1), review(2))), pull_request(2), more="p1"
            ),
            ("acme/kettle", "p1"): page_of(pull_request(3)),
        }
    )
    first, second = read(transport).pages
    assert sorted(one.login for one in first.records if isinstance(one, Account)) == [
        "orla-finch",
        "tilde-moss",
    ]
    assert [one.login for one in second.records if isinstance(one, Account)] == ["tilde-moss"]


def test_an_empty_repository_is_a_page_without_pull_requests() -> None:
    """Read to its end and nothing there, which is not the same as not read."""
    found = read(serving())
    assert found.gaps == ()
    assert [[record.stream for record in page.records] for page in found.pages] == [["repositories"]]


def test_what_reading_cost_is_counted() -> None:
    source = GitHubSource(transport=serving(pull_request(1)), repositories=["acme/kettle"])
    list(source.pages())
    assert (source.usage.requests, source.usage.points) == (2, 2)


def test_the_servers_time_is_asked_once() -> None:
    transport = serving()
    source = GitHubSource(transport=transport, repositories=["acme/kettle"])
    assert source.server_time() == source.server_time() == SERVED_AT
    list(source.pages())
    assert transport.asked == [["ServerTime"], ["PullRequests"]]


# ------------------------------------------------------------------------------ since


def _updated(number: int, day: int, **changed: Any) -> Json:
    return pull_request(number, updatedAt=f"2026-03-{day:02}T12:00:00Z", **changed)


SINCE = datetime(2026, 3, 5, tzinfo=UTC)


def _walk(*second_page: Json | None) -> ServedPages:
    return ServedPages(
        pages={
            ("acme/kettle", None): page_of(_updated(9, 9), _updated(8, 8), more="p1"),
            ("acme/kettle", "p1"): page_of(*second_page, more="p2"),
            ("acme/kettle", "p2"): page_of(_updated(1, 1)),
        }
    )


def test_since_ends_the_walk_behind_the_first_page_that_reaches_back_to_it() -> None:
    transport = _walk(_updated(3, 3), _updated(2, 2))
    found = read(transport, since_utc=SINCE)
    assert [one.number for one in found.all(PullRequest)] == [9, 8, 3, 2]
    assert found.gaps == ()
    assert transport.asked == [["ServerTime"], ["PullRequests"], ["PullRequests"]]


def test_without_since_everything_is_read() -> None:
    assert len(read(_walk(_updated(3, 3), _updated(2, 2))).all(PullRequest)) == 5


def test_since_reads_the_rests_of_the_last_page() -> None:
    transport = _walk(_updated(3, 3, reviews=connection(review(30), more="r1")))
    transport.rests = _rests_of(3)
    found = read(transport, since_utc=SINCE)
    assert found.keys("reviews") == ["github:review/30", "github:review/31"]


@pytest.mark.parametrize(
    "unreadable",
    [
        None,
        {**pull_request(3), "updatedAt": None},
        {**pull_request(3), "updatedAt": "last week"},
        {**pull_request(3), "updatedAt": "2026-03-03T12:00:00"},
    ],
    ids=["nothing", "no time", "no such time", "no zone"],
)
def test_a_page_that_does_not_tell_how_old_it_is_does_not_end_the_walk(unreadable: Json | None) -> None:
    """Stopping there would leave out what lies behind it without a word."""
    found = read(_walk(unreadable), since_utc=SINCE)
    assert [one.number for one in found.all(PullRequest)][-1] == 1
    assert len(found.rejected) == (0 if unreadable and unreadable["updatedAt"] == "2026" else 1)


# ------------------------------------------------------------------------------ holes


@dataclass(slots=True)
class Holey:
    """Pages of ``acme/kettle`` with holes, as GitHub answers a query that was too heavy for it.

    Every pull request of a page is null where more than ``at_most`` are asked for, the first ``times`` times.
    """

    count: int
    at_most: int
    times: int = 1_000
    kind: dict[str, str] = field(default_factory=lambda: {"type": "RESOURCE_LIMITS_EXCEEDED"})
    sizes: list[int] = field(default_factory=list)

    def send(self, operations: Sequence[Operation]) -> Answer:
        (operation,) = operations
        if operation.name == "ServerTime":
            return Answer(data=({},), errors=(), served_at_utc=SERVED_AT, points=1)
        size, start = operation.variables["pageSize"], int(operation.variables["after"] or 0)
        self.sizes.append(size)
        end = min(start + size, self.count)
        is_holey = size > self.at_most and self.times > 0
        self.times -= is_holey
        rows = [None if is_holey else pull_request(number + 1) for number in range(start, end)]
        data = page_of(*rows, more=str(end) if end < self.count else None)
        return Answer(
            data=(data,), errors=(self.kind,) if is_holey else (), served_at_utc=SERVED_AT, points=1
        )


def test_a_page_with_holes_is_asked_again_with_half_as_many() -> None:
    transport = Holey(count=60, at_most=20)
    found = read(transport)
    assert transport.sizes == [50, 25, 12, 12, 12, 12, 24, 12]
    assert (found.gaps, found.rejected) == ((), [])
    assert [one.number for one in found.all(PullRequest)] == list(range(1, 61))


def test_pages_grow_again_after_some_clean_ones() -> None:
    """One hiccup does not make a whole repository be read in small pages."""
    transport = Holey(count=300, at_most=49, times=1)
    assert len(read(transport).all(PullRequest)) == 300
    assert transport.sizes == [50, *[25] * CLEAN_PAGES, *[50] * 4]


def test_errors_without_a_type_are_holes_too() -> None:
    """Something went wrong while executing your query."""
    transport = Holey(count=60, at_most=49, times=1, kind={"message": "Something went wrong"})
    assert len(read(transport).all(PullRequest)) == 60


def test_one_that_stays_null_alone_is_counted_and_the_others_are_read() -> None:
    found = read(Holey(count=3, at_most=0, times=3), page_size=2)
    assert [one.number for one in found.all(PullRequest)] == [2, 3]
    assert [(reject.ref, reject.problem) for reject in found.rejected] == [
        ("acme/kettle, page 1, place 1", "missing_field")
    ]


def test_errors_that_stay_are_not_asked_for_again() -> None:
    """A team hidden by single sign-on stays hidden: its request names nobody, and that is all."""
    transport = serving(pull_request(1, timelineItems=connection(request(1, requestedReviewer=None))))
    path = ["repository", "pullRequests", "nodes", 0, "timelineItems", "nodes", 0, "requestedReviewer"]
    transport.errors = [{"type": "FORBIDDEN", "operation": 0, "path": path}]
    found = read(transport)
    assert (found.rejected, found.gaps) == ([], ())
    assert transport.asked == [["ServerTime"], ["PullRequests"]]


@dataclass(slots=True)
class HoleyRests:
    """Gives null for every rest where more than ``at_most`` share a request, the first ``times`` times."""

    behind: ServedPages
    at_most: int
    times: int = 1_000
    sizes: list[int] = field(default_factory=list)

    def send(self, operations: Sequence[Operation]) -> Answer:
        answer = self.behind.send(operations)
        if operations[0].name != "MoreReviews":
            return answer
        self.sizes.append(len(operations))
        if len(operations) <= self.at_most or self.times == 0:
            return answer
        self.times -= 1
        return Answer(
            data=tuple({"node": None} for _ in operations),
            errors=({"message": "Something went wrong"},),
            served_at_utc=SERVED_AT,
            points=1,
        )


def _holey_rests(at_most: int, times: int = 1_000) -> HoleyRests:
    behind = serving(*map(_long, (1, 2, 3, 4)))
    behind.rests = _rests_of(1, 2, 3, 4)
    return HoleyRests(behind=behind, at_most=at_most, times=times)


def test_rests_with_holes_are_asked_again_in_halves() -> None:
    transport = _holey_rests(at_most=1)
    found = read(transport)
    assert transport.sizes == [4, 2, 1, 1, 2, 1, 1]
    assert found.rejected == []
    assert found.keys("reviews") == [f"github:review/{n}{i}" for n in (1, 2, 3, 4) for i in (0, 1)]


def test_a_single_rest_with_holes_is_asked_once_more() -> None:
    transport = _holey_rests(at_most=0, times=3)
    found = read(transport)
    assert transport.sizes == [4, 2, 1, 1, 1, 2]
    assert found.rejected == []
    assert len(found.all(Review)) == 8


def test_rests_that_stay_null_quarantine_their_pull_requests() -> None:
    found = read(_holey_rests(at_most=0))
    assert [(reject.ref, reject.problem) for reject in found.rejected] == [
        (f"acme/kettle#{number}", "half_read") for number in (1, 2, 3, 4)
    ]
    assert found.all(PullRequest) == []


def test_an_organisation_with_holes_is_asked_once_more() -> None:
    @dataclass(slots=True)
    class Once:
        behind: ServedPages
        is_done: bool = False

        def send(self, operations: Sequence[Operation]) -> Answer:
            if operations[0].name == "OrganizationRepositories" and not self.is_done:
                self.is_done = True
                listed = {"organization": {"repositories": connection(None)}}
                return Answer(data=(listed,), errors=({},), served_at_utc=SERVED_AT, points=1)
            return self.behind.send(operations)

    behind = serving(pull_request(1))
    behind.organizations = {("acme", None): connection(KETTLE)}
    given = list(GitHubSource(transport=Once(behind), organizations=["acme"]).pages())
    assert not [entry for entry in given if isinstance(entry, Gap)]
    assert len(came(given).all(PullRequest)) == 1


def test_threads_are_records_of_their_own_page() -> None:
    """A page carries every parent with all below it, so that a newer page replaces it as a whole."""
    transport = ServedPages(
        pages={
            ("acme/kettle", None): page_of(
                pull_request(1, reviewThreads=connection(thread(1, comment(1)))), more="p1"
            ),
            ("acme/kettle", "p1"): page_of(pull_request(2, reviewThreads=connection(thread(2, comment(2))))),
        }
    )
    for page in read(transport).pages:
        parents = {one.pull_request_id for one in page.records if isinstance(one, PullRequest)}
        below = [one for one in page.records if isinstance(one, ReviewThread | ReviewComment)]
        assert {one.pull_request_id for one in below} == parents


# ------------------------------------------------------------------------------ pages that are too heavy


def test_a_page_that_is_never_answered_is_asked_for_in_smaller_ones() -> None:
    sizes: list[int] = []

    class TooHeavy(ServedPages):
        """Answers no page of more than ten pull requests, however often it is asked."""

        def send(self, operations: Sequence[Operation]) -> Answer:
            if operations[0].name == "PullRequests":
                sizes.append(operations[0].variables["pageSize"])
                if sizes[-1] > 10:
                    raise TriedOftenError("GitHub answered 502. Tried 5 times (PullRequests).")
            return super().send(operations)

    found = read(TooHeavy(pages={("acme/kettle", None): page_of(_updated(9, 9))}))
    assert [one.number for one in found.all(PullRequest)] == [9]
    assert found.gaps == ()
    assert sizes == [50, 25, 12, 6]


class NeverAnswered(ServedPages):
    def send(self, operations: Sequence[Operation]) -> Answer:
        if operations[0].name == "PullRequests":
            raise TriedOftenError("GitHub answered 502. Tried 5 times (PullRequests).")
        return super().send(operations)


def test_one_pull_request_that_is_never_answered_ends_its_repository_with_a_gap() -> None:
    found = read(NeverAnswered(pages={}))
    assert [gap.message for gap in found.gaps] == ["GitHub answered 502. Tried 5 times (PullRequests)."]
