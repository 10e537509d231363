"""Append-only journals."""

import fcntl
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import pytest

from warehouse.journal import JournalError, append, entries


def test_entries_come_back_in_the_order_they_were_written(tmp_path: Path) -> None:
    append(tmp_path, "identity", [{"n": 2}, {"n": 1}])
    append(tmp_path, "identity", [{"n": 3, "who": "Ünï"}])
    assert entries(tmp_path, "identity") == [{"n": 2}, {"n": 1}, {"n": 3, "who": "Ünï"}]


def test_appending_leaves_what_is_there_byte_by_byte(tmp_path: Path) -> None:
    append(tmp_path, "identity", [{"n": 1}])
    before = (tmp_path / "identity.jsonl").read_bytes()
    append(tmp_path, "identity", [{"n": 2}])
    assert (tmp_path / "identity.jsonl").read_bytes().startswith(before)


@pytest.mark.parametrize("text", ["two\nlines", "\u2028", "\u2029", "\x85", "\r\n", '"', "\x0b\x0c\x1e"])
def test_text_of_any_kind_stays_one_entry(tmp_path: Path, text: str) -> None:
    append(tmp_path, "corrections", [{"reason": text}, {"reason": "next"}])
    assert entries(tmp_path, "corrections") == [{"reason": text}, {"reason": "next"}]


def test_nothing_to_append_makes_no_file(tmp_path: Path) -> None:
    append(tmp_path / "journal", "identity", [])
    assert not (tmp_path / "journal").exists()
    assert entries(tmp_path / "journal", "identity") == []


def test_journals_are_apart(tmp_path: Path) -> None:
    append(tmp_path, "identity", [{"n": 1}])
    assert entries(tmp_path, "audit") == []


def test_broken_line_is_told_with_its_number_and_nothing_is_derived(tmp_path: Path) -> None:
    append(tmp_path, "identity", [{"n": 1}])
    with (tmp_path / "identity.jsonl").open("a") as file:
        file.write('{"n": 2\n')
    append(tmp_path, "identity", [{"n": 3}])
    with pytest.raises(JournalError, match=r"identity\.jsonl, line 2: one JSON object a line was wanted"):
        entries(tmp_path, "identity")


@pytest.mark.parametrize("line", [b"[1]", b"3", b'"text"', b"null", b'{"n": "\xff"}', b"\xff\xfe"])
def test_line_that_is_no_object_is_broken(tmp_path: Path, line: bytes) -> None:
    (tmp_path / "identity.jsonl").write_bytes(b'{"n": 1}\n' + line + b'\n{"n": 2}\n')
    with pytest.raises(JournalError, match="line 2"):
        entries(tmp_path, "identity")


def test_half_of_what_another_is_writing_is_not_read(tmp_path: Path) -> None:
    append(tmp_path, "identity", [{"n": 1}])
    with (tmp_path / "identity.jsonl").open("ab", buffering=0) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(b'{"n": ')
        reading = ThreadPoolExecutor(1).submit(entries, tmp_path, "identity")
        assert not wait([reading], timeout=0.2).done
        file.write(b"2}\n")
    assert reading.result(timeout=10) == [{"n": 1}, {"n": 2}]


def test_what_an_editor_leaves_is_no_entry(tmp_path: Path) -> None:
    """Empty lines, a mark at the beginning, and lines that end as on Windows."""
    (tmp_path / "identity.jsonl").write_bytes(b'\xef\xbb\xbf{"n": 1}\r\n\r\n{"n": 2}\n\n  \n')
    assert entries(tmp_path, "identity") == [{"n": 1}, {"n": 2}]


def test_line_that_was_cut_off_does_not_swallow_the_next_entry(tmp_path: Path) -> None:
    """Killed in the middle of a write: the half line is told, the next one is a line of its own."""
    append(tmp_path, "identity", [{"n": 1}])
    path = tmp_path / "identity.jsonl"
    path.write_bytes(path.read_bytes() + b'{"n": 2, "wh')
    append(tmp_path, "identity", [{"n": 3}])
    assert path.read_text().splitlines()[2:] == ['{"n": 3}']
    with pytest.raises(JournalError, match="line 2"):
        entries(tmp_path, "identity")
