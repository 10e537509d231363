"""What a night needs, tried one by one.

Here: what is looked at and the words for it.
Not here: mending it. Nothing is written.
"""

import difflib
import os
import shutil
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.metadata import version

import duckdb

from connectors.contract import Gap, Page
from connectors.errors import StopScopeError, StopSourceError
from connectors.github.client import GitHubSource
from connectors.jira.client import JiraSource
from connectors.organization.records import ServiceRow
from connectors.pagerduty.client import PagerDutySource
from connectors.waiting import Patience, duration
from packets.words import counted, listed, plain
from pipelines import identities, sources
from pipelines.nightly import Night
from pipelines.persons import JOURNAL as PERSONS_JOURNAL
from pipelines.settings import SettingsError
from pipelines.sources import Asking
from pipelines.yields import deployment_findings, metric_findings
from transforms.causes import JOURNAL as CAUSES_JOURNAL
from transforms.identity import JOURNAL as IDENTITY
from transforms.identity import IdentityError, replay
from transforms.local_time import corrections
from warehouse import journal
from warehouse.connection import DatabaseBusyError, connect_reading
from warehouse.journal import JournalError
from warehouse.landing import LandingError, newest_known_at
from warehouse.publish import FULL

CLOCK_TOLERANCE = timedelta(minutes=2)
ENOUGH_FREE_BYTES = 1_000_000_000
"""A night writes its load, a working database, two published files beside those of before, and a spare."""
MAY_WAIT_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at."""

    is_fine: bool
    text: str


def examine(night: Night, now_utc: datetime) -> list[Finding]:
    """Everything, in the order in which a night needs it. ``now_utc`` is this machine's time."""
    parts = (
        ("Storage", _storage(night)),
        ("Journals", _journals(night)),
        ("GitHub", _github(night, now_utc)),
        ("Jira, PagerDuty", _others(night, now_utc)),
        ("Files", _files(night, now_utc)),
        ("Published", _database(night)),
    )
    return [finding for name, part in parts for finding in _told(name, part)]


def _told(name: str, part: Iterator[Finding]) -> Iterator[Finding]:
    """What a part finds; what ends it is a finding too, and the other parts are looked at all the same."""
    try:
        yield from part
    except (JournalError, IdentityError) as problem:
        if name == "Journals":
            yield Finding(is_fine=False, text=f"{name}: {problem}")
        else:
            yield Finding(is_fine=False, text=f"{name}: not tried; the journal named above comes first.")
    except (LandingError, SettingsError, DatabaseBusyError, OSError, duckdb.Error) as problem:
        yield Finding(is_fine=False, text=f"{name}: {problem}")


def _storage(night: Night) -> Iterator[Finding]:
    """Whether a night could write: looked at, never tried."""
    wanted = night.settings.storage_path.absolute()
    there = next(folder for folder in (wanted, *wanted.parents) if folder.exists())
    if not there.is_dir():
        told = f"Storage: {there} is a file; a folder was wanted ([storage] path in evenhand.toml)."
        yield Finding(is_fine=False, text=told)
        return
    closed = [
        folder
        for folder in (there, *(there / name for name in _WRITTEN if there == wanted))
        if folder.exists() and not os.access(folder, os.W_OK | os.X_OK)
    ]
    if closed:
        told = f"Storage: this user may not write in {closed[0]}. Give it to the user who runs Evenhand."
        yield Finding(is_fine=False, text=told)
    free = shutil.disk_usage(there).free
    database = night.working_path
    needed = max(ENOUGH_FREE_BYTES, 4 * database.stat().st_size if database.exists() else 0)
    words = f"Storage: {free / 1e9:,.1f} GB are free in {there}"
    if free < needed:
        yield Finding(
            is_fine=False,
            text=f"{words}; a night wants {needed / 1e9:,.1f}. Free some: as-of/ can be deleted at any time.",
        )
    elif not closed:
        yield Finding(is_fine=True, text=f"{words}.")


_WRITTEN = ("landing", "journal", "work", "published", "dagster")


def _journals(night: Night) -> Iterator[Finding]:
    """Every journal, read as a night would; one that cannot be read stops it."""
    folder = night.settings.storage_path / "journal"
    lines = {name: journal.entries(folder, name) for name in (IDENTITY, CAUSES_JOURNAL, PERSONS_JOURNAL)}
    replay(lines[IDENTITY])
    yield Finding(
        is_fine=True, text=f"Journals: {counted(sum(map(len, lines.values())), 'entry', 'entries')}."
    )


def _asking(night: Night) -> Asking:
    """As a first night would ask, and with little patience."""
    return Asking(
        settings=night.settings,
        environment=night.environment,
        full=True,
        patience=Patience(may_wait_seconds=MAY_WAIT_SECONDS),
    )


def _github(night: Night, now_utc: datetime) -> Iterator[Finding]:
    try:
        registered = sources.github(_asking(night))
        if registered is None:
            yield Finding(is_fine=False, text="GitHub: not configured ([sources.github] in evenhand.toml).")
            return
        source = registered.source
        assert isinstance(source, GitHubSource)
        served_at_utc = source.server_time()
    except (SettingsError, StopSourceError, StopScopeError) as problem:
        yield Finding(is_fine=False, text=f"GitHub: {problem}")
        return
    if night.settings.sources.github is None:
        yield Finding(
            is_fine=True,
            text="Demo: a made-up organisation answers in the place of GitHub; nothing in it is real "
            f"([sources.demo] in evenhand.toml; {served_at_utc:%Y-%m-%d %H:%M} UTC).",
        )
    else:
        key = "token" if night.settings.sources.github.app is None else "App"
        yield Finding(
            is_fine=True,
            text=f"GitHub: it answers, and takes the {key} ({served_at_utc:%Y-%m-%d %H:%M} UTC).",
        )
        yield _clock(now_utc, served_at_utc, of="GitHub")
    try:
        yield from _seen(night, source)
    except (StopSourceError, StopScopeError) as problem:
        yield Finding(is_fine=False, text=f"GitHub: {problem}")


def _seen(night: Night, source: GitHubSource) -> Iterator[Finding]:
    """The repositories the token can see, and what it may not read of them."""
    whose = "Demo" if night.settings.sources.github is None else "GitHub"
    visible: list[str] = []
    for found in source.visible():
        if isinstance(found, Gap):
            yield Finding(is_fine=False, text=f"{whose}: {found.message}")
        else:
            visible.append(found)
    yield Finding(is_fine=bool(visible), text=f"{whose}: {len(visible)} repositories are visible.")
    if visible and night.settings.sources.github is not None:
        refused = [
            Finding(is_fine=False, text=f"GitHub: {gap.message}") for gap in source.lacking(visible[0])
        ]
        yield from refused
        if not refused:
            yield Finding(
                is_fine=True, text=f"GitHub: every permission a night needs is there ({visible[0]})."
            )


def _clock(now_utc: datetime, served_at_utc: datetime, *, of: str) -> Finding:
    skew = abs(now_utc - served_at_utc)
    way = "ahead of" if now_utc > served_at_utc else "behind"
    words = f"this machine's clock is {duration(skew.total_seconds())} {way} that of {of}"
    harmless = "; no number depends on it, but schedules, certificates and the tokens of an App do. Set it"
    is_fine = skew <= CLOCK_TOLERANCE
    return Finding(is_fine=is_fine, text=f"Clock: {words}{'' if is_fine else harmless}.")


def _others(night: Night, now_utc: datetime) -> Iterator[Finding]:
    """Jira and PagerDuty where they are configured: do they answer and take the token; their clock."""
    for name, source_of in (("Jira", sources.jira), ("PagerDuty", sources.pagerduty)):
        try:
            registered = source_of(_asking(night))
            if registered is None:
                continue
            served_at_utc = registered.source.server_time()
        except (SettingsError, StopSourceError, StopScopeError) as problem:
            yield Finding(is_fine=False, text=f"{name}: {problem}")
            continue
        answers = f"{name}: it answers, and takes the token ({served_at_utc:%Y-%m-%d %H:%M} UTC)."
        yield Finding(is_fine=True, text=answers)
        if night.settings.sources.demo is None:  # the made-up organisation has a time of its own
            yield _clock(now_utc, served_at_utc, of=name)
        if isinstance(registered.source, JiraSource):
            yield from _projects(registered.source)
        if isinstance(registered.source, JiraSource | PagerDutySource):
            yield from _lacking(name, registered.source)


def _lacking(name: str, source: JiraSource | PagerDutySource) -> Iterator[Finding]:
    """What the account or key may not read of what a night reads."""
    refused = False
    try:
        for gap in source.lacking():
            refused = True
            yield Finding(is_fine=False, text=f"{name}: {gap.message}")
    except (StopSourceError, StopScopeError) as problem:
        yield Finding(is_fine=False, text=f"{name}: {problem}")
        return
    if not refused:
        yield Finding(is_fine=True, text=f"{name}: every permission a night needs is there.")


def _projects(source: JiraSource) -> Iterator[Finding]:
    """The projects that the account can see, and those of the configuration that it cannot."""
    seen = []
    for found in source.visible():
        if isinstance(found, Gap):
            yield Finding(is_fine=False, text=f"Jira: {found.message}")
        else:
            seen.append(found)
    yield Finding(
        is_fine=bool(seen), text=f"Jira: {len(seen)} projects are read: {', '.join(seen) or 'none'}."
    )


def _files(night: Night, now_utc: datetime) -> Iterator[Finding]:
    """The newest load, then every file and table as a night would read it now."""
    manifests = night.landing.manifests()
    known_at_utc = newest_known_at(manifests)
    if known_at_utc is None:
        yield Finding(is_fine=False, text="Loads: none yet. `evenhand run` pulls the first.")
    else:
        words = f"Loads: {len(manifests)}, the newest of {known_at_utc:%Y-%m-%d %H:%M} UTC."
        yield Finding(is_fine=True, text=words)
    asking = Asking(
        settings=night.settings, environment=night.environment, manifests=manifests, at_utc=now_utc
    )
    services: set[str] = set()
    try:
        for registered in (sources.organization(asking), sources.incidents(asking)):
            for page in registered.source.pages() if registered is not None else ():
                yield _read(page)
                if isinstance(page, Page):
                    services |= {row.service_id for row in page.records if isinstance(row, ServiceRow)}
    except StopSourceError as problem:
        yield Finding(is_fine=False, text=str(problem))
    yield from _targets(night.settings.services.ack_target_minutes, services)


def _read(page: Page | Gap) -> Finding:
    """How many rows a file has, and the first that would be left out."""
    if isinstance(page, Gap):
        return Finding(is_fine=False, text=page.message)
    bad = f"; {len(page.rejected)} rejected: {page.rejected[0].message}" if page.rejected else "."
    return Finding(is_fine=not page.rejected, text=f"{page.scope}: {counted(len(page.records), 'row')}{bad}")


def _targets(targets: Mapping[str, float], services: Collection[str]) -> Iterator[Finding]:
    """Targets of pages that belong to no service: they would change no figure, and nobody would notice."""
    for name in targets:
        if name not in services:
            by_folded = {known.casefold(): known for known in services}
            nearest = difflib.get_close_matches(name.casefold(), by_folded, n=1)
            hint = f" Did you mean {by_folded[nearest[0]]}?" if nearest else ""
            yield Finding(
                is_fine=False,
                text=f"[services] ack_target_minutes: {name} is no service of services.csv or Backstage, so "
                f"its target counts for no page.{hint}",
            )


def _database(night: Night) -> Iterator[Finding]:
    try:
        with connect_reading(night.published_folder / FULL) as connection:
            about_identities = list(identities.findings(connection))
            failed = connection.execute(
                "SELECT table_name, wanted, observed FROM ops.checks WHERE NOT passed ORDER BY ALL"
            ).fetchall()
            about_metrics = [*metric_findings(connection), *deployment_findings(connection)]
            about_zones = zones_of(connection)
            about_services = list(services_of(connection))
    except DatabaseBusyError as problem:
        which = "another" if (night.published_folder / FULL).exists() else "the first"
        yield Finding(is_fine=False, text=f"Published: {problem} `evenhand run` publishes {which}.")
        return
    for is_fine, text in about_identities:
        yield Finding(is_fine=is_fine, text=text)
    for table, wanted, observed in failed:
        yield Finding(is_fine=False, text=f"{table}: wanted {wanted}; found {observed}.")
    yield from about_services
    yield about_zones
    for is_fine, text in about_metrics:
        yield Finding(is_fine=is_fine, text=text)


def services_of(connection: duckdb.DuckDBPyConnection) -> Iterator[Finding]:
    """Services with incidents, and repositories with merges, of which no services file tells.

    A repository may well be no service, so that is only said; a service that pages somebody is one.
    """
    paging, merging = (
        [plain(name) for (name,) in connection.execute(query).fetchall()]
        for query in (_UNLISTED_SERVICES, _UNLISTED_REPOSITORIES)
    )
    if paging:
        found = counted(len(paging), "PagerDuty service has incidents", "PagerDuty services have incidents")
        missed = "these are in no team's figures"
        text = f"Services: {found} and no row in the services file: {listed(paging)}; {missed}."
        yield Finding(is_fine=False, text=text)
    if merging:
        found = counted(len(merging), "repository has", "repositories have")
        missed = "what is merged there is a change of no service"
        text = f"Services: {found} no row in the services file: {listed(merging)}; {missed}."
        yield Finding(is_fine=True, text=text)


def zones_of(connection: duckdb.DuckDBPyConnection) -> Finding:
    """The zones of the roster and of months, and those whose clocks DuckDB's own data tell otherwise, in the
    days that the database is of."""
    zones = {zone for (zone,) in connection.execute("SELECT DISTINCT tz FROM core.people").fetchall() if zone}
    zones |= {zone for (zone,) in connection.execute("SELECT DISTINCT tz FROM core.roster").fetchall()}
    zones |= {zone for (zone,) in connection.execute(_REPORTING_ZONE).fetchall()}
    days = connection.execute("SELECT min(start_utc), max(end_utc) FROM trends.period_states").fetchall()
    ((begin, end),) = days
    authority, told = f"tzdata {version('tzdata')}", []
    for zone in sorted(zones) if begin else ():
        parts = [one for one in corrections(zone) if one.start_utc < end and one.end_utc > begin]
        if parts:
            since = max(parts[0].start_utc, begin)
            told.append(f"{zone} from about {since:%Y-%m-%d} on")
    if told:
        words = (
            f"DuckDB's data differ from {authority} for {', '.join(told)}; tzdata's are taken everywhere."
            " Where clocks were changed lately, see that tzdata is current"
        )
    else:
        words = f"{counted(len(zones), 'zone')} in use, of which {authority} and DuckDB tell the same"
    return Finding(is_fine=True, text=f"Time zones: {words}.")


_REPORTING_ZONE = "SELECT reporting_timezone FROM ops.publication"
_UNLISTED_SERVICES = """
SELECT name
FROM core.source_services
WHERE service_id IN (SELECT service_id FROM core.incidents)
ORDER BY name
"""
_UNLISTED_REPOSITORIES = """
SELECT repositories.name_with_owner
FROM core.repositories AS repositories
JOIN core.pull_requests AS pulls ON pulls.repository_id = repositories.repository_id
WHERE pulls.merged_at_utc IS NOT NULL
GROUP BY repositories.name_with_owner
HAVING max(len(pulls.service_ids)) = 0
ORDER BY repositories.name_with_owner
"""
