"""The ledger, month by month: what a gap, an old count and a source that was left out make of a month.

Here: loads of a few records, and the status of each month.
Not here: what a month that is incomplete keeps out (``test_facts_and_periods``), gaps of whole nights against
nights without (``tests/pipelines/test_gaps_hide_nothing.py``).
"""

from pathlib import Path
from typing import Any

import pytest

from connectors.github.records import ExpectedCount
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
