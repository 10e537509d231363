"""A month that is not called incomplete has the figures that it would have if nothing were missing.

Here: one repository that can no longer be seen, for a while, against the same nights in which it can; every
cell of every metric of the two.
Not here: which words the ledger has for it (``test_gone``, ``tests/transforms/test_ledger.py``).
"""

from datetime import timedelta
from pathlib import Path

import pytest

from connectors.demo import FIRST_NIGHT_UTC
from connectors.demo.files import configuration_files
from pipelines import nightly
from pipelines.nightly import Night
from pipelines.settings import load_settings
from tests.pipelines.test_gone import ORGANIZATION, Changing, land
from warehouse.connection import connect

NAMES = [each.name_with_owner for each in ORGANIZATION.repositories]
AWAY_DAYS = (33,)
"""For how long the repository has been out of sight at the end."""

INCOMPLETE = """
SELECT DISTINCT strftime(month_start, '%Y-%m'),
    strftime(month_start, '%Y') || '-Q' || quarter(month_start)
FROM ops.completeness WHERE status = 'incomplete'
"""
Cells = dict[tuple[str, str], str]


def night_of(folder: Path) -> Night:
    folder.mkdir(exist_ok=True)
    for name, text in configuration_files(ORGANIZATION).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    return Night(settings=load_settings(folder / "evenhand.toml"), environment={})


def built(night: Night) -> tuple[Cells, set[str]]:
    """Every cell with its figures, and the months and quarters of which something is missing."""
    nightly.build_core(night)
    nightly.build_facts(night)
    nightly.build_trends(night)
    with connect(night.working_path) as connection:
        found = connection.execute(
            "SELECT metric_id || ' ' || subject_kind || ' ' || subject_id || ' ' || period, period, "
            "[n, n_pending, numerator, denominator, exposure, value, ci_low, ci_high]::VARCHAR "
            "|| status || state FROM trends.periods"
        ).fetchall()
        missing = {name for row in connection.execute(INCOMPLETE).fetchall() for name in row}
    return {(cell, period): figures for cell, period, figures in found}, missing


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Cells:
    """Every cell where everything was seen."""
    night = night_of(tmp_path_factory.mktemp("whole"))
    land(night, Changing(FIRST_NIGHT_UTC))
    cells, missing = built(night)
    assert not missing
    return cells


@pytest.mark.parametrize("days", AWAY_DAYS)
def test_what_a_gap_may_have_changed_is_in_months_that_are_called_incomplete(
    tmp_path: Path, whole: Cells, days: int
) -> None:
    changed_in_all = 0
    for name in NAMES:
        night = night_of(tmp_path / name.replace("/", "-"))
        land(night, Changing(FIRST_NIGHT_UTC - timedelta(days=days)))
        assert not land(night, Changing(FIRST_NIGHT_UTC, names={name: None})).is_complete
        cells, missing = built(night)
        changed = {key for key in cells.keys() | whole.keys() if cells.get(key) != whole.get(key)}
        changed_in_all += len(changed)
        assert {period for _, period in changed} <= missing, name
    assert changed_in_all
