"""The headings of a review, with the cases that belong under each and an honest blank where there are none.

Not here: any reading of how somebody does under a heading.
"""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib.resources import files
from typing import Any

from packets.catalogue import HEADINGS
from packets.evidence import Case
from packets.features import FEATURES_ID
from packets.figures import Figure, span_of
from packets.talking_points import TalkingPoint
from packets.unrequested import CONTEXT_ID
from packets.words import counted

BLANK = "No case this quarter: a blank, not a zero."


@dataclass(frozen=True, slots=True, kw_only=True)
class Dimension:
    """One heading: its metrics with the evidence of the quarter, and what has to be asked."""

    title: str
    entries: tuple[str, ...]
    points: tuple[str, ...]
    ask: tuple[str, ...]


def default_rubric() -> list[dict[str, Any]]:
    """The four dimensions that ship with Evenhand."""
    dimensions: list[dict[str, Any]] = tomllib.loads((files("packets") / "rubric.toml").read_text("utf-8"))[
        "dimensions"
    ]
    return dimensions


def dimensions(
    figures: Sequence[Figure], cases: Sequence[Case], points: Sequence[TalkingPoint]
) -> tuple[Dimension, ...]:
    """The rubric filled in with the cases of the quarter."""
    return tuple(_dimension(entry, figures, cases, points) for entry in default_rubric())


def _dimension(
    entry: dict[str, Any], figures: Sequence[Figure], cases: Sequence[Case], points: Sequence[TalkingPoint]
) -> Dimension:
    belonging = [
        figure
        for figure in figures
        if figure.evidence
        and figure.heading != HEADINGS["context"]
        and any(fnmatchcase(figure.metric_id, pattern) for pattern in entry["metrics"])
    ]
    beside = ({CONTEXT_ID} if entry.get("context") else set()) | (
        {FEATURES_ID} if entry.get("features") else set()
    )
    ids = {figure.metric_id for figure in belonging} | beside
    inside = [case for case in cases if case.in_quarter and any(case.reading(metric_id) for metric_id in ids)]
    spans: dict[str, list[str]] = {}
    for figure in belonging:
        spans.setdefault(figure.evidence, []).append(figure.title)
    entries = [f"{'; '.join(titles)}: {span}." for span, titles in spans.items()]
    given = [case for case in inside if case.reading(CONTEXT_ID)] if entry.get("context") else []
    if given:
        entries.append(
            f"Reviews of other people's pull requests, {counted(len(given), 'case')}: {span_of(given)}."
        )
    built = [case for case in inside if case.reading(FEATURES_ID)] if entry.get("features") else []
    if built:
        entries.append(f"Changes built for features: {span_of(built)}.")
    chosen = {point.evidence_id for point in points}
    return Dimension(
        title=entry["title"],
        entries=tuple(entries) or (BLANK,),
        points=tuple(case.evidence_id for case in inside if case.evidence_id in chosen),
        ask=tuple(entry["ask"]),
    )
