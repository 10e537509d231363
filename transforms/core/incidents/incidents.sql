-- One row per incident of the incident tables. A service is named as in the services file.
SELECT
    'incidents:' || rows.incident_id AS incident_id,
    rows.incident_id AS ref,
    rows.title,
    rows.source_url,
    coalesce(
        (SELECT any_value(services.service_id) FROM core.services AS services
            WHERE lower(services.service_id) = lower(rows.service)),
        rows.service
    ) AS service_id,
    rows.urgency,
    rows.is_major,
    rows.created_at_utc,
    rows.resolved_at_utc,
    'incidents:' || rows.merged_into AS merged_into,
    rows.resolution_tag,
    rows.impact_start_at_utc,
    rows.impact_end_at_utc,
    rows.cause_key
FROM landing.incidents__incidents AS rows
