"""A random organisation in which every metric of the catalogue has cases.

Here: rows that sources could give, besides those of ``random_world``: what was said, rated and deployed.
Not here: what must hold of them (test_properties).
"""

from datetime import datetime, timedelta
from random import Random
from typing import Any

from tests.transforms.world import World, utc
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
    """``random_world`` with threads, ratings, dismissals, deployments, defects, on-call and causes."""
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
    hold_the_pager(world, random)
    launch(world, random)
    look_for_causes(world, random)
    return world


def launch(world: World, random: Random) -> None:
    """Features of both teams, with pages, accounts that could use them, and some that did."""
    for number in range(8):
        feature_id, day = (
            f"feature-{number}",
            utc(f"2026-0{random.randrange(1, 5)}-{random.randrange(10, 28)}"),
        )
        world.add(
            "features",
            feature_id=feature_id,
            title=feature_id,
            team_id=random.choice(("red", "blue")),
            released_at_utc=day,
            documentation_url="https://docs.acme.example" if random.random() < 0.7 else None,
            needs_documentation=random.random() < 0.9,
        )
        edited = day + timedelta(days=random.randrange(-40, 30))
        world.add("feature_documents", feature_id=feature_id, edited_at_utc=edited)
        for account in range(12):
            account_id, first = f"account-{account}", day + timedelta(hours=random.randrange(900))
            world.add(
                "feature_eligibility",
                account_id=account_id,
                feature_id=feature_id,
                eligible_from_utc=first,
                is_internal=random.random() < 0.1,
            )
            later = first + timedelta(hours=random.randrange(1000))
            world.add("account_activity", account_id=account_id, occurred_at_utc=later)
            if random.random() < 0.5:
                world.add("feature_use", account_id=account_id, feature_id=feature_id, occurred_at_utc=later)


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


def hold_the_pager(world: World, random: Random) -> None:
    """Shifts of five days in turn, and incidents that page whoever is on call, some of them at night."""
    start = utc("2026-01-05 09:00")
    for number in range(28):
        begins = start + timedelta(days=5 * number)
        world.add(
            "oncall_shifts",
            person_id=PEOPLE[number % len(PEOPLE)],
            schedule_id="rota",
            start_at_utc=begins,
            end_at_utc=begins + timedelta(days=5, hours=random.choice((0, 0, 12))),
        )
        for _ in range(random.randrange(4)):
            at = begins + timedelta(minutes=random.randrange(5 * 24 * 60))
            page(world, random, PEOPLE[number % len(PEOPLE)], at)


def page(world: World, random: Random, who: str, at: datetime) -> None:
    """One incident: assigned and notified, then answered, timed out, cleared by itself or still open."""
    incident_id = f"incident-{len(world.tables.get('incidents', [])):03d}"
    ending = random.choice(
        ("answered", "answered", "handed over", "timed out", "by itself", "open", "merged")
    )
    resolved = at + timedelta(minutes=random.randrange(2, 300))
    is_resolved = ending not in ("open", "timed out")
    others = [row["incident_id"] for row in world.tables.get("incidents", [])]
    world.add(
        "incidents",
        incident_id=incident_id,
        ref=incident_id,
        service_id=random.choice(("api", "web")),
        urgency=random.choice(("high", "high", "high", "low")),
        is_major=random.random() < 0.5,
        created_at_utc=at,
        resolved_at_utc=resolved if is_resolved else None,
        merged_into=random.choice(others) if ending == "merged" and others else None,
        resolution_tag=random.choice((None, None, "false_alarm")),
        cause_key=random.choice((None, "disk", "dns")),
    )

    def log(kind: str, when: datetime, **more: Any) -> None:
        entry = f"{incident_id}-{len(world.tables.get('incident_log', []))}"
        world.add(
            "incident_log", entry_id=entry, incident_id=incident_id, type=kind, occurred_at_utc=when, **more
        )

    log("assign", at, to_user_id=who)
    log("notify", at, user_id=who, channel=random.choice(("push", "phone", "email")))
    log("notify", at + timedelta(seconds=random.randrange(120)), user_id=who, channel="sms")
    answered = at + timedelta(minutes=random.randrange(1, 12))
    if ending in ("answered", "handed over"):
        log("acknowledge", answered, user_id=who)
        if random.random() < 0.3:
            until = answered + timedelta(hours=2)
            log("snooze", answered + timedelta(minutes=1), user_id=who, until_utc=until)
    if ending == "handed over":
        to = random.choice([person for person in PEOPLE if person != who])
        log("reassign", answered + timedelta(minutes=9), user_id=who, to_user_id=to, via="manual")
    if ending == "timed out":
        to = random.choice([person for person in PEOPLE if person != who])
        log("escalate", at + timedelta(minutes=5), to_user_id=to, via="timeout")
    if is_resolved:
        via = {"by itself": "integration", "merged": "merge"}.get(ending, "manual")
        log("resolve", resolved, user_id=who if via == "manual" else None, via=via)
        if random.random() < 0.7:
            document = resolved + timedelta(days=random.randrange(12))
            world.add(
                "postmortems", incident_id=incident_id, ref=f"{incident_id}-pm", published_at_utc=document
            )


def look_for_causes(world: World, random: Random) -> None:
    """What is said of the causes of some incidents, the work that follows, and the sprints."""
    deployed = sorted(
        (row["finished_at_utc"], row["deployment_id"])
        for row in world.tables.get("deployments", [])
        if row["environment"] == "production" and row["kind"] == "normal"
    )
    for incident in world.tables.get("incidents", []):
        at = incident["created_at_utc"]
        before = [deployment_id for finished, deployment_id in deployed if finished <= at]
        if before and random.random() < 0.7:
            source = random.choice(("explicit", "confirmed", "heuristic"))
            world.add(
                "incident_causes",
                incident_id=incident["incident_id"],
                deployment_id=before[-1],
                source=source,
                answer=random.choice((None, "yes", "unknown", "not_a_change"))
                if source == "heuristic"
                else None,
                answered_at_utc=at + timedelta(days=random.randrange(9)) if source == "heuristic" else None,
            )
        if random.random() < 0.7:
            created = at + timedelta(hours=random.randrange(90))
            world.add(
                "followups",
                ticket_id=f"{incident['incident_id']}-followup",
                incident_id=incident["incident_id"],
                assignee_id=random.choice(PEOPLE),
                created_at_utc=created,
                due_date=(created + timedelta(days=random.randrange(40))).date(),
                resolved_at_utc=created + timedelta(days=random.randrange(50)),
                resolution=random.choice((None, None, "done", "wont_do")),
            )
    for number in range(10):
        start = utc("2026-01-05") + timedelta(days=14 * number)
        world.add(
            "sprints", sprint_id=f"s{number}", start_at_utc=start, end_at_utc=start + timedelta(days=14)
        )
    for service_id in ("api", "web"):
        world.add("watched_services", service_id=service_id)
