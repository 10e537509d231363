"""Services from Backstage's ``catalog-info.yaml``: Component, System and Group.

Here: which files are read, what of an entity is kept, and what is quarantined.
Not here: rows of ``services.csv`` (``files``), what a service means to a number (transforms).

PyYAML takes them apart, and what it finds stays text, lists and mappings: no object is made, no type guessed
(``yes`` is a word) and no key merged, so neither a tag nor a pile of aliases can do anything. Backstage's own
reader merges none either. An owner or tier that a component does not tell is its system's. Tiers are no field
of Backstage's; they are told by the annotation ``evenhand/tier`` or the label ``tier``.
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
LONGEST_TEXT = 200
EXPERIMENTAL, INTERNAL = 4, 3
_MEANT = ("Component", "System", "Group")
_NAME = r"[A-Za-z0-9](?:[\w.-]{0,61}[A-Za-z0-9])?"
_REFERENCE = re.compile(rf"(?:(?P<kind>[A-Za-z]+):)?(?:(?P<namespace>{_NAME})/)?(?P<name>{_NAME})", re.ASCII)
_ABSENT = ("", "~", "null")
"""How YAML writes that there is nothing."""

Entity = Mapping[str, Any]


def read_backstage(
    folder: Path, patterns: Sequence[str]
) -> tuple[list[tuple[str, ServiceRow]], list[RejectedRecord]]:
    """The services of all files that match, each with its place, and what was rejected or is odd."""
    rejected: list[RejectedRecord] = []
    paths: set[Path] = set()
    for pattern in patterns:
        try:
            found = {path for path in folder.glob(pattern) if not path.is_dir()}
        except (ValueError, NotImplementedError, OSError):
            bad = _bad("backstage", "wrong_type", "a pattern of files below the configuration was wanted")
            rejected.append(_rejected(pattern, bad))
            continue
        if not found:
            nothing = _bad("backstage", "missing_field", f"no file matches {pattern}")
            rejected.append(_rejected(pattern, nothing))
        paths |= found
    entities: list[tuple[str, Entity]] = []
    for path in sorted(paths):
        named = str(path.relative_to(folder)) if path.is_relative_to(folder) else path.name
        place = named.encode("utf-8", "replace").decode("utf-8")
        try:
            for where, document in _documents(path, place):
                try:
                    if _is_meant(document):
                        _reference_of(document)
                        entities.append((where, document))
                except SkippableRecordError as problem:
                    rejected.append(_rejected(where, problem))
        except SkippableRecordError as problem:
            rejected.append(_rejected(place, problem))
    systems, groups = _once(entities, "System", rejected), _once(entities, "Group", [])
    rows: list[tuple[str, ServiceRow]] = []
    for place, entity in entities:
        if entity["kind"] != "Component":
            continue
        where = f"{place}, {_reference_of(entity)}"
        try:
            row, odd = _service(entity, systems, groups)
        except SkippableRecordError as problem:
            rejected.append(_rejected(where, problem))
        else:
            rows.append((where, row))
            rejected += [_rejected(where, problem, kept=kept) for problem, kept in odd]
    return rows, rejected


def _documents(path: Path, place: str) -> Iterator[tuple[str, Any]]:
    """The documents of one file that are not empty. Raises SkippableRecordError for the whole file."""
    try:
        if not path.is_file():
            raise _bad("file", "wrong_type", "a file was wanted")
        if path.stat().st_size > LARGEST_FILE:
            raise _bad("file", "wrong_type", f"at most {LARGEST_FILE:,} bytes were wanted, found more")
        composed = yaml.compose_all(path.read_text("utf-8-sig"), Loader=yaml.BaseLoader)
        documents = [_plain(node, {}) for node in composed]
    except OSError:
        raise _bad("file", "wrong_type", "the file cannot be read") from None
    except UnicodeDecodeError:
        raise _bad("file", "wrong_type", "a text file in UTF-8 was wanted") from None
    except RecursionError:
        raise _bad("file", "wrong_type", "YAML was wanted; it is nested too deeply to be read") from None
    except (yaml.YAMLError, ValueError) as problem:
        mark, what = getattr(problem, "problem_mark", None), getattr(problem, "problem", None)
        line = f", line {mark.line + 1}" if mark is not None else ""
        reason = f" ({what[:LONGEST_TEXT]})" if isinstance(what, str) and what.isprintable() else ""
        raise _bad("file", "wrong_type", f"YAML was wanted{line}; it cannot be read{reason}") from None
    filled = [document for document in documents if document is not None]
    if not filled:
        raise _bad("file", "missing_field", "an entity was wanted, the file is empty")
    for number, document in enumerate(filled, start=1):
        yield place if len(filled) == 1 else f"{place}, document {number}", document


def _plain(node: Any, made: dict[int, Any]) -> Any:
    """A node as text, a list, a mapping or None; what an alias repeats is made once."""
    if isinstance(node, yaml.ScalarNode):
        return None if node.style is None and node.value in _ABSENT else node.value
    if id(node) not in made:
        if isinstance(node, yaml.SequenceNode):
            made[id(node)] = [_plain(one, made) for one in node.value]
        else:
            keys = [_plain(key, made) for key, _ in node.value]
            if len({str(key) for key in keys if key is None or isinstance(key, str)}) < len(keys):
                wrong = "a key that is text and stands once was wanted"
                raise yaml.constructor.ConstructorError(None, None, wrong, node.start_mark)
            values = [_plain(value, made) for _, value in node.value]
            made[id(node)] = dict(zip(keys, values, strict=True))
    return made[id(node)]


def _is_meant(document: Any) -> bool:
    """Whether it is a Component, System or Group; other kinds are of no use here."""
    if not isinstance(document, Mapping):
        raise _bad("file", "wrong_type", "an entity was wanted, found a list or text")
    kind = _text(document, "kind", "kind")
    if kind is None:
        raise _bad("kind", "missing_field", "an entity without a kind")
    if kind not in _MEANT and kind.capitalize() in _MEANT:
        raise _bad("kind", "unknown_value", f"{kind.capitalize()} was wanted, found other letters")
    return kind in _MEANT


def _once(
    entities: Sequence[tuple[str, Entity]], kind: str, rejected: list[RejectedRecord]
) -> dict[str, Entity]:
    """The entities of a kind by reference in small letters; of two with one name the first counts."""
    found: dict[str, Entity] = {}
    for place, entity in entities:
        if entity["kind"] == kind:
            reference = _reference_of(entity)
            if reference.lower() in found:
                twice = _bad("metadata.name", "repeated_row", f"another {kind} has this name")
                rejected.append(_rejected(f"{place}, {reference}", twice))
            found.setdefault(reference.lower(), entity)
    return found


def _service(
    entity: Entity, systems: Mapping[str, Entity], groups: Mapping[str, Entity]
) -> tuple[ServiceRow, list[tuple[SkippableRecordError, str]]]:
    """The service, and what is odd about it, with what was done. Raises SkippableRecordError."""
    system_name = _referred(entity, "system")
    system = systems.get(system_name[1].lower(), {}) if system_name else {}
    annotations = _part(_part(entity, "metadata"), "annotations")
    slug = _text(annotations, "github.com/project-slug")
    if slug is not None and not re.fullmatch(r"[\w.-]+/[\w.-]+", slug, re.ASCII):
        raise _bad("github.com/project-slug", "wrong_type", "owner/name was wanted, found something else")
    first, after = _day(annotations, "evenhand/valid-from"), _day(annotations, "evenhand/valid-to")
    if first is not None and after is not None and after <= first:
        raise _bad("evenhand/valid-to", "wrong_type", "a day later than evenhand/valid-from was wanted")
    team, odd = _owner(entity, system, groups)
    tier = _tier(entity)
    if tier is None and system_name and not system:
        unknown = _bad("spec.system", "unknown_value", "its System is in none of these files")
        odd.append((unknown, "The service was kept with what it says itself."))
    return (
        ServiceRow(
            service_id=_reference_of(entity),
            tier=tier or _tier(system) or _untold_tier(entity),
            team_id=team,
            repository=slug,
            label=_text(annotations, "evenhand/label"),
            valid_from=first,
            valid_to=after,
            pagerduty_service_id=_text(annotations, "pagerduty.com/service-id"),
            jira_project=_text(annotations, "jira/project-key"),
        ),
        odd,
    )


def _owner(
    entity: Entity, system: Entity, groups: Mapping[str, Entity]
) -> tuple[str | None, list[tuple[SkippableRecordError, str]]]:
    """The team that owns it, or its system, and what is odd about that."""
    owner = _referred(entity, "owner") or _referred(system, "owner")
    if owner is None:
        nobody = _bad("spec.owner", "missing_field", "an owner was wanted, found none")
        return None, [(nobody, "The service was kept and is of no team.")]
    kind, name = owner
    if kind != "group":
        other = _bad("spec.owner", "unknown_value", f"a group was wanted, found a {kind}")
        return None, [(other, "The service was kept and is of no team.")]
    if groups and name.lower() not in groups:
        unknown = _bad("spec.owner", "unknown_value", f"the owner {name} is no Group of these files")
        return name, [(unknown, "The service was kept with the owner as it is written.")]
    return _reference_of(groups[name.lower()]) if groups else name, []


def _tier(entity: Entity) -> int | None:
    """1 to 4, or None where it says nothing of it."""
    metadata = _part(entity, "metadata")
    told = _text(_part(metadata, "annotations"), "evenhand/tier") or _text(_part(metadata, "labels"), "tier")
    if told is None:
        return None
    found = re.fullmatch(r"(?:tier[-_ ]?)?([1-4])", told.lower(), re.ASCII)
    if found is None:
        raise _bad("tier", "unknown_value", "a tier from 1 to 4 was wanted, found something else")
    return int(found[1])


def _untold_tier(entity: Entity) -> int:
    lifecycle = _text(_part(entity, "spec"), "lifecycle", "spec.lifecycle")
    return EXPERIMENTAL if lifecycle == "experimental" else INTERNAL


def _reference_of(entity: Entity) -> str:
    """The entity's own name; what is not of the default namespace has that before it: ``shop/checkout``."""
    metadata = _part(entity, "metadata")
    name = _text(metadata, "name", "metadata.name")
    if name is None:
        raise _bad("metadata.name", "missing_field", "an entity without a name")
    namespace = _text(metadata, "namespace", "metadata.namespace") or "default"
    for field, value in (("metadata.name", name), ("metadata.namespace", namespace)):
        if not re.fullmatch(_NAME, value, re.ASCII):
            raise _bad(
                field,
                "wrong_type",
                "letters, digits, '-', '_' and '.' were wanted, 63 at most; a template is no service",
            )
    return _shown(namespace, name)


def _referred(entity: Entity, name: str) -> tuple[str, str] | None:
    """Kind and name of what an entity refers to: ``group:default/payments`` and ``payments`` are the same.

    A reference without a namespace is to the entity's own.
    """
    value = _text(_part(entity, "spec"), name, f"spec.{name}")
    if value is None:
        return None
    found = _REFERENCE.fullmatch(value)
    if found is None:
        raise _bad(
            f"spec.{name}", "wrong_type", "a name or kind:namespace/name was wanted, found something else"
        )
    kind = found["kind"] or {"owner": "group"}.get(name, name)
    own = _text(_part(entity, "metadata"), "namespace", "metadata.namespace") or "default"
    return kind.lower(), _shown(found["namespace"] or own, found["name"])


def _shown(namespace: str, name: str) -> str:
    return name if namespace.lower() == "default" else f"{namespace}/{name}"


def _part(parent: Entity, name: str) -> Entity:
    """A mapping in a mapping; nothing where there is none. Raises SkippableRecordError for anything else."""
    value = parent.get(name)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise _bad(name, "wrong_type", "a mapping was wanted, found a list or text")
    return value


def _text(parent: Entity, name: str, field: str | None = None) -> str | None:
    """A text in a mapping, or nothing. Raises SkippableRecordError for anything else."""
    value = parent.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise _bad(
            field or name, "wrong_type", "text was wanted, found a list or mapping ($text is not followed)"
        )
    if len(value) > LONGEST_TEXT or not value.isprintable():
        raise _bad(
            field or name, "wrong_type", f"at most {LONGEST_TEXT} characters of printed text were wanted"
        )
    return value.strip() or None


def _day(annotations: Entity, name: str) -> date | None:
    value = _text(annotations, name)
    try:
        return None if value is None else date.fromisoformat(value)
    except ValueError:
        raise _bad(name, "wrong_type", "a day such as 2026-05-01 was wanted") from None


def _bad(field: str, problem: str, message: str) -> SkippableRecordError:
    return SkippableRecordError(field=field, problem=problem, message=message)


def _rejected(place: str, problem: SkippableRecordError, kept: str | None = None) -> RejectedRecord:
    """What was left out; or, with what was done in its place, what is only odd."""
    return RejectedRecord(
        stream="services",
        scope="services",
        ref=place,
        field=problem.field,
        problem=problem.problem,
        message=f"{place}: {problem}. {kept or 'It was left out, the others kept.'}",
        is_lost=kept is None,
    )
