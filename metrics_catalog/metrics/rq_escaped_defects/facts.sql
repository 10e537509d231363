-- One row per merged pull request and service that it reached in production, and one per team that owned such
-- a service then.
WITH reached AS (
    SELECT subject_kind, subject_id, pr_id, deployed_at_utc AS reached_at_utc
    FROM core.first_deployments
    WHERE subject_kind IN ('service', 'team')
),

-- What was taken back in the same scope, within the window.
reverted AS (
    SELECT DISTINCT reached.subject_kind, reached.subject_id, reached.pr_id
    FROM reached
    JOIN core.pull_requests AS reverts ON reverts.reverts_pr_id = reached.pr_id AND NOT coalesce(reverts.not_a_defect, false)
    JOIN reached AS taken_back
        ON taken_back.subject_kind = reached.subject_kind
        AND taken_back.subject_id = reached.subject_id
        AND taken_back.pr_id = reverts.pr_id
        AND taken_back.reached_at_utc >= reached.reached_at_utc
        AND taken_back.reached_at_utc <= reached.reached_at_utc + to_days($window_days)
),

found AS (
    SELECT
        reached.subject_kind,
        reached.subject_id,
        reached.pr_id,
        bool_or(coalesce(defects.link, 'explicit') <> 'heuristic') AS is_linked,
        bool_or(coalesce(defects.link, 'explicit') = 'heuristic') AS is_suspected
    FROM reached
    JOIN core.defects AS defects
        ON defects.introduced_by_pr_id = reached.pr_id
        AND defects.status = 'confirmed'
        AND defects.found_in = 'production'
        AND defects.reported_at_utc >= reached.reached_at_utc
        AND defects.reported_at_utc <= reached.reached_at_utc + to_days($window_days)
    GROUP BY reached.subject_kind, reached.subject_id, reached.pr_id
),

decided AS (
    SELECT
        reached.*,
        pulls.ref,
        pulls.source_url,
        CASE
            WHEN NOT coalesce(approved.approved_at_utc <= pulls.merged_at_utc, false) THEN 'not_reviewed'
            WHEN found.is_linked THEN 'defect'
            WHEN reverted.pr_id IS NOT NULL THEN 'reverted'
            WHEN found.is_suspected THEN 'suspected'
            ELSE 'no_defect'
        END AS why
    FROM reached
    JOIN core.pull_requests AS pulls ON pulls.pr_id = reached.pr_id
    LEFT JOIN core.people AS authors ON authors.person_id = pulls.author_id
    LEFT JOIN core.approvals AS approved ON approved.pr_id = reached.pr_id
    LEFT JOIN reverted
        ON reverted.subject_kind = reached.subject_kind
        AND reverted.subject_id = reached.subject_id
        AND reverted.pr_id = reached.pr_id
    LEFT JOIN found
        ON found.subject_kind = reached.subject_kind
        AND found.subject_id = reached.subject_id
        AND found.pr_id = reached.pr_id
    WHERE pulls.merged_at_utc IS NOT NULL
        AND pulls.merged_to_default_branch
        AND pulls.reverts_pr_id IS NULL
        AND NOT coalesce(authors.is_bot, false)
)

SELECT
    subject_kind,
    subject_id,
    pr_id || '/reached-production' AS case_id,
    ref,
    NULL AS contributor_id,
    source_url,
    reached_at_utc AS anchor_at_utc,
    CASE
        WHEN why = 'not_reviewed' THEN 'excluded'
        WHEN why IN ('defect', 'reverted') THEN 'escaped'
        ELSE 'clean'
    END AS outcome,
    why,
    NULL AS amount,
    NULL AS exposure
FROM decided
