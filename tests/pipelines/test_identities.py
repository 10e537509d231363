"""``evenhand identities``: what the commands show, refuse and write, and the way from a night to the next."""

import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pipelines import identities, nightly
from pipelines.console import Exit, UsageProblemError
from pipelines.known import KnownToGitHub, known_to_github
from pipelines.nightly import Night
from pipelines.settings import Settings
from tests.transforms.landed import Landed, account, pull, repository, review
from tests.transforms.landed import person as roster_row
from transforms.identity import JOURNAL
from warehouse import journal
from warehouse.connection import connect, connect_reading
from warehouse.landing import Landing
from warehouse.publish import FULL


@dataclass(frozen=True)
class Cast:
    """Who is in the demo: an account that nobody claims, two people with a login each, and a bot."""

    contractor: str
    number: str
    ann: str
    ann_login: str
    bob: str
    bot: str


@pytest.fixture(scope="module")
def cast(demo: Path) -> Cast:
    with connect_reading(demo / "published" / FULL) as connection:
        query = "SELECT login, account_id, person_id FROM core.accounts WHERE {} ORDER BY account_id"
        (nobodys, *_) = connection.execute(query.format("NOT is_claimed AND NOT is_bot")).fetchall()
        (ann, bob, *_) = connection.execute(query.format("is_claimed")).fetchall()
        (bot, *_) = connection.execute(query.format("is_bot")).fetchall()
    return Cast(
        contractor=nobodys[0],
        number=nobodys[1],
        ann=ann[2],
        ann_login=ann[0],
        bob=bob[2],
        bot=bot[0],
    )


@pytest.fixture
def config(demo: Path, tmp_path: Path) -> Path:
    """The demo's published database with a journal of its own."""
    for folder in ("published", "journal"):
        shutil.copytree(demo / folder, tmp_path / folder, symlinks=True)
    shutil.copy(demo / "evenhand.toml", tmp_path)
    return tmp_path / "evenhand.toml"


def entries(config: Path) -> list[dict[str, Any]]:
    return journal.entries(config.parent / "journal", JOURNAL)


def bind(config: Path, who: str, person: str, **more: Any) -> None:
    given = {"reason": "asked her", "by": None, "valid_from": None, "valid_to": None} | more
    identities.bind(who, person, config=config, **given)


def detach(config: Path, what: str, person: str | None = None) -> None:
    identities.detach(what, person, reason="a mistake", by="ops", config=config)


def test_a_binding_is_written_with_who_and_why_and_without_a_time_that_decides(
    config: Path, cast: Cast, capsys: pytest.CaptureFixture[str]
) -> None:
    before = entries(config)
    bind(config, cast.contractor.upper(), cast.ann, by="ops", valid_from="2026-05-01")
    *rest, new = entries(config)
    assert rest == before
    assert new.pop("written_at_utc")
    assert new == {
        "action": "bind",
        "source": "github",
        "account_id": cast.number,
        "person_id": cast.ann,
        "valid_from": "2026-05-01",
        "by": "ops",
        "reason": "asked her",
    }
    assert f"Written: {cast.number} is bound to {cast.ann} from 2026-05-01." in capsys.readouterr().out
    identities.list_accounts(config=config)
    assert "1 entry of the journal hold from the next `evenhand run` on." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"who": "nobody-here"}, "No account 'nobody-here'"),
        ({"person": "{ann}x"}, "No person '{ann}x' in the roster. Did you mean {ann}?"),
        ({"person": "{ann_login}"}, "No person '{ann_login}'"),
        ({"who": "{bot}"}, "is a bot's"),
        ({"who": "{ann_login}"}, "is bound to {ann} already"),
        ({"reason": " "}, "--reason is empty"),
        ({"valid_from": "May"}, "--from 'May' is not a date"),
        ({"valid_from": "2026-05-02", "valid_to": "2026-05-02"}, "--from 2026-05-02 should lie before --to"),
    ],
)
def test_what_cannot_be_bound_is_refused_and_nothing_is_written(
    config: Path, cast: Cast, given: dict[str, Any], said: str
) -> None:
    before = entries(config)
    names = asdict(cast)
    named = {"who": cast.number, "person": cast.ann} | {
        key: value.format(**names) for key, value in given.items()
    }
    with pytest.raises(UsageProblemError) as refused:
        bind(config, **named)
    assert said.format(**names) in str(refused.value)
    assert "Nothing was written" in str(refused.value)
    assert entries(config) == before


def test_a_second_claim_makes_it_contested_until_one_is_taken_back(
    config: Path, cast: Cast, capsys: pytest.CaptureFixture[str]
) -> None:
    bind(config, cast.number, cast.ann)
    with pytest.raises(Exit) as ended:
        bind(config, cast.number, cast.bob)
    assert ended.value.code == 3
    both = " and ".join(sorted((cast.ann, cast.bob)))
    assert f"{both} claim it" in capsys.readouterr().err
    with pytest.raises(Exit):
        identities.list_accounts(config=config)
    assert f"Contested: {cast.number} is claimed by {both}" in capsys.readouterr().out
    detach(config, cast.number, cast.ann)
    assert f"is detached from {cast.ann}; it is {cast.bob}'s now" in capsys.readouterr().out
    with pytest.raises(UsageProblemError, match="does not claim"):
        detach(config, cast.number, cast.ann)


def test_an_exclusion_is_taken_back_before_anything_else(
    config: Path, cast: Cast, capsys: pytest.CaptureFixture[str]
) -> None:
    identities.exclude(cast.contractor, reason="a customer's", by=None, config=config)
    with pytest.raises(UsageProblemError, match="is excluded already"):
        identities.exclude(cast.number, reason="again", by=None, config=config)
    with pytest.raises(UsageProblemError, match=r"is excluded \(a customer's\)\. Nothing was written\."):
        bind(config, cast.number, cast.ann)
    detach(config, cast.number)
    assert "is no longer excluded; it is nobody's now" in capsys.readouterr().out
    with pytest.raises(UsageProblemError, match="there is nothing to take back"):
        detach(config, cast.number)


def test_people_are_merged_once_and_parted_again(
    config: Path, cast: Cast, capsys: pytest.CaptureFixture[str]
) -> None:
    def join(person: str, into: str) -> None:
        identities.merge(person, into, reason="came back", by=None, config=config)

    join(cast.ann, cast.bob)
    assert f"are one person, kept as {cast.bob}" in capsys.readouterr().out
    for pair in ((cast.ann, cast.bob), (cast.bob, cast.ann), (cast.ann, cast.ann)):
        with pytest.raises(UsageProblemError, match="one person already"):
            join(*pair)
    detach(config, cast.ann)
    assert "are two people again" in capsys.readouterr().out


def test_an_id_that_has_no_row_any_more_is_merged_into_the_new_one(
    config: Path, cast: Cast, capsys: pytest.CaptureFixture[str]
) -> None:
    """A new personnel number: the journal gives the account to the old id, the roster to the new one."""
    (account_id,) = {one["account_id"] for one in entries(config) if one.get("login") == cast.ann_login}
    old = {"action": "bind", "account_id": account_id, "person_id": "E-77", "source": "github"}
    journal.append(config.parent / "journal", JOURNAL, [old])
    with pytest.raises(Exit):
        identities.list_accounts(config=config)
    told = capsys.readouterr().out
    assert f"evenhand identities detach {account_id} E-77" in told
    assert f"If that was {cast.ann} under another id: evenhand identities merge E-77 {cast.ann}" in told
    with pytest.raises(UsageProblemError, match="No person 'E-77' in the roster"):
        identities.merge(cast.ann, "E-77", reason="x", by=None, config=config)
    identities.merge("E-77", cast.ann, reason="a new number", by=None, config=config)
    assert f"E-77 and {cast.ann} are one person, kept as {cast.ann}" in capsys.readouterr().out
    identities.list_accounts(config=config, only="contested")
    assert "Contested:" not in capsys.readouterr().out


def test_the_history_tells_every_entry_and_when_it_was_known(
    config: Path, cast: Cast, capsys: pytest.CaptureFixture[str]
) -> None:
    bind(config, cast.number, cast.ann)
    identities.list_accounts(config=config, history=True)
    shown = capsys.readouterr().out
    assert "next run" in shown
    assert "asked her" in shown
    assert "login in the roster" in shown


@pytest.mark.parametrize("only", ["claimed", "unclaimed", "bot", "contested"])
def test_the_list_can_be_of_one_kind(
    config: Path, cast: Cast, only: str, capsys: pytest.CaptureFixture[str]
) -> None:
    identities.list_accounts(config=config, only=only)
    shown = capsys.readouterr().out
    assert (cast.ann_login in shown) is (only == "claimed")
    assert (cast.contractor in shown) is (only == "unclaimed")
    assert (cast.bot in shown) is (only == "bot")


def test_a_kind_that_is_none_is_refused(config: Path) -> None:
    with pytest.raises(UsageProblemError, match="Known: claimed, contested"):
        identities.list_accounts(config=config, only="mine")


# --- from a night to the next ---


@pytest.fixture
def night(tmp_path: Path) -> Callable[..., Night]:
    settings = Settings.model_validate(
        {"organization": {"name": "acme", "reporting_timezone": "UTC"}, "folder": tmp_path}
    )
    return lambda **more: Night(settings=settings, environment={}, **more)


def holders(night: Night) -> dict[str, str]:
    nightly.build_core(night)
    with connect(night.working_path) as connection:
        return dict(connection.execute("SELECT login, person_id FROM core.accounts").fetchall())


def test_what_is_written_between_two_nights_is_known_by_the_second_and_not_by_the_first(
    tmp_path: Path, night: Callable[..., Night]
) -> None:
    landed = Landed(folder=tmp_path / "var" / "landing")
    landed.organization("2026-03-03", roster_row("ann", "ann"), roster_row("bob"))
    page = [repository(), account(1, "ann"), account(2, "helper"), pull(), review(1, 2, "2026-03-02 11:00")]
    landed.github("2026-03-03", page)
    assert holders(night()) == {"ann": "ann", "helper": "github:user/2"}
    entry = {"action": "bind", "account_id": "github:user/2", "person_id": "bob", "reason": "asked"}
    journal.append(tmp_path / "var" / "journal", JOURNAL, [entry])
    landed.github("2026-03-04", page)
    first = datetime(2026, 3, 3, tzinfo=UTC)
    assert holders(night(as_of_utc=first)) == {"ann": "ann", "helper": "github:user/2"}
    assert holders(night()) == {"ann": "ann", "helper": "bob"}
    written = journal.entries(tmp_path / "var" / "journal", JOURNAL)
    assert written[-1] == {"action": "known", "known_at_utc": "2026-03-04T00:00:00+00:00"}
    assert holders(night()) == {"ann": "ann", "helper": "bob"}
    assert journal.entries(tmp_path / "var" / "journal", JOURNAL) == written
    assert holders(night(as_of_utc=first)) == {"ann": "ann", "helper": "github:user/2"}
    shutil.rmtree(tmp_path / "var" / "work")
    assert holders(night()) == {"ann": "ann", "helper": "bob"}


def test_github_is_asked_about_accounts_that_nobody_claims_the_longest_unasked_first(tmp_path: Path) -> None:
    from connectors.github.records import AccountIdentity

    def asked(number: int) -> AccountIdentity:
        return AccountIdentity(
            answer_id=str(number),
            account_id=f"github:user/{number}",
            organization="acme",
            verified_emails=(),
            sign_on_names=(),
        )

    landed = Landed(folder=tmp_path)
    landed.github("2026-03-01", [*(account(number, f"x{number}") for number in range(1, 6)), asked(2)])
    landed.github("2026-03-08", [asked(3)])
    entries = [
        {"action": "bind", "account_id": "github:user/4", "person_id": "ann"},
        {"action": "exclude", "account_id": "github:user/5", "reason": "x"},
    ]
    now_utc = datetime(2026, 3, 9, tzinfo=UTC)
    found = known_to_github(Landing(tmp_path).manifests(), entries, now_utc, reads="all")
    settled, others = found.not_asked, found.unclaimed
    assert settled == {"github:user/3", "github:user/4", "github:user/5"}
    assert [one.login for one in others] == ["x1", "x2"]
    assert known_to_github([], [], now_utc, reads="all") == KnownToGitHub()
