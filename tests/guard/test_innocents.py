"""What the guard must let pass: words that only look alike, and counts that are the size of a sample.

Here: one sentence per innocent.
Not here: what must be found (test_planted_leaks).
"""

from dataclasses import make_dataclass
from typing import Any

import pytest

from metrics_catalog.guard import (
    leaks_in_graphql,
    leaks_in_json,
    leaks_in_metric,
    leaks_in_names,
    leaks_in_records,
    leaks_in_source,
    leaks_in_sql,
    leaks_in_template,
)

NAMES = """
    timeline timelines pipelines deadline deadlines online offline baseline baselines guidelines polyline
    line line_height newline splitlines location locale localhost block blocks blocked clock clocks lock
    upgrade downgraded underscore scope degraded frank prank franked start restart starts
    commit_oid merge_commit merge_commit_oid committed_at_utc committer first_commit_at_utc precommit
    pull_request_id pull_request_number issue_number issue_key ticket_id ticket_transitions review_id
    review_requests review_threads pull_requests reviews comments tickets issues labels thread_comments
    addition deletion deletion_detected_at_utc deleted_files files_written max_file_size
    queued_seconds failed_share n n_pending n_open n_raters n_light n_bare n_suspected numerator denominator
    exposure amount value distinct_prs min_distinct_prs n_reviewed n_by_name value_if_all_suspects
    rq_response_24h rq_threads_addressed rq_suggestions_accepted fc_cross_team_reviews rq_reviewer_spread
    si_prod_bugs_per_sprint si_deployment_frequency oc_incidents_per_shift deployment_count incident_count
    n_deployments contributor_id contributors page_size reviews_per_page pageSize total_minutes down_minutes
    comments_resolved_at_utc no_reviews textLength velocipede diff percentage topic top_margin
    changed_at_utc file_path patch_release weekday
""".split()


@pytest.mark.parametrize("name", NAMES)
def test_names(name: str) -> None:
    assert leaks_in_names([name], "innocent") == ()


GRAPHQL = {
    "the count of a search is the ledger's": "query Q($q: String!) { search(query: $q) { issueCount } }",
    "the same under an alias": "query Q($q: String!) { a: search(query: $q) { n: issueCount } }",
    "the time of the first commit": "{ p { commits(first: 1) { nodes { commit { authoredDate } } } } }",
    "how many gave a reaction": "{ p { reactionGroups { content reactors(first: 1) { totalCount } } } }",
    "how many labels there are": "fragment LabelPage on LabelConnection { totalCount nodes { name } }",
    "how many deployments a repository has": "{ repository { deployments(first: 9) { totalCount } } }",
    "the commit a change was merged as": "{ p { mergeCommit { oid } } }",
    "the cost of a request": "{ rateLimit { cost remaining resetAt } }",
    "reviews and the timeline": "{ p { reviews(first: 9) { nodes { id } } timelineItems { nodes { id } } } }",
}


@pytest.mark.parametrize("text", GRAPHQL.values(), ids=GRAPHQL.keys())
def test_graphql(text: str) -> None:
    assert leaks_in_graphql(text, "innocent") == ()


SQL = {
    "hours between two instants": (
        "SELECT date_diff('second', opened_utc, answered_utc) / 3600.0 AS amount FROM core.review_requests"
    ),
    "no amount at all": "SELECT pull_request_id AS case_id, NULL::DOUBLE AS amount FROM core.pull_requests",
    "zero hours, or those that passed": (
        "SELECT CASE WHEN k > 24 THEN NULL WHEN is_draft THEN 0 ELSE hours END AS amount FROM core.reviews"
    ),
    "zero hours, or nothing": "SELECT CASE WHEN is_draft THEN 0 END AS amount FROM core.reviews",
    "zero as a decimal": "SELECT 0::DECIMAL(10, 2) AS amount FROM core.reviews",
    "a word that depends on a count": (
        "SELECT CASE count(*) WHEN 0 THEN 'none' ELSE 'some' END AS answered FROM core.reviews"
    ),
    "hours in an order by length": (
        "SELECT first_value(hours) OVER (ORDER BY length(body)) AS amount FROM core.answers"
    ),
    "the newest version of a row": (
        "SELECT * FROM (SELECT *, row_number() OVER (PARTITION BY id ORDER BY seen DESC) AS version_order"
        " FROM landing.github__reviews) WHERE version_order = 1"
    ),
    "the size of a sample": "SELECT subject_id, count(*) AS n FROM core.reviews GROUP BY subject_id",
    "different pull requests as a sample": (
        "SELECT count(DISTINCT pull_request_id) AS distinct_prs FROM core.review_threads"
    ),
    "whether there is any review": "SELECT p, count(*) > 0 AS has_review FROM core.reviews GROUP BY p",
    "enough raters": "SELECT p FROM core.reviews GROUP BY p HAVING count(DISTINCT rater) >= 5",
    "cases that met their limit": (
        "SELECT count(*) FILTER (WHERE outcome = 'met') AS numerator FROM facts.rq_response_24h"
    ),
    "a rate of incidents": "SELECT count(i.incident_id) AS amount FROM core.incidents AS i",
    "incidents beside pull requests, counted by their own column": (
        "SELECT count(i.id) AS amount FROM core.incidents AS i JOIN core.pull_requests AS p ON p.s = i.s"
    ),
    "one per incident": "SELECT incident_id AS case_id, 1 AS amount FROM core.incidents",
    "an empty comment": "SELECT CASE WHEN length(trim(body)) = 0 THEN 'ack' END AS label FROM core.comments",
    "the rest of a text": "SELECT substr(body, 1, length(body) - 3) AS marked FROM core.comments",
    "the median of the cases": (
        "SELECT PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY amount) AS value FROM facts.oc_ack_time"
    ),
    "text that is a sentence": "SELECT 'no score, no rank, no lines' AS note FROM core.people",
    "a comment on what is left out": "-- Never additions or deletions.\nSELECT id FROM core.pull_requests",
    "rows in, rows out": "SELECT count(*) FROM core.reviews",
    "sorted by time": "SELECT id FROM core.reviews ORDER BY submitted_at_utc, id",
    "a recursive chain": (
        "WITH RECURSIVE chain AS (SELECT id, 0 AS depth FROM core.incidents UNION ALL"
        " SELECT i.id, c.depth + 1 FROM core.incidents AS i JOIN chain AS c ON i.merged_into = c.id)"
        " SELECT id AS case_id, depth AS exposure FROM chain"
    ),
    "a macro for the month": "CREATE MACRO month_start(x) AS date_trunc('month', x)",
}


@pytest.mark.parametrize("sql", SQL.values(), ids=SQL.keys())
def test_sql(sql: str) -> None:
    assert leaks_in_sql(sql, "innocent") == ()


def test_a_count_that_was_allowed_by_name() -> None:
    sql = "SELECT count(*) AS rows_landed FROM landing.github__reviews"
    assert leaks_in_sql(sql, "ledger")
    assert leaks_in_sql(sql, "ledger", counts_of_units_allowed={"rows_landed"}) == ()


def test_a_value_column_is_never_allowed_to_count_units() -> None:
    assert leaks_in_sql(
        "SELECT count(*) AS amount FROM core.reviews", "facts", counts_of_units_allowed={"amount"}
    )


@pytest.mark.parametrize(
    "unit",
    [
        "share",
        "hours",
        "minutes",
        "people",
        "per week",
        "share of minutes",
        "per 30 service days",
        "per sprint",
    ],
)
def test_units_of_the_catalogue(unit: str) -> None:
    assert leaks_in_metric({"unit": unit, "statistic": "share"}, "innocent") == ()


def test_a_packet() -> None:
    packet: dict[str, Any] = {
        "metrics": [
            {"metric_id": "rq_response_24h", "n": 26, "numerator": 24, "unit": "share", "value": 0.92}
        ],
        "evidence": [{"id": "E12", "ref": "acme/scores#881", "timeline": [], "committed_at_utc": None}],
    }
    assert leaks_in_json(packet, "innocent") == ()


def test_a_record() -> None:
    record = make_dataclass("Review", [("id", str), ("committed_at_utc", str), ("body", str)])
    assert leaks_in_records([record]) == ()


TEMPLATES = {
    "people by name": "{% for p in people|sort(attribute='name') %}{{ p.name }}{% endfor %}",
    "cases by time": "{% for c in cases|sort(attribute='anchor_at_utc') %}{{ c.ref }}{% endfor %}",
    "a timeline as a polyline": "<svg><polyline class='baseline' points='{{ timeline.points }}'/></svg>",
    "a sentence about what a packet is not": "<p>This is not a score, and nobody is ranked.</p>",
    "a short text that is no heading": "<b>Ana</b> Lines",
    "share, n and interval": "<th>Share</th><th>n</th><td>{{ cell.value | percent }} ({{ cell.n }})</td>",
    "an attribute with an expression": "<a href='{{ case.url }}' title='{% if x %}open{% endif %}'>x</a>",
}


@pytest.mark.parametrize("text", TEMPLATES.values(), ids=TEMPLATES.keys())
def test_template(text: str) -> None:
    assert leaks_in_template(text, "innocent") == ()


PYTHON = {
    "lines of text": "def csv_lines(rows):\n    lines = [*rows]\n    return '\\n'.join(lines)",
    "a method that gives lines of text": "text = self._csv_lines()",
    "lines of text as a parameter": "def joined(lines): return ''.join(lines)",
    "a docstring of one word": 'def f():\n    """Score."""',
    "the name of the median's function": "function = 'percentile_cont'",
    "where pydantic found an error": "place = error['loc']",
    "a part of a word": "name = f'lines{n}'",
    "the order statistic of a median": "rank = 3\nvalue = ordered[rank - 1]",
    "prose about what is refused": '"""Never additions, deletions."""\nx = "no score is shown"',
    "a stream read line by line": "for line in response.iter_lines(): pass",
    "an error message that selects a word": "raise ValueError('select one of these, from the list')",
    "an address": "url = 'https://docs.example/score/lines'",
}


@pytest.mark.parametrize("text", PYTHON.values(), ids=PYTHON.keys())
def test_python(text: str) -> None:
    assert leaks_in_source(text, "packets/x.py") == ()


def test_a_connector_reads_the_keys_that_its_queries_may_ask_for() -> None:
    text = "count = answer['search']['issueCount']\nfirst = node['commits']['nodes']"
    assert leaks_in_source(text, "connectors/github/parse.py") == ()
    assert leaks_in_source("class Search:\n    issueCount: int", "connectors/github/records.py")
