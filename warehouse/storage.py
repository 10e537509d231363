"""Who may read what lies in the storage.

Here: the modes of its folders. Landing files, journals and packets hold personal data: the operator's alone.
Not here: what is in them.
"""

from pathlib import Path

PRIVATE = 0o077
"""The umask of every process that writes: folders 0700, files 0600."""

PASSABLE = 0o710
"""The storage folder: the analysts' group gets through to what is published, and sees no list of the rest."""

FOR_ANALYSTS = 0o750
"""The published folders: their group may open the analysts' file, which is 0640; the full one is 0600."""

_OPERATORS_ALONE = ("landing", "journal", "work", "dagster")


def make_storage(folder: Path) -> None:
    """The storage folder, and in it those that are the operator's alone, made so where they are not."""
    make_folder(folder, PASSABLE)
    for name in _OPERATORS_ALONE:
        path = folder / name
        path.mkdir(exist_ok=True)
        path.chmod(0o700)


def make_folder(folder: Path, mode: int) -> None:
    """A folder of that mode; one that is there keeps the mode and group somebody gave it."""
    if folder.is_dir():
        return
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(mode)
