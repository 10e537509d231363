"""Load carried is no merit: fewer incidents, nights or hours never read as better, nor more as worse."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics_catalog.catalogue import Metric, load_catalogue
from packets.catalogue import HEADINGS, metrics
from packets.packet import _good_sides
from packets.words import worded
from pipelines.sources import goal_metrics
from tests.drawn import examples
from tests.trends.test_changes import series
from tests.trends.test_sentences import random_quarter, random_series
from transforms.changes.quarter_sentences import comparison_sentence
from transforms.changes.sentences import LOAD, Naming, trend_sentence, usual_range_sentence
from transforms.changes.usual_range import usual_range
from transforms.ledger import build_catalog
from warehouse.connection import connect

CATALOGUE = load_catalogue()
LOADS = [metric for metric in CATALOGUE.values() if metric.direction == "load"]
MERIT = re.compile(
    r"\b(better|worse|best|worst|improv\w*|worsen\w*|favou?rabl\w*|good|bad|well|poor\w*|strong\w*|weak\w*"
    r"|progress\w*|success\w*|achiev\w*|thank\w*|fortunate\w*|unfortunate\w*)\b",
    re.IGNORECASE,
)
"""``merit`` itself is not among them: it is what load is said not to be."""


def naming(metric: Metric, unit: str) -> Naming:
    return Naming(title=metric.title, unit=unit, direction=metric.direction)


@pytest.mark.parametrize("metric", LOADS, ids=lambda metric: metric.id)
@given(seed=st.integers(0, 2**40))
@examples(60)
def test_no_sentence_of_any_history_calls_less_load_better(metric: Metric, seed: int) -> None:
    """The same history both ways round: what is said of the fall is what is said of the rise."""
    made = replace(random_series(seed), direction="load")
    for values in (made.values, made.values[::-1]):
        found = replace(made, values=values)
        trend = found.trend()
        assert trend.outcome not in ("improving", "worsening")
        sentence = trend_sentence(trend, naming(metric, found.unit))
        if sentence is not None:
            assert not MERIT.search(sentence), sentence
            assert sentence.endswith(LOAD) is (trend.outcome in ("rising", "falling"))
        rows = series(values)
        outside = usual_range(rows, month=rows[-1].month, lower_bound=0.0, upper_bound=None)
        said = usual_range_sentence(outside, naming(metric, found.unit), subject_kind="person")
        assert said is None or not MERIT.search(said)


@given(seed=st.integers(0, 2**40))
@examples(150)
def test_no_sentence_of_any_quarter_calls_less_load_better(seed: int) -> None:
    made = replace(random_quarter(seed), direction="load")
    found = made.compared()
    assert found.outcome not in ("improving", "worsening")
    sentence = comparison_sentence(found, made.naming)
    if sentence is not None:
        assert not MERIT.search(sentence), sentence
        assert sentence.endswith(LOAD) is (found.outcome in ("rising", "falling"))


def test_load_stands_under_its_heading_and_is_never_chosen_as_a_good_side_or_a_goal() -> None:
    with connect() as connection:
        build_catalog(connection, CATALOGUE)
        known = {metric.metric_id: metric for metric in metrics(connection)}
    of_persons = [known[metric.id] for metric in LOADS if "person" in metric.subject_kinds]
    assert {metric.metric_id for metric in of_persons} == {
        *("oc_incidents_per_shift", "oc_sleep_nights", "oc_response_effort")
    }
    assert {HEADINGS[metric.heading] for metric in of_persons} == {"Load carried, not merit"}
    assert not _good_sides(list(known.values())) & {metric.id for metric in LOADS}
    assert not any(
        "person" in kinds for name, kinds in goal_metrics().items() if CATALOGUE[name].direction == "load"
    )
    assert not MERIT.search(worded("directions", "load"))
    for metric in LOADS:
        assert not MERIT.search(f"{metric.title} {metric.case_words.get('case', '')}")
