"""The configuration files of the made-up organisation."""

import csv
import tomllib
from datetime import date
from io import StringIO
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from connectors.demo import configuration_files, make_organization
from tests.connectors.demo.reading import World

OPEN = date.max.isoformat()


def _rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(text), strict=True))


@pytest.fixture(scope="module", params=[5, 40, 300])
def files(request: pytest.FixtureRequest) -> dict[str, str]:
    return configuration_files(make_organization(engineers=request.param))


def test_the_columns_are_those_of_the_design(files: dict[str, str]) -> None:
    headers = {
        name: text.splitlines()[0]
        for name, text in files.items()
        if name.endswith(".csv") and not name.startswith("counters/")
    }
    assert headers == {
        "people.csv": "person,name,email,team,manager,role,level,time_zone,working_days,place,"
        "valid_from,valid_to,github,pagerduty,jira",
        "calendar.csv": "applies_to,first_day,last_day,kind",
        "services.csv": "service,tier,team,repository,label,valid_from,valid_to",
        "annotations.csv": "first_day,last_day,kind,applies_to,title,link",
    }


def test_the_settings_name_the_other_files(world: World) -> None:
    files = configuration_files(world.organization)
    assert tomllib.loads(files["evenhand.toml"]) == {
        "organization": {"name": "Acme (made up)", "reporting_timezone": "Europe/Berlin"},
        "storage": {"path": "."},
        "sources": {"demo": {"engineers": 40, "months": 14, "seed": 7}},
        "people": {"roster": "people.csv", "calendar": "calendar.csv", "bots": ["acme-release-bot"]},
        "services": {"file": "services.csv"},
        "goals": {"file": "goals.toml"},
        "features": {"file": "features.toml"},
        "annotations": {"file": "annotations.csv"},
    }


def test_rows_of_a_person_follow_each_other(files: dict[str, str]) -> None:
    rows_of: dict[str, list[dict[str, str]]] = {}
    for row in _rows(files["people.csv"]):
        assert row["valid_from"] < (row["valid_to"] or OPEN)
        rows_of.setdefault(row["person"], []).append(row)
    for rows in rows_of.values():
        assert all(before["valid_to"] == after["valid_from"] for before, after in pairwise(rows))


def test_managers_exist_and_one_head_has_none(files: dict[str, str]) -> None:
    rows = _rows(files["people.csv"])
    people = {row["person"] for row in rows}
    assert all(row["manager"] in people for row in rows if row["manager"])
    assert {row["role"] for row in rows if not row["manager"]} == {"head of engineering"}
    assert sum(not row["manager"] for row in rows) == 1
    managed_teams = {row["team"] for row in rows if row["role"] == "manager"}
    assert {row["team"] for row in rows if row["manager"]} == managed_teams


def test_a_login_and_an_address_belong_to_one_person(files: dict[str, str]) -> None:
    owner_of: dict[str, str] = {}
    for row in _rows(files["people.csv"]):
        for key in (*filter(None, row["github"].split(";")), row["email"], row["name"]):
            assert owner_of.setdefault(key, row["person"]) == row["person"]


def test_two_logins_of_a_person_are_split_by_a_semicolon(world: World) -> None:
    rows = _rows(configuration_files(world.organization)["people.csv"])
    two = [row["github"].split(";") for row in rows if ";" in row["github"]]
    assert two == [[account.login for _, account in world.the("second_account").accounts]]
    no_login = {row["role"] for row in rows if not row["github"]}
    assert no_login == {"manager", "head of engineering"}


def test_zones_and_working_days_are_real(files: dict[str, str]) -> None:
    for row in _rows(files["people.csv"]):
        ZoneInfo(row["time_zone"])
        assert row["working_days"] in {"12345", "1234", "12"}
        assert row["email"].endswith("@acme.example")


def test_the_calendar_applies_to_what_there_is(files: dict[str, str]) -> None:
    people = _rows(files["people.csv"])
    known = (
        {"*"} | {f"person:{row['person']}" for row in people} | {f"place:{row['place']}" for row in people}
    )
    known |= {"place:DE-BE", "place:PT-11", "place:US-NY", "place:IN-KA"}
    for row in _rows(files["calendar.csv"]):
        assert row["applies_to"] in known
        assert date.fromisoformat(row["first_day"]) <= date.fromisoformat(row["last_day"])
        assert row["kind"] == ("absence" if row["applies_to"].startswith("person:") else "holiday")


def test_holidays_are_on_their_days() -> None:
    files = configuration_files(make_organization(months=36))
    days = {(row["applies_to"], row["first_day"]) for row in _rows(files["calendar.csv"])}
    assert ("place:DE-BE", "2026-04-03") in days  # Good Friday
    assert ("place:DE-BE", "2026-05-25") in days  # Whit Monday
    assert ("place:PT-11", "2025-06-19") in days  # Corpus Christi
    assert ("place:US-NY", "2025-11-27") in days  # Thanksgiving
    assert ("place:US-NY", "2026-05-25") in days  # Memorial Day
    assert ("place:IN-KA", "2026-01-26") in days  # Republic Day
    assert ("*", "2025-12-31") in days


def test_a_service_has_one_owner_at_a_time(files: dict[str, str]) -> None:
    rows_of: dict[str, list[dict[str, str]]] = {}
    for row in _rows(files["services.csv"]):
        assert row["tier"] in {"1", "2", "3", "4"}
        rows_of.setdefault(row["service"], []).append(row)
    for rows in rows_of.values():
        assert all(before["valid_to"] == after["valid_from"] for before, after in pairwise(rows))
        assert rows[-1]["valid_to"] == ""


def test_the_default_services_show_every_tier_a_shared_repository_and_a_new_owner(world: World) -> None:
    rows = _rows(configuration_files(world.organization)["services.csv"])
    assert {row["tier"] for row in rows} == {"1", "2", "3", "4"}
    assert len({row["service"] for row in rows}) == 8
    shared = [row for row in rows if row["repository"] == "acme/payments"]
    assert [row["label"] for row in shared] == ["service:checkout", "service:invoices"]
    assert all(row["label"] == "" for row in rows if row not in shared)
    changed = [row for row in rows if row["valid_to"]]
    assert len(changed) == 1
    assert changed[0]["valid_to"].endswith("-01")
