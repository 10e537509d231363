"""The files of a packet: gold, escaping, the same bytes everywhere."""

import csv
import hashlib
import io
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from packets.packet import Packet, build_packet, canonical_json
from packets.rendering import mail_link
from packets.words import amount_text, plain, web_link
from packets.write import cited, csv_text, packet_csv, packet_html, packet_json, write_packet
from tests.packets.gold import assert_gold
from tests.packets.organisation import small, utc

HOSTILE = (
    '<script>alert("x")</script>',
    '"><img src=x onerror=alert(1)>',
    "</style><style>body{display:none}</style>",
    "{{ 7 * 7 }}{% raw %}",
    '=HYPERLINK("http://evil.test","x")',
    "+1+1",
    "@SUM(A1)",
    "-2+3",
    "\tTab first",
    "Right\u202eto left\u0007",
    "[E1] as if cited",
)


class Pages(HTMLParser):
    """Counts tags and keeps addresses."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.handlers: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src")]
        self.handlers += [name for name, _ in attrs if name.startswith("on")]


def parsed(html: str) -> Pages:
    pages = Pages()
    pages.feed(html)
    return pages


@pytest.fixture(scope="module")
def hostile_packet() -> Packet:
    made = small()
    for number, title in enumerate(HOSTILE, 500):
        made.request(
            "ana",
            f"acme/api#{number}",
            utc("2026-06-10 08:00"),
            hours=1.0,
            outcome="met",
            why="answered",
            title=title,
            url="javascript:alert(1)" if number % 2 else "data:text/html,x",
        )
    made.request(
        "ana",
        '=cmd|"/c calc"!A1#7',
        utc("2026-06-11 08:00"),
        hours=2.0,
        outcome="met",
        why="answered",
        url="//evil.test/x",
    )
    connection = made.database()
    packet = build_packet(connection, person_id="ana", quarter="2026-Q2")
    connection.close()
    return packet


@pytest.mark.parametrize(
    ("name", "written"),
    [("packet.csv", packet_csv), ("packet.json", packet_json), ("packet.html", packet_html)],
)
def test_gold(small_packet: Packet, name: str, written: Callable[[Packet], str]) -> None:
    assert_gold(name, written(small_packet))


def test_files_hold_what_the_functions_give(small_packet: Packet, tmp_path: Path) -> None:
    written = write_packet(small_packet, tmp_path / "2026-Q2" / "ana")
    assert written["html"].read_bytes().decode() == packet_html(small_packet)
    assert written["csv"].read_bytes().decode() == packet_csv(small_packet)
    assert written["json"].read_bytes().decode() == packet_json(small_packet)
    assert [path.name for path in sorted(written["html"].parent.iterdir())] == [
        *("packet.csv", "packet.html", "packet.json")
    ]


def test_hostile_titles_stay_text(hostile_packet: Packet) -> None:
    pages = parsed(packet_html(hostile_packet))
    assert "script" not in pages.tags
    assert "img" not in pages.tags
    assert pages.tags.count("style") == 1
    assert pages.handlers == []
    assert "{{ 7 * 7 }}" in packet_html(hostile_packet)
    assert "\u202e" not in packet_html(hostile_packet) + packet_csv(hostile_packet) + packet_json(
        hostile_packet
    )


def test_links_go_to_the_web_or_a_mail_or_inside(hostile_packet: Packet) -> None:
    addresses = parsed(packet_html(hostile_packet)).addresses
    assert addresses
    assert all(address.startswith(("https://github.example.test/", "#", "mailto:?")) for address in addresses)
    assert "javascript:" not in packet_html(hostile_packet) + packet_csv(hostile_packet)


def test_no_cell_of_the_csv_is_a_formula(hostile_packet: Packet) -> None:
    cells = [cell for row in csv.reader(io.StringIO(packet_csv(hostile_packet))) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert '\'=HYPERLINK("http://evil.test","x")' in cells
    assert '\'=cmd|"/c calc"!A1#7' in cells


def test_csv_quotes_and_keeps_numbers() -> None:
    assert csv_text(("a", "b"), [('say "x", twice', -1.5)]) == 'a,b\r\n"say ""x"", twice",-1.5\r\n'


def test_the_page_asks_nobody(small_packet: Packet) -> None:
    html = packet_html(small_packet)
    assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:" in html
    pages = parsed(html)
    assert not {"script", "link", "iframe", "object", "img"} & set(pages.tags)
    assert "@import" not in html
    assert "url(" not in html


def test_the_page_has_landmarks_captions_and_scopes(small_packet: Packet) -> None:
    html = packet_html(small_packet)
    pages = parsed(html)
    assert (pages.tags.count("main"), pages.tags.count("h1")) == (1, 1)
    assert {"header", "footer"} <= set(pages.tags)
    assert pages.tags.count("caption") == pages.tags.count("table")
    assert html.count("<th ") == html.count('scope="')


def test_ids_in_brackets_become_links_and_the_rest_is_escaped() -> None:
    assert str(cited("<b> [E1, E2 and 3 more] E9")) == (
        '&lt;b&gt; [<a class="ev" href="#E1">E1</a>, <a class="ev" href="#E2">E2</a> and 3 more] E9'
    )


def test_a_mail_is_filled_in_and_has_no_addressee() -> None:
    assert mail_link("a & b", "c\nd") == "mailto:?subject=a%20%26%20b&body=c%0Ad"


@pytest.mark.parametrize(
    ("address", "is_kept"),
    [
        ("https://github.example.test/acme/api/pull/1", True),
        ("http://ghe.example.test/x", True),
        ("javascript:alert(1)", False),
        ("data:text/html,x", False),
        ("//evil.test", False),
        ("https://", False),
        ("https://a b.test", False),
        ("https://[bad", False),
        (None, False),
    ],
)
def test_only_web_addresses_are_links(address: str | None, is_kept: bool) -> None:
    assert (web_link(address) == address) is (is_kept or address is None)


@pytest.mark.parametrize(
    ("amount", "unit", "clock", "wanted"),
    [
        (24.0, "hours", "working_day", "24 h"),
        (24 + 1 / 3600, "hours", "working_day", "24 h 0 min 1 s"),
        (26 + 40.4 / 60, "hours", "working_day", "26 h 40 min"),
        (120 + 1 / 3600, "hours", "working_day", "120 h 0 min 1 s"),
        (1305 + 22 / 60, "hours", "working_day", "54 working days 9 h"),
        (1305 + 22 / 60, "hours", "elapsed", "54 days 9 h"),
        (240.0, "hours", "working_day", "10 working days"),
        (31.7 / 60, "hours", "elapsed", "31 min"),
        (46 / 3600, "hours", "elapsed", "46 s"),
        (0.0, "hours", "elapsed", "0 min"),
        (5.0, "minutes", "elapsed", "5 min"),
        (5 + 1 / 60, "minutes", "elapsed", "5 min 1 s"),
        (0.5, "minutes", "elapsed", "30 s"),
        (1305.0, "minutes", "elapsed", "21 h 45 min"),
        (None, "hours", "elapsed", ""),
    ],
)
def test_time_is_read_to_where_a_limit_could_lie(
    amount: float | None, unit: str, clock: str, wanted: str
) -> None:
    assert amount_text(amount, unit, clock) == wanted


def test_foreign_text_is_one_row_and_short() -> None:
    assert plain("a\n\tb\u202ec") == "a b c"
    assert len(plain("x" * 500)) == 120


def test_same_bytes_in_another_zone_and_with_other_hashes() -> None:
    code = (
        "import hashlib\n"
        "from packets.packet import build_packet\n"
        "from packets.trend_page import trend_html\n"
        "from packets.write import packet_csv, packet_html, packet_json\n"
        "from tests.packets.organisation import small\n"
        "c = small().database()\n"
        "p = build_packet(c, person_id='ana', quarter='2026-Q2')\n"
        "text = packet_html(p) + packet_csv(p) + packet_json(p) + trend_html(c)\n"
        "c.close()\n"
        "print(hashlib.sha256(text.encode()).hexdigest())\n"
    )
    found = set()
    for zone, seed in (("Pacific/Kiritimati", "1"), ("America/Los_Angeles", "2")):
        environment = os.environ | {"TZ": zone, "PYTHONHASHSEED": seed, "PYTHONPATH": os.getcwd()}
        ran = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
        )
        found.add(ran.stdout.strip())
    assert len(found) == 1


def test_the_checksum_can_be_computed_from_the_json(small_packet: Packet) -> None:
    import json

    content = json.loads(packet_json(small_packet))
    sealed = content.pop("content_checksum")
    spelled = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert spelled == canonical_json(small_packet)
    assert hashlib.sha256(spelled.encode()).hexdigest() == sealed


OPENINGS = {
    "steady": "<p>Nothing can be said to have changed in these: ",
    "so_far": "<p>The quarter is not settled, so nothing is called a change yet; so far: ",
    "not_enough_data": "<p>Too few cases to compare: ",
}


@pytest.mark.parametrize("outcome", OPENINGS)
def test_page_one_tells_at_length_only_what_is_said_to_have_changed(
    small_packet: Packet, outcome: str
) -> None:
    first, *others = small_packet.figures
    assert first.comparison is not None
    fallen = replace(first.comparison, outcome="worsening", verdict="5 of 50 this quarter, 45 of 50 before.")
    unmoved = [
        replace(entry, comparison=replace(entry.comparison, outcome=outcome))
        for entry in others
        if entry.comparison is not None
    ]
    assert unmoved
    figures = (replace(first, comparison=fallen), *unmoved)
    page_one, rest = packet_html(replace(small_packet, figures=figures)).split("<h3>Outside your hands</h3>")
    assert [opening for opening in OPENINGS.values() if opening in page_one] == [OPENINGS[outcome]]
    changed, unchanged = page_one.split(OPENINGS[outcome])
    assert "5 of 50 this quarter, 45 of 50 before." in changed
    assert first.title not in unchanged
    for entry in unmoved:
        assert entry.comparison is not None
        assert entry.comparison.verdict is not None
        assert entry.comparison.brief in unchanged
        assert entry.comparison.verdict not in page_one
        assert entry.comparison.verdict[1:] in rest
