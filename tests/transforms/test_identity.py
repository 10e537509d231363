"""The identity journal: what entries add up to, and what core makes of it.

Here: replay, dates, contests, merges, as-of; through real landing files where an account's doings matter.
Not here: the commands (``tests/pipelines/test_identities``), suggestions (``test_suggestions``).
"""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.transforms.landed import Landed, account, event, off, person, pull, repository, review
from tests.transforms.world import World, rows, utc
from transforms.coverage import Nobodys, nobodys
from transforms.identity import IdentityError, Stretch, replay, take_in
from transforms.queries import create

NIGHT = "2026-03-03T02:00:00+00:00"


@pytest.fixture
def landed(tmp_path: Path) -> Landed:
    return Landed(folder=tmp_path)


def bind(account_id: str, person_id: str, known_at: str | None = NIGHT, **more: Any) -> dict[str, Any]:
    known = {"known_at_utc": known_at} if known_at is not None else {}
    return (
        {"action": "bind", "account_id": f"github:user/{account_id}", "person_id": person_id} | known | more
    )


def detach(account_id: str, known_at: str | None = NIGHT, **more: Any) -> dict[str, Any]:
    return {"action": "detach", "account_id": f"github:user/{account_id}", "known_at_utc": known_at} | more


def exclude(account_id: str, known_at: str = NIGHT) -> dict[str, Any]:
    return {"action": "exclude", "account_id": f"github:user/{account_id}", "known_at_utc": known_at} | {
        "reason": "a customer"
    }


def merge(person_id: str, into: str, known_at: str = NIGHT) -> dict[str, Any]:
    return {"action": "merge", "person_id": person_id, "into": into, "known_at_utc": known_at}


def holders(entries: list[dict[str, Any]], number: str = "1") -> list[tuple[str | None, str]]:
    return [(one.person_id, one.standing) for one in replay(entries).stretches(f"github:user/{number}")]


# --- what entries add up to ---


def test_an_account_is_whose_it_was_bound_to_and_nobodys_without_an_entry() -> None:
    assert holders([bind("1", "ann")]) == [("ann", "claimed")]
    assert holders([bind("1", "ann")], "2") == [(None, "unclaimed")]


def test_two_people_make_it_nobodys_until_one_claim_is_taken_back() -> None:
    entries = [bind("1", "ann"), bind("1", "bob")]
    assert holders(entries) == [(None, "contested")]
    assert replay(entries).contested() == {"github:user/1": ("ann", "bob")}
    assert holders([*entries, detach("1", person_id="bob")]) == [("ann", "claimed")]
    assert holders([*entries, detach("1")]) == [(None, "unclaimed")]


def test_binding_again_dates_a_claim_anew_and_a_night_does_not() -> None:
    dated = [bind("1", "ann"), bind("1", "ann", valid_to="2026-02-01")]
    assert holders(dated) == [("ann", "claimed"), (None, "unclaimed")]
    by_night = bind("1", "ann", evidence="login in the roster", login="ann-renamed")
    assert holders([*dated, by_night]) == [("ann", "claimed"), (None, "unclaimed")]


def test_one_account_of_two_people_over_time_is_each_ones_in_their_days() -> None:
    entries = [bind("1", "ann", valid_to="2026-02-01"), bind("1", "bob", valid_from="2026-02-01")]
    assert replay(entries).stretches("github:user/1") == [
        Stretch(
            person_id="ann",
            standing="claimed",
            valid_from=None,
            valid_to=date(2026, 2, 1),
            claimed_by=("ann",),
        ),
        Stretch(
            person_id="bob",
            standing="claimed",
            valid_from=date(2026, 2, 1),
            valid_to=None,
            claimed_by=("bob",),
        ),
    ]


def test_only_the_days_that_two_claim_are_contested() -> None:
    entries = [bind("1", "ann", valid_to="2026-03-01"), bind("1", "bob", valid_from="2026-02-01")]
    assert holders(entries) == [("ann", "claimed"), (None, "contested"), ("bob", "claimed")]


def test_an_excluded_account_is_nobodys_until_that_is_taken_back() -> None:
    entries = [bind("1", "ann"), exclude("1")]
    assert holders(entries) == [(None, "excluded")]
    assert holders([*entries, detach("1")]) == [(None, "unclaimed")]
    assert holders([*entries, detach("1"), bind("1", "ann")]) == [("ann", "claimed")]


def test_merged_ids_are_one_person_also_where_both_claim_and_can_be_parted() -> None:
    entries = [bind("1", "ann"), bind("1", "ann2"), merge("ann2", "ann")]
    assert holders(entries) == [("ann", "claimed")]
    parted = {"action": "detach", "person_id": "ann2", "known_at_utc": NIGHT}
    assert holders([*entries, parted]) == [(None, "contested")]


def test_merges_that_go_round_end() -> None:
    state = replay([merge("a", "b"), merge("b", "c"), merge("c", "a")])
    assert {state.kept(one) for one in "abc"} <= {"a", "b", "c"}


def test_entries_hold_from_when_they_are_known_and_not_before() -> None:
    entries = [
        bind("1", "ann", "2026-03-03T02:00:00+00:00"),
        detach("1", "2026-04-03T02:00:00+00:00", person_id="ann"),
        bind("1", "bob", "2026-05-03T02:00:00+00:00"),
    ]
    for day, holder in ((2, None), (3, "ann"), (4, None), (5, "bob")):
        state = replay(entries, datetime(2026, day, 3, 2, tzinfo=UTC))
        assert state.stretches("github:user/1")[0].person_id == holder, day


def test_what_a_person_writes_is_known_from_the_night_that_takes_it_in() -> None:
    night = datetime(2026, 3, 3, 2, tzinfo=UTC)
    entries = [bind("1", "ann", None)]
    assert replay(entries, datetime(2030, 1, 1, tzinfo=UTC)).accounts == {}
    entries += take_in(entries, night)
    entries += [bind("2", "bob", None)]
    assert list(replay(entries, night).accounts) == ["github:user/1"]
    assert replay(entries, datetime(2026, 3, 3, 1, 59, tzinfo=UTC)).accounts == {}
    assert list(replay(entries).accounts) == ["github:user/1", "github:user/2"]
    assert take_in(entries[:2], night) == []


def test_the_fingerprint_is_of_the_state_and_not_of_the_way_to_it() -> None:
    straight = [bind("1", "ann")]
    round_about = [bind("1", "bob"), detach("1"), bind("1", "ann", reason="else")]
    assert replay(straight).fingerprint == replay(round_about).fingerprint
    others = [[bind("1", "bob")], [bind("1", "ann", valid_from="2026-01-01")], [*straight, merge("x", "y")]]
    assert len({replay(one).fingerprint for one in [straight, *others]}) == 4


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"action": "bnid"}, "wanted an action"),
        ({"action": "bind", "account_id": "github:user/1"}, "wanted person_id as text; found None"),
        ({"action": "bind", "account_id": "a", "person_id": "b", "valid_to": "May"}, "valid_to as a date"),
        ({"action": "exclude"}, "wanted account_id as text"),
        ({"action": "merge", "person_id": "a"}, "wanted into as text"),
    ],
)
def test_an_entry_that_cannot_be_understood_stops_everything(entry: dict[str, Any], said: str) -> None:
    with pytest.raises(IdentityError, match=f"line 2: .*{said}"):
        replay([bind("1", "ann"), entry | {"known_at_utc": NIGHT}])


def test_a_time_that_is_none_is_told() -> None:
    with pytest.raises(IdentityError, match="line 1: wanted known_at_utc as an instant"):
        replay([bind("1", "ann", "yesterday")])


# --- what core makes of it ---


def reviewers(core: duckdb.DuckDBPyConnection) -> list[str]:
    found = rows(core, "SELECT reviewer_id FROM core.reviews ORDER BY submitted_at_utc")
    return [row["reviewer_id"] for row in found]


def two_reviews(landed: Landed, *more: Any) -> None:
    """Pull request of account 1, reviewed by account 2 in February and in March."""
    landed.github(
        "2026-03-03",
        [
            repository(),
            account(1, "ann"),
            account(2, "on-call"),
            *more,
            pull(created_at_utc="2026-01-05 09:00"),
            review(1, 2, "2026-02-10 11:00"),
            review(2, 2, "2026-03-01 23:30"),
        ],
    )


def test_who_did_something_is_who_held_the_account_then(landed: Landed) -> None:
    """The change is midnight in the reporting zone: half past eleven in UTC is the second of March there."""
    landed.zone = "Europe/Berlin"
    landed.organization("2026-03-01", person("ann", "ann"), person("bob"), person("cem"))
    two_reviews(landed)
    landed.journal = [bind("2", "bob", valid_to="2026-03-02"), bind("2", "cem", valid_from="2026-03-02")]
    with landed.core() as core:
        assert reviewers(core) == ["bob", "cem"]
        assert rows(core, "SELECT person_id FROM core.accounts WHERE login = 'on-call'") == [
            {"person_id": "cem"}
        ]


def test_days_that_nobody_holds_are_the_accounts_own(landed: Landed) -> None:
    landed.organization("2026-03-01", person("ann", "ann"), person("bob"))
    two_reviews(landed)
    landed.journal = [bind("2", "bob", valid_from="2026-03-01")]
    with landed.core() as core:
        assert reviewers(core) == ["github:user/2", "bob"]
        found = rows(core, "SELECT person_id, is_rostered FROM core.people ORDER BY ALL")
        assert {"person_id": "github:user/2", "is_rostered": False} in found


def test_requests_and_authors_are_dated_too(landed: Landed) -> None:
    landed.organization("2026-03-01", person("ann"), person("bob"))
    asked = event("review_requested", "2026-02-01 00:00", requested_account_id="github:user/1")
    landed.github(
        "2026-03-03", [repository(), account(1, "x"), pull(created_at_utc="2026-01-31 23:59:59"), asked]
    )
    landed.journal = [bind("1", "ann", valid_to="2026-02-01"), bind("1", "bob", valid_from="2026-02-01")]
    with landed.core() as core:
        assert rows(core, "SELECT author_id FROM core.pull_requests") == [{"author_id": "ann"}]
        assert rows(core, "SELECT reviewer_id FROM core.pr_events") == [{"reviewer_id": "bob"}]


def test_merged_people_have_one_row_for_every_day_and_one_calendar(landed: Landed) -> None:
    landed.organization(
        "2026-03-01",
        person("ann", "ann", team_id="old"),
        person("ann2", "ann-two", team_id="new", valid_from="2026-02-01"),
        person("bob", manager_id="ann2"),
        off("person:ann2", "2026-02-05"),
    )
    landed.github("2026-03-03", [repository(), account(1, "ann"), account(2, "ann-two")])
    landed.journal = [merge("ann2", "ann")]
    with landed.core() as core:
        assert rows(
            core,
            "SELECT person_id, team_id, valid_from_utc, valid_to_utc, manager_id FROM core.roster "
            "ORDER BY person_id, team_id",
        ) == [
            {
                "person_id": "ann",
                "team_id": "new",
                "valid_from_utc": utc("2026-02-01"),
                "valid_to_utc": None,
                "manager_id": None,
            },
            {
                "person_id": "ann",
                "team_id": "old",
                "valid_from_utc": None,
                "valid_to_utc": utc("2026-02-01"),
                "manager_id": None,
            },
            {
                "person_id": "bob",
                "team_id": "core",
                "valid_from_utc": None,
                "valid_to_utc": None,
                "manager_id": "ann",
            },
        ]
        assert rows(core, "SELECT person_id FROM core.calendar") == [{"person_id": "ann"}]
        assert rows(core, "SELECT DISTINCT person_id FROM core.accounts") == [{"person_id": "ann"}]
    with landed.core(
        "2026-02-28"
    ) as core:  # before the merge was known, but the loads are taken all the same
        assert rows(core, "SELECT count(DISTINCT person_id) AS n FROM core.roster") == [{"n": 3}]


def test_merge_of_equal_rows_keeps_the_kept_ones(landed: Landed) -> None:
    landed.organization("2026-03-01", person("ann", team_id="right"), person("ann2", team_id="wrong"))
    landed.github("2026-03-03", [repository()])
    landed.journal = [merge("ann2", "ann")]
    with landed.core() as core:
        assert rows(core, "SELECT person_id, team_id FROM core.roster") == [
            {"person_id": "ann", "team_id": "right"}
        ]


# --- logins of the roster ---


def test_a_login_in_other_letters_is_the_same_login(landed: Landed) -> None:
    landed.organization("2026-03-01", person("ann", "ANN-Smith"))
    landed.github("2026-03-03", [account(1, "Ann-smith")])
    with landed.core() as core:
        assert rows(core, "SELECT person_id FROM core.accounts") == [{"person_id": "ann"}]


def test_a_managed_account_is_its_own_login_with_the_suffix(landed: Landed) -> None:
    landed.organization("2026-03-01", person("ann", "ann"), person("bob", "bob_acme"))
    landed.github("2026-03-03", [account(1, "ann_acme"), account(2, "bob_acme")])
    with landed.core() as core:
        assert rows(core, "SELECT login, is_claimed FROM core.accounts ORDER BY ALL") == [
            {"login": "ann_acme", "is_claimed": False},
            {"login": "bob_acme", "is_claimed": True},
        ]


def test_a_login_that_was_bound_is_never_bound_again_not_even_after_a_merge(landed: Landed) -> None:
    landed.organization("2026-03-01", person("ann", "ann"), person("ann2", "ann-two"))
    landed.github("2026-03-03", [account(1, "ann"), account(2, "ann-two")])
    with landed.core():
        landed.journal += landed.new
    landed.journal.append(merge("ann2", "ann", "2026-03-04T00:00:00+00:00"))
    landed.github("2026-03-05", [account(2, "ann-renamed"), account(9, "ann-two")])
    with landed.core() as core:
        assert landed.new == []
        assert rows(core, "SELECT login, person_id FROM core.accounts ORDER BY ALL") == [
            {"login": "ann", "person_id": "ann"},
            {"login": "ann-renamed", "person_id": "ann"},
            {"login": "ann-two", "person_id": "github:user/9"},
        ]


def test_what_was_excluded_or_detached_is_not_bound_by_a_night(landed: Landed) -> None:
    landed.organization("2026-03-01", person("ann", "ann"), person("bob", "bob"))
    landed.github("2026-03-03", [account(1, "ann"), account(2, "bob")])
    landed.journal = [exclude("1"), bind("2", "bob"), detach("2", person_id="bob")]
    with landed.core() as core:
        assert landed.new == []
        assert rows(core, "SELECT DISTINCT is_claimed FROM core.accounts") == [{"is_claimed": False}]


def test_a_deleted_account_stays_its_persons(landed: Landed) -> None:
    landed.organization("2026-03-01", person("ann", "ann"), person("bob", "on-call"))
    two_reviews(landed)
    with landed.core():
        landed.journal += landed.new
    page = [repository(), pull(created_at_utc="2026-01-05 09:00", author=None)]
    landed.github("2026-03-06", [*page, review(1, None, "2026-02-10 11:00")])
    with landed.core() as core:
        assert reviewers(core) == ["bob"]
        assert rows(core, "SELECT author_id FROM core.pull_requests") == [{"author_id": "ann"}]


# --- coverage ---


def test_coverage_is_of_cases_and_says_why_the_rest_is_nobodys(landed: Landed) -> None:
    landed.organization("2026-03-01", person("ann", "ann"), person("bob"), person("cem"))
    reviews = [
        *(review(number, 2, f"2026-03-02 1{number}:00") for number in range(6)),  # nobody's
        review(10, 3, "2026-03-02 12:00"),  # contested
        review(11, 4, "2026-03-02 12:00"),  # a bot
        review(12, 5, "2026-03-02 12:00"),  # excluded
        review(13, None, "2026-03-02 12:00"),  # deleted
        review(14, 1, "2026-03-02 12:00"),  # the author's own: no case
    ]
    accounts = [account(1, "ann"), account(2, "x"), account(3, "y"), account(4, "b[bot]"), account(5, "z")]
    asked = event("review_requested", "2026-02-28 12:00", requested_account_id="github:user/1")
    landed.github("2026-03-03", [repository(), *accounts, pull(), asked, *reviews])
    landed.journal = [bind("3", "bob"), bind("3", "cem"), exclude("5")]
    with landed.core() as core:
        assert rows(core, "FROM ops.identity_coverage ORDER BY month_start") == [
            {
                "source": "github",
                "month_start": date(2026, 2, 1),
                "cases": 1,
                "claimed": 1,
                "contested": 0,
                "unclaimed": 0,
                "deleted": 0,
                "is_enough": True,
            },
            {
                "source": "github",
                "month_start": date(2026, 3, 1),
                "cases": 9,
                "claimed": 1,
                "contested": 1,
                "unclaimed": 6,
                "deleted": 1,
                "is_enough": False,
            },
        ]


def test_whoever_has_no_row_in_the_roster_any_more_claims_nothing(landed: Landed) -> None:
    """An export with today's staff alone: who left is missing in every month, and it is told."""
    landed.organization("2026-03-01", person("ann", "ann"), person("bob", "on-call"))
    two_reviews(landed)
    with landed.core() as core:
        landed.journal += landed.new
        assert covered(core) == {"claimed": 3, "unclaimed": 0}
        assert nobodys(core, utc("2026-01-01")) == []
    landed.organization("2026-03-06", person("ann", "ann"))
    with landed.core() as core:
        assert covered(core) == {"claimed": 1, "unclaimed": 2}
        assert rows(core, "SELECT login, person_id, is_claimed FROM core.accounts ORDER BY login") == [
            {"login": "ann", "person_id": "ann", "is_claimed": True},
            {"login": "on-call", "person_id": "bob", "is_claimed": False},
        ]
        assert nobodys(core, utc("2026-01-01")) == [
            Nobodys(
                source="github", account_id="github:user/2", login="on-call", person_id="bob", is_asked=False
            )
        ]


def covered(core: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    (found,) = rows(
        core,
        "SELECT sum(claimed)::INT AS claimed, sum(unclaimed)::INT AS unclaimed FROM ops.identity_coverage",
    )
    return found


def test_accounts_that_nobody_claims_are_named_of_every_source() -> None:
    """With a case of theirs in the time looked at; ann's accounts are hers, and a bot's nobody's concern."""
    world = World()
    world.person("ann")
    for source, number, is_bot in (
        *(("github", 1, False), ("github", 2, True), ("jira", 1, False)),
        *(("pagerduty", 1, False), ("pagerduty", 2, False)),
    ):
        account_id = f"{source}:user/{number}"
        world.account(account_id, is_bot=is_bot)
        more = {"kind": "user", "is_bot": is_bot, "person_id": account_id, "is_claimed": False}
        world.add("accounts", account_id=account_id, source=source, login=f"login {number}", **more)
    world.pull("1", author="github:user/1")
    world.pull("2", author="github:user/2")
    opened = {"created_at_utc": utc("2026-03-02 09:00")}
    world.add("tickets", ticket_id="t", assignee_id="jira:user/1", **opened)
    for key, to, at in (("new", 1, "2026-03-02 09:01"), ("old", 2, "2025-01-02 09:01")):
        world.add("incidents", incident_id=f"pagerduty:{key}", urgency="high", created_at_utc=utc(at))
        world.add(
            "incident_log",
            entry_id=key,
            incident_id=f"pagerduty:{key}",
            type="assign",
            occurred_at_utc=utc(at),
            to_user_id=f"pagerduty:user/{to}",
        )
    with world.core("2026-04-01") as core:
        create(core, "core.identities")
        found = nobodys(core, utc("2025-04-01"))
    assert [(one.account_id, one.is_asked) for one in found] == [
        ("github:user/1", False),
        ("jira:user/1", True),
        ("pagerduty:user/1", True),
    ]
