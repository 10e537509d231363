-- One row per incident of a service and month in which it took minutes away, with its own minutes and those that no
-- incident before it took; one per service and month with the minutes there were; and the incidents that are not
-- counted, in their own month and the one after it, where somebody may look for them.
WITH incidents AS (
    SELECT
        *,
        CASE WHEN merged_into IS NOT NULL THEN 'merged' WHEN NOT coalesce(is_major, false) THEN 'not_major' END
            AS excluded_why
    FROM core.incidents
),

reopenings AS (
    SELECT incident_id, created_at_utc AS start_utc FROM incidents WHERE excluded_why IS NULL
    UNION
    SELECT log.incident_id, log.occurred_at_utc
    FROM core.incident_log AS log
    JOIN incidents ON incidents.incident_id = log.incident_id AND incidents.excluded_why IS NULL
    WHERE log.type = 'reopen'
),

open_spans AS (
    SELECT
        incidents.incident_id,
        incidents.service_id,
        reopenings.start_utc,
        coalesce(
            min(log.occurred_at_utc),
            CASE WHEN incidents.resolved_at_utc >= reopenings.start_utc THEN incidents.resolved_at_utc END,
            $as_of_utc
        ) AS end_utc
    FROM reopenings
    JOIN incidents ON incidents.incident_id = reopenings.incident_id
    LEFT JOIN core.incident_log AS log
        ON log.incident_id = reopenings.incident_id
        AND log.type = 'resolve'
        -- Sources tell seconds: what is resolved in the second it began was down for none; one that is opened again
        -- in the second of a resolution goes on.
        AND (
            log.occurred_at_utc > reopenings.start_utc
            OR (log.occurred_at_utc = reopenings.start_utc AND reopenings.start_utc = incidents.created_at_utc)
        )
    GROUP BY incidents.incident_id, incidents.service_id, reopenings.start_utc, incidents.resolved_at_utc
),

spans AS (
    SELECT incident_id, service_id, start_utc, end_utc
    FROM open_spans
    WHERE incident_id NOT IN (
        SELECT incident_id FROM incidents WHERE coalesce(impact_start_at_utc <= $as_of_utc, false)
    )
    UNION ALL
    SELECT incident_id, service_id, impact_start_at_utc, coalesce(impact_end_at_utc, $as_of_utc)
    FROM incidents
    WHERE excluded_why IS NULL AND impact_start_at_utc <= $as_of_utc
),

moments AS (
    SELECT service_id, unnest([start_utc, end_utc]) AS moment_utc FROM spans
    UNION
    SELECT service_id, unnest([start_at_utc, end_at_utc]) FROM core.maintenance_windows
    UNION
    SELECT spans.service_id, months.start_utc
    FROM spans
    JOIN core.months AS months ON months.start_utc > spans.start_utc AND months.start_utc < spans.end_utc
),

pieces AS (
    SELECT
        service_id,
        moment_utc AS start_utc,
        lead(moment_utc) OVER (PARTITION BY service_id ORDER BY moment_utc) AS end_utc
    FROM moments
),

down AS (
    SELECT
        spans.incident_id,
        pieces.service_id,
        pieces.start_utc,
        epoch_us(pieces.end_utc) - epoch_us(pieces.start_utc) AS down_us,
        row_number() OVER (
            PARTITION BY pieces.service_id, pieces.start_utc ORDER BY min(spans.start_utc), spans.incident_id
        ) = 1 AS is_first
    FROM pieces
    JOIN spans
        ON spans.service_id = pieces.service_id
        AND spans.start_utc <= pieces.start_utc
        AND spans.end_utc >= pieces.end_utc
    WHERE NOT EXISTS (
        FROM core.maintenance_windows AS windows
        WHERE windows.service_id = pieces.service_id
            AND windows.start_at_utc <= pieces.start_utc
            AND windows.end_at_utc >= pieces.end_utc
    )
    GROUP BY spans.incident_id, pieces.service_id, pieces.start_utc, pieces.end_utc
),

by_month AS (
    SELECT
        incident_id,
        service_id,
        reporting_month(start_utc) AS month_start,
        min(start_utc) AS start_utc,
        sum(down_us) AS down_us,
        coalesce(sum(down_us) FILTER (WHERE is_first), 0) AS alone_us
    FROM down
    GROUP BY incident_id, service_id, month_start
),

watched AS (
    SELECT DISTINCT scopes.service_id, months.month_start, months.start_utc, months.end_utc
    FROM core.service_scopes AS scopes
    JOIN core.watched_services AS services ON services.service_id = scopes.service_id
    JOIN core.months AS months
        ON months.end_utc > greatest(scopes.from_utc, services.since_utc)
        AND months.start_utc < scopes.to_utc
    WHERE scopes.subject_kind = 'service'
        AND months.start_utc < $as_of_utc
)

SELECT
    'service' AS subject_kind,
    by_month.service_id AS subject_id,
    by_month.incident_id || '/down/' || by_month.month_start AS case_id,
    coalesce(incidents.ref, incidents.incident_id) AS ref,
    NULL AS contributor_id,
    by_month.incident_id AS cluster_id,
    incidents.source_url,
    by_month.start_utc AS anchor_at_utc,
    'down' AS outcome,
    CASE
        WHEN incidents.impact_start_at_utc IS NOT NULL THEN 'impact'
        WHEN incidents.resolved_at_utc IS NULL THEN 'still_open'
        ELSE 'open_to_resolved'
    END AS why,
    by_month.down_us / 60000000 AS amount,
    by_month.alone_us / 60000000 AS exposure
FROM by_month
JOIN incidents ON incidents.incident_id = by_month.incident_id
WHERE by_month.service_id IN (SELECT service_id FROM watched)
UNION ALL
SELECT
    'service',
    service_id,
    service_id || '/minutes/' || month_start,
    service_id,
    NULL,
    NULL,
    NULL,
    start_utc,
    'watched',
    'watched',
    NULL,
    (epoch_us(least(end_utc, $as_of_utc)) - epoch_us(start_utc)) / 60000000
FROM watched
UNION ALL
SELECT
    'service',
    incidents.service_id,
    incidents.incident_id || '/not-counted/' || watched.month_start,
    coalesce(incidents.ref, incidents.incident_id),
    NULL,
    incidents.incident_id,
    incidents.source_url,
    greatest(incidents.created_at_utc, watched.start_utc),
    'excluded',
    incidents.excluded_why,
    NULL,
    NULL
FROM incidents
JOIN watched
    ON watched.service_id = incidents.service_id
    AND incidents.created_at_utc < watched.end_utc
    AND reporting_month(incidents.created_at_utc) + INTERVAL 1 MONTH >= watched.month_start
WHERE incidents.excluded_why IS NOT NULL
