"""A made-up organisation as a published database in memory, row by row.

``Organisation`` collects people, requests for review and merges; ``database()`` writes the tables of
``columns.toml`` and works out the cells the plain way, from the cases, so that a test can be read with a
pencil. ``small()`` is the organisation of the gold files, ``year_of()`` one person's ordinary year.
"""

import json
import random
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import polars as pl

from metrics_catalog.catalogue import load_catalogue
from metrics_catalog.tables import create_statement, table
from transforms.changes.build import build_changes
from transforms.intervals import median_interval, wilson

REPORTING_ZONE = "Europe/Berlin"
METRICS = ("rq_first_response_time", "rq_response_24h", "rq_review_coverage")
"""What the organisation measures: a new metric of the catalogue changes no gold file."""
PERSON_METRICS = ("rq_first_response_time", "rq_response_24h")
COVERAGE = "rq_review_coverage"
LATE_WHYS = ("request_removed_late", "pr_closed_late", "pr_merged_late", "back_to_draft_late", "unanswered")
TABLES = (
    *(
        "core.repositories",
        "core.accounts",
        "core.people",
        "core.roster",
        "core.memberships",
        "core.calendar",
    ),
    *(
        "core.services",
        "core.source_services",
        "core.pull_requests",
        "core.pr_events",
        "core.reviews",
        "core.review_threads",
    ),
    "core.review_requests",
    "core.thread_comments",
    *("core.incidents", "core.tickets", "core.deployments"),
    *("core.first_deployments", "core.deployment_outcomes", "core.incident_causes"),
    *("core.features", "core.feature_changes", "core.measurements", "core.annotations"),
    *("core.goals", "trends.goals", "trends.hiring_groups"),
    *("trends.periods", "trends.period_states", "trends.person_periods"),
    *("ops.publication", "ops.loads", "ops.completeness", "ops.rejected_records", "ops.identity_coverage"),
    *("catalog.metrics",),
)


def utc(text: str) -> datetime:
    """``2026-05-04 09:30`` as a stored instant."""
    return datetime.fromisoformat(text).replace(tzinfo=None)


def month_of(instant: datetime) -> date:
    local = instant.replace(tzinfo=UTC).astimezone(ZoneInfo(REPORTING_ZONE))
    return date(local.year, local.month, 1)


@dataclass(kw_only=True)
class Organisation:
    """Rows by table, and the cases by metric. ``as_of`` is the as-of of the database."""

    as_of: datetime
    persons: bool = True
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: {name: [] for name in TABLES})
    cases: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    segments: dict[str, date] = field(default_factory=dict)
    holes: dict[tuple[str, date], str] = field(default_factory=dict)
    suppressed: set[tuple[str, str]] = field(default_factory=set)
    more_cells: list[dict[str, Any]] = field(default_factory=list)

    def person(
        self,
        person_id: str,
        *,
        name: str | None = None,
        team: str = "core",
        role: str = "engineer",
        level: str = "L4",
        manager: str = "mara",
        since: datetime | None = None,
        until: datetime | None = None,
        login: str | None = None,
        rostered: bool = True,
        bot: bool = False,
    ) -> None:
        """A person with one roster row; ``moved`` adds another."""
        self.rows["core.people"].append(
            {
                "person_id": person_id,
                "name": name or person_id.title(),
                "email": f"{person_id}@example.test" if rostered else None,
                "tz": REPORTING_ZONE,
                "working_days": [1, 2, 3, 4, 5],
                "is_bot": bot,
                "is_rostered": rostered,
            }
        )
        self.rows["core.accounts"].append(
            {
                "account_id": f"github:user/{person_id}",
                "source": "github",
                "login": login or f"{person_id}-gh",
                "kind": "bot" if bot else "user",
                "is_bot": bot,
                "person_id": person_id,
                "is_claimed": rostered,
            }
        )
        if rostered:
            self._in_team(
                person_id, team=team, role=role, level=level, manager=manager, since=since, until=until
            )

    def moved(self, person_id: str, at: datetime, **changes: str) -> None:
        """The person's place changes at that instant; their segment with it."""
        last = [row for row in self.rows["core.roster"] if row["person_id"] == person_id][-1]
        last["valid_to_utc"] = at
        [row for row in self.rows["core.memberships"] if row["person_id"] == person_id][-1]["to_at_utc"] = at
        now = {
            "team": last["team_id"],
            "role": last["role"],
            "level": last["level"],
            "manager": last["manager_id"],
        }
        self._in_team(person_id, since=at, **(now | changes))
        self.segments[person_id] = month_of(at)

    def _in_team(
        self,
        person_id: str,
        *,
        team: str,
        role: str,
        level: str,
        manager: str,
        since: datetime | None,
        until: datetime | None = None,
    ) -> None:
        self.rows["core.roster"].append(
            {
                "person_id": person_id,
                "valid_from_utc": since,
                "valid_to_utc": until,
                "team_id": team,
                "manager_id": manager,
                "role": role,
                "level": level,
                "tz": REPORTING_ZONE,
                "working_days": [1, 2, 3, 4, 5],
                "place": "DE-BE",
            }
        )
        self.rows["core.memberships"].append(
            {"person_id": person_id, "team_id": team, "from_at_utc": since, "to_at_utc": until}
        )

    def away(self, person_id: str, first: str, last: str, kind: str = "absence") -> None:
        """Dates away, both included; ``*`` is everybody."""
        day = date.fromisoformat(first)
        while day <= date.fromisoformat(last):
            self.rows["core.calendar"].append({"person_id": person_id, "date": day, "kind": kind})
            day += timedelta(days=1)

    def pull_request(
        self,
        ref: str,
        *,
        title: str = "Keep the queue short",
        author: str = "ben",
        created: datetime,
        services: Iterable[str] = (),
        url: str | None = None,
    ) -> str:
        """A pull request, once per reference; its id."""
        pr_id = f"github:1/pull/{ref.rpartition('#')[2]}"
        if not any(row["pr_id"] == pr_id for row in self.rows["core.pull_requests"]):
            self.rows["core.pull_requests"].append(
                {
                    "pr_id": pr_id,
                    "ref": ref,
                    "title": title,
                    "source_url": url or _address(ref),
                    "repository_id": "github:1",
                    "author_id": author,
                    "created_at_utc": created,
                    "draft_at_creation": False,
                    "service_ids": sorted(services),
                }
            )
        return pr_id

    def request(
        self,
        person_id: str,
        ref: str,
        asked: datetime,
        *,
        hours: float | None,
        outcome: str,
        why: str,
        title: str = "Keep the queue short",
        opened: datetime | None = None,
        services: Iterable[str] = (),
        url: str | None = None,
        reviewed_before_by: str | None = None,
        remark: str = "",
    ) -> str:
        """A request for review to a person, and what became of it; its case id."""
        pr_id = self.pull_request(ref, title=title, created=opened or asked, services=services, url=url)
        case_id = f"{pr_id}/request/{person_id}/{asked:%Y%m%dT%H%M%S}"
        answered = outcome != "pending" and why in ("answered", "answered_in_draft")
        ended = None if why == "unanswered" else asked + timedelta(hours=hours or 0)
        self.rows["core.review_requests"].append(
            {
                "case_id": case_id,
                "pr_id": pr_id,
                "reviewer_id": person_id,
                "answered_by_id": person_id if answered else None,
                "requested_at_utc": asked,
                "started_at_utc": asked,
                "ended_at_utc": ended,
                "anchor_at_utc": asked,
                "outcome": outcome,
                "why": why,
                "waited_us": round((hours or 0) * 3_600_000_000),
                "is_bot_pr": False,
            }
        )
        self.rows["core.pr_events"].append(
            {
                "event_id": f"{case_id}/event",
                "pr_id": pr_id,
                "type": "review_requested",
                "occurred_at_utc": asked,
                "reviewer_id": person_id,
            }
        )
        if reviewed_before_by:
            self.review(reviewed_before_by, ref, asked - timedelta(minutes=5))
        if answered and ended:
            self.review(person_id, ref, ended, body=remark)
        for metric_id in PERSON_METRICS:
            self.case(
                metric_id,
                ("person", person_id),
                case_id=case_id,
                ref=ref,
                anchor=asked,
                outcome=outcome,
                why=why,
                amount=hours,
                url=url,
                contributor=person_id,
            )
        return case_id

    def review(self, person_id: str, ref: str, at: datetime, *, body: str = "") -> None:
        """A submitted review of a pull request that is already there."""
        pr_id = f"github:1/pull/{ref.rpartition('#')[2]}"
        self.rows["core.reviews"].append(
            {
                "review_id": f"{pr_id}/review/{person_id}/{at:%Y%m%dT%H%M%S}",
                "pr_id": pr_id,
                "reviewer_id": person_id,
                "state": "COMMENTED",
                "submitted_at_utc": at,
                "body": body,
            }
        )

    def merge(
        self, ref: str, at: datetime, *, team: str, service: str, covered: bool = True, author: str
    ) -> None:
        """A merged change of a service, approved by somebody else or not."""
        pr_id = self.pull_request(ref, created=at - timedelta(days=1), author=author, services=[service])
        outcome, why = ("covered", "approved") if covered else ("not_covered", "not_approved")
        for subject in (("team", team), ("service", service)):
            self.case(
                COVERAGE,
                subject,
                case_id=f"{pr_id}/merge",
                ref=ref,
                anchor=at,
                outcome=outcome,
                why=why,
                contributor=author,
            )

    def case(
        self,
        metric_id: str,
        subject: tuple[str, str],
        *,
        case_id: str,
        ref: str,
        anchor: datetime,
        outcome: str,
        why: str,
        amount: float | None = None,
        url: str | None = None,
        contributor: str | None = None,
    ) -> None:
        """One row of facts, placed in its month."""
        self.cases.setdefault(metric_id, []).append(
            {
                "subject_kind": subject[0],
                "subject_id": subject[1],
                "case_id": case_id,
                "ref": ref,
                "contributor_id": contributor,
                "source_url": url or _address(ref),
                "anchor_at_utc": anchor,
                "month_start": month_of(anchor),
                "outcome": outcome,
                "why": why,
                "amount": amount,
                "exposure": None,
            }
        )

    def complete(self, first: str, last: str, *, status: str = "complete", reason: str | None = None) -> None:
        """Ledger rows of the one repository for months written 2026-04, both included."""
        for month in _months(first, last):
            self.rows["ops.completeness"].append(
                {
                    "source": "github",
                    "scope": "github:1",
                    "month_start": month,
                    "stored": 10,
                    "expected": 10 if status == "complete" else None,
                    "rejected": 0,
                    "status": status,
                    "reason": reason,
                }
            )

    def database(self) -> duckdb.DuckDBPyConnection:
        """The tables in memory, as the published file has them."""
        connection = duckdb.connect(":memory:")
        connection.execute("SET TimeZone = 'UTC'")
        for schema in ("core", "facts", "trends", "ops", "catalog"):
            connection.execute(f"CREATE SCHEMA {schema}")
        self._tell_itself()
        self._pool_teams()
        self.rows["trends.periods"] = [*self._cells(), *self.more_cells]
        self.rows["trends.period_states"] = list(self._states())
        self.rows["trends.person_periods"] = list(self._person_periods())
        for name in TABLES:
            _fill(connection, name, self.rows[name])
        for metric_id in METRICS:
            _fill(connection, f"facts.{metric_id}", self.cases.get(metric_id, []))
        connection.execute("CREATE VIEW trends.all_periods AS SELECT * FROM trends.periods")
        build_changes(
            connection,
            [load_catalogue()[metric_id] for metric_id in METRICS],
            as_of_utc=self.as_of.replace(tzinfo=UTC),
            reporting_timezone=REPORTING_ZONE,
        )
        return connection

    def _tell_itself(self) -> None:
        self.rows["core.repositories"] = [
            {
                "repository_id": "github:1",
                "name_with_owner": "acme/api",
                "source_url": "https://github.example.test/acme/api",
                "default_branch": "main",
            }
        ]
        self.rows["ops.publication"] = [
            {
                "as_of_utc": self.as_of,
                "reporting_timezone": REPORTING_ZONE,
                "organization": "Acme",
                "code_version": "0.1.0",
                "configuration_hash": "c0ffee" * 10,
                "definitions_hash": "decade" * 10,
                "persons": self.persons,
                "persons_from": date.min if self.persons else None,
            }
        ]
        self.rows["ops.loads"].append(
            {
                "load_id": f"github-{self.as_of:%Y%m%d}",
                "source": "github",
                "known_at_utc": self.as_of,
                "is_backfilled": False,
                "is_complete": True,
                "gaps": [],
            }
        )
        self.rows["catalog.metrics"] = [
            {
                "metric_id": metric.id,
                "case_words": json.dumps(metric.case_words, default=dict),
                **{
                    name: list(value) if isinstance(value := getattr(metric, name), tuple) else value
                    for name in (column.name for column in table("catalog.metrics").columns)
                    if hasattr(metric, name)
                    and name not in ("case_words", "details", "outcomes", "min_effect")
                },
                "min_effect": json.dumps(metric.min_effect),
                "details": json.dumps({name: asdict(detail) for name, detail in metric.details.items()}),
                "outcomes": json.dumps({key: list(value) for key, value in metric.outcomes.items()}),
            }
            for metric in map(load_catalogue().__getitem__, METRICS)
        ]

    def _pool_teams(self) -> None:
        for metric_id in PERSON_METRICS:
            pooled = [
                {**row, "subject_kind": "team", "subject_id": member["team_id"]}
                for row in self.cases.get(metric_id, [])
                for member in self.rows["core.memberships"]
                if member["person_id"] == row["subject_id"]
                and (member["from_at_utc"] is None or member["from_at_utc"] <= row["anchor_at_utc"])
                and (member["to_at_utc"] is None or row["anchor_at_utc"] < member["to_at_utc"])
            ]
            self.cases.setdefault(metric_id, []).extend(pooled)

    def _cells(self) -> Iterable[dict[str, Any]]:
        for metric_id, cases in sorted(self.cases.items()):
            together: dict[tuple[str, str, str, str, date], list[dict[str, Any]]] = {}
            for row in cases:
                month = row["month_start"]
                number = (month.month - 1) // 3
                for grain, period, start in (
                    ("month", f"{month:%Y-%m}", month),
                    ("quarter", f"{month.year}-Q{number + 1}", date(month.year, 3 * number + 1, 1)),
                ):
                    key = (row["subject_kind"], row["subject_id"], grain, period, start)
                    together.setdefault(key, []).append(row)
            before: dict[tuple[str, str], dict[str, Any]] = {}
            for key, rows in sorted(together.items()):
                cell = self._cell(metric_id, key, rows)
                if cell["grain"] == "month":
                    _difference(cell, before.get(key[:2]))
                    before[key[:2]] = cell
                yield cell

    def _states(self) -> Iterable[dict[str, Any]]:
        starts = [row["period_start"] for row in self.rows["trends.periods"]]
        for metric_id in METRICS if starts else ():
            maturity_days = load_catalogue()[metric_id].maturity_days
            for month in _months(f"{min(starts):%Y-%m}", f"{self.as_of:%Y-%m}"):
                number = (month.month - 1) // 3
                for grain, period, start in (
                    ("month", f"{month:%Y-%m}", month),
                    ("quarter", f"{month.year}-Q{number + 1}", date(month.year, 3 * number + 1, 1)),
                ):
                    if grain == "month" or month == start:
                        yield {
                            "metric_id": metric_id,
                            "grain": grain,
                            "period": period,
                            "period_start": start,
                            "state": self._state(start, grain, maturity_days),
                        }

    def _person_periods(self) -> Iterable[dict[str, Any]]:
        people = [row["person_id"] for row in self.rows["core.people"] if row["is_rostered"]]
        known = [row for row in self.rows["trends.period_states"] if row["metric_id"] == METRICS[0]]
        for person_id in people:
            for state in known:
                start, grain = state["period_start"], state["grain"]
                yield {
                    **{name: state[name] for name in ("grain", "period", "period_start")},
                    "person_id": person_id,
                    "segment": self._segment(person_id, start, grain),
                    "hole": self.holes.get((person_id, start)),
                }

    def _segment(self, subject: str, start: date, grain: str) -> int:
        """That of the period's end: the month or quarter of a change belongs to what it changes to."""
        after = _shifted(start, 1 if grain == "month" else 3)
        return int(subject in self.segments and self.segments[subject] < after)

    def _cell(
        self, metric_id: str, key: tuple[str, str, str, str, date], rows: list[dict[str, Any]]
    ) -> dict[str, Any]:
        kind, subject, grain, period, start = key
        metric = load_catalogue()[metric_id]
        counted = [row for row in rows if row["outcome"] in metric.counted]
        n, least = len(counted), metric.n_min_month if grain == "month" else metric.n_min_quarter
        status = "no_activity" if n == 0 else "ok" if n >= least else "insufficient"
        suppressed = (metric_id, subject) in self.suppressed
        people = {row["contributor_id"] for row in counted}
        is_pooled = kind == "team" and metric.team == "pooled"
        withheld = "small_group" if is_pooled and 0 < len(people) < 5 else None
        cell: dict[str, Any] = {
            "metric_id": metric_id,
            "definition_version": metric.definition_version,
            "subject_kind": kind,
            "subject_id": subject,
            "grain": grain,
            "period": period,
            "period_start": start,
            "state": self._state(start, grain, metric.maturity_days),
            "status": "suppressed" if suppressed else status,
            "n": n,
            "n_pending": sum(row["outcome"] in metric.outcomes["pending"] for row in rows),
            "n_excluded": sum(row["outcome"] in metric.outcomes["excluded"] for row in rows),
            "completeness": self._completeness(start, grain),
            "hole": self.holes.get((subject, start)),
            "segment": self._segment(subject, start, grain),
            "n_contributors": len(people),
            "disclosed": not withheld and not suppressed,
            "withheld_reason": withheld,
        }
        if metric.statistic == "share":
            numerator = sum(row["outcome"] in metric.outcomes["numerator"] for row in rows)
            low, high = wilson(numerator, n)
            cell |= {"numerator": numerator, "denominator": n}
            cell |= {"value": numerator / n, "ci_low": low, "ci_high": high} if cell["status"] == "ok" else {}
        else:
            closed = [row["amount"] for row in counted if row["why"] in metric.outcomes["closed_whys"]]
            still = [row["amount"] for row in counted if row["why"] not in metric.outcomes["closed_whys"]]
            median = median_interval(closed, still)
            if cell["status"] == "ok":
                cell |= {"value": median.value, "ci_low": median.ci_low, "ci_high": median.ci_high}
        return cell

    def _state(self, start: date, grain: str, maturity_days: int) -> str:
        last = start
        for _ in range(1 if grain == "month" else 3):
            last = (last + timedelta(days=32)).replace(day=1)
        ends = datetime(last.year, last.month, last.day, tzinfo=ZoneInfo(REPORTING_ZONE)).astimezone(UTC)
        ends = ends.replace(tzinfo=None)
        if self.as_of < ends:
            return "partial"
        return "provisional" if self.as_of < ends + timedelta(days=maturity_days) else "final"

    def _completeness(self, start: date, grain: str) -> str:
        span = 1 if grain == "month" else 3
        months = [_shifted(start, step) for step in range(span)]
        found = {row["status"] for row in self.rows["ops.completeness"] if row["month_start"] in months}
        return "incomplete" if "incomplete" in found else "unknown" if found != {"complete"} else "complete"


def _difference(cell: dict[str, Any], before: dict[str, Any] | None) -> None:
    if cell["status"] != "ok" or cell.get("value") is None:
        cell["delta_reason"] = "current_missing"
    elif cell["state"] == "partial":
        cell["delta_reason"] = "current_partial"
    elif (
        before is None
        or before["status"] != "ok"
        or before.get("value") is None
        or before["period_start"] != _shifted(cell["period_start"], -1)
    ):
        cell["delta_reason"] = "previous_missing"
    elif before["segment"] != cell["segment"]:
        cell["delta_reason"] = "segment_change"
    else:
        cell["delta"] = cell["value"] - before["value"]
        cell["is_delta_provisional"] = cell["state"] == "provisional"


def _fill(connection: duckdb.DuckDBPyConnection, name: str, rows: list[dict[str, Any]]) -> None:
    connection.execute(create_statement(name))
    if rows:
        names = [column.name for column in table(name).columns]
        frame = pl.DataFrame(
            [[row.get(column) for column in names] for row in rows],
            schema=names,
            orient="row",
            infer_schema_length=None,
        )
        connection.register("incoming", frame)
        connection.execute(f"INSERT INTO {name} SELECT * FROM incoming")
        connection.unregister("incoming")


def _months(first: str, last: str) -> list[date]:
    month, months = date.fromisoformat(f"{first}-01"), []
    while month <= date.fromisoformat(f"{last}-01"):
        months.append(month)
        month = _shifted(month, 1)
    return months


def _shifted(month: date, by: int) -> date:
    index = 12 * month.year + month.month - 1 + by
    return date(index // 12, index % 12 + 1, 1)


def _address(ref: str) -> str:
    repository, _, number = ref.rpartition("#")
    return f"https://github.example.test/{repository}/pull/{number}"


def small(as_of: str = "2026-07-20 04:00", **changes: Any) -> Organisation:
    """Ana's quarter by hand: thirteen requests, of which ten count, and a little before."""
    made = Organisation(as_of=utc(as_of), **changes)
    made.person("mara", name="Mara Manager", role="manager", level="M1", manager="")
    made.person("ana", name="Ana Example", since=utc("2025-01-31 23:00"))
    made.person("ben", name="Ben Other")
    made.rows["core.services"] += [
        {"service_id": "checkout", "tier": 1, "team_id": "core", "repository": "acme/api"},
        {"service_id": "wiki", "tier": 3, "team_id": "core", "repository": "acme/api"},
    ]
    met = [("2026-04-07 08:00", 3.0), ("2026-04-21 13:00", 6.5), ("2026-05-05 07:00", 2.0)]
    met += [
        ("2026-05-12 09:00", 20.0),
        ("2026-05-19 09:00", 4.25),
        ("2026-06-02 08:30", 24.0),
        ("2026-06-16 12:00", 1.5),
    ]
    for number, (asked, hours) in enumerate(met, 101):
        made.request(
            "ana",
            f"acme/api#{number}",
            utc(asked),
            hours=hours,
            outcome="met",
            why="answered",
            title=f"Change {number}",
            services=["checkout"] if number in (103, 105) else ["wiki"],
            opened=utc(asked) - timedelta(days=4) if number == 104 else None,
            remark="Could the retry be shorter?" if number == 103 else "",
        )
    made.request(
        "ana", "acme/api#111", utc("2026-05-20 08:00"), hours=131.2, outcome="missed", why="answered"
    )
    made.request(
        "ana", "acme/api#112", utc("2026-05-26 08:00"), hours=55.0, outcome="missed", why="pr_merged_late"
    )
    made.request(
        "ana", "acme/api#113", utc("2026-06-25 08:00"), hours=90.0, outcome="missed", why="unanswered"
    )
    made.request(
        "ana", "acme/api#114", utc("2026-06-09 08:00"), hours=2.0, outcome="excluded", why="pr_merged"
    )
    made.request(
        "ana", "acme/api#115", utc("2026-04-15 08:00"), hours=1.0, outcome="excluded", why="request_removed"
    )
    made.request(
        "ana", "acme/api#116", utc("2026-06-30 15:00"), hours=9.0, outcome="pending", why="unanswered"
    )
    for number, month in enumerate(("2025-09", "2025-11", "2026-01", "2026-03"), 80):
        for step in range(3):
            made.request(
                "ana",
                f"acme/api#{number}{step}",
                utc(f"{month}-1{step} 10:00"),
                hours=5.0 + 10 * step,
                outcome="met" if step < 2 else "missed",
                why="answered",
            )
    made.pull_request("acme/api#120", title="Nobody asked", created=utc("2026-05-11 08:00"))
    made.review("ana", "acme/api#120", utc("2026-05-11 12:00"))
    for month, merged in (("2026-04", 12), ("2026-05", 11), ("2026-06", 10), ("2026-07", 10)):
        for step in range(merged):
            made.merge(
                f"acme/api#{month[-1]}{step:02d}0",
                utc(f"{month}-{step + 6:02d} 12:00"),
                team="core",
                service="checkout",
                covered=step != 4,
                author=("ana", "ben")[step % 2],
            )
    made.away("ana", "2026-04-13", "2026-04-24")
    made.away("ana", "2026-06-05", "2026-06-05")
    made.away("*", "2026-05-01", "2026-05-01", kind="holiday")
    made.complete("2025-07", "2026-05")
    made.complete("2026-06", "2026-06", status="incomplete", reason="two pages were refused")
    return made


def year_of(as_of: str = "2026-07-20 04:00", *, seed: int = 7, people: int = 6) -> Organisation:
    """An ordinary year: ten to fifteen requests a month to each of a team of six; merges of three."""
    chance = random.Random(seed)
    made = Organisation(as_of=utc(as_of))
    made.person("mara", name="Mara Okafor", role="manager", level="M1", manager="")
    names = ["Ana Lindqvist", "Ben Achterberg", "Chi Nwosu", "Dora Petrova", "Emil Sørensen", "Fay Iyer"]
    for name in names[:people]:
        made.person(name.split()[0].lower(), name=name, team="payments", since=utc("2024-09-30 22:00"))
    for name in ("Gus Novak", "Hana Ito", "Ivo Marin"):
        made.person(name.split()[0].lower(), name=name, team="search")
    made.person("zoe", name="Zoë Lang", team="web")
    services = {"checkout": 1, "ledger": 2, "wiki": 3}
    made.rows["core.services"] += [
        {"service_id": name, "tier": tier, "team_id": "payments", "repository": "acme/api"}
        for name, tier in services.items()
    ]
    number = 1000
    for month in _months("2025-06", f"{utc(as_of):%Y-%m}"):
        for person in [row for row in made.rows["core.people"] if row["person_id"] not in ("mara", "zoe")]:
            for _ in range(chance.randint(10, 15)):
                number += 1
                asked = utc(f"{month} 00:00") + timedelta(
                    days=chance.randint(0, 27), hours=chance.randint(7, 16), minutes=chance.randint(0, 59)
                )
                if asked.isoweekday() > 5:
                    asked -= timedelta(days=2)
                if asked > made.as_of:
                    continue
                _happened(
                    made, chance, person["person_id"], number=number, asked=asked, services=list(services)
                )
        for _ in range(30):
            number += 1
            made.merge(
                f"acme/api#{number}",
                min(utc(f"{month:%Y-%m}-{chance.randint(2, 27):02d} 12:00"), made.as_of),
                team="payments",
                service=chance.choice(list(services)),
                covered=chance.random() < 0.93,
                author=chance.choice(["ana", "ben", "chi", "dora", "emil", "fay"]),
            )
    made.away("ana", "2026-04-20", "2026-05-01")
    made.away("ana", "2026-06-15", "2026-06-15")
    made.away("*", "2026-05-01", "2026-05-01", kind="holiday")
    made.away("*", "2026-05-25", "2026-05-25", kind="holiday")
    made.complete("2025-06", "2026-07")
    return made


_TOPICS = (
    *(
        "Retry the capture when the bank times out",
        "Move invoices to the new numbering",
        "Cache exchange rates",
    ),
    *(
        "Drop the second write of the ledger",
        "Speed up the nightly settlement",
        "Explain refused cards to customers",
    ),
    *(
        "Split the refund job",
        "Tidy the currency table",
        "Page only when money is stuck",
        "Round half up in receipts",
    ),
)


def _happened(
    made: Organisation,
    chance: random.Random,
    person_id: str,
    *,
    number: int,
    asked: datetime,
    services: list[str],
) -> None:
    what: Mapping[str, Any]
    drawn, hours = chance.random(), min(chance.lognormvariate(1.7, 1.0), 70.0)
    if (made.as_of - asked) < timedelta(hours=40):
        what = {"hours": 8.0, "outcome": "pending", "why": "unanswered"}
    elif drawn < 0.06:
        what = {"hours": chance.uniform(1, 20), "outcome": "excluded", "why": "pr_merged"}
    elif drawn < 0.09:
        what = {"hours": chance.uniform(30, 80), "outcome": "missed", "why": chance.choice(LATE_WHYS)}
    else:
        what = {"hours": hours, "outcome": "met" if hours <= 24 else "missed", "why": "answered"}
    waited = chance.random()
    made.request(
        person_id,
        f"acme/api#{number}",
        asked,
        title=chance.choice(_TOPICS),
        services=[chance.choice(services)],
        opened=asked - timedelta(days=5) if waited < 0.1 else asked - timedelta(minutes=30),
        remark="Why not reuse the lock?" if waited > 0.6 else "",
        **what,
    )
