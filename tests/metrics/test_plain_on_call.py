"""Random months on call, full of ties, through the real SQL and through a plain loop over the same rows.

Here: pages, interruptions, their bands and nights, shifts, escalations and noise, of persons, services and
their team. Times lie on a grid of 20 seconds around the edges that matter; rotas lie on one another.
Not here: downtime and engagement (test_plain_references), or how long a schedule is (test_on_call_time).
"""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from metrics_catalog.catalogue import load_catalogue
from tests.transforms.world import World, rows

ZONES = {"ana": "Europe/Berlin", "ben": "Asia/Kolkata", "cy": "America/New_York"}
START, END = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)
METRICS = [
    load_catalogue()[name]
    for name in (
        *("oc_ack_within_target", "oc_ack_time", "oc_escalated_by_timeout", "oc_actionable_share"),
        *("oc_incidents_per_shift", "oc_sleep_nights", "oc_offhours_share"),
    )
]
TARGET = timedelta(minutes=5)
HALF_HOUR = timedelta(minutes=30)
LAST = END - timedelta(hours=2)
"""What begins by then is over in the month."""
Row = dict[str, Any]


class Month:
    """What happened: aware instants, so that the plain reading need not know how they are stored."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.shifts = [shift for person in ZONES for shift in self._shifts(person)]
        self.incidents: list[Row] = []
        self.log: list[Row] = []
        for number in range(50):
            self._incident(f"i{number:02}")
        for number, entry in enumerate(self.log):
            entry["entry_id"] = f"e{number:04}"

    def _near(self, *, person: str) -> datetime:
        """An instant beside one where something changes for the person."""
        shift = self.random.choice([one for one in self.shifts if one[0] == person])
        zone = ZoneInfo(ZONES[person])
        local = datetime(2026, 3, self.random.randrange(1, 32), self.random.choice((8, 18, 22)), tzinfo=zone)
        edge = self.random.choice((shift[1], shift[2], local.astimezone(UTC), shift[1] + timedelta(hours=2)))
        return min(max(edge + self.random.randrange(-6, 7) * timedelta(seconds=20), START), LAST)

    def _minute_after(self, person: str) -> datetime:
        """Sixty or eighty seconds after something else that the person received."""
        told = [row for row in self.log if row["type"] == "notify" and row["user_id"] == person]
        before = self.random.choice(told)["occurred_at_utc"] if told else self._near(person=person)
        return min(before + timedelta(seconds=self.random.choice((60, 80))), LAST)

    def _shifts(self, person: str) -> Iterator[tuple[str, datetime, datetime, str]]:
        for _ in range(9):
            day, hour = self.random.randrange(1, 31), self.random.choice((3, 8, 22))
            begins = datetime(2026, 3, day, hour, tzinfo=ZoneInfo(ZONES[person])).astimezone(UTC)
            ends = begins + timedelta(hours=self.random.choice((1, 10, 14, 24, 60)))
            for schedule in ("first", "second")[: self.random.choice((1, 1, 2))]:
                yield person, begins, ends, schedule

    def _incident(self, name: str) -> None:
        random = self.random
        begun = moment = self._near(person=random.choice(tuple(ZONES)))
        self._add(name, "assign", moment, to_user_id=random.choice(tuple(ZONES)))
        is_open, resolved = True, None
        for _ in range(random.randrange(8)):
            moment += random.choice((0, 0, 1, 3, 12, 15, 16)) * timedelta(seconds=20)
            who, other = random.choice(tuple(ZONES)), random.choice(tuple(ZONES))
            kind = random.choice(
                ("acknowledge", "escalate", "timeout", "reassign", "resolve", "notify", "notify")
            )
            if kind == "notify":
                channel = random.choice(("push", "phone", "sms", "email"))
                told = random.choice((moment, self._near(person=who), self._minute_after(who)))
                self._add(name, "notify", told, user_id=who, channel=channel)
            elif not is_open:
                continue
            elif kind == "acknowledge":
                self._add(name, kind, moment, user_id=who)
            elif kind == "timeout":
                self._add(name, "escalate", moment, to_user_id=other, via="timeout")
            elif kind == "resolve":
                actor = random.choice((who, None))
                if self._add(name, kind, moment, user_id=actor, via="manual" if actor else "integration"):
                    is_open, resolved = False, moment
            else:
                self._add(name, kind, moment, user_id=who, to_user_id=other, via="manual")
        before = [row["incident_id"] for row in self.incidents]
        self.incidents.append(
            {
                "incident_id": name,
                "ref": name,
                "service_id": random.choice(("pay", "web")),
                "urgency": random.choice(("high", "high", "high", "low")),
                "is_major": False,
                "created_at_utc": begun,
                "resolved_at_utc": resolved,
                "merged_into": random.choice(before) if before and random.random() < 0.3 else None,
                "resolution_tag": random.choice((None, None, None, "false_alarm")),
            }
        )

    def _add(self, name: str, kind: str, moment: datetime, **more: Any) -> bool:
        """Only one thing is done in an instant: what comes first then is nobody's to know. Was it added?"""
        same = [row for row in self.log if row["incident_id"] == name and row["occurred_at_utc"] == moment]
        is_free = kind == "notify" or not any(row["type"] != "notify" for row in same)
        if is_free:
            self.log.append({"incident_id": name, "type": kind, "occurred_at_utc": moment, **more})
        return is_free

    def world(self) -> World:
        made = World(zone="UTC")
        for person, zone in ZONES.items():
            made.person(person, team="red", tz=zone)
        for service in ("pay", "web"):
            made.service(service, "red")
        stored = [
            {"person_id": person, "schedule_id": schedule, "start_at_utc": begins, "end_at_utc": ends}
            for person, begins, ends, schedule in self.shifts
        ]
        for entity, found in (
            ("oncall_shifts", stored),
            ("incidents", self.incidents),
            ("incident_log", self.log),
        ):
            self.random.shuffle(found)
            for row in found:
                naive = {
                    name: value.replace(tzinfo=None) if isinstance(value, datetime) else value
                    for name, value in row.items()
                }
                made.add(entity, **naive)
        return made

    def is_on_call(self, person: str, moment: datetime) -> bool:
        return any(who == person and begins <= moment < ends for who, begins, ends, _ in self.shifts)

    def received(self, person: str) -> list[tuple[datetime, str]]:
        """Notifications that interrupt, with their incident: a merged one is its target."""
        target = {row["incident_id"]: row["merged_into"] for row in self.incidents}
        found = []
        for row in self.log:
            if row["type"] == "notify" and row["user_id"] == person and row["channel"] != "email":
                name = row["incident_id"]
                while target[name] is not None:
                    name = target[name]
                if self.is_on_call(person, row["occurred_at_utc"]):
                    found.append((row["occurred_at_utc"], name))
        return sorted(found)

    def interruptions(self, person: str) -> list[datetime]:
        starts, before = [], None
        for moment, _ in self.received(person):
            if before is None or moment - before > timedelta(seconds=60):
                starts.append(moment)
            before = moment
        return [start for start in starts if start < END]

    def band(self, person: str, moment: datetime) -> str:
        local = moment.astimezone(ZoneInfo(ZONES[person]))
        if local.hour >= 22 or local.hour < 8:
            return "sleep"
        return "business" if local.isoweekday() <= 5 and local.hour < 18 else "off"

    def nights(self, person: str) -> dict[date, bool]:
        """Nights that begin in the month and overlap on-call time; whether an interruption began in one."""
        zone, found = ZoneInfo(ZONES[person]), {}
        for number in range(-1, 32):
            evening = date(2026, 3, 1) + timedelta(days=number)
            begins = datetime(evening.year, evening.month, evening.day, 22, tzinfo=zone).astimezone(UTC)
            after = evening + timedelta(days=1)
            ends = datetime(after.year, after.month, after.day, 8, tzinfo=zone).astimezone(UTC)
            overlaps = any(who == person and a < ends and b > begins for who, a, b, _ in self.shifts)
            if overlaps and START <= begins < END:
                found[evening] = any(begins <= start < ends for start in self.interruptions(person))
        return found

    def hours_on_call(self, person: str) -> float:
        half_hours = {
            begins + number * HALF_HOUR
            for who, begins, ends, _ in self.shifts
            if who == person
            for number in range((ends - begins) // HALF_HOUR)
        }
        return sum(1 for moment in half_hours if START <= moment < END) / 2

    def happened(self, name: str) -> list[Row]:
        found = [row for row in self.log if row["incident_id"] == name and row["type"] != "notify"]
        return sorted(found, key=lambda row: row["occurred_at_utc"])

    def page(self, incident: Row, person: str) -> tuple[str, float] | None:
        """How the person's page ended, and minutes; None where there is none or it is left out."""
        happened = self.happened(incident["incident_id"])
        given = [row["occurred_at_utc"] for row in happened if row.get("to_user_id") == person]
        if not given or incident["urgency"] == "low" or not self.is_on_call(person, given[0]):
            return None
        for row in happened:
            waited = row["occurred_at_utc"] - given[0]
            if waited < timedelta() or (waited == timedelta() and row.get("to_user_id") == person):
                continue
            minutes, in_time = waited / timedelta(minutes=1), waited <= TARGET
            is_own = row.get("user_id") == person and row["type"] != "notify"
            if is_own and not (row["type"] in ("escalate", "reassign") and row["to_user_id"] == person):
                return ("in_time" if in_time else "late"), minutes
            if row["type"] == "escalate" and row["via"] == "timeout" and row["to_user_id"] != person:
                return "late", minutes
            if row["type"] in ("acknowledge", "resolve") or row.get("to_user_id") not in (None, person):
                return ("left out" if in_time else "late"), minutes
        return "late", (AS_OF - given[0]) / timedelta(minutes=1)

    def escalation(self, incident: Row) -> str | None:
        happened = self.happened(incident["incident_id"])
        if incident["urgency"] == "low" or incident["merged_into"]:
            return None
        for row in happened[1:]:
            if row["type"] == "escalate" and row["via"] == "timeout":
                return "escalated"
            return "held"
        return "pending"

    def noise(self, incident: Row) -> str | None:
        if incident["urgency"] == "low" or incident["merged_into"]:
            return None
        if incident["resolution_tag"]:
            return "noise"
        happened = self.happened(incident["incident_id"])
        if any(row["type"] in ("acknowledge", "resolve") and row.get("user_id") for row in happened):
            return "actionable"
        return "noise" if any(row["type"] == "resolve" for row in happened) else "pending"


AS_OF = datetime(2026, 4, 20, tzinfo=UTC)


def wanted_of(month: Month) -> dict[tuple[str, str, str], tuple[Any, ...]]:
    """By metric, kind and subject: numerator and denominator; exposure in place of the latter for a rate."""
    found: dict[tuple[str, str, str], tuple[Any, ...]] = {}
    bands, pages = [], []
    for person in ZONES:
        counted = {name for moment, name in month.received(person) if moment < END}
        found["oc_incidents_per_shift", "person", person] = (len(counted), month.hours_on_call(person) / 12)
        nights = month.nights(person)
        found["oc_sleep_nights", "person", person] = (sum(nights.values()), len(nights))
        bands += [month.band(person, start) for start in month.interruptions(person)]
        own = [page for incident in month.incidents if (page := month.page(incident, person))]
        own = [page for page in own if page[0] != "left out"]
        found["oc_ack_within_target", "person", person] = (
            sum(outcome == "in_time" for outcome, _ in own),
            len(own),
        )
        pages += own
    found["oc_ack_within_target", "team", "red"] = (sum(page[0] == "in_time" for page in pages), len(pages))
    found["oc_offhours_share", "team", "red"] = (sum(band != "business" for band in bands), len(bands))
    found["bands", "team", "red"] = (bands.count("sleep"), bands.count("off"))
    for metric, judge in (
        ("oc_escalated_by_timeout", month.escalation),
        ("oc_actionable_share", month.noise),
    ):
        for service in ("pay", "web"):
            judged = [judge(row) for row in month.incidents if row["service_id"] == service]
            hits = sum(one in ("escalated", "actionable") for one in judged)
            found[metric, "service", service] = (hits, sum(one not in (None, "pending") for one in judged))
    return found


@pytest.mark.parametrize("seed", range(4))
def test_what_people_carried_and_answered_is_what_a_plain_loop_finds(seed: int) -> None:
    month = Month(Random(seed))
    wanted = wanted_of(month)
    with month.world().periods(AS_OF, metrics=METRICS) as connection:
        cells = rows(
            connection, "FROM trends.periods WHERE grain = 'month' AND period = '2026-03' ORDER BY ALL"
        )
    found = {(row["metric_id"], row["subject_kind"], row["subject_id"]): row for row in cells}
    details = json.loads(found["oc_offhours_share", "team", "red"]["details"])
    assert (details["n_sleep"], details["n_off"]) == wanted.pop(("bands", "team", "red"))
    for key, (numerator, beneath) in wanted.items():
        cell = found[key]
        assert (cell["numerator"], key) == (numerator, key)
        column = "exposure" if key[0] == "oc_incidents_per_shift" else "denominator"
        assert (cell[column], key) == (pytest.approx(beneath), key)
