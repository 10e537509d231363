-- One row per subject and period: over how many different clusters its counting cases are spread.
SELECT subject_kind, subject_id, period, count(DISTINCT cluster_id) AS n_different
FROM (SELECT subject_kind, subject_id, period, unnest(clusters) AS cluster_id FROM by_period)
GROUP BY subject_kind, subject_id, period
