-- One row per subject and period: how many different people its cases have; a complete record.
SELECT
    subject_kind,
    subject_id,
    grain,
    period,
    count(DISTINCT contributor_id) FILTER (WHERE list_contains($counted, outcome)) AS n,
    count(*) FILTER (WHERE list_contains($pending, outcome)) AS n_pending,
    count(*) FILTER (WHERE list_contains($excluded, outcome)) AS n_excluded,
    count(DISTINCT contributor_id) FILTER (WHERE list_contains($counted, outcome)) AS n_contributors,
    (count(DISTINCT contributor_id) FILTER (WHERE list_contains($counted, outcome)))::DOUBLE AS value
FROM cases
GROUP BY subject_kind, subject_id, grain, period
ORDER BY subject_kind, subject_id, grain, period
