-- One row per person, incident and month (and team) with engaged time. The exposure is the part that no incident
-- engaged in earlier covers; it adds up to the union.
SELECT
    'person' AS subject_kind,
    engaged.person_id AS subject_id,
    engaged.incident_id || '/engaged/' || engaged.person_id || '/' || epoch_us(engaged.start_at_utc) AS case_id,
    coalesce(incidents.ref, engaged.incident_id) AS ref,
    engaged.person_id AS contributor_id,
    engaged.incident_id || '/engaged/' || engaged.person_id AS cluster_id,
    incidents.source_url,
    engaged.start_at_utc AS anchor_at_utc,
    'engaged' AS outcome,
    'acknowledged' AS why,
    engaged.engaged_us / 3600000000 AS amount,
    engaged.alone_us / 3600000000 AS exposure
FROM core.engagements AS engaged
LEFT JOIN core.incidents AS incidents ON incidents.incident_id = engaged.incident_id
