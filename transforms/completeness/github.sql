-- One row per repository and month of creation. A repository that could not be read has every month missing.
WITH months AS (
    SELECT unnest(generate_series(
        coalesce((SELECT min(reporting_month(created_at_utc)) FROM core.pull_requests), reporting_month($as_of_utc)),
        reporting_month($as_of_utc),
        INTERVAL 1 MONTH
    ))::DATE AS month_start
),

scopes AS (
    SELECT scope, gap FROM newest_scopes WHERE source = 'github'
),

stored AS (
    SELECT repository_id AS scope, reporting_month(created_at_utc) AS month_start, count(*) AS stored
    FROM core.pull_requests
    GROUP BY repository_id, reporting_month(created_at_utc)
),

-- What was rejected in the newest load of each scope; without its pull request nobody knows the month.
lost AS (
    SELECT
        rejected.scope,
        reporting_month(pulls.created_at_utc) AS month_start,
        count(*) AS rejected
    FROM ops.rejected_records AS rejected
    JOIN newest_scopes
        ON newest_scopes.load_id = rejected.load_id AND newest_scopes.scope = rejected.scope
    LEFT JOIN core.pull_requests AS pulls
        ON pulls.pr_id = rejected.scope || '/pull/' || regexp_extract(rejected.ref, '#(\d+)', 1)
    WHERE rejected.source = 'github' AND rejected.is_lost
    GROUP BY rejected.scope, reporting_month(pulls.created_at_utc)
)

SELECT
    'github' AS source,
    scopes.scope,
    months.month_start,
    coalesce(stored.stored, 0) AS stored,
    NULL AS expected,
    coalesce(lost.rejected, 0) + coalesce(somewhere.rejected, 0) AS rejected,
    CASE
        WHEN scopes.gap IS NOT NULL OR lost.rejected > 0 OR somewhere.rejected > 0 THEN 'incomplete'
        ELSE 'unknown'
    END AS status,
    CASE
        WHEN scopes.gap IS NOT NULL THEN scopes.gap
        WHEN lost.rejected > 0 THEN 'records of this month were rejected (ops.rejected_records)'
        WHEN somewhere.rejected > 0 THEN 'pull requests of unknown month were rejected (ops.rejected_records)'
        ELSE 'the source was not asked how many there should be'
    END AS reason
FROM scopes
CROSS JOIN months
LEFT JOIN stored ON stored.scope = scopes.scope AND stored.month_start = months.month_start
LEFT JOIN lost ON lost.scope = scopes.scope AND lost.month_start = months.month_start
LEFT JOIN lost AS somewhere ON somewhere.scope = scopes.scope AND somewhere.month_start IS NULL
ORDER BY scopes.scope, months.month_start
