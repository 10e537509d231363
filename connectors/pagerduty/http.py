"""PagerDuty over HTTP, through its own client.

Here: one request out, one answer back, retried where trying again can help, and the words for when it
cannot. Reads only: a read-only key is enough, and the only method is GET.
Not here: which paths (``client``), what the answers mean (``parse``).

The pagerduty package is kept for authentication, headers and addresses. Its own retries (429 without end) and
sleeps are switched off: there is one outer retry, by tenacity, with one budget of waiting.
"""

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx2
import pagerduty
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt

from connectors.errors import RetryLaterError, StopScopeError, StopSourceError, TriedOftenError
from connectors.pagerduty.transport import Answer, Parameters

ATTEMPTS = 5
LONGEST_WAIT_SECONDS = 120.0
REQUEST_TIMEOUT_SECONDS = 60
_AGAIN = {408, 429, 500, 502, 503, 504}

logging.getLogger("pagerduty").setLevel(logging.CRITICAL)  # what went wrong is told by our own errors
logging.getLogger("httpx2").setLevel(logging.ERROR)  # its records hold addresses with every parameter


@dataclass(slots=True, kw_only=True)
class PagerDutyOverHttp:
    """Asks ``base_url`` (``https://api.pagerduty.com``, EU accounts ``https://api.eu.pagerduty.com``).

    ``sleep`` is given from outside, so that nothing here reads a clock. ``network`` is given by tests.
    """

    base_url: str
    token: str = field(repr=False)
    sleep: Callable[[float], None]
    timeout_seconds: int = REQUEST_TIMEOUT_SECONDS
    network: httpx2.BaseTransport | None = field(default=None, repr=False)
    waited_seconds: float = 0.0
    _client: Any = field(init=False, repr=False)

    def __post_init__(self) -> None:
        more: dict[str, Any] = {} if self.network is None else {"transport": self.network}
        try:
            self._client = pagerduty.RestApiV2Client(self.token, base_url=self.base_url.rstrip("/"), **more)
        except pagerduty.UrlError:
            raise StopSourceError(
                "PagerDuty is asked over https only. Nothing was read. Correct base_url in evenhand.toml."
            ) from None
        self._client.retry = dict.fromkeys(_AGAIN, 0)
        self._client.max_network_attempts = 0
        self._client.timeout = self.timeout_seconds

    def get(self, path: str, parameters: Parameters) -> Answer:
        """One request. Raises StopSourceError (bad key), StopScopeError or TriedOftenError."""
        retrying = Retrying(
            retry=retry_if_exception_type(RetryLaterError),
            stop=stop_after_attempt(ATTEMPTS),
            wait=_wait,
            sleep=self._sleep,
            reraise=True,
        )
        try:
            return retrying(self._ask, path, parameters)
        except RetryLaterError as reason:
            raise TriedOftenError(
                f"{reason} Tried {ATTEMPTS} times ({path}). What was read before is kept; "
                "the rest is missing."
            ) from None

    def _sleep(self, seconds: float) -> None:
        self.waited_seconds += seconds
        self.sleep(seconds)

    def _ask(self, path: str, parameters: Parameters) -> Answer:
        asked = {
            name: list(value) if not isinstance(value, str | int) else value
            for name, value in parameters.items()
        }
        try:
            response = self._client.request("get", path, params=asked)
        except pagerduty.HttpError as problem:
            response = problem.response
        except pagerduty.Error as problem:
            cause = problem.__cause__ or problem
            raise RetryLaterError(f"PagerDuty could not be reached ({type(cause).__name__}).") from None
        except (ValueError, httpx2.HTTPError) as problem:
            raise RetryLaterError(
                f"PagerDuty's answer could not be read ({type(problem).__name__})."
            ) from None
        _refuse(response, path)
        try:
            body = json.loads(response.content)
        except ValueError:
            raise RetryLaterError("PagerDuty's answer is no JSON.") from None
        if not isinstance(body, dict):
            raise RetryLaterError("PagerDuty's answer is no object.")
        return Answer(body=body, served_at_utc=_served_at(response.headers.get("date")))


def _refuse(response: Any, path: str) -> None:
    """Raise what a status of 300 or more means to the reader."""
    status = response.status_code
    if status < 300:
        return
    if status == 401:
        raise StopSourceError(
            "PagerDuty refused the key (401). Nothing more was read; what was read before is kept. Is the "
            "key in the variable that evenhand.toml names still valid, and base_url that of its region "
            "(https://api.eu.pagerduty.com for EU accounts)?"
        )
    if status in _AGAIN:
        raise RetryLaterError(f"PagerDuty answered {status}.", wait_seconds=_asked_to_wait(response.headers))
    if status in (402, 403):
        raise StopScopeError(
            f"PagerDuty does not let this key read {path} ({status}). Nothing was written for it. "
            "Is it a read-only key of the whole account, and does the account's plan include this?"
        )
    raise StopScopeError(f"PagerDuty answered {status} for {path}. Nothing was written for this request.")


def _asked_to_wait(headers: Any) -> float | None:
    for name in ("retry-after", "ratelimit-reset"):
        value = headers.get(name)
        if isinstance(value, str) and value.isdigit():
            return float(value)
    return None


def _wait(state: RetryCallState) -> float:
    """What the server asks for, else 1, 2, 4, 8 seconds; never longer than two minutes."""
    problem = state.outcome.exception() if state.outcome is not None else None
    asked = problem.wait_seconds if isinstance(problem, RetryLaterError) else None
    return min(asked if asked is not None else 2.0 ** (state.attempt_number - 1), LONGEST_WAIT_SECONDS)


def _served_at(header: Any) -> datetime:
    try:
        served = parsedate_to_datetime(header)
    except (TypeError, ValueError):
        raise StopSourceError(
            "PagerDuty's answer has no Date header, so nothing says when it was true."
        ) from None
    return served.replace(tzinfo=served.tzinfo or UTC).astimezone(UTC)
