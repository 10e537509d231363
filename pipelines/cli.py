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
    help="Evidence packets and honest month-over-month trends of reviews, incidents, deployments, tickets.",
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
        typer.Option(
            help="Pull only this source (github, pagerduty, jira, incidents, organization); may be repeated."
        ),
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="Read and build everything again, and not only what has changed.")
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
def goals(
    action: Annotated[
        str, typer.Argument(help="check: where goals stand. workbench: what is known before one begins.")
    ] = "check",
    goal: Annotated[str | None, typer.Option(help="Only this goal.")] = None,
    config: Config = None,
) -> None:
    """Agreed goals as they were written: progress and margin so far, a verdict after maturity.

    The workbench says before the start what the past year was, how many cases that makes to expect, and
    whether that many can show the target clearly met or missed; and how it would end if nothing changes.

    Example: evenhand goals workbench
    """
    from pipelines import goals as agreed

    with errors_in_words():
        agreed.goals(action, config=config, goal_id=goal)


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


causes_app = typer.Typer(invoke_without_command=True, rich_markup_mode=None)
app.add_typer(causes_app, name="causes")


@causes_app.callback()
def causes(context: typer.Context, config: Config = None) -> None:
    """The queue of suspected incident causes per service, for their owners: list, settle.

    Without a word it does what `list` does. A suspicion by time alone counts nowhere until somebody who knows
    the service says yes; until then it is in the upper figure of a rate only.

    Example: evenhand causes
    """
    if context.invoked_subcommand is None:
        causes_list(service=None, everything=False, config=config)


@causes_app.command("list")
def causes_list(
    service: Annotated[str | None, typer.Option(help="One service only.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="The settled ones too.")] = False,
    config: Config = None,
) -> None:
    """Incidents that began within an hour after a deployment of their service, and what it carried.

    Beside them the incidents of the last four weeks that nothing explains: name a change if you know it.
    ``--all`` adds what is settled, and what notes and tickets name, which can be settled too.

    Example: evenhand causes list --service payments
    """
    from pipelines import causes

    with errors_in_words():
        causes.list_suspects(config=config, service=service, everything=everything)


@causes_app.command("settle")
def causes_settle(
    incident: Annotated[str, typer.Argument(help="The incident, as `list` names it.")],
    answer: Annotated[str, typer.Argument(help="yes, other_change, not_a_change, unknown; or reopen.")],
    change: Annotated[
        str | None,
        typer.Option(help="With other_change: the pull request (acme/api#12) or deployment that did it."),
    ] = None,
    by: Annotated[str | None, typer.Option(help="Who says so; you, unless told.")] = None,
    config: Config = None,
) -> None:
    """Say what caused an incident. The answer holds from the next run on and can be opened again.

    Example: evenhand causes settle 1042 yes
    """
    from pipelines import causes

    with errors_in_words():
        causes.settle(incident, answer, change=change, by=by, config=config)


identities_app = typer.Typer(invoke_without_command=True, rich_markup_mode=None)
app.add_typer(identities_app, name="identities")

AccountArgument = Annotated[str, typer.Argument(help="Its id, such as github:user/123, or its login.")]
PersonArgument = Annotated[str, typer.Argument(help="Roster id, as in people.csv.")]
Reason = Annotated[str, typer.Option(help="Why; it is kept in the journal.")]
By = Annotated[str | None, typer.Option(help="Who decides it; you, unless told.")]


@identities_app.callback()
def identities(context: typer.Context, config: Config = None) -> None:
    """Whose accounts are whose, and the journal that decides it: list, suggest, bind, merge, detach, exclude.

    Without a word it does what `list` does. Nothing is ever changed in the journal: what was wrong is taken
    back by another entry. Entries hold from the next run on.

    Example: evenhand identities
    """
    if context.invoked_subcommand is None:
        identities_list(only=None, history=False, config=config)


@identities_app.command("list")
def identities_list(
    only: Annotated[str | None, typer.Option(help="claimed, contested, unclaimed, excluded or bot.")] = None,
    history: Annotated[bool, typer.Option("--history", help="The journal instead, entry by entry.")] = False,
    config: Config = None,
) -> None:
    """Every account and whose it is, and the share of cases that have a person behind them.

    Exit code 3 where an account is contested.

    Example: evenhand identities list --only unclaimed
    """
    from pipelines import identities

    with errors_in_words():
        identities.list_accounts(config=config, only=only, history=history)


@identities_app.command("suggest")
def identities_suggest(config: Config = None) -> None:
    """Accounts that could be somebody's, with the evidence; nothing is applied.

    Evidence is a verified e-mail, the organisation's sign-on (SAML), an e-mail, or exactly the login that the
    person has at another source. Names are never evidence.

    Example: evenhand identities suggest
    """
    from pipelines import identities

    with errors_in_words():
        identities.suggest(config=config)


@identities_app.command("bind")
def identities_bind(
    account: AccountArgument,
    person: PersonArgument,
    reason: Reason,
    valid_from: Annotated[
        str | None, typer.Option("--from", help="First day, such as 2026-05-01; always, unless told.")
    ] = None,
    valid_to: Annotated[str | None, typer.Option("--to", help="First day after; still, unless told.")] = None,
    by: By = None,
    config: Config = None,
) -> None:
    """Give an account to a person; with --from and --to, for a stretch of days.

    Exit code 3 where somebody else claims it for the same days: then it is nobody's until that is settled.

    Example: evenhand identities bind github:user/123 ana --reason "her second account"
    """
    from pipelines import identities

    with errors_in_words():
        identities.bind(
            account,
            person,
            reason=reason,
            by=by,
            valid_from=valid_from,
            valid_to=valid_to,
            config=config,
        )


@identities_app.command("merge")
def identities_merge(
    person: PersonArgument,
    into: Annotated[str, typer.Argument(help="Roster id that is kept.")],
    reason: Reason,
    by: By = None,
    config: Config = None,
) -> None:
    """Say that two ids of the roster are one person.

    Example: evenhand identities merge ana2 ana --reason "came back under a new personnel number"
    """
    from pipelines import identities

    with errors_in_words():
        identities.merge(person, into, reason=reason, by=by, config=config)


@identities_app.command("detach")
def identities_detach(
    account: Annotated[str, typer.Argument(help="Account (id or login), or a roster id that was merged.")],
    reason: Reason,
    person: Annotated[
        str | None, typer.Argument(help="Whose claim to take back; all of them, unless told.")
    ] = None,
    by: By = None,
    config: Config = None,
) -> None:
    """Take back a binding, an exclusion or a merge. It stays in the journal, and so in the past.

    Example: evenhand identities detach github:user/123 bob --reason "a typing error in people.csv"
    """
    from pipelines import identities

    with errors_in_words():
        identities.detach(account, person, reason=reason, by=by, config=config)


@identities_app.command("exclude")
def identities_exclude(
    account: AccountArgument, reason: Reason, by: By = None, config: Config = None
) -> None:
    """Say that an account is nobody's in the roster; it is suggested and asked about no more.

    Example: evenhand identities exclude github:user/456 --reason "a customer's"
    """
    from pipelines import identities

    with errors_in_words():
        identities.exclude(account, reason=reason, by=by, config=config)


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
