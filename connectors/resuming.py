"""Going on where a run was killed: what a source has answered already is not asked again.

Here: answers out of a draft as long as it has them, then asked for and kept; how old a draft may be.
Not here: the file (``warehouse.draft``), what a source is asked (its ``resuming``, a few lines around this).

A run asks the same questions in the same order as long as it gets the same answers, so a run that is given
the answers of the killed one stands where that stood: with its pages, its cursors, what it still held back,
and its own beginning, which is what its load is known at.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from typing import Any, Generic, Protocol, TypeVar, get_origin, get_type_hints

from connectors.contract import Usage
from connectors.errors import StopScopeError, TriedOftenError

LIFETIME = timedelta(hours=24)
"""How long after the beginning of a run, by the server's clock, its answers are used by another run."""

_SECONDS = "seconds"


class Served(Protocol):
    """A dataclass of what JSON can hold, and the server's time."""

    @property
    def served_at_utc(self) -> datetime: ...


class Draft(Protocol):
    """Where answers are kept until their load has ended."""

    @property
    def is_empty(self) -> bool: ...

    @property
    def keys(self) -> list[str]: ...

    def take(self, key: str) -> Any: ...

    def keep(self, key: str, value: Any) -> None: ...

    def clear(self) -> None: ...


Answer = TypeVar("Answer", bound=Served)


@dataclass(slots=True, kw_only=True)
class Resuming(Generic[Answer]):
    """Answers of one type from the draft as long as it has them, then from the source, keeping each.

    What was refused is kept as well, because what follows was asked because of it. ``refusals`` are the
    errors that can be. A limit or a token that is refused is the end of a run, and not kept. ``usage`` is
    told what is no request, and how long it took when it was one.
    """

    draft: Draft
    kind: type[Answer]
    usage: Usage = field(default_factory=Usage)
    refusals: tuple[type[StopScopeError], ...] = (StopScopeError, TriedOftenError)
    lifetime: timedelta = LIFETIME
    answered_before: int = 0
    _is_open: bool = False

    def answer(self, question: Any, ask: Callable[[], Answer]) -> Answer:
        """The answer to a question (as JSON), with one request or none. Raises what ``ask`` raises."""
        digest = hashlib.sha256(json.dumps(question, sort_keys=True).encode()).hexdigest()
        key = f"{self.usage.asking} {digest}"
        if not self._is_open:
            told_now = self._open(key, ask)
            if told_now is not None:
                return told_now
        kept = self.draft.take(key)
        if kept is not None:
            self.answered_before += 1
            self.usage.is_given(kept.pop(_SECONDS, 0.0))
            return self._of(kept)
        begun = self.usage.clock()
        try:
            answer = ask()
        except self.refusals as reason:
            refused = [type(reason).__name__, str(reason), dict(vars(reason))]
            self.draft.keep(key, {"refused": refused, _SECONDS: self.usage.clock() - begun})
            raise
        return self._kept(key, answer, self.usage.clock() - begun)

    def _open(self, key: str, ask: Callable[[], Answer]) -> Answer | None:
        """Forget a draft that is too old. A run's first question is the same each time, so it is asked
        again: its answer says what time it is, the kept one when the killed run began."""
        self._is_open = True
        if self.draft.is_empty:
            return None
        kept = self.draft.take(key)
        if kept is not None and "refused" not in kept:
            begun = self.usage.clock()
            now = ask()
            seconds = self.usage.clock() - begun
            kept.pop(_SECONDS, None)
            told = self._of(kept)
            if timedelta(0) <= now.served_at_utc - told.served_at_utc <= self.lifetime:
                self.answered_before += 1
                self.usage.kept = Counter(each.rpartition(" ")[0] for each in self.draft.keys)
                return told
            self.draft.clear()
            return self._kept(key, now, seconds)
        self.draft.clear()
        return None

    def _kept(self, key: str, answer: Answer, seconds: float) -> Answer:
        values = {each.name: getattr(answer, each.name) for each in fields(answer)}  # type: ignore[arg-type]
        self.draft.keep(
            key, values | {"served_at_utc": answer.served_at_utc.isoformat(), _SECONDS: round(seconds, 3)}
        )
        return answer

    def _of(self, kept: dict[str, Any]) -> Answer:
        if "refused" in kept:
            name, message, more = kept["refused"]
            (kind,) = (each for each in self.refusals if each.__name__ == name)
            raise kind(message, **more)
        hints = get_type_hints(self.kind)
        values = {
            name: tuple(value) if get_origin(hints[name]) is tuple else value for name, value in kept.items()
        }
        return self.kind(**values | {"served_at_utc": datetime.fromisoformat(kept["served_at_utc"])})
