"""Material that lies beside the checkout and not in it: real data, the emulator, the sources' contracts.

Tests that need it say so and skip; everything else passes without it. Nothing of it is printed or committed.
"""

import gzip
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

SHARED = Path(__file__).parents[2] / "shared"


def needed(*parts: str) -> Path:
    """A path below the shared folder; the test is skipped, with the reason, where it is not there."""
    path = SHARED.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"needs {'/'.join(('../shared', *parts))}, which is not beside this checkout")
    return path


def rows(*parts: str) -> Iterator[dict[str, Any]]:
    """The rows of a gzip'd JSON Lines file of the shared data."""
    with gzip.open(needed("data", *parts), "rt", encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def emulated_world(**settings: Any) -> Any:
    """The emulator's world, started on free ports of the loopback interface. Stop it after use."""
    folder = str(needed("emulator"))
    if folder not in sys.path:
        sys.path.insert(0, folder)
    world = pytest.importorskip("sigemu.world", reason="needs ../shared/emulator and what it imports")
    return world.World(contracts=needed("contracts"), **settings).start()
