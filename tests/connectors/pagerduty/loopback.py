"""The client's road to an emulator: it asks over https only, so its requests are turned to the loopback.

Here: that turn, and a source and a night over it.
"""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2

from connectors.pagerduty.client import PagerDutySource
from connectors.pagerduty.http import PagerDutyOverHttp
from connectors.pagerduty.records import RECORD_TYPES
from connectors.waiting import Patience
from pipelines import nightly
from pipelines.known import known_account
from pipelines.nightly import Night
from pipelines.settings import Settings
from pipelines.sources import Registered
from warehouse.landing import Manifest

KEY = "pd-sigemu"


class ToLoopback(httpx2.HTTPTransport):
    """Sends what is meant for PagerDuty to a port of this machine."""

    def __init__(self, url: str) -> None:
        super().__init__(limits=httpx2.Limits(max_keepalive_connections=0))  # nothing is left open
        self.port = urlsplit(url).port

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        request.url = request.url.copy_with(scheme="http", host="127.0.0.1", port=self.port)
        return super().handle_request(request)


def source_of(world: Any, *, key: str = KEY, timeout_seconds: int = 60) -> PagerDutySource:
    """The emulator's account, with a real client before it."""
    transport = PagerDutyOverHttp(
        base_url="https://pagerduty.test",
        token=key,
        patience=Patience(sleep=lambda _: None),
        timeout_seconds=timeout_seconds,
        network=ToLoopback(world.url("pagerduty")),
    )
    return PagerDutySource(transport=transport)


def night_of(folder: Path) -> Night:
    document = {
        "organization": {"name": "Acme", "reporting_timezone": "Europe/Berlin"},
        "storage": {"path": "."},
        "folder": folder,
    }
    return Night(settings=Settings.model_validate(document), environment={})


def land(night: Night, source: PagerDutySource, *, full: bool = False) -> Manifest:
    """One night's load, told what the loads before it know."""
    if not full:
        source.known = known_account(night.landing.manifests(), reads=source.reads)
    return nightly._land(night, Registered(source=source, record_types=RECORD_TYPES))
