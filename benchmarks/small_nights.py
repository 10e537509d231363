"""What a year of small nights costs to read, as landed and with its loads put together.

    python benchmarks/small_nights.py                  365 nights of a made-up organisation, no network
    python benchmarks/small_nights.py --nights 730

The first night is a full read, each of the others brings ten pull requests and ten people. Read is what every
full build reads, and what a night begins with: all versions of all loads. Seconds depend on the machine; the
ratio is of one run, the better of three readings each.
"""

import argparse
import sys
import tempfile
import time
from datetime import timedelta
from itertools import cycle
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from connectors.contract import Page
from connectors.demo import FIRST_NIGHT_UTC, DemoTransport, make_organization
from connectors.github.client import GitHubSource
from connectors.records import RECORD_TYPES
from transforms.core.streams import STREAMS, load_landing
from warehouse.connection import connect
from warehouse.landing import Landing, choose_loads, newest_known_at
from warehouse.packs import pack_loads

PULL_REQUESTS_A_NIGHT = 10


def land(landing: Landing, nights: int) -> None:
    """The loads of these nights."""
    organization = make_organization(engineers=60, months=12)
    source = GitHubSource(
        transport=DemoTransport(organization, FIRST_NIGHT_UTC),
        organizations=("acme",),
        page_size=PULL_REQUESTS_A_NIGHT,
    )
    pages = [page for page in source.pages() if isinstance(page, Page)]
    again = cycle(pages)
    for night in range(nights):
        known_at = FIRST_NIGHT_UTC + night * timedelta(days=1)
        load = landing.open_load(
            source="github",
            known_at_utc=known_at,
            code_version="benchmark",
            configuration_hash="benchmark",
            record_types=RECORD_TYPES["github"],
        )
        for page in [next(again)] if night else pages:
            load.write(page.records, scope=page.scope, fetched_at_utc=known_at)
        load.finish()


def reading_seconds(landing: Landing) -> tuple[float, int]:
    """Seconds to read every version of every load, and how many rows of pull requests there are."""
    start = time.perf_counter()
    manifests = landing.manifests()
    newest = newest_known_at(manifests)
    assert newest is not None
    with connect() as connection:
        load_landing(connection, choose_loads(manifests, newest), RECORD_TYPES)
        rows = sum(
            connection.execute(f"SELECT count(*) FROM landing.github__{stream}__versions").fetchall()[0][0]
            for stream in STREAMS["github"]
        )
    return time.perf_counter() - start, rows


def on_disk(landing: Landing) -> tuple[int, float]:
    """Parquet files, and megabytes of them."""
    files = list(landing.folder.rglob("*.parquet"))
    return len(files), sum(path.stat().st_size for path in files) / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--nights", type=int, default=365, help="how many nights are landed")
    nights = parser.parse_args().nights
    with tempfile.TemporaryDirectory() as folder:
        landing = Landing(Path(folder))
        land(landing, nights)
        table = []
        for what in ("as landed", "put together"):
            if what == "put together":
                start = time.perf_counter()
                for _ in range(2):  # the second time removes what the first has put together
                    pack_loads(landing, "github")
                packing = time.perf_counter() - start
            readings = [reading_seconds(landing) for _ in range(3)]
            table.append((what, *min(readings), *on_disk(landing)))
    assert table[0][2] == table[1][2], "rows were lost"
    print(f"{nights} nights, {table[0][2]:,} rows of all versions; put together in {packing:.1f} s")
    print(f"{'':<14}{'files':>8}{'MB':>8}{'seconds':>10}{'ratio':>8}")
    for what, seconds, _, files, megabytes in table:
        print(f"{what:<14}{files:>8}{megabytes:>8.1f}{seconds:>10.2f}{seconds / table[1][1]:>8.1f}")


if __name__ == "__main__":
    main()
