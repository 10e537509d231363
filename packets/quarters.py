"""A quarter of the reporting zone: its months, its ends, and how far it has come."""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from packets.errors import PacketError
from packets.published import Publication
from transforms.ladder import months_of, year_to

State = Literal["partial", "provisional", "final"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarter:
    """A calendar quarter, written 2026-Q2."""

    name: str

    @property
    def months(self) -> tuple[str, ...]:
        """Its three months, oldest first."""
        return months_of(self.name)

    @property
    def months_before(self) -> tuple[str, ...]:
        """The nine months of the three quarters before it, oldest first."""
        return year_to(self.name)[:9]

    @property
    def year(self) -> tuple[str, ...]:
        """The twelve months that end with it, oldest first."""
        return year_to(self.name)

    @property
    def first_day(self) -> date:
        """Its first day."""
        return first_of(self.months[0])

    @property
    def last_day(self) -> date:
        """Its last day."""
        return (first_of(self.months[-1]) + timedelta(days=32)).replace(day=1) - timedelta(days=1)

    def begins_utc(self, published: Publication) -> datetime:
        """Its first instant."""
        return published.midnight_utc(self.first_day)

    def ends_utc(self, published: Publication) -> datetime:
        """The first instant after it."""
        return published.midnight_utc(self.last_day + timedelta(days=1))

    def state(self, published: Publication, *, maturity_days: int) -> State:
        """Partial while it runs, provisional until the metrics have matured, then final."""
        if published.as_of_utc < self.ends_utc(published):
            return "partial"
        return "provisional" if published.as_of_utc < self.final_utc(published, maturity_days) else "final"

    def final_utc(self, published: Publication, maturity_days: int) -> datetime:
        """The instant from which it is final."""
        return self.ends_utc(published) + timedelta(days=maturity_days)


def parse_quarter(text: str) -> Quarter:
    """``2026-Q2``; ``2026Q2`` is understood too."""
    found = re.fullmatch(r"(\d{4})-?[Qq]([1-4])", text.strip())
    if not found:
        raise PacketError(
            wanted="a quarter such as 2026-Q2",
            found=repr(text),
            what_to_do="Write year and quarter: 2026-Q2.",
        )
    return Quarter(name=f"{found[1]}-Q{found[2]}")


def first_of(month: str) -> date:
    """The first day of a month written 2026-03."""
    return date(int(month[:4]), int(month[5:7]), 1)
