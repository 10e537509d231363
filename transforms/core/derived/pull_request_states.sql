-- One row per stretch of a pull request in which its state stays the same: draft, ready or closed.
--
-- Moments of the same instant have an order: ready, request, review, removal, draft, close. A tick is an
-- instant and that order in one whole number: eight per microsecond.
--
-- GitHub's times are whole seconds, and a pull request can be closed and opened again within one. What it is after
-- that, it tells: closed, where it says it has been closed since then; else what there was more of; else, of as many
-- closes as openings, what it was before. Opened last, the opening comes after the close.
WITH ends AS (
    SELECT pr_id, least(merged_at_utc, closed_at_utc) AS ended_at_utc
    FROM core.pull_requests
    WHERE least(merged_at_utc, closed_at_utc) IS NOT NULL
),

turns AS (
    SELECT
        events.pr_id,
        events.occurred_at_utc,
        bool_or(events.type = 'closed') AS is_closed_then,
        CASE
            WHEN bool_or(ends.pr_id IS NOT NULL) THEN true
            WHEN count(*) FILTER (WHERE events.type = 'closed') > count(*) / 2 THEN true
            WHEN count(*) FILTER (WHERE events.type = 'reopened') > count(*) / 2 THEN false
        END AS is_closed_after
    FROM core.pr_events AS events
    LEFT JOIN ends ON ends.pr_id = events.pr_id AND ends.ended_at_utc = events.occurred_at_utc
    WHERE events.type IN ('closed', 'reopened')
    GROUP BY events.pr_id, events.occurred_at_utc
),

opened_last AS (
    SELECT pr_id, occurred_at_utc
    FROM turns
    WHERE is_closed_then
    QUALIFY NOT coalesce(
        last_value(is_closed_after IGNORE NULLS) OVER (
            PARTITION BY pr_id ORDER BY occurred_at_utc ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ),
        false
    )
),

changes AS (
    SELECT pr_id, epoch_us(created_at_utc) * 8 AS tick, draft_at_creation AS is_draft, false AS is_closed
    FROM core.pull_requests
    UNION ALL
    SELECT
        events.pr_id,
        epoch_us(events.occurred_at_utc) * 8 + CASE
            WHEN events.type = 'converted_to_draft' THEN 4
            WHEN events.type = 'closed' THEN 5
            WHEN events.type = 'reopened' AND opened_last.pr_id IS NOT NULL THEN 6
            ELSE 0
        END,
        CASE events.type WHEN 'converted_to_draft' THEN true WHEN 'ready_for_review' THEN false END,
        CASE events.type WHEN 'closed' THEN true WHEN 'reopened' THEN false END
    FROM core.pr_events AS events
    LEFT JOIN opened_last
        ON opened_last.pr_id = events.pr_id AND opened_last.occurred_at_utc = events.occurred_at_utc
    WHERE events.type IN ('ready_for_review', 'converted_to_draft', 'closed', 'reopened')
    UNION ALL
    SELECT pr_id, epoch_us(ended_at_utc) * 8 + 5, NULL, true FROM ends
),

-- What changes in one tick is one change: opened as a draft and ready in the same instant is ready.
states AS (
    SELECT
        pr_id,
        tick,
        CASE
            WHEN last_value(is_closed IGNORE NULLS) OVER moments THEN 'closed'
            WHEN last_value(is_draft IGNORE NULLS) OVER moments THEN 'draft'
            ELSE 'ready'
        END AS state
    FROM (
        SELECT pr_id, tick, bool_and(is_draft) AS is_draft, bool_or(is_closed) AS is_closed
        FROM changes
        GROUP BY pr_id, tick
    )
    WINDOW moments AS (PARTITION BY pr_id ORDER BY tick ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
),

first_of_stretches AS (
    SELECT *
    FROM (SELECT *, lag(state) OVER (PARTITION BY pr_id ORDER BY tick) AS state_before FROM states)
    WHERE state IS DISTINCT FROM state_before
)

SELECT
    pr_id,
    state,
    make_timestamp(tick // 8) AS from_at_utc,
    make_timestamp(lead(tick) OVER (PARTITION BY pr_id ORDER BY tick) // 8) AS to_at_utc,
    tick AS from_tick,
    lead(tick) OVER (PARTITION BY pr_id ORDER BY tick) AS to_tick,
    lead(state) OVER (PARTITION BY pr_id ORDER BY tick) AS next_state
FROM first_of_stretches
