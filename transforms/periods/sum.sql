-- One row per subject and period: amounts added up, what two cases share once; and what would come of adding
-- them up twice. A case that spans several pieces is one case.
SELECT
    subject_kind,
    subject_id,
    period,
    count(DISTINCT coalesce(cluster_id, case_id)) FILTER (WHERE list_contains($counted, outcome)) AS n,
    (sum(round(exposure * 1000000000)::HUGEINT) FILTER (WHERE list_contains($counted, outcome)))::DOUBLE
        / 1000000000 AS value,
    (sum(round(amount * 1000000000)::HUGEINT) FILTER (WHERE list_contains($counted, outcome)))::DOUBLE
        / 1000000000 AS sum_without_union
FROM cases
GROUP BY subject_kind, subject_id, period
