"""Every sentence a packet or the trend page can print is known here, with the test that reads it back.

A sentence is a text with something filled in that ends with a full stop. Whoever writes another one finds this
test failing: it wants a predicate in the text's own function, and a test that holds it against the cases.
The sentences of ``transforms.changes`` are in registers of their own (tests/trends/test_sentences.py).
Not here: what is read back.
"""

import ast
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[2]
LADDER, PLAIN = "tests/transforms/test_ladder.py", "tests/trends/test_plain_methods.py"
BRIEF, QUARTERS = "tests/packets/test_brief.py", "tests/packets/test_quarter_sentences.py"
EMPTY, PACKET = "tests/trends/test_empty_months.py", "tests/packets/test_packet.py"
READ_BACK: dict[str, tuple[int, str]] = {}


def sentences() -> Counter[str]:
    """How many sentences each function makes."""
    found: Counter[str] = Counter()
    for path in [*sorted((ROOT / "packets").glob("*.py")), ROOT / "transforms" / "ladder.py"]:
        tree = ast.parse(path.read_text("utf-8"))
        for function in ast.walk(tree):
            if isinstance(function, ast.FunctionDef):
                found[f"{path.name}:{function.name}"] += sum(map(is_sentence, ast.walk(function)))
    return +found


def is_sentence(node: ast.AST) -> bool:
    if not isinstance(node, ast.JoinedStr):
        return False
    parts = [part.value if isinstance(part, ast.Constant) else "{}" for part in node.values]
    text = "".join(map(str, parts)).rstrip()
    return text.endswith(".") and " " in text and "{}" in text


def test_every_sentence_is_read_back_by_a_test() -> None:
    assert sentences() == {name: number for name, (number, _) in READ_BACK.items()}


def test_the_tests_named_are_there() -> None:
    assert not [path for _, path in READ_BACK.values() if not (ROOT / path).is_file()]
