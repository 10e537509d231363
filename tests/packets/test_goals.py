"""Agreed goals in a packet, and on the command line's workbench."""

from datetime import UTC, date, datetime
from typing import Any

import duckdb
import pytest

from metrics_catalog.catalogue import load_catalogue
from packets.goals import agreed_last_time, goals_of
from packets.quarters import parse_quarter
from pipelines.goals import bench
from tests.packets.published import published_as_of
from tests.transforms.world import World, utc
from transforms.facts import build_facts
from transforms.goals import build_goals
from transforms.ledger import build_catalog

METRIC = load_catalogue()["rq_response_24h"]
PUBLISHED = published_as_of(utc("2026-06-01"))


def goal(**more: Any) -> dict[str, Any]:
    ordinary = {
        "goal_id": "g1",
        "owner_kind": "person",
        "owner_id": "ann",
        "title": "Answer within a day",
        "metric_id": "rq_response_24h",
        "comparator": "at_least",
        "target": 0.5,
        "start_date": date(2026, 3, 1),
        "end_date": date(2026, 3, 31),
        "start_utc": utc("2026-03-01"),
        "end_utc": utc("2026-04-01"),
        "n_min": 2,
        "content_hash": "abc",
        "is_stored_late": False,
        "is_withdrawn": False,
    }
    return ordinary | more


def world(*goals: dict[str, Any]) -> World:
    """Ann is asked for three reviews in March: two are answered in time, one not at all."""
    made = World()
    made.person("ann", team="red")
    made.person("ben", team="red")
    for number, answered in enumerate((True, True, False)):
        pr = f"pr-{number}"
        made.pull(pr, author="ben", created="2026-03-02 09:00")
        made.request("2026-03-02 10:00", "ann", pr_id=pr)
        if answered:
            made.review("2026-03-02 11:00", "ann", pr_id=pr)
    for each in goals:
        made.add("goals", **each)
    return made


def shown(*goals: dict[str, Any], quarter: str = "2026-Q1") -> Any:
    with world(*goals).core("2026-06-01") as connection:
        _build(connection)
        return goals_of(connection, person_id="ann", quarter=parse_quarter(quarter), published=PUBLISHED)


def _build(connection: duckdb.DuckDBPyConnection) -> None:
    build_facts(connection, [METRIC], as_of_utc=utc("2026-06-01"))
    connection.execute("CREATE SCHEMA IF NOT EXISTS trends")
    build_goals(connection, {METRIC.id: METRIC}, utc("2026-06-01"))
    build_catalog(connection, {METRIC.id: METRIC})


def test_a_goal_is_shown_with_its_verdict_and_the_bare_arithmetic() -> None:
    (one,) = shown(goal())
    assert one.status == "met"
    assert one.sentence.startswith(
        "2 of 3 (67%) review requests answered within 24 hours; the goal was at least 50%."
    )
    assert one.remarks == ()


def test_what_should_be_known_of_the_wording_is_said() -> None:
    (one,) = shown(
        goal(
            is_stored_late=True,
            edit="target 0.5 became 0.4",
            edited_at_utc=utc("2026-03-09"),
            is_withdrawn=True,
        )
    )
    assert one.remarks == (
        "It was stored after its first day, so it was not agreed beforehand.",
        "It was edited on 9 March 2026, after it began: target 0.5 became 0.4. "
        "It is checked as it was agreed.",
        "It was taken out of goals.toml.",
    )


def test_a_baseline_stands_beside_the_figure() -> None:
    (one,) = shown(goal(baseline_numerator=10.0, baseline_denominator=40.0))
    assert one.baseline is not None
    assert one.baseline.startswith("Before: 10 of 40; the difference is +42% (95% interval ")


def test_goals_of_another_person_team_or_quarter_are_not_shown() -> None:
    others = [
        goal(goal_id="g2", owner_id="ben"),
        goal(goal_id="g3", owner_kind="team", owner_id="blue"),
        goal(goal_id="g4", start_date=date(2026, 4, 1), end_date=date(2026, 6, 30)),
    ]
    assert [one.goal_id for one in shown(goal(), *others)] == ["g1"]
    assert [one.goal_id for one in shown(goal(), *others, quarter="2026-Q2")] == ["g4"]


def test_the_goal_of_a_team_stands_in_its_members_packets_and_small_groups_are_withheld() -> None:
    """Ann answered alone: a figure of the team would be hers."""
    own, teams = shown(goal(), goal(goal_id="g3", owner_kind="team", owner_id="red"))
    assert (own.team, teams.team) == (None, "red")
    assert (teams.status, teams.sentence) == ("withheld", "Its figure is withheld: fewer than 5 people.")
    assert agreed_last_time([own, teams]) == "Answer within a day (met)."
    assert agreed_last_time([teams]) == "None recorded."


def test_whoever_left_the_team_before_the_goal_began_has_no_part_in_it() -> None:
    made = world(goal(goal_id="g3", owner_kind="team", owner_id="red"))
    made.person("cleo", team="red", after="2026-03-01")
    made.person("dora", team="red", after="2026-03-02")
    with made.core("2026-06-01") as connection:
        _build(connection)
        seen = {
            person: [
                one.goal_id
                for one in goals_of(
                    connection, person_id=person, quarter=parse_quarter("2026-Q1"), published=PUBLISHED
                )
            ]
            for person in ("ann", "cleo", "dora")
        }
    assert seen == {"ann": ["g3"], "cleo": [], "dora": ["g3"]}


def test_a_team_of_five_with_nobody_above_half_is_shown() -> None:
    made = world(goal(goal_id="g3", owner_kind="team", owner_id="red"))
    for number in range(4):
        made.person(f"p{number}", team="red")
        made.request("2026-03-02 10:00", f"p{number}", pr_id="pr-0")
        made.review("2026-03-02 11:00", f"p{number}", pr_id="pr-0")
    with made.core("2026-06-01") as connection:
        _build(connection)
        found = connection.execute("SELECT n_contributors, withheld_reason, n FROM trends.goals").fetchall()
    assert found == [(5, None, 7.0)]


def test_a_goal_kept_by_hand_says_what_both_sides_wrote() -> None:
    by_hand = goal(metric_id=None, comparator=None, target=None, outcome_text="Done, weekly since March.")
    (one,) = shown(by_hand)
    assert (one.status, one.sentence) == ("kept by hand", "Done, weekly since March.")


@pytest.mark.parametrize(
    ("target", "expected_n", "met", "missed"),
    [
        (
            0.9,
            None,
            "can never be clearly above 90%; that would take 35.",
            "possible: the worst record takes 1",
        ),
        (0.5, 4.0, "possible: a perfect record takes 4", "possible: the worst record takes 4"),
        (
            0.1,
            20.0,
            "possible: a perfect record takes 1",
            "not possible at that number: the worst record takes 35",
        ),
    ],
)
def test_the_workbench_says_what_the_target_can_show(
    target: float, expected_n: float | None, met: str, missed: str
) -> None:
    with world().core("2026-06-01") as connection:
        _build(connection)
        lines = bench(
            connection,
            goal(
                target=target, expected_n=expected_n, start_date=date(2026, 7, 1), end_date=date(2027, 6, 30)
            )
            | {"baseline_numerator": None, "baseline_denominator": None},
            METRIC,
            datetime(2026, 6, 1, tzinfo=UTC).replace(tzinfo=None),
            "UTC",
        )
    text = "\n".join(lines)
    assert "2 of 3 (67%) in the 90 days to 2026-06-01" in text
    assert f"to expect    about {'12' if expected_n is None else f'{expected_n:.0f}'} cases, " in text
    assert "  as before    if nothing changes, about " in text
    assert "ends clearly met in 4 of 5 such stretches" in text
    assert met in text
    assert f"clearly missed  {missed}" in text


def test_the_workbench_without_a_past_guesses_nothing() -> None:
    with world().core("2026-06-01") as connection:
        _build(connection)
        lines = bench(
            connection,
            goal(owner_id="ben", target=0.9, expected_n=None, start_date=date(2026, 7, 1), n_min=10)
            | {"baseline_numerator": None, "baseline_denominator": None, "end_date": date(2026, 9, 30)},
            METRIC,
            utc("2026-06-01"),
            "UTC",
        )
    assert lines[2:] == [
        "  the past     no case in the 365 days to 2026-06-01",
        "  to expect    unknown: there is no past to go by, and goals.toml gives no expected_n",
        "  clearly met  a perfect record takes 35",
        "  clearly missed  the worst record takes 1",
        "  too few      a verdict takes 10 cases (n_min)",
    ]
