"""Landing files made of small records, and core built from them.

Here: records with everything a test does not care about filled in, loads of them, and the build.
Not here: what core should make of them.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb

from connectors.github import records as github
from connectors.organization import records as organization
from connectors.records import RECORD_TYPES
from tests.transforms.world import aware
from transforms.build import BuildSettings, build_core_tables, build_fact_tables, build_trend_tables
from transforms.core.build import CoreSettings
from warehouse.connection import connect
from warehouse.landing import Landing, Manifest, choose_loads

API = "github:1"


def repository(name: str = "acme/api", number: int = 1, branch: str | None = "main") -> github.Repository:
    return github.Repository(
        repository_id=f"github:{number}",
        name_with_owner=name,
        source_url=f"https://github.example/{name}",
        default_branch=branch,
    )


def account(number: int, login: str, kind: github.AccountKind = "user") -> github.Account:
    return github.Account(account_id=f"github:user/{number}", login=login, kind=kind)


def pull(
    number: int = 1, *, author: int | None = 1, repository_id: str = API, **more: Any
) -> github.PullRequest:
    """Pull request ``number``, opened on 2 March 2026; merged is closed too."""
    given: dict[str, Any] = {
        "created_at_utc": "2026-03-02 09:00",
        "closed_at_utc": more.get("merged_at_utc"),
        "merged_at_utc": None,
        "first_commit_at_utc": None,
        "is_draft": False,
        "base_branch": "main",
        "labels": (),
        "reverts_ref": None,
        "title": "A change",
    } | more
    for name in ("created_at_utc", "first_commit_at_utc", "closed_at_utc", "merged_at_utc"):
        given[name] = None if given[name] is None else aware(given[name])
    return github.PullRequest(
        pull_request_id=f"{repository_id}/pull/{number}",
        node_id=f"node-{number}",
        repository_id=repository_id,
        number=number,
        source_url=f"https://github.example/{number}",
        author_account_id=user(author),
        updated_at_utc=given["created_at_utc"],
        **given,
    )


def event(
    kind: github.EventType, at: str, *, pull_number: int = 1, key: str | None = None, **more: Any
) -> github.PullRequestEvent:
    return github.PullRequestEvent(
        event_id=key or f"{kind} {at}",
        pull_request_id=f"{API}/pull/{pull_number}",
        type=kind,
        occurred_at_utc=aware(at),
        **more,
    )


def review(
    number: int, author: int | None, at: str, *, state: github.ReviewState = "COMMENTED"
) -> github.Review:
    return github.Review(
        review_id=f"review-{number}",
        node_id=f"PRR_{number}",
        pull_request_id=f"{API}/pull/1",
        author_account_id=user(author),
        state=state,
        submitted_at_utc=aware(at),
        body="",
        source_url="",
    )


def thread(number: int) -> github.ReviewThread:
    return github.ReviewThread(
        thread_id=f"thread-{number}",
        pull_request_id=f"{API}/pull/1",
        is_resolved=False,
        is_outdated=False,
    )


def comment(number: int, author: int | None, at: str, *, thread_number: int = 1) -> github.ReviewComment:
    return github.ReviewComment(
        comment_id=f"comment-{number}",
        node_id=f"PRRC_{number}",
        thread_id=f"thread-{thread_number}",
        pull_request_id=f"{API}/pull/1",
        author_account_id=user(author),
        created_at_utc=aware(at),
        body="why?",
        source_url="",
    )


def user(number: int | None) -> str | None:
    return None if number is None else f"github:user/{number}"


def person(person_id: str, *logins: str, **more: Any) -> organization.RosterRow:
    given: dict[str, Any] = {
        "name": person_id.title(),
        "email": None,
        "team_id": "core",
        "manager_id": None,
        "role": "engineer",
        "level": "3",
        "time_zone": "UTC",
        "working_days": (1, 2, 3, 4, 5),
        "place": None,
        "valid_from": None,
        "valid_to": None,
    } | more
    for name in ("valid_from", "valid_to"):
        given[name] = None if given[name] is None else date.fromisoformat(given[name])
    return organization.RosterRow(person_id=person_id, github=logins, pagerduty=(), jira=(), **given)


def off(
    applies_to: str, first: str, last: str | None = None, kind: Any = "holiday"
) -> organization.CalendarRow:
    return organization.CalendarRow(
        applies_to=applies_to,
        first_day=date.fromisoformat(first),
        last_day=date.fromisoformat(last or first),
        kind=kind,
    )


def service(service_id: str, **more: Any) -> organization.ServiceRow:
    given: dict[str, Any] = {
        "tier": 1,
        "team_id": "core",
        "repository": "acme/api",
        "label": None,
        "valid_from": None,
        "valid_to": None,
    } | more
    for name in ("valid_from", "valid_to"):
        given[name] = None if given[name] is None else date.fromisoformat(given[name])
    return organization.ServiceRow(service_id=service_id, **given)


@dataclass(kw_only=True)
class Landed:
    """A landing folder being filled, the identity journal, and what a build would add to it."""

    folder: Path
    zone: str = "UTC"
    journal: list[dict[str, Any]] = field(default_factory=list)
    new: list[dict[str, Any]] = field(default_factory=list)

    def github(
        self,
        known_at: str,
        *pages: Sequence[github.Record],
        scope: str = API,
        types: Sequence[Any] = github.RECORD_TYPES,
    ) -> Manifest:
        """A load of GitHub. Every page is one snapshot. ``types``: those that its version knew."""
        return self._load("github", known_at, pages, scope, types)

    def refused(self, known_at: str, scope: str, message: str) -> Manifest:
        """A load of GitHub in which this scope could not be read."""
        load = Landing(self.folder).open_load(
            source="github",
            known_at_utc=aware(known_at),
            code_version="1",
            configuration_hash="0",
            record_types=github.RECORD_TYPES,
        )
        load.write([repository()], scope=API, fetched_at_utc=aware(known_at))
        load.gap(scope=scope, message=message)
        return load.finish()

    def organization(self, known_at: str, *rows: Any) -> Manifest:
        """A load of the organisation's files."""
        return self._load("organization", known_at, [rows], "files", organization.RECORD_TYPES)

    def _load(
        self, source: str, known_at: str, pages: Sequence[Sequence[Any]], scope: str, types: Sequence[Any]
    ) -> Manifest:
        load = Landing(self.folder).open_load(
            source=source,
            known_at_utc=aware(known_at),
            code_version="1",
            configuration_hash="0",
            record_types=types,
        )
        for page in pages:
            load.write(page, scope=scope, fetched_at_utc=aware(known_at))
        return load.finish()

    @contextmanager
    def core(self, as_of: str = "2026-06-01", **settings: Any) -> Iterator[duckdb.DuckDBPyConnection]:
        """``landing`` and ``core`` as known then. ``new`` holds what the identity journal would gain."""
        with connect() as connection:
            self._core(connection, self._settings(as_of, **settings))
            yield connection

    @contextmanager
    def trends(self, catalogue: Any, as_of: str = "2026-06-01") -> Iterator[duckdb.DuckDBPyConnection]:
        """Everything up to ``trends`` and ``catalog``."""
        settings = self._settings(as_of)
        with connect() as connection:
            self._core(connection, settings)
            build_fact_tables(connection, catalogue, settings)
            build_trend_tables(connection, catalogue, settings)
            yield connection

    def _core(self, connection: duckdb.DuckDBPyConnection, settings: BuildSettings) -> None:
        loads = choose_loads(Landing(self.folder).manifests(), settings.core.as_of_utc)
        self.new = build_core_tables(connection, loads, self.journal, settings)

    def _settings(self, as_of: str, **core: Any) -> BuildSettings:
        instant: datetime = aware(as_of).astimezone(UTC)
        return BuildSettings(
            record_types=RECORD_TYPES,
            core=CoreSettings(as_of_utc=instant, reporting_timezone=self.zone, **core),
            organization="acme",
            code_version="1",
            configuration_hash="0",
        )
