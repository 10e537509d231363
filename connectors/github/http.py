"""GitHub over HTTP, through PyGithub.

Here: one request out, one answer back, retried where trying again can help, and the words for when it
cannot. github.com and Enterprise Server alike: PyGithub derives the GraphQL address from the base URL.
Not here: which operations (``client``), what the answers mean (``parse``).

PyGithub is kept for authentication, addresses and its error types. Its own retries and its sleeps of up to
an hour are switched off: there is one outer retry, by tenacity, with one budget of waiting.
"""

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

import requests
from github import Auth, BadCredentialsException, Github, GithubException
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt

from connectors.errors import RetryLaterError, StopScopeError, StopSourceError
from connectors.github.queries import batch, unbatch
from connectors.github.transport import Answer, Json, Operation

ATTEMPTS = 5
LONGEST_WAIT_SECONDS = 120.0
REQUEST_TIMEOUT_SECONDS = 60

_LIMITED = ("RATE_LIMIT", "RATE_LIMITED")
_UNREADABLE = (
    requests.RequestException,
    json.JSONDecodeError,
    ConnectionError,
    TimeoutError,
)

logging.getLogger("github.Requester").setLevel(logging.ERROR)  # its debug records hold headers


@dataclass(slots=True, kw_only=True)
class GitHubOverHttp:
    """Sends operations to ``base_url`` (``https://api.github.com``, or ``https://HOST/api/v3``) with a token.

    ``sleep`` is given from outside, so that nothing here reads a clock.
    """

    base_url: str
    token: str = field(repr=False)
    sleep: Callable[[float], None]
    waited_seconds: float = 0.0
    _github: Github = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._github = Github(
            auth=Auth.Token(self.token),
            base_url=self.base_url.rstrip("/"),
            timeout=REQUEST_TIMEOUT_SECONDS,
            retry=None,
            lazy=True,
            seconds_between_requests=None,
            seconds_between_writes=None,  # a GraphQL query is a POST; one second each would be an hour
            user_agent="evenhand",
        )

    def send(self, operations: Sequence[Operation]) -> Answer:
        """One request. Raises StopSourceError (bad token) or StopScopeError (tried often enough)."""
        query, variables = batch(operations)
        retrying = Retrying(
            retry=retry_if_exception_type(RetryLaterError),
            stop=stop_after_attempt(ATTEMPTS),
            wait=_wait,
            sleep=self._sleep,
            reraise=True,
        )
        names = ", ".join(sorted({operation.name for operation in operations}))
        try:
            headers, body = retrying(self._ask, query, variables)
        except RetryLaterError as reason:
            raise StopScopeError(
                f"{reason} Tried {ATTEMPTS} times ({names}). What was read before is kept; "
                f"the rest is missing."
            ) from None
        return _answer(len(operations), headers, body)

    def _sleep(self, seconds: float) -> None:
        self.waited_seconds += seconds
        self.sleep(seconds)

    def _ask(self, query: str, variables: dict[str, Any]) -> tuple[dict[str, Any], Json]:
        try:
            return self._github.requester.graphql_query(query, variables)
        except BadCredentialsException:
            raise StopSourceError(
                "GitHub refused the token (401). Nothing was read. "
                "Is the token in the variable that evenhand.toml names still valid?"
            ) from None
        except GithubException as problem:
            return _headers_and_body(problem)
        except _UNREADABLE as problem:
            raise RetryLaterError(f"GitHub's answer could not be read ({type(problem).__name__}).") from None


def _headers_and_body(problem: GithubException) -> tuple[dict[str, Any], Json]:
    """What PyGithub raised for: a 200 with ``errors`` (partial data is still in it), or an HTTP status."""
    headers = {name.lower(): value for name, value in (problem.headers or {}).items()}
    body = problem.data if isinstance(problem.data, dict) else {}
    errors = body.get("errors")
    if isinstance(errors, list) and isinstance(body.get("data", None) or {}, dict):
        kinds = {str(error.get("type")) for error in errors if isinstance(error, dict)}
        if kinds & set(_LIMITED):
            raise RetryLaterError("GitHub's rate limit is reached.", wait_seconds=_retry_after(headers))
        if body.get("data") is None and not kinds & {"NOT_FOUND", "FORBIDDEN"}:
            raise RetryLaterError("GitHub answered with errors and no data.")
        return headers, body
    if problem.status in (403, 429):
        raise RetryLaterError(
            f"GitHub refused for now ({problem.status}).", wait_seconds=_retry_after(headers)
        ) from None
    if problem.status >= 500:
        raise RetryLaterError(f"GitHub answered {problem.status}.") from None
    raise StopScopeError(f"GitHub answered {problem.status}. Nothing was written for this request.") from None


def _retry_after(headers: dict[str, Any]) -> float | None:
    value = headers.get("retry-after")
    return float(value) if isinstance(value, str) and value.isdigit() else None


def _wait(state: RetryCallState) -> float:
    """What the server asks for, else 1, 2, 4, 8 seconds; never longer than two minutes."""
    problem = state.outcome.exception() if state.outcome is not None else None
    asked = problem.wait_seconds if isinstance(problem, RetryLaterError) else None
    return min(asked if asked is not None else 2.0 ** (state.attempt_number - 1), LONGEST_WAIT_SECONDS)


def _answer(count: int, headers: dict[str, Any], body: Json) -> Answer:
    lowered = {name.lower(): value for name, value in headers.items()}
    served = lowered.get("date")
    if not isinstance(served, str):
        raise StopSourceError("GitHub's answer has no Date header, so nothing says when it was true.")
    data = body.get("data")
    data = data if isinstance(data, dict) else None
    return Answer(
        data=unbatch(count, data),
        errors=tuple(error for error in body.get("errors") or () if isinstance(error, dict)),
        served_at_utc=parsedate_to_datetime(served).astimezone(UTC),
        points=_points(data),
    )


def _points(data: Json | None) -> int:
    for key, value in (data or {}).items():
        if key.endswith("rateLimit") and isinstance(value, dict) and isinstance(value.get("cost"), int):
            return int(value["cost"])
    return 0
