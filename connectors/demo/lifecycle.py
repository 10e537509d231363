"""What happens to one made-up pull request, from its opening to its end.

Here: taking its steps in the order of their instants, each of which may plan later ones.
Not here: the steps themselves (``opening``, ``reviewing``, ``ending``).
"""

from heapq import heappop

from connectors.demo import ending, reviewing
from connectors.demo.life import Life, Step
from connectors.demo.notebook import NotedThread
from connectors.demo.opening import open_pull_request
from connectors.demo.people import Person


def live(life: Life) -> None:
    """Play everything to its end, or to the last second of the made-up world."""
    open_pull_request(life)
    while life.plan:
        at, _, step, person, thread = heappop(life.plan)
        if at > life.book.horizon:
            return
        if life.ended_at > at:
            _take(life, step, at, person, thread)
        else:
            _take_after_the_end(life, step, at, person)


def _take(life: Life, step: Step, at: int, person: Person, thread: NotedThread | None) -> None:
    if step in ("answer", "repeat", "remove") and person.person not in life.awaited:
        return
    match step:
        case "answer" | "answer_unasked" | "return":
            reviewing.answer(life, person, at)
        case "go_on" if thread is not None:
            reviewing.go_on(life, person, at, thread)
        case "react":
            reviewing.react(life, at)
        case "merge":
            ending.merge(life, at)
        case "nudge":
            ending.nudge(life, at)
        case "repeat":
            ending.repeat(life, person, at)
        case "remove":
            ending.remove(life, person, at)
        case "close":
            ending.close(life, at)
        case _:
            raise ValueError(f"step {step} cannot be taken before the end")


def _take_after_the_end(life: Life, step: Step, at: int, person: Person) -> None:
    """Most of what was planned does not happen any more; some reviews come all the same."""
    is_asked = step == "answer_unasked" or (step == "answer" and person.person in life.awaited)
    if step == "reopen":
        ending.reopen(life, at)
    elif is_asked and life.rnd.random() < 0.12:
        reviewing.answer(life, person, at)
