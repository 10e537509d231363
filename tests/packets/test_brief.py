"""The quarter in cases, at length and in brief, is true of the months it was made of.

What is printed is read back and held against the rows by plain counting, which shares nothing with it.
"""

import re
from dataclasses import dataclass
from random import Random
from statistics import median
from types import SimpleNamespace
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from packets.catalogue import Metric
from packets.cells import KEPT_OUT, MetricCells
from packets.quarters import Quarter
from packets.sentences import Comparison, comparison
from tests.drawn import examples
from transforms.ladder import CaseWords, LadderMonth, two_digits

QUARTER = Quarter(name="2026-Q2")
HOLES = (None, None, None, None, "absent", "not_in_role", "source_gap")
MINIMUM = 6
WORDS = CaseWords(
    case="requests answered", unit="hours", exposure="shifts of 12 h", pending="pending", open="not answered"
)


@dataclass(frozen=True, kw_only=True)
class Made:
    """Rows of some of the twelve months, in order, with what keeps each out of series."""

    statistic: str
    rows: tuple[LadderMonth, ...]
    holes: tuple[str | None, ...]
    state: str

    def told(self) -> Comparison | None:
        metric = SimpleNamespace(
            statistic=self.statistic, n_min_quarter=MINIMUM, unit="hours", words=WORDS, title="Answers"
        )
        cells = tuple(
            {
                "period": row.month,
                "hole": hole,
                "n": 1,
                "status": "ok",
                "withheld_reason": None,
                "disclosed": True,
            }
            for row, hole in zip(self.rows, self.holes, strict=True)
        )
        found = MetricCells(metric=cast(Metric, metric), months=cells, quarter=None, cases=())
        return comparison(found, self.rows, QUARTER, state=cast(Any, self.state))

    def sides(self) -> tuple[list[LadderMonth], list[LadderMonth]]:
        """The rows that count of the quarter and of the months before: no hole, and the segment of the
        quarter's newest month, be that a hole or not."""
        usable = [row for row, hole in zip(self.rows, self.holes, strict=True) if hole not in KEPT_OUT]
        of_quarter = [row for row in self.rows if row.month in QUARTER.months]
        segment = (of_quarter or self.rows)[-1].segment if self.rows else 0
        return (
            [row for row in usable if row.month in QUARTER.months and row.segment == segment],
            [row for row in usable if row.month not in QUARTER.months and row.segment == segment],
        )


def random_rows(seed: int) -> Made:
    chance = Random(seed)
    statistic = chance.choice(["share", "median", "rate"])
    rows, segment = [], 0
    for month in QUARTER.year[chance.choice([0, 0, 0, 5, 9, 10]) :]:
        if chance.random() < 0.15:
            continue
        segment += chance.random() < 0.06
        n = chance.choice([0, 0, 1, 2, 3, 9])
        k = chance.randint(0, n)
        amounts = [round(chance.uniform(0.1, 80), 1) for _ in range(n)]
        rows.append(
            LadderMonth(
                month=month,
                segment=segment,
                numerator=0 if statistic == "median" else k,
                denominator=n if statistic == "share" else 0,
                exposure=float(n) if statistic == "rate" else 0.0,
                closed=tuple(amounts[:k]) if statistic == "median" else (),
                open_so_far=tuple(amounts[k:]) if statistic == "median" else (),
            )
        )
    return Made(
        statistic=statistic,
        rows=tuple(rows),
        holes=tuple(chance.choice(HOLES) for _ in rows),
        state=chance.choice(["final", "final", "provisional", "partial"]),
    )


def size(rows: list[LadderMonth], statistic: str) -> float:
    return sum(
        {
            "share": row.denominator,
            "rate": row.exposure,
            "median": len(row.closed) + len(row.open_so_far),
        }[statistic]
        for row in rows
    )


def counted(rows: list[LadderMonth], statistic: str, *, in_brief: bool) -> str:
    """What one side reads like, by counting."""
    n = size(rows, statistic)
    if statistic == "share":
        return f"{sum(row.numerator for row in rows)} of {n:.0f}"
    if statistic == "rate":
        return f"{sum(row.numerator for row in rows)} in {two_digits(n)} shifts of 12 h"
    if n < MINIMUM:
        few, cases = "too few for a median", f"{n:.0f} {'case' if n == 1 else 'cases'}"
        return f"{cases}, {few}" if in_brief else f"{cases} ({few})"
    closed = sorted(amount for row in rows for amount in row.closed)
    so_far = [amount for row in rows for amount in row.open_so_far]
    upper = int(n) // 2
    is_open = upper >= len(closed)
    middle = median([*closed, *so_far]) if is_open else median([*closed, *(1e9 for _ in so_far)])
    value = f"at least {two_digits(middle)}" if is_open else two_digits(middle)
    return f"median {value} hours over {n:.0f}" + ("" if in_brief else r" \(.*\)")


@given(st.integers(0, 2**40))
@examples(300)
def test_what_is_said_of_a_quarter_in_cases_is_true_of_its_months(seed: int) -> None:
    made = random_rows(seed)
    told, (now, before) = made.told(), made.sides()
    n_now, n_before = size(now, made.statistic), size(before, made.statistic)
    if not n_now and not n_before:
        assert told is None
        return
    assert told is not None
    short_now = counted(now, made.statistic, in_brief=True) if n_now else "none"
    short_before = counted(before, made.statistic, in_brief=True) if n_before else "none"
    assert told.brief == f"{short_now}; before {short_before}"
    lead = "this quarter" if made.state == "final" else "so far this quarter"
    months = sum(size([row], made.statistic) > 0 for row in before)
    span = "in the three quarters before"
    if months < 9:
        with_data = "the one month with data" if months == 1 else f"the {months} months with data"
        span = f"in {with_data} in the three quarters before"
    those_before = [row for row in made.rows if row.month not in QUARTER.months]
    past = f"none {'that counts ' if size(those_before, made.statistic) else ''}in the three quarters before"
    if n_before:
        past = f"{_pattern(before, made.statistic)} {span}"
    current = _pattern(now, made.statistic) if n_now else "none"
    assert re.fullmatch(f"{current} {lead}; {past}\\.", told.sentence)
    assert told.before_months == months


def _pattern(rows: list[LadderMonth], statistic: str) -> str:
    text = counted(rows, statistic, in_brief=False)
    return re.escape(text.removesuffix(r" \(.*\)")) + (r" \(.*\)" if text.endswith(r" \(.*\)") else "")


def test_every_form_of_it_is_met() -> None:
    forms = set()
    for seed in range(400):
        told = random_rows(seed).told()
        if told is not None:
            forms |= {re.sub(r"[\d.]+", "0", side) for side in told.brief.split("; before ")}
    assert forms == {
        "none",
        "0 of 0",
        "0 in 0 shifts of 0 h",
        "0 case, too few for a median",
        "0 cases, too few for a median",
        "median 0 hours over 0",
        "median at least 0 hours over 0",
    }
