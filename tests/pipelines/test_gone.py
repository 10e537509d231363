"""What is no longer at the source: deleted pull requests, repositories out of sight, and what only looks so.

Here: the census of single pull requests, tombstones as of the day they were known, repositories that are
renamed, moved or gone, and that no lost permission and no hole in an answer passes for a deletion.
Not here: which requests a night makes otherwise (``test_incremental``), or that a database brought up to date
drops the same (``tests/transforms/test_incremental_core.py``, whose nights delete).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.demo import FIRST_NIGHT_UTC, DemoTransport, make_organization
from connectors.demo.services import Repository
from connectors.demo.snapshot import pull_request_id
from connectors.github.client import GitHubSource
from connectors.github.records import RECORD_TYPES
from connectors.github.transport import Answer, Json, Operation
from pipelines import nightly
from pipelines.known import known_to_github
from pipelines.nightly import Night
from pipelines.settings import Settings
from pipelines.sources import Registered
from warehouse.connection import connect
from warehouse.landing import Manifest

ORGANIZATION = make_organization(engineers=6, months=4)
DAY = timedelta(days=1)
FIRST, LATER = FIRST_NIGHT_UTC, FIRST_NIGHT_UTC + DAY
GONE = {"type": "NOT_FOUND", "message": "Could not resolve to a node."}


class Changing:
    """The made-up organisation, of which something can be deleted, renamed or refused.

    ``deleted``: node ids of pull requests that are no longer there. ``moved``: node ids that are in another
    repository now. ``names``: what a repository is called now, None where nobody can see it. ``spoils``
    changes the answer to a question about single pull requests.
    """

    def __init__(
        self,
        now_utc: datetime,
        *,
        deleted: Sequence[str] = (),
        moved: Sequence[str] = (),
        names: dict[str, str | None] | None = None,
        spoils: Callable[[Answer], Answer] | None = None,
    ) -> None:
        self.transport = DemoTransport(ORGANIZATION, now_utc)
        self.deleted, self.moved = set(deleted), set(moved)
        self.names = names or {}
        self.spoils = spoils
        self.asked: list[list[Operation]] = []

    def send(self, operations: Sequence[Operation]) -> Answer:
        self.asked.append(list(operations))
        served = self.transport.send([Operation(name="ServerTime", variables={})])
        data: list[Json | None] = []
        errors: list[Json] = []
        for place, operation in enumerate(operations):
            shown, wrong = self._one(operation)
            data.append(shown)
            errors += [{**error, "operation": place} for error in wrong]
        answer = replace(served, data=tuple(data), errors=tuple(errors))
        if self.spoils is not None and operations[0].name == "PullRequestPlaces":
            return self.spoils(answer)
        return answer

    def _one(self, operation: Operation) -> tuple[Json | None, list[Json]]:
        asked = dict(operation.variables)
        if "ids" in asked and operation.name != "ReactionCounts":
            return self._nodes(operation)
        if "owner" in asked:
            name = self._was(f"{asked['owner']}/{asked['name']}")
            if name is None:
                return {"repository": None}, [{**GONE, "path": ["repository"]}]
            asked["owner"], asked["name"] = name.split("/")
        if operation.name == "CreatedPullRequests":
            return self._count(asked["query"]), []
        answer = self.transport.send([Operation(name=operation.name, variables=asked)])
        shown = answer.data[0]
        if operation.name == "PullRequests" and shown is not None:
            self._call(shown["repository"])
            listed = shown["repository"]["pullRequests"]
            listed["nodes"] = [
                node for node in listed["nodes"] if node["id"] not in self.deleted | self.moved
            ]
        elif operation.name in ("RepositoryState", "Deployments") and shown is not None:
            self._call(shown["repository"])
        elif operation.name == "OrganizationRepositories" and shown is not None:
            listed = shown["organization"]["repositories"]
            listed["nodes"] = [
                node
                for node in listed["nodes"]
                if self._call(node) and node["nameWithOwner"].startswith("acme/")
            ]
        return shown, list(answer.errors)

    def _call(self, node: Json) -> bool:
        """Give it the name it has now; False where nobody can see it."""
        now = self.names.get(node.get("nameWithOwner", ""), node.get("nameWithOwner", ""))
        if now is not None and "nameWithOwner" in node:
            node["nameWithOwner"] = now
        return now is not None

    def _was(self, name: str) -> str | None:
        """The made-up name behind a name of now, or an old one, which redirects; None for nobody's."""
        if name in self.names:
            return name if self.names[name] is not None else None
        return next((old for old, now in self.names.items() if now == name), name)

    def _nodes(self, operation: Operation) -> tuple[Json, list[Json]]:
        nodes: list[Any] = []
        errors: list[Json] = []
        for place, node_id in enumerate(operation.variables["ids"]):
            if node_id in self.deleted:
                nodes.append(None)
                errors.append({**GONE, "path": ["nodes", place]})
                continue
            one = Operation(name=operation.name, variables={"ids": [node_id]})
            shown = (self.transport.send([one]).data[0] or {})["nodes"][0]
            if node_id in self.moved and "repository" in shown:
                shown["repository"] = {"databaseId": 4711}
            nodes.append(shown)
        return {"nodes": nodes}, errors

    def _count(self, query: str) -> Json:
        words = dict(part.split(":", 1) for part in query.split())
        was = self._was(words["repo"])
        shown = self.transport.send(
            [
                Operation(
                    name="CreatedPullRequests", variables={"query": query.replace(words["repo"], str(was))}
                )
            ]
        ).data[0]
        assert shown is not None
        if "created" not in words:  # how many moved since, which is asked to tell how long a run takes
            return shown
        first, last = words["created"].split("..")
        out = [
            one
            for repository in ORGANIZATION.repositories
            if repository.name_with_owner == was
            for one in self.transport._pull_requests_of(repository).listed
            if pull_request_id(one) in self.deleted | self.moved
        ]
        inside = [
            one
            for one in out
            if (first == "*" or _text(one.created_at_utc) >= first) and _text(one.created_at_utc) <= last
        ]
        return {"search": {"issueCount": shown["search"]["issueCount"] - len(inside)}}


def _text(instant: datetime) -> str:
    return f"{instant:%Y-%m-%dT%H:%M:%SZ}"


def night_of(folder: Path, as_of_utc: datetime | None = None) -> Night:
    document = {
        "organization": {"name": "Acme", "reporting_timezone": "Europe/Berlin"},
        "storage": {"path": "."},
        "folder": folder,
    }
    return Night(settings=Settings.model_validate(document), environment={}, as_of_utc=as_of_utc)


def land(night: Night, transport: Any, *, full: bool = False, **configured: Any) -> Manifest:
    source = GitHubSource(transport=transport, **({"organizations": ("acme",)} | configured))
    known = known_to_github(night.landing.manifests(), [], source.server_time(), reads=source.reads)
    source.names_of = known.names_of
    if not full:
        source.known = known.repositories
    manifest = nightly._land(night, Registered(source=source, record_types=RECORD_TYPES))
    nightly.land(night, "organization")
    return manifest


def some_of(repository: Repository, count: int, now_utc: datetime = FIRST) -> list[str]:
    """Node ids of its oldest pull requests, which end before the newest page of anything."""
    listed = DemoTransport(ORGANIZATION, now_utc)._pull_requests_of(repository).listed
    return [pull_request_id(one) for one in sorted(listed, key=lambda one: one.number)[:count]]


def largest() -> Repository:
    transport = DemoTransport(ORGANIZATION, FIRST)
    return max(ORGANIZATION.repositories, key=lambda one: len(transport._pull_requests_of(one).listed))


BUILT: dict[Path, object] = {}
"""What each working database was built from, so that two questions of one night build it once."""


def rows(night: Night, query: str, **asked: Any) -> list[tuple[Any, ...]]:
    built_from = (night.settings, night.full, nightly.chosen_loads(night))
    if BUILT.get(night.working_path) != built_from:
        nightly.build_core(night)
        BUILT[night.working_path] = built_from
    with connect(night.working_path) as connection:
        return connection.execute(query, asked).fetchall()


LEDGER = (
    "SELECT status, reason, sum(stored)::BIGINT, sum(expected)::BIGINT, sum(deleted)::BIGINT "
    "FROM ops.completeness WHERE source = 'github' GROUP BY status, reason ORDER BY ALL"
)
CHILDREN = "pull_requests pr_events reviews review_threads".split()


# ------------------------------------------------------------------------------ single pull requests


def test_a_deleted_pull_request_is_gone_from_the_night_it_was_missed_and_not_before(tmp_path: Path) -> None:
    night = night_of(tmp_path)
    first = land(night, Changing(FIRST))
    before = rows(night, "SELECT pr_id FROM core.pull_requests ORDER BY pr_id")
    gone = some_of(largest(), 2)
    second = land(night, Changing(LATER, deleted=gone))
    assert first.is_complete
    assert second.is_complete, second.gaps
    assert second.rows["removals"] == 2
    status, reason, stored, expected, deleted = rows(night, LEDGER)[0]
    assert (status, reason, deleted) == ("complete", None, 2)
    assert stored == expected
    number = f"{largest().name_with_owner}#"
    left = rows(night, "SELECT count(*) FROM core.pull_requests WHERE starts_with(ref, $of)", of=number)
    assert left == [(len(DemoTransport(ORGANIZATION, LATER)._pull_requests_of(largest()).listed) - 2,)]
    for table in CHILDREN:
        orphans = (
            f"SELECT count(*) FROM core.{table} WHERE pr_id NOT IN (SELECT pr_id FROM core.pull_requests)"
        )
        assert rows(night, orphans) == [(0,)], table
    # As of the day before nobody knew, and everything is there, with everything below it.
    then = night_of(tmp_path, as_of_utc=FIRST)
    assert rows(then, "SELECT pr_id FROM core.pull_requests ORDER BY pr_id") == before
    assert rows(then, "SELECT sum(deleted)::BIGINT FROM ops.completeness") == [(0,)]


def test_a_night_after_a_deletion_asks_no_month_again(tmp_path: Path) -> None:
    night = night_of(tmp_path)
    gone = some_of(largest(), 1)
    land(night, Changing(FIRST))
    land(night, Changing(LATER, deleted=gone))
    quiet = Changing(LATER, deleted=gone)
    assert land(night, quiet).rows.get("removals", 0) == 0
    names = [operation.name for request in quiet.asked for operation in request]
    assert "PullRequestPlaces" not in names
    assert names.count("CreatedPullRequests") == len(ORGANIZATION.repositories)


def test_one_that_comes_again_is_there_again(tmp_path: Path) -> None:
    night = night_of(tmp_path)
    gone = some_of(largest(), 1)
    land(night, Changing(FIRST))
    land(night, Changing(LATER, deleted=gone))
    before = rows(night, "SELECT count(*) FROM core.pull_requests")[0][0]
    land(night, Changing(LATER), full=True)
    assert rows(night, "SELECT count(*) FROM core.pull_requests") == [(before + 1,)]
    assert rows(night, LEDGER)[0][4] == 0


def test_one_that_is_in_another_repository_now_is_no_longer_in_this_one(tmp_path: Path) -> None:
    night = night_of(tmp_path)
    land(night, Changing(FIRST))
    land(night, Changing(LATER, moved=some_of(largest(), 1)))
    assert rows(night, "SELECT why FROM landing.github__removals") == [("moved_away",)]
    assert [row[:2] for row in rows(night, LEDGER)] == [("complete", None)]


def _with_errors(kind: str | None) -> Callable[[Answer], Answer]:
    """Null with this error in place of NOT_FOUND, or with none."""

    def spoil(answer: Answer) -> Answer:
        errors = tuple({**error, "type": kind} for error in answer.errors) if kind else ()
        return replace(answer, errors=errors)

    return spoil


def _cut_short(answer: Answer) -> Answer:
    shown = answer.data[0]
    assert shown is not None
    return replace(answer, data=({"nodes": shown["nodes"][:-1]}, *answer.data[1:]))


def _elsewhere(answer: Answer) -> Answer:
    """An error that does not say which of them it is about."""
    return replace(answer, errors=tuple({**error, "path": ["nodes"]} for error in answer.errors))


@pytest.mark.parametrize(
    "spoils",
    [
        _with_errors("FORBIDDEN"),
        _with_errors("RESOURCE_LIMITS_EXCEEDED"),
        _with_errors(None),
        _cut_short,
        _elsewhere,
    ],
    ids=["forbidden", "a fault", "null without a word", "cut short", "of no place"],
)
def test_whatever_is_not_said_of_it_alone_is_a_gap_and_no_deletion(
    tmp_path: Path, spoils: Callable[[Answer], Answer]
) -> None:
    night = night_of(tmp_path)
    gone = some_of(largest(), 2)
    land(night, Changing(FIRST))
    stored = rows(night, "SELECT count(*) FROM core.pull_requests")[0][0]
    red = land(night, Changing(FIRST, deleted=gone, spoils=spoils))
    assert not red.is_complete
    assert "it could not be told whether they are still there" in red.gaps[0]
    assert red.rows.get("removals", 0) == 0
    assert rows(night, "SELECT count(*) FROM core.pull_requests") == [(stored,)]
    statuses = rows(night, LEDGER)
    assert {row[0] for row in statuses} == {"incomplete", "complete"} or statuses[0][0] == "incomplete"
    # The next run, to which GitHub says it of each, closes the gap.
    green = land(night, Changing(FIRST, deleted=gone))
    assert green.is_complete
    assert green.rows["removals"] == 2
    assert [row[:2] for row in rows(night, LEDGER)] == [("complete", None)]


def test_a_permission_taken_away_looks_like_a_deletion_and_is_none(tmp_path: Path) -> None:
    """GitHub says NOT_FOUND of what is hidden, too: not one pull request of the repository is there."""
    night = night_of(tmp_path)
    land(night, Changing(FIRST))
    every = some_of(largest(), 10_000)
    red = land(night, Changing(FIRST, deleted=every))
    assert not red.is_complete
    assert "not one of its pull requests can be seen. None was removed" in red.gaps[0]
    assert red.rows.get("removals", 0) == 0


def test_a_large_part_of_a_repository_is_never_taken_for_deleted(tmp_path: Path) -> None:
    night = night_of(tmp_path)
    land(night, Changing(FIRST))
    every = some_of(largest(), 10_000)
    assert len(every) > 60
    red = land(night, Changing(FIRST, deleted=every[: math.ceil(len(every) * 0.3)]))
    assert "pull requests are out of sight. None was removed" in red.gaps[0]
    assert red.rows.get("removals", 0) == 0


# ------------------------------------------------------------------------------ repositories


def test_a_renamed_repository_keeps_its_identity(tmp_path: Path) -> None:
    night = night_of(tmp_path)
    name = largest().name_with_owner
    land(night, Changing(FIRST))
    before = rows(night, "SELECT count(*) FROM core.pull_requests")
    renamed = land(night, Changing(FIRST, names={name: "acme/another-name"}), full=True)
    assert renamed.is_complete
    assert rows(night, "SELECT count(*) FROM core.pull_requests") == before
    assert rows(
        night, "SELECT count(*) FROM core.repositories WHERE name_with_owner = 'acme/another-name'"
    ) == [(1,)]
    assert [row[0] for row in rows(night, LEDGER)] == ["complete"]


def test_a_repository_configured_by_its_old_name_is_read_once(tmp_path: Path) -> None:
    night = night_of(tmp_path)
    name = largest().name_with_owner
    transport = Changing(FIRST, names={name: "acme/another-name"})
    manifest = land(night, transport, repositories=(name,))
    assert manifest.is_complete
    listed = DemoTransport(ORGANIZATION, FIRST)._pull_requests_of(largest()).listed
    assert rows(
        night,
        "SELECT count(*) FROM landing.github__pull_requests__versions WHERE repository_id = $id",
        id=f"github:{largest().database_id}",
    ) == [(len(listed),)]


def test_a_repository_with_another_owner_is_read_no_more_and_keeps_its_past(tmp_path: Path) -> None:
    night = night_of(tmp_path)
    name = largest().name_with_owner
    land(night, Changing(FIRST))
    before = rows(night, "SELECT count(*) FROM core.pull_requests")
    for _ in range(2):
        moved = land(night, Changing(FIRST, names={name: f"elsewhere/{largest().name}"}))
        assert moved.is_complete
    assert rows(night, "SELECT count(*) FROM core.pull_requests") == before
    assert [row[0] for row in rows(night, LEDGER)] == ["complete"]


@pytest.mark.parametrize("full", [False, True], ids=["a night", "everything again"])
def test_a_repository_out_of_sight_is_named_until_it_is_seen_again(tmp_path: Path, full: bool) -> None:
    night = night_of(tmp_path)
    name, scope = largest().name_with_owner, f"github:{largest().database_id}"
    land(night, Changing(FIRST))
    before = rows(night, "SELECT count(*) FROM core.pull_requests")
    red = land(night, Changing(LATER, names={name: None}), full=full)
    assert [one.scope for one in red.scopes if one.gap] == [scope]
    assert red.gaps[0].startswith(f"{name} can no longer be seen: it was deleted, or hidden from the token.")
    assert rows(night, "SELECT count(*) >= $before FROM core.pull_requests", before=before[0][0]) == [(True,)]
    of_scope = "SELECT month_start, status FROM ops.completeness WHERE scope = $scope ORDER BY month_start"
    found = rows(night, of_scope, scope=scope)
    assert [status for _, status in found[-2:]] == ["incomplete"] * 2
    # They had been read to the end long before, and nothing was left open in some of them.
    assert "complete" in {status for _, status in found[:-2]}
    green = land(night, Changing(LATER))
    assert green.is_complete
    assert [row[0] for row in rows(night, LEDGER)] == ["complete"]


def test_what_is_left_out_is_missed_by_nobody(tmp_path: Path) -> None:
    night = night_of(tmp_path)
    name = largest().name_with_owner
    land(night, Changing(FIRST))
    before = rows(night, "SELECT count(*) FROM core.pull_requests")
    quiet = Changing(FIRST, names={name: None})
    assert land(night, quiet, left_out=(name.upper(),)).is_complete
    visible = Changing(FIRST)
    assert land(night, visible, left_out=(name,)).is_complete
    read = [str(one.variables) for asked in visible.asked for one in asked if one.name == "PullRequests"]
    assert not [one for one in read if largest().name in one]
    assert rows(night, "SELECT count(*) FROM core.pull_requests") == before
    assert [row[0] for row in rows(night, LEDGER)] == ["complete"]


def test_unchanged_repositories_are_found_at_one_request_for_twenty_five(tmp_path: Path) -> None:
    night = night_of(tmp_path)
    names = tuple(one.name_with_owner for one in ORGANIZATION.repositories)
    configured = {"organizations": (), "repositories": names}
    land(night, Changing(FIRST), **configured)
    again = Changing(FIRST)
    land(night, again, **configured)
    states = [len(request) for request in again.asked if request[0].name == "RepositoryState"]
    assert states == [min(25, len(names) - start) for start in range(0, len(names), 25)]
    assert "PullRequests" not in {operation.name for request in again.asked for operation in request}
