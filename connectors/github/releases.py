"""Releases and tags in the place of deployments: what is kept of each.

Here: one release or tag as a ``Deployment`` with a name.
Not here: asking for them (``deployments``), which of them reach production and of which service they are:
the rules of ``[[sources.github.releases]]`` are applied in ``transforms/core``, so that changing one reads
nothing again.

A release is deployed when it is published, an annotated tag when it is made, any other tag when its commit
was.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from connectors.fields import big_integer, boolean, instant, mapping, optional_instant, text
from connectors.github.deployments import DEPLOYMENTS, Reading, kind_said, what_brought
from connectors.github.records import Deployment, Repository

CAN_CHANGE = timedelta(days=90)
"""A release can be published, and a commit tagged, long after they came: so far back a night looks again."""


def parse_release(node: Any, repository: Repository, served_at_utc: datetime) -> Deployment:
    """One release. A draft, or one whose tag is gone, has not ended. Raises SkippableRecordError."""
    fields = mapping(node, "release")
    name = text(fields, "tagName")
    created_at_utc = instant(fields, "createdAt", served_at_utc)
    published_at_utc = optional_instant(fields, "publishedAt", served_at_utc)
    if boolean(fields, "isDraft") or published_at_utc is None:
        state, finished_at_utc = "draft", None
    else:
        state, finished_at_utc = (
            ("prerelease" if boolean(fields, "isPrerelease") else "success"),
            published_at_utc,
        )
    title = fields.get("name")
    return _deployment(
        f"github:release/{big_integer(fields, 'databaseId')}",
        repository,
        name=name,
        commit=fields.get("tagCommit"),
        said=f"{name} {title if isinstance(title, str) else ''}",
        created_at_utc=created_at_utc,
        finished_at_utc=finished_at_utc,
        state=state,
        source_url=text(fields, "url"),
        served_at_utc=served_at_utc,
    )


def parse_tag(node: Any, repository: Repository, served_at_utc: datetime) -> Deployment:
    """One tag. Raises SkippableRecordError."""
    fields = mapping(node, "tag")
    name, target = text(fields, "name"), fields.get("target")
    commit: Any = target
    made_at_utc: datetime | None = None
    if isinstance(target, Mapping) and "tagger" in target:
        commit = target.get("target")
        tagger = target["tagger"]
        made_at_utc = optional_instant(tagger, "date", served_at_utc) if isinstance(tagger, Mapping) else None
    if made_at_utc is None:
        # A tag of something else than a commit is of no deployment, and is rejected here.
        made_at_utc = instant(mapping(commit, "tagged commit"), "committedDate", served_at_utc)
    return _deployment(
        f"github:tag/{repository.repository_id.removeprefix('github:')}/{name}",
        repository,
        name=name,
        commit=commit,
        said=name,
        created_at_utc=made_at_utc,
        finished_at_utc=made_at_utc,
        state="success",
        source_url=f"{repository.source_url}/tree/{name}",
        served_at_utc=served_at_utc,
    )


def _deployment(
    key: str,
    repository: Repository,
    *,
    name: str,
    commit: Any,
    said: str,
    created_at_utc: datetime,
    finished_at_utc: datetime | None,
    state: str,
    source_url: str,
    served_at_utc: datetime,
) -> Deployment:
    change_number, change_at_utc = what_brought(commit, repository, served_at_utc)
    oid = commit.get("oid") if isinstance(commit, Mapping) else None
    return Deployment(
        deployment_id=key,
        repository_id=repository.repository_id,
        environment="",
        commit_oid=oid if isinstance(oid, str) else "",
        change_number=change_number,
        change_at_utc=change_at_utc,
        created_at_utc=created_at_utc,
        finished_at_utc=finished_at_utc,
        state=state if isinstance(oid, str) else "untagged",
        kind=kind_said(said),
        repairs_id=None,
        source_url=source_url if source_url.startswith("https://") else None,
        name=name,
    )


_RELEASES = Reading(
    by="releases",
    operation="Releases",
    connection="releases",
    permission="Contents",
    can_change=CAN_CHANGE,
    parse=parse_release,
)
_TAGS = replace(_RELEASES, by="tags", operation="Tags", connection="refs", parse=parse_tag)
READINGS = {reading.by: reading for reading in (DEPLOYMENTS, _RELEASES, _TAGS)}
"""By what ``[[sources.github.releases]] by`` calls it."""
