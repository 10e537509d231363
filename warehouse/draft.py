"""What a run that was killed had already been answered, so that the next run does not ask again.

Here: an append-only file of answers by key, which ends with the load it belongs to.
Not here: loads (``landing``), what an answer is (connectors).

A draft is nothing that anybody reads: the load it belongs to exists when its manifest does. It holds answers
to what was asked and nothing besides, is readable by the operator alone, and ends with its load.
"""

import base64
import binascii
import json
import os
import zlib
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_LOAD = "load"


@dataclass(slots=True, kw_only=True)
class Draft:
    """A draft. ``stands_on`` names everything that decides what is asked: one that stood on other is void.

    A line is a key and a compressed value; a line that was cut by a kill is dropped, with what follows it.
    """

    path: Path
    stands_on: str
    unfinished: list[str] = field(default_factory=list)
    _places: dict[str, deque[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        end = self._read()
        if not self.path.exists():
            self._begin()
        elif end == 0:
            self.clear()
        else:
            os.truncate(self.path, end)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing left to take."""
        return not self._places

    @property
    def keys(self) -> list[str]:
        """The key of each value that is left to take."""
        return [key for key, places in self._places.items() for _ in places]

    def take(self, key: str) -> Any:
        """The oldest value of that key that was not taken yet; None where there is none."""
        found = self.peek(key)
        if key in self._places:
            self._places[key].popleft()
            if not self._places[key]:
                del self._places[key]
        return found

    def peek(self, key: str) -> Any:
        """What :meth:`take` would give."""
        if key not in self._places:
            return None
        with self.path.open("rb") as file:
            file.seek(self._places[key][0])
            found = _value_of(file.readline())
        return None if found is None else found[1]

    def keep(self, key: str, value: Any) -> None:
        """Add a value; it is on the disk when this returns."""
        text = base64.b64encode(zlib.compress(json.dumps([key, value]).encode(), 1))
        with self.path.open("ab") as file:
            file.write(text + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def belongs_to(self, load_id: str) -> None:
        """Say which load is being written, so that its files can be removed if it never ends."""
        self.keep(_LOAD, load_id)

    def clear(self) -> None:
        """Forget every answer; ``unfinished`` stays."""
        self._places.clear()
        self.path.unlink(missing_ok=True)
        self._begin()

    def remove(self) -> None:
        """The load has ended: nothing of the draft is left."""
        self._places.clear()
        self.path.unlink(missing_ok=True)

    def _begin(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(self.path, os.O_CREAT | os.O_WRONLY, 0o600))
        self.keep("stands_on", self.stands_on)

    def _read(self) -> int:
        """Find the places of what is there. Gives the end of its last whole line; 0 where it is void."""
        if not self.path.exists():
            return 0
        place = 0
        is_void = False
        with self.path.open("rb") as file:
            for line in file:
                found = _value_of(line)
                if found is None:
                    break
                key, value = found
                if place == 0:
                    is_void = found != ["stands_on", self.stands_on]
                elif key == _LOAD:
                    self.unfinished.append(str(value))
                elif not is_void:
                    self._places.setdefault(key, deque()).append(place)
                place += len(line)
        return 0 if is_void else place


def _value_of(line: bytes) -> Sequence[Any] | None:
    """Key and value of a line; None for one that is not whole."""
    if not line.endswith(b"\n"):
        return None
    try:
        found = json.loads(zlib.decompress(base64.b64decode(line[:-1], validate=True)))
    except (binascii.Error, zlib.error, ValueError):
        return None
    return found if isinstance(found, list) and len(found) == 2 else None
