-- One row per feature and pull request that was built for it: its title names the epic or a ticket of it, or one of its
-- labels names the feature or its flag. A ticket that was moved is known by the keys it had before, too.
WITH keys AS (
    SELECT ref, ticket_id FROM core.tickets
    UNION
    SELECT from_value, ticket_id FROM core.ticket_changes WHERE field = 'key' AND from_value IS NOT NULL
),

epics AS (
    SELECT features.feature_id, keys.ticket_id
    FROM core.features AS features
    JOIN keys ON keys.ref = features.epic
),

belonging AS (
    SELECT feature_id, epic AS ref, 'epic' AS named_by FROM core.features WHERE epic IS NOT NULL
    UNION
    SELECT epics.feature_id, keys.ref, 'epic'
    FROM epics
    JOIN keys ON keys.ticket_id = epics.ticket_id
    UNION
    SELECT epics.feature_id, keys.ref, 'ticket'
    FROM epics
    JOIN core.tickets AS tickets ON tickets.epic_ticket_id = epics.ticket_id
    JOIN keys ON keys.ticket_id = tickets.ticket_id
),

named AS (
    SELECT pull_request_id, unnest(list_distinct(regexp_extract_all(title, '\b[A-Z][A-Z0-9_]+-\d+\b'))) AS ref
    FROM landing.github__pull_requests
),

labelled AS (
    SELECT pull_request_id, lower(unnest(labels)) AS label FROM landing.github__pull_requests
),

found AS (
    SELECT belonging.feature_id, named.pull_request_id, belonging.named_by
    FROM named
    JOIN belonging ON belonging.ref = named.ref
    UNION ALL
    SELECT features.feature_id, labelled.pull_request_id, 'label'
    FROM labelled
    JOIN core.features AS features
        ON labelled.label IN (lower(features.flag), 'flag:' || lower(features.flag), 'feature:' || lower(features.feature_id))
)

SELECT feature_id, pull_request_id AS pr_id, min(named_by) AS named_by
FROM found
GROUP BY feature_id, pull_request_id
