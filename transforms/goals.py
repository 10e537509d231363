"""Agreed goals, checked as they were written (metrics specification 3.4, ``fc_goal_check``).

Here: the state and verdict of one goal from its cases, its feasibility, ``trends.goals``, and the sentences.
Not here: which wording of a goal counts (``core/goals``), what a case is (facts).

Cases whose anchor lies in ``[first day, day after the last)`` are pooled, never averaged. Before the end
there are counts and a margin and no verdict; looking again and again would turn chance into one.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

import duckdb
import numpy as np
from scipy import special

from metrics_catalog.catalogue import Metric
from transforms.changes.wording import apart, value_form
from transforms.disclosure.decide import DOMINANCE_LIMIT, MINIMUM_GROUP
from transforms.intervals import Real, Whole, Z, poisson_rate, wilson, wilson_limits
from transforms.ladder import percent, two_digits
from transforms.queries import create

Kind = Literal["share", "rate"]
Comparator = Literal["at_least", "at_most", "less_than"]
State = Literal["not_started", "so_far", "maturing", "final"]
COMPARATORS: tuple[Comparator, ...] = ("at_least", "at_most", "less_than")
DEFAULT_MINIMUM = 10
_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What was agreed. ``target`` in the metric's unit; ``n_min`` cases, of rates exposure."""

    kind: Kind
    comparator: Comparator
    target: float
    n_min: float
    expected_n: float | None = None
    baseline: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pooled:
    """The cases of a goal: how many are in the numerator, out of how many; of rates out of how much."""

    numerator: int
    n: float
    n_pending: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """Where a goal stands. Fields as in the specification's worked examples."""

    state: State
    status: str
    certainty: str | None
    n: float
    n_pending: int
    numerator: int
    value: float | None
    ci_low: float | None
    ci_high: float | None
    margin_misses: int | None
    hits_needed: int | None
    n_for_clear: float | None
    can_be_clear: bool | None
    baseline_value: float | None
    difference: float | None
    difference_low: float | None
    difference_high: float | None


def check_goal(terms: Terms, pooled: Pooled, state: State) -> Check:
    """The goal at that state. A verdict only when it is final and there are enough cases."""
    k, n = pooled.numerator, pooled.n
    has_value = n > 0 and n + _TOLERANCE >= terms.n_min
    value = k / n if has_value else None
    low, high = _interval(terms.kind, k, n) if has_value else (None, None)
    status, certainty = str(state if state == "not_started" else "so_far"), None
    margin = hits = None
    if state == "final":
        status, certainty = _verdict(terms, value, low, high)
    elif state != "not_started" and n > 0:  # of no case nothing is met or missed yet
        margin, hits = _margin(terms, k, n)
    baseline = _baseline(terms)
    difference: tuple[float | None, float | None, float | None] = (None, None, None)
    if state == "final" and value is not None and baseline is not None and terms.kind == "share":
        difference = _difference(k, round(n), *terms.baseline)  # type: ignore[misc]
    needed = n_for_clear(terms)
    return Check(
        state=state,
        status=status,
        certainty=certainty,
        n=n,
        n_pending=pooled.n_pending,
        numerator=k,
        value=value,
        ci_low=low,
        ci_high=high,
        margin_misses=margin,
        hits_needed=hits,
        n_for_clear=needed,
        can_be_clear=None
        if terms.expected_n is None
        else needed is not None and terms.expected_n + _TOLERANCE >= needed,
        baseline_value=baseline,
        difference=difference[0],
        difference_low=difference[1],
        difference_high=difference[2],
    )


def state_of(start: datetime, end: datetime, final_at: datetime, as_of: datetime) -> State:
    """How far a goal has come; ``end`` is the first instant after its last day."""
    if as_of < start:
        return "not_started"
    if as_of < end:
        return "so_far"
    return "maturing" if as_of < final_at else "final"


def n_for_clear(terms: Terms) -> float | None:
    """Cases (of rates exposure) from which a perfect record lies clearly on the good side; None: never."""
    t = terms.target
    if terms.kind == "rate":
        return -math.log(0.025) / t if terms.comparator != "at_least" and t > 0 else None
    if terms.comparator == "at_least":
        return _ceil(Z * Z * t / (1 - t)) if t < 1 else None
    return _ceil(Z * Z * (1 - t) / t) if t > 0 else None


def n_for_clear_miss(terms: Terms) -> float | None:
    """Cases from which the worst record lies clearly on the other side; None for rates: it has no end."""
    t = terms.target
    if terms.kind == "rate":
        return None
    if terms.comparator == "at_least":
        return _ceil(Z * Z * (1 - t) / t) if t > 0 else None
    return _ceil(Z * Z * t / (1 - t)) if t < 1 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Chances:
    """How a goal would end, by chance alone: clearly met or missed, with too few cases, or else unclear."""

    met: float
    missed: float
    too_few: float


def chances(terms: Terms, true_value: float, expected: float) -> Chances:
    """How often a stretch ends which way if every case has ``true_value``, the others left alone.

    Exact, nothing is drawn. Of shares ``expected`` is the mean of a Poisson number of cases; of rates it is
    the exposure, which is known beforehand, and the events are Poisson. Cases are taken as independent.
    """
    if terms.kind == "rate":
        if expected <= 0 or expected + _TOLERANCE < terms.n_min:
            return Chances(met=0.0, missed=0.0, too_few=1.0)
        events = np.arange(_most(true_value * expected))
        return Chances(
            **_clear_shares(terms, events, expected, _poisson(events, true_value * expected)), too_few=0.0
        )
    met = missed = too_few = 0.0
    numbers = np.arange(max(0, int(expected - _SPREAD * math.sqrt(expected))), _most(expected))
    weights = _poisson(numbers, expected)
    if expected > _MANY:
        numbers, weights = np.array([round(expected)]), np.ones(1)
    for n, weight in zip(numbers.tolist(), weights.tolist(), strict=True):
        if n == 0 or n + _TOLERANCE < terms.n_min:
            too_few += weight
            continue
        hits = np.arange(n + 1)
        found = _clear_shares(terms, hits, n, _binomial(hits, n, true_value))
        met, missed = met + weight * found["met"], missed + weight * found["missed"]
    return Chances(met=met, missed=missed, too_few=too_few)


def true_value_for(terms: Terms, expected: float, wanted: float) -> float | None:
    """The true value nearest to the target from which a goal is clearly met in ``wanted`` of such stretches.

    To a hundredth, of rates of the target. None where not even a perfect record would do, and for rates that
    are to be at least something: of those no record is perfect.
    """
    if terms.kind == "rate" and terms.comparator == "at_least":
        return None
    unit = 1.0 if terms.kind == "share" else terms.target
    is_up = terms.comparator == "at_least"
    far = 100 if is_up else 0
    near = round(100 * terms.target / unit) if unit else 0
    if chances(terms, far / 100 * unit, expected).met < wanted:
        return None
    while abs(far - near) > 1:
        middle = (near + far) // 2
        near, far = (
            (near, middle) if chances(terms, middle / 100 * unit, expected).met >= wanted else (middle, far)
        )
    return far / 100 * unit


_SPREAD = 6.0
"""Standard deviations of a Poisson number behind which nothing is summed."""
_MANY = 500
"""Above so many cases it makes no difference that their number is not fixed."""


def _most(mean: float) -> int:
    return int(mean + _SPREAD * math.sqrt(mean)) + 20


def _poisson(counts: Whole, mean: float) -> Real:
    logarithm = special.xlogy(counts, mean) - mean - special.gammaln(counts + 1.0)
    return np.exp(np.asarray(logarithm, dtype=np.float64))


def _binomial(hits: Whole, n: int, share: float) -> Real:
    ways = special.gammaln(n + 1.0) - special.gammaln(hits + 1.0) - special.gammaln(n - hits + 1.0)
    logarithm = ways + special.xlogy(hits, share) + special.xlog1py(n - hits, -share)
    return np.exp(np.asarray(logarithm, dtype=np.float64))


def _clear_shares(terms: Terms, counts: Whole, n: float, weights: Real) -> dict[str, float]:
    """The weight of the counts that end clearly met, and clearly missed; as :func:`_verdict` says of each."""
    if terms.kind == "share":
        low, high = wilson_limits(counts, np.full(counts.shape, round(n)))
    else:
        ends = [poisson_rate(k, n)[1:] for k in counts.tolist()]
        low, high = np.array([end[0] for end in ends]), np.array([end[1] for end in ends])
    is_met = np.asarray(_meets(terms, counts / n))
    near_end = np.where(is_met == (terms.comparator == "at_least"), low, high)
    is_clear = np.asarray(_meets(terms, near_end)) == is_met
    return {
        "met": float(weights[is_met & is_clear].sum()),
        "missed": float(weights[~is_met & is_clear].sum()),
    }


def _interval(kind: Kind, k: int, n: float) -> tuple[float | None, float | None]:
    return wilson(k, round(n)) if kind == "share" else poisson_rate(k, n)[1:]


def _meets(terms: Terms, value: Any) -> Any:
    """Whether a value, or each of an array, is on the good side of the target."""
    if terms.comparator == "at_least":
        return value >= terms.target - _TOLERANCE
    if terms.comparator == "at_most":
        return value <= terms.target + _TOLERANCE
    return value < terms.target - _TOLERANCE


def _verdict(
    terms: Terms, value: float | None, low: float | None, high: float | None
) -> tuple[str, str | None]:
    if value is None or low is None or high is None:
        return "not_enough_data", None
    is_met = _meets(terms, value)
    near_end = low if (terms.comparator == "at_least") == is_met else high
    return ("met" if is_met else "not_met"), (
        "clear" if _meets(terms, near_end) == is_met else "could_be_chance"
    )


def _margin(terms: Terms, k: int, n: float) -> tuple[int | None, int | None]:
    """Further misses it can bear; if it is below, the cases without a miss that bring it back."""
    if terms.comparator == "at_least":
        return _margin_below(terms, k, n) if terms.kind == "share" else (None, None)
    t = terms.target
    each = 1.0 if terms.kind == "rate" else 1 - t  # what one more event takes of the room that is left
    if each <= 0:  # a target of 100%: only "less than" can be missed, by a record of nothing but events
        return None, 1 if terms.comparator == "less_than" and k >= n else None
    room = (t * n - k) / each
    margin = _floor(room) if terms.comparator == "at_most" else _ceil(room) - 1
    if margin >= 0:
        return margin, None
    if terms.kind == "rate" or t <= 0:
        return None, None
    back = k / t - n
    return None, _ceil(back) if terms.comparator == "at_most" else _floor(back) + 1


def _margin_below(terms: Terms, k: int, n: float) -> tuple[int | None, int | None]:
    """Of a share that is to be at least the target."""
    t = terms.target
    margin = _floor(k / t - n) if t > 0 else None
    if margin is None or margin >= 0:
        return margin, None
    return None, _ceil((t * n - k) / (1 - t)) if t < 1 else None


def _baseline(terms: Terms) -> float | None:
    """Of an earlier stretch; below the goal's minimum it says nothing."""
    if terms.baseline is None or terms.baseline[1] <= 0 or terms.baseline[1] < terms.n_min:
        return None
    return terms.baseline[0] / terms.baseline[1]


def _difference(k: int, n: int, before_k: float, before_n: float) -> tuple[float, float, float]:
    """Newcombe's hybrid score interval (method 10) of two shares."""
    p1, p0 = k / n, before_k / before_n
    (l1, u1), (l0, u0) = wilson(k, n), wilson(round(before_k), round(before_n))
    assert l1 is not None
    assert u1 is not None
    assert l0 is not None
    assert u0 is not None
    d = p1 - p0
    return d, d - math.hypot(p1 - l1, u0 - p0), d + math.hypot(u1 - p1, p0 - l0)


def _ceil(value: float) -> int:
    return math.ceil(value - _TOLERANCE)


def _floor(value: float) -> int:
    return math.floor(value + _TOLERANCE)


# ---------------------------------------------------------------------------------- sentences


def goal_words(terms: Terms, unit: str) -> str:
    """at least 90%, at most 2 per sprint. A target is what was agreed, never rounded."""
    return f"{terms.comparator.replace('_', ' ')} {_target_words(terms, unit)}"


def _target_words(terms: Terms, unit: str) -> str:
    return f"{terms.target * 100:.9g}%" if terms.kind == "share" else f"{terms.target:.9g} {unit}"


def _value_words(terms: Terms, value: float, unit: str) -> str:
    """The value; with more digits where it would read like the target and is not the target."""
    form = value_form("share") if terms.kind == "share" else value_form(unit)
    return apart([value, terms.target], form)[0] if abs(value - terms.target) > _TOLERANCE else form(value, 0)


def amount_words(terms: Terms, amount: float) -> str:
    """A number of cases, whole; of rates exposure with two digits."""
    return f"{amount:.9g}" if terms.kind == "share" else two_digits(amount)


def feasibility(terms: Terms, unit: str) -> str | None:
    """Printed when a goal is stored. Predicate: fewer cases are expected than a clear record takes."""
    needed = n_for_clear(terms)
    if terms.expected_n is None or (needed is not None and terms.expected_n + _TOLERANCE >= needed):
        return None
    if terms.kind == "rate" and terms.comparator == "at_least":
        return None  # there is no perfect record of a rate: enough events lie above any target
    side = "above" if terms.comparator == "at_least" else "below"
    what = "cases" if terms.kind == "share" else "units of exposure"
    takes = f"that would take {amount_words(terms, needed)}" if needed is not None else "no number would do"
    return (
        f"At about {amount_words(terms, terms.expected_n)} {what} the interval can never be clearly {side} "
        f"{_target_words(terms, unit)}; {takes}."
    )


def sentence(terms: Terms, check: Check, case: str, unit: str) -> str:
    """What is said of the goal now, true of its figures."""
    goal = goal_words(terms, unit)
    n = two_digits(check.n) if terms.kind == "rate" else str(round(check.n))
    counts = f"{check.numerator} of {n}" if terms.kind == "share" else f"{check.numerator} in {n}"
    if check.state == "not_started":
        return f"Not begun; the goal is {goal}."
    if check.status == "not_enough_data":
        needed = amount_words(terms, terms.n_min)
        return f"{counts}; too few cases for a verdict ({needed} are needed). The goal was {goal}."
    if check.state != "final" and check.n == 0:
        return f"So far no case; the goal is {goal}."
    if check.state != "final":
        return f"So far {counts}; the goal is {goal}.{_room(terms, check)}"
    assert check.value is not None
    assert check.ci_low is not None
    shown = _value_words(terms, check.value, unit)
    low, high = (
        (percent(end) if terms.kind == "share" else two_digits(end)) if end is not None else "open"
        for end in (check.ci_low, check.ci_high)
    )
    what = f"{n} cases" if terms.kind == "share" else f"an exposure of {n}"
    return (
        f"{counts} ({shown}) {case}; the goal was {goal}. On these numbers it is "
        f"{'met' if check.status == 'met' else 'not met'}. "
        f"With {what} the true {terms.kind} could be anywhere from {low} to {high}."
    )


def _room(terms: Terms, check: Check) -> str:
    """How many misses it can bear, or what would bring it back."""
    is_low = terms.comparator == "at_least"
    miss = "miss" if is_low else "case"
    side = "below" if is_low else "above"
    if check.margin_misses is not None and check.margin_misses >= 1:
        several = miss if check.margin_misses == 1 else "misses" if is_low else "cases"
        return f" {check.margin_misses} more {several} would still meet it."
    if check.margin_misses == 0:
        return f" The next {miss} would bring it {side}."
    if check.hits_needed is not None:
        return f" {check.hits_needed} in a row without a {miss} would bring it back."
    if terms.kind == "share" and terms.target in (0.0, 1.0):
        return " It cannot be met any more."
    return f" It is {side} the goal."


# -------------------------------------------------------------------------------- trends.goals

_POOLED = """
SELECT
    count(*) FILTER (WHERE list_contains($numerator, outcome)) AS numerator,
    count(*) FILTER (WHERE list_contains($denominator, outcome)) AS n,
    count(*) FILTER (WHERE list_contains($pending, outcome)) AS n_pending,
    coalesce(sum(round(exposure * 1000000000)::HUGEINT), 0)::DOUBLE / 1000000000 AS exposure
FROM facts.{metric_id}
WHERE subject_kind = $kind AND subject_id = $id AND anchor_at_utc >= $start AND anchor_at_utc < $end
"""


def pooled_cases(
    connection: duckdb.DuckDBPyConnection,
    metric: Metric,
    *,
    owner: tuple[str, str],
    start: datetime,
    end: datetime,
) -> Pooled:
    """The owner's cases of a metric with their anchor in ``[start, end)``. Naive UTC instants."""
    words = {name: list(metric.outcomes.get(name, ())) for name in ("numerator", "denominator", "pending")}
    ((numerator, n, pending, exposure),) = connection.execute(
        _POOLED.format(metric_id=metric.id),
        {**words, "kind": owner[0], "id": owner[1], "start": start, "end": end},
    ).fetchall()
    return Pooled(numerator=numerator, n=exposure if metric.statistic == "rate" else n, n_pending=pending)


def terms_of(row: Mapping[str, Any], metric: Metric) -> Terms:
    """The terms of a row of ``core.goals``; what it leaves open is the metric's."""
    minimum = row["n_min"] if row["n_min"] is not None else (metric.n_min_quarter or DEFAULT_MINIMUM)
    baseline = (row["baseline_numerator"], row["baseline_denominator"])
    return Terms(
        kind="rate" if metric.statistic == "rate" else "share",
        comparator=row["comparator"],
        target=row["target"],
        n_min=minimum,
        expected_n=row["expected_n"],
        baseline=baseline if None not in baseline else None,
    )


def build_goals(
    connection: duckdb.DuckDBPyConnection, catalogue: Mapping[str, Metric], as_of_utc: datetime
) -> None:
    """Create and fill ``trends.goals``: every goal with a metric, as it stands. ``as_of_utc`` is naive."""
    create(connection, "trends.goals")
    goals = (
        connection.sql("SELECT * FROM core.goals WHERE metric_id IS NOT NULL ORDER BY goal_id")
        .pl()
        .to_dicts()
    )
    for goal in goals:
        metric = catalogue.get(goal["metric_id"])
        if metric is None or metric.statistic not in ("share", "rate"):
            continue
        terms = terms_of(goal, metric)
        found = check_goal(
            terms,
            pooled_cases(
                connection,
                metric,
                owner=(goal["owner_kind"], goal["owner_id"]),
                start=goal["start_utc"],
                end=goal["end_utc"],
            ),
            _state(connection, goal, metric, as_of_utc),
        )
        case = str(metric.case_words.get("case", "cases"))
        contributors, withheld = _group_rule(connection, metric, goal)
        row = asdict(found) | {
            "goal_id": goal["goal_id"],
            "n_contributors": contributors,
            "withheld_reason": withheld,
            "sentence": sentence(terms, found, case, metric.unit),
            "feasibility": feasibility(terms, metric.unit),
        }
        columns = ", ".join(f'"{name}"' for name in row)
        values = ", ".join(f"${name}" for name in row)
        connection.execute(f"INSERT INTO trends.goals ({columns}) VALUES ({values})", row)


_CONTRIBUTIONS = """
SELECT count(*) AS contributors, coalesce(max(cases), 0) AS largest, coalesce(sum(cases), 0) AS cases
FROM (
    SELECT contributor_id, count(*) AS cases
    FROM facts.{metric_id}
    WHERE subject_kind = 'team' AND subject_id = $team AND anchor_at_utc >= $start AND anchor_at_utc < $end
        AND list_contains($counted, outcome)
    GROUP BY contributor_id
)
"""


def _group_rule(
    connection: duckdb.DuckDBPyConnection, metric: Metric, goal: Mapping[str, Any]
) -> tuple[int | None, str | None]:
    """How many people are behind a team's figure, and why it may not be shown (metrics specification 1.4)."""
    if goal["owner_kind"] != "team" or not metric.is_from_people:
        return None, None
    ((contributors, largest, cases),) = connection.execute(
        _CONTRIBUTIONS.format(metric_id=metric.id),
        {
            "team": goal["owner_id"],
            "start": goal["start_utc"],
            "end": goal["end_utc"],
            "counted": list({*metric.counted, *metric.outcomes.get("numerator", ())}),
        },
    ).fetchall()
    if cases and contributors < MINIMUM_GROUP:
        return contributors, "small_group"
    return contributors, "dominance" if largest > DOMINANCE_LIMIT * cases else None


def _state(
    connection: duckdb.DuckDBPyConnection, goal: Mapping[str, Any], metric: Metric, as_of_utc: datetime
) -> State:
    ((final_at,),) = connection.execute(
        "SELECT $end::TIMESTAMP + to_hours(24 * $days)",
        {"end": goal["end_utc"], "days": metric.maturity_days},
    ).fetchall()
    return state_of(goal["start_utc"], goal["end_utc"], final_at, as_of_utc)
