"""Verdicts in packets and on the trend page: those of ``trends.changes``, and only where they belong."""

import re
from collections.abc import Iterator, Sequence
from datetime import date

import duckdb
import pytest

from metrics_catalog.catalogue import load_catalogue
from packets.packet import Packet, build_packet
from packets.trend_page import trend_html
from packets.write import packet_html
from tests.packets.organisation import METRICS, REPORTING_ZONE, Organisation, utc, year_of
from transforms.changes.build import build_changes
from transforms.changes.effects import FIRED
from transforms.changes.sentences import STEADY

VERDICTS = re.compile(r"\b(improving|worsening|better direction|less favourable direction)\b")
MONTHS = [f"2025-{month:02d}" for month in range(7, 13)] + [f"2026-{month:02d}" for month in range(1, 7)]


@pytest.fixture(scope="module")
def year_database() -> Iterator[duckdb.DuckDBPyConnection]:
    connection = year_of().database()
    yield connection
    connection.close()


def leaning(met: Sequence[int], *, as_of: str = "2026-07-20 04:00", cases: int = 10) -> Organisation:
    """One person: so many of ten requests answered in time, month by month, the others after 40 hours."""
    made = Organisation(as_of=utc(as_of))
    made.person("mara", name="Mara Manager", manager="")
    made.person("ana", name="Ana Example")
    made.complete("2025-07", "2026-06")
    number = 100
    for month, in_time in zip(MONTHS, met, strict=True):
        for step in range(cases):
            number += 1
            late = step >= in_time
            made.request(
                "ana",
                f"acme/api#{number}",
                utc(f"{month}-{step + 2:02d} 08:00"),
                hours=40.0 if late else 2.0 + step,
                outcome="missed" if late else "met",
                why="answered",
            )
    return made


def packet_of(made: Organisation, quarter: str = "2026-Q2") -> Packet:
    connection = made.database()
    try:
        return build_packet(connection, person_id="ana", quarter=quarter)
    finally:
        connection.close()


def text_of(html: str) -> str:
    return re.sub(r"<[^>]+>", " ", re.sub(r"<style>.*?</style>", " ", html, flags=re.DOTALL))


@pytest.mark.parametrize("met", [[9] * 12, [6] * 9 + [10] * 3, [10] * 9 + [5] * 3, [10] * 9 + [10, 10, 2]])
def test_a_packet_says_what_the_table_says(met: list[int]) -> None:
    connection = leaning(met).database()
    packet = build_packet(connection, person_id="ana", quarter="2026-Q2")
    rows = connection.execute(
        """SELECT metric_id, method, outcome, reason, sentence, details ->> 'low', details ->> 'high'
           FROM trends.changes WHERE subject_kind = 'person' ORDER BY metric_id, method"""
    ).fetchall()
    connection.close()
    table = {(metric_id, method): rest for metric_id, method, *rest in rows}
    for entry in packet.figures:
        assert entry.comparison is not None
        outcome, reason, sentence, _, _ = table[entry.metric_id, "quarter_comparison"]
        assert (entry.comparison.outcome, entry.comparison.reason) == (outcome, reason)
        assert sentence == f"{entry.title}: {entry.comparison.verdict}"
        outcome, _, sentence, _, _ = table[entry.metric_id, "month_trend"]
        assert entry.change.trend_outcome == outcome
        assert entry.change.sentences == ((sentence,) if sentence else ())
        low, high = table[entry.metric_id, "usual_range"][3:]
        assert entry.change.usual_low == (None if low is None else pytest.approx(float(low)))
        assert entry.change.usual_high == (None if high is None else pytest.approx(float(high)))


def test_a_clear_difference_and_a_fired_trend_are_told() -> None:
    packet = packet_of(leaning([10] * 9 + [5] * 3))
    share = next(entry for entry in packet.figures if entry.metric_id == "rq_response_24h")
    assert share.comparison is not None
    assert share.comparison.told == (
        "15 of 30 (50%) this quarter, 90 of 90 (100%) in the three quarters before; the difference is −50"
        " points (96% interval −68 to −32 points), in the less favourable direction. No single month decides"
        " this. The rows and the context below come before any reading of it."
    )
    assert share.change.sentences == (
        "Review requests answered within 24 hours moved in the less favourable direction over 12 months with"
        " data, from about 100% in the first 4 to about 50% in the last 4. No single month decides this. The"
        " rows and the context below come before any reading of it.",
    )
    text = text_of(packet_html(packet))
    assert share.comparison.told in text
    assert share.change.sentences[0] in text


def test_without_an_outcome_there_is_no_word_of_direction() -> None:
    packet = packet_of(leaning([9] * 12))
    assert not [entry for entry in packet.figures if entry.change.trend_outcome in FIRED]
    assert not VERDICTS.search(text_of(packet_html(packet)))


def test_below_the_rung_of_the_quarter_there_is_no_verdict() -> None:
    packet = packet_of(leaning([2] * 9 + [0] * 3, cases=3))
    assert packet.rungs["rq_response_24h"] == "twelve_months"
    for entry in packet.figures:
        assert entry.comparison is not None
        assert (entry.comparison.verdict, entry.comparison.outcome) == (None, None)
        assert (entry.change.trend_outcome, entry.change.sentences) == (None, ())
    assert "had enough to be tested" in text_of(packet_html(packet))


def test_a_running_quarter_has_counts_and_no_verdict() -> None:
    packet = packet_of(leaning([10] * 9 + [5] * 3, as_of="2026-06-28 04:00"))
    share = next(entry for entry in packet.figures if entry.metric_id == "rq_response_24h")
    assert share.comparison is not None
    assert share.comparison.outcome == "so_far"
    assert share.comparison.told.startswith("So far this quarter ")
    assert "interval" not in share.comparison.told
    assert not share.comparison.is_tested


def test_a_packet_of_an_earlier_quarter_knows_nothing_later() -> None:
    made = leaning([9] * 9 + [0] * 3)
    packet = packet_of(made, "2026-Q1")
    share = next(entry for entry in packet.figures if entry.metric_id == "rq_response_24h")
    assert share.comparison is not None
    assert share.comparison.reason == "no_clear_difference"
    assert share.comparison.verdict is not None
    assert "in the 6 months with data in the three quarters before" in share.comparison.verdict
    assert share.change.trend_outcome == "steady"


def test_a_month_away_enters_neither_verdict_nor_trend() -> None:
    made = leaning([9] * 9 + [9, 9, 0])
    away = leaning([9] * 9 + [9, 9, 0])
    away.holes["ana", date(2026, 6, 1)] = "absent"
    told = [
        next(entry for entry in packet_of(one).figures if entry.metric_id == "rq_response_24h")
        for one in (made, away)
    ]
    assert told[0].comparison is not None
    assert told[1].comparison is not None
    assert told[0].comparison.reason == "one_month_decides"
    assert told[1].comparison.reason == "no_clear_difference"
    assert told[1].comparison.told.startswith("18 of 20 (90%)")


def test_the_footer_says_how_many_were_tested(year_database: duckdb.DuckDBPyConnection) -> None:
    packet = build_packet(year_database, person_id="ana", quarter="2026-Q2")
    assert packet.by_chance == (
        "2 comparisons of quarters and 2 monthly series were tested; about 0.1 of them would show a direction"
        " by chance alone."
    )
    footer = packet_html(packet).rpartition("<footer>")[2]
    assert packet.by_chance in footer
    assert STEADY in footer


def test_the_trend_page_has_a_sentence_under_each_shown_series(
    year_database: duckdb.DuckDBPyConnection,
) -> None:
    html = trend_html(year_database)
    told = year_database.execute(
        """SELECT sentence FROM trends.changes
           WHERE subject_kind <> 'person' AND method = 'month_trend' AND disclosed ORDER BY sentence"""
    ).fetchall()
    assert told
    for (sentence,) in told:
        assert sentence in html
    assert 'class="band"' in html


def test_what_rests_on_a_withheld_cell_is_not_on_the_page() -> None:
    connection = year_of().database()
    connection.execute(
        """UPDATE trends.periods SET disclosed = false, withheld_reason = 'small_group'
           WHERE subject_kind = 'team' AND period = '2026-03'"""
    )
    connection.execute("DROP TABLE trends.changes")
    build_changes(
        connection,
        [load_catalogue()[name] for name in METRICS],
        as_of_utc=utc("2026-07-20 04:00"),
        reporting_timezone=REPORTING_ZONE,
    )
    hidden = connection.execute(
        """SELECT sentence FROM trends.changes
           WHERE subject_kind = 'team' AND sentence IS NOT NULL ORDER BY sentence"""
    ).fetchall()
    html = trend_html(connection)
    connection.close()
    assert len(hidden) >= 3
    assert not [sentence for (sentence,) in hidden if sentence in html]
