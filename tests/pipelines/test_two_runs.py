"""Two real processes on one storage: the second refuses, and one that was killed is in nobody's way."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

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
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True)
    found: dict[str, str] = json.loads(done.stdout)
    return found


def test_the_second_run_refuses_and_a_killed_one_is_in_nobodys_way(tmp_path: Path) -> None:
    config = tmp_path / "evenhand.toml"
    config.write_text(CONFIG, "utf-8")
    command = [sys.executable, "-c", HOLDS, str(config)]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        before = sorted(tmp_path.rglob("*"))
        assert "Another run works in" in answer(config)["refused"]
        assert sorted(tmp_path.rglob("*")) == before
        holder.send_signal(signal.SIGKILL)
        assert holder.wait() == -signal.SIGKILL
    started = time.monotonic()
    assert answer(config)["load"].startswith("github-")
    assert time.monotonic() - started < 60
