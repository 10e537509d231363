"""The history that Dagster keeps of a run: the same through one connection to each of its files."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from sqlalchemy import Engine, event

from pipelines.job import _instance, connected_once


@dg.asset(check_specs=[dg.AssetCheckSpec("is_small", asset="rows_counted")])
def rows_counted() -> Iterator[Any]:
    yield dg.AssetCheckResult(passed=False, check_name="is_small")
    yield dg.MaterializeResult(metadata={"dagster/row_count": 7})


@pytest.fixture
def connected() -> Iterator[list[str]]:
    """The name of the file of each connection that is opened during the test."""
    opened: list[str] = []

    def opens(connection: Any, _: Any) -> None:
        opened.extend(Path(file).name for _, _, file in connection.execute("PRAGMA database_list") if file)

    event.listen(Engine, "connect", opens)
    yield opened
    event.remove(Engine, "connect", opens)


def run_in(instance: dg.DagsterInstance) -> str:
    """Run the asset once; the run's id."""
    job = dg.Definitions(assets=[rows_counted]).resolve_implicit_global_asset_job_def()
    quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    return job.execute_in_process(instance=instance, run_config=quiet).run_id


def told(folder: Path, run_id: str) -> list[tuple[Any, ...]]:
    """All that another process reads about a run."""
    key = dg.AssetKey("rows_counted")
    with _instance(folder) as instance:
        run = instance.get_run_by_id(run_id)
        assert run is not None
        newest = instance.get_latest_materialization_event(key)
        assert newest is not None
        assert newest.asset_materialization is not None
        checked = instance.event_log_storage.get_asset_check_execution_history(
            dg.AssetCheckKey(key, "is_small"), limit=5
        )
        return [
            (run.status,),
            (newest.run_id == run_id, newest.asset_materialization.metadata["dagster/row_count"].value),
            *((one.status, one.run_id == run_id) for one in checked),
            *((entry.step_key, entry.dagster_event_type) for entry in instance.all_logs(run_id)),
        ]


def test_it_is_whole_and_other_processes_read_it_at_once(tmp_path: Path, connected: list[str]) -> None:
    with _instance(tmp_path / "many") as instance:
        plain = run_in(instance)
    with _instance(tmp_path / "one") as instance, connected_once(instance):
        run_id = run_in(instance)
        assert connected.count(f"{run_id}.db") < connected.count(f"{plain}.db") / 2  # most make the file
        meanwhile = told(tmp_path / "one", run_id)
    assert told(tmp_path / "one", run_id) == meanwhile == told(tmp_path / "many", plain)
    assert len(meanwhile) > 15


def test_afterwards_the_instance_is_as_it_was_and_nothing_is_open(tmp_path: Path) -> None:
    with _instance(tmp_path) as instance:
        with connected_once(instance):
            first = run_in(instance)
            assert list((tmp_path / "history" / "runs").glob("*-wal"))
        assert not list((tmp_path / "history" / "runs").glob("*-wal"))
        second = run_in(instance)
    assert told(tmp_path, first)[0] == told(tmp_path, second)[0] == (dg.DagsterRunStatus.SUCCESS,)


def test_an_instance_without_files_is_left_alone() -> None:
    with dg.DagsterInstance.ephemeral() as instance, connected_once(instance):
        assert instance.get_run_by_id(run_in(instance)) is not None
