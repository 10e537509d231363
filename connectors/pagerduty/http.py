"""PagerDuty over HTTP, through its own client.

Here: one request out, one answer back, retried where trying again can help, and the words for when it
cannot. Reads only: a read-only key is enough, and the only method is GET.
Not here: which paths (``client``), what the answers mean (``parse``).

The pagerduty package is kept for authentication, headers and addresses. Its own retries (429 without end) and
sleeps are switched off: there is one outer retry, with one budget of waiting
(connectors.waiting).
"""

import json
import logging
import time
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pagerduty

from connectors.errors import RetryLaterError, StopScopeError, StopSourceError
from connectors.pagerduty.transport import Answer, NotThereError, Parameters
from connectors.waiting import Patience, asked_to_wait, served_at_utc, unreached

REQUEST_TIMEOUT_SECONDS = 60
_AGAIN = {408, 429, 500, 502, 503, 504}

logging.getLogger("pagerduty").setLevel(logging.CRITICAL)  # what went wrong is told by our own errors
for name in ("httpx2", "httpcore2"):
    logging.getLogger(name).setLevel(logging.ERROR)  # their records hold addresses, and headers of answers


@dataclass(slots=True, kw_only=True)
class PagerDutyOverHttp:
    """Asks ``base_url`` (``https://api.pagerduty.com``, EU accounts ``https://api.eu.pagerduty.com``).

    ``network`` is given by tests.
    """

    base_url: str
    token: str = field(repr=False)
    patience: Patience
    timeout_seconds: int = REQUEST_TIMEOUT_SECONDS
    network: httpx2.BaseTransport | None = field(default=None, repr=False)
    _client: Any = field(init=False, repr=False)

    def __post_init__(self) -> None:
        more: dict[str, Any] = {} if self.network is None else {"transport": self.network}
        try:
            self._client = pagerduty.RestApiV2Client(self.token, base_url=self.base_url.rstrip("/"), **more)
        except pagerduty.UrlError:
            raise StopSourceError(
                "PagerDuty is asked over https only. Nothing was read. Correct base_url in evenhand.toml."
            ) from None
        # None of its own: it would go on without end at a 429 that this does not name, and sleep each time.
        self._client.retry = dict.fromkeys(_AGAIN, 1)
        self._client.max_http_attempts = -1
        self._client.max_network_attempts = 0
        self._client.timeout = self.timeout_seconds

    def get(self, path: str, parameters: Parameters) -> Answer:
        """One request. Raises StopSourceError (bad key), StopScopeError or TriedOftenError."""
        return self.patience.ask(lambda: self._ask(path, parameters), what=path)

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
            raise unreached("PagerDuty", problem.__cause__ or problem) from None
        except (ValueError, httpx2.HTTPError) as problem:
            raise RetryLaterError(
                f"PagerDuty's answer could not be read ({type(problem).__name__})."
            ) from None
        _refuse(response, path)
        self.patience.notes_limit("pagerduty", response.headers, time.time(), of="requests")
        try:
            body = json.loads(response.content)
        except ValueError:
            raise RetryLaterError("PagerDuty's answer is no JSON.") from None
        if not isinstance(body, dict):
            raise RetryLaterError("PagerDuty's answer is no object.")
        return Answer(
            body=body, served_at_utc=served_at_utc(response.headers.get("date"), source="PagerDuty")
        )


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
        wait_seconds = _limit_lasts(response.headers)
        raise RetryLaterError(
            f"PagerDuty answered {status}.", wait_seconds=wait_seconds, is_limit=status == 429
        )
    if status in (402, 403):
        raise StopScopeError(
            f"PagerDuty does not let this key read {path} ({status}). Nothing was written for it. "
            "Is it a read-only key of the whole account, and does the account's plan include this?"
        )
    refused = NotThereError if status in (400, 404) else StopScopeError
    raise refused(f"PagerDuty answered {status} for {path}. Nothing was written for this request.")


def _limit_lasts(headers: Any) -> float | None:
    """Seconds until PagerDuty answers again, as its headers say."""
    return asked_to_wait(headers.get("retry-after") or headers.get("ratelimit-reset"), headers.get("date"))
