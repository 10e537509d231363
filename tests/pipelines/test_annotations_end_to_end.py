"""An annotation's way from annotations.csv to packet and trend page; what is wrong in the file is named.

Here: one night of a made-up organisation with good and bad rows. Not here: whose an annotation is, where a
chart marks it (``tests/packets/test_annotations``), every wrong cell (``tests/connectors/organization``).
"""

from pathlib import Path

import pytest

from connectors.demo import FIRST_NIGHT_UTC, DemoTransport, configuration_files, make_organization
from connectors.github.client import GitHubSource
from connectors.github.records import RECORD_TYPES
from packets.packet import build_packet
from packets.selection import newest_final_quarter, people_of
from packets.trend_page import write_trend_page
from packets.write import write_packet
from pipelines import nightly
from pipelines.nightly import Night
from pipelines.settings import load_settings
from pipelines.sources import Registered
from transforms.queries import create
from warehouse.connection import connect, connect_reading

ORGANIZATION = make_organization(engineers=6, months=4)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The folder, and what one night published in it."""
    folder = tmp_path_factory.mktemp("annotated")
    for name, text in configuration_files(ORGANIZATION).items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    service = (folder / "services.csv").read_text().splitlines()[1].split(",")[0]
    (folder / "annotations.csv").write_text(
        "first_day,last_day,kind,applies_to,title,link\n"
        "2026-04-01,2026-06-30,freeze,*,The great stocktaking,https://wiki.acme.example/stocktaking\n"
        f"2026-05-04,,migration,service:{service},Moved to the <new> cluster,\n"
        "2026-05-04,2026-05-01,freeze,*,Ends before it begins,\n"
        "2026-05-04,2026-05-05,freeze,person:ana,Of one person alone,\n"
        "soon,,other,*,Of no day,\n"
        "2026-05-04,2026-05-05,party,*,Of no kind,\n"
    )
    night = Night(settings=load_settings(folder / "evenhand.toml"), environment={})
    source = GitHubSource(transport=DemoTransport(ORGANIZATION, FIRST_NIGHT_UTC), organizations=("acme",))
    nightly._land(night, Registered(source=source, record_types=RECORD_TYPES))
    nightly.land(night, "organization")
    nightly.build_core(night)
    nightly.build_facts(night)
    nightly.build_trends(night)
    with connect(night.working_path) as connection:
        create(connection, "ops.checks")
    return folder, nightly.publish_database(night)


def test_good_rows_reach_the_published_database_and_bad_ones_are_named_by_line(
    published: tuple[Path, Path],
) -> None:
    with connect_reading(published[1]) as connection:
        known = connection.execute(
            "SELECT title, about_kind, first_day::VARCHAR, last_day::VARCHAR "
            "FROM core.annotations ORDER BY title"
        ).fetchall()
        bad = connection.execute(
            "SELECT ref, field, is_lost FROM ops.rejected_records WHERE stream = 'annotations' ORDER BY ref"
        ).fetchall()
    assert known == [
        ("Moved to the <new> cluster", "service", "2026-05-04", None),
        ("The great stocktaking", "organization", "2026-04-01", "2026-06-30"),
    ]
    assert bad == [
        ("annotations.csv, line 4", "last_day", True),
        ("annotations.csv, line 5", "applies_to", True),
        ("annotations.csv, line 6", "first_day", True),
        ("annotations.csv, line 7", "kind", True),
    ]


def test_they_stand_in_packets_and_on_the_trend_page_and_no_bad_one_does(
    published: tuple[Path, Path], tmp_path: Path
) -> None:
    with connect_reading(published[1]) as connection:
        quarter = str(newest_final_quarter(connection))
        person = sorted(people_of(connection, quarter=quarter))[0]
        packet = build_packet(connection, person_id=person, quarter=quarter)
        pages = [write_packet(packet, tmp_path, ("html",))["html"].read_text()]
        pages.append(write_trend_page(connection, tmp_path / "trends").read_text())
    for page in pages:
        assert "The great stocktaking" in page
        assert 'href="https://wiki.acme.example/stocktaking"' in page
        for wrong in ("Ends before it begins", "Of one person alone", "Of no day", "Of no kind", "<new>"):
            assert wrong not in page
    assert "Moved to the &lt;new&gt; cluster" in pages[1]
    assert "4 records of all sources were not as promised and are set aside" in pages[0]
