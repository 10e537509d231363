-- One row per monthly cell of a metric: the difference to the calendar month before it, or why there is none.
-- A gap is never bridged: only the adjacent month counts.
WITH adjacent AS (
    SELECT
        cells.*,
        before.value AS value_before,
        CASE
            WHEN cells.status <> 'ok' OR cells.hole IS NOT NULL OR cells.value IS NULL THEN 'current_missing'
            WHEN cells.state = 'partial' THEN 'current_partial'
            WHEN before.value IS NULL OR before.status <> 'ok' OR before.hole IS NOT NULL THEN 'previous_missing'
            WHEN before.segment <> cells.segment THEN 'segment_change'
        END AS reason
    FROM cells
    LEFT JOIN cells AS before
        ON before.subject_kind = cells.subject_kind
        AND before.subject_id = cells.subject_id
        AND before.grain = 'month'
        AND before.period_start = cells.period_start - INTERVAL 1 MONTH
    WHERE cells.grain = 'month'
)

SELECT
    subject_kind,
    subject_id,
    period_start,
    CASE WHEN reason IS NULL THEN value - value_before END AS delta,
    CASE WHEN reason IS NULL AND value_before <> 0 THEN (value - value_before) / value_before END AS relative,
    reason,
    reason IS NULL AND state = 'provisional' AS is_provisional
FROM adjacent
ORDER BY subject_kind, subject_id, period_start
