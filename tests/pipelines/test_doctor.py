"""What ``evenhand doctor`` says of the sources, against the emulator.

Here: each thing that can be missing, one at a time, and nothing else missing beside it.
Not here: the database and the identities (``test_commands``).
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipelines.doctor import Finding, examine
from pipelines.nightly import Night
from pipelines.settings import load_settings
from tests.connectors.github.test_emulator import Emulator
from tests.shared_material import emulated_world

NOT_RUN_YET = ("Loads: none yet", "Published: ")


@pytest.fixture(scope="module")
def world() -> Iterator[Any]:
    emulated = emulated_world(seed=5, gen={"months": 2, "people": 6, "prs_per_month": 10})
    yield emulated
    emulated.stop()


def emulated_now(world: Any) -> datetime:
    return datetime.fromisoformat(Emulator(world.url("github")).tell("clock")["now"]).astimezone(UTC)


def findings(
    folder: Path,
    world: Any,
    *,
    token: str = "ghp_sigemu",
    github: str = 'organizations = ["acme"]\ndeployment_environments = ["production"]',
    more: str = "",
    skew: timedelta = timedelta(0),
) -> list[Finding]:
    """What is found of the sources. A fresh storage also has no loads and no database, which is left out."""
    config = folder / "evenhand.toml"
    config.write_text(
        '[organization]\nname = "Acme"\nreporting_timezone = "UTC"\n'
        f'[sources.github]\nbase_url = "{world.url("github")}"\ntoken = {{ env = "A" }}\n{github}\n{more}'
    )
    night = Night(settings=load_settings(config), environment={"A": token, "J": "jira-sigemu"})
    found = examine(night, emulated_now(world) + skew)
    assert token not in repr(found)
    return [one for one in found if not one.text.startswith(NOT_RUN_YET)]


def missing(found: list[Finding]) -> list[str]:
    return [one.text for one in found if not one.is_fine]


def test_nothing_is_missing_where_nothing_is(tmp_path: Path, world: Any) -> None:
    found = findings(tmp_path, world)
    assert missing(found) == []
    assert any("GitHub: every permission a night needs is there" in one.text for one in found)


def test_each_missing_permission_is_named(tmp_path: Path, world: Any) -> None:
    said = missing(findings(tmp_path, world, token="github_pat_noorg"))
    assert len(said) == 2
    assert "the token may not read deployments. Give it Deployments (read) of the repositories" in said[0]
    assert "organization/acme: the token may not read members of teams" in said[1]
    assert "Members (read) of the organisation; for a classic token: read:org." in said[1]


def test_deployments_need_a_permission_only_where_they_are_read(tmp_path: Path, world: Any) -> None:
    neither = 'organizations = ["acme"]\ndeployment_environments = []'
    said = missing(findings(tmp_path, world, token="github_pat_noorg", github=neither))
    assert len(said) == 1
    assert "members of teams" in said[0]


@pytest.mark.parametrize(("minutes", "is_named"), [(1, False), (-1, False), (3, True), (-3, True)])
def test_a_skewed_clock_is_named(tmp_path: Path, world: Any, minutes: int, is_named: bool) -> None:
    said = missing(findings(tmp_path, world, skew=timedelta(minutes=minutes)))
    assert [text.startswith("Clock: this machine's clock is ") for text in said] == [True] * is_named


def test_a_repository_the_token_cannot_see_is_named(tmp_path: Path, world: Any) -> None:
    said = missing(
        findings(tmp_path, world, github='organizations = ["acme"]\nrepositories = ["acme/hidden"]')
    )
    assert said == [
        "GitHub: repository acme/hidden cannot be seen. Is the name right, and may the token see it?"
    ]


def test_a_refused_token_is_named_and_nothing_else_is_tried_with_it(tmp_path: Path, world: Any) -> None:
    said = missing(findings(tmp_path, world, token="ghp_of_nobody"))
    assert len(said) == 1
    assert said[0].startswith("GitHub: GitHub refused the token (401).")


def test_jira_is_tried_too(tmp_path: Path, world: Any) -> None:
    url = world.url("jira")
    section = f'[sources.jira]\nbase_url = "{url}"\nemail = "reader@example.com"\ntoken = {{ env = "%s" }}\n'
    found = findings(tmp_path, world, more=section % "J")
    assert missing(found) == []
    assert any(one.text.startswith("Jira: it answers, and takes the token") for one in found)
    refused = missing(findings(tmp_path, world, more=section % "NOT_SET"))
    assert len(refused) == 1
    assert refused[0].startswith('Jira: No token for source "jira".')
