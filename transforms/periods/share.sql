-- One row per subject and period: cases counted by what became of them.
SELECT
    subject_kind,
    subject_id,
    grain,
    period,
    count(*) FILTER (WHERE list_contains($denominator, outcome)) AS n,
    count(*) FILTER (WHERE list_contains($pending, outcome)) AS n_pending,
    count(*) FILTER (WHERE list_contains($excluded, outcome)) AS n_excluded,
    count(*) FILTER (WHERE list_contains($numerator, outcome)) AS numerator,
    count(*) FILTER (WHERE list_contains($denominator, outcome)) AS denominator,
    count(DISTINCT contributor_id) FILTER (WHERE list_contains($denominator, outcome)) AS n_contributors
FROM cases
GROUP BY subject_kind, subject_id, grain, period
ORDER BY subject_kind, subject_id, grain, period
