-- One row per month and review request that was open at its last instant, or at the as-of in the month the
-- as-of lies in; and one per request that was withdrawn in the month.
WITH snapshots AS (
    SELECT month_start, least(end_utc - INTERVAL 1 MICROSECOND, $as_of_utc) AS taken_at_utc
    FROM core.months
    WHERE start_utc <= $as_of_utc
),

-- The few that were open at the end of any month.
over_a_month AS (
    SELECT
        requests.* EXCLUDE (waited_us),
        CASE WHEN roster.person_id IS NULL THEN '*' ELSE requests.reviewer_id END AS clock
    FROM core.review_requests AS requests
    LEFT JOIN (SELECT DISTINCT person_id FROM core.roster) AS roster
        ON roster.person_id = requests.reviewer_id
    WHERE requests.ended_at_utc IS NULL
        OR reporting_month(requests.ended_at_utc) > reporting_month(requests.started_at_utc)
),

open_requests AS (
    SELECT requests.*, snapshots.month_start, snapshots.taken_at_utc
    FROM over_a_month AS requests
    JOIN snapshots
        ON requests.started_at_utc <= snapshots.taken_at_utc
        AND coalesce(requests.ended_at_utc, TIMESTAMP '9999-12-31') > snapshots.taken_at_utc
),

aged AS (
    SELECT
        requests.*,
        worked_us(ends, requests.taken_at_utc) - worked_us(starts, requests.started_at_utc) AS waited_us
    FROM open_requests AS requests
    LEFT JOIN core.working_stretches AS starts ON tells(starts, requests.clock, requests.started_at_utc)
    LEFT JOIN core.working_stretches AS ends ON tells(ends, requests.clock, requests.taken_at_utc)
),

rows_of_months AS (
    SELECT
        case_id || '/open-at-the-end-of/' || strftime(month_start, '%Y-%m') AS case_id,
        pr_id,
        reviewer_id,
        requested_team_id,
        is_bot_pr,
        taken_at_utc AS anchor_at_utc,
        CASE
            WHEN reviewer_id IS NULL THEN 'excluded'
            WHEN waited_us > $overdue_hours * 3600000000 THEN 'overdue'
            ELSE 'in_time'
        END AS outcome,
        CASE
            WHEN reviewer_id IS NULL THEN 'whole_team_asked'
            WHEN waited_us > $overdue_hours * 3600000000 THEN 'older_than_the_limit'
            ELSE 'within_the_limit'
        END AS why,
        waited_us
    FROM aged
    UNION ALL
    SELECT
        case_id || '/withdrawn',
        pr_id,
        reviewer_id,
        requested_team_id,
        is_bot_pr,
        ended_at_utc,
        'excluded',
        'withdrawn',
        waited_us
    FROM core.review_requests
    WHERE why IN ('request_removed', 'request_removed_late') AND started_at_utc IS NOT NULL
)

SELECT
    CASE WHEN cases.reviewer_id IS NULL THEN 'team' ELSE 'person' END AS subject_kind,
    coalesce(cases.reviewer_id, cases.requested_team_id) AS subject_id,
    cases.case_id,
    cases.reviewer_id AS contributor_id,
    cases.pr_id,
    cases.anchor_at_utc,
    cases.outcome,
    cases.why,
    cases.waited_us / 3600000000 AS amount,
    NULL AS exposure
FROM rows_of_months AS cases
WHERE NOT cases.is_bot_pr
