"""A token is planted and a hostile server says it back in every way it can: nothing of ours repeats it.

Looked through: every file under the storage (tables and landing files column by column, because their bytes
are compressed), what the commands print, and everything that is logged.
"""

import json
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import duckdb
import pytest
from typer.testing import CliRunner

from pipelines.cli import app
from tests.connectors.github.test_emulator import Emulator
from tests.pipelines.test_settings import GOOD
from tests.shared_material import emulated_world

PLANTED = "ghp_planted0123456789abcdefABCDEF"
EMULATED = "ghp_sigemu"


ANSWERS: dict[str, Callable[[str], tuple[int, str]]] = {
    "refused": lambda said: (401, json.dumps({"message": f"Bad credentials: {said}"})),
    "forbidden": lambda said: (403, json.dumps({"message": f"{said} may not", "documentation_url": said})),
    "not_found": lambda said: (404, json.dumps({"message": said})),
    "errors": lambda said: (
        200,
        json.dumps({"data": None, "errors": [{"type": "FORBIDDEN", "message": said, "path": [said]}]}),
    ),
    "page": lambda said: (200, f"<html><body>A proxy's error page. {said}</body></html>"),
    "broken": lambda said: (500, said),
    "odd_data": lambda said: (200, json.dumps({"data": {said: said, "rateLimit": {"cost": said}}})),
}

RUN_AS_WELL = ("refused", "errors", "odd_data")
"""A whole run takes seconds; the others differ from these only in how the one request fails."""


class SaysItBack(BaseHTTPRequestHandler):
    """Answers everything with the authorization it was sent: in the body, a header and the status line."""

    kind: ClassVar[str] = ""
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
        self.send_response(status, message=said)
        self.send_header("Content-Type", "application/json")
        self.send_header("X-Said", said)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: Any) -> None:
        """Nothing: the test's own server is not what is looked at."""


@contextmanager
def saying_it_back(kind: str) -> Iterator[str]:
    SaysItBack.kind, SaysItBack.seen = kind, []
    with ThreadingHTTPServer(("127.0.0.1", 0), SaysItBack) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def configured(folder: Path, base_url: str) -> Path:
    config = folder / "evenhand.toml"
    config.write_text(GOOD.replace("[sources.github]", f'[sources.github]\nbase_url = "{base_url}"'), "utf-8")
    return config


def texts_under(folder: Path) -> Iterator[tuple[Path, str]]:
    """Every file as text, and every column of those that hold tables."""
    for path in sorted(entry for entry in folder.rglob("*") if entry.is_file() and not entry.is_symlink()):
        yield path, path.read_bytes().decode("utf-8", "replace")
        if path.suffix == ".parquet":
            yield path, repr(duckdb.read_parquet(str(path)).fetchall())
        if path.suffix == ".duckdb":
            with duckdb.connect(str(path), read_only=True) as connection:
                tables = connection.execute("SELECT schema_name, table_name FROM duckdb_tables()").fetchall()
                for schema, table in tables:
                    yield path, repr(connection.execute(f'FROM "{schema}"."{table}"').fetchall())


def places(folder: Path, secret: str) -> list[str]:
    return [path.relative_to(folder).as_posix() for path, text in texts_under(folder) if secret in text]


def printed(config: Path, token: str, *lines: str) -> str:
    """What these commands print, for people and as errors."""
    said = []
    for line in lines:
        result = CliRunner(env={"GITHUB_TOKEN": token}).invoke(
            app, [*line.split("|"), "--config", str(config)]
        )
        said += [result.output, repr(result.exception)]
    return "\n".join(said)


@pytest.fixture(autouse=True)
def _nobody_waits(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    caplog.set_level(logging.DEBUG)


def test_nothing_repeats_a_token_that_the_server_says_back(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    said = ""
    for kind in ANSWERS:
        lines = ("run", "doctor") if kind in RUN_AS_WELL else ("doctor",)
        with saying_it_back(kind) as address:
            said += printed(configured(tmp_path, address), PLANTED, *lines)
        assert any(PLANTED in header for header in SaysItBack.seen), f"{kind}: nothing was asked"
    assert PLANTED not in said
    assert PLANTED not in caplog.text
    assert places(tmp_path, PLANTED) == []


def test_the_search_finds_a_secret_wherever_it_lies(tmp_path: Path) -> None:
    duckdb.sql(f"SELECT repeat('{PLANTED}', 3) AS a").write_parquet(str(tmp_path / "a.parquet"))
    with duckdb.connect(str(tmp_path / "b.duckdb")) as connection:
        connection.execute(f"CREATE SCHEMA ops; CREATE TABLE ops.runs AS SELECT ['{PLANTED}'] AS b")
    (tmp_path / "c.log").write_bytes(b"\xff" + PLANTED.encode())
    assert set(places(tmp_path, PLANTED)) == {"a.parquet", "b.duckdb", "c.log"}


def test_nothing_repeats_the_token_of_runs_that_read(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    world = emulated_world(seed=8, gen={"months": 2, "people": 6, "prs_per_month": 20})
    emulator = Emulator(world.url("github"))
    try:
        config = configured(tmp_path, emulator.url)
        said = printed(config, EMULATED, "run", "doctor", "completeness", "sql|FROM ops.loads")
        emulator.tell("faults", {"rules": [{"kind": "401", "service": "github", "nth": [3]}], "seed": 1})
        said += printed(config, EMULATED, "run|--full")
    finally:
        world.stop()
    assert list(tmp_path.rglob("*.parquet")), "nothing was landed: the run read nothing"
    assert EMULATED not in said
    assert EMULATED not in caplog.text
    assert places(tmp_path, EMULATED) == []
