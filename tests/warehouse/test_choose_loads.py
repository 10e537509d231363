"""The loads an as-of rests on."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from warehouse.landing import Landing, Manifest, choose_loads

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)


def load(folder: Path, source: str, known_at: datetime) -> Manifest:
    opened = Landing(folder).open_load(
        source=source, known_at_utc=known_at, code_version="1", configuration_hash="0", record_types=()
    )
    return opened.finish()


def chosen(folder: Path, as_of: datetime) -> list[tuple[str, bool]]:
    return [
        (f"{choice.manifest.source} {(choice.manifest.known_at_utc - AT) / DAY:g}", choice.is_backfilled)
        for choice in choose_loads(Landing(folder).manifests(), as_of)
    ]


def test_load_known_exactly_at_the_as_of_counts_and_a_second_later_does_not(tmp_path: Path) -> None:
    load(tmp_path, "github", AT - DAY)
    load(tmp_path, "github", AT)
    assert chosen(tmp_path, AT) == [("github -1", False), ("github 0", False)]
    assert chosen(tmp_path, AT - timedelta(microseconds=1)) == [("github -1", False)]


def test_before_the_first_load_that_one_is_taken_and_marked(tmp_path: Path) -> None:
    load(tmp_path, "github", AT)
    load(tmp_path, "github", AT + DAY)
    assert chosen(tmp_path, AT - DAY) == [("github 0", True)]


def test_every_source_is_chosen_for_itself_and_all_come_oldest_first(tmp_path: Path) -> None:
    load(tmp_path, "organization", AT + DAY)
    load(tmp_path, "github", AT - DAY)
    load(tmp_path, "organization", AT + 2 * DAY)
    load(tmp_path, "github", AT)
    assert chosen(tmp_path, AT) == [("github -1", False), ("github 0", False), ("organization 1", True)]
    assert chosen(tmp_path, AT + DAY) == [
        ("github -1", False),
        ("github 0", False),
        ("organization 1", False),
    ]


def test_loads_of_one_instant_are_in_the_order_they_were_opened(tmp_path: Path) -> None:
    first, second = load(tmp_path, "github", AT), load(tmp_path, "github", AT)
    found = [choice.manifest.load_id for choice in choose_loads([second, first], AT)]
    assert found == [first.load_id, second.load_id]


def test_without_loads_nothing_is_chosen(tmp_path: Path) -> None:
    assert chosen(tmp_path, AT) == []
