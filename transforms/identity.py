"""Who an account belongs to, from the identity journal.

Here: what an entry means, the state that entries known by an instant add up to, the tables made of it, and
binding the roster's logins to accounts at first sight.
Not here: suggestions (``suggestions``), writing entries (``pipelines.identities``), what an account did.

A login can be renamed and taken by somebody else; an account's own id cannot. So a login of the roster is
looked up once, and what it was bound to is journalled and stays. The journal is only ever added to:

    bind     account_id, person_id; perhaps valid_from, valid_to (dates of the reporting zone, half-open)
    detach   account_id, perhaps person_id: takes claims back, and an exclusion; or person_id alone: a merge
    exclude  account_id: it is nobody's, whatever claims it, and is asked about no more
    merge    person_id, into: two ids of the roster are one person
    known    known_at_utc: every entry above it without a time of its own is known from then on

An entry that a person writes has no time of its own, because the machine's clock decides nothing: the next
night takes it in, and dates it with the server's time of its newest load.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from importlib.resources import files
from typing import Any, Literal

import duckdb
import polars as pl

from transforms.local_time import first_instant
from transforms.queries import create, insert, sql

JOURNAL = "identity"
AT_FIRST_SIGHT = "login in the roster"
"""Evidence of the bindings that a night makes by itself."""

Entry = Mapping[str, Any]
Standing = Literal["claimed", "contested", "excluded", "unclaimed"]


class IdentityError(Exception):
    """An entry of the identity journal cannot be understood."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One person's claim to an account, from the first day until before the last; None is without end."""

    person_id: str
    valid_from: date | None = None
    valid_to: date | None = None
    evidence: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Who holds an account from one day until before another: one person, or nobody and why."""

    person_id: str | None
    standing: Standing
    valid_from: date | None
    valid_to: date | None
    claimed_by: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class Account:
    """What the journal says of one account.

    ``login`` is the newest that an entry names; ``detached``: people it was taken from and not given back.
    """

    account_id: str
    source: str
    login: str
    claims: list[Claim] = field(default_factory=list)
    excluded: str | None = None
    detached: set[str] = field(default_factory=set)


@dataclass(slots=True, kw_only=True)
class Identities:
    """What the journal adds up to: accounts by id, and which id of the roster was merged into which."""

    accounts: dict[str, Account] = field(default_factory=dict)
    merged: dict[str, str] = field(default_factory=dict)

    def kept(self, person_id: str) -> str:
        """The id under which a person is kept."""
        seen = {person_id}
        while (further := self.merged.get(person_id)) is not None and further not in seen:
            person_id = further
            seen.add(person_id)
        return person_id

    def stretches(self, account_id: str) -> list[Stretch]:
        """All of time, cut where the holder changes. Two claims on the same day make it nobody's."""
        account = self.accounts.get(account_id)
        if account is None:
            return [Stretch(person_id=None, standing="unclaimed", valid_from=None, valid_to=None)]
        if account.excluded is not None:
            return [Stretch(person_id=None, standing="excluded", valid_from=None, valid_to=None)]
        days = {claim.valid_from or date.min for claim in account.claims}
        days |= {claim.valid_to for claim in account.claims if claim.valid_to is not None}
        firsts = sorted(days | {date.min})
        found: list[Stretch] = []
        for first, after in zip(firsts, [*firsts[1:], None], strict=True):
            people = tuple(
                sorted({self.kept(claim.person_id) for claim in account.claims if _covers(claim, first)})
            )
            standing: Standing = "claimed" if len(people) == 1 else "contested" if people else "unclaimed"
            here = Stretch(
                person_id=people[0] if len(people) == 1 else None,
                standing=standing,
                valid_from=None if first == date.min else first,
                valid_to=after,
                claimed_by=people,
            )
            if found and found[-1].claimed_by == people:
                found[-1] = _joined(found[-1], here)
            else:
                found.append(here)
        return found

    def contested(self) -> dict[str, tuple[str, ...]]:
        """The accounts that several people claim on the same day, with those people."""
        found = {}
        for account_id in sorted(self.accounts):
            people = {
                person
                for stretch in self.stretches(account_id)
                if stretch.standing == "contested"
                for person in stretch.claimed_by
            }
            if people:
                found[account_id] = tuple(sorted(people))
        return found

    @property
    def fingerprint(self) -> str:
        """SHA-256 of everything a table is made of: the same state gives the same, however it came about."""
        decides = {
            "accounts": {
                account_id: [asdict(stretch) for stretch in self.stretches(account_id)]
                for account_id in sorted(self.accounts)
            },
            "merged": {person: self.kept(person) for person in sorted(self.merged)},
        }
        return hashlib.sha256(json.dumps(decides, sort_keys=True, default=str).encode()).hexdigest()


def _covers(claim: Claim, day: date) -> bool:
    return (claim.valid_from or date.min) <= day and (claim.valid_to is None or day < claim.valid_to)


def _joined(first: Stretch, second: Stretch) -> Stretch:
    return Stretch(
        person_id=first.person_id,
        standing=first.standing,
        valid_from=first.valid_from,
        valid_to=second.valid_to,
        claimed_by=first.claimed_by,
    )


# ------------------------------------------------------------------------------ the journal


def known_at(entries: Sequence[Entry]) -> list[datetime | None]:
    """From when each entry is known; None for those that no night has taken in yet."""
    taken_in: datetime | None = None
    found: list[datetime | None] = []
    for number, entry in reversed(list(enumerate(entries, start=1))):
        own = _instant(entry, number) if entry.get("known_at_utc") is not None else None
        if entry.get("action") == "known":
            taken_in = own
        found.append(own if own is not None else taken_in)
    return found[::-1]


def take_in(entries: Sequence[Entry], known_at_utc: datetime) -> list[dict[str, Any]]:
    """The entry that dates those without a time of their own; none where there are none."""
    if all(known is not None for known in known_at(entries)):
        return []
    return [{"action": "known", "known_at_utc": known_at_utc.astimezone(UTC).isoformat()}]


def replay(entries: Sequence[Entry], horizon_utc: datetime | None = None) -> Identities:
    """What the entries known by the horizon add up to; without a horizon all, those to be taken in too.

    Raises IdentityError where an entry is not one of those above.
    """
    far = datetime.max.replace(tzinfo=UTC)
    dated = [
        (known or far, number, entry)
        for number, (entry, known) in enumerate(zip(entries, known_at(entries), strict=True), start=1)
        if horizon_utc is None or (known is not None and known <= horizon_utc)
    ]
    state = Identities()
    for _, number, entry in sorted(dated, key=lambda one: one[:2]):
        _apply(state, entry, number)
    return state


def _apply(state: Identities, entry: Entry, number: int) -> None:
    action = entry.get("action")
    if action == "known":
        return
    if action == "merge":
        state.merged[_needed(entry, "person_id", number)] = _needed(entry, "into", number)
        return
    if action == "detach" and entry.get("account_id") is None:
        state.merged.pop(_needed(entry, "person_id", number), None)
        return
    if action not in ("bind", "detach", "exclude"):
        raise _unclear(number, "an action: bind, detach, exclude, merge or known", repr(action))
    account_id = _needed(entry, "account_id", number)
    account = state.accounts.setdefault(
        account_id,
        Account(account_id=account_id, source=account_id.partition(":")[0], login=account_id),
    )
    account.login = entry.get("login") or account.login
    if action == "exclude":
        account.detached |= {claim.person_id for claim in account.claims}
        account.claims, account.excluded = [], entry.get("reason") or "no reason given"
        return
    person_id = entry.get("person_id") if action == "detach" else _needed(entry, "person_id", number)
    if entry.get("evidence") == AT_FIRST_SIGHT and any(
        state.kept(one.person_id) == state.kept(str(person_id)) for one in account.claims
    ):
        return  # the roster names the account by another login too; what somebody decided about it stays
    taken = [
        claim
        for claim in account.claims
        if person_id is None or state.kept(claim.person_id) == state.kept(person_id)
    ]
    account.claims = [claim for claim in account.claims if claim not in taken]
    if action == "detach":
        account.detached |= {claim.person_id for claim in taken}
        account.excluded = None
        return
    account.detached.discard(str(person_id))
    account.claims.append(
        Claim(
            person_id=str(person_id),
            valid_from=_day(entry, "valid_from", number),
            valid_to=_day(entry, "valid_to", number),
            evidence=entry.get("evidence") or entry.get("reason") or "",
            by=entry.get("by") or "",
        )
    )


def _needed(entry: Entry, name: str, number: int) -> str:
    value = entry.get(name)
    if not isinstance(value, str) or not value:
        raise _unclear(number, f"{name} as text", repr(value))
    return value


def _day(entry: Entry, name: str, number: int) -> date | None:
    value = entry.get(name)
    if value is None:
        return None
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise _unclear(number, f"{name} as a date such as 2026-05-01", repr(value)) from None


def _instant(entry: Entry, number: int) -> datetime:
    value = entry["known_at_utc"]
    try:
        instant = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise _unclear(number, "known_at_utc as an instant", repr(value)) from None
    return instant if instant.tzinfo is not None else instant.replace(tzinfo=UTC)


def _unclear(number: int, wanted: str, found: str) -> IdentityError:
    return IdentityError(
        f"The identity journal (journal/{JOURNAL}.jsonl), line {number}: wanted {wanted}; found {found}. "
        f"Nothing was derived. Repair that line, and keep a copy of the file."
    )


# ------------------------------------------------------------------------------- the tables


def build_handles(connection: duckdb.DuckDBPyConnection, sources: Iterable[str]) -> None:
    """Create and fill ``ops.account_handles``, what each source calls an account.

    With ``ops.identity_access``, what a source did not tell. Needs ``landing``.
    """
    create(connection, "ops.account_handles")
    create(connection, "ops.identity_access")
    for folder in ("account_handles", "identity_access"):
        for source in sources:
            if (files("transforms") / folder / f"{source}.sql").is_file():
                insert(connection, f"ops.{folder}", sql(f"{folder}/{source}.sql"))


_FIRST_SIGHT = """
WITH claims AS (
    SELECT DISTINCT person_id, 'github' AS source, unnest(github) AS login FROM landing.organization__people
    UNION
    SELECT DISTINCT person_id, 'pagerduty', unnest(pagerduty) FROM landing.organization__people
    UNION
    SELECT DISTINCT person_id, 'jira', unnest(jira) FROM landing.organization__people
)

SELECT
    claims.person_id,
    claims.source,
    arg_max(handles.account_id, (handles.seen_at_utc, handles.account_id)) AS account_id,
    claims.login
FROM claims
JOIN ops.account_handles AS handles
    ON handles.source = claims.source
    AND handles.kind IN ('login', 'id', 'email')
    AND lower(handles.value) = lower(claims.login)
GROUP BY claims.person_id, claims.source, claims.login
ORDER BY claims.person_id, claims.source, claims.login
"""


def bindings_at_first_sight(
    connection: duckdb.DuckDBPyConnection, entries: Sequence[Entry], known_at_utc: datetime
) -> list[dict[str, Any]]:
    """New journal entries for logins of the roster whose account appears for the first time.

    Needs ``landing.organization__people`` and ``ops.account_handles``. A login that the journal has bound
    before is never bound again, whoever uses it now. An account that somebody has excluded, or detached from
    this very person, stays so.
    """
    state = replay(entries)
    bound = {
        (state.kept(entry["person_id"]), entry.get("source", "github"), entry["login"].lower())
        for entry in entries
        if entry.get("action") == "bind" and entry.get("login") and entry.get("person_id")
    }
    decided = {
        (entry.get("person_id"), entry["account_id"])
        for entry in entries
        if entry.get("action") == "detach" and entry.get("account_id")
    }
    excluded = {account.account_id for account in state.accounts.values() if account.excluded is not None}
    return [
        {
            "action": "bind",
            "source": source,
            "account_id": account_id,
            "person_id": person_id,
            "login": login,
            "by": "roster",
            "evidence": AT_FIRST_SIGHT,
            "known_at_utc": known_at_utc.astimezone(UTC).isoformat(),
        }
        for person_id, source, account_id, login in connection.execute(_FIRST_SIGHT).fetchall()
        if (person_id, source, login.lower()) not in bound
        and (person_id, account_id) not in decided
        and account_id not in excluded
    ]


_HOLDERS: dict[str, Any] = {
    "account_id": pl.String,
    "source": pl.String,
    "login": pl.String,
    "person_id": pl.String,
    "standing": pl.String,
    "claimed_by": pl.List(pl.String),
    "valid_from_utc": pl.Datetime("us"),
    "valid_to_utc": pl.Datetime("us"),
}


def load_identities(
    connection: duckdb.DuckDBPyConnection,
    entries: Sequence[Entry],
    horizon_utc: datetime,
    zone: str = "UTC",
) -> Identities:
    """The tables of the entries known by ``horizon_utc``; gives the state they are made of.

    ``core.identities`` has the holder of every account of the journal, stretch by stretch. ``identities``
    (account_id, person_id, from_utc, to_utc) is the same for joins: stretches with a holder alone, their
    ends never null. Who did something at an instant is the holder then, or else the account itself:

        LEFT JOIN identities ON identities.account_id = x AND at_utc >= from_utc AND at_utc < to_utc
        ... coalesce(identities.person_id, x)
    """
    state = replay(entries, horizon_utc)
    rows = [
        (
            account.account_id,
            account.source,
            account.login,
            stretch.person_id,
            stretch.standing,
            list(stretch.claimed_by),
            _start(stretch.valid_from, zone),
            _start(stretch.valid_to, zone),
        )
        for account_id, account in sorted(state.accounts.items())
        for stretch in state.stretches(account_id)
    ]
    connection.execute("CREATE SCHEMA IF NOT EXISTS core")
    create(connection, "core.identities")
    connection.register("incoming", pl.DataFrame(rows, schema=_HOLDERS, orient="row"))
    connection.execute("INSERT INTO core.identities BY NAME SELECT * FROM incoming")
    connection.unregister("incoming")
    connection.execute(
        "CREATE OR REPLACE TABLE identities AS SELECT account_id, person_id, "
        "coalesce(valid_from_utc, TIMESTAMP '0001-01-01') AS from_utc, "
        "coalesce(valid_to_utc, TIMESTAMP '9999-12-31') AS to_utc "
        "FROM core.identities WHERE person_id IS NOT NULL"
    )
    return state


def _start(day: date | None, zone: str) -> datetime | None:
    return None if day is None else first_instant(day, zone).replace(tzinfo=None)


_ONE_PERSON = """
CREATE OR REPLACE TABLE landing.organization__people AS
WITH named AS (
    SELECT
        people.* REPLACE (
            coalesce(mine.kept, people.person_id) AS person_id,
            coalesce(manager.kept, people.manager_id) AS manager_id
        ),
        mine.kept IS NULL AS is_kept
    FROM landing.organization__people AS people
    LEFT JOIN merged AS mine ON mine.person_id = people.person_id
    LEFT JOIN merged AS manager ON manager.person_id = people.manager_id
),

days AS (
    SELECT DISTINCT
        person_id,
        unnest([coalesce(valid_from, DATE '0001-01-01'), coalesce(valid_to, DATE '9999-12-31')]) AS day
    FROM named
    WHERE person_id IN (SELECT kept FROM merged)
),

pieces AS (
    SELECT person_id, day, lead(day) OVER (PARTITION BY person_id ORDER BY day) AS next_day FROM days
)

SELECT * EXCLUDE (is_kept) FROM named WHERE person_id NOT IN (SELECT kept FROM merged)
UNION ALL BY NAME
SELECT
    named.* EXCLUDE (is_kept) REPLACE (
        nullif(pieces.day, DATE '0001-01-01') AS valid_from,
        nullif(pieces.next_day, DATE '9999-12-31') AS valid_to
    )
FROM pieces
JOIN named
    ON named.person_id = pieces.person_id
    AND coalesce(named.valid_from, DATE '0001-01-01') <= pieces.day
    AND coalesce(named.valid_to, DATE '9999-12-31') >= pieces.next_day
-- Two rows for one day: the one that began later is the change, and of equals the kept id's is right.
QUALIFY row_number() OVER (
    PARTITION BY pieces.person_id, pieces.day
    ORDER BY coalesce(named.valid_from, DATE '0001-01-01') DESC, named.is_kept DESC, named._place
) = 1
"""
_ONE_CALENDAR = """
UPDATE landing.organization__calendar AS calendar
SET applies_to = 'person:' || merged.kept
FROM merged
WHERE calendar.applies_to = 'person:' || merged.person_id
"""


def merge_people(connection: duckdb.DuckDBPyConnection, state: Identities) -> None:
    """Write the kept id of merged people into the organisation's landing tables of this build."""
    if not state.merged:
        return
    rows = [(person, state.kept(person)) for person in sorted(state.merged)]
    frame = pl.DataFrame(rows, schema={"person_id": pl.String, "kept": pl.String}, orient="row")
    connection.register("merged", frame.filter(pl.col("person_id") != pl.col("kept")))
    connection.execute(_ONE_PERSON)
    connection.execute(_ONE_CALENDAR)
    connection.unregister("merged")
