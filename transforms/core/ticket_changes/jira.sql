-- One row per change of one field of a ticket that is still there.
SELECT
    changes.change_id,
    changes.ticket_id,
    changes.occurred_at_utc,
    changes.field,
    CASE WHEN changes.field = 'assignee' THEN coalesce(before.person_id, changes.from_value)
        ELSE coalesce(changes.from_words, changes.from_value) END AS from_value,
    CASE WHEN changes.field = 'assignee' THEN coalesce(after.person_id, changes.to_value)
        ELSE coalesce(changes.to_words, changes.to_value) END AS to_value,
    kinds_before.category AS from_category,
    kinds_after.category AS to_category
FROM landing.jira__ticket_changes AS changes
JOIN core.tickets AS tickets ON tickets.ticket_id = changes.ticket_id
LEFT JOIN identities AS before
    ON changes.field = 'assignee'
    AND before.account_id = changes.from_value
    AND changes.occurred_at_utc >= before.from_utc
    AND changes.occurred_at_utc < before.to_utc
LEFT JOIN identities AS after
    ON changes.field = 'assignee'
    AND after.account_id = changes.to_value
    AND changes.occurred_at_utc >= after.from_utc
    AND changes.occurred_at_utc < after.to_utc
LEFT JOIN landing.jira__statuses AS kinds_before
    ON changes.field = 'status' AND kinds_before.status_id = changes.from_value
LEFT JOIN landing.jira__statuses AS kinds_after
    ON changes.field = 'status' AND kinds_after.status_id = changes.to_value
