"""Who answers for what happens in the very instant of a handover: the new one alone.

Intervals are half-open everywhere. The format of worked cases knows no end of a service's or a person's
stretch, so these are here. 16 March 2026 is a Monday.
"""

import duckdb
import pytest

from tests.transforms.world import CATALOGUE, World, rows, utc

DOT, BEFORE = "2026-03-16 00:00:00", "2026-03-15 23:59:59"


def handed_over() -> World:
    """The service api is old's up to 16 March and new's from then on; an incident on each side of it."""
    made = World()
    made.person("ana", team="old")
    made.person("ben", team="new")
    made.service("api", "old", after="2026-03-16")
    made.service("api", "new", first="2026-03-16")
    for name, at in (("late", BEFORE), ("dot", DOT)):
        made.add(
            "incidents",
            incident_id=name,
            ref=name,
            service_id="api",
            urgency="high",
            is_major=True,
            cause_key="disk",
            created_at_utc=utc(at),
            resolved_at_utc=utc("2026-03-16 02:00"),
        )
    made.add("watched_services", service_id="api", since_utc=utc("2026-01-01"))
    return made


def by_team(connection: duckdb.DuckDBPyConnection, metric_id: str) -> dict[str, list[str]]:
    found = connection.execute(
        f"SELECT subject_id, list(ref ORDER BY ref) FROM facts.{metric_id}"
        " WHERE subject_kind = 'team' AND outcome <> 'watched' GROUP BY subject_id"
    ).fetchall()
    return dict(found)


@pytest.mark.parametrize("metric_id", ["si_incident_rate", "si_repeat_incidents", "oc_actionable_share"])
def test_an_incident_in_the_second_of_the_handover_is_the_new_teams_alone(metric_id: str) -> None:
    with handed_over().periods(metrics=[CATALOGUE[metric_id]]) as connection:
        assert by_team(connection, metric_id) == {"new": ["dot"], "old": ["late"]}


def test_a_post_mortem_is_owed_by_the_team_that_had_the_service_when_it_was_resolved() -> None:
    made = handed_over()
    for row, at in zip(made.tables["incidents"], (BEFORE, DOT), strict=True):
        row["resolved_at_utc"] = utc(at)
    with made.periods(metrics=[CATALOGUE["oc_postmortem_on_time"]]) as connection:
        assert by_team(connection, "oc_postmortem_on_time") == {"new": ["dot"], "old": ["late"]}


def test_service_days_are_shared_out_at_the_handover() -> None:
    """15 days of March to old, 16 to new, each of 30."""
    with handed_over().periods(metrics=[CATALOGUE["si_incident_rate"]]) as connection:
        found = rows(
            connection,
            "SELECT subject_id, exposure FROM trends.periods"
            " WHERE subject_kind = 'team' AND period = '2026-03'",
        )
    assert {row["subject_id"]: row["exposure"] for row in found} == pytest.approx(
        {"old": 0.5, "new": 16 / 30}
    )


def test_months_before_incidents_are_known_are_not_watched() -> None:
    """A pull request of January, incidents known from March on: January has no days without an incident."""
    made = handed_over()
    made.tables["watched_services"][0]["since_utc"] = utc("2026-03-01")
    made.pull(created="2026-01-10")
    with made.periods("2026-04-15", metrics=[CATALOGUE["si_incident_rate"]]) as connection:
        found = rows(
            connection,
            "SELECT period, exposure FROM trends.periods"
            " WHERE subject_kind = 'service' AND grain = 'month' ORDER BY period",
        )
    assert {row["period"]: row["exposure"] for row in found} == pytest.approx(
        {"2026-03": 31 / 30, "2026-04": 14 / 30}
    )


def test_a_service_that_ended_as_the_month_began_has_no_week_of_it() -> None:
    made = World()
    made.person("ana", team="core")
    made.service("api", "core", after="2026-03-01")
    made.add(
        "deployments",
        deployment_id="d1",
        ref="d1",
        service_ids=["api"],
        environment="production",
        status="success",
        kind="normal",
        pr_ids=[],
        finished_at_utc=utc("2026-02-10"),
    )
    with made.periods("2026-05-15", metrics=[CATALOGUE["si_deployment_frequency"]]) as connection:
        found = rows(connection, "SELECT period, exposure FROM trends.periods WHERE grain = 'month'")
    assert [(row["period"], row["exposure"]) for row in found] == [("2026-02", 4.0)]


@pytest.mark.parametrize(
    ("on_call_from", "begins"),
    [("2026-03-15 23:00", "2026-03-15 21:00"), ("2026-03-16 07:30", "2026-03-15 23:00")],
)
def test_an_evening_with_two_zones_is_one_night(on_call_from: str, begins: str) -> None:
    """Ana's zone is Berlin up to the midnight that is 23:00 UTC, and the Azores (UTC-1) from then on, where
    it is 22:00: nights from 21:00 to 07:00 and from 23:00 to 09:00 UTC, both of the evening of the 15th. From
    07:30 on she is on call in the second only, which begins with her new zone."""
    made = World(zone="Europe/Berlin")
    made.person("ana", tz="Europe/Berlin", after="2026-03-16")
    made.stretch("ana", tz="Atlantic/Azores", first="2026-03-16")
    made.add(
        "oncall_shifts",
        person_id="ana",
        start_at_utc=utc(on_call_from),
        end_at_utc=utc("2026-03-16 10:00"),
    )
    with made.periods(metrics=[CATALOGUE["oc_sleep_nights"]]) as connection:
        found = rows(
            connection, "SELECT ref, anchor_at_utc FROM facts.oc_sleep_nights WHERE subject_id = 'ana'"
        )
    assert [(row["ref"], row["anchor_at_utc"]) for row in found] == [("2026-03-15", utc(begins))]
