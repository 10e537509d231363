"""The guard of promise 1: nothing shallow is requested, stored or derived, anywhere.

Lines of code, changed files, and bare numbers of commits, tickets, pull requests, reviews and comments are
refused, and so are scores and rankings of people. What is refused, and why, stands in ``vocabulary``; what
may be counted all the same, and why, stands beside the check that allows it.

Here: small pure functions, one per kind of text, each of which returns the leaks it found.
Not here: stopping anything; tests and ``pipelines`` do that when the tuple is not empty.
"""

from metrics_catalog.guard.definitions import leaks_in_json, leaks_in_metric, leaks_in_rate
from metrics_catalog.guard.python import leaks_in_records, leaks_in_source
from metrics_catalog.guard.queries import leaks_in_graphql
from metrics_catalog.guard.sql import leaks_in_schema, leaks_in_sql
from metrics_catalog.guard.templates import leaks_in_template
from metrics_catalog.guard.tree import guard_tree, guarded_files
from metrics_catalog.guard.vocabulary import Leak, leaks_in_names

__all__ = [
    "Leak",
    "guard_tree",
    "guarded_files",
    "leaks_in_graphql",
    "leaks_in_json",
    "leaks_in_metric",
    "leaks_in_names",
    "leaks_in_rate",
    "leaks_in_records",
    "leaks_in_schema",
    "leaks_in_source",
    "leaks_in_sql",
    "leaks_in_template",
]
