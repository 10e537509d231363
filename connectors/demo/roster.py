"""Who there is in the made-up organisation.

Here: teams, the head, managers and engineers with their histories, and people who are on no roster.
Not here: the records (``people``), days off (``calendar``).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from random import Random

from connectors.demo.calendar import LAST_QUARTER_FIRST_DAY, History
from connectors.demo.people import (
    PECULIARITIES,
    Account,
    Peculiarity,
    Person,
    Stint,
    Team,
    Temperament,
)
from connectors.demo.vocabulary import FIRST_NAMES, LAST_NAMES, TEAM_NAMES, login_of, numbered

LEADERSHIP = "leadership"
_PLACE_OF_TWENTY = ("DE-BE",) * 12 + ("PT-11",) * 3 + ("US-NY",) * 3 + ("IN-KA",) * 2
_LEVELS = (("engineer", "E2"), ("engineer", "E3"), ("engineer", "E3"), ("senior engineer", "E4"))


def make_teams(*, engineers: int) -> tuple[Team, ...]:
    """One team for about eight engineers, at least one."""
    count = max(1, round(engineers / 8))
    slugs = numbered(TEAM_NAMES, count)
    return tuple(Team(slug=slug, database_id=5_100_001 + 7 * index) for index, slug in enumerate(slugs))


def make_people(
    rnd: Random, *, engineers: int, teams: Sequence[Team], history: History
) -> tuple[tuple[Person, ...], tuple[Person, ...]]:
    """The roster (a head, a manager for each team, the engineers), and three people who are not on it."""
    names = _names(rnd)
    since = history.first_day - timedelta(days=1000)
    seat = Stint(
        team=LEADERSHIP, manager="", role="head of engineering", level="M3", valid_from=since, valid_to=None
    )
    head = _manager(next(names), seat, history)
    managers = [
        _manager(
            next(names),
            replace(seat, team=team.slug, manager=head.person, role="manager", level="M1"),
            history,
        )
        for team in teams
    ]
    manager_of = {team.slug: manager.person for team, manager in zip(teams, managers, strict=True)}
    staff = []
    for index in range(engineers):
        team = teams[index % len(teams)].slug
        role, level = rnd.choice(_LEVELS)
        stint = replace(
            seat,
            team=team,
            manager=manager_of[team],
            role=role,
            level=level,
            valid_from=history.first_day - timedelta(days=rnd.randrange(60, 1800)),
        )
        staff.append(_engineer(rnd, next(names), stint, index, history))
    _hand_out_peculiarities(rnd, staff, manager_of, history)
    outsiders = (
        _outsider(next(names), 1, history, last_day=None),
        _outsider(next(names), 2, history, last_day=None),
        _outsider(next(names), 3, history, last_day=history.first_day + timedelta(days=75)),
    )
    return (head, *managers, *staff), outsiders


def _names(rnd: Random) -> Iterator[str]:
    """Different names: each first name once, then each again with the next last name, and so on."""
    first_names = rnd.sample(FIRST_NAMES, len(FIRST_NAMES))
    last_names = rnd.sample(LAST_NAMES, len(LAST_NAMES))
    for turn in range(len(last_names)):
        for place, first_name in enumerate(first_names):
            yield f"{first_name} {last_names[(place + turn) % len(last_names)]}"


def _manager(name: str, stint: Stint, history: History) -> Person:
    return Person(
        person=_id_of(name),
        name=name,
        place="DE-BE",
        working_days="12345",
        first_hour=9,
        stints=(stint,),
        accounts=(),
        temperament=Temperament(paces=((history.first_day, 8.0),)),
    )


def _engineer(rnd: Random, name: str, stint: Stint, index: int, history: History) -> Person:
    account = Account(login=login_of(name), database_id=90_000_017 + 613 * index)
    return Person(
        person=_id_of(name),
        name=name,
        place=_PLACE_OF_TWENTY[index * 7 % 20],
        working_days="1234" if index % 13 == 6 else "12" if index % 29 == 17 else "12345",
        first_hour=rnd.choice((8, 8, 9, 9, 9, 10)),
        stints=(stint,),
        accounts=((history.first_day, account),),
        temperament=Temperament(
            paces=((history.first_day, rnd.uniform(1.2, 4.5)),),
            remarks_share=rnd.uniform(0.25, 0.65),
            silent_share=rnd.uniform(0.02, 0.09),
        ),
    )


def _id_of(name: str) -> str:
    return login_of(name).replace("-", ".")


def _outsider(name: str, index: int, history: History, *, last_day: date | None) -> Person:
    """A contractor whom nobody claims; with ``last_day``, one whose account was deleted later."""
    is_deleted = last_day is not None
    account = Account(
        login="ghost" if is_deleted else f"{login_of(name)}-ext",
        database_id=89_000_000 + 419 * index,
        is_deleted=is_deleted,
    )
    stint = Stint(
        team="", manager="", role="contractor", level="", valid_from=history.first_day, valid_to=last_day
    )
    return Person(
        person=f"outsider.{index}",
        name=name,
        place="DE-BE",
        working_days="12345",
        first_hour=9,
        stints=(stint,),
        accounts=((history.first_day, account),),
        temperament=Temperament(paces=((history.first_day, 3.0),), popularity=0.35),
    )


def _hand_out_peculiarities(
    rnd: Random, staff: list[Person], manager_of: Mapping[str, str], history: History
) -> None:
    full_time = [index for index, person in enumerate(staff) if person.working_days == "12345"]
    rnd.shuffle(full_time)
    for peculiarity, index in zip(PECULIARITIES, full_time, strict=False):
        person = replace(staff[index], peculiarity=peculiarity)
        staff[index] = replace(
            person,
            stints=_stints(person, manager_of, history),
            accounts=_accounts(person, history),
            temperament=_temperament(peculiarity, person.temperament, history),
        )
    # A growing organisation: besides the one above, every eighteenth engineer came during the history.
    for place, index in enumerate(full_time[len(PECULIARITIES) :: 18]):
        day = history.first_day + (history.end_day - history.first_day) * (place % 5 + 1) / 7
        staff[index] = replace(staff[index], stints=(replace(staff[index].stints[0], valid_from=day),))


def _stints(person: Person, manager_of: Mapping[str, str], history: History) -> tuple[Stint, ...]:
    """What a peculiarity does to a person's rows of the roster."""
    length = history.end_day - history.first_day
    stint = person.stints[0]
    match person.peculiarity:
        case "joins_late":
            return (replace(stint, valid_from=history.first_day + length * 2 / 5),)
        case "leaves":
            return (replace(stint, valid_to=history.first_day + length * 2 / 3),)
        case "new_level":
            role, level = ("staff engineer", "E5") if stint.level == "E4" else ("senior engineer", "E4")
            later = replace(stint, role=role, level=level)
        case "new_team" if len(manager_of) > 1:
            teams = list(manager_of)
            team = teams[(teams.index(stint.team) + 1) % len(teams)]
            later = replace(stint, team=team, manager=manager_of[team])
        case _:
            return person.stints
    day = history.first_day + length / 2
    return replace(stint, valid_to=day), replace(later, valid_from=day)


def _accounts(person: Person, history: History) -> tuple[tuple[date, Account], ...]:
    """One who changes to a second account in the middle of the history keeps both."""
    if person.peculiarity != "second_account":
        return person.accounts
    old = person.accounts[0][1]
    new = Account(login=f"{old.login}-acme", database_id=old.database_id + 400_000_000)
    return *person.accounts, (history.first_day + (history.end_day - history.first_day) / 2, new)


def _temperament(peculiarity: Peculiarity, usual: Temperament, history: History) -> Temperament:
    """What a peculiarity does to how a person reviews."""
    first = history.first_day
    paces: tuple[tuple[date, float], ...]
    match peculiarity:
        case "faster" | "also_faster":
            paces = ((first, 8.5), (LAST_QUARTER_FIRST_DAY, 1.3))
            return replace(usual, paces=paces, silent_share=0.02, popularity=1.2)
        case "slower" | "also_slower":
            paces = ((first, 1.6), (LAST_QUARTER_FIRST_DAY, 9.5))
            return replace(usual, paces=paces, silent_share=0.02, popularity=1.2)
        case "drifts":
            months = [first + timedelta(days=days) for days in range(0, (history.end_day - first).days, 30)]
            paces = tuple((day, 1.5 + 9.0 * place / len(months)) for place, day in enumerate(months))
            return replace(usual, paces=paces, silent_share=0.03)
        case "prompt":
            return replace(usual, paces=((first, 0.5),), silent_share=0.0)
        case "asked_by_everybody":
            return replace(usual, paces=((first, 5.0),), popularity=2.2)
        case _:
            return usual
