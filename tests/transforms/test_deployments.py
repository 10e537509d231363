"""Deployments of GitHub in core: which service each is of, what it contains, what it repairs.

Here: landed records in, core.deployments out. Not here: reading them, what a failure is (golden).
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from connectors.github.records import Deployment, ExpectedDeployments
from connectors.incident_tables.records import RECORD_TYPES as INCIDENT_RECORDS
from connectors.incident_tables.records import DeploymentRow
from tests.transforms.landed import Landed, account, pull, repository, service
from tests.transforms.world import CATALOGUE, aware, rows

ROW = "SELECT split_part(deployment_id, '/', 2) AS key, * FROM core.deployments ORDER BY finished_at_utc"


@pytest.fixture
def landed(tmp_path: Path) -> Landed:
    return Landed(folder=tmp_path)


def deployment(key: str, at: str, *, change: int | None, changed_at: str, **more: Any) -> Deployment:
    given: dict[str, Any] = {
        "environment": "production",
        "commit_oid": f"commit-{change}",
        "state": "success",
        "kind": "normal",
        "repairs_id": None,
        "source_url": None,
    } | more
    return Deployment(
        deployment_id=f"github:deployment/{key}",
        repository_id="github:1",
        change_number=change,
        change_at_utc=aware(changed_at),
        created_at_utc=aware(at),
        finished_at_utc=aware(at),
        **given,
    )


def merged(number: int, at: str, *labels: str, **more: Any) -> Any:
    return pull(number, created_at_utc="2026-03-01", merged_at_utc=at, labels=labels, **more)


def deployments(landed: Landed, *records: Any) -> dict[str, dict[str, Any]]:
    landed.github("2026-03-20", [repository(), account(1, "ann"), *records])
    with landed.core() as core:
        return {row["key"]: row for row in rows(core, ROW)}


def numbers(row: dict[str, Any]) -> list[int]:
    return sorted(int(name.split("/")[-1]) for name in row["pr_ids"])


FIVE = [merged(number, f"2026-03-0{number} 10:00") for number in range(2, 7)]


def test_a_deployment_contains_what_was_merged_since_the_one_before_and_a_failed_one_nothing(
    landed: Landed,
) -> None:
    landed.organization("2026-03-20", service("api"))
    found = deployments(
        landed,
        *FIVE,
        deployment("first", "2026-03-03 12:00", change=3, changed_at="2026-03-03 10:00"),
        deployment("broken", "2026-03-04 12:00", change=4, changed_at="2026-03-04 10:00", state="failure"),
        deployment(
            "stage", "2026-03-04 13:00", change=4, changed_at="2026-03-04 10:00", environment="staging"
        ),
        deployment("second", "2026-03-05 12:00", change=5, changed_at="2026-03-05 10:00"),
    )
    assert {key: numbers(row) for key, row in found.items()} == {
        "first": [3],
        "broken": [],
        "stage": [],
        "second": [4, 5],
    }
    assert {row["environment"] for row in found.values()} == {"production", "staging"}


def test_services_of_one_repository_are_told_apart_by_the_labels_of_what_is_deployed(landed: Landed) -> None:
    landed.organization(
        "2026-03-20", service("pay", label="pay"), service("cart", label="cart"), service("base")
    )
    found = deployments(
        landed,
        merged(2, "2026-03-02 10:00", "pay"),
        merged(3, "2026-03-03 10:00", "cart"),
        merged(4, "2026-03-04 10:00", "pay", "cart"),
        merged(5, "2026-03-05 10:00"),
        *(
            deployment(f"d{day}", f"2026-03-0{day} 12:00", change=day, changed_at=f"2026-03-0{day} 10:00")
            for day in (2, 3, 4, 5)
        ),
    )
    assert {key: row["service_ids"] for key, row in found.items()} == {
        "d2": ["base", "pay"],
        "d3": ["base", "cart"],
        "d4": ["base", "cart", "pay"],
        "d5": ["base"],
    }


def test_an_environment_of_its_own_is_of_that_service_and_has_its_own_succession(landed: Landed) -> None:
    landed.organization("2026-03-20", service("pay", label="pay"), service("cart", label="cart"))
    at = {2: "pay", 3: "cart", 4: "pay", 5: "cart"}
    found = deployments(
        landed,
        *(merged(day, f"2026-03-0{day} 10:00", name) for day, name in at.items()),
        *(
            deployment(
                f"{name}{day}",
                f"2026-03-0{day} 12:00",
                change=day,
                changed_at=f"2026-03-0{day} 10:00",
                environment=f"production-{name}",
            )
            for day, name in at.items()
        ),
    )
    assert {key: (row["service_ids"], numbers(row)) for key, row in found.items()} == {
        "pay2": (["pay"], [2]),
        "cart3": (["cart"], [3]),
        "pay4": (["pay"], [4]),
        "cart5": (["cart"], [5]),
    }


def test_a_service_owns_what_was_deployed_while_its_row_held(landed: Landed) -> None:
    landed.organization(
        "2026-03-20", service("old", valid_to="2026-03-04"), service("new", valid_from="2026-03-04")
    )
    found = deployments(
        landed,
        *FIVE,
        deployment("before", "2026-03-03 23:59:59", change=3, changed_at="2026-03-03 10:00"),
        deployment("after", "2026-03-04 00:00", change=4, changed_at="2026-03-03 11:00"),
    )
    assert {key: row["service_ids"] for key, row in found.items()} == {"before": ["old"], "after": ["new"]}


def test_going_back_to_an_earlier_commit_is_a_rollback_of_the_one_before_it(landed: Landed) -> None:
    landed.organization("2026-03-20", service("api"))
    found = deployments(
        landed,
        *FIVE,
        deployment("first", "2026-03-03 12:00", change=3, changed_at="2026-03-03 10:00"),
        deployment("second", "2026-03-04 12:00", change=4, changed_at="2026-03-04 10:00"),
        deployment("back", "2026-03-04 13:00", change=3, changed_at="2026-03-03 10:00"),
    )
    back = found["back"]
    assert (back["kind"], back["remediates_deployment_id"]) == ("rollback", "github:deployment/second")
    assert numbers(back) == []


def test_the_same_commit_again_carries_nothing_and_going_forward_again_carries_it_anew(
    landed: Landed,
) -> None:
    """A change that a note names is that of its first deployment, and a restart is no second one of it."""
    landed.organization("2026-03-20", service("pay", label="pay"), service("cart", label="cart"))
    changes = [merged(2, "2026-03-02 10:00", "cart"), merged(3, "2026-03-03 10:00", "pay", "hotfix")]
    order = [("a", 2), ("b", 3), ("again", 3), ("back", 2), ("b2", 3)]
    found = deployments(
        landed,
        *changes,
        *(
            deployment(key, f"2026-03-04 1{hour}:00", change=change, changed_at=f"2026-03-0{change} 10:00")
            for hour, (key, change) in enumerate(order)
        ),
    )
    assert {key: (numbers(row), row["kind"], row["service_ids"]) for key, row in found.items()} == {
        "a": ([2], "normal", ["cart"]),
        "b": ([3], "hotfix", ["pay"]),
        "again": ([], "normal", ["pay"]),
        "back": ([], "rollback", ["cart", "pay"]),
        "b2": ([3], "hotfix", ["pay"]),
    }
    assert found["back"]["remediates_deployment_id"] == "github:deployment/again"


def test_a_commit_of_no_pull_request_carries_what_was_merged_until_it_was_made(landed: Landed) -> None:
    landed.organization("2026-03-20", service("api"))
    found = deployments(
        landed,
        *FIVE,
        deployment("first", "2026-03-03 12:00", change=3, changed_at="2026-03-03 10:00"),
        deployment("pushed", "2026-03-05 12:00", change=None, changed_at="2026-03-04 22:00", commit_oid="x"),
        deployment("next", "2026-03-06 12:00", change=6, changed_at="2026-03-06 10:00"),
    )
    assert {key: numbers(row) for key, row in found.items()} == {"first": [3], "pushed": [4], "next": [5, 6]}


@pytest.mark.parametrize(
    ("labels", "fixes", "kind", "repaired"),
    [
        (("hotfix",), ("acme/api#3",), "hotfix", "github:deployment/first"),
        (("hotfix",), ("acme/api#4", "acme/api#3"), "hotfix", "github:deployment/second"),
        (("hotfix",), ("acme/api#99",), "hotfix", None),
        (("hotfix",), (), "hotfix", None),
        ((), ("acme/api#3",), "normal", None),
    ],
)
def test_a_hotfix_that_says_what_it_fixes_names_the_deployment_that_carried_it(
    landed: Landed, labels: tuple[str, ...], fixes: tuple[str, ...], kind: str, repaired: str | None
) -> None:
    landed.organization("2026-03-20", service("api"))
    found = deployments(
        landed,
        *FIVE[:3],
        merged(5, "2026-03-05 10:00", *labels, fixes_refs=fixes),
        deployment("first", "2026-03-03 12:00", change=3, changed_at="2026-03-03 10:00"),
        deployment("second", "2026-03-04 12:00", change=4, changed_at="2026-03-04 10:00"),
        deployment("third", "2026-03-05 12:00", change=5, changed_at="2026-03-05 10:00"),
    )
    third = found["third"]
    assert (third["kind"], third["remediates_deployment_id"]) == (kind, repaired)
    named = [f"github:1/pull/{ref.split('#')[1]}" for ref in sorted(fixes)] if repaired else []
    assert third["names_pr_ids"] == named


MOVES = """
SELECT subject_kind, subject_id, split_part(deployment_id, '/', 2) AS key
FROM core.production_deployments ORDER BY ALL
"""


def test_a_service_that_moves_is_of_its_owner_tier_and_repository_on_the_day_of_each_deployment(
    landed: Landed,
) -> None:
    """And a rebuild of a day before the second reading knows nothing of the move."""
    landed.github(
        "2026-03-20",
        [
            repository(),
            repository("acme/shop", 2),
            account(1, "ann"),
            *FIVE,
            deployment("before", "2026-03-03 23:59:59", change=3, changed_at="2026-03-03 10:00"),
            deployment("late", "2026-03-06 12:00", change=6, changed_at="2026-03-06 10:00"),
            replace(
                deployment("after", "2026-03-04 00:00", change=7, changed_at="2026-03-03 10:00"),
                repository_id="github:2",
            ),
        ],
    )
    landed.organization("2026-03-20", service("pay", tier=3, team_id="old"))
    moved = {"tier": 1, "team_id": "new", "repository": "acme/shop", "valid_from": "2026-03-04"}
    landed.organization(
        "2026-04-01", service("pay", tier=3, team_id="old", valid_to="2026-03-04"), service("pay", **moved)
    )
    with landed.trends(CATALOGUE, as_of="2026-04-02") as connection:
        assert [tuple(row.values()) for row in rows(connection, MOVES)] == [
            ("service", "pay", "after"),
            ("service", "pay", "before"),
            ("team", "new", "after"),
            ("team", "old", "before"),
            ("tiers", "key", "after"),
        ]
    with landed.trends(CATALOGUE, as_of="2026-03-31") as connection:
        assert [tuple(row.values()) for row in rows(connection, MOVES)] == [
            ("service", "pay", "before"),
            ("service", "pay", "late"),
            ("team", "old", "before"),
            ("team", "old", "late"),
        ]


def told_by_table(landed: Landed, *rows_of_table: DeploymentRow) -> None:
    landed._load("incidents", "2026-03-20", [rows_of_table], "deployments", INCIDENT_RECORDS)


def table_row(key: str, services: str, at: str, **more: Any) -> DeploymentRow:
    given: dict[str, Any] = {"environment": "production", "status": "success", "kind": "normal"} | more
    return DeploymentRow(
        deployment_id=key,
        source_url=None,
        services=tuple(services.split()),
        finished_at_utc=aware(at),
        changes=(),
        repairs=None,
        **given,
    )


def test_what_github_and_a_table_both_tell_of_a_service_counts_once(landed: Landed) -> None:
    """From the table's first of the service that reached production; the other service is untouched."""
    landed.organization("2026-03-20", service("pay"), service("cart"))
    told_by_table(
        landed,
        table_row("s1", "pay", "2026-03-01 12:00", environment="staging"),
        table_row("f1", "pay", "2026-03-01 12:00", status="failure"),
        table_row("t1", "pay", "2026-03-04 12:00"),
        table_row("t2", "pay", "2026-03-05 12:00"),
    )
    known = {
        f"d{day}": deployment(
            f"d{day}", f"2026-03-0{day} 12:00", change=day, changed_at=f"2026-03-0{day} 10:00"
        )
        for day in (3, 4, 5)
    }
    alone = deployment(
        "own", "2026-03-05 12:00", change=None, changed_at="2026-03-05", environment="production-pay"
    )
    found = deployments(landed, *FIVE, *known.values(), alone)
    assert {key: (row["service_ids"], row["environment"]) for key, row in found.items() if key} == {
        "d3": (["cart", "pay"], "production"),
        "d4": (["cart"], "production"),
        "d5": (["cart"], "production"),
        "own": ([], "told by the table of deployments"),
    }
    with landed.core("2026-03-20") as core:
        counted = core.execute(
            "SELECT subject_id, list(deployment_id ORDER BY finished_at_utc) "
            "FROM core.production_deployments WHERE subject_kind = 'service' GROUP BY ALL ORDER BY ALL"
        ).fetchall()
    assert counted == [
        ("cart", [f"github:deployment/d{day}" for day in (3, 4, 5)]),
        ("pay", ["github:deployment/d3", "incidents:t1", "incidents:t2"]),
    ]


# --- months in which deployments are missing ---

MISSING = """
SELECT strftime(month_start, '%Y-%m') AS month, scope, status, reason
FROM ops.completeness WHERE source = 'deployments' AND status = 'incomplete' ORDER BY month
"""
CELLS = """
SELECT subject_kind || ' ' || period AS cell, completeness, hole FROM trends.periods
WHERE metric_id = $metric AND grain = 'month' ORDER BY cell
"""


def services_for(landed: Landed) -> None:
    landed.organization("2026-06-01", service("api", tier=1))
    records = [merged(2, "2026-03-02 10:00"), merged(3, "2026-04-03 10:00")]
    landed.github(
        "2026-04-10",
        [
            repository(),
            account(1, "ann"),
            *records,
            deployment("first", "2026-03-03 12:00", change=2, changed_at="2026-03-02 10:00"),
            deployment("second", "2026-04-04 12:00", change=3, changed_at="2026-04-03 10:00"),
        ],
    )


def test_a_refusal_makes_the_months_since_the_last_whole_reading_incomplete_for_what_needs_deployments(
    landed: Landed,
) -> None:
    """And the 31 days before it: a revert of a change that was deployed then would be missing."""
    services_for(landed)
    landed.github("2026-05-02", [], scope="github:1/deployments")
    landed.refused("2026-05-20", "github:1/deployments", "Deployments (read) is missing.")
    with landed.trends(CATALOGUE, as_of="2026-05-20") as connection:
        assert [tuple(row.values()) for row in rows(connection, MISSING)] == [
            (month, "github:1", "incomplete", "Deployments (read) is missing.")
            for month in ("2026-04", "2026-05")
        ]
        for metric in ("si_change_fail_rate", "si_rework_rate", "si_deployment_frequency"):
            found = {row["cell"]: row["hole"] for row in rows(connection, CELLS, metric=metric)}
            assert (found["service 2026-03"], found["service 2026-04"]) == (None, "source_gap"), metric
        found = {row["cell"]: row["hole"] for row in rows(connection, CELLS, metric="rq_review_coverage")}
        assert found["service 2026-04"] is None


def test_without_any_whole_reading_every_month_is_incomplete_and_a_later_one_closes_the_gap(
    landed: Landed,
) -> None:
    services_for(landed)
    landed.refused("2026-05-02", "github:1/deployments", "refused")
    with landed.trends(CATALOGUE, as_of="2026-05-03") as connection:
        assert [row["month"] for row in rows(connection, MISSING)] == ["2026-03", "2026-04", "2026-05"]
    landed.github("2026-05-04", [], scope="github:1/deployments")
    with landed.trends(CATALOGUE, as_of="2026-05-05") as connection:
        assert rows(connection, MISSING) == []
        found = rows(connection, CELLS, metric="si_rework_rate")
        assert {row["hole"] for row in found} == {None}


def expected(at: str, n: int, told_by: str = "deployments") -> ExpectedDeployments:
    count_id = f"github:1/{told_by}"
    more = {"repository_id": "github:1", "told_by": told_by, "counted_at_utc": aware(at)}
    return ExpectedDeployments(count_id=count_id, expected=n, **more)


LEDGER = """
SELECT strftime(month_start, '%Y-%m'), stored, expected, status, coalesce(reason, '')
FROM ops.completeness WHERE source = 'deployments' AND scope = 'github:1' ORDER BY month_start
"""


@pytest.mark.parametrize(
    ("counted", "status", "reason"),
    [
        (None, "unknown", "GitHub did not say how many deployments there should be"),
        (2, "complete", ""),
        (1, "unknown", "more deployments are stored than GitHub counts now: some were deleted there"),
        (
            3,
            "incomplete",
            "fewer deployments are stored than GitHub counts; `evenhand run --full` reads all again",
        ),
    ],
)
def test_what_is_stored_is_held_against_what_github_counts(
    landed: Landed, counted: int | None, status: str, reason: str
) -> None:
    services_for(landed)
    count = [] if counted is None else [expected("2026-05-02", counted)]
    landed.github("2026-05-02", count, scope="github:1/deployments")
    with landed.trends(CATALOGUE, as_of="2026-05-02") as connection:
        found = connection.execute(LEDGER).fetchall()
        cells = rows(connection, CELLS, metric="si_rework_rate")
    assert [row[0] for row in found] == ["2026-03", "2026-04", "2026-05"]
    assert [row[1] for row in found] == [1, 1, 0]
    assert [row[2] for row in found] == ([1, 1, 0] if counted == 2 else [None] * 3)
    assert {row[3:] for row in found} == {(status, reason)}
    assert {row["hole"] for row in cells} == {"source_gap" if status == "incomplete" else None}


def test_a_repository_that_deploys_nothing_is_no_row_and_a_count_of_releases_is_not_of_deployments(
    landed: Landed,
) -> None:
    landed.organization("2026-06-01", service("api"))
    landed.github("2026-05-02", [repository(), expected("2026-05-02", 0)], scope="github:1/deployments")
    with landed.core("2026-05-02") as connection:
        assert connection.execute(LEDGER).fetchall() == []
    made = release("1", "v1.0", "2026-05-01 15:00", change=3, changed_at="2026-03-03 10:00")
    counts = [expected("2026-05-03", 1, "releases"), expected("2026-05-03", 7)]
    landed.github("2026-05-03", [made, *counts], scope="github:1/releases/deployments")
    with landed.core("2026-05-03") as connection:
        assert connection.execute(LEDGER).fetchall() == [("2026-05", 1, 1, "complete", "")]


def test_deployments_that_later_runs_left_out_have_not_told_of_the_months_since(landed: Landed) -> None:
    services_for(landed)
    landed.github("2026-05-02", [expected("2026-05-02", 2)], scope="github:1/deployments")
    with landed.core("2026-07-02") as connection:
        found = connection.execute(LEDGER).fetchall()
    assert [row[3] for row in found] == ["complete", "complete", *["incomplete"] * 3]
    assert {row[4] for row in found[2:]} == {"not read since 2026-05-02 00:00 UTC"}


# --- releases and tags in the place of deployments ---


def release(key: str, name: str, at: str, *, change: int, changed_at: str, **more: Any) -> Deployment:
    of = more.pop("of", "release")
    made = deployment(key, at, change=change, changed_at=changed_at, environment="", name=name, **more)
    return replace(made, deployment_id=f"github:{of}/{key}")


def released(landed: Landed, *rules: tuple[str, str, str, str]) -> dict[str, dict[str, Any]]:
    with landed.core(release_rules=rules) as core:
        return {row["ref"]: row for row in rows(core, ROW)}


def test_releases_take_the_place_of_deployments_where_a_rule_says_so(landed: Landed) -> None:
    landed.organization("2026-03-20", service("api"))
    deployments(
        landed,
        *FIVE,
        deployment("d", "2026-03-03 12:00", change=3, changed_at="2026-03-03 10:00"),
        release("1", "v1.0", "2026-03-03 15:00", change=3, changed_at="2026-03-03 10:00"),
        release("2", "nightly-7", "2026-03-04 15:00", change=4, changed_at="2026-03-04 10:00"),
        release("3", "v1.1", "2026-03-06 15:00", change=6, changed_at="2026-03-06 10:00"),
        release(
            "4", "v2-rc", "2026-03-07 15:00", change=6, changed_at="2026-03-06 10:00", state="prerelease"
        ),
    )
    found = released(landed, ("ACME/api", "releases", "v*", ""))
    assert {ref: (row["service_ids"], numbers(row), row["status"]) for ref, row in found.items()} == {
        "acme/api v1.0": (["api"], [3], "success"),
        "acme/api v1.1": (["api"], [4, 5, 6], "success"),
        "acme/api v2-rc": (["api"], [], "prerelease"),
    }
    assert list(released(landed)) == ["acme/api deployment d"]
    assert list(released(landed, ("acme/else", "releases", "*", ""))) == ["acme/api deployment d"]


def test_services_of_one_repository_are_told_apart_by_the_pattern_of_their_releases(landed: Landed) -> None:
    landed.organization("2026-03-20", service("pay", label="pay"), service("Cart", label="cart"))
    deployments(
        landed,
        merged(2, "2026-03-02 10:00", "pay"),
        merged(3, "2026-03-03 10:00", "cart"),
        merged(4, "2026-03-04 10:00", "pay", "cart"),
        *(
            release(f"{name}{day}", f"{name}-v{day}", f"2026-03-0{day} 15:00", change=day, changed_at=at)
            for name, day, at in (
                ("pay", 2, "2026-03-02 10:00"),
                ("cart", 3, "2026-03-03 10:00"),
                ("pay", 4, "2026-03-04 10:00"),
                ("cart", 4, "2026-03-04 10:00"),
                ("docs", 4, "2026-03-04 10:00"),
            )
        ),
    )
    rules = [("acme/api", "releases", f"{name}-*", name) for name in ("pay", "cart", "docs")]
    found = released(landed, *rules)
    assert {ref: (row["service_ids"], numbers(row)) for ref, row in found.items() if "docs" not in ref} == {
        "acme/api pay-v2": (["pay"], [2]),
        "acme/api cart-v3": (["Cart"], [3]),
        "acme/api pay-v4": (["pay"], [4]),
        "acme/api cart-v4": (["Cart"], [4]),
    }
    assert found["acme/api docs-v4"]["environment"] == "a service that is not in the services file"


def test_a_tag_of_an_earlier_commit_is_a_rollback(landed: Landed) -> None:
    landed.organization("2026-03-20", service("api"))
    deployments(
        landed,
        *FIVE,
        release("1/a", "a", "2026-03-03 15:00", change=3, changed_at="2026-03-03 10:00", of="tag"),
        release("1/b", "b", "2026-03-04 15:00", change=4, changed_at="2026-03-04 10:00", of="tag"),
        release("1/c", "c", "2026-03-04 16:00", change=3, changed_at="2026-03-03 10:00", of="tag"),
    )
    found = released(landed, ("acme/api", "tags", "*", ""))
    assert (found["acme/api c"]["kind"], found["acme/api c"]["remediates_deployment_id"]) == (
        "rollback",
        "github:tag/1/b",
    )
