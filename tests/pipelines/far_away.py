"""Servers that take their time by a clock of the test's own, which nothing but requests and waiting moves.

Here: the clock, and the clients' requests and waits that move it. Not here: what is tried with them.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from connectors.github.http import GitHubOverHttp
from connectors.waiting import Patience
from pipelines import nightly
from tests.pipelines.emulated import ASKS


@dataclass(slots=True)
class Clock:
    """Seconds that pass only while a server works, or somebody waits."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def put_far_away(monkeypatch: pytest.MonkeyPatch, *, seconds: float = 2.0) -> Clock:
    """Every request takes so long and more for what it brings, by a clock that knows nothing else."""
    clock = Clock()

    def late(kind: type[Any], name: str) -> None:
        really = getattr(kind, name)

        def ask(self: Any, *asked: Any, **more: Any) -> Any:
            clock.now += seconds
            answer = really(self, *asked, **more)
            clock.now += 0.0005 * size_of(answer)
            return answer

        monkeypatch.setattr(kind, name, ask)

    for kind, name in set(ASKS.values()):
        late(kind, name)
    monkeypatch.setattr(nightly.time, "perf_counter", clock)
    return clock


def count_limits_by(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Callable[[float], Patience]:
    """The servers' windows pass by this clock too. Gives what makes a patience that may wait so long."""
    begun = time.time()
    monkeypatch.setattr(time, "time", lambda: begun + clock.now)
    monkeypatch.setitem(GitHubOverHttp.__init__.__kwdefaults__, "now", lambda: begun + clock.now)
    return lambda seconds: Patience(sleep=clock.sleep, may_wait_seconds=seconds)


def size_of(answer: Any) -> int:
    """How many objects an answer of any source has."""

    def objects(part: Any) -> int:
        below = part.values() if isinstance(part, dict) else part if isinstance(part, list | tuple) else ()
        return isinstance(part, dict) + sum(map(objects, below))

    return objects(answer.data if hasattr(answer, "data") else answer.body)
