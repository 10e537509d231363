-- Of the pull requests merged to a service's default branch: how many had another person's approval by then.
WITH merged AS (
    SELECT
        pulls.pr_id,
        unnest(pulls.service_ids) AS service_id,
        pulls.merged_at_utc,
        date_trunc($grain, reporting_month(pulls.merged_at_utc)) AS period_start,
        NOT coalesce(authors.is_bot, false) AND pulls.reverts_pr_id IS NULL AND pulls.merged_to_default_branch
            AS is_counted,
        coalesce(approvals.approved_at_utc <= pulls.merged_at_utc, false) AS is_covered
    FROM core.pull_requests AS pulls
    LEFT JOIN core.people AS authors ON authors.person_id = pulls.author_id
    LEFT JOIN core.approvals AS approvals ON approvals.pr_id = pulls.pr_id
    WHERE pulls.merged_at_utc IS NOT NULL
),

subjects AS (
    SELECT 'service' AS subject_kind, service_id AS subject_id, pr_id, period_start, is_counted, is_covered
    FROM merged
    UNION ALL
    SELECT DISTINCT 'team', services.team_id, merged.pr_id, merged.period_start, merged.is_counted, merged.is_covered
    FROM merged
    JOIN core.services AS services
        ON services.service_id = merged.service_id
        AND merged.merged_at_utc >= coalesce(services.valid_from_utc, TIMESTAMP '0001-01-01')
        AND merged.merged_at_utc < coalesce(services.valid_to_utc, TIMESTAMP '9999-12-31')
)

SELECT
    subject_kind,
    subject_id,
    period_start,
    count(*) FILTER (WHERE is_counted) AS n,
    count(*) FILTER (WHERE is_counted AND is_covered) / n AS value
FROM subjects
WHERE subject_id IN (SELECT team_id FROM core.memberships UNION ALL SELECT team_id FROM core.services)
    OR subject_kind = 'service'
GROUP BY subject_kind, subject_id, period_start
