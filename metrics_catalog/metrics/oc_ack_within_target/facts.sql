-- One row per page: a responder's first assignment to an incident.
SELECT
    'person' AS subject_kind,
    pages.person_id AS subject_id,
    pages.case_id,
    incidents.ref,
    pages.person_id AS contributor_id,
    incidents.source_url,
    pages.assigned_at_utc AS anchor_at_utc,
    pages.outcome,
    pages.why,
    CASE WHEN pages.why NOT IN ('low_urgency', 'not_on_call') THEN pages.waited_us / 60000000 END AS amount,
    NULL AS exposure
FROM core.pages AS pages
JOIN core.incidents AS incidents ON incidents.incident_id = pages.incident_id
