"""Every worked example of the shared methods, through the code and SQL that every night runs.

Here: months, the working-day clock, intervals, month over month, the group rule, comment labels; and that no
file is of a method that nothing tries. Not here: the methods of ``ELSEWHERE``.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from metrics_catalog.catalogue import load_catalogue
from tests.golden import test_change_methods as change_methods
from tests.golden.test_metrics import assert_same
from tests.golden.worked_example import conformed_rows, instant
from tests.transforms.world import build_core_of
from transforms.disclosure.decide import decide_disclosure
from transforms.facts import create_cases
from transforms.intervals import median_interval, poisson_rate, wilson
from transforms.local_time import next_month, periods_between, set_reporting_zone
from transforms.periods.build import Limits, build_periods
from transforms.periods.month_over_month import with_differences
from transforms.queries import create
from warehouse.connection import connect

Case = Mapping[str, Any]
HOLES = ("absent", "not_in_role", "source_gap")
"""What a series calls a status and a cell calls a hole."""
GROUP_WORDS = {
    None: "shown",
    "no_activity": "no_activity",
    "small_group": "suppressed_small_group",
    "dominance": "suppressed_dominance",
    "complement": "suppressed_complementary",
}


def check_attribution(case: Case, _: float) -> None:
    with connect() as connection:
        set_reporting_zone(connection, case["reporting_tz"])
        ((month,),) = connection.execute(
            "SELECT reporting_month($at)", {"at": instant(case["occurred_at"])}
        ).fetchall()
    assert f"{month:%Y-%m}" == case["expected"]


def check_length(case: Case, _: float) -> None:
    first = date.fromisoformat(f"{case['month']}-01")
    month = next(
        period for period in periods_between(first, first, case["reporting_tz"]) if period.grain == "month"
    )
    assert month.name == case["month"]
    assert (month.end_utc - month.start_utc) == timedelta(minutes=case["expected_minutes"])


def check_working_day_clock(case: Case, tolerance: float) -> None:
    """Someone is asked at the start and answers at the end: the time core says they took."""
    start, end = (datetime.fromisoformat(case[name]).astimezone(UTC).isoformat() for name in ("start", "end"))
    who = case["person"]["person_id"]
    rows = conformed_rows(
        {
            "people": [case["person"]],
            "calendar": case["calendar"],
            "pull_requests": [{"pr_id": "pr", "author_id": "someone", "created_at": start}],
            "pr_events": [
                {"pr_id": "pr", "type": "review_requested", "occurred_at": start, "reviewer_id": who}
            ],
            "reviews": [
                {
                    "review_id": "r",
                    "pr_id": "pr",
                    "reviewer_id": who,
                    "state": "COMMENTED",
                    "submitted_at": end,
                }
            ],
        },
        "UTC",
    )
    with connect() as connection:
        build_core_of(connection, rows, as_of=datetime.fromisoformat(end) + timedelta(days=30))
        ((waited_us,),) = connection.execute("SELECT waited_us FROM core.review_requests").fetchall()
    assert_same(case["expected"]["hours"], waited_us / 3_600_000_000, tolerance, "hours")


def check_wilson(case: Case, tolerance: float) -> None:
    """The function for one share, and the cell of that many cases."""
    low, high = wilson(case["k"], case["n"])
    outcomes = ["met"] * case["k"] + ["missed"] * (case["n"] - case["k"])
    cell = cell_of("rq_response_24h", [(outcome, "answered", 1.0) for outcome in outcomes])
    for name, one in (("low", low), ("high", high)):
        assert_same(case["expected"][name], one, tolerance, f"function, {name}")
        assert_same(case["expected"][name], cell[f"ci_{name}"], tolerance, f"cell, {name}")


def check_poisson_rate(case: Case, tolerance: float) -> None:
    found = poisson_rate(case["count"], case["exposure"])
    for name, number in zip(("value", "low", "high"), found, strict=True):
        assert_same(case["expected"][name], number, tolerance, name)


def check_median(case: Case, tolerance: float) -> None:
    """The function for one median, and the cell of these cases."""
    one = median_interval(case["closed"], case["open_so_far"])
    cases = [("met", "answered", amount) for amount in case["closed"]]
    cases += [("missed", "unanswered", amount) for amount in case["open_so_far"]]
    cell = cell_of("rq_first_response_time", cases)
    cell |= json.loads(cell["details"] or "{}")
    for name, wanted in case["expected"].items():
        assert_same(wanted, getattr(one, name), tolerance, f"function, {name}")
        assert_same(wanted, cell.get(name), tolerance, f"cell, {name}")


def check_month_over_month(case: Case, tolerance: float) -> None:
    rows = [
        {
            "metric_id": "m",
            "subject_kind": "person",
            "subject_id": "a",
            "grain": "month",
            "period_start": date.fromisoformat(f"{month['month']}-01"),
            "value": None if month["value"] is None else float(month["value"]),
            # A month kept out of series is not a status of a cell but the reason it is a hole.
            "status": "ok" if month["status"] in HOLES else month["status"],
            "hole": month["status"] if month["status"] in HOLES else None,
            "state": month["state"],
            "segment": month["segment"],
        }
        for month in case["series"]
    ]
    expected = case["expected"]
    asked = date.fromisoformat(f"{case['month']}-01")
    if not any(row["period_start"] == asked for row in rows):  # a hole may simply not be there
        told = {"value": None, "status": "no_activity", "hole": None, "state": "final", "segment": 0}
        names = {"metric_id": "m", "subject_kind": "person", "subject_id": "a", "grain": "month"}
        rows.append({**names, "period_start": asked, **told})
    schema = {"hole": pl.String, "value": pl.Float64}
    cells = pl.DataFrame(rows, schema_overrides=schema).sort("period_start")
    found = with_differences(cells).to_dicts()
    (row,) = [row for row in found if row["period_start"] == asked]
    assert expected["month"] == f"{row['period_start']:%Y-%m}"
    assert expected["previous_month"] == f"{next_month(asked, -1):%Y-%m}"
    for name in ("delta", "relative", "reason"):
        assert_same(expected[name], row["delta_reason" if name == "reason" else name], tolerance, name)


def check_suppression(case: Case, _: float) -> None:
    rows = [
        {"table_id": "t", "group_id": group["group_id"], "contributor_id": person, "n_cases": cases}
        for group in case["groups"]
        for person, cases in (group["contributors"] or {None: 0}).items()
    ]
    with connect() as connection:
        connection.register("contributions", pl.DataFrame(rows))
        decide_disclosure(
            connection, minimum_group=case["minimum_group"], dominance_limit=case["dominance_limit"]
        )
        decided = connection.sql("FROM decisions").pl().to_dicts()
        connection.unregister("contributions")
    found = {row["group_id"]: GROUP_WORDS[row["withheld_reason"]] for row in decided}
    if any(row["is_total_hidden"] for row in decided):
        found["_total"] = "suppressed_complementary"
    assert found == case["expected"]


def check_comment_label(case: Case, _: float) -> None:
    """The text as the body of a review, and as a comment of a thread."""
    at = datetime(2026, 3, 2, 9, tzinfo=UTC)
    naive = at.replace(tzinfo=None)
    pull = {"pr_id": "pr", "author_id": "a", "created_at_utc": naive, "draft_at_creation": False}
    rows = {
        "pull_requests": [pull],
        "reviews": [{"review_id": "review", "pr_id": "pr", "submitted_at_utc": naive, "body": case["body"]}],
        "thread_comments": [{"comment_id": "comment", "occurred_at_utc": naive, "body": case["body"]}],
    }
    with connect() as connection:
        build_core_of(connection, rows, as_of=at)
        found = connection.execute("SELECT target_id, label FROM core.comment_labels ORDER BY 1").fetchall()
    assert found == [("comment", case["expected"]), ("review", case["expected"])]


def cell_of(metric_id: str, cases: Sequence[tuple[str, str, float]]) -> dict[str, Any]:
    """The monthly cell of these cases (outcome, why, amount), with no minimum sample.

    A period without a case has no cell, and then all its figures are null.
    """
    metric = replace(load_catalogue()[metric_id], grain=("month",))
    number = count()
    at = datetime(2026, 3, 2, 9, tzinfo=UTC)
    frame = pl.DataFrame(
        [
            {
                "subject_kind": "person",
                "subject_id": "a",
                "case_id": str(next(number)),
                "anchor_at_utc": at.replace(tzinfo=None),
                "month_start": date(2026, 3, 1),
                "outcome": outcome,
                "why": why,
                "amount": float(amount),
            }
            for outcome, why, amount in cases
        ],
        schema=pl.Schema(
            {
                "subject_kind": pl.String(),
                "subject_id": pl.String(),
                "case_id": pl.String(),
                "anchor_at_utc": pl.Datetime("us"),
                "month_start": pl.Date(),
                "outcome": pl.String(),
                "why": pl.String(),
                "amount": pl.Float64(),
            }
        ),
    )
    with connect() as connection:
        build_core_of(connection, {}, as_of=at)
        connection.execute("CREATE SCHEMA ops")
        create(connection, "ops.completeness")
        create_cases(connection, metric_id)
        connection.register("incoming", frame)
        connection.execute(f"INSERT INTO cases.{metric_id} BY NAME SELECT *, true AS is_listed FROM incoming")
        connection.unregister("incoming")
        build_periods(
            connection,
            [metric],
            as_of_utc=at,
            reporting_timezone="UTC",
            limits=Limits(n_min=0),
        )
        rows = connection.sql("FROM trends.periods").pl().to_dicts()
    empty = dict.fromkeys(("value", "ci_low", "ci_high", "details"))
    return rows[0] if rows else dict(empty)


CHECKS: Mapping[str, Mapping[str, Callable[[Case, float], None]]] = {
    "months": {"attribution": check_attribution, "length": check_length},
    "working_day_clock": {"": check_working_day_clock},
    "intervals": {"wilson": check_wilson, "poisson_rate": check_poisson_rate, "median": check_median},
    "month_over_month": {"": check_month_over_month},
    "suppression": {"": check_suppression},
    "comment_labels": {"": check_comment_label},
}
"""By method and kind of case; a file with one kind of case has a list and no kind."""

ELSEWHERE: Mapping[str, str] = {
    "trend": "tests/golden/test_change_methods.py",
    "quarter_comparison": "tests/golden/test_change_methods.py",
    "usual_range": "tests/golden/test_change_methods.py",
    "ladder": "tests/transforms/test_ladder.py",
    "unrequested_reviews": "tests/packets/test_unrequested.py",
}
"""Who tries the other methods, from the same folder."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    folder = Path(metafunc.config.getoption("--golden-dir"))
    if "case" in metafunc.fixturenames:
        metafunc.parametrize(("method", "kind", "case", "tolerance"), list(_cases(folder)))
    if "path" in metafunc.fixturenames:
        paths = sorted(folder.glob("method_*.json"))
        metafunc.parametrize("path", paths, ids=[path.stem for path in paths])


def _cases(folder: Path) -> Iterator[Any]:
    for path in sorted(folder.glob("method_*.json")):
        document = json.loads(path.read_text("utf-8"))
        method, cases = document["method"], document["cases"]
        for kind, some in (cases if isinstance(cases, dict) else {"": cases}).items():
            name = f"{method}-{kind}" if kind else method
            if kind not in CHECKS.get(method, {}):
                continue  # tried elsewhere, or the test below fails
            for number, case in enumerate(some):
                yield pytest.param(
                    method, kind, case, document["tolerance"], id=f"{name}-{case.get('id', number)}"
                )


def test_worked_example(method: str, kind: str, case: Case, tolerance: float) -> None:
    CHECKS[method][kind](case, tolerance)


def test_every_method_and_kind_of_case_is_tried(path: Path) -> None:
    document = json.loads(path.read_text("utf-8"))
    method, cases = document["method"], document["cases"]
    assert path.stem == f"method_{method}"
    if method in ELSEWHERE:
        assert f"method_{method}" in (Path(__file__).parents[2] / ELSEWHERE[method]).read_text("utf-8") or (
            method in change_methods.CHECKS
        )
    else:
        assert set(cases if isinstance(cases, dict) else {"": cases}) == set(CHECKS[method])
