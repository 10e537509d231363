"""The command ``evenhand``.

Here: commands, their options and their help. Each imports what it needs when it is called, because Dagster
and the data libraries take seconds and ``evenhand --help`` should take none.
Not here: what a command does (``commands``).
"""

import os
from pathlib import Path
from typing import Annotated

import typer

from pipelines.console import errors_in_words
from warehouse.storage import PRIVATE

app = typer.Typer(
    name="evenhand",
    help="Evidence packets and honest month-over-month trends from code review data.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

Config = Annotated[
    Path | None,
    typer.Option(
        "--config", help="evenhand.toml; default: here, then EVENHAND_CONFIG, then the user's folder."
    ),
]
AsOf = Annotated[
    str | None,
    typer.Option("--as-of", help="A past instant such as 2026-05-31 or 2026-05-31T12:00:00Z (UTC)."),
]


@app.command()
def demo(
    engineers: Annotated[
        int | None, typer.Option(help="How many engineers (5 to 2000); 40 unless told.")
    ] = None,
    months: Annotated[int | None, typer.Option(help="How many months (3 to 36); 14 unless told.")] = None,
    out: Annotated[Path, typer.Option(help="Folder for everything; it is its own storage.")] = Path("demo"),
) -> None:
    """Make up a small organisation and run the real pipeline on it. No network, no tokens.

    Run again on the same folder, it plays the next night.

    Example: evenhand demo --out /tmp/evenhand-demo
    """
    from pipelines import commands

    with errors_in_words():
        commands.demo(engineers=engineers, months=months, out=out)


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="Where the files go.")] = Path(),
) -> None:
    """Write a commented evenhand.toml, people.csv, calendar.csv and services.csv.

    Example: evenhand init
    """
    from pipelines import commands

    with errors_in_words():
        commands.init(folder)


@app.command()
def run(
    source: Annotated[
        list[str] | None,
        typer.Option(help="Pull only this source (github, jira, organization); may be repeated."),
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="Read everything again, and not only what has changed.")
    ] = False,
    as_of: AsOf = None,
    config: Config = None,
) -> None:
    """Run the nightly job now, in this process: pull, build, check, publish.

    With --as-of nothing is pulled: the database of that instant is rebuilt beside the published one.

    Exit codes: 0 fine, 1 failed, 2 wrong usage, 3 ran but something is missing or a check failed.

    Example: evenhand run
    """
    from pipelines import commands

    with errors_in_words():
        commands.run(config=config, only=source, full=full, as_of=as_of)


@app.command()
def packet(
    person: Annotated[str | None, typer.Argument(help="Roster id, e-mail or login.")] = None,
    quarter: Annotated[str | None, typer.Option(help="2026-Q2 (2026Q2 is understood).")] = None,
    manager: Annotated[str | None, typer.Option(help="Packets of everybody this person manages.")] = None,
    team: Annotated[str | None, typer.Option(help="Packets of a team.")] = None,
    everybody: Annotated[bool, typer.Option("--all", help="Packets of everybody.")] = False,
    formats: Annotated[
        str, typer.Option("--format", help="html, csv, json; several with commas.")
    ] = "html,csv,json",
    as_of: AsOf = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder; default: packets/ in the storage, with --as-of that of the day."),
    ] = None,
    config: Config = None,
) -> None:
    """Write the evidence packet of a person, or those of a manager's reports, a team, or everybody.

    Example: evenhand packet ana --quarter 2026-Q2
    """
    from pipelines import commands

    with errors_in_words():
        commands.packet(
            commands.PacketRequest(
                person=person,
                quarter=quarter,
                manager=manager,
                team=team,
                everybody=everybody,
                formats=formats,
                as_of=as_of,
                out=out,
            ),
            config=config,
        )


@app.command()
def trends(
    team: Annotated[str | None, typer.Option(help="Only this team.")] = None,
    service: Annotated[str | None, typer.Option(help="Only this service.")] = None,
    metric: Annotated[str | None, typer.Option(help="Only this metric.")] = None,
    months: Annotated[int, typer.Option(min=1, help="How many months.")] = 12,
    form: Annotated[str, typer.Option("--format", help="table, csv or html.")] = "table",
    config: Config = None,
) -> None:
    """Month-over-month tables by team and service, never by person.

    Example: evenhand trends --team payments --months 6
    """
    from pipelines import commands

    with errors_in_words():
        commands.trends(config=config, team=team, service=service, metric=metric, months=months, form=form)


@app.command()
def metrics(
    metric_id: Annotated[str | None, typer.Argument(metavar="[ID]", help="One metric in full.")] = None,
) -> None:
    """The catalogue of metrics, in words.

    Example: evenhand metrics rq_response_24h
    """
    from pipelines import commands

    with errors_in_words():
        commands.metrics(metric_id)


@app.command()
def completeness(
    everything: Annotated[bool, typer.Option("--all", help="Complete months too, one by one.")] = False,
    config: Config = None,
) -> None:
    """What there should be and what is stored, by repository; months that are not complete, with the reason.

    Exit code 3 where a month is incomplete.

    Example: evenhand completeness
    """
    from pipelines import upkeep

    with errors_in_words():
        upkeep.completeness(config=config, everything=everything)


@app.command()
def identities(
    config: Config = None,
) -> None:
    """Whose accounts are whose, from the identity journal, and the accounts that nobody claims.

    Example: evenhand identities
    """
    from pipelines import upkeep

    with errors_in_words():
        upkeep.identities(config=config)


@app.command()
def doctor(config: Config = None) -> None:
    """Try each source: reachable, token valid, clock, repositories visible, accounts claimed.

    Exit code 3 where something is missing.

    Example: evenhand doctor
    """
    from pipelines import upkeep

    with errors_in_words():
        upkeep.doctor(config=config)


@app.command()
def sql(
    query: Annotated[str | None, typer.Argument(help="One statement; without it, standard input.")] = None,
    form: Annotated[str, typer.Option("--format", help="table, csv or json.")] = "table",
    analyst: Annotated[
        bool, typer.Option("--analyst", help="Ask the analysts' file: no persons in it.")
    ] = False,
    config: Config = None,
) -> None:
    """Read-only SQL on the published snapshot, also while a night runs.

    Example: evenhand sql "SELECT period, value, n FROM trends.periods WHERE subject_id = 'payments'"
    """
    from pipelines import commands

    with errors_in_words():
        commands.sql(query, config=config, form=form, analyst=analyst)


def main() -> None:
    """Entry point of the ``evenhand`` command. What it writes is the operator's alone."""
    os.umask(PRIVATE)
    app()


if __name__ == "__main__":
    main()
