"""A GitHub App in place of a token, against the emulator, which gives it tokens and takes them back.

Here: tokens asked for, renewed and revoked in the middle of a run; no budget is each client's own.
Not here: refusals of an App, and whether a signature is right (``test_http``).
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from connectors.contract import Page
from connectors.errors import StopSourceError, TriedOftenError
from connectors.github.client import GitHubSource
from connectors.github.http import AppKey, GitHubOverHttp
from connectors.github.transport import Operation
from connectors.jira.http import JiraOverHttp
from connectors.pagerduty.http import PagerDutyOverHttp
from connectors.waiting import Patience
from tests.connectors.github.test_emulator import Emulator
from tests.shared_material import emulated_world

TIME = Operation(name="ServerTime", variables={})
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(key: Any) -> str:
    return str(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()
    )


def over(address: str, slept: list[float] | None = None) -> GitHubOverHttp:
    return GitHubOverHttp(
        base_url=address,
        credential=AppKey(app_id="12345", installation_id=77, private_key=pem(KEY)),
        patience=Patience(sleep=(slept if slept is not None else []).append),
    )


# ------------------------------------------------------------------------------ the emulator


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    world = emulated_world(seed=5, gen={"months": 2, "people": 6, "prs_per_month": 20})
    try:
        yield Emulator(world.url("github"))
    finally:
        world.stop()


@pytest.fixture(autouse=True)
def _as_before(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "emulator" in request.fixturenames:
        known = request.getfixturevalue("emulator")
        known.tell("config", {"gh_installation_ttl": 3600})
        known.tell("reset", {"what": ["stats", "limits", "faults"]})


def keys_read(source: GitHubSource) -> set[str]:
    found = list(source.pages())
    assert all(isinstance(item, Page) for item in found), [
        item for item in found if not isinstance(item, Page)
    ]
    return {record.key for page in found if isinstance(page, Page) for record in page.records}


def tokens_given(emulator: Emulator) -> int:
    rows = emulator.tell("log")
    rows = rows["rows"] if isinstance(rows, dict) and "rows" in rows else rows
    return sum("access_tokens" in json.dumps(row) for row in rows)


@pytest.mark.parametrize("path", ["", "/api/v3"])
def test_an_app_reads_what_a_token_reads(emulator: Emulator, path: str) -> None:
    by_token = GitHubOverHttp(
        base_url=emulator.url, credential="ghp_sigemu", patience=Patience(sleep=lambda _: None)
    )
    expected = keys_read(GitHubSource(transport=by_token, organizations=["acme"]))
    emulator.tell("reset", {"what": ["stats"]})
    slept: list[float] = []
    app = over(emulator.url + path, slept)
    assert keys_read(GitHubSource(transport=app, organizations=["acme"])) == expected
    assert len(expected) > 40
    assert slept == []
    assert tokens_given(emulator) == 1


def test_a_token_that_is_revoked_in_the_middle_is_renewed(emulator: Emulator) -> None:
    expected = keys_read(GitHubSource(transport=over(emulator.url), organizations=["acme"], page_size=5))
    emulator.tell("reset", {"what": ["stats", "faults"]})
    rule = {"kind": "expire_tokens", "match": "POST .*graphql", "nth": 4}
    emulator.tell("faults", {"rules": [rule], "seed": 1})
    found = keys_read(GitHubSource(transport=over(emulator.url), organizations=["acme"], page_size=5))
    assert found == expected
    assert tokens_given(emulator) == 2


def test_a_token_that_ends_soon_is_renewed_before_it_does(emulator: Emulator) -> None:
    """PyGithub renews within the last 20 seconds: with tokens of 10 seconds that is every time."""
    emulator.tell("config", {"gh_installation_ttl": 10})
    emulator.tell("reset", {"what": ["stats"]})
    app = over(emulator.url)
    for _ in range(3):
        app.send([TIME])
    assert tokens_given(emulator) >= 3


# ------------------------------------------------------------------------------ one budget


def test_all_three_clients_draw_on_one_budget() -> None:
    """Nobody listens there: each client waits what the others have left, and the last is told so."""
    slept: list[float] = []
    patience = Patience(sleep=slept.append, may_wait_seconds=33)
    github = GitHubOverHttp(base_url="http://127.0.0.1:1", credential="t", patience=patience)
    jira = JiraOverHttp(base_url="http://127.0.0.1:1", token="t", patience=patience)
    pagerduty = PagerDutyOverHttp(base_url="https://127.0.0.1:1", token="t", patience=patience)
    with pytest.raises(TriedOftenError):
        github.send([TIME])
    with pytest.raises(TriedOftenError):
        jira.ask("/rest/api/2/serverInfo")
    with pytest.raises(StopSourceError, match="this run has waited 33 s of the 33 s it may"):
        pagerduty.get("/users", {})
    assert slept == [1.0, 2.0, 4.0, 8.0, 1.0, 2.0, 4.0, 8.0, 1.0, 2.0]
