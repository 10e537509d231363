"""The commands ``evenhand identities``: whose accounts are whose, and the journal that decides it.

Here: showing the state, and writing entries after checking what they name.
Not here: what an entry means (``transforms.identity``), where suggestions come from
(``transforms.suggestions``).

An entry is never changed or removed; what was wrong is taken back by another entry. Entries hold from the
next night on, which dates them with the time of its newest load.
"""

import getpass
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packets.completeness import SOURCE_NAMES
from packets.words import counted
from pipelines.commands import print_table, published, settings_from
from pipelines.console import CHECK_FAILED, Clock, Exit, UsageProblemError, note, say
from pipelines.settings import Settings
from transforms.coverage import ENOUGH, Nobodys, nobodys
from transforms.identity import JOURNAL, Account, Identities, known_at, replay
from transforms.suggestions import Handle, RosterPerson, Suggestion, suggestions
from warehouse import journal

if TYPE_CHECKING:
    import duckdb

_STATES = ("claimed", "contested", "unclaimed", "excluded", "bot")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What the commands hold their input against: the whole journal, and the published database.

    ``accounts``: account id to (login, is a bot) as the published database has them.
    """

    settings: Settings
    entries: list[dict[str, Any]]
    state: Identities
    accounts: Mapping[str, tuple[str, bool]]
    people: frozenset[str]

    @property
    def folder(self) -> Path:
        return self.settings.storage_path / "journal"

    @property
    def claimants(self) -> frozenset[str]:
        """Whoever claims an account; after a new personnel number, somebody without a row in the roster."""
        return frozenset(
            claim.person_id for account in self.state.accounts.values() for claim in account.claims
        )


def list_accounts(*, config: Path | None, only: str | None = None, history: bool = False) -> None:
    """Accounts and whose they are; what is not settled; how many cases have a person behind them."""
    if only is not None and only not in _STATES:
        raise UsageProblemError(f"--only {only!r} is not known. Known: {', '.join(_STATES)}.")
    with _known(config) as (known, connection):
        if history:
            _print_history(known.entries)
            return
        rows = connection.execute(_ACCOUNTS).fetchall()
        print_table(
            ["person", "source", "login", "account", "", "claimed by"],
            [
                [*row[:4], row[4].replace("unclaimed", "nobody claims it"), row[5]]
                for row in rows
                if only is None or row[4].split()[0] == only
            ],
        )
        for line in coverage_in_words(connection):
            say(line)
        pending = _pending(known.entries)
        if pending:
            say(f"{pending} {_entries(pending)} of the journal hold from the next `evenhand run` on.")
        contested = known.state.contested()
    for account_id, people in contested.items():
        gone = [person for person in people if person not in known.people]
        here = [person for person in people if person in known.people]
        say(
            f"Contested: {account_id} is claimed by {' and '.join(people)}, so it belongs to nobody. "
            f"Say whose it is not: evenhand identities detach {account_id} "
            f'{gone[0] if gone else "PERSON"} --reason "..."'
        )
        if gone and here:
            say(
                f"  {gone[0]} has no row in the roster. If that was {here[0]} under another id: "
                f'evenhand identities merge {gone[0]} {here[0]} --reason "..."'
            )
    say("A login in people.csv is bound to its account id at first sight; the journal keeps it.")
    if contested:
        raise Exit(CHECK_FAILED)


_ACCOUNTS = """
SELECT
    CASE WHEN accounts.is_claimed THEN accounts.person_id ELSE '' END,
    accounts.source,
    accounts.login,
    accounts.account_id,
    CASE
        WHEN accounts.is_bot THEN 'bot'
        WHEN held.standing = 'contested' THEN 'contested'
        WHEN held.standing = 'excluded' THEN 'excluded'
        WHEN accounts.is_claimed THEN 'claimed' || coalesce(' ' || held.days, '')
        WHEN accounts.person_id <> accounts.account_id
            THEN 'unclaimed (' || accounts.person_id || ' has no row in the roster)'
        ELSE 'unclaimed' || coalesce(' ' || held.days, '')
    END AS standing,
    coalesce(held.claimed_by, '')
FROM core.accounts AS accounts
LEFT JOIN (
    SELECT
        account_id,
        max(standing) FILTER (WHERE standing IN ('contested', 'excluded')) AS standing,
        array_to_string(list_sort(list_distinct(flatten(list(claimed_by)))), ', ') AS claimed_by,
        CASE
            WHEN count(*) > 1 THEN '(' || string_agg(
                coalesce(strftime(valid_from_utc, 'from %Y-%m-%d '), '') || coalesce(person_id, 'nobody'),
                ', '
                ORDER BY valid_from_utc NULLS FIRST
            ) || ')'
        END AS days
    FROM core.identities
    GROUP BY account_id
) AS held ON held.account_id = accounts.account_id
ORDER BY accounts.is_claimed DESC, accounts.is_bot, 1, accounts.source, accounts.account_id
"""

_COVERAGE = """
SELECT
    source,
    sum(cases)::BIGINT,
    sum(claimed)::BIGINT,
    sum(contested)::BIGINT,
    sum(unclaimed)::BIGINT,
    sum(deleted)::BIGINT
FROM ops.identity_coverage
WHERE month_start > (SELECT as_of_utc FROM ops.publication) - INTERVAL 12 MONTH
GROUP BY source
ORDER BY source
"""


def coverage_in_words(connection: "duckdb.DuckDBPyConnection") -> list[str]:
    """A line a source: the share of the last twelve months' cases whose account somebody claims."""
    return [words for words, _ in coverage_lines(connection)]


def coverage_lines(connection: "duckdb.DuckDBPyConnection") -> list[tuple[str, bool]]:
    """The same lines, each with whether it is enough."""
    found = []
    for source, cases, claimed, contested, unclaimed, deleted in connection.execute(_COVERAGE).fetchall():
        rest = [
            f"{number:,} {what}"
            for number, what in (
                (unclaimed, "of accounts that nobody in the roster claims"),
                (contested, "of contested accounts"),
                (deleted, "of deleted accounts"),
            )
            if number
        ]
        is_enough = claimed >= ENOUGH * cases
        text = (
            f"{SOURCE_NAMES.get(source, source)}: {claimed:,} of {cases:,} cases of the last twelve months "
            f"({_percent(claimed, cases)}) belong to somebody in the roster"
        )
        text += f"; {', '.join(rest)}." if rest else "."
        if not is_enough:
            text += f" Below {ENOUGH:.0%}: the figures about persons say so (evenhand identities suggest)."
        found.append((text, is_enough))
    return found


def _percent(part: int, whole: int) -> str:
    """Rounded down: what is just below is not shown as reached."""
    return f"{part * 100 // whole}%"


_A_YEAR_BEFORE = "SELECT as_of_utc - INTERVAL 12 MONTH FROM ops.publication"
_CONTESTED = """
SELECT account_id, array_to_string(list_sort(list_distinct(flatten(list(claimed_by)))), ' and ') AS people
FROM core.identities
WHERE standing = 'contested'
GROUP BY account_id
ORDER BY account_id
"""
_NAMED = 10


def findings(connection: "duckdb.DuckDBPyConnection") -> Iterator[tuple[bool, str]]:
    """What doctor says of identities: whether it is fine, and the words, line by line."""
    for text, is_enough in coverage_lines(connection):
        yield is_enough, f"Identities: {text}"
    ((since_utc,),) = connection.execute(_A_YEAR_BEFORE).fetchall()
    unclaimed = nobodys(connection, since_utc)
    contested = connection.execute(_CONTESTED).fetchall()
    for source in dict.fromkeys(one.source for one in unclaimed):
        for is_asked in (True, False):
            found = [one for one in unclaimed if (one.source, one.is_asked) == (source, is_asked)]
            if found:
                yield not is_asked, _nobody_claims(source, found)
    if not unclaimed and not contested:
        yield True, "Identities: every account with cases belongs to somebody."
    for account_id, people in contested:
        yield (
            False,
            f"Identities: {account_id} is claimed by {people}, so it belongs to nobody "
            f"(evenhand identities detach).",
        )
    for (message,) in connection.execute(_NOT_READ).fetchall():
        yield True, f"Identities: {message}"


def _nobody_claims(source: str, found: Sequence[Nobodys]) -> str:
    """Accounts of one source by name: those that somebody put something to, or those that nobody did."""
    names = [
        f"{one.login} ({one.account_id}"
        + (f"; {one.person_id}, its person, has no row in the roster)" if one.person_id else ")")
        for one in found[:_NAMED]
    ]
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    did = _ASKED[source] if found[0].is_asked else "that opened or reviewed pull requests unasked"
    return (
        f"Identities: nobody in the roster claims {counted(len(found), 'account')} of "
        f"{SOURCE_NAMES.get(source, source)} {did}: {', '.join(names)}{more}. "
        f"Bind or exclude them (evenhand identities), or give their person a row."
    )


_ASKED = {
    "github": "asked for reviews",
    "jira": "that tickets are assigned to",
    "pagerduty": "that incidents were assigned to",
}
_NOT_READ = "SELECT message FROM ops.identity_access ORDER BY source, scope, kind"


def suggest(*, config: Path | None) -> None:
    """Accounts that could be somebody's, with the evidence. Nothing is written."""
    with _known(config) as (known, connection):
        found = _suggestions(known, connection)
        missing = connection.execute(_NOT_READ).fetchall()
    if found:
        print_table(
            ["account", "login", "person", "evidence"],
            [
                [
                    one.account_id,
                    known.accounts.get(one.account_id, (one.account_id, False))[0],
                    one.person_id,
                    "; ".join(f"{kind}: {value}" for kind, value in one.evidence),
                ]
                for one in found
            ],
        )
        first = found[0]
        say(
            "None of this is applied. What is right is bound by you: "
            f'evenhand identities bind {first.account_id} {first.person_id} --reason "..."'
        )
    else:
        say("No suggestion: no account that nobody claims has evidence that points at one person.")
    for (message,) in missing:
        say(f"Not read: {message}")


def bind(
    account: str,
    person: str,
    *,
    reason: str,
    by: str | None,
    valid_from: str | None,
    valid_to: str | None,
    config: Path | None,
) -> None:
    """Give an account to a person, for all of time or from a day until before another."""
    with _known(config) as (known, _):
        account_id = _account(known, account)
        person_id = _person(known, person)
        first, after = _day(valid_from, "--from"), _day(valid_to, "--to")
        if first is not None and after is not None and first >= after:
            raise UsageProblemError(
                f"--from {first} should lie before --to {after} (the first day after). Nothing was written."
            )
        before = known.state.accounts.get(account_id)
        if before is not None and before.excluded is not None:
            raise UsageProblemError(
                f"{account_id} is excluded ({before.excluded}). Nothing was written. Lift that first: "
                f'evenhand identities detach {account_id} --reason "..."'
            )
        if known.accounts.get(account_id, ("", False))[1]:
            raise UsageProblemError(
                f"{account_id} is a bot's, and bots are nobody. Nothing was written. "
                f"If it is not, take it from [people] bots in evenhand.toml first."
            )
        entry = {"action": "bind", "account_id": account_id, "person_id": person_id}
        for name, day in (("valid_from", first), ("valid_to", after)):
            entry |= {name: day.isoformat()} if day is not None else {}
        if before is not None and any(
            (claim.person_id, claim.valid_from, claim.valid_to) == (person_id, first, after)
            for claim in before.claims
        ):
            raise UsageProblemError(f"{account_id} is bound to {person_id} already. Nothing was written.")
        state = _write(known, entry, reason, by)
    span = "".join([f" from {first}" if first else "", f" until before {after}" if after else ""])
    say(f"Written: {account_id} is bound to {person_id}{span}. {_HOLDS}")
    _say_contested(state, account_id)


def merge(person: str, into: str, *, reason: str, by: str | None, config: Path | None) -> None:
    """Two ids of the roster are one person; the second is kept."""
    with _known(config) as (known, _):
        person_id, kept = _person(known, person, known.claimants), _person(known, into)
        if known.state.kept(kept) == known.state.kept(person_id):
            raise UsageProblemError(f"{person_id} and {kept} are one person already. Nothing was written.")
        if person_id in known.state.merged:
            raise UsageProblemError(
                f"{person_id} is merged into {known.state.merged[person_id]} already. Nothing was written."
            )
        _write(known, {"action": "merge", "person_id": person_id, "into": kept}, reason, by)
    say(f"Written: {person_id} and {kept} are one person, kept as {kept}. {_HOLDS}")
    say(f'Taken back by: evenhand identities detach {person_id} --reason "..."')


def detach(
    account_or_person: str, person: str | None, *, reason: str, by: str | None, config: Path | None
) -> None:
    """Take back a claim, an exclusion or a merge."""
    with _known(config) as (known, _):
        if person is None and account_or_person in known.state.merged:
            kept = known.state.merged[account_or_person]
            _write(known, {"action": "detach", "person_id": account_or_person}, reason, by)
            say(f"Written: {account_or_person} and {kept} are two people again. {_HOLDS}")
            return
        account_id = _account(known, account_or_person)
        before = known.state.accounts.get(account_id)
        claims = _claimants(known.state, before)
        is_excluded = before is not None and before.excluded is not None
        if person is not None and person not in claims:
            claimed = f"Claimed by: {', '.join(claims)}." if claims else "Nobody claims it."
            raise UsageProblemError(f"{person} does not claim {account_id}. {claimed} Nothing was written.")
        if not claims and not is_excluded:
            raise UsageProblemError(
                f"{account_id} is nobody's and not excluded, so there is nothing to take back. "
                f"Nothing was written."
            )
        entry = {"action": "detach", "account_id": account_id}
        state = _write(known, entry | ({"person_id": person} if person is not None else {}), reason, by)
    left = _claimants(state, state.accounts[account_id])
    taken = "is no longer excluded" if is_excluded else f"is detached from {person or ', '.join(claims)}"
    whose = f"; it is {left[0]}'s now" if len(left) == 1 else "; it is nobody's now" if not left else ""
    say(f"Written: {account_id} {taken}{whose}. {_HOLDS}")
    _say_contested(state, account_id)


def exclude(account: str, *, reason: str, by: str | None, config: Path | None) -> None:
    """An account is nobody's in the roster, whatever claims it, and is not asked about again."""
    with _known(config) as (known, _):
        account_id = _account(known, account)
        before = known.state.accounts.get(account_id)
        if before is not None and before.excluded is not None:
            raise UsageProblemError(
                f"{account_id} is excluded already ({before.excluded}). Nothing was written."
            )
        claims = _claimants(known.state, before)
        _write(known, {"action": "exclude", "account_id": account_id}, reason, by)
    taken = f" and detached from {', '.join(claims)}" if claims else ""
    say(f"Written: {account_id} is excluded{taken}. {_HOLDS}")
    say(f'Taken back by: evenhand identities detach {account_id} --reason "..."')


_HOLDS = "It holds from the next `evenhand run` on; a rebuild of a day before that does not know it."


# ------------------------------------------------------------------------------------- shared


@contextmanager
def _known(config: Path | None) -> "Iterator[tuple[_Known, duckdb.DuckDBPyConnection]]":
    settings = settings_from(config)
    entries = journal.entries(settings.storage_path / "journal", JOURNAL)
    state = replay(entries)
    with published(settings) as connection:
        accounts = connection.execute("SELECT account_id, login, is_bot FROM core.accounts").fetchall()
        people = connection.execute("SELECT person_id FROM core.people WHERE is_rostered").fetchall()
        yield (
            _Known(
                settings=settings,
                entries=entries,
                state=state,
                accounts={account_id: (login, is_bot) for account_id, login, is_bot in accounts},
                people=frozenset(person_id for (person_id,) in people) | frozenset(state.merged),
            ),
            connection,
        )


def _account(known: _Known, text: str) -> str:
    """The id of an account, given as its id or as a login that only one account has."""
    text = text.strip()
    if text in known.accounts or text in known.state.accounts:
        return text
    source, colon, login = text.partition(":")
    wanted = login if colon else text
    found = sorted(
        account_id
        for account_id, (name, _) in known.accounts.items()
        if name.casefold() == wanted.casefold() and (not colon or account_id.startswith(f"{source}:"))
    )
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageProblemError(
            f"Several accounts are called {text!r}: {', '.join(found)}. Nothing was written. "
            f"Name one by its id."
        )
    raise UsageProblemError(
        f"No account {text!r}. Nothing was written. Wanted: an id such as github:user/123, or a login; "
        f"`evenhand identities list` shows both."
    )


def _person(known: _Known, text: str, also: Collection[str] = ()) -> str:
    """The roster id of a person, or one of ``also``. Logins and names are not taken: who is meant must be
    beyond doubt."""
    text = text.strip()
    if text in known.people or text in also:
        return text
    from difflib import get_close_matches

    near = get_close_matches(text, sorted(known.people), n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    raise UsageProblemError(
        f"No person {text!r} in the roster.{hint} Nothing was written. Wanted: an id of people.csv; "
        f"somebody new is known after the next `evenhand run`."
    )


def _day(text: str | None, option: str) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageProblemError(
            f"{option} {text!r} is not a date. Wanted: 2026-05-01. Nothing was written."
        ) from None


def _write(known: _Known, entry: Mapping[str, Any], reason: str, by: str | None) -> Identities:
    """Append the entry, and give the state with it. When it was written is for people to read alone."""
    if not reason.strip():
        raise UsageProblemError("--reason is empty. Say why; it is kept. Nothing was written.")
    account_id = entry.get("account_id")
    whole = {
        **entry,
        **({"source": account_id.partition(":")[0]} if account_id is not None else {}),
        "by": (by or getpass.getuser()).strip(),
        "reason": reason.strip(),
        "written_at_utc": Clock.now_utc().isoformat(timespec="seconds"),
    }
    state = replay([*known.entries, whole])
    journal.append(known.folder, JOURNAL, [whole])
    return state


def _claimants(state: Identities, account: Account | None) -> list[str]:
    claims = account.claims if account is not None else []
    return sorted({state.kept(claim.person_id) for claim in claims})


def _say_contested(state: Identities, account_id: str) -> None:
    people = state.contested().get(account_id)
    if people:
        note(
            f"{account_id} is contested: {' and '.join(people)} claim it, so it belongs to nobody until "
            f"one of them is detached, or their claims are dated with --from and --to."
        )
        raise Exit(CHECK_FAILED)


def _suggestions(known: _Known, connection: "duckdb.DuckDBPyConnection") -> list[Suggestion]:
    handles = connection.execute(
        "SELECT account_id, source, kind, value FROM ops.account_handles ORDER BY ALL"
    ).fetchall()
    people = connection.execute(
        "SELECT person_id, email FROM core.people WHERE is_rostered AND NOT is_bot ORDER BY person_id"
    ).fetchall()
    logins: dict[str, list[tuple[str, str]]] = {}
    for entry in known.entries:  # the roster's own, as a night bound them
        if entry.get("action") == "bind" and entry.get("login"):
            found = logins.setdefault(entry["person_id"], [])
            found.append((entry.get("source", "github"), entry["login"]))
    return suggestions(
        [
            Handle(account_id=account_id, source=source, kind=kind, value=value)
            for account_id, source, kind, value in handles
        ],
        [
            RosterPerson(
                person_id=person_id,
                emails=(email,) if email else (),
                logins=tuple(logins.get(person_id, ())),
            )
            for person_id, email in people
        ],
        known.state,
        bots=frozenset(account_id for account_id, (_, is_bot) in known.accounts.items() if is_bot),
    )


def _pending(entries: Sequence[Mapping[str, Any]]) -> int:
    return sum(known is None for known in known_at(entries))


def _entries(number: int) -> str:
    return "entry" if number == 1 else "entries"


def _print_history(entries: Sequence[Mapping[str, Any]]) -> None:
    if not entries:
        say("The journal is empty.")
        return
    print_table(
        ["known at (UTC)", "action", "account", "person", "days", "by", "reason"],
        [
            [
                f"{known:%Y-%m-%d %H:%M}" if known is not None else "next run",
                str(entry.get("action", "")),
                str(entry.get("account_id", "")),
                str(entry.get("person_id", "")) + (f" -> {entry['into']}" if "into" in entry else ""),
                " to ".join(str(entry.get(name) or "") for name in ("valid_from", "valid_to")).strip()
                if entry.get("valid_from") or entry.get("valid_to")
                else "",
                str(entry.get("by", "")),
                str(entry.get("reason") or entry.get("evidence") or ""),
            ]
            for entry, known in zip(entries, known_at(entries), strict=True)
            if entry.get("action") != "known"
        ],
    )
