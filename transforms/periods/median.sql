-- One row per subject and period with at least one counting case: the median and its order-statistic interval.
-- Cases that never came to their end rank longest; a place that falls on one has no value.
WITH sorted AS (
    SELECT
        subject_kind,
        subject_id,
        grain,
        period,
        count(*) AS n,
        list_sort(list(CASE WHEN list_contains($closed_whys, why) THEN amount ELSE 'infinity' END)) AS amounts
    FROM cases
    WHERE list_contains($counted, outcome)
    GROUP BY subject_kind, subject_id, grain, period
),

figures AS (
    SELECT
        sorted.* EXCLUDE (amounts),
        (sorted.amounts[(sorted.n + 1) // 2] + sorted.amounts[sorted.n // 2 + 1]) / 2 AS middle,
        sorted.amounts[places.place] AS low,
        sorted.amounts[sorted.n - places.place + 1] AS high,
        places.coverage
    FROM sorted
    LEFT JOIN places ON places.n = sorted.n
),

-- Where the middle is open, the median is at least that of all cases as long as they are so far.
so_far AS (
    SELECT
        cases.subject_kind,
        cases.subject_id,
        cases.grain,
        cases.period,
        list_sort(list(cases.amount)) AS amounts
    FROM cases
    JOIN figures
        ON figures.middle = 'infinity'
        AND figures.subject_kind = cases.subject_kind
        AND figures.subject_id = cases.subject_id
        AND figures.grain = cases.grain
        AND figures.period = cases.period
    WHERE list_contains($counted, cases.outcome)
    GROUP BY cases.subject_kind, cases.subject_id, cases.grain, cases.period
)

SELECT
    figures.subject_kind,
    figures.subject_id,
    figures.grain,
    figures.period,
    nullif(figures.middle, 'infinity') AS value,
    (so_far.amounts[(figures.n + 1) // 2] + so_far.amounts[figures.n // 2 + 1]) / 2 AS value_at_least,
    nullif(figures.low, 'infinity') AS ci_low,
    nullif(figures.high, 'infinity') AS ci_high,
    figures.coverage
FROM figures
LEFT JOIN so_far
    ON so_far.subject_kind = figures.subject_kind
    AND so_far.subject_id = figures.subject_id
    AND so_far.grain = figures.grain
    AND so_far.period = figures.period
