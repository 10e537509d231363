"""Nothing that fills a sentence in ships without its predicate.

A sentence is a text with something filled in that ends with a full stop. In packets and the ladder the
function that makes one says in its docstring when it is printed (``Predicate: ...``); the sentences of change
are in registers, each with a predicate that is run (tests/trends/test_sentences.py). What is no statement
about cases is listed here, with what it is.
Not here: whether they are true (test_quarter_sentences, test_brief, test_look_first, test_on_call, ...).
"""

import ast
from pathlib import Path

from transforms.changes import quarter_sentences
from transforms.changes import sentences as trend_sentences
from transforms.changes.sentences import Template

ROOT = Path(__file__).parents[2]
REGISTERED = ("quarter_sentences.py", "sentences.py")
OTHERWISE: dict[str, str] = {
    "beside.py:beside": "a heading of what somebody attached",
    "charts.py:_label": "the chart's values, for those who cannot see it",
    "charts.py:_notes_label": "the chart's marks, for those who cannot see it",
    "cells.py:standing_of": "a count on the rung cases, where there is one",
    "completeness.py:_cut": "of the ledger: how many more gaps there are",
    "completeness.py:_deleted": "of the ledger: what was deleted",
    "completeness.py:_gaps": "of the ledger: gaps",
    "completeness.py:_load_gaps": "of the ledger: gaps of a load",
    "completeness.py:_rejected": "of the ledger: what was set aside",
    "completeness.py:completeness_of": "of the ledger: months of which nothing is known",
    "coverage.py:coverage_of": "of identities: how many accounts are claimed",
    "coverage.py:coverage_of_months": "of identities: how many accounts of these months are claimed",
    "five_keys.py:five_keys": "what a source lacks, in the catalogue's words",
    "goals.py:_remarks": "of the goal's file: that it was edited",
    "key_services.py:touched_by": "what a source lacks, in the catalogue's words",
    "look_first.py:_why_none": "why no case is listed",
    "packet.py:_assemble": "what is withheld or lacks a source",
    "packet.py:_outside": "absences and gaps, by date",
    "packet.py:_period": "when the quarter becomes final",
    "packet.py:without_cases": "of metrics on the rung none; tests/trends/test_empty_months.py",
    "people.py:_changes": "of the roster: what changed, by date",
    "people.py:_presence": "of the roster: who joined or left, by date",
    "rubric.py:_dimension": "which figures there are to read",
    "selection.py:people_of": "an error",
    "sentences.py:comparison": "counts of two spans; test_brief",
    "sentences.py:sentences": "chosen by the rung; test_quarter_sentences",
    "sentences.py:status_words": "one for each rung",
    "talking_points.py:_consequential": "a case that was chosen, in its own words",
    "talking_points.py:_missed_sentence": "a case that was chosen, in its own words",
    "talking_points.py:_thanks": "a case that was chosen, in its own words",
    "trend_page.py:trend_html": "what a source lacks, in the catalogue's words",
    "trends.py:trend_rows": "an error",
}


def makers() -> dict[str, str]:
    """Functions that make a sentence, with their docstrings."""
    found = {}
    for path in [*sorted((ROOT / "packets").glob("*.py")), ROOT / "transforms" / "ladder.py"]:
        for function in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(function, ast.FunctionDef) and any(map(is_sentence, ast.walk(function))):
                found[f"{path.name}:{function.name}"] = ast.get_docstring(function) or ""
    return found


def is_sentence(node: ast.AST) -> bool:
    if not isinstance(node, ast.JoinedStr):
        return False
    parts = [part.value if isinstance(part, ast.Constant) else "{}" for part in node.values]
    text = "".join(map(str, parts)).rstrip()
    return text.endswith(".") and " " in text and "{}" in text


def test_whoever_makes_a_sentence_says_when_it_is_printed() -> None:
    without = {name for name, told in makers().items() if "redicate" not in told}
    assert not without - set(OTHERWISE), "say in the docstring when it is printed, and read it back in a test"
    assert not set(OTHERWISE) - without, "no longer needed here"


def test_every_sentence_of_change_is_in_a_register() -> None:
    """Each text function of the two modules belongs to a template, which has a predicate."""
    registers = (
        *trend_sentences.TREND_TEMPLATES,
        *trend_sentences.USUAL_RANGE_TEMPLATES,
        *quarter_sentences.COMPARISON_TEMPLATES,
    )
    assert all(isinstance(template, Template) and callable(template.predicate) for template in registers)
    known = {template.text.__name__ for template in registers}
    for name in REGISTERED:
        tree = ast.parse((ROOT / "transforms" / "changes" / name).read_text("utf-8"))
        made = {
            function.name
            for function in tree.body
            if isinstance(function, ast.FunctionDef) and any(map(is_sentence, ast.walk(function)))
        }
        assert made - known <= {"chance_sentence"}, name


def test_a_sentence_without_a_predicate_is_seen() -> None:
    (function,) = ast.parse('def told(n: int) -> str:\n    return f"It is {n} times as good."\n').body
    assert any(map(is_sentence, ast.walk(function)))
