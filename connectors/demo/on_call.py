"""On-call of the made-up organisation, answered as PagerDuty answers.

Here: a weekly rota for each team with swaps, incidents of each service and what became of them, and the lists
that a client asks for, as of a moment.
Not here: reading them (``connectors.pagerduty``), which is the real client's work.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from connectors.demo.organization import Organization
from connectors.demo.people import Person
from connectors.demo.services import Service
from connectors.pagerduty.transport import Answer, Json, Parameters

WEB_ADDRESS = "https://acme.pagerduty.example"
MEAN_DAYS_BETWEEN = 4.5
TITLES = ("p99 latency is high", "error rate above 2%", "queue grows", "disk fills up", "health check fails")
PRIORITIES = (("P1", 8), ("P2", 4), ("P3", 2))
_ZONE = ZoneInfo("Europe/Berlin")
_WEEK = timedelta(weeks=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """Somebody on a team's rota; a swap lies over the week of somebody else."""

    team: str
    person: Person
    start_utc: datetime
    end_utc: datetime


@dataclass(slots=True, kw_only=True)
class DemoPagerDuty:
    """Answers for the made-up account at ``now_utc``: nothing later has happened."""

    organization: Organization
    now_utc: datetime
    _lists: dict[str, list[Json]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        rota = list(shifts_of(self.organization))
        incidents, log = happened(self.organization, rota, self.now_utc)
        self._lists = {
            "/users": [_user(person) for person in self.organization.people if person.accounts],
            "/services": [_service(name, team) for name, team in _newest_services(self.organization)],
            "/priorities": [{"id": name, "name": name, "order": order} for name, order in PRIORITIES],
            "/oncalls": [],
            "/incidents": incidents,
            "/log_entries": log,
            "/v3/schedules": [],
            "/schedules": [
                _schedule(team.slug, [shift for shift in rota if shift.team == team.slug])
                for team in self.organization.teams
            ],
        }

    def get(self, path: str, parameters: Parameters) -> Answer:
        found = [row for row in self._lists[path] if _is_asked_for(row, parameters)]
        limit, offset = int(str(parameters.get("limit", 25))), int(str(parameters.get("offset", 0)))
        body: Json = {
            path.rpartition("/")[2]: found[offset : offset + limit],
            "more": offset + limit < len(found),
            "total": len(found),
        }
        return Answer(body=body, served_at_utc=self.now_utc)


def shifts_of(organization: Organization) -> Iterator[Shift]:
    """Weeks from Monday to Monday, 9:00 in Berlin, in turn; every seventh night somebody takes over."""
    monday = organization.history.first_day - timedelta(days=organization.history.first_day.weekday())
    number = 0
    while monday <= organization.history.last_day:
        start, end = (
            datetime.combine(day, time(9), _ZONE).astimezone(UTC) for day in (monday, monday + _WEEK)
        )
        for team in organization.teams:
            members = [
                person
                for person in organization.people
                if person.accounts
                and (stint := person.stint_on(monday)) is not None
                and stint.team == team.slug
            ]
            if not members:
                continue
            holder = members[number % len(members)]
            other = members[(number + 1) % len(members)]
            swap = start + timedelta(days=number % 7, hours=9)
            if number % 3 == 0 and other is not holder:
                parts = [
                    (holder, start, swap),
                    (other, swap, swap + timedelta(hours=14)),
                    (holder, swap + timedelta(hours=14), end),
                ]
            else:
                parts = [(holder, start, end)]
            for person, begins, ends in parts:
                if begins < ends:
                    yield Shift(team=team.slug, person=person, start_utc=begins, end_utc=ends)
        monday, number = monday + _WEEK, number + 1


def happened(
    organization: Organization, rota: Sequence[Shift], now_utc: datetime
) -> tuple[list[Json], list[Json]]:
    """Incidents by creation and the log, newest first, as PagerDuty lists them."""
    incidents: list[Json] = []
    log: list[Json] = []
    for row in organization.services:
        rnd = Random(f"on-call {organization.seed} {row.service} {row.team}")
        first = max(row.valid_from, organization.history.first_day)
        at = datetime.combine(first, time(0), UTC)
        until = (
            now_utc if row.valid_to is None else min(now_utc, datetime.combine(row.valid_to, time(0), UTC))
        )
        number = 0
        while True:
            at += timedelta(days=rnd.expovariate(1 / MEAN_DAYS_BETWEEN))
            if at >= until:
                break
            number += 1
            at = at.replace(microsecond=0)
            held = [shift for shift in rota if shift.team == row.team]
            incident, entries = _incident(rnd, row, number, at, held)
            entries = [entry for entry in entries if datetime.fromisoformat(entry["created_at"]) <= now_utc]
            shown = _as_of(incident, entries)
            incidents.append(shown)
            log += [{**entry, "incident": shown} for entry in entries]
    incidents.sort(key=lambda one: (one["created_at"], one["id"]))
    for place, one in enumerate(incidents, start=4001):
        one["incident_number"] = place
    log.sort(key=lambda one: (one["created_at"], one["id"]), reverse=True)
    return incidents, log


def _incident(
    rnd: Random, row: Service, number: int, at: datetime, held: Sequence[Shift]
) -> tuple[Json, list[Json]]:
    """One incident and everything that ever happens to it."""
    shown_id = f"Q{row.service}-{row.team}-{number:04d}".upper().replace("_", "-")
    is_low = rnd.random() < 0.2
    is_noise, is_late = rnd.random() < 0.3, rnd.random() < 0.15
    priority = rnd.choice(PRIORITIES)[0] if rnd.random() < 0.4 else None
    incident: Json = {
        "id": shown_id.replace("-", ""),
        "type": "incident",
        "title": f"{row.service}: {rnd.choice(TITLES)}",
        "html_url": f"{WEB_ADDRESS}/incidents/{shown_id.replace('-', '')}",
        "created_at": _written(at),
        "urgency": "low" if is_low else "high",
        "service": {"id": row.service.upper(), "type": "service_reference"},
        "priority": None if priority is None else {"id": priority, "name": priority},
        "resolve_reason": None,
    }
    entries: list[Json] = []

    def entry(kind: str, when: datetime, **more: Any) -> None:
        entries.append(
            {
                "id": f"{incident['id']}E{len(entries)}",
                "type": f"{kind}_log_entry",
                "created_at": _written(when.replace(microsecond=0)),
                "agent": {"id": row.service.upper(), "type": "service_reference"},
                "channel": {"type": "auto"},
                **more,
            }
        )

    def call(person: Person, when: datetime, kinds: Sequence[str]) -> None:
        for place, kind in enumerate(kinds):
            notification = {"type": f"{kind}_notification"}
            entry(
                "notify",
                when + timedelta(seconds=4 + 70 * place),
                user=_reference(person),
                channel={"type": "auto", "notification": notification},
            )

    people = [shift.person for shift in held if shift.start_utc <= at < shift.end_utc]
    entry("trigger", at)
    if not people:
        entry("resolve", at + timedelta(minutes=7))
        return incident, entries
    holder = people[-1]
    others = sorted({shift.person.person: shift.person for shift in held}.items())
    second = next((person for name, person in others if name != holder.person), holder)
    entry("assign", at, assignees=[_reference(holder)])
    call(holder, at, ("email",) if is_low else ("push", "phone"))
    if is_noise and rnd.random() < 0.6:
        entry("resolve", at + timedelta(minutes=rnd.uniform(1, 4)))
        return incident, entries
    answered, who = at + timedelta(minutes=rnd.expovariate(1 / 2.2) + 0.4), holder
    if is_late and not is_low and second is not holder:
        entry(
            "escalate",
            at + timedelta(minutes=10),
            assignees=[_reference(second)],
            channel={"type": "timeout"},
        )
        call(second, at + timedelta(minutes=10), ("phone",))
        answered, who = at + timedelta(minutes=11 + rnd.random() * 3), second
    by_hand: Json = {"agent": _reference(who), "channel": {"type": "mobile"}}
    entry("acknowledge", answered, **by_hand)
    if is_noise:
        note = {"type": "note", "summary": "False alarm."}
        entry("annotate", answered + timedelta(minutes=2), agent=_reference(who), channel=note)
    ended = answered + timedelta(minutes=rnd.expovariate(1 / 45) + 3)
    if rnd.random() < 0.1:
        again = {"type": "unacknowledge", "at": _written(answered + timedelta(hours=2))}
        entry("snooze", answered + timedelta(minutes=2), changed_actions=[again], **by_hand)
        ended += timedelta(hours=2)
    if priority in ("P1", "P2") and rnd.random() < 0.8:
        note = {"type": "note", "summary": f"{WEB_ADDRESS}/postmortems/{shown_id}"}
        entry("annotate", ended + timedelta(days=rnd.uniform(1, 9)), agent=_reference(who), channel=note)
    entry("resolve", ended, **by_hand)
    return incident, sorted(entries, key=lambda one: str(one["created_at"]))


def _as_of(incident: Json, entries: Sequence[Json]) -> Json:
    """The incident after these entries."""
    kinds = {entry["type"]: entry["created_at"] for entry in entries}
    resolved = kinds.get("resolve_log_entry")
    status = "acknowledged" if "acknowledge_log_entry" in kinds else "triggered"
    return {**incident, "status": "resolved" if resolved else status, "resolved_at": resolved}


def _schedule(team: str, rota: Sequence[Shift]) -> Json:
    return {
        "id": f"S{team.upper()}",
        "type": "schedule",
        "name": f"{team} on call",
        "time_zone": _ZONE.key,
        "final_schedule": {
            "rendered_schedule_entries": [
                {
                    "start": _written(shift.start_utc),
                    "end": _written(shift.end_utc),
                    "user": _reference(shift.person),
                }
                for shift in rota
            ]
        },
    }


def _newest_services(organization: Organization) -> list[tuple[str, str]]:
    newest = {row.service: row.team for row in sorted(organization.services, key=lambda row: row.valid_from)}
    return sorted(newest.items())


def _service(name: str, team: str) -> Json:
    schedule = {"id": f"S{team.upper()}", "type": "schedule_reference"}
    return {
        "id": name.upper(),
        "type": "service",
        "name": name,
        "html_url": f"{WEB_ADDRESS}/service-directory/{name}",
        "teams": [{"id": team.upper(), "type": "team_reference", "summary": team}],
        "escalation_policy": {
            "id": f"E{team.upper()}",
            "type": "escalation_policy",
            "escalation_rules": [{"escalation_delay_in_minutes": 10, "targets": [schedule]}],
        },
    }


def _user(person: Person) -> Json:
    return {"id": user_id(person), "type": "user", "name": person.name, "email": person.email}


def user_id(person: Person) -> str:
    """The id of a person's PagerDuty user, which the roster names."""
    return "P" + person.person.upper().replace("-", "").replace(".", "")


def person_of(organization: Organization, user: str | None) -> Person | None:
    """Whose user that is."""
    return next((person for person in organization.people if user_id(person) == user), None)


def _reference(person: Person) -> Json:
    return {"id": user_id(person), "type": "user_reference"}


def _is_asked_for(row: Json, parameters: Parameters) -> bool:
    if "statuses[]" in parameters:
        return row.get("status") != "resolved"
    if "created_at" not in row or "since" not in parameters:
        return True
    since, until = (datetime.fromisoformat(str(parameters[name])) for name in ("since", "until"))
    return since <= datetime.fromisoformat(row["created_at"]) < until


def _written(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
