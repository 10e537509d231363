"""Deployments of the made-up organisation, as GitHub would show them at an instant.

Here: when what was merged was deployed, what failed and was rolled back; all of it follows from the merges.
Not here: incidents.

What is merged within the same few hours of a day is deployed together after them, to staging and to
production. Now and then a job fails, and what it would have deployed goes with the next; now and then a
deployment is rolled back.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from connectors.demo.connections import page
from connectors.demo.pull_requests import PullRequest
from connectors.demo.services import Repository
from connectors.demo.snapshot import commit_of, text_of
from connectors.github.transport import Json

TOGETHER = timedelta(hours=6)
FAILS_ONE_IN, ROLLED_BACK_ONE_IN = 17, 19
_STATUSES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class _Deployment:
    number: int
    environment: str
    task: str
    payload: str
    created_at_utc: datetime
    ends: str
    brought_by: PullRequest

    @property
    def finished_at_utc(self) -> datetime:
        return self.created_at_utc + timedelta(minutes=11)


def show_deployments(
    repository: Repository,
    merged: Sequence[PullRequest],
    now: datetime,
    *,
    first: int,
    after: str | None,
) -> Json:
    """The newest first. ``merged`` are the repository's merged pull requests, in any order."""
    known = [one for one in _deployments(repository, merged) if one.created_at_utc <= now]
    rows = sorted(known, key=lambda one: (one.created_at_utc, one.number), reverse=True)
    shown = page(rows, first=first, after=after, show=lambda one: _show(one, repository, now))
    return {**shown, "totalCount": len(rows)}


def _deployments(repository: Repository, merged: Sequence[PullRequest]) -> Iterator[_Deployment]:
    number = repository.database_id % 100_000 * 100_000  # GitHub has none beyond 31 bits here
    live: PullRequest | None = None
    for ends_at_utc, last in _batches(merged):
        chance = int(commit_of(last)[:8], 16)
        for minutes, environment in ((15, "staging"), (55, "production")):
            number += 1
            fails = environment == "production" and chance % FAILS_ONE_IN == 0
            deployment = _Deployment(
                number=number,
                environment=environment,
                task="deploy",
                payload="{}",
                created_at_utc=ends_at_utc + timedelta(minutes=minutes),
                ends="failure" if fails else "success",
                brought_by=last,
            )
            yield deployment
        if fails:
            continue
        if live is not None and chance % ROLLED_BACK_ONE_IN == 0:
            number += 1
            yield _Deployment(
                number=number,
                environment="production",
                task="deploy:rollback",
                payload=f'{{"rollback_of": {deployment.number}}}',
                created_at_utc=deployment.finished_at_utc + timedelta(minutes=47),
                ends="success",
                brought_by=live,
            )
        else:
            live = last


def _batches(merged: Sequence[PullRequest]) -> list[tuple[datetime, PullRequest]]:
    """When each stretch ends in which something was merged, and the last of it. Never changes afterwards."""
    last: dict[datetime, PullRequest] = {}
    dated = [(one.merged_at_utc, one) for one in merged if one.merged_at_utc is not None]
    for at, one in sorted(dated, key=lambda pair: (pair[0], pair[1].number)):
        day = at.replace(hour=0, minute=0, second=0, microsecond=0)
        last[day + ((at - day) // TOGETHER + 1) * TOGETHER] = one
    return sorted(last.items(), key=lambda pair: pair[0])


def _show(one: _Deployment, repository: Repository, now: datetime) -> Json:
    statuses = [("QUEUED", one.created_at_utc), (one.ends.upper(), one.finished_at_utc)]
    merged_at = one.brought_by.merged_at_utc
    assert merged_at is not None
    brought = {
        "number": one.brought_by.number,
        "mergedAt": text_of(merged_at),
        "repository": {"databaseId": repository.database_id},
    }
    return {
        "id": f"DE_{one.number}",
        "databaseId": one.number,
        "createdAt": text_of(one.created_at_utc),
        "environment": one.environment,
        "task": one.task,
        "description": None,
        "payload": one.payload,
        "commitOid": commit_of(one.brought_by),
        "ref": {"name": "main"},
        "commit": {
            "committedDate": text_of(merged_at),
            "associatedPullRequests": {"nodes": [brought]},
        },
        "statuses": page(
            [(state, at) for state, at in reversed(statuses) if at <= now],
            first=_STATUSES,
            after=None,
            show=lambda status: {"state": status[0], "createdAt": text_of(status[1]), "logUrl": None},
        ),
    }
