"""Names change and accounts go; who and what they are stays: nights of months over the emulator.

Here: a repository and a person renamed between two nights, and an account that is deleted between them, by
what core holds after a night and after everything is read again.
Not here: repositories that are transferred or gone (``test_gone``), logins that change hands
(``tests/transforms/test_core.py``).
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pipelines import nightly
from pipelines.nightly import Night
from pipelines.settings import Settings
from tests.pipelines.emulated import TOKENS, sections
from tests.pipelines.test_ledger_kinds import ROSTER
from tests.shared_material import emulated_world
from warehouse.connection import connect


@pytest.fixture(scope="module")
def world() -> Iterator[Any]:
    running = emulated_world(seed=8, gen={"months": 6, "people": 6, "prs_per_month": 80})
    yield running
    running.stop()


def happened(raw: dict[str, Any], key: str) -> datetime:
    at = raw[key] if isinstance(raw[key], str) else raw[key][0]["at"]
    return datetime.fromisoformat(at.replace("Z", "+00:00"))


@pytest.fixture(scope="module")
def told(world: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Core after a night before anything was renamed, after one at the end, and after a full one."""
    users = {each["login"]: each for each in world.github.users.values()}
    renamed = next(each for each in users.values() if each.get("_renames"))
    gone = next(each for each in users.values() if each.get("_deleted_at"))
    repository = next(each for each in world.github.repos.values() if each.renames)
    changes = [
        happened(renamed, "_renames"),
        happened(gone, "_deleted_at"),
        datetime.fromtimestamp(repository.renames[0][0], UTC),
    ]
    folder = tmp_path_factory.mktemp("renamed")
    logins = {"ren": renamed["_renames"][0]["from"], "gone": gone["login"]}
    people = [f"{person},,,,,,,UTC,12345,,2020-01-01,,{login},," for person, login in logins.items()]
    (folder / "people.csv").write_text("\n".join([ROSTER, *people, ""]), "utf-8")
    found: dict[str, Any] = {"repository": repository, "gone": gone, "renamed": renamed}
    for name, now, full in (
        ("before", min(changes).timestamp() - 3600, False),
        ("after", world.default_now, False),
        ("full", world.default_now, True),
    ):
        world.clock.set(now=now)
        night = night_of(folder, world, full=full)
        manifest = nightly.land(night, "github")
        assert manifest is not None
        assert manifest.is_complete
        nightly.land(night, "organization")
        nightly.build_core(night)
        found[name] = done_by(night)
        found[f"{name} repositories"] = rows(night, REPOSITORIES)
    found["journal"] = rows(night, "SELECT person_id, account_id FROM core.identities ORDER BY ALL")
    assert max(changes).timestamp() < world.default_now
    return found


def night_of(folder: Path, world: Any, *, full: bool) -> Night:
    document = {
        "organization": {"name": "Acme", "reporting_timezone": "Europe/Berlin"},
        "storage": {"path": "."},
        "sources": {"github": sections(world)["github"]},
        "people": {"roster": "people.csv"},
        "folder": folder,
    }
    return Night(settings=Settings.model_validate(document), environment=TOKENS, full=full)


DONE = """
SELECT author_id, pr_id FROM core.pull_requests
UNION SELECT reviewer_id, review_id FROM core.reviews
UNION SELECT author_id, comment_id FROM core.thread_comments
"""
REPOSITORIES = """
SELECT repositories.repository_id, name_with_owner, count(pulls.pr_id)
FROM core.repositories AS repositories
LEFT JOIN core.pull_requests AS pulls ON pulls.repository_id = repositories.repository_id
GROUP BY ALL ORDER BY ALL
"""


def rows(night: Night, query: str) -> list[tuple[Any, ...]]:
    with connect(night.working_path) as connection:
        return connection.execute(query).fetchall()


def done_by(night: Night) -> dict[str, set[str]]:
    """By person, what they opened, reviewed and said."""
    found: dict[str, set[str]] = {"ren": set(), "gone": set()}
    for person, what in rows(night, DONE):
        found.setdefault(person, set()).add(what)
    return found


@pytest.mark.parametrize("night", ["after", "full"])
def test_a_renamed_person_is_who_they_were(told: dict[str, Any], night: str) -> None:
    """The roster has the login of before; the account was bound by its number at first sight."""
    assert told["before"]["ren"]
    assert told["before"]["ren"] < told[night]["ren"]
    assert ("ren", f"github:user/{told['renamed']['id']}") in told["journal"]


@pytest.mark.parametrize("night", ["after", "full"])
def test_what_a_deleted_account_did_before_stays_theirs(told: dict[str, Any], night: str) -> None:
    """GitHub names nobody any more, in what is old as well (decision 13)."""
    assert told["before"]["gone"]
    assert told["before"]["gone"] <= told[night]["gone"]


@pytest.mark.parametrize("night", ["after", "full"])
def test_a_renamed_repository_is_one_repository(told: dict[str, Any], night: str) -> None:
    before, after = told["before repositories"], told[f"{night} repositories"]
    of_id = f"github:{told['repository'].id}"
    ((_, old, some),) = [row for row in before if row[0] == of_id]
    ((_, new, more),) = [row for row in after if row[0] == of_id]
    assert old == told["repository"].renames[0][1]
    assert new != old
    assert more > some > 0
    assert len(after) == len({row[0] for row in after}) == len({row[1] for row in after})
