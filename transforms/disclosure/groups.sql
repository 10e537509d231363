-- One row per group of a table: may it be shown? In this order: nothing in it, too few people, one person
-- holds too much; and where exactly one group is hidden, the smallest shown one too, against subtraction.
WITH sizes AS (
    SELECT
        table_id,
        group_id,
        count(DISTINCT contributor_id) FILTER (WHERE n_cases > 0) AS n_contributors,
        coalesce(sum(n_cases), 0) AS n_all,
        coalesce(max(n_cases) FILTER (WHERE contributor_id IS NOT NULL), 0) AS n_largest
    FROM contributions
    GROUP BY table_id, group_id
),

alone AS (
    SELECT
        *,
        CASE
            WHEN n_all = 0 THEN 'no_activity'
            WHEN n_contributors < $minimum_group THEN 'small_group'
            WHEN n_largest > $dominance_limit * n_all THEN 'dominance'
        END AS reason
    FROM sizes
),

together AS (
    SELECT
        *,
        count(*) FILTER (WHERE reason IN ('small_group', 'dominance')) OVER (PARTITION BY table_id) AS n_hidden,
        row_number() OVER (
            PARTITION BY table_id ORDER BY reason IS NOT NULL, n_contributors, group_id
        ) AS smallest_first
    FROM alone
)

SELECT
    table_id,
    group_id,
    n_contributors,
    CASE
        WHEN reason IS NOT NULL THEN reason
        WHEN n_hidden = 1 AND smallest_first = 1 THEN 'complement'
    END AS withheld_reason,
    n_hidden = 1
        AND count(*) FILTER (WHERE reason IS NULL) OVER (PARTITION BY table_id) = 0 AS is_total_hidden
FROM together
ORDER BY table_id, group_id
