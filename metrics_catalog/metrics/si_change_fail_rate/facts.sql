-- One row per production deployment and service it went to, and one per team that owned such a service then.
SELECT
    subject_kind,
    subject_id,
    deployment_id || '/failed' AS case_id,
    ref,
    NULL AS contributor_id,
    source_url,
    finished_at_utc AS anchor_at_utc,
    CASE WHEN kind = 'rollback' THEN 'excluded' WHEN is_failed THEN 'failed' ELSE 'fine' END AS outcome,
    CASE
        WHEN kind = 'rollback' THEN 'rollback'
        WHEN is_failed THEN reasons
        WHEN is_suspected THEN 'suspected'
        ELSE 'held'
    END AS why,
    NULL AS amount,
    NULL AS exposure
FROM core.deployment_outcomes
WHERE subject_kind IN ('service', 'team')
