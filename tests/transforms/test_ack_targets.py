"""How long a page may wait: five minutes, or what its service is set to."""

from datetime import timedelta

import pytest
from pydantic import ValidationError

from pipelines.settings import Services
from tests.transforms.world import World, utc

AT = utc("2026-03-02 10:00")


def page(world: World, service: str, *, answered_after: float) -> None:
    """Somebody on call is paged, and answers after so many minutes."""
    incident = f"{service}-{answered_after}"
    world.add("incidents", incident_id=incident, service_id=service, urgency="high", created_at_utc=AT)
    for kind, minutes, who in (("assign", 0.0, {"to_user_id": "ana"}), ("acknowledge", answered_after, {})):
        world.add(
            "incident_log",
            entry_id=f"{incident}-{kind}",
            incident_id=incident,
            type=kind,
            occurred_at_utc=AT + timedelta(minutes=minutes),
            user_id="ana" if kind == "acknowledge" else None,
            **who,
        )


def test_a_services_own_target_counts_for_its_pages_and_for_no_others() -> None:
    """Both ends: exactly on target is in time, a second later is late."""
    world = World()
    world.person("ana", team="red")
    world.add(
        "oncall_shifts",
        person_id="ana",
        schedule_id="rota",
        start_at_utc=AT - timedelta(hours=1),
        end_at_utc=AT + timedelta(hours=9),
    )
    second = 1 / 60
    for service, target in (("checkout", 3.0), ("wiki", 30.0), ("api", 5.0), ("", 5.0)):
        page(world, service, answered_after=target)
        page(world, service, answered_after=target + second)
    with world.core("2026-04-01", ack_targets_minutes={"checkout": 3, "wiki": 30.0}) as connection:
        found = connection.execute("SELECT incident_id, outcome FROM core.pages ORDER BY ALL").fetchall()
    late = {incident for incident, outcome in found if outcome == "late"}
    assert {outcome for _, outcome in found} == {"late", "in_time"}
    assert late == {
        f"{service}-{target + second}"
        for service, target in (("checkout", 3.0), ("wiki", 30.0), ("api", 5.0), ("", 5.0))
    }


@pytest.mark.parametrize("minutes", [0, -1, 1441, "soon"])
def test_a_target_is_some_minutes_of_a_day(minutes: object) -> None:
    with pytest.raises(ValidationError):
        Services.model_validate({"ack_target_minutes": {"checkout": minutes}})
