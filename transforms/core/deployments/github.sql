-- One row per deployment. A deployment contains what was merged after the commit of the successful production
-- deployment before it, up to its own commit; of the first one that is known, only what brought its commit is sure.
-- The same commit deployed again contains nothing, and is of the services it was of.
WITH names AS (
    SELECT DISTINCT repository_id, lower(name_with_owner) AS name FROM landing.github__repositories__versions
),

-- Where a rule says that releases or tags tell what reached production, they do, and nothing else.
rules AS (
    SELECT
        row_number() OVER () AS place,
        lower(parts[1]) AS repository,
        parts[2] AS told_by,
        parts[3] AS pattern,
        lower(parts[4]) AS service
    FROM (SELECT string_split(unnest($release_rules), chr(9)) AS parts)
    WHERE len(parts) = 4
),

chosen AS (
    SELECT deployments.*
    FROM (
        SELECT
            *,
            CASE
                WHEN starts_with(deployment_id, 'github:release/') THEN 'releases'
                WHEN starts_with(deployment_id, 'github:tag/') THEN 'tags'
                ELSE 'deployments'
            END AS told_by
        FROM landing.github__deployments
    ) AS deployments
    LEFT JOIN (
        SELECT names.repository_id, any_value(rules.told_by) AS told_by
        FROM rules
        JOIN names ON names.name = rules.repository
        GROUP BY names.repository_id
    ) AS wanted
        ON wanted.repository_id = deployments.repository_id
    WHERE deployments.told_by = coalesce(wanted.told_by, 'deployments')
),

released AS (
    SELECT chosen.deployment_id, arg_min(rules.service, rules.place) AS service
    FROM chosen
    JOIN names ON names.repository_id = chosen.repository_id
    JOIN rules ON rules.repository = names.name AND chosen.name GLOB rules.pattern
    GROUP BY chosen.deployment_id
),

-- production, or production with the name of a service before or after it: then it is of that service alone.
placed AS (
    SELECT
        deployments.*,
        repositories.source_url AS repository_url,
        repositories.name_with_owner,
        CASE WHEN released.deployment_id IS NOT NULL THEN 'production' ELSE matching.environment END AS matched,
        trim(
            CASE
                WHEN released.deployment_id IS NOT NULL THEN released.service
                WHEN starts_with(lower(deployments.environment), matching.environment)
                    THEN substr(lower(deployments.environment), length(matching.environment) + 1)
                ELSE left(lower(deployments.environment), -length(matching.environment))
            END,
            '-_/ .:'
        ) AS named
    FROM chosen AS deployments
    LEFT JOIN released ON released.deployment_id = deployments.deployment_id
    LEFT JOIN landing.github__repositories AS repositories
        ON repositories.repository_id = deployments.repository_id
    LEFT JOIN (SELECT lower(unnest($deployment_environments)) AS environment) AS matching
        ON lower(deployments.environment) = matching.environment
        OR starts_with(lower(deployments.environment), matching.environment)
        OR ends_with(lower(deployments.environment), matching.environment)
    WHERE deployments.name IS NULL OR released.deployment_id IS NOT NULL
    QUALIFY row_number() OVER (
        PARTITION BY deployments.deployment_id ORDER BY length(matching.environment) DESC NULLS LAST
    ) = 1
),

owned AS (
    SELECT
        placed.deployment_id,
        list(DISTINCT services.service_id) AS service_ids,
        list(DISTINCT services.service_id) FILTER (WHERE services.label IS NULL) AS whole_service_ids,
        list(DISTINCT services.service_id) FILTER (WHERE lower(services.service_id) = placed.named) AS named_ids
    FROM placed
    JOIN landing.github__name_holders AS names
        ON names.repository_id = placed.repository_id
        AND (names.until_utc IS NULL OR coalesce(placed.finished_at_utc, placed.created_at_utc) < names.until_utc)
    JOIN core.services AS services
        ON lower(services.repository) = names.name
        AND coalesce(placed.finished_at_utc, placed.created_at_utc)
            >= coalesce(services.valid_from_utc, TIMESTAMP '0001-01-01')
        AND coalesce(placed.finished_at_utc, placed.created_at_utc)
            < coalesce(services.valid_to_utc, TIMESTAMP '9999-12-31')
    GROUP BY placed.deployment_id
),

known AS (
    SELECT
        placed.*,
        coalesce(owned.service_ids, []) AS repository_service_ids,
        coalesce(owned.whole_service_ids, []) AS whole_service_ids,
        coalesce(owned.named_ids, []) AS named_ids,
        CASE
            WHEN placed.matched IS NOT NULL AND (placed.named = '' OR len(coalesce(owned.named_ids, [])) > 0)
                THEN 'production'
            ELSE coalesce(nullif(placed.environment, ''), 'a service that is not in the services file')
        END AS conformed_environment,
        placed.finished_at_utc IS NOT NULL AND placed.finished_at_utc <= $as_of_utc AND placed.state = 'success'
            AS is_success
    FROM placed
    LEFT JOIN owned ON owned.deployment_id = placed.deployment_id
),

-- One succession of deployments for each repository, or for each service that has environments of its own.
successions AS (
    SELECT
        *,
        repository_id || ' ' || CASE WHEN len(named_ids) > 0 THEN named ELSE '' END AS succession
    FROM known
),

successes AS (
    SELECT
        deployment_id,
        lag(deployment_id) OVER before AS deployment_id_before,
        lag(change_at_utc) OVER before AS change_at_before_utc,
        lag(change_at_utc) OVER before IS NOT NULL AS has_one_before,
        commit_oid <> '' AND commit_oid = lag(commit_oid) OVER before AS is_again,
        change_at_utc < lag(change_at_utc) OVER before AND EXISTS (
            FROM successions AS earlier
            WHERE earlier.succession = successions.succession
                AND earlier.commit_oid = successions.commit_oid
                AND earlier.conformed_environment = 'production'
                AND earlier.is_success
                AND earlier.finished_at_utc < successions.finished_at_utc
        ) AS goes_back
    FROM successions
    WHERE conformed_environment = 'production' AND is_success
    WINDOW before AS (PARTITION BY succession ORDER BY finished_at_utc, deployment_id)
),

carried AS (
    SELECT
        successions.deployment_id,
        pulls.pr_id,
        pulls.service_ids,
        pulls.fixes_pr_ids,
        pulls.is_hotfix,
        coalesce(successes.is_again, false) AS is_again
    FROM successions
    JOIN successes ON successes.deployment_id = successions.deployment_id
    JOIN (
        SELECT
            pulls.*,
            coalesce(
                list_has_any(list_transform(landed.labels, lambda label: lower(label)), ['hotfix', 'hot-fix']), false
            ) AS is_hotfix
        FROM core.pull_requests AS pulls
        LEFT JOIN landing.github__pull_requests AS landed ON landed.pull_request_id = pulls.pr_id
        WHERE pulls.merged_at_utc IS NOT NULL
    ) AS pulls
        ON pulls.repository_id = successions.repository_id
        AND (
            (
                pulls.merged_to_default_branch
                AND successes.has_one_before
                AND pulls.merged_at_utc > successes.change_at_before_utc
                AND pulls.merged_at_utc <= successions.change_at_utc
            )
            OR (
                pulls.pr_id = successions.repository_id || '/pull/' || successions.change_number
                AND NOT coalesce(successes.goes_back, false)
            )
        )
),

-- A service that shares its repository, and is told apart by a label, is deployed when a change of it is.
contents AS (
    SELECT
        successions.deployment_id,
        list(DISTINCT carried.pr_id ORDER BY carried.pr_id) FILTER (WHERE NOT carried.is_again) AS pr_ids,
        list_distinct(flatten(list(carried.service_ids))) AS changed_service_ids,
        coalesce(bool_or(carried.is_hotfix AND NOT carried.is_again), false) AS is_hotfix
    FROM successions
    JOIN carried
        ON carried.deployment_id = successions.deployment_id
        AND (len(successions.named_ids) = 0 OR list_has_any(carried.service_ids, successions.named_ids))
    GROUP BY successions.deployment_id
),

-- A hotfix whose text says what it fixes names the last deployment before it that carried that change.
mended AS (
    SELECT
        fixes.deployment_id,
        list(DISTINCT fixes.fixed_pr_id ORDER BY fixes.fixed_pr_id) AS pr_ids,
        arg_max(earlier.deployment_id, (earlier.finished_at_utc, earlier.deployment_id)) AS mended_deployment_id
    FROM (
        SELECT deployment_id, unnest(fixes_pr_ids) AS fixed_pr_id FROM carried WHERE is_hotfix AND NOT is_again
    ) AS fixes
    JOIN successions AS own ON own.deployment_id = fixes.deployment_id
    JOIN carried ON carried.pr_id = fixes.fixed_pr_id AND NOT carried.is_again
    JOIN successions AS earlier
        ON earlier.deployment_id = carried.deployment_id
        AND earlier.succession = own.succession
        AND earlier.finished_at_utc < own.finished_at_utc
    GROUP BY fixes.deployment_id
)

SELECT
    successions.deployment_id,
    coalesce(successions.name_with_owner, successions.repository_id)
        || coalesce(' ' || successions.name, ' deployment ' || split_part(successions.deployment_id, '/', 2)) AS ref,
    coalesce(successions.source_url, successions.repository_url || '/deployments') AS source_url,
    list_sort(
        CASE
            WHEN len(successions.named_ids) > 0 THEN successions.named_ids
            WHEN len(list_intersect(coalesce(contents.changed_service_ids, []), successions.repository_service_ids)) > 0
                THEN list_distinct(
                    list_concat(
                        successions.whole_service_ids,
                        list_intersect(contents.changed_service_ids, successions.repository_service_ids)
                    )
                )
            WHEN len(successions.whole_service_ids) > 0 THEN successions.whole_service_ids
            ELSE successions.repository_service_ids
        END
    ) AS service_ids,
    successions.conformed_environment AS environment,
    successions.state AS status,
    successions.finished_at_utc,
    nullif(lower(successions.commit_oid), '') AS commit_oid,
    coalesce(successions.name, successions.version) AS version,
    CASE
        WHEN successions.kind <> 'normal' THEN successions.kind
        WHEN successes.goes_back THEN 'rollback'
        WHEN contents.is_hotfix THEN 'hotfix'
        ELSE 'normal'
    END AS kind,
    coalesce(contents.pr_ids, []) AS pr_ids,
    coalesce(
        successions.repairs_id,
        CASE WHEN successions.kind = 'rollback' OR successes.goes_back THEN successes.deployment_id_before END,
        mended.mended_deployment_id
    ) AS remediates_deployment_id,
    coalesce(mended.pr_ids, []) AS names_pr_ids
FROM successions
LEFT JOIN successes ON successes.deployment_id = successions.deployment_id
LEFT JOIN contents ON contents.deployment_id = successions.deployment_id
LEFT JOIN mended ON mended.deployment_id = successions.deployment_id
WHERE successions.finished_at_utc IS NOT NULL
