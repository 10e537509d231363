"""What a packet says of accounts that nobody claims."""

import re
from datetime import date
from random import Random
from typing import cast

import polars as pl
import pytest

from packets.coverage import coverage_of, coverage_of_months
from packets.packet import build_packet
from packets.quarters import parse_quarter
from packets.write import packet_html
from tests.packets.organisation import small
from transforms.queries import create
from warehouse.connection import connect

QUARTER = parse_quarter("2026-Q2")


def month(day: str, cases: int, claimed: int, source: str = "github") -> dict[str, object]:
    return {
        "source": source,
        "month_start": date.fromisoformat(day),
        "cases": cases,
        "claimed": claimed,
        "contested": 0,
        "unclaimed": cases - claimed,
        "deleted": 0,
    }


@pytest.mark.parametrize(
    ("rows", "sentence", "caveat"),
    [
        (
            [month("2026-05-01", 20, 19), month("2025-08-01", 980, 979)],
            "GitHub: 99% of the 1,000 cases of the twelve months, and 95% of the quarter's 20, "
            "have an account that somebody in the roster claims.",
            "",
        ),
        (
            [month("2026-05-01", 200, 189), month("2025-08-01", 9800, 9800)],
            "GitHub: 99% of the 10,000 cases of the twelve months, and 94% of the quarter's 200, "
            "have an account that somebody in the roster claims.",
            "Only 94% of GitHub's cases have an account that somebody claims, so this may miss cases.",
        ),
        (
            [month("2025-08-01", 1000, 949), month("2024-01-01", 5, 0)],
            "GitHub: 94% of the 1,000 cases of the twelve months have an account that somebody in the roster "
            "claims.",
            "Only 94% of GitHub's cases have an account that somebody claims, so this may miss cases.",
        ),
    ],
)
def test_below_95_of_100_cases_in_the_quarter_or_its_year_is_said(
    rows: list[dict[str, object]], sentence: str, caveat: str
) -> None:
    made = small()
    made.rows["ops.identity_coverage"] += rows
    with made.database() as connection:
        found = coverage_of(connection, QUARTER)
    assert found.sentences == (sentence,)
    assert found.caveat(("github reactions", "survey")) == caveat
    assert found.caveat(("pagerduty", "incidents")) == ""


def test_figures_of_the_source_say_so_and_the_provenance_says_it_for_all() -> None:
    made = small()
    made.rows["ops.identity_coverage"] += [
        month("2026-05-01", 100, 90),
        month("2026-05-01", 100, 100, "pagerduty"),
    ]
    with made.database() as connection:
        packet = build_packet(connection, person_id="ana", quarter="2026-Q2")
    said = "Only 90% of GitHub's cases have an account that somebody claims, so this may miss cases."
    of_github = [one for one in packet.figures if one.metric_id.startswith("rq_")]
    assert of_github
    assert {one.coverage for one in of_github} == {said}
    assert len(packet.provenance.identities) == 2
    html = packet_html(packet).replace("&#39;", "'")
    with_each_figure = html.count(f'<span class="screen">{said}')
    assert with_each_figure == len([one for one in packet.figures if one.coverage]) == len(of_github)
    assert html.count(f'<p class="quiet paper">{said}') == 1, "once for all of them on paper"
    assert packet.provenance.identities[1] in html


def test_without_a_case_nothing_is_said() -> None:
    with small().database() as connection:
        assert coverage_of(connection, QUARTER).sentences == ()


def test_the_trend_page_names_a_source_exactly_where_too_few_cases_have_a_person() -> None:
    """Months outside the page say nothing; a share just below 95% does not read as 95%."""
    random, pages = Random(4), [f"2026-0{number}" for number in range(3, 7)]
    with connect() as connection:
        connection.execute("CREATE SCHEMA ops")
        create(connection, "ops.identity_coverage")
        for _ in range(60):
            rows = []
            for number in range(1, 7):
                cases = random.choice((0, 1, 20, 400))
                rows.append(month(f"2026-0{number}-01", cases, random.randint(cases * 9 // 10, cases)))
            connection.execute("DELETE FROM ops.identity_coverage")
            connection.register("incoming", pl.DataFrame(rows))
            connection.execute("INSERT INTO ops.identity_coverage BY NAME SELECT * FROM incoming")
            connection.unregister("incoming")
            told = coverage_of_months(connection, pages)
            cases, claimed = (sum(cast(int, row[name]) for row in rows[2:]) for name in ("cases", "claimed"))
            if 100 * claimed >= 95 * cases:
                assert told == ()
                continue
            (sentence,) = told
            found = re.match(r"GitHub: only (\d+)% of the ([\d,]+) (cases?) of these months", sentence)
            assert found is not None
            assert int(found[1]) <= 100 * claimed / cases < int(found[1]) + 1
            assert int(found[1]) < 95
            assert int(found[2].replace(",", "")) == cases
            assert (found[3] == "case") == (cases == 1)
