"""The docs say what is there: commands, messages, links, generated pages, queries, the cookbook."""

import ast
import json
import re
import shlex
import socket
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from connectors import errors
from metrics_catalog.catalogue import load_catalogue
from metrics_catalog.guard.definitions import leaks_in_metric, leaks_in_rate
from pipelines import console, reference
from pipelines.cli import app
from pipelines.profiles import checks
from tests.golden.test_metrics import assert_evidence, assert_same
from tests.golden.worked_example import build_case, run_case
from tests.the_command import evenhand
from warehouse.connection import connect

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
WRITTEN = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
PAGES = {path.relative_to(ROOT).as_posix(): path.read_text("utf-8") for path in WRITTEN}
MESSAGES = PAGES["docs/messages.md"]
COOKBOOK = PAGES["docs/cookbook/add-a-metric.md"]
PACKAGES = ("connectors", "warehouse", "metrics_catalog", "transforms", "packets", "pipelines")
IN_OTHER_WORDS = ("Wrong usage", "a packet or table that cannot be made", "a metric's file")
"""Headings of messages.md that stand for many messages and quote none."""


# ------------------------------------------------------------------------------------- pages


def test_generated_pages_are_current() -> None:
    wanted = reference.pages()
    for name, text in wanted.items():
        assert PAGES.get(f"docs/{name}") == text, f"run python -m pipelines.reference (docs/{name})"
    assert reference.readme(README) == README, "run python -m pipelines.reference (README.md)"
    there = {name.removeprefix("docs/") for name in PAGES if name.startswith("docs/metrics/")}
    assert there <= set(wanted), "a page of a metric that does not exist"


@pytest.mark.parametrize("name", PAGES)
def test_every_relative_link_leads_somewhere(name: str) -> None:
    here = ROOT / name
    for target in re.findall(r"\]\(([^)\s]+)\)", PAGES[name]):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        found = (here.parent / path).resolve() if path else here
        assert found.exists(), f"{name}: {target}"
        if anchor:
            assert anchor in anchors(found.read_text("utf-8")), f"{name}: {target}"


def test_every_benchmark_is_quoted_and_every_one_quoted_exists() -> None:
    named = set(re.findall(r"benchmarks[/.](\w+)(?:\.py)?", PAGES["docs/benchmarks.md"]))
    assert named - {"md"} == {path.stem for path in (ROOT / "benchmarks").glob("*.py")}


def anchors(text: str) -> set[str]:
    """The anchors that GitHub gives the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", PAGES)
def test_no_page_names_this_machine(name: str) -> None:
    text = PAGES[name]
    assert not re.search(r"(?<!\w)/(work|root|home|tmp|opt)\b|\.\./shared|localhost|127\.0\.0\.1", text)
    assert not re.search(rf"\b{re.escape(socket.gethostname())}\b", text)


@pytest.mark.parametrize("name", PAGES)
def test_every_fence_is_closed(name: str) -> None:
    assert len(re.findall(r"^```", PAGES[name], re.M)) % 2 == 0


def test_the_readme_opens_with_one_sentence_and_a_picture() -> None:
    title, sentence, picture = README.split("\n\n")[:3]
    assert title == "# Evenhand"
    assert re.fullmatch(r"[A-Z][^.!?]+\.", sentence), sentence
    assert picture.startswith("![")
    assert (ROOT / "docs" / "packet.png").stat().st_size < 250_000


# ------------------------------------------------------------------------------------- commands


def command_lines() -> Iterator[tuple[str, str]]:
    """Every ``evenhand ...`` of every page: after a prompt, and as words in the text."""
    for name, text in PAGES.items():
        outside = re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)
        for line in re.findall(r"^\$ (evenhand .*)$", text, re.M) + re.findall(
            r"`(evenhand [^`]*)`", outside.replace("\n", " ")
        ):
            yield name, line


COMMAND_LINES = sorted(set(command_lines()))


@pytest.mark.parametrize(("name", "line"), COMMAND_LINES)
def test_every_command_line_is_understood(name: str, line: str) -> None:
    """Parsed as the command would be, and not run."""
    words = shlex.split(line)[1:]
    commands = typer.main.get_command(app)
    with commands.make_context("evenhand", words[:1], resilient_parsing=True) as context:
        command = commands.get_command(context, words[0])  # type: ignore[attr-defined]
        assert command is not None, f"{name}: no command {words[0]!r}"
        command.make_context(words[0], words[1:], parent=context)


def test_every_command_and_every_metric_is_mentioned() -> None:
    shown = {shlex.split(line)[1] for _, line in COMMAND_LINES}
    assert set(typer.main.get_command(app).commands) <= shown  # type: ignore[attr-defined]
    for metric in load_catalogue().values():
        assert f"docs/metrics/{metric.id}.md" in README
        assert metric.question in README


def shown_queries() -> list[str]:
    return re.findall(r"^\$ (evenhand sql .*)$", README, re.M)


@pytest.mark.parametrize("line", shown_queries())
def test_the_queries_of_the_readme_answer_with_the_columns_it_shows(line: str, demo: Path) -> None:
    words = shlex.split(line)[2:]
    result = evenhand("sql", *words, "--format", "csv", "--config", str(demo / "evenhand.toml"))
    assert result.returncode == 0, result.stderr
    columns, *rows = result.stdout.splitlines()
    shown = README.split(f"$ {line}\n")[1].split("```")[0].splitlines()
    assert shown[0].split() == columns.split(",")
    assert len(shown) > 2
    if "contributor" not in line and "fleur" not in line:  # who is there depends on the size
        assert rows


def test_the_readme_has_three_queries() -> None:
    assert len(shown_queries()) == 3


def test_the_demo_prints_what_the_readme_shows(demo: Path) -> None:
    """Line by line and in this order, but for seconds, paths and numbers: those are of another size."""
    shown = README.split("$ make demo\n")[1].split("```")[0]
    said = (demo.parent / "said.txt").read_text("utf-8")
    printed = shapes(said.replace(str(demo), "demo"))
    for shape in shapes(shown):
        if "WARNING" not in shape and not shape.endswith(": _ pages, _ rows"):  # only where there is much
            assert shape in printed, shape


def shapes(text: str) -> list[str]:
    """Lines without what depends on the run: seconds, paths, names and numbers."""
    plain = [re.sub(r"(?:~/evenhand/)?demo[/.\w-]*|\d[\d,.:-]*", "_", line) for line in text.splitlines()]
    return [re.sub(r"^\[ *_ s\]", "", line).strip() for line in plain if line.strip()]


# ------------------------------------------------------------------------------------- messages


def headings() -> list[str]:
    return re.findall(r"^### (.+)$", MESSAGES, re.M)


def problem_words() -> set[str]:
    """Every word that a rejected record can have as its problem: said by connectors, or by the landing."""
    found: set[str] = set()
    for path in (ROOT / "connectors").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                values = [keyword.value for keyword in node.keywords if keyword.arg == "problem"]
                if isinstance(node.func, ast.Name) and node.func.id in ("_bad", "bad"):
                    values.append(node.args[1])
                found |= {
                    inner.value
                    for value in values
                    for inner in ast.walk(value)
                    if isinstance(inner, ast.Constant) and isinstance(inner.value, str)
                }
    for path in (ROOT / "transforms").rglob("*.py"):
        found |= set(re.findall(r"'(\w+)' AS problem", path.read_text("utf-8")))
    return found


def test_every_problem_has_a_paragraph_and_no_other_word_has() -> None:
    words = problem_words()
    assert {"missing_field", "overlapping_rows", "repeated_row", "changed_within_load"} <= words
    explained = {heading.strip("`") for heading in headings() if heading.startswith("`")}
    assert explained == words


def test_every_error_that_ends_a_command_has_a_paragraph() -> None:
    explained = set(re.findall(r"\(`(\w+)`\)", "\n".join(headings())))
    met = {kind.__name__ for kind in vars(errors).values() if isinstance(kind, type)}
    assert set(console._CODES) <= explained
    assert explained <= set(console._CODES) | met


def test_every_heading_quotes_a_message() -> None:
    """What a heading quotes stands in the code, so that a message can be searched for on this page."""
    found = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*"))]
    code = "".join(path.read_text("utf-8") for path in found if path.suffix in (".py", ".sql"))
    joined = re.sub(r'"\s*\n\s*f?"', "", code)
    for heading in headings():
        quoted = re.sub(r" \(`\w+`\)$", "", heading)
        if quoted.startswith("`") or quoted in IN_OTHER_WORDS:
            continue
        for part in re.split(r"\.\.\.|; |, or |\?", quoted):
            if part.strip(" :"):
                assert part.strip() in joined, f"{heading}: {part!r}"


def test_every_check_is_explained() -> None:
    for check in checks(load_catalogue(), ack_targets=["checkout"]):
        assert f"`{check.name}`" in MESSAGES.split("## Checks")[1], check.name


# ------------------------------------------------------------------------------------- the cookbook


def block(language: str) -> str:
    (text,) = re.findall(rf"```{language}\n(.*?)```", COOKBOOK, re.S)
    return str(text)


@pytest.fixture
def example(tmp_path: Path) -> Any:
    """The metric of the page, through the catalogue."""
    folder = tmp_path / "rq_example"
    folder.mkdir()
    (folder / "metric.toml").write_text(block("toml"))
    (folder / "facts.sql").write_text(block("sql"))
    return load_catalogue(tmp_path)["rq_example"]


def test_the_metric_of_the_cookbook_gives_what_its_example_says(example: Any) -> None:
    document = json.loads(block("json"))
    (case,) = document["cases"]
    (cell,) = run_case(case, example)
    (wanted,) = case["expected"]
    assert_evidence(wanted.pop("evidence"), cell["evidence"], document["tolerance"])
    for key, value in wanted.items():
        assert_same(value, cell[key], document["tolerance"], key)


def test_the_metric_of_the_cookbook_runs_on_an_empty_core(example: Any) -> None:
    case = json.loads(block("json"))["cases"][0]
    with connect() as connection:
        build_case(connection, {**case, "inputs": {}}, example)
        assert connection.execute("SELECT count(*) FROM facts.rq_example").fetchall() == [(0,)]
        assert connection.execute("SELECT count(*) FROM trends.periods").fetchall() == [(0,)]


def test_the_metric_of_the_cookbook_passes_the_guard(example: Any) -> None:
    document = tomllib.loads(block("toml"))
    assert leaks_in_metric(document, "metric.toml") == ()
    assert leaks_in_rate(document, example.facts_sql, "metric.toml") == ()
