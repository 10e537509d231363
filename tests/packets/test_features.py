"""Features a person worked on: which they are, what is said beside them, and no number of anybody."""

import json
import re
from datetime import date
from typing import Any

import pytest

from packets.features import FEATURES_ID
from packets.packet import document
from packets.trend_page import trend_html
from packets.write import packet_csv, packet_html
from tests.packets.organisation import Organisation, small, utc
from tests.packets.test_packet import packet_of, text_of


def with_features(*, merged: str = "2026-05-11 12:00", author: str = "ana") -> Organisation:
    """Ana merged one change for a feature that is out, one for a feature that is not; ben one for another."""
    made = small()
    made.rows["core.features"] += [
        {
            "feature_id": "exports",
            "title": "Exports",
            "team_id": "core",
            "released_at_utc": utc("2026-05-20 22:00"),
            "documentation_url": "https://docs.example.test/exports",
        },
        {"feature_id": "gifts", "title": "Gifts <b>", "team_id": None, "released_at_utc": None},
        {"feature_id": "other", "title": "Other", "team_id": None, "released_at_utc": None},
    ]
    for number, feature, who in ((901, "exports", author), (902, "gifts", author), (903, "other", "ben")):
        ref = f"acme/api#{number}"
        made.pull_request(ref, title=f"API-{number}: built", created=utc("2026-05-10 08:00"), author=who)
        made.rows["core.pull_requests"][-1] |= {"merged_at_utc": utc(merged), "service_ids": ["checkout"]}
        pr_id = made.rows["core.pull_requests"][-1]["pr_id"]
        made.rows["core.feature_changes"].append(
            {"feature_id": feature, "pr_id": pr_id, "named_by": "ticket"}
        )
    made.rows["core.measurements"] += [
        measured("exports", "satisfaction", "of 5", day, value)
        for day, value in (
            (date(2026, 3, 1), 3.0),
            (date(2026, 4, 1), 3.5),
            (date(2026, 5, 1), 3.25),
            (date(2026, 6, 1), 4.0),
            (date(2026, 7, 1), 1.0),
        )
    ] + [
        measured("checkout", "latency p95", "ms", date(2026, 6, 1), 180.0),
        measured("wiki", "latency p95", "ms", date(2026, 6, 1), 999.0),
    ]
    return made


def measured(about: str, name: str, unit: str, day: date, value: float) -> dict[str, Any]:
    return {
        "about_kind": "feature" if about == "exports" else "service",
        "about_id": about,
        "name": name,
        "unit": unit,
        "measured_on": day,
        "value": value,
        "document_url": f"https://dashboards.example.test/{about}",
    }


def test_features_are_those_of_the_persons_own_merged_changes() -> None:
    packet = packet_of(with_features())
    assert [(one.feature_id, one.released) for one in packet.features] == [
        ("gifts", "not released"),
        ("exports", "released on 21 May 2026"),
    ]
    built = [case for case in packet.cases if case.reading(FEATURES_ID)]
    assert [(case.ref, case.in_quarter) for case in built] == [("acme/api#901", True), ("acme/api#902", True)]
    assert {one.evidence for one in packet.features} == {case.evidence_id for case in built}
    assert packet_of(with_features(), "ben").features[0].feature_id == "other"


@pytest.mark.parametrize("merged", ["2026-06-30 22:00", "2025-06-30 21:59"])
def test_a_change_outside_the_twelve_months_is_not_there(merged: str) -> None:
    """Midnight of 1 July in Berlin is 22:00 UTC: the quarter is over, and the twelve months begin."""
    assert packet_of(with_features(merged=merged)).features == ()


def test_no_number_of_a_feature_stands_beside_a_person() -> None:
    """Neither how it was taken up nor what is attached to it: documents are there by name."""
    made = with_features()
    made.more_cells.append(
        {
            "metric_id": "fc_adoption_rate",
            "subject_kind": "feature",
            "subject_id": "exports",
            "grain": "month",
            "period": "2026-06",
            "period_start": date(2026, 6, 1),
            "state": "final",
            "status": "ok",
            "numerator": 34,
            "denominator": 49,
            "n": 49,
            "value": 34 / 49,
            "n_pending": 0,
            "disclosed": True,
        }
    )
    packet = packet_of(made)
    gifts, exports = packet.features
    assert gifts.attached == ()
    assert [(one.name, one.link) for one in exports.attached] == [
        ("satisfaction", "https://dashboards.example.test/exports")
    ]
    assert not any(figure.metric_id.startswith("fc_adoption") for figure in packet.figures)
    told = text_of(packet_html(packet)) + json.dumps(document(packet)["features"]) + packet_csv(packet)
    assert not [
        number for number in ("34", "69%", "3.25", "4 of 5") if re.search(rf"(?<![\w.]){number}\b", told)
    ]
    assert re.search(r"Attached:\s+satisfaction\s*\.", told)
    assert "describes none of them" in told
    assert "Gifts &lt;b&gt;" in packet_html(packet)


def test_attached_numbers_are_the_newest_by_the_quarters_end_and_of_key_services_alone() -> None:
    packet = packet_of(with_features())
    assert [(one.about, one.told) for one in packet.service_numbers] == [("checkout", "180 ms (1 June 2026)")]


def test_no_number_of_the_person_comes_of_it() -> None:
    """Working on features changes no figure, question, case of page one or rung."""
    plain, built = document(packet_of(small())), document(packet_of(with_features()))
    for name in ("figures", "points", "questions", "informative", "rungs", "misreadings"):
        assert built[name] == plain[name]
    assert any(
        re.fullmatch(r"Changes built for features: E\d+ to E\d+\.", entry)
        for entry in built["rubric"][3]["entries"]
    )


def test_rows_of_it_are_in_the_table_for_a_spreadsheet() -> None:
    rows = [row for row in packet_csv(packet_of(with_features())).splitlines() if FEATURES_ID in row]
    assert len(rows) == 2
    assert ",context," in rows[0]


def test_the_trend_page_has_goals_of_teams_and_attached_numbers_and_withholds_small_groups() -> None:
    made = with_features()
    for number, (reason, title) in enumerate(((None, "Cover everything"), ("small_group", "Answer soon"))):
        made.rows["core.goals"].append(
            {
                "goal_id": f"g{number}",
                "owner_kind": "team",
                "owner_id": "core",
                "title": title,
                "start_date": date(2026, 4, 1),
                "end_date": date(2026, 6, 30),
            }
        )
        made.rows["trends.goals"].append(
            {"goal_id": f"g{number}", "sentence": f"So far {number + 3} of 9.", "withheld_reason": reason}
        )
    connection = made.database()
    shown = " ".join(text_of(trend_html(connection)).split())
    connection.close()
    assert "Goal: Cover everything (1 April 2026 to 30 June 2026). So far 3 of 9." in shown
    assert (
        "Goal: Answer soon (1 April 2026 to 30 June 2026). Its figure is withheld: fewer than 5 people."
        in shown
    )
    assert "4 of 9" not in shown
    assert "Attached, latency p95: 180 ms (1 June 2026)." in shown


def test_groups_of_people_hired_the_same_way_stand_on_the_trend_page_and_in_no_packet() -> None:
    made = small()
    for period in ("2025-Q1", "2025-Q2", "2025-Q3", "2025-Q4", "2026-Q1"):
        made.rows["trends.hiring_groups"].append(
            {
                "metric_id": "rq_response_24h",
                "attribute": "hiring_source",
                "group_value": "Referral & friends",
                "period": period,
                "numerator": 18,
                "denominator": 20,
                "value": 0.9,
                "ci_low": 0.7,
                "ci_high": 0.97,
            }
        )
    connection = made.database()
    page = trend_html(connection)
    connection.close()
    rows = [line for line in page.splitlines() if "Referral &amp; friends" in line]
    assert len(rows) == 4
    assert "2025-Q1" not in " ".join(rows)
    assert '<td class="n">18 of 20</td><td class="n">90%</td><td class="n">70% to 97%</td>' in rows[0]
    assert "Referral" not in packet_html(packet_of(made))
    assert "hired the same way" not in trend_html(small().database())
