"""Causes of incidents: what notes, tickets and reverts name, what time suspects, what people settle.

Here: core built from small conformed worlds through the real attribution. Not here: the commands.
"""

from datetime import UTC, datetime
from typing import Any

from tests.transforms.incidents import causes, deploy, incident, note, pull, world
from tests.transforms.world import utc
from transforms.causes import answers, take_in

D1, D2, D3 = (f"github:deployment/d{number}" for number in (1, 2, 3))
SUSPECT = ("i1", D2, None, "heuristic", "time", None)


def test_without_a_word_the_last_deployment_of_the_same_service_within_an_hour_is_suspected() -> None:
    assert causes(world()) == [SUSPECT]


def test_an_hour_and_a_second_is_no_ground_for_suspicion_and_neither_is_low_urgency() -> None:
    made = world()
    incident(made, "late", "web", "2026-03-03 13:05:01")
    incident(made, "low", "web", "2026-03-03 12:06", urgency="low")
    incident(made, "just", "web", "2026-03-03 13:05:00")
    assert causes(made) == [SUSPECT, ("just", D3, None, "heuristic", "time", None)]


def test_a_note_that_names_a_change_names_the_deployment_that_carried_it() -> None:
    for ref in ("acme/api#1", "#1", "ACME/api#1"):
        made = world()
        note(made, "pull_request", ref)
        assert causes(made) == [("i1", D1, "1", "explicit", "note", None)]


def test_a_note_that_names_a_deployment() -> None:
    made = world()
    note(made, "deployment", "d1")
    assert causes(made) == [("i1", D1, None, "explicit", "note", None)]


def test_the_fix_is_not_the_cause_but_a_revert_says_what_was() -> None:
    made = world()
    pull(made, "9", "2026-03-03 13:00")
    note(made, "pull_request", "acme/api#9")
    assert causes(made) == [SUSPECT]
    pull(made, "10", "2026-03-03 13:00", reverts_pr_id="1")
    note(made, "pull_request", "acme/api#10")
    assert causes(made) == [("i1", D1, "1", "explicit", "note", None)]


def test_what_was_deployed_more_than_a_week_before_is_not_what_broke() -> None:
    made = world()
    pull(made, "0", "2026-02-20 10:00")
    deploy(made, "d0", "api", "2026-02-24 12:19:59", ["0"])
    note(made, "pull_request", "acme/api#0")
    assert causes(made) == [SUSPECT]
    deploy(made, "d00", "api", "2026-02-24 12:20:00", ["0"])
    assert causes(made) == [("i1", "github:deployment/d00", "0", "explicit", "note", None)]


def test_two_deployments_named_are_none() -> None:
    made = world()
    note(made, "pull_request", "acme/api#1")
    note(made, "pull_request", "acme/api#2")
    assert causes(made) == [SUSPECT]


def test_a_note_is_known_from_when_it_was_written() -> None:
    made = world()
    note(made, "pull_request", "acme/api#1", at="2026-03-05 09:00")
    assert causes(made, as_of="2026-03-04") == [SUSPECT]
    assert causes(made, as_of="2026-03-05 09:00") == [("i1", D1, "1", "explicit", "note", None)]


def test_a_ticket_that_says_caused_by() -> None:
    made = world()
    made.add("tickets", ticket_id="t1", ref="OPS-1", created_at_utc=utc("2026-03-04"))
    made.add("ticket_references", ticket_id="t1", names="acme/api#1", is_cause=True)
    made.add("ticket_references", ticket_id="t1", names="https://pager.example/i1", is_cause=False)
    assert causes(made) == [("i1", D1, "1", "explicit", "ticket", None)]


OID = "a1b2c3d" + "0" * 33


def test_a_commit_names_the_deployment_of_it_or_the_change_that_was_merged_as_it() -> None:
    for ref in ("a1b2c3d", OID, OID[:12], "A1B2C3D"):
        made = world()
        pull(made, "4", "2026-03-02 11:00", merge_commit_oid=OID)
        deploy(made, "d4", "api", "2026-03-02 13:00", ["1", "4"])
        note(made, "commit", ref)
        assert causes(made) == [("i1", "github:deployment/d4", "4", "explicit", "note", None)]
        made.tables["deployments"][-1]["commit_oid"] = OID  # then the words may mean either
        assert causes(made) == [("i1", "github:deployment/d4", None, "explicit", "note", None)]


def test_a_commit_that_begins_like_two_or_like_none_names_nobody() -> None:
    made = world()
    for number, end in (("4", "1"), ("5", "2")):
        pull(made, number, "2026-03-02 11:00", merge_commit_oid=f"a1b2c3d{end * 33}")
        deploy(made, f"d{number}", "api", f"2026-03-02 13:0{number}", [number])
    note(made, "commit", "a1b2c3d")
    assert causes(made) == [SUSPECT]
    made.tables["incident_references"][0]["ref"] = "a1b2c3d11"
    assert causes(made) == [("i1", "github:deployment/d4", "4", "explicit", "note", None)]
    made.tables["incident_references"][0]["ref"] = "b1b2c3d"
    assert causes(made) == [SUSPECT]
    made.tables["incident_references"][0]["ref"] = "a1b2c3d1"
    made.tables["deployments"][0]["commit_oid"] = f"a1b2c3d1{'3' * 32}"  # a deployment begins so too
    assert causes(made) == [SUSPECT]


def test_the_commit_of_a_revert_names_what_it_took_back() -> None:
    made = world()
    pull(made, "10", "2026-03-03 13:00", reverts_pr_id="1", merge_commit_oid=OID)
    note(made, "commit", "a1b2c3d")
    assert causes(made) == [NAMED]


def test_a_version_is_of_the_incidents_own_service_and_else_of_the_only_one_that_has_it() -> None:
    def found(*versions: tuple[str, str, str], said: str = "v1.2.3") -> list[Any]:
        made = world()
        made.tables["deployments"].clear()
        for key, service, version in versions:
            deploy(made, key, service, "2026-03-02 12:00", [], version=version, commit_oid=f"{key}-oid")
        note(made, "version", said)
        return [row[1].split("/")[1] for row in causes(made)]

    assert found(("a", "api", "v1.2.3"), ("b", "web", "v1.2.3"), ("c", "api", "v1.2.4")) == ["a"]
    assert found(("b", "web", "v1.2.3")) == ["b"]
    assert found(("b", "web", "v1.2.3"), ("c", "cart", "v1.2.3")) == []
    assert found(("a", "api", "v1.2.3"), ("b", "api", "pay-v1.2.3")) == []
    for name in ("1.2.3", "V1.2.3", "api-v1.2.3", "api/1.2.3", "@acme/api@1.2.3"):
        assert found(("a", "api", name)) == ["a"]
    assert found(("a", "api", "v1.2.3"), said="1.2.3") == ["a"]
    assert found(("a", "api", "api-v1.2.3"), said="cart-v1.2.3") == []
    assert found(("a", "api", "v1.2.30"), ("b", "api", "v11.2.3")) == []


def test_a_version_deployed_twice_is_the_last_of_them_before_the_incident() -> None:
    made = world()
    for key, at in (("a", "2026-03-02 12:00"), ("b", "2026-03-03 11:00"), ("c", "2026-03-03 12:30")):
        deploy(made, key, "api", at, [], version="v1.2.3", commit_oid=OID)
    note(made, "version", "v1.2.3")
    assert causes(made) == [("i1", "github:deployment/b", None, "explicit", "note", None)]


def test_a_deployment_is_named_by_its_address_or_by_what_its_table_calls_it() -> None:
    made = world()
    where = "https://cd.acme.example/Deploys/99"
    deploy(made, "x", "api", "2026-03-02 12:00", [], source_url=where, ref="99-blue")
    for ref in (where, where.lower(), "99-blue"):
        made.tables["incident_references"] = []
        note(made, "deployment", ref)
        assert causes(made) == [("i1", "github:deployment/x", None, "explicit", "note", None)]
    deploy(made, "y", "api", "2026-03-02 13:00", [], source_url=where)
    made.tables["incident_references"] = []
    note(made, "deployment", where)
    assert causes(made) == [SUSPECT], "an address that two share is of neither"


def test_a_ticket_that_says_caused_by_a_commit_a_version_or_a_deployment() -> None:
    for names, key in (
        (OID[:8], "d1"),
        ("v1.2.3", "d2"),
        ("deployment d3", "d3"),
        ("https://cd.example/d2", "d2"),
    ):
        made = world()
        for row in made.tables["deployments"]:
            place = row["deployment_id"][-2:]
            row["commit_oid"] = OID if place == "d1" else None
            row["version"] = "v1.2.3" if place == "d2" else None
            row["source_url"] = f"https://cd.example/{place}"
        made.add("tickets", ticket_id="t1", ref="OPS-1", created_at_utc=utc("2026-03-04"))
        made.add("ticket_references", ticket_id="t1", names=names, is_cause=True)
        made.add("ticket_references", ticket_id="t1", names="https://pager.example/i1", is_cause=False)
        assert causes(made) == [("i1", f"github:deployment/{key}", None, "explicit", "ticket", None)]


def said(answer: str, other: str | None = None) -> dict[str, Any]:
    return {"incident_id": "i1", "deployment_id": D2, "answer": answer, "other": other, "by": "ann"}


def dated(entries: list[dict[str, Any]], at: str) -> list[dict[str, Any]]:
    return entries + take_in(entries, utc(at).replace(tzinfo=UTC))


def test_answers_hold_from_the_night_that_takes_them_in_and_can_be_opened_again() -> None:
    entries = [said("yes")]
    assert causes(world(), entries) == [SUSPECT]
    entries = dated(entries, "2026-03-10")
    assert causes(world(), entries, "2026-03-09") == [SUSPECT]
    assert causes(world(), entries) == [(*SUSPECT[:5], "yes")]
    entries = dated([*entries, said("reopen")], "2026-03-20")
    assert causes(world(), entries) == [SUSPECT]
    assert causes(world(), entries, "2026-03-19") == [(*SUSPECT[:5], "yes")]
    assert answers(entries) == []
    assert take_in(entries, datetime(2026, 4, 1, tzinfo=UTC)) == []


def test_another_change_gets_a_confirmed_link_and_the_suspect_none() -> None:
    entries = dated([said("other_change", "1")], "2026-03-10")
    assert causes(world(), entries) == [
        ("i1", D1, "1", "confirmed", "settled", None),
        (*SUSPECT[:5], "other_change"),
    ]
    assert causes(world(), dated([said("other_change")], "2026-03-10")) == [(*SUSPECT[:5], "other_change")]


NAMED = ("i1", D1, "1", "explicit", "note", None)


def test_a_note_that_was_read_wrongly_is_taken_back_by_whoever_knows_and_suspects_nobody_instead() -> None:
    made = world()
    note(made, "pull_request", "acme/api#1")
    about_it = {**said("not_a_change"), "deployment_id": D1}
    assert causes(made, dated([about_it], "2026-03-10"), "2026-03-09") == [NAMED]
    assert causes(made, dated([about_it], "2026-03-10")) == []
    other = {**said("other_change", "2"), "deployment_id": D1}
    assert causes(made, dated([other], "2026-03-10")) == [("i1", D2, "2", "confirmed", "settled", None)]
    assert causes(made, dated([{**about_it, "answer": "yes"}], "2026-03-10")) == [NAMED]
    assert causes(made, dated([{**about_it, "answer": "unknown"}], "2026-03-10")) == [NAMED]


def test_an_answer_about_a_suspicion_says_nothing_of_what_a_note_names() -> None:
    made = world()
    note(made, "pull_request", "acme/api#1")
    assert causes(made, dated([said("not_a_change")], "2026-03-10")) == [NAMED]


def test_a_deployment_that_turns_up_later_takes_no_answer_away() -> None:
    made = world()
    deploy(made, "d2b", "api", "2026-03-03 12:10", ["2"])
    late = ("i1", "github:deployment/d2b", None, "heuristic", "time", None)
    assert causes(made) == [late]
    confirmed = ("i1", D2, None, "confirmed", "settled", None)
    assert causes(made, dated([said("yes")], "2026-03-10")) == [confirmed]
    assert causes(made, dated([said("not_a_change")], "2026-03-10")) == []
    assert causes(made, dated([said("other_change", "1")], "2026-03-10")) == [
        ("i1", D1, "1", "confirmed", "settled", None)
    ]
    for open_still in ("unknown", "other_change"):
        assert causes(made, dated([said(open_still)], "2026-03-10")) == [late]


def test_a_change_can_be_named_for_an_incident_that_nothing_explains() -> None:
    made = world()
    incident(made, "i2", "api", "2026-03-06 09:00")
    of_it = {"incident_id": "i2", "deployment_id": None, "by": "ann"}
    named = {**of_it, "answer": "other_change", "other": "2"}
    assert causes(made, dated([named], "2026-03-10")) == [
        SUSPECT,
        ("i2", D2, "2", "confirmed", "settled", None),
    ]
    for end in ({"answer": "not_a_change", "other": None}, {"answer": "other_change", "other": D1}):
        found = causes(made, dated([{**of_it, **end}], "2026-03-10"))
        wanted = [("i2", D1, None, "confirmed", "settled", None)] if end["other"] else []
        assert found == [SUSPECT, *wanted]


def test_a_fix_that_a_note_names_says_what_it_fixes() -> None:
    made = world()
    pull(made, "9", "2026-03-03 13:00", fixes_pr_ids=["1"])
    note(made, "pull_request", "acme/api#9")
    assert causes(made) == [NAMED]


def test_a_fix_whose_text_names_the_incident_and_the_change_is_evidence_without_a_note() -> None:
    address = ["https://pager.example/i1"]
    made = world()
    pull(made, "9", "2026-03-03 13:00", fixes_pr_ids=["1"], incident_urls=address)
    made.tables["pull_requests"][-1]["created_at_utc"] = utc("2026-03-03 12:40")
    assert causes(made) == [("i1", D1, "1", "explicit", "trailer", None)]
    made.tables["pull_requests"][-1]["created_at_utc"] = utc("2026-03-03 12:00")
    assert causes(made) == [SUSPECT], (
        "opened before the incident, so its text was changed or speaks of another"
    )


def test_a_fix_of_something_never_deployed_is_no_evidence() -> None:
    made = world()
    pull(made, "9", "2026-03-03 13:00", fixes_pr_ids=["github:else/where/pull/3"])
    note(made, "pull_request", "acme/api#9")
    assert causes(made) == [SUSPECT]
