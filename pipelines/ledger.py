"""The independent count of a load: what the source itself says there should be, against what is stored.

Here: which counts are asked, before the load is finished, and the records of them; where there is less than
is stored, which pull requests are no longer there.
Not here: what follows from them (``transforms/completeness``, ``transforms/core/streams``).

One count a repository is enough where it agrees: what is stored has every id once, so if the totals agree,
every month does. Months are asked only where they do not, and single pull requests only in months of which
more is stored than counted.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl

from connectors.contract import Gap, Page
from connectors.github.client import GitHubSource
from connectors.github.records import ExpectedCount, PullRequest, Removal, Repository
from connectors.pagerduty.client import PagerDutySource
from connectors.pagerduty.records import ExpectedCount as ExpectedIncidents
from transforms.core.streams import register_loads
from transforms.local_time import local_date, month_name, periods_between
from warehouse.connection import connect
from warehouse.landing import BOOKKEEPING, ChosenLoad, Load, Manifest, packed_files, parquet_types
from warehouse.packs import naming_damage, rows_of

COUNTS = "github:counts"
WITNESSES = 10
"""Pull requests that nobody doubts, asked about with the doubtful ones: where none of them is there either,
it is the permission that is gone."""

LOST_SHARE, LOST_AT_LEAST = 0.05, 10
"""More than this share of a repository gone at once is a permission taken away, and no deletion."""

_SECOND = timedelta(seconds=1)

_STREAMS = {
    "pull_requests": "pull_request_id, repository_id, node_id, created_at_utc, _page",
    "removals": "pull_request_id, _page",
}
_STORED = """
SELECT repository_id, pull_request_id, arg_max(node_id, (ordinal, _page)), min(created_at_utc)
FROM pull_requests
WHERE NOT EXISTS (
    FROM removals
    WHERE removals.pull_request_id = pull_requests.pull_request_id
        AND (removals.ordinal, removals._page) > (pull_requests.ordinal, pull_requests._page)
)
GROUP BY repository_id, pull_request_id
HAVING min(created_at_utc) >= $first_utc AND min(created_at_utc) <= $last_utc
ORDER BY repository_id, min(created_at_utc) DESC, pull_request_id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A pull request that is stored, as far as counting needs it."""

    pull_request_id: str
    node_id: str
    created_at_utc: datetime


def counted_pull_requests(
    source: GitHubSource, load: Load, manifests: Sequence[Manifest], reporting_timezone: str
) -> Iterator[Page | Gap]:
    """What the source says of every repository it read; month by month where the whole does not agree.

    With it, what is no longer there: a page of removals for each repository that has any, and a gap where it
    could not be told whether what is missing was deleted.
    """
    first_utc, last_utc = source.since_utc, source.server_time()
    names = {repository.repository_id: repository.name_with_owner for repository in source.read.values()}
    if not names:
        return
    stored = _stored(load, manifests, first_utc, last_utc)
    wholes = source.created_counts([(name, first_utc, last_utc) for name in names.values()])
    expected = {
        repository_id: whole for repository_id, whole in zip(names, wholes, strict=True) if whole is not None
    }
    counts = [_count(key, None, first_utc, last_utc, whole) for key, whole in expected.items()]
    for repository_id, whole in expected.items():
        own = stored.get(repository_id, [])
        if whole == len(own):
            continue
        months = _months_of(source, names[repository_id], own, reporting_timezone)
        doubtful: list[Stored] = []
        for month, start, end, number in months:
            counts.append(_count(repository_id, month, start, end, number))
            inside = [one for one in own if start <= one.created_at_utc <= end]
            if len(inside) > number:
                doubtful += inside
        if doubtful:
            yield from _census(source, source.read[repository_id], whole, stored=own, doubtful=doubtful)
    yield Page(scope=COUNTS, served_at_utc=last_utc, records=tuple(counts))


def _months_of(
    source: GitHubSource, name: str, stored: Sequence[Stored], reporting_timezone: str
) -> list[tuple[date, datetime, datetime, int]]:
    """Each month with its first and last second, and what the source counts in it, where it says so."""
    first_utc, last_utc = source.since_utc, source.server_time()
    begun = min([*(one.created_at_utc for one in stored), first_utc or last_utc])
    months = [
        month
        for month in periods_between(
            local_date(begun, reporting_timezone),
            local_date(last_utc, reporting_timezone),
            reporting_timezone,
        )
        if month.grain == "month"
    ]
    stretches = [
        (max(month.start_utc, first_utc or month.start_utc), min(month.end_utc - _SECOND, last_utc))
        for month in months
    ]
    found = source.created_counts([(name, *stretch) for stretch in stretches])
    return [
        (month.first_day, *stretch, number)
        for month, stretch, number in zip(months, stretches, found, strict=True)
        if number is not None
    ]


def _census(
    source: GitHubSource,
    repository: Repository,
    counted: int,
    *,
    stored: Sequence[Stored],
    doubtful: Sequence[Stored],
) -> Iterator[Page | Gap]:
    """Which of the doubtful pull requests are gone; nothing is removed unless all that is known agrees."""
    repository_id, name = repository.repository_id, repository.name_with_owner
    scope = f"{repository_id}/census"
    of_node = {one.node_id: one for one in doubtful}
    witnesses = [one.node_id for one in stored if one.node_id not in of_node][:WITNESSES]
    places = source.places([*of_node, *witnesses])
    removals = [
        Removal(pull_request_id=one.pull_request_id, repository_id=repository_id, why="deleted")
        for node_id, one in of_node.items()
        if node_id in places.gone
    ]
    removals += [
        Removal(pull_request_id=one.pull_request_id, repository_id=repository_id, why="moved_away")
        for node_id, one in of_node.items()
        if places.there.get(node_id, repository_id) != repository_id
    ]
    is_seen = any(of == repository_id for of in places.there.values())
    left = len(stored) - len(removals)
    if removals and not is_seen:
        why = "not one of its pull requests can be seen"
    elif len(removals) > max(LOST_AT_LEAST, LOST_SHARE * len(stored)):
        why = f"{len(removals)} of {len(stored)} pull requests are out of sight"
    elif removals and counted < left:
        why = f"GitHub counts {counted} pull requests, and shows more than that"
    else:
        if removals:
            yield Page(scope=scope, served_at_utc=source.server_time(), records=tuple(removals))
        if places.untold:
            said = ", ".join(sorted(set(places.untold.values()))[:3])
            yield Gap(
                scope=scope,
                message=f"{name}: of {len(places.untold)} pull requests it could not be told whether they "
                f"are still there ({said}). They stay, and the next run asks again.",
            )
        return
    yield Gap(
        scope=scope,
        message=f"{name}: {why}. None was removed, because a permission taken away looks the same. May the "
        "token still see all of the repository?",
    )


def expected_incidents(
    source: PagerDutySource, load: Load, manifests: Sequence[Manifest], reporting_timezone: str
) -> list[ExpectedIncidents]:
    """What PagerDuty says of all incidents; month by month where the whole is not what is stored."""
    last_utc = source.server_time()
    files = [str(path) for path in _files(load, manifests, "incidents")]
    created: list[datetime] = []
    if files:
        with connect() as connection, naming_damage(files):
            rows = connection.execute(
                "SELECT min(created_at_utc) FROM read_parquet($files, union_by_name = true) "
                "GROUP BY incident_id",
                {"files": files},
            ).fetchall()
        created = [instant for (instant,) in rows]
    first = source.since_utc or min(created, default=last_utc)
    months = [
        (month.first_day, month.start_utc, month.end_utc)
        for month in periods_between(
            local_date(first, reporting_timezone),
            local_date(last_utc, reporting_timezone),
            reporting_timezone,
        )
        if month.grain == "month"
    ]
    return source.expected_counts(
        lambda start, end: sum(start <= instant <= end for instant in created), months
    )


def _count(
    repository_id: str, month: date | None, first_utc: datetime | None, last_utc: datetime, expected: int
) -> ExpectedCount:
    return ExpectedCount(
        count_id=f"{repository_id} {month_name(month) if month is not None else 'all'}",
        repository_id=repository_id,
        month_start=month,
        first_utc=first_utc,
        after_utc=last_utc + _SECOND,
        expected=expected,
    )


def _files(load: Load, manifests: Sequence[Manifest], stream: str) -> list[Path]:
    earlier = [manifest for manifest in manifests if manifest.source == load.source]
    own = [path for manifest in earlier for path in manifest.own_files(stream)]
    return [*own, *packed_files(earlier, stream), *load.files_of(stream)]


def _stored(
    load: Load, manifests: Sequence[Manifest], first_utc: datetime | None, last_utc: datetime
) -> dict[str, list[Stored]]:
    """The stored pull requests of each repository, created in the time that is counted, newest first.

    Those that were removed are not among them, unless they came again since.
    """
    earlier = [manifest for manifest in manifests if manifest.source == load.source]
    found: dict[str, list[Stored]] = {}
    with connect() as connection:
        register_loads(connection, [ChosenLoad(manifest=each, is_backfilled=False) for each in earlier])
        for stream, columns in _STREAMS.items():
            of_type = Removal if stream == "removals" else PullRequest
            connection.register("without_rows", pl.DataFrame(schema=parquet_types(of_type) | BOOKKEEPING))
            connection.execute(f"CREATE TABLE {stream} AS SELECT {columns}, 0 AS ordinal FROM without_rows")
            for rows, files in rows_of(earlier, stream):
                with naming_damage(files):
                    connection.execute(
                        f"INSERT INTO {stream} SELECT {columns}, loads.ordinal FROM ({rows}) AS found "
                        "JOIN loads ON loads.load_id = found._load_id",
                        {"files": files},
                    )
            own = [str(path) for path in load.files_of(stream)]
            if own:
                connection.execute(
                    f"INSERT INTO {stream} SELECT {columns}, $ordinal FROM read_parquet($files)",
                    {"files": own, "ordinal": len(earlier) + 1},
                )
        rows_found = connection.execute(
            _STORED, {"first_utc": first_utc or datetime.min.replace(tzinfo=UTC), "last_utc": last_utc}
        ).fetchall()
    for repository_id, pull_request_id, node_id, created_at_utc in rows_found:
        found.setdefault(repository_id, []).append(
            Stored(pull_request_id=pull_request_id, node_id=node_id, created_at_utc=created_at_utc)
        )
    return found
