-- One row per merged pull request and service it touches, and one per team that owns any of those services.
WITH merged AS (
    SELECT
        pulls.pr_id,
        pulls.merged_at_utc,
        pulls.service_ids,
        CASE
            WHEN coalesce(authors.is_bot, false) THEN 'bot_author'
            WHEN pulls.reverts_pr_id IS NOT NULL THEN 'revert'
            WHEN NOT pulls.merged_to_default_branch THEN 'other_branch'
        END AS excluded_why,
        coalesce(approved.approved_at_utc <= pulls.merged_at_utc, false) AS is_covered
    FROM core.pull_requests AS pulls
    LEFT JOIN core.people AS authors ON authors.person_id = pulls.author_id
    LEFT JOIN core.approvals AS approved ON approved.pr_id = pulls.pr_id
    WHERE pulls.merged_at_utc IS NOT NULL
),

touched AS (
    SELECT * EXCLUDE (service_ids), unnest(list_distinct(service_ids)) AS service_id
    FROM merged
),

subjects AS (
    SELECT 'service' AS subject_kind, service_id AS subject_id, pr_id, merged_at_utc, excluded_why, is_covered
    FROM touched
    UNION ALL
    SELECT
        'team',
        services.team_id,
        touched.pr_id,
        any_value(touched.merged_at_utc),
        any_value(touched.excluded_why),
        any_value(touched.is_covered)
    FROM touched
    JOIN core.services AS services
        ON services.service_id = touched.service_id
        AND touched.merged_at_utc >= coalesce(services.valid_from_utc, TIMESTAMP '0001-01-01')
        AND touched.merged_at_utc < coalesce(services.valid_to_utc, TIMESTAMP '9999-12-31')
    WHERE services.team_id IS NOT NULL
    GROUP BY services.team_id, touched.pr_id
)

SELECT
    subject_kind,
    subject_id,
    pr_id || '/merge' AS case_id,
    NULL AS contributor_id,
    pr_id,
    merged_at_utc AS anchor_at_utc,
    CASE
        WHEN excluded_why IS NOT NULL THEN 'excluded'
        WHEN is_covered THEN 'covered'
        ELSE 'not_covered'
    END AS outcome,
    CASE
        WHEN excluded_why IS NOT NULL THEN excluded_why
        WHEN is_covered THEN 'approved'
        ELSE 'not_approved'
    END AS why,
    NULL AS amount,
    NULL AS exposure
FROM subjects
