"""What ``evenhand doctor`` says of the projects of a Jira."""

from connectors.jira.client import JiraSource
from pipelines.doctor import _projects
from tests.connectors.jira.builders import ServedTickets


def test_projects_that_can_be_seen_are_named_and_one_that_cannot_is_a_finding() -> None:
    source = JiraSource(
        transport=ServedTickets(), kind="cloud", base_url="https://acme.example", projects=["the api", "WEB"]
    )
    bad, good = _projects(source)
    assert (bad.is_fine, good.is_fine) == (False, True)
    assert "project WEB cannot be seen" in bad.text
    assert good.text == "Jira: 1 projects are read: API."
