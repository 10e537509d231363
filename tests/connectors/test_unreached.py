"""What is said where nobody answers: of each client, with what may be done about it.

Here: a port where nothing listens, a server without TLS, a host that is none.
Not here: answers that cannot be read (each source's ``test_http``).
"""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from connectors.errors import TriedOftenError
from connectors.github.http import GitHubOverHttp
from connectors.github.transport import Operation
from connectors.jira.http import JiraOverHttp
from connectors.pagerduty.http import PagerDutyOverHttp
from connectors.waiting import Patience


def patience() -> Patience:
    return Patience(sleep=lambda _: None)


def github(address: str) -> None:
    transport = GitHubOverHttp(base_url=address, credential="t", patience=patience())
    transport.send([Operation(name="ServerTime", variables={})])


def jira(address: str) -> None:
    JiraOverHttp(base_url=address, email="a@b.c", token="t", patience=patience()).ask("/rest/api/2/field")


def pagerduty(address: str) -> None:
    PagerDutyOverHttp(base_url=address, token="t", patience=patience()).get("/incidents", {})


ALL = pytest.mark.parametrize("asks", [github, jira, pagerduty])


@pytest.fixture
def plain() -> Iterator[str]:
    """A server that knows no TLS."""
    server = HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # its log of what is no request
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"https://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def said(asks: Callable[[str], None], address: str) -> str:
    with pytest.raises(TriedOftenError) as raised:
        asks(address)
    return str(raised.value)


@ALL
def test_nothing_listens_there(asks: Callable[[str], None]) -> None:
    assert "Nothing listens there: is base_url right? Tried 5 times" in said(asks, "https://127.0.0.1:1")


@ALL
def test_there_is_no_tls_or_no_trusted_certificate(asks: Callable[[str], None], plain: str) -> None:
    told = said(asks, plain)
    assert "could not be reached (" in told
    assert "Its certificate is not trusted here, or there is no TLS at this address." in told
    assert "SSL_CERT_FILE and REQUESTS_CA_BUNDLE" in told


@ALL
def test_there_is_no_such_host(asks: Callable[[str], None]) -> None:
    assert "There is no host of the name in base_url" in said(asks, "https://pagerduty.invalid")
