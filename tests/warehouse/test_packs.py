"""Small loads put together: every version stays, whatever happens on the way."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.warehouse.test_landing import AT, Other, Reject, Thing, open_load
from warehouse import landing as landing_module
from warehouse import packs
from warehouse.connection import connect
from warehouse.landing import REJECTED, Landing, LandingError, Manifest, _row_hash
from warehouse.packs import Packed, pack_loads, rows_of

NIGHTS = 4
Rows = dict[str, list[tuple[Any, ...]]]


class Killed(BaseException):
    """Stands for SIGKILL: nothing catches it."""


@pytest.fixture(autouse=True)
def _a_few_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packs, "AT_LEAST", 3)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Some nights: the same things each time, another size; no others in the first; one rejected."""
    for night in range(NIGHTS):
        land(tmp_path / "landing", night)
    return tmp_path / "landing"


def land(folder: Path, night: int, things: int = 3) -> Manifest:
    load = open_load(folder, known_at=AT + timedelta(days=night))
    for page in range(2):
        # The same thing twice on a page, and on two pages: what is newest is told by the place.
        records: list[Thing | Other] = [
            Thing(thing_id=str(number % 2), size=night, labels=(str(page), str(number)))
            for number in range(things)
        ]
        if night:
            records.append(Other(other_id=str(night)))
        rejected = [Reject()] if night == 1 else []
        load.write(records, scope="s", fetched_at_utc=load.known_at_utc, rejected=rejected)
    if night == 2:
        load.gap(scope="t", message="t could not be read")
    return load.finish()


def rows(folder: Path) -> Rows:
    """All rows, with load and place, as the build reads them."""
    manifests = Landing(folder).manifests()
    found: Rows = {}
    with connect() as connection:
        loads = pl.DataFrame(
            {
                "load_id": [each.load_id for each in manifests],
                "folder": [str(each.folder) for each in manifests],
            }
        )
        connection.register("loads", loads)
        for stream in ("things", "others", REJECTED):
            found[stream] = []
            for select, files in rows_of(manifests, stream):
                found[stream] += connection.execute(select, {"files": files}).fetchall()
            found[stream].sort(key=lambda row: row[-2:])
    return found


def told(folder: Path) -> list[tuple[Any, ...]]:
    """What manifests say; where rows lie is not part of it."""
    return [
        (each.load_id, each.known_at_utc, each.scopes, each.rows, each.content_hash)
        for each in Landing(folder).manifests()
    ]


def own_files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.glob("shop/shop-*/*.parquet"))


def test_every_row_stays_with_its_load_and_place(folder: Path) -> None:
    before, said = rows(folder), told(folder)
    assert [len(before[stream]) for stream in ("things", "others", REJECTED)] == [24, 6, 2]
    assert pack_loads(Landing(folder), "shop") == Packed(loads=NIGHTS, removed=0)
    assert all(manifest.pack is not None for manifest in Landing(folder).manifests())
    assert (rows(folder), told(folder)) == (before, said)
    assert pack_loads(Landing(folder), "shop") == Packed(loads=0, removed=1)
    assert own_files(folder) == []
    assert (rows(folder), told(folder)) == (before, said)
    assert pack_loads(Landing(folder), "shop") == Packed(loads=0, removed=0)


def test_rows_of_a_pack_hash_to_what_the_load_said_when_it_was_written(folder: Path) -> None:
    """Another road than the one that packing checks by: the hash of the records, made before any file."""
    pack_loads(Landing(folder), "shop")
    (pack,) = Landing(folder).packs()
    sums: dict[str, int] = {}
    for stream, name in pack.files.items():
        for row in pl.read_parquet(pack.folder / name).iter_rows(named=True):
            content = {name: value for name, value in row.items() if not name.startswith("_")}
            sums[row["_load_id"]] = (sums.get(row["_load_id"], 0) + _row_hash(stream, content)) % (1 << 128)
    assert {load_id: f"{total:032x}" for load_id, total in sums.items()} == {
        manifest.load_id: manifest.content_hash for manifest in Landing(folder).manifests()
    }


def test_the_files_of_the_loads_stay_until_packing_happens_again(folder: Path) -> None:
    """A backup that was begun before the pack was there finds everything it has listed."""
    before = own_files(folder)
    pack_loads(Landing(folder), "shop")
    assert own_files(folder) == before


def test_later_loads_make_a_pack_of_their_own_and_earlier_packs_stay_as_they_are(folder: Path) -> None:
    pack_loads(Landing(folder), "shop")
    (first,) = Landing(folder).packs()
    written = {path: path.read_bytes() for path in first.folder.iterdir()}
    for night in range(NIGHTS, NIGHTS + 2):
        land(folder, night)
    before = rows(folder)
    assert pack_loads(Landing(folder), "shop") == Packed(loads=0, removed=1)  # two more are not enough
    land(folder, NIGHTS + 2)
    assert pack_loads(Landing(folder), "shop") == Packed(loads=3, removed=0)
    assert pack_loads(Landing(folder), "shop") == Packed(loads=0, removed=1)
    assert [len(pack.load_ids) for pack in Landing(folder).packs()] == [NIGHTS, 3]
    assert {path: path.read_bytes() for path in first.folder.iterdir()} == written
    assert rows(folder)["things"][: len(before["things"])] == before["things"]


def test_large_loads_stay_as_they_are(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    large = land(folder, NIGHTS, things=30)
    monkeypatch.setattr(packs, "SMALL_ROWS", 20)
    pack_loads(Landing(folder), "shop")
    pack_loads(Landing(folder), "shop")
    assert [each.load_id for each in Landing(folder).manifests() if each.pack is None] == [large.load_id]
    assert own_files(folder) == sorted(f"shop/{large.load_id}/{name}" for (name,) in large.files.values())


def test_a_pack_that_is_full_takes_no_further_load(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packs, "PACK_ROWS", 14)
    before = rows(folder)
    pack_loads(Landing(folder), "shop")
    assert [len(pack.load_ids) for pack in Landing(folder).packs()] == [2, 2]
    assert rows(folder) == before


def test_loads_of_another_source_are_left_alone(folder: Path) -> None:
    assert pack_loads(Landing(folder), "garage") == Packed(loads=0, removed=0)
    assert Landing(folder).packs() == []


def test_a_field_that_earlier_loads_do_not_have_is_null_in_their_rows(folder: Path) -> None:
    manifests = Landing(folder).manifests()
    for manifest in manifests[:2]:
        (path,) = manifest.own_files("things")
        pl.read_parquet(path).drop("weight").write_parquet(path)
    before = rows(folder)["things"]
    pack_loads(Landing(folder), "shop")
    assert rows(folder)["things"] == before
    weights = pl.read_parquet(Landing(folder).packs()[0].folder / "things.parquet")["weight"]
    assert weights.to_list() == [None] * 12 + [0.5] * 12


def test_the_place_counts_over_the_files_of_a_load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page can begin in one file and end in the next; the last of it is the newest all the same."""
    monkeypatch.setattr(landing_module, "ROWS_A_FILE", 2)
    land(tmp_path, 0)
    found = pl.DataFrame(rows(tmp_path)["things"], orient="row")
    # Page by page, and within a page in the order of writing: the labels say which it was.
    assert found["column_6"].to_list() == [[page, number] for page in "01" for number in "012"]


# ---------------------------------------------------------------------------------- what is damaged


def test_a_load_that_lost_rows_is_named_and_nothing_is_removed(folder: Path) -> None:
    manifest = Landing(folder).manifests()[1]
    (path,) = manifest.own_files("things")
    pl.read_parquet(path).head(5).write_parquet(path)
    before = own_files(folder)
    with pytest.raises(LandingError, match=f"{manifest.load_id}: 6 rows of things .* found 5 in the load"):
        pack_loads(Landing(folder), "shop")
    assert Landing(folder).packs() == []
    assert own_files(folder) == before


def test_a_pack_with_other_content_never_exists(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sums = packs._sums

    def wrong(connection: Any, select: str, files: list[str]) -> dict[str, tuple[int, int]]:
        found = sums(connection, select, files)
        return (
            {load: (count, total + 1) for load, (count, total) in found.items()} if len(files) > 1 else found
        )

    monkeypatch.setattr(packs, "_sums", wrong)
    with pytest.raises(LandingError, match="of another content"):
        pack_loads(Landing(folder), "shop")
    assert Landing(folder).packs() == []


@pytest.mark.parametrize("damage", ["cut", "gone"])
def test_files_of_loads_are_kept_where_their_pack_is_damaged(folder: Path, damage: str) -> None:
    before, files = rows(folder), own_files(folder)
    pack_loads(Landing(folder), "shop")
    path = Landing(folder).packs()[0].folder / "things.parquet"
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-10])
    else:
        path.unlink()
    with pytest.raises(LandingError, match="Remove the folder pack-00001"):
        pack_loads(Landing(folder), "shop")
    assert own_files(folder) == files
    shutil.rmtree(path.parent)
    assert rows(folder) == before


def test_a_load_that_cannot_be_read_is_told_in_words(folder: Path) -> None:
    (path,) = Landing(folder).manifests()[0].own_files("things")
    path.unlink()
    with pytest.raises(LandingError, match=r"a Parquet file was wanted \(rows of this load\), found no file"):
        pack_loads(Landing(folder), "shop")
    assert Landing(folder).packs() == []


def test_a_pack_json_that_is_none_is_said(folder: Path) -> None:
    pack_loads(Landing(folder), "shop")
    path = Landing(folder).packs()[0].folder / "pack.json"
    path.write_text("{}")
    with pytest.raises(LandingError, match="does not say what the pack holds"):
        Landing(folder).manifests()


def test_a_manifest_that_is_gone_is_missed_where_a_pack_holds_its_rows(folder: Path) -> None:
    first, second, *_ = Landing(folder).manifests()
    pack_loads(Landing(folder), "shop")
    (first.folder / "manifest.json").unlink()
    with pytest.raises(LandingError, match=f"{first.load_id}/manifest.json: .* found none. Nothing was read"):
        Landing(folder).manifests()
    (second.folder / "manifest.json").unlink()
    with pytest.raises(LandingError, match=r"found none \(2 are missing\)"):
        Landing(folder).manifests()


# ------------------------------------------------------------------------------------------- kills


@contextmanager
def killed_at(step: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Before and after everything that changes the disk is a step; the ``step``-th is the end."""
    left = [step]
    steps: list[str] = []

    def dying(name: str, act: Callable[..., Any]) -> Callable[..., Any]:
        def step_of(*given: Any, **named: Any) -> Any:
            _die(f"before {name}")
            done = act(*given, **named)
            _die(f"after {name}")
            return done

        return step_of

    def _die(name: str) -> None:
        steps.append(name)
        left[0] -= 1
        if left[0] == 0:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(packs, "_write_stream", dying("write", packs._write_stream))
        for owner, name in ((Path, "mkdir"), (Path, "unlink"), (Path, "replace"), (os, "fsync")):
            patch.setattr(owner, name, dying(name, getattr(owner, name)))
        patch.setattr(shutil, "rmtree", dying("rmtree", shutil.rmtree))
        yield steps


def pack_killed(folder: Path, step: int, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether it was killed; False where it has fewer steps."""
    with killed_at(step, monkeypatch):
        try:
            pack_loads(Landing(folder), "shop")
        except Killed:
            return True
    return False


@pytest.mark.parametrize("begun", ["nothing", "an unfinished pack", "a pack"])
def test_killed_at_any_step_nothing_is_lost_and_the_next_time_ends_it(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, begun: str
) -> None:
    if begun == "an unfinished pack":
        assert pack_killed(folder, 6, monkeypatch)
    if begun == "a pack":
        pack_loads(Landing(folder), "shop")
        for night in range(NIGHTS, NIGHTS + 3):
            land(folder, night)
    before, said = rows(folder), told(folder)
    for step in range(1, 1000):
        copy = tmp_path / str(step)
        shutil.copytree(folder, copy)
        was_killed = pack_killed(copy, step, monkeypatch)
        assert (rows(copy), told(copy)) == (before, said), step
        pack_loads(Landing(copy), "shop")
        assert (rows(copy), told(copy)) == (before, said), step
        pack_loads(Landing(copy), "shop")
        assert own_files(copy) == []
        assert (rows(copy), told(copy)) == (before, said), step
        left = {path.name for path in (copy / "shop").glob("pack-*")}
        assert left == {pack.folder.name for pack in Landing(copy).packs()}
        assert not list(copy.rglob("*.part"))
        if not was_killed:
            break
    assert step > 20
