"""Immutable load files and their manifest.

Here: writing a load (Parquet per stream, the manifest last), finding loads and where their rows lie,
choosing those of an as-of.
Not here: fetching (connectors), cleaning (transforms), putting small loads together (``packs``).

    landing/<source>/<load_id>/<stream>-00001.parquet ... manifest.json
    landing/<source>/pack-00001/<stream>.parquet ... pack.json

A load without a manifest does not exist: a run that is killed leaves files that nothing reads. Nothing is
ever overwritten, so any past as-of can be rebuilt. Watermarks are read from manifests, so that state cannot
disagree with data.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, date, datetime
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, ClassVar, Literal, Protocol, Union, get_args, get_origin, get_type_hints

import polars as pl

FORMAT = 1
ROWS_A_FILE = 200_000
REJECTED = "rejected_records"
_TIME = pl.Datetime("us", "UTC")
BOOKKEEPING: dict[str, Any] = {"_page": pl.Int32, "_fetched_at_utc": _TIME, "_scope": pl.String}


class Record(Protocol):
    """A frozen dataclass with the name of its stream."""

    stream: ClassVar[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """How far one scope (a repository, a file) was read. ``gap`` says in words what is missing."""

    scope: str
    pages: int
    gap: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """Files with the rows of several loads of a source, one for each stream that has any.

    Beside the columns of its stream a row has ``_load_id`` and ``_place``, its place within the load.
    ``files`` are the names by stream, ``sizes`` their bytes. A pack without ``pack.json`` does not exist.
    """

    folder: Path
    load_ids: tuple[str, ...]
    files: Mapping[str, str]
    sizes: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What reading a load took, and what had been foreseen.

    ``kinds``: requests, points, seconds and rows by the kind of what was asked for, without waiting for
    limits; loads of earlier versions tell no rows.
    ``is_full``: it read everything. ``seconds``: all of it, with waiting; None where a load was gone on with,
    because the times of two runs are no time of one. Foreseen is None where nobody could tell.
    """

    is_full: bool
    kinds: Mapping[str, tuple[int, int, float, int]]
    seconds: float | None
    foreseen_requests: int | None
    foreseen_seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What one load holds.

    ``known_at_utc`` is the server's own time at its start. ``reads`` says in words how far the source goes
    back: a load that read less is no ground for reading only what has changed since. ``rows`` and ``files``
    are per stream; ``content_hash`` is an order-free hash of all rows. A load that is in a ``pack`` is read
    from there, and its own files may be gone.
    """

    load_id: str
    source: str
    known_at_utc: datetime
    code_version: str
    configuration_hash: str
    reads: str
    scopes: tuple[Scope, ...]
    files: Mapping[str, tuple[str, ...]]
    rows: Mapping[str, int]
    content_hash: str
    requests: int
    points: int
    folder: Path
    pack: Pack | None = None
    reading: Reading | None = None

    def own_files(self, stream: str) -> list[Path]:
        """The load's own files that hold rows of a stream; none where it is read from a pack."""
        if self.pack is not None or not self.rows.get(stream):
            return []
        return [self.folder / name for name in self.files.get(stream, ())]

    @property
    def is_complete(self) -> bool:
        return not self.gaps

    @property
    def gaps(self) -> tuple[str, ...]:
        return tuple(scope.gap for scope in self.scopes if scope.gap is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenLoad:
    """A load that an as-of rests on. ``is_backfilled``: taken although it is later than the as-of."""

    manifest: Manifest
    is_backfilled: bool


class LandingError(Exception):
    """The landing folder is not what it should be."""


@dataclass(slots=True)
class Landing:
    """The landing folder."""

    folder: Path

    def open_load(
        self,
        *,
        source: str,
        known_at_utc: datetime,
        code_version: str,
        configuration_hash: str,
        record_types: Sequence[type[Record]],
        reads: str = "all",
    ) -> "Load":
        """A new load of a source. Its id tells source, server time and number, and sorts by them."""
        stamp = f"{known_at_utc.astimezone(UTC):%Y%m%dT%H%M%SZ}"
        taken = {entry.name for entry in self._source(source).glob(f"{source}-{stamp}-*")}
        number = next(n for n in range(1, 100_000) if f"{source}-{stamp}-{n:04d}" not in taken)
        load_id = f"{source}-{stamp}-{number:04d}"
        folder = self._source(source) / load_id
        folder.mkdir(parents=True)
        return Load(
            folder=folder,
            load_id=load_id,
            source=source,
            known_at_utc=known_at_utc.astimezone(UTC),
            code_version=code_version,
            configuration_hash=configuration_hash,
            reads=reads,
            schemas={record.stream: parquet_types(record) for record in record_types}
            | {REJECTED: REJECTED_TYPES},
        )

    def remove_unfinished(self, source: str, load_ids: Sequence[str]) -> None:
        """Remove the files of loads that never ended. One with a manifest stays, whatever it is called."""
        for load_id in load_ids:
            folder = self._source(source) / load_id
            if folder.is_dir() and not (folder / "manifest.json").exists():
                shutil.rmtree(folder)

    def manifests(self) -> list[Manifest]:
        """Every load that exists, oldest first by what was known when, then by id."""
        packs = {load_id: pack for pack in self.packs() for load_id in pack.load_ids}
        found = [
            _read(path, packs.get(path.parent.name)) for path in sorted(self.folder.glob("*/*/manifest.json"))
        ]
        lost = packs.keys() - {manifest.load_id for manifest in found}
        if lost:
            load_id, pack = min((load_id, packs[load_id].folder) for load_id in lost)
            more = f" ({len(lost)} are missing)" if len(lost) > 1 else ""
            path = pack.parent / load_id / "manifest.json"
            raise LandingError(
                f"{path}: a manifest was wanted, because {pack.name} holds rows of that load; found "
                f"none{more}. Nothing was read. Restore it from a backup; without it nobody knows when those "
                "rows were known."
            )
        return sorted(found, key=lambda manifest: (manifest.known_at_utc, manifest.load_id))

    def packs(self, source: str = "*") -> list[Pack]:
        """Every pack that exists."""
        return [_read_pack(path) for path in sorted(self.folder.glob(f"{source}/pack-*/pack.json"))]

    def _source(self, source: str) -> Path:
        return self.folder / source


def packed_files(manifests: Iterable[Manifest], stream: str) -> list[Path]:
    """The files of packs that hold rows of a stream in these loads; they may hold rows of other loads too."""
    packs = {manifest.pack.folder: manifest.pack for manifest in manifests if manifest.pack is not None}
    return [pack.folder / pack.files[stream] for pack in packs.values() if stream in pack.files]


def newest_known_at(manifests: Sequence[Manifest]) -> datetime | None:
    """The as-of of a run that names none: the newest server time among the loads."""
    return max((manifest.known_at_utc for manifest in manifests), default=None)


def choose_loads(manifests: Sequence[Manifest], as_of_utc: datetime) -> list[ChosenLoad]:
    """The loads an as-of rests on, oldest first (see docs/as-of.md).

    Those known at or before it; for a source that has none, its first load, marked as backfilled.
    """
    chosen: list[ChosenLoad] = []
    for source in sorted({manifest.source for manifest in manifests}):
        own = sorted(
            (manifest for manifest in manifests if manifest.source == source),
            key=lambda manifest: (manifest.known_at_utc, manifest.load_id),
        )
        known = [manifest for manifest in own if manifest.known_at_utc <= as_of_utc]
        chosen += [ChosenLoad(manifest=manifest, is_backfilled=not known) for manifest in known or own[:1]]
    return sorted(chosen, key=lambda load: (load.manifest.known_at_utc, load.manifest.load_id))


@dataclass(slots=True, kw_only=True)
class Load:
    """A load being written. :meth:`finish` writes the manifest; without it nothing of the load exists."""

    folder: Path
    load_id: str
    source: str
    known_at_utc: datetime
    code_version: str
    configuration_hash: str
    reads: str
    schemas: dict[str, dict[str, Any]]
    rows: dict[str, int] = field(default_factory=dict)
    _buffers: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    _files: dict[str, list[str]] = field(default_factory=dict)
    _pages: dict[str, int] = field(default_factory=dict)
    _gaps: dict[str, str] = field(default_factory=dict)
    _hash: int = 0

    @property
    def pages(self) -> int:
        """How many were written so far."""
        return sum(self._pages.values())

    def write(
        self,
        records: Iterable[Record],
        *,
        scope: str,
        fetched_at_utc: datetime,
        rejected: Iterable[Any] = (),
    ) -> None:
        """One page: its records, and what of it was rejected. Records of one snapshot share a page."""
        page = self.pages + 1
        self._pages[scope] = self._pages.get(scope, 0) + 1
        bookkeeping = {"_page": page, "_fetched_at_utc": fetched_at_utc, "_scope": scope}
        for record in records:
            self._keep(record.stream, record, bookkeeping)
        for reject in rejected:
            self._keep(REJECTED, reject, bookkeeping)

    def rehearsal(self) -> "Load":
        """One to write pages to that are not kept: it has no files, and is never finished."""
        return replace(self, rows={}, _buffers={}, _files={}, _pages={}, _gaps={}, _hash=0)

    def gap(self, *, scope: str, message: str) -> None:
        """Say what could not be read."""
        self._pages.setdefault(scope, 0)
        self._gaps[scope] = message

    def files_of(self, stream: str) -> list[Path]:
        """The files of a stream so far, with what was still in memory written first."""
        if self._buffers.get(stream):
            self._flush(stream)
        return [self.folder / name for name in self._files.get(stream, ())]

    def finish(self, *, requests: int = 0, points: int = 0, reading: Reading | None = None) -> Manifest:
        """Write what is still in memory, then the manifest, in one rename.

        A stream without rows gets an empty file, so that its columns are known to whoever reads it.
        """
        for stream in self.schemas:
            if self._buffers.get(stream) or stream not in self._files:
                self._flush(stream)
        manifest = {
            "format": FORMAT,
            "load_id": self.load_id,
            "source": self.source,
            "known_at_utc": self.known_at_utc.isoformat(),
            "code_version": self.code_version,
            "configuration_hash": self.configuration_hash,
            "reads": self.reads,
            "scopes": [
                {"scope": scope, "pages": pages, "gap": self._gaps.get(scope)}
                for scope, pages in sorted(self._pages.items())
            ],
            "files": dict(sorted(self._files.items())),
            "rows": dict(sorted(self.rows.items())),
            "content_hash": f"{self._hash:032x}",
            "requests": requests,
            "points": points,
            "reading": None if reading is None else asdict(reading),
        }
        target = self.folder / "manifest.json"
        write_whole(target, manifest)
        return _read(target)

    def _keep(self, stream: str, record: Any, bookkeeping: dict[str, Any]) -> None:
        # Not dataclasses.asdict: it copies every value, and that was two thirds of the time of a load.
        row = {name: getattr(record, name) for name in self.schemas[stream]}
        rows = self._buffers.setdefault(stream, [])
        self._hash = (self._hash + _row_hash(stream, row)) % (1 << 128)
        rows.append(row | bookkeeping)
        self.rows[stream] = self.rows.get(stream, 0) + 1
        if len(rows) >= ROWS_A_FILE:
            self._flush(stream)

    def _flush(self, stream: str) -> None:
        rows = self._buffers.pop(stream, [])
        names = self._files.setdefault(stream, [])
        name = f"{stream}-{len(names) + 1:05d}.parquet"
        frame = pl.from_dicts(rows, schema=self.schemas[stream] | BOOKKEEPING)
        frame.write_parquet(self.folder / name, compression="zstd")
        names.append(name)


def write_whole(path: Path, document: Mapping[str, Any]) -> None:
    """Write JSON that is there whole or not at all: beside its place, to the disk, then renamed."""
    draft = path.with_name(f"{path.name}.part")
    with draft.open("w", encoding="utf-8") as file:
        json.dump(document, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


REJECTED_TYPES: dict[str, Any] = {
    **dict.fromkeys(("stream", "scope", "ref", "field", "problem", "message"), pl.String),
    "is_lost": pl.Boolean,
}


def _row_hash(stream: str, row: Mapping[str, Any]) -> int:
    """128 bits of one row; summed over rows they do not depend on order or files."""
    text = json.dumps([stream, row], default=_as_text, sort_keys=True, ensure_ascii=False)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=16).digest())


def _as_text(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"a record field holds {type(value).__name__}, which landing does not keep")


def parquet_types(record: type[Record]) -> dict[str, Any]:
    """The Parquet types of a record type's fields, from its annotations."""
    hints = get_type_hints(record)
    return {entry.name: _type(hints[entry.name]) for entry in fields(record)}  # type: ignore[arg-type]


def _type(hint: Any) -> Any:
    origin = get_origin(hint)
    if origin in (Union, UnionType):
        (only,) = (part for part in get_args(hint) if part is not NoneType)
        return _type(only)
    if origin is Literal:
        return pl.String
    if origin is tuple:
        return pl.List(_type(get_args(hint)[0]))
    known = {
        str: pl.String,
        int: pl.Int64,
        bool: pl.Boolean,
        float: pl.Float64,
        datetime: _TIME,
        date: pl.Date,
    }
    return known[hint]


def _read(path: Path, pack: Pack | None = None) -> Manifest:
    try:
        document = _document(path)
        return Manifest(
            load_id=document["load_id"],
            source=document["source"],
            known_at_utc=datetime.fromisoformat(document["known_at_utc"]),
            code_version=document["code_version"],
            configuration_hash=document["configuration_hash"],
            reads=document["reads"],
            scopes=tuple(Scope(**scope) for scope in document["scopes"]),
            files={stream: tuple(names) for stream, names in document["files"].items()},
            rows=document["rows"],
            content_hash=document["content_hash"],
            requests=document["requests"],
            points=document["points"],
            folder=path.parent,
            pack=pack,
            reading=_reading(document.get("reading")),
        )
    except (ValueError, KeyError, TypeError) as problem:
        raise LandingError(
            f"{path} is not a manifest ({type(problem).__name__}: {problem}). Nothing was read. "
            f"Restore it from a backup; without it this load does not exist."
        ) from problem


def _reading(document: dict[str, Any] | None) -> Reading | None:
    """Loads of earlier versions do not say."""
    if document is None:
        return None
    kinds = {
        kind: (int(n), int(points), float(seconds), int(*rows) if rows else 0)
        for kind, (n, points, seconds, *rows) in document["kinds"].items()
    }
    return Reading(**{**document, "kinds": kinds})


def _read_pack(path: Path) -> Pack:
    try:
        document = _document(path)
        return Pack(
            folder=path.parent,
            load_ids=tuple(document["load_ids"]),
            files=document["files"],
            sizes=document["sizes"],
        )
    except (ValueError, KeyError, TypeError) as problem:
        raise LandingError(
            f"{path} does not say what the pack holds ({type(problem).__name__}: {problem}). Nothing was "
            f"read. Restore it from a backup; it holds loads whose own files are gone."
        ) from problem


def _document(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text("utf-8"))
    if document["format"] != FORMAT:
        raise LandingError(
            f"{path}: format {FORMAT} was wanted, found {document['format']}. "
            f"A newer Evenhand wrote it; nothing was read. Use that version."
        )
    return document
