"""Nights of every source with a server over the emulator, through the registry as a real night asks it.

Here: settings, credentials and the clients' road to the emulator. Not here: what is tried with them.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from connectors.github.http import GitHubOverHttp
from connectors.jira.http import JiraOverHttp
from connectors.pagerduty import http as pagerduty_http
from connectors.pagerduty.http import PagerDutyOverHttp
from connectors.waiting import Patience
from pipelines import nightly
from pipelines.nightly import Night
from pipelines.settings import Settings
from tests.connectors.pagerduty.loopback import ToLoopback
from tests.pipelines.contents import content_hash
from tests.shared_material import emulated_world
from warehouse.landing import Manifest

SERVERS = {"github": "github", "pagerduty": "pagerduty", "jira": "jira", "jira data center": "jira_dc"}
"""What the emulator calls them."""

ASKS: dict[str, tuple[type[Any], str]] = {
    "github": (GitHubOverHttp, "send"),
    "pagerduty": (PagerDutyOverHttp, "get"),
    "jira": (JiraOverHttp, "ask"),
    "jira data center": (JiraOverHttp, "ask"),
}
"""The method through which every request of a source goes."""

TOKENS = {
    "GITHUB_TOKEN": "ghp_sigemu",
    "PAGERDUTY_TOKEN": "pd-sigemu",
    "JIRA_TOKEN": "jira-sigemu",
    "JIRA_PAT": "jira-pat-sigemu",
}


def small_world() -> Iterator[Any]:
    """The emulator with little in it, on small pages: every source has several. Stopped at the end."""
    settings = {"months": 1, "people": 4, "prs_per_month": 20}
    running = emulated_world(seed=8, gen=settings, jira_page_cap=80, jira_dc_max=80)
    yield running
    running.stop()


def turn_to_loopback(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """PagerDuty's client asks over https only; the emulator answers over http."""
    network = ToLoopback(world.url("pagerduty"))
    monkeypatch.setattr(pagerduty_http, "PagerDutyOverHttp", partial(PagerDutyOverHttp, network=network))


def sections(world: Any) -> dict[str, dict[str, Any]]:
    """A section of ``[sources]`` for each server; of Jira one project."""
    projects = sorted(world.jira.projects)[:1]
    return {
        "github": {
            "base_url": world.url("github"),
            "token": {"env": "GITHUB_TOKEN"},
            "organizations": ["acme"],
        },
        "pagerduty": {"base_url": "https://pagerduty.test", "token": {"env": "PAGERDUTY_TOKEN"}},
        "jira": {
            "base_url": world.url("jira"),
            "token": {"env": "JIRA_TOKEN"},
            "email": "reader@example.com",
            "projects": projects,
        },
        "jira data center": {
            "base_url": world.url("jira_dc"),
            "token": {"env": "JIRA_PAT"},
            "kind": "datacenter",
            "projects": projects,
        },
    }


def night_of(folder: Path, world: Any, source: str, **section: Any) -> Night:
    """A night that reads this source alone, and does not sleep. ``section``: keys in the place of others."""
    document = {
        "organization": {"name": "Acme", "reporting_timezone": "Europe/Berlin"},
        "storage": {"path": "."},
        "sources": {source.partition(" ")[0]: sections(world)[source] | section},
        "folder": folder,
    }
    night = Night(settings=Settings.model_validate(document), environment=TOKENS)
    night.patience = Patience(sleep=lambda _: None)
    return night


def land(night: Night, source: str) -> Manifest:
    manifest = nightly.land(night, source.partition(" ")[0])
    assert manifest is not None
    return manifest


def contents(night: Night) -> str:
    """A hash of core as it is built from what is landed."""
    nightly.land(night, "organization")
    nightly.build_core(night)
    return content_hash(night.working_path)
