"""The publishing gate: Great Expectations on the profile frame, in a process of its own.

Here: the child process, which is the only importer of great_expectations, and how it is asked.
Not here: what is counted (``profiles``).

The import takes 6 to 9 seconds and 270 MB. A child that is started when the night begins has it behind it
when the tables are ready, and gives the memory back when it ends.
"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

from pipelines.profiles import Check

_SECONDS = 120


class GateError(Exception):
    """The checks themselves broke: this says nothing about the data."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One check's result. ``observed`` occurrences of what should not be there."""

    check: Check
    passed: bool
    observed: int


@dataclass(slots=True)
class Gate:
    """A child process that validates one profile frame and ends."""

    process: "subprocess.Popen[str]"

    @classmethod
    def start(cls) -> "Gate":
        """Start the child; it imports while others work."""
        return cls(
            subprocess.Popen(
                [sys.executable, "-m", "pipelines.gate"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env={**os.environ, "PYTHONWARNINGS": "ignore"},
            )
        )

    def judge(self, checks: list[Check], observed: dict[str, int]) -> list[Verdict]:
        """Validate the profile frame. Raises GateError when the child breaks."""
        question = {
            "frame": observed,
            "limits": {check.column: check.at_most for check in checks},
        }
        passed = json.loads(self.answer(json.dumps(question)))
        return [
            Verdict(check=check, passed=passed[check.column], observed=observed[check.column])
            for check in checks
        ]

    def answer(self, question: str) -> str:
        """What the child says: JSON, by column whether it passes. Raises GateError when the child breaks."""
        try:
            answer, complaint = self.process.communicate(question, timeout=_SECONDS)
        except subprocess.TimeoutExpired:
            self.close()
            raise GateError(f"the checks did not answer within {_SECONDS} s; nothing was published") from None
        if self.process.returncode != 0:
            last = complaint.strip().splitlines()[-1:] or ["no message"]
            raise GateError(
                f"the checks broke, which says nothing about the data: {last[0]}. Nothing was published."
            )
        return answer.strip().splitlines()[-1]

    def close(self) -> None:
        """End the child if it still runs."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()


def validate(frame: dict[str, int], limits: dict[str, int]) -> dict[str, bool]:
    """Run one expectation per column of a one-row frame. Raises RuntimeError if an expectation broke."""
    import great_expectations as gx
    import pandas as pd
    from great_expectations.expectations.core.expect_column_max_to_be_between import (
        ExpectColumnMaxToBeBetween,
    )

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}  # type: ignore[assignment]  # as their docs say
    batch = (
        context.data_sources.add_pandas("frames")
        .add_dataframe_asset("profile")
        .add_batch_definition_whole_dataframe("all")
    )
    expectations = [ExpectColumnMaxToBeBetween(column=column, max_value=limits[column]) for column in frame]
    suite = context.suites.add(gx.ExpectationSuite(name="profile", expectations=expectations))
    definition = context.validation_definitions.add(
        gx.ValidationDefinition(name="profile", data=batch, suite=suite)
    )
    checkpoint = context.checkpoints.add(
        gx.Checkpoint(
            name="profile",
            validation_definitions=[definition],
            result_format={"result_format": "BASIC", "partial_unexpected_count": 0},
        )
    )
    result = checkpoint.run(batch_parameters={"dataframe": pd.DataFrame([frame])})
    (only,) = result.run_results.values()
    passed = {}
    for outcome in only.results:
        column = outcome.expectation_config.kwargs["column"] if outcome.expectation_config else "unknown"
        if not outcome.success and outcome.exception_info.get("raised_exception") is not False:
            raise RuntimeError(f"expectation on {column} broke")
        passed[column] = bool(outcome.success)
    return passed


def main() -> None:
    """Read the question from standard input, answer on standard output."""
    import great_expectations  # noqa: F401  # imported before the question comes, which is the point

    question: dict[str, Any] = json.loads(sys.stdin.read())
    print(json.dumps(validate(question["frame"], question["limits"])))  # noqa: T201


if __name__ == "__main__":
    main()
