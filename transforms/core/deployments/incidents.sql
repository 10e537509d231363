-- One row per deployment of the tables of other tools. Services and pull requests are named as in the services
-- file and at their source.
WITH known AS (
    SELECT lower(service_id) AS name, any_value(service_id) AS service_id FROM core.services GROUP BY name
),

services AS (
    SELECT
        named.deployment_id,
        list(DISTINCT coalesce(known.service_id, named.service) ORDER BY coalesce(known.service_id, named.service))
            AS service_ids
    FROM (SELECT deployment_id, unnest(services) AS service FROM landing.incidents__deployments) AS named
    LEFT JOIN known ON known.name = lower(named.service)
    GROUP BY named.deployment_id
),

contents AS (
    SELECT named.deployment_id, list(DISTINCT pulls.pr_id ORDER BY pulls.pr_id) AS pr_ids
    FROM (SELECT deployment_id, lower(unnest(changes)) AS change FROM landing.incidents__deployments) AS named
    JOIN core.pull_requests AS pulls ON lower(pulls.ref) = named.change
    GROUP BY named.deployment_id
)

SELECT
    'incidents:' || rows.deployment_id AS deployment_id,
    rows.deployment_id AS ref,
    rows.source_url,
    coalesce(services.service_ids, []) AS service_ids,
    rows.environment,
    rows.status,
    rows.finished_at_utc,
    rows.kind,
    coalesce(contents.pr_ids, []) AS pr_ids,
    'incidents:' || rows.repairs AS remediates_deployment_id,
    rows.deployment_id AS version
FROM landing.incidents__deployments AS rows
LEFT JOIN services ON services.deployment_id = rows.deployment_id
LEFT JOIN contents ON contents.deployment_id = rows.deployment_id
