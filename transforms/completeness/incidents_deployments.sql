-- One row per month in which something ended, or all of them where something is missing. The table is read anew each
-- time, and nobody counts it independently: a month is unknown, or incomplete.
WITH newest AS (
    SELECT max_by(load_id, (known_at_utc, load_id)) AS load_id FROM ops.loads WHERE source = 'incidents'
),

reasons AS (
    SELECT scopes.gap AS reason, 0 AS rejected
    FROM newest_scopes AS scopes
    JOIN newest ON newest.load_id = scopes.load_id
    WHERE scopes.source = 'incidents' AND scopes.scope = 'deployments' AND scopes.gap IS NOT NULL
    UNION ALL
    SELECT 'rows were rejected (ops.rejected_records), of a month that they do not tell', count(*)
    FROM ops.rejected_records AS records
    JOIN newest ON newest.load_id = records.load_id
    WHERE records.source = 'incidents' AND records.stream = 'deployments' AND records.is_lost
    HAVING count(*) > 0
),

missing AS (
    SELECT max(rejected) AS rejected, string_agg(reason, ' ' ORDER BY reason) AS reason FROM reasons
),

stored AS (
    SELECT reporting_month(finished_at_utc AT TIME ZONE 'UTC') AS month_start, count(*) AS stored
    FROM landing.incidents__deployments
    GROUP BY ALL
),

months AS (
    SELECT unnest(generate_series(
        CASE
            WHEN missing.reason IS NOT NULL
                THEN coalesce(
                    (SELECT min(reporting_month(finished_at_utc)) FROM core.deployments),
                    reporting_month($as_of_utc)
                )
            ELSE coalesce(
                (SELECT min(month_start) FROM stored), reporting_month($as_of_utc) + INTERVAL 1 MONTH
            )
        END,
        reporting_month($as_of_utc),
        INTERVAL 1 MONTH
    ))::DATE AS month_start
    FROM missing
)

SELECT
    'deployments' AS source,
    'table of deployments' AS scope,
    months.month_start,
    coalesce(stored.stored, 0) AS stored,
    NULL AS expected,
    coalesce(missing.rejected, 0) AS rejected,
    0 AS deleted,
    CASE WHEN missing.reason IS NOT NULL THEN 'incomplete' ELSE 'unknown' END AS status,
    coalesce(missing.reason, 'nobody counts a table independently') AS reason
FROM months
CROSS JOIN missing
LEFT JOIN stored ON stored.month_start = months.month_start
ORDER BY months.month_start
