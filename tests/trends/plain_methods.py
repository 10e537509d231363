"""The shared methods once more, written from the specification's text alone.

Here: plain Python over exact fractions, with no look at the code that runs every night, so that a rule one
reader misread is found by the other. Slow and short on purpose. Not here: the metrics (test_plain_references
of tests/metrics) and the wording of verdicts.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from functools import cache
from itertools import combinations, pairwise
from math import ceil, comb, inf, isinf, log, nan, sqrt
from typing import Any
from zoneinfo import ZoneInfo

from scipy.stats import beta, chi2

Row = Mapping[str, Any]
Z95, Z96 = 1.959963984540054, 2.053748910631823
TIE = Fraction(1, 10**9)
NOTHING = dict.fromkeys(
    (
        *("S", "p", "slope", "slope_low", "slope_high", "change", "threshold", "fit_first", "fit_last"),
        *("shift", "first_level", "last_level", "k_ends"),
    )
)


def exact(value: float) -> Fraction:
    return Fraction(str(value))


def middle(values: Sequence[Any]) -> Any:
    ordered = sorted(values)
    half, odd = divmod(len(ordered), 2)
    if odd:
        return ordered[half]
    low, high = ordered[half - 1], ordered[half]
    return low if low == high else (low + high) / 2


def ordinal(month: str) -> int:
    return int(month[:4]) * 12 + int(month[5:7])


def sign(number: Any) -> int:
    return int(number > 0) - int(number < 0)


# Trend ------------------------------------------------------------------------------------------------


def arrangements(sizes: Sequence[int]) -> list[int]:
    """How many orders of the tied values have v inversions: [n]_q! / prod [t]_q!."""
    top = _q_factorial(sum(sizes))
    for size in sizes:
        top = _divide(top, _q_factorial(size))
    return top


def _q_factorial(number: int) -> list[int]:
    product = [1]
    for width in range(1, number + 1):
        product = [
            sum(product[at - k] for k in range(width) if 0 <= at - k < len(product))
            for at in range(len(product) + width - 1)
        ]
    return product


def _divide(top: list[int], bottom: list[int]) -> list[int]:
    left, quotient = list(top), []
    while len(left) >= len(bottom):
        quotient.append(left[0] // bottom[0])
        for at, number in enumerate(bottom):
            left[at] -= quotient[-1] * number
        assert left[0] == 0
        left = left[1:]
    assert not any(left)
    return quotient


def s_and_p(values: Sequence[Fraction]) -> tuple[int, Fraction]:
    pairs = list(combinations(values, 2))
    s = sum(sign(b - a) for a, b in pairs if abs(b - a) > TIE)
    sizes: list[int] = []
    seen: list[Fraction] = []
    for value in sorted(values):
        if seen and abs(value - seen[-1]) <= TIE:
            sizes[-1] += 1
        else:
            sizes.append(1)
        seen.append(value)
    ties = sum(size * (size - 1) // 2 for size in sizes)
    counts = arrangements(sizes)
    far = sum(many for v, many in enumerate(counts) if abs(len(pairs) - ties - 2 * v) >= abs(s))
    return s, Fraction(far, sum(counts))


def trend(series: Sequence[Row], direction: str, effect: Row) -> dict[str, Any]:
    final = [row for row in series if row["state"] == "final"]
    newest = max(final, key=lambda row: row["month"], default=None)
    used = sorted(
        (
            row
            for row in final
            if newest
            and row["status"] == "ok"
            and row["segment"] == newest["segment"]
            and ordinal(newest["month"]) - ordinal(row["month"]) < 12
        ),
        key=lambda row: row["month"],
    )
    found = {**NOTHING, "months_used": [row["month"] for row in used], "n_months": len(used)}
    if len(used) < 6:
        return found | {"outcome": "not_enough_data", "reason": "fewer_than_6_months"}
    if newest and ordinal(newest["month"]) - ordinal(used[-1]["month"]) > 1:
        return found | {"outcome": "not_enough_data", "reason": "stale"}
    x = [ordinal(row["month"]) for row in used]
    y = [exact(row["value"]) for row in used]
    n = len(y)
    s, p = s_and_p(y)
    slopes = sorted((y[j] - y[i]) / (x[j] - x[i]) for i in range(n) for j in range(i + 1, n))
    slope = middle(slopes)
    untied = arrangements([1] * n)
    pairs = n * (n - 1) // 2
    k = next(
        k
        for k in range(pairs % 2, pairs + 1, 2)
        if Fraction(sum(untied[: (pairs - k) // 2 + 1]), sum(untied)) <= Fraction(25, 1000)
    )
    m = (pairs - k + 2) // 2
    intercept = middle([b - slope * a for a, b in zip(x, y, strict=True)])
    ends = max(2, n // 3)
    first_level, last_level = middle(y[:ends]), middle(y[-ends:])
    change, shift = slope * (x[-1] - x[0]), last_level - first_level
    size = max((abs(part) for part in (change, shift) if s and sign(part) == sign(s)), default=Fraction(0))
    threshold = exact(effect["value"])
    if effect["kind"] == "rel":
        threshold = max(threshold * abs(middle(y)), exact(effect["floor"]))
    found |= {
        "S": s,
        "p": p,
        "slope": slope,
        "slope_low": slopes[m - 1],
        "slope_high": slopes[-m],
        "change": change,
        "threshold": threshold,
        "fit_first": intercept + slope * x[0],
        "fit_last": intercept + slope * x[-1],
        "shift": shift,
        "first_level": first_level,
        "last_level": last_level,
        "k_ends": ends,
    }
    is_unlikely, is_large = p <= Fraction(5, 100), size >= threshold
    if is_unlikely and is_large and sign(shift) == sign(s):
        shorter = (s_and_p(y[:at] + y[at + 1 :]) for at in range(n))
        if all(q <= Fraction(1, 10) and sign(t) == sign(s) for t, q in shorter):
            return found | {"outcome": named(direction, s), "reason": "consistent_change"}
        return found | {"outcome": "steady", "reason": "one_month_decides"}
    if is_unlikely and not is_large:
        return found | {"outcome": "steady", "reason": "change_too_small"}
    is_flat = max(y) - min(y) < threshold
    return found | {"outcome": "steady", "reason": "flat" if is_flat else "no_consistent_direction"}


def named(direction: str, s: Any) -> str:
    if direction in ("neutral", "load"):
        return "rising" if s > 0 else "falling"
    return "improving" if (s > 0) == (direction == "higher_is_better") else "worsening"


# Month over month and the usual range -----------------------------------------------------------------


def month_over_month(series: Sequence[Row], month: str) -> dict[str, Any]:
    by_ordinal = {ordinal(row["month"]): row for row in series}
    now, before = by_ordinal.get(ordinal(month)), by_ordinal.get(ordinal(month) - 1)
    found: dict[str, Any] = {"delta": None, "relative": None, "reason": None}
    if now is None or now["status"] != "ok":
        return found | {"reason": "current_missing"}
    if now["state"] == "partial":
        return found | {"reason": "current_partial"}
    if before is None or before["status"] != "ok":
        return found | {"reason": "previous_missing"}
    if now["segment"] != before["segment"]:
        return found | {"reason": "segment_change"}
    delta = exact(now["value"]) - exact(before["value"])
    old = exact(before["value"])
    return found | {"delta": delta, "relative": delta / old if old else None}


def usual_range(series: Sequence[Row], month: str, low: float | None, high: float | None) -> dict[str, Any]:
    final = [row for row in series if row["state"] == "final"]
    newest = max(final, key=lambda row: row["month"], default=None)
    asked = next((row for row in series if row["month"] == month), None)
    values = [
        exact(row["value"])
        for row in sorted(final, key=lambda row: row["month"])
        if row["status"] == "ok"
        and newest
        and row["segment"] == newest["segment"]
        and 1 <= ordinal(month) - ordinal(row["month"]) <= 12
    ]
    found: dict[str, Any] = {"n_baseline": len(values)}
    found |= dict.fromkeys(("centre", "mean_moving_range", "low", "high"))
    if len(values) < 6:
        return found | {"verdict": "not_enough_data"}
    moves = [abs(b - a) for a, b in pairwise(values)]
    centre, mean = sum(values) / len(values), sum(moves) / len(moves)
    found |= {"centre": centre, "mean_moving_range": mean}
    if not mean:
        return found | {"verdict": "no_variation"}
    bottom, top = centre - Fraction("2.66") * mean, centre + Fraction("2.66") * mean
    bottom = bottom if low is None else max(bottom, exact(low))
    top = top if high is None else min(top, exact(high))
    found |= {"low": bottom, "high": top}
    is_settled = asked is not None and asked["state"] == "final" and asked["status"] == "ok"
    if asked is None or not is_settled or not newest or asked["segment"] != newest["segment"]:
        return found | {"verdict": "not_enough_data"}
    inside = bottom <= exact(asked["value"]) <= top
    return found | {"verdict": "within_usual_range" if inside else "outside_usual_range"}


# Reviews nobody asked for by name ------------------------------------------------------------------------


def unrequested_reviews(
    inputs: Mapping[str, Sequence[Row]], person: str, begins: datetime, ends: datetime, as_of: datetime
) -> dict[str, Any]:
    """2.9, of the reviews in ``[begins, ends)``. Rows are those of the worked examples, with instants."""
    bots = {row["person_id"] for row in inputs["people"] if row["is_bot"]}
    evidence = {}
    for pull in inputs["pull_requests"]:
        submitted = [
            row["submitted_at"]
            for row in inputs["reviews"]
            if (row["pr_id"], row["reviewer_id"]) == (pull["pr_id"], person)
            and row["state"] != "PENDING"
            and row["submitted_at"] <= as_of
        ]
        if not submitted or pull["author_id"] in {person, *bots}:
            continue
        first = min(submitted)
        if not begins <= first < ends:
            continue
        asked = [
            row
            for row in inputs["pr_events"]
            if row["pr_id"] == pull["pr_id"]
            and row["type"] == "review_requested"
            and row["occurred_at"] <= first
        ]
        teams = {
            row["team_id"]
            for row in inputs["memberships"]
            if row["person_id"] == person
            and (row["from_at"] is None or row["from_at"] <= first)
            and (row["to_at"] is None or first < row["to_at"])
        }
        if any(row["reviewer_id"] == person for row in asked):
            evidence[pull["pr_id"]] = "by_name"
        elif any(row["requested_team_id"] in teams for row in asked):
            evidence[pull["pr_id"]] = "to_their_team"
        else:
            evidence[pull["pr_id"]] = "unrequested"
    n, outcomes = len(evidence), list(evidence.values())
    by_name, to_team = outcomes.count("by_name"), outcomes.count("to_their_team")
    k = n - by_name
    bracket = f" ({to_team} after a request to their team)" if to_team >= 1 else ""
    told = f"Of {n} pull requests reviewed, {k} had no request to this person by name{bracket}."
    return {
        "n_reviewed": n,
        "n_by_name": by_name,
        "n_to_their_team": to_team,
        "n_unrequested": k - to_team,
        "sentence": told if k >= 1 else None,
        "evidence": evidence,
    }


# Intervals --------------------------------------------------------------------------------------------


def wilson(k: int, n: float, z: float = Z95) -> tuple[float, float]:
    centre, half = (k + z * z / 2) / (n + z * z), z * sqrt(k * (n - k) / n + z * z / 4) / (n + z * z)
    return (0.0 if k == 0 else centre - half), (1.0 if k == n else centre + half)


def poisson(count: float, exposure: float) -> tuple[float, float]:
    low = 0.0 if count == 0 else chi2.ppf(0.025, 2 * count) / 2
    return low / exposure, chi2.ppf(0.975, 2 * count + 2) / 2 / exposure


def median_cell(closed: Sequence[float], open_so_far: Sequence[float]) -> dict[str, Any]:
    found: dict[str, Any] = dict.fromkeys(("value", "value_at_least", "ci_low", "ci_high", "coverage"))
    units = sorted(closed) + [inf] * len(open_so_far)
    n = len(units)
    if not n:
        return found
    value = middle(units)
    if isinf(value):
        found["value_at_least"] = middle([*closed, *open_so_far])
    else:
        found["value"] = value
    below = [sum(comb(n, j) for j in range(at)) / 2**n for at in range(n + 1)]
    place = max(at for at in range(n + 1) if below[at] <= 0.025)
    if place:
        assert n >= 6
        found["ci_low"], found["ci_high"] = (
            None if isinf(unit) else unit for unit in (units[place - 1], units[-place])
        )
        found["coverage"] = 1 - 2 * below[place]
    return found


# Quarter comparison -----------------------------------------------------------------------------------


def quarter_comparison(case: Row) -> dict[str, Any]:  # noqa: PLR0911 - as many as the text has outcomes
    kind = case["unit"]
    year, q = int(case["quarter"][:4]), int(case["quarter"][6])
    start = year * 12 + 3 * q - 2
    inside = [row for row in case["months"] if 0 <= ordinal(row["month"]) - start < 3]
    before = [row for row in case["months"] if -9 <= ordinal(row["month"]) - start < 0]
    newest = max(inside or before, key=lambda row: row["month"])
    segment = newest.get("segment", 0)

    def counted(rows: Sequence[Row]) -> list[Row]:
        kept = (row for row in rows if is_counted(kind, row))
        return sorted((row for row in kept if row.get("segment", 0) == segment), key=lambda row: row["month"])

    current, baseline = counted(inside), counted(before)
    n1, n0 = size_of(kind, current), size_of(kind, baseline)
    v1 = value_of(kind, current) if n1 >= case["n_min"] else None
    v0 = value_of(kind, baseline) if n0 >= case["n_min"] else None
    found: dict[str, Any] = dict.fromkeys(
        ("difference", "low", "high", "threshold", "kept_share", "ratio", "ratio_low", "ratio_high")
    )
    found |= {
        "quarter": case["quarter"],
        "state": "final" if case["quarter_state"] == "final" else "so_far",
        "months_current": [row["month"] for row in current],
        "months_baseline": [row["month"] for row in baseline],
        "n_current": n1,
        "n_baseline": n0,
        "value_current": v1,
        "value_baseline": v0,
    }
    if found["state"] == "so_far":
        return found | {"outcome": "so_far", "reason": "quarter_not_final"}
    with_units = [sum(size_of(kind, [row]) > 0 for row in side) for side in (current, baseline)]
    enough = {"outcome": "not_enough_data"}
    if n1 < case["n_min"]:
        return found | enough | {"reason": "current_too_small"}
    if with_units[0] < 2:
        return found | enough | {"reason": "current_one_month"}
    if n0 < 2 * case["n_min"] or with_units[1] < 3:
        counted_rows = (row for row in [*inside, *before] if is_counted(kind, row))
        left_out = any(row.get("segment", 0) != segment for row in counted_rows)
        return found | enough | {"reason": "segment_change" if left_out else "baseline_too_small"}
    d = difference(kind, current, baseline)
    low, high = bounds(kind, current, baseline)
    effect = case["min_effect"]
    threshold = float(effect["value"])
    if effect["kind"] == "rel":
        reference = v0 if v0 is not None else median_of(baseline)["value_at_least"]
        threshold = max(threshold * abs(reference), float(effect["floor"]))
    found |= {
        "difference": finite(d),
        "low": finite(low),
        "high": finite(high),
        "threshold": threshold,
    }
    if kind == "rate":
        k1, k0 = (sum(row["numerator"] for row in side) for side in (current, baseline))
        found["ratio"] = (k1 / n1) / (k0 / n0) if k0 else None
        found["ratio_low"], found["ratio_high"] = ratio_bounds(k1, n1, k0, n0)
    excludes = (low is not None and low > 0) or (high is not None and high < 0)
    if kind == "rate":  # without an event before there is no rate to turn the ratio into a difference with
        at_most = found["ratio_high"]
        excludes = (found["ratio_low"] or 0) > 1 or (at_most is not None and at_most < 1)
    if excludes and kind == "median" and medians_disagree(d, current, baseline):
        return found | {"outcome": "steady", "reason": "measures_disagree"}
    if excludes and abs(d) >= threshold - 1e-9:
        kept = min(kept_shares(kind, current, baseline, d))
        found["kept_share"] = finite(kept)
        if kept >= 0.5 - 1e-9:
            return found | {"outcome": named(case["direction"], d), "reason": "clear_difference"}
        return found | {"outcome": "steady", "reason": "one_month_decides"}
    if low is not None and high is not None and -threshold < low and high < threshold:
        return found | {"outcome": "steady", "reason": "no_meaningful_difference"}
    return found | {"outcome": "steady", "reason": "change_too_small" if excludes else "no_clear_difference"}


def is_counted(kind: str, row: Row) -> bool:
    """No hole, and with units: a month that is given without any is like one that is not given."""
    return row.get("status", "ok") not in ("absent", "not_in_role", "source_gap") and size_of(kind, [row]) > 0


def finite(number: float | None) -> float | None:
    return None if number is None or isinf(number) else number


def size_of(kind: str, rows: Sequence[Row]) -> Any:
    if kind == "median":
        return sum(len(row["closed"]) + len(row["open_so_far"]) for row in rows)
    return sum(row["denominator" if kind == "share" else "exposure"] for row in rows)


def median_of(rows: Sequence[Row]) -> dict[str, Any]:
    return median_cell([v for r in rows for v in r["closed"]], [v for r in rows for v in r["open_so_far"]])


def value_of(kind: str, rows: Sequence[Row]) -> Any:
    if kind == "median":
        return median_of(rows)["value"]
    return sum(row["numerator"] for row in rows) / size_of(kind, rows)


def units_of(rows: Sequence[Row]) -> list[float]:
    return [v for row in rows for v in [*row["closed"], *[inf] * len(row["open_so_far"])]]


def differences(current: Sequence[Row], baseline: Sequence[Row]) -> list[float]:
    return sorted(
        0.0 if isinf(a) and isinf(b) else a - b for a in units_of(current) for b in units_of(baseline)
    )


def difference(kind: str, current: Sequence[Row], baseline: Sequence[Row]) -> float:
    if kind == "median":
        ordered = differences(current, baseline)
        half, odd = divmod(len(ordered), 2)
        low, high = ordered[half if odd else half - 1], ordered[half]
        return low if low == high else nan if isinf(low) and isinf(high) else (low + high) / 2
    return value_of(kind, current) - value_of(kind, baseline)


@cache
def mann_whitney(m: int, n: int) -> list[int]:
    """How many of the arrangements have U = u."""
    if not m or not n:
        return [1]
    counts = [0] * (m * n + 1)
    for u, many in enumerate(mann_whitney(m - 1, n)):
        counts[u + n] += many
    for u, many in enumerate(mann_whitney(m, n - 1)):
        counts[u] += many
    return counts


def bounds(kind: str, current: Sequence[Row], baseline: Sequence[Row]) -> tuple[float | None, float | None]:
    if kind == "median":
        m, n = len(units_of(current)), len(units_of(baseline))
        if m * n > 10_000:
            c = int(m * n / 2 + 0.5 - Z96 * sqrt(m * n * (m + n + 1) / 12))
        else:
            counts = mann_whitney(m, n)
            total, below, c = sum(counts), 0, 0
            while c < len(counts) and Fraction(below + counts[c], total) <= Fraction(2, 100):
                below += counts[c]
                c += 1
        ordered = differences(current, baseline)
        return (ordered[c - 1], ordered[-c]) if c else (None, None)
    n1, n0 = size_of(kind, current), size_of(kind, baseline)
    k1, k0 = (sum(row["numerator"] for row in side) for side in (current, baseline))
    if kind == "share":
        p1, p0 = k1 / n1, k0 / n0
        (l1, u1), (l0, u0) = wilson(k1, n1, Z96), wilson(k0, n0, Z96)
        d = p1 - p0
        return d - sqrt((p1 - l1) ** 2 + (u0 - p0) ** 2), d + sqrt((u1 - p1) ** 2 + (p0 - l0) ** 2)
    low, high = ratio_bounds(k1, n1, k0, n0)
    rate = k0 / n0
    return (
        None if low is None or not k0 else (low - 1) * rate,
        None if high is None or not k0 else (high - 1) * rate,
    )


def ratio_bounds(k1: int, e1: float, k0: int, e0: float) -> tuple[float | None, float | None]:
    if not k1 + k0:
        return None, None
    low = 0.0 if not k1 else beta.ppf(0.02, k1, k0 + 1)
    high = 1.0 if not k0 else beta.ppf(0.98, k1 + 1, k0)
    return low / (1 - low) * e0 / e1, None if high == 1 else high / (1 - high) * e0 / e1


def medians_disagree(d: float, current: Sequence[Row], baseline: Sequence[Row]) -> bool:
    one, other = (middle(units_of(side)) for side in (current, baseline))
    apart = 0 if one == other else sign(one - other)
    return apart != 0 and sign(d) != 0 and apart != sign(d)


def kept_shares(kind: str, current: Sequence[Row], baseline: Sequence[Row], d: float) -> list[float]:
    shares = []
    for side in (current, baseline):
        for row in side:
            left = [other for other in side if other is not row]
            if not size_of(kind, [row]):
                continue
            other = difference(kind, left, baseline) if side is current else difference(kind, current, left)
            if isinf(d):
                shares.append(1.0 if other == d else -1.0 if other == -d else 0.0)
            else:
                shares.append(other / d)
    return shares


# Groups -----------------------------------------------------------------------------------------------


def suppression(groups: Mapping[str, Mapping[str, float]], minimum: int, limit: float) -> dict[str, str]:
    found = {}
    sizes = {}
    for name, contributors in groups.items():
        some = [many for many in contributors.values() if many > 0]
        sizes[name] = len(some)
        if not some:
            found[name] = "no_activity"
        elif len(some) < minimum:
            found[name] = "suppressed_small_group"
        elif max(some) > limit * sum(some):
            found[name] = "suppressed_dominance"
        else:
            found[name] = "shown"
    if sum(word.startswith("suppressed") for word in found.values()) == 1:
        shown = [name for name, word in found.items() if word == "shown"]
        if shown:
            found[min(shown, key=lambda name: (sizes[name], name))] = "suppressed_complementary"
        else:
            found["_total"] = "suppressed_complementary"
    return found


# The ladder -------------------------------------------------------------------------------------------

MONTHS = ("January February March April May June July August September October November December").split()


def ladder(case: Row) -> dict[str, Any]:
    found: dict[str, Any] = dict.fromkeys(
        ("n_quarter", "n_twelve", "n_pending", "value", "ci_low", "ci_high", "sentence")
    )
    if case.get("withheld"):
        return found | {"rung": "withheld"}
    kind, words = case["unit"], case["words"]
    end = int(case["quarter"][:4]) * 12 + 3 * int(case["quarter"][6])
    year = sorted(
        (row for row in case["months"] if 0 <= end - ordinal(row["month"]) < 12), key=lambda row: row["month"]
    )
    segment = year[-1].get("segment", 0) if year else 0
    rows = [row for row in year if row.get("segment", 0) == segment]
    quarter = [row for row in rows if end - ordinal(row["month"]) < 3]
    n_quarter, n_twelve = size_of(kind, quarter), size_of(kind, rows)
    pending = sum(row.get("n_pending", 0) for row in rows)
    found |= {"n_quarter": n_quarter, "n_twelve": n_twelve, "n_pending": pending}
    if n_quarter >= case["n_min"]:
        return found | {"rung": "quarter"} | pooled(kind, quarter)
    earlier = [row for row in case["months"] if row.get("segment", 0) != segment]
    began = bool(rows and earlier) and min(row["month"] for row in earlier) < rows[0]["month"]
    before = any(
        row.get("segment", 0) == segment and end - ordinal(row["month"]) >= 12 for row in case["months"]
    )
    since = f"Since {MONTHS[int(rows[0]['month'][5:]) - 1]} {rows[0]['month'][:4]}" if rows else ""
    lead = since if began and not before else "In the last 12 months"
    if n_twelve >= case["n_min"]:
        found |= {"rung": "twelve_months"} | pooled(kind, rows)
        return found | {"sentence": f"{lead}: {year_words(kind, rows, quarter, words)}."}
    if not n_twelve and not pending:
        return found | {"rung": "none"}
    elsewhere = [row for row in rows if row not in quarter and (size_of(kind, [row]) or row.get("n_pending"))]
    if not elsewhere:
        lead = "This quarter"
    return found | {"rung": "cases", "sentence": f"{lead}: {'; '.join(case_words(kind, rows, words))}."}


def pooled(kind: str, rows: Sequence[Row]) -> dict[str, Any]:
    if kind == "median":
        cell = median_of(rows)
        return {name: cell[name] for name in ("value", "ci_low", "ci_high")}
    k, n = sum(row["numerator"] for row in rows), size_of(kind, rows)
    low, high = wilson(k, n) if kind == "share" else poisson(k, n)
    return {"value": k / n, "ci_low": low, "ci_high": high}


def digits(number: float) -> str:
    return f"{float(f'{number:.2g}'):g}"


def year_words(kind: str, rows: Sequence[Row], quarter: Sequence[Row], words: Row) -> str:
    n, now = size_of(kind, rows), size_of(kind, quarter)
    if kind == "median":
        cell = median_of(rows)
        open_middle = cell["value"] is None
        middle_word = f"at least {digits(cell['value_at_least'])}" if open_middle else digits(cell["value"])
        told, so_far = f"median {middle_word} {words['unit']} over {n} {words['case']}", f"{now}"
    else:
        k, k_now = (sum(row["numerator"] for row in some) for some in (rows, quarter))
        cell = pooled(kind, rows)
        if kind == "share":
            p, low, high = (f"{int(cell[name] * 100 + 0.5)}%" for name in ("value", "ci_low", "ci_high"))
            told = f"{k} of {n} {words['case']} ({p}, 95% interval {low} to {high})"
            so_far = f"{k_now} of {now}"
        else:
            told = f"{digits(k / n)} {words['case']} {words['unit']} ({k} in {digits(n)})"
            so_far = f"{k_now} in {digits(now)}"
    return f"{told}; this quarter {so_far if now else 'none'}"


def case_words(kind: str, rows: Sequence[Row], words: Row) -> list[str]:
    n, pending = size_of(kind, rows), sum(row.get("n_pending", 0) for row in rows)
    told = []
    if n and kind == "share":
        told.append(f"{sum(row['numerator'] for row in rows)} of {n} {words['case']}")
        for miss, word in words["misses"].items():
            many = sum(row.get("misses", {}).get(miss, 0) for row in rows)
            told += [f"{many} {word}"] if many else []
    elif n and kind == "rate":
        k = sum(row["numerator"] for row in rows)
        told.append(f"{k} {words['case']} in {digits(n)} {words['exposure']}")
    elif n:
        closed = sorted(v for row in rows for v in row["closed"])
        is_open = sum(len(row["open_so_far"]) for row in rows)
        amounts = f": {', '.join(map(digits, closed))} {words['unit']}" if closed else ""
        told.append(f"{len(closed)} {words['case']}{amounts}")
        told += [f"{is_open} {words['open']}"] if is_open else []
    return [*told, f"{pending} {words['pending']}"] if pending else told


# Goals ------------------------------------------------------------------------------------------------

GOOD: Mapping[str, Callable[[Any, Any], bool]] = {
    "at_least": lambda value, target: value >= target,
    "at_most": lambda value, target: value <= target,
    "less_than": lambda value, target: value < target,
}


def goal(agreed: Row, k: int, n: float, *, state: str, n_pending: int = 0) -> dict[str, Any]:
    """A goal of so many cases: verdict, certainty, margin, what it takes to be clear."""
    kind, comparator, target = agreed["kind"], agreed["comparator"], exact(agreed["target"])
    good = GOOD[comparator]
    found: dict[str, Any] = dict.fromkeys(
        "value ci_low ci_high certainty margin_misses hits_needed n_for_clear can_be_clear".split()
        + "baseline_value difference difference_low difference_high".split()
    )
    found |= {"n": n, "numerator": k, "state": state, "n_pending": n_pending, "status": state}
    exact_n = exact(n)
    if n >= agreed["n_min"] and n:
        found["value"] = k / n
        found["ci_low"], found["ci_high"] = wilson(k, n) if kind == "share" else poisson(k, n)
    t, z2 = float(target), Fraction(Z95) * Fraction(Z95)
    if kind == "rate":
        found["n_for_clear"] = -log(0.025) / t if comparator != "at_least" and t > 0 else None
    elif comparator == "at_least":
        found["n_for_clear"] = ceil(z2 * target / (1 - target)) if t < 1 else None
    else:
        found["n_for_clear"] = ceil(z2 * (1 - target) / target) if t > 0 else None
    if agreed.get("expected_n") is not None:
        enough = found["n_for_clear"] is not None and agreed["expected_n"] >= found["n_for_clear"]
        found["can_be_clear"] = enough
    if baseline := agreed.get("baseline"):
        k0, n0 = baseline["numerator"], baseline["denominator"]
        if n0 >= agreed["n_min"]:
            found["baseline_value"] = k0 / n0
    if state in ("so_far", "maturing"):
        found["status"] = "so_far"
        if n:
            found |= dict(
                zip(("margin_misses", "hits_needed"), margins(kind, comparator, target, k, n), strict=True)
            )
    if state == "final":
        if n < agreed["n_min"] or not n:
            return found | {"status": "not_enough_data"}
        is_met = good(k / exact_n, target)
        low, high = found["ci_low"], found["ci_high"]
        whole = good(low, t) and good(high, t) if is_met else not good(low, t) and not good(high, t)
        found |= {
            "status": "met" if is_met else "not_met",
            "certainty": "clear" if whole else "could_be_chance",
        }
        if found["baseline_value"] is not None and kind == "share":
            p1, p0 = k / n, found["baseline_value"]
            (l1, u1), (l0, u0) = wilson(k, n), wilson(k0, n0)
            found["difference"] = p1 - p0
            found["difference_low"] = p1 - p0 - sqrt((p1 - l1) ** 2 + (u0 - p0) ** 2)
            found["difference_high"] = p1 - p0 + sqrt((u1 - p1) ** 2 + (p0 - l0) ** 2)
    return found


def margins(kind: str, comparator: str, target: Fraction, k: int, n: float) -> tuple[int | None, int | None]:
    """Further misses it bears, or units without one that bring it back, one after another."""
    is_low, good = comparator == "at_least", GOOD[comparator]
    if kind == "rate" and is_low:
        return None, None

    def share(misses: int, hits: int) -> Fraction:
        events = k + (hits if is_low else misses)
        return Fraction(events) / (exact(n) + (0 if kind == "rate" else misses + hits))

    if good(share(0, 0), target):
        return next((m for m in range(5000) if not good(share(m + 1, 0), target)), None), None
    if kind == "rate":
        return None, None
    return None, next((h for h in range(1, 5000) if good(share(0, h), target)), None)


# Comment labels ---------------------------------------------------------------------------------------

CONVENTIONAL = "praise nitpick suggestion issue todo question thought chore note typo polish quibble".split()
NITS = "nit nits nitpick nitpicks micro-nit micronit style-nit".split()
ACKS = (
    "lgtm sgtm ack utack tack reack re concept looks look good great nice thanks thank you ship shipit it "
    "approved approve approving ok okay to me work job all cool 1 done perfect awesome code review reviewed"
).split()


def label(body: str) -> str:
    start = body.lstrip(" \t\r\n*_").lower()
    first = re.match(r"(?:[^\W_]|-)+", start)
    if first and first[0] in NITS:
        return "nitpick"
    marked = re.match(r"([a-z]+)[\s*_]*(\([^)]*\))?[\s*_]*:", start)
    if marked and marked[1] in CONVENTIONAL:
        return "nitpick" if marked[1] in ("typo", "polish", "quibble") else marked[1]
    if "```suggestion" in body:
        return "suggestion"
    left = body.lower()
    for pattern in (r":[a-z0-9_+-]+:", r"https?://\S+", r"@[\w/.-]+", r"\b[0-9a-f]{7,40}\b"):
        left = re.sub(pattern, " ", left)
    return "ack" if all(word in ACKS for word in re.findall(r"[^\W_]+", left)) else "unlabelled"


# Time -------------------------------------------------------------------------------------------------


Stretch = tuple[str, Sequence[int], datetime | None, datetime | None]
"""Zone, weekdays, from, to."""


def working_seconds(
    stretches: Sequence[Stretch],
    days_off: Collection[date],
    start: datetime,
    end: datetime,
) -> float:
    """Elapsed seconds on working days; the stretches hold one after another."""
    total = 0.0
    for zone, weekdays, since, until in stretches:
        low, high = max(start, since or start), min(end, until or end)
        day = low.astimezone(ZoneInfo(zone)).date() - timedelta(days=1)
        while low < high and day <= high.astimezone(ZoneInfo(zone)).date():
            after = day + timedelta(days=1)
            if day.isoweekday() in weekdays and day not in days_off:
                bounds = max(low, local_midnight(day, zone)), min(high, local_midnight(after, zone))
                total += max(0.0, (bounds[1] - bounds[0]).total_seconds())
            day = after
    return total


def local_midnight(day: date, zone: str) -> datetime:
    """The first instant of a local date, found by looking: half-hours, then seconds."""
    at = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=16)
    for step in (timedelta(minutes=30), timedelta(seconds=1)):
        while at.astimezone(ZoneInfo(zone)).date() < day:
            at += step
        if step > timedelta(seconds=1):
            at -= step
    return at


def month_of(at: datetime, zone: str) -> str:
    return f"{at.astimezone(ZoneInfo(zone)):%Y-%m}"
