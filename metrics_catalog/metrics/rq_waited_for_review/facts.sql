-- One row per pull request of a person: how long it was ready before anybody else looked at it.
WITH pulls AS (
    SELECT
        pulls.pr_id,
        pulls.author_id,
        pulls.created_at_utc,
        pulls.merged_at_utc,
        pulls.closed_at_utc,
        least(pulls.merged_at_utc, pulls.closed_at_utc) AS ended_at_utc,
        CASE WHEN roster.person_id IS NULL THEN '*' ELSE pulls.author_id END AS clock
    FROM core.pull_requests AS pulls
    LEFT JOIN core.people AS authors ON authors.person_id = pulls.author_id
    LEFT JOIN (SELECT DISTINCT person_id FROM core.roster) AS roster ON roster.person_id = pulls.author_id
    WHERE pulls.author_id IS NOT NULL AND NOT coalesce(authors.is_bot, false)
),

said AS (
    SELECT pr_id, reviewer_id AS person_id, submitted_at_utc AS said_at_utc
    FROM core.reviews
    WHERE state <> 'PENDING'
    UNION ALL
    SELECT threads.pr_id, comments.author_id, comments.occurred_at_utc
    FROM core.thread_comments AS comments
    JOIN core.review_threads AS threads ON threads.thread_id = comments.thread_id
),

responses AS (
    SELECT said.pr_id, min(said.said_at_utc) AS responded_at_utc
    FROM said
    JOIN pulls ON pulls.pr_id = said.pr_id
    LEFT JOIN core.people AS people ON people.person_id = said.person_id
    WHERE said.person_id IS DISTINCT FROM pulls.author_id
        AND NOT coalesce(people.is_bot, false)
        AND (pulls.ended_at_utc IS NULL OR said.said_at_utc <= pulls.ended_at_utc)
    GROUP BY said.pr_id
),

-- Until when it waited, if it was ready by then.
waits AS (
    SELECT
        pulls.*,
        responses.responded_at_utc,
        coalesce(responses.responded_at_utc, pulls.ended_at_utc, $as_of_utc) AS until_utc
    FROM pulls
    LEFT JOIN responses ON responses.pr_id = pulls.pr_id
),

ready_stretches AS (
    SELECT
        waits.pr_id,
        waits.clock,
        states.from_at_utc,
        least(states.to_at_utc, waits.until_utc) AS to_at_utc
    FROM waits
    JOIN core.pull_request_states AS states
        ON states.pr_id = waits.pr_id AND states.state = 'ready' AND states.from_at_utc <= waits.until_utc
),

ready_times AS (
    SELECT
        stretches.pr_id,
        stretches.from_at_utc,
        coalesce(
            ends.worked_before_us + epoch_us(least(stretches.to_at_utc, ends.end_utc)) - epoch_us(ends.start_utc), 0
        ) - coalesce(
            starts.worked_before_us
                + epoch_us(least(stretches.from_at_utc, starts.end_utc)) - epoch_us(starts.start_utc),
            0
        ) AS ready_us
    FROM ready_stretches AS stretches
    ASOF LEFT JOIN core.working_stretches AS starts
        ON starts.person_id = stretches.clock AND starts.start_utc <= stretches.from_at_utc
    ASOF LEFT JOIN core.working_stretches AS ends
        ON ends.person_id = stretches.clock AND ends.start_utc <= stretches.to_at_utc
),

measured AS (
    SELECT
        waits.*,
        ready.first_ready_at_utc,
        coalesce(ready.ready_us, 0) AS ready_us,
        coalesce(ready.ready_us, 0) > $threshold_hours * 3600000000 AS is_late,
        CASE
            WHEN waits.responded_at_utc IS NOT NULL AND ready.first_ready_at_utc IS NULL THEN 'answered_in_draft'
            WHEN waits.responded_at_utc IS NOT NULL THEN 'answered'
            WHEN ready.first_ready_at_utc IS NULL AND waits.ended_at_utc IS NULL THEN 'still_draft'
            WHEN ready.first_ready_at_utc IS NULL THEN 'ended_in_draft'
            WHEN waits.merged_at_utc IS NOT NULL THEN 'pr_merged'
            WHEN waits.closed_at_utc IS NOT NULL THEN 'pr_closed'
            ELSE 'open'
        END AS ended_by
    FROM waits
    LEFT JOIN (
        SELECT pr_id, min(from_at_utc) AS first_ready_at_utc, sum(ready_us)::BIGINT AS ready_us
        FROM ready_times
        GROUP BY pr_id
    ) AS ready ON ready.pr_id = waits.pr_id
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
