"""What ``evenhand doctor`` says of metrics: how many have data, and what the others would need."""

from metrics_catalog.catalogue import load_catalogue
from pipelines.yields import HOW_TO, deployment_findings, metric_findings
from tests.metrics.full_world import full_world
from tests.transforms.world import World, utc
from tests.trends.random_world import AS_OF
from transforms.core.build import ENTITIES
from transforms.goals import build_goals
from transforms.ledger import build_catalog

CATALOGUE = load_catalogue()


def test_metrics_without_a_source_say_what_they_need_and_the_others_are_counted() -> None:
    gap = "no connected source says which accounts could use a feature"
    with full_world(7, pulls=60).periods(AS_OF, metrics=list(CATALOGUE.values())) as connection:
        for gone in ("fc_adoption_rate", "rq_overdue_open"):
            connection.execute("DELETE FROM trends.periods WHERE metric_id = ?", [gone])
        ((n,),) = connection.execute(
            "SELECT count(DISTINCT metric_id) FROM trends.periods WHERE n > 0 OR status = 'ok'"
        ).fetchall()
        build_catalog(connection, CATALOGUE, {"fc_adoption_rate": gap})
        build_goals(connection, CATALOGUE, utc(AS_OF))
        (is_fine, first), *others = metric_findings(connection)
    assert is_fine
    assert n > 25
    assert first == f"Metrics: {n} of {len(CATALOGUE)} have data."
    assert all(is_fine for is_fine, _ in others)
    told = {text.split(":")[0].strip(): text for _, text in others}
    assert len(told) == len(CATALOGUE) - n
    assert told["fc_adoption_rate"].startswith(f"  fc_adoption_rate: {gap}. It needs [features] file with")
    assert told["fc_goal_check"] == "  fc_goal_check: no goal is stored yet. It needs [goals] file."
    assert told["rq_overdue_open"].endswith("no case has come yet.")


def test_every_way_is_of_an_entity_that_there_is() -> None:
    assert {name.partition(".")[0] for name in HOW_TO} <= set(ENTITIES)


def test_environments_that_count_nowhere_and_key_services_without_a_deployment_are_named() -> None:
    def found(*environments: str) -> list[tuple[bool, str]]:
        world = World()
        for service in ("pay", "cart"):
            world.service(service, "red")
        world.service("gone", "red", after="2026-02-01")
        for number, environment in enumerate(environments):
            world.add(
                "deployments",
                deployment_id=f"d{number}",
                service_ids=["pay"],
                environment=environment,
                status="failure" if environment == "failed" else "success",
                finished_at_utc=utc("2026-03-02 10:00"),
            )
        with world.core() as connection:
            return list(deployment_findings(connection))

    none = "Deployments: none is known of 1 key service (cart)"
    assert found() == []
    assert [(fine, text[: len(none)]) for fine, text in found("production", "failed")] == [(True, none)]
    (first, second) = found("production", "live-eu", "live-eu", "staging")
    assert first == (
        True,
        "Deployments: 1 reached production. Those to live-eu (2) and staging (1) count nowhere; what reaches "
        "users of them belongs into [sources.github] deployment_environments.",
    )
    assert second[1].startswith(none)
    ((is_fine, text),) = found("live-eu")
    assert not is_fine
    assert text.startswith("Deployments: 0 reached production. Those to live-eu (1) count nowhere")
