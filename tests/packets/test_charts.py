"""Charts: gaps stay gaps, hollow is hollow, and nothing is drawn from nothing."""

import re

from packets.charts import ChartMonth, month_chart
from tests.packets.gold import assert_gold

MONTHS = [
    ChartMonth(month="2025-12", n=9, value=0.5, ci_low=0.2, ci_high=0.8, joins=False),
    ChartMonth(month="2026-01", n=8, value=0.75, ci_low=0.4, ci_high=0.93),
    ChartMonth(month="2026-02", n=10, value=0.8, ci_low=0.49, ci_high=0.94),
    ChartMonth(month="2026-03", n=2),
    ChartMonth(month="2026-04", n=12, value=1.0, ci_low=0.76, ci_high=1.0),
    ChartMonth(month="2026-05", n=11, value=0.9, ci_low=0.6, ci_high=0.98, is_hollow=True),
]


def test_gold() -> None:
    assert_gold("chart.svg", str(month_chart(MONTHS, title="Answered <in time>", unit="share")))


def test_a_gap_and_a_hollow_month_break_the_path() -> None:
    chart = str(month_chart(MONTHS, title="t", unit="share"))
    assert len(re.findall("<polyline", chart)) == 1
    assert len(re.findall("<circle", chart)) == 5
    assert chart.count("dot hollow") == 1
    assert chart.count("dot muted") == 1


def test_every_chart_is_told_in_words() -> None:
    chart = str(month_chart(MONTHS, title="Answered", unit="share"))
    assert 'role="img" aria-label="Answered, by month: December 2025 50%; ' in chart
    assert "May 2026 90% so far." in chart
    assert "March 2026" not in chart


def test_fewer_than_two_values_are_no_chart() -> None:
    assert month_chart(MONTHS[3:5], title="t", unit="share") is None
    assert month_chart([], title="t", unit="hours") is None


def test_an_open_interval_runs_to_the_top_and_is_dashed() -> None:
    months = [
        ChartMonth(month="2026-01", n=8, value=3.0, ci_low=1.0, ci_high=None),
        ChartMonth(month="2026-02", n=8, value=17.0, ci_low=2.0, ci_high=38.0),
    ]
    chart = str(month_chart(months, title="t", unit="hours"))
    assert chart.count("whisker open") == 1
    assert ">40 h<" in chart


def test_a_share_always_has_the_axis_from_0_to_100() -> None:
    low = [ChartMonth(month=f"2026-0{number}", n=9, value=0.01 * number) for number in (1, 2)]
    chart = str(month_chart(low, title="t", unit="share"))
    assert [text for text in re.findall(r'text-anchor="end">([^<]+)<', chart) if text != "n"] == [
        "0%",
        "50%",
        "100%",
    ]
