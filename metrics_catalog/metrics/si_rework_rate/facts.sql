-- One row per production deployment and service or team: planned, or made to repair something.
SELECT
    deployments.subject_kind,
    deployments.subject_id,
    deployments.deployment_id || '/rework' AS case_id,
    deployments.ref,
    NULL AS contributor_id,
    deployments.source_url,
    deployments.finished_at_utc AS anchor_at_utc,
    CASE
        WHEN deployments.kind IN ('hotfix', 'rollback') OR reverts.revert_deployment_id IS NOT NULL THEN 'rework'
        ELSE 'planned'
    END AS outcome,
    CASE
        WHEN deployments.kind IN ('hotfix', 'rollback') THEN deployments.kind
        WHEN reverts.revert_deployment_id IS NOT NULL THEN 'revert'
        ELSE 'normal'
    END AS why,
    NULL AS amount,
    NULL AS exposure
FROM core.production_deployments AS deployments
LEFT JOIN (
    SELECT DISTINCT subject_kind, subject_id, revert_deployment_id FROM core.counted_reverts
) AS reverts
    ON reverts.subject_kind = deployments.subject_kind
    AND reverts.subject_id = deployments.subject_id
    AND reverts.revert_deployment_id = deployments.deployment_id
WHERE deployments.subject_kind IN ('service', 'team')
