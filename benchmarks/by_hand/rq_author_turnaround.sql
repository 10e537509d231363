-- The median working time from a review that asks for changes to the author's reaction; without one in five
-- working days, longer than any other. Reviews between the same two reactions are one.
WITH asking AS (
    SELECT
        reviews.review_id,
        reviews.pr_id,
        reviews.reviewer_id,
        pulls.author_id,
        reviews.submitted_at_utc AS asked_at_utc,
        pulls.merged_at_utc,
        least(pulls.merged_at_utc, pulls.closed_at_utc) AS ended_at_utc
    FROM core.reviews AS reviews
    JOIN core.pull_requests AS pulls ON pulls.pr_id = reviews.pr_id
    WHERE reviews.state = 'CHANGES_REQUESTED'
        AND reviews.reviewer_id <> pulls.author_id
        AND reviews.submitted_at_utc < coalesce(ended_at_utc, TIMESTAMP '9999-12-31')
),

reactions AS (
    SELECT asking.review_id, comments.occurred_at_utc AS reacted_at_utc
    FROM asking
    JOIN core.thread_fates AS threads
        ON threads.pr_id = asking.pr_id
        AND threads.starter_id = asking.reviewer_id
        AND threads.opened_at_utc <= asking.asked_at_utc
    JOIN core.thread_comments AS comments
        ON comments.thread_id = threads.thread_id AND comments.author_id = asking.author_id
    UNION ALL
    SELECT asking.review_id, events.occurred_at_utc
    FROM asking
    JOIN core.pr_events AS events
        ON events.pr_id = asking.pr_id
        AND events.type = 'review_requested'
        AND events.reviewer_id = asking.reviewer_id
    UNION ALL
    SELECT review_id, merged_at_utc FROM asking
),

asked AS (
    SELECT asking.*, min(reactions.reacted_at_utc) AS reacted_at_utc
    FROM asking
    LEFT JOIN reactions
        ON reactions.review_id = asking.review_id
        AND reactions.reacted_at_utc > asking.asked_at_utc
        AND reactions.reacted_at_utc <= coalesce(asking.ended_at_utc, TIMESTAMP '9999-12-31')
    GROUP BY ALL
),

after_a_reaction AS (
    SELECT asked.*, max(others.reacted_at_utc) AS after_utc
    FROM asked
    LEFT JOIN asked AS others ON others.pr_id = asked.pr_id AND others.reacted_at_utc <= asked.asked_at_utc
    GROUP BY ALL
),

units AS (
    SELECT
        author_id AS person_id,
        min(asked_at_utc) AS asked_at_utc,
        min(reacted_at_utc) AS reacted_at_utc,
        ended_at_utc,
        coalesce(min(reacted_at_utc), ended_at_utc, $as_of_utc) AS until_utc
    FROM after_a_reaction
    GROUP BY pr_id, author_id, ended_at_utc, after_utc
),

worked AS (
    SELECT
        units.*,
        (
            coalesce(
                later.worked_before_us + epoch_us(least(units.until_utc, later.end_utc)) - epoch_us(later.start_utc), 0
            ) - coalesce(
                sooner.worked_before_us
                    + epoch_us(least(units.asked_at_utc, sooner.end_utc)) - epoch_us(sooner.start_utc),
                0
            )
        ) / 3600000000 AS hours
    FROM units
    ASOF LEFT JOIN core.working_stretches AS sooner
        ON sooner.person_id = units.person_id AND sooner.start_utc <= units.asked_at_utc
    ASOF LEFT JOIN core.working_stretches AS later
        ON later.person_id = units.person_id AND later.start_utc <= units.until_utc
)

SELECT
    if(grouping(worked.person_id) = 0, 'person', 'team') AS subject_kind,
    coalesce(worked.person_id, memberships.team_id) AS subject_id,
    date_trunc($grain, reporting_month(worked.asked_at_utc)) AS period_start,
    count(*) FILTER (WHERE worked.reacted_at_utc IS NOT NULL OR worked.hours > 120) AS n,
    median(if(worked.reacted_at_utc IS NULL, 'infinity', worked.hours))
        FILTER (WHERE worked.reacted_at_utc IS NOT NULL OR worked.hours > 120) AS value
FROM worked
LEFT JOIN core.memberships AS memberships
    ON memberships.person_id = worked.person_id
    AND worked.asked_at_utc >= coalesce(memberships.from_at_utc, TIMESTAMP '0001-01-01')
    AND worked.asked_at_utc < coalesce(memberships.to_at_utc, TIMESTAMP '9999-12-31')
GROUP BY GROUPING SETS ((worked.person_id, period_start), (memberships.team_id, period_start))
