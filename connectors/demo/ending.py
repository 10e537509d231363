"""How a made-up pull request ends: merged, closed, opened again, or left open.

Here: reminders, requests taken back, merging and closing.
Not here: reviews (``reviewing``).
"""

from connectors.demo.calendar import NEVER
from connectors.demo.life import HOUR, Life
from connectors.demo.people import Person

NUDGES = 3


def nudge(life: Life, at: int) -> None:
    """Days later: merge what is approved, remind, or ask somebody else; in the end do without."""
    rnd = life.rnd
    life.nudges += 1
    if life.approvals and not life.objections:
        life.plan_merge(at, HOUR)
    elif life.nudges > NUDGES:
        if rnd.random() < 0.6:
            life.objections.clear()
            life.plan_merge(at, HOUR)
        elif rnd.random() < 0.7:
            close(life, at)
        return
    elif life.awaited and rnd.random() < 0.4:
        waited_for = life.people[next(iter(life.awaited))]
        repeat(life, waited_for, at)
    else:
        life.ask_another(at)
    life.plan_nudge(at)


def repeat(life: Life, reviewer: Person, at: int) -> None:
    """Ask somebody who is asked already: one more event, no new request."""
    life.book.event("ReviewRequestedEvent", at, life.account(reviewer, at))


def remove(life: Life, reviewer: Person, at: int) -> None:
    """Take a request back; half the time somebody else is asked instead."""
    life.awaited.pop(reviewer.person)
    life.book.event("ReviewRequestRemovedEvent", at, life.account(reviewer, at))
    if life.rnd.random() < 0.5:
        life.ask_another(at + 20)


def merge(life: Life, at: int) -> None:
    """Merge, unless somebody asked for changes and still waits for them."""
    if life.objections and life.fate != "unreviewed" and life.rnd.random() < 0.9:
        return
    life.book.merged_at = life.ended_at = at
    life.book.event("ClosedEvent", at)  # GitHub closes what it merges, in the same second


def close(life: Life, at: int) -> None:
    life.ended_at = at
    life.book.event("ClosedEvent", at)
    if life.rnd.random() < 0.3:
        life.plan_step("reopen", life.after(life.keeper, at, life.spread(5 * HOUR)), life.keeper)


def reopen(life: Life, at: int) -> None:
    life.book.event("ReopenedEvent", at)
    life.ended_at = NEVER
    life.fate = "reviewed"
    life.plan_merge(at, 6 * HOUR)
