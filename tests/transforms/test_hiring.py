"""People hired the same way, pooled: what the group rule shows, and that nothing else is there."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from metrics_catalog.catalogue import load_catalogue
from tests.transforms.world import World, utc
from transforms.facts import build_facts
from transforms.hiring import build_hiring_groups

METRIC = load_catalogue()["rq_response_24h"]


def groups(hired: Mapping[str, str], *, requests: Mapping[str, int]) -> Sequence[Any]:
    """Everybody is asked so often in March and answers in time; the groups that may be shown."""
    world = World()
    world.person("author", team="red")
    number = 0
    for person in hired:
        world.person(person, team="red")
        for _ in range(requests.get(person, 4)):
            number += 1
            pr = f"pr-{number}"
            world.pull(pr, author="author", created="2026-03-02 09:00")
            world.request("2026-03-02 10:00", person, pr_id=pr)
            world.review("2026-03-02 11:00", person, pr_id=pr)
    with world.core("2026-06-01") as connection:
        build_facts(connection, [METRIC], as_of_utc=utc("2026-06-01"))
        connection.execute("CREATE SCHEMA landing; CREATE SCHEMA IF NOT EXISTS trends")
        connection.execute(
            "CREATE TABLE landing.organization__people (person_id TEXT, hiring_source TEXT, hiring_role TEXT)"
        )
        for person, source in hired.items():
            connection.execute(
                "INSERT INTO landing.organization__people VALUES (?, ?, NULL)", [person, source]
            )
        build_hiring_groups(connection, [METRIC], has_roster=True)
        return connection.execute(
            "SELECT attribute, group_value, period, numerator, denominator, value FROM trends.hiring_groups"
        ).fetchall()


def five(name: str) -> dict[str, str]:
    return {f"{name}-{number}": name for number in range(5)}


def test_five_people_of_a_group_are_shown_and_two_groups_side_by_side() -> None:
    assert groups(five("referral") | five("campus"), requests={}) == [
        ("hiring_source", "campus", "2026-Q1", 20, 20, 1.0),
        ("hiring_source", "referral", "2026-Q1", 20, 20, 1.0),
    ]


@pytest.mark.parametrize(
    ("hired", "requests"),
    [
        ({f"p{number}": "referral" for number in range(4)}, {}),
        (five("referral"), {"referral-0": 40}),
    ],
    ids=["four people", "one of them holds more than half"],
)
def test_a_group_that_could_be_one_person_is_not_there(
    hired: dict[str, str], requests: dict[str, int]
) -> None:
    assert groups(hired, requests=requests) == []


def test_the_only_other_group_goes_too_against_subtraction() -> None:
    assert groups(five("referral") | {"x": "campus"}, requests={}) == []
