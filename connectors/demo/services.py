"""Repositories and services of the made-up organisation, and which team looks after each when.

Here: the records and how they are made up.
Not here: pull requests (``history``).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from connectors.demo.calendar import History
from connectors.demo.people import Team
from connectors.demo.vocabulary import SERVICE_NAMES, numbered

LOGIN = "acme"
DEFAULT_BRANCH = "main"
WEB_ADDRESS = "https://github.example"
"""No link of the made-up organisation leads to a real place (RFC 2606)."""
SHARED_REPOSITORY = "payments"
DIFFERENT_KEYS = 9
"""So many repositories differ in the first three letters of their names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """A repository and the teams that looked after it, each from a day on."""

    name: str
    database_id: int
    ticket_key: str
    owners: tuple[tuple[date, str], ...]
    service_labels: tuple[str, ...]

    @property
    def name_with_owner(self) -> str:
        return f"{LOGIN}/{self.name}"

    @property
    def url(self) -> str:
        return f"{WEB_ADDRESS}/{self.name_with_owner}"

    def owner_on(self, day: date) -> str:
        return next((team for first, team in reversed(self.owners) if first <= day), self.owners[0][1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A row of the service file: a service in a team's hands for a time."""

    service: str
    tier: int
    team: str
    repository: str
    label: str
    valid_from: date
    valid_to: date | None


def make_services(
    *, engineers: int, teams: Sequence[Team], history: History
) -> tuple[tuple[Repository, ...], tuple[Service, ...]]:
    """One service for about five engineers, each in a repository of its own but the first two, which share.

    One more repository (``tooling``) has no service at all.
    """
    start = history.first_day - timedelta(days=365)
    names = numbered(SERVICE_NAMES, max(2, round(engineers / 5)))
    labels = tuple(f"service:{name}" for name in names[:2])
    repositories = [_repository(0, SHARED_REPOSITORY, ((start, teams[0].slug),), labels)]
    services = [
        Service(
            service=name,
            tier=1 + place,
            team=teams[0].slug,
            repository=repositories[0].name_with_owner,
            label=label,
            valid_from=start,
            valid_to=None,
        )
        for place, (name, label) in enumerate(zip(names[:2], labels, strict=True))
    ]
    for index, name in enumerate(names[2:], start=1):
        is_last = index == len(names) - 2
        owners = _owners(index, teams, start, history, is_handed_over=is_last)
        repository = _repository(index, name, owners, ())
        repositories.append(repository)
        ends = [first for first, _ in owners[1:]]
        services += [
            Service(
                service=name,
                tier=1 + index % 4,
                team=team,
                repository=repository.name_with_owner,
                label="",
                valid_from=first,
                valid_to=end,
            )
            for (first, team), end in zip(owners, [*ends, None], strict=True)
        ]
    last = len(repositories)
    repositories.append(_repository(last, "tooling", ((start, teams[-1].slug),), ()))
    return tuple(repositories), tuple(services)


def _owners(
    index: int, teams: Sequence[Team], start: date, history: History, *, is_handed_over: bool
) -> tuple[tuple[date, str], ...]:
    """The owning team, and the next team from the first of a month in mid-history if handed over."""
    team = teams[index % len(teams)].slug
    if not is_handed_over or len(teams) < 2:
        return ((start, team),)
    middle = history.first_day + (history.end_day - history.first_day) * 3 / 5
    return ((start, team), (middle.replace(day=1), teams[(index + 1) % len(teams)].slug))


def _repository(
    index: int, name: str, owners: tuple[tuple[date, str], ...], labels: tuple[str, ...]
) -> Repository:
    letters = "".join(letter for letter in name.upper() if letter.isalpha())[:3]
    return Repository(
        name=name,
        database_id=700_400_001 + 37 * index,
        ticket_key=letters if index < DIFFERENT_KEYS else f"{letters}{index}",
        owners=owners,
        service_labels=labels,
    )
