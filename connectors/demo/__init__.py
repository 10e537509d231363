"""A made-up organisation in GitHub's place, for trying Evenhand without network or token."""

from connectors.demo.calendar import FIRST_NIGHT_UTC, HISTORY_END
from connectors.demo.files import configuration_files
from connectors.demo.organization import Organization, make_organization
from connectors.demo.pages import DemoTransport

__all__ = [
    "FIRST_NIGHT_UTC",
    "HISTORY_END",
    "DemoTransport",
    "Organization",
    "configuration_files",
    "make_organization",
]
