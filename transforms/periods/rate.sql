-- One row per subject and period: what happened over the exposure it could happen in.
-- Exposure is added up in whole billionths, so that the order of adding changes no digit.
SELECT
    subject_kind,
    subject_id,
    grain,
    period,
    count(*) FILTER (WHERE list_contains($counted, outcome)) AS n,
    count(*) FILTER (WHERE list_contains($pending, outcome)) AS n_pending,
    count(*) FILTER (WHERE list_contains($excluded, outcome)) AS n_excluded,
    count(*) FILTER (WHERE list_contains($numerator, outcome)) AS numerator,
    coalesce(sum(round(exposure * 1000000000)::HUGEINT), 0)::DOUBLE / 1000000000 AS exposure,
    count(DISTINCT contributor_id) FILTER (WHERE exposure > 0) AS n_contributors
FROM cases
GROUP BY subject_kind, subject_id, grain, period
ORDER BY subject_kind, subject_id, grain, period
