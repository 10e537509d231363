"""How right the forecast of a run is: requests and seconds foreseen and taken.

    python benchmarks/forecasts.py --data ../shared

Full reads and nights over the emulator beside the checkout, which runs in a process of its own and answers
after ``--latency`` seconds (by default a fifth of one, as a server far away does; 0 leaves the machine alone
to decide): recorded public reviews (GitHub), and made-up organisations of three sizes and seeds (all
sources). Requests depend on nothing but the data. Seconds are of asking, waiting, parsing and landing, not of
building what follows: those of a real clock, or with ``--clock processors`` of one that others on the machine
hardly move: processor seconds of this process and of the emulator, and ``--latency`` for each request.
"""

import argparse
import base64
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from connectors import contract
from pipelines import nightly
from pipelines.outlook import holds
from tests.pipelines.emulated import ASKS, TOKENS, land, night_of, turn_to_loopback
from tests.shared_material import SHARED
from warehouse.landing import Reading

DAY_SECONDS = 86_400
ORGANISATIONS: dict[str, dict[str, int]] = {
    "5 people": {"seed": 5, "months": 2, "people": 5, "prs-per-month": 10},
    "20 people": {"seed": 8, "months": 12, "people": 20, "prs-per-month": 60},
    "40 people": {"seed": 3, "months": 24, "people": 40, "prs-per-month": 150},
}
RECORDED_NOW = "2023-04-20T02:00:00Z"


@dataclass(slots=True)
class Server:
    """An emulator in a process of its own, by its addresses."""

    addresses: Mapping[str, str]
    process_id: int
    jira: Any = None

    def url(self, name: str) -> str:
        return self.addresses[{"jira": "jira_cloud", "jira_dc": "jira_data_center"}.get(name, name)]

    def post(self, path: str, document: Mapping[str, Any]) -> Any:
        asked = urllib.request.Request(f"{self.url('github')}{path}", data=json.dumps(document).encode())
        with urllib.request.urlopen(asked) as answer:
            return json.load(answer)

    def look_for_projects(self) -> None:
        words = base64.b64encode(f"reader@example.com:{TOKENS['JIRA_TOKEN']}".encode()).decode()
        asked = urllib.request.Request(
            f"{self.url('jira')}/rest/api/2/project/search", headers={"Authorization": f"Basic {words}"}
        )
        with urllib.request.urlopen(asked) as answer:
            self.jira = SimpleNamespace(projects=[one["key"] for one in json.load(answer)["values"]])


@contextmanager
def serving(shared: Path, *arguments: str, **settings: Any) -> Iterator[Server]:
    options = [f"--{name}={value}" for name, value in settings.items()]
    ports = [f"--{name}-port=0" for name in ("github", "jira", "jira-dc", "pagerduty")]
    command = [sys.executable, "-m", "sigemu", "serve", *ports, *options, *arguments]
    environment = {**os.environ, "PYTHONPATH": str(shared / "emulator")}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            assert process.stdout is not None
            told = ""
            while not told.rstrip().endswith("\n}"):
                line = process.stdout.readline()
                if not line:
                    raise SystemExit("The emulator did not start.")
                told += line
            yield Server(json.loads(told), process.pid)
        finally:
            process.terminate()


@contextmanager
def by_processors(server: Server, latency: float) -> Iterator[None]:
    """A clock for the run that counts what both processes work, and so long a way for each request."""
    requests = 0
    # What the C library calls the processor time of another process.
    of_server = ((~server.process_id) << 3) | 2

    def now() -> float:
        return time.process_time() + time.clock_gettime(of_server) + latency * requests

    with pytest.MonkeyPatch.context() as patch:
        for kind, name in set(ASKS.values()):
            really = getattr(kind, name)

            def ask(self: Any, *asked: Any, _really: Any = really, **more: Any) -> Any:
                nonlocal requests
                requests += 1
                return _really(self, *asked, **more)

            patch.setattr(kind, name, ask)
        for module in (contract, nightly):
            patch.setattr(module, "time", SimpleNamespace(perf_counter=now))
        yield


def measure(what: str, server: Server, source: str, nights: int, **section: Any) -> None:
    """Print a line for the full read and one for the nights behind it."""
    with tempfile.TemporaryDirectory() as folder:
        night = night_of(Path(folder), server, source, **section)
        taken = []
        for _ in range(nights + 1):
            manifest = land(night, source)
            told = manifest.reading
            assert told is not None
            assert told.foreseen_requests is not None
            taken.append((told, manifest.requests))
            server.post("/__clock__", {"advance": DAY_SECONDS})
    for name, rows in (("full read", taken[:1]), (f"{nights} nights", taken[1:])):
        requests = sum(told.foreseen_requests or 0 for told, _ in rows)
        asked = sum(requests for _, requests in rows)
        seconds = sum(told.foreseen_seconds or 0.0 for told, _ in rows)
        took = sum(told.seconds or 0.0 for told, _ in rows)
        off = [abs(1 - (told.foreseen_seconds or 0.0) / (told.seconds or 1.0)) for told, _ in rows]
        print(
            f"| {what} | {source} | {name} | {requests} | {asked} | {requests / asked:.2f} "
            f"| {sum(holds_requests(told, n) for told, n in rows)} of {len(rows)} "
            f"| {seconds:.1f} | {took:.1f} | {seconds / took:.2f} "
            f"| {sum(holds(told, n) for told, n in rows)} of {len(rows)} | {max(off):.2f} |",
            flush=True,
        )


def holds_requests(told: Reading, requests: int) -> bool:
    """Whether the requests were foreseen to a tenth, or to one."""
    return holds(
        Reading(**{**{name: getattr(told, name) for name in told.__slots__}, "seconds": None}), requests
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder with emulator/ and contracts/")
    parser.add_argument("--nights", type=int, default=7)
    parser.add_argument("--latency", type=float, default=0.2, help="seconds before each answer")
    parser.add_argument("--clock", choices=["wall", "processors"], default="wall")
    parser.add_argument("--only", choices=["public reviews", *ORGANISATIONS], help="one organisation")
    parser.add_argument("--source", choices=["github", "pagerduty", "jira"], help="one source")
    asked = parser.parse_args()
    if asked.data.resolve() != SHARED.resolve():
        raise SystemExit(f"{asked.data} is not the folder with emulator/ that lies beside this checkout.")
    shared = asked.data.resolve()
    is_by_wall = asked.clock == "wall"
    common = {"contracts": shared / "contracts", "latency": asked.latency if is_by_wall else 0.0}
    print(
        "| organisation | source | what | requests foreseen | taken | ratio | held | seconds foreseen "
        "| taken | ratio | both held | furthest off |"
    )
    print("| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    if asked.only in (None, "public reviews") and asked.source in (None, "github"):
        with serving(shared, data=shared / "data", now=RECORDED_NOW, **common) as server:
            server.look_for_projects()
            folders = (shared / "data" / "github").glob("*__*")
            names = sorted(folder.name.replace("__", "/") for folder in folders)
            with nullcontext() if is_by_wall else by_processors(server, asked.latency):
                measure(
                    "public reviews", server, "github", asked.nights, organizations=[], repositories=names
                )
    for what, settings in ORGANISATIONS.items():
        if asked.only not in (None, what):
            continue
        for source in ("github", "pagerduty", "jira"):
            if asked.source not in (None, source):
                continue
            with serving(shared, **settings, **common) as server, pytest.MonkeyPatch.context() as patch:
                server.look_for_projects()
                turn_to_loopback(server, patch)
                with nullcontext() if is_by_wall else by_processors(server, asked.latency):
                    measure(what, server, source, asked.nights)


if __name__ == "__main__":
    main()
