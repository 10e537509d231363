-- One row per final monthly cell of one metric in the months that trend and usual range look at.
SELECT
    subject_kind,
    subject_id,
    date_diff('month', $first_month, period_start)::INTEGER AS month_index,
    CASE WHEN status = 'ok' AND hole IS NULL THEN value END AS value,
    coalesce(disclosed, false) AS disclosed
FROM trends.periods
WHERE metric_id = $metric_id
    AND grain = 'month'
    AND state = 'final'
    AND period_start BETWEEN $first_month AND $last_month
ORDER BY subject_kind, subject_id, period_start
