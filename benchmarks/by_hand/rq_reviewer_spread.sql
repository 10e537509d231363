-- Over how many people a team's reviewing is spread.
WITH reviewed AS (
    SELECT
        memberships.team_id,
        pairs.reviewer_id,
        date_trunc($grain, reporting_month(pairs.ended_at_utc)) AS period_start,
        count(*) AS pairs
    FROM core.review_pairs AS pairs
    JOIN core.memberships AS memberships
        ON memberships.person_id = pairs.reviewer_id
        AND pairs.ended_at_utc >= coalesce(memberships.from_at_utc, TIMESTAMP '0001-01-01')
        AND pairs.ended_at_utc < coalesce(memberships.to_at_utc, TIMESTAMP '9999-12-31')
    WHERE pairs.is_before_end AND NOT pairs.is_bot_pr
    GROUP BY memberships.team_id, pairs.reviewer_id, period_start
)

SELECT
    'team' AS subject_kind,
    team_id AS subject_id,
    period_start,
    sum(pairs)::BIGINT AS n,
    sum(pairs) * sum(pairs) / sum(pairs * pairs) AS value
FROM reviewed
GROUP BY team_id, period_start
