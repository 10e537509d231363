"""Which account could be whose: suggestions with their evidence, for a person to decide.

Here: the three kinds of evidence, and what silences them.
Not here: applying one. Nothing does: a suggestion becomes a binding by ``evenhand identities bind`` alone.

A wrong suggestion that somebody nods through puts a stranger's reviews into a packet. So evidence must point
at exactly one person, and everything that speaks against it silences it. Names are never evidence: people
share them, and other tools have merged strangers by them.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from transforms.identity import Identities

Evidence = Literal["verified e-mail", "SAML identity", "e-mail", "exact login"]

_STRENGTH: Mapping[str, int] = {"verified e-mail": 0, "SAML identity": 1, "e-mail": 2, "exact login": 3}
_BY_ADDRESS: Mapping[str, Evidence] = {
    "verified_email": "verified e-mail",
    "saml": "SAML identity",
    "email": "e-mail",
}
SHORTEST_LOGIN = 3
"""Shorter logins are initials, and belong to somebody else as often as not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Handle:
    """Something a source calls an account: ``kind`` is login, id, email, verified_email or saml."""

    account_id: str
    source: str
    kind: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RosterPerson:
    """What the roster says of a person that can be evidence. ``logins``: (source, login)."""

    person_id: str
    emails: tuple[str, ...] = ()
    logins: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """An account, the one person that evidence points at, and the evidence, the strongest first."""

    account_id: str
    source: str
    person_id: str
    evidence: tuple[tuple[Evidence, str], ...]


@dataclass(slots=True)
class _Pointers:
    """To whom the evidence of one account points, by kind."""

    people: dict[str, list[tuple[Evidence, str]]] = field(default_factory=dict)

    def add(self, person_id: str, kind: Evidence, value: str) -> None:
        found = self.people.setdefault(person_id, [])
        if (kind, value) not in found:
            found.append((kind, value))


def suggestions(
    handles: Iterable[Handle],
    people: Sequence[RosterPerson],
    state: Identities,
    *,
    bots: frozenset[str] = frozenset(),
) -> list[Suggestion]:
    """One suggestion at most for each account that nobody holds, claims or has excluded.

    ``bots`` are ids of accounts that are never anybody's. An account whose evidence points at two people is
    left alone. A login is evidence where it is, but for case, a login of the same person at another source
    (of the roster, or of an account that the journal gives them), no second person has it, and the person has
    no account of this source yet.
    """
    known = list(handles)
    by_address = _by_address(people, state)
    logins = _logins(people, known, state)
    served = _sources_of(state)
    pointers: dict[tuple[str, str], _Pointers] = {}
    for handle in sorted(known, key=lambda one: (one.account_id, one.kind, one.value)):
        if not _is_open(handle.account_id, state) or handle.account_id in bots:
            continue
        found = pointers.setdefault((handle.account_id, handle.source), _Pointers())
        value = handle.value.casefold()
        if (kind := _BY_ADDRESS.get(handle.kind)) is not None:
            for person_id in by_address.get(value, ()):
                found.add(person_id, kind, handle.value)
        elif handle.kind == "login" and len(value) >= SHORTEST_LOGIN:
            for person_id, where in sorted(logins.get(value, ())):
                if where != handle.source:
                    found.add(person_id, "exact login", f"{handle.value}, as at {where}")
    return _without_rivals(
        [
            Suggestion(
                account_id=account_id,
                source=source,
                person_id=person_id,
                evidence=tuple(sorted(evidence, key=lambda one: (_STRENGTH[one[0]], one[1]))),
            )
            for (account_id, source), found in sorted(pointers.items())
            if len(found.people) == 1
            for person_id, evidence in found.people.items()
            if not _is_taken_back(account_id, person_id, state)
            and (_is_strong(evidence) or (person_id, source) not in served)
        ]
    )


def _without_rivals(found: list[Suggestion]) -> list[Suggestion]:
    """Two accounts of one source that only a login gives to one person: neither is suggested."""
    weak = Counter((one.person_id, one.source) for one in found if not _is_strong(one.evidence))
    return [one for one in found if _is_strong(one.evidence) or weak[one.person_id, one.source] == 1]


def _is_strong(evidence: Iterable[tuple[Evidence, str]]) -> bool:
    return any(kind != "exact login" for kind, _ in evidence)


def _is_taken_back(account_id: str, person_id: str, state: Identities) -> bool:
    account = state.accounts.get(account_id)
    return account is not None and person_id in {state.kept(person) for person in account.detached}


def _is_open(account_id: str, state: Identities) -> bool:
    account = state.accounts.get(account_id)
    return account is None or (account.excluded is None and not account.claims)


def _by_address(people: Sequence[RosterPerson], state: Identities) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for person in people:
        for email in person.emails:
            found.setdefault(email.strip().casefold(), set()).add(state.kept(person.person_id))
    return found


def _logins(
    people: Sequence[RosterPerson], handles: Sequence[Handle], state: Identities
) -> dict[str, set[tuple[str, str]]]:
    """Who is known by a login, and where."""
    found: dict[str, set[tuple[str, str]]] = {}
    for person in people:
        for source, login in person.logins:
            found.setdefault(login.strip().casefold(), set()).add((state.kept(person.person_id), source))
    for handle in handles:
        holders = {one.person_id for one in state.stretches(handle.account_id) if one.person_id is not None}
        if handle.kind == "login" and len(holders) == 1:
            found.setdefault(handle.value.casefold(), set()).add((holders.pop(), handle.source))
    return found


def _sources_of(state: Identities) -> set[tuple[str, str]]:
    """Which sources a person has an account of."""
    return {
        (state.kept(claim.person_id), account.source)
        for account in state.accounts.values()
        for claim in account.claims
    }
