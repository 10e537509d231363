"""Monthly series as arrays: one row per series, one column per calendar month, holes as nan.

Here: months of plain data as columns, and the window of usable months that ends with one of them (4.2).
Not here: what is computed from the window (trend, usual_range).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from transforms.changes.effects import Flags, Real, Whole


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesMonth:
    """One month of a series. A hole has no value, or a status that says why it does not count."""

    month: str
    value: float | None
    status: str = "ok"
    state: str = "final"
    segment: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Series over the same calendar months. ``value`` is nan in a hole, whatever is known there."""

    value: Real
    is_final: Flags
    segment: Whole


def ordinal(month: str) -> int:
    """Years times twelve plus months, of a month written 2026-03."""
    return int(month[:4]) * 12 + int(month[5:7]) - 1


def month_at(number: int) -> str:
    """The month of an ordinal."""
    return f"{number // 12}-{number % 12 + 1:02d}"


def grid_of(months: Sequence[SeriesMonth]) -> tuple[Grid, int]:
    """One series as a grid, and the ordinal of its first column. A month that is not given is not final."""
    places = [ordinal(row.month) for row in months]
    first, width = min(places, default=0), max(places, default=0) - min(places, default=0) + 1
    value, is_final = np.full((1, width), np.nan), np.zeros((1, width), np.bool_)
    segment = np.zeros((1, width), np.int64)
    for place, row in zip(places, months, strict=True):
        if row.status == "ok" and row.value is not None:
            value[0, place - first] = row.value
        is_final[0, place - first] = row.state == "final"
        segment[0, place - first] = row.segment
    return Grid(value=value, is_final=is_final, segment=segment), first


def newest_final(grid: Grid) -> Whole:
    """The column of the newest final month of each series; -1 where there is none."""
    width = grid.is_final.shape[1]
    newest: Whole = width - 1 - np.argmax(grid.is_final[:, ::-1], axis=1)
    return np.where(grid.is_final.any(axis=1), newest, -1)


def usable_months(grid: Grid, last: Whole, *, width: int) -> Real:
    """The values of the ``width`` calendar months that end with the column ``last``; nan where not usable.

    Usable: final, with a value, in the segment of the newest final month. Its own column is the last one.
    """
    current = np.take_along_axis(grid.segment, np.maximum(newest_final(grid), 0)[:, None], axis=1)
    columns = last[:, None] + np.arange(1 - width, 1)
    inside = (columns >= 0) & (last >= 0)[:, None]
    at = np.where(inside, columns, 0)
    segment = np.take_along_axis(grid.segment, at, axis=1)
    usable = inside & np.take_along_axis(grid.is_final, at, axis=1) & (segment == current)
    return np.where(usable, np.take_along_axis(grid.value, at, axis=1), np.nan)


def to_the_left(window: Real) -> tuple[Real, Whole, Whole]:
    """The usable values of each row first, in order, then nan; the months they are of; how many there are."""
    holes = np.isnan(window)
    places = np.argsort(holes, axis=1, kind="stable")
    return np.take_along_axis(window, places, axis=1), places, (~holes).sum(axis=1)


def middle(ordered: Real, n: Whole) -> Real:
    """The medians of rows that are sorted and have n values each; nan where n is 0."""
    lower = np.take_along_axis(ordered, np.maximum(n - 1, 0)[:, None] // 2, axis=1)
    upper = np.take_along_axis(ordered, np.minimum(n // 2, ordered.shape[1] - 1)[:, None], axis=1)
    return np.asarray((lower + upper)[:, 0] / 2)
