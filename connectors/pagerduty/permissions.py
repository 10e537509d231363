"""What a key lacks, found by asking for one row of each list that a night reads.

Here: the lists, and the permission that each refusal means.
Not here: reading them (``client``). Nothing of the answers is kept.
"""

from collections.abc import Callable, Iterator, Mapping

from connectors.contract import Gap
from connectors.errors import StopScopeError
from connectors.pagerduty.transport import Answer, Parameters

READ: Mapping[str, tuple[str, str]] = {
    "/users": ("who there is", "users.read"),
    "/services": ("services and their teams", "services.read"),
    "/oncalls": ("who is on call without a schedule", "oncalls.read"),
    "/schedules": ("who was on call when", "schedules.read"),
    "/log_entries": ("what happened to incidents", "incidents.read"),
}
"""What a night reads besides incidents, and the scope that it takes. Priorities are not in every plan."""


def lacking(get: Callable[[str, Parameters], Answer]) -> Iterator[Gap]:
    """A gap for each list that the key may not read, all that it lacks and not the first alone."""
    for path, (what, scope) in READ.items():
        try:
            get(path, {"limit": 1})
        except StopScopeError as reason:
            told = f"{reason} It tells {what}; a key with scopes needs {scope}."
            yield Gap(scope=f"pagerduty:{scope}", message=told)
