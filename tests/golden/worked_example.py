"""Run one worked example through the real SQL.

Here: the rows of a case into the conformed tables, then the same cut, core, facts and periods as any night.
Not here: what is expected (the JSON files, which are never adjusted to the code).
"""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import duckdb

from metrics_catalog.catalogue import Metric
from metrics_catalog.tables import table
from transforms.core.build import CoreSettings, build_core
from transforms.facts import build_facts, listed_cases
from transforms.local_time import first_instant, next_month, quarter_start
from transforms.periods.build import Limits, build_periods
from transforms.queries import create
from warehouse.connection import connect

Row = dict[str, Any]


def instant(text: str | None) -> datetime | None:
    """A naive UTC instant of a text with any offset."""
    return None if text is None else datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None)


def run_case(case: Mapping[str, Any], metric: Metric) -> list[Row]:
    """The cells of the case's subject for every expected period, with their evidence."""
    with connect() as connection:
        build_case(connection, case, metric)
        return [_cell(connection, metric, case, wanted["period"]) for wanted in case["expected"]]


def build_case(connection: duckdb.DuckDBPyConnection, case: Mapping[str, Any], metric: Metric) -> None:
    """Everything up to ``trends.periods``, in this connection."""
    config = case["config"]
    as_of = datetime.fromisoformat(case["as_of"]).astimezone(UTC)
    zone = config.get("reporting_tz", "UTC")
    rows = conformed_rows(case["inputs"], zone)
    # The rows are the whole world: nothing is missing from the periods asked for, however quiet they begin.
    watched_from = min((first_day(wanted["period"]) for wanted in case["expected"]), default=as_of.date())
    for watched in rows["watched_services"]:
        watched["since_utc"] = first_instant(quarter_start(watched_from), zone).replace(tzinfo=None)
    threshold = config.get("threshold_hours", metric.params.get("threshold_hours", 24))
    window = config.get("window_days", 7) if metric.family == "service_impact" else 7
    settings = CoreSettings(
        as_of_utc=as_of,
        failure_window_days=window if metric.id != "si_prod_bugs_per_sprint" else 7,
        reporting_timezone=zone,
        review_limit_hours=threshold,
        ack_target_minutes=config.get("ack_target_minutes", metric.params.get("ack_target_minutes", 5)),
    )

    def conform(into: duckdb.DuckDBPyConnection, entity: str) -> None:
        names = {column.name for column in table(f"core.{entity}").columns}
        for row in rows.get(entity, []):
            known = {name: value for name, value in row.items() if name in names}
            columns = ", ".join(f'"{name}"' for name in known)
            values = ", ".join(f"${name}" for name in known)
            into.execute(f"INSERT INTO conformed.{entity} ({columns}) VALUES ({values})", known)

    build_core(connection, conform, settings)
    connection.execute("CREATE SCHEMA ops")
    create(connection, "ops.completeness")
    params = {name: config[name] for name in metric.params if name in config}
    build_facts(connection, [metric], as_of_utc=as_of.replace(tzinfo=None), params=params)
    build_periods(
        connection,
        [metric],
        as_of_utc=as_of,
        reporting_timezone=zone,
        limits=Limits(n_min=config.get("n_min"), params=params),
    )


def conformed_rows(inputs: Mapping[str, list[Row]], zone: str) -> dict[str, list[Row]]:
    """The case's tables as rows of the conformed tables: names and types differ, nothing else.

    People whom no table lists still exist: they get a row, so that no constraint of core drops them.
    """
    listed = {row["person_id"]: row for row in inputs.get("people", [])}
    everybody = sorted(_everybody(inputs) | set(listed))
    people = [listed.get(person) or {"person_id": person} for person in everybody]
    roster = [
        {
            "person_id": person["person_id"],
            "tz": person.get("tz") or zone,
            "working_days": person.get("working_days") or [1, 2, 3, 4, 5],
            "team_id": person.get("team_id"),
        }
        for person in people
    ]
    return {
        "people": [
            {
                **known,
                "name": known["person_id"],
                "is_bot": bool(person.get("is_bot")),
                "is_rostered": True,
            }
            for person, known in zip(people, roster, strict=True)
        ],
        "roster": roster,
        "memberships": [
            {
                "person_id": row["person_id"],
                "team_id": row["team_id"],
                "from_at_utc": instant(row.get("from_at")),
                "to_at_utc": instant(row.get("to_at")),
            }
            for row in [*inputs.get("memberships", []), *(row for row in roster if row["team_id"])]
        ],
        "calendar": [{**row, "date": date.fromisoformat(row["date"])} for row in inputs.get("calendar", [])],
        "services": [
            {
                "service_id": row["service_id"],
                "tier": row.get("tier"),
                "team_id": row.get("team_id"),
                "valid_from_utc": instant(row.get("live_from")),
            }
            for row in inputs.get("services", [])
        ],
        "pull_requests": [
            {
                **row,
                "ref": row["pr_id"],
                "created_at_utc": instant(row.get("created_at")),
                "merged_at_utc": instant(row.get("merged_at")),
                "closed_at_utc": instant(row.get("closed_at")),
                "first_commit_at_utc": instant(row.get("first_commit_at")),
                "draft_at_creation": bool(row.get("draft_at_creation")),
                "merged_to_default_branch": True,
                "service_ids": row.get("service_ids") or [],
                "not_a_defect": bool(row.get("not_a_defect")),
            }
            for row in inputs.get("pull_requests", [])
        ],
        "pr_events": [
            {**row, "event_id": str(number), "occurred_at_utc": instant(row.get("occurred_at"))}
            for number, row in enumerate(inputs.get("pr_events", []))
        ],
        "reviews": [
            {**row, "submitted_at_utc": instant(row.get("submitted_at"))} for row in inputs.get("reviews", [])
        ],
        "review_threads": [{**row, "ref": row["thread_id"]} for row in inputs.get("review_threads", [])],
        "thread_comments": [
            {**row, "ref": row["comment_id"], "occurred_at_utc": instant(row.get("occurred_at"))}
            for row in inputs.get("thread_comments", [])
        ],
        "deployments": [
            {**row, "finished_at_utc": instant(row.get("finished_at"))}
            for row in inputs.get("deployments", [])
        ],
        "defects": [
            {"link": "explicit", **row, "reported_at_utc": instant(row.get("reported_at"))}
            for row in inputs.get("defects", [])
        ],
        "watched_services": [{"service_id": row["service_id"]} for row in inputs.get("services", [])],
        "incident_causes": [
            {**row, "answered_at_utc": instant(row.get("answered_at"))}
            for row in inputs.get("incident_causes", [])
        ],
        "incidents": [
            {
                **row,
                "ref": row["incident_id"],
                **{
                    f"{name}_utc": instant(row.get(name))
                    for name in ("created_at", "resolved_at", "impact_start_at", "impact_end_at")
                },
            }
            for row in inputs.get("incidents", [])
        ],
        "incident_log": [
            {
                **row,
                "entry_id": str(number),
                "occurred_at_utc": instant(row.get("occurred_at")),
                "until_utc": instant(row.get("until")),
            }
            for number, row in enumerate(inputs.get("incident_log", []))
        ],
        "oncall_shifts": [
            {**row, "start_at_utc": instant(row.get("start_at")), "end_at_utc": instant(row.get("end_at"))}
            for row in inputs.get("oncall_shifts", [])
        ],
        "postmortems": [
            {**row, "published_at_utc": instant(row.get("published_at"))}
            for row in inputs.get("postmortems", [])
        ],
        "maintenance_windows": [
            {**row, "start_at_utc": instant(row.get("start_at")), "end_at_utc": instant(row.get("end_at"))}
            for row in inputs.get("maintenance_windows", [])
        ],
        "followups": [
            {
                **row,
                "ref": row["ticket_id"],
                "created_at_utc": instant(row.get("created_at")),
                "due_date": date.fromisoformat(row["due_date"]) if row.get("due_date") else None,
                "resolved_at_utc": instant(row.get("resolved_at")),
            }
            for row in inputs.get("followups", [])
        ],
        "sprints": [
            {
                **row,
                "ref": row["sprint_id"],
                "start_at_utc": instant(row.get("start_at")),
                "end_at_utc": instant(row.get("end_at")),
            }
            for row in inputs.get("sprints", [])
        ],
        "features": [
            {**row, "released_at_utc": instant(row.get("released_at")), "title": row["feature_id"]}
            for row in inputs.get("features", [])
        ],
        "feature_documents": [
            {**row, "edited_at_utc": instant(row.get("edited_at"))}
            for row in inputs.get("feature_documents", [])
        ],
        "feature_eligibility": [
            {**row, "eligible_from_utc": instant(row.get("eligible_from"))}
            for row in inputs.get("feature_eligibility", [])
        ],
    } | {
        name: [{**row, "occurred_at_utc": instant(row.get("occurred_at"))} for row in inputs.get(name, [])]
        for name in ("reactions", "survey_ratings", "account_activity", "feature_use")
    }


def _everybody(inputs: Mapping[str, list[Row]]) -> set[str]:
    names = (
        *("person_id", "author_id", "reviewer_id", "starter_id", "rater_id", "user_id", "to_user_id"),
        "assignee_id",
    )
    values = (row.get(name) for rows in inputs.values() for row in rows for name in names)
    return {value for value in values if value is not None} - {"*"}


def _cell(connection: duckdb.DuckDBPyConnection, metric: Metric, case: Mapping[str, Any], period: str) -> Row:
    """The cell as the specification words it; a period without any case is a no_activity cell."""
    grain, subject = "quarter" if "Q" in period else "month", case["subject"]
    parameters = {"kind": subject["type"], "id": subject["id"], "period": period}
    found = (
        connection.sql(
            "SELECT * FROM trends.periods "
            "WHERE subject_kind = $kind AND subject_id = $id AND period = $period",
            params=parameters,
        )
        .pl()
        .to_dicts()
    )
    begins = first_day(period)
    evidence = (
        connection.sql(
            f"SELECT ref, outcome, why, amount FROM ({listed_cases(metric)}) WHERE subject_kind = $kind "
            "AND subject_id = $id AND month_start >= $first AND month_start < $after ORDER BY ALL",
            params={
                "kind": subject["type"],
                "id": subject["id"],
                "first": begins,
                "after": first_day(period, after=True),
            },
        )
        .pl()
        .to_dicts()
    )
    unit = metric.amount_unit or "hours"
    rows = [{**row, unit: row["amount"]} for row in evidence]
    if not found:
        states = connection.execute(
            "SELECT state FROM trends.period_states WHERE period = $period", {"period": period}
        ).fetchall()
        state = states[0][0] if states else _state(case, metric, period)
        counts = dict(_EMPTY.get(metric.statistic, {}))
        derived = [
            name
            for name, detail in metric.details.items()
            if detail.counted_over or detail.value_with or detail.value_without
        ]
        counts |= {name: 0 for name in metric.details if name not in derived}
        empty = dict.fromkeys(("value", "ci_low", "ci_high", "value_at_least", "coverage", *derived))
        return {
            **empty,
            **counts,
            "period": period,
            "grain": grain,
            "status": "no_activity",
            "state": state,
            "n": 0,
            "n_pending": 0,
            "evidence": rows,
        }
    (cell,) = found
    details = json.loads(cell.pop("details") or "{}")
    return {**cell, **details, "evidence": rows}


def _state(case: Mapping[str, Any], metric: Metric, period: str) -> str:
    """The state of a period that is before every case, and so in no table."""
    as_of = datetime.fromisoformat(case["as_of"]).astimezone(UTC)
    end = first_instant(first_day(period, after=True), case["config"].get("reporting_tz", "UTC"))
    if as_of < end:
        return "partial"
    return "provisional" if as_of < end + timedelta(days=metric.maturity_days) else "final"


_EMPTY: Mapping[str, Row] = {
    "share": {"numerator": 0, "denominator": 0},
    "rate": {"numerator": 0, "exposure": 0},
    "median": {"n_open": 0},
    "minutes": {"down_minutes": 0, "total_minutes": 0},
    "sum": {"sum_without_union": None},
}
"""The counts of a cell without any case."""


def first_day(period: str, *, after: bool = False) -> date:
    """The first day of a month or quarter, or of the one after it."""
    year, _, rest = period.partition("-")
    month, length = (3 * int(rest[1]) - 2, 3) if rest.startswith("Q") else (int(rest), 1)
    first = date(int(year), month, 1)
    return next_month(first, length) if after else first
