"""Whole runs over HTTP against the emulator: with every fault, everything comes or what is missing is named.

Here: a small generated organisation, one fault at every request of a run, and many faults at once.
Not here: which answer leads to which message (``test_http``).
"""

import json
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from connectors.contract import Gap, Page, Record, RejectedRecord
from connectors.errors import StopSourceError
from connectors.github.client import GitHubSource
from connectors.github.http import GitHubOverHttp
from connectors.github.records import (
    PullRequest,
    PullRequestEvent,
    Reaction,
    Repository,
    Review,
    ReviewComment,
    ReviewThread,
)
from connectors.waiting import Patience
from tests.kinds_of_faults import PASSING, STAYING
from tests.shared_material import emulated_world

TOKEN = "github_pat_sigemu"  # the emulator's own, which expires when it is told to
PAGE_SIZE = 20
PLACES = {1: "ServerTime", 2: "OrganizationRepositories", 3: "PullRequests", 4: "Batch", 9: "Batch"}
"""At which request of a run a fault is tried: the first page, one with rests beside it, and rests alone."""

CHILDREN = {kind.stream: kind for kind in (PullRequestEvent, Review, ReviewThread, ReviewComment, Reaction)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What a run over the emulator gave. ``stop`` is what the night would write as a gap of the source."""

    pages: tuple[Page, ...]
    gaps: tuple[Gap, ...]
    stop: str | None

    @property
    def records(self) -> dict[tuple[str, str], Record]:
        """By stream and key; accounts and repositories come with many pages."""
        return {(record.stream, record.key): record for page in self.pages for record in page.records}

    @property
    def rejected(self) -> list[RejectedRecord]:
        return [reject for page in self.pages for reject in page.rejected]

    def has_gap(self, repository: Repository) -> bool:
        """Whether it says that the repository was not read to its end."""
        by_name = f"github:{repository.name_with_owner}"
        scopes = {repository.repository_id, by_name, "github:organization/acme"}
        ends = [gap for gap in self.gaps if "could not be read whole" not in gap.message]
        return self.stop is not None or any(gap.scope in scopes for gap in ends)

    def rejects(self, stream: str, repository: Repository) -> int:
        return sum(
            reject.is_lost and (reject.stream, reject.scope) == (stream, repository.repository_id)
            for reject in self.rejected
        )


@dataclass(slots=True)
class Emulator:
    """The emulator over its control plane."""

    url: str

    def tell(self, control: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        asked = urllib.request.Request(f"{self.url}/__{control}__", data=data)
        with urllib.request.urlopen(asked, timeout=10) as answer:
            return json.load(answer)

    def run(self, *rules: dict[str, Any], preset: str | None = None, seed: int = 1, **settings: Any) -> Run:
        self.tell("reset", {"what": ["stats", "limits", "faults"]})
        faults: dict[str, Any] = {"rules": list(rules)} if preset is None else {"preset": preset}
        self.tell("faults", {**faults, "seed": seed})
        transport = GitHubOverHttp(
            base_url=self.url, credential=TOKEN, patience=Patience(sleep=lambda _: None)
        )
        source = GitHubSource(
            transport=transport, organizations=["acme"], **{"page_size": PAGE_SIZE, **settings}
        )
        came: list[Page | Gap] = []
        stop = None
        try:
            came.extend(source.pages())
        except StopSourceError as reason:
            stop = str(reason)
        return Run(
            pages=tuple(entry for entry in came if isinstance(entry, Page)),
            gaps=tuple(entry for entry in came if isinstance(entry, Gap)),
            stop=stop,
        )


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    world = emulated_world(seed=8, gen={"months": 2, "people": 6, "prs_per_month": 40})
    yield Emulator(world.url("github"))
    world.stop()


@pytest.fixture(scope="module")
def whole(emulator: Emulator) -> Run:
    """The run without faults."""
    return emulator.run()


def _assert_same(run: Run, whole: Run) -> None:
    assert (run.gaps, run.rejected, run.stop) == ((), [], None)
    assert run.records == whole.records


def _assert_nothing_is_silently_missing(run: Run, whole: Run) -> None:
    """What is there is as it should be. Where less is there, a gap says so, or a reject for each."""
    found, wanted = run.records, whole.records
    assert {key: record for key, record in found.items() if wanted[key] != record} == {}
    missing = [record for key, record in wanted.items() if key not in found]
    for repository in [record for record in wanted.values() if isinstance(record, Repository)]:
        if run.has_gap(repository):
            continue
        assert (repository.stream, repository.key) in found
        lost = {
            record.pull_request_id: record
            for record in missing
            if isinstance(record, PullRequest) and record.repository_id == repository.repository_id
        }
        assert len(lost) == run.rejects("pull_requests", repository)
        for stream, kind in CHILDREN.items():
            children = [
                record
                for record in missing
                if isinstance(record, kind)
                and record.pull_request_id.startswith(f"{repository.repository_id}/")
                and record.pull_request_id not in lost
            ]
            assert len(children) == run.rejects(stream, repository)
    assert bool(missing) <= bool(run.gaps or run.rejected or run.stop)


# ------------------------------------------------------------------------------ without faults


def test_everything_the_emulator_has_is_read(emulator: Emulator, whole: Run) -> None:
    emulator.run()
    truth = emulator.tell("truth")["github"]
    counted: dict[str, int] = {}
    for stream, _ in whole.records:
        counted[stream] = counted.get(stream, 0) + 1
    assert {stream: counted[stream] for stream in ("pull_requests", "reviews", "review_comments")} == {
        "pull_requests": truth["pulls"],
        "reviews": truth["reviews"],
        "review_comments": truth["review_comments"],
    }
    assert counted["review_threads"] == truth["threads"]
    assert (whole.gaps, whole.rejected, whole.stop) == ((), [], None)


def test_the_places_for_faults_are_what_they_are_called(emulator: Emulator) -> None:
    emulator.run()
    asked = [request["op"] for request in emulator.tell("log")]
    assert {place: asked[place - 1] for place in PLACES} == PLACES
    assert len(asked) == 9
    assert emulator.tell("stats")["violations"] == {}


def test_the_page_size_changes_nothing_but_the_requests(emulator: Emulator, whole: Run) -> None:
    for size in (1, 7, 50):
        _assert_same(emulator.run(page_size=size), whole)


def test_every_fault_of_the_emulator_is_tried(emulator: Emulator) -> None:
    assert set(emulator.tell("faults")["kinds"]) == PASSING | STAYING


# ------------------------------------------------------------------------------ one fault


@pytest.mark.parametrize("nth", PLACES)
@pytest.mark.parametrize("kind", sorted(PASSING))
def test_one_fault_that_passes_changes_nothing(emulator: Emulator, whole: Run, kind: str, nth: int) -> None:
    run = emulator.run({"kind": kind, "nth": nth, "count": 1, "delay": 0.01, "retry_after": 1})
    assert emulator.tell("stats")["faults_fired"] == {f"github:{kind}": 1}
    _assert_same(run, whole)


@pytest.mark.parametrize("nth", PLACES)
@pytest.mark.parametrize("kind", sorted(STAYING))
def test_one_fault_that_stays_leaves_a_named_gap(emulator: Emulator, whole: Run, kind: str, nth: int) -> None:
    run = emulator.run({"kind": kind, "nth": nth, "count": 1})
    assert emulator.tell("stats")["faults_fired"] == {f"github:{kind}": 1}
    _assert_nothing_is_silently_missing(run, whole)


def test_a_refused_token_in_the_middle_keeps_what_was_read(emulator: Emulator) -> None:
    """Whom the rests of nested lists were asked for are named; the repository was begun."""
    run = emulator.run({"kind": "401", "nth": 5, "count": 1})
    assert run.stop is not None
    assert run.stop.startswith("GitHub refused the token (401). Nothing more was read; what was read")
    assert len(run.pages) == 3
    assert len({gap.scope for gap in run.gaps}) == 2  # that of the page, and that whose rests rode along
    assert all(gap.message.startswith(run.stop) for gap in run.gaps)
    words = f"{run.stop} Not written because only half read: "
    assert [gap.message.startswith(words) for gap in run.gaps] == [False, True]


@pytest.mark.parametrize("nth", range(3, 13))
def test_an_expired_cursor_begins_its_list_again_and_gives_nothing_twice(
    emulator: Emulator, whole: Run, nth: int
) -> None:
    """At every request of a run in pages of ten, whatever cursor it holds."""
    run = emulator.run({"kind": "expire_cursors", "nth": nth, "count": 1}, page_size=10)
    _assert_same(run, whole)
    given = [
        (record.stream, record.key)
        for page in run.pages
        for record in page.records
        if isinstance(record, PullRequest | Review | ReviewThread | ReviewComment | PullRequestEvent)
    ]
    assert len(given) == len(set(given))


# ------------------------------------------------------------------------------ many faults


@pytest.mark.parametrize("kind", sorted(PASSING - {"slow"}))
def test_a_fault_that_never_passes_is_named(emulator: Emulator, whole: Run, kind: str) -> None:
    """From the fourth request on, in the middle of the first repository."""
    run = emulator.run({"kind": kind, "nth": list(range(4, 400))}, page_size=4)
    assert len(run.records) < len(whole.records)
    _assert_nothing_is_silently_missing(run, whole)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_flaky_github_changes_nothing(emulator: Emulator, whole: Run, seed: int) -> None:
    run = emulator.run(preset="flaky", seed=seed, page_size=3)
    assert emulator.tell("stats")["faults_fired"]
    _assert_same(run, whole)


@pytest.mark.parametrize("seed", range(1, 7))
def test_under_a_hostile_github_nothing_is_silently_missing(
    emulator: Emulator, whole: Run, seed: int
) -> None:
    run = emulator.run(preset="hostile", seed=seed, page_size=3)
    assert emulator.tell("stats")["faults_fired"]
    _assert_nothing_is_silently_missing(run, whole)


# ------------------------------------------------------------------------------ limits


@pytest.fixture
def setting(emulator: Emulator) -> Iterator[Any]:
    """Change settings of the emulator, until the end of the test."""
    before = emulator.tell("config")

    def change(**settings: Any) -> None:
        emulator.tell("config", settings)

    yield change
    emulator.tell("config", {name: before[name] for name in ("gh_graphql_limit", "gh_budget")})


@pytest.mark.parametrize("limit", [1, 2, 5])
def test_a_limit_that_is_used_up_is_a_gap_of_every_repository_it_kept_from_us(
    emulator: Emulator, whole: Run, setting: Any, limit: int
) -> None:
    setting(gh_graphql_limit=limit)
    run = emulator.run()
    assert len(run.records) < len(whole.records)
    _assert_nothing_is_silently_missing(run, whole)


@pytest.mark.parametrize("budget", [4000, 1000, 300])
def test_pages_too_heavy_for_github_are_read_in_smaller_ones(
    emulator: Emulator, whole: Run, setting: Any, budget: int
) -> None:
    """One pull request asks for about 130 nodes, a page of fifty for 6,650; so do the shared rests."""
    setting(gh_budget=budget)
    _assert_same(emulator.run(page_size=50), whole)


def test_reading_again_gives_the_same_in_the_same_order(emulator: Emulator, whole: Run) -> None:
    again = emulator.run()
    assert [page.records for page in again.pages] == [page.records for page in whole.pages]
