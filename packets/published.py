"""Reading a database of the published shape.

Here: rows as dictionaries, and what the database says of itself.
Not here: anything about one person, metric or page.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import duckdb

Row = dict[str, Any]
_METRIC_ID = re.compile(r"[a-z][a-z0-9_]*")


def read(
    connection: duckdb.DuckDBPyConnection, sql: str, parameters: Mapping[str, Any] | None = None
) -> list[Row]:
    """All rows of a query as dictionaries; the result is drained, never left open."""
    result = connection.execute(sql, dict(parameters)) if parameters else connection.execute(sql)
    names = [column[0] for column in result.description or []]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """What the database is: its as-of, zone and the versions it rests on."""

    as_of_utc: datetime
    reporting_timezone: str
    organization: str
    code_version: str
    configuration_hash: str
    definitions_hash: str
    persons_from: date | None

    @property
    def zone(self) -> ZoneInfo:
        """The zone of months and quarters, and of every date a packet shows."""
        return ZoneInfo(self.reporting_timezone)

    def local(self, instant_utc: datetime) -> datetime:
        """A stored instant as the reporting zone's wall clock."""
        return instant_utc.replace(tzinfo=UTC).astimezone(self.zone)

    def midnight_utc(self, day: date) -> datetime:
        """The first instant of a date of the reporting zone, as stored."""
        local = datetime(day.year, day.month, day.day, tzinfo=self.zone)
        return local.astimezone(UTC).replace(tzinfo=None)


def publication(connection: duckdb.DuckDBPyConnection) -> Publication:
    """The single row of ``ops.publication``."""
    (row,) = read(
        connection,
        """SELECT as_of_utc, reporting_timezone, organization, code_version, configuration_hash,
                  definitions_hash, persons_from
           FROM ops.publication ORDER BY as_of_utc""",
    )
    return Publication(**row)


def facts_table(connection: duckdb.DuckDBPyConnection, metric_id: str) -> str | None:
    """The quoted name of a metric's table of cases; null where the database has none."""
    if not _METRIC_ID.fullmatch(metric_id):
        return None
    found = read(
        connection,
        """SELECT table_name FROM information_schema.tables
           WHERE table_schema = 'facts' AND table_name = $metric_id ORDER BY table_name""",
        {"metric_id": metric_id},
    )
    return f'facts."{metric_id}"' if found else None
