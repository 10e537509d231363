"""Deployments over HTTP against the emulator: all of them and how they ended, at the promised cost, by night.

Here: what is read, and what core makes of it: the pull requests each contains, what rollbacks repair.
Not here: what a failed deployment is (tests/golden).
"""

import json
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.contract import Gap, Page
from connectors.github.client import GitHubSource
from connectors.github.deployments import deployment_pages, parse_deployment, scope_of
from connectors.github.http import GitHubOverHttp
from connectors.github.known import KnownRepository
from connectors.github.records import RECORD_TYPES, Deployment, ExpectedDeployments
from connectors.github.transport import Answer
from connectors.waiting import Patience
from tests.shared_material import emulated_world
from tests.transforms.landed import Landed, repository, service
from tests.transforms.world import aware


@pytest.fixture(scope="module")
def world() -> Iterator[Any]:
    emulated = emulated_world(seed=5, gen={"months": 5, "people": 8, "prs_per_month": 90})
    yield emulated
    emulated.stop()


def told(world: Any, path: str) -> Any:
    with urllib.request.urlopen(f"{world.url('github')}/{path}", timeout=20) as answer:
        return json.load(answer)


def source(world: Any, token: str = "github_pat_sigemu", **more: Any) -> GitHubSource:
    transport = GitHubOverHttp(
        base_url=world.url("github"), credential=token, patience=Patience(sleep=lambda _: None)
    )
    return GitHubSource(transport=transport, organizations=["acme"], deployments=True, **more)


@pytest.fixture(scope="module")
def run(world: Any) -> tuple[GitHubSource, list[Page | Gap]]:
    reading = source(world)
    return reading, list(reading.pages())


def of(pages: list[Page | Gap]) -> dict[str, Deployment]:
    records = [record for page in pages if isinstance(page, Page) for record in page.records]
    return {record.deployment_id: record for record in records if isinstance(record, Deployment)}


def test_every_deployment_comes_with_how_it_ended(
    world: Any, run: tuple[GitHubSource, list[Page | Gap]]
) -> None:
    _, pages = run
    assert not [page for page in pages if isinstance(page, Gap)]
    found = of(pages)
    truth = told(world, "__truth__/github/deployments")
    assert len(truth) > 100
    assert set(found) == {f"github:deployment/{row['id']}" for row in truth}
    for row in truth:
        one = found[f"github:deployment/{row['id']}"]
        assert (one.commit_oid, one.environment) == (row["sha"], row["environment"])
        assert (one.state == "success") == ("success" in row["statuses"])
        assert (one.finished_at_utc is None) == (not {"success", "failure", "error"} & set(row["statuses"]))


def test_a_thousand_deployments_take_ten_requests(
    run: tuple[GitHubSource, list[Page | Gap]],
) -> None:
    reading, pages = run
    before = reading.usage.requests
    assert list(deployment_pages(reading._send, tuple(reading.read.values()), {})) == [
        page for page in pages if isinstance(page, Page) and page.scope.endswith("/deployments")
    ]
    requests = reading.usage.requests - before
    counts = {
        one.repository_id: one.expected
        for page in pages
        if isinstance(page, Page)
        for one in page.records
        if isinstance(one, ExpectedDeployments)
    }
    assert sum(counts.values()) == len(of(pages))
    assert requests <= 1 + sum(len(of([page])) for page in pages if isinstance(page, Page)) / 100


def test_a_night_reads_the_last_two_weeks_and_what_has_not_ended(
    run: tuple[GitHubSource, list[Page | Gap]],
) -> None:
    reading, pages = run
    now = reading.server_time()
    known = {
        scope_of(one): KnownRepository(complete_at_utc=now, unfinished_since_utc=now - timedelta(days=40))
        for one in reading.read
    }
    again = of(list(deployment_pages(reading._send, tuple(reading.read.values()), known)))
    wanted = {key for key, one in of(pages).items() if one.created_at_utc >= now - timedelta(days=40)}
    assert wanted
    assert wanted <= set(again)
    assert len(again) < len(of(pages))


def test_a_token_that_may_not_read_deployments_leaves_a_gap_of_their_own(
    world: Any, run: tuple[GitHubSource, list[Page | Gap]]
) -> None:
    reading, _ = run
    refused = source(world, token="github_pat_noorg")
    gaps = [
        page
        for page in deployment_pages(refused._send, tuple(reading.read.values()), {})
        if isinstance(page, Gap)
    ]
    assert {gap.scope for gap in gaps} == {scope_of(one) for one in reading.read}
    assert all("Deployments (read)" in gap.message for gap in gaps)


def test_core_knows_what_each_contains_and_what_a_rollback_takes_back(
    world: Any, run: tuple[GitHubSource, list[Page | Gap]], tmp_path: Path
) -> None:
    """By the emulator's own list of bad deployments: what they carried, and what rolled them back."""
    reading, pages = run
    landed = Landed(folder=tmp_path)
    now = reading.server_time()
    landed.github(f"{now:%Y-%m-%d %H:%M}", *[page.records for page in pages if isinstance(page, Page)])
    names = [one.name_with_owner for one in reading.read.values()]
    landed.organization(f"{now:%Y-%m-%d %H:%M}", *[service(name, repository=name) for name in names])
    numbers = {one.name_with_owner: key for key, one in reading.read.items()}
    with landed.core(f"{now + timedelta(minutes=1):%Y-%m-%d %H:%M}") as connection:
        rows = connection.execute(
            "SELECT deployment_id, pr_ids, kind, remediates_deployment_id, service_ids FROM core.deployments"
        ).fetchall()
        merged = {
            row[0]
            for row in connection.execute(
                "SELECT pr_id FROM core.pull_requests WHERE merged_to_default_branch"
            ).fetchall()
        }
    core = {row[0]: row[1:] for row in rows}
    bad = told(world, "__truth__/bad_deployments")
    assert len(bad) >= 5
    known = {name.lower(): key for name, key in numbers.items()}
    checked = 0
    for one in bad:
        prs, kind, _, services = core[f"github:deployment/{one['deployment_id']}"]
        assert kind == "normal"
        assert len(services) == 1
        wanted = {f"{known[one['repo'].lower()]}/pull/{number}" for number in one["prs"]} & merged
        assert wanted <= set(prs)
        checked += len(wanted)
        if one.get("rollback_id"):
            prs, kind, repaired, _ = core[f"github:deployment/{one['rollback_id']}"]
            assert (prs, kind) == ([], "rollback")
            assert repaired == f"github:deployment/{one['deployment_id']}"
    assert checked


def node(**changed: Any) -> dict[str, Any]:
    return {
        "id": "DE_1",
        "databaseId": None,
        "createdAt": "2026-03-02T09:00:00Z",
        "environment": "production",
        "task": "deploy",
        "description": None,
        "payload": "{}",
        "commitOid": "a" * 40,
        "ref": None,
        "commit": None,
        "statuses": {"pageInfo": {"hasNextPage": False, "endCursor": None}, "nodes": []},
        **changed,
    }


def test_a_deployment_that_cannot_be_read_leaves_a_gap_until_it_can() -> None:
    """Nobody knows its month, and a night that believed to have read all would not look again."""
    listed = {"pageInfo": {"hasNextPage": False, "endCursor": None}, "nodes": [node(), node(createdAt=None)]}

    def send(_: Any) -> Answer:
        data = {"repository": {"databaseId": 1, "deployments": listed}}
        return Answer(data=(data,), errors=(), served_at_utc=aware("2026-03-03"), points=1)

    page, gap = deployment_pages(send, [repository()], {})
    assert isinstance(page, Page)
    assert len(page.records) == len(page.rejected) == 1
    assert isinstance(gap, Gap)
    assert gap.scope == scope_of("github:1")
    assert "1 deployments of acme/api could not be read" in gap.message


@pytest.mark.parametrize(
    ("changed", "kind", "repairs"),
    [
        ({}, "normal", None),
        ({"task": "deploy:rollback"}, "rollback", None),
        ({"description": "Rolling back to 1.2"}, "rollback", None),
        ({"payload": json.dumps(json.dumps({"rollback_of": 77}))}, "rollback", "github:deployment/77"),
        ({"payload": '{"hotfix_of": "78"}'}, "hotfix", "github:deployment/78"),
        ({"task": "deploy:hotfix"}, "hotfix", None),
        ({"payload": "not json"}, "normal", None),
    ],
)
def test_what_a_deployment_calls_itself(changed: dict[str, Any], kind: str, repairs: str | None) -> None:
    found = parse_deployment(node(**changed), repository(), aware("2026-03-03"))
    assert (found.deployment_id, found.kind, found.repairs_id) == ("github:deployment/DE_1", kind, repairs)
    assert (found.state, found.finished_at_utc) == ("pending", None)


def test_a_success_counts_whatever_came_after() -> None:
    statuses = [
        {"state": "INACTIVE", "createdAt": "2026-03-02T12:00:00Z", "logUrl": None},
        {"state": "SUCCESS", "createdAt": "2026-03-02T09:10:00Z", "logUrl": "https://ci.example/1"},
        {"state": "IN_PROGRESS", "createdAt": "2026-03-02T09:01:00Z", "logUrl": None},
    ]
    listed = {"pageInfo": {"hasNextPage": False, "endCursor": None}, "nodes": statuses}
    found = parse_deployment(node(statuses=listed), repository(), aware("2026-03-03"))
    assert (found.state, found.finished_at_utc) == ("success", aware("2026-03-02 09:10"))
    assert found.source_url == "https://ci.example/1"
    assert Deployment in RECORD_TYPES


@pytest.mark.parametrize(
    ("ref", "version"),
    [
        ({"name": "v1.2.3"}, "v1.2.3"),
        ({"name": "pay-1.2.3"}, "pay-1.2.3"),
        ({"name": "main"}, None),
        (None, None),
    ],
)
def test_a_version_that_was_deployed_is_kept_and_a_branch_is_not(ref: Any, version: str | None) -> None:
    assert parse_deployment(node(ref=ref), repository(), aware("2026-03-03")).version == version
