"""Pages that GitHub does not answer are asked for in smaller ones, whatever it says in place of an answer.

Here: each kind of "too much at once" over the emulator, down to a page of one, and back up again.
Not here: nested lists that go on (``test_client``), every other fault (``test_emulator``).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests

from connectors.contract import Gap, Page
from connectors.errors import TriedOftenError
from connectors.github.answers import CLEAN_PAGES
from connectors.github.client import GitHubSource
from connectors.github.http import GitHubOverHttp
from connectors.github.known import KnownRepository
from connectors.github.records import Deployment, PullRequest
from connectors.github.transport import Answer, Operation, Transport
from connectors.waiting import ATTEMPTS, Patience
from tests.connectors.github.test_emulator import TOKEN, Emulator
from tests.shared_material import emulated_world

LARGEST = 8
TOO_MUCH = {
    "graphql_resource_limits": 1,  # an answer, with every pull request of the page null
    "502": ATTEMPTS,
    "graphql_502": ATTEMPTS,
    "503": ATTEMPTS,
    "graphql_timeout": ATTEMPTS,  # "Something went wrong while executing your query"
    "no answer": ATTEMPTS,  # for as long as the client waits
    "drop": ATTEMPTS,  # a proxy ends the connection in place of an answer
}
"""What GitHub does when a page is too heavy, and how often it does so before a smaller page is asked for."""


@dataclass(slots=True)
class Watched:
    """A transport, with how many rows each page of a list asked for."""

    behind: Transport
    operation: str
    sizes: list[int] = field(default_factory=list)
    requests: int = 0

    def send(self, operations: Sequence[Operation]) -> Answer:
        self.requests += 1
        self.sizes += [one.variables["pageSize"] for one in operations if one.name == self.operation]
        return self.behind.send(operations)


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What one reading of one repository gave."""

    sizes: list[int]
    requests: int = 0
    entries: list[Page | Gap]

    @property
    def gaps(self) -> list[Gap]:
        return [entry for entry in self.entries if isinstance(entry, Gap)]

    def all(self, kind: type[Any] = PullRequest) -> list[Any]:
        """By key: those that wait for the rest of a list come later, with another page than before."""
        pages = [entry for entry in self.entries if isinstance(entry, Page)]
        found = [record for page in pages for record in page.records if isinstance(record, kind)]
        return sorted(found, key=lambda record: str(record.key))


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    world = emulated_world(seed=8, gen={"months": 3, "people": 6, "prs_per_month": 120})
    yield Emulator(world.url("github"))
    world.stop()


@contextmanager
def no_answer_to(places: set[int]) -> Iterator[None]:
    """The client's time is over at these of its requests, without that much time."""
    send, asked = requests.Session.send, iter(range(1, 10_000))

    def late(*arguments: Any, **named: Any) -> Any:
        if next(asked) in places:
            raise requests.ReadTimeout
        return send(*arguments, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(requests.Session, "send", late)
        yield


def read(emulator: Emulator, *rules: dict[str, Any], watched: str = "PullRequests", **settings: Any) -> Read:
    emulator.tell("reset", {"what": ["stats", "limits", "faults"]})
    told = [rule for rule in rules if rule["kind"] != "no answer"]
    emulator.tell("faults", {"rules": told, "seed": 1})
    over_http = GitHubOverHttp(
        base_url=emulator.url,
        credential=TOKEN,
        patience=Patience(sleep=lambda _: None),
    )
    transport = Watched(behind=over_http, operation=watched)
    source = GitHubSource(
        transport=transport, repositories=["acme/platform"], **{"page_size": LARGEST, **settings}
    )
    with no_answer_to({place for rule in rules if rule not in told for place in rule["nth"]}):
        entries = list(source.pages())
    return Read(entries=entries, sizes=transport.sizes, requests=transport.requests)


def too_much(kind: str, pages: int) -> dict[str, Any]:
    """A rule: the first so many pages are too much, whatever their size. One for the time comes first."""
    return {"kind": kind, "nth": list(range(2, 2 + TOO_MUCH[kind] * pages))}


@pytest.fixture(scope="module")
def whole(emulator: Emulator) -> Read:
    found = read(emulator)
    assert len(found.all()) > LARGEST * 8
    assert set(found.sizes) == {LARGEST}
    return found


@pytest.mark.parametrize("kind", TOO_MUCH)
def test_a_page_that_is_too_much_is_halved_down_to_one_and_grows_back(
    emulator: Emulator, whole: Read, kind: str
) -> None:
    found = read(emulator, too_much(kind, pages=3))
    steps = [size for size in (1, 2, 4) for _ in range(CLEAN_PAGES)]
    assert found.sizes[: 3 + len(steps) + 1] == [8, 4, 2, *steps, 8]
    assert (found.gaps, found.all()) == ([], whole.all())


@pytest.mark.parametrize("kind", sorted(set(TOO_MUCH) - {"graphql_resource_limits"}))
def test_one_alone_that_is_never_answered_ends_the_repository_with_a_gap(
    emulator: Emulator, kind: str
) -> None:
    found = read(emulator, too_much(kind, pages=4))
    assert found.sizes == [8, 4, 2, 1]
    (gap,) = found.gaps
    assert gap.scope == "github:acme/platform"
    assert f"Tried {ATTEMPTS} times (PullRequests)" in gap.message
    assert gap.message.endswith("the rest is missing.")
    assert found.all() == []


def test_one_alone_that_stays_null_is_asked_for_twice_and_counted(emulator: Emulator, whole: Read) -> None:
    found = read(emulator, too_much("graphql_resource_limits", pages=5))
    assert found.sizes[:6] == [8, 4, 2, 1, 1, 1]
    assert len(found.all()) == len(whole.all()) - 1
    assert [one for one in found.all() if one not in whole.all()] == []
    (gap,) = found.gaps
    assert gap.message.startswith("acme/platform: 1 of its pull requests could not be read whole")


@pytest.mark.parametrize("kind", TOO_MUCH)
def test_pages_of_deployments_are_halved_as_well(emulator: Emulator, kind: str) -> None:
    """They come after the pull requests: the first request for them is shared, the next are their own."""
    whole = read(emulator, watched="Deployments", deployments=True, page_size=50)
    assert len(whole.all(Deployment)) > 1
    last = whole.requests
    rule = {"kind": kind, "nth": list(range(last, last + 2 * TOO_MUCH[kind]))}
    found = read(emulator, rule, watched="Deployments", deployments=True, page_size=50)
    assert found.sizes[:3] == [100, 100, 50]
    assert found.gaps == []
    assert found.all(Deployment) == whole.all(Deployment)


@dataclass(slots=True)
class AtMost:
    """Answers no request about more than so many ids at once."""

    behind: Transport
    ids: int
    asked: list[tuple[str, int]] = field(default_factory=list)

    def send(self, operations: Sequence[Operation]) -> Answer:
        for operation in operations:
            if operation.name in ("ThreadStates", "PullRequestsById"):
                self.asked.append((operation.name, len(operation.variables["ids"])))
                if self.asked[-1][1] > self.ids:
                    raise TriedOftenError("GitHub answered 502. Tried 5 times.")
        return self.behind.send(operations)


@pytest.mark.parametrize("at_most", [3, 1])
def test_the_sweep_asks_about_fewer_at_once_until_it_is_answered(emulator: Emulator, at_most: int) -> None:
    """What changed silently is found all the same: here every one, because nothing is known of threads."""
    pulls = read(emulator).all()[:10]
    emulator.tell("reset", {"what": ["stats", "limits", "faults"]})
    over_http = GitHubOverHttp(
        base_url=emulator.url, credential=TOKEN, patience=Patience(sleep=lambda _: None)
    )
    transport = AtMost(behind=over_http, ids=at_most)
    source = GitHubSource(transport=transport, repositories=["acme/platform"])
    source.known = {
        pulls[0].repository_id: KnownRepository(
            complete_at_utc=source.server_time(), recent={one.node_id: {"T": None} for one in pulls}
        )
    }
    found = Read(entries=list(source.pages()), sizes=[])
    assert found.gaps == []
    assert sorted(one.pull_request_id for one in found.all()) == sorted(one.pull_request_id for one in pulls)
    assert {name for name, _ in transport.asked} == {"ThreadStates", "PullRequestsById"}
    assert min(ids for _, ids in transport.asked) <= at_most
