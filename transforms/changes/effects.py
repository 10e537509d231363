"""The smallest change called meaningful, and what a change is called by the metric's direction.

Here: the effect of ``metric.toml``, its threshold, and the names of outcomes.
Not here: whether there is a change (trend, quarter_comparison).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Real = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

Outcome = Literal["improving", "worsening", "rising", "falling", "steady", "so_far", "not_enough_data"]
FIRED: frozenset[str] = frozenset({"improving", "worsening", "rising", "falling"})
TOLERANCE = 1e-9
"""Differences up to this are ties, and figures that close to a threshold have reached it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """An absolute effect in the metric's unit, or a share of a value with a floor in the unit."""

    size: float
    is_relative: bool = False
    floor: float = 0.0

    def threshold(self, value: Real) -> Real:
        """E at these values."""
        if not self.is_relative:
            return np.full(np.shape(value), self.size)
        return np.maximum(self.size * np.abs(value), self.floor)


def effect_of(min_effect: Mapping[str, Any]) -> Effect:
    """The effect as a metric's ``min_effect`` says it: kind abs or rel, value, floor."""
    return Effect(
        size=float(min_effect["value"]),
        is_relative=min_effect["kind"] == "rel",
        floor=float(min_effect.get("floor") or 0.0),
    )


def outcome_name(direction: str, sign: int) -> Outcome:
    """What a change of that sign is called: better or worse only where the metric says which way is good."""
    if direction == "higher_is_better":
        return "improving" if sign > 0 else "worsening"
    if direction == "lower_is_better":
        return "improving" if sign < 0 else "worsening"
    return "rising" if sign > 0 else "falling"
