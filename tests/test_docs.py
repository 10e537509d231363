"""The docs say what is there: commands, messages, links, generated pages, queries, the cookbook."""

import json
import re
import shlex
from pathlib import Path

import pytest

from metrics_catalog.catalogue import load_catalogue
from pipelines import console
from pipelines.profiles import checks
from pipelines.reference import pages
from tests.golden.worked_example import run_case
from tests.the_command import evenhand

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
WRITTEN = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
MESSAGES = (ROOT / "docs" / "messages.md").read_text()
COMMANDS = {line for path in WRITTEN for line in re.findall(r"^\$ (evenhand .*)$", path.read_text(), re.M)}
TIMES = re.compile(r"^\[ *[\d.]+ s\] ", re.M)


def test_generated_pages_are_current() -> None:
    for name, text in pages().items():
        assert (ROOT / "docs" / name).read_text() == text, f"run python -m pipelines.reference ({name})"


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: path.name)
def test_every_relative_link_leads_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)", path.read_text()):
        if "://" not in target:
            assert (path.parent / target).exists(), target


def test_every_metric_is_in_the_readme() -> None:
    for metric in load_catalogue().values():
        assert f"docs/metrics/{metric.id}.md" in README
        assert metric.question in README


def test_the_queries_of_the_readme_answer_what_it_shows_columns_for(demo: Path) -> None:
    asked = [shlex.split(line)[2:] for line in sorted(COMMANDS) if line.startswith("evenhand sql")]
    assert len(asked) == 3
    for words in asked:
        result = evenhand("sql", *words, "--format", "csv", "--config", str(demo / "evenhand.toml"))
        assert result.returncode == 0, result.stderr
        columns = result.stdout.splitlines()[0].split(",")
        assert re.search(r"^ " + r" +".join(columns), README, re.M), columns


def test_every_command_that_is_shown_exists() -> None:
    assert len(COMMANDS) >= 7
    for name in {shlex.split(line)[1] for line in COMMANDS}:
        assert evenhand(name, "--help").returncode == 0, name


def test_the_demo_prints_what_the_readme_shows(demo: Path) -> None:
    """Line by line, but for seconds and numbers: those are of another size of organisation."""
    said = (demo.parent / "said.txt").read_text()
    shown = README.split("$ make demo\n")[1].split("```")[0]
    plain = {re.sub(r"\d[\d,.]*", "N", TIMES.sub("", line)) for line in said.splitlines()}
    for line in ("published: ", "Trend page: ", "Everybody in it is made up.", "core: ", "checks: "):
        assert line in shown
        assert any(found.startswith(line.strip()) for found in plain), line


def test_every_problem_has_a_paragraph() -> None:
    problems = {
        word
        for path in (ROOT / "connectors").rglob("*.py")
        for word in re.findall(r'problem="(\w+)"', path.read_text())
    }
    assert len(problems) >= 5
    for word in (*problems, *console._CODES, "changed_within_load", "overlapping_rows"):
        assert f"**{word}**" in MESSAGES or f"({word})" in MESSAGES, word


def test_every_check_is_explained() -> None:
    for check in checks(load_catalogue()):
        known = [check.name, re.sub(r"^.*(_is_known|_is_a_known_word|_not_after_as_of)$", r"*\1", check.name)]
        assert any(f"| {name}" in MESSAGES for name in known), check.name


def test_no_page_names_a_machine() -> None:
    for path in WRITTEN:
        assert not re.search(r"/work/|/root/|/tmp/|localhost:\d", path.read_text()), path.name


def test_the_metric_of_the_cookbook_works(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "cookbook" / "add-a-metric.md").read_text()
    folder = tmp_path / "rq_example"
    folder.mkdir()
    (folder / "metric.toml").write_text(re.findall(r"```toml\n(.*?)```", page, re.S)[0])
    (folder / "facts.sql").write_text(re.findall(r"```sql\n(.*?)```", page, re.S)[0])
    metric = load_catalogue(tmp_path)["rq_example"]
    golden = json.loads((ROOT / "tests" / "golden" / "rq_response_24h.json").read_text())["cases"][0]
    (cell,) = run_case(golden, metric)
    assert (cell["numerator"], cell["denominator"], cell["status"]) == (1, 7, "ok")
