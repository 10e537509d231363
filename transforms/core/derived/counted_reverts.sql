-- One row per revert and scope that took a change back there soon after it was deployed, and does not say that
-- nothing was broken.
SELECT
    carried.subject_kind,
    carried.subject_id,
    reverts.pr_id AS revert_pr_id,
    reverts.reverts_pr_id AS pr_id,
    carried.deployment_id,
    taken_back.deployment_id AS revert_deployment_id,
    taken_back.deployed_at_utc AS reverted_at_utc
FROM core.pull_requests AS reverts
JOIN core.first_deployments AS carried ON carried.pr_id = reverts.reverts_pr_id
JOIN core.first_deployments AS taken_back
    ON taken_back.pr_id = reverts.pr_id
    AND taken_back.subject_kind = carried.subject_kind
    AND taken_back.subject_id = carried.subject_id
    AND taken_back.deployed_at_utc >= carried.deployed_at_utc
    AND taken_back.deployed_at_utc <= carried.deployed_at_utc + to_microseconds($failure_window_us)
WHERE NOT coalesce(reverts.not_a_defect, false)
ORDER BY carried.subject_kind, carried.subject_id, reverts.pr_id
