"""Who a packet is about: the person as the roster knew them in the quarter, and when they were away.

Here: finding the person, their place in the organisation and its changes, absence as dates.
Not here: any measure; any other person than the subject and the name of their manager.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise

import duckdb

from packets.errors import PacketError, nearest
from packets.published import Publication, Row, read
from packets.quarters import Quarter
from packets.words import day_text, days_text, plain, weekdays_text

_SHOWN_CHANGES: tuple[tuple[str, Callable[[Row], str]], ...] = (
    ("team", lambda row: row["team_id"] or "none"),
    ("manager", lambda row: row["manager_name"] or "none"),
    ("role", lambda row: row["role"] or "none"),
    ("level", lambda row: row["level"] or "none"),
    ("time zone", lambda row: row["tz"] or "none"),
    ("working days", lambda row: weekdays_text(row["working_days"] or [])),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """The subject, as of the end of the quarter or the as-of, whichever is earlier."""

    person_id: str
    name: str
    team: str
    role: str
    level: str
    manager: str
    time_zone: str
    working_days: str
    role_since: str
    changes: tuple[str, ...]
    presence: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Absence:
    """Dates only, never a reason."""

    working_days_away: int
    away: tuple[str, ...]
    away_dates: tuple[date, ...]
    holidays: int


def find_person(connection: duckdb.DuckDBPyConnection, text: str) -> Row:
    """The rostered person with that id, e-mail or login; else an error that names the nearest."""
    known: dict[str, Row] = {}
    people = read(
        connection,
        """SELECT person_id, name, email, is_bot FROM core.people WHERE is_rostered ORDER BY person_id""",
    )
    by_id = {row["person_id"]: row for row in people}
    logins = read(
        connection,
        """SELECT login, person_id FROM core.accounts WHERE is_claimed ORDER BY login, account_id""",
    )
    for row in logins:
        if row["login"] and row["person_id"] in by_id:
            known[row["login"].casefold()] = by_id[row["person_id"]]
    known |= {row["email"].casefold(): row for row in people if row["email"]}
    known |= {row["person_id"].casefold(): row for row in people}
    found = known.get(text.strip().casefold())
    if found and not found["is_bot"]:
        return found
    close = _close(text, known, people)
    raise PacketError(
        wanted=f"the rostered person {plain(text)!r}, by roster id, e-mail or login",
        found="an account that is marked as a bot"
        if found
        else f"nobody; the roster has {len(people)} people",
        what_to_do=f"Did you mean {' or '.join(close)}?" if close else "See people.csv for the ids.",
    )


def _close(text: str, known: dict[str, Row], people: Sequence[Row]) -> list[str]:
    """The nearest people by id, e-mail, login or name, each once, as name and id."""
    named = known | {row["name"]: row for row in people if row["name"]}
    found = {named[name]["person_id"]: named[name] for name in nearest(text, named)}
    return [f"{person_id} ({plain(row['name'])})" for person_id, row in found.items()]


def person_in(
    connection: duckdb.DuckDBPyConnection, found: Row, quarter: Quarter, published: Publication
) -> tuple[Person, list[Row]]:
    """The person in the quarter, with the roster rows that overlap it."""
    begins, ends = quarter.begins_utc(published), quarter.ends_utc(published)
    history = read(
        connection,
        """SELECT r.valid_from_utc, r.valid_to_utc, r.team_id, r.role, r.level, r.tz, r.working_days,
                  m.name AS manager_name
           FROM core.roster AS r LEFT JOIN core.people AS m ON m.person_id = r.manager_id
           WHERE r.person_id = $person_id
           ORDER BY r.valid_from_utc NULLS FIRST, r.team_id, r.role""",
        {"person_id": found["person_id"]},
    )
    rows = [
        row
        for row in history
        if (row["valid_from_utc"] is None or row["valid_from_utc"] < ends)
        and (row["valid_to_utc"] is None or row["valid_to_utc"] > begins)
    ]
    if not rows:
        raise PacketError(
            wanted=f"a packet for {found['person_id']} in {quarter.name}",
            found=f"they are in the roster {_stretches(history, published)}, not in this quarter",
            what_to_do="Ask for a quarter in which they were in the roster.",
        )
    started = [row for row in rows if (row["valid_from_utc"] or begins) <= published.as_of_utc] or rows[:1]
    now = started[-1]
    person = Person(
        person_id=found["person_id"],
        name=plain(found["name"]) or found["person_id"],
        team=now["team_id"] or "",
        role=now["role"] or "",
        level=now["level"] or "",
        manager=now["manager_name"] or "",
        time_zone=now["tz"] or "",
        working_days=weekdays_text(now["working_days"] or []),
        role_since=_role_since(history, now, published),
        changes=tuple(_changes(history, begins, min(ends, published.as_of_utc), published)),
        presence=_presence(history, quarter, published),
    )
    return person, rows


def _stretches(history: list[Row], published: Publication) -> str:
    if not history:
        return "without any dates"
    first, last = history[0]["valid_from_utc"], history[-1]["valid_to_utc"]
    told = f"from {day_text(published.local(first).date())}" if first else "from the beginning"
    return told + (f" until before {day_text(published.local(last).date())}" if last else "")


def _role_since(history: list[Row], now: Row, published: Publication) -> str:
    """Since when role and level have been what they are; roster rows are walked back from the newest."""
    since = now
    for row in reversed(history[: history.index(now)]):
        if (row["role"], row["level"]) != (now["role"], now["level"]):
            break
        since = row
    began = since["valid_from_utc"]
    return f"since {day_text(published.local(began).date())}" if began else "since before the roster begins"


def _changes(history: list[Row], begins: datetime, as_of: datetime, published: Publication) -> list[str]:
    """What changed at the start of a roster row inside the quarter, against the row that ended there."""
    told = []
    for before, row in pairwise(history):
        began = row["valid_from_utc"]
        if began is None or before["valid_to_utc"] != began or not begins < began <= as_of:
            continue
        changed = [
            f"{label} from {plain(say(before))} to {plain(say(row))}"
            for label, say in _SHOWN_CHANGES
            if say(before) != say(row)
        ]
        if changed:
            told.append(f"{day_text(published.local(began).date())}: {'; '.join(changed)}.")
    return told


def _presence(history: list[Row], quarter: Quarter, published: Publication) -> str | None:
    """Said only if the person joined or left inside the quarter."""
    began, ended = history[0]["valid_from_utc"], history[-1]["valid_to_utc"]
    told = []
    if began and began > quarter.begins_utc(published):
        told.append(f"Joined on {day_text(published.local(began).date())}, inside this quarter.")
    if ended and ended < quarter.ends_utc(published):
        last = published.local(ended).date() - timedelta(days=1)
        told.append(f"Last day in the roster: {day_text(last)}.")
    return " ".join(told) or None


def absence_in(
    connection: duckdb.DuckDBPyConnection,
    person_id: str,
    rows: list[Row],
    quarter: Quarter,
    published: Publication,
) -> Absence:
    """Working days away and public holidays of the quarter, up to the as-of."""
    calendar = read(
        connection,
        """SELECT DISTINCT date, kind FROM core.calendar
           WHERE person_id IN ($person_id, '*') AND date BETWEEN $first_day AND $last_day
           ORDER BY date, kind""",
        {"person_id": person_id, "first_day": quarter.first_day, "last_day": quarter.last_day},
    )
    holidays = {row["date"] for row in calendar if row["kind"] == "holiday"}
    absent = {row["date"] for row in calendar if row["kind"] == "absence"}
    days = [
        quarter.first_day + timedelta(days=n) for n in range((quarter.last_day - quarter.first_day).days + 1)
    ]
    working = [day for day in days if _works(rows, day, published)]
    return Absence(
        working_days_away=sum(day in absent and day not in holidays for day in working),
        away=tuple(
            days_text(*ends)
            for ends in _ranges(sorted(absent), lambda day: day in working and day not in holidays)
        ),
        away_dates=tuple(sorted(absent)),
        holidays=sum(day in holidays for day in working),
    )


def _works(rows: list[Row], day: date, published: Publication) -> bool:
    noon = published.midnight_utc(day) + timedelta(hours=12)
    return any(
        (row["valid_from_utc"] is None or row["valid_from_utc"] <= noon)
        and (row["valid_to_utc"] is None or noon < row["valid_to_utc"])
        and day.isoweekday() in (row["working_days"] or [])
        for row in rows
    )


def _ranges(days: list[date], is_gap: Callable[[date], bool]) -> list[tuple[date, date]]:
    """Days joined into ranges; weekends and holidays between two of them do not part a range."""
    ranges: list[tuple[date, date]] = []
    for day in days:
        between = (
            [ranges[-1][1] + timedelta(days=n) for n in range(1, (day - ranges[-1][1]).days)]
            if ranges
            else []
        )
        if ranges and not any(is_gap(other) for other in between):
            ranges[-1] = (ranges[-1][0], day)
        else:
            ranges.append((day, day))
    return ranges
