"""The source of docs/cookbook/add-a-source.md, taken from the page and run against a small server."""

import importlib.util
import json
import re
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
from warehouse.landing import Landing

PAGE = Path(__file__).parents[2] / "docs" / "cookbook" / "add-a-source.md"
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
    promises.test_keys_are_unique_within_a_page(given)
    promises.test_keys_are_text_and_streams_are_of_the_source(case, given)
    promises.test_records_are_what_their_types_say(given)
    promises.test_records_cannot_be_changed(given)
    promises.test_times_are_aware_and_utc(given)
    promises.test_pages_and_what_was_rejected_carry_their_scope(given)
    promises.test_reading_again_gives_the_same(case, tmp_path, given)
    promises.test_the_servers_time_is_known_before_the_first_page(case, tmp_path)
    promises.test_no_text_about_a_source_holds_a_secret_or_an_address(case, tmp_path, given)
    promises.test_every_message_says_what_became_of_the_rest(given)
    promises.test_what_a_source_gives_can_be_landed(case, tmp_path)
    assert Landing(tmp_path / "landing").manifests()[0].rows["reports"] == 2


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
