-- One row per subject and period: cases and the exposure they stand against. Sums are over whole numbers
-- (billionths), so that the order of rows changes no digit.
SELECT
    subject_kind,
    subject_id,
    grain,
    period,
    count(*) FILTER (WHERE list_contains($counted, outcome)) AS numerator,
    count(DISTINCT coalesce(cluster_id, case_id)) FILTER (WHERE list_contains($counted, outcome)) AS n_clusters,
    count(*) FILTER (WHERE list_contains($exposed, outcome)) AS n_exposed,
    count(*) FILTER (WHERE list_contains($pending, outcome)) AS n_pending,
    count(*) FILTER (WHERE list_contains($excluded, outcome)) AS n_excluded,
    count(DISTINCT contributor_id) FILTER (WHERE list_contains($counted, outcome)) AS n_contributors,
    coalesce(
        sum(round(exposure * 1000000000)::HUGEINT) FILTER (WHERE list_contains($exposed, outcome)), 0
    )::DOUBLE / 1000000000 AS exposure,
    coalesce(
        sum(round(exposure * 1000000000)::HUGEINT) FILTER (WHERE list_contains($counted, outcome)), 0
    )::DOUBLE / 1000000000 AS covered,
    coalesce(
        sum(round(amount * 1000000000)::HUGEINT) FILTER (WHERE list_contains($counted, outcome)), 0
    )::DOUBLE / 1000000000 AS plain_sum
FROM cases
GROUP BY subject_kind, subject_id, grain, period
ORDER BY subject_kind, subject_id, grain, period
