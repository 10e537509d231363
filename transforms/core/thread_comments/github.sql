-- One row per comment. GitHub does not tell whether a suggestion was applied.
SELECT
    comments.comment_id,
    comments.thread_id,
    authors.person_id AS author_id,
    comments.created_at_utc AS occurred_at_utc,
    comments.body,
    comments.body LIKE '%```suggestion%' AS has_suggestion,
    NULL::BOOLEAN AS suggestion_applied,
    comments.source_url
FROM landing.github__review_comments AS comments
LEFT JOIN core.accounts AS authors ON authors.account_id = comments.author_account_id
