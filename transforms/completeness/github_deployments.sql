-- One row per repository and month whose deployments are missing: those since the last load that read them whole,
-- and those before it that may still change: a commit of long ago can be given a tag, or a release, at any time.
-- Nobody counts deployments independently, so there is no row that says they are complete.
SELECT
    'deployments' AS source,
    split_part(scopes.scope, '/', 1) AS scope,
    months.month_start,
    0 AS stored,
    NULL AS expected,
    0 AS rejected,
    0 AS deleted,
    'incomplete' AS status,
    scopes.gap AS reason
FROM (
    -- Where releases took the place of deployments, or the other way round, only what is read now counts.
    SELECT newest_scopes.*
    FROM newest_scopes
    JOIN ops.loads AS loads ON loads.load_id = newest_scopes.load_id
    WHERE newest_scopes.source = 'github' AND ends_with(newest_scopes.scope, '/deployments')
    QUALIFY row_number() OVER (
        PARTITION BY split_part(newest_scopes.scope, '/', 1) ORDER BY loads.known_at_utc DESC, newest_scopes.scope
    ) = 1
) AS scopes
CROSS JOIN (
    SELECT unnest(generate_series(
        coalesce((SELECT min(reporting_month(created_at_utc)) FROM core.pull_requests), reporting_month($as_of_utc)),
        reporting_month($as_of_utc),
        INTERVAL 1 MONTH
    ))::DATE AS month_start
) AS months
WHERE scopes.gap IS NOT NULL
    AND (scopes.whole_at_utc IS NULL OR months.month_start >= reporting_month(
        scopes.whole_at_utc - to_days(CASE WHEN scopes.scope LIKE '%/%/deployments' THEN 90 ELSE $late_days END)
    ))
ORDER BY scope, months.month_start
