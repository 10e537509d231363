-- One row per comment. GitHub does not tell whether a suggestion was applied.
WITH first_authors AS (
    -- A deleted account is null from then on, for old rows too; who it was is kept as first seen.
    SELECT comment_id, arg_min(author_account_id, (_load, _page)) AS account_id
    FROM landing.github__review_comments__versions
    WHERE author_account_id IS NOT NULL
    GROUP BY comment_id
)

SELECT
    comments.comment_id,
    comments.thread_id,
    coalesce(holders.person_id, comments.author_account_id, first_authors.account_id) AS author_id,
    comments.created_at_utc AS occurred_at_utc,
    comments.body,
    comments.body LIKE '%```suggestion%' AS has_suggestion,
    NULL::BOOLEAN AS suggestion_applied,
    comments.source_url,
    coalesce(pulls.ref || ' r', '') || split_part(comments.comment_id, '/', -1) AS ref
FROM landing.github__review_comments AS comments
LEFT JOIN core.pull_requests AS pulls ON pulls.pr_id = comments.pull_request_id
LEFT JOIN first_authors ON first_authors.comment_id = comments.comment_id
LEFT JOIN identities AS holders
    ON holders.account_id = coalesce(comments.author_account_id, first_authors.account_id)
    AND comments.created_at_utc >= holders.from_utc
    AND comments.created_at_utc < holders.to_utc
