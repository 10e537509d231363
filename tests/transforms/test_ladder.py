"""The ladder against its worked examples, and what they leave open."""

import json
from pathlib import Path
from typing import Any

import pytest

from transforms.ladder import (
    CaseWords,
    LadderMonth,
    informative_share,
    months_of,
    standing,
    two_digits,
    year_to,
)

WORDS = CaseWords(case="pages answered within target", misses={"late": "answered late"}, pending="still open")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """The worked examples of the folder that the option names."""
    path = Path(metafunc.config.getoption("--golden-dir")) / "method_ladder.json"
    cases = json.loads(path.read_text("utf-8"))["cases"] if path.exists() else {}
    for kind, fixture in (("ladder", "case"), ("informative_share", "packet_case")):
        if fixture in metafunc.fixturenames:
            known = cases.get(kind, [])
            metafunc.parametrize(fixture, known, ids=[str(one["id"]) for one in known])


def ladder_months(rows: list[dict[str, Any]]) -> list[LadderMonth]:
    """Rows of the worked examples; lists as tuples."""
    months = []
    for row in rows:
        given: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value
            for key, value in row.items()
            if key != "status"  # what keeps a month out of a series leaves its cases as they are
        }
        months.append(LadderMonth(**given))
    return months


def test_worked_example(case: dict[str, Any]) -> None:
    found = standing(
        ladder_months(case["months"]),
        statistic=case["unit"],
        quarter=case["quarter"],
        n_min=case["n_min"],
        words=CaseWords(**case["words"]),
        withheld=case.get("withheld", False),
    )
    expected = case["expected"]
    assert (found.rung, found.sentence) == (expected["rung"], expected["sentence"])
    numbers = {
        "n_quarter": found.n_quarter,
        "n_twelve": found.n_twelve,
        "n_pending": found.n_pending,
        "value": found.estimate.value,
        "ci_low": found.estimate.ci_low,
        "ci_high": found.estimate.ci_high,
    }
    for name, number in numbers.items():
        wanted = expected.get(name, number)
        assert number == (None if wanted is None else pytest.approx(wanted, abs=1e-6)), name


def test_informative_share(packet_case: dict[str, Any]) -> None:
    found = informative_share(packet_case["rungs"])
    expected = packet_case["expected"]
    assert {name: getattr(found, name) for name in expected} == expected


def test_a_rung_needs_the_metrics_own_conditions() -> None:
    months = [LadderMonth(month="2026-05", numerator=12, denominator=12)]
    found = standing(
        months,
        statistic="share",
        quarter="2026-Q2",
        n_min=10,
        words=WORDS,
        quarter_meets_conditions=False,
    )
    assert found.rung == "twelve_months"
    assert found.sentence == (
        "This quarter: 12 of 12 pages answered within target (100%, 95% interval 76% to 100%)."
    )


def test_a_quarter_without_cases_says_none() -> None:
    months = [LadderMonth(month="2025-11", numerator=9, denominator=10, misses={"late": 1})]
    found = standing(months, statistic="share", quarter="2026-Q2", n_min=10, words=WORDS)
    assert found.sentence is not None
    assert found.sentence.endswith("; this quarter none.")


def test_an_open_middle_is_said_as_at_least() -> None:
    months = [LadderMonth(month="2025-11", closed=(1.0, 2.0), open_so_far=(30.0, 40.0))]
    words = CaseWords(case="pages answered", unit="minutes", open="not answered")
    found = standing(months, statistic="median", quarter="2026-Q2", n_min=4, words=words)
    assert found.sentence == (
        "In the last 12 months: median at least 16 minutes over 4 pages answered; this quarter none."
    )


def test_a_segment_older_than_the_year_is_not_a_beginning() -> None:
    months = [
        LadderMonth(month="2024-11", numerator=1, denominator=1, segment=0),
        LadderMonth(month="2025-02", numerator=1, denominator=1, segment=1),
        LadderMonth(month="2025-09", numerator=1, denominator=1, segment=1),
    ]
    found = standing(months, statistic="share", quarter="2026-Q2", n_min=10, words=WORDS)
    assert found.sentence == "In the last 12 months: 1 of 1 pages answered within target."


def test_kinds_of_misses_come_in_the_order_of_the_words() -> None:
    words = CaseWords(case="answered", misses={"b": "bees", "a": "ants"}, pending="open")
    months = [LadderMonth(month="2026-05", numerator=0, denominator=5, misses={"a": 2, "b": 3}, n_pending=1)]
    found = standing(months, statistic="share", quarter="2026-Q2", n_min=10, words=words)
    assert found.sentence == "This quarter: 0 of 5 answered; 3 bees; 2 ants; 1 open."


def test_months_of_quarters_and_years() -> None:
    assert months_of("2026-Q1") == ("2026-01", "2026-02", "2026-03")
    assert year_to("2026-Q1")[0] == "2025-04"
    assert year_to("2026-Q4")[0] == "2026-01"


@pytest.mark.parametrize(
    ("amount", "text"),
    [(0.0, "0"), (11.2, "11"), (2.04, "2"), (123.4, "120"), (9.96, "10"), (0.0345, "0.035"), (3.5, "3.5")],
)
def test_two_significant_digits(amount: float, text: str) -> None:
    assert two_digits(amount) == text
