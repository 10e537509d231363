-- One row per suggested change on another person's merged pull request, where the source tells what became of it.
SELECT
    'person' AS subject_kind,
    comments.author_id AS subject_id,
    comments.comment_id AS case_id,
    comments.ref,
    comments.author_id AS contributor_id,
    pulls.pr_id AS cluster_id,
    comments.source_url,
    pulls.pr_id,
    pulls.merged_at_utc AS anchor_at_utc,
    CASE WHEN comments.suggestion_applied THEN 'accepted' ELSE 'not_accepted' END AS outcome,
    CASE WHEN comments.suggestion_applied THEN 'applied' ELSE 'not_applied' END AS why,
    NULL AS amount,
    NULL AS exposure
FROM core.thread_comments AS comments
JOIN core.review_threads AS threads ON threads.thread_id = comments.thread_id
JOIN core.pull_requests AS pulls ON pulls.pr_id = threads.pr_id
LEFT JOIN core.people AS authors ON authors.person_id = pulls.author_id
WHERE comments.has_suggestion
    AND comments.suggestion_applied IS NOT NULL
    AND comments.occurred_at_utc <= pulls.merged_at_utc
    AND comments.author_id IS NOT NULL
    AND comments.author_id IS DISTINCT FROM pulls.author_id
    AND NOT coalesce(authors.is_bot, false)
