"""What metrics, settings and packets say about themselves.

Here: ``metric.toml``, other TOML, and the JSON of a packet.
Not here: a metric's query (sql) or how a page words it (templates).
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from metrics_catalog.guard.sql import leaks_in_cases
from metrics_catalog.guard.vocabulary import MANY, Leak, leaks_in_names, snake_case

STATISTICS_REFUSED = {"count", "counts", "total", "number", "n", "tally", "max", "min", "mean"}
"""``count`` and its like say how many; a mean of few long-tailed cases says little (metrics.md 2.7)."""

COUNTING_STATISTICS = {"rate"}
"""A rate is its number of cases over an exposure, so its cases must not be pull requests and their like."""

UNIT_REFUSED = re.compile(
    f"(^|_)({MANY}|lines?|locs?|files?|characters?|chars?|words?|points?|stars?)(_|$)|^(counts?|numbers?|totals?|n)$"
)
"""Units that count what people produce. Hours, minutes, share, people, per week, per sprint are fine."""

NAMING_KEYS = {
    "metric_id", "metric", "metrics", "column", "columns", "field", "fields", "sort", "sort_by", "order_by",
    "sort_key", "axis", "table", "view", "statistic", "numerator", "value_column",
}  # fmt: skip
"""Keys whose text names a quantity."""


def leaks_in_metric(metric: Mapping[str, Any], place: str) -> tuple[Leak, ...]:
    """Keys and values of one metric.toml: id and title, unit and statistic."""
    found = list(leaks_in_json(metric, place))
    found += leaks_in_names([str(metric[key]) for key in ("id", "title") if key in metric], place)
    statistic = str(metric.get("statistic", ""))
    if snake_case(statistic) in STATISTICS_REFUSED:
        found.append(
            Leak(
                kind="activity", place=place, name=f"statistic = {statistic}", reason="a bare count or total"
            )
        )
    return tuple(dict.fromkeys(found))


def leaks_in_rate(metric: Mapping[str, Any], facts_sql: str, place: str) -> tuple[Leak, ...]:
    """A rate whose cases are pull requests, reviews, comments, commits or tickets: their number again."""
    if metric.get("statistic") not in COUNTING_STATISTICS:
        return ()
    return leaks_in_cases(facts_sql, place)


def leaks_in_json(document: object, place: str) -> tuple[Leak, ...]:
    """All keys, at any depth, and the text of those keys that name a quantity or a unit."""
    names, units = [], []
    for key, text in _entries(document):
        names += [key]
        if key in NAMING_KEYS and isinstance(text, str):
            names += [text]
        if key == "unit" and isinstance(text, str) and UNIT_REFUSED.search(snake_case(text)):
            units += [text]
    reason = "a unit of what people produce; see the table of refused numbers in design.md"
    return leaks_in_names(names, place) + tuple(
        Leak(kind="activity", place=place, name=f"unit = {text}", reason=reason) for text in units
    )


def _entries(document: object) -> Iterator[tuple[str, object]]:
    """Every (key, value) below; a list under a key gives the key once per item."""
    if isinstance(document, Mapping):
        for key, value in document.items():
            for item in value if isinstance(value, list | tuple) else (value,):
                yield str(key), item
            if value in ([], ()):
                yield str(key), None
            yield from _entries(value)
    elif isinstance(document, list | tuple):
        for item in document:
            yield from _entries(item)
