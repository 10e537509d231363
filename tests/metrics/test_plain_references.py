"""Random small worlds, full of ties, through the real SQL and through a plain loop over the same rows.

Here: downtime and engagement counted tick by tick, failed deployments and standing approvals by replaying,
adoption and documentation account by account and feature by feature, of teams too.
Not here: review requests (tests/transforms/request_oracle.py), or examples worked out by hand.
"""

from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from metrics_catalog.catalogue import load_catalogue
from tests.golden.worked_example import Row, run_case

CATALOGUE = load_catalogue()
START = datetime(2026, 3, 10, 8, tzinfo=UTC)
TICK = timedelta(seconds=30)
AS_OF_TICK = 2880
"""A day after the start: everything that happens begins before it."""
PEOPLE = ("ana", "ben", "cy")


def at(tick: int) -> str:
    return (START + tick * TICK).isoformat()


def cell_of(
    metric: str, kind: str, subject: str, inputs: dict[str, list[Row]], *, as_of_tick: int = AS_OF_TICK
) -> tuple[Row, set[Any]]:
    """The cell of March, and its listed cases as (ref, outcome, why)."""
    case = {
        "subject": {"type": kind, "id": subject},
        "as_of": at(as_of_tick),
        "config": {"reporting_tz": "UTC", "n_min": 1},
        "inputs": {"services": [{"service_id": name, "tier": 1} for name in ("pay", "web")], **inputs},
        "expected": [{"period": "2026-03"}],
    }
    (cell,) = run_case(case, CATALOGUE[metric])
    return cell, {(row["ref"], row["outcome"], row["why"]) for row in cell["evidence"]}


def on_call_world(random: Random) -> tuple[list[Row], list[Row]]:
    """Incidents of two services, and what happened in them, often several things in one tick."""
    incidents, log = [], []
    for number in range(20):
        begun = tick = random.randrange(200)
        entries: list[Row] = [{"type": "assign", "to_user_id": random.choice(PEOPLE)}]
        ticks, is_open, resolved = [tick], True, None
        for _ in range(random.randrange(7)):
            tick += random.choice((0, 0, 1, 9, 11, 40))
            who, other = random.choice(PEOPLE), random.choice(PEOPLE)
            entry: Row
            if not is_open:
                entry, is_open, resolved = {"type": "reopen"}, True, None
                tick += 1
            elif random.random() < 0.4:
                entry = {"type": "acknowledge", "user_id": who}
            elif random.random() < 0.5:
                via = random.choice(("manual", "timeout"))
                entry = {"type": "escalate", "to_user_id": other, "via": via}
                entry |= {"user_id": who} if via == "manual" else {}
            elif random.random() < 0.3:
                entry = {"type": "snooze", "user_id": who, "until": at(tick + random.randrange(1, 60))}
            else:
                entry, is_open, resolved = (
                    {"type": "resolve", "user_id": random.choice((who, None))},
                    False,
                    tick,
                )
                entry["via"] = None if entry["user_id"] else "integration"
            if tick == ticks[-1] and entry["type"] == entries[-1]["type"]:
                continue
            entries.append(entry)
            ticks.append(tick)
        name = f"i{number}"
        incident: Row = {"incident_id": name, "service_id": random.choice(("pay", "web")), "urgency": "high"}
        incident |= {"is_major": random.random() < 0.8, "created_at": at(begun)}
        incidents.append(
            incident | {"resolved_at": None if resolved is None else at(resolved), "ticks": ticks}
        )
        log += [
            {"incident_id": name, "occurred_at": at(when), "tick": when, **entry}
            for when, entry in zip(ticks, entries, strict=True)
        ]
    return incidents, log


def down_ticks(incident: Row, log: list[Row]) -> set[int]:
    """The ticks in which an incident was open, by replaying its log."""
    found: set[int] = set()
    opened: int | None = incident["ticks"][0]
    for entry in log:
        if entry["incident_id"] != incident["incident_id"]:
            continue
        if entry["type"] == "resolve" and opened is not None:
            found |= set(range(opened, entry["tick"]))
            opened = None
        elif entry["type"] == "reopen":
            opened = entry["tick"]
    return found if opened is None else found | set(range(opened, AS_OF_TICK))


def engaged_ticks(name: str, person: str, log: list[Row]) -> set[int]:
    """The ticks from an acknowledgement of the person's to the resolution or a handover, less snoozes."""
    found: set[int] = set()
    snoozed: set[int] = set()
    since: int | None = None
    for entry in (entry for entry in log if entry["incident_id"] == name):
        if entry["type"] == "acknowledge" and entry["user_id"] == person and since is None:
            since = entry["tick"]
        elif entry["type"] == "snooze":
            until = round((datetime.fromisoformat(entry["until"]) - START) / TICK)
            snoozed |= set(range(entry["tick"], until))
        elif since is not None and (
            entry["type"] == "resolve" or (entry["type"] == "escalate" and entry["to_user_id"] != person)
        ):
            found |= set(range(since, entry["tick"]))
            since = None
    return (found if since is None else found | set(range(since, AS_OF_TICK))) - snoozed


@pytest.mark.parametrize("seed", range(5))
def test_minutes_down_are_those_counted_tick_by_tick(seed: int) -> None:
    incidents, log = on_call_world(Random(seed))
    cell, _ = cell_of("si_uptime", "service", "pay", {"incidents": incidents, "incident_log": log})
    down = [
        down_ticks(incident, log)
        for incident in incidents
        if incident["service_id"] == "pay" and incident["is_major"]
    ]
    assert cell["n"] == sum(bool(ticks) for ticks in down)
    assert cell["down_minutes"] == pytest.approx(len(set().union(*down)) / 2)


@pytest.mark.parametrize("seed", range(5))
def test_hours_engaged_are_those_counted_tick_by_tick(seed: int) -> None:
    incidents, log = on_call_world(Random(seed))
    cell, _ = cell_of("oc_response_effort", "person", "ana", {"incidents": incidents, "incident_log": log})
    engaged = [engaged_ticks(incident["incident_id"], "ana", log) for incident in incidents]
    assert cell["n"] == sum(bool(ticks) for ticks in engaged)
    assert (cell["value"] or 0) == pytest.approx(len(set().union(*engaged)) / 120)
    if cell["n"]:
        assert cell["sum_without_union"] == pytest.approx(sum(map(len, engaged)) / 120)


@pytest.mark.parametrize("seed", range(5))
def test_a_deployment_failed_or_is_suspected_by_what_people_named(seed: int) -> None:
    random = Random(seed)
    deployments: list[Row] = [
        {
            "deployment_id": f"d{number}",
            "service_ids": random.choice((["pay"], ["pay", "web"])),
            "environment": "production",
            "status": "success",
            "kind": "normal",
            "pr_ids": [],
            "finished_at": at(number * 120),
            "tick": number * 120,
        }
        for number in range(5)
    ]
    incidents: list[Row] = []
    causes: list[Row] = []
    for number in range(7):
        tick = random.choice(deployments)["tick"] + random.choice((-1, 0, 1, 100))
        incidents.append({"incident_id": f"i{number}", "created_at": at(tick), "tick": tick})
        incidents[-1]["service_id"] = random.choice(("pay", "web", "away"))
        incidents[-1]["urgency"] = random.choice(("high", "high", "high", "low"))
        for deployment in random.sample(deployments, random.randrange(3)):
            cause: Row = {"incident_id": f"i{number}", "deployment_id": deployment["deployment_id"]}
            cause["source"] = random.choice(("explicit", "heuristic", "heuristic"))
            if cause["source"] == "heuristic" and random.random() < 0.5:
                cause["answer"] = random.choice(("yes", "unknown", "not_a_change"))
                cause["answered_at"] = at(AS_OF_TICK + random.choice((0, 1)))
            causes.append(cause)
    inputs = {"deployments": deployments, "incidents": incidents, "incident_causes": causes}
    _, found = cell_of("si_change_fail_rate", "service", "pay", inputs)

    def answer(cause: Row) -> str | None:
        return cause.get("answer") if cause.get("answered_at", "") <= at(AS_OF_TICK) else None

    def is_counted(cause: Row) -> bool:
        return cause["source"] == "explicit" or answer(cause) == "yes"

    for deployment in deployments:
        linked = {True: 0, False: 0}
        for cause in (row for row in causes if row["deployment_id"] == deployment["deployment_id"]):
            incident = next(row for row in incidents if row["incident_id"] == cause["incident_id"])
            own_other = (
                incident["service_id"] in deployment["service_ids"] and incident["service_id"] != "pay"
            )
            others = [row for row in causes if row["incident_id"] == cause["incident_id"]]
            if incident["urgency"] != "high" or incident["tick"] < deployment["tick"] or own_other:
                continue
            if is_counted(cause):
                linked[True] += 1
            elif answer(cause) in (None, "unknown") and not any(map(is_counted, others)):
                linked[False] += 1
        wanted = (
            ("failed", "incident") if linked[True] else ("fine", "suspected" if linked[False] else "held")
        )
        assert (deployment["deployment_id"], *wanted) in found


@pytest.mark.parametrize("seed", range(5))
def test_a_change_is_covered_by_an_approval_that_its_reviewer_left_standing(seed: int) -> None:
    random = Random(seed)
    pulls, reviews, covered = [], [], set()
    for number in range(40):
        name, standing = f"p{number}", set()
        pulls.append({"pr_id": name, "author_id": "ana", "created_at": at(0), "service_ids": ["pay"]})
        pulls[-1] |= {"merged_at": at(10), "closed_at": at(10)}
        for tick in sorted(random.sample(range(7, 14), random.randrange(5))):
            who = random.choice(PEOPLE)
            state = random.choice(("APPROVED", "APPROVED", "CHANGES_REQUESTED", "COMMENTED", "DISMISSED"))
            reviews.append({"review_id": f"{name}-{tick}", "pr_id": name, "reviewer_id": who, "body": ""})
            reviews[-1] |= {"state": state, "submitted_at": at(tick)}
            if tick <= 10 and who != "ana":
                standing |= {who} if state == "APPROVED" else set()
                standing -= {who} if state == "CHANGES_REQUESTED" else set()
        covered |= {name} if standing else set()
    _, found = cell_of("rq_review_coverage", "service", "pay", {"pull_requests": pulls, "reviews": reviews})
    assert {ref for ref, outcome, _ in found if outcome == "covered"} == covered


DAY_TICKS = 2880
TEAMS: list[Row] = [{"service_id": f"of {team}", "tier": 1, "team_id": team} for team in ("red", "blue")]


@pytest.mark.parametrize("kind", ["feature", "team"])
@pytest.mark.parametrize("seed", range(3))
def test_an_account_took_a_feature_up_if_it_used_it_within_thirty_days(seed: int, kind: str) -> None:
    """Eligible more than once, days from then on to the tick, uses before it, activity that is only use."""
    random = Random(seed)
    last = 45 * DAY_TICKS
    window = 30 * DAY_TICKS
    owner = {"exp": "red", "gift": "red", "map": "blue", "lone": None}
    eligible: list[Row] = []
    used: list[Row] = []
    for name in owner:
        for number in range(14):
            account = f"a{number}"
            first = random.choice(
                (0, 1, DAY_TICKS, 5 * DAY_TICKS, 14 * DAY_TICKS, 15 * DAY_TICKS, 16 * DAY_TICKS)
            )
            for tick in {first, *random.sample(range(first, first + 9 * DAY_TICKS), random.randrange(2))}:
                eligible.append({"feature_id": name, "account_id": account, "eligible_from": at(tick)})
                eligible[-1] |= {"is_internal": random.random() < 0.05, "tick": tick}
            for after in random.sample(
                (-1, 0, 1, DAY_TICKS, window - 1, window, window + 1), random.randrange(3)
            ):
                used.append({"feature_id": name, "account_id": account, "occurred_at": at(first + after)})
                used[-1]["tick"] = first + after
    days = (0, 5 * DAY_TICKS, 20 * DAY_TICKS, 40 * DAY_TICKS)
    active = [
        {"account_id": f"a{number}", "occurred_at": at(tick), "tick": tick}
        for number in range(14)
        for tick in random.sample(days, random.randrange(3))
    ]
    subject = "exp" if kind == "feature" else "red"
    wanted: dict[tuple[str, str], str] = {}
    for name in [name for name in owner if subject in (name, owner[name])]:
        for account in {row["account_id"] for row in eligible if row["feature_id"] == name}:
            own = [row for row in eligible if (row["feature_id"], row["account_id"]) == (name, account)]
            first = min(row["tick"] for row in own)
            if (START + first * TICK).month != START.month:
                continue
            inside = range(first, first + window)
            uses = [row["tick"] for row in used if (row["feature_id"], row["account_id"]) == (name, account)]
            seen = [row["tick"] for row in active if row["account_id"] == account]
            if any(row["is_internal"] for row in own):
                wanted[name, account] = "excluded"
            elif any(tick in inside and tick <= last for tick in uses):
                wanted[name, account] = "adopted"
            elif first + window > last:
                wanted[name, account] = "pending"
            else:
                wanted[name, account] = "not_adopted" if any(tick in inside for tick in seen) else "excluded"
    inputs = {
        "services": TEAMS,
        "features": [
            {"feature_id": name, "team_id": team, "released_at": at(0)} for name, team in owner.items()
        ],
        "feature_eligibility": eligible,
        "feature_use": [row for row in used if row["tick"] <= last],
        "account_activity": [row for row in active if row["tick"] <= last],
    }
    cell, found = cell_of("fc_adoption_rate", kind, subject, inputs, as_of_tick=last)
    outcomes = Counter(wanted.values())
    assert {(ref, outcome) for ref, outcome, _ in found} == {
        (account, outcome) for (_, account), outcome in wanted.items()
    }
    assert (cell["numerator"] or 0) == outcomes["adopted"]
    assert cell["n"] == outcomes["adopted"] + outcomes["not_adopted"]
    assert cell["n_pending"] == outcomes["pending"]


@pytest.mark.parametrize("seed", range(3))
def test_a_feature_is_documented_if_its_page_was_edited_around_its_release(seed: int) -> None:
    random = Random(seed)
    last = 20 * DAY_TICKS
    features: list[Row] = []
    edits: list[Row] = []
    wanted: Counter[str] = Counter()
    for number in range(40):
        tick = random.choice((0, DAY_TICKS, 5 * DAY_TICKS, 6 * DAY_TICKS, 6 * DAY_TICKS + 1, 21 * DAY_TICKS))
        row: Row = {
            "feature_id": f"f{number}",
            "team_id": random.choice(("red", "blue")),
            "released_at": at(tick),
        }
        row["documentation_url"] = random.choice((None, "https://docs.acme.example"))
        row["needs_documentation"] = random.choice((None, True, True, False))
        features.append(row)
        around = (-30 * DAY_TICKS - 1, -30 * DAY_TICKS, 0, 14 * DAY_TICKS, 14 * DAY_TICKS + 1)
        own = [tick + each for each in random.sample(around, random.randrange(3)) if tick + each <= last]
        edits += [{"feature_id": f"f{number}", "edited_at": at(each)} for each in own]
        is_edited = any(tick - 30 * DAY_TICKS <= each <= tick + 14 * DAY_TICKS for each in own)
        if row["team_id"] != "red" or tick > last:
            continue
        if row["needs_documentation"] is False:
            wanted["excluded"] += 1
        elif row["documentation_url"] is not None and is_edited:
            wanted["documented"] += 1
        else:
            wanted["pending" if tick + 14 * DAY_TICKS >= last else "undocumented"] += 1
    inputs = {"services": TEAMS, "features": features, "feature_documents": edits}
    cell, found = cell_of("fc_docs_with_feature", "team", "red", inputs, as_of_tick=last)
    assert Counter(outcome for _, outcome, _ in found) == wanted
    assert (cell["numerator"], cell["n"]) == (
        wanted["documented"],
        wanted["documented"] + wanted["undocumented"],
    )
