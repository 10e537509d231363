-- One row per review thread that somebody opened on another person's merged pull request.
SELECT
    'person' AS subject_kind,
    fates.starter_id AS subject_id,
    fates.thread_id AS case_id,
    threads.ref,
    fates.starter_id AS contributor_id,
    fates.pr_id AS cluster_id,
    fates.source_url,
    fates.pr_id,
    pulls.merged_at_utc AS anchor_at_utc,
    CASE
        WHEN NOT fates.is_asking THEN 'excluded'
        WHEN fates.fate IN ('answered_only', 'no_reply') THEN 'not_addressed'
        ELSE 'addressed'
    END AS outcome,
    CASE WHEN fates.is_asking THEN fates.fate ELSE fates.label END AS why,
    NULL AS amount,
    NULL AS exposure
FROM core.thread_fates AS fates
JOIN core.review_threads AS threads ON threads.thread_id = fates.thread_id
JOIN core.pull_requests AS pulls ON pulls.pr_id = fates.pr_id
LEFT JOIN core.people AS authors ON authors.person_id = pulls.author_id
WHERE fates.fate IS NOT NULL
    AND fates.starter_id IS NOT NULL
    AND fates.starter_id IS DISTINCT FROM pulls.author_id
    AND NOT coalesce(authors.is_bot, false)
