"""Append-only journals in ``<storage>/journal/``.

Here: appending one entry, reading all. What entries mean is for whoever writes them.
Not here: loads (``landing``). Journals and landing files are all that is remembered; the rest is derived.
"""

import fcntl
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO


class JournalError(Exception):
    """A journal cannot be read."""


def append(folder: Path, name: str, entries: Sequence[Mapping[str, Any]]) -> None:
    """Add entries, one JSON object a line, in one write that reaches the disk.

    A line that was cut off by a kill stays as it is, for whoever repairs it; the entries begin a line of
    their own.
    """
    if not entries:
        return
    folder.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(entry, sort_keys=True, ensure_ascii=False) + "\n" for entry in entries)
    with (folder / f"{name}.jsonl").open("ab+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if file.seek(0, os.SEEK_END) and _last_byte(file) != b"\n":
            text = "\n" + text
        file.write(text.encode())
        file.flush()
        os.fsync(file.fileno())


def entries(folder: Path, name: str) -> list[dict[str, Any]]:
    """All entries in the order they were written; none where there is no journal yet.

    Empty lines, which an editor leaves, say nothing. Raises JournalError for a line that is no entry.
    """
    path = folder / f"{name}.jsonl"
    if not path.exists():
        return []
    found = []
    # Lines end with a line feed and nothing else: texts may hold what str.splitlines takes for an end.
    with path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_SH)  # half of what another process is writing is no line
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            entry = _entry(line)
            if entry is None:
                raise JournalError(
                    f"{path}, line {number}: one JSON object a line was wanted, found something else. "
                    f"Nothing was derived. Repair or remove that line; the rest is untouched."
                )
            found.append(entry)
    return found


def _entry(line: bytes) -> dict[str, Any] | None:
    try:
        entry = json.loads(line.decode("utf-8-sig"))  # an editor may have put a mark at the file's beginning
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None


def _last_byte(file: BinaryIO) -> bytes:
    file.seek(-1, os.SEEK_END)
    return file.read(1)
