"""The first pages of small repositories, several in one request.

Here: which share a request, and what of its answer is whose.
Not here: asking (``client``), how large a page of a repository alone may be (``answers``).

A night in which one pull request changed in each of fifty repositories would otherwise take fifty requests,
and so would a full read of fifty repositories with a handful each. Together they ask for as many rows as a
page does, and so for as many nodes. What GitHub cannot answer together is asked with fewer, and then alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from connectors.github.transport import FINAL_ERRORS, Answer, error_kinds

REPOSITORIES_A_REQUEST = 25


@dataclass(slots=True)
class Together:
    """``rows`` may be asked for in one request; ``sizes`` has those of each first page not asked for yet."""

    rows: int
    sizes: dict[str, int] = field(default_factory=dict)
    _answers: dict[str, Answer] = field(default_factory=dict)

    def takes(self, name: str, rows: int) -> bool:
        """Whether a first page of so many rows is worth sharing a request; then it will."""
        is_small = rows <= self.rows // 2
        if is_small:
            self.sizes[name] = rows
        return is_small

    def batch(self, name: str) -> list[tuple[str, int]]:
        """The first page of this repository, and those after it that fit beside it."""
        left = self.rows - self.sizes[name]
        found = [(name, self.sizes[name])]
        for other, rows in self.sizes.items():
            if other != name and rows <= left and len(found) < REPOSITORIES_A_REQUEST:
                left -= rows
                found.append((other, rows))
        return found

    def requests(self) -> int:
        """How many requests they are, when all have been asked for."""
        rest = Together(self.rows, dict(self.sizes))
        n = 0
        while rest.sizes:
            for name, _ in rest.batch(next(iter(rest.sizes))):
                del rest.sizes[name]
            n += 1
        return n

    def halve(self) -> None:
        """Ask for half as much from now on."""
        self.rows = max(1, self.rows // 2)

    def take_in(self, names: Sequence[str], answer: Answer) -> None:
        """Keep what came for each. One with holes is asked for again, alone."""
        for place, name in enumerate(names):
            del self.sizes[name]
            own = part_of(answer, place)
            if not error_kinds(own.errors) - FINAL_ERRORS:
                self._answers[name] = own

    def answer(self, name: str) -> Answer | None:
        """What came for it with others; None where it is to be asked for alone."""
        return self._answers.pop(name, None)


def part_of(answer: Answer, place: int) -> Answer:
    """The answer to one operation of a request. An error that names none is everybody's."""
    errors = tuple(
        {**error, "operation": None if error.get("operation") is None else 0}
        for error in answer.errors
        if error.get("operation") in (place, None)
    )
    return replace(answer, data=(answer.data[place],), errors=errors)
