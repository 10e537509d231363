-- One row per subject and period with at least one counting case: the median and its order-statistic interval.
-- Cases that never came to their end rank longest; a place that falls on one has no value.
WITH counted AS (
    SELECT
        subject_kind,
        subject_id,
        grain,
        period,
        amount,
        NOT list_contains($closed_whys, why) AS is_open
    FROM cases
    WHERE list_contains($counted, outcome)
),

placed AS (
    SELECT
        *,
        row_number() OVER (
            PARTITION BY subject_kind, subject_id, grain, period ORDER BY is_open, amount
        ) AS place,
        row_number() OVER (PARTITION BY subject_kind, subject_id, grain, period ORDER BY amount) AS place_so_far,
        count(*) OVER (PARTITION BY subject_kind, subject_id, grain, period) AS n
    FROM counted
)

SELECT
    placed.subject_kind,
    placed.subject_id,
    placed.grain,
    placed.period,
    (
        max(placed.amount) FILTER (WHERE placed.place = (placed.n + 1) // 2 AND NOT placed.is_open)
        + max(placed.amount) FILTER (WHERE placed.place = placed.n // 2 + 1 AND NOT placed.is_open)
    ) / 2 AS value,
    (
        max(placed.amount) FILTER (WHERE placed.place_so_far = (placed.n + 1) // 2)
        + max(placed.amount) FILTER (WHERE placed.place_so_far = placed.n // 2 + 1)
    ) / 2 AS middle_so_far,
    max(placed.amount) FILTER (WHERE placed.place = places.place AND NOT placed.is_open) AS ci_low,
    max(placed.amount) FILTER (WHERE placed.place = placed.n - places.place + 1 AND NOT placed.is_open) AS ci_high,
    any_value(places.coverage) AS coverage
FROM placed
LEFT JOIN places ON places.n = placed.n
GROUP BY placed.subject_kind, placed.subject_id, placed.grain, placed.period
ORDER BY placed.subject_kind, placed.subject_id, placed.grain, placed.period
