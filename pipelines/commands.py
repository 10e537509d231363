"""What the commands do.

Here: from options to the functions that do the work, and the words for what was done.
Not here: options and help (``cli``). Slow imports stand in the functions that need them.
"""

import csv
import io
import json
import shlex
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pipelines.console import CHECK_FAILED, Clock, Exit, Progress, UsageProblemError, note, say
from pipelines.settings import Settings, environment, find_settings_file, load_settings

if TYPE_CHECKING:
    import duckdb

    from connectors.demo.organization import Organization
    from metrics_catalog.catalogue import Metric
    from packets.trends import TrendRow
    from pipelines.nightly import Night

STARTER_FILES = ("evenhand.toml", "people.csv", "calendar.csv", "services.csv")


def init(folder: Path) -> None:
    """Write the starter files; a file that is there already is never overwritten."""
    folder.mkdir(parents=True, exist_ok=True)
    there = [name for name in STARTER_FILES if (folder / name).exists()]
    if there:
        raise UsageProblemError(
            f"{folder.resolve()} already has {', '.join(there)}. Nothing was written. "
            f"Move them away first, or name another folder."
        )
    for name in STARTER_FILES:
        (folder / name).write_text((files("pipelines") / "starter" / name).read_text("utf-8"), "utf-8")
    say(f"Wrote {', '.join(STARTER_FILES)} in {folder.resolve()}")
    say("Next: put your people into people.csv, export GITHUB_TOKEN, then `evenhand run`.")


def demo(*, engineers: int | None, months: int | None, out: Path) -> None:
    """Make up an organisation in a folder, or play its next night, and write packets and the trend page."""
    from connectors.demo.files import configuration_files, counted_files
    from connectors.demo.organization import make_organization

    path = out / "evenhand.toml"
    if path.exists():
        settings = load_settings(path)
        _same_organization(settings, out, engineers, months)
    else:
        if out.exists() and any(out.iterdir()):
            raise UsageProblemError(
                f"{out.resolve()} has files in it but no evenhand.toml. Nothing was written. "
                f"Name an empty folder with --out."
            )
        sizes = {"engineers": engineers, "months": months}
        known = {name: value for name, value in sizes.items() if value is not None}
        _check_sizes(known)
        out.mkdir(parents=True, exist_ok=True)
        for name, text in configuration_files(make_organization(**known)).items():
            _write(out / name, text)
        settings = load_settings(path)
    for name, text in counted_files(*_next_made_up_night(settings)).items():
        _write(out / name, text)
    is_whole = _run_night(night_of(settings))
    with published(settings) as connection:
        from packets.selection import newest_final_quarter, people_of
        from packets.trend_page import write_trend_page

        quarter = newest_final_quarter(connection)
        people = people_of(connection, quarter=quarter) if quarter is not None else []
        folders = _write_packets(
            connection, people, str(quarter), settings.storage_path / "packets", _FORMATS
        )
        page = write_trend_page(connection, settings.storage_path / "trends")
    say("")
    say(f"{len(folders)} packets of {quarter}: {settings.storage_path / 'packets' / str(quarter)}")
    if folders:
        say(f"  one of them: {_interesting(folders) / 'packet.html'}")
    say(f"Trend page: {page}")
    say(f'SQL: evenhand sql --config {path} "SELECT * FROM catalog.metrics"')
    say("Everybody in it is made up. Run it again to play the next night.")
    if not is_whole:
        note(f"Some checks gave warnings: {_look(path)}")


def _next_made_up_night(settings: Settings) -> "tuple[Organization, datetime]":
    from pipelines.sources import Asking, made_up_night

    return made_up_night(
        Asking(settings=settings, manifests=night_of(settings).landing.manifests()), "github"
    )


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def run(*, config: Path | None, only: Sequence[str] | None, full: bool, as_of: str | None) -> None:
    """The nightly job, or with an as-of a rebuild beside the published database."""
    settings = settings_from(config)
    from pipelines.sources import REGISTRY

    unknown = [name for name in only or () if name not in REGISTRY]
    if unknown:
        raise UsageProblemError(
            f"No source {unknown[0]!r}. Known: {', '.join(sorted(REGISTRY))}. Nothing was run."
        )
    night = night_of(settings, as_of)
    night.only = frozenset(only) if only else None
    night.full = full
    if night.as_of_utc is not None:
        if only or full:
            raise UsageProblemError(
                "--as-of rebuilds from what is landed and pulls nothing; leave out --source and --full."
            )
        from pipelines.nightly import rebuild

        _say_what_it_rests_on(night)
        say(f"Rebuilt as of {night.as_of_utc:%Y-%m-%d %H:%M:%S} UTC: {rebuild(night)}")
        note("Nothing was pulled; the published database, its packets and the journals stay as they were.")
        if not all(verdict.passed for verdict in night.verdicts):
            note("Something was missing then, or a check warns: see above.")
            raise Exit(CHECK_FAILED)
        return
    if not _run_night(night):
        note(f"It was published, but something is missing: {_look(config)}")
        raise Exit(CHECK_FAILED)


def _say_what_it_rests_on(night: "Night") -> None:
    """The loads of an as-of in words, and what nobody knows: before the first, or after the newest."""
    from packets.words import counted
    from pipelines.nightly import chosen_loads

    as_of_utc, loads = chosen_loads(night)
    for source in dict.fromkeys(load.manifest.source for load in loads):
        own = [load for load in loads if load.manifest.source == source]
        newest = own[-1].manifest.known_at_utc
        if own[-1].is_backfilled:
            night.say(
                f"{source}: no load by then. The first one, of {newest:%Y-%m-%d %H:%M} UTC, was taken "
                f"(backfilled): what was deleted before it nobody knows."
            )
        else:
            night.say(f"{source}: {counted(len(own), 'load')}, the newest of {newest:%Y-%m-%d %H:%M:%S} UTC")
    newest = max(load.manifest.known_at_utc for load in loads)
    if as_of_utc - newest > timedelta(days=2):
        night.say(
            f"Nothing was read between {newest:%Y-%m-%d %H:%M} UTC and then: what was open there counts as "
            f"open all that time."
        )


def _look(config: Path | None) -> str:
    """The command that lists what failed, of the same configuration."""
    named = f" --config {shlex.quote(str(config))}" if config is not None else ""
    return f'evenhand sql{named} "FROM ops.checks WHERE NOT passed"'


@dataclass(frozen=True, slots=True, kw_only=True)
class PacketRequest:
    """Whose packets of which quarter, in which formats, where."""

    person: str | None
    quarter: str | None
    manager: str | None
    team: str | None
    everybody: bool
    formats: str
    as_of: str | None
    out: Path | None


_FORMATS = ("html", "csv", "json")
_LATER_FORMATS = ("pdf", "md")


def packet(request: PacketRequest, *, config: Path | None) -> None:
    """Write packets, and say where."""
    formats = _formats(request.formats)
    asked = [request.person, request.manager, request.team, request.everybody or None]
    if sum(one is not None for one in asked) != 1:
        raise UsageProblemError(
            "Name one person, or --manager PERSON, or --team TEAM, or --all. Nothing was written.\n"
            "  evenhand packet ana --quarter 2026-Q2"
        )
    settings = settings_from(config)
    if not settings.packets.persons:
        from packets.packet import persons_are_off

        raise persons_are_off("persons are switched off in evenhand.toml")
    with published(settings, request.as_of) as connection:
        from packets.people import find_person
        from packets.quarters import parse_quarter
        from packets.selection import newest_final_quarter, people_of

        quarter = request.quarter or newest_final_quarter(connection)
        if quarter is None:
            raise UsageProblemError("There is no quarter with data yet. Nothing was written.")
        quarter = parse_quarter(quarter).name
        if request.person is not None:
            people = [request.person]
        else:
            manager = request.manager and find_person(connection, request.manager)["person_id"]
            people = people_of(connection, quarter=quarter, manager=manager, team=request.team)
        root = request.out or night_of(settings, request.as_of).readers_folder / "packets"
        for folder in _write_packets(connection, people, quarter, root, formats):
            say(str(folder / f"packet.{formats[0]}"))


def trends(
    *,
    config: Path | None,
    team: str | None,
    service: str | None,
    metric: str | None,
    months: int,
    form: str,
) -> None:
    """Trend tables of teams and services."""
    _one_of(form, ("table", "csv", "html"))
    settings = settings_from(config)
    with published(settings) as connection:
        if form == "html":
            from packets.trend_page import write_trend_page

            if team or service or metric:
                raise UsageProblemError(
                    "The html page shows every team and service; use table or csv to choose."
                )
            say(str(write_trend_page(connection, settings.storage_path / "trends", months=months)))
            return
        from packets.trends import trend_csv, trend_rows

        rows = trend_rows(connection, team=team, service=service, metric=metric, months=months)
        if form == "csv":
            sys.stdout.write(trend_csv(rows))
            return
        if not rows:
            say("No team or service has a case yet.")
            return
        print_table(*_trend_table(rows))


def metrics(metric_id: str | None) -> None:
    """The catalogue in words, or one metric in full."""
    from metrics_catalog.catalogue import load_catalogue, metric_named

    catalogue = load_catalogue()
    if metric_id is None:
        print_table(
            ["metric", "question", "unit", "direction", "describes"],
            [
                [metric.id, metric.question, metric.unit, metric.direction, ", ".join(metric.subjects)]
                for metric in catalogue.values()
            ],
        )
        say("One in full: evenhand metrics rq_response_24h")
        return
    metric = metric_named(catalogue, metric_id)
    effect = metric.min_effect
    if effect is None:
        size = "that is meaningful for the goal's metric"
    elif effect["kind"] == "abs":
        size = f"of {effect['value']:g}"
    else:
        size = f"of {effect['value']:.0%}, at least {effect['floor']:g}"
    final = (
        "as the goal's metric"
        if metric.maturity_days is None
        else f"{metric.maturity_days} days after the end"
    )
    say(f"{metric.id}  {metric.title}  (definition {metric.definition_version})")
    for name, text in (
        ("question", metric.question),
        ("formula", metric.formula),
        ("unit", f"{metric.unit}; {metric.direction}; interval {metric.interval}"),
        ("describes", ", ".join(metric.subjects)),
        ("seen by", metric.shown_to),
        (
            "month",
            f"by {metric.anchor}; clock: {metric.clock}; final {final}",
        ),
        ("needs", f"for a value: {metric.minimum_in_words}"),
        ("meaningful", f"a change {size}"),
        ("sources", ", ".join(metric.sources)),
        *([("missing", _missing(metric))] if metric.inputs else []),
        ("misread", " ".join(metric.misreadings)),
        ("gamed", metric.gaming),
        ("after", metric.source),
        ("owner", metric.owner),
    ):
        say(f"  {name:<10} {text}")


def _missing(metric: "Metric") -> str:
    """What none of the sources that can be connected tells."""
    from transforms.core.build import known_sources, source_gaps

    gap = source_gaps({metric.id: metric}, known_sources()).get(metric.id)
    return f"{gap}: no cell is made" if gap else "nothing, where the sources named are connected"


def sql(query: str | None, *, config: Path | None, form: str, analyst: bool) -> None:
    """Read-only SQL on a published file."""
    import duckdb

    _one_of(form, ("table", "csv", "json"))
    settings = settings_from(config)
    text = query if query is not None else ("" if sys.stdin.isatty() else sys.stdin.read())
    if not text.strip():
        text = "SELECT DISTINCT table_name FROM catalog.columns ORDER BY table_name"
        note("No query was given; these are the tables. Columns: SELECT * FROM catalog.columns")
    with published(settings, analyst=analyst) as connection:
        try:
            result = connection.execute(text)
            names = [column[0] for column in result.description or ()]
            rows = result.fetchall()
        except duckdb.Error as problem:
            raise UsageProblemError(f"{problem}\n  the published snapshot is read-only SQL") from None
    _print_rows(names, rows, form)


# ------------------------------------------------------------------------------------- shared


def settings_from(config: Path | None) -> Settings:
    return load_settings(find_settings_file(config, environment(), Path.cwd()))


def night_of(settings: Settings, as_of: str | None = None) -> "Night":
    from pipelines.nightly import Night

    return Night(
        settings=settings,
        environment=environment(),
        say=Progress(Clock()),
        as_of_utc=_instant(as_of) if as_of is not None else None,
    )


def _run_night(night: "Night") -> bool:
    from pipelines.job import run_nightly

    return run_nightly(night)


def _instant(text: str) -> datetime:
    """An instant in UTC; a date means its first instant in UTC."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise UsageProblemError(
            f"--as-of {text!r} is not an instant. Wanted: 2026-05-31 or 2026-05-31T12:00:00Z."
        ) from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


@contextmanager
def published(
    settings: Settings, as_of: str | None = None, *, analyst: bool = False
) -> "Iterator[duckdb.DuckDBPyConnection]":
    """The published database, or that of a past as-of, which is rebuilt when it is not there."""
    from warehouse.connection import connect_reading
    from warehouse.publish import ANALYST, FULL

    night = night_of(settings, as_of)
    path = night.published_folder / (ANALYST if analyst else FULL)
    if as_of is not None:
        from pipelines.nightly import is_built, rebuild

        if not is_built(night):
            _say_what_it_rests_on(night)
            rebuild(night)
    if not path.exists():
        raise UsageProblemError(
            f"Nothing is published yet in {night.published_folder}. "
            f"`evenhand run` publishes the first database."
        )
    with connect_reading(path) as connection:
        yield connection


def _write_packets(
    connection: "duckdb.DuckDBPyConnection",
    people: Iterable[str],
    quarter: str,
    root: Path,
    formats: Sequence[str],
) -> list[Path]:
    from packets.packet import build_packet
    from packets.write import write_packet

    folders = []
    for person in people:
        built = build_packet(connection, person_id=person, quarter=quarter)
        folder = root / quarter / quote(built.person.person_id, safe="@")
        write_packet(built, folder, formats)
        folders.append(folder)
    return folders


def _interesting(folders: Sequence[Path]) -> Path:
    """The packet with the most evidence: an example that shows something."""
    return max(folders, key=lambda folder: ((folder / "packet.csv").stat().st_size, folder.name))


def _formats(text: str) -> tuple[str, ...]:
    asked = tuple(dict.fromkeys(part.strip().lower() for part in text.split(",") if part.strip()))
    for name in asked:
        if name in _LATER_FORMATS:
            raise UsageProblemError(
                f"Format {name} is not written by this version. Known: {', '.join(_FORMATS)}."
            )
        _one_of(name, _FORMATS)
    return asked or _FORMATS


def _one_of(value: str, known: Sequence[str]) -> None:
    if value not in known:
        raise UsageProblemError(f"--format {value!r} is not known. Known: {', '.join(known)}.")


def _same_organization(settings: Settings, out: Path, engineers: int | None, months: int | None) -> None:
    made = settings.sources.demo
    if made is None:
        raise UsageProblemError(
            f"{out / 'evenhand.toml'} is not a made-up organisation's. Name another folder with --out."
        )
    if (engineers or made.engineers, months or made.months) != (made.engineers, made.months):
        raise UsageProblemError(
            f"{out} holds {made.engineers} engineers and {made.months} months; "
            f"another size needs another folder (--out). Nothing was written."
        )


def _check_sizes(sizes: dict[str, int]) -> None:
    for name, low, high in (("engineers", 5, 2000), ("months", 3, 36)):
        value = sizes.get(name)
        if value is not None and not low <= value <= high:
            raise UsageProblemError(
                f"--{name} should lie between {low} and {high}, found {value}. Nothing was written."
            )


def _trend_table(rows: "Sequence[TrendRow]") -> tuple[list[str], list[list[str]]]:
    """The rows as a terminal shows them: numbers with their units, and words where there is none."""
    from packets.words import delta_text, interval_text, value_text

    names = ["", "metric", "month", "n", "value", "95% interval", "delta", "state", "completeness", "note"]
    cells = []
    for row in rows:
        is_shown = not row.withheld and row.value is not None
        note_ = row.withheld or row.hole or ("" if row.status == "ok" else row.status)
        cells.append(
            [
                f"{row.subject_kind} {row.subject_id}",
                row.metric_id,
                row.month,
                "" if row.withheld else str(row.n or 0),
                value_text(row.value, row.unit) if is_shown else "",
                interval_text(row.ci_low, row.ci_high, row.unit, statistic=row.statistic) if is_shown else "",
                delta_text(row.delta, row.unit) if row.delta is not None else "",
                "so far" if row.is_so_far else row.state,
                row.completeness,
                note_,
            ]
        )
    return names, cells


def _print_rows(names: Sequence[str], rows: Sequence[Sequence[Any]], form: str) -> None:
    if form == "json":
        say(json.dumps([dict(zip(names, row, strict=True)) for row in rows], default=str, indent=1))
    elif form == "csv":
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow(names)
        writer.writerows(rows)
        sys.stdout.write(buffer.getvalue())
    else:
        print_table(list(names), [["" if value is None else str(value) for value in row] for row in rows])


def print_table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table as wide as the terminal; elsewhere as wide as it needs to be."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in names:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*row)
    console = Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else 200)
    console.print(table)
