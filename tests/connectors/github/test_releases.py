"""Releases and tags in the place of deployments: over the emulator, and what is kept of each."""

import json
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from connectors.contract import Gap, Page
from connectors.errors import SkippableRecordError
from connectors.github.client import GitHubSource
from connectors.github.deployments import deployment_pages, scope_of
from connectors.github.known import KnownRepository
from connectors.github.records import Deployment
from connectors.github.releases import READINGS, parse_release, parse_tag
from connectors.github.transport import Answer, Operation
from tests.connectors.github.test_deployments import of, source
from tests.shared_material import emulated_world
from tests.transforms.landed import repository
from tests.transforms.world import aware

SERVED = aware("2026-03-20")


@pytest.fixture(scope="module")
def world() -> Iterator[Any]:
    emulated = emulated_world(seed=5, gen={"months": 4, "people": 6, "prs_per_month": 40})
    yield emulated
    emulated.stop()


def listed(world: Any, path: str) -> Any:
    """What the REST API of the same world says."""
    address = f"{world.url('github')}/{path}?per_page=100"
    request = urllib.request.Request(address, headers={"Authorization": "Bearer github_pat_sigemu"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)


def reading_releases(world: Any) -> tuple[GitHubSource, dict[str, Deployment]]:
    names = [row["full_name"].lower() for row in listed(world, "orgs/acme/repos")]
    reading = source(world, released_by=dict.fromkeys(names, "releases"))
    return reading, of(list(reading.pages()))


def test_every_release_is_read_in_place_of_deployments_at_a_request_a_hundred(world: Any) -> None:
    reading, found = reading_releases(world)
    assert found
    assert all(key.startswith("github:release/") for key in found)
    wanted = {
        f"github:release/{row['id']}": row["tag_name"]
        for one in reading.read.values()
        for row in listed(world, f"repos/{one.name_with_owner}/releases")
    }
    assert {key: one.name for key, one in found.items()} == wanted
    before = reading.usage.requests
    repositories = tuple(reading.read.values())
    assert of(list(deployment_pages(reading._send, repositories, {}, READINGS["releases"]))) == found
    assert reading.usage.requests - before <= 1 + len(found) / 100


COMMIT = {
    "oid": "a" * 40,
    "committedDate": "2026-03-01T09:00:00Z",
    "associatedPullRequests": {
        "nodes": [{"number": 7, "mergedAt": "2026-03-01T08:00:00Z", "repository": {"databaseId": 1}}]
    },
}


def release(**changed: Any) -> dict[str, Any]:
    return {
        "id": "RE_1",
        "databaseId": 5,
        "name": "Spring",
        "tagName": "v1.2",
        "url": "https://github.com/acme/api/releases/tag/v1.2",
        "createdAt": "2026-03-01T10:00:00Z",
        "publishedAt": "2026-03-02T10:00:00Z",
        "isDraft": False,
        "isPrerelease": False,
        "tagCommit": COMMIT,
        **changed,
    }


def test_a_release_is_deployed_when_it_is_published() -> None:
    found = parse_release(release(), repository(), SERVED)
    assert (found.deployment_id, found.name, found.state) == ("github:release/5", "v1.2", "success")
    assert found.finished_at_utc == aware("2026-03-02 10:00")
    assert (found.change_number, found.change_at_utc) == (7, aware("2026-03-01 08:00"))


@pytest.mark.parametrize(
    ("changed", "state", "is_ended"),
    [
        ({"isDraft": True, "publishedAt": None}, "draft", False),
        ({"publishedAt": None}, "draft", False),
        ({"isPrerelease": True}, "prerelease", True),
        ({"tagCommit": None}, "untagged", True),
    ],
)
def test_what_has_not_reached_anybody_is_no_success(
    changed: dict[str, Any], state: str, is_ended: bool
) -> None:
    found = parse_release(release(**changed), repository(), SERVED)
    assert (found.state, found.finished_at_utc is not None) == (state, is_ended)


@pytest.mark.parametrize(
    ("changed", "kind"),
    [({"name": "Hotfix for carts"}, "hotfix"), ({"tagName": "v1.2-rollback"}, "rollback"), ({}, "normal")],
)
def test_what_a_release_calls_itself(changed: dict[str, Any], kind: str) -> None:
    assert parse_release(release(**changed), repository(), SERVED).kind == kind


def test_a_tag_is_deployed_when_it_was_made_or_else_its_commit() -> None:
    light = parse_tag({"name": "v1", "target": COMMIT}, repository(), SERVED)
    assert (light.deployment_id, light.finished_at_utc) == ("github:tag/1/v1", aware("2026-03-01 09:00"))
    annotated = {"tagger": {"date": "2026-03-05T12:00:00+02:00"}, "target": COMMIT}
    found = parse_tag({"name": "v1", "target": annotated}, repository(), SERVED)
    assert (found.finished_at_utc, found.commit_oid) == (aware("2026-03-05 10:00"), "a" * 40)
    assert found.source_url == "https://github.example/acme/api/tree/v1"
    nobody = parse_tag({"name": "v1", "target": {"tagger": None, "target": COMMIT}}, repository(), SERVED)
    assert nobody.finished_at_utc == aware("2026-03-01 09:00")
    with pytest.raises(SkippableRecordError):
        parse_tag({"name": "of-a-tree", "target": {}}, repository(), SERVED)


def test_a_night_looks_for_tags_as_far_back_as_they_can_come_late() -> None:
    asked: list[Any] = []
    days = ["2026-03-10", "2025-12-25", "2025-12-01"]

    def send(operations: Any) -> Answer:
        (operation,) = operations
        assert isinstance(operation, Operation)
        assert operation.name == "Tags"
        asked.append(operation.variables["after"])
        day = days[len(asked) - 1]
        commit = {**COMMIT, "committedDate": f"{day}T09:00:00Z"}
        page = {
            "pageInfo": {"hasNextPage": True, "endCursor": day},
            "nodes": [{"name": day, "target": commit}],
        }
        data = {"repository": {"databaseId": 1, "refs": page}}
        return Answer(data=(data,), errors=(), served_at_utc=SERVED, points=1)

    scope = scope_of("github:1", "tags")
    known = {scope: KnownRepository(complete_at_utc=SERVED - timedelta(days=1))}
    pages = list(deployment_pages(send, [repository()], known, READINGS["tags"]))
    assert asked == [None, "2026-03-10", "2025-12-25"]
    assert {page.scope for page in pages} == {scope}
    assert not any(isinstance(page, Gap) for page in pages)
    assert sum(len(page.records) for page in pages if isinstance(page, Page)) == 3
