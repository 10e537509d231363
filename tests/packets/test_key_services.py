"""Key services that a person touched: what held, what did not, what nobody knows, what is still watched."""

import re
from datetime import datetime
from typing import Any

import pytest

from packets.key_services import HEALTHY, LATER, NO_SERVICES, NONE_TOUCHED
from packets.packet import Packet
from packets.write import packet_csv, packet_html
from tests.packets import organisation
from tests.packets.organisation import Organisation, small, utc
from tests.packets.test_packet import packet_of, text_of


@pytest.fixture(autouse=True)
def _with_the_share_that_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(organisation, "METRICS", (*organisation.METRICS, HEALTHY))


def changed(
    made: Organisation,
    number: int,
    *,
    merged: str,
    deployed: str | None = None,
    services: tuple[str, ...] = ("checkout",),
    author: str = "ana",
    reverts: str | None = None,
    **outcome: Any,
) -> str:
    """A change of the repository, and its first production deployment to the services, with how that went."""
    ref = f"acme/api#{number}"
    made.pull_request(ref, title=f"Change <{number}>", created=utc("2026-04-01 08:00"), author=author)
    row = made.rows["core.pull_requests"][-1]
    row |= {"merged_at_utc": utc(merged), "service_ids": list(services), "reverts_pr_id": reverts}
    if deployed is not None:
        for service in services:
            at(made, row["pr_id"], service, utc(deployed), outcome)
    return str(row["pr_id"])


def at(made: Organisation, pr_id: str, service: str, deployed: datetime, outcome: dict[str, Any]) -> None:
    key = {"subject_kind": "service", "subject_id": service, "deployment_id": f"d/{pr_id}"}
    made.rows["core.first_deployments"].append({**key, "pr_id": pr_id, "deployed_at_utc": deployed})
    given = {
        "is_failed": False,
        "is_suspected": False,
        "pr_ids": [pr_id],
        "incident_ids": [],
        "suspect_incident_ids": [],
        "reverted_pr_ids": [],
        "named_pr_ids": [],
        "kind": "normal",
    } | outcome
    made.rows["core.deployment_outcomes"].append({**key, **given, "finished_at_utc": deployed})


def standings(packet: Packet, service: str = "checkout") -> dict[str, list[tuple[str, str, str]]]:
    (found,) = (one for one in packet.key_services if one.service == service)
    return {
        one.heading: [(change.ref, change.day, change.why) for change in one.changes]
        for one in found.standings
    }


def test_each_change_stands_where_it_belongs_with_its_date() -> None:
    """As of 28 June 04:00 the week of a deployment on 21 June 03:59:59 is over, that of 04:00 is not."""
    made = small("2026-06-28 04:00")
    changed(made, 901, merged="2026-05-04 08:00", deployed="2026-05-05 21:59")
    changed(made, 902, merged="2026-06-20 08:00", deployed="2026-06-21 03:59:59")
    changed(made, 903, merged="2026-06-20 08:00", deployed="2026-06-21 04:00")
    changed(made, 904, merged="2026-06-22 08:00")
    reverted = "github:1/pull/905"
    pr_id = changed(made, 905, merged="2026-05-06 08:00", deployed="2026-05-06 09:00", is_failed=True)
    made.rows["core.deployment_outcomes"][-1]["reverted_pr_ids"] = [pr_id, reverted]
    pr_id = changed(made, 906, merged="2026-05-07 08:00", deployed="2026-05-07 09:00", is_failed=True)
    made.rows["core.deployment_outcomes"][-1] |= {"named_pr_ids": [pr_id], "incident_ids": ["pd/1"]}
    made.rows["core.incidents"].append(
        {"incident_id": "pd/1", "ref": "PD1", "source_url": "https://pd.example.test/1"}
    )
    both = ["x", "y"]
    changed(made, 907, merged="2026-05-08 08:00", deployed="2026-05-08 09:00", is_failed=True, pr_ids=both)
    changed(
        *(made, 908),
        merged="2026-05-08 08:00",
        deployed="2026-05-08 10:00",
        is_failed=True,
        pr_ids=both,
        named_pr_ids=["somebody-elses"],
    )
    changed(made, 909, merged="2026-05-09 08:00", deployed="2026-05-09 09:00", is_suspected=True, pr_ids=both)
    changed(made, 910, merged="2026-05-10 08:00", deployed="2026-05-10 09:00", is_failed=True)
    found = standings(packet_of(made))
    assert found == {
        "Held past the 7 days watched": [
            ("acme/api#901", "5 May 2026", ""),
            ("acme/api#908", "8 May 2026", "another change of its deployment was named"),
            ("acme/api#902", "21 June 2026", ""),
        ],
        "Did not hold": [
            ("acme/api#905", "6 May 2026", "reverted"),
            ("acme/api#906", "7 May 2026", "named as a cause"),
            ("acme/api#910", "10 May 2026", "alone in a failed deployment"),
        ],
        "Its deployment failed, and nobody has named which of its changes: unattributed": [
            ("acme/api#907", "8 May 2026", "")
        ],
        "Suspected by time alone, which is no finding": [("acme/api#909", "9 May 2026", "")],
        "Held so far, and still within the 7 days": [("acme/api#903", "21 June 2026", "")],
        "Merged, not in production by 28 June 2026": [("acme/api#904", "22 June 2026", "")],
    }
    page = packet_html(packet_of(made))
    assert '<a href="https://pd.example.test/1" rel="noreferrer">PD1</a>' in page
    assert "Change &lt;905&gt;" in page
    assert "Change <905>" not in page


def test_only_own_changes_of_the_quarter_to_services_that_were_key_then() -> None:
    """A revert is the remedy; tiers and teams are those of the time; the quarter is the reporting zone's."""
    made = small()
    checkout = next(row for row in made.rows["core.services"] if row["service_id"] == "checkout")
    checkout["valid_to_utc"] = utc("2026-05-31 22:00")
    made.rows["core.services"].append(
        {
            **checkout,
            "tier": 2,
            "team_id": "blue",
            "valid_from_utc": utc("2026-05-31 22:00"),
            "valid_to_utc": None,
        }
    )
    changed(made, 901, merged="2026-05-04 08:00", deployed="2026-05-05 08:00")
    changed(made, 902, merged="2026-06-04 08:00", deployed="2026-06-05 08:00")
    changed(made, 903, merged="2026-05-04 08:00", deployed="2026-05-05 08:00", author="ben")
    changed(made, 904, merged="2026-05-04 08:00", deployed="2026-05-05 08:00", reverts="github:1/pull/1")
    changed(made, 905, merged="2026-05-04 08:00", deployed="2026-05-05 08:00", services=("wiki",))
    changed(made, 906, merged="2026-03-30 08:00", deployed="2026-03-31 21:59:59")
    changed(made, 907, merged="2026-03-30 08:00", deployed="2026-03-31 22:00")
    changed(made, 908, merged="2026-06-30 08:00", deployed="2026-06-30 22:00")
    (service,) = packet_of(made).key_services
    assert (service.service, service.tier, service.team) == ("checkout", "tier 1 and tier 2", "core and blue")
    assert [[change.ref[-3:] for change in one.changes] for one in service.standings] == [
        ["907", "901", "902"],
        ["908"],
    ]


def test_a_change_stands_at_each_service_by_what_happened_there() -> None:
    made = small()
    made.rows["core.services"].append(
        {"service_id": "ledger", "tier": 2, "team_id": "core", "repository": "acme/api"}
    )
    pr_id = changed(made, 901, merged="2026-05-04 08:00", deployed="2026-05-05 08:00", is_failed=True)
    made.rows["core.pull_requests"][-1]["service_ids"] = ["checkout", "ledger", "wiki"]
    at(made, pr_id, "ledger", utc("2026-05-06 08:00"), {})
    packet = packet_of(made)
    assert standings(packet) == {
        "Did not hold": [("acme/api#901", "5 May 2026", "alone in a failed deployment")]
    }
    assert standings(packet, "ledger") == {
        "Held past the 7 days watched": [("acme/api#901", "6 May 2026", "")]
    }
    # Alone in a failed deployment at one, among others at the other: one case, and it says where.
    bundle = {"is_failed": True, "pr_ids": [pr_id, "another"]}
    made.rows["core.deployment_outcomes"][-1] |= bundle
    key = {"subject_kind": "tiers", "subject_id": "key", "deployment_id": f"d/{pr_id}"}
    first = {**key, "pr_id": pr_id, "deployed_at_utc": utc("2026-05-05 08:00")}
    made.rows["core.first_deployments"].append(first)
    both = packet_of(made)
    assert standings(both) == standings(packet)
    assert standings(both, "ledger") == {
        "Its deployment failed, and nobody has named which of its changes: unattributed": [
            ("acme/api#901", "6 May 2026", LATER)
        ]
    }
    ids = {change.evidence_id for one in packet.key_services for s in one.standings for change in s.changes}
    (row,) = (case for case in packet.cases if case.evidence_id in ids)  # one row of the evidence for both
    assert row.ref == "acme/api#901"
    assert "merged" in next(line for line in packet_csv(packet).splitlines() if "acme/api#901" in line)


def test_a_change_that_a_figure_reads_keeps_its_one_row() -> None:
    made = small()
    pr_id = changed(made, 901, merged="2026-05-04 08:00", deployed="2026-05-05 08:00")
    made.case(
        *(HEALTHY, ("person", "ana")),
        case_id=f"{pr_id}/held",
        ref="acme/api#901",
        anchor=utc("2026-05-05 08:00"),
        outcome="healthy",
        why="held",
    )
    packet = packet_of(made)
    (row,) = (case for case in packet.cases if case.ref == "acme/api#901")
    assert [reading.metric_id for reading in row.readings] == [HEALTHY]
    assert packet.key_services[0].standings[0].changes[0].evidence_id == row.evidence_id


def test_without_services_deployments_or_changes_the_packet_says_which_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = small()
    for row in made.rows["core.pull_requests"]:
        row["author_id"] = "ben"
    assert packet_of(made).no_key_services == NONE_TOUCHED
    assert NONE_TOUCHED in text_of(packet_html(packet_of(made)))
    made.rows["core.services"].clear()
    assert packet_of(made).no_key_services == NO_SERVICES


def test_nothing_of_the_block_is_counted() -> None:
    """Lists of cases with dates: no number but dates, days, tiers and ids."""
    made = small()
    for number in range(901, 914):
        changed(made, number, merged="2026-05-04 08:00", deployed="2026-05-05 08:00")
    page = text_of(packet_html(packet_of(made)))
    block = page[page.index("Key services touched") : page.index("Services of tier 1 and 2")]
    left = re.sub(r"E\d+|\d+ \w+ 2026|tier \d|7 days|acme/api#\d+", "", block)
    assert not re.search(r"\d|%", left), left
