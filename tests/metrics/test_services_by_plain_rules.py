"""Random small worlds of services through the real SQL, and through plain Python written from the text alone.

Here: failed deployments, recovery, rework, lead time, changes to key services, escaped defects, incident
rates, repeats, frequency and follow-ups, case by case, of services, teams and persons, with services that
move, end or are in no file, times that tie with every window, and months that end in somebody's day.
Not here: downtime (``test_plain_references``), production bugs, intervals and the ladder (``tests/trends``).
"""

from collections import defaultdict
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

import pytest

from metrics_catalog.catalogue import load_catalogue
from tests.transforms.world import Row, World, aware, rows, utc
from transforms.facts import build_facts
from transforms.local_time import first_instant, local_date, next_month

CATALOGUE = load_catalogue()
WEEK, MONTH = timedelta(days=7), timedelta(days=30)
BASE = utc("2026-08-20 10:15")  # on a month's first instant in Chatham, after some steps
STEP = timedelta(hours=12)
STEPS = 170
LONG_AGO, NEVER = utc("0001-01-01"), utc("9999-12-31")
TEAM_OF = {"ann": "red", "bob": "blue"}
Found = dict[tuple[str, str, str], tuple[Any, ...]]


def made(random: Random, zone: str) -> World:
    """Some forty of everything; every instant on a grid of half days, so that much ties."""
    world = World(zone=zone)
    for name, team in (("ann", "red"), ("bob", "blue")):
        world.person(name, team=team)
    world.account("bot", is_bot=True)
    world.service("pay", "red", after="2026-10-01")
    world.service("pay", "blue", first="2026-10-01")
    world.service("web", "blue")
    world.service("new", "red", first="2026-09-25")
    world.service("old", None, after="2026-10-10")
    for row in world.tables["services"]:
        row["tier"] = {"pay": 1, "web": 3, "new": 2, "old": 2}[row["service_id"]]
    world.tables["services"][0]["tier"] = 3  # pay became a key service when it moved

    def at(first: int = 0, last: int = STEPS) -> datetime:
        return BASE + STEP * random.randrange(first, last)

    names = ["pay", "web", "new", "old", "lab"]
    for number in range(40):
        merged = at()
        reverts = f"p{random.randrange(number)}" if number and random.random() < 0.3 else None
        world.pull(
            f"p{number}",
            author=random.choice(("ann", "ann", "bob", "bot", None)),
            created=merged - timedelta(days=random.randrange(9)),
            merged=merged,
            services=random.sample(names, random.randrange(3)),
            reverts_pr_id=reverts,
            not_a_defect=reverts is not None and random.random() < 0.3,
            first_commit_at_utc=None if random.random() < 0.4 else merged - STEP * random.randrange(-20, 20),
        )
        if random.random() < 0.7:
            world.review(
                merged - STEP, "bob" if random.random() < 0.8 else "ann", state="APPROVED", pr_id=f"p{number}"
            )
    for number in range(70):
        carried = random.sample(range(40), random.choice((0, 1, 1, 2, 3)))
        world.add(
            "deployments",
            deployment_id=f"d{number:02d}",
            service_ids=random.sample(names, random.choice((1, 1, 2, 3))),
            environment=random.choice(("production",) * 5 + ("staging",)),
            status=random.choice(("success",) * 5 + ("failure",)),
            finished_at_utc=at(),
            kind=random.choice(("normal",) * 4 + ("hotfix", "rollback", None)),
            pr_ids=[f"p{one}" for one in carried],
            remediates_deployment_id=f"d{random.randrange(70):02d}" if random.random() < 0.3 else None,
            names_pr_ids=[f"p{random.choice(carried)}"] if carried and random.random() < 0.3 else [],
        )
    for number in range(60):
        near = random.choice(world.tables["deployments"])
        created = near["finished_at_utc"] + STEP * random.choice((-1, 0, 1, 5, 14, 15))
        world.add(
            "incidents",
            incident_id=f"i{number}",
            ref=f"i{number}",
            service_id=random.choice(names),
            urgency=random.choice(("high", "high", "high", "low")),
            is_major=random.random() < 0.6,
            created_at_utc=created,
            resolved_at_utc=None if random.random() < 0.2 else created + STEP * random.randrange(8),
            merged_into="i0" if number and random.random() < 0.1 else None,
            cause_key=random.choice((None, "disk", "dns")),
        )
        for deployment in random.choice(
            ([], [near], [near], [near, random.choice(world.tables["deployments"])])
        ):
            source = random.choice(("explicit", "confirmed", "heuristic", "heuristic"))
            by_time = source == "heuristic"
            world.add(
                "incident_causes",
                incident_id=f"i{number}",
                deployment_id=deployment["deployment_id"],
                pr_id=random.choice(deployment["pr_ids"])
                if deployment["pr_ids"] and not by_time and random.random() < 0.5
                else None,
                source=source,
                evidence="note",
                named_at_utc=None if by_time else at(),
                answer=random.choice((None, "yes", "unknown", "not_a_change", "other_change"))
                if by_time
                else None,
                answered_at_utc=at() if by_time else None,
            )
        world.add(
            "followups",
            ticket_id=f"f{number}",
            incident_id=f"i{number}",
            assignee_id=random.choice(("ann", "bob", None)),
            team_id=random.choice(("red", None)),
            created_at_utc=created,
            due_date=random.choice((None, created.date() + timedelta(days=random.randrange(30)))),
            resolved_at_utc=random.choice((None, created + STEP * random.randrange(80))),
            resolution=random.choice((None, "done", "wont_do", "duplicate")),
        )
        world.add(
            "defects",
            defect_id=f"b{number}",
            introduced_by_pr_id=f"p{random.randrange(40)}",
            status=random.choice(("confirmed", "confirmed", "rejected")),
            found_in=random.choice(("production", "production", "staging")),
            link=random.choice(("explicit", "heuristic", None)),
            reported_at_utc=at(),
        )
    first = min(row["created_at_utc"] for row in world.tables["incidents"])
    for name in names[:4]:
        world.add("watched_services", service_id=name, since_utc=first)
    return world


class Plain:
    """The same world as the text reads it."""

    def __init__(self, world: World, as_of: datetime) -> None:
        tables = world.tables
        self.zone, self.as_of, self.tables = world.zone, as_of, tables
        self.pulls = {
            row["pr_id"]: {
                **row,
                "merged_at_utc": row["merged_at_utc"] if row["merged_at_utc"] <= as_of else None,
            }
            for row in tables["pull_requests"]
            if row["created_at_utc"] <= as_of
        }
        self.deployments = [
            {**row, "kind": row["kind"] or "normal"}
            for row in tables["deployments"]
            if row["finished_at_utc"] <= as_of
            and (row["environment"], row["status"]) == ("production", "success")
        ]
        self.incidents = {
            row["incident_id"]: {**row, "resolved": self.known(row["resolved_at_utc"])}
            for row in tables["incidents"]
            if row["created_at_utc"] <= as_of
        }
        self.causes = [
            {**row, "answer": row["answer"] if self.known(row["answered_at_utc"]) else None}
            for row in tables["incident_causes"]
            if row["named_at_utc"] is None or row["named_at_utc"] <= as_of
        ]
        self.approved = {
            row["pr_id"]
            for row in tables["reviews"]
            if row["submitted_at_utc"] <= as_of
            and row["reviewer_id"] != self.pulls.get(row["pr_id"], {}).get("author_id")
        }

    def known(self, at: datetime | None) -> datetime | None:
        return at if at is not None and at <= self.as_of else None

    def month(self, at: datetime) -> date:
        return local_date(aware(at), self.zone).replace(day=1)

    def scopes(self) -> list[tuple[str, str]]:
        listed = {row["service_id"] for row in self.tables["services"]} | {"lab"}
        return [("service", one) for one in sorted(listed)] + [
            ("team", "red"),
            ("team", "blue"),
            ("tiers", "key"),
        ]

    def services_of(self, scope: tuple[str, str], at: datetime) -> set[str]:
        kind, name = scope
        if scope == ("service", "lab"):
            return {"lab"}
        belongs = {
            "service": lambda row: row["service_id"] == name,
            "team": lambda row: row["team_id"] == name,
            "tiers": lambda row: row["tier"] in (1, 2),
        }[kind]
        return {
            row["service_id"]
            for row in self.tables["services"]
            if belongs(row) and (row["valid_from_utc"] or LONG_AGO) <= at < (row["valid_to_utc"] or NEVER)
        }

    def within(self, scope: tuple[str, str]) -> list[Row]:
        return [
            row
            for row in self.deployments
            if set(row["service_ids"]) & self.services_of(scope, row["finished_at_utc"])
        ]

    def first(self, scope: tuple[str, str], pr_id: str) -> Row | None:
        carrying = [row for row in self.within(scope) if pr_id in row["pr_ids"] and row["kind"] != "rollback"]
        return min(carrying, key=lambda row: (row["finished_at_utc"], row["deployment_id"]), default=None)

    def reverts(self, scope: tuple[str, str], window: timedelta) -> list[tuple[str, Row, Row]]:
        """What was taken back in time: the change, its deployment, and the one of the revert."""
        found = []
        for pr_id, row in self.pulls.items():
            if row["reverts_pr_id"] is None or row["not_a_defect"]:
                continue
            carried, back = self.first(scope, row["reverts_pr_id"]), self.first(scope, pr_id)
            if (
                carried
                and back
                and timedelta() <= back["finished_at_utc"] - carried["finished_at_utc"] <= window
            ):
                found.append((row["reverts_pr_id"], carried, back))
        return found

    def linked(self, scope: tuple[str, str], row: Row) -> tuple[list[Row], list[Row], set[str]]:
        """The incidents that count against a deployment, those suspected, and the changes that were named."""
        counted, suspected, named = [], [], set()
        for cause in self.causes:
            incident = self.incidents.get(cause["incident_id"])
            if cause["deployment_id"] != row["deployment_id"] or incident is None:
                continue
            since = incident["created_at_utc"] - row["finished_at_utc"]
            own = self.services_of(scope, row["finished_at_utc"]) & set(row["service_ids"])
            is_of_scope = incident["service_id"] in own or incident["service_id"] not in row["service_ids"]
            if (
                incident["urgency"] != "high"
                or incident["merged_into"]
                or not is_of_scope
                or not timedelta() <= since <= WEEK
            ):
                continue
            if self.counts(cause):
                counted.append(incident)
                named |= {cause["pr_id"]} - {None}
            elif cause["answer"] in (None, "unknown") and not any(
                self.counts(other) for other in self.causes if other["incident_id"] == cause["incident_id"]
            ):
                suspected.append(incident)
        return counted, suspected, named

    @staticmethod
    def counts(cause: Row) -> bool:
        return cause["source"] != "heuristic" or cause["answer"] == "yes"

    def outcome(self, scope: tuple[str, str], row: Row) -> Row:
        counted, suspected, named = self.linked(scope, row)
        remedies = [
            one
            for one in self.deployments
            if one["remediates_deployment_id"] == row["deployment_id"]
            and one["kind"] in ("hotfix", "rollback")
            and timedelta() <= one["finished_at_utc"] - row["finished_at_utc"] <= WEEK
        ]
        back = [one for one in self.reverts(scope, WEEK) if one[1] is row]
        kinds = {one["kind"] for one in remedies}
        reasons = [
            word
            for word, is_so in (
                ("incident", counted),
                ("hotfix", "hotfix" in kinds),
                ("rollback", "rollback" in kinds),
                ("revert", back),
            )
            if is_so
        ]
        ends = [one["finished_at_utc"] for one in remedies] + [one[2]["finished_at_utc"] for one in back]
        began, over = row["finished_at_utc"], min(ends, default=None)
        if counted:
            began = min(one["created_at_utc"] for one in counted)
            resolved = [one["resolved"] for one in counted]
            over = None if None in resolved else max(resolved)
        return {
            "reasons": "+".join(reasons),
            "suspected": bool(suspected) and not reasons,
            "began": began,
            "over": over,
            "named": named.union(*(one["names_pr_ids"] for one in remedies)),
            "reverted": {one[0] for one in back},
        }

    # -------------------------------------------------------------------------------------- metrics

    def deployments_judged(self) -> dict[str, Found]:
        found: dict[str, Found] = defaultdict(dict)
        for scope in self.scopes()[:-1]:
            mending = {one[2]["deployment_id"] for one in self.reverts(scope, WEEK)}
            for row in self.within(scope):
                key, at = (*scope, row["deployment_id"]), self.month(row["finished_at_utc"])
                judged = self.outcome(scope, row)
                if row["kind"] == "rollback":
                    found["si_change_fail_rate"][key] = (at, "excluded", "rollback", None)
                else:
                    why = judged["reasons"] or ("suspected" if judged["suspected"] else "held")
                    word = "failed" if judged["reasons"] else "fine"
                    found["si_change_fail_rate"][key] = (at, word, why, None)
                if row["kind"] != "rollback" and judged["reasons"]:
                    hours = ((judged["over"] or self.as_of) - judged["began"]) / timedelta(hours=1)
                    is_open = judged["over"] is None
                    why = "still_open" if is_open else judged["reasons"]
                    found["si_recovery_time"][key] = (
                        at,
                        "open" if is_open else "recovered",
                        why,
                        round(hours, 6),
                    )
                elif row["kind"] != "rollback" and judged["suspected"]:
                    found["si_recovery_time"][key] = (at, "suspected", "suspected", None)
                is_revert = row["deployment_id"] in mending
                is_rework = row["kind"] != "normal" or is_revert
                why = row["kind"] if row["kind"] != "normal" else "revert" if is_revert else "normal"
                found["si_rework_rate"][key] = (at, "rework" if is_rework else "planned", why, None)
                if scope[0] == "service":
                    found["si_deployment_frequency"][key] = (at, "deployed", row["kind"], None)
        return found

    def changes_judged(self) -> dict[str, Found]:
        found: dict[str, Found] = defaultdict(dict)
        for scope in self.scopes():
            escaped_back = {one[0] for one in self.reverts(scope, MONTH)}
            for pr_id, pull in self.pulls.items():
                first = self.first(scope, pr_id)
                if first is None or pull["reverts_pr_id"] is not None or pull["author_id"] == "bot":
                    continue
                at, month = first["finished_at_utc"], self.month(first["finished_at_utc"])
                if scope[0] == "tiers":
                    if pull["author_id"] is not None:
                        held = (month, *self.held(scope, first, pr_id), None)
                        for subject in (("person", pull["author_id"]), ("team", TEAM_OF[pull["author_id"]])):
                            found["si_healthy_change_share"][(*subject, pr_id)] = held
                    continue
                began = pull["first_commit_at_utc"] or pull["created_at_utc"]
                words = ("deployed", "from_first_commit" if pull["first_commit_at_utc"] else "from_creation")
                words = ("excluded", "negative") if at < began else words
                hours = round((at - began) / timedelta(hours=1), 6)
                found["si_change_lead_time"][(*scope, pr_id)] = (month, *words, hours)
                if pull["merged_at_utc"] is not None:
                    found["rq_escaped_defects"][(*scope, pr_id)] = (
                        month,
                        *self.escaped(pr_id, at, was_reverted=pr_id in escaped_back),
                        None,
                    )
        return found

    def held(self, scope: tuple[str, str], first: Row, pr_id: str) -> tuple[str, str]:
        judged = self.outcome(scope, first)
        if not judged["reasons"]:
            return "healthy", "suspected" if judged["suspected"] else "held"
        if pr_id in judged["named"]:
            return "failed", "named"
        if pr_id in judged["reverted"]:
            return "failed", "reverted"
        if len(set(first["pr_ids"])) == 1:
            return "failed", "only_change"
        if judged["named"] or judged["reverted"]:
            return "healthy", "another_change_named"
        return "excluded", "bundle_unattributed"

    def escaped(self, pr_id: str, at: datetime, *, was_reverted: bool) -> tuple[str, str]:
        links = {
            row["link"] or "explicit"
            for row in self.tables["defects"]
            if row["introduced_by_pr_id"] == pr_id
            and (row["status"], row["found_in"]) == ("confirmed", "production")
            and row["reported_at_utc"] <= self.as_of
            and timedelta() <= row["reported_at_utc"] - at <= MONTH
        }
        if pr_id not in self.approved:
            return "excluded", "not_reviewed"
        if "explicit" in links:
            return "escaped", "defect"
        if was_reverted:
            return "escaped", "reverted"
        return "clean", "suspected" if links else "no_defect"

    def incidents_judged(self) -> dict[str, Found]:
        found: dict[str, Found] = defaultdict(dict)
        for scope in self.scopes()[:-1]:
            for row in self.incidents.values():
                at = row["created_at_utc"]
                if row["service_id"] not in self.services_of(scope, at):
                    continue
                key, month = (*scope, row["incident_id"]), self.month(at)
                is_counted = not row["merged_into"] and row["is_major"]
                why = "merged" if row["merged_into"] else "major" if row["is_major"] else "not_major"
                found["si_incident_rate"][key] = (month, "counted" if is_counted else "excluded", why, None)
                if not row["is_major"]:
                    continue
                again = any(
                    (other["service_id"], other["cause_key"]) == (row["service_id"], row["cause_key"])
                    and other["is_major"]
                    and not other["merged_into"]
                    and at - MONTH <= other["created_at_utc"] <= at
                    and (other["created_at_utc"], other["incident_id"]) < (at, row["incident_id"])
                    for other in self.incidents.values()
                )
                words = ("repeat", "same_cause") if again else ("new", "new_cause")
                if row["merged_into"] or not row["cause_key"]:
                    words = ("excluded", "merged" if row["merged_into"] else "no_cause_key")
                found["si_repeat_incidents"][key] = (month, *words, None)
        return found

    def followups_judged(self) -> Found:
        found: Found = {}
        for row in self.tables["followups"]:
            incident = self.incidents.get(row["incident_id"])
            if incident is None or row["created_at_utc"] > self.as_of:
                continue
            created = local_date(aware(row["created_at_utc"]), self.zone)
            due = row["due_date"] or created + timedelta(days=30)
            is_later = due.replace(day=1) > self.month(self.as_of)
            if not incident["is_major"] or incident["merged_into"] or is_later:
                continue
            over = first_instant(due + timedelta(days=1), self.zone).replace(tzinfo=None)
            resolved = self.known(row["resolved_at_utc"])
            words = ("late", "late") if resolved or over <= self.as_of else ("pending", "not_due")
            if resolved and resolved < over:
                words = ("on_time", "on_time")
            if resolved and row["resolution"] in ("wont_do", "duplicate"):
                words = ("excluded", row["resolution"])
            who, team = row["assignee_id"], row["team_id"] or TEAM_OF.get(row["assignee_id"])
            for subject in (("person", who), ("team", team)):
                if subject[1] is not None:
                    found[(*subject, row["ticket_id"])] = (due.replace(day=1), *words, None)
        return found

    def exposures(self) -> dict[str, dict[tuple[str, str, date], float]]:
        """Days of services in thirties, and working weeks, by subject and month."""
        found: dict[str, dict[tuple[str, str, date], float]] = {
            name: defaultdict(float) for name in ("si_incident_rate", "si_deployment_frequency")
        }
        watched = min(row["created_at_utc"] for row in self.tables["incidents"])
        month = self.month(watched)
        while month <= self.month(self.as_of):
            begins, ends = (
                first_instant(day, self.zone).replace(tzinfo=None) for day in (month, next_month(month))
            )
            for row in self.tables["services"]:
                since, until = row["valid_from_utc"] or LONG_AGO, row["valid_to_utc"] or NEVER
                seconds = (min(ends, until, self.as_of) - max(begins, since)).total_seconds()
                subjects = [("service", row["service_id"])] + (
                    [("team", row["team_id"])] if row["team_id"] else []
                )
                for kind, name in subjects if seconds > 0 else []:
                    found["si_incident_rate"][kind, name, month] += seconds / 2_592_000
            month = next_month(month)
        services = [scope for scope in self.scopes() if scope[0] == "service"]
        known = [row for scope in services for row in self.within(scope)]
        for _, service in services:
            if not self.within(("service", service)):
                continue
            month = self.month(min(row["finished_at_utc"] for row in known))
            while month <= self.month(self.as_of):
                days = [month + timedelta(days=n) for n in range((next_month(month) - month).days)]
                begun = [
                    day for day in days if first_instant(day, self.zone).replace(tzinfo=None) <= self.as_of
                ]
                lives = [day for day in days if self.lives(service, day)]
                if lives:
                    working = sum(day.weekday() < 5 for day in begun)
                    if working:  # a month that has begun with a Sunday has none yet
                        found["si_deployment_frequency"]["service", service, month] = working / 5
                month = next_month(month)
        return found

    def lives(self, service: str, day: date) -> bool:
        at = first_instant(day, self.zone).replace(tzinfo=None)
        return bool(self.services_of(("service", service), at))


CASES = [(0, "Pacific/Chatham"), (1, "UTC"), (2, "America/Havana"), (3, "Pacific/Kiritimati")]


@pytest.mark.parametrize(("seed", "zone"), CASES)
def test_every_case_of_services_is_as_the_text_reads(seed: int, zone: str) -> None:
    random = Random(seed)
    world = made(random, zone)
    as_of = BASE + STEP * random.randrange(STEPS - 60, STEPS)
    plain = Plain(world, as_of)
    wanted = plain.deployments_judged() | plain.changes_judged()
    for name, cases in plain.incidents_judged().items():
        wanted[name] = cases
    wanted["si_followup_closed"] = plain.followups_judged()
    metrics = [CATALOGUE[name] for name in wanted]
    with world.core(as_of) as connection:
        build_facts(connection, metrics, as_of_utc=as_of)
        exposed = plain.exposures()
        for name, cases in wanted.items():
            found = {
                (row["subject_kind"], row["subject_id"], row["ref"]): tuple(
                    round(value, 6) if isinstance(value, float) else value
                    for value in (row["month_start"], row["outcome"], row["why"], row["amount"])
                )
                for row in rows(
                    connection,
                    f"SELECT * FROM facts.{name} WHERE subject_id <> 'bot' "
                    "AND outcome NOT IN ('watched', 'if_failed', 'if_left_out')",
                )
            }
            assert len(cases) > 5, name
            assert found == cases, name
        for name, wanted_exposure in exposed.items():
            found_exposure = {
                (row["subject_kind"], row["subject_id"], row["month_start"]): row["exposure"]
                for row in rows(
                    connection,
                    "SELECT subject_kind, subject_id, month_start, sum(exposure) AS exposure "
                    f"FROM facts.{name} WHERE outcome = 'watched' GROUP BY ALL",
                )
            }
            assert found_exposure == pytest.approx(dict(wanted_exposure)), name
