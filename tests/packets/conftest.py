"""Packets of the made-up organisation, built once."""

from collections.abc import Iterator

import duckdb
import pytest

from packets.packet import Packet, build_packet
from tests.packets.organisation import small, utc, year_of

QUARTER = "2026-Q2"


@pytest.fixture(scope="session")
def small_database() -> Iterator[duckdb.DuckDBPyConnection]:
    connection = small().database()
    yield connection
    connection.close()


@pytest.fixture(scope="session")
def year_database() -> Iterator[duckdb.DuckDBPyConnection]:
    connection = year_of().database()
    yield connection
    connection.close()


@pytest.fixture(scope="session")
def small_packet(small_database: duckdb.DuckDBPyConnection) -> Packet:
    return build_packet(small_database, person_id="ana", quarter=QUARTER)


@pytest.fixture(scope="session")
def moved_packet() -> Packet:
    """Somebody who changed team and role inside the quarter, with cases left out on both sides."""
    made = year_of()
    made.moved("ana", utc("2026-04-30 22:00"), team="search", role="senior engineer")
    for month in ("2026-04", "2026-05"):
        made.request(
            "ana",
            f"acme/api#{month[-1]}",
            utc(f"{month}-09 08:00"),
            hours=1.0,
            outcome="excluded",
            why="pr_merged",
        )
    connection = made.database()
    packet = build_packet(connection, person_id="ana", quarter=QUARTER)
    connection.close()
    return packet


@pytest.fixture(scope="session")
def year_packet(year_database: duckdb.DuckDBPyConnection) -> Packet:
    return build_packet(year_database, person_id="ana", quarter=QUARTER)
