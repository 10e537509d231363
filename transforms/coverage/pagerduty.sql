-- One row per assignment of a high-urgency incident to somebody.
SELECT log.occurred_at_utc AS at_utc, log.to_user_id AS person_id, true AS is_asked
FROM core.incident_log AS log
JOIN core.incidents AS incidents ON incidents.incident_id = log.incident_id
WHERE starts_with(log.incident_id, 'pagerduty:')
    AND incidents.urgency = 'high'
    AND log.type IN ('assign', 'escalate', 'reassign')
    AND log.to_user_id IS NOT NULL
