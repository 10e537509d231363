"""Files that are not as they should be: what is said, what is kept, what is counted.

Here: one bad thing at a time, between good rows.
Not here: good files (``test_files``).
"""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from connectors.contract import RejectedRecord
from connectors.organization.files import OrganizationSource
from connectors.organization.records import CalendarRow, RosterRow, ServiceRow
from tests.connectors.organization.writing import KNOWN_AT, line, read, read_from, source, table

ROW_LEFT_OUT = "This row was left out, the others kept."
EARLIER_KEPT = "This row was left out, the earlier one kept."
LAST_GOOD = "Nothing of it was written; the last good one stays in use."
REASON = "burnout"

# ------------------------------------------------------------------------------ rows


def _reject(file: str, number: int, field: str, problem: str, message: str, **changed: Any) -> RejectedRecord:
    fields: dict[str, Any] = {
        "stream": file,
        "scope": file,
        "ref": f"{file}.csv, line {number}",
        "field": field,
        "problem": problem,
        "message": message,
        "is_lost": True,
    }
    return RejectedRecord(**{**fields, **changed})


@pytest.mark.parametrize(
    ("cells", "field", "problem", "message"),
    [
        ({"person": ""}, "person", "missing_field", "person is empty"),
        ({"person": "  "}, "person", "missing_field", "person is empty"),
        (
            {"valid_from": "01.03.2026"},
            "valid_from",
            "wrong_type",
            "valid_from should be a date such as 2026-03-02",
        ),
        (
            {"valid_to": "2026-02-30"},
            "valid_to",
            "wrong_type",
            "valid_to should be a date such as 2026-03-02",
        ),
        (
            {"valid_from": "2026-03-02", "valid_to": "2026-03-01"},
            "valid_to",
            "wrong_type",
            "valid_to should be later than valid_from (it is the first day after)",
        ),
        (
            {"valid_from": "2026-03-02", "valid_to": "2026-03-02"},
            "valid_to",
            "wrong_type",
            "valid_to should be later than valid_from (it is the first day after)",
        ),
        (
            {"time_zone": "Middle/Earth"},
            "time_zone",
            "unknown_value",
            "time_zone should be an IANA name such as Europe/Berlin",
        ),
        (
            {"time_zone": "../../etc/passwd"},
            "time_zone",
            "unknown_value",
            "time_zone should be an IANA name such as Europe/Berlin",
        ),
        (
            {"time_zone": "Europe"},
            "time_zone",
            "unknown_value",
            "time_zone should be an IANA name such as Europe/Berlin",
        ),
        *(
            (
                {"working_days": days},
                "working_days",
                "wrong_type",
                "working_days should be digits 1 (Monday) to 7, such as 12345",
            )
            for days in ("Mo-Fr", "12348", "11234", "1 2 3", "0")
        ),
    ],
)
def test_a_bad_row_of_a_person(
    tmp_path: Path, cells: dict[str, str], field: str, problem: str, message: str
) -> None:
    rows = table("people", line("people", person="p2"), line("people", **cells), line("people", person="p3"))
    found = read(tmp_path, people=rows)
    assert found.only_reject == _reject("people", 3, field, problem, f"{message}. {ROW_LEFT_OUT}")
    assert [row.person_id for row in found.all(RosterRow)] == ["p2", "p3"]
    assert found.gaps == ()


@pytest.mark.parametrize("extra", [",one more", ",", ",x,y"])
def test_too_many_cells(tmp_path: Path, extra: str) -> None:
    rows = table("people", line("people") + extra, line("people", person="p2"))
    found = read(tmp_path, people=rows)
    message = f"15 cells were wanted, found more or fewer. {ROW_LEFT_OUT}"
    assert found.only_reject == _reject("people", 2, "row", "wrong_type", message)
    assert found.one(RosterRow).person_id == "p2"


def test_too_few_cells(tmp_path: Path) -> None:
    found = read(tmp_path, services=table("services", "kettle,1", line("services", service="toaster")))
    message = f"7 cells were wanted, found more or fewer. {ROW_LEFT_OUT}"
    assert found.only_reject == _reject("services", 2, "row", "wrong_type", message)
    assert found.one(ServiceRow).service_id == "toaster"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("2025-01-01", "2026-01-01"), ("2025-12-31", "2026-06-01")),
        (("2025-01-01", "2026-01-01"), ("2025-02-01", "2025-03-01")),
        (("2025-01-01", "2026-01-01"), ("2025-01-01", "2026-01-01")),
        (("2025-01-01", ""), ("2026-01-01", "")),
        (("", ""), ("2026-01-01", "")),
        (("", "2026-01-01"), ("", "2025-01-01")),
    ],
    ids=["by a day", "one inside the other", "twice the same", "open end", "always", "both since ever"],
)
def test_overlapping_rows_of_a_person(
    tmp_path: Path, first: tuple[str, str], second: tuple[str, str]
) -> None:
    rows = table(
        "people",
        line("people", team="boilers", valid_from=first[0], valid_to=first[1]),
        line("people", team="kettles", valid_from=second[0], valid_to=second[1]),
        line("people", person="p2"),
    )
    found = read(tmp_path, people=rows)
    message = f"rows of p1 must not overlap, but this one begins before line 2 ends. {EARLIER_KEPT}"
    assert found.only_reject == _reject("people", 3, "valid_from", "overlapping_rows", message)
    assert {(row.person_id, row.team_id) for row in found.all(RosterRow)} == {("p1", "boilers"), ("p2", None)}


def test_a_row_behind_an_overlapping_one_is_measured_against_the_one_that_was_kept(tmp_path: Path) -> None:
    """The second overlaps the first and goes; the third begins where the first ends and stays."""
    rows = table(
        "people",
        line("people", team="a", valid_from="2025-01-01", valid_to="2025-06-01"),
        line("people", team="b", valid_from="2025-05-01", valid_to="2025-12-01"),
        line("people", team="c", valid_from="2025-06-01"),
    )
    found = read(tmp_path, people=rows)
    assert [row.team_id for row in found.all(RosterRow)] == ["a", "c"]
    assert len(found.rejected) == 1


def test_a_row_that_overlaps_the_second_one(tmp_path: Path) -> None:
    """Each is measured against the one before it, not only against the first."""
    rows = table(
        "people",
        line("people", team="a", valid_from="2025-01-01", valid_to="2025-06-01"),
        line("people", team="b", valid_from="2025-06-01", valid_to="2025-12-01"),
        line("people", team="c", valid_from="2025-11-01"),
    )
    found = read(tmp_path, people=rows)
    assert [row.team_id for row in found.all(RosterRow)] == ["a", "b"]
    assert "begins before line 3 ends" in found.only_reject.message


def test_overlapping_rows_of_a_service(tmp_path: Path) -> None:
    rows = table(
        "services",
        line("services", repository="acme/kettle", valid_to="2026-01-01"),
        line("services", repository="acme/kettle", valid_from="2025-12-01", tier="2"),
        line("services", repository="acme/toaster"),
    )
    found = read(tmp_path, services=rows)
    message = (
        "rows of kettle (acme/kettle, None) must not overlap, but this one begins before line 2 ends. "
        + EARLIER_KEPT
    )
    assert found.only_reject == _reject("services", 3, "valid_from", "overlapping_rows", message)
    assert {(row.repository, row.tier) for row in found.all(ServiceRow)} == {
        ("acme/kettle", 1),
        ("acme/toaster", 1),
    }


def test_an_unknown_manager(tmp_path: Path) -> None:
    """The person is kept and counted; only their packet has nowhere to go."""
    rows = table("people", line("people", manager="p9"), line("people", person="p2", manager="p1"))
    found = read(tmp_path, people=rows)
    assert found.only_reject == _reject(
        "people",
        2,
        "manager",
        "unknown_manager",
        "the manager named for p1 is not a person of this file. "
        "The row was kept without a manager: their packet has no manager to go to.",
        ref="people.csv, person p1",
        is_lost=False,
    )
    assert {row.person_id: row.manager_id for row in found.all(RosterRow)} == {"p1": None, "p2": "p1"}


def test_a_manager_whose_row_was_left_out_is_unknown(tmp_path: Path) -> None:
    rows = table("people", line("people", manager="p2"), line("people", person="p2", working_days="x"))
    found = read(tmp_path, people=rows)
    assert [reject.problem for reject in found.rejected] == ["wrong_type", "unknown_manager"]
    assert found.one(RosterRow).manager_id is None


@pytest.mark.parametrize(
    ("cells", "field", "problem", "message"),
    [
        (
            {"kind": "illness"},
            "kind",
            "unknown_value",
            "kind should be holiday or absence, and never a reason",
        ),
        ({"kind": ""}, "kind", "missing_field", "kind is empty"),
        (
            {"applies_to": "p1"},
            "applies_to",
            "unknown_value",
            "applies_to should be person:ID, place:CODE or *",
        ),
        (
            {"applies_to": "team:boilers"},
            "applies_to",
            "unknown_value",
            "applies_to should be person:ID, place:CODE or *",
        ),
        ({"applies_to": ""}, "applies_to", "missing_field", "applies_to is empty"),
        ({"first_day": ""}, "first_day", "missing_field", "first_day and last_day are both needed"),
        ({"last_day": ""}, "first_day", "missing_field", "first_day and last_day are both needed"),
        (
            {"last_day": "soon"},
            "last_day",
            "wrong_type",
            "last_day should be a date such as 2026-03-02",
        ),
        ({"last_day": "2025-12-31"}, "last_day", "wrong_type", "last_day lies before first_day"),
    ],
)
def test_a_bad_row_of_the_calendar(
    tmp_path: Path, cells: dict[str, str], field: str, problem: str, message: str
) -> None:
    rows = table("calendar", line("calendar", **cells), line("calendar", applies_to="place:JP"))
    found = read(tmp_path, calendar=rows)
    assert found.only_reject == _reject("calendar", 2, field, problem, f"{message}. {ROW_LEFT_OUT}")
    assert found.one(CalendarRow).applies_to == "place:JP"


def test_a_row_that_is_there_twice(tmp_path: Path) -> None:
    """Nothing is lost with it; two that differ in their last day are two."""
    rows = table(
        "calendar",
        line("calendar", last_day="2026-01-02"),
        line("calendar", last_day="2026-01-02"),
        line("calendar", last_day="2026-01-06"),
    )
    found = read(tmp_path, calendar=rows)
    message = f"this row says the same as line 2. {EARLIER_KEPT}"
    assert found.only_reject == _reject("calendar", 3, "row", "repeated_row", message, is_lost=False)
    assert [row.last_day for row in found.all(CalendarRow)] == [date(2026, 1, 2), date(2026, 1, 6)]


@pytest.mark.parametrize(
    "row",
    [
        line("calendar", kind=REASON),
        line("calendar", kind=f"absence ({REASON})"),
        line("calendar", applies_to=f"person:p1 {REASON}", kind=f"absence: {REASON}"),
        line("calendar") + f",{REASON}",
        line("calendar", last_day=REASON),
    ],
)
def test_a_reason_is_never_kept(tmp_path: Path, row: str) -> None:
    """Neither as a record nor in the words about it."""
    found = read(tmp_path, calendar=table("calendar", row))
    assert len(found.rejected) == 1
    assert REASON not in repr(found)


def test_a_column_for_reasons_keeps_the_whole_file_out(tmp_path: Path) -> None:
    text = "\n".join([table("calendar").strip() + ",reason", line("calendar") + f",{REASON}"])
    found = read(tmp_path, calendar=text)
    assert found.pages == ()
    (gap,) = found.gaps
    assert "unknown: reason." in gap.message
    assert REASON not in gap.message


@pytest.mark.parametrize(
    ("cells", "field", "problem", "message"),
    [
        *(
            ({"tier": tier}, "tier", "unknown_value", "tier should be 1, 2, 3 or 4")
            for tier in ("0", "5", "one", "1.0")
        ),
        ({"tier": ""}, "tier", "missing_field", "tier is empty"),
        ({"service": ""}, "service", "missing_field", "service is empty"),
        (
            {"valid_from": "spring"},
            "valid_from",
            "wrong_type",
            "valid_from should be a date such as 2026-03-02",
        ),
    ],
)
def test_a_bad_row_of_a_service(
    tmp_path: Path, cells: dict[str, str], field: str, problem: str, message: str
) -> None:
    rows = table("services", line("services", service="toaster"), line("services", **cells))
    found = read(tmp_path, services=rows)
    assert found.only_reject == _reject("services", 3, field, problem, f"{message}. {ROW_LEFT_OUT}")
    assert found.one(ServiceRow).service_id == "toaster"


def test_every_bad_row_is_counted(tmp_path: Path) -> None:
    bad = [line("people", person="", name=str(number)) for number in range(40)]
    found = read(tmp_path, people=table("people", *bad, line("people", person="p1")))
    assert [reject.ref for reject in found.rejected] == [f"people.csv, line {n}" for n in range(2, 42)]
    assert found.one(RosterRow).person_id == "p1"


def test_the_line_of_a_row_is_the_line_of_the_file(tmp_path: Path) -> None:
    """After an empty line, and a name on two lines, which ends on the second of them."""
    two_lines = line("people", name='"Tilde\nMoss"', working_days="x")
    found = read(tmp_path, people=table("people", "", two_lines, line("people", person="")))
    assert [reject.ref for reject in found.rejected] == ["people.csv, line 4", "people.csv, line 5"]


def test_messages_about_rows_repeat_no_name_or_address(tmp_path: Path) -> None:
    rows = table(
        "people",
        line("people", name="Tilde Moss", email="tilde@acme.example", time_zone="tilde@acme.example"),
        line("people", name="Tilde Moss", email="tilde@acme.example", working_days="Tilde Moss"),
        line("people", name="Tilde Moss", email="tilde@acme.example", valid_from="tilde@acme.example"),
        line("people", name="Tilde Moss", email="tilde@acme.example") + ",Tilde Moss",
    )
    found = read(tmp_path, people=rows)
    assert len(found.rejected) == 4
    assert "Tilde" not in repr(found.rejected)
    assert "acme.example" not in repr(found.rejected)


# ------------------------------------------------------------------------------ files


PEOPLE_WANTED = (
    "the columns person,name,email,team,manager,role,level,time_zone,working_days,place,valid_from,valid_to,"
    "github,pagerduty,jira were wanted"
)
SERVICES_WANTED = "the columns service,tier,team,repository,label,valid_from,valid_to were wanted"


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("service,tier,team,repository,label,valid_from", "missing: valid_to"),
        ("service,tier,team,repository,label,valid_from,valid_to,owner", "unknown: owner"),
        (
            "Service,tier,team,repo,label,valid_from,valid_to",
            "missing: service, repository; unknown: repo, 1 that are no column names",
        ),
        ("service,tier,tier,team,repository,label,valid_from,valid_to", "more than once: tier"),
        (
            "service;tier;team",
            "missing: service, tier, team, repository, label, valid_from, valid_to; "
            "unknown: 1 that are no column names",
        ),
    ],
)
def test_a_header_that_is_none(tmp_path: Path, header: str, said: str) -> None:
    found = read(tmp_path, services=f"{header}\n{line('services')}\n")
    assert found.pages == ()
    assert [(gap.scope, gap.message) for gap in found.gaps] == [
        ("services", f"{tmp_path}/services.csv: {SERVICES_WANTED}; {said}. {LAST_GOOD}")
    ]


def test_an_empty_file(tmp_path: Path) -> None:
    """Emptied by mistake is not an organisation without people."""
    found = read(tmp_path, people="")
    assert found.pages == ()
    (gap,) = found.gaps
    assert gap.message.startswith(f"{tmp_path}/people.csv: {PEOPLE_WANTED}; missing: person, name,")
    assert gap.message.endswith(f"jira. {LAST_GOOD}")


def test_a_file_without_a_header_repeats_nobody(tmp_path: Path) -> None:
    """The first person stands where the names of the columns should."""
    found = read(tmp_path, people=line("people") + "\n")
    (gap,) = found.gaps
    assert "that are no column names" in gap.message
    assert "Tilde" not in gap.message
    assert "acme.example" not in gap.message


def test_a_file_that_is_not_utf_8(tmp_path: Path) -> None:
    found = read(tmp_path, people=table("people", line("people", name="Jörg")).encode("latin-1"))
    assert [(gap.scope, gap.message) for gap in found.gaps] == [
        (
            "people",
            f"{tmp_path}/people.csv is not a CSV file in UTF-8 ('utf-8' codec can't decode byte 0xf6 in "
            f"position {len(table('people')) + 4}: invalid start byte). {LAST_GOOD}",
        )
    ]
    assert found.pages == ()


def test_a_quote_that_is_not_closed(tmp_path: Path) -> None:
    """It would swallow the rest of the file into one cell."""
    found = read(tmp_path, people=table("people", line("people", name='"Tilde'), line("people", person="p2")))
    assert [gap.message for gap in found.gaps] == [
        f"{tmp_path}/people.csv is not a CSV file in UTF-8 (unexpected end of data). {LAST_GOOD}"
    ]


def test_a_missing_file(tmp_path: Path) -> None:
    nowhere = OrganizationSource(
        people=tmp_path / "people.csv",
        calendar=None,
        services=None,
        reporting_timezone="UTC",
        known_at_utc=KNOWN_AT,
    )
    found = read_from(nowhere)
    assert [(gap.scope, gap.message) for gap in found.gaps] == [
        (
            "people",
            f"{tmp_path}/people.csv cannot be read (No such file or directory). "
            f"evenhand.toml names it. {LAST_GOOD}",
        )
    ]
    assert found.pages == ()


def test_a_folder_in_the_place_of_a_file(tmp_path: Path) -> None:
    one = source(tmp_path, services=table("services", line("services")))
    one.calendar = tmp_path
    assert [gap.message for gap in read_from(one).gaps] == [
        f"{tmp_path} cannot be read (Is a directory). evenhand.toml names it. {LAST_GOOD}"
    ]


@pytest.mark.parametrize("bad", ["people", "calendar", "services"])
def test_a_file_that_cannot_be_read_does_not_keep_the_others_out(tmp_path: Path, bad: str) -> None:
    contents = {file: table(file, line(file)) for file in ("people", "calendar", "services")}
    found = read(tmp_path, **{**contents, bad: "nothing\n"})
    assert [gap.scope for gap in found.gaps] == [bad]
    assert [page.scope for page in found.pages] == [file for file in contents if file != bad]
    assert all(len(page.records) == 1 for page in found.pages)
