"""Everything a source gave, to be looked at by kind.

Here: pages and gaps apart, records by their class. Not here: which source, or what was expected.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from connectors.contract import Gap, Page, Record, RejectedRecord

Kind = TypeVar("Kind", bound=Record)


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatCame:
    """Everything a source gave."""

    pages: tuple[Page, ...]
    gaps: tuple[Gap, ...]

    def all(self, kind: type[Kind]) -> list[Kind]:
        return [record for page in self.pages for record in page.records if isinstance(record, kind)]

    def one(self, kind: type[Kind]) -> Kind:
        (only,) = self.all(kind)
        return only

    @property
    def rejected(self) -> list[RejectedRecord]:
        return [reject for page in self.pages for reject in page.rejected]

    @property
    def only_reject(self) -> RejectedRecord:
        (only,) = self.rejected
        return only

    def keys(self, stream: str) -> list[str]:
        return [record.key for page in self.pages for record in page.records if record.stream == stream]


def came(given: Iterable[Page | Gap]) -> WhatCame:
    listed = list(given)
    return WhatCame(
        pages=tuple(entry for entry in listed if isinstance(entry, Page)),
        gaps=tuple(entry for entry in listed if isinstance(entry, Gap)),
    )
