-- Of the first reviews of others' pull requests: how many were of another team's.
WITH reviewed AS (
    SELECT
        pairs.reviewer_id AS person_id,
        own.team_id,
        date_trunc($grain, reporting_month(pairs.first_review_at_utc)) AS period_start,
        authors.team_id <> own.team_id AS is_other_team
    FROM core.review_pairs AS pairs
    LEFT JOIN core.memberships AS own
        ON own.person_id = pairs.reviewer_id
        AND pairs.first_review_at_utc >= coalesce(own.from_at_utc, TIMESTAMP '0001-01-01')
        AND pairs.first_review_at_utc < coalesce(own.to_at_utc, TIMESTAMP '9999-12-31')
    LEFT JOIN core.memberships AS authors
        ON authors.person_id = pairs.author_id
        AND pairs.first_review_at_utc >= coalesce(authors.from_at_utc, TIMESTAMP '0001-01-01')
        AND pairs.first_review_at_utc < coalesce(authors.to_at_utc, TIMESTAMP '9999-12-31')
    WHERE NOT pairs.is_bot_pr
)

SELECT
    if(grouping(person_id) = 0, 'person', 'team') AS subject_kind,
    coalesce(person_id, team_id) AS subject_id,
    period_start,
    count(is_other_team) AS n,
    count(*) FILTER (WHERE is_other_team) / n AS value
FROM reviewed
GROUP BY GROUPING SETS ((person_id, period_start), (team_id, period_start))
