"""GitHub over HTTP, through PyGithub.

Here: one request out, one answer back, retried where trying again can help, and the words for when it
cannot. github.com and Enterprise Server alike: PyGithub derives the GraphQL address from the base URL.
Not here: which operations (``client``), what the answers mean (``parse``).

PyGithub is kept for authentication, addresses and its error types. Its own retries and its sleeps of up to
an hour are switched off: there is one outer retry, by tenacity, with one budget of waiting.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import requests
from github import Auth, Github, GithubException, RateLimitExceededException
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt

from connectors.errors import RetryLaterError, StopScopeError, StopSourceError, TriedOftenError
from connectors.github.queries import batch, operation_of, unbatch
from connectors.github.transport import FINAL_ERRORS, Answer, Json, Operation, error_kinds

ATTEMPTS = 5
LONGEST_WAIT_SECONDS = 120.0
REQUEST_TIMEOUT_SECONDS = 60

_LIMITED = {"RATE_LIMIT", "RATE_LIMITED"}
_UNREADABLE = (
    requests.RequestException,
    ValueError,  # broken JSON, and headers that should be numbers
    ConnectionError,
    TimeoutError,
    AttributeError,  # PyGithub looks for a message in every body of an error, also where it is a list
)

logging.getLogger("github.Requester").setLevel(logging.ERROR)  # its debug records hold headers


@dataclass(slots=True, kw_only=True)
class GitHubOverHttp:
    """Sends operations to ``base_url`` (``https://api.github.com``, or ``https://HOST/api/v3``) with a token.

    ``sleep`` is given from outside, so that nothing here reads a clock. ``timeout_seconds`` is how long one
    answer may keep silent.
    """

    base_url: str
    token: str = field(repr=False)
    sleep: Callable[[float], None]
    timeout_seconds: int = REQUEST_TIMEOUT_SECONDS
    waited_seconds: float = 0.0
    _github: Github = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._github = Github(
            auth=Auth.Token(self.token),
            base_url=self.base_url.rstrip("/"),
            timeout=self.timeout_seconds,
            retry=None,
            lazy=True,
            seconds_between_requests=None,
            seconds_between_writes=None,  # a GraphQL query is a POST; one second each would be an hour
            user_agent="evenhand",
        )

    def send(self, operations: Sequence[Operation]) -> Answer:
        """One request. Raises StopSourceError (bad token), StopScopeError or TriedOftenError."""
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
            raise TriedOftenError(
                f"{reason} Tried {ATTEMPTS} times ({names}). What was read before is kept; "
                f"the rest is missing."
            ) from None
        return _answer(len(operations), headers, body)

    def _sleep(self, seconds: float) -> None:
        self.waited_seconds += seconds
        self.sleep(seconds)

    def _ask(self, query: str, variables: dict[str, Any]) -> tuple[dict[str, Any], Json]:
        requester = self._github.requester
        asked = {"query": query, "variables": variables}
        try:
            # Not graphql_query: it fails in its own way on an empty body and on errors without a type.
            headers, body = requester.requestJsonAndCheck("POST", requester.graphql_url, input=asked)
        except GithubException as problem:
            return _of_status(problem)
        except RuntimeError:  # PyGithub's word for a redirection to another host
            raise StopSourceError(
                "GitHub sends requests on to another address. Nothing was read from there. "
                "Correct base_url in evenhand.toml."
            ) from None
        except _UNREADABLE as problem:
            raise RetryLaterError(f"GitHub's answer could not be read ({type(problem).__name__}).") from None
        return _checked(headers, body)


def _of_status(problem: GithubException) -> tuple[dict[str, Any], Json]:
    """What an HTTP status of 400 or more means; some carry GraphQL's own errors."""
    headers = {name.lower(): value for name, value in (problem.headers or {}).items()}
    if problem.status == 401:
        raise StopSourceError(
            "GitHub refused the token (401). Nothing more was read; what was read before is kept. "
            "Is the token in the variable that evenhand.toml names still valid?"
        ) from None
    if isinstance(problem.data, dict) and isinstance(problem.data.get("errors"), list):
        return _checked(headers, problem.data)
    if problem.status == 429 or (problem.status == 403 and _is_limit(problem, headers)):
        raise RetryLaterError(
            f"GitHub refused for now ({problem.status}).", wait_seconds=_retry_after(headers)
        ) from None
    if problem.status == 403:
        raise StopScopeError(
            "GitHub refused the request (403). Nothing was written for it. "
            "May the token see this, and is it authorised for the organisation's single sign-on?"
        ) from None
    if problem.status >= 500:
        raise RetryLaterError(f"GitHub answered {problem.status}.") from None
    raise StopScopeError(f"GitHub answered {problem.status}. Nothing was written for this request.") from None


def _checked(headers: dict[str, Any], body: Any) -> tuple[dict[str, Any], Json]:
    """An answer with data, or one whose errors say for good why there is none; everything else again."""
    if not isinstance(body, dict) or not isinstance(body.get("data") or {}, dict):
        raise RetryLaterError("GitHub's answer is no GraphQL answer.")  # an HTML page of a proxy, say
    kinds = error_kinds(_errors(body))
    if kinds & _LIMITED:
        raise RetryLaterError("GitHub's rate limit is reached.", wait_seconds=_retry_after(headers))
    if body.get("data") is None and (not kinds or not kinds <= FINAL_ERRORS):
        raise RetryLaterError("GitHub answered with errors and no data.")
    return headers, body


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
    data = body.get("data")
    return Answer(
        data=unbatch(count, data),
        errors=tuple({**error, "operation": operation_of(error, count)} for error in _errors(body)),
        served_at_utc=_served_at(lowered.get("date")),
        points=_points(data),
    )


def _served_at(header: Any) -> datetime:
    try:
        served = parsedate_to_datetime(header)
    except (TypeError, ValueError):
        raise StopSourceError(
            "GitHub's answer has no Date header, so nothing says when it was true."
        ) from None
    return served.replace(tzinfo=served.tzinfo or UTC).astimezone(UTC)


def _points(data: Json | None) -> int:
    for key, value in (data or {}).items():
        if key.endswith("rateLimit") and isinstance(value, dict) and isinstance(value.get("cost"), int):
            return int(value["cost"])
    return 0
