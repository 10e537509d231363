-- One row per subject, period and detail with a case: how many cases are of the classes it counts.
WITH by_outcome AS (
    SELECT cases.subject_kind, cases.subject_id, cases.grain, cases.period, cases.case_id, classes.detail
    FROM cases
    JOIN detail_classes AS classes ON classes.of_column = 'outcome' AND classes.word = cases.outcome
),

by_why AS (
    SELECT cases.subject_kind, cases.subject_id, cases.grain, cases.period, cases.case_id, classes.detail
    FROM cases
    JOIN detail_classes AS classes ON classes.of_column = 'why' AND classes.word = cases.why
)

SELECT subject_kind, subject_id, grain, period, detail, count(*) AS n
FROM (FROM by_outcome UNION ALL FROM by_why)
GROUP BY subject_kind, subject_id, grain, period, detail
ORDER BY subject_kind, subject_id, grain, period, detail
