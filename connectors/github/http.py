"""GitHub over HTTP, through PyGithub.

Here: one request out, one answer back, retried where trying again can help, and the words for when it
cannot. github.com and Enterprise Server alike: PyGithub derives the GraphQL address from the base URL.
Not here: which operations (``client``), what the answers mean (``parse``).

PyGithub is kept for authentication, addresses and its error types. Its own retries and its sleeps of up to
an hour are switched off: there is one outer retry, with one budget of waiting (connectors.waiting).
"""

import logging
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any

import jwt
import requests
from github import Auth, Github, GithubException, RateLimitExceededException

from connectors.errors import RetryLaterError, StopScopeError, StopSourceError
from connectors.github.queries import batch, operation_of, unbatch
from connectors.github.transport import FINAL_ERRORS, Answer, Json, Operation, error_kinds
from connectors.waiting import (
    CLOCKS_DIFFER_SECONDS,
    LONGEST_WINDOW_SECONDS,
    Patience,
    asked_to_wait,
    duration,
    served_at_utc,
    unanswered,
)

REQUEST_TIMEOUT_SECONDS = 60
_LIMITED = {"RATE_LIMIT", "RATE_LIMITED"}
_APP_REFUSED = {
    401: "is id the App's, and private_key_file one of its keys?",
    403: "is the installation suspended?",
    404: "does installation name an installation of this App?",
}
_UNREADABLE = (
    requests.RequestException,
    ValueError,  # broken JSON, and headers that should be numbers
    ConnectionError,
    TimeoutError,
    AttributeError,  # PyGithub looks for a message in every body of an error, also where it is a list
)

for name in ("github.Requester", "urllib3"):
    logging.getLogger(name).setLevel(logging.ERROR)  # their debug records hold headers, and addresses


class _RefusedError(Exception):
    """The token is not accepted (401)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppKey:
    """A GitHub App, the installation it reads as, and its private key (PEM)."""

    app_id: str
    installation_id: int
    private_key: str = field(repr=False)


@dataclass(slots=True, kw_only=True)
class GitHubOverHttp:
    """Sends operations to ``base_url`` (``https://api.github.com``, or ``https://HOST/api/v3``).

    ``credential`` is a token, or a GitHub App's key: then a token of an hour is fetched, and renewed before
    it ends or when it is refused in the middle of a run. ``timeout_seconds`` is how long one answer may keep
    silent. ``now`` (seconds since 1970) is asked only for how long a limit lasts, where the server's own time
    does not tell.
    """

    base_url: str
    credential: str | AppKey = field(repr=False)
    patience: Patience
    timeout_seconds: int = REQUEST_TIMEOUT_SECONDS
    now: Callable[[], float] = time.time
    _github: Github = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._sign_in()

    def _sign_in(self) -> None:
        self._github = Github(
            auth=_auth_of(self.credential),
            base_url=self.base_url.rstrip("/"),
            timeout=self.timeout_seconds,
            retry=None,
            lazy=True,
            seconds_between_requests=None,
            seconds_between_writes=None,  # a GraphQL query is a POST; one second each would be an hour
            user_agent="evenhand",
        )

    def send(self, operations: Sequence[Operation]) -> Answer:
        """One request. Raises StopSourceError (bad token, limit), StopScopeError or TriedOftenError."""
        query, variables = batch(operations)
        asked = {"query": query, "variables": variables}
        names = ", ".join(sorted({operation.name for operation in operations}))
        headers, body = self.patience.ask(lambda: self._ask(asked), what=names)
        return _answer(len(operations), headers, body)

    def _ask(self, asked: Json) -> tuple[dict[str, Any], Json]:
        try:
            return self._ask_once(asked)
        except _RefusedError as refused:
            if isinstance(self.credential, str):
                raise StopSourceError(str(refused)) from None
        self._sign_in()  # a token of an hour may end at any moment; a new one that is refused is the end
        try:
            return self._ask_once(asked)
        except _RefusedError as refused:
            raise StopSourceError(str(refused)) from None

    def _ask_once(self, asked: Json) -> tuple[dict[str, Any], Json]:
        requester = self._github.requester
        try:
            self._fetch_token()
            # Not graphql_query: it fails in its own way on an empty body and on errors without a type.
            headers, body = requester.requestJsonAndCheck("POST", requester.graphql_url, input=asked)
        except GithubException as problem:
            return self._of_status(problem)
        except RuntimeError:  # PyGithub's word for a redirection to another host
            raise StopSourceError(
                "GitHub sends requests on to another address. Nothing was read from there. "
                "Correct base_url in evenhand.toml."
            ) from None
        except _UNREADABLE as problem:
            raise unanswered("GitHub", problem) from None
        lowered = _lowered(headers)
        self.patience.notes_limit("github", lowered, self.now(), of="points")
        return self._checked(lowered, body)

    def _fetch_token(self) -> None:
        """Have the App's token at hand; PyGithub keeps it for its hour. Raises StopSourceError in words."""
        auth = self._github.requester.auth
        if not isinstance(auth, Auth.AppInstallationAuth):
            return
        try:
            # Asked for where there is none, or only seconds are left of it; the second look reads its end.
            is_usable = bool(auth.token and auth.token)
        except GithubException as problem:
            if problem.status not in _APP_REFUSED or _is_limit(problem, _lowered(problem.headers)):
                raise
            advice = _APP_REFUSED[problem.status]
            ahead_seconds = self.now() - _epoch_of(_lowered(problem.headers).get("date"))
            if problem.status == 401 and abs(ahead_seconds) > CLOCKS_DIFFER_SECONDS:
                way = "ahead of" if ahead_seconds > 0 else "behind"
                advice = (
                    f"this machine's clock is {duration(abs(ahead_seconds))} {way} GitHub's, and an App's "
                    "proof holds for minutes. Set the clock."
                )
            raise StopSourceError(
                f"GitHub gives the App no token ({problem.status}): {advice} "
                "Nothing more was read; what was read before is kept."
            ) from None
        except (TypeError, AssertionError):
            is_usable = False
        if not is_usable:
            self._sign_in()
            raise RetryLaterError("GitHub's answer to the App has no token, or not until when it holds.")

    def _of_status(self, problem: GithubException) -> tuple[dict[str, Any], Json]:
        """What an HTTP status of 400 or more means; some carry GraphQL's own errors."""
        headers = _lowered(problem.headers)
        if problem.status == 401:
            raise _RefusedError(
                "GitHub refused the token (401). Nothing more was read; what was read before is kept. "
                "Is the token in the variable that evenhand.toml names still valid?"
            ) from None
        if isinstance(problem.data, dict) and isinstance(problem.data.get("errors"), list):
            return self._checked(headers, problem.data)
        if problem.status == 429 or (problem.status == 403 and _is_limit(problem, headers)):
            raise RetryLaterError(
                f"GitHub refused for now ({problem.status}).",
                wait_seconds=self._limit_lasts(headers),
                is_limit=True,
            ) from None
        if problem.status == 403:
            raise StopScopeError(
                f"GitHub refused the request (403). Nothing was written for it. {_sign_on(headers)}"
            ) from None
        if problem.status == 408 or problem.status >= 500:
            raise RetryLaterError(
                f"GitHub answered {problem.status}.",
                wait_seconds=asked_to_wait(headers.get("retry-after"), headers.get("date")),
            ) from None
        raise StopScopeError(
            f"GitHub answered {problem.status}. Nothing was written for this request."
        ) from None

    def _checked(self, headers: dict[str, Any], body: Any) -> tuple[dict[str, Any], Json]:
        """An answer with data, or one whose errors say for good why there is none; everything else again."""
        if not isinstance(body, dict) or not isinstance(body.get("data"), dict | None):
            raise RetryLaterError("GitHub's answer is no GraphQL answer.")  # an HTML page of a proxy, say
        kinds = error_kinds(_errors(body))
        if kinds & _LIMITED:
            raise RetryLaterError(
                "GitHub's rate limit is reached.", wait_seconds=self._limit_lasts(headers), is_limit=True
            )
        if body.get("data") is None and (not kinds or not kinds <= FINAL_ERRORS):
            raise RetryLaterError("GitHub answered with errors and no data.")
        return headers, body

    def _limit_lasts(self, headers: Mapping[str, Any]) -> float | None:
        """Seconds until a limit is over: what the answer asks for, else until the hour is over."""
        asked = asked_to_wait(headers.get("retry-after"), headers.get("date"))
        reset = str(headers.get("x-ratelimit-reset", ""))
        if (
            asked is not None
            or not reset.isdigit()
            or headers.get("x-ratelimit-remaining") not in (None, "0")
        ):
            return asked
        for clock in (_epoch_of(headers.get("date")), self.now()):
            left = float(reset) - clock
            if -CLOCKS_DIFFER_SECONDS <= left <= LONGEST_WINDOW_SECONDS + CLOCKS_DIFFER_SECONDS:
                return max(left, 0.0) + 1.0
        return None


def _auth_of(credential: str | AppKey) -> Auth.Auth:
    if isinstance(credential, str):
        return Auth.Token(credential)
    try:
        app = Auth.AppAuth(credential.app_id, credential.private_key)
        app.create_jwt()
    except (ValueError, TypeError, AssertionError, jwt.PyJWTError):
        raise StopSourceError(
            "The GitHub App's private key cannot be used: a PEM file of an RSA key was wanted, as GitHub "
            "makes it. Nothing was read. Correct private_key_file in [sources.github] app."
        ) from None
    return app.get_installation_auth(credential.installation_id)


def _sign_on(headers: Mapping[str, Any]) -> str:
    """What a refusal asks for: GitHub names the address at which a token is authorised for single sign-on."""
    named = re.search(r"url=(https?://[^\s;,]+)", str(headers.get("x-github-sso", "")))
    if named is None:
        return "May the token see this, and is it authorised for the organisation's single sign-on?"
    return f"The token is not authorised for the organisation's single sign-on. Authorise it: {named[1]}"


def _epoch_of(date: Any) -> float:
    try:
        return parsedate_to_datetime(date or "").timestamp()
    except (TypeError, ValueError):
        return 0.0


def _lowered(headers: Mapping[str, Any] | None) -> dict[str, Any]:
    return {name.lower(): value for name, value in (headers or {}).items()}


def _errors(body: Json) -> tuple[Json, ...]:
    listed = body.get("errors")
    return tuple(error for error in listed if isinstance(error, dict)) if isinstance(listed, list) else ()


def _is_limit(problem: GithubException, headers: dict[str, Any]) -> bool:
    """GitHub says 403 to a missing permission too, and then asking again does not help."""
    return (
        isinstance(problem, RateLimitExceededException)
        or "retry-after" in headers
        or headers.get("x-ratelimit-remaining") == "0"
    )


def _answer(count: int, headers: dict[str, Any], body: Json) -> Answer:
    data = body.get("data")
    return Answer(
        data=unbatch(count, data),
        errors=tuple({**error, "operation": operation_of(error, count)} for error in _errors(body)),
        served_at_utc=served_at_utc(headers.get("date"), source="GitHub"),
        points=_points(data),
    )


def _points(data: Json | None) -> int:
    for key, value in (data or {}).items():
        if key.endswith("rateLimit") and isinstance(value, dict) and isinstance(value.get("cost"), int):
            return int(value["cost"])
    return 0
