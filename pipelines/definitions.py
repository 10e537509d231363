"""What Dagster loads: one job, one schedule, in process.

Here: the job ``nightly``, its schedule at 02:00 in the reporting zone, and the settings it starts from.
Not here: assets (``assets``), steps (``nightly``).
"""

from pathlib import Path

import dagster as dg

from pipelines.assets import STORAGE, held_storage, nightly_assets, say_what_to_do
from pipelines.nightly import Night
from pipelines.settings import Settings, SettingsError, environment, find_settings_file, load_settings

JOB = "nightly"


def build_definitions(night: Night) -> dg.Definitions:
    """Assets, checks, job and schedule of one installation."""
    assets = nightly_assets(night)
    job = dg.define_asset_job(
        JOB,
        selection=dg.AssetSelection.all(),
        executor_def=dg.in_process_executor,
        hooks={say_what_to_do},
        description="Reads every source, builds core, facts and trends, checks them, and publishes.",
    )
    schedule = dg.ScheduleDefinition(
        name="nightly_at_two",
        job=job,
        cron_schedule="0 2 * * *",
        execution_timezone=night.settings.organization.reporting_timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="02:00 in the reporting zone.",
    )
    return dg.Definitions(
        assets=assets,
        jobs=[job],
        schedules=[schedule],
        resources={STORAGE: held_storage(night)},
        executor=dg.in_process_executor,
    )


def definitions_from_here() -> dg.Definitions:
    """The definitions of the configuration that is found from here; the demo's where there is none."""
    known = environment()
    try:
        settings = load_settings(find_settings_file(None, known, Path.cwd()))
    except SettingsError as problem:
        if "There is no configuration" not in str(problem):
            raise
        settings = Settings.model_validate(
            {
                "organization": {"name": "Acme (made up)", "reporting_timezone": "Europe/Berlin"},
                "sources": {"demo": {}},
                "folder": Path.cwd(),
            }
        )
    return build_definitions(Night(settings=settings, environment=known))
