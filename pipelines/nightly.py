"""The steps of a night, as plain functions; Dagster and the command line only call them.

Here: landing a source, building the working database, checking, publishing.
Not here: when it runs (``definitions``), what a step computes (transforms).
"""

import fcntl
import hashlib
import json
import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache, cached_property
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from connectors.contract import Foreseeing, Gap, Page, Source
from connectors.errors import StopSourceError
from connectors.github.client import GitHubSource
from connectors.pagerduty.client import PagerDutySource
from connectors.records import RECORD_TYPES
from connectors.waiting import Patience
from metrics_catalog.catalogue import Metric, load_catalogue
from pipelines.gate import Gate, Verdict
from pipelines.ledger import counted_pull_requests, expected_incidents
from pipelines.outlook import Forecast, ahead_in_words, forecast, past_runs, taken_in_words
from pipelines.persons import JOURNAL as PERSONS_JOURNAL
from pipelines.persons import persons_from, remove_what_holds_persons, switched
from pipelines.profiles import checks, profile
from pipelines.settings import Settings
from pipelines.sources import REGISTRY, Asking, Registered, draft_path
from transforms.build import (
    BuildSettings,
    analyst_selects,
    build_core_tables,
    build_fact_tables,
    build_trend_tables,
    comments,
    full_selects,
    renew_core_tables,
    view_selects,
)
from transforms.causes import JOURNAL as CAUSES_JOURNAL
from transforms.causes import take_in as take_in_causes
from transforms.core.build import CoreSettings
from transforms.identity import JOURNAL, take_in
from transforms.incremental import BuildAnewError, BuiltFrom, loads_known, remember, touched_pull_requests
from transforms.queries import create
from warehouse import journal
from warehouse.connection import DatabaseBusyError, connect, duckdb_version
from warehouse.landing import (
    ChosenLoad,
    Landing,
    LandingError,
    Load,
    Manifest,
    Reading,
    choose_loads,
    newest_known_at,
)
from warehouse.packs import pack_loads
from warehouse.publish import KEPT_SNAPSHOTS, publish
from warehouse.storage import make_storage

Say = Callable[[str], None]
_OF_A_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+(, page \d+)?")


class NightError(Exception):
    """The night cannot go on; the message says what was wanted, found, written, and what to do."""


class ChecksFailedError(NightError):
    """A blocking check failed: nothing was published, the last publication stays."""


def code_version() -> str:
    """The version of Evenhand that runs."""
    try:
        return version("evenhand")
    except PackageNotFoundError:
        return "unknown"


@cache
def code_hash() -> str:
    """SHA-256 of the files that decide numbers: two checkouts of one version may differ."""
    digest = hashlib.sha256(code_version().encode())
    for package in ("connectors", "transforms", "metrics_catalog"):
        with as_file(files(package)) as folder:
            for path in sorted(folder.rglob("*")):
                if path.suffix in (".py", ".sql", ".toml"):
                    digest.update(f"{path.relative_to(folder)}\0".encode() + path.read_bytes())
    return digest.hexdigest()


@dataclass(kw_only=True)
class Night:
    """One run: settings, where things lie, and whom to tell.

    ``as_of_utc`` None means the newest load; ``only`` names the sources to pull, None all;
    ``full`` reads everything again.
    """

    settings: Settings
    environment: Mapping[str, str] = field(repr=False)
    say: Say = lambda _: None
    as_of_utc: datetime | None = None
    only: frozenset[str] | None = None
    full: bool = False
    gate: Gate | None = field(default=None, repr=False)
    verdicts: list[Verdict] = field(default_factory=list, repr=False)
    damages: list[str] = field(default_factory=list, repr=False)
    _is_alone: bool = field(default=False, repr=False)

    @cached_property
    def catalogue(self) -> dict[str, Metric]:
        return load_catalogue()

    @cached_property
    def patience(self) -> Patience:
        """How long this run may wait for its sources, all together."""
        return Patience(say=self.say, may_wait_seconds=self.settings.run.may_wait_minutes * 60)

    @property
    def landing(self) -> Landing:
        return Landing(self.settings.storage_path / "landing")

    @property
    def working_path(self) -> Path:
        """The database being built. That of a past as-of is another one, so the night's stays as it is."""
        name = "evenhand" if self.as_of_utc is None else "as-of"
        return self.settings.storage_path / "work" / f"{name}.duckdb"

    @property
    def readers_folder(self) -> Path:
        """Under it lies what readers get; what is made as of a past instant has a place of its own."""
        if self.as_of_utc is None:
            return self.settings.storage_path
        return self.settings.storage_path / "as-of" / f"{self.as_of_utc:%Y%m%dT%H%M%SZ}"

    @property
    def published_folder(self) -> Path:
        """Where this night's database goes: a past as-of never replaces the published one."""
        return self.readers_folder / "published" if self.as_of_utc is None else self.readers_folder

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the storage for this run. Raises NightError if another run holds it.

        Who holds it already goes on: the command line holds it around the job, and the job around its steps.
        """
        if self._is_alone:
            yield
            return
        make_storage(self.settings.storage_path)
        with (self.settings.storage_path / "work" / "run.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise NightError(
                    f"Another run works in {self.settings.storage_path}. Nothing was written by this one. "
                    f"Wait for it to end, or stop it; it can be run again safely."
                ) from None
            self._is_alone = True
            try:
                yield
            finally:
                self._is_alone = False

    def pulls(self, source: str) -> bool:
        """Whether this run reads a source."""
        return self.only is None or source in self.only

    def start_gate(self) -> Gate:
        """The checks' process: started early, because it imports for seconds."""
        if self.gate is None:
            self.gate = Gate.start()
        return self.gate

    def close(self) -> None:
        """End what still runs."""
        if self.gate is not None:
            self.gate.close()
            self.gate = None


# ------------------------------------------------------------------------------------- landing


def land(night: Night, name: str) -> Manifest | None:
    """Read one source of the registry; None where it is not configured or not asked for."""
    if not night.pulls(name):
        return None
    asking = Asking(
        settings=night.settings,
        environment=night.environment,
        manifests=night.landing.manifests(),
        full=night.full,
        resumes=True,
        patience=night.patience,
    )
    registered = REGISTRY[name].build(asking)
    if registered is None:  # what a killed run was told by a source that is no longer configured goes too
        draft_path(night.settings, name).unlink(missing_ok=True)
        return None
    return _land(night, registered)


def _land(night: Night, registered: Registered) -> Manifest:
    source, draft = registered.source, registered.draft
    goes_on = draft is not None and not draft.is_empty
    if draft is not None:
        if goes_on:
            night.say(f"{source.name}: going on with a load that has not ended")
        night.landing.remove_unfinished(source.name, draft.unfinished)
    load = night.landing.open_load(
        source=source.name,
        known_at_utc=source.server_time(),
        code_version=code_version(),
        configuration_hash=night.settings.configuration_hash,
        record_types=registered.record_types,
        reads=source.reads,
    )
    if draft is not None:
        draft.belongs_to(load.load_id)
    told, waited, tried = None, night.patience.waited_seconds, night.patience.tried_again
    source.usage.ends()
    source.usage.clock = lambda: time.perf_counter() - night.patience.waited_seconds
    try:
        told = _look_ahead(night, source, load, waited)
        _read_pages(night, source, load)
    except StopSourceError as reason:
        load.gap(scope=source.name, message=str(reason))
        night.say(f"{source.name}: GAP {reason}")
    pages = load.pages
    if isinstance(source, GitHubSource | PagerDutySource):
        _count_independently(night, source, load)
    if isinstance(source, GitHubSource):
        _read_identities(night, source, load)
    usage = source.usage
    usage.ends()
    waited = night.patience.waited_seconds - waited
    own = Reading(
        is_full=told is None or told.is_full,
        kinds={
            kind: (cost.requests, cost.points, round(cost.seconds, 3), cost.rows)
            for kind, cost in usage.kinds.items()
        },
        seconds=round(sum(cost.seconds for cost in usage.kinds.values()) + usage.given_seconds + waited, 3),
        foreseen_requests=None if told is None else told.requests,
        foreseen_seconds=None if told is None else round(told.seconds, 3),
    )
    manifest = load.finish(
        requests=usage.answers,
        points=usage.points + sum(cost.points for cost in usage.given.values()),
        reading=(_of_both(own, told) if goes_on else own) if usage.kinds else None,
    )
    if draft is not None:
        draft.remove()
    rejected = manifest.rows.get("rejected_records", 0)
    tried = night.patience.tried_again - tried
    night.say(
        f"{source.name}: {sum(manifest.rows.values()) - rejected:,} rows in {pages} pages"
        + (f", {usage.requests} requests" if usage.requests else "")
        + (taken_in_words(own, usage.requests, tried_again=tried) if usage.requests else "")
        + (f", {rejected} rejected (ops.rejected_records)" if rejected else "")
    )
    return manifest


def _of_both(own: Reading, told: Forecast | None) -> Reading:
    """What a load took that another run began: requests are those of both, and times are of no run."""
    foreseen = None if told is None else told.requests + told.kept
    return replace(own, seconds=None, foreseen_requests=foreseen, foreseen_seconds=None)


def _read_pages(night: Night, source: Source, load: Load) -> None:
    """Write every page and gap to the load. Raises StopSourceError."""
    pages = 0
    unsaid: list[Gap] = []
    try:
        for item in source.pages():
            if isinstance(item, Gap):
                load.gap(scope=item.scope, message=item.message)
                unsaid.append(item)
                continue
            _say_gaps(night, source.name, unsaid)
            pages += 1
            load.write(
                item.records, scope=item.scope, fetched_at_utc=item.served_at_utc, rejected=item.rejected
            )
            if pages % 20 == 0:
                night.say(f"{source.name}: {pages} pages, {sum(load.rows.values()):,} rows")
    except StopSourceError as reason:
        # Whatever was begun has a gap that says the same: once is enough for the operator.
        begun = [gap for gap in unsaid if gap.message.startswith(str(reason))]
        _say_gaps(night, source.name, [gap for gap in unsaid if gap not in begun])
        if len(begun) > 1:
            raise StopSourceError(
                f"{reason} {len(begun)} parts of it were begun and are not whole (`evenhand completeness`)."
            ) from None
        raise
    _say_gaps(night, source.name, unsaid)


def _say_gaps(night: Night, source: str, gaps: list[Gap]) -> None:
    """A line for each, but for those that say the same of another repository: they are counted."""
    alike: dict[str, list[Gap]] = {}
    for gap in gaps:
        alike.setdefault(_OF_A_REPOSITORY.sub("", gap.message), []).append(gap)
    for first, *others in alike.values():
        more = f" And {len(others)} more like it (`evenhand completeness`)." if others else ""
        night.say(f"{source}: GAP {first.message}{more}")
    gaps.clear()


def _look_ahead(night: Night, source: Source, load: Load, waited_before: float) -> Forecast | None:
    """Say what reading the source will take, before it is read. None where it cannot tell, or nobody waits:
    the made-up organisation has no network and no limits."""
    if not isinstance(source, Foreseeing) or night.settings.sources.demo is not None:
        return None
    past = past_runs(night.landing.manifests(), source.name, source.reads)
    scratch = load.rehearsal()
    outlook = source.outlook(
        past,
        lambda page: scratch.write(page.records, scope=page.scope, fetched_at_utc=page.served_at_utc),
    )
    waited = night.patience.waited_seconds - waited_before
    limit = night.patience.limits.get(source.name)
    told = forecast(outlook, source.usage, past, waited_seconds=waited, limit=limit)
    left = night.patience.may_wait_seconds - night.patience.waited_seconds
    for line in ahead_in_words(source.name, told, left):
        night.say(line)
    return told


def _count_independently(night: Night, source: GitHubSource | PagerDutySource, load: Load) -> None:
    """Ask the source how many there should be, and keep the answers in the load."""
    zone, manifests = night.settings.organization.reporting_timezone, night.landing.manifests()
    try:
        if isinstance(source, PagerDutySource):
            counts = expected_incidents(source, load, manifests, zone)
            load.write(counts, scope=f"{source.name}:counts", fetched_at_utc=source.server_time())
            return
        for item in counted_pull_requests(source, load, manifests, zone):
            if isinstance(item, Page):
                load.write(item.records, scope=item.scope, fetched_at_utc=item.served_at_utc)
            else:
                load.gap(scope=item.scope, message=item.message)
                night.say(f"{source.name}: GAP {item.message}")
    except StopSourceError as reason:
        # The night is red, and the next one counts.
        load.gap(scope=f"{source.name}:counts", message=f"Not counted independently: {reason}")
        night.say(f"{source.name}: GAP not counted independently: {reason}")


def _read_identities(night: Night, source: GitHubSource, load: Load) -> None:
    """Ask whose the accounts are that nobody claims; a refusal costs suggestions and nothing else."""
    try:
        for page in source.identities():
            load.write(page.records, scope=page.scope, fetched_at_utc=page.served_at_utc)
    except StopSourceError as reason:
        night.say(f"{source.name}: not asked whose accounts are whose: {reason}")


# ------------------------------------------------------------------------------------- building


def chosen_loads(night: Night) -> tuple[datetime, list[ChosenLoad]]:
    """The as-of (aware) and the loads it rests on. Raises NightError where there is no load."""
    manifests = night.landing.manifests()
    newest = newest_known_at(manifests)
    if newest is None:
        raise NightError(
            f"There is no load in {night.landing.folder}. Nothing was built. `evenhand run` pulls the first."
        )
    as_of_utc = (night.as_of_utc or newest).astimezone(UTC)
    return as_of_utc, choose_loads(manifests, as_of_utc)


def build_settings(night: Night, as_of_utc: datetime) -> BuildSettings:
    """What the tables depend on besides loads, journals and definitions."""
    settings = night.settings
    limit = night.catalogue["rq_response_24h"].params["threshold_hours"]
    return BuildSettings(
        record_types=RECORD_TYPES,
        core=CoreSettings(
            as_of_utc=as_of_utc,
            reporting_timezone=settings.organization.reporting_timezone,
            bots=settings.people.bots,
            review_limit_hours=limit,
            ack_target_minutes=night.catalogue["oc_ack_within_target"].params["ack_target_minutes"],
            ack_targets_minutes=settings.services.ack_target_minutes,
            suspect_minutes=night.catalogue["si_change_fail_rate"].params["suspect_minutes"],
            failure_window_days=night.catalogue["si_change_fail_rate"].params["window_days"],
            deployment_environments=(
                ("production",)
                if settings.sources.github is None
                else settings.sources.github.deployment_environments
            ),
            release_rules=tuple(
                (one.repository, one.by, one.pattern, one.service)
                for one in (settings.sources.github.releases if settings.sources.github else ())
            ),
        ),
        organization=settings.organization.name,
        code_version=code_version(),
        configuration_hash=settings.configuration_hash,
        persons_from=persons_from(
            journal.entries(settings.storage_path / "journal", PERSONS_JOURNAL),
            settings.organization.reporting_timezone,
            persons=settings.packets.persons,
        ),
    )


def build_core(night: Night) -> dict[str, int]:
    """The working database with core and the ledger. Gives the rows of each core table.

    Where last night's database is a ground to build on, only the pull requests that may have changed are
    looked at again; else a new one is built.
    """
    as_of_utc, loads = chosen_loads(night)
    folder = night.settings.storage_path / "journal"
    path = night.working_path
    path.parent.mkdir(parents=True, exist_ok=True)
    entries = journal.entries(folder, JOURNAL)
    if night.as_of_utc is None:  # a past as-of learns nothing of what was decided since
        journal.append(folder, JOURNAL, take_in(entries, as_of_utc))
        entries = journal.entries(folder, JOURNAL)  # what somebody wrote meanwhile is above that line too
        said = journal.entries(folder, CAUSES_JOURNAL)
        journal.append(folder, CAUSES_JOURNAL, take_in_causes(said, as_of_utc))
        before = journal.entries(folder, PERSONS_JOURNAL)
        now = switched(before, as_of_utc, persons=night.settings.packets.persons)
        journal.append(folder, PERSONS_JOURNAL, now)
    settings = build_settings(night, as_of_utc)
    kept = None if night.full or night.as_of_utc is not None or not path.exists() else _renewed(night)
    if kept is None:
        _remove(path)
        causes = journal.entries(folder, CAUSES_JOURNAL)
        with connect(path) as connection:
            new = build_core_tables(connection, loads, entries, settings, causes)
            counts = _counts(connection, "core")
    else:
        new, counts = kept
    if night.as_of_utc is None:
        # Looking back is no first sight: it adds nothing to what is remembered.
        journal.append(folder, JOURNAL, new)
        if new:
            night.say(f"identity: {len(new)} accounts bound to people of the roster, at first sight")
    night.say(
        f"core: {counts['pull_requests']:,} pull requests, {counts['reviews']:,} reviews "
        f"as of {as_of_utc:%Y-%m-%d %H:%M:%S} UTC"
    )
    return counts


def _renewed(night: Night) -> tuple[list[dict[str, Any]], dict[str, int]] | None:
    """Last night's database brought up to date: new journal entries and rows. None where it is of no use."""
    as_of_utc, loads = chosen_loads(night)
    folder = night.settings.storage_path / "journal"
    entries, causes = journal.entries(folder, JOURNAL), journal.entries(folder, CAUSES_JOURNAL)
    settings = build_settings(night, as_of_utc)
    try:
        with connect(night.working_path) as connection:
            n_known = loads_known(connection, _built_from(night))
            new = renew_core_tables(connection, loads, entries, settings, n_known=n_known, causes=causes)
            counts = _counts(connection, "core")
            touched = touched_pull_requests(connection)
    except (BuildAnewError, DatabaseBusyError) as reason:
        night.say(f"core: everything is built anew: {reason}")
        return None
    night.say(f"core: {touched:,} of {counts['pull_requests']:,} pull requests are looked at again")
    return new, counts


def _built_from(night: Night) -> BuiltFrom:
    as_of_utc, loads = chosen_loads(night)
    settings = build_settings(night, as_of_utc)
    decides = [
        code_hash(),
        duckdb_version(),
        settings.configuration_hash,
        settings.organization,
        json.dumps({**settings.core.parameters(), "as_of_utc": None}, sort_keys=True, default=str),
    ]
    return BuiltFrom(
        decides=hashlib.sha256("\n".join(decides).encode()).hexdigest(),
        as_of_utc=as_of_utc,
        load_ids=tuple(load.manifest.load_id for load in loads),
    )


def build_facts(night: Night) -> dict[str, int]:
    """The cases of every metric. Gives the rows of each facts table."""
    as_of_utc, _ = chosen_loads(night)
    with connect(night.working_path) as connection:
        build_fact_tables(connection, night.catalogue, build_settings(night, as_of_utc))
        counts = _counts(connection, "facts")
        remember(connection, _built_from(night))
    night.say(f"facts: {sum(counts.values()):,} cases of {len(counts)} metrics")
    return counts


def build_trends(night: Night) -> dict[str, int]:
    """Cells, and the catalogue in words. Gives the rows of each trends table."""
    as_of_utc, _ = chosen_loads(night)
    with connect(night.working_path) as connection:
        build_trend_tables(connection, night.catalogue, build_settings(night, as_of_utc))
        counts = _counts(connection, "trends")
    night.say(f"trends: {counts['periods']:,} cells")
    return counts


def run_checks(night: Night) -> list[Verdict]:
    """Profile the working database, have the gate judge it, and keep the verdicts in ``ops.checks``."""
    wanted = checks(night.catalogue, ack_targets=night.settings.services.ack_target_minutes)
    with connect(night.working_path) as connection:
        observed = profile(connection, wanted)
        verdicts = night.start_gate().judge(wanted, observed)
        night.close()
        night.verdicts = verdicts
        create(connection, "ops.checks")
        connection.executemany(
            "INSERT INTO ops.checks VALUES (?, ?, ?, ?, ?, ?)",
            [
                (
                    verdict.check.name,
                    verdict.check.table,
                    verdict.check.severity,
                    verdict.passed,
                    f"{verdict.observed} that do not",
                    verdict.check.wanted,
                )
                for verdict in verdicts
            ],
        )
    failed = [verdict for verdict in verdicts if not verdict.passed]
    night.say(f"checks: {len(verdicts) - len(failed)} of {len(verdicts)} passed")
    for verdict in failed:
        night.say(f"checks: {in_words(verdict)}")
    return verdicts


def in_words(verdict: Verdict) -> str:
    """A failed check as an operator reads it."""
    return (
        f"{verdict.check.severity.upper()} {verdict.check.table}: wanted {verdict.check.wanted}; "
        f"found {verdict.observed} that do not"
    )


def blocking(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """The failed checks that keep a database from being published."""
    return [verdict for verdict in verdicts if not verdict.passed and verdict.check.severity == "error"]


def publish_database(night: Night) -> Path:
    """Write both published files and flip the names to them. Gives the full file's published path."""
    persons = night.settings.packets.persons
    with connect(night.working_path) as connection:
        publish(
            connection,
            night.published_folder,
            name=snapshot_name(night),
            full=full_selects(night.catalogue),
            analyst=analyst_selects(night.catalogue),
            views=view_selects(),
            comments=comments(night.catalogue),
            kept=KEPT_SNAPSHOTS if persons else 1,
        )
    path = night.published_folder / "evenhand.duckdb"
    night.say(f"published: {path}")
    if not persons and night.as_of_utc is None:
        storage = night.settings.storage_path
        removed = remove_what_holds_persons(storage / "packets", storage / "as-of")
        if removed:
            night.say(f"persons are off: {' and '.join(removed)} of before were removed")
    return path


def compact(night: Night) -> None:
    """Put the small loads of each source together, where there are enough; every version stays.

    The night is published by then: what is wrong with a landed file is said, and makes it red.
    """
    for source in sorted({manifest.source for manifest in night.landing.manifests()}):
        try:
            done = pack_loads(night.landing, source)
        except LandingError as damage:
            night.damages.append(str(damage))
            night.say(f"landing: {damage}")
            continue
        if done.loads:
            night.say(f"landing: {done.loads} loads of {source} were put together; every version is kept")


def snapshot_name(night: Night) -> str:
    """How the snapshot of this night begins: its as-of, and a hash of all that decides what is in it."""
    as_of_utc, loads = chosen_loads(night)
    decides = [
        as_of_utc.isoformat(),
        *(f"{load.manifest.load_id} {load.manifest.content_hash} {load.is_backfilled}" for load in loads),
        *(
            json.dumps(journal.entries(night.settings.storage_path / "journal", name), sort_keys=True)
            for name in (JOURNAL, CAUSES_JOURNAL, PERSONS_JOURNAL)
        ),
        night.settings.configuration_hash,
        night.settings.organization.name,
        code_hash(),
    ]
    contents = hashlib.sha256("\n".join(decides).encode()).hexdigest()
    return f"{as_of_utc:%Y%m%dT%H%M%SZ}-{contents[:12]}"


def is_built(night: Night) -> bool:
    """Whether what is published for this night is what would be built now."""
    current = night.published_folder / "current"
    return current.is_dir() and current.resolve().name.startswith(f"{snapshot_name(night)}-")


def rebuild(night: Night) -> Path:
    """Build, check and publish from what is landed, without pulling. For a past as-of."""
    with night.alone():
        night.start_gate()
        try:
            build_core(night)
            build_facts(night)
            build_trends(night)
            failed = blocking(run_checks(night))
            if failed:
                raise ChecksFailedError(
                    "\n".join(["Nothing was published.", *(in_words(verdict) for verdict in failed)])
                )
            return publish_database(night)
        finally:
            night.close()
            _remove(night.working_path)


def _remove(database: Path) -> None:
    """Remove a database and what DuckDB keeps beside it."""
    for old in database.parent.glob(f"{database.name}*"):
        shutil.rmtree(old) if old.is_dir() else old.unlink()


def _counts(connection: Any, schema: str) -> dict[str, int]:
    names = connection.execute(
        "SELECT table_name FROM information_schema.tables WHERE table_catalog = current_database() "
        "AND table_schema = $schema ORDER BY table_name",
        {"schema": schema},
    ).fetchall()
    return {
        name: int(connection.execute(f"SELECT count(*) FROM {schema}.{name}").fetchall()[0][0])
        for (name,) in names
    }
