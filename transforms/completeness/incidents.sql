-- One row per month of creation. Nobody counts a table independently: a month is unknown, or incomplete.
WITH newest AS (
    SELECT max_by(load_id, (known_at_utc, load_id)) AS load_id FROM ops.loads WHERE source = 'incidents'
),

gaps AS (
    SELECT string_agg(scopes.gap, ' ' ORDER BY scopes.scope) AS gap
    FROM newest_scopes AS scopes
    JOIN newest ON newest.load_id = scopes.load_id
    WHERE scopes.source = 'incidents' AND scopes.scope <> 'deployments'
),

rejects AS (
    SELECT count(*) AS rejected
    FROM ops.rejected_records AS rejected
    JOIN newest ON newest.load_id = rejected.load_id
    WHERE rejected.source = 'incidents' AND rejected.stream <> 'deployments' AND rejected.is_lost
),

stored AS (
    SELECT reporting_month(created_at_utc) AS month_start, count(*) AS stored
    FROM core.incidents
    WHERE starts_with(incident_id, 'incidents:')
    GROUP BY reporting_month(created_at_utc)
)

SELECT
    'incidents' AS source,
    'incidents' AS scope,
    stored.month_start,
    stored.stored,
    NULL AS expected,
    rejects.rejected,
    0 AS deleted,
    CASE WHEN gaps.gap IS NOT NULL OR rejects.rejected > 0 THEN 'incomplete' ELSE 'unknown' END AS status,
    CASE
        WHEN gaps.gap IS NOT NULL THEN gaps.gap
        WHEN rejects.rejected > 0 THEN 'rows were rejected (ops.rejected_records), of a month that they do not tell'
        ELSE 'nobody counts a table independently'
    END AS reason
FROM stored
CROSS JOIN gaps
CROSS JOIN rejects
ORDER BY stored.month_start
