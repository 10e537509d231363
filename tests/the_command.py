"""The command, in a process of its own, for tests of what people type and read."""

import os
import subprocess
import sys
from pathlib import Path

ENVIRONMENT = {**os.environ, "DAGSTER_DISABLE_TELEMETRY": "1", "TZ": "Pacific/Kiritimati"}


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
