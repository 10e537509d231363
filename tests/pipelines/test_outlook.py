"""What a run will take is said before it reads: requests over the emulator, time by a clock of its own.

Here: full reads and nights of every source with a server, limits, words, and what cannot be told.
Not here: how many requests a run may take (``test_incremental`` and each source's tests).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.contract import Cost, Limit, Outlook, PastRun, Usage
from connectors.demo import FIRST_NIGHT_UTC, DemoTransport, make_organization
from connectors.errors import StopScopeError
from connectors.github.client import GitHubSource
from connectors.github.outlook import deployments_before, pages_of
from connectors.github.records import RECORD_TYPES
from connectors.github.transport import Answer, Operation
from connectors.waiting import limit_told
from pipelines import nightly
from pipelines.known import known_to_github
from pipelines.nightly import Night
from pipelines.outlook import ahead_in_words, forecast, holds, taken_in_words, waiting_seconds
from pipelines.sources import Registered
from tests.pipelines.emulated import land, night_of, turn_to_loopback
from tests.pipelines.far_away import Clock, put_far_away
from tests.shared_material import emulated_world
from warehouse.landing import Manifest, Reading

DAY = timedelta(days=1)
SIZES: dict[str, dict[str, Any]] = {
    "a handful": {"months": 2, "people": 4, "prs_per_month": 5},
    "busy": {"months": 4, "people": 30, "prs_per_month": 200},
}


def is_within_a_tenth(manifest: Manifest) -> bool:
    assert manifest.reading is not None
    foreseen = manifest.reading.foreseen_requests
    assert foreseen is not None
    return abs(foreseen - manifest.requests) <= max(2, 0.1 * manifest.requests)


@pytest.fixture
def far_away(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return put_far_away(monkeypatch)


@pytest.fixture(params=SIZES)
def world(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    running = emulated_world(seed=5, gen=SIZES[request.param])
    turn_to_loopback(running, monkeypatch)
    yield running
    running.stop()


def test_requests_and_seconds_are_foreseen_to_a_tenth(world: Any, far_away: Clock, tmp_path: Path) -> None:
    """A full read of each source, and two nights. Of the requests two may be wrong, and then their time."""
    for source in ("github", "pagerduty", "jira", "jira data center"):
        night = night_of(tmp_path / source, world, source)
        world.clock.set(now=world.default_now)
        for number in range(3):
            manifest = land(night, source)
            assert manifest.is_complete
            told = manifest.reading
            assert told is not None
            deleted = manifest.rows.get("removals", 0)  # each is looked for, and nobody tells beforehand
            assert deleted or is_within_a_tenth(manifest), (source, number, told, manifest.requests)
            assert told.is_full == (number == 0)
            assert sum(requests for requests, _, _, _ in told.kinds.values()) == manifest.requests
            assert told.foreseen_seconds is not None
            assert told.seconds is not None
            wrong = 5.0 * abs((told.foreseen_requests or 0) - manifest.requests)
            off = abs(told.foreseen_seconds - told.seconds)
            assert off <= max(0.1 * told.seconds, wrong), (source, number, told)
            world.clock.set(advance=DAY.total_seconds())


# ------------------------------------------------------------------------------------ the time

SECONDS = {"PullRequests": 2.0, "PullRequestsById": 1.6, "Deployments": 0.7, "ThreadStates": 0.4}
ORGANIZATION = make_organization(engineers=40, months=6)


@dataclass(slots=True, kw_only=True)
class Slow:
    """The made-up organisation, answering in the time of the test's clock."""

    clock: Clock
    now_utc: datetime
    refuses: str = ""
    asked: list[str] = field(default_factory=list)
    behind: Any = None

    def send(self, operations: Sequence[Operation]) -> Answer:
        self.behind = self.behind or DemoTransport(ORGANIZATION, self.now_utc)
        name = operations[0].name
        self.clock.now += SECONDS.get(name, 0.2)
        self.asked.append(name)
        if any(self.refuses and self.refuses in str(one.variables) for one in operations):
            raise StopScopeError("GitHub answered 502.")
        answer: Answer = self.behind.send(operations)
        return answer


def read(
    night: Night, monkeypatch: pytest.MonkeyPatch, now_utc: datetime, **settings: Any
) -> tuple[Manifest, Slow]:
    transport = Slow(clock=Clock(), now_utc=now_utc, **settings)
    monkeypatch.setattr(nightly.time, "perf_counter", transport.clock)
    source = GitHubSource(
        transport=transport,
        organizations=("acme",),
        deployments=True,
        usage=Usage(clock=transport.clock),
        page_size=10,
    )
    known = known_to_github(night.landing.manifests(), [], source.server_time(), reads=source.reads)
    source.known = known.repositories
    manifest = nightly._land(night, Registered(source=source, record_types=RECORD_TYPES))
    nightly.land(night, "organization")
    return manifest, transport


@pytest.fixture
def night(tmp_path: Path) -> Night:
    from tests.pipelines.test_incremental import night_of as plain_night

    made = plain_night(tmp_path)
    made.say = SAID.append
    SAID.clear()
    return made


SAID: list[str] = []


def test_seconds_are_foreseen_to_a_tenth(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a first run from the first pages of the largest repositories, later from what earlier runs took.

    The first night asks kinds of requests that no run asked before, and is known only by those that were. Of
    a night one request may be wrong: whether the sweep finds anything, nothing counts beforehand.
    """
    one_more = SECONDS["PullRequestsById"]
    for number in range(4):
        manifest, transport = read(night, monkeypatch, FIRST_NIGHT_UTC + number * DAY)
        told = manifest.reading
        assert told is not None
        assert told.foreseen_seconds is not None
        assert told.seconds == pytest.approx(transport.clock.now, abs=0.01)
        assert is_within_a_tenth(manifest)
        off = abs(told.foreseen_seconds - told.seconds)
        is_first_night = number == 1
        assert is_first_night or off <= max(0.1 * told.seconds, one_more if number else 0.0), told


def test_what_is_asked_to_foresee_is_not_asked_again(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    _, transport = read(night, monkeypatch, FIRST_NIGHT_UTC)
    ahead = ["OrganizationRepositories", "CreatedPullRequests", "PullRequests", "DeploymentSpan"]
    assert [name for name in dict.fromkeys(transport.asked) if name in ahead] == ahead
    shown = DemoTransport(ORGANIZATION, FIRST_NIGHT_UTC)
    sizes = [len(shown._pull_requests_of(one).listed) for one in ORGANIZATION.repositories]
    pages = sum(pages_of(size, is_whole=True, size=10) for size in sizes)
    assert transport.asked.count("PullRequests") == pages
    assert transport.asked.count("OrganizationRepositories") == 1


def test_it_is_said_before_the_pages_and_compared_behind_them(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest, _ = read(night, monkeypatch, FIRST_NIGHT_UTC)
    told = manifest.reading
    assert told is not None
    assert SAID[0].startswith(f"github: reading it takes about {told.foreseen_requests} requests and ")
    last = next(line for line in SAID if " rows in " in line)
    assert f"{manifest.requests} requests in " in last
    assert f"(foreseen: {told.foreseen_requests} in " in last


def test_what_is_not_counted_is_said(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    """All repositories share a request for their counts; the one that spoils it is found by halves."""
    name = ORGANIZATION.repositories[0].name_with_owner
    read(night, monkeypatch, FIRST_NIGHT_UTC, refuses=f"repo:{name} ")
    assert [line for line in SAID if "not counted beforehand" in line] == [
        f"github: not counted beforehand: how many pull requests {name} has; it may take more"
    ]


# ----------------------------------------------------------------------------------- the limit


def test_waiting_for_new_points_is_foreseen() -> None:
    plenty = Limit(left=5_000, renewed_in_seconds=1_800.0, amount=5_000)
    assert waiting_seconds(plenty, 4_000, 400.0) == 0.0
    few = Limit(left=1_000, renewed_in_seconds=1_800.0, amount=5_000)
    # A thousand points are used up after 100 s, and the others wait until the half hour is over.
    assert waiting_seconds(few, 4_000, 400.0) == 1_700.0
    # Then 5,000 last 500 s, and the rest of that hour is waited for as well.
    assert waiting_seconds(few, 7_000, 700.0) == 1_700.0 + 3_100.0
    # Slower than the limit, nobody waits.
    assert waiting_seconds(plenty, 6_000, 6_000.0) == 0.0
    assert waiting_seconds(None, 6_000, 1.0) == 0.0
    a_minute = Limit(left=900, renewed_in_seconds=50.0, amount=960, window_seconds=60.0, of="requests")
    # 900 in 45 s, 960 in 48 s of a minute, and the rest without waiting.
    assert waiting_seconds(a_minute, 2_000, 100.0) == 5.0 + 12.0


def test_a_run_that_will_have_to_wait_says_so_and_whether_it_may() -> None:
    usage = Usage(kinds={"PullRequests": Cost(requests=2, points=20, seconds=4.0)}, requests=2, points=20)
    usage.first = {kind: [cost] for kind, cost in usage.kinds.items()}
    limit = Limit(left=1_000, renewed_in_seconds=1_800.0, amount=5_000)
    outlook = Outlook(is_full=True, requests={"PullRequests": 202})
    told = forecast(outlook, usage, [], limit=limit)
    assert (told.requests, told.waiting_seconds) == (202, 1_800.0 - 200.0)
    assert ahead_in_words("github", told, 5_400.0) == [
        "github: reading it takes about 202 requests and 33 min 24 s, 26 min 40 s of it waiting for its "
        "limit (5,000 points an hour), by its first request (4.0 s)"
    ]
    assert ahead_in_words("github", told, 600.0)[1:] == [
        "github: this run may wait 10 min ([run] may_wait_minutes), which will not do: what is then missing "
        "will be a gap, and the next run goes on"
    ]


def test_a_request_takes_the_way_to_the_server_and_more_for_each_row() -> None:
    """Ten requests of two seconds, of which one is the way: a hundred rows each take the other."""
    usage = Usage(
        kinds={"totals": Cost(requests=5, seconds=5.0), "pages": Cost(requests=10, seconds=20.0, rows=1_000)},
        requests=15,
    )
    usage.first = {kind: [cost] for kind, cost in usage.kinds.items()}
    for rows, seconds in ((1_000, 20.0), (100, 11.0), (0, 10.0)):
        asked = {"totals": 5.0, "pages": 20.0}
        told = forecast(Outlook(is_full=True, requests=asked, rows={"pages": rows}), usage, [])
        assert told.seconds == pytest.approx(25.0 + seconds)


def test_a_kind_whose_rows_nobody_counts_has_as_many_as_before() -> None:
    past = PastRun(
        is_full=False,
        kinds={"totals": Cost(requests=1, seconds=1.0), "found": Cost(requests=2, seconds=6.0, rows=80)},
    )
    usage = Usage(kinds={"totals": Cost(requests=1, seconds=1.0)}, requests=1)
    usage.first = {"totals": [Cost(requests=1, seconds=1.0)]}
    told = forecast(Outlook(is_full=False, requests={"totals": 1, "found": 1}), usage, [past])
    assert told.seconds == pytest.approx(1.0 + 3.0)


def test_the_way_to_the_server_is_that_of_this_run() -> None:
    """Pages took a second more than the quickest request before; today the way takes three."""
    past = PastRun(
        is_full=True,
        kinds={"totals": Cost(requests=4, seconds=4.0), "pages": Cost(requests=10, seconds=20.0)},
    )
    usage = Usage(kinds={"totals": Cost(requests=1, seconds=3.0)}, requests=1)
    usage.first = {"totals": [Cost(requests=1, seconds=3.0)]}
    told = forecast(Outlook(is_full=True, requests={"totals": 1, "pages": 10}), usage, [past])
    assert told.seconds == pytest.approx(3.0 + 10 * (3.0 + 1.0))


def test_runs_of_the_same_sort_tell_where_there_are_any() -> None:
    """A night's pages are small; those of a full read say nothing of it."""
    whole = PastRun(is_full=True, kinds={"pages": Cost(requests=10, seconds=50.0)})
    small = PastRun(is_full=False, kinds={"pages": Cost(requests=10, seconds=10.0)})
    usage = Usage()
    for past, seconds in (([whole], 10.0), ([whole, small], 2.0), ([small, whole], 2.0)):
        told = forecast(Outlook(is_full=False, requests={"pages": 2}), usage, past)
        assert told.seconds == pytest.approx(seconds)


def test_what_was_waited_for_before_the_forecast_belongs_to_it() -> None:
    usage = Usage(kinds={"totals": Cost(requests=1, seconds=1.0)}, requests=1)
    told = forecast(Outlook(is_full=True, requests={"totals": 1}), usage, [], waited_seconds=60.0)
    assert (told.seconds, told.waiting_seconds) == (61.0, 60.0)


DATE = "Tue, 10 Mar 2026 12:00:00 GMT"
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("headers", "limit"),
    [
        (
            {"X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": "4999", "X-RateLimit-Reset": "1773145800"},
            Limit(left=4_999, renewed_in_seconds=1_800.0, amount=5_000, of="points"),
        ),
        (
            {"ratelimit-limit": "960", "ratelimit-remaining": "950", "ratelimit-reset": "42"},
            Limit(left=950, renewed_in_seconds=42.0, amount=960, window_seconds=60.0, of="requests"),
        ),
        (
            {
                "X-RateLimit-Limit": "350",
                "X-RateLimit-Remaining": "300",
                "X-RateLimit-Reset": "2026-03-10T12:20Z",
            },
            Limit(left=300, renewed_in_seconds=1_200.0, amount=350, of="requests"),
        ),
        (
            {
                "X-RateLimit-Limit": "100",
                "X-RateLimit-Remaining": "7",
                "X-RateLimit-FillRate": "5",
                "X-RateLimit-Interval-Seconds": "1",
            },
            Limit(left=7, renewed_in_seconds=1.0, amount=5, window_seconds=1.0, of="requests"),
        ),
        ({"X-RateLimit-Limit": "350", "X-RateLimit-Remaining": "300"}, None),
        ({"X-RateLimit-Limit": "350", "X-RateLimit-Remaining": "300", "X-RateLimit-Reset": "soon"}, None),
        ({"X-RateLimit-Limit": "0", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "9"}, None),
        ({}, None),
    ],
)
def test_each_source_tells_its_limit_in_its_own_headers(headers: dict[str, str], limit: Limit | None) -> None:
    of = "requests" if limit is None else limit.of
    assert limit_told(headers, DATE, 0.0, of=of) == limit
    wrong = "Wed, 01 Jan 2020 12:00:00 GMT"  # then this machine's clock tells
    assert limit_told(headers, wrong, NOON, of=of) == limit


# ------------------------------------------------------------------------------- single rules


def test_pages_of_what_has_changed_reach_behind_it() -> None:
    assert [pages_of(n, is_whole=True, size=50) for n in (0, 1, 50, 51)] == [1, 1, 1, 2]
    assert [pages_of(n, is_whole=False, size=50) for n in (0, 1, 49, 50, 51)] == [1, 1, 1, 2, 2]


def test_deployments_came_with_pull_requests_or_with_days() -> None:
    now = datetime(2026, 3, 10, tzinfo=UTC)
    span = (now - 100 * DAY, now - 10 * DAY)
    assert deployments_before(span, (300, 60), now) == 400
    assert deployments_before(span, (300, 0), now) == 900
    assert deployments_before(span, (None, 60), now) == 900


def reading(seconds: float | None, requests: int | None, foreseen: float | None) -> Reading:
    return Reading(
        is_full=True,
        kinds={},
        seconds=seconds,
        foreseen_requests=requests,
        foreseen_seconds=foreseen,
    )


@pytest.mark.parametrize(
    ("told", "requests", "held"),
    [
        (reading(100.0, 110, 110.0), 100, True),
        (reading(100.0, 111, 100.0), 100, False),
        (reading(100.0, 100, 111.0), 100, False),
        (reading(2.0, 7, 3.0), 6, True),
        (reading(2.0, 8, 3.0), 6, False),
        (reading(2.0, 6, 3.2), 6, False),
        (reading(None, 100, None), 100, True),
    ],
)
def test_a_forecast_holds_to_a_tenth_or_one_request_and_a_second(
    told: Reading, requests: int, held: bool
) -> None:
    assert holds(told, requests) == held
    assert ("more than 10% off" in taken_in_words(told, requests)) != held


def test_a_load_that_was_gone_on_with_has_no_time_of_its_own() -> None:
    assert taken_in_words(reading(None, 100, None), 100) == " (foreseen: 100)"
