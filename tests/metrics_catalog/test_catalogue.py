"""The catalogue: what a metric must say of itself, and that ours say what the specification says."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from metrics_catalog.catalogue import (
    CatalogueError,
    UnknownMetricError,
    definitions_hash,
    load_catalogue,
    metric_named,
)
from metrics_catalog.tables import create_statement, table, tables
from warehouse.connection import connect

CATALOGUE = load_catalogue()
OWN = Path(__file__).parents[2] / "metrics_catalog" / "metrics"
SPECIFIED: dict[str, dict[str, Any]] = {
    metric["id"]: metric
    for metric in json.loads((Path(__file__).parents[1] / "golden" / "catalogue.json").read_text())["metrics"]
}


def plain(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [plain(inner) for inner in value]
    if hasattr(value, "items"):
        return {key: plain(inner) for key, inner in value.items()}
    return value


@pytest.mark.parametrize("metric_id", sorted(CATALOGUE))
def test_a_metric_says_what_the_specification_says(metric_id: str) -> None:
    metric, wanted = CATALOGUE[metric_id], SPECIFIED[metric_id]
    for key, value in wanted.items():
        if key != "id" and (key != "params" or value):
            assert plain(getattr(metric, key)) == value, key


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A catalogue of one metric that can be changed."""
    copy = tmp_path / "rq_response_24h"
    copy.mkdir()
    for name in ("metric.toml", "facts.sql"):
        (copy / name).write_text((OWN / "rq_response_24h" / name).read_text())
    return tmp_path


def changed(folder: Path, line: str, other: str) -> str:
    path = folder / "rq_response_24h" / "metric.toml"
    text = path.read_text()
    assert line in text
    path.write_text(text.replace(line, other))
    with pytest.raises(CatalogueError) as caught:
        load_catalogue(folder)
    return str(caught.value)


@pytest.mark.parametrize("key", ["owner", "question", "direction", "unit", "formula", "title"])
def test_a_key_that_is_missing_is_named(folder: Path, key: str) -> None:
    path = folder / "rq_response_24h" / "metric.toml"
    kept = [line for line in path.read_text().splitlines() if not line.startswith(f"{key} =")]
    path.write_text("\n".join(kept))
    with pytest.raises(CatalogueError, match=rf"rq_response_24h/metric.toml: missing: {key}\."):
        load_catalogue(folder)


def test_misreadings_are_compulsory_and_not_empty(folder: Path) -> None:
    path = folder / "rq_response_24h" / "metric.toml"
    document = tomllib.loads(path.read_text())
    assert document["misreadings"]
    start = path.read_text().index("misreadings = [")
    end = path.read_text().index("]", start) + 1
    text = path.read_text()
    path.write_text(text[:start] + "misreadings = []" + text[end:])
    with pytest.raises(CatalogueError, match="misreadings is empty"):
        load_catalogue(folder)
    path.write_text(text[:start] + text[end:])
    with pytest.raises(CatalogueError, match="missing: misreadings"):
        load_catalogue(folder)


def test_an_unknown_key_is_refused_with_the_nearest(folder: Path) -> None:
    message = changed(folder, "maturity_days = 7", "maturity_days = 7\nmaturity_day = 7")
    assert message == 'rq_response_24h/metric.toml: unknown key "maturity_day". Did you mean "maturity_days"?'


def test_a_direction_has_no_default_and_only_four_words(folder: Path) -> None:
    message = changed(folder, 'direction = "higher_is_better"', 'direction = "up"')
    assert "direction should be one of higher_is_better, lower_is_better, neutral, load" in message


def test_outcomes_fit_the_statistic(folder: Path) -> None:
    assert "outcomes of a share are" in changed(
        folder, 'denominator = ["met", "missed"]', 'counted = ["met"]'
    )


def test_a_name_that_is_not_there_names_the_nearest() -> None:
    with pytest.raises(UnknownMetricError) as caught:
        metric_named(CATALOGUE, "first_response_time")
    assert str(caught.value) == 'No metric "first_response_time". Did you mean "rq_first_response_time"?'


def test_the_hash_of_definitions_changes_with_a_query_and_with_a_page(folder: Path) -> None:
    before = definitions_hash(load_catalogue(folder))
    assert before == definitions_hash(load_catalogue(folder))
    query = folder / "rq_response_24h" / "facts.sql"
    query.write_text(query.read_text() + "-- changed\n")
    after = definitions_hash(load_catalogue(folder))
    assert after != before
    page = folder / "rq_response_24h" / "metric.toml"
    page.write_text(page.read_text().replace("n_min_month = 5", "n_min_month = 6"))
    assert definitions_hash(load_catalogue(folder)) != after


def test_every_described_table_can_be_created_and_every_word_is_there() -> None:
    with connect() as connection:
        for name, described in tables().items():
            assert described.meaning
            assert described.row
            assert all(column.meaning for column in described.columns)
            real = name.replace("*", "any_metric")
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {real.split('.')[0]}")
            connection.execute(create_statement(real))
    with pytest.raises(KeyError, match="describes no table"):
        table("core.nothing")
