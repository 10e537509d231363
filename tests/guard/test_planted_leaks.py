"""Leaks put in on purpose: each must be found, whatever it hides behind.

Here: one sentence per leak, and the kind the guard must call it.
Not here: what must pass (test_innocents), the real tree (test_tree).
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, make_dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from metrics_catalog.guard import (
    Leak,
    guard_tree,
    leaks_in_graphql,
    leaks_in_json,
    leaks_in_metric,
    leaks_in_names,
    leaks_in_rate,
    leaks_in_records,
    leaks_in_schema,
    leaks_in_source,
    leaks_in_sql,
    leaks_in_template,
)
from metrics_catalog.guard.vocabulary import COMPULSORY_WORDS, Kind

Check = Callable[[str, str], tuple[Leak, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """A text with a leak in it, and what it must be found as."""

    text: str
    kind: Kind


def _cases(cases: dict[str, tuple[str, Kind]]) -> list[Any]:
    return [
        pytest.param(Planted(text=text, kind=kind), id=sentence) for sentence, (text, kind) in cases.items()
    ]


def _must_find(check: Check, planted: Planted) -> None:
    found = check(planted.text, "planted")
    assert planted.kind in {leak.kind for leak in found}, found
    assert all(leak.place.startswith("planted") and leak.reason for leak in found)


PULL_REQUEST = "query Q {{ node(id: 1) {{ ... on PullRequest {{ {} }} }} }}"

GRAPHQL: dict[str, tuple[str, Kind]] = {
    "a field asks for added lines": (PULL_REQUEST.format("additions"), "lines of code"),
    "an alias hides deleted lines": (PULL_REQUEST.format("gone: deletions"), "lines of code"),
    "a field asks for changed files": (PULL_REQUEST.format("changedFiles"), "lines of code"),
    "a commit is asked for its changed files": ("{ object { changedFilesIfAvailable } }", "lines of code"),
    "the files of a change are listed": (
        PULL_REQUEST.format("files(first: 1) { nodes { path } }"),
        "lines of code",
    ),
    "a comment brings its diff hunk": ("{ comment { diffHunk } }", "lines of code"),
    "a fragment asks for added lines": ("fragment F on PullRequest { id additions }", "lines of code"),
    "an inline fragment inside a fragment asks": (
        "fragment F on Node { ... on PullRequest { id ... on PullRequest { deletions } } }",
        "lines of code",
    ),
    "a summary of smaller tickets": ("{ issue { subIssuesSummary { total } } }", "activity"),
    "totalCount of reviews": (PULL_REQUEST.format("reviews(first: 1) { totalCount }"), "activity"),
    "an alias hides totalCount of commits": (
        PULL_REQUEST.format("c: commits(first: 1) { n: totalCount }"),
        "commits",
    ),
    "totalCount inside a fragment on comments": (
        "fragment F on IssueCommentConnection { totalCount }",
        "activity",
    ),
    "the filtered count of a timeline": (PULL_REQUEST.format("timelineItems { filteredCount }"), "activity"),
    "the number of comments has a name of its own": (PULL_REQUEST.format("totalCommentsCount"), "activity"),
    "issueCount of something that is not a search": ("{ team { issueCount } }", "activity"),
    "all commits instead of the first": (
        PULL_REQUEST.format("commits(first: 100) { nodes { commit { authoredDate } } }"),
        "commits",
    ),
    "a variable decides how many commits": (
        "query Q($n: Int!) { p { commits(first: $n) { nodes { commit { authoredDate } } } } }",
        "commits",
    ),
    "the first commit is asked for its message": (
        PULL_REQUEST.format("commits(first: 1) { nodes { commit { authoredDate message } } }"),
        "commits",
    ),
    "a fragment below the first commit may hold anything": (
        PULL_REQUEST.format("commits(first: 1) { nodes { commit { ...Anything } } }"),
        "commits",
    ),
    "the history of a branch is its commits": (
        "{ ref { target { history { nodes { oid } } } } }",
        "commits",
    ),
    "a person's contributions calendar": ("{ user { contributionsCollection { startedAt } } }", "activity"),
    "pull requests sorted by how much was said": (
        "{ repository { pullRequests(orderBy: {field: COMMENTS, direction: DESC}) { nodes { id } } } }",
        "activity",
    ),
    "the timeline is asked for commits": (
        PULL_REQUEST.format("timelineItems(itemTypes: [CLOSED_EVENT, PULL_REQUEST_COMMIT]) { nodes { id } }"),
        "activity",
    ),
    "an inline fragment on changed files": ("{ n { ... on PullRequestChangedFile { path } } }", "commits"),
    "a fragment on commits": ("fragment F on PullRequestCommit { url }", "commits"),
    "an alias that names a score": (PULL_REQUEST.format("score: id"), "score"),
    "a variable that names added lines": (
        "query Q($minAdditions: Int) { viewer { login } }",
        "lines of code",
    ),
    "an operation that cannot be read": ("query Q { node(", "unreadable"),
}


@pytest.mark.parametrize("planted", _cases(GRAPHQL))
def test_graphql(planted: Planted) -> None:
    _must_find(leaks_in_graphql, planted)


NAMES: dict[str, Kind] = {
    **dict.fromkeys(("loc", "sloc", "totalLOC", "linesOfCode", "line_count", "lines_added"), "lines of code"),
    **dict.fromkeys(("Deletions", "nDeletions", "pr_additions", "additions2", "insertions"), "lines of code"),
    **dict.fromkeys(("changed_files", "changedFiles", "filesChanged", "LOCCount", "churn"), "lines of code"),
    **dict.fromkeys(("body_length", "commentLength", "word_count"), "text size"),
    **dict.fromkeys(("commits", "n_commits", "numCommits", "commit_count", "commits_total"), "commits"),
    **dict.fromkeys(("ticket_count", "n_tickets", "issues_closed", "totalTickets"), "activity"),
    **dict.fromkeys(("pr_count", "numPRs", "PRCount", "pull_request_count", "n_merged_prs"), "activity"),
    **dict.fromkeys(("review_count", "reviewsPerWeek", "comment_count", "number_of_comments"), "activity"),
    **dict.fromkeys(("story_points", "storyPoints", "velocity", "team_velocity"), "points"),
    **dict.fromkeys(("score", "health-score", "scorecard", "grade", "z_score", "zscore", "stars"), "score"),
    **dict.fromkeys(("rank", "ranking", "ranked_people", "percentile", "quartiles", "ntile"), "ranking"),
    **dict.fromkeys(("league_table", "leaderboard", "top_10_reviewers", "bottomPerformers"), "ranking"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "kind"), NAMES.items())
def test_names(name: str, kind: Kind) -> None:
    assert [leak.kind for leak in leaks_in_names([name], "planted")] == [kind]


@pytest.mark.parametrize("word", COMPULSORY_WORDS.split("|"))
@pytest.mark.parametrize("shape", ["{}", "my_{}", "{}_of_it", "a_{}_b"])
def test_the_lint_expression_of_the_specification_is_part_of_the_guard(word: str, shape: str) -> None:
    """metrics.md 1.1, taken over word for word; no family above it may let one of its words through."""
    assert leaks_in_names([shape.format(word)], "planted")


SQL: dict[str, tuple[str, Kind]] = {
    "a table has a column of added lines": (
        "CREATE TABLE core.changes (id VARCHAR, additions INT)",
        "lines of code",
    ),
    "a quoted alias": ('SELECT x AS "Commit Count" FROM core.services', "commits"),
    "a column inside a function": (
        "SELECT coalesce(max(p.changed_files), 0) AS k FROM core.p AS p",
        "lines of code",
    ),
    "a column in a condition only": ("SELECT id FROM core.p WHERE lines_added > 100", "lines of code"),
    "a key inside a JSON path": (
        "SELECT payload ->> '$.pull.additions' AS a FROM landing.x",
        "lines of code",
    ),
    "a view with a refused name": ("CREATE VIEW core.velocity AS SELECT 1 AS k", "points"),
    "a bare count of reviews as amount": ("SELECT count(*) AS amount FROM core.reviews", "activity"),
    "count(*) reaches amount through two CTEs": (
        """WITH per_person AS (SELECT reviewer_id, count(*) AS k FROM core.reviews GROUP BY reviewer_id),
                renamed AS (SELECT reviewer_id, k AS quantity FROM per_person)
           SELECT reviewer_id AS case_id, quantity::DOUBLE / 2 AS amount FROM renamed""",
        "activity",
    ),
    "a star carries it out": (
        "WITH a AS (SELECT count(*) AS amount FROM core.tickets) SELECT * FROM a",
        "activity",
    ),
    "a star replaces a column with it": (
        "SELECT * REPLACE (count(*) AS amount) FROM core.tickets",
        "activity",
    ),
    "a CTE names its columns in its head": (
        "WITH a(k) AS (SELECT count(*) FROM core.reviews) SELECT k AS amount FROM a",
        "activity",
    ),
    "an INSERT names its columns in its head": (
        "INSERT INTO facts.m (case_id, amount) SELECT p, count(*) AS n FROM core.reviews GROUP BY p",
        "activity",
    ),
    "a lateral subquery": (
        "SELECT u.k AS amount FROM core.p AS p, LATERAL (SELECT count(*) AS k FROM core.reviews) AS u",
        "activity",
    ),
    "a lateral subquery that names its columns in its head": (
        "SELECT k AS amount FROM core.p JOIN LATERAL (SELECT count(*) FROM core.reviews) AS u(k) ON true",
        "activity",
    ),
    "rows of a lateral subquery": (
        "SELECT count(*) AS amount FROM core.p AS p, LATERAL (SELECT id FROM core.reviews) AS u",
        "activity",
    ),
    "an INSERT by position": (
        "INSERT INTO facts.m SELECT p, count(*) FROM core.reviews GROUP BY p",
        "activity",
    ),
    "a statement that hides its query": ("EXPLAIN SELECT count(*) AS amount FROM core.reviews", "unreadable"),
    "a union's second branch": (
        "SELECT hours AS amount FROM core.shifts UNION ALL SELECT count(*) FROM core.commit_list",
        "activity",
    ),
    "a subquery in the select list": (
        "SELECT (SELECT count(*) FROM core.reviews AS r WHERE r.id = p.id) AS value FROM core.people AS p",
        "activity",
    ),
    "a derived table": (
        "SELECT d.k AS numerator FROM (SELECT count(c.id) AS k FROM core.comments AS c) AS d",
        "activity",
    ),
    "a sum of ones": ("SELECT sum(1) AS value FROM core.pull_requests", "activity"),
    "a sum of a CASE": (
        "SELECT sum(CASE WHEN is_merged THEN 1 ELSE 0 END) AS amount FROM core.pull_requests",
        "activity",
    ),
    "a sum of ones under another name": (
        "WITH ones AS (SELECT 1 AS k FROM core.reviews) SELECT sum(k) AS amount FROM ones",
        "activity",
    ),
    "a sum of truths": ("SELECT sum(is_merged::INT) AS amount FROM core.pull_requests", "activity"),
    "count_if": ("SELECT count_if(hours > 3) AS amount FROM core.pull_requests", "activity"),
    "a rough count": ("SELECT approx_count_distinct(id) AS amount FROM core.pull_requests", "activity"),
    "rows of a CTE": ("WITH a AS (SELECT id FROM core.reviews) SELECT count(*) AS amount FROM a", "activity"),
    "the median of lengths": (
        "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY length(body)) AS value FROM core.answers",
        "text size",
    ),
    "a count over a window": (
        "SELECT count(*) OVER (PARTITION BY author_id) AS amount FROM core.pull_requests",
        "activity",
    ),
    "a filtered count": ("SELECT count(*) FILTER (WHERE is_late) AS amount FROM core.tickets", "activity"),
    "a length of a list of reviews": ("SELECT len(list(review_id)) AS amount FROM core.reviews", "text size"),
    "one per pull request, to be summed up later": (
        "SELECT id AS case_id, 1.0 AS amount FROM core.pull_requests",
        "activity",
    ),
    "one per pull request that was merged": (
        "SELECT CASE WHEN is_merged THEN 1 ELSE 0 END AS amount FROM core.pull_requests",
        "activity",
    ),
    "a count under a new name in a core table": (
        "CREATE TABLE core.extra AS SELECT person_id, count(*) AS k FROM core.reviews GROUP BY person_id",
        "activity",
    ),
    "a stored sample size becomes an amount": ("SELECT a.n AS amount FROM core.answers AS a", "activity"),
    "the length of what was written": ("SELECT length(body) AS amount FROM core.answers", "text size"),
    "the length of what was written, elsewhere": (
        "SELECT length(a.body) AS k FROM core.answers AS a",
        "text size",
    ),
    "a count of line breaks": (
        "SELECT len(string_split(body, chr(10))) AS exposure FROM core.answers",
        "text size",
    ),
    "a count of matches in a text": (
        "SELECT regexp_count(message, 'x') AS amount FROM core.answers",
        "text size",
    ),
    "array_length of whatever": ("SELECT array_length(parts) AS value FROM core.things", "text size"),
    "a row number becomes an amount": (
        "WITH o AS (SELECT row_number() OVER (ORDER BY h) AS k FROM core.people) SELECT k AS amount FROM o",
        "position",
    ),
    "rank() over people": ("SELECT rank() OVER (ORDER BY hours) AS place FROM core.people", "ranking"),
    "percent_rank() in a QUALIFY": (
        "SELECT id FROM core.people QUALIFY percent_rank() OVER (ORDER BY hours) < 0.1",
        "ranking",
    ),
    "ntile() in a subquery": (
        "SELECT * FROM (SELECT ntile(4) OVER (ORDER BY h) AS q FROM core.people)",
        "ranking",
    ),
    "people sorted by how much they reviewed": (
        "SELECT p, count(*) AS denominator FROM core.reviews GROUP BY p ORDER BY denominator DESC",
        "ranking",
    ),
    "people sorted by the second column": (
        "SELECT reviewer_id, count(*) AS n FROM core.reviews GROUP BY reviewer_id ORDER BY 2 DESC",
        "ranking",
    ),
    "people numbered by how much they reviewed": (
        "SELECT p, row_number() OVER (ORDER BY count(*) DESC) AS place FROM core.reviews GROUP BY p",
        "ranking",
    ),
    "a statement that cannot be read": ("SELECT FROM WHERE (", "unreadable"),
}


@pytest.mark.parametrize("planted", _cases(SQL))
def test_sql(planted: Planted) -> None:
    _must_find(leaks_in_sql, planted)


def test_a_column_of_a_real_database_is_found() -> None:
    """The schema is asked of DuckDB itself, as whoever publishes it would."""
    with duckdb.connect() as connection:
        connection.execute('CREATE TABLE people (person_id VARCHAR, "reviewCount" INTEGER)')
        columns = connection.execute(
            "SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal"
        ).fetchall()
    assert [(leak.place, leak.name) for leak in leaks_in_schema(columns)] == [("people", "reviewCount")]


def test_a_record_with_a_field_for_added_lines_is_found() -> None:
    record = make_dataclass(
        "PullRequest", [("id", str), ("additions", int)], frozen=True, slots=True, kw_only=True
    )
    assert [(leak.kind, leak.name) for leak in leaks_in_records([record])] == [("lines of code", "additions")]


METRIC = {"id": "rq_x", "title": "Time to answer", "unit": "hours", "statistic": "median", "params": {}}

METRICS: dict[str, dict[str, Any]] = {
    "the unit is lines": {"unit": "lines"},
    "the unit is commits": {"unit": "commits"},
    "the unit is pull requests per week": {"unit": "pull requests per week"},
    "the unit is a bare count": {"unit": "count"},
    "the words for cases have tickets as their unit": {"case_words": {"unit": "tickets"}},
    "the statistic is a count": {"statistic": "count"},
    "the statistic is a percentile": {"statistic": "percentile"},
    "the id names a score": {"id": "rq_review_score"},
    "the title names merged pull requests": {"title": "Pull requests merged per week"},
    "a parameter deep down names changed files": {"params": {"limits": [{"max_changed_files": 3}]}},
}


@pytest.mark.parametrize("change", METRICS.values(), ids=METRICS.keys())
def test_metric(change: dict[str, Any]) -> None:
    assert not leaks_in_metric(METRIC, "planted")
    assert leaks_in_metric(METRIC | change, "planted")


def test_a_rate_of_pull_requests_is_their_number_in_disguise() -> None:
    facts = "WITH m AS (SELECT id AS k FROM core.pull_requests) SELECT k AS case_id, 1 AS exposure FROM m"
    assert leaks_in_rate({"statistic": "rate"}, facts, "planted")
    assert not leaks_in_rate({"statistic": "share"}, facts, "planted")
    assert not leaks_in_rate({"statistic": "rate"}, facts.replace("pull_requests", "incidents"), "planted")


PACKETS: dict[str, Any] = {
    "a key at the top": {"score": 3},
    "a key nested in a list": {"families": [{"metrics": [{"n": 3, "reviewCount": 12}]}]},
    "a metric id": {"cells": [{"metric_id": "commit_frequency", "n": 5}]},
    "a column named in a list": {"table": {"columns": ["name", "loc"]}},
    "a sort key": {"rows": {"sort_by": "n_reviews"}},
    "a unit": {"cells": [{"metric_id": "x", "unit": "commits"}]},
    "an empty list under a refused key": {"leaderboard": []},
}


@pytest.mark.parametrize("document", PACKETS.values(), ids=PACKETS.keys())
def test_packet_json(document: Any) -> None:
    assert leaks_in_json(json.loads(json.dumps(document)), "planted")


TEMPLATES: dict[str, tuple[str, Kind]] = {
    "a variable": ("<p>{{ score }}</p>", "score"),
    "an attribute of a variable": ("{{ person.commit_count }}", "commits"),
    "an item by its key": ("{{ person['additions'] }}", "lines of code"),
    "a variable inside a loop and a filter": (
        "{% for r in rows %}{{ r.nReviews | round(1) }}{% endfor %}",
        "activity",
    ),
    "a variable that is only set": ("{% set rank = loop.index %}", "ranking"),
    "people sorted by a value": (
        "{% for p in people|sort(attribute='value') %}{{ p.name }}{% endfor %}",
        "ranking",
    ),
    "members sorted, reversed and cut": ("{{ (team.members|sort(true, false, 'share'))[:3] }}", "ranking"),
    "filtered reviewers sorted by a value": (
        "{{ report.reviewers|selectattr('shown')|list|sort(attribute='hours') }}",
        "ranking",
    ),
    "values by person sorted by value": (
        "{% for p, v in people|dictsort(by='value') %}{{ p }}{% endfor %}",
        "ranking",
    ),
    "the best of the engineers": ("{{ engineers|max(attribute='share') }}", "ranking"),
    "a keyword of a macro": ("{{ cell(score=3) }}", "score"),
    "an HTML attribute": ("<tr data-rank='1'><td>Ana</td></tr>", "ranking"),
    "the id of an element": ("<section id='leaderboard'></section>", "ranking"),
    "the heading of a table": (
        "<table><tr><th>Name</th><th>Lines of code</th></tr></table>",
        "lines of code",
    ),
    "a template that cannot be read": ("{{ person", "unreadable"),
}


@pytest.mark.parametrize("planted", _cases(TEMPLATES))
def test_template(planted: Planted) -> None:
    _must_find(leaks_in_template, planted)


PYTHON: dict[str, tuple[str, Kind]] = {
    "an attribute": ("total = page.additions + page.deletions", "lines of code"),
    "a field of a class": ("class Review:\n    lines: int", "lines of code"),
    "a key": ("record['changedFiles']", "lines of code"),
    "a class": ("class LeaderBoard:\n    pass", "ranking"),
    "a constant of a class": ("class Cell:\n    rank = 3", "ranking"),
    "a parameter": ("def f(additions): return 1", "lines of code"),
    "an import under a new name": ("from somewhere import board as leaderboard", "ranking"),
    "a key of ours that pydantic has too": ("record['loc']", "lines of code"),
    "a key in a dict": ("row = {'commit_count': 3}", "commits"),
    "a path through an answer": ("pick(page, 'node.reviews.0.additions')", "lines of code"),
    "a keyword argument": ("cell(score=3)", "score"),
    "a function": ("def rank_people(people): return people", "ranking"),
    "a polars rank": ("frame.with_columns(pl.col('hours').rank())", "ranking"),
    "a local variable": ("def f():\n    n_reviews = 3\n    return n_reviews", "activity"),
    "an imported name": ("from somewhere import leaderboard as board", "ranking"),
    "a command line option": ("option('--percentile')", "ranking"),
    "the answer's commits outside a connector": ("answer['commits']", "commits"),
    "SQL inside text": ("sql = 'SELECT count(*) AS amount FROM core.reviews'", "activity"),
    "SQL inside an f-string": ("sql = f'SELECT length(body) AS amount FROM {table} WHERE x'", "text size"),
    "GraphQL inside text": ("query = 'query Q { node { reviews(first: 1) { totalCount } } }'", "activity"),
    "a file that cannot be read": ("def", "unreadable"),
}


@pytest.mark.parametrize("planted", _cases(PYTHON))
def test_python(planted: Planted) -> None:
    _must_find(leaks_in_source, planted)


FILES = {
    "connectors/a/queries/q.graphql": "{ node { additions } }",
    "warehouse/a.py": "additions = 1",
    "metrics_catalog/metrics/m/metric.toml": "unit = 'commits'",
    "metrics_catalog/metrics/m/facts.sql": "SELECT length(body) AS amount FROM core.answers",
    "metrics_catalog/columns.toml": "['core.people']\ncolumns.review_count = ['INTEGER', '']",
    "transforms/core/people/github.sql": "SELECT additions FROM landing.x",
    "packets/templates/packet.html": "{{ score }}",
    "packets/templates/packet.md.j2": "{{ score }}",
    "pipelines/cli.py": "row['rank']",
}


@pytest.mark.parametrize("path", FILES)
def test_the_walk_reaches_every_kind_of_file(tmp_path: Path, path: str) -> None:
    file = tmp_path / path
    file.parent.mkdir(parents=True)
    file.write_text(FILES[path], "utf-8")
    assert {leak.place.partition(":")[0] for leak in guard_tree(tmp_path)} == {path}


def test_only_the_completeness_ledger_counts_what_is_stored(tmp_path: Path) -> None:
    for folder in ("completeness", "periods"):
        (tmp_path / "transforms" / folder).mkdir(parents=True)
        sql = (
            "SELECT repository_id AS scope, count(*) AS stored FROM core.pull_requests GROUP BY repository_id"
        )
        (tmp_path / "transforms" / folder / "github.sql").write_text(sql, "utf-8")
    assert [leak.place for leak in guard_tree(tmp_path)] == ["transforms/periods/github.sql"]


def test_the_walk_looks_at_a_rate_and_its_query_together(tmp_path: Path) -> None:
    folder = tmp_path / "metrics_catalog" / "metrics" / "m"
    folder.mkdir(parents=True)
    (folder / "metric.toml").write_text("statistic = 'rate'\nunit = 'per week'", "utf-8")
    (folder / "facts.sql").write_text(
        "SELECT id AS case_id, 0.2 AS exposure FROM core.pull_requests", "utf-8"
    )
    assert [leak.name for leak in guard_tree(tmp_path)] == ["case_id"]
