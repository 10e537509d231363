"""One small made-up organisation, run once through the real job, for all tests that only read it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ENVIRONMENT = {**os.environ, "DAGSTER_DISABLE_TELEMETRY": "1", "TZ": "Pacific/Kiritimati"}


def evenhand(*arguments: str, folder: Path | None = None) -> "subprocess.CompletedProcess[str]":
    """The command, in a process of its own, in an awkward zone, with warnings as errors."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "pipelines.cli", *arguments],
        capture_output=True,
        text=True,
        cwd=folder,
        env=ENVIRONMENT | {"PYTHONPATH": str(Path(__file__).parents[2])},
        check=False,
        timeout=300,
    )


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of `evenhand demo` with 20 engineers and six months."""
    folder = tmp_path_factory.mktemp("demo") / "acme"
    result = evenhand("demo", "--engineers", "20", "--months", "6", "--out", str(folder))
    assert result.returncode == 0, result.stderr
    return folder
