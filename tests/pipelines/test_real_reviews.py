"""Real code reviews, through the real client, landing and core: nothing is lost, and two numbers agree.

The data are public and nobody here wrote them. People are chosen by position (who was asked most), never by
name, and no name is printed.
"""

import json
import math
import urllib.request
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from connectors.github.client import GitHubSource
from connectors.github.http import GitHubOverHttp
from connectors.github.records import RECORD_TYPES
from connectors.waiting import Patience
from pipelines import nightly
from pipelines.known import known_to_github
from pipelines.nightly import Night
from pipelines.settings import Settings
from pipelines.sources import Registered
from tests.shared_material import emulated_world, needed, rows
from warehouse.connection import connect
from warehouse.landing import Manifest

REPOSITORIES = ("bitcoin/bitcoin", "bitcoin-core/gui")
FOLDERS = {name: name.replace("/", "__") for name in REPOSITORIES}
ROSTER = (
    "person,name,email,team,manager,role,level,time_zone,working_days,place,valid_from,valid_to,"
    "github,pagerduty,jira\n"
)
LIMIT = timedelta(hours=24)


@pytest.fixture(scope="module")
def world() -> Iterator[Any]:
    running = emulated_world(data_dir=needed("data"), now="2023-04-20T02:00:00Z")
    yield running
    running.stop()


@pytest.fixture(scope="module")
def busiest() -> tuple[int, str, str]:
    """Account id and login of whoever was asked for most reviews, and the month they were asked in most."""
    asked: Counter[tuple[int, str]] = Counter()
    months: dict[int, Counter[str]] = defaultdict(Counter)
    for event in rows("github", FOLDERS["bitcoin/bitcoin"], "timeline.jsonl.gz"):
        person = event.get("requested_reviewer")
        if event["event"] == "review_requested" and person and person["type"] == "User":
            asked[person["id"], person["login"]] += 1
            months[person["id"]][event["created_at"][:7]] += 1
    (account, login), _ = asked.most_common(1)[0]
    inside = {month: n for month, n in months[account].items() if "2021-06" <= month <= "2023-04"}
    return account, login, max(inside, key=lambda month: (inside[month], month))


@pytest.fixture(scope="module")
def night(world: Any, busiest: tuple[int, str, str], tmp_path_factory: pytest.TempPathFactory) -> Night:
    settings = _settings(tmp_path_factory.mktemp("real"), world.url("github"), busiest[1])
    return Night(settings=settings, environment={"TOKEN": "ghp_sigemu"})


@pytest.fixture(scope="module")
def reads(world: Any, night: Night) -> list[tuple[GitHubSource, Manifest]]:
    """A full read, the same again at once, and seven nights."""

    def read() -> tuple[GitHubSource, Manifest]:
        transport = GitHubOverHttp(
            base_url=world.url("github"), credential="ghp_sigemu", patience=Patience(sleep=lambda _: None)
        )
        source = GitHubSource(transport=transport, repositories=REPOSITORIES)
        source.known = known_to_github(
            night.landing.manifests(), [], source.server_time(), reads=source.reads
        ).repositories
        return source, nightly._land(night, Registered(source=source, record_types=RECORD_TYPES))

    done = [read(), read()]
    for _ in range(7):
        world.clock.set(advance=86400)
        done.append(read())
    return done


@pytest.fixture(scope="module")
def database(night: Night, reads: list[tuple[GitHubSource, Manifest]]) -> Iterator[duckdb.DuckDBPyConnection]:
    assert reads
    nightly.land(night, "organization")
    nightly.build_core(night)
    nightly.build_facts(night)
    nightly.build_trends(night)
    with connect(night.working_path) as connection:
        yield connection


def _settings(folder: Path, base_url: str, login: str) -> Settings:
    (folder / "people.csv").write_text(f"{ROSTER}busiest,Busiest,,one,,,,UTC,12345,,,,{login},,\n")
    (folder / "services.csv").write_text(
        "service,tier,team,repository,label,valid_from,valid_to\ngui,2,one,bitcoin-core/gui,,,\n"
    )
    return Settings.model_validate(
        {
            "organization": {"name": "Real", "reporting_timezone": "UTC"},
            "storage": {"path": "var"},
            "sources": {
                "github": {
                    "base_url": base_url,
                    "token": {"env": "TOKEN"},
                    "repositories": list(REPOSITORIES),
                }
            },
            "people": {"roster": "people.csv"},
            "services": {"file": "services.csv"},
            "folder": folder,
        }
    )


def _truth(world: Any, kind: str) -> list[dict[str, Any]]:
    with urllib.request.urlopen(f"{world.url('github')}/__truth__/github/{kind}") as answer:
        found: list[dict[str, Any]] = json.load(answer)
        return found


def test_a_full_read_and_the_nights_after_it_ask_within_their_budgets(
    reads: list[tuple[GitHubSource, Manifest]],
) -> None:
    """A night that changed k pull requests: at most 2 x ceil(k / 50) + its sweep + 10 requests."""
    (_, first), (source, at_once), *nights = reads
    assert first.requests <= 28 * first.rows["pull_requests"] / 1000
    assert first.points <= 250 * first.rows["pull_requests"] / 1000
    assert at_once.is_complete
    long = sum(len(threads) > 50 for one in source.known.values() for threads in one.recent.values())
    assert long  # a sweep asks for 50 threads of each, and then for the others
    assert at_once.rows.get("pull_requests", 0) <= 1
    for source, manifest in nights:
        swept = sum(len(one.recent) for one in source.known.values())
        changed = manifest.rows.get("pull_requests", 0)
        assert manifest.is_complete
        assert manifest.requests <= 2 * math.ceil(changed / 50) + math.ceil(swept / 100) + 10


def test_every_month_of_the_ledger_is_complete(database: duckdb.DuckDBPyConnection) -> None:
    assert database.execute(
        "SELECT DISTINCT status FROM ops.completeness WHERE source = 'github'"
    ).fetchall() == [("complete",)]


@pytest.mark.parametrize(
    ("kind", "select", "shown_as"),
    [
        ("pulls", "SELECT ref FROM core.pull_requests", lambda row: f"{row['repo']}#{row['number']}"),
        ("reviews", "SELECT review_id FROM core.reviews", lambda row: f"github:review/{row['id']}"),
        ("threads", "SELECT thread_id FROM core.review_threads", lambda row: f"github:thread/{row['id']}"),
        (
            "review_comments",
            "SELECT comment_id FROM core.thread_comments",
            lambda row: f"github:review_comment/{row['id']}",
        ),
    ],
)
def test_everything_of_the_truth_is_in_core_exactly_once(
    world: Any, database: duckdb.DuckDBPyConnection, kind: str, select: str, shown_as: Any
) -> None:
    wanted = Counter(shown_as(row) for row in _truth(world, kind))
    found = Counter(value for (value,) in database.execute(select).fetchall())
    assert len(wanted) > 4000
    assert set(wanted.values()) == {1}
    assert found == wanted


def test_review_states_and_pull_request_states_are_those_of_the_truth(
    world: Any, database: duckdb.DuckDBPyConnection
) -> None:
    wanted = Counter(row["state"] for row in _truth(world, "reviews"))
    found = dict(database.execute("SELECT state, count(*) FROM core.reviews GROUP BY state").fetchall())
    assert found == dict(wanted)
    merged = sum(row["state"] == "MERGED" for row in _truth(world, "pulls"))
    assert database.execute("SELECT count(merged_at_utc) FROM core.pull_requests").fetchall() == [(merged,)]


def test_one_month_of_one_reviewer_agrees_with_the_raw_rows(
    world: Any, database: duckdb.DuckDBPyConnection, busiest: tuple[int, str, str]
) -> None:
    account, _, month = busiest
    as_of = datetime.fromtimestamp(world.clock.now(), UTC)
    wanted = Counter(
        outcome
        for repository in REPOSITORIES
        for anchor, outcome in _requests(repository, account, as_of)
        if f"{anchor:%Y-%m}" == month
    )
    found = dict(
        database.execute(
            "SELECT outcome, count(*) FROM facts.rq_response_24h WHERE subject_kind = 'person' "
            "AND strftime(month_start, '%Y-%m') = $month GROUP BY outcome",
            {"month": month},
        ).fetchall()
    )
    assert sum(wanted.values()) >= 5
    assert found == dict(wanted)
    cell = database.execute(
        "SELECT numerator, denominator, n_pending, n_excluded FROM trends.periods "
        "WHERE metric_id = 'rq_response_24h' AND subject_kind = 'person' AND period = $month",
        {"month": month},
    ).fetchall()
    counted = wanted["met"] + wanted["missed"]
    assert cell == [(wanted["met"], counted, wanted["pending"], wanted["excluded"])]


def _requests(repository: str, account: int, as_of: datetime) -> Iterator[tuple[datetime, str]]:
    """Anchor and outcome of every request to this account, worked out event by event from the raw rows.

    In this data nobody was taken back to draft while asked twice, so the simplest reading of the rules is
    enough; a case that needs more fails the comparison.
    """
    moments: dict[str, list[tuple[datetime, int, str]]] = defaultdict(list)
    drafts: dict[str, list[tuple[datetime, str]]] = defaultdict(list)
    order = {"ready_for_review": 0, "review_requested": 1, "review": 2, "review_request_removed": 3}
    order |= {"convert_to_draft": 4, "closed": 5, "reopened": 0}
    for event in rows("github", FOLDERS[repository], "timeline.jsonl.gz"):
        kind, number = event["event"], event["issue_url"].rsplit("/", 1)[-1]
        if kind not in order or _instant(event["created_at"]) > as_of:
            continue
        person = event.get("requested_reviewer")
        if kind.startswith("review_request") and (person is None or person["id"] != account):
            continue
        if kind in ("ready_for_review", "convert_to_draft"):
            drafts[number].append((_instant(event["created_at"]), kind))
        moments[number].append((_instant(event["created_at"]), order[kind], kind))
    for review in rows("github", FOLDERS[repository], "reviews.jsonl.gz"):
        number = review["pull_request_url"].rsplit("/", 1)[-1]
        by = review["user"]
        if by is not None and by["id"] == account and _instant(review["submitted_at"]) <= as_of:
            moments[number].append((_instant(review["submitted_at"]), 2, "review"))
    for pull in rows("github", FOLDERS[repository], "pulls.jsonl.gz"):
        number = str(pull["number"])
        if _instant(pull["created_at"]) > as_of or not any(
            m[2] == "review_requested" for m in moments[number]
        ):
            continue
        if pull["user"] is not None and (pull["user"]["id"] == account or _is_bot(pull["user"])):
            continue
        ends = [_instant(pull[name]) for name in ("merged_at", "closed_at") if pull[name]]
        ends = [end for end in ends if end <= as_of]
        if ends:
            moments[number].append((min(ends), 5, "closed"))
        changes = sorted(drafts[number])
        is_draft = changes[0][1] == "ready_for_review" if changes else bool(pull["draft"])
        yield from _played(sorted(moments[number]), is_draft, as_of)


def _played(
    moments: list[tuple[datetime, int, str]], is_draft: bool, as_of: datetime
) -> Iterator[tuple[datetime, str]]:
    asked = started = None
    is_closed = False
    for at, _, kind in moments:
        if kind == "review_requested" and asked is None:
            asked = at
            if is_closed:
                yield at, "excluded"
            started = None if is_draft or is_closed else at
        elif kind == "ready_for_review":
            is_draft = False
            started = at if asked is not None and started is None and not is_closed else started
        elif kind == "convert_to_draft":
            if started is not None and not is_closed:
                yield started, "missed" if _worked(started, at) > LIMIT else "excluded"
            is_draft, started = True, None
        elif kind == "closed" and not is_closed:
            if asked is not None:
                late = started is not None and _worked(started, at) > LIMIT
                yield started or asked, "missed" if late else "excluded"
            is_closed, started = True, None
        elif kind == "reopened" and is_closed:
            is_closed = False
            started = at if asked is not None and not is_draft else None
        elif kind in ("review", "review_request_removed") and asked is not None:
            if not is_closed and kind == "review":
                if started is None:
                    yield at, "met"
                else:
                    yield started, "met" if _worked(started, at) <= LIMIT else "missed"
            elif not is_closed:
                late = started is not None and _worked(started, at) > LIMIT
                yield started or asked, "missed" if late else "excluded"
            asked = started = None
    if asked is not None and not is_closed:
        if started is None:
            yield asked, "excluded"
        else:
            yield started, "missed" if _worked(started, as_of) > LIMIT else "pending"


def _worked(start: datetime, end: datetime) -> timedelta:
    """Time from start to end that falls on Monday to Friday, UTC."""
    total, day = timedelta(), start.replace(hour=0, minute=0, second=0)
    while day < end:
        after = day + timedelta(days=1)
        if day.isoweekday() <= 5:
            total += min(end, after) - max(start, day)
        day = after
    return total


def test_one_month_of_one_repository_agrees_with_the_raw_rows(
    world: Any, database: duckdb.DuckDBPyConnection
) -> None:
    folder = FOLDERS["bitcoin-core/gui"]
    as_of = datetime.fromtimestamp(world.clock.now(), UTC)
    approvals: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for review in rows("github", folder, "reviews.jsonl.gz"):
        if review["state"] == "APPROVED" and _instant(review["submitted_at"]) <= as_of:
            approvals[review["pull_request_url"].rsplit("/", 1)[-1]].append(review)
    merged: dict[str, list[bool]] = defaultdict(list)
    for pull in rows("github", folder, "pulls.jsonl.gz"):
        if not pull["merged_at"] or _instant(pull["merged_at"]) > as_of or pull["base"]["ref"] != "master":
            continue
        if _is_bot(pull["user"]) or pull["title"].startswith('Revert "'):
            continue
        merged[pull["merged_at"][:7]].append(
            any(
                not _is_bot(review["user"])
                and (review["user"] or {}).get("id", -1) != (pull["user"] or {}).get("id", -2)
                and _instant(review["submitted_at"]) <= _instant(pull["merged_at"])
                for review in approvals[str(pull["number"])]
            )
        )
    month = max(merged, key=lambda name: (len(merged[name]), name))
    assert len(merged[month]) >= 10
    cell = database.execute(
        "SELECT numerator, denominator, status FROM trends.periods WHERE metric_id = 'rq_review_coverage' "
        "AND subject_kind = 'service' AND subject_id = 'gui' AND period = $month",
        {"month": month},
    ).fetchall()
    assert cell == [(sum(merged[month]), len(merged[month]), "ok")]


def test_the_whole_series_of_the_repository_agrees(database: duckdb.DuckDBPyConnection) -> None:
    """Every merged pull request of the repository is in exactly one case of its service."""
    ((in_core,),) = database.execute(
        "SELECT count(*) FROM core.pull_requests "
        "WHERE ref LIKE 'bitcoin-core/gui#%' AND merged_at_utc IS NOT NULL"
    ).fetchall()
    ((cases, distinct),) = database.execute(
        "SELECT count(*), count(DISTINCT case_id) FROM facts.rq_review_coverage "
        "WHERE subject_kind = 'service'"
    ).fetchall()
    assert cases == distinct == in_core


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _is_bot(user: Mapping[str, Any] | None) -> bool:
    return user is not None and (user["type"] == "Bot" or user["login"].lower().endswith("[bot]"))
