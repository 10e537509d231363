"""What a database says of itself, where a test has no database. Here: nothing else."""

from datetime import date, datetime

from packets.published import Publication


def published_as_of(as_of_utc: datetime, zone: str = "UTC") -> Publication:
    """Of an as-of (naive UTC) and a reporting zone; persons were never off."""
    return Publication(
        as_of_utc=as_of_utc,
        reporting_timezone=zone,
        organization="Acme",
        code_version="test",
        configuration_hash="test",
        definitions_hash="test",
        persons_from=date.min,
    )
