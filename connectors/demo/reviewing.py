"""How a made-up pull request is reviewed: answers, remarks, reactions, threads that go on.

Here: what reviewers say and what the author makes of it.
Not here: when they say it (``life``), the words (``vocabulary``).
"""

from connectors.demo import vocabulary
from connectors.demo.life import HOUR, Life
from connectors.demo.notebook import NotedThread
from connectors.demo.people import Account, Person

TURNS_OF_A_LONG_DISCUSSION = 6
COMMENTS_OF_A_LONG_THREAD = 8


def answer(life: Life, reviewer: Person, at: int) -> None:
    """Submit a review: an approval, remarks, or a request for changes."""
    name = reviewer.person
    life.awaited.pop(name, None)
    turn = life.turns[name] = life.turns.get(name, 0) + 1
    share = reviewer.temperament.remarks_share * 0.45 ** (turn - 1)
    if life.is_long:
        share = 0.95 if turn < TURNS_OF_A_LONG_DISCUSSION else 0.0
    if life.rnd.random() < share:
        _object(life, reviewer, at)
    else:
        _approve(life, reviewer, at)


def _approve(life: Life, reviewer: Person, at: int) -> None:
    rnd = life.rnd
    if rnd.random() < 0.15:
        _remark(life, reviewer, at, vocabulary.LIGHT_REMARKS)
    review = life.book.review(life.account(reviewer, at), "APPROVED", at, rnd.choice(vocabulary.APPROVALS))
    life.approvals[reviewer.person] = review
    life.objections.discard(reviewer.person)
    if len(life.approvals) >= life.approvals_needed and not life.objections:
        life.plan_merge(at, 2 * HOUR)


def _object(life: Life, reviewer: Person, at: int) -> None:
    rnd, account = life.rnd, life.account(reviewer, at)
    for _ in range(rnd.choice((1, 1, 2, 3))):
        words = vocabulary.ASKING_REMARKS if rnd.random() < 0.75 else vocabulary.LIGHT_REMARKS
        _remark(life, reviewer, at, words)
    if life.is_long or rnd.random() < 0.45:
        life.book.review(account, "CHANGES_REQUESTED", at, rnd.choice(vocabulary.REQUESTS_FOR_CHANGE))
        life.objections.add(reviewer.person)
        life.approvals.pop(reviewer.person, None)
    else:
        life.book.review(account, "COMMENTED", at, rnd.choice(vocabulary.OBSERVATIONS))
    if not life.is_reaction_planned and life.author is not None:
        life.is_reaction_planned = True
        life.plan_step("react", life.after(life.author, at, life.spread(2.5 * HOUR)), life.author)


def _remark(life: Life, reviewer: Person, at: int, words: tuple[str, ...]) -> None:
    written_at = max(life.book.created_at, at - life.rnd.randrange(20, 900))
    account = life.account(reviewer, at)
    thread = life.book.thread(account, life.rnd.choice(words), written_at=written_at, seen_from=at)
    life.openers[thread.database_id] = reviewer


def react(life: Life, at: int) -> None:
    """The author answers remarks, changes things, and asks again whoever is not content yet."""
    rnd = life.rnd
    life.is_reaction_planned = False
    author = life.account(life.keeper, at)
    for thread in life.book.threads:
        if not thread.is_settled and thread.opened_at < at:
            _settle(life, thread, author, at)
            at += rnd.randrange(15, 60)
    if life.approvals and rnd.random() < 0.15:
        # As under the setting "dismiss stale approvals": the change after the approval undoes it.
        name = next(iter(life.approvals))
        life.book.dismiss(life.approvals.pop(name), at)
        life.objections.add(name)
    for name in life.turns:
        if name in life.approvals or name in life.awaited:
            continue
        reviewer = life.people[name]
        if life.is_long or name in life.objections or rnd.random() < 0.5:
            life.ask(reviewer, at + rnd.randrange(5, 90))
        else:
            life.plan_step("return", life.answer_at(reviewer, at), reviewer)


def _settle(life: Life, thread: NotedThread, author: Account, at: int) -> None:
    """What becomes of one remark: changed, moved to a ticket, declined with a reason, or nothing."""
    rnd, book = life.rnd, life.book
    thread.is_settled = True
    fortune = rnd.random()
    if fortune < 0.55:
        thread.outdated_at = at
        if rnd.random() < 0.5:
            book.reply(thread, author, rnd.choice(vocabulary.REPLIES_CHANGED), at)
    elif fortune < 0.64:
        number = rnd.randrange(1, book.number + 1)
        where = f"#{number}" if rnd.random() < 0.4 else f"{book.repository.ticket_key}-{number}"
        book.reply(thread, author, rnd.choice(vocabulary.REPLIES_MOVED).format(where), at)
    elif fortune < 0.88:
        book.reply(thread, author, rnd.choice(vocabulary.REPLIES_DECLINED), at)
    if rnd.random() < 0.5:
        # Most are resolved with the push or reply, some days later and silently: GitHub tells no time.
        thread.resolved_at = at if rnd.random() < 0.8 else at + rnd.randrange(1, 5) * 86400
    if _is_long_thread(life, thread) or (thread.last_by == author.login and rnd.random() < 0.2):
        opener = life.openers[thread.database_id]
        life.plan_step("go_on", life.after(opener, at, life.spread(HOUR)), opener, thread)


def go_on(life: Life, person: Person, at: int, thread: NotedThread) -> None:
    """Somebody goes on in a thread, and the other one may answer."""
    words = vocabulary.REPLIES_DECLINED if person is life.keeper else vocabulary.FOLLOW_UPS
    life.book.reply(thread, life.account(person, at), life.rnd.choice(words), at)
    goes_on = life.rnd.random() < 0.3 or _is_long_thread(life, thread)
    if goes_on and len(thread.comments) < COMMENTS_OF_A_LONG_THREAD:
        other = life.openers[thread.database_id] if person is life.keeper else life.keeper
        life.plan_step("go_on", life.after(other, at, life.spread(HOUR / 2)), other, thread)


def _is_long_thread(life: Life, thread: NotedThread) -> bool:
    return life.is_long and thread is life.book.threads[0]
