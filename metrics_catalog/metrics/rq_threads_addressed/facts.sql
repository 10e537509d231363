-- One row per review thread that somebody opened on another person's merged pull request.
SELECT
    'person' AS subject_kind,
    starter_id AS subject_id,
    thread_id AS case_id,
    ref,
    starter_id AS contributor_id,
    pr_id AS cluster_id,
    source_url,
    pr_id,
    merged_at_utc AS anchor_at_utc,
    CASE
        WHEN NOT is_asking THEN 'excluded'
        WHEN fate IN ('answered_only', 'no_reply') THEN 'not_addressed'
        ELSE 'addressed'
    END AS outcome,
    CASE WHEN is_asking THEN fate ELSE label END AS why,
    NULL AS amount,
    NULL AS exposure
FROM core.thread_fates
WHERE fate IS NOT NULL AND starter_id IS NOT NULL AND starter_id IS DISTINCT FROM author_id AND NOT is_bot_pr
