"""Services from Backstage's ``catalog-info.yaml``: Component, System and Group.

Here: which files are read, what of an entity is kept, and what is quarantined.
Not here: rows of ``services.csv`` (``files``), what a service means to a number (transforms).

PyYAML reads them, by its safe loader alone: it is what everybody's YAML means, and the lock has it anyway.
An owner or tier that a component does not tell is its system's. Tiers are no field of Backstage's; they are
told by the annotation ``evenhand/tier`` or the label ``tier``.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from connectors.contract import RejectedRecord
from connectors.errors import SkippableRecordError
from connectors.organization.records import ServiceRow

LARGEST_FILE = 1_000_000
EXPERIMENTAL, INTERNAL = 4, 3
_MEANT = ("Component", "System", "Group")


def read_backstage(
    folder: Path, patterns: Sequence[str]
) -> tuple[list[tuple[str, ServiceRow]], list[RejectedRecord]]:
    """The services of all files that match, each with the place it stands in, and what was rejected."""
    paths = sorted({path for pattern in patterns for path in folder.glob(pattern) if path.is_file()})
    rejected: list[RejectedRecord] = []
    entities: list[tuple[str, Mapping[str, Any]]] = []
    if not paths:
        nothing = _bad("backstage", "missing_field", f"no file matches {', '.join(patterns)}")
        rejected.append(_rejected(", ".join(patterns), nothing))
    for path in paths:
        place = str(path.relative_to(folder)) if path.is_relative_to(folder) else path.name
        try:
            entities += _entities(path, place)
        except SkippableRecordError as problem:
            rejected.append(_rejected(place, problem))
    systems = {_name(entity): entity for _, entity in entities if entity.get("kind") == "System"}
    groups = {_name(entity) for _, entity in entities if entity.get("kind") == "Group"}
    rows: list[tuple[str, ServiceRow]] = []
    for place, entity in entities:
        if entity.get("kind") != "Component":
            continue
        try:
            rows.append((place, _service(entity, systems, groups)))
        except SkippableRecordError as problem:
            rejected.append(_rejected(f"{place}, {_shown(_name(entity))}", problem))
    return rows, rejected


def _entities(path: Path, place: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The entities of one file that mean something here. Raises SkippableRecordError for the whole file."""
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise _bad("file", "wrong_type", f"at most {LARGEST_FILE:,} bytes were wanted, found more")
        documents = list(yaml.safe_load_all(path.read_text("utf-8-sig")))
    except (OSError, UnicodeDecodeError):
        raise _bad("file", "wrong_type", "a text file in UTF-8 was wanted") from None
    except (yaml.YAMLError, ValueError, RecursionError) as problem:
        mark = getattr(problem, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark is not None else ""
        raise _bad("file", "wrong_type", f"YAML was wanted{line}; it cannot be read") from None
    for number, document in enumerate(documents, start=1):
        if isinstance(document, Mapping) and document.get("kind") in _MEANT:
            where = place if len(documents) == 1 else f"{place}, document {number}"
            yield where, document


def _service(
    entity: Mapping[str, Any], systems: Mapping[str, Mapping[str, Any]], groups: set[str]
) -> ServiceRow:
    metadata, spec = _part(entity, "metadata"), _part(entity, "spec")
    name = _name(entity)
    if not name:
        raise _bad("metadata.name", "missing_field", "a component without a name")
    system = systems.get(_reference(spec.get("system")), {})
    annotations = _part(metadata, "annotations")
    slug = annotations.get("github.com/project-slug")
    if slug is not None and not re.fullmatch(r"[\w.-]+/[\w.-]+", str(slug)):
        raise _bad("github.com/project-slug", "wrong_type", "owner/name was wanted, found something else")
    owner = _reference(spec.get("owner")) or _reference(_part(system, "spec").get("owner"))
    if owner and groups and owner not in groups:
        raise _bad("spec.owner", "unknown_value", "the owner is no Group of these files")
    return ServiceRow(
        service_id=name,
        tier=_tier(entity, system),
        team_id=owner or None,
        repository=None if slug is None else str(slug),
        label=_optional(annotations, "evenhand/label"),
        valid_from=_day(annotations, "evenhand/valid-from"),
        valid_to=_day(annotations, "evenhand/valid-to"),
        pagerduty_service_id=_optional(annotations, "pagerduty.com/service-id"),
        jira_project=_optional(annotations, "jira/project-key"),
    )


def _tier(entity: Mapping[str, Any], system: Mapping[str, Any]) -> int:
    """1 to 4; of what says nothing, the system's; of that, 4 where it is experimental, else 3."""
    for one in (entity, system):
        metadata = _part(one, "metadata")
        told = _part(metadata, "annotations").get("evenhand/tier", _part(metadata, "labels").get("tier"))
        if told is not None:
            found = re.fullmatch(r"(?:tier[-_ ]?)?([1-4])", str(told).strip().lower())
            if found is None:
                raise _bad("tier", "unknown_value", "a tier from 1 to 4 was wanted, found something else")
            return int(found[1])
    return EXPERIMENTAL if _part(entity, "spec").get("lifecycle") == "experimental" else INTERNAL


def _reference(value: Any) -> str:
    """The name in an entity reference: ``group:default/payments`` and ``payments`` are the same."""
    return str(value).rpartition(":")[2].rpartition("/")[2].strip() if value is not None else ""


def _name(entity: Mapping[str, Any]) -> str:
    return str(_part(entity, "metadata").get("name") or "").strip()


def _part(parent: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = parent.get(name)
    return value if isinstance(value, Mapping) else {}


def _optional(annotations: Mapping[str, Any], name: str) -> str | None:
    value = annotations.get(name)
    return None if value is None or not str(value).strip() else str(value).strip()


def _day(annotations: Mapping[str, Any], name: str) -> date | None:
    value = _optional(annotations, name)
    try:
        return None if value is None else date.fromisoformat(value)
    except ValueError:
        raise _bad(name, "wrong_type", "a day such as 2026-05-01 was wanted") from None


def _shown(name: str) -> str:
    return name if re.fullmatch(r"[\w.-]{1,63}", name) else "a component"


def _bad(field: str, problem: str, message: str) -> SkippableRecordError:
    return SkippableRecordError(field=field, problem=problem, message=message)


def _rejected(place: str, problem: SkippableRecordError) -> RejectedRecord:
    return RejectedRecord(
        stream="services",
        scope="services",
        ref=place,
        field=problem.field,
        problem=problem.problem,
        message=f"{place}: {problem}. It was left out, the others kept.",
        is_lost=True,
    )
