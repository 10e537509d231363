"""What ``evenhand doctor`` says of the sources, against the emulator.

Here: each thing that can be missing, one at a time, and nothing else missing beside it.
Not here: the database and the identities (``test_commands``).
"""

import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
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


def jira_section(world: Any, variable: str = "J") -> str:
    return (
        f'[sources.jira]\nbase_url = "{world.url("jira")}"\nemail = "reader@example.com"\n'
        f'token = {{ env = "{variable}" }}\n'
    )


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


@pytest.mark.parametrize(
    ("skew", "words"),
    [
        (timedelta(seconds=30), "30 s ahead of that of GitHub."),
        (timedelta(seconds=-30), "30 s behind that of GitHub."),
        (timedelta(days=36), "36 days ahead of that of GitHub; no number depends on it"),
    ],
)
def test_which_way_a_clock_differs_is_said_in_words(
    tmp_path: Path, world: Any, skew: timedelta, words: str
) -> None:
    (said,) = [one.text for one in findings(tmp_path, world, skew=skew) if one.text.startswith("Clock: ")]
    assert said.startswith(f"Clock: this machine's clock is {words}")


def test_a_journal_that_cannot_be_read_is_one_finding_and_the_rest_is_looked_at(
    tmp_path: Path, world: Any
) -> None:
    journal = tmp_path / "var" / "journal" / "identity.jsonl"
    journal.parent.mkdir(parents=True)
    journal.write_bytes(b'{"action": "bind", "acc')
    before = sorted(tmp_path.rglob("*"))
    found = findings(tmp_path, world, more=jira_section(world))
    said = missing(found)
    assert [text.partition(":")[0] for text in said] == ["Journals", "GitHub"]
    assert "identity.jsonl, line 1: one JSON object a line was wanted" in said[0]
    assert said[1] == "GitHub: not tried; the journal named above comes first."
    assert any(one.text.startswith("Jira: it answers") for one in found)
    assert sorted(tmp_path.rglob("*")) == sorted({*before, tmp_path / "evenhand.toml"})
    journal.write_text('{"action": "bnid"}\n')
    assert "line 1: wanted an action" in missing(findings(tmp_path, world))[0]


def test_a_storage_that_cannot_be_written_or_is_nearly_full_is_a_finding(
    tmp_path: Path, world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(os, "access", lambda *_: False)  # root may write anywhere
        told = missing(findings(tmp_path, world))
        assert told[0].startswith(f"Storage: this user may not write in {tmp_path}")
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=500_000_000))
        assert missing(findings(tmp_path, world)) == [
            f"Storage: 0.5 GB are free in {tmp_path}; a night wants 1.0. "
            "Free some: as-of/ can be deleted at any time."
        ]
    (tmp_path / "var").write_text("")
    assert missing(findings(tmp_path, world))[0].startswith(f"Storage: {tmp_path / 'var'} is a file")


def test_a_token_with_a_line_break_is_told_and_not_printed(tmp_path: Path, world: Any) -> None:
    said = missing(findings(tmp_path, world, token="ghp_sig\nemu"))
    assert said[0].startswith('GitHub: The token for source "github" has a space or a line break in it.')


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
    found = findings(tmp_path, world, more=jira_section(world))
    assert missing(found) == []
    assert any(one.text.startswith("Jira: it answers, and takes the token") for one in found)
    assert any(one.text == "Jira: every permission a night needs is there." for one in found)
    refused = missing(findings(tmp_path, world, more=jira_section(world, "NOT_SET")))
    assert len(refused) == 1
    assert refused[0].startswith('Jira: No token for source "jira".')
