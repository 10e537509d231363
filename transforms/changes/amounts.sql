-- One row per counted case of one metric in the twelve months that a quarter comparison looks at.
SELECT
    subject_kind,
    subject_id,
    date_diff('month', $first_month, month_start)::INTEGER AS month_index,
    amount,
    NOT list_contains($closed_whys, why) AS is_open
FROM cases_of_metric
WHERE list_contains($counted, outcome)
    AND month_start BETWEEN $first_month AND $last_month
ORDER BY subject_kind, subject_id, month_start, is_open, amount
