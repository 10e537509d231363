-- One row per group with a withheld cell in a quarter: the periods that it has withheld, in order, and the size of
-- its quarter where that is shown. A month in which one group alone did anything has no total to subtract from, nor
-- has its quarter, since the totals of the other months would tell it: all such periods have the name ''.
WITH placed AS (
    SELECT
        decisions.table_id,
        decisions.group_id,
        decisions.n_contributors,
        decisions.withheld_reason IS NOT NULL AS is_hidden,
        quarters.quarter_id IS NULL AS is_quarter,
        coalesce(quarters.quarter_id, decisions.table_id) AS quarter_id,
        count(*) OVER (PARTITION BY decisions.table_id) AS n_groups
    FROM decisions
    LEFT JOIN quarters_of_months AS quarters ON quarters.table_id = decisions.table_id
    WHERE decisions.withheld_reason IS DISTINCT FROM 'no_activity'
),

named AS (
    SELECT
        *,
        CASE
            WHEN n_groups = 1 OR (is_quarter AND min(n_groups) OVER (PARTITION BY quarter_id) = 1) THEN ''
            ELSE table_id
        END AS period
    FROM placed
)

SELECT
    quarter_id,
    group_id,
    list(period ORDER BY period) FILTER (WHERE is_hidden) AS periods,
    any_value(n_contributors) FILTER (WHERE is_quarter AND NOT is_hidden) AS n_contributors
FROM named
GROUP BY quarter_id, group_id
HAVING bool_or(is_hidden) AND bool_or(is_quarter)
ORDER BY quarter_id, group_id
