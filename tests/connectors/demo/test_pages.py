"""The pages of the made-up organisation: the same every time, whole, and never ahead of their night."""

import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connectors.demo import FIRST_NIGHT_UTC, DemoTransport, make_organization
from connectors.demo.history import make_pull_requests
from connectors.demo.pages import REPOSITORIES_KEPT
from connectors.demo.pull_requests import PullRequest
from connectors.github.client import GitHubSource
from connectors.github.transport import Json, Operation
from tests.connectors.demo.reading import (
    World,
    ask,
    instants,
    raw_pages,
    read_everything,
    repository_names,
)


def _all_bytes(transport: DemoTransport) -> bytes:
    pages = [page for name in repository_names(transport) for page in raw_pages(transport, name)]
    return json.dumps([pages, list(read_everything(transport).values())]).encode()


def test_two_builds_give_the_same_bytes() -> None:
    first, second = (
        _all_bytes(DemoTransport(make_organization(engineers=12, months=4), FIRST_NIGHT_UTC)) for _ in "ab"
    )
    assert first == second


def test_another_process_zone_and_hash_seed_give_the_same_pages() -> None:
    script = (
        "import hashlib\n"
        "from tests.connectors.demo import reading\n"
        "from connectors.demo import *\n"
        "transport = DemoTransport(make_organization(engineers=9, months=3), FIRST_NIGHT_UTC)\n"
        "pages = [list(reading.raw_pages(transport, name)) for name in reading.repository_names(transport)]\n"
        "files = configuration_files(transport.organization)\n"
        "print(hashlib.sha256(repr((pages, files)).encode()).hexdigest())"
    )
    digests = [
        subprocess.run(
            [sys.executable, "-c", script],
            cwd=Path(__file__).parents[3],
            env={"PYTHONHASHSEED": hash_seed, "TZ": zone, "PYTHONPATH": "."},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed, zone in (("1", "UTC"), ("2", "Pacific/Kiritimati"))
    ]
    assert len(digests[0].strip()) == 64
    assert digests[0] == digests[1]


def test_the_seed_alone_gives_other_pull_requests(world: World) -> None:
    organization = world.organization
    other = replace(organization, seed=organization.seed + 1)  # the same people in the same repository
    first, second = (make_pull_requests(one, one.repositories[0])[:20] for one in (organization, other))
    assert [one.title for one in first] != [one.title for one in second]


def test_the_order_of_asking_changes_nothing(first_night: DemoTransport, seen: dict[str, Json]) -> None:
    again = DemoTransport(first_night.organization, FIRST_NIGHT_UTC)
    names = repository_names(again)
    (last,) = list(raw_pages(again, names[-1], page_size=100))[:1]
    for node in last["repository"]["pullRequests"]["nodes"]:
        assert node["title"] == seen[node["id"]]["title"]
        assert node["updatedAt"] == seen[node["id"]]["updatedAt"]


@pytest.mark.parametrize(
    "now_utc",
    [
        datetime(2025, 5, 2, 2, tzinfo=UTC),
        datetime(2025, 12, 24, 15, 30, tzinfo=UTC),
        FIRST_NIGHT_UTC,
        datetime(2026, 10, 28, 2, tzinfo=UTC),
    ],
)
def test_nothing_is_later_than_now(world: World, now_utc: datetime) -> None:
    found = read_everything(DemoTransport(world.organization, now_utc))
    assert found
    assert max(instants(list(found.values()))) <= now_utc


def test_every_page_size_reads_the_same(first_night: DemoTransport, seen: dict[str, Json]) -> None:
    assert read_everything(first_night, page_size=17) == seen


def test_all_nested_lists_are_read_to_their_end(world: World, seen: dict[str, Json]) -> None:
    now = FIRST_NIGHT_UTC
    expected = [one for one in world.pull_requests if one.created_at_utc <= now]
    assert len(seen) == len(expected)
    for one in expected:
        shown = seen[f"PR_{one.repository.database_id}_{one.number}"]
        assert [row["fullDatabaseId"] for row in shown["reviews"]] == [
            str(review.database_id) for review in one.reviews if review.submitted_at_utc <= now
        ]
        assert [row["createdAt"] for row in shown["timelineItems"]] == [
            f"{event.created_at_utc:%Y-%m-%dT%H:%M:%SZ}"
            for event in one.timeline
            if event.created_at_utc <= now
        ]
        comments = [
            [comment["fullDatabaseId"] for comment in thread["comments"]] for thread in shown["reviewThreads"]
        ]
        in_the_world = [
            [str(comment.database_id) for comment in thread.comments if comment.seen_from_utc <= now]
            for thread in one.threads
        ]
        assert comments == [thread for thread in in_the_world if thread]
        assert len(shown["labels"]) == sum(
            label.added_at_utc <= now and (label.removed_at_utc is None or now < label.removed_at_utc)
            for label in one.labels
        )


def test_each_nested_list_overflows_somewhere(seen: dict[str, Json]) -> None:
    threads = [thread for one in seen.values() for thread in one["reviewThreads"]]
    assert sum(len(one["labels"]) > 10 for one in seen.values()) >= 15
    assert sum(len(one["reviews"]) > 15 for one in seen.values()) >= 15
    assert sum(len(one["reviewThreads"]) > 12 for one in seen.values()) >= 15
    assert sum(len(one["timelineItems"]) > 15 for one in seen.values()) >= 15
    assert sum(len(thread["comments"]) > 5 for thread in threads) >= 15


def test_a_page_that_holds_exactly_the_rest_is_the_last_one(first_night: DemoTransport) -> None:
    count = sum(
        len(page["repository"]["pullRequests"]["nodes"]) for page in raw_pages(first_night, "acme/payments")
    )
    for page_size in (count, count - 1):
        (page, *more) = raw_pages(first_night, "acme/payments", page_size=page_size)
        assert page["repository"]["pullRequests"]["pageInfo"]["hasNextPage"] == (page_size < count)
        assert len(more) == count - page_size


def test_the_last_updated_comes_first(first_night: DemoTransport) -> None:
    for name in repository_names(first_night):
        nodes = [
            node
            for page in raw_pages(first_night, name)
            for node in page["repository"]["pullRequests"]["nodes"]
        ]
        updates = [node["updatedAt"] for node in nodes]
        assert updates == sorted(updates, reverse=True)


def test_updated_at_is_the_last_thing_that_can_be_seen(seen: dict[str, Json]) -> None:
    for one in seen.values():
        # A push or a label moves it too and shows no time; a comment is written before its review is sent.
        visible = [row["submittedAt"] for row in one["reviews"]] + [
            row["createdAt"] for row in one["timelineItems"]
        ]
        assert one["updatedAt"] >= max([one["createdAt"], *visible])


def test_a_later_night_only_adds_or_changes(world: World, seen: dict[str, Json]) -> None:
    later = read_everything(DemoTransport(world.organization, FIRST_NIGHT_UTC + timedelta(days=1)))
    assert set(seen) < set(later)
    assert all(later[node_id]["createdAt"] == one["createdAt"] for node_id, one in seen.items())
    for node_id, one in seen.items():
        for name in ("reviews", "timelineItems"):
            before = [row["id"] for row in one[name]]
            assert [row["id"] for row in later[node_id][name]][: len(before)] == before
        threads = {thread["id"]: thread for thread in later[node_id]["reviewThreads"]}
        for thread in one["reviewThreads"]:
            after = [_said(comment) for comment in threads[thread["id"]]["comments"]]
            assert after[: len(thread["comments"])] == [_said(comment) for comment in thread["comments"]]


def test_what_a_later_night_changes_it_says(world: World, seen: dict[str, Json]) -> None:
    """Whoever reads only what was updated since then misses nothing but silent resolving and reactions."""
    later = read_everything(DemoTransport(world.organization, FIRST_NIGHT_UTC + timedelta(days=3)))
    changed = [node_id for node_id, one in seen.items() if _loud(later[node_id]) != _loud(one)]
    assert changed
    first_night_text = f"{FIRST_NIGHT_UTC:%Y-%m-%dT%H:%M:%SZ}"
    assert all(later[node_id]["updatedAt"] > first_night_text for node_id in changed)
    assert any(later[node_id] != one and node_id not in changed for node_id, one in seen.items())


def _loud(pull_request: Json) -> Json:
    threads = [
        {key: value for key, value in thread.items() if key != "isResolved"}
        | {"comments": [_said(comment) for comment in thread["comments"]]}
        for thread in pull_request["reviewThreads"]
    ]
    reviews = [_said(review) for review in pull_request["reviews"]]
    return pull_request | {"reviewThreads": threads, "reviews": reviews}


def _said(node: Json) -> Json:
    """A review or comment without what others think of it."""
    return {key: value for key, value in node.items() if key != "reactionGroups"}


def test_state_and_times_agree(seen: dict[str, Json]) -> None:
    for one in seen.values():
        assert (one["state"] == "MERGED") == (one["mergedAt"] is not None)
        assert (one["state"] == "OPEN") == (one["closedAt"] is None)
        assert one["mergedAt"] in (None, one["closedAt"])
        assert not (one["state"] == "MERGED" and one["isDraft"])


# ------------------------------------------------------------------- just before and at an instant


def _before_and_at(world: World, pull_request: PullRequest, instant: datetime | None) -> tuple[Json, Json]:
    """The pull request as it is shown one second before an instant and at it."""
    assert instant is not None
    owner, name = pull_request.repository.name_with_owner.split("/")
    shown = []
    for now in (instant - timedelta(seconds=1), instant):
        transport = DemoTransport(world.organization, now)
        page = ask(transport, "PullRequests", owner=owner, name=name, after=None, pageSize=100)
        nodes = page["repository"]["pullRequests"]["nodes"]
        shown += [node for node in nodes if node["number"] == pull_request.number]
    before, at = shown
    assert before["updatedAt"] < at["updatedAt"] == f"{instant:%Y-%m-%dT%H:%M:%SZ}"
    return before, at


def test_a_review_is_dismissed_from_its_dismissal_on(world: World) -> None:
    one, event = next((one, event) for one, event in world.events if event.type == "ReviewDismissedEvent")
    assert event.dismissed is not None
    review_id = str(event.dismissed.database_id)
    states = [
        row["state"]
        for shown in _before_and_at(world, one, event.created_at_utc)
        for row in shown["reviews"]["nodes"]
        if row["fullDatabaseId"] == review_id
    ]
    assert states == ["APPROVED", "DISMISSED"]


def test_a_thread_is_outdated_from_the_push_on(world: World) -> None:
    one, thread = next(
        (one, thread)
        for one in world.pull_requests
        for thread in one.threads
        if thread.outdated_at_utc is not None
        and all(review.submitted_at_utc != thread.outdated_at_utc for review in one.reviews)
    )
    flags = [
        row["isOutdated"]
        for shown in _before_and_at(world, one, thread.outdated_at_utc)
        for row in shown["reviewThreads"]["nodes"]
        if row["id"] == f"PRRT_{thread.database_id}"
    ]
    assert flags == [False, True]


def test_a_label_is_there_until_it_is_taken_off(world: World) -> None:
    one, label = next(
        (one, label) for one in world.pull_requests for label in one.labels if label.removed_at_utc
    )
    before, at = _before_and_at(world, one, label.removed_at_utc)
    assert {"name": label.name} in before["labels"]["nodes"]
    assert {"name": label.name} not in at["labels"]["nodes"]


def test_what_is_opened_again_is_open(world: World) -> None:
    one, event = next((one, event) for one, event in world.events if event.type == "ReopenedEvent")
    before, at = _before_and_at(world, one, event.created_at_utc)
    assert (before["state"], at["state"]) == ("CLOSED", "OPEN")
    assert before["closedAt"] is not None
    assert at["closedAt"] is None


def test_a_merge_is_seen_from_its_second_on(world: World) -> None:
    one = next(one for one in world.pull_requests if one.merged_at_utc)
    before, at = _before_and_at(world, one, one.merged_at_utc)
    assert (before["state"], at["state"]) == ("OPEN", "MERGED")
    assert at["mergedAt"] == at["closedAt"] == at["updatedAt"]


# ---------------------------------------------------------------------------- the protocol's edges


def test_what_does_not_exist_is_null_and_said(first_night: DemoTransport) -> None:
    asked = {"owner": "acme", "name": "nowhere", "after": None, "pageSize": 50}
    answer = first_night.send(
        [
            Operation(name="PullRequests", variables=asked),
            Operation(name="MoreReviews", variables={"id": "PR_1_1", "after": None}),
            Operation(name="OrganizationRepositories", variables={"login": "nobody", "after": None}),
            Operation(name="MoreReviewComments", variables={"id": "PRRT_12", "after": None}),
        ]
    )
    first = answer.data[0]
    assert first is not None
    assert first["repository"] is None
    assert answer.data[1:] == ({"node": None}, {"organization": None}, {"node": None})
    assert [(error["type"], error["operation"], error["path"]) for error in answer.errors] == [
        ("NOT_FOUND", 0, ["repository"]),
        ("NOT_FOUND", 1, ["node"]),
        ("NOT_FOUND", 2, ["organization"]),
        ("NOT_FOUND", 3, ["node"]),
    ]


def test_a_cursor_that_nobody_gave_out_is_refused(first_night: DemoTransport) -> None:
    asked = {"owner": "acme", "name": "payments", "after": "bm9uc2Vuc2U=", "pageSize": 50}
    answer = first_night.send([Operation(name="PullRequests", variables=asked)])
    assert answer.data == (None,)
    assert answer.errors[0]["type"] == "INVALID_CURSOR_ARGUMENTS"


def test_an_unknown_operation_names_the_known_ones(first_night: DemoTransport) -> None:
    with pytest.raises(ValueError, match="PullRequests"):
        first_night.send([Operation(name="OrganizationTeams", variables={})])


def test_an_instant_needs_its_zone(world: World) -> None:
    with pytest.raises(ValueError, match="zone"):
        DemoTransport(world.organization, datetime(2026, 7, 10, 2))  # noqa: DTZ001


def test_the_price_is_githubs(first_night: DemoTransport) -> None:
    """851 connections for 50 pull requests: the list, five lists each, the comments of 12 threads each."""
    asked = {"owner": "acme", "name": "payments", "after": None, "pageSize": 50}
    answer = first_night.send([Operation(name="PullRequests", variables=asked)])
    assert answer.points == 9
    assert answer.served_at_utc == FIRST_NIGHT_UTC
    assert answer.data[0] is not None
    assert answer.data[0]["rateLimit"] == {
        "cost": 9,
        "remaining": 4991,
        "resetAt": "2026-07-10T03:00:00Z",
    }


def test_pages_are_the_same_after_a_repository_was_forgotten() -> None:
    transport = DemoTransport(make_organization(engineers=150, months=3), FIRST_NIGHT_UTC)
    names = repository_names(transport)
    assert len(names) > REPOSITORIES_KEPT
    before = next(raw_pages(transport, names[0]))
    for name in names[1:]:
        next(raw_pages(transport, name))
    assert next(raw_pages(transport, names[0])) == before


def test_the_real_client_reads_it_without_a_complaint(
    first_night: DemoTransport, seen: dict[str, Json]
) -> None:
    source = GitHubSource(transport=first_night, organizations=["acme"])
    streams: dict[str, set[str]] = {}
    for page in source.pages():
        assert not hasattr(page, "message"), f"a gap: {page}"
        assert page.rejected == ()
        for record in page.records:
            streams.setdefault(record.stream, set()).add(record.key)
    assert len(streams["pull_requests"]) == len(seen)
    assert len(streams["reviews"]) == sum(len(one["reviews"]) for one in seen.values())
    assert len(streams["review_threads"]) == sum(len(one["reviewThreads"]) for one in seen.values())
    assert len(streams["pull_request_events"]) == sum(len(one["timelineItems"]) for one in seen.values())
    assert len(streams["review_comments"]) == sum(
        len(thread["comments"]) for one in seen.values() for thread in one["reviewThreads"]
    )
