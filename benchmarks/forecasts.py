"""How right the forecast of a run is: requests and seconds foreseen and taken.

    python benchmarks/forecasts.py --data ../shared

Full reads and nights over the emulator beside the checkout: recorded public reviews (GitHub), and made-up
organisations of three sizes and seeds (all sources). Requests depend on nothing but the data; seconds
depend on the machine and on who else uses it.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from pipelines.outlook import holds
from tests.pipelines.emulated import land, night_of, turn_to_loopback
from tests.shared_material import SHARED, emulated_world

DAY_SECONDS = 86_400
ORGANISATIONS: dict[str, dict[str, Any]] = {
    "5 people": {"seed": 5, "gen": {"months": 2, "people": 5, "prs_per_month": 10}},
    "20 people": {"seed": 8, "gen": {"months": 12, "people": 20, "prs_per_month": 60}},
    "40 people": {"seed": 3, "gen": {"months": 24, "people": 40, "prs_per_month": 150}},
}


def measure(what: str, world: Any, source: str, nights: int, **section: Any) -> None:
    """Print a line for the full read and one for the nights behind it."""
    with tempfile.TemporaryDirectory() as folder:
        night = night_of(Path(folder), world, source, **section)
        taken = []
        for _ in range(nights + 1):
            manifest = land(night, source)
            told = manifest.reading
            assert told is not None
            foreseen = (told.foreseen_requests or 0, told.foreseen_seconds or 0.0)
            held = holds_requests(told, manifest.requests)
            taken.append((*foreseen, manifest.requests, told.seconds or 0.0, held))
            world.clock.set(advance=DAY_SECONDS)
    for name, rows in (("full read", taken[:1]), (f"{nights} nights", taken[1:])):
        requests, seconds, asked, took, held = (sum(column) for column in zip(*rows, strict=True))
        print(
            f"| {what} | {source} | {name} | {requests} | {asked} | {requests / asked:.2f} "
            f"| {held} of {len(rows)} | {seconds / took:.2f} |",
            flush=True,
        )


def holds_requests(told: Any, requests: int) -> bool:
    """Whether the requests were foreseen to a tenth, or to two."""
    return holds(type(told)(**{**_fields(told), "seconds": None}), requests)


def _fields(told: Any) -> dict[str, Any]:
    return {name: getattr(told, name) for name in told.__slots__}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder with emulator/ and contracts/")
    parser.add_argument("--nights", type=int, default=7)
    asked = parser.parse_args()
    if asked.data.resolve() != SHARED.resolve():
        raise SystemExit(f"{asked.data} is not the folder with emulator/ that lies beside this checkout.")
    print("| organisation | source | what | foreseen | taken | ratio | held | seconds |")
    print("| --- | --- | --- | ---: | ---: | ---: | ---: | ---: |")
    with pytest.MonkeyPatch.context() as patch:
        recorded = emulated_world(data_dir=asked.data / "data", now="2023-04-20T02:00:00Z")
        names = sorted(recorded.github.repos)
        measure("public reviews", recorded, "github", asked.nights, organizations=[], repositories=names)
        recorded.stop()
        for what, settings in ORGANISATIONS.items():
            world = emulated_world(**settings)
            turn_to_loopback(world, patch)
            for source in ("github", "pagerduty", "jira"):
                world.clock.set(now=world.default_now)
                measure(what, world, source, asked.nights)
            world.stop()


if __name__ == "__main__":
    main()
