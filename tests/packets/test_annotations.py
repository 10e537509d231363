"""Annotations beside figures: whose they are, where charts mark them, and that they change no figure."""

import re
from datetime import date
from typing import Any

import pytest

from packets.annotations import Annotation, chart_notes, marked_sentence
from packets.packet import Packet
from packets.trend_page import trend_html
from packets.write import packet_html
from tests.packets.organisation import Organisation, small, utc, year_of
from tests.packets.test_packet import packet_of, text_of

MONTHS = ["2026-01", "2026-02", "2026-03"]


def noted(made: Organisation, title: str, first: str, last: str | None, **more: Any) -> None:
    row = {"kind": "freeze", "about_kind": "organization", "about_id": None, "link": None}
    days = {"first_day": date.fromisoformat(first), "last_day": date.fromisoformat(last) if last else None}
    made.rows["core.annotations"].append({**row, **days, "title": title, **more})


def titles(packet: Packet) -> list[str]:
    return [one.title for one in packet.annotations]


def test_a_packet_has_those_of_everybody_of_the_own_team_then_and_of_services_touched() -> None:
    """Twelve months, both days included, of the team on one of its days, nothing that lies ahead."""
    made = small()
    made.moved("ana", utc("2026-04-30 22:00"), team="search")
    for title, first, last in (
        *(("first day", "2025-06-01", "2025-07-01"), ("the day before", "2025-06-01", "2025-06-30")),
        *(("last day", "2026-06-30", None), ("after the quarter", "2026-07-01", None)),
    ):
        noted(made, title, first, last)
    for title, about in (
        ("old team, last day", {"about_id": "core", "first": "2026-04-30", "last": "2026-05-09"}),
        ("old team, too late", {"about_id": "core", "first": "2026-05-01", "last": "2026-05-09"}),
        ("new team, first day", {"about_id": "search", "first": "2026-04-02", "last": "2026-05-01"}),
        ("new team, too early", {"about_id": "search", "first": "2026-04-02", "last": "2026-04-30"}),
        ("other team", {"about_id": "blue", "first": "2026-04-02", "last": "2026-04-30"}),
    ):
        first, last = about.pop("first"), about.pop("last")
        noted(made, title, first, last, about_kind="team", **about)
    made.pull_request("acme/api#901", title="A", created=utc("2026-05-01 08:00"), author="ana")
    made.rows["core.pull_requests"][-1] |= {
        "merged_at_utc": utc("2026-05-02 08:00"),
        "service_ids": ["checkout"],
    }
    for service in ("checkout", "wiki"):
        noted(made, service, "2026-03-01", "2026-03-02", about_kind="service", about_id=service)
    assert titles(packet_of(made)) == [
        *("first day", "checkout", "new team, first day", "old team, last day", "last day"),
    ]


def test_it_stands_on_page_one_beside_the_figures_and_on_their_charts_and_changes_none() -> None:
    plain, made = year_of(), year_of()
    noted(made, "Stock <taking>", "2025-12-18", "2026-01-05", link="https://wiki.example.test/x")
    noted(made, "Move", "2026-05-09", None, kind="migration", about_kind="team", about_id="payments")
    packet = packet_of(made)
    page, text = packet_html(packet), text_of(packet_html(packet))
    assert "Migration, team payments: Move (since 9 May 2026)." in packet.outside
    assert not any("Stock" in sentence for sentence in packet.outside)
    listed = "Freeze: Stock &lt;taking&gt; (18 December 2025 to 5 January 2026)"
    assert f'(a) <a href="https://wiki.example.test/x" rel="noreferrer">{listed}</a>.' in page
    assert "In these months: (a) Stock &lt;taking&gt; and (b) Move." in text
    assert page.count('class="note"') == 2 * page.count("<figure>") > 0
    assert "Stock <taking>" not in page
    assert packet.figures == packet_of(plain).figures


def test_the_trend_page_has_those_of_the_subject_and_a_teams_services() -> None:
    made = year_of()
    noted(made, "All", "2026-01-02", "2026-01-03")
    noted(made, "Checkout moves", "2026-02-02", "2026-02-03", about_kind="service", about_id="checkout")
    noted(made, "Others", "2026-02-02", "2026-02-03", about_kind="team", about_id="nobody")
    noted(made, "Ahead", "2026-07-21", None)
    noted(made, "Long ago", "2024-07-21", "2024-08-01")
    connection = made.database()
    page = trend_html(connection)
    connection.close()
    text = " ".join(text_of(page).split())
    assert "(a) Freeze: All (2 January 2026 to 3 January 2026)." in text
    assert "(b) Freeze, service checkout: Checkout moves (2 February 2026 to 3 February 2026)." in text
    assert not re.search("Others|Ahead|Long ago", text)


@pytest.mark.parametrize(
    ("first", "last", "begins", "ends"),
    [
        ("2026-01-01", "2026-01-31", 0.0, 1.0),
        ("2026-02-15", "2026-02-28", 1.5, 2.0),
        ("2025-11-05", "2026-01-31", 0.0, 1.0),
        ("2026-03-31", "2026-05-01", 2 + 30 / 31, 3.0),
        ("2026-03-01", None, 2.0, 3.0),
    ],
)
def test_a_chart_marks_the_days_it_took_and_no_others(
    first: str, last: str | None, begins: float, ends: float
) -> None:
    (note,) = chart_notes([_annotation(first, last)], MONTHS)
    assert (note.begins, note.ends) == pytest.approx((begins, ends))
    assert marked_sentence([_annotation(first, last)], MONTHS) == "In these months: (a) It."


@pytest.mark.parametrize(("first", "last"), [("2025-12-01", "2025-12-31"), ("2026-04-01", None)])
def test_a_chart_marks_nothing_outside_its_months(first: str, last: str | None) -> None:
    assert chart_notes([_annotation(first, last)], MONTHS) == ()
    assert not marked_sentence([_annotation(first, last)], MONTHS)
    assert chart_notes([_annotation("2026-01-01", None)], []) == ()


def _annotation(first: str, last: str | None) -> Annotation:
    return Annotation(
        letter="a",
        kind="freeze",
        title="It",
        days="",
        about="",
        link=None,
        first_day=date.fromisoformat(first),
        last_day=date.fromisoformat(last) if last else None,
    )
