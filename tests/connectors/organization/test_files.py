"""Files that are as they should be: every cell, and what people's spreadsheets do to a file.

Here: good files.
Not here: bad ones (``test_bad_files``).
"""

from datetime import date
from pathlib import Path

import pytest

from connectors.organization.files import OrganizationSource
from connectors.organization.records import CalendarRow, RosterRow, ServiceRow
from tests.connectors.organization.writing import KNOWN_AT, line, read, source, table

PERSON = (
    'p1,"Moss, Tilde",tilde@acme.example,boilers,p2,engineer,senior,Asia/Tokyo,1234,JP,2025-01-01,2026-01-01,'
    "tilde-moss; tilde-old ,PTILDE,5b10a:77\n"
)
HEADER = table("people").rstrip("\n")
MANAGER = line("people", person="p2", name="Orla Finch", email="")


def test_every_cell_of_a_person(tmp_path: Path) -> None:
    """A quoted comma, and two logins with blanks around them."""
    found = read(tmp_path, people=f"{HEADER}\n{PERSON}{MANAGER}\n")
    assert (found.gaps, found.rejected) == ((), [])
    manager, person = found.all(RosterRow)  # rows are ordered by when they begin, and hers has always been
    assert manager.person_id == "p2"
    assert person == RosterRow(
        person_id="p1",
        name="Moss, Tilde",
        email="tilde@acme.example",
        team_id="boilers",
        manager_id="p2",
        role="engineer",
        level="senior",
        time_zone="Asia/Tokyo",
        working_days=(1, 2, 3, 4),
        place="JP",
        valid_from=date(2025, 1, 1),
        valid_to=date(2026, 1, 1),
        github=("tilde-moss", "tilde-old"),
        pagerduty=("PTILDE",),
        jira=("5b10a:77",),
    )


def test_empty_cells_of_a_person(tmp_path: Path) -> None:
    """Who has no zone is where the organisation is, and works Monday to Friday."""
    found = read(tmp_path, people=table("people", line("people", name="", email="")))
    assert found.one(RosterRow) == RosterRow(
        person_id="p1",
        name="p1",
        email=None,
        team_id=None,
        manager_id=None,
        role=None,
        level=None,
        time_zone="Europe/Berlin",
        working_days=(1, 2, 3, 4, 5),
        place=None,
        valid_from=None,
        valid_to=None,
        github=(),
        pagerduty=(),
        jira=(),
    )


def test_every_cell_of_the_calendar(tmp_path: Path) -> None:
    days = table(
        "calendar",
        line("calendar"),
        line("calendar", applies_to="place:JP", first_day="2026-05-03", last_day="2026-05-05"),
        line(
            "calendar", applies_to="person:p1", kind="absence", first_day="2026-02-02", last_day="2026-02-06"
        ),
    )
    found = read(tmp_path, calendar=days)
    assert found.rejected == []
    assert found.all(CalendarRow) == [
        CalendarRow(applies_to="*", first_day=date(2026, 1, 1), last_day=date(2026, 1, 1), kind="holiday"),
        CalendarRow(
            applies_to="place:JP", first_day=date(2026, 5, 3), last_day=date(2026, 5, 5), kind="holiday"
        ),
        CalendarRow(
            applies_to="person:p1", first_day=date(2026, 2, 2), last_day=date(2026, 2, 6), kind="absence"
        ),
    ]


def test_a_calendar_row_tells_when_and_for_whom_but_never_why() -> None:
    """The file has no column for a reason, and the record no field."""
    assert set(CalendarRow.__slots__) == {"applies_to", "first_day", "last_day", "kind"}


def test_every_cell_of_a_service(tmp_path: Path) -> None:
    rows = table(
        "services",
        "kettle,2,boilers,acme/kettle,area: kettle,2025-01-01,2026-01-01",
        line("services", service="toaster", tier="4"),
    )
    found = read(tmp_path, services=rows)
    assert found.rejected == []
    assert found.all(ServiceRow) == [
        # open since ever comes first: rows are ordered by when they begin
        ServiceRow(
            service_id="toaster",
            tier=4,
            team_id=None,
            repository=None,
            label=None,
            valid_from=None,
            valid_to=None,
        ),
        ServiceRow(
            service_id="kettle",
            tier=2,
            team_id="boilers",
            repository="acme/kettle",
            label="area: kettle",
            valid_from=date(2025, 1, 1),
            valid_to=date(2026, 1, 1),
        ),
    ]


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.encode("utf-8-sig"),
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: text.rstrip("\n").encode(),
        lambda text: text.replace("\n", "\n\n").encode(),
        lambda text: text.replace("person,name", " person , name").encode(),
        lambda text: text.replace("p1,Tilde Moss", " p1 ,  Tilde Moss ").encode(),
    ],
    ids=[
        "byte order mark",
        "line ends of Windows",
        "no last line end",
        "empty lines",
        "blanks in the header",
        "blanks in cells",
    ],
)
def test_what_spreadsheets_do_to_a_file_changes_nothing(tmp_path: Path, change: object) -> None:
    plain = table("people", line("people"))
    assert callable(change)
    assert read(tmp_path, people=change(plain)).all(RosterRow) == read(tmp_path, people=plain).all(RosterRow)


def test_the_columns_may_stand_in_any_order(tmp_path: Path) -> None:
    turned = "\n".join(
        ",".join(reversed(row.split(","))) for row in table("services", line("services")).split("\n")
    )
    assert read(tmp_path, services=turned).one(ServiceRow).service_id == "kettle"


def test_rows_of_a_person_may_follow_each_other(tmp_path: Path) -> None:
    """The day after the first is the first of the second; a gap between them is no mistake either."""
    rows = table(
        "people",
        line("people", team="toasters", valid_from="2026-03-01"),
        line("people", team="boilers", valid_from="2025-01-01", valid_to="2025-06-01"),
        line("people", team="kettles", valid_from="2025-06-01", valid_to="2026-01-01"),
    )
    found = read(tmp_path, people=rows)
    assert found.rejected == []
    assert [row.team_id for row in found.all(RosterRow)] == ["boilers", "kettles", "toasters"]


def test_a_service_may_have_two_repositories_at_once(tmp_path: Path) -> None:
    rows = table(
        "services",
        line("services", repository="acme/kettle"),
        line("services", repository="acme/toaster"),
        line("services", label="kettle"),
    )
    found = read(tmp_path, services=rows)
    assert found.rejected == []
    assert len(found.all(ServiceRow)) == 3


def test_each_file_is_a_page_at_the_time_it_was_told(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        people=table("people", line("people")),
        calendar=table("calendar"),
        services=table("services", line("services")),
    )
    assert [page.scope for page in found.pages] == ["people", "calendar", "services"]
    assert {page.served_at_utc for page in found.pages} == {KNOWN_AT}
    assert found.pages[1].records == ()


def test_files_that_are_not_configured_are_not_missed(tmp_path: Path) -> None:
    nothing = OrganizationSource(
        people=None, calendar=None, services=None, reporting_timezone="UTC", known_at_utc=KNOWN_AT
    )
    assert list(nothing.pages()) == []
    assert nothing.server_time() == KNOWN_AT
    assert [page.scope for page in read(tmp_path, services=table("services")).pages] == ["services"]


def test_reading_costs_no_requests(tmp_path: Path) -> None:
    one = source(tmp_path, people=table("people", line("people")))
    list(one.pages())
    assert (one.usage.requests, one.usage.points) == (0, 0)
