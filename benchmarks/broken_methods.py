"""How many broken copies of the shared methods their tests tell from the right ones.

    python benchmarks/broken_methods.py                          four copies of each file
    python benchmarks/broken_methods.py --each 9 --seed 2 --only trend.py,disclosure.sql

As ``broken_queries.py`` does it with the metrics: one small thing is changed in a file of periods, changes,
the ladder or intervals, in a copy of the repository, and the tests that hold that file are run on it. Every
copy that none of them catches is printed with its line: it may be harmless, or a test is missing.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

ROOT = Path(__file__).parents[1]
PACKAGES = (
    *(
        "benchmarks",
        "connectors",
        "metrics_catalog",
        "packets",
        "pipelines",
        "tests",
        "transforms",
        "warehouse",
    ),
    "pyproject.toml",
)
METHODS = (
    "tests/golden/test_change_methods.py",
    "tests/trends/test_worked_methods.py",
    "tests/trends/test_changes.py",
)
CELLS = ("tests/golden/test_methods.py", "tests/trends/test_worked_methods.py")
OF_PEOPLE = (
    *("tests/trends/test_empty_months.py", "tests/transforms/test_facts_and_periods.py"),
    *("-k", "month or segment or absen or away or role or holiday or hole"),
)
TABLE = ("tests/trends/test_changes_table.py", "tests/trends/test_empty_months.py")
HARMLESS = {
    "_TAIL, below, below)": "settles what the inverse may get wrong, which it does not today",
    "np.where(exposure >= 0, exposure, np.nan)": "a cell without exposure has no activity, and so no value",
    "_TAIL, below - 1, below)": "settles what the inverse may get wrong, which it does not today",
    "ratio_high <= 1": "a limit is never exactly 1",
    "initial=0) >= TOLERANCE": "a step is never exactly the tolerance",
    'return "improving" if sign <= 0': "a direction is named only where there is one",
    'return "improving" if sign >= 0': "a direction is named only where there is one",
}
"""By a part of the changed line: why nothing can tell the copy."""
HELD_BY: dict[str, Sequence[str]] = {
    "transforms/changes/trend.py": METHODS,
    "transforms/changes/quarter_comparison.py": METHODS,
    "transforms/changes/usual_range.py": METHODS,
    "transforms/changes/months.py": METHODS,
    "transforms/changes/distributions.py": METHODS,
    "transforms/changes/effects.py": METHODS,
    "transforms/changes/build.py": TABLE,
    "transforms/changes/trend_cells.sql": TABLE,
    "transforms/changes/quarter_cells.sql": TABLE,
    "transforms/changes/amounts.sql": TABLE,
    "transforms/changes/segments.sql": TABLE,
    "transforms/changes/withheld_quarters.sql": TABLE,
    "transforms/ladder.py": ("tests/transforms/test_ladder.py", "tests/trends/test_worked_methods.py"),
    "transforms/intervals.py": CELLS,
    "transforms/disclosure/groups.sql": CELLS,
    "transforms/periods/month_over_month.sql": CELLS,
    "transforms/periods/median.sql": CELLS,
    "transforms/periods/person_periods.sql": OF_PEOPLE,
    "transforms/periods/all_periods.sql": OF_PEOPLE,
    "transforms/periods/minutes.sql": ("tests/golden/test_metrics.py", "-k", "uptime"),
    "transforms/periods/sum.sql": ("tests/golden/test_metrics.py", "-k", "effort"),
    "transforms/periods/different_clusters.sql": ("tests/golden/test_metrics.py", "-k", "threads or rating"),
}
CHANGES = (
    *((" <= ", " < "), (" < ", " <= "), (" >= ", " > "), (" > ", " >= "), (" <> ", " = "), (" == ", " != ")),
    *((" OR ", " AND "), (" AND ", " OR "), (" or ", " and "), (" and ", " or "), ("not ", ""), ("NOT ", "")),
    *((" + 1", ""), (" - 1", ""), ("min(", "max("), ("max(", "min("), ("IS NULL", "IS NOT NULL")),
    *(("np.minimum", "np.maximum"), ("np.maximum", "np.minimum"), ("~", ""), (", true)", ", false)")),
)


def broken_copies(source: str) -> Iterator[tuple[int, str, str]]:
    """Line, what it says then, and the whole source, for every change that can be made once to code."""
    lines, in_text = source.split("\n"), False
    for number, line in enumerate(lines):
        was_text, in_text = in_text, in_text ^ (line.count('"""') % 2 == 1)
        if (
            was_text
            or '"""' in line
            or line.lstrip().startswith(("--", "#", "import", "from", "def ", "class "))
        ):
            continue
        code = re.sub(r"  (#|--) .*", "", line)
        for old, new in CHANGES:
            for at in re.finditer(re.escape(old), code):
                changed = line[: at.start()] + new + line[at.end() :]
                yield number + 1, changed.strip(), "\n".join([*lines[:number], changed, *lines[number + 1 :]])


def is_caught(folder: Path, tests: Sequence[str]) -> bool:
    """Whether a test fails on the copy in this folder, or takes too long."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    environment = os.environ | {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        found = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, timeout=300, check=False
        )
    except subprocess.TimeoutExpired:
        return True
    return found.returncode != 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--each", type=int, default=4, help="copies of each file")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="names of files, by commas")
    asked = parser.parse_args()
    random, copies, caught, harmless = Random(asked.seed), 0, 0, 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for package in PACKAGES:
            place = shutil.copytree if (ROOT / package).is_dir() else shutil.copy
            place(ROOT / package, folder / package)
        for path, tests in HELD_BY.items():
            if asked.only and Path(path).name not in asked.only.split(","):
                continue
            source = (ROOT / path).read_text("utf-8")
            if is_caught(folder, tests):
                raise SystemExit(f"{path}: its tests fail as it is; mend that first.")
            possible = list(broken_copies(source))
            for line, says, changed in random.sample(possible, min(asked.each, len(possible))):
                (folder / path).write_text(changed, "utf-8")
                copies += 1
                if is_caught(folder, tests):
                    caught += 1
                elif any(part in says for part in HARMLESS):
                    harmless += 1
                else:
                    print(f"{path}:{line}: {says}", flush=True)
            (folder / path).write_text(source, "utf-8")
    print(f"{caught} of {copies} broken copies are caught, {harmless} more are harmless")


if __name__ == "__main__":
    main()
