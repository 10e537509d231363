"""How many metrics say something, and what each of the others would need.

Here: the words for it, from a published database. Not here: the rest of what is tried (``doctor``).
"""

from collections.abc import Iterator

import duckdb

from packets.words import counted, listed, plain

_METRICS = """
SELECT
    metrics.metric_id,
    metrics.source_gap,
    metrics.sources,
    EXISTS (
        FROM trends.periods AS cells
        WHERE cells.metric_id = metrics.metric_id AND (cells.n > 0 OR cells.status = 'ok')
    ) OR metrics.statistic = 'goal' AND EXISTS (FROM trends.goals) AS has_data,
    EXISTS (FROM trends.periods AS cells WHERE cells.metric_id = metrics.metric_id) AS has_cells
FROM catalog.metrics AS metrics
ORDER BY metrics.metric_id
"""
HOW_TO: dict[str, str] = {
    "deployments": "deployments: GitHub deployments of a production environment, or a file of deployments",
    "feature_eligibility": "[features] file with an eligible counter (docs/features.md)",
    "feature_use": "[features] file with a used counter (docs/features.md)",
    "features": "[features] file (docs/features.md)",
    "defects": "[sources.jira]: bugs found in production, by label, field or affected version",
    "tickets": "[sources.jira]",
    "incidents": "[sources.pagerduty], or a file of incidents",
    "incidents.cause_key": "a file of incidents with cause_key (docs/incident-tables.md)",
    "incident_log": "[sources.pagerduty]",
    "oncall_shifts": "[sources.pagerduty] with its schedules",
    "postmortems": "post-mortem documents linked from incidents, or tickets marked as post-mortems",
    "followups": "[sources.jira]: tickets marked as incident follow-ups, or hanging below a post-mortem",
    "sprints": "[sources.jira] with sprints",
    "reactions": "reactions of authors to reviews",
    "survey_ratings": "[survey] file",
    "goals": "[goals] file",
}
"""What gives an entity that a metric needs, in words of the configuration."""


def metric_findings(connection: duckdb.DuckDBPyConnection) -> Iterator[tuple[bool, str]]:
    """Whether any metric has data, with how many do; then a line for each that has none. Nothing of this is
    wrong by itself: a metric without its source says nothing, and never 0."""
    rows = connection.execute(_METRICS).fetchall()
    with_data = sum(has_data for *_, has_data, _ in rows)
    yield with_data > 0, f"Metrics: {with_data} of {len(rows)} have data."
    for metric_id, gap, sources, has_data, has_cells in rows:
        if not has_data:
            yield True, f"  {metric_id}: {_needed(metric_id, gap, sources, has_cells=has_cells)}."


_DEPLOYED = """
SELECT environment, count(*) AS n
FROM core.deployments
WHERE status = 'success' AND environment <> 'told by the table of deployments'
GROUP BY environment
ORDER BY n DESC, environment
"""
_SILENT = """
SELECT DISTINCT services.service_id
FROM core.services AS services
WHERE services.tier IN (1, 2)
    AND services.valid_to_utc IS NULL
    AND NOT EXISTS (
        FROM core.production_deployments AS deployed
        WHERE deployed.subject_kind = 'service' AND deployed.subject_id = services.service_id
    )
ORDER BY services.service_id
"""


def deployment_findings(connection: duckdb.DuckDBPyConnection) -> Iterator[tuple[bool, str]]:
    """Environments that count nowhere, and key services that nothing is known to have been deployed to."""
    environments = dict(connection.execute(_DEPLOYED).fetchall())
    in_production = environments.pop("production", 0)
    others = listed([f"{plain(name)} ({n:,})" for name, n in environments.items()], at_most=6)
    if environments:
        yield (
            in_production > 0,
            f"Deployments: {in_production:,} reached production. Those to {others} count nowhere; what "
            "reaches users of them belongs into [sources.github] deployment_environments.",
        )
    silent = [service for (service,) in connection.execute(_SILENT).fetchall()]
    if silent and in_production:
        services = f"{counted(len(silent), 'key service')} ({listed(silent, at_most=6)})"
        yield (
            True,
            f"Deployments: none is known of {services}: nothing is said of how changes hold there. Is the "
            "repository in services.csv, or a label missing?",
        )


def _needed(metric_id: str, gap: str | None, sources: list[str], *, has_cells: bool) -> str:
    from metrics_catalog.catalogue import load_catalogue

    metric = load_catalogue().get(metric_id)
    if gap is not None:
        inputs = metric.inputs if metric is not None else ()
        ways = [HOW_TO[name] for needed in inputs for name in needed.any_of if name in HOW_TO]
        return f"{gap}. It needs {'; '.join(dict.fromkeys(ways))}" if ways else gap
    if metric is not None and metric.statistic == "goal":
        return f"no goal is stored yet. It needs {HOW_TO['goals']}"
    if has_cells:
        return "only cases that are left out or still open so far"
    return f"its sources are connected ({', '.join(sources)}); no case has come yet"
