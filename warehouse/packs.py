"""Small loads put together: the files of many nights become one file a stream, and no row is lost.

Here: writing a pack beside the loads, checking it against them, removing what it replaces, reading both, and
naming the file that cannot be read.
Not here: which loads an as-of rests on (``landing``), when packing happens (``pipelines``).

    landing/<source>/pack-00001/<stream>.parquet ... pack.json

Every version of every row stays, with its load and its place in it; manifests stay where they are. A pack
is written beside its loads, must hold what they hold, load by load and stream by stream, and exists from the
one rename of its ``pack.json`` on. The loads' own files are removed when packing happens the next time: a
backup that was begun before the pack was there still finds them. So a kill at any moment loses nothing, and
the next time finishes or clears away what the killed one began.
"""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import polars as pl

from warehouse.connection import connect
from warehouse.landing import FORMAT, Landing, LandingError, Manifest, Pack, packed_files, write_whole

SMALL_ROWS = 100_000
"""A load with more rows stays as it is: its files are large enough."""
AT_LEAST = 32
"""Fewer small loads than this are not worth a pack: a month of nights is."""
PACK_ROWS = 2_000_000
"""A pack with so many rows takes no further load."""

_PLACES_A_FILE = 1_000_000_000
_OWN_ROWS = f"""
SELECT files.* EXCLUDE (filename, file_row_number), loads.load_id AS _load_id,
    (regexp_extract(files.filename, '([0-9]+)[.]parquet$', 1)::BIGINT - 1) * {_PLACES_A_FILE}
        + file_row_number AS _place
FROM read_parquet($files, filename = true, file_row_number = true, union_by_name = true) AS files
JOIN loads ON loads.folder = parse_dirpath(files.filename)
"""
_PACKED_ROWS = "SELECT * FROM read_parquet($files, union_by_name = true)"
_SUMS = "SELECT _load_id, count(*), sum(hash(found)) FROM ({rows}) AS found GROUP BY _load_id"


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """What packing has done: ``loads`` are in new packs, files of ``removed`` loads are gone."""

    loads: int
    removed: int


def rows_of(manifests: Sequence[Manifest], stream: str) -> Iterator[tuple[str, list[str]]]:
    """SELECTs that together give a stream's rows, with ``_load_id`` and ``_place``, and their ``$files``.

    They need a table ``loads(load_id, folder)`` of these loads, and may give rows of other loads too.
    """
    own = [str(path) for manifest in manifests for path in manifest.own_files(stream)]
    if own:
        yield _OWN_ROWS, own
    packed = [str(path) for path in packed_files(manifests, stream)]
    if packed:
        yield _PACKED_ROWS, packed


@contextmanager
def naming_damage(files: Sequence[str]) -> Iterator[None]:
    """Reading landed files: where one is gone or damaged, LandingError names it and says what to do."""
    try:
        yield
    except duckdb.Error:
        damaged = next((path for path in map(Path, files) if not _is_whole(path)), None)
        if damaged is None:
            raise
        raise LandingError(_in_words(damaged)) from None


def _is_whole(path: Path) -> bool:
    with connect() as connection:
        try:
            connection.execute(
                "SELECT sum(hash(found)) FROM read_parquet($path) AS found", {"path": str(path)}
            )
        except duckdb.Error:
            return False
    return True


def _in_words(path: Path) -> str:
    folder = path.parent
    found = f"a file of {path.stat().st_size:,} bytes that is none" if path.exists() else "no file"
    if folder.name.startswith("pack-"):
        whose = "the rows of many loads, whose own files are gone"
    elif any(folder.glob("*.parquet")):
        whose = "rows of this load"
    else:
        whose = "rows of this load; all its files are gone, as those of a load in a pack"
    return (
        f"{path}: a Parquet file was wanted ({whose}), found {found}. Nothing was built from it, and what is "
        f"published stays. Restore {folder.name}, or a pack that is gone, from a backup. Without one, move "
        "the folder away, and run `evenhand run --full`: what the source still tells is read again."
    )


def pack_loads(landing: Landing, source: str) -> Packed:
    """Remove what earlier packs replace, then put this source's small loads together where there are enough.

    Nothing else may write to the landing folder meanwhile. Raises LandingError where a pack does not hold
    what its loads hold; then the loads' own files stay, and are what is read.
    """
    folder = landing.folder / source
    for unfinished in sorted(folder.glob("pack-*")):
        if not (unfinished / "pack.json").exists():
            shutil.rmtree(unfinished)
    removed = sum(_remove_replaced(folder, pack) for pack in landing.packs(source))
    loads = 0
    for some in _batches([each for each in landing.manifests() if each.source == source]):
        _write(folder, some)
        loads += len(some)
    return Packed(loads=loads, removed=removed)


def _batches(manifests: Sequence[Manifest]) -> Iterator[list[Manifest]]:
    """The small loads that are in no pack, oldest first, in as many packs as they fill."""
    small = [each for each in manifests if each.pack is None and sum(each.rows.values()) <= SMALL_ROWS]
    if len(small) < AT_LEAST:
        return
    batch: list[Manifest] = []
    rows = 0
    for manifest in small:
        batch.append(manifest)
        rows += sum(manifest.rows.values())
        if rows >= PACK_ROWS:
            yield batch
            batch, rows = [], 0
    if batch:
        yield batch


def _write(folder: Path, manifests: Sequence[Manifest]) -> None:
    """A new pack of these loads. It exists when its last line has run."""
    numbers = [int(path.name.rpartition("-")[2]) for path in folder.glob("pack-*")]
    pack = folder / f"pack-{max(numbers, default=0) + 1:05d}"
    pack.mkdir()
    files = {}
    with connect() as connection:
        loads = pl.DataFrame(
            [(each.load_id, str(each.folder)) for each in manifests],
            schema={"load_id": pl.String, "folder": pl.String},
            orient="row",
        )
        connection.register("loads", loads)
        for stream in sorted({name for each in manifests for name in each.files}):
            path = pack / f"{stream}.parquet"
            if _write_stream(connection, manifests, stream, path):
                files[stream] = path.name
    _to_disk(pack)
    document = {
        "format": FORMAT,
        "load_ids": [each.load_id for each in manifests],
        "files": files,
        "sizes": {stream: (pack / name).stat().st_size for stream, name in files.items()},
    }
    write_whole(pack / "pack.json", document)
    _to_disk(folder)


def _write_stream(
    connection: duckdb.DuckDBPyConnection, manifests: Sequence[Manifest], stream: str, path: Path
) -> bool:
    """The file of one stream, checked against the loads' own. False where no load has a row of it."""
    for rows, files in rows_of(manifests, stream):
        with naming_damage(files):
            found = connection.sql(f"FROM ({rows}) ORDER BY _load_id, _place", params={"files": files})
            found.write_parquet(str(path), compression="zstd")
            wanted = _sums(connection, rows, files)
        written = _sums(connection, _PACKED_ROWS, [str(path)])
        _compare(manifests, stream, wanted, written)
        return True
    return False


def _sums(
    connection: duckdb.DuckDBPyConnection, rows: str, files: Sequence[str]
) -> dict[str, tuple[int, int]]:
    """By load, how many rows there are, and the sum of their hashes, which does not depend on their order."""
    found = connection.execute(_SUMS.format(rows=rows), {"files": files}).fetchall()
    return {load_id: (count, total) for load_id, count, total in found}


def _compare(
    manifests: Sequence[Manifest],
    stream: str,
    wanted: dict[str, tuple[int, int]],
    written: dict[str, tuple[int, int]],
) -> None:
    for manifest in manifests:
        said, none = manifest.rows.get(stream, 0), (0, 0)
        own, new = wanted.get(manifest.load_id, none), written.get(manifest.load_id, none)
        if own != new or own[0] != said:
            other = ", of another content" if own[0] == new[0] else ""
            raise LandingError(
                f"{manifest.folder}: {said} rows of {stream} were wanted as the manifest says, found "
                f"{own[0]} in the load and {new[0]} in its pack{other}. Nothing was put together or removed. "
                "Restore the load's folder from a backup if it is the load that is damaged."
            )


def _remove_replaced(folder: Path, pack: Pack) -> bool:
    """Remove the own files of a pack's loads, once its files are whole. Manifests stay."""
    replaced = [path for load_id in pack.load_ids for path in sorted((folder / load_id).glob("*.parquet"))]
    if not replaced:
        return False
    for stream, name in pack.files.items():
        path = pack.folder / name
        size = path.stat().st_size if path.exists() else 0
        if size != pack.sizes[stream]:
            raise LandingError(
                f"{path}: {pack.sizes[stream]} bytes were wanted, found {size}. The files of its loads were "
                f"kept. Remove the folder {pack.folder.name}: then they are what is read again."
            )
    for path in replaced:
        path.unlink()
    return True


def _to_disk(folder: Path) -> None:
    """Have the disk hold the files of a folder, and their names."""
    for path in [*sorted(folder.glob("*.parquet")), folder]:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
