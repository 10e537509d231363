"""On-call and adoption by every kind of subject, over months and quarters, by hand from one small world.

Here: one quarter of two teams, and what each cell of it must be; the reasons stand beside the rows. Ana is in
red until 15 February and in blue from then on. All times are UTC; 5 January 2026 is a Monday.
Not here: corners of a single month (tests/golden, tests/metrics/cases), who may see a cell (disclosure).
"""

from typing import Any

import pytest

from metrics_catalog.catalogue import load_catalogue
from tests.golden.test_metrics import assert_same
from tests.golden.worked_example import Row, _cell, build_case
from warehouse.connection import connect

CATALOGUE = load_catalogue()


def incident(name: str, created: str, resolved: str, **more: Any) -> Row:
    return {
        "incident_id": name,
        "service_id": "pay",
        "urgency": "high",
        "is_major": False,
        "created_at": created,
        "resolved_at": resolved,
        **more,
    }


def said(name: str, kind: str, at: str, who: str | None = None, **more: Any) -> Row:
    row = {"incident_id": name, "type": kind, "occurred_at": at, **more}
    if kind in ("assign", "escalate"):
        row["to_user_id"] = who
    else:
        row["user_id"] = who
    return row


def shift(who: str, start: str, end: str) -> Row:
    return {"person_id": who, "start_at": f"{start}T00:00:00Z", "end_at": f"{end}T00:00:00Z"}


def review(pr: str, who: str, at: str) -> Row:
    return {
        "review_id": f"{pr}-{who}",
        "pr_id": pr,
        "reviewer_id": who,
        "state": "COMMENTED",
        "submitted_at": at,
        "body": "",
    }


def feature(name: str, released: str, edited: str | None = None) -> tuple[Row, list[Row]]:
    page = None if edited is None else f"https://docs.acme.example/{name}"
    row = {"feature_id": name, "team_id": "red", "released_at": released, "documentation_url": page}
    return row, [] if edited is None else [{"feature_id": name, "edited_at": edited}]


FEATURES = [
    feature("exp", "2026-01-10T00:00:00Z", "2026-01-09T00:00:00Z"),
    feature("f2", "2026-02-10T00:00:00Z"),
    feature("f3", "2026-03-10T00:00:00Z", "2026-03-20T00:00:00Z"),
]
INPUTS: dict[str, list[Row]] = {
    "memberships": [
        {"person_id": "ana", "team_id": "red", "from_at": None, "to_at": "2026-02-15T00:00:00Z"},
        {"person_id": "ana", "team_id": "blue", "from_at": "2026-02-15T00:00:00Z", "to_at": None},
        {"person_id": "ben", "team_id": "red", "from_at": None, "to_at": None},
        {"person_id": "cid", "team_id": "blue", "from_at": None, "to_at": None},
    ],
    "services": [{"service_id": "pay", "tier": 1, "team_id": "red"}],
    # 24 hours of ana's in January (red) and in February (blue); ben's 48 in January and 24 in March.
    "oncall_shifts": [
        shift("ana", "2026-01-05", "2026-01-06"),
        shift("ben", "2026-01-10", "2026-01-12"),
        shift("ana", "2026-02-20", "2026-02-21"),
        shift("ben", "2026-03-01", "2026-03-02"),
    ],
    "incidents": [
        incident("i1", "2026-01-05T10:00:00Z", "2026-01-05T11:03:00Z", is_major=True),
        incident("i2", "2026-01-05T23:00:00Z", "2026-01-05T23:50:00Z"),
        incident("i3", "2026-01-10T09:00:00Z", "2026-01-10T09:02:00Z"),
        incident("i4", "2026-02-20T14:00:00Z", "2026-02-20T15:04:00Z"),
        incident("i5", "2026-03-01T12:00:00Z", "2026-03-01T12:40:00Z", is_major=True),
    ],
    "incident_log": [
        # Monday morning: ana answers after 3 minutes, and is engaged for an hour.
        said("i1", "assign", "2026-01-05T10:00:00Z", "ana"),
        said("i1", "notify", "2026-01-05T10:00:00Z", "ana", channel="phone"),
        said("i1", "acknowledge", "2026-01-05T10:03:00Z", "ana"),
        said("i1", "resolve", "2026-01-05T11:03:00Z", "ana"),
        # At night: times out after 15 minutes. Ben is not on call: no page and no interruption of his shifts,
        # but half an hour of his.
        said("i2", "assign", "2026-01-05T23:00:00Z", "ana"),
        said("i2", "notify", "2026-01-05T23:00:00Z", "ana", channel="phone"),
        said("i2", "escalate", "2026-01-05T23:15:00Z", "ben", via="timeout"),
        said("i2", "notify", "2026-01-05T23:15:00Z", "ben", channel="push"),
        said("i2", "acknowledge", "2026-01-05T23:20:00Z", "ben"),
        said("i2", "resolve", "2026-01-05T23:50:00Z", "ben"),
        # A Saturday: clears by itself after 2 minutes.
        said("i3", "assign", "2026-01-10T09:00:00Z", "ben"),
        said("i3", "notify", "2026-01-10T09:00:00Z", "ben", channel="phone"),
        said("i3", "resolve", "2026-01-10T09:02:00Z", None, via="integration"),
        # Ana, now in blue, on a Friday afternoon.
        said("i4", "assign", "2026-02-20T14:00:00Z", "ana"),
        said("i4", "notify", "2026-02-20T14:00:00Z", "ana", channel="push"),
        said("i4", "acknowledge", "2026-02-20T14:04:00Z", "ana"),
        said("i4", "resolve", "2026-02-20T15:04:00Z", "ana"),
        # A Sunday: ben is late, after 10 minutes.
        said("i5", "assign", "2026-03-01T12:00:00Z", "ben"),
        said("i5", "notify", "2026-03-01T12:00:00Z", "ben", channel="phone"),
        said("i5", "acknowledge", "2026-03-01T12:10:00Z", "ben"),
        said("i5", "resolve", "2026-03-01T12:40:00Z", "ben"),
    ],
    "postmortems": [{"incident_id": "i1", "published_at": "2026-01-08T10:00:00Z"}],
    "pull_requests": [
        {"pr_id": name, "author_id": author, "created_at": created}
        for name, author, created in (
            ("p1", "ben", "2026-01-09T09:00:00Z"),
            ("p2", "cid", "2026-01-19T09:00:00Z"),
            ("p3", "ben", "2026-03-04T09:00:00Z"),
            ("p4", "ana", "2026-03-05T09:00:00Z"),
        )
    ],
    "reviews": [
        review("p1", "ana", "2026-01-10T09:00:00Z"),  # red of red
        review("p2", "ana", "2026-01-20T09:00:00Z"),  # red of blue
        review("p2", "ben", "2026-01-21T09:00:00Z"),  # red of blue
        review("p3", "ana", "2026-03-05T09:00:00Z"),  # blue of red, by then
        review("p4", "ben", "2026-03-06T09:00:00Z"),  # red of blue
    ],
    "features": [row for row, _ in FEATURES],
    "feature_documents": [edit for _, edits in FEATURES for edit in edits],
    # a1 uses exp, and not f2; a2 and a4 use nothing; a3 uses exp in February.
    "feature_eligibility": [
        {"feature_id": name, "account_id": account, "eligible_from": f"{day}T00:00:00Z"}
        for name, account, day in (
            ("exp", "a1", "2026-01-11"),
            ("exp", "a2", "2026-01-12"),
            ("f2", "a1", "2026-01-13"),
            ("exp", "a3", "2026-02-03"),
            ("f2", "a4", "2026-03-01"),
        )
    ],
    "feature_use": [
        {"feature_id": "exp", "account_id": account, "occurred_at": at}
        for account, at in (("a1", "2026-01-12T00:00:00Z"), ("a3", "2026-02-04T00:00:00Z"))
    ],
    "account_activity": [
        {"account_id": account, "occurred_at": at}
        for account, at in (
            ("a1", "2026-01-14T00:00:00Z"),
            ("a2", "2026-01-14T00:00:00Z"),
            ("a4", "2026-03-02T00:00:00Z"),
        )
    ],
}


def share(numerator: int, denominator: int, **more: Any) -> Row:
    return {
        "numerator": numerator,
        "denominator": denominator,
        "n": denominator,
        "value": numerator / denominator,
        **more,
    }


def rate(numerator: int, exposure: float) -> Row:
    return {"numerator": numerator, "exposure": exposure, "value": numerator / exposure}


def none() -> Row:
    return {"status": "no_activity", "n": 0, "value": None}


CELLS: list[tuple[str, str, str, str, Row]] = [
    # i1 in time, i2 late (timed out), i4 in time; ben's i2 is no page of his, i3 is left out, i5 is late.
    ("oc_ack_within_target", "person", "ana", "2026-Q1", share(2, 3)),
    ("oc_ack_within_target", "person", "ben", "2026-Q1", share(0, 1)),
    ("oc_ack_within_target", "team", "red", "2026-01", share(1, 2)),
    ("oc_ack_within_target", "team", "red", "2026-Q1", share(1, 3)),
    ("oc_ack_within_target", "team", "blue", "2026-02", share(1, 1)),
    ("oc_ack_within_target", "team", "blue", "2026-Q1", share(1, 1)),
    # 3, 4 and never: the middle is 4. Of 3 and never there is no middle. 3, 10 and never: 10.
    ("oc_ack_time", "person", "ana", "2026-Q1", {"n": 3, "value": 4.0}),
    ("oc_ack_time", "team", "red", "2026-01", {"n": 2, "value": None}),
    ("oc_ack_time", "team", "red", "2026-Q1", {"n": 3, "value": 10.0}),
    ("oc_ack_time", "team", "blue", "2026-Q1", {"n": 1, "value": 4.0}),
    # Shifts of 12 hours: ana's 4, of which 2 in red; ben's 6.
    ("oc_incidents_per_shift", "person", "ana", "2026-Q1", rate(3, 4)),
    ("oc_incidents_per_shift", "person", "ben", "2026-Q1", rate(2, 6)),
    ("oc_incidents_per_shift", "team", "red", "2026-01", rate(3, 6)),
    ("oc_incidents_per_shift", "team", "red", "2026-Q1", rate(4, 8)),
    ("oc_incidents_per_shift", "team", "blue", "2026-02", rate(1, 2)),
    # A shift from midnight to midnight touches two nights, ben's first one three; that of 28 February, too.
    ("oc_sleep_nights", "person", "ana", "2026-Q1", share(1, 4)),
    ("oc_sleep_nights", "person", "ben", "2026-Q1", share(0, 5)),
    ("oc_sleep_nights", "person", "ben", "2026-02", share(0, 1)),
    ("oc_sleep_nights", "team", "red", "2026-01", share(1, 5)),
    ("oc_sleep_nights", "team", "red", "2026-Q1", share(1, 7)),
    ("oc_sleep_nights", "team", "blue", "2026-Q1", share(0, 2)),
    ("oc_response_effort", "person", "ana", "2026-Q1", {"n": 2, "value": 2.0}),
    ("oc_response_effort", "person", "ben", "2026-Q1", {"n": 2, "value": 1.0}),
    ("oc_response_effort", "team", "red", "2026-01", {"n": 2, "value": 1.5}),
    ("oc_response_effort", "team", "red", "2026-Q1", {"n": 3, "value": 2.0}),
    ("oc_response_effort", "team", "blue", "2026-02", {"n": 1, "value": 1.0}),
    # i1 in business hours, i2 asleep, i3 and i5 at the weekend.
    ("oc_offhours_share", "team", "red", "2026-01", share(2, 3, n_sleep=1, n_off=1)),
    ("oc_offhours_share", "team", "red", "2026-Q1", share(3, 4, n_sleep=1, n_off=2)),
    ("oc_offhours_share", "team", "blue", "2026-Q1", share(0, 1, n_sleep=0, n_off=0)),
    # Nobody touched i3. Incidents are of the service's team, whoever was called: blue owns none.
    ("oc_actionable_share", "service", "pay", "2026-Q1", share(4, 5)),
    ("oc_actionable_share", "team", "red", "2026-01", share(2, 3)),
    ("oc_actionable_share", "team", "red", "2026-Q1", share(4, 5)),
    ("oc_actionable_share", "team", "blue", "2026-Q1", none()),
    ("oc_escalated_by_timeout", "service", "pay", "2026-Q1", share(1, 5)),
    ("oc_escalated_by_timeout", "team", "red", "2026-01", share(1, 3)),
    ("oc_escalated_by_timeout", "team", "red", "2026-Q1", share(1, 5)),
    # i1's was published on the third working day, i5 has none.
    ("oc_postmortem_on_time", "team", "red", "2026-01", share(1, 1)),
    ("oc_postmortem_on_time", "team", "red", "2026-Q1", share(1, 2)),
    ("fc_cross_team_reviews", "person", "ana", "2026-Q1", share(2, 3)),
    ("fc_cross_team_reviews", "person", "ben", "2026-Q1", share(2, 2)),
    ("fc_cross_team_reviews", "team", "red", "2026-01", share(2, 3)),
    ("fc_cross_team_reviews", "team", "red", "2026-Q1", share(3, 4)),
    ("fc_cross_team_reviews", "team", "blue", "2026-Q1", share(1, 1)),
    # An account counts once for each feature it could use.
    ("fc_adoption_rate", "feature", "exp", "2026-01", share(1, 2)),
    ("fc_adoption_rate", "feature", "exp", "2026-Q1", share(2, 3)),
    ("fc_adoption_rate", "feature", "f2", "2026-Q1", share(0, 2)),
    ("fc_adoption_rate", "team", "red", "2026-01", share(1, 3)),
    ("fc_adoption_rate", "team", "red", "2026-Q1", share(2, 5)),
    ("fc_adoption_rate", "team", "blue", "2026-Q1", none()),
    ("fc_docs_with_feature", "team", "red", "2026-02", share(0, 1)),
    ("fc_docs_with_feature", "team", "red", "2026-Q1", share(2, 3)),
]


@pytest.mark.parametrize("metric_id", sorted({cell[0] for cell in CELLS}))
def test_cells_are_as_worked_out_by_hand(metric_id: str) -> None:
    metric = CATALOGUE[metric_id]
    own = [cell[1:] for cell in CELLS if cell[0] == metric_id]
    case = {
        "as_of": "2026-07-01T00:00:00Z",
        "config": {"reporting_tz": "UTC", "n_min": 1},
        "inputs": INPUTS,
        "expected": [{"period": period} for _, _, period, _ in own],
    }
    with connect() as connection:
        build_case(connection, case, metric)
        for kind, subject, period, wanted in own:
            about = {**case, "subject": {"type": kind, "id": subject}}
            found = _cell(connection, metric, about, period)
            is_ok = {} if wanted.get("value") is None else {"status": "ok"}
            for name, value in ({"state": "final"} | is_ok | wanted).items():
                assert_same(value, found[name], 1e-9, f"{kind} {subject} {period} {name}")


def test_every_kind_and_grain_of_these_metrics_has_an_example() -> None:
    """With those of a single month in tests/golden and tests/metrics/cases."""
    examples = {
        (metric_id, kind, "quarter" if "Q" in period else "month") for metric_id, kind, _, period, _ in CELLS
    }
    single = {"fc_service_familiarity", "fc_goal_check"}  # by the month alone, and by the goal
    for metric in CATALOGUE.values():
        if metric.id.startswith(("oc_", "fc_")) and metric.id not in single:
            kinds = {(metric.id, kind, "quarter") for kind in metric.subject_kinds}
            kinds |= {(metric.id, "team", "month")} if "team" in metric.subject_kinds else set()
            assert kinds <= examples, metric.id
