-- One row per subject and period with at least one counting case: the median and its order-statistic interval.
-- Cases that never came to their end rank longest; a place that falls on one has no value.
--
-- Lists are unnested before they are put together: DuckDB 2.0 takes four times as long over lists of lists.
WITH sorted AS (
    SELECT subject_kind, subject_id, period, count(*) AS n, list_sort(list(amount)) AS amounts
    FROM (SELECT subject_kind, subject_id, period, unnest(amounts) AS amount FROM by_period)
    GROUP BY subject_kind, subject_id, period
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
    SELECT subject_kind, subject_id, period, list_sort(list(amount)) AS amounts
    FROM (
        SELECT
            months.subject_kind,
            months.subject_id,
            months.period,
            unnest(list_concat(list_filter(months.amounts, lambda amount: isfinite(amount)), months.open_so_far))
                AS amount
        FROM by_period AS months
        JOIN figures
            ON figures.middle = 'infinity'
            AND figures.subject_kind = months.subject_kind
            AND figures.subject_id = months.subject_id
            AND figures.period = months.period
    )
    GROUP BY subject_kind, subject_id, period
)

SELECT
    figures.subject_kind,
    figures.subject_id,
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
    AND so_far.period = figures.period
