"""Load files and their manifest."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import ClassVar, Literal

import polars as pl
import pytest

from warehouse.landing import REJECTED, Landing, LandingError, Load, Manifest, newest_known_at

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """A record with every type that landing keeps."""

    stream: ClassVar[str] = "things"
    thing_id: str
    size: int = 1
    weight: float = 0.5
    is_new: bool = True
    made_at_utc: datetime | None = None
    due: date | None = None
    labels: tuple[str, ...] = ()
    days: tuple[int, ...] = (1, 2)
    kind: Literal["a", "b"] | None = "a"


@dataclass(frozen=True, slots=True, kw_only=True)
class Other:
    stream: ClassVar[str] = "others"
    other_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reject:
    stream: str = "things"
    scope: str = "s"
    ref: str = "line 4"
    field: str = "size"
    problem: str = "wrong_type"
    message: str = "a number was wanted"
    is_lost: bool = True


def open_load(folder: Path, *, known_at: datetime = AT, source: str = "shop") -> Load:
    return Landing(folder).open_load(
        source=source,
        known_at_utc=known_at,
        code_version="1.2",
        configuration_hash="abc",
        record_types=(Thing, Other),
    )


def landed(folder: Path, pages: Sequence[Sequence[Thing | Other]], *, known_at: datetime = AT) -> Manifest:
    load = open_load(folder, known_at=known_at)
    for page in pages:
        load.write(page, scope="s", fetched_at_utc=known_at)
    return load.finish(requests=3, points=5)


def frame(manifest: Manifest, stream: str = "things") -> pl.DataFrame:
    return pl.concat([pl.read_parquet(manifest.folder / name) for name in manifest.files[stream]])


def test_load_without_a_manifest_does_not_exist(tmp_path: Path) -> None:
    load = open_load(tmp_path)
    load.write([Thing(thing_id="a")], scope="s", fetched_at_utc=AT)
    load.files_of("things")  # its file is on the disk
    assert list(load.folder.glob("*.parquet"))
    assert Landing(tmp_path).manifests() == []
    load.finish()
    assert [manifest.load_id for manifest in Landing(tmp_path).manifests()] == [load.load_id]


def test_manifest_that_is_half_written_does_not_exist(tmp_path: Path) -> None:
    load = open_load(tmp_path)
    (load.folder / "manifest.json.part").write_text('{"format": 1, "load')
    assert Landing(tmp_path).manifests() == []


def test_manifest_is_written_after_every_file(tmp_path: Path) -> None:
    manifest = landed(tmp_path, [[Thing(thing_id="a"), Other(other_id="b")]])
    written = (manifest.folder / "manifest.json").stat().st_mtime_ns
    files = [manifest.folder / name for names in manifest.files.values() for name in names]
    assert len(files) == 3
    assert all(file.stat().st_mtime_ns <= written for file in files)


def test_nothing_that_is_landed_is_ever_written_again(tmp_path: Path) -> None:
    """Two loads of one instant are two folders, and later loads leave earlier files alone."""
    first = landed(tmp_path, [[Thing(thing_id="a")]])
    before = {path: path.read_bytes() for path in first.folder.iterdir()}
    second = landed(tmp_path, [[Thing(thing_id="a", size=2)]])
    assert [first.load_id, second.load_id] == ["shop-20260302T090000Z-0001", "shop-20260302T090000Z-0002"]
    assert {path: path.read_bytes() for path in first.folder.iterdir()} == before


def test_number_of_a_load_that_was_killed_is_not_used_again(tmp_path: Path) -> None:
    open_load(tmp_path)
    assert open_load(tmp_path).load_id.endswith("-0002")


def test_manifest_says_what_the_load_holds(tmp_path: Path) -> None:
    load = open_load(tmp_path)
    load.write([Thing(thing_id="a"), Thing(thing_id="b")], scope="s", fetched_at_utc=AT, rejected=[Reject()])
    load.write([Other(other_id="c")], scope="t", fetched_at_utc=AT)
    load.gap(scope="u", message="u could not be read")
    manifest = load.finish(requests=3, points=5)
    assert manifest.rows == {"things": 2, "others": 1, REJECTED: 1}
    assert [(scope.scope, scope.pages, scope.gap) for scope in manifest.scopes] == [
        ("s", 1, None),
        ("t", 1, None),
        ("u", 0, "u could not be read"),
    ]
    assert (manifest.requests, manifest.points, manifest.code_version) == (3, 5, "1.2")
    assert manifest.known_at_utc == AT
    assert not manifest.is_complete
    assert Landing(tmp_path).manifests() == [manifest]


def test_columns_have_the_types_of_the_annotations_even_where_everything_is_null(tmp_path: Path) -> None:
    found = frame(landed(tmp_path, [[Thing(thing_id="a", kind=None)]])).schema
    wanted = {
        "thing_id": pl.String,
        "size": pl.Int64,
        "weight": pl.Float64,
        "is_new": pl.Boolean,
        "made_at_utc": pl.Datetime("us", "UTC"),
        "due": pl.Date,
        "labels": pl.List(pl.String),
        "days": pl.List(pl.Int64),
        "kind": pl.String,
        "_page": pl.Int32,
        "_fetched_at_utc": pl.Datetime("us", "UTC"),
        "_scope": pl.String,
    }
    assert dict(found) == wanted


def test_values_come_back_as_they_were(tmp_path: Path) -> None:
    east = AT.astimezone(tz=None) + timedelta(microseconds=7)
    thing = Thing(thing_id="ünï\u2028", made_at_utc=east, due=date(2026, 3, 2), labels=("x", "y"), kind="b")
    (row,) = frame(landed(tmp_path, [[thing]])).to_dicts()
    assert row["made_at_utc"] == east
    assert (row["thing_id"], row["due"], row["labels"], row["days"], row["kind"]) == (
        "ünï\u2028",
        date(2026, 3, 2),
        ["x", "y"],
        [1, 2],
        "b",
    )


def test_stream_without_rows_has_an_empty_file_with_its_columns(tmp_path: Path) -> None:
    manifest = landed(tmp_path, [])
    assert set(manifest.files) == {"things", "others", REJECTED}
    assert frame(manifest, "others").columns == ["other_id", "_page", "_fetched_at_utc", "_scope"]
    assert frame(manifest, "others").height == 0
    assert manifest.rows == {}


def test_records_of_one_page_share_its_number_and_pages_count_up(tmp_path: Path) -> None:
    manifest = landed(tmp_path, [[Thing(thing_id="a"), Thing(thing_id="b")], [Thing(thing_id="c")]])
    assert frame(manifest).select("thing_id", "_page").rows() == [("a", 1), ("b", 1), ("c", 2)]


# --- the content's hash ---


def test_hash_is_free_of_order_pages_time_and_files(tmp_path: Path) -> None:
    a, b, other = Thing(thing_id="a"), Thing(thing_id="b"), Other(other_id="c")
    one = landed(tmp_path / "1", [[a, b], [other]])
    two = landed(tmp_path / "2", [[other], [b], [a]], known_at=AT + timedelta(days=1))
    load = open_load(tmp_path / "3")
    for record in (b, a, other):
        load.write([record], scope="elsewhere", fetched_at_utc=AT)
        load.files_of("things")  # a file of its own
    assert len({one.content_hash, two.content_hash, load.finish().content_hash}) == 1


@pytest.mark.parametrize(
    "changed",
    [
        [Thing(thing_id="a", size=2)],
        [Thing(thing_id="a", labels=("x",))],
        [Thing(thing_id="a", made_at_utc=AT)],
        [Thing(thing_id="a", kind=None)],
        [Thing(thing_id="a"), Thing(thing_id="a")],
        [Other(other_id="a")],
        [],
    ],
)
def test_hash_changes_with_the_content(tmp_path: Path, changed: list[Thing | Other]) -> None:
    one = landed(tmp_path / "1", [[Thing(thing_id="a")]])
    assert landed(tmp_path / "2", [changed]).content_hash != one.content_hash


def test_hash_of_an_instant_does_not_depend_on_its_offset(tmp_path: Path) -> None:
    local = AT.astimezone(tz=None)
    hashes = {
        landed(tmp_path / name, [[Thing(thing_id="a", made_at_utc=at)]]).content_hash
        for name, at in (("1", AT), ("2", local))
    }
    assert len(hashes) == 1


def test_field_that_landing_does_not_keep_is_refused(tmp_path: Path) -> None:
    load = open_load(tmp_path)
    with pytest.raises(TypeError, match="holds set, which landing does not keep"):
        load.write([Thing(thing_id="a", labels={"x"})], scope="s", fetched_at_utc=AT)  # type: ignore[arg-type]


# --- reading manifests ---


def test_unknown_format_is_refused_in_words(tmp_path: Path) -> None:
    manifest = landed(tmp_path, [])
    path = manifest.folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 99}))
    with pytest.raises(LandingError, match=r"format 1 was wanted, found 99.*nothing was read"):
        Landing(tmp_path).manifests()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 1}', "not json"])
def test_broken_manifest_is_told_with_its_path(tmp_path: Path, text: str) -> None:
    path = landed(tmp_path, []).folder / "manifest.json"
    path.write_text(text)
    with pytest.raises(LandingError, match=r"manifest\.json is not a manifest"):
        Landing(tmp_path).manifests()


def test_manifests_are_in_the_order_of_what_was_known(tmp_path: Path) -> None:
    late = landed(tmp_path, [], known_at=AT + timedelta(days=1))
    early = landed(tmp_path, [], known_at=AT)
    assert Landing(tmp_path).manifests() == [early, late]
    assert newest_known_at([early, late]) == AT + timedelta(days=1)
    assert newest_known_at([]) is None


def test_folder_that_is_not_there_holds_no_loads(tmp_path: Path) -> None:
    assert Landing(tmp_path / "nowhere").manifests() == []
