"""Run the nightly job in this process.

Here: the Dagster instance of a storage, and what became of a run.
Not here: the job (``definitions``).
"""

import os
import shutil
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import dagster as dg

from pipelines.definitions import JOB, build_definitions
from pipelines.nightly import Night, NightError, blocking, in_words

_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def run_nightly(night: Night) -> bool:
    """Run the job once. True if nothing is missing; raises NightError if it failed.

    A run that ends with a gap, or with a failed warning, gives False: it published, and says so.
    """
    with night.alone(), _instance(night.settings.storage_path / "dagster") as instance:
        try:
            job = build_definitions(night).resolve_job_def(JOB)
            result = job.execute_in_process(instance=instance, raise_on_error=False, run_config=_QUIET)
        finally:
            night.close()
        if not result.success:
            raise _failure(night, result)
        evaluations = result.get_asset_check_evaluations()
        return not night.damages and all(evaluation.passed for evaluation in evaluations)


def _failure(night: Night, result: dg.ExecuteInProcessResult) -> NightError:
    failed = [event for event in result.all_node_events if event.is_step_failure]
    said = [f"{event.step_key} failed: {_words_of(event.step_failure_data)}" for event in failed]
    if not failed or all(event.step_key == "ops__checks" for event in failed):
        said = [in_words(verdict) for verdict in blocking(night.verdicts)] or said
    published = night.published_folder / "evenhand.duckdb"
    kept = f"{published} stays as it was." if published.exists() else "Nothing was published."
    return NightError("\n".join([*said, kept, "Mend that and run it again; landed files stay."]))


def _words_of(failure: Any) -> str:
    """An error that says what to do in its own words; any other with its class."""
    if failure.user_failure_data is not None and failure.user_failure_data.description:
        return str(failure.user_failure_data.description)
    error = failure.error
    while error is not None and error.cause is not None:
        error = error.cause
    return str(error.message if error is not None else "no message").strip()


def _instance(folder: Path) -> dg.DagsterInstance:
    """The Dagster instance of a storage; its settings are written from package data the first time."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / "dagster.yaml"
    if not target.exists():
        with as_file(files("pipelines") / "dagster.yaml") as source:
            shutil.copyfile(source, target)
    os.environ["DAGSTER_DISABLE_TELEMETRY"] = "1"
    return dg.DagsterInstance.from_config(str(folder))
