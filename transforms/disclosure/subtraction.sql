-- What has to be withheld besides, so that nothing withheld is the difference of what is shown. A line of cells
-- adds up: the groups of a period to its total, the months of a group to its quarter. Where exactly one cell of a
-- line is withheld, one more is: of months and their quarter the quarter, of groups the one with the fewest
-- contributors, first among those whose own line has a withheld cell already.
WITH placed AS (
    SELECT
        decisions.table_id,
        decisions.group_id,
        decisions.n_contributors,
        decisions.withheld_reason IS NOT NULL AS is_hidden,
        quarters.quarter_id IS NULL AS is_quarter,
        coalesce(quarters.quarter_id, decisions.table_id) AS quarter_id
    FROM decisions
    LEFT JOIN quarters_of_months AS quarters ON quarters.table_id = decisions.table_id
    -- Where nothing was done, everybody sees as much.
    WHERE decisions.withheld_reason IS DISTINCT FROM 'no_activity'
),

counted AS (
    SELECT
        *,
        count(*) FILTER (WHERE is_hidden) OVER (PARTITION BY table_id) AS n_hidden_groups,
        count(*) FILTER (WHERE is_hidden) OVER (PARTITION BY group_id, quarter_id) AS n_hidden_periods,
        bool_or(is_quarter) OVER (PARTITION BY group_id, quarter_id) AS has_quarter
    FROM placed
),

first_of_periods AS (
    SELECT table_id, group_id
    FROM counted
    WHERE has_quarter AND n_hidden_periods = 1 AND NOT is_hidden
    QUALIFY row_number() OVER (
        PARTITION BY group_id, quarter_id ORDER BY is_quarter DESC, n_contributors, table_id
    ) = 1
),

first_of_groups AS (
    SELECT table_id, group_id
    FROM counted
    WHERE n_hidden_groups = 1 AND NOT is_hidden
    QUALIFY row_number() OVER (
        PARTITION BY table_id ORDER BY n_hidden_periods = 0, n_contributors, group_id
    ) = 1
)

-- Quarters first: what they withhold often serves the groups as well.
FROM first_of_periods
UNION ALL
FROM first_of_groups
WHERE NOT EXISTS (FROM first_of_periods)
