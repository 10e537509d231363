"""From pages to records: every field, and what GitHub does that one would not expect.

Here: pages that are what GitHub promises.
Not here: pages that are not (``test_bad_input``).
"""

from datetime import UTC, datetime

import pytest

from connectors.github.records import (
    Account,
    PullRequest,
    PullRequestEvent,
    Repository,
    Review,
    ReviewComment,
    ReviewThread,
)
from connectors.github.transport import Json
from tests.connectors.came import WhatCame
from tests.connectors.github.builders import (
    ORLA,
    ServedPages,
    comment,
    connection,
    first_commit,
    page_file,
    pull_request,
    read,
    request,
    review,
    serving,
    thread,
)

PULL = "github:501/pull/7"
URL = "https://github.test/acme/kettle/pull/7"


def _at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC)


def _read_file(name: str) -> WhatCame:
    came = read(ServedPages(pages={("acme/kettle", None): page_file(name)}))
    assert came.gaps == ()
    assert came.rejected == []
    return came


@pytest.fixture(scope="module")
def ordinary() -> WhatCame:
    return _read_file("ordinary")


@pytest.fixture(scope="module")
def quirks() -> WhatCame:
    return _read_file("quirks")


# ------------------------------------------------------------------------------ every field


def test_every_field_of_a_repository(ordinary: WhatCame) -> None:
    assert ordinary.one(Repository) == Repository(
        repository_id="github:501",
        name_with_owner="acme/kettle",
        source_url="https://github.test/acme/kettle",
        default_branch="main",
    )


def test_an_empty_repository_has_no_default_branch(quirks: WhatCame) -> None:
    assert quirks.one(Repository).default_branch is None


def test_every_field_of_a_pull_request(ordinary: WhatCame) -> None:
    assert ordinary.one(PullRequest) == PullRequest(
        pull_request_id=PULL,
        node_id="PR_7",
        repository_id="github:501",
        number=7,
        source_url=URL,
        title="Switch off when the water boils",
        author_account_id="github:user/11",
        created_at_utc=_at(2, 9),
        updated_at_utc=_at(3, 15),
        closed_at_utc=_at(3, 15),
        merged_at_utc=_at(3, 15),
        is_draft=False,
        base_branch="main",
        labels=("Heating", "backend", "safety"),  # sorted, so that two readings are equal
        reverts_ref=None,
        first_commit_at_utc=_at(1, 16, 30),
        merge_commit_oid="1c0ffee1c0ffee1c0ffee1c0ffee1c0ffee1c0ff",
    )


@pytest.mark.parametrize(
    ("authored_at", "kept"),
    [
        ("2005-04-07T00:00:00Z", datetime(2005, 4, 7, tzinfo=UTC)),
        ("2005-04-06T23:59:59Z", None),
        ("1970-01-01T00:00:00Z", None),
        (
            "2026-03-10T12:05:00Z",
            datetime(2026, 3, 10, 12, 5, tzinfo=UTC),
        ),  # five minutes ahead of the server
        ("2026-03-10T12:05:01Z", None),
    ],
)
def test_an_authors_wrong_clock_loses_no_pull_request(authored_at: str, kept: datetime | None) -> None:
    came = read(serving(pull_request(7, commits=first_commit(authored_at))))
    assert came.rejected == []
    assert came.one(PullRequest).first_commit_at_utc == kept


def test_a_pull_request_whose_commits_are_gone_has_no_first_one(quirks: WhatCame) -> None:
    assert [one.first_commit_at_utc for one in quirks.all(PullRequest)] == [None]


def test_every_field_of_a_review(ordinary: WhatCame) -> None:
    """Ids above 32 bits come as text and stay what they are."""
    assert ordinary.all(Review) == [
        Review(
            review_id="github:review/9000000071",
            node_id="PRR_71",
            pull_request_id=PULL,
            author_account_id="github:user/12",
            state="CHANGES_REQUESTED",
            submitted_at_utc=_at(2, 11, 30),
            body="One question.",
            source_url=f"{URL}#pullrequestreview-9000000071",
        ),
        Review(
            review_id="github:review/72",
            node_id="PRR_72",
            pull_request_id=PULL,
            author_account_id="github:user/12",
            state="APPROVED",
            submitted_at_utc=_at(3, 14),
            body="",
            source_url=f"{URL}#pullrequestreview-72",
        ),
    ]


def test_every_field_of_a_thread_and_its_comments(ordinary: WhatCame) -> None:
    assert ordinary.one(ReviewThread) == ReviewThread(
        thread_id="github:thread/PRRT_73", pull_request_id=PULL, is_resolved=True, is_outdated=False
    )
    first, second = ordinary.all(ReviewComment)
    assert first == ReviewComment(
        comment_id="github:review_comment/9000000074",
        node_id="PRRC_74",
        thread_id="github:thread/PRRT_73",
        pull_request_id=PULL,
        author_account_id="github:user/12",
        created_at_utc=_at(2, 11, 25),
        body="What happens at sea level?",
        source_url=f"{URL}#discussion_r9000000074",
    )
    assert (second.comment_id, second.thread_id) == ("github:review_comment/75", "github:thread/PRRT_73")


def test_every_kind_of_event(ordinary: WhatCame) -> None:
    assert [
        (event.event_id, event.type, event.occurred_at_utc) for event in ordinary.all(PullRequestEvent)
    ] == [
        ("github:event/CTDE_1", "converted_to_draft", _at(2, 9, 5)),
        ("github:event/RFRE_2", "ready_for_review", _at(2, 10)),
        ("github:event/RRE_3", "review_requested", _at(2, 10, 1)),
        ("github:event/CE_4", "closed", _at(2, 13)),
        ("github:event/RE_5", "reopened", _at(2, 13, 1)),
    ]
    assert {event.pull_request_id for event in ordinary.all(PullRequestEvent)} == {PULL}


def test_accounts_come_once_a_page_and_before_what_names_them(ordinary: WhatCame) -> None:
    (page,) = ordinary.pages
    assert page.records[:2] == (
        Account(account_id="github:user/11", login="tilde-moss", kind="user"),
        Account(account_id="github:user/12", login="orla-finch", kind="user"),
    )
    assert len(ordinary.all(Account)) == 2


# ------------------------------------------------------------------------------ people and machines


def test_a_deleted_account_is_nobody(quirks: WhatCame) -> None:
    assert quirks.one(PullRequest).author_account_id is None


def test_kinds_of_accounts(quirks: WhatCame) -> None:
    """An enterprise account has no number of its own: it is its user's."""
    assert {account.account_id: (account.login, account.kind) for account in quirks.all(Account)} == {
        "github:user/13": ("old-pim", "mannequin"),
        "github:user/14": ("lint-owl", "bot"),
        "github:user/15": ("acme", "organization"),
        "github:user/16": ("head-office", "user"),
    }


def test_an_enterprise_account_without_a_user_is_nobody() -> None:
    office = {"__typename": "EnterpriseUserAccount", "login": "head-office", "user": None}
    came = read(serving(pull_request(author=office)))
    assert came.one(PullRequest).author_account_id is None
    assert came.all(Account) == []


def test_the_account_of_something_that_was_dropped_is_not_kept(quirks: WhatCame) -> None:
    """Orla's review and comment are pending; nothing else on the page is hers."""
    assert "github:user/12" not in {account.account_id for account in quirks.all(Account)}


# ------------------------------------------------------------------------------ reviews and requests


def test_a_pending_review_is_dropped_and_a_dismissed_one_kept(quirks: WhatCame) -> None:
    assert [(review.review_id, review.state) for review in quirks.all(Review)] == [
        ("github:review/82", "DISMISSED"),
        ("github:review/83", "COMMENTED"),
    ]


def test_a_pending_comment_is_dropped(quirks: WhatCame) -> None:
    assert [comment.comment_id for comment in quirks.all(ReviewComment)] == [
        "github:review_comment/86",
        "github:review_comment/87",
    ]


def test_a_dismissal_tells_which_review_and_what_it_said(quirks: WhatCame) -> None:
    """The review itself only says DISMISSED from then on; a deleted review is null."""
    dismissals = [event for event in quirks.all(PullRequestEvent) if event.type == "review_dismissed"]
    assert [(event.dismissed_review_id, event.previous_review_state) for event in dismissals] == [
        ("github:review/82", "APPROVED"),
        (None, "CHANGES_REQUESTED"),
    ]


def test_a_request_names_a_team_a_machine_or_nobody(quirks: WhatCame) -> None:
    requests = [event for event in quirks.all(PullRequestEvent) if event.type.startswith("review_request")]
    assert [
        (event.type, event.requested_account_id, event.requested_team_id, event.requested_team_slug)
        for event in requests
    ] == [
        ("review_requested", None, "github:team/301", "boilers"),
        ("review_requested", None, None, None),  # hidden from the token, or deleted
        ("review_requested", "github:user/14", None, None),
        ("review_request_removed", "github:user/13", None, None),
    ]


def test_a_request_names_a_person(ordinary: WhatCame) -> None:
    (asked,) = [event for event in ordinary.all(PullRequestEvent) if event.type == "review_requested"]
    assert (asked.requested_account_id, asked.requested_team_id) == ("github:user/12", None)


def test_a_request_to_a_person_brings_the_account() -> None:
    came = read(serving(pull_request(author=None, timelineItems=connection(request()))))
    assert came.all(Account) == [Account(account_id="github:user/12", login="orla-finch", kind="user")]


# ------------------------------------------------------------------------------ reverts


def _reverts(title: str, body: str, branch: str = "topic") -> str | None:
    made = pull_request(9, title=title, body=body, headRefName=branch)
    return read(serving(made)).one(PullRequest).reverts_ref


def test_what_a_text_says_it_fixes_is_kept_and_the_text_is_not() -> None:
    body = "Null carts.\r\n\r\nCaused by #7 (https://acme.pagerduty.com/incidents/Q1).\r\nFixes orla/web#3"
    made = pull_request(9, body=body)
    found = read(serving(made)).one(PullRequest)
    assert found.fixes_refs == ("acme/kettle#7", "orla/web#3")
    assert found.incident_urls == ("https://acme.pagerduty.com/incidents/q1",)
    assert "Null carts" not in repr(found)


def test_the_revert_button_names_the_reverted() -> None:
    """With its own title, and with another title on its branch."""
    assert [one.reverts_ref for one in _read_file("reverts").all(PullRequest)] == ["acme/kettle#7"] * 2


@pytest.mark.parametrize(
    ("body", "reverted"),
    [
        ("Reverts #7", "acme/kettle#7"),  # the short form means this repository
        ("Reverts acme/toaster#12\n\nIt burnt.", "acme/toaster#12"),
        ("  Reverts acme/kettle#7", "acme/kettle#7"),
        ("Because it burnt. Reverts acme/kettle#7", None),  # the button's words come first
        ("reverts acme/kettle#7", None),
        ("Reverts the kettle", None),
        ("", None),
    ],
)
def test_the_text_of_a_revert(body: str, reverted: str | None) -> None:
    assert _reverts('Revert "Boil"', body) == reverted


def test_a_title_alone_is_no_revert() -> None:
    assert _reverts('Revert "Boil"', "We should.") is None


def test_a_changed_title_is_a_revert_by_its_branch() -> None:
    assert _reverts("Boil again", "Reverts acme/kettle#7", "revert-7-boil") == "acme/kettle#7"


def test_a_branch_alone_is_no_revert() -> None:
    assert _reverts("Boil again", "A new try.", "revert-7-boil") is None


def test_words_of_a_revert_under_another_title_and_branch_are_no_revert() -> None:
    assert _reverts("Tell what was undone", "Reverts acme/kettle#7") is None


# ------------------------------------------------------------------------------ single values


def test_a_draft(quirks: WhatCame) -> None:
    assert quirks.one(PullRequest).is_draft is True


def test_a_time_with_an_offset_becomes_utc(quirks: WhatCame) -> None:
    """Nine in the morning at +01:00."""
    created = quirks.one(PullRequest).created_at_utc
    assert created == _at(4, 8)
    assert created.tzinfo is UTC


def test_a_number_of_32_bits_may_come_as_a_number() -> None:
    came = read(serving(pull_request(reviews=connection(review(fullDatabaseId=71)))))
    assert came.one(Review).review_id == "github:review/71"


def test_half_a_surrogate_pair_becomes_a_question_mark() -> None:
    """JSON allows it and UTF-8 does not: one such comment would keep a whole load from being written."""
    came = read(
        serving(pull_request(reviewThreads=connection(thread(1, comment(body="Nice \ud83d kettle ☕")))))
    )
    assert came.one(ReviewComment).body == "Nice ? kettle ☕"


def test_a_thread_without_comments_is_a_thread() -> None:
    came = read(serving(pull_request(reviewThreads=connection(thread(1)))))
    assert came.one(ReviewThread).thread_id == "github:thread/PRRT_1"
    assert came.all(ReviewComment) == []


def test_the_login_of_the_page_is_kept_as_it_was_there() -> None:
    renamed: Json = {**ORLA, "login": "orla-heron"}
    came = read(serving(pull_request(reviews=connection(review(1), review(2, author=renamed)))))
    assert [account.login for account in came.all(Account) if account.account_id == "github:user/12"] == [
        "orla-heron"
    ]
