"""What all tests share: the option for other worked examples, and one small made-up organisation."""

from pathlib import Path

import pytest

from tests.the_command import evenhand

OWN_EXAMPLES = Path(__file__).parent / "golden"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--golden-dir",
        default=str(OWN_EXAMPLES),
        help="folder of worked examples (*.json) to run instead of the project's own",
    )


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of `evenhand demo` with 20 engineers and six months."""
    folder = tmp_path_factory.mktemp("demo") / "acme"
    result = evenhand("demo", "--engineers", "20", "--months", "6", "--out", str(folder))
    assert result.returncode == 0, result.stderr
    (folder.parent / "said.txt").write_text(result.stderr + result.stdout)
    return folder
