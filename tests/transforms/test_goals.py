"""From goals.toml, night after night, to what is said of a goal.

Here: which wording holds, edits, withdrawals, bad goals. Not here: the arithmetic (tests/golden/test_goals).
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from numpy.random import default_rng

from connectors.contract import Gap, Page
from connectors.organization.files import OrganizationSource
from connectors.organization.goals import read_goals
from connectors.organization.records import RECORD_TYPES as ORGANIZATION
from connectors.records import RECORD_TYPES
from metrics_catalog.catalogue import load_catalogue
from pipelines.sources import goal_metrics
from tests.transforms.world import World, utc
from transforms.build import BuildSettings, build_core_tables, build_fact_tables, build_trend_tables
from transforms.core.build import CoreSettings
from transforms.facts import build_facts
from transforms.goals import (
    Check,
    Pooled,
    Terms,
    build_goals,
    chances,
    check_goal,
    feasibility,
    sentence,
    true_value_for,
)
from warehouse.connection import connect
from warehouse.landing import Landing, choose_loads

METRICS = {"rq_response_24h": frozenset({"person", "team"}), "si_uptime": frozenset({"service"})}
GOAL = """
[[goal]]
id = "g1"
person = "ana"
title = "Answer within a day"
metric = "rq_response_24h"
comparator = "at_least"
target = {target}
start = 2026-04-01
end = {end}
denominator = "requests to ana by name"
"""


def goals(target: float = 0.9, end: str = "2026-06-30") -> str:
    return GOAL.format(target=target, end=end)


def source(path: Path, known_at: datetime) -> OrganizationSource:
    return OrganizationSource(
        people=None,
        calendar=None,
        services=None,
        goals=path,
        goal_metrics=METRICS,
        goal_shares=frozenset({"rq_response_24h"}),
        reporting_timezone="Europe/Berlin",
        known_at_utc=known_at,
    )


@contextmanager
def nights(
    folder: Path, *texts: tuple[str, str], persons: bool = True
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Each night has a day and what goals.toml held then; the as-of is the last night's."""
    landing = Landing(folder / "landing")
    for day, text in texts:
        path = folder / "goals.toml"
        path.write_text(text)
        known_at = datetime.fromisoformat(day).replace(tzinfo=UTC)
        load = landing.open_load(
            source="organization",
            known_at_utc=known_at,
            code_version="test",
            configuration_hash="test",
            record_types=ORGANIZATION,
        )
        for page in source(path, known_at).pages():
            if isinstance(page, Gap):
                load.gap(scope=page.scope, message=page.message)
            else:
                load.write(page.records, scope=page.scope, fetched_at_utc=known_at, rejected=page.rejected)
        load.finish()
    as_of = datetime.fromisoformat(texts[-1][0]).replace(tzinfo=UTC)
    settings = BuildSettings(
        record_types=RECORD_TYPES,
        core=CoreSettings(as_of_utc=as_of, reporting_timezone="Europe/Berlin"),
        organization="Acme",
        code_version="test",
        configuration_hash="test",
        persons_from=date.min if persons else None,
    )
    catalogue = load_catalogue()
    with connect() as connection:
        build_core_tables(connection, choose_loads(landing.manifests(), as_of), [], settings)
        build_fact_tables(connection, catalogue, settings)
        build_trend_tables(connection, catalogue, settings)
        yield connection


def only(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    (row,) = connection.sql("SELECT * FROM core.goals JOIN trends.goals USING (goal_id)").pl().to_dicts()
    return row


def test_a_goal_is_held_to_the_wording_it_began_with_and_a_later_edit_is_shown(tmp_path: Path) -> None:
    texts = [
        ("2026-03-20", goals(0.95)),
        ("2026-03-25", goals(0.9)),
        ("2026-05-02", goals(0.7, "2026-05-31")),
    ]
    with nights(tmp_path, *texts) as connection:
        row = only(connection)
    assert (row["target"], row["end_date"]) == (0.9, date(2026, 6, 30))
    assert row["stored_at_utc"] == utc("2026-03-25")
    assert row["edited_at_utc"] == utc("2026-05-02")
    assert row["edit"] == "target 0.9 became 0.7; end 2026-06-30 became 2026-05-31"
    assert not row["is_stored_late"]
    assert (row["state"], row["status"]) == ("so_far", "so_far")


def test_moving_the_start_away_does_not_reopen_a_goal(tmp_path: Path) -> None:
    moved = goals(0.5).replace("2026-04-01", "2026-05-10")
    with nights(tmp_path, ("2026-03-20", goals()), ("2026-05-02", moved)) as connection:
        row = only(connection)
    assert (row["target"], row["start_date"]) == (0.9, date(2026, 4, 1))
    assert row["edit"] == "target 0.9 became 0.5; start 2026-04-01 became 2026-05-10"


def test_a_goal_first_stored_after_it_began_says_so_and_one_taken_away_too(tmp_path: Path) -> None:
    with nights(tmp_path, ("2026-04-02", goals()), ("2026-04-03", "")) as connection:
        row = only(connection)
    assert row["is_stored_late"]
    assert row["is_withdrawn"]


def test_midnight_of_the_first_day_in_the_reporting_zone_is_in_time(tmp_path: Path) -> None:
    with nights(tmp_path, ("2026-03-31T22:00:00", goals())) as connection:
        row = only(connection)
    assert not row["is_stored_late"]
    assert row["start_utc"] == utc("2026-03-31 22:00")
    assert row["end_utc"] == utc("2026-06-30 22:00")


def test_with_persons_off_there_is_no_goal_of_a_person(tmp_path: Path) -> None:
    with nights(tmp_path, ("2026-03-20", goals()), persons=False) as connection:
        assert connection.execute("SELECT count(*) FROM core.goals").fetchall() == [(0,)]


@pytest.mark.parametrize(
    ("line", "other", "field", "said"),
    [
        ('metric = "rq_response_24h"', 'metric = "rq_response"', "metric", "did you mean rq_response_24h?"),
        ('metric = "rq_response_24h"', 'metric = "si_uptime"', "metric", "does not describe a person"),
        ('comparator = "at_least"', 'comparator = "more"', "comparator", "at_least, at_most, less_than"),
        ("target = 0.9", "targett = 0.9", "targett", "did you mean target?"),
        ("target = 0.9", 'target = "90%"', "target", "should be a number"),
        ("target = 0.9", "target = 90", "target", "is a share: 0.9 for 90%"),
        (
            "target = 0.9",
            "target = 0.9\nbaseline = { numerator = 9, denominator = 8 }",
            "baseline",
            "larger than its denominator",
        ),
        ("end = 2026-06-30", "end = 2026-03-30", "end", "before start"),
        ("end = 2026-06-30", 'end = "30 June"', "end", "should be a date"),
        ('person = "ana"', "", "person", "one person or one team"),
    ],
)
def test_a_bad_goal_is_left_out_and_says_why(
    tmp_path: Path, line: str, other: str, field: str, said: str
) -> None:
    path = tmp_path / "goals.toml"
    path.write_text(goals().replace(line, other) + goals().replace('"g1"', '"g2"'))
    (page,) = source(path, datetime(2026, 3, 1, tzinfo=UTC)).pages()
    assert isinstance(page, Page)
    assert [record.key for record in page.records] == ["g2"]
    (reject,) = page.rejected
    assert reject.field == field
    assert said in reject.message


def test_every_sentence_is_true_of_its_figures() -> None:
    """All small shares: the margin it names is the largest, what would bring it back the least."""
    for target in (0.0, 0.25, 0.5, 0.9, 1.0):
        for comparator in ("at_least", "at_most", "less_than"):
            terms = Terms(kind="share", comparator=comparator, target=target, n_min=1)  # type: ignore[arg-type]
            for n in range(1, 15):
                for k in range(n + 1):
                    _is_true(terms, check_goal(terms, Pooled(numerator=k, n=n), "so_far"), k, n)


def _is_true(terms: Terms, check: Check, k: int, n: int) -> None:
    def meets(numerator: int, denominator: int) -> bool:
        value = numerator / denominator
        return {
            "at_least": value >= terms.target - 1e-12,
            "at_most": value <= terms.target + 1e-12,
            "less_than": value < terms.target - 1e-12,
        }[terms.comparator]

    step = 0 if terms.comparator == "at_least" else 1
    said = sentence(terms, check, "cases", "share")
    if check.margin_misses is not None:
        assert meets(k + step * check.margin_misses, n + check.margin_misses)
        assert not meets(k + step * (check.margin_misses + 1), n + check.margin_misses + 1)
        assert f"{check.margin_misses} more" in said or "The next" in said
    elif check.hits_needed is not None:
        back = check.hits_needed
        assert meets(k + (1 - step) * back, n + back)
        assert not meets(k + (1 - step) * (back - 1), n + back - 1)
        assert f"{back} in a row" in said
    elif not meets(k, n):
        assert "cannot be met any more" in said


def test_too_few_expected_cases_are_said_before_the_start() -> None:
    terms = Terms(kind="share", comparator="at_least", target=0.9, n_min=10, expected_n=20)
    assert feasibility(terms, "share") == (
        "At about 20 cases the interval can never be clearly above 90%; that would take 35."
    )
    assert (
        feasibility(Terms(kind="share", comparator="at_least", target=0.9, n_min=10, expected_n=35), "")
        is None
    )


def test_numbers_of_a_goal_are_never_rounded_onto_each_other() -> None:
    """Targets and numbers of cases stand as they are; a value just off the target does not read like it."""
    strict = Terms(kind="share", comparator="at_least", target=0.995, n_min=200, expected_n=125)
    assert feasibility(strict, "share") == (
        "At about 125 cases the interval can never be clearly above 99.5%; that would take 765."
    )
    few = sentence(strict, check_goal(strict, Pooled(numerator=99, n=99), "final"), "cases", "share")
    assert few == "99 of 99; too few cases for a verdict (200 are needed). The goal was at least 99.5%."
    terms = Terms(kind="share", comparator="at_least", target=0.9, n_min=10)
    missed = sentence(terms, check_goal(terms, Pooled(numerator=898, n=1000), "final"), "answered", "share")
    assert missed.startswith(
        "898 of 1000 (89.8%) answered; the goal was at least 90%. On these numbers it is not"
    )
    nothing = check_goal(terms, Pooled(numerator=0, n=0), "so_far")
    assert sentence(terms, nothing, "cases", "share") == "So far no case; the goal is at least 90%."


def test_the_verdict_is_the_figure_against_the_target_and_no_more() -> None:
    terms = Terms(kind="share", comparator="at_least", target=0.9, n_min=10)
    check = check_goal(terms, Pooled(numerator=23, n=25), "final")
    assert sentence(terms, check, "review requests answered within 24 hours", "share") == (
        "23 of 25 (92%) review requests answered within 24 hours; the goal was at least 90%. "
        "On these numbers it is met. With 25 cases the true share could be anywhere from 75% to 98%."
    )


def test_a_goal_only_metric_describes_whoever_agreed_for_the_days_of_the_goal() -> None:
    """Bugs of a sprint that ends inside the goal's days are ana's cases; nobody else's, no other sprint's."""
    metric = load_catalogue()["si_prod_bugs_per_sprint"]
    made = World()
    for person in ("ana", "ben"):
        made.person(person, team="red")
    for number, first in enumerate(("2026-03-02", "2026-03-16", "2026-03-30")):
        start = utc(first)
        made.add("sprints", sprint_id=f"s{number}", start_at_utc=start, end_at_utc=start + timedelta(days=14))
        for person in ("ana", "ben"):
            pr = f"{person}-{number}"
            made.pull(pr, author=person, created=first, merged=first)
            made.add(
                "deployments",
                deployment_id=f"d-{pr}",
                environment="production",
                status="success",
                kind="normal",
                finished_at_utc=start + timedelta(days=1),
                pr_ids=[pr],
            )
            made.add(
                "defects",
                defect_id=f"bug-{pr}",
                introduced_by_pr_id=pr,
                found_in="production",
                reported_at_utc=start + timedelta(days=3),
                status="confirmed",
                link="explicit",
            )
    made.add(
        "goals",
        goal_id="g1",
        owner_kind="person",
        owner_id="ana",
        metric_id=metric.id,
        comparator="less_than",
        target=2.0,
        start_utc=utc("2026-03-20"),
        end_utc=utc("2026-04-05"),
        n_min=1,
    )
    with made.core("2026-06-30") as connection:
        build_facts(connection, [metric], as_of_utc=utc("2026-06-30"), goals_agreed=False)
        connection.execute("CREATE SCHEMA trends")
        build_goals(connection, {metric.id: metric}, utc("2026-06-30"))
        cases = connection.execute(
            f"SELECT subject_id, ref FROM facts.{metric.id} WHERE subject_kind = 'person' ORDER BY ALL"
        ).fetchall()
        standing = connection.execute("SELECT status, numerator, n FROM trends.goals").fetchall()
    assert cases == [("ana", "bug-ana-1"), ("ana", "s1")]
    assert standing == [("met", 1, 1.0)]


def test_nobody_has_a_goal_on_load_carried(tmp_path: Path) -> None:
    path = tmp_path / "goals.toml"
    path.write_text(goals().replace("rq_response_24h", "oc_incidents_per_shift"))
    listed, rejected = read_goals(path, goal_metrics())
    assert listed == []
    assert "oc_incidents_per_shift does not describe a person" in rejected[0].message
    path.write_text(path.read_text().replace('person = "ana"', 'team = "red"'))
    listed, rejected = read_goals(path, goal_metrics())
    assert (len(listed), rejected) == (1, [])


@pytest.mark.parametrize(
    ("day", "state"),
    [
        ("2026-03-09T22:59:59", "not_started"),
        ("2026-03-09T23:00:00", "so_far"),
        ("2026-05-08T21:59:59", "so_far"),
        ("2026-05-08T22:00:00", "maturing"),
        ("2026-05-15T21:59:59", "maturing"),
        ("2026-05-15T22:00:00", "final"),
    ],
)
def test_a_plan_of_sixty_days_has_its_verdict_after_its_end_and_the_metrics_maturity(
    day: str, state: str, tmp_path: Path
) -> None:
    """From midnight of 10 March in Berlin to the end of 8 May, over a change of clocks, then seven days."""
    plan = goals(0.9, "2026-05-08").replace("start = 2026-04-01", "start = 2026-03-10")
    with nights(tmp_path, ("2026-03-01", plan), (day, plan)) as connection:
        row = only(connection)
    assert row["state"] == state
    assert row["status"] == {"final": "not_enough_data", "maturing": "so_far"}.get(state, state)


FUTURES = 4000
AHEAD = [
    (Terms(kind="share", comparator="at_least", target=0.9, n_min=10), 0.97, 40.0),
    (Terms(kind="share", comparator="at_least", target=0.9, n_min=10), 0.75, 30.0),
    (Terms(kind="share", comparator="at_least", target=0.5, n_min=10), 0.9, 12.0),
    (Terms(kind="share", comparator="at_most", target=0.2, n_min=5), 0.02, 25.0),
    (Terms(kind="share", comparator="less_than", target=0.25, n_min=5), 0.25, 25.0),
    (Terms(kind="share", comparator="at_least", target=0.8, n_min=10), 1.0, 700.0),
    (Terms(kind="rate", comparator="less_than", target=2.0, n_min=3), 0.5, 6.0),
    (Terms(kind="rate", comparator="at_most", target=1.0, n_min=3), 3.0, 4.5),
    (Terms(kind="rate", comparator="at_least", target=1.0, n_min=3), 3.0, 6.0),
]


@pytest.mark.parametrize(("terms", "true_value", "expected"), AHEAD)
def test_what_is_said_of_the_end_before_the_start_is_what_made_up_futures_give(
    terms: Terms, true_value: float, expected: float
) -> None:
    """Each future has its own number of cases, and its verdict is the night's own."""
    random = default_rng(7)
    ended: Counter[tuple[str, str | None]] = Counter()
    for _ in range(FUTURES):
        if terms.kind == "share":
            n = int(random.poisson(expected))
            pooled = Pooled(numerator=int(random.binomial(n, true_value)), n=n)
        else:
            pooled = Pooled(numerator=int(random.poisson(true_value * expected)), n=expected)
        check = check_goal(terms, pooled, "final")
        ended[check.status, check.certainty] += 1
    found = chances(terms, true_value, expected)
    for said, end in (
        (found.met, ("met", "clear")),
        (found.missed, ("not_met", "clear")),
        (found.too_few, ("not_enough_data", None)),
    ):
        margin = 4 * (max(said * (1 - said), 0.0) / FUTURES) ** 0.5 + 1.5 / FUTURES
        assert abs(ended[end] / FUTURES - said) <= margin, (end, said, ended)


@pytest.mark.parametrize(("terms", "expected"), [(terms, expected * 3) for terms, _, expected in AHEAD[:8]])
def test_from_the_value_that_is_named_on_a_goal_ends_clearly_met_in_four_of_five(
    terms: Terms, expected: float
) -> None:
    value = true_value_for(terms, expected, 0.8)
    assert value is not None
    assert chances(terms, value, expected).met >= 0.8
    step = (0.01 if terms.kind == "share" else 0.01 * terms.target) * (
        -1 if terms.comparator == "at_least" else 1
    )
    assert chances(terms, value + step, expected).met < 0.8


def test_where_not_even_a_perfect_record_would_be_clear_no_value_is_named() -> None:
    terms = Terms(kind="share", comparator="at_least", target=0.9, n_min=10)
    assert true_value_for(terms, 30, 0.8) is None
    assert chances(terms, 1.0, 30).met < 0.8
    rate = Terms(kind="rate", comparator="at_least", target=1.0, n_min=3, expected_n=6)
    assert true_value_for(rate, 6, 0.8) is None
    assert feasibility(rate, "per sprint") is None  # enough events lie above any target
