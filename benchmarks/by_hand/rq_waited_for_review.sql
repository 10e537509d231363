-- The median working time from a pull request's being ready to another person's first word; without one, longer
-- than any other.
WITH pulls AS (
    SELECT
        pulls.pr_id,
        pulls.author_id,
        pulls.created_at_utc,
        least(pulls.merged_at_utc, pulls.closed_at_utc) AS ended_at_utc
    FROM core.pull_requests AS pulls
    LEFT JOIN core.people AS authors ON authors.person_id = pulls.author_id
    WHERE pulls.author_id IS NOT NULL AND NOT coalesce(authors.is_bot, false)
),

said AS (
    SELECT pr_id, reviewer_id AS person_id, submitted_at_utc AS said_at_utc FROM core.reviews WHERE state <> 'PENDING'
    UNION ALL
    SELECT threads.pr_id, comments.author_id, comments.occurred_at_utc
    FROM core.thread_comments AS comments
    JOIN core.review_threads AS threads ON threads.thread_id = comments.thread_id
),

answered AS (
    SELECT said.pr_id, min(said.said_at_utc) AS answered_at_utc
    FROM said
    JOIN pulls ON pulls.pr_id = said.pr_id
    LEFT JOIN core.people AS people ON people.person_id = said.person_id
    WHERE said.person_id IS DISTINCT FROM pulls.author_id
        AND NOT coalesce(people.is_bot, false)
        AND said.said_at_utc <= coalesce(pulls.ended_at_utc, TIMESTAMP '9999-12-31')
    GROUP BY said.pr_id
),

stretches AS (
    SELECT
        pulls.*,
        answered.answered_at_utc,
        ready.from_at_utc,
        least(ready.to_at_utc, answered.answered_at_utc, pulls.ended_at_utc, $as_of_utc) AS to_at_utc
    FROM pulls
    LEFT JOIN answered ON answered.pr_id = pulls.pr_id
    LEFT JOIN core.pull_request_states AS ready
        ON ready.pr_id = pulls.pr_id
        AND ready.state = 'ready'
        AND ready.from_at_utc <= coalesce(answered.answered_at_utc, pulls.ended_at_utc, $as_of_utc)
),

worked AS (
    SELECT
        stretches.*,
        coalesce(
            later.worked_before_us + epoch_us(least(stretches.to_at_utc, later.end_utc)) - epoch_us(later.start_utc),
            0
        ) - coalesce(
            sooner.worked_before_us
                + epoch_us(least(stretches.from_at_utc, sooner.end_utc)) - epoch_us(sooner.start_utc),
            0
        ) AS worked_us
    FROM stretches
    ASOF LEFT JOIN core.working_stretches AS sooner
        ON sooner.person_id = stretches.author_id AND sooner.start_utc <= stretches.from_at_utc
    ASOF LEFT JOIN core.working_stretches AS later
        ON later.person_id = stretches.author_id AND later.start_utc <= stretches.to_at_utc
),

waits AS (
    SELECT
        author_id AS person_id,
        coalesce(min(from_at_utc), answered_at_utc, created_at_utc) AS anchor_at_utc,
        sum(if(from_at_utc IS NULL, 0, worked_us)) / 3600000000 AS hours,
        answered_at_utc IS NOT NULL AS is_answered,
        is_answered OR (min(from_at_utc) IS NOT NULL AND hours > 24) AS is_counted
    FROM worked
    GROUP BY pr_id, author_id, created_at_utc, answered_at_utc
)

SELECT
    if(grouping(waits.person_id) = 0, 'person', 'team') AS subject_kind,
    coalesce(waits.person_id, memberships.team_id) AS subject_id,
    date_trunc($grain, reporting_month(waits.anchor_at_utc)) AS period_start,
    count(*) FILTER (WHERE waits.is_counted) AS n,
    median(if(waits.is_answered, waits.hours, 'infinity')) FILTER (WHERE waits.is_counted) AS value
FROM waits
LEFT JOIN core.memberships AS memberships
    ON memberships.person_id = waits.person_id
    AND waits.anchor_at_utc >= coalesce(memberships.from_at_utc, TIMESTAMP '0001-01-01')
    AND waits.anchor_at_utc < coalesce(memberships.to_at_utc, TIMESTAMP '9999-12-31')
GROUP BY GROUPING SETS ((waits.person_id, period_start), (memberships.team_id, period_start))
