"""From the survey's answers to core.survey_ratings, to the rating, and to nowhere else."""

from pathlib import Path
from typing import Any

import pytest

from connectors.organization.records import SurveyAnswer
from metrics_catalog.catalogue import load_catalogue
from tests.transforms.landed import Landed, account, person, pull, repository, review
from tests.transforms.world import aware
from transforms.build import analyst_selects, full_selects


def answer(number: int, **more: Any) -> SurveyAnswer:
    given = {
        "pull_request_ref": "acme/api#1",
        "reviewer": "ben",
        "rater": "ana",
        "rating": 5,
        "answered_at_utc": aware("2026-03-04 10:00"),
    } | more
    return SurveyAnswer(place=f"line {number}", **given)


def landed(folder: Path, *answers: SurveyAnswer) -> Landed:
    """Ana's merged pull request, reviewed by Ben."""
    found = Landed(folder=folder)
    found.github(
        "2026-03-10",
        (
            repository(),
            account(1, "Ana-Codes"),
            account(2, "ben-codes"),
            pull(1, author=1, merged_at_utc="2026-03-04 09:00"),
            review(1, 2, "2026-03-03 09:00"),
        ),
    )
    people = (
        person("ana", "ana-codes", email="Ana@acme.example"),
        person("ben", "ben-codes", email="ben@acme.example"),
    )
    found.organization("2026-03-10", *people, *answers)
    return found


@pytest.mark.parametrize("rater", ["ana", "ANA@acme.example", "ana-codes"])
@pytest.mark.parametrize("reviewer", ["ben", "ben@acme.example", "Ben-Codes"])
def test_people_are_told_by_id_address_or_login(tmp_path: Path, rater: str, reviewer: str) -> None:
    with landed(tmp_path, answer(2, rater=rater, reviewer=reviewer)).core() as connection:
        rows = connection.execute("SELECT reviewer_id, rater_id, rating FROM core.survey_ratings").fetchall()
        pulls = connection.execute(
            "SELECT count(*) FROM core.survey_ratings JOIN core.pull_requests USING (pr_id)"
        )
        assert pulls.fetchall() == [(1,)]
    assert rows == [("ben", "ana", 5)]


def test_what_nobody_is_known_by_stays_unknown_and_is_not_dropped(tmp_path: Path) -> None:
    answers = answer(2, rater="who"), answer(3, pull_request_ref="acme/api#99")
    with landed(tmp_path, *answers).core() as connection:
        rows = connection.execute(
            "SELECT pr_id IS NULL, rater_id FROM core.survey_ratings ORDER BY ALL"
        ).fetchall()
    assert rows == [(False, None), (True, "ana")]


def test_an_answer_after_the_as_of_is_not_known(tmp_path: Path) -> None:
    with landed(tmp_path, answer(2)).core(as_of="2026-03-04 09:30") as connection:
        assert connection.execute("FROM core.survey_ratings").fetchall() == []


def test_the_last_answer_of_the_author_is_the_rating(tmp_path: Path) -> None:
    answers = (
        answer(2, rating=1),
        answer(3, rating=4, answered_at_utc=aware("2026-03-05")),
        answer(4, rating=1, rater="ben", answered_at_utc=aware("2026-03-06")),
    )
    metric = load_catalogue()["rq_rating_favourable"]
    with landed(tmp_path, *answers).trends({metric.id: metric}) as connection:
        facts = connection.execute(
            f"SELECT subject_id, outcome, why FROM facts.{metric.id} WHERE subject_kind = 'person'"
        ).fetchall()
        assert facts == [("ben", "favourable", "survey")]
        selects = full_selects({metric.id: metric}), analyst_selects({metric.id: metric})
        assert all("core.survey_ratings" not in chosen for chosen in selects)
        assert connection.execute(selects[0][f"facts.{metric.id}"]).fetchall() == []
