-- One row per incident. A service of the services file is told by its name; the two highest priorities are major.
WITH placed AS (
    SELECT priority_id, row_number() OVER (ORDER BY weight DESC, name) AS place
    FROM landing.pagerduty__priorities
    WHERE weight IS NOT NULL
),

tagged AS (
    SELECT incident_id, arg_max(tag, (noted_at_utc, reference_id)) AS tag
    FROM landing.pagerduty__note_references
    WHERE tag IS NOT NULL AND noted_at_utc <= $as_of_utc AT TIME ZONE 'UTC'
    GROUP BY incident_id
),

named AS (
    SELECT
        services.service_id AS source_id,
        coalesce(any_value(catalogue.service_id), services.service_id) AS service_id
    FROM landing.pagerduty__services AS services
    LEFT JOIN core.services AS catalogue
        ON lower(catalogue.service_id) = lower(services.name)
        OR split_part(services.service_id, '/', -1) = catalogue.pagerduty_service_id
    GROUP BY services.service_id
)

SELECT
    incidents.incident_id,
    '#' || incidents.number AS ref,
    incidents.title,
    incidents.source_url,
    coalesce(named.service_id, incidents.service_id) AS service_id,
    incidents.urgency,
    coalesce(placed.place <= 2, false) AS is_major,
    incidents.created_at_utc AT TIME ZONE 'UTC' AS created_at_utc,
    incidents.resolved_at_utc AT TIME ZONE 'UTC' AS resolved_at_utc,
    CASE WHEN incidents.resolved_at_utc <= $as_of_utc AT TIME ZONE 'UTC' THEN incidents.merged_into_id END
        AS merged_into,
    coalesce(tagged.tag, incidents.title_tag) AS resolution_tag
FROM landing.pagerduty__incidents AS incidents
LEFT JOIN named ON named.source_id = incidents.service_id
LEFT JOIN placed ON placed.priority_id = incidents.priority_id
LEFT JOIN tagged ON tagged.incident_id = incidents.incident_id
