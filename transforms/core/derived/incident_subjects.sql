-- Whom an incident is a case of: its service, and the team that owned the service when it was created.
SELECT incident_id, 'service' AS subject_kind, service_id AS subject_id
FROM core.incidents
WHERE service_id IS NOT NULL
UNION
SELECT incidents.incident_id, 'team', services.team_id
FROM core.incidents AS incidents
JOIN core.services AS services
    ON services.service_id = incidents.service_id
    AND incidents.created_at_utc >= coalesce(services.valid_from_utc, TIMESTAMP '0001-01-01')
    AND incidents.created_at_utc < coalesce(services.valid_to_utc, TIMESTAMP '9999-12-31')
WHERE services.team_id IS NOT NULL
ORDER BY ALL
