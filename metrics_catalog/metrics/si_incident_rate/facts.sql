-- One row per incident and service, or team that owned it then; and one per service of each and month with the time
-- it was live, in stretches of 30 days of 24 hours, from the month on in which the first incident is known.
WITH watched AS (
    SELECT
        scopes.subject_kind,
        scopes.subject_id,
        scopes.service_id,
        months.month_start,
        greatest(months.start_utc, scopes.from_utc) AS start_utc,
        least(months.end_utc, scopes.to_utc, $as_of_utc) AS end_utc
    FROM core.service_scopes AS scopes
    JOIN core.watched_services AS services ON services.service_id = scopes.service_id
    JOIN core.months AS months
        ON months.end_utc > greatest(scopes.from_utc, services.since_utc)
        AND months.start_utc < scopes.to_utc
    WHERE scopes.subject_kind IN ('service', 'team')
        AND scopes.from_utc < $as_of_utc
)

SELECT
    scopes.subject_kind,
    scopes.subject_id,
    incidents.incident_id || '/major' AS case_id,
    coalesce(incidents.ref, incidents.incident_id) AS ref,
    NULL AS contributor_id,
    incidents.source_url,
    incidents.created_at_utc AS anchor_at_utc,
    CASE WHEN incidents.merged_into IS NULL AND incidents.is_major THEN 'counted' ELSE 'excluded' END AS outcome,
    CASE
        WHEN incidents.merged_into IS NOT NULL THEN 'merged'
        WHEN coalesce(incidents.is_major, false) THEN 'major'
        ELSE 'not_major'
    END AS why,
    NULL AS amount,
    NULL AS exposure
FROM core.incidents AS incidents
JOIN core.service_scopes AS scopes
    ON scopes.service_id = incidents.service_id
    AND scopes.subject_kind IN ('service', 'team')
    AND incidents.created_at_utc >= scopes.from_utc
    AND incidents.created_at_utc < scopes.to_utc
UNION ALL
SELECT
    subject_kind,
    subject_id,
    subject_id || '/' || service_id || '/days/' || month_start || '/' || epoch_us(start_utc),
    service_id,
    NULL,
    NULL,
    start_utc,
    'watched',
    'watched',
    NULL,
    (epoch_us(end_utc) - epoch_us(start_utc)) / 2592000000000
FROM watched
WHERE end_utc > start_utc
