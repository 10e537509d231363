-- One row per interruption of a person on call; pooled into the person's team.
SELECT
    'person' AS subject_kind,
    interruptions.person_id AS subject_id,
    interruptions.case_id,
    coalesce(incidents.ref, interruptions.incident_id) AS ref,
    interruptions.person_id AS contributor_id,
    incidents.source_url,
    interruptions.started_at_utc AS anchor_at_utc,
    interruptions.band AS outcome,
    interruptions.person_id AS why,
    NULL AS amount,
    NULL AS exposure
FROM core.interruptions AS interruptions
LEFT JOIN core.incidents AS incidents ON incidents.incident_id = interruptions.incident_id
