-- One row per pull request and person other than its author, no bot, who submitted a review of it.
WITH pulls AS (
    SELECT
        pulls.pr_id,
        pulls.author_id,
        least(pulls.merged_at_utc, pulls.closed_at_utc) AS ended_at_utc,
        coalesce(authors.is_bot, false) AS is_bot_pr
    FROM core.pull_requests AS pulls
    LEFT JOIN core.people AS authors ON authors.person_id = pulls.author_id
),

submitted AS (
    SELECT
        reviews.pr_id,
        reviews.reviewer_id,
        reviews.review_id,
        reviews.submitted_at_utc,
        reviews.source_url,
        pulls.author_id,
        pulls.ended_at_utc,
        pulls.is_bot_pr
    FROM core.reviews AS reviews
    JOIN pulls ON pulls.pr_id = reviews.pr_id
    LEFT JOIN core.people AS people ON people.person_id = reviews.reviewer_id
    WHERE reviews.state <> 'PENDING'
        AND reviews.submitted_at_utc IS NOT NULL
        AND reviews.reviewer_id IS NOT NULL
        AND reviews.reviewer_id IS DISTINCT FROM pulls.author_id
        AND NOT coalesce(people.is_bot, false)
),

-- What each of them said up to the end: reviews, and what opened their threads.
said AS (
    SELECT submitted.pr_id, submitted.reviewer_id, labels.label, labels.is_asking
    FROM submitted
    JOIN core.comment_labels AS labels ON labels.target_id = submitted.review_id
    WHERE submitted.submitted_at_utc <= submitted.ended_at_utc
    UNION ALL
    SELECT fates.pr_id, fates.starter_id, fates.label, fates.is_asking
    FROM core.thread_fates AS fates
    JOIN pulls ON pulls.pr_id = fates.pr_id
    WHERE fates.opened_at_utc <= pulls.ended_at_utc
),

substance AS (
    SELECT
        pr_id,
        reviewer_id,
        bool_or(is_asking) AS is_substantive,
        bool_or(label IN ('nitpick', 'thought', 'note')) AS is_light
    FROM said
    GROUP BY pr_id, reviewer_id
),

pairs AS (
    SELECT
        pr_id,
        reviewer_id,
        arg_min(review_id, (submitted_at_utc, review_id)) AS first_review_id,
        min(submitted_at_utc) AS first_review_at_utc,
        arg_min_null(source_url, (submitted_at_utc, review_id)) AS source_url,
        any_value(author_id) AS author_id,
        any_value(ended_at_utc) AS ended_at_utc,
        any_value(is_bot_pr) AS is_bot_pr
    FROM submitted
    GROUP BY pr_id, reviewer_id
)

SELECT
    pairs.pr_id,
    pairs.reviewer_id,
    pairs.author_id,
    pairs.first_review_id,
    pairs.first_review_at_utc,
    pairs.source_url,
    pairs.ended_at_utc,
    coalesce(pairs.first_review_at_utc <= pairs.ended_at_utc, false) AS is_before_end,
    pairs.is_bot_pr,
    CASE
        WHEN pairs.ended_at_utc IS NULL THEN NULL
        WHEN substance.is_substantive THEN 'substantive'
        WHEN substance.is_light THEN 'light'
        ELSE 'bare'
    END AS substance
FROM pairs
LEFT JOIN substance ON substance.pr_id = pairs.pr_id AND substance.reviewer_id = pairs.reviewer_id
