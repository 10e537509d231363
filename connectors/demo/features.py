"""Features of the made-up organisation: what was built under which epic, and which customers took it up.

Here: one feature for each team, the pull requests that were built for it, small ones of one team that go out
behind flags, and the text of ``features.toml`` and of the counters it names, as the product would have
recorded them by an instant.
Not here: the tickets of that epic (``tickets``), or reading any of it (``connectors.organization``).
"""

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from io import StringIO
from random import Random

from connectors.demo.calendar import History, day_of
from connectors.demo.services import Repository, Service
from connectors.demo.vocabulary import FEATURE_NAMES, numbered

BUILT_IN = timedelta(days=70)
FIRST_RELEASED_BEFORE_THE_END, APART = timedelta(days=35), timedelta(days=48)
RELEASES = 6
BUILT_FOR_ONE_IN = 3
WEEKS_OF_NEW_ACCOUNTS = 30
FLAGGED_EVERY = timedelta(days=5)
_FLAGGED = [
    f"{how} {what}"
    for what in ("checkout", "returns", "wish lists", "reviews", "vouchers", "search")
    for how in ("Quick", "Bulk", "Inline", "Guest", "Gift", "Shared", "Saved")
]
"""Small things behind flags, the newest last: enough for the share with documentation to say something."""
_KEY_TIERS = (1, 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """A feature that a team built in one repository under one epic, from a day to its release."""

    feature_id: str
    title: str
    team: str
    repository: str
    epic: str
    begun: date
    released: date
    taken_up_share: float
    is_documented: bool


def make_features(repositories: Sequence[Repository], teams: int, history: History) -> tuple[Feature, ...]:
    """One for each of the first repositories, released one after the other before the history's end."""
    titles = numbered(FEATURE_NAMES, teams)
    made = []
    for place, (repository, title) in enumerate(zip(repositories[:teams], titles, strict=False)):
        released = history.end_day - FIRST_RELEASED_BEFORE_THE_END - place % RELEASES * APART
        made.append(
            Feature(
                feature_id=title.replace(" ", "-"),
                title=title.capitalize(),
                team=repository.owner_on(released),
                repository=repository.name,
                epic=f"{repository.ticket_key}-7",
                begun=released - BUILT_IN,
                released=released,
                taken_up_share=(0.72, 0.41, 0.58, 0.27)[place % 4],
                is_documented=place % 4 != 3,
            )
        )
    return tuple(made)


def features_in(features: Iterable[Feature], repository: Repository) -> tuple[Feature, ...]:
    return tuple(feature for feature in features if feature.repository == repository.name)


def story_of(
    features: Iterable[Feature], repository: Repository, number: int, created_at: int
) -> tuple[Feature, str] | None:
    """Which of these features a pull request of this number was built for, and the ticket it names."""
    for feature in features:
        if number % BUILT_FOR_ONE_IN == 0 and feature.begun <= day_of(created_at) < feature.released:
            return feature, f"{repository.ticket_key}-{1000 + number}"
    return None


def feature_files(
    features: Sequence[Feature], services: Sequence[Service], history: History, *, seed: int, until: datetime
) -> dict[str, str]:
    """``features.toml`` and its counters by an aware instant: file name and text of each."""
    counters = [_Counter(feature, seed, until) for feature in features]
    measured = [
        *(("service", name, "latency p95", "ms", 180.0) for name in _key_services(services)),
        *(("feature", feature.feature_id, "satisfaction", "of 5", 3.9) for feature in features),
    ]
    small = _behind_flags(features[min(2, len(features) - 1)].team, history, until) if features else ()
    declared = [*map(_declared, features), *small, *map(_document, measured)]
    files = {"features.toml": "".join([_OPENING, *declared])}
    for counter in counters:
        name = counter.feature.feature_id
        files[f"counters/{name}-eligible.csv"] = _table(
            "account,eligible_from,internal", counter.eligible_rows()
        )
        files[f"counters/{name}-used.csv"] = _table("account,used_at", counter.used_rows())
    active = sorted({row for counter in counters for row in counter.active_rows()})
    files["counters/active.csv"] = _table("account,active_at", active)
    for kind, about, name, _, level in measured:
        rows = _months_of(Random(f"measured {seed} {kind} {about}"), level, history, until)
        files[f"counters/{_slug(name)}-{about}.csv"] = _table("day,value", rows)
    return files


_OPENING = """\
# Features of the made-up organisation: see docs/features.md.

[active]
file = "counters/active.csv"
"""


def _declared(feature: Feature) -> str:
    edited = feature.released - timedelta(days=3)
    documented = f"""\
documentation = "https://docs.acme.example/{feature.feature_id}"
documentation_edits = [{edited}]
"""
    return f"""
[[feature]]
id = "{feature.feature_id}"
title = "{feature.title}"
team = "{feature.team}"
epic = "{feature.epic}"
released = {feature.released}
{documented if feature.is_documented else ""}
[feature.eligible]
file = "counters/{feature.feature_id}-eligible.csv"

[feature.used]
file = "counters/{feature.feature_id}-used.csv"
"""


def _behind_flags(team: str, history: History, until: datetime) -> Iterator[str]:
    """Most have their page; some of the newest get it within their fourteen days, and some need none."""
    first = history.end_day - len(_FLAGGED) * FLAGGED_EVERY
    for place, title in enumerate(_FLAGGED):
        released = first + place * FLAGGED_EVERY
        flag, edited = _slug(title.lower()), released + timedelta(days=(-4, 6, 1)[place % 3])
        if released > until.date():
            continue
        text = f"""
[[feature]]
id = "{flag}"
title = "{title}"
team = "{team}"
flag = "{flag}"
released = {released}
"""
        if place % 13 == 7:
            text += "needs_documentation = false\n"
        elif place % 7 != 3 and edited <= until.date():
            text += f'documentation = "https://docs.acme.example/{flag}"\ndocumentation_edits = [{edited}]\n'
        yield text


def _document(measured: tuple[str, str, str, str, float]) -> str:
    kind, about, name, unit, _ = measured
    return f"""
[[document]]
{kind} = "{about}"
name = "{name}"
unit = "{unit}"
url = "https://dashboards.acme.example/{about}"
file = "counters/{_slug(name)}-{about}.csv"
"""


def _slug(name: str) -> str:
    return name.replace(" ", "-")


def _key_services(services: Sequence[Service]) -> list[str]:
    return sorted({row.service for row in services if row.tier in _KEY_TIERS})


@dataclass(frozen=True, slots=True)
class _Counter:
    """What the product recorded of one feature."""

    feature: Feature
    seed: int
    until: datetime

    def _accounts(self) -> Iterator[tuple[str, datetime, bool, tuple[datetime, ...]]]:
        """Account, eligible since, internal, and when it used the feature."""
        rnd = Random(f"feature {self.seed} {self.feature.feature_id}")
        start = datetime.combine(self.feature.released, time(6), UTC)
        number = 0
        for week in range(WEEKS_OF_NEW_ACCOUNTS):
            for _ in range(60 if week == 0 else 9):
                number += 1
                eligible = start + timedelta(days=7 * week, minutes=rnd.randrange(7 * 1440) if week else 0)
                uses = []
                if rnd.random() < self.feature.taken_up_share:
                    first = eligible + timedelta(days=rnd.expovariate(1 / 6), minutes=3)
                    uses = [first + timedelta(days=3 * turn) for turn in range(rnd.randrange(1, 5))]
                yield f"acc-{self.feature.feature_id}-{number:04d}", eligible, number % 41 == 0, tuple(uses)

    def eligible_rows(self) -> Iterator[tuple[str, ...]]:
        for account, eligible, is_internal, _ in self._accounts():
            if eligible <= self.until:
                yield account, _written(eligible), "true" if is_internal else "false"

    def used_rows(self) -> Iterator[tuple[str, ...]]:
        for account, _, _, uses in self._accounts():
            yield from ((account, _written(at)) for at in uses if at <= self.until)

    def active_rows(self) -> Iterator[tuple[str, ...]]:
        """Nine in ten are active in the product at all."""
        for place, (account, eligible, _, _) in enumerate(self._accounts()):
            at = eligible + timedelta(days=4)
            if place % 10 and at <= self.until:
                yield account, _written(at)


def _months_of(rnd: Random, level: float, history: History, until: datetime) -> Iterator[tuple[str, str]]:
    """A number on the first of each month, wandering about its level."""
    day = history.first_day
    while day <= until.date():
        yield day.isoformat(), f"{level * (0.9 + 0.2 * rnd.random()):.3g}"
        day = (day + timedelta(days=32)).replace(day=1)


def _table(columns: str, rows: Iterable[Sequence[str]]) -> str:
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns.split(","))
    writer.writerows(rows)
    return text.getvalue()


def _written(instant: datetime) -> str:
    return f"{instant:%Y-%m-%dT%H:%M:%SZ}"
