"""What a text says did it: said outright, or not at all."""

import pytest

from connectors.references import causes_in, incidents_in, is_version, other_causes_in, without_denials

OWN = "acme/api"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("Caused by #12", ["acme/api#12"]),
        ("caused-by: #12", ["acme/api#12"]),
        ("Caused-By: GH-12", ["acme/api#12"]),
        ("This was introduced in acme/web#7.", ["acme/web#7"]),
        ("A regression from https://github.com/acme/web/pull/7, sorry", ["acme/web#7"]),
        ("Regression of [#12](https://github.com/acme/api/pull/12)", ["acme/api#12"]),
        ("It was broken by the change in pull request #12.", ["acme/api#12"]),
        ("Root cause: #12", ["acme/api#12"]),
        ("Caused by #12 and #13, found by QA", ["acme/api#12", "acme/api#13"]),
        ("Caused by #12 and introduced in acme/web#7.", ["acme/api#12", "acme/web#7"]),
        ("Regression from #12, broken by #13 and triggered by #14", [f"acme/api#{n}" for n in (12, 13, 14)]),
        ("Caused by #12, possibly introduced in #13", ["acme/api#12"]),
        ("Caused by #12 and introduced in #13 being reverted", ["acme/api#12"]),
        ("Caused by #12, #12 and ACME/API#12", ["acme/api#12"]),
        ("Fixes #12", ["acme/api#12"]),
        ("- Fixes: acme/web#7 (null carts)", ["acme/web#7"]),
        ("Null carts.\r\n\r\nFixes #12\r\nReviewed-by: Ann", ["acme/api#12"]),
        ("It does not handle nulls. Caused by #12.", ["acme/api#12"]),
        ("Caused by https://ghe.acme.example/acme/web/pull/7", ["acme/web#7"]),
    ],
)
def test_what_is_said_outright(text: str, named: list[str]) -> None:
    assert list(causes_in(text, OWN)) == named


@pytest.mark.parametrize(
    "text",
    [
        "Not caused by #12",
        "This wasn't caused by #12.",
        "This wasn\N{RIGHT SINGLE QUOTATION MARK}t caused by #12.",
        "It is unlikely that it was introduced in #12",
        "Was it caused by #12?",
        "Was it caused by #12 or introduced in #13?",
        "Maybe caused by #12 and introduced in #13",
        "Not caused by #12 but introduced in #13",
        "Possibly caused by #12",
        "I think this was caused by #12",
        "Unclear whether it was broken by #12",
        "Caused by the lack of #12",
        "Caused by #12 not being deployed",
        "Caused by #12 being reverted",
        "> Caused by #12\n\nNo, it was the disk.",
        "```\nCaused by #12\n```",
        "```text\nCaused by #12",
        "~~~\nCaused by #12\n~~~",
        "As in `Caused by #12`",
        "    Caused by #12",
        "<!-- Caused by #12: say which pull request it was -->",
        "~~Caused by #12~~",
        "{quote}Caused by acme/api#12{quote}",
        "{code:java}Caused by acme/api#12{code}",
        "Caused by: java.lang.NullPointerException: cart#12",
        "Caused by step 12",
        "Caused by #12a",
        "Caused by &#12;",
        "See #12",
        "Fixes the tests of #12",
        "Fixes #12 in the docs only",
        "This fixes #12",
        "Prefix: #12",
        "Refs #12, caused by the disk",
        "https://example.org/caused-by/#12",
    ],
)
def test_what_is_denied_doubted_asked_quoted_or_about_something_else_names_nobody(text: str) -> None:
    assert causes_in(text, OWN) == ()


def test_a_number_without_a_repository_is_nobodys() -> None:
    assert causes_in("Caused by #12 and acme/web#7") == ("acme/web#7",)


def test_incidents_are_named_by_their_address_where_somebody_says_so() -> None:
    text = "For https://acme.pagerduty.com/incidents/Q1ABC.\n> https://acme.pagerduty.com/incidents/Q2"
    assert incidents_in(text) == ("https://acme.pagerduty.com/incidents/q1abc",)
    assert incidents_in("incident 1042") == ()


@pytest.mark.parametrize(
    ("text", "is_left"),
    [
        ("acme/api#12 is not the cause", False),
        ("acme/api#12 was ruled out", False),
        ("Not related to acme/api#12", False),
        ("That isn't caused by acme/api#12", False),
        ("acme/api#12 had nothing to do with it", False),
        ("acme/api#12 did not handle nulls", True),
        ("Rolled back acme/api#12", True),
    ],
)
def test_a_sentence_that_denies_is_left_out_and_one_that_says_what_failed_is_not(
    text: str, is_left: bool
) -> None:
    assert ("acme/api#12" in without_denials(f"{text}. Pages stopped.")) is is_left
    assert "Pages stopped." in without_denials(f"{text}. Pages stopped.")


def test_a_long_text_is_read_in_no_time() -> None:
    assert causes_in("caused by " * 20_000 + "#12 " * 20_000, OWN) in ((), ("acme/api#12",))
    assert causes_in("[" * 50_000 + "#1", OWN) == ()
    assert causes_in("acme/" * 30_000, OWN) == ()


LONG = "a1b2c3d4" * 5


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("Caused by a1b2c3d", [("commit", "a1b2c3d")]),
        (f"Broken by commit {LONG}.", [("commit", LONG)]),
        ("introduced in https://github.com/acme/api/commit/A1B2C3D", [("commit", "a1b2c3d")]),
        ("A regression in v1.2.3", [("version", "v1.2.3")]),
        ("Introduced in release 1.2.3-rc1, found by QA", [("version", "1.2.3-rc1")]),
        ("Regression since pay-v1.2.", [("version", "pay-v1.2")]),
        ("Caused by deployment 4711", [("deployment", "4711")]),
        ("Caused by https://github.com/acme/api/deployments/4711.", [("deployment", "4711")]),
        (
            "Triggered by https://cd.acme.example/deploys/Run-9?tab=log#l3",
            [("deployment", "https://cd.acme.example/deploys/Run-9")],
        ),
        (
            "Caused by https://github.com/acme/api/releases/tag/v1.2.3 and introduced in #12",
            [("deployment", "https://github.com/acme/api/releases/tag/v1.2.3")],
        ),
        ("Caused by a1b2c3d, v1.2.3 and #12", [("commit", "a1b2c3d"), ("version", "v1.2.3")]),
    ],
)
def test_commits_versions_and_deployments_that_are_said_outright(
    text: str, named: list[tuple[str, str]]
) -> None:
    assert list(other_causes_in(text)) == named


@pytest.mark.parametrize(
    "text",
    [
        "Not caused by a1b2c3d",
        "Perhaps introduced in v1.2.3",
        "Caused by a decade of deadbeef",  # letters alone are words, digits alone are numbers
        "Caused by 1234567",
        "Caused by a1b2c3d4-0000-4000-8000-123456789abc",
        "Caused by 10.0.0.1",
        "Caused by 1.5 seconds of delay",
        "Caused by https://status.cloud.example/incidents/9?token=s3cret",
        "Fixed in v1.2.4",
        "Affected: v1.2.3",
        "`caused by a1b2c3d`",
    ],
)
def test_what_is_no_commit_version_or_deployment_at_fault(text: str) -> None:
    assert other_causes_in(text) == ()


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("v1.2.3", True),
        ("1.2.3", True),
        ("pay-v1.2", True),
        ("main", False),
        ("release/next", False),
        ("", False),
    ],
)
def test_a_version_is_told_from_a_branch(name: str, wanted: bool) -> None:
    assert is_version(name) is wanted
