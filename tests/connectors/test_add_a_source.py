"""The source of docs/cookbook/add-a-source.md, taken from the page and run against a small server.

Here: that its code keeps what every source promises, and that Evenhand, with the changes that the page tells
and no others, lands it. Not here: the promises (``test_every_source``).
"""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from connectors.contract import Gap, Page
from connectors.errors import StopSourceError
from connectors.waiting import Patience
from tests.connectors import test_every_source as promises

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "cookbook" / "add-a-source.md"
GOOD = {"id": 1, "service": "pay", "at": "2026-03-09T10:00:00+02:00", "up": True}
OTHER = {**GOOD, "id": 2, "up": False}
BAD = {**GOOD, "id": 3, "at": promises.SECRET}


@pytest.fixture
def module(tmp_path: Path) -> Iterator[ModuleType]:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.S)
    path = tmp_path / "made_up_source.py"
    path.write_text(code)
    spec = importlib.util.spec_from_file_location("made_up_source", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["made_up_source"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["made_up_source"]


class Server(ThreadingHTTPServer):
    """Two pages; ``first`` are answered before them, each once."""

    first: list[tuple[int, dict[str, str], Any]]
    last: Any


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        server = self.server
        assert isinstance(server, Server)
        number = int(parse_qs(urlsplit(self.path).query)["page"][0])
        page: Any = {"reports": [GOOD, BAD], "next": 1} if number == 0 else server.last
        status, headers, body = server.first.pop(0) if server.first else (200, {}, page)
        text = json.dumps(body).encode()
        self.send_response_only(status)
        for name, value in {"Date": "Tue, 10 Mar 2026 12:00:00 GMT", **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server(("127.0.0.1", 0), Handler)
    running.first, running.last = [], {"reports": [OTHER], "next": None}
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield running
    running.shutdown()
    thread.join()
    running.server_close()


def source(module: ModuleType, server: Server, slept: list[float] | None = None) -> Any:
    return module.ReportSource(
        base_url=f"http://127.0.0.1:{server.server_address[1]}",
        token=promises.SECRET,
        patience=Patience(sleep=(slept if slept is not None else []).append),
    )


def test_it_keeps_what_every_source_promises(module: ModuleType, server: Server, tmp_path: Path) -> None:
    case = promises.Case(name="reports", make=lambda _: source(module, server), record_types=(module.Report,))
    given = list(source(module, server).pages())
    assert [record.is_up for page in given for record in page.records] == [True, False]
    for promise in promises.PROMISES:
        promises.keep(promise, case, tmp_path / promise.__name__)


def test_it_waits_as_it_is_asked_to_and_goes_on(module: ModuleType, server: Server) -> None:
    server.first = [(429, {"Retry-After": "7"}, {}), (502, {}, {})]
    slept: list[float] = []
    assert len([one for one in source(module, server, slept).pages() if isinstance(one, Page)]) == 2
    assert slept == [7.0, 2.0]


def test_what_cannot_be_read_is_a_gap_and_what_was_read_stays(module: ModuleType, server: Server) -> None:
    server.last = ["no page"]
    page, gap = source(module, server).pages()
    assert isinstance(page, Page)
    assert isinstance(gap, Gap)


def test_a_refused_token_stops_it(module: ModuleType, server: Server) -> None:
    server.first = [(401, {}, {"message": promises.SECRET})]
    with pytest.raises(StopSourceError) as raised:
        list(source(module, server).pages())
    assert promises.SECRET not in str(raised.value)


# ------------------------------------------------------------------------------ wired as the page says


PACKAGES = ("connectors", "metrics_catalog", "pipelines", "transforms", "warehouse")
CONFIG = """
[organization]
name = "Acme"
reporting_timezone = "Europe/Berlin"

[storage]
path = "var"

[sources.reports]
base_url = "{address}"
token = {{ env = "REPORTS_TOKEN" }}
"""
LANDS = """
from pathlib import Path
from connectors.records import RECORD_TYPES
from pipelines.definitions import JOB, build_definitions
from pipelines.nightly import Night, land
from pipelines.settings import load_settings
from transforms.core.streams import load_landing
from warehouse.connection import connect
from warehouse.landing import ChosenLoad

night = Night(settings=load_settings(Path("evenhand.toml")), environment={"REPORTS_TOKEN": "t"})
assert "land_reports" in build_definitions(night).resolve_job_def(JOB).graph.node_dict
load = ChosenLoad(manifest=land(night, "reports"), is_backfilled=False)
hashes = {night.settings.configuration_hash, load_settings(Path("without.toml")).configuration_hash}
with connect() as connection:
    load_landing(connection, [load], RECORD_TYPES)
    rows = connection.execute("SELECT count(*) FROM landing.reports__reports").fetchall()
print(rows, len(hashes))
"""


def test_it_can_be_wired_as_the_page_says(server: Server, tmp_path: Path) -> None:
    """Every change of the page is made to a copy, in a place that is there once."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    page = PAGE.read_text("utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, re.S)
    (tmp_path / "connectors" / "reports").mkdir()
    (tmp_path / "connectors" / "reports" / "client.py").write_text(code)
    (tmp_path / "connectors" / "reports" / "__init__.py").write_text('"""Reports of availability."""\n')
    changes = re.findall(r"```diff\n# (\S+)\n(.*?)```", page, re.S)
    assert len(changes) == 4
    for name, lines in changes:
        text = (tmp_path / name).read_text("utf-8")
        for part in lines.split("@@\n"):
            before = "".join(line[1:] for line in part.splitlines(keepends=True) if line[0] == " ")
            after = "".join(line[1:] for line in part.splitlines(keepends=True) if line[0] == "+")
            assert text.count(f"\n{before}") == 1, f"{name} has not once:\n{before}"
            text = text.replace(f"\n{before}", f"\n{before}{after}")
        (tmp_path / name).write_text(text, "utf-8")
    config = CONFIG.format(address=f"http://127.0.0.1:{server.server_address[1]}")
    (tmp_path / "evenhand.toml").write_text(config, "utf-8")
    (tmp_path / "without.toml").write_text(config.partition("[sources.reports]")[0], "utf-8")
    done = subprocess.run(
        [sys.executable, "-c", LANDS],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.returncode) == ("[(2,)] 2\n", 0), done.stderr
