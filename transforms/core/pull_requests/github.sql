-- One row per pull request. Names of repositories and default branches change; every one ever seen counts.
WITH first_authors AS (
    -- A deleted account is null from then on, for old rows too; who it was is kept as first seen.
    SELECT pull_request_id, arg_min(author_account_id, (_load, _page)) AS account_id
    FROM landing.github__pull_requests__versions
    WHERE author_account_id IS NOT NULL
    GROUP BY pull_request_id
),

-- GitHub has no field for it: opened as a draft if the first change was to ready, or if there was none and
-- it is one now.
first_changes AS (
    SELECT pull_request_id, arg_min(type, (occurred_at_utc, event_id)) AS type
    FROM landing.github__pull_request_events
    WHERE type IN ('ready_for_review', 'converted_to_draft')
    GROUP BY pull_request_id
),

touched AS (
    SELECT
        pulls.pull_request_id,
        list(DISTINCT services.service_id ORDER BY services.service_id) AS service_ids
    FROM landing.github__pull_requests AS pulls
    JOIN landing.github__name_holders AS names
        ON names.repository_id = pulls.repository_id
        AND (names.until_utc IS NULL OR coalesce(pulls.merged_at_utc, pulls.created_at_utc) < names.until_utc)
    JOIN core.services AS services
        ON lower(services.repository) = names.name
        AND (services.label IS NULL OR list_contains(pulls.labels, services.label))
        AND coalesce(pulls.merged_at_utc, pulls.created_at_utc)
            >= coalesce(services.valid_from_utc, TIMESTAMP '0001-01-01')
        AND coalesce(pulls.merged_at_utc, pulls.created_at_utc)
            < coalesce(services.valid_to_utc, TIMESTAMP '9999-12-31')
    GROUP BY pulls.pull_request_id
),

fixed AS (
    SELECT
        named.pull_request_id,
        list(DISTINCT pull_request_id_named ORDER BY pull_request_id_named) AS pr_ids
    FROM (
        SELECT
            named.pull_request_id,
            coalesce(
                CASE WHEN list_contains(known_names.repositories, named.repository_id) THEN named.repository_id END,
                known_names.repository_id,
                'github:' || split_part(named.ref, '#', 1)
            )
                || '/pull/' || split_part(named.ref, '#', 2) AS pull_request_id_named
        FROM (
            SELECT pull_request_id, repository_id, unnest(fixes_refs) AS ref FROM landing.github__pull_requests
        ) AS named
        LEFT JOIN landing.github__known_names AS known_names
            ON known_names.name = lower(split_part(named.ref, '#', 1))
    ) AS named
    WHERE named.pull_request_id_named <> named.pull_request_id
    GROUP BY named.pull_request_id
)

SELECT
    pulls.pull_request_id AS pr_id,
    repositories.name_with_owner || '#' || pulls.number AS ref,
    pulls.title,
    pulls.source_url,
    pulls.repository_id,
    coalesce(holders.person_id, pulls.author_account_id, first_authors.account_id) AS author_id,
    pulls.created_at_utc,
    pulls.first_commit_at_utc,
    coalesce(first_changes.type = 'ready_for_review', pulls.is_draft) AS draft_at_creation,
    pulls.merged_at_utc,
    lower(pulls.merge_commit_oid) AS merge_commit_oid,
    pulls.closed_at_utc,
    EXISTS (
        FROM landing.github__default_branches AS branches
        WHERE branches.repository_id = pulls.repository_id
            AND branches.default_branch = pulls.base_branch
            AND (branches.before_utc IS NULL OR pulls.merged_at_utc < branches.before_utc)
    ) AS merged_to_default_branch,
    coalesce(touched.service_ids, []) AS service_ids,
    CASE
        WHEN pulls.reverts_ref IS NOT NULL
            THEN coalesce(
                CASE WHEN list_contains(reverted.repositories, pulls.repository_id) THEN pulls.repository_id END,
                reverted.repository_id,
                'github:' || split_part(pulls.reverts_ref, '#', 1)
            )
                || '/pull/' || split_part(pulls.reverts_ref, '#', 2)
    END AS reverts_pr_id,
    coalesce(fixed.pr_ids, []) AS fixes_pr_ids,
    coalesce(pulls.incident_urls, []) AS incident_urls,
    pulls.reverts_ref IS NOT NULL AND list_has_any(pulls.labels, $not_a_defect_labels) AS not_a_defect
FROM landing.github__pull_requests AS pulls
LEFT JOIN landing.github__repositories AS repositories ON repositories.repository_id = pulls.repository_id
LEFT JOIN first_authors ON first_authors.pull_request_id = pulls.pull_request_id
LEFT JOIN identities AS holders
    ON holders.account_id = coalesce(pulls.author_account_id, first_authors.account_id)
    AND pulls.created_at_utc >= holders.from_utc
    AND pulls.created_at_utc < holders.to_utc
LEFT JOIN first_changes ON first_changes.pull_request_id = pulls.pull_request_id
LEFT JOIN fixed ON fixed.pull_request_id = pulls.pull_request_id
LEFT JOIN touched ON touched.pull_request_id = pulls.pull_request_id
LEFT JOIN landing.github__known_names AS reverted ON reverted.name = lower(split_part(pulls.reverts_ref, '#', 1))
