"""Errors of the sources, named by what the caller does about them.

Here: three exceptions and one exception from parsing. None of them ever carries a token, a header or a
response body.
"""


class RetryLaterError(Exception):
    """The source answered that it cannot answer now. Ask again after ``wait_seconds``.

    ``is_limit``: it has answered too much already, and asking for less would not help.
    """

    def __init__(self, message: str, *, wait_seconds: float | None = None, is_limit: bool = False) -> None:
        super().__init__(message)
        self.wait_seconds = wait_seconds
        self.is_limit = is_limit


class StopSourceError(Exception):
    """Nothing more can be read from this source in this run: what was read stays, the rest is a gap."""


class StopScopeError(Exception):
    """Nothing more can be read from this scope (a repository); the other scopes of the source go on."""


class TriedOftenError(StopScopeError):
    """The same request failed every time it was tried. A smaller one may still be answered."""


class SkippableRecordError(Exception):
    """One record is not what the source promises. It is quarantined and counted; everything else goes on.

    ``problem`` is one word; the message names the field, what was wanted and what kind of thing was found,
    and never the value itself unless it is an enumeration's word.
    """

    def __init__(self, *, field: str, problem: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.problem = problem
