"""A database brought up to date by what has changed holds what one built anew holds, row by row.

Many random nights, with what may change between two of them; and the nights that mean a build anew.
"""

import re
import shutil
from collections.abc import Callable
from copy import deepcopy
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import duckdb
import pytest

from connectors.records import RECORD_TYPES
from metrics_catalog.catalogue import load_catalogue
from tests.transforms.nights import DAY, FIRST_NIGHT, World
from transforms.build import (
    BuildSettings,
    build_core_tables,
    build_fact_tables,
    build_trend_tables,
    renew_core_tables,
)
from transforms.core.build import DERIVED, ENTITIES, CoreSettings
from transforms.incremental import (
    CLOCKS,
    KEYS,
    SHARED,
    BuildAnewError,
    BuiltFrom,
    loads_known,
    remember,
    touched_pull_requests,
)
from warehouse.connection import connect
from warehouse.landing import Landing, choose_loads

CATALOGUE = load_catalogue()
Contents = dict[str, list[tuple[Any, ...]]]
ORDINARY = None
CHANGES = (
    "somebody_changes_team",
    "a_holiday_is_added",
    "an_account_is_new",
    "a_repository_is_new",
    "a_repository_is_renamed",
)


class Kept:
    """A database that is kept from night to night; ``reason`` says why it was built anew."""

    def __init__(self, folder: Path, path: Path) -> None:
        self.folder, self.path = folder, path
        self.journal: list[dict[str, Any]] = []
        self.decides = "as ever"
        self.reason: str | None = None
        self.touched: int | None = None

    def build(self, as_of_utc: datetime, *, anew: bool = False, with_trends: bool = False) -> Contents:
        loads = choose_loads(Landing(self.folder).manifests(), as_of_utc)
        settings = settings_of(as_of_utc)
        built = BuiltFrom(
            decides=self.decides,
            as_of_utc=as_of_utc,
            load_ids=tuple(load.manifest.load_id for load in loads),
        )
        self.reason = "asked for" if anew else None
        if self.path.exists() and not anew:
            try:
                with connect(self.path) as connection:
                    known = loads_known(connection, built)
                    new = renew_core_tables(connection, loads, self.journal, settings, n_known=known)
            except BuildAnewError as reason:
                self.reason = str(reason)
        else:
            self.reason = "asked for"
        if self.reason is not None:
            self.path.unlink(missing_ok=True)
            with connect(self.path) as connection:
                new = build_core_tables(connection, loads, self.journal, settings)
        self.journal += new
        with connect(self.path) as connection:
            build_fact_tables(connection, CATALOGUE, settings)
            self.touched = touched_pull_requests(connection)
            remember(connection, built)
            if with_trends:
                build_trend_tables(connection, CATALOGUE, settings)
            return contents(connection)


def settings_of(as_of_utc: datetime) -> BuildSettings:
    return BuildSettings(
        record_types=RECORD_TYPES,
        core=CoreSettings(as_of_utc=as_of_utc, reporting_timezone="Europe/Berlin"),
        organization="acme",
        code_version="1",
        configuration_hash="0",
    )


def contents(connection: duckdb.DuckDBPyConnection) -> Contents:
    """Every row of every table that something is made of, and of cases that are a view, sorted."""
    names = connection.execute(
        "SELECT schema_name, table_name FROM duckdb_tables() "
        "WHERE database_name = current_database() AND table_name NOT IN ('built_from', 'touched') "
        "UNION ALL SELECT schema_name, view_name FROM duckdb_views() "
        "WHERE database_name = current_database() AND schema_name = 'cases' "
        "ORDER BY ALL"
    ).fetchall()
    return {
        f"{schema}.{name}": connection.execute(
            f"SELECT {'DISTINCT ' if name == 'unsettled' else ''}* FROM {schema}.{name} ORDER BY ALL"
        ).fetchall()
        for schema, name in names
    }


@pytest.mark.parametrize("seed", range(1))
def test_many_nights_brought_up_to_date_are_what_each_is_when_built_anew(seed: int, tmp_path: Path) -> None:
    world = World(tmp_path / "landing", seed)
    kept = Kept(tmp_path / "landing", tmp_path / "kept.duckdb")
    anew = Kept(tmp_path / "landing", tmp_path / "anew.duckdb")
    reasons = []
    some, other = world.random.sample(CHANGES, 2)
    for number, change in enumerate([ORDINARY, ORDINARY, some, ORDINARY, other, ORDINARY]):
        world.night(change, organization_too=change is not ORDINARY or number % 2 == 0)
        as_of_utc = world.now - DAY
        found = kept.build(as_of_utc, with_trends=number == 5)
        wanted = anew.build(as_of_utc, anew=True, with_trends=number == 5)
        assert found.keys() == wanted.keys()
        for name in wanted:
            assert found[name] == wanted[name], (name, kept.reason)
        assert kept.journal == anew.journal
        reasons.append(kept.reason)
    assert reasons.count(None) >= 3, reasons
    assert sum(len(rows) for name, rows in wanted.items() if name.startswith("cases.")) > 200


@pytest.fixture(scope="module")
def first_night(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, Kept]:
    """A night that was built, to be copied."""
    folder = tmp_path_factory.mktemp("first")
    world = World(folder / "landing", 7)
    world.night()
    kept = Kept(world.folder, folder / "kept.duckdb")
    kept.build(FIRST_NIGHT)
    return world, kept


@pytest.fixture
def two_nights(tmp_path: Path, first_night: tuple[World, Kept]) -> tuple[World, Kept]:
    """A night that was built, for one test."""
    world, kept = deepcopy(first_night)
    shutil.copytree(kept.path.parent, tmp_path, dirs_exist_ok=True)
    world.folder = kept.folder = tmp_path / "landing"
    kept.path = tmp_path / kept.path.name
    return world, kept


def other_settings(_: World, kept: Kept) -> None:
    kept.decides = "other settings, definitions or code"


def nothing_remembered(_: World, kept: Kept) -> None:
    with connect(kept.path) as connection:
        connection.execute("DROP TABLE built_from")


def a_load_is_gone(world: World, _: Kept) -> None:
    shutil.rmtree(min(world.folder.glob("organization/*")))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda world, _: world.somebody_changes_team(), "changed: roster or its teams"),
        (lambda world, _: world.a_holiday_is_added(), "changed: calendar"),
        (lambda world, _: world.a_repository_is_renamed(), "changed: name of a repository"),
        (lambda _, kept: kept.journal.append(CLAIM), "changed: person an account belongs to"),
        (other_settings, "settings, definitions or the program have changed"),
        (nothing_remembered, "the last build did not come to its end"),
        (a_load_is_gone, "the loads before are others"),
    ],
)
def test_what_pull_requests_alone_cannot_tell_means_a_build_anew(
    two_nights: tuple[World, Kept], change: Callable[[World, Kept], object], reason: str
) -> None:
    world, kept = two_nights
    change(world, kept)
    world.night()
    kept.build(FIRST_NIGHT + DAY)
    assert kept.reason == reason
    # And with that it is a ground to build on again.
    world.night()
    kept.build(FIRST_NIGHT + 2 * DAY)
    assert kept.reason is None
    assert kept.touched


CLAIM = {
    "action": "bind",
    "source": "github",
    "account_id": "github:user/6",
    "person_id": "dia",
    "login": "login-6",
    "known_at_utc": FIRST_NIGHT.isoformat(),
}


def test_going_back_means_a_build_anew(two_nights: tuple[World, Kept]) -> None:
    _, kept = two_nights
    kept.build(FIRST_NIGHT - DAY)
    assert kept.reason == "it goes back in time"


def test_a_build_that_breaks_off_is_not_built_on(two_nights: tuple[World, Kept]) -> None:
    """Core was renewed and the process ended before the cases were: the next build trusts none of it."""
    world, kept = two_nights
    world.night()
    loads = choose_loads(Landing(kept.folder).manifests(), FIRST_NIGHT + DAY)
    settings = settings_of(FIRST_NIGHT + DAY)
    built = BuiltFrom(
        decides=kept.decides,
        as_of_utc=FIRST_NIGHT + DAY,
        load_ids=tuple(load.manifest.load_id for load in loads),
    )
    with connect(kept.path) as connection:
        loads_known(connection, built)
        renew_core_tables(connection, loads, kept.journal, settings, n_known=2)
    kept.build(FIRST_NIGHT + DAY)
    assert kept.reason == "the last build did not come to its end"


def read_by(text: str) -> set[str]:
    return set(re.findall(r"\bcore\.([a-z_]+)", text))


def test_what_is_made_for_some_pull_requests_reads_nothing_that_others_decide() -> None:
    """The SQL of a table or case of pull requests reads such tables, shared ones and clocks, no others."""
    allowed = {*KEYS, *SHARED, *CLOCKS}
    folder = files("transforms") / "core"
    texts = {
        f"{name}/{entry.name}": entry.read_text("utf-8")
        for name in ENTITIES
        if name in KEYS and (folder / name).is_dir()
        for entry in (folder / name).iterdir()
    }
    derived = [name for name in DERIVED if name in KEYS]
    texts |= {name: (folder / "derived" / f"{name}.sql").read_text("utf-8") for name in derived}
    texts |= {metric.id: metric.facts_sql for metric in CATALOGUE.values() if metric.by_pull_request}
    assert len(texts) > 20
    for name, text in texts.items():
        assert read_by(text) <= allowed, name


def test_what_is_shared_is_made_of_nothing_that_pull_requests_decide() -> None:
    folder = files("transforms") / "core"
    for name in SHARED:
        for entry in (folder / name).iterdir():
            assert not read_by(entry.read_text("utf-8")) & {*KEYS}, f"{name}/{entry.name}"


def test_every_case_of_a_metric_by_pull_request_names_it(two_nights: tuple[World, Kept]) -> None:
    _, kept = two_nights
    with connect(kept.path) as connection:
        for metric in CATALOGUE.values():
            rows = connection.execute(f"SELECT count(*), count(pr_id) FROM facts.{metric.id}").fetchall()
            assert not metric.by_pull_request or rows[0][1] == rows[0][0], metric.id
