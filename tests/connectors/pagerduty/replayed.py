"""A PagerDuty that answers from lists held in memory, as the API would: windows, pages, both ends, the cap.

Here: the transport. Not here: what is in the lists (the tests).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from connectors.pagerduty.transport import Answer, Json, Parameters

NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)


@dataclass(slots=True, kw_only=True)
class Replayed:
    """Lists by path (``/incidents``). ``asked``: what was; ``broken``: a path without its list.

    ``ends``: which ends of a window belong to it, ``[)`` as in ranges; PagerDuty does not say.
    ``tells_totals``: whether it counts when it is asked to.
    """

    lists: dict[str, list[Any]] = field(default_factory=dict)
    now_utc: datetime = NOW
    cap: int = 10_000
    broken: str | None = None
    ends: str = "[)"
    tells_totals: bool = True
    asked: list[tuple[str, Parameters]] = field(default_factory=list)

    def get(self, path: str, parameters: Parameters) -> Answer:
        self.asked.append((path, parameters))
        if path.startswith("/v3/schedules/"):
            (one,) = [row for row in self.lists["/v3/schedules/ID"] if row["id"] == path.rpartition("/")[2]]
            return Answer(body={"schedule": one}, served_at_utc=self.now_utc)
        stream = path.rpartition("/")[2]
        found = [row for row in self.lists.get(path, []) if _is_in(row, parameters, self.ends)]
        limit, offset = int(str(parameters.get("limit", 25))), int(str(parameters.get("offset", 0)))
        assert offset + limit <= self.cap
        shown = found[offset : offset + limit]
        body: Json = {stream: shown, "more": offset + limit < len(found)}
        body["total"] = len(found) if self.tells_totals else None
        if path == self.broken:
            body = {stream: "out of order"}
        return Answer(body=body, served_at_utc=self.now_utc)


def _is_in(row: Any, parameters: Parameters, ends: str) -> bool:
    statuses = parameters.get("statuses[]")
    if isinstance(statuses, Sequence) and not isinstance(statuses, str) and isinstance(row, dict):
        return row.get("status") in statuses
    if "since" not in parameters or not isinstance(row, dict) or not isinstance(row.get("created_at"), str):
        return True
    try:
        at = datetime.fromisoformat(row["created_at"])
    except ValueError:
        return True
    since, until = (datetime.fromisoformat(str(parameters[name])) for name in ("since", "until"))
    return (
        at.tzinfo is None
        or since < at < until
        or (at == since and ends[0] == "[")
        or (at == until and ends[1] == "]")
    )


def user(name: str, **more: Any) -> Json:
    return {"id": name, "type": "user_reference", "summary": name, **more}


def incident(number: int, created_at: str, **more: Any) -> Json:
    """An incident as the API shows it."""
    return {
        "id": f"Q{number}",
        "type": "incident",
        "incident_number": number,
        "title": f"Kettle {number} is cold",
        "html_url": f"https://acme.pagerduty.com/incidents/Q{number}",
        "created_at": created_at,
        "status": "triggered",
        "urgency": "high",
        "service": {"id": "PSVC", "type": "service_reference", "summary": "kettle"},
        "priority": None,
        "resolve_reason": None,
        **more,
    }


def entry(kind: str, shown: Json, created_at: str, **more: Any) -> Json:
    """A log entry with its incident inside."""
    return {
        "id": f"R{kind}{shown['id']}{created_at}".replace(":", "").replace("-", ""),
        "type": f"{kind}_log_entry",
        "created_at": created_at,
        "agent": None,
        "channel": {"type": "auto"},
        "incident": shown,
        **more,
    }


def account(**lists: list[Any]) -> Replayed:
    """An account with three users, one service and its policy, and these lists by name."""
    policy = {
        "id": "PPOL",
        "type": "escalation_policy",
        "name": "kettle",
        "escalation_rules": [
            {"escalation_delay_in_minutes": 5, "targets": [{"id": "PSCH", "type": "schedule_reference"}]},
            {"escalation_delay_in_minutes": 9, "targets": [user("PBEN")]},
        ],
    }
    whole: dict[str, list[Any]] = {
        "users": [
            {"id": name, "type": "user", "name": name, "email": f"{name.lower()}@acme.example"}
            for name in ("PANA", "PBEN", "PCID")
        ],
        "services": [
            {
                "id": "PSVC",
                "type": "service",
                "name": "kettle",
                "html_url": "https://acme.pagerduty.com/service-directory/PSVC",
                "escalation_policy": policy,
                "teams": [{"id": "PTEAM", "type": "team", "name": "tea"}],
            }
        ],
        "priorities": [{"id": "P1", "name": "P1", "order": 8}, {"id": "P2", "name": "P2", "order": 4}],
        "oncalls": [],
        "schedules": [],
    }
    return Replayed(lists={f"/{name}": rows for name, rows in (whole | lists).items()})
