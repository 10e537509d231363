"""The ten worked cases of docs/as-of.md, by number, from landing files to core."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from connectors.github.records import RECORD_TYPES as GITHUB
from connectors.github.records import (
    Account,
    PullRequest,
    Record,
    Repository,
    Review,
    ReviewComment,
    ReviewThread,
)
from connectors.organization.records import RECORD_TYPES as ORGANIZATION
from connectors.organization.records import RosterRow
from connectors.records import RECORD_TYPES
from transforms.build import BuildSettings, build_core_tables
from transforms.core.build import CoreSettings
from warehouse.connection import connect
from warehouse.landing import Landing, choose_loads, newest_known_at

L1 = datetime(2026, 3, 2, 2, tzinfo=UTC)
L2 = datetime(2026, 3, 3, 2, tzinfo=UTC)
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
FEBRUARY = datetime(2026, 2, 15, 12, tzinfo=UTC)
PULL = "github:1/pull/1"


def at(day: int, hour: int = 9, month: int = 3) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


def naive(instant: datetime) -> datetime:
    return instant.replace(tzinfo=None)


def repository(number: int = 1, name: str = "acme/api") -> Repository:
    return Repository(
        repository_id=f"github:{number}",
        name_with_owner=name,
        source_url=f"https://github.example/{name}",
        default_branch="main",
    )


def pull_request(
    number: int = 1,
    *,
    repository_id: str = "github:1",
    created: datetime | None = None,
    merged: datetime | None = None,
) -> PullRequest:
    return PullRequest(
        pull_request_id=f"{repository_id}/pull/{number}",
        node_id=f"PR_{number}",
        repository_id=repository_id,
        number=number,
        source_url=f"https://github.example/acme/api/pull/{number}",
        title="Retry captures",
        author_account_id="github:user/1",
        created_at_utc=created or at(1),
        updated_at_utc=merged or created or at(1),
        closed_at_utc=merged,
        merged_at_utc=merged,
        is_draft=False,
        base_branch="main",
        labels=(),
        reverts_ref=None,
    )


def review(submitted: datetime, state: str = "APPROVED") -> Review:
    return Review(
        review_id="github:review/1",
        node_id="PRR_1",
        pull_request_id=PULL,
        author_account_id="github:user/2",
        state=state,  # type: ignore[arg-type]
        submitted_at_utc=submitted,
        body="",
        source_url="https://github.example/acme/api/pull/1#pullrequestreview-1",
    )


def thread_with_comment() -> tuple[Record, Record]:
    thread = ReviewThread(
        thread_id="github:thread/T", pull_request_id=PULL, is_resolved=False, is_outdated=False
    )
    comment = ReviewComment(
        comment_id="github:review_comment/1",
        node_id="PRRC_1",
        thread_id="github:thread/T",
        pull_request_id=PULL,
        author_account_id="github:user/2",
        created_at_utc=at(1, 15),
        body="Why twice?",
        source_url="https://github.example/acme/api/pull/1#discussion_r1",
    )
    return thread, comment


def load(folder: Path, known_at_utc: datetime, *records: Record) -> None:
    writing = Landing(folder).open_load(
        source="github",
        known_at_utc=known_at_utc,
        code_version="test",
        configuration_hash="test",
        record_types=GITHUB,
    )
    accounts = [
        Account(account_id=f"github:user/{number}", login=f"login-{number}", kind="user") for number in (1, 2)
    ]
    writing.write([repository(), *accounts, *records], scope="github:1", fetched_at_utc=known_at_utc)
    writing.finish()


def load_roster(folder: Path, known_at_utc: datetime) -> None:
    writing = Landing(folder).open_load(
        source="organization",
        known_at_utc=known_at_utc,
        code_version="test",
        configuration_hash="test",
        record_types=ORGANIZATION,
    )
    row = RosterRow(
        person_id="ben",
        name="Ben",
        email=None,
        team_id="core",
        manager_id=None,
        role=None,
        level=None,
        time_zone="UTC",
        working_days=(1, 2, 3, 4, 5),
        place=None,
        valid_from=None,
        valid_to=None,
        github=("login-2",),
        pagerduty=(),
        jira=(),
    )
    writing.write([row], scope="people", fetched_at_utc=known_at_utc)
    writing.finish()


@contextmanager
def core_as_of(
    folder: Path, as_of_utc: datetime | None, journal: Sequence[Mapping[str, Any]] = ()
) -> Iterator[duckdb.DuckDBPyConnection]:
    manifests = Landing(folder).manifests()
    newest = newest_known_at(manifests)
    assert newest is not None
    instant = as_of_utc or newest
    settings = BuildSettings(
        record_types=RECORD_TYPES,
        core=CoreSettings(as_of_utc=instant, reporting_timezone="UTC"),
        organization="Test",
        code_version="test",
        configuration_hash="test",
    )
    with connect() as connection:
        build_core_tables(connection, choose_loads(manifests, instant), journal, settings)
        yield connection


def ask(
    folder: Path, as_of_utc: datetime | None, query: str, journal: Sequence[Mapping[str, Any]] = ()
) -> list[tuple[object, ...]]:
    with core_as_of(folder, as_of_utc, journal) as connection:
        return connection.execute(query).fetchall()


REVIEWS = "SELECT state FROM core.reviews"
LOADS = "SELECT known_at_utc, is_backfilled FROM ops.loads ORDER BY load_id"


@pytest.fixture
def late_review(tmp_path: Path) -> Path:
    """L1 without the review, L2 with a review of 20:00 on the 2nd."""
    load(tmp_path, L1, pull_request())
    load(tmp_path, L2, pull_request(), review(at(2, 20)))
    return tmp_path


def test_case_1_without_an_as_of_the_newest_load_is_it(late_review: Path) -> None:
    assert ask(late_review, None, REVIEWS) == [("APPROVED",)]
    assert ask(late_review, None, "SELECT count(*) FROM ops.loads") == [(2,)]


def test_case_2_a_load_that_was_not_known_does_not_count(late_review: Path) -> None:
    assert ask(late_review, NOON, REVIEWS) == []
    assert ask(late_review, NOON, LOADS) == [(L1.replace(tzinfo=None), False)]


def test_case_3_what_had_happened_but_was_not_known_is_not_there(late_review: Path) -> None:
    assert ask(late_review, at(2, 23), REVIEWS) == []


def test_case_4_at_the_very_instant_of_the_load_it_counts(late_review: Path) -> None:
    assert ask(late_review, L2, REVIEWS) == [("APPROVED",)]
    one_second_before = L2.replace(hour=1, minute=59, second=59)
    assert ask(late_review, one_second_before, REVIEWS) == []


def test_case_5_before_the_first_load_it_is_taken_and_marked_and_later_ends_are_not_known(
    tmp_path: Path,
) -> None:
    load(tmp_path, L1, pull_request(created=at(1, month=2), merged=at(1, 10)))
    assert ask(tmp_path, FEBRUARY, "SELECT merged_at_utc, closed_at_utc FROM core.pull_requests") == [
        (None, None)
    ]
    assert ask(tmp_path, FEBRUARY, LOADS) == [(L1.replace(tzinfo=None), True)]


def test_case_6_what_came_into_being_later_does_not_exist(tmp_path: Path) -> None:
    load(tmp_path, L1, pull_request(created=at(1, month=2)), pull_request(2, created=at(20, month=2)))
    assert ask(tmp_path, FEBRUARY, "SELECT pr_id FROM core.pull_requests") == [(PULL,)]


def test_case_7_a_deleted_comment_disappears_and_stays_in_its_past(tmp_path: Path) -> None:
    load(tmp_path, L1, pull_request(), *thread_with_comment())
    load(tmp_path, L2, pull_request())
    comments = "SELECT comment_id FROM core.thread_comments"
    assert ask(tmp_path, None, comments) == []
    assert ask(tmp_path, None, "SELECT thread_id FROM core.review_threads") == []
    assert ask(tmp_path, NOON, comments) == [("github:review_comment/1",)]


def test_case_8_a_flag_without_a_time_is_taken_as_its_load_showed_it(tmp_path: Path) -> None:
    load(tmp_path, L1, pull_request(), review(at(1, 10)))
    load(tmp_path, L2, pull_request(), review(at(1, 10), "DISMISSED"))
    assert ask(tmp_path, None, REVIEWS) == [("DISMISSED",)]
    assert ask(tmp_path, NOON, REVIEWS) == [("APPROVED",)]


def test_case_9_a_source_without_a_load_by_then_is_backfilled_alone(tmp_path: Path) -> None:
    load(tmp_path, L1, pull_request(), review(at(1, 10)))
    load_roster(tmp_path, L2)
    assert ask(tmp_path, NOON, LOADS) == [
        (L1.replace(tzinfo=None), False),
        (L2.replace(tzinfo=None), True),
    ]
    assert ask(tmp_path, NOON, "SELECT reviewer_id FROM core.reviews") == [("ben",)]


def test_case_10_a_part_of_a_source_is_not_backfilled(tmp_path: Path) -> None:
    web = (repository(2, "acme/web"), pull_request(repository_id="github:2"))
    load(tmp_path, L1, pull_request())
    load(tmp_path, L2, pull_request(), *web)
    names = "SELECT name_with_owner FROM core.repositories ORDER BY name_with_owner"
    assert ask(tmp_path, NOON, names) == [("acme/api",)]
    assert ask(tmp_path, None, names) == [("acme/api",), ("acme/web",)]


def test_a_load_that_was_killed_before_its_manifest_does_not_exist(tmp_path: Path) -> None:
    load(tmp_path, L1, pull_request())
    load(tmp_path, L2, pull_request(), review(at(2, 20)))
    (killed,) = tmp_path.glob("github/github-20260303*/manifest.json")
    killed.unlink()
    assert ask(tmp_path, None, LOADS) == [(L1.replace(tzinfo=None), False)]
    assert ask(tmp_path, L2, REVIEWS) == []
    assert ask(tmp_path, at(9), REVIEWS) == []


def test_inside_a_month_what_comes_later_in_it_does_not_exist(tmp_path: Path) -> None:
    load(tmp_path, at(31, 2), pull_request(merged=at(20)), pull_request(2, created=at(25)), review(at(18)))
    merged = "SELECT merged_at_utc FROM core.pull_requests ORDER BY pr_id"
    months = "SELECT month_start::VARCHAR FROM core.months"
    for instant, found, reviews in (
        (at(17), [(None,)], 0),
        (at(19), [(None,)], 1),
        (at(22), [(naive(at(20)),)], 1),
    ):
        assert ask(tmp_path, instant, merged) == found
        assert len(ask(tmp_path, instant, REVIEWS)) == reviews
        assert ask(tmp_path, instant, months) == [("2026-03-01",)]


def test_an_event_at_the_very_instant_has_happened_and_one_microsecond_later_it_has_not(
    tmp_path: Path,
) -> None:
    load(tmp_path, at(9, 2), pull_request(merged=at(5, 10)), review(at(5, 10)))
    assert ask(tmp_path, at(5, 10), REVIEWS) == [("APPROVED",)]
    just_before = at(5, 10) - timedelta(microseconds=1)
    assert ask(tmp_path, just_before, REVIEWS) == []
    assert ask(tmp_path, just_before, "SELECT merged_at_utc FROM core.pull_requests") == [(None,)]


def test_what_happened_while_a_load_was_read_waits_for_its_time(tmp_path: Path) -> None:
    """A load is known at its start; a review submitted while it was read is in it, and later than it."""
    load(tmp_path, L1, pull_request(), review(at(2, 3)))
    assert ask(tmp_path, None, REVIEWS) == []
    assert ask(tmp_path, at(2, 3), REVIEWS) == [("APPROVED",)]
    # The next load moves the as-of on, although it brings nothing of this pull request.
    load(tmp_path, L2)
    assert ask(tmp_path, None, REVIEWS) == [("APPROVED",)]


def test_two_loads_of_one_instant_count_both_and_the_second_wins(tmp_path: Path) -> None:
    load(tmp_path, L1, pull_request(), review(at(1, 10)))
    load(tmp_path, L1, pull_request(), review(at(1, 10), "DISMISSED"))
    assert ask(tmp_path, L1, REVIEWS) == [("DISMISSED",)]
    assert len(ask(tmp_path, L1, LOADS)) == 2


def test_a_clock_that_went_back_keeps_the_order_of_what_was_known(tmp_path: Path) -> None:
    """A server whose clock was an hour ahead and was put right: what is known later by its own time wins."""
    load(tmp_path, L1 + timedelta(hours=1), pull_request(), review(at(1, 10), "DISMISSED"))
    load(tmp_path, L1, pull_request(), review(at(1, 10)))
    assert ask(tmp_path, None, REVIEWS) == [("DISMISSED",)]
    assert ask(tmp_path, L1, REVIEWS) == [("APPROVED",)]


def test_sources_whose_clocks_disagree_are_each_taken_by_their_own_time(tmp_path: Path) -> None:
    """The roster's load takes GitHub's time; another clock's skew moves the as-of and loses nothing."""
    load(tmp_path, L1, pull_request(), review(at(1, 10)))
    load_roster(tmp_path, L1 + timedelta(minutes=7))
    assert ask(tmp_path, None, "SELECT reviewer_id FROM core.reviews") == [("ben",)]
    # At GitHub's own time the roster, by its clock, was not known yet: its first load is taken, marked.
    assert ask(tmp_path, L1, LOADS) == [
        (naive(L1), False),
        (naive(L1 + timedelta(minutes=7)), True),
    ]
    assert ask(tmp_path, L1, "SELECT reviewer_id FROM core.reviews") == [("ben",)]


def test_of_several_loads_after_the_instant_only_the_first_is_backfilled(tmp_path: Path) -> None:
    load(tmp_path, L1, pull_request(), review(at(1, 10)))
    load(tmp_path, L2, pull_request(), review(at(1, 10), "DISMISSED"))
    load_roster(tmp_path, at(5))
    load_roster(tmp_path, at(6))
    before_everything = at(1, 12)
    assert ask(tmp_path, before_everything, LOADS) == [(naive(L1), True), (naive(at(5)), True)]
    assert ask(tmp_path, before_everything, REVIEWS) == [("APPROVED",)]


def test_the_same_journal_entry_counts_from_when_it_was_known(tmp_path: Path) -> None:
    load(tmp_path, L1, pull_request(), review(at(1, 10)))
    load_roster(tmp_path, L1)
    load(tmp_path, L2, pull_request())
    bound = {
        "action": "bind",
        "source": "github",
        "account_id": "github:user/1",
        "person_id": "ben",
        "login": "login-1",
        "known_at_utc": L2.isoformat(),
    }
    authors = "SELECT author_id FROM core.pull_requests"
    assert ask(tmp_path, NOON, authors, [bound]) == [("github:user/1",)]
    assert ask(tmp_path, L2, authors, [bound]) == [("ben",)]


TABLES: Sequence[str] = (
    "pull_requests",
    "reviews",
    "pr_events",
    "review_threads",
    "thread_comments",
    "people",
)


def test_two_rebuilds_of_one_instant_give_the_same_tables(late_review: Path) -> None:
    for name in TABLES:
        query = f"SELECT * FROM core.{name} ORDER BY ALL"
        assert ask(late_review, L2, query) == ask(late_review, L2, query)


def test_a_later_load_changes_nothing_of_an_earlier_instant(late_review: Path) -> None:
    before = [ask(late_review, NOON, f"SELECT * FROM core.{name} ORDER BY ALL") for name in TABLES]
    load(late_review, at(9, 2), pull_request(merged=at(8)), pull_request(7, created=at(7)))
    after = [ask(late_review, NOON, f"SELECT * FROM core.{name} ORDER BY ALL") for name in TABLES]
    assert after == before


def test_an_account_that_was_deleted_later_keeps_what_it_wrote(tmp_path: Path) -> None:
    """GitHub shows its old rows without an author from then on; who it was is kept as first seen."""
    thread, comment = thread_with_comment()
    load(tmp_path, L1, pull_request(), review(at(1, 10)), thread, comment)
    nobody = [
        replace(row, author_account_id=None)  # type: ignore[call-arg]
        for row in (pull_request(), review(at(1, 10)), comment)
    ]
    load(tmp_path, L2, *nobody, thread)
    for query in (
        "SELECT author_id FROM core.pull_requests",
        "SELECT reviewer_id FROM core.reviews",
        "SELECT author_id FROM core.thread_comments",
        "SELECT starter_id FROM core.review_threads",
    ):
        before, after = ask(tmp_path, NOON, query), ask(tmp_path, None, query)
        assert before == after
        assert before[0][0] is not None
