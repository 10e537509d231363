"""Jira over HTTP, through the ``jira`` library.

Here: one request out, one answer back, retried where trying again can help, and the words for when it
cannot. Cloud and Data Center alike.
Not here: which requests (``client``), what the answers mean (``parse``).

The library is kept for authentication, addresses and its error type. Its own retries and sleeps are switched
off, and its search methods are not used: they return None on Data Center, and hide the page token on Cloud.
"""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import requests
from jira import JIRA
from jira.exceptions import JIRAError

from connectors.errors import RetryLaterError, StopSourceError
from connectors.jira.transport import Answer, RefusedError
from connectors.waiting import Patience, asked_to_wait, served_at_utc, unanswered

CONNECT_SECONDS, READ_SECONDS = 10, 60

_AGAIN = (408, 425, 429, 500, 502, 503, 504)

for name in ("jira", "jira.client", "jira.resilientsession", "urllib3"):
    logging.getLogger(name).setLevel(logging.CRITICAL)  # their records hold headers, bodies and addresses


@dataclass(slots=True, kw_only=True)
class JiraOverHttp:
    """Asks ``base_url`` with an API token (``email`` and ``token``, Cloud) or a personal access token."""

    base_url: str
    token: str = field(repr=False)
    email: str | None = field(default=None, repr=False)
    patience: Patience
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
        response, decoded = self.patience.ask(lambda: self._once(path, query, body), what=path)
        served = served_at_utc(response.headers.get("Date"), source="Jira")
        self.patience.notes_limit("jira", response.headers, time.time(), of="requests")
        return Answer(body=decoded, served_at_utc=served)

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
            raise unanswered("Jira", problem) from None
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
        wait_seconds = asked_to_wait(headers.get("Retry-After"), headers.get("Date"))
        return RetryLaterError(f"Jira answered {status}.", wait_seconds=wait_seconds, is_limit=status == 429)
    what = {
        400: "Jira refused the request (400): a project, field or page mark that it names is not known.",
        403: "Jira refused the request (403). May the token see this?",
        404: "Jira says that this is not there, or that the token may not see it (404).",
        410: "Jira says that this address is gone (410). Is kind in [sources.jira] right?",
    }
    return RefusedError(what.get(status, f"Jira answered {status}."), status=status)
