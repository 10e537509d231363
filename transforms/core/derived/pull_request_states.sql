-- One row per stretch of a pull request in which its state stays the same: draft, ready or closed.
--
-- Moments of the same instant have an order: ready, request, review, removal, draft, close. A tick is an
-- instant and that order in one whole number: eight per microsecond.
WITH changes AS (
    SELECT pr_id, epoch_us(created_at_utc) * 8 AS tick, draft_at_creation AS is_draft, false AS is_closed
    FROM core.pull_requests
    UNION ALL
    SELECT
        pr_id,
        epoch_us(occurred_at_utc) * 8 + CASE type WHEN 'converted_to_draft' THEN 4 WHEN 'closed' THEN 5 ELSE 0 END,
        CASE type WHEN 'converted_to_draft' THEN true WHEN 'ready_for_review' THEN false END,
        CASE type WHEN 'closed' THEN true WHEN 'reopened' THEN false END
    FROM core.pr_events
    WHERE type IN ('ready_for_review', 'converted_to_draft', 'closed', 'reopened')
    UNION ALL
    SELECT pr_id, epoch_us(least(merged_at_utc, closed_at_utc)) * 8 + 5, NULL, true
    FROM core.pull_requests
    WHERE least(merged_at_utc, closed_at_utc) IS NOT NULL
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
