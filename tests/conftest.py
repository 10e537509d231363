"""What all tests share: the option for other worked examples, and one small made-up organisation."""

import os
from pathlib import Path

import pytest
from filelock import FileLock

from tests.the_command import DEMO_SIZE, copy_of, evenhand

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
