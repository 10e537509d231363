"""The five keys of a service on the trend page: both bounds, what has no value, unexplained incidents."""

import json
from collections.abc import Iterator
from typing import Any

import duckdb
import pytest

from packets.catalogue import metrics
from packets.five_keys import FIVE_KEYS, FiveKeys, KeyCell, five_keys
from packets.published import publication
from packets.trend_page import trend_html
from tests.packets import organisation
from tests.packets.organisation import Organisation, small, utc
from tests.packets.test_packet import text_of


@pytest.fixture(autouse=True)
def _with_the_five(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(organisation, "METRICS", (*organisation.METRICS, *FIVE_KEYS))


def cell(metric_id: str, service: str = "checkout", quarter: str = "2026-Q2", **given: Any) -> dict[str, Any]:
    details = given.pop("details", {})
    month = {"1": "01", "2": "04", "3": "07"}[quarter[-1]]
    return {
        "metric_id": metric_id,
        "definition_version": "1.1",
        "subject_kind": "service",
        "subject_id": service,
        "grain": "quarter",
        "period": quarter,
        "period_start": utc(f"2026-{month}-01").date(),
        "state": "final",
        "status": "ok",
        "n": 20,
        "n_pending": 0,
        "n_excluded": 0,
        "completeness": "complete",
        "disclosed": True,
        "details": json.dumps(details),
    } | given


def keys_of(made: Organisation) -> FiveKeys:
    connection = made.database()
    known = {metric.metric_id: metric for metric in metrics(connection)}
    found = five_keys(connection, publication(connection), known)
    connection.close()
    return found


def at(found: FiveKeys, metric_id: str, quarter: str = "2026-Q2", service: str = "checkout") -> KeyCell:
    (of_service,) = (one for one in found.services if one.service == service)
    (key,) = (one for one in of_service.keys if one.metric_id == metric_id)
    (cell_,) = (one for one in key.cells if one.quarter == quarter)
    return cell_


def test_a_rate_has_both_bounds_where_there_are_suspicions_and_one_where_there_are_none() -> None:
    made = small()
    share = {"numerator": 3, "denominator": 20, "value": 0.15, "ci_low": 0.05, "ci_high": 0.36}
    made.more_cells += [
        cell("si_change_fail_rate", **share, details={"n_suspected": 2, "value_if_all_suspects": 0.25}),
        cell(
            "si_change_fail_rate", "wiki", **share, details={"n_suspected": 0, "value_if_all_suspects": 0.15}
        ),
    ]
    found = keys_of(made)
    told = at(found, "si_change_fail_rate")
    assert told.told == "15%"
    assert told.beside == (
        *("3 of 20", "95% 5% to 36%", "2 suspected", "25% if all suspected ones were counted"),
    )
    assert at(found, "si_change_fail_rate", service="wiki").beside == ("3 of 20", "95% 5% to 36%")


def test_too_few_open_withheld_running_and_incomplete_say_so_in_place_of_a_value() -> None:
    made = small()
    few = {"status": "insufficient", "numerator": 1, "denominator": 4, "n": 4, "value": None}
    made.more_cells += [
        cell("si_change_fail_rate", **few),
        cell("si_recovery_time", n=7, value=None),
        cell("si_rework_rate", disclosed=False, withheld_reason="small_group", numerator=3, denominator=20),
        cell("si_change_lead_time", quarter="2026-Q3", state="partial", value=30.0, n=11),
        cell("si_deployment_frequency", completeness="incomplete", numerator=12, exposure=13.0, value=0.92),
    ]
    found = keys_of(made)
    assert at(found, "si_change_fail_rate") == KeyCell(
        quarter="2026-Q2", told="too few: 10 are needed", beside=("1 of 4",)
    )
    assert at(found, "si_recovery_time").told == "open"
    assert at(found, "si_rework_rate") == KeyCell(
        quarter="2026-Q2", told="withheld: fewer than 5 people", beside=()
    )
    assert at(found, "si_change_lead_time", "2026-Q3").beside == ("11 cases", "so far")
    assert "sources incomplete" in at(found, "si_deployment_frequency").beside
    assert at(found, "si_deployment_frequency").beside[0] == "12 in 13 working weeks"
    assert at(found, "si_deployment_frequency", "2026-Q1") == KeyCell(
        quarter="2026-Q1", told="nothing to count", beside=()
    )


def test_urgent_incidents_are_told_by_what_is_known_of_their_cause() -> None:
    """Merged ones and those that page nobody are none; the quarter is the reporting zone's."""
    made = small()
    made.more_cells.append(cell("si_rework_rate", numerator=3, denominator=20, value=0.15))
    causes = {
        "1": ("explicit", None),
        "2": ("heuristic", "yes"),
        "3": ("heuristic", None),
        "4": ("heuristic", "unknown"),
        "5": ("heuristic", "not_a_change"),
    }
    for number in range(1, 9):
        made.rows["core.incidents"].append(
            {
                "incident_id": str(number),
                "ref": str(number),
                "service_id": "checkout",
                "urgency": "low" if number == 7 else "high",
                "merged_into": "1" if number == 8 else None,
                "created_at_utc": utc("2026-06-30 21:59:59" if number < 6 else "2026-03-31 22:00"),
            }
        )
    made.rows["core.incident_causes"] += [
        {"incident_id": number, "deployment_id": "d", "source": source, "answer": answer}
        for number, (source, answer) in causes.items()
    ]
    found = keys_of(made)
    assert at(found, "") == KeyCell(
        quarter="2026-Q2",
        told="1 of 6",
        beside=("2 tied to a change", "2 suspected by time alone", "1 said to be no change"),
    )
    assert at(found, "", "2026-Q3").told == "no urgent incident"


def test_the_page_has_a_table_a_service_by_name_and_says_when_there_is_none() -> None:
    made = small()
    assert "No service has a production deployment in these quarters." in _page(made)
    for service in ("wiki", "Billing", "checkout"):
        made.more_cells.append(cell("si_rework_rate", service, numerator=3, denominator=20, value=0.15))
    assert [one.service for one in keys_of(made).services] == ["Billing", "checkout", "wiki"]
    page = _page(made)
    assert page.index("Billing Key") < page.index("checkout Key") < page.index("wiki Key")
    assert "No service has" not in page


def test_without_deployments_each_key_says_what_is_missing() -> None:
    connection = small().database()
    connection.execute(
        "UPDATE catalog.metrics SET source_gap = 'no connected source gives deployments' "
        "WHERE starts_with(metric_id, 'si_')"
    )
    page = text_of(trend_html(connection))
    connection.close()
    for title in FIVE_KEYS.values():
        assert f"{title}: no connected source gives deployments." in page


def _page(made: Organisation) -> str:
    connection: Iterator[duckdb.DuckDBPyConnection] | Any = made.database()
    page = " ".join(text_of(trend_html(connection)).split())
    connection.close()
    return page
