"""Connections, for writing and for reading."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from warehouse.connection import DatabaseBusyError, connect, connect_reading

HOLD = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1])
print("held", flush=True)
sys.stdin.read()
connection.close()
"""


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "some.duckdb"
    with connect(path) as connection:
        connection.execute("CREATE TABLE t AS SELECT 1 AS n")
    return path


@contextmanager
def held_by_another_process(path: Path) -> Iterator[None]:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        yield
        holder.communicate()


def test_reading_answers_sql(database: Path) -> None:
    with connect_reading(database) as connection:
        assert connection.execute("SELECT sum(n) FROM t").fetchall() == [(1,)]


def secret(folder: Path) -> Path:
    path = folder / "secret.csv"
    path.write_text("a\n1\n")
    return path


@pytest.mark.parametrize(
    "statement",
    [
        "FROM read_csv('{secret}')",
        "FROM read_text('{secret}')",
        "FROM read_blob('{secret}')",
        "FROM '{secret}'",
        "FROM glob('{folder}/*')",
        "COPY t TO '{folder}/out.csv'",
        "COPY t FROM '{secret}'",
        "ATTACH '{folder}/other.duckdb'",
        "ATTACH '{folder}/other.duckdb' (READ_ONLY)",
        "EXPORT DATABASE '{folder}/out'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "RESET enable_external_access",
        "SET lock_configuration = false",
        "SET TimeZone = 'Asia/Tokyo'",
        "PRAGMA threads = 1",
        "INSERT INTO t VALUES (2)",
        "CREATE TABLE u AS SELECT 1 AS n",
        "DROP TABLE t",
        "FROM a_variable_of_python",
    ],
)
def test_reading_refuses_everything_else(database: Path, statement: str) -> None:
    path = secret(database.parent)
    with connect(database.parent / "other.duckdb"):
        pass
    a_variable_of_python = duckdb.sql("SELECT 1 AS n").pl()  # noqa: F841 - must not be found
    with connect_reading(database) as connection, pytest.raises(duckdb.Error):
        connection.execute(statement.format(secret=path, folder=database.parent))
    assert not (database.parent / "out.csv").exists()
    assert not (database.parent / "out").exists()


def test_instants_are_read_and_written_as_utc(database: Path) -> None:
    with connect(database) as connection:
        connection.execute("CREATE TABLE instants AS SELECT TIMESTAMPTZ '2026-03-01 00:30:00+01' AS t")
        assert connection.execute("SELECT t::VARCHAR FROM instants").fetchall() == [
            ("2026-02-28 23:30:00+00",)
        ]
    with connect_reading(database) as connection:
        assert connection.execute("SELECT t::VARCHAR FROM instants").fetchall() == [
            ("2026-02-28 23:30:00+00",)
        ]
        assert connection.execute("SELECT t FROM instants").fetchall() == [
            (datetime(2026, 2, 28, 23, 30, tzinfo=UTC),)
        ]


def test_no_connection_fetches_extensions_by_itself(database: Path) -> None:
    settings = (
        "SELECT current_setting('autoinstall_known_extensions'), current_setting('autoload_known_extensions')"
    )
    with connect() as connection:
        assert connection.execute(settings).fetchall() == [(False, False)]
    with connect_reading(database) as connection:
        assert connection.execute(settings).fetchall() == [(False, False)]


def test_file_that_another_process_holds_is_told_in_words(database: Path) -> None:
    with held_by_another_process(database):
        with (
            pytest.raises(DatabaseBusyError, match=r"some\.duckdb is held by another process: .*lock"),
            connect(database),
        ):
            pass
        with (
            pytest.raises(DatabaseBusyError, match=r"some\.duckdb is held by another process: .*lock"),
            connect_reading(database),
        ):
            pass
    with connect_reading(database) as connection:
        assert connection.execute("FROM t").fetchall() == [(1,)]


def test_file_that_is_not_there_is_told_and_not_made(tmp_path: Path) -> None:
    with (
        pytest.raises(DatabaseBusyError, match=r"There is no .*nowhere\.duckdb"),
        connect_reading(tmp_path / "nowhere.duckdb"),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def test_connection_is_closed_after_an_error(database: Path) -> None:
    with pytest.raises(ZeroDivisionError), connect(database):
        raise ZeroDivisionError
    with connect(database) as connection:
        assert connection.execute("FROM t").fetchall() == [(1,)]
    with pytest.raises(duckdb.ConnectionException):
        connection.execute("FROM t")
