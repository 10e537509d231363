"""Any past day from landing and journal alone: that day's figures and packets, and nothing else moved."""

import shutil
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.demo import FIRST_NIGHT_UTC, DemoTransport, configuration_files, make_organization
from connectors.github.client import GitHubSource
from connectors.github.records import RECORD_TYPES
from packets.packet import build_packet
from packets.selection import newest_final_quarter, people_of
from packets.write import write_packet
from pipelines import commands, nightly
from pipelines.console import CHECK_FAILED, Exit
from pipelines.known import known_to_github
from pipelines.nightly import Night
from pipelines.settings import load_settings
from pipelines.sources import Registered
from transforms.queries import create
from warehouse import packs
from warehouse.connection import connect, connect_reading

ORGANIZATION = make_organization(engineers=10, months=4)
NIGHTS = 3
APART = timedelta(days=2)  # the first is a Friday, and nobody works at a weekend
Published = tuple[dict[str, list[tuple[Any, ...]]], dict[str, bytes]]


def night_of(folder: Path, **more: Any) -> Night:
    return Night(settings=load_settings(folder / "evenhand.toml"), environment={}, **more)


def land(night: Night, number: int) -> None:
    transport = DemoTransport(ORGANIZATION, FIRST_NIGHT_UTC + number * APART)
    source = GitHubSource(transport=transport, organizations=("acme",))
    source.known = known_to_github(
        night.landing.manifests(), [], source.server_time(), reads=source.reads
    ).repositories
    nightly._land(night, Registered(source=source, record_types=RECORD_TYPES))
    nightly.land(night, "organization")


def build_and_publish(night: Night) -> Published:
    """As a night does, without the checks' process, which imports for seconds; and every table and packet."""
    nightly.build_core(night)
    nightly.build_facts(night)
    nightly.build_trends(night)
    with connect(night.working_path) as connection:
        create(connection, "ops.checks")
    path = nightly.publish_database(night)
    with connect_reading(path) as connection:
        names = connection.execute(
            "SELECT schema_name || '.' || table_name FROM duckdb_tables() ORDER BY ALL"
        ).fetchall()
        contents = {
            name: connection.execute(f"SELECT * FROM {name} ORDER BY ALL").fetchall() for (name,) in names
        }
        return contents, packets(connection, night.readers_folder / "packets")


def packets(connection: Any, folder: Path) -> dict[str, bytes]:
    quarter = str(newest_final_quarter(connection))
    found = {}
    for person in people_of(connection, quarter=quarter):
        packet = build_packet(connection, person_id=person, quarter=quarter)
        for name, path in write_packet(packet, folder / person).items():
            found[f"{person} {name}"] = path.read_bytes()
    return found


def everything_under(folder: Path) -> Mapping[str, tuple[int, int]]:
    return {
        str(path.relative_to(folder)): (path.stat().st_size, path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Published]]:
    """Three nights; on the third somebody changes the team. What each published, and the storage."""
    folder = tmp_path_factory.mktemp("nights")
    for name, text in configuration_files(ORGANIZATION).items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    published = []
    for number in range(NIGHTS):
        if number == 2:
            people = folder / "people.csv"
            lines = people.read_text().splitlines()
            teams = sorted({line.split(",")[3] for line in lines[1:]})
            moved = lines[1].split(",")
            moved[3] = next(team for team in teams if team != moved[3])
            people.write_text("\n".join([lines[0], ",".join(moved), *lines[2:]]) + "\n")
        night = night_of(folder)
        land(night, number)
        published.append(build_and_publish(night))
    return folder, published


def test_every_night_is_rebuilt_as_it_was_published(
    nights: tuple[Path, list[Published]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, published = nights
    for name in ("landing", "journal"):
        shutil.copytree(folder / name, tmp_path / name)
    for path in folder.glob("*.*"):
        if path.suffix in (".toml", ".csv"):
            shutil.copy(path, tmp_path)
    for number in [*reversed(range(NIGHTS)), 1]:
        if (tmp_path / "as-of" / f"{FIRST_NIGHT_UTC:%Y%m%dT%H%M%SZ}").exists():
            # All are as they were; now one of them again, out of loads that are put together with later ones.
            monkeypatch.setattr(packs, "AT_LEAST", NIGHTS)
            for _ in range(2):  # the second time removes what the first has put together
                nightly.compact(night_of(tmp_path))
            assert not list(tmp_path.glob("landing/*/*-*Z-*/*.parquet"))
            shutil.rmtree(tmp_path / "as-of")
        night = night_of(tmp_path, as_of_utc=FIRST_NIGHT_UTC + number * APART)
        tables, files = build_and_publish(night)
        assert tables == published[number][0]
        assert files == published[number][1]
    # The nights differ, or this would show nothing.
    assert len({str(tables["core.memberships"]) for tables, _ in published}) == 2
    assert len({str(tables["core.pr_events"]) for tables, _ in published}) == NIGHTS
    assert len({str(tables["trends.periods"]) for tables, _ in published}) > 1
    assert len(published[0][1]) > 20


def test_looking_back_moves_nothing(nights: tuple[Path, list[Published]]) -> None:
    folder, _ = nights
    before = everything_under(folder)
    watermarks = known_to_github(
        night_of(folder).landing.manifests(), [], FIRST_NIGHT_UTC, reads="all"
    ).repositories
    instant = FIRST_NIGHT_UTC + APART
    build_and_publish(night_of(folder, as_of_utc=instant))
    after = everything_under(folder)
    assert {name: after.get(name) for name in before} == before
    new = [name for name in after if name not in before]
    assert new
    assert all(name.startswith((f"as-of/{instant:%Y%m%dT%H%M%SZ}/", "work/as-of.duckdb")) for name in new), (
        new
    )
    assert (
        known_to_github(night_of(folder).landing.manifests(), [], FIRST_NIGHT_UTC, reads="all").repositories
        == watermarks
    )


def test_a_past_day_is_built_again_only_where_something_that_decides_it_has_changed(
    nights: tuple[Path, list[Published]],
) -> None:
    folder, _ = nights
    instant = FIRST_NIGHT_UTC + (NIGHTS + 3) * APART
    assert not nightly.is_built(night_of(folder, as_of_utc=instant))
    build_and_publish(night_of(folder, as_of_utc=instant))
    assert nightly.is_built(night_of(folder, as_of_utc=instant))
    # A load that comes later and was known by then is one more that counts.
    land(night_of(folder), NIGHTS)
    assert not nightly.is_built(night_of(folder, as_of_utc=instant))
    build_and_publish(night_of(folder, as_of_utc=instant))
    assert nightly.is_built(night_of(folder, as_of_utc=instant))
    settings = folder / "evenhand.toml"
    settings.write_text(settings.read_text().replace('"acme-release-bot"', '"somebody"'))
    assert not nightly.is_built(night_of(folder, as_of_utc=instant))


def test_a_rebuilt_day_in_which_something_was_missing_ends_as_its_night_did(
    nights: tuple[Path, list[Published]], capsys: pytest.CaptureFixture[str]
) -> None:
    """The demo has accounts that nobody claims: a warning of that night, and of its rebuild."""
    config = nights[0] / "evenhand.toml"
    with pytest.raises(Exit) as ended:
        commands.run(config=config, only=None, full=False, as_of=FIRST_NIGHT_UTC.isoformat())
    assert ended.value.code == CHECK_FAILED
    told = capsys.readouterr()
    assert "Rebuilt as of" in told.out
    assert "a check warns" in told.err
