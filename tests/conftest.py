"""What all tests share: the option for other worked examples, one small made-up organisation, one judge."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from pipelines.gate import Gate
from tests.the_command import DEMO_SIZE, copy_of, evenhand
from warehouse import connection

OWN_EXAMPLES = Path(__file__).parent / "golden"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--golden-dir",
        default=str(OWN_EXAMPLES),
        help="folder of worked examples (*.json) to run instead of the project's own",
    )


@pytest.fixture(scope="session")
def finished_demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of `evenhand demo` with 20 engineers and six months, to be copied and never written to.

    Made once for all processes of a run of tests; ``said.txt`` beside it holds what was printed.
    """
    of_all_processes = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        of_all_processes = of_all_processes.parent
    folder, said = (
        of_all_processes / "finished-demo" / "acme",
        of_all_processes / "finished-demo" / "said.txt",
    )
    with FileLock(of_all_processes / "finished-demo.lock"):
        if not said.exists():
            result = evenhand("demo", *DEMO_SIZE, "--out", str(folder))
            assert result.returncode == 0, result.stderr
            said.write_text(result.stderr + result.stdout)
    return folder


@pytest.fixture(scope="session")
def demo(finished_demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the demo for the tests of one process, which may add packets to it."""
    return copy_of(finished_demo, tmp_path_factory.mktemp("demo"))


@pytest.fixture(scope="session", autouse=True)
def a_processor_each() -> Iterator[None]:
    """Processes of tests beside each other take one thread each in DuckDB: with more they wait for each
    other. A single process, and the command wherever it is started, take what the machine has."""
    with pytest.MonkeyPatch.context() as patch:
        if "PYTEST_XDIST_WORKER" in os.environ:
            patch.setitem(connection._OFFLINE, "threads", "1")
        yield


JUDGE = """
import json, sys
import great_expectations
from pipelines.gate import validate
for line in sys.stdin:
    question = json.loads(line)
    print(json.dumps(validate(question["frame"], question["limits"])), flush=True)
"""


class Judge(Gate):
    """The child of all nights of one process of tests: it imports once and judges as that of a night."""

    def answer(self, question: str) -> str:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{question}\n")
        self.process.stdin.flush()
        return self.process.stdout.readline()

    def close(self) -> None:
        """It is kept for the next night."""


@pytest.fixture(scope="session", autouse=True)
def one_judge() -> Iterator[None]:
    """Nights of this process ask one judge; those that tests start as commands have each their own."""
    child: list[subprocess.Popen[str]] = []

    def start() -> Judge:
        if not child:
            child.append(
                subprocess.Popen(
                    [sys.executable, "-W", "ignore", "-c", JUDGE],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                    cwd=Path(__file__).parents[1],
                )
            )
        return Judge(child[0])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Gate, "start", start)
        yield
    for judge in child:
        with judge:
            assert judge.stdin is not None
            judge.stdin.close()
