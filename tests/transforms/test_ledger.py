"""The ledger, month by month: what a gap, an old count and a source that was left out make of a month.

Here: loads of a few records, and the status of each month.
Not here: what a month that is incomplete keeps out (``test_facts_and_periods``), gaps of whole nights against
nights without (``tests/pipelines/test_gaps_hide_nothing.py``).
"""

from pathlib import Path
from typing import Any

import pytest

from connectors.github.records import ExpectedCount
from connectors.jira import records as jira
from connectors.pagerduty import records as pagerduty
from tests.transforms.landed import API, Landed, account, event, person, pull, repository, review
from tests.transforms.world import aware

LEDGER = """
SELECT strftime(month_start, '%Y-%m'), status, coalesce(reason, '')
FROM ops.completeness WHERE source = 'github' AND scope = 'github:1' ORDER BY month_start
"""
HIDDEN = "acme/api can no longer be seen."


@pytest.fixture
def landed(tmp_path: Path) -> Landed:
    return Landed(folder=tmp_path)


def ledger(landed: Landed, as_of: str) -> dict[str, tuple[str, str]]:
    with landed.core(as_of) as connection:
        return {month: (status, reason) for month, status, reason in connection.execute(LEDGER).fetchall()}


def incomplete(landed: Landed, as_of: str) -> list[str]:
    return [month for month, (status, _) in ledger(landed, as_of).items() if status == "incomplete"]


def opened(number: int, at: str, **more: Any) -> Any:
    return pull(number, created_at_utc=at, **more)


def asked(at: str, key: str, number: int, whom: int = 2) -> Any:
    more = {"requested_account_id": f"github:user/{whom}"}
    return event("review_requested", at, pull_number=number, key=key, **more)


def counted(load_at: str, expected: int) -> ExpectedCount:
    return ExpectedCount(
        count_id=f"{API} all",
        repository_id=API,
        month_start=None,
        first_utc=None,
        after_utc=aware(load_at),
        expected=expected,
    )


MERGED = {"merged_at_utc": "2026-02-04 10:00"}


# ------------------------------------------------------------------------------ gaps


def test_a_gap_reaches_31_days_before_the_last_whole_reading(landed: Landed) -> None:
    landed.github("2026-05-20", [repository(), account(1, "ann"), opened(2, "2026-01-03 10:00", **MERGED)])
    landed.refused("2026-06-10", API, HIDDEN)
    assert incomplete(landed, "2026-06-11") == ["2026-04", "2026-05", "2026-06"]
    assert ledger(landed, "2026-06-11")["2026-04"] == ("incomplete", HIDDEN)


@pytest.mark.parametrize(
    "left_open",
    [
        [opened(1, "2026-01-10 10:00"), asked("2026-01-10 11:00", "r1", 1), review(1, 3, "2026-01-11 10:00")],
        [opened(1, "2026-01-10 10:00")],
        [opened(1, "2026-01-10 10:00"), review(1, 3, "2026-01-11 10:00", state="CHANGES_REQUESTED")],
    ],
    ids=["a request without an answer", "a pull request nobody looked at", "changes asked for"],
)
def test_a_gap_reaches_every_month_in_which_something_was_left_open(
    landed: Landed, left_open: list[Any]
) -> None:
    """It may have been answered since, and the month would say that it still waits."""
    page = [repository(), *(account(n, name) for n, name in ((1, "ann"), (2, "bob"), (3, "cyd")))]
    landed.organization("2026-05-20", person("ann", "ann"), person("bob", "bob"), person("cyd", "cyd"))
    landed.github("2026-05-20", [*page, *left_open], [repository(), opened(2, "2026-02-03 10:00", **MERGED)])
    landed.refused("2026-06-10", API, HIDDEN)
    assert incomplete(landed, "2026-06-11") == ["2026-01", "2026-04", "2026-05", "2026-06"]


def test_a_gap_does_not_reach_what_was_open_and_had_its_answer(landed: Landed) -> None:
    answered = [opened(1, "2026-01-10 10:00"), review(1, 3, "2026-01-11 10:00", state="APPROVED")]
    landed.github("2026-05-20", [repository(), account(1, "ann"), account(3, "cyd"), *answered])
    landed.refused("2026-06-10", API, HIDDEN)
    assert incomplete(landed, "2026-06-11") == ["2026-04", "2026-05", "2026-06"]


def test_a_repository_that_was_never_read_whole_has_every_month_missing(landed: Landed) -> None:
    landed.refused("2026-05-20", API, HIDDEN)
    landed.github("2026-05-20", [opened(2, "2026-01-03 10:00", **MERGED)], scope="github:other")
    assert incomplete(landed, "2026-05-20") == ["2026-01", "2026-02", "2026-03", "2026-04", "2026-05"]


def test_a_gap_is_over_with_the_next_whole_reading(landed: Landed) -> None:
    page = [repository(), account(1, "ann"), opened(1, "2026-01-03 10:00")]
    landed.github("2026-05-20", page)
    landed.refused("2026-06-10", API, HIDDEN)
    landed.github("2026-06-12", page)
    assert incomplete(landed, "2026-06-12") == []


# ------------------------------------------------------------------------------ counts and readings of old


def test_a_count_says_nothing_of_the_months_after_it(landed: Landed) -> None:
    """Nights that could not count: what agrees with an old count is complete up to there."""
    page = [repository(), account(1, "ann"), opened(1, "2026-01-03 10:00", **MERGED)]
    landed.github("2026-03-20", [*page, counted("2026-03-20 00:00:01", 1)])
    landed.github("2026-05-02", page)
    found = {month: status for month, (status, _) in ledger(landed, "2026-05-02").items()}
    assert found == {
        "2026-01": "complete",
        "2026-02": "complete",
        "2026-03": "unknown",
        "2026-04": "unknown",
        "2026-05": "unknown",
    }


def test_a_source_that_later_runs_left_out_has_not_told_of_the_months_since(landed: Landed) -> None:
    page = [repository(), account(1, "ann"), opened(1, "2026-01-03 10:00", **MERGED)]
    landed.github("2026-03-20 08:30", [*page, counted("2026-03-20 08:30:01", 1)])
    landed.organization("2026-05-02", person("ann", "ann"))
    assert {status for status, _ in ledger(landed, "2026-03-31").values()} == {"complete"}
    found = ledger(landed, "2026-05-02")
    assert [status for status, _ in found.values()] == ["complete", "complete", *["incomplete"] * 3]
    assert found["2026-04"] == ("incomplete", "not read since 2026-03-20 08:30 UTC")


# ------------------------------------------------------------------------------ before the load


def statuses_of(landed: Landed, source: str, as_of: str) -> dict[str, tuple[str, int, int | None]]:
    query = (
        "SELECT strftime(month_start, '%Y-%m'), status, stored, expected FROM ops.completeness "
        "WHERE source = $source ORDER BY month_start"
    )
    with landed.core(as_of) as connection:
        found = connection.execute(query, {"source": source}).fetchall()
        return {month: (status, stored, expected) for month, status, stored, expected in found}


@pytest.mark.parametrize("project_id", ["jira:project/1", None])
def test_what_jira_counted_is_compared_with_all_that_came_also_what_is_after_the_as_of(
    landed: Landed, project_id: str | None
) -> None:
    """A rebuild of a day before the first load, and a ticket that was made while a night read."""
    records: list[Any] = [
        jira.Project(project_id="jira:project/1", project_key="API", name="Api"),
        jira.ExpectedCount(
            count_id=project_id or "all", project_id=project_id, expected=3, is_exact=project_id is not None
        ),
        *(ticket(number, at) for number, at in enumerate(["2026-01-05", "2026-02-05", "2026-03-20 09:00"])),
    ]
    landed._load("jira", "2026-03-20 08:30", [records], "jira:project/1", jira.RECORD_TYPES)
    assert statuses_of(landed, "jira", "2026-02-10") == {
        "2026-01": ("complete", 1, 1),
        "2026-02": ("complete", 1, 1),
    }
    assert statuses_of(landed, "jira", "2026-03-20 08:30")["2026-03"] == ("complete", 0, 0)


def test_what_pagerduty_counted_is_compared_with_all_that_came_also_what_is_after_the_as_of(
    landed: Landed,
) -> None:
    records: list[Any] = [
        pagerduty.ExpectedCount(
            count_id="all",
            month_start=None,
            first_utc=None,
            after_utc=aware("2026-03-20 08:30"),
            expected=2,
        ),
        incident(1, "2026-01-05 10:00"),
        incident(2, "2026-02-20 10:00"),
    ]
    landed._load("pagerduty", "2026-03-20 08:30", [records], "pagerduty:log", pagerduty.RECORD_TYPES)
    assert statuses_of(landed, "pagerduty", "2026-02-10") == {
        "2026-01": ("complete", 1, 1),
        "2026-02": ("complete", 0, 0),
    }


def ticket(number: int, at: str) -> jira.Ticket:
    given: dict[str, Any] = dict.fromkeys(
        "priority resolution assignee_account_id resolved_at_utc due_date parent_ticket_id epic_ref".split()
    )
    given |= dict.fromkeys("labels components fix_versions sprint_ids marks".split(), ())
    return jira.Ticket(
        ticket_id=f"jira:ticket/{number}",
        ref=f"API-{number}",
        source_url="https://jira.example",
        project_id="jira:project/1",
        project_key="API",
        type="Task",
        status_id="jira:status/1",
        status="Open",
        created_at_utc=aware(at),
        updated_at_utc=aware(at),
        parent_is_epic=False,
        **given,
    )


def incident(number: int, at: str) -> pagerduty.Incident:
    return pagerduty.Incident(
        incident_id=f"pagerduty:incident/{number}",
        number=number,
        title="Down",
        source_url=None,
        service_id=None,
        urgency="high",
        status="resolved",
        priority_id=None,
        created_at_utc=aware(at),
        resolved_at_utc=aware(at),
        merged_into_id=None,
        title_tag=None,
    )
