"""``evenhand causes``: the queue in words, what is refused, what is written, and when it holds."""

import json
import stat
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pipelines import causes, nightly
from pipelines.console import UsageProblemError
from pipelines.nightly import Night
from pipelines.settings import Settings
from tests.the_command import evenhand
from tests.transforms.incidents import attribute, deploy, incident, note, pull, world
from tests.transforms.landed import Landed, account, repository
from tests.transforms.world import World
from transforms.causes import JOURNAL, take_in
from warehouse import journal
from warehouse.connection import connect
from warehouse.publish import FULL

LAST = "2026-03-20"


def publish(folder: Path, made: World, said: Sequence[dict[str, Any]] = (), as_of: str = LAST) -> Path:
    """A configuration with a published database of this world."""
    config = folder / "evenhand.toml"
    config.write_text('[organization]\nname = "Acme"\nreporting_timezone = "UTC"\n')
    path = folder / "var" / "published" / FULL
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with connect(path) as connection:
        attribute(connection, made, said, as_of)
        connection.execute("CREATE SCHEMA ops")
        connection.execute(f"CREATE TABLE ops.publication AS SELECT TIMESTAMP '{as_of}' AS as_of_utc")
    return config


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return publish(tmp_path, everything())


def everything() -> World:
    """i1 is suspected of d2; a note names what did i2; nothing explains i3, and i4 of long ago."""
    made = world()
    for key, at in (("i2", "2026-03-03 12:30"), ("i3", "2026-03-06 09:00")):
        incident(made, key, "api", at)
    note(made, "pull_request", "acme/api#1")
    made.tables["incident_references"][0]["incident_id"] = "i2"
    pull(made, "0", "2026-02-10 10:00")
    deploy(made, "d0", "api", "2026-02-10 12:00", ["0"])
    incident(made, "i4", "api", "2026-02-14 09:00")
    incident(made, "low", "api", "2026-03-06 10:00", urgency="low")
    incident(made, "quiet", "web", "2026-03-19 10:00")
    return made


def entries(config: Path) -> list[dict[str, Any]]:
    return journal.entries(config.parent / "var" / "journal", JOURNAL)


def settle(config: Path, incident: str, answer: str, change: str | None = None, by: str = "ann") -> None:
    causes.settle(incident, answer, change=change, by=by, config=config)


Said = Callable[..., list[str]]


@pytest.fixture
def listed(config: Path, capsys: pytest.CaptureFixture[str]) -> Said:
    """What the list says: one text for each service, incident and sentence."""

    def rows(**more: Any) -> list[str]:
        capsys.readouterr()
        causes.list_suspects(config=config, **more)
        found: list[str] = []
        for line in capsys.readouterr().out.splitlines():
            if line.startswith("    "):
                found[-1] += f" | {line.strip()}"
            elif line:
                found.append(" ".join(line.split()))
        return found

    return rows


def of(found: list[str], name: str) -> list[str]:
    return [row for row in found if row.split()[0] == name]


def test_the_queue_holds_what_is_suspected_and_what_nothing_explains(listed: Said) -> None:
    found = listed()
    assert of(found, "api") == ["api (no team)", "api (no team)"]
    assert of(found, "i1") == [
        "i1 2026-03-03 12:20 UTC | suspected: 20 minutes after github:deployment/d2, which carried acme/api#2"
    ]
    assert of(found, "i3") == [
        "i3 2026-03-06 09:00 UTC | nothing suspected; 2 deployments in the 7 days before"
    ]
    assert not of(found, "i2")
    assert not of(found, "i4"), "older than four weeks"
    assert not of(found, "quiet"), "nothing was deployed in the week before"
    assert "1 of 1 suspicions wait for an answer. Of 5 high-urgency incidents 1 have a named" in " ".join(
        found
    )


def test_all_shows_what_is_named_and_what_is_older(listed: Said) -> None:
    found = listed(everything=True)
    assert of(found, "i2") == [
        "i2 2026-03-03 12:30 UTC | named: 24 hours after github:deployment/d1, which carried acme/api#1"
    ]
    assert of(found, "i4") == [
        "i4 2026-02-14 09:00 UTC | nothing suspected; 1 deployment in the 7 days before"
    ]


def test_an_answer_is_written_with_who_and_leaves_the_queue(config: Path, listed: Said) -> None:
    settle(config, "i1", "yes")
    settle(config, "i3", "other_change", "acme/api#2")
    first, second = entries(config)
    assert (first["incident_id"], first["deployment_id"], first["answer"], first["by"]) == (
        "i1",
        "github:deployment/d2",
        "yes",
        "ann",
    )
    assert (second["deployment_id"], second["other"]) == (None, "2")
    found = listed()
    assert not of(found, "i1")
    assert not of(found, "i3")
    assert "Nothing waits for an answer." in found
    assert of(listed(everything=True), "i1")[0].endswith("; said: it was this deployment")


def test_what_is_opened_again_is_back_in_the_queue(
    config: Path, listed: Said, capsys: pytest.CaptureFixture[str]
) -> None:
    settle(config, "i1", "not_a_change")
    settle(config, "i1", "reopen")
    assert "i1 is open again" in capsys.readouterr().out
    assert of(listed(), "i1")
    assert [entry["answer"] for entry in entries(config)] == ["not_a_change", "reopen"]
    with pytest.raises(UsageProblemError, match=r"nobody has settled it\. Nothing was written"):
        settle(config, "i1", "reopen")


def test_what_left_the_published_queue_can_be_opened_again(config: Path, listed: Said) -> None:
    settle(config, "i3", "other_change", "acme/api#2")
    said = entries(config) + take_in(entries(config), datetime(2026, 3, 20, tzinfo=UTC))
    publish(config.parent, everything(), said)
    assert not of(listed(everything=True), "i3")
    settle(config, "i3", "reopen")
    publish(config.parent, everything())
    assert of(listed(), "i3")


def test_a_named_cause_can_be_taken_back(config: Path, listed: Said) -> None:
    settle(config, "i2", "not_a_change")
    assert entries(config)[0]["deployment_id"] == "github:deployment/d1"
    assert of(listed(everything=True), "i2")[0].endswith("; said: no change did it")


def test_an_answer_about_another_deployment_leaves_a_new_suspicion_open(config: Path, listed: Said) -> None:
    settle(config, "i1", "unknown")
    assert not of(listed(), "i1")
    made = everything()
    deploy(made, "d2b", "api", "2026-03-03 12:10", ["2"])
    publish(config.parent, made)
    assert "10 minutes after github:deployment/d2b" in of(listed(), "i1")[0]


@pytest.mark.parametrize(
    ("incident", "answer", "change", "told"),
    [
        ("i1", "maybe", None, "'maybe' is no answer. Known: yes, other_change"),
        ("i1", "yes", "acme/api#1", "--change belongs to other_change alone"),
        ("i9", "yes", None, "One incident 'i9' of the queue was wanted, none has that name"),
        ("low", "yes", None, "none has that name"),
        ("i3", "yes", None, "No deployment is suspected of i3"),
        ("i1", "other_change", "acme/api#99", "found 0"),
    ],
)
def test_what_is_refused_writes_nothing(
    config: Path, incident: str, answer: str, change: str | None, told: str
) -> None:
    with pytest.raises(UsageProblemError) as refused:
        settle(config, incident, answer, change)
    assert told in str(refused.value)
    assert str(refused.value).endswith("Nothing was written.")
    assert entries(config) == []


def test_a_change_that_cannot_count_is_kept_and_said(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settle(config, "i1", "other_change", "acme/api#0")
    assert "carried acme/api#0: the answer is kept" in capsys.readouterr().out
    settle(config, "i3", "other_change", "acme/api#1")
    assert "the answer is kept" not in capsys.readouterr().out


def test_one_service_and_a_service_without_any(listed: Said, config: Path) -> None:
    assert of(listed(service="api"), "i1")
    with pytest.raises(UsageProblemError, match=r"for a service 'web'\. Services with any: api\."):
        causes.list_suspects(config=config, service="web")


def test_without_incidents_it_says_so_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    causes.list_suspects(config=publish(tmp_path, World()))
    shown = capsys.readouterr().out.splitlines()
    assert shown[0].startswith("0 of 0 suspicions wait for an answer.")
    assert shown[1:] == ["Nothing waits for an answer."]


@pytest.mark.parametrize("name", ["42", "#42", "i1", "https://pager.example/i1", "https://pager.example/I1/"])
def test_an_incident_goes_by_number_id_or_address_as_a_shell_lets_it_be_typed(
    tmp_path: Path, name: str
) -> None:
    """An unquoted #42 is a remark to a shell."""
    made = everything()
    made.tables["incidents"][0]["ref"] = "#42"
    config = publish(tmp_path, made)
    settle(config, name, "yes")
    assert entries(config)[0]["incident_id"] == "i1"


def test_the_list_says_whose_a_service_is_and_how_to_answer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = everything()
    made.tables["incidents"][0]["ref"] = "#42"
    made.service("api", "old", after="2026-03-03")
    made.service("api", "money", first="2026-03-03")
    deploy(made, "w", "wiki", "2026-03-10 08:30", [])
    incident(made, "iw", "wiki", "2026-03-10 09:00")
    causes.list_suspects(config=publish(tmp_path, made))
    shown = capsys.readouterr().out
    assert "api (team money)\n  42        2026-03-03 12:20 UTC\n            suspected: 20 minutes" in shown
    assert "wiki (no team)\n  iw        2026-03-10 09:00 UTC" in shown
    assert "evenhand causes settle 42 yes." in shown
    assert "No team owns wiki in the services file: whoever knows may answer." in shown


def test_of_two_owners_the_later_one_is_told_what_the_other_said(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settle(config, "i1", "yes", by="ann")
    capsys.readouterr()
    settle(config, "i1", "not_a_change", by="ben")
    assert "It takes the place of what ann said: it was this deployment." in capsys.readouterr().out
    assert [entry["by"] for entry in entries(config)] == ["ann", "ben"]


@pytest.mark.parametrize(
    ("line", "told"),
    [("{", "one JSON object a line was wanted"), ('{"answer": "yes"}', "an answer (yes, other_change")],
)
def test_a_damaged_journal_is_named_by_line_and_nothing_is_said_of_it(
    config: Path, line: str, told: str
) -> None:
    settle(config, "i1", "yes")
    file = config.parent / "var" / "journal" / f"{JOURNAL}.jsonl"
    file.write_text(file.read_text() + line + "\n")
    for words in (["list"], ["settle", "i1", "yes"]):
        refused = evenhand("causes", *words, "--config", str(config))
        assert refused.returncode == 1
        assert f"{JOURNAL}.jsonl, line 2" in refused.stderr
        assert told in refused.stderr
        assert "Traceback" not in refused.stderr
    assert len(file.read_text().splitlines()) == 2


def test_before_the_first_run_it_says_what_publishes(tmp_path: Path) -> None:
    config = publish(tmp_path, World())
    (tmp_path / "var" / "published" / FULL).unlink()
    with pytest.raises(UsageProblemError, match=r"Nothing is published yet .*`evenhand run`"):
        causes.list_suspects(config=config)


def test_the_command_writes_a_journal_that_its_owner_alone_reads(config: Path) -> None:
    settled = evenhand("causes", "settle", "i1", "yes", "--by", "ann", "--config", str(config))
    assert settled.returncode == 0, settled.stderr
    assert "It holds from the next `evenhand run` on" in settled.stdout
    file = config.parent / "var" / "journal" / f"{JOURNAL}.jsonl"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert json.loads(file.read_text())["answer"] == "yes"
    refused = evenhand("causes", "settle", "i9", "yes", "--config", str(config))
    assert refused.returncode == 2
    assert "evenhand causes list --all" in refused.stderr


def test_the_next_night_dates_an_answer_once(tmp_path: Path) -> None:
    settings = Settings.model_validate(
        {"organization": {"name": "acme", "reporting_timezone": "UTC"}, "folder": tmp_path}
    )
    landed = Landed(folder=tmp_path / "var" / "landing")
    landed.organization("2026-03-03")
    landed.github("2026-03-03", [repository(), account(1, "ann")])
    folder = tmp_path / "var" / "journal"
    entry = {"incident_id": "i1", "deployment_id": "d2", "answer": "yes", "other": None, "by": "ann"}
    journal.append(folder, JOURNAL, [entry])
    nightly.build_core(Night(settings=settings, environment={}, as_of_utc=datetime(2026, 3, 3, tzinfo=UTC)))
    assert journal.entries(folder, JOURNAL) == [entry], "looking back takes nothing in"
    taken = {"takes_in": 0, "answered_at_utc": "2026-03-03T00:00:00+00:00"}
    for _ in range(2):
        nightly.build_core(Night(settings=settings, environment={}))
        assert journal.entries(folder, JOURNAL) == [entry, taken]
