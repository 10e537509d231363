"""From core to cells: pooling, ownership, states, segments, holes, quarters, disclosure, differences.

What the worked examples of the metrics leave open, each case small enough for a pencil. Minimum samples are
1 unless a case is about them. 2 March 2026 is a Monday.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import duckdb
import pytest

from tests.transforms.world import CATALOGUE, World, rows, utc
from transforms.core.build import source_gaps

SHARE, HOURS, COVERAGE = "rq_response_24h", "rq_first_response_time", "rq_review_coverage"
THREE = [CATALOGUE[name] for name in (SHARE, HOURS, COVERAGE)]
FROM_ONE_CASE_ON = [replace(metric, n_min_month=1, n_min_quarter=1) for metric in THREE]
MARCH_TO_MAY = "2026-06-20"


def world(*people: str, zone: str = "UTC", team: str | None = "core") -> World:
    """Ann, who writes everything and is in no team, and these people in one team."""
    made = World(zone=zone)
    made.person("ann")
    for person in people:
        made.person(person, team=team)
    return made


def asked(made: World, who: str | None, day: str, *, hours: int | None = 1, team: str | None = None) -> str:
    """Somebody is asked at 10:00 and answers so many hours later, or never. Gives the pull request."""
    at = datetime.fromisoformat(f"{day} 10:00")
    pr_id = f"pr-{len(made.tables.get('pull_requests', [])):04d}"
    made.pull(pr_id, created=at)
    made.request(at, who, team=team, pr_id=pr_id)
    if hours is not None:
        made.review(at + timedelta(hours=hours), who, pr_id=pr_id)
    return pr_id


def merged(
    made: World, at: str, *, services: Iterable[str] = ("api",), approved: str | None = None, **more: Any
) -> str:
    """A pull request merged then, approved by bob if ``approved`` says when."""
    pr_id = f"pr-{len(made.tables.get('pull_requests', [])):04d}"
    made.pull(pr_id, created="2026-03-01", merged=at, services=tuple(services), **more)
    if approved is not None:
        made.review(approved, "bob", state="APPROVED", pr_id=pr_id)
    return pr_id


def cells(
    connection: duckdb.DuckDBPyConnection, metric_id: str, subject: str, grain: str = "month"
) -> dict[str, dict[str, Any]]:
    """A subject's cells by period."""
    found = rows(
        connection,
        "FROM trends.periods WHERE metric_id = $metric AND subject_id = $subject AND grain = $grain",
        metric=metric_id,
        subject=subject,
        grain=grain,
    )
    assert len(found) == len({row["period"] for row in found}), "one cell a period"
    return {row["period"]: row for row in found}


def outcomes(connection: duckdb.DuckDBPyConnection, metric_id: str, kind: str) -> list[tuple[str, str, str]]:
    """Subject, pull request and why of every case of these subjects."""
    return connection.execute(
        f"SELECT subject_id, ref, why FROM facts.{metric_id} WHERE subject_kind = $kind ORDER BY ALL",
        {"kind": kind},
    ).fetchall()


# --- people and teams ---


def test_case_belongs_to_the_team_of_its_persons_membership_at_the_anchor() -> None:
    made = World()
    made.person("ann")
    made.person("bob", team="old", after="2026-03-16")
    made.stretch("bob", team="new", first="2026-03-16")
    before, after = asked(made, "bob", "2026-03-13"), asked(made, "bob", "2026-03-16")
    on_the_dot = "dot"
    made.pull(on_the_dot, created="2026-03-15 12:00")
    made.request("2026-03-16 00:00", "bob", pr_id=on_the_dot)
    made.review("2026-03-16 01:00", "bob", pr_id=on_the_dot)
    with made.periods(metrics=THREE) as connection:
        assert outcomes(connection, SHARE, "team") == [
            ("new", on_the_dot, "answered"),
            ("new", after, "answered"),
            ("old", before, "answered"),
        ]
        assert len(outcomes(connection, SHARE, "person")) == 3


def test_person_without_a_team_is_a_subject_and_in_no_team_cell() -> None:
    made = world("bob", team=None)
    asked(made, "bob", "2026-03-03")
    with made.periods(metrics=THREE) as connection:
        assert [subject for subject, *_ in outcomes(connection, SHARE, "person")] == ["bob"]
        assert outcomes(connection, SHARE, "team") == []


def test_unclaimed_account_and_bot_are_never_subjects() -> None:
    made = world("bob")
    made.account("github:user/9")
    made.person("robot", team="core", is_bot=True)
    for who in ("github:user/9", "robot"):
        asked(made, who, "2026-03-03")
    with made.periods(metrics=THREE) as connection:
        assert rows(connection, "FROM trends.periods WHERE subject_id <> 'ann'") == []
        assert outcomes(connection, SHARE, "person") == []


def test_request_to_a_team_is_in_the_teams_cell_only() -> None:
    made = world("bob")
    whole = asked(made, None, "2026-03-03", team="core", hours=None)
    made.review("2026-03-03 12:00", "bob", pr_id=whole)
    mine = asked(made, "bob", "2026-03-04")
    with made.periods(metrics=FROM_ONE_CASE_ON) as connection:
        assert outcomes(connection, HOURS, "person") == [("bob", mine, "answered")]
        assert outcomes(connection, HOURS, "team") == [
            ("core", whole, "answered"),
            ("core", mine, "answered"),
        ]
        assert cells(connection, HOURS, "core")["2026-03"]["value"] == 1.5
        assert cells(connection, HOURS, "core")["2026-03"]["n_contributors"] == 1


def test_request_to_a_team_that_the_roster_does_not_know_is_no_case() -> None:
    made = world("bob")
    asked(made, None, "2026-03-03", team="elsewhere", hours=None)
    with made.periods(metrics=THREE) as connection:
        assert outcomes(connection, SHARE, "team") == []


def test_pull_requests_of_bots_are_left_out() -> None:
    made = world("bob")
    made.person("robot", is_bot=True)
    pr_id = asked(made, "bob", "2026-03-03")
    made.tables["pull_requests"][0]["author_id"] = "robot"
    with made.periods(metrics=THREE) as connection:
        assert pr_id not in [ref for _, ref, _ in outcomes(connection, SHARE, "person")]


def test_without_persons_no_row_of_a_person_is_stored_and_team_cells_are_the_same() -> None:
    made = world("bob", "cid", "dan", "eve", "fay")
    made.service("api", "core")
    for number, who in enumerate(("bob", "cid", "dan", "eve", "fay", "bob")):
        asked(made, who, f"2026-03-{number + 2:02d}", hours=1 + 10 * number)
    merged(made, "2026-03-10", approved="2026-03-09")
    found = []
    for persons in (True, False):
        with made.periods(persons=persons) as connection:
            tables = [f"facts.{name}" for name in CATALOGUE] + ["trends.periods", "trends.all_periods"]
            counted = [len(rows(connection, f"FROM {name} WHERE subject_kind = 'person'")) for name in tables]
            assert any(counted) is persons
            found.append(rows(connection, "FROM trends.periods WHERE subject_kind <> 'person' ORDER BY ALL"))
    assert found[0] == found[1]
    assert {row["subject_kind"] for row in found[0]} == {"team", "service"}


# --- coverage ---


def test_team_that_owns_two_services_counts_a_pull_request_once() -> None:
    made = world("bob")
    made.service("api", "core")
    made.service("web", "core")
    pr_id = merged(made, "2026-03-10", services=("api", "web"), approved="2026-03-09")
    with made.periods(metrics=THREE) as connection:
        assert outcomes(connection, COVERAGE, "team") == [("core", pr_id, "approved")]
        assert outcomes(connection, COVERAGE, "service") == [
            ("api", pr_id, "approved"),
            ("web", pr_id, "approved"),
        ]


def test_merge_counts_for_the_team_that_owned_the_service_then() -> None:
    made = world("bob", zone="America/New_York")
    made.service("api", "old", after="2026-03-16")
    made.service("api", "new", first="2026-03-16")
    last = merged(made, "2026-03-16 03:59:59")
    first = merged(made, "2026-03-16 04:00:00")
    with made.periods(metrics=THREE) as connection:
        assert outcomes(connection, COVERAGE, "team") == [
            ("new", first, "not_approved"),
            ("old", last, "not_approved"),
        ]
        assert len(outcomes(connection, COVERAGE, "service")) == 2


def test_approval_exactly_at_the_merge_covers_and_one_second_later_does_not() -> None:
    made = world("bob")
    made.service("api", "core")
    at, late = (
        merged(made, "2026-03-10 12:00:00", approved="2026-03-10 12:00:00"),
        merged(made, "2026-03-10 12:00:00", approved="2026-03-10 12:00:01"),
    )
    with made.periods(metrics=THREE) as connection:
        assert outcomes(connection, COVERAGE, "service") == [
            ("api", at, "approved"),
            ("api", late, "not_approved"),
        ]


@pytest.mark.parametrize(
    ("author", "approver", "why"),
    [
        ("ann", None, "approved"),
        (None, "bob", "approved"),
        (None, None, "approved"),  # nobody can approve their own: two deleted accounts are two people
        ("ann", "ann", "not_approved"),
        ("ann", "robot", "not_approved"),
        ("ann", "github:user/9", "approved"),
    ],
)
def test_who_can_cover(author: str | None, approver: str | None, why: str) -> None:
    made = world("bob")
    made.service("api", "core")
    made.person("robot", is_bot=True)
    made.account("github:user/9")
    pr_id = merged(made, "2026-03-10", author=author)
    made.review("2026-03-09", approver, state="APPROVED", pr_id=pr_id)
    with made.periods(metrics=THREE) as connection:
        assert outcomes(connection, COVERAGE, "service") == [("api", pr_id, why)]


@pytest.mark.parametrize("state", ["COMMENTED", "DISMISSED", "CHANGES_REQUESTED"])
def test_only_an_approval_that_stands_covers(state: str) -> None:
    made = world("bob")
    made.service("api", "core")
    pr_id = merged(made, "2026-03-10")
    made.review("2026-03-09", "bob", state=state, pr_id=pr_id)
    with made.periods(metrics=THREE) as connection:
        assert outcomes(connection, COVERAGE, "service") == [("api", pr_id, "not_approved")]


def test_bots_reverts_and_other_branches_are_listed_as_excluded() -> None:
    made = world("bob")
    made.service("api", "core")
    made.person("robot", is_bot=True)
    refs = [
        merged(made, "2026-03-10", author="robot"),
        merged(made, "2026-03-10", reverts_pr_id="another"),
        merged(made, "2026-03-10", merged_to_default_branch=False),
    ]
    with made.periods(metrics=THREE) as connection:
        whys = ["bot_author", "revert", "other_branch"]
        assert outcomes(connection, COVERAGE, "team") == [
            ("core", ref, why) for ref, why in zip(refs, whys, strict=True)
        ]
        cell = cells(connection, COVERAGE, "core")["2026-03"]
        assert (cell["status"], cell["n"], cell["n_excluded"], cell["value"]) == ("no_activity", 0, 3, None)


def test_pull_request_that_is_not_merged_is_no_case() -> None:
    made = world("bob")
    made.service("api", "core")
    made.pull("open", services=("api",))
    made.pull("closed", services=("api",), closed="2026-03-04")
    with made.periods(metrics=THREE) as connection:
        assert outcomes(connection, COVERAGE, "service") == []


# --- states ---


@pytest.mark.parametrize(
    ("as_of", "state"),
    [
        ("2026-04-01 03:59:59", "partial"),
        ("2026-04-01 04:00:00", "provisional"),
        ("2026-04-08 03:59:59", "provisional"),
        ("2026-04-08 04:00:00", "final"),
    ],
)
def test_state_changes_at_the_exact_second(as_of: str, state: str) -> None:
    """March in New York ends at 04:00 UTC; the metric's maturity is 7 days of 24 hours."""
    made = world("bob", zone="America/New_York")
    asked(made, "bob", "2026-03-03")
    with made.periods(as_of, metrics=THREE) as connection:
        assert cells(connection, SHARE, "bob")["2026-03"]["state"] == state
        assert cells(connection, SHARE, "bob", "quarter")["2026-Q1"]["state"] == state


def test_month_is_as_long_as_its_clock_says_and_maturity_is_days_of_24_hours() -> None:
    """October in Berlin has 31 days and an hour; what follows it is 7 days of 24 hours."""
    made = world("bob", zone="Europe/Berlin")
    asked(made, "bob", "2026-10-05")
    with made.periods("2026-10-20", metrics=THREE) as connection:
        october = rows(
            connection,
            "FROM trends.period_states WHERE metric_id = $metric AND period = '2026-10'",
            metric=SHARE,
        )[0]
    assert october["start_utc"] == utc("2026-09-30 22:00")
    assert october["end_utc"] == utc("2026-10-31 23:00")
    assert october["final_at_utc"] == utc("2026-11-07 23:00")


def test_metric_without_maturity_is_final_at_the_periods_end() -> None:
    made = world("bob")
    made.service("api", "core")
    merged(made, "2026-03-10")
    with made.periods("2026-04-01 00:00", metrics=THREE) as connection:
        assert cells(connection, COVERAGE, "api")["2026-03"]["state"] == "final"
    with made.periods("2026-03-31 23:59:59", metrics=THREE) as connection:
        assert cells(connection, COVERAGE, "api")["2026-03"]["state"] == "partial"


# --- status and counts ---


def test_too_few_cases_have_counts_and_no_value() -> None:
    made = world("bob")
    for day in range(2, 6):
        asked(made, "bob", f"2026-03-{day:02d}")
    with made.periods(metrics=THREE) as connection:
        for metric_id in (SHARE, HOURS):
            cell = cells(connection, metric_id, "bob")["2026-03"]
            assert (cell["status"], cell["n"]) == ("insufficient", 4)
            assert (cell["value"], cell["ci_low"], cell["ci_high"]) == (None, None, None)
    asked(made, "bob", "2026-03-06")
    with made.periods(metrics=THREE) as connection:
        assert cells(connection, SHARE, "bob")["2026-03"]["status"] == "ok"
        assert cells(connection, SHARE, "bob", "quarter")["2026-Q1"]["status"] == "insufficient"


def test_pending_cases_are_counted_apart() -> None:
    made = world("bob")
    asked(made, "bob", "2026-03-03")
    asked(made, "bob", "2026-03-04", hours=None)
    with made.periods("2026-03-04 12:00", metrics=FROM_ONE_CASE_ON) as connection:
        for metric_id in (SHARE, HOURS):
            cell = cells(connection, metric_id, "bob")["2026-03"]
            assert (cell["n"], cell["n_pending"]) == (1, 1)


def test_quarter_pools_cases_and_is_no_average_of_months() -> None:
    """Medians of the months are 1, 5 and 30 h, of all five cases 5 h; shares 1, 1 and 0, of all 4 of 5."""
    made = world("bob")
    asked(made, "bob", "2026-04-07", hours=1)
    for hours in (3, 5, 7):
        asked(made, "bob", "2026-05-05", hours=hours)
    asked(made, "bob", "2026-06-02", hours=30)
    with made.periods("2026-08-01", metrics=FROM_ONE_CASE_ON) as connection:
        share = cells(connection, SHARE, "bob", "quarter")["2026-Q2"]
        assert (share["numerator"], share["denominator"], share["value"]) == (4, 5, 0.8)
        waited = cells(connection, HOURS, "bob", "quarter")["2026-Q2"]
        assert (waited["n"], waited["value"]) == (5, 5.0)


def test_all_periods_fills_months_without_a_case_up_to_the_as_of() -> None:
    made = world("bob")
    asked(made, "bob", "2026-02-03")
    asked(made, "bob", "2026-04-07")
    with made.periods("2026-05-20", metrics=FROM_ONE_CASE_ON) as connection:
        found = rows(
            connection,
            "SELECT period, status, n, value, state, disclosed FROM trends.all_periods "
            "WHERE metric_id = $metric AND subject_id = 'bob' AND grain = 'month' ORDER BY period",
            metric=SHARE,
        )
    assert [(row["period"], row["status"], row["n"], row["value"]) for row in found] == [
        ("2026-02", "ok", 1, 1.0),
        ("2026-03", "no_activity", 0, None),
        ("2026-04", "ok", 1, 1.0),
        ("2026-05", "no_activity", 0, None),
    ]
    assert [row["state"] for row in found] == ["final", "final", "final", "partial"]


# --- segments ---


@pytest.mark.parametrize("change", [{"role": "lead"}, {"level": "4"}, {"team": "other"}])
def test_change_of_role_level_or_team_begins_a_segment_in_its_month(change: dict[str, str]) -> None:
    made = World()
    made.person("ann")
    made.person("bob", team="core", after="2026-04-16")
    made.stretch("bob", **{"team": "core", "first": "2026-04-16"} | change)  # type: ignore[arg-type]
    for day in ("2026-03-03", "2026-04-07", "2026-05-05"):
        asked(made, "bob", day)
    with made.periods(MARCH_TO_MAY, metrics=THREE) as connection:
        found = cells(connection, SHARE, "bob")
    assert [found[period]["segment"] for period in ("2026-03", "2026-04", "2026-05")] == [0, 1, 1]


def test_change_of_zone_or_working_days_begins_no_segment() -> None:
    made = World()
    made.person("ann")
    made.person("bob", team="core", after="2026-04-16")
    made.stretch("bob", team="core", first="2026-04-16", tz="Asia/Tokyo", working_days=(1, 2, 3))
    for day in ("2026-03-03", "2026-05-05"):
        asked(made, "bob", day)
    with made.periods(MARCH_TO_MAY, metrics=THREE) as connection:
        assert {cell["segment"] for cell in cells(connection, SHARE, "bob").values()} == {0}


def working_days_between(first: str, last: str) -> list[str]:
    day, end = datetime.fromisoformat(first).date(), datetime.fromisoformat(last).date()
    found = []
    while day <= end:
        if day.isoweekday() <= 5:
            found.append(day.isoformat())
        day += timedelta(days=1)
    return found


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Pacific/Auckland"])
def test_return_after_three_months_begins_a_segment_in_the_month_of_the_return(zone: str) -> None:
    """Away from 5 January (a Monday) up to 31 March; the day after is 1 April, whatever the zone."""
    made = world("bob", zone=zone)
    made.away("bob", *working_days_between("2025-12-31", "2026-03-31"))
    for day in ("2025-12-02", "2026-03-31", "2026-04-07"):
        asked(made, "bob", day, hours=0)
    with made.periods(MARCH_TO_MAY, metrics=THREE) as connection:
        found = cells(connection, SHARE, "bob")
    assert [found[period]["segment"] for period in ("2025-12", "2026-03", "2026-04")] == [0, 0, 1]


def test_return_after_a_day_less_than_three_months_begins_none() -> None:
    made = world("bob")
    made.away("bob", *working_days_between("2026-01-02", "2026-03-31"))
    for day in ("2025-12-02", "2026-04-07"):
        asked(made, "bob", day)
    with made.periods(MARCH_TO_MAY, metrics=THREE) as connection:
        assert {cell["segment"] for cell in cells(connection, SHARE, "bob").values()} == {0}


def test_two_absences_with_a_week_at_work_between_are_two() -> None:
    made = world("bob")
    made.away("bob", *working_days_between("2025-12-01", "2026-01-16"))
    made.away("bob", *working_days_between("2026-01-26", "2026-03-31"))
    for day in ("2025-11-04", "2026-04-07"):
        asked(made, "bob", day)
    with made.periods(MARCH_TO_MAY, metrics=THREE) as connection:
        assert {cell["segment"] for cell in cells(connection, SHARE, "bob").values()} == {0}


# --- holes ---


def test_away_on_half_of_the_working_days_is_absent_and_on_one_less_is_not() -> None:
    """April 2026 has 22 working days."""
    days = working_days_between("2026-04-01", "2026-04-30")
    assert len(days) == 22
    for away, hole in ((11, "absent"), (10, None)):
        made = world("bob")
        made.away("bob", *days[:away])
        asked(made, "bob", "2026-04-30")
        with made.periods(MARCH_TO_MAY, metrics=THREE) as connection:
            assert cells(connection, SHARE, "bob")["2026-04"]["hole"] == hole


def test_holidays_are_no_working_days_and_no_absence() -> None:
    """Of 22 days 2 are holidays, and of the 20 left 10 are away: one of them falls on a holiday as well."""
    days = working_days_between("2026-04-01", "2026-04-30")
    made = world("bob")
    made.away("bob", days[0], kind="holiday")
    made.away("*", days[1], kind="holiday")
    made.away("bob", *days[1:11])
    asked(made, "bob", "2026-04-30")
    with made.periods(MARCH_TO_MAY, metrics=THREE) as connection:
        assert cells(connection, SHARE, "bob")["2026-04"]["hole"] is None
    made.away("bob", days[11])
    with made.periods(MARCH_TO_MAY, metrics=THREE) as connection:
        assert cells(connection, SHARE, "bob")["2026-04"]["hole"] == "absent"


def test_absence_is_measured_over_the_whole_first_month_whenever_its_first_case_is() -> None:
    """Away for the last 9 of April's 22 working days; nothing at all happened before the 15th."""
    made = world("bob")
    made.away("bob", *working_days_between("2026-04-20", "2026-04-30"))
    asked(made, "bob", "2026-04-16")
    with made.periods(MARCH_TO_MAY, metrics=THREE) as connection:
        assert cells(connection, SHARE, "bob")["2026-04"]["hole"] is None


def test_month_outside_the_persons_role_is_not_in_role() -> None:
    made = World()
    made.person("ann")
    made.person("bob", team="core", first="2026-04-01")
    for day in ("2026-03-31", "2026-04-01"):
        asked(made, "bob", day)
    with made.periods(MARCH_TO_MAY, metrics=THREE) as connection:
        found = cells(connection, SHARE, "bob")
        assert [found[period]["hole"] for period in ("2026-03", "2026-04")] == ["not_in_role", None]


def test_gap_of_the_source_is_a_hole_for_everybody_and_the_persons_own_reason_comes_first() -> None:
    made = world("bob", "cid")
    made.away("cid", *working_days_between("2026-04-01", "2026-04-30"))
    for who in ("bob", "cid"):
        for day in ("2026-04-07", "2026-05-05"):
            asked(made, who, day)
    with made.periods(MARCH_TO_MAY, gaps=["2026-04-01"], metrics=THREE) as connection:
        april = {who: cells(connection, SHARE, who)["2026-04"] for who in ("bob", "cid", "core")}
        assert {who: cell["hole"] for who, cell in april.items()} == {
            "bob": "source_gap",
            "cid": "absent",
            "core": "source_gap",
        }
        assert april["bob"]["completeness"] == "incomplete"
        assert cells(connection, SHARE, "bob")["2026-05"]["hole"] is None
        assert cells(connection, SHARE, "bob", "quarter")["2026-Q2"]["hole"] == "source_gap"


# --- month over month, through the cells ---


def test_differences_are_blank_beside_holes_changes_and_unfinished_months() -> None:
    made = World()
    made.person("ann")
    made.person("bob", team="core", after="2026-05-01")
    made.stretch("bob", team="core", first="2026-05-01", role="lead")
    made.away("bob", *working_days_between("2026-02-01", "2026-02-28"))
    tuesdays = ("01-06", "02-03", "03-03", "04-07", "05-05", "06-02", "07-07")
    for hours, day in enumerate(tuesdays, start=1):
        asked(made, "bob", f"2026-{day}", hours=hours)
    with made.periods("2026-07-20", metrics=FROM_ONE_CASE_ON) as connection:
        found = cells(connection, HOURS, "bob")
    assert [(period[-2:], cell["delta"], cell["delta_reason"]) for period, cell in sorted(found.items())] == [
        ("01", None, "previous_missing"),
        ("02", None, "current_missing"),
        ("03", None, "previous_missing"),
        ("04", 1.0, None),
        ("05", None, "segment_change"),
        ("06", 1.0, None),
        ("07", None, "current_partial"),
    ]
    assert found["2026-06"]["relative"] == 0.2


def test_difference_of_a_provisional_month_says_so_and_quarters_have_none() -> None:
    made = world("bob")
    asked(made, "bob", "2026-02-03", hours=2)
    asked(made, "bob", "2026-03-03", hours=3)
    with made.periods("2026-04-02", metrics=FROM_ONE_CASE_ON) as connection:
        march = cells(connection, HOURS, "bob")["2026-03"]
        assert (march["delta"], march["is_delta_provisional"]) == (1.0, True)
        assert cells(connection, HOURS, "bob", "quarter")["2026-Q1"]["delta"] is None


# --- disclosure ---


def disclosed(made: World) -> dict[str, tuple[bool, str | None]]:
    with made.periods(metrics=THREE) as connection:
        return {
            row["subject_id"]: (row["disclosed"], row["withheld_reason"])
            for row in rows(
                connection,
                "FROM trends.periods WHERE metric_id = $metric AND subject_kind = 'team' AND grain = 'month'",
                metric=SHARE,
            )
        }


def teams(**sizes: int) -> World:
    """Teams of so many people, each asked once."""
    made = World()
    made.person("ann")
    for team, size in sizes.items():
        for number in range(size):
            made.person(f"{team}-{number}", team=team)
            asked(made, f"{team}-{number}", "2026-03-03")
    return made


def test_small_team_is_withheld_and_the_smallest_shown_one_with_it() -> None:
    assert disclosed(teams(a=6, b=4, c=5)) == {
        "a": (True, None),
        "b": (False, "small_group"),
        "c": (False, "complement"),
    }


def test_two_small_teams_hide_each_other() -> None:
    assert disclosed(teams(a=6, b=4, c=3)) == {
        "a": (True, None),
        "b": (False, "small_group"),
        "c": (False, "small_group"),
    }


def test_person_who_holds_more_than_half_of_a_team_withholds_it() -> None:
    made = teams(a=5, b=5)
    for _ in range(3):
        asked(made, "a-0", "2026-03-04")
    assert disclosed(made) == {"a": (True, None), "b": (True, None)}  # 4 of 8 is not more than half
    asked(made, "a-0", "2026-03-04")
    assert disclosed(made) == {"a": (False, "dominance"), "b": (False, "complement")}


def test_excluded_and_pending_cases_contribute_nothing() -> None:
    made = teams(a=4, b=5, c=6)
    pr_id = asked(made, "a-0", "2026-03-04", hours=None)
    made.remove("2026-03-04 11:00", "a-0", pr_id=pr_id)
    made.person("a-9", team="a")
    pr_id = asked(made, "a-9", "2026-03-04", hours=None)
    made.remove("2026-03-04 11:00", "a-9", pr_id=pr_id)
    assert disclosed(made)["a"] == (False, "small_group")


def test_cells_of_persons_and_services_are_not_withheld() -> None:
    made = teams(a=4)
    made.service("api", "a")
    merged(made, "2026-03-10")
    with made.periods(metrics=THREE) as connection:
        others = rows(
            connection, "FROM trends.periods WHERE subject_kind <> 'team' OR metric_id = 'rq_review_coverage'"
        )
        assert others
        assert all(row["disclosed"] and row["withheld_reason"] is None for row in others)


def test_value_is_computed_whole_where_it_is_withheld() -> None:
    with teams(a=4).periods(metrics=FROM_ONE_CASE_ON) as connection:
        assert cells(connection, SHARE, "a")["2026-03"]["value"] == 1.0


def test_post_mortems_that_nobody_ever_linked_are_kept_elsewhere() -> None:
    metric = {"oc_postmortem_on_time": CATALOGUE["oc_postmortem_on_time"]}
    assert source_gaps(metric, ["pagerduty"]) == {}
    assert source_gaps(metric, ["pagerduty"], empty=["postmortems"]) == {
        "oc_postmortem_on_time": "post-mortems linked from incidents"
    }
