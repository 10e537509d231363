"""One person, one quarter: everything a packet says, as data.

Here: reading the published database and putting the parts together. No layout, no clock, no environment.
Not here: HTML, CSV and JSON (write), and anything about another person.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import duckdb

from packets.annotations import Annotation, annotations_of_person
from packets.catalogue import HEADINGS, Metric, metrics
from packets.cells import cells_of, metric_cells
from packets.completeness import Completeness, completeness_of
from packets.coverage import Coverage, coverage_of
from packets.errors import PacketError
from packets.evidence import Case, cases_of, numbered, titles_of
from packets.features import Feature, Measured, built_by, features_of, service_numbers
from packets.figures import Figure, figure
from packets.goals import Goal, agreed_last_time, goals_of
from packets.key_services import HEALTHY, KeyService, key_services_of, touched_by
from packets.on_call import on_call_sentence
from packets.people import Absence, Person, absence_in, find_person, person_in
from packets.published import Publication, publication, read
from packets.quarters import Quarter, State, first_of, parse_quarter
from packets.questions import Material, Question, questions
from packets.rubric import Dimension, dimensions
from packets.talking_points import RULE_TEXT, TalkingPoint, surroundings, talking_points
from packets.unrequested import reviews_given
from packets.words import counted, day_text, instant_text, listed, plain
from transforms.changes.sentences import STEADY, chance_sentence
from transforms.ladder import InformativeShare, informative_share, month_name

FORMAT = "1"
FEW_FIGURES = "Few figures here rest on enough cases; read the cases."
HOURS_ARE = (
    "Hours are hours of the person's working days, whole days:"
    " Friday 16:00 to Monday 16:00 is 24 h, one working day."
)
_FEW = 1 / 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """The quarter and how far it has come."""

    quarter: str
    first_day: str
    last_day: str
    state: State
    state_sentence: str
    as_of_utc: datetime
    as_of_local: str
    reporting_timezone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Misreading:
    """How one metric can be misread and gamed, and the version of its definition."""

    metric_id: str
    title: str
    definition_version: str
    formula: str
    misreadings: tuple[str, ...]
    gaming: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """A load the packet rests on."""

    load_id: str
    source: str
    known_at_utc: datetime
    is_backfilled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """From what the packet was made; the same of all of it gives the same bytes."""

    loads: tuple[Load, ...]
    code_version: str
    configuration_hash: str
    definitions_hash: str
    identities: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Packet:
    """Everything a packet says. ``content_checksum`` is over the canonical JSON of all the rest."""

    packet_id: str
    format: str
    organization: str
    person: Person
    period: Period
    completeness: Completeness
    absence: Absence
    other_halves: tuple[str, ...]
    opening: str | None
    points: tuple[TalkingPoint, ...]
    points_rule: str
    no_points: str | None
    hours_are: str | None
    outside: tuple[str, ...]
    annotations: tuple[Annotation, ...]
    agreed_last_time: str
    questions: tuple[Question, ...]
    rubric: tuple[Dimension, ...]
    figures: tuple[Figure, ...]
    reviews_given: str | None
    without_cases: str | None
    withheld: str | None
    source_gaps: tuple[str, ...]
    informative: InformativeShare
    by_chance: str
    steady: str
    rungs: dict[str, str]
    key_services: tuple[KeyService, ...]
    no_key_services: str | None
    features: tuple[Feature, ...]
    service_numbers: tuple[Measured, ...]
    goals: tuple[Goal, ...]
    no_goals: str | None
    corrections: str
    cases: tuple[Case, ...]
    misreadings: tuple[Misreading, ...]
    provenance: Provenance
    content_checksum: str = ""


def persons_are_off(found: str) -> PacketError:
    """What is said where there are no packets, by choice."""
    return PacketError(
        wanted="a packet about a person",
        found=found,
        what_to_do="Team tables work without packets: evenhand trends."
        " See [packets] persons in evenhand.toml.",
    )


def build_packet(connection: duckdb.DuckDBPyConnection, *, person_id: str, quarter: str) -> Packet:
    """The packet of one person (roster id, e-mail or login) and one quarter (``2026-Q2``).

    Raises :class:`PacketError` where there cannot be one: nobody of that name, persons switched off, a
    quarter outside the data or one in which the person was not in the roster.
    """
    published = publication(connection)
    if published.persons_from is None:
        raise persons_are_off(
            "this database has team and service tables only (ops.publication.persons is false)"
        )
    asked = parse_quarter(quarter)
    if asked.first_day < published.persons_from:
        raise PacketError(
            wanted=f"a packet of {asked.name}",
            found=f"persons were switched on later: their figures begin on {published.persons_from}",
            what_to_do="Earlier quarters have team and service tables only: evenhand trends.",
        )
    found = find_person(connection, person_id)
    _check_within_data(connection, asked, published)
    person, roster = person_in(connection, found, asked, published)
    known = metrics(connection)
    described = [metric for metric in known if metric.describes("person")]
    packet = _assemble(
        connection,
        asked=asked,
        published=published,
        person=person,
        measured=[metric for metric in described if not metric.source_gap],
        without_source=[metric for metric in described if metric.source_gap],
        goal_only=[metric for metric in known if metric.is_checked_as_a_goal],
        roster=roster,
    )
    return replace(packet, content_checksum=checksum(packet))


def _check_within_data(connection: duckdb.DuckDBPyConnection, asked: Quarter, published: Publication) -> None:
    if published.as_of_utc <= asked.begins_utc(published):
        raise PacketError(
            wanted=f"a packet for {asked.name}",
            found=f"the data end on {_as_of_day(published)}, before it begins",
            what_to_do="Ask for a quarter that has begun.",
        )
    (row,) = read(
        connection,
        """SELECT min(month_start) AS first_month FROM (
               SELECT month_start FROM ops.completeness
               UNION ALL SELECT period_start FROM trends.periods WHERE grain = 'month')
           ORDER BY first_month""",
    )
    first = row["first_month"]
    if first is None or asked.last_day < first:
        raise PacketError(
            wanted=f"a packet for {asked.name}",
            found=f"the data begin in {month_name(first.isoformat())}" if first else "no data at all",
            what_to_do="Ask for a later quarter, or read earlier months in ([sources.github] since).",
        )


def _as_of_day(published: Publication) -> str:
    return day_text(published.local(published.as_of_utc).date())


def _assemble(
    connection: duckdb.DuckDBPyConnection,
    *,
    asked: Quarter,
    published: Publication,
    person: Person,
    measured: Sequence[Metric],
    without_source: Sequence[Metric],
    goal_only: Sequence[Metric],
    roster: list[dict[str, Any]],
) -> Packet:
    cells = cells_of(connection, person_id=person.person_id, quarter=asked)
    withheld = [
        metric for metric in measured if metric_cells(metric, cells.get(metric.metric_id, []), ()).is_withheld
    ]
    shown = [metric for metric in measured if metric not in withheld]
    given = reviews_given(
        connection,
        person_id=person.person_id,
        begins_utc=asked.begins_utc(published),
        ends_utc=asked.ends_utc(published),
        published=published,
    )
    built = built_by(connection, person_id=person.person_id, quarter=asked, published=published)
    goals = goals_of(connection, person_id=person.person_id, quarter=asked, published=published)
    agreed = {goal.metric_id for goal in goals if goal.team is None}
    agreed_only = [metric for metric in goal_only if metric.metric_id in agreed]
    found = [
        *cases_of(connection, [*shown, *agreed_only], person_id=person.person_id, quarter=asked),
        *given.cases,
        *built.cases,
    ]
    held = [metric for metric in (*shown, *without_source) if metric.metric_id == HEALTHY]
    touched = (
        touched_by(
            connection,
            person_id=person.person_id,
            quarter=asked,
            published=published,
            known_cases={entry.case_id for entry in found},
            healthy=held[0],
        )
        if held
        else None
    )
    found += touched.cases if touched else ()
    titles = titles_of(connection, [case.ref for case in found])
    cases = numbered(found, titles=titles, quarter=asked, published=published)
    covered = coverage_of(connection, asked)
    figures = [
        figure(
            metric_cells(metric, cells.get(metric.metric_id, []), cases),
            asked,
            published,
            coverage=covered.caveat(metric.sources),
        )
        for metric in shown
    ]
    around = surroundings(connection, cases, person_id=person.person_id)
    points = talking_points(cases, around, published, better_when_counted=_good_sides(shown))
    absence = absence_in(connection, person.person_id, roster, asked, published)
    ledger = completeness_of(connection, asked, published)
    rungs = {entry.metric_id: str(entry.rung) for entry in figures} | {
        m.metric_id: "withheld" for m in withheld
    }
    rungs |= {metric.metric_id: "not_applicable" for metric in without_source}
    share = informative_share(rungs)
    happened = annotations_of_person(
        connection, person_id=person.person_id, quarter=asked, published=published
    )
    return Packet(
        packet_id=f"{person.person_id}/{asked.name}/{published.as_of_utc:%Y%m%dT%H%M%SZ}",
        format=FORMAT,
        organization=published.organization,
        person=person,
        period=_period(asked, published, max((metric.maturity_days for metric in measured), default=0)),
        completeness=ledger,
        absence=absence,
        other_halves=("Self-reflection: missing.", "Peer feedback: missing."),
        opening=_opening(share),
        points=points,
        points_rule=RULE_TEXT,
        no_points=None if points else "No case of this quarter counts towards a figure, so none is chosen.",
        hours_are=_hours_are(shown, cases),
        outside=(
            *_outside(absence, ledger, cases),
            *_on_call(cases, roster, published),
            *_in_context(figures),
            *(f"{one.told}." for one in happened if one.overlaps(asked.first_day, asked.last_day)),
        ),
        annotations=happened,
        agreed_last_time=agreed_last_time(goals),
        questions=questions(
            Material(
                cases=cases,
                points=points,
                away_dates=absence.away_dates,
                with_good_side=_good_sides(shown),
            )
        ),
        rubric=dimensions(figures, cases, points),
        figures=tuple(entry for entry in figures if entry.rung != "none"),
        reviews_given=given.sentence,
        without_cases=without_cases(figures),
        withheld=f"Withheld to protect raters: {listed([m.title for m in withheld], at_most=99)}."
        if withheld
        else None,
        source_gaps=tuple(f"{metric.title}: {metric.source_gap}." for metric in without_source),
        informative=share,
        by_chance=chance_sentence(
            comparisons=sum(bool(entry.comparison and entry.comparison.is_tested) for entry in figures),
            series=sum(entry.change.is_tested for entry in figures),
        ),
        steady=STEADY,
        rungs=dict(sorted(rungs.items())),
        key_services=key_services_of(touched, cases) if touched else (),
        no_key_services=touched.nothing if touched else None,
        features=features_of(built, cases, published),
        service_numbers=service_numbers(built),
        goals=goals,
        no_goals=None if goals else "No goals were agreed for this quarter.",
        corrections="None are open.",
        cases=cases,
        misreadings=tuple(_misreading(metric) for metric in (*shown, *agreed_only)),
        provenance=_provenance(connection, published, covered),
    )


def _hours_are(shown: Sequence[Metric], cases: Sequence[Case]) -> str | None:
    """Predicate: some case shows hours, and they are those of the working-day clock."""
    by_working_day = {metric.metric_id for metric in shown if metric.clock == "working_day"}
    readings = [reading for case in cases for reading in case.readings if reading.metric_id in by_working_day]
    return HOURS_ARE if any(reading.unit == "hours" for reading in readings) else None


def _good_sides(shown: Sequence[Metric]) -> frozenset[str]:
    return frozenset(
        metric.metric_id
        for metric in shown
        if metric.statistic == "share"
        and metric.direction == "higher_is_better"
        and metric.heading == "evidence"
        and not metric.confidential_whys  # a rating is no case to hold up
    )


def _period(asked: Quarter, published: Publication, maturity_days: int) -> Period:
    state = asked.state(published, maturity_days=maturity_days)
    final_on = day_text(published.local(asked.final_utc(published, maturity_days)).date())
    again = f"It becomes final on {final_on} and is issued again then."
    return Period(
        quarter=asked.name,
        first_day=asked.first_day.isoformat(),
        last_day=asked.last_day.isoformat(),
        state=state,
        state_sentence={
            "partial": f"So far: the quarter is still running. {again}",
            "provisional": f"So far: late events may still arrive. {again}",
            "final": f"Final since {final_on}.",
        }[state],
        as_of_utc=published.as_of_utc,
        as_of_local=instant_text(published.local(published.as_of_utc)),
        reporting_timezone=published.reporting_timezone,
    )


def _opening(share: InformativeShare) -> str | None:
    """Predicate: some metric applies and fewer than a third of them rest on enough cases."""
    few = share.informative_share is not None and share.informative_share < _FEW
    return FEW_FIGURES if few else None


def _outside(absence: Absence, ledger: Completeness, cases: Sequence[Case]) -> list[str]:
    told = []
    if absence.working_days_away:
        told.append(
            f"Away on {counted(absence.working_days_away, 'working day')}: {listed(absence.away, at_most=6)}."
        )
    else:
        told.append("Away: no working day recorded.")
    if absence.holidays:
        told.append(f"Public holidays on working days: {absence.holidays}.")
    left_out = [
        case.evidence_id
        for case in cases
        if case.in_quarter
        and case.readings
        and all(reading.counts_as == "excluded" for reading in case.readings)
    ]
    if left_out:
        rows = "its row" if len(left_out) == 1 else "their rows"
        told.append(
            f"{counted(len(left_out), 'case')} left out, for the reasons in {rows}:"
            f" {listed(left_out, at_most=6)}."
        )
    told += [f"Source gap: {gap}" for gap in ledger.gaps[:3]]
    return told


def _on_call(cases: Sequence[Case], roster: Sequence[Mapping[str, Any]], published: Publication) -> list[str]:
    """What the person carried on call, by the clock of the place where they were at the time."""

    def zone_at(instant_utc: datetime) -> ZoneInfo:
        there = [row for row in roster if (row["valid_from_utc"] or instant_utc) <= instant_utc]
        return ZoneInfo((there or list(roster))[-1]["tz"] if roster else published.reporting_timezone)

    told = on_call_sentence(cases, zone_at)
    return [told] if told else []


def _in_context(figures: Sequence[Figure]) -> list[str]:
    """What surrounds the person's own figures, such as how long their own work waited."""
    return [
        f"{entry.title}. {entry.sentences[0]}"
        for entry in figures
        if entry.heading == HEADINGS["context"] and entry.rung != "none" and entry.sentences
    ]


def without_cases(figures: Sequence[Figure]) -> str | None:
    """Which metrics have nothing to count, and since when: a former role's cases are not of this one."""
    titles: dict[str, list[str]] = {}
    for entry in figures:
        if entry.rung == "none":
            titles.setdefault(_nothing_since(entry), []).append(entry.title)
    told = [f"Nothing to count {since}: {listed(names, at_most=99)}." for since, names in titles.items()]
    return " ".join(told) or None


def _nothing_since(entry: Figure) -> str:
    """Predicate: the year has no case at all, or none since the month that is named."""
    earlier = [month for month in entry.months if not month.is_current_segment]
    if all(month.status == "no_activity" and not month.n_pending for month in earlier):
        return "in the last 12 months"
    began = next(month.month for month in entry.months if month.is_current_segment)
    return f"since {month_name(began)}, when the role, level or team changed or a long absence ended"


def _misreading(metric: Metric) -> Misreading:
    return Misreading(
        metric_id=metric.metric_id,
        title=metric.title,
        definition_version=metric.definition_version,
        formula=metric.formula,
        misreadings=metric.misreadings,
        gaming=metric.gaming,
    )


def _provenance(
    connection: duckdb.DuckDBPyConnection, published: Publication, covered: Coverage
) -> Provenance:
    rows = read(
        connection,
        """SELECT load_id, source, known_at_utc, is_backfilled FROM ops.loads
           ORDER BY known_at_utc DESC, load_id""",
    )
    return Provenance(
        loads=tuple(
            Load(
                load_id=plain(row["load_id"]),
                source=row["source"],
                known_at_utc=row["known_at_utc"],
                is_backfilled=bool(row["is_backfilled"]),
            )
            for row in rows
        ),
        code_version=published.code_version or "",
        configuration_hash=published.configuration_hash or "",
        definitions_hash=published.definitions_hash or "",
        identities=covered.sentences,
    )


def document(packet: Packet) -> dict[str, Any]:
    """The packet as JSON has it: field names as keys, instants in UTC, dates as written."""
    plain_fields: dict[str, Any] = _jsonable(asdict(packet))
    return plain_fields


def canonical_json(packet: Packet) -> str:
    """One spelling of the packet, without the checksum."""
    content = {key: value for key, value in document(packet).items() if key != "content_checksum"}
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def checksum(packet: Packet) -> str:
    """SHA-256 over the canonical JSON."""
    return hashlib.sha256(canonical_json(packet).encode()).hexdigest()


def _jsonable(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _jsonable(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_jsonable(entry) for entry in value]
    if isinstance(value, datetime):
        return f"{value.isoformat()}Z"
    return value.isoformat() if isinstance(value, date) else value


__all__ = ["Packet", "build_packet", "canonical_json", "checksum", "document", "first_of"]
