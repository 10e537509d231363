"""How much of what happened has a person behind it, in the months a packet rests on.

Here: a sentence a source, and where too many accounts are nobody's a caveat for the figures of that source.
Not here: whose an account is. The share is of cases and not of accounts.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import duckdb

from packets.completeness import SOURCE_NAMES
from packets.published import Row, read
from packets.quarters import Quarter
from packets.words import counted
from transforms.coverage import ENOUGH


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """``sentences``: one a source. ``caveats``: by source, where the share is too low."""

    sentences: tuple[str, ...] = ()
    caveats: dict[str, str] = field(default_factory=dict)

    def caveat(self, sources: Sequence[str]) -> str:
        """What a figure from these sources must say; nothing where enough is known. A source is told by its
        first word (``github reactions``)."""
        names = dict.fromkeys(source.partition(" ")[0] for source in sources)
        return " ".join(self.caveats[name] for name in names if name in self.caveats)


def coverage_of(connection: duckdb.DuckDBPyConnection, quarter: Quarter) -> Coverage:
    """The coverage of the quarter and of the twelve months that end with it."""
    rows = read(
        connection,
        """SELECT source, strftime(month_start, '%Y-%m') AS month, cases, claimed
           FROM ops.identity_coverage ORDER BY source, month""",
    )
    sentences, caveats = [], {}
    for source in sorted({row["source"] for row in rows}):
        of_source = [row for row in rows if row["source"] == source]
        year, inside = _sums(of_source, quarter.year), _sums(of_source, quarter.months)
        if not year[0]:
            continue
        name = SOURCE_NAMES.get(source, source)
        told = f"{name}: {_percent(year)} of the {counted(year[0], 'case')} of the twelve months"
        if inside[0]:
            told += f", and {_percent(inside)} of the quarter's {inside[0]:,},"
        sentences.append(f"{told} have an account that somebody in the roster claims.")
        lowest = min((pair for pair in (year, inside) if pair[0]), key=lambda pair: pair[1] / pair[0])
        if lowest[1] < ENOUGH * lowest[0]:
            caveats[source] = (
                f"Only {_percent(lowest)} of {name}'s cases have an account that somebody claims, "
                f"so this may miss cases."
            )
    return Coverage(sentences=tuple(sentences), caveats=caveats)


def coverage_of_months(connection: duckdb.DuckDBPyConnection, months: Sequence[str]) -> tuple[str, ...]:
    """A sentence for each source of whose cases in these months too few have a person behind them."""
    rows = read(
        connection,
        """SELECT source, strftime(month_start, '%Y-%m') AS month, cases, claimed
           FROM ops.identity_coverage ORDER BY source, month""",
    )
    found = []
    for source in sorted({row["source"] for row in rows}):
        cases = _sums([row for row in rows if row["source"] == source], months)
        if cases[0] and cases[1] < ENOUGH * cases[0]:
            name = SOURCE_NAMES.get(source, source)
            found.append(
                f"{name}: only {_percent(cases)} of the {counted(cases[0], 'case')} of these months have an "
                "account that somebody in the roster claims. Figures of teams that come from their people "
                "may miss the others."
            )
    return tuple(found)


def _sums(rows: Sequence[Row], months: Sequence[str]) -> tuple[int, int]:
    found = [row for row in rows if row["month"] in months]
    return sum(row["cases"] for row in found), sum(row["claimed"] for row in found)


def _percent(pair: tuple[int, int]) -> str:
    """Rounded down: what is just below is not shown as reached."""
    return f"{pair[1] * 100 // pair[0]}%"
