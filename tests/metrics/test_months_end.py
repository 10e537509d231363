"""One second either side of a month's end, for every metric of reviews, in zones with awkward ends.

The reporting zone decides the month, whatever the zone of the people; a case at the first instant of a month
belongs to it.
"""

from collections import Counter
from datetime import date, datetime, timedelta

import pytest

from metrics_catalog.catalogue import load_catalogue
from tests.transforms.world import World
from transforms.facts import build_facts
from transforms.local_time import first_instant, month_name, next_month

CATALOGUE = load_catalogue()
REVIEW_METRICS = [
    metric
    for metric in CATALOGUE.values()
    if metric.family == "review_quality" or metric.id == "fc_cross_team_reviews"
]
AWKWARD = [
    ("Pacific/Chatham", date(2026, 10, 1)),  # days after a quarter to four came once less
    ("Asia/Kathmandu", date(2026, 4, 1)),
    ("America/St_Johns", date(2009, 11, 1)),  # on this very day half an hour after midnight comes twice
    ("Pacific/Kiritimati", date(2026, 7, 1)),
    ("Pacific/Pago_Pago", date(2026, 1, 1)),
    ("Australia/Lord_Howe", date(2026, 4, 1)),
    ("America/Havana", date(2026, 11, 1)),  # midnight comes twice
    ("America/Asuncion", date(2017, 10, 1)),  # midnight is skipped
    ("Pacific/Apia", date(2012, 1, 1)),  # two days after one that never was
]
SECONDS = (-1, 0, 1)


def world_around(start: datetime, zone: str) -> World:
    """A pull request for each metric's anchor, one second before, at and after the first instant of a month.

    ``asked``: requested (and, for ``ready``, opened) then. ``changes``: changes requested then. ``ended``:
    merged then, ``shipped`` deployed then. ``waiting``: asked long before, answered then.
    """
    world = World(zone=zone)
    world.person("ann", team="red", tz="Asia/Tokyo")
    world.person("bob", team="blue", tz="America/Los_Angeles")
    world.service("api", "red")
    before = start - timedelta(days=9)
    for second in SECONDS:
        at = start + timedelta(seconds=second)
        world.pull(f"ready {second}", created=at)
        world.pull(f"asked {second}", created=before)
        world.request(at, "bob", pr_id=f"asked {second}")
        world.review(at, "bob", pr_id=f"asked {second}")
        world.pull(f"changes {second}", created=before)
        world.review(at, "bob", state="CHANGES_REQUESTED", pr_id=f"changes {second}")
        world.pull(f"waiting {second}", created=before)
        world.request(before, "bob", pr_id=f"waiting {second}")
        world.review(at, "bob", pr_id=f"waiting {second}")
        for name, merged in (("ended", at), ("shipped", at - timedelta(hours=1))):
            pr_id = f"{name} {second}"
            world.pull(pr_id, created=before, merged=merged, services=["api"])
            world.review(merged - timedelta(hours=2), "bob", state="APPROVED", pr_id=pr_id)
            rated = {"pr_id": pr_id, "reviewer_id": "bob", "rater_id": "ann", "rating": 5}
            world.add("survey_ratings", **rated, occurred_at_utc=merged)
            thread = {"thread_id": f"thread {pr_id}", "pr_id": pr_id, "starter_id": "bob"}
            world.add("review_threads", **thread, ref=pr_id, is_outdated=False)
            comment = {"comment_id": f"comment {pr_id}", "thread_id": f"thread {pr_id}", "author_id": "bob"}
            told = {"body": "Use a set?", "has_suggestion": True, "suggestion_applied": True, "ref": pr_id}
            world.add("thread_comments", **comment, **told, occurred_at_utc=merged - timedelta(hours=2))
        deployment = {"deployment_id": f"deployment {second}", "service_ids": ["api"], "kind": "normal"}
        world.add(
            "deployments",
            **deployment,
            environment="production",
            status="success",
            finished_at_utc=at,
            pr_ids=[f"shipped {second}"],
        )
    return world


ANCHORED = {
    "rq_response_24h": "asked",
    "rq_first_response_time": "asked",
    "rq_waited_for_review": "ready",
    "rq_author_turnaround": "changes",
    "rq_threads_addressed": "ended",
    "rq_suggestions_accepted": "ended",
    "rq_substantive_share": "ended",
    "rq_rating_favourable": "ended",
    "rq_reviewer_spread": "ended",
    "rq_review_coverage": "ended",
    "rq_escaped_defects": "shipped",
    "fc_cross_team_reviews": "asked",
}
"""Which of the pull requests has the metric's anchor at the instant."""


@pytest.mark.parametrize(("zone", "first_day"), AWKWARD, ids=str)
def test_the_last_second_is_of_the_month_and_the_first_instant_of_the_next(
    zone: str, first_day: date
) -> None:
    start = first_instant(first_day, zone).replace(tzinfo=None)
    before, after = month_name(next_month(first_day, -1)), month_name(first_day)
    as_of = start + timedelta(days=100)
    with world_around(start, zone).core(as_of) as connection:
        build_facts(connection, REVIEW_METRICS, as_of_utc=as_of)
        found = {
            metric.id: connection.execute(
                f"SELECT subject_kind, ref, strftime(month_start, '%Y-%m') FROM facts.{metric.id}"
            ).fetchall()
            for metric in REVIEW_METRICS
        }
    assert set(found) == {*ANCHORED, "rq_overdue_open"}
    for metric_id, name in ANCHORED.items():
        kinds = {kind for kind, *_ in found[metric_id]}
        told = Counter((kind, ref, month) for kind, ref, month in found[metric_id] if ref.startswith(name))
        assert kinds
        assert told == Counter(
            (kind, f"{name} {second}", before if second < 0 else after)
            for kind in kinds
            for second in SECONDS
        ), metric_id
    # Who answered in the last second had nothing open at the last instant.
    open_then = {ref for kind, ref, month in found["rq_overdue_open"] if kind == "team" and month == before}
    assert {f"waiting {second}" in open_then for second in (0, 1)} == {True}
    assert "waiting -1" not in open_then
    assert not {ref for _, ref, month in found["rq_overdue_open"] if month == after}
