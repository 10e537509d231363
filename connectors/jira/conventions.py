"""By which words an organisation says that a ticket is a production defect, a follow-up or a post-mortem.

Here: one convention per kind, by type, label, field, link type or project, and whether a ticket meets it.
Not here: finding a field's id by its name (``fields``), or what is made of the marks (transforms).

The defaults are what people write without being told to. Words are compared without regard to case.
"""

import hashlib
import json
from collections.abc import Collection
from dataclasses import asdict, dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Convention:
    """A ticket meets it by any one of these. ``field`` names a field that must hold one of ``values``."""

    types: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    link_types: tuple[str, ...] = ()
    projects: tuple[str, ...] = ()
    field: str | None = None
    values: tuple[str, ...] = ()

    def is_met(self, ticket: "Traits") -> bool:
        """Whether any of it says so."""
        return (
            _any_of(self.types, [ticket.type])
            or _any_of(self.labels, ticket.labels)
            or _any_of(self.link_types, ticket.link_words)
            or _any_of(self.projects, ticket.project_names)
            or _any_of(self.values, ticket.field_values.get(self.field or "", ()))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What a convention can look at: words of one ticket."""

    type: str
    labels: Collection[str]
    link_words: Collection[str]
    project_names: Collection[str]
    field_values: dict[str, Collection[str]]
    affects_released_version: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Conventions:
    """All of them. A defect is found in production by its own convention, or if it affects a version that had
    been released before it was reported."""

    defect_types: tuple[str, ...] = ("Bug", "Defect", "Production bug", "Production defect", "Escaped defect")
    found_in_production: Convention = field(
        default_factory=lambda: Convention(
            types=("Production bug", "Production defect", "Escaped defect"),
            labels=("production", "prod", "found-in-production", "production-bug", "prod-bug", "escaped"),
        )
    )
    released_versions: bool = True
    incident_followup: Convention = field(
        default_factory=lambda: Convention(
            types=("Incident action", "Incident follow-up", "Post-incident action"),
            labels=(
                *("incident-followup", "incident-follow-up", "incident-action", "followup", "follow-up"),
                *("postmortem-action", "post-mortem-action", "pir-action", "corrective-action"),
            ),
            link_types=("is action of", "follows up", "is follow-up of", "post-incident review for"),
        )
    )
    postmortem: Convention = field(
        default_factory=lambda: Convention(
            types=("Postmortem", "Post-mortem", "Post-incident review", "[System] Post-incident review"),
            labels=("postmortem", "post-mortem", "post-incident-review", "pir"),
        )
    )

    def named_fields(self) -> list[str]:
        """Fields of Jira that must be read for them, by name or id."""
        parts = (self.found_in_production, self.incident_followup, self.postmortem)
        return sorted({part.field for part in parts if part.field is not None})

    def digest(self) -> str:
        """A short hash: under other conventions a ticket has other marks, and all must be read again."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:12]


def _any_of(wanted: Collection[str], found: Collection[str]) -> bool:
    words = {word.casefold().strip() for word in wanted}
    return any(word.casefold().strip() in words for word in found)
