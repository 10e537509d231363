-- One row per subject and period with at least one counting case: the median and its order-statistic interval.
-- Cases that never came to their end rank longest; a place that falls on one has no value.
WITH sorted AS (
    SELECT
        subject_kind,
        subject_id,
        grain,
        period,
        count(*) AS n,
        list_sort(list(amount) FILTER (WHERE list_contains($closed_whys, why))) AS closed,
        list_sort(list(amount)) AS so_far
    FROM cases
    WHERE list_contains($counted, outcome)
    GROUP BY subject_kind, subject_id, grain, period
)

SELECT
    sorted.subject_kind,
    sorted.subject_id,
    sorted.grain,
    sorted.period,
    (sorted.closed[(sorted.n + 1) // 2] + sorted.closed[sorted.n // 2 + 1]) / 2 AS value,
    (sorted.so_far[(sorted.n + 1) // 2] + sorted.so_far[sorted.n // 2 + 1]) / 2 AS middle_so_far,
    sorted.closed[places.place] AS ci_low,
    sorted.closed[sorted.n - places.place + 1] AS ci_high,
    places.coverage
FROM sorted
LEFT JOIN places ON places.n = sorted.n
ORDER BY sorted.subject_kind, sorted.subject_id, sorted.grain, sorted.period
