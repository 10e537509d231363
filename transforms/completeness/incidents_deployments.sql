-- One row per month, where the table of deployments could not be read whole: it is read anew each time, so of every
-- month something may be missing.
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
)

SELECT
    'deployments' AS source,
    'table of deployments' AS scope,
    months.month_start,
    0 AS stored,
    NULL AS expected,
    max(reasons.rejected) AS rejected,
    0 AS deleted,
    'incomplete' AS status,
    string_agg(reasons.reason, ' ' ORDER BY reasons.reason) AS reason
FROM reasons
CROSS JOIN (
    SELECT unnest(generate_series(
        coalesce((SELECT min(reporting_month(finished_at_utc)) FROM core.deployments), reporting_month($as_of_utc)),
        reporting_month($as_of_utc),
        INTERVAL 1 MONTH
    ))::DATE AS month_start
) AS months
GROUP BY months.month_start
ORDER BY months.month_start
