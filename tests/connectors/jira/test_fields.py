"""Which fields of a Jira are read: found by kind and name, as numbers and spellings differ between sites."""

from typing import Any

import pytest

from connectors.contract import Gap
from connectors.jira.client import JiraSource
from connectors.jira.conventions import Convention, Conventions
from connectors.jira.fields import find_fields
from tests.connectors.jira import builders
from tests.connectors.jira.builders import ServedTickets, ticket

SPRINT = "com.pyxis.greenhopper.jira:gh-sprint"
EPIC = "com.pyxis.greenhopper.jira:gh-epic-link"


def shown(number: int, name: str, kind: str = "select") -> dict[str, Any]:
    return {"id": f"customfield_{number}", "name": name, "custom": True, "schema": {"custom": kind}}


def test_ids_and_names_of_another_site_change_nothing_of_what_is_found() -> None:
    one = [shown(10020, "Sprint", SPRINT), shown(10014, "Epic Link", EPIC), shown(10100, "Found in")]
    other = [shown(7, "Found in "), shown(8, "Épopée", EPIC), shown(9, "Itération", SPRINT)]
    for listed in (one, other):
        found = find_fields([{"id": "status", "name": "Status"}, *listed, None, {"id": 3}], ["found IN"])
        by_name = {entry["name"].strip(): entry["id"] for entry in listed}
        assert found.conventions == {"found IN": by_name["Found in"]}
        assert (found.unknown, dict(found.ambiguous)) == ((), {})
        kinds = {entry["schema"]["custom"]: entry["id"] for entry in listed}
        assert (found.sprint, found.epic) == (kinds[SPRINT], kinds[EPIC])
        assert set(found.wanted) >= {kinds[SPRINT], kinds[EPIC], by_name["Found in"]}
        assert len(found.changed) <= 10


def test_two_fields_of_one_name_are_none_until_one_is_named_by_its_id() -> None:
    listed = [shown(1, "Found in"), shown(2, "found in"), shown(3, "Severity")]
    found = find_fields(listed, ["Found in", "Severity", "Nowhere"])
    assert found.conventions == {"Severity": "customfield_3"}
    assert found.ambiguous == {"Found in": ("customfield_1", "customfield_2")}
    assert found.unknown == ("Nowhere",)
    assert find_fields(listed, ["customfield_2"]).conventions == {"customfield_2": "customfield_2"}


def test_a_field_that_is_called_like_the_id_of_another_is_not_taken_for_it() -> None:
    listed = [shown(1, "customfield_2"), shown(2, "Found in")]
    assert find_fields(listed, ["customfield_2"]).conventions == {"customfield_2": "customfield_2"}


def test_a_name_of_two_fields_is_a_gap_that_names_both_and_tickets_come_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(builders, "FIELDS", [*builders.FIELDS, shown(99, "FOUND IN")])
    convention = Convention(field="Found in", values=("Live",))
    source = JiraSource(
        transport=ServedTickets(tickets=[ticket(11)]),
        kind="cloud",
        base_url="https://jira.example",
        conventions=Conventions(found_in_production=convention),
    )
    given = list(source.pages())
    (gap,) = (one for one in given if isinstance(one, Gap))
    assert gap.scope == "jira:conventions"
    assert 'has 2 fields "Found in" of [sources.jira]: customfield_8, customfield_99.' in gap.message
    assert "Name it by its id." in gap.message
    assert any(
        record.key == "jira:issue/11" for one in given if not isinstance(one, Gap) for record in one.records
    )
