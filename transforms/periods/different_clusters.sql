-- One row per subject and period: over how many different clusters its counting cases are spread.
SELECT subject_kind, subject_id, grain, period, count(DISTINCT cluster_id) AS n_different
FROM cases
WHERE list_contains($counted, outcome)
GROUP BY subject_kind, subject_id, grain, period
