-- One row per request to one person, or one whole team, while its clock ran; or one that never started.
--
-- Moments of the same instant have an order, told by ticks as in core.pull_request_states: ready, request,
-- review, removal, draft, close.
WITH pulls AS (
    SELECT
        pulls.*,
        coalesce(authors.is_bot, false) AS is_bot_pr,
        least(pulls.merged_at_utc, pulls.closed_at_utc) AS ended_at_utc
    FROM core.pull_requests AS pulls
    LEFT JOIN core.people AS authors ON authors.person_id = pulls.author_id
),

-- Who was asked, and what opens or ends the asking. Own reviews and bots never count.
asked_moments AS (
    SELECT
        events.pr_id,
        coalesce(events.reviewer_id, 'team:' || events.requested_team_id) AS asked,
        events.reviewer_id,
        events.requested_team_id,
        epoch_us(events.occurred_at_utc) * 8 + CASE events.type WHEN 'review_requested' THEN 1 ELSE 3 END AS tick,
        CASE events.type WHEN 'review_requested' THEN 'requested' ELSE 'removed' END AS moment,
        NULL AS answered_by_id
    FROM core.pr_events AS events
    WHERE events.type IN ('review_requested', 'review_request_removed')
        AND coalesce(events.reviewer_id, events.requested_team_id) IS NOT NULL
    UNION ALL
    SELECT
        pr_id, reviewer_id, reviewer_id, NULL, epoch_us(submitted_at_utc) * 8 + 2, 'reviewed', reviewer_id
    FROM core.reviews
    WHERE state <> 'PENDING' AND submitted_at_utc IS NOT NULL AND reviewer_id IS NOT NULL
    UNION ALL
    SELECT
        reviews.pr_id,
        'team:' || memberships.team_id,
        NULL,
        memberships.team_id,
        epoch_us(reviews.submitted_at_utc) * 8 + 2,
        'reviewed',
        reviews.reviewer_id
    FROM core.reviews AS reviews
    JOIN pulls ON pulls.pr_id = reviews.pr_id AND reviews.reviewer_id IS DISTINCT FROM pulls.author_id
    JOIN core.memberships AS memberships
        ON memberships.person_id = reviews.reviewer_id
        AND reviews.submitted_at_utc >= coalesce(memberships.from_at_utc, TIMESTAMP '0001-01-01')
        AND reviews.submitted_at_utc < coalesce(memberships.to_at_utc, TIMESTAMP '9999-12-31')
    LEFT JOIN core.people AS people ON people.person_id = reviews.reviewer_id
    WHERE reviews.state <> 'PENDING'
        AND reviews.submitted_at_utc IS NOT NULL
        AND NOT coalesce(people.is_bot, false)
),

ordered_moments AS (
    SELECT
        moments.*,
        lag(moments.moment) OVER asking AS moment_before,
        min(CASE WHEN moments.moment <> 'requested' THEN moments.tick END) OVER (
            asking ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING
        ) AS ended_tick
    FROM asked_moments AS moments
    JOIN pulls ON pulls.pr_id = moments.pr_id
    LEFT JOIN core.people AS people ON people.person_id = moments.reviewer_id
    WHERE (moments.reviewer_id IS NULL OR moments.reviewer_id IS DISTINCT FROM pulls.author_id)
        AND NOT coalesce(people.is_bot, false)
    WINDOW asking AS (PARTITION BY moments.pr_id, moments.asked ORDER BY moments.tick, moments.answered_by_id)
),

-- One row per request: a second one while the first is open is the same request.
requests AS (
    SELECT pr_id, asked, reviewer_id, requested_team_id, tick AS requested_tick, ended_tick
    FROM ordered_moments
    WHERE moment = 'requested' AND moment_before IS DISTINCT FROM 'requested'
),

-- A request lives in the states of its pull request, one piece per stretch.
pieces AS (
    SELECT
        requests.*,
        stretches.state,
        stretches.next_state,
        stretches.to_tick,
        greatest(requests.requested_tick, stretches.from_tick) AS piece_from_tick,
        row_number() OVER (
            PARTITION BY requests.pr_id, requests.asked, requests.requested_tick ORDER BY stretches.from_tick
        ) AS piece,
        requests.ended_tick IS NOT NULL
            AND (stretches.to_tick IS NULL OR requests.ended_tick < stretches.to_tick) AS ends_here
    FROM requests
    JOIN core.pull_request_states AS stretches
        ON stretches.pr_id = requests.pr_id
        AND (stretches.to_tick IS NULL OR stretches.to_tick > requests.requested_tick)
        AND (requests.ended_tick IS NULL OR stretches.from_tick < requests.ended_tick)
),

ended AS (
    SELECT
        pieces.*,
        moments.moment AS ended_moment,
        moments.answered_by_id,
        CASE
            WHEN pieces.state = 'closed' THEN pieces.piece_from_tick
            WHEN pieces.ends_here THEN pieces.ended_tick
            ELSE pieces.to_tick
        END AS piece_to_tick
    FROM pieces
    LEFT JOIN ordered_moments AS moments
        ON pieces.ends_here
        AND moments.pr_id = pieces.pr_id
        AND moments.asked = pieces.asked
        AND moments.tick = pieces.ended_tick
        AND moments.moment <> 'requested'
    QUALIFY row_number() OVER (
        PARTITION BY pieces.pr_id, pieces.asked, pieces.requested_tick, pieces.piece ORDER BY moments.answered_by_id
    ) = 1
),

spells AS (
    SELECT
        ended.*,
        pulls.is_bot_pr,
        coalesce(CASE WHEN roster.person_id IS NOT NULL THEN ended.reviewer_id END, '*') AS clock,
        CASE WHEN ended.state = 'ready' THEN make_timestamp(ended.piece_from_tick // 8) END AS started_at_utc,
        make_timestamp(ended.piece_to_tick // 8) AS ended_at_utc,
        coalesce(make_timestamp(ended.piece_to_tick // 8), $as_of_utc) AS until_utc,
        CASE
            WHEN ended.state = 'closed' OR (ended.next_state = 'closed' AND NOT ended.ends_here)
                THEN CASE
                    WHEN pulls.merged_at_utc IS NOT NULL
                        AND make_timestamp(ended.piece_to_tick // 8) >= pulls.ended_at_utc THEN 'pr_merged'
                    ELSE 'pr_closed'
                END
            WHEN ended.ended_moment = 'reviewed' AND ended.state = 'draft' THEN 'answered_in_draft'
            WHEN ended.ended_moment = 'reviewed' THEN 'answered'
            WHEN ended.ended_moment = 'removed' THEN 'request_removed'
            WHEN ended.next_state = 'draft' THEN 'back_to_draft'
            WHEN ended.state = 'draft' THEN 'still_draft'
            ELSE 'unanswered'
        END AS ended_by
    FROM ended
    JOIN pulls ON pulls.pr_id = ended.pr_id
    LEFT JOIN (SELECT DISTINCT person_id FROM core.roster) AS roster ON roster.person_id = ended.reviewer_id
    -- A draft that becomes ready only starts the clock; what happens after the close was decided at the close.
    WHERE NOT (ended.state = 'draft' AND NOT ended.ends_here AND ended.next_state IS NOT DISTINCT FROM 'ready')
        AND NOT (ended.state = 'closed' AND ended.piece > 1)
),

measured AS (
    SELECT
        spells.*,
        make_timestamp(spells.requested_tick // 8) AS requested_at_utc,
        CASE
            WHEN spells.started_at_utc IS NULL THEN 0
            ELSE worked_us(ends, spells.until_utc) - worked_us(starts, spells.started_at_utc)
        END AS waited_us
    FROM spells
    LEFT JOIN core.working_stretches AS starts ON tells(starts, spells.clock, spells.started_at_utc)
    LEFT JOIN core.working_stretches AS ends ON tells(ends, spells.clock, spells.until_utc)
)

SELECT
    pr_id || '/request/' || asked || '/' || requested_tick // 8000000 || '/' || piece AS case_id,
    pr_id,
    reviewer_id,
    requested_team_id,
    answered_by_id,
    requested_at_utc,
    started_at_utc,
    ended_at_utc,
    CASE WHEN ended_by = 'answered_in_draft' THEN ended_at_utc ELSE coalesce(started_at_utc, requested_at_utc) END
        AS anchor_at_utc,
    waited_us,
    CASE
        WHEN ended_by = 'answered_in_draft' THEN 'met'
        WHEN ended_by = 'answered' AND waited_us <= $limit_us THEN 'met'
        WHEN ended_by = 'answered' OR waited_us > $limit_us THEN 'missed'
        WHEN ended_by = 'unanswered' THEN 'pending'
        ELSE 'excluded'
    END AS outcome,
    CASE
        WHEN waited_us > $limit_us AND ended_by NOT IN ('answered', 'unanswered') THEN ended_by || '_late'
        ELSE ended_by
    END AS why,
    is_bot_pr
FROM measured
