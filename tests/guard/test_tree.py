"""The checkout itself has no leak.

Here: the guard over the real files, and a plain search that knows nothing of the guard.
Not here: whether the guard would find one (test_planted_leaks).
"""

import importlib
import re
import subprocess
from dataclasses import is_dataclass
from pathlib import Path

import pytest

from metrics_catalog.guard import guard_tree, guarded_files, leaks_in_records

ROOT = Path(__file__).parents[2]
SUFFIXES = {".py", ".sql", ".toml", ".graphql", ".j2", ".html"}
THE_GUARD = (Path("metrics_catalog/guard"), Path("tests/guard"))
PYDANTICS_WORD = 'error["loc"]'  # where in a settings file an error is
PLAIN_WORDS = re.compile(
    r"additions|deletions|changed_?files|lines_(added|deleted|changed)|\bloc\b|commit_?count|total_?commits"
    r"|ticket_?count",
    re.IGNORECASE,
)


def test_the_real_tree_has_no_leak() -> None:
    leaks = guard_tree(ROOT)
    assert not leaks, "\n" + "\n".join(
        f"{leak.place}: {leak.name} ({leak.kind}: {leak.reason})" for leak in leaks
    )


def test_the_walk_looks_at_every_query_and_at_most_of_the_tree() -> None:
    looked_at = guarded_files(ROOT)
    queries = {path.relative_to(ROOT) for path in ROOT.glob("connectors/**/*.graphql")}
    assert len(queries) >= 8
    assert queries <= set(looked_at)
    assert len(looked_at) >= 30
    assert not [path for path in looked_at if path.is_relative_to("metrics_catalog/guard")]


@pytest.mark.parametrize(
    "path", sorted(ROOT.glob("connectors/*/records.py")), ids=lambda path: path.parent.name
)
def test_no_record_has_a_field_for_what_must_not_be_stored(path: Path) -> None:
    module = importlib.import_module(f"connectors.{path.parent.name}.records")
    records = [value for value in vars(module).values() if isinstance(value, type) and is_dataclass(value)]
    assert records
    assert leaks_in_records(records) == ()


def test_a_plain_search_of_the_checkout_finds_none_of_the_words() -> None:
    """Comments, docstrings and tests too, which the guard does not read."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    )
    paths = [Path(name) for name in listed.stdout.split("\0") if name]
    searched = [
        path
        for path in paths
        if path.suffix in SUFFIXES
        and (ROOT / path).is_file()
        and not any(path.is_relative_to(guard) for guard in THE_GUARD)
    ]
    assert len(searched) >= 30
    found = [
        f"{path}:{number}: {line.strip()}"
        for path in searched
        for number, line in enumerate((ROOT / path).read_text("utf-8").splitlines(), 1)
        if PLAIN_WORDS.search(line.replace(PYDANTICS_WORD, ""))
    ]
    assert not found, "\n".join(found)
