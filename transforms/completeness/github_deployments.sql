-- One row per repository and month, by creation, from the first deployment on: of every environment and end, as GitHub
-- counts them, and that only as a whole. Where the wholes agree, every month does. What may be missing after a gap are
-- the months since the last load that read them whole, and those before it that may still change: a commit of long ago
-- can be given a tag, or a release, at any time. A repository that has none has no row: nothing is deployed by it.
WITH newest AS (
    SELECT max_by(load_id, (known_at_utc, load_id)) AS load_id FROM ops.loads WHERE source = 'github'
),

-- Where releases took the place of deployments, or the other way round, only what is read now counts.
scopes AS (
    SELECT
        split_part(newest_scopes.scope, '/', 1) AS repository_id,
        CASE WHEN newest_scopes.scope LIKE '%/%/deployments' THEN split_part(newest_scopes.scope, '/', 2) ELSE 'deployments' END
            AS told_by,
        newest_scopes.gap,
        newest_scopes.whole_at_utc,
        loads.known_at_utc AS read_at_utc,
        loads.load_id = newest.load_id AS is_of_newest_load
    FROM newest_scopes
    JOIN ops.loads AS loads ON loads.load_id = newest_scopes.load_id
    CROSS JOIN newest
    WHERE newest_scopes.source = 'github' AND ends_with(newest_scopes.scope, '/deployments')
    QUALIFY row_number() OVER (
        PARTITION BY split_part(newest_scopes.scope, '/', 1) ORDER BY loads.known_at_utc DESC, newest_scopes.scope
    ) = 1
),

stored AS (
    SELECT
        repository_id,
        CASE split_part(split_part(deployment_id, ':', 2), '/', 1)
            WHEN 'release' THEN 'releases'
            WHEN 'tag' THEN 'tags'
            ELSE 'deployments'
        END AS told_by,
        reporting_month(created_at_utc AT TIME ZONE 'UTC') AS month_start,
        count(*) AS stored
    FROM landing.github__deployments
    GROUP BY ALL
),

wholes AS (
    SELECT scopes.*, counts.expected, coalesce(sum(stored.stored), 0) AS stored, min(stored.month_start) AS first_month
    FROM scopes
    LEFT JOIN stored ON stored.repository_id = scopes.repository_id AND stored.told_by = scopes.told_by
    LEFT JOIN landing.github__expected_deployments AS counts
        ON counts.repository_id = scopes.repository_id AND counts.told_by = scopes.told_by
    GROUP BY ALL
),

months AS (
    SELECT
        wholes.*,
        unnest(generate_series(
            CASE
                WHEN gap IS NULL AND coalesce(expected, 0) <= wholes.stored THEN coalesce(first_month, reporting_month($as_of_utc) + INTERVAL 1 MONTH)
                ELSE least(
                    first_month,
                    coalesce((SELECT min(reporting_month(created_at_utc)) FROM core.pull_requests), reporting_month($as_of_utc))
                )
            END,
            reporting_month(CASE WHEN is_of_newest_load THEN $as_of_utc ELSE read_at_utc END),
            INTERVAL 1 MONTH
        ))::DATE AS month_start,
        coalesce(
            reporting_month(whole_at_utc - to_days(CASE WHEN told_by = 'deployments' THEN $late_days ELSE 90 END)),
            DATE '0001-01-01'
        ) AS gap_from
    FROM wholes
),

compared AS (
    SELECT
        months.repository_id AS scope,
        months.month_start,
        coalesce(stored.stored, 0) AS stored,
        CASE WHEN months.expected = months.stored THEN coalesce(stored.stored, 0) END AS expected,
        CASE
            WHEN months.gap IS NOT NULL AND months.month_start >= months.gap_from THEN months.gap
            WHEN months.month_start > reporting_month(months.read_at_utc)
                OR (
                    months.month_start = reporting_month(months.read_at_utc)
                    AND reporting_month(months.read_at_utc) < reporting_month($as_of_utc)
                )
                THEN 'not read since ' || strftime(months.read_at_utc, '%Y-%m-%d %H:%M') || ' UTC'
            WHEN months.stored < months.expected
                THEN 'fewer ' || months.told_by || ' are stored than GitHub counts; `evenhand run --full` reads all again'
        END AS missing,
        CASE
            WHEN months.expected IS NULL THEN 'GitHub did not say how many ' || months.told_by || ' there should be'
            WHEN months.stored > months.expected
                THEN 'more ' || months.told_by || ' are stored than GitHub counts now: some were deleted there'
        END AS untold
    FROM months
    LEFT JOIN stored
        ON stored.repository_id = months.repository_id
        AND stored.told_by = months.told_by
        AND stored.month_start = months.month_start
)

SELECT
    'deployments' AS source,
    scope,
    month_start,
    stored,
    expected,
    0 AS rejected,
    0 AS deleted,
    CASE WHEN missing IS NOT NULL THEN 'incomplete' WHEN untold IS NOT NULL THEN 'unknown' ELSE 'complete' END AS status,
    coalesce(missing, untold) AS reason
FROM compared
ORDER BY scope, month_start
