-- One row per merged pull request and service it touches, and one per team that owns any of those services.
WITH merged AS (
    SELECT
        pulls.*,
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

subjects AS (
    SELECT pr_id, 'service' AS subject_kind, unnest(service_ids) AS subject_id
    FROM merged
    UNION
    SELECT merged.pr_id, 'team', services.team_id
    FROM merged
    JOIN core.services AS services
        ON list_contains(merged.service_ids, services.service_id)
        AND merged.merged_at_utc >= coalesce(services.valid_from_utc, TIMESTAMP '0001-01-01')
        AND merged.merged_at_utc < coalesce(services.valid_to_utc, TIMESTAMP '9999-12-31')
    WHERE services.team_id IS NOT NULL
)

SELECT
    subjects.subject_kind,
    subjects.subject_id,
    merged.pr_id || '/merge' AS case_id,
    merged.ref,
    NULL AS contributor_id,
    merged.source_url,
    merged.pr_id,
    merged.merged_at_utc AS anchor_at_utc,
    CASE
        WHEN merged.excluded_why IS NOT NULL THEN 'excluded'
        WHEN merged.is_covered THEN 'covered'
        ELSE 'not_covered'
    END AS outcome,
    CASE
        WHEN merged.excluded_why IS NOT NULL THEN merged.excluded_why
        WHEN merged.is_covered THEN 'approved'
        ELSE 'not_approved'
    END AS why,
    NULL AS amount,
    NULL AS exposure
FROM merged
JOIN subjects ON subjects.pr_id = merged.pr_id
