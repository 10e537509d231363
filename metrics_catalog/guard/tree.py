"""The guard over the whole checkout.

Here: which files are looked at, and by which check.
Not here: the checks; databases and built packets, which whoever builds them hands to the guard.
"""

import tomllib
from pathlib import Path

from metrics_catalog.guard.definitions import leaks_in_json, leaks_in_metric, leaks_in_rate
from metrics_catalog.guard.python import leaks_in_source
from metrics_catalog.guard.queries import leaks_in_graphql
from metrics_catalog.guard.sql import leaks_in_sql
from metrics_catalog.guard.templates import leaks_in_template
from metrics_catalog.guard.vocabulary import LEDGER_COLUMNS, Leak

PACKAGES = ("connectors", "warehouse", "metrics_catalog", "transforms", "packets", "pipelines")
SUFFIXES = {".graphql", ".sql", ".toml", ".j2", ".html", ".py"}
THE_GUARD = Path("metrics_catalog/guard")
"""Names every word that is refused, so it is left out."""
THE_LEDGER = Path("transforms/completeness")
"""The only place that counts what is stored (``LEDGER_COLUMNS``)."""


def guard_tree(root: Path) -> tuple[Leak, ...]:
    """All leaks in the files of the six packages below ``root``."""
    return tuple(leak for path in guarded_files(root) for leak in _leaks_in_file(root, path))


def guarded_files(root: Path) -> tuple[Path, ...]:
    """The files that ``guard_tree`` looks at, relative to ``root``, in order."""
    found = (path for package in PACKAGES for path in (root / package).rglob("*") if path.suffix in SUFFIXES)
    relative = sorted(path.relative_to(root) for path in found if path.is_file())
    return tuple(path for path in relative if THE_GUARD not in path.parents)


def _leaks_in_file(root: Path, path: Path) -> tuple[Leak, ...]:
    text, place = (root / path).read_text("utf-8"), path.as_posix()
    match path.suffix:
        case ".graphql":
            return leaks_in_graphql(text, place)
        case ".sql":
            allowed = LEDGER_COLUMNS if THE_LEDGER in path.parents else frozenset()
            return leaks_in_sql(text, place, counts_of_units_allowed=allowed)
        case ".py":
            return leaks_in_source(text, place)
        case ".toml" if path.name == "metric.toml":
            facts = root / path.with_name("facts.sql")
            metric = tomllib.loads(text)
            rate = leaks_in_rate(metric, facts.read_text("utf-8"), place) if facts.exists() else ()
            return leaks_in_metric(metric, place) + rate
        case ".toml":
            return leaks_in_json(tomllib.loads(text), place)
        case _:
            return leaks_in_template(text, place)
