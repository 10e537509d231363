"""The survey's export: what is read of it, in which forms, and what a bad answer says of itself."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connectors.errors import StopScopeError
from connectors.organization.records import SurveyAnswer
from connectors.organization.survey import COLUMNS, read_survey
from pipelines.settings import SurveyColumns

GOOD = {
    "pull_request": "Acme/API#7",
    "reviewer": "ben",
    "rater": "ana@acme.example",
    "rating": "4",
    "answered_at": "2026-03-02T09:00:00+01:00",
}


def csv_of(*rows: dict[str, str], header: tuple[str, ...] = COLUMNS) -> str:
    return (
        "\n".join([",".join(header), *(",".join(row.get(name, "") for name in header) for row in rows)])
        + "\n"
    )


def read(
    folder: Path, text: str, name: str = "answers.csv", **columns: str
) -> tuple[list[SurveyAnswer], list[Any]]:
    (folder / name).write_text(text, "utf-8")
    return read_survey(folder / name, columns, "America/New_York")


def test_an_answer(tmp_path: Path) -> None:
    answers, rejected = read(tmp_path, csv_of(GOOD))
    assert rejected == []
    assert answers == [
        SurveyAnswer(
            place="line 2",
            pull_request_ref="acme/api#7",
            reviewer="ben",
            rater="ana@acme.example",
            rating=4,
            answered_at_utc=datetime(2026, 3, 2, 8, tzinfo=UTC),
        )
    ]


@pytest.mark.parametrize(
    "told",
    [
        "acme/api#7",
        "https://github.com/acme/api/pull/7",
        "https://github.com/acme/api/pull/7/files",
        "https://ghe.acme.example/acme/api/pull/7#discussion_r1",
    ],
)
def test_a_pull_request_is_told_by_its_name_or_its_address(tmp_path: Path, told: str) -> None:
    ((answer,), _) = read(tmp_path, csv_of(GOOD | {"pull_request": told}))
    assert answer.pull_request_ref == "acme/api#7"


@pytest.mark.parametrize(
    ("told", "instant"),
    [
        ("2026-03-02T09:00:00Z", datetime(2026, 3, 2, 9, tzinfo=UTC)),
        ("2026-03-02 09:00:00", datetime(2026, 3, 2, 14, tzinfo=UTC)),
        ("2026-07-02", datetime(2026, 7, 2, 4, tzinfo=UTC)),
    ],
    ids=["with its zone", "of the reporting zone", "a day"],
)
def test_when_it_was_answered(tmp_path: Path, told: str, instant: datetime) -> None:
    ((answer,), _) = read(tmp_path, csv_of(GOOD | {"answered_at": told}))
    assert answer.answered_at_utc == instant


def test_an_export_calls_its_columns_as_it_likes_and_the_others_are_not_read(tmp_path: Path) -> None:
    header = ("Timestamp", "Pull request", "reviewer", "rater", "How useful?", "What else?")
    row = {
        "Timestamp": GOOD["answered_at"],
        "Pull request": "acme/api#7",
        "reviewer": "ben",
        "rater": "ana",
        "How useful?": "5",
        "What else?": "free text of a person",
    }
    (answers, rejected) = read(
        tmp_path,
        csv_of(row, header=header),
        pull_request="Pull request",
        rating="How useful?",
        answered_at="Timestamp",
    )
    assert rejected == []
    assert answers[0].rating == 5
    assert "free text" not in str(answers)


@pytest.mark.parametrize("name", ["answers.json", "answers.jsonl"])
def test_json_says_the_same_as_csv(tmp_path: Path, name: str) -> None:
    rows = [GOOD | {"rating": 4}, GOOD | {"rating": 2, "comment": "free text"}]
    text = json.dumps(rows) if name.endswith("json") else "\n".join(json.dumps(row) for row in rows)
    answers, rejected = read(tmp_path, text, name)
    assert rejected == []
    assert [answer.rating for answer in answers] == [4, 2]
    assert answers[0].pull_request_ref == "acme/api#7"


@pytest.mark.parametrize(
    ("bad", "field", "problem"),
    [
        ({"rating": "6"}, "rating", "unknown_value"),
        ({"rating": "4.5"}, "rating", "unknown_value"),
        ({"rating": ""}, "rating", "missing_field"),
        ({"rater": " "}, "rater", "missing_field"),
        ({"pull_request": "the one of Tuesday"}, "pull_request", "wrong_type"),
        ({"answered_at": "3/2/2026 9:00"}, "answered_at", "wrong_type"),
    ],
)
def test_a_bad_answer_is_left_out_alone_and_nothing_of_it_is_said(
    tmp_path: Path, bad: dict[str, str], field: str, problem: str
) -> None:
    answers, (reject,) = read(tmp_path, csv_of(GOOD, GOOD | bad))
    assert len(answers) == 1
    assert (reject.stream, reject.field, reject.problem) == ("survey", field, problem)
    assert reject.ref == "answers.csv, line 3"
    told = (*(value.strip() for value in bad.values()), "ana@acme", "ben")
    assert not any(value and value in reject.message for value in told)


def test_an_answer_that_is_no_object_is_left_out(tmp_path: Path) -> None:
    answers, (reject,) = read(tmp_path, json.dumps([["a"], GOOD]), "answers.json")
    assert len(answers) == 1
    assert reject.ref == "answers.json, answer 1"


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("answers.csv", csv_of(GOOD, header=COLUMNS[1:]), "not so: pull_request"),
        ("answers.csv", '"' + csv_of(GOOD), "is not a CSV file"),
        ("answers.json", "{", "is not JSON"),
        ("answers.json", '{"answers": []}', "a list of answers was wanted"),
        ("answers.jsonl", "[1]\nnonsense", "is not JSON"),
    ],
)
def test_a_file_that_cannot_be_read_is_said(tmp_path: Path, name: str, text: str, said: str) -> None:
    with pytest.raises(StopScopeError, match=said):
        read(tmp_path, text, name)


def test_a_file_that_is_not_there_or_not_utf_8_is_said(tmp_path: Path) -> None:
    with pytest.raises(StopScopeError, match="cannot be read"):
        read_survey(tmp_path / "nowhere.csv", {}, "UTC")
    (tmp_path / "latin.csv").write_bytes("pull_request,é".encode("latin-1"))
    with pytest.raises(StopScopeError, match="UTF-8"):
        read_survey(tmp_path / "latin.csv", {}, "UTC")


def test_the_settings_know_the_same_columns() -> None:
    assert tuple(SurveyColumns.model_fields) == COLUMNS
