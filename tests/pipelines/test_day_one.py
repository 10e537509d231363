"""Day one: plain GitHub, PagerDuty and Jira of an organisation that changed no habit for this.

Here: the emulator's organisation through all three real clients; how many metrics have data afterwards.
Not here: that each is right (tests/golden).
"""

from pathlib import Path
from typing import Any

import pytest

from pipelines import nightly
from pipelines.nightly import Night
from pipelines.settings import Settings
from pipelines.yields import metric_findings
from tests.connectors.pagerduty.loopback import land, source_of
from tests.shared_material import emulated_world
from warehouse.connection import connect

WANTED = 22
PEOPLE = (
    "person,name,email,team,manager,role,level,time_zone,working_days,place,valid_from,valid_to,"
    "github,pagerduty,jira"
)


def write_files(folder: Path, world: Any) -> None:
    """The roster with everybody's accounts, and a service a line: what `evenhand init` asks for."""
    teams = ("storefront", "payments", "platform")
    lines = [PEOPLE]
    for number, person in enumerate(world.truth["identities"]):
        logins = ";".join(person["github"])
        lines.append(
            f"p{number},,{person['email']},{teams[number % 3]},,,,{person['tz']},12345,,,,"
            f"{logins},{person['pagerduty_email']},{person['jira_account_id']}"
        )
    (folder / "people.csv").write_text("\n".join(lines) + "\n")
    services = ["service,tier,team,repository,label,valid_from,valid_to"]
    services += [f"{team}-api,1,{team},acme/{team},,," for team in teams]
    (folder / "services.csv").write_text("\n".join(services) + "\n")


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("day-one")
    world = emulated_world(seed=3, gen={"months": 8, "people": 16, "prs_per_month": 60})
    try:
        write_files(folder, world)
        settings = Settings.model_validate(
            {
                "organization": {"name": "Acme", "reporting_timezone": "Europe/Berlin"},
                "sources": {
                    "github": {
                        "base_url": world.url("github"),
                        "token": {"env": "GITHUB"},
                        "organizations": ["acme"],
                    },
                    "jira": {
                        "base_url": world.url("jira"),
                        "email": "reader@example.com",
                        "token": {"env": "JIRA"},
                    },
                },
                "people": {"roster": "people.csv"},
                "services": {"file": "services.csv"},
                "folder": folder,
            }
        )
        night = Night(settings=settings, environment={"GITHUB": "github_pat_sigemu", "JIRA": "jira-sigemu"})
        nightly.land(night, "github")
        nightly.land(night, "jira")
        land(night, source_of(world))
        nightly.land(night, "organization")
        nightly.build_core(night)
        nightly.build_facts(night)
        nightly.build_trends(night)
    finally:
        world.stop()
    with connect(night.working_path) as connection:
        return [text for _, text in metric_findings(connection)]


def test_at_least_so_many_metrics_have_data_without_a_new_habit(findings: list[str]) -> None:
    counted = int(findings[0].split()[1])
    assert counted >= WANTED, "\n".join(findings)


def test_every_other_one_says_what_it_would_need(findings: list[str]) -> None:
    counted, of = int(findings[0].split()[1]), int(findings[0].split()[3])
    assert len(findings) == 1 + of - counted
    assert all(": " in text and text.endswith(".") for text in findings[1:])
