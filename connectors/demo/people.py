"""People of the made-up organisation: their accounts, their place in it over time, and how each reviews.

Here: the records.
Not here: who there is (``roster``), days off (``calendar``), what people do (``lifecycle``).
"""

from dataclasses import dataclass
from datetime import date
from typing import Literal, get_args

PLACES = {
    "DE-BE": "Europe/Berlin",
    "PT-11": "Europe/Lisbon",
    "US-NY": "America/New_York",
    "IN-KA": "Asia/Kolkata",
}
Peculiarity = Literal[
    "asked_by_everybody",
    "faster",
    "slower",
    "prompt",
    "second_account",
    "new_level",
    "long_absence",
    "also_slower",
    "joins_late",
    "new_team",
    "leaves",
    "also_faster",
    "drifts",
]
PECULIARITIES: tuple[Peculiarity, ...] = get_args(Peculiarity)
"""Each belongs to one engineer; an organisation too small for all of them has the first ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """A team, which is also a GitHub team of the same slug."""

    slug: str
    database_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A GitHub account. A deleted one is null on every page."""

    login: str
    database_id: int
    type: Literal["User", "Bot"] = "User"
    is_deleted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Stint:
    """A person's place in the organisation from ``valid_from`` until before ``valid_to``."""

    team: str
    manager: str
    role: str
    level: str
    valid_from: date
    valid_to: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Temperament:
    """How a person reviews. ``paces`` are the usual hours at work before an answer, each from a day on."""

    paces: tuple[tuple[date, float], ...]
    popularity: float = 1.0
    remarks_share: float = 0.4
    silent_share: float = 0.05

    def pace_hours(self, day: date) -> float:
        return next(hours for first_day, hours in reversed(self.paces) if first_day <= day)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A person with their accounts, oldest first, each used from a day on; managers have none."""

    person: str
    name: str
    place: str
    working_days: str
    first_hour: int
    stints: tuple[Stint, ...]
    accounts: tuple[tuple[date, Account], ...]
    temperament: Temperament
    peculiarity: Peculiarity | None = None

    @property
    def time_zone(self) -> str:
        return PLACES[self.place]

    @property
    def email(self) -> str:
        return f"{self.person}@acme.example"

    def stint_on(self, day: date) -> Stint | None:
        for stint in self.stints:
            if stint.valid_from <= day and (stint.valid_to is None or day < stint.valid_to):
                return stint
        return None

    def account_on(self, day: date) -> Account:
        return next(account for first_day, account in reversed(self.accounts) if first_day <= day)
