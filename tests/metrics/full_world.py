"""A random organisation in which every metric of the catalogue has cases.

Here: rows that sources could give, besides those of ``random_world``: what was said, rated and deployed.
Not here: what must hold of them (test_properties).
"""

from datetime import datetime, timedelta
from random import Random

from tests.transforms.world import World
from tests.trends.random_world import PEOPLE, random_world

_REMARKS = (
    "Why not a set?",
    "issue: leaks",
    "question: is it used?",
    "nit: name",
    "praise: neat",
    "lgtm",
    "note: fyi",
)
_REPLIES = ("I prefer it", "Tracked in PAY-12", "see #77", "Done")


def full_world(seed: int, *, pulls: int = 25, everybody_in_a_team: bool = True) -> World:
    """``random_world`` with threads, ratings, dismissals, deployments and defects."""
    random = Random(seed + 1)
    world = random_world(seed, pulls=pulls, everybody_in_a_team=everybody_in_a_team)
    for pull in list(world.tables["pull_requests"]):
        if everybody_in_a_team and pull["author_id"] is None:
            pull["author_id"] = "ann"
        talk(world, random, pull["pr_id"], pull["author_id"], pull["created_at_utc"])
    rate(world, random)
    merged = [pull for pull in world.tables["pull_requests"] if pull["merged_at_utc"]]
    for number, pull in enumerate(merged):
        ship(world, random, number, pull["pr_id"], pull["merged_at_utc"])
    return world


def talk(world: World, random: Random, pr_id: str, author: str | None, created: datetime) -> None:
    """Up to three threads, with or without a reply and a suggestion."""
    for number in range(random.randrange(4)):
        thread_id = f"{pr_id}-t{number}"
        opened = created + timedelta(hours=random.randrange(1, 120))
        row = {"thread_id": thread_id, "pr_id": pr_id, "starter_id": random.choice(PEOPLE), "ref": thread_id}
        world.add("review_threads", **row, is_outdated=random.random() < 0.3, is_resolved=False)
        remark(world, random, thread_id, row["starter_id"], opened, body=random.choice(_REMARKS))
        if author is not None and random.random() < 0.6:
            later = opened + timedelta(hours=random.randrange(48))
            remark(world, random, thread_id, author, later, body=random.choice(_REPLIES))


def remark(world: World, random: Random, thread_id: str, who: str, at: datetime, *, body: str) -> None:
    """One comment; a third of them suggest a change, and some of those were applied."""
    comment_id = f"{thread_id}-c{len(world.tables.get('thread_comments', []))}"
    suggests = random.random() < 0.3
    world.add(
        "thread_comments",
        comment_id=comment_id,
        thread_id=thread_id,
        author_id=who,
        occurred_at_utc=at,
        body=body,
        has_suggestion=suggests,
        suggestion_applied=random.random() < 0.5 if suggests else None,
        ref=comment_id,
    )


def rate(world: World, random: Random) -> None:
    """Reactions and answers by the authors, and now and then a dismissal."""
    authors = {pull["pr_id"]: pull["author_id"] for pull in world.tables["pull_requests"]}
    for review in world.tables.get("reviews", []):
        author, at = authors[review["pr_id"]], review["submitted_at_utc"]
        if author is None:
            continue
        if random.random() < 0.4:
            content = random.choice(("+1", "-1", "HEART", "eyes", "CONFUSED"))
            later = at + timedelta(hours=random.randrange(50))
            world.add(
                "reactions",
                target_id=review["review_id"],
                user_id=author,
                content=content,
                occurred_at_utc=later,
            )
        if random.random() < 0.3:
            row = {"pr_id": review["pr_id"], "reviewer_id": review["reviewer_id"], "rater_id": author}
            world.add("survey_ratings", **row, rating=random.randint(1, 5), occurred_at_utc=at)
        if review["state"] == "DISMISSED":
            world.event("review_dismissed", at + timedelta(hours=random.randrange(40)), pr_id=review["pr_id"])
            world.tables["pr_events"][-1] |= {
                "dismissed_review_id": review["review_id"],
                "previous_state": random.choice(("APPROVED", "CHANGES_REQUESTED")),
            }


def ship(world: World, random: Random, number: int, pr_id: str, merged: datetime) -> None:
    """A deployment some hours after the merge, and sometimes a defect."""
    finished = merged + timedelta(hours=random.randrange(100))
    world.add(
        "deployments",
        deployment_id=f"deployment-{number}",
        service_ids=random.choice((["api"], ["web"], ["api", "web"])),
        environment=random.choice(("production", "production", "staging")),
        status="success",
        finished_at_utc=finished,
        kind=random.choice(("normal", "normal", "rollback")),
        pr_ids=[pr_id],
    )
    if random.random() < 0.4:
        world.add(
            "defects",
            defect_id=f"defect-{number}",
            introduced_by_pr_id=pr_id,
            found_in="production",
            reported_at_utc=finished + timedelta(days=random.randrange(40)),
            status="confirmed",
            link=random.choice(("explicit", "heuristic")),
        )
