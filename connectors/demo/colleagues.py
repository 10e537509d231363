"""Who belongs to a repository of the made-up organisation, and how near they are to it on a day.

Here: the owning team, guests of other teams, contractors, and the one who is asked by everybody.
Not here: what they do with a pull request (``lifecycle``).
"""

from dataclasses import dataclass, field
from datetime import date
from itertools import accumulate
from random import Random

from connectors.demo.calendar import day_of
from connectors.demo.organization import Organization
from connectors.demo.people import Person, Team
from connectors.demo.services import Repository

OPENED_A_DAY = 0.235
"""Pull requests that an engineer opens on a working day, over all repositories."""
SHARE_ELSEWHERE = 0.15
"""Share of them that goes to the two repositories where an engineer is a guest."""
OPENED_BY_OUTSIDERS = 0.1
"""Pull requests that a contractor opens on a working day in each of two repositories."""


@dataclass(slots=True, kw_only=True)
class Colleagues:
    """The people of one repository. ``near`` are all who ever have to do with it, in roster order."""

    organization: Organization
    repository: Repository
    rnd: Random
    near: tuple[Person, ...] = ()
    guests: frozenset[str] = frozenset()
    _weights: dict[date, tuple[list[Person], list[float]]] = field(default_factory=dict)
    _homes: dict[tuple[str, date], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        workers, repositories = self.organization.workers, self.organization.repositories
        place = repositories.index(self.repository)
        count = len(repositories)
        self.guests = frozenset(
            person.person
            for index, person in enumerate(workers)
            if place in ((index * 7 + 3) % count, (index * 11 + 5) % count)
        )
        owners = {team for _, team in self.repository.owners}
        self.near = tuple(
            person
            for person in workers
            if person.person in self.guests
            or person.peculiarity == "asked_by_everybody"
            or any(stint.team in owners or not stint.team for stint in person.stints)
        )

    def reviewer(self, instant: int, *, but_not: set[str]) -> Person | None:
        """Somebody to ask; people on leave are asked seldom. None if nobody suitable comes to mind."""
        people, weights = self._candidates(day_of(instant))
        for attempt in range(12 if people else 0):
            person = self.rnd.choices(people, cum_weights=weights)[0]
            if person.person in but_not or person.stint_on(day_of(instant)) is None:
                continue
            is_here = self.organization.working_hours[person.person].works_within(instant, days=4)
            if is_here or (attempt == 0 and self.rnd.random() < 0.15):
                return person
        return None

    def owner(self, instant: int) -> Team:
        slug = self.repository.owner_on(day_of(instant))
        return next(team for team in self.organization.teams if team.slug == slug)

    def opening_chance(self, person: Person, day: date) -> float:
        """How likely a person opens a pull request here on a working day."""
        stint = person.stint_on(day)
        if stint is None:
            return 0.0
        if not stint.team:
            return OPENED_BY_OUTSIDERS if person.person in self.guests else 0.0
        if stint.team == self.repository.owner_on(day):
            return OPENED_A_DAY * (1 - SHARE_ELSEWHERE) / self._home_count(stint.team, day)
        return OPENED_A_DAY * SHARE_ELSEWHERE / 2 if person.person in self.guests else 0.0

    def _home_count(self, team: str, day: date) -> int:
        """How many repositories a team looks after; owners change on the first of a month only."""
        month = day.replace(day=1)
        if (team, month) not in self._homes:
            owners = [repository.owner_on(day) for repository in self.organization.repositories]
            self._homes[team, month] = owners.count(team)
        return self._homes[team, month]

    def _candidates(self, day: date) -> tuple[list[Person], list[float]]:
        month = day.replace(day=1)
        if month not in self._weights:
            owner = self.repository.owner_on(day)
            people = list(self.near)
            weights = [
                self._nearness(person, owner, day) * person.temperament.popularity for person in people
            ]
            self._weights[month] = people, list(accumulate(weights))
        return self._weights[month]

    def _nearness(self, person: Person, owner: str, day: date) -> float:
        stint = person.stint_on(day) or person.stints[0]
        # In a large organisation even the best known cannot be asked by all: about four teams' worth of work.
        reach = min(1.0, 4 / max(1, len(self.organization.teams) - 1))
        if stint.team == owner:
            return 1.0
        if person.peculiarity == "asked_by_everybody":
            return 0.25 * reach
        return 0.15 if stint.team else 0.8 * reach
