"""The state of one made-up pull request while it is lived, and the plan of what comes next.

Here: who is awaited, who approved, what is planned when. Delays run on the acting person's own hours at
work, so that nobody answers on leave or at night.
Not here: what happens (``opening``, ``reviewing``, ``ending``) and what is written down (``notebook``).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from heapq import heappush
from math import exp
from random import Random
from typing import Literal

from connectors.demo.calendar import NEVER, WorkingHours, day_of
from connectors.demo.colleagues import Colleagues
from connectors.demo.notebook import Notebook, NotedReview, NotedThread
from connectors.demo.people import Account, Person

Step = Literal[
    "answer",
    "answer_unasked",
    "return",
    "go_on",
    "react",
    "merge",
    "nudge",
    "repeat",
    "remove",
    "close",
    "reopen",
]
Fate = Literal["reviewed", "unreviewed", "abandoned", "stale"]
HOUR = 3600


@dataclass(slots=True, kw_only=True)
class Life:
    """One pull request being lived. ``keeper`` merges it: its author, or a colleague for a bot's.

    ``awaited``, ``turns``, ``approvals`` and ``objections`` are by the reviewer's person id; dictionaries
    where the order matters, because it decides who is drawn next.
    """

    rnd: Random
    book: Notebook
    colleagues: Colleagues
    people: Mapping[str, Person]
    hours: Mapping[str, WorkingHours]
    author: Person | None
    keeper: Person
    is_long: bool
    fate: Fate
    ready_at: int = 0
    ended_at: int = NEVER
    drafts: list[tuple[int, int]] = field(default_factory=list)
    asked: set[str] = field(default_factory=set)
    awaited: dict[str, int] = field(default_factory=dict)
    turns: dict[str, int] = field(default_factory=dict)
    approvals: dict[str, NotedReview] = field(default_factory=dict)
    objections: set[str] = field(default_factory=set)
    openers: dict[int, Person] = field(default_factory=dict)
    approvals_needed: int = 1
    nudges: int = 0
    is_reaction_planned: bool = False
    plan: list[tuple[int, int, Step, Person, NotedThread | None]] = field(default_factory=list)
    _planned: int = 0

    def plan_step(self, step: Step, at: int, person: Person, thread: NotedThread | None = None) -> None:
        self._planned += 1
        heappush(self.plan, (at, self._planned, step, person, thread))

    def plan_merge(self, at: int, usual_seconds: float) -> None:
        if self.fate not in ("stale", "abandoned"):
            start = max(at, self.ready_at)
            self.plan_step("merge", self.after(self.keeper, start, self.spread(usual_seconds)), self.keeper)

    def plan_nudge(self, at: int) -> None:
        self.plan_step("nudge", self.after(self.keeper, at, self.rnd.uniform(24, 45) * HOUR), self.keeper)

    def ask(self, reviewer: Person, at: int) -> None:
        """Request a review, and plan whether and when it is answered."""
        rnd, name = self.rnd, reviewer.person
        self.book.event("ReviewRequestedEvent", at, self.account(reviewer, at))
        self.asked.add(name)
        self.awaited[name] = at
        if rnd.random() < 0.03:
            self.plan_step("repeat", self.after(self.keeper, at, rnd.uniform(0.2, 3) * HOUR), reviewer)
        fortune = rnd.random()
        if fortune < 0.03:
            self.plan_step("remove", self.after(self.keeper, at, self.spread(7 * HOUR)), reviewer)
        elif self.is_long or fortune > 0.03 + reviewer.temperament.silent_share:
            self.plan_step("answer", self.answer_at(reviewer, at), reviewer)

    def ask_another(self, at: int) -> None:
        reviewer = self.colleagues.reviewer(at, but_not=self.asked | {self.keeper.person})
        if reviewer is not None:
            self.ask(reviewer, at)

    def answer_at(self, reviewer: Person, asked_at: int) -> int:
        """When a reviewer answers; most wait while it is a draft."""
        start = max(asked_at, self.ready_at) if self.rnd.random() < 0.9 else asked_at
        at = self.after(reviewer, start, self._pace(reviewer, start))
        for first, last in self.drafts:
            if first <= at < last and self.rnd.random() < 0.85:
                at = self.after(reviewer, last, self._pace(reviewer, last))
        return at

    def after(self, person: Person, at: int, work_seconds: float) -> int:
        return self.hours[person.person].after(at, work_seconds)

    def account(self, person: Person, at: int) -> Account:
        return person.account_on(day_of(at))

    def spread(self, median_seconds: float) -> float:
        """A delay around a median, with the long tail that such delays have."""
        return median_seconds * exp(self.rnd.gauss(0.0, 0.9))

    def _pace(self, person: Person, at: int) -> float:
        return self.spread(person.temperament.pace_hours(day_of(at)) * HOUR)
