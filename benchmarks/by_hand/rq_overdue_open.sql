-- Requests open at the end of a month, or now: how many had waited for more than three working days. Requests
-- withdrawn in the month do not count, but make a row.
WITH looks AS (
    SELECT month_start, least(end_utc - INTERVAL 1 MICROSECOND, $as_of_utc) AS taken_at_utc FROM core.months
),

queue AS (
    SELECT requests.reviewer_id, requests.started_at_utc, looks.taken_at_utc
    FROM core.review_requests AS requests
    JOIN looks
        ON looks.taken_at_utc >= requests.started_at_utc
        AND looks.taken_at_utc < coalesce(requests.ended_at_utc, TIMESTAMP '9999-12-31')
    WHERE requests.reviewer_id IS NOT NULL AND NOT requests.is_bot_pr
),

aged AS (
    SELECT
        queue.reviewer_id,
        queue.taken_at_utc AS anchor_at_utc,
        coalesce(
            later.worked_before_us + epoch_us(least(queue.taken_at_utc, later.end_utc)) - epoch_us(later.start_utc), 0
        ) - coalesce(
            sooner.worked_before_us
                + epoch_us(least(queue.started_at_utc, sooner.end_utc)) - epoch_us(sooner.start_utc),
            0
        ) > 72 * 3600000000 AS is_overdue
    FROM queue
    ASOF LEFT JOIN core.working_stretches AS sooner
        ON sooner.person_id = queue.reviewer_id AND sooner.start_utc <= queue.started_at_utc
    ASOF LEFT JOIN core.working_stretches AS later
        ON later.person_id = queue.reviewer_id AND later.start_utc <= queue.taken_at_utc
    UNION ALL
    SELECT reviewer_id, ended_at_utc, NULL
    FROM core.review_requests
    WHERE starts_with(why, 'request_removed')
        AND started_at_utc IS NOT NULL
        AND reviewer_id IS NOT NULL
        AND NOT is_bot_pr
)

SELECT
    'team' AS subject_kind,
    memberships.team_id AS subject_id,
    date_trunc($grain, reporting_month(aged.anchor_at_utc)) AS period_start,
    count(aged.is_overdue) AS n,
    count(*) FILTER (WHERE aged.is_overdue) / n AS value
FROM aged
JOIN core.memberships AS memberships
    ON memberships.person_id = aged.reviewer_id
    AND aged.anchor_at_utc >= coalesce(memberships.from_at_utc, TIMESTAMP '0001-01-01')
    AND aged.anchor_at_utc < coalesce(memberships.to_at_utc, TIMESTAMP '9999-12-31')
GROUP BY memberships.team_id, period_start
