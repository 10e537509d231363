"""The configuration files that a real organisation would have written, for the made-up one.

Here: the text of ``evenhand.toml``, ``people.csv``, ``calendar.csv``, ``services.csv``, ``goals.toml``, and
of ``features.toml`` with its counters, which grow from night to night.
Not here: writing them to a folder (``pipelines``).
"""

import csv
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from io import StringIO

from connectors.demo.calendar import FIRST_NIGHT_UTC
from connectors.demo.features import feature_files
from connectors.demo.on_call import user_id
from connectors.demo.organization import MACHINE_ACCOUNT, Organization
from connectors.demo.tickets import account_id
from connectors.organization.files import (
    ANNOTATIONS_COLUMNS,
    CALENDAR_COLUMNS,
    PEOPLE_COLUMNS,
    SERVICES_COLUMNS,
)


def configuration_files(organization: Organization) -> dict[str, str]:
    """File name and text of each. The last day of a calendar row belongs to it, a ``valid_to`` does not."""
    return {
        "evenhand.toml": _settings(organization),
        "people.csv": _table(PEOPLE_COLUMNS, _people(organization)),
        "calendar.csv": _table(CALENDAR_COLUMNS, _calendar(organization)),
        "services.csv": _table(SERVICES_COLUMNS, _services(organization)),
        "goals.toml": _goals(organization),
        "annotations.csv": _table(ANNOTATIONS_COLUMNS, _annotations(organization)),
        **counted_files(organization, FIRST_NIGHT_UTC),
    }


def counted_files(organization: Organization, until: datetime) -> dict[str, str]:
    """``features.toml`` and what the product has counted by an aware instant."""
    return feature_files(
        organization.features,
        organization.services,
        organization.history,
        seed=organization.seed,
        until=until,
    )


def _settings(organization: Organization) -> str:
    return f"""\
# The made-up organisation of `evenhand demo`. Nobody in it exists.

[organization]
name = "Acme (made up)"
reporting_timezone = "Europe/Berlin"

[storage]
path = "."

[sources.demo]
engineers = {organization.engineers}
months = {organization.months}
seed = {organization.seed}

[people]
roster = "people.csv"
calendar = "calendar.csv"
bots = ["{MACHINE_ACCOUNT.login}"]

[services]
file = "services.csv"

[annotations]
file = "annotations.csv"

[goals]
file = "goals.toml"

[features]
file = "features.toml"
"""


def _goals(organization: Organization) -> str:
    """Goals of some made-up engineers: of the quarter that has just ended, and of the one to come.

    Real ones are landed before their first day. Those of the past are stored late, and say so in the packet.
    """
    day = FIRST_NIGHT_UTC.date()
    this = date(day.year, 3 * ((day.month - 1) // 3) + 1, 1)
    before, after = _months_later(this, -3), _months_later(this, 3)
    stretches = [(before, this), (after, _months_later(after, 3))]
    engineers = [one for one in organization.people if one.accounts]
    reviews = [
        _goal(
            goal_id=f"{person.person}-reviews-{first}",
            owner=f'person = "{person.person}"',
            title="Answer review requests within a day",
            terms=("rq_response_24h", "at_least", 0.9, 10),
            stretch=(first, following),
            denominator="all requests by name",
            parent="Reviews nobody waits for",
        )
        for first, following in stretches
        for person in engineers[:6]
    ]
    bugs = [
        _goal(
            goal_id=f"{person.person}-bugs-{before}",
            owner=f'person = "{person.person}"',
            title="Fewer than two production bugs a sprint",
            terms=("si_prod_bugs_per_sprint", "less_than", 2, 3),
            stretch=(before, this),
            denominator="confirmed production bugs that a ticket traces to a change",
        )
        for person in engineers[:2]
    ]
    coverage = [
        _goal(
            goal_id=f"{team.slug}-coverage-{before}",
            owner=f'team = "{team.slug}"',
            title="Everything merged is approved by a second person",
            terms=("rq_review_coverage", "at_least", 0.95, 20),
            stretch=(before, this),
            denominator="merged changes of the team's services, reverts aside",
        )
        for team in organization.teams
    ]
    return "# Goals of made-up people: see docs/goals.md.\n" + "".join([*reviews, *bugs, *coverage])


def _goal(
    *,
    goal_id: str,
    owner: str,
    title: str,
    terms: tuple[str, str, float, int],
    stretch: tuple[date, date],
    denominator: str,
    parent: str | None = None,
) -> str:
    """A goal as it is written down. ``terms``: metric, comparator, target, fewest cases for a verdict."""
    metric, comparator, target, n_min = terms
    return f"""
[[goal]]
id = "{goal_id}"
{owner}
title = "{title}"
metric = "{metric}"
comparator = "{comparator}"
target = {target}
start = {stretch[0]}
end = {stretch[1] - timedelta(days=1)}
denominator = "{denominator}"
n_min = {n_min}
""" + (f'parent = "{parent}"\n' if parent else "")


def _months_later(first: date, months: int) -> date:
    ordinal = first.year * 12 + first.month - 1 + months
    return date(ordinal // 12, ordinal % 12 + 1, 1)


def _people(organization: Organization) -> Iterable[Sequence[str]]:
    for person in organization.people:
        logins = ";".join(account.login for _, account in person.accounts)
        for stint in person.stints:
            yield (
                person.person,
                person.name,
                person.email,
                stint.team,
                stint.manager,
                stint.role,
                stint.level,
                person.time_zone,
                person.working_days,
                person.place,
                stint.valid_from.isoformat(),
                _day(stint.valid_to),
                logins,
                user_id(person) if person.accounts else "",
                account_id(person) if person.accounts else "",
            )


def _calendar(organization: Organization) -> Iterable[Sequence[str]]:
    for row in organization.days_off:
        yield row.applies_to, row.first_day.isoformat(), row.last_day.isoformat(), row.kind


def _annotations(organization: Organization) -> Iterable[Sequence[str]]:
    """A freeze of everything over the turn of the year, a service that moved, and a team made anew."""
    year = FIRST_NIGHT_UTC.date().year
    service = min(organization.services, key=lambda one: (one.tier, one.service))
    docs = "https://wiki.acme.example"
    yield (
        *(f"{year - 1}-12-18", f"{year}-01-05", "freeze", "*"),
        *("No deployments over the turn of the year", f"{docs}/freeze-{year}"),
    )
    yield (
        *(f"{year}-03-09", f"{year}-04-24", "migration", f"service:{service.service}"),
        *("Moved to the new cluster", f"{docs}/cluster-move"),
    )
    team = organization.teams[0].slug
    yield (f"{year}-05-04", f"{year}-05-15", "reorganisation", f"team:{team}", "Two teams became one", "")


def _services(organization: Organization) -> Iterable[Sequence[str]]:
    for service in organization.services:
        yield (
            service.service,
            str(service.tier),
            service.team,
            service.repository,
            service.label,
            service.valid_from.isoformat(),
            _day(service.valid_to),
        )


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()


def _day(day: date | None) -> str:
    return "" if day is None else day.isoformat()
