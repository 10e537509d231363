-- One row per review body and per thread comment, with what its own words say it is; first match.
WITH texts AS (
    SELECT review_id AS target_id, body FROM core.reviews
    UNION ALL
    SELECT comment_id AS target_id, body FROM core.thread_comments
),

read AS (
    SELECT
        target_id,
        coalesce(body, '') AS body,
        lower(regexp_extract(coalesce(body, ''), '^[\s*_]*([A-Za-z]+)[\s*_]*(?:\([^)]*\))?[\s*_]*:', 1)) AS marker
    FROM texts
),

labelled AS (
    SELECT
        target_id,
        CASE
            WHEN regexp_matches(
                body, '(?i)^[\s*_]*(nit|nits|nitpick|nitpicks|micro-nit|micronit|style-nit)([^\p{L}\p{N}-]|$)'
            ) THEN 'nitpick'
            WHEN marker IN ('nitpick', 'typo', 'polish', 'quibble') THEN 'nitpick'
            WHEN marker IN ('praise', 'suggestion', 'issue', 'todo', 'question', 'thought', 'chore', 'note')
                THEN marker
            WHEN contains(body, '```suggestion') THEN 'suggestion'
            WHEN len(list_filter(
                regexp_extract_all(
                    regexp_replace(
                        lower(body),
                        ':[a-z0-9_+-]+:|https?://\S+|@[a-z0-9][a-z0-9_-]*(?:/[a-z0-9._-]+)?|\b[0-9a-f]{7,40}\b',
                        ' ',
                        'g'
                    ),
                    '[\p{L}\p{N}]+'
                ),
                lambda word: NOT list_contains($ack_words, word)
            )) = 0 THEN 'ack'
            ELSE 'unlabelled'
        END AS label
    FROM read
)

SELECT
    target_id,
    label,
    label IN ('suggestion', 'issue', 'todo', 'question', 'chore', 'unlabelled') AS is_asking
FROM labelled
