"""What all tests share: the option for other folders of worked examples, and where shared material lies."""

from pathlib import Path

import pytest

OWN_EXAMPLES = Path(__file__).parent / "golden"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--golden-dir",
        default=str(OWN_EXAMPLES),
        help="folder of worked examples (*.json) to run instead of the project's own",
    )
