"""Trend rows and the trend page: what is shown, what is withheld, and in which order."""

import csv
import io
import json
import re
from dataclasses import asdict, replace
from pathlib import Path

import duckdb
import pytest

from metrics_catalog.catalogue import Detail
from packets.catalogue import metrics
from packets.errors import PacketError
from packets.trend_page import trend_html, write_trend_page
from packets.trends import COLUMNS, TrendRow, trend_csv, trend_rows
from packets.words import delta_text, detail_texts, interval_text, value_text
from tests.packets.gold import assert_gold
from tests.packets.organisation import Organisation, small, utc

NUMBERS = (
    "n",
    "n_pending",
    "n_excluded",
    "numerator",
    "denominator",
    "exposure",
    "value",
    "ci_low",
    "ci_high",
    "delta",
)


def team_of_five(months: dict[str, int]) -> Organisation:
    """A team in which so many people have cases in each month: 17 of 23 where it can be shown."""
    made = Organisation(as_of=utc("2026-07-20 04:00"))
    made.complete("2026-01", "2026-06")
    for number in range(7):
        made.person(f"p{number}", team="blue")
    count = 0
    for month, people in months.items():
        for step in range(23):
            count += 1
            late = step >= 17
            made.request(
                f"p{step % people}",
                f"acme/api#{count}",
                utc(f"{month}-{step + 1:02d} 08:00"),
                hours=40.0 if late else 3.0,
                outcome="missed" if late else "met",
                why="answered",
            )
    return made


def test_gold_page(small_database: duckdb.DuckDBPyConnection) -> None:
    assert_gold("trends.html", trend_html(small_database))


def test_gold_table(small_database: duckdb.DuckDBPyConnection) -> None:
    assert_gold("trends.csv", trend_csv(trend_rows(small_database)))


def test_rows_come_by_kind_name_metric_and_month(year_database: duckdb.DuckDBPyConnection) -> None:
    rows = trend_rows(year_database)
    names = list(dict.fromkeys((row.subject_kind, row.subject_id) for row in rows))
    assert names == [
        *(("team", "payments"), ("team", "search")),
        *(("service", "checkout"), ("service", "ledger"), ("service", "wiki")),
    ]
    for name in names:
        for metric_id in {row.metric_id for row in rows}:
            months = [
                r.month for r in rows if (r.subject_kind, r.subject_id) == name and r.metric_id == metric_id
            ]
            assert months == sorted(months)
    assert len({row.month for row in rows}) == 12
    assert max(row.month for row in rows) == "2026-07"


def test_no_person_is_a_row(year_database: duckdb.DuckDBPyConnection) -> None:
    assert {row.subject_kind for row in trend_rows(year_database)} == {"team", "service"}
    assert "Lindqvist" not in trend_html(year_database)


def test_filters_and_their_errors(year_database: duckdb.DuckDBPyConnection) -> None:
    rows = trend_rows(year_database, team="payments", metric="rq_review_coverage", months=3)
    assert [(row.subject_id, row.month) for row in rows] == [
        ("payments", f"2026-0{month}") for month in (5, 6, 7)
    ]
    assert {row.subject_kind for row in trend_rows(year_database, service="wiki")} == {"service"}
    for arguments, nearest in (
        ({"team": "payment"}, "payments"),
        ({"metric": "rq_response"}, "rq_response_24h"),
    ):
        with pytest.raises(PacketError, match=f"Did you mean .*{nearest}"):
            trend_rows(year_database, **arguments)  # type: ignore[arg-type]
    with pytest.raises(PacketError, match="one month or more"):
        trend_rows(year_database, months=0)


def test_a_withheld_cell_has_no_number_anywhere() -> None:
    connection = team_of_five({"2026-03": 6, "2026-04": 4, "2026-05": 6, "2026-06": 6}).database()
    rows = {row.month: row for row in trend_rows(connection, metric="rq_response_24h")}
    hidden = rows["2026-04"]
    assert hidden.withheld == "withheld: fewer than 5 people"
    assert {getattr(hidden, name) for name in NUMBERS} == {None}
    assert hidden.status == "suppressed"
    text = trend_csv([hidden])
    (told,) = csv.DictReader(io.StringIO(text))
    assert {told[name] for name in NUMBERS} == {""}
    html = trend_html(connection)
    connection.close()
    table_row = re.findall(r'<tr><th scope="row">Apr 2026</th>.*?</tr>', html)[0]
    assert re.findall(r"\d+", re.sub(r"<th.*?</th>|colspan=\"4\"|fewer than 5 people", "", table_row)) == []
    assert "April 2026 " not in "".join(re.findall(r'aria-label="[^"]*by month[^"]*"', html))


def test_a_difference_to_a_withheld_month_is_withheld() -> None:
    connection = team_of_five({"2026-03": 6, "2026-04": 4, "2026-05": 6, "2026-06": 6}).database()
    ((stored,),) = connection.execute(
        """SELECT delta FROM trends.periods
           WHERE metric_id = 'rq_response_24h' AND subject_kind = 'team' AND period = '2026-05'"""
    ).fetchall()
    rows = {row.month: row for row in trend_rows(connection, metric="rq_response_24h")}
    assert stored is not None
    assert rows["2026-05"].delta is None
    assert rows["2026-05"].delta_reason == "previous_withheld"
    assert rows["2026-06"].delta == 0
    assert "month before is withheld" in trend_html(connection)
    connection.close()


def test_a_difference_to_a_withheld_month_outside_the_window_is_withheld_too() -> None:
    connection = team_of_five({"2026-05": 4, "2026-06": 6}).database()
    rows = trend_rows(connection, metric="rq_response_24h", months=2)
    assert [(row.month, row.delta) for row in rows] == [("2026-06", None)]
    connection.close()


def test_an_undisclosed_cell_without_a_reason_is_withheld() -> None:
    connection = small().database()
    connection.execute("UPDATE trends.periods SET disclosed = NULL WHERE subject_kind = 'service'")
    rows = trend_rows(connection, service="checkout")
    connection.close()
    assert {row.withheld for row in rows} == {"withheld"}
    assert {row.value for row in rows} == {None}


def test_months_that_are_not_final_are_hollow_and_so_far(year_database: duckdb.DuckDBPyConnection) -> None:
    rows = trend_rows(year_database, team="payments", metric="rq_response_24h")
    assert [row.month for row in rows if row.is_so_far] == ["2026-07"]
    html = trend_html(year_database)
    assert 'class="dot hollow"' in html
    assert "so far" in html


def test_a_chart_without_a_sentence_says_why() -> None:
    connection = team_of_five({"2026-03": 6, "2026-04": 4, "2026-05": 6, "2026-06": 6}).database()
    no_month = "Nothing is said of a trend: no final month of the last twelve has a case."
    withheld = "Nothing is said of a trend: some of the months it rests on are withheld."
    connection.execute("DELETE FROM trends.changes WHERE subject_kind = 'team'")
    assert no_month in trend_html(connection)
    connection.execute(
        """INSERT INTO trends.changes
               (metric_id, subject_kind, subject_id, method, outcome, sentence, disclosed)
           SELECT DISTINCT metric_id, 'team', subject_id, 'month_trend', 'steady', 'A verdict.', false
           FROM trends.periods WHERE metric_id = 'rq_response_24h' AND subject_kind = 'team'"""
    )
    html = trend_html(connection)
    assert withheld in html
    assert "A verdict." not in html
    connection.execute("UPDATE trends.changes SET disclosed = true")
    html = trend_html(connection)
    assert withheld not in html
    assert "A verdict." in html
    connection.execute("DELETE FROM trends.changes; UPDATE trends.periods SET state = 'provisional'")
    assert "Nothing is said of a trend yet: every month here can still change." in trend_html(connection)
    connection.close()


@pytest.mark.parametrize(
    ("unit", "statistic", "wanted"),
    [
        ("share of minutes", "minutes", ("99.931%", "complete record", "\N{MINUS SIGN}0.069 points")),
        ("hours", "sum", ("1 hours", "complete record", "\N{MINUS SIGN}0.00069 hours")),
        ("share", "share", ("100%", "too few for an interval", "0 points")),
    ],
)
def test_a_complete_record_has_no_interval_and_uptime_has_three_decimals(
    unit: str, statistic: str, wanted: tuple[str, str, str]
) -> None:
    assert value_text(0.99931, unit) == wanted[0]
    assert interval_text(None, None, unit, statistic=statistic) == wanted[1]
    assert delta_text(-0.00069, unit) == wanted[2]


def test_no_chart_is_empty() -> None:
    connection = team_of_five({"2026-04": 4, "2026-05": 3}).database()
    html = trend_html(connection)
    connection.close()
    assert "<svg" not in html
    assert "No chart: all 2 months are withheld." in html


def test_a_page_without_cells_says_so() -> None:
    made = Organisation(as_of=utc("2026-07-20 04:00"))
    made.person("ana")
    connection = made.database()
    html = trend_html(connection)
    assert trend_rows(connection) == []
    connection.close()
    assert "No team or service has a case in these months yet." in html


def test_a_service_that_no_file_lists_is_shown_by_its_name_at_the_source() -> None:
    connection = small().database()
    for table in ("periods", "changes"):
        connection.execute(
            f"UPDATE trends.{table} SET subject_id = 'pagerduty:service/PSHOP' WHERE subject_id = 'checkout'"
        )
    connection.execute("INSERT INTO core.source_services VALUES ('pagerduty:service/PSHOP', 'Anvil <shop>')")
    html = trend_html(connection)
    assert 'href="#service-1">Anvil &lt;shop&gt;</a>' in html
    assert (
        "No services file lists it (pagerduty:service/PSHOP), so its incidents are in no team's figures."
        in html
    )
    connection.execute("INSERT INTO core.source_services VALUES ('pagerduty:service/PTWIN', 'Anvil <shop>')")
    assert 'href="#service-1">Anvil &lt;shop&gt; (PSHOP)</a>' in trend_html(connection)
    connection.close()


def test_the_page_is_written(small_database: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    path = write_trend_page(small_database, tmp_path / "trends")
    assert path.name == "index.html"
    assert path.read_bytes().decode() == trend_html(small_database)


def test_columns_are_the_fields_of_a_row() -> None:
    assert tuple(TrendRow.__dataclass_fields__) == COLUMNS


def test_one_of_something_is_told_in_the_singular(small_database: duckdb.DuckDBPyConnection) -> None:
    metric = replace(
        metrics(small_database)[0],
        details={
            "n_rollbacks": asdict(Detail(words="rollbacks among them", words_of_one="rollback among them")),
            "n_light": asdict(Detail(words="light")),
        },
    )
    for figures, told in (
        ({"n_rollbacks": 1, "n_light": 1}, ["1 rollback among them", "1 light"]),
        ({"n_rollbacks": 2, "n_light": 0}, ["2 rollbacks among them", "0 light"]),
    ):
        assert detail_texts(metric, {"details": json.dumps(figures)}) == told
