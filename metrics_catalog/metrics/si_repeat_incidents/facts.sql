-- One row per major incident and service or team: did its cause come back within the window?
WITH major AS (
    SELECT *
    FROM core.incidents
    WHERE is_major AND merged_into IS NULL
),

repeats AS (
    SELECT DISTINCT again.incident_id
    FROM major AS again
    JOIN major AS before
        ON before.service_id = again.service_id
        AND before.cause_key = again.cause_key
        AND (before.created_at_utc, before.incident_id) < (again.created_at_utc, again.incident_id)
        AND before.created_at_utc >= again.created_at_utc - to_days($window_days)
)

SELECT
    scopes.subject_kind,
    scopes.subject_id,
    incidents.incident_id || '/repeat' AS case_id,
    coalesce(incidents.ref, incidents.incident_id) AS ref,
    NULL AS contributor_id,
    incidents.source_url,
    incidents.created_at_utc AS anchor_at_utc,
    CASE
        WHEN incidents.merged_into IS NOT NULL OR incidents.cause_key IS NULL THEN 'excluded'
        WHEN repeats.incident_id IS NOT NULL THEN 'repeat'
        ELSE 'new'
    END AS outcome,
    CASE
        WHEN incidents.merged_into IS NOT NULL THEN 'merged'
        WHEN incidents.cause_key IS NULL THEN 'no_cause_key'
        WHEN repeats.incident_id IS NOT NULL THEN 'same_cause'
        ELSE 'new_cause'
    END AS why,
    NULL AS amount,
    NULL AS exposure
FROM core.incidents AS incidents
JOIN core.service_scopes AS scopes
    ON scopes.service_id = incidents.service_id
    AND scopes.subject_kind IN ('service', 'team')
    AND incidents.created_at_utc >= scopes.from_utc
    AND incidents.created_at_utc < scopes.to_utc
LEFT JOIN repeats ON repeats.incident_id = incidents.incident_id
WHERE incidents.is_major
