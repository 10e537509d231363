"""Review requests as units (metrics specification 2.9), by hand: every row of its table, and every tie.

Everybody works Monday to Friday in UTC; 2 March 2026 is a Monday. A pull request is opened at 9:00 by ann,
who asks bob at 10:00, unless the case says otherwise.
"""

import pytest

from tests.transforms.world import World

Spell = tuple[str, str, float, str]

ASKED = "2026-03-02 10:00"


def world(*, ask: str | None = ASKED, **pull: object) -> World:
    """Ann's pull request ``pr``, and bob asked."""
    made = World()
    for person in ("ann", "bob", "cid"):
        made.person(person, team="core")
    made.pull("pr", **pull)  # type: ignore[arg-type]
    if ask is not None:
        made.request(ask, "bob")
    return made


def spells(made: World, as_of: str = "2026-03-31") -> list[Spell]:
    """Outcome, why, hours waited and anchor of every spell, in order."""
    with made.core(as_of) as core:
        found = core.execute(
            "SELECT outcome, why, waited_us / 3600000000, strftime(anchor_at_utc, '%d %H:%M') "
            "FROM core.review_requests ORDER BY anchor_at_utc, requested_at_utc, case_id"
        ).fetchall()
    return [(outcome, why, hours, anchor) for outcome, why, hours, anchor in found]


# --- asking and answering ---


def test_request_opens_and_its_clock_starts_at_once() -> None:
    made = world()
    made.review("2026-03-02 13:00", "bob")
    assert spells(made) == [("met", "answered", 3, "02 10:00")]


def test_weekend_does_not_count() -> None:
    made = world(ask="2026-03-06 16:00")
    made.review("2026-03-09 15:00", "bob")
    assert spells(made) == [("met", "answered", 23, "06 16:00")]


@pytest.mark.parametrize("state", ["APPROVED", "CHANGES_REQUESTED", "COMMENTED", "DISMISSED"])
def test_every_submitted_review_answers_dismissed_or_not(state: str) -> None:
    made = world()
    made.review("2026-03-02 11:00", "bob", state=state)
    assert spells(made) == [("met", "answered", 1, "02 10:00")]


def test_pending_review_does_not_answer() -> None:
    made = world()
    made.review(None, "bob", state="PENDING")
    made.review("2026-03-02 11:00", "bob", state="PENDING")
    assert spells(made) == [("missed", "unanswered", 494, "02 10:00")]


def test_somebody_elses_review_does_not_answer() -> None:
    made = world()
    made.review("2026-03-02 11:00", "cid")
    assert spells(made, "2026-03-02 12:00") == [("pending", "unanswered", 2, "02 10:00")]


def test_exactly_24_hours_is_in_time() -> None:
    made = world()
    made.review("2026-03-03 10:00", "bob")
    assert spells(made) == [("met", "answered", 24, "02 10:00")]


def test_one_microsecond_more_than_24_hours_is_a_miss() -> None:
    made = world()
    made.review("2026-03-03 10:00:00.000001", "bob")
    ((outcome, why, hours, _),) = spells(made)
    assert (outcome, why) == ("missed", "answered")
    assert 24 < hours < 24.0000001


def test_request_of_24_hours_is_still_pending_and_one_microsecond_later_a_miss() -> None:
    assert spells(world(), "2026-03-03 10:00") == [("pending", "unanswered", 24, "02 10:00")]
    ((outcome, why, _, _),) = spells(world(), "2026-03-03 10:00:00.000001")
    assert (outcome, why) == ("missed", "unanswered")


def test_duplicate_request_is_ignored_and_does_not_restart_the_clock() -> None:
    made = world()
    made.request("2026-03-02 20:00", "bob")
    made.review("2026-03-03 11:00", "bob")
    assert spells(made) == [("missed", "answered", 25, "02 10:00")]


def test_request_after_the_answer_is_a_new_unit() -> None:
    made = world()
    made.review("2026-03-02 11:00", "bob")
    made.request("2026-03-03 10:00", "bob")
    made.review("2026-03-03 15:00", "bob")
    assert spells(made) == [("met", "answered", 1, "02 10:00"), ("met", "answered", 5, "03 10:00")]


def test_second_review_without_a_new_request_is_nothing() -> None:
    made = world()
    made.review("2026-03-02 11:00", "bob")
    made.review("2026-03-05 11:00", "bob")
    assert spells(made) == [("met", "answered", 1, "02 10:00")]


def test_review_before_the_request_does_not_answer_it() -> None:
    made = world()
    made.review("2026-03-02 09:30", "bob")
    assert spells(made, "2026-03-02 12:00") == [("pending", "unanswered", 2, "02 10:00")]


# --- removal ---


def test_request_removed_in_time_is_excluded() -> None:
    made = world()
    made.remove("2026-03-03 10:00", "bob")
    assert spells(made) == [("excluded", "request_removed", 24, "02 10:00")]


def test_request_removed_after_the_limit_is_a_miss() -> None:
    made = world()
    made.remove("2026-03-03 10:00:01", "bob")
    ((outcome, why, _, _),) = spells(made)
    assert (outcome, why) == ("missed", "request_removed_late")


def test_removal_and_new_request_are_two_units() -> None:
    made = world()
    made.remove("2026-03-02 11:00", "bob")
    made.request("2026-03-03 10:00", "bob")
    made.review("2026-03-03 12:00", "bob")
    assert spells(made) == [
        ("excluded", "request_removed", 1, "02 10:00"),
        ("met", "answered", 2, "03 10:00"),
    ]


def test_review_after_the_removal_is_no_answer() -> None:
    made = world()
    made.remove("2026-03-02 11:00", "bob")
    made.review("2026-03-02 12:00", "bob")
    assert spells(made) == [("excluded", "request_removed", 1, "02 10:00")]


def test_removal_of_somebody_else_leaves_the_request() -> None:
    made = world()
    made.remove("2026-03-02 11:00", "cid")
    made.review("2026-03-02 12:00", "bob")
    assert spells(made) == [("met", "answered", 2, "02 10:00")]


# --- drafts ---


def test_request_in_draft_starts_its_clock_when_ready() -> None:
    made = world(draft=True)
    made.event("ready_for_review", "2026-03-03 09:00")
    made.review("2026-03-03 12:00", "bob")
    assert spells(made) == [("met", "answered", 3, "03 09:00")]


def test_answer_in_draft_is_met_with_no_hours_at_the_review() -> None:
    made = world(draft=True)
    made.review("2026-03-09 12:00", "bob")
    assert spells(made) == [("met", "answered_in_draft", 0, "09 12:00")]


def test_still_a_draft_is_excluded() -> None:
    assert spells(world(draft=True)) == [("excluded", "still_draft", 0, "02 10:00")]


def test_request_removed_in_draft_is_excluded_however_late() -> None:
    made = world(draft=True)
    made.remove("2026-03-20 10:00", "bob")
    assert spells(made) == [("excluded", "request_removed", 0, "02 10:00")]


def test_back_to_draft_in_time_is_excluded_and_the_clock_restarts_from_zero() -> None:
    made = world()
    made.event("converted_to_draft", "2026-03-03 09:00")
    made.event("ready_for_review", "2026-03-04 09:00")
    made.review("2026-03-05 08:00", "bob")
    assert spells(made) == [
        ("excluded", "back_to_draft", 23, "02 10:00"),
        ("met", "answered", 23, "04 09:00"),
    ]


def test_back_to_draft_after_the_limit_is_a_miss_and_the_clock_restarts() -> None:
    made = world()
    made.event("converted_to_draft", "2026-03-03 11:00")
    made.event("ready_for_review", "2026-03-04 09:00")
    assert spells(made, "2026-03-04 10:00") == [
        ("missed", "back_to_draft_late", 25, "02 10:00"),
        ("pending", "unanswered", 1, "04 09:00"),
    ]


def test_back_to_draft_and_answered_there_is_answered_in_draft() -> None:
    made = world()
    made.event("converted_to_draft", "2026-03-02 12:00")
    made.review("2026-03-02 13:00", "bob")
    assert spells(made) == [
        ("excluded", "back_to_draft", 2, "02 10:00"),
        ("met", "answered_in_draft", 0, "02 13:00"),
    ]


def test_ready_draft_ready_twice_makes_three_spells() -> None:
    made = world()
    for draft, ready in (("02 11:00", "02 12:00"), ("02 14:00", "03 09:00")):
        made.event("converted_to_draft", f"2026-03-{draft}")
        made.event("ready_for_review", f"2026-03-{ready}")
    made.review("2026-03-03 10:00", "bob")
    assert spells(made) == [
        ("excluded", "back_to_draft", 1, "02 10:00"),
        ("excluded", "back_to_draft", 2, "02 12:00"),
        ("met", "answered", 1, "03 09:00"),
    ]


def test_ready_when_it_is_ready_does_not_restart_the_clock() -> None:
    made = world()
    made.event("ready_for_review", "2026-03-02 12:00")
    made.review("2026-03-02 13:00", "bob")
    assert spells(made) == [("met", "answered", 3, "02 10:00")]


# --- the end of the pull request ---


@pytest.mark.parametrize(("end", "why"), [("closed", "pr_closed"), ("merged", "pr_merged")])
def test_end_in_time_is_excluded_and_after_the_limit_a_miss(end: str, why: str) -> None:
    assert spells(world(**{end: "2026-03-03 10:00"})) == [("excluded", why, 24, "02 10:00")]
    assert spells(world(**{end: "2026-03-03 12:00"})) == [("missed", f"{why}_late", 26, "02 10:00")]


def test_end_in_draft_is_excluded_however_late() -> None:
    assert spells(world(draft=True, closed="2026-03-20 10:00")) == [("excluded", "pr_closed", 0, "02 10:00")]


def test_merged_seconds_after_it_was_closed_is_merged_at_the_close() -> None:
    made = world(closed="2026-03-02 12:00", merged="2026-03-02 12:00:04")
    made.event("closed", "2026-03-02 12:00")
    assert spells(made) == [("excluded", "pr_merged", 2, "02 10:00")]


def test_merge_that_is_not_known_yet_is_an_open_request() -> None:
    made = world(merged="2026-03-03 09:00")
    assert spells(made, "2026-03-02 12:00") == [("pending", "unanswered", 2, "02 10:00")]


def test_review_after_the_merge_answers_nothing() -> None:
    made = world(merged="2026-03-02 12:00")
    made.review("2026-03-02 13:00", "bob")
    assert spells(made) == [("excluded", "pr_merged", 2, "02 10:00")]


def test_request_after_the_merge_is_excluded_and_never_waits() -> None:
    made = world(ask="2026-03-04 10:00", merged="2026-03-03 09:00")
    made.review("2026-03-09 10:00", "bob")
    assert spells(made) == [("excluded", "pr_merged", 0, "04 10:00")]


def test_reopened_the_request_is_open_again_from_zero() -> None:
    made = world()
    made.event("closed", "2026-03-02 12:00")
    made.event("reopened", "2026-03-04 09:00")
    made.review("2026-03-04 10:00", "bob")
    assert spells(made) == [("excluded", "pr_closed", 2, "02 10:00"), ("met", "answered", 1, "04 09:00")]


def test_reopened_and_merged_the_first_end_is_a_close() -> None:
    made = world(merged="2026-03-04 11:00")
    made.event("closed", "2026-03-02 12:00")
    made.event("reopened", "2026-03-04 09:00")
    made.event("closed", "2026-03-04 11:00")
    assert spells(made) == [
        ("excluded", "pr_closed", 2, "02 10:00"),
        ("excluded", "pr_merged", 2, "04 09:00"),
    ]


def test_reviewed_while_closed_the_request_does_not_come_back() -> None:
    made = world()
    made.event("closed", "2026-03-02 12:00")
    made.review("2026-03-02 13:00", "bob")
    made.event("reopened", "2026-03-04 09:00")
    assert spells(made) == [("excluded", "pr_closed", 2, "02 10:00")]


def test_closed_and_opened_again_within_one_second_it_is_open() -> None:
    """GitHub's times are whole seconds; of an open pull request it does not say that it was closed since."""
    made = world()
    made.event("closed", "2026-03-02 12:00")
    made.event("reopened", "2026-03-02 12:00")
    made.review("2026-03-02 14:00", "bob")
    assert spells(made) == [("excluded", "pr_closed", 2, "02 10:00"), ("met", "answered", 2, "02 12:00")]


def test_opened_again_and_closed_within_one_second_it_is_closed() -> None:
    made = world()
    for type_, at in (("closed", "12:00"), ("closed", "13:00"), ("reopened", "13:00")):
        made.event(type_, f"2026-03-02 {at}")
    assert spells(made)[-1] == ("excluded", "pr_closed", 0, "02 13:00")
    assert spells(world(closed="2026-03-02 13:00")) == [("excluded", "pr_closed", 3, "02 10:00")]


# --- the same instant: ready, request, review, removal, draft, close ---


def test_ready_comes_before_a_request_of_the_same_instant() -> None:
    made = world(draft=True)
    made.event("ready_for_review", ASKED)
    made.review("2026-03-02 11:00", "bob")
    assert spells(made) == [("met", "answered", 1, "02 10:00")]


def test_ready_at_the_instant_of_opening_is_ready() -> None:
    made = world(draft=True)
    made.event("ready_for_review", "2026-03-02 09:00")
    made.review("2026-03-02 11:00", "bob")
    assert spells(made) == [("met", "answered", 1, "02 10:00")]


def test_ready_comes_before_a_review_of_the_same_instant() -> None:
    made = world(draft=True)
    made.event("ready_for_review", "2026-03-03 09:00")
    made.review("2026-03-03 09:00", "bob")
    assert spells(made) == [("met", "answered", 0, "03 09:00")]


def test_ready_comes_before_draft_of_the_same_instant() -> None:
    made = world(draft=True)
    made.event("ready_for_review", "2026-03-03 09:00")
    made.event("converted_to_draft", "2026-03-03 09:00")
    assert spells(made) == [
        ("excluded", "still_draft", 0, "02 10:00"),
        ("excluded", "back_to_draft", 0, "03 09:00"),
    ]


def test_request_comes_before_a_review_of_the_same_instant() -> None:
    made = world()
    made.review(ASKED, "bob")
    assert spells(made) == [("met", "answered", 0, "02 10:00")]


def test_request_at_the_instant_of_the_answer_is_the_request_that_is_answered() -> None:
    made = world()
    made.request("2026-03-02 11:00", "bob")
    made.review("2026-03-02 11:00", "bob")
    assert spells(made) == [("met", "answered", 1, "02 10:00")]


def test_request_comes_before_a_removal_of_the_same_instant() -> None:
    made = world()
    made.remove(ASKED, "bob")
    assert spells(made) == [("excluded", "request_removed", 0, "02 10:00")]


def test_request_comes_before_draft_of_the_same_instant() -> None:
    made = world()
    made.event("converted_to_draft", ASKED)
    assert spells(made) == [
        ("excluded", "back_to_draft", 0, "02 10:00"),
        ("excluded", "still_draft", 0, "02 10:00"),
    ]


def test_request_comes_before_the_close_of_the_same_instant() -> None:
    assert spells(world(closed=ASKED)) == [("excluded", "pr_closed", 0, "02 10:00")]


def test_review_comes_before_a_removal_of_the_same_instant() -> None:
    made = world()
    made.remove("2026-03-02 11:00", "bob")
    made.review("2026-03-02 11:00", "bob")
    assert spells(made) == [("met", "answered", 1, "02 10:00")]


def test_review_comes_before_draft_of_the_same_instant() -> None:
    made = world()
    made.event("converted_to_draft", "2026-03-02 11:00")
    made.review("2026-03-02 11:00", "bob")
    assert spells(made) == [("met", "answered", 1, "02 10:00")]


def test_review_comes_before_the_merge_of_the_same_instant() -> None:
    made = world(merged="2026-03-02 11:00")
    made.review("2026-03-02 11:00", "bob")
    assert spells(made) == [("met", "answered", 1, "02 10:00")]


def test_removal_comes_before_draft_of_the_same_instant() -> None:
    made = world()
    made.event("converted_to_draft", "2026-03-02 11:00")
    made.remove("2026-03-02 11:00", "bob")
    assert spells(made) == [("excluded", "request_removed", 1, "02 10:00")]


def test_removal_comes_before_the_close_of_the_same_instant() -> None:
    made = world(closed="2026-03-03 12:00")
    made.remove("2026-03-03 12:00", "bob")
    assert spells(made) == [("missed", "request_removed_late", 26, "02 10:00")]


def test_draft_comes_before_the_close_of_the_same_instant() -> None:
    made = world(closed="2026-03-03 12:00")
    made.event("converted_to_draft", "2026-03-03 12:00")
    assert spells(made) == [
        ("missed", "back_to_draft_late", 26, "02 10:00"),
        ("excluded", "pr_closed", 0, "02 10:00"),
    ]


def test_instants_that_differ_by_a_microsecond_are_no_tie() -> None:
    made = world()
    made.review("2026-03-02 09:59:59.999999", "bob")
    assert spells(made, "2026-03-02 12:00") == [("pending", "unanswered", 2, "02 10:00")]


# --- who ---


def test_request_to_a_bot_or_to_the_author_is_none() -> None:
    made = world(ask=None)
    made.person("robot", is_bot=True)
    made.account("github:user/9", is_bot=True)
    for who in ("robot", "github:user/9", "ann"):
        made.request(ASKED, who)
        made.review("2026-03-02 11:00", who)
    assert spells(made) == []


def test_request_to_an_account_that_nobody_claims_is_one_on_the_organisations_clock() -> None:
    made = world(ask=None)
    made.account("github:user/9")
    made.request("2026-03-06 16:00", "github:user/9")
    made.review("2026-03-09 15:00", "github:user/9")
    assert spells(made) == [("met", "answered", 23, "06 16:00")]


def test_pull_request_of_a_bot_is_marked() -> None:
    made = world(author="robot")
    made.person("robot", is_bot=True)
    with made.core() as core:
        assert core.execute("SELECT is_bot_pr FROM core.review_requests").fetchall() == [(True,)]


def test_deleted_author_leaves_the_requests_of_others() -> None:
    made = world(author=None)
    made.review("2026-03-02 11:00", "bob")
    assert spells(made) == [("met", "answered", 1, "02 10:00")]


def test_request_to_a_deleted_account_is_none_and_its_review_answers_for_nobody() -> None:
    made = world()
    made.request(ASKED, None)
    made.review("2026-03-02 11:00", None)
    assert spells(made, "2026-03-02 12:00") == [("pending", "unanswered", 2, "02 10:00")]


# --- teams ---


def team_request(made: World, at: str = ASKED) -> World:
    made.request(at, team="core")
    return made


def test_request_to_a_team_is_answered_by_its_first_member_and_by_nobody_for_a_person() -> None:
    made = team_request(world(ask=None))
    made.person("dan", team="other")
    made.review("2026-03-02 11:00", "dan")
    made.review("2026-03-02 13:00", "cid")
    made.review("2026-03-02 14:00", "bob")
    assert spells(made) == [("met", "answered", 3, "02 10:00")]
    with made.core() as core:
        who = core.execute("SELECT reviewer_id, requested_team_id, answered_by_id FROM core.review_requests")
        assert who.fetchall() == [(None, "core", "cid")]


def test_two_members_in_the_same_instant_are_one_answer() -> None:
    made = team_request(world(ask=None))
    made.review("2026-03-02 13:00", "cid")
    made.review("2026-03-02 13:00", "bob")
    assert spells(made) == [("met", "answered", 3, "02 10:00")]


def test_authors_own_review_does_not_answer_the_team() -> None:
    made = team_request(world(ask=None))
    made.review("2026-03-02 13:00", "ann")
    assert spells(made, "2026-03-02 14:00") == [("pending", "unanswered", 4, "02 10:00")]


def test_bot_in_a_team_does_not_answer_for_it() -> None:
    made = team_request(world(ask=None))
    made.person("robot", team="core", is_bot=True)
    made.review("2026-03-02 11:00", "robot")
    assert spells(made, "2026-03-02 12:00") == [("pending", "unanswered", 2, "02 10:00")]


def test_membership_counts_at_the_review() -> None:
    made = team_request(world(ask=None))
    made.person("new", team="core", first="2026-03-04")
    made.person("gone", team="core", after="2026-03-03")
    made.review("2026-03-03 23:59:59", "new")
    made.review("2026-03-03 00:00", "gone")
    made.review("2026-03-04 00:00", "new")
    assert spells(made) == [("missed", "answered", 38, "02 10:00")]


def test_review_of_a_member_answers_the_person_and_the_team_each() -> None:
    made = team_request(world(), "2026-03-02 12:00")
    made.review("2026-03-02 13:00", "bob")
    assert spells(made) == [("met", "answered", 3, "02 10:00"), ("met", "answered", 1, "02 12:00")]
