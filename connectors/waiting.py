"""Trying again: how often, after how long, and how long one run may wait in all.

Here: the one retry of every client, by tenacity, and the budget of waiting that the sources of a run share.
Not here: which answers are worth another try (each source's ``http`` raises RetryLaterError for them).
"""

import re
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Literal, TypeVar

import requests
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt

from connectors.contract import Limit
from connectors.errors import RetryLaterError, StopSourceError, TriedOftenError

ATTEMPTS = 5
MAY_WAIT_SECONDS = 90 * 60.0
"""GitHub's limit is over after an hour at the most; a run may meet it once, and some small ones besides."""
LONGEST_WINDOW_SECONDS = 3_600.0
CLOCKS_DIFFER_SECONDS = 60.0

_SECONDS = {"day": 86_400, "h": 3_600, "min": 60, "s": 1}
_WORTH_SAYING_SECONDS = 5.0
_LIMIT_SECONDS = 60.0

Answer = TypeVar("Answer")


def in_silence(_: str) -> None:
    """Where nobody listens."""


@dataclass(slots=True, kw_only=True)
class Patience:
    """How long one run waits, whatever source makes it wait.

    ``sleep`` and ``say`` are given from outside: tests do not sleep, and the operator is told of every wait
    that is worth it. ``waited_seconds`` is what has been used of ``may_wait_seconds``, ``tried_again`` how
    often something was asked again. ``limits``: what each source said last of its limit, in its headers.
    """

    sleep: Callable[[float], None] = field(default_factory=lambda: time.sleep)
    say: Callable[[str], None] = in_silence
    may_wait_seconds: float = MAY_WAIT_SECONDS
    waited_seconds: float = 0.0
    tried_again: int = 0
    limits: dict[str, Limit] = field(default_factory=dict)

    def notes_limit(
        self, source: str, headers: Mapping[str, str], now: float, *, of: Literal["points", "requests"]
    ) -> None:
        """Keep what an answer says of the source's limit, where it says anything."""
        limit = limit_told(headers, headers.get("date"), now, of=of)
        if limit is not None:
            self.limits[source] = limit

    def ask(self, once: Callable[[], Answer], *, what: str) -> Answer:
        """``once()``, tried again while it raises RetryLaterError; ``what`` names the request in errors.

        Raises TriedOftenError after five attempts, and StopSourceError where only a limit was in the way or
        the budget does not suffice: then asking for less would not help, and what is missing is a gap.
        """
        retrying = Retrying(
            retry=retry_if_exception_type(RetryLaterError),
            stop=stop_after_attempt(ATTEMPTS),
            wait=_wait_seconds,
            before_sleep=self._check,
            sleep=self._sleep,
            reraise=True,
        )
        try:
            return retrying(once)
        except RetryLaterError as reason:
            tried = f"{reason} Tried {ATTEMPTS} times ({what}). What was read before is kept;"
            if reason.is_limit:
                raise StopSourceError(f"{tried} the rest is missing until the next run.") from None
            raise TriedOftenError(f"{tried} the rest is missing.") from None

    def _check(self, state: RetryCallState) -> None:
        """Say why the run waits, or end the source where it may not wait that long."""
        reason, seconds = _reason_of(state), state.upcoming_sleep
        self.tried_again += 1
        left = self.may_wait_seconds - self.waited_seconds
        if seconds > left:
            raise StopSourceError(
                f"{reason} It would take {duration(seconds)} of waiting; this run has waited "
                f"{duration(self.waited_seconds)} of the {duration(self.may_wait_seconds)} it may "
                "([run] may_wait_minutes in evenhand.toml). What was read before is kept; the rest is "
                "missing until the next run."
            )
        if seconds >= _WORTH_SAYING_SECONDS:
            self.say(f"waiting {duration(seconds)}: {reason}")

    def _sleep(self, seconds: float) -> None:
        self.waited_seconds += seconds
        self.sleep(seconds)


def asked_to_wait(retry_after: str | None, date: str | None) -> float | None:
    """Seconds of a ``Retry-After`` header: a number, or an instant after the answer's own ``Date``."""
    if retry_after is None:
        return None
    if retry_after.strip().isdigit():
        return float(retry_after)
    try:
        wait = (parsedate_to_datetime(retry_after) - parsedate_to_datetime(date or "")).total_seconds()
    except (TypeError, ValueError):
        return None
    return max(wait, 0.0)


def limit_told(
    headers: Mapping[str, str], date: str | None, now: float, *, of: Literal["points", "requests"]
) -> Limit | None:
    """What an answer says of a limit; None where it does not say how much is left, or until when.

    GitHub's ``x-ratelimit-*`` (an hour, until seconds since 1970), PagerDuty's ``ratelimit-*`` (a minute,
    seconds until the next), Jira Cloud's ``x-ratelimit-*`` (until an instant), Jira Data Center's bucket that
    fills by so many each interval. ``now`` (seconds since 1970) is asked where the answer's own time cannot
    be right.
    """
    told = {name.lower().removeprefix("x-"): value for name, value in headers.items()}
    left, amount = (_number(told.get(f"ratelimit-{name}")) for name in ("remaining", "limit"))
    fills, every = (_number(told.get(f"ratelimit-{name}")) for name in ("fillrate", "interval-seconds"))
    if left is None or not amount:
        return None
    if fills and every:
        return Limit(left=left, renewed_in_seconds=every, amount=fills, window_seconds=every, of=of)
    seconds = _seconds_until(told.get("ratelimit-reset", ""), date, now)
    if seconds is None:
        return None
    window = _LIMIT_SECONDS if seconds <= _LIMIT_SECONDS and of == "requests" else LONGEST_WINDOW_SECONDS
    return Limit(left=left, renewed_in_seconds=seconds, amount=amount, window_seconds=window, of=of)


def _seconds_until(reset: str, date: str | None, now: float) -> float | None:
    number = _number(reset)
    if number is not None and number <= LONGEST_WINDOW_SECONDS:
        return float(number)
    try:
        until = float(number) if number is not None else datetime.fromisoformat(reset).timestamp()
    except ValueError:
        return None
    for clock in (_epoch_of(date), now):
        left = until - clock
        if -CLOCKS_DIFFER_SECONDS <= left <= LONGEST_WINDOW_SECONDS + CLOCKS_DIFFER_SECONDS:
            return max(left, 0.0)
    return None


def _epoch_of(date: str | None) -> float:
    try:
        return parsedate_to_datetime(date or "").timestamp()
    except (TypeError, ValueError):
        return 0.0


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and re.fullmatch(r"[0-9]{1,11}", text.strip()) else None


def unanswered(source: str, problem: Exception) -> RetryLaterError:
    """What a request without a usable answer is called: nobody was there, or what came was broken."""
    if isinstance(problem, ConnectionError | requests.ConnectionError):
        return unreached(source, problem)
    return RetryLaterError(f"{source}'s answer could not be read ({type(problem).__name__}).")


def unreached(source: str, problem: BaseException) -> RetryLaterError:
    """What it is called that nobody was there, with what may be done about it, where its cause tells."""
    advice = next(
        (words for cause in _causes(problem) for kind, words in _ADVICE if isinstance(cause, kind)), ""
    )
    return RetryLaterError(f"{source} could not be reached ({type(problem).__name__}).{advice}")


_ADVICE: tuple[tuple[type[BaseException], str], ...] = (
    (
        ssl.SSLError,
        " Its certificate is not trusted here, or there is no TLS at this address. A certificate authority "
        "of your own is named in SSL_CERT_FILE and REQUESTS_CA_BUNDLE.",
    ),
    (socket.gaierror, " There is no host of the name in base_url, or this machine cannot look it up."),
    (ConnectionRefusedError, " Nothing listens there: is base_url right?"),
    (TimeoutError, " It did not answer in time: may this machine reach it, or does it take a proxy?"),
)


def _causes(problem: BaseException) -> Iterator[BaseException]:
    """The error and what lies behind it; libraries keep that as a cause, a reason or their first argument."""
    left, seen = [problem], list[BaseException]()
    while left:
        one = left.pop(0)
        if any(one is other for other in seen):
            continue
        seen.append(one)
        yield one
        behind = (one.__cause__, one.__context__, getattr(one, "reason", None), *one.args)
        left += [each for each in behind if isinstance(each, BaseException)]


def served_at_utc(date: str | None, *, source: str) -> datetime:
    """The server's own time, of the ``Date`` header. Raises StopSourceError without one."""
    try:
        served = parsedate_to_datetime(date or "")
    except (TypeError, ValueError):
        raise StopSourceError(
            f"{source}'s answer has no Date header, so nothing says when it was true."
        ) from None
    return served.replace(tzinfo=served.tzinfo or UTC).astimezone(UTC)


def _reason_of(state: RetryCallState) -> RetryLaterError:
    problem = state.outcome.exception() if state.outcome is not None else None
    assert isinstance(problem, RetryLaterError)
    return problem


def _wait_seconds(state: RetryCallState) -> float:
    """What the server asks for; else a minute and twice as long each time at a limit, a second elsewhere."""
    reason = _reason_of(state)
    if reason.wait_seconds is not None:
        return max(reason.wait_seconds, 1.0)
    first = _LIMIT_SECONDS if reason.is_limit else 1.0
    return float(first * 2 ** (state.attempt_number - 1))


def duration(seconds: float) -> str:
    """In words, by its two largest units: ``23 days 23 h``, ``1 h 5 min``, ``2 min 3 s``."""
    for unit, below in (("day", "h"), ("h", "min"), ("min", "s")):
        many, rest = divmod(round(seconds / _SECONDS[below]), _SECONDS[unit] // _SECONDS[below])
        if many:
            whole = f"{many} {unit}s" if unit == "day" and many > 1 else f"{many} {unit}"
            return f"{whole} {rest} {below}" if rest else whole
    return f"{round(seconds)} s"
