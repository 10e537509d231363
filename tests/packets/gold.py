"""Comparison with gold files. On a difference the new file is kept beside the old one."""

from pathlib import Path

GOLD = Path(__file__).parent / "gold"


def assert_gold(name: str, found: str) -> None:
    """The text equals ``gold/<name>``; else it goes to ``gold/<name>.new`` and the test says what to do."""
    path, new = GOLD / name, GOLD / f"{name}.new"
    wanted = path.read_bytes().decode("utf-8") if path.exists() else None
    if found == wanted:
        new.unlink(missing_ok=True)
        return
    new.write_text(found, encoding="utf-8", newline="")
    raise AssertionError(
        f"{path} {'differs' if wanted is not None else 'is missing'}; the new text is in {new}.\n"
        f"  compare: diff -u {path} {new}\n"
        f"  accept:  mv {new} {path}"
    )
