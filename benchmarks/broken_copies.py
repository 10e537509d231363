"""The frame of ``broken_queries.py`` and ``broken_methods.py``: sources, broken copies, and what tells them.

Here: the small things that are changed, one at a time and in code alone; which copies are tried; the counts.
Not here: how a copy is tried, or why a copy can do no harm.
"""

import argparse
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random

_SIGNS = (
    *((" <= ", " < "), (" < ", " <= "), (" >= ", " > "), (" > ", " >= "), (" <> ", " = "), (" == ", " != ")),
    *((" + 1", ""), (" - 1", ""), ("~", ""), ("not ", ""), (" or ", " and "), (" and ", " or ")),
    *((" OR ", " AND "), ("AND NOT ", "AND "), ("WHERE NOT ", "WHERE "), ("IS NULL", "IS NOT NULL")),
    *((", false)", ", true)"), (", true)", ", false)"), ("LEFT JOIN", "JOIN")),
)
_TURNED = (
    *(("min(", "max("), ("arg_min(", "arg_max("), ("bool_or(", "bool_and("), ("least(", "greatest(")),
    *(("np.minimum", "np.maximum"), ("np.floor", "np.ceil")),
)
_NO_CODE = ("--", "#", "import ", "from ", "def ", "class ", '"', 'f"')
CHANGES = (*_SIGNS, *_TURNED, *((after, before) for before, after in _TURNED))
"""What is changed: a boundary taken in or left out, the earliest for the latest, a condition turned round."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A source file and what tells a broken copy of it from the right one.

    ``is_caught`` is given a whole source; ``harmless`` says by a part of a changed line why nothing tells it.
    """

    name: str
    source: str
    is_caught: Callable[[str], bool]
    harmless: Mapping[str, str]


def broken_copies(source: str) -> Iterator[tuple[int, str, str]]:
    """Line, what it says then, and the whole source, for every change that can be made once to code."""
    lines, in_text = source.split("\n"), False
    for number, line in enumerate(lines):
        was_text, in_text = in_text, in_text ^ (line.count('"""') % 2 == 1)
        if (
            was_text
            or '"""' in line
            or line.lstrip().startswith(("--", "#", "import ", "from ", "def ", "class "))
        ):
            continue
        code = re.sub(r"  (#|--) .*", "", line)
        for old, new in CHANGES:
            begins = r"(?<![\w.])" if old[0].isalpha() and old.endswith("(") else ""
            for at in re.finditer(begins + re.escape(old), code):
                changed = line[: at.start()] + new + line[at.end() :]
                yield number + 1, changed.strip(), "\n".join([*lines[:number], changed, *lines[number + 1 :]])


def asked(description: str | None, argv: Sequence[str] | None = None) -> argparse.Namespace:
    """How many copies of each file, which seed, which files."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--each", type=int, default=4, help="copies of each file; 0: every one there is")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="names, by commas")
    return parser.parse_args(argv)


def try_copies(held: Iterable[Held], wanted: argparse.Namespace) -> None:
    """Prints every copy that nothing tells, with its line, and what came of all.

    Which copies of a file are tried depends on the seed and its name, not on the other files.
    """
    copies = caught = harmless = 0
    for one in held:
        if wanted.only and one.name not in wanted.only.split(","):
            continue
        if one.is_caught(one.source):
            raise SystemExit(f"{one.name}: it fails as it is; mend that first.")
        possible = list(broken_copies(one.source))
        if wanted.each:
            random = Random(f"{wanted.seed} {one.name}")
            possible = random.sample(possible, min(wanted.each, len(possible)))
        for line, says, changed in possible:
            copies += 1
            if one.is_caught(changed):
                caught += 1
            elif any(part in says for part in one.harmless):
                harmless += 1
            else:
                print(f"{one.name}:{line}: {says}", flush=True)
    print(f"{caught} of {copies} broken copies are caught, {harmless} more are harmless")
