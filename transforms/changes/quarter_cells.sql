-- One row per final monthly cell of one metric in the twelve months that a quarter comparison looks at.
SELECT
    subject_kind,
    subject_id,
    date_diff('month', $first_month, period_start)::INTEGER AS month_index,
    coalesce(numerator, 0) AS numerator,
    coalesce(denominator, 0) AS denominator,
    coalesce(exposure, 0) AS exposure,
    hole IN ('absent', 'not_in_role', 'source_gap') AND hole IS NOT NULL AS is_hole,
    coalesce(disclosed, false) AS disclosed
FROM trends.periods
WHERE metric_id = $metric_id
    AND grain = 'month'
    AND state = 'final'
    AND period_start BETWEEN $first_month AND $last_month
ORDER BY subject_kind, subject_id, period_start
