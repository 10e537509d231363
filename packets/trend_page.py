"""The trend page: every metric of every team and service, month by month.

Here: layout only. Charts are of shown cells; a table stands under each.
Not here: which cells may be shown (trends), or any order but by name.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import duckdb
from markupsafe import Markup

from packets.annotations import Annotation, annotations_by_subject, chart_notes, marked_sentence
from packets.beside import beside, hired_rows
from packets.catalogue import Metric, metrics
from packets.charts import ChartMonth, month_chart
from packets.completeness import ledger_words
from packets.coverage import coverage_of_months
from packets.five_keys import five_keys
from packets.look_first import AFTERWARDS, look_first
from packets.published import Publication, publication
from packets.rendering import stylesheet, template
from packets.trends import SUBJECT_KINDS, ChangeRow, TrendRow, change_rows, trend_rows, unlisted_services
from packets.words import counted, delta_text, instant_text, interval_text, short_month, value_text, worded
from transforms.changes.sentences import STEADY, chance_sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRow:
    """A month as a table has it."""

    month: str
    withheld: str
    numbers: tuple[str, ...]
    state: str
    sources: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One metric of one subject."""

    metric: Metric
    anchor: str
    chart: Markup | None
    no_chart: str
    sentences: tuple[str, ...]
    silence: str
    quarter: str | None
    marked: str
    rows: tuple[TableRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One team, service or feature with its series, by the name it is shown with."""

    subject_id: str
    name: str
    is_unlisted: bool
    anchor: str
    series: tuple[Series, ...]
    beside: tuple[str, ...]
    annotations: tuple[Annotation, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """Teams, services or features."""

    title: str
    subjects: tuple[Subject, ...]

    @property
    def is_compact(self) -> bool:
        """One series each: several fit beside each other."""
        return all(len(subject.series) == 1 for subject in self.subjects)


def write_trend_page(connection: duckdb.DuckDBPyConnection, folder: Path, *, months: int = 13) -> Path:
    """Writes ``index.html`` into the folder, which is made if missing."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "index.html"
    path.write_text(trend_html(connection, months=months), encoding="utf-8", newline="")
    return path


def trend_html(connection: duckdb.DuckDBPyConnection, *, months: int = 13) -> str:
    """The page, for the months up to the as-of."""
    published = publication(connection)
    known = {metric.metric_id: metric for metric in metrics(connection)}
    rows = trend_rows(connection, months=months)
    changes = _by_series(change_rows(connection), rows)
    said = beside(connection, published)
    unlisted = unlisted_services(connection)
    happened = annotations_by_subject(
        connection,
        {(row.subject_kind, row.subject_id) for row in rows},
        _last_months(published, months),
        published,
    )
    kinds = [
        Kind(
            title=title,
            subjects=tuple(
                _subjects(
                    [row for row in rows if row.subject_kind == kind],
                    known,
                    kind,
                    changes,
                    said=said,
                    happened=happened,
                    unlisted=unlisted if kind == "service" else {},
                )
            ),
        )
        for kind, title in SUBJECT_KINDS.items()
    ]
    shown = {row.metric_id for row in rows}
    covered = _last_months(published, months)
    return template("trends.html.j2").render(
        stylesheet=stylesheet(),
        published=published,
        as_of=instant_text(published.local(published.as_of_utc)),
        kinds=[kind for kind in kinds if kind.subjects],
        first=look_first(connection, known, changes.keys()),
        afterwards=AFTERWARDS,
        anchors=_anchors(kinds),
        keys=five_keys(connection, published, known),
        metrics=[metric for metric in known.values() if metric.metric_id in shown],
        hired=hired_rows(connection, list(known.values())),
        missing=[*ledger_words(connection, covered), *coverage_of_months(connection, covered)],
        by_chance=_chance(changes.values()),
        steady=STEADY,
        source_gaps=[
            f"{metric.title}: {metric.source_gap}."
            for metric in known.values()
            if metric.source_gap and any(metric.describes(kind) for kind in SUBJECT_KINDS)
        ],
    )


def _anchors(kinds: Iterable[Kind]) -> dict[tuple[str, str, str], str]:
    """Where on the page each series stands, by kind of subject, subject and metric."""
    names = {title: kind for kind, title in SUBJECT_KINDS.items()}
    return {
        (names[kind.title], subject.subject_id, series.metric.metric_id): series.anchor
        for kind in kinds
        for subject in kind.subjects
        for series in subject.series
    }


def _last_months(published: Publication, months: int) -> list[str]:
    """The months up to the as-of, which is in the last of them."""
    last = published.local(published.as_of_utc)
    places = range(last.year * 12 + last.month - months, last.year * 12 + last.month)
    return [f"{place // 12}-{place % 12 + 1:02}" for place in places]


def _by_series(
    changes: Sequence[ChangeRow], rows: Sequence[TrendRow]
) -> dict[tuple[str, str, str], dict[str, ChangeRow]]:
    """The changes of the series that the page shows, by method."""
    found: dict[tuple[str, str, str], dict[str, ChangeRow]] = {
        (row.subject_kind, row.subject_id, row.metric_id): {} for row in rows
    }
    for change in changes:
        key = (change.subject_kind, change.subject_id, change.metric_id)
        if key in found:
            found[key][change.method] = change
    return found


def _chance(changes: Iterable[Mapping[str, ChangeRow]]) -> str:
    tested = [change.method for of_series in changes for change in of_series.values() if change.is_tested]
    return chance_sentence(comparisons=tested.count("quarter_comparison"), series=tested.count("month_trend"))


def _subjects(
    rows: Sequence[TrendRow],
    known: dict[str, Metric],
    kind: str,
    changes: Mapping[tuple[str, str, str], Mapping[str, ChangeRow]],
    *,
    said: Mapping[tuple[str, str], tuple[str, ...]],
    happened: Mapping[tuple[str, str], tuple[Annotation, ...]],
    unlisted: Mapping[str, str],
) -> list[Subject]:
    subjects = []
    by_name = sorted(
        rows, key=lambda row: (unlisted.get(row.subject_id, row.subject_id).casefold(), row.subject_id)
    )
    for place, (key, of_subject) in enumerate(groupby(by_name, key=lambda row: row.subject_id), 1):
        anchor, name = f"{kind}-{place}", unlisted.get(key, key)
        subjects.append(
            Subject(
                subject_id=key,
                name=name,
                is_unlisted=key in unlisted,
                anchor=anchor,
                beside=said.get((kind, key), ()),
                annotations=happened[kind, key],
                series=tuple(
                    _series(
                        known[metric_id],
                        list(of_metric),
                        f"{anchor}-{metric_id}",
                        name,
                        changes[kind, key, metric_id],
                        happened=happened[kind, key],
                    )
                    for metric_id, of_metric in groupby(of_subject, key=lambda row: row.metric_id)
                ),
            )
        )
    return subjects


def _series(
    metric: Metric,
    rows: list[TrendRow],
    anchor: str,
    name: str,
    changes: Mapping[str, ChangeRow],
    *,
    happened: Sequence[Annotation],
) -> Series:
    months = [_chart_month(row) for row in _with_gaps(rows)]
    chart = month_chart(
        months,
        title=f"{name}: {metric.title}",
        unit=metric.unit,
        usual=_usual(changes.get("usual_range")),
        notes=chart_notes(happened, [one.month for one in months]),
    )
    said = {method: change.sentence for method, change in changes.items() if change.sentence}
    return Series(
        metric=metric,
        anchor=anchor,
        chart=chart,
        no_chart="" if chart else _no_chart(rows),
        sentences=tuple(said[method] for method in ("month_trend", "usual_range") if method in said),
        silence=_silence(rows, changes.get("month_trend")) if chart else "",
        quarter=said.get("quarter_comparison"),
        marked=marked_sentence(happened, [one.month for one in months]),
        rows=tuple(table_row(row) for row in rows),
    )


def _usual(change: ChangeRow | None) -> tuple[float, float] | None:
    if change is None or change.usual_low is None or change.usual_high is None:
        return None
    return change.usual_low, change.usual_high


def _no_chart(rows: Sequence[TrendRow]) -> str:
    """Why there is no chart. Predicate: fewer than two months have a value that may be shown."""
    withheld = sum(bool(row.withheld) for row in rows)
    if withheld == len(rows):
        return f"No chart: all {counted(len(rows), 'month')} are withheld."
    with_value = sum(row.value is not None for row in rows)
    return (
        f"No chart: {with_value or 'no'} {'month has' if with_value == 1 else 'months have'} a value to draw."
    )


def _silence(rows: Sequence[TrendRow], trend: ChangeRow | None) -> str:
    """Why nothing is said of a trend under a chart. Predicate: nothing is, for the reason given."""
    if trend is not None and trend.sentence:
        return ""
    if trend is not None and trend.is_withheld:
        return "Nothing is said of a trend: some of the months it rests on are withheld."
    if all(row.is_so_far for row in rows):
        return "Nothing is said of a trend yet: every month here can still change."
    return "Nothing is said of a trend: no final month of the last twelve has a case."


def _with_gaps(rows: Sequence[TrendRow]) -> list[TrendRow | str]:
    """The rows with the months between them that have none, so that distances in time are kept."""
    by_month = {row.month: row for row in rows}
    first, last = (12 * int(month[:4]) + int(month[5:]) - 1 for month in (rows[0].month, rows[-1].month))
    months = [f"{index // 12}-{index % 12 + 1:02d}" for index in range(first, last + 1)]
    return [by_month.get(month, month) for month in months]


def _chart_month(row: TrendRow | str) -> ChartMonth:
    if isinstance(row, str):
        return ChartMonth(month=row)
    return ChartMonth(
        month=row.month,
        n=row.n,
        value=row.value,
        ci_low=row.ci_low,
        ci_high=row.ci_high,
        is_hollow=row.is_so_far,
        joins=not row.hole and row.completeness != "incomplete",
    )


def table_row(row: TrendRow) -> TableRow:
    """A row in words; where it is withheld, the reason stands in place of every number."""
    state = "so far" if row.is_so_far else "final"
    if row.hole:
        state += f"; {worded('holes', row.hole)}"
    return TableRow(
        month=short_month(row.month),
        withheld=row.withheld,
        numbers=() if row.withheld else _numbers(row),
        state=state,
        sources=worded("completeness", row.completeness),
    )


def _numbers(row: TrendRow) -> tuple[str, str, str, str]:
    """Cases, value, interval, difference to the month before."""
    if row.status == "no_activity":
        return "0", worded("statuses", row.status), "", ""
    cases = f"{row.numerator} of {row.denominator}" if row.denominator is not None else f"{row.n or 0}"
    cases += f"; {row.beside}" if row.beside else ""
    if row.value is None:
        return cases, worded("statuses", row.status) if row.status != "ok" else "open", "", ""
    delta = delta_text(row.delta, row.unit)
    if delta and row.is_delta_provisional:
        delta += " (so far)"
    if not delta and row.delta_reason in ("previous_withheld", "segment_change"):
        delta = worded("deltas", row.delta_reason)
    return (
        cases,
        value_text(row.value, row.unit),
        interval_text(row.ci_low, row.ci_high, row.unit, statistic=row.statistic),
        delta,
    )
