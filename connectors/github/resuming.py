"""Going on where a run was killed: what GitHub has answered already is not asked again.

Here: a transport around another one, with a draft of its answers.
Not here: the file (``warehouse.draft``), asking (``http``).

A run asks the same questions in the same order as long as it gets the same answers, so a run that is given
the answers of the killed one stands where that stood: with its pages, its cursors, what it still held back,
and its own beginning, which is what its load is known at.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from connectors.errors import TriedOftenError
from connectors.github.queries import batch
from connectors.github.transport import Answer, Operation, Transport

LIFETIME = timedelta(hours=24)
"""How long after the beginning of a run, by the server's clock, its answers are used by another run."""

_BEGIN = Operation(name="ServerTime", variables={})


class Draft(Protocol):
    """Where answers are kept until their load has ended."""

    @property
    def is_empty(self) -> bool: ...

    def take(self, key: str) -> Any: ...

    def peek(self, key: str) -> Any: ...

    def keep(self, key: str, value: Any) -> None: ...

    def clear(self) -> None: ...


@dataclass(slots=True, kw_only=True)
class Resuming:
    """Answers from the draft as long as it has them, then from ``transport``, keeping each.

    What was refused however often it was tried is kept as well, because what follows was asked because of it.
    """

    transport: Transport
    draft: Draft
    lifetime: timedelta = LIFETIME
    answered_before: int = 0
    _is_open: bool = False

    def send(self, operations: Sequence[Operation]) -> Answer:
        """One request, or none. Raises what the transport raises."""
        if not self._is_open:
            self._open()
        key = _key(operations)
        kept = self.draft.take(key)
        if kept is not None:
            self.answered_before += 1
            if "refused" in kept:
                raise TriedOftenError(kept["refused"])
            return _answer(kept)
        try:
            answer = self.transport.send(operations)
        except TriedOftenError as reason:
            self.draft.keep(key, {"refused": str(reason)})
            raise
        self.draft.keep(key, _kept(answer))
        return answer

    def _open(self) -> None:
        """Forget a draft that is too old: the server says what time it is, the first answer what it was."""
        self._is_open = True
        if self.draft.is_empty:
            return
        begun = self.draft.peek(_key([_BEGIN]))
        if begun is not None and "refused" not in begun:
            now_utc = self.transport.send([_BEGIN]).served_at_utc
            if timedelta(0) <= now_utc - _answer(begun).served_at_utc <= self.lifetime:
                return
        self.draft.clear()


def _key(operations: Sequence[Operation]) -> str:
    text = json.dumps(batch(operations), sort_keys=True)  # the query too: another version asks otherwise
    return hashlib.sha256(text.encode()).hexdigest()


def _kept(answer: Answer) -> dict[str, Any]:
    return {
        "data": list(answer.data),
        "errors": list(answer.errors),
        "served_at_utc": answer.served_at_utc.isoformat(),
        "points": answer.points,
    }


def _answer(kept: dict[str, Any]) -> Answer:
    return Answer(
        data=tuple(kept["data"]),
        errors=tuple(kept["errors"]),
        served_at_utc=datetime.fromisoformat(kept["served_at_utc"]),
        points=kept["points"],
    )
