"""Small worlds for tests: rows of the conformed tables in, core, facts and periods out, by the real SQL.

Here: putting rows together by hand, and the way from them to each step's tables.
Not here: landing files (``test_core``) or what is expected.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import duckdb
import polars as pl

from metrics_catalog.catalogue import Metric, load_catalogue
from transforms.core.build import CoreSettings, build_core
from transforms.facts import build_facts
from transforms.local_time import first_instant
from transforms.periods.build import build_periods
from transforms.queries import column_names, create
from warehouse.connection import connect

Row = dict[str, Any]
Tables = Mapping[str, Sequence[Mapping[str, Any]]]

CATALOGUE = load_catalogue()
WEEK = (1, 2, 3, 4, 5)


def utc(text: str) -> datetime:
    """A stored instant: naive, in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=None)


def midnight(day: str | None, zone: str) -> datetime | None:
    """A stored instant: the first of a local date."""
    if day is None:
        return None
    return first_instant(date.fromisoformat(day), zone).replace(tzinfo=None)


@dataclass(kw_only=True)
class World:
    """Rows of the conformed tables. Dates of people and services are midnights in ``zone``."""

    zone: str = "UTC"
    tables: dict[str, list[Row]] = field(default_factory=dict)

    def add(self, entity: str, **row: Any) -> None:
        self.tables.setdefault(entity, []).append(row)

    def person(self, person_id: str, *, team: str | None = None, **more: Any) -> None:
        """A rostered person with one stretch; ``more`` is what :meth:`stretch` takes."""
        tz, bot = more.get("tz", "UTC"), more.pop("is_bot", False)
        days = list(more.get("working_days", WEEK))
        self.add(
            "people",
            person_id=person_id,
            name=person_id,
            tz=tz,
            working_days=days,
            is_bot=bot,
            is_rostered=True,
        )
        self.stretch(person_id, team=team, **more)

    def stretch(
        self,
        person_id: str,
        *,
        team: str | None = None,
        tz: str = "UTC",
        working_days: Sequence[int] = WEEK,
        first: str | None = None,
        after: str | None = None,
        role: str = "engineer",
        level: str = "3",
    ) -> None:
        """A roster row of ``[first, after)``, and the membership of its team."""
        start, end = midnight(first, self.zone), midnight(after, self.zone)
        self.add(
            "roster",
            person_id=person_id,
            team_id=team,
            tz=tz,
            working_days=list(working_days),
            valid_from_utc=start,
            valid_to_utc=end,
            role=role,
            level=level,
        )
        if team is not None:
            self.add("memberships", person_id=person_id, team_id=team, from_at_utc=start, to_at_utc=end)

    def account(self, account_id: str, *, is_bot: bool = False) -> None:
        """An account that nobody claims."""
        row = {"person_id": account_id, "name": account_id, "tz": self.zone, "working_days": list(WEEK)}
        self.add("people", **row, is_bot=is_bot, is_rostered=False)

    def away(self, person_id: str, *days: str, kind: str = "absence") -> None:
        for day in days:
            self.add("calendar", person_id=person_id, date=date.fromisoformat(day), kind=kind)

    def service(
        self, service_id: str, team: str | None, *, first: str | None = None, after: str | None = None
    ) -> None:
        start, end = midnight(first, self.zone), midnight(after, self.zone)
        row = {"service_id": service_id, "tier": 1, "team_id": team}
        self.add("services", **row, valid_from_utc=start, valid_to_utc=end)

    def pull(
        self,
        pr_id: str = "pr",
        *,
        author: str | None = "ann",
        created: str | datetime = "2026-03-02 09:00",
        draft: bool = False,
        merged: str | datetime | None = None,
        closed: str | datetime | None = None,
        services: Sequence[str] = (),
        **more: Any,
    ) -> None:
        """A pull request. One that is merged is closed at the same instant unless ``closed`` says when."""
        row = {
            "pr_id": pr_id,
            "ref": pr_id,
            "author_id": author,
            "created_at_utc": _instant(created),
            "draft_at_creation": draft,
            "merged_at_utc": _instant(merged),
            "closed_at_utc": _instant(closed if closed is not None else merged),
            "merged_to_default_branch": True,
            "service_ids": list(services),
        }
        self.add("pull_requests", **row | more)

    def event(
        self,
        kind: str,
        at: str | datetime,
        *,
        who: str | None = None,
        team: str | None = None,
        pr_id: str = "pr",
    ) -> None:
        number = len(self.tables.get("pr_events", []))
        self.add(
            "pr_events",
            event_id=f"event-{number:04d}",
            pr_id=pr_id,
            type=kind,
            reviewer_id=who,
            occurred_at_utc=_instant(at),
            requested_team_id=team,
        )

    def request(self, at: str | datetime, who: str | None = None, **more: Any) -> None:
        self.event("review_requested", at, who=who, **more)

    def remove(self, at: str | datetime, who: str | None = None, **more: Any) -> None:
        self.event("review_request_removed", at, who=who, **more)

    def review(
        self, at: str | datetime | None, who: str | None, *, state: str = "COMMENTED", pr_id: str = "pr"
    ) -> None:
        number = len(self.tables.get("reviews", []))
        self.add(
            "reviews",
            review_id=f"review-{number:04d}",
            pr_id=pr_id,
            reviewer_id=who,
            state=state,
            submitted_at_utc=_instant(at),
        )

    @contextmanager
    def core(
        self, as_of: str | datetime = "2026-06-01", **settings: Any
    ) -> Iterator[duckdb.DuckDBPyConnection]:
        """Core of these rows, in memory."""
        with connect() as connection:
            build_core_of(connection, self.tables, as_of=aware(as_of), zone=self.zone, **settings)
            yield connection

    @contextmanager
    def periods(
        self,
        as_of: str | datetime = "2026-06-01",
        *,
        metrics: Iterable[Metric] = tuple(CATALOGUE.values()),
        persons: bool = True,
        gaps: Sequence[str] = (),
    ) -> Iterator[duckdb.DuckDBPyConnection]:
        """Everything up to ``trends.periods``. ``gaps`` are first days of incomplete months."""
        wanted = list(metrics)
        with self.core(as_of) as connection:
            connection.execute("CREATE SCHEMA ops")
            create(connection, "ops.completeness")
            for day in gaps:
                connection.execute(
                    "INSERT INTO ops.completeness (source, month_start, status) "
                    "VALUES ('github', $day, 'incomplete')",
                    {"day": date.fromisoformat(day)},
                )
            instant = aware(as_of)
            build_facts(
                connection,
                wanted,
                as_of_utc=instant.replace(tzinfo=None),
                persons_from=date.min if persons else None,
            )
            build_periods(connection, wanted, as_of_utc=instant, reporting_timezone=self.zone)
            yield connection


def build_core_of(
    connection: duckdb.DuckDBPyConnection,
    tables: Tables,
    *,
    as_of: datetime,
    zone: str = "UTC",
    **settings: Any,
) -> None:
    """``core`` from rows of the conformed tables; what a row leaves out is null."""

    def conform(into: duckdb.DuckDBPyConnection, entity: str) -> None:
        found = tables.get(entity, [])
        if not found:
            return
        names = [name for name in column_names(f"core.{entity}") if any(name in row for row in found)]
        frame = pl.DataFrame({name: [row.get(name) for row in found] for name in names})
        into.register("incoming", frame)
        into.execute(f"INSERT INTO conformed.{entity} BY NAME SELECT * FROM incoming")
        into.unregister("incoming")

    build_core(connection, conform, CoreSettings(as_of_utc=as_of, reporting_timezone=zone, **settings))


def rows(connection: duckdb.DuckDBPyConnection, query: str, **parameters: Any) -> list[Row]:
    """The rows of a query by name."""
    found: list[Row] = connection.sql(query, params=parameters or None).pl().to_dicts()
    return found


def aware(at: str | datetime) -> datetime:
    """An instant with its zone; one without is UTC."""
    found = datetime.fromisoformat(at) if isinstance(at, str) else at
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def _instant(at: str | datetime | None) -> datetime | None:
    return None if at is None else aware(at).astimezone(UTC).replace(tzinfo=None)
