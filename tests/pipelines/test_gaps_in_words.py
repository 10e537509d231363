"""Gaps that say the same of many repositories are one line for the operator, and a gap of each in the load.

Here: what a night says while it reads. Not here: which gaps there are (connectors), the ledger.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.contract import Gap, Page, Usage
from connectors.errors import StopSourceError
from connectors.github.records import RECORD_TYPES
from pipelines import nightly
from pipelines.nightly import Night
from pipelines.sources import Registered
from tests.pipelines.test_incremental import night_of
from warehouse.landing import Manifest

NOW_UTC = datetime(2026, 3, 10, tzinfo=UTC)
REFUSED = "GitHub refused the token (401). Nothing more was read."


@dataclass(slots=True, kw_only=True)
class Said:
    """A source that gives what it is told to, and then stops where it is told to."""

    items: list[Page | Gap]
    stops: str | None = None
    name: str = "github"
    reads: str = "all"
    usage: Usage = field(default_factory=Usage)

    def server_time(self) -> datetime:
        return NOW_UTC

    def pages(self) -> Iterator[Page | Gap]:
        yield from self.items
        if self.stops is not None:
            raise StopSourceError(self.stops)


def page(scope: str) -> Page:
    return Page(scope=scope, served_at_utc=NOW_UTC, records=())


def landed(night: Night, source: Said) -> tuple[Manifest, list[str]]:
    said: list[str] = []
    night.say = said.append
    manifest = nightly._land(night, Registered(source=source, record_types=RECORD_TYPES))
    return manifest, [line for line in said if "GAP" in line]


@pytest.fixture
def night(tmp_path: Path) -> Night:
    return night_of(tmp_path)


def test_a_source_that_stops_says_once_what_it_had_begun(night: Night) -> None:
    begun = [Gap(scope=f"github:{n}", message=f"{REFUSED} Not written: 1 pull request.") for n in range(6)]
    other = Gap(scope="github:9", message="acme/nine: 2 of its pull requests could not be read whole.")
    manifest, said = landed(night, Said(items=[page("github:1"), other, *begun], stops=REFUSED))
    assert said == [
        f"github: GAP {other.message}",
        f"github: GAP {REFUSED} 6 parts of it were begun and are not whole (`evenhand completeness`).",
    ]
    gaps = {scope.scope for scope in manifest.scopes if scope.gap is not None}
    assert gaps == {"github", "github:9", *(f"github:{n}" for n in range(6))}


def test_what_is_said_of_many_repositories_is_said_of_one_and_counted(night: Night) -> None:
    def refused(name: str) -> Gap:
        return Gap(scope=f"github:{name}", message=f"deployments of acme/{name}, page 1: GitHub gave none.")

    other = Gap(scope="github:other", message="acme/other cannot be seen.")
    items = [refused("one"), refused("two"), other, page("github:1"), refused("three")]
    _, said = landed(night, Said(items=items))
    assert said == [
        "github: GAP deployments of acme/one, page 1: GitHub gave none. And 1 more like it "
        "(`evenhand completeness`).",
        "github: GAP acme/other cannot be seen.",
        "github: GAP deployments of acme/three, page 1: GitHub gave none.",
    ]


def test_one_that_had_begun_nothing_says_only_why_it_stopped(night: Night) -> None:
    _, said = landed(night, Said(items=[page("github:1")], stops=REFUSED))
    assert said == [f"github: GAP {REFUSED}"]
