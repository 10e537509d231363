"""The assets of a night: wiring only. Each asks a step of ``nightly`` and reports counts.

Here: asset keys, owners, descriptions, units; the checks as Dagster checks; the storage as a resource; the
failure hook.
Not here: the work (``nightly``), the schedule (``definitions``).

Assets are unpartitioned: late data touch every month. One step lands a source, one builds core, one all
facts, one the trends, so a night has far fewer than 60 steps.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import dagster as dg

from connectors.errors import StopScopeError, StopSourceError
from connectors.records import RECORD_TYPES
from metrics_catalog.catalogue import Metric
from metrics_catalog.tables import FACTS, table, tables
from pipelines import nightly
from pipelines.nightly import Night, NightError
from pipelines.profiles import Check, checks
from pipelines.settings import SettingsError
from pipelines.sources import REGISTRY
from transforms.identity import IdentityError
from warehouse.journal import JournalError
from warehouse.landing import LandingError, Manifest

OWNER = "team:platform-enablement"
POOL = "warehouse"
STORAGE = "storage"
"""The resource that every step needs: who has it holds the storage, whoever launched the run."""
RETRIES = dg.RetryPolicy(max_retries=2, delay=5, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS)
_UNBUILT = ("ops.checks",)
_FINAL = (
    SettingsError,
    NightError,
    StopSourceError,
    StopScopeError,
    LandingError,
    JournalError,
    IdentityError,
)


@contextmanager
def _told_in_words() -> Iterator[None]:
    """Errors that say what to do are final: trying again cannot set a variable or mend a file."""
    try:
        yield
    except _FINAL as problem:
        raise dg.Failure(description=str(problem), allow_retries=False) from problem


def held_storage(night: Night) -> dg.ResourceDefinition:
    """The storage, held from a run's first step to its last; a run that cannot have it fails before it began.

    Pools are not enough: they know nothing of `evenhand run`, and hold for a step.
    """

    def hold(_: dg.InitResourceContext) -> Iterator[Night]:
        with ExitStack() as held:
            with _told_in_words():
                held.enter_context(night.alone())
            yield night

    return dg.ResourceDefinition(
        resource_fn=hold, description="The storage folder, which one run at a time works in."
    )


def nightly_assets(night: Night) -> list[dg.AssetsDefinition]:
    """All assets of this night, with their checks."""
    landing = _landing(night)
    core, facts, trends = _core(night), _facts(night), _trends(night)
    return [*landing, core, facts, trends, _gate(night), _published(night)]


# ------------------------------------------------------------------------------------- landing


def _landing(night: Night) -> list[dg.AssetsDefinition]:
    found: list[dg.AssetsDefinition] = []
    servers: list[dg.AssetKey] = []
    for source, registration in REGISTRY.items():
        specs = _landing_specs(source, deps=[] if registration.has_server else list(servers))
        servers += [specs[0].key] if registration.has_server else []
        found.append(_landing_asset(night, source, specs))
    return found


def _landing_asset(night: Night, source: str, specs: list[dg.AssetSpec]) -> dg.AssetsDefinition:
    @dg.multi_asset(
        name=f"land_{source}",
        specs=specs,
        retry_policy=RETRIES,
        required_resource_keys={STORAGE},
        can_subset=False,
        op_tags={"step": "extract"},
    )
    def landed(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[Any]]:
        night.start_gate()
        with _told_in_words():
            manifest = nightly.land(night, source)
        yield from _landed(context, specs, manifest)

    return landed


def _landing_specs(source: str, *, deps: list[dg.AssetKey]) -> list[dg.AssetSpec]:
    return [
        dg.AssetSpec(
            key=["landing", f"{source}__{record.stream}"],
            group_name="landing",
            owners=[OWNER],
            description=f"{(record.__doc__ or '').strip()} One row each time it was seen. Unit: rows.",
            deps=deps,
            kinds={"parquet", source},
        )
        for record in RECORD_TYPES[source]
    ]


def _landed(
    context: dg.AssetExecutionContext, specs: list[dg.AssetSpec], manifest: Manifest | None
) -> Iterator[dg.MaterializeResult[Any]]:
    for spec in specs:
        stream = spec.key.path[-1].partition("__")[2]
        metadata: dict[str, Any] = {"dagster/row_count": 0, "unit": "rows"}
        if manifest is not None:
            metadata |= {
                "dagster/row_count": manifest.rows.get(stream, 0),
                "load_id": manifest.load_id,
                "known_at_utc": manifest.known_at_utc.isoformat(),
                "rejected": manifest.rows.get("rejected_records", 0),
                "gaps": list(manifest.gaps),
            }
        yield dg.MaterializeResult(asset_key=spec.key, metadata=metadata)
    if manifest is not None and manifest.gaps:
        context.log.warning("; ".join(manifest.gaps))


# ------------------------------------------------------------------------------------- derived


def _derived(
    night: Night,
    *,
    name: str,
    schemas: tuple[str, ...],
    deps: list[str],
    step: Callable[[Night], dict[str, int]],
) -> dg.AssetsDefinition:
    specs = [
        dg.AssetSpec(
            key=described.name.split("."),
            group_name=described.name.split(".")[0],
            owners=[OWNER],
            description=f"{described.meaning} One row: {described.row}. Unit: rows; "
            "each column's unit is in catalog.columns.",
            deps=[dg.AssetKey(dep.split(".")) for dep in deps],
            kinds={"duckdb"},
        )
        for described in (table(each) for each in tables() if each != FACTS and each not in _UNBUILT)
        if described.name.split(".")[0] in schemas
    ]

    @dg.multi_asset(
        name=name,
        specs=specs,
        retry_policy=RETRIES,
        required_resource_keys={STORAGE},
        pool=POOL,
        can_subset=False,
    )
    def build() -> Iterator[dg.MaterializeResult[Any]]:
        with _told_in_words():
            counts = step(night)
        for spec in specs:
            known = counts.get(spec.key.path[-1])
            metadata: dict[str, Any] = {} if known is None else {"dagster/row_count": known, "unit": "rows"}
            yield dg.MaterializeResult(asset_key=spec.key, metadata=metadata)

    return build


def _core(night: Night) -> dg.AssetsDefinition:
    landed = [f"landing.{source}__{record.stream}" for source in REGISTRY for record in RECORD_TYPES[source]]
    return _derived(night, name="core", schemas=("core",), deps=landed, step=nightly.build_core)


def _trends(night: Night) -> dg.AssetsDefinition:
    facts = [f"facts.{metric_id}" for metric_id in night.catalogue]
    return _derived(
        night, name="trends", schemas=("trends", "ops", "catalog"), deps=facts, step=nightly.build_trends
    )


def _facts(night: Night) -> dg.AssetsDefinition:
    specs = [
        dg.AssetSpec(
            key=["facts", metric.id],
            group_name="facts",
            owners=[metric.owner],
            description=_described(metric),
            deps=[dg.AssetKey(["core", "review_requests"]), dg.AssetKey(["core", "pull_requests"])],
            kinds={"duckdb"},
        )
        for metric in night.catalogue.values()
    ]

    @dg.multi_asset(
        name="facts",
        specs=specs,
        retry_policy=RETRIES,
        required_resource_keys={STORAGE},
        pool=POOL,
        can_subset=False,
    )
    def facts() -> Iterator[dg.MaterializeResult[Any]]:
        counts = nightly.build_facts(night)
        for spec in specs:
            metric = night.catalogue[spec.key.path[-1]]
            yield dg.MaterializeResult(
                asset_key=spec.key,
                metadata={"dagster/row_count": counts[metric.id], "unit": metric.unit},
            )

    return facts


def _described(metric: Metric) -> str:
    return f"{metric.title}. {metric.question} {metric.formula} Unit: {metric.unit}; {metric.direction}."


# ------------------------------------------------------------------------------------- publishing


def _gate(night: Night) -> dg.AssetsDefinition:
    """``ops.checks``: every check is one of this asset's, and a failed blocking one stops the publishing.

    They hang on this one asset, and not on the tables they look at: all are judged at the end, in one
    process, and a blocking check on a table would have to run before the next table is built.
    """
    key = dg.AssetKey(["ops", "checks"])
    targets = night.settings.services.ack_target_minutes
    wanted = {_check_name(check): check for check in checks(night.catalogue, ack_targets=targets)}
    specs = [
        dg.AssetCheckSpec(
            name=name,
            asset=key,
            description=f"{check.table}: wanted {check.wanted}.",
            blocking=check.severity == "error",
        )
        for name, check in wanted.items()
    ]

    @dg.asset(
        key=key,
        group_name="ops",
        owners=[OWNER],
        description=f"{table('ops.checks').meaning} Unit: rows.",
        deps=[dg.AssetKey(name.split(".")) for name in _built(night)],
        check_specs=specs,
        kinds={"duckdb"},
        required_resource_keys={STORAGE},
        pool=POOL,
    )
    def gate() -> Iterator[dg.MaterializeResult[Any]]:
        verdicts = nightly.run_checks(night)
        yield dg.MaterializeResult(
            metadata={"dagster/row_count": len(verdicts), "unit": "rows"},
            check_results=[
                dg.AssetCheckResult(
                    check_name=_check_name(verdict.check),
                    asset_key=key,
                    passed=verdict.passed,
                    severity=_SEVERITIES[verdict.check.severity],
                    metadata={"found": verdict.observed, "wanted": verdict.check.wanted},
                )
                for verdict in verdicts
            ],
        )

    return gate


_SEVERITIES = {"error": dg.AssetCheckSeverity.ERROR, "warning": dg.AssetCheckSeverity.WARN}


def _check_name(check: Check) -> str:
    return f"{check.table.replace('.', '_')}__{check.name}"


def _built(night: Night) -> list[str]:
    tables_built = [name for name in tables() if name != FACTS and name not in _UNBUILT]
    return tables_built + [f"facts.{metric_id}" for metric_id in night.catalogue]


def _published(night: Night) -> dg.AssetsDefinition:
    @dg.asset(
        key=["published", "evenhand"],
        group_name="published",
        owners=[OWNER],
        deps=[dg.AssetKey(["ops", "checks"])],
        description="The database analysts and packets read: built, checked, moved into place in one rename.",
        kinds={"duckdb"},
        retry_policy=RETRIES,
        required_resource_keys={STORAGE},
        pool=POOL,
    )
    def evenhand() -> Iterator[dg.MaterializeResult[Any]]:
        path = nightly.publish_database(night)
        nightly.compact(night)
        yield dg.MaterializeResult(metadata={"path": dg.MetadataValue.path(path)})

    return evenhand


@dg.failure_hook
def say_what_to_do(context: dg.HookContext) -> None:
    """What the operator reads first when a step has failed for good."""
    problem = context.op_exception
    context.log.error(
        f"{context.op.name} failed: {problem}\n"
        f"The last published database stays in place, nothing of this night was published. "
        f"Landed files stay and are not read again. Mend what the message names, then run "
        f"`evenhand run`, or launch the job again; both are safe. `evenhand doctor` tries the sources."
    )
