"""What packets can say of made-up engineers: by how many requests they get, part-time, and on leave.

    python benchmarks/few_cases.py                     60 engineers, 16 months, the two newest final quarters
    python benchmarks/few_cases.py --seed 3 --engineers 40

The made-up organisation goes through the whole pipeline; a packet is built of every engineer in role.
Printed per group: packets, the median of ``informative_share`` (metrics on the rungs quarter or
twelve_months), and the mean share of applicable metrics that say something (quarter, twelve_months or
cases). A chart is empty if fewer than two marks are drawn in it; there must be none. Wanted are at least
0.85 of engineers with 8 to 15 requests a month and 0.8 times that of the others, by the mean of the group;
the least of any packet stands beside it. Anything not held ends the benchmark with 1.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median

sys.path.insert(0, str(Path(__file__).parents[1]))

import duckdb

from benchmarks.full_read import publish_without_gate
from connectors.demo.files import configuration_files
from connectors.demo.organization import make_organization
from packets.packet import Packet, build_packet
from packets.selection import newest_final_quarter, people_of
from packets.write import figure_chart
from pipelines import nightly
from pipelines.nightly import Night
from pipelines.settings import load_settings
from warehouse.connection import connect_reading

SAYS_SOMETHING = ("quarter", "twelve_months", "cases")
WANTED, FEWER = 0.85, 0.8
LONG_LEAVE_DAYS = 15
_FULL_TIME = 5
_REQUESTS = """
SELECT count(*) / 3 FROM facts.rq_response_24h
WHERE subject_kind = 'person' AND subject_id = $person AND month_start >= $first AND month_start <= $last
"""
_DAYS = "SELECT coalesce(max(len(working_days)), 5) FROM core.roster WHERE person_id = $person"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One packet: whose group, how many metrics apply, and how many say something."""

    group: str
    informative_share: float
    says_something: float
    charts: int
    empty_charts: int


def measure(connection: duckdb.DuckDBPyConnection, quarter: str) -> Iterator[Measured]:
    """Every engineer in role in the quarter."""
    for person in people_of(connection, quarter=quarter):
        packet = build_packet(connection, person_id=person, quarter=quarter)
        if not (packet.person.role or "").endswith("engineer"):
            continue
        rungs = [rung for rung in packet.rungs.values() if rung != "not_applicable"]
        share = packet.informative.informative_share
        charts = [str(chart) for figure in packet.figures if (chart := figure_chart(figure))]
        yield Measured(
            group=_group(connection, person, packet),
            informative_share=share if share is not None else 0.0,
            says_something=sum(rung in SAYS_SOMETHING for rung in rungs) / len(rungs) if rungs else 0.0,
            charts=len(charts),
            empty_charts=sum(chart.count("<circle") < 2 for chart in charts),
        )


def _group(connection: duckdb.DuckDBPyConnection, person: str, packet: Packet) -> str:
    """The first that applies: on leave, part-time, then by the requests a month."""
    span = {"first": packet.period.first_day, "last": packet.period.last_day}
    ((requests,),) = connection.execute(_REQUESTS, {"person": person, **span}).fetchall()
    ((days,),) = connection.execute(_DAYS, {"person": person}).fetchall()
    if packet.absence.working_days_away >= LONG_LEAVE_DAYS:
        return f"on leave for {LONG_LEAVE_DAYS} working days or more"
    if days < _FULL_TIME:
        return "part-time"
    if requests < 8:
        return "fewer than 8 requests a month"
    if requests > 15:
        return "more than 15 requests a month"
    return f"8 to 15 requests a month: {'8 to 11' if requests <= 11 else 'more than 11'}"


def quarters(connection: duckdb.DuckDBPyConnection, count: int) -> list[str]:
    """The newest final quarter and those before it."""
    newest = newest_final_quarter(connection)
    assert newest is not None
    last = int(newest[:4]) * 4 + int(newest[-1]) - 1
    return [f"{place // 4}-Q{place % 4 + 1}" for place in range(last, last - count, -1)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--engineers", type=int, default=60)
    parser.add_argument("--months", type=int, default=16)
    parser.add_argument("--seed", type=int, default=7, help="of the made-up organisation")
    parser.add_argument("--quarters", type=int, default=2, help="how many, the newest final one last")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = make_organization(engineers=asked.engineers, months=asked.months, seed=asked.seed)
        for file, text in configuration_files(made).items():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_text(text)
        night = Night(settings=load_settings(folder / "evenhand.toml"), environment={})
        nightly.land(night, "github")
        nightly.land(night, "organization")
        for step in (nightly.build_core, nightly.build_facts, nightly.build_trends):
            step(night)
        publish_without_gate(night)
        with connect_reading(night.published_folder / "evenhand.duckdb") as connection:
            found = [
                one
                for quarter in quarters(connection, asked.quarters)
                for one in measure(connection, quarter)
            ]
    print(
        f"{'group':<42}{'packets':>8}{'informative_share':>19}{'says something':>16}{'at least':>10}"
        f"{'charts':>8}{'empty':>7}"
    )
    is_held = True
    for group in sorted({one.group for one in found}):
        of = [one for one in found if one.group == group]
        says, empty = mean(one.says_something for one in of), sum(one.empty_charts for one in of)
        print(
            f"{group:<42}{len(of):>8}{median(one.informative_share for one in of):>19.2f}{says:>16.2f}"
            f"{min(one.says_something for one in of):>10.2f}{sum(one.charts for one in of):>8}{empty:>7}"
        )
        is_held &= says >= (WANTED if group.startswith("8 to 15") else FEWER * WANTED) and not empty
    if not is_held:
        raise SystemExit("Not held.")


if __name__ == "__main__":
    main()
