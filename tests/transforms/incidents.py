"""Deployments and incidents of two services, for tests of causes.

Here: rows put together by hand, and core with the real attribution over them. Not here: what is expected.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC
from typing import Any

import duckdb

from tests.transforms.world import World, build_core_of, rows, utc
from transforms.causes import load_settled
from transforms.queries import insert, sql
from warehouse.connection import connect

PARAMETERS = {"suspect_minutes": 60, "failure_window_us": 7 * 86_400_000_000}


def world() -> World:
    """api: two deployments; web: one. An incident of api 20 minutes after the second."""
    made = World()
    for number, at in (("1", "2026-03-02 10:00"), ("2", "2026-03-03 10:00"), ("3", "2026-03-03 10:10")):
        pull(made, number, at)
    deploy(made, "d1", "api", "2026-03-02 12:00", ["1"])
    deploy(made, "d2", "api", "2026-03-03 12:00", ["2"])
    deploy(made, "d3", "web", "2026-03-03 12:05", ["3"])
    incident(made, "i1", "api", "2026-03-03 12:20")
    return made


def pull(made: World, number: str, merged: str, **more: Any) -> None:
    made.add(
        "pull_requests",
        pr_id=number,
        ref=f"acme/api#{number}",
        author_id="ann",
        created_at_utc=utc("2026-03-01"),
        merged_at_utc=utc(merged),
        closed_at_utc=utc(merged),
        merged_to_default_branch=True,
        service_ids=["api"],
        **more,
    )


def deploy(made: World, key: str, service: str, at: str, pulls: list[str], **more: Any) -> None:
    made.add(
        "deployments",
        deployment_id=f"github:deployment/{key}",
        service_ids=[service],
        environment="production",
        status="success",
        finished_at_utc=utc(at),
        kind="normal",
        pr_ids=pulls,
        **more,
    )


def incident(made: World, key: str, service: str, at: str, *, urgency: str = "high") -> None:
    made.add(
        "incidents",
        incident_id=key,
        ref=key,
        service_id=service,
        urgency=urgency,
        is_major=False,
        created_at_utc=utc(at),
        source_url=f"https://pager.example/{key}",
    )


def note(made: World, kind: str, ref: str, *, at: str = "2026-03-03 15:00") -> None:
    made.add("incident_references", incident_id="i1", kind=kind, ref=ref, noted_at_utc=utc(at))


def attribute(
    connection: duckdb.DuckDBPyConnection, made: World, said: Sequence[dict[str, Any]], as_of: str
) -> None:
    """Core of the world, with the causes that the real attribution finds and the journal's answers."""
    at_utc = utc(as_of).replace(tzinfo=UTC)
    build_core_of(connection, made.tables, as_of=at_utc)
    load_settled(connection, said, at_utc)
    insert(connection, "core.incident_causes", sql("core/all_sources/incident_causes.sql"), PARAMETERS)


@contextmanager
def attributed(
    made: World, said: Sequence[dict[str, Any]] = (), as_of: str = "2026-04-01"
) -> Iterator[duckdb.DuckDBPyConnection]:
    """:func:`attribute`, in memory."""
    with connect() as connection:
        attribute(connection, made, said, as_of)
        yield connection


def causes(made: World, said: Sequence[dict[str, Any]] = (), as_of: str = "2026-04-01") -> list[Any]:
    with attributed(made, said, as_of) as connection:
        found = rows(
            connection,
            "SELECT incident_id, deployment_id, pr_id, source, evidence, answer FROM core.incident_causes "
            "ORDER BY ALL",
        )
    return [tuple(row.values()) for row in found]
