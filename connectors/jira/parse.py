"""From a Jira answer to records: what is wanted is named, what is found is checked, the rest is left.

Here: one function per object. A child that is not what Jira promises is quarantined alone; a ticket that is
not takes its children with it.
Not here: asking (``client``), the words of conventions (``conventions``), keeping (warehouse).
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from connectors.contract import Record, RejectedRecord
from connectors.errors import SkippableRecordError
from connectors.fields import filled_text, in_utf8, instant, mapping, not_later, present, rejected, wrong
from connectors.jira.conventions import Conventions, Traits
from connectors.jira.fields import Fields
from connectors.jira.records import (
    Account,
    ChangedField,
    Mark,
    Project,
    Sprint,
    Status,
    Ticket,
    TicketChange,
    TicketLink,
    TicketReference,
)
from connectors.references import INCIDENT_ADDRESS, causes_in, other_causes_in

CHANGED_FIELDS: Mapping[str, ChangedField] = {
    "status": "status",
    "resolution": "resolution",
    "assignee": "assignee",
    "duedate": "due_date",
    "issuetype": "type",
    "priority": "priority",
    "project": "project",
    "key": "key",
    "sprint": "sprint",
}
_CATEGORIES = ("new", "indeterminate", "done")
_PULL_REQUEST = r"(?:https?://[\w.:-]+/)?(?P<repository>[\w.-]+/[\w.-]+)(?:/pull/|#)(?P<number>\d+)"
_NAMED = re.compile(rf"(?P<name>{INCIDENT_ADDRESS}|{_PULL_REQUEST})", re.IGNORECASE)
_QUOTED = ("blockquote", "codeBlock")
_OLD_SPRINT = re.compile(r"(\w+)=([^,\]]*)")


@dataclass(slots=True, kw_only=True)
class Parsed:
    """Records and rejects of one project's part of a page, with the accounts that appear on it once."""

    scope: str
    served_at_utc: datetime
    records: list[Record] = field(default_factory=list)
    rejected: list[RejectedRecord] = field(default_factory=list)
    beside: dict[str, Record] = field(default_factory=dict)

    def all_records(self) -> tuple[Record, ...]:
        return (*self.beside.values(), *self.records)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What every ticket is read with."""

    base_url: str
    fields: Fields
    conventions: Conventions


def parse_project(shown: Any) -> Project:
    """A project. Raises SkippableRecordError."""
    fields = mapping(shown, "project")
    return Project(
        project_id=f"jira:project/{_number(fields, 'id')}",
        project_key=filled_text(fields, "key"),
        name=filled_text(fields, "name"),
    )


def parse_status(shown: Any) -> Status:
    """A status. Raises SkippableRecordError."""
    fields = mapping(shown, "status")
    category = fields.get("statusCategory")
    key = category.get("key") if isinstance(category, Mapping) else None
    return Status(
        status_id=f"jira:status/{_number(fields, 'id')}",
        name=filled_text(fields, "name"),
        category=key if key in _CATEGORIES else None,
    )


def parse_ticket(shown: Any, histories: Iterable[Any], reading: Reading, parsed: Parsed) -> None:
    """A ticket with its histories, into ``parsed``. What is bad of it is rejected, and said."""
    ref = str(shown.get("key", "?")) if isinstance(shown, Mapping) else "?"
    beside: dict[str, Record] = {}
    try:
        ticket = _ticket(shown, reading, beside, parsed.served_at_utc)
    except SkippableRecordError as problem:
        parsed.rejected.append(
            rejected("tickets", parsed.scope, ref, problem, "It was left out with its history; others kept.")
        )
        return
    parsed.beside |= beside
    parsed.records.append(ticket)
    parsed.records += _links(shown, ticket)
    parsed.records += _references(shown, ticket)
    for history in histories:
        try:
            parsed.records += list(_changes(history, ticket, reading.fields, parsed.served_at_utc))
        except SkippableRecordError as problem:
            parsed.rejected.append(
                rejected(
                    "ticket_changes",
                    parsed.scope,
                    f"{ref} history",
                    problem,
                    "It was left out alone; the ticket was kept.",
                )
            )


def project_of(shown: Any) -> tuple[str, str]:
    """The id and key of the project of a ticket. Raises SkippableRecordError."""
    project = mapping(mapping(mapping(shown, "ticket").get("fields"), "fields").get("project"), "project")
    return f"jira:project/{_number(project, 'id')}", filled_text(project, "key")


def id_of(shown: Any) -> str:
    """The id of a ticket. Raises SkippableRecordError."""
    return f"jira:issue/{_number(mapping(shown, 'ticket'), 'id')}"


def _ticket(shown: Any, reading: Reading, beside: dict[str, Record], served_at_utc: datetime) -> Ticket:
    fields = mapping(mapping(shown, "ticket").get("fields"), "fields")
    project_id, project_key = project_of(shown)
    status = parse_status(fields.get("status"))
    beside[f"status {status.key}"] = status
    kind = mapping(fields.get("issuetype"), "issuetype")
    assignee = _account(fields.get("assignee"), beside)
    parent = fields.get("parent")
    parent_id, parent_is_epic = None, False
    if isinstance(parent, Mapping):
        parent_id = f"jira:issue/{_number(parent, 'id')}"
        parent_kind = (parent.get("fields") or {}).get("issuetype") or {}
        parent_is_epic = parent_kind.get("hierarchyLevel") == 1 or parent_kind.get("name") == "Epic"
    epic = fields.get(reading.fields.epic) if reading.fields.epic else None
    sprints = list(_sprints(fields.get(reading.fields.sprint) if reading.fields.sprint else None))
    beside.update({f"sprint {sprint.key}": sprint for sprint in sprints if isinstance(sprint, Sprint)})
    created = _past(fields, "created", served_at_utc)
    ref = filled_text(mapping(shown, "ticket"), "key")
    labels = _texts(fields, "labels")
    return Ticket(
        ticket_id=id_of(shown),
        ref=ref,
        source_url=f"{reading.base_url}/browse/{ref}",
        project_id=project_id,
        project_key=project_key,
        type=filled_text(kind, "name"),
        status_id=status.status_id,
        status=status.name,
        priority=_name(fields, "priority"),
        resolution=_name(fields, "resolution"),
        assignee_account_id=assignee,
        created_at_utc=created,
        updated_at_utc=_past(fields, "updated", served_at_utc),
        resolved_at_utc=_past(fields, "resolutiondate", served_at_utc)
        if fields.get("resolutiondate")
        else None,
        due_date=_day(fields, "duedate"),
        parent_ticket_id=parent_id,
        parent_is_epic=parent_is_epic,
        epic_ref=epic if isinstance(epic, str) else None,
        labels=labels,
        components=_names(fields, "components"),
        fix_versions=_names(fields, "fixVersions"),
        sprint_ids=tuple(dict.fromkeys(s.key if isinstance(s, Sprint) else s for s in sprints)),
        marks=_marks(fields, filled_text(kind, "name"), labels, created, reading),
    )


def _marks(
    fields: Mapping[str, Any], kind: str, labels: tuple[str, ...], created: datetime, reading: Reading
) -> tuple[Mark, ...]:
    """What the conventions say that the ticket is."""
    conventions = reading.conventions
    project = mapping(fields.get("project"), "project")
    words = [
        str(word)
        for link in _listed(fields, "issuelinks")
        if isinstance(link, Mapping) and isinstance(link.get("type"), Mapping)
        for word in (
            link["type"].get("name"),
            link["type"].get("outward" if "outwardIssue" in link else "inward"),
        )
        if word
    ]
    traits = Traits(
        type=kind,
        labels=labels,
        link_words=words,
        project_names=[str(project.get("key")), str(project.get("name"))],
        field_values={
            name: _field_words(fields.get(key)) for name, key in reading.fields.conventions.items()
        },
        affects_released_version=any(
            _released_before(version, created) for version in _listed(fields, "versions")
        ),
    )
    is_defect = kind.casefold() in {word.casefold() for word in conventions.defect_types}
    in_production = conventions.found_in_production.is_met(traits) or (
        conventions.released_versions and traits.affects_released_version
    )
    found: list[Mark] = []
    if is_defect:
        found.append("production_defect" if in_production else "defect")
    if conventions.incident_followup.is_met(traits):
        found.append("followup")
    if conventions.postmortem.is_met(traits):
        found.append("postmortem")
    return tuple(found)


def _released_before(version: Any, created: datetime) -> bool:
    released = version.get("releaseDate") if isinstance(version, Mapping) else None
    try:
        return isinstance(released, str) and date.fromisoformat(released) <= created.date()
    except ValueError:
        return False


def _field_words(value: Any) -> list[str]:
    """The words of a custom field: a text, a select, something with a name, or a list of those."""
    if isinstance(value, list):
        return [word for each in value for word in _field_words(each)]
    if isinstance(value, Mapping):
        value = value.get("value", value.get("name"))
    return [str(value)] if isinstance(value, str | int | float | bool) else []


def _account(shown: Any, beside: dict[str, Record]) -> str | None:
    """The account id of a user, and its record beside the ticket; None where nobody is."""
    if not isinstance(shown, Mapping):
        return None
    key = shown.get("accountId") or shown.get("key") or shown.get("name")
    if not isinstance(key, str):
        return None
    login, email = shown.get("name") or key, shown.get("emailAddress")
    account = Account(
        account_id=f"jira:user/{key}",
        login=str(login),
        kind="bot" if shown.get("accountType") == "app" else "user",
        email=email if isinstance(email, str) and "@" in email else None,
    )
    beside[f"account {account.key}"] = account
    return account.account_id


def _sprints(value: Any) -> Iterator[Sprint | str]:
    """The sprints of a ticket: objects on Cloud, texts of Java objects on Data Center, or only numbers."""
    for shown in value if isinstance(value, list) else []:
        fields: Mapping[str, Any] = {}
        if isinstance(shown, Mapping):
            fields = shown
        elif isinstance(shown, str) and "[" in shown:
            found = dict(_OLD_SPRINT.findall(shown.partition("[")[2]))
            fields = {name: None if text == "<null>" else text for name, text in found.items()}
        elif isinstance(shown, int | str) and str(shown).isdigit():
            yield f"jira:sprint/{shown}"
        if fields.get("id") is not None:
            yield parse_sprint(fields)


def parse_sprint(fields: Mapping[str, Any]) -> Sprint:
    """A sprint, from a ticket's field or from its own page. A time that is none is left out."""
    return Sprint(
        sprint_id=f"jira:sprint/{fields['id']}",
        name=str(fields.get("name") or fields["id"]),
        state=str(fields.get("state") or "").lower(),
        start_at_utc=_sprint_time(fields.get("startDate")),
        planned_end_at_utc=_sprint_time(fields.get("endDate")),
        completed_at_utc=_sprint_time(fields.get("completeDate")),
    )


def _sprint_time(text: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return found.astimezone(UTC) if found.tzinfo is not None else None


def _links(shown: Any, ticket: Ticket) -> Iterator[TicketLink]:
    for link in _listed(shown["fields"], "issuelinks"):
        if not isinstance(link, Mapping) or not isinstance(link.get("type"), Mapping):
            continue
        for side, words in (("outwardIssue", "outward"), ("inwardIssue", "inward")):
            other = link.get(side)
            if isinstance(other, Mapping) and str(other.get("id", "")).isdigit():
                yield TicketLink(
                    link_id=f"jira:link/{link.get('id')}",
                    ticket_id=ticket.ticket_id,
                    relation=str(link["type"].get(words) or link["type"].get("name")),
                    other_ticket_id=f"jira:issue/{other['id']}",
                )


def _references(shown: Any, ticket: Ticket) -> list[TicketReference]:
    """What the description names, each once, and which of it the description itself says is the cause."""
    description = shown["fields"].get("description")
    said = description_text(description, quoted=False)
    causes = {name.lower() for name in causes_in(said)}
    causes |= {
        (f"deployment {name}" if name.isdigit() else name).lower() for _, name in other_causes_in(said)
    }
    found = set(causes)
    for match in _NAMED.finditer(description_text(description)):
        is_pull = match["repository"] is not None
        found.add((f"{match['repository']}#{match['number']}" if is_pull else match["name"]).lower())
    return [
        TicketReference(ticket_id=ticket.ticket_id, names=name, is_cause=name in causes)
        for name in sorted(found)
    ]


def description_text(value: Any, *, quoted: bool = True) -> str:
    """The text of a description: wiki text on Data Center, a document of nodes on Cloud.

    ``quoted``: what stands in quotations and blocks of code too.
    """
    if isinstance(value, str):
        return value
    if not isinstance(value, Mapping) or (not quoted and value.get("type") in _QUOTED):
        return ""
    attributes = value.get("attrs")
    own = str(value.get("text") or "")
    if isinstance(attributes, Mapping) and isinstance(attributes.get("url"), str):
        own += attributes["url"]
    for mark in value.get("marks") or ():
        link = mark.get("attrs") if isinstance(mark, Mapping) else None
        if isinstance(link, Mapping) and isinstance(link.get("href"), str) and link["href"] != own:
            own += f" {link['href']}"
    inner = "".join(description_text(child, quoted=quoted) for child in value.get("content") or ())
    return (
        own + inner + ("\n" if value.get("type") in ("paragraph", "heading", "listItem", "codeBlock") else "")
    )


def _changes(history: Any, ticket: Ticket, known: Fields, served_at_utc: datetime) -> Iterator[TicketChange]:
    fields = mapping(history, "history")
    occurred = _moment(fields, "created", served_at_utc)
    number = _number(fields, "id")
    seen: dict[str, int] = {}
    for item in _listed(fields, "items"):
        shown = mapping(item, "item")
        word = str(shown.get("fieldId") or shown.get("field") or "").lower()
        if known.sprint is not None and word == known.sprint.lower():
            word = "sprint"
        changed = CHANGED_FIELDS.get(word)
        if changed is None:
            continue
        place = seen[changed] = seen.get(changed, 0) + 1
        yield TicketChange(
            change_id=f"{ticket.ticket_id}/change/{number}/{changed}" + (f"/{place}" if place > 1 else ""),
            ticket_id=ticket.ticket_id,
            occurred_at_utc=occurred,
            field=changed,
            from_value=_value(changed, shown.get("from")),
            from_words=_words(changed, shown.get("fromString")),
            to_value=_value(changed, shown.get("to")),
            to_words=_words(changed, shown.get("toString")),
        )


def _value(changed: ChangedField, value: Any) -> str | None:
    if not isinstance(value, str | int) or value == "":
        return None
    return {"status": "jira:status/", "assignee": "jira:user/"}.get(changed, "") + str(value)


def _words(changed: ChangedField, value: Any) -> str | None:
    """The words of a value then; of a person the account is enough."""
    return None if changed == "assignee" or not isinstance(value, str) or not value else value


# ------------------------------------------------------------------------------ single values


def _listed(fields: Mapping[str, Any], name: str) -> Sequence[Any]:
    value = fields.get(name)
    return value if isinstance(value, list) else []


def _number(fields: Mapping[str, Any], name: str) -> str:
    value = present(fields, name)
    if isinstance(value, bool) or not re.fullmatch(r"[0-9]{1,20}", str(value)):
        raise wrong(name, "a number", value)
    return str(value)


def _name(fields: Mapping[str, Any], name: str) -> str | None:
    value = fields.get(name)
    found = value.get("name") if isinstance(value, Mapping) else None
    return in_utf8(found) if isinstance(found, str) and found else None


def _names(fields: Mapping[str, Any], name: str) -> tuple[str, ...]:
    found = [each.get("name") for each in _listed(fields, name) if isinstance(each, Mapping)]
    return tuple(sorted(in_utf8(text) for text in found if isinstance(text, str)))


def _texts(fields: Mapping[str, Any], name: str) -> tuple[str, ...]:
    return tuple(sorted(in_utf8(text) for text in _listed(fields, name) if isinstance(text, str)))


def _day(fields: Mapping[str, Any], name: str) -> date | None:
    value = fields.get(name)
    if not value:
        return None
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise wrong(name, "a date", value) from None


def _past(fields: Mapping[str, Any], name: str, served_at_utc: datetime) -> datetime:
    """A time with its offset, in UTC; the offset is that of the calling account and changes nothing."""
    return min(instant(fields, name, served_at_utc), served_at_utc)


def _moment(fields: Mapping[str, Any], name: str, served_at_utc: datetime) -> datetime:
    """A time as text, or as the seconds or milliseconds of the bulk changelog."""
    value = fields.get(name)
    if isinstance(value, int | float) and not isinstance(value, bool):
        thousand = 1000 if value > 100_000_000_000 else 1  # 1973 in milliseconds, year 5138 in seconds
        try:
            found = datetime.fromtimestamp(value // thousand, UTC)
            found += timedelta(milliseconds=value % thousand if thousand == 1000 else 0)
        except (OverflowError, ValueError, OSError):  # no year of the calendar, or no number at all
            raise wrong(name, "a time in seconds or milliseconds", value) from None
        return min(not_later(found, name, served_at_utc), served_at_utc)
    return _past(fields, name, served_at_utc)
