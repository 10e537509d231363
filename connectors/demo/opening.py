"""How a made-up pull request begins: draft or not, the machine's word, the first requests.

Here: what its author does at first, and what is planned from there.
Not here: answers (``reviewing``), ends (``ending``).
"""

from connectors.demo.life import HOUR, Life
from connectors.demo.organization import MACHINE_ACCOUNT


def open_pull_request(life: Life) -> None:
    rnd, book, keeper = life.rnd, life.book, life.keeper
    life.ready_at = book.created_at
    if life.author is not None and rnd.random() < 0.22:
        _open_as_draft(life)
    if rnd.random() < 0.25:
        at = book.created_at + rnd.randrange(8, 46)
        book.review(MACHINE_ACCOUNT, "COMMENTED", at, f"Checks passed, build {rnd.randrange(1000, 9999)}.")
    if life.fate == "unreviewed":
        life.plan_step("merge", life.after(keeper, life.ready_at, rnd.uniform(300, 4000)), keeper)
        if rnd.random() < 0.7:
            return
    _ask_first(life)
    life.plan_nudge(life.ready_at)
    if life.fate == "abandoned":
        life.plan_step("close", life.after(keeper, life.ready_at, rnd.uniform(3, 40) * HOUR), keeper)
    if rnd.random() < 0.06:
        passer = life.colleagues.reviewer(life.ready_at, but_not=life.asked | {keeper.person})
        if passer is not None:
            life.plan_step("answer_unasked", life.answer_at(passer, life.ready_at), passer)


def _open_as_draft(life: Life) -> None:
    """Opened as a draft; seldom it goes back to one, and seldom somebody is asked before it is ready."""
    rnd, book, keeper = life.rnd, life.book, life.keeper
    book.is_opened_as_draft = True
    life.ready_at = life.after(keeper, book.created_at, life.spread(5 * HOUR))
    life.drafts.append((book.created_at, life.ready_at))
    book.event("ReadyForReviewEvent", life.ready_at)
    if rnd.random() < 0.2:
        reviewer = life.colleagues.reviewer(book.created_at, but_not={keeper.person})
        if reviewer is not None:
            life.ask(reviewer, book.created_at + rnd.randrange(0, 600))
    if rnd.random() < 0.12:
        back_at = life.after(keeper, life.ready_at, rnd.uniform(0.5, 6) * HOUR)
        life.ready_at = life.after(keeper, back_at, life.spread(4 * HOUR))
        life.drafts.append((back_at, life.ready_at))
        book.event("ConvertToDraftEvent", back_at)
        book.event("ReadyForReviewEvent", life.ready_at)


def _ask_first(life: Life) -> None:
    """One to three people by name, sometimes the team as well or instead."""
    rnd, book, keeper = life.rnd, life.book, life.keeper
    at = life.drafts[0][1] if life.drafts else life.ready_at
    if rnd.random() < 0.6:
        at = life.after(keeper, at, rnd.randrange(20, 1500))
    if rnd.random() < 0.12:
        book.event("ReviewRequestedEvent", at, life.colleagues.owner(at))
        taker = life.colleagues.reviewer(at, but_not={keeper.person})
        if taker is not None and rnd.random() < 0.8:
            life.plan_step("answer_unasked", life.answer_at(taker, at), taker)
        if rnd.random() < 0.4:
            return
    if rnd.random() < 0.008:
        book.event("ReviewRequestedEvent", at, MACHINE_ACCOUNT)
    for _ in range(3 if life.is_long else rnd.choices((1, 2, 3), (36, 44, 20))[0]):
        life.ask_another(at)
    life.approvals_needed = 1 if rnd.random() < 0.3 else min(2, max(1, len(life.asked)))
