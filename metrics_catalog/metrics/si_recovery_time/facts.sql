-- One row per failed production deployment and service or team: from the first counted incident to the last one's
-- resolution; without an incident, from the deployment to its first remedy. Suspected ones stand beside them.
SELECT
    subject_kind,
    subject_id,
    deployment_id || '/recovery' AS case_id,
    ref,
    NULL AS contributor_id,
    source_url,
    finished_at_utc AS anchor_at_utc,
    CASE
        WHEN NOT is_failed THEN 'suspected'
        WHEN recovered_at_utc IS NULL THEN 'open'
        ELSE 'recovered'
    END AS outcome,
    CASE
        WHEN NOT is_failed THEN 'suspected'
        WHEN recovered_at_utc IS NULL THEN 'still_open'
        ELSE reasons
    END AS why,
    CASE
        WHEN is_failed
            THEN (epoch_us(coalesce(recovered_at_utc, $as_of_utc)) - epoch_us(began_at_utc)) / 3600000000
    END AS amount,
    NULL AS exposure
FROM core.deployment_outcomes
WHERE subject_kind IN ('service', 'team')
    AND kind <> 'rollback'
    AND (is_failed OR is_suspected)
