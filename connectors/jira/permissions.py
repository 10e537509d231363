"""What an account may not see, found by asking for one of each thing that a night reads.

Here: the questions, and what each refusal means.
Not here: which projects there are (``client``). Nothing of the answers is kept.

A project that an account may not browse is answered with fewer tickets and no error, so it is asked for by
name.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from connectors.contract import Gap
from connectors.errors import StopScopeError
from connectors.jira.records import Project
from connectors.jira.transport import Answer

BROWSE = "BROWSE_PROJECTS"


def lacking(ask: Callable[..., Answer], *, kind: str, projects: Sequence[Project], jql: str) -> Iterator[Gap]:
    """A gap for each project that may not be browsed, and for tickets and histories that are refused."""
    for project in projects:
        if not _may_browse(ask, project):
            told = (
                f"project {project.project_key}: the account may not browse it, so Jira leaves its tickets "
                "out without an error. Give it Browse Projects there."
            )
            yield Gap(scope=project.key, message=told)
    is_cloud = kind == "cloud"
    search = "/rest/api/3/search/jql" if is_cloud else "/rest/api/2/search"
    what, needed = "search for tickets", "a token with scopes needs read:jira-work"
    try:
        found = ask(search, body={"jql": jql, "fields": ["id"], "maxResults": 1}).body.get("issues") or []
        if is_cloud and found:
            what = "read the histories of tickets"
            ask("/rest/api/3/changelog/bulkfetch", body={"issueIdsOrKeys": [str(found[0]["id"])]})
    except StopScopeError as reason:
        yield Gap(scope="jira:site", message=f"the account may not {what}; {needed}. {reason}")


def _may_browse(ask: Callable[..., Answer], project: Project) -> bool:
    """Also where Jira does not tell: then searching for its tickets says what is wrong."""
    asked = {"projectKey": project.project_key, "permissions": BROWSE}
    try:
        told: Any = ask("/rest/api/2/mypermissions", asked).body
        return bool(told["permissions"][BROWSE]["havePermission"])
    except (StopScopeError, KeyError, TypeError):
        return True
