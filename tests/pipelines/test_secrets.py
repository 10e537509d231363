"""Credentials of every kind are planted, and hostile servers say them back: nothing of ours repeats them.

Planted: a GitHub token, a GitHub App's private key and the tokens it is given, PagerDuty's key, Jira's e-mail
and API token (Cloud) and personal access token (Data Center). Looked through: every file under the storage
(tables and Dagster's events column by column, drafts line by line, because their bytes are compressed), what
commands print, what is logged, and errors with their causes.
"""

import base64
import json
import logging
import sqlite3
import threading
import traceback
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import duckdb
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from typer.testing import CliRunner

from pipelines import nightly
from pipelines.cli import app
from pipelines.doctor import examine
from pipelines.nightly import Night
from pipelines.settings import load_settings
from tests.connectors.github.test_app import pem
from tests.pipelines.emulated import ASKS, turn_to_loopback
from tests.shared_material import emulated_world
from warehouse.draft import Draft, _value_of

PLANTED = {
    "GITHUB_TOKEN": "ghp_planted0123456789abcdefABCDEF",
    "PAGERDUTY_TOKEN": "pdPlanted+0123456789ab",
    "JIRA_TOKEN": "ATATT3plantedCloud0123456789=ABCDEF",
    "JIRA_PAT": "plantedDataCenter0123456789/abcd",
}
EMAIL = "evenhand-reader@planted.example"
KEY = pem(rsa.generate_private_key(public_exponent=65537, key_size=2048))
SECRETS = (
    *PLANTED.values(),
    EMAIL,
    base64.b64encode(f"{EMAIL}:{PLANTED['JIRA_TOKEN']}".encode()).decode(),
    *(line for line in KEY.splitlines() if len(line) == 64),
)
ROSTER = (
    "person,name,email,team,manager,role,level,time_zone,working_days,place,valid_from,valid_to,"
    "github,pagerduty,jira"
)
GIVEN = "ghs_planted"
"""How every token begins that the hostile server gives to the App."""

SECTIONS = {
    "github token": 'github]\nbase_url = "{0}"\ntoken = { env = "GITHUB_TOKEN" }\norganizations = ["acme"]',
    "github app": 'github]\nbase_url = "{0}"\norganizations = ["acme"]\n'
    'app = { id = 12, installation = 77, private_key_file = "key.pem" }',
    "pagerduty": 'pagerduty]\nbase_url = "https://pagerduty.test"\ntoken = { env = "PAGERDUTY_TOKEN" }',
    "jira": 'jira]\nbase_url = "{0}"\ntoken = { env = "JIRA_TOKEN" }\nprojects = ["{1}"]\n'
    + f'email = "{EMAIL}"',
    "jira data center": 'jira]\nkind = "datacenter"\nbase_url = "{0}"\ntoken = { env = "JIRA_PAT" }\n'
    'projects = ["{1}"]',
}
"""A section of ``[sources]`` for each kind of credential; {0} is the server's address, {1} a project."""


def configured(folder: Path, addresses: dict[str, str], project: str = "API") -> Path:
    """evenhand.toml with these sections, and the App's key beside it."""
    folder.mkdir(exist_ok=True)
    (folder / "key.pem").write_text(KEY, "ascii")
    config = folder / "evenhand.toml"
    text = '[organization]\nname = "Acme"\nreporting_timezone = "Europe/Berlin"\n'
    for name, address in addresses.items():
        text += "\n[sources." + SECTIONS[name].replace("{0}", address).replace("{1}", project) + "\n"
    config.write_text(text, "utf-8")
    return config


# ------------------------------------------------------------------------------ the hostile server


ANSWERS: dict[str, Callable[[str], tuple[int, str]]] = {
    "refused": lambda said: (
        401,
        json.dumps({"message": f"Bad credentials: {said}", "errorMessages": [said]}),
    ),
    "forbidden": lambda said: (403, json.dumps({"message": f"{said} may not", "documentation_url": said})),
    "not_found": lambda said: (404, json.dumps({"message": said, "error": {"message": said}})),
    "asks_for_less": lambda said: (400, json.dumps({"errorMessages": [said], "errors": {said: said}})),
    "errors": lambda said: (
        200,
        json.dumps({"data": None, "errors": [{"type": "FORBIDDEN", "message": said, "path": [said]}]}),
    ),
    "typed_errors": lambda said: (
        200,
        json.dumps({"data": None, "errors": [{"type": said, "extensions": {"code": said}}]}),
    ),
    "page": lambda said: (200, f"<html><body>A proxy's error page. {said}</body></html>"),
    "broken": lambda said: (500, said),
    "moved": lambda said: (302, said),
    "limited": lambda said: (429, said),
    "odd_data": lambda said: (
        200,
        json.dumps({"data": {said: said, "rateLimit": {"cost": said}}, said: said}),
    ),
}


class SaysItBack(BaseHTTPRequestHandler):
    """Answers everything with the authorization it was sent: in the body, a header and the status line."""

    kind: ClassVar[str] = ""
    gives_tokens: ClassVar[bool] = True
    seen: ClassVar[list[str]] = []

    def do_POST(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        said = self.headers.get("Authorization", "")
        self.seen.append(said)
        status, body = ANSWERS[self.kind](said)
        if self.gives_tokens and self.path.endswith("/access_tokens"):
            token = {"token": f"{GIVEN}{len(self.seen):09d}", "expires_at": "2999-01-01T00:00:00Z"}
            status, body = 201, json.dumps(token)
        self.send_response(status, message=said)
        self.send_header("Content-Type", "application/json")
        self.send_header("X-Said", said)
        self.send_header("Location", f"/{said}")
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: Any) -> None:
        """Nothing: the test's own server is not what is looked at."""


@contextmanager
def saying_it_back() -> Iterator[str]:
    SaysItBack.seen = []
    with ThreadingHTTPServer(("127.0.0.1", 0), SaysItBack) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


# ------------------------------------------------------------------------------ where is looked


def texts_under(folder: Path) -> Iterator[tuple[Path, str]]:
    """Every file as text, and every value of those that hold tables or compressed lines."""
    for path in sorted(entry for entry in folder.rglob("*") if entry.is_file() and not entry.is_symlink()):
        yield path, path.read_bytes().decode("utf-8", "replace")
        if path.suffix == ".parquet":
            yield path, _rows(duckdb.connect(), f"'{path}'")
        if path.suffix == ".duckdb":
            with duckdb.connect(str(path), read_only=True) as connection:
                tables = connection.execute("SELECT schema_name, table_name FROM duckdb_tables()").fetchall()
                for schema, table in tables:
                    yield path, _rows(connection, f'"{schema}"."{table}"')
        if path.suffix == ".db":
            with closing(sqlite3.connect(path)) as events:
                for (table,) in events.execute(
                    "SELECT name FROM sqlite_master WHERE type = 'table'"
                ).fetchall():
                    for row in events.execute(f'SELECT * FROM "{table}"'):
                        yield path, " ".join(map(_opened, row))
        if path.suffix == ".draft":
            with path.open("rb") as lines:
                yield path, json.dumps([_value_of(line) for line in lines])


def _rows(connection: duckdb.DuckDBPyConnection, table: str) -> str:
    """All rows of a table, as one JSON text."""
    found = connection.execute(f"SELECT string_agg(to_json(each)::VARCHAR) FROM {table} AS each").fetchall()
    return str(found[0][0])


def _opened(value: Any) -> str:
    """A value of Dagster's events; some are compressed."""
    if not isinstance(value, bytes):
        return str(value)
    try:
        return zlib.decompress(value).decode("utf-8", "replace")
    except zlib.error:
        return value.decode("utf-8", "replace")


def places(folder: Path, secrets: Sequence[str]) -> list[str]:
    """The files in which a secret lies, but for the two in which the operator wrote it down."""
    written = {folder / "evenhand.toml", folder / "key.pem"}
    found = {
        path.relative_to(folder).as_posix()
        for path, text in texts_under(folder)
        if path not in written and any(secret in text for secret in secrets)
    }
    return sorted(found)


def found_in(text: str, secrets: Sequence[str]) -> list[str]:
    """The lines of a text in which a secret stands."""
    return [line for line in text.splitlines() if any(secret in line for secret in secrets)]


def credentials_of(headers: Sequence[str]) -> set[str]:
    """What servers were sent to know us by, without the words before it."""
    return {header.rpartition(" ")[2].removeprefix("token=") for header in headers if header}


def printed(config: Path, *lines: str) -> str:
    """What these commands print, for people and as errors."""
    said = []
    for line in lines:
        result = CliRunner(env=PLANTED).invoke(app, [*line.split("|"), "--config", str(config)])
        said += [result.output, repr(result.exception)]
    return "\n".join(said)


def landed(config: Path) -> str:
    """What landing every source and the doctor say; errors with their causes."""
    said: list[str] = []
    night = Night(settings=load_settings(config), environment=PLANTED, say=said.append)
    for source in ("github", "pagerduty", "jira"):
        try:
            nightly.land(night, source)
        except Exception as problem:
            said += traceback.format_exception(problem)
    said += [finding.text for finding in examine(night, datetime(2026, 7, 10, 2, tzinfo=UTC))]
    return "\n".join(said)


@pytest.fixture(autouse=True)
def _nobody_waits(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    caplog.set_level(logging.DEBUG)


# ------------------------------------------------------------------------------ servers that say it back


TRIED = [*((name, True) for name in SECTIONS), ("github app", False)]
"""Kinds of credential, and whether the server gives the App its tokens before it says everything back."""


@pytest.mark.parametrize("tried", TRIED, ids=str)
def test_nothing_repeats_a_credential_that_a_server_says_back(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tried: tuple[str, bool],
) -> None:
    name, SaysItBack.gives_tokens = tried
    said = ""
    with saying_it_back() as address:
        turn_to_loopback(SimpleNamespace(url=lambda _: address), monkeypatch)
        config = configured(tmp_path, {name: address})
        for SaysItBack.kind in ANSWERS:
            before = len(SaysItBack.seen)
            said += landed(config)
            assert len(SaysItBack.seen) > before, f"{SaysItBack.kind}: nothing was asked"
    night = Night(settings=load_settings(config), environment=PLANTED)
    if night.landing.manifests():
        nightly.land(night, "organization")
        nightly.build_core(night)  # the ledger, and everything else in ops
    secrets = [*SECRETS, *credentials_of(SaysItBack.seen)]
    assert len(secrets) > len(SECRETS)
    assert not found_in(said, secrets)
    assert not found_in(caplog.text, secrets)
    assert not found_in("".join(capfd.readouterr()), secrets)
    assert places(tmp_path, secrets) == []


def test_neither_does_a_night_of_dagster_that_they_refuse(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All three refuse: the failures and their causes are Dagster's events."""
    monkeypatch.setattr(Night, "start_gate", lambda _: None)  # there will be nothing to judge
    SaysItBack.kind, SaysItBack.gives_tokens = "refused", True
    with saying_it_back() as address:
        turn_to_loopback(SimpleNamespace(url=lambda _: address), monkeypatch)
        config = configured(tmp_path, dict.fromkeys(("github app", "pagerduty", "jira"), address))
        said = printed(config, "run")
    assert said.count("failed:") == 3
    secrets = [*SECRETS, *credentials_of(SaysItBack.seen), GIVEN]
    assert not found_in(said + caplog.text, secrets)
    assert list(tmp_path.rglob("dagster/history/**/*.db")), "Dagster kept no events"
    assert places(tmp_path, secrets) == []


# ------------------------------------------------------------------------------ servers as they are


@pytest.fixture(scope="module")
def world() -> Iterator[Any]:
    running = emulated_world(
        seed=8,
        gen={"months": 2, "people": 6, "prs_per_month": 20},
        github_tokens={PLANTED["GITHUB_TOKEN"]: {"kind": "pat", "perms": "all"}},
        pd_tokens={PLANTED["PAGERDUTY_TOKEN"]: {"kind": "account read-only"}},
        jira_basic={(EMAIL, PLANTED["JIRA_TOKEN"])},
        jira_dc_pat={PLANTED["JIRA_PAT"]},
    )
    yield running
    running.stop()


def addresses(world: Any, *names: str) -> dict[str, str]:
    servers = {"github": "github", "pagerduty": "pagerduty", "jira": "jira", "jira data center": "jira_dc"}
    return {name: world.url(servers.get(name, "github")) for name in names}


def test_nothing_repeats_the_credentials_of_a_night_that_reads(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, world: Any
) -> None:
    """An App whose token ends in the middle, and a Jira that stops answering: published, with a gap."""
    turn_to_loopback(world, monkeypatch)
    project = sorted(world.jira.projects)[0]
    logins = [each["login"] for each in world.github.users.values() if each["type"] == "User"]
    config = configured(tmp_path, addresses(world, "github app", "pagerduty", "jira"), project)
    people = [
        f"p{place},,,,,,,Europe/Berlin,12345,,2020-01-01,,{login},," for place, login in enumerate(logins)
    ]
    (tmp_path / "people.csv").write_text("\n".join([ROSTER, *people, ""]), "utf-8")
    config.write_text(config.read_text("utf-8") + '\n[people]\nroster = "people.csv"\n', "utf-8")
    rules = [
        {"kind": "expire_tokens", "service": "github", "match": "graphql", "nth": [4]},
        {"kind": "401", "service": "jira", "nth": [9]},
    ]
    world.faults.set(rules, seed=1)
    try:
        said = printed(
            config,
            "run",
            "doctor",
            "completeness",
            "packet|p0",
            "trends|--format|html",
            "sql|FROM ops.loads",
        )
    finally:
        world.faults.set([])
    given = list(world.apps["github"].minted)
    assert len(given) > 1, "no token was renewed"
    assert "Jira refused the token (401)" in said
    for wanted in ("*.parquet", "*.duckdb", "dagster/history/**/*.db", "packet.html", "journal/*"):
        assert list(tmp_path.rglob(wanted)), f"no {wanted} was written: nothing was looked through"
    secrets = [*SECRETS, *given]
    assert not found_in(said + caplog.text, secrets)
    assert places(tmp_path, secrets) == []


@pytest.mark.parametrize("name", sorted(SECTIONS))
def test_nothing_repeats_the_credential_of_a_load_that_was_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, world: Any, name: str
) -> None:
    """What a killed run leaves for the next one is what it was told, and not what it told."""
    turn_to_loopback(world, monkeypatch)
    source = name.partition(" ")[0]
    config = configured(tmp_path, addresses(world, name), sorted(world.jira.projects)[0])
    kind, method = ASKS.get(name) or ASKS["github"]
    ask, left = getattr(kind, method), [5]

    def dying(*arguments: Any, **named: Any) -> Any:
        left[0] -= 1
        if not left[0]:
            raise KeyboardInterrupt
        return ask(*arguments, **named)

    monkeypatch.setattr(kind, method, dying)
    night = Night(settings=load_settings(config), environment=PLANTED)
    with pytest.raises(KeyboardInterrupt):
        nightly.land(night, source)
    draft = tmp_path / "var" / "work" / f"{source}.draft"
    assert len(draft.read_bytes().splitlines()) > 4
    assert places(tmp_path, [*SECRETS, *world.apps["github"].minted]) == []


def test_the_search_finds_a_secret_wherever_it_lies(tmp_path: Path) -> None:
    secret = PLANTED["GITHUB_TOKEN"]
    duckdb.sql(f"SELECT repeat('{secret}', 3) AS a").write_parquet(str(tmp_path / "a.parquet"))
    with duckdb.connect(str(tmp_path / "b.duckdb")) as connection:
        connection.execute(f"CREATE SCHEMA ops; CREATE TABLE ops.runs AS SELECT ['{secret}'] AS b")
    (tmp_path / "c.log").write_bytes(b"\xff" + secret.encode())
    with closing(sqlite3.connect(tmp_path / "d.db")) as events:
        events.execute("CREATE TABLE events (body BLOB)")
        events.execute("INSERT INTO events VALUES (?)", [zlib.compress(secret.encode() * 9)])
        events.commit()
    draft = Draft(path=tmp_path / "e.draft", stands_on="")
    draft.keep("question", {"answer": [secret]})
    assert places(tmp_path, [secret]) == ["a.parquet", "b.duckdb", "c.log", "d.db", "e.draft"]
