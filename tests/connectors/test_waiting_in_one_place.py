"""Whatever a server asks for, only one place waits: no client sleeps, spaces its calls or tries by itself.

Here: each of the three clients against a server of this machine that refuses in each way.
Not here: what the refusals mean (each source's ``test_http``).
"""

import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest

from connectors.errors import StopScopeError, StopSourceError
from connectors.github.http import GitHubOverHttp
from connectors.github.transport import Operation
from connectors.jira.http import JiraOverHttp
from connectors.pagerduty.http import PagerDutyOverHttp
from connectors.waiting import ATTEMPTS, Patience, duration
from tests.connectors.pagerduty.loopback import ToLoopback

REFUSALS: dict[str, tuple[int, dict[str, str]]] = {
    "429 for an hour": (429, {"Retry-After": "3600"}),
    "429": (429, {}),
    "500": (500, {}),
    "502": (502, {}),
    "503 for an hour": (503, {"Retry-After": "3600"}),
    "503 until a day": (503, {"Retry-After": "Wed, 21 Oct 2037 07:28:00 GMT"}),
    "504": (504, {}),
    "cut": (200, {"Content-Length": "1000"}),
}


class Refusing(BaseHTTPRequestHandler):
    """Refuses so many requests, then answers."""

    refusal: ClassVar[tuple[int, dict[str, str]]]
    left: ClassVar[int]
    asked: ClassVar[int]

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        type(self).asked += 1
        status, headers = self.refusal if self.left else (200, {})
        type(self).left -= bool(self.left)
        body = b'{"data": {}}'
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | headers).items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Refusing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def github(address: str, patience: Patience) -> Callable[[], Any]:
    client = GitHubOverHttp(base_url=address, credential="t", patience=patience)
    return lambda: client.send([Operation(name="ServerTime", variables={})])


def jira(address: str, patience: Patience) -> Callable[[], Any]:
    client = JiraOverHttp(base_url=address, token="t", patience=patience)
    return lambda: client.ask("/rest/api/2/serverInfo")


def pagerduty(address: str, patience: Patience) -> Callable[[], Any]:
    network = ToLoopback(address)
    client = PagerDutyOverHttp(
        base_url="https://pagerduty.test", token="t", patience=patience, network=network
    )
    return lambda: client.get("/users", {})


@pytest.mark.parametrize("refusal", REFUSALS)
@pytest.mark.parametrize("client", [github, jira, pagerduty])
def test_a_client_waits_in_one_place_and_tries_as_often_as_that_says(
    monkeypatch: pytest.MonkeyPatch, address: str, client: Callable[[str, Patience], Any], refusal: str
) -> None:
    def sleeps(seconds: float) -> None:
        raise AssertionError(f"a client slept {seconds} s by itself")

    slept: list[float] = []
    ask = client(address, Patience(sleep=slept.append, may_wait_seconds=2 * 3_600 + 60))
    monkeypatch.setattr(time, "sleep", sleeps)
    Refusing.refusal, Refusing.left, Refusing.asked = REFUSALS[refusal], 2, 0
    if refusal == "503 until a day":
        with pytest.raises(StopSourceError, match=r"It would take .* of waiting"):
            ask()
        assert (slept, Refusing.asked) == ([], 1)
        return
    ask()
    assert Refusing.asked == 3
    assert len(slept) == 2
    if refusal.endswith("an hour"):
        assert slept == [3_600.0, 3_600.0]  # as it asked for, told of and counted, and not a second more
    # It goes on refusing: as often as one place says, and then an error that names the request.
    Refusing.left, Refusing.asked = 1_000, 0
    patient = client(address, Patience(sleep=slept.append, may_wait_seconds=1e9))
    with pytest.raises((StopSourceError, StopScopeError), match=f"Tried {ATTEMPTS} times"):
        patient()
    assert Refusing.asked == ATTEMPTS


@pytest.mark.parametrize("client", [github, jira, pagerduty])
def test_calls_are_not_spaced(
    address: str, client: Callable[[str, Patience], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """PyGithub spaces what is a POST by a second, so every query."""
    Refusing.left, Refusing.asked = 0, 0
    slept: list[float] = []
    ask = client(address, Patience(sleep=slept.append))
    monkeypatch.setattr(time, "sleep", slept.append)
    for _ in range(8):
        ask()
    assert (Refusing.asked, slept) == (8, [])


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.4, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (61, "1 min 1 s"),
        (3_599, "1 h"),
        (5_400, "1 h 30 min"),
        (86_399, "1 day"),
        (90_000, "1 day 1 h"),
        (2_071_535, "23 days 23 h"),
    ],
)
def test_how_long_in_words_that_a_person_reads(seconds: float, words: str) -> None:
    assert duration(seconds) == words
