-- One row per thread with a comment: what it is, and what became of it by the comments up to the merge.
WITH first_comments AS (
    SELECT
        thread_id,
        arg_min(comment_id, (occurred_at_utc, length(comment_id), comment_id)) AS comment_id,
        min(occurred_at_utc) AS opened_at_utc
    FROM core.thread_comments
    GROUP BY thread_id
),

opened AS (
    SELECT
        threads.thread_id,
        threads.pr_id,
        threads.starter_id,
        threads.ref,
        coalesce(threads.is_outdated, false) AS is_outdated,
        pulls.author_id,
        pulls.merged_at_utc,
        coalesce(authors.is_bot, false) AS is_bot_pr,
        CASE WHEN first_comments.opened_at_utc <= pulls.merged_at_utc THEN pulls.merged_at_utc END AS decided_at_utc,
        first_comments.comment_id,
        first_comments.opened_at_utc,
        comments.source_url,
        labels.label,
        labels.is_asking
    FROM core.review_threads AS threads
    JOIN first_comments ON first_comments.thread_id = threads.thread_id
    JOIN core.thread_comments AS comments ON comments.comment_id = first_comments.comment_id
    JOIN core.comment_labels AS labels ON labels.target_id = first_comments.comment_id
    JOIN core.pull_requests AS pulls ON pulls.pr_id = threads.pr_id
    LEFT JOIN core.people AS authors ON authors.person_id = pulls.author_id
),

said_up_to_the_merge AS (
    SELECT
        opened.thread_id,
        coalesce(comments.suggestion_applied, false) AS is_applied,
        coalesce(comments.author_id = opened.author_id, false) AND comments.comment_id <> opened.comment_id
            AS is_reply,
        comments.body
    FROM opened
    JOIN core.thread_comments AS comments ON comments.thread_id = opened.thread_id
    WHERE comments.occurred_at_utc <= opened.decided_at_utc
),

signs AS (
    SELECT
        thread_id,
        bool_or(is_applied) AS is_applied,
        bool_or(is_reply) AS is_answered,
        -- ABC-123 or #123, the latter also behind a repository: acme/api#123.
        bool_or(is_reply AND regexp_matches(body, '(^|[^A-Za-z0-9_-])[A-Z][A-Z0-9_]*[A-Z0-9]-[0-9]+\b|#[0-9]+\b'))
            AS is_deferred
    FROM said_up_to_the_merge
    GROUP BY thread_id
)

SELECT
    opened.thread_id,
    opened.pr_id,
    opened.starter_id,
    opened.author_id,
    opened.opened_at_utc,
    opened.merged_at_utc,
    opened.is_bot_pr,
    opened.label,
    opened.is_asking,
    CASE
        WHEN opened.decided_at_utc IS NULL THEN NULL
        WHEN signs.is_applied THEN 'applied'
        WHEN opened.is_outdated THEN 'code_changed'
        WHEN signs.is_deferred THEN 'deferred_to_ticket'
        WHEN opened.label = 'question' AND signs.is_answered THEN 'question_answered'
        WHEN signs.is_answered THEN 'answered_only'
        ELSE 'no_reply'
    END AS fate,
    opened.ref,
    opened.source_url
FROM opened
LEFT JOIN signs ON signs.thread_id = opened.thread_id
