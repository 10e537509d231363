-- The median of the same requests, those without an answer being longer than any other.
WITH requests AS (
    SELECT
        requests.reviewer_id AS person_id,
        memberships.team_id,
        date_trunc($grain, reporting_month(requests.anchor_at_utc)) AS period_start,
        requests.outcome IN ('met', 'missed') AS is_counted,
        if(requests.why IN ('answered', 'answered_in_draft'), requests.waited_us / 3600000000, 'infinity') AS hours
    FROM core.review_requests AS requests
    LEFT JOIN core.memberships AS memberships
        ON memberships.person_id = requests.reviewer_id
        AND requests.anchor_at_utc >= coalesce(memberships.from_at_utc, TIMESTAMP '0001-01-01')
        AND requests.anchor_at_utc < coalesce(memberships.to_at_utc, TIMESTAMP '9999-12-31')
    WHERE requests.reviewer_id IS NOT NULL AND NOT requests.is_bot_pr
)

SELECT
    if(grouping(person_id) = 0, 'person', 'team') AS subject_kind,
    coalesce(person_id, team_id) AS subject_id,
    period_start,
    count(*) FILTER (WHERE is_counted) AS n,
    median(hours) FILTER (WHERE is_counted) AS value
FROM requests
GROUP BY GROUPING SETS ((person_id, period_start), (team_id, period_start))
