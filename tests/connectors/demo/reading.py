"""Reading all pages of the made-up organisation, with every nested list to its end.

Here: a plain reader of the page protocol, apart from the real client, and of the world behind the pages.
Not here: assertions.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connectors.demo.history import make_pull_requests
from connectors.demo.organization import Organization
from connectors.demo.pages import DemoTransport
from connectors.demo.people import Account, Person
from connectors.demo.pull_requests import PullRequest, Review, TimelineEvent
from connectors.github.transport import Json, Operation

NESTED = {
    "labels": "MoreLabels",
    "reviews": "MoreReviews",
    "reviewThreads": "MoreReviewThreads",
    "timelineItems": "MoreTimelineEvents",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The organisation with all its pull requests, for comparing pages with."""

    organization: Organization
    pull_requests: tuple[PullRequest, ...]

    @property
    def reviews(self) -> Iterator[tuple[PullRequest, Review]]:
        for pull_request in self.pull_requests:
            for review in pull_request.reviews:
                yield pull_request, review

    @property
    def events(self) -> Iterator[tuple[PullRequest, TimelineEvent]]:
        for pull_request in self.pull_requests:
            for event in pull_request.timeline:
                yield pull_request, event

    def person_of(self, account: Account) -> Person | None:
        """Whose account it is, on the roster or not; None for machines."""
        for person in self.organization.workers:
            if any(account == own for _, own in person.accounts):
                return person
        return None

    def the(self, peculiarity: str) -> Person:
        (person,) = (one for one in self.organization.people if one.peculiarity == peculiarity)
        return person


def make_world(organization: Organization) -> World:
    made = [
        pull_request
        for repository in organization.repositories
        for pull_request in make_pull_requests(organization, repository)
    ]
    return World(organization=organization, pull_requests=tuple(made))


def ask(transport: DemoTransport, operation: str, /, **variables: Any) -> Json:
    """The answer to one operation that must succeed."""
    answer = transport.send([Operation(name=operation, variables=variables)])
    assert answer.errors == ()
    (data,) = answer.data
    assert data is not None
    return data


def repository_names(transport: DemoTransport) -> list[str]:
    names: list[str] = []
    after: str | None = None
    while True:
        found = ask(transport, "OrganizationRepositories", login="acme", after=after)
        connection = found["organization"]["repositories"]
        names += [node["nameWithOwner"] for node in connection["nodes"]]
        if not connection["pageInfo"]["hasNextPage"]:
            return names
        after = connection["pageInfo"]["endCursor"]


def raw_pages(transport: DemoTransport, repository: str, *, page_size: int = 50) -> Iterator[Json]:
    """The pages of a repository as they come, nested lists cut."""
    owner, name = repository.split("/")
    after: str | None = None
    while True:
        page = ask(transport, "PullRequests", owner=owner, name=name, after=after, pageSize=page_size)
        yield page
        connection = page["repository"]["pullRequests"]
        if not connection["pageInfo"]["hasNextPage"]:
            return
        after = connection["pageInfo"]["endCursor"]


def read_everything(transport: DemoTransport, *, page_size: int = 50) -> dict[str, Json]:
    """Every pull request that can be seen, by node id, nested lists whole and without page information."""
    found: dict[str, Json] = {}
    for repository in repository_names(transport):
        for page in raw_pages(transport, repository, page_size=page_size):
            for node in page["repository"]["pullRequests"]["nodes"]:
                assert node["id"] not in found
                found[node["id"]] = _completed(transport, node)
    return found


def _completed(transport: DemoTransport, node: Json) -> Json:
    whole = dict(node)
    for name, operation in NESTED.items():
        whole[name] = _rest(transport, operation, name, node["id"], node[name])
    whole["reviewThreads"] = [
        thread
        | {"comments": _rest(transport, "MoreReviewComments", "comments", thread["id"], thread["comments"])}
        for thread in whole["reviewThreads"]
    ]
    return whole


def _rest(transport: DemoTransport, operation: str, name: str, node_id: str, connection: Json) -> list[Json]:
    rows = list(connection["nodes"])
    while connection["pageInfo"]["hasNextPage"]:
        after = connection["pageInfo"]["endCursor"]
        connection = ask(transport, operation, id=node_id, after=after)["node"][name]
        rows += connection["nodes"]
    return rows


def instants(value: Any) -> Iterator[datetime]:
    """Every time in an answer, wherever it is; ``resetAt`` is a promise and not a time of the world."""
    if isinstance(value, list):
        for entry in value:
            yield from instants(entry)
    elif isinstance(value, dict):
        for key, entry in value.items():
            if key.endswith("At") and isinstance(entry, str) and key != "resetAt":
                yield datetime.fromisoformat(entry)
            else:
                yield from instants(entry)
