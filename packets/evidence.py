"""The cases behind a person's numbers, each with an id that can be quoted.

Here: every case of every shown metric in the twelve months, left-out and pending ones too.
Not here: what the cases add up to (figures), or how they are laid out (write).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import duckdb

from packets.catalogue import CountsAs, Metric
from packets.published import Publication, facts_table, read
from packets.quarters import Quarter, first_of
from packets.words import plain, web_link, why_text, worded


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one metric made of a case. ``clock`` is what its hours are hours of, if it has any."""

    metric_id: str
    outcome: str
    outcome_words: str
    why: str
    why_words: str
    counts_as: CountsAs
    amount: float | None
    unit: str
    clock: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One case; several metrics may read it. ``title`` is the source's text and not to be trusted."""

    evidence_id: str
    case_id: str
    ref: str
    title: str
    link: str | None
    anchor_at_utc: datetime
    anchor_date: str
    month: str
    in_quarter: bool
    readings: tuple[Reading, ...]

    def reading(self, metric_id: str) -> Reading | None:
        """What that metric made of it, if it looked at it."""
        return next((reading for reading in self.readings if reading.metric_id == metric_id), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundCase:
    """A case as its facts table has it, with one reading."""

    case_id: str
    ref: str
    link: str | None
    anchor_at_utc: datetime
    month: str
    reading: Reading


def cases_of(
    connection: duckdb.DuckDBPyConnection, metrics: Sequence[Metric], *, person_id: str, quarter: Quarter
) -> list[FoundCase]:
    """The person's cases of these metrics in the twelve months: by metric, anchor, case."""
    found = []
    for metric in metrics:
        table = facts_table(connection, metric.metric_id)
        if table is None:
            continue
        rows = read(
            connection,
            f"""SELECT case_id, ref, source_url, anchor_at_utc, strftime(month_start, '%Y-%m') AS month,
                       outcome, why, amount
                FROM {table}
                WHERE subject_kind = 'person' AND subject_id = $person_id
                  AND month_start BETWEEN $first_month AND $last_month
                ORDER BY anchor_at_utc, case_id""",
            {
                "person_id": person_id,
                "first_month": first_of(quarter.year[0]),
                "last_month": first_of(quarter.year[-1]),
            },
        )
        for row in rows:
            counts_as = metric.counts_as(row["outcome"], row["why"])
            found.append(
                FoundCase(
                    case_id=row["case_id"],
                    ref=plain(row["ref"]),
                    link=web_link(row["source_url"]),
                    anchor_at_utc=row["anchor_at_utc"],
                    month=row["month"],
                    reading=Reading(
                        metric_id=metric.metric_id,
                        outcome=row["outcome"],
                        outcome_words=worded("outcomes", row["outcome"]),
                        why=row["why"] or "",
                        why_words=why_text(metric, counts_as, row["why"]),
                        counts_as=counts_as,
                        amount=row["amount"],
                        unit=metric.amount_unit if row["amount"] is not None else "",
                        clock=metric.clock if row["amount"] is not None else "",
                    ),
                )
            )
    return found


def numbered(
    found: Sequence[FoundCase], *, titles: Mapping[str, str], quarter: Quarter, published: Publication
) -> tuple[Case, ...]:
    """One row a case with its evidence id; metrics that read the same case share the row."""
    together: dict[tuple[str, str], list[FoundCase]] = {}
    for entry in found:
        together.setdefault((entry.case_id, entry.ref), []).append(entry)
    return tuple(
        Case(
            evidence_id=f"E{number}",
            case_id=case_id,
            ref=ref,
            title=plain(titles.get(pull_request_of(ref))),
            link=entries[0].link,
            anchor_at_utc=entries[0].anchor_at_utc,
            anchor_date=published.local(entries[0].anchor_at_utc).date().isoformat(),
            month=entries[0].month,
            in_quarter=entries[0].month in quarter.months,
            readings=tuple(entry.reading for entry in entries),
        )
        for number, ((case_id, ref), entries) in enumerate(together.items(), 1)
    )


def titles_of(connection: duckdb.DuckDBPyConnection, refs: Sequence[str]) -> dict[str, str]:
    """Titles of the pull requests that these references are, or are in, and of incidents."""
    rows = read(
        connection,
        """SELECT ref, title FROM (
               SELECT ref, title, pr_id AS id FROM core.pull_requests
               UNION ALL SELECT ref, title, incident_id FROM core.incidents)
           WHERE list_contains(CAST($refs AS VARCHAR[]), ref) ORDER BY ref, id DESC""",
        {"refs": sorted({pull_request_of(ref) for ref in refs})},
    )
    return {row["ref"]: row["title"] or "" for row in rows}


def pull_request_of(ref: str) -> str:
    """acme/api#881 for acme/api#881 r1234567, a comment in it."""
    return ref.partition(" ")[0]
