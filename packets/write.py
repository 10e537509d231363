"""A packet as files: HTML to read and print, CSV of the evidence, JSON for machines.

Here: layout only. The same packet gives the same bytes.
Not here: anything a packet says (packet).
"""

import csv
import io
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from markupsafe import Markup, escape

from packets.annotations import Annotation, chart_notes, marked_sentence
from packets.catalogue import FAMILIES
from packets.charts import ChartMonth, month_chart
from packets.evidence import Case, Reading
from packets.features import FEATURES_ID
from packets.figures import Figure, Month
from packets.key_services import KEY_SERVICES_ID
from packets.packet import Packet, document
from packets.rendering import mail_link, stylesheet, template
from packets.unrequested import CONTEXT_ID
from packets.words import amount_text, day_text, delta_text, interval_text, value_text, worded
from transforms.ladder import month_name, percent, two_digits

EVIDENCE_COLUMNS = (
    *("evidence_id", "metric", "metric_title", "definition_version", "month", "anchor_date", "in_quarter"),
    *("ref", "title", "link", "outcome", "outcome_words", "why", "why_words", "counts_as"),
    *("amount", "unit", "case_id"),
)
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
_EVIDENCE_ID = re.compile(r"E\d+")
_BRACKETS = re.compile(r"\[E\d+(?:, E\d+)*(?: and \d+ more)?\]")
_SHARE_CLASSES = ("numerator", "denominator")
_CONTEXT_TITLES = {
    CONTEXT_ID: "Reviews of other people's pull requests (context, no metric)",
    FEATURES_ID: "Changes built for features (context, no metric)",
    KEY_SERVICES_ID: "Changes to key services that are not in production yet (context, no metric)",
}


FORMATS = ("html", "csv", "json")


def write_packet(packet: Packet, folder: Path, formats: Sequence[str] = FORMATS) -> dict[str, Path]:
    """Writes ``packet.<format>`` into the folder, making it if missing. Gives the file of each format."""
    folder.mkdir(parents=True, exist_ok=True)
    writers = {"html": packet_html, "csv": packet_csv, "json": packet_json}
    written = {name: folder / f"packet.{name}" for name in formats}
    for name, path in written.items():
        path.write_text(writers[name](packet), encoding="utf-8", newline="")
    return written


def packet_json(packet: Packet) -> str:
    """The packet for machines; keys are the field names of :class:`Packet`."""
    return json.dumps(document(packet), indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def packet_csv(packet: Packet) -> str:
    """One row per metric and case, so that every number can be recounted with a filter."""
    titles = {entry.metric_id: entry for entry in packet.misreadings}
    rows = []
    for case in packet.cases:
        for reading in case.readings:
            known = titles.get(reading.metric_id)
            rows.append(
                (
                    case.evidence_id,
                    reading.metric_id,
                    known.title if known else _CONTEXT_TITLES[reading.metric_id],
                    known.definition_version if known else "",
                    case.month,
                    case.anchor_date,
                    "yes" if case.in_quarter else "no",
                    case.ref,
                    case.title,
                    case.link or "",
                    reading.outcome,
                    reading.outcome_words,
                    reading.why,
                    reading.why_words,
                    reading.counts_as,
                    reading.amount,
                    reading.unit,
                    case.case_id,
                )
            )
    return csv_text(EVIDENCE_COLUMNS, rows)


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A CSV table in which no cell of text can be taken for a formula by a spreadsheet."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return out.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return "'" + value
    return "" if value is None else value


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceGroup:
    """The cases that the same metrics read, as one table of the page."""

    title: str
    in_quarter: tuple[Case, ...]
    earlier: tuple[Case, ...]

    @property
    def has_reasons(self) -> bool:
        """Some case has a reason or an amount, so that there is something to put into those columns."""
        return any(
            reading.why or reading.amount is not None
            for case in (*self.in_quarter, *self.earlier)
            for reading in case.readings
        )


_OF_REQUESTS = ("rq_response_24h", "rq_first_response_time")


def _beside_reviews_given(packet: Packet) -> str | None:
    """The figure of review requests that the reviews nobody asked for are told beside, if there is one."""
    shown = [entry.metric_id for entry in packet.figures if entry.metric_id in _OF_REQUESTS]
    return shown[0] if shown and packet.reviews_given else None


_NO_DIRECTION = {
    "steady": "Nothing can be said to have changed in these",
    "so_far": "The quarter is not settled, so nothing is called a change yet; so far",
    "too_few": "Too few cases to compare",
}
"""How page one begins the list of what has no direction, by the reason."""


def packet_html(packet: Packet) -> str:
    """The page. It asks nobody for anything and needs no script."""
    charts = {entry.metric_id: figure_chart(entry, packet.annotations) for entry in packet.figures}
    return template("packet.html.j2").render(
        packet=packet,
        openings=_NO_DIRECTION,
        stylesheet=stylesheet(),
        families=[
            (title, [entry for entry in packet.figures if entry.family == family])
            for family, title in _families(packet.figures)
        ],
        charts=charts,
        marked={
            entry.metric_id: marked_sentence(packet.annotations, [row.month for row in entry.months])
            for entry in packet.figures
        },
        legend=chart_legend([entry for entry in packet.figures if charts[entry.metric_id]]),
        beside_reviews_given=_beside_reviews_given(packet),
        groups=_groups(packet),
        wrong=lambda case: _mail(packet, case, "This is wrong", "What is wrong, and what would be right?"),
        missing=lambda case: _mail(
            packet, case, "Something is missing", "What is missing here, with a link?"
        ),
        add=mail_link(
            f"Something is missing: packet {packet.packet_id}",
            f"Packet: {packet.packet_id}\n\nWhat is missing, with a link to it?\n",
        ),
        amount_text=amount_text,
        cell_texts=month_texts,
        day=lambda text: day_text(date.fromisoformat(text)),
        month_name=month_name,
        percent=percent,
        evidence_link=evidence_link,
        cited=cited,
        metric_title={entry.metric_id: entry.title for entry in packet.misreadings} | _CONTEXT_TITLES,
        readings_shown=readings_shown,
    )


def _families(figures: Sequence[Figure]) -> list[tuple[str, str]]:
    present = list(dict.fromkeys(entry.family for entry in figures))
    return [(family, FAMILIES.get(family, family.replace("_", " ").capitalize())) for family in present]


def figure_chart(entry: Figure, happened: Sequence[Annotation] = ()) -> Markup | None:
    """The chart of a figure that stands on its quarter; the rungs below it have none."""
    if entry.rung != "quarter":
        return None
    months = [
        ChartMonth(
            month=row.month,
            n=row.n,
            value=row.value,
            ci_low=row.ci_low,
            ci_high=row.ci_high,
            is_hollow=row.state != "final",
            joins=_joins(row),
        )
        for row in entry.months
    ]
    return month_chart(
        months,
        title=entry.title,
        unit=entry.unit,
        usual=_usual(entry),
        notes=chart_notes(happened, [row.month for row in entry.months]),
    )


def _usual(entry: Figure) -> tuple[float, float] | None:
    low, high = entry.change.usual_low, entry.change.usual_high
    return None if low is None or high is None else (low, high)


def chart_legend(figures: Sequence[Figure]) -> str:
    """How to read the marks of these charts, said once; each part only where such a mark is drawn."""
    if not figures:
        return ""
    drawn = [row for entry in figures for row in entry.months if row.value is not None]
    told = ["Charts are by month, with 95% intervals; n below."]
    if any(_usual(entry) for entry in figures):
        told.append("Grey band: the usual range, from the months before the newest final one.")
    if any(row.state != "final" for row in drawn):
        told.append("Hollow: so far.")
    if any(row.state == "final" and not _joins(row) for row in drawn):
        told.append("Grey marks: kept apart, for the reason in the table.")
    if len(drawn) < sum(len(entry.months) for entry in figures):
        told.append("A gap: no value.")
    return " ".join(told)


def _joins(row: Month) -> bool:
    return row.is_current_segment and not row.hole and row.completeness != "incomplete"


def month_texts(row: Month, entry: Figure) -> tuple[str, ...]:
    """A month as the cells of its table: n, share of, value, interval, difference, state, completeness."""
    of = f"{row.numerator} of {row.denominator}" if row.denominator is not None else two_digits(float(row.n))
    if row.value is None:
        value = (
            ""
            if entry.rung != "quarter"
            else worded("statuses", row.status)
            if row.status != "ok"
            else "open"
        )
        interval = ""
    else:
        value = value_text(row.value, entry.unit)
        interval = interval_text(row.ci_low, row.ci_high, entry.unit, statistic=entry.statistic)
    state = [] if row.state == "final" else ["so far"]
    state += [worded("holes", row.hole)] if row.hole else []
    state += [] if row.is_current_segment else ["before a change of role, level or team"]
    delta = delta_text(row.delta, entry.unit)
    return (
        month_name(row.month),
        of,
        value,
        interval,
        f"{delta} (so far)" if delta and row.is_delta_provisional else delta,
        "; ".join(state) or "final",
        worded("completeness", row.completeness),
    )


def _groups(packet: Packet) -> list[EvidenceGroup]:
    titles = {entry.metric_id: entry.title for entry in packet.misreadings} | _CONTEXT_TITLES
    together: dict[tuple[str, ...], list[Case]] = {}
    for case in packet.cases:
        together.setdefault(tuple(reading.metric_id for reading in case.readings), []).append(case)
    return [
        EvidenceGroup(
            title=" \N{MIDDLE DOT} ".join(titles[metric_id] for metric_id in ids),
            in_quarter=tuple(case for case in cases if case.in_quarter),
            earlier=tuple(case for case in cases if not case.in_quarter),
        )
        for ids, cases in together.items()
    ]


def readings_shown(case: Case) -> tuple[Reading, ...]:
    """The readings of a case, those that decided the same only once, in the words of a share if any."""
    shown: dict[tuple[str, str, float | None], Reading] = {}
    by_share_first = sorted(case.readings, key=lambda reading: reading.counts_as not in _SHARE_CLASSES)
    for reading in by_share_first:
        shown.setdefault((reading.outcome, reading.why, reading.amount), reading)
    return tuple(shown.values())


def _mail(packet: Packet, case: Case, what: str, question: str) -> str:
    return mail_link(
        f"{what}: {case.evidence_id} in packet {packet.packet_id}",
        f"Packet: {packet.packet_id}\nEvidence: {case.evidence_id}\nCase: {case.case_id}\n\n{question}\n",
    )


def evidence_link(evidence_id: str) -> Markup:
    """An evidence id as a link to its row."""
    return Markup('<a class="ev" href="#{0}">{0}</a>').format(evidence_id)


def cited(sentence: str) -> Markup:
    """A sentence with the ids in its brackets as links; all of it escaped first."""
    return Markup(
        _BRACKETS.sub(
            lambda found: _EVIDENCE_ID.sub(lambda one: str(evidence_link(one[0])), found[0]),
            str(escape(sentence)),
        )
    )
