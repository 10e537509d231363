"""What each source lands: its record types, by the source's name.

Here: the one list of them. Not here: the types themselves (each source's ``records``).
"""

from collections.abc import Mapping
from typing import Any

from connectors.github import records as github
from connectors.incident_tables import records as incident_tables
from connectors.jira import records as jira
from connectors.organization import records as organization
from connectors.pagerduty import records as pagerduty

RECORD_TYPES: Mapping[str, tuple[type[Any], ...]] = {
    "github": github.RECORD_TYPES,
    "pagerduty": pagerduty.RECORD_TYPES,
    "jira": jira.RECORD_TYPES,
    "incidents": incident_tables.RECORD_TYPES,
    "organization": organization.RECORD_TYPES,
}
