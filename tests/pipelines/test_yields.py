"""What ``evenhand doctor`` says of metrics: how many have data, and what the others would need."""

from metrics_catalog.catalogue import load_catalogue
from pipelines.yields import HOW_TO, metric_findings
from tests.metrics.full_world import full_world
from tests.transforms.world import utc
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
