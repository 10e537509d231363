-- Of the pull requests that a person reviewed before they ended: in how many something was asked for.
WITH reviewed AS (
    SELECT
        pairs.reviewer_id AS person_id,
        memberships.team_id,
        date_trunc($grain, reporting_month(pairs.ended_at_utc)) AS period_start,
        pairs.substance
    FROM core.review_pairs AS pairs
    LEFT JOIN core.memberships AS memberships
        ON memberships.person_id = pairs.reviewer_id
        AND pairs.ended_at_utc >= coalesce(memberships.from_at_utc, TIMESTAMP '0001-01-01')
        AND pairs.ended_at_utc < coalesce(memberships.to_at_utc, TIMESTAMP '9999-12-31')
    WHERE pairs.is_before_end AND NOT pairs.is_bot_pr
)

SELECT
    if(grouping(person_id) = 0, 'person', 'team') AS subject_kind,
    coalesce(person_id, team_id) AS subject_id,
    period_start,
    count(*) AS n,
    count(*) FILTER (WHERE substance = 'substantive') / n AS value
FROM reviewed
GROUP BY GROUPING SETS ((person_id, period_start), (team_id, period_start))
