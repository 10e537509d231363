"""PagerDuty, asked only for what a killed run was not told.

Here: which questions are the same. Not here: answering them twice (``connectors.resuming``).
"""

from dataclasses import dataclass

from connectors.pagerduty.transport import Answer, Parameters, Transport
from connectors.resuming import Resuming


@dataclass(slots=True, kw_only=True)
class ResumingPagerDuty:
    """A transport around another one. Windows end at the beginning of the killed run, as they did."""

    transport: Transport
    resuming: Resuming[Answer]

    def get(self, path: str, parameters: Parameters) -> Answer:
        """One request, or none."""
        return self.resuming.answer([path, dict(parameters)], lambda: self.transport.get(path, parameters))
