"""Real tickets, through the real client, landing and core: each arrives once, with every change of status.

Here: both public dumps, Cloud and Data Center, in awkward account zones. Nothing of a ticket is printed.
"""

import json
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipelines import nightly
from pipelines.nightly import Night
from pipelines.settings import Settings
from tests.shared_material import emulated_world, needed, rows
from warehouse.connection import connect

CREDENTIALS = {
    "cloud": ("jira", "reader@example.com", "jira-sigemu"),
    "datacenter": ("jira_dc", None, "jira-pat-sigemu"),
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    folder = tmp_path_factory.mktemp("only")
    for dump in ("duraspace", "titanium"):
        (folder / "jira" / dump).mkdir(parents=True)
        file = needed("data", "jira", dump, "issues.jsonl.gz")
        (folder / "jira" / dump / file.name).symlink_to(file)
    running = emulated_world(data_dir=folder, fill=False)
    yield running
    running.stop()


def tell(world: Any, control: str, body: Any) -> Any:
    asked = urllib.request.Request(f"{world.url('jira')}/__{control}__", data=json.dumps(body).encode())
    with urllib.request.urlopen(asked, timeout=30) as answer:
        return json.load(answer)


def night_of(folder: Path, world: Any, kind: str, **more: Any) -> Night:
    service, email, token = CREDENTIALS[kind]
    section = {
        "kind": kind,
        "base_url": world.url(service),
        "email": email,
        "token": {"env": "TOKEN"},
        **more,
    }
    settings = Settings.model_validate(
        {
            "organization": {"name": "Real", "reporting_timezone": "UTC"},
            "sources": {"jira": section},
            "folder": folder,
        }
    )
    return Night(settings=settings, environment={"TOKEN": token})


@pytest.fixture(scope="module")
def truth() -> tuple[dict[str, str], Counter[str]]:
    """Key by id, and the changes of status by ticket, straight from the dumps."""
    keys: dict[str, str] = {}
    changes: Counter[str] = Counter()
    for folder in ("duraspace", "titanium"):
        for row in rows("jira", folder, "issues.jsonl.gz"):
            keys[f"jira:issue/{row['id']}"] = row["key"]
            for history in (row.get("changelog") or {}).get("histories", []):
                of_status = sum(item["field"] == "status" for item in history["items"])
                changes[f"jira:issue/{row['id']}"] += of_status
    return keys, +changes


@pytest.mark.parametrize(("kind", "zone"), [("cloud", "Pacific/Pago_Pago"), ("datacenter", "Etc/GMT-14")])
def test_every_ticket_arrives_once_with_every_change_of_status(
    world: Any, truth: tuple[dict[str, str], Counter[str]], tmp_path: Path, kind: str, zone: str
) -> None:
    keys, changes = truth
    tell(world, "config", {"jira_tz": zone})
    night = night_of(tmp_path, world, kind)
    manifest = nightly.land(night, "jira")
    assert manifest is not None
    assert manifest.gaps == ()
    assert manifest.requests <= 12 * len(keys) / 1000
    nightly.build_core(night)
    with connect(night.working_path) as connection:
        stored = connection.execute("SELECT ticket_id, ref FROM core.tickets").fetchall()
        assert len(stored) == len(keys)
        assert dict(stored) == keys
        counted = connection.execute(
            "SELECT ticket_id, count(*) FROM core.ticket_changes WHERE field = 'status' GROUP BY ticket_id"
        ).fetchall()
        assert dict(counted) == changes
        ledger = connection.execute("SELECT DISTINCT status FROM ops.completeness").fetchall()
        assert ledger == [("complete",)]
        # The dumps are of two servers, which name one status id differently: that is said, nothing is lost.
        lost = connection.execute(
            "SELECT count(*) FROM ops.rejected_records WHERE is_lost OR stream = 'tickets'"
        )
        assert lost.fetchall() == [(0,)]
