"""Landed files that are damaged or gone: the night says which, builds nothing, and leaves what is published.

Here: a load's file, a pack, a manifest, each damaged in each way, through the steps of a night.
Not here: putting loads together over damage (``tests/warehouse/test_packs.py``).
"""

import shutil
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from connectors.demo import FIRST_NIGHT_UTC
from pipelines import nightly
from pipelines.nightly import Night
from tests.pipelines.test_gone import DAY, Changing, land, night_of
from warehouse import packs
from warehouse.landing import LandingError

STREAM = "pull_requests"


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def spoil(path: Path) -> None:
    """Other bytes in the middle; both ends are as they were."""
    whole = path.read_bytes()
    path.write_bytes(whole[:8] + bytes(len(whole) // 2) + whole[8 + len(whole) // 2 :])


def shorten(path: Path) -> None:
    """A whole file that holds less."""
    pl.read_parquet(path).head(1).write_parquet(path)


HARM: dict[str, tuple[Callable[[Path], None], str]] = {
    "gone": (Path.unlink, r"a Parquet file was wanted .*, found no file"),
    "empty": (lambda path: path.write_bytes(b"") and None, r"found a file of 0 bytes that is none"),
    "cut": (cut, r"found a file of [0-9,]+ bytes that is none"),
    "spoilt": (spoil, r"found a file of [0-9,]+ bytes that is none"),
    "shortened": (shorten, r"[0-9]+ rows of pull_requests of github-\S+ were wanted .*, found [01]\."),
}


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three nights, as they lie, beside the same put together, without the loads' own files."""
    folder = tmp_path_factory.mktemp("nights")
    night = night_of(folder / "loads")
    for day in range(3):
        land(night, Changing(FIRST_NIGHT_UTC + day * DAY))
    shutil.copytree(folder / "loads", folder / "packed")
    night = night_of(folder / "packed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packs, "AT_LEAST", 2)
        for _ in range(2):
            nightly.compact(night)
    assert night.damages == []
    assert not list((folder / "packed").rglob(f"github-*/{STREAM}-*.parquet"))
    return folder


def file_of(night: Night, kind: str) -> Path:
    where = "github-*" if kind == "loads" else "pack-*"
    return sorted((night.landing.folder / "github").glob(f"{where}/{STREAM}*.parquet"))[0]


@pytest.mark.parametrize("kind", ["loads", "packed"])
@pytest.mark.parametrize("harm", HARM)
def test_a_damaged_file_is_named_and_nothing_is_built(
    tmp_path: Path, landed: Path, kind: str, harm: str
) -> None:
    shutil.copytree(landed / kind, tmp_path / "night")
    night = night_of(tmp_path / "night")
    path = file_of(night, kind)
    spoils, words = HARM[harm]
    spoils(path)
    with pytest.raises(LandingError, match=words) as told:
        nightly.build_core(night)
    assert path.parent.name in str(told.value)
    assert "what is published stays" in str(told.value)
    assert "Restore" in str(told.value)
    assert "evenhand run --full" in str(told.value)


def test_a_pack_that_is_gone_is_told_by_the_loads_it_held(tmp_path: Path, landed: Path) -> None:
    shutil.copytree(landed / "packed", tmp_path / "night")
    night = night_of(tmp_path / "night")
    shutil.rmtree(file_of(night, "packed").parent)
    with pytest.raises(LandingError, match=r"all its files are gone, as those of a load in a pack"):
        nightly.build_core(night)


@pytest.mark.parametrize("kind", ["loads", "packed"])
def test_reading_on_over_a_damaged_file_is_told_in_the_same_words(
    tmp_path: Path, landed: Path, kind: str
) -> None:
    """A night asks what it knows already before it pulls."""
    shutil.copytree(landed / kind, tmp_path / "night")
    night = night_of(tmp_path / "night")
    cut(file_of(night, kind))
    before = len(night.landing.manifests())
    with pytest.raises(LandingError, match="a Parquet file was wanted"):
        land(night, Changing(FIRST_NIGHT_UTC + 4 * DAY))
    assert len(night.landing.manifests()) == before


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 1}', "\x00"])
def test_a_damaged_manifest_is_named(tmp_path: Path, landed: Path, text: str) -> None:
    shutil.copytree(landed / "loads", tmp_path / "night")
    night = night_of(tmp_path / "night")
    path = sorted(night.landing.folder.glob("github/*/manifest.json"))[1]
    path.write_text(text, "utf-8")
    with pytest.raises(LandingError, match="is not a manifest") as told:
        nightly.build_core(night)
    assert str(path) in str(told.value)
    assert "Nothing was read. Restore it from a backup" in str(told.value)
