-- One row per defect. The change that brought it is named by the ticket: with words that say so, or by a link to
-- the ticket of that change, if one merged pull request alone names that ticket in its title. Two names are none.
WITH marked AS (
    SELECT
        landed.ticket_id,
        list_contains(landed.marks, 'production_defect') AS is_in_production,
        lower(landed.resolution) AS resolution
    FROM landing.jira__tickets AS landed
    WHERE list_has_any(landed.marks, ['defect', 'production_defect'])
),

implementing AS (
    SELECT pulls.pr_id, unnest(list_distinct(regexp_extract_all(pulls.title, '[A-Z][A-Z0-9_]+-\d+'))) AS ref
    FROM core.pull_requests AS pulls
    WHERE pulls.merged_at_utc IS NOT NULL AND pulls.reverts_pr_id IS NULL
),

named AS (
    SELECT named.ticket_id, pulls.pr_id
    FROM core.ticket_references AS named
    JOIN core.pull_requests AS pulls ON lower(pulls.ref) = named.names
    WHERE named.is_cause
    UNION
    -- a commit names the change that was merged as it, if it is one alone
    SELECT named.ticket_id, any_value(pulls.pr_id)
    FROM core.ticket_references AS named
    JOIN core.pull_requests AS pulls
        ON left(pulls.merge_commit_oid, 7) = left(named.names, 7)
        AND starts_with(pulls.merge_commit_oid, named.names)
    WHERE named.is_cause AND regexp_full_match(named.names, '[0-9a-f]{7,40}')
    GROUP BY named.ticket_id, named.names
    HAVING count(DISTINCT pulls.merge_commit_oid) = 1
    UNION
    SELECT links.ticket_id, implementing.pr_id
    FROM core.ticket_links AS links
    JOIN core.tickets AS others ON others.ticket_id = links.other_ticket_id
    JOIN implementing ON implementing.ref = others.ref
    WHERE regexp_matches(lower(links.relation), '^(is )?(caused|broken|introduced) by$|^(is )?regression of$')
),

causes AS (
    SELECT ticket_id, any_value(pr_id) AS pr_id FROM named GROUP BY ticket_id HAVING count(*) = 1
)

SELECT
    tickets.ticket_id AS defect_id,
    tickets.ref,
    tickets.source_url,
    causes.pr_id AS introduced_by_pr_id,
    CASE WHEN marked.is_in_production THEN 'production' ELSE 'elsewhere' END AS found_in,
    tickets.created_at_utc AS reported_at_utc,
    CASE
        WHEN tickets.resolution = 'duplicate' THEN 'duplicate'
        WHEN tickets.resolution = 'wont_do' AND regexp_matches(
            marked.resolution, 'cannot reproduce|can.?t reproduce|not a bug|invalid|incomplete|works as|reject'
        ) THEN 'rejected'
        ELSE 'confirmed'
    END AS status,
    'explicit' AS link
FROM marked
JOIN core.tickets AS tickets ON tickets.ticket_id = marked.ticket_id
LEFT JOIN causes ON causes.ticket_id = tickets.ticket_id
