"""How numbers, dates and classes read in a packet. Rounding happens here and nowhere before.

Not here: the sentences of the ladder (transforms.ladder) or of questions.
"""

import json
import tomllib
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

from packets.catalogue import Metric
from transforms.changes.wording import is_share, number_text
from transforms.ladder import month_name, percent, two_digits

FEW_ANSWERED = 0.2
COMPLETE_RECORDS = frozenset({"minutes", "sum", "distinct", "effective_number"})
"""Statistics of everything there was: they have no sampling interval."""
_MANY_HOURS = 240
_SECONDS = {"hours": 3600, "minutes": 60}
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_UNLIKELY_TO_BE_MEANT = {*range(32), *range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A)}


@cache
def _tables() -> Mapping[str, Mapping[str, str]]:
    return tomllib.loads((files("packets") / "words.toml").read_text("utf-8"))


def worded(table: str, key: str | None) -> str:
    """The words for a class; a class without words reads as its own name."""
    if not key:
        return ""
    known = _tables()[table]
    return known.get(key, key.replace("_", " "))


def why_text(metric: Metric | None, counted_as: str, why: str | None) -> str:
    """Why a case fell into its class, a miss in the metric's own words."""
    if metric and why and counted_as == "denominator" and why in metric.words.misses:
        return metric.words.misses[why]
    own = f"{metric.metric_id}.{why}" if metric else ""
    return worded("whys", own if own in _tables()["whys"] else why)


def day_text(day: date) -> str:
    """3 May 2026."""
    return f"{day.day} {month_name(day.isoformat())}"


def days_text(first: date, last: date) -> str:
    """One date, or a range with its ends."""
    return day_text(first) if first == last else f"{day_text(first)} to {day_text(last)}"


def short_month(month: str) -> str:
    """``2026-03`` where there is little room: Mar 2026."""
    return f"{month_name(month)[:3]} {month[:4]}"


def instant_text(local: datetime) -> str:
    """3 May 2026, 14:05."""
    return f"{day_text(local.date())}, {local:%H:%M}"


def weekdays_text(days: Sequence[int]) -> str:
    """ISO weekdays as Mon to Fri, or one by one."""
    ordered = sorted(days)
    names = [_WEEKDAYS[day - 1] for day in ordered]
    run = len(ordered) > 2 and ordered == list(range(ordered[0], ordered[0] + len(ordered)))
    return f"{names[0]} to {names[-1]}" if run else ", ".join(names)


def amount_text(amount: float | None, unit: str, clock: str = "") -> str:
    """One case's amount of time: to the minute, and to the second where a limit could lie in between.

    A second more than 24 hours is not read as 24. From the tenth day on it is in days of 24 h, which are
    working days where the metric's ``clock`` is the one of that name.
    """
    if amount is None or not unit:
        return ""
    if unit not in _SECONDS:
        return f"{two_digits(amount)} {unit}"
    hours, rest = divmod(round(amount * _SECONDS[unit]), 3600)
    minutes, seconds = divmod(rest, 60)
    if hours >= _MANY_HOURS:
        days, hours = divmod(hours, 24)
        return f"{days} {'working days' if clock == 'working_day' else 'days'}" + (
            f" {hours} h" if hours else ""
        )
    if hours and not minutes:
        return f"{hours} h 0 min {seconds} s" if seconds else f"{hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    if minutes and unit == "hours":
        seconds = 0  # no limit in hours lies below one
    told = (f"{minutes} min" if minutes or not seconds else "", f"{seconds} s" if seconds else "")
    return " ".join(part for part in told if part)


def value_text(value: float | None, unit: str) -> str:
    """A value in its unit; a share as a percentage, one of time with three decimals."""
    if value is None:
        return ""
    if is_share(unit):
        return percent(value) if unit == "share" else f"{number_text(value, unit)}%"
    return f"{two_digits(value)} {unit}"


def interval_text(low: float | None, high: float | None, unit: str, *, statistic: str = "") -> str:
    """The 95% interval, or why there is none; an open upper end is said."""
    if low is None:
        return "complete record" if statistic in COMPLETE_RECORDS else "too few for an interval"
    if high is None:
        return f"{value_text(low, unit)} to open"
    lower = percent(low) if unit == "share" else two_digits(low)
    return f"{lower} to {value_text(high, unit)}"


def delta_text(delta: float | None, unit: str) -> str:
    """A difference in points or in the unit, with its sign."""
    if delta is None:
        return ""
    size = number_text(abs(delta), unit) if is_share(unit) else two_digits(abs(delta))
    sign = "" if float(size) == 0 else "+" if delta > 0 else "\N{MINUS SIGN}"
    points = "point" if size == "1" else "points"
    return f"{sign}{size} {points if is_share(unit) else unit}"


def detail_texts(metric: Metric, cell: Mapping[str, Any] | None) -> list[str]:
    """What a cell tells besides its value, in the words of the metric's page.

    A share with the suspected cases in it is told only where there are some.
    """
    figures = json.loads((cell or {}).get("details") or "{}")
    told = []
    for name, detail in metric.details.items():
        figure, words = figures.get(name), detail["words"]
        suspected = detail["value_with"] or detail["value_without"]
        if not words or figure is None or (suspected and not figures[suspected]):
            continue
        is_share = detail["counted_over"] or suspected
        words = (detail.get("words_of_one") if figure == 1 and not is_share else None) or words
        text = f"{percent(figure) if is_share else _plain_number(figure)} {words}"
        told.append(f"{text} (few)" if detail["counted_over"] and figure < FEW_ANSWERED else text)
    return told


def _plain_number(figure: float) -> str:
    """A count as it is; an amount to the whole, or with two digits where it is small."""
    return two_digits(figure) if isinstance(figure, float) and abs(figure) < 100 else f"{figure:.0f}"


def counted(count: int, one: str, many: str | None = None) -> str:
    """A count with its noun in the right number."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def listed(parts: Sequence[str], *, at_most: int = 5) -> str:
    """Parts as a sentence lists them, cut after a few with the number left out."""
    shown = list(parts[:at_most])
    if len(parts) > at_most:
        return f"{', '.join(shown)} and {len(parts) - at_most} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else "".join(shown)


def plain(text: str | None, *, at_most: int = 120) -> str:
    """Foreign text on one row: no control or direction marks, cut to a length that can be read."""
    kept = "".join(" " if ord(char) in _UNLIKELY_TO_BE_MEANT else char for char in text or "")
    joined = " ".join(kept.split())
    return joined if len(joined) <= at_most else joined[: at_most - 1].rstrip() + "…"


def web_link(address: str | None) -> str | None:
    """The address if a browser may follow it from a packet: http or https with a host, else nothing."""
    if not address or any(ord(char) <= 32 for char in address):
        return None
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    return address if parts.scheme in ("http", "https") and parts.netloc else None
