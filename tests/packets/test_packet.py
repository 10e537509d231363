"""What a packet says: its parts, its empty states, its refusals."""

import csv
import io
import json
import re
from datetime import date, timedelta

import duckdb
import pytest

from metrics_catalog.guard.vocabulary import COMPULSORY_WORDS
from packets.errors import PacketError
from packets.packet import Packet, build_packet, checksum
from packets.write import packet_csv, packet_html, packet_json
from tests.packets.organisation import Organisation, small, utc, year_of
from transforms.intervals import median_interval, wilson

FORBIDDEN_WORDS = re.compile(
    r"\b(underperform\w*|outperform\w*|weak|strong|(?:low|high) performer|should|must|recommend\w*)\b",
    re.IGNORECASE,
)
FORBIDDEN_KEY = re.compile(rf"(^|_)({COMPULSORY_WORDS})(_|$)", re.IGNORECASE)


def packet_of(made: Organisation, person: str = "ana", quarter: str = "2026-Q2") -> Packet:
    connection = made.database()
    try:
        return build_packet(connection, person_id=person, quarter=quarter)
    finally:
        connection.close()


def text_of(html: str) -> str:
    """What a reader sees: no markup, no style."""
    return re.sub(r"<[^>]+>", " ", re.sub(r"<style>.*?</style>", " ", html, flags=re.DOTALL))


def test_the_first_page_says_who_when_and_what_is_missing(small_packet: Packet) -> None:
    person, period = small_packet.person, small_packet.period
    assert (person.name, person.team, person.role, person.manager) == (
        "Ana Example",
        "core",
        "engineer",
        "Mara Manager",
    )
    assert period.state == "final"
    assert period.state_sentence == "Final since 8 July 2026."
    assert small_packet.other_halves == ("Self-reflection: missing.", "Peer feedback: missing.")
    assert small_packet.completeness.quarter == (
        "GitHub: incomplete in June 2026; complete in April 2026 and May 2026.",
    )
    assert small_packet.completeness.gaps == ("GitHub, acme/api, June 2026: two pages were refused.",)


def test_absence_is_dates_and_a_holiday_is_not_absence(small_packet: Packet) -> None:
    assert small_packet.absence.working_days_away == 11
    assert small_packet.absence.away == ("13 April 2026 to 24 April 2026", "5 June 2026")
    assert small_packet.absence.holidays == 1


def test_cases_are_chosen_by_the_printed_rule(small_packet: Packet) -> None:
    chosen = [(point.kind, point.ref) for point in small_packet.points]
    assert chosen == [
        ("thanks", "acme/api#104"),  # open for four days, nobody had looked
        ("thanks", "acme/api#103"),  # then the quickest with a remark, 2 h; #107 took 1 h 30 min without one
        ("consequential", "acme/api#105"),  # the newest on a tier 1 service
        ("unflattering", "acme/api#113"),  # without an answer, the longest first
        ("unflattering", "acme/api#112"),  # so #111, answered after 131 h, is not chosen
    ]
    assert small_packet.points_rule in text_of(packet_html(small_packet)).replace("&#39;", "'")


def test_more_cases_do_not_change_which_are_chosen() -> None:
    made = small()
    for number in range(300, 330):
        made.request(
            "ana", f"acme/api#{number}", utc("2026-05-06 08:00"), hours=9.0, outcome="met", why="answered"
        )
    assert [point.ref for point in packet_of(made).points] == [
        point.ref for point in packet_of(small()).points
    ]


def test_a_remark_counts_only_if_it_came_with_the_answer() -> None:
    made = small()
    for thread, (number, commented) in enumerate((("107", "2026-06-16 13:00"), ("102", "2026-05-30 09:00"))):
        made.rows["core.review_threads"].append(
            {"thread_id": f"t{thread}", "pr_id": f"github:1/pull/{number}", "starter_id": "ana"}
        )
        made.rows["core.thread_comments"].append(
            {
                "comment_id": f"c{thread}",
                "thread_id": f"t{thread}",
                "author_id": "ana",
                "occurred_at_utc": utc(commented),
                "body": "Why twice?",
            }
        )
    thanks = [point for point in packet_of(made).points if point.kind == "thanks"]
    assert [point.ref for point in thanks] == ["acme/api#104", "acme/api#107"]
    assert thanks[1].sentence == "16 June 2026: answered after 1 h 30 min, with a remark."


def test_a_holiday_inside_an_absence_is_no_working_day_away(year_packet: Packet) -> None:
    assert year_packet.absence.away == ("20 April 2026 to 1 May 2026", "15 June 2026")
    assert year_packet.absence.working_days_away == 10


def test_a_miss_on_a_key_service_is_told_once_as_what_it_is() -> None:
    made = small()
    made.request(
        "ana",
        "acme/api#190",
        utc("2026-06-29 08:00"),
        hours=200.0,
        outcome="missed",
        why="unanswered",
        services=["checkout"],
    )
    chosen = [(point.kind, point.ref) for point in packet_of(made).points]
    assert chosen[2:4] == [("consequential", "acme/api#105"), ("unflattering", "acme/api#190")]


def test_a_month_away_is_left_out_of_the_comparison() -> None:
    made = small()
    made.holes["ana", date(2026, 1, 1)] = "absent"
    share = next(entry for entry in packet_of(made).figures if entry.metric_id == "rq_response_24h")
    assert share.comparison is not None
    assert share.comparison.sentence.endswith(
        "; 6 of 9 in the 3 months with data in the three quarters before."
    )


def test_below_the_rung_of_the_quarter_no_month_has_a_value() -> None:
    made = small()
    made.person("kim")
    for month in ("2026-01", "2026-05"):
        for step in range(6):
            made.request(
                "kim",
                f"acme/api#{month[-1]}9{step}",
                utc(f"{month}-1{step} 08:00"),
                hours=2.0 + step,
                outcome="met",
                why="answered",
            )
    packet = packet_of(made, "kim")
    for entry in packet.figures:
        assert entry.rung == "twelve_months"
        assert [month.status for month in entry.months] == ["ok", "ok"]
        assert {month.value for month in entry.months} == {None}
    assert "<svg" not in packet_html(packet)
    assert packet.figures[1].sentences[:2] == (
        "In the last 12 months: median 4.5 hours over 12 review requests answered; this quarter 6.",
        "95% interval of the twelve months: 3 to 6 hours.",
    )


def test_a_quarter_that_misses_the_metrics_own_condition_steps_down() -> None:
    connection = small().database()
    connection.execute(
        """UPDATE trends.periods SET status = 'insufficient', value = NULL
           WHERE grain = 'quarter' AND metric_id = 'rq_response_24h' AND subject_id = 'ana'"""
    )
    packet = build_packet(connection, person_id="ana", quarter="2026-Q2")
    connection.close()
    assert packet.rungs == {"rq_first_response_time": "quarter", "rq_response_24h": "twelve_months"}


def test_a_comparison_with_too_few_cases_says_so_after_its_cases(small_packet: Packet) -> None:
    told = {entry.metric_id: entry.comparison for entry in small_packet.figures}
    share = told["rq_response_24h"]
    assert share is not None
    assert (
        share.sentence
        == "7 of 10 this quarter; 8 of 12 in the 4 months with data in the three quarters before."
    )
    assert share.verdict == "Not enough cases to compare: 12 before (20 are needed)."
    assert share.told == f"{share.sentence} {share.verdict}"
    assert not share.is_tested


def test_a_full_year_compares_with_the_three_quarters_before(year_packet: Packet) -> None:
    share = next(entry for entry in year_packet.figures if entry.metric_id == "rq_response_24h")
    assert share.comparison is not None
    assert share.comparison.sentence.endswith("in the three quarters before.")


def test_figures_equal_the_cells_of_the_database(
    small_packet: Packet, small_database: duckdb.DuckDBPyConnection
) -> None:
    for entry in small_packet.figures:
        ((value, low, high, n),) = small_database.execute(
            """SELECT value, ci_low, ci_high, n FROM trends.periods
               WHERE metric_id = ? AND subject_id = 'ana' AND period = '2026-Q2'""",
            [entry.metric_id],
        ).fetchall()
        assert entry.rung == "quarter"
        assert (entry.value, entry.ci_low, entry.ci_high, entry.n_quarter) == (value, low, high, n)


def recounted(packet: Packet) -> dict[str, list[dict[str, str]]]:
    rows: dict[str, list[dict[str, str]]] = {}
    for row in csv.DictReader(io.StringIO(packet_csv(packet))):
        rows.setdefault(row["metric"], []).append(row)
    return rows


@pytest.mark.parametrize("which", ["small_packet", "year_packet", "moved_packet"])
def test_every_figure_can_be_recounted_from_the_csv(which: str, request: pytest.FixtureRequest) -> None:
    packet: Packet = request.getfixturevalue(which)
    rows = recounted(packet)
    assert packet.figures
    for entry in packet.figures:
        inside = [row for row in rows[entry.metric_id] if row["month"] in entry.counted_months]
        classes = [row["counts_as"] for row in inside]
        if entry.statistic == "share":
            numerator = classes.count("numerator")
            denominator = numerator + classes.count("denominator")
            assert (entry.numerator, entry.denominator) == (numerator, denominator)
            assert entry.value == numerator / denominator
            assert (entry.ci_low, entry.ci_high) == wilson(numerator, denominator)
        else:
            closed = [float(row["amount"]) for row in inside if row["counts_as"] == "finished"]
            still = [float(row["amount"]) for row in inside if row["counts_as"] == "unfinished"]
            median = median_interval(closed, still)
            assert (entry.value, entry.ci_low, entry.ci_high) == (median.value, median.ci_low, median.ci_high)
        assert entry.n_pending == classes.count("pending")
        assert entry.n_excluded == classes.count("excluded")
        for month in entry.months:
            of_month = [row["counts_as"] for row in rows[entry.metric_id] if row["month"] == month.month]
            counting = len(of_month) - of_month.count("pending") - of_month.count("excluded")
            assert (month.n, month.n_excluded) == (counting, of_month.count("excluded"))


def test_context_counts_open_too(small_packet: Packet) -> None:
    rows = recounted(small_packet)["context_reviews_given"]
    unnamed = sum(row["outcome"] != "by_name" for row in rows)
    assert small_packet.reviews_given == (
        f"Of {len(rows)} pull requests reviewed, {unnamed} had no request to this person by name."
    )


def test_evidence_ids_are_in_order_and_quoted_ids_exist(year_packet: Packet) -> None:
    assert [case.evidence_id for case in year_packet.cases] == [
        f"E{number}" for number in range(1, len(year_packet.cases) + 1)
    ]
    places = [
        (case.readings[0].metric_id == "context_reviews_given", case.anchor_at_utc, case.case_id)
        for case in year_packet.cases
    ]
    assert places == sorted(places)
    known = {case.evidence_id for case in year_packet.cases}
    html = packet_html(year_packet)
    assert set(re.findall(r'href="#(E\d+)"', html)) <= known
    assert known <= set(re.findall(r'id="(E\d+)"', html))


def test_every_inner_link_has_a_target(year_packet: Packet) -> None:
    html = packet_html(year_packet)
    assert set(re.findall(r'href="#([^"]+)"', html)) <= set(re.findall(r'id="([^"]+)"', html))


@pytest.mark.parametrize("which", ["small_packet", "year_packet"])
def test_no_forbidden_word_and_no_forbidden_key(which: str, request: pytest.FixtureRequest) -> None:
    packet: Packet = request.getfixturevalue(which)
    assert not FORBIDDEN_WORDS.search(text_of(packet_html(packet)))
    keys: set[str] = set()

    def collect(value: object) -> None:
        if isinstance(value, dict):
            keys.update(value)
            for entry in value.values():
                collect(entry)
        elif isinstance(value, list):
            for entry in value:
                collect(entry)

    collect(json.loads(packet_json(packet)))
    assert keys
    assert not [key for key in keys if FORBIDDEN_KEY.search(key)]


def test_no_colleague_appears_beside_the_manager(year_packet: Packet) -> None:
    html = packet_html(year_packet)
    for colleague in ("Achterberg", "Nwosu", "Petrova", "Sørensen", "Iyer", "Novak"):
        assert colleague not in html


def test_a_quarter_in_progress_is_so_far() -> None:
    packet = packet_of(year_of("2026-06-24 04:00"), "ben")
    assert packet.period.state == "partial"
    assert packet.period.state_sentence.startswith(
        "So far: the quarter is still running. It becomes final on 8 July"
    )
    assert all(entry.sentences[0].startswith("So far this quarter") for entry in packet.figures)
    assert "Hollow: so far." in packet_html(packet)
    assert [month.state for month in packet.figures[0].months][-1] == "partial"


def test_a_quarter_that_ended_yesterday_is_provisional() -> None:
    packet = packet_of(small("2026-07-02 04:00"))
    assert packet.period.state == "provisional"
    assert packet.figures[0].state_words == "so far"


def test_somebody_without_a_case_has_a_packet() -> None:
    packet = packet_of(year_of(), "zoe")
    assert packet.figures == ()
    assert packet.points == ()
    assert packet.questions == ()
    assert packet.no_points == "No case of this quarter counts towards a figure, so none is chosen."
    assert packet.without_cases is not None
    assert packet.without_cases.startswith("Nothing to count in the last 12 months: ")
    assert packet.opening == "Few figures here rest on enough cases; read the cases."
    html = packet_html(packet)
    assert "<svg" not in html
    assert "There is no case to ask about." in html


def test_somebody_who_joined_inside_the_quarter() -> None:
    made = small()
    made.person("nia", name="Nia New", since=utc("2026-05-10 22:00"))
    made.request("nia", "acme/api#401", utc("2026-06-01 09:00"), hours=3.0, outcome="met", why="answered")
    made.request("nia", "acme/api#402", utc("2026-06-03 09:00"), hours=30.0, outcome="missed", why="answered")
    packet = packet_of(made, "nia")
    assert packet.person.presence == "Joined on 11 May 2026, inside this quarter."
    share = next(entry for entry in packet.figures if entry.metric_id == "rq_response_24h")
    assert share.rung == "cases"
    assert (
        share.sentences[0]
        == "This quarter: 1 of 2 review requests answered within 24 hours; 1 answered later."
    )
    assert "%" not in " ".join(share.sentences)
    assert share.value is share.ci_low is None
    assert all(month.value is None for month in share.months)


def test_a_change_of_team_inside_the_quarter_is_said_and_splits_the_counting(moved_packet: Packet) -> None:
    packet = moved_packet
    assert packet.person.changes == (
        "1 May 2026: team from payments to search; role from engineer to senior engineer.",
    )
    assert packet.person.role_since == "since 1 May 2026"
    share = next(entry for entry in packet.figures if entry.metric_id == "rq_response_24h")
    assert share.counted_months == ("2026-05", "2026-06")
    assert share.sentences[0].startswith(
        "This quarter, since May 2026 when the role, level or team changed or a long absence ended: "
    )
    assert [month.is_current_segment for month in share.months][-3:] == [False, True, True]
    inside = [row for row in recounted(packet)["rq_response_24h"] if row["month"] in share.counted_months]
    assert share.denominator == sum(row["counts_as"] in ("numerator", "denominator") for row in inside)


def test_a_withheld_metric_shows_nothing_anywhere() -> None:
    made = small()
    made.suppressed.add(("rq_first_response_time", "ana"))
    packet = packet_of(made)
    assert packet.withheld == "Withheld to protect raters: Time to first response to a review request."
    assert [entry.metric_id for entry in packet.figures] == ["rq_response_24h"]
    assert "rq_first_response_time" not in packet_csv(packet)
    assert "median" not in text_of(packet_html(packet)).lower()
    assert packet.rungs["rq_first_response_time"] == "withheld"


def test_unknown_person_names_the_nearest(small_database: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(PacketError, match=r"Did you mean .*ana") as caught:
        build_packet(small_database, person_id="anna", quarter="2026-Q2")
    assert caught.value.wanted.startswith("the rostered person 'anna'")


@pytest.mark.parametrize("name", ["ana", "ANA@example.test", "ana-gh"])
def test_a_person_is_found_by_id_email_or_login(small_database: duckdb.DuckDBPyConnection, name: str) -> None:
    assert build_packet(small_database, person_id=name, quarter="2026Q2").person.person_id == "ana"


def test_an_account_outside_the_roster_is_never_a_subject() -> None:
    made = small()
    made.person("github:user/9", name="ghost", rostered=False)
    with pytest.raises(PacketError, match="nobody"):
        packet_of(made, "github:user/9")


def test_persons_switched_off_is_refused() -> None:
    with pytest.raises(PacketError, match="team and service tables only"):
        packet_of(small(persons=False))


@pytest.mark.parametrize(
    ("quarter", "message"),
    [("2027-Q1", "before it begins"), ("2019-Q1", "the data begin in"), ("soon", "Write year and quarter")],
)
def test_a_quarter_outside_the_data_is_refused(
    small_database: duckdb.DuckDBPyConnection, quarter: str, message: str
) -> None:
    with pytest.raises(PacketError, match=message):
        build_packet(small_database, person_id="ana", quarter=quarter)


def test_somebody_who_had_left_before_the_quarter_is_refused() -> None:
    made = small()
    made.person("lea", since=utc("2024-01-01 00:00"), until=utc("2026-01-31 23:00"))
    with pytest.raises(PacketError, match="until before 1 February 2026"):
        packet_of(made, "lea")


def test_months_the_ledger_does_not_know_are_unknown_not_complete() -> None:
    made = small()
    made.rows["ops.completeness"] = []
    packet = packet_of(made)
    assert packet.completeness.quarter == ("GitHub: unknown in April 2026 to June 2026.",)
    assert not packet.completeness.is_complete
    assert packet.completeness.gaps == ("GitHub: nothing is known about July 2025 to June 2026.",)


def test_gaps_are_told_by_reason_with_their_scopes_and_months_together() -> None:
    made = small()
    made.rows["ops.completeness"] += [
        {**row, "scope": "github:2", "status": "incomplete", "reason": "not read"}
        for row in made.rows["ops.completeness"]
        if row["month_start"].isoformat() in ("2025-08-01", "2025-09-01", "2025-10-01", "2026-06-01")
    ]
    assert packet_of(made).completeness.gaps == (
        "GitHub, acme/api, June 2026: two pages were refused.",
        "GitHub, github:2, August 2025 to October 2025 and June 2026: not read.",
    )


def test_missing_deployments_are_told_and_no_word_is_said_where_none_are() -> None:
    made = small()
    of_july, *_, of_june = sorted(made.rows["ops.completeness"], key=lambda row: row["month_start"])
    gap = {"source": "deployments", "status": "incomplete", "reason": "refused"}
    made.rows["ops.completeness"] += [of_july | gap]
    told = packet_of(made).completeness
    assert not any("Deployments" in sentence for sentence in told.quarter)
    assert "Deployments, acme/api, July 2025: refused." in told.gaps
    made.rows["ops.completeness"] += [of_june | gap]
    told = packet_of(made).completeness
    assert "Deployments: incomplete in June 2026." in told.quarter
    assert not any("nothing is known" in gap for gap in told.gaps)


def test_a_month_nobody_counted_independently_is_said_and_is_no_gap() -> None:
    made = small()
    made.rows["ops.completeness"] = [
        {**row, "status": "unknown", "reason": "not asked"} for row in made.rows["ops.completeness"]
    ]
    told = packet_of(made).completeness
    assert told.quarter == (
        "GitHub: read without a gap in April 2026 to June 2026, but not counted independently (unknown).",
    )
    assert told.gaps == ()
    assert not told.is_complete


def test_the_checksum_is_of_everything_else(small_packet: Packet) -> None:
    assert small_packet.content_checksum == checksum(small_packet)
    later = small((utc("2026-07-20 04:00") + timedelta(days=1)).isoformat(" "))
    assert packet_of(later).content_checksum != small_packet.content_checksum
