"""Random inputs of the shared methods, in the form of the worked examples: many ties, holes and boundaries.

Not here: what must come of them (plain_methods, test_plain_methods).
"""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

Case = dict[str, Any]
EFFECTS: tuple[Case, ...] = (
    *({"kind": "abs", "value": size} for size in (0.1, 0.05, 0.001)),
    *({"kind": "rel", "value": 0.25, "floor": floor} for floor in (1.0, 0.25)),
)
DIRECTIONS = ("higher_is_better", "lower_is_better", "neutral", "load")
_HOLES = ("absent", "insufficient", "no_activity", "source_gap", "not_in_role")
_WORDS: dict[str, Case] = {
    "share": {
        "case": "pages answered within target",
        "misses": {"a": "escalated", "b": "answered late", "c": "not answered"},
        "pending": "still open",
    },
    "median": {"case": "pages answered", "unit": "minutes", "open": "not answered", "pending": "still open"},
    "rate": {"case": "incidents", "unit": "per shift of 12 h", "exposure": "shifts", "pending": "still open"},
}


def month_name(ordinal: int) -> str:
    return f"{(ordinal - 1) // 12}-{(ordinal - 1) % 12 + 1:02d}"


def series(random: Random) -> list[Case]:
    """Up to sixteen months of one of six temperaments, with gaps, holes, roles, and an unsettled end."""
    first, length = 2025 * 12 + random.randint(1, 12), random.randint(0, 16)
    kind = random.choice(("share", "few", "hours", "binary", "walk", "step"))
    is_whole = random.random() < 0.3
    found, segment = [], 0
    for at in range(length):
        if random.random() < 0.08:
            continue
        segment += random.random() < 0.05
        value = {
            "share": round(random.random(), random.choice((1, 2, 6))),
            "few": random.choice((0.8, 0.9, 1.0)),
            "hours": float(random.randint(0, 8)),
            "binary": float(random.random() < 0.5),
            "walk": round(at * 0.05 + random.choice((0, 0.01, 0.02, -0.01)), 2),
            "step": 1.0 if at < length / 2 + random.randint(-1, 1) else 0.6,
        }[kind]
        status = "ok" if is_whole or random.random() < 0.7 else random.choice(_HOLES)
        is_late = at >= length - 2 and random.random() < 0.3
        state = random.choice(("provisional", "partial")) if is_late else "final"
        found.append(
            {
                "month": month_name(first + at),
                "value": value if status == "ok" else None,
                "status": status,
                "state": state,
                "segment": segment,
            }
        )
    return found


def quarter(random: Random) -> Case:
    """A quarter and the months around it: shares, rates and medians, few or many cases."""
    unit, size = random.choice(("share", "median", "rate")), random.choice((2, 4, 6, 10, 25))
    before, now = (random.choice((0.0, 0.1, 0.5, 0.9, 1.0)) for _ in range(2))
    months, segment = [], 0
    for at in range(-2, 14):
        if random.random() < 0.1:
            continue
        segment += random.random() < 0.05
        month: Case = {"month": month_name(2025 * 12 + 7 + at), "segment": segment}
        if random.random() < 0.08:
            month["status"] = random.choice((*_HOLES[:1], *_HOLES[3:], "insufficient"))
        p, n = now if at >= 9 else before, random.randint(0, size)
        p = 1 - p if random.random() < 0.1 else p
        if unit == "share":
            month |= {"denominator": n, "numerator": sum(random.random() < p for _ in range(n))}
        elif unit == "rate":
            exposure = random.choice((0.0, 1.0, 2.5, 5.0, random.random() * 5))
            events = sum(random.random() < p for _ in range(random.randint(0, 8)))
            month |= {"exposure": exposure, "numerator": events if exposure else 0}
        else:
            closed = [_amount(random, 20) + p * 10 for _ in range(min(n, 8))]
            still_open = [float(random.randint(20, 60)) for _ in range(random.choice((0, 0, 0, 1, 3)))]
            month |= {"closed": closed, "open_so_far": still_open}
        months.append(month)
    return {
        "unit": unit,
        "direction": random.choice(DIRECTIONS),
        "min_effect": random.choice(EFFECTS),
        "n_min": random.choice((3, 6, 10)),
        "quarter": "2026-Q2",
        "quarter_state": random.choice((*["final"] * 8, "provisional", "partial")),
        "months": months,
    }


def ladder(random: Random) -> Case:
    """A year and a half of few cases, in any order; one kind of miss has no words."""
    unit = random.choice(("share", "median", "rate"))
    name = random.choice(("2026-Q2", "2026-Q1", "2025-Q4"))
    end, size = int(name[:4]) * 12 + 3 * int(name[6]), random.choice((0, 1, 1, 2, 4, 8))
    months, segment = [], 0
    for at in range(end - 15, end + 3):
        if random.random() < 0.5:
            continue
        segment += random.random() < 0.08
        month: Case = {"month": month_name(at), "segment": segment}
        n = random.randint(0, size)
        if random.random() < 0.2:
            month["n_pending"] = random.randint(0, 2)
        if unit == "share":
            hits = sum(random.random() < 0.7 for _ in range(n))
            kinds = [random.choice("abcz") for _ in range(n - hits)]
            misses = {kind: kinds.count(kind) for kind in {*kinds, *random.choice(("", "a"))}}
            month |= {"numerator": hits, "denominator": n, "misses": misses}
        elif unit == "rate":
            exposure = random.choice((0.0, 1.5, 2.0, round(random.random() * 6, 2), 13.0))
            month |= {"exposure": exposure, "numerator": random.randint(0, 3) if exposure else 0}
        else:
            closed = [_amount(random, random.choice((1, 30, 900))) for _ in range(n)]
            still_open = [float(random.randint(5, 99)) for _ in range(random.choice((0, 0, 1, 2)))]
            month |= {"closed": closed, "open_so_far": still_open}
        months.append(month)
    random.shuffle(months)
    return {
        "unit": unit,
        "quarter": name,
        "n_min": random.choice((1, 3, 6, 10)),
        "words": _WORDS[unit],
        "months": months,
        "withheld": random.random() < 0.03,
    }


def _amount(random: Random, highest: float) -> float:
    return random.choice((float(random.randint(0, 6)), round(random.random() * highest, 2)))


def goal(random: Random) -> Case:
    """A goal with the figures that are about to meet or miss it."""
    kind = random.choice(("share", "rate"))
    targets = {
        "share": (0.0, 0.05, 0.1, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0),
        "rate": (0.0, 0.25, 0.5, 1.0, 2.0, 2.5),
    }
    target = random.choice(targets[kind])
    n: float = (
        random.choice((0, 1, 5, 10, 20, 37, 100)) if kind == "share" else random.choice((0.0, 1.0, 2.5, 6.0))
    )
    k = max(0, round(n * target) + random.randint(-3, 3))
    agreed: Case = {"kind": kind, "target": target, "n_min": random.choice((1, 3, 10))}
    agreed["comparator"] = random.choice(("at_least", "at_most", "less_than"))
    if random.random() < 0.4:
        agreed["expected_n"] = random.choice((1.5, 5, 20, 35, 40, 100))
    if kind == "share" and random.random() < 0.4:
        hits = random.randint(0, 12)
        agreed["baseline"] = {"numerator": hits, "denominator": hits + random.randint(0, 5)}
    state = random.choice(("so_far", "maturing", "final"))
    return {"goal": agreed, "k": min(k, int(n)) if kind == "share" else k if n else 0, "n": n, "state": state}


def reviews(random: Random) -> dict[str, list[Case]]:
    """Pull requests around the end of March in New York, asked for, asked again and reviewed on few instants;
    dan changes teams in one of them. Instants are UTC, without zone."""
    instants = [datetime(2026, 4, 1, 3, 59, 59, tzinfo=UTC) + timedelta(seconds=step) for step in (0, 1, 2)]
    instants += [instants[1] + timedelta(hours=hours) for hours in (-40, -30, -20, -10, 10, 20, 800)]
    at = [instant.replace(tzinfo=None) for instant in instants]
    people, moved = ("ann", "bob", "dan"), random.choice(at)
    found: dict[str, list[Case]] = {
        "people": [{"person_id": who, "is_bot": who == "robot"} for who in (*people, "robot")],
        "memberships": [
            {"person_id": "ann", "team_id": "red", "from_at": None, "to_at": None},
            {"person_id": "dan", "team_id": "red", "from_at": None, "to_at": moved},
            {"person_id": "dan", "team_id": "blue", "from_at": moved, "to_at": None},
        ],
        **{name: [] for name in ("pull_requests", "pr_events", "reviews")},
    }
    for number in range(40):
        pr_id = f"pr{number}"
        author = random.choice((*people, "robot", None))
        found["pull_requests"].append({"pr_id": pr_id, "author_id": author, "created_at": min(at)})
        for _ in range(random.randint(0, 3)):
            team = random.choice((None, "red", "blue"))
            found["pr_events"].append(
                {
                    "pr_id": pr_id,
                    "type": random.choice(("review_requested", "review_requested", "review_request_removed")),
                    "occurred_at": random.choice(at),
                    "requested_team_id": team,
                    "reviewer_id": None if team else random.choice(people),
                }
            )
        for _ in range(random.randint(0, 4)):
            state = random.choice(("APPROVED", "COMMENTED", "DISMISSED", "CHANGES_REQUESTED", "PENDING"))
            found["reviews"].append(
                {
                    "pr_id": pr_id,
                    "reviewer_id": random.choice((*people, "robot")),
                    "state": state,
                    "submitted_at": None if state == "PENDING" else random.choice(at),
                }
            )
    return found


def groups(random: Random) -> dict[str, dict[str, int]]:
    """A table of one to four groups around the minimum of five people."""
    return {
        f"g{group}": {
            f"p{group}{person}": random.choice((0, 1, 2, 3, 5, 10, 20, 40))
            for person in range(random.choice((1, 4, 5, 5, 6, 8)))
        }
        for group in range(random.randint(1, 4))
    }


_MARKERS = (
    "nit Nit nits nitpick nitpicks micro-nit micronit style-nit NIT nit-picking nitro typo Typo polish "
    "quibble praise suggestion issue todo TODO question thought chore note Note notes bug _nit_ **nit** "
    "**issue** _typo_"
).split()
_MIDDLES = (
    ":",
    ": ",
    " : ",
    " (blocking): ",
    "(non-blocking, if-minor): ",
    " (x) ",
    " ",
    ", ",
    "",
    "\n",
    ":** ",
    "_: ",
)
_TEXTS = (
    "lgtm LGTM thanks +1 1 ok 👍 🎉 :shipit: :+1: :tada: @ben @acme/review-team @octo_cat "
    "https://x.example/a?b=c http://a.example 7b3a9f0c21 deadbeef abcdef A1B2C3D review code x why "
    "良い é good approved done ship it ACK -"
).split()


def comment(random: Random) -> str:
    """A marker or not, and a few words, some of which say nothing."""
    words = " ".join(random.choice(_TEXTS) for _ in range(random.randint(0, 3)))
    block = random.choice(("", "", "", "\n```suggestion\nx()\n```", "\n```python\nx()\n```"))
    lead = random.choice(("", "", " ", "** ", "\n"))
    marker = random.choice(_MARKERS) + random.choice(_MIDDLES) if random.random() < 0.6 else ""
    return f"{lead}{marker}{words}{block}"
