"""What every source promises, whatever it reads.

Here: one list of sources, each with good and bad things in it, and the promises of ``connectors.contract``.
A new source is a line in ``SOURCES``.
Not here: what a source reads (its own folder).
"""

import dataclasses
import inspect
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest

from connectors.contract import Gap, Page, Record, Source
from connectors.demo import FIRST_NIGHT_UTC, DemoTransport, make_organization
from connectors.errors import StopScopeError, StopSourceError
from connectors.github import records as github_records
from connectors.github.client import GitHubSource
from connectors.github.http import GitHubOverHttp
from connectors.incident_tables import records as incident_records
from connectors.incident_tables.tables import IncidentTables
from connectors.jira import records as jira_records
from connectors.jira.client import JiraSource
from connectors.jira.http import JiraOverHttp
from connectors.organization import records as organization_records
from connectors.organization.files import OrganizationSource
from connectors.pagerduty import records as pagerduty_records
from connectors.pagerduty.client import PagerDutySource
from connectors.pagerduty.http import PagerDutyOverHttp
from connectors.tables import table_of
from connectors.waiting import Patience
from tests.connectors.github.builders import (
    SERVED_AT,
    TOASTER,
    ServedPages,
    comment,
    connection,
    page_file,
    page_of,
    pull_request,
    reaction,
    reaction_group,
    request,
    review,
    thread,
)
from tests.connectors.jira.builders import ServedTickets, change, history, person, ticket
from tests.connectors.organization import writing
from tests.connectors.pagerduty import replayed
from warehouse.landing import Landing

SECRET = "made-up-token-of-nobody"
ADDRESS = "tilde@acme.example"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A source, made anew for each reading, and the records it may give."""

    name: str
    make: Callable[[Path], Source]
    record_types: tuple[type[Any], ...]


def _pages(_: Path) -> Source:
    """Hand-made pages: good ones, bad records, lists that go on, and a repository that is not there."""
    pages = {
        ("acme/kettle", None): page_file("ordinary"),
        ("acme/toaster", None): page_of(
            pull_request(
                1,
                reviews=connection(review(1, reactionGroups=[reaction_group("HEART")]), more="r1"),
            ),
            pull_request(2, title=[SECRET], body=SECRET),
            pull_request(3, reviews=connection(review(3, state=f"{SECRET} {ADDRESS}", body=ADDRESS))),
            pull_request(4, reviewThreads=connection(thread(4, comment(4), None))),  # type: ignore[arg-type]
            pull_request(5, timelineItems=connection(request(5, createdAt=SECRET))),
            None,
            repository=TOASTER,
            more="p1",
        ),
        ("acme/toaster", "p1"): page_of(
            *page_file("quirks")["repository"]["pullRequests"]["nodes"], repository=TOASTER
        ),
    }
    transport = ServedPages(
        pages=pages,
        rests={
            ("MoreReviews", "PR_1", "r1"): {"reviews": connection(review(2))},
            ("MoreReactions", "PRR_1", None): {"reactions": connection(reaction(1))},
        },
        organizations={("acme", None): connection(TOASTER, None)},
    )
    return GitHubSource(
        transport=transport, organizations=["acme", "ghosts"], repositories=["acme/kettle", "acme/cattle"]
    )


def _made_up(_: Path) -> Source:
    organization = make_organization(engineers=5, months=3)
    transport = DemoTransport(organization=organization, now_utc=FIRST_NIGHT_UTC)
    return GitHubSource(transport=transport, organizations=("acme",))


def _files(folder: Path) -> Source:
    """Good rows, and one of each kind that is left out."""
    return writing.source(
        folder,
        people=writing.table(
            "people",
            writing.line("people", email=ADDRESS, github="tilde-moss"),
            writing.line("people", person="p2", manager="p9"),
            writing.line("people", person="p3", working_days=SECRET),
            writing.line("people", person="p2"),
            writing.line("people", person="p4") + f",{ADDRESS}",
        ),
        calendar=writing.table(
            "calendar",
            writing.line("calendar"),
            writing.line("calendar"),
            writing.line("calendar", last_day="2026-01-06"),
            writing.line("calendar", kind=SECRET),
        ),
        services=writing.table("services", writing.line("services"), writing.line("services", tier=SECRET)),
        survey="pull_request,reviewer,rater,rating,answered_at\n"
        "acme/api#1,p1,p2,5,2026-03-02T09:00:00Z\n"
        f"acme/api#1,p1,{ADDRESS},{SECRET},2026-03-02T09:00:00Z\n",
    )


def _broken_files(folder: Path) -> Source:
    """A file that is none, one that is missing, and a good one."""
    good = writing.source(folder, people=f"{ADDRESS},{SECRET}\n", services=writing.table("services"))
    good.calendar = folder / "nowhere.csv"
    return good


def _tickets(_: Path) -> Source:
    """Hand-made Jira pages: a good ticket, and one of each kind that is left out."""
    return JiraSource(
        transport=ServedTickets(
            tickets=[
                ticket(1, description=SECRET, assignee=person(1, emailAddress=ADDRESS)),
                ticket(2, created=SECRET),
                ticket(3, duedate=f"{SECRET} {ADDRESS}"),
                ticket(4, status={"name": SECRET}),
                {"id": "5", "key": "API-5"},
                ticket(6, created="2031-01-01T00:00:00.000+0000"),
            ],
            histories={1: [history(1), history(2, created=SECRET), history(3, items=[change("summary")])]},
        ),
        kind="cloud",
        base_url="https://acme.example",
        projects=["API", "nowhere"],
    )


def _pagerduty(_: Path) -> Source:
    """Good answers, and one of each kind that is left out."""
    incident, entry, user = replayed.incident, replayed.entry, replayed.user
    shown = incident(1, "2026-03-10T10:00:00Z")
    log = [
        entry("assign", shown, "2026-03-10T10:00:00Z", agent=None, assignees=[user("PANA"), user("PGONE")]),
        entry(
            "annotate", shown, "2026-03-10T10:05:00Z", channel={"type": "note", "summary": f"{SECRET} PAY-1"}
        ),
        entry("acknowledge", {"id": "Q9", "type": "incident_reference"}, SECRET, agent=user("PANA")),
        entry("resolve", incident(2, SECRET), "2026-03-10T10:06:00Z"),
        entry(
            "trigger",
            incident(3, "2026-03-10T10:00:00Z", urgency=f"{SECRET} {ADDRESS}"),
            "2026-03-10T10:00:00Z",
        ),
        None,
    ]
    transport = replayed.account(
        incidents=[shown], log_entries=log, users=[{"id": "PANA", "email": ADDRESS}, ADDRESS]
    )
    return PagerDutySource(transport=transport)


def _broken_pagerduty(_: Path) -> Source:
    """An account whose services are no list, and whose schedules are none."""
    transport = replayed.account(incidents=[], log_entries=[], schedules=[{"id": "PSCH", "name": SECRET}])
    transport.broken = "/services"
    return PagerDutySource(transport=transport)


def _tables(folder: Path) -> Source:
    """A table with a bad row, and one that is not there."""
    (folder / "incidents.csv").write_text(
        f"incident_id,created_at\n1,2026-03-02T10:00:00Z\n2,{SECRET}\n", "utf-8"
    )
    return IncidentTables(
        incidents=table_of("incidents.csv", folder),
        log=table_of("nowhere.csv", folder),
        shifts=None,
        known_at_utc=replayed.NOW,
    )


SOURCES = [
    Case(name="github", make=_pages, record_types=github_records.RECORD_TYPES),
    Case(name="jira", make=_tickets, record_types=jira_records.RECORD_TYPES),
    Case(name="made up", make=_made_up, record_types=github_records.RECORD_TYPES),
    Case(name="organization", make=_files, record_types=organization_records.RECORD_TYPES),
    Case(name="pagerduty", make=_pagerduty, record_types=pagerduty_records.RECORD_TYPES),
    Case(name="broken pagerduty", make=_broken_pagerduty, record_types=pagerduty_records.RECORD_TYPES),
    Case(name="incident tables", make=_tables, record_types=incident_records.RECORD_TYPES),
    Case(name="broken files", make=_broken_files, record_types=organization_records.RECORD_TYPES),
]


@pytest.fixture(params=SOURCES, ids=lambda case: case.name)
def case(request: pytest.FixtureRequest) -> Case:
    found: Case = request.param
    return found


@pytest.fixture
def given(case: Case, tmp_path: Path) -> list[Page | Gap]:
    return list(case.make(tmp_path).pages())


def _records(given: list[Page | Gap]) -> Iterator[tuple[Page, Record]]:
    for entry in given:
        if isinstance(entry, Page):
            for record in entry.records:
                yield entry, record


def _values(record: Record) -> dict[str, Any]:
    names = [field.name for field in dataclasses.fields(record)]  # type: ignore[arg-type]
    return {name: getattr(record, name) for name in names}


def test_keys_are_unique_within_a_page(given: list[Page | Gap]) -> None:
    """Two rows of one key and one would silently win."""
    for entry in given:
        if isinstance(entry, Page):
            keys = [(record.stream, record.key) for record in entry.records]
            assert len(keys) == len(set(keys))


def test_keys_are_text_and_streams_are_of_the_source(case: Case, given: list[Page | Gap]) -> None:
    for _, record in _records(given):
        assert type(record) in case.record_types
        assert isinstance(record.key, str)
        assert record.key


def test_records_are_what_their_types_say(given: list[Page | Gap]) -> None:
    """Landing makes columns of the annotations."""
    for _, record in _records(given):
        hints = get_type_hints(type(record))
        for name, value in _values(record).items():
            if isinstance(value, tuple):
                assert "tuple" in str(hints[name])
            elif value is None:
                assert type(None) in get_args(hints[name])
            elif "Literal" in str(hints[name]):
                assert f"'{value}'" in str(hints[name])
            else:
                assert type(value).__name__ in str(hints[name])


def test_records_cannot_be_changed(given: list[Page | Gap]) -> None:
    for _, record in _records(given):
        field = dataclasses.fields(record)[0].name  # type: ignore[arg-type]
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(record, field, None)


def test_times_are_aware_and_utc(given: list[Page | Gap]) -> None:
    for page, record in _records(given):
        times = [value for value in _values(record).values() if isinstance(value, datetime)]
        assert all(time.tzinfo is UTC for time in [*times, page.served_at_utc])


def test_no_time_is_later_than_the_servers_own(given: list[Page | Gap]) -> None:
    for page, record in _records(given):
        assert all(
            value <= page.served_at_utc for value in _values(record).values() if isinstance(value, datetime)
        )


def test_pages_and_what_was_rejected_carry_their_scope(given: list[Page | Gap]) -> None:
    for entry in given:
        assert entry.scope
        if isinstance(entry, Page):
            assert {reject.scope for reject in entry.rejected} <= {entry.scope}
            repositories = {record.key for record in entry.records if record.stream == "repositories"}
            assert repositories <= {entry.scope}


def test_a_page_is_a_parent_with_all_below_it(given: list[Page | Gap]) -> None:
    """Children never come without their parent, nor before it was read to its end."""
    below = ("pull_request_events", "reviews", "review_threads", "review_comments", "reactions")
    for entry in given:
        if isinstance(entry, Page):
            of: dict[str, list[Any]] = {}
            for record in entry.records:
                of.setdefault(record.stream, []).append(record)
            parents = {record.key for record in of.get("pull_requests", ())}
            assert {child.pull_request_id for stream in below for child in of.get(stream, ())} <= parents
            threads = {record.key for record in of.get("review_threads", ())}
            assert {comment.thread_id for comment in of.get("review_comments", ())} <= threads
            said = {record.key for stream in below for record in of.get(stream, ())}
            assert {reaction.target_id for reaction in of.get("reactions", ())} <= said


def test_accounts_that_are_named_come_on_the_same_page(given: list[Page | Gap]) -> None:
    for entry in given:
        if isinstance(entry, Page):
            accounts = {record.key for record in entry.records if record.stream == "accounts"}
            for record in entry.records:
                named = {value for name, value in _values(record).items() if name.endswith("_account_id")}
                assert named - {None} <= accounts


def test_reading_again_gives_the_same(case: Case, tmp_path: Path, given: list[Page | Gap]) -> None:
    assert list(case.make(tmp_path).pages()) == given


def test_one_source_can_be_read_twice(case: Case, tmp_path: Path) -> None:
    source = case.make(tmp_path)
    assert list(source.pages()) == list(source.pages())


def test_the_servers_time_is_known_before_the_first_page(case: Case, tmp_path: Path) -> None:
    source = case.make(tmp_path)
    known = source.server_time()
    assert known.tzinfo is UTC
    assert known == source.server_time()
    for entry in source.pages():
        if isinstance(entry, Page):
            assert entry.served_at_utc >= known


def test_no_text_about_a_source_holds_a_secret_or_an_address(
    case: Case, tmp_path: Path, given: list[Page | Gap]
) -> None:
    """What was rejected and what is missing is told without the values."""
    told = [entry.message for entry in given if isinstance(entry, Gap)]
    told += [repr(reject) for entry in given if isinstance(entry, Page) for reject in entry.rejected]
    told.append(repr(case.make(tmp_path).usage))
    assert told
    assert not [text for text in told if SECRET in text or ADDRESS in text]


def test_every_message_says_what_became_of_the_rest(given: list[Page | Gap]) -> None:
    for entry in given:
        if isinstance(entry, Page):
            for reject in entry.rejected:
                assert reject.message.endswith((".", "go to."))
                assert "kept" in reject.message or "stays in use" in reject.message
                assert reject.ref
                assert reject.field
                assert reject.problem.replace("_", "").isalpha()


def test_what_a_source_gives_can_be_landed(case: Case, tmp_path: Path) -> None:
    """Records, rejects and gaps, as the night writes them; every row of them is there afterwards."""
    source = case.make(tmp_path)
    load = Landing(tmp_path / "landing").open_load(
        source=source.name,
        known_at_utc=source.server_time(),
        code_version="test",
        configuration_hash="test",
        record_types=case.record_types,
    )
    rows = 0
    for entry in source.pages():
        if isinstance(entry, Page):
            rows += len(entry.records) + len(entry.rejected)
            load.write(
                entry.records, scope=entry.scope, fetched_at_utc=entry.served_at_utc, rejected=entry.rejected
            )
        else:
            load.gap(scope=entry.scope, message=entry.message)
    assert sum(load.finish().rows.values()) == rows


PROMISES: tuple[Callable[..., None], ...] = (
    test_keys_are_unique_within_a_page,
    test_keys_are_text_and_streams_are_of_the_source,
    test_records_are_what_their_types_say,
    test_records_cannot_be_changed,
    test_times_are_aware_and_utc,
    test_no_time_is_later_than_the_servers_own,
    test_pages_and_what_was_rejected_carry_their_scope,
    test_a_page_is_a_parent_with_all_below_it,
    test_accounts_that_are_named_come_on_the_same_page,
    test_reading_again_gives_the_same,
    test_one_source_can_be_read_twice,
    test_the_servers_time_is_known_before_the_first_page,
    test_no_text_about_a_source_holds_a_secret_or_an_address,
    test_every_message_says_what_became_of_the_rest,
    test_what_a_source_gives_can_be_landed,
)
"""Every promise that is tried on every source."""


def keep(promise: Callable[..., None], case: Case, folder: Path) -> None:
    """Try one promise on a source that is not in the list, such as a bad one or that of a page."""
    folder.mkdir()
    known: dict[str, Any] = {"case": case, "tmp_path": folder}
    wanted = inspect.signature(promise).parameters
    if "given" in wanted:
        known["given"] = list(case.make(folder).pages())
    promise(**{name: known[name] for name in wanted})


def test_no_promise_is_left_out() -> None:
    of_every_source = {
        each
        for name, each in globals().items()
        if name.startswith("test_") and {"case", "given"} & set(inspect.signature(each).parameters)
    }
    assert of_every_source == set(PROMISES)


def test_good_sources_have_no_gaps_and_bad_ones_name_each() -> None:
    """The cases are what they say: a promise that nothing is tried against holds easily."""

    def counted(make: Callable[[Path], Source], folder: Path) -> tuple[int, int, int]:
        entries = list(make(folder).pages())
        pages = [entry for entry in entries if isinstance(entry, Page)]
        return len(pages), sum(len(page.rejected) for page in pages), len(entries) - len(pages)

    assert counted(_pages, Path()) == (5, 5, 4)  # one says that the organisation was listed to its end
    assert counted(_made_up, Path())[1:] == (0, 0)


def test_the_files_of_the_cases_have_something_to_reject(tmp_path: Path) -> None:
    pages = [entry for entry in _files(tmp_path).pages() if isinstance(entry, Page)]
    assert [len(page.rejected) for page in pages] == [4, 2, 1, 1]
    gaps = [entry for entry in _broken_files(tmp_path).pages() if isinstance(entry, Gap)]
    assert [gap.scope for gap in gaps] == ["people", "calendar"]


# ------------------------------------------------------------------------------ errors and texts


@pytest.mark.parametrize(
    "shown",
    [
        GitHubOverHttp(
            base_url="http://127.0.0.1:1", credential=SECRET, patience=Patience(sleep=lambda _: None)
        ),
        GitHubSource(
            transport=GitHubOverHttp(
                base_url="http://127.0.0.1:1", credential=SECRET, patience=Patience(sleep=lambda _: None)
            )
        ),
        JiraOverHttp(
            base_url="http://127.0.0.1:1",
            token=SECRET,
            email=ADDRESS,
            patience=Patience(sleep=lambda _: None),
        ),
        PagerDutyOverHttp(
            base_url="https://127.0.0.1:1", token=SECRET, patience=Patience(sleep=lambda _: None)
        ),
    ],
    ids=["transport", "source", "jira", "pagerduty"],
)
def test_a_source_with_a_token_does_not_show_it(shown: object) -> None:
    assert SECRET not in repr(shown)
    assert SECRET not in str(shown)


def test_a_server_that_is_not_there_stops_the_source_without_the_token() -> None:
    transport = GitHubOverHttp(
        base_url="http://127.0.0.1:1", credential=SECRET, patience=Patience(sleep=lambda _: None)
    )
    with pytest.raises(StopSourceError) as raised:
        GitHubSource(transport=transport, organizations=["acme"]).server_time()
    assert not isinstance(raised.value, StopScopeError)
    assert SECRET not in "".join(traceback.format_exception(raised.value))


def test_a_jira_that_is_not_there_stops_the_source_without_the_token() -> None:
    transport = JiraOverHttp(
        base_url="http://127.0.0.1:1", token=SECRET, patience=Patience(sleep=lambda _: None)
    )
    with pytest.raises(StopSourceError) as raised:
        JiraSource(transport=transport, kind="cloud", base_url="http://127.0.0.1:1").server_time()
    assert not isinstance(raised.value, StopScopeError)
    assert SECRET not in "".join(traceback.format_exception(raised.value))


def test_a_pagerduty_that_is_not_there_stops_the_source_without_the_key() -> None:
    transport = PagerDutyOverHttp(
        base_url="https://127.0.0.1:1", token=SECRET, patience=Patience(sleep=lambda _: None)
    )
    with pytest.raises(StopSourceError) as raised:
        PagerDutySource(transport=transport).server_time()
    assert not isinstance(raised.value, StopScopeError)
    assert SECRET not in "".join(traceback.format_exception(raised.value))


def test_the_served_time_of_the_pages_is_the_servers() -> None:
    pages = [entry for entry in _pages(Path()).pages() if isinstance(entry, Page)]
    assert {page.served_at_utc for page in pages} == {SERVED_AT}


def test_a_source_fits_the_protocol() -> None:
    """What the night calls; the type checker reads this, and so does whoever writes the next source."""
    sources: list[Source] = [_pages(Path()), _made_up(Path()), _tickets(Path())]
    assert [source.name for source in sources] == ["github", "github", "jira"]
    assert OrganizationSource.__dataclass_fields__["name"].default == "organization"
