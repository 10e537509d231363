"""Deployments with their statuses: which pages are asked for, and what is kept of each.

Here: reading a repository's deployments back as far as they can still change.
Not here: which service a deployment is of, and which pull requests it contains (``transforms/core``).

GitHub lists deployments by their creation only and tells no time of update, so a night reads again what was
created a short while before the last complete run, or has not ended yet (``source-apis``, incremental).
"""

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from types import MappingProxyType
from typing import Any, TypeVar

from connectors.contract import Gap, Page, RejectedRecord
from connectors.errors import SkippableRecordError, StopScopeError
from connectors.fields import big_integer, instant, mapping, optional_instant, text
from connectors.github.answers import PageSize, has_holes
from connectors.github.holes import holes_in, refused_in_words
from connectors.github.known import KnownRepository
from connectors.github.parse import nodes
from connectors.github.records import Deployment, DeploymentKind, ExpectedDeployments, Repository
from connectors.github.rests import next_cursor
from connectors.github.transport import FINAL_ERRORS, Answer, Json, Operation, Send, error_kinds
from connectors.references import is_version

PAGE_SIZE = 100
ROWS_A_REQUEST = 1_000
REPOSITORIES_A_REQUEST = 100
"""So many deployments, of so many repositories, the first pages ask for together."""
CAN_CHANGE = timedelta(days=14)
"""How long after its creation a deployment is read again, whatever its status."""
LATELY = timedelta(days=90)
"""So long before the last complete run tells how many come in a day."""
ENDS = ("success", "failure", "error")
_PAST = ("inactive",)
_ROLLBACK = re.compile(r"roll(ed|ing)?[\s_:-]*back|revert", re.IGNORECASE)
_HOTFIX = re.compile(r"hot[\s_:-]*fix", re.IGNORECASE)
_REPAIRS = ("rollback_of", "reverts", "remediates", "hotfix_of", "fixes")
"""Keys of a payload whose value is the number of the deployment that is repaired."""

Whose = TypeVar("Whose")


def scope_of(repository_id: str, by: str = "deployments") -> str:
    """The scope of a repository's deployments: they may be refused where its pull requests are not.

    What else is read in their place has one of its own: whoever changes from one to the other reads it whole.
    """
    return f"{repository_id}/deployments" if by == "deployments" else f"{repository_id}/{by}/deployments"


def deployment_pages(
    send: Send,
    repositories: Sequence[Repository],
    known: Mapping[str, KnownRepository],
    reading: "Reading | None" = None,
    *,
    now_utc: datetime | None = None,
) -> Iterator[Page | Gap]:
    """The deployments of these repositories, the newest first; a gap for each that cannot be read."""
    reading = reading or DEPLOYMENTS
    rows = {
        one: rows_ahead(known.get(scope_of(one.repository_id, reading.by)), reading, now_utc)
        for one in repositories
    }
    sizes = {one: PAGE_SIZE if told is None else told[1] for one, told in rows.items()}
    for some in shared(sizes):
        asked = [_asked(reading, one, None, sizes[one]) for one in some]
        try:
            answer: Answer | None = send(asked)
        except StopScopeError:
            answer = None  # each is asked alone, and says itself what is wrong
        for place, repository in enumerate(some):
            first = answer if answer is not None and not _errors_of(answer, place) else None
            scope = scope_of(repository.repository_id, reading.by)
            until = _until(known.get(scope), reading.can_change)
            yield from _repository(send, reading, repository, until=until, first=first, place=place)


def rows_ahead(
    known: KnownRepository | None, reading: "Reading", now_utc: datetime | None
) -> tuple[int, int] | None:
    """How many deployments a night looks at, and how many rows it asks for at first.

    Looked at are those that can still change, and as many new ones as so much time had before. Asked for are
    twice as many new ones, two, and the one behind them, so that a page is seldom too small. None where all
    are read.
    """
    until = _until(known, reading.can_change)
    if known is None or until is None:
        return None
    can_change = sum(created >= until for created in known.deployed_utc)
    lately = [created for created in known.deployed_utc if created >= known.complete_at_utc - LATELY]
    span = max(CAN_CHANGE, known.complete_at_utc - min(lately, default=known.complete_at_utc))
    since = timedelta(days=1) if now_utc is None else max(timedelta(0), now_utc - known.complete_at_utc)
    new = math.ceil(len(lately) * (since / span))
    return can_change + new, min(PAGE_SIZE, can_change + 2 * new + 3)


def shared(sizes: Mapping[Whose, int]) -> Iterator[list[Whose]]:
    """Whose first pages, of these sizes, share a request."""
    some: list[Whose] = []
    for one, size in sizes.items():
        if some and (
            len(some) == REPOSITORIES_A_REQUEST or size + sum(sizes[each] for each in some) > ROWS_A_REQUEST
        ):
            yield some
            some = []
        some.append(one)
    if some:
        yield some


def _asked(reading: "Reading", repository: Repository, after: str | None, size: int) -> Operation:
    owner, _, name = repository.name_with_owner.partition("/")
    variables = {"owner": owner, "name": name, "after": after, "pageSize": size}
    return Operation(name=reading.operation, variables=variables)


def _errors_of(answer: Answer, place: int) -> list[Mapping[str, Any]]:
    return [error for error in answer.errors if error.get("operation") in (place, None)]


def _repository(
    send: Send,
    reading: "Reading",
    repository: Repository,
    *,
    until: datetime | None,
    first: Answer | None,
    place: int,
) -> Iterator[Page | Gap]:
    scope, words = scope_of(repository.repository_id, reading.by), reading.by
    after: str | None = None
    seen: set[str] = set()
    size = PageSize(largest=PAGE_SIZE, now=PAGE_SIZE)
    answer, number, lost = first, 0, 0
    refused: set[str] = set()
    try:
        while True:
            number += 1
            if answer is None:
                asked = partial(_asked, reading, repository, after)
                answer, place = size.ask(send, asked), 0
            what = f"{words} of {repository.name_with_owner}, page {number}"
            connection = _connection(reading, answer, place, what)
            listed = nodes({reading.connection: connection}, reading.connection)
            holes = holes_in(
                answer, place, "repository", reading.connection, "nodes", rows=len(listed), what=what
            )
            refused |= holes.refused
            served_at_utc = answer.served_at_utc
            page, oldest = _page(
                partial(_with_all_statuses, send),
                reading,
                listed,
                repository,
                failed=holes.failed,
                served_at_utc=served_at_utc,
                number=number,
            )
            yield page if number > 1 else _with_count(page, reading, repository, connection)
            lost += len(page.rejected)
            after = next_cursor(connection, seen, what=what)
            if after is None or (until is not None and oldest is not None and oldest < until):
                break
            answer = None
        said = [refused_in_words(f"{words} of {repository.name_with_owner}", refused)] if refused else []
        if lost:  # of which month nobody knows, and the next run looks for them again
            of = f"{lost} {words} of {repository.name_with_owner}"
            said.insert(0, f"{of} could not be read (ops.rejected_records).")
        if said:
            yield Gap(scope=scope, message=" ".join(said))
    except SkippableRecordError as problem:
        yield Gap(scope=scope, message=f"{words} of {repository.name_with_owner}: {problem}.")
    except StopScopeError as reason:
        yield Gap(scope=scope, message=str(reason))


def _until(known: KnownRepository | None, can_change: timedelta) -> datetime | None:
    """How far back a night must go: what is older has ended, and was read since."""
    if known is None:
        return None
    back = known.complete_at_utc - can_change
    return back if known.unfinished_since_utc is None else min(back, known.unfinished_since_utc)


def _connection(reading: "Reading", answer: Answer, place: int, what: str) -> Json:
    refused = error_kinds(_errors_of(answer, place)) & FINAL_ERRORS
    repository = (answer.data[place] or {}).get("repository")
    connection = repository.get(reading.connection) if isinstance(repository, Mapping) else None
    if not isinstance(connection, dict):
        reason = f" ({', '.join(sorted(refused))})" if refused else ""
        raise StopScopeError(
            f"{what}: GitHub gave none{reason}. Reading {reading.by} needs the permission "
            f"{reading.permission} (read). What was read before it stays; service figures that need "
            "deployments have a gap."
        )
    return connection


def _page(
    whole: Callable[[Any], Any],
    reading: "Reading",
    listed: Sequence[Any],
    repository: Repository,
    *,
    failed: Mapping[int, str],
    served_at_utc: datetime,
    number: int,
) -> tuple[Page, datetime | None]:
    """The page, and when its oldest deployment was created. ``whole`` reads what goes on of a row."""
    scope = scope_of(repository.repository_id, reading.by)
    records: list[Deployment] = []
    rejected: list[RejectedRecord] = []
    for position, node in enumerate(listed, start=1):
        try:
            if position - 1 in failed:
                raise _failed(failed[position - 1])
            records.append(reading.parse(whole(node), repository, served_at_utc))
        except SkippableRecordError as problem:
            rejected.append(
                RejectedRecord(
                    stream="deployments",
                    scope=scope,
                    ref=f"{repository.name_with_owner}, {reading.by} page {number}, place {position}",
                    field=problem.field,
                    problem=problem.problem,
                    message=f"{problem}. This one was left out, the others kept.",
                    is_lost=True,
                )
            )
    page = Page(scope=scope, served_at_utc=served_at_utc, records=tuple(records), rejected=tuple(rejected))
    return page, min((record.created_at_utc for record in records), default=None)


def _with_count(page: Page, reading: "Reading", repository: Repository, connection: Json) -> Page:
    """The first page, with how many there are: what comes later than it is in neither."""
    if not isinstance(connection.get("totalCount"), int):
        return page
    count = ExpectedDeployments(
        count_id=f"{repository.repository_id}/{reading.by}",
        repository_id=repository.repository_id,
        told_by=reading.by,
        counted_at_utc=page.served_at_utc,
        expected=connection["totalCount"],
    )
    return replace(page, records=(*page.records, count))


def _with_all_statuses(send: Send, node: Any) -> Any:
    """The deployment with every status: its end may lie beyond the first few."""
    if not isinstance(node, Mapping) or not isinstance(node.get("statuses"), Mapping):
        return node
    statuses, seen = list(nodes(node, "statuses")), set[str]()
    after = next_cursor(node["statuses"], seen, what="statuses of a deployment")
    while after is not None:
        variables = {"id": node["id"], "after": after}
        operation = Operation(name="MoreDeploymentStatuses", variables=variables)
        answer = send([operation])
        if has_holes(answer) and has_holes(answer := send([operation])):
            raise _failed("statuses")
        rest = mapping((answer.data[0] or {}).get("node"), "node")
        statuses += nodes(rest, "statuses")
        after = next_cursor(rest["statuses"], seen, what="statuses of a deployment")
    return {**node, "statuses": {"nodes": statuses}}


def _failed(name: str) -> SkippableRecordError:
    return SkippableRecordError(
        field=name, problem="half_read", message=f"{name} was wanted, and GitHub could not tell it"
    )


def parse_deployment(node: Any, repository: Repository, served_at_utc: datetime) -> Deployment:
    """One deployment. Raises SkippableRecordError."""
    fields = mapping(node, "deployment")
    statuses = sorted(
        (
            (instant(status, "createdAt", served_at_utc), text(status, "state").lower(), status.get("logUrl"))
            for status in (mapping(status, "status") for status in nodes(fields, "statuses"))
        ),
        key=lambda status: status[0],
    )
    ended = [status for status in statuses if status[1] in ENDS]
    succeeded = [status for status in ended if status[1] == "success"]
    chosen = succeeded[0] if succeeded else ended[-1] if ended else None
    newest = next((status for status in reversed(statuses) if status[1] not in _PAST), None)
    change_number, change_at_utc = what_brought(fields.get("commit"), repository, served_at_utc)
    payload = _payload(fields.get("payload"))
    said = " ".join(str(fields.get(name) or "") for name in ("task", "description", "environment"))
    # GitHub sends no number where it does not fit into 32 bits; the node id is as stable.
    key = fields["databaseId"] if isinstance(fields.get("databaseId"), int) else text(fields, "id")
    link = chosen[2] if chosen else None
    return Deployment(
        deployment_id=f"github:deployment/{key}",
        repository_id=repository.repository_id,
        environment=text(fields, "environment"),
        commit_oid=text(fields, "commitOid"),
        change_number=change_number,
        change_at_utc=change_at_utc,
        created_at_utc=instant(fields, "createdAt", served_at_utc),
        finished_at_utc=chosen[0] if chosen else None,
        state=chosen[1] if chosen else newest[1] if newest else "pending",
        kind=kind_said(said, payload),
        repairs_id=_repairs(payload),
        source_url=link if isinstance(link, str) and link.startswith("https://") else None,
        version=_version(fields.get("ref")),
    )


def _version(ref: Any) -> str | None:
    name = ref.get("name") if isinstance(ref, Mapping) else None
    return name if isinstance(name, str) and is_version(name) else None


def what_brought(
    commit: Any, repository: Repository, served_at_utc: datetime
) -> tuple[int | None, datetime | None]:
    """The merged pull request that brought the commit, the last of several, and when it came."""
    if not isinstance(commit, Mapping):
        return None, None
    merged = [
        (merged_at_utc, big_integer(pull, "number"))
        for pull in nodes(commit, "associatedPullRequests")
        if isinstance(pull, Mapping)
        and f"github:{mapping(pull.get('repository'), 'repository').get('databaseId')}"
        == repository.repository_id
        and (merged_at_utc := optional_instant(pull, "mergedAt", served_at_utc)) is not None
    ]
    if merged:
        merged_at_utc, number = max(merged)
        return number, merged_at_utc
    return None, optional_instant(commit, "committedDate", served_at_utc)


def _payload(value: Any) -> Mapping[str, Any]:
    """The payload, which GraphQL gives as text; anything that is no object says nothing."""
    try:
        found = json.loads(value) if isinstance(value, str) else value
        found = json.loads(found) if isinstance(found, str) else found
    except ValueError:
        return {}
    return found if isinstance(found, Mapping) else {}


def _repairs(payload: Mapping[str, Any]) -> str | None:
    for key in _REPAIRS:
        value = payload.get(key)
        if isinstance(value, int | str) and not isinstance(value, bool) and re.fullmatch(r"\d+", str(value)):
            return f"github:deployment/{value}"
    return None


def kind_said(said: str, payload: Mapping[str, Any] = MappingProxyType({})) -> DeploymentKind:
    """What the words, and the payload, call it."""
    marks = f"{said} {' '.join(str(payload.get(name) or '') for name in ('kind', 'type', 'reason'))}"
    if "rollback_of" in payload or payload.get("rollback") is True or _ROLLBACK.search(marks):
        return "rollback"
    if "hotfix_of" in payload or payload.get("hotfix") is True or _HOTFIX.search(marks):
        return "hotfix"
    return "normal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A way of telling what reached production: the operation, the list in its answer, what is made of it."""

    by: str
    operation: str
    connection: str
    permission: str
    can_change: timedelta
    parse: Callable[[Any, Repository, datetime], Deployment]


DEPLOYMENTS = Reading(
    by="deployments",
    operation="Deployments",
    connection="deployments",
    permission="Deployments",
    can_change=CAN_CHANGE,
    parse=parse_deployment,
)
