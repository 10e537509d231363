-- One row per subject and period: cases counted, and how many of them never came to their end.
SELECT
    subject_kind,
    subject_id,
    grain,
    period,
    count(*) FILTER (WHERE list_contains($counted, outcome)) AS n,
    count(*) FILTER (WHERE list_contains($pending, outcome)) AS n_pending,
    count(*) FILTER (WHERE list_contains($excluded, outcome)) AS n_excluded,
    count(*) FILTER (WHERE list_contains($counted, outcome) AND NOT list_contains($closed_whys, why)) AS n_open,
    count(DISTINCT contributor_id) FILTER (WHERE list_contains($counted, outcome)) AS n_contributors
FROM cases
GROUP BY subject_kind, subject_id, grain, period
ORDER BY subject_kind, subject_id, grain, period
