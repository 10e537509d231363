"""The file of annotations: what is read of it, and what a bad row says of itself."""

from datetime import date
from pathlib import Path

import pytest

from connectors.organization.records import AnnotationRow
from tests.connectors.organization.writing import line, read_from, source, table


def test_every_cell_of_a_row(tmp_path: Path) -> None:
    rows = [
        line("annotations", last_day="2026-01-05", link="https://wiki.acme.example/x"),
        line("annotations", applies_to="team: payments", kind="Reorganization", title="Two teams, one"),
    ]
    rows[1] = rows[1].replace("Two teams, one", '"Two teams, one"')
    read = read_from(source(tmp_path, annotations=table("annotations", *rows)))
    assert (read.rejected, read.gaps) == ([], ())
    assert read.all(AnnotationRow) == [
        AnnotationRow(
            applies_to="*",
            first_day=date(2026, 1, 2),
            last_day=date(2026, 1, 5),
            kind="freeze",
            title="Stocktaking",
            link="https://wiki.acme.example/x",
        ),
        AnnotationRow(
            applies_to="team:payments",
            first_day=date(2026, 1, 2),
            last_day=None,
            kind="reorganisation",
            title="Two teams, one",
            link=None,
        ),
    ]


@pytest.mark.parametrize(
    ("cells", "field", "problem", "says"),
    [
        ({"first_day": ""}, "first_day", "missing_field", "last_day is left empty where it goes on"),
        ({"first_day": "02.01.2026"}, "first_day", "wrong_type", "a date such as 2026-03-02"),
        ({"last_day": "2026-01-01"}, "last_day", "wrong_type", "lies before first_day"),
        ({"kind": "holiday"}, "kind", "unknown_value", "freeze, migration, reorganisation, other"),
        ({"applies_to": "person:ana"}, "applies_to", "unknown_value", "never a person"),
        ({"applies_to": "team:"}, "applies_to", "unknown_value", "team:NAME"),
        ({"title": ""}, "title", "missing_field", "title is empty"),
        ({"title": "x" * 121}, "title", "wrong_type", "at most 120 characters"),
        ({"link": "javascript:alert(1)"}, "link", "wrong_type", "begin with https://"),
    ],
)
def test_a_bad_row_is_left_out_alone_and_says_why(
    tmp_path: Path, cells: dict[str, str], field: str, problem: str, says: str
) -> None:
    rows = [line("annotations", **cells), line("annotations", title="Good")]
    read = read_from(source(tmp_path, annotations=table("annotations", *rows)))
    assert [row.title for row in read.all(AnnotationRow)] == ["Good"]
    reject = read.only_reject
    assert (reject.stream, reject.ref) == ("annotations", "annotations.csv, line 2")
    assert (reject.field, reject.problem) == (field, problem)
    assert says in reject.message
    assert "ana" not in reject.message


def test_a_row_twice_is_one_and_a_wrong_header_is_a_gap(tmp_path: Path) -> None:
    twice = read_from(source(tmp_path, annotations=table("annotations", *[line("annotations")] * 2)))
    assert len(twice.all(AnnotationRow)) == 1
    assert (twice.only_reject.problem, twice.only_reject.is_lost) == ("repeated_row", False)
    wrong = read_from(source(tmp_path, annotations="from,to\n2026-01-01,2026-01-02\n"))
    assert wrong.pages == ()
    assert "first_day,last_day,kind,applies_to,title,link were wanted" in wrong.gaps[0].message
