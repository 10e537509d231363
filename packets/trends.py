"""Trend tables by team, service and feature: monthly cells as rows, and as CSV.

Here: which cells are shown, and what stands in place of the others. Subjects come by name, never by value.
Not here: persons; the page (trend_page); verdicts.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, fields, replace
from typing import Any

import duckdb

from packets.catalogue import Metric, metrics
from packets.errors import PacketError, nearest
from packets.published import Publication, publication, read
from packets.three_months import Key, three_month_texts
from packets.words import detail_texts, listed, plain, worded
from packets.write import csv_text

SUBJECT_KINDS: dict[str, str] = {"team": "Teams", "service": "Services", "feature": "Features"}


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendRow:
    """One month of one metric for one team, service or feature.

    ``beside`` tells in words what the cell counts besides.
    Where ``withheld`` says so, every number is null. ``delta`` is null as well where the month before is
    withheld: the two together would give it away.
    """

    metric_id: str
    metric_title: str
    definition_version: str
    subject_kind: str
    subject_id: str
    month: str
    state: str
    status: str
    withheld: str
    n: int | None
    n_pending: int | None
    n_excluded: int | None
    numerator: int | None
    denominator: int | None
    exposure: float | None
    value: float | None
    unit: str
    statistic: str
    ci_low: float | None
    ci_high: float | None
    delta: float | None
    delta_reason: str
    is_delta_provisional: bool
    completeness: str
    hole: str
    segment: int | None
    beside: str

    @property
    def is_so_far(self) -> bool:
        """The month is not final: drawn hollow, in no trend."""
        return self.state != "final"


COLUMNS = tuple(field.name for field in fields(TrendRow))


def trend_rows(
    connection: duckdb.DuckDBPyConnection,
    *,
    team: str | None = None,
    service: str | None = None,
    metric: str | None = None,
    months: int = 12,
) -> list[TrendRow]:
    """The last months up to the as-of, by kind of subject, subject, metric and month.

    Raises :class:`PacketError` for a team, service or metric that is not in the data.
    """
    published = publication(connection)
    known = {entry.metric_id: entry for entry in metrics(connection)}
    if metric is not None and metric not in known:
        raise _unknown("metric", metric, list(known), "evenhand metrics lists them.")
    wanted = _last_months(published, months)
    rows = read(
        connection,
        """SELECT metric_id, definition_version, subject_kind, subject_id, period, state, status, n,
                  n_pending, n_excluded, numerator, denominator, exposure, value, ci_low, ci_high,
                  completeness, hole, segment, delta, delta_reason, is_delta_provisional, disclosed,
                  withheld_reason, details
           FROM trends.all_periods
           WHERE grain = 'month' AND subject_kind IN ('team', 'service', 'feature')
             AND period <= $last_month
           ORDER BY subject_kind, subject_id, metric_id, period_start, period""",
        {"last_month": wanted[-1]},
    )
    for kind, name in (("team", team), ("service", service)):
        there = {row["subject_id"] for row in rows if row["subject_kind"] == kind}
        if name is not None and name not in there:
            raise _unknown(kind, name, sorted(there), f"Only a {kind} with at least one case is in the data.")
    chosen = {"team": team, "service": service}
    kinds = [kind for kind, name in chosen.items() if name is not None] or list(SUBJECT_KINDS)
    order = list(known)
    rows = [row for row in rows if row["metric_id"] in known]
    pooled = three_month_texts(connection, rows, known)
    told = [_with_pool(entry, pooled) for entry in _told(rows, known)]
    kept = [
        row
        for row in told
        if row.month in wanted
        and row.subject_kind in kinds
        and chosen.get(row.subject_kind) in (None, row.subject_id)
        and metric in (None, row.metric_id)
    ]
    return sorted(
        kept,
        key=lambda row: (
            list(SUBJECT_KINDS).index(row.subject_kind),
            row.subject_id.casefold(),
            row.subject_id,
            order.index(row.metric_id),
            row.month,
        ),
    )


def unlisted_services(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """What a source calls those services that no services file lists, by their id: shown, never a key."""
    rows = read(connection, "SELECT service_id, name FROM core.source_services ORDER BY service_id")
    names = {row["service_id"]: plain(row["name"]) for row in rows}
    found = Counter(names.values())
    return {
        key: name if found[name] == 1 else f"{name} ({key.rsplit('/', 1)[-1]})" for key, name in names.items()
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRow:
    """What ``trends.changes`` says of one metric of one team, service or feature, by one method.

    The limits are those of the usual range; null for other methods, and where there is none. What rests on a
    withheld cell says nothing but that.
    """

    metric_id: str
    subject_kind: str
    subject_id: str
    method: str
    outcome: str | None
    sentence: str | None
    usual_low: float | None
    usual_high: float | None
    is_withheld: bool = False

    @property
    def is_tested(self) -> bool:
        """There was enough to test it, and it may be told."""
        return self.outcome not in ("not_enough_data", None)


def change_rows(connection: duckdb.DuckDBPyConnection) -> list[ChangeRow]:
    """The changes, without figure or words where one rests on a withheld cell."""
    rows = read(
        connection,
        """SELECT metric_id, subject_kind, subject_id, method,
                  CASE WHEN disclosed THEN outcome END AS outcome,
                  CASE WHEN disclosed THEN sentence END AS sentence,
                  CASE WHEN disclosed AND method = 'usual_range' THEN (details ->> 'low')::DOUBLE END
                      AS usual_low,
                  CASE WHEN disclosed AND method = 'usual_range' THEN (details ->> 'high')::DOUBLE END
                      AS usual_high,
                  disclosed IS NOT TRUE AS is_withheld
           FROM trends.changes
           WHERE subject_kind IN ('team', 'service', 'feature')
           ORDER BY subject_kind, subject_id, metric_id, method""",
    )
    return [ChangeRow(**row) for row in rows]


def trend_csv(rows: Sequence[TrendRow]) -> str:
    """The rows as CSV; a withheld cell has its reason and no number."""
    return csv_text(COLUMNS, [astuple(row) for row in rows])


def _told(rows: Sequence[Mapping[str, Any]], known: Mapping[str, Metric]) -> list[TrendRow]:
    """Rows as they may be told: numbers out of withheld cells, differences out of their neighbours."""
    told: list[TrendRow] = []
    for row in rows:
        entry = _row(row, known[row["metric_id"]])
        before = told[-1] if told else None
        neighbour = before and (before.metric_id, before.subject_kind, before.subject_id) == (
            *(entry.metric_id, entry.subject_kind, entry.subject_id),
        )
        if entry.withheld:
            entry = _without_numbers(entry)
        elif before and neighbour and before.withheld:
            entry = replace(entry, delta=None, delta_reason="previous_withheld")
        told.append(entry)
    return told


def _with_pool(entry: TrendRow, pooled: Mapping[Key, str]) -> TrendRow:
    """A withheld month with the three months that end with it, where those may be told."""
    text = pooled.get((entry.metric_id, entry.subject_id, entry.month))
    if text is None or not entry.withheld or entry.subject_kind != "team":
        return entry
    return replace(entry, withheld=f"{entry.withheld}; {text}")


def _without_numbers(entry: TrendRow) -> TrendRow:
    return replace(
        entry,
        status="suppressed",
        n=None,
        n_pending=None,
        n_excluded=None,
        numerator=None,
        denominator=None,
        exposure=None,
        value=None,
        ci_low=None,
        ci_high=None,
        delta=None,
        delta_reason="",
        beside="",
    )


def _row(row: Mapping[str, Any], metric: Metric) -> TrendRow:
    return TrendRow(
        metric_id=row["metric_id"],
        metric_title=metric.title,
        definition_version=row["definition_version"] or metric.definition_version,
        subject_kind=row["subject_kind"],
        subject_id=row["subject_id"],
        month=row["period"],
        state=row["state"] or "",
        status=row["status"],
        withheld=_withheld(row),
        n=row["n"],
        n_pending=row["n_pending"],
        n_excluded=row["n_excluded"],
        numerator=row["numerator"],
        denominator=row["denominator"],
        exposure=row["exposure"],
        value=row["value"] if row["status"] == "ok" else None,
        unit=metric.unit,
        statistic=metric.statistic,
        ci_low=row["ci_low"] if row["status"] == "ok" else None,
        ci_high=row["ci_high"] if row["status"] == "ok" else None,
        delta=row["delta"],
        delta_reason=row["delta_reason"] or "",
        is_delta_provisional=bool(row["is_delta_provisional"]),
        completeness=row["completeness"] or "unknown",
        hole=row["hole"] or "",
        segment=row["segment"],
        beside=listed(detail_texts(metric, row), at_most=9),
    )


def _withheld(row: Mapping[str, Any]) -> str:
    """Why a cell is not shown; a month in which nothing happened has nothing to hide."""
    if row["withheld_reason"]:
        return worded("withheld", row["withheld_reason"])
    if row["status"] == "no_activity" or row["disclosed"] is True:
        return ""
    return "withheld"


def _last_months(published: Publication, months: int) -> list[str]:
    """The months up to the one of the as-of, oldest first."""
    if months < 1:
        raise PacketError(
            wanted="a number of months",
            found=str(months),
            what_to_do="Ask for one month or more, such as 12.",
        )
    local = published.local(published.as_of_utc)
    last = 12 * local.year + local.month - 1
    return [f"{index // 12}-{index % 12 + 1:02d}" for index in range(last - months + 1, last + 1)]


def _unknown(kind: str, name: str, known: Sequence[str], otherwise: str) -> PacketError:
    close = nearest(name, known)
    return PacketError(
        wanted=f"the {kind} {name!r}",
        found=f"none of that name among {len(known)}",
        what_to_do=f"Did you mean {' or '.join(close)}?" if close else otherwise,
    )
