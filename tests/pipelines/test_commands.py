"""The commands: help, errors, exit codes, empty states."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.the_command import ENVIRONMENT, evenhand

COMMANDS = (
    "demo",
    "init",
    "run",
    "packet",
    "trends",
    "metrics",
    "sql",
    "completeness",
    "identities",
    "causes",
    "doctor",
)


@pytest.fixture(scope="module")
def config(demo: Path) -> tuple[str, str]:
    return ("--config", str(demo / "evenhand.toml"))


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command: str) -> None:
    result = evenhand(command, "--help")
    assert result.returncode == 0
    assert re.search(rf"Example: evenhand {command}\b", result.stdout)


def test_help_imports_nothing_slow() -> None:
    program = (
        "import sys, pipelines.cli as cli\n"
        "try:\n    cli.app(['--help'])\nexcept SystemExit:\n    pass\n"
        "print([name for name in ('dagster', 'duckdb', 'polars', 'github', 'great_expectations', 'pydantic')"
        " if name in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=ENVIRONMENT
    )
    assert result.stdout.splitlines()[-1] == "[]"


def test_an_unknown_command_or_option_is_wrong_usage() -> None:
    assert evenhand("pakcet").returncode == 2
    assert evenhand("run", "--fast").returncode == 2


def test_without_a_configuration_it_says_where_it_looked(tmp_path: Path) -> None:
    result = evenhand("run", folder=tmp_path)
    assert result.returncode == 2
    assert f"looked for: {tmp_path / 'evenhand.toml'}" in result.stderr
    assert "`evenhand init` writes a commented one here" in result.stderr


def test_init_writes_files_that_load_and_never_overwrites(tmp_path: Path) -> None:
    assert evenhand("init", folder=tmp_path).returncode == 0
    text = (tmp_path / "people.csv").read_text()
    again = evenhand("init", folder=tmp_path)
    assert again.returncode == 2
    assert "already has evenhand.toml" in again.stderr
    assert (tmp_path / "people.csv").read_text() == text
    run = evenhand("run", folder=tmp_path)
    assert run.returncode == 1
    assert 'No token for source "github"' in run.stderr
    assert "Nothing was published" in run.stderr


def test_metrics_lists_and_explains_and_guesses() -> None:
    listed = evenhand("metrics")
    assert listed.returncode == 0
    assert "rq_review_coverage" in listed.stdout
    one = evenhand("metrics", "rq_response_24h")
    for word in ("question", "formula", "misread", "gamed", "owner"):
        assert word in one.stdout
    wrong = evenhand("metrics", "first_response_time")
    assert wrong.returncode == 2
    assert wrong.stderr.strip() == 'No metric "first_response_time". Did you mean "rq_first_response_time"?'


def test_sql_answers_in_three_forms_and_refuses_to_write(config: tuple[str, str], tmp_path: Path) -> None:
    query = "SELECT metric_id FROM catalog.metrics WHERE metric_id = 'rq_first_response_time'"
    assert "rq_first_response_time" in evenhand("sql", query, *config).stdout
    assert evenhand("sql", query, "--format", "csv", *config).stdout.splitlines() == [
        "metric_id",
        "rq_first_response_time",
    ]
    as_json = json.loads(evenhand("sql", query, "--format", "json", *config).stdout)
    assert as_json == [{"metric_id": "rq_first_response_time"}]
    for statement in (
        "DELETE FROM core.people",
        f"COPY core.people TO '{tmp_path / 'people.csv'}'",
        "SELECT * FROM read_csv('/etc/passwd')",
        f"ATTACH '{tmp_path / 'other.duckdb'}'",
        "SET enable_external_access = true",
    ):
        result = evenhand("sql", statement, *config)
        assert result.returncode == 2, statement
        assert "the published snapshot is read-only SQL" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_sql_without_a_query_lists_the_tables(config: tuple[str, str]) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "pipelines.cli", "sql", *config],
        input="",
        capture_output=True,
        text=True,
        check=True,
        env=ENVIRONMENT,
    )
    assert "trends.periods" in result.stdout


def test_trends_come_as_table_csv_and_html_and_unknown_teams_are_guessed(
    config: tuple[str, str], demo: Path
) -> None:
    table = evenhand("trends", "--months", "3", *config)
    assert table.returncode == 0
    assert "rq_review_coverage" in table.stdout
    rows = evenhand("trends", "--months", "2", "--format", "csv", *config).stdout.splitlines()
    assert rows[0].startswith("metric_id,")
    assert len(rows) > 4
    page = evenhand("trends", "--format", "html", *config)
    assert page.stdout.strip() == str(demo / "trends" / "index.html")
    wrong = evenhand("trends", "--team", "nobody-knows", *config)
    assert wrong.returncode == 2
    assert "nobody-knows" in wrong.stderr


def test_a_packet_needs_exactly_one_choice_and_known_formats(config: tuple[str, str]) -> None:
    assert evenhand("packet", *config).returncode == 2
    assert evenhand("packet", "a", "--all", *config).returncode == 2
    later = evenhand("packet", "a", "--format", "pdf", *config)
    assert later.returncode == 2
    assert "Format pdf is not written by this version" in later.stderr


def test_a_packet_is_written_for_an_id_a_login_and_an_address(
    config: tuple[str, str], demo: Path, tmp_path: Path
) -> None:
    person = sorted((demo / "packets" / "2026-Q2").iterdir())[0].name
    email, login = json.loads(
        evenhand(
            "sql",
            "SELECT people.email, accounts.login FROM core.people AS people JOIN core.accounts AS accounts "
            f"ON accounts.person_id = people.person_id WHERE people.person_id = '{person}' LIMIT 1",
            "--format",
            "json",
            *config,
        ).stdout
    )[0].values()
    for name in (person, email, login):
        result = evenhand("packet", name, "--quarter", "2026Q2", "--out", str(tmp_path), *config)
        assert result.returncode == 0, result.stderr
        assert result.stdout.strip() == str(tmp_path / "2026-Q2" / person / "packet.html")
    unknown = evenhand("packet", "nobody.knows", "--quarter", "2026-Q2", *config)
    assert unknown.returncode == 2
    wrong = evenhand("packet", person, "--quarter", "2026-Q5", *config)
    assert wrong.returncode == 2


def test_only_the_formats_asked_for_are_written(config: tuple[str, str], demo: Path, tmp_path: Path) -> None:
    person = sorted((demo / "packets" / "2026-Q2").iterdir())[0].name
    result = evenhand(
        "packet", person, "--quarter", "2026-Q2", "--format", "json", "--out", str(tmp_path), *config
    )
    assert result.returncode == 0, result.stderr
    assert [path.name for path in (tmp_path / "2026-Q2" / person).iterdir()] == ["packet.json"]


def test_a_team_and_a_manager_get_their_packets(config: tuple[str, str], tmp_path: Path) -> None:
    manager, team = json.loads(
        evenhand(
            "sql",
            "SELECT manager_id, team_id FROM core.roster WHERE manager_id IS NOT NULL "
            "AND valid_to_utc IS NULL ORDER BY person_id LIMIT 1",
            "--format",
            "json",
            *config,
        ).stdout
    )[0].values()
    for option, name in (("--manager", manager), ("--team", team)):
        result = evenhand("packet", option, name, "--out", str(tmp_path / option), *config)
        assert result.returncode == 0, result.stderr
        assert len(result.stdout.splitlines()) >= 2
    none = evenhand("packet", "--team", "nobody-knows", *config)
    assert none.returncode == 2
    assert "Teams of that quarter:" in none.stderr


def test_a_run_that_holds_the_storage_keeps_others_out(demo: Path) -> None:
    import fcntl

    with (demo / "work" / "run.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        result = evenhand("run", "--config", str(demo / "evenhand.toml"))
    assert result.returncode == 1
    assert "Another run works in" in result.stderr


def test_an_unknown_source_and_an_as_of_that_pulls_are_wrong_usage(config: tuple[str, str]) -> None:
    refused = evenhand("run", "--source", "gitlab", *config)
    assert refused.returncode == 2
    assert "No source 'gitlab'. Known: github, incidents, jira, organization, pagerduty." in refused.stderr
    assert evenhand("run", "--as-of", "2026-05-31", "--full", *config).returncode == 2
    assert "is not an instant" in evenhand("run", "--as-of", "yesterday", *config).stderr


def test_what_is_written_is_the_operators_alone_but_for_what_analysts_read(demo: Path) -> None:
    """Whatever the umask: folders 0700, files 0600; the way to the analysts' file is open to its group."""
    published = demo / "published"
    folders = {published, published / "snapshots", *(published / "snapshots").iterdir()}
    for path in [demo / "packets", *demo.rglob("*")]:
        if path.is_symlink():
            continue
        wanted = 0o700 if path.is_dir() else 0o600
        if path in folders:
            wanted = 0o750
        elif path.name == "evenhand-analyst.duckdb":
            wanted = 0o640
        assert path.stat().st_mode & 0o777 == wanted, path.relative_to(demo)


def test_completeness_says_every_month_is_complete_and_lists_months_when_asked(
    config: tuple[str, str],
) -> None:
    result = evenhand("completeness", *config)
    assert result.returncode == 0, result.stderr
    assert "Every month is complete." in result.stdout
    assert "acme/payments" in result.stdout
    assert "2026-05" in evenhand("completeness", "--all", *config).stdout


def test_identities_names_whose_accounts_are_whose_and_those_nobody_claims(config: tuple[str, str]) -> None:
    result = evenhand("identities", *config)
    assert result.returncode == 0
    assert "nobody claims it" in result.stdout
    assert re.search(
        r"GitHub: [\d,]+ of [\d,]+ cases of the last twelve months \(\d+%\) belong to somebody",
        result.stdout,
    )


def test_doctor_names_what_is_missing_and_ends_with_three(config: tuple[str, str], tmp_path: Path) -> None:
    result = evenhand("doctor", *config)
    assert result.returncode == 3
    assert "ok       Demo: a made-up organisation answers in the place of GitHub" in result.stdout
    assert "GitHub: it answers" not in result.stdout
    assert re.search(
        r"MISSING  Identities: nobody in the roster claims \d accounts of GitHub asked for reviews: \S+-ext",
        result.stdout,
    )
    assert evenhand("init", folder=tmp_path).returncode == 0
    fresh = evenhand("doctor", folder=tmp_path)
    assert fresh.returncode == 3
    assert 'MISSING  GitHub: No token for source "github".' in fresh.stdout
    assert "MISSING  Loads: none yet." in fresh.stdout
