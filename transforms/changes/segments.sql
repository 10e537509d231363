-- One row per person and month of a window: the segment the person was in, whether or not anything happened.
SELECT
    'person' AS subject_kind,
    person_id AS subject_id,
    date_diff('month', $first_month, period_start)::INTEGER AS month_index,
    segment
FROM trends.person_periods
WHERE grain = 'month' AND period_start BETWEEN $first_month AND $last_month
ORDER BY person_id, period_start
