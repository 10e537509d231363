"""Where leadership is told to look first: what lies outside, furthest first, with the cases of that month."""

import re
from collections.abc import Sequence
from random import Random

import duckdb
import pytest

from packets.catalogue import metrics
from packets.look_first import AT_MOST, LookFirst, look_first
from packets.trend_page import trend_html
from tests.packets.organisation import Organisation, utc
from tests.trends import plain_methods

MONTHS = [f"2025-{month:02d}" for month in range(7, 13)] + [f"2026-{month:02d}" for month in range(1, 7)]
CALM = [8, 9, 8, 9, 8, 9, 8, 9, 8, 9, 8]


def organisation() -> Organisation:
    made = Organisation(as_of=utc("2026-07-20 04:00"))
    made.complete("2025-07", "2026-06")
    return made


def covered(made: Organisation, service: str, approved: Sequence[int]) -> None:
    """Ten merged changes a month, the first so many of them approved."""
    for month, count in zip(MONTHS, approved, strict=True):
        for step in range(10):
            made.case(
                "rq_review_coverage",
                ("service", service),
                case_id=f"{service}/{month}/{step}",
                ref=f"acme/{service}#{MONTHS.index(month)}{step}",
                anchor=utc(f"{month}-{step + 2:02d} 08:00"),
                outcome="covered" if step < count else "not_covered",
                why="approved" if step < count else "no_review",
            )


def answered(made: Organisation, team: str, people: int, met: Sequence[int]) -> None:
    for number in range(people):
        made.person(f"{team}-{number}", team=team)
    for month, count in zip(MONTHS, met, strict=True):
        for step in range(10):
            made.request(
                f"{team}-{step % people}",
                f"acme/{team}#{MONTHS.index(month)}{step}",
                utc(f"{month}-{step + 2:02d} 08:00"),
                hours=2.0 if step < count else 40.0,
                outcome="met" if step < count else "missed",
                why="answered",
            )


def found(made: Organisation) -> tuple[LookFirst, str]:
    with made.database() as connection:
        known = {metric.metric_id: metric for metric in metrics(connection)}
        page = trend_html(connection)
        return look_first(connection, known, _series(connection)), section(page)


def _series(connection: duckdb.DuckDBPyConnection) -> set[tuple[str, str, str]]:
    return set(
        connection.execute(
            "SELECT DISTINCT subject_kind, subject_id, metric_id FROM trends.periods"
        ).fetchall()
    )


def section(page: str) -> str:
    part = page.split('id="h-first"')[1].split("</section>", maxsplit=1)[0].split(">", 1)[1]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", part)).strip()


def test_a_month_outside_is_named_with_the_cases_that_moved_it() -> None:
    made = organisation()
    covered(made, "api", [*CALM, 3])
    covered(made, "web", [*CALM, 9])
    first, told = found(made)
    assert (first.n_outside, first.n_series) == (1, 2)
    (place,) = first.places
    assert place.key == ("service", "api", "rq_review_coverage")
    assert "30% in June 2026 lies outside the usual range" in place.sentence
    assert [case.ref for case in place.cases] == [f"acme/api#11{step}" for step in range(3, 8)]
    assert all(case.link and case.link.startswith("https://") for case in place.cases)
    assert place.further == 2
    assert "1 of the 2 series that have a usual range lies outside it" in told
    assert "acme/api#113 (" in told
    assert ", and 2 more." in told


def test_cases_of_people_are_not_listed() -> None:
    made = organisation()
    answered(made, "blue", 5, [*CALM, 2])
    first, told = found(made)
    place = next(place for place in first.places if place.key[2] == "rq_response_24h")
    assert place.cases == ()
    assert "Its 10 cases are what people did and stand in their own packets." in told
    assert "acme/blue#" not in told


def test_what_rests_on_a_withheld_month_is_not_looked_at() -> None:
    made = organisation()
    answered(made, "red", 4, [*CALM, 2])
    first, told = found(made)
    assert first == LookFirst(places=(), n_outside=0, n_series=0)
    assert "Nothing yet: a usual range needs six final months" in told


def test_seven_at_most_and_those_furthest_outside_their_own_steps() -> None:
    made = organisation()
    for number in range(AT_MOST + 1):
        covered(made, f"service-{number}", [*CALM, number // 2])
    covered(made, "wide", [2, 9, 2, 9, 2, 9, 2, 9, 2, 9, 2, 0])
    first, told = found(made)
    assert [place.key[1] for place in first.places] == [f"service-{number}" for number in range(AT_MOST)]
    assert (first.n_outside, first.n_series) == (AT_MOST + 1, AT_MOST + 2)
    assert "8 of the 9 series that have a usual range lie outside it" in told
    assert "these 7 lie furthest outside, counted in their usual steps from month to month" in told


@pytest.mark.parametrize("seed", range(4))
def test_what_is_listed_is_what_lies_outside_by_plain_arithmetic(seed: int) -> None:
    """Series, order, sentence, cases and counts, worked out again from the made-up months."""
    chance, made = Random(seed), organisation()
    counts = {}
    for number in range(9):
        level, wild = chance.randint(3, 8), chance.choice((1, 1, 2))
        usual = [level + chance.randint(-wild, wild) for _ in range(11)]
        counts[f"service-{number}"] = [*usual, chance.choice((level, 0, 10))]
        covered(made, f"service-{number}", counts[f"service-{number}"])
    first, _ = found(made)
    ranges = {}
    for service, approved in counts.items():
        rows = [
            {"month": month, "value": count / 10, "status": "ok", "state": "final", "segment": 0}
            for month, count in zip(MONTHS, approved, strict=True)
        ]
        ranges[service] = plain_methods.usual_range(rows, MONTHS[-1], 0.0, 1.0)
    beyond = {}
    for service, told in ranges.items():
        now = plain_methods.exact(counts[service][-1] / 10)
        if told["verdict"] == "outside_usual_range":
            limit = told["high"] if now > told["high"] else told["low"]
            beyond[service] = abs(now - limit) / told["mean_moving_range"]
    assert (first.n_series, first.n_outside) == (len(counts), len(beyond))
    assert len(first.places) == min(AT_MOST, len(beyond))
    listed = [beyond[place.key[1]] for place in first.places]
    assert listed == sorted(listed, reverse=True)
    assert min(listed, default=0) >= max(
        (far for service, far in beyond.items() if service not in {place.key[1] for place in first.places}),
        default=0,
    )
    for place in first.places:
        told, now = ranges[place.key[1]], counts[place.key[1]][-1]
        said = re.search(
            r": (\d+)% in June 2026 lies outside the usual range of (\d+)% to (\d+)%", place.sentence
        )
        assert said
        value, low, high = (int(number) / 100 for number in said.groups())
        assert value == now / 10
        assert abs(low - told["low"]) <= 0.01
        assert abs(high - told["high"]) <= 0.01
        assert not low <= value <= high
        moved = now if value > high else 10 - now
        assert len(place.cases) + place.further == moved
        assert bool(place.why_no_cases) is False


def test_a_calm_month_says_so() -> None:
    made = organisation()
    covered(made, "api", [*CALM, 9])
    first, told = found(made)
    assert first.places == ()
    assert told.endswith(
        "Nothing: the one series that has a usual range lies within it in the newest final month."
    )
