-- One row per pull request and service or team that it reached in production.
SELECT
    firsts.subject_kind,
    firsts.subject_id,
    firsts.pr_id || '/lead-time' AS case_id,
    pulls.ref,
    NULL AS contributor_id,
    pulls.source_url,
    firsts.deployed_at_utc AS anchor_at_utc,
    CASE
        WHEN firsts.deployed_at_utc < coalesce(pulls.first_commit_at_utc, pulls.created_at_utc) THEN 'excluded'
        ELSE 'deployed'
    END AS outcome,
    CASE
        WHEN firsts.deployed_at_utc < coalesce(pulls.first_commit_at_utc, pulls.created_at_utc) THEN 'negative'
        WHEN pulls.first_commit_at_utc IS NULL THEN 'from_creation'
        ELSE 'from_first_commit'
    END AS why,
    (
        epoch_us(firsts.deployed_at_utc) - epoch_us(coalesce(pulls.first_commit_at_utc, pulls.created_at_utc))
    ) / 3600000000 AS amount,
    NULL AS exposure
FROM core.first_deployments AS firsts
JOIN core.pull_requests AS pulls ON pulls.pr_id = firsts.pr_id
LEFT JOIN core.people AS authors ON authors.person_id = pulls.author_id
WHERE firsts.subject_kind IN ('service', 'team')
    AND pulls.reverts_pr_id IS NULL
    AND NOT coalesce(authors.is_bot, false)
