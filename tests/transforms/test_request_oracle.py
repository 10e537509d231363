"""``core.review_requests`` against a plain reading of the specification, over small random histories.

Few people and few instants, so that ties, duplicates and re-requests are the rule and not the exception.
"""

from collections import Counter
from dataclasses import replace
from datetime import date, datetime, timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from tests.drawn import examples
from tests.transforms.request_oracle import Clock, Moment, PullRequest, Reading, Spell, states
from tests.transforms.world import World, rows, utc

START = utc("2026-03-04 09:00")  # a Wednesday
INSTANTS = [START + timedelta(hours=hours) for hours in (0, 8, 24, 32, 40, 48, 136)]
AWAY = date(2026, 3, 6)
JOINED = START + timedelta(hours=40)

EVENTS = {
    "request": "review_requested",
    "removal": "review_request_removed",
    "draft": "converted_to_draft",
    "ready": "ready_for_review",
    "close": "closed",
    "reopen": "reopened",
}
TEAMS: dict[str, list[tuple[str, datetime | None, datetime | None]]] = {
    "core": [("ann", None, None), ("bob", JOINED, None), ("cid", None, JOINED), ("robot", None, None)],
    "nobody": [],
}
BOTS = frozenset({"robot"})
CLOCKS = {
    "*": Clock(tz="UTC", working_days=(1, 2, 3, 4, 5)),
    "ann": Clock(tz="UTC", working_days=(1, 2, 3, 4, 5)),
    "bob": Clock(tz="America/New_York", working_days=(1, 2, 3, 4, 5), away=frozenset({AWAY})),
    "cid": Clock(tz="Europe/Berlin", working_days=(7, 1, 2, 3, 4)),
}
KINDS = (
    ["request"] * 4 + ["review"] * 3 + ["removal"] * 2 + ["draft"] * 2 + ["ready"] * 2 + ["close", "reopen"]
)


def random_pull_request(random: Random) -> PullRequest:
    """A pull request whose last end, if it has one, is where its own moments leave it closed for good."""
    person = random.choice(["bob", "bob", "cid", "ann", "robot", "github:user/9", None])
    asked = [person, random.choice(["bob", "cid", "team:core", "team:core", "team:nobody"])]
    reviewers = [name for name in asked if name is None or not name.startswith("team:")]
    moments = []
    for _ in range(random.randint(1, 9)):
        kind = random.choice(KINDS)
        who = {"request": asked, "removal": asked, "review": reviewers}.get(kind, [None])
        moments.append(Moment(kind=kind, at=random.choice(INSTANTS), asked=random.choice(who)))
    pull = PullRequest(
        author=random.choice(["ann", "ann", "cid", None]),
        created=START,
        draft=random.random() < 0.3,
        moments=tuple(moments),
        merged=None,
        closed=None,
    )
    changes = list(states(pull))
    if not changes or not changes[-1][1]:
        return pull
    closed = changes[-1][0]
    others = tuple(one for one in pull.moments if one.kind != "close" or one.at != closed)
    # GitHub tells an end twice, as an event and as a field: either is enough.
    if random.random() < 0.5 and list(states(replace(pull, moments=others))) == changes[:-1]:
        pull = replace(pull, moments=others)
    merged = random.choice([None, closed, closed + timedelta(hours=8)])
    return replace(pull, closed=closed, merged=merged)


def world_of(pulls: list[PullRequest]) -> World:
    world = World()
    for person in ("ann", "bob", "cid"):
        clock = CLOCKS[person]
        world.person(person, tz=clock.tz, working_days=clock.working_days)
    world.person("robot", is_bot=True)
    world.account("github:user/9")
    world.away("bob", AWAY.isoformat())
    for name, members in TEAMS.items():
        for person, start, end in members:
            world.add("memberships", person_id=person, team_id=name, from_at_utc=start, to_at_utc=end)
    kinds = {
        "draft": "converted_to_draft",
        "ready": "ready_for_review",
        "close": "closed",
        "reopen": "reopened",
    }
    kinds |= {"request": "review_requested", "removal": "review_request_removed"}
    for number, pull in enumerate(pulls):
        pr_id = str(number)
        world.pull(
            pr_id,
            author=pull.author,
            created=pull.created,
            draft=pull.draft,
            merged=pull.merged,
            closed=pull.closed,
        )
        for moment in pull.moments:
            if moment.kind == "review":
                world.review(moment.at, moment.asked, pr_id=pr_id)
            else:
                asked = moment.asked or ""
                team = asked.removeprefix("team:") if asked.startswith("team:") else None
                who = None if team is not None else moment.asked
                world.event(EVENTS[moment.kind], moment.at, who=who, team=team, pr_id=pr_id)
    return world


def of_core(pulls: list[PullRequest], as_of: datetime) -> list[Counter[Spell]]:
    with world_of(pulls).core(as_of) as core:
        found = rows(
            core,
            "SELECT *, coalesce(reviewer_id, 'team:' || requested_team_id) AS asked "
            "FROM core.review_requests",
        )
    ids = [row["case_id"] for row in found]
    assert len(ids) == len(set(ids)), "a case's id is its own"
    counted: list[Counter[Spell]] = [Counter() for _ in pulls]
    for row in found:
        hours, rest = divmod(row["waited_us"], 3_600_000_000)
        assert rest == 0
        spell = Spell(
            asked=row["asked"],
            outcome=row["outcome"],
            why=row["why"],
            hours=hours,
            anchor=row["anchor_at_utc"],
        )
        counted[int(row["pr_id"])][spell] += 1
    return counted


@examples(30)
@given(seed=st.integers(0, 2**32))
def test_spells_are_those_of_a_plain_reading(seed: int) -> None:
    random = Random(seed)
    pulls = [random_pull_request(random) for _ in range(100)]
    as_of = random.choice(INSTANTS[2:])
    for pull, found in zip(pulls, of_core(pulls, as_of), strict=True):
        reading = Reading(pull=pull.as_known(as_of), clocks=CLOCKS, teams=TEAMS, bots=BOTS)
        assert found == Counter(reading.read(as_of)), pull
