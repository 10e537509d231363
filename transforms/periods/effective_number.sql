-- One row per subject and period: over how many people its cases are spread, 1 / sum(p * p), as whole numbers
-- up to the division. The p themselves go nowhere.
WITH spread AS (
    SELECT
        subject_kind,
        subject_id,
        grain,
        period,
        contributor_id,
        count(*) FILTER (WHERE list_contains($counted, outcome)) AS n,
        count(*) FILTER (WHERE list_contains($pending, outcome)) AS n_pending,
        count(*) FILTER (WHERE list_contains($excluded, outcome)) AS n_excluded
    FROM cases
    GROUP BY subject_kind, subject_id, grain, period, contributor_id
)

SELECT
    subject_kind,
    subject_id,
    grain,
    period,
    sum(n)::BIGINT AS n,
    sum(n_pending)::BIGINT AS n_pending,
    sum(n_excluded)::BIGINT AS n_excluded,
    count(*) FILTER (WHERE n > 0 AND contributor_id IS NOT NULL) AS n_contributors,
    CASE WHEN sum(n) > 0 THEN (sum(n) * sum(n))::DOUBLE / sum(n * n)::DOUBLE END AS value
FROM spread
GROUP BY subject_kind, subject_id, grain, period
ORDER BY subject_kind, subject_id, grain, period
