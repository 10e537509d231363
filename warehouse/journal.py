"""Append-only journals in ``<storage>/journal/``.

Here: appending one entry, reading all. What entries mean is for whoever writes them.
Not here: loads (``landing``). Journals and landing files are all that is remembered; the rest is derived.
"""

import fcntl
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


class JournalError(Exception):
    """A journal cannot be read."""


def append(folder: Path, name: str, entries: Sequence[Mapping[str, Any]]) -> None:
    """Add entries, one JSON object a line, in one write that reaches the disk."""
    if not entries:
        return
    folder.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(entry, sort_keys=True, ensure_ascii=False) + "\n" for entry in entries)
    with (folder / f"{name}.jsonl").open("a", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def entries(folder: Path, name: str) -> list[dict[str, Any]]:
    """All entries in the order they were written; none where there is no journal yet."""
    path = folder / f"{name}.jsonl"
    if not path.exists():
        return []
    found = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
        try:
            found.append(json.loads(line))
        except ValueError:
            raise JournalError(
                f"{path}, line {number}: one JSON object a line was wanted, found something else. "
                f"Nothing was derived. Repair or remove that line; the rest is untouched."
            ) from None
    return found
