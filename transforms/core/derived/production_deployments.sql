-- One row per successful production deployment and scope with a service it went to.
SELECT
    scopes.subject_kind,
    scopes.subject_id,
    deployments.deployment_id,
    any_value(coalesce(deployments.ref, deployments.deployment_id)) AS ref,
    any_value(deployments.source_url) AS source_url,
    any_value(deployments.finished_at_utc) AS finished_at_utc,
    any_value(coalesce(deployments.kind, 'normal')) AS kind,
    any_value(coalesce(deployments.pr_ids, [])) AS pr_ids,
    any_value(deployments.service_ids) AS service_ids,
    list(DISTINCT scopes.service_id ORDER BY scopes.service_id) AS scope_service_ids
FROM core.deployments AS deployments
JOIN core.service_scopes AS scopes
    ON list_contains(deployments.service_ids, scopes.service_id)
    AND deployments.finished_at_utc >= scopes.from_utc
    AND deployments.finished_at_utc < scopes.to_utc
WHERE deployments.environment = 'production' AND deployments.status = 'success'
GROUP BY scopes.subject_kind, scopes.subject_id, deployments.deployment_id
ORDER BY scopes.subject_kind, scopes.subject_id, finished_at_utc, deployments.deployment_id
