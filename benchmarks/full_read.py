"""What a full read costs: requests and points per 1,000 pull requests, seconds, peak memory.

    python benchmarks/full_read.py                     the made-up organisation, 300 engineers, no network
    python benchmarks/full_read.py --data ../shared    real public reviews, through the emulator beside it

Each step runs in a process of its own, so that its peak memory is its own. Seconds depend on the machine:
quote them as ratios of one run (the last column), and requests and points as they are.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from pipelines import nightly
from pipelines.nightly import Night
from pipelines.settings import Settings

STEPS = ("land github", "land organization", "build_core", "build_facts", "build_trends", "publish")
EMULATOR = """
import sys, json, time
sys.path.insert(0, sys.argv[1] + "/emulator")
from sigemu.world import World
world = World(data_dir=sys.argv[1] + "/data", contracts=sys.argv[1] + "/contracts").start()
print(json.dumps({"url": world.url("github"), "repositories": sorted(world.github.repos)}), flush=True)
sys.stdin.read()
"""


def night_of(folder: Path, source: dict[str, Any]) -> Night:
    """The night of a storage folder; the token is the emulator's own."""
    document = {
        "organization": {"name": "Benchmark", "reporting_timezone": "UTC"},
        "sources": source,
        "folder": folder,
    }
    return Night(settings=Settings.model_validate(document), environment={"TOKEN": "ghp_sigemu"})


def run_step(step: str, folder: Path, source: dict[str, Any]) -> None:
    """One step in this process; prints its seconds and peak memory."""
    night = night_of(folder, source)
    start = time.perf_counter()
    if step == "publish":
        publish_without_gate(night)
    else:
        name, *source = step.split()
        getattr(nightly, name)(night, *source)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "peak_mb": peak}))


def publish_without_gate(night: Night) -> None:
    """Publishing alone; the checks' time is an import's and is not what is measured here."""
    from transforms.queries import create
    from warehouse.connection import connect

    with connect(night.working_path) as connection:
        create(connection, "ops.checks")
    nightly.publish_database(night)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder with emulator/, contracts/ and data/")
    parser.add_argument("--engineers", type=int, default=300, help="size of the made-up organisation")
    parser.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--source", type=json.loads, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.step is not None:
        run_step(asked.step, asked.folder, asked.source)
        return
    with tempfile.TemporaryDirectory() as folder:
        if asked.data is None:
            measure(Path(folder), {"demo": {"engineers": asked.engineers}})
        else:
            measure_emulated(Path(folder), asked.data.resolve())


def measure_emulated(folder: Path, shared: Path) -> None:
    """The same over HTTP, against the emulator in a process of its own."""
    command = [sys.executable, "-c", EMULATOR, str(shared)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        where = json.loads(server.stdout.readline())
        github = {
            "base_url": where["url"],
            "token": {"env": "TOKEN"},
            "repositories": where["repositories"],
        }
        try:
            measure(folder, {"github": github})
        finally:
            server.terminate()


def measure(folder: Path, source: dict[str, Any]) -> None:
    """Run every step and print the table."""
    found = {}
    for step in STEPS:
        command = [sys.executable, __file__, "--step", step, "--folder", str(folder)]
        answer = subprocess.run(
            [*command, "--source", json.dumps(source)], check=True, capture_output=True, text=True
        )
        found[step] = json.loads(answer.stdout.splitlines()[-1])
    manifest = next(
        manifest for manifest in night_of(folder, source).landing.manifests() if manifest.source == "github"
    )
    pulls = manifest.rows["pull_requests"]
    print(f"{pulls:,} pull requests, {sum(manifest.rows.values()):,} rows landed")
    requests, points = 1000 * manifest.requests / pulls, 1000 * manifest.points / pulls
    print(f"{requests:.1f} requests and {points:.0f} points per 1,000")
    whole = sum(step["seconds"] for step in found.values())
    print(f"{'step':<20}{'seconds':>9}{'peak MB':>9}{'share of the run':>18}")
    for step, row in found.items():
        print(f"{step:<20}{row['seconds']:>9.1f}{row['peak_mb']:>9.0f}{row['seconds'] / whole:>18.0%}")


if __name__ == "__main__":
    main()
