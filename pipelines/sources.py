"""From settings to sources: one line per source, at the end.

Here: the registry, and what each source is built from.
Not here: reading (connectors), landing (``nightly``).
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from connectors.contract import Source
from connectors.records import RECORD_TYPES
from connectors.waiting import Patience
from metrics_catalog.catalogue import load_catalogue
from pipelines.settings import GitHub, Query, Settings, SettingsError
from warehouse.landing import Manifest, newest_known_at

if TYPE_CHECKING:
    from pathlib import Path

    from connectors.demo.organization import Organization
    from connectors.github.client import GitHubSource
    from connectors.github.http import AppKey
    from connectors.tables import Table
    from warehouse.draft import Draft


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """A source the settings ask for, and the record types it lands.

    ``draft`` is what it was answered in a load that has not ended; it ends with the load.
    """

    source: Source
    record_types: tuple[type[Any], ...]
    draft: "Draft | None" = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """What every source is built from.

    Unless ``full``, a source is told what the loads of ``manifests`` know, and reads only what has changed
    since. ``resumes``: it goes on with the load of a run that was killed, and leaves what the next needs for
    that. All sources of a run share its ``patience``. ``at_utc`` is the time of files and tables where no
    load tells one: what is only tried is told the machine's.
    """

    settings: Settings
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    manifests: Sequence[Manifest] = ()
    full: bool = False
    resumes: bool = False
    patience: Patience = field(default_factory=Patience)
    at_utc: datetime | None = None

    @property
    def known_at_utc(self) -> datetime:
        """The time of the newest load of a source that has a server. Raises SettingsError without one."""
        told = [
            each for each in self.manifests if each.source in REGISTRY and REGISTRY[each.source].has_server
        ]
        known_at_utc = newest_known_at(told) or self.at_utc
        if known_at_utc is None:
            raise SettingsError(
                "No source with a server is configured, so nothing tells the time of this run. Nothing was "
                "written. Add [sources.github], [sources.pagerduty] or [sources.jira] to evenhand.toml, or "
                "try `evenhand demo`."
            )
        return known_at_utc


def github(asking: Asking) -> Registered | None:
    """GitHub, or the made-up organisation that answers in its place; None where neither is configured."""
    from connectors.github.resuming import ResumingGitHub
    from connectors.github.transport import Answer
    from connectors.resuming import Resuming
    from pipelines.known import known_to_github
    from transforms.identity import JOURNAL
    from warehouse import journal

    settings, manifests = asking.settings, asking.manifests
    real, demo = settings.sources.github, settings.sources.demo
    if real is not None and demo is not None:
        raise SettingsError(
            "[sources.demo] answers in the place of [sources.github]; only one of them can be configured. "
            "Nothing was run."
        )
    if real is None and demo is None:
        return None
    source = _made_up(asking) if real is None else _over_http(asking, real)
    draft = None
    if real is not None and asking.resumes:
        draft = _draft(asking, "github")
        source.transport = ResumingGitHub(
            transport=source.transport, resuming=Resuming(draft=draft, kind=Answer, usage=source.usage)
        )
    entries = journal.entries(settings.storage_path / "journal", JOURNAL)
    known = known_to_github(manifests, entries, source.server_time(), reads=source.reads)
    source.not_asked, source.unclaimed = known.not_asked, known.unclaimed
    source.names_of = known.names_of
    if not asking.full:
        source.known = known.repositories
    return Registered(source=source, record_types=RECORD_TYPES["github"], draft=draft)


def draft_path(settings: Settings, source: str) -> "Path":
    """Where the answers of a source lie until their load has ended."""
    return settings.storage_path / "work" / f"{source}.draft"


def _draft(asking: Asking, source: str) -> "Draft":
    """What a killed run was answered. Everything that decides what is asked must be as it was."""
    from warehouse.draft import Draft

    loads = [manifest.load_id for manifest in asking.manifests if manifest.source == source]
    stands_on = json.dumps([asking.settings.configuration_hash, asking.full, loads])
    return Draft(
        path=draft_path(asking.settings, source),
        stands_on=hashlib.sha256(stands_on.encode()).hexdigest(),
    )


def jira(asking: Asking) -> Registered | None:
    """Jira, or that of the made-up organisation; None where neither is configured."""
    section, demo = asking.settings.sources.jira, asking.settings.sources.demo
    if section is None and demo is None:
        return None
    from connectors.jira.client import JiraSource
    from connectors.jira.conventions import Convention, Conventions
    from connectors.jira.http import JiraOverHttp
    from connectors.jira.resuming import ResumingJira
    from connectors.jira.transport import Answer, RefusedError
    from connectors.resuming import Resuming
    from pipelines.known import known_tickets

    if section is None:
        from connectors.demo.tickets import WEB_ADDRESS, DemoJira

        organization, now_utc = made_up_night(asking, "jira")
        source = JiraSource(
            transport=DemoJira(organization=organization, now_utc=now_utc), kind="cloud", base_url=WEB_ADDRESS
        )
        if not asking.full:
            source.known = known_tickets(asking.manifests, reads=source.reads)
        return Registered(source=source, record_types=RECORD_TYPES["jira"])
    said: dict[str, Any] = {
        name: Convention(**part.model_dump())
        for name in ("found_in_production", "incident_followup", "postmortem")
        if (part := getattr(section, name)) is not None
    }
    if section.defect_types is not None:
        said["defect_types"] = section.defect_types
    source = JiraSource(
        transport=JiraOverHttp(
            base_url=section.base_url,
            email=section.email,
            token=section.token.read(asking.environment, source="jira"),
            patience=asking.patience,
        ),
        kind=section.kind,
        base_url=section.base_url,
        projects=section.projects,
        since_utc=section.since_utc,
        conventions=Conventions(released_versions=section.released_versions, **said),
    )
    draft = None
    if asking.resumes:
        draft = _draft(asking, "jira")
        resuming = Resuming(draft=draft, kind=Answer, usage=source.usage)
        resuming.refusals += (RefusedError,)
        source.transport = ResumingJira(transport=source.transport, resuming=resuming)
    if not asking.full:
        source.known = known_tickets(asking.manifests, reads=source.reads)
    return Registered(source=source, record_types=RECORD_TYPES["jira"], draft=draft)


def pagerduty(asking: Asking) -> Registered | None:
    """PagerDuty, or that of the made-up organisation; None where neither is configured."""

    section = asking.settings.sources.pagerduty
    if section is None and asking.settings.sources.demo is None:
        return None
    from connectors.pagerduty.client import PagerDutySource
    from pipelines.known import known_account

    draft = None
    if section is None:
        from connectors.demo.on_call import DemoPagerDuty

        organization, now_utc = made_up_night(asking, "pagerduty")
        source = PagerDutySource(transport=DemoPagerDuty(organization=organization, now_utc=now_utc))
    else:
        from connectors.pagerduty.http import PagerDutyOverHttp

        transport = PagerDutyOverHttp(
            base_url=section.base_url,
            token=section.token.read(asking.environment, source="pagerduty"),
            patience=asking.patience,
        )
        source = PagerDutySource(transport=transport, since_utc=section.since_utc)
        if asking.resumes:
            from connectors.pagerduty.resuming import ResumingPagerDuty
            from connectors.pagerduty.transport import Answer
            from connectors.resuming import Resuming

            draft = _draft(asking, "pagerduty")
            source.transport = ResumingPagerDuty(
                transport=transport, resuming=Resuming(draft=draft, kind=Answer, usage=source.usage)
            )
    if not asking.full:
        source.known = known_account(asking.manifests, reads=source.reads)
    return Registered(source=source, record_types=RECORD_TYPES["pagerduty"], draft=draft)


def incidents(asking: Asking) -> Registered | None:
    """The incident tables, told the time of the run's other sources; None where they are not configured."""
    section = asking.settings.sources.incidents
    if section is None:
        return None
    from connectors.incident_tables.tables import IncidentTables

    source = IncidentTables(
        incidents=_table(asking.settings, section.incidents),
        deployments=_table(asking.settings, section.deployments),
        log=_table(asking.settings, section.log),
        shifts=_table(asking.settings, section.shifts),
        known_at_utc=asking.known_at_utc,
    )
    return Registered(source=source, record_types=RECORD_TYPES["incidents"])


def organization(asking: Asking) -> Registered:
    """The organisation's own files, told the time of the run's other sources."""
    from connectors.organization.files import OrganizationSource

    settings = asking.settings
    people, services, goals = settings.people, settings.services, settings.goals
    source = OrganizationSource(
        people=_roster(settings),
        calendar=settings.path(people.calendar) if people.calendar else None,
        services=settings.path(services.file) if services.file else None,
        annotations=settings.path(settings.annotations.file) if settings.annotations.file else None,
        backstage=services.backstage,
        folder=settings.folder,
        goals=settings.path(goals.file) if goals.file else None,
        goal_metrics=goal_metrics(),
        goal_shares=goal_shares(),
        survey=settings.path(settings.survey.file) if settings.survey.file else None,
        survey_columns=settings.survey.columns.model_dump(),
        features=settings.path(settings.features.file) if settings.features.file else None,
        reporting_timezone=settings.organization.reporting_timezone,
        known_at_utc=asking.known_at_utc,
    )
    return Registered(source=source, record_types=RECORD_TYPES["organization"])


def _roster(settings: Settings) -> "Path | Table | None":
    roster = settings.people.roster
    return (
        _table(settings, roster) if isinstance(roster, Query) else settings.path(roster) if roster else None
    )


def _table(settings: Settings, written: str | Query | None) -> "Table | None":
    """A file, a SELECT, or one with what it attaches; paths count from evenhand.toml."""
    from connectors.tables import Table, table_of

    if isinstance(written, Query):
        return Table(folder=settings.folder, sql=written.sql, attach=written.attach)
    return table_of(written, settings.folder) if written is not None else None


def goal_metrics() -> dict[str, frozenset[str]]:
    """The metrics a goal can name, with whom each describes: shares and rates have a target and a margin.

    Load carried is nobody's merit, so no person has a goal on it.
    """
    return {
        metric.id: frozenset(metric.subject_kinds) - ({"person"} if metric.direction == "load" else set())
        for metric in load_catalogue().values()
        if metric.statistic in ("share", "rate")
    }


def goal_shares() -> frozenset[str]:
    """Those of them whose target is a share."""
    return frozenset(metric.id for metric in load_catalogue().values() if metric.statistic == "share")


def _over_http(asking: Asking, section: GitHub) -> "GitHubSource":
    from connectors.github.client import GitHubSource
    from connectors.github.http import GitHubOverHttp

    if not section.organizations and not section.repositories:
        raise SettingsError(
            "[sources.github] names neither organizations nor repositories, so there is nothing to read. "
            "Nothing was run."
        )
    transport = GitHubOverHttp(
        base_url=section.base_url,
        credential=_credential(asking, section),
        patience=asking.patience,
    )
    return GitHubSource(
        transport=transport,
        organizations=section.organizations,
        repositories=section.repositories,
        left_out=section.left_out,
        since_utc=section.since_utc,
        deployments=bool(section.deployment_environments),
        released_by=section.released_by,
    )


def _credential(asking: Asking, section: GitHub) -> "str | AppKey":
    from connectors.github.http import AppKey

    if section.token is not None:
        return section.token.read(asking.environment, source="github")
    assert section.app is not None
    path = asking.settings.path(section.app.private_key_file)
    try:
        private_key = path.read_text("ascii")
    except (OSError, UnicodeDecodeError) as problem:
        raise SettingsError(
            f"The GitHub App's private key cannot be read: {path} ({type(problem).__name__}). Nothing was "
            "run. [sources.github] app.private_key_file names the PEM file that GitHub made for the App."
        ) from None
    return AppKey(app_id=section.app.id, installation_id=section.app.installation, private_key=private_key)


def _made_up(asking: Asking) -> "GitHubSource":
    """The next night of the made-up organisation."""
    from connectors.demo.pages import DemoTransport
    from connectors.github.client import GitHubSource

    organization, now_utc = made_up_night(asking, "github")
    return GitHubSource(
        transport=DemoTransport(organization=organization, now_utc=now_utc),
        organizations=("acme",),
        deployments=True,
    )


def made_up_night(asking: Asking, source: str) -> tuple["Organization", datetime]:
    """The made-up organisation, a day after the newest night that a source landed."""
    from connectors.demo.calendar import FIRST_NIGHT_UTC
    from connectors.demo.organization import make_organization

    section = asking.settings.sources.demo
    assert section is not None
    organization = make_organization(engineers=section.engineers, months=section.months, seed=section.seed)
    nights = [manifest.known_at_utc for manifest in asking.manifests if manifest.source == source]
    return organization, max(nights) + timedelta(days=1) if nights else FIRST_NIGHT_UTC


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """How a source is built. One without a server is told the time of those with one, and comes after."""

    build: Callable[[Asking], Registered | None]
    has_server: bool = True


REGISTRY: Mapping[str, Registration] = {
    "github": Registration(build=github),
    "pagerduty": Registration(build=pagerduty),
    "jira": Registration(build=jira),
    "incidents": Registration(build=incidents, has_server=False),
    "organization": Registration(build=organization, has_server=False),
}
"""In the order of a night."""
