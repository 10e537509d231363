"""The made-up organisation: who and what there is, before anything happens in it.

Here: people, teams, repositories, services, features, days off and working hours, from three numbers and a
seed.
Not here: pull requests (``history``), which are made up repository by repository when a page asks for them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from random import Random

from connectors.demo.calendar import (
    DaysOff,
    History,
    WorkingHours,
    absences,
    holidays,
    make_history,
    make_working_hours,
    midnights,
)
from connectors.demo.features import Feature, make_features
from connectors.demo.people import PLACES, Account, Person, Team
from connectors.demo.roster import make_people, make_teams
from connectors.demo.services import Repository, Service, make_services

BOT = Account(login="dependabot", database_id=88_400_003, type="Bot")
MACHINE_ACCOUNT = Account(login="acme-release-bot", database_id=88_400_012)
"""A program with an ordinary user account: only the configuration knows that it is one."""
LONG_ABSENCE = timedelta(weeks=17)


@dataclass(frozen=True, slots=True, kw_only=True)
class Organization:
    """Everything there is. ``people`` are the roster; ``outsiders`` work with them and are on no list."""

    engineers: int
    months: int
    seed: int
    history: History
    teams: tuple[Team, ...]
    people: tuple[Person, ...]
    outsiders: tuple[Person, ...]
    repositories: tuple[Repository, ...]
    services: tuple[Service, ...]
    features: tuple[Feature, ...]
    days_off: tuple[DaysOff, ...]
    working_hours: Mapping[str, WorkingHours]

    @property
    def workers(self) -> tuple[Person, ...]:
        """Everybody with an account of their own, on the roster or not."""
        return tuple(person for person in (*self.people, *self.outsiders) if person.accounts)


def make_organization(*, engineers: int = 40, months: int = 14, seed: int = 7) -> Organization:
    """The made-up organisation of these three numbers: the same numbers, the same organisation."""
    if not 5 <= engineers <= 2000:
        raise ValueError(f"engineers: 5 to 2000 can be made up, asked for {engineers}")
    if not 3 <= months <= 36:
        raise ValueError(f"months: 3 to 36 can be made up, asked for {months}")
    rnd = Random(f"organization {seed}")
    history = make_history(months=months)
    teams = make_teams(engineers=engineers)
    people, outsiders = make_people(rnd, engineers=engineers, teams=teams, history=history)
    repositories, services = make_services(engineers=engineers, teams=teams, history=history)
    days_off = _make_days_off(rnd, people, history)
    return Organization(
        engineers=engineers,
        months=months,
        seed=seed,
        history=history,
        teams=teams,
        people=people,
        outsiders=outsiders,
        repositories=repositories,
        services=services,
        features=make_features(repositories, len(teams), history),
        days_off=days_off,
        working_hours=_make_working_hours((*people, *outsiders), days_off, history),
    )


def _make_days_off(rnd: Random, people: Sequence[Person], history: History) -> tuple[DaysOff, ...]:
    rows = list(holidays(PLACES, history))
    for person in people:
        own = absences(rnd, person.person, history)
        if person.peculiarity == "long_absence":
            first = max(history.first_day, history.end_day - timedelta(days=250))
            last = first + LONG_ABSENCE - timedelta(days=1)
            own = tuple(row for row in own if row.last_day < first or row.first_day > last)
            long = DaysOff(
                applies_to=f"person:{person.person}", first_day=first, last_day=last, kind="absence"
            )
            own = tuple(sorted((*own, long), key=lambda row: row.first_day))
        rows += [row for row in own if person.stint_on(row.first_day) and person.stint_on(row.last_day)]
    return tuple(rows)


def _make_working_hours(
    people: Sequence[Person], days_off: Sequence[DaysOff], history: History
) -> dict[str, WorkingHours]:
    rows_of: dict[str, list[DaysOff]] = {}
    for row in days_off:
        rows_of.setdefault(row.applies_to, []).append(row)
    count = (history.last_day - history.first_day).days + 1
    days = [history.first_day + timedelta(days=offset) for offset in range(count)]
    midnights_of = {place: midnights(zone, history) for place, zone in PLACES.items()}
    hours: dict[str, WorkingHours] = {}
    for restlessness, person in enumerate(people):
        first, last = person.stints[0].valid_from, person.stints[-1].valid_to
        names = ("*", f"place:{person.place}", f"person:{person.person}")
        hours[person.person] = make_working_hours(
            days=[
                (day, midnight)
                for day, midnight in zip(days, midnights_of[person.place], strict=True)
                if first <= day and (last is None or day < last)
            ],
            working_days=person.working_days,
            days_off=[row for name in names for row in rows_of.get(name, ())],
            first_hour=person.first_hour,
            restlessness=restlessness,
        )
    return hours
