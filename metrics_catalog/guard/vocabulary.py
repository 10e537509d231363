"""The words that are refused, and why.

Here: families of words with the reason for each, and the check of a name against them.
Not here: where names come from (queries, sql, definitions, templates, python).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Literal

Kind = Literal[
    "lines of code",  # and changed files, churn, sizes of a change
    "text size",
    "commits",
    "activity",  # bare numbers of tickets, pull requests, reviews, comments
    "points",
    "score",
    "ranking",
    "position",  # a row number that becomes a value
    "specification",  # the expression of metrics.md 1.1, where no family above says it better
    "unreadable",  # the guard cannot vouch for what it cannot parse
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """One thing that promise 1 refuses: what it is, where it stands, how it is called there, and why not."""

    kind: Kind
    place: str
    name: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Words refused for one reason. ``words`` is matched between underscores, after ``snake_case``."""

    kind: Kind
    words: str
    reason: str


COMPULSORY_WORDS = (
    "score|rank|percentile|quartile|grade|loc|lines|additions|deletions|commit_count|commits_total"
    "|story_points|velocity"
)
"""What stands between ``(^|_)(`` and ``)(_|$)`` in the lint expression of metrics.md 1.1, word for word."""

UNITS = (
    "pull_?requests?|prs?|merge_?requests?|mrs?|code_reviews?|reviews?|comments?|discussions?|commits?"
    "|tickets?|issues?"
)
"""What people produce and what must not be counted to describe them."""

MANY = (
    "pull_?requests|prs|merge_?requests|mrs|code_reviews|reviews|comments|discussions|commits|tickets|issues"
)
_COUNT = "count|counts|cnt|total|totals|tally|quantity|volume|frequency|throughput|rate"
_CHANGED = "changed|modified|touched"
_DONE = "closed|merged|opened|created|resolved|completed|done|finished|written|made|authored"
_PEOPLE = "performers?|people|persons?|engineers?|developers?|reviewers?|authors?|contributors?"

FAMILIES = (
    Family(
        kind="lines of code",
        words="locs?|[slk]loc|ncloc|lines|line_(count|counts|total)|additions|deletions|insertions",
        reason="lines measure typing, not impact: see the si_* metrics of key services",
    ),
    Family(
        kind="lines of code",
        words=f"files?_({_CHANGED})|({_CHANGED})_files?|code_churn|churn|diff_?stats?|diff_hunks?|diff_size"
        "|(pr|pull_request|change|commit|patch)_size",
        reason="the size of a change says nothing about its worth, and is not stored",
    ),
    Family(
        kind="text size",
        words="(body|comment|review|description|message)_(length|size|chars|characters|words)"
        "|word_counts?|char_counts?|character_counts?|(n|num)_(words|chars|characters)",
        reason="length is never used: a short remark can be the one that mattered (metrics.md 2.10)",
    ),
    Family(
        kind="commits",
        words=f"commits|commit_({_COUNT})|commits_({_COUNT})|commit_activity|ahead_by|behind_by",
        reason="how often somebody commits is a habit: see the review quality metrics",
    ),
    Family(
        kind="activity",
        words=f"({UNITS})_({_COUNT}|n|num)"
        f"|(n|nr|num|number|numbers|count|counts|cnt|total|totals|sum)_(of_)?([a-z]+_)?({MANY})"
        f"|({MANY})_({_DONE})(?!_(at|by|on|in|share))|({MANY})_per(?!_page)"
        "|activity_(count|counts|total|index|level)"
        "|contributions_collection|contribution_calendar|contributions?_counts?|total_([a-z]+_)*contributions",
        reason="bare numbers of tickets, pull requests, reviews or comments measure how work is cut up",
    ),
    Family(
        kind="points",
        words="story_?points?|velocity|velocities|burn_?downs?|burn_?ups?|points_(completed|done|burned)",
        reason="estimates are a team's own currency, not an outcome",
    ),
    Family(
        kind="score",
        words="scores?|scored|scoring|score_?cards?|grades?|graded|grading|z_?scores?|stars?|star_ratings?"
        "|stargazers?|(composite|overall|performance|productivity)_(index|rating|level|value)|productivity",
        reason="metrics stand side by side; nothing sums a person up",
    ),
    Family(
        kind="ranking",
        words="ranks?|ranked|rankings?|percentiles?|percentile_?of_?score|quartiles?|quintiles?|deciles?|ntile"
        f"|cume_dist|leagues?|league_tables?|leader_?boards?|(top|bottom|best|worst)_(\\d+_)?({_PEOPLE})",
        reason="people are never put in an order, in any output, view or export",
    ),
    Family(
        kind="specification",
        words=COMPULSORY_WORDS,
        reason="matches the lint expression of metrics.md 1.1",
    ),
)
"""Asked in this order; the first that matches gives the reason. The last is the compulsory one."""

SAMPLE_SIZES = re.compile(r"n|n_\w+|denominator|distinct_\w+")
"""What a count of such units may be called when it leaves a statement: the size of a sample beside a share.
Names of this form that say what they count (``n_reviews``) are refused by the families above all the same."""

LEDGER_COLUMNS = frozenset({"stored", "expected", "rejected", "capped", "refused", "deleted"})
"""What the completeness ledger counts, by repository and month and never by person: whether all that the
source has is stored (promise 3). Only its own statements may."""

_EXPRESSIONS = tuple((family, re.compile(f"(?:^|_)(?:{family.words})(?:_|$)")) for family in FAMILIES)
# A new word starts at a capital after a small letter, at the last capital of LOCCount (not at the plural s
# of numPRs), and between letters and digits.
_WORD_STARTS = re.compile(
    r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z](?:[a-rt-z]|s[a-z]))|(?<=[A-Za-z])(?=\d)|(?<=\d)(?=[A-Za-z])"
)


def snake_case(name: str) -> str:
    """``changedFilesIfAvailable`` and ``changed-files (if available)`` as words between underscores."""
    return re.sub(r"[\W_]+", "_", _WORD_STARTS.sub("_", name)).strip("_").lower()


@cache
def refusal(name: str) -> Family | None:
    """The first family that refuses this name; None if no family does."""
    words = snake_case(name)
    return next((family for family, expression in _EXPRESSIONS if expression.search(words)), None)


def leak(name: str, place: str, *, family: Family) -> Leak:
    """This name, refused for the family's reason."""
    return Leak(kind=family.kind, place=place, name=name, reason=family.reason)


def leaks_in_names(names: Iterable[str], place: str) -> tuple[Leak, ...]:
    """Identifiers of any sort (fields, tables, columns, keys, variables) that a family refuses, once each."""
    found = ((name, refusal(name)) for name in dict.fromkeys(names))
    return tuple(leak(name, place, family=family) for name, family in found if family)
