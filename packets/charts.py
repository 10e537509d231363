"""Small charts of months as inline SVG, from one template.

Here: where each mark goes. A month without a value leaves a gap; a month that is not final is hollow.
Not here: which months to draw. Black, grey and white only; no colour says good or bad.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from packets.rendering import template
from packets.words import short_month, value_text
from transforms.changes.wording import is_share
from transforms.ladder import month_name, two_digits

FEWEST_MONTHS = 2
_LEFT, _TOP, _RIGHT, _HEIGHT, _BELOW = 42.0, 10.0, 14.0, 92.0, 40.0
_STEP = 27.0
_STRIP = 14.0
_LABEL_EVERY = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartMonth:
    """One month on the axis; ``value`` null leaves a gap. ``joins`` is false where a line may not reach it:
    a month that is not final, is kept out of series, or belongs to another segment than the newest."""

    month: str
    n: float | None = None
    value: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    is_hollow: bool = False
    joins: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartNote:
    """Something that happened, marked above the months by a letter.

    ``begins`` and ``ends`` are in months from the left end of the axis; ``label`` is for whoever does not see
    the chart.
    """

    letter: str
    begins: float
    ends: float
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Strip:
    x: str
    width: str
    letter: str
    letter_x: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mark:
    x: str
    y: str
    low: str | None
    high: str | None
    is_open_above: bool
    is_hollow: bool
    is_muted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Band:
    y: str
    height: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tick:
    x: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule:
    y: str
    text: str


def month_chart(
    months: Sequence[ChartMonth],
    *,
    title: str,
    unit: str,
    usual: tuple[float, float] | None = None,
    notes: Sequence[ChartNote] = (),
) -> Markup | None:
    """The chart, or nothing where fewer than two months have a value: no chart is ever empty.

    ``usual`` is the usual range, drawn as a band behind the marks; ``notes`` stand in a strip above it.
    """
    drawn = [row for row in months if row.value is not None]
    if len(drawn) < FEWEST_MONTHS:
        return None
    top = _ceiling(drawn, unit)
    at_x = [_LEFT + _STEP * (place + 0.5) for place in range(len(months))]
    return Markup(
        template("chart.svg.j2").render(
            label=_label(months, title=title, unit=unit) + _notes_label(notes),
            width=_number(_LEFT + _STEP * len(months) + _RIGHT),
            above=_number(_STRIP if notes else 0.0),
            view_height=_number(_TOP + _HEIGHT + _BELOW + (_STRIP if notes else 0.0)),
            bottom=_number(_TOP + _HEIGHT),
            strips=_strips(notes),
            left=_number(_LEFT),
            right=_number(_LEFT + _STEP * len(months)),
            rules=[
                _Rule(y=_number(_at_y(top * part, top)), text=_axis_text(top * part, unit, top))
                for part in (0.0, 0.5, 1.0)
            ],
            band=_band(usual, top),
            band_width=_number(_STEP * len(months)),
            marks=[_mark(row, x, top) for row, x in zip(months, at_x, strict=True) if row.value is not None],
            paths=_paths(months, at_x, top),
            counts=[
                _Tick(x=_number(x), text=two_digits(row.n) if isinstance(row.n, float) else str(row.n))
                for row, x in zip(months, at_x, strict=True)
                if row.n is not None
            ],
            labels=[
                _Tick(x=_number(x), text=short_month(row.month))
                for place, (row, x) in enumerate(zip(months, at_x, strict=True))
                if (len(months) - 1 - place) % _LABEL_EVERY == 0
            ],
            count_y=_number(_TOP + _HEIGHT + 18),
            label_y=_number(_TOP + _HEIGHT + 35),
        )
    )


def _strips(notes: Sequence[ChartNote]) -> list[_Strip]:
    """The notes from left to right; letters that would touch move apart."""
    strips: list[_Strip] = []
    free_from = 0.0
    for one in sorted(notes, key=lambda note: (note.begins, note.letter)):
        x = _LEFT + _STEP * one.begins
        width = max(_STEP * (one.ends - one.begins), 3.0)
        letter_x = max(x + width / 2, free_from)
        free_from = letter_x + 10.0
        strips.append(
            _Strip(x=_number(x), width=_number(width), letter=one.letter, letter_x=_number(letter_x))
        )
    return strips


def _band(usual: tuple[float, float] | None, top: float) -> _Band | None:
    """The usual range, as far as it lies within the axis."""
    if usual is None:
        return None
    upper, lower = _at_y(usual[1], top), _at_y(usual[0], top)
    return _Band(y=_number(upper), height=_number(lower - upper))


def _ceiling(drawn: Sequence[ChartMonth], unit: str) -> float:
    """Shares go to 100%; anything else to the next plain number above what is drawn."""
    if is_share(unit):
        return 1.0
    highest = max(max(row.value or 0.0, row.ci_high or 0.0) for row in drawn) or 1.0
    scale = 10.0 ** math.floor(math.log10(highest))
    return float(next(step * scale for step in (1, 2, 4, 5, 6, 8, 10, 20) if step * scale >= highest))


def _at_y(value: float, top: float) -> float:
    return _TOP + _HEIGHT * (1 - min(max(value / top, 0.0), 1.0))


def _mark(row: ChartMonth, x: float, top: float) -> _Mark:
    has_interval = row.ci_low is not None
    return _Mark(
        x=_number(x),
        y=_number(_at_y(row.value or 0.0, top)),
        low=_number(_at_y(row.ci_low or 0.0, top)) if has_interval else None,
        high=_number(_at_y(top if row.ci_high is None else row.ci_high, top)) if has_interval else None,
        is_open_above=has_interval and row.ci_high is None,
        is_hollow=row.is_hollow,
        is_muted=not row.joins and not row.is_hollow,
    )


def _paths(months: Sequence[ChartMonth], at_x: Sequence[float], top: float) -> list[str]:
    """Stretches of neighbouring months that a line may join."""
    stretches: list[list[str]] = [[]]
    for row, x in zip(months, at_x, strict=True):
        if row.value is None or not row.joins or row.is_hollow:
            stretches.append([])
        else:
            stretches[-1].append(f"{_number(x)},{_number(_at_y(row.value, top))}")
    return [" ".join(points) for points in stretches if len(points) > 1]


def _label(months: Sequence[ChartMonth], *, title: str, unit: str) -> str:
    """What a reader who does not see the chart hears: the months drawn and their values."""
    drawn = [row for row in months if row.value is not None]
    told = "; ".join(
        f"{month_name(row.month)} {value_text(row.value, unit)}{' so far' if row.is_hollow else ''}"
        for row in drawn
    )
    return f"{title}, by month: {told}."


def _notes_label(notes: Sequence[ChartNote]) -> str:
    return "".join(f" Marked {one.letter}: {one.label}." for one in notes)


def _axis_text(value: float, unit: str, top: float) -> str:
    if is_share(unit):
        return value_text(value, "share")
    return two_digits(value) + (f" {_UNITS.get(unit, '')}".rstrip() if value == top else "")


_UNITS = {"hours": "h", "minutes": "min"}


def _number(value: float) -> str:
    """Coordinates with one digit, the same on every machine."""
    return f"{value:.1f}".removesuffix(".0")
