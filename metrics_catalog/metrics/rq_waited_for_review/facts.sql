-- One row per pull request of a person: how long it was ready before anybody else looked at it.
WITH said_by_others AS (
    SELECT pr_id, first_review_at_utc AS said_at_utc
    FROM core.review_pairs
    UNION ALL
    -- A deleted account is another person too, though in no pair.
    SELECT pr_id, submitted_at_utc
    FROM core.reviews
    WHERE state <> 'PENDING' AND reviewer_id IS NULL
    UNION ALL
    SELECT threads.pr_id, threads.opened_at_utc
    FROM core.thread_fates AS threads
    LEFT JOIN core.people AS people ON people.person_id = threads.starter_id
    WHERE threads.starter_id IS DISTINCT FROM threads.author_id AND NOT coalesce(people.is_bot, false)
    UNION ALL
    -- In a thread of the author's own, or of a bot, another person's word comes later.
    SELECT threads.pr_id, comments.occurred_at_utc
    FROM core.thread_fates AS threads
    LEFT JOIN core.people AS starters ON starters.person_id = threads.starter_id
    JOIN core.thread_comments AS comments ON comments.thread_id = threads.thread_id
    LEFT JOIN core.people AS people ON people.person_id = comments.author_id
    WHERE (threads.starter_id IS NOT DISTINCT FROM threads.author_id OR coalesce(starters.is_bot, false))
        AND comments.author_id IS DISTINCT FROM threads.author_id
        AND NOT coalesce(people.is_bot, false)
),

first_words AS (
    SELECT pr_id, min(said_at_utc) AS said_at_utc
    FROM said_by_others
    GROUP BY pr_id
),

pulls AS (
    SELECT
        pulls.pr_id,
        pulls.author_id,
        pulls.created_at_utc,
        pulls.merged_at_utc IS NOT NULL AS is_merged,
        least(pulls.merged_at_utc, pulls.closed_at_utc) AS ended_at_utc,
        CASE WHEN first_words.said_at_utc <= coalesce(ended_at_utc, TIMESTAMP '9999-12-31')
            THEN first_words.said_at_utc
        END AS responded_at_utc,
        -- Until when it waited, if it was ready by then.
        coalesce(responded_at_utc, ended_at_utc, $as_of_utc) AS until_utc,
        CASE WHEN roster.person_id IS NULL THEN '*' ELSE pulls.author_id END AS clock
    FROM core.pull_requests AS pulls
    LEFT JOIN first_words ON first_words.pr_id = pulls.pr_id
    LEFT JOIN core.people AS authors ON authors.person_id = pulls.author_id
    LEFT JOIN (SELECT DISTINCT person_id FROM core.roster) AS roster ON roster.person_id = pulls.author_id
    WHERE pulls.author_id IS NOT NULL AND NOT coalesce(authors.is_bot, false)
),

ready_stretches AS (
    SELECT
        pulls.*,
        states.from_at_utc,
        CASE WHEN states.from_at_utc IS NOT NULL THEN least(states.to_at_utc, pulls.until_utc) END AS to_at_utc
    FROM pulls
    LEFT JOIN core.pull_request_states AS states
        ON states.pr_id = pulls.pr_id AND states.state = 'ready' AND states.from_at_utc <= pulls.until_utc
),

ready_times AS (
    SELECT
        stretches.*,
        worked_us(ends, stretches.to_at_utc) - worked_us(starts, stretches.from_at_utc) AS ready_us
    FROM ready_stretches AS stretches
    LEFT JOIN core.working_stretches AS starts ON tells(starts, stretches.clock, stretches.from_at_utc)
    LEFT JOIN core.working_stretches AS ends ON tells(ends, stretches.clock, stretches.to_at_utc)
),

waits AS (
    SELECT
        pr_id,
        author_id,
        created_at_utc,
        is_merged,
        ended_at_utc,
        responded_at_utc,
        min(from_at_utc) AS first_ready_at_utc,
        sum(ready_us)::BIGINT AS ready_us
    FROM ready_times
    GROUP BY pr_id, author_id, created_at_utc, is_merged, ended_at_utc, responded_at_utc
),

measured AS (
    SELECT
        *,
        ready_us > $threshold_hours * 3600000000 AS is_late,
        CASE
            WHEN responded_at_utc IS NOT NULL AND first_ready_at_utc IS NULL THEN 'answered_in_draft'
            WHEN responded_at_utc IS NOT NULL THEN 'answered'
            WHEN first_ready_at_utc IS NULL AND ended_at_utc IS NULL THEN 'still_draft'
            WHEN first_ready_at_utc IS NULL THEN 'ended_in_draft'
            WHEN is_merged THEN 'pr_merged'
            WHEN ended_at_utc IS NOT NULL THEN 'pr_closed'
            ELSE 'open'
        END AS ended_by
    FROM waits
),

decided AS (
    SELECT
        *,
        CASE
            WHEN ended_by IN ('answered', 'answered_in_draft') THEN 'answered'
            WHEN ended_by IN ('still_draft', 'ended_in_draft') THEN 'excluded'
            WHEN is_late THEN 'unanswered'
            WHEN ended_by = 'open' THEN 'pending'
            ELSE 'excluded'
        END AS outcome
    FROM measured
)

SELECT
    'person' AS subject_kind,
    author_id AS subject_id,
    pr_id || '/first-response' AS case_id,
    author_id AS contributor_id,
    pr_id,
    CASE
        WHEN ended_by = 'answered_in_draft' THEN responded_at_utc
        ELSE coalesce(first_ready_at_utc, created_at_utc)
    END AS anchor_at_utc,
    outcome,
    CASE WHEN outcome = 'unanswered' THEN ended_by || '_late' ELSE ended_by END AS why,
    CASE WHEN outcome <> 'excluded' THEN ready_us / 3600000000 END AS amount,
    NULL AS exposure
FROM decided
