"""Withheld cells that follow from several equations at once, where none alone gives them.

Here: which these are, exactly, and whose quarter has to go with them.
Not here: what one equation gives (subtraction.sql).

The groups of a period add up to its total, the months of a group to its quarter. Take groups and periods as
points, and a withheld cell as the line between its group and its period: equations of this kind fix a cell
if, and only if, its line is a bridge, without which its two ends are no longer connected. Where every group
and period has at least two withheld cells, the quarter is at one end of it; all groups at the other end have
theirs shown, and withholding one of these connects both ends.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence

import duckdb
import polars as pl

from transforms.queries import sql

Periods = tuple[str, ...]


def quarters_to_withhold(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """One quarter more of each table with a bridge: table_id, group_id.

    Of the groups that serve, the one with the fewest contributors. Needs ``decisions``, in which no group and
    no period has exactly one withheld cell, and ``quarters_of_months``.
    """
    hidden: pl.DataFrame = connection.sql(sql("disclosure/hidden.sql")).pl()
    found = []
    for (quarter_id,), groups in hidden.group_by("quarter_id", maintain_order=True):
        sets = Counter(tuple(periods) for periods in groups["periods"].to_list())
        side = next(_sides_without(str(quarter_id), sets), None)
        if side is not None:
            elsewhere = pl.col("periods").list.set_difference(side).list.len()
            serve = groups.filter(pl.col("n_contributors").is_not_null(), elsewhere == 0)
            found.append(serve.sort("n_contributors", "group_id").head(1))
    chosen = pl.concat(found) if found else hidden.clear()
    return chosen.select(pl.col("quarter_id").alias("table_id"), "group_id")


def _sides_without(quarter: str, sets: Counter[Periods]) -> Iterator[list[str]]:
    """Of every bridge the periods at that end of it at which the quarter is not.

    ``sets`` counts the groups by the periods that they have withheld. What two groups have withheld alike is
    no bridge, so that only sets are looked at, of which there are few.
    """
    for periods, groups in sets.items():
        others = [other for other in sets if other != periods or groups > 1]
        for place, period in enumerate(periods):
            left = periods[:place] + periods[place + 1 :]
            beyond, before = _connected((period,), others), _connected(left, others)
            if not beyond & before:
                yield sorted(before if beyond & {quarter, ""} else beyond)


def _connected(periods: Collection[str], sets: Sequence[Periods]) -> set[str]:
    """The periods that can be reached from these by way of groups that have several withheld."""
    reached = set(periods)
    while more := {period for other in sets if reached & set(other) for period in other} - reached:
        reached |= more
    return reached
