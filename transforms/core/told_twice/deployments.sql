-- A service whose deployments a table tells is not told by GitHub as well, from the table's first one on: what came by
-- both ways would count twice. One that went to nothing else stays, under an environment that counts nowhere.
UPDATE conformed.deployments AS own
SET
    service_ids = list_filter(own.service_ids, lambda service: NOT list_contains(twice.service_ids, service)),
    environment = CASE
        WHEN list_has_all(twice.service_ids, own.service_ids) THEN 'told by the table of deployments'
        ELSE own.environment
    END
FROM (
    SELECT ours.deployment_id, list(DISTINCT ours.service_id) AS service_ids
    FROM (
        SELECT deployment_id, finished_at_utc, unnest(service_ids) AS service_id
        FROM conformed.deployments
        WHERE starts_with(deployment_id, 'github:') AND environment = 'production'
    ) AS ours
    JOIN (
        SELECT service_id, min(finished_at_utc) AS since_utc
        FROM (
            SELECT finished_at_utc, unnest(service_ids) AS service_id
            FROM conformed.deployments
            WHERE starts_with(deployment_id, 'incidents:') AND environment = 'production' AND status = 'success'
        )
        GROUP BY service_id
    ) AS told
        ON told.service_id = ours.service_id AND ours.finished_at_utc >= told.since_utc
    GROUP BY ours.deployment_id
) AS twice
WHERE twice.deployment_id = own.deployment_id
