"""The independent count of a load: what GitHub itself says there should be, against what is stored.

Here: which counts are asked, before the load is finished, and the records of them.
Not here: what follows from them (``transforms/completeness``).

One count a repository is enough where it agrees: what is stored has every id once, so if the totals agree,
every month does. Months are asked only where they do not.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from connectors.github.client import GitHubSource
from connectors.github.records import ExpectedCount
from connectors.pagerduty.client import PagerDutySource
from connectors.pagerduty.records import ExpectedCount as ExpectedIncidents
from transforms.local_time import local_date, month_name, periods_between
from warehouse.connection import connect
from warehouse.landing import Load, Manifest, packed_files

_SECOND = timedelta(seconds=1)

_STORED = """
SELECT repository_id, created_at_utc
FROM (
    SELECT repository_id, pull_request_id, min(created_at_utc) AS created_at_utc
    FROM read_parquet($files, union_by_name = true)
    GROUP BY repository_id, pull_request_id
)
WHERE created_at_utc >= $first_utc AND created_at_utc <= $last_utc
"""


def expected_counts(
    source: GitHubSource, load: Load, manifests: Sequence[Manifest], reporting_timezone: str
) -> list[ExpectedCount]:
    """What the source says of every repository it read; month by month where the whole does not agree."""
    first_utc, last_utc = source.since_utc, source.server_time()
    names = {repository.repository_id: repository.name_with_owner for repository in source.read.values()}
    if not names:
        return []
    stored = _stored(_files(load, manifests, "pull_requests"), first_utc, last_utc)
    wholes = source.created_counts([(name, first_utc, last_utc) for name in names.values()])
    counts = [
        _count(repository_id, None, first_utc, last_utc, whole)
        for repository_id, whole in zip(names, wholes, strict=True)
        if whole is not None
    ]
    doubtful = [
        each.repository_id for each in counts if each.expected != len(stored.get(each.repository_id, ()))
    ]
    for repository_id in doubtful:
        begun = min([*stored.get(repository_id, ()), first_utc or last_utc])
        months = [
            month
            for month in periods_between(
                local_date(begun, reporting_timezone),
                local_date(last_utc, reporting_timezone),
                reporting_timezone,
            )
            if month.grain == "month"
        ]
        asked = [
            (
                names[repository_id],
                max(month.start_utc, first_utc or month.start_utc),
                month.end_utc - _SECOND,
            )
            for month in months
        ]
        found = source.created_counts([(name, start, min(end, last_utc)) for name, start, end in asked])
        counts += [
            _count(repository_id, month.first_day, start, end, number)
            for month, (_, start, end), number in zip(months, asked, found, strict=True)
            if number is not None
        ]
    return counts


def expected_incidents(
    source: PagerDutySource, load: Load, manifests: Sequence[Manifest], reporting_timezone: str
) -> list[ExpectedIncidents]:
    """What PagerDuty says of all incidents; month by month where the whole is not what is stored."""
    last_utc = source.server_time()
    files = [str(path) for path in _files(load, manifests, "incidents")]
    created: list[datetime] = []
    if files:
        with connect() as connection:
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
    files: Sequence[Path], first_utc: datetime | None, last_utc: datetime
) -> dict[str, list[datetime]]:
    """When the stored pull requests of each repository were created, in the time that is counted."""
    found: dict[str, list[datetime]] = {}
    if not files:
        return found
    with connect() as connection:
        rows = connection.execute(
            _STORED,
            {
                "files": [str(path) for path in files],
                "first_utc": first_utc or datetime.min.replace(tzinfo=UTC),
                "last_utc": last_utc,
            },
        ).fetchall()
    for repository_id, created_at_utc in rows:
        found.setdefault(repository_id, []).append(created_at_utc)
    return found
