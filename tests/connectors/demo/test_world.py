"""The default made-up organisation has everything that a demonstration should show."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import mean
from zoneinfo import ZoneInfo

import pytest

import connectors.demo
from connectors.demo import FIRST_NIGHT_UTC, HISTORY_END, make_organization
from connectors.demo.history import make_pull_requests
from connectors.demo.organization import BOT, MACHINE_ACCOUNT
from connectors.demo.people import PECULIARITIES, Account, Person, Team
from connectors.demo.pull_requests import PullRequest
from connectors.github.transport import Json
from tests.connectors.demo.reading import World

LAST_QUARTER_UTC = datetime(2026, 3, 31, 22, tzinfo=UTC)  # 1 April in Berlin


def _requests(world: World) -> list[tuple[PullRequest, Person, datetime]]:
    """Every request to a person of the roster up to the history's end, repeated ones included."""
    people = {
        account.database_id: person for person in world.organization.people for _, account in person.accounts
    }
    return [
        (pull_request, people[event.asked.database_id], event.created_at_utc)
        for pull_request, event in world.events
        if event.type == "ReviewRequestedEvent"
        and isinstance(event.asked, Account)
        and event.asked.database_id in people
        and event.created_at_utc < HISTORY_END
    ]


# ------------------------------------------------------------------------------------------ people


def test_forty_engineers_in_five_teams_with_eight_services(world: World) -> None:
    organization = world.organization
    assert len([person for person in organization.people if person.accounts]) == 40
    assert len(organization.teams) == 5
    assert len({service.service for service in organization.services}) == 8
    assert organization.history.first_day == date(2025, 5, 1)
    assert {person.time_zone for person in organization.people} == {
        "Europe/Berlin",
        "Europe/Lisbon",
        "America/New_York",
        "Asia/Kolkata",
    }
    zones = Counter(person.time_zone for person in organization.people)
    assert zones["Europe/Berlin"] > len(organization.people) / 2
    assert {person.working_days for person in organization.people} == {"12345", "1234", "12"}


def test_every_peculiarity_belongs_to_one_engineer(world: World) -> None:
    found = Counter(person.peculiarity for person in world.organization.people if person.peculiarity)
    assert found == Counter(PECULIARITIES)


def test_people_come_go_and_change(world: World) -> None:
    first, end = world.organization.history.first_day, HISTORY_END.date()
    late = [one for one in world.organization.people if one.stints[0].valid_from > first]
    assert len(late) >= 2
    assert first < (world.the("leaves").stints[-1].valid_to or end) < end
    before, after = world.the("new_team").stints
    assert before.team != after.team
    assert before.manager != after.manager
    before, after = world.the("new_level").stints
    assert (before.team, before.manager) == (after.team, after.manager)
    assert before.level != after.level


def test_one_long_absence_and_short_ones_for_everybody(world: World) -> None:
    days = {
        row.applies_to: max(
            (other.last_day - other.first_day).days + 1
            for other in world.organization.days_off
            if other.applies_to == row.applies_to
        )
        for row in world.organization.days_off
        if row.kind == "absence"
    }
    long = f"person:{world.the('long_absence').person}"
    assert days.pop(long) > 92
    assert set(days.values()) <= {7, 14, 21}
    assert len(days) >= len(world.organization.people) - 2


def test_one_engineer_uses_two_accounts(world: World) -> None:
    both = {account for _, account in world.the("second_account").accounts}
    assert len(both) == 2
    assert both == {review.author for _, review in world.reviews} & both
    assert both == {one.author for one in world.pull_requests} & both


def test_nobody_does_anything_before_joining_or_after_leaving(world: World) -> None:
    for pull_request, review in world.reviews:
        person = world.person_of(review.author)
        assert person is None or person.stint_on(review.submitted_at_utc.date()), pull_request
    for pull_request, person, at in _requests(world):
        assert person.stint_on(at.date()), pull_request


def test_machines_contractors_and_a_deleted_account(world: World, seen: dict[str, Json]) -> None:
    accounts = {
        (node["author"] or {}).get("login"): node["author"]
        for one in seen.values()
        for node in (one, *one["reviews"])
    }
    assert accounts["dependabot"]["__typename"] == "Bot"
    assert accounts["acme-release-bot"]["__typename"] == "User"
    contractors = [
        account.login
        for person in world.organization.outsiders
        for _, account in person.accounts
        if not account.is_deleted
    ]
    assert len(contractors) == 2
    for login in contractors:
        assert any((one["author"] or {}).get("login") == login for one in seen.values())
        assert any(
            (review["author"] or {}).get("login") == login
            for one in seen.values()
            for review in one["reviews"]
        )
    assert any(one["author"] is None for one in seen.values())
    assert any(review["author"] is None for one in seen.values() for review in one["reviews"])
    assert any(
        event["requestedReviewer"] is None
        for one in seen.values()
        for event in one["timelineItems"]
        if event["__typename"] == "ReviewRequestedEvent"
    )
    assert '"ghost"' not in str(seen).replace("'", '"')


def test_the_machine_account_reviews_within_seconds(world: World) -> None:
    waits = [
        review.submitted_at_utc - pull_request.created_at_utc
        for pull_request, review in world.reviews
        if review.author == MACHINE_ACCOUNT
    ]
    assert len(waits) > 100
    assert max(waits) < timedelta(minutes=1)


def test_the_bot_only_opens_pull_requests(world: World) -> None:
    assert any(one.author == BOT for one in world.pull_requests)
    assert all(review.author != BOT for _, review in world.reviews)


# ----------------------------------------------------------------------------------- pull requests


def test_drafts_become_ready_and_some_go_back(seen: dict[str, Json]) -> None:
    kinds = [[event["__typename"] for event in one["timelineItems"]] for one in seen.values()]
    assert sum("ReadyForReviewEvent" in row for row in kinds) > 100
    assert any("ConvertToDraftEvent" in row for row in kinds)
    assert any(one["isDraft"] for one in seen.values())


def test_requests_go_to_people_and_teams_and_machines_and_are_taken_back(world: World) -> None:
    asked = [event.asked for _, event in world.events if event.type == "ReviewRequestedEvent"]
    assert any(isinstance(one, Team) for one in asked)
    assert MACHINE_ACCOUNT in asked
    assert any(event.type == "ReviewRequestRemovedEvent" for _, event in world.events)


def test_requests_are_repeated_and_made_again_after_an_answer(world: World) -> None:
    repeated = again = 0
    for pull_request in world.pull_requests:
        answers = [(review.author, review.submitted_at_utc) for review in pull_request.reviews]
        last: dict[Account, datetime] = {}
        for event in pull_request.timeline:
            if event.type != "ReviewRequestedEvent" or not isinstance(event.asked, Account):
                continue
            if event.asked in last:
                answered = any(
                    author == event.asked and last[event.asked] <= at < event.created_at_utc
                    for author, at in answers
                )
                again, repeated = again + answered, repeated + (not answered)
            last[event.asked] = event.created_at_utc
    assert repeated > 50
    assert again > 500


def test_every_kind_of_review_exists(seen: dict[str, Json]) -> None:
    states = Counter(review["state"] for one in seen.values() for review in one["reviews"])
    assert set(states) == {"APPROVED", "CHANGES_REQUESTED", "COMMENTED", "DISMISSED"}


def test_every_fate_exists(seen: dict[str, Json]) -> None:
    states = Counter(one["state"] for one in seen.values())
    assert states["MERGED"] > states["CLOSED"] > 10
    assert states["OPEN"] > 10
    kinds = Counter(
        tuple(
            event["__typename"]
            for event in one["timelineItems"]
            if event["__typename"] in ("ClosedEvent", "ReopenedEvent")
        )
        for one in seen.values()
    )
    assert kinds["ClosedEvent", "ReopenedEvent", "ClosedEvent"] >= 3
    bases = Counter(one["baseRefName"].partition("/")[0] for one in seen.values())
    assert set(bases) == {"main", "release"}
    assert bases["main"] > 20 * bases["release"]


def test_some_are_merged_without_a_review_and_some_reviewed_after_the_merge(world: World) -> None:
    merged = [one for one in world.pull_requests if one.merged_at_utc is not None]
    without = [
        one
        for one in merged
        if not [review for review in one.reviews if review.author not in (one.author, MACHINE_ACCOUNT)]
    ]
    late = [
        one
        for one in merged
        if any(one.merged_at_utc and review.submitted_at_utc > one.merged_at_utc for review in one.reviews)
    ]
    assert 0.01 < len(without) / len(merged) < 0.10
    assert 0.005 < len(late) / len(merged) < 0.20


def test_few_are_merged_while_somebody_waits_for_changes(world: World) -> None:
    merged = against = 0
    for one in world.pull_requests:
        if one.merged_at_utc is None:
            continue
        last: dict[Account, str] = {}
        for review in one.reviews:
            if review.state != "COMMENTED" and review.submitted_at_utc <= one.merged_at_utc:
                last[review.author] = review.state
        merged, against = merged + 1, against + ("CHANGES_REQUESTED" in last.values())
    assert 0 < against / merged < 0.04


def test_some_requests_are_never_answered(world: World) -> None:
    unanswered = [
        person
        for pull_request, person, at in _requests(world)
        if not any(
            review.submitted_at_utc >= at and world_account == review.author
            for review in pull_request.reviews
            for _, world_account in person.accounts
        )
    ]
    assert len(unanswered) > 200


def test_reverts_look_as_the_button_writes_them(world: World) -> None:
    by_ref = {f"{one.repository.name_with_owner}#{one.number}": one for one in world.pull_requests}
    reverts = [one for one in world.pull_requests if one.title.startswith('Revert "')]
    assert len(reverts) > 10
    for revert in reverts:
        reverted = by_ref[revert.body.removeprefix("Reverts ")]
        assert revert.title == f'Revert "{reverted.title}"'
        assert revert.head_branch == f"revert-{reverted.number}-{reverted.head_branch}"
        assert reverted.merged_at_utc is not None
        assert revert.created_at_utc > reverted.merged_at_utc


def test_threads_end_in_all_ways(world: World) -> None:
    now = FIRST_NIGHT_UTC
    threads = [(one, thread) for one in world.pull_requests for thread in one.threads]
    assert any(thread.outdated_at_utc and not thread.resolved_at_utc for _, thread in threads)
    assert any(thread.resolved_at_utc and not thread.outdated_at_utc for _, thread in threads)
    assert any(len(thread.comments) == 1 for _, thread in threads)
    bodies = {comment.body for _, thread in threads for comment in thread.comments}
    assert any(body.startswith("nit") for body in bodies)
    assert any(body.startswith("question:") for body in bodies)
    assert any("```suggestion" in body for body in bodies)
    replies = [
        comment.body
        for one, thread in threads
        for comment in thread.comments[1:]
        if comment.author == one.author and comment.seen_from_utc <= now
    ]
    assert any("#" in body for body in replies)
    assert any("PAY-" in body for body in replies)


def test_a_reply_makes_an_empty_review_of_its_author(world: World) -> None:
    written_before = 0
    for one in world.pull_requests:
        reviews = {(review.author, review.submitted_at_utc): review for review in one.reviews}
        for thread in one.threads:
            for comment in thread.comments:
                assert (comment.author, comment.seen_from_utc) in reviews
                assert comment.created_at_utc <= comment.seen_from_utc
                written_before += comment.created_at_utc < comment.seen_from_utc
            for reply in thread.comments[1:]:
                review = reviews[reply.author, reply.seen_from_utc]
                assert (review.state, review.body) == ("COMMENTED", "") or review.author != one.author
    assert written_before > 1000  # remarks are written minutes before their review is sent


def test_two_services_share_a_repository_by_label(world: World) -> None:
    labels = Counter(
        tuple(sorted(label.name for label in one.labels if label.name.startswith("service:")))
        for one in world.pull_requests
        if one.repository.name == "payments"
    )
    assert set(labels) == {
        ("service:checkout",),
        ("service:invoices",),
        ("service:checkout", "service:invoices"),
        (),
    }


# ---------------------------------------------------------------------------------------- measures


def test_requests_for_an_engineer_and_month(world: World) -> None:
    requests = _requests(world)
    assert 12 <= len(requests) / 40 / 14 <= 16
    counts = Counter(person.person for _, person, _ in requests)
    asked_most, count = counts.most_common(1)[0]
    assert asked_most == world.the("asked_by_everybody").person
    assert count > 2 * mean(counts.values())
    teams = {
        one.repository.owner_on(at.date()) for one, person, at in requests if person.person == asked_most
    }
    assert len(teams) == 5


def test_things_happen_in_the_persons_own_daytime(world: World) -> None:
    """Off days are none at all; the hours are nine from a start of their own, and some seconds after."""
    off = {
        (row.applies_to, row.first_day + timedelta(days=offset))
        for row in world.organization.days_off
        for offset in range((row.last_day - row.first_day).days + 1)
    }
    outside = total = 0
    for _, review in world.reviews:
        person = world.person_of(review.author)
        if person is None:
            continue
        total += 1
        local = review.submitted_at_utc.astimezone(ZoneInfo(person.time_zone))
        day = local.date()
        assert str(day.isoweekday()) in person.working_days
        names = ("*", f"place:{person.place}", f"person:{person.person}")
        assert not any((name, day) in off for name in names)
        outside += not 8 <= local.hour < 20
    assert outside / total < 0.001


def _share_within_a_day(world: World, person: Person, *, last_quarter: bool) -> tuple[int, int]:
    """Requests that the person answered by the same hour of the next working day, of those that could be."""
    hours = world.organization.working_hours[person.person]
    answered = total = 0
    for pull_request, asked, at in _requests(world):
        if asked != person or (at >= LAST_QUARTER_UTC) != last_quarter:
            continue
        due = hours.after(int(at.timestamp()), hours.seconds)
        ends = [
            event.created_at_utc.timestamp()
            for event in pull_request.timeline
            if event.type == "ClosedEvent" and event.created_at_utc > at
        ]
        times = [
            review.submitted_at_utc.timestamp()
            for review in pull_request.reviews
            if review.submitted_at_utc >= at and world.person_of(review.author) == person
        ]
        if any(time <= due for time in times):
            answered, total = answered + 1, total + 1
        elif not ends or min(ends) > due:
            total += 1
    return answered, total


@pytest.mark.parametrize(
    ("peculiarity", "change"),
    [("faster", 1), ("also_faster", 1), ("slower", -1), ("also_slower", -1)],
)
def test_four_engineers_change_clearly_in_the_last_quarter(
    world: World, peculiarity: str, change: int
) -> None:
    person = world.the(peculiarity)
    now, of_now = _share_within_a_day(world, person, last_quarter=True)
    before, of_before = _share_within_a_day(world, person, last_quarter=False)
    assert of_now >= 20
    assert of_before >= 60
    assert change * (now / of_now - before / of_before) > 0.25


def test_one_answers_within_hours(world: World) -> None:
    answered, total = _share_within_a_day(world, world.the("prompt"), last_quarter=False)
    assert answered / total > 0.95


def test_later_nights_have_new_things_to_show(world: World) -> None:
    last = max(one.created_at_utc for one in world.pull_requests)
    assert HISTORY_END + timedelta(days=115) < last < HISTORY_END + timedelta(days=121)


# ------------------------------------------------------------------------------------------- scale


@pytest.mark.parametrize(
    ("engineers", "months", "teams", "services"),
    [(5, 3, 1, 2), (5, 36, 1, 2), (300, 14, 38, 60), (2000, 3, 250, 400)],
)
def test_other_sizes(engineers: int, months: int, teams: int, services: int) -> None:
    organization = make_organization(engineers=engineers, months=months)
    assert len(organization.teams) == teams
    assert len({service.service for service in organization.services}) == services
    assert len([person for person in organization.people if person.accounts]) == engineers
    assert len({person.person for person in organization.people}) == engineers + teams + 1
    accounts = [account for person in organization.workers for _, account in person.accounts]
    assert len({account.database_id for account in accounts}) == len(accounts)
    assert len({account.login for account in accounts}) == len(accounts)
    for repository in (organization.repositories[0], organization.repositories[-1]):
        made = make_pull_requests(organization, repository)
        assert len(made) > 5 * months
        assert all(one.created_at_utc.date() >= organization.history.first_day for one in made)
    owners = {repository.owner_on(HISTORY_END.date()) for repository in organization.repositories}
    assert owners == {team.slug for team in organization.teams}


@pytest.mark.parametrize("engineers", [5, 12])
def test_small_organisations_are_as_busy(engineers: int) -> None:
    organization = make_organization(engineers=engineers)
    made = [make_pull_requests(organization, repository) for repository in organization.repositories]
    small = World(organization=organization, pull_requests=tuple(one for row in made for one in row))
    assert 8 <= len(_requests(small)) / engineers / 14 <= 20


@pytest.mark.parametrize(
    ("engineers", "months", "named"), [(4, 14, "engineers"), (2001, 14, "engineers"), (40, 2, "months")]
)
def test_sizes_that_cannot_be_made_up_are_refused(engineers: int, months: int, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        make_organization(engineers=engineers, months=months)


def test_no_shallow_word_is_in_the_code() -> None:
    words = [
        *(
            "addition" + "s",
            "deletion" + "s",
            "changed" + " file",
            "lines" + " of code",
            "sco" + "re",
            "ra" + "nk",
        ),
        *("commit" + " count", "ticket" + " count", "commit" + "_count"),
    ]
    folder = Path(connectors.demo.__file__).parent
    for file in sorted(folder.glob("*.py")):
        text = file.read_text("utf-8").lower()
        assert [word for word in words if word in text] == [], file.name
