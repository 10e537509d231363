"""Causes of incidents: what notes, tickets and reverts name, what time suspects, what people settle.

Here: core built from small conformed worlds through the real attribution. Not here: the commands.
"""

from datetime import UTC, datetime
from typing import Any

from tests.transforms.world import World, rows, utc
from transforms.causes import answers, load_settled, take_in
from transforms.queries import insert, sql


def world() -> World:
    """api: two deployments; web: one. An incident of api 20 minutes after the second."""
    made = World()
    for number, at in (("1", "2026-03-02 10:00"), ("2", "2026-03-03 10:00"), ("3", "2026-03-03 10:10")):
        pull(made, number, at)
    deploy(made, "d1", "api", "2026-03-02 12:00", ["1"])
    deploy(made, "d2", "api", "2026-03-03 12:00", ["2"])
    deploy(made, "d3", "web", "2026-03-03 12:05", ["3"])
    incident(made, "i1", "api", "2026-03-03 12:20")
    return made


def pull(made: World, number: str, merged: str, **more: Any) -> None:
    made.add(
        "pull_requests",
        pr_id=number,
        ref=f"acme/api#{number}",
        author_id="ann",
        created_at_utc=utc("2026-03-01"),
        merged_at_utc=utc(merged),
        closed_at_utc=utc(merged),
        merged_to_default_branch=True,
        service_ids=["api"],
        **more,
    )


def deploy(made: World, key: str, service: str, at: str, pulls: list[str]) -> None:
    made.add(
        "deployments",
        deployment_id=f"github:deployment/{key}",
        service_ids=[service],
        environment="production",
        status="success",
        finished_at_utc=utc(at),
        kind="normal",
        pr_ids=pulls,
    )


def incident(made: World, key: str, service: str, at: str, *, urgency: str = "high") -> None:
    made.add(
        "incidents",
        incident_id=key,
        ref=key,
        service_id=service,
        urgency=urgency,
        is_major=False,
        created_at_utc=utc(at),
        source_url=f"https://pager.example/{key}",
    )


def note(made: World, kind: str, ref: str, *, at: str = "2026-03-03 15:00") -> None:
    made.add("incident_references", incident_id="i1", kind=kind, ref=ref, noted_at_utc=utc(at))


def causes(made: World, said: list[dict[str, Any]] | None = None, as_of: str = "2026-04-01") -> list[Any]:
    with made.core(as_of) as connection:
        load_settled(connection, said or [], utc(as_of).replace(tzinfo=UTC))
        connection.execute("DELETE FROM core.incident_causes")
        parameters = {"suspect_minutes": 60, "failure_window_us": 7 * 86_400_000_000}
        insert(connection, "core.incident_causes", sql("core/all_sources/incident_causes.sql"), parameters)
        found = rows(
            connection,
            "SELECT incident_id, deployment_id, pr_id, source, evidence, answer FROM core.incident_causes "
            "ORDER BY ALL",
        )
    return [tuple(row.values()) for row in found]


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
