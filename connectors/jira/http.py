"""Jira over HTTP, through the ``jira`` library.

Here: one request out, one answer back, retried where trying again can help, and the words for when it
cannot. Cloud and Data Center alike.
Not here: which requests (``client``), what the answers mean (``parse``).

The library is kept for authentication, addresses and its error type. Its own retries and sleeps are switched
off, and its search methods are not used: they return None on Data Center, and hide the page token on Cloud.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import requests
from jira import JIRA
from jira.exceptions import JIRAError
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt

from connectors.errors import RetryLaterError, StopSourceError, TriedOftenError
from connectors.jira.transport import Answer, RefusedError

ATTEMPTS = 5
LONGEST_WAIT_SECONDS = 120.0
CONNECT_SECONDS, READ_SECONDS = 10, 60

_AGAIN = (408, 425, 429, 500, 502, 503, 504)

for name in ("jira", "jira.client", "jira.resilientsession"):
    logging.getLogger(name).setLevel(logging.CRITICAL)  # its records hold headers and bodies


@dataclass(slots=True, kw_only=True)
class JiraOverHttp:
    """Asks ``base_url`` with an API token (``email`` and ``token``, Cloud) or a personal access token.

    ``sleep`` is given from outside, so that nothing here reads a clock.
    """

    base_url: str
    token: str = field(repr=False)
    email: str | None = field(default=None, repr=False)
    sleep: Callable[[float], None]
    waited_seconds: float = 0.0
    _session: requests.Session = field(init=False, repr=False)

    def __post_init__(self) -> None:
        own = {"basic_auth": (self.email, self.token)} if self.email else {"token_auth": self.token}
        library = JIRA(
            server=self.base_url.rstrip("/"),
            get_server_info=False,
            max_retries=0,
            timeout=(CONNECT_SECONDS, READ_SECONDS),
            **own,
        )
        self._session = library._session

    def ask(self, path: str, query: Mapping[str, Any] | None = None, body: Any = None) -> Answer:
        """One request. Raises StopSourceError (bad token), RefusedError or TriedOftenError."""
        retrying = Retrying(
            retry=retry_if_exception_type(RetryLaterError),
            stop=stop_after_attempt(ATTEMPTS),
            wait=_wait,
            sleep=self._sleep,
            reraise=True,
        )
        try:
            response, decoded = retrying(self._once, path, query, body)
        except RetryLaterError as reason:
            raise TriedOftenError(
                f"{reason} Tried {ATTEMPTS} times. What was read before is kept; the rest is missing."
            ) from None
        return Answer(body=decoded, served_at_utc=_served_at(response.headers.get("Date")))

    def _sleep(self, seconds: float) -> None:
        self.waited_seconds += seconds
        self.sleep(seconds)

    def _once(self, path: str, query: Mapping[str, Any] | None, body: Any) -> tuple[requests.Response, Any]:
        address = f"{self.base_url.rstrip('/')}{path}"
        try:
            if body is None:
                response = self._session.get(address, params=dict(query or {}))
            else:
                response = self._session.post(address, params=dict(query or {}), json=body)
        except JIRAError as problem:
            raise _of_status(problem) from None
        except (requests.RequestException, ValueError, OSError) as problem:
            raise RetryLaterError(f"Jira's answer could not be read ({type(problem).__name__}).") from None
        if response is None:
            raise RetryLaterError("Jira's answer was empty.")
        try:
            return response, response.json()
        except ValueError:  # a login page or a proxy's page, with status 200
            raise RetryLaterError(
                "Jira's answer is no JSON; a login page or a proxy answers in its place."
            ) from None


def _of_status(problem: JIRAError) -> Exception:
    """What an HTTP status of 400 or more means. Jira's own text is not repeated: it can hold names."""
    status = problem.status_code or 0
    headers = problem.response.headers if problem.response is not None else {}
    if status == 401 or headers.get("X-Seraph-LoginReason") == "AUTHENTICATION_DENIED":
        captcha = headers.get("X-Seraph-LoginReason") == "AUTHENTICATION_DENIED"
        return StopSourceError(
            f"Jira refused the token ({status}). Nothing more was read; what was read before is kept. "
            + (
                "It asks for a CAPTCHA: log in once in a browser."
                if captcha
                else "Is the token in the variable that evenhand.toml names still valid, and does it belong "
                "to the configured email?"
            )
        )
    if status in _AGAIN:
        return RetryLaterError(f"Jira answered {status}.", wait_seconds=_retry_after(headers))
    what = {
        400: "Jira refused the request (400): a project, field or page mark that it names is not known.",
        403: "Jira refused the request (403). May the token see this?",
        404: "Jira says that this is not there, or that the token may not see it (404).",
        410: "Jira says that this address is gone (410). Is kind in [sources.jira] right?",
    }
    return RefusedError(what.get(status, f"Jira answered {status}."), status=status)


def _retry_after(headers: Mapping[str, Any]) -> float | None:
    """Seconds to wait, from a number. A date is left to the doubling waits: this reads no clock."""
    value = headers.get("Retry-After")
    return float(value) if isinstance(value, str) and value.isdigit() else None


def _wait(state: RetryCallState) -> float:
    """What the server asks for, else 1, 2, 4, 8 seconds; never longer than two minutes."""
    problem = state.outcome.exception() if state.outcome is not None else None
    asked = problem.wait_seconds if isinstance(problem, RetryLaterError) else None
    return min(asked if asked is not None else 2.0 ** (state.attempt_number - 1), LONGEST_WAIT_SECONDS)


def _served_at(header: Any) -> datetime:
    try:
        served = parsedate_to_datetime(header)
    except (TypeError, ValueError):
        raise StopSourceError("Jira's answer has no Date header, so nothing says when it was true.") from None
    return served.replace(tzinfo=served.tzinfo or UTC).astimezone(UTC)
