"""Suggestions: what is evidence, and what silences it."""

from typing import Any

import pytest

from benchmarks.identity_suggestions import measure, pairs_of
from tests.shared_material import needed
from transforms.identity import Identities, replay
from transforms.suggestions import Handle, RosterPerson, suggestions

ANN = RosterPerson(person_id="ann", emails=("Ann@acme.example",), logins=(("github", "ann-codes"),))
BOB = RosterPerson(person_id="bob", emails=("bob@acme.example",), logins=(("github", "bob"),))
GITHUB, JIRA = "github:user/1", "jira:user/7"
NOTHING = Identities()


def handle(kind: str, value: str, account_id: str = GITHUB) -> Handle:
    return Handle(account_id=account_id, source=account_id.partition(":")[0], kind=kind, value=value)


def state(*entries: dict[str, Any]) -> Identities:
    return replay([{"known_at_utc": "2026-03-03T00:00:00Z"} | entry for entry in entries])


def found(
    *handles: Handle, known: Identities = NOTHING, people: tuple[RosterPerson, ...] = (ANN, BOB), **more: Any
) -> list[tuple[str, str, list[str]]]:
    return [
        (one.account_id, one.person_id, [kind for kind, _ in one.evidence])
        for one in suggestions(handles, people, known, **more)
    ]


@pytest.mark.parametrize(
    ("kind", "evidence"),
    [("verified_email", "verified e-mail"), ("saml", "SAML identity"), ("email", "e-mail")],
)
def test_an_address_of_one_person_is_evidence_in_any_letters(kind: str, evidence: str) -> None:
    assert found(handle(kind, "ANN@acme.example")) == [(GITHUB, "ann", [evidence])]


def test_exactly_the_login_of_another_source_is_evidence() -> None:
    assert found(handle("login", "Ann-Codes", JIRA)) == [(JIRA, "ann", ["exact login"])]
    bound = state({"action": "bind", "account_id": "github:user/3", "person_id": "bob"})
    assert found(handle("login", "late", "github:user/3"), handle("login", "late", JIRA), known=bound) == [
        (JIRA, "bob", ["exact login"])
    ]


@pytest.mark.parametrize(
    "login", ["ann", "ann_codes", "ann-codes_acme", "ann.codes", "anncodes", "Ann Codes"]
)
def test_a_login_that_is_only_like_it_is_none(login: str) -> None:
    assert found(handle("login", login, JIRA)) == []


def test_a_login_of_the_same_source_is_none_because_a_night_binds_those_once() -> None:
    assert found(handle("login", "bob")) == []


def test_names_are_no_evidence() -> None:
    """A roster id, the part of an address before the @, or a name: none of them is a login."""
    people = (RosterPerson(person_id="chris", emails=("chris@acme.example",)),)
    for kind, value in (("login", "chris"), ("name", "chris@acme.example"), ("saml", "chris")):
        assert found(handle(kind, value, JIRA), people=people) == []


def test_evidence_for_two_people_is_silence() -> None:
    shared = (ANN, RosterPerson(person_id="bob", emails=("ann@acme.example",)))
    assert found(handle("verified_email", "ann@acme.example"), people=shared) == []
    assert found(handle("verified_email", "ann@acme.example"), handle("saml", "bob@acme.example")) == []
    against = [handle("email", "ann@acme.example", JIRA), handle("login", "bob", JIRA)]
    assert found(*against) == []


def test_several_kinds_of_evidence_for_one_person_stand_together_the_strongest_first() -> None:
    several = [
        handle("login", "ann-codes", JIRA),
        handle("saml", "ann@acme.example", JIRA),
        handle("verified_email", "ann@acme.example", JIRA),
    ]
    assert found(*several) == [(JIRA, "ann", ["verified e-mail", "SAML identity", "exact login"])]


def test_a_login_is_not_enough_for_a_second_account_of_the_source_but_an_address_is() -> None:
    known = state({"action": "bind", "account_id": "jira:user/1", "person_id": "bob"})
    assert found(handle("login", "bob", JIRA), known=known) == []
    assert found(handle("email", "bob@acme.example", JIRA), known=known) == [(JIRA, "bob", ["e-mail"])]


def test_two_accounts_with_the_same_login_are_both_left_alone() -> None:
    assert found(handle("login", "bob", JIRA), handle("login", "BOB", "jira:user/8")) == []


@pytest.mark.parametrize(
    "entry",
    [
        {"action": "bind", "account_id": GITHUB, "person_id": "bob"},
        {"action": "exclude", "account_id": GITHUB, "reason": "x"},
    ],
)
def test_what_is_decided_is_not_suggested(entry: dict[str, Any]) -> None:
    assert found(handle("verified_email", "ann@acme.example"), known=state(entry)) == []


def test_what_was_taken_back_is_not_suggested_for_that_person_again() -> None:
    bound = {"action": "bind", "account_id": GITHUB, "person_id": "ann"}
    taken_back = state(bound, {"action": "detach", "account_id": GITHUB, "person_id": "ann"})
    assert found(handle("verified_email", "ann@acme.example"), known=taken_back) == []
    assert found(handle("verified_email", "bob@acme.example"), known=taken_back) == [
        (GITHUB, "bob", ["verified e-mail"])
    ]


def test_bots_are_nobody() -> None:
    assert found(handle("verified_email", "ann@acme.example"), bots=frozenset({GITHUB})) == []


def test_initials_are_not_enough() -> None:
    people = (RosterPerson(person_id="ann", logins=(("github", "al"),)),)
    assert found(handle("login", "al", JIRA), people=people) == []


def test_merged_people_are_one() -> None:
    people = (ANN, RosterPerson(person_id="ann2", emails=("ann@acme.example",)))
    merged = state({"action": "merge", "person_id": "ann2", "into": "ann"})
    assert found(handle("email", "ann@acme.example"), people=people, known=merged) == [
        (GITHUB, "ann", ["e-mail"])
    ]


def test_the_benchmark_counts_wrong_suggestions_as_wrong() -> None:
    """Two swapped logins: each looks like the other person's. Nothing of the real list is needed for that."""
    found = measure([("mika", "noor"), ("noor", "mika"), ("same", "same"), ("one", "another")])
    assert (found.accounts, found.suggested, found.right, found.recall) == (4, 3, 1, 0.25)
    assert found.wrong_without_owner == 2


def test_exact_logins_are_right_on_the_hand_checked_list() -> None:
    path = needed("data", "identity", "lucene_jira_github_accounts.csv.gz")
    found = measure(pairs_of(path, "GitHubAccount", "JiraName"))
    assert found.suggested - found.right == 0
    assert found.wrong_without_owner == 0
    assert found.recall > 0.6
