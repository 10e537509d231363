-- One row per ended pull request and person who reviewed it before its end: how its author rated the review.
WITH survey AS (
    SELECT pr_id, reviewer_id, rater_id, arg_max(rating, (occurred_at_utc, rating)) AS rating
    FROM core.survey_ratings
    WHERE rating IS NOT NULL
    GROUP BY pr_id, reviewer_id, rater_id
),

-- The source's names and GraphQL's; what laughs or looks is no rating.
rating_reactions AS (
    SELECT
        target_id,
        user_id,
        occurred_at_utc,
        upper(content) IN ('+1', 'THUMBS_UP', 'HEART', 'HOORAY', 'ROCKET') AS is_favourable
    FROM core.reactions
    WHERE upper(content) IN ('+1', 'THUMBS_UP', 'HEART', 'HOORAY', 'ROCKET', '-1', 'THUMBS_DOWN', 'CONFUSED')
),

reactions_to_people AS (
    SELECT reviews.pr_id, reviews.reviewer_id, reactions.*
    FROM rating_reactions AS reactions
    JOIN core.reviews AS reviews ON reviews.review_id = reactions.target_id
    UNION ALL
    SELECT threads.pr_id, comments.author_id, reactions.*
    FROM rating_reactions AS reactions
    JOIN core.thread_comments AS comments ON comments.comment_id = reactions.target_id
    JOIN core.review_threads AS threads ON threads.thread_id = comments.thread_id
),

last_reactions AS (
    SELECT pr_id, reviewer_id, user_id, arg_max(is_favourable, (occurred_at_utc, is_favourable)) AS is_favourable
    FROM reactions_to_people
    GROUP BY pr_id, reviewer_id, user_id
)

SELECT
    'person' AS subject_kind,
    pairs.reviewer_id AS subject_id,
    pairs.pr_id || '/reviewed-by/' || pairs.reviewer_id AS case_id,
    pairs.reviewer_id AS contributor_id,
    pairs.author_id AS cluster_id,
    pairs.pr_id,
    pairs.ended_at_utc AS anchor_at_utc,
    CASE
        WHEN survey.rating >= 4 THEN 'favourable'
        WHEN survey.rating = 3 THEN 'neutral'
        WHEN survey.rating < 3 THEN 'unfavourable'
        WHEN last_reactions.is_favourable THEN 'favourable'
        WHEN NOT last_reactions.is_favourable THEN 'unfavourable'
        ELSE 'not_rated'
    END AS outcome,
    CASE
        WHEN survey.rating IS NOT NULL THEN 'survey'
        WHEN last_reactions.is_favourable IS NOT NULL THEN 'reaction'
        ELSE 'not_rated'
    END AS why,
    NULL AS amount,
    NULL AS exposure
FROM core.review_pairs AS pairs
LEFT JOIN survey
    ON survey.pr_id = pairs.pr_id
    AND survey.reviewer_id = pairs.reviewer_id
    AND survey.rater_id = pairs.author_id
LEFT JOIN last_reactions
    ON last_reactions.pr_id = pairs.pr_id
    AND last_reactions.reviewer_id = pairs.reviewer_id
    AND last_reactions.user_id = pairs.author_id
WHERE pairs.is_before_end AND NOT pairs.is_bot_pr
