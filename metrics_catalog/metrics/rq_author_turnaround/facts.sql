-- One row per stretch in which an author was asked for changes: from the first review that asked for them to
-- the author's reaction, whoever else asked in between; and one per such review dismissed before a reaction.
WITH pulls AS (
    SELECT
        pulls.pr_id,
        pulls.author_id,
        pulls.merged_at_utc,
        least(pulls.merged_at_utc, pulls.closed_at_utc) AS ended_at_utc,
        CASE WHEN roster.person_id IS NULL THEN '*' ELSE pulls.author_id END AS clock
    FROM core.pull_requests AS pulls
    LEFT JOIN core.people AS authors ON authors.person_id = pulls.author_id
    LEFT JOIN (SELECT DISTINCT person_id FROM core.roster) AS roster ON roster.person_id = pulls.author_id
    WHERE pulls.author_id IS NOT NULL AND NOT coalesce(authors.is_bot, false)
),

dismissals AS (
    SELECT
        dismissed_review_id AS review_id,
        min(occurred_at_utc) AS dismissed_at_utc,
        bool_or(previous_state = 'CHANGES_REQUESTED') AS had_asked
    FROM core.pr_events
    WHERE type = 'review_dismissed' AND dismissed_review_id IS NOT NULL
    GROUP BY dismissed_review_id
),

asking_reviews AS (
    SELECT
        reviews.review_id,
        reviews.pr_id,
        reviews.reviewer_id,
        reviews.submitted_at_utc AS asked_at_utc,
        reviews.source_url,
        dismissals.dismissed_at_utc,
        pulls.author_id,
        pulls.clock,
        pulls.merged_at_utc,
        pulls.ended_at_utc
    FROM core.reviews AS reviews
    JOIN pulls ON pulls.pr_id = reviews.pr_id
    LEFT JOIN dismissals ON dismissals.review_id = reviews.review_id
    LEFT JOIN core.people AS people ON people.person_id = reviews.reviewer_id
    WHERE (reviews.state = 'CHANGES_REQUESTED' OR (reviews.state = 'DISMISSED' AND dismissals.had_asked))
        AND reviews.reviewer_id IS DISTINCT FROM pulls.author_id
        AND NOT coalesce(people.is_bot, false)
        AND (pulls.ended_at_utc IS NULL OR reviews.submitted_at_utc < pulls.ended_at_utc)
),

-- A reply in a thread that the review's author had opened by then, another request to them, or the merge.
possible_reactions AS (
    SELECT asking.*, comments.occurred_at_utc AS reacted_at_utc, 'replied' AS reaction
    FROM asking_reviews AS asking
    JOIN core.thread_fates AS threads
        ON threads.pr_id = asking.pr_id
        AND threads.starter_id = asking.reviewer_id
        AND threads.opened_at_utc <= asking.asked_at_utc
    JOIN core.thread_comments AS comments
        ON comments.thread_id = threads.thread_id AND comments.author_id = asking.author_id
    UNION ALL
    SELECT asking.*, events.occurred_at_utc, 'requested_again'
    FROM asking_reviews AS asking
    JOIN core.pr_events AS events
        ON events.pr_id = asking.pr_id
        AND events.type = 'review_requested'
        AND events.reviewer_id = asking.reviewer_id
    UNION ALL
    SELECT *, merged_at_utc, 'pr_merged'
    FROM asking_reviews
    WHERE merged_at_utc IS NOT NULL
),

reactions AS (
    SELECT
        review_id,
        min(reacted_at_utc) AS reacted_at_utc,
        arg_min(reaction, (reacted_at_utc, reaction)) AS reaction
    FROM possible_reactions
    WHERE reacted_at_utc > asked_at_utc AND (ended_at_utc IS NULL OR reacted_at_utc <= ended_at_utc)
    GROUP BY review_id
),

reviews_with_reactions AS (
    SELECT
        asking.*,
        reactions.reacted_at_utc,
        reactions.reaction,
        coalesce(
            asking.dismissed_at_utc
                <= coalesce(reactions.reacted_at_utc, asking.ended_at_utc, TIMESTAMP '9999-12-31'),
            false
        ) AS is_dismissed
    FROM asking_reviews AS asking
    LEFT JOIN reactions ON reactions.review_id = asking.review_id
),

-- Reviews between the same two reactions are one unit: the latest reaction before a review tells which.
moments AS (
    SELECT pr_id, asked_at_utc AS moment_at_utc, review_id
    FROM reviews_with_reactions
    WHERE NOT is_dismissed
    UNION ALL
    SELECT DISTINCT pr_id, reacted_at_utc, NULL
    FROM reviews_with_reactions
    WHERE NOT is_dismissed AND reacted_at_utc IS NOT NULL
),

placed AS (
    SELECT
        review_id,
        max(CASE WHEN review_id IS NULL THEN moment_at_utc END) OVER (
            PARTITION BY pr_id ORDER BY moment_at_utc RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS after_utc
    FROM moments
),

units AS (
    SELECT
        reviews.pr_id,
        any_value(reviews.author_id) AS author_id,
        any_value(reviews.clock) AS clock,
        any_value(reviews.ended_at_utc) AS ended_at_utc,
        arg_min(reviews.review_id, (reviews.asked_at_utc, reviews.review_id)) AS review_id,
        arg_min_null(reviews.source_url, (reviews.asked_at_utc, reviews.review_id)) AS source_url,
        min(reviews.asked_at_utc) AS asked_at_utc,
        min(reviews.reacted_at_utc) AS reacted_at_utc,
        arg_min(reviews.reaction, (reviews.reacted_at_utc, reviews.reaction)) AS reaction,
        false AS is_dismissed
    FROM reviews_with_reactions AS reviews
    JOIN placed ON placed.review_id = reviews.review_id
    GROUP BY reviews.pr_id, placed.after_utc
    UNION ALL
    SELECT
        pr_id, author_id, clock, ended_at_utc, review_id, source_url, asked_at_utc, dismissed_at_utc, NULL, true
    FROM reviews_with_reactions
    WHERE is_dismissed
),

stretches AS (
    SELECT
        *,
        CASE
            WHEN is_dismissed THEN 'dismissed'
            WHEN reaction IS NOT NULL THEN reaction
            WHEN ended_at_utc IS NOT NULL THEN 'pr_closed'
            ELSE 'open'
        END AS ended_by,
        coalesce(reacted_at_utc, ended_at_utc, $as_of_utc) AS until_utc
    FROM units
),

measured AS (
    SELECT
        stretches.*,
        worked_us(ends, stretches.until_utc) - worked_us(starts, stretches.asked_at_utc) AS waited_us
    FROM stretches
    LEFT JOIN core.working_stretches AS starts ON tells(starts, stretches.clock, stretches.asked_at_utc)
    LEFT JOIN core.working_stretches AS ends ON tells(ends, stretches.clock, stretches.until_utc)
),

decided AS (
    SELECT
        *,
        CASE
            WHEN ended_by = 'dismissed' THEN 'excluded'
            WHEN reaction IS NOT NULL THEN 'taken_up'
            WHEN waited_us > $limit_hours * 3600000000 THEN 'not_taken_up'
            WHEN ended_by = 'open' THEN 'pending'
            ELSE 'excluded'
        END AS outcome
    FROM measured
)

SELECT
    'person' AS subject_kind,
    author_id AS subject_id,
    review_id || '/taken-up' AS case_id,
    author_id AS contributor_id,
    source_url,
    pr_id,
    asked_at_utc AS anchor_at_utc,
    outcome,
    CASE WHEN outcome = 'not_taken_up' THEN ended_by || '_late' ELSE ended_by END AS why,
    CASE WHEN outcome <> 'excluded' THEN waited_us / 3600000000 END AS amount,
    NULL AS exposure
FROM decided
