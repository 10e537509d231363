"""A source that breaks one promise is caught, promise by promise: what is never broken is tried on nobody.

Here: a small good source, and one made bad in one way for each promise. Not here: the promises
(``test_every_source``), the sources that keep them.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, timezone
from itertools import count
from pathlib import Path
from typing import Any, ClassVar

import pytest

from connectors.contract import Gap, Page, RejectedRecord, Usage
from tests.connectors import test_every_source as promises

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
SCOPE = "toy:1"


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequest:
    stream: ClassVar[str] = "pull_requests"
    pull_request_id: str = "toy:1/pull/1"
    author_account_id: str | None = "toy:user/1"
    created_at_utc: datetime = NOW - timedelta(days=1)
    size: int = 1

    @property
    def key(self) -> str:
        return self.pull_request_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    stream: ClassVar[str] = "reviews"
    review_id: str = "toy:review/1"
    pull_request_id: str = "toy:1/pull/1"

    @property
    def key(self) -> str:
        return self.review_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    stream: ClassVar[str] = "accounts"
    account_id: str = "toy:user/1"

    @property
    def key(self) -> str:
        return self.account_id


@dataclass(slots=True, kw_only=True)
class Changeable:
    """No frozen dataclass."""

    stream: ClassVar[str] = "changeable"
    key: str = "toy:1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unkeepable:
    """A field that no column can hold."""

    stream: ClassVar[str] = "unkeepable"
    key: str = "toy:1"
    said: dict[str, str] = field(default_factory=dict)


REJECT = RejectedRecord(
    stream="reviews",
    scope=SCOPE,
    ref="toy #1",
    field="state",
    problem="unknown_value",
    message="A state was wanted, found another. Left out; the others are kept.",
)
PAGE = Page(scope=SCOPE, served_at_utc=NOW, records=(PullRequest(), Review(), Account()), rejected=(REJECT,))
GAP = Gap(scope=SCOPE, message="The rest of it could not be read.")


@dataclass(kw_only=True)
class Toy:
    given: Callable[[], list[Page | Gap]] = lambda: [PAGE, GAP]
    times: Iterator[datetime] | None = None
    name: str = "toy"
    reads: str = "all"
    usage: Usage = field(default_factory=Usage)

    def server_time(self) -> datetime:
        return NOW if self.times is None else next(self.times)

    def pages(self) -> Iterator[Page | Gap]:
        yield from self.given()


def with_records(*records: Any) -> Callable[[], Toy]:
    return lambda: Toy(given=lambda: [replace(PAGE, records=records), GAP])


def with_reject(**changed: Any) -> Callable[[], Toy]:
    return lambda: Toy(given=lambda: [replace(PAGE, rejected=(replace(REJECT, **changed),)), GAP])


def once() -> Toy:
    left = iter([PAGE, GAP])
    return Toy(given=lambda: list(left))


NUMBERS = count(1)
GOOD_TYPES = (PullRequest, Review, Account)
BAD: list[tuple[str, Callable[[], Toy], Callable[..., None]]] = [
    (
        "one key twice",
        with_records(PullRequest(), PullRequest(size=2), Account()),
        promises.test_keys_are_unique_within_a_page,
    ),
    (
        "an empty key",
        with_records(Account(account_id="")),
        promises.test_keys_are_text_and_streams_are_of_the_source,
    ),
    (
        "a number as key",
        with_records(Account(account_id=1)),  # type: ignore[arg-type]
        promises.test_keys_are_text_and_streams_are_of_the_source,
    ),
    (
        "records it did not name",
        with_records(replace(REJECT)),
        promises.test_keys_are_text_and_streams_are_of_the_source,
    ),
    (
        "text where a number was said",
        with_records(PullRequest(size="1"), Account()),  # type: ignore[arg-type]
        promises.test_records_are_what_their_types_say,
    ),
    (
        "nothing where something was said",
        with_records(Account(account_id=None)),  # type: ignore[arg-type]
        promises.test_records_are_what_their_types_say,
    ),
    ("a record that can be changed", with_records(Changeable()), promises.test_records_cannot_be_changed),
    (
        "a naive time",
        with_records(PullRequest(created_at_utc=datetime(2026, 3, 1)), Account()),  # noqa: DTZ001
        promises.test_times_are_aware_and_utc,
    ),
    (
        "a time of another zone",
        with_records(
            PullRequest(created_at_utc=datetime(2026, 3, 1, tzinfo=timezone(timedelta(hours=1)))), Account()
        ),
        promises.test_times_are_aware_and_utc,
    ),
    (
        "a time that is still to come",
        with_records(PullRequest(created_at_utc=NOW + timedelta(seconds=1)), Account()),
        promises.test_no_time_is_later_than_the_servers_own,
    ),
    (
        "a page of nowhere",
        lambda: Toy(given=lambda: [replace(PAGE, scope="")]),
        promises.test_pages_and_what_was_rejected_carry_their_scope,
    ),
    (
        "a gap of nowhere",
        lambda: Toy(given=lambda: [replace(GAP, scope="")]),
        promises.test_pages_and_what_was_rejected_carry_their_scope,
    ),
    (
        "a reject of elsewhere",
        with_reject(scope="toy:2"),
        promises.test_pages_and_what_was_rejected_carry_their_scope,
    ),
    (
        "a child without its parent",
        with_records(Review()),
        promises.test_a_page_is_a_parent_with_all_below_it,
    ),
    (
        "an account it does not tell",
        with_records(PullRequest()),
        promises.test_accounts_that_are_named_come_on_the_same_page,
    ),
    (
        "something else each time",
        lambda: Toy(given=lambda: [Gap(scope=SCOPE, message=f"Gap {next(NUMBERS)}.")]),
        promises.test_reading_again_gives_the_same,
    ),
    ("nothing the second time", once, promises.test_one_source_can_be_read_twice),
    (
        "a time that moves",
        lambda: Toy(times=(NOW - timedelta(days=n) for n in count())),
        promises.test_the_servers_time_is_known_before_the_first_page,
    ),
    (
        "a page from before it began",
        lambda: Toy(given=lambda: [replace(PAGE, served_at_utc=NOW - timedelta(seconds=1), records=())]),
        promises.test_the_servers_time_is_known_before_the_first_page,
    ),
    (
        "a secret in a gap",
        lambda: Toy(given=lambda: [Gap(scope=SCOPE, message=f"Refused {promises.SECRET}.")]),
        promises.test_no_text_about_a_source_holds_a_secret_or_an_address,
    ),
    (
        "an address in what was rejected",
        with_reject(ref=promises.ADDRESS),
        promises.test_no_text_about_a_source_holds_a_secret_or_an_address,
    ),
    (
        "no word of the rest",
        with_reject(message="A state was wanted."),
        promises.test_every_message_says_what_became_of_the_rest,
    ),
    (
        "no place",
        with_reject(ref=""),
        promises.test_every_message_says_what_became_of_the_rest,
    ),
    (
        "what no column can hold",
        with_records(Unkeepable(said={"a": "b"})),
        promises.test_what_a_source_gives_can_be_landed,
    ),
]


def case_of(make: Callable[[], Toy], *types: type[Any]) -> promises.Case:
    return promises.Case(name="toy", make=lambda _: make(), record_types=types)


def test_a_good_source_keeps_every_promise(tmp_path: Path) -> None:
    for promise in promises.PROMISES:
        promises.keep(promise, case_of(Toy, *GOOD_TYPES), tmp_path / promise.__name__)


@pytest.mark.parametrize(("make", "promise"), [bad[1:] for bad in BAD], ids=[bad[0] for bad in BAD])
def test_a_bad_one_is_caught(tmp_path: Path, make: Callable[[], Toy], promise: Callable[..., None]) -> None:
    # Landing refuses an odd column as soon as it is told of it, so it is told of it nowhere else.
    odd = Unkeepable if promise is promises.test_what_a_source_gives_can_be_landed else Changeable
    caught: tuple[type[BaseException], ...] = (AssertionError, pytest.fail.Exception)
    if odd is Unkeepable:
        caught = (TypeError, KeyError)
    with pytest.raises(caught):
        promises.keep(promise, case_of(make, *GOOD_TYPES, odd), tmp_path / "bad")


def test_every_promise_is_broken_by_somebody() -> None:
    assert {promise for _, _, promise in BAD} == set(promises.PROMISES)
