-- One row per repository and branch that is or was its default: every one ever seen counts, and before the first
-- merge to one of those, one more.
--
-- GitHub keeps the old name on what was merged before a default branch was renamed, and tells nobody that name. So
-- before the first merge to a branch that is known to be the default, it was the branch that most pull requests
-- were merged to.
WITH known AS (
    SELECT DISTINCT repository_id, default_branch
    FROM landing.github__repositories__versions
    WHERE default_branch IS NOT NULL
),

first_known_merges AS (
    SELECT pulls.repository_id, min(pulls.merged_at_utc) AS merged_at_utc
    FROM landing.github__pull_requests AS pulls
    JOIN known ON known.repository_id = pulls.repository_id AND known.default_branch = pulls.base_branch
    GROUP BY pulls.repository_id
),

earlier AS (
    SELECT
        pulls.repository_id,
        pulls.base_branch,
        coalesce(first_known_merges.merged_at_utc, TIMESTAMP '9999-12-31') AS before_utc,
        count(*) AS n
    FROM landing.github__pull_requests AS pulls
    LEFT JOIN first_known_merges ON first_known_merges.repository_id = pulls.repository_id
    WHERE pulls.merged_at_utc < coalesce(first_known_merges.merged_at_utc, TIMESTAMP '9999-12-31')
    GROUP BY pulls.repository_id, pulls.base_branch, first_known_merges.merged_at_utc
)

SELECT repository_id, default_branch, NULL AS before_utc FROM known
UNION ALL
SELECT earlier.repository_id, earlier.base_branch, earlier.before_utc
FROM earlier
WHERE NOT EXISTS (
    FROM earlier AS other
    WHERE other.repository_id = earlier.repository_id
        AND (other.n > earlier.n OR (other.n = earlier.n AND other.base_branch > earlier.base_branch))
)
