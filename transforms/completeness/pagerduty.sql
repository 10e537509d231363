-- One row per month of creation. What was read without a gap before stays complete when a later run has one, with
-- all that belongs to its cases, but for what was still open then.
WITH landed_incidents AS (
    SELECT created_at_utc, resolved_at_utc FROM core.incidents WHERE starts_with(incident_id, 'pagerduty:')
),

months AS (
    SELECT unnest(generate_series(
        coalesce((SELECT min(reporting_month(created_at_utc)) FROM landed_incidents), reporting_month($as_of_utc)),
        reporting_month($as_of_utc),
        INTERVAL 1 MONTH
    ))::DATE AS month_start
),

newest AS (
    SELECT max_by(load_id, (known_at_utc, load_id)) AS load_id, max(known_at_utc) AS known_at_utc
    FROM ops.loads
    WHERE source = 'pagerduty'
),

-- The newest gap of what numbers rest on, and until when everything had been read before it.
gaps AS (
    SELECT string_agg(scopes.gap, ' ' ORDER BY scopes.scope) AS gap
    FROM newest_scopes AS scopes
    JOIN newest ON newest.load_id = scopes.load_id
    WHERE scopes.source = 'pagerduty' AND scopes.gap IS NOT NULL AND scopes.scope <> 'pagerduty:counts'
),

read_before AS (
    SELECT max(loads.known_at_utc) AS until_utc
    FROM ops.loads AS loads
    WHERE loads.source = 'pagerduty' AND loads.is_complete
),

-- Of an incident that had not ended, and of the deployments of the days before it, which it may say failed.
still_open AS (
    SELECT reporting_month(created_at_utc) AS month_start FROM landed_incidents WHERE resolved_at_utc IS NULL
    UNION
    SELECT reporting_month(created_at_utc - INTERVAL 7 DAY) FROM landed_incidents WHERE resolved_at_utc IS NULL
),

rejects AS (
    SELECT count(*) AS rejected
    FROM ops.rejected_records AS rejected
    WHERE rejected.source = 'pagerduty'
        AND rejected.is_lost
        AND rejected.stream IN ('log_entries', 'incidents', 'schedule_months')
        AND NOT EXISTS (
            FROM landing.pagerduty__log_entries__versions AS later
            JOIN loads ON loads.load_id = rejected.load_id
            WHERE later.log_entry_id = 'pagerduty:log_entry/' || rejected.ref AND later._load > loads.ordinal
        )
),

stored AS (
    SELECT reporting_month(created_at_utc) AS month_start, count(*) AS stored
    FROM landed_incidents
    GROUP BY reporting_month(created_at_utc)
),

-- The newest count of the whole; where it agrees with what is stored of its time, every month does.
wholes AS (
    SELECT
        counts.expected,
        counts.after_utc AT TIME ZONE 'UTC' AS after_utc,
        counts.expected = (
            -- of all that was landed: the as-of may be before the count
            SELECT count(*) FROM landing.pagerduty__incidents AS incidents
            WHERE incidents.created_at_utc <= counts.after_utc
        ) AS agrees
    FROM landing.pagerduty__expected_counts AS counts
    WHERE counts.month_start IS NULL
),

compared AS (
    SELECT
        months.month_start,
        coalesce(stored.stored, 0) AS stored,
        CASE
            -- a count that is older than what was read says nothing of what came after it
            WHEN (
                SELECT bool_or(agrees AND (
                    after_utc >= newest.known_at_utc OR months.month_start < reporting_month(after_utc)
                ))
                FROM wholes
            ) THEN coalesce(stored.stored, 0)
            ELSE singles.expected
        END AS expected,
        rejects.rejected,
        CASE
            WHEN reporting_month(coalesce(read_before.until_utc - to_days($late_days), TIMESTAMP '0001-01-01'))
                <= months.month_start THEN gaps.gap
            WHEN months.month_start IN (SELECT month_start FROM still_open) THEN gaps.gap
        END AS gap
    FROM months
    CROSS JOIN rejects
    CROSS JOIN gaps
    CROSS JOIN read_before
    CROSS JOIN newest
    LEFT JOIN stored ON stored.month_start = months.month_start
    LEFT JOIN landing.pagerduty__expected_counts AS singles ON singles.month_start = months.month_start
)

SELECT
    'pagerduty' AS source,
    'pagerduty' AS scope,
    month_start,
    stored,
    expected,
    rejected,
    0 AS deleted,
    CASE
        WHEN gap IS NOT NULL OR rejected > 0 OR stored < expected THEN 'incomplete'
        WHEN stored = expected THEN 'complete'
        ELSE 'unknown'
    END AS status,
    CASE
        WHEN gap IS NOT NULL THEN gap
        WHEN rejected > 0 THEN 'records were rejected (ops.rejected_records), of a month that they do not tell'
        WHEN stored < expected THEN 'fewer incidents are stored than the source counts'
        WHEN stored > expected THEN 'more incidents are stored than the source counts now'
        WHEN expected IS NULL THEN 'the source did not say how many there should be'
    END AS reason
FROM compared
ORDER BY month_start
