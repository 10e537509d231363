-- One row per pull request and scope: its first production deployment there that was no rollback.
SELECT
    subject_kind,
    subject_id,
    pr_id,
    arg_min(deployment_id, (finished_at_utc, deployment_id)) AS deployment_id,
    min(finished_at_utc) AS deployed_at_utc
FROM (
    SELECT subject_kind, subject_id, deployment_id, finished_at_utc, unnest(pr_ids) AS pr_id
    FROM core.production_deployments
    WHERE kind <> 'rollback'
)
GROUP BY subject_kind, subject_id, pr_id
ORDER BY subject_kind, subject_id, pr_id
