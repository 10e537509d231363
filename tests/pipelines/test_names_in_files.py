"""Names that files give to things that are not there: each is counted by the check of its file."""

from datetime import date

from pipelines.profiles import checks, profile
from tests.transforms.world import CATALOGUE, World, midnight

CHECKS = (
    "goals_are_of_known_people_and_teams",
    "features_are_of_known_teams",
    "documents_are_of_known_services_and_features",
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
    wanted = [check for check in checks(CATALOGUE) if check.name in CHECKS]
    with world.core() as connection:
        found = profile(connection, wanted)
    assert {check.name: found[check.column] for check in wanted} == dict(zip(CHECKS, (4, 1, 2), strict=True))
    assert {check.severity for check in wanted} == {"warning"}
