-- One row per thread; GitHub names no starter, so it is the author of the first comment.
WITH first_comments AS (
    SELECT thread_id, arg_min(comment_id, (occurred_at_utc, length(comment_id), comment_id)) AS comment_id
    FROM conformed.thread_comments
    GROUP BY thread_id
)

SELECT
    threads.thread_id,
    threads.pull_request_id AS pr_id,
    comments.author_id AS starter_id,
    threads.is_outdated,
    threads.is_resolved,
    comments.ref
FROM landing.github__review_threads AS threads
LEFT JOIN first_comments ON first_comments.thread_id = threads.thread_id
LEFT JOIN conformed.thread_comments AS comments ON comments.comment_id = first_comments.comment_id
