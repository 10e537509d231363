-- One row per ticket that is still there, as its history says it was at the as-of.
WITH history AS (
    -- The last change before the as-of and the first after it, of what a ticket shows only as it is now.
    SELECT
        ticket_id,
        field,
        arg_max(
            {'value': to_value, 'words': to_words, 'changed_at_utc': occurred_at_utc}, (occurred_at_utc, change_id)
        ) FILTER (occurred_at_utc <= $as_of_utc) AS last_before,
        arg_min({'value': from_value, 'words': from_words}, (occurred_at_utc, change_id))
            FILTER (occurred_at_utc > $as_of_utc) AS first_after
    FROM landing.jira__ticket_changes
    WHERE field IN ('status', 'resolution', 'assignee')
    GROUP BY ticket_id, field
),

then_ AS (
    SELECT
        tickets.*,
        CASE WHEN statuses.first_after IS NOT NULL THEN statuses.first_after['value'] ELSE tickets.status_id END
            AS status_id_then,
        CASE WHEN statuses.first_after IS NOT NULL THEN statuses.first_after['words'] ELSE tickets.status END
            AS status_then,
        CASE WHEN assignees.first_after IS NOT NULL THEN assignees.first_after['value']
            ELSE tickets.assignee_account_id END AS assignee_then,
        CASE WHEN resolutions.first_after IS NOT NULL THEN resolutions.first_after['words']
            ELSE tickets.resolution END AS resolution_then,
        CASE
            WHEN resolutions.first_after IS NULL THEN tickets.resolved_at_utc
            WHEN resolutions.last_before['words'] IS NOT NULL THEN resolutions.last_before['changed_at_utc']
        END AS resolved_then
    FROM landing.jira__tickets AS tickets
    LEFT JOIN history AS statuses ON statuses.ticket_id = tickets.ticket_id AND statuses.field = 'status'
    LEFT JOIN history AS resolutions
        ON resolutions.ticket_id = tickets.ticket_id AND resolutions.field = 'resolution'
    LEFT JOIN history AS assignees ON assignees.ticket_id = tickets.ticket_id AND assignees.field = 'assignee'
),

refs AS (
    SELECT ref, arg_max(ticket_id, (_load, _page)) AS ticket_id FROM landing.jira__tickets GROUP BY ref
)

SELECT
    then_.ticket_id,
    then_.ref,
    then_.source_url,
    then_.project_key AS project,
    then_.type,
    then_.status_then AS status,
    kinds.category AS status_category,
    CASE
        WHEN then_.resolved_then IS NULL THEN NULL
        WHEN lower(then_.resolution_then) LIKE '%duplicate%' THEN 'duplicate'
        WHEN regexp_matches(
            lower(then_.resolution_then),
            'won.?t|wont|declin|reject|cannot reproduce|can.?t reproduce|not a bug|invalid|incomplete|works as|'
            'abandon|obsolete|out of scope|cancel'
        ) THEN 'wont_do'
        ELSE 'done'
    END AS resolution,
    coalesce(assignees.person_id, then_.assignee_then) AS assignee_id,
    then_.created_at_utc,
    then_.resolved_then AS resolved_at_utc,
    then_.due_date,
    then_.parent_ticket_id,
    CASE
        WHEN then_.parent_is_epic THEN then_.parent_ticket_id
        WHEN then_.epic_ref IS NOT NULL THEN epics.ticket_id
        WHEN parents.parent_is_epic THEN parents.parent_ticket_id
        ELSE parent_epics.ticket_id
    END AS epic_ticket_id,
    then_.labels,
    then_.components,
    then_.fix_versions,
    then_.sprint_ids
FROM then_
LEFT JOIN landing.jira__statuses AS kinds ON kinds.status_id = then_.status_id_then
LEFT JOIN core.accounts AS assignees ON assignees.account_id = then_.assignee_then
LEFT JOIN refs AS epics ON epics.ref = then_.epic_ref
LEFT JOIN landing.jira__tickets AS parents ON parents.ticket_id = then_.parent_ticket_id
LEFT JOIN refs AS parent_epics ON parent_epics.ref = parents.epic_ref
