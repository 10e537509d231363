"""``trends.changes``: which cells enter it, what it says of whom, and what may leave.

The cells are made up here; that cells are right is the matter of other tests.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics_catalog.catalogue import load_catalogue
from metrics_catalog.tables import table
from tests.drawn import examples
from transforms.build import analyst_selects
from transforms.changes.build import COMPARED, MIN_EXPOSURE, build_changes, naming_of
from transforms.changes.effects import FIRED, effect_of
from transforms.changes.months import SeriesMonth, month_at, ordinal
from transforms.changes.quarter_comparison import QuarterMonth, compare_quarter
from transforms.changes.quarter_sentences import comparison_sentence
from transforms.changes.sentences import trend_sentence
from transforms.changes.trend import month_trend
from transforms.changes.usual_range import usual_range
from transforms.queries import create
from warehouse.connection import connect

CATALOGUE = load_catalogue()
SHARE, MEDIAN = CATALOGUE["rq_response_24h"], CATALOGUE["rq_first_response_time"]
COVERAGE = CATALOGUE["rq_review_coverage"]
RATE: Any = replace(
    SHARE,
    id="oc_incidents_per_shift",
    title="Interrupting incidents per shift",
    statistic="rate",
    unit="per 12 h",
    direction="load",
    min_effect={"kind": "rel", "value": 0.25, "floor": 0.25},
    case_words={
        "case": "interrupting incidents",
        "unit": "per shift of 12 h",
        "exposure": "shifts of 12 h",
    },
)
METRICS = (SHARE, MEDIAN, COVERAGE, RATE)
SPECIFIED = json.loads((Path(__file__).parents[1] / "golden" / "catalogue.json").read_text())

MONTHS = [month_at(ordinal("2025-03") + step) for step in range(18)]
FINAL = "2026-06"
"""The newest final month: the quarter 2026-Q2 is final, July is provisional and August runs."""

Rows = dict[str, list[dict[str, Any]]]


def state_of(month: str) -> str:
    return "final" if month <= FINAL else "provisional" if month == "2026-07" else "partial"


def quarter_of(month: str) -> str:
    return f"{month[:4]}-Q{(int(month[5:]) + 2) // 3}"


def random_rows(seed: int) -> Rows:
    """Two people, six people's team and a service; leaning series, holes, a new role, withheld cells."""
    chance = Random(seed)
    rows: Rows = {"trends.periods": [], **{f"facts.{metric.id}": [] for metric in METRICS}}
    moved = {f"person-{number}": chance.choice([None, None, *MONTHS]) for number in range(2)}
    rows["trends.person_periods"] = [
        {
            "person_id": person_id,
            "grain": "month",
            "period": month,
            "period_start": date.fromisoformat(f"{month}-01"),
            "segment": int(change is not None and month >= change),
        }
        for person_id, change in moved.items()
        for month in MONTHS
    ]
    for metric in METRICS:
        kinds = ("team", "service") if metric is COVERAGE else ("person", "team")
        for kind in kinds:
            for number in range(2):
                lean = chance.choice([0.0, 0.0, 0.04, -0.04])
                change = moved.get(f"{kind}-{number}")
                for place, month in enumerate(MONTHS):
                    if chance.random() < 0.9:
                        subject = (kind, f"{kind}-{number}")
                        segment = int(change is not None and month >= change)
                        add_month(
                            rows, chance, metric, subject, month=month, lean=lean * place, segment=segment
                        )
    return rows


def add_month(
    rows: Rows,
    chance: Random,
    metric: Any,
    subject: tuple[str, str],
    *,
    month: str,
    lean: float,
    segment: int,
) -> None:
    """A cell and its cases: ten and more of a team, a handful of a person."""
    kind, subject_id = subject
    n = chance.randint(10, 20) if kind != "person" else chance.randint(0, 9)
    share = min(1.0, max(0.0, 0.5 + lean + chance.uniform(-0.1, 0.1)))
    numerator = sum(chance.random() < share for _ in range(n))
    status = "ok" if n >= 5 else "insufficient" if n else "no_activity"
    value = numerator / n if n else None
    exposure = chance.choice([2.0, 3.5]) if metric is RATE else None
    if metric is MEDIAN:
        amounts = [round(chance.lognormvariate(1.5 + 3 * lean, 0.7), 2) for _ in range(n)]
        value = sorted(amounts)[n // 2] if n else None
        rows[f"facts.{metric.id}"] += [
            {
                "subject_kind": kind,
                "subject_id": subject_id,
                "case_id": f"{month}-{number}",
                "month_start": date.fromisoformat(f"{month}-01"),
                "outcome": "met",
                "why": "answered" if chance.random() < 0.9 else "unanswered",
                "amount": amount,
            }
            for number, amount in enumerate(amounts)
        ]
    elif exposure:
        value, status = numerator / exposure, "ok"
    rows["trends.periods"].append(
        {
            "metric_id": metric.id,
            "definition_version": metric.definition_version,
            "subject_kind": kind,
            "subject_id": subject_id,
            "grain": "month",
            "period": month,
            "period_start": date.fromisoformat(f"{month}-01"),
            "state": state_of(month),
            "status": status,
            "n": n,
            "numerator": numerator,
            "denominator": n,
            "exposure": exposure,
            "value": value if status == "ok" else None,
            "segment": segment,
            "hole": chance.choice([None] * 9 + ["absent"]),
            "disclosed": kind == "person" or chance.random() > 0.03,
        }
    )


def month_of(row: dict[str, Any]) -> str:
    return row["period"] if "period" in row else f"{row['month_start']:%Y-%m}"


@contextmanager
def built(rows: Rows) -> Iterator[duckdb.DuckDBPyConnection]:
    with connect() as connection:
        connection.execute("CREATE SCHEMA trends; CREATE SCHEMA facts")
        for name, some in rows.items():
            create(connection, name)
            insert(connection, name, some)
        create(connection, "trends.period_states")
        states = [
            (metric, grain, period, start, state)
            for metric in METRICS
            for grain, period, start, state in {
                *(("month", month, f"{month}-01", state_of(month)) for month in MONTHS),
                *(
                    (
                        "quarter",
                        quarter_of(month),
                        f"{month}-01",
                        "final" if month <= "2026-04" else "partial",
                    )
                    for month in MONTHS[1::3]
                ),
            }
        ]
        insert(
            connection,
            "trends.period_states",
            [
                {
                    "metric_id": metric.id,
                    "grain": grain,
                    "period": period,
                    "period_start": date.fromisoformat(start),
                    "state": state,
                }
                for metric, grain, period, start, state in states
            ],
        )
        build_changes(
            connection,
            METRICS,
            as_of_utc=datetime(2026, 8, 3, tzinfo=UTC),
            reporting_timezone="Europe/Berlin",
        )
        yield connection


def insert(connection: duckdb.DuckDBPyConnection, name: str, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        known = [column.name for column in table(name).columns if column.name in rows[0]]
        frame = pl.DataFrame(
            [[row[column] for column in known] for row in rows],
            schema=known,
            orient="row",
            infer_schema_length=None,
        )
        connection.register("made_up", frame)
        connection.execute(f"INSERT INTO {name} BY NAME SELECT * FROM made_up")
        connection.unregister("made_up")


def changes(rows: Rows) -> list[dict[str, Any]]:
    with built(rows) as connection:
        found = connection.sql("FROM trends.changes").pl().to_dicts()
    return [{**row, "details": json.loads(row["details"])} for row in found]


SEEDS = st.integers(0, 2**32)


@given(SEEDS)
@examples(8)
def test_shuffled_rows_and_a_second_run_change_nothing(seed: int) -> None:
    rows = random_rows(seed)
    first = changes(rows)
    assert first
    assert changes(rows) == first
    for some in rows.values():
        Random(seed).shuffle(some)
    assert changes(rows) == first


@given(SEEDS)
@examples(8)
def test_months_that_are_not_final_are_as_if_they_were_not_there(seed: int) -> None:
    rows = random_rows(seed)
    with_all = changes(rows)
    final_only = {
        name: [row for row in some if (row["state"] == "final" if "state" in row else month_of(row) <= FINAL)]
        for name, some in rows.items()
    }
    assert sum(map(len, final_only.values())) < sum(map(len, rows.values()))
    assert changes(final_only) == with_all


@given(SEEDS)
@examples(8)
def test_what_stands_in_a_hole_or_an_earlier_role_changes_nothing(seed: int) -> None:
    """Wild numbers where nothing counts: away for the month, or in the role before."""
    rows = random_rows(seed)
    told = changes(rows)
    newest = {
        row["person_id"]: row["segment"] for row in rows["trends.person_periods"] if row["period"] == FINAL
    }
    used = {
        (row["metric_id"], row["subject_kind"], row["subject_id"], month)
        for row in told
        for month in row["months_used"]
    }
    changed = 0
    for row in rows["trends.periods"]:
        key = (row["metric_id"], row["subject_kind"], row["subject_id"])
        if row["hole"] or row["segment"] < newest.get(row["subject_id"], 0):
            changed += 1
            assert (*key, row["period"]) not in used
            row |= {"value": None if row["value"] is None else 0.123, "numerator": 0, "disclosed": False}
    assert changed
    assert changes(rows) == told


@given(SEEDS)
@examples(8)
def test_each_row_is_its_method_on_plain_data(seed: int) -> None:
    rows = random_rows(seed)
    by_id = {metric.id: metric for metric in METRICS}
    told = changes(rows)
    for row in told:
        metric = by_id[row["metric_id"]]
        cells = [
            cell
            for cell in rows["trends.periods"]
            if all(cell[name] == row[name] for name in ("metric_id", "subject_kind", "subject_id"))
            and cell["state"] == "final"
        ]
        cells += empty_months(rows, row["subject_id"], {cell["period"] for cell in cells})
        if row["method"] == "quarter_comparison":
            check_comparison(row, metric, cells, rows)
        else:
            check_monthly(row, metric, cells)
    assert {row["method"] for row in told} == {"month_trend", "usual_range", "quarter_comparison"}


def empty_months(rows: Rows, subject_id: str, with_cell: set[str]) -> list[dict[str, Any]]:
    """The months in which nothing happened to a person: each has its segment all the same."""
    nothing = {"status": "no_activity", "value": None, "hole": None, "disclosed": True}
    return [
        {**nothing, "numerator": 0, "denominator": 0, "exposure": None, **month}
        for month in rows["trends.person_periods"]
        if month["person_id"] == subject_id and month["period"] <= FINAL and month["period"] not in with_cell
    ]


def series_of(cells: Sequence[dict[str, Any]]) -> list[SeriesMonth]:
    found = [
        SeriesMonth(
            month=cell["period"],
            value=cell["value"],
            status=cell["hole"] or cell["status"],
            segment=cell["segment"],
        )
        for cell in cells
    ]
    if all(row.month != FINAL for row in found):  # nothing happened in a team's newest final month
        found.append(SeriesMonth(month=FINAL, value=None, status="no_activity"))
    return found


def check_monthly(row: dict[str, Any], metric: Any, cells: Sequence[dict[str, Any]]) -> None:
    series = series_of([cell for cell in cells if cell["period"] >= "2025-06"])
    assert row["through_period"] == FINAL
    if row["method"] == "month_trend":
        trend = month_trend(series, direction=metric.direction, effect=effect_of(metric.min_effect))
        assert (row["outcome"], row["reason"]) == (trend.outcome, trend.reason)
        assert row["months_used"] == list(trend.months_used)
        said = row["subject_kind"] != "person" or trend.outcome in FIRED
        assert row["sentence"] == (trend_sentence(trend, naming_of(metric)) if said else None)
        assert row["details"] == pytest.approx({name: getattr(trend, name) for name in row["details"]})
    else:
        found = usual_range(
            series, month=FINAL, lower_bound=0.0, upper_bound=1.0 if metric.unit == "share" else None
        )
        assert (row["outcome"], row["reason"]) == (found.verdict, None)
        assert row["details"] == pytest.approx({name: getattr(found, name) for name in row["details"]})
        spoken = row["subject_kind"] != "person" or metric.direction == "load"
        assert bool(row["sentence"]) is (spoken and found.verdict == "outside_usual_range")
    used = [cell for cell in cells if cell["period"] in row["months_used"]]
    assert row["disclosed"] is all(cell["disclosed"] for cell in used)


def check_comparison(row: dict[str, Any], metric: Any, cells: Sequence[dict[str, Any]], rows: Rows) -> None:
    cases = [
        case
        for case in rows[f"facts.{metric.id}"]
        if (case["subject_kind"], case["subject_id"]) == (row["subject_kind"], row["subject_id"])
    ]
    found = compare_quarter(
        [
            QuarterMonth(
                month=cell["period"],
                segment=cell["segment"],
                status=cell["hole"] or cell["status"],
                numerator=cell["numerator"],
                denominator=cell["denominator"],
                exposure=cell["exposure"] or 0.0,
                **{
                    name: tuple(
                        case["amount"]
                        for case in cases
                        if f"{case['month_start']:%Y-%m}" == cell["period"] and case["why"] == why
                    )
                    for name, why in (("closed", "answered"), ("open_so_far", "unanswered"))
                },
            )
            for cell in cells
        ],
        statistic=metric.statistic,
        direction=metric.direction,
        effect=effect_of(metric.min_effect),
        n_min=MIN_EXPOSURE.get(metric.id, metric.n_min_quarter),
        quarter="2026-Q2",
        quarter_state="final",
    )
    assert row["through_period"] == "2026-Q2"
    assert (row["outcome"], row["reason"]) == (found.outcome, found.reason)
    assert row["sentence"] == comparison_sentence(found, naming_of(metric))
    assert row["months_used"] == [*found.months_baseline, *found.months_current]
    details = dict(row["details"])
    assert details.pop("deciding_months") == list(found.deciding_months)
    if metric.statistic == "median":
        assert details.pop("numerator_current") is details.pop("numerator_baseline") is None
    assert details == pytest.approx({name: getattr(found, name) for name in details})


def test_the_analysts_file_has_no_person_and_no_change_of_a_withheld_cell() -> None:
    rows = random_rows(11)
    with built(rows) as connection:
        select = analyst_selects(CATALOGUE)["trends.changes"]
        leaving = connection.sql(select).pl().to_dicts()
        every = connection.sql("FROM trends.changes").pl().to_dicts()
    withheld = {
        (cell["metric_id"], cell["subject_id"], cell["period"])
        for cell in rows["trends.periods"]
        if not cell["disclosed"]
    }
    rests_on_one = [
        row
        for row in every
        if any((row["metric_id"], row["subject_id"], month) in withheld for month in row["months_used"])
    ]
    assert leaving
    assert rests_on_one
    assert {row["subject_kind"] for row in leaving} == {"team", "service"}
    assert not [row for row in leaving if row in rests_on_one]
    assert len(leaving) == sum(row["subject_kind"] != "person" and row not in rests_on_one for row in every)


def test_a_withheld_quarter_withholds_its_comparison() -> None:
    rows = random_rows(5)
    for cell in rows["trends.periods"]:
        cell["disclosed"] = True
    month = rows["trends.periods"][0]
    quarter = {
        **month,
        "metric_id": SHARE.id,
        "subject_kind": "team",
        "subject_id": "team-0",
        "grain": "quarter",
        "period": "2026-Q1",
        "period_start": date(2026, 1, 1),
        "state": "final",
        "disclosed": False,
    }
    rows["trends.periods"].append(quarter)
    withheld = [row for row in changes(rows) if not row["disclosed"]]
    assert [(row["method"], row["metric_id"], row["subject_id"]) for row in withheld] == [
        ("quarter_comparison", SHARE.id, "team-0")
    ]


def test_somebody_without_a_final_cell_has_no_row() -> None:
    rows: Rows = {name: [] for name in ("trends.periods", "trends.person_periods")}
    rows |= {f"facts.{metric.id}": [] for metric in METRICS}
    chance = Random(1)
    add_month(rows, chance, SHARE, ("person", "new"), month="2026-07", lean=0, segment=0)
    add_month(rows, chance, SHARE, ("person", "long-gone"), month="2025-03", lean=0, segment=0)
    assert changes(rows) == []


def test_a_goal_only_metric_says_nothing_of_a_person_outside_the_goal() -> None:
    goal = replace(SHARE, subjects=("person:author:goal_only", "team"))
    rows = random_rows(3)
    with built(rows) as other:
        other.execute("DROP TABLE trends.changes")
        build_changes(other, [goal], as_of_utc=datetime(2026, 8, 3, tzinfo=UTC), reporting_timezone="UTC")
        kinds = other.execute("SELECT DISTINCT subject_kind FROM trends.changes").fetchall()
    assert kinds == [("team",)]


def test_the_metrics_compared_are_those_of_the_specification() -> None:
    assert list(COMPARED) == SPECIFIED["quarter_comparison"]["metrics"]
    assert dict(MIN_EXPOSURE) == SPECIFIED["quarter_comparison"]["min_exposure"]
