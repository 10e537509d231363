"""What tickets of Jira become in core: defects, follow-ups of incidents, post-mortems, changes of features.

Here: awkward tickets through the real client, landing files and SELECTs. Not here: metrics made of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from connectors.contract import Gap
from connectors.incident_tables import records as incident_tables
from connectors.jira import records as jira
from connectors.jira.client import JiraSource
from connectors.jira.conventions import Convention, Conventions
from connectors.organization.feature_records import FeatureRow
from tests.connectors.jira.builders import SERVED_AT, ServedTickets, change, history, person, ticket
from tests.transforms import landed
from tests.transforms.landed import Landed, repository
from tests.transforms.world import aware, rows
from warehouse.landing import Landing

PAGER = "https://pager.example/incidents"
DONE = {"id": "2", "name": "Done", "statusCategory": {"key": "done"}}
PRODUCTION = {"labels": ["production"]}


@dataclass(kw_only=True)
class Site:
    """Tickets with their histories, beside pull requests, incidents and features of the same days."""

    tickets: list[dict[str, Any]] = field(default_factory=list)
    histories: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    pulls: list[Any] = field(default_factory=list)
    features: list[FeatureRow] = field(default_factory=list)
    conventions: Conventions = field(default_factory=Conventions)

    def add(self, number: int, *, said: Sequence[Mapping[str, Any]] = (), **fields: Any) -> None:
        """A ticket; ``said`` is its history."""
        self.tickets.append(ticket(number, **fields))
        self.histories[number] = [dict(one) for one in said]

    def pull(self, number: int, title: str, *, merged: str | None = "2026-02-20 09:00", **more: Any) -> None:
        opened = {"created_at_utc": "2026-02-19 09:00", "merged_at_utc": merged}
        self.pulls.append(landed.pull(number, title=title, **opened, **more))

    def core(self, folder: Path, query: str, *, as_of: str = "2026-03-10 12:00") -> list[tuple[Any, ...]]:
        made = Landed(folder=folder)
        made.github("2026-03-10", [repository(), landed.account(1, "ana"), *self.pulls])
        source = JiraSource(
            transport=ServedTickets(tickets=self.tickets, histories=self.histories),
            kind="cloud",
            base_url="https://jira.example",
            conventions=self.conventions,
        )
        load = Landing(folder).open_load(
            source="jira",
            known_at_utc=SERVED_AT,
            code_version="1",
            configuration_hash="0",
            record_types=jira.RECORD_TYPES,
        )
        for page in source.pages():
            assert not isinstance(page, Gap), page
            assert page.rejected == ()
            load.write(page.records, scope=page.scope, fetched_at_utc=page.served_at_utc)
        load.finish()
        incidents = [incident("Q1"), incident("Q12"), incident("Q2-B")]
        made._load("incidents", "2026-03-10", [incidents], "incidents", incident_tables.RECORD_TYPES)
        organization = [landed.person("ana", "ana"), landed.person("ben"), *self.features]
        made.organization("2026-03-10", *organization)
        with made.core(as_of) as connection:
            return [tuple(row.values()) for row in rows(connection, query)]


def incident(name: str) -> incident_tables.IncidentRow:
    return incident_tables.IncidentRow(
        incident_id=name,
        title=None,
        source_url=f"{PAGER}/{name}",
        service=None,
        urgency="high",
        is_major=True,
        created_at_utc=aware("2026-02-20 10:00"),
        resolved_at_utc=aware("2026-02-20 11:00"),
        merged_into=None,
        resolution_tag=None,
        impact_start_at_utc=None,
        impact_end_at_utc=None,
    )


def at(text: str) -> int:
    """An instant as the bulk changelog writes it."""
    return int(aware(text).timestamp() * 1000)


def link(number: int, *, words: str, other: int, side: str = "outwardIssue") -> dict[str, Any]:
    inverse = {"is caused by": "causes"}.get(words, words)
    kind = {"name": "Cause", "outward": words, "inward": inverse}
    return {"id": str(number), "type": kind, side: {"id": str(other), "key": f"API-{other}"}}


# ------------------------------------------------------------------------------------- defects

DEFECTS = (
    "SELECT ref, found_in, split_part(introduced_by_pr_id, '/', -1), status FROM core.defects ORDER BY ref"
)


def test_a_defect_is_charged_to_the_one_change_that_somebody_named(tmp_path: Path) -> None:
    site = Site()
    site.pull(1, "A change")
    site.pull(2, "Another change")
    for number, description in (
        (11, "Breaks. Caused by acme/api#1."),
        (12, "Caused by acme/api#1. Introduced in acme/api#2."),
        (13, "This was not caused by acme/api#1."),
        (14, "Seen while reviewing acme/api#1."),
        (15, "Caused by acme/api#999, which nobody merged."),
        (16, "Caused by https://github.example/acme/api/pull/2\n\nCaused by acme/api#2."),
        (17, "> Caused by acme/api#1\n\nI do not agree."),
    ):
        site.add(number, description=description, **PRODUCTION)
    assert site.core(tmp_path, DEFECTS) == [
        ("API-11", "production", "1", "confirmed"),
        ("API-12", "production", None, "confirmed"),
        ("API-13", "production", None, "confirmed"),
        ("API-14", "production", None, "confirmed"),
        ("API-15", "production", None, "confirmed"),
        ("API-16", "production", "2", "confirmed"),
        ("API-17", "production", None, "confirmed"),
    ]


@pytest.mark.parametrize(
    ("titles", "charged"),
    [
        (["API-50: cache it"], "1"),
        (["API-50: cache it", "API-50: tests for it"], None),
        (["API-500: something else", "XAPI-50: elsewhere", "api-50 in small letters"], None),
        (['Revert "API-50: cache it"'], None),
    ],
    ids=["one change", "two changes of one ticket", "longer keys", "a revert"],
)
def test_a_link_to_a_ticket_charges_its_change_where_there_is_one_alone(
    titles: list[str], charged: str | None, tmp_path: Path
) -> None:
    site = Site()
    for number, title in enumerate(titles, start=1):
        revert = {"reverts_ref": "acme/api#7"} if title.startswith("Revert") else {}
        site.pull(number, title, **revert)
    site.pull(9, "API-50: never merged", merged=None)
    site.add(50, issuetype={"id": "4", "name": "Story"})
    site.add(60, issuelinks=[link(1, words="is caused by", other=50)], **PRODUCTION)
    assert site.core(tmp_path, DEFECTS) == [("API-60", "production", charged, "confirmed")]


def test_the_other_direction_of_a_link_charges_nobody(tmp_path: Path) -> None:
    """The bug that *causes* API-50 was not caused by it; and a mere relation says nothing."""
    site = Site()
    site.pull(1, "API-50: cache it")
    site.add(50, issuetype={"id": "4", "name": "Story"})
    site.add(60, issuelinks=[link(1, words="is caused by", other=50, side="inwardIssue")], **PRODUCTION)
    site.add(61, issuelinks=[link(2, words="relates to", other=50)], **PRODUCTION)
    assert [row[2] for row in site.core(tmp_path, DEFECTS)] == [None, None]


def test_what_became_of_a_report_is_told_by_its_resolution(tmp_path: Path) -> None:
    site = Site()
    words = ("Duplicate", "Cannot Reproduce", "Not a Bug", "Won't Fix", "Done", None)
    for number, word in enumerate(words, start=11):
        ended = (
            {"resolution": {"name": word}, "resolutiondate": "2026-03-02T10:00:00.000+0000"} if word else {}
        )
        site.add(number, **ended, **PRODUCTION)
    assert [row[3] for row in site.core(tmp_path, DEFECTS)] == [
        *("duplicate", "rejected", "rejected"),
        *("confirmed", "confirmed", "confirmed"),
    ]


def test_found_in_production_by_label_version_or_a_field_found_by_its_name(tmp_path: Path) -> None:
    """The field is told by its name, whatever number it has on this site and however it is written."""
    site = Site(
        conventions=Conventions(
            found_in_production=Convention(labels=("prod",), field="found IN", values=("Live",))
        )
    )
    site.add(11, labels=["PROD"])
    site.add(12, customfield_8={"value": "live"})
    site.add(13, customfield_8=[{"value": "Staging"}, {"value": "Live"}])
    site.add(14, customfield_8={"value": "Staging"})
    site.add(15, versions=[{"name": "1.0", "releaseDate": "2026-02-28"}])
    site.add(16, versions=[{"name": "2.0", "releaseDate": "2026-03-15"}, {"name": "3.0"}])
    site.add(17, labels=["production"])
    site.add(18, issuetype={"id": "9", "name": "Task"}, labels=["prod"])
    assert [(row[0], row[1]) for row in site.core(tmp_path, DEFECTS)] == [
        ("API-11", "production"),
        ("API-12", "production"),
        ("API-13", "production"),
        ("API-14", "elsewhere"),
        ("API-15", "production"),
        ("API-16", "elsewhere"),
        ("API-17", "elsewhere"),
    ]


# ---------------------------------------------------------------------------------- follow-ups

FOLLOWUPS = "SELECT ref, split_part(incident_id, ':', -1) FROM core.followups ORDER BY ref, incident_id"


def test_a_follow_up_belongs_to_the_incident_that_stands_nearest(tmp_path: Path) -> None:
    site = Site()
    task = {"issuetype": {"id": "9", "name": "Task"}}
    site.add(10, description=f"Review of {PAGER}/Q12", labels=["postmortem", "incident-followup"], **task)
    site.add(11, description=f"Agreed after {PAGER}/Q1.", labels=["incident-followup"], **task)
    site.add(12, parent={"id": "10", "key": "API-10"}, issuetype={"id": "5", "name": "Sub-task"})
    site.add(13, issuelinks=[link(1, words="relates to", other=10)], **task)
    site.add(14, description=f"{PAGER}/Q1", issuelinks=[link(2, words="relates to", other=10)], **task)
    site.add(15, description=f"Both {PAGER}/Q1 and ({PAGER}/Q2-B).", labels=["Follow-Up"], **task)
    site.add(16, description=f"{PAGER}/Q99 is nobody's", labels=["incident-followup"], **task)
    site.add(17, description=f"Mentions {PAGER}/Q1 only", **task)
    assert site.core(tmp_path, FOLLOWUPS) == [
        ("API-11", "Q1"),
        ("API-12", "Q12"),
        ("API-13", "Q12"),
        ("API-14", "Q1"),
        ("API-15", "Q1"),
        ("API-15", "Q2-B"),
        ("API-16", None),
    ]


DUE = "SELECT ref, due_date FROM core.followups ORDER BY ref"


def test_a_due_date_counts_as_it_was_set_before_the_one_before_it_had_passed(tmp_path: Path) -> None:
    site = Site()
    for number, moves in enumerate(
        (
            [],
            [("2026-02-20 10:00", "2026-03-05", "2026-03-20")],
            [("2026-03-05 23:00", "2026-03-05", "2026-03-20")],  # on the day itself
            [("2026-03-06 00:00", "2026-03-05", "2026-03-20")],  # it had passed
            [("2026-02-20 10:00", None, "2026-03-05")],
            [
                ("2026-02-20 10:00", "2026-03-01", "2026-03-05"),
                ("2026-03-04 10:00", "2026-03-05", "2026-03-09"),
            ],
            [("2026-02-20 10:00", "2026-03-05", None)],
        ),
        start=11,
    ):
        said = [
            history(number * 100 + place, created=at(when), items=[change("duedate", before, after)])
            for place, (when, before, after) in enumerate(moves)
        ]
        last = moves[-1][2] if moves else "2026-03-05"
        site.add(number, said=said, duedate=last, labels=["incident-followup"])
    found = dict(site.core(tmp_path, DUE))
    assert found == {
        "API-11": date(2026, 3, 5),
        "API-12": date(2026, 3, 20),
        "API-13": date(2026, 3, 20),
        "API-14": date(2026, 3, 5),
        "API-15": date(2026, 3, 5),
        "API-16": date(2026, 3, 9),
        "API-17": None,
    }


def test_a_follow_up_is_of_whoever_had_it_at_its_due_date(tmp_path: Path) -> None:
    """Handed over on the due day it is the new one's; a day later it stays with the one who had it."""
    site = Site()
    for number, when in ((11, "2026-03-05 23:59"), (12, "2026-03-06 00:00")):
        said = [history(number, created=at(when), items=[change("assignee", "account-1", "account-2")])]
        site.add(number, said=said, duedate="2026-03-05", assignee=person(2), labels=["incident-followup"])
    site.add(13, duedate="2026-03-05", labels=["incident-followup"])
    found = site.core(tmp_path, "SELECT ref, assignee_id FROM core.followups ORDER BY ref")
    assert found == [("API-11", "jira:user/account-2"), ("API-12", "jira:user/account-1"), ("API-13", None)]


# -------------------------------------------------------------------------------- post-mortems


def test_a_post_mortem_is_published_when_it_is_first_done(tmp_path: Path) -> None:
    site = Site()
    moves = [
        history(1, created=at("2026-03-02 10:00"), items=[change("status", "1", "2")]),
        history(2, created=at("2026-03-03 10:00"), items=[change("status", "2", "1")]),
        history(3, created=at("2026-03-04 10:00"), items=[change("status", "1", "2")]),
    ]
    site.add(11, said=moves, status=DONE, description=f"{PAGER}/Q1", labels=["postmortem"])
    site.add(12, description=f"{PAGER}/Q12, not done", labels=["postmortem"])
    site.add(13, said=moves[:1], status=DONE, description="names no incident", labels=["postmortem"])
    site.add(14, said=moves[:1], status=DONE, description=f"{PAGER}/Q12, no post-mortem")
    query = (
        "SELECT ref, split_part(incident_id, ':', -1), published_at_utc::VARCHAR "
        "FROM core.postmortems ORDER BY ref"
    )
    assert site.core(tmp_path, query) == [("API-11", "Q1", "2026-03-02 10:00:00")]
    before = site.core(tmp_path / "before", query, as_of="2026-03-02 09:59")
    assert before == []


# ------------------------------------------------------------------------- changes of features


def feature(feature_id: str, **more: Any) -> FeatureRow:
    given: dict[str, Any] = {
        "title": feature_id,
        "team_id": None,
        "released": None,
        "epic": None,
        "flag": None,
        "documentation_url": None,
        "needs_documentation": True,
    }
    return FeatureRow(feature_id=feature_id, **given | more)


def test_changes_belong_to_a_feature_by_its_epic_its_tickets_or_a_label(tmp_path: Path) -> None:
    epic = {"id": "70", "key": "API-70", "fields": {"issuetype": {"name": "Epic", "hierarchyLevel": 1}}}
    site = Site(features=[feature("exports", epic="API-70"), feature("gifts", flag="Gifts-v2")])
    site.add(70, issuetype={"id": "1", "name": "Epic", "hierarchyLevel": 1})
    site.add(71, issuetype={"id": "4", "name": "Story"}, parent=epic)
    story = {"id": "71", "key": "API-71", "fields": {"issuetype": {"name": "Story", "hierarchyLevel": 0}}}
    site.add(72, issuetype={"id": "5", "name": "Sub-task"}, parent=story)
    moved = [history(9, created=at("2026-03-02 10:00"), items=[change("Key", "OLD-7", "API-73")])]
    site.add(73, said=moved, issuetype={"id": "4", "name": "Story"}, parent=epic)
    site.add(79, issuetype={"id": "4", "name": "Story"})
    for number, title in enumerate(
        (
            *("API-70: begin", "API-71: a story", "[API-72] a part of it", "OLD-7: before it was moved"),
            *("API-79: something else", "API-710 is longer", "no key at all"),
        ),
        start=1,
    ):
        site.pull(number, title)
    site.pull(8, "switched", labels=("gifts-V2",))
    site.pull(9, "switched off", labels=("gifts-v20",))
    site.pull(10, "API-71: labelled too", labels=("feature:gifts",))
    query = (
        "SELECT feature_id, split_part(pr_id, '/', -1)::INT AS pr, named_by "
        "FROM core.feature_changes ORDER BY ALL"
    )
    assert site.core(tmp_path, query) == [
        *(("exports", 1, "epic"), ("exports", 2, "ticket"), ("exports", 3, "ticket")),
        *(("exports", 4, "ticket"), ("exports", 10, "ticket")),
        *(("gifts", 8, "label"), ("gifts", 10, "label")),
    ]
