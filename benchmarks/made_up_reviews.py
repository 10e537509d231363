"""A seeded organisation of any size as rows of core, made by SQL alone: 36 review events a person and month.

Here: the SELECTs that fill ``conformed.<entity>``, for benchmarks.
Not here: the organisation of `evenhand demo`, which answers pages like GitHub and is told as a story.

Everything is drawn from hashes of the seed and a number, so that the same size and seed give the same rows.
100 engineers over 36 months have 0.13 million review events (requests, reviews, remarks), 10,000 have 12.8.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import duckdb

AS_OF_UTC = datetime(2026, 6, 30, 22, tzinfo=UTC)
ZONE = "Europe/Berlin"
MONTHS = 36
PULLS_A_PERSON_AND_MONTH = 6
TEAM = 8

_DRAWS = """
CREATE OR REPLACE MACRO draw(about, number) AS
    (hash(about || '/' || number || '/' || $seed) % 1000000) / 1000000.0
"""
_PULLS = """
CREATE OR REPLACE TEMP TABLE made_pulls AS
SELECT
    number,
    author,
    author // {team} AS team,
    'github:' || (author // {team} + 1) || '/pull/' || (number + 1) AS pr_id,
    created,
    created + to_microseconds((-ln(1 - draw('life', number)) * 40 * 3600000000)::BIGINT + 3600000000)
        AS ends,
    draw('fate', number) AS fate,
    draw('draft', number) < 0.2 AS is_draft
FROM (
    SELECT
        range AS number,
        (hash('author/' || range || '/' || $seed) % $engineers)::BIGINT AS author,
        TIMESTAMP '2023-06-30 22:00:00' + to_microseconds((draw('created', range) * $span_us)::BIGINT)
            AS created
    FROM range($pulls)
)
"""
_REVIEWERS = """
CREATE OR REPLACE TEMP TABLE made_requests AS
SELECT
    *,
    asked + to_microseconds((-ln(1 - draw('answer', request)) * 14 * 3600000000)::BIGINT) AS answered,
    draw('answers', request) AS answers,
    draw('state', request) AS state
FROM (
    SELECT
        pulls.*,
        number * 3 + place AS request,
        place,
        CASE
            WHEN draw('other', number * 3 + place) < 0.15
                THEN (hash('who/' || (number * 3 + place) || '/' || $seed) % $engineers)::BIGINT
            ELSE team * {team} + (author % {team} + 1 + place + (hash(number) % 4)::BIGINT) % {team}
        END AS reviewer,
        created + to_microseconds((draw('asked', number) * 7200000000)::BIGINT) AS asked
    FROM made_pulls AS pulls, range(3) AS places (place)
    WHERE place < 2 OR draw('third', number) < 0.2
)
WHERE reviewer <> author AND reviewer < $engineers
"""

ENTITIES: Mapping[str, str] = {
    "roster": """
        SELECT 'p' || lpad(range::VARCHAR, 5, '0') AS person_id, 'team-' || (range // {team}) AS team_id,
            ['Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Australia/Lord_Howe'][1 + range % 4] AS tz,
            CASE WHEN range % 9 = 0 THEN [1, 2, 3] ELSE [1, 2, 3, 4, 5] END AS working_days
        FROM range($engineers)
    """,
    "people": "SELECT person_id, person_id AS name, tz, working_days, false AS is_bot, true AS is_rostered "
    "FROM core.roster",
    "memberships": "SELECT person_id, team_id FROM core.roster",
    "services": """
        SELECT 'service-' || range AS service_id, 1 + range % 3 AS tier, 'team-' || range AS team_id,
            'acme/repository-' || range AS repository
        FROM range($engineers // {team} + 1)
    """,
    "pull_requests": """
        SELECT pr_id, 'acme/repository-' || team || '#' || (number + 1) AS ref, 'A change' AS title,
            'https://github.example/acme/repository-' || team || '/pull/' || (number + 1) AS source_url,
            'github:' || (team + 1) AS repository_id, 'p' || lpad(author::VARCHAR, 5, '0') AS author_id,
            created AS created_at_utc, is_draft AS draft_at_creation,
            CASE WHEN fate < 0.9 THEN ends END AS merged_at_utc,
            CASE WHEN fate < 0.98 THEN ends END AS closed_at_utc,
            true AS merged_to_default_branch, ['service-' || team] AS service_ids
        FROM made_pulls
    """,
    "pr_events": """
        SELECT 'event/' || request AS event_id, pr_id, 'review_requested' AS type, asked AS occurred_at_utc,
            'p' || lpad(reviewer::VARCHAR, 5, '0') AS reviewer_id
        FROM made_requests
        UNION ALL BY NAME
        SELECT 'ready/' || number AS event_id, pr_id, 'ready_for_review' AS type,
            created + INTERVAL 30 MINUTE AS occurred_at_utc
        FROM made_pulls WHERE is_draft
        UNION ALL BY NAME
        SELECT 'closed/' || number AS event_id, pr_id, 'closed' AS type, ends AS occurred_at_utc
        FROM made_pulls WHERE fate < 0.98
    """,
    "reviews": """
        SELECT 'review/' || request AS review_id, pr_id,
            'p' || lpad(reviewer::VARCHAR, 5, '0') AS reviewer_id,
            CASE WHEN state < 0.12 THEN 'CHANGES_REQUESTED' WHEN state < 0.75 THEN 'APPROVED'
                ELSE 'COMMENTED' END AS state,
            answered AS submitted_at_utc,
            ['', '', 'LGTM', 'nit: a name', 'Why not reuse it?'][1 + (hash(request) % 5)::INTEGER] AS body,
            'https://github.example/review/' || request AS source_url
        FROM made_requests WHERE answers < 0.94 AND answered < ends + INTERVAL 1 DAY
    """,
    "review_threads": """
        SELECT 'thread/' || request AS thread_id, pr_id, 'p' || lpad(reviewer::VARCHAR, 5, '0') AS starter_id,
            draw('outdated', request) < 0.5 AS is_outdated, false AS is_resolved, 'r' || request AS ref
        FROM made_requests WHERE answers < 0.5
    """,
    "thread_comments": """
        SELECT 'comment/' || request AS comment_id, 'thread/' || request AS thread_id,
            'p' || lpad(reviewer::VARCHAR, 5, '0') AS author_id, answered AS occurred_at_utc,
            ['issue: leaks', 'nit: a name', 'question: is it used?', 'Split this.'][
                1 + (hash(request) % 4)::INTEGER
            ] AS body,
            false AS has_suggestion, 'https://github.example/comment/' || request AS source_url,
            'r' || request AS ref
        FROM made_requests WHERE answers < 0.5
        UNION ALL BY NAME
        SELECT 'reply/' || request AS comment_id, 'thread/' || request AS thread_id,
            'p' || lpad(author::VARCHAR, 5, '0') AS author_id, answered + INTERVAL 3 HOUR AS occurred_at_utc,
            'Done' AS body, false AS has_suggestion,
            'https://github.example/reply/' || request AS source_url, 'r' || request AS ref
        FROM made_requests WHERE answers < 0.25
    """,
    "reactions": """
        SELECT 'review/' || request AS target_id, 'p' || lpad(author::VARCHAR, 5, '0') AS user_id,
            CASE WHEN draw('kind', request) < 0.85 THEN 'THUMBS_UP' ELSE 'CONFUSED' END AS content,
            answered + INTERVAL 1 HOUR AS occurred_at_utc
        FROM made_requests WHERE answers < 0.94 AND draw('reacts', request) < 0.15
    """,
}
"""The SELECT of each entity; those not named are empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeUpReviews:
    """Fills ``conformed.<entity>``; is a ``Conform`` of transforms.core.build."""

    engineers: int
    seed: int = 7

    def __call__(self, connection: duckdb.DuckDBPyConnection, entity: str) -> None:
        if entity == "roster":
            self._begin(connection)
        if entity in ENTITIES:
            select = self._filled(ENTITIES[entity])
            connection.execute(f"INSERT INTO conformed.{entity} BY NAME {select}")

    def _begin(self, connection: duckdb.DuckDBPyConnection) -> None:
        for statement in (_DRAWS, _PULLS, _REVIEWERS):
            connection.execute(self._filled(statement))

    def _filled(self, text: str) -> str:
        """Numbers only: nothing here comes from outside."""
        numbers = {
            "$seed": self.seed,
            "$engineers": self.engineers,
            "$pulls": self.engineers * MONTHS * PULLS_A_PERSON_AND_MONTH,
            "$span_us": 1095 * 86_400_000_000,
            "{team}": TEAM,
        }
        for name, number in numbers.items():
            text = text.replace(name, str(number))
        return text


def review_events(connection: duckdb.DuckDBPyConnection) -> int:
    """Requests, reviews and remarks."""
    ((count,),) = connection.execute(
        "SELECT (SELECT count(*) FROM core.pr_events WHERE type = 'review_requested') "
        "+ (SELECT count(*) FROM core.reviews) + (SELECT count(*) FROM core.thread_comments)"
    ).fetchall()
    return int(count)
