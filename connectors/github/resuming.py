"""GitHub, asked only for what a killed run was not told.

Here: which questions are the same. Not here: answering them twice (``connectors.resuming``).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from connectors.github.queries import batch
from connectors.github.transport import Answer, Operation, Transport
from connectors.resuming import Resuming


@dataclass(slots=True, kw_only=True)
class ResumingGitHub:
    """A transport around another one."""

    transport: Transport
    resuming: Resuming[Answer]

    def send(self, operations: Sequence[Operation]) -> Answer:
        """One request, or none. The query itself is the question: another version of it asks otherwise."""
        return self.resuming.answer(list(batch(operations)), lambda: self.transport.send(operations))
