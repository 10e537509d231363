"""Who opens which pull request when, in one repository of the made-up organisation.

Here: one stream of pull requests per repository, each with random numbers of its own, so that a page of one
repository never needs another. Texts and labels that a pull request is born with.
Not here: what then happens to a pull request (``lifecycle``).
"""

from collections.abc import Iterator, Sequence
from heapq import heapify, heappop, heappush
from itertools import count
from random import Random

from connectors.demo import vocabulary
from connectors.demo.calendar import NEVER, day_of, instant_of
from connectors.demo.colleagues import Colleagues
from connectors.demo.features import Feature, features_in, story_of
from connectors.demo.life import Fate, Life
from connectors.demo.lifecycle import live
from connectors.demo.notebook import Notebook
from connectors.demo.organization import BOT, Organization
from connectors.demo.people import Account, Person
from connectors.demo.pull_requests import PullRequest
from connectors.demo.services import Repository

FIRST_ID, IDS_A_REPOSITORY = 3_000_000_000, 20_000_000
"""Ids beyond 32 bits, as GitHub's are by now; an id tells the place of its repository."""
LIBRARY_BUMPS_A_WEEK = 0.7
LONG_EVERY = 83
"""Of so many pull requests of a repository one becomes a long discussion and another one gets many labels."""
REVERTED_SHARE = 0.02
_FATES: tuple[Fate, ...] = ("reviewed", "unreviewed", "abandoned", "stale")
_MANY_LABELS = (
    "area:export area:import area:messages customer-report documentation needs-translation"
    " next-release partner-request performance quarter-goal security-reviewed tidy-up"
).split()


def make_pull_requests(organization: Organization, repository: Repository) -> tuple[PullRequest, ...]:
    """Every pull request of a repository, from the first day to the last, in the order of their numbers."""
    rnd = Random(f"repository {organization.seed} {repository.name}")
    colleagues = Colleagues(organization=organization, repository=repository, rnd=rnd)
    people = {person.person: person for person in organization.workers}
    features = features_in(organization.features, repository)
    horizon = instant_of(organization.history.last_day) + 86399
    ids = count(FIRST_ID + IDS_A_REPOSITORY * organization.repositories.index(repository))
    openings: list[tuple[int, int, Person | None, PullRequest | None]] = [
        (at, place, person, None)
        for place, (at, person) in enumerate(_openings(rnd, organization, colleagues))
    ]
    heapify(openings)
    place, number = len(openings), 0
    made: list[PullRequest] = []
    while openings:
        at, _, person, reverted = heappop(openings)
        keeper = person or colleagues.reviewer(at, but_not=set())
        if at > horizon or keeper is None:
            continue
        number += rnd.choice((1, 1, 2, 3))  # issues take numbers of the same row
        book = Notebook(
            ids=ids,
            horizon=horizon,
            repository=repository,
            number=number,
            author=BOT if person is None else person.account_on(day_of(at)),
            created_at=at,
        )
        _name(rnd, book, reverted=reverted, features=features)
        _label(rnd, book, is_crowded=len(made) % LONG_EVERY == LONG_EVERY - 1)
        life = Life(
            rnd=rnd,
            book=book,
            colleagues=colleagues,
            people=people,
            hours=organization.working_hours,
            author=person,
            keeper=keeper,
            is_long=len(made) % LONG_EVERY == LONG_EVERY // 2 and person is not None,
            fate=rnd.choices(_FATES, (895, 40, 45, 20))[0],
        )
        live(life)
        made.append(book.finished())
        if (
            person is not None
            and reverted is None
            and rnd.random() < REVERTED_SHARE
            and book.merged_at < NEVER
        ):
            place += 1
            hours = organization.working_hours[person.person]
            again = hours.after(book.merged_at, rnd.uniform(0.5, 30) * 3600)
            heappush(openings, (again, place, person, made[-1]))
    return tuple(made)


def _openings(
    rnd: Random, organization: Organization, colleagues: Colleagues
) -> Iterator[tuple[int, Person | None]]:
    """The instants at which a person, or the bot (None), opens a pull request here."""
    for person in colleagues.near:
        hours = organization.working_hours[person.person]
        for start in hours.starts:
            chance = colleagues.opening_chance(person, day_of(start))
            if chance > 0 and rnd.random() < chance:
                yield start + rnd.randrange(hours.seconds), person
    first, last = instant_of(organization.history.first_day), instant_of(organization.history.last_day)
    for week in range(first, last, 7 * 86400):
        if rnd.random() < LIBRARY_BUMPS_A_WEEK:
            yield week + 86400 + rnd.randrange(86400), None


def _name(rnd: Random, book: Notebook, *, reverted: PullRequest | None, features: Sequence[Feature]) -> None:
    """Give it the texts and branches that its kind has."""
    if reverted is not None:
        # What the Revert button writes.
        book.title = f'Revert "{reverted.title}"'
        book.body = f"Reverts {book.repository.name_with_owner}#{reverted.number}"
        book.head_branch = f"revert-{reverted.number}-{reverted.head_branch}"
        book.base_branch = reverted.base_branch
        return
    if book.author.type == "Bot":
        library, version = rnd.choice(vocabulary.LIBRARIES), rnd.randrange(1, 30)
        book.title = f"Bump {library} from 2.{version}.0 to 2.{version + 1}.0"
        book.body = f"Updates {library} to its newest version."
        book.head_branch = f"dependabot/pip/{library}-2.{version + 1}.0"
        return
    book.title = vocabulary.title(rnd)
    ticket = f"{book.repository.ticket_key}-{rnd.randrange(1, book.number + 1)}"
    book.body = vocabulary.body(rnd, ticket=ticket)
    book.head_branch = vocabulary.branch_of(_prefix(book.author), book.title)
    if rnd.random() < 0.03:
        day = day_of(book.created_at)
        book.base_branch = f"release/{day.year}.{(day.month + 2) // 3}"
    story = story_of(features, book.repository, book.number, book.created_at)
    if story is not None:
        book.title = f"{story[1]}: {book.title}"


def _prefix(author: Account) -> str:
    return "work" if author.is_deleted else author.login.partition("-")[0]


def _label(rnd: Random, book: Notebook, *, is_crowded: bool) -> None:
    """Labels are set in the first minutes; one in twenty is taken off again a day later."""
    names: list[str] = []
    if book.repository.service_labels and rnd.random() < 0.95:
        both = rnd.random() < 0.06
        names += book.repository.service_labels if both else [rnd.choice(book.repository.service_labels)]
    if book.author.type == "Bot":
        names.append("dependencies")
    elif rnd.random() < 0.18:
        names.append(rnd.choice(("bug", "bug", "feature", "hotfix")))
    if is_crowded:
        names += _MANY_LABELS
    for name in names:
        added_at = book.created_at + rnd.randrange(0, 240)
        removed_at = added_at + 86400 if rnd.random() < 0.05 and ":" not in name else NEVER
        book.labels.append((name, added_at, removed_at))
