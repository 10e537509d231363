"""What the organisation says happened, beside the months concerned: freezes, migrations, reorganisations.

Here: which of them concern a person, team or service, their words, and where a chart marks them.
Not here: any reason for a figure. They stand beside it and change nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import duckdb

from packets.charts import ChartNote
from packets.published import Publication, Row, read
from packets.quarters import Quarter, first_of
from packets.words import day_text, days_text, listed, plain, web_link
from transforms.local_time import next_month

_ALL = """
SELECT kind, title, first_day, last_day, about_kind, about_id, link
FROM core.annotations
ORDER BY first_day, last_day NULLS LAST, about_kind, about_id, title, kind
"""
_TEAMS = """
SELECT team_id AS name, from_at_utc, to_at_utc FROM core.memberships
WHERE person_id = $person_id
ORDER BY ALL
"""
_OWNED = """
SELECT service_id, team_id, valid_from_utc, valid_to_utc FROM core.services
WHERE team_id IS NOT NULL
ORDER BY ALL
"""
_TOUCHED = """
SELECT DISTINCT unnest(service_ids) AS service_id
FROM core.pull_requests
WHERE author_id = $person_id AND merged_at_utc >= $begins AND merged_at_utc < $ends
    AND merged_at_utc <= $as_of
ORDER BY service_id
"""
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotation:
    """One thing that happened. ``letter`` marks it on the charts beside which it stands."""

    letter: str
    kind: str
    title: str
    days: str
    about: str
    link: str | None
    first_day: date
    last_day: date | None

    def overlaps(self, first: date, last: date) -> bool:
        """Some day of it lies within these days."""
        return self.first_day <= last and (self.last_day is None or self.last_day >= first)

    @property
    def told(self) -> str:
        """Kind, title and days in one line."""
        about = f", {self.about}" if self.about else ""
        return f"{self.kind.capitalize()}{about}: {self.title} ({self.days})"


def annotations_of_person(
    connection: duckdb.DuckDBPyConnection, *, person_id: str, quarter: Quarter, published: Publication
) -> tuple[Annotation, ...]:
    """Of the twelve months: the whole organisation's, those of the person's team then, and of services that
    their merged changes touched."""
    begins = published.midnight_utc(first_of(quarter.year[0]))
    asked = {"person_id": person_id, "begins": begins, "ends": quarter.ends_utc(published)}
    touched = read(connection, _TOUCHED, {**asked, "as_of": published.as_of_utc})
    services = {row["service_id"] for row in touched}
    teams = read(connection, _TEAMS, {"person_id": person_id})

    def concerns(row: Row) -> bool:
        if row["about_kind"] == "team":
            return _held(row, [one for one in teams if one["name"] == row["about_id"]], published)
        return row["about_kind"] == "organization" or row["about_id"] in services

    last = min(quarter.last_day, published.local(published.as_of_utc).date())
    return _within([row for row in read(connection, _ALL) if concerns(row)], first_of(quarter.year[0]), last)


def annotations_by_subject(
    connection: duckdb.DuckDBPyConnection,
    subjects: Iterable[tuple[str, str]],
    months: Sequence[str],
    published: Publication,
) -> dict[tuple[str, str], tuple[Annotation, ...]]:
    """Of these months, by kind and name of subject: everybody's, its own, and those of a team's services."""
    rows = read(connection, _ALL)
    owned = read(connection, _OWNED) if rows else []
    first, last = first_of(months[0]), published.local(published.as_of_utc).date()
    found = {}
    for kind, name in subjects:

        def concerns(row: Row, kind: str = kind, name: str = name) -> bool:
            if row["about_kind"] == "service" and kind == "team":
                stretches = [
                    {"from_at_utc": one["valid_from_utc"], "to_at_utc": one["valid_to_utc"]}
                    for one in owned
                    if (one["service_id"], one["team_id"]) == (row["about_id"], name)
                ]
                return _held(row, stretches, published)
            return row["about_kind"] == "organization" or (row["about_kind"], row["about_id"]) == (kind, name)

        found[kind, name] = _within([row for row in rows if concerns(row)], first, last, own=(kind, name))
    return found


def chart_notes(annotations: Sequence[Annotation], months: Sequence[str]) -> tuple[ChartNote, ...]:
    """Those that lie within the months of a chart, as it marks them."""
    return tuple(
        ChartNote(
            letter=one.letter,
            begins=max(_place(one.first_day, months[0]), 0.0),
            ends=float(len(months))
            if one.last_day is None
            else min(_place(one.last_day, months[0], is_end=True), float(len(months))),
            label=one.told,
        )
        for one in _during(annotations, months)
    )


def marked_sentence(annotations: Sequence[Annotation], months: Sequence[str]) -> str:
    """What stands beside a series. Predicate: each named one overlaps a month from the first to the last."""
    within = _during(annotations, months)
    return f"In these months: {listed([_short(one) for one in within], at_most=26)}." if within else ""


def _during(annotations: Sequence[Annotation], months: Sequence[str]) -> list[Annotation]:
    if not months:
        return []
    last = next_month(first_of(months[-1])) - timedelta(days=1)
    return [one for one in annotations if one.overlaps(first_of(months[0]), last)]


def _short(one: Annotation) -> str:
    return f"({one.letter}) {one.title}" if one.letter else one.title


def _within(
    rows: Sequence[Row], first: date, last: date, own: tuple[str, str] | None = None
) -> tuple[Annotation, ...]:
    """Those of these days, lettered in the order in which they began."""
    kept = [
        row
        for row in rows
        if row["first_day"] <= last and (row["last_day"] is None or row["last_day"] >= first)
    ]
    return tuple(_annotation(row, place, own) for place, row in enumerate(kept))


def _annotation(row: Row, place: int, own: tuple[str, str] | None) -> Annotation:
    first, last = row["first_day"], row["last_day"]
    is_own = own == (row["about_kind"], row["about_id"])
    about = "" if is_own or row["about_kind"] == "organization" else f"{row['about_kind']} {row['about_id']}"
    return Annotation(
        letter=_LETTERS[place] if place < len(_LETTERS) else "",
        kind=row["kind"] if row["kind"] != "other" else "event",
        title=plain(row["title"]),
        days=f"since {day_text(first)}" if last is None else days_text(first, last),
        about=plain(about),
        link=web_link(row["link"]),
        first_day=first,
        last_day=last,
    )


def _held(row: Row, stretches: Sequence[Row], published: Publication) -> bool:
    """Some stretch, half-open, has an instant of the annotation's days."""
    begins = published.midnight_utc(row["first_day"])
    for one in stretches:
        start, end = one["from_at_utc"], one["to_at_utc"]
        if end is not None and end <= begins:
            continue
        if row["last_day"] is None or start is None:
            return True
        if published.local(start).date() <= row["last_day"]:
            return True
    return False


def _place(day: date, first_month: str, *, is_end: bool = False) -> float:
    """Where a day lies, in months from the beginning of the first; the end of a day is that of the next."""
    month = first_of(first_month)
    own = day.replace(day=1)
    length = (next_month(own) - own).days
    whole = 12 * (day.year - month.year) + day.month - month.month
    return whole + (day.day - 1 + is_end) / length
