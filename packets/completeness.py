"""What the ledger says of the months a packet rests on, in plain words.

Not here: the counts of the ledger, which are never a measure of anything.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import duckdb

from packets.published import Publication, Row, read
from packets.quarters import Quarter, first_of
from packets.words import counted, day_text, listed, plain
from transforms.ladder import month_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Completeness:
    """What is known of the quarter, sources of which the same is true in one sentence; then what is missing
    anywhere in the twelve months."""

    quarter: tuple[str, ...]
    gaps: tuple[str, ...]
    rejected: str | None
    is_complete: bool
    deleted: str | None = None


def completeness_of(
    connection: duckdb.DuckDBPyConnection, quarter: Quarter, published: Publication
) -> Completeness:
    """The ledger, the loads and the quarantine, for the months that have begun by the as-of."""
    begun = [month for month in quarter.year if published.midnight_utc(first_of(month)) < published.as_of_utc]
    ledger = _ledger(connection)
    loaded = {
        row["source"] for row in read(connection, "SELECT DISTINCT source FROM ops.loads ORDER BY source")
    }
    sources = sorted({row["source"] for row in ledger} | (loaded - _FILES))
    told: dict[str, list[str]] = {}
    gaps: dict[str, list[str]] = {}
    whole = bool(sources)
    so_far = " so far" if published.as_of_utc < quarter.ends_utc(published) else ""
    for source in sources:
        of_source = [row for row in ledger if row["source"] == source and row["month"] in begun]
        status_of: dict[str, set[str]] = {month: set() for month in begun}
        for row in of_source:
            status_of[row["month"]].add(row["status"])
        in_quarter = {month: status_of[month] for month in quarter.months if month in status_of}
        if source in _GAPS_ONLY:
            in_quarter = {month: found for month, found in in_quarter.items() if found}
            if not in_quarter:
                gaps[source] = [f"{SOURCE_NAMES[source]}, {gap}" for gap in _gaps(of_source)]
                continue
        name = SOURCE_NAMES.get(source, source)
        told.setdefault(_quarter_words(in_quarter, so_far), []).append(name)
        whole &= all(found == {"complete"} for found in in_quarter.values())
        gaps[source] = [f"{name}, {gap}" for gap in _gaps(of_source)]
        silent = [month for month in begun if not status_of[month]]
        if silent and source not in _GAPS_ONLY:
            gaps[source].append(f"{name}: nothing is known about {_span(silent)}.")
    return Completeness(
        quarter=tuple(f"{listed(names)}: {words}." for words, names in told.items())
        or ("No source has been read yet.",),
        gaps=tuple(_cut(list(gaps.values()), _load_gaps(connection, published))),
        rejected=_rejected(connection),
        is_complete=whole,
        deleted=_deleted([row for row in ledger if row["month"] in begun]),
    )


def ledger_words(connection: duckdb.DuckDBPyConnection, months: Sequence[str]) -> tuple[str, ...]:
    """What is missing in these months, what was deleted, what is set aside; nothing if all is well."""
    ledger = [row for row in _ledger(connection) if row["month"] in months]
    gaps = [
        [
            f"{SOURCE_NAMES.get(source, source)}, {gap}"
            for gap in _gaps([row for row in ledger if row["source"] == source])
        ]
        for source in sorted({row["source"] for row in ledger})
    ]
    return tuple(
        sentence
        for sentence in (*_cut(gaps), _deleted(ledger), _rejected(connection))
        if sentence is not None
    )


def _ledger(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    return read(
        connection,
        """SELECT c.source, strftime(c.month_start, '%Y-%m') AS month, c.status, c.reason,
                  coalesce(c.deleted, 0) AS deleted, coalesce(r.name_with_owner, c.scope) AS scope
           FROM ops.completeness AS c LEFT JOIN core.repositories AS r ON r.repository_id = c.scope
           ORDER BY c.source, month, scope, c.status""",
    )


def _deleted(ledger: Sequence[Row]) -> str | None:
    """What was read once and is no longer at its source; where nothing is, no word."""
    told = []
    for source in sorted({row["source"] for row in ledger}):
        found = sum(row["deleted"] for row in ledger if row["source"] == source)
        if found:
            thing = "ticket" if source == "jira" else "pull request"
            told.append(f"{counted(found, thing)} of {SOURCE_NAMES.get(source, source)}")
    if not told:
        return None
    return f"Deleted at the source or moved out of what is read, and in no figure: {listed(told, at_most=4)}."


SOURCE_NAMES = {"github": "GitHub", "jira": "Jira", "pagerduty": "PagerDuty", "deployments": "Deployments"}
_GAPS_ONLY = frozenset({"deployments"})
"""Ledgers that have no row where there is nothing to tell: not everybody deploys where it can be read."""
_FILES = frozenset({"organization"})
"""The organisation's own files: there is nothing to count them against."""


def _quarter_words(status_of: dict[str, set[str]], so_far: str) -> str:
    """Every month that is not complete is named; an unknown month counts as not complete."""
    incomplete = [month for month, found in status_of.items() if "incomplete" in found]
    unknown = [
        month for month, found in status_of.items() if "incomplete" not in found and "unknown" in found
    ]
    silent = [month for month, found in status_of.items() if not found]
    told = []
    if incomplete:
        told.append(f"incomplete in {_span(incomplete)}")
    if silent:
        told.append(f"unknown in {_span(silent)}")
    if unknown:
        told.append(f"read without a gap in {_span(unknown)}, but not counted independently (unknown)")
    rest = [month for month in status_of if month not in (*incomplete, *unknown, *silent)]
    if rest:
        told.append(f"complete{so_far} in {_span(rest)}")
    return "; ".join(told)


def _gaps(of_source: Sequence[Row]) -> list[str]:
    """What is missing, by reason: the scopes it holds for together, and the months as stretches.

    A month that nobody counted independently is unknown: the sentence on the quarter says so; it is no gap.
    """
    months_of: dict[tuple[str, str], list[str]] = {}
    for row in of_source:
        if row["status"] == "incomplete":
            why = plain(row["reason"]) or row["status"]
            months_of.setdefault((why, plain(row["scope"])), []).append(row["month"])
    scopes_of: dict[tuple[str, str], list[str]] = {}
    for (why, scope), months in months_of.items():
        scopes_of.setdefault((_span(months), why), []).append(scope)
    return [
        f"{listed(sorted(scopes), at_most=4)}, {span}: {why}."
        for (span, why), scopes in sorted(scopes_of.items(), key=lambda entry: sorted(entry[1]))
    ]


def _span(months: Sequence[str]) -> str:
    """Months as stretches: April 2026 to June 2026 and August 2026."""
    stretches: list[list[str]] = []
    for month in sorted(set(months)):
        if stretches and first_of(month) == (first_of(stretches[-1][-1]) + timedelta(days=32)).replace(day=1):
            stretches[-1].append(month)
        else:
            stretches.append([month])
    return listed(
        [
            month_name(stretch[0])
            if len(stretch) == 1
            else f"{month_name(stretch[0])} {'and' if len(stretch) == 2 else 'to'} {month_name(stretch[-1])}"
            for stretch in stretches
        ],
        at_most=4,
    )


def _load_gaps(connection: duckdb.DuckDBPyConnection, published: Publication) -> list[str]:
    rows = read(
        connection,
        """SELECT source, known_at_utc, gaps FROM ops.loads
           WHERE NOT is_complete ORDER BY known_at_utc, load_id""",
    )
    return [
        f"{SOURCE_NAMES.get(row['source'], row['source'])}, load of"
        f" {day_text(published.local(row['known_at_utc']).date())}: {plain(gap)}."
        for row in rows
        for gap in row["gaps"] or ["a gap that is not named"]
    ]


def _cut(gaps: Sequence[Sequence[str]], of_loads: Sequence[str] = (), *, at_most: int = 6) -> list[str]:
    """Where there are too many: some of each source, then those of loads, and how many more there are."""
    places = sorted(
        (nth, of, gap) for of, listed_gaps in enumerate(gaps) for nth, gap in enumerate(listed_gaps)
    )
    shown = sorted(places[:at_most], key=lambda place: (place[1], place[0]))
    told = [gap for _, _, gap in shown] + list(of_loads[: at_most - len(shown)])
    more = len(places) + len(of_loads) - len(told)
    return [*told, f"{more} more gaps are in the ledger (evenhand completeness)."] if more else told


def _rejected(connection: duckdb.DuckDBPyConnection) -> str | None:
    (row,) = read(
        connection,
        """SELECT CAST(count(*) AS BIGINT) AS found, CAST(count(*) FILTER (WHERE is_lost) AS BIGINT) AS lost
           FROM ops.rejected_records ORDER BY found""",
    )
    if not row["found"]:
        return None
    return (
        f"{counted(row['found'], 'record')} of all sources were not as promised and are set aside;"
        f" {row['lost'] or 'none'} of them {'is' if row['lost'] == 1 else 'are'} lost to these figures."
    )
