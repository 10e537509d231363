"""Jira, asked only for what a killed run was not told.

Here: which questions are the same. Not here: answering them twice (``connectors.resuming``), lists whose
page mark is no longer taken (``client``).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connectors.jira.transport import Answer, Transport
from connectors.resuming import Resuming


@dataclass(slots=True, kw_only=True)
class ResumingJira:
    """A transport around another one."""

    transport: Transport
    resuming: Resuming[Answer]

    def ask(self, path: str, query: Mapping[str, Any] | None = None, body: Any = None) -> Answer:
        """One request, or none."""
        question = [path, dict(query or {}), body]
        return self.resuming.answer(question, lambda: self.transport.ask(path, query, body))
