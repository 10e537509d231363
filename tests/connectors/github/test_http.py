"""GitHub over HTTP, against a small server on loopback that answers what it is told to.

Here: which answers are asked for again, how long is waited, in which words it ends, and that the token is in
none of them.
Not here: what a good answer means (``test_parse``), whole runs with faults (``test_emulator``).
"""

import json
import logging
import threading
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from connectors.errors import StopScopeError, StopSourceError
from connectors.github.http import AppKey, GitHubOverHttp
from connectors.github.transport import Answer, Operation
from connectors.waiting import ATTEMPTS, Patience
from tests.connectors.github.builders import (
    SERVED_AT,
    TOASTER,
    connection,
    page_of,
    pull_request,
    read,
    review,
)

TOKEN = "made-up-token-of-nobody"
TIME = Operation(name="ServerTime", variables={})
BUDGET = {"rateLimit": {"cost": 3, "remaining": 4997, "resetAt": "2026-03-10T13:00:00Z"}}
KEPT = "Tried 5 times (ServerTime). What was read before is kept; the rest is missing."
BACK_OFF = [1.0, 2.0, 4.0, 8.0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One answer. ``cut``: how many bytes less than promised are sent before the line goes dead.

    ``is_silent`` ends the line without a byte, ``is_mute`` keeps it open without one.
    """

    status: int = 200
    body: Any = field(default_factory=lambda: {"data": BUDGET})
    headers: dict[str, str] = field(default_factory=dict)
    cut: int = 0
    is_silent: bool = False
    is_mute: bool = False


GOOD = Reply()


@dataclass(slots=True)
class Server:
    """Gives ``replies`` in turn, the last of them for ever, and keeps what was asked."""

    replies: list[Reply] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    authorizations: list[str] = field(default_factory=list)
    address: str = ""
    is_over: threading.Event = field(default_factory=threading.Event)

    def next(self) -> Reply:
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


@pytest.fixture
def server() -> Iterator[Server]:
    told = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.paths.append(self.path)
            told.authorizations.append(self.headers["Authorization"])
            told.asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"{}"))
            reply = told.next()
            if reply.is_mute:
                told.is_over.wait(5)
            if reply.is_silent or reply.is_mute:
                self.close_connection = True
                return
            body = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
            self.send_response_only(reply.status)
            for name, value in {"Date": format_datetime(SERVED_AT, usegmt=True), **reply.headers}.items():
                if value:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: len(body) - reply.cut])
            self.close_connection = True

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told.address = f"http://127.0.0.1:{running.server_address[1]}"
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield told
    told.is_over.set()
    running.shutdown()
    thread.join()
    running.server_close()


@dataclass(slots=True)
class Sent:
    """A transport to the server, and how long it says it slept."""

    transport: GitHubOverHttp
    slept: list[float]

    def send(self, *operations: Operation) -> Answer:
        return self.transport.send(operations or (TIME,))


def _to(server: Server, *replies: Reply, path: str = "") -> Sent:
    server.replies = list(replies)
    slept: list[float] = []
    transport = GitHubOverHttp(
        base_url=f"{server.address}{path}", credential=TOKEN, patience=Patience(sleep=slept.append)
    )
    return Sent(transport, slept)


def _said(raised: pytest.ExceptionInfo[BaseException]) -> str:
    """Everything an operator or a log can see of an exception."""
    return "".join(traceback.format_exception(raised.value)) + repr(raised.value)


# ------------------------------------------------------------------------------ good answers


def test_an_answer_brings_data_time_and_price(server: Server) -> None:
    sent = _to(server, GOOD)
    assert sent.send() == Answer(data=(BUDGET,), errors=(), served_at_utc=SERVED_AT, points=3)
    assert sent.slept == []


@pytest.mark.parametrize(
    ("path", "graphql"),
    [("", "/graphql"), ("/", "/graphql"), ("/api/v3", "/api/graphql"), ("/api/v3/", "/api/graphql")],
)
def test_enterprise_server_has_its_graphql_beside_its_rest(server: Server, path: str, graphql: str) -> None:
    """``https://HOST/api/v3`` is the address people know; GraphQL is at ``/api/graphql``."""
    _to(server, GOOD, path=path).send()
    assert server.paths == [graphql]


def test_several_operations_are_one_request_and_come_back_in_order(server: Server) -> None:
    body = {"data": {"o0_rateLimit": {"cost": 2}, "o0_node": {"id": "A"}, "o1_node": {"id": "B"}}}
    rests = [Operation(name="MoreReviews", variables={"id": name, "after": "c"}) for name in ("A", "B")]
    answer = _to(server, Reply(body=body)).send(*rests)
    assert answer.data == ({"rateLimit": {"cost": 2}, "node": {"id": "A"}}, {"node": {"id": "B"}})
    assert answer.points == 2
    assert server.asked[0]["variables"] == {"o0_id": "A", "o0_after": "c", "o1_id": "B", "o1_after": "c"}


@pytest.mark.parametrize("date", ["Tue, 10 Mar 2026 12:00:00 GMT", "Tue, 10 Mar 2026 12:00:00 -0000"])
def test_the_time_is_the_servers_in_utc(server: Server, date: str) -> None:
    assert _to(server, Reply(headers={"Date": date})).send().served_at_utc == datetime(
        2026, 3, 10, 12, tzinfo=UTC
    )


@pytest.mark.parametrize("date", ["", "last Tuesday"])
def test_an_answer_without_a_time_stops_the_source(server: Server, date: str) -> None:
    """Without it nothing says as of when the data are true."""
    with pytest.raises(StopSourceError, match=r"^GitHub's answer has no Date header, so nothing says when"):
        _to(server, Reply(headers={"Date": date})).send()


# ------------------------------------------------------------------------------ errors beside data


def test_partial_data_with_errors_is_data(server: Server) -> None:
    error = {"path": ["o1_node"], "message": "Something went wrong"}
    body = {"data": {"o0_node": {"id": "A"}, "o1_node": None}, "errors": [error]}
    rests = [Operation(name="MoreReviews", variables={"id": name, "after": "c"}) for name in ("A", "B")]
    answer = _to(server, Reply(body=body)).send(*rests)
    assert answer.data == ({"node": {"id": "A"}}, {"node": None})
    assert answer.errors == ({**error, "operation": 1},)


@pytest.mark.parametrize("status", [200, 404])
def test_what_is_not_found_is_an_answer(server: Server, status: int) -> None:
    """Not asked again, and the kind of error goes on to whoever has words for it."""
    error = {"type": "NOT_FOUND", "path": ["repository"], "message": "Could not resolve to a Repository."}
    sent = _to(server, Reply(status=status, body={"data": {"repository": None}, "errors": [error]}))
    answer = sent.send(Operation(name="PullRequests", variables={}))
    assert answer.data == ({"repository": None},)
    assert answer.errors == ({**error, "operation": 0},)
    assert sent.slept == []


@pytest.mark.parametrize(
    "error",
    [
        {"type": "FORBIDDEN"},
        {"type": "INVALID_CURSOR_ARGUMENTS"},
        {"type": "MAX_NODE_LIMIT_EXCEEDED"},
        {"extensions": {"code": "undefinedField", "fieldName": "fullDatabaseId"}},
    ],
)
def test_errors_that_asking_again_does_not_mend_are_not_asked_again(
    server: Server, error: dict[str, Any]
) -> None:
    sent = _to(server, Reply(body={"errors": [error]}))
    answer = sent.send()
    assert answer.data == (None,)
    assert len(answer.errors) == 1
    assert sent.slept == []


def test_a_refused_query_is_a_gap_that_says_so(server: Server) -> None:
    """As an older Enterprise Server answers, which does not know a field."""
    refused = Reply(body={"errors": [{"extensions": {"code": "undefinedField"}, "message": "Field 'x'"}]})
    sent = _to(server, GOOD, refused)
    (gap,) = read(sent.transport).gaps
    assert gap.message == (
        "repository acme/kettle: no repository in the answer. GitHub said INVALID_QUERY. "
        "Nothing of it was written in this run. Is the name right, and may the token see it?"
    )
    assert sent.slept == []


# ------------------------------------------------------------------------------ tried again

HTML = b"<!DOCTYPE html><html><body>Sign in</body></html>"
WENT_WRONG = {"data": None, "errors": [{"message": "Something went wrong while executing your query."}]}


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (Reply(status=502, body=HTML), "GitHub answered 502."),
        (Reply(status=502, body=WENT_WRONG), "GitHub answered with errors and no data."),
        (Reply(status=503, body=HTML), "GitHub answered 503."),
        (Reply(status=500, body={"message": "Server Error"}), "GitHub answered 500."),
        (Reply(status=504, body=b""), "GitHub answered 504."),
        (Reply(status=408, body={"message": "Request Timeout"}), "GitHub answered 408."),
        (Reply(status=500, body=["Server Error"]), "GitHub's answer could not be read (AttributeError)."),
        (Reply(body=WENT_WRONG), "GitHub answered with errors and no data."),
        (Reply(body=HTML), "GitHub's answer is no GraphQL answer."),
        (Reply(body=b""), "GitHub's answer is no GraphQL answer."),
        (Reply(body=["data"]), "GitHub's answer is no GraphQL answer."),
        (Reply(body={"data": [1]}), "GitHub's answer is no GraphQL answer."),
        (Reply(body={"data": []}), "GitHub's answer is no GraphQL answer."),
        (Reply(body={}), "GitHub answered with errors and no data."),
        (Reply(body=b'{"data": {"rateLim'), "GitHub's answer could not be read (JSONDecodeError)."),
        (Reply(cut=5), "GitHub's answer could not be read (ChunkedEncodingError)."),
        (Reply(is_silent=True), "GitHub could not be reached (ConnectionError)."),
        (
            Reply(headers={"x-ratelimit-remaining": "many", "x-ratelimit-limit": "5000"}),
            "GitHub's answer could not be read (ValueError).",
        ),
    ],
)
def test_what_may_pass_is_tried_again_and_then_ends_the_scope(
    server: Server, reply: Reply, message: str
) -> None:
    sent = _to(server, reply)
    with pytest.raises(StopScopeError) as raised:
        sent.send()
    assert str(raised.value) == f"{message} {KEPT}"
    assert sent.slept == BACK_OFF
    assert sent.transport.patience.waited_seconds == sum(BACK_OFF)
    assert len(server.asked) == ATTEMPTS
    assert TOKEN not in _said(raised)


@pytest.mark.parametrize(
    "reply",
    [
        Reply(status=502, body=HTML),
        Reply(body=WENT_WRONG),
        Reply(body=HTML),
        Reply(cut=5),
        Reply(is_silent=True),
    ],
)
def test_what_has_passed_when_tried_again_leaves_no_trace(server: Server, reply: Reply) -> None:
    sent = _to(server, reply, reply, GOOD)
    assert sent.send().data == (BUDGET,)
    assert sent.slept == [1.0, 2.0]
    assert server.asked[0] == server.asked[1] == server.asked[2]


def test_a_refused_connection_is_tried_again(server: Server) -> None:
    sent = _to(server, GOOD)
    slept: list[float] = []
    nobody = GitHubOverHttp(
        base_url="http://127.0.0.1:1", credential=TOKEN, patience=Patience(sleep=slept.append)
    )
    with pytest.raises(
        StopScopeError, match=r"^GitHub could not be reached \(ConnectionError\)\. Nothing listens"
    ):
        nobody.send([TIME])
    assert slept == BACK_OFF
    assert sent.send().points == 3


def test_a_timeout_is_tried_again(server: Server) -> None:
    """The first answer never comes."""
    sent = _to(server, Reply(is_mute=True), GOOD)
    slept: list[float] = []
    impatient = GitHubOverHttp(
        base_url=server.address, credential=TOKEN, patience=Patience(sleep=slept.append), timeout_seconds=1
    )
    assert impatient.send([TIME]).data == (BUDGET,)
    assert (slept, sent.slept) == ([1.0], [])
    assert len(server.asked) == 2


# ------------------------------------------------------------------------------ limits


@pytest.mark.parametrize("kind", ["RATE_LIMIT", "RATE_LIMITED"])
def test_the_limit_of_graphql_is_a_200_and_waited_for(server: Server, kind: str) -> None:
    limited = Reply(body={"errors": [{"type": kind, "code": "graphql_rate_limit"}]})
    sent = _to(server, limited, limited, GOOD)
    assert sent.send().data == (BUDGET,)
    assert sent.slept == [60.0, 120.0]


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (429, {"message": "API rate limit exceeded for installation."}),
        (403, {"message": "You have exceeded a secondary rate limit."}),
        (403, {"message": "Slow down."}),  # a Retry-After says that it is a limit
        (200, {"errors": [{"type": "RATE_LIMIT"}]}),
    ],
)
def test_as_long_as_the_server_asks_for_is_waited(server: Server, status: int, body: Any) -> None:
    limited = Reply(status=status, body=body, headers={"Retry-After": "7"})
    sent = _to(server, limited, limited, GOOD)
    assert sent.send().data == (BUDGET,)
    assert sent.slept == [7.0, 7.0]
    assert sent.transport.patience.waited_seconds == 14.0


def test_a_date_as_retry_after_counts_from_the_server_s_own_time(server: Server) -> None:
    later = format_datetime(SERVED_AT + timedelta(seconds=9), usegmt=True)
    sent = _to(server, Reply(status=429, headers={"Retry-After": later}), GOOD)
    sent.send()
    assert sent.slept == [9.0]


RESET = int(SERVED_AT.timestamp()) + 1_500


@pytest.mark.parametrize(
    "reply",
    [
        Reply(status=403, body={"message": "API rate limit exceeded for user ID 1."}),
        Reply(status=429, body={"message": "API rate limit exceeded for installation."}),
        Reply(body={"errors": [{"type": "RATE_LIMIT"}]}),
    ],
)
def test_the_primary_limit_is_waited_for_until_its_hour_is_over(server: Server, reply: Reply) -> None:
    headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(RESET)}
    sent = _to(server, replace(reply, headers=headers), GOOD)
    assert sent.send().data == (BUDGET,)
    assert sent.slept == [1_501.0]


def test_a_reset_that_is_far_from_the_server_s_time_is_measured_by_this_machine_s(server: Server) -> None:
    """A clock that is years off would wait for years."""
    far = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(RESET + 10**8)}
    limited = Reply(status=429, headers=far)
    sent = _to(server, limited, GOOD)
    sent.transport.now = lambda: RESET + 10**8 - 40.0
    sent.send()
    assert sent.slept == [41.0]
    nobody_knows = _to(server, limited, GOOD)
    nobody_knows.send()
    assert nobody_knows.slept == [60.0]


def test_a_secondary_limit_does_not_wait_for_the_primary_one(server: Server) -> None:
    """Its headers tell of the hour too, of which a lot is left."""
    headers = {"x-ratelimit-remaining": "4321", "x-ratelimit-reset": str(RESET)}
    body = {"message": "You have exceeded a secondary rate limit."}
    sent = _to(server, Reply(status=403, body=body, headers=headers), GOOD)
    sent.send()
    assert sent.slept == [60.0]


def test_a_run_that_may_not_wait_so_long_ends_the_source_with_what_is_missing(server: Server) -> None:
    limited = Reply(status=429, headers={"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(RESET)})
    sent = _to(server, Reply(status=503, headers={"Retry-After": "100"}), limited, GOOD)
    sent.transport.patience.may_wait_seconds = 600
    with pytest.raises(StopSourceError) as raised:
        sent.send()
    assert str(raised.value) == (
        "GitHub refused for now (429). It would take 25 min 1 s of waiting; this run has waited 1 min 40 s "
        "of the 10 min it may ([run] may_wait_minutes in evenhand.toml). What was read before is kept; the "
        "rest is missing until the next run."
    )
    assert sent.slept == [100.0]


def test_the_operator_is_told_of_a_wait_that_is_worth_it(server: Server) -> None:
    told: list[str] = []
    limited = Reply(status=429, headers={"Retry-After": "90"})
    sent = _to(server, Reply(status=502, body=HTML), limited, GOOD)
    sent.transport.patience.say = told.append
    sent.send()
    assert told == ["waiting 1 min 30 s: GitHub refused for now (429)."]


@pytest.mark.parametrize(
    "reply",
    [
        Reply(status=403, body={"message": "You have exceeded a secondary rate limit. Please wait."}),
        Reply(status=403, body={"message": "API rate limit exceeded for user ID 1."}),
        Reply(status=403, body={"message": "No more."}, headers={"x-ratelimit-remaining": "0"}),
    ],
)
def test_a_limit_without_a_wait_is_backed_off_from(server: Server, reply: Reply) -> None:
    sent = _to(server, reply)
    with pytest.raises(StopSourceError) as raised:
        sent.send()
    assert str(raised.value) == f"GitHub refused for now (403). {KEPT[:-1]} until the next run."
    assert sent.slept == [60.0, 120.0, 240.0, 480.0]


def test_a_limit_that_stays_ends_the_source(server: Server) -> None:
    """Not only the scope: the next repository would meet it as well."""
    sent = _to(server, Reply(body={"errors": [{"type": "RATE_LIMIT"}]}))
    with pytest.raises(StopSourceError) as raised:
        sent.send()
    assert str(raised.value) == f"GitHub's rate limit is reached. {KEPT[:-1]} until the next run."


# ------------------------------------------------------------------------------ a GitHub App


@pytest.fixture(scope="module")
def private_key() -> str:
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    kind, form = serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL
    return key.private_bytes(kind, form, serialization.NoEncryption()).decode()


def _token(name: str, *, minutes: int = 60) -> Reply:
    """The answer to an App that asks for a token of so many minutes."""
    ends = datetime.now(UTC) + timedelta(minutes=minutes)
    return Reply(status=201, body={"token": name, "expires_at": f"{ends:%Y-%m-%dT%H:%M:%SZ}"})


def _to_app(server: Server, private_key: str, *replies: Reply) -> Sent:
    server.replies = list(replies)
    slept: list[float] = []
    transport = GitHubOverHttp(
        base_url=f"{server.address}/api/v3",
        credential=AppKey(app_id="12", installation_id=77, private_key=private_key),
        patience=Patience(sleep=slept.append),
        now=SERVED_AT.timestamp,
    )
    return Sent(transport, slept)


ASKS, READS = "/api/v3/app/installations/77/access_tokens", "/api/graphql"
REFUSED = Reply(status=401, body={"message": "Bad credentials"})


def test_an_app_asks_for_a_token_once_and_reads_with_it(server: Server, private_key: str) -> None:
    sent = _to_app(server, private_key, _token("ghs_one"), GOOD)
    assert sent.send().data == sent.send().data == (BUDGET,)
    assert server.paths == [ASKS, READS, READS]
    assert server.authorizations[1:] == ["token ghs_one"] * 2
    claims = jwt.decode(server.authorizations[0].split()[1], options={"verify_signature": False})
    assert claims["iss"] == "12"
    assert claims["exp"] - claims["iat"] <= 600


def test_a_token_is_renewed_before_it_ends(
    server: Server, private_key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = _to_app(server, private_key, _token("ghs_one"), GOOD, _token("ghs_two", minutes=120), GOOD)
    sent.send()
    monkeypatch.setattr("github.Auth.TOKEN_REFRESH_THRESHOLD_TIMEDELTA", timedelta(minutes=61))
    sent.send()
    assert server.paths == [ASKS, READS, ASKS, READS]
    assert server.authorizations[3] == "token ghs_two"


def test_a_token_that_is_refused_in_the_middle_of_a_run_is_renewed(server: Server, private_key: str) -> None:
    sent = _to_app(server, private_key, _token("ghs_one"), GOOD, REFUSED, _token("ghs_two"), GOOD)
    assert sent.send().data == sent.send().data == (BUDGET,)
    assert server.authorizations[-1] == "token ghs_two"
    assert sent.slept == []


def test_a_new_token_that_is_refused_as_well_stops_the_source(server: Server, private_key: str) -> None:
    sent = _to_app(server, private_key, _token("ghs_one"), REFUSED, _token("ghs_two"), REFUSED)
    with pytest.raises(StopSourceError, match=r"^GitHub refused the token \(401\)\.") as raised:
        sent.send()
    assert server.paths == [ASKS, READS, ASKS, READS]
    assert "ghs_" not in _said(raised)


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (401, "is id the App's, and private_key_file one of its keys?"),
        (403, "is the installation suspended?"),
        (404, "does installation name an installation of this App?"),
    ],
)
def test_an_app_that_gets_no_token_stops_the_source(
    server: Server, private_key: str, status: int, message: str
) -> None:
    sent = _to_app(server, private_key, Reply(status=status, body={"message": "No."}))
    with pytest.raises(StopSourceError) as raised:
        sent.send()
    assert str(raised.value) == (
        f"GitHub gives the App no token ({status}): {message} "
        "Nothing more was read; what was read before is kept."
    )
    assert private_key.splitlines()[1] not in _said(raised)


@pytest.mark.parametrize(
    ("seconds", "words"), [(700, "11 min 40 s ahead of"), (-2_071_535, "23 days 23 h behind")]
)
def test_an_app_whose_machine_has_a_wrong_clock_is_told_so(
    server: Server, private_key: str, seconds: int, words: str
) -> None:
    sent = _to_app(server, private_key, Reply(status=401, body={"message": "'Expiration time' is too far."}))
    sent.transport.now = (SERVED_AT + timedelta(seconds=seconds)).timestamp
    with pytest.raises(
        StopSourceError, match=f": this machine's clock is {words} GitHub's, .* Set the clock"
    ):
        sent.send()


def test_an_app_is_limited_and_unlucky_like_everybody(server: Server, private_key: str) -> None:
    limited = Reply(status=403, body={"message": "Slow down."}, headers={"Retry-After": "7"})
    odd = Reply(status=201, body={"token": None})
    sent = _to_app(server, private_key, limited, Reply(status=502, body=HTML), odd, _token("ghs_one"), GOOD)
    assert sent.send().data == (BUDGET,)
    assert sent.slept == [7.0, 2.0, 4.0]


@pytest.mark.parametrize("text", ["", "no key at all", "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END"])
def test_a_key_that_is_none_stops_the_source_before_anything_is_asked(server: Server, text: str) -> None:
    with pytest.raises(StopSourceError, match=r"^The GitHub App's private key cannot be used: ") as raised:
        _to_app(server, text, GOOD)
    assert server.paths == []
    assert not text or text not in _said(raised)


def test_an_app_and_its_key_are_not_shown(private_key: str) -> None:
    key = AppKey(app_id="12", installation_id=77, private_key=private_key)
    transport = GitHubOverHttp(base_url="http://127.0.0.1:1", credential=key, patience=Patience())
    assert private_key.splitlines()[1] not in repr(key) + repr(transport)


# ------------------------------------------------------------------------------ refused for good


@pytest.mark.parametrize(
    "message",
    ["Bad credentials", "This endpoint requires you to be authenticated.", "Requires authentication"],
)
def test_a_refused_token_stops_the_source_at_once(server: Server, message: str) -> None:
    sent = _to(server, Reply(status=401, body={"message": message, "documentation_url": "https://x.test"}))
    with pytest.raises(StopSourceError) as raised:
        sent.send()
    assert str(raised.value) == (
        "GitHub refused the token (401). Nothing more was read; what was read before is kept. "
        "Is the token in the variable that evenhand.toml names still valid?"
    )
    assert sent.slept == []
    assert TOKEN not in _said(raised)


def test_a_missing_permission_is_not_waited_for(server: Server) -> None:
    """The same 403 as a limit, but with nothing in it that says so."""
    body = {"message": "Resource protected by organization SAML enforcement."}
    sent = _to(server, Reply(status=403, body=body, headers={"x-github-sso": "required"}))
    with pytest.raises(StopScopeError) as raised:
        sent.send()
    assert str(raised.value) == (
        "GitHub refused the request (403). Nothing was written for it. "
        "May the token see this, and is it authorised for the organisation's single sign-on?"
    )
    assert sent.slept == []


def test_a_token_without_single_sign_on_is_told_where_it_is_authorised(server: Server) -> None:
    address = "https://github.example/orgs/acme/sso?authorization_request=AZ"
    headers = {"x-github-sso": f"required; url={address}"}
    sent = _to(server, Reply(status=403, body={"message": "Resource protected"}, headers=headers))
    with pytest.raises(StopScopeError) as raised:
        sent.send()
    assert str(raised.value).endswith(
        f"The token is not authorised for the organisation's single sign-on. Authorise it: {address}"
    )


def test_another_status_ends_the_scope_at_once(server: Server) -> None:
    sent = _to(server, Reply(status=410, body={"message": "Gone"}))
    with pytest.raises(
        StopScopeError, match=r"^GitHub answered 410\. Nothing was written for this request\.$"
    ):
        sent.send()
    assert sent.slept == []


def test_a_redirection_to_another_host_stops_the_source(server: Server) -> None:
    """The token belongs to the configured address and to no other."""
    elsewhere = Reply(status=301, body={}, headers={"Location": "http://elsewhere.test/graphql"})
    with pytest.raises(StopSourceError) as raised:
        _to(server, elsewhere).send()
    assert str(raised.value) == (
        "GitHub sends requests on to another address. Nothing was read from there. "
        "Correct base_url in evenhand.toml."
    )
    assert len(server.asked) == 1


# ------------------------------------------------------------------------------ the token


@pytest.mark.parametrize(
    "replies",
    [
        (GOOD,),
        (Reply(status=401, body={"message": "Bad credentials"}),),
        (Reply(status=502, body=HTML),),
        (Reply(status=403, body={"message": f"Bad {TOKEN}"}),),
        (Reply(body={"errors": [{"type": TOKEN, "message": TOKEN}]}),),
        (Reply(cut=5),),
        (Reply(is_silent=True),),
        (Reply(body=f"<html>{TOKEN}</html>".encode()),),
    ],
)
def test_the_token_is_in_no_exception_log_or_text(
    server: Server, caplog: pytest.LogCaptureFixture, replies: Sequence[Reply]
) -> None:
    """With every logger of every library at DEBUG, an answer that repeats the token excepted."""
    names = [name for name in logging.root.manager.loggerDict if name != "github.Requester"]
    before = {name: logging.getLogger(name).level for name in names}
    for name in names:
        logging.getLogger(name).setLevel(logging.DEBUG)
    caplog.set_level(logging.DEBUG)
    sent = _to(server, *replies)
    texts = [repr(sent.transport), str(sent.transport)]
    try:
        texts.append(repr(sent.send()))
    except (StopSourceError, StopScopeError) as problem:
        texts += ["".join(traceback.format_exception(problem)), repr(problem)]
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)
    texts += [f"{record.getMessage()} {record.__dict__}" for record in caplog.records]
    assert not [text for text in texts if TOKEN in text]


def test_the_token_is_sent_and_nothing_else_is_told_about_it(server: Server) -> None:
    sent = _to(server, GOOD)
    sent.send()
    assert TOKEN not in json.dumps(server.asked)
    assert repr(sent.transport).startswith("GitHubOverHttp(base_url='http://127.0.0.1:")


def test_pygithub_at_debug_masks_the_token(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    """Its debug records are switched off here; whoever switches them on again still does not see it."""
    caplog.set_level(logging.DEBUG, "github.Requester")
    _to(server, GOOD).send()
    assert [record for record in caplog.records if record.name == "github.Requester"]
    assert not [record for record in caplog.records if TOKEN in f"{record.getMessage()} {record.__dict__}"]


# ------------------------------------------------------------------------------ with the client


def test_a_scope_that_ends_keeps_what_was_read_and_others_go_on(server: Server) -> None:
    page = Reply(body={"data": page_of(pull_request(1), more="p1")})
    bad = Reply(status=502, body=HTML)
    other = Reply(body={"data": page_of(pull_request(2), repository=TOASTER)})
    smaller_and_smaller = 6  # 50, 25, 12, 6, 3 and 1 pull requests, each tried as often as any request
    sent = _to(server, GOOD, page, *[bad] * ATTEMPTS * smaller_and_smaller, other)
    found = read(sent.transport, "acme/kettle", "acme/toaster")
    assert [(gap.scope, gap.message) for gap in found.gaps] == [
        (
            "github:501",
            "GitHub answered 502. Tried 5 times (PullRequests). What was read before is kept; "
            "the rest is missing.",
        )
    ]
    assert found.keys("pull_requests") == ["github:501/pull/1", "github:502/pull/2"]


def test_a_page_that_comes_at_the_third_try_is_read_once(server: Server) -> None:
    page = Reply(body={"data": page_of(pull_request(1, reviews=connection(review(1))))})
    sent = _to(server, GOOD, Reply(cut=5), Reply(body=HTML), page)
    found = read(sent.transport)
    assert (found.gaps, found.keys("reviews")) == ((), ["github:review/1"])
    assert sent.slept == [1.0, 2.0]
