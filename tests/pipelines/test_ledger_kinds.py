"""Everything that can be missing, on every surface that tells of it: the command, a packet, the trend page.

Here: nights over the emulator in which something is short, capped, refused, hidden, deleted, rejected or
broken off, each really so in what servers answered; and that no month of which something is missing enters a
trend.
Not here: how far back each of them reaches (``tests/transforms/test_ledger.py``).
"""

import html
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from connectors.github.http import GitHubOverHttp
from connectors.github.transport import Answer, Operation
from connectors.pagerduty import client as pagerduty_client
from connectors.waiting import Patience
from packets.packet import build_packet
from packets.trend_page import trend_html
from packets.write import write_packet
from pipelines import nightly
from pipelines.cli import app
from pipelines.nightly import Night
from pipelines.settings import load_settings
from tests.pipelines.emulated import TOKENS, turn_to_loopback
from tests.shared_material import emulated_world
from transforms.periods.build import ledgers_of
from transforms.queries import create
from warehouse.connection import connect, connect_reading

DAY = 86_400
GONE = {"type": "NOT_FOUND"}
ROSTER = (
    "person,name,email,team,manager,role,level,time_zone,working_days,place,valid_from,valid_to,"
    "github,pagerduty,jira"
)
CONFIG = """
[organization]
name = "Acme"
reporting_timezone = "Europe/Berlin"

[sources.github]
base_url = "{github}"
token = {{ env = "GITHUB_TOKEN" }}
organizations = ["acme"]

[sources.pagerduty]
base_url = "https://pagerduty.test"
token = {{ env = "PAGERDUTY_TOKEN" }}

[people]
roster = "people.csv"
"""
Change = Callable[[Sequence[Operation], list[Any], list[Any]], None]


@pytest.fixture(scope="module")
def world() -> Iterator[Any]:
    running = emulated_world(seed=8, gen={"months": 4, "people": 6, "prs_per_month": 40})
    yield running
    running.stop()


def asks_about(operation: Operation, name: str) -> bool:
    return f"{operation.variables.get('owner')}/{operation.variables.get('name')}" == name


# ------------------------------------------------------------------------------ what goes wrong


def loses_a_page(operations: Sequence[Operation], data: list[Any], _: list[Any]) -> None:
    """The last five pull requests of acme/platform never come, without a word."""
    for operation, shown in zip(operations, data, strict=True):
        if operation.name == "PullRequests" and asks_about(operation, "acme/platform"):
            listed = shown["repository"]["pullRequests"]
            if not listed["pageInfo"]["hasNextPage"]:
                listed["nodes"] = listed["nodes"][:-5]


def tells_no_time(operations: Sequence[Operation], data: list[Any], _: list[Any]) -> None:
    """A pull request of acme/payments was created at no time that anybody can read."""
    for operation, shown in zip(operations, data, strict=True):
        if operation.name == "PullRequests" and asks_about(operation, "acme/payments"):
            shown["repository"]["pullRequests"]["nodes"][0]["createdAt"] = "yesterday"


def hides_storefront(operations: Sequence[Operation], data: list[Any], errors: list[Any]) -> None:
    """The token may no longer see acme/storefront."""
    for place, (operation, shown) in enumerate(zip(operations, data, strict=True)):
        if operation.name == "OrganizationRepositories":
            listed = shown["organization"]["repositories"]
            listed["nodes"] = [one for one in listed["nodes"] if one["nameWithOwner"] != "acme/storefront"]
        elif asks_about(operation, "acme/storefront"):
            data[place] = {"repository": None}
            errors.append({**GONE, "path": ["repository"], "operation": place})


@dataclass(slots=True)
class Deletes:
    """A pull request of acme/platform is no longer there: not counted, and not found."""

    node_id: str
    created: str

    def __call__(self, operations: Sequence[Operation], data: list[Any], errors: list[Any]) -> None:
        for place, (operation, shown) in enumerate(zip(operations, data, strict=True)):
            if (
                operation.name == "CreatedPullRequests"
                and "repo:acme/platform " in operation.variables["query"]
            ):
                shown["search"]["issueCount"] -= self._is_counted(operation.variables["query"])
            if self.node_id in operation.variables.get("ids", ()):
                at = list(operation.variables["ids"]).index(self.node_id)
                shown["nodes"][at] = None
                errors.append({**GONE, "path": ["nodes", at], "operation": place})

    def _is_counted(self, query: str) -> bool:
        """Whether it was in what is counted; what was updated of late is none of it."""
        found = re.search(r"created:(\S+)\.\.(\S+)", query)
        return (
            found is not None and (found[1] == "*" or found[1] <= self.created) and self.created <= found[2]
        )


# ------------------------------------------------------------------------------ nights


@dataclass(frozen=True, slots=True)
class Surfaces:
    """What each surface says, and the night behind it."""

    night: Night
    command: str
    packet: str
    page: str


def night_of(folder: Path, world: Any) -> Night:
    folder.mkdir(exist_ok=True)
    (folder / "evenhand.toml").write_text(CONFIG.format(github=world.url("github")), "utf-8")
    logins = [each["login"] for each in world.github.users.values() if each["type"] == "User"]
    people = [f"p{place},,,t1,,,,UTC,12345,,2020-01-01,,{login},," for place, login in enumerate(logins)]
    (folder / "people.csv").write_text("\n".join([ROSTER, *people, ""]), "utf-8")
    night = Night(settings=load_settings(folder / "evenhand.toml"), environment=TOKENS)
    night.patience = Patience(sleep=lambda _: None)
    return night


def play(
    night: Night, *changes: Change, token: str = TOKENS["GITHUB_TOKEN"], sources: str = "github"
) -> None:
    """Land these sources, with GitHub's answers changed on their way."""
    send = GitHubOverHttp.send

    def spoilt(self: GitHubOverHttp, operations: Sequence[Operation]) -> Answer:
        answer = send(self, operations)
        data, errors = list(answer.data), list(answer.errors)
        for change in changes:
            change(operations, data, errors)
        return replace(answer, data=tuple(data), errors=tuple(errors))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(GitHubOverHttp, "send", spoilt)
        patch.setattr(night, "environment", {**TOKENS, "GITHUB_TOKEN": token})
        for source in (*sources.split(), "organization"):
            nightly.land(night, source)


def published(night: Night) -> Surfaces:
    nightly.build_core(night)
    nightly.build_facts(night)
    nightly.build_trends(night)
    with connect(night.working_path) as connection:
        create(connection, "ops.checks")  # which would be judged here; a warning keeps nothing back
    nightly.publish_database(night)
    config = str(night.settings.folder / "evenhand.toml")
    said = CliRunner(env={"COLUMNS": "400"}).invoke(app, ["completeness", "--config", config])
    assert said.exit_code in (0, 3)
    with connect_reading(night.published_folder / "evenhand.duckdb") as connection:
        packet = build_packet(connection, person_id="p0", quarter="2026-Q3")
        folder = night.settings.storage_path / "packet"
        write_packet(packet, folder, ("html",))
        page = trend_html(connection)
    return Surfaces(night, said.output, (folder / "packet.html").read_text("utf-8"), page)


@pytest.fixture(scope="module")
def in_parts(world: Any, tmp_path_factory: pytest.TempPathFactory) -> Surfaces:
    """Two nights: one that lost a page and met a bad record, one that no longer sees a repository."""
    folder = tmp_path_factory.mktemp("parts")
    with pytest.MonkeyPatch.context() as patch:
        turn_to_loopback(world, patch)
        patch.setattr(pagerduty_client, "CAP", 4)
        patch.setattr(pagerduty_client, "PAGE_SIZE", 2)
        patch.setattr(world.apps["pagerduty"].win, "limit", 1_000_000)
        world.clock.set(now=world.default_now - 2 * DAY)
        play(night_of(folder, world), loses_a_page, tells_no_time, sources="github pagerduty")
        world.clock.set(now=world.default_now - DAY)
        night = night_of(folder, world)
        play(night, hides_storefront, loses_a_page, tells_no_time)
    return published(night)


@pytest.fixture(scope="module")
def gone_and_broken_off(world: Any, tmp_path_factory: pytest.TempPathFactory) -> Surfaces:
    """Three nights: everything; one pull request less, and a permission; the token refused in the middle."""
    folder = tmp_path_factory.mktemp("gone")
    world.clock.set(now=world.default_now - 3 * DAY)
    night = night_of(folder, world)
    play(night)
    nightly.build_core(night)
    with connect(night.working_path) as connection:
        (node_id, created), *_ = connection.execute(
            "SELECT node_id, strftime(created_at_utc AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%SZ') "
            "FROM landing.github__pull_requests JOIN core.repositories USING (repository_id) "
            "WHERE name_with_owner = 'acme/platform' AND closed_at_utc IS NOT NULL ORDER BY created_at_utc"
        ).fetchall()
    deletes = Deletes(node_id, created)
    world.clock.set(now=world.default_now - 2 * DAY)
    play(night, deletes, token="github_pat_noorg")
    world.clock.set(now=world.default_now - DAY)
    world.faults.set([{"kind": "401", "service": "github", "nth": [4]}], seed=1)
    try:
        play(night_of(folder, world), deletes)
    finally:
        world.faults.set([])
    return published(night_of(folder, world))


SAID = {
    "short": ("in_parts", "acme/platform", "fewer pull requests are stored than the source counts"),
    "rejected": ("in_parts", "acme/payments", "pull requests of unknown month were rejected"),
    "hidden": ("in_parts", "acme/storefront", "acme/storefront can no longer be seen"),
    "refused": ("gone_and_broken_off", "acme/", r"GitHub gave none \(FORBIDDEN\)\. Reading deployments"),
    "capped": ("in_parts", "PagerDuty", r"PagerDuty (has|answers no) more than 4 rows"),
    "broken off": ("gone_and_broken_off", "acme/", r"GitHub refused the token \(401\)"),
}
"""For each kind of missing, the nights in which it happened, of what, and the words for it."""


def plain(text: str) -> str:
    """Without tags, borders and line breaks."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split())


@pytest.mark.parametrize("surface", ["command", "packet", "page"])
@pytest.mark.parametrize("kind", SAID)
def test_what_is_missing_is_told_on_every_surface(
    request: pytest.FixtureRequest, kind: str, surface: str
) -> None:
    nights, scope, words = SAID[kind]
    told = plain(getattr(request.getfixturevalue(nights), surface))
    (found, *_) = re.finditer(words, told)
    assert scope in told[max(0, found.start() - 400) : found.end()]


def test_the_command_tells_what_is_stored_expected_rejected_and_deleted(
    in_parts: Surfaces, gone_and_broken_off: Surfaces
) -> None:
    """By scope: complete, unknown and incomplete months, then the four counts."""
    found = {
        row[1]: [int(cell) for cell in row[5:]]
        for row in map(str.split, in_parts.command.splitlines())
        if len(row) == 9 and row[0] == "github"
    }
    stored, expected, rejected, deleted = found["acme/platform"]
    assert (expected > stored, rejected, deleted) == (True, 0, 0)
    assert found["acme/payments"][2:] == [1, 0]
    platform = next(
        line.split()
        for line in gone_and_broken_off.command.splitlines()
        if line.split()[:2] == ["github", "acme/platform"]
    )
    assert platform[7:] == ["0", "1"]


def test_what_was_deleted_is_told_and_is_nothing_missing(gone_and_broken_off: Surfaces) -> None:
    words = "Deleted at the source or moved out of what is read, and in no figure: 1 pull request of"
    assert words in plain(gone_and_broken_off.packet)
    assert words in plain(gone_and_broken_off.page)


@pytest.mark.parametrize("nights", ["in_parts", "gone_and_broken_off"])
def test_a_month_of_which_something_is_missing_enters_no_trend(
    request: pytest.FixtureRequest, nights: str
) -> None:
    night = request.getfixturevalue(nights).night
    seen = 0
    with connect_reading(night.published_folder / "evenhand.duckdb") as connection:
        for metric in night.catalogue.values():
            asked = {"metric": metric.id, "sources": list(ledgers_of(metric))}
            cells = connection.execute(
                "SELECT hole, completeness FROM trends.periods JOIN (SELECT DISTINCT month_start FROM "
                "ops.completeness WHERE status = 'incomplete' AND list_contains($sources, source)) "
                "AS missing ON missing.month_start = period_start "
                "WHERE metric_id = $metric AND grain = 'month'",
                asked,
            ).fetchall()
            seen += len(cells)
            assert {completeness for _, completeness in cells} <= {"incomplete"}, metric.id
            assert None not in {hole for hole, _ in cells}, metric.id
            used = connection.execute(
                "SELECT count(*) FROM trends.changes, unnest(months_used) AS used(month) "
                "WHERE metric_id = $metric AND used.month IN (SELECT strftime(month_start, '%Y-%m') "
                "FROM ops.completeness WHERE status = 'incomplete' AND list_contains($sources, source))",
                asked,
            ).fetchall()
            assert used == [(0,)], metric.id
    assert seen
