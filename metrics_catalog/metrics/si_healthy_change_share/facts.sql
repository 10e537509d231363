-- One row per pull request and its author, at its first production deployment to a key service; and one more, in no
-- list, where a suspicion would change what became of it.
WITH decided AS (
    SELECT
        firsts.pr_id,
        firsts.deployed_at_utc,
        pulls.ref,
        pulls.source_url,
        pulls.author_id,
        list_unique(deployments.pr_ids) = 1 AS is_alone,
        NOT deployments.is_failed AND deployments.is_suspected AS is_suspected,
        CASE
            WHEN NOT deployments.is_failed AND deployments.is_suspected THEN 'suspected'
            WHEN NOT deployments.is_failed THEN 'held'
            WHEN list_contains(deployments.named_pr_ids, firsts.pr_id) THEN 'named'
            WHEN list_contains(deployments.reverted_pr_ids, firsts.pr_id) THEN 'reverted'
            WHEN list_unique(deployments.pr_ids) = 1 THEN 'only_change'
            WHEN len(deployments.named_pr_ids) > 0 OR len(deployments.reverted_pr_ids) > 0
                THEN 'another_change_named'
            ELSE 'bundle_unattributed'
        END AS why
    FROM core.first_deployments AS firsts
    JOIN core.deployment_outcomes AS deployments
        ON deployments.subject_kind = firsts.subject_kind
        AND deployments.subject_id = firsts.subject_id
        AND deployments.deployment_id = firsts.deployment_id
    JOIN core.pull_requests AS pulls ON pulls.pr_id = firsts.pr_id
    LEFT JOIN core.people AS authors ON authors.person_id = pulls.author_id
    WHERE firsts.subject_kind = 'tiers'
        AND firsts.subject_id = 'key'
        AND pulls.author_id IS NOT NULL
        AND pulls.reverts_pr_id IS NULL
        AND NOT coalesce(authors.is_bot, false)
)

SELECT
    'person' AS subject_kind,
    author_id AS subject_id,
    pr_id || '/held' AS case_id,
    ref,
    author_id AS contributor_id,
    source_url,
    deployed_at_utc AS anchor_at_utc,
    CASE
        WHEN why IN ('named', 'reverted', 'only_change') THEN 'failed'
        WHEN why = 'bundle_unattributed' THEN 'excluded'
        ELSE 'healthy'
    END AS outcome,
    why,
    NULL AS amount,
    NULL AS exposure
FROM decided
UNION ALL
SELECT
    'person',
    author_id,
    pr_id || '/held/if-suspects',
    ref,
    author_id,
    source_url,
    deployed_at_utc,
    CASE WHEN is_alone THEN 'if_failed' ELSE 'if_left_out' END,
    'suspected',
    NULL,
    NULL
FROM decided
WHERE is_suspected
