"""Names that files give to things that are not there: each is counted by the check of its file."""

from datetime import date

from pipelines.profiles import checks, profile
from tests.transforms.world import CATALOGUE, World, midnight, utc

CHECKS = (
    "goals_are_of_known_people_and_teams",
    "features_are_of_known_teams",
    "documents_are_of_known_services_and_features",
    "annotations_are_of_known_teams_and_services",
)


def test_each_misspelt_name_is_counted_and_no_other() -> None:
    world = World()
    world.person("ana", team="red")
    world.account("github:user/1")
    world.service("api", "blue", first="2026-01-01", after="2026-02-01")
    for number, (kind, owner, withdrawn) in enumerate(
        (
            *(("person", "ana", False), ("team", "red", False), ("team", "blue", None)),
            *(("person", "anna", False), ("team", "rde", False), ("person", "github:user/1", False)),
            *(("person", "red", False), ("person", "gone", True)),
        )
    ):
        world.add(
            "goals",
            goal_id=f"g{number}",
            owner_kind=kind,
            owner_id=owner,
            is_withdrawn=withdrawn,
            start_utc=midnight("2026-01-01", "UTC"),
            end_utc=midnight("2026-02-01", "UTC"),
        )
    for name, team in (("exp", "red"), ("gift", None), ("map", "grene")):
        world.add("features", feature_id=name, title=name, team_id=team)
    for kind, about in (("service", "api"), ("feature", "exp"), ("service", "exp"), ("feature", "apo")):
        for day in (1, 2):
            world.add(
                "measurements",
                about_kind=kind,
                about_id=about,
                name="latency",
                unit="ms",
                measured_on=date(2026, 1, day),
                value=1.0,
            )
    for kind, about in (
        *(("organization", None), ("team", "red"), ("team", "blue"), ("service", "api")),
        *(("team", "api"), ("service", "red"), ("service", "apo")),
    ):
        world.add(
            "annotations",
            first_day=date(2026, 1, 1),
            kind="freeze",
            about_kind=kind,
            about_id=about,
            title="x",
        )
    wanted = [check for check in checks(CATALOGUE) if check.name in CHECKS]
    with world.core() as connection:
        found = profile(connection, wanted)
    assert {check.name: found[check.column] for check in wanted} == dict(
        zip(CHECKS, (4, 1, 2, 3), strict=True)
    )
    assert {check.severity for check in wanted} == {"warning"}


def test_a_log_of_other_incidents_and_strangers_on_call_are_counted() -> None:
    world = World()
    world.person("ana", team="red")
    world.account("pagerduty:user/P1")
    world.add("incidents", incident_id="incidents:007", created_at_utc=utc("2026-03-02"))
    for number, (incident, who) in enumerate(
        (("incidents:007", "ana"), ("incidents:7", "ana"), ("incidents:007", "pagerduty:user/P1"))
    ):
        world.add(
            "incident_log",
            entry_id=str(number),
            incident_id=incident,
            type="assign",
            occurred_at_utc=utc("2026-03-02"),
            to_user_id=who,
        )
    for who in ("ana", "Anna", "Anna", "ben@acme.example"):
        world.add(
            "oncall_shifts", person_id=who, start_at_utc=utc("2026-03-01"), end_at_utc=utc("2026-03-03")
        )
    names = ("log_entries_are_of_known_incidents", "people_on_call_are_known")
    wanted = [check for check in checks(CATALOGUE) if check.name in names]
    with world.core() as connection:
        found = profile(connection, wanted)
    assert {check.name: found[check.column] for check in wanted} == dict(zip(names, (1, 2), strict=True))
