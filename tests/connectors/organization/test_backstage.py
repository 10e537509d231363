"""Services from Backstage: what is kept of each entity, whose tier and owner count, and what is quarantined.

Here: files as people write them, good and bad. Not here: rows of services.csv (``test_files``).
"""

import os
import time
from datetime import date
from pathlib import Path
from random import Random

import pytest

from connectors.organization.backstage import LARGEST_FILE, read_backstage
from connectors.organization.files import OrganizationSource
from connectors.organization.records import ServiceRow
from tests.connectors.organization.writing import KNOWN_AT, line, read_from, table

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
    assert "line 3; it cannot be read (expected ',' or ']'" in rejected[0].message


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
    assert [row.service_id for _, row in rows] == ["owner", "checkout", "finder", "toy"]
    assert rows[0][1].team_id == "nobody"  # groups may come from elsewhere: no service is lost for that
    assert [(one.field, one.is_lost) for one in rejected] == [
        ("tier", True),
        ("github.com/project-slug", True),
        ("spec.owner", False),
        ("evenhand/valid-from", True),
    ]


def test_a_pattern_that_matches_nothing_is_said(tmp_path: Path) -> None:
    rows, rejected = read_backstage(tmp_path, ["catalog/*.yaml"])
    assert rows == []
    assert "no file matches catalog/*.yaml" in rejected[0].message


def component(metadata: str, spec: str = "{owner: payments}") -> str:
    return f"kind: Component\nmetadata: {metadata}\nspec: {spec}\n"


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{after}: &{after} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, after in zip("abcdefgh", "bcdefghi", strict=True)
)
MERGES = "a: &a {k: v}\n" + "".join(
    f"{after}: &{after} {{<<: [{', '.join([f'*{before}'] * 9)}]}}\n"
    for before, after in zip("abcdefgh", "bcdefghi", strict=True)
)
AWKWARD = {
    "a name that is a pile of aliases": (f"{BOMB}kind: Component\nmetadata: {{name: *i}}\n", "metadata.name"),
    "a name that is a pile of merges": (
        f"{MERGES}kind: Component\nmetadata: {{name: *i}}\n",
        "metadata.name",
    ),
    "an alias of itself": ("kind: Component\nmetadata: &m {name: *m}\n", "file"),
    "an alias of nothing": ("kind: Component\nmetadata: *gone\n", "file"),
    "nested a thousand deep": ("[" * 5000, "file"),
    "a tab before a key": ("kind: Component\nmetadata:\n\tname: shop\n", "file"),
    "a template's own file": (component("{name: '${{ values.name }}'}"), "metadata.name"),
    "a cookiecutter's": ("kind: Component\nmetadata:\n  name: {{ cookiecutter.name }}\n", "file"),
    "a name from another file": (component("{name: {$text: ./name.txt}}"), "metadata.name"),
    "an owner from another file": (component("{name: shop}", "{owner: {$text: ./o}}"), "spec.owner"),
    "metadata that is a list": ("kind: Component\nmetadata: [name, shop]\n", "metadata"),
    "annotations that are text": (component("{name: shop, annotations: none}"), "annotations"),
    "a spec that is text": (component("{name: shop}", "service"), "spec"),
    "no metadata": ("kind: Component\nspec: {owner: payments}\n", "metadata.name"),
    "no name": (component("{title: Shop}"), "metadata.name"),
    "a name with a slash": (component("{name: a/b}"), "metadata.name"),
    "a name of a thousand letters": (component("{name: " + "x" * 1000 + "}"), "metadata.name"),
    "a namespace that is a list": (component("{name: shop, namespace: [a]}"), "metadata.namespace"),
    "a kind that is a list": ("kind: [Component]\nmetadata: {name: shop}\n", "kind"),
    "a kind in other letters": ("kind: component\nmetadata: {name: shop}\n", "kind"),
    "no kind": ("metadata: {name: shop}\n", "kind"),
    "a list of entities": ("- kind: Component\n", "file"),
    "nothing but a remark": ("# to be written\n", "file"),
    "one key twice": ("kind: Component\nmetadata: {name: shop, name: web}\n", "file"),
    "half a character": (
        component('{name: shop, annotations: {evenhand/label: "\\ud800"}}'),
        "evenhand/label",
    ),
    "a tier of 2.5": (component("{name: shop, labels: {tier: 2.5}}"), "tier"),
    "a tier that is a list": (component("{name: shop, labels: {tier: [1]}}"), "tier"),
    "a day before the first": (
        component("{name: s, annotations: {evenhand/valid-from: 2026-05-01, evenhand/valid-to: 2026-04-01}}"),
        "evenhand/valid-to",
    ),
    "an owner that is a sentence": (component("{name: shop}", "{owner: 'ask Ana'}"), "spec.owner"),
    "a number that is none": (
        "kind: Component\nmetadata: {name: !!timestamp soon, x: !!int ''}\n",
        "spec.owner",
    ),
}


@pytest.mark.parametrize(("text", "field"), AWKWARD.values(), ids=AWKWARD)
def test_what_is_hostile_or_awkward_is_quarantined_and_the_rest_kept(
    tmp_path: Path, text: str, field: str
) -> None:
    begun = time.process_time()
    rows, rejected = read_backstage(written(tmp_path, shop=GOOD, odd=text), ["**/catalog-info.yaml"])
    assert {row.service_id for _, row in rows} >= {"checkout", "finder", "toy"}
    assert [one.field for one in rejected] == [field]
    assert rejected[0].message.startswith("odd/catalog-info.yaml")
    assert rejected[0].message.isprintable()
    assert len(rejected[0].message) < 400
    assert time.process_time() - begun < 5


def test_bytes_that_are_no_text_and_files_that_are_too_large_are_said(tmp_path: Path) -> None:
    folder = written(tmp_path, shop=GOOD, latin="", wide="", huge="#" * (LARGEST_FILE + 1))
    (folder / "latin" / "catalog-info.yaml").write_bytes(component("{name: caf\xe9}").encode("latin-1"))
    (folder / "wide" / "catalog-info.yaml").write_bytes(component("{name: shop}").encode("utf-16"))
    for name in (b"pipe", b"odd-\xff"):
        Path(os.fsdecode(os.path.join(os.fsencode(folder), name))).mkdir()
    os.mkfifo(folder / "pipe" / "catalog-info.yaml")
    (folder / os.fsdecode(b"odd-\xff") / "catalog-info.yaml").write_text("[")
    rows, rejected = read_backstage(folder, ["**/catalog-info.yaml"])
    assert len(rows) == 3
    assert {one.ref: one.message.split(": ")[1].split(". ")[0] for one in rejected} == {
        "odd-?/catalog-info.yaml": "YAML was wanted, line 1; it cannot be read "
        "(expected the node content, but found '<stream end>')",
        "pipe/catalog-info.yaml": "a file was wanted",
        "huge/catalog-info.yaml": "at most 1,000,000 bytes were wanted, found more",
        "latin/catalog-info.yaml": "a text file in UTF-8 was wanted",
        "wide/catalog-info.yaml": "a text file in UTF-8 was wanted",
    }


@pytest.mark.parametrize("pattern", ["/etc/*.yaml", "", "a**b"])
def test_a_pattern_that_is_none_is_said(tmp_path: Path, pattern: str) -> None:
    rows, rejected = read_backstage(written(tmp_path, shop=GOOD), [pattern, "*/catalog-info.yaml"])
    assert len(rows) == 3
    assert [one.field for one in rejected] == ["backstage"]


def test_owners_that_are_no_team_leave_the_service_without_one(tmp_path: Path) -> None:
    text = "---\n".join(
        [
            component("{name: mine}", "{owner: user:default/ana}"),
            component("{name: nobody-s}", "{}"),
            component("{name: null-owner}", "{owner: ~}"),
            component("{name: far}", "{owner: p, system: elsewhere}"),
        ]
    )
    rows, rejected = read_backstage(written(tmp_path, odd=text), ["**/catalog-info.yaml"])
    assert {row.service_id: row.team_id for _, row in rows} == {
        "mine": None,
        "nobody-s": None,
        "null-owner": None,
        "far": "p",
    }
    assert [(one.field, one.is_lost) for one in rejected] == [
        ("spec.owner", False),
        ("spec.owner", False),
        ("spec.owner", False),
        ("spec.system", False),
    ]
    assert rejected[0].message == (
        "odd/catalog-info.yaml, document 1, mine: a group was wanted, found a user. "
        "The service was kept and is of no team."
    )


def test_names_of_two_namespaces_are_two_services_and_references_are_of_their_own(tmp_path: Path) -> None:
    """A reference without a namespace is to the entity's own one, and letters' case does not matter."""
    text = """
kind: Component
metadata: {name: api, namespace: default}
spec: {owner: Group:Default/Payments}
---
kind: Component
metadata: {name: api, namespace: search}
spec: {owner: crawl}
---
kind: Component
metadata: {name: web, namespace: search}
spec: {owner: group:default/payments}
---
kind: Group
metadata: {name: payments}
---
kind: Group
metadata: {name: crawl, namespace: search}
"""
    rows, rejected = read_backstage(written(tmp_path, two=text), ["**/catalog-info.yaml"])
    assert rejected == []
    assert [(row.service_id, row.team_id) for _, row in rows] == [
        ("api", "payments"),
        ("search/api", "search/crawl"),
        ("search/web", "payments"),
    ]


def test_a_component_told_twice_is_named_with_both_places(tmp_path: Path) -> None:
    folder = written(tmp_path, a=component("{name: shop}"), b=component("{name: shop}", "{owner: search}"))
    (folder / "services.csv").write_text(table("services", line("services", repository="acme/kettle")))
    found = read_from(
        OrganizationSource(
            people=None,
            calendar=None,
            services=folder / "services.csv",
            backstage=["*/catalog-info.yaml"],
            folder=folder,
            reporting_timezone="UTC",
            known_at_utc=KNOWN_AT,
        )
    )
    assert [(row.service_id, row.team_id) for row in found.all(ServiceRow)] == [
        ("kettle", None),
        ("shop", "payments"),
    ]
    assert (found.only_reject.ref, found.only_reject.problem) == (
        "b/catalog-info.yaml, shop",
        "overlapping_rows",
    )
    assert "begins before a/catalog-info.yaml, shop ends" in found.only_reject.message


@pytest.mark.parametrize("seed", range(4))
def test_no_broken_file_breaks_the_reading(tmp_path: Path, seed: int) -> None:
    """Bytes struck out and replaced by what means something in YAML: told, or quarantined by place."""
    random = Random(seed)
    folder = written(tmp_path, shop=GOOD)
    for number in range(60):
        broken = bytearray(GOOD.encode())
        for _ in range(random.randrange(1, 6)):
            at = random.randrange(len(broken))
            bit = random.choice(
                (
                    b"",
                    b"\t",
                    b"&a ",
                    b"*a ",
                    b"!!int ",
                    b"|\n",
                    b"- ",
                    b"\x00",
                    b"\xff",
                    b"{",
                    b": ",
                    b"---\n",
                )
            )
            broken[at : at + random.randrange(4)] = bit
        (folder / f"f{number}").mkdir()
        (folder / f"f{number}" / "catalog-info.yaml").write_bytes(bytes(broken))
    rows, rejected = read_backstage(folder, ["**/catalog-info.yaml"])
    assert [row.service_id for place, row in rows if place.startswith("shop/")] == [
        "checkout",
        "finder",
        "toy",
    ]
    told = {place.split("/")[0] for place, _ in rows} | {(one.ref or "").split("/")[0] for one in rejected}
    assert told == {"shop", *(f"f{number}" for number in range(60))}
    for _, row in rows:
        for text in (row.service_id, row.team_id, row.repository, row.label):
            assert text is None or text.isprintable()
