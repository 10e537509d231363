"""Run the nightly job in this process.

Here: the Dagster instance of a storage, how its history is written, and what became of a run.
Not here: the job (``definitions``).
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME, SqliteEventLogStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from sqlalchemy import Connection, Engine, StaticPool, create_engine

from pipelines.definitions import JOB, build_definitions
from pipelines.nightly import Night, NightError, blocking, in_words

_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def run_nightly(night: Night) -> bool:
    """Run the job once. True if nothing is missing; raises NightError if it failed.

    A run that ends with a gap, or with a failed warning, gives False: it published, and says so.
    """
    with (
        night.alone(),
        _instance(night.settings.storage_path / "dagster") as instance,
        connected_once(instance),
    ):
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


@contextmanager
def connected_once(instance: dg.DagsterInstance) -> Iterator[None]:
    """Write the history of a run through one connection to each of its files.

    Dagster opens and closes one for each of the 2,900 transactions of a night, and SQLite puts the file in
    order each time: half of the seconds of a small night. What is written is the same, and other processes
    may read and write meanwhile, as before: each transaction ends where it did. The files are written ahead
    (WAL), so none of these transactions waits for the disk: after a power cut the history may end a moment
    earlier, and is whole. Nothing that a number rests on is in it.
    """
    storage = instance.event_log_storage
    # The lock is Dagster's own and has no public name; without it a run is slower, and as right.
    lock = getattr(storage, "_db_lock", None)
    if not isinstance(storage, SqliteEventLogStorage) or lock is None:
        yield
        return
    plain, engines = storage.run_connection, dict[str, Engine]()

    @contextmanager
    def connected(file: str) -> Iterator[Connection]:
        if file not in engines:
            with plain(file):  # makes the file where there is none
                pass
            engines[file] = create_engine(
                storage.conn_string_for_shard(file),
                poolclass=StaticPool,
                connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS, "check_same_thread": False},
            )
            closing.callback(engines[file].dispose)
            with engines[file].connect() as connection:
                connection.exec_driver_sql("PRAGMA synchronous = NORMAL")
        with lock, engines[file].begin() as connection:
            yield connection

    with ExitStack() as closing:
        of_the_class = {"run_connection": connected, "index_connection": lambda: connected(INDEX_SHARD_NAME)}
        vars(storage).update(of_the_class)
        try:
            yield
        finally:
            for name in of_the_class:
                del vars(storage)[name]
