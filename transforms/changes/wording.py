"""How figures of change read: two significant digits, whole percentages, and one more digit where it matters.

Here: numbers and spans of time as text. A range is rounded outwards, so that all lies within what is printed.
Not here: sentences.
"""

import math
from collections.abc import Callable, Sequence

from transforms.ladder import month_name

_MINUS = "\N{MINUS SIGN}"
_MOST_DIGITS = 9
_ONE = {"hours": "hour", "minutes": "minute", "people": "person"}
_ROUNDING = 1e-7
"""Steps below this are noise of the machine's arithmetic: 0.29 x 100 is 29."""

Rounding = Callable[[float], float]
Form = Callable[[float, int], str]


def _nearest(number: float) -> float:
    return math.floor(number + 0.5)


def _down(number: float) -> float:
    return math.floor(number + _ROUNDING)


def _up(number: float) -> float:
    return math.ceil(number - _ROUNDING)


def is_share(unit: str) -> bool:
    """Shares are printed as percentages and differ by points."""
    return unit.startswith("share")


def number_text(number: float, unit: str, more: int = 0, rounding: Rounding = _nearest) -> str:
    """A value or difference without its unit. A share is in percent, whole; time shares have three digits."""
    if is_share(unit):
        decimals = more + (0 if unit == "share" else 3)
        return _decimal(number * 100, decimals, rounding)
    if number == 0:
        return "0"
    decimals = 1 - math.floor(math.log10(abs(number))) + more
    text = _decimal(number, decimals, rounding)
    return text.rstrip("0").rstrip(".") if "." in text else text


def _decimal(number: float, decimals: int, rounding: Rounding) -> str:
    """With so many digits after the point; fewer than none rounds to tens, hundreds and so on."""
    scale = 10.0**decimals
    away = rounding if number >= 0 or rounding is not _nearest else lambda scaled: -_nearest(-scaled)
    rounded = away(number * scale) / scale
    text = f"{abs(rounded):.{max(decimals, 0)}f}"
    return text if float(text) == 0 or number >= 0 else _MINUS + text


def value_form(unit: str) -> Form:
    """A value with its unit: 62%, 4.5 hours."""
    return lambda number, more: _with_unit(number_text(number, unit, more), unit)


def _with_unit(text: str, unit: str) -> str:
    if is_share(unit):
        return f"{text}%"
    return f"{text} {_ONE.get(unit, unit) if text.removeprefix(_MINUS) == '1' else unit}"


def difference_form(unit: str) -> Form:
    """A difference with its unit: 8 points, −1.5 hours."""
    return lambda number, more: _with_difference_unit(number_text(number, unit, more), unit)


def _with_difference_unit(text: str, unit: str) -> str:
    if is_share(unit):
        return f"{text} {'point' if text.removeprefix(_MINUS) == '1' else 'points'}"
    return _with_unit(text, unit)


def apart(numbers: Sequence[float], form: Form) -> list[str]:
    """The numbers as text; with more digits where two that differ would read the same."""
    for more in range(_MOST_DIGITS):
        texts = [form(number, more) for number in numbers]
        if len(set(texts)) == len(set(numbers)):
            return texts
    return texts


def smaller_than(numbers: Sequence[float], limit: float, form: Form) -> list[str]:
    """The numbers and then the limit: none of them, whatever its sign, reads as large as the limit."""
    for more in range(_MOST_DIGITS):
        texts = [form(number, more) for number in (*numbers, limit)]
        if all(text.removeprefix(_MINUS) != texts[-1] for text in texts[:-1]):
            return texts
    return texts


def range_text(low: float, high: float, unit: str) -> str:
    """From the lowest to the highest, rounded outwards: 62% to 90%, 2 to 5.5 hours."""
    lower, upper = number_text(low, unit, rounding=_down), number_text(high, unit, rounding=_up)
    return f"{lower}% to {upper}%" if is_share(unit) else f"{lower} to {_with_unit(upper, unit)}"


def interval_text(low: float | None, high: float | None, unit: str, *, without_zero: bool) -> str:
    """The interval of a difference; an end that is None is open. ``without_zero``: no end may read as 0."""
    ends: list[str] = []
    for end in (low, high):
        digits = range(_MOST_DIGITS if without_zero and end else 1)
        texts = ["open"] if end is None else [number_text(end, unit, more) for more in digits]
        ends.append(next((text for text in texts if text.strip("0.")), texts[-1]))
    if ends[1] == "open":
        return ends[0] if ends[0] == "open" else f"{_with_difference_unit(ends[0], unit)} to open"
    return f"{ends[0]} to {_with_difference_unit(ends[1], unit)}"


def nonzero(number: float, form: Form) -> str:
    """A difference that is one: with as many digits as it takes not to read as 0."""
    texts = [form(number, more) for more in range(_MOST_DIGITS if number else 1)]
    return next((text for text in texts if text.split()[0].strip("0.")), texts[-1])


def months_text(months: Sequence[str]) -> str:
    """Months by name, as a sentence lists them."""
    names = [month_name(month) for month in months]
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)


def mid_sentence(title: str) -> str:
    """A title where it does not begin the sentence; abbreviations keep their capitals."""
    return title if title[1:2].isupper() else title[:1].lower() + title[1:]
