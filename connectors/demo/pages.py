"""The made-up organisation behind GitHub's page protocol.

Here: a transport that answers the operations of ``connectors/github/queries`` as of one instant.
Not here: what a pull request looks like (``snapshot``), what happens to it (``lifecycle``).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.demo.connections import (
    MORE,
    MORE_REACTIONS,
    MORE_THREADS,
    UnknownCursorError,
    page,
    points_of,
)
from connectors.demo.deployments import show_deployments
from connectors.demo.history import FIRST_ID, IDS_A_REPOSITORY, make_pull_requests
from connectors.demo.organization import Organization
from connectors.demo.people import Account
from connectors.demo.pull_requests import Comment, PullRequest, Review, Thread
from connectors.demo.services import DEFAULT_BRANCH, LOGIN, Repository
from connectors.demo.snapshot import (
    pull_request_id,
    said_id,
    said_on,
    show_comments,
    show_labels,
    show_pull_request,
    show_reaction_groups,
    show_reactions,
    show_repository,
    show_reviews,
    show_thread_states,
    show_threads,
    show_timeline,
    text_of,
    thread_id,
    updated_at_utc,
)
from connectors.github.transport import Answer, Json, Operation

REPOSITORIES_KEPT = 24
"""Repositories whose pull requests stay in memory; they are made up again when asked for later."""
POINTS_AN_HOUR = 5000
NEWEST = 2
"""So many updates the state of a repository tells."""


class NotFoundError(Exception):
    """What was asked for does not exist, or not yet. Carries the field that is null then."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


@dataclass(slots=True, kw_only=True)
class _Kept:
    """The pull requests of a repository that exist by now, the last updated first."""

    listed: tuple[PullRequest, ...]
    by_id: dict[str, PullRequest]
    threads: dict[str, tuple[Thread, Account]]
    said: dict[str, tuple[Review | Comment, Account]]


@dataclass(slots=True)
class DemoTransport:
    """Answers operations as GitHub would have at ``now_utc``. It keeps pages in memory and nothing else.

    Asking twice gives the same answer; there is no network, no token and no clock.
    """

    organization: Organization = field(repr=False)
    now_utc: datetime
    _kept: dict[str, _Kept] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if self.now_utc.utcoffset() is None:
            raise ValueError("now_utc: an instant with its zone is wanted, found one without")
        self.now_utc = self.now_utc.astimezone(UTC)

    def send(self, operations: Sequence[Operation]) -> Answer:
        """One answer object per operation; what does not exist is null and named in ``errors``."""
        points = points_of(operations)
        data: list[Json | None] = []
        errors: list[Json] = []
        for index, operation in enumerate(operations):
            shown, problem = self._answer(operation)
            if shown is not None and index == 0:  # a request tells its budget once
                shown = {"rateLimit": self._budget(points), **shown}
                if operation.name == "ServerTime":  # asks for it
                    shown["rateLimit"]["limit"] = POINTS_AN_HOUR
            data.append(shown)
            if problem is not None:
                errors.append({**problem, "operation": index})
        return Answer(data=tuple(data), errors=tuple(errors), served_at_utc=self.now_utc, points=points)

    def _answer(self, operation: Operation) -> tuple[Json | None, Json | None]:
        answers: Mapping[str, Callable[[Mapping[str, Any]], Json]] = {
            "ServerTime": lambda _: {},
            "OrganizationRepositories": self._repositories,
            "PullRequests": self._pull_requests,
            "PullRequestsById": self._by_id,
            "PullRequestPlaces": self._places,
            "RepositoryState": self._repository_state,
            "ThreadStates": self._thread_states,
            "MoreThreadStates": self._more_thread_states,
            "CreatedPullRequests": self._created,
            "AccountAddresses": self._addresses,
            "AccountSignOn": lambda _: {"organization": {"samlIdentityProvider": None}},
            "MoreLabels": self._more_labels,
            "MoreReviews": self._more_reviews,
            "MoreReviewThreads": self._more_threads,
            "MoreReviewComments": self._more_comments,
            "MoreTimelineEvents": self._more_timeline,
            "MoreReactions": self._more_reactions,
            "ReactionCounts": self._reaction_counts,
            "Deployments": self._deployments,
            "DeploymentSpan": self._deployment_span,
        }
        if operation.name not in answers:
            known = ", ".join(sorted(answers))
            raise ValueError(f"No made-up answer for the operation {operation.name!r}; there are: {known}.")
        try:
            return answers[operation.name](operation.variables), None
        except NotFoundError as reason:
            error = {"type": "NOT_FOUND", "path": [reason.name], "message": str(reason)}
            return {reason.name: None}, error
        except UnknownCursorError as reason:
            message = f"`{reason}` does not appear to be a valid cursor."
            return None, {"type": "INVALID_CURSOR_ARGUMENTS", "path": [], "message": message}

    def _budget(self, points: int) -> Json:
        reset_at = text_of(self.now_utc + timedelta(hours=1))
        return {"cost": points, "remaining": POINTS_AN_HOUR - points, "resetAt": reset_at}

    # ---------------------------------------------------------------------------------- operations

    def _repositories(self, asked: Mapping[str, Any]) -> Json:
        if asked["login"] != LOGIN:
            what = f"Could not resolve to an Organization with the login of '{asked['login']}'."
            raise NotFoundError("organization", what)
        rows = sorted(self.organization.repositories, key=lambda repository: repository.name)
        return {
            "organization": {
                "repositories": page(rows, first=MORE, after=asked.get("after"), show=self._state)
            }
        }

    def _state(self, repository: Repository) -> Json:
        listed = self._pull_requests_of(repository).listed
        shown = [{"updatedAt": text_of(updated_at_utc(one, self.now_utc))} for one in listed[:NEWEST]]
        newest = {"pageInfo": {"hasNextPage": len(listed) > NEWEST}, "nodes": shown}
        return {**show_repository(repository), "pullRequests": newest}

    def _repository_state(self, asked: Mapping[str, Any]) -> Json:
        return {"repository": self._state(self._repository(f"{asked['owner']}/{asked['name']}"))}

    def _repository(self, name: str) -> Repository:
        for repository in self.organization.repositories:
            if repository.name_with_owner == name:
                return repository
        raise NotFoundError("repository", f"Could not resolve to a Repository with the name '{name}'.")

    def _by_id(self, asked: Mapping[str, Any]) -> Json:
        found = [self._pull_request(node_id) for node_id in asked["ids"]]
        return {
            "nodes": [
                {**show_pull_request(one, self.now_utc), "repository": show_repository(one.repository)}
                for one in found
            ]
        }

    def _places(self, asked: Mapping[str, Any]) -> Json:
        """Nothing is ever deleted here."""
        found = {node_id: self._pull_request(node_id).repository for node_id in asked["ids"]}
        return {
            "nodes": [
                {"id": node_id, "repository": {"databaseId": repository.database_id}}
                for node_id, repository in found.items()
            ]
        }

    def _thread_states(self, asked: Mapping[str, Any]) -> Json:
        return {
            "nodes": [
                {
                    "id": node_id,
                    "reviewThreads": show_thread_states(self._pull_request(node_id), self.now_utc),
                }
                for node_id in asked["ids"]
            ]
        }

    def _more_thread_states(self, asked: Mapping[str, Any]) -> Json:
        found = self._pull_request(asked["id"])
        rest = show_thread_states(found, self.now_utc, first=MORE, after=asked.get("after"))
        return {"node": {"id": asked["id"], "reviewThreads": rest}}

    def _created(self, asked: Mapping[str, Any]) -> Json:
        """Understands the two kinds of search that the client asks."""
        words = dict(part.split(":", 1) for part in asked["query"].split())
        listed = self._pull_requests_of(self._repository(words["repo"])).listed
        if "updated" in words:
            since = words["updated"].removeprefix(">=")
            changed = [one for one in listed if text_of(updated_at_utc(one, self.now_utc)) >= since]
            return {"search": {"issueCount": len(changed)}}
        first, last = words["created"].split("..")
        inside = [
            one
            for one in listed
            if (first == "*" or text_of(one.created_at_utc) >= first) and text_of(one.created_at_utc) <= last
        ]
        return {"search": {"issueCount": len(inside)}}

    def _pull_requests(self, asked: Mapping[str, Any]) -> Json:
        repository = self._repository(f"{asked['owner']}/{asked['name']}")
        listed = page(
            self._pull_requests_of(repository).listed,
            first=asked["pageSize"],
            after=asked.get("after"),
            show=lambda pull_request: show_pull_request(pull_request, self.now_utc),
        )
        return {"repository": {**show_repository(repository), "pullRequests": listed}}

    def _addresses(self, asked: Mapping[str, Any]) -> Json:
        """The address of whoever has the login; contractors have none of the organisation's."""
        for person in self.organization.people:
            for _, account in person.accounts:
                if account.login == asked["login"]:
                    user = {"databaseId": account.database_id, "login": account.login}
                    return {"user": {**user, "organizationVerifiedDomainEmails": [person.email]}}
        raise NotFoundError("user", f"Could not resolve to a User with the login of '{asked['login']}'.")

    def _deployment_span(self, asked: Mapping[str, Any]) -> Json:
        whole = self._deployments({**asked, "pageSize": 1_000_000})["repository"]["deployments"]["nodes"]
        newest = {"pageInfo": {"hasNextPage": len(whole) > MORE}, "nodes": whole[:MORE]}
        parts = {"newest": newest, "oldest": {"nodes": whole[-1:]}}
        for part in parts.values():
            part["nodes"] = [{"createdAt": one["createdAt"]} for one in part["nodes"]]
        return {"repository": parts}

    def _deployments(self, asked: Mapping[str, Any]) -> Json:
        repository = self._repository(f"{asked['owner']}/{asked['name']}")
        merged = [
            one
            for one in self._pull_requests_of(repository).listed
            if one.merged_at_utc is not None
            and one.merged_at_utc <= self.now_utc
            and one.base_branch == DEFAULT_BRANCH
        ]
        shown = show_deployments(
            repository, merged, self.now_utc, first=asked["pageSize"], after=asked.get("after")
        )
        return {"repository": {"databaseId": repository.database_id, "deployments": shown}}

    def _more_labels(self, asked: Mapping[str, Any]) -> Json:
        found = self._pull_request(asked["id"])
        rest = show_labels(found, self.now_utc, first=MORE, after=asked.get("after"))
        return {"node": {"id": asked["id"], "labels": rest}}

    def _more_reviews(self, asked: Mapping[str, Any]) -> Json:
        found = self._pull_request(asked["id"])
        rest = show_reviews(found, self.now_utc, first=MORE, after=asked.get("after"))
        return {"node": {"id": asked["id"], "reviews": rest}}

    def _more_threads(self, asked: Mapping[str, Any]) -> Json:
        found = self._pull_request(asked["id"])
        rest = show_threads(found, self.now_utc, first=MORE_THREADS, after=asked.get("after"))
        return {"node": {"id": asked["id"], "reviewThreads": rest}}

    def _more_timeline(self, asked: Mapping[str, Any]) -> Json:
        found = self._pull_request(asked["id"])
        rest = show_timeline(found, self.now_utc, first=MORE, after=asked.get("after"))
        return {"node": {"id": asked["id"], "timelineItems": rest}}

    def _more_comments(self, asked: Mapping[str, Any]) -> Json:
        found, of = self._thread(asked["id"])
        rest = show_comments(found, of, self.now_utc, first=MORE, after=asked.get("after"))
        return {"node": {"id": asked["id"], "comments": rest}}

    def _more_reactions(self, asked: Mapping[str, Any]) -> Json:
        said, of = self._said(asked["id"])
        rest = show_reactions(said, of, self.now_utc, first=MORE_REACTIONS, after=asked.get("after"))
        return {"node": {"id": asked["id"], "reactions": rest}}

    def _reaction_counts(self, asked: Mapping[str, Any]) -> Json:
        found = {node_id: self._said(node_id) for node_id in asked["ids"]}
        return {
            "nodes": [
                {"id": node_id, "reactionGroups": show_reaction_groups(said, of, self.now_utc)}
                for node_id, (said, of) in found.items()
            ]
        }

    # ------------------------------------------------------------------------------------- finding

    def _pull_request(self, node_id: str) -> PullRequest:
        for repository in self.organization.repositories:
            if node_id.startswith(f"PR_{repository.database_id}_"):
                found = self._pull_requests_of(repository).by_id.get(node_id)
                if found is not None:
                    return found
        raise _no_node(node_id)

    def _thread(self, node_id: str) -> tuple[Thread, Account]:
        kept = self._kept_with(node_id)
        if kept is None or node_id not in kept.threads:
            raise _no_node(node_id)
        return kept.threads[node_id]

    def _said(self, node_id: str) -> tuple[Review | Comment, Account]:
        kept = self._kept_with(node_id)
        if kept is None or node_id not in kept.said:
            raise _no_node(node_id)
        return kept.said[node_id]

    def _kept_with(self, node_id: str) -> _Kept | None:
        """The repository whose numbers this one is among."""
        _, _, number = node_id.partition("_")
        place = (int(number) - FIRST_ID) // IDS_A_REPOSITORY if number.isdigit() else -1
        if not 0 <= place < len(self.organization.repositories):
            return None
        return self._pull_requests_of(self.organization.repositories[place])

    def _pull_requests_of(self, repository: Repository) -> _Kept:
        if repository.name not in self._kept:
            while len(self._kept) >= REPOSITORIES_KEPT:
                del self._kept[next(iter(self._kept))]
            self._kept[repository.name] = self._make(repository)
        return self._kept[repository.name]

    def _make(self, repository: Repository) -> _Kept:
        now = self.now_utc
        made = [
            pull_request
            for pull_request in make_pull_requests(self.organization, repository)
            if pull_request.created_at_utc <= now
        ]
        made.sort(key=lambda one: (updated_at_utc(one, now), one.number), reverse=True)
        return _Kept(
            listed=tuple(made),
            by_id={pull_request_id(one): one for one in made},
            threads={
                thread_id(thread): (thread, one.author)
                for one in made
                for thread in one.threads
                if thread.comments[0].seen_from_utc <= now
            },
            said={said_id(said): (said, one.author) for one in made for said in said_on(one, now)},
        )


def _no_node(node_id: str) -> NotFoundError:
    return NotFoundError("node", f"Could not resolve to a node with the global id of '{node_id}'.")
