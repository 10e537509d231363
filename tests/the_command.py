"""The command, in a process of its own, for tests of what people type and read."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ENVIRONMENT = {**os.environ, "DAGSTER_DISABLE_TELEMETRY": "1", "TZ": "Pacific/Kiritimati"}
DEMO_SIZE = ("--engineers", "20", "--months", "6")


def evenhand(*arguments: str, folder: Path | None = None) -> "subprocess.CompletedProcess[str]":
    """The command, in a process of its own, in an awkward zone, with warnings as errors."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "pipelines.cli", *arguments],
        capture_output=True,
        text=True,
        cwd=folder,
        env=ENVIRONMENT | {"PYTHONPATH": str(Path(__file__).parents[1])},
        check=False,
        timeout=300,
    )


def copy_of(finished: Path, folder: Path) -> Path:
    """The demo as if it had been made in ``folder``."""
    copy = folder / finished.name
    shutil.copytree(finished, copy, symlinks=True)
    said = (finished.parent / "said.txt").read_text()
    (folder / "said.txt").write_text(said.replace(str(finished), str(copy)))
    return copy
