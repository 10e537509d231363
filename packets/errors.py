"""The one error of this package, for the person at the command line."""

from collections.abc import Iterable
from difflib import get_close_matches


class PacketError(Exception):
    """A packet or table that cannot be made: what was wanted, what was found, what to do."""

    def __init__(self, *, wanted: str, found: str, what_to_do: str) -> None:
        self.wanted, self.found, self.what_to_do = wanted, found, what_to_do
        super().__init__(f"{wanted}\n  found: {found}\n  {what_to_do}")


def nearest(name: str, known: Iterable[str], *, at_most: int = 3) -> list[str]:
    """The known names most like a mistyped one, case aside."""
    by_folded = {entry.casefold(): entry for entry in sorted(known, reverse=True)}
    found = get_close_matches(name.casefold(), sorted(by_folded), n=at_most, cutoff=0.5)
    return [by_folded[entry] for entry in found]
