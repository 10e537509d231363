"""What a night stands on is told from the columns that it needs, and is what all of them would tell.

Here: each source of the made-up organisation. Not here: what a night leaves out because of it (each source).
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pipelines import known
from pipelines.known import known_account, known_tickets, known_to_github
from transforms.core.streams import Only, load_landing
from warehouse.landing import Landing, Manifest

NOW_UTC = datetime(2026, 7, 25, tzinfo=UTC)


def told(manifests: list[Manifest], source: str) -> Any:
    reads = next(each.reads for each in manifests if each.source == source)
    if source == "github":
        return known_to_github(manifests, [], NOW_UTC, reads=reads)
    return {"pagerduty": known_account, "jira": known_tickets}[source](manifests, reads=reads)


@pytest.mark.parametrize("source", ["github", "pagerduty", "jira"])
def test_some_columns_tell_what_all_of_them_do(
    demo: Path, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifests = Landing(demo / "landing").manifests()
    found = told(manifests, source)

    def all_of_them(*asked: Any, only: Only) -> list[str]:
        assert only
        return load_landing(*asked)

    monkeypatch.setattr(known, "load_landing", all_of_them)
    assert found == told(manifests, source)
    assert "settled_months=frozenset({" in repr(found) or "complete_at_utc" in repr(found)
