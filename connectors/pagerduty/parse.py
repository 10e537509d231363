"""From a PagerDuty answer to records: what is wanted is named, what is found is checked, the rest is left.

Here: one function per object. One that is not what PagerDuty promises is quarantined alone.
Not here: asking (``client``), keeping (warehouse).
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, cast, get_args

from connectors.contract import Page, Record, RejectedRecord
from connectors.errors import SkippableRecordError
from connectors.fields import filled_text, instant, integer, mapping, one_of, wrong
from connectors.pagerduty.records import (
    Account,
    AgentKind,
    EntryType,
    EscalationTarget,
    Incident,
    LogEntry,
    NoteReference,
    NoteTag,
    Priority,
    ReferenceKind,
    ScheduleEntry,
    ScheduleMonth,
    Service,
    StandingOnCall,
    Team,
)
from connectors.references import (
    COMMIT,
    DEPLOYMENT,
    VERSION,
    named_by_address,
    without_denials,
    without_returns,
)

_ENTRY_TYPES: tuple[str, ...] = get_args(EntryType)
_SECOND = 1_000_000

_PULL_ADDRESS = re.compile(r"https?://\S+?/([\w.-]+/[\w.-]+)/pull/(\d+)")
_PULL_NAME = re.compile(r"(?<![\w/.-])([\w.-]+/[\w.-]+)#(\d+)\b")
_BARE_NUMBER = re.compile(r"(?<![\w/#])#(\d+)\b")
_REPOSITORY = re.compile(r"(?<![\w/.:-])([A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*[A-Za-z0-9])(?![\w/])")
_COMMIT = re.compile(COMMIT)
_VERSION = re.compile(VERSION, re.IGNORECASE)
_TICKET = re.compile(r"\b([A-Z][A-Z0-9_]+-\d+)\b")
_DEPLOYMENT = re.compile(DEPLOYMENT.replace(r"\d{3,}", r"(\d{3,})"), re.IGNORECASE)
_ADDRESS = re.compile(r"https?://[^\s<>\"')\]]+")
_POSTMORTEM = re.compile(r"post-?_?mortem", re.IGNORECASE)
_TAGS: tuple[tuple[re.Pattern[str], NoteTag], ...] = (
    (re.compile(r"^\W*false[ -]alarm\b|#false[-_]?alarm\b", re.IGNORECASE), "false_alarm"),
    (
        re.compile(r"^\W*no action (?:was )?(?:needed|required|necessary)\b|#no[-_]?action\b", re.IGNORECASE),
        "no_action_needed",
    ),
)


@dataclass(slots=True, kw_only=True)
class Parsed:
    """Records and rejects of one page, with the accounts that appear on it collected once.

    ``listed`` are the users of the account; anybody else who is named is gone, and keeps what they did.
    """

    scope: str
    served_at_utc: datetime
    listed: Mapping[str, Account] = field(default_factory=dict)
    records: dict[tuple[str, str], Record] = field(default_factory=dict)
    rejected: list[RejectedRecord] = field(default_factory=list)
    accounts: dict[str, Account] = field(default_factory=dict)

    def add(self, record: Record) -> None:
        """Keep a record; the same key once, the first on the page is the newest."""
        self.records.setdefault((record.stream, record.key), record)

    def page(self) -> Page:
        return Page(
            scope=self.scope,
            served_at_utc=self.served_at_utc,
            records=(*self.accounts.values(), *self.records.values()),
            rejected=tuple(self.rejected),
        )

    def each(self, listed: Iterable[Any], stream: str, read: Callable[[Any], None]) -> None:
        """Read one object after the other; one that is wrong is quarantined alone."""
        for place, node in enumerate(listed, start=1):
            try:
                read(node)
            except SkippableRecordError as problem:
                shown = node.get("id") if isinstance(node, Mapping) else None
                ref = (
                    shown if isinstance(shown, str) and re.fullmatch(r"\w{1,40}", shown) else f"item {place}"
                )
                self.rejected.append(
                    RejectedRecord(
                        stream=stream,
                        scope=self.scope,
                        ref=ref,
                        field=problem.field,
                        problem=problem.problem,
                        message=f"{ref}: {problem}. The others of its page are kept.",
                    )
                )

    # ------------------------------------------------------------------ who and what there is

    def user(self, node: Any) -> None:
        """A listed user."""
        fields = mapping(node, "user")
        account_id = f"pagerduty:user/{filled_text(fields, 'id')}"
        shown = fields.get("email")
        login = shown if isinstance(shown, str) and shown.strip() else filled_text(fields, "id")
        self.accounts[account_id] = Account(account_id=account_id, login=login.strip(), is_listed=True)

    def service(self, node: Any) -> None:
        """A service with its teams and its policy's levels."""
        fields = mapping(node, "service")
        teams = [mapping(team, "teams") for team in fields.get("teams") or ()]
        for team in teams:
            self.add(Team(team_id=_id("team", team), name=_name(team)))
        policy = fields.get("escalation_policy")
        policy_id = None if policy is None else self._policy(mapping(policy, "escalation_policy"))
        self.add(
            Service(
                service_id=_id("service", fields),
                name=_name(fields),
                source_url=_address(fields),
                escalation_policy_id=policy_id,
                team_ids=tuple(sorted(_id("team", team) for team in teams)),
            )
        )

    def _policy(self, fields: Mapping[str, Any]) -> str:
        policy_id = _id("escalation_policy", fields)
        for level, rule in enumerate(fields.get("escalation_rules") or (), start=1):
            inside = mapping(rule, "escalation_rules")
            for target in inside.get("targets") or ():
                shown = mapping(target, "targets")
                is_user = str(shown.get("type", "")).startswith("user")
                delay = inside.get("escalation_delay_in_minutes")
                self.add(
                    EscalationTarget(
                        target_id=f"{policy_id}/{level}/{filled_text(shown, 'id')}",
                        escalation_policy_id=policy_id,
                        level=level,
                        delay_minutes=delay if isinstance(delay, int) else None,
                        schedule_id=None if is_user else f"pagerduty:schedule/{filled_text(shown, 'id')}",
                        target_account_id=self._account(shown) if is_user else None,
                    )
                )
        return policy_id

    def priority(self, node: Any) -> None:
        """A priority of the account."""
        fields = mapping(node, "priority")
        order = fields.get("order")
        self.add(
            Priority(
                priority_id=_id("priority", fields),
                name=_name(fields),
                weight=order if isinstance(order, int) and not isinstance(order, bool) else None,
            )
        )

    def standing(self, node: Any) -> None:
        """An on-call; kept where it has no schedule, because schedules tell theirs better."""
        fields = mapping(node, "oncall")
        if fields.get("schedule") is not None or fields.get("start") is not None:
            return
        policy_id = _id("escalation_policy", mapping(fields.get("escalation_policy"), "escalation_policy"))
        level, account_id = (
            integer(fields, "escalation_level"),
            self._account(mapping(fields.get("user"), "user")),
        )
        self.add(
            StandingOnCall(
                standing_id=f"{policy_id}/{level}/{account_id}",
                escalation_policy_id=policy_id,
                level=level,
                holder_account_id=account_id,
            )
        )

    # ----------------------------------------------------------------------------- schedules

    def schedule(self, node: Any, months: Iterable[tuple[date, datetime, datetime]]) -> None:
        """A schedule's final entries, cut at the ends of these months: first day, start, end in UTC."""
        fields = mapping(node, "schedule")
        schedule_id = _id("schedule", fields)
        final = [self._held(entry) for entry in _entries(fields, "final_schedule")]
        overrides = [self._held(entry) for entry in _entries(fields, "overrides_subschedule")]
        self._months_of(fields, schedule_id, months, final, overrides)

    def schedule_of_shifts(self, node: Any, months: Iterable[tuple[date, datetime, datetime]]) -> None:
        """The same of a schedule that is made of shifts. A slot that nobody fills is nobody's."""
        fields = mapping(node, "schedule")
        final = mapping(fields.get("final_schedule"), "final_schedule")
        shown = final.get("computed_shift_assignments")
        if not isinstance(shown, list):
            raise wrong("final_schedule.computed_shift_assignments", "a list", shown)
        held: list[_Held] = []
        overrides: list[_Held] = []
        for entry in shown:
            shift = mapping(entry, "computed_shift_assignments")
            member = mapping(shift.get("member"), "member")
            if member.get("type") == "empty_member":
                continue
            one = (
                _instant(shift, "start_time", None),
                _instant(shift, "end_time", None),
                self._account({"id": filled_text(member, "user_id"), "type": "user_reference"}),
            )
            held.append(one)
            source = shift.get("source")
            if isinstance(source, Mapping) and str(source.get("type")).endswith("_override"):
                overrides.append(one)
        self._months_of(fields, _id("schedule", fields), months, held, overrides)

    def _months_of(
        self,
        fields: Mapping[str, Any],
        schedule_id: str,
        months: Iterable[tuple[date, datetime, datetime]],
        final: Sequence["_Held"],
        overrides: Sequence["_Held"],
    ) -> None:
        zone = fields.get("time_zone")
        for month, start, end in months:
            month_id = f"{schedule_id}/{month:%Y-%m}"
            self.add(
                ScheduleMonth(
                    schedule_month_id=month_id,
                    schedule_id=schedule_id,
                    name=_name(fields),
                    time_zone=zone if isinstance(zone, str) else "UTC",
                    month_start=month,
                    shown_at_utc=self.served_at_utc,
                )
            )
            for first, last, holder in final:
                begins, ends = max(first, start), min(last, end)
                if ends <= begins:
                    continue
                after = (begins - start) // timedelta(microseconds=1)
                self.add(
                    ScheduleEntry(
                        entry_id=f"{month_id}/{after // _SECOND}/{holder}",
                        schedule_month_id=month_id,
                        schedule_id=schedule_id,
                        holder_account_id=holder,
                        starts_after_us=after,
                        lasts_us=(ends - begins) // timedelta(microseconds=1),
                        is_override=any(
                            who == holder and since < ends and until > begins
                            for since, until, who in overrides
                        ),
                    )
                )

    def _held(self, node: Any) -> "_Held":
        fields = mapping(node, "rendered_schedule_entries")
        start, end = _instant(fields, "start", None), _instant(fields, "end", None)
        return start, end, self._account(mapping(fields.get("user"), "user"))

    # ----------------------------------------------------------------------------- incidents

    def incident(self, node: Any) -> None:
        """An incident as it is now."""
        fields = mapping(node, "incident")
        if fields.get("type") == "incident_reference" and "created_at" not in fields:
            raise SkippableRecordError(
                field="incident",
                problem="missing_field",
                message="incident: wanted the incident, found its reference",
            )
        reason = fields.get("resolve_reason")
        merged = reason.get("incident") if isinstance(reason, Mapping) else None
        service, priority = fields.get("service"), fields.get("priority")
        title = (
            filled_text(fields, "title")
            if fields.get("title") is not None
            else filled_text(fields, "summary")
        )
        self.add(
            Incident(
                incident_id=_id("incident", fields),
                number=integer(fields, "incident_number"),
                title=title,
                source_url=_address(fields),
                service_id=None if service is None else _id("service", mapping(service, "service")),
                urgency=one_of(fields, "urgency", ("high", "low")),
                status=one_of(fields, "status", ("triggered", "acknowledged", "resolved")),
                priority_id=None if priority is None else _id("priority", mapping(priority, "priority")),
                created_at_utc=_instant(fields, "created_at", self.served_at_utc),
                resolved_at_utc=self._resolved(fields),
                merged_into_id=_id("incident", merged) if isinstance(merged, Mapping) else None,
                title_tag=note_tag(title),
            )
        )

    def _resolved(self, fields: Mapping[str, Any]) -> datetime | None:
        if fields.get("status") != "resolved":
            return None
        name = "resolved_at" if fields.get("resolved_at") is not None else "last_status_change_at"
        return _instant(fields, name, self.served_at_utc)

    def log_entry(self, node: Any) -> None:
        """What happened; kinds that nothing reads are left. The incident it shows comes with it."""
        fields = mapping(node, "log_entry")
        kind = filled_text(fields, "type").removesuffix("_reference").removesuffix("_log_entry")
        shown = mapping(fields.get("incident"), "incident")
        if "created_at" in shown:
            self.incident(shown)
        if kind not in _ENTRY_TYPES:
            return
        channel = fields.get("channel")
        channel = channel if isinstance(channel, Mapping) else {}
        at = _instant(fields, "created_at", self.served_at_utc)
        incident_id, log_entry_id = _id("incident", shown), f"pagerduty:log_entry/{filled_text(fields, 'id')}"
        agent_kind, agent = self._agent(fields.get("agent"))
        given = [self._account(node) for node in fields.get("assignees") or () if _is_user(node)]
        notified = fields.get("user") if kind == "notify" else None
        notification = channel.get("notification")
        nobody: list[str | None] = [None]
        for to in given or nobody:
            self.add(
                LogEntry(
                    entry_id=log_entry_id if to is None else f"{log_entry_id}/{to}",
                    log_entry_id=log_entry_id,
                    incident_id=incident_id,
                    type=cast(EntryType, kind),
                    occurred_at_utc=at,
                    agent_kind=agent_kind,
                    agent_account_id=agent,
                    given_to_account_id=to,
                    notified_account_id=self._account(notified) if _is_user(notified) else None,
                    channel=_plain(channel.get("type")),
                    notification=_plain(notification.get("type"))
                    if isinstance(notification, Mapping)
                    else None,
                    snoozed_seconds=_snoozed(fields, at) if kind == "snooze" else None,
                )
            )
        if kind == "annotate":
            self._note(channel, incident_id, log_entry_id, at, agent)

    def _note(
        self,
        channel: Mapping[str, Any],
        incident_id: str,
        log_entry_id: str,
        at: datetime,
        author: str | None,
    ) -> None:
        text = channel.get("summary") or channel.get("content")
        if not isinstance(text, str):
            return
        tag = note_tag(text)
        found: list[tuple[ReferenceKind | None, str | None]] = [*references_in(without_denials(text))]
        for number, (kind, ref) in enumerate(found or ([(None, None)] if tag else [])):
            self.add(
                NoteReference(
                    reference_id=f"{log_entry_id}/{number}",
                    incident_id=incident_id,
                    noted_at_utc=at,
                    author_account_id=author,
                    kind=kind,
                    ref=ref,
                    tag=tag,
                )
            )

    def _agent(self, node: Any) -> tuple[AgentKind, str | None]:
        if not isinstance(node, Mapping):
            return "nobody", None
        if _is_user(node):
            return "user", self._account(node)
        return ("service" if str(node.get("type", "")).startswith("service") else "other"), None

    def _account(self, node: Any) -> str:
        """The account that a reference names; somebody who is not listed is gone, and still themselves."""
        shown = filled_text(mapping(node, "user"), "id")
        account_id = f"pagerduty:user/{shown}"
        if account_id not in self.accounts:
            gone = Account(account_id=account_id, login=shown, is_listed=False)
            self.accounts[account_id] = self.listed.get(account_id, gone)
        return account_id


def note_tag(text: str) -> NoteTag | None:
    """What a note or title says of the incident: it begins with "false alarm", has #false-alarm, ..."""
    return next((tag for pattern, tag in _TAGS if pattern.search(text)), None)


def references_in(text: str) -> Iterator[tuple[ReferenceKind, str]]:
    """The pull requests, commits, versions, tickets, deployments and post-mortems of a note, each once.

    A bare number (#12) is a pull request where the note names exactly one repository, else ``#12`` alone. The
    commit, version or deployment that somebody went back to is none that broke anything.
    """
    seen: set[tuple[ReferenceKind, str]] = set()
    addresses = _ADDRESS.findall(text)
    rest = _ADDRESS.sub(" ", text)
    repositories = set(_REPOSITORY.findall(_PULL_NAME.sub(" ", rest)))
    only = next(iter(repositories)) if len(repositories) == 1 else ""
    found: list[tuple[ReferenceKind, str]] = []
    found += [("pull_request", f"{name}#{number}") for name, number in _PULL_ADDRESS.findall(text)]
    found += [("pull_request", f"{name}#{number}") for name, number in _PULL_NAME.findall(rest)]
    found += [
        ("pull_request", f"{only}#{number}") for number in _BARE_NUMBER.findall(_PULL_NAME.sub(" ", rest))
    ]
    left = without_returns(text)
    spoken_of = _ADDRESS.sub(" ", left)
    found += [named for address in _ADDRESS.findall(left) if (named := named_by_address(address))]
    found += [("commit", sha) for sha in _COMMIT.findall(spoken_of)]
    found += [("version", name) for name in _VERSION.findall(spoken_of)]
    found += [("ticket", key) for key in _TICKET.findall(text)]
    found += [("deployment", number) for number in _DEPLOYMENT.findall(spoken_of)]
    found += [("postmortem", address.rstrip(".,;")) for address in addresses if _POSTMORTEM.search(address)]
    for reference in found:
        if reference not in seen:
            seen.add(reference)
            yield reference


_Held = tuple[datetime, datetime, str]
"""From, until, and the account that holds it."""


def is_of_shifts(node: Any) -> bool:
    """Whether a schedule, or a reference to one, is made of shifts in the place of layers."""
    is_one = isinstance(node, Mapping) and str(node.get("type")).startswith("schedule_v3")
    return is_one and isinstance(node.get("id"), str)


def _entries(fields: Mapping[str, Any], name: str) -> list[Any]:
    part = fields.get(name)
    if part is None and name == "overrides_subschedule":
        return []
    entries = mapping(part, name).get("rendered_schedule_entries")
    if not isinstance(entries, list):
        raise wrong(f"{name}.rendered_schedule_entries", "a list", entries)
    return entries


def _snoozed(fields: Mapping[str, Any], at: datetime) -> int | None:
    for action in fields.get("changed_actions") or ():
        if (
            isinstance(action, Mapping)
            and action.get("type") == "unacknowledge"
            and action.get("at") is not None
        ):
            return (_instant(action, "at", None) - at) // timedelta(seconds=1)
    return None


def _is_user(node: Any) -> bool:
    return isinstance(node, Mapping) and str(node.get("type", "")).startswith("user")


def _id(kind: str, fields: Mapping[str, Any]) -> str:
    return f"pagerduty:{kind}/{filled_text(fields, 'id')}"


def _name(fields: Mapping[str, Any]) -> str:
    return (
        filled_text(fields, "name") if isinstance(fields.get("name"), str) else filled_text(fields, "summary")
    )


def _address(fields: Mapping[str, Any]) -> str | None:
    shown = fields.get("html_url")
    return shown if isinstance(shown, str) and shown.startswith("https://") else None


def _plain(value: Any) -> str | None:
    return value if isinstance(value, str) and re.fullmatch(r"[\w.-]{1,60}", value) else None


def _instant(fields: Mapping[str, Any], name: str, served_at_utc: datetime | None) -> datetime:
    """A time in UTC; one a little ahead of the server's own clock is that clock's."""
    found = instant(fields, name, served_at_utc)
    return found if served_at_utc is None else min(found, served_at_utc)
