"""Files of an invented organisation, written for one test.

Here: rows by column, files made of them, and what the source makes of the files.
Not here: assertions.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from connectors.organization.files import (
    ANNOTATIONS_COLUMNS,
    CALENDAR_COLUMNS,
    PEOPLE_COLUMNS,
    SERVICES_COLUMNS,
    OrganizationSource,
)
from tests.connectors.came import WhatCame, came

KNOWN_AT = datetime(2026, 3, 10, 12, tzinfo=UTC)
COLUMNS = {
    "people": PEOPLE_COLUMNS,
    "calendar": CALENDAR_COLUMNS,
    "services": SERVICES_COLUMNS,
    "annotations": ANNOTATIONS_COLUMNS,
}
ORDINARY: Mapping[str, Mapping[str, str]] = {
    "people": {"person": "p1", "name": "Tilde Moss", "email": "tilde@acme.example"},
    "calendar": {"applies_to": "*", "first_day": "2026-01-01", "last_day": "2026-01-01", "kind": "holiday"},
    "services": {"service": "kettle", "tier": "1"},
    "annotations": {"first_day": "2026-01-02", "kind": "freeze", "applies_to": "*", "title": "Stocktaking"},
}


def line(file: str, **cells: str) -> str:
    """A row of a file, with what is ordinary about it where nothing else is said."""
    row = {**ORDINARY[file], **cells}
    unknown = sorted(set(row) - set(COLUMNS[file]))
    assert unknown == [], f"no columns of {file}: {unknown}"
    return ",".join(row.get(column, "") for column in COLUMNS[file])


def table(file: str, *lines: str) -> str:
    """A file with its header."""
    return "\n".join([",".join(COLUMNS[file]), *lines]) + "\n"


def source(folder: Path, **contents: str | bytes) -> OrganizationSource:
    """The source over these files, written to a folder; a file that is not given is not configured."""
    paths = {file: _written(folder / f"{file}.csv", contents[file]) for file in COLUMNS if file in contents}
    survey = _written(folder / "survey.csv", contents["survey"]) if "survey" in contents else None
    return OrganizationSource(
        survey=survey,
        people=paths.get("people"),
        calendar=paths.get("calendar"),
        services=paths.get("services"),
        annotations=paths.get("annotations"),
        reporting_timezone="Europe/Berlin",
        known_at_utc=KNOWN_AT,
    )


def _written(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def read_from(one: OrganizationSource) -> WhatCame:
    return came(one.pages())


def read(folder: Path, **contents: str | bytes) -> WhatCame:
    return read_from(source(folder, **contents))
