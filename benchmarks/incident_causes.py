"""How well causes of incidents are told, on a made-up organisation whose every cause is known.

Here: the organisation with its labels, the real attribution and metric on it, the rule of other tools beside.
Not here: the attribution itself (``transforms/core/all_sources``).

Run: ``python -m benchmarks.incident_causes [--seeds 20]``. What is assumed stands in ``World`` and is
printed; the attribution sees deployments, pull requests, incidents and notes, never the labels.
"""

import argparse
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import duckdb
import polars as pl

from metrics_catalog.catalogue import load_catalogue
from metrics_catalog.tables import table
from transforms.causes import load_settled, suspects, take_in, unexplained
from transforms.core.build import CoreSettings, build_core
from transforms.facts import build_facts
from transforms.periods.build import Limits, build_periods
from transforms.queries import create, insert, sql
from warehouse.connection import connect

Row = dict[str, Any]
FIRST, DAYS = datetime(2026, 1, 1), 120  # noqa: DTZ001 (tables hold UTC without zone)
AS_OF = datetime(2026, 6, 15, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What is assumed of the organisation."""

    services: int = 12
    deployments_a_week: float = 7.0
    changes_a_deployment: float = 1.6
    bad_deployments: float = 0.08
    minutes_to_incident: float = 18.0
    """Median of a log-normal with sigma 0.7: nine of ten begin within 45 minutes."""
    incidents_of_no_change_a_week: float = 0.8
    revert_instead_of_fix: float = 0.35
    note_names_cause: float = 0.35
    note_names_fix: float = 0.25
    note_names_something_else: float = 0.02
    owners_answer: float = 0.85
    owners_are_right: float = 0.97
    """A wrong answer says no to what did it, or yes to what did not; of an incident that nothing explains it
    names the deployment before it."""
    owners_name_what_is_not_suspected: bool = True
    """They look at the incidents that nothing explains as well."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    seeds = parser.parse_args().seeds
    found = [one(World(), seed) for seed in range(seeds)]
    rows = [("named", "named by notes and reverts", found)]
    for right in (1.0, 0.995, 0.99, 0.97):
        world = World(owners_are_right=right)
        told = found if world == World() else [one(world, seed) for seed in range(seeds)]
        rows.append(("after", f"after one pass of the queue, {1 - right:.1%} of answers wrong", told))
    only = World(owners_name_what_is_not_suspected=False)
    told = [one(only, seed) for seed in range(seeds)]
    rows.append(("after", f"the same, suspicions alone, {1 - only.owners_are_right:.1%} wrong", told))
    rows.append(("last", "the last deployment before it", found))
    for name, value in asdict(World()).items():
        print(f"  {name.replace('_', ' ')}: {value}")
    caused = _sum(found, "caused")
    print(f"{seeds} organisations, {_sum(found, 'incidents')} incidents, {caused} by a deployment")
    print("| | precision | recall | settled | truth within bounds | below | above |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for name, words, told in rows:
        linked, right_ = _sum(told, f"{name}_linked"), _sum(told, f"{name}_right")
        settled = _sum(told, f"{name}_settled") / _sum(told, "open_or_named") if name != "last" else None
        cells = _sum(told, f"{name}_cells")
        below, above = _sum(told, f"{name}_below") / cells, _sum(told, f"{name}_above") / cells
        print(
            f"| {words} | {right_ / linked:.1%} | {right_ / _sum(told, 'caused'):.1%} "
            f"| {'' if settled is None else f'{settled:.1%}'} | {1 - below - above:.1%} "
            f"| {below:.1%} | {above:.1%} |"
        )


def _sum(found: list[dict[str, int]], name: str) -> int:
    return sum(one[name] for one in found)


def one(world: World, seed: int) -> dict[str, int]:
    """One organisation: attributed before and after one pass of the queue, and by the last deployment."""
    random = Random(seed)
    tables, truth = made_up(world, random)
    first = attributed(tables, [])
    entries = answered(world, random, first, truth)
    second = attributed(tables, entries + take_in(entries, AS_OF))
    result = {"incidents": len(tables["incidents"]), "caused": len(truth)}
    result["open_or_named"] = len(first["links"]) + len(first["suspects"])
    suspected = {row["incident_id"] for row in first["suspects"]}
    for name, state in (("named", first), ("after", second)):
        result |= _judged(name, state["links"], state["cells"], tables, truth)
        said = suspected & {entry["incident_id"] for entry in entries} if name == "after" else set()
        result[f"{name}_settled"] = len({*first["links"], *said})
    result |= _judged("last", _last(tables), None, tables, truth)
    return result


def answered(world: World, random: Random, first: dict[str, Any], truth: Mapping[str, str]) -> list[Row]:
    """What the owners say in one pass of the queue."""
    entries: list[Row] = []
    asked = [*first["suspects"], *(first["unexplained"] if world.owners_name_what_is_not_suspected else [])]
    for row in asked:
        if random.random() >= world.owners_answer:
            continue
        incident, suspect, cause = row["incident_id"], row.get("deployment_id"), truth.get(row["incident_id"])
        other = None
        if random.random() >= world.owners_are_right:
            if suspect is None:
                answer, other = ("other_change", row["last"]) if cause is None else ("not_a_change", None)
            else:
                answer = "not_a_change" if cause == suspect else "yes"
        elif cause is None:
            answer = "not_a_change"
        else:
            answer, other = ("yes", None) if cause == suspect else ("other_change", cause)
        entries.append({"incident_id": incident, "deployment_id": suspect, "answer": answer, "other": other})
    return entries


def made_up(world: World, random: Random) -> tuple[dict[str, list[Row]], dict[str, str]]:
    """The tables, and the labels: incident to the deployment that caused it; no change caused the others."""
    tables: dict[str, list[Row]] = {
        name: [] for name in ("services", "deployments", "pull_requests", "incidents", "incident_references")
    }
    truth: dict[str, str] = {}
    for place in range(world.services):
        service = f"s{place}"
        tables["services"].append({"service_id": service, "tier": 1, "team_id": f"t{place % 4}"})
        at, waiting = FIRST, []  # type: tuple[datetime, list[str]]
        while True:
            at += timedelta(hours=random.expovariate(world.deployments_a_week / (7 * 24)))
            if at > FIRST + timedelta(days=DAYS):
                break
            changes = [*waiting, _pull(tables, service, at - timedelta(hours=1))]
            while random.random() < 1 - 1 / world.changes_a_deployment:
                changes.append(_pull(tables, service, at - timedelta(hours=2)))
            deployment, waiting = _deploy(tables, service, at, changes), []
            if random.random() < world.bad_deployments:
                began = at + timedelta(minutes=world.minutes_to_incident * random.lognormvariate(0, 0.7))
                incident = _incident(tables, service, began)
                truth[incident] = deployment
                waiting += _aftermath(
                    world,
                    random,
                    tables,
                    incident=incident,
                    began=began,
                    service=service,
                    changes=changes,
                )
        for _ in range(round(world.incidents_of_no_change_a_week * DAYS / 7)):
            began = FIRST + timedelta(minutes=random.randrange(DAYS * 24 * 60))
            incident = _incident(tables, service, began)
            if random.random() < world.note_names_something_else:
                earlier = [row for row in tables["pull_requests"] if row["merged_at_utc"] < began]
                if earlier:
                    _note(tables, incident, random.choice(earlier[-40:])["ref"], began)
    return tables, truth


def _aftermath(
    world: World,
    random: Random,
    tables: dict[str, list[Row]],
    *,
    incident: str,
    began: datetime,
    service: str,
    changes: list[str],
) -> list[str]:
    """What people do and write after an incident: the changes that the next deployment carries besides."""
    bad = random.choice(changes)
    reverts = bad if random.random() < world.revert_instead_of_fix else None
    fix = _pull(tables, service, began + timedelta(minutes=25), reverts=reverts)
    if random.random() < world.note_names_cause:
        _note(tables, incident, bad, began)
    elif random.random() < world.note_names_fix:
        _note(tables, incident, fix, began)
    return [fix]


def _pull(tables: dict[str, list[Row]], service: str, at: datetime, reverts: str | None = None) -> str:
    ref = f"acme/{service}#{len(tables['pull_requests'])}"
    tables["pull_requests"].append(
        {
            "pr_id": ref,
            "ref": ref,
            "created_at_utc": at - timedelta(days=1),
            "merged_at_utc": at,
            "closed_at_utc": at,
            "merged_to_default_branch": True,
            "service_ids": [service],
            "reverts_pr_id": reverts,
        }
    )
    return ref


def _deploy(tables: dict[str, list[Row]], service: str, at: datetime, changes: list[str]) -> str:
    key = f"d{len(tables['deployments'])}"
    tables["deployments"].append(
        {
            "deployment_id": key,
            "service_ids": [service],
            "environment": "production",
            "status": "success",
            "finished_at_utc": at,
            "kind": "normal",
            "pr_ids": list(changes),
        }
    )
    return key


def _incident(tables: dict[str, list[Row]], service: str, at: datetime) -> str:
    key = f"i{len(tables['incidents'])}"
    tables["incidents"].append(
        {
            "incident_id": key,
            "ref": key,
            "service_id": service,
            "urgency": "high",
            "is_major": False,
            "created_at_utc": at,
            "resolved_at_utc": at + timedelta(hours=1),
        }
    )
    return key


def _note(tables: dict[str, list[Row]], incident: str, ref: str, at: datetime) -> None:
    tables["incident_references"].append(
        {
            "incident_id": incident,
            "kind": "pull_request",
            "ref": ref,
            "noted_at_utc": at + timedelta(hours=2),
        }
    )


def attributed(tables: Mapping[str, list[Row]], entries: list[Row]) -> dict[str, Any]:
    """The real attribution and the real si_change_fail_rate: links, open suspicions, quarterly cells."""
    metric = load_catalogue()["si_change_fail_rate"]
    settings = CoreSettings(as_of_utc=AS_OF, reporting_timezone="UTC")

    def conform(into: duckdb.DuckDBPyConnection, entity: str) -> None:
        if entity == "incident_causes":
            select = sql("core/all_sources/incident_causes.sql")
            insert(into, f"conformed.{entity}", select, settings.parameters())
        elif tables.get(entity):
            known = [column.name for column in table(f"core.{entity}").columns]
            frame = pl.DataFrame(tables[entity], infer_schema_length=None)
            into.register("rows_in", frame.select([name for name in frame.columns if name in known]))
            insert(into, f"conformed.{entity}", "SELECT * FROM rows_in")
            into.unregister("rows_in")

    with connect() as connection:
        load_settled(connection, entries, AS_OF)
        build_core(connection, conform, settings)
        connection.execute("CREATE SCHEMA ops")
        create(connection, "ops.completeness")
        build_facts(connection, [metric], as_of_utc=AS_OF.replace(tzinfo=None))
        build_periods(connection, [metric], as_of_utc=AS_OF, reporting_timezone="UTC", limits=Limits(n_min=1))
        links = connection.execute(
            "SELECT incident_id, deployment_id FROM core.incident_causes "
            "WHERE source IN ('explicit', 'confirmed') OR answer = 'yes'"
        ).fetchall()
        cells = connection.execute(
            "SELECT subject_id, period, value, (details->>'value_if_all_suspects')::DOUBLE, n "
            "FROM trends.periods WHERE subject_kind = 'service' AND grain = 'month'"
        ).fetchall()
        open_ = [row for row in suspects(connection) if row["answer"] is None]
        last = _last(tables)
        silent = [{**row, "last": last[row["incident_id"]]} for row in unexplained(connection)]
    return {"links": dict(links), "suspects": open_, "unexplained": silent, "cells": cells}


def _last(tables: Mapping[str, list[Row]]) -> dict[str, str]:
    """What other tools do: the last deployment of the service before the incident, however old."""
    links = {}
    for incident in tables["incidents"]:
        before = [
            (row["finished_at_utc"], row["deployment_id"])
            for row in tables["deployments"]
            if incident["service_id"] in row["service_ids"]
            and row["finished_at_utc"] <= incident["created_at_utc"]
        ]
        if before:
            links[incident["incident_id"]] = max(before)[1]
    return links


def _judged(
    name: str,
    links: Mapping[str, str],
    cells: list[tuple[Any, ...]] | None,
    tables: Mapping[str, list[Row]],
    truth: Mapping[str, str],
) -> dict[str, int]:
    bad = set(truth.values())
    blamed = set(links.values())
    months: dict[tuple[str, str], list[str]] = {}
    for row in tables["deployments"]:
        month = f"{row['finished_at_utc']:%Y-%m}"
        months.setdefault((row["service_ids"][0], month), []).append(row["deployment_id"])
    true_share = {key: sum(one in bad for one in ids) / len(ids) for key, ids in months.items()}
    if cells is None:
        bounds = {key: (sum(one in blamed for one in ids) / len(ids),) * 2 for key, ids in months.items()}
    else:
        bounds = {(service, period): (low, high) for service, period, low, high, _ in cells}
    known = {key: pair for key, pair in bounds.items() if key in true_share}
    right = sum(truth.get(incident) == deployment for incident, deployment in links.items())
    return {
        f"{name}_linked": len(links),
        f"{name}_right": right,
        f"{name}_cells": len(known),
        f"{name}_below": sum(true_share[key] < low - 1e-9 for key, (low, _) in known.items()),
        f"{name}_above": sum(true_share[key] > high + 1e-9 for key, (_, high) in known.items()),
    }


if __name__ == "__main__":
    main()
