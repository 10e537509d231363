"""The published files and the flip."""

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest

from warehouse.connection import connect, connect_reading
from warehouse.publish import ANALYST, FULL, publish

BOTH = (FULL, ANALYST)


@pytest.fixture
def working() -> Iterator[duckdb.DuckDBPyConnection]:
    with connect() as connection:
        connection.execute("CREATE SCHEMA core; CREATE SCHEMA trends")
        connection.execute("CREATE TABLE core.people (person_id VARCHAR)")
        connection.execute("CREATE TABLE trends.periods (n BIGINT)")
        yield connection


def published(working: duckdb.DuckDBPyConnection, folder: Path, *, name: str, n: int, **more: Any) -> Path:
    """A publication whose every table tells ``n``."""
    working.execute("DELETE FROM trends.periods; DELETE FROM core.people")
    working.execute("INSERT INTO trends.periods VALUES ($n)", {"n": n})
    working.execute("INSERT INTO core.people VALUES ($n)", {"n": f"person {n}"})
    given: dict[str, Any] = {
        "full": {"core.people": "FROM core.people", "trends.periods": "FROM trends.periods"},
        "analyst": {"trends.periods": "FROM trends.periods"},
        "views": {"trends.all_periods": "SELECT n + 100 AS n FROM trends.periods"},
        "comments": [
            "COMMENT ON TABLE core.people IS 'People.'",
            "COMMENT ON COLUMN core.people.\"person_id\" IS 'Who it''s.'",
            "COMMENT ON TABLE trends.periods IS 'Cells.'",
            "COMMENT ON COLUMN trends.periods.\"n\" IS 'Cases.'",
            "COMMENT ON VIEW trends.all_periods IS 'All cells.'",
        ],
    }
    return publish(working, folder, name=name, **(given | more))


def told(folder: Path) -> dict[str, int]:
    """What the two published files tell."""
    found = {}
    for file in BOTH:
        with connect_reading(folder / file) as connection:
            ((found[file],),) = connection.execute("SELECT n FROM trends.periods").fetchall()
    return found


def snapshots(folder: Path) -> list[str]:
    return sorted(entry.name for entry in (folder / "snapshots").iterdir())


def test_both_files_are_published_under_their_names(
    working: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    target = published(working, tmp_path, name="one", n=1)
    assert target == tmp_path / "snapshots" / "one-001"
    assert told(tmp_path) == {FULL: 1, ANALYST: 1}
    with connect_reading(tmp_path / ANALYST) as connection:
        schemas = connection.execute("SELECT schema_name, table_name FROM duckdb_tables()").fetchall()
        assert schemas == [("trends", "periods")]
        assert connection.execute("FROM trends.all_periods").fetchall() == [(101,)]


def test_both_names_are_links_into_the_one_thing_that_is_renamed(
    working: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    published(working, tmp_path, name="one", n=1)
    links = {file: (os.readlink(tmp_path / file), (tmp_path / file).lstat().st_ino) for file in BOTH}
    assert {file: link for file, (link, _) in links.items()} == {file: f"current/{file}" for file in BOTH}
    published(working, tmp_path, name="two", n=2)
    after = {file: (os.readlink(tmp_path / file), (tmp_path / file).lstat().st_ino) for file in BOTH}
    assert after == links, "the second publication renames nothing but current"
    assert os.readlink(tmp_path / "current") == "snapshots/two-001"
    assert told(tmp_path) == {FULL: 2, ANALYST: 2}


def test_reader_with_the_old_file_open_keeps_it(working: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    published(working, tmp_path, name="one", n=1)
    with connect_reading(tmp_path / FULL) as reader:
        for number, name in enumerate(("two", "three", "four"), start=2):
            published(working, tmp_path, name=name, n=number)
        assert reader.execute("SELECT n FROM trends.periods").fetchall() == [(1,)]
        assert told(tmp_path) == {FULL: 4, ANALYST: 4}


@pytest.mark.parametrize(
    "broken",
    [
        {"full": {"trends.periods": "SELECT error('killed')"}},
        {"analyst": {"trends.periods": "SELECT error('killed')"}},
        {"views": {"trends.all_periods": "FROM nowhere"}},
    ],
)
def test_killed_before_the_flip_the_last_publication_stays(
    working: duckdb.DuckDBPyConnection, tmp_path: Path, broken: Mapping[str, Any]
) -> None:
    published(working, tmp_path, name="one", n=1)
    with pytest.raises(duckdb.Error):
        published(working, tmp_path, name="two", n=2, **broken)
    assert told(tmp_path) == {FULL: 1, ANALYST: 1}
    published(working, tmp_path, name="two", n=2)
    assert told(tmp_path) == {FULL: 2, ANALYST: 2}


def test_same_night_again_is_never_a_moment_without_files(
    working: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    """The same name once more: what is current stays where it is until the flip."""
    first = published(working, tmp_path, name="one", n=1)
    with connect_reading(tmp_path / FULL) as reader:
        second = published(working, tmp_path, name="one", n=2)
        assert first != second
        assert first.is_dir(), "removed only when it is neither the current nor the last one"
        assert reader.execute("SELECT n FROM trends.periods").fetchall() == [(1,)]
    assert told(tmp_path) == {FULL: 2, ANALYST: 2}


def test_older_snapshots_and_drafts_of_killed_runs_are_removed(
    working: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    for number in range(1, 5):
        target = published(working, tmp_path, name=f"night-{number}", n=number)
        os.utime(target, (number, number))  # made one after the other, however fast this test is
    killed = tmp_path / "snapshots" / ".night-5.part"
    killed.mkdir()
    (killed / FULL).write_text("half")
    published(working, tmp_path, name="night-6", n=6)
    assert snapshots(tmp_path) == ["night-4-001", "night-6-001"]
    assert sorted(entry.name for entry in tmp_path.iterdir()) == sorted([*BOTH, "current", "snapshots"])


def test_only_the_operator_may_read_the_full_file(working: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    target = published(working, tmp_path, name="one", n=1)
    modes = {file: stat.S_IMODE((target / file).stat().st_mode) for file in BOTH}
    assert modes == {FULL: 0o600, ANALYST: 0o640}


def test_no_log_of_writes_lies_beside_the_files(working: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    assert sorted(entry.name for entry in published(working, tmp_path, name="one", n=1).iterdir()) == sorted(
        BOTH
    )


def test_meanings_are_in_the_files_for_the_tables_that_are(
    working: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    published(working, tmp_path, name="one", n=1)
    with connect_reading(tmp_path / FULL) as connection:
        assert connection.execute(
            "SELECT table_name, comment FROM duckdb_tables() ORDER BY 1"
        ).fetchall() == [
            ("people", "People."),
            ("periods", "Cells."),
        ]
        assert connection.execute(
            "SELECT comment FROM duckdb_columns() WHERE comment IS NOT NULL ORDER BY 1"
        ).fetchall() == [("Cases.",), ("Who it's.",)]
        assert connection.execute(
            "SELECT comment FROM duckdb_views() WHERE view_name = 'all_periods'"
        ).fetchall() == [("All cells.",)]


def test_storage_version_is_one_that_older_tools_read(
    working: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    target = published(working, tmp_path, name="one", n=1)
    for file in BOTH:
        with connect() as connection:
            connection.execute(f"ATTACH '{target / file}' AS it (READ_ONLY)")
            ((tags,),) = connection.execute(
                "SELECT tags FROM duckdb_databases() WHERE database_name = 'it'"
            ).fetchall()
            assert tags["storage_version"].startswith("v1.5.0")


def test_folder_of_any_name_will_do(working: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    folder = tmp_path / "O'Brien's files"
    folder.mkdir()
    published(working, folder, name="one", n=1)
    assert told(folder) == {FULL: 1, ANALYST: 1}
