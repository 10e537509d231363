"""A year played night by night, every night of it, against one full read at its end.

    python benchmarks/year_of_nights.py --data ../shared
    python benchmarks/year_of_nights.py --data ../shared --source pagerduty --nights 60

The emulator beside the checkout makes up a small organisation and turns its clock. Small loads are put
together on the way as a real night does. Prints requests and seconds a night in twelfths of the year, and
whether what core holds is equal; an account that the source has deleted meanwhile is told apart.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from pipelines import nightly
from tests.pipelines.emulated import land, night_of, turn_to_loopback
from tests.pipelines.test_a_year import COMPARED, DAY, first_day, tables, without_forgotten
from tests.shared_material import SHARED, emulated_world


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder with emulator/ and contracts/")
    parser.add_argument("--source", choices=sorted(COMPARED), default="github")
    parser.add_argument("--nights", type=int, default=365)
    asked = parser.parse_args()
    if not (asked.data / "emulator").is_dir() or asked.data.resolve() != SHARED.resolve():
        raise SystemExit(f"{asked.data} is not the folder with emulator/ that lies beside this checkout.")
    world = emulated_world(seed=8, gen={"months": 12, "people": 4, "prs_per_month": 6})
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        turn_to_loopback(world, patch)
        played = night_of(Path(folder) / "played", world, asked.source)
        at_once = night_of(Path(folder) / "once", world, asked.source)
        first, last = first_day(world, asked.source), world.default_now
        requests, begun = 0, time.process_time()
        for night in range(asked.nights + 1):
            now = last if night == asked.nights else max(first, last - (asked.nights - night) * DAY)
            world.clock.set(now=now)
            manifest = land(played, asked.source)
            requests += manifest.requests
            nightly.compact(played)
            if night and night % max(1, asked.nights // 12) == 0:
                seconds = time.process_time() - begun
                asking = requests / (night + 1)
                print(f"night {night}: {asking:.1f} requests and {seconds / (night + 1):.2f} s a night")
        land(at_once, asked.source)
        whole = tables(at_once, asked.source)
        found, forgotten = without_forgotten(tables(played, asked.source), whole)
        print(f"{len(played.landing.packs())} packs, {len(forgotten)} accounts deleted since")
        for name in COMPARED[asked.source]:
            verdict = "equal" if found[name] == whole[name] else "DIFFERENT"
            print(f"core.{name}: {verdict}, {len(whole[name])} rows")
    world.stop()


if __name__ == "__main__":
    main()
