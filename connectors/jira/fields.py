"""Which of Jira's fields hold what, found by their kind or name and never by number.

Here: the sprint and epic fields by schema, and the fields that conventions name.
Not here: their values (``parse``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_SPRINT = "com.pyxis.greenhopper.jira:gh-sprint"
_EPIC = "com.pyxis.greenhopper.jira:gh-epic-link"
_WANTED = (
    "created updated resolutiondate status issuetype priority resolution assignee labels components "
    "fixVersions versions issuelinks parent duedate project description"
).split()
_CHANGED = ("status", "resolution", "assignee", "duedate", "issuetype", "priority", "project", "Key")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """Ids of fields. ``conventions``: by their configured name; ``unknown``: names without a field;
    ``ambiguous``: names of several, with the ids of those."""

    sprint: str | None
    epic: str | None
    conventions: Mapping[str, str] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()
    ambiguous: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def wanted(self) -> list[str]:
        """What is asked of a ticket, and nothing else."""
        own = [name for name in (self.sprint, self.epic) if name is not None]
        return [*_WANTED, *own, *sorted(set(self.conventions.values()) - set(_WANTED) - set(own))]

    @property
    def changed(self) -> list[str]:
        """What is asked of the history on Cloud: at most ten."""
        return [*_CHANGED, *([self.sprint] if self.sprint is not None else [])]


def find_fields(listed: Any, named: Sequence[str]) -> Fields:
    """The fields of this Jira, from ``/field``."""
    known = [entry for entry in listed if isinstance(entry, Mapping) and isinstance(entry.get("id"), str)]
    by_kind = {str((entry.get("schema") or {}).get("custom")): entry["id"] for entry in reversed(known)}
    ids: dict[str, list[str]] = {}
    for entry in known:
        ids.setdefault(str(entry.get("name")).casefold().strip(), []).append(entry["id"])
    ids |= {entry["id"].casefold(): [entry["id"]] for entry in known}
    matching = {name: ids.get(name.casefold().strip(), []) for name in named}
    return Fields(
        sprint=by_kind.get(_SPRINT),
        epic=by_kind.get(_EPIC),
        conventions={name: found[0] for name, found in matching.items() if len(found) == 1},
        unknown=tuple(name for name, found in matching.items() if not found),
        ambiguous={name: tuple(found) for name, found in matching.items() if len(found) > 1},
    )
