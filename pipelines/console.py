"""What a command says, and how it ends.

Here: progress (a moving line on a terminal, plain lines elsewhere), errors in our words, exit codes.
Not here: what a command does.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from datetime import datetime

FINE, FAILED, WRONG_USAGE, CHECK_FAILED = 0, 1, 2, 3


class Exit(SystemExit):
    """Ends the command with one of the four codes."""


def say(text: str) -> None:
    """One line of result, on standard output."""
    print(text)  # noqa: T201  # this is the one place that prints


def note(text: str) -> None:
    """One line of progress, on standard error: output can be piped without it."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201


def fail(message: object, code: int = FAILED) -> NoReturn:
    """Say what went wrong on standard error, and end."""
    note(str(message))
    raise Exit(code)


@contextmanager
def errors_in_words() -> Iterator[None]:
    """Known errors end the command with their message; unknown ones keep their traceback.

    Only errors of modules that are already imported can occur, so nothing slow is imported to name them.
    """
    try:
        yield
    except BrokenPipeError:
        raise Exit(FINE) from None
    except Exception as problem:
        code = _code(problem)
        if code is None:
            raise
        fail(problem, code)


_CODES = {
    "SettingsError": WRONG_USAGE,
    "UnknownMetricError": WRONG_USAGE,
    "PacketError": WRONG_USAGE,
    "UsageProblemError": WRONG_USAGE,
    "NightError": FAILED,
    "ChecksFailedError": CHECK_FAILED,
    "CatalogueError": FAILED,
    "StopSourceError": FAILED,
    "StopScopeError": FAILED,
    "LandingError": FAILED,
    "JournalError": FAILED,
    "IdentityError": FAILED,
    "DatabaseBusyError": FAILED,
    "GateError": FAILED,
}


class UsageProblemError(Exception):
    """The command was asked for something that does not go together."""


def _code(problem: Exception) -> int | None:
    return next((_CODES[kind.__name__] for kind in type(problem).__mro__ if kind.__name__ in _CODES), None)


class Progress:
    """Lines of progress with the seconds since the start; ``clock`` is given from outside."""

    def __init__(self, clock: "Clock") -> None:
        self._clock = clock
        self._start = clock()

    def __call__(self, text: str) -> None:
        note(f"[{self._clock() - self._start:5.1f} s] {text}")


class Clock:
    """Seconds that only go forward. For people's eyes: no number of a table depends on it."""

    def __call__(self) -> float:
        import time

        return time.monotonic()

    @staticmethod
    def now_utc() -> "datetime":
        """This machine's own time, to hold against a server's; nothing is decided by it."""
        from datetime import UTC, datetime

        return datetime.now(UTC)
