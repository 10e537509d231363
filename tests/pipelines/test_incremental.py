"""Reading only what has changed: nothing is lost, little is asked, and a gap is closed by the next run."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from connectors.demo import FIRST_NIGHT_UTC, DemoTransport, make_organization
from connectors.errors import StopScopeError
from connectors.github.client import GitHubSource
from connectors.github.records import RECORD_TYPES
from connectors.github.transport import Answer, Operation
from pipelines import nightly
from pipelines.known import SWEPT_DAYS, known_to_github
from pipelines.nightly import Night
from pipelines.settings import Settings
from pipelines.sources import Registered
from warehouse.connection import connect
from warehouse.landing import Manifest

ORGANIZATION = make_organization(engineers=10, months=4)
DAY = timedelta(days=1)
TABLES = "repositories accounts pull_requests pr_events reviews thread_comments reactions".split()


def night_of(folder: Path) -> Night:
    document = {
        "organization": {"name": "Acme", "reporting_timezone": "Europe/Berlin"},
        "storage": {"path": "."},
        "folder": folder,
    }
    return Night(settings=Settings.model_validate(document), environment={})


class Counting:
    """The made-up organisation, with what was asked counted, and one request that can be made to fail."""

    def __init__(self, now_utc: datetime, fails: str | None = None) -> None:
        self.transport = DemoTransport(ORGANIZATION, now_utc)
        self.asked: list[list[str]] = []
        self.fails = fails

    def send(self, operations: Sequence[Operation]) -> Answer:
        self.asked.append([operation.name for operation in operations])
        if self.fails is not None and any(self.fails in str(one.variables.values()) for one in operations):
            raise StopScopeError("GitHub answered 502.")
        return self.transport.send(operations)


def land(night: Night, transport: Any, *, since_utc: datetime | None = None, full: bool = False) -> Manifest:
    source = GitHubSource(transport=transport, organizations=("acme",), since_utc=since_utc)
    if not full:
        known = known_to_github(
            night.landing.manifests(), [], source.server_time(), reads=source.reads
        ).repositories
        source.known = known
    manifest = nightly._land(night, Registered(source=source, record_types=RECORD_TYPES))
    nightly.land(night, "organization")
    return manifest


def contents(night: Night) -> dict[str, list[tuple[Any, ...]]]:
    nightly.build_core(night)
    with connect(night.working_path) as connection:
        return {
            name: connection.execute(f"SELECT * FROM core.{name} ORDER BY ALL").fetchall() for name in TABLES
        }


def threads(night: Night) -> list[tuple[Any, ...]]:
    """Threads of pull requests that are open, or ended at most as long ago as a sweep looks."""
    with connect(night.working_path) as connection:
        return connection.execute(
            "SELECT threads.* FROM core.review_threads AS threads "
            "JOIN core.pull_requests AS pulls ON pulls.pr_id = threads.pr_id "
            "WHERE pulls.closed_at_utc IS NULL "
            "OR pulls.closed_at_utc >= (SELECT max(known_at_utc) FROM ops.loads) - to_days($days) "
            "ORDER BY ALL",
            {"days": SWEPT_DAYS},
        ).fetchall()


def test_night_by_night_equals_one_full_read_at_the_end(tmp_path: Path) -> None:
    nights, at_once = night_of(tmp_path / "nights"), night_of(tmp_path / "at_once")
    for number in range(25):
        manifest = land(nights, Counting(FIRST_NIGHT_UTC + number * DAY))
        assert manifest.is_complete
    land(at_once, Counting(FIRST_NIGHT_UTC + 24 * DAY))
    assert contents(nights) == contents(at_once)
    assert threads(nights) == threads(at_once)
    assert len(threads(nights)) > 20


def test_a_resolved_thread_moves_no_update_and_is_seen_by_the_sweep(tmp_path: Path) -> None:
    """Without the sweep the same nights end with other flags: the test before would not notice nothing."""
    swept, blind = night_of(tmp_path / "swept"), night_of(tmp_path / "blind")
    for number in range(12):
        for night in (swept, blind):
            transport = Counting(FIRST_NIGHT_UTC + number * DAY)
            # Small pages keep a walk from reading most of so small an organisation anew, by luck.
            source = GitHubSource(transport=transport, organizations=("acme",), page_size=3)
            known = known_to_github(
                night.landing.manifests(), [], source.server_time(), reads=source.reads
            ).repositories
            if night is blind:
                known = {scope: replace(one, recent={}, rated={}) for scope, one in known.items()}
            source.known = known
            nightly._land(night, Registered(source=source, record_types=RECORD_TYPES))
            nightly.land(night, "organization")
    contents(swept)
    contents(blind)
    assert threads(swept) != threads(blind)


def test_a_night_asks_little(tmp_path: Path) -> None:
    night = night_of(tmp_path)
    whole = Counting(FIRST_NIGHT_UTC)
    land(night, whole)
    again = Counting(FIRST_NIGHT_UTC)
    manifest = land(night, again)
    names = [name for request in again.asked for name in request]
    assert "PullRequests" not in names
    assert manifest.rows.get("pull_requests", 0) == 0
    counts = [name for name in names if name == "ReactionCounts"]
    swept = ["ThreadStates", *counts]
    assert names == ["ServerTime", "OrganizationRepositories", *swept, *["CreatedPullRequests"] * 2]
    assert [len(request) for request in again.asked if "ReactionCounts" in request] == [len(counts)]
    assert len(again.asked) <= len(whole.asked) / 2


def test_a_repository_that_failed_is_read_from_where_it_was_complete(tmp_path: Path) -> None:
    night, whole = night_of(tmp_path / "failed"), night_of(tmp_path / "whole")
    name = ORGANIZATION.repositories[0].name
    land(night, Counting(FIRST_NIGHT_UTC))
    red = land(night, Counting(FIRST_NIGHT_UTC + 3 * DAY, fails=f"'{name}'"))
    assert not red.is_complete
    assert "GitHub answered 502." in red.gaps[0]
    green = land(night, Counting(FIRST_NIGHT_UTC + 4 * DAY))
    assert green.is_complete
    land(whole, Counting(FIRST_NIGHT_UTC + 4 * DAY))
    assert contents(night) == contents(whole)


def test_reading_further_back_than_before_reads_everything_once(tmp_path: Path) -> None:
    night, whole = night_of(tmp_path / "since"), night_of(tmp_path / "whole")
    land(night, Counting(FIRST_NIGHT_UTC), since_utc=datetime(2026, 6, 1, tzinfo=UTC))
    less = contents(night)
    land(night, Counting(FIRST_NIGHT_UTC + DAY))
    land(whole, Counting(FIRST_NIGHT_UTC + DAY))
    more = contents(night)
    assert len(less["pull_requests"]) < len(more["pull_requests"])
    assert more == contents(whole)


def test_full_reads_everything_again(tmp_path: Path) -> None:
    night = night_of(tmp_path)
    first = land(night, Counting(FIRST_NIGHT_UTC))
    again = land(night, Counting(FIRST_NIGHT_UTC), full=True)
    assert again.rows["pull_requests"] == first.rows["pull_requests"]


# ------------------------------------------------------------------------------- the ledger


def statuses(night: Night) -> list[tuple[str, str | None]]:
    nightly.build_core(night)
    with connect(night.working_path) as connection:
        return connection.execute(
            "SELECT DISTINCT status, reason FROM ops.completeness ORDER BY ALL"
        ).fetchall()


def test_what_the_source_counts_and_what_is_stored_agree_and_every_month_is_complete(tmp_path: Path) -> None:
    night = night_of(tmp_path)
    land(night, Counting(FIRST_NIGHT_UTC))
    land(night, Counting(FIRST_NIGHT_UTC + DAY))
    assert statuses(night) == [("complete", None)]


def test_months_before_since_are_unknown_and_those_after_are_complete(tmp_path: Path) -> None:
    night = night_of(tmp_path)
    land(night, Counting(FIRST_NIGHT_UTC), since_utc=datetime(2026, 6, 1, tzinfo=UTC))
    found = statuses(night)
    assert ("complete", None) in found
    assert ("unknown", "before the configured since") in found
    assert not [one for one in found if one[0] == "incomplete"]


class Stamping(Counting):
    """One review of one pull request has a state that nobody knows, as long as it is asked."""

    def send(self, operations: Sequence[Operation]) -> Answer:
        answer = super().send(operations)
        for operation, data in zip(operations, answer.data, strict=True):
            if (
                operation.name == "PullRequests"
                and operation.variables["after"] is not None
                and data is not None
            ):
                for node in data["repository"]["pullRequests"]["nodes"]:
                    for review in node["reviews"]["nodes"][:1]:
                        review["state"] = "STAMPED"
        return answer


def test_a_rejected_record_keeps_its_month_incomplete_until_it_is_read_again(tmp_path: Path) -> None:
    """A night reads only what has changed: a quiet night must not make the loss disappear."""
    night = night_of(tmp_path)
    land(night, Stamping(FIRST_NIGHT_UTC))
    first = [one for one in statuses(night) if one[0] == "incomplete"]
    assert first
    quiet = land(night, Counting(FIRST_NIGHT_UTC))
    assert quiet.rows.get("pull_requests", 0) == 0
    assert [one for one in statuses(night) if one[0] == "incomplete"] == first
    land(night, Counting(FIRST_NIGHT_UTC), full=True)
    assert statuses(night) == [("complete", None)]


class Dropping(Counting):
    """Leaves out the second page of every repository without a word, as a broken proxy might."""

    def send(self, operations: Sequence[Operation]) -> Answer:
        answer = super().send(operations)
        for operation, data in zip(operations, answer.data, strict=True):
            if operation.name == "PullRequests" and operation.variables["after"] is None and data is not None:
                data["repository"]["pullRequests"]["pageInfo"]["hasNextPage"] = False
        return answer


def test_pages_lost_in_silence_are_found_by_the_count_in_their_months(tmp_path: Path) -> None:
    night = night_of(tmp_path)
    manifest = land(night, Dropping(FIRST_NIGHT_UTC))
    assert manifest.is_complete  # nothing told the client
    nightly.build_core(night)
    with connect(night.working_path) as connection:
        rows = connection.execute(
            "SELECT month_start, sum(stored), sum(expected), bool_or(status = 'incomplete') "
            "FROM ops.completeness GROUP BY month_start ORDER BY month_start"
        ).fetchall()
    incomplete = [month for month, _, _, is_incomplete in rows if is_incomplete]
    assert incomplete
    assert all(stored < expected for month, stored, expected, _ in rows if month in incomplete)
    assert date(2026, 7, 1) not in incomplete  # the newest month was on the pages that came
