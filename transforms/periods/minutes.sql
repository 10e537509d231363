-- One row per subject and period: the part of its time that is not lost. What two cases lose together is lost
-- once (exposure); the time there is comes from cases of its own.
WITH added AS (
    SELECT
        subject_kind,
        subject_id,
        period,
        count(DISTINCT coalesce(cluster_id, case_id)) FILTER (WHERE list_contains($counted, outcome)) AS n,
        coalesce(sum(round(exposure * 1000000000)::HUGEINT) FILTER (WHERE list_contains($counted, outcome)), 0)
            ::DOUBLE / 1000000000 AS down_minutes,
        coalesce(sum(round(exposure * 1000000000)::HUGEINT) FILTER (WHERE list_contains($total, outcome)), 0)
            ::DOUBLE / 1000000000 AS total_minutes
    FROM cases
    GROUP BY subject_kind, subject_id, period
)

SELECT *, 1 - down_minutes / nullif(total_minutes, 0) AS value
FROM added
