-- One row per subject of which a quarter's cell, of the four that a comparison pools, may not leave.
SELECT DISTINCT subject_kind, subject_id
FROM trends.periods
WHERE metric_id = $metric_id
    AND grain = 'quarter'
    AND state = 'final'
    AND period_start BETWEEN $first_month AND $last_month
    AND disclosed IS NOT TRUE
ORDER BY subject_kind, subject_id
