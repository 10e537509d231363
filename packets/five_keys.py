"""The five keys of delivery of each service, by quarter, with both bounds and what nobody explained.

Here: the cells of the services' quarters in words, for leadership, and how many of the urgent incidents are
tied to a change. A service is to be read against its own past: services come by name.
Not here: persons, who have none of these figures; verdicts and monthly series (trend_page).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import duckdb

from packets.catalogue import Metric
from packets.published import Publication, Row, read
from packets.words import counted, detail_texts, interval_text, plain, value_text, worded
from transforms.ladder import two_digits

FIVE_KEYS: Mapping[str, str] = {
    "si_deployment_frequency": "Deployment frequency",
    "si_change_lead_time": "Lead time for changes",
    "si_change_fail_rate": "Change fail rate",
    "si_recovery_time": "Failed deployment recovery time",
    "si_rework_rate": "Deployment rework rate",
}
QUARTERS_SHOWN = 3

_CELLS = """
SELECT metric_id, subject_id, period, state, status, n, n_pending, n_excluded, numerator, denominator,
    exposure, value, ci_low, ci_high, completeness, hole, disclosed, withheld_reason, details
FROM trends.all_periods
WHERE grain = 'quarter' AND subject_kind = 'service'
    AND list_contains(CAST($metrics AS VARCHAR[]), metric_id)
    AND list_contains(CAST($quarters AS VARCHAR[]), period)
ORDER BY subject_id, metric_id, period
"""
# Urgent incidents of a service, by what is known of their cause.
_INCIDENTS = """
WITH linked AS (
    SELECT
        incident_id,
        bool_or(source IN ('explicit', 'confirmed') OR coalesce(answer = 'yes', false)) AS is_tied,
        bool_or(source = 'heuristic' AND coalesce(answer, 'unknown') = 'unknown') AS is_suspected,
        bool_or(coalesce(answer = 'not_a_change', false)) AS is_no_change
    FROM core.incident_causes
    GROUP BY incident_id
)

SELECT
    incidents.service_id,
    incidents.created_at_utc,
    CASE
        WHEN linked.is_tied THEN 'tied'
        WHEN linked.is_suspected THEN 'suspected'
        WHEN linked.is_no_change THEN 'no_change'
        ELSE 'unattributed'
    END AS cause
FROM core.incidents AS incidents
LEFT JOIN linked ON linked.incident_id = incidents.incident_id
WHERE incidents.urgency = 'high' AND incidents.merged_into IS NULL AND incidents.service_id IS NOT NULL
ORDER BY incidents.service_id, incidents.created_at_utc, incidents.incident_id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyCell:
    """One key in one quarter. ``told`` is the value, or why there is none; the rest stands below it."""

    quarter: str
    told: str
    beside: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One key of a service over the quarters."""

    title: str
    metric_id: str
    cells: tuple[KeyCell, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceKeys:
    """A service with its five keys, and what its urgent incidents are put down to."""

    service: str
    keys: tuple[Key, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FiveKeys:
    """All services, or in words why there is nothing to show. Newest quarter first."""

    quarters: tuple[str, ...]
    services: tuple[ServiceKeys, ...]
    nothing: str
    gaps: tuple[str, ...]


def five_keys(
    connection: duckdb.DuckDBPyConnection, published: Publication, known: Mapping[str, Metric]
) -> FiveKeys:
    """The quarter of the as-of and those before it."""
    metrics = [known[name] for name in FIVE_KEYS if name in known]
    gaps = tuple(f"{FIVE_KEYS[m.metric_id]}: {m.source_gap}." for m in metrics if m.source_gap)
    measured = [metric for metric in metrics if not metric.source_gap]
    quarters = _quarters(published)
    cells = read(connection, _CELLS, {"metrics": [m.metric_id for m in measured], "quarters": list(quarters)})
    by_service: dict[str, dict[tuple[str, str], Row]] = {}
    for row in cells:
        by_service.setdefault(row["subject_id"], {})[row["metric_id"], row["period"]] = row
    causes = _causes(connection, published)
    return FiveKeys(
        quarters=quarters,
        services=tuple(
            ServiceKeys(
                service=plain(service),
                keys=(
                    *(_key(metric, of_service, quarters) for metric in measured),
                    Key(
                        title="Urgent incidents without a known cause",
                        metric_id="",
                        cells=tuple(_unattributed(causes.get((service, q), []), q) for q in quarters),
                    ),
                ),
            )
            for service, of_service in sorted(
                by_service.items(), key=lambda item: (item[0].casefold(), item[0])
            )
        ),
        nothing="" if by_service or gaps else "No service has a production deployment in these quarters.",
        gaps=gaps,
    )


def _key(metric: Metric, of_service: Mapping[tuple[str, str], Row], quarters: Sequence[str]) -> Key:
    return Key(
        title=FIVE_KEYS[metric.metric_id],
        metric_id=metric.metric_id,
        cells=tuple(_cell(metric, of_service.get((metric.metric_id, q)), q) for q in quarters),
    )


def _quarters(published: Publication) -> tuple[str, ...]:
    today = published.local(published.as_of_utc).date()
    place = 4 * today.year + (today.month - 1) // 3
    return tuple(f"{each // 4}-Q{each % 4 + 1}" for each in range(place, place - QUARTERS_SHOWN, -1))


def _quarter_of(day: date) -> str:
    return f"{day.year}-Q{(day.month - 1) // 3 + 1}"


def _causes(
    connection: duckdb.DuckDBPyConnection, published: Publication
) -> dict[tuple[str, str], list[str]]:
    found: dict[tuple[str, str], list[str]] = {}
    for row in read(connection, _INCIDENTS):
        quarter = _quarter_of(published.local(row["created_at_utc"]).date())
        found.setdefault((row["service_id"], quarter), []).append(row["cause"])
    return found


def _cell(metric: Metric, row: Row | None, quarter: str) -> KeyCell:
    """Predicates: each line is printed only of what the cell holds; a withheld cell has its reason alone."""
    if row is None:
        return KeyCell(quarter=quarter, told=worded("statuses", "no_activity"), beside=())
    if not row["disclosed"]:
        reason = row["withheld_reason"]
        return KeyCell(quarter=quarter, told=worded("withheld", reason) or "withheld", beside=())
    beside = [_sample(metric, row)]
    if row["status"] == "ok" and row["value"] is not None:
        told = value_text(row["value"], metric.unit)
        if row["ci_low"] is not None:
            beside.append(f"95% {interval_text(row['ci_low'], row['ci_high'], metric.unit)}")
    elif row["status"] == "insufficient":
        told = f"too few: {metric.n_min_quarter} are needed"
    else:
        told = worded("statuses", row["status"]) if row["status"] != "ok" else "open"
    if row["status"] != "no_activity":
        beside += [text for text in detail_texts(metric, row) if not text.startswith("0 ")]
    beside += ["so far"] if row["state"] != "final" else []
    if row["hole"]:
        beside.append(worded("holes", row["hole"]))
    if row["completeness"] not in ("complete", None):
        beside.append(f"sources {worded('completeness', row['completeness'])}")
    return KeyCell(quarter=quarter, told=told, beside=tuple(each for each in beside if each))


def _sample(metric: Metric, row: Row) -> str:
    if row["status"] == "no_activity":
        return ""
    if row["denominator"] is not None:
        return f"{row['numerator']} of {row['denominator']}"
    if row["exposure"] is not None:
        return f"{row['numerator']} in {two_digits(row['exposure'])} {metric.words.exposure or 'units'}"
    return counted(int(row["n"] or 0), "case")


def _unattributed(causes: list[str], quarter: str) -> KeyCell:
    """Predicate: there was an urgent incident; each count is printed where it is not zero."""
    if not causes:
        return KeyCell(quarter=quarter, told="no urgent incident", beside=())
    words = {
        "tied": "tied to a change",
        "suspected": "suspected by time alone",
        "no_change": "said to be no change",
    }
    beside = [f"{causes.count(name)} {text}" for name, text in words.items() if name in causes]
    return KeyCell(
        quarter=quarter, told=f"{causes.count('unattributed')} of {len(causes)}", beside=tuple(beside)
    )
