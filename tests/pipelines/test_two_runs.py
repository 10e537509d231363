"""Two real processes on one storage: the second refuses, and one that was killed is in nobody's way."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg

from pipelines.definitions import JOB, build_definitions
from pipelines.nightly import Night
from pipelines.settings import load_settings

ROOT = Path(__file__).parents[2]
CONFIG = """
[organization]
name = "Acme"
reporting_timezone = "Europe/Berlin"

[storage]
path = "var"

[sources.demo]
engineers = 8
months = 3
"""
HOLDS = """
import sys
import time
from pathlib import Path
from pipelines.nightly import Night
from pipelines.settings import load_settings

night = Night(settings=load_settings(Path(sys.argv[1])), environment={})
with night.alone():
    night.start_gate()  # a process that outlives it for a moment holds nothing
    print("held", flush=True)
    time.sleep(600)
"""
WORKS = """
import json
import sys
from pathlib import Path
from pipelines import nightly
from pipelines.settings import load_settings

night = nightly.Night(settings=load_settings(Path(sys.argv[1])), environment={})
try:
    with night.alone():
        print(json.dumps({"load": nightly.land(night, "github").load_id}))
except nightly.NightError as refusal:
    print(json.dumps({"refused": str(refusal)}))
"""


def answer(config: Path) -> dict[str, str]:
    command = [sys.executable, "-c", WORKS, str(config)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    found: dict[str, str] = json.loads(done.stdout)
    return found


@contextmanager
def held(config: Path) -> Iterator["subprocess.Popen[str]"]:
    """A process that holds the storage."""
    command = [sys.executable, "-c", HOLDS, str(config)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        try:
            yield holder
        finally:
            holder.kill()


def test_the_second_run_refuses_and_a_killed_one_is_in_nobodys_way(tmp_path: Path) -> None:
    config = tmp_path / "evenhand.toml"
    config.write_text(CONFIG, "utf-8")
    with held(config) as holder:
        before = sorted(tmp_path.rglob("*"))
        assert "Another run works in" in answer(config)["refused"]
        assert sorted(tmp_path.rglob("*")) == before
        holder.send_signal(signal.SIGKILL)
        assert holder.wait() == -signal.SIGKILL
    assert answer(config)["load"].startswith("github-")


def test_a_run_that_dagster_launches_refuses_as_well(tmp_path: Path) -> None:
    """The job by itself, as its daemon and its pages launch it, while another process holds the storage."""
    config = tmp_path / "evenhand.toml"
    config.write_text(CONFIG, "utf-8")
    with held(config):
        night = Night(settings=load_settings(config), environment={})
        job = build_definitions(night).resolve_job_def(JOB)
        result = job.execute_in_process(raise_on_error=False)
        assert not result.success
        (failure,) = [event for event in result.all_events if event.is_failure]
        assert "Another run works in" in str(failure.event_specific_data)
        assert not [event for event in result.all_events if event.is_step_start]
        assert night.landing.manifests() == []
        # One asset alone, as its pages offer to make it.
        alone = build_definitions(night).resolve_implicit_global_asset_job_def()
        selected = [dg.AssetKey(["published", "evenhand"])]
        assert not alone.execute_in_process(raise_on_error=False, asset_selection=selected).success
        assert not night.published_folder.exists()


def test_while_a_run_that_dagster_launched_works_others_refuse(tmp_path: Path) -> None:
    """Its command for a run, in a process of its own, stopped in the middle."""
    config = tmp_path / "evenhand.toml"
    config.write_text(CONFIG, "utf-8")
    (tmp_path / "home").mkdir()
    environment = {**os.environ, "DAGSTER_HOME": str(tmp_path / "home"), "PYTHONPATH": str(ROOT)}
    environment |= {"DAGSTER_DISABLE_TELEMETRY": "1"}
    command = [sys.executable, "-m", "dagster", "job", "execute", "-j", JOB]
    command += ["-m", "pipelines.dagster_definitions"]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as launched:
        try:
            wait_until_held(tmp_path / "var" / "work" / "run.lock", launched)
            launched.send_signal(signal.SIGSTOP)
            assert "Another run works in" in answer(config)["refused"]
        finally:
            launched.send_signal(signal.SIGKILL)
    assert answer(config)["load"].startswith("github-")


def wait_until_held(lock: Path, by: "subprocess.Popen[bytes]") -> None:
    started = time.monotonic()
    while time.monotonic() - started < 120 and by.poll() is None:
        if lock.exists():
            with lock.open("r") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                except OSError:
                    return
        time.sleep(0.02)
    raise AssertionError("the storage was never held")
