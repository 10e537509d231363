"""How many broken copies of the queries the worked examples tell from the right ones.

    python benchmarks/broken_queries.py                      four copies of each metric's query
    python benchmarks/broken_queries.py --each 0 --only si_uptime,rq_overdue_open

A copy is the ``facts.sql`` of a metric with one small thing changed: a comparison that takes in its boundary
or leaves it out, the earliest for the latest, an outer join for an inner one, a condition turned round. It is
caught where one worked example of that metric (tests/golden, tests/metrics/cases) no longer gets its cell.
Every copy that nothing catches is printed with its line: it may be held by another test (tests/trends,
tests/metrics, tests/transforms), or an example that is missing. Those in ``HARMLESS`` give the same cells
whatever the data, for the reason that stands there, and are counted apart.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.broken_copies import Held, asked, try_copies
from metrics_catalog.catalogue import Metric, load_catalogue
from tests.golden.test_metrics import assert_evidence, assert_same
from tests.golden.worked_example import run_case

ROOT = Path(__file__).parents[1]
Case = Mapping[str, Any]
_EVERYBODY = "whoever is named anywhere has a row in core.people"
_HELD = "the format of examples has no end of a stretch: tests/metrics/test_handovers.py"
_NO_SUBJECT = "whoever is not in the roster is no subject, nor in a team"
_ONE_END = "a merge is a close in the same instant"
_ONE_SECOND = "which of two in one instant is named; the figures are the same"
HARMLESS: Mapping[tuple[str, str], str] = {
    ("", "JOIN core.people AS people"): _EVERYBODY,
    ("", "JOIN core.people AS authors"): _EVERYBODY,
    ("", "is_bot, true)"): _EVERYBODY,
    ("", "FROM core.roster) AS roster ON roster.person_id = pulls.author_id"): _NO_SUBJECT,
    ("oc_sleep_nights", "JOIN core.roster AS roster"): _NO_SUBJECT,
    ("", "greatest(pulls.merged_at_utc, pulls.closed_at_utc)"): _ONE_END,
    ("rq_author_turnaround", "max(occurred_at_utc) AS dismissed_at_utc"): "a review is dismissed once",
    ("rq_author_turnaround", "bool_and(previous_state"): "a review is dismissed once",
    ("rq_author_turnaround", "arg_max(reaction,"): _ONE_SECOND,
    ("rq_author_turnaround", "arg_max(reviews.reaction"): _ONE_SECOND,
    (
        "rq_author_turnaround",
        "arg_max(reviews.review_id",
    ): "the unit is of one pull request, whichever names it",
    ("rq_author_turnaround", "< coalesce(reactions.reacted_at_utc"): (
        "examples tell no dismissal with its time; in one second with a reaction neither is first"
    ),
    ("rq_escaped_defects", "coalesce(reverts.not_a_defect, true)"): "the source always says it of a revert",
    ("rq_review_coverage", "merged_at_utc <= coalesce(services.valid_to_utc"): _HELD,
    ("fc_service_familiarity", "coalesce(services.valid_from_utc"): _HELD,
    ("fc_service_familiarity", "coalesce(services.valid_to_utc"): _HELD,
    ("oc_postmortem_on_time", "coalesce(services.valid_from_utc"): _HELD,
    ("oc_postmortem_on_time", "coalesce(services.valid_to_utc"): _HELD,
    ("oc_postmortem_on_time", "arg_max(ref, published_at_utc)"): "an example has one document of an incident",
    ("oc_sleep_nights", "INTERVAL 2 DAY"): "two days more than any night is away from its date",
    ("oc_sleep_nights", "start_utc <= valid_to_utc"): "a night that begins as a zone ends has no time in it",
    ("si_incident_rate", "created_at_utc > scopes.from_utc"): _HELD,
    ("si_repeat_incidents", "created_at_utc > scopes.from_utc"): _HELD,
    ("si_incident_rate", "start_utc <= scopes.to_utc"): "no time is no exposure",
    ("si_incident_rate", "from_utc <= $as_of_utc"): "no time is no exposure",
    ("si_incident_rate", "coalesce(incidents.is_major, true)"): "the source always says it",
    ("si_uptime", "start_utc <= scopes.to_utc"): "no time has no minutes",
    ("si_uptime", "start_utc <= $as_of_utc"): "no time has no minutes",
    ("si_uptime", "months.end_utc >= greatest("): "no time has no minutes",
    ("si_uptime", "months.start_utc <= spans.end_utc"): "no time has no minutes",
    ("rq_escaped_defects", "bool_and(coalesce(defects.link, 'explicit') = 'heuristic')"): (
        "asked only where no link is explicit, so that any is as good as all"
    ),
    ("rq_rating_favourable", "survey.rating <= 3 THEN 'unfavourable'"): "3 is neutral by the line before",
    ("oc_incidents_per_shift", "targets.steps <= 20"): "a stop against circles of merges, which have no end",
    ("si_incident_rate", "end_utc >= start_utc"): "no time is no exposure",
    ("si_incident_rate", "months.end_utc >= greatest("): "no time is no exposure",
    ("si_incident_rate", "months.end_utc > least("): (
        "examples are watched from their first period on; tests/metrics/test_handovers.py"
    ),
    ("si_incident_rate", "created_at_utc <= scopes.to_utc"): _HELD,
    ("si_repeat_incidents", "created_at_utc <= scopes.to_utc"): _HELD,
    ("si_deployment_frequency", "months.start_utc <= scopes.to_utc"): _HELD,
    (
        "si_deployment_frequency",
        "start_utc < $as_of_utc",
    ): "a month that is not over: nothing says which day is last",
    ("oc_sleep_nights", "start_utc > valid_from_utc"): _HELD,
    ("oc_sleep_nights", "max(start_utc) AS start_utc"): _HELD,
    ("oc_sleep_nights", "min(end_utc) AS end_utc"): _HELD,
}
"""By metric and a part of the changed line: why nothing can tell the copy, or what else does."""


def examples() -> dict[str, list[Case]]:
    """The worked examples by metric."""
    found: dict[str, list[Case]] = {}
    for folder in ("tests/golden", "tests/metrics/cases"):
        for path in sorted((ROOT / folder).glob("*.json")):
            document = json.loads(path.read_text("utf-8"))
            if "metric_id" in document:
                found.setdefault(document["metric_id"], []).extend(document["cases"])
    return found


def is_caught(metric: Metric, cases: Sequence[Case], query: str) -> bool:
    """Whether an example of the metric fails with this query, or the query does not even run."""
    for case in cases:
        try:
            cells = run_case(case, replace(metric, facts_sql=query))
            for wanted, found in zip(case["expected"], cells, strict=True):
                for key, value in wanted.items():
                    if key == "evidence":
                        assert_evidence(value, found["evidence"], 1e-6)
                    else:
                        assert_same(value, found[key], 1e-6, key)
        except Exception:
            return True
    return False


def queries() -> Iterator[Held]:
    """Every metric's query with the examples that hold it."""
    known = examples()
    for metric in load_catalogue().values():
        if metric.statistic != "goal":
            yield Held(
                name=metric.id,
                source=metric.facts_sql,
                is_caught=partial(is_caught, metric, known[metric.id]),
                harmless={part: why for (name, part), why in HARMLESS.items() if name in (metric.id, "")},
            )


if __name__ == "__main__":
    try_copies(queries(), asked(__doc__))
