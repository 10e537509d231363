"""How many broken copies of the shared methods their tests tell from the right ones.

    python benchmarks/broken_methods.py                          four copies of each file
    python benchmarks/broken_methods.py --each 0 --only changes/trend.py,periods/median.sql

As ``broken_queries.py`` does it with the metrics: one small thing is changed in a file of periods, changes,
the ladder or intervals, in a copy of the repository, and the tests that hold that file are run on it. Every
copy that none of them catches is printed with its line: it may be harmless, or a test is missing.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.broken_copies import Held, asked, try_copies

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
    *("tests/golden/test_change_methods.py", "tests/trends/test_worked_methods.py"),
    *("tests/trends/test_changes.py", "tests/trends/test_plain_methods.py"),
    *("-k", "not unrequested and not nobody and not clock and not midnights and not label"),
)
CELLS = (
    *("tests/golden/test_methods.py", "tests/trends/test_worked_methods.py"),
    "tests/trends/test_plain_methods.py",
    *("-k", "not unrequested and not nobody and not midnights and not label"),
)
DISCLOSURE = (
    *("tests/transforms/test_disclosure.py", "tests/golden/test_methods.py"),
    *("tests/trends/test_worked_methods.py", "-k", "test_disclosure or suppression"),
)
MONTHS = (
    *("tests/golden/test_methods.py", "tests/trends/test_worked_methods.py"),
    *("tests/trends/test_plain_methods.py", "-k", "month_over_month or month_before"),
)
MEDIANS = (
    "tests/golden/test_methods.py",
    "tests/golden/test_metrics.py",
    "-k",
    "median or waited or first_resp",
)
PEOPLE = ("tests/trends/test_empty_months.py", "tests/transforms/test_facts_and_periods.py")
TABLE = ("tests/trends/test_changes_table.py", "tests/trends/test_empty_months.py")
SENTENCES = ("tests/trends/test_sentences.py",)
HARMLESS = {
    "_TAIL, below, below)": "settles what the inverse may get wrong, which it does not today",
    "np.where(exposure >= 0, exposure, np.nan)": "a cell without exposure has no activity, and so no value",
    "_TAIL, below - 1, below)": "settles what the inverse may get wrong, which it does not today",
    "ratio_high <= 1": "a limit is never exactly 1",
    "initial=0) >= TOLERANCE": "a step is never exactly the tolerance",
    "and [_trends(window, effect)]": "all at once in place of parts: the same, in more memory",
    "KEPT_SHARE - TOLERANCE": "a share is never exactly the tolerance below the half",
    "value <= low - TOLERANCE": "a value is never exactly the tolerance below the limit",
    'return "rising" if sign >= 0': "a direction is named only where there is one",
    "coalesce(disclosed, true)": "every cell says whether it is disclosed",
    'found.reason == "clear_difference" or': "the outcome is one only with that reason",
    'found.reason == "segment_change" or': "the months are there only with that reason",
    "rounding if number > 0 or": "0 has no sign",
    "or number > 0 else _MINUS": "0 has no sign",
    "row.month <= first for row in history": "a month has one segment",
    "(k == 0) & (n >= 0)": "where nothing is counted no interval is told",
    'return "improving" if sign <= 0': "a direction is named only where there is one",
    'return "improving" if sign >= 0': "a direction is named only where there is one",
}
"""By a part of the changed line: why nothing can tell the copy."""
HELD_BY: dict[str, Sequence[str]] = {
    "changes/trend.py": METHODS,
    "changes/quarter_comparison.py": METHODS,
    "changes/usual_range.py": METHODS,
    "changes/months.py": METHODS,
    "changes/distributions.py": METHODS,
    "changes/effects.py": METHODS,
    "changes/build.py": TABLE,
    "changes/trend_cells.sql": TABLE,
    "changes/quarter_cells.sql": TABLE,
    "changes/amounts.sql": TABLE,
    "changes/segments.sql": TABLE,
    "changes/newest_final.sql": TABLE,
    "changes/withheld_quarters.sql": TABLE,
    "changes/sentences.py": SENTENCES,
    "changes/quarter_sentences.py": SENTENCES,
    "changes/wording.py": SENTENCES,
    "ladder.py": ("tests/transforms/test_ladder.py", "tests/trends/test_worked_methods.py"),
    "intervals.py": CELLS,
    "disclosure/decide.py": DISCLOSURE,
    "disclosure/groups.sql": DISCLOSURE,
    "disclosure/subtraction.sql": DISCLOSURE,
    "disclosure/hidden.sql": DISCLOSURE,
    "disclosure/equations.py": DISCLOSURE,
    "periods/month_over_month.py": MONTHS,
    "periods/median.sql": MEDIANS,
    "periods/build.py": PEOPLE,
    "periods/person_periods.sql": PEOPLE,
    "periods/all_periods.sql": PEOPLE,
    "periods/minutes.sql": ("tests/golden/test_metrics.py", "-k", "uptime"),
    "periods/sum.sql": ("tests/golden/test_metrics.py", "-k", "effort"),
    "periods/different_clusters.sql": ("tests/golden/test_metrics.py", "-k", "threads or rating"),
}
"""By file of ``transforms``: the arguments of pytest that hold it."""


def is_caught(folder: Path, path: str, tests: Sequence[str], source: str) -> bool:
    """Whether one of the tests fails with this source in the copy of the repository, or takes too long."""
    (folder / path).write_text(source, "utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    environment = os.environ | {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        found = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, timeout=300, check=False
        )
    except subprocess.TimeoutExpired:
        return True
    finally:
        shutil.copy(ROOT / path, folder / path)
    return found.returncode != 0


def methods(folder: Path) -> Iterator[Held]:
    """Every file of methods with the tests that hold it, in a copy of the repository in this folder."""
    for package in PACKAGES:
        place = shutil.copytree if (ROOT / package).is_dir() else shutil.copy
        place(ROOT / package, folder / package)
    for name, tests in HELD_BY.items():
        path = f"transforms/{name}"
        yield Held(
            name=name,
            source=(ROOT / path).read_text("utf-8"),
            is_caught=partial(is_caught, folder, path, tests),
            harmless=HARMLESS,
        )


if __name__ == "__main__":
    wanted = asked(__doc__)
    with tempfile.TemporaryDirectory() as folder:
        try_copies(methods(Path(folder)), wanted)
