"""What GitHub is asked about whose an account is, and what becomes of its answers."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.contract import Page
from connectors.errors import StopScopeError, StopSourceError
from connectors.github.identities import ACCOUNTS_A_REQUEST, read_identities
from connectors.github.records import Account, AccountIdentity, IdentityAccess
from connectors.github.transport import Answer, Json, Operation

NOW = datetime(2026, 3, 3, 2, tzinfo=UTC)


def account(number: int, login: str | None = None, kind: Any = "user") -> Account:
    return Account(account_id=f"github:user/{number}", login=login or f"login-{number}", kind=kind)


@dataclass
class Served:
    """Answers by operation and login; ``errors`` by the same, ``refuses`` everything."""

    users: dict[str, Json] = field(default_factory=dict)
    sign_ons: dict[str, list[Any]] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    refuses: Exception | None = None
    asked: list[Sequence[Operation]] = field(default_factory=list)

    def send(self, operations: Sequence[Operation]) -> Answer:
        self.asked.append(operations)
        if self.refuses is not None:
            raise self.refuses
        errors = [
            {"type": self.errors[operation.name], "operation": place}
            for place, operation in enumerate(operations)
            if operation.name in self.errors
        ]
        data = tuple(None if one.name in self.errors else self._one(one) for one in operations)
        return Answer(data=data, errors=tuple(errors), served_at_utc=NOW, points=1)

    def _one(self, operation: Operation) -> Json:
        login = operation.variables["login"]
        if operation.name == "AccountAddresses":
            return {"user": self.users.get(login)}
        provider = {"externalIdentities": {"nodes": self.sign_ons.get(login, [])}} if self.sign_ons else None
        return {"organization": {"samlIdentityProvider": provider}}


def read(served: Served, *accounts: Account, organizations: Sequence[str] = ("acme",)) -> list[Page]:
    return list(read_identities(served.send, organizations, accounts, requests=1, served_at_utc=NOW))


def found(pages: Sequence[Page], kind: type[Any] = AccountIdentity) -> list[Any]:
    return [record for page in pages for record in page.records if isinstance(record, kind)]


def user(number: int, *emails: str) -> Json:
    return {"databaseId": number, "login": "x", "organizationVerifiedDomainEmails": list(emails)}


def sign_on(number: int | None, **identity: Any) -> Json:
    return {"user": None if number is None else {"databaseId": number}, "samlIdentity": identity or None}


def test_addresses_and_every_name_of_the_sign_on_are_kept() -> None:
    served = Served(
        users={"ann": user(1, "ann@acme.example")},
        sign_ons={"ann": [sign_on(1, nameId="A1", username="ann", emails=[{"value": "ann@acme.example"}])]},
    )
    (one,) = found(read(served, account(1, "ann")))
    assert one.account_id == "github:user/1"
    assert one.verified_emails == ("ann@acme.example",)
    assert one.sign_on_names == ("A1", "ann", "ann@acme.example")
    assert [one.message for one in found(read(served, account(1, "ann")), IdentityAccess)] == [None, None]


def test_a_login_that_is_somebody_elses_by_now_tells_nothing_about_the_account() -> None:
    served = Served(users={"ann": user(9, "new@acme.example")}, sign_ons={"ann": [sign_on(9, nameId="new")]})
    (one,) = found(read(served, account(1, "ann")))
    assert (one.verified_emails, one.sign_on_names) == ((), ())


@pytest.mark.parametrize(
    ("shown", "signed"),
    [
        (None, [None]),
        ({"databaseId": 1}, [sign_on(1)]),
        (user(1), [sign_on(None, nameId="x")]),
        (
            {"databaseId": 1, "organizationVerifiedDomainEmails": "a@b"},
            [sign_on(1, nameId=None, emails=None)],
        ),
        ({"databaseId": 1, "organizationVerifiedDomainEmails": [None, 3, ""]}, ["text"]),
    ],
)
def test_answers_with_holes_tell_nothing_and_stop_nothing(shown: Any, signed: list[Any]) -> None:
    served = Served(users={"ann": shown}, sign_ons={"ann": signed})
    (one,) = found(read(served, account(1, "ann")))
    assert (one.verified_emails, one.sign_on_names) == ((), ())


def test_a_missing_permission_is_said_in_words_and_is_no_gap() -> None:
    served = Served(users={"ann": user(1, "ann@acme.example")}, errors={"AccountSignOn": "FORBIDDEN"})
    pages = read(served, account(1, "ann"))
    assert all(isinstance(page, Page) for page in pages)
    assert found(pages)[0].verified_emails == ("ann@acme.example",)
    by_kind = {one.kind: one.message for one in found(pages, IdentityAccess)}
    assert by_kind["verified_email"] is None
    assert by_kind["saml"] == (
        "organisation acme: SAML identities could not be read. GitHub said FORBIDDEN. Suggestions do "
        "without; they are optional, and need an organisation owner's classic token with read:org, or an "
        "App that may read Members."
    )


def test_accounts_that_an_enterprise_manages_are_said_to_be_so() -> None:
    """Its sign-on is the enterprise's, which the organisation does not tell; that is no error of GitHub's."""

    def told(served: Served, *logins: str) -> str | None:
        pages = read(served, *(account(number, login) for number, login in enumerate(logins, start=1)))
        return {one.kind: one.message for one in found(pages, IdentityAccess)}["saml"]

    message = told(Served(), "ann", "bob_acme")
    assert message is not None
    assert message.startswith("organisation acme: its accounts are managed by an enterprise")
    assert "to the token of an enterprise owner alone" in message
    assert told(Served(), "ann", "bob-acme") is None
    assert told(Served(sign_ons={"bob_acme": [sign_on(1, nameId="bob")]}), "bob_acme") is None


def test_an_account_that_is_gone_is_no_missing_permission() -> None:
    served = Served(errors={"AccountAddresses": "NOT_FOUND"})
    assert {one.message for one in found(read(served, account(1)), IdentityAccess)} == {None}


def test_a_server_that_refuses_the_question_is_said_and_one_that_refuses_the_token_ends_it() -> None:
    pages = read(Served(refuses=StopScopeError("GitHub answered 400.")), account(1))
    assert found(pages) == []
    assert all("GitHub answered 400." in one.message for one in found(pages, IdentityAccess))
    with pytest.raises(StopSourceError):
        read(Served(refuses=StopSourceError("401")), account(1))


def test_one_request_a_night_for_the_first_accounts_and_none_without_any() -> None:
    served = Served()
    pages = read(served, *(account(number) for number in range(200)))
    assert len(served.asked) == 1
    assert [one.account_id for one in found(pages)] == [
        f"github:user/{number}" for number in range(ACCOUNTS_A_REQUEST)
    ]
    nobody = Served()
    assert read(nobody, account(1, kind="bot"), account(2, kind="mannequin")) == []
    assert read(nobody) == read(nobody, account(1), organizations=()) == nobody.asked == []


def test_organisations_share_the_request() -> None:
    served = Served(errors={"AccountSignOn": "FORBIDDEN"})
    pages = read(served, *(account(number) for number in range(200)), organizations=("acme", "other"))
    assert len(served.asked) == 1
    assert len(served.asked[0]) == 2 * ACCOUNTS_A_REQUEST
    assert {one.organization for one in found(pages)} == {"acme", "other"}
    assert len({one.key for one in found(pages)}) == len(found(pages)) == ACCOUNTS_A_REQUEST
    assert sum(one.message is not None for one in found(pages, IdentityAccess)) == 2
