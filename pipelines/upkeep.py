"""What an operator asks of an installation: is it whole, does it work.

Here: the commands ``completeness`` and ``doctor``.
Not here: whose accounts are whose (``identities``), the commands that run or show something (``commands``).
"""

from pathlib import Path

from pipelines.commands import night_of, print_table, published, settings_from
from pipelines.console import CHECK_FAILED, Clock, Exit, note, say


def completeness(*, config: Path | None, everything: bool) -> None:
    """The ledger: a line per repository, then the months that are not complete."""
    settings = settings_from(config)
    with published(settings) as connection:
        whole = connection.execute(_LEDGER_BY_SCOPE).fetchall()
        months = connection.execute(_LEDGER_MONTHS, {"everything": everything}).fetchall()
    if not whole:
        say("Nothing has been read yet.")
        return
    print_table(
        ["source", "scope", "complete", "unknown", "incomplete", "stored", "expected", "rejected", "deleted"],
        [["" if cell is None else str(cell) for cell in row] for row in whole],
    )
    if months:
        print_table(
            ["scope", "months", "status", "stored", "expected", "rejected", "deleted", "reason"],
            [["" if cell is None else str(cell) for cell in row] for row in months],
        )
    if any(row[4] for row in whole):
        note("Some months are incomplete: they enter no trend. `evenhand run` tries to close gaps.")
        raise Exit(CHECK_FAILED)
    say("No month is incomplete." if any(row[3] for row in whole) else "Every month is complete.")


_LEDGER_BY_SCOPE = """
SELECT
    ledger.source,
    coalesce(repositories.name_with_owner, ledger.scope) AS scope,
    count(*) FILTER (WHERE ledger.status = 'complete'),
    count(*) FILTER (WHERE ledger.status = 'unknown'),
    count(*) FILTER (WHERE ledger.status = 'incomplete'),
    sum(ledger.stored)::BIGINT AS stored,
    sum(ledger.expected)::BIGINT AS expected,
    max(ledger.rejected) AS rejected,
    sum(ledger.deleted)::BIGINT AS deleted
FROM ops.completeness AS ledger
LEFT JOIN core.repositories AS repositories ON repositories.repository_id = ledger.scope
GROUP BY ledger.source, ledger.scope, repositories.name_with_owner
ORDER BY ledger.source, scope
"""
_LEDGER_MONTHS = """
SELECT
    coalesce(repositories.name_with_owner, ledger.scope) AS scope,
    min(strftime(ledger.month_start, '%Y-%m'))
        || CASE WHEN count(*) > 1 THEN ' to ' || max(strftime(ledger.month_start, '%Y-%m')) ELSE '' END
        AS months,
    ledger.status,
    sum(ledger.stored)::BIGINT AS stored,
    sum(ledger.expected)::BIGINT AS expected,
    max(ledger.rejected) AS rejected,
    sum(ledger.deleted)::BIGINT AS deleted,
    ledger.reason
FROM (
    SELECT
        *,
        year(month_start) * 12 + month(month_start) - row_number() OVER (
            PARTITION BY source, scope, status, reason ORDER BY month_start
        ) AS stretch
    FROM ops.completeness
) AS ledger
LEFT JOIN core.repositories AS repositories ON repositories.repository_id = ledger.scope
WHERE $everything OR ledger.status <> 'complete'
GROUP BY
    ledger.scope,
    repositories.name_with_owner,
    ledger.status,
    ledger.reason,
    ledger.stretch,
    CASE WHEN $everything OR ledger.status = 'incomplete' THEN ledger.month_start END
ORDER BY scope, months
"""


def doctor(*, config: Path | None) -> None:
    """Try what a night needs, and say what is missing."""
    from pipelines.doctor import examine

    settings = settings_from(config)
    findings = examine(night_of(settings), Clock.now_utc())
    for finding in findings:
        say(f"{'ok     ' if finding.is_fine else 'MISSING'}  {finding.text}")
    if not all(finding.is_fine for finding in findings):
        raise Exit(CHECK_FAILED)
