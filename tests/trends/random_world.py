"""A random organisation of four people and two months and a half, for properties.

Here: rows that a source could have given. Not here: what must hold of them.
"""

from datetime import timedelta
from random import Random

from tests.transforms.world import World, utc

ZONE = "America/New_York"
PEOPLE = ("ann", "bob", "cid", "dan")
FIRST = utc("2026-02-10 00:00")
DAYS = 70
AS_OF = "2026-06-01"


def random_world(seed: int, *, pulls: int = 25, everybody_in_a_team: bool = True) -> World:
    """Dan changes teams in March, cid works part-time in Kolkata, bob is away for a week."""
    random = Random(seed)
    world = World(zone=ZONE)
    world.person("ann", team="red", tz=ZONE)
    world.person("bob", team="red", tz="Europe/Berlin")
    world.person("cid", team="blue", tz="Asia/Kolkata", working_days=(1, 2, 3))
    world.person("dan", team="blue", tz=ZONE, after="2026-03-16")
    world.stretch("dan", team="red", tz=ZONE, first="2026-03-16")
    if not everybody_in_a_team:
        world.account("github:user/9")
    world.person("robot", is_bot=True)
    world.away("bob", *(f"2026-03-{day:02d}" for day in range(9, 14)))
    world.service("api", "red", after="2026-03-20")
    world.service("api", "blue", first="2026-03-20")
    world.service("web", "red")
    for number in range(pulls):
        random_pull(world, random, f"pr-{number:03d}", everybody_in_a_team=everybody_in_a_team)
    return world


def random_pull(world: World, random: Random, pr_id: str, *, everybody_in_a_team: bool) -> None:
    """A pull request with a few moments in its first four days, and mostly an end."""
    created = FIRST + timedelta(hours=random.randrange(24 * DAYS))
    author = random.choice([*PEOPLE, "robot", None])
    ended = created + timedelta(hours=random.randrange(24, 24 * 8))
    is_merged = random.random() < 0.6
    world.pull(
        pr_id,
        author=author,
        created=created,
        draft=random.random() < 0.2,
        merged=ended if is_merged else None,
        closed=ended if random.random() < 0.3 else None,
        services=random.choice([(), ("api",), ("web",), ("api", "web")]),
        merged_to_default_branch=random.random() < 0.9,
        reverts_pr_id=random.choice([None] * 9 + ["another"]),
    )
    asked = PEOPLE if everybody_in_a_team else (*PEOPLE, "github:user/9", None)
    for _ in range(random.randint(1, 6)):
        at = created + timedelta(hours=random.randrange(96))
        kind = random.choice(["request"] * 3 + ["review"] * 3 + ["remove", "draft", "ready"])
        who = random.choice(asked)
        if kind == "request":
            team = "red" if not everybody_in_a_team and random.random() < 0.2 else None
            world.request(at, None if team else who, team=team, pr_id=pr_id)
        elif kind == "review":
            state = random.choice(["APPROVED", "COMMENTED", "DISMISSED", "CHANGES_REQUESTED"])
            world.review(at, who, state=state, pr_id=pr_id)
        elif kind == "remove":
            world.remove(at, who, pr_id=pr_id)
        else:
            names = {"draft": "converted_to_draft", "ready": "ready_for_review"}
            world.event(names[kind], at, pr_id=pr_id)
