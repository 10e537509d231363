-- One row per production deployment and scope: did it have to be repaired at once (metrics specification 2.11)?
WITH incidents AS (
    SELECT incident_id, service_id, created_at_utc, resolved_at_utc
    FROM core.incidents
    WHERE urgency = 'high' AND merged_into IS NULL
),

-- Counted: named, or a suspicion that somebody confirmed. Suspected: nobody has said otherwise, nor named another.
links AS (
    SELECT
        incident_id,
        deployment_id,
        pr_id,
        source IN ('explicit', 'confirmed') OR coalesce(answer = 'yes', false) AS is_counted
    FROM core.incident_causes
    WHERE source IN ('explicit', 'confirmed') OR coalesce(answer, 'unknown') IN ('yes', 'unknown')
    QUALIFY is_counted OR NOT bool_or(is_counted) OVER (PARTITION BY incident_id)
),

-- An incident of a service that the deployment went to counts for that service alone; one downstream for all.
linked AS (
    SELECT
        deployments.subject_kind,
        deployments.subject_id,
        deployments.deployment_id,
        bool_or(links.is_counted) AS has_incident,
        bool_or(NOT links.is_counted) AS has_suspect,
        min(incidents.created_at_utc) FILTER (WHERE links.is_counted) AS began_at_utc,
        max(incidents.resolved_at_utc) FILTER (WHERE links.is_counted) AS resolved_at_utc,
        coalesce(bool_or(incidents.resolved_at_utc IS NULL) FILTER (WHERE links.is_counted), false) AS is_open,
        list(DISTINCT links.pr_id) FILTER (WHERE links.is_counted AND links.pr_id IS NOT NULL) AS named_pr_ids,
        list(DISTINCT incidents.incident_id ORDER BY incidents.incident_id) FILTER (WHERE links.is_counted)
            AS incident_ids,
        list(DISTINCT incidents.incident_id ORDER BY incidents.incident_id) FILTER (WHERE NOT links.is_counted)
            AS suspect_incident_ids
    FROM core.production_deployments AS deployments
    JOIN links ON links.deployment_id = deployments.deployment_id
    JOIN incidents ON incidents.incident_id = links.incident_id
    WHERE incidents.created_at_utc >= deployments.finished_at_utc
        AND incidents.created_at_utc <= deployments.finished_at_utc + to_microseconds($failure_window_us)
        AND (
            list_contains(deployments.scope_service_ids, incidents.service_id)
            OR NOT list_contains(deployments.service_ids, incidents.service_id)
        )
    GROUP BY deployments.subject_kind, deployments.subject_id, deployments.deployment_id
),

remedies AS (
    SELECT
        failed.deployment_id,
        bool_or(remedies.kind = 'hotfix') AS has_hotfix,
        bool_or(remedies.kind = 'rollback') AS has_rollback,
        min(remedies.finished_at_utc) AS remedied_at_utc,
        list_distinct(flatten(list(coalesce(remedies.names_pr_ids, [])))) AS named_pr_ids
    FROM core.deployments AS failed
    JOIN core.deployments AS remedies
        ON remedies.remediates_deployment_id = failed.deployment_id
        AND remedies.kind IN ('hotfix', 'rollback')
        AND remedies.environment = 'production'
        AND remedies.status = 'success'
        AND remedies.finished_at_utc >= failed.finished_at_utc
        AND remedies.finished_at_utc <= failed.finished_at_utc + to_microseconds($failure_window_us)
    GROUP BY failed.deployment_id
),

reverts AS (
    SELECT
        subject_kind,
        subject_id,
        deployment_id,
        min(reverted_at_utc) AS remedied_at_utc,
        list(DISTINCT pr_id ORDER BY pr_id) AS reverted_pr_ids
    FROM core.counted_reverts
    GROUP BY subject_kind, subject_id, deployment_id
),

gathered AS (
    SELECT
        deployments.*,
        coalesce(linked.has_incident, false) AS has_incident,
        coalesce(linked.has_suspect, false) AS has_suspect,
        coalesce(remedies.has_hotfix, false) AS has_hotfix,
        coalesce(remedies.has_rollback, false) AS has_rollback,
        reverts.deployment_id IS NOT NULL AS has_revert,
        linked.began_at_utc,
        linked.resolved_at_utc,
        coalesce(linked.is_open, false) AS is_open,
        least(remedies.remedied_at_utc, reverts.remedied_at_utc) AS remedied_at_utc,
        coalesce(linked.incident_ids, []) AS incident_ids,
        coalesce(linked.suspect_incident_ids, []) AS suspect_incident_ids,
        coalesce(reverts.reverted_pr_ids, []) AS reverted_pr_ids,
        list_concat(coalesce(linked.named_pr_ids, []), coalesce(remedies.named_pr_ids, [])) AS named_pr_ids
    FROM core.production_deployments AS deployments
    LEFT JOIN linked
        ON linked.subject_kind = deployments.subject_kind
        AND linked.subject_id = deployments.subject_id
        AND linked.deployment_id = deployments.deployment_id
    LEFT JOIN remedies ON remedies.deployment_id = deployments.deployment_id
    LEFT JOIN reverts
        ON reverts.subject_kind = deployments.subject_kind
        AND reverts.subject_id = deployments.subject_id
        AND reverts.deployment_id = deployments.deployment_id
)

SELECT
    subject_kind,
    subject_id,
    deployment_id,
    ref,
    source_url,
    finished_at_utc,
    kind,
    pr_ids,
    has_incident OR has_hotfix OR has_rollback OR has_revert AS is_failed,
    concat_ws(
        '+',
        CASE WHEN has_incident THEN 'incident' END,
        CASE WHEN has_hotfix THEN 'hotfix' END,
        CASE WHEN has_rollback THEN 'rollback' END,
        CASE WHEN has_revert THEN 'revert' END
    ) AS reasons,
    has_suspect AND NOT (has_incident OR has_hotfix OR has_rollback OR has_revert) AS is_suspected,
    CASE WHEN has_incident THEN began_at_utc ELSE finished_at_utc END AS began_at_utc,
    CASE WHEN has_incident THEN CASE WHEN NOT is_open THEN resolved_at_utc END ELSE remedied_at_utc END
        AS recovered_at_utc,
    incident_ids,
    suspect_incident_ids,
    reverted_pr_ids,
    list_sort(list_distinct(named_pr_ids)) AS named_pr_ids
FROM gathered
ORDER BY subject_kind, subject_id, finished_at_utc, deployment_id
