"""What GitHub can say about whose an account is: verified addresses and the organisation's sign-on.

Here: asking for the accounts that nobody claims, a few requests a run, and what may not be read in words.
Not here: the walk over pull requests (``client``), or what is made of the answers (transforms).

Both are optional: a token that may not read them costs suggestions and nothing else. So a refusal is no gap
of a load, but a record of its own. Accounts that somebody claims are not asked about: their addresses are
nobody's business.
"""

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from connectors.contract import Page
from connectors.errors import StopScopeError
from connectors.github.records import Account, AccountIdentity, IdentityAccess, IdentityKind
from connectors.github.transport import Answer, Json, Operation, Send, error_kinds

SCOPE = "github:identities"
ACCOUNTS_A_REQUEST = 50
"""Asked about by one organisation; several organisations share a request."""

_NEEDS: Mapping[IdentityKind, tuple[str, str]] = {
    "verified_email": (
        "verified e-mail addresses",
        "a classic token with read:org and user:email, or an App or fine-grained token that may read Members",
    ),
    "saml": (
        "SAML identities",
        "an organisation owner's classic token with read:org, or an App that may read Members",
    ),
}


def read_identities(
    send: Send,
    organizations: Sequence[str],
    accounts: Sequence[Account],
    *,
    requests: int,
    served_at_utc: datetime,
) -> Iterator[Page]:
    """A page a request. What the requests do not reach of the accounts is for another run."""
    people = [account for account in accounts if account.kind == "user"]
    size = max(1, ACCOUNTS_A_REQUEST // max(1, len(organizations)))
    for start in range(0, min(len(people), requests * size) if organizations else 0, size):
        pairs = [(login, one) for login in organizations for one in people[start : start + size]]
        try:
            yield _asked(send, pairs)
        except StopScopeError as reason:  # also an older server that knows neither field
            refused = [_refused(login, kind, str(reason)) for login in organizations for kind in _NEEDS]
            yield Page(scope=SCOPE, served_at_utc=served_at_utc, records=tuple(refused))
            return


def _asked(send: Send, pairs: Sequence[tuple[str, Account]]) -> Page:
    operations = [
        Operation(name=name, variables={"login": account.login, "organization": login})
        for name in ("AccountAddresses", "AccountSignOn")
        for login, account in pairs
    ]
    answer = send(operations)
    found = [
        AccountIdentity(
            answer_id=f"{account.account_id} {login}",
            account_id=account.account_id,
            organization=login,
            verified_emails=_verified(shown, account),
            sign_on_names=_sign_on(sign_on, account),
        )
        for (login, account), shown, sign_on in zip(
            pairs, answer.data[: len(pairs)], answer.data[len(pairs) :], strict=True
        )
    ]
    access = [
        _access(login, kind, answer, {first + place for place, (one, _) in enumerate(pairs) if one == login})
        for login in dict.fromkeys(login for login, _ in pairs)
        for kind, first in zip(_NEEDS, (0, len(pairs)), strict=True)
    ]
    access = [
        replace(one, message=_of_enterprise(one.organization))
        if one.kind == "saml" and one.message is None and _is_of_enterprise(one.organization, pairs, answer)
        else one
        for one in access
    ]
    return Page(scope=SCOPE, served_at_utc=answer.served_at_utc, records=(*found, *access))


def _access(organization: str, kind: IdentityKind, answer: Answer, places: Container[int]) -> IdentityAccess:
    errors = [error for error in answer.errors if error.get("operation") in places]
    kinds = sorted(error_kinds(errors) - {"NOT_FOUND"})  # an account that is gone by now
    if not kinds:
        return IdentityAccess(
            access_id=f"{organization} {kind}", organization=organization, kind=kind, message=None
        )
    return _refused(organization, kind, f"GitHub said {', '.join(kinds)}.")


def _is_of_enterprise(organization: str, pairs: Sequence[tuple[str, Account]], answer: Answer) -> bool:
    """Whether accounts are managed by an enterprise whose sign-on the organisation does not tell.

    Only such logins have an underscore (``ann_acme``): no other account of GitHub may.
    """
    own = [place for place, (login, _) in enumerate(pairs, start=len(pairs)) if login == organization]
    organizations = [(answer.data[place] or {}).get("organization") for place in own]
    return any("_" in one.login for login, one in pairs if login == organization) and not any(
        isinstance(shown, Mapping) and shown.get("samlIdentityProvider") is not None
        for shown in organizations
    )


def _of_enterprise(organization: str) -> str:
    return (
        f"organisation {organization}: its accounts are managed by an enterprise, and it has no sign-on "
        "of its own. GitHub tells an enterprise's SAML identities to the token of an enterprise owner "
        "alone, and they are not asked for. Suggestions do without; name such accounts in people.csv with "
        "their suffix, as in ann_acme."
    )


def _refused(organization: str, kind: IdentityKind, reason: str) -> IdentityAccess:
    what, needed = _NEEDS[kind]
    return IdentityAccess(
        access_id=f"{organization} {kind}",
        organization=organization,
        kind=kind,
        message=f"organisation {organization}: {what} could not be read. {reason} "
        f"Suggestions do without; they are optional, and need {needed}.",
    )


def _verified(shown: Json | None, account: Account) -> tuple[str, ...]:
    """The addresses; none where the login is somebody else's by now."""
    user = (shown or {}).get("user")
    if not isinstance(user, Mapping) or not _is(user, account):
        return ()
    return _texts(user.get("organizationVerifiedDomainEmails"))


def _sign_on(shown: Json | None, account: Account) -> tuple[str, ...]:
    """Every name that the sign-on gives the account: NameID, user name and addresses."""
    names: list[Any] = []
    for node in _nodes(shown):
        identity = node.get("samlIdentity")
        if not isinstance(identity, Mapping) or not _is(node.get("user"), account):
            continue
        emails = identity.get("emails")
        names += [identity.get("nameId"), identity.get("username")]
        names += [one.get("value") for one in emails if isinstance(one, Mapping)] if emails else []
    return _texts(names)


def _nodes(shown: Json | None) -> Iterator[Mapping[str, Any]]:
    value: Any = shown
    for name in ("organization", "samlIdentityProvider", "externalIdentities", "nodes"):
        value = value.get(name) if isinstance(value, Mapping) else None
    for node in value if isinstance(value, list) else ():
        if isinstance(node, Mapping):
            yield node


def _is(user: Any, account: Account) -> bool:
    number = user.get("databaseId") if isinstance(user, Mapping) else None
    return account.account_id == f"github:user/{number}"


def _texts(values: Any) -> tuple[str, ...]:
    listed = values if isinstance(values, list) else []
    return tuple(sorted({value for value in listed if isinstance(value, str) and value}))
