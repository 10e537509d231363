"""From landing files to core: which version counts, who is who, what a pull request touches.

People of these tests: ann (account 1), bob (account 2). Pull request 1 is ann's.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

import duckdb
import pytest

from connectors.github import records as github
from metrics_catalog.catalogue import load_catalogue
from tests.transforms.landed import (
    Landed,
    account,
    comment,
    event,
    off,
    person,
    pull,
    repository,
    review,
    service,
    thread,
)
from tests.transforms.world import rows, utc
from transforms.build import analyst_selects, comments, full_selects, view_selects
from transforms.queries import create
from warehouse.publish import ANALYST, FULL, publish

ANN, BOB = account(1, "ann"), account(2, "bob")


@pytest.fixture
def landed(tmp_path: Path) -> Landed:
    return Landed(folder=tmp_path / "landing")


def column(connection: duckdb.DuckDBPyConnection, query: str) -> list[Any]:
    return [row[0] for row in connection.execute(query).fetchall()]


# --- versions and snapshots ---


def test_newest_snapshot_wins_by_what_was_known_and_not_by_when_it_was_written(landed: Landed) -> None:
    landed.github("2026-03-05", [repository(), ANN, pull(title="newer")])
    landed.github("2026-03-04", [repository(), ANN, pull(title="older")])
    with landed.core() as core:
        assert column(core, "SELECT title FROM core.pull_requests") == ["newer"]


def test_later_page_of_one_load_is_newer(landed: Landed) -> None:
    landed.github("2026-03-05", [repository(), pull(title="first")], [pull(title="second")])
    with landed.core() as core:
        assert column(core, "SELECT title FROM core.pull_requests") == ["second"]


def snapshot(*children: Any) -> list[Any]:
    return [repository(), ANN, BOB, pull(), *children]


def test_deleted_comment_disappears_and_stays_in_the_past_it_belonged_to(landed: Landed) -> None:
    said = [thread(1), comment(1, 2, "2026-03-02 10:00"), comment(2, 1, "2026-03-02 11:00")]
    landed.github("2026-03-03", snapshot(*said))
    landed.github("2026-03-05", snapshot(*said[:2]))
    with landed.core("2026-03-05") as core:
        assert column(core, "SELECT comment_id FROM core.thread_comments") == ["comment-1"]
    with landed.core("2026-03-04") as core:
        assert column(core, "SELECT comment_id FROM core.thread_comments ORDER BY 1") == [
            "comment-1",
            "comment-2",
        ]


@pytest.mark.parametrize(
    ("child", "entity"),
    [
        (event("review_requested", "2026-03-02 10:00", requested_account_id="github:user/2"), "pr_events"),
        (review(1, 2, "2026-03-02 10:00"), "reviews"),
        (thread(1), "review_threads"),
    ],
)
def test_child_that_the_newest_snapshot_does_not_show_is_gone(
    landed: Landed, child: Any, entity: str
) -> None:
    landed.github("2026-03-03", snapshot(child))
    with landed.core() as core:
        assert len(rows(core, f"FROM core.{entity}")) == 1
    landed.github("2026-03-05", snapshot())
    with landed.core() as core:
        assert rows(core, f"FROM core.{entity}") == []


def test_load_without_the_pull_request_leaves_it_and_its_children(landed: Landed) -> None:
    landed.github("2026-03-03", snapshot(review(1, 2, "2026-03-02 10:00")))
    landed.github("2026-03-05", [repository()])
    with landed.core() as core:
        assert column(core, "SELECT review_id FROM core.reviews") == ["review-1"]


def test_children_of_an_earlier_page_of_the_same_load_do_not_mix_in(landed: Landed) -> None:
    landed.github(
        "2026-03-05",
        snapshot(review(1, 2, "2026-03-02 10:00")),
        [pull(title="again"), review(2, 2, "2026-03-02 11:00")],
    )
    with landed.core() as core:
        assert column(core, "SELECT review_id FROM core.reviews") == ["review-2"]


def test_same_id_twice_in_one_load_the_last_wins_and_the_difference_is_told(landed: Landed) -> None:
    manifest = landed.github("2026-03-05", [repository(), pull(title="first")], [pull(title="second")])
    landed.github("2026-03-06", [repository(), pull(title="second"), pull(title="second")])
    with landed.core() as core:
        assert rows(core, "SELECT load_id, stream, ref, problem, is_lost FROM ops.rejected_records") == [
            {
                "load_id": manifest.load_id,
                "stream": "pull_requests",
                "ref": "github:1/pull/1",
                "problem": "changed_within_load",
                "is_lost": False,
            }
        ]


def test_what_happened_after_the_as_of_does_not_exist_and_a_later_end_is_not_known(landed: Landed) -> None:
    """The load is later than the as-of: it is the first one, and taken backfilled."""
    landed.github(
        "2026-03-20",
        [
            *(repository(), ANN, BOB),
            pull(merged_at_utc="2026-03-03 12:00"),
            pull(2, created_at_utc="2026-03-03 10:00:01"),
            review(1, 2, "2026-03-03 10:00"),
            review(2, 2, "2026-03-03 10:00:01"),
            event("review_requested", "2026-03-03 10:00:01", requested_account_id="github:user/2"),
            thread(1),
            comment(1, 2, "2026-03-03 10:00:01"),
        ],
    )
    with landed.core("2026-03-03 10:00") as core:
        assert rows(core, "SELECT pr_id, merged_at_utc, closed_at_utc FROM core.pull_requests") == [
            {"pr_id": "github:1/pull/1", "merged_at_utc": None, "closed_at_utc": None}
        ]
        assert column(core, "SELECT review_id FROM core.reviews") == ["review-1"]
        for entity in ("pr_events", "thread_comments", "review_threads"):
            assert rows(core, f"FROM core.{entity}") == []
        assert column(core, "SELECT is_backfilled FROM ops.loads") == [True]
    with landed.core("2026-03-03 12:00") as core:
        assert column(core, "SELECT merged_at_utc FROM core.pull_requests ORDER BY pr_id")[0] == utc(
            "2026-03-03 12:00"
        )


def test_the_time_of_the_first_commit_is_kept_where_there_is_one(landed: Landed) -> None:
    landed.github(
        "2026-03-05",
        [repository(), ANN, pull(first_commit_at_utc="2026-02-27 17:30"), pull(2)],
    )
    with landed.core() as core:
        assert column(core, "SELECT first_commit_at_utc FROM core.pull_requests ORDER BY pr_id") == [
            utc("2026-02-27 17:30"),
            None,
        ]


def test_sub_second_precision_is_kept(landed: Landed) -> None:
    landed.github("2026-03-05", snapshot(review(1, 2, "2026-03-02 10:00:00.123456")))
    with landed.core() as core:
        assert column(core, "SELECT submitted_at_utc FROM core.reviews") == [
            utc("2026-03-02 10:00:00.123456")
        ]


# --- names change ---


def test_renamed_repository_keeps_its_pull_requests_and_its_service(landed: Landed) -> None:
    landed.organization("2026-03-01", service("api", repository="acme/api"))
    landed.github("2026-03-03", [repository("acme/api"), pull()])
    landed.github("2026-03-05", [repository("acme/core-api"), pull(2)])
    with landed.core() as core:
        assert rows(core, "SELECT ref, service_ids FROM core.pull_requests ORDER BY pr_id") == [
            {"ref": "acme/core-api#1", "service_ids": ["api"]},
            {"ref": "acme/core-api#2", "service_ids": ["api"]},
        ]
        assert column(core, "SELECT name_with_owner FROM core.repositories") == ["acme/core-api"]


def test_name_that_went_to_another_repository_means_that_one_from_then_on(landed: Landed) -> None:
    """acme/api was renamed, and somebody made a new acme/api. What was opened before stays of its service,
    and what comes later is the new one's. A revert speaks of its own repository first."""
    landed.organization("2026-03-01", service("api", repository="acme/api"))
    revert: dict[str, Any] = {"reverts_ref": "acme/api#5"}
    landed.github("2026-03-03", [repository("acme/api", 1), pull(1, **revert)])
    landed.github("2026-03-05", [repository("acme/old-api", 1)])
    landed.github("2026-03-06", [repository("acme/api", 2), pull(2, repository_id="github:2", **revert)])
    later = pull(4, created_at_utc="2026-03-06 09:00")
    web = [repository("acme/web", 3), pull(3, repository_id="github:3", **revert)]
    landed.github("2026-03-07", web, [repository("acme/old-api", 1), later])
    with landed.core() as core:
        assert core.execute(
            "SELECT pr_id, service_ids, reverts_pr_id FROM core.pull_requests ORDER BY pr_id"
        ).fetchall() == [
            ("github:1/pull/1", ["api"], "github:1/pull/5"),
            ("github:1/pull/4", [], None),
            ("github:2/pull/2", ["api"], "github:2/pull/5"),
            ("github:3/pull/3", [], "github:2/pull/5"),
        ]


def test_default_branch_renamed_both_names_count(landed: Landed) -> None:
    landed.github(
        "2026-03-03", [repository(branch="master"), pull(base_branch="master", merged_at_utc="2026-03-03")]
    )
    landed.github(
        "2026-03-05",
        [
            repository(branch="main"),
            pull(2, base_branch="main", merged_at_utc="2026-03-04"),
            pull(3, base_branch="topic", merged_at_utc="2026-03-04"),
        ],
    )
    with landed.core() as core:
        found = column(core, "SELECT merged_to_default_branch FROM core.pull_requests ORDER BY pr_id")
        assert found == [True, True, False]


# --- services ---


def test_service_is_touched_where_its_dates_hold_at_the_merge(landed: Landed) -> None:
    landed.zone = "America/New_York"
    landed.organization("2026-03-01", service("api", valid_from="2026-03-10", valid_to="2026-03-12"))
    landed.github(
        "2026-03-20",
        [
            repository(),
            pull(1, merged_at_utc="2026-03-10 03:59:59"),
            pull(2, merged_at_utc="2026-03-10 04:00:00"),
            pull(3, merged_at_utc="2026-03-12 03:59:59"),
            pull(4, merged_at_utc="2026-03-12 04:00:00"),
            pull(5, created_at_utc="2026-03-11 09:00"),  # open: by its creation
        ],
    )
    with landed.core() as core:
        found = column(core, "SELECT service_ids FROM core.pull_requests ORDER BY pr_id")
        assert found == [[], ["api"], ["api"], [], ["api"]]


def test_services_of_one_repository_are_told_apart_by_label(landed: Landed) -> None:
    landed.organization(
        "2026-03-01", service("web", label="web"), service("api", label="api"), service("whole")
    )
    landed.github(
        "2026-03-20",
        [repository("Acme/API"), pull(1), pull(2, labels=("web",)), pull(3, labels=("web", "api", "x"))],
    )
    with landed.core() as core:
        found = column(core, "SELECT service_ids FROM core.pull_requests ORDER BY pr_id")
        assert found == [["whole"], ["web", "whole"], ["api", "web", "whole"]]


# --- calendar ---


def test_days_of_a_place_a_person_and_everybody(landed: Landed) -> None:
    """Bob moves from Berlin to Oslo on 4 May; a row of a place is for whoever is there on that day."""
    landed.organization(
        "2026-03-01",
        person("ann", place="berlin"),
        person("bob", place="berlin", valid_to="2026-05-04"),
        person("bob", place="oslo", valid_from="2026-05-04"),
        off("place:berlin", "2026-05-03", "2026-05-04"),
        off("place:oslo", "2026-05-03", "2026-05-04"),
        off("person:ann", "2026-05-05", "2026-05-06", kind="absence"),
        off("*", "2026-05-07"),
    )
    with landed.core() as core:
        found = core.execute(
            "SELECT person_id, date::VARCHAR, kind FROM core.calendar ORDER BY ALL"
        ).fetchall()
    assert found == [
        ("*", "2026-05-07", "holiday"),
        ("ann", "2026-05-03", "holiday"),
        ("ann", "2026-05-04", "holiday"),
        ("ann", "2026-05-05", "absence"),
        ("ann", "2026-05-06", "absence"),
        ("bob", "2026-05-03", "holiday"),
        ("bob", "2026-05-04", "holiday"),
    ]


# --- who is who ---


def bound(core: duckdb.DuckDBPyConnection) -> dict[str, str]:
    return {row["login"]: row["person_id"] for row in rows(core, "FROM core.accounts")}


def test_login_of_the_roster_is_bound_at_first_sight_and_journalled(landed: Landed) -> None:
    landed.organization("2026-03-01", person("ann", "Ann"), person("bob", "bob"))
    landed.github("2026-03-03", [ANN])
    with landed.core() as core:
        assert bound(core) == {"ann": "ann"}
    assert [(entry["account_id"], entry["person_id"], entry["login"]) for entry in landed.new] == [
        ("github:user/1", "ann", "Ann")
    ]
    landed.journal += landed.new
    with landed.core():
        assert landed.new == []


def test_renamed_login_keeps_the_person_and_whoever_takes_the_old_one_is_nobody(landed: Landed) -> None:
    landed.organization("2026-03-01", person("ann", "ann"))
    landed.github("2026-03-03", [ANN])
    with landed.core():
        landed.journal += landed.new
    landed.github("2026-03-05", [account(1, "ann-smith"), account(9, "ann")])
    with landed.core() as core:
        assert bound(core) == {"ann-smith": "ann", "ann": "github:user/9"}
        assert landed.new == []


def test_account_that_two_people_claim_belongs_to_nobody(landed: Landed) -> None:
    landed.organization("2026-03-01", person("ann", "shared"), person("bob", "shared"))
    landed.github("2026-03-03", [account(3, "shared")])
    with landed.core() as core:
        assert bound(core) == {"shared": "github:user/3"}
        people = column(core, "SELECT person_id FROM core.people WHERE NOT is_rostered")
        assert people == ["github:user/3"]


def test_binding_that_is_journalled_later_than_the_horizon_is_not_known(landed: Landed) -> None:
    landed.organization("2026-03-01", person("ann", "ann"))
    landed.github("2026-03-03", [account(5, "other")])
    entry = {"action": "bind", "source": "github", "account_id": "github:user/5", "person_id": "ann"}
    landed.journal = [entry | {"login": "other", "known_at_utc": "2026-07-01T00:00:00+00:00"}]
    with landed.core("2026-06-01") as core:
        assert bound(core) == {"other": "github:user/5"}
    with landed.core("2026-07-01") as core:
        assert bound(core) == {"other": "ann"}


def test_unclaimed_account_is_a_person_of_its_own_and_never_a_subject(landed: Landed) -> None:
    landed.organization("2026-03-01", person("ann", "ann"))
    asked = event("review_requested", "2026-03-02 10:00", requested_account_id="github:user/2")
    landed.github("2026-03-03", snapshot(asked, review(1, 2, "2026-03-02 11:00")))
    with landed.trends(load_catalogue()) as trends:
        assert rows(trends, "SELECT person_id, name, is_rostered FROM core.people ORDER BY ALL") == [
            {"person_id": "ann", "name": "Ann", "is_rostered": True},
            {"person_id": "github:user/2", "name": "bob", "is_rostered": False},
        ]
        assert column(trends, "SELECT why FROM core.review_requests") == ["answered"]
        assert rows(trends, "FROM trends.periods WHERE subject_id = 'github:user/2'") == []
        assert rows(trends, "FROM trends.periods WHERE metric_id = 'rq_response_24h'") == []


def test_two_accounts_of_one_person_are_one_person(landed: Landed) -> None:
    landed.organization("2026-03-01", person("ann", "ann", "ann-bot-helper"))
    landed.github("2026-03-03", [ANN, account(8, "ann-bot-helper")])
    with landed.core() as core:
        assert set(bound(core).values()) == {"ann"}
        assert column(core, "SELECT person_id FROM core.people") == ["ann"]


def test_person_whose_row_was_taken_out_of_the_roster_is_still_somebody(landed: Landed) -> None:
    landed.organization("2026-03-01", person("ann", "ann"), person("bob", "bob", "bob2"))
    landed.github("2026-03-03", [*snapshot(review(1, 2, "2026-03-02 11:00")), account(3, "bob2")])
    with landed.core():
        landed.journal += landed.new
    landed.organization("2026-04-01", person("ann", "ann"))
    with landed.core() as core:
        assert column(core, "SELECT reviewer_id FROM core.reviews") == ["bob"]
        assert rows(core, "SELECT person_id, is_rostered FROM core.people ORDER BY ALL") == [
            {"person_id": "ann", "is_rostered": True},
            {"person_id": "bob", "is_rostered": False},
        ]


@pytest.mark.parametrize(
    ("login", "kind", "is_bot"),
    [("ann", "user", False), ("x", "bot", True), ("renovate[bot]", "user", True), ("Our-CI", "user", True)],
)
def test_bot_is_who_the_source_the_login_or_the_list_says(
    landed: Landed, login: str, kind: Any, is_bot: bool
) -> None:
    landed.github("2026-03-03", [account(4, login, kind)])
    with landed.core(bots=("our-ci",)) as core:
        assert column(core, "SELECT is_bot FROM core.people") == [is_bot]


def test_person_is_as_their_roster_row_at_the_as_of_says(landed: Landed) -> None:
    landed.organization(
        "2026-03-01",
        person("ann", time_zone="Europe/Berlin", valid_to="2026-05-01"),
        person("ann", time_zone="Asia/Tokyo", valid_from="2026-05-01", valid_to="2026-07-01"),
        person("ann", time_zone="America/Havana", valid_from="2026-07-01"),
        person("new", time_zone="Asia/Kolkata", valid_from="2026-08-01", valid_to="2026-09-01"),
        person("new", time_zone="Africa/Cairo", valid_from="2026-09-01"),
    )
    for as_of, zone in (("2026-04-30", "Europe/Berlin"), ("2026-06-01", "Asia/Tokyo")):
        with landed.core(as_of) as core:
            assert rows(core, "SELECT person_id, tz FROM core.people ORDER BY 1") == [
                {"person_id": "ann", "tz": zone},
                {"person_id": "new", "tz": "Asia/Kolkata"},
            ]


def test_requested_team_is_the_rosters_team_of_that_name(landed: Landed) -> None:
    landed.organization("2026-03-01", person("ann", "ann", team_id="Core & Platform"))
    landed.github(
        "2026-03-03",
        snapshot(
            event(
                "review_requested",
                "2026-03-02 10:00",
                requested_team_id="github:team/1",
                requested_team_slug="core-platform",
            ),
            event(
                "review_requested",
                "2026-03-02 11:00",
                requested_team_id="github:team/2",
                requested_team_slug="elsewhere",
            ),
        ),
    )
    with landed.core() as core:
        found = column(core, "SELECT requested_team_id FROM core.pr_events ORDER BY occurred_at_utc")
        assert found == ["Core & Platform", "github:team/2"]


# --- pull requests ---


@pytest.mark.parametrize(
    ("is_draft", "kinds", "opened_as_draft"),
    [
        (False, [], False),
        (True, [], True),
        (False, ["ready_for_review"], True),
        (True, ["converted_to_draft"], False),
        (True, ["ready_for_review", "converted_to_draft"], True),
        (False, ["converted_to_draft", "ready_for_review"], False),
    ],
)
def test_opened_as_a_draft_is_told_by_the_first_change(
    landed: Landed, is_draft: bool, kinds: list[Any], opened_as_draft: bool
) -> None:
    changes = [event(kind, f"2026-03-02 1{hour}:00") for hour, kind in enumerate(kinds)]
    landed.github("2026-03-03", [repository(), pull(is_draft=is_draft), *reversed(changes)])
    with landed.core() as core:
        assert column(core, "SELECT draft_at_creation FROM core.pull_requests") == [opened_as_draft]


def test_reverted_pull_request_is_named_by_id_through_every_name_its_repository_had(landed: Landed) -> None:
    landed.github("2026-03-03", [repository("acme/api")])
    landed.github(
        "2026-03-05",
        [
            repository("acme/core-api"),
            pull(1),
            pull(2, reverts_ref="acme/api#1"),
            pull(3, reverts_ref="Acme/Core-API#1"),
            pull(4, reverts_ref="else/where#7"),
        ],
    )
    with landed.core() as core:
        found = column(core, "SELECT reverts_pr_id FROM core.pull_requests ORDER BY pr_id")
        assert found == [None, "github:1/pull/1", "github:1/pull/1", "github:else/where/pull/7"]


def test_what_a_text_says_it_fixes_is_named_by_id_and_never_itself(landed: Landed) -> None:
    page = [repository("acme/api"), pull(1)]
    refs = ("acme/API#1", "acme/api#2", "else/where#7")
    address = ("https://pager.example/incidents/q1",)
    landed.github("2026-03-05", [*page, pull(2, fixes_refs=refs, incident_urls=address)])
    with landed.core() as core:
        query = "SELECT fixes_pr_ids, incident_urls FROM core.pull_requests ORDER BY pr_id"
        assert [tuple(row.values()) for row in rows(core, query)] == [
            ([], []),
            (["github:1/pull/1", "github:else/where/pull/7"], list(address)),
        ]


def test_revert_is_labelled_as_no_defect_only_where_it_is_a_revert(landed: Landed) -> None:
    landed.github(
        "2026-03-05",
        [
            repository(),
            pull(1, reverts_ref="acme/api#9", labels=("planned",)),
            pull(2, reverts_ref="acme/api#9", labels=("other",)),
            pull(3, labels=("planned",)),
        ],
    )
    with landed.core() as core:
        assert column(core, "SELECT not_a_defect FROM core.pull_requests ORDER BY pr_id") == [
            True,
            False,
            False,
        ]


def test_thread_belongs_to_whoever_wrote_its_first_comment(landed: Landed) -> None:
    landed.github(
        "2026-03-05",
        snapshot(
            thread(1),
            comment(10, 1, "2026-03-02 10:00"),
            comment(9, 2, "2026-03-02 10:00"),  # the same second: the shorter, older id
            comment(8, 1, "2026-03-02 11:00"),
        ),
    )
    with landed.core() as core:
        assert column(core, "SELECT starter_id FROM core.review_threads") == ["github:user/2"]


# --- nothing at all ---


def no_load(_: Landed) -> None:
    """Not even a load."""


def empty_loads(landed: Landed) -> None:
    landed.organization("2026-03-01")
    landed.github("2026-03-01")


def only_people(landed: Landed) -> None:
    landed.organization("2026-03-01", person("ann", "ann"))


@pytest.mark.parametrize("land", [no_load, empty_loads, only_people])
def test_every_metric_compiles_against_an_empty_warehouse_and_gives_no_cell(
    landed: Landed, land: Callable[[Landed], None]
) -> None:
    land(landed)
    catalogue = load_catalogue()
    with landed.trends(catalogue) as trends:
        for metric_id in catalogue:
            assert rows(trends, f"FROM facts.{metric_id}") == []
        assert rows(trends, "FROM trends.periods WHERE subject_id = 'github:user/2'") == []
        assert rows(trends, "FROM trends.periods WHERE metric_id = 'rq_response_24h'") == []
        assert rows(trends, "FROM trends.all_periods") == []
        assert len(rows(trends, "FROM catalog.metrics")) == len(catalogue)


def test_the_catalogue_of_each_file_holds_every_column_that_is_in_it(landed: Landed, tmp_path: Path) -> None:
    """Tables of metrics and views too, with the words of the comments, and nothing that is not there."""
    catalogue = load_catalogue()
    with landed.trends(catalogue) as trends:
        create(trends, "ops.checks")
        publish(
            trends,
            tmp_path / "published",
            name="one",
            full=full_selects(catalogue),
            analyst=analyst_selects(catalogue),
            views=view_selects(),
            comments=comments(catalogue),
        )
    for name in (FULL, ANALYST):
        with duckdb.connect(str(tmp_path / "published" / name), read_only=True) as connection:
            there = connection.execute(
                "SELECT schema_name || '.' || table_name, column_name, data_type, comment"
                " FROM duckdb_columns() WHERE NOT internal ORDER BY ALL"
            ).fetchall()
            listed = connection.execute(
                "SELECT table_name, column_name, type, meaning FROM catalog.columns ORDER BY ALL"
            ).fetchall()
        assert {"facts.rq_review_coverage", "trends.all_periods"} <= {table for table, *_ in there}
        assert there == listed


def test_same_rows_in_another_order_make_the_same_core(landed: Landed, tmp_path: Path) -> None:
    page = snapshot(
        event("review_requested", "2026-03-02 10:00", requested_account_id="github:user/2"),
        replace(review(1, 2, "2026-03-02 10:30"), state="APPROVED"),
        review(2, 2, "2026-03-02 11:00"),
        thread(1),
        comment(1, 2, "2026-03-02 10:30"),
    )
    other = Landed(folder=tmp_path / "other")
    found = []
    for one, records in ((landed, page), (other, page[::-1])):
        one.github("2026-03-03", records)
        with one.core() as core:
            tables = column(
                core, "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'core' ORDER BY 1"
            )
            found.append({name: core.execute(f"FROM core.{name}").fetchall() for name in tables})
    assert found[0] == found[1]
    assert found[0]["review_requests"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierReview:
    """A review as a version landed it that did not yet read everything of it."""

    stream: ClassVar[str] = "reviews"
    review_id: str
    pull_request_id: str
    author_account_id: str | None
    state: github.ReviewState
    submitted_at_utc: datetime
    body: str
    source_url: str

    @property
    def key(self) -> str:
        return self.review_id


def test_a_load_of_an_earlier_version_lacks_streams_and_fields_and_can_be_built(landed: Landed) -> None:
    unknown_then = {"reviews", "deployments", "reactions", "account_identities", "identity_access"}
    known_then = [record for record in github.RECORD_TYPES if record.stream not in unknown_then]
    said = review(1, 2, "2026-03-02 11:00")
    landed.github("2026-03-03", snapshot(said), types=[*known_then, EarlierReview])
    with landed.core() as core:
        assert rows(core, "SELECT review_id, state FROM core.reviews") == [
            {"review_id": said.review_id, "state": "COMMENTED"}
        ]
        assert column(core, "SELECT node_id FROM landing.github__reviews") == [None]
        assert column(core, "SELECT count(*) FROM core.deployments") == [0]
    landed.github("2026-03-04", snapshot(said, pull(2)))
    with landed.core() as core:
        assert column(core, "SELECT count(*) FROM core.pull_requests") == [2]
