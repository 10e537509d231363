"""Services from Backstage: what is kept of each entity, whose tier and owner count, and what is quarantined.

Here: files as people write them, good and bad. Not here: rows of services.csv (``test_files``).
"""

from datetime import date
from pathlib import Path

from connectors.organization.backstage import read_backstage

GOOD = """
apiVersion: backstage.io/v1alpha1
kind: System
metadata: {name: shop, annotations: {evenhand/tier: "1"}}
spec: {owner: group:default/payments}
---
kind: Group
metadata: {name: payments}
---
kind: Group
metadata: {name: search}
---
kind: Component
metadata:
  name: checkout
  annotations:
    github.com/project-slug: acme/shop
    pagerduty.com/service-id: P1ABC
    jira/project-key: SHOP
    evenhand/label: "service:checkout"
    evenhand/valid-from: "2026-02-01"
spec: {type: service, system: shop, lifecycle: production}
---
kind: Component
metadata: {name: finder, labels: {tier: tier-2}}
spec: {owner: search, system: shop}
---
kind: Component
metadata: {name: toy}
spec: {owner: search, lifecycle: experimental}
---
kind: API
metadata: {name: not-a-service}
"""


def written(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / name / "catalog-info.yaml"
        path.parent.mkdir()
        path.write_text(text)
    return folder


def test_a_component_is_a_service_with_its_system_behind_it(tmp_path: Path) -> None:
    rows, rejected = read_backstage(written(tmp_path, shop=GOOD), ["**/catalog-info.yaml"])
    assert rejected == []
    by_name = {row.service_id: row for _, row in rows}
    assert {name: (row.tier, row.team_id, row.repository, row.label) for name, row in by_name.items()} == {
        "checkout": (1, "payments", "acme/shop", "service:checkout"),
        "finder": (2, "search", None, None),
        "toy": (4, "search", None, None),
    }
    checkout = by_name["checkout"]
    assert (checkout.pagerduty_service_id, checkout.jira_project) == ("P1ABC", "SHOP")
    assert (checkout.valid_from, checkout.valid_to) == (date(2026, 2, 1), None)


def test_a_bad_file_is_quarantined_with_its_place_and_the_others_are_kept(tmp_path: Path) -> None:
    bad = "kind: Component\nmetadata: [unclosed\n"
    run = "kind: Component\nmetadata: {name: !!python/object/apply:os.system ['exit 1']}\n"
    folder = written(tmp_path, shop=GOOD, broken=bad, evil=run)
    rows, rejected = read_backstage(folder, ["**/catalog-info.yaml"])
    assert len(rows) == 3
    assert sorted(one.ref or "" for one in rejected) == ["broken/catalog-info.yaml", "evil/catalog-info.yaml"]
    assert all(one.is_lost and one.problem == "wrong_type" for one in rejected)


def test_a_component_that_is_not_right_goes_alone(tmp_path: Path) -> None:
    more = """
kind: Component
metadata: {name: nine, annotations: {evenhand/tier: 9}}
---
kind: Component
metadata: {name: slug, annotations: {github.com/project-slug: "https://github.com/acme/x"}}
---
kind: Component
metadata: {name: owner}
spec: {owner: group:default/nobody}
---
kind: Component
metadata: {name: day, annotations: {evenhand/valid-from: soon}}
"""
    rows, rejected = read_backstage(written(tmp_path, shop=GOOD, more=more), ["*/catalog-info.yaml"])
    assert len(rows) == 3
    assert [one.field for one in rejected] == [
        "tier",
        "github.com/project-slug",
        "spec.owner",
        "evenhand/valid-from",
    ]


def test_a_pattern_that_matches_nothing_is_said(tmp_path: Path) -> None:
    rows, rejected = read_backstage(tmp_path, ["catalog/*.yaml"])
    assert rows == []
    assert "no file matches catalog/*.yaml" in rejected[0].message
