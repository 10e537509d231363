"""The checks' own process, as a night asks it: what it answers, and what is said when it breaks."""

import subprocess
import sys

import pytest

from pipelines.gate import Gate, GateError
from pipelines.profiles import Check


def asking(code: str) -> Gate:
    return Gate(
        subprocess.Popen(
            [sys.executable, "-W", "ignore", *code.split(" ", 1)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
    )


def check(name: str, at_most: int) -> Check:
    return Check(name=name, table="core.reviews", select="SELECT 0", wanted="nothing of it", at_most=at_most)


def test_what_occurs_more_often_than_it_may_does_not_pass() -> None:
    wanted = [check("never", 0), check("sometimes", 5), check("seldom", 1)]
    verdicts = asking("-m pipelines.gate").judge(
        wanted, {"core.reviews never": 0, "core.reviews sometimes": 5, "core.reviews seldom": 2}
    )
    assert [(verdict.check.name, verdict.passed, verdict.observed) for verdict in verdicts] == [
        ("never", True, 0),
        ("sometimes", True, 5),
        ("seldom", False, 2),
    ]


def test_one_that_breaks_says_nothing_about_the_data() -> None:
    with pytest.raises(GateError) as caught:
        asking("-c raise SystemExit('no memory')").judge([check("never", 0)], {"core.reviews never": 0})
    assert str(caught.value) == (
        "the checks broke, which says nothing about the data: no memory. Nothing was published."
    )


def test_it_is_ended_with_its_night() -> None:
    gate = asking("-c import time; time.sleep(600)")
    gate.close()
    assert gate.process.returncode == -9
