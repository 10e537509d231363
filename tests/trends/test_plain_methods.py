"""The shared methods, as every night runs them, against a plain reading of the specification's text.

Here: random inputs, the same figures to the last digit. Not here: the worked examples (tests/golden).
"""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import polars as pl
import pytest

from packets.unrequested import reviews_given
from tests.golden.test_change_methods import quarter_months_of, series_of
from tests.golden.test_methods import GROUP_WORDS, HOLES
from tests.packets.published import published_as_of
from tests.transforms.test_ladder import ladder_months
from tests.transforms.world import World, build_core_of
from tests.trends import plain_methods, random_methods
from transforms.changes.effects import effect_of
from transforms.changes.quarter_comparison import compare_quarter
from transforms.changes.trend import month_trend
from transforms.changes.usual_range import usual_range
from transforms.disclosure.decide import decide_disclosure
from transforms.goals import Pooled, Terms, check_goal
from transforms.intervals import median_interval, poisson_rate, wilson
from transforms.ladder import CaseWords, standing
from transforms.local_time import periods_between, set_reporting_zone
from transforms.periods.month_over_month import with_differences
from warehouse.connection import connect

ZONES = (
    *("Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Pacific/Chatham", "America/St_Johns"),
    *("Australia/Lord_Howe", "Pacific/Kiritimati", "Pacific/Pago_Pago", "America/Havana", "Africa/Cairo"),
    *("Asia/Tehran", "America/Santiago", "Pacific/Apia", "Atlantic/Azores", "UTC"),
)


def assert_equal(wanted: Mapping[str, Any], found: Any, case: Any) -> None:
    """Every figure wanted is an entry or attribute of what was found."""
    for name, figure in wanted.items():
        other = found[name] if isinstance(found, Mapping) else getattr(found, name)
        if figure is None or other is None or isinstance(figure, str | bool):
            assert other == figure, (name, case)
        elif isinstance(figure, list):
            assert list(other) == figure, (name, case)
        else:
            assert float(other) == pytest.approx(float(figure), rel=1e-9, abs=1e-12), (name, case)


def test_trends_and_usual_ranges() -> None:
    random = Random(1)
    for _ in range(700):
        rows, effect = random_methods.series(random), random.choice(random_methods.EFFECTS)
        direction = random.choice(random_methods.DIRECTIONS)
        months = series_of({"series": rows})
        wanted = plain_methods.trend(rows, direction, effect)
        wanted["s"] = wanted.pop("S")
        trend = month_trend(months, direction=direction, effect=effect_of(effect))
        assert_equal(wanted, trend, rows)
        newest = max((row["month"] for row in rows if row["state"] == "final"), default="")
        for month in {newest, *(row["month"] for row in random.sample(rows, min(2, len(rows))))} - {""}:
            low, high = random.choice(((0.0, None), (0.0, 1.0), (None, None)))
            told = usual_range(months, month=month, lower_bound=low, upper_bound=high)
            assert_equal(plain_methods.usual_range(rows, month, low, high), told, (month, rows))


def test_quarter_comparisons() -> None:
    random = Random(2)
    for _ in range(1500):
        case = random_methods.quarter(random)
        if not any("2025-07" <= row["month"] <= "2026-06" for row in case["months"]):
            continue
        wanted = plain_methods.quarter_comparison(case)
        del wanted["state"]
        found = compare_quarter(
            quarter_months_of(case),
            statistic=case["unit"],
            direction=case["direction"],
            effect=effect_of(case["min_effect"]),
            n_min=case["n_min"],
            quarter=case["quarter"],
            quarter_state=case["quarter_state"],
        )
        assert_equal(wanted, found, case)


@pytest.mark.parametrize(("now", "before"), [(2, 3), (6, 12), (25, 60), (100, 101), (40, 251), (30, 340)])
def test_intervals_of_typical_differences_at_any_size(now: int, before: int) -> None:
    """Up to 10,000 differences the exact place, then the formula for large samples."""
    random = Random(now * before)
    months = [
        {
            "month": random_methods.month_name(2025 * 12 + 7 + at),
            "closed": [
                round(random.lognormvariate(1.6, 0.8), 1)
                for _ in range(n // parts + (at % parts < n % parts))
            ],
            "open_so_far": [],
        }
        for at in range(12)
        for n, parts in [(now, 3) if at >= 9 else (before, 9)]
    ]
    case = {"unit": "median", "direction": "neutral", "min_effect": random_methods.EFFECTS[3], "n_min": 1}
    case |= {"quarter": "2026-Q2", "quarter_state": "final", "months": months}
    found = compare_quarter(
        quarter_months_of(case),
        statistic="median",
        direction="neutral",
        effect=effect_of(random_methods.EFFECTS[3]),
        n_min=1,
        quarter="2026-Q2",
        quarter_state="final",
    )
    wanted = plain_methods.quarter_comparison(case)
    assert_equal({name: wanted[name] for name in ("low", "high", "reason")}, found, case)


def test_ladder() -> None:
    random = Random(3)
    for _ in range(3000):
        case = random_methods.ladder(random)
        found = standing(
            ladder_months(case["months"]),
            statistic=case["unit"],
            quarter=case["quarter"],
            n_min=case["n_min"],
            words=CaseWords(**case["words"]),
            withheld=case["withheld"],
        )
        figures = asdict(found) | asdict(found.estimate)
        assert_equal(plain_methods.ladder(case), figures, case)


def test_goals() -> None:
    random = Random(4)
    for _ in range(3000):
        case = random_methods.goal(random)
        agreed, state = case["goal"], case["state"]
        baseline = agreed.get("baseline")
        found = check_goal(
            Terms(
                kind=agreed["kind"],
                comparator=agreed["comparator"],
                target=agreed["target"],
                n_min=agreed["n_min"],
                expected_n=agreed.get("expected_n"),
                baseline=(baseline["numerator"], baseline["denominator"]) if baseline else None,
            ),
            Pooled(numerator=case["k"], n=case["n"]),
            state,
        )
        wanted = plain_methods.goal(agreed, case["k"], case["n"], state=state)
        assert_equal(wanted, found, case)


def test_intervals() -> None:
    random = Random(5)
    for _ in range(1500):
        n = random.choice((1, 2, 5, 10, 40, 1000))
        k = random.choice((0, n, random.randint(0, n)))
        assert wilson(k, n) == pytest.approx(plain_methods.wilson(k, n), rel=1e-12, abs=1e-12)
        exposure = random.choice((0.5, 1.0, 5.25, 30.0))
        assert poisson_rate(k, exposure)[1:] == pytest.approx(plain_methods.poisson(k, exposure), rel=1e-9)
        closed = [float(random.randint(0, 9)) for _ in range(random.randint(0, 40))]
        still_open = [float(random.randint(0, 20)) for _ in range(random.choice((0, 0, 1, 5, 30)))]
        told = median_interval(closed, still_open)
        assert_equal(
            plain_methods.median_cell(closed, still_open),
            told,
            closed,
        )


def test_differences_to_the_month_before() -> None:
    random, wanted, cells = Random(6), {}, []
    for number in range(200):
        rows = random_methods.series(random)
        for row in rows:
            wanted[str(number), row["month"]] = plain_methods.month_over_month(rows, row["month"])
            is_hole = row["status"] in HOLES
            cells.append(
                {
                    "metric_id": "m",
                    "subject_kind": "person",
                    "subject_id": str(number),
                    "grain": "month",
                    "period_start": date.fromisoformat(f"{row['month']}-01"),
                    "value": row["value"],
                    "status": "ok" if is_hole else row["status"],
                    "hole": row["status"] if is_hole else None,
                    "state": row["state"],
                    "segment": row["segment"],
                }
            )
    schema = {"hole": pl.String, "value": pl.Float64}
    frame = pl.DataFrame(cells, schema_overrides=schema, infer_schema_length=None)
    found = with_differences(frame.sort("subject_id", "period_start")).to_dicts()
    assert len(found) == len(wanted)
    for row in found:
        key = (row["subject_id"], f"{row['period_start']:%Y-%m}")
        assert_equal(wanted[key], row | {"reason": row["delta_reason"]}, key)


def test_reviews_nobody_asked_for() -> None:
    """Of every person and month, and the quarter the first month is in, at three as-ofs."""
    random = Random(10)
    for as_of in (datetime(2026, 4, 1, 4, tzinfo=UTC), *[datetime(2026, 6, 1, tzinfo=UTC)] * 3):
        inputs = random_methods.reviews(random)
        zone = "America/New_York"
        published = published_as_of(as_of.replace(tzinfo=None), zone)
        with connect() as connection:
            build_core_of(connection, _conformed(inputs, zone), as_of=as_of, zone=zone)
            for period in periods_between(date(2026, 3, 1), date(2026, 5, 1), zone):
                begins, ends = (at.replace(tzinfo=None) for at in (period.start_utc, period.end_utc))
                for person in ("ann", "bob", "dan"):
                    found = reviews_given(
                        connection, person_id=person, begins_utc=begins, ends_utc=ends, published=published
                    )
                    wanted = plain_methods.unrequested_reviews(
                        inputs, person, begins, ends, published.as_of_utc
                    )
                    evidence = wanted.pop("evidence")
                    assert_equal(wanted, found, (person, period.name))
                    told = {entry.ref: entry.reading.outcome for entry in found.cases}
                    assert told == (evidence if wanted["sentence"] else {})


def _conformed(inputs: Mapping[str, list[dict[str, Any]]], zone: str) -> dict[str, list[dict[str, Any]]]:
    """The rows with the names of the conformed tables; everybody is in the roster, as in worked examples."""
    known = {"tz": zone, "working_days": [1, 2, 3, 4, 5]}
    rows = {
        name: [
            {f"{key}_utc" if key.endswith("_at") else key: value for key, value in row.items()}
            for row in some
        ]
        for name, some in inputs.items()
    }
    rows["people"] = [
        {**row, **known, "name": row["person_id"], "is_rostered": True} for row in rows["people"]
    ]
    rows["roster"] = [{**known, "person_id": row["person_id"]} for row in rows["people"]]
    for name, key in (("pr_events", "event_id"), ("reviews", "review_id")):
        rows[name] = [{**row, key: str(number)} for number, row in enumerate(rows[name])]
    rows["pull_requests"] = [{**row, "ref": row["pr_id"], "service_ids": []} for row in rows["pull_requests"]]
    return rows


def test_groups_that_may_be_shown() -> None:
    random, rows = Random(7), []
    wanted: dict[str, dict[str, str]] = {}
    for number in range(1500):
        table = random_methods.groups(random)
        wanted[str(number)] = plain_methods.suppression(table, 5, 0.5)
        rows += [
            {"table_id": str(number), "group_id": group, "contributor_id": person, "n_cases": cases}
            for group, contributors in table.items()
            for person, cases in contributors.items()
        ]
    with connect() as connection:
        connection.register("contributions", pl.DataFrame(rows))
        decide_disclosure(connection, minimum_group=5, dominance_limit=0.5)
        decided = connection.sql("FROM decisions").pl().to_dicts()
        connection.unregister("contributions")
    found: dict[str, dict[str, str]] = {}
    for row in decided:
        words = found.setdefault(row["table_id"], {})
        words[row["group_id"]] = GROUP_WORDS[row["withheld_reason"]]
        if row["is_total_hidden"]:
            words["_total"] = "suppressed_complementary"
    assert found == wanted


def test_comment_labels() -> None:
    random = Random(8)
    bodies = [random_methods.comment(random) for _ in range(3000)]
    at = datetime(2026, 3, 2, 9, tzinfo=UTC).replace(tzinfo=None)
    rows = {
        "pull_requests": [
            {"pr_id": "pr", "author_id": "a", "created_at_utc": at, "draft_at_creation": False}
        ],
        "thread_comments": [
            {"comment_id": str(number), "occurred_at_utc": at, "body": body}
            for number, body in enumerate(bodies)
        ],
    }
    with connect() as connection:
        build_core_of(connection, rows, as_of=at.replace(tzinfo=UTC))
        found = dict(connection.execute("SELECT target_id, label FROM core.comment_labels").fetchall())
    for number, body in enumerate(bodies):
        assert found[str(number)] == plain_methods.label(body), body


def test_working_day_clock() -> None:
    """Half of the people move to another zone and other weekdays in the middle."""
    random, world, wanted = Random(9), World(), {}
    world.person("author")
    for number in range(250):
        who = f"p{number}"
        hour, minute = random.randint(0, 23), random.choice((0, 30, 59))
        start = datetime(
            2026, random.choice((3, 4, 9, 10, 11)), random.randint(1, 25), hour, minute, tzinfo=UTC
        )
        end = start + timedelta(seconds=random.choice((0, 1, 86400, random.randint(0, 12 * 86400))))
        zones = [random.choice(ZONES) for _ in range(2)]
        weeks = [tuple(sorted(random.sample(range(1, 8), random.choice((3, 4, 5, 5))))) for _ in range(2)]
        moved = (start + timedelta(days=random.randint(0, 6))).date()
        at = datetime(moved.year, moved.month, moved.day, tzinfo=UTC)
        moves = random.random() < 0.5
        world.person(who, tz=zones[0], working_days=weeks[0], after=moved.isoformat() if moves else None)
        stretches: list[plain_methods.Stretch] = [(zones[0], weeks[0], None, at if moves else None)]
        if moves:
            world.stretch(who, tz=zones[1], working_days=weeks[1], first=moved.isoformat())
            stretches.append((zones[1], weeks[1], at, None))
        off = {(start + timedelta(days=random.randint(0, 8))).date() for _ in range(random.choice((0, 1, 2)))}
        for day in off:
            world.away(who, day.isoformat(), kind=random.choice(("absence", "holiday")))
        world.pull(f"pr{number}", author="author", created=start - timedelta(days=1))
        world.request(start, who, pr_id=f"pr{number}")
        world.review(end, who, pr_id=f"pr{number}")
        wanted[f"pr{number}"] = plain_methods.working_seconds(stretches, off, start, end)
    with world.core("2027-01-01") as connection:
        found = connection.execute("SELECT pr_id, waited_us FROM core.review_requests").fetchall()
    assert {pr_id: waited / 1_000_000 for pr_id, waited in found} == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize("zone", ZONES)
def test_months_and_midnights(zone: str) -> None:
    """The month of an instant, the ends of months and quarters, the first instant of a day."""
    random = Random(zone)
    days = [date(random.randint(2012, 2027), random.randint(1, 12), 1) for _ in range(60)]
    days += [date(2026, 10, 1) + timedelta(days=day) for day in range(45)]
    starts = [plain_methods.local_midnight(day, zone) for day in days]
    instants = [start + timedelta(seconds=seconds) for start in starts for seconds in (-1, 0, 1, 3600, -3600)]
    with connect() as connection:
        set_reporting_zone(connection, zone)
        connection.register(
            "asked", pl.DataFrame({"at_utc": [instant.replace(tzinfo=None) for instant in instants]})
        )
        connection.register("asked_days", pl.DataFrame({"day": days}))
        months = [
            f"{row[0]:%Y-%m}"
            for row in connection.sql("SELECT reporting_month(at_utc) FROM asked").fetchall()
        ]
        midnights = connection.sql("SELECT reporting_midnight(day) FROM asked_days").fetchall()
    assert months == [plain_methods.month_of(instant, zone) for instant in instants]
    assert [at.replace(tzinfo=UTC) for (at,) in midnights] == starts
    for period in periods_between(date(2026, 1, 1), date(2027, 1, 1), zone):
        assert period.start_utc == plain_methods.local_midnight(period.first_day, zone)
